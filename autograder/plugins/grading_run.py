"""One run over the submissions of an assignment of ours: they are executed ahead, judged when done, and none stops the others."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property, partial
from pathlib import Path

from nbgrader import utils

from autograder.course.profile import Profile
from autograder.errors import AutograderError, Damaged, NotJudged, NotReady
from autograder.facts.verdict import Sentence, Verdict
from autograder.grading import run_summary
from autograder.grading.claims import Claim
from autograder.grading.execution_pool import Pending, Pool, work_through
from autograder.grading.executor import Executor
from autograder.grading.gradebook import in_words, is_the_courses, refuse_closed
from autograder.grading.notebook_grading import NotebookGrading
from autograder.grading.progress import Teller
from autograder.grading.records import Record, Records
from autograder.grading.view import View
from autograder.judging.contract import tasks
from autograder.judging.task import Task
from autograder.plugins.course import released_notebooks
from autograder.plugins.run_gradebook import RunGradebook
from autograder.plugins.scores import take_back
from autograder.plugins.submission_converter import Sanitized, SubmissionConverter
from autograder.submissions.repair import Repair
from autograder.submissions.submission import Mended, Submission
from autograder.words.checks import REASONS
from autograder.words.grading import UNREADABLE
from autograder.words.tables import say

ALL = "*"
"""In place of a notebook's name: the whole submission."""


@dataclass(frozen=True)
class Underway:
    """A notebook that is being executed."""

    notebook: Sanitized
    mended: Mended
    pending: Pending


@dataclass
class Begun:
    """A submission that has been sanitized, and whose notebooks are being executed.

    Attributes:
        notebooks: by name.
        failures: what went wrong on our side, by notebook; empty where it has been put on record.
    """

    student: str
    claim: Claim
    notebooks: dict[str, Underway] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def pending(self) -> Collection[Pending]:
        return [underway.pending for underway in self.notebooks.values()]


class GradingRun:
    """A run.

    Args:
        converter: nbgrader's, which does the work on one submission.
        profile: the one that the assignment was released with.
        executor, pool: execute the notebooks, and decide which runs when.
    """

    def __init__(
        self, converter: SubmissionConverter, profile: Profile, executor: Executor, pool: Pool, progress: Teller
    ) -> None:
        self._converter, self._profile, self._log = converter, profile, converter.log
        self._coursedir = converter.coursedir
        self._assignment: str = self._coursedir.assignment_id
        self._course = Path(self._coursedir.root).resolve()
        self._records = Records(self._course, self._assignment)
        self._released = released_notebooks(self._coursedir, self._assignment)
        self._wanted = [name for name in self._released if fnmatch(name, self._coursedir.notebook_id)]
        self._executor, self._pool, self._progress = executor, pool, progress
        self._claims: list[Claim] = []
        self._failed: list[str] = []

    def grade(self, folders: Sequence[str]) -> None:
        """Grades the submissions in some folders. Raises nbgrader's own error where not everything has been judged."""
        if not self._wanted:
            released = ", ".join(self._released)
            asked = self._coursedir.notebook_id
            raise self._converter.told(f"There is no notebook {asked!r} in the release, but {released}")
        try:
            refuse_closed(self._coursedir.db_url, [self._course / name for name in ("autograded", "verdicts")])
            with utils.setenv(NBGRADER_EXECUTION="autograde"):
                work_through(folders, self._begin, self._finish, self._pool)
        except BaseException as error:
            self._executor.end()  # and with it what is being executed
            for claim in self._claims:
                claim.leave()
            if isinstance(error, AutograderError):
                raise self._converter.told(str(error)) from error
            if is_the_courses(error):
                raise self._converter.told(in_words(error, self._coursedir.db_url)) from error
            raise
        finally:
            self._pool.end()
        self._tell(folders)

    @cached_property
    def _gradebook(self) -> RunGradebook:
        made = RunGradebook(self._coursedir.db_url, self._coursedir.course_id, self._assignment)
        made.add_indexes()
        return made

    # --- First: the submission as it is to run ---

    def _begin(self, folder: str) -> Begun | None:
        """Sanitizes a submission, and has its notebooks executed; None where there is nothing to do for it."""
        student = self._converter.whose(folder)
        claim = self._claimed(student)
        if claim is None:
            return None
        begun = Begun(student, claim)
        with self._failing(begun, ALL):
            seen = Submission.seen(Path(folder), self._released, int(self._profile.limits.disk_gb * 10**9))
            if not self._converter.is_due(student, [str(Path(folder, f"{name}.ipynb")) for name in self._wanted]):
                claim.done(self._coursedir.notebook_id)
                return None
            self._converter.prepare(seen, student, self._gradebook)
            made: dict[str, tuple[Sanitized, Mended]] = {}
            for name in self._wanted:
                if name not in seen.sources:
                    self._save_missing(student, name, seen.aside)
                    continue
                with self._failing(begun, name):
                    made[name] = self._sanitized(seen, name)
            for name, (notebook, mended) in made.items():  # only now: a kernel may read the other notebooks
                with self._failing(begun, name):
                    begun.notebooks[name] = Underway(notebook, mended, self._executing(notebook, student))
        return begun

    def _claimed(self, student: str) -> Claim | None:
        """The claim on a submission; None while another run has it."""
        path = self._course / ".autograder" / "running" / self._assignment / student
        claim = Claim.take(path, self._coursedir.notebook_id)
        if claim is None:
            self._log.warning("%s is being graded by another run, and left to it", student)
            return None
        self._claims.append(claim)
        if claim.left is not None:
            self._log.warning("An earlier run was cut short while it graded %s: graded anew", student)
            self._converter.remove(student, claim.left)
        return claim

    def _sanitized(self, seen: Submission, name: str) -> tuple[Sanitized, Mended]:
        """The sanitized notebook, and what was mended in it."""
        nb, mended = seen.notebook(name, self._released[name])
        for repair in mended.repairs:
            self._log.info("%s: %s", name, say(repair.words, "en"))
        return self._converter.sanitize(nb, seen.folder / f"{name}.ipynb", self._gradebook), mended

    def _executing(self, notebook: Sanitized, student: str) -> Pending:
        nb, path = notebook.nb, notebook.path
        view = View.of(nb, path.stem, (self._course / path.parent).absolute())
        key = self._executor.key(view)
        run = partial(self._executor.execution, key, nb, view, f"{student}, {path.stem}")
        return self._pool.begin(key, run, path.stem, partial(self._executor.rehearse, key, nb, view))

    def _save_missing(self, student: str, name: str, aside: tuple[Repair, ...]) -> None:
        """Puts on record that a notebook was not handed in. Its scores, zero, have been saved by nbgrader."""
        reasons = (UNREADABLE["missing"],)
        verdicts = tuple(
            Verdict(task=task.id, check_id=task.check_id, points=task.points, reasons=reasons)
            for task in self._judged(name)
        )
        record = Record(verdicts=verdicts, repairs=(*aside, Repair(kind="missing")))
        self._records.write(student, name, record)

    def _judged(self, notebook: str) -> list[Task]:
        """The tasks of a notebook that are judged here."""
        return [t for t in tasks(self._profile) if t.judged_by == "autograder" and t.notebook == notebook]

    # --- Then: the judge ---

    def _finish(self, begun: Begun) -> None:
        """Judges a submission's notebooks, and saves what is due."""
        for name, underway in begun.notebooks.items():
            with self._failing(begun, name):
                self._log.info("Autograding %s", underway.notebook.path)
                grading = NotebookGrading(self._profile, underway.mended, underway.pending.result())
                self._converter.autograde(underway.notebook, grading)
            self._progress.tell()
        with self._failing(begun, ALL):
            self._converter.complete(begun.student)
        if begun.failures:
            self._failed.append(begun.student)
            self._save_failures(begun)
            self._converter.remove(begun.student, self._coursedir.notebook_id)
        begun.claim.done(self._coursedir.notebook_id)

    # --- Where our own side fails ---

    @contextlib.contextmanager
    def _failing(self, begun: Begun, notebook: str) -> Iterator[None]:
        """Notes what goes wrong on our side with one submission, and the others go on; the course's own trouble ends the run."""
        try:
            yield
        except NotJudged as error:
            self._log.error("%s", error)
            begun.failures[notebook] = ""  # what is to be saved has been
        except Exception as error:
            if is_the_courses(error) or (isinstance(error, NotReady) and not isinstance(error, Damaged)):
                raise
            self._log.error("There was an error processing %s, %s\n%s", begun.student, notebook, traceback.format_exc())
            begun.failures[notebook] = f"{type(error).__name__}: {error}"[:300]

    def _save_failures(self, begun: Begun) -> None:
        """Puts `not judged` on record where nothing was saved, and takes back scores of earlier runs."""
        whole = begun.failures.pop(ALL, None)
        failures = begun.failures if whole is None else dict.fromkeys(self._wanted, whole) | begun.failures
        for notebook, said in failures.items():
            if said:
                self._save_not_judged(begun.student, notebook, REASONS["fault"].fill(fault=said))

    def _save_not_judged(self, student: str, notebook: str, reason: Sentence) -> None:
        verdicts = tuple(
            Verdict(task=t.id, check_id=t.check_id, points=t.points, state="not judged", reasons=(reason,))
            for t in self._judged(notebook)
        )
        with contextlib.suppress(Damaged):  # it stays as it is: nothing is lost
            before = self._records.read(student, notebook)
            record = Record(verdicts=verdicts, answers=before.answers if before else {})
            self._records.write(student, notebook, record)
        with self._gradebook.transaction() as gradebook:
            checks = {verdict.check_id for verdict in verdicts}
            take_back(gradebook, (self._assignment, student), notebook, checks)

    def _tell(self, folders: Sequence[str]) -> None:
        """Lists who needs a person. Raises nbgrader's own error where somebody has not been judged."""
        students = [self._converter.whose(folder) for folder in sorted(folders)]
        for line in run_summary.lines(list(run_summary.recorded(self._course, self._assignment, students))):
            self._log.warning("%s", line)
        if self._failed:
            failed = ", ".join(sorted(self._failed))
            raise self._converter.told(f"Not judged: {failed}. Run the same command again; it takes only those.")
