"""Helpers begin before anything asks for them: while nbgrader is imported and submissions are sanitized, they import too.

`autograder grade` begins them before it starts the process that grades, and hands them over: `Ahead`, and `handed_over` in that
process. `nbgrader autograde` alone begins them when it reads its settings (`begin`). Nothing depends on it: where no helper has
been begun, or one has ended, the first notebook that needs it starts one.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Self

from autograder.course.profile import Profile
from autograder.errors import HostLost
from autograder.host.control import Host
from autograder.jail.kernels import Kernels
from autograder.judging.contract import tasks

VARIABLE = "AUTOGRADER_HELPERS"
"""Where the process that grades finds its end of a pipe, which closes when the helpers are ready, and the kernels' parent."""


def first_model(profile: Profile) -> str:
    """The model that a notebook asks first; empty where none will be asked."""
    if os.environ.get("AUTOGRADER_ECHO", "") not in ("", "0"):
        return ""
    return next((task.model for task in sorted(tasks(profile), key=lambda task: task.notebook) if task.model), "")


def something_new(course: Path, assignment: str, student: str | None = None) -> bool:
    """Whether a submission has not been graded yet, so that notebooks will be executed."""
    handed_in = course.glob(f"submitted/{student or '*'}/{assignment}")
    return any(not (course / "autograded" / each.parent.name / assignment).exists() for each in handed_in)


class Ahead:
    """The helpers of a run, begun for the process that this one starts. Within the block they are waited for in a thread.

    Args:
        first: a model to load at once.
        kernels: whether kernels will be asked for.
        lost: called, in that thread, where one of them does not start.

    Attributes:
        host: the one that is kept, or one of our own where `Host.kept` finds it.
        was_kept: whether it was there before.
        handle: to be passed to the process (`pass_fds`), with `env` among its variables.
        error: why a helper did not start.

    Raises HostLost where they cannot be begun.
    """

    def __init__(self, course: Path, home: Path, first: str, kernels: bool) -> None:
        kept = Host.kept(course, home)
        self.was_kept = kept is not None
        self._kernels: Kernels | None = None
        if kernels and Kernels.kept(course, home) is None:
            self._kernels = Kernels.started(home, kernels_log(course), wait=False)
        self.host = kept or Host.started(course, home, shared=True, wait=False, first=first)
        self.error: HostLost | None = None
        self.handle, self._writing = os.pipe()
        self.env = {VARIABLE: f"{self.handle} {self._kernels.socket if self._kernels else ''}"}

    def watch(self, lost: Callable[[], None]) -> None:
        """Waits for them, in a thread of its own. `lost` is called where one does not start."""
        threading.Thread(target=self._wait, args=(lost,), name="helpers", daemon=True).start()

    def _wait(self, lost: Callable[[], None]) -> None:
        try:
            self.host.ready()
            if self._kernels is not None:
                self._kernels.ready()
        except HostLost as error:
            self.error = error
            lost()
        finally:
            os.close(self._writing)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.handle)
        self.host.end()
        if self._kernels is not None:
            self._kernels.end()


@cache
def handed_over() -> Path | None:
    """Where the parent of kernels listens that whoever started this process has begun for it; returns when it is ready."""
    handle, _, socket = os.environ.pop(VARIABLE, "").partition(" ")
    if not handle.isdecimal():
        return None
    with contextlib.suppress(OSError), open(int(handle), "rb") as pipe:
        pipe.read()
    return Path(socket) if socket else None


def kernels_log(course: Path) -> Path:
    return course / ".autograder" / "kernels.log"
