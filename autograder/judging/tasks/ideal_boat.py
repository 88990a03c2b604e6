"""`ideal-boat`: the chatbot is asked the second question."""

from __future__ import annotations

from autograder.judging.tasks import who_are_you
from autograder.judging.tasks.families import first_answer

FIRST = who_are_you.TASK
TASK = first_answer("ideal-boat", FIRST.id, "boat", builds_on=(*FIRST.builds_on, FIRST.id))
