"""`compare-large`: what size does to the answers, in the student's own words."""

from __future__ import annotations

from autograder.judging.tasks.families import written

TASK = written("compare-large", "instruct-large", "larger-model")
