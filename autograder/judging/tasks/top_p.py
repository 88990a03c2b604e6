"""`top_p`: the chatbot draws from the likeliest tokens alone; a task for each of `generation.top_p`."""

from __future__ import annotations

from autograder.course.profile import Values
from autograder.judging.tasks.families import values_of_a_setting

TASK = values_of_a_setting("top_p", "compare-temperature", Values("top_p", "top_p", most=1.0), ending="p{n}")
