"""What grading a class has come to: scores, verdicts, files and rows, to be compared between two places."""

from __future__ import annotations

import re
from typing import Any

import nbformat
from nbgrader.api import Gradebook

from autograder.grading.records import Records
from autograder.judging.contract import ASSIGNMENT
from trials.demo import ScratchCourse

ADDRESS = re.compile("0x[0-9a-f]+")
"""Where something is in a process's memory, as Python tells it."""


def verdicts(course: ScratchCourse) -> dict[str, list[tuple[Any, ...]]]:
    records = Records(course.root, ASSIGNMENT)
    found = {}
    for path in sorted((course.root / "verdicts" / ASSIGNMENT).glob("*/chatbot.json")):
        record = records.read(path.parent.name, "chatbot")
        assert record is not None
        found[path.parent.name] = [(v.check_id, v.state, v.score, len(record.incidents)) for v in record.verdicts]
    return found


def files(course: ScratchCourse) -> dict[str, Any]:
    """What is in the folders that grading makes: names, and of notebooks what their cells show."""
    found: dict[str, Any] = {}
    for path in sorted(path for top in ("autograded", "verdicts") for path in (course.root / top).rglob("*")):
        if path.name.startswith("."):
            continue  # what somebody who was killed had not written whole: nobody reads it
        shown = None
        if path.suffix == ".ipynb":
            cells = nbformat.read(path, as_version=4).cells
            counted = "hostile" not in path.parts  # a kernel that ends may have told which cell it had begun, or not
            shown = [(cell.source, counted and cell.get("execution_count"), outputs(cell)) for cell in cells]
        found[str(path.relative_to(course.root))] = shown
    return found


def outputs(cell: nbformat.NotebookNode) -> list[Any]:
    """What a cell shows, without the evidence of a check, which has questions drawn for one run."""
    if cell.get("metadata", {}).get("nbgrader", {}).get("grade"):
        return [output.output_type for output in cell.get("outputs", [])]
    streams: dict[str, str] = {}  # which of them came when depends on how busy a machine is
    shown = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            streams[output.name] = streams.get(output.name, "") + ADDRESS.sub("0x", output.text)
        else:
            shown.append(ADDRESS.sub("0x", repr(output)))
    return [*shown, streams]


def rows(course: ScratchCourse) -> list[tuple[Any, ...]]:
    """The gradebook's rows of submissions, without their numbers."""
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        return sorted(
            (submission.student.id, notebook.name, notebook.late_submission_penalty, grade.name, grade.auto_score,
             grade.manual_score, grade.extra_credit, grade.needs_manual_grade)
            for submission in gradebook.find_assignment(ASSIGNMENT).submissions
            for notebook in submission.notebooks
            for grade in notebook.grades
        )  # fmt: skip
