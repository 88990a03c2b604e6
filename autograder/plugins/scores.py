"""Scores in nbgrader's gradebook: which are open, a person's decision about a criterion, and taking back what does not count."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, BaseCell, Gradebook, Notebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.api import Grade as GradeRow

from autograder.errors import NotReady
from autograder.facts.verdict import Verdict
from autograder.grading.grades import Grade
from autograder.grading.records import Decision, Records, with_overrides
from autograder.grading.released import released_profile
from autograder.judging.contract import ASSIGNMENT, task_of, tasks
from autograder.plugins.course import Resources, gradebook_url
from autograder.plugins.run_gradebook import entered


def grades_of(names: Resources) -> dict[str, Grade]:
    """What the gradebook has for a notebook, by grade id.

    Args:
        names: nbgrader's `resources["nbgrader"]`.
    """
    where = names["notebook"], names["assignment"], names["student"]
    with Gradebook(names["db_url"]) as gradebook:
        return {row.name: Grade.of(row) for row in gradebook.find_submission_notebook(*where).grades}


def unsettled(gradebook: Gradebook, assignment: str, student: str = "*") -> list[str]:
    """`student: notebook, cell` of every check that has no score yet, neither the autograder's nor a person's.

    Args:
        student: only this one's; everybody's with "*".
    """
    found = (
        _rows(gradebook, assignment, SubmittedAssignment.student_id, Notebook.name, BaseCell.name)
        .filter(GradeRow.cell_type == "code", GradeRow.auto_score.is_(None), GradeRow.manual_score.is_(None))
        .order_by(SubmittedAssignment.student_id, Notebook.name, BaseCell.name)
    )
    if student != "*":
        found = found.filter(SubmittedAssignment.student_id == student)
    return [f"{student_id}: {notebook}, {cell}" for student_id, notebook, cell in found]


def grades_of_all(gradebook: Gradebook, assignment: str) -> dict[str, dict[str, Grade]]:
    """What the gradebook has for everybody, by student and grade id; not whole rows, each of which asks for more."""
    row, found = GradeRow, dict[str, dict[str, Grade]]()
    columns = row.score, row.max_score, row.auto_score, row.manual_score, row.extra_credit, row.needs_manual_grade
    who = SubmittedAssignment.student_id, BaseCell.name
    for student, name, *values in _rows(gradebook, assignment, *who, *columns, row.cell_type == "code"):
        found.setdefault(student, {})[name] = Grade(*values)
    return found


def _rows(gradebook: Gradebook, assignment: str, *columns: Any) -> Any:
    """Asks for columns of all grades of an assignment."""
    return (
        gradebook.db.query(*columns)
        .select_from(SubmittedAssignment)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .join(GradeRow, GradeRow.notebook_id == SubmittedNotebook.id)
        .join(BaseCell, BaseCell.id == GradeRow.cell_id)
        .filter(Assignment.name == assignment)
    )


def take_back(gradebook: Gradebook, submission: tuple[str, str], notebook: str, check_ids: Collection[str]) -> None:
    """Takes back the autograder's scores of some checks of a submitted notebook.

    Args:
        submission: assignment and student; both are made where the gradebook does not have them.
    """
    assignment, student = submission
    gradebook.update_or_create_student(student)
    entered(gradebook, assignment, student)
    for row in gradebook.find_submission_notebook(notebook, assignment, student).grades:
        if row.name in check_ids:
            row.auto_score = None
    gradebook.db.commit()


def overrule(root: Path, decision: Decision, gradebook: Gradebook | None = None) -> Verdict:
    """Keeps a decision for every later regrade, and puts the score into the gradebook at once.

    Args:
        gradebook: one that is open; the course directory's when None.

    Raises NotReady when there is no such verdict or criterion, or the points are not between 0 and the criterion's.
    """
    student, check_id, points = decision.student, decision.check_id, decision.points
    profile = released_profile(root, ASSIGNMENT)
    task = task_of(check_id, profile)
    records = Records(root, ASSIGNMENT)
    record = records.read(student, task.notebook) if task else None
    verdict = record.verdict(check_id) if record else None
    if task is None or verdict is None:
        valid = ", ".join(t.check_id for t in tasks(profile) if t.judged_by == "autograder")
        raise NotReady(f"{student} has no verdict on {check_id!r}. Checks: {valid}. Grade the student first.")
    found = next((c for c in verdict.criteria if c.name == decision.criterion), None)
    if found is None or not 0 <= points <= found.points:
        valid = ", ".join(f"{c.name} (0 to {c.points:g})" for c in verdict.criteria)
        raise NotReady(f"{check_id}: {decision.criterion!r} with {points:g} points is not possible. Valid: {valid}.")
    records.overrule(decision)
    decided = with_overrides(verdict, records.overrides(student))
    with nullcontext(gradebook) if gradebook else Gradebook(gradebook_url(root)) as opened:
        row = opened.find_grade(check_id, task.notebook, ASSIGNMENT, student)
        row.auto_score = decided.score
        opened.db.commit()
    return decided
