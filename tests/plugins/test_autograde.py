"""A run of `nbgrader autograde`: nobody stops the others, and a run that is cut short loses and repeats nothing."""

from __future__ import annotations

import copy
import json
import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import nbformat
import pytest
from conftest import ROOT
from forked import ScratchCourse
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import api, autogradeapp
from nbgrader.converters import Autograde
from sqlalchemy.exc import OperationalError

from autograder.errors import NotReady
from autograder.facts.evidence import Facts
from autograder.facts.transcript import Transcript
from autograder.grading import execution_pool, gradebook
from autograder.grading.claims import Claim, cut_short
from autograder.grading.execution_pool import ExecutionPool, Run, work_through
from autograder.grading.executions import Execution
from autograder.grading.records import Records
from autograder.judging.contract import ASSIGNMENT
from autograder.plugins.autograde import GradeSubmissions, install
from autograder.plugins.course import gradebook_url
from autograder.plugins.grading_run import Begun, Underway
from autograder.plugins.submission_converter import Sanitized
from autograder.submissions.submission import Mended
from trials.classes import Student

ECHO = {"AUTOGRADER_ECHO": "1"}
NOTHING = Execution(outputs=(), counts=(), facts=Facts(evidence={}, transcript=Transcript(), in_grading=True))


@pytest.fixture(scope="module")
def released(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> ScratchCourse:
    """A course with a release, and three students who have handed the same in, in one notebook each."""
    made = ScratchCourse(tmp_path_factory.mktemp("autograde"), ROOT, tiny_home)
    made.instructor("generate_assignment", ASSIGNMENT)
    for name in ("anna", "bjorn", "celine"):
        made.hand_in(Student(name, "", {**made.reference(), "memory": name}), "chatbot")
    return made


@pytest.fixture
def course(released: ScratchCourse, tmp_path: Path) -> ScratchCourse:
    return released.twin(tmp_path / "twin")


def said(course: ScratchCourse) -> str:
    return course.log.read_text(encoding="utf-8")


def chain_points(course: ScratchCourse) -> dict[str, float | None]:
    return {student: scores["check-chain"] for student, scores in course.scores().items()}


# --- nbgrader's converter ---


def test_nbgraders_commands_use_this_converter_and_find_it_where_they_looked_for_theirs() -> None:
    kept = autogradeapp.Autograde, api.Autograde
    try:
        install()
        assert (autogradeapp.Autograde, api.Autograde) == (GradeSubmissions, GradeSubmissions)
    finally:
        autogradeapp.Autograde, api.Autograde = kept


@pytest.mark.parametrize(
    "name",
    ["convert_notebooks", "init_destination", "init_single_notebook_resources", "write_single_notebook", "set_permissions",
     "run_pre_convert_hook", "run_post_convert_hook", "create_student", "exclude_overwriting", "sanitize_preprocessors",
     "autograde_preprocessors", "_format_dest", "_format_source"],
)  # fmt: skip
def test_what_this_converter_takes_from_nbgraders_is_there(name: str) -> None:
    assert hasattr(Autograde, name)


# --- Claims ---


def test_a_claim_that_another_run_holds_is_not_given(tmp_path: Path) -> None:
    first = Claim.take(tmp_path / "anna", "*")
    assert first is not None
    assert Claim.take(tmp_path / "anna", "*") is None


def test_a_claim_that_ended_well_leaves_nothing(tmp_path: Path) -> None:
    first = Claim.take(tmp_path / "anna", "*")
    assert first is not None
    first.done("*")
    second = Claim.take(tmp_path / "anna", "*")
    assert second is not None
    assert second.left is None


@pytest.mark.parametrize("what", ["*", "chatbot"])
def test_a_claim_that_was_cut_short_says_of_what(tmp_path: Path, what: str) -> None:
    first = Claim.take(tmp_path / "anna", what)
    assert first is not None
    first.leave()
    assert cut_short(tmp_path) == ["anna"]
    second = Claim.take(tmp_path / "anna", "*")
    assert second is not None
    assert second.left == what
    assert cut_short(tmp_path) == []


def test_one_notebook_graded_does_not_settle_a_submission_that_was_cut_short(tmp_path: Path) -> None:
    for what in ("*", "chatbot"):
        claim = Claim.take(tmp_path / "anna", what)
        assert claim is not None
        claim.done(what) if what == "chatbot" else claim.leave()
    assert cut_short(tmp_path) == ["anna"]


# --- A gradebook, a disk ---


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "gradebook.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE grade (x)")
    connection.commit()
    yield path
    connection.close()


def test_a_gradebook_that_can_be_written_is_left_as_it_was(database: Path, tmp_path: Path) -> None:
    before = database.read_bytes()
    gradebook.refuse_closed(f"sqlite:///{database}", [tmp_path / "autograded" / "x"])
    assert database.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gradebook.db"]


def test_a_locked_gradebook_is_told(database: Path, tmp_path: Path) -> None:
    other = sqlite3.connect(database)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(NotReady, match="locked: another program is writing to it"):
        gradebook.refuse_closed(f"sqlite:///{database}?timeout=0", [])
    other.close()


def test_a_gradebook_that_may_not_be_written_is_told(database: Path) -> None:
    with pytest.raises(NotReady, match=r"cannot be written: .*readonly database"):
        gradebook.refuse_closed(f"sqlite:///file:{database}?mode=ro&uri=true", [])


def test_a_gradebook_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "gradebook.db").write_text("not a database, but long enough to look at" * 100)
    with pytest.raises(NotReady, match="file is not a database"):
        gradebook.refuse_closed(f"sqlite:///{tmp_path / 'gradebook.db'}", [])


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("gradebook.db", "cannot be understood"),
        ("nosuch://grader:secret@here/grades", "cannot be understood"),
        ("mysql+notinstalled://grader:secret@here/grades", "cannot be understood"),
        ("mssql+pymssql://grader:secret@here/grades", "needs the Python package 'pymssql'"),
        ("sqlite:////nowhere/at/all/gradebook.db", "unable to open"),
    ],
)
def test_an_address_of_no_gradebook_is_told_without_its_password(address: str, words: str) -> None:
    with pytest.raises(NotReady, match=words) as caught:
        gradebook.refuse_closed(address, [])
    assert "secret" not in str(caught.value)


def test_the_gradebook_of_a_course_is_where_its_settings_say(tmp_path: Path) -> None:
    assert gradebook_url(tmp_path) == f"sqlite:///{tmp_path / 'gradebook.db'}"
    (tmp_path / "nbgrader_config.py").write_text("c.CourseDirectory.db_url = 'postgresql+psycopg://grader@here/grades'")
    assert gradebook_url(tmp_path) == "postgresql+psycopg://grader@here/grades"


def test_a_disk_without_room_is_told(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradebook, "ROOM", 1 << 60)
    with pytest.raises(NotReady, match="MB are free"):
        gradebook.refuse_closed(f"sqlite:///{database}", [tmp_path])


ERRORS = {
    "disk full": (OSError(28, "No space left on device"), "The disk is full", True),
    "gradebook's disk full": (
        OperationalError("x", {}, Exception("database or disk is full")),
        "The disk is full",
        True,
    ),
    "locked": (OperationalError("x", {}, Exception("database is locked")), "is locked", True),
    "read-only disk": (OSError(30, "Read-only file system"), "cannot be written", True),
    "a file that is not there": (FileNotFoundError(2, "No such file"), "cannot be used", False),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_concerns_the_whole_course_is_known_and_told(name: str) -> None:
    error, words, everybodys = ERRORS[name]
    assert words in gradebook.in_words(error, "gradebook.db")
    assert gradebook.is_the_courses(error) == everybodys


def test_a_locked_gradebook_ends_a_run_before_it_has_done_anything(course: ScratchCourse) -> None:
    other = sqlite3.connect(course.root / "gradebook.db")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(NotReady, match="is locked: another program is writing to it"):
        course.instructor("autograde", ASSIGNMENT, env=ECHO)
    other.close()
    assert not (course.root / "autograded").exists()


# --- What is mended before it runs ---


def changed(change: Callable[[NotebookNode], object]) -> Callable[[Path], object]:
    """A change of the notebook, as a change of its file."""

    def at(path: Path) -> None:
        nb = nbformat.read(path, as_version=4)
        change(nb)
        path.write_text(json.dumps(nb), encoding="utf-8")

    return at


def cell(nb: NotebookNode, grade_id: str) -> NotebookNode:
    return next(c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def without(nb: NotebookNode, *grade_ids: str) -> None:
    nb.cells = [c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") not in grade_ids]


MENDED: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "a check deleted": (changed(lambda nb: without(nb, "check-chain")), {"put-back"}),
    "a check twice": (changed(lambda nb: nb.cells.append(copy.deepcopy(cell(nb, "check-chain")))), {"duplicate", "moved"}),
    "a check first of all": (changed(lambda nb: nb.cells.insert(0, nb.cells.pop(nb.cells.index(cell(nb, "check-chain"))))),
                             {"moved"}),
    "a solution as text": (changed(lambda nb: cell(nb, "chain").update(cell_type="markdown")), {"retyped"}),
    "points of its own": (changed(lambda nb: cell(nb, "check-chain").metadata.nbgrader.update(points=99)), {"marks"}),
    "a check that says something else": (changed(lambda nb: cell(nb, "check-chain").update(source="2")), {"locked"}),
    "not to be run": (changed(lambda nb: cell(nb, "check-chain").metadata.update(tags=["skip-execution"])), {"skipped"}),
    "another kernel": (changed(lambda nb: nb.metadata.update(kernelspec={"name": "ir", "display_name": "R"})), {"kernel"}),
    "no marks at all": (changed(lambda nb: [c.metadata.pop("nbgrader", None) for c in nb.cells]), {"marks"}),
    "a comma too many": (lambda path: path.write_text(path.read_text().rstrip()[:-1] + ",}"), {"commas"}),
    "another name": (lambda path: path.rename(path.with_name("Chatbot (1).ipynb")), {"renamed"}),
    "a torch of its own beside": (lambda path: path.with_name("torch.py").write_text("1 / 0"), {"shadows"}),
    "a link beside": (lambda path: path.with_name("data.csv").symlink_to("/etc/passwd"), {"symlink"}),
    "a time that is none": (lambda path: path.with_name("timestamp.txt").write_text("yesterday"), set()),
}  # fmt: skip
"""What was done to the right notebook's file, and which repairs are noted."""


@pytest.fixture(scope="module")
def mended(released: ScratchCourse) -> ScratchCourse:
    course = released.twin(released.folder.parent / "mended")
    for number, (change, _) in enumerate(MENDED.values()):
        student = Student(f"m{number:02}", "", course.reference())
        change(course.hand_in(student, "chatbot") / "chatbot.ipynb")
    shutil.copytree(course.root / "submitted", course.folder / "as-handed-in", symlinks=True)
    course.instructor("autograde", ASSIGNMENT, env=ECHO)
    return course


@pytest.mark.parametrize("what", MENDED)
def test_what_can_be_mended_costs_nothing_and_is_noted(what: str, mended: ScratchCourse) -> None:
    student = f"m{list(MENDED).index(what):02}"
    record = Records(mended.root, ASSIGNMENT).read(student, "chatbot")
    assert record is not None
    assert {(v.state, v.passed) for v in record.verdicts} == {("judged", True)}
    assert {repair.kind for repair in record.repairs} == MENDED[what][1]
    told = {words for verdict in record.verdicts for words in verdict.observations}
    assert {repair.words for repair in record.repairs} <= told


def test_what_was_handed_in_stays_as_it_was(mended: ScratchCourse) -> None:
    def seen(folder: Path) -> dict[str, str | bytes]:
        files = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
        return {str(p.relative_to(folder)): os.readlink(p) if p.is_symlink() else p.read_bytes() for p in files}

    assert seen(mended.root / "submitted") == seen(mended.folder / "as-handed-in")


def test_the_list_at_the_end_says_who_was_mended(mended: ScratchCourse) -> None:
    assert "m00, chatbot: put-back (check-chain)" in said(mended)
    assert "Not handed in: anna, larger-model" in said(mended)


# --- Runs ---


FILLING = """
import contextlib, logging, pathlib

def fill(record):
    filler = pathlib.Path({filler!r})
    if "Autograding " in record.getMessage() and "bjorn" in record.getMessage() and not filler.exists():
        for size in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
                while file.write(bytes(size)):
                    pass
    return True

logging.getLogger("AutogradeApp").addFilter(fill)
"""
"""In nbgrader's configuration: the disk fills up in the process that grades, before it goes on."""


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk is mounted, which takes root")
def test_a_disk_that_fills_up_ends_the_run_with_nothing_half_written(released: ScratchCourse, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80M", "tmpfs", str(disk)], check=True)
    try:
        course = released.twin(disk / "twin")
        course.log = tmp_path / "commands.log"
        with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
            config.write(FILLING.format(filler=str(disk / "filler")))
        with pytest.raises(NotReady, match="The disk is full"):
            course.instructor("autograde", ASSIGNMENT, env=ECHO)
        (disk / "filler").write_bytes(b"")
        records = Records(course.root, ASSIGNMENT)
        assert records.read("anna", "chatbot") is not None
        for path in (course.root / "verdicts").rglob("*.json"):
            records.read(path.parent.name, path.stem)
        course.instructor("autograde", ASSIGNMENT, env=ECHO)
        assert chain_points(course) == {"anna": 2, "bjorn": 2, "celine": 2}
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_submission_that_another_run_is_at_work_on_is_left_to_it(course: ScratchCourse) -> None:
    claim = Claim.take(course.root / ".autograder" / "running" / ASSIGNMENT / "bjorn", "*")
    assert claim is not None
    course.instructor("autograde", ASSIGNMENT, env=ECHO)
    claim.done("*")
    assert "bjorn" not in chain_points(course)
    assert "bjorn is being graded by another run" in said(course)


def test_where_our_own_side_fails_one_submission_is_not_judged_and_the_others_are(course: ScratchCourse) -> None:
    """bjorn's record is damaged; celine's work cannot be put where it should be."""
    path = course.root / "verdicts" / ASSIGNMENT / "bjorn" / "chatbot.json"
    path.parent.mkdir(parents=True)
    path.write_text("half a rec")
    (course.root / "autograded" / "celine").mkdir(parents=True)
    (course.root / "autograded" / "celine" / ASSIGNMENT).symlink_to("nowhere/at/all")
    with pytest.raises(NotReady, match="Not judged: bjorn, celine"):
        course.instructor("autograde", ASSIGNMENT, env=ECHO)
    assert chain_points(course) == {"anna": 2, "bjorn": None, "celine": None}
    assert path.read_text() == "half a rec"
    record = Records(course.root, ASSIGNMENT).read("celine", "chatbot")
    assert record is not None
    assert {verdict.state for verdict in record.verdicts} == {"not judged"}
    path.unlink()
    (course.root / "autograded" / "celine" / ASSIGNMENT).unlink(missing_ok=True)
    course.instructor("autograde", ASSIGNMENT, env=ECHO)
    assert chain_points(course) == {"anna": 2, "bjorn": 2, "celine": 2}


BREAK = """
from nbgrader.preprocessors import NbGraderPreprocessor
from autograder.plugins.judge import SaveVerdicts

class Break(NbGraderPreprocessor):
    def preprocess(self, nb, resources):
        nb.cells[0].source = 7
        return nb, resources

steps = list(c.Autograde.autograde_preprocessors)
steps.insert(steps.index(SaveVerdicts), Break)
c.Autograde.autograde_preprocessors = steps
"""


def test_no_score_of_a_notebook_that_has_become_invalid_is_saved(course: ScratchCourse) -> None:
    """Not of its free text either, of which an answer as released would have a zero."""
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as settings:
        settings.write(BREAK)
    with pytest.raises(NotReady, match="Not judged: bjorn"):
        course.instructor("autograde", ASSIGNMENT, "--student", "bjorn", env=ECHO)
    assert "ValidationError" in said(course)
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as opened:
        grades = opened.find_submission_notebook("chatbot", ASSIGNMENT, "bjorn").grades
        assert {grade.auto_score for grade in grades} == {None}
    record = Records(course.root, ASSIGNMENT).read("bjorn", "chatbot")
    assert record is not None
    assert {verdict.state for verdict in record.verdicts} == {"not judged"}


# --- The order of work ---


class Noting:
    """Begins and judges nothing, and notes what it was asked to."""

    def __init__(self, runs: dict[str, Run], finishing: Callable[[str], None]) -> None:
        self.noted: list[str] = []
        self._runs, self._finishing, self._pool = runs, finishing, ExecutionPool(2)

    def begin(self, student: str) -> Begun:
        self.noted.append(f"begin {student}")
        pending = self._pool.begin(student, self._runs[student])
        return Begun(student, cast(Claim, None), {"chatbot": Underway(cast(Sanitized, None), Mended(), pending)})

    def finish(self, begun: Begun) -> None:
        self.noted.append(f"judge {begun.student}")
        self._finishing(begun.student)

    def all_graded(self) -> list[str]:
        work_through(self._runs, self.begin, self.finish, self._pool)
        self._pool.end()
        return self.noted


def test_a_long_notebook_holds_up_nobody() -> None:
    go = threading.Event()

    def long() -> Execution:
        go.wait(60)
        return NOTHING

    def finishing(student: str) -> None:
        if student == "celine":
            assert not go.is_set()
            go.set()

    runs = {"anna": long, "bjorn": lambda: NOTHING, "celine": lambda: NOTHING}
    noted = Noting(runs, finishing).all_graded()
    assert [line for line in noted if line.startswith("judge")] == ["judge bjorn", "judge celine", "judge anna"]


def test_there_is_an_end_to_how_many_submissions_are_begun_and_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_pool, "WINDOW", 3)
    runs = {f"student-{n}": lambda: NOTHING for n in range(10)}
    noted = Noting(runs, lambda _: None).all_graded()
    open_ones = [sum(1 if line.startswith("begin") else -1 for line in noted[:n]) for n in range(21)]
    assert max(open_ones) <= 3
    assert open_ones[-1] == 0
