"""Who is asked, who is asked again, and when that is given up: on Dask's own workers, with another function in place of a run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest
from distributed import Client, LocalCluster, get_worker
from nbformat.v4 import new_notebook
from waiting import until

from autograder.cluster import cluster_runs
from autograder.cluster.cluster_runs import CUT_SHORT, TRIES, ClusterRuns
from autograder.cluster.parcel import Answer
from autograder.cluster.worker import BEGUN
from autograder.errors import HostLost, NotReady
from autograder.facts.evidence import Facts
from autograder.facts.transcript import Transcript
from autograder.grading.executions import Execution
from autograder.grading.notebook_run import lost
from autograder.grading.progress import Teller
from autograder.grading.view import View

VIEW = View("chatbot", {})
WELL = Execution(outputs=(), counts=(), facts=Facts(evidence={}, transcript=Transcript(), in_grading=True))
LOST = WELL.model_copy(update={"facts": lost(HostLost("the model host has ended"))})
Say = Callable[[str], Answer]


class Three:
    """A cluster of three workers in this process.

    Attributes:
        said: what `trouble` says.
    """

    name = "the scheduler of a test"

    def __init__(self, cluster: LocalCluster) -> None:
        self._cluster, self.said = cluster, ""

    def client(self) -> Client:
        return Client(self._cluster, set_as_default=False)

    def trouble(self, workers: int) -> str | None:
        return self.said or None


class Sender:
    """Sends nothing."""

    def parcel(self, nb: object, view: View) -> tuple[bytes, dict[str, bytes]]:
        return b"", {}


@pytest.fixture(scope="module")
def three() -> Iterator[Three]:
    with LocalCluster(
        n_workers=3, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0", protocol="inproc://"
    ) as cluster:
        yield Three(cluster)


@pytest.fixture
def runs(three: Three, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterRuns]:
    monkeypatch.setattr(cluster_runs, "LOOK_SECONDS", 0.1)
    three.said = ""
    made = ClusterRuns(three, Sender(), Teller(), logging.getLogger("test"))  # type: ignore[arg-type]
    yield made
    made.end()


class Asked:
    """What the workers say, and which were asked."""

    def __init__(self) -> None:
        self.workers: list[str] = []
        self.say: Say = lambda address: Answer(worker=address, execution=WELL)

    def __call__(self, packed: bytes, files: dict[str, bytes]) -> bytes:
        address = get_worker().address
        self.workers.append(address)
        return self.say(address).packed()


NOW: list[Asked] = []
"""The one that answers in the test that runs: a function travels to a worker by its name."""


def ask(packed: bytes, files: dict[str, bytes]) -> bytes:
    return NOW[-1](packed, files)


def raising(packed: bytes, files: dict[str, bytes]) -> bytes:
    raise ModuleNotFoundError("No module named 'autograder'")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    NOW.append(Asked())
    monkeypatch.setattr(cluster_runs, "run_notebook", ask)
    return NOW[-1]


def run(runs: ClusterRuns) -> Execution:
    return runs.run(new_notebook(), VIEW, "anna, chatbot")


def test_one_worker_is_asked_where_all_goes_well(runs: ClusterRuns, asked: Asked) -> None:
    assert run(runs) == WELL
    assert len(asked.workers) == 1


@pytest.mark.parametrize(
    "answer",
    [{"failed": "OSError: [Errno 28] No space left on device"}, {"execution": LOST}],
    ids=["a full disk", "a host that was killed"],
)
def test_what_fails_on_one_worker_is_run_on_another(answer: dict[str, object], runs: ClusterRuns, asked: Asked) -> None:
    def say(address: str) -> Answer:
        return Answer(worker=address, **(answer if len(asked.workers) == 1 else {"execution": WELL}))  # type: ignore[arg-type]

    asked.say = say
    assert run(runs) == WELL
    assert len(set(asked.workers)) == 2


def test_what_fails_everywhere_is_not_judged_with_the_reason(runs: ClusterRuns, asked: Asked) -> None:
    asked.say = lambda address: Answer(worker=address, failed="OSError: the disk is full")
    execution = run(runs)
    assert len(set(asked.workers)) == len(asked.workers) == TRIES
    assert execution.facts.transcript.faults == (f"Tried {TRIES} times. OSError: the disk is full",)
    assert not execution.reusable


def test_what_no_job_has_time_for_is_not_judged_with_the_reason(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_runs, "LOOK_SECONDS", 0.1)
    go = threading.Event()

    def say(address: str) -> Answer:
        worker = get_worker()
        worker.log_event(BEGUN, worker.get_current_task())
        worker.loop.add_callback(worker.close_gracefully)
        go.wait(60)
        return Answer(worker=address, execution=WELL)

    asked.say = say
    with LocalCluster(
        n_workers=TRIES + 1,
        threads_per_worker=1,
        processes=False,
        dashboard_address="127.0.0.1:0",
        protocol="inproc://",
    ) as cluster:
        runs = ClusterRuns(Three(cluster), Sender(), Teller(), logging.getLogger("test"))  # type: ignore[arg-type]
        execution = run(runs)
        go.set()
        runs.end()
    assert execution.facts.transcript.faults == (CUT_SHORT.format(begun=TRIES),)
    assert len(set(asked.workers)) == len(asked.workers) == TRIES + 1


def test_a_worker_that_refuses_is_asked_no_more(runs: ClusterRuns, asked: Asked) -> None:
    refusing: list[str] = []

    def say(address: str) -> Answer:
        refusing[:] = refusing or [address]
        if address in refusing:
            return Answer(worker=address, refused="another version")
        return Answer(worker=address, execution=WELL)

    asked.say = say
    assert [run(runs) for _ in range(4)] == [WELL] * 4
    assert asked.workers.count(refusing[0]) == 1


def test_a_scheduler_that_is_lost_while_a_worker_is_left_out_ends_nothing(
    runs: ClusterRuns, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, lost = cluster_runs.workers_of, list[bool]()

    def workers_of(line: Client) -> dict[str, object]:
        if asked.workers and not lost:
            lost.append(True)
            raise OSError("Timed out trying to connect")
        return there(line)

    monkeypatch.setattr(cluster_runs, "workers_of", workers_of)
    monkeypatch.setattr(ClusterRuns, "_look", lambda runs, line: None)
    asked.say = lambda address: (
        Answer(worker=address, execution=WELL) if lost else Answer(worker=address, refused="another version")
    )
    assert run(runs) == WELL
    assert lost == [True]


def test_where_every_worker_refuses_the_run_ends_in_its_words(runs: ClusterRuns, asked: Asked) -> None:
    asked.say = lambda address: Answer(worker=address, refused="this worker has another version")
    with pytest.raises(NotReady, match="this worker has another version"):
        run(runs)
    assert len(set(asked.workers)) == len(asked.workers) == 3


def test_a_worker_that_cannot_even_answer_is_told_with_its_error(
    runs: ClusterRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_runs, "run_notebook", raising)
    assert "No module named 'autograder'" in run(runs).facts.transcript.faults[0]


def test_where_nobody_will_ever_answer_the_run_ends(three: Three, runs: ClusterRuns, asked: Asked) -> None:
    go = threading.Event()

    def say(address: str) -> Answer:
        go.wait(60)
        return Answer(worker=address, execution=WELL)

    asked.say, three.said = say, "The jobs ended before a worker came of them."
    with pytest.raises(NotReady, match="The jobs ended"):
        run(runs)
    go.set()


def test_nothing_is_kept_of_a_notebook_that_has_been_run(runs: ClusterRuns, asked: Asked) -> None:
    heard = threading.Event()

    def say(address: str) -> Answer:
        worker = get_worker()
        worker.log_event(BEGUN, worker.get_current_task())
        heard.wait(60)
        return Answer(worker=address, execution=WELL)

    asked.say = say
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(run, runs)
        until(lambda: runs._begun)
        heard.set()
        assert pending.result(60) == WELL
    assert not runs._begun


def test_ending_takes_back_what_was_asked(runs: ClusterRuns, asked: Asked) -> None:
    began, go = threading.Event(), threading.Event()

    def say(address: str) -> Answer:
        began.set()
        go.wait(60)
        return Answer(worker=address, execution=WELL)

    asked.say = say
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(run, runs)
        began.wait(60)
        runs.end()
        with pytest.raises(CancelledError):
            pending.result(60)
        go.set()
        with pytest.raises(CancelledError):
            run(runs)
