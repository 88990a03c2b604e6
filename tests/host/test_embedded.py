"""The reference solution, run for real on the embedded model: all three notebooks, as `nbgrader autograde` runs them.

The course asks for shorter answers than it does of students: some words show as well as seventy that a model answers.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, changed_profile
from forked import ScratchCourse

from autograder.grading.records import Records
from autograder.judging.contract import ASSIGNMENT, tasks
from trials.classes import Student

MODELS = ROOT / ".models"
COMMON = {"I", "I'm", "a", "am", "are", "is", "my", "of", "the", "to", "you"}
"""Words of which a model's few answers have some, however a processor rounds."""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> ScratchCourse:
    if not (MODELS / "STAND-INS.txt").exists():
        pytest.fail("the embedded model is not there: `make test` fetches it")
    folder = tmp_path_factory.mktemp("embedded")
    short = changed_profile(folder, {"max_new_tokens = 100": "max_new_tokens = 12"})
    made = ScratchCourse(folder / "course", ROOT, MODELS, short)
    made.instructor("generate_assignment", ASSIGNMENT)
    made.hand_in(Student("reference", "all right", made.reference()))
    made.instructor("autograde", ASSIGNMENT)
    return made


@pytest.mark.slow
def test_the_reference_solution_gets_22_of_22(course: ScratchCourse) -> None:
    scores = course.scores()["reference"]
    judged = {t.check_id: t.points for t in tasks(course.profile) if t.judged_by == "autograder"}
    assert {name: scores[name] for name in judged} == judged
    assert sum(judged.values()) == 22


@pytest.mark.slow
def test_a_real_model_answers_in_words(course: ScratchCourse) -> None:
    notebooks = {task.notebook for task in tasks(course.profile)}
    records = [Records(course.root, ASSIGNMENT).read("reference", notebook) for notebook in notebooks]
    asked = [request for record in records if record for request in record.transcript.own()]
    assert {word for request in asked for output in request.outputs for word in output.split()} & COMMON


@pytest.mark.slow
def test_no_cell_of_the_reference_solution_raises(course: ScratchCourse) -> None:
    folder: Path = course.root / "autograded" / "reference" / ASSIGNMENT
    for path in folder.glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            assert not [o for o in cell.get("outputs", []) if o.output_type == "error"], (path.name, cell.id)
