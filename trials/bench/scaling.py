"""`python -m trials bench-scaling`: a class of thousands through the whole run but for executing, which is stubbed (`stubbed`).

What it shows: whether a submission takes as much time, memory and questions to the gradebook at the end of a run as at its
beginning; what a submission costs beside being executed; how many bytes one notebook is on its way; and what the other steps of a
graded course take then.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from pydantic import TypeAdapter
from sqlalchemy import make_url

from autograder.grading.execution_pool import WINDOW
from autograder.judging.contract import ASSIGNMENT
from autograder.submissions.cells import marks_of
from autograder.words.terminal import Begin
from trials.bench.measure import Meter
from trials.bench.run import ONE_THREAD, hand_in
from trials.bench.stubbed import MARK
from trials.bench.students import Member, make_class
from trials.demo import ScratchCourse

CHECKOUT = Path(__file__).resolve().parents[2]
TEMPLATES = 12
"""Students who are graded for real; everybody in the class has the code of one of them."""
WITHOUT, LATE = 2, 3
"""Which of them has not handed in one of the notebooks, and which comes too late."""
DUE, IN_TIME, TOO_LATE = datetime(2026, 11, 25), "2026-11-24 12:00:00 UTC", "2026-11-26 12:00:00 UTC"
PART = 500
"""Submissions at the beginning, and at the end, that are compared."""
FLAT = 1.2
"""How many times the first part the last one may be."""
NO_HELPERS = {"AUTOGRADER_HELPERS": ""}
"""Keeps host and kernels from being started where nobody will ask for them."""
CONFIG = """
import sys
sys.path.insert(0, {checkout!r})
from trials.bench import stubbed
c.CourseDirectory.db_url = {db_url!r}
{call}
"""


@dataclass(frozen=True)
class How:
    """How a class is graded.

    Attributes:
        db_url: of an empty database for the gradebook; a SQLite file in the course where it is empty.
        workers: of Dask, which answer for the notebooks; where 0, threads of the process that grades do.
    """

    db_url: str = ""
    workers: int = 0


@dataclass(frozen=True)
class Part:
    """What a submission took in one part of a run, on average.

    Attributes:
        statements: that the gradebook was sent.
        memory_mb: of the process that grades.
    """

    seconds: float
    cpu_seconds: float
    memory_mb: float
    statements: float


@dataclass(frozen=True)
class Step:
    """What something took on the graded course; memory is that of its process, 0 where it has none of its own."""

    what: str
    seconds: float
    peak_mb: float = 0.0


@dataclass(frozen=True)
class Scaling:
    """What a class came to.

    Attributes:
        database: the gradebook's kind, as SQLAlchemy calls it.
        workers: of Dask; 0 where nothing but the process that grades took part.
        part: submissions in `first` and in `last`.
        seconds, peak_mb: of the whole command, its end among it.
        handed_in, moved_there, moved_back: mean bytes of a notebook as handed in, as its kernel finds it (with all files), and of
            what executing it gave.
        gradebook_bytes: of a SQLite file; 0 elsewhere.
    """

    size: int
    database: str
    workers: int
    part: int
    first: Part
    last: Part
    seconds: float
    cpu_seconds: float
    peak_mb: float
    handed_in: float
    moved_there: float
    moved_back: float
    gradebook_bytes: int
    steps: tuple[Step, ...] = ()

    @property
    def ratios(self) -> dict[str, float]:
        """How many times the first part the last one is."""
        return {name: getattr(self.last, name) / getattr(self.first, name) for name in Part.__annotations__}

    @property
    def is_flat(self) -> bool:
        """Whether the end of the run was no dearer than its beginning."""
        return all(times <= FLAT for times in self.ratios.values())

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def read(path: Path) -> Scaling:
    """A result that `Scaling.write` has written. Raises ValueError for anything else."""
    return TypeAdapter(Scaling).validate_json(path.read_bytes())


def run(root: Path, folder: Path, models: Path, size: int, begin: Begin, how: How) -> Scaling:
    """Makes a class, grades it with execution stubbed, then takes it through other steps; `result.json` holds the outcome.

    Args:
        root: the course whose source notebooks and profile are used.
        models: the model home.
        begin: called with a step's name and how many parts it has; answers a function to call after each part.
    """
    shutil.rmtree(folder, ignore_errors=True)
    few = graded_few(root, folder, models, begin)
    return graded_class(few, folder, size, begin, how)


def graded_few(
    root: Path, folder: Path, models: Path, begin: Begin, students: int = TEMPLATES, echo: bool = False
) -> ScratchCourse:
    """A course with the few that are graded for real; what running their notebooks gave is in `kept` beside it.

    Args:
        echo: have no model asked.
    """
    course = course_with(f"stubbed.keep(Path({str(folder / 'kept')!r}))", folder / "few", root, models)
    for number, member in enumerate(make_class(students, 1, "usual", course.reference(), course.profile)):
        hand_in_marked(course, member, number)
    one = begin("a few for real", 3 * students - 1)
    env = {**ONE_THREAD, "AUTOGRADER_ECHO": "1" if echo else ""}
    course.instructor("autograde", ASSIGNMENT, each_notebook=one, env=env)
    return course


def graded_class(few: ScratchCourse, folder: Path, size: int, begin: Begin, how: How) -> Scaling:
    """Grades a class of students who have the code of the few."""
    kept, measured = folder / "kept", folder / "measured.txt"
    measured.unlink(missing_ok=True)
    stub = f"stubbed.stub(c, Path({str(kept)!r}), Path({str(measured)!r}))"
    course = course_with(stub, folder / "class", few.root, few.model_home, how.db_url)
    whose = sorted(path.name for path in (few.root / "submitted").iterdir())
    one = begin("hand in", size)
    for number in range(size):
        copied(few, whose[number % len(whose)], course, f"one-{number:05}")
        one()
    one = begin("grade", 3 * size)
    with place(how.workers, course, kept) as where, Meter() as meter:
        course.instructor("autograde", ASSIGNMENT, each_notebook=one, env={**ONE_THREAD, **NO_HELPERS, **where})
    found = outcome(course, kept, measured, meter, how)
    found.write(folder / "result.json")
    found = replace(found, steps=tuple(steps(course, begin, how.db_url)))
    found.write(folder / "result.json")
    return found


@contextmanager
def place(workers: int, course: ScratchCourse, kept: Path) -> Iterator[dict[str, str]]:
    """Variables that say where notebooks are run: here, or on so many workers of a Dask with certificates of its own."""
    if not workers:
        yield {}
        return
    from distributed import LocalCluster

    from autograder.cluster.place import Place
    from autograder.cluster.slurm import certificates
    from trials.bench.cluster import tls

    keys = course.folder / "keys"
    settings = tls(keys)
    os.environ["AUTOGRADER_MODEL_HOME"] = str(course.model_home.resolve())
    preload = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r})\nfrom pathlib import Path\n"
    preload += f"from trials.bench import stubbed\nstubbed.stub_worker(Path({str(kept)!r}))\n"
    with LocalCluster(
        n_workers=workers, threads_per_worker=4, memory_limit=0, dashboard_address=None, protocol="tls://",
        security=certificates(keys), preload=preload,
    ) as cluster:  # fmt: skip
        yield {**Place("scheduler", cluster.scheduler_address).env, **settings}


def course_with(call: str, folder: Path, root: Path, models: Path, db_url: str = "") -> ScratchCourse:
    """A course with its release, whose settings end with a call."""
    course = ScratchCourse(folder, root, models)
    url = db_url or f"sqlite:///{course.root / 'gradebook.db'}"
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(CONFIG.format(checkout=str(CHECKOUT), db_url=url, call=call))
    course.instructor("generate_assignment", ASSIGNMENT)
    with Gradebook(url, course.profile.course.id) as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate=DUE)
    return course


def hand_in_marked(course: ScratchCourse, member: Member, number: int) -> None:
    """Hands in for a student, with the student's mark in the last line of each notebook's first answer in code."""
    hand_in(course, member)
    folder = course.root / "submitted" / member.student.id / ASSIGNMENT
    (folder / "timestamp.txt").write_text(TOO_LATE if number == LATE else IN_TIME, encoding="utf-8")
    for path in sorted(folder.glob("*.ipynb"))[number == WITHOUT :]:
        nb = nbformat.read(path, as_version=4)
        cell = next(c for c in nb.cells if c.cell_type == "code" and marks_of(c).get("solution"))
        cell.source = f"{cell.source}\n{MARK}{member.student.id}"
        nbformat.write(nb, path)
    if number == WITHOUT:
        sorted(folder.glob("*.ipynb"))[0].unlink()


def copied(few: ScratchCourse, whose: str, course: ScratchCourse, student: str) -> None:
    """Hands in for a student what another one has handed in, marked as this one's."""
    to = course.root / "submitted" / student / ASSIGNMENT
    to.mkdir(parents=True)
    for path in (few.root / "submitted" / whose / ASSIGNMENT).iterdir():
        (to / path.name).write_bytes(path.read_bytes().replace((MARK + whose).encode(), (MARK + student).encode()))


def outcome(course: ScratchCourse, kept: Path, measured: Path, meter: Meter, how: How) -> Scaling:
    """What was measured of a run that has ended."""
    lines = [[float(each) for each in line.split()] for line in measured.read_text(encoding="utf-8").splitlines()]
    part = max(2, min(PART, len(lines) // 3))
    names = {path.parents[1].name for path in course.root.glob(f"submitted/*/{ASSIGNMENT}/*.ipynb")}
    handed_in = [p.stat().st_size for p in course.root.glob(f"submitted/one-0000*/{ASSIGNMENT}/*.ipynb")]
    gradebook = course.root / "gradebook.db"
    return Scaling(
        size=len(names),
        database=make_url(how.db_url).get_backend_name() if how.db_url else "sqlite",
        workers=how.workers,
        part=part,
        first=part_of(lines[:part]),
        last=part_of(lines[-part - WINDOW : -WINDOW] if len(lines) > 3 * WINDOW else lines[-part:]),
        seconds=meter.cost.seconds,
        cpu_seconds=meter.cost.cpu_seconds,
        peak_mb=meter.cost.peak_of["nbgrader"],
        handed_in=statistics.mean(handed_in),
        moved_there=statistics.mean(int(path.read_text()) for path in kept.glob("*.size")),
        moved_back=statistics.mean(path.stat().st_size for path in kept.glob("*.json")),
        gradebook_bytes=gradebook.stat().st_size if not how.db_url else 0,
    )


def part_of(lines: Sequence[Sequence[float]]) -> Part:
    """The averages of some lines in a row: differences of what only grows."""
    seconds, cpu, _, statements = (
        (last - first) / (len(lines) - 1) for first, last in zip(lines[0], lines[-1], strict=True)
    )
    return Part(seconds, cpu, statistics.mean(line[2] for line in lines) / 10**6, statements)


def steps(course: ScratchCourse, begin: Begin, db_url: str) -> Iterator[Step]:
    """What other commands take on the graded course, each in a process of its own; and Formgrader's list of submissions."""
    nbgrader, autograder = (str(Path(sys.executable).parent / name) for name in ("nbgrader", "autograder"))
    commands = {
        "autograde again, nothing to do": [nbgrader, "autograde", ASSIGNMENT],
        "feedback of one student": [nbgrader, "generate_feedback", ASSIGNMENT, "--student", "one-00000"],
        "export": [nbgrader, "export"],
        "report": [autograder, "report"],
    }
    one = begin("other steps", len(commands) + 1)
    for what, command in commands.items():
        with Meter() as meter:
            course.run(command, course.root, {**ONE_THREAD, **NO_HELPERS})
        one()
        yield Step(what, meter.cost.seconds, meter.cost.peak_of["nbgrader"])
    with Gradebook(db_url or f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        began = time.monotonic()
        gradebook.submission_dicts(ASSIGNMENT)
        one()
        yield Step("Formgrader's list of submissions", time.monotonic() - began)


def lines(found: Scaling) -> list[str]:
    """The outcome in words."""
    first, last, times = found.first, found.last, found.ratios
    by = f", {found.workers} workers of Dask" if found.workers else ""
    said = [
        f"{found.size} submissions, {found.database}{by}: {found.seconds:.0f} s, {found.cpu_seconds:.0f} CPU-s, at most "
        f"{found.peak_mb:.0f} MB.",
        f"A notebook: {found.handed_in / 1000:.0f} KB handed in, {found.moved_there / 1000:.0f} KB to its kernel, "
        f"{found.moved_back / 1000:.0f} KB back. Gradebook: {found.gradebook_bytes / 10**6:.1f} MB.",
        f"Each submission of the first {found.part}, of the last {found.part}, and how many times that is:",
        f"  seconds {first.seconds:.3f}, {last.seconds:.3f}: {times['seconds']:.2f}",
        f"  CPU-s {first.cpu_seconds:.3f}, {last.cpu_seconds:.3f}: {times['cpu_seconds']:.2f}",
        f"  memory {first.memory_mb:.0f}, {last.memory_mb:.0f} MB: {times['memory_mb']:.2f}",
        f"  statements {first.statements:.1f}, {last.statements:.1f}: {times['statements']:.2f}",
    ]
    return said + [
        f"{step.what}: {step.seconds:.1f} s" + f", {step.peak_mb:.0f} MB" * bool(step.peak_mb) for step in found.steps
    ]
