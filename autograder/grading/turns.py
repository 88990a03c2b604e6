"""Whose turn it is when hand-ins are graded as they come. Pure functions, and what is kept of each student between runs.

A student has one turn at a time, for the newest hand-in. Whoever was graded least recently comes first. A run that takes more
than its share makes room where others wait: it goes on in a slow place, or begins anew there when one is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

from autograder.course.watch import Watch, day_of
from autograder.grading.records import kept
from autograder.system.files import write_whole

SHARE_SECONDS = 60.0
"""What every run may take, however quick the others are."""
USUAL = 3.0
"""A run's share, in times of what the median run takes."""
MAX_NUMBER = 200
"""Hand-ins of one student and day that are told apart; the profile allows no more than 100 to be graded at once."""
LONGEST_WAIT = 3600.0
"""Seconds between two tries, where grading fails on our side."""
NEVER = datetime(1, 1, 1, tzinfo=UTC)


class HandIns(BaseModel):
    """What is kept of one student's hand-ins.

    Attributes:
        today: of the newest day, when each was handed in, by what its name says.
        collected, done: the time of handing in of the one that has been collected, and of the one whose verdict is out.
        turn: when the last run for it began.
        failures: runs in a row that failed on our side, the last at `failed`, with `error`.
    """

    model_config = ConfigDict(extra="ignore")

    today: dict[str, AwareDatetime] = {}
    collected: AwareDatetime = NEVER
    done: AwareDatetime = NEVER
    turn: AwareDatetime = NEVER
    failures: int = 0
    failed: AwareDatetime = NEVER
    error: str = ""

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """What was kept; None where nothing was, or it cannot be read."""
        return kept(cls, path)

    def write(self, path: Path) -> None:
        write_whole(path, self.model_dump_json())

    def number(self, name: str, counted: datetime) -> int:
        """Which of the day's hand-ins this one is; the first is 1. One that is new is noted.

        Args:
            name: what tells it from the student's others.
            counted: when it was handed in.
        """
        day = day_of(self.today.get(name, counted))
        if any(day_of(one) < day for one in self.today.values()):
            self.today = {each: one for each, one in self.today.items() if day_of(one) >= day}
        if len(self.today) < MAX_NUMBER:
            self.today.setdefault(name, counted)
        mine = self.today.get(name, counted)
        same_day = sorted((one, each) for each, one in self.today.items() if day_of(one) == day)
        return 1 + sum(each < (mine, name) for each in same_day)

    @property
    def again(self) -> float:
        """Seconds from a failed run to the next try."""
        return min(60.0 * 5 ** (self.failures - 1), LONGEST_WAIT) if self.failures else 0.0

    def succeeded(self, done: datetime) -> None:
        self.done, self.failures, self.error = done, 0, ""

    def handed_in_again(self) -> None:
        """Has the newest hand-in taken without waiting for the failures of the one before; its own come after a turn."""
        self.failures, self.error = 0, ""

    def has_failed(self, now: datetime, error: str) -> None:
        self.failures, self.failed, self.error = self.failures + 1, now, error


@dataclass(frozen=True)
class Waiting:
    """A student's newest hand-in, not graded yet.

    Attributes:
        handed_in: when.
        due: from when on it is graded.
        turn: when the student's last run began.
        slow: whether a run of it has had to make room.
    """

    student: str
    handed_in: datetime
    due: datetime
    turn: datetime = NEVER
    slow: bool = False

    def is_ready(self, watch: Watch, now: datetime) -> bool:
        return now >= self.due and watch.is_open(now)


@dataclass(frozen=True)
class Running:
    """A run: when it began, in seconds of the same clock as `now`, and whether in a slow place."""

    student: str
    began: float
    slow: bool = False


@dataclass(frozen=True)
class Places:
    """How many runs there may be side by side."""

    quick: int
    slow: int


@dataclass(frozen=True)
class Plan:
    """Who begins, whose run goes on in a slow place, and whose ends to begin there later."""

    begin: tuple[Waiting, ...] = ()
    moved: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


def in_turn(ready: Iterable[Waiting]) -> list[Waiting]:
    """Least recently graded first; of these, who handed in first."""
    return sorted(ready, key=lambda one: (one.turn, one.handed_in, one.student))


def share(took: Sequence[float]) -> float:
    """Seconds after which a run makes room for others.

    Args:
        took: what the last runs took, one for each student.
    """
    return max(SHARE_SECONDS, USUAL * median(took)) if took else SHARE_SECONDS


def plan(ready: Iterable[Waiting], running: Sequence[Running], places: Places, seconds: float, now: float) -> Plan:
    """What is to be done now.

    Args:
        ready: hand-ins that are due, of students without a run.
        seconds: the share of a run.
    """
    turns = in_turn(ready)
    quick, slow = [one for one in turns if not one.slow], [one for one in turns if one.slow]
    at_work = [run for run in running if not run.slow]
    free, free_slow = places.quick - len(at_work), places.slow - (len(running) - len(at_work))
    moved, ended = [], []
    for run in sorted(at_work, key=lambda run: run.began):
        if free >= len(quick) or now - run.began <= seconds:
            break
        if free_slow > 0:
            moved.append(run.student)
            free_slow -= 1
        else:
            ended.append(run.student)
        free += 1
    begin = (*quick[: max(0, free)], *slow[: max(0, free_slow)])
    return Plan(begin, tuple(moved), tuple(ended))
