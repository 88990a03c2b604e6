"""What `autograder watch` is at, in one file of the course directory, for the staff's page (`watch_page.py`)."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from autograder.course.watch import Watch
from autograder.errors import NotReady
from autograder.system.files import write_whole

TRIES = 5
"""Of taking the lock: the staff's page has it for a moment where it looks whether a watcher has it."""
Why = Literal["turn", "hours", "number", "marking", "busy", "failed"]


class Waits(BaseModel):
    """A hand-in that waits: since when, from when on it is due, and for what; `changed` as `Handed.unlike`."""

    student: str
    handed_in: datetime
    due: datetime
    why: Why
    error: str = ""
    changed: datetime | None = None


class Runs(BaseModel):
    """A turn that is being taken."""

    student: str
    began: datetime
    slow: bool


class Ended(BaseModel):
    """A turn that has ended: seconds of the run, and from handing in to the verdict; `changed` as `Handed.unlike`."""

    student: str
    ended: datetime
    took: float
    since: float
    error: str = ""
    changed: datetime | None = None


class Now(BaseModel):
    """What the watcher is at.

    Attributes:
        watch: None while there is no release.
        trouble: why no run can begin; empty where they can.
        usual: seconds of the median run; None before the first.
        waiting: how many wait; `waits` has the first of them.
    """

    watch: Watch | None = None
    trouble: str = ""
    usual: float | None = None
    waiting: int = 0
    waits: list[Waits] = []
    runs: list[Runs] = []
    ended: list[Ended] = []

    @classmethod
    def read(cls, course: Path) -> Now | None:
        """What was written last; None where nothing was, or it cannot be read."""
        try:
            return cls.model_validate_json((folder_of(course) / "now.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, course: Path) -> None:
        write_whole(folder_of(course) / "now.json", self.model_dump_json())


def folder_of(course: Path) -> Path:
    """Where the watcher keeps what it keeps."""
    return course / ".autograder" / "watch"


@contextmanager
def only_watcher(course: Path) -> Iterator[None]:
    """Raises NotReady where another one is at work on the course."""
    path = folder_of(course) / "lock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a") as file:
        for tries in reversed(range(TRIES)):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not tries:
                    raise NotReady(
                        f"Grading on hand-in is running for {course} already, and one for a course is enough. On a hub it is "
                        "the service that ends with `-watch`."
                    ) from None
                time.sleep(0.05)
        yield


def is_running(course: Path) -> bool:
    """Whether a watcher is at work on the course."""
    with contextlib.suppress(OSError), (folder_of(course) / "lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
