"""What is tried on the product: solutions, attacks, benchmarks, models for tests.

`python -m trials COMMAND`, in a checkout. Outside the package, so that the wheel, the hub and every kernel hold none
of it, and so that a change here leaves what grading remembers as it is. `classes` makes submissions out of a release,
`demo` takes six made-up students through all of nbgrader's steps.

Runs in: a developer's process, which starts the real commands in scratch courses.
Imports: `autograder`, which never imports it; the `[trials]` extra.
Read by students: no. It is in no wheel and in no jail; `tests/test_wheel.py` and `tests/jail/test_jail.py` look.
"""
