"""`nbgrader generate_feedback` and `export` hold back whoever has a verdict that is open, and nobody else."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.plugins.export import CsvExportPlugin
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.errors import NotSettled, ProfileError
from autograder.plugins.course import Resources, frozen_profile, released_profile
from autograder.plugins.scores import unsettled
from autograder.system.files import write_whole

MAX_LISTED = 50


def listed(things: Sequence[str]) -> str:
    """A line for each thing; of many, for the first."""
    more = [f"… and {len(things) - MAX_LISTED} more"] * (len(things) > MAX_LISTED)
    return "\n  ".join([*things[:MAX_LISTED], *more])


def waits(what: str, waiting: Sequence[str], assignment: str) -> str:
    """Who is held back, and what to do."""
    return (
        f"{what} waits for {len(waiting)} check(s) of {assignment!r} that are not judged yet; nobody else does.\n  "
        f"{listed(waiting)}\n"
        f"Run `nbgrader autograde {assignment}` again, or score them by hand in Formgrader."
    )


class OnlySettled(NbGraderPreprocessor):  # type: ignore[misc]
    """Stops a student's feedback while a verdict of that student's is open.

    Raises NotSettled: nbgrader then makes the others' pages, lists this student among the failed ones, and ends non-zero.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        if frozen_profile(self, resources) is not None:
            names = resources["nbgrader"]
            with Gradebook(names["db_url"]) as gradebook:
                waiting = unsettled(gradebook, names["assignment"], names["student"])
            if waiting:
                raise NotSettled(waits(f"The feedback of {names['student']}", waiting, names["assignment"]))
        return nb, resources


class SettledExport(CsvExportPlugin):  # type: ignore[misc]
    """nbgrader's CSV export, without rows for those whose verdict on an assignment of ours is open; these are listed, and the
    exit code is 1."""

    def export(self, gradebook: Gradebook) -> None:
        to: str = self.to or "grades.csv"
        wanted = [str(name) for name in self.assignment] or [a.name for a in gradebook.assignments]
        try:
            ours = [name for name in wanted if released_profile(self.parent.coursedir, name) is not None]
        except ProfileError as error:
            self.log.error("%s", error)
            raise SystemExit(1) from None
        waiting = {name: unsettled(gradebook, name) for name in ours}
        open_rows = {(name, line.partition(":")[0]) for name, found in waiting.items() for line in found}
        if not open_rows:
            super().export(gradebook)
            return
        with tempfile.TemporaryDirectory() as folder:
            self.set_trait("to", str(Path(folder, "all.csv")))
            super().export(gradebook)
            lines = Path(self.to).read_text().splitlines(keepends=True)
        self.set_trait("to", to)
        write_whole(Path(to), "".join(line for line in lines if (*line.split(",")[0:4:3],) not in open_rows))
        for name in filter(waiting.get, ours):
            self.log.error("%s", waits("Export", waiting[name], name))
        raise SystemExit(1)
