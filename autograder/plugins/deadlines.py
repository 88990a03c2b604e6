"""Deadlines as nbgrader and this kit know them together: everybody's, and who has been given more time.

Everybody's is the gradebook's, where a release puts the profile's (`SaveDeadline`) and Formgrader changes it; else the release's
own. An extension is ours (`autograder extend`), else what nbgrader's `Gradebook.grant_extension` gave. Ours is put where nbgrader
keeps its own, so that its late penalties, its exports and everything else that asks it agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.coursedir import CourseDirectory

from autograder.course.deadline import Deadline, HandInTime, course_zone
from autograder.course.profile import Profile
from autograder.grading.extensions import Extensions


@dataclass(frozen=True)
class Deadlines:
    """The deadlines of one assignment.

    Attributes:
        root: the course directory.
        written: the deadline that it was released with, if it has one.
    """

    root: Path
    assignment: str
    written: datetime | None

    def of_all(self, gradebook: Gradebook) -> Deadline | None:
        """Everybody's, if there is one."""
        due = due_in(gradebook, self.assignment)
        if due is None:
            return Deadline(self.written) if self.written else None
        return Deadline(self.written if due == self.written else due.astimezone(course_zone(self.written)))

    def of_each(self, students: Iterable[str], gradebook: Gradebook) -> dict[str, Deadline]:
        """Some students' own deadlines; nobody's where there is none. Raises Damaged where an extension cannot be read."""
        everybodys, extensions = self.of_all(gradebook), Extensions(self.root, self.assignment)
        if everybodys is None:
            return {}
        row = SubmittedAssignment
        nbgraders = {student: everybodys.due + more for student, more in self._rows(gradebook, row.extension) if more}
        return {
            student: Deadline(everybodys.due, own.until if (own := extensions.of(student)) else nbgraders.get(student))
            for student in students
        }

    def hand_ins(self, students: Iterable[str], gradebook: Gradebook) -> dict[str, HandInTime]:
        """When what the gradebook has of some students was handed in, where it knows, and where there is a deadline.

        Raises Damaged where an extension cannot be read.
        """
        at = {student: found for student, found in self._rows(gradebook, SubmittedAssignment.timestamp) if found}
        deadlines = self.of_each((student for student in students if student in at), gradebook)
        return {student: HandInTime(at[student].replace(tzinfo=UTC), own) for student, own in deadlines.items()}

    def _rows(self, gradebook: Gradebook, column: Any) -> list[tuple[str, Any]]:
        """A column of every submission, by student; not whole rows, for which nbgrader sums up all scores."""
        found = gradebook.db.query(SubmittedAssignment.student_id, column).join(SubmittedAssignment.assignment)
        return [(student, value) for student, value in found.filter(Assignment.name == self.assignment)]


def time_of(coursedir: CourseDirectory, assignment: str, student: str, profile: Profile) -> HandInTime | None:
    """When a student handed in, and the student's own deadline; None where either is not known.

    Args:
        profile: the one that the assignment was released with.

    Raises Damaged where an extension cannot be read.
    """
    deadlines = Deadlines(Path(coursedir.root), assignment, profile.course.deadline)
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        return deadlines.hand_ins([student], gradebook).get(student)


def due_in(gradebook: Gradebook, assignment: str) -> datetime | None:
    """The deadline that the gradebook has, in UTC."""
    try:
        found: datetime | None = gradebook.find_assignment(assignment).duedate
    except MissingEntry:
        return None
    return found.replace(tzinfo=UTC) if found else None


def put_due(gradebook: Gradebook, assignment: str, due: datetime) -> datetime | None:
    """Puts a deadline into the gradebook. Returns the one that it replaces, in UTC, where that is another."""
    before = due_in(gradebook, assignment)
    gradebook.update_or_create_assignment(assignment, duedate=due.astimezone(UTC).replace(tzinfo=None))
    return before if before != due else None


def put_extension(submission: SubmittedAssignment, until: datetime | None) -> None:
    """Puts an extension where nbgrader keeps its own: a length of time; none where there is no deadline. Does not commit."""
    due: datetime | None = submission.assignment.duedate
    more = until.astimezone(UTC).replace(tzinfo=None) - due if until and due else timedelta()
    submission.extension = more if more > timedelta() else None
