"""What nbgrader's steps need to know of a course: the frozen profile, the check cells, where the models are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils

from .contract import Task, tasks
from .errors import NotReady
from .nbgrader_release import course_root
from .profile import FROZEN_NAME, Profile, load

Resources = dict[str, Any]


def frozen_path(preprocessor: Any, resources: Resources) -> Path:
    """Where the frozen profile of the assignment being graded is, if it has one."""
    coursedir = preprocessor.parent.parent.coursedir
    folder: str = coursedir.format_path(coursedir.release_directory, ".", resources["nbgrader"]["assignment"])
    return (course_root(preprocessor) / folder / FROZEN_NAME).resolve()


def frozen_profile(preprocessor: Any, resources: Resources) -> Profile | None:
    """The profile that the assignment was released with, or None for an assignment that has nothing to do with us."""
    path = frozen_path(preprocessor, resources)
    return load(path) if path.exists() else None


def check_cells(nb: NotebookNode, profile: Profile) -> Iterator[tuple[NotebookNode, Task]]:
    """The check cells of a notebook with their tasks, in the notebook's order."""
    known = {task.check_id: task for task in tasks(profile) if task.judged_by == "autograder"}
    for cell in nb.cells:
        task = known.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if task is not None and cell.cell_type == "code" and utils.is_grade(cell):
            yield cell, task


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
