"""Kernels for strangers' code: forked from a parent that has the imports done, each into a jail of its own.

`parent` is that process, `kernels` the grader's end of it, `provisioner` how jupyter_client gets a kernel from it, `jail`
the way in: namespaces, a root with nothing in it but what a kernel may see (`paths` lists it), limits, a filter of system
calls. `messages` checks what a kernel says before anything of the grader's hears it. It knows nothing of tasks, models or
points: it would jail any notebook. Linux only.

Runs in: the parent of kernels and the monitor of each; `kernels`, `provisioner` and `messages` in the grader's process. Not in a
kernel: the jail is entered before a line of the student's code runs.
Imports: `system` alone of this package; jupyter_client, pyzmq, pyseccomp. The parent imports by name what kernels
need, and has done ahead what each of them else would do.
Read by students: yes. That it holds does not rest on being unknown.
"""
