"""Attacks on the grader, as tables, each beside an honest student with much the same code who must keep every point.

`attack` says what an attack is; `forge`, `messages`, `reach`, `harm` and `show` are the tables, by what is tried;
`honest` the neighbours. `run` grades them with this kit, `stock` with nbgrader alone in a `sandbox`, and `report`
writes the table in `docs/security.md`.

Runs in: a developer's process; the attacks themselves in jailed kernels, or in the sandbox.
Imports: `autograder`, and of `trials` `bench`, `selftest`, `demo`, `classes`.
Read by students: no.
"""
