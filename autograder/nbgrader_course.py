"""What nbgrader's steps need to know of a course: the frozen profile, the check cells, where the models are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader import utils

from .contract import Task, tasks
from .errors import NotReady
from .profile import FROZEN_NAME, Profile, load
from .repair import ReleasedCell
from .submission import Released

Resources = dict[str, Any]


def frozen_path(coursedir: Any, assignment: str) -> Path:
    """Where the frozen profile of an assignment is, if it has one."""
    folder: str = coursedir.format_path(coursedir.release_directory, ".", assignment)
    return (Path(coursedir.root) / folder / FROZEN_NAME).resolve()


def released_profile(coursedir: Any, assignment: str) -> Profile | None:
    """The profile that an assignment was released with, or None for one that has nothing to do with us."""
    path = frozen_path(coursedir, assignment)
    return load(path) if path.exists() else None


def frozen_profile(preprocessor: Any, resources: Resources) -> Profile | None:
    """`released_profile` of the assignment that a preprocessor is at work on."""
    return released_profile(preprocessor.parent.parent.coursedir, resources["nbgrader"]["assignment"])


def check_cells(nb: NotebookNode, profile: Profile) -> Iterator[tuple[NotebookNode, Task]]:
    """The check cells of a notebook with their tasks, in the notebook's order."""
    known = {task.check_id: task for task in tasks(profile) if task.judged_by == "autograder"}
    for cell in nb.cells:
        task = known.get(marks_of(cell).get("grade_id", ""))
        if task is not None and cell.cell_type == "code" and utils.is_grade(cell):
            yield cell, task


def released_notebooks(coursedir: Any, assignment: str) -> dict[str, Released]:
    """The notebooks of a release, by name."""
    found = {}
    for path in sorted(frozen_path(coursedir, assignment).parent.glob("*.ipynb")):
        nb = nbformat.read(path, as_version=4)
        cells = tuple(released_cell(cell) for cell in nb.cells if marks_of(cell).get("grade_id"))
        found[path.stem] = Released(cells, nb.metadata.get("kernelspec"))
    return found


def released_cell(cell: NotebookNode) -> ReleasedCell:
    marks = marks_of(cell)
    flags = {name: bool(marks.get(name)) for name in ("locked", "grade", "solution", "task")}
    return ReleasedCell(
        grade_id=marks["grade_id"], cell_type=cell.cell_type, source=cell.source, **flags,
        points=marks.get("points"), checksum=marks.get("checksum", ""),
    )  # fmt: skip


def marks_of(cell: NotebookNode) -> dict[str, Any]:
    """nbgrader's marks of a cell; none where the cell has none."""
    marks = cell.metadata.get("nbgrader")
    return marks if isinstance(marks, dict) else {}


def model_home(profile: Profile) -> Path:
    """The Hugging Face home that grading uses: the profile's, or this machine's own (`AUTOGRADER_MODEL_HOME`)."""
    return Path(os.environ.get("AUTOGRADER_MODEL_HOME") or profile.models.home)


def model_folder(name: str, profile: Profile) -> Path:
    return model_home(profile) / "hub" / f"models--{name.replace('/', '--')}"


def refuse_without_models(profile: Profile) -> None:
    """Raises NotReady, with what to do, when a model that the tasks need is not on this machine.

    Without it every right answer would fail, for a reason that is not the student's.
    """
    for name in profile.models_in_use():
        folder = model_folder(name, profile)
        if not any(folder.glob("snapshots/*/config.json")):
            raise NotReady(
                f"{name} is not in {folder}. Put it there, or set AUTOGRADER_MODEL_HOME to a Hugging Face home that "
                "has it (`python -m autograder.stand_ins` makes one to try things out)."
            )
