"""What serves a student's files and a student's names in Formgrader, in the place of pages of nbgrader's.

nbgrader's own handler of files gives a browser what a student has handed in, as a page of Formgrader's own; and its pages with a
name in their address write that name into their HTML and their script. `INSTEAD` has ours, for `formgrader.py` to
put where those stood: by class, since addresses can be spelt in many ways.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from pathlib import Path
from urllib.parse import quote

from nbgrader.api import MissingEntry
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader import handlers
from nbgrader.server_extensions.formgrader.base import BaseHandler, check_notebook_dir, check_xsrf
from tornado import web


def folder_of(coursedir: CourseDirectory, step: str, student: str, assignment: str) -> Path:
    """Where a step of an assignment lies for a student, without links."""
    at: str = coursedir.format_path(step, student, assignment)
    return (Path(coursedir.root) / at).resolve()


class Files(BaseHandler, web.StaticFileHandler):  # type: ignore[misc]
    """A file below a submission, whatever its address is spelt like: in a browser nothing in it is alive.

    A picture or plain text is shown; anything else is handed over as a file. It takes the place of nbgrader's own handler,
    which serves a student's page as a page.
    """

    @property
    def content_security_policy(self) -> str:
        """On every response, and so on refusals too."""
        return "sandbox; default-src 'none'; frame-ancestors 'self'"

    def initialize(self) -> None:  # type: ignore[override]
        super().initialize(self.coursedir.root)

    def head(self, path: str) -> Awaitable[None]:
        return self.get(path, include_body=False)  # type: ignore[return-value]

    @web.authenticated
    @check_xsrf  # type: ignore[untyped-decorator]
    @check_notebook_dir  # type: ignore[untyped-decorator]
    async def get(self, path: str, include_body: bool = True) -> None:  # type: ignore[override]
        submission_id, _, name = path.partition("/")
        try:
            submission = self.gradebook.find_submission_notebook_by_id(submission_id)
        except MissingEntry:
            raise web.HTTPError(404) from None
        assignment, student = submission.assignment.assignment.name, submission.student.id
        folder = folder_of(self.coursedir, self.coursedir.autograded_directory, student, assignment)
        if not _is_below(folder, name):
            raise web.HTTPError(404)
        self.root = str(folder)
        await super().get(name, include_body)

    def set_extra_headers(self, path: str) -> None:
        shown = SHOWN.get(Path(path).suffix.lower())
        self.set_header("Content-Type", shown or "application/octet-stream")
        self.set_header("X-Content-Type-Options", "nosniff")
        if shown is None:
            self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(Path(path).name, safe='')}")

    def compute_etag(self) -> None:
        """None: tornado's would be that of the first version that it has seen."""


SHOWN = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
    **dict.fromkeys((".txt", ".py", ".csv", ".md", ".log"), "text/plain; charset=utf-8"),
}  # fmt: skip
"""By the end of a name, what a browser shows of a submission, and as what."""


def _is_below(folder: Path, name: str) -> bool:
    """Whether this is a file of the folder's, without a link on the way."""
    try:
        path = folder / name
        return not name.endswith("/") and path.is_file() and path.resolve() == path and folder in path.parents
    except (OSError, ValueError):  # a name too long, or with a NUL in it
        return False


class Named:
    """One of Formgrader's pages that writes the names in its address into itself, as HTML and as script, as they are."""

    path_args: list[str]

    async def prepare(self) -> None:
        if any(UNFIT.search(str(name)) for name in self.path_args):
            raise web.HTTPError(404)
        await super().prepare()  # type: ignore[misc]


UNFIT = re.compile(r"""[<>&"'`\\\x00-\x1f\x7f\u2028\u2029]""")
"""What ends a text in HTML or in a script. No assignment, notebook or account has it in its name."""
NAMED = (
    handlers.ManageSubmissionsHandler,
    handlers.GradebookNotebooksHandler,
    handlers.GradebookNotebookSubmissionsHandler,
    handlers.ManageStudentsAssignmentsHandler,
    handlers.ManageStudentNotebookSubmissionsHandler,
)
INSTEAD: dict[type, type] = {
    handlers.SubmissionFilesHandler: Files,
    **{page: type(page.__name__, (Named, page), {}) for page in NAMED},
}
"""By nbgrader's page, ours: it is taken out wherever it stands, and whatever its address."""
