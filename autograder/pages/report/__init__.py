"""The report on a class, for the course team: scores, mistakes, what needs a person, what it cost.

`numbers` counts what stands in records (pure): `works` is a student's, `scores` what was earned, `findings` what went wrong,
`requests` what was asked. `pictures` draws it, `page` puts it in words. Students are numbers unless names are asked for.
`plugins/report` reads the records and the gradebook.

Runs in: the grader's process, for `autograder report`.
Imports: the layers below and what stands before it here; matplotlib, jinja2.
Read by students: yes, the code. The page is the course team's.
"""
