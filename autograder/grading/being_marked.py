"""Whose submission a person has open, so that no hand-in replaces it meanwhile: a file for each, touched when it is opened."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

SECONDS = 900.0
"""How long a page that has been opened is taken to be open."""


def note(course: Path, assignment: str, student: str) -> None:
    """Notes that somebody has opened a student's submission. A disk that refuses stops nobody from marking."""
    path = _path(course, assignment, student)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def is_being_marked(course: Path, assignment: str, student: str) -> bool:
    try:
        return time.time() - _path(course, assignment, student).stat().st_mtime < SECONDS
    except OSError:
        return False


def _path(course: Path, assignment: str, student: str) -> Path:
    return course / ".autograder" / "marking" / assignment / student
