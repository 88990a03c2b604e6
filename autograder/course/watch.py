"""Grading on hand-in (`autograder watch`), as the table `[watch]` has it: what the receipt promises, and the grader keeps.

Both ask `Watch.due`. A release carries the table, so that the promise is the one that was made when the work was handed in.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated

from pydantic import Field, field_validator

from autograder.course.part import FROM_LIST, Part

HOURS = r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"


class Watch(Part):
    """When a hand-in is graded by itself.

    `hours` are by the hub's clock ("08:00-23:00"; may pass midnight), all day when None. Of a student's hand-ins of one day
    the first `per_day` are graded at once, later ones from the next day. `notebooks`: those that are graded so, all when None.
    `feedback`: whether it is released at once.
    """

    on: bool = False
    hours: Annotated[str, Field(pattern=HOURS)] | None = None
    per_day: Annotated[int, Field(ge=1, le=100)] = 10
    notebooks: Annotated[tuple[str, ...], Field(min_length=1), FROM_LIST] | None = None
    feedback: bool = True

    @field_validator("hours")
    @classmethod
    def _some_time(cls, value: str | None) -> str | None:
        if value is not None and value[:5] == value[6:]:
            raise ValueError(f"{value!r} is no time at all; leave the key out for all day")
        return value

    def is_open(self, moment: datetime) -> bool:
        """Whether anything is graded at a moment."""
        if self.hours is None:
            return True
        first, last = map(time.fromisoformat, self.hours.split("-"))
        now = moment.astimezone().time()
        return first <= now < last if first < last else now >= first or now < last

    def due(self, handed_in: datetime, number: int) -> datetime:
        """From when on a hand-in is graded; the time of handing in where that is at once.

        Args:
            number: of the student's hand-ins of that day; the first is 1.
        """
        if number <= self.per_day:
            return self._opening(handed_in)
        return self._opening(datetime.combine(day_of(handed_in) + timedelta(days=1), time()).astimezone())

    def _opening(self, moment: datetime) -> datetime:
        """The first time from a moment on that is within the hours."""
        if self.hours is None or self.is_open(moment):
            return moment
        first = time.fromisoformat(self.hours[:5])
        today = datetime.combine(day_of(moment), first).astimezone()
        return today if today > moment else datetime.combine(day_of(moment) + timedelta(days=1), first).astimezone()


def day_of(moment: datetime) -> date:
    """The day of a moment, by this machine's clock."""
    return moment.astimezone().date()
