"""One notebook through the real path, for `make quick`: release, jailed kernel, model host, judge, gradebook."""

from __future__ import annotations

from pathlib import Path

from conftest import ROOT
from forked import ScratchCourse

from autograder.judging.contract import ASSIGNMENT
from trials.classes import Student


def test_a_right_notebook_earns_its_points(tiny_home: Path, tmp_path: Path) -> None:
    course = ScratchCourse(tmp_path, ROOT, tiny_home)
    course.instructor("generate_assignment", ASSIGNMENT)
    course.hand_in(Student("anna", "all right", course.reference()), "temperature")
    course.instructor("autograde", ASSIGNMENT, env={"AUTOGRADER_ECHO": "1"})
    assert course.scores()["anna"]["check-temperature-1"] == 2
