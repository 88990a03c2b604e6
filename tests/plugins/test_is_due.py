"""Which submissions a run takes, where some notebooks were graded before the others, as grading on hand-in may do."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbconvert.exporters import NotebookExporter
from nbgrader.coursedir import CourseDirectory

from autograder.plugins.autograde import GradeSubmissions

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
