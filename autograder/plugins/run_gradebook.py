"""The gradebook as a run of ours uses it: one engine, which compiles each statement once, and one transaction for each notebook.

What nbgrader's own steps ask for cell by cell is fetched at once: the cells of a released notebook once a run, the rows of a
submitted one with one query each for grades and comments.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from nbgrader.api import (
    Comment,
    Gradebook,
    InvalidEntry,
    MissingEntry,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.api import Grade as GradeRow
from sqlalchemy import inspect, text

from autograder.plugins.course import Resources
from autograder.plugins.deadlines import put_extension

INDEXES = {"submitted_notebook": "assignment_id", "grade": "notebook_id", "comment": "notebook_id"}
"""By table, the column by which nbgrader looks for one student's rows: without an index it reads the whole class's each time."""


@dataclass(frozen=True)
class SourceCell:
    """A cell as the gradebook has it from the release; its attributes are named as nbgrader's.

    Attributes:
        max_score: points; None for a cell without.
    """

    name: str
    cell_type: str
    source: str
    checksum: str | None
    locked: bool
    max_score: float | None


@dataclass(frozen=True)
class SourceNotebook:
    """A notebook as the gradebook has it from the release. Answers what nbgrader's `OverwriteCells` asks a gradebook.

    Attributes:
        kernelspec: None where the release has none.
        names: of its graded cells and answers, by the id that grades and comments refer to.
    """

    cells: Mapping[str, SourceCell]
    kernelspec: dict[str, Any] | None
    names: Mapping[str, str]

    def find_source_cell(self, name: str, notebook: str, assignment: str) -> SourceCell:
        if name not in self.cells:
            raise MissingEntry(f"No such source cell: {assignment}/{notebook}/{name}")
        return self.cells[name]

    def find_graded_cell(self, name: str, notebook: str, assignment: str) -> SourceCell:
        found = self.cells.get(name)
        if found is None or found.max_score is None:
            raise MissingEntry(f"No such grade cell: {assignment}/{notebook}/{name}")
        return found


@dataclass(frozen=True)
class SubmissionRow:
    """What entering a submission found.

    Attributes:
        seconds_late: after the student's own deadline; 0 where there is none.
        missing: notebooks that have no file, and a score of zero.
    """

    seconds_late: float
    missing: tuple[str, ...]


@dataclass(frozen=True)
class NotebookRows:
    """The rows of one submitted notebook, while they are open: nbgrader's own objects. What is set in them is saved together.

    Attributes:
        grades, comments: by the name of their cell.
    """

    notebook: SubmittedNotebook
    grades: Mapping[str, GradeRow]
    comments: Mapping[str, Comment]

    def grade(self, name: str) -> GradeRow:
        """The grade of a cell. Raises MissingEntry where there is none."""
        return _found(self.grades, name, "grade")

    def comment(self, name: str) -> Comment:
        """The comment on a cell. Raises MissingEntry where there is none."""
        return _found(self.comments, name, "comment")


def _found(rows: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in rows:
        raise MissingEntry(f"No such {what}: {name}")
    return rows[name]


class RunGradebook:
    """One gradebook for a run.

    Args:
        db_url, course_id: as nbgrader has them.
    """

    def __init__(self, db_url: str, course_id: str, assignment: str) -> None:
        self._gradebook, self._assignment = Gradebook(db_url, course_id), assignment
        self._sources: dict[str, SourceNotebook] = {}

    def add_indexes(self) -> None:
        """Adds those of `INDEXES` that the database lacks; all of nbgrader is the faster for them, and none depends on them."""
        with self.transaction() as gradebook:
            known = inspect(gradebook.engine)
            for table, column in INDEXES.items():
                if not any(index["column_names"] == [column] for index in known.get_indexes(table)):
                    gradebook.db.execute(text(f"CREATE INDEX autograder_{table} ON {table} ({column})"))

    def __deepcopy__(self, memo: Mapping[int, object]) -> RunGradebook:
        """Itself: nbconvert copies whatever its steps share."""
        return self

    @contextmanager
    def transaction(self) -> Iterator[Gradebook]:
        """Saves at the end what has been changed meanwhile, all or nothing. No connection is held between two of them.

        Raises SQLAlchemy's error where the database refuses.
        """
        try:
            yield self._gradebook
            self._gradebook.db.commit()
        except InvalidEntry as error:  # in place of the database's own
            raise error.__context__ or error from None
        finally:
            self._gradebook.close()  # takes back what has not been saved; the engine stays

    @cached_property
    def _notebooks(self) -> frozenset[str]:
        """Names of the assignment's notebooks. Raises MissingEntry where there is no such assignment."""
        with self.transaction() as gradebook:
            return frozenset(notebook.name for notebook in gradebook.find_assignment(self._assignment).notebooks)

    def source(self, notebook: str) -> SourceNotebook:
        """A released notebook. Raises MissingEntry where there is none."""
        if notebook not in self._sources:
            with self.transaction() as gradebook:
                self._sources[notebook] = _source(gradebook.find_notebook(notebook, self._assignment))
        return self._sources[notebook]

    def enter(
        self,
        student: str,
        timestamp: datetime | None,
        handed_in: Collection[str],
        may_be_new: bool,
        until: datetime | None = None,
    ) -> SubmissionRow:
        """Puts a submission into the gradebook; notebooks that were not handed in get a score of zero.

        Args:
            timestamp: when it was handed in, in UTC; where None, what the gradebook has stays.
            handed_in: names of the notebooks that have a file.
            may_be_new: whether a student who is not in the gradebook is put into it.
            until: an extension of ours; where None, what the gradebook has stays.

        Raises MissingEntry where there is no such assignment, or no such student.
        """
        missing, late = self._notebooks - set(handed_in), 0.0
        with self.transaction() as gradebook:
            find = gradebook.update_or_create_student if may_be_new else gradebook.find_student
            find(student)
            given = {"timestamp": timestamp} if timestamp else {}
            submission = entered(gradebook, self._assignment, student, **given)
            if until is not None:
                put_extension(submission, until)
            if timestamp:
                late = submission.total_seconds_late
            for row in submission.notebooks if missing else ():
                for grade in row.grades if row.name in missing else ():
                    grade.auto_score, grade.needs_manual_grade = 0, False
        return SubmissionRow(late, tuple(sorted(missing)))

    @contextmanager
    def notebook(self, student: str, notebook: str) -> Iterator[NotebookRows]:
        """The rows of a submitted notebook; what is set in them is saved at the end, all or nothing."""
        names = self.source(notebook).names
        with self.transaction() as gradebook:
            row = gradebook.find_submission_notebook(notebook, self._assignment, student)
            grades, comments = (
                {
                    names[found.cell_id]: found
                    for found in gradebook.db.query(kind).filter(kind.notebook_id == row.id, kind.cell_id.in_(names))
                }
                for kind in (GradeRow, Comment)
            )
            yield NotebookRows(row, grades, comments)


def entered(gradebook: Gradebook, assignment: str, student: str, **given: Any) -> SubmittedAssignment:
    """A student's submission, made where there is none, with what is given of it. Raises MissingEntry as nbgrader does.

    nbgrader makes its rows one by one and adds them at the end: a query between two of them must not save half of them.
    """
    with gradebook.db.no_autoflush:
        return gradebook.update_or_create_submission(assignment, student, **given)


def gradebook_of(resources: Resources) -> RunGradebook | None:
    """The gradebook of the run whose step is at work; None where the assignment is not one of ours."""
    found = resources.get("gradebook")
    return found if isinstance(found, RunGradebook) else None


def _source(found: Notebook) -> SourceNotebook:
    graded = [*found.grade_cells, *found.task_cells]
    points = {cell.name: float(cell.max_score) for cell in graded}
    cells = [
        SourceCell(c.name, c.cell_type, c.source, c.checksum, c.locked, points.get(c.name)) for c in found.source_cells
    ]
    return SourceNotebook(
        cells={cell.name: cell for cell in cells},
        kernelspec=json.loads(found.kernelspec) if found.kernelspec else None,
        names={cell.id: cell.name for cell in (*graded, *found.solution_cells)},
    )
