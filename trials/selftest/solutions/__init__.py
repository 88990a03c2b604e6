"""The library of solutions: a file for each task has what is right (`RIGHT`) and what is wrong (`WRONG`) about it.

Another file in this folder is more solutions, and no list names it; `pieces.py` and `families.py` have what several share.
Right ones stand on a page of code with a heading each (`pieces.page`), wrong ones in a table (`library.Mistakes`). All were
written from the contract and tried against the installed libraries, without a look at the checks: where a check disagrees,
one of the two is mistaken, and the contract says which.

Right ones do what their tasks ask, in the way of somebody: who reads LangChain's documentation or that of transformers, who asks
a chat assistant, who remembers an older edition, who writes helper functions. Where what came back was changed beyond
recognition, the points stay and a person looks (`review`). How they are written, so that one fits every profile and stands
beside others in one notebook:

- Values come from the vocabulary of `authoring.py`; the chapter's model may be a base model, which has no chat template.
- A solution that is not `alone` leaves behind what other cells count on: `llm`, and the class by its name, after a
  loading cell; after `chain` a chatbot that takes a list or a dict of messages and answers with text.
- Answers may be gibberish or empty: no code depends on what the model says.

Wrong ones are what students hand in that must lose points, and exactly which, with the hint that is due: one mistake, in one cell
where that can be (the rest is the reference solution). What a mistake costs is in `loses`, later tasks included where they have
nothing of their own to show: the chain was never made, so nothing was asked. Where a later task is right but for an earlier
mistake, it loses nothing. `hint` is None where the profile decides which one is due (a chatbot on a base model here, on an
instruct model there). A few answers written by hand lose nothing and go to a person: nobody can tell them from processed ones.

What this is not: a list of all right solutions, or of good style. Attacks on the grader are in `trials/attacks`.

Runs in: a developer's or an instructor's process, which writes them into notebooks; they run in jailed kernels.
Imports: `judging.tasks` of `autograder`, and `trials/selftest/library`.
Read by students: no.
"""

from __future__ import annotations

import importlib
import pkgutil

from autograder.judging.tasks import DEFINITIONS
from trials.selftest.library import Solution

_IN_ORDER = [name.replace("-", "_") for name in DEFINITIONS]


def _place(name: str) -> int:
    """A module's place in the order of tasks; after them where it is of no single task."""
    task = name.removesuffix("_wrong")
    return _IN_ORDER.index(task) if task in _IN_ORDER else len(_IN_ORDER)


_FOUND = sorted((module.name for module in pkgutil.iter_modules(__path__)), key=lambda name: (_place(name), name))
_MODULES = [importlib.import_module(f"{__name__}.{name}") for name in _FOUND]

RIGHT: tuple[Solution, ...] = tuple(one for module in _MODULES for one in getattr(module, "RIGHT", ()))
WRONG: tuple[Solution, ...] = tuple(one for module in _MODULES for one in getattr(module, "WRONG", ()))
