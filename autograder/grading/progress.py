"""How far a run is: the process that grades tells the one that has started it of each notebook, over a pipe of their own."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

VARIABLE = "AUTOGRADER_PROGRESS"
"""Where the grading process finds its end of the pipe; it passes this on to nobody."""
ONE, STATE, WORKERS, SAID = ".", "=", "~", ">"
"""With what a line begins: a notebook has been graded; how many wait; who runs them; something to be read."""
END_SECONDS = 5.0
"""How long the last lines are waited for, should something else hold the pipe open."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """How many notebooks wait, run, and have been executed, or found to have been."""

    waiting: int
    running: int
    done: int


class Teller:
    """The end of the process that grades. Where nobody listens, telling does nothing. Each thing told is a line."""

    def __init__(self) -> None:
        told = os.environ.pop(VARIABLE, "")
        self._pipe = int(told) if told.isdecimal() else None

    def tell(self) -> None:
        """One more notebook has been graded."""
        self._write(ONE)

    def state(self, counted: Counted) -> None:
        """So many notebooks wait, run, and have been executed; from any thread."""
        self._write(f"{STATE}{counted.waiting} waiting, {counted.running} under way, {counted.done} done")

    def workers(self, there: int, running: int) -> None:
        """So many workers are there, and run so many notebooks."""
        self._write(f"{WORKERS}{there} worker(s) running {running}")

    def say(self, line: str) -> None:
        """Something that whoever waits should read."""
        self._write(SAID + " ".join(line.split()))

    def _write(self, line: str) -> None:
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                os.write(
                    self._pipe, line.encode()[: select.PIPE_BUF - 1] + b"\n"
                )  # so short that no other comes between


class Listener:
    """The end of the process that starts a grading one, and ends it within this block.

    Args:
        one: called once a notebook, in another thread.
        hear: called there, too, with anything else that is told: its first letter is `STATE`, `WORKERS` or `SAID`.

    Attributes:
        handle: to be passed to the process (`pass_fds`), with `env` among its variables.
        heard: how many notebooks have been graded.
    """

    def __init__(self, one: Callable[[], None], hear: Callable[[str], None] = lambda _: None) -> None:
        self._one, self._hear = one, hear
        self._reading, self.handle = os.pipe()
        self._thread = threading.Thread(target=self._listen, name="progress", daemon=True)
        self.env = {VARIABLE: str(self.handle)}
        self.heard = 0

    def _listen(self) -> None:
        with open(self._reading, encoding="utf-8", errors="replace") as lines:
            for line in map(str.strip, lines):
                if line == ONE:
                    self.heard += 1
                    self._one()
                elif line:
                    self._hear(line)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.handle)
        self._thread.join(END_SECONDS)
