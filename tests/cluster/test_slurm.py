"""A class graded on a Slurm cluster: nodes with names, addresses and processes of their own, on this machine.

Runs where Slurm is (`make slurm-for-tests`) and where namespaces can be made.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest
from conftest import ROOT
from disturbing import HONEST, class_with, executions, join, one_more, slow
from outcome import files, rows, verdicts
from slurm_cluster import NODES, SlurmCluster, missing, slurm_cluster
from waiting import until

from autograder.cli import STOPPED
from autograder.judging.contract import ASSIGNMENT
from trials.demo import ScratchCourse

CLUSTER = """
[cluster]
notebooks = 1
workers_min = 2
workers_max = 2
interface = "ib0"
"""
"""Account, partition, GPU and time are those of the course's own cluster."""

MISSING = missing()
pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(MISSING), reason=MISSING or "all there")]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    with slurm_cluster(tmp_path_factory.mktemp("slurm"), [tmp_path_factory.getbasetemp(), ROOT]) as cluster:
        yield cluster


def test_each_job_is_on_a_machine_of_its_own_with_a_gpu(slurm: SlurmCluster, tmp_path: Path) -> None:
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/sh\nhostname; hostname -I; echo $CUDA_VISIBLE_DEVICES; cat /proc/1/cmdline\n")
    options = ["--account=ec443", "--partition=accel", "--gpus=a100:1", "--time=00:15:00", "--ntasks=1", "--exclusive"]
    for name in NODES:
        slurm.run("sbatch", *options, f"--nodelist={name}", f"--output={tmp_path}/{name}", script)
    until(lambda: not slurm.jobs())
    for name in NODES:
        said = (tmp_path / name).read_text().splitlines()
        assert said[:3] == [name, f"{NODES[name]} ", "0"]
        assert name in said[3].split("\0")


STARTING = """
import sys, time
sys.path[:0] = {path}
from pathlib import Path
from slurm_cluster import slurm_cluster
folder = Path(sys.argv[1])
with slurm_cluster(folder, [folder.parent]):
    print("ready", flush=True)
    time.sleep(600)
"""


def test_a_cluster_ends_with_the_process_that_started_it_even_by_kill(tmp_path: Path) -> None:
    folder = tmp_path / "slurm"
    folder.mkdir()
    script = STARTING.format(path=[str(Path(__file__).parent), str(ROOT / "tests"), str(ROOT)])
    started = subprocess.Popen([sys.executable, "-c", script, folder], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    family = psutil.Process(started.pid).children(recursive=True)
    assert {"slurmctld", "slurmd", "munged"} <= {process.name() for process in family}
    started.kill()
    started.communicate()
    assert psutil.wait_procs(family, timeout=30)[1] == []


# --- A class ---


@dataclass
class Run:
    """A run of `autograder grade` that has ended.

    Attributes:
        known: how many executions were remembered before it.
        jobs: how Slurm says that each of its jobs that was disturbed has ended.
    """

    code: int
    said: str
    known: int
    jobs: tuple[str, ...] = ()


@dataclass
class Disturbed:
    """A course whose runs were disturbed, one after the other.

    Attributes:
        said: what was answered to somebody without certificates, wherever a worker listens on the network.
    """

    course: ScratchCourse
    runs: list[Run] = field(default_factory=list)
    said: dict[str, bytes] = field(default_factory=dict)


@pytest.fixture(scope="module")
def course(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> ScratchCourse:
    made = class_with(tmp_path_factory.mktemp("class"), tiny_home, CLUSTER)
    right = made.reference()
    join(made, right, slow(made, right))
    return made


def begun(course: ScratchCourse, slurm: SlurmCluster, *options: str, echo: bool = True) -> subprocess.Popen[str]:
    """`autograder grade` on the login node, which has begun."""
    command = [sys.executable, "-m", "autograder", "grade", "--course", str(course.root), *options]
    env = {"AUTOGRADER_ECHO": "1" if echo else "", "COLUMNS": "200"}
    return course.started(slurm.command([*command, "--slurm"]), course.root, env | slurm.environment)


def ended(process: subprocess.Popen[str], known: int = 0) -> Run:
    said, _ = process.communicate(timeout=200)
    return Run(process.returncode, said, known)


def on(slurm: SlurmCluster, node: str, command: str) -> psutil.Process:
    """A process of a node with this in its command, as soon as there is one."""

    def look() -> psutil.Process | None:
        for process in slurm.processes(node):
            with contextlib.suppress(psutil.NoSuchProcess):
                if command in " ".join(process.cmdline()):
                    return process
        return None

    found = until(look)
    assert found is not None
    return found


ASKING = """
import socket, sys
for door in sys.argv[1:]:
    host, port = door.split(":")
    with socket.create_connection((host, int(port)), 30) as line:
        line.sendall(b"GET /health HTTP/1.0\\r\\n\\r\\n")
        try:
            print(door, line.recv(100).hex())
        except OSError:
            print(door)
"""


def asked(slurm: SlurmCluster, doors: list[str]) -> dict[str, bytes]:
    """What is answered to a browser on the login node, by door."""
    lines = slurm.run(sys.executable, "-c", ASKING, *doors).splitlines()
    return {door: bytes.fromhex(said) for door, _, said in (line.partition(" ") for line in lines)}


KERNELS, WORKER = "autograder.jail.parent", "spawn_main"
"""In the commands of a worker's parent of kernels, which runs once it has a notebook, and of the worker itself."""


@pytest.fixture(scope="module")
def here(course: ScratchCourse) -> ScratchCourse:
    """The course graded on this machine."""
    twin = course.twin(course.folder.parent / "here")
    twin.instructor("autograde", ASSIGNMENT, env={"AUTOGRADER_ECHO": "1"})
    return twin


@pytest.fixture(scope="module")
def disturbed(course: ScratchCourse, slurm: SlurmCluster) -> Disturbed:
    """Ctrl-C ends the first run, kill -9 the second; in the third a job is cancelled, and a worker killed."""
    found = Disturbed(course.twin(course.folder.parent / "disturbed"))
    for end in (signal.SIGINT, signal.SIGKILL):
        known = executions(found.course)
        process = begun(found.course, slurm)
        one_more(found.course, process, known)
        (grader,) = psutil.Process(process.pid).children()
        for each in [grader] if end == signal.SIGINT else [grader, *grader.children(recursive=True)]:
            each.send_signal(end)
        found.runs.append(ended(process, known))
        until(lambda: not slurm.jobs())
    known = executions(found.course)
    process = begun(found.course, slurm)
    on(slurm, "node1", KERNELS)
    cancelled = slurm.job_on("node1")
    slurm.run("scancel", cancelled)
    on(slurm, "node2", KERNELS)
    found.said.update(asked(slurm, slurm.doors("node2")))
    on(slurm, "node2", WORKER).kill()
    found.runs.append(replace(ended(process, known), jobs=(slurm.state(cancelled),)))
    until(lambda: not slurm.jobs())
    return found


@pytest.fixture(scope="module")
def again(disturbed: Disturbed, slurm: SlurmCluster) -> Run:
    """The same course graded once more; Slurm ends a job at its time limit, and the cable of the other's node is taken out."""
    process = begun(disturbed.course, slurm, "--force")
    for node in NODES:
        on(slurm, node, KERNELS)
    timed_out = slurm.job_on("node1")
    (grader,) = psutil.Process(process.pid).children()
    stopped = [grader, *grader.children(recursive=True)]
    for each in stopped:  # until both have happened: Slurm looks at time limits twice a minute
        each.suspend()
    slurm.run("scontrol", "update", f"JobId={timed_out}", "EndTime=now+3")
    slurm.cable("node2", "down")
    until(lambda: slurm.state(timed_out) == "TIMEOUT")
    for each in [psutil.Process(process.pid), *stopped]:  # the way into the namespaces stood still with them
        each.resume()
    run = ended(process)
    slurm.cable("node2", "up")
    until(lambda: not slurm.jobs())
    return replace(run, jobs=(slurm.state(timed_out),))


@pytest.fixture(scope="module")
def answered(here: ScratchCourse, course: ScratchCourse, slurm: SlurmCluster) -> tuple[ScratchCourse, ScratchCourse]:
    """One student of the class graded here and on a node, by models that answer."""
    here, there = (course.twin(course.folder.parent / f"answered-{where}") for where in ("here", "there"))
    here.instructor("autograde", ASSIGNMENT, "--student=s0")
    assert ended(begun(there, slurm, "--student", "s0", echo=False)).code == 0
    return here, there


def compared(course: ScratchCourse) -> dict[str, object]:
    return {"scores": course.scores(), "verdicts": verdicts(course), "files": files(course), "rows": rows(course)}


def test_scores_verdicts_files_and_rows_are_those_of_one_machine(here: ScratchCourse, disturbed: Disturbed) -> None:
    assert compared(disturbed.course) == compared(here)
    assert {here.scores()[f"s{number}"]["check-ideal-boat"] for number in range(HONEST)} == {1}


def test_the_runs_ended_as_they_were_made_to(disturbed: Disturbed) -> None:
    assert [run.code for run in disturbed.runs] == [1, -signal.SIGKILL, 0]  # click's own for Ctrl-C
    assert STOPPED in disturbed.runs[0].said
    assert disturbed.runs[2].jobs == ("CANCELLED",)


def test_each_run_did_only_what_was_left(disturbed: Disturbed) -> None:
    assert 0 == disturbed.runs[0].known < disturbed.runs[1].known < disturbed.runs[2].known < HONEST


def test_a_worker_answers_nobody_without_certificates(disturbed: Disturbed) -> None:
    assert len(disturbed.said) == 2  # of the worker, and of the process that minds it
    assert set(disturbed.said.values()) == {b""}


def test_a_time_limit_and_a_node_that_is_gone_change_no_score(
    here: ScratchCourse, disturbed: Disturbed, again: Run
) -> None:
    assert (again.code, again.jobs) == (0, ("TIMEOUT",))
    assert compared(disturbed.course) == compared(here)


def test_nothing_of_the_runs_is_left_on_the_nodes(again: Run, slurm: SlurmCluster) -> None:
    for node in NODES:
        left = [" ".join(process.cmdline()) for process in slurm.processes(node)]
        assert [command for command in left if "autograder" in command or "distributed" in command] == []


def test_what_models_answer_on_a_node_is_what_they_answer_here(
    answered: tuple[ScratchCourse, ScratchCourse], here: ScratchCourse
) -> None:
    mine, theirs = map(compared, answered)
    assert theirs == mine
    assert shown(answered[0]) != shown(here)  # which echoes


def shown(course: ScratchCourse) -> object:
    return files(course)[f"autograded/s0/{ASSIGNMENT}/chatbot.ipynb"]
