"""Export to Canvas: the roster that is read, the gradebook that is written, and what waits. nbgrader's own database."""

from __future__ import annotations

import csv
import datetime
import io
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import empty_gradebook
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config, Configurable

from autograder.errors import RosterError
from autograder.plugins.canvas import CanvasExport
from autograder.plugins.canvas_csv import HEADER, Enrolled, gradebook_file, read_roster, shown_name

FULL = "account,ID,SIS User ID,SIS Login ID,Student,Section\n"
ANNA = Enrolled("anna", "101", "u-1", "anna@uni.no", "Anna Ås", "A", 2)


def rows(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


# The roster


def test_a_roster_gives_each_account_its_ids() -> None:
    roster = read_roster((FULL + "anna,101,u-1,anna@uni.no,Anna Ås,A\n").encode())
    assert roster.by_account == {"anna": ANNA}
    assert roster.unusable == ()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_order_separator_capitals_byte_order_mark_and_line_ends_do_not_matter(
    separator: str, mark: str, end: str
) -> None:
    lines = [["Section", "sis_user_id", "canvas id", "NAME", "SIS Login Id", "Username", "more"]]
    lines.append(["A", "u-1", "101", "Anna Ås", "anna@uni.no", "anna", "x"])
    text = mark + end.join(separator.join(line) for line in lines) + end
    assert read_roster(text.encode()).by_account == {"anna": ANNA}


def test_a_gradebook_that_canvas_exported_is_a_roster() -> None:
    text = (
        "Student,ID,SIS User ID,SIS Login ID,Section,Chatbot (12345),Final Score\n"
        ",,,,,Manual Posting,\n"
        "    Points Possible,,,,,30,(read only)\n"
        '"Ås, Anna",101,u-1,ANNA@uni.no,A,,\n'
        '"Student, Test",999,,,A,,\n'
    )
    roster = read_roster(text.encode())
    assert {account: one.ids for account, one in roster.by_account.items()} == {"anna": ("101", "u-1", "ANNA@uni.no")}
    assert roster.titles == ("Chatbot (12345)",)
    assert roster.unusable == ("line 5 (Student, Test): no account",)


def test_a_row_that_cannot_be_matched_is_listed_and_the_others_are_read() -> None:
    text = FULL + "anna,101,u-1,anna@uni.no,Anna Ås,A\n,102,,,Bo,A\ncelia,,,,Celia,A\ndavid,,=1+1,,David,A\n"
    roster = read_roster(text.encode())
    assert list(roster.by_account) == ["anna"]
    assert [line.split(":")[0] for line in roster.unusable] == ["line 3 (Bo)", "line 4 (Celia)", "line 5 (David)"]


def test_the_same_student_in_two_sections_comes_once() -> None:
    text = FULL + "anna,101,u-1,anna@uni.no,Anna Ås,A\nanna,101,u-1,anna@uni.no,Anna Ås,B\n"
    assert read_roster(text.encode()).by_account == {"anna": ANNA}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", r"line 1: the file is empty.*account, ID"),
        (b"Namn,Nummer\nx,1\n", r"line 1: the columns are 'Namn', 'Nummer'\. Valid: account"),
        (b"account,Student\nanna,Anna\n", r"line 1: .*at least"),
        (b"account,ID,Canvas ID\n", r"line 1: two columns mean the same: 'ID' and 'Canvas ID'"),
        (FULL.encode() + b"anna,1.0E+05,,,,\n", r"line 2: the ID is '1\.0E\+05'\. Valid: digits only"),
        (FULL.encode() + "anna,1,,,,\nbjørn,2,,,,\n".encode("cp1252"), "line 3: the file is not in UTF-8"),
        (FULL.encode() + b'anna,1,,,"An"na",\n', "line 2: this is no CSV"),
        (FULL.encode() + b'anna,1,,,"An\nna",\nbo,2,,,"B', "line 4: this is no CSV"),
        (FULL.encode() + b"anna,1,,,,\nanna,2,,,,\n", "line 3: the account 'anna' stands on line 2 too"),
        (FULL.encode() + b"anna,1,,,,\nbo,1,,,,\n", "line 3: '1' is the id of 'anna' on line 2"),
    ],
)
def test_what_cannot_be_relied_on_is_told_with_its_line_and_what_is_valid(text: bytes, told: str) -> None:
    with pytest.raises(RosterError, match=told):
        read_roster(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_roster_or_an_error_with_a_line(data: bytes) -> None:
    for start in (b"", FULL.encode()):
        try:
            read_roster(start + data)
        except RosterError as error:
            said = str(error)
        else:
            said = "line"
        assert said.startswith("line")


# The file for Canvas


def test_the_file_has_canvas_columns_a_row_of_points_and_a_row_for_each_score() -> None:
    text = gradebook_file("Chatbot (12345)", 30, [(ANNA, 22.5)])
    assert rows(text) == [
        [*HEADER, "Chatbot (12345)"],
        ["    Points Possible", "", "", "", "", "30"],
        ["Anna Ås", "101", "u-1", "anna@uni.no", "A", "22.5"],
    ]


def test_semicolons_come_with_decimal_commas() -> None:
    text = gradebook_file("Chatbot (1)", 30.0, [(ANNA, 22.5)], semicolons=True)
    assert rows(text, ";")[2] == ["Anna Ås", "101", "u-1", "anna@uni.no", "A", "22,5"]


@pytest.mark.parametrize(
    ("score", "written"), [(0, "0"), (-0.0, "0"), (10, "10"), (1 / 3, "0.33"), (1234567.5, "1234567.5")]
)
def test_numbers_are_written_in_full_with_two_decimals_at_most(score: float, written: str) -> None:
    assert rows(gradebook_file("x (1)", 30, [(ANNA, score)]))[2][-1] == written


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1+2", "'-1+2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" \t=1", "'=1"),
        ("\x00=1", "'=1"),
        ("＝1", "'＝1"),
        ("Ås, Anna", "Ås, Anna"),
        ('Anna "A" Ås', 'Anna "A" Ås'),
        ("Anna\r\nÅs", "Anna Ås"),
        ("Anna \u202eÅs", "Anna Ås"),
        ("", "anna"),
        ("    Points  Possible", "anna"),
    ],
)
def test_a_name_is_nothing_but_a_name(name: str, written: str) -> None:
    assert shown_name(name, "anna") == written


@given(st.text(max_size=30), st.text(max_size=10), st.booleans())
def test_whatever_a_student_is_called_the_ids_and_the_number_stay_in_their_columns(
    name: str, section: str, semicolons: bool
) -> None:
    one = Enrolled("anna", "101", "u-1", "+4712345678", name, section, 2)
    text = gradebook_file("x (1)", 30, [(one, 1.5)], semicolons)
    header, possible, row = rows(text, ";" if semicolons else ",")
    assert len(header) == len(possible) == len(row) == 6
    assert row[1:4] == ["101", "u-1", "+4712345678"]
    assert row[5] == ("1,5" if semicolons else "1.5")
    assert row[0][:1] not in tuple("=+-@")
    assert text.count("\n") == 3


# From nbgrader's database

pytestmark = pytest.mark.filterwarnings(
    "ignore:Object of type:sqlalchemy.exc.SAWarning"
)  # of nbgrader's add_submission


class App(Configurable):  # type: ignore[misc]
    """As much of nbgrader's export command as an exporter asks for."""

    coursedir: CourseDirectory


class Course:
    """A course with a gradebook: `chatbot` has a check of 20 points and a free text of 10."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.gradebook = Gradebook(f"sqlite:///{root / 'gradebook.db'}")
        (root / "roster.csv").write_text(FULL + "anna,101,,,Anna,A\nbo,102,,,Bo,A\ncelia,103,,,Celia,A\n")

    def assignment(self, name: str) -> None:
        self.gradebook.add_assignment(name, duedate=datetime.datetime(2026, 1, 1))
        self.gradebook.add_notebook("one", name)
        for cell, points, kind in (("check", 20, "code"), ("text", 10, "markdown")):
            self.gradebook.add_grade_cell(cell, "one", name, max_score=points, cell_type=kind)
            self.gradebook.add_source_cell(cell, "one", name, cell_type=kind)

    def graded(self, student: str, check: float | None, text: float | None, name: str = "chatbot") -> None:
        self.gradebook.update_or_create_student(student)
        self.gradebook.add_submission(name, student)
        grade = self.gradebook.find_grade("check", "one", name, student)
        grade.auto_score, grade.needs_manual_grade = check, False
        grade = self.gradebook.find_grade("text", "one", name, student)
        grade.manual_score, grade.needs_manual_grade = text, text is None
        self.gradebook.db.commit()

    def export(self, **settings: Any) -> None:
        app = App()
        app.coursedir = CourseDirectory(config=Config({"CourseDirectory": {"root": str(self.root)}}))
        exporter = CanvasExport(parent=app, **{"titles": {"chatbot": "Chatbot (7)"}, **settings})
        exporter.log = logging.getLogger("export")
        exporter.export(self.gradebook)

    def exported(self, **settings: Any) -> list[list[str]]:
        self.export(to=str(self.root / "out.csv"), **settings)
        return rows((self.root / "out.csv").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook with the assignment."""
    folder = tmp_path_factory.mktemp("empty")
    empty_gradebook.put(folder / "gradebook.db")
    made = Course(folder)
    made.assignment("chatbot")
    made.gradebook.close()
    return folder / "gradebook.db"


@pytest.fixture
def course(tmp_path: Path, empty: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Course]:
    caplog.set_level("INFO")
    shutil.copy(empty, tmp_path / "gradebook.db")
    made = Course(tmp_path)
    yield made
    made.gradebook.close()


def test_who_is_marked_has_a_row_and_who_handed_in_nothing_has_none(
    course: Course, caplog: pytest.LogCaptureFixture
) -> None:
    course.graded("anna", 12.5, 8)
    course.graded("bo", 0, 0)
    header, possible, *students = course.exported()
    assert header[-1] == "Chatbot (7)"
    assert possible[-1] == "30"
    assert [(row[1], row[-1]) for row in students] == [("101", "20.5"), ("102", "0")]
    assert "1 of the roster have handed in nothing, and have no row:\n  celia" in caplog.text


def test_no_cell_under_the_title_is_ever_blank(course: Course) -> None:
    course.assignment("second")
    course.graded("anna", 20, 10)
    course.graded("bo", 5, 5, "second")
    course.export(to=str(course.root / "out.csv"))
    for name, account in (("chatbot", "Anna"), ("second", "Bo")):
        table = rows((course.root / f"out-{name}.csv").read_text(encoding="utf-8"))
        assert [row[0] for row in table[2:]] == [account]
        assert all(row[-1] for row in table)


def test_a_late_penalty_is_taken_off_and_nothing_falls_below_zero(course: Course) -> None:
    course.graded("anna", 12, 8)
    course.graded("bo", 1, 1)
    for student, penalty in (("anna", 3.25), ("bo", 5)):
        course.gradebook.find_submission_notebook("one", "chatbot", student).late_submission_penalty = penalty
    course.gradebook.db.commit()
    assert [row[-1] for row in course.exported()[2:]] == ["16.75", "0"]


def test_extra_credit_counts(course: Course) -> None:
    course.graded("anna", 20, 10)
    course.gradebook.find_grade("check", "one", "chatbot", "anna").extra_credit = 2
    course.gradebook.db.commit()
    assert course.exported()[2][-1] == "32"


@pytest.mark.parametrize(
    ("check", "text", "told"), [(20, None, "one, text: waits for a person"), (None, 5, "one, check: not judged")]
)
def test_open_work_holds_back_its_own_student_alone_and_the_exit_code_says_so(
    course: Course, caplog: pytest.LogCaptureFixture, check: float | None, text: float | None, told: str
) -> None:
    course.graded("anna", 20, 10)
    course.graded("bo", check, text)
    with pytest.raises(SystemExit):
        course.exported()
    assert f"bo: chatbot, {told}" in caplog.text
    (written,) = course.root.glob("out*")
    assert [row[0] for row in rows(written.read_text(encoding="utf-8"))[2:]] == ["Anna"]


def test_a_check_that_a_person_must_look_at_holds_back_too(course: Course) -> None:
    course.graded("anna", 20, 10)
    course.gradebook.find_grade("check", "one", "chatbot", "anna").needs_manual_grade = True
    with pytest.raises(SystemExit):
        course.exported()


def test_work_that_was_handed_in_and_never_graded_holds_back_too(
    course: Course, caplog: pytest.LogCaptureFixture
) -> None:
    course.graded("anna", 20, 10)
    (course.root / "submitted" / "bo" / "chatbot").mkdir(parents=True)
    with pytest.raises(SystemExit):
        course.exported()
    assert "bo: chatbot, handed in, and not graded" in caplog.text


def test_forced_the_exit_code_is_0_and_who_has_no_row_is_listed(
    course: Course, caplog: pytest.LogCaptureFixture
) -> None:
    course.graded("anna", 20, 10)
    course.graded("bo", 20, None)
    course.graded("celia", None, 10)
    assert [row[0] for row in course.exported(force=True)[2:]] == ["Anna"]
    assert "2 are left out, since something is open:\n  bo\n  celia" in caplog.text


def test_a_student_whom_the_roster_does_not_have_is_listed_and_the_others_are_exported(
    course: Course, caplog: pytest.LogCaptureFixture
) -> None:
    course.graded("anna", 20, 10)
    course.graded("zoe", 20, 10)
    assert len(course.exported()) == 3
    assert "1 have a score, but are not in the roster:\n  zoe" in caplog.text


def test_only_the_students_and_assignments_asked_for(course: Course) -> None:
    course.graded("anna", 20, 10)
    course.graded("bo", 20, None)
    assert [row[0] for row in course.exported(student=["anna"], assignment=["chatbot"])[2:]] == ["Anna"]
    with pytest.raises(SystemExit):
        course.export(assignment=["chatbto"])


def test_without_a_score_no_file_is_written_and_an_earlier_one_stays(
    course: Course, caplog: pytest.LogCaptureFixture
) -> None:
    course.export(to=str(course.root / "out.csv"))
    assert not (course.root / "out.csv").exists()
    assert "nobody has a score to export" in caplog.text


def test_a_title_without_canvas_id_is_told_with_those_that_the_roster_has(
    course: Course, caplog: pytest.LogCaptureFixture
) -> None:
    text = "Student,ID,SIS User ID,SIS Login ID,Section,Prat (7)\nAnna,101,,anna@uni.no,A,\n"
    (course.root / "roster.csv").write_text(text, encoding="utf-8")
    course.graded("anna", 20, 10)
    assert course.exported(titles={})[0][-1] == "chatbot"
    assert "The roster has: 'Prat (7)'" in caplog.text


@pytest.mark.parametrize("text", [None, "account,ID\nanna,x\n"])
def test_a_roster_that_cannot_be_read_is_told_with_its_path(
    course: Course, caplog: pytest.LogCaptureFixture, text: str | None
) -> None:
    (course.root / "roster.csv").unlink()
    if text is not None:
        (course.root / "roster.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit):
        course.exported()
    assert f"{course.root / 'roster.csv'}" in caplog.text
    assert ("line 2: the ID is 'x'" if text else "gradebook exported from Canvas") in caplog.text


# Through nbgrader's own command


def nbgrader_export(course: Course, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "nbgrader", "export", *arguments]
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(course.root / "jupyter"), "JUPYTER_PLATFORM_DIRS": "0"}
    return subprocess.run(command, cwd=course.root, env=env, capture_output=True, text=True, check=False)


def test_the_exporter_can_be_named_on_the_command_line_with_its_settings(course: Course) -> None:
    course.graded("anna", 12.5, 8)
    course.graded("bo", 12.5, None)
    arguments = ("--exporter=autograder.plugins.canvas.CanvasExport", "--CanvasExport.semicolons=True", "--to=out.csv")
    refused = nbgrader_export(course, *arguments)
    assert refused.returncode == 1
    assert "bo: chatbot, one, text: waits for a person" in refused.stderr
    done = nbgrader_export(course, *arguments, "--CanvasExport.force=True", "--CanvasExport.titles=chatbot=Chatbot (7)")
    assert done.returncode == 0, done.stderr
    assert rows((course.root / "out.csv").read_text(encoding="utf-8"), ";")[2][-1] == "20,5"
    assert "Chatbot (7)" in (course.root / "out.csv").read_text(encoding="utf-8")


def test_the_exporter_can_be_the_course_own(course: Course) -> None:
    course.graded("anna", 12.5, 8)
    (course.root / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        "c.ExportApp.plugin_class = 'autograder.plugins.canvas.CanvasExport'\n"
        "c.CanvasExport.titles = {'chatbot': 'Chatbot (7)'}\n",
        encoding="utf-8",
    )
    done = nbgrader_export(course)
    assert done.returncode == 0, done.stderr
    assert rows((course.root / "canvas-chatbot.csv").read_text(encoding="utf-8"))[2][-1] == "20.5"
