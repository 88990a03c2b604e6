"""What `nbgrader autograde`, `generate_feedback` and `export` do: thin adapters between nbgrader and the judge.

`Judge` turns evidence and transcript (`nbgrader_execute.py`) into verdicts, in this process. `SaveVerdicts` is the only
writer of scores. An assignment that is not ours is graded exactly as stock nbgrader does it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader import utils
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins.export import CsvExportPlugin
from nbgrader.preprocessors import DeduplicateIds, NbGraderPreprocessor, SaveAutoGrades

from autograder.course.profile import FROZEN_NAME, Language, Profile, load
from autograder.errors import NotJudged, NotReady, NotSettled, ProfileError
from autograder.facts.evidence import Facts, PromptFacts
from autograder.facts.transcript import Transcript
from autograder.facts.verdict import Incident, Override, Phrase, Sentence, Verdict
from autograder.grading.executions import Execution
from autograder.grading.records import Record, Records, with_overrides, write_whole
from autograder.judging.answers import charged_prompts
from autograder.judging.contract import ASSIGNMENT, CONTRACT, Task, task_of, tasks
from autograder.judging.judge import judge
from autograder.plugins.course import Resources, check_cells, frozen_profile, marks_of, released_profile
from autograder.plugins.release import course_root
from autograder.submissions.repair_json import Repair
from autograder.submissions.submission import Mended
from autograder.words import render
from autograder.words.sentences import INCIDENTS, LAYOUT, REASONS, UNREADABLE
from autograder.words.tables import say

MAX_LISTED = 50
MAX_NOTICES = 30
"""What one notebook's verdicts tell at most of what was mended, so that what matters can be found."""


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
        profile = frozen_profile(self, resources)
        if profile is None:
            return nb, resources
        cells = list(check_cells(nb, profile))
        execution: Execution = resources["autograder"]["execution"]
        names = resources["nbgrader"]
        overrides = Records(course_root(self)).overrides(names["assignment"], names["student"])
        facts = execution.facts
        if names["notebook"] != CONTRACT["prompt"].notebook:
            record = Records(course_root(self)).read(names["assignment"], names["student"], CONTRACT["prompt"].notebook)
            facts = facts.model_copy(update={"charged": charged_before(record, profile)})
        mended = Mended.of(nb)
        notices = noticed(mended.repairs, execution.incidents, [task for _, task in cells])
        verdicts = []
        for cell, task in cells:
            verdict = with_doubts(self._judged(task, facts, profile), execution, mended.unreadable)
            observations = (*verdict.observations, *notices[task.check_id])
            verdict = verdict.model_copy(update={"observations": observations})
            verdicts.append(verdict)
            show_verdict(cell, with_overrides(verdict, overrides), profile.course.language)
        explain_errors(nb, {id(cell) for cell, _ in cells}, profile)
        explain_incidents(nb, execution.incidents, profile)
        resources["autograder"] = {
            "verdicts": tuple(verdicts), "execution": execution, "overrides": overrides, "repairs": mended.repairs
        }  # fmt: skip
        return nb, resources

    def _judged(self, task: Task, facts: Facts, profile: Profile) -> Verdict:
        """The check's verdict. What a check cannot follow goes to a person: to run it again would change nothing."""
        try:
            return judge(task, facts, profile)
        except Exception as error:
            self.log.error("The check %s cannot follow what it found", task.check_id, exc_info=error)
            reason = REASONS["bad-evidence"].fill(problem=type(error).__name__)
            name, points = task.check_id, task.points
            return Verdict(task=task.id, check_id=name, points=points, state="review", reasons=(reason,))


def charged_before(record: Record | None, profile: Profile) -> tuple[PromptFacts, ...] | None:
    """The prompts that the checks of the first notebook have judged; None where that is not known.

    Args:
        record: of the first notebook, which is graded before the others; None where it has not been.
    """
    of_prompt = next((task for task in tasks(profile) if task.kind == "prompt"), None)
    verdict = record.verdict(of_prompt.check_id) if record and of_prompt else None
    if of_prompt is not None and (verdict is None or verdict.state != "judged" or _is_cut(record, verdict)):
        return None
    evidence = {each.check_id: each for each in record.evidence} if record else {}
    transcript = record.transcript if record else Transcript()
    return charged_prompts(Facts(evidence=evidence, transcript=transcript, in_grading=True), profile)


def _is_cut(record: Record | None, verdict: Verdict) -> bool:
    """Whether a record has lost what this verdict was judged from; where nothing was handed in, there was none."""
    return record is not None and not record.evidence and any(c.name != "evidence" for c in verdict.criteria)


def noticed(
    repairs: Iterable[Repair], incidents: Iterable[Incident], judged: Sequence[Task]
) -> dict[str, list[Sentence]]:
    """What is told beside the verdicts, by check id: where it belongs to no task, with the notebook's first."""
    found: dict[str, list[Sentence]] = {task.check_id: [] for task in judged}
    told = [(repair.cell, repair.words) for repair in repairs]
    told += [(i.cell, INCIDENTS[i.kind].fill(cell=i.cell)) for i in incidents if i.kind in ("output", "prompt")]
    for cell, words in told[:MAX_NOTICES]:
        at = next((task for task in judged if cell in (task.id, task.check_id)), judged[0])
        found[at.check_id].append(words)
    return found


def with_doubts(verdict: Verdict, execution: Execution, unreadable: str | None = None) -> Verdict:
    """Marks for review a verdict that what happened meanwhile may have cost points, for a reason not the student's.

    Args:
        unreadable: why the submitted file could not be read, if it could not: then the release was judged in its place.
    """
    if verdict.state == "not judged":
        return verdict
    unread = UNREADABLE.get(unreadable) if unreadable else None
    reasons: tuple[Phrase, ...] = (a_person_looks(unread),) if unread else ()
    problem = execution.problems.get(verdict.check_id)
    if problem is not None:
        reasons += (REASONS["bad-evidence"].fill(problem=problem),)
    lost = (verdict.score or 0) < verdict.points
    unseen = verdict.check_id not in execution.facts.evidence
    for incident in execution.incidents:
        if (unseen and incident.kind in ("memory", "crash", "output", "messages")) or (
            lost and incident.kind == "time"
        ):
            reasons += (a_person_looks(INCIDENTS[incident.kind].fill(cell=incident.cell)),)
    return verdict.model_copy(update={"state": "review", "reasons": verdict.reasons + reasons}) if reasons else verdict


def a_person_looks(what: Sentence) -> Sentence:
    return REASONS["a-person-looks"].fill(what=what)


def show_verdict(cell: NotebookNode, verdict: Verdict, language: Language) -> None:
    """Replaces a check cell's outputs by the verdict."""
    data = {
        "text/plain": render.as_text(verdict, language, all_hints=True),
        "text/html": render.as_html(verdict, language, all_hints=True),
    }
    cell.outputs = [new_output("display_data", data=data)]


def explain_errors(nb: NotebookNode, checks: set[int], profile: Profile) -> None:
    """Puts a sentence before each traceback."""
    language, seconds = profile.course.language, profile.limits.cell_seconds
    for cell in nb.cells:
        if cell.cell_type != "code" or id(cell) in checks:
            continue
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if not errors:
            continue
        if any(output.ename == "CellTimeoutError" for output in errors):
            text = say(LAYOUT["stopped-time"].fill(seconds=seconds), language)
        else:
            error = f"{errors[0].ename}: {errors[0].evalue}".strip(": ")[:200]
            text = say(LAYOUT["stopped"].fill(error=error), language)
        place = cell.outputs.index(errors[0])
        cell.outputs.insert(place, new_output("display_data", data={"text/plain": text}))


def explain_incidents(nb: NotebookNode, incidents: Iterable[Incident], profile: Profile) -> None:
    """Says in the cell where a kernel ended that it did, and why: there is no traceback that would tell."""
    where = {marks_of(cell).get("grade_id") or f"{index + 1}": cell for index, cell in enumerate(nb.cells)}
    for incident in incidents:
        cell = where.get(incident.cell)
        if incident.kind in ("memory", "crash") and cell is not None and cell.cell_type == "code":
            text = say(INCIDENTS[incident.kind].fill(cell=incident.cell), profile.course.language)
            cell.outputs.append(new_output("display_data", data={"text/plain": text}))


class SaveVerdicts(SaveAutoGrades):  # type: ignore[misc]
    """Writes the scores of the verdicts to the gradebook, and the record beside it. Nothing else writes scores.

    A person's manual score stays, and is asked for again only where the verdict's score or the answer has changed.

    Raises NotJudged after everything is written, when a verdict is `not judged`: nbgrader then lists the submission among
    the failed ones, ends non-zero, and grades it again in the next run.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        ours = resources.get("autograder", {})
        if "verdicts" not in ours:
            self._record, self._before = None, None
            return super().preprocess(nb, resources)  # type: ignore[no-any-return]
        names = resources["nbgrader"]
        where = (names["assignment"], names["student"], names["notebook"])
        records = Records(course_root(self))
        self._overrides = ours["overrides"]
        self._put_back = {repair.cell for repair in ours["repairs"] if repair.kind == "put-back"}
        self._before = records.read(*where)
        execution: Execution = ours["execution"]
        self._record = Record(
            verdicts=ours["verdicts"],
            answers=_answers(nb),
            evidence=tuple(execution.facts.evidence.values()),
            transcript=execution.facts.transcript,
            incidents=execution.incidents,
            repairs=ours["repairs"],
        )
        nb, resources = super().preprocess(nb, resources)
        if not records.write(*where, self._record):
            self.log.warning("%s, %s: too much was seen to be kept; the record has the verdicts alone", *where[1:])
        open_verdicts = [v for v in self._record.verdicts if v.state == "not judged"]
        if open_verdicts:
            reasons = "; ".join(f"{v.check_id}: {say(v.reasons[0], 'en')}" for v in open_verdicts if v.reasons)
            raise NotJudged(
                f"{names['student']}, {names['notebook']}: not judged. {reasons} "
                f"Run `nbgrader autograde {names['assignment']} --student {names['student']}` again."
            )
        return nb, resources

    def _add_score(self, cell: NotebookNode, resources: Resources) -> None:
        if self._record is None:
            super()._add_score(cell, resources)
            return
        grade_id = cell.metadata["nbgrader"]["grade_id"]
        grade = self.gradebook.find_grade(grade_id, self.notebook_id, self.assignment_id, self.student_id)
        verdict = self._record.verdict(grade_id)
        if verdict is not None:
            settled = self._same_as_before(verdict)
            grade.auto_score = with_overrides(verdict, self._overrides).score
            due = verdict.state != "judged" or grade.manual_score is not None
        else:
            settled = self._same_answer(grade_id)
            grade.auto_score, _ = utils.determine_grade(cell, self.log)
            due = (
                grade.auto_score is None or grade_id in self._put_back
            )  # what the student wrote may be in another cell
        grade.needs_manual_grade = due and not (settled and grade.manual_score is not None)
        self.gradebook.db.commit()

    def _same_as_before(self, verdict: Verdict) -> bool:
        before = self._before.verdict(verdict.check_id) if self._before else None
        return before is not None and before.score == verdict.score and before.state == verdict.state

    def _same_answer(self, grade_id: str) -> bool:
        assert self._record is not None
        return self._before is not None and self._before.answers.get(grade_id) == self._record.answers.get(grade_id)


def _answers(nb: NotebookNode) -> dict[str, str]:
    """SHA-256 of each answer that a person marks."""
    return {
        cell.metadata["nbgrader"]["grade_id"]: hashlib.sha256(cell.source.encode()).hexdigest()
        for cell in nb.cells
        if utils.is_grade(cell) and utils.is_solution(cell)
    }


def unsettled(gradebook: Gradebook, assignment: str, student: str = "*") -> list[str]:
    """`student: notebook, cell` of every check that has no score yet, neither the autograder's nor a person's.

    Args:
        student: only this one's; everybody's with "*".
    """
    try:
        submissions = gradebook.find_assignment(assignment).submissions
    except MissingEntry:
        return []
    return [
        f"{submission.student.id}: {notebook.name}, {grade.name}"
        for submission in submissions
        for notebook in submission.notebooks
        for grade in notebook.grades
        if student in ("*", submission.student.id)
        if grade.auto_score is None and grade.manual_score is None and grade.cell.cell_type == "code"
    ]


def waits(what: str, waiting: Sequence[str], assignment: str) -> str:
    """Who is held back, and what to do."""
    more = [f"… and {len(waiting) - MAX_LISTED} more"] * (len(waiting) > MAX_LISTED)
    listed = "\n  ".join([*waiting[:MAX_LISTED], *more])
    return (
        f"{what} waits for {len(waiting)} check(s) of {assignment!r} that are not judged yet; nobody else does.\n  {listed}\n"
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
        open_rows = {(name, listed.partition(":")[0]) for name, found in waiting.items() for listed in found}
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


def overrule(
    root: Path, student: str, check_id: str, criterion: str, points: float, reason: str, by: str,
    gradebook: Gradebook | None = None,
) -> Verdict:  # fmt: skip
    """A person's decision about one criterion: kept for every later regrade, and in the gradebook at once.

    Args:
        gradebook: one that is open; the course directory's when None.

    Raises NotReady when there is no such verdict or criterion, or the points are not between 0 and the criterion's.
    """
    profile = load(root / "release" / ASSIGNMENT / FROZEN_NAME)
    task = task_of(check_id, profile)
    records = Records(root)
    record = records.read(ASSIGNMENT, student, task.notebook) if task else None
    verdict = record.verdict(check_id) if record else None
    if task is None or verdict is None:
        valid = ", ".join(t.check_id for t in tasks(profile) if t.judged_by == "autograder")
        raise NotReady(f"{student} has no verdict on {check_id!r}. Checks: {valid}. Grade the student first.")
    found = next((c for c in verdict.criteria if c.name == criterion), None)
    if found is None or not 0 <= points <= found.points:
        valid = ", ".join(f"{c.name} (0 to {c.points:g})" for c in verdict.criteria)
        raise NotReady(f"{check_id}: {criterion!r} with {points:g} points is not possible. Valid: {valid}.")
    override = Override(earned=points, reason=reason, by=by)
    records.overrule(ASSIGNMENT, student, check_id, criterion, override)
    decided = with_overrides(verdict, records.overrides(ASSIGNMENT, student))
    with nullcontext(gradebook) if gradebook else Gradebook(f"sqlite:///{root / 'gradebook.db'}") as opened:
        grade = opened.find_grade(check_id, task.notebook, ASSIGNMENT, student)
        grade.auto_score = decided.score
        opened.db.commit()
    return decided
