"""nbgrader's converter of `autograde`, for one submission of ours at a time, with its two passes apart.

The one place that uses what nbgrader's converters keep to themselves.
"""

from __future__ import annotations

import glob
import re
import shutil
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import nbformat
from nbconvert.exporters import Exporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import MissingEntry
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException

from autograder.errors import NotReady
from autograder.grading.extensions import Extensions
from autograder.grading.notebook_grading import NotebookGrading
from autograder.plugins.course import Resources
from autograder.plugins.run_gradebook import RunGradebook
from autograder.submissions.submission import Submission
from autograder.words.tables import say
from autograder.words.times import span


@dataclass(frozen=True)
class Sanitized:
    """A notebook after nbgrader's first pass, where it has been written, and what its steps know of it."""

    path: Path
    nb: NotebookNode
    resources: Resources


class SubmissionConverter(Autograde):  # type: ignore[misc]
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
        folder = self.destination(student)
        if self.coursedir.notebook_id != "*" and self._is_of_an_earlier_hand_in(student):
            self.remove(student, "*")  # the other notebooks too, so that they are missed
        if any(Path(path).exists() and not (folder / Path(path).name).exists() for path in notebooks):
            return True
        return bool(self.init_destination(self.coursedir.assignment_id, student))

    def would_be_due(self, student: str) -> bool:
        """What `is_due` would answer for a whole submission; nothing is removed."""
        there = self.destination(student)
        if student in self.coursedir.student_id_exclude.split(","):
            return False
        if self.force or not there.exists():
            return True
        return self._is_of_an_earlier_hand_in(student)

    def _is_of_an_earlier_hand_in(self, student: str) -> bool:
        """Whether what has been graded was handed in before what is there now."""
        assignment, read = self.coursedir.assignment_id, self.coursedir.get_existing_timestamp
        now, graded = read(self._format_source(assignment, student)), read(str(self.destination(student)))
        return now is not None and graded is not None and now > graded

    def prepare(self, submission: Submission, student: str, gradebook: RunGradebook) -> None:
        """Puts the files that take part where the submission is graded, and the submission into the gradebook."""
        self.run_pre_convert_hook()
        self.lay_out(submission, self.destination(student))
        self._enter(submission.folder, student, gradebook)

    def lay_out(self, submission: Submission, target: Path) -> None:
        """Puts the files that take part into a folder, and over them those that every submission gets."""
        submission.copy_files(target, [*self.coursedir.ignore, "*.ipynb"])
        for path, relative in self._masters:
            self.log.info("Copying %s -> %s", path, target / relative)
            (target / relative).parent.mkdir(parents=True, exist_ok=True)
            (target / relative).unlink(missing_ok=True)
            shutil.copy(path, target / relative)

    def _enter(self, folder: Path, student: str, gradebook: RunGradebook) -> None:
        timestamp = self.coursedir.get_existing_timestamp(str(folder))
        handed_in = [path.stem for path in folder.glob("*.ipynb")]
        extension = Extensions(Path(self.coursedir.root), self.coursedir.assignment_id).of(student)
        until = extension.until if extension else None
        try:
            row = gradebook.enter(student, timestamp, handed_in, self.create_student, until)
        except MissingEntry as error:
            raise self.told(f"{error} in the gradebook") from error
        if row.seconds_late > 0:
            self.log.warning("%s is late, by %s", student, say(span(timedelta(seconds=row.seconds_late)), "en"))
        for name in row.missing:
            self.log.warning("No submitted file: %s", folder / f"{name}.ipynb")

    @cached_property
    def _masters(self) -> list[tuple[Path, Path]]:
        """The files of the assignment's source that every submission gets, and where in it."""
        assignment = self.coursedir.assignment_id
        source = self.coursedir.format_path(self.coursedir.source_directory, ".", assignment)
        left_out = {Path(source, name) for name in self.exclude_overwriting.get(assignment, [])}
        found = map(Path, utils.find_all_files(source, [*self.coursedir.ignore, "*.ipynb"]))
        return [(path, path.relative_to(source)) for path in found if path not in left_out]

    def sanitize(self, nb: NotebookNode, path: Path, gradebook: RunGradebook) -> Sanitized:
        """Takes a notebook that has been made whole through nbgrader's first pass, and writes it.

        Args:
            path: where it was handed in, or should have been.
        """
        self.log.info("Sanitizing %s", path)
        resources = self._known_of(path, gradebook)
        output, written = self._first_pass.from_notebook_node(nb, resources=resources)
        self.write_single_notebook(output, written)
        return Sanitized(Path(self.writer.build_directory, path.name), nbformat.v4.reads(output), resources)

    def would_be(self, nb: NotebookNode, path: Path, gradebook: RunGradebook) -> NotebookNode:
        """What `sanitize` would make of a notebook; nothing is written."""
        output, _ = self._first_pass.from_notebook_node(nb, resources=self._known_of(path, gradebook))
        return nbformat.v4.reads(output)

    def _known_of(self, path: Path, gradebook: RunGradebook) -> Resources:
        resources: Resources = self.init_single_notebook_resources(str(path))
        return {**resources, "gradebook": gradebook, "metadata": named(path)}

    def autograde(self, notebook: Sanitized, grading: NotebookGrading) -> None:
        """Takes a sanitized notebook through nbgrader's second pass, and writes it."""
        resources = {**notebook.resources, "metadata": named(notebook.path), "autograder": grading}
        output, resources = self._second_pass.from_notebook_node(notebook.nb, resources=resources)
        self.write_single_notebook(output, resources)

    @cached_property
    def _first_pass(self) -> Exporter:
        return self._exporter(self.sanitize_preprocessors)

    @cached_property
    def _second_pass(self) -> Exporter:
        return self._exporter(self.autograde_preprocessors)

    def _exporter(self, steps: list[type[Preprocessor]]) -> Exporter:
        """nbgrader's exporter with its steps, made once a run; the notebook is validated when all have been taken."""
        exporter = self.exporter_class(parent=self, config=self.config, preprocessors=[], optimistic_validation=True)
        for step in steps:
            exporter.register_preprocessor(step)
        return exporter

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


def named(path: Path) -> Resources:
    """What nbconvert is told of a notebook: no folder, since an exporter keeps the metadata of every path for its whole life."""
    return {"name": path.stem}
