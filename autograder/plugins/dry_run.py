"""`autograder grade --dry-run`: what a run would do. Nothing is executed, entered, or written but in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat

from autograder.course.profile import Profile
from autograder.errors import NotReady
from autograder.grading.claims import cut_short
from autograder.grading.executor import Executor
from autograder.grading.run_times import RunTimes
from autograder.grading.view import View
from autograder.plugins.course import released_notebooks
from autograder.plugins.run_gradebook import RunGradebook
from autograder.plugins.submission_converter import SubmissionConverter
from autograder.submissions.submission import Submission

MINUTE = 60


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a run would do.

    Attributes:
        submissions: those that are due, of `handed_in`.
        different: notebooks with different code or files, of `notebooks`; `known` of them would not be run.
        unreadable: submissions that cannot be looked at.
    """

    handed_in: int
    submissions: int
    notebooks: int
    different: int
    known: int
    unreadable: int

    def lines(self, place: str, at_a_time: int, times: RunTimes) -> list[str]:
        """In words.

        Args:
            place: where it would run.
            at_a_time: notebooks at the same time.
        """
        to_run = self.different - self.known
        said = [
            f"Would grade {self.submissions} of {self.handed_in} submission(s), {self.notebooks} notebook(s).",
            f"{self.different} of them differ; {self.known} of these have been run before, and {to_run} would be run "
            f"{place}, up to {at_a_time} at a time.",
        ]
        said += [f"{self.unreadable} submission(s) cannot be looked at."] * bool(self.unreadable)
        if not to_run:
            return said
        seconds = times.expected(place, to_run)
        return [
            *said,
            "Nothing has been measured there yet." if seconds is None else f"Expected time: {lasting(seconds)}.",
        ]


def lasting(seconds: float) -> str:
    """A time as one would say it."""
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s"
    minutes = round(seconds / MINUTE)
    return f"{minutes} minutes" if minutes < 2 * MINUTE else f"{minutes / MINUTE:.1f} hours"


class DryRun:
    """Looks at submissions as a run does, up to the keys of their notebooks."""

    def __init__(self, converter: SubmissionConverter, profile: Profile, executor: Executor) -> None:
        self._converter, self._profile, self._executor = converter, profile, executor
        coursedir = converter.coursedir
        self._assignment: str = coursedir.assignment_id
        self._course = Path(coursedir.root).resolve()
        self._released = released_notebooks(coursedir, self._assignment)
        self._gradebook = RunGradebook(coursedir.db_url, coursedir.course_id, self._assignment)

    def forecast(self, folders: Sequence[str]) -> Forecast:
        """What grading the submissions in some folders would do."""
        left = set(cut_short(self._course / ".autograder" / "running" / self._assignment))
        students = {self._converter.whose(folder): folder for folder in folders}
        due = {name: at for name, at in students.items() if name in left or self._converter.would_be_due(name)}
        keys: list[str] = []
        unreadable = 0
        for folder in due.values():
            try:
                keys += self._keys(folder)
            except NotReady:
                raise
            except Exception as error:  # told by the run, for that student alone
                self._converter.log.error("%s: %s", folder, error)
                unreadable += 1
        different = set(keys)
        known = sum(map(self._executor.is_known, different))
        return Forecast(
            handed_in=len(students), submissions=len(due), notebooks=len(keys), different=len(different), known=known,
            unreadable=unreadable,
        )  # fmt: skip

    def _keys(self, folder: str) -> Iterator[str]:
        seen = Submission.seen(Path(folder), self._released, int(self._profile.limits.disk_gb * 10**9))
        with TemporaryDirectory() as made:
            target = Path(made)
            self._converter.lay_out(seen, target)
            notebooks = {}
            for name in seen.sources:
                nb, _ = seen.notebook(name, self._released[name])
                notebooks[name] = self._converter.would_be(nb, seen.folder / f"{name}.ipynb", self._gradebook)
                nbformat.write(notebooks[name], target / f"{name}.ipynb")
            for name, nb in notebooks.items():
                yield self._executor.key(View.of(nb, name, target))
