"""nbgrader's converter of `autograde`, for one submission of ours at a time, with its two passes apart.

The one place that uses what nbgrader's converters keep to themselves.
"""

from __future__ import annotations

import contextlib
import glob
import re
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter, NbGraderException

from autograder.errors import NotReady
from autograder.grading.notebook_grading import NotebookGrading
from autograder.plugins.course import Resources, released_profile
from autograder.submissions.submission import Submission


class OrdinaryFiles(BaseConverter):  # type: ignore[misc]
    """Copies no file of a submission of ours as nbgrader does: those that may take part have been copied (`prepare`)."""

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        if released_profile(self.coursedir, assignment_id) is None:
            super().init_assignment(assignment_id, student_id)


class SubmissionConverter(Autograde, OrdinaryFiles):  # type: ignore[misc]
    """What nbgrader does with a submission, step by step."""

    def folders(self) -> list[str]:
        """Every folder, relative to the course directory, that somebody has handed in."""
        pattern = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        found = glob.glob(pattern, root_dir=self.coursedir.root)
        if not found:
            where = Path(self.coursedir.root, pattern)
            raise self.told(f"Nothing has been handed in: there is no folder {where}")
        return found

    def told(self, said: str) -> NbGraderException:
        """What ends the run, once it is in the log."""
        self.log.error("%s", said)
        return NbGraderException(said)

    def whose(self, folder: str) -> str:
        """The student whose submission is in a folder."""
        pattern = self._format_source("(?P<assignment_id>.*)", "(?P<student_id>.*)", escape=True)
        found = re.match(pattern, folder)
        if found is None:
            raise NotReady(f"{folder} is not where a submission should be ({pattern})")
        return found["student_id"]

    def destination(self, student: str) -> Path:
        return Path(self._format_dest(self.coursedir.assignment_id, student))

    def is_due(self, student: str, notebooks: list[str]) -> bool:
        """Whether a submission is to be graded; what an earlier run made of it is removed then.

        Args:
            notebooks: paths of those that are wanted.
        """
        self.notebooks = notebooks
        return bool(self.init_destination(self.coursedir.assignment_id, student))

    def prepare(self, submission: Submission, student: str) -> None:
        """Puts the files that take part where the submission is graded, and the student into the gradebook."""
        self.run_pre_convert_hook()
        submission.copy_files(self.destination(student), [*self.coursedir.ignore, "*.ipynb"])
        self.init_assignment(self.coursedir.assignment_id, student)

    def sanitize(self, nb: NotebookNode, path: Path) -> Path:
        """Takes a notebook that has been made whole through nbgrader's first pass; answers where it has been written.

        Args:
            path: where it was handed in, or should have been.
        """
        self.log.info("Sanitizing %s", path)
        self._init_preprocessors()
        resources: Resources = self.init_single_notebook_resources(str(path))
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        output, resources = self.exporter.from_notebook_node(nb, resources=resources)
        self.write_single_notebook(output, resources)
        return Path(self.writer.build_directory, path.name)

    def autograde(self, path: Path, grading: NotebookGrading) -> None:
        """Takes a sanitized notebook through nbgrader's second pass."""
        with self._second_pass():
            self._init_preprocessors()
            resources: Resources = self.init_single_notebook_resources(str(path))
            resources["autograder"] = grading
            output, resources = self.exporter.from_filename(str(path), resources=resources)
            self.write_single_notebook(output, resources)

    @contextlib.contextmanager
    def _second_pass(self) -> Iterator[None]:
        """Notebooks are now those that have been sanitized."""
        self._sanitizing = False
        try:
            yield
        finally:
            self._sanitizing = True

    def complete(self, student: str) -> None:
        """What nbgrader does once all notebooks of a submission have been graded."""
        self.set_permissions(self.coursedir.assignment_id, student)
        self.run_post_convert_hook()

    def remove(self, student: str, what: str) -> None:
        """Removes what there is of a graded submission ("*"), or of one notebook of it."""
        folder = self.destination(student)
        if what == "*" and folder.exists():
            utils.rmtree(str(folder))
        elif what != "*" and (folder / f"{what}.ipynb").exists():
            utils.remove(str(folder / f"{what}.ipynb"))
