"""How far a run is: the process that grades tells the one that has started it of each notebook, over a pipe of their own."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Self

VARIABLE = "AUTOGRADER_PROGRESS"
"""Where the grading process finds its end of the pipe; it passes this on to nobody."""
END_SECONDS = 5.0
"""How long the last lines are waited for, should something else hold the pipe open."""


class Teller:
    """The end of the process that grades. Where nobody listens, telling does nothing."""

    def __init__(self) -> None:
        told = os.environ.pop(VARIABLE, "")
        self._pipe = int(told) if told.isdecimal() else None

    def tell(self) -> None:
        """One more notebook has been graded."""
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                os.write(self._pipe, b".")


class Listener:
    """The end of the process that starts a grading one, and ends it within this block.

    Args:
        one: called once a notebook, in another thread.

    Attributes:
        handle: to be passed to the process (`pass_fds`), with `env` among its variables.
        heard: how many notebooks have been graded.
    """

    def __init__(self, one: Callable[[], None]) -> None:
        self._one = one
        self._reading, self.handle = os.pipe()
        self._thread = threading.Thread(target=self._listen, name="progress", daemon=True)
        self.env = {VARIABLE: str(self.handle)}
        self.heard = 0

    def _listen(self) -> None:
        while os.read(self._reading, 1):
            self.heard += 1
            self._one()
        os.close(self._reading)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.handle)
        self._thread.join(END_SECONDS)
