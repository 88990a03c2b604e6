"""What is said of when something was handed in."""

from __future__ import annotations

from datetime import datetime

import pytest

from autograder.course.deadline import Deadline, HandInTime
from autograder.submissions.hand_in import in_words, receipt
from autograder.words.tables import say

DUE = datetime.fromisoformat("2026-12-01 23:59+01:00")
UNTIL = datetime.fromisoformat("2026-12-08 12:00+01:00")
SAID = [
    # handed in, whether there is an extension, in Norwegian, in English
    (
        "2026-12-01 22:30Z", False, "Levert tirsdag 1. desember 2026 kl. 23.30. Fristen var tirsdag 1. desember 2026 kl. 23.59.",
        "Handed in Tuesday 1 December 2026 at 23:30. The deadline was Tuesday 1 December 2026 at 23:59.",
    ),
    (
        "2026-12-02 01:00Z", False,
        "Levert onsdag 2. desember 2026 kl. 02.00, 2 timer og 1 minutt etter fristen tirsdag 1. desember 2026 kl. 23.59.",
        "Handed in Wednesday 2 December 2026 at 02:00, 2 hours and 1 minute after the deadline Tuesday 1 December 2026 at 23:59.",
    ),
    (
        "2026-12-02 01:00Z", True,
        "Levert onsdag 2. desember 2026 kl. 02.00, innen utsatt frist tirsdag 8. desember 2026 kl. 12.00. "
        "Fristen for alle var tirsdag 1. desember 2026 kl. 23.59.",
        "Handed in Wednesday 2 December 2026 at 02:00, within the extended deadline Tuesday 8 December 2026 at 12:00. "
        "Everybody's deadline was Tuesday 1 December 2026 at 23:59.",
    ),
    (
        "2026-12-08 11:05Z", True,
        "Levert tirsdag 8. desember 2026 kl. 12.05, 5 minutter etter utsatt frist tirsdag 8. desember 2026 kl. 12.00. "
        "Fristen for alle var tirsdag 1. desember 2026 kl. 23.59.",
        "Handed in Tuesday 8 December 2026 at 12:05, 5 minutes after the extended deadline Tuesday 8 December 2026 at 12:00. "
        "Everybody's deadline was Tuesday 1 December 2026 at 23:59.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("at", "extended", "nb", "en"), SAID)
def test_when_it_was_handed_in_is_held_against_the_students_deadline(at: str, extended: bool, nb: str, en: str) -> None:
    found = in_words(HandInTime(datetime.fromisoformat(at), Deadline(DUE, UNTIL if extended else None)))
    assert (say(found, "nb"), say(found, "en")) == (nb, en)


DEADLINE = [
    (Deadline(DUE), "2026-12-01 22:30Z", True, "Levert 2026-12-01 23:30"),
    (Deadline(DUE), "2026-12-01 22:59:01Z", False, "Levert 2026-12-01 23:59"),
    (None, "2026-12-01 22:30Z", False, "Levert 2026-12-0"),
]


@pytest.mark.parametrize(("deadline", "at", "told", "begins"), DEADLINE)
def test_a_receipt_tells_the_deadline_until_it_has_passed(deadline: Deadline, at: str, told: bool, begins: str) -> None:
    text = receipt("chatbot", datetime.fromisoformat(at), deadline, {}, [], "nb")
    assert text.startswith(begins)
    assert ("Fristen er tirsdag 1. desember 2026 kl. 23.59." in text) == told
