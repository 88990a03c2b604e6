"""Runs the tests on the GPU, then each class in each way."""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder.course.profile import Profile
from autograder.errors import NotReady
from autograder.grading.doctor import TRIED
from autograder.grading.early_start import first_model
from autograder.host.control import Host
from autograder.jail.kernels import Kernels
from autograder.jail.limits import Level
from autograder.judging.contract import load, tasks
from autograder.protocol.model_cache import snapshot_files
from autograder.words.terminal import Begin
from trials.bench.floor import PROCESSES, Floor, floor_of, requests_of
from trials.bench.measure import Cost
from trials.bench.run import differing, executions, graded, release_and_hand_in
from trials.bench.students import Member, Mix, make_class
from trials.demo import ScratchCourse
from trials.gpu_check.device import GpuMemory, gpu_name, limited, versions
from trials.models.random_weights import SHAPES, Shape, Shapes, make_random_home

CHECKOUT = Path(__file__).resolve().parents[2]
SEED = 1
MIX: Mix = "usual"
SIZES = (30, 300)


@dataclass(frozen=True)
class Ran:
    """One class graded in one way.

    Attributes:
        together: whether requests shared batches; else one was answered at a time.
        requests, tokens: that the host generated.
        gpu_gb: the most memory of the GPU that was taken meanwhile, in gigabytes; None where there is no GPU.
        dropped: models dropped since memory ran out.
        lost: requests that could not be answered for a reason of the machine's.
        wrong: each score that is not what is due, in words.
    """

    size: int
    together: bool
    cost: Cost
    requests: int
    tokens: int
    gpu_gb: float | None
    dropped: int
    lost: int
    wrong: tuple[str, ...]

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.cost.seconds


@dataclass(frozen=True)
class GpuTests:
    """What became of the tests marked `gpu`: pytest's own last line, and whether none failed."""

    said: str
    passed: bool


@dataclass(frozen=True)
class Found:
    """What the command found.

    Attributes:
        device: the GPU's name, or None.
        isolation: the jail that the kernels had.
        versions: of what an answer depends on, by name.
        floors: of a bare loop over the answers of each class, by its size.
    """

    date: str
    device: str | None
    shapes: Shapes
    limit_gb: float
    isolation: Level
    processors: int
    versions: dict[str, str]
    tests: GpuTests
    runs: tuple[Ran, ...]
    floors: dict[int, Floor]

    @property
    def well(self) -> bool:
        """Whether nothing failed, and every score was what was due."""
        return self.tests.passed and not any(run.wrong or run.lost for run in self.runs)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def run(
    root: Path, folder: Path, embedded: Path, shapes: Shapes, sizes: Sequence[int], limit_gb: float, begin: Begin
) -> Found:
    """Runs the tests, then each class in each way, in scratch courses of their own; `result.json` holds what was found.

    Args:
        root: the course whose source notebooks and profile are used.
        embedded: a model home with the embedded model under the profile's names.
        limit_gb: memory of the GPU that the model host may take, in gigabytes.

    Raises:
        NotReady: Llama's shapes were asked for where there is no GPU, or a model's tokenizer is missing.
    """
    device = gpu_name()
    if device is None and shapes == "llama":
        raise NotReady("there is no GPU here that torch can use: `--shapes tiny` tries the command on a processor")
    folder.mkdir(parents=True, exist_ok=True)
    one = begin("tests on the GPU", 1)
    tests = gpu_tests()
    one()
    home, profile = folder / f"models-{shapes}", load(root / "course.toml")
    wanted = shapes_for(profile, shapes)
    make_random_home(home, embedded, wanted, begin("models", len(wanted)))
    isolation = best_isolation(home, folder)
    profile_with(isolation, root / "course.toml", folder / "course.toml")
    with limited(limit_gb):
        measured = [class_measured(root, folder, home, size, begin) for size in sizes]
    found = Found(
        date=datetime.date.today().isoformat(), device=device, shapes=shapes, limit_gb=limit_gb, isolation=isolation,
        processors=len(os.sched_getaffinity(0)), versions=versions(), tests=tests,
        runs=tuple(ran for runs, _ in measured for ran in runs),
        floors={size: floor for size, (_, floor) in zip(sizes, measured, strict=True)},
    )  # fmt: skip
    found.write(folder / "result.json")
    return found


def class_measured(root: Path, folder: Path, home: Path, size: int, begin: Begin) -> tuple[list[Ran], Floor]:
    """One class, one request at a time and then together, each in a course of its own; and the floor under it."""
    ungraded = ScratchCourse(folder / f"class-{size}", root, home, folder / "course.toml")
    members = make_class(size, SEED, MIX, ungraded.reference(), ungraded.profile)
    release_and_hand_in(ungraded, members, begin)
    alone, together = (ungraded.twin(folder / f"class-{size}-{way}") for way in ("alone", "together"))
    runs = [class_graded(alone, members, False, begin), class_graded(together, members, True, begin)]
    loops = PROCESSES if gpu_name() is None else 1
    return runs, floor_of(requests_of(together.root), folder / "floor", home, loops)


def class_graded(course: ScratchCourse, members: Sequence[Member], together: bool, begin: Begin) -> Ran:
    """Grades an ungraded class with a host that is there already, and measures it."""
    size, notebooks = len(members), len({task.notebook for task in tasks(course.profile)})
    one = begin(f"{size} students, {'together' if together else 'one at a time'}", size * notebooks)
    host = started(course, together)
    try:
        with GpuMemory() as gpu:
            cost = graded(course, size, executions, one).cost
        counts = host.status()
    finally:
        host.end()
    wrong = tuple(differing(course, members, "this kit"))
    return Ran(
        size, together, cost, counts.generated, counts.tokens, gpu.peak_gb, counts.dropped, counts.lost, wrong
    )  # fmt: skip


def started(course: ScratchCourse, together: bool) -> Host:
    """A host where `nbgrader autograde` finds it, begun as a run begins its own: what generates is there."""
    first = first_model(course.profile)
    return Host.started(course.root, course.model_home, shared=True, first=first, batch=None if together else 1)


def shapes_for(profile: Profile, shapes: Shapes) -> dict[str, Shape]:
    """The shape of each model of a profile, by its name: the large model's for its own, the small one's for the others."""
    names = {role: profile.model(role).name for role in profile.roles_in_use()}
    return {name: SHAPES[shapes]["large" if role == "large" else "small"] for role, name in names.items()}


def profile_with(isolation: Level, profile: Path, to: Path) -> None:
    """Writes a profile with another jail."""
    text = profile.read_text(encoding="utf-8")
    to.write_text(
        re.sub('^isolation = "[a-z]+"', f'isolation = "{isolation}"', text, flags=re.MULTILINE), encoding="utf-8"
    )


def best_isolation(home: Path, folder: Path) -> Level:
    """The strictest jail that this machine has: a container may refuse the strictest one, and speed is what is asked here."""
    kernels = Kernels.started(home, folder / "kernels.log")
    levels: tuple[Level, ...] = ("full", "landlock")
    try:
        files = snapshot_files(kernels.home)
        return next((level for level in levels if kernels.refusal(level, TRIED, files) is None), "none")
    finally:
        kernels.end()


def gpu_tests() -> GpuTests:
    """Runs the tests marked `gpu`; without a GPU they are skipped, and say so."""
    marked = [path for path in sorted(CHECKOUT.glob("tests/**/test_*.py")) if "@pytest.mark.gpu" in path.read_text()]
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", *map(str, marked)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    last = (done.stdout.strip() or done.stderr.strip() or "nothing was said").splitlines()[-1]
    return GpuTests(last.strip("= "), done.returncode == 0)
