"""`instruct-small`: the chatbot on the instruct model."""

from __future__ import annotations

from autograder.judging.tasks.families import PROMPT_AGAIN, other_model

TASK = other_model("instruct-small", "memory", "small", builds_on=(PROMPT_AGAIN,))
