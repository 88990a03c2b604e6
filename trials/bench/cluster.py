"""`python -m trials bench-cluster`: two workers beside one, on a class in which every notebook differs.

Each worker runs one notebook at a time, with one thread in every process; the host echoes, so that what is measured is running
and not generating. A rate is counted from the first notebook that has been run to the last: starting takes as long for both.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from distributed import LocalCluster

from autograder.cluster.place import Place
from autograder.cluster.slurm import certificates
from autograder.course.profile import Profile
from autograder.judging.contract import ASSIGNMENT
from autograder.words.terminal import Begin
from trials.bench.run import ONE_THREAD, differing, one_notebook, release_and_hand_in
from trials.bench.students import Member, full_points
from trials.classes import Cells, Student
from trials.demo import ScratchCourse

NOTEBOOK = "chatbot"
ASKED = 1.7
"""How many times faster two workers must be than one."""


@dataclass(frozen=True)
class Compared:
    """Notebooks a second with one worker and with two.

    Attributes:
        wrong: each score that is not what is due, in words.
    """

    notebooks: int
    one: float
    two: float
    wrong: tuple[str, ...]

    @property
    def ratio(self) -> float:
        return self.two / self.one

    @property
    def held(self) -> bool:
        return not self.wrong and self.ratio >= ASKED

    def lines(self) -> list[str]:
        return [
            f"{self.notebooks} notebooks that all differ: {self.one:.2f} a second with one worker, {self.two:.2f} with two: "
            f"{self.ratio:.2f} times ({ASKED} asked).",
            *self.wrong,
        ]


def run(root: Path, folder: Path, models: Path, size: int, begin: Begin) -> Compared:
    """Grades the class twice, in two courses of their own.

    Args:
        root: the course whose source notebooks and profile are used; of them one notebook.
        size: students of the class.
    """
    source = one_notebook(root, folder / "source", NOTEBOOK)
    rates: list[float] = []
    wrong: list[str] = []
    for workers in (1, 2):
        course = ScratchCourse(folder / f"workers-{workers}", source, models)
        members = class_of(course.reference(), course.profile, size)
        release_and_hand_in(course, members, begin)
        grade(course, workers, begin(f"{workers} worker(s)", size))
        rates.append(rate(course))
        wrong += differing(course, members, f"{workers} worker(s)")
    return Compared(size, rates[0], rates[1], tuple(wrong))


def class_of(cells: Cells, profile: Profile, size: int) -> list[Member]:
    """Students who all write what the chapter does, each with a comment of its own."""
    names = [f"student-{number:03}" for number in range(1, size + 1)]
    return [
        Member(
            Student(name, "as in the chapter", {**cells, "chain": f"# {name}\n{cells['chain']}"}, full_points(profile)),
            "varied",
        )
        for name in names
    ]


def grade(course: ScratchCourse, workers: int, one: Callable[[], None]) -> None:
    """Grades a course on so many workers of this machine.

    Args:
        one: called once for each notebook that has been graded.
    """
    keys = course.folder / "keys"
    settings = tls(keys)
    for name, value in {**ONE_THREAD, "AUTOGRADER_MODEL_HOME": str(course.model_home.resolve())}.items():
        os.environ[name] = value  # the workers'
    with LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        memory_limit=0,
        dashboard_address="127.0.0.1:0",
        protocol="tls://",
        security=certificates(keys),
    ) as cluster:
        where = Place("scheduler", cluster.scheduler_address).env
        course.instructor(
            "autograde", ASSIGNMENT, each_notebook=one, env={**ONE_THREAD, **where, **settings, "AUTOGRADER_ECHO": "1"}
        )


def tls(keys: Path) -> dict[str, str]:
    """Dask's own settings, as variables, with which a grader is let in."""
    tls = "DASK_DISTRIBUTED__COMM__TLS__"
    return {
        f"{tls}CA_FILE": str(keys / "ca_file"),
        f"{tls}CLIENT__CERT": str(keys / "cert"),
        f"{tls}CLIENT__KEY": str(keys / "key"),
    }


def rate(course: ScratchCourse) -> float:
    """Notebooks that were run in a second, by when each was put on record."""
    times = sorted(path.stat().st_mtime for path in (course.root / ".autograder" / "executions").glob("*/*.json"))
    return (len(times) - 1) / (times[-1] - times[0])
