"""When a hand-in is graded by itself: hours, the number a day, the change of the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from autograder.course.watch import Watch


@pytest.fixture(autouse=True)
def oslo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The hub's clock, whatever this machine's is."""
    monkeypatch.setenv("TZ", "Europe/Oslo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> datetime:
    """A moment by the hub's clock."""
    return datetime.fromisoformat(text).astimezone(UTC)


DAY, NIGHT = "08:00-23:00", "22:00-02:00"
DUE = [
    # hours, number of that day's hand-ins, handed in, graded from
    (None, 1, "2026-11-29 03:00", "2026-11-29 03:00"),
    (None, 4, "2026-11-29 03:00", "2026-11-30 00:00"),
    (DAY, 1, "2026-11-29 08:00", "2026-11-29 08:00"),
    (DAY, 3, "2026-11-29 22:59", "2026-11-29 22:59"),
    (DAY, 1, "2026-11-29 07:59", "2026-11-29 08:00"),
    (DAY, 1, "2026-11-29 23:00", "2026-11-30 08:00"),
    (DAY, 4, "2026-11-29 12:00", "2026-11-30 08:00"),
    (DAY, 4, "2026-12-31 23:30", "2027-01-01 08:00"),
    (NIGHT, 1, "2026-11-29 23:00", "2026-11-29 23:00"),
    (NIGHT, 1, "2026-11-30 01:59", "2026-11-30 01:59"),
    (NIGHT, 1, "2026-11-30 02:00", "2026-11-30 22:00"),
    (NIGHT, 4, "2026-11-29 23:00", "2026-11-30 00:00"),
    # the clock is changed on 25 October: the morning comes an hour later than a day of 24 would have it
    (DAY, 1, "2026-10-24 23:30", "2026-10-25 08:00"),
]


@pytest.mark.parametrize(("hours", "number", "handed_in", "due"), DUE)
def test_a_hand_in_is_due_within_the_hours_and_the_days_number(
    hours: str | None, number: int, handed_in: str, due: str
) -> None:
    watch = Watch(on=True, hours=hours, per_day=3)
    assert watch.due(at(handed_in), number) == at(due)


@pytest.mark.parametrize(("hours", "number", "handed_in", "due"), DUE)
def test_it_is_open_when_a_hand_in_is_due(hours: str | None, number: int, handed_in: str, due: str) -> None:
    assert Watch(on=True, hours=hours, per_day=3).is_open(at(due))


def test_it_is_closed_outside_the_hours() -> None:
    assert not Watch(on=True, hours=DAY).is_open(at("2026-11-29 23:00"))
    assert not Watch(on=True, hours=NIGHT).is_open(at("2026-11-29 12:00"))
