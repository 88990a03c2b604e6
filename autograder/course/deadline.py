"""When work is due, for everybody and for one student, and when it was handed in. Pure.

A course writes its deadline with an offset from UTC. Times are told as clocks in the course show them (`course_zone`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo


def course_zone(written: datetime | None) -> tzinfo | None:
    """The zone in which a course tells times, for `datetime.astimezone`.

    This machine's (None), so that daylight saving is right, where it agrees with the deadline as written; else the offset that
    is written there: many servers keep UTC.
    """
    if written is None or written.astimezone().utcoffset() == written.utcoffset():
        return None
    return written.tzinfo


@dataclass(frozen=True)
class Deadline:
    """A student's deadline; both moments know their offset from UTC.

    Attributes:
        due: everybody's, in the course's zone.
        extended: until when this student has been given time; None for most.
    """

    due: datetime
    extended: datetime | None = None

    @property
    def last(self) -> datetime:
        """Until when the student may hand in without being late."""
        return max(self.due, self.extended) if self.extended else self.due

    def told(self, moment: datetime) -> datetime:
        """Any moment in the course's zone."""
        return moment.astimezone(course_zone(self.due))


@dataclass(frozen=True)
class HandInTime:
    """When a student handed in, and when that was due."""

    at: datetime
    deadline: Deadline

    @property
    def after_due(self) -> timedelta:
        """How long after everybody's deadline; nothing where it was in time."""
        return max(self.at - self.deadline.due, timedelta())

    @property
    def late(self) -> timedelta:
        """How long after the student's own deadline; nothing where it was in time."""
        return max(self.at - self.deadline.last, timedelta())
