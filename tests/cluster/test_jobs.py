"""Jobs of Slurm: those that it does not take, that end too early, and that reach their time limit. A Slurm of the tests' own."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask.config
import echoing
import fake_slurm
import pytest
from nbformat.v4 import new_notebook
from test_running import Sender
from test_tls import WANTED
from waiting import until

from autograder.cluster import cluster_runs
from autograder.cluster import slurm as slurms
from autograder.cluster.cluster_runs import ClusterRuns
from autograder.cluster.run_folder import run_folder
from autograder.cluster.slurm import Slurm
from autograder.errors import NotReady
from autograder.grading.progress import Teller
from autograder.grading.view import View


def test_jobs_that_slurm_does_not_take_are_told_in_its_words(tmp_path: Path) -> None:
    with fake_slurm.installed(tmp_path / "slurm"), run_folder(tmp_path / "runs") as folder:
        made = Slurm(WANTED.model_copy(update={"partition": "nowhere"}), folder, print)
        with pytest.raises(NotReady, match=r"Slurm does not take the jobs .* invalid partition specified: nowhere"):
            made.client()
        made.close()


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


def test_what_a_job_runs_at_its_time_limit_is_run_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_runs, "run_notebook", echoing.run)
    here = Path(echoing.__file__).parent
    wanted = WANTED.model_copy(update={"walltime": "00:00:06", "prologue": (f"export PYTHONPATH={here}",)})
    soon = {"distributed.deploy.lost-worker-timeout": "100ms"}
    with dask.config.set(soon), fake_slurm.installed(tmp_path / "slurm"), run_folder(tmp_path / "runs") as folder:
        made = Slurm(wanted, folder, print)
        runs = ClusterRuns(made, Sender(tmp_path), Teller(), logging.getLogger("test"))  # type: ignore[arg-type]
        with ThreadPoolExecutor(1) as pool:
            pending = pool.submit(runs.run, new_notebook(), View("chatbot", {}), "anna, chatbot")
            until(lambda: len(list(tmp_path.glob("begun-*"))) == 2 or pending.done())
            (tmp_path / "go").touch()
            assert pending.result(60) == echoing.WELL
        runs.end()
        made.close()
    assert len(fake_slurm.jobs(tmp_path / "slurm")) >= 2
