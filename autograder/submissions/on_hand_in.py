"""What a receipt says of when the work is graded, where the course grades on hand-in. Pure functions."""

from __future__ import annotations

from datetime import datetime

from autograder.course.watch import Watch
from autograder.facts.verdict import Sentence
from autograder.submissions.hand_in import listed, when
from autograder.words.watch import PROMISE


def promised(watch: Watch | None, handed_in: datetime, number: int) -> list[Sentence]:
    """When the verdict is to be expected, and why not now. Nothing where hand-ins wait for a person.

    Args:
        number: of the student's hand-ins of that day; the first is 1.
    """
    if watch is None or not watch.on:
        return []
    due = watch.due(handed_in, number)
    if due == handed_in:
        said = [PROMISE["now"]]
    elif number > watch.per_day:
        said = [PROMISE["used-up"].fill(n=number, per_day=watch.per_day, when=when(due))]
    else:
        said = [PROMISE["closed"].fill(hours=str(watch.hours).replace("-", "–"), when=when(due))]
    said += [PROMISE["some"].fill(names=listed(watch.notebooks))] if watch.notebooks else []
    return [*said, PROMISE["fetch" if watch.feedback else "no-feedback"]]
