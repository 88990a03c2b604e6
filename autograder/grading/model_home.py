"""Where the models are that grading uses, and whether they are there."""

from __future__ import annotations

import os
from pathlib import Path

from autograder.course.profile import Profile
from autograder.errors import NotReady
from autograder.protocol import model_cache


def model_home(profile: Profile) -> Path:
    """The Hugging Face home that grading uses: the profile's, or this machine's own (`AUTOGRADER_MODEL_HOME`)."""
    return Path(os.environ.get("AUTOGRADER_MODEL_HOME") or profile.models.home)


def model_folder(name: str, profile: Profile) -> Path:
    return model_cache.model_folder(model_home(profile), name)


def snapshots(profile: Profile) -> dict[str, Path]:
    """The snapshot of each model that the profile's tasks use, of those that are here."""
    found = {name: model_cache.newest_snapshot(model_folder(name, profile)) for name in profile.models_in_use()}
    return {name: folder for name, folder in found.items() if folder is not None}


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
