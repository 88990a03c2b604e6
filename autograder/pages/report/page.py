"""The report's page: from numbers to one HTML file that needs nothing else, neither a network nor a script.

Jinja escapes every text (`templates/report.html`); only the pictures, which hold no text of a student's, go in as they are.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from markupsafe import Markup

from autograder.course.profile import Language
from autograder.facts.verdict import Phrase
from autograder.pages.report import pictures
from autograder.pages.report.findings import Mistake, Review
from autograder.pages.report.numbers import Numbers
from autograder.pages.report.pictures import percent, with_own_ids
from autograder.pages.report.requests import TemperatureNumbers
from autograder.pages.report.scores import Distribution, TaskNumbers
from autograder.pages.templates import environment
from autograder.words.grading import HAPPENED
from autograder.words.render import number
from autograder.words.report import REPORT
from autograder.words.tables import say

MAX_CRITERIA = 15
"""Criteria in the picture; the table beneath has all."""


@dataclass(frozen=True)
class Table:
    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A picture, the same in words, and the same in numbers."""

    name: str
    alt: str
    svg: Markup
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Example:
    """A mistake as it is shown: label and text of what was expected, found, and to be done."""

    title: str
    share: str
    tasks: str
    example: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Part:
    heading: str = ""
    paragraphs: Sequence[str] = ()
    picture: Picture | None = None
    table: Table | None = None
    mistakes: Sequence[Example] = ()


@dataclass(frozen=True)
class Section:
    id: str
    title: str
    parts: Sequence[Part]


def page_of(numbers: Numbers, assignment: str, language: Language, named: bool) -> str:
    """The whole page.

    Args:
        named: whether the numbers have students' names.
    """
    page = _Page(numbers, assignment, language)
    return (
        environment()
        .get_template("report.html")
        .render(
            language=language,
            title=page.say("title", assignment=assignment),
            named=named,
            opening=page.opening(),
            sections=page.sections() if numbers.graded or numbers.damaged or numbers.not_judged else [],
            say=page.say,
        )
    )


class _Page:
    """What the page says, in one language."""

    def __init__(self, numbers: Numbers, assignment: str, language: Language) -> None:
        self.numbers, self.assignment, self.language = numbers, assignment, language
        self.number, self.percent = partial(number, language=language), partial(percent, language=language)

    def say(self, key: str, **values: object) -> str:
        return self.words_of(REPORT[key].fill(**values))

    def words_of(self, phrase: Phrase) -> str:
        return say(phrase, self.language)

    def opening(self) -> list[str]:
        n = self.numbers
        if not n.students:
            return [self.say("nobody")]
        if not n.graded:
            return [self.say("nobody-graded", students=n.students, assignment=self.assignment)]
        counts = {"review": len(n.reviews), "not_judged": len(n.not_judged), "unmarked": n.unmarked}
        summary = [self.say("summary", graded=n.graded, students=n.students)]
        return summary + [self.say("summary-open", **counts)] * any(counts.values())

    def sections(self) -> list[Section]:
        parts: dict[str, list[Part]] = {
            "scores": self.scores(),
            "tasks": self.tasks(),
            "mistakes": self.mistakes(),
            "reviews": self.people(),
            "happened": self.happened(),
            "temperature": self.temperature(),
            "cost": self.cost(),
        }
        return [Section(key, self.say(key), found) for key, found in parts.items() if found]

    # What was earned

    def scores(self) -> list[Part]:
        n = self.numbers
        if not n.graded:
            return []
        parts = [self.distribution("automatic", n.automatic)]
        return [*parts, self.distribution("final", n.final)] if n.final.values else parts

    def distribution(self, key: str, found: Distribution) -> Part:
        name = self.say(key, points=self.number(found.most))
        if not found.values:
            return Part(name, [self.say("no-scores")])
        alt = self.say(
            "scores-alt", count=len(found.values), low=self.number(found.values[0]), high=self.number(found.values[-1]),
            most=self.number(found.most), median=self.number(found.median), mean=self.number(found.mean), full=found.full,
        )  # fmt: skip
        rows = [[f"{self.number(b.low)}–{self.number(b.high)}", str(b.count)] for b in found.bins()]
        head = [self.say("points"), self.say("students")]
        svg = pictures.score_picture(found, self.language)
        missing = self.numbers.graded - len(found.values)
        notes = [self.say("scores-missing", count=missing)] * bool(missing)
        return Part(name, notes, Picture(name, alt, _own(svg, key), head, rows))

    def tasks(self) -> list[Part]:
        rows = self.numbers.tasks
        scored = [row for row in rows if row.rate is not None]
        if not scored:
            return []
        judged = [row for row in scored if row.task.judged_by == "autograder"] or scored
        lowest, highest = min(judged, key=_rate), max(judged, key=_rate)
        alt = self.say(
            "tasks-alt", lowest=lowest.task.id, low=self.percent(lowest.rate), highest=highest.task.id,
            high=self.percent(highest.rate),
        )  # fmt: skip
        head = ("task", "most", "all", "some", "no-points", "open", "share-all", "mean")
        table = [
            [row.task.id, self.number(row.task.points), str(row.full), str(row.part), str(row.none), str(row.open),
             self.percent(row.rate), "–" if row.mean is None else self.number(row.mean)]
            for row in rows
        ]  # fmt: skip
        svg = _own(pictures.task_picture(scored, self.language), "tasks")
        whole = Picture(self.say("tasks-name"), alt, svg, [self.say(key) for key in head], table)
        return [Part(picture=whole), *self.criteria()]

    def criteria(self) -> list[Part]:
        every = [c for row in self.numbers.tasks for c in row.criteria]
        missed = sorted((c for c in every if c.failed), key=lambda c: c.rate or 0)[:MAX_CRITERIA]
        head = ("criterion", "in-place", "missing", "not-known", "overruled", "share")
        rows = [
            [f"{c.task}: {self.words_of(c.title)}", str(c.passed), str(c.failed), str(c.unknown),
             str(c.overruled), self.percent(c.rate)]
            for c in every
        ]  # fmt: skip
        names, heading = [self.say(key) for key in head], self.say("criteria")
        if not every:
            return []
        if not missed:
            return [Part(heading, [self.say("criteria-all")], table=Table(heading, names, rows))]
        lowest = missed[0]
        alt = self.say(
            "criteria-alt", count=len(missed), lowest=f"{lowest.task}: {lowest.name}", low=self.percent(lowest.rate)
        )
        svg = _own(pictures.criterion_picture(missed, self.language), "criteria")
        return [Part(heading, picture=Picture(self.say("criteria-name"), alt, svg, names, rows))]

    # What went wrong

    def mistakes(self) -> list[Part]:
        n = self.numbers
        if not n.graded:
            return []
        if not n.mistakes:
            return [Part(paragraphs=[self.say("no-mistakes")])]
        rest = n.kinds_of_mistakes - len(n.mistakes)
        intro = [self.say("mistakes-intro"), *[self.say("mistakes-rest", count=rest)] * bool(rest)]
        return [Part(paragraphs=intro, mistakes=[self.example(mistake) for mistake in n.mistakes])]

    def example(self, mistake: Mistake) -> Example:
        rows = (("expected", mistake.expected), ("found", mistake.found), ("next", mistake.hint))
        graded = self.numbers.graded
        share = self.say("how-many", count=mistake.students, all=graded, share=self.percent(mistake.students / graded))
        shown = [(self.say(key), self.words_of(phrase)) for key, phrase in rows if phrase]
        return Example(self.words_of(mistake.title), share, _counted(mistake.tasks), shown)

    def people(self) -> list[Part]:
        n = self.numbers
        parts = []
        if n.reviews:
            intro = [self.say("reviews-intro", settled=n.settled)]
            parts.append(Part("", intro, table=self.listed("reviews", n.reviews)))
        else:
            parts.append(Part(paragraphs=[self.say("nothing")]))
        if n.not_judged:
            intro = [self.say("not-judged-intro", assignment=self.assignment)]
            parts.append(Part(self.say("not-judged"), intro, table=self.listed("not-judged", n.not_judged)))
        if n.damaged:
            rows = [[name, file] for name, file in n.damaged]
            table = Table(self.say("damaged-name"), [self.say("student"), self.say("notebook")], rows)
            parts.append(Part(self.say("damaged-name"), [self.say("damaged")], table=table))
        return parts

    def listed(self, key: str, reviews: Iterable[Review]) -> Table:
        """One row for a student's checks that have the same reasons."""
        alike: dict[tuple[str, str], list[Review]] = {}
        for review in reviews:
            why = " ".join(dict.fromkeys(self.words_of(reason) for reason in review.reasons))
            alike.setdefault((review.name, why), []).append(review)
        rows = [
            [n, ", ".join(r.check_id for r in found), self.proposed(found), why] for (n, why), found in alike.items()
        ]
        return Table(self.say(key), [self.say(k) for k in ("student", "check", "proposed", "why")], rows)

    def proposed(self, reviews: Sequence[Review]) -> str:
        scores = [review.score for review in reviews if review.score is not None]
        most = self.number(sum(review.points for review in reviews))
        return f"{self.number(sum(scores)) if scores else '–'} / {most}"

    def happened(self) -> list[Part]:
        n = self.numbers
        rows = [
            [self.words_of(title), one.name, one.notebook, one.cell]
            for kind, title in HAPPENED.items()
            for one in n.incidents
            if one.kind == kind
        ]
        head = [self.say(key) for key in ("what", "student", "notebook", "cell")]
        name = self.say("happened")
        parts = [Part(table=Table(name, head, rows)) if rows else Part(paragraphs=[self.say("nothing")])]
        if n.mended:
            head = [self.say(key) for key in ("what", "times", "students")]
            mended = [[self.words_of(m.sentence), str(m.times), ", ".join(m.names)] for m in n.mended]
            parts.append(Part(self.say("mended"), table=Table(self.say("mended"), head, mended)))
        return parts

    # How outputs change with the temperature

    def temperature(self) -> list[Part]:
        n = self.numbers
        if not n.graded or not n.temperatures:
            return []
        rows = [row for row in n.temperatures if row.samples]
        parts = [Part(paragraphs=[self.say("temperature-intro")], picture=self.temperatures(rows))]
        if not rows:
            parts = [Part(paragraphs=[self.say("no-temperature")])]
        if n.observed:
            head = [self.say(key) for key in ("observation", "students", "where")]
            table = [[self.words_of(o.sentence), str(o.students), _counted(o.tasks)] for o in n.observed]
            parts.append(Part(self.say("observed"), table=Table(self.say("observed"), head, table)))
        return parts

    def temperatures(self, rows: Sequence[TemperatureNumbers]) -> Picture | None:
        if not rows:
            return None
        parts = " ".join(
            self.say(
                "temperature-part", t=self.number(row.temperature), count=len(row.samples),
                alike=self.middle(row, "alike"), variety=self.middle(row, "variety"),
            )
            for row in rows
        )  # fmt: skip
        head = (
            "temperature-axis", "students", "answers", "alike", "variety", "repeats", "at-limit", "empty", "begins",
        )  # fmt: skip
        table = [
            [self.number(row.temperature), str(row.students), str(len(row.samples)), self.middle(row, "alike"),
             self.middle(row, "variety"), *(str(sum(getattr(s, key) for s in row.samples)) for key in _COUNTED), row.example]
            for row in rows
        ]  # fmt: skip
        svg = _own(pictures.temperature_picture(rows, self.language), "temperature")
        alt = self.say("temperature-alt", parts=parts)
        return Picture(self.say("temperature-name"), alt, svg, [self.say(key) for key in head], table)

    def middle(self, row: TemperatureNumbers, name: str) -> str:
        values = [value for sample in row.samples if (value := getattr(sample, name)) is not None]
        return self.percent(statistics.median(values)) if values else "–"

    # What it cost

    def cost(self) -> list[Part]:
        cost = self.numbers.cost
        if not cost.notebooks:
            return []
        counts: dict[str, Any] = {**vars(cost), "shared": cost.notebooks - cost.executions}
        paragraphs = [self.say(key, **counts) for key in ("cost-notebooks", "cost-requests")]
        parts = [Part(paragraphs=[*paragraphs, self.say("cost-not")])]
        if cost.probes:
            slowest = max(cost.probes, key=lambda row: row.median)
            alt = self.say("probe-alt", slowest=slowest.check_id, median=self.number(slowest.median, decimals=3))
            head = [self.say(key) for key in ("check", "count", "median", "longest")]
            rows = [
                [p.check_id, str(p.count), self.number(p.median, decimals=3), self.number(p.most, decimals=3)]
                for p in cost.probes
            ]
            svg, name = _own(pictures.probe_picture(cost.probes, self.language), "probes"), self.say("probe-name")
            parts.append(Part(name, picture=Picture(name, alt, svg, head, rows)))
        return parts


_COUNTED = ("repeats", "at_limit", "empty")


def _counted(tasks: Mapping[str, int]) -> str:
    return ", ".join(f"{task} {count}" for task, count in tasks.items())


def _rate(row: TaskNumbers) -> float:
    return row.rate or 0.0


def _own(svg: str, name: str) -> Markup:
    return Markup(with_own_ids(svg, name))
