"""Executing notebooks side by side, ahead of their turn to be judged.

While one kernel waits for the model host, or the judge for the gradebook, another kernel runs. Two notebooks with the same
key are executed once, also while the first of them is still running.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from .executions import Execution

Run = Callable[[], Execution]


class Ahead:
    """A few threads that execute.

    Args:
        threads: how many notebooks are executed at a time.
    """

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="execute")
        self._running: dict[str, Future[Execution]] = {}

    def begin(self, key: str | None, run: Run) -> Run:
        """Has a notebook executed as soon as a thread is free; answers a function that waits for the outcome.

        Args:
            key: of its execution; None where it must be executed in any case.
            run: executes it, or finds that this has been done. What it raises is raised to whoever waits.
        """
        first = self._running.get(key) if key else None
        if first is not None:
            return lambda: _shared(first, run)
        mine = self._pool.submit(run)
        if key:
            self._running[key] = mine
            mine.add_done_callback(lambda _: self._running.pop(key, None))  # from now on the shelf has it
        return lambda: mine.result()

    def end(self) -> None:
        """Begins nothing more, and waits for what is running."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _shared(first: Future[Execution], run: Run) -> Execution:
    """The outcome of another notebook with the same code; one of its own where that one did not come to its end."""
    execution = first.result()
    return execution.model_copy(update={"again": True}) if execution.whole else run()
