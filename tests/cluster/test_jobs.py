"""Jobs of Slurm: those that it does not take, that end too early, and that reach their time limit. A Slurm of the tests' own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import dask.config
import echoing
import fake_slurm
import psutil
import pytest
from nbformat.v4 import new_notebook
from test_running import Sender
from test_tls import WANTED
from waiting import until

from autograder.cluster import cluster_runs
from autograder.cluster import slurm as slurms
from autograder.cluster.cluster_runs import ClusterRuns
from autograder.cluster.runs import run_folder
from autograder.cluster.slurm import Slurm
from autograder.course.cluster import Cluster
from autograder.errors import NotReady
from autograder.grading.progress import Teller
from autograder.grading.view import View


def test_jobs_that_slurm_does_not_take_are_told_in_its_words(tmp_path: Path) -> None:
    with fake_slurm.installed(tmp_path / "slurm"), run_folder(tmp_path / "runs") as folder:
        made = Slurm(WANTED.model_copy(update={"partition": "nowhere"}), folder, print)
        with pytest.raises(NotReady, match=r"Slurm does not take the jobs .* invalid partition specified: nowhere"):
            made.client()
        made.close()


def test_jobs_that_are_refused_when_they_are_handed_in_are_told_in_slurms_words(tmp_path: Path) -> None:
    with fake_slurm.installed(tmp_path / "slurm"), run_folder(tmp_path / "runs") as folder:
        made = Slurm(WANTED.model_copy(update={"partition": "full"}), folder, print)
        with made.client():
            told = until(lambda: made.trouble(0))
            assert made.trouble(1) is None
        made.close()
    assert told.endswith("in course.toml describes: sbatch: error: Job violates accounting/QOS policy")


def test_jobs_are_asked_for_as_the_course_says(tmp_path: Path) -> None:
    said = {"account": "course", "partition": "short", "directives": ("--comment=graded",)}
    wanted = WANTED.model_copy(update={**said, "prologue": ("exec sleep 600",)})
    with fake_slurm.installed(tmp_path / "slurm"), run_folder(tmp_path / "runs") as folder:
        made = Slurm(wanted, folder, print)
        with made.client():
            until(lambda: fake_slurm.jobs(tmp_path / "slurm"))
        made.close()
    options = (tmp_path / "slurm" / "jobs" / "options").read_text(encoding="utf-8")
    for option in ("-p short", "-A course", "-n 1", "-t 00:15:00", "--comment=graded"):
        assert f"#SBATCH {option}\n" in options
    assert "--mem" not in options
    assert "--gpus" not in options


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"interface": "nowhere0"}, "'nowhere0' is not a valid network interface"),
        ({"partition": "asleep"}, "timed out after"),
    ],
)
def test_whatever_keeps_slurm_from_beginning_ends_the_run_in_words_in_each_thread(
    change: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurms, "CALL_SECONDS", 2.0)
    with fake_slurm.installed(tmp_path / "slurm"), run_folder(tmp_path / "runs") as folder:
        made = Slurm(WANTED.model_copy(update=change), folder, print)
        for _ in range(2):
            with pytest.raises(NotReady, match=rf"{said}.*interface and shared_folder in \[cluster\]"):
                made.client()
        made.close()


def test_a_job_that_is_suspended_may_still_come_to_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurms, "NOBODY_SECONDS", -1.0)
    with fake_slurm.installed(tmp_path / "slurm"), run_folder(tmp_path / "runs") as folder:
        made = Slurm(WANTED.model_copy(update={"prologue": ("kill -STOP $$",)}), folder, print)
        with made.client():
            (job,) = until(lambda: fake_slurm.jobs(tmp_path / "slurm"))
            until(lambda: psutil.Process(job).status() == psutil.STATUS_STOPPED)
            assert made.trouble(0) is None
        made.close()


def test_jobs_that_cannot_be_given_back_are_told_with_what_ends_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with fake_slurm.installed(tmp_path / "slurm"), run_folder(tmp_path / "runs") as folder:
        made = Slurm(WANTED, folder, said.append)
        made.client().close()
        with monkeypatch.context() as hung:
            hung.setattr(slurms, "CALL_SECONDS", 0.0)
            hung.setattr(slurms.SLURMCluster, "_close", hangs)
            made.close()
        assert "scancel --user=$USER --name=llm-autograder" in said.pop()
        made.close()
    assert "scancel" not in " ".join(said)


async def hangs(self: object) -> None:
    """In the place of what gives jobs back: cut off in its midst, that could not be tried again, and the jobs would stay."""
    await asyncio.Event().wait()


def test_jobs_that_end_before_a_worker_comes_are_told_with_what_they_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurms, "NOBODY_SECONDS", 0.5)
    with fake_slurm.installed(tmp_path / "slurm"), run_folder(tmp_path / "runs") as folder:
        made = Slurm(WANTED.model_copy(update={"prologue": ("echo no such module >&2", "exit 1")}), folder, print)
        with made.client():
            told = until(lambda: made.trouble(0))
            assert made.trouble(1) is None
        made.close()
    assert "The jobs ended before a worker came of them." in told
    assert told.endswith("no such module")


@contextmanager
def on_jobs(folder: Path, wanted: Cluster) -> Iterator[ClusterRuns]:
    """Runs on jobs that find what a test has them do."""
    prologue = (f"export PYTHONPATH={Path(echoing.__file__).parent}",)
    with fake_slurm.installed(folder / "slurm"), run_folder(folder / "runs") as own:
        slurm = Slurm(wanted.model_copy(update={"prologue": prologue}), own, print)
        runs = ClusterRuns(slurm, Sender(folder), Teller(), logging.getLogger("test"))  # type: ignore[arg-type]
        try:
            yield runs
        finally:
            runs.end()
            slurm.close()


def test_what_a_job_runs_at_its_time_limit_is_run_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_runs, "run_notebook", echoing.run)
    soon = {"distributed.deploy.lost-worker-timeout": "100ms"}
    short = WANTED.model_copy(update={"walltime": "00:00:06"})
    with dask.config.set(soon), on_jobs(tmp_path, short) as runs, ThreadPoolExecutor(1) as pool:
        pending = pool.submit(runs.run, new_notebook(), View("chatbot", {}), "anna, chatbot")
        until(lambda: len(list(tmp_path.glob("begun-*"))) == 2 or pending.done())
        (tmp_path / "go").touch()
        assert pending.result(60) == echoing.WELL
    assert len(fake_slurm.jobs(tmp_path / "slurm")) >= 2


def test_a_notebook_with_which_three_workers_died_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_runs, "run_notebook", echoing.die)
    with on_jobs(tmp_path, WANTED) as runs:
        execution = runs.run(new_notebook(), View("chatbot", {}), "anna, chatbot")
    assert execution.facts.transcript.faults == ("3 workers that were given this notebook died while they ran it.",)
    assert len(list(tmp_path.glob("died-*"))) == 3
    assert set((tmp_path / "slurm" / "jobs" / "modes").read_text().split()) == {"0o600"}  # what the jobs' scripts are
