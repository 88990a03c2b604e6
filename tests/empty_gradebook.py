"""A gradebook as nbgrader makes one, without making one: that starts alembic, which takes more than a second."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
from nbgrader.api import Gradebook


def put(path: Path) -> None:
    """Puts an empty one there, which knows of no course yet."""
    path.write_bytes(_made())


@cache
def _made() -> bytes:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder, "gradebook.db")
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # there is alembic
        Gradebook(f"sqlite:///{path}").close()
        with sqlite3.connect(path) as rows:
            rows.execute("DELETE FROM course")
        rows.close()
        return path.read_bytes()
