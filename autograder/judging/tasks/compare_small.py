"""`compare-small`: what the instruct model does otherwise, in the student's own words."""

from __future__ import annotations

from autograder.judging.tasks.families import written

TASK = written("compare-small", "instruct-small", "larger-model")
