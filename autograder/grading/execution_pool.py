"""Executing notebooks side by side, ahead of being judged, and the order in which submissions are worked through.

While one kernel waits for the model host, or the judge for the gradebook, another kernel runs. Two notebooks with the same
key are executed once, also while the first of them is still running.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import count
from queue import Empty, PriorityQueue
from typing import Protocol, TypeVar

import psutil

from autograder.grading.executions import Execution
from autograder.grading.progress import Counted

Run = Callable[[], Execution]
Rehearse = Callable[[], None]
Pending = Future[Execution]
KERNEL_BYTES = 300 * 10**6
"""What an ordinary kernel of a notebook takes beside what all share, generously."""
HOST_BYTES = 3 * 10**9
"""What is left for the model host."""
PER_CORE = 8
"""Notebooks for each core: most of them wait for a model, so that batches fill."""
WINDOW = 32
"""Submissions that have been begun and not yet judged, at most; as many as notebooks that run at a time, where these are more."""


def notebooks_at_a_time(limit_bytes: int) -> int:
    """How many notebooks are executed side by side here: as many as memory and cores can bear.

    Args:
        limit_bytes: what one kernel may take; there is room for one that does.
    """
    free = int(psutil.virtual_memory().available) - HOST_BYTES - limit_bytes
    cores = len(os.sched_getaffinity(0))
    return max(2, min(PER_CORE * cores, free // KERNEL_BYTES))


class Begun(Protocol):
    """A submission whose notebooks are being executed."""

    @property
    def pending(self) -> Collection[Pending]: ...


B = TypeVar("B", bound=Begun)


class Pool(Protocol):
    """Has notebooks executed; at most `window` submissions are begun and not yet judged."""

    window: int

    def begin(self, key: str | None, run: Run, name: str = "", rehearse: Rehearse | None = None) -> Pending:
        """Has a notebook executed as soon as there is room.

        Args:
            name: of the notebook; those of the first name come first.
            key: of its execution; None where it must be executed in any case.
            run: executes it, or finds that this has been done.
            rehearse: done before, where several are executed side by side; waits for no model and raises nothing.
        """

    @property
    def wants_more(self) -> bool:
        """Whether more should be begun before anything is finished."""

    def end(self) -> None:
        """Begins nothing more, and waits for what is running."""


class InLine:
    """Executes each notebook at once, in the thread that begins it: for a debugger."""

    window, wants_more = 1, False

    def begin(self, key: str | None, run: Run, name: str = "", rehearse: Rehearse | None = None) -> Pending:
        mine: Pending = Future()
        mine.set_result(run())
        return mine

    def end(self) -> None:
        pass


class ExecutionPool:
    """Threads that execute. Of what waits, notebooks of one name go together: they ask the same models.

    What has to be executed is rehearsed first, by two threads for each core: a rehearsal waits for no model.

    Args:
        threads: how many notebooks are executed at a time.
        changed: told whenever a notebook begins or ends, from several threads.
    """

    def __init__(self, threads: int, changed: Callable[[Counted], None] = lambda _: None) -> None:
        self._threads, self._changed, self.window = threads, changed, max(WINDOW, threads)
        self._at_work, self._done, self._counting = 0, 0, threading.Lock()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="execute")
        self._rehearsals = ThreadPoolExecutor(2 * len(os.sched_getaffinity(0)), thread_name_prefix="rehearse")
        self._waiting: PriorityQueue[tuple[str, int, Pending, Run]] = PriorityQueue()
        self._numbers = count()
        self._begun: set[Pending] = set()
        self._running: dict[str, Pending] = {}

    def begin(self, key: str | None, run: Run, name: str = "", rehearse: Rehearse | None = None) -> Pending:
        first = self._running.get(key) if key else None
        if first is not None:
            return self._after(first, run, name)
        mine = self._new()
        if rehearse is None:
            self._submit(mine, run, name)
        else:
            self._rehearsals.submit(rehearse).add_done_callback(lambda _: self._submit_late(mine, run, name))
        if key:
            self._running[key] = mine
            mine.add_done_callback(lambda _: self._running.pop(key, None))  # from now on it is on disk
        return mine

    def _after(self, first: Pending, run: Run, name: str) -> Pending:
        """The outcome of another notebook with the same code; where that did not come to its end, it is executed itself."""
        mine: Pending = Future()

        def pass_on(done: Pending, again: bool = False) -> None:
            if done.cancelled():
                mine.cancel()
            elif (error := done.exception()) is not None:
                mine.set_exception(error)
            else:
                mine.set_result(done.result().model_copy(update={"again": again}) if again else done.result())

        def then(done: Pending) -> None:
            if done.cancelled() or done.exception() is not None or done.result().reusable:
                pass_on(done, again=True)
                return
            again = self._new()
            again.add_done_callback(pass_on)
            self._submit_late(again, run, name)

        first.add_done_callback(then)
        return mine

    def _new(self) -> Pending:
        mine: Pending = Future()
        self._begun.add(mine)
        mine.add_done_callback(self._begun.discard)
        return mine

    def _submit(self, mine: Pending, run: Run, name: str) -> None:
        """Has it run when it comes first of all that waits. Raises RuntimeError where nothing more is begun."""
        self._waiting.put((name, next(self._numbers), mine, run))
        self._pool.submit(self._next)

    def _submit_late(self, mine: Pending, run: Run, name: str) -> None:
        """The same, for one that has been begun: it is cancelled where nothing more is."""
        try:
            self._submit(mine, run, name)
        except RuntimeError:
            mine.cancel()

    def _next(self) -> None:
        """Runs what comes first of all that waits."""
        _, _, mine, run = self._waiting.get_nowait()
        if mine.set_running_or_notify_cancel():
            self._count(1, 0)
            try:
                outcome = run()
            except BaseException as error:
                self._count(-1, 1)
                mine.set_exception(error)
            else:
                self._count(-1, 1)
                mine.set_result(outcome)

    def _count(self, at_work: int, done: int) -> None:
        with self._counting:
            self._at_work, self._done = self._at_work + at_work, self._done + done
            waiting = max(0, len(self._begun) - self._at_work - done)
            self._changed(Counted(waiting=waiting, running=self._at_work, done=self._done))

    @property
    def wants_more(self) -> bool:
        """Whether not every thread has a notebook, and some to choose the next one from."""
        return len(self._begun) < 4 * self._threads

    def end(self) -> None:
        """Begins nothing more, and waits for what is running."""
        self._rehearsals.shutdown(wait=False, cancel_futures=True)
        self._pool.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(Empty):
            while True:
                self._waiting.get_nowait()[2].cancel()
        self._pool.shutdown(wait=True)


def wait_for_one(pending: Iterable[Pending]) -> None:
    """Returns as soon as one that was not done is."""
    wait({each for each in pending if not each.done()}, return_when=FIRST_COMPLETED)


def work_through(
    names: Iterable[str], begin: Callable[[str], B | None], finish: Callable[[B], None], pool: Pool
) -> None:
    """Begins submissions as long as there is somebody to execute them, and finishes each when its notebooks are done.

    Args:
        names: of the submissions; they are begun in their order.
        begin: answers None where there is nothing to do for one.
    """
    left = sorted(names, reverse=True)
    waiting: list[B] = []
    while left or waiting:
        done = next((begun for begun in waiting if all(each.done() for each in begun.pending)), None)
        if left and len(waiting) < pool.window and (done is None or pool.wants_more):
            begun = begin(left.pop())
            waiting += [begun] if begun is not None else []
        elif done is not None:
            waiting.remove(done)
            finish(done)
        else:
            wait_for_one(each for begun in waiting for each in begun.pending)
