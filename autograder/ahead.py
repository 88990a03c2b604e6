"""Executing notebooks side by side, ahead of being judged.

While one kernel waits for the model host, or the judge for the gradebook, another kernel runs. Two notebooks with the same
key are executed once, also while the first of them is still running.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from .executions import Execution

Run = Callable[[], Execution]


@dataclass(frozen=True)
class Pending:
    """A notebook that is being executed, or waits for one with the same code.

    Attributes:
        again: executes it on its own, where the other notebook did not come to its end; None where it is executed itself.
    """

    future: Future[Execution]
    again: Run | None = None

    def done(self) -> bool:
        return self.future.done()

    def result(self) -> Execution:
        """The execution, once there is one. Raises whatever executing it raised."""
        execution = self.future.result()
        if self.again is None:
            return execution
        return execution.model_copy(update={"again": True}) if execution.whole else self.again()


class Ahead:
    """A few threads that execute.

    Args:
        threads: how many notebooks are executed at a time.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="execute")
        self._begun: set[Future[Execution]] = set()
        self._running: dict[str, Future[Execution]] = {}

    def begin(self, key: str | None, run: Run) -> Pending:
        """Has a notebook executed as soon as a thread is free.

        Args:
            key: of its execution; None where it must be executed in any case.
            run: executes it, or finds that this has been done.
        """
        first = self._running.get(key) if key else None
        if first is not None:
            return Pending(first, run)
        mine = self._pool.submit(run)
        self._begun.add(mine)
        mine.add_done_callback(self._begun.discard)
        if key:
            self._running[key] = mine
            mine.add_done_callback(lambda _: self._running.pop(key, None))  # from now on the shelf has it
        return Pending(mine)

    @property
    def wants_more(self) -> bool:
        """Whether not every thread has a notebook, and a next one."""
        return len(self._begun) < 2 * self._threads

    def end(self) -> None:
        """Begins nothing more, and waits for what is running."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def wait_for_one(pending: Iterable[Pending]) -> None:
    """Returns as soon as one that was not done is."""
    wait({each.future for each in pending if not each.done()}, return_when=FIRST_COMPLETED)
