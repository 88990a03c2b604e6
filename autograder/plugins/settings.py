"""The settings that a course's `nbgrader_config.py` needs, in one call: `configure(c, root)`.

nbgrader has been imported when it reads them. What they consist of (`steps.py`) takes a while to import, and what grades takes
longer: the helpers are begun first.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from autograder.cluster.place import VARIABLE as PLACE
from autograder.course.profile import FROZEN_NAME
from autograder.errors import AutograderError, ProfileError
from autograder.grading import early_start
from autograder.grading.host_and_kernels import begin
from autograder.grading.model_home import model_home, refuse_without_models
from autograder.judging.contract import load
from autograder.system.imports import garbage_later


def configure(c: Any, root: Path) -> None:
    """Sets up nbgrader for a course.

    The profile is `course.toml` in the course directory, or the file that `AUTOGRADER_PROFILE` names.

    Args:
        c: the configuration object of traitlets (`get_config()`).
        root: the course directory.

    Raises:
        SystemExit: the profile is missing or not valid. Not an exception: nbgrader would tell it and go on with its own
            settings, and grade by what the check cells print.
    """
    path = Path(os.environ.get("AUTOGRADER_PROFILE") or "course.toml")
    try:
        profile = load(root / path)
    except ProfileError as error:
        raise SystemExit(f"nbgrader cannot run in this course: its profile is not valid.\n{error}") from None
    begin_helpers(root)
    with garbage_later():
        from autograder.plugins.steps import configure_course

    configure_course(c, root, path, profile)


@cache
def begin_helpers(root: Path) -> None:
    """Where `nbgrader autograde` has a submission to execute, has its helpers start. What is wrong is told later."""
    command, assignment = (*sys.argv[1:3], "", "")[:2]
    if command != "autograde" or early_start.VARIABLE in os.environ or os.environ.get(PLACE, "here") != "here":
        return
    execute = os.environ.get("AUTOGRADER_FORCE", "") not in ("", "0")
    frozen = root / "release" / assignment / FROZEN_NAME
    if not frozen.is_file() or not (execute or early_start.something_new(root, assignment)):
        return
    try:
        profile = load(frozen)
        refuse_without_models(profile)
    except AutograderError:
        return
    begin(root, model_home(profile), early_start.first_model(profile))
