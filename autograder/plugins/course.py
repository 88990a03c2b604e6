"""What nbgrader's steps need to know of a course: which assignments are ours, the frozen profile, the check cells, the models.

`is_ours` is the one place that tells an assignment of ours from others of the same course, which nbgrader's own code
makes, grades and shows as if this kit were not there.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader import utils

from autograder.course.profile import FROZEN_NAME, Profile, load
from autograder.errors import NotReady
from autograder.judging.contract import Task, tasks
from autograder.protocol import model_cache
from autograder.submissions.repair import ReleasedCell
from autograder.submissions.submission import Released

Resources = dict[str, Any]


MARK = "autograder"


def is_ours(folder: Path) -> bool:
    """Whether the assignment in a folder, source or release, is one of ours: one of its notebooks says so itself.

    A source says it where a cell names its task (see `authoring.py`), a release by the profile that each notebook holds.
    The name of an assignment says nothing, and neither do other files.
    """
    return any(_says_so(path) for path in sorted(folder.glob("*.ipynb")))


def _says_so(path: Path) -> bool:
    """Whether a notebook says that it is ours; one that cannot be read says nothing."""
    try:
        data = path.read_bytes()
        nb = json.loads(data) if MARK.encode() in data else {}
        released, cells = nb.get("metadata", {}).get(MARK), nb.get("cells", [])
        named = [cell.get("metadata", {}).get(MARK) for cell in cells]
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return False
    return _has(released, "profile") or any(_has(one, "task") or _has(one, "any_of") for one in named)


def _has(said: object, key: str) -> bool:
    return isinstance(said, dict) and key in said


def source_is_ours(preprocessor: Any, resources: Resources) -> bool:
    """Whether the assignment that a step of `generate_assignment` is at work on is one of ours."""
    coursedir = preprocessor.parent.parent.coursedir
    folder: str = coursedir.format_path(coursedir.source_directory, ".", resources["nbgrader"]["assignment"])
    return is_ours(Path(coursedir.root) / folder)


def frozen_path(coursedir: Any, assignment: str) -> Path:
    """Where the frozen profile of an assignment of ours is."""
    folder: str = coursedir.format_path(coursedir.release_directory, ".", assignment)
    return (Path(coursedir.root) / folder / FROZEN_NAME).resolve()


def released_profile(coursedir: Any, assignment: str) -> Profile | None:
    """The profile that an assignment was released with, or None for one that has nothing to do with us.

    Raises ProfileError where one of ours has lost it: graded without, it would be graded by what its checks print.
    """
    path = frozen_path(coursedir, assignment)
    return load(path) if is_ours(path.parent) else None


def frozen_profile(preprocessor: Any, resources: Resources) -> Profile | None:
    """`released_profile` of the assignment that a preprocessor is at work on."""
    return released_profile(preprocessor.parent.parent.coursedir, resources["nbgrader"]["assignment"])


def tolerant(ask: Callable[[str], Any]) -> Callable[[str], Any]:
    """nbgrader's reading of the time of handing in, which ends the run, or waits for ever, where it cannot be read."""

    def asked(folder: str) -> Any:
        stamp = Path(folder, "timestamp.txt")
        if not os.path.lexists(stamp) or not stat.S_ISREG(os.lstat(stamp).st_mode):
            return None
        try:
            return ask(folder)
        except (ValueError, OverflowError, SystemExit, AttributeError):  # the last where nbgrader means to say so
            return None

    return asked


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
    return model_cache.model_folder(model_home(profile), name)


def refuse_without_models(profile: Profile) -> None:
    """Raises NotReady, with what to do, when a model that the tasks need is not on this machine.

    Without it every right answer would fail, for a reason that is not the student's.
    """
    for name in profile.models_in_use():
        folder = model_folder(name, profile)
        if model_cache.newest_snapshot(folder) is None:
            raise NotReady(
                f"{name} is not in {folder}. Put it there, or set AUTOGRADER_MODEL_HOME to a Hugging Face home that "
                "has it (`python -m trials.models.stand_ins` makes one to try things out)."
            )
