"""One turn of a student's, for `autograder watch`: collect, grade, write the feedback and release it, as Formgrader does it.

Each turn is a process of its own, forked from one that has imported nbgrader, and so begins at once. It can be killed at any
time: what it had made is made again. It ends by itself when the watcher does.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import GenerateFeedback
from nbgrader.exchange import ExchangeFactory
from nbgrader.utils import capture_log
from pydantic import BaseModel

from autograder.grading.turns import NEVER, Places, Running
from autograder.plugins.autograde import GradeSubmissions
from autograder.plugins.course import tolerant
from autograder.plugins.handed import Handed

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload([__name__, "nbgrader.apps.nbgraderapp", "autograder.plugins.steps"])


@dataclass(frozen=True)
class Wanted:
    """What a turn is to do.

    Attributes:
        grade: else it is only collected.
        notebooks: those to be graded; all when None.
        feedback: whether it is released.
    """

    course: Path
    assignment: str
    student: str
    grade: bool
    notebooks: tuple[str, ...] | None = None
    feedback: bool = True


class Came(BaseModel):
    """What a turn came to.

    Attributes:
        collected, graded: when what is in `submitted/`, and in `autograded/`, was handed in.
        error: what failed on our side; empty where nothing did.
    """

    collected: datetime = NEVER
    graded: datetime = NEVER
    error: str = ""


class Turn:
    """A turn that has begun.

    Args:
        log: what it says goes there, in place of what the one before said.
    """

    def __init__(self, wanted: Wanted, log: Path) -> None:
        self._reading, writing = FORKING.Pipe(duplex=False)
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._process = FORKING.Process(target=_work, args=(wanted, log, writing), daemon=True)
        self._process.start()
        writing.close()

    @property
    def handle(self) -> int:
        """Of the process; it can be waited for."""
        return self._process.sentinel

    @property
    def is_over(self) -> bool:
        return self._process.exitcode is not None

    def came(self) -> Came:
        """What a turn that is over came to."""
        self._process.join()
        try:
            return Came.model_validate_json(self._reading.recv_bytes())
        except (EOFError, OSError):
            return Came(error=f"the process ended with {self._process.exitcode}; see {self._log}")
        finally:
            self._reading.close()
            self._process.close()

    def kill(self) -> None:
        self._process.kill()
        self.came()


@dataclass
class UnderWay:
    """A turn that has begun."""

    turn: Turn
    run: Running
    newest: Handed
    began: datetime
    grades: bool


def places() -> Places:
    """How many turns are taken side by side here."""
    cores = len(os.sched_getaffinity(0))
    return Places(quick=max(2, min(cores, 8)), slow=max(1, min(cores // 2, 4)))


def application(course: Path) -> NbGrader:
    """nbgrader with the settings of a course, whose directory is the current one from now on."""
    os.chdir(course)
    app = NbGrader()
    app.initialize([])
    return app


def handed_in_at(coursedir: Any, step: str, wanted: tuple[str, str]) -> datetime:
    """When what a step has of a student was handed in; long ago where it has nothing, or nothing that says so.

    Args:
        wanted: assignment and student.
    """
    assignment, student = wanted
    folder = Path(coursedir.root, coursedir.format_path(step, student, assignment))
    found = tolerant(coursedir.get_existing_timestamp)(str(folder))
    return found.replace(tzinfo=UTC) if found else NEVER


def _work(wanted: Wanted, log: Path, told: Connection) -> None:
    """The process of a turn."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_ends_with, args=(parent.sentinel,), daemon=True).start()
    with log.open("wb") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    app = application(wanted.course)
    told.send_bytes(_Steps(app, wanted).take().model_dump_json().encode())


def _ends_with(parent: int) -> None:
    wait([parent])
    os.kill(os.getpid(), signal.SIGKILL)


class _Steps:
    """nbgrader's steps for one student. They ask no hub who that is: whose a submission is, its owner says."""

    def __init__(self, app: NbGrader, wanted: Wanted) -> None:
        self._app, self._wanted, self._coursedir = app, wanted, app.coursedir
        self._exchange = ExchangeFactory(parent=app)
        self._coursedir.assignment_id, self._coursedir.student_id = wanted.assignment, wanted.student
        self._where = (wanted.assignment, wanted.student)

    def take(self) -> Came:
        """Takes them, up to the first that fails."""
        error = self._step(self._exchange.Collect, update=True)
        if self._wanted.grade and not error:
            error = self._grade()
        submitted, graded = (
            handed_in_at(self._coursedir, step, self._where)
            for step in (self._coursedir.submitted_directory, self._coursedir.autograded_directory)
        )
        if self._wanted.grade and self._wanted.feedback and not error and submitted == graded != NEVER:
            error = self._give_back()
        return Came(collected=submitted, graded=graded, error=error)

    def _grade(self) -> str:
        """Grades what has not been graded; answers what failed."""
        for name in self._names:
            self._coursedir.notebook_id = name
            error = self._step(GradeSubmissions, create_student=True)
            if error:
                return error
        return ""

    def _give_back(self) -> str:
        """Writes the feedback anew, and releases it; answers what failed."""
        folder = self._coursedir.format_path(self._coursedir.feedback_directory, *reversed(self._where))
        shutil.rmtree(Path(self._coursedir.root, folder), ignore_errors=True)  # nothing of an earlier hand-in goes out
        for name in self._names:
            self._coursedir.notebook_id = name
            error = self._step(GenerateFeedback, force=True)
            if error:
                return error
        return self._step(self._exchange.ReleaseFeedback)

    @property
    def _names(self) -> Sequence[str]:
        return sorted(self._wanted.notebooks) if self._wanted.notebooks else ("*",)

    def _step(self, kind: Any, **settings: bool) -> str:
        """Takes a step, whose log is printed. Answers why it failed, in one line; empty where it did not."""
        step, began = kind(coursedir=self._coursedir, parent=self._app), time.monotonic()
        for name, value in settings.items():
            setattr(step, name, value)
        outcome = capture_log(step)
        log = str(outcome.get("log", "")), str(outcome.get("error", ""))
        print(f"{kind.__name__}: {time.monotonic() - began:.1f} s", *log, sep="\n", flush=True)
        if outcome["success"]:
            return ""
        last = log[1].strip().splitlines()[-1:] or ["it failed"]
        return last[0].partition(": ")[2] or last[0]
