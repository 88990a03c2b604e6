"""What people read in a browser: the feedback page, what stands beside an answer when a person marks it, the report.

Functions from records and notebooks to HTML. Whatever a student wrote goes through `sanitize`, which lets nothing
live through: no script, no frame, no form, no foreign image. Nothing here opens the gradebook or knows nbgrader's
classes.

Runs in: the grader's process, and Formgrader's server.
Imports: the layers below; jinja2, justhtml, nbconvert, nbformat, pygments.
Read by students: yes, the code. A student gets the own feedback page; marking and report are the course team's.
"""
