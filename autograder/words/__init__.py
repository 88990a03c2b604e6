"""Sentences in Norwegian (bokmål) and English, by who reads them, and how verdicts and texts are shown.

`tables.py` has the mechanism; `checks.py`, `hints.py`, `grading.py`, `hand_in.py`, `pages.py`, `marking.py`, `report.py`,
`watch.py` and `times.py` are tables; `render.py` makes a verdict into a text or a panel; `masking.py` takes homes and names out
of a traceback; `terminal.py` writes lines of which a terminal obeys nothing. `render.py` is here and not in `pages/`: kernels
show verdicts too.

Runs in: a student's session (what a check says), and the grader's process (pages, lists, logs).
Imports: `errors`, `course`, `facts`; `terminal.py` alone needs rich and tornado, and no kernel imports it.
Read by students: yes. A hint shows no solution, so a list of hints shows none either.

Importing anything from here makes every table known, so that a sentence on record always finds its words.
"""

from autograder.words import checks, grading, hand_in, hints, marking, pages, report, times

__all__ = ["checks", "grading", "hand_in", "hints", "marking", "pages", "report", "times"]
