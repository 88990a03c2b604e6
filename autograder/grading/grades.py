"""A row of the gradebook: what it has for one cell of one student's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Grade:
    """Points of a cell, a person's and the autograder's apart.

    Attributes:
        waits: whether a person is asked to look.
        is_code: whether the cell is one; a text has no score before a person gives it one.
    """

    score: float
    points: float
    auto: float | None = None
    manual: float | None = None
    extra: float | None = None
    waits: bool = False
    is_code: bool = True

    @classmethod
    def of(cls, row: Any) -> Grade:
        """As nbgrader's own object has it."""
        return cls(
            row.score, row.max_score, row.auto_score, row.manual_score, row.extra_credit, row.needs_manual_grade,
            row.cell.cell_type == "code",
        )  # fmt: skip

    @property
    def by_hand(self) -> bool:
        """Whether a person has given the score."""
        return self.manual is not None

    @property
    def given(self) -> float | None:
        """A person's score, else the autograder's; None while there is none. Extra credit is not in it."""
        return self.auto if self.manual is None else self.manual

    @property
    def is_open(self) -> bool:
        """Whether neither the autograder nor a person has given it a score."""
        return self.given is None

    @property
    def is_not_judged(self) -> bool:
        """Whether it is a check's, and open."""
        return self.is_open and self.is_code
