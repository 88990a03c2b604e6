"""A small class on workers, disturbed in every way, beside the same class on one machine: the same scores, files and rows.

Two runs grade it on a Dask that is running already: one is told to end (SIGTERM), in the other a worker and another worker's host
are killed. The host echoes. A run that is killed, and jobs of Slurm, are `test_slurm.py`'s.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fake_slurm
import psutil
import pytest
from dask_processes import DaskProcesses
from disturbing import HONEST, class_with, executions, join, one_more, slow
from forked import lent
from outcome import files, rows, verdicts
from waiting import until

from autograder.cli import STOPPED
from autograder.grading.run_times import RunTimes
from autograder.judging.contract import ASSIGNMENT
from trials.demo import ScratchCourse, other_spelling

CLUSTER = """
[cluster]
account = "course"
partition = "short"
gpus = ""
notebooks = 1
workers_min = 2
workers_max = 2
directives = ["--comment=graded"]
"""
DIFFERENT = HONEST + 4
"""Notebooks that differ: only a twin's does not."""


@dataclass
class Run:
    """A run that has ended.

    Attributes:
        known: how many executions were remembered before it.
    """

    code: int
    said: str
    known: int


@dataclass
class Disturbed:
    """The course whose runs were disturbed."""

    course: ScratchCourse
    runs: list[Run] = field(default_factory=list)


@pytest.fixture(scope="module")
def course(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> ScratchCourse:
    made = class_with(tmp_path_factory.mktemp("cluster"), tiny_home, CLUSTER)
    right = made.reference()
    hostile = {"chain": f"import os\nos._exit(0)\n{right['chain']}"}
    others = {"spelling": other_spelling(made.profile), "broken": {}, "hostile": hostile}
    join(made, right, others | slow(made, right))
    (made.root / "submitted" / "s1" / ASSIGNMENT / "data.bin").write_bytes(bytes(range(256)))
    broken = made.root / "submitted" / "broken" / ASSIGNMENT / "chatbot.ipynb"
    broken.write_bytes(broken.read_bytes()[:-100])
    return made


def begun(course: ScratchCourse, *options: str, **env: str) -> subprocess.Popen[str]:
    """`autograder grade`, which has begun."""
    command = [sys.executable, "-m", "autograder", "grade", "--course", str(course.root), *options]
    return course.started(command, course.root, {"AUTOGRADER_ECHO": "1", "COLUMNS": "200", **env})


def ended(process: subprocess.Popen[str], known: int = 0) -> Run:
    said, _ = process.communicate(timeout=200)
    return Run(process.returncode, said, known)


@pytest.fixture(scope="module")
def here(course: ScratchCourse) -> ScratchCourse:
    """The course graded on this machine, where importing Dask would end the run."""
    twin = course.twin(course.folder.parent / "here")
    for name in ("dask", "distributed"):
        (twin.folder / f"{name}.py").write_text("raise SystemExit('nobody has asked for Dask')\n", encoding="utf-8")
    with lent(twin):
        assert ended(begun(twin, PYTHONPATH=str(twin.folder))).code == 0
    return twin


@pytest.fixture(scope="module")
def disturbed(course: ScratchCourse) -> Disturbed:
    twin = course.twin(course.folder.parent / "disturbed")
    found = Disturbed(twin)
    with DaskProcesses(twin.folder) as dask:
        dask.scheduler()
        started = [dask.worker(AUTOGRADER_MODEL_HOME=str(twin.model_home.resolve())) for _ in range(2)]
        process = begun(twin, "--scheduler", dask.address, **dask.env)
        one_more(twin, process, 0)
        terminate_with_children(psutil.Process(process.pid))
        found.runs.append(ended(process))
        known = executions(twin)
        process = begun(twin, "--scheduler", dask.address, **dask.env)
        one_more(twin, process, known)
        kill_below(started[0].pid, lambda command: "autograder.host.server" in command)
        kill_below(started[1].pid, lambda command: "spawn_main" in command)
        found.runs.append(ended(process, known))
    return found


def terminate_with_children(process: psutil.Process) -> None:
    """Tells each to end, so that the grader is told twice: as `scancel` of the job that it runs in."""
    for each in (process, *process.children(recursive=True)):
        each.terminate()


def kill_below(pid: int, which: Callable[[str], bool]) -> None:
    """Kills a process below another one, as soon as it is there."""

    def found() -> list[psutil.Process]:
        below = psutil.Process(pid).children(recursive=True)
        return [process for process in below if which(" ".join(command_of(process)))]

    until(found)[0].kill()


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


# --- The outcome ---


def test_scores_are_those_of_one_machine(here: ScratchCourse, disturbed: Disturbed) -> None:
    assert disturbed.course.scores() == here.scores()
    assert {here.scores()[f"s{number}"]["check-ideal-boat"] for number in range(HONEST)} == {1}


def test_verdicts_are_those_of_one_machine(here: ScratchCourse, disturbed: Disturbed) -> None:
    assert verdicts(disturbed.course) == verdicts(here)
    assert {state for found in verdicts(here).values() for _, state, _, _ in found} <= {"judged", "review"}


def test_files_are_those_of_one_machine(here: ScratchCourse, disturbed: Disturbed) -> None:
    found, due = files(disturbed.course), files(here)
    assert sorted(found) == sorted(due)
    assert {path: list(differing(found[path], due[path])) for path in due if found[path] != due[path]} == {}


def differing(found: list[Any], due: list[Any]) -> Iterator[tuple[Any, Any]]:
    """The cells of a notebook that are not alike."""
    return ((one, other) for one, other in zip(found, due, strict=True) if one != other)


def test_rows_are_those_of_one_machine(here: ScratchCourse, disturbed: Disturbed) -> None:
    assert rows(disturbed.course) == rows(here)


# --- The runs ---


def test_the_runs_ended_as_they_were_made_to(disturbed: Disturbed) -> None:
    assert [run.code for run in disturbed.runs] == [128 + signal.SIGTERM, 0]


def test_a_run_that_is_stopped_says_how_to_go_on(disturbed: Disturbed) -> None:
    assert STOPPED in disturbed.runs[0].said


def test_a_run_does_only_what_is_left(disturbed: Disturbed) -> None:
    (last,) = RunTimes.of(disturbed.course.root).runs
    assert disturbed.runs[1].known > 0
    assert last.ran <= DIFFERENT - disturbed.runs[1].known


def test_no_claim_is_left(disturbed: Disturbed) -> None:
    assert list((disturbed.course.root / ".autograder" / "running").rglob("*.*")) == []


# --- Before, and in line ---


def test_a_dry_run_tells_what_a_run_then_does_and_changes_nothing(course: ScratchCourse) -> None:
    twin = course.twin(course.folder.parent / "dry")
    logs = twin.root / ".autograder" / "cluster" / f"{socket.gethostname()}-{2**30}" / "logs"  # of a run that has ended
    logs.mkdir(parents=True)
    (logs / "job.err").write_text("said", encoding="utf-8")
    before = snapshot(twin)
    run = ended(begun(twin, "--dry-run", "--slurm"))
    assert run.code == 0
    assert "Would grade 11 of 11 submission(s), 11 notebook(s)." in run.said
    assert (
        "10 of them differ; 0 of these have been run before, and 10 would be run in jobs of Slurm, up to 2" in run.said
    )
    assert "Nothing has been measured there yet." in run.said
    assert snapshot(twin) == before


def snapshot(course: ScratchCourse) -> dict[str, bytes | None]:
    """Files and folders."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in course.root.rglob("*")}


def test_where_slurm_cannot_be_begun_a_graded_student_keeps_score_and_record(here: ScratchCourse) -> None:
    twin = here.twin(here.folder.parent / "no-slurm")
    profile = twin.root / "course.toml"
    profile.write_text(profile.read_text().replace(CLUSTER, CLUSTER + 'interface = "nowhere0"\n'), encoding="utf-8")
    slurm = fake_slurm.install(here.folder.parent / "slurm-no")
    run = ended(begun(twin, "--slurm", "--regrade", "--student", "s0", "--force", **slurm))
    assert run.code == 1
    assert "'nowhere0' is not a valid network interface" in run.said
    assert "interface and shared_folder in [cluster]" in run.said
    assert (twin.scores(), verdicts(twin), rows(twin)) == (here.scores(), verdicts(here), rows(here))


def test_a_dry_run_knows_what_is_remembered_and_how_long_it_took(here: ScratchCourse) -> None:
    assert "Would grade 0 of 11 submission(s)" in ended(begun(here, "--dry-run")).said
    again = ended(begun(here, "--dry-run", "--force")).said
    assert "Would grade 11 of 11 submission(s), 11 notebook(s)." in again
    assert re.search(r"Expected time: \d+ s\.", again)


def test_in_line_everything_runs_in_the_one_process(here: ScratchCourse, course: ScratchCourse) -> None:
    twin = course.twin(course.folder.parent / "in-line")
    for path in (twin.root / "submitted").iterdir():
        if path.name not in ("s0", "hostile"):
            subprocess.run(["rm", "-r", str(path)], check=True)
    with lent(twin):
        run = ended(begun(twin, "--in-line"))
    assert run.code == 0
    assert f"Autograding {twin.root}/autograded/s0" in run.said  # nbgrader's own log
    assert twin.scores() == {name: here.scores()[name] for name in ("s0", "hostile")}
