"""How long earlier runs of a course took for each different notebook: what the next one is expected to take.

One small file; what cannot be read counts as nothing, and what cannot be written is not kept.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from autograder.grading.records import kept
from autograder.system.files import write_whole

KEPT = 20
"""Runs that are remembered, for each place."""


class RunTime(BaseModel):
    """A run that has ended well: so many notebooks were run, in so many seconds from its beginning to its end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: str
    ran: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class RunTimes(BaseModel):
    """The runs that are remembered, oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: tuple[RunTime, ...] = ()

    @classmethod
    def of(cls, course: Path) -> RunTimes:
        return kept(cls, _path(course)) or cls()

    def add(self, course: Path, run: RunTime) -> None:
        """Keeps one more."""
        there = [each for each in self.runs if each.place == run.place][1 - KEPT :]
        others = [each for each in self.runs if each.place != run.place]
        with contextlib.suppress(OSError):
            write_whole(_path(course), RunTimes(runs=(*others, *there, run)).model_dump_json(indent=1))

    def expected(self, place: str, notebooks: int) -> float | None:
        """Seconds that running so many will take there, by the mean of what all took; None where nothing was measured."""
        there = [run for run in self.runs if run.place == place]
        return notebooks * sum(run.seconds for run in there) / sum(run.ran for run in there) if there else None


def _path(course: Path) -> Path:
    return course / ".autograder" / "run-times.json"
