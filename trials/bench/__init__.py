"""What grading a class costs, beside stock nbgrader in the same run: seconds, processor seconds, memory.

`students` makes a class from a seed, with the points that each is due; `run` grades it, `measure` counts, `kernels`
looks at one kernel alone, `floor` has `bare` make the class's answers in a loop of its own; `report` and `picture` show it.
`hog` has one honest notebook graded beside seven that ask for all they can, `cluster` a class on two workers and on one.
`scaling` takes thousands through a run in which nothing is executed (`stubbed`), `links` measures what Dask's encrypted links
cost, and `forecast` says from such figures how long larger classes would take. The commands end non-zero where a score is not
what is due, or a run gets dearer towards its end.

Runs in: a developer's process, which measures the processes that it starts.
Imports: `autograder`, and of `trials` `selftest` (right solutions), `demo`, `classes`; in `bare` torch and transformers.
Read by students: no.
"""
