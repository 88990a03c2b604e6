"""What a worker of a test does in place of running a notebook. Its folder is on the worker's path."""

from __future__ import annotations

import os
import time
from pathlib import Path

from distributed import get_worker

from autograder.cluster.parcel import Answer
from autograder.facts.evidence import Facts
from autograder.facts.transcript import Transcript
from autograder.grading.executions import Execution

WELL = Execution(outputs=(), counts=(), facts=Facts(evidence={}, transcript=Transcript(), in_grading=True))


def die(packed: bytes, files: dict[str, bytes]) -> bytes:
    """Ends its worker, and says so in a file.

    Args:
        packed: the folder of the file.
    """
    Path(os.fsdecode(packed), f"died-{os.getpid()}").touch()
    os._exit(1)


def run(packed: bytes, files: dict[str, bytes]) -> bytes:
    """Says in a file that it has begun, and answers once a second file is there.

    Args:
        packed: the folder of both.
    """
    folder = Path(os.fsdecode(packed))
    (folder / f"begun-{os.getpid()}").touch()
    while not (folder / "go").exists():
        time.sleep(0.05)
    return Answer(worker=get_worker().address, execution=WELL).packed()
