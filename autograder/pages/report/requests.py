"""What models were asked and what came out: what that cost, and how outputs change with the temperature. Pure."""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Iterable, Sequence
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


def cost_of(works: Iterable[Work], profile: Profile) -> Cost:
    """Records of one execution agree to the millisecond in what their probes took, and in all that they saw."""
    records = [record for work in works for record in work.records.values()]
    different = {_execution(record) or str(number): record for number, record in enumerate(records)}
    requests = [request for record in records for request in record.transcript.own()]
    exchanges = {_exchange(request): request for request in requests}
    probes: dict[str, list[float]] = {}
    for record in different.values():
        for evidence in record.evidence:
            if _believable(evidence, profile):
                probes.setdefault(evidence.check_id, []).append(evidence.seconds)
    order = [task.check_id for task in tasks(profile)]
    times = [ProbeTime(n, len(probes[n]), statistics.median(probes[n]), max(probes[n])) for n in order if n in probes]
    return Cost(
        notebooks=len(records),
        executions=len(different),
        asked=len(requests),
        different=len(exchanges),
        tokens=sum(map(_tokens, requests)),
        generated=sum(map(_tokens, exchanges.values())),
        questions=sum(len(r.transcript.requests) - len(r.transcript.own()) for r in different.values()),
        probes=tuple(times),
    )


def _execution(record: Record) -> str | None:
    """What tells one execution from another; None for a record that saw nothing."""
    if not record.evidence:
        return None
    return json.dumps([[e.model_dump(mode="json") for e in record.evidence], record.transcript.model_dump(mode="json")])


def _exchange(request: Request) -> str:
    settings = json.dumps(request.settings, sort_keys=True, default=str)
    return json.dumps([request.model, request.text, request.token_ids, settings, request.outputs, request.error])


def _tokens(request: Request) -> int:
    return sum(map(len, request.output_ids))


def _believable(evidence: Evidence, profile: Profile) -> bool:
    """Seconds are the kernel's word."""
    return math.isfinite(evidence.seconds) and 0 <= evidence.seconds <= profile.limits.notebook_seconds


# Outputs at a temperature


def temperature_numbers(task: Task, works: Iterable[Work], hide: Hide) -> TemperatureNumbers:
    found: dict[str, tuple[Request, str]] = {}
    students = 0
    for work in works:
        record = work.records.get(task.notebook)
        drawn = [r for r in record.transcript.own() if _drawn_at(r, task)] if record else []
        students += bool(drawn)
        for request in drawn:
            found |= {f"{_exchange(request)} {n}": (request, text) for n, text in enumerate(request.outputs)}
    chosen = list(found.values())[:MAX_SAMPLES]
    words = [frozenset(re.findall(r"\w+", text.casefold())) for _, text in chosen]
    samples = tuple(
        _sample(request, text, alike)
        for (request, text), alike in zip(chosen, _alike(words), strict=True)
    )  # fmt: skip
    example = next((text for _, text in chosen if text.strip()), "")
    return TemperatureNumbers(task.settings["temperature"], students, samples, hide(example))


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
