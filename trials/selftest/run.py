"""`python -m trials selftest`: grades a library of solutions through the whole real path, and says where a verdict is not due.

Those without influence on each other share a notebook (`sharing.py`). Every notebook goes through `nbgrader autograde` with
real kernels and tiny models; courses are graded side by side, one process each. `findings.py` says what is wrong.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from autograder.course.profile import Profile
from autograder.grading.records import Record, Records
from autograder.judging.contract import ASSIGNMENT, tasks
from autograder.words.terminal import Begin
from trials.classes import Cells, Student
from trials.demo import ScratchCourse
from trials.models.tiny import TinyModel, make_model_home
from trials.selftest.findings import Finding, Submission, compare, compare_hints, compare_mutants, compare_seeds
from trials.selftest.hint_rules import pieces_of
from trials.selftest.mutants import mutants
from trials.selftest.sharing import Piece, Sharing, pack
from trials.selftest.solutions import RIGHT, WRONG

SEED_SAMPLE = 8
"""Notebooks that are graded again with each further seed."""


@dataclass
class Outcome:
    """What a selftest found.

    Attributes:
        seconds: by check id, the seconds that each probe took.
        notebooks: how many were graded, those with further seeds included.
        minutes: for everything.
    """

    right: int = 0
    wrong: int = 0
    mutants: int = 0
    notebooks: int = 0
    minutes: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def median_seconds(self) -> dict[str, float]:
        return {name: statistics.median(values) for name, values in self.seconds.items()}


def submissions_for(pieces: Iterable[Piece], prefix: str) -> list[Submission]:
    """A submission for each notebook that the pieces need."""
    return [
        Submission(f"{prefix}-{packed[0].notebook}-{number:03}", packed[0].notebook, tuple(packed))
        for number, packed in enumerate(pack(pieces))
    ]


def library_pieces(sharing: Sharing, only: str = "") -> list[Piece]:
    """The library's solutions, right and wrong, with `only` in their names."""
    right = [piece for solution in RIGHT if only in solution.name for piece in sharing.of_solution(solution, True)]
    wrong = [piece for solution in WRONG if only in solution.name for piece in sharing.of_solution(solution, False)]
    return right + wrong


def mutant_pieces(sharing: Sharing) -> list[Piece]:
    """The mutants of the judged cells."""
    judged = [task for task in sharing.by_id.values() if task.judged_by == "autograder"]
    variables = frozenset(name for task in judged for name in task.variables)
    cells = {task.id: sharing.reference[task.id] for task in judged}
    return [sharing.of_mutant(mutant) for mutant in mutants(cells, variables)]


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
    echo: bool,
) -> dict[str, Record]:
    """Grades submissions in one course with `nbgrader autograde`; returns their records by submission id.

    Args:
        echo: have every request answered with a canned text; else the models are asked.
    """
    for submission in submissions:
        student = Student(submission.id, "", {**reference, **submission.cells})
        course.hand_in(student, submission.notebook)
    env = {"OMP_NUM_THREADS": "1", "AUTOGRADER_ECHO": "1" if echo else ""}
    env |= {} if seed is None else {"AUTOGRADER_SEED": str(seed)}
    course.instructor("autograde", ASSIGNMENT, each_notebook=one, env=env)
    records = Records(course.root, ASSIGNMENT)
    return {s.id: records.read(s.id, s.notebook) or Record() for s in submissions}


def run(
    root: Path,
    folder: Path,
    profile_path: Path | None,
    seeds: int,
    jobs: int,
    begin: Begin,
    only: str = "",
    sample_only: bool = False,
    echo: bool = True,
) -> Outcome:
    """Grades the library and the mutants, and compares each verdict with what is due.

    Args:
        root: the course whose source notebooks and profile are tested.
        folder: a scratch folder.
        seeds: how many seeds; with each after the first, a sample is graded again.
        jobs: courses graded side by side, one thread each.
        begin: as in `demo.run`.
        only: a piece of a solution's name; others are left out, and so are mutants.
        sample_only: whether the sample is all that is graded, with every seed.
        echo: whether requests are answered with a canned text; with a further seed the models are asked in any case.
    """
    began = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    course = ScratchCourse(folder / "0", root, folder / "models", profile_path)
    profile, reference = course.profile, course.reference()
    model_home(folder / "models", profile)
    course.instructor("generate_assignment", ASSIGNMENT)
    sharing = Sharing(profile, reference)
    library = submissions_for(library_pieces(sharing, only), "library")
    answerable = [each for each in library if not any(solution.needs_text for solution in each.solutions)]
    sample = answerable[:: max(1, len(answerable) // SEED_SAMPLE)][:SEED_SAMPLE]
    library = library if echo else answerable
    mutated = [] if only or sample_only else submissions_for(mutant_pieces(sharing), "mutants")
    everything = references(profile) + (sample if sample_only else library) + mutated
    records = _side_by_side(course, everything, reference, jobs, begin("grade", len(everything)), None, echo)
    outcome = judged(everything, records, sharing)
    for seed in range(1, seeds):
        outcome.notebooks += len(sample)
        again = _side_by_side(course, sample, reference, jobs, begin(f"seed {seed + 1}", len(sample)), seed, False)
        for submission in sample:
            outcome.findings += compare_seeds(submission, records[submission.id], again[submission.id], seed)
    outcome.minutes = (time.monotonic() - began) / 60
    return outcome


def references(profile: Profile) -> list[Submission]:
    """The reference solution, as a submission for each notebook."""
    return [Submission(f"reference-{name}", name) for name in sorted({task.notebook for task in tasks(profile)})]


def judged(submissions: Sequence[Submission], records: Mapping[str, Record], sharing: Sharing) -> Outcome:
    """What there is to say of graded notebooks."""
    profile = sharing.profile
    solutions = {solution.name: solution for submission in submissions for solution in submission.solutions}
    names = [task.id for task in sharing.by_id.values() if task.judged_by == "autograder"]
    secret = pieces_of(sharing.reference[name] for name in names)
    outcome = Outcome(
        right=sum(solution.name in solutions for solution in RIGHT),
        wrong=sum(solution.name in solutions for solution in WRONG),
        notebooks=len(submissions),
    )
    for submission in submissions:
        record = records[submission.id]
        if submission.mutants:
            reference_record = records[f"reference-{submission.notebook}"]
            outcome.mutants += submission.mutants
            outcome.findings += compare_mutants(submission, record, reference_record, profile)
        else:
            outcome.findings += compare(submission, record, profile)
        outcome.findings += compare_hints(submission, record, secret, profile)
        for evidence in record.evidence:
            outcome.seconds.setdefault(evidence.check_id, []).append(evidence.seconds)
    return outcome


def _side_by_side(
    course: ScratchCourse,
    submissions: Sequence[Submission],
    reference: Cells,
    jobs: int,
    one: Callable[[], None],
    seed: int | None,
    echo: bool,
) -> dict[str, Record]:
    """Deals the submissions out to copies of the course, each with a gradebook of its own."""
    shares = [submissions[number::jobs] for number in range(jobs)]
    twins = [course.twin(course.folder.parent / f"seed{seed or 0}-{number}") for number in range(jobs)]
    with ThreadPoolExecutor(jobs) as pool:
        graded = pool.map(
            lambda pair: grade(pair[0], pair[1], reference, one, seed, echo), zip(twins, shares, strict=True)
        )
        return {name: record for part in graded for name, record in part.items()}
