"""A stranger's folder, read without harm: any file, any size, any name, links and devices among them.

`safe_copy` copies without following anything, `repair_read` and `repair_json` make a notebook out of whatever a file
holds, `repair` puts back what the release needs of it, `repair_files` says which files are set aside, `hand_in` what
a student is told when handing in; `cells` reads nbgrader's marks, for every folder above. What was repaired is plain
data, told to the student and never charged. Nothing here executes anything.

Runs in: the grader's process, and a student's when handing in.
Imports: `errors`, `course`, `facts`, `words`, the list of tasks in `judging`; nbformat, pydantic.
Read by students: yes.
"""
