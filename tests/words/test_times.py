"""Moments and lengths of time, as they are read."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from autograder.words.tables import say
from autograder.words.times import moment, span

MOMENTS = [
    ("2026-12-01 23:59+01:00", "tirsdag 1. desember 2026 kl. 23.59", "Tuesday 1 December 2026 at 23:59"),
    ("2027-01-03 00:00+01:00", "søndag 3. januar 2027 kl. 00.00", "Sunday 3 January 2027 at 00:00"),
    ("2028-02-29 08:05+01:00", "tirsdag 29. februar 2028 kl. 08.05", "Tuesday 29 February 2028 at 08:05"),
]


@pytest.mark.parametrize(("at", "nb", "en"), MOMENTS)
def test_a_moment_is_told_with_weekday_date_and_time(at: str, nb: str, en: str) -> None:
    found = moment(datetime.fromisoformat(at))
    assert (say(found, "nb"), say(found, "en")) == (nb, en)


SPANS = [
    (timedelta(), "mindre enn ett minutt", "less than a minute"),
    (timedelta(seconds=59.9), "mindre enn ett minutt", "less than a minute"),
    (timedelta(minutes=1), "1 minutt", "1 minute"),
    (timedelta(minutes=59, seconds=59), "59 minutter", "59 minutes"),
    (timedelta(hours=1), "1 time", "1 hour"),
    (timedelta(hours=2, minutes=1), "2 timer og 1 minutt", "2 hours and 1 minute"),
    (timedelta(days=1, minutes=59), "1 dag", "1 day"),
    (timedelta(days=2, hours=3, minutes=4), "2 dager og 3 timer", "2 days and 3 hours"),
    (timedelta(days=400), "400 dager", "400 days"),
]


@pytest.mark.parametrize(("length", "nb", "en"), SPANS)
def test_a_length_of_time_is_told_in_its_two_largest_units(length: timedelta, nb: str, en: str) -> None:
    assert (say(span(length), "nb"), say(span(length), "en")) == (nb, en)
