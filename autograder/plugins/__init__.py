"""Where this kit meets nbgrader: its steps, Formgrader, the exchange, the exports.

The only folder that knows nbgrader's classes. Each module is a thin adapter: it takes what nbgrader has, calls the
layers below, and hands back what nbgrader wants. `settings` and `steps` put them into a course with one line of
`nbgrader_config.py`; assignments that are not ours are left to nbgrader as if this kit were not there.

Runs in: the process of the nbgrader command, or of Formgrader's server; `watch*` in one of their own; `exchange` in a student's
server too, when handing in.
Imports: every layer below; nbgrader, nbconvert, traitlets, tornado, SQLAlchemy.
Read by students: yes.
"""
