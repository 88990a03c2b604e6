"""One student's work, as far as it is on record, and how its texts are made harmless.

Every text that a student can have had a hand in goes through `Hide` before it is part of the report's numbers: one line, bounded,
without paths, addresses or anybody's name. The page escapes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from autograder.course.deadline import HandInTime
from autograder.facts.verdict import Criterion, Verdict
from autograder.grading.grades import Grade
from autograder.grading.records import Overrides, Record, with_overrides
from autograder.judging.task import Task

MAX_EXAMPLE = 240
HIDDEN = "[…]"
PATH = re.compile(r"(?<![\w/<])(?:~\w*|[A-Za-z]:)?(?:[/\\]+[\w.@+-]+)+[/\\]?")
"""From a root, a home or a drive on; what has a slash in the middle only (`meta-llama/Llama-3.2-1B`) is none."""
ADDRESS = re.compile(r"\S+@\S+\.\w+")
Hide = Callable[[str], str]


@dataclass(frozen=True)
class Work:
    """One student's work.

    Attributes:
        name: as the report calls the student.
        records: by notebook.
        damaged: files on record that cannot be read: notebooks, or "overrides".
        grades: by grade id; none where there is no gradebook.
        time: when it was handed in; None where that, or a deadline, is not known.
    """

    name: str
    records: Mapping[str, Record] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=dict)
    damaged: tuple[str, ...] = ()
    grades: Mapping[str, Grade] = field(default_factory=dict)
    time: HandInTime | None = None

    def verdict(self, task: Task) -> Verdict | None:
        """As judged, with a person's decisions about criteria."""
        record = self.records.get(task.notebook)
        verdict = record.verdict(task.check_id) if record else None
        return with_overrides(verdict, self.overrides) if verdict else None

    def score(self, task: Task) -> float | None:
        """Points due; None while there are none. A person's score counts before the verdict's."""
        grade = self.grades.get(task.check_id)
        if task.judged_by == "person":
            return grade.given if grade and not grade.waits else None
        if grade is not None and grade.by_hand:
            return grade.given
        verdict = self.verdict(task)
        return verdict.score if verdict else None


def slim(work: Work, shared: dict[Criterion, Criterion]) -> Work:
    """A student's work without what its verdicts were judged from; equal criteria of a class are kept once, in `shared`."""

    def of(verdict: Verdict) -> Verdict:
        criteria = tuple(shared.setdefault(criterion, criterion) for criterion in verdict.criteria)
        return verdict.model_copy(update={"criteria": criteria})

    records = {
        name: record.slim.model_copy(update={"verdicts": tuple(map(of, record.verdicts))})
        for name, record in work.records.items()
    }
    return replace(work, records=records)


def verdicts_of(works: Iterable[Work], judged: Sequence[Task]) -> Iterator[tuple[Work, Task, Verdict]]:
    """Every verdict on record about these tasks."""
    for work in works:
        for task in judged:
            if (verdict := work.verdict(task)) is not None:
                yield work, task, verdict


def hiding(names: Iterable[str], kept: Iterable[str] = ()) -> Hide:
    """A function that makes a text one line, bounded, and takes out of it names, addresses and paths.

    Args:
        names: of students: accounts, first and last names. Short ones count only as they are spelled: they can be words.
        kept: paths that are the course's own and may stay.
    """
    words = sorted({word for name in names for word in (name, *name.split()) if len(word) > 1}, key=len, reverse=True)
    anybody = [re.escape(word) if len(word) < 4 else f"(?i:{re.escape(word)})" for word in words]
    named = re.compile(rf"(?<!\w)(?:{'|'.join(anybody)})(?!\w)") if anybody else None
    own = {path.rstrip("/") for path in kept}

    def path(match: re.Match[str]) -> str:
        return match[0] if match[0].rstrip("/.") in own else HIDDEN

    def hide(text: str) -> str:
        line = PATH.sub(path, ADDRESS.sub(HIDDEN, one_line(text)))
        line = named.sub(HIDDEN, line) if named else line
        return line if len(line) <= MAX_EXAMPLE else line[: MAX_EXAMPLE - 1] + "…"

    return hide


def one_line(text: str) -> str:
    """Printable characters only, with one space for anything else: nothing that turns the direction of text, say."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * MAX_EXAMPLE]).split())
