"""What was earned: the scores of a class, and how its tasks and their criteria went. Pure."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from autograder.facts.verdict import Criterion, Phrase, Verdict
from autograder.judging.task import Task
from autograder.pages.report.works import Hide, Work

NOT_RUN = "evidence"
"""The one criterion of a check that did not run: whoever it is about is among those whom a person looks at."""


@dataclass(frozen=True)
class Bin:
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Distribution:
    """Scores, lowest first, of at most `most` points each."""

    most: float
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def full(self) -> int:
        return sum(value >= self.most for value in self.values)

    def bins(self) -> tuple[Bin, ...]:
        """Twelve at most, each of a round width; the last one has the full score in it."""
        width = next((w for w in (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0) if self.most / w <= 12), self.most or 1.0)
        count = max(1, math.ceil(self.most / width))
        counts = Counter(min(int(value / width), count - 1) for value in self.values)
        return tuple(Bin(n * width, min((n + 1) * width, self.most), counts[n]) for n in range(count))


@dataclass(frozen=True, kw_only=True)
class CriterionNumbers:
    """How often a criterion was met. `overruled`: how many of these a person decided."""

    task: str
    name: str
    title: Phrase
    passed: int
    failed: int
    unknown: int
    overruled: int

    @property
    def rate(self) -> float | None:
        """Share (0 to 1) of those that are known."""
        known = self.passed + self.failed
        return self.passed / known if known else None


@dataclass(frozen=True, kw_only=True)
class TaskNumbers:
    """How many earned all, a part or none of a task's points; `open` have no score yet."""

    task: Task
    full: int
    part: int
    none: int
    open: int
    mean: float | None
    criteria: tuple[CriterionNumbers, ...] = ()

    @property
    def rate(self) -> float | None:
        """Share (0 to 1) with all points, of those that have a score."""
        scored = self.full + self.part + self.none
        return self.full / scored if scored else None


def distribution_of(works: Iterable[Work], counted: Sequence[Task]) -> Distribution:
    scores = [[work.score(task) for task in counted] for work in works]
    values = [sum(filter(None, each)) for each in scores if None not in each]
    return Distribution(sum(task.points for task in counted), tuple(sorted(round(value, 4) for value in values)))


def has_unmarked(work: Work, all_tasks: Iterable[Task]) -> bool:
    return any(task.judged_by == "person" and work.score(task) is None for task in all_tasks)


def task_numbers(task: Task, works: Sequence[Work], hide: Hide) -> TaskNumbers:
    scores = [score for work in works if (score := work.score(task)) is not None]
    full, none = sum(score >= task.points for score in scores), sum(score <= 0 for score in scores)
    verdicts = [verdict for work in works if (verdict := work.verdict(task)) and verdict.state != "not judged"]
    return TaskNumbers(
        task=task,
        full=full,
        part=len(scores) - full - none,
        none=none,
        open=len(works) - len(scores),
        mean=statistics.fmean(scores) if scores else None,
        criteria=tuple(_criteria(task, verdicts, hide)),
    )


def _criteria(task: Task, verdicts: Iterable[Verdict], hide: Hide) -> Iterator[CriterionNumbers]:
    by_name: dict[str, list[Criterion]] = {}
    for verdict in verdicts:
        for criterion in (c for c in verdict.criteria if c.name != NOT_RUN):
            by_name.setdefault(criterion.name, []).append(criterion)
    for name, found in by_name.items():
        outcomes = Counter(_outcome(criterion) for criterion in found)
        yield CriterionNumbers(
            task=task.id,
            name=name,
            title=Counter(criterion.title for criterion in found).most_common(1)[0][0].changed(hide),
            passed=outcomes["passed"],
            failed=outcomes["failed"],
            unknown=outcomes["unknown"],
            overruled=sum(criterion.override is not None for criterion in found),
        )


def _outcome(criterion: Criterion) -> str:
    if criterion.override is None:
        return criterion.outcome
    return "passed" if criterion.due >= criterion.points else "failed"
