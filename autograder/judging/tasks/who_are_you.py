"""`who-are-you`: the chatbot is asked the first question."""

from __future__ import annotations

from autograder.judging.tasks.families import first_answer

TASK = first_answer("who-are-you", "chain", "result", builds_on=("load-model", "limit-output", "prompt", "chain"))
