"""What an assignment was released with: whether it is one of ours, its frozen profile, its notebooks.

`is_ours` is the one place that tells an assignment of ours from others of the same course, which nbgrader's own code
makes, grades and shows as if this kit were not there.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.course.profile import FROZEN_NAME, Profile
from autograder.errors import NotReady
from autograder.judging.contract import load
from autograder.submissions.cells import grade_id_of, marks_of
from autograder.submissions.repair import ReleasedCell
from autograder.submissions.submission import Released

MARK = "autograder"
"""The key of a notebook's, or a cell's, metadata that says that it is ours."""


def is_ours(folder: Path) -> bool:
    """Whether the assignment in a folder, source or release, is one of ours: one of its notebooks says so itself.

    A source says it where a cell names its task (see `authoring.py`), a release by the profile that each notebook holds.
    The name of an assignment says nothing, and neither do other files.
    """
    return any(_says_so(path) for path in sorted(folder.glob("*.ipynb")))


def _says_so(path: Path) -> bool:
    """Whether a notebook says that it is ours; one that cannot be read says nothing."""
    try:
        data = path.read_bytes()
        nb = json.loads(data) if MARK.encode() in data else {}
        released, cells = nb.get("metadata", {}).get(MARK), nb.get("cells", [])
        named = [cell.get("metadata", {}).get(MARK) for cell in cells]
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return False
    return _has(released, "profile") or any(_has(one, "task") or _has(one, "any_of") for one in named)


def _has(said: object, key: str) -> bool:
    return isinstance(said, dict) and key in said


def profile_in(release: Path) -> Profile | None:
    """The profile that the assignment in a folder was released with, or None for one that has nothing to do with us.

    It is read once, as long as no file of the release changes. Raises ProfileError where one of ours has lost it: graded
    without, it would be graded by what its checks print.
    """
    files = [*sorted(release.glob("*.ipynb")), release / FROZEN_NAME]
    return _read(release, tuple((path.name, _stamp(path)) for path in files))


def _stamp(path: Path) -> tuple[int, int] | None:
    """When a file was changed, and its bytes; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=32)
def _read(release: Path, _: tuple[tuple[str, tuple[int, int] | None], ...]) -> Profile | None:
    return load(release / FROZEN_NAME) if is_ours(release) else None


def released_profile(course: Path, assignment: str) -> Profile:
    """The profile that an assignment of ours was released with. Raises NotReady where there is no release."""
    path = course / "release" / assignment / FROZEN_NAME
    if not path.exists():
        raise NotReady(f"{path} is not there. Make a release first: `autograder release`.")
    return load(path)


def notebooks_in(release: Path) -> dict[str, Released]:
    """The notebooks of a release, by name."""
    found = {}
    for path in sorted(release.glob("*.ipynb")):
        nb = nbformat.read(path, as_version=4)
        cells = tuple(released_cell(cell) for cell in nb.cells if grade_id_of(cell))
        found[path.stem] = Released(cells, nb.metadata.get("kernelspec"))
    return found


def released_cell(cell: NotebookNode) -> ReleasedCell:
    marks = marks_of(cell)
    flags = {name: bool(marks.get(name)) for name in ("locked", "grade", "solution", "task")}
    return ReleasedCell(
        grade_id=marks["grade_id"], cell_type=cell.cell_type, source=cell.source, **flags,
        points=marks.get("points"), checksum=marks.get("checksum", ""),
    )  # fmt: skip
