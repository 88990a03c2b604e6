"""`instruct-large`: the chatbot on the large instruct model."""

from __future__ import annotations

from autograder.judging.tasks.families import PROMPT_AGAIN, other_model

TASK = other_model("instruct-large", "compare-small", "large", builds_on=("instruct-small", PROMPT_AGAIN))
