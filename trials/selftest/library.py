"""The library of solutions that `python -m trials selftest` grades: what a solution is, and how it becomes cells.

The solutions themselves are in `solutions/`, a file for each task, written from the contract. Each is a few cells
that differ from the reference solution, as templates with the vocabulary of `authoring.py`, so that the same library fits
every profile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import get_args

from autograder.course.profile import Profile, Role
from autograder.judging.contract import tasks
from autograder.judging.task import Task
from autograder.release.authoring import render
from trials.classes import Cells

_TASK_OF = re.compile(r"task_of\(\"([\w-]+)\"\)")
_UNLESS = re.compile(r"task_of\(\"([\w-]+)\"\)[^»]*? if uses\(\"\1\"\) else")
"""What a template says of another task only where that one is in use."""
EXTRA_CELLS = frozenset({"model-home-again", "prompt-again"})
"""Unscored solution cells that a solution may write."""


Losses = Mapping[str, frozenset[str]]
"""Names of criteria, by task id."""


@dataclass(frozen=True)
class Solution:
    """What a student wrote, and what is due for it.

    Attributes:
        name: what is special about it, in a few words; unique in the library.
        cells: code by task id (`temperature-1`, …; also `prompt-again`), in the place of the reference solution's.
        loses: for a wrong one, the criteria that must not have their points, by task id. All others must keep theirs.
        hint: key in `words.HINTS` of the hint that the first failed criterion of the first losing task shows.
        review: tasks that go to a person, with their points proposed.
        alone: whether its cells change what later tasks see (`Definition.builds_on`): no other solution of those tasks may share
            its notebook. Every other one leaves behind what the reference's later cells count on.
        needs_text: whether it differs from a right one only where the model's output is not empty. An echo's never is, and a
            tiny model's sometimes is.
    """

    name: str
    cells: Mapping[str, str]
    loses: Losses = field(default_factory=dict)
    hint: str | None = None
    review: frozenset[str] = frozenset()
    alone: bool = False
    needs_text: bool = False

    def adapted(self, profile: Profile) -> Solution | None:
        """What there is of it under a profile; None where it is about a task or a model that is not in use.

        What it loses in tasks that are left out falls away. So do a right solution's cells for such tasks, where its
        first cell stays: the others build on that one. A wrong one's cells belong together.
        """
        in_use = {task.id for task in tasks(profile)} | EXTRA_CELLS
        first = next(name for name in (*self.loses, *self.cells) if name not in EXTRA_CELLS)
        cells = {name: code for name, code in self.cells.items() if name in in_use}
        if first not in in_use or (self.loses and len(cells) < len(self.cells)):
            return None
        missing = [role for role in get_args(Role) if getattr(profile.models, role) is None]
        if any(f"models.{role}" in code for role in missing for code in cells.values()):
            return None
        if any(named not in in_use for code in cells.values() for named in _TASK_OF.findall(_UNLESS.sub("", code))):
            return None
        loses = {name: criteria for name, criteria in self.loses.items() if name in in_use}
        return replace(self, cells=cells, loses=loses, review=self.review & in_use)

    def renamed(self, **words: str) -> Solution:
        """The same with other words, wherever these stand: in its name, its code, and for tasks."""

        def said(text: str) -> str:
            return reduce(lambda so_far, word: so_far.replace(word, words[word]), words, text)

        cells = {said(task): said(code) for task, code in self.cells.items()}
        loses = {said(task): criteria for task, criteria in self.loses.items()}
        return replace(self, name=said(self.name), cells=cells, loses=loses, review=frozenset(map(said, self.review)))

    def fits(self, profile: Profile) -> bool:
        """Whether there is anything of it under a profile."""
        return self.adapted(profile) is not None

    def notebooks(self, profile: Profile) -> frozenset[str]:
        """The notebooks that its tasks are in."""
        by_id = {task.id: task.notebook for task in tasks(profile)}
        return frozenset(by_id[name] for name in {*self.cells, *self.loses} if name in by_id)

    def written(self, profile: Profile) -> Cells:
        """Its cells, filled in for a profile. Raises ContractError for an unknown name in a template."""
        by_id: dict[str, Task] = {task.id: task for task in tasks(profile)}
        return {
            name: render(source, profile, by_id.get(name), f"{self.name}: {name}")
            for name, source in self.cells.items()
        }


@dataclass(frozen=True)
class Mistakes:
    """Makes wrong solutions: one mistake in the cell of one task, where all others are the reference solution.

    Attributes:
        task: the task's id.
        about: what their names begin with.
        alone: whether they change what later tasks see, as of `Solution`.
    """

    task: str
    about: str
    alone: bool = False

    def __call__(
        self,
        name: str,
        code: str | Mapping[str, str],
        loses: frozenset[str] | Losses,
        hint: str | None,
        alone: bool = False,
        needs_text: bool = False,
    ) -> Solution:
        """A mistake in the task's cell, or in several by their tasks, that loses criteria of the task, or of several tasks.

        The other arguments are those of `Solution`.
        """
        cells = code if isinstance(code, Mapping) else {self.task: code}
        losses = loses if isinstance(loses, Mapping) else {self.task: loses}
        return Solution(f"{self.about}: {name}", cells, losses, hint, alone=alone or self.alone, needs_text=needs_text)

    def by_hand(self, code: str) -> Solution:
        """An answer written by hand beside one that a model gave, which nobody can tell from a processed one."""
        name = f"{self.about}: asked, and written by hand, which a person must tell"
        return Solution(name, {self.task: code}, review=frozenset({self.task}))
