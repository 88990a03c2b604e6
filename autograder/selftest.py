"""`autograder selftest`: grades a library of solutions through the whole real path, and says where a verdict is not due.

Right solutions that lost a point, wrong ones that kept one, hints other than expected, mutants that keep all points though
something else reached a model, and verdicts that change with the seed. Solutions without influence on each other share a
notebook, so that a kernel's start serves several. Every notebook goes through `nbgrader autograde` with real kernels and
tiny models; courses are graded side by side, one process each.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .classes import Cells, Student, write_submission
from .contract import ASSIGNMENT, Task, tasks
from .demo import ScratchCourse
from .library import Solution
from .library_right import RIGHT
from .library_wrong import WRONG
from .mutants import Mutant, mutants
from .profile import Profile
from .records import Record, Records
from .tiny import TinyModel, make_model_home
from .transcript import Request
from .verdict import Criterion, Verdict
from .words import HINTS

SEED_SAMPLE = 8
"""Notebooks that are graded again with each further seed."""


KINDS = (
    "false fail",
    "false pass",
    "wrong hint",
    "wrong state",
    "mutant keeps all",
    "changes with the seed",
    "not graded",
)


@dataclass(frozen=True)
class Submission:
    """One notebook with the solutions that share it."""

    id: str
    notebook: str
    cells: Cells
    solutions: tuple[Solution, ...] = ()
    mutant: Mutant | None = None


@dataclass(frozen=True)
class Finding:
    """One verdict that is not what is due."""

    kind: str
    solution: str
    task: str
    criterion: str
    detail: str = ""


@dataclass
class Outcome:
    """What a selftest found.

    Attributes:
        seconds: by check id, the seconds that each probe took.
    """

    right: int = 0
    wrong: int = 0
    mutants: int = 0
    notebooks: int = 0
    findings: list[Finding] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def median_seconds(self) -> dict[str, float]:
        return {name: statistics.median(values) for name, values in self.seconds.items()}


def pack(solutions: Iterable[Solution], profile: Profile, prefix: str) -> list[Submission]:
    """Puts solutions into as few notebooks as they allow: those about different tasks share one.

    A solution that is `alone`, or whose tasks lie in several notebooks, gets its own (one for each notebook).
    """
    open_ones: dict[str, list[list[Solution]]] = {}
    for solution in solutions:
        if not solution.fits(profile):
            continue
        touched = {*solution.cells, *solution.loses}
        for notebook in sorted(solution.notebooks(profile)):
            shelves = open_ones.setdefault(notebook, [])
            shared = solution.alone or len(solution.notebooks(profile)) > 1
            for shelf in [] if shared else shelves:
                if not any(other.alone or touched & {*other.cells, *other.loses} for other in shelf):
                    shelf.append(solution)
                    break
            else:
                shelves.append([solution])
    return [
        Submission(
            id=f"{prefix}-{notebook}-{number:03}",
            notebook=notebook,
            cells={name: code for solution in shelf for name, code in solution.written(profile).items()},
            solutions=tuple(shelf),
        )
        for notebook, shelves in sorted(open_ones.items())
        for number, shelf in enumerate(shelves)
    ]


def mutated(reference: Cells, profile: Profile) -> list[Submission]:
    """A submission for each mutant of the judged cells."""
    judged = {task.id: task for task in tasks(profile) if task.judged_by == "autograder"}
    variables = frozenset(name for task in judged.values() for name in task.variables)
    cells = {name: source for name, source in reference.items() if name in judged}
    return [
        Submission(f"mutant-{number:03}", judged[mutant.cell].notebook, {mutant.cell: mutant.source}, mutant=mutant)
        for number, mutant in enumerate(mutants(cells, variables))
    ]


def model_home(folder: Path, profile: Profile) -> Path:
    """A model home with a tiny model under each name of the profile, of the family that the name speaks of."""
    made: dict[str, TinyModel] = {}
    for role in profile.roles_in_use():
        name = profile.model(role).name
        made[name] = TinyModel("gemma" if "gemma" in name.lower() else "llama", role != "base")
    make_model_home(folder, made)
    return folder


def grade(
    course: ScratchCourse,
    submissions: Sequence[Submission],
    reference: Cells,
    one: Callable[[], None],
    seed: int | None,
) -> dict[str, Record]:
    """Grades submissions in one course with `nbgrader autograde`; answers their records by submission id."""
    for submission in submissions:
        folder = course.root / "submitted" / submission.id / ASSIGNMENT
        write_submission(course.release, folder, Student(submission.id, "", {**reference, **submission.cells}))
        for path in folder.glob("*.ipynb"):
            if path.stem != submission.notebook:
                path.unlink()

    def follow(line: str) -> None:
        if "] Autograding " in line:
            one()

    env = {} if seed is None else {"AUTOGRADER_SEED": str(seed)}
    course.instructor("autograde", ASSIGNMENT, each_line=follow, env=env)
    records = Records(course.root)
    return {s.id: records.read(ASSIGNMENT, s.id, s.notebook) or Record() for s in submissions}


def run(
    root: Path,
    folder: Path,
    profile_path: Path | None,
    seeds: int,
    jobs: int,
    begin: Callable[[str, int], Callable[[], None]],
    only: str = "",
) -> Outcome:
    """Grades the library and the mutants, and compares each verdict with what is due.

    Args:
        root: the course whose source notebooks and profile are tested.
        folder: a scratch folder.
        seeds: how many seeds; with each after the first, a sample is graded again.
        jobs: courses graded side by side, one thread each.
        begin: as in `demo.run`.
        only: a piece of a solution's name; others are left out.
    """
    shutil.rmtree(folder, ignore_errors=True)
    course = ScratchCourse(folder / "0", root, folder / "models", profile_path)
    profile, reference = course.profile, course.reference()
    model_home(folder / "models", profile)
    course.instructor("generate_assignment", ASSIGNMENT)
    base = [Submission(f"reference-{n}", n, {}) for n in sorted({t.notebook for t in tasks(profile)})]
    library = pack(_named(RIGHT, only), profile, "right") + pack(_named(WRONG, only), profile, "wrong")
    changed = [] if only else mutated(reference, profile)
    everything = base + library + changed
    records = _side_by_side(course, everything, reference, jobs, begin("grade", len(everything)), None)
    outcome = Outcome(
        right=sum(s.fits(profile) for s in _named(RIGHT, only)),
        wrong=sum(s.fits(profile) for s in _named(WRONG, only)),
        mutants=len(changed),
        notebooks=len(everything),
    )
    for submission in base + library:
        outcome.findings += compare(submission, records[submission.id], profile)
    for submission in changed:
        reference_record = records[f"reference-{submission.notebook}"]
        outcome.findings += compare_mutant(submission, records[submission.id], reference_record, profile)
    for record in records.values():
        for evidence in record.evidence:
            outcome.seconds.setdefault(evidence.check_id, []).append(evidence.seconds)
    sample = library[:: max(1, len(library) // SEED_SAMPLE)][:SEED_SAMPLE]
    for seed in range(1, seeds):
        again = _side_by_side(course, sample, reference, jobs, begin(f"seed {seed + 1}", len(sample)), seed)
        for submission in sample:
            outcome.findings += compare_seeds(submission, records[submission.id], again[submission.id], seed)
    return outcome


def _named(solutions: Iterable[Solution], only: str) -> list[Solution]:
    return [solution for solution in solutions if only in solution.name]


def _side_by_side(
    course: ScratchCourse,
    submissions: Sequence[Submission],
    reference: Cells,
    jobs: int,
    one: Callable[[], None],
    seed: int | None,
) -> dict[str, Record]:
    """Deals the submissions out to copies of the course, each with a gradebook of its own."""
    shares = [submissions[number::jobs] for number in range(jobs)]
    twins = [course.twin(course.folder.parent / f"seed{seed or 0}-{number}") for number in range(jobs)]
    with ThreadPoolExecutor(jobs) as pool:
        graded = pool.map(lambda pair: grade(pair[0], pair[1], reference, one, seed), zip(twins, shares, strict=True))
        return {name: record for part in graded for name, record in part.items()}


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
    if first is None or first.hint is None or _is_hint(first.hint.en, solution.hint):
        return []
    return [Finding("wrong hint", solution.name, task_id, first.name, f"{solution.hint} expected; {first.hint.en}")]


def _is_hint(text: str, key: str) -> bool:
    """Whether a text is this hint, whatever its blanks were filled with."""
    rest = text
    for piece in _pieces(HINTS[key].en):
        _, found, rest = rest.partition(piece)
        if not found:
            return False
    return True


def _pieces(template: str) -> list[str]:
    pieces, inside = [""], False
    for letter in template:
        if letter == "{":
            inside = True
            pieces.append("")
        elif letter == "}":
            inside = False
        elif not inside:
            pieces[-1] += letter
    return [piece for piece in pieces if piece]


def compare_mutant(submission: Submission, record: Record, reference: Record, profile: Profile) -> list[Finding]:
    """A finding where a mutant keeps every point although something else reached a model, or is in a variable."""
    here = [task for task in tasks(profile) if task.notebook == submission.notebook and task.judged_by == "autograder"]
    verdicts = [record.verdict(task.check_id) for task in here]
    if any(v is None or v.score != v.points or v.state != "judged" for v in verdicts):
        return []
    before, after = traces(reference, here), traces(record, here)
    if before == after or submission.mutant is None:
        return []
    differing = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    return [Finding("mutant keeps all", submission.mutant.name, submission.mutant.cell, ", ".join(sorted(differing)))]


def traces(record: Record, here: Sequence[Task]) -> dict[str, Any]:
    """What a notebook left behind, without what chance decides: requests and variables.

    The token limit counts in `limit-output` alone, and the device where a model is loaded for the first time, so that only
    `llm` (and `base_llm`) are compared on them.
    """
    questions = {c.question for evidence in record.evidence for c in evidence.challenges}
    left: dict[str, Any] = {"requests": [_asked(request, questions) for request in record.transcript.own()]}
    for evidence in record.evidence:
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
        left[f"{evidence.check_id} environment"] = evidence.environment.get("HF_HOME", "").rstrip("/")
    return left


def _of(request: Request, challenge: Any) -> bool:
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
    return criterion.hint.en if criterion.hint else criterion.title.en
