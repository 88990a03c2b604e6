"""What a run comes to, in words: who needs a person, what must be run again, and what happened to whom."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import Damaged
from autograder.facts.verdict import Verdict
from autograder.grading.records import Record, Records
from autograder.protocol.wire import Counts
from autograder.words.grading import HAPPENED
from autograder.words.tables import say


@dataclass(frozen=True)
class Graded:
    """One notebook's record, as far as the end of a run speaks of it."""

    student: str
    notebook: str
    record: Record

    @property
    def is_missing(self) -> bool:
        """Whether it was not handed in."""
        return any(repair.kind == "missing" for repair in self.record.repairs)

    def verdicts(self, state: str) -> list[Verdict]:
        return [verdict for verdict in self.record.verdicts if verdict.state == state]


def recorded(course: Path, assignment: str, students: list[str]) -> Iterator[Graded]:
    """What is on record for these students and is to be told."""
    records = Records(course, assignment)
    for student in dict.fromkeys(students):
        for path in sorted((records.folder / student).glob("*.json")):
            with contextlib.suppress(Damaged):  # its student is among those not judged
                record = records.read(student, path.stem)
                if record is not None and _says_something(record):
                    yield Graded(student, path.stem, record.slim)


def _says_something(record: Record) -> bool:
    undecided = any(verdict.state != "judged" for verdict in record.verdicts)
    return undecided or bool(record.incidents or record.repairs)


def lines(graded: Sequence[Graded]) -> list[str]:
    """The list at the end of a run; empty where nothing needs anybody."""
    found = []
    for title, state in (("A person must look at", "review"), ("Not judged yet; run it again", "not judged")):
        verdicts = [(one, verdict) for one in graded for verdict in one.verdicts(state)]
        found += [f"{title}:"] * bool(verdicts)
        found += [f"  {one.student}, {v.check_id}: {' '.join(say(r, 'en') for r in v.reasons)}" for one, v in verdicts]
    for kind, happened in HAPPENED.items():
        where = [f"{one.student}, {i.cell}" for one in graded for i in one.record.incidents if i.kind == kind]
        found += [f"{say(happened, 'en')}: {'; '.join(where)}"] * bool(where)
    where = [f"{one.student}, {one.notebook}" for one in graded if one.is_missing]
    found += [f"Not handed in: {'; '.join(where)}"] * bool(where)
    mended = [one for one in graded if one.record.repairs and not one.is_missing]
    found += ["Mended before it ran:"] * bool(mended)
    found += [f"  {one.student}, {one.notebook}: {repairs_in_words(one.record)}" for one in mended]
    return found


def repairs_in_words(record: Record) -> str:
    """What was mended in a notebook, in one line, each thing once with all that it was done to."""
    where: dict[str, list[str]] = {}
    for repair in record.repairs:
        where.setdefault(repair.kind, []).append(repair.cell or repair.detail)
    return "; ".join(f"{kind} ({', '.join(filter(None, found))})".replace(" ()", "") for kind, found in where.items())


def said_at_the_end(counts: Counts) -> list[str]:
    """What a person must know of a run that the host has served: nothing, where all went well."""
    said = []
    if counts.lost:
        said.append(f"{counts.lost} request(s) could not be answered by this machine; their verdicts are not judged.")
    if counts.rounded:
        said.append(
            f"{counts.rounded} remembered answer(s) came out otherwise by rounding, as answers made in batches do."
        )
    if counts.differing:
        said.append(f"{counts.differing} remembered answer(s) came out otherwise when they were generated again.")
    if counts.dropped:
        said.append(f"Memory ran out: models were dropped and loaded again {counts.dropped} time(s).")
    return said
