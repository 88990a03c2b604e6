"""Right and wrong solutions with the verdicts that are due, and mutants, through the real path.

A mutant is the reference solution with one small mistake. `library` says what a solution is, `solutions` has a file
for each task, `mutants` makes the mistakes, `sharing` says which solutions may share a notebook, `hint_rules` what a
hint may not say, `run` grades them, and `findings` lists every verdict that is not what is due.

Runs in: a developer's or an instructor's process; the solutions in jailed kernels.
Imports: `autograder`, and of `trials` `demo`, `classes`, `models`.
Read by students: no.
"""
