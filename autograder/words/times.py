"""Moments and lengths of time as a person reads them, in Norwegian (bokmål) and English."""

from __future__ import annotations

from datetime import datetime, timedelta

from autograder.facts.verdict import Sentence
from autograder.words.tables import Table, w

WEEKDAYS = (
    ("mandag", "Monday"), ("tirsdag", "Tuesday"), ("onsdag", "Wednesday"), ("torsdag", "Thursday"), ("fredag", "Friday"),
    ("lørdag", "Saturday"), ("søndag", "Sunday"),
)  # fmt: skip
MONTHS = (
    ("januar", "January"), ("februar", "February"), ("mars", "March"), ("april", "April"), ("mai", "May"), ("juni", "June"),
    ("juli", "July"), ("august", "August"), ("september", "September"), ("oktober", "October"), ("november", "November"),
    ("desember", "December"),
)  # fmt: skip

TIMES = Table("times", {
    "moment": w(
        "{weekday} {day}. {month} {year} kl. {hour}.{minute}", "{weekday} {day} {month} {year} at {hour}:{minute}"
    ),
    **{f"weekday-{number}": w(*names) for number, names in enumerate(WEEKDAYS, 1)},
    **{f"month-{number}": w(*names) for number, names in enumerate(MONTHS, 1)},
    "both": w("{larger} og {smaller}", "{larger} and {smaller}"),
    "day": w("{n} dager", "{n} days"),
    "day-1": w("{n} dag", "{n} day"),
    "hour": w("{n} timer", "{n} hours"),
    "hour-1": w("{n} time", "{n} hour"),
    "minute": w("{n} minutter", "{n} minutes"),
    "minute-1": w("{n} minutt", "{n} minute"),
    "instant": w("mindre enn ett minutt", "less than a minute"),
})  # fmt: skip


def moment(at: datetime) -> Sentence:
    """A moment to the minute, in the zone that it has: "Tuesday 1 December 2026 at 23:59"."""
    weekday, month = TIMES[f"weekday-{at.isoweekday()}"], TIMES[f"month-{at.month}"]
    clock = {"hour": f"{at:%H}", "minute": f"{at:%M}"}
    return TIMES["moment"].fill(weekday=weekday, day=at.day, month=month, year=at.year, **clock)


def span(length: timedelta) -> Sentence:
    """A length of time, rounded down, in its largest unit and the one below: "2 days and 3 hours"."""
    minutes = int(length.total_seconds() // 60)
    counts = {"day": minutes // 1440, "hour": minutes // 60 % 24, "minute": minutes % 60}
    units = list(counts)
    first = next((place for place, unit in enumerate(units) if counts[unit]), None)
    if first is None:
        return TIMES["instant"]
    parts = [_counted(unit, counts[unit]) for unit in units[first : first + 2] if counts[unit]]
    return TIMES["both"].fill(larger=parts[0], smaller=parts[1]) if len(parts) == 2 else parts[0]


def _counted(unit: str, n: int) -> Sentence:
    return TIMES[f"{unit}-1" if n == 1 else unit].fill(n=n)
