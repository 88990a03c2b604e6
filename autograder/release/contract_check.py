"""Whether the notebooks of a release keep the contract with grading: every task has its cells, once, in their place.

Pure: `plugins/release.py` hands in the notebooks as `authoring.py` left them, and stops the release where one is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from nbformat import NotebookNode

from autograder.course.profile import Profile
from autograder.errors import ContractError
from autograder.judging.contract import NOTEBOOKS, task_of, tasks
from autograder.judging.task import Task
from autograder.judging.tasks import DEFINITIONS
from autograder.release.authoring import python_literal
from autograder.submissions.cells import SCHEMA_VERSION, grade_id_of, marks_of

SETUP = "setup"
LEFTOVER = re.compile(r"[«»]|<!--\s*(?:nb|en|both)\s*-->|^\s*#\s*(?:nb|en):", re.MULTILINE | re.IGNORECASE)
"""What `fill` and `select_language` leave nothing of."""


def check_contract(nbs: Mapping[str, NotebookNode], profile: Profile) -> None:
    """Refuses notebooks that break the contract.

    They come by name ("chatbot", …), as `fill` and `select_language` left them, before nbgrader clears them.
    One may be missing if none of its tasks is in use.

    Raises:
        ContractError: everything that is wrong, a line each, with notebook and cell.
    """
    problems = [line for name, nb in nbs.items() for line in _notebook_problems(name, nb, profile)]
    problems += [line for task in tasks(profile) for line in _task_problems(task, nbs)]
    if problems:
        raise ContractError("\n".join(problems))


def _notebook_problems(name: str, nb: NotebookNode, profile: Profile) -> Iterator[str]:
    """What is wrong whatever the tasks: ids, the first code cell, leftovers, cells that no task asks for."""
    ids = Counter(cell.get("id") for cell in nb.cells)
    grade_ids = Counter(grade_id_of(cell) for cell in nb.cells if grade_id_of(cell))
    for kind, counted in (("id", ids), ("grade_id", grade_ids)):
        twice = ((one, count) for one, count in counted.items() if count > 1)
        yield from (f"{name}: {kind} {one!r} is there {count} times" for one, count in twice)
    first = next((cell for cell in nb.cells if cell.cell_type == "code"), None)
    if name in NOTEBOOKS and (first is None or grade_id_of(first) != SETUP or not _flags(first, locked=True)):
        yield f"{name}: the first code cell must be the locked cell {SETUP!r}"
    for cell in nb.cells:
        yield from (f"{name}: cell {cell.get('id')!r}: {line}" for line in _cell_problems(cell, profile))


def _cell_problems(cell: NotebookNode, profile: Profile) -> Iterator[str]:
    if leftover := LEFTOVER.search(_without_values(cell.source, profile)):
        yield f"{leftover[0].strip()!r} is left over; templates and languages must be resolved"
    if "autograder" in cell.metadata:
        yield "metadata.autograder is left over; the notebook has not been through fill"
    meta = cell.metadata.get("nbgrader")
    if meta is None:
        return
    if meta.get("schema_version") != SCHEMA_VERSION:
        yield f"schema_version is {meta.get('schema_version')!r}; it must be {SCHEMA_VERSION}"
    if cell.get("id") != meta.get("grade_id"):
        yield f"grade_id is {meta.get('grade_id')!r}; it must be the cell's id"
    if meta.get("grade") and task_of(meta.get("grade_id", ""), profile) is None:
        yield "is graded, and is no cell of a task in use"
    elif meta.get("solution") and meta.get("grade_id") in DEFINITIONS and not profile.uses(meta["grade_id"]):
        yield "is the solution cell of a task that is not in use"


def _without_values(source: str, profile: Profile) -> str:
    """The source less what the profile put in: an instructor's question may hold quotation marks."""
    for text in (profile.chat.system_prompt, *profile.questions.values()):
        source = source.replace(text, "").replace(python_literal(text), "")
    return source


def _task_problems(task: Task, nbs: Mapping[str, NotebookNode]) -> Iterator[str]:
    if task.judged_by == "person":
        flags = {"grade": True, "solution": True, "locked": False}
        yield from _one_cell(task, task.id, nbs, cell_type="markdown", **flags)
        return
    yield from _one_cell(task, task.id, nbs, cell_type="code", grade=False, solution=True, locked=False)
    yield from _one_cell(task, task.check_id, nbs, cell_type="code", grade=True, solution=False, locked=True)
    places = _places(task.check_id, nbs)
    solutions = _places(task.id, nbs)
    if len(places) == len(solutions) == 1 and places[0][:2] < solutions[0][:2]:
        yield f"{task.notebook}: {task.check_id!r} stands before {task.id!r}; the check comes second"
    for notebook, _, cell in places:
        call = f"check({python_literal(task.check_id)})"
        if cell.source.strip() != call:
            found = cell.source.strip()[:60]
            yield f"{notebook}: cell {task.check_id!r}: found {found!r}; its source must be {call}"


def _one_cell(
    task: Task, grade_id: str, nbs: Mapping[str, NotebookNode], cell_type: str, **flags: bool
) -> Iterator[str]:
    """Problems of the one cell with this `grade_id`: there, once, in its place, with its flags and points?"""
    places = _places(grade_id, nbs)
    if len(places) != 1:
        yield f"{task.notebook}: cell {grade_id!r} must be there once, and is there {len(places)} times"
    for notebook, _, cell in places:
        where = f"{notebook}: cell {grade_id!r}"
        if notebook != task.notebook:
            yield f"{where}: belongs in the notebook {task.notebook!r}"
        if cell.cell_type != cell_type:
            yield f"{where}: is a {cell.cell_type} cell; it must be a {cell_type} cell"
        if not _flags(cell, **flags):
            yield f"{where}: must have " + ", ".join(f"{flag}={value}" for flag, value in flags.items())
        points = cell.metadata["nbgrader"].get("points")
        if flags["grade"] and points != task.points:
            yield f"{where}: has {points} points; the profile gives it {task.points:g}"


def _places(grade_id: str, nbs: Mapping[str, NotebookNode]) -> list[tuple[str, int, NotebookNode]]:
    return [
        (name, number, cell)
        for name, nb in nbs.items()
        for number, cell in enumerate(nb.cells)
        if grade_id_of(cell) == grade_id
    ]


def _flags(cell: NotebookNode, **flags: bool) -> bool:
    meta = marks_of(cell)
    return all(meta.get(flag, False) is value for flag, value in flags.items())
