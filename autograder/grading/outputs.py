"""What stands in a graded notebook beside its own outputs: verdicts, and a sentence wherever something ended."""

from __future__ import annotations

from collections.abc import Iterable

from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.course.profile import Language, Profile
from autograder.facts.verdict import Incident, Verdict
from autograder.submissions.cells import code_cells, name_of
from autograder.words import render
from autograder.words.grading import INCIDENTS
from autograder.words.pages import LAYOUT
from autograder.words.tables import say


def show_verdict(cell: NotebookNode, verdict: Verdict, language: Language) -> None:
    """Replaces a check cell's outputs by the verdict."""
    data = {
        "text/plain": render.as_text(verdict, language, all_hints=True),
        "text/html": render.as_html(verdict, language, all_hints=True),
    }
    cell.outputs = [new_output("display_data", data=data)]


def explain_errors(nb: NotebookNode, profile: Profile) -> None:
    """Puts a sentence before each traceback."""
    language, seconds = profile.course.language, profile.limits.cell_seconds
    for cell in code_cells(nb):
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if not errors:
            continue
        if any(output.ename == "CellTimeoutError" for output in errors):
            text = say(LAYOUT["stopped-time"].fill(seconds=seconds), language)
        else:
            error = f"{errors[0].ename}: {errors[0].evalue}".strip(": ")[:200]
            text = say(LAYOUT["stopped"].fill(error=error), language)
        place = cell.outputs.index(errors[0])
        cell.outputs.insert(place, new_output("display_data", data={"text/plain": text}))


def explain_incidents(nb: NotebookNode, incidents: Iterable[Incident], profile: Profile) -> None:
    """Says in the cell where a kernel ended that it did, and why: there is no traceback that would tell."""
    where = {name_of(cell, index): cell for index, cell in enumerate(nb.cells)}
    for incident in incidents:
        cell = where.get(incident.cell)
        if incident.kind in ("memory", "crash") and cell is not None and cell.cell_type == "code":
            text = say(INCIDENTS[incident.kind].fill(cell=incident.cell), profile.course.language)
            cell.outputs.append(new_output("display_data", data={"text/plain": text}))
