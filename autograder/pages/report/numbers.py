"""From the records of a class to the numbers of its report: what was earned, what went wrong, what it cost.

Pure: records and marks in, small frozen data out. Every text that a student can have had a hand in is made harmless here
(`Hide`): one line, bounded, without paths, addresses or anybody's name. Escaping it is the page's work.
"""

from __future__ import annotations

import functools
import json
import math
import re
import statistics
import string
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from autograder.course.profile import Profile
from autograder.facts.evidence import Evidence
from autograder.facts.transcript import Request
from autograder.facts.verdict import Criterion, IncidentKind, Verdict, Words
from autograder.grading.records import Overrides, Record, with_overrides
from autograder.judging.answers import repetition
from autograder.judging.contract import Task, tasks
from autograder.words.sentences import HINTS, OBSERVATIONS, REPAIRS

MAX_MISTAKES = 12
MAX_EXAMPLE = 240
MAX_SAMPLES = 120
"""Different answers at one temperature that are compared: every pair of them is."""
HIDDEN = "[…]"
PATH = re.compile(r"(?<![\w/<])(?:~\w*|[A-Za-z]:)?(?:[/\\]+[\w.@+-]+)+[/\\]?")
"""From a root, a home or a drive on; what has a slash in the middle only (`meta-llama/Llama-3.2-1B`) is none."""
ADDRESS = re.compile(r"\S+@\S+\.\w+")

NOT_RUN = "evidence"
"""The one criterion of a check that did not run: whoever it is about is among those whom a person looks at."""

Hide = Callable[[str], str]


@dataclass(frozen=True)
class Mark:
    """What the gradebook has of one cell.

    Attributes:
        score: None while there is none.
        waits: for a person.
        by_hand: whether a person has given the score.
    """

    score: float | None
    waits: bool = False
    by_hand: bool = False


@dataclass(frozen=True)
class Work:
    """One student's work.

    Attributes:
        name: as the report calls the student.
        records: by notebook.
        damaged: files on record that cannot be read: notebooks, or "overrides".
        marks: by grade id; none where there is no gradebook.
    """

    name: str
    records: Mapping[str, Record] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=dict)
    damaged: tuple[str, ...] = ()
    marks: Mapping[str, Mark] = field(default_factory=dict)

    def verdict(self, task: Task) -> Verdict | None:
        """As judged, with a person's decisions about criteria."""
        record = self.records.get(task.notebook)
        verdict = record.verdict(task.check_id) if record else None
        return with_overrides(verdict, self.overrides) if verdict else None

    def score(self, task: Task) -> float | None:
        """Points due; None while there are none. A person's score counts before the verdict's."""
        mark = self.marks.get(task.check_id)
        if task.judged_by == "person":
            return mark.score if mark and not mark.waits else None
        if mark is not None and mark.by_hand:
            return mark.score
        verdict = self.verdict(task)
        return verdict.score if verdict else None


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
        places = Counter(min(int(value / width), count - 1) for value in self.values)
        return tuple(Bin(n * width, min((n + 1) * width, self.most), places[n]) for n in range(count))


@dataclass(frozen=True)
class CriterionNumbers:
    """How often a criterion was met. `overruled`: how many of these a person decided."""

    task: str
    name: str
    title: Words
    passed: int
    failed: int
    unknown: int
    overruled: int

    @property
    def rate(self) -> float | None:
        """Share (0 to 1) of those that could be told."""
        told = self.passed + self.failed
        return self.passed / told if told else None


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Mistake:
    """The same advice, how many students got it, and at which tasks how many. The example is the commonest one."""

    title: Words
    students: int
    tasks: Mapping[str, int]
    expected: Words | None
    found: Words | None
    hint: Words | None


@dataclass(frozen=True)
class Review:
    """A verdict that a person must look at, or that is not judged; `score` is proposed."""

    name: str
    check_id: str
    score: float | None
    points: float
    reasons: tuple[Words, ...]


@dataclass(frozen=True)
class Happened:
    """An incident, and whose."""

    kind: IncidentKind
    name: str
    notebook: str
    cell: str


@dataclass(frozen=True)
class Mended:
    """One kind of repair: how often, and for whom."""

    words: Words
    times: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class ProbeTime:
    """Seconds that the checks of one kind took, as the kernels told."""

    check_id: str
    count: int
    median: float
    most: float


@dataclass(frozen=True)
class Cost:
    """What grading took, as far as it is on record.

    Attributes:
        executions: among `notebooks`; the others share one with equal code.
        asked, different: the students' own requests, and how many of them differ.
        tokens, generated: of all answers, and of the different ones.
        questions: the checks' own, which no model answers.
    """

    notebooks: int
    executions: int
    asked: int
    different: int
    tokens: int
    generated: int
    questions: int
    probes: tuple[ProbeTime, ...]


@dataclass(frozen=True)
class Sample:
    """One of the different answers at a temperature.

    Attributes:
        alike: mean share (0 to 1) of words that it has in common with each of the others; None where there is no other.
        variety: different words for each word (0 to 1); None for an answer without words.
    """

    alike: float | None
    variety: float | None
    repeats: bool
    at_limit: bool
    empty: bool


@dataclass(frozen=True)
class TemperatureNumbers:
    """The different answers at one temperature, of how many students, and the beginning of one of them."""

    temperature: float
    students: int
    samples: tuple[Sample, ...]
    example: str


@dataclass(frozen=True)
class Observed:
    """An observation, how many students it was told, and at which tasks how often."""

    words: Words
    students: int
    tasks: Mapping[str, int]


@dataclass(frozen=True)
class Numbers:
    """Everything that the report shows.

    Attributes:
        students: whose work is in the course.
        graded: of them, who has a record of every notebook.
        automatic: points of the autograder's tasks, of those who have all of them.
        final: all points, of those who have all of them.
        unmarked: students with a free text that waits for a person, or has no mark.
        settled: verdicts for review that a person has scored.
    """

    students: int
    graded: int
    automatic: Distribution
    final: Distribution
    unmarked: int
    tasks: tuple[TaskNumbers, ...]
    mistakes: tuple[Mistake, ...]
    kinds_of_mistakes: int
    reviews: tuple[Review, ...]
    settled: int
    not_judged: tuple[Review, ...]
    incidents: tuple[Happened, ...]
    mended: tuple[Mended, ...]
    cost: Cost
    temperatures: tuple[TemperatureNumbers, ...]
    observed: tuple[Observed, ...]
    damaged: tuple[tuple[str, str], ...]


def numbers_of(works: Sequence[Work], profile: Profile, hide: Hide) -> Numbers:
    """The numbers of a class.

    Args:
        hide: makes a text harmless that a student can have had a hand in; see `hiding`.
    """
    all_tasks = tasks(profile)
    judged = [task for task in all_tasks if task.judged_by == "autograder"]
    notebooks = {task.notebook for task in judged}
    graded = [work for work in works if notebooks <= work.records.keys()]
    mistakes = _mistakes(graded, judged, hide)
    waiting = list(_reviews(works, judged, hide))
    reviews = tuple(review for work, review in waiting if review.score is not None and not _settled(work, review))
    return Numbers(
        students=len(works),
        graded=len(graded),
        automatic=_distribution(graded, judged),
        final=_distribution(graded, all_tasks),
        unmarked=sum(_unmarked(work, all_tasks) for work in graded),
        tasks=tuple(_task(task, graded, hide) for task in all_tasks),
        mistakes=mistakes[:MAX_MISTAKES],
        kinds_of_mistakes=len(mistakes),
        reviews=reviews,
        settled=sum(_settled(work, review) for work, review in waiting),
        not_judged=tuple(r for work, r in waiting if r.score is None and not _settled(work, r)),
        incidents=_incidents(works, hide),
        mended=_mended(works),
        cost=_cost(works, profile),
        temperatures=tuple(_temperature(task, works, hide) for task in judged if task.temperature is not None),
        observed=_observed(graded, judged),
        damaged=tuple((work.name, file) for work in works for file in work.damaged),
    )


# What was earned


def _distribution(works: Iterable[Work], counted: Sequence[Task]) -> Distribution:
    scores = [[work.score(task) for task in counted] for work in works]
    values = [sum(filter(None, each)) for each in scores if None not in each]
    return Distribution(sum(task.points for task in counted), tuple(sorted(round(value, 4) for value in values)))


def _unmarked(work: Work, all_tasks: Iterable[Task]) -> bool:
    return any(task.judged_by == "person" and work.score(task) is None for task in all_tasks)


def _task(task: Task, works: Sequence[Work], hide: Hide) -> TaskNumbers:
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
            title=_harmless(Counter(criterion.title for criterion in found).most_common(1)[0][0], hide),
            passed=outcomes["passed"],
            failed=outcomes["failed"],
            unknown=outcomes["unknown"],
            overruled=sum(criterion.override is not None for criterion in found),
        )


def _outcome(criterion: Criterion) -> str:
    if criterion.override is None:
        return criterion.outcome
    return "passed" if criterion.due >= criterion.points else "failed"


# What went wrong


def _mistakes(works: Iterable[Work], judged: Sequence[Task], hide: Hide) -> tuple[Mistake, ...]:
    """All kinds, the commonest first. What a person has decided is none."""
    found: dict[str, list[tuple[str, Task, Criterion]]] = {}
    for work in works:
        for task in judged:
            verdict = work.verdict(task)
            for criterion in verdict.criteria if verdict and verdict.state != "not judged" else ():
                if criterion.outcome == "failed" and criterion.override is None and criterion.name != NOT_RUN:
                    kind = kind_of(criterion.hint, "hints") if criterion.hint else ""
                    found.setdefault(kind or f"{task.kind} {criterion.name}", []).append((work.name, task, criterion))
    every = [_mistake(told, judged, hide) for told in found.values()]
    return tuple(sorted(every, key=lambda mistake: -mistake.students))


def _mistake(told: Sequence[tuple[str, Task, Criterion]], judged: Sequence[Task], hide: Hide) -> Mistake:
    examples = Counter((c.title, c.expected, c.found, c.hint) for _, _, c in told)
    title, *rest = examples.most_common(1)[0][0]
    expected, found, hint = (_harmless(words, hide) if words else None for words in rest)
    who = {task.id: {name for name, its, _ in told if its == task} for task in judged}
    return Mistake(
        title=_harmless(title, hide),
        students=len({name for name, _, _ in told}),
        tasks={task: len(names) for task, names in who.items() if names},
        expected=expected,
        found=found,
        hint=hint,
    )


def _harmless(words: Words, hide: Hide) -> Words:
    return Words(nb=hide(words.nb), en=hide(words.en))


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


@functools.cache
def _patterns(table: str) -> dict[str, re.Pattern[str]]:
    def pattern(text: str) -> re.Pattern[str]:
        parts = [re.escape(literal) + (".*" if name is not None else "") for literal, name, _, _ in _parsed(text)]
        return re.compile("".join(parts), re.DOTALL)

    sentences = {"hints": HINTS, "observations": OBSERVATIONS}[table]
    return {key: pattern(words.en) for key, words in sentences.items()}


def _parsed(text: str) -> Iterable[tuple[str, str | None, str | None, str | None]]:
    return string.Formatter().parse(text)


def kind_of(words: Words, table: str) -> str:
    """The key in `words.py` of the sentence that was filled in, or "" where it is none of that table ("hints", …)."""
    return next((key for key, pattern in _patterns(table).items() if pattern.fullmatch(words.en)), "")


def blank(words: Words) -> Words:
    """A sentence with "…" in every place that is filled in."""
    names = {name for text in (words.nb, words.en) for _, name, _, _ in _parsed(text) if name}
    return words.fill(**dict.fromkeys(names, "…"))


# What needs a person, and what happened


def _reviews(works: Iterable[Work], judged: Sequence[Task], hide: Hide) -> Iterator[tuple[Work, Review]]:
    for work in works:
        for task in judged:
            verdict = work.verdict(task)
            if verdict is not None and verdict.state != "judged":
                reasons = tuple(_harmless(reason, hide) for reason in verdict.reasons)
                yield work, Review(work.name, task.check_id, verdict.score, verdict.points, reasons)


def _settled(work: Work, review: Review) -> bool:
    mark = work.marks.get(review.check_id)
    return mark is not None and mark.by_hand and not mark.waits


def _incidents(works: Iterable[Work], hide: Hide) -> tuple[Happened, ...]:
    return tuple(
        Happened(incident.kind, work.name, notebook, hide(incident.cell))
        for work in works
        for notebook, record in work.records.items()
        for incident in record.incidents
    )


def _mended(works: Iterable[Work]) -> tuple[Mended, ...]:
    """Without the details: a file's name can tell whose it is."""
    found: dict[str, list[str]] = {}
    for work in works:
        for record in work.records.values():
            for repair in record.repairs:
                found.setdefault(repair.kind, []).append(work.name)
    return tuple(
        Mended(
            blank(REPAIRS[kind]) if kind in REPAIRS else Words(nb=kind, en=kind),
            len(names),
            tuple(dict.fromkeys(names)),
        )
        for kind, names in sorted(found.items(), key=lambda item: -len(item[1]))
    )


# What it cost


def _cost(works: Iterable[Work], profile: Profile) -> Cost:
    """Records of one execution agree to the millisecond in what their probes took, and in all that they saw."""
    records = [record for work in works for record in work.records.values()]
    different = {_execution(record) or str(number): record for number, record in enumerate(records)}
    requests = [request for record in records for request in record.transcript.own()]
    answers = {_answer(request): request for request in requests}
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
        different=len(answers),
        tokens=sum(map(_tokens, requests)),
        generated=sum(map(_tokens, answers.values())),
        questions=sum(len(r.transcript.requests) - len(r.transcript.own()) for r in different.values()),
        probes=tuple(times),
    )


def _execution(record: Record) -> str | None:
    """What tells one execution from another; None for a record that saw nothing."""
    if not record.evidence:
        return None
    return json.dumps([[e.model_dump(mode="json") for e in record.evidence], record.transcript.model_dump(mode="json")])


def _answer(request: Request) -> str:
    settings = json.dumps(request.settings, sort_keys=True, default=str)
    return json.dumps([request.model, request.text, request.token_ids, settings, request.outputs, request.error])


def _tokens(request: Request) -> int:
    return sum(map(len, request.output_ids))


def _believable(evidence: Evidence, profile: Profile) -> bool:
    """Seconds are the kernel's word."""
    return math.isfinite(evidence.seconds) and 0 <= evidence.seconds <= profile.limits.notebook_seconds


# What the models said


def _temperature(task: Task, works: Iterable[Work], hide: Hide) -> TemperatureNumbers:
    found: dict[str, tuple[Request, str]] = {}
    students = 0
    for work in works:
        record = work.records.get(task.notebook)
        drawn = [r for r in record.transcript.own() if _drawn_at(r, task)] if record else []
        students += bool(drawn)
        for request in drawn:
            found |= {f"{_answer(request)} {n}": (request, text) for n, text in enumerate(request.outputs)}
    chosen = list(found.values())[:MAX_SAMPLES]
    words = [frozenset(re.findall(r"\w+", text.casefold())) for _, text in chosen]
    samples = tuple(
        _sample(request, text, alike)
        for (request, text), alike in zip(chosen, _alike(words), strict=True)
    )  # fmt: skip
    example = next((text for _, text in chosen if text.strip()), "")
    return TemperatureNumbers(task.temperature or 0.0, students, samples, hide(example))


def _drawn_at(request: Request, task: Task) -> bool:
    settings = request.settings
    asked = task.question is None or task.question in request.text
    return asked and bool(settings.get("do_sample")) and settings.get("temperature") == task.temperature


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


def _observed(works: Iterable[Work], judged: Sequence[Task]) -> tuple[Observed, ...]:
    told: dict[str, list[tuple[str, str]]] = {}
    for work in works:
        for task in judged:
            verdict = work.verdict(task)
            for observation in verdict.observations if verdict else ():
                if kind := kind_of(observation, "observations"):
                    told.setdefault(kind, []).append((work.name, task.id))
    order = [task.id for task in judged]
    return tuple(
        Observed(
            blank(OBSERVATIONS[kind]),
            len({name for name, _ in places}),
            {task: count for task in order if (count := sum(t == task for _, t in places))},
        )
        for kind, places in sorted(told.items(), key=lambda item: -len(item[1]))
    )
