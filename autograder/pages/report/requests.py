"""What models were asked and what came out: what that cost, and how outputs change with the temperature.

Counted student by student: of what a record was judged from, which is much, no more is kept than is told.
"""

from __future__ import annotations

import json
import math
import re
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from autograder.course.profile import Profile
from autograder.facts.evidence import Evidence
from autograder.facts.transcript import Request
from autograder.grading.records import Record
from autograder.judging.contract import tasks
from autograder.judging.outputs import repetition
from autograder.judging.task import Task
from autograder.pages.report.works import Hide, Work
from autograder.system.disk_cache import digest

MAX_SAMPLES = 120
"""Different outputs at one temperature that are compared: every pair of them is."""


@dataclass(frozen=True)
class ProbeTime:
    """Seconds that the checks of one kind took, as the kernels say."""

    check_id: str
    count: int
    median: float
    most: float


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What grading took, as far as it is on record.

    Attributes:
        executions: among `notebooks`; the others share one with equal code.
        asked, different: the students' own requests, and how many of them differ.
        tokens, generated: of all outputs, and of the different ones.
        questions: the checks' own, for which no model runs.
    """

    notebooks: int
    executions: int
    asked: int
    different: int
    tokens: int
    generated: int
    questions: int
    probes: tuple[ProbeTime, ...]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One of the different outputs at a temperature.

    Attributes:
        alike: mean share (0 to 1) of words that it has in common with each of the others; None where there is no other.
        variety: different words for each word (0 to 1); None for an output without words.
    """

    alike: float | None
    variety: float | None
    repeats: bool
    at_limit: bool
    empty: bool


@dataclass(frozen=True)
class TemperatureNumbers:
    """The different outputs at one temperature, of how many students, and the beginning of one of them."""

    temperature: float
    students: int
    samples: tuple[Sample, ...]
    example: str


class Requests:
    """The requests of a class, and the executions that they came from."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._judged = [task for task in tasks(profile) if task.judged_by == "autograder"]
        self._counts: Counter[str] = Counter()
        self._executions: set[str] = set()
        self._exchanges: dict[str, int] = {}
        """By what tells one exchange from another, the tokens of its outputs."""
        self._probes: dict[str, list[float]] = {task.check_id: [] for task in self._judged}
        self._drawn = {task.check_id: Drawn(task) for task in self._judged if "temperature" in task.settings}

    def add(self, work: Work) -> None:
        """Counts what the records of a student have."""
        for record in work.records.values():
            self._add_record(record)
        for drawn in self._drawn.values():
            if drawn.task.notebook in work.records:
                drawn.add(work.records[drawn.task.notebook].transcript.own())

    def _add_record(self, record: Record) -> None:
        """Records of one execution agree to the millisecond in what their probes took, and in all that they saw."""
        own = record.transcript.own()
        self._counts.update(notebooks=1, asked=len(own), tokens=sum(map(_tokens, own)))
        self._exchanges |= {_exchange(request): _tokens(request) for request in own}
        execution = _execution(record) or f"nothing seen {self._counts['notebooks']}"
        if execution in self._executions:
            return
        self._executions.add(execution)
        self._counts.update(questions=len(record.transcript.requests) - len(own))
        for evidence in record.evidence:
            if evidence.check_id in self._probes and _believable(evidence, self._profile):
                self._probes[evidence.check_id].append(evidence.seconds)

    def cost(self) -> Cost:
        probes = [ProbeTime(n, len(s), statistics.median(s), max(s)) for n, s in self._probes.items() if s]
        return Cost(
            notebooks=self._counts["notebooks"],
            executions=len(self._executions),
            asked=self._counts["asked"],
            different=len(self._exchanges),
            tokens=self._counts["tokens"],
            generated=sum(self._exchanges.values()),
            questions=self._counts["questions"],
            probes=tuple(probes),
        )

    def temperatures(self, hide: Hide) -> tuple[TemperatureNumbers, ...]:
        return tuple(drawn.numbers(hide) for drawn in self._drawn.values())


def _execution(record: Record) -> str | None:
    """What tells one execution from another; None for a record that saw nothing."""
    if not record.evidence:
        return None
    return digest(
        {
            "saw": [e.model_dump(mode="json") for e in record.evidence],
            "asked": record.transcript.model_dump(mode="json"),
        }
    )


def _exchange(request: Request) -> str:
    settings = json.dumps(request.settings, sort_keys=True, default=str)
    parts = (request.model, request.text, request.token_ids, settings, request.outputs, request.error)
    return digest({"exchange": parts})


def _tokens(request: Request) -> int:
    return sum(map(len, request.output_ids))


def _believable(evidence: Evidence, profile: Profile) -> bool:
    """Seconds are the kernel's word."""
    return math.isfinite(evidence.seconds) and 0 <= evidence.seconds <= profile.limits.notebook_seconds


# Outputs at a temperature


class Drawn:
    """The different outputs at a task's temperature, as many as are compared."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._students = 0
        self._found: dict[str, tuple[Request, str]] = {}

    def add(self, own: Sequence[Request]) -> None:
        """Takes what is new among a student's own requests."""
        drawn = [request for request in own if _drawn_at(request, self.task)]
        self._students += bool(drawn)
        for request in drawn:
            for n, text in enumerate(request.outputs):
                if len(self._found) < MAX_SAMPLES:
                    self._found.setdefault(f"{_exchange(request)} {n}", (request, text))

    def numbers(self, hide: Hide) -> TemperatureNumbers:
        chosen = list(self._found.values())
        words = [frozenset(re.findall(r"\w+", text.casefold())) for _, text in chosen]
        samples = tuple(
            _sample(request, text, alike)
            for (request, text), alike in zip(chosen, _alike(words), strict=True)
        )  # fmt: skip
        example = next((text for _, text in chosen if text.strip()), "")
        return TemperatureNumbers(self.task.settings["temperature"], self._students, samples, hide(example))


def _drawn_at(request: Request, task: Task) -> bool:
    settings = request.settings
    asked = task.question is None or task.question in request.text
    return asked and bool(settings.get("do_sample")) and settings.get("temperature") == task.settings["temperature"]


def _alike(words: Sequence[frozenset[str]]) -> list[float | None]:
    """Of each text the mean share of words in common with the others (Jaccard's index)."""
    if len(words) < 2:
        return [None] * len(words)
    sums = [0.0] * len(words)
    for (n, one), (m, other) in combinations(enumerate(words), 2):
        share = len(one & other) / len(one | other) if one | other else 1.0
        sums[n] += share
        sums[m] += share
    return [total / (len(words) - 1) for total in sums]


def _sample(request: Request, text: str, alike: float | None) -> Sample:
    words = re.findall(r"\w+", text.casefold())
    limit = request.settings.get("max_new_tokens")
    ends = [len(ids) for ids in request.output_ids]
    return Sample(
        alike=alike,
        variety=len(set(words)) / len(words) if words else None,
        repeats=repetition(text) is not None,
        at_limit=isinstance(limit, int) and any(length >= limit for length in ends),
        empty=not text.strip(),
    )
