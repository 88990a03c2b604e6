"""`nbgrader autograde` for an assignment of ours: submissions are executed ahead, judged when done, and none stops the others.

nbgrader's own converter has no setting for its order of work, and copies whatever a submission holds before any of its
steps can look. So `install` puts `GradeSubmissions` where nbgrader's commands (and Formgrader) look the converter up. An
assignment that is not ours (`is_ours`) is graded by nbgrader's own code.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import signal
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import nbformat
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.apps import api, autogradeapp
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter, NbGraderException
from traitlets import Integer

from autograder.course.profile import Profile
from autograder.errors import AutograderError, Damaged, NotJudged, NotReady, ProfileError
from autograder.facts.verdict import Verdict
from autograder.grading import run_summary as ending
from autograder.grading.claims import Claim
from autograder.grading.execution_pool import Ahead, Pending, Run, wait_for_one
from autograder.grading.gradebook import in_words, is_the_courses, refuse_closed
from autograder.grading.helpers import end_kernels
from autograder.grading.records import Record, Records
from autograder.judging.contract import Task, tasks
from autograder.plugins.course import Resources, released_notebooks, released_profile, tolerant
from autograder.plugins.execute import GradeExecute
from autograder.submissions.repair import Repair
from autograder.submissions.submission import Submission
from autograder.words.sentences import REASONS, UNREADABLE
from autograder.words.tables import say

WINDOW = 32
"""Submissions that have been begun and not yet judged, at most."""


@dataclass
class Begun:
    """A submission that has been sanitized, and whose notebooks are being executed.

    Attributes:
        notebooks: the execution of each notebook, by its name.
        failures: what went wrong on our side, by notebook.
    """

    student: str
    claim: Claim
    notebooks: dict[str, Pending] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def done(self) -> bool:
        """Whether it can be judged without waiting."""
        return all(pending.done() for pending in self.notebooks.values())


class OrdinaryFiles(BaseConverter):  # type: ignore[misc]
    """Copies a submission's files to where they are graded, as nbgrader does, but for those that are set aside."""

    _submission: Submission | None = None

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        if self._submission is None:
            super().init_assignment(assignment_id, student_id)
        else:
            target = Path(self._format_dest(assignment_id, student_id))
            self._submission.copy_files(target, [*self.coursedir.ignore, "*.ipynb"])


class GradeSubmissions(Autograde, OrdinaryFiles):  # type: ignore[misc]
    """nbgrader's converter, with its two passes apart: all that can be executed is, while the judge is at work."""

    side_by_side = Integer(
        max(1, min(4, 1 + (os.cpu_count() or 1))), help="Notebooks that are executed at the same time."
    ).tag(config=True)

    _profile: Profile | None = None

    def init_notebooks(self) -> None:
        """nbgrader's, but with every submission of ours: what is in it is seen when it is its turn."""
        try:
            self._profile = released_profile(self.coursedir, self.coursedir.assignment_id)
        except ProfileError as error:
            self.log.error("%s", error)
            raise NbGraderException(str(error)) from error
        if self._profile is None:
            super().init_notebooks()
            return
        pattern = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        self.assignments: dict[str, list[str]] = {path: [] for path in glob.glob(pattern, root_dir=self.coursedir.root)}
        if not self.assignments:
            said = f"Nothing has been handed in: there is no folder {Path(self.coursedir.root, pattern)}"
            self.log.error("%s", said)
            raise NbGraderException(said)

    def convert_notebooks(self) -> None:
        if self._profile is None:
            super().convert_notebooks()
            return
        self._course = Path(self.coursedir.root).resolve()
        if "get_existing_timestamp" not in vars(self.coursedir):
            self.coursedir.get_existing_timestamp = tolerant(self.coursedir.get_existing_timestamp)
        self._released = released_notebooks(self.coursedir, self.coursedir.assignment_id)
        self._wanted = [name for name in self._released if fnmatch(name, self.coursedir.notebook_id)]
        if not self._wanted:
            said = (
                f"There is no notebook {self.coursedir.notebook_id!r} in the release, but {', '.join(self._released)}"
            )
            self.log.error("%s", said)
            raise NbGraderException(said)
        self._pending: dict[tuple[str, str], Pending] = {}
        self._failed: list[str] = []
        self._claims: list[Claim] = []
        self._ahead = Ahead(self.side_by_side)
        try:
            refuse_closed(self.coursedir.db_url, [self._course / name for name in ("autograded", "verdicts")])
            with utils.setenv(NBGRADER_EXECUTION="autograde"), ends_on_sigterm():
                self._grade_all()
        except BaseException as error:
            end_kernels()  # and with them what is being executed
            for claim in self._claims:
                claim.leave()
            if isinstance(error, AutograderError) or is_the_courses(error):
                said = str(error) if isinstance(error, AutograderError) else in_words(error, self.coursedir.db_url)
                self.log.error("%s", said)
                raise NbGraderException(said) from error
            raise
        finally:
            self._ahead.end()
        self._tell()

    def _grade_all(self) -> None:
        """Begins submissions as long as there is somebody to execute them, and judges each when it is done."""
        folders = sorted(self.assignments, reverse=True)
        waiting: list[Begun] = []
        while folders or waiting:
            done = next((begun for begun in waiting if begun.done()), None)
            if folders and len(waiting) < WINDOW and (done is None or self._ahead.wants_more):
                begun = self._begin(folders.pop())
                waiting += [begun] if begun is not None else []
            elif done is not None:
                waiting.remove(done)
                self._finish(done)
            else:
                wait_for_one(pending for begun in waiting for pending in begun.notebooks.values())

    # --- First: the submission as it is to run ---

    def _begin(self, folder: str) -> Begun | None:
        """Sanitizes a submission, and has its notebooks executed; None where there is nothing to do for it."""
        student, assignment = self._whose(folder), self.coursedir.assignment_id
        self.notebooks = [str(Path(folder, f"{name}.ipynb")) for name in self._wanted]
        claim = Claim.take(self._course / ".autograder" / "running" / assignment / student, self.coursedir.notebook_id)
        if claim is None:
            self.log.warning("%s is being graded by another run, and left to it", student)
            return None
        self._claims.append(claim)
        if claim.left is not None:
            self.log.warning("An earlier run was cut short while it graded %s: graded anew", student)
            self._remove(student, claim.left)
        begun = Begun(student, claim)
        with self._failing(begun, "*"):
            room = int(self._profile.limits.disk_gb * 10**9) if self._profile is not None else 0
            self._submission = seen = Submission.seen(Path(folder), self._released, room)
            if not self.init_destination(assignment, student):
                claim.done(self.coursedir.notebook_id)
                return None
            self.run_pre_convert_hook()
            self.init_assignment(assignment, student)
            written = {}
            for name in self._wanted:
                if name not in seen.sources:
                    self._save_missing(student, name, seen.aside)
                    continue
                with self._failing(begun, name):
                    written[name] = self._sanitized(seen, name)
            for name, path in written.items():  # only now: a kernel may read the other notebooks
                with self._failing(begun, name):
                    begun.notebooks[name] = self._executing(path)
        return begun

    def _sanitized(self, seen: Submission, name: str) -> Path:
        """Where the sanitized notebook has been written. What was mended travels in its metadata."""
        path = seen.folder / f"{name}.ipynb"
        self.log.info("Sanitizing %s", path)
        nb, mended = seen.notebook(name, self._released[name])
        for repair in mended.repairs:
            self.log.info("%s: %s", name, say(repair.words, "en"))
        mended.into(nb)
        self._init_preprocessors()
        resources = self.init_single_notebook_resources(str(path))
        resources["metadata"] = {"name": name, "path": str(seen.folder)}
        output, resources = self.exporter.from_notebook_node(nb, resources=resources)
        self.write_single_notebook(output, resources)
        return Path(self.writer.build_directory, path.name)

    def _save_missing(self, student: str, name: str, aside: tuple[Repair, ...]) -> None:
        """Puts on record that a notebook was not handed in. Its scores, zero, have been saved by nbgrader."""
        reasons = (UNREADABLE["missing"],)
        verdicts = tuple(
            Verdict(task=task.id, check_id=task.check_id, points=task.points, reasons=reasons)
            for task in self._judged(name)
        )
        record = Record(verdicts=verdicts, repairs=(*aside, Repair(kind="missing")))
        Records(self._course).write(self.coursedir.assignment_id, student, name, record)

    def _judged(self, notebook: str) -> list[Task]:
        """The tasks of a notebook that are judged here."""
        assert self._profile is not None
        return [t for t in tasks(self._profile) if t.judged_by == "autograder" and t.notebook == notebook]

    def _executing(self, path: Path) -> Pending:
        nb = nbformat.read(path, as_version=4)
        with self._second_pass():
            resources: Resources = self.init_single_notebook_resources(str(path))
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        key, run = GradeExecute(parent=self.exporter).begin(nb, resources)
        return self._ahead.begin(key, run)

    # --- Then: the judge ---

    def _finish(self, begun: Begun) -> None:
        """Judges a submission's notebooks, and saves what is due."""
        student, assignment = begun.student, self.coursedir.assignment_id
        for name, pending in begun.notebooks.items():
            with self._failing(begun, name):
                self._pending[student, name] = pending
                self._autograde(str(Path(self._format_dest(assignment, student)) / f"{name}.ipynb"))
        self._pending.clear()
        with self._failing(begun, "*"):
            self.set_permissions(assignment, student)
            self.run_post_convert_hook()
        if begun.failures:
            self._failed.append(student)
            self._save_failures(begun)
            self._remove(student, self.coursedir.notebook_id)
        begun.claim.done(self.coursedir.notebook_id)

    def _autograde(self, path: str) -> None:
        self.log.info("Autograding %s", path)
        with self._second_pass():
            self._init_preprocessors()
            BaseConverter.convert_single_notebook(self, path)

    @contextlib.contextmanager
    def _second_pass(self) -> Iterator[None]:
        """Notebooks are now those that have been sanitized."""
        self._sanitizing = False
        try:
            yield
        finally:
            self._sanitizing = True

    def init_single_notebook_resources(self, notebook_filename: str) -> Resources:
        resources: Resources = super().init_single_notebook_resources(notebook_filename)
        if self._profile is not None and not self._sanitizing:
            names = resources["nbgrader"]
            pending = self._pending.get((names["student"], names["notebook"]))
            wait: Run | None = (lambda: pending.result()) if pending else None  # a function, since nbconvert copies it
            resources["autograder"] = {"execution": wait}
        return resources

    # --- Where our own side fails ---

    @contextlib.contextmanager
    def _failing(self, begun: Begun, notebook: str) -> Iterator[None]:
        """Notes what goes wrong on our side with one submission, and the others go on; the course's own trouble ends the run."""
        try:
            yield
        except NotJudged as error:
            self.log.error("%s", error)
            begun.failures[notebook] = ""  # what is to be saved has been
        except Exception as error:
            if is_the_courses(error) or (isinstance(error, NotReady) and not isinstance(error, Damaged)):
                raise
            self.log.error("There was an error processing %s, %s\n%s", begun.student, notebook, traceback.format_exc())
            begun.failures[notebook] = f"{type(error).__name__}: {error}"[:300]

    def _save_failures(self, begun: Begun) -> None:
        """Puts `not judged` on record where nothing was saved, and takes back scores of earlier runs."""
        records, assignment = Records(self._course), self.coursedir.assignment_id
        whole = begun.failures.pop("*", None)
        failures = begun.failures if whole is None else dict.fromkeys(self._wanted, whole) | begun.failures
        for notebook, said in failures.items():
            if not said:
                continue
            reason = REASONS["fault"].fill(fault=said)
            verdicts = tuple(
                Verdict(task=t.id, check_id=t.check_id, points=t.points, state="not judged", reasons=(reason,))
                for t in self._judged(notebook)
            )
            with contextlib.suppress(Damaged):  # it stays as it is: nothing is lost
                before = records.read(assignment, begun.student, notebook)
                answers = before.answers if before else {}
                records.write(assignment, begun.student, notebook, Record(verdicts=verdicts, answers=answers))
            with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
                gradebook.update_or_create_student(begun.student)
                gradebook.update_or_create_submission(assignment, begun.student)
                for grade in gradebook.find_submission_notebook(notebook, assignment, begun.student).grades:
                    if grade.name in {verdict.check_id for verdict in verdicts}:
                        grade.auto_score = None
                gradebook.db.commit()

    def _remove(self, student: str, what: str) -> None:
        """Removes what there is of a graded submission ("*"), or of one notebook of it."""
        folder = Path(self._format_dest(self.coursedir.assignment_id, student))
        if what == "*" and folder.exists():
            utils.rmtree(str(folder))
        elif what != "*" and (folder / f"{what}.ipynb").exists():
            utils.remove(str(folder / f"{what}.ipynb"))

    def _whose(self, folder: str) -> str:
        pattern = self._format_source("(?P<assignment_id>.*)", "(?P<student_id>.*)", escape=True)
        found = re.match(pattern, folder)
        if found is None:
            raise NotReady(f"{folder} is not where a submission should be ({pattern})")
        return found["student_id"]

    def _tell(self) -> None:
        students = [self._whose(folder) for folder in sorted(self.assignments)]
        for line in ending.lines(list(ending.recorded(self._course, self.coursedir.assignment_id, students))):
            self.log.warning("%s", line)
        if self._failed:
            said = f"Not judged: {', '.join(sorted(self._failed))}. Run the same command again; it takes only those."
            self.log.error("%s", said)
            raise NbGraderException(said)


@contextlib.contextmanager
def ends_on_sigterm() -> Iterator[None]:
    """Has SIGTERM end the process in good order, as Ctrl-C does. Signals are the main thread's."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(*_: Any) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def install() -> None:
    """Has nbgrader use `GradeSubmissions` wherever it would use its own converter."""
    for module in (autogradeapp, api):
        module.Autograde = GradeSubmissions
