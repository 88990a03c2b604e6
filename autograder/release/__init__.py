"""From source notebooks to what is handed out: values filled in, one language, no solutions, the contract checked.

The source is read and never run. What a release must have for grading to work (ids, flags, points, each check's own
call) is checked while it is made, with errors that name the notebook and the cell.

Runs in: the instructor's process, under `nbgrader generate_assignment`.
Imports: `errors`, `course`, `words`, `judging`; jinja2, nbformat.
Read by students: yes, the code. `source/`, which holds solutions and rubrics, is never handed out.
"""
