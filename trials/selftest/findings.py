"""Compares verdicts with what is due: a finding for each that is not.

Right solutions that lost a point, wrong ones that kept one, hints other than expected, mutants that keep all points though
something else reached a model, and verdicts that change with the seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.course.profile import Profile
from autograder.facts.evidence import Challenge
from autograder.facts.transcript import Request
from autograder.facts.verdict import Criterion, Sentence, Verdict
from autograder.grading.records import Record
from autograder.judging.contract import tasks
from autograder.judging.failures import error_text
from autograder.judging.task import Task
from autograder.words.tables import LANGUAGES, say
from trials.classes import Cells
from trials.selftest.hint_rules import given_away, names_a_place
from trials.selftest.library import Solution
from trials.selftest.sharing import Piece

KINDS = (
    "false fail",
    "false pass",
    "wrong hint",
    "wrong state",
    "mutant keeps all",
    "changes with the seed",
    "not graded",
    "solution given away",
    "no place named",
)


@dataclass(frozen=True)
class Submission:
    """One notebook with the pieces that share it: solutions of the library, or mutants."""

    id: str
    notebook: str
    pieces: tuple[Piece, ...] = ()

    @property
    def cells(self) -> Cells:
        return {name: code for piece in self.pieces for name, code in piece.cells.items()}

    @property
    def solutions(self) -> tuple[Solution, ...]:
        return tuple(piece.origin for piece in self.pieces if isinstance(piece.origin, Solution))

    @property
    def mutants(self) -> int:
        return len(self.pieces) - len(self.solutions)


@dataclass(frozen=True)
class Finding:
    """One verdict that is not what is due."""

    kind: str
    solution: str
    task: str
    criterion: str
    detail: str = ""


def compare(submission: Submission, record: Record, profile: Profile) -> list[Finding]:
    """Findings about the solutions of one notebook: every criterion of every task in it."""
    found: list[Finding] = []
    for task in tasks(profile):
        if task.notebook != submission.notebook or task.judged_by != "autograder":
            continue
        about = [s for s in submission.solutions if task.id in {*s.cells, *s.loses}] or list(submission.solutions)
        name = ", ".join(solution.name for solution in about) or submission.id
        verdict = record.verdict(task.check_id)
        if verdict is None:
            found.append(Finding("not graded", name, task.id, "", "there is no verdict"))
            continue
        due_lost = frozenset().union(*(s.loses.get(task.id, frozenset()) for s in submission.solutions))
        found += _criteria_findings(verdict, due_lost, name, task)
        review = any(task.id in solution.review for solution in submission.solutions)
        if (verdict.state == "review") != review:
            found.append(Finding("wrong state", name, task.id, "", verdict.state))
    found += [finding for solution in submission.solutions for finding in _hint_findings(solution, record, profile)]
    return found


def _criteria_findings(verdict: Verdict, due_lost: frozenset[str], name: str, task: Task) -> list[Finding]:
    found = []
    for criterion in verdict.criteria:
        lost = criterion.outcome == "failed" and criterion.points > 0  # `format` is worth nothing by itself
        if lost and criterion.name not in due_lost:
            found.append(Finding("false fail", name, task.id, criterion.name, _said(criterion)))
        elif not lost and criterion.name in due_lost:
            found.append(Finding("false pass", name, task.id, criterion.name, _said(criterion)))
    return found


def _hint_findings(solution: Solution, record: Record, profile: Profile) -> list[Finding]:
    if solution.hint is None or not solution.loses:
        return []
    task_id = next(iter(solution.loses))
    verdict = record.verdict(f"check-{task_id}")
    first = verdict.first_failed if verdict else None
    shown = first.hint if first else None
    if first is None or shown is None or (isinstance(shown, Sentence) and shown.key == f"hints/{solution.hint}"):
        return []
    return [Finding("wrong hint", solution.name, task_id, first.name, f"{solution.hint} expected; {say(shown, 'en')}")]


def compare_hints(submission: Submission, record: Record, secret: frozenset[str], profile: Profile) -> list[Finding]:
    """Findings about any hint of a notebook that holds a piece of the solution, or does not say where to look.

    What was found is the student's own, and so is what Python said of the student's code, so that a hint may quote it.
    """
    found = []
    for task in tasks(profile):
        verdict = record.verdict(task.check_id)
        errors = errors_of(record, task)
        for criterion in verdict.criteria if verdict else ():
            hint, quoted, where = criterion.hint, criterion.found, (submission.id, task.id, criterion.name)
            if hint is None:
                continue
            for language in LANGUAGES:
                said, own = say(hint, language), say(quoted, language) if quoted else ""
                if piece := given_away(without(said, [*errors, own]), secret, profile):
                    found.append(Finding("solution given away", *where, f"{piece} in: {said}"))
                if not names_a_place(said, task):
                    found.append(Finding("no place named", *where, said))
    return found


def errors_of(record: Record, task: Task) -> list[str]:
    """What a hint may quote of the exceptions in a student's own code."""
    seen = [evidence for evidence in record.evidence if evidence.check_id == task.check_id]
    failures = [evidence.raised for evidence in seen]
    failures += [offer.failure for evidence in seen for asked in evidence.challenges for offer in asked.offers]
    return [error_text(failure) for failure in failures if failure]


def without(text: str, pieces: Iterable[str]) -> str:
    for piece in filter(None, pieces):
        text = text.replace(piece, "…")
    return text


def compare_mutants(submission: Submission, record: Record, reference: Record, profile: Profile) -> list[Finding]:
    """A finding for each mutant that keeps every point although something else reached a model, or is in a variable.

    A mutant is judged on the tasks that it shows in, which no other in its notebook shows in: a point lost there is its
    doing, and so is a trace that differs from the reference's.
    """
    found = []
    for piece in submission.pieces:
        here = [task for task in tasks(profile) if task.id in piece.shows_in and task.judged_by == "autograder"]
        verdicts = [record.verdict(task.check_id) for task in here]
        if any(v is None or v.score != v.points or v.state != "judged" for v in verdicts):
            continue
        before, after = traces(reference, here), traces(record, here)
        if differing := sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key)):
            name = ", ".join(sorted(piece.cells))
            found.append(Finding("mutant keeps all", piece.origin.name, name, "", ", ".join(differing)))
    return found


def traces(record: Record, here: Sequence[Task]) -> dict[str, Any]:
    """What a notebook left behind in some tasks, without what chance decides: requests and variables.

    Requests belong to the task whose check is the first to see them. Those after the last check belong to none: they
    come from chains that the checks have asked. The token limit counts in `limit-output` alone, and the device where a
    model is loaded for the first time, so that only `llm` (and `base_llm`) are compared on them, and HF_HOME in its own
    task.
    """
    questions = {c.question for evidence in record.evidence for c in evidence.challenges}
    left: dict[str, Any] = {}
    seen = 0
    for evidence in record.evidence:
        asked = [r for r in record.transcript.own() if seen <= r.number < (evidence.seen or 0)]
        seen = max(seen, evidence.seen or 0)
        if evidence.check_id not in {task.check_id for task in here}:
            continue
        left[f"{evidence.check_id} requests"] = [_asked(request, questions) for request in asked]
        for name, held in evidence.variables.items():
            left[f"{evidence.check_id} {name}"] = (
                held.state,
                held.type,
                held.kinds,
                held.device if name in ("llm", "base_llm") else None,
                held.task,
                held.value,
            )
        left[f"{evidence.check_id} challenges"] = [
            (c.variable, [_asked(r, questions, c.variable == "llm") for r in record.transcript.requests if _of(r, c)])
            for c in evidence.challenges
        ]
        if any(
            not task.variables and task.check_id == evidence.check_id for task in here
        ):  # about the environment alone
            left["HF_HOME"] = evidence.environment.get("HF_HOME", "").rstrip("/")
    return left


def _of(request: Request, challenge: Challenge) -> bool:
    return any(request.number in offer.requests for offer in challenge.offers)


def _asked(request: Request, questions: Iterable[str], with_limit: bool = False) -> tuple[Any, ...]:
    text = request.text
    for question in questions:
        text = text.replace(question, "…")
    names = ("do_sample", "temperature", "top_k", "top_p", "num_beams") + (("max_new_tokens",) if with_limit else ())
    return (request.model, text, tuple(request.settings.get(name) for name in names))


def compare_seeds(submission: Submission, first: Record, again: Record, seed: int) -> list[Finding]:
    """Findings where a criterion's outcome changed with the seed."""

    def outcomes(record: Record) -> Mapping[str, Any]:
        return {f"{v.task} {c.name}": (c.outcome, c.earned, v.state) for v in record.verdicts for c in v.criteria}

    one, other = outcomes(first), outcomes(again)
    name = ", ".join(solution.name for solution in submission.solutions)
    return [
        Finding(
            "changes with the seed",
            name,
            key.split()[0],
            key.split()[1],
            f"seed {seed}: {one.get(key)}, {other.get(key)}",
        )
        for key in one.keys() | other.keys()
        if one.get(key) != other.get(key)
    ]


def _said(criterion: Criterion) -> str:
    return say(criterion.hint or criterion.title, "en")
