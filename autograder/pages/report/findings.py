"""What went wrong, what a person must look at, and what happened on the way. Counted by the keys of sentences. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autograder.course.deadline import HandInTime
from autograder.facts.verdict import Criterion, IncidentKind, Phrase, Sentence
from autograder.judging.task import Task
from autograder.pages.report.scores import NOT_RUN
from autograder.pages.report.works import Hide, Work, verdicts_of
from autograder.words.tables import blank


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """The same advice, how many students got it, and at which tasks how many. The example is the commonest one."""

    title: Phrase
    students: int
    tasks: Mapping[str, int]
    expected: Phrase | None
    found: Phrase | None
    hint: Phrase | None


@dataclass(frozen=True)
class Observed:
    """An observation, how many students got it, and at which tasks how often."""

    sentence: Sentence
    students: int
    tasks: Mapping[str, int]


@dataclass(frozen=True)
class Review:
    """A verdict that a person must look at, or that is not judged; `score` is proposed, until a person has settled it."""

    name: str
    check_id: str
    score: float | None
    points: float
    reasons: tuple[Phrase, ...]
    settled: bool


@dataclass(frozen=True)
class Late:
    """Who handed in after everybody's deadline, and when."""

    name: str
    time: HandInTime


@dataclass(frozen=True, kw_only=True)
class Happened:
    """An incident, and whose."""

    kind: IncidentKind
    name: str
    notebook: str
    cell: str


@dataclass(frozen=True)
class Mended:
    """One kind of repair: how often, and for whom."""

    sentence: Sentence
    times: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class _Case:
    """A criterion that failed, whose, and at which task."""

    name: str
    task: Task
    criterion: Criterion

    @property
    def kind(self) -> str:
        """What makes two mistakes the same: the key of the hint. A record of version 1 has the words of it alone."""
        hint = self.criterion.hint
        if hint is None:
            return f"{self.task.kind} {self.criterion.name}"
        return hint.key if isinstance(hint, Sentence) else hint.en


def mistakes_of(works: Iterable[Work], judged: Sequence[Task], hide: Hide) -> tuple[Mistake, ...]:
    """All kinds, the commonest first. What a person has decided is none."""
    found: dict[str, list[_Case]] = {}
    for work, task, verdict in verdicts_of(works, judged):
        for criterion in verdict.criteria if verdict.state != "not judged" else ():
            if criterion.outcome == "failed" and criterion.override is None and criterion.name != NOT_RUN:
                case = _Case(work.name, task, criterion)
                found.setdefault(case.kind, []).append(case)
    every = [_mistake(cases, judged, hide) for cases in found.values()]
    return tuple(sorted(every, key=lambda mistake: -mistake.students))


def _mistake(cases: Sequence[_Case], judged: Sequence[Task], hide: Hide) -> Mistake:
    criteria = (case.criterion for case in cases)
    examples = Counter((c.title, c.expected, c.found, c.hint) for c in criteria)
    title, *rest = examples.most_common(1)[0][0]
    expected, found, hint = (phrase.changed(hide) if phrase else None for phrase in rest)
    who = {task.id: {case.name for case in cases if case.task == task} for task in judged}
    return Mistake(
        title=title.changed(hide),
        students=len({case.name for case in cases}),
        tasks={task: len(names) for task, names in who.items() if names},
        expected=expected,
        found=found,
        hint=hint,
    )


def observed_of(works: Iterable[Work], judged: Sequence[Task]) -> tuple[Observed, ...]:
    """Without what the model said. Observations of records of version 1, which have no key, are not counted."""
    found: dict[str, list[tuple[str, str]]] = {}
    for work, task, verdict in verdicts_of(works, judged):
        for observation in verdict.observations:
            if isinstance(observation, Sentence) and observation.key.startswith("observations/"):
                found.setdefault(observation.key, []).append((work.name, task.id))
    order = [task.id for task in judged]
    return tuple(
        Observed(
            blank(Sentence(key=key)),
            len({name for name, _ in seen}),
            {task: count for task in order if (count := sum(t == task for _, t in seen))},
        )
        for key, seen in sorted(found.items(), key=lambda item: -len(item[1]))
    )


# What needs a person, and what happened


def reviews_of(works: Iterable[Work], judged: Sequence[Task], hide: Hide) -> Iterator[Review]:
    for work, task, verdict in verdicts_of(works, judged):
        if verdict.state != "judged":
            grade = work.grades.get(task.check_id)
            yield Review(
                name=work.name,
                check_id=task.check_id,
                score=verdict.score,
                points=verdict.points,
                reasons=tuple(reason.changed(hide) for reason in verdict.reasons),
                settled=grade is not None and grade.by_hand and not grade.waits,
            )


def late_of(works: Iterable[Work]) -> tuple[Late, ...]:
    return tuple(Late(work.name, work.time) for work in works if work.time and work.time.after_due)


def incidents_of(works: Iterable[Work], hide: Hide) -> tuple[Happened, ...]:
    return tuple(
        Happened(kind=incident.kind, name=work.name, notebook=notebook, cell=hide(incident.cell))
        for work in works
        for notebook, record in work.records.items()
        for incident in record.incidents
    )


def mended_in(works: Iterable[Work]) -> tuple[Mended, ...]:
    """Without the details: a file's name can tell whose it is."""
    found: dict[str, list[str]] = {}
    for work in works:
        for record in work.records.values():
            for repair in record.repairs:
                found.setdefault(repair.kind, []).append(work.name)
    return tuple(
        Mended(blank(Sentence(key=f"repairs/{kind}")), len(names), tuple(dict.fromkeys(names)))
        for kind, names in sorted(found.items(), key=lambda item: -len(item[1]))
    )
