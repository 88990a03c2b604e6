"""The report on a class, for the course team: scores, mistakes, what needs a person, what it cost.

`numbers` counts what stands in records (pure), `sentences` puts it in words, `pictures` draws it, `page` writes the
page. Students are numbers unless names are asked for. Where records and gradebook come from is `plugins/report`'s
business.

Runs in: the grader's process, for `autograder report`.
Imports: the layers below and what stands before it here; matplotlib, jinja2.
Read by students: yes, the code. The page is the course team's.
"""
