"""Formgrader's page of a submission, for the person who marks it: see also `formgrader_files.py`.

`ShowForMarking` is a preprocessor of the exporter that Formgrader renders a submission with; what it makes is put beside
the cells by `templates/formgrade_marking.html.j2`, which extends nbgrader's own template. The autograded notebook stays
as it is. `Decide` keeps a person's decision about a criterion. Both leave assignments without a frozen profile alone.

Formgrader offers no place for pages of others, so `install` puts ours first among its own (`handlers.default_handlers`):
the settings of a course are read before Formgrader takes them from there.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.api import MissingEntry
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader import apihandlers, handlers
from nbgrader.server_extensions.formgrader.base import BaseApiHandler, BaseHandler, check_notebook_dir, check_xsrf
from sqlalchemy.exc import OperationalError
from tornado import web
from traitlets import Bool

from autograder.course.deadline import HandInTime
from autograder.course.profile import Profile
from autograder.errors import AutograderError, Damaged, NotReady
from autograder.facts.verdict import Sentence, Verdict
from autograder.grading import being_marked
from autograder.grading.records import Decision, Records, with_overrides
from autograder.judging.contract import ASSIGNMENT
from autograder.pages.marking import (
    MAX_CELLS,
    Rubric,
    cells_of,
    mask_cell,
    mask_verdict,
    number_in,
    part_of,
    refused,
    rubric_of,
)
from autograder.pages.marking_page import Pieces
from autograder.pages.shown import as_shown
from autograder.pages.templates import TEMPLATES
from autograder.plugins.course import (
    Resources,
    frozen_path,
    released_notebooks,
    released_profile,
)
from autograder.plugins.deadlines import time_of
from autograder.plugins.formgrader_files import INSTEAD, folder_of
from autograder.plugins.scores import overrule
from autograder.plugins.watch_page import watch_page
from autograder.release import authoring
from autograder.submissions.cells import check_cells, is_answer, marks_of
from autograder.submissions.submission import Submission
from autograder.words.marking import MARKING
from autograder.words.masking import masked
from autograder.words.render import as_html, number
from autograder.words.tables import say

TEMPLATE = TEMPLATES / "formgrade_marking.html.j2"
STATIC = Path(__file__).parents[1] / "static"
Mask = Callable[[str], str]


class ShowForMarking(Preprocessor):  # type: ignore[misc]
    """Puts beside each answer what it is about, and beside each check its verdict as it stands now.

    Of whatever a page of nbgrader's shows, ours or not, it makes what can be shown (`pages/shown.py`).
    """

    enabled = Bool(True).tag(config=True)
    hide_names = Bool(
        False, help="Whether the list of submissions and the page of one leave out who handed in."
    ).tag(config=True)  # fmt: skip

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        if "submission_id" not in resources:  # a feedback page
            return (nb if "feedback" in resources else as_shown(nb, "en")), resources
        nb, resources = self._with_marking(nb, resources)
        for name in ("student", "first_name", "last_name", "notebook_path"):
            resources[name] = escape(str(resources.get(name) or ""))  # nbgrader's template writes them as they are
        return nb, resources

    def _with_marking(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        coursedir = CourseDirectory(parent=self)
        assignment, student = resources["assignment_id"], resources["student"]
        folder = folder_of(coursedir, coursedir.autograded_directory, student, assignment)
        profile = released_profile(coursedir, assignment)
        nb = as_shown(nb, profile.course.language if profile else "en")
        if profile is None or Path(resources["metadata"]["path"]).resolve() != folder:
            return nb, resources
        being_marked.note(Path(coursedir.root), assignment, student)
        page = _Page(coursedir, profile, resources, partial(masked, names=_names(resources)))
        resources["marking"] = {**page.beside(nb), "nameless": self.hide_names}
        if self.hide_names:
            resources.update(student="", first_name="", last_name="", notebook_path="")
        return nb, resources


def _names(resources: Resources) -> list[str]:
    """What tells who handed in: the account, and the whole name where it is known. (Parts of a name are often words.)"""
    first, last = resources.get("first_name"), resources.get("last_name")
    return [resources["student"], *([f"{first} {last}"] if first and last else [])]


class _Page:
    """One submitted notebook, as it is marked.

    Args:
        resources: as Formgrader gives them to its exporter.
    """

    def __init__(self, coursedir: CourseDirectory, profile: Profile, resources: Resources, mask: Mask) -> None:
        self._coursedir, self._profile, self._mask = coursedir, profile, mask
        self._assignment, self._student = resources["assignment_id"], resources["student"]
        self._notebook, self._pieces = resources["notebook_id"], Pieces(profile.course.language)
        self._url = f"{resources['base_url']}/formgrader/api/submitted_notebook/{resources['submission_id']}/override"

    def beside(self, nb: NotebookNode) -> dict[str, Any]:
        """Masks the notebook, in place, takes the verdicts out of its checks, and gives what stands at its cells' ids."""
        before, after, pieces = {}, {}, self._pieces
        verdicts, problem = self._verdicts()
        checks = {task.check_id: cell for cell, task in check_cells(nb, self._profile)}
        for check_id, cell in checks.items():
            if check_id in verdicts:
                cell.outputs = []
                after[cell.id] = pieces.check(verdicts[check_id])
        answers = [cell for cell in nb.cells if cell.cell_type == "markdown" and is_answer(cell)]
        handed_in = self._handed_in() if answers else {}
        for cell in nb.cells:
            mask_cell(cell, self._mask)
        released = nbformat.read(self._released, as_version=4) if answers else None
        rubrics = self._rubrics() if answers else {}
        for cell in answers:
            answer = marks_of(cell)["grade_id"]
            part = part_of(released, answer)
            cells = list(cells_of(nb, part, answer))
            shown = [pieces.beside(n, one, handed_in or {}) for n, one in cells[:MAX_CELLS]]
            before[cell.id] = pieces.answer(
                [pair for pair in shown if pair is not None],
                handed_in is not None,
                [verdicts[name] for name in part if name in verdicts],
                rubrics.get(answer),
                more=len(cells) > MAX_CELLS,
            )
        judged = [verdicts[name] for name in checks if name in verdicts]
        head = pieces.head(judged, self._time(), problem, self._url)
        return {"head": head, "before": before, "after": after}

    @property
    def _released(self) -> Path:
        return frozen_path(self._coursedir, self._assignment).parent / f"{self._notebook}.ipynb"

    def _time(self) -> HandInTime | None:
        """When it was handed in; None where that, or a deadline, is not known."""
        with suppress(Damaged):  # collecting and grading tell
            return time_of(self._coursedir, self._assignment, self._student, self._profile)
        return None

    def _verdicts(self) -> tuple[dict[str, Verdict], str]:
        """By check id, as they stand now; and why there are none, where there should be."""
        records = Records(Path(self._coursedir.root), self._assignment)
        try:
            record = records.read(self._student, self._notebook)
            overrides = records.overrides(self._student)
        except Damaged as error:
            return {}, self._mask(str(error))
        found = record.verdicts if record else ()
        return {v.check_id: mask_verdict(with_overrides(v, overrides), self._mask) for v in found}, ""

    def _handed_in(self) -> dict[str, NotebookNode] | None:
        """The code cells as they were handed in, masked, by id; None where nothing can be read."""
        folder = folder_of(self._coursedir, self._coursedir.submitted_directory, self._student, self._assignment)
        released = released_notebooks(self._coursedir, self._assignment)
        try:
            seen = Submission.seen(folder, released, int(self._profile.limits.disk_gb * 10**9))
            nb, mended = seen.notebook(self._notebook, released[self._notebook])
        except (OSError, KeyError):
            return None
        if mended.unreadable is not None:
            return None
        for cell in nb.cells:
            mask_cell(cell, self._mask)
        return {cell.id: cell for cell in nb.cells if cell.cell_type == "code"}

    def _rubrics(self) -> dict[str, Rubric]:
        """By grade id, from the source notebook as it is today; none where there is none that fits the release."""
        folder = folder_of(self._coursedir, self._coursedir.source_directory, ".", self._assignment)
        try:
            nb = nbformat.read(folder / f"{self._notebook}.ipynb", as_version=4)
            nb.cells = [
                cell for cell in nb.cells if is_answer(cell)
            ]  # other cells may need what a release does not tell
            nb = authoring.select_language(authoring.fill(nb, self._profile), self._profile.course.language)
        except (OSError, ValueError, AutograderError):
            return {}
        return {marks_of(cell)["grade_id"]: rubric_of(cell.source) for cell in nb.cells}


class Decide(BaseApiHandler):  # type: ignore[misc]
    """A person's decision about one criterion, as the page's forms send it; returns JSON, with a sentence to show."""

    @web.authenticated
    @check_xsrf  # type: ignore[untyped-decorator]
    @check_notebook_dir  # type: ignore[untyped-decorator]
    def post(self, submission_id: str) -> None:
        try:
            submission = self.gradebook.find_submission_notebook_by_id(submission_id)
        except MissingEntry:
            raise web.HTTPError(404) from None
        assignment, student = submission.assignment.assignment.name, submission.student
        profile = released_profile(self.coursedir, assignment)
        if profile is None or assignment != ASSIGNMENT:
            raise web.HTTPError(404)
        body = self.get_json_body()
        body = body if isinstance(body, dict) else {}
        check_id, criterion, reason = body.get("check"), body.get("criterion"), body.get("reason")
        points, root = number_in(body.get("points")), Path(self.coursedir.root)
        being_marked.note(root, assignment, student.id)
        try:
            record = Records(root, assignment).read(student.id, submission.notebook.name)
            verdict = record.verdict(str(check_id)) if record else None
            wrong = refused(verdict, criterion, points, reason, profile.course.language)
            if wrong is not None:
                self._say(400, wrong, profile)
                return
            decision = Decision(
                student=student.id, check_id=str(check_id), criterion=str(criterion), points=points or 0.0,
                reason=str(reason).strip(), by=self._person(),
            )  # fmt: skip
            decided = overrule(root, decision, self.gradebook)
            grade = self.gradebook.find_grade(check_id, submission.notebook.name, assignment, student.id)
        except (NotReady, MissingEntry) as error:
            self.log.error("%s", error)
            self._say(404, MARKING["no-verdict"], profile)
            return
        except OperationalError as error:
            self.gradebook.db.rollback()
            self.log.error("%s", error)
            self._say(503, MARKING["busy"], profile)
            return
        language, manual = profile.course.language, grade.manual_score
        saved = MARKING["saved" if manual is None else "saved-under-manual"].fill(
            earned=number(decided.score or 0, language),
            points=number(decided.points, language),
            manual="" if manual is None else number(manual, language),
        )
        names = {"student": student.id, "first_name": student.first_name, "last_name": student.last_name}
        shown = mask_verdict(decided, partial(masked, names=_names(names)))
        self._say(200, saved, profile, html=as_html(shown, language, all_hints=True), score=decided.score)

    def _say(self, status: int, sentence: Sentence, profile: Profile, **more: Any) -> None:
        self.set_status(status)
        self.finish(json.dumps({"message": say(sentence, profile.course.language), **more}))

    def _person(self) -> str:
        """Who decides: the hub's account; without a hub, whose server this is (its users are made up then)."""
        if "JUPYTERHUB_API_URL" not in os.environ:
            return getpass.getuser()
        user = self.current_user
        return str(user["name"] if isinstance(user, dict) else user.username)


class Submissions(apihandlers.SubmittedNotebookCollectionHandler):  # type: ignore[misc]
    """Who has handed a notebook in: nbgrader's own list, without names where `hide_names` asks for that."""

    @web.authenticated
    @check_xsrf  # type: ignore[untyped-decorator]
    @check_notebook_dir  # type: ignore[untyped-decorator]
    def get(self, assignment_id: str, notebook_id: str) -> None:
        listed = self.api.get_notebook_submissions(assignment_id, notebook_id)
        hidden = ShowForMarking(parent=self.settings["nbgrader_formgrader"]).hide_names
        if hidden and released_profile(self.coursedir, assignment_id) is not None:
            for row in listed:
                row.update(student=f"Submission #{row['index'] + 1}", first_name=None, last_name=None)
        self.write(json.dumps(listed))


class Watching(BaseHandler):  # type: ignore[misc]
    """What grading on hand-in is at, for the staff."""

    @web.authenticated
    @check_xsrf  # type: ignore[untyped-decorator]
    @check_notebook_dir  # type: ignore[untyped-decorator]
    def get(self) -> None:
        self.set_header("Refresh", "5")  # seconds
        self.finish(watch_page(Path(self.coursedir.root), datetime.now(UTC)))


HANDLERS = [
    (r"/formgrader/watch", Watching),
    (r"/formgrader/api/submitted_notebook/([^/]+)/override", Decide),
    (r"/formgrader/api/submitted_notebooks/([^/]+)/([^/]+)", Submissions),
    (r"/formgrader/autograder/(.*)", web.StaticFileHandler, {"path": str(STATIC)}),
]


def install(c: Any) -> None:
    """Has Formgrader show and serve what is above.

    Args:
        c: the configuration object of traitlets.
    """
    c.HTMLExporter.preprocessors = [ShowForMarking]
    c.HTMLExporter.template_file = str(TEMPLATE)
    others = [(at, INSTEAD.get(page, page), *more) for at, page, *more in handlers.default_handlers]
    handlers.default_handlers[:] = [*HANDLERS, *(one for one in others if one not in HANDLERS)]
