"""Verdicts: what a check concludes, in plain data that can be written as JSON and shown in two languages.

Nothing here decides anything; `judging/` does. Nothing here has words; `words/` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from autograder.course.profile import Language

State = Literal["judged", "review", "not judged"]
Outcome = Literal["passed", "failed", "unknown"]
MAX_EXACT = 2**53
"""Whole numbers from here on are kept as text: not every reader of JSON keeps them."""

IncidentKind = Literal["time", "memory", "crash", "output", "prompt", "budget", "tampering", "messages"]


class Incident(BaseModel):
    """Something that happened while a notebook ran, beside what is right or wrong in it.

    Attributes:
        kind: it, or a cell of it, took too long; it took too much memory; its kernel ended; it printed too much; it asked a
            model with too long a prompt, or for more than a notebook may have of the model host; something changed what a
            check had found, or got in its way; its kernel said what no kernel says.
        cell: where.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: IncidentKind
    cell: str


class Words(BaseModel):
    """The same text in Norwegian (bokmål) and English.

    Verdicts of records of version 1 hold these; what is judged today holds a `Sentence`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nb: str
    en: str

    def say(self, language: Language) -> str:
        return self.nb if language == "nb" else self.en

    def fill(self, **values: object) -> Words:
        """Both texts with `{name}` replaced by the values given."""
        return Words(nb=self.nb.format(**values), en=self.en.format(**values))

    def changed(self, change: Callable[[str], str]) -> Words:
        """Both texts, changed."""
        return Words(nb=change(self.nb), en=change(self.en))


class Sentence(BaseModel):
    """A sentence by its key, with the values of its blanks; its words are made where it is read (`words.tables.say`).

    Attributes:
        key: its table and its entry there: "hints/missing".
        values: by the name of the blank; a sentence where the value has words of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    values: dict[str, Value] = {}

    def __hash__(self) -> int:
        return hash((self.key, frozenset(self.values.items())))

    def fill(self, **values: object) -> Sentence:
        """The sentence with these values: as they are where JSON keeps them exactly, else as text."""
        return Sentence(key=self.key, values={name: _kept(value) for name, value in values.items()})

    def changed(self, change: Callable[[str], str]) -> Sentence:
        """The sentence with each text among its values changed."""

        def of(value: Value) -> Value:
            if isinstance(value, Sentence):
                return value.changed(change)
            return change(value) if isinstance(value, str) else value

        return Sentence(key=self.key, values={name: of(value) for name, value in self.values.items()})


Value = str | int | float | Sentence
Sentence.model_rebuild()
Phrase = Sentence | Words
"""What a verdict says, as it is judged today or as a record of version 1 has it."""


def _kept(value: object) -> Value:
    """A value as JSON can keep it: numbers beyond its exactness as text, and text without halves of letters."""
    if isinstance(value, Sentence):
        return value
    if type(value) is int and abs(value) < MAX_EXACT:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")


class Override(BaseModel):
    """A person's decision about one criterion: the points it is given, why, and by whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    earned: Annotated[float, Field(ge=0)]
    reason: Annotated[str, Field(min_length=1)]
    by: str = ""


class Criterion(BaseModel):
    """One named part of a task.

    `earned` is in points, 0 ≤ earned ≤ points; only `arguments` earns parts of a criterion. `unknown` is for a student's
    own session, where the recorder may have come too late: neither tick nor fail.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: Phrase
    points: float
    earned: float
    outcome: Outcome
    expected: Phrase | None = None
    found: Phrase | None = None
    hint: Phrase | None = None
    note: Phrase | None = None
    override: Override | None = None

    @property
    def due(self) -> float:
        """Points after a person's decision, if there is one."""
        return min(self.override.earned, self.points) if self.override else self.earned


class Verdict(BaseModel):
    """The conclusion about one task.

    `review` means that the points are proposed and a person must look (`reasons` say why); `not judged` that the grader's
    own side failed: then no score is due, neither zero nor full.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    check_id: str
    points: float
    state: State = "judged"
    criteria: tuple[Criterion, ...] = ()
    observations: tuple[Phrase, ...] = ()
    reasons: tuple[Phrase, ...] = ()

    @property
    def score(self) -> float | None:
        """Points due, or None while the verdict is `not judged`."""
        if self.state == "not judged":
            return None
        return round(sum(criterion.due for criterion in self.criteria), 4)

    @property
    def passed(self) -> bool:
        """Whether every criterion has its points, from the check or from a person."""
        full = (c.due == c.points and (c.outcome == "passed" or c.override or not c.points) for c in self.criteria)
        return self.state != "not judged" and bool(self.criteria) and all(full)

    @property
    def open(self) -> bool:
        """Whether nothing failed, but something could not be seen."""
        taken = any(c.override and c.due < c.points for c in self.criteria)
        unknown = any(c.outcome == "unknown" and not c.override for c in self.criteria)
        return unknown and not taken and self.first_failed is None

    @property
    def first_failed(self) -> Criterion | None:
        return next((c for c in self.criteria if c.outcome == "failed" and not c.override), None)
