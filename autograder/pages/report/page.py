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

from autograder.course.deadline import HandInTime
from autograder.course.profile import Language
from autograder.facts.verdict import Phrase
from autograder.pages.report import pictures
from autograder.pages.report.findings import Mistake, Review
from autograder.pages.report.numbers import Numbers
from autograder.pages.report.pictures import percent
from autograder.pages.report.requests import TemperatureNumbers
from autograder.pages.report.scores import Distribution, TaskNumbers
from autograder.pages.templates import environment
from autograder.words.grading import HAPPENED
from autograder.words.render import number
from autograder.words.report import REPORT
from autograder.words.tables import say
from autograder.words.times import span

Rows = Sequence[Sequence[object]]
MAX_CRITERIA = 15
"""Criteria in the picture; the table beneath has all."""


@dataclass(frozen=True)
class Table:
    name: str
    head: Sequence[str]
    rows: Rows


@dataclass(frozen=True)
class Picture:
    """A picture, the same in words, and the same in numbers."""

    svg: Markup
    alt: str
    table: Table


@dataclass(frozen=True, kw_only=True)
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
    template = environment().get_template("report.html")
    return template.render(
        language=language,
        title=page.say("title", assignment=assignment),
        named=named,
        opening=page.opening(),
        sections=page.sections() if numbers.graded or numbers.damaged or numbers.not_judged else [],
        say=page.say,
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

    def table(self, key: str, head: str, rows: Rows, **values: object) -> Table:
        """A table with a sentence as its name; `head` has the keys of its columns, with spaces between."""
        return Table(self.say(key, **values), [self.say(column) for column in head.split()], rows)

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
            "late": self.late(),
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
        if not found.values:
            return Part(self.say(key, points=self.number(found.most)), [self.say("no-scores")])
        alt = self.say(
            "scores-alt", count=len(found.values), low=self.number(found.values[0]), high=self.number(found.values[-1]),
            most=self.number(found.most), median=self.number(found.median), mean=self.number(found.mean), full=found.full,
        )  # fmt: skip
        rows = [[f"{self.number(b.low)}–{self.number(b.high)}", b.count] for b in found.bins()]
        table = self.table(key, "points students", rows, points=self.number(found.most))
        missing = self.numbers.graded - len(found.values)
        notes = [self.say("scores-missing", count=missing)] * bool(missing)
        return Part(table.name, notes, Picture(pictures.score_picture(found, self.language, key), alt, table))

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
        table = [
            [row.task.id, self.number(row.task.points), row.full, row.part, row.none, row.open,
             self.percent(row.rate), "–" if row.mean is None else self.number(row.mean)]
            for row in rows
        ]  # fmt: skip
        numbers = self.table("tasks-name", "task most all some no-points open share-all mean", table)
        return [Part(picture=Picture(pictures.task_picture(scored, self.language), alt, numbers)), *self.criteria()]

    def criteria(self) -> list[Part]:
        every = [c for row in self.numbers.tasks for c in row.criteria]
        missed = sorted((c for c in every if c.failed), key=lambda c: c.rate or 0)[:MAX_CRITERIA]
        if not every:
            return []
        head = "criterion in-place missing not-known overruled share"
        rows = [
            [f"{c.task}: {self.words_of(c.title)}", c.passed, c.failed, c.unknown, c.overruled, self.percent(c.rate)]
            for c in every
        ]
        heading = self.say("criteria")
        if not missed:
            return [Part(heading, [self.say("criteria-all")], table=self.table("criteria", head, rows))]
        lowest = missed[0]
        alt = self.say(
            "criteria-alt", count=len(missed), lowest=f"{lowest.task}: {lowest.name}", low=self.percent(lowest.rate)
        )
        svg, table = pictures.criterion_picture(missed, self.language), self.table("criteria-name", head, rows)
        return [Part(heading, picture=Picture(svg, alt, table))]

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
        return Example(title=self.words_of(mistake.title), share=share, tasks=_counted(mistake.tasks), example=shown)

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
            table = self.table("damaged-name", "student notebook", n.damaged)
            parts.append(Part(table.name, [self.say("damaged")], table=table))
        return parts

    def late(self) -> list[Part]:
        """Without the moments of handing in: these tell who is who."""
        rows = [
            [one.name, self.words_of(span(one.time.after_due)), self.say(_covered(one.time))]
            for one in self.numbers.late
        ]
        if not rows:
            return []
        return [Part(paragraphs=[self.say("late-intro")], table=self.table("late", "student late-by extension", rows))]

    def listed(self, key: str, reviews: Iterable[Review]) -> Table:
        """One row for a student's checks that have the same reasons."""
        alike: dict[tuple[str, str], list[Review]] = {}
        for review in reviews:
            why = " ".join(dict.fromkeys(self.words_of(reason) for reason in review.reasons))
            alike.setdefault((review.name, why), []).append(review)
        rows = [
            [n, ", ".join(r.check_id for r in found), self.proposed(found), why] for (n, why), found in alike.items()
        ]
        return self.table(key, "student check proposed why", rows)

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
        table = self.table("happened", "what student notebook cell", rows)
        parts = [Part(table=table) if rows else Part(paragraphs=[self.say("nothing")])]
        if n.mended:
            mended = [[self.words_of(m.sentence), m.times, ", ".join(m.names)] for m in n.mended]
            parts.append(Part(self.say("mended"), table=self.table("mended", "what times students", mended)))
        return parts

    # How outputs change with the temperature

    def temperature(self) -> list[Part]:
        n = self.numbers
        if not n.graded or not n.temperatures:
            return []
        rows = [row for row in n.temperatures if row.samples]
        parts = [Part(paragraphs=[self.say("no-temperature")])]
        if rows:
            parts = [Part(paragraphs=[self.say("temperature-intro")], picture=self.temperatures(rows))]
        if n.observed:
            table = [[self.words_of(o.sentence), o.students, _counted(o.tasks)] for o in n.observed]
            parts.append(Part(self.say("observed"), table=self.table("observed", "observation students where", table)))
        return parts

    def temperatures(self, rows: Sequence[TemperatureNumbers]) -> Picture:
        parts = " ".join(
            self.say(
                "temperature-part", t=self.number(row.temperature), count=len(row.samples),
                alike=self.middle(row, "alike"), variety=self.middle(row, "variety"),
            )
            for row in rows
        )  # fmt: skip
        head = "temperature-axis students answers alike variety repeats at-limit empty begins"
        table = [
            [self.number(row.temperature), row.students, len(row.samples), self.middle(row, "alike"),
             self.middle(row, "variety"), *(sum(getattr(s, key) for s in row.samples) for key in _COUNTED), row.example]
            for row in rows
        ]  # fmt: skip
        svg, alt = pictures.temperature_picture(rows, self.language), self.say("temperature-alt", parts=parts)
        return Picture(svg, alt, self.table("temperature-name", head, table))

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
            rows = [
                [p.check_id, p.count, self.number(p.median, decimals=3), self.number(p.most, decimals=3)]
                for p in cost.probes
            ]
            table = self.table("probe-name", "check count median longest", rows)
            svg = pictures.probe_picture(cost.probes, self.language)
            parts.append(Part(table.name, picture=Picture(svg, alt, table)))
        return parts


_COUNTED = ("repeats", "at_limit", "empty")


def _counted(tasks: Mapping[str, int]) -> str:
    return ", ".join(f"{task} {count}" for task, count in tasks.items())


def _covered(time: HandInTime) -> str:
    """The key of what an extension does for a hand-in after everybody's deadline."""
    if time.deadline.extended is None:
        return "no-extension"
    return "extension-too-short" if time.late else "extension-covers"


def _rate(row: TaskNumbers) -> float:
    return row.rate or 0.0
