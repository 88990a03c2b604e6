"""Attacks on the grader, as tables, each beside an honest student with much the same code who must keep every point.

`attack` says what an attack is; `tables` are the attacks, by what is tried; `honest` the neighbours; `hand_in` says who
shares a notebook. `run` has a class of them (`classroom`) graded with this kit, `stock` with nbgrader alone in a
`sandbox`; `outcome` says what came of each, and `report` writes the table in `docs/security.md`.

Runs in: a developer's process; the attacks themselves in jailed kernels, or in the sandbox.
Imports: `autograder`, and of `trials` `bench`, `selftest`, `demo`, `classes`.
Read by students: no.
"""
