"""The library of solutions that `autograder selftest` grades: what a solution is, and how it becomes cells.

The solutions themselves are in `library_right.py` and `library_wrong.py`, written from the contract. Each is a few cells
that differ from the reference solution, as templates with the vocabulary of `authoring.py`, so that the same library fits
every profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from .authoring import render
from .classes import Cells
from .contract import Task, tasks
from .profile import Profile, Role

EXTRA_CELLS = frozenset({"model-home-again", "prompt-again"})
"""Unscored solution cells that a solution may write."""


@dataclass(frozen=True)
class Solution:
    """What a student wrote, and what is due for it.

    Attributes:
        name: what is special about it, in a few words; unique in the library.
        cells: code by task id (`temperature-1`, …; also `prompt-again`), in the place of the reference solution's.
        loses: for a wrong one, the criteria that must not have their points, by task id. All others must keep theirs.
        hint: key in `words.HINTS` of the hint that the first failed criterion of the first losing task shows.
        review: tasks that go to a person, with their points proposed.
        alone: not to be put into one notebook with other solutions, since its cells change what later ones see.
    """

    name: str
    cells: Mapping[str, str]
    loses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    hint: str | None = None
    review: frozenset[str] = frozenset()
    alone: bool = False

    def fits(self, profile: Profile) -> bool:
        """Whether every task that it is about is in use, and every model that it names is there."""
        in_use = {task.id for task in tasks(profile)} | EXTRA_CELLS
        missing = [role for role in get_args(Role) if getattr(profile.models, role) is None]
        named = any(f"models.{role}" in code for role in missing for code in self.cells.values())
        return set(self.cells) | set(self.loses) <= in_use and not named

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
