"""`python -m trials bench`: what grading a class costs with this kit and with stock nbgrader, in the same run.

A made-up class (`students`) is graded by `nbgrader autograde` with this kit, then graded again, and a few of its
submissions by stock nbgrader: its own preprocessors, a kernel that loads its own models and generates its own answers, the
notebooks' own check cells judging inside it. Both must award the points that are due. One thread in every process.

The floor beside them (`floor`) is what a bare loop takes to make the answers of the class, each different one once.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

import nbformat

from autograder.course.profile import FROZEN_NAME
from autograder.facts.transcript import CANNED
from autograder.judging.contract import ASSIGNMENT, load, tasks
from autograder.protocol.echo import ECHO
from autograder.words.terminal import Begin
from trials.bench import kernels as bench_kernels
from trials.bench.floor import Floor, floor_of, requests_of
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
    release_and_hand_in(course, members, begin)
    chosen = stock_sample(members, sample)
    beside = stock_course(course, folder.parent / f"{folder.name}-stock", chosen) if chosen else None
    notebooks = size * len({task.notebook for task in tasks(course.profile)})
    kit = graded(course, size, executions, begin("grade", notebooks))
    wrong = differing(course, members, "this kit")
    again = graded(course, size, executions, begin("grade again", notebooks), "--force")
    wrong += differing(course, members, "this kit, again")
    stock = None
    if beside is not None:
        one = begin("stock", 1)
        stock = graded(beside, len(chosen), autograded, env=IN_PROCESS)
        wrong += differing(beside, chosen, "stock nbgrader") + not_generated(beside)
        one()
    one = begin("floor", 1)
    floor = floor_of(requests_of(course.root), folder / "floor", models)
    one()
    empty = folder / "kernels"
    empty.mkdir()
    kernels = (bench_kernels.warm(models, empty), bench_kernels.ordinary(empty)) if sample else None
    kinds = {kind: sum(m.kind == kind for m in members) for kind in ("letter", "varied", "broken")}
    outcome = Outcome(size, seed, mix, kinds, kit, again, stock, floor, tuple(wrong), kernels)
    outcome.write(folder / "result.json")
    return outcome


def release_and_hand_in(course: ScratchCourse, members: Sequence[Member], begin: Begin) -> None:
    """Makes the release of a scratch course, and puts each submission where `nbgrader collect` would."""
    one = begin("release and hand in", 1 + len(members))
    course.instructor("generate_assignment", ASSIGNMENT)
    one()
    for member in members:
        hand_in(course, member)
        one()


def one_notebook(root: Path, folder: Path, notebook: str, seconds: int = 900) -> Path:
    """A course with one of the notebooks and its tasks, in `folder`, which is made anew.

    Args:
        seconds: what a cell may take.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "source" / ASSIGNMENT).mkdir(parents=True)
    shutil.copy(root / "source" / ASSIGNMENT / f"{notebook}.ipynb", folder / "source" / ASSIGNMENT)
    here = {task.id for task in tasks(load(root / "course.toml")) if task.notebook == notebook}
    head, *used = (root / "course.toml").read_text(encoding="utf-8").split("[[tasks]]")
    head = re.sub(r"^cell_seconds = \d+", f"cell_seconds = {seconds}", head, flags=re.MULTILINE)
    kept = [task for task in used if re.findall(r'^id = "(.+?)"', task, re.MULTILINE)[0] in here]
    (folder / "course.toml").write_text("[[tasks]]".join([head, *kept]), encoding="utf-8")
    return folder


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
    course: ScratchCourse,
    submissions: int,
    count: Callable[[ScratchCourse], int],
    one: Callable[[], None] = lambda: None,
    *options: str,
    env: Mapping[str, str] = MappingProxyType({}),
) -> Graded:
    """Grades what has been handed in with `nbgrader autograde`, and measures it.

    Args:
        count: how many notebooks of the course have been executed so far.
        one: called once for each notebook that this kit has graded.
    """
    before = count(course)
    with Meter() as meter:
        course.instructor("autograde", ASSIGNMENT, *options, each_notebook=one, env={**ONE_THREAD, **env})
    return Graded(submissions, meter.cost, count(course) - before)


def executions(course: ScratchCourse) -> int:
    """How many executions this kit has on record."""
    return len(list((course.root / ".autograder" / "executions").glob("*/*.json")))


def autograded(course: ScratchCourse) -> int:
    """How many notebooks have been graded; stock nbgrader executes each."""
    return len(list((course.root / "autograded").glob(f"*/{ASSIGNMENT}/*.ipynb")))


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
