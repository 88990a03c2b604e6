"""What grading a class costs, beside stock nbgrader in the same run: seconds, processor seconds, memory.

`students` makes a class from a seed, with the points that each is due; `run` grades it, `measure` counts, `kernels`
looks at one kernel alone, `floor` has `bare` make the class's answers in a loop of its own; `report` and `picture` show it.
`hog` has one honest notebook graded beside seven that ask for all they can, `cluster` a class on two workers and on one. The
commands end non-zero where a score is not what is due.

Runs in: a developer's process, which measures the processes that it starts.
Imports: `autograder`, and of `trials` `selftest` (right solutions), `demo`, `classes`; in `bare` torch and transformers.
Read by students: no.
"""
