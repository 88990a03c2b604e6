"""`python -m trials bench`: what grading a class costs with this kit and with stock nbgrader, in the same run.

A made-up class (`bench_class.py`) is graded by `nbgrader autograde` with this kit, then graded again, and a few of its
submissions by stock nbgrader: its own preprocessors, a kernel that loads its own models and generates its own answers, the
notebooks' own check cells judging inside it. Both must award the points that are due. One thread in every process.

The floor under any grader that has a model answer all that the class asks, each different request once: the tokens of those
answers, divided by the tokens that this machine makes in a second, one request at a time.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nbformat

from autograder.course.profile import FROZEN_NAME
from autograder.errors import NotReady
from autograder.facts.transcript import CANNED, Request
from autograder.grading.records import Records
from autograder.host.control import Host
from autograder.judging.contract import ASSIGNMENT, tasks
from autograder.protocol import wire
from autograder.protocol.echo import ECHO
from autograder.protocol.line import Line
from trials.bench import kernels as bench_kernels
from trials.bench.kernels import KernelCost
from trials.bench.measure import Cost, Meter
from trials.bench.students import Member, Mix, make_class, stock_sample
from trials.classes import write_submission
from trials.demo import ScratchCourse

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
IN_PROCESS = {"AUTOGRADER_VIRTUAL_GPU": "1"}
"""With this a student's own session, and so stock nbgrader's kernel, shows a GPU where there is none."""
STOCK_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = {course!r}
c.Execute.timeout = {seconds!r}
"""
TIMED = 8
"""Requests that are made again to time the model."""

Begin = Callable[[str, int], Callable[[], None]]


@dataclass(frozen=True)
class Graded:
    """One run of `nbgrader autograde` over so many submissions.

    Attributes:
        executed: notebooks that were executed; the code of the others had been before.
    """

    submissions: int
    cost: Cost
    executed: int

    @property
    def each(self) -> float:
        return self.cost.seconds / self.submissions

    @property
    def cpu_each(self) -> float:
        return self.cost.cpu_seconds / self.submissions


@dataclass(frozen=True)
class Floor:
    """The tokens of all different answers of the class, and how fast this machine makes them one at a time."""

    answers: int = 0
    tokens: int = 0
    tokens_per_second: float = 0.0

    @property
    def seconds(self) -> float:
        return self.tokens / self.tokens_per_second if self.tokens_per_second else 0.0


@dataclass(frozen=True)
class Outcome:
    """What a benchmark found.

    Attributes:
        wrong: each score that is not what is due, in words.
        kernels: what a warm kernel costs, and an ordinary one.
    """

    size: int
    seed: int
    mix: Mix
    kinds: dict[str, int]
    kit: Graded
    again: Graded
    stock: Graded | None
    floor: Floor
    wrong: tuple[str, ...] = field(default=())
    kernels: tuple[KernelCost, KernelCost] | None = None

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def run(root: Path, folder: Path, models: Path, size: int, seed: int, mix: Mix, sample: int, begin: Begin) -> Outcome:
    """Makes a class in a scratch folder and grades it; `result.json` beside it holds the outcome.

    Args:
        root: the course whose source notebooks and profile are used.
        models: the model home.
        sample: how many submissions stock nbgrader grades; none when 0.
        begin: as in `demo.run`.
    """
    course = ScratchCourse(folder, root, models)
    members = make_class(size, seed, mix, course.reference(), course.profile)
    one = begin("release and hand in", 1 + size)
    course.instructor("generate_assignment", ASSIGNMENT)
    one()
    for member in members:
        hand_in(course, member)
        one()
    chosen = stock_sample(members, sample)
    beside = stock_course(course, folder.parent / f"{folder.name}-stock", chosen) if chosen else None
    notebooks = len({task.notebook for task in tasks(course.profile)})
    kit = graded(course, size, begin("grade", size * notebooks))
    wrong = differing(course, members, "this kit")
    again = graded(course, size, begin("grade again", size * notebooks), "--force")
    wrong += differing(course, members, "this kit, again")
    stock = None
    if beside is not None:
        stock = graded(beside, len(chosen), begin("stock", len(chosen) * notebooks), env=IN_PROCESS)
        wrong += differing(beside, chosen, "stock nbgrader") + not_generated(beside)
    one = begin("floor", 1)
    floor = floor_of(requests_of(course), folder / "speed", models)
    one()
    empty = folder / "kernels"
    empty.mkdir()
    kernels = (bench_kernels.warm(models, empty), bench_kernels.ordinary(empty)) if sample else None
    kinds = {kind: sum(m.kind == kind for m in members) for kind in ("letter", "varied", "broken")}
    outcome = Outcome(size, seed, mix, kinds, kit, again, stock, floor, tuple(wrong), kernels)
    outcome.write(folder / "result.json")
    return outcome


def hand_in(course: ScratchCourse, member: Member) -> None:
    """Puts a submission where `nbgrader collect` would, with all that was released beside the notebooks."""
    to = course.root / "submitted" / member.student.id / ASSIGNMENT
    write_submission(course.release, to, member.student)
    shutil.copy(course.release / FROZEN_NAME, to)


def stock_course(course: ScratchCourse, folder: Path, chosen: Sequence[Member]) -> ScratchCourse:
    """A copy of an ungraded course with some of its submissions and none of our settings."""
    twin = course.twin(folder)
    kept = {member.student.id for member in chosen}
    for path in (twin.root / "submitted").iterdir():
        if path.name not in kept:
            shutil.rmtree(path)
    text = STOCK_CONFIG.format(course=course.profile.course.id, seconds=course.profile.limits.cell_seconds)
    (twin.root / "nbgrader_config.py").write_text(text, encoding="utf-8")
    return twin


def graded(
    course: ScratchCourse, submissions: int, one: Callable[[], None], *options: str, env: dict[str, str] | None = None
) -> Graded:
    """Grades what has been handed in with `nbgrader autograde`, and measures it."""
    executed = 0

    def follow(line: str) -> None:
        nonlocal executed
        if "] Autograding " in line:
            executed += 1
            one()
        elif "has been executed before" in line:
            executed -= 1

    with Meter() as meter:
        course.instructor("autograde", ASSIGNMENT, *options, each_line=follow, env={**ONE_THREAD, **(env or {})})
    return Graded(submissions, meter.cost, executed)


def differing(course: ScratchCourse, members: Iterable[Member], grader: str) -> list[str]:
    """Every score of the autograder's tasks that is not what is due, in words."""
    scores = course.scores()
    found = []
    for member in members:
        given = scores.get(member.student.id, {})
        for check_id, due in member.student.points.items():
            score = given.get(check_id)
            if score is None or abs(score - due) > 1e-6:
                found.append(
                    f"{grader}: {member.student.id} ({member.student.story}), {check_id}: {score}, due {due:g}"
                )
    return found


def not_generated(course: ScratchCourse) -> list[str]:
    """Notebooks in whose outputs a canned text stands instead of a model's."""
    canned = (ECHO.format(mark="").strip(), CANNED)
    found = []
    for path in sorted((course.root / "autograded").glob(f"*/{ASSIGNMENT}/*.ipynb")):
        outputs = [output for cell in nbformat.read(path, as_version=4).cells for output in cell.get("outputs", [])]
        if not outputs or any(text in json.dumps(output) for output in outputs for text in canned):
            found.append(f"{path.parent.parent.name}, {path.stem}: no model was asked")
    return found


def requests_of(course: ScratchCourse) -> list[Request]:
    """The requests of the whole class that a model had to answer, each different one (with its answer) once."""
    records = Records(course.root)
    found: dict[str, Request] = {}
    for path in sorted((course.root / "verdicts" / ASSIGNMENT).glob("*/*.json")):
        record = records.read(ASSIGNMENT, path.parent.name, path.stem)
        for request in record.transcript.own() if record else ():
            if request.error is None and any(request.output_ids):
                what = [request.model, request.token_ids, request.settings, request.output_ids]
                found.setdefault(json.dumps(what, sort_keys=True), request)
    return list(found.values())


def floor_of(requests: Sequence[Request], folder: Path, models: Path) -> Floor:
    """The floor under grading these requests; a sample of them is made again, by a host of its own, to time the model."""
    if not requests:
        return Floor()
    tokens = sum(len(output) for request in requests for output in request.output_ids)
    usual = [request for request in requests if not request.settings.get("stop_strings")] or list(requests)
    timed = usual[:: max(1, len(usual) // TIMED)][:TIMED]
    return Floor(len(requests), tokens, tokens_per_second(timed, folder, models))


def tokens_per_second(requests: Sequence[Request], folder: Path, models: Path) -> float:
    """New tokens a second, one request at a time, on one thread, loading not counted."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    host = Host.started(folder, models, threads=1)
    try:
        visit = host.open(wire.Open(label="timing"))
        for model in dict.fromkeys(request.model for request in requests):
            warm = next(request for request in requests if request.model == model)
            _ask(visit.socket, warm, {**warm.settings, "max_new_tokens": 2})
        before = host.status()
        for request in requests:
            _ask(visit.socket, request, request.settings)
        after = host.status()
        visit.close()
    finally:
        host.end()
    return (after.tokens - before.tokens) / (after.seconds - before.seconds)


def _ask(socket: str, request: Request, settings: dict[str, object]) -> None:
    row = list(request.token_ids)
    line = Line(socket, timeout=600)
    try:
        reply = line.ask(wire.Generate(model=request.model, rows=[row], mask=[[1] * len(row)], settings=settings))
    finally:
        line.close()
    if isinstance(reply, wire.Refused):
        raise NotReady(f"{request.model} could not be timed: {reply.message}")
