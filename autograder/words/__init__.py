"""What people read: sentences that several parts share, in two languages, and how they are written out safely.

`sentences` has them by key, `render` makes text and HTML of a verdict, `masking` takes homes and names out of a
traceback, `terminal` writes lines in which nothing is obeyed. `render` is here and not in `pages/` because a kernel
shows verdicts too.

Runs in: a student's session (what a check says), and the grader's process (pages, lists, logs).
Imports: `errors`, `course`, `facts`; `terminal` alone needs rich and tornado, and no kernel imports it.
Read by students: yes. A hint shows no solution, so a list of hints shows none either.
"""
