"""The process that generates: `python -m autograder.host.worker`, a child of the model host's, started by `maker.py`.

It reads frames from standard input, writes frames to standard output, and ends with its input. It knows models, and nothing
of notebooks, transcripts or sockets: none of these is lost when it ends (a failed GPU, a job that cannot be interrupted).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from autograder.host import device, orders
from autograder.host import models as loading
from autograder.host.failures import failed
from autograder.host.generation import Control
from autograder.host.memory import Sequences
from autograder.host.models import Models
from autograder.protocol import wire
from autograder.system.imports import garbage_later


class Work:
    """Makes batches in threads of their own, and answers in the order in which they are done.

    How many run at a time is the host's to decide: it holds those that are to wait.
    """

    def __init__(self, models: Models, out: BinaryIO) -> None:
        self._models, self._out, self._turn = models, out, threading.Lock()
        self._controls: dict[int, Control] = {}

    def say(self, frame: wire.Frame, number: int = 0) -> None:
        with self._turn:
            self._out.write(wire.packed(frame, number))
            self._out.flush()

    def load(self, name: str) -> None:
        """Has a model loaded, so that the first request need not wait for it."""
        threading.Thread(target=self._models.load, args=(name,), daemon=True).start()

    def take(self, frame: orders.Make | orders.GiveUp | orders.Hold, number: int) -> None:
        known = self._controls.get(number)
        if isinstance(frame, orders.Make):
            if known is None or not known.join(frame.parts):
                self._controls = {of: each for of, each in self._controls.items() if not each.ended}
                control = self._controls[number] = Control(frame.parts)
                threading.Thread(target=self._make, args=(frame, number, control), daemon=True).start()
        elif known is not None and isinstance(frame, orders.GiveUp):
            known.give_up(frame.part)
        elif known is not None and isinstance(frame, orders.Hold):
            known.hold(frame.held)

    def _make(self, asked: orders.Make, number: int, control: Control) -> None:
        def settle(part: int, made: Sequences | Exception) -> None:
            control.give_up(part)  # it needs nothing more
            self.say(orders.Made(part=part, outcome=_outcome(made), state=self._state()), number)

        try:
            self._models.generate(asked, control, settle, lambda: self.say(orders.Begun(), number))
        except Exception as error:
            print(f"worker: ends, since {type(error).__name__}: {str(error)[:300]}", file=sys.stderr, flush=True)
            os._exit(1)  # for every model: another process can begin anew

    def _state(self) -> orders.State:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return orders.State(
            loaded=tuple(self._models.loaded()), dropped=self._models.dropped, passes=self._models.passes, peak_mb=peak
        )


def _outcome(made: Sequences | Exception) -> orders.Output | orders.NotMade:
    if isinstance(made, Exception):
        why = failed(made)
        return orders.NotMade(name=why.name, message=str(why), machine=why.machine)
    return orders.Output(sequences=made)


def serve(models: Models, first: str = "") -> None:
    """Takes on work until the input ends; then the process ends, whatever it is at.

    Args:
        first: a model to load before anybody asks for it; none where it is empty.
    """
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no frame
    work = Work(models, out)
    with garbage_later():
        versions = device.library_versions()
    work.say(orders.Ready(versions=versions, on_gpu=device.device_here() != "cpu"))
    if first:
        work.load(first)
    given = sys.stdin.buffer
    with contextlib.suppress(OSError):
        while len(header := given.read(wire.HEADER.size)) == wire.HEADER.size:
            length, number = wire.HEADER.unpack(header)
            work.take(orders.ToWorker.validate_json(given.read(length)), number)
    os._exit(0)


def main() -> None:
    """Parses, sets up the process, serves."""
    parser = argparse.ArgumentParser(prog="autograder.host.worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--first", default="")
    given = parser.parse_args()
    loading.prepare(given.home, given.threads)
    serve(Models(given.home), given.first)


if __name__ == "__main__":
    main()
