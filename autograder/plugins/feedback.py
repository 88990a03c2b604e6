"""What `nbgrader generate_feedback` writes for an assignment of ours: a page that a student understands in a minute.

An assignment that is not ours gets nbgrader's own page, from nbgrader's own steps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from jinja2 import FileSystemLoader
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.grading.records import Records, with_overrides
from autograder.pages.feedback import NotebookScore, page_of
from autograder.plugins.course import (
    Resources,
    course_root,
    coursedir_of,
    frozen_path,
    frozen_profile,
    released_profile,
)
from autograder.plugins.deadlines import time_of
from autograder.plugins.scores import grades_of

TEMPLATE = Path(__file__).parents[1] / "templates" / "feedback_page.html.j2"


class FeedbackPage(NbGraderPreprocessor):  # type: ignore[misc]
    """Puts the page into `resources["feedback"]`: points and comments as they stand now, overrides included.

    Comes after nbgrader's GetGrades, which puts comments into the cells and the sum into the resources.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        profile = frozen_profile(self, resources)
        if profile is None:
            return nb, resources
        names = resources["nbgrader"]
        assignment, student, notebook = names["assignment"], names["student"], names["notebook"]
        records = Records(course_root(self), assignment)
        record, overrides = records.read(student, notebook), records.overrides(student)
        verdicts = {v.check_id: with_overrides(v, overrides) for v in record.verdicts} if record else {}
        path = frozen_path(coursedir_of(self), assignment).with_name(f"{notebook}.ipynb")
        released = nbformat.read(path, as_version=4) if path.exists() else None
        grades = grades_of(names)
        time = time_of(coursedir_of(self), assignment, student, profile)
        whole = NotebookScore(
            student=student, assignment=assignment, notebook=notebook,
            score=names["score"], points=names["max_score"], late_penalty=names["late_penalty"],
            time=time,
        )  # fmt: skip
        resources["feedback"] = page_of(nb, released, grades, verdicts, whole, profile.course.language)
        return nb, resources


class FeedbackExporter(HTMLExporter):  # type: ignore[misc]
    """nbgrader's exporter of feedback, with a template of our own for assignments of ours."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, extra_loaders=[FileSystemLoader(TEMPLATE.parent)], **kwargs)
        self._nbgraders: str = self.template_file

    def from_notebook_node(
        self, nb: NotebookNode, resources: Resources | None = None, **kwargs: Any
    ) -> tuple[str, Resources]:
        assignment = (resources or {})["nbgrader"]["assignment"]
        ours = released_profile(self.parent.coursedir, assignment) is not None
        self.template_file = TEMPLATE.name if ours else self._nbgraders
        found: tuple[str, Resources] = super().from_notebook_node(nb, resources, **kwargs)
        return found
