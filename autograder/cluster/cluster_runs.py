"""Runs notebooks on workers: who is asked, who is asked again, and when that is given up.

A worker that dies while it runs a notebook is Dask's affair, which gives the notebook to another one a bounded number of times.
One that ends in good order, as before its job's time limit, is not counted there, but here: each tells what it begins.
What a worker itself says went wrong (its host was killed, its disk is full) is tried elsewhere here, `TRIES` times in all; then
the notebook is not judged, with the reason. A worker that refuses is asked no more; where there is no other, the run ends.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import CancelledError
from typing import Any, Protocol

from distributed import Client, Future, KilledWorker
from nbformat import NotebookNode

from autograder.cluster.parcel import Answer, Sender
from autograder.cluster.worker import BEGUN, run_notebook
from autograder.errors import HostLost, NotReady
from autograder.grading.executions import Execution, executed
from autograder.grading.notebook_run import lost
from autograder.grading.progress import Teller
from autograder.grading.view import View

PREFIX = "notebook"
"""With what the keys of Dask's tasks begin."""
TRIES = 3
"""Workers that are asked for one notebook where each says that something went wrong."""
LOOK_SECONDS = 5.0
"""How often whoever waits looks whether anybody will ever answer."""
RETURN_SECONDS = 60.0
"""How long a scheduler that has gone may take to come back."""
DIED = "{deaths} workers that were given this notebook died while they ran it."
CUT_SHORT = (
    "{begun} workers began it, and each ended before it was done. A job may need more time (walltime in [cluster])."
)
GONE = "The scheduler was lost while this notebook was waiting or running."


class CutShort(Exception):
    """No worker has had the time for a notebook."""


class Cluster(Protocol):
    """A scheduler and its workers."""

    name: str

    def client(self) -> Client:
        """Another line to the scheduler. Raises OSError where it does not answer."""

    def trouble(self, workers: int) -> str | None:
        """Why no notebook will ever be run, where that is known; `workers` are there now."""


class ClusterRuns:
    """Runs notebooks on a cluster's workers, whichever thread asks."""

    def __init__(self, cluster: Cluster, sender: Sender, progress: Teller, log: Any) -> None:
        self._cluster, self._sender, self._progress, self._log = cluster, sender, progress, log
        self._look_at, self._trouble = 0.0, ""
        self._line: Client | None = None
        self._asked: set[Future] = set()
        self._refused: dict[str, str] = {}
        self._begun: Counter[str] = Counter()
        self._turn = threading.Lock()
        self._ended = threading.Event()

    def run(self, nb: NotebookNode, view: View, label: str) -> Execution:
        packed, files = self._sender.parcel(nb, view)
        failed: list[Answer] = []
        while len(failed) < TRIES:
            try:
                answer = self._answer(packed, files, {each.worker for each in failed})
            except KilledWorker as error:  # Dask has tried others
                return not_run(nb, DIED.format(deaths=error.allowed_failures + 1))
            except CutShort as error:
                return not_run(nb, str(error))
            if answer.refused:
                continue
            if answer.execution is not None and not answer.execution.facts.transcript.faults:
                return answer.execution
            failed.append(answer)
            self._log.warning("%s: %s (%s)", label, why(answer), answer.worker or self._cluster.name)
        last = failed[-1]
        return last.execution or not_run(nb, f"Tried {TRIES} times. {why(last)}")

    def rehearse(self, nb: NotebookNode, view: View) -> None:
        """Nothing: a worker, which has a model host of its own, rehearses what it is to run."""

    def end(self) -> None:
        """Takes back what has been asked, and lets go of the scheduler."""
        self._ended.set()
        with self._turn:
            line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(Exception):  # it may be gone
                line.cancel(list(self._asked), force=True)
            shut(line)

    def _leave_out(self, answer: Answer) -> None:
        """Asks a worker no more. Raises NotReady, with its words, where there is no other."""
        with self._turn:
            self._refused[answer.worker] = answer.refused
        self._log.warning("%s is left out: %s", answer.worker, answer.refused)
        if not set(workers_of(self._line_now())) - self._refused.keys():
            raise NotReady(f"{answer.worker}: {answer.refused}")

    def _answer(self, packed: bytes, files: dict[str, bytes], failed: set[str]) -> Answer:
        """What a worker says, one that has neither refused nor failed on this notebook where there is one; it may refuse.

        Raises KilledWorker, CutShort, NotReady, and CancelledError once the run is ended.
        """
        line = self._line_now()
        try:
            future = self._submitted(line, packed, files, failed)
            answer = Answer.unpacked(self._awaited(future, line))
            if answer.refused:
                self._leave_out(answer)
            return answer
        except (CancelledError, OSError):
            raise_if(self._ended)
            self._drop(line)
            return Answer(worker="", failed=GONE)
        except (NotReady, KilledWorker, CutShort):
            raise
        except Exception as error:  # what a worker without this kit, or with a fault of ours, raises
            raise_if(self._ended)
            return Answer(worker="", failed=f"{type(error).__name__}: {error}"[:500])

    def _submitted(self, line: Client, packed: bytes, files: dict[str, bytes], failed: set[str]) -> Future:
        avoided = failed | self._refused.keys()
        others = [each for each in workers_of(line) if each not in avoided] if avoided else []
        future = line.submit(
            run_notebook, packed, files, key=f"{PREFIX}-{uuid.uuid4().hex}", pure=False,
            workers=others or None, allow_other_workers=bool(others),
        )  # fmt: skip
        self._asked.add(future)
        self._look(line)
        return future

    def _awaited(self, future: Future, line: Client) -> bytes:
        """What a future comes to. Raises NotReady or CutShort where nothing ever will."""
        try:
            while True:
                try:
                    told: bytes = future.result(timeout=LOOK_SECONDS)
                    return told
                except TimeoutError:
                    raise_if(self._ended)
                    if self._begun[future.key] > TRIES:
                        future.cancel(force=True)
                        raise CutShort(CUT_SHORT.format(begun=TRIES)) from None
                    self._look(line)
                    if self._trouble:
                        raise NotReady(self._trouble) from None
        finally:
            self._asked.discard(future)
            self._begun.pop(future.key, None)

    def _look(self, line: Client) -> None:
        """Tells who is there, and finds whether nobody ever will be; one thread does so for all, now and then."""
        with self._turn:
            if time.monotonic() < self._look_at:
                return
            self._look_at = time.monotonic() + LOOK_SECONDS
        workers = workers_of(line)
        self._progress.workers(len(workers), sum(running_on(each) for each in workers.values()))
        self._trouble = self._cluster.trouble(len(workers)) or ""

    # --- The line to the scheduler ---

    def _line_now(self) -> Client:
        """The line that there is, or another one. Raises NotReady where the scheduler does not answer for long."""
        with self._turn:
            raise_if(self._ended)
            ends = time.monotonic() + RETURN_SECONDS
            while self._line is None or self._line.status not in ("running", "connecting"):
                try:
                    self._line = self._cluster.client()
                    self._line.subscribe_topic(BEGUN, self._count)
                except OSError as error:
                    if time.monotonic() > ends or self._ended.wait(1):
                        raise NotReady(
                            f"{self._cluster.name} does not answer ({error}). What has been graded stays; once it is "
                            "there, run the same command again: it takes only what is left."
                        ) from error
            return self._line

    def _count(self, event: tuple[float, str]) -> None:
        """Hears of a task that has been begun."""
        self._begun[event[1]] += 1

    def _drop(self, line: Client) -> None:
        """Lets go of a line whose scheduler was lost."""
        with self._turn:
            if self._line is not line:
                return
            self._line = None
        shut(line)


def raise_if(ended: threading.Event) -> None:
    """Raises CancelledError once the run is ended."""
    if ended.is_set():
        raise CancelledError("the run has been ended")


def workers_of(line: Client) -> dict[str, Any]:
    """The workers that are there now, by address, as Dask tells of them."""
    found: dict[str, Any] = line.scheduler_info(n_workers=-1)["workers"]
    return found


def running_on(worker: dict[str, Any]) -> int:
    """How many notebooks a worker is running, by what it last said."""
    return int(worker.get("metrics", {}).get("task_counts", {}).get("executing", 0))


def shut(line: Client) -> None:
    with contextlib.suppress(Exception):  # its scheduler may be gone
        line.close(timeout=5)


def not_run(nb: NotebookNode, reason: str) -> Execution:
    """What is known of a notebook that nobody could run: nothing, so that it is not judged."""
    return executed(nb, lost(HostLost(reason)), {})


def why(answer: Answer) -> str:
    """What went wrong, in words."""
    return answer.failed or (answer.execution.facts.transcript.faults[0] if answer.execution else "")
