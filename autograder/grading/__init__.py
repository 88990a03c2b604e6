"""A run of grading, apart from nbgrader: what is executed, remembered, claimed, recorded, and said at the end.

`notebook_run` is one run of one notebook in a kernel, `notebook_runs` where it is run, `executor` all those of a run, each code
once, `execution_pool` runs them side by side. `view` lists what a kernel finds in its folder, `executions` keeps what has been
executed by all that it depends on, `kernel_facts` reads what a kernel leaves behind. `notebook_grading` is a notebook between
being executed and being shown, `outputs` what it then shows, `records` keeps verdicts and overrides. `host_and_kernels` starts
one host and one parent of kernels for all, `early_start` begins both before anything asks for them, `released` reads what an
assignment was released with, `progress` says how far a run is, `doctor` tries what protects the grader.

Runs in: the grader's process.
Imports: the layers below, among them `host/control` and `jail/kernels`, which are the grader's ends of those
processes, and of `kernel/` the names under which evidence is published; nbclient, nbformat, SQLAlchemy. Not nbgrader.
Read by students: yes, the code. Gradebook, records and what is remembered are out of a kernel's sight.
"""
