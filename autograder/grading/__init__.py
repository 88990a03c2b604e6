"""A run of grading, apart from nbgrader: what is executed, remembered, claimed, recorded, and said at the end.

`view` lists what a kernel finds in its folder, `executions` keeps what has been executed by all that it depends on,
`execution_pool` executes side by side, `kernel_facts` reads what a kernel leaves behind, `records` keeps verdicts and
overrides, `helpers` shares one host and one parent of kernels, `doctor` tries what protects the grader.

Runs in: the grader's process.
Imports: the layers below, among them `host/control` and `jail/provisioner`, which are the grader's ends of those
processes, and of `kernel/` the names under which evidence is published; nbclient, nbformat, SQLAlchemy. Not nbgrader.
Read by students: yes, the code. Gradebook, records and what is remembered are out of a kernel's sight.
"""
