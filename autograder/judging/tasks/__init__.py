"""The tasks, one file each: `TASK` is what it defines, what its check looks at, and how that is judged.

`DEFINITIONS` are all of them by id, each behind the one that it says it comes `after`. Another file in this folder with a `TASK`
is another task, and no list names it. `families.py` has what several share.

Runs in: a student's session (`check`), and the grader's process, as all of `judging/`.
Imports: `judging` and what that imports. No other module names a task.
Read by students: yes. A task says what a right solution is judged by, and holds none.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator

from autograder.judging.task import Definition


def found() -> list[Definition]:
    """The `TASK` of each module in this folder."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return [module.TASK for module in modules if hasattr(module, "TASK")]


def in_order(definitions: Iterable[Definition]) -> dict[str, Definition]:
    """By id, in their order. Raises ValueError where one comes after a task that is not there, or two have one id."""
    definitions = sorted(definitions, key=lambda definition: definition.id)

    def following(before: str | None) -> Iterator[Definition]:
        for one in definitions:
            if one.after == before:
                yield one
                yield from following(one.id)

    ordered = {definition.id: definition for definition in following(None)}
    if lost := [one.id for one in definitions if ordered.get(one.id) is not one]:
        raise ValueError(f"{lost} have an id that another task has, or come after a task that is not there")
    return ordered


DEFINITIONS = in_order(found())
