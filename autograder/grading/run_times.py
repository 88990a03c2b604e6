"""How long earlier runs of a course took for each different notebook: what the next one is expected to take.

One small file; what cannot be read counts as nothing, and what cannot be written is not kept.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from statistics import median

from pydantic import BaseModel, ConfigDict, ValidationError

from autograder.system.files import write_whole

KEPT = 20
"""Runs that are remembered, for each place."""


class RunTime(BaseModel):
    """A run that has ended well: so many notebooks were run, in so many seconds from its beginning to its end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: str
    ran: int
    seconds: float


class RunTimes(BaseModel):
    """The runs that are remembered, oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: tuple[RunTime, ...] = ()

    @classmethod
    def of(cls, course: Path) -> RunTimes:
        try:
            return cls.model_validate_json(_path(course).read_text(encoding="utf-8"))
        except (OSError, ValidationError, UnicodeDecodeError):
            return cls()

    def add(self, course: Path, run: RunTime) -> None:
        """Keeps one more."""
        there = [each for each in self.runs if each.place == run.place][1 - KEPT :]
        others = [each for each in self.runs if each.place != run.place]
        with contextlib.suppress(OSError):
            write_whole(_path(course), RunTimes(runs=(*others, *there, run)).model_dump_json(indent=1))

    def expected(self, place: str, notebooks: int) -> float | None:
        """Seconds that running so many will take there, by the median of what each took; None where nothing was measured."""
        each = [run.seconds / run.ran for run in self.runs if run.place == place]
        return notebooks * median(each) if each else None


def _path(course: Path) -> Path:
    return course / ".autograder" / "run-times.json"
