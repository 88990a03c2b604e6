"""Which submissions a run takes, where some notebooks were graded before the others, as grading on hand-in may do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from nbconvert.exporters import NotebookExporter
from nbgrader.coursedir import CourseDirectory

from autograder.plugins.autograde import GradeSubmissions
from autograder.plugins.course import tolerant

EARLIER, NOW = "2026-11-29 10:00:00 UTC", "2026-11-29 12:00:00 UTC"
BOTH = ("one", "two")


def put(folder: Path, stamp: str, *notebooks: str) -> None:
    folder.mkdir(parents=True)
    (folder / "timestamp.txt").write_text(stamp, encoding="utf-8")
    for name in notebooks:
        (folder / f"{name}.ipynb").touch()


CASES = [
    # notebook that is asked for, what was handed in; when what is graded was handed in, what is graded; due, what stays
    ("*", BOTH, NOW, BOTH, False, BOTH),
    ("*", BOTH, NOW, ("one",), True, ("one",)),
    ("*", ("one",), NOW, ("one",), False, ("one",)),
    ("*", BOTH, EARLIER, BOTH, True, ()),
    ("one", BOTH, NOW, ("one",), False, ("one",)),
    ("one", BOTH, NOW, ("two",), True, ("two",)),
    ("one", BOTH, EARLIER, BOTH, True, ()),
]


@pytest.mark.parametrize(("asked", "handed_in", "stamp", "graded", "due", "left"), CASES)
def test_what_is_missing_or_of_an_earlier_hand_in_is_graded(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    handed_in: tuple[str, ...],
    stamp: str,
    graded: tuple[str, ...],
    due: bool,
    left: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    submitted, autograded = (Path(step, "anna", "chatbot") for step in ("submitted", "autograded"))
    put(submitted, NOW, *handed_in)
    put(autograded, stamp, *graded)
    coursedir = CourseDirectory(root=str(tmp_path), assignment_id="chatbot", notebook_id=asked)
    converter = GradeSubmissions(coursedir=coursedir)
    converter.exporter = NotebookExporter()
    wanted = [str(submitted / f"{name}.ipynb") for name in BOTH if asked in ("*", name)]
    assert converter.is_due("anna", wanted) is due
    assert tuple(sorted(path.stem for path in autograded.glob("*.ipynb"))) == left


UNREADABLE: dict[str, Callable[[Path], object]] = {
    "a file for a zone": lambda path: path.write_text(f"{NOW[:-3]} /etc/hostname"),
    "digits without end": lambda path: path.write_text("9" * 200_000),
    "no time": lambda path: path.write_text("yesterday"),
    "no text": lambda path: path.write_bytes(b"\xff"),
    "a folder": lambda path: path.mkdir(),
    "a link": lambda path: path.symlink_to("/etc/hostname"),
    "nothing": lambda path: None,
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_time_that_cannot_be_read_is_none(tmp_path: Path, kind: str) -> None:
    UNREADABLE[kind](tmp_path / "timestamp.txt")
    assert tolerant(CourseDirectory().get_existing_timestamp)(str(tmp_path)) is None


def test_a_time_whose_reading_is_refused_is_none(tmp_path: Path) -> None:
    (tmp_path / "timestamp.txt").write_text(NOW, encoding="utf-8")

    def refused(_: str) -> None:
        raise PermissionError("a zone's file")

    assert tolerant(refused)(str(tmp_path)) is None
    assert tolerant(CourseDirectory().get_existing_timestamp)(str(tmp_path)) == datetime(2026, 11, 29, 12)
