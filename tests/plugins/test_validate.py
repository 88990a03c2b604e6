"""`nbgrader validate`, as JupyterLab's Validate calls it: every check answers, and no model is loaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from forked import ScratchCourse

from trials.classes import Cells, Student, write_submission


@pytest.fixture(scope="module")
def home_without_weights(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model home in which every file of weights is broken: loading one raises."""
    home = tmp_path_factory.mktemp("broken") / "home"
    shutil.copytree(tiny_home, home)
    for weights in home.rglob("*.safetensors"):
        weights.write_bytes(b"not weights")
    return home


@pytest.fixture(scope="module")
def course(home_without_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> ScratchCourse:
    made = ScratchCourse(tmp_path_factory.mktemp("validate"), ROOT, home_without_weights)
    made.instructor("generate_assignment", "chatbot")
    return made


def validated(course: ScratchCourse, student: str, cells: Cells) -> str:
    """What nbgrader says of the first notebook with these cells."""
    folder = course.home(student)
    write_submission(course.release, folder, Student(student, "", cells))
    env = {
        **os.environ,
        "AUTOGRADER_MODEL_HOME": str(course.model_home),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "JUPYTER_CONFIG_DIR": str(folder / "jupyter"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    command = ["nbgrader", "validate", "chatbot.ipynb"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_a_solved_notebook_validates_without_any_weights(course: ScratchCourse) -> None:
    assert "Success! Your notebook passes all the tests." in validated(course, "anna", course.reference())


def test_a_mistake_is_told_with_its_hint_and_without_a_traceback(course: ScratchCourse) -> None:
    said = validated(course, "david", {**course.reference(), "limit-output": "pass"})
    assert "VALIDATION FAILED ON 1 CELL(S)!" in said
    assert "256 nye tokener" in said
    assert "Traceback" not in said
