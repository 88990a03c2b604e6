"""A Dask that somebody else runs: its scheduler ends and comes back, or does not; its certificates are needed."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask.config
import echoing
import pytest
from dask_processes import DaskProcesses
from nbformat.v4 import new_notebook
from waiting import until

from autograder.cluster import cluster_runs, running
from autograder.cluster.cluster_runs import ClusterRuns
from autograder.cluster.running import Running
from autograder.errors import NotReady
from autograder.grading.progress import Teller
from autograder.grading.view import View


class Sender:
    """Sends the name of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def parcel(self, nb: object, view: View) -> tuple[bytes, dict[str, bytes]]:
        return os.fsencode(self._folder), {}


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaskProcesses]:
    monkeypatch.setattr(cluster_runs, "run_notebook", echoing.run)
    with DaskProcesses(tmp_path) as made, dask.config.set(made.settings):
        yield made


def test_a_scheduler_that_restarts_loses_no_notebook(processes: DaskProcesses, tmp_path: Path) -> None:
    first = [processes.scheduler(), processes.worker("--no-nanny")]
    runs = ClusterRuns(Running(processes.address, print), Sender(tmp_path), Teller(), logging.getLogger("test"))  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(runs.run, new_notebook(), View("chatbot", {}), "anna, chatbot")
        until(lambda: list(tmp_path.glob("begun-*")) or pending.done())
        for process in first:
            process.kill()
            process.wait()
        processes.scheduler()
        processes.worker("--no-nanny")
        until(lambda: len(list(tmp_path.glob("begun-*"))) == 2 or pending.done())
        (tmp_path / "go").touch()
        assert pending.result(60) == echoing.WELL
    runs.end()


def test_a_scheduler_that_does_not_come_back_ends_the_run_and_says_how_to_go_on(
    processes: DaskProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_runs, "RETURN_SECONDS", 0.0)
    monkeypatch.setattr(running, "CONNECT_SECONDS", 0.5)
    runs = ClusterRuns(Running(processes.address, print), Sender(tmp_path), Teller(), logging.getLogger("test"))  # type: ignore[arg-type]
    with pytest.raises(NotReady, match=r"does not answer .* run the same command again: it takes only what is left"):
        runs.run(new_notebook(), View("chatbot", {}), "anna, chatbot")


def test_a_scheduler_without_workers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Running("tls://127.0.0.1:1", print)
    assert there.trouble(0) is None
    monkeypatch.setattr(running, "WORKERS_SECONDS", -1.0)
    told = there.trouble(0)
    assert told is not None
    assert "has had no worker for" in told


def test_certificates_that_are_not_there_are_told() -> None:
    with pytest.raises(NotReady, match="DASK_DISTRIBUTED__COMM__TLS__CA_FILE"):
        Running("tls://127.0.0.1:1", print).client()
