"""The gradebook of a run: what is set in a notebook's rows is saved together, or not at all."""

from __future__ import annotations

import copy
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import empty_gradebook
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.nbgraderformat import ValidationError
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import object_session

from autograder.grading.gradebook import in_words, is_the_courses
from autograder.plugins.restore import MarksValidator
from autograder.plugins.run_gradebook import RunGradebook
from autograder.plugins.scores import take_back, unsettled

CELLS = 40


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook with an assignment of two notebooks, the first of many cells."""
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    empty_gradebook.put(path)
    with Gradebook(url(path), "llm101") as gradebook:
        gradebook.add_assignment("chatbot", duedate=datetime(2026, 11, 25))
        for notebook in ("first", "second"):
            gradebook.add_notebook(notebook, "chatbot", kernelspec='{"name": "python3"}')
        for number in range(CELLS):
            where = (f"check-{number}", "first", "chatbot")
            gradebook.add_grade_cell(*where, max_score=2, cell_type="code")
            gradebook.add_source_cell(*where, source="1", checksum="x", cell_type="code", locked=True)
        gradebook.add_solution_cell("answer", "first", "chatbot")
        gradebook.add_source_cell("answer", "first", "chatbot", source="", cell_type="markdown")
        gradebook.add_grade_cell("late", "second", "chatbot", max_score=1, cell_type="code")
    return path


@pytest.fixture
def database(released: Path, tmp_path: Path) -> Path:
    """Its like, for one test."""
    return Path(shutil.copy(released, tmp_path))


@pytest.fixture
def gradebook(database: Path) -> RunGradebook:
    made = RunGradebook(url(database), "llm101", "chatbot")
    made.add_indexes()
    made.enter("anna", None, ["first", "second"], may_be_new=True)
    return made


def url(path: Path, timeout: float = 0) -> str:
    return f"sqlite:///{path}?timeout={timeout}"


def scores(database: Path, notebook: str = "first") -> list[float | None]:
    with Gradebook(url(database), "llm101") as opened:
        return [row.auto_score for row in opened.find_submission_notebook(notebook, "chatbot", "anna").grades]


@contextmanager
def heard(what: str) -> Iterator[list[str]]:
    """What any engine does meanwhile: "commit" or "before_cursor_execute"."""
    calls: list[str] = []

    def note(*given: object) -> None:
        calls.append(str(given[2]) if len(given) > 2 else what)

    event.listen(Engine, what, note)
    try:
        yield calls
    finally:
        event.remove(Engine, what, note)


@contextmanager
def asked() -> Iterator[list[tuple[str, object]]]:
    """What any engine is asked, or told to change, meanwhile: statement and values. Rows that are added are left out."""
    found: list[tuple[str, object]] = []

    def note(_: object, __: object, sql: str, values: object, *___: object) -> None:
        if sql.startswith(("SELECT", "UPDATE")):
            found.append((sql, values[0] if isinstance(values, list) else values))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def set_all(gradebook: RunGradebook, score: float) -> None:
    with gradebook.notebook("anna", "first") as rows:
        for name in rows.grades:
            rows.grade(name).auto_score = score
        rows.comment("answer").auto_comment = "No response."


def set_half(gradebook: RunGradebook) -> None:
    with gradebook.notebook("anna", "first") as rows:
        rows.grade("check-0").auto_score = 2
        assert rows.notebook.score == CELLS + 1  # by now the database has been told
        rows.grade("check-gone").auto_score = 2


def test_what_is_set_is_saved_with_one_commit_and_few_questions(gradebook: RunGradebook, database: Path) -> None:
    set_all(gradebook, 1)
    with heard("commit") as commits, heard("before_cursor_execute") as asked:
        set_all(gradebook, 2)
    assert scores(database) == [2] * CELLS
    assert len(commits) == 1
    assert len(asked) <= 4  # the notebook, its grades, its comments, and all changes at once


def test_where_something_fails_in_between_nothing_is_saved(gradebook: RunGradebook, database: Path) -> None:
    set_all(gradebook, 1)
    with pytest.raises(MissingEntry, match="No such grade: check-gone"):
        set_half(gradebook)
    assert scores(database) == [1] * CELLS


def test_between_two_notebooks_others_can_write(gradebook: RunGradebook, database: Path) -> None:
    set_all(gradebook, 1)
    other = sqlite3.connect(database, timeout=0)
    other.execute("BEGIN EXCLUSIVE")
    other.execute("UPDATE grade SET manual_score = 0.5")
    other.commit()
    other.close()
    with gradebook.notebook("anna", "first") as rows:
        assert rows.grade("check-0").manual_score == 0.5


@pytest.mark.parametrize("who", ["anna", "bjorn"])
def test_a_gradebook_that_another_program_writes_to_is_told_in_words(
    who: str, gradebook: RunGradebook, database: Path
) -> None:
    other = sqlite3.connect(database)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError) as caught:
        gradebook.enter(who, datetime(2026, 11, 24), [], may_be_new=True)
    other.close()
    assert is_the_courses(caught.value)
    assert "is locked: another program is writing to it" in in_words(caught.value, "gradebook.db")


def test_a_notebook_that_was_not_handed_in_has_zero_and_waits_for_nobody(
    gradebook: RunGradebook, database: Path
) -> None:
    set_all(gradebook, 1)
    row = gradebook.enter("anna", datetime(2026, 11, 26), ["first"], may_be_new=True)
    assert (row.seconds_late, row.missing) == (86400, ("second",))
    assert (scores(database), scores(database, "second")) == ([1] * CELLS, [0])


def test_a_student_who_is_not_known_is_let_in_only_where_that_is_wanted(gradebook: RunGradebook) -> None:
    with pytest.raises(MissingEntry, match="No such student: bjorn"):
        gradebook.enter("bjorn", None, [], may_be_new=False)


EXTENDED = [
    # the deadline is 25 November, 0:00 in UTC: handed in, an extension, seconds late, seconds that nbgrader then keeps
    ("2026-11-24 23:59", None, 0, None),
    ("2026-11-25 00:01", None, 60, None),
    ("2026-11-25 00:01", "2026-11-25 01:00+01:00", 60, None),
    ("2026-11-25 00:01", "2026-11-25 02:00+01:00", 0, 3600),
    ("2026-11-25 01:01", "2026-11-25 02:00+01:00", 60, 3600),
]


@pytest.mark.parametrize(("timestamp", "until", "late", "kept"), EXTENDED)
def test_an_extension_is_put_where_nbgrader_counts_how_late_somebody_is(
    gradebook: RunGradebook, timestamp: str, until: str | None, late: int, kept: int | None
) -> None:
    given = datetime.fromisoformat(until) if until else None
    found = gradebook.enter("anna", datetime.fromisoformat(timestamp), ["first", "second"], False, given)
    with gradebook.transaction() as opened:
        extension = opened.find_submission("chatbot", "anna").extension
    assert found.seconds_late == late
    assert extension == (timedelta(seconds=kept) if kept else None)


def test_an_extension_of_nbgraders_own_stays(gradebook: RunGradebook) -> None:
    with gradebook.transaction() as opened:
        opened.grant_extension("chatbot", "anna", hours=2)
    assert gradebook.enter("anna", datetime(2026, 11, 25, 1), ["first", "second"], False).seconds_late == 0


def test_where_the_deadline_is_gone_nobody_is_late_and_no_extension_is_left(gradebook: RunGradebook) -> None:
    until = datetime(2026, 11, 26, tzinfo=UTC)
    gradebook.enter("anna", datetime(2026, 11, 25, 1), ["first", "second"], False, until)
    with gradebook.transaction() as opened:
        opened.find_assignment("chatbot").duedate = None
    assert gradebook.enter("anna", datetime(2026, 11, 25, 1), ["first", "second"], False, until).seconds_late == 0


def test_a_run_asks_for_the_cells_of_a_released_notebook_once(gradebook: RunGradebook) -> None:
    first = gradebook.source("first")
    with heard("before_cursor_execute") as asked:
        assert copy.deepcopy(gradebook).source("first") is first
    assert asked == []
    assert first.find_graded_cell("check-0", "first", "chatbot").max_score == 2
    assert first.find_source_cell("answer", "first", "chatbot").max_score is None
    with pytest.raises(MissingEntry):
        first.find_graded_cell("answer", "first", "chatbot")


# --- A class of thousands ---

LARGE = ("student", "submitted_assignment", "submitted_notebook", "grade", "comment")
"""Tables that grow with the class."""


def looked_up(gradebook: RunGradebook, student: str) -> int:
    """Enters, grades and takes back a late student without the second notebook; how many rows the session held at most."""
    gradebook.enter(student, datetime(2026, 11, 26), ["first"], may_be_new=True)
    with gradebook.notebook(student, "first") as rows:
        for name in rows.grades:
            rows.grade(name).auto_score = 1
        assert rows.notebook.score == CELLS
        rows.notebook.late_submission_penalty = 1
        held = len(object_session(rows.notebook).identity_map)
    with gradebook.transaction() as opened:
        take_back(opened, ("chatbot", student), "first", ["check-0"])
        assert unsettled(opened, "chatbot", student) == [f"{student}: first, check-0"]
    return held


def test_no_question_about_one_student_reads_through_the_whole_class(gradebook: RunGradebook, database: Path) -> None:
    with asked() as statements:
        looked_up(gradebook, "bjorn")
    with sqlite3.connect(database) as opened:
        plans = [row[3] for sql, values in statements for row in opened.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert len(plans) > 20
    assert [plan for plan in plans if re.match(rf"SCAN ({'|'.join(LARGE)})\b", plan)] == []


def test_a_later_student_costs_no_more_statements_and_rows_than_an_earlier_one(gradebook: RunGradebook) -> None:
    looked_up(gradebook, "first-of-all")
    taken = []
    for number in range(12):
        with heard("before_cursor_execute") as statements:
            taken.append((looked_up(gradebook, f"student-{number}"), len(statements)))
    assert len(set(taken)) == 1


def test_an_index_that_is_there_is_not_made_again(gradebook: RunGradebook, database: Path) -> None:
    with heard("before_cursor_execute") as statements:
        RunGradebook(url(database), "llm101", "chatbot").add_indexes()
    assert not [sql for sql in statements if "INDEX" in sql]


@pytest.mark.parametrize("who", ["anna", "*"])
def test_who_is_not_judged_is_found_with_one_question(who: str, gradebook: RunGradebook) -> None:
    set_all(gradebook, 1)
    gradebook.enter("bjorn", None, ["first", "second"], may_be_new=True)
    with gradebook.notebook("anna", "first") as rows:
        rows.grade("check-7").auto_score = rows.grade("check-8").auto_score = None
        rows.grade("check-8").manual_score = 1
    with gradebook.transaction() as opened, heard("before_cursor_execute") as statements:
        found = unsettled(opened, "chatbot", who)
    assert [line for line in found if line.startswith("anna: first")] == ["anna: first, check-7"]
    assert len([line for line in found if line.startswith("bjorn")]) == (0 if who == "anna" else CELLS + 1)
    assert len(statements) == 1


# --- Marks that have been found right ---


def marked(**marks: object) -> NotebookNode:
    known = {"schema_version": 3, "grade": True, "solution": False, "locked": True, "task": False, "points": 1}
    cell = new_code_cell("1", metadata={"nbgrader": {**known, "grade_id": "check", "cell_type": "code", **marks}})
    return new_notebook(cells=[cell])


def test_marks_that_are_wrong_are_refused_each_time_also_after_right_ones_of_the_same_cell() -> None:
    validator = MarksValidator()
    for _ in range(2):
        validator.validate_nb(marked())
        with pytest.raises(ValidationError):
            validator.validate_nb(marked(points="many"))
