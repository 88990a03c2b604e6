"""What runs a run's notebooks, for the place that has been chosen, and the folder that a run on a cluster has for itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psutil

from autograder.cluster.parcel import Sender
from autograder.cluster.place import Place
from autograder.course.cluster import Cluster
from autograder.course.profile import Profile
from autograder.errors import NotReady
from autograder.grading.execution_pool import notebooks_at_a_time
from autograder.grading.notebook_runs import LocalRuns, NotebookRuns, RunSettings
from autograder.grading.progress import Teller
from autograder.judging.contract import load

SHORT = (
    "A notebook may take {may} s (notebook_seconds in [limits]), and a job's worker runs for {has} s (walltime in [cluster], "
    "less a minute): what needs longer than that will not be judged."
)
OTHER = "Set shared_folder in [cluster] of course.toml to a folder of your own."


def cluster_of(course: Path) -> Cluster:
    """The table [cluster] of a course, as it is now. Raises ProfileError."""
    return load(course / (os.environ.get("AUTOGRADER_PROFILE") or "course.toml")).cluster or Cluster()


def at_a_time(place: Place, course: Path, profile: Profile) -> int:
    """How many notebooks are run at the same time there, at most."""
    if place.kind == "in-line":
        return 1
    if place.is_far:
        wanted = cluster_of(course)
        return wanted.workers_max * wanted.notebooks
    return notebooks_at_a_time(int(profile.limits.memory_gb * 10**9))


@dataclass(frozen=True)
class Assignment:
    """What is run: an assignment of a course, with the profile that it was released with."""

    course: Path
    name: str
    profile: Profile


@contextmanager
def runs_at(
    place: Place, assignment: Assignment, settings: RunSettings, progress: Teller, log: Any
) -> Iterator[NotebookRuns]:
    """What runs notebooks there, for as long as the block lasts. Raises NotReady where nothing can.

    Args:
        progress: told what whoever waits should know.
    """
    course, profile = assignment.course, assignment.profile
    if not place.is_far:
        yield LocalRuns(course, assignment.name, profile, settings, log)
        return
    place.refuse_without_dask()
    from autograder.cluster.cluster_runs import ClusterRuns

    wanted = cluster_of(course)
    if place.kind == "slurm" and wanted.worker_seconds < profile.limits.notebook_seconds:
        progress.say(SHORT.format(may=profile.limits.notebook_seconds, has=wanted.worker_seconds))
    base = Path(wanted.shared_folder) if wanted.shared_folder else course / ".autograder" / "cluster"
    with run_folder(base) as folder, _cluster_at(place, wanted, folder, progress.say) as cluster:
        shared = folder / "files" if wanted.shared_folder else None
        runs = ClusterRuns(cluster, Sender(assignment.name, profile, settings, shared), progress, log)
        try:
            yield runs
        finally:
            runs.end()


@contextmanager
def _cluster_at(place: Place, wanted: Cluster, folder: Path, say: Callable[[str], None]) -> Iterator[Any]:
    """The scheduler and the workers of a place; those of our own end with the block."""
    if place.kind == "scheduler":
        from autograder.cluster.running import Running

        yield Running(place.address, say)
        return
    from autograder.cluster.slurm import Slurm

    slurm = Slurm(wanted, folder, say)
    try:
        yield slurm
    finally:
        slurm.close()


@contextmanager
def run_folder(base: Path) -> Iterator[Path]:
    """A new folder for this process, which nobody else can read; at the end all but the jobs' logs is removed.

    Raises NotReady where there can be none that nobody else can replace.
    """
    try:
        made = _made(base)
    except OSError as error:
        raise NotReady(f"{base} cannot be used ({error.strerror}). {OTHER}") from error
    try:
        yield made
    finally:
        for each in made.iterdir():
            if each.name != "logs":
                shutil.rmtree(each, ignore_errors=True)
        with contextlib.suppress(OSError):
            made.rmdir()


def _made(base: Path) -> Path:
    """A new folder; what runs that were killed have left is removed.

    Raises OSError where there can be none, and NotReady where others can put theirs in its place.
    """
    here = f"{socket.gethostname()}-"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = base.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX:
        raise NotReady(f"{base}: others can remove and replace what is in it (chmod go-w ends that). {OTHER}")
    for left in base.glob(f"{here}*"):
        pid = left.name.removeprefix(here).partition("-")[0]
        if pid.isdecimal() and (int(pid) == os.getpid() or not psutil.pid_exists(int(pid))):
            shutil.rmtree(left, ignore_errors=True)
    return Path(mkdtemp(prefix=f"{here}{os.getpid()}-", dir=base))
