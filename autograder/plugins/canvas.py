"""Scores for Canvas: `nbgrader export --exporter=autograder.plugins.canvas.CanvasExport`.

Writes one gradebook file for each assignment, so that no cell of it is ever blank: a blank in an import can clear a grade
that is there. Who has no score has no row. Nothing is computed here but the score that nbgrader itself would export.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.plugins.export import ExportPlugin
from traitlets import Bool, Dict, Unicode

from autograder.errors import AutograderError, NotReady, NotSettled, RosterError
from autograder.grading.grades import Grade
from autograder.plugins.canvas_csv import TITLE_WITH_ID, Enrolled, Roster, gradebook_file, read_roster
from autograder.plugins.settled import listed
from autograder.system.files import write_whole


@dataclass
class Sheet:
    """One assignment's file, and what is not in it.

    Attributes:
        waiting: by account, what is open: marking by a person, checks not judged, work not graded.
        unmatched: accounts with a score that the roster does not have.
        without: accounts of the roster that have handed in nothing.
    """

    assignment: str
    points: float
    scores: list[tuple[Enrolled, float]] = field(default_factory=list)
    waiting: dict[str, list[str]] = field(default_factory=dict)
    unmatched: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)


class CanvasExport(ExportPlugin):  # type: ignore[misc]
    """Writes gradebooks that Canvas can import. Whose work is open has no row, and is listed; the exit code is 1 then."""

    roster = Unicode(
        "roster.csv",
        help="CSV file, relative to the course directory, with the columns account, ID, SIS User ID, SIS Login ID, "
        "Student and Section; or a gradebook exported from Canvas.",
    ).tag(config=True)
    titles = Dict(
        {}, help="The assignments' columns in Canvas, by nbgrader's name: {'chatbot': 'Chatbot (12345)'}."
    ).tag(config=True)
    force = Bool(False, help="End with 0, although somebody waits for a person or is not judged.").tag(config=True)
    semicolons = Bool(False, help="Separate by semicolons, and write decimal commas.").tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        """Writes the files, all or none, then says who is not in them; where anybody is not, the exit code is 1."""
        try:
            roster = self._roster()
            sheets = [self._sheet(gradebook, name, roster) for name in self._wanted(gradebook)]
            self._tell(roster, sheets)
            for sheet in sheets:
                self._write(sheet, self._path(sheet.assignment, alone=len(sheets) == 1), roster)
            self._list_open(sheets)
        except (AutograderError, OSError) as error:
            self.log.error("%s", error)
            raise SystemExit(1) from None

    @property
    def _root(self) -> Path:
        return Path(self.parent.coursedir.root)

    def _roster(self) -> Roster:
        path = self._root / self.roster
        try:
            return read_roster(path.read_bytes())
        except RosterError as error:
            raise RosterError(f"{path}, {error}") from None
        except OSError as error:
            raise RosterError(
                f"{path} cannot be read ({error.strerror}). Put the course's roster there, or name another with "
                "--CanvasExport.roster=FILE: a gradebook exported from Canvas will do."
            ) from None

    def _wanted(self, gradebook: Gradebook) -> list[str]:
        known = [assignment.name for assignment in gradebook.assignments]
        wanted = [str(name) for name in self.assignment] or known
        unknown = [name for name in wanted if name not in known]
        if unknown:
            valid = ", ".join(known) or "none"
            raise NotReady(f"There is no assignment {unknown[0]!r} in the gradebook. Valid: {valid}.")
        return wanted

    def _sheet(self, gradebook: Gradebook, assignment: str, roster: Roster) -> Sheet:
        entry = gradebook.find_assignment(assignment)
        sheet = Sheet(assignment, entry.max_score)
        submissions = {s.student.id: s for s in entry.submissions if self._chosen(s.student.id)}
        for account in self._handed_in(assignment) - submissions.keys():
            sheet.waiting[account] = ["handed in, and not graded"]
        for account, submission in sorted(submissions.items()):
            if reasons := still_open(submission):
                sheet.waiting[account] = reasons
            elif account in roster.by_account:
                sheet.scores.append((roster.by_account[account], score(submission)))
            else:
                sheet.unmatched.append(account)
        seen = submissions.keys() | sheet.waiting.keys()
        sheet.without = sorted(account for account in roster.by_account.keys() - seen if self._chosen(account))
        return sheet

    def _chosen(self, account: str) -> bool:
        return not self.student or account in map(str, self.student)

    def _handed_in(self, assignment: str) -> set[str]:
        """Whose work lies in the course, graded or not."""
        found = self._root.glob(f"{self.parent.coursedir.submitted_directory}/*/{assignment}")
        return {path.parent.name for path in found if path.is_dir() and self._chosen(path.parent.name)}

    def _list_open(self, sheets: Iterable[Sheet]) -> None:
        waiting = [
            f"{account}: {sheet.assignment}, {reason}"
            for sheet in sheets
            for account, reasons in sorted(sheet.waiting.items())
            for reason in reasons
        ]
        if waiting and not self.force:
            raise NotSettled(
                f"These students have no row, since {len(waiting)} thing(s) are open; the others have been exported.\n  "
                f"{listed(waiting)}\nMark what waits in Formgrader, run `nbgrader autograde` again for what is not judged, and "
                "export once more."
            )

    def _tell(self, roster: Roster, sheets: Iterable[Sheet]) -> None:
        if roster.unusable:
            self.log.warning("Rows of %s that cannot be used:\n  %s", self.roster, listed(roster.unusable))
        for sheet in sheets:
            lists = (
                ("have a score, but are not in the roster", sheet.unmatched),
                ("are left out, since something is open", sorted(sheet.waiting)),
            )
            for what, accounts in lists:
                if accounts:
                    self.log.warning("%s: %d %s:\n  %s", sheet.assignment, len(accounts), what, listed(accounts))
            if sheet.without:
                self.log.info(
                    "%s: %d of the roster have handed in nothing, and have no row:\n  %s",
                    sheet.assignment, len(sheet.without), listed(sheet.without),
                )  # fmt: skip

    def _write(self, sheet: Sheet, path: Path, roster: Roster) -> None:
        if not sheet.scores:
            self.log.warning("%s: nobody has a score to export; no file is written", sheet.assignment)
            return
        title = self.titles.get(sheet.assignment, sheet.assignment)
        if not TITLE_WITH_ID.fullmatch(title):
            known = f" The roster has: {', '.join(map(repr, roster.titles))}." if roster.titles else ""
            self.log.warning(
                "%s: the column is called %r, without Canvas's id. Where no assignment of Canvas has just this title, the "
                "import makes a new one. Set c.CanvasExport.titles = {%r: 'Title (id)'}, as in a gradebook exported "
                "from Canvas.%s", sheet.assignment, title, sheet.assignment, known,
            )  # fmt: skip
        write_whole(path, gradebook_file(title, sheet.points, sheet.scores, self.semicolons))
        self.log.info("%s: %d score(s) written to %s", sheet.assignment, len(sheet.scores), path)

    def _path(self, assignment: str, alone: bool) -> Path:
        to = Path(self.to or "canvas.csv")
        return to if self.to and alone else to.with_name(f"{to.stem}-{assignment}{to.suffix}")


def still_open(submission: Any) -> list[str]:
    """What of a submission has no final score yet: `notebook, cell: why`."""
    return [
        f"{notebook.name}, {grade.name}: {'not judged' if Grade.of(grade).is_not_judged else 'waits for a person'}"
        for notebook in submission.notebooks
        for grade in notebook.grades
        if grade.needs_manual_grade or Grade.of(grade).is_open
    ]


def score(submission: Any) -> float:
    """The score after the penalty for being late, 0 at least; as nbgrader's own export has it."""
    return max(0.0, float(submission.score) - float(submission.late_submission_penalty or 0))
