"""The steps of `nbgrader autograde` from where nbgrader executes, for an assignment of ours: put outputs in, judge, show, save.

They hand a `NotebookGrading` from one to the next, as `resources["autograder"]`; where there is none, they do what stock
nbgrader does. `SaveVerdicts` is the only writer of scores.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import SubmittedNotebook
from nbgrader.preprocessors import AssignLatePenalties, Execute, NbGraderPreprocessor, SaveAutoGrades

from autograder.errors import NotJudged, NotReady
from autograder.grading.notebook_grading import NotebookGrading, charged_before
from autograder.grading.outputs import explain_errors, explain_incidents, show_verdict
from autograder.grading.records import Record, Records, with_overrides
from autograder.judging.judge import prompt_task
from autograder.plugins.course import Resources, course_root, frozen_profile, grading_of
from autograder.plugins.run_gradebook import NotebookRows, gradebook_of
from autograder.submissions.cells import check_cells, grade_id_of, is_answer, marks_of
from autograder.words.tables import say


class GradeExecute(Execute):  # type: ignore[misc]
    """Writes the outputs of the notebook's execution into it, which `GradingRun` has had made.

    Raises NotReady for an assignment of ours that has not been executed: it runs in its jail, or not at all.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources, km: Any = None) -> tuple[NotebookNode, Resources]:
        grading = grading_of(resources)
        if grading is None:
            if frozen_profile(self, resources) is not None:
                raise NotReady("An assignment of this kit's is graded by `nbgrader autograde`, or in Formgrader.")
            return super().preprocess(nb, resources, km)  # type: ignore[no-any-return]
        if grading.execution.again:
            self.log.info("This code has been executed before: its outputs are used again")
        grading.execution.write_into(nb)
        return nb, resources


class Judge(NbGraderPreprocessor):  # type: ignore[misc]
    """Computes the verdicts, and shows them in place of what the check cells put out."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        grading = grading_of(resources)
        if grading is None:
            return nb, resources
        names, profile = resources["nbgrader"], grading.profile
        student, records = names["student"], Records(course_root(self), names["assignment"])
        charged, of_prompt = None, prompt_task(profile)
        if of_prompt is not None and names["notebook"] != of_prompt.notebook:
            charged = charged_before(records.read(student, of_prompt.notebook), profile)
        checks = check_cells(nb, profile)
        here, overrides = [task for _, task in checks], records.overrides(student)
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

    def score(self, cell: NotebookNode, by_hand: bool, log: Any) -> tuple[float | None, bool]:
        """The autograder's score of a cell, and whether a person must look.

        Args:
            by_hand: whether a person has scored it.
        """
        grade_id = marks_of(cell)["grade_id"]
        verdict = self.now.verdict(grade_id)
        if verdict is not None:
            score = with_overrides(verdict, self.grading.overrides).score
            due = verdict.state != "judged" or by_hand
        else:
            score, _ = utils.determine_grade(cell, log)
            due = score is None or self.is_put_back(grade_id)
        return score, due and not (by_hand and self.is_settled(grade_id))

    def is_put_back(self, grade_id: str) -> bool:
        """Whether the student's own cell was gone, so that what was written may be in another one."""
        return any(repair.kind == "put-back" and repair.cell == grade_id for repair in self.grading.mended.repairs)


class SaveVerdicts(SaveAutoGrades):  # type: ignore[misc]
    """Writes the scores of the verdicts to the gradebook, all at once, and the record beside it. Nothing else writes scores.

    A person's manual score stays, and is asked for again only where the verdict's score or the answer has changed.

    Raises nbformat's ValidationError before anything is written, where the steps before have made a notebook invalid: the
    exporter looks only when all steps have been taken, and the scores would be in the gradebook then.
    Raises NotJudged after everything is written, when a verdict is `not judged`: nbgrader then lists the submission among
    the failed ones, ends non-zero, and grades it again in the next run.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        grading, gradebook, names = grading_of(resources), gradebook_of(resources), resources["nbgrader"]
        if grading is None or gradebook is None:
            return super().preprocess(nb, resources)  # type: ignore[no-any-return]
        nbformat.validate(nb, relax_add_props=True)
        where, records = (names["student"], names["notebook"]), Records(course_root(self), names["assignment"])
        record = grading.record(_answers(nb))
        saving = Saving(grading, record, records.read(*where))
        with gradebook.notebook(*where) as rows:
            for cell in nb.cells:
                self._save_cell(cell, rows, saving)
            if not record.open_verdicts:
                LatePenalties(parent=self.parent).assign(rows.notebook, names["student"])
        if not records.write(*where, record):
            self.log.warning("%s, %s: too much was seen to be kept; the record has the verdicts alone", *where)
        refuse_open(record, names)
        return nb, resources

    def _save_cell(self, cell: NotebookNode, rows: NotebookRows, saving: Saving) -> None:
        """Sets what a cell's grade is, and nbgrader's own comment on an answer that is as released."""
        name = str(grade_id_of(cell))
        if utils.is_grade(cell):
            grade = rows.grade(name)
            auto, due = saving.score(cell, grade.manual_score is not None, self.log)
            grade.auto_score, grade.needs_manual_grade = auto, due
        if utils.is_solution(cell) or utils.is_task(cell):
            unchanged = marks_of(cell).get("checksum") == utils.compute_checksum(cell) and not utils.is_task(cell)
            rows.comment(name).auto_comment = "No response." if unchanged else None


class LatePenalties(AssignLatePenalties):  # type: ignore[misc]
    """nbgrader's own step; of a notebook of ours, the penalty is saved together with the scores."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        if grading_of(resources) is not None:
            return nb, resources
        return super().preprocess(nb, resources)  # type: ignore[no-any-return]

    def assign(self, notebook: SubmittedNotebook, student: str) -> None:
        """Sets the penalty of a submitted notebook whose scores have been set."""
        submission = notebook.assignment
        notebook.late_submission_penalty = None
        if submission.total_seconds_late <= 0:
            return
        self.log.warning("%s is %s seconds late", submission, submission.total_seconds_late)
        self.init_plugin()
        penalty = self.plugin_inst.late_submission_penalty(student, notebook.score, submission.total_seconds_late)
        self.log.warning("Late submission penalty: %s", penalty)
        if penalty is not None:
            notebook.late_submission_penalty = self._check_late_penalty(notebook, penalty)


def refuse_open(record: Record, names: Resources) -> None:
    """Raises NotJudged where a verdict is open."""
    if record.open_verdicts:
        reasons = "; ".join(f"{v.check_id}: {say(v.reasons[0], 'en')}" for v in record.open_verdicts if v.reasons)
        raise NotJudged(
            f"{names['student']}, {names['notebook']}: not judged. {reasons} "
            f"Run `nbgrader autograde {names['assignment']} --student {names['student']}` again."
        )


def _answers(nb: NotebookNode) -> dict[str, str]:
    """SHA-256 of each answer that a person marks."""
    answers = [cell for cell in nb.cells if is_answer(cell)]
    return {marks_of(cell)["grade_id"]: hashlib.sha256(cell.source.encode()).hexdigest() for cell in answers}
