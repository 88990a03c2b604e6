"""Records on disk: the verdicts of one submitted notebook, and a person's overrides of single criteria.

Beside the gradebook, which holds numbers alone, each graded notebook has a record in `verdicts/ASSIGNMENT/STUDENT/`, and
each overruled student a file in `overrides/ASSIGNMENT/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, model_validator

from autograder.errors import Damaged
from autograder.facts.evidence import Evidence
from autograder.facts.transcript import Transcript
from autograder.facts.verdict import Incident, Override, Verdict
from autograder.submissions.repair_json import Repair
from autograder.system.files import write_whole

T = TypeVar("T", bound=BaseModel)

VERSION = 2
"""Of what is written. In version 1, which did not say so, verdicts held the words of both languages in place of keys."""
MAX_RECORD = 32 * 10**6
"""Bytes of a record. Evidence and transcript are bounded, so that an honest one comes nowhere near."""
Overrides = dict[str, dict[str, Override]]
"""By check id, then by the criterion's name."""


class Record(BaseModel):
    """What is kept of one graded notebook.

    Attributes:
        answers: SHA-256 of each free-text answer, by grade id: whether a person must read it again.
        verdicts: as judged, before overrides.
        evidence, transcript: what they were judged from.
        incidents: what happened while it ran.
        repairs: what was mended before it ran.
        version: of the form that it was written in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = VERSION
    verdicts: tuple[Verdict, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    answers: dict[str, str] = {}
    transcript: Transcript = Transcript()
    incidents: tuple[Incident, ...] = ()
    repairs: tuple[Repair, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _says_its_version(cls, data: Any, info: ValidationInfo) -> Any:
        return {"version": 1, **data} if info.mode == "json" and isinstance(data, dict) else data

    def verdict(self, check_id: str) -> Verdict | None:
        return next((v for v in self.verdicts if v.check_id == check_id), None)

    @property
    def slim(self) -> Record:
        """Without what its verdicts were judged from, which is much."""
        return self.model_copy(update={"evidence": (), "transcript": Transcript()})

    @property
    def open_verdicts(self) -> list[Verdict]:
        """Those that our side has failed to judge."""
        return [verdict for verdict in self.verdicts if verdict.state == "not judged"]


class _OverridesFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    criteria: Overrides = {}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person has decided about one criterion of a student's verdict."""

    student: str
    check_id: str
    criterion: str
    points: float
    reason: str
    by: str = ""


class Records:
    """The records of one assignment of a course.

    Attributes:
        folder: of the verdicts; a folder for each student.
    """

    def __init__(self, root: Path, assignment: str) -> None:
        self.folder, self._overrides = root / "verdicts" / assignment, root / "overrides" / assignment

    def read(self, student: str, notebook: str) -> Record | None:
        """The record of a notebook that has been graded, else None. Raises Damaged for a file that is damaged."""
        path = self._record(student, notebook)
        return parsed(Record, path) if path.exists() else None

    def write(self, student: str, notebook: str, record: Record) -> bool:
        """Writes a record; one beyond `MAX_RECORD` without what its verdicts were judged from. Answers whether it is whole."""
        text = record.model_dump_json(indent=1)
        whole = len(text.encode()) <= MAX_RECORD
        if not whole:
            text = record.slim.model_dump_json(indent=1)
        write_whole(self._record(student, notebook), text)
        return whole

    def overrides(self, student: str) -> Overrides:
        path = self._decisions(student)
        return parsed(_OverridesFile, path).criteria if path.exists() else {}

    def overrule(self, decision: Decision) -> None:
        """Adds a decision, or replaces the earlier one about the same criterion."""
        criteria, check_id = self.overrides(decision.student), decision.check_id
        override = Override(earned=decision.points, reason=decision.reason, by=decision.by)
        criteria[check_id] = {**criteria.get(check_id, {}), decision.criterion: override}
        text = _OverridesFile(criteria=criteria).model_dump_json(indent=1)
        write_whole(self._decisions(decision.student), text)

    def _record(self, student: str, notebook: str) -> Path:
        return self.folder / student / f"{notebook}.json"

    def _decisions(self, student: str) -> Path:
        return self._overrides / f"{student}.json"


def with_overrides(verdict: Verdict, overrides: Overrides) -> Verdict:
    """The verdict with a person's decisions in place."""
    decided = overrides.get(verdict.check_id, {})
    if not decided:
        return verdict
    criteria = tuple(c.model_copy(update={"override": decided.get(c.name)}) for c in verdict.criteria)
    return verdict.model_copy(update={"criteria": criteria})


def kept(kind: type[T], path: Path) -> T | None:
    """What a file of ours holds; None where there is none, or it holds something else."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def parsed(kind: type[T], path: Path) -> T:
    """What a file of ours holds. Raises Damaged, with the file's name, where it holds something else."""
    try:
        if path.stat().st_size > MAX_RECORD:
            raise OSError(f"it has more than {MAX_RECORD} bytes")
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise Damaged(
            f"{path}: cannot be read as what it should be ({str(error).splitlines()[0]}); move it away"
        ) from error
