"""The steps of `nbgrader autograde` after executing, for an assignment of ours: judge, show, save.

They hand a `NotebookGrading` from one to the next, as `resources["autograder"]`; where there is none, they do what stock
nbgrader does. `SaveVerdicts` is the only writer of scores.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import DeduplicateIds, NbGraderPreprocessor, SaveAutoGrades

from autograder.errors import NotJudged
from autograder.grading.notebook_grading import NotebookGrading, charged_before
from autograder.grading.outputs import explain_errors, explain_incidents, show_verdict
from autograder.grading.records import Record, Records, with_overrides
from autograder.judging.judge import prompt_task
from autograder.plugins.course import Resources, course_root, frozen_profile, grading_of
from autograder.submissions.cells import check_cells, is_answer, marks_of
from autograder.words.tables import say


class DropDuplicates(DeduplicateIds):  # type: ignore[misc]
    """nbgrader's own step, without the empty metadata that it leaves and that its next step takes for an old format."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        nb, resources = super().preprocess(nb, resources)
        ours = frozen_profile(self, resources) is not None
        for cell in nb.cells:
            if ours and cell.metadata.get("nbgrader") == {}:
                del cell.metadata["nbgrader"]
        return nb, resources


class Judge(NbGraderPreprocessor):  # type: ignore[misc]
    """Computes the verdicts, and shows them in place of what the check cells put out."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        grading = grading_of(resources)
        if grading is None:
            return nb, resources
        names, records = resources["nbgrader"], Records(course_root(self))
        assignment, student, profile = names["assignment"], names["student"], grading.profile
        charged, of_prompt = None, prompt_task(profile)
        if of_prompt is not None and names["notebook"] != of_prompt.notebook:
            charged = charged_before(records.read(assignment, student, of_prompt.notebook), profile)
        checks = check_cells(nb, profile)
        here, overrides = [task for _, task in checks], records.overrides(assignment, student)
        resources["autograder"] = judged = grading.judged(here, charged, overrides, self.log)
        for (cell, _), verdict in zip(checks, judged.verdicts, strict=True):
            show_verdict(cell, with_overrides(verdict, overrides), profile.course.language)
        explain_errors(nb, profile)
        explain_incidents(nb, grading.execution.incidents, profile)
        return nb, resources


@dataclass(frozen=True)
class Saving:
    """What decides whether a person must look at a grade (again): what is saved now, and what was before."""

    grading: NotebookGrading
    now: Record
    before: Record | None

    def is_settled(self, grade_id: str) -> bool:
        """Whether nothing has changed since a person scored it: the verdict, or the answer."""
        verdict = self.now.verdict(grade_id)
        if self.before is None:
            return False
        if verdict is None:
            return self.before.answers.get(grade_id) == self.now.answers.get(grade_id)
        before = self.before.verdict(grade_id)
        return before is not None and before.score == verdict.score and before.state == verdict.state

    def is_put_back(self, grade_id: str) -> bool:
        """Whether the student's own cell was gone, so that what was written may be in another one."""
        return any(repair.kind == "put-back" and repair.cell == grade_id for repair in self.grading.mended.repairs)


class SaveVerdicts(SaveAutoGrades):  # type: ignore[misc]
    """Writes the scores of the verdicts to the gradebook, and the record beside it. Nothing else writes scores.

    A person's manual score stays, and is asked for again only where the verdict's score or the answer has changed.

    Raises NotJudged after everything is written, when a verdict is `not judged`: nbgrader then lists the submission among
    the failed ones, ends non-zero, and grades it again in the next run.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._saving: Saving | None = None

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        grading, names = grading_of(resources), resources["nbgrader"]
        self._saving = None
        if grading is None:
            return super().preprocess(nb, resources)  # type: ignore[no-any-return]
        where = (names["assignment"], names["student"], names["notebook"])
        records = Records(course_root(self))
        record = grading.record(_answers(nb))
        self._saving = Saving(grading, record, records.read(*where))
        nb, resources = super().preprocess(nb, resources)
        if not records.write(*where, record):
            self.log.warning("%s, %s: too much was seen to be kept; the record has the verdicts alone", *where[1:])
        refuse_open(record, names)
        return nb, resources

    def _add_score(self, cell: NotebookNode, resources: Resources) -> None:
        if self._saving is None:
            super()._add_score(cell, resources)
            return
        grade_id = marks_of(cell)["grade_id"]
        grade = self.gradebook.find_grade(grade_id, self.notebook_id, self.assignment_id, self.student_id)
        verdict = self._saving.now.verdict(grade_id)
        if verdict is not None:
            grade.auto_score = with_overrides(verdict, self._saving.grading.overrides).score
            due = verdict.state != "judged" or grade.manual_score is not None
        else:
            grade.auto_score, _ = utils.determine_grade(cell, self.log)
            due = grade.auto_score is None or self._saving.is_put_back(grade_id)
        grade.needs_manual_grade = due and not (self._saving.is_settled(grade_id) and grade.manual_score is not None)
        self.gradebook.db.commit()


def refuse_open(record: Record, names: Resources) -> None:
    """Raises NotJudged where a verdict is open."""
    waiting = [verdict for verdict in record.verdicts if verdict.state == "not judged"]
    if waiting:
        reasons = "; ".join(f"{v.check_id}: {say(v.reasons[0], 'en')}" for v in waiting if v.reasons)
        raise NotJudged(
            f"{names['student']}, {names['notebook']}: not judged. {reasons} "
            f"Run `nbgrader autograde {names['assignment']} --student {names['student']}` again."
        )


def _answers(nb: NotebookNode) -> dict[str, str]:
    """SHA-256 of each answer that a person marks."""
    answers = [cell for cell in nb.cells if is_answer(cell)]
    return {marks_of(cell)["grade_id"]: hashlib.sha256(cell.source.encode()).hexdigest() for cell in answers}
