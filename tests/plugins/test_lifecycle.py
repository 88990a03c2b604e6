"""The main job through nbgrader's own commands, on tiny models: six students, from source notebooks to feedback pages.

One course is made and graded for the whole file; tests that change it take a student of their own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from forked import ScratchCourse
from nbgrader.api import Gradebook

from autograder.course.profile import Profile
from autograder.errors import NotReady
from autograder.grading.records import Records
from autograder.judging.contract import ASSIGNMENT, tasks
from trials import demo
from trials.classes import Cells, Student, write_submission

FULL = {
    "check-model-home": 1, "check-load-model": 3, "check-limit-output": 1, "check-arguments": 2, "check-prompt": 2,
    "check-chain": 2, "check-who-are-you": 1, "check-ideal-boat": 1, "check-instruct-small": 2,
    "check-instruct-large": 2, "check-temperature-1": 2, "check-temperature-2": 1.5, "check-temperature-3": 1.5,
}  # fmt: skip
EXPECTED: dict[str, dict[str, float]] = {
    "anna": FULL,
    "bjorn": FULL,
    "celine": {name: points if name in list(FULL)[:5] else 0 for name, points in FULL.items()},
    "david": {**FULL, "check-limit-output": 0, "check-prompt": 1, "check-ideal-boat": 0, "check-temperature-3": 0.9},
    "emma": dict.fromkeys(FULL, 0),
    "farid": {**FULL, "check-chain": 0, "check-who-are-you": 0, "check-ideal-boat": 0},
}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, tiny_home: Path) -> ScratchCourse:
    made = ScratchCourse(tmp_path_factory.mktemp("life"), ROOT, tiny_home)
    demo.run(made, demo.the_class(made.reference(), made.profile), lambda name, parts: lambda: None)
    return made


@pytest.fixture(scope="module")
def cells(course: ScratchCourse) -> Cells:
    return course.reference()


def autograded(course: ScratchCourse, student: str, notebook: str) -> nbformat.NotebookNode:
    path = course.root / "autograded" / student / ASSIGNMENT / f"{notebook}.ipynb"
    return nbformat.read(path, as_version=4)


def pages(course: ScratchCourse, student: str) -> dict[str, str]:
    folder = course.home(student) / ASSIGNMENT / "feedback"
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}


def copied(course: ScratchCourse, folder: Path) -> ScratchCourse:
    """A copy of the course as it stands, for a test that would harm it."""
    return course.twin(folder)


def judged(course: ScratchCourse, student: str) -> dict[str, float | None]:
    scores = course.scores()[student]
    return {name: scores[name] for name in FULL}


@pytest.mark.parametrize("student", EXPECTED)
def test_each_student_gets_the_points_that_are_due(course: ScratchCourse, student: str) -> None:
    assert judged(course, student) == pytest.approx(EXPECTED[student])


def test_the_free_text_answers_wait_for_a_person(course: ScratchCourse) -> None:
    assert course.scores()["anna"]["memory"] is None


def test_a_free_text_cell_left_as_it_was_earns_nothing_by_itself(course: ScratchCourse) -> None:
    assert course.scores()["emma"]["memory"] == 0


def test_output_on_stderr_cost_nothing(course: ScratchCourse) -> None:
    streams = [o.get("name") for c in autograded(course, "bjorn", "chatbot").cells for o in c.get("outputs", [])]
    assert "stderr" in streams
    assert judged(course, "bjorn") == FULL


def test_every_student_gets_a_feedback_page_for_each_notebook(course: ScratchCourse) -> None:
    for student in EXPECTED:
        assert set(pages(course, student)) == {"chatbot", "larger-model", "temperature"}


def test_no_traceback_stands_without_a_sentence_before_it(course: ScratchCourse) -> None:
    found = 0
    for student in EXPECTED:
        for notebook in ("chatbot", "larger-model", "temperature"):
            for cell in autograded(course, student, notebook).cells:
                kinds = [output.output_type for output in cell.get("outputs", [])]
                if "error" in kinds:
                    found += 1
                    before = cell.outputs[kinds.index("error") - 1]
                    assert kinds.index("error") > 0
                    assert before.data["text/plain"].startswith("Denne cellen stoppet med en feil: ")
    assert found >= 2


def test_feedback_tells_what_was_expected_and_found_and_what_to_do(course: ScratchCourse) -> None:
    page = pages(course, "david")["chatbot"]
    for words in ("Forventet", "Fant", "Neste steg", "256"):
        assert words in page


def test_feedback_holds_neither_solution_nor_rubric(course: ScratchCourse) -> None:
    page = pages(course, "emma")["chatbot"]
    assert "BEGIN SOLUTION" not in page
    assert "BEGIN MARK SCHEME" not in page
    assert "prompt | llm" not in page


def test_feedback_holds_no_evidence_or_transcript(course: ScratchCourse) -> None:
    assert "llm-autograder.evidence" not in pages(course, "anna")["chatbot"]


def without_check_chain(notebook: nbformat.NotebookNode) -> None:
    notebook.cells = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") != "check-chain"]


def nothing_is_to_run(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution"]


@pytest.fixture(scope="module")
def graded_later(course: ScratchCourse, cells: Cells) -> ScratchCourse:
    """The course when five more have handed in and been graded."""
    course.hand_in(Student("gina", "prints its own points", {"model-home": "check = lambda name: 1000"}))
    course.hand_in(Student("hilde", "uses a name", {**cells, "limit-output": cells["limit-output"] + "\ncheck = 1"}))
    course.hand_in(Student("kari", "kills the kernel", {**cells, "chain": "import os\nos._exit(1)"}))
    course.hand_in(Student("ivar", "deleted a check", cells))
    course.hand_in(Student("jon", "skips all", {}))
    for student, change in (("ivar", without_check_chain), ("jon", nothing_is_to_run)):
        path = course.root / "submitted" / student / ASSIGNMENT / "chatbot.ipynb"
        notebook = nbformat.read(path, as_version=4)
        change(notebook)
        nbformat.write(notebook, path)
    course.instructor("autograde", ASSIGNMENT)
    return course


def test_scores_do_not_come_from_what_a_check_cell_prints(graded_later: ScratchCourse) -> None:
    assert set(judged(graded_later, "gina").values()) == {0}


def test_a_variable_called_check_costs_nothing(graded_later: ScratchCourse) -> None:
    assert judged(graded_later, "hilde") == FULL


def test_a_check_cell_that_was_deleted_is_put_back_and_judged(graded_later: ScratchCourse) -> None:
    assert judged(graded_later, "ivar")["check-chain"] == 2


def test_a_check_cell_tagged_to_be_skipped_earns_nothing_by_that(graded_later: ScratchCourse) -> None:
    assert judged(graded_later, "jon")["check-chain"] == 0
    assert judged(graded_later, "jon")["check-model-home"] == 0


def test_what_the_graders_own_shell_has_set_earns_a_student_nothing(
    course: ScratchCourse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "shares_helpers", False)
    course.hand_in(Student("olav", "nothing", {}))
    env = {"HF_HOME": course.profile.models.home}
    course.instructor("autograde", ASSIGNMENT, "--student", "olav", "--notebook", "chatbot", env=env)
    assert judged(course, "olav")["check-model-home"] == 0


def test_a_kernel_that_dies_sends_the_rest_to_a_person_and_the_batch_goes_on(graded_later: ScratchCourse) -> None:
    scores = judged(graded_later, "kari")
    assert (scores["check-prompt"], scores["check-chain"]) == (2, 0)
    record = Records(graded_later.root, ASSIGNMENT).read("kari", "chatbot")
    assert record is not None
    assert {v.state for v in record.verdicts if v.check_id == "check-chain"} == {"review"}


def test_manual_score_and_override_survive_a_regrade_and_unchanged_answers_stay_marked(
    course: ScratchCourse, cells: Cells
) -> None:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        for name, notebook, score in (("memory", "chatbot", 2.5), ("check-limit-output", "chatbot", 0.5)):
            grade = gradebook.find_grade(name, notebook, ASSIGNMENT, "david")
            grade.manual_score, grade.needs_manual_grade = score, False
        gradebook.db.commit()
    command = ["override", "david", "check-prompt", "placeholder", "1", "--reason", "Agreed in class."]
    autograder = Path(sys.executable).parent / "autograder"
    subprocess.run([autograder, *command], cwd=course.root, check=True, capture_output=True)
    assert course.scores()["david"]["check-prompt"] == 2
    course.instructor("autograde", ASSIGNMENT, "--student", "david", "--notebook", "chatbot", "--force")
    scores = course.scores()["david"]
    assert (scores["memory"], scores["check-limit-output"], scores["check-prompt"]) == (2.5, 0.5, 2)
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        for name in ("memory", "check-limit-output", "check-prompt"):
            assert not gradebook.find_grade(name, "chatbot", ASSIGNMENT, "david").needs_manual_grade
    cell = next(c for c in autograded(course, "david", "chatbot").cells if c.get("id") == "check-prompt")
    assert "Agreed in class." in cell.outputs[0].data["text/html"]


def test_an_answer_that_changed_goes_back_to_a_person(course: ScratchCourse, cells: Cells) -> None:
    course.hand_in(Student("lars", "answers", {"memory": "Because."}))
    grade_it = ("autograde", ASSIGNMENT, "--student", "lars", "--notebook", "chatbot", "--force")
    course.instructor(*grade_it)
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        grade = gradebook.find_grade("memory", "chatbot", ASSIGNMENT, "lars")
        grade.manual_score, grade.needs_manual_grade = 1.0, False
        gradebook.db.commit()
    course.hand_in(Student("lars", "answers anew", {"memory": "Because of something else."}))
    course.instructor(*grade_it)
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        grade = gradebook.find_grade("memory", "chatbot", ASSIGNMENT, "lars")
        assert (grade.manual_score, grade.needs_manual_grade) == (1.0, True)


def test_grading_without_the_models_refuses_and_only_those_concerned_wait_for_feedback_and_export(
    course: ScratchCourse, tmp_path: Path, cells: Cells
) -> None:
    other = copied(course, tmp_path / "twin")
    other.model_home = tmp_path / "no-models"
    other.hand_in(Student("mona", "all right", cells))
    with pytest.raises(NotReady, match=r"is not in .*no-models"):
        other.instructor("autograde", ASSIGNMENT, "--student", "mona")
    assert "AUTOGRADER_MODEL_HOME" in other.log.read_text(encoding="utf-8")
    assert set(judged(other, "mona").values()) == {None}
    for path in (other.root / "autograded").iterdir():
        if path.name not in ("anna", "mona"):  # two are enough
            shutil.rmtree(path)
    for command in (("generate_feedback", ASSIGNMENT, "--force"), ("export", "--to", str(tmp_path / "grades.csv"))):
        with pytest.raises(NotReady):
            other.instructor(*command)
    said = other.log.read_text(encoding="utf-8")
    assert "Export waits" in said
    assert "mona: chatbot, check-chain" in said
    rows = (tmp_path / "grades.csv").read_text(encoding="utf-8")
    assert re.search(r"^chatbot,.*,anna,", rows, re.MULTILINE)
    assert "mona" not in rows
    assert (other.root / "feedback" / "anna" / ASSIGNMENT / "chatbot.html").exists()
    assert not (other.root / "feedback" / "mona").exists()


def test_a_broken_profile_stops_nbgrader_before_it_grades_by_its_own_rules(
    course: ScratchCourse, tmp_path: Path
) -> None:
    twin = copied(course, tmp_path / "twin")
    (twin.root / "course.toml").write_text("[course]\nlangage = 'nb'\n", encoding="utf-8")
    shutil.rmtree(twin.root / "autograded")
    with pytest.raises(NotReady, match=r"course\.langage: unknown key; did you mean 'language'"):
        twin.instructor("autograde", ASSIGNMENT)
    assert not (twin.root / "autograded").exists()


def test_a_settled_assignment_is_exported(course: ScratchCourse, tmp_path: Path) -> None:
    twin = copied(course, tmp_path / "twin")
    with Gradebook(f"sqlite:///{twin.root / 'gradebook.db'}") as gradebook:
        for student in set(twin.scores()) - set(EXPECTED):  # other tests grade parts of theirs only
            gradebook.remove_submission(ASSIGNMENT, student)
    twin.instructor("export", "--to", str(tmp_path / "grades.csv"))
    assert re.search(r"^chatbot,.*anna,", (tmp_path / "grades.csv").read_text(encoding="utf-8"), re.MULTILINE)


def test_grading_follows_the_frozen_profile_however_the_course_has_moved_on(
    course: ScratchCourse, cells: Cells
) -> None:
    path = course.root / "course.toml"
    kept = path.read_text(encoding="utf-8")
    path.write_text(kept.replace("max_new_tokens = 100", "max_new_tokens = 77"), encoding="utf-8")
    try:
        course.hand_in(Student("nora", "all right", cells))
        course.instructor("autograde", ASSIGNMENT, "--student", "nora", "--notebook", "chatbot")
    finally:
        path.write_text(kept, encoding="utf-8")
    assert judged(course, "nora")["check-limit-output"] == 1


def test_a_solved_notebook_checks_itself_outside_jupyterlab(
    course: ScratchCourse, cells: Cells, tmp_path: Path, tiny_home: Path
) -> None:
    folder = tmp_path / "own"
    shutil.copytree(course.release, folder)
    write_submission(course.release, folder, Student("own", "all right", cells))
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AUTOGRADER_MODEL_HOME": str(tiny_home),
        "AUTOGRADER_VIRTUAL_GPU": "1",
    }
    command = ["jupyter", "execute", "--inplace", "chatbot.ipynb"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    notebook = json.loads((folder / "chatbot.ipynb").read_text(encoding="utf-8"))
    shown = {c["id"]: c["outputs"] for c in notebook["cells"] if c["cell_type"] == "code"}
    assert "alt er på plass" in "".join(shown["check-chain"][0]["data"]["text/plain"])


def test_the_committed_release_is_what_the_source_gives(course: ScratchCourse) -> None:
    for path in sorted(course.release.iterdir()):
        assert path.read_bytes() == (ROOT / "release" / ASSIGNMENT / path.name).read_bytes(), (
            f"{path.name}: run `make release` and commit the result"
        )


def test_the_gemma_profile_gives_its_reference_all_points_and_an_untouched_release_none(
    tmp_path: Path, tiny_home: Path, gemma: Profile
) -> None:
    made = ScratchCourse(tmp_path / "gemma", ROOT, tiny_home, ROOT / "profiles" / "gemma.toml")
    made.instructor("generate_assignment", ASSIGNMENT)
    graded = {t.check_id: t.points for t in tasks(gemma)}
    assert {
        c.metadata["nbgrader"]["grade_id"]: c.metadata["nbgrader"]["points"]
        for path in made.release.glob("*.ipynb")
        for c in nbformat.read(path, as_version=4).cells
        if c.metadata.get("nbgrader", {}).get("grade")
    } == graded
    made.hand_in(Student("all-right", "the reference", {**made.reference(), **demo.other_spelling(gemma)}))
    made.hand_in(Student("untouched", "nothing", {}))
    made.instructor("autograde", ASSIGNMENT)
    judged_here = {t.check_id: t.points for t in tasks(gemma) if t.judged_by == "autograder"}
    for student, due in (("all-right", judged_here), ("untouched", dict.fromkeys(judged_here, 0))):
        scores = made.scores()[student]
        assert {name: scores[name] for name in judged_here} == due
