"""Cells of a notebook by nbgrader's marks, read so that whatever a student has made of them harms nothing."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode

from autograder.course.profile import Profile
from autograder.judging.contract import tasks
from autograder.judging.task import Task

SCHEMA_VERSION = 3
"""Of nbgrader's marks."""


def marks_of(cell: NotebookNode) -> dict[str, Any]:
    """nbgrader's marks of a cell; none where the cell has none."""
    marks = cell.metadata.get("nbgrader")
    return marks if isinstance(marks, dict) else {}


def grade_id_of(cell: NotebookNode) -> str | None:
    """The id that a cell is graded by, where it has one that can be one."""
    found = marks_of(cell).get("grade_id")
    return found if isinstance(found, str) else None


def name_of(cell: NotebookNode, index: int) -> str:
    """What a cell is called where something happened in it: its id, or its number."""
    return (grade_id_of(cell) or f"{index + 1}")[:100]


def is_answer(cell: NotebookNode) -> bool:
    """Whether a person marks it."""
    return bool(marks_of(cell).get("grade") and marks_of(cell).get("solution"))


def is_check(cell: NotebookNode) -> bool:
    """Whether it is graded, and none of a student's to fill in."""
    return bool(marks_of(cell).get("grade") and not marks_of(cell).get("solution"))


def code_cells(nb: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def check_cells(nb: NotebookNode, profile: Profile) -> list[tuple[NotebookNode, Task]]:
    """The check cells of a notebook with their tasks, in the notebook's order."""
    known = {task.check_id: task for task in tasks(profile) if task.judged_by == "autograder"}
    graded = [(cell, grade_id_of(cell) or "") for cell in code_cells(nb) if marks_of(cell).get("grade")]
    return [(cell, known[grade_id]) for cell, grade_id in graded if grade_id in known]
