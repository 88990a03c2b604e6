"""What a receipt promises: when the work is graded, why not now, and how the result is read."""

from __future__ import annotations

from datetime import datetime

import pytest

from autograder.course.profile import Language
from autograder.course.watch import Watch
from autograder.submissions.on_hand_in import promised
from autograder.words.tables import say

NOON = datetime.fromisoformat("2026-11-29 12:00").astimezone()
FETCH = "Press «Fetch Feedback» in the list of assignments to read the result. A person reads text answers, later."
PROMISED = [
    # what [watch] says, number of the day's hand-ins, what the receipt says
    ({}, 1, ["This hand-in is graded at once, usually within a minute.", FETCH]),
    ({"per_day": 2}, 2, ["This hand-in is graded at once, usually within a minute.", FETCH]),
    (
        {"per_day": 2},
        3,
        [
            "This is hand-in number 3 today, and the first 2 of each day are graded at once. This one was received and counts; "
            "it is graded from 2026-11-30 00:00.",
            FETCH,
        ],
    ),
    (
        {"hours": "14:00-20:00"},
        1,
        [
            "Hand-ins are graded automatically at 14:00–20:00. This one was received and counts; "
            "it is graded from 2026-11-29 14:00.",
            FETCH,
        ],
    ),
    (
        {"hours": "14:00-20:00", "per_day": 1},
        2,
        [
            "This is hand-in number 2 today, and the first 1 of each day are graded at once. This one was received and counts; "
            "it is graded from 2026-11-30 14:00.",
            FETCH,
        ],
    ),
    (
        {"notebooks": ("chatbot",), "feedback": False},
        1,
        [
            "This hand-in is graded at once, usually within a minute.",
            "That is for chatbot. The rest is graded later.",
            "You get the result when the course gives feedback.",
        ],
    ),
]


def told(watch: Watch | None, number: int, language: Language = "en") -> list[str]:
    return [say(each, language) for each in promised(watch, NOON, number)]


@pytest.mark.parametrize(("settings", "number", "said"), PROMISED)
def test_the_receipt_says_when_and_why(settings: dict[str, object], number: int, said: list[str]) -> None:
    assert told(Watch.model_validate({"on": True, **settings}), number) == said


def test_it_says_so_in_norwegian_too() -> None:
    assert told(Watch(on=True), 1, "nb")[0] == "Denne leveringen rettes med en gang, som regel innen et minutt."


@pytest.mark.parametrize("watch", [None, Watch()])
def test_nothing_is_promised_where_it_is_off(watch: Watch | None) -> None:
    assert told(watch, 1) == []
