"""Extensions: who may hand in later than the others, until when, why, and who said so.

Each has a file in `extensions/ASSIGNMENT/`. nbgrader's own column for them is in the row of a submission, so that there is none
before somebody has handed in, and has no place for a reason; a run copies them there (`plugins/deadlines.py`).
"""

from __future__ import annotations

from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict

from autograder.grading.records import parsed
from autograder.system.files import write_whole


class Extension(BaseModel):
    """A student's extension.

    Attributes:
        until: the last moment.
        reason: for the staff alone.
        by: the account that gave it.
        given: when.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    until: AwareDatetime
    reason: str
    by: str
    given: AwareDatetime


class Extensions:
    """The extensions of an assignment."""

    def __init__(self, root: Path, assignment: str) -> None:
        self._folder = root / "extensions" / assignment

    def of(self, student: str) -> Extension | None:
        """A student's; None where there is none. Raises Damaged for a file that is damaged."""
        path = self._path(student)
        return parsed(Extension, path) if path.exists() else None

    def all(self) -> dict[str, Extension]:
        """Everybody's, by student, in the order of their names. Raises Damaged."""
        return {path.stem: parsed(Extension, path) for path in sorted(self._folder.glob("*.json"))}

    def give(self, student: str, extension: Extension) -> None:
        """Gives an extension, in place of an earlier one."""
        write_whole(self._path(student), extension.model_dump_json(indent=1))

    def take_back(self, student: str) -> None:
        self._path(student).unlink(missing_ok=True)

    def _path(self, student: str) -> Path:
        return self._folder / f"{student}.json"
