"""A student's notebook with everything back that grading needs, and what was mended: marks, order, types, locked text.

`read_notebook` makes a valid notebook of a file; `repaired` holds it against the release. What a student wrote is never
thrown away, but for changes in locked cells: a cell that loses its marks stays as an ordinary one. To repair again
changes nothing. The files around a notebook are in `repair_files.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.submissions.cells import SCHEMA_VERSION, grade_id_of, marks_of
from autograder.submissions.repair_json import Repair, Unreadable
from autograder.submissions.repair_read import fresh_id, read_notebook

__all__ = ["ReleasedCell", "Repair", "Unreadable", "read_notebook", "repaired"]

FLAGS = ("grade", "solution", "locked", "task")


@dataclass(frozen=True, kw_only=True)
class ReleasedCell:
    """A marked cell of the release; a sequence of them is in the release's order.

    Attributes:
        locked: as marked. What nbgrader takes for locked is `fixed`.
    """

    grade_id: str
    cell_type: str
    source: str
    locked: bool
    grade: bool
    solution: bool
    task: bool
    points: float | None
    checksum: str

    @property
    def fixed(self) -> bool:
        """Whether a student is not meant to change the text."""
        return not self.solution and (self.grade or self.locked)

    @property
    def check(self) -> bool:
        return self.fixed and self.grade and self.cell_type == "code"

    @property
    def marks(self) -> dict[str, Any]:
        """What belongs in `metadata.nbgrader`."""
        points = {"points": self.points} if self.grade or self.task else {}
        flags = {name: getattr(self, name) for name in FLAGS}
        known = {"grade_id": self.grade_id, "cell_type": self.cell_type, "checksum": self.checksum}
        return {"schema_version": SCHEMA_VERSION, **flags, **known, **points}


def repaired(
    nb: NotebookNode, released: Sequence[ReleasedCell], kernelspec: Mapping[str, Any] | None
) -> tuple[NotebookNode, list[Repair]]:
    """A copy of a valid notebook in which each graded and each locked cell of the release stands once, in its place.

    Args:
        nb: as `read_notebook` gives it.
        kernelspec: the release's; None to leave the notebook's own.
    """
    nb = nbformat.from_dict(nb)
    notes = _mark(nb, released)
    notes += [note for cell in released for note in _restore(nb, cell)]
    notes += _untag(nb)
    notes += _put_in_order(nb, released)
    notes += _put_back(nb, released)
    _put_in_order(nb, released)  # what was put back behind a cell that a student has moved
    notes += _set_kernel(nb, kernelspec) if kernelspec is not None else []
    return nb, notes


# Which cell is which


def _mark(nb: NotebookNode, released: Sequence[ReleasedCell]) -> list[Repair]:
    """Leaves the marks of the release on one cell each, and on no other."""
    claims = _claims(nb.cells, released)
    claimed = {id(cell) for cells in claims.values() for cell in cells}
    forged = [grade_id_of(cell) or "?" for cell in nb.cells if id(cell) not in claimed and any(_flags(cell))]
    notes = [Repair(kind="foreign-marks", detail=", ".join(forged[:10]))] if forged else []
    keepers = {id(_keeper(claims[cell.grade_id], cell)): cell for cell in released if claims[cell.grade_id]}
    for cell in nb.cells:
        before = cell.metadata.pop("nbgrader", None)
        mine = keepers.get(id(cell))
        if mine is None:
            continue
        cell.metadata["nbgrader"] = nbformat.from_dict(mine.marks)
        if not _agree(before, mine):
            notes.append(Repair(kind="marks", cell=mine.grade_id))
        if len(claims[mine.grade_id]) > 1:
            notes.append(Repair(kind="duplicate", cell=mine.grade_id))
    return notes


def _claims(cells: Sequence[NotebookNode], released: Sequence[ReleasedCell]) -> dict[str, list[NotebookNode]]:
    """The cells that may be the one of the release, by grade id, in the notebook's order.

    By their marks; where none has those, by their id, which is the grade id in a release; for locked cells else by
    their text. (Editors that do not know nbgrader drop marks and give new ids.)
    """
    claims: dict[str, list[NotebookNode]] = {cell.grade_id: [] for cell in released}
    loose: list[NotebookNode] = []
    for cell in cells:
        claims.get(grade_id_of(cell) or "", loose).append(cell)
    for mine in released:
        if not claims[mine.grade_id]:
            claims[mine.grade_id] = [cell for cell in loose if cell.get("id") == mine.grade_id]
            loose = [cell for cell in loose if cell.get("id") != mine.grade_id]
    for mine in released:
        if not claims[mine.grade_id] and mine.fixed and mine.source.strip():
            same = [cell for cell in loose if cell.cell_type == mine.cell_type and _as_released(cell, mine)]
            claims[mine.grade_id] = same
            loose = [cell for cell in loose if not any(cell is other for other in same)]
    return claims


def _keeper(cells: Sequence[NotebookNode], mine: ReleasedCell) -> NotebookNode:
    """The cell that is graded: of a locked one's copies the last that is as released, else the last with an answer."""
    if mine.fixed:
        best = [cell for cell in cells if _as_released(cell, mine)]
    else:
        best = [cell for cell in cells if cell.source.strip() and not _as_released(cell, mine)]
    return (best or cells)[-1]


def _as_released(cell: NotebookNode, mine: ReleasedCell) -> bool:
    return bool(cell.source.strip() == mine.source.strip())


def _agree(marks: Any, mine: ReleasedCell) -> bool:
    """Whether marks agree with the release; a wrong checksum is corrected without a note."""
    if not isinstance(marks, dict):
        return False
    wanted = {name: value for name, value in mine.marks.items() if name in ("grade_id", "points", *FLAGS)}
    return all(marks.get(name, False) == value for name, value in wanted.items())


def _flags(cell: NotebookNode) -> list[bool]:
    return [bool(marks_of(cell).get(name)) for name in FLAGS]


def _where(nb: NotebookNode, grade_id: str | None) -> int | None:
    """Where a marked cell is."""
    return next((n for n, cell in enumerate(nb.cells) if grade_id and grade_id_of(cell) == grade_id), None)


# What a marked cell must be


def _restore(nb: NotebookNode, mine: ReleasedCell) -> Iterator[Repair]:
    """Gives a marked cell its type back, and a locked one its text."""
    here = _where(nb, mine.grade_id)
    if here is None:
        return
    cell = nb.cells[here]
    if cell.cell_type != mine.cell_type:
        _retype(cell, mine.cell_type)
        yield Repair(kind="retyped", cell=mine.grade_id)
    if mine.fixed and cell.source != mine.source:
        if not _as_released(cell, mine):
            yield Repair(kind="locked", cell=mine.grade_id)
        cell.source = mine.source


def _retype(cell: NotebookNode, cell_type: str) -> None:
    for name in ("outputs", "execution_count", "attachments"):
        cell.pop(name, None)
    cell.cell_type = cell_type
    if cell_type == "code":
        cell.update(outputs=[], execution_count=None)


def _untag(nb: NotebookNode) -> list[Repair]:
    """Takes all tags off: they steer how a cell is run, and no checksum covers them."""
    skipped: dict[Repair, None] = {}
    for cell in nb.cells:
        tags = cell.metadata.pop("tags", [])
        if "skip-execution" in tags and cell.cell_type == "code":
            name = grade_id_of(cell)
            skipped[Repair(kind="skipped" if name else "skipped-own", cell=name)] = None
    return list(skipped)


def _set_kernel(nb: NotebookNode, kernelspec: Mapping[str, Any]) -> list[Repair]:
    """Sets the release's kernel; one note where the notebook named another, or another language."""
    kernel, info = (nb.metadata.get(name) for name in ("kernelspec", "language_info"))
    kernel, info = (found if isinstance(found, dict) else {} for found in (kernel, info))
    name, language = kernel.get("name"), kernelspec.get("language")
    spoken = [found for found in (kernel.get("language"), info.get("name")) if found is not None]
    foreign = [found for found in spoken if language and found != language]
    nb.metadata["kernelspec"] = nbformat.from_dict(dict(kernelspec))
    if foreign:
        nb.metadata["language_info"] = nbformat.from_dict({"name": language})
    other = [name] if name not in (None, kernelspec.get("name")) else []
    return [Repair(kind="kernel", detail=str(found)) for found in (*other, *foreign)][:1]


# Where a marked cell must stand


def _put_in_order(nb: NotebookNode, released: Sequence[ReleasedCell]) -> list[Repair]:
    """Moves each check that is before its solution, or behind another check's solution, back to its own.

    Solutions stay where a student has put them.
    """
    pairs = list(_checked(released))
    solutions, notes = {solution for _, solution in pairs}, []
    for check, solution in pairs:
        here, there = _where(nb, check), _where(nb, solution)
        if here is None or there is None:
            continue
        between = {grade_id_of(cell) for cell in nb.cells[there + 1 : here]}
        if here > there and not between & solutions:
            continue
        cell = nb.cells.pop(here)
        nb.cells.insert(_place_after(nb.cells, there - (here < there)), cell)
        notes.append(Repair(kind="moved", cell=check))
    return notes


def _checked(released: Iterable[ReleasedCell]) -> Iterator[tuple[str, str]]:
    """Each check with the solution it is about: the nearest before it."""
    solution = None
    for cell in released:
        if cell.solution and cell.cell_type == "code":
            solution = cell.grade_id
        elif cell.check and solution is not None:
            yield cell.grade_id, solution


def _place_after(cells: Sequence[NotebookNode], index: int) -> int:
    """Where a check goes that belongs after a cell: behind a student's own code there, before the next marked cell."""
    place = index + 1
    for n in range(index + 1, len(cells)):
        if grade_id_of(cells[n]) is not None:
            break
        if cells[n].cell_type == "code":
            place = n + 1
    return place


def _put_back(nb: NotebookNode, released: Sequence[ReleasedCell]) -> list[Repair]:
    """Puts in what has been deleted, each behind the nearest cell before it in the release that is there.

    A solution cell that is graded by its check alone stays away: a student may have written the code elsewhere.
    """
    notes, before = [], -1
    for mine in released:
        here = _where(nb, mine.grade_id)
        if here is None and (mine.grade or mine.locked or mine.task):
            here = _place_after(nb.cells, before) if mine.grade else before + 1
            nb.cells.insert(here, _new_cell(mine, {cell.id for cell in nb.cells}))
            notes.append(Repair(kind="put-back", cell=mine.grade_id))
        before = before if here is None else here
    return notes


def _new_cell(mine: ReleasedCell, taken: set[str]) -> NotebookNode:
    cell = nbformat.from_dict({"cell_type": mine.cell_type, "id": fresh_id(mine.grade_id, taken)})
    cell["metadata"] = nbformat.from_dict(
        {"deletable": False, **({"editable": False} if mine.fixed else {}), "nbgrader": mine.marks}
    )
    cell["source"] = mine.source
    _retype(cell, mine.cell_type)
    return cell
