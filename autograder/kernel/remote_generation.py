"""Who answers in the place of a model whose weights are not in this process: one method, a frame for a frame.

In a kernel that is graded it is the model host; under nbgrader's validation an echo, which asks no model at all.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Protocol

from autograder.errors import HostLost
from autograder.protocol.echo import canned_answer, echo_of
from autograder.protocol.line import Line
from autograder.protocol.wire import Answer, Generate, Note, Noted, Refused, Reply
from autograder.system.disk_cache import digest


class RemoteGeneration(Protocol):
    def ask(self, frame: Generate | Note) -> Reply:
        """An `Answer` or a `Noted`; `Refused` where there can be none."""


class HostGeneration:
    """The model host, over the socket of this notebook; each frame has a line of its own."""

    def __init__(self, socket: str) -> None:
        self.socket = socket

    def ask(self, frame: Generate | Note) -> Reply:
        try:
            with closing(Line(self.socket)) as line:
                return line.ask(frame)
        except HostLost as error:
            return Refused(name="RuntimeError", message=str(error)[:500])


class EchoGeneration:
    """A canned text, another one for another request, and at once.

    Args:
        encode: a model's name and a text to that model's tokens.
    """

    def __init__(self, encode: Callable[[str, str], list[int]]) -> None:
        self._encode = encode
        self._times: Counter[str] = Counter()
        self._lock = threading.Lock()

    def ask(self, frame: Generate | Note) -> Reply:
        if isinstance(frame, Note):
            return Noted(numbers=[])
        tokens = self._encode(frame.model, echo_of(frame, self._seed(frame)))
        return Answer(numbers=[], sequences=canned_answer(frame, tokens))

    def _seed(self, asked: Generate) -> int | None:
        if not asked.settings.get("do_sample"):
            return None
        core = digest(asked.model_dump())
        with self._lock:
            self._times[core] += 1
            return self._times[core] if asked.seed is None else asked.seed
