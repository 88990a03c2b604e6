"""`memory`: why the chatbot does not remember, in the student's own words."""

from __future__ import annotations

from autograder.judging.tasks.families import written

TASK = written("memory", "ideal-boat", "chatbot")
