"""A student's deadline, in the course's own time: on machines in several zones, and over a change of the clocks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from autograder.course.deadline import Deadline, HandInTime

OSLO = "CET-1CEST,M3.5.0,M10.5.0/3"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is in the zone that is asked for."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


TOLD = [
    # the machine's zone, the deadline as written, a moment, what a clock in the course shows then
    (OSLO, "2026-10-20 23:59+02:00", "2026-10-20 21:30Z", "2026-10-20 23:30"),
    (OSLO, "2026-10-20 23:59+02:00", "2026-10-27 22:30Z", "2026-10-27 23:30"),  # the clocks have been put back
    (OSLO, "2026-03-27 12:00+01:00", "2026-03-30 09:30Z", "2026-03-30 11:30"),  # and forward
    (OSLO, "2026-10-25 02:30+02:00", "2026-10-25 00:45Z", "2026-10-25 02:45"),  # the hour that comes twice
    ("UTC0", "2026-12-01 23:59+01:00", "2026-12-01 22:30Z", "2026-12-01 23:30"),  # a server that keeps UTC
    ("UTC0", "2026-12-01T23:59:00Z", "2026-12-01 22:30Z", "2026-12-01 22:30"),
    ("EST5", "2026-12-01 23:59+01:00", "2026-12-02 04:00Z", "2026-12-02 05:00"),
    (OSLO, "2026-12-01 23:59-03:30", "2026-12-02 04:00Z", "2026-12-02 00:30"),
]


@pytest.mark.parametrize(("machine", "due", "moment", "shown"), TOLD, indirect=["machine"])
@pytest.mark.usefixtures("machine")
def test_a_moment_is_told_as_a_clock_in_the_course_shows_it(due: str, moment: str, shown: str) -> None:
    assert f"{Deadline(at(due)).told(at(moment)):%Y-%m-%d %H:%M}" == shown


DUE, UNTIL = "2026-12-01 23:59+01:00", "2026-12-08 23:59+01:00"
LATE = [
    # handed in, extension, seconds after everybody's deadline, seconds after the student's own
    ("2026-12-01 22:59:00Z", None, 0, 0),
    ("2026-12-01 22:59:01Z", None, 1, 1),
    ("2026-11-01 12:00:00Z", UNTIL, 0, 0),
    ("2026-12-08 22:59:00Z", UNTIL, 7 * 86400, 0),
    ("2026-12-08 23:00:00Z", UNTIL, 7 * 86400 + 60, 60),
    ("2026-12-01 22:59:01Z", "2026-11-30 12:00+01:00", 1, 1),  # the deadline has been moved beyond the extension
]


@pytest.mark.parametrize(("moment", "until", "after_due", "late"), LATE)
def test_how_late_it_is_follows_from_the_students_own_deadline(
    moment: str, until: str | None, after_due: int, late: int
) -> None:
    found = HandInTime(at(moment).astimezone(UTC), Deadline(at(DUE), at(until) if until else None))
    assert (found.after_due, found.late) == (timedelta(seconds=after_due), timedelta(seconds=late))
