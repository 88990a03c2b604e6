"""From evidence and transcript to a verdict, for one task. Pure functions; no torch, LangChain or nbgrader.

A chain is judged by what reached the model when the check asked it a question of its own; an answer by whether it is
the output of a right request that the notebook made. A mistake from an earlier task is told, and not charged again:
what the student's own `prompt` makes of a question is as right, for later tasks, as what the task's prompt makes of it.
What is judged in a task stands in its own file (`tasks/`).
"""

from __future__ import annotations

from collections.abc import Iterable

from autograder.course.profile import Profile
from autograder.facts.evidence import Facts, PromptFacts
from autograder.facts.verdict import Criterion, Verdict
from autograder.judging import already_penalised, answers
from autograder.judging.case import Case
from autograder.judging.contract import tasks
from autograder.judging.task import Task
from autograder.words.checks import EXPECTED, FOUND, REASONS, TITLES
from autograder.words.hints import HINTS


def judge(task: Task, facts: Facts, profile: Profile) -> Verdict:
    """The verdict on one task that the autograder judges.

    No evidence, no points: then one criterion says so. A fault on the grader's side makes the verdict `not judged`, and
    what could not be told makes it `review`, with the points proposed.
    """
    evidence = facts.evidence.get(task.check_id)
    verdict = Verdict(task=task.id, check_id=task.check_id, points=task.points)
    if facts.in_grading and facts.transcript.faults:
        reason = REASONS["fault"].fill(fault=facts.transcript.faults[0])
        return verdict.model_copy(update={"state": "not judged", "reasons": (reason,)})
    if evidence is None:
        return verdict.model_copy(update={"criteria": (_no_evidence(task),)})
    case = Case(task, evidence, facts, profile, tasks(profile))
    criteria = tuple(task.defined.criteria(case))
    chain = task.own("chain")
    if chain and _chain_left_over(case, chain, criteria):
        criteria = tuple(_as_left_over(c, chain) for c in criteria)
    if facts.in_grading and any(c.outcome == "unknown" for c in criteria):
        case.reasons.append(REASONS["not-known"])
        criteria = tuple(c.model_copy(update={"earned": c.points}) if c.outcome == "unknown" else c for c in criteria)
    return verdict.model_copy(
        update={
            "state": "review" if case.reasons else "judged",
            "criteria": criteria,
            "observations": tuple(dict.fromkeys(case.observations)),
            "reasons": tuple(dict.fromkeys(case.reasons)),
        }
    )


def prompt_task(profile: Profile) -> Task | None:
    """The task that asks for `prompt`, if it is in use: what is wrong with it costs there, and in no other notebook."""
    return already_penalised.of_prompt(tasks(profile))


def penalised_prompts(facts: Facts, profile: Profile) -> tuple[PromptFacts, ...]:
    """What `prompt` was wherever a check of its own notebook has judged it. `facts` are all of that notebook."""
    return answers.penalised_prompts(facts, profile, tasks(profile))


def _chain_left_over(case: Case, name: str, criteria: Iterable[Criterion]) -> bool:
    """Whether the chain is the very object of an earlier task, and does not do what sets this task apart."""
    apart = case.task.defined.set_apart_by
    if apart is None or all(c.outcome == "passed" for c in criteria if c.name == apart):
        return False
    mine = case.variable(name).identity
    return mine != 0 and any(
        held.identity == mine
        for evidence in case.before()
        if (task := already_penalised.of_check(evidence.check_id, case.tasks))
        for other, held in evidence.variables.items()
        if task.holds(other) == "chain"
    )


def _as_left_over(criterion: Criterion, name: str) -> Criterion:
    hint = HINTS["left-over"].fill(variable=name)
    found = criterion.found or FOUND["left-over"].fill(variable=name)
    expected = criterion.expected or FOUND["own"].fill(variable=name)
    update = {"outcome": "failed", "earned": 0.0, "hint": hint, "found": found, "expected": expected, "note": None}
    return criterion.model_copy(update=update)


def _no_evidence(task: Task) -> Criterion:
    return Criterion(
        name="evidence",
        title=TITLES["evidence"],
        points=task.points,
        earned=0.0,
        outcome="failed",
        expected=EXPECTED["checked"],
        found=FOUND["nothing"],
        hint=HINTS["no-evidence"],
    )
