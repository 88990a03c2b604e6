"""One notebook on its way from being executed to being shown, and how it is judged on that way. Knows nothing of nbgrader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autograder.course.profile import Profile
from autograder.facts.evidence import Facts, PromptFacts
from autograder.facts.transcript import Transcript
from autograder.facts.verdict import Incident, Phrase, Sentence, Verdict
from autograder.grading.executions import Execution
from autograder.grading.records import Overrides, Record
from autograder.judging.judge import judge, penalised_prompts, prompt_task
from autograder.judging.task import Task
from autograder.submissions.repair_json import Repair
from autograder.submissions.submission import Mended
from autograder.words.checks import REASONS
from autograder.words.grading import INCIDENTS, UNREADABLE

MAX_NOTICES = 30
"""What one notebook's verdicts tell at most of what was mended, so that what matters can be found."""


@dataclass(frozen=True)
class NotebookGrading:
    """What is known of a notebook; each of nbgrader's steps hands on a fuller one.

    Attributes:
        profile: the one that its assignment was released with.
        mended: what was done to it before it ran.
        verdicts: none before it has been judged.
        overrides: a person's decisions about this student's criteria.
    """

    profile: Profile
    mended: Mended
    execution: Execution
    verdicts: tuple[Verdict, ...] = ()
    overrides: Overrides = field(default_factory=dict)

    def __deepcopy__(self, memo: Mapping[int, object]) -> NotebookGrading:
        """Itself: nbconvert copies whatever its steps share, and nothing here changes."""
        return self

    def judged(
        self, here: Sequence[Task], charged: tuple[PromptFacts, ...] | None, overrides: Overrides, log: Any
    ) -> NotebookGrading:
        """As it stands once each of these tasks has been judged.

        Args:
            charged: see `Facts`.
            log: where a check that fails is told.
        """
        facts = self.execution.facts.model_copy(update={"charged": charged})
        notices = noticed(self.mended.repairs, self.execution.incidents, here)
        verdicts = []
        for task in here:
            verdict = with_doubts(verdict_on(task, facts, self.profile, log), self.execution, self.mended.unreadable)
            observations = (*verdict.observations, *notices[task.check_id])
            verdicts.append(verdict.model_copy(update={"observations": observations}))
        return replace(self, verdicts=tuple(verdicts), overrides=overrides)

    def record(self, answers: Mapping[str, str]) -> Record:
        """What is kept of it.

        Args:
            answers: SHA-256 of each free-text answer, by grade id.
        """
        return Record(
            verdicts=self.verdicts,
            answers=dict(answers),
            evidence=tuple(self.execution.facts.evidence.values()),
            transcript=self.execution.facts.transcript,
            incidents=self.execution.incidents,
            repairs=self.mended.repairs,
        )


def verdict_on(task: Task, facts: Facts, profile: Profile, log: Any) -> Verdict:
    """The check's verdict. What a check cannot follow goes to a person: to run it again would change nothing."""
    try:
        return judge(task, facts, profile)
    except Exception as error:
        log.error("The check %s cannot follow what it found", task.check_id, exc_info=error)
        reason = REASONS["bad-evidence"].fill(problem=type(error).__name__)
        name, points = task.check_id, task.points
        return Verdict(task=task.id, check_id=name, points=points, state="review", reasons=(reason,))


def charged_before(record: Record | None, profile: Profile) -> tuple[PromptFacts, ...] | None:
    """The prompts that the checks of the first notebook have judged; None where that is not known.

    Args:
        record: of the first notebook, which is graded before the others; None where it has not been.
    """
    of_prompt = prompt_task(profile)
    verdict = record.verdict(of_prompt.check_id) if record and of_prompt else None
    if of_prompt is not None and (verdict is None or verdict.state != "judged" or _is_cut(record, verdict)):
        return None
    evidence = {each.check_id: each for each in record.evidence} if record else {}
    transcript = record.transcript if record else Transcript()
    return penalised_prompts(Facts(evidence=evidence, transcript=transcript, in_grading=True), profile)


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
            lost and incident.kind in ("time", "budget")
        ):
            reasons += (a_person_looks(INCIDENTS[incident.kind].fill(cell=incident.cell)),)
    return verdict.model_copy(update={"state": "review", "reasons": verdict.reasons + reasons}) if reasons else verdict


def a_person_looks(what: Sentence) -> Sentence:
    return REASONS["a-person-looks"].fill(what=what)
