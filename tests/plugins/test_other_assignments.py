"""Other assignments of the same course: this kit's settings give, row by row, what stock nbgrader gives.

nbgrader's own example course goes the whole way twice (`two_courses.py`), once beside an assignment of ours.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import two_courses
from conftest import ROOT
from two_courses import Course, files, notebook, rows, words

from autograder.grading.released import is_ours

OURS = """\
from pathlib import Path
from autograder.plugins.settings import configure
c = get_config()
configure(c, Path({root!r}))
"""
STEPS = ("release", "submitted", "autograded", "feedback")


def ours_beside_it(root: Path) -> None:
    shutil.copytree(ROOT / "source" / "chatbot", root / "source" / "chatbot")
    shutil.copy(ROOT / "course.toml", root)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    with two_courses.made(tmp_path_factory.mktemp("stock"), two_courses.STOCK) as course:
        two_courses.whole_way(course)
        yield course


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    with two_courses.made(tmp_path_factory.mktemp("ours"), OURS, ours_beside_it) as course:
        course.run(("generate_assignment", "chatbot"))
        assert course.codes.pop() == ("generate_assignment", 0)
        two_courses.whole_way(course)
        yield course


def test_every_command_ends_with_the_same_exit_code(stock: Course, ours: Course) -> None:
    assert ours.codes == stock.codes
    failed = Counter(command for command, code in stock.codes if code)
    assert failed <= Counter(["autograde", "release_feedback"])  # two submissions cannot be graded


def test_every_row_of_the_gradebook_is_the_same(stock: Course, ours: Course) -> None:
    theirs = Counter(rows(stock))
    assert sum(theirs.values()) > 100
    assert Counter(rows(ours)) == theirs


def test_a_check_is_worth_what_stock_nbgrader_gives_for_what_it_prints(ours: Course) -> None:
    with ours.gradebook() as gradebook:
        scores = {
            g.name: g.score for g in gradebook.find_submission_notebook("problem2", two_courses.NAME, "right").grades
        }
    assert [scores[name] for name in ("right", "wrong", "half", "stderr")] == [2, 0, 1, 0]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_leaves_the_same_files(stock: Course, ours: Course, step: str) -> None:
    theirs = files(stock.root / step)
    found = {path: mode for path, mode in files(ours.root / step).items() if not path.startswith("chatbot")}
    found.pop("chatbot", None)
    assert theirs
    assert {path.removeprefix("./"): mode for path, mode in found.items()} == theirs


def test_a_student_has_the_same_files_at_home(stock: Course, ours: Course) -> None:
    assert files(ours.home) == files(stock.home)


@pytest.mark.parametrize("step", STEPS[:3])
def test_every_notebook_is_the_same(stock: Course, ours: Course, step: str) -> None:
    paths = [path for path in files(stock.root / step) if path.endswith(".ipynb") and "broken" not in path]
    assert paths
    for path in paths:
        found, theirs = (notebook(course.root / step / path, course) for course in (ours, stock))
        assert found == theirs, path


def test_every_page_of_feedback_says_the_same(stock: Course, ours: Course) -> None:
    paths = [path for path in files(stock.root / "feedback") if path.endswith(".html")]
    assert paths
    for path in paths:
        found, theirs = (words((c.root / "feedback" / path).read_text(encoding="utf-8"), c) for c in (ours, stock))
        assert found == theirs, path


def test_the_table_of_grades_is_the_same(stock: Course, ours: Course) -> None:
    theirs, found = (
        [
            line
            for line in (course.root / "grades.csv").read_text(encoding="utf-8").splitlines()
            if "chatbot" not in line
        ]
        for course in (stock, ours)
    )
    assert [line for line in found if ",root," not in line] == [line for line in theirs if ",root," not in line]
    assert len(found) == len(theirs) > len(two_courses.STUDENTS)


# --- What makes an assignment ours ---


def test_source_and_release_of_ours_say_that_they_are(ours: Course) -> None:
    assert is_ours(ROOT / "source" / "chatbot")
    assert is_ours(ROOT / "release" / "chatbot")
    assert is_ours(ours.root / "release" / "chatbot")


def test_a_copy_under_another_name_is_ours_too(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "source" / "chatbot", tmp_path / "autumn")
    assert is_ours(tmp_path / "autumn")


@pytest.mark.parametrize("text", [
    "", "{", "[]", "null", "[" * 100_000, '"autograder"', '["autograder"]', '{"metadata": {"autograder": "of another tool"}}',
    '{"metadata": {"autograder": {"version": 1}}}', '{"metadata": null, "cells": "autograder"}',
    '{"cells": [{"metadata": {"autograder": "x"}, "source": "autograder"}]}', '{"cells": [{"source": "import autograder"}]}',
    '{"cells": {"autograder": 1}}', '{"cells": [{"metadata": null, "autograder": 1}]}',
])  # fmt: skip
def test_what_says_something_else_is_not_ours(tmp_path: Path, text: str) -> None:
    """Not by its name, not by a profile of its own beside it, and not by what another tool has written."""
    folder = tmp_path / "chatbot"
    folder.mkdir()
    (folder / "chatbot.ipynb").write_text(text, encoding="utf-8")
    (folder / "profile.json").write_text(json.dumps({"height": 3}), encoding="utf-8")
    assert not is_ours(folder)


def test_a_release_of_ours_that_has_lost_its_profile_is_not_graded_by_what_it_prints(ours: Course) -> None:
    release = ours.root / "release" / "chatbot"
    shutil.copytree(release, ours.root / "submitted" / "anna" / "chatbot")
    (release / "profile.json").rename(ours.folder / "profile.json")
    try:
        ours.run(("autograde", "chatbot"))
    finally:
        (ours.folder / "profile.json").rename(release / "profile.json")
        shutil.rmtree(ours.root / "submitted" / "anna")
    assert ours.codes.pop()[1] == 1
    assert "profile.json" in ours.log.read_text(encoding="utf-8").splitlines()[-1]
    assert not (ours.root / "autograded" / "anna").exists()
