"""The floor under any grader that has a model answer all that a class asks, each different request once.

A bare loop on each core (`bare`) makes the answers anew, in batches as full as they get: their rate is that of this machine. The
floor is the tokens that the class was answered with, at this rate, and the start of a process that imports and loads what it
takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from autograder.errors import NotReady
from autograder.facts.transcript import Request
from autograder.grading.records import Records
from autograder.judging.contract import ASSIGNMENT
from autograder.protocol import wire
from trials.bench.bare import BATCHES, Batch, Made

ROWS = 32
"""Rows of one batch, at most."""
PROCESSES = min(4, len(os.sched_getaffinity(0)))
"""Bare loops side by side on a processor, each with one thread: as many as the model host generates batches at a time."""
MADE: TypeAdapter[Made] = TypeAdapter(Made)


@dataclass(frozen=True)
class Floor:
    """All different answers of a class, and what a bare loop takes for them.

    Attributes:
        answers, tokens: of the class, as recorded.
        tokens_per_second: of the bare loop, in batches, loading not counted.
        start: seconds until it generates: a process, its imports, each model loaded once.
        processes: bare loops side by side, at most.
    """

    answers: int = 0
    tokens: int = 0
    tokens_per_second: float = 0.0
    start: float = 0.0
    processes: int = 0

    @property
    def seconds(self) -> float:
        return self.start + self.tokens / self.tokens_per_second if self.tokens_per_second else 0.0


def requests_of(course: Path) -> list[Request]:
    """The requests of the whole class that a model had to answer, each different one (with its answer) once."""
    records = Records(course, ASSIGNMENT)
    found: dict[str, Request] = {}
    for path in sorted((course / "verdicts" / ASSIGNMENT).glob("*/*.json")):
        record = records.read(path.parent.name, path.stem)
        for request in record.transcript.own() if record else ():
            if request.error is None and any(request.output_ids):
                what = [request.model, request.token_ids, request.settings, request.output_ids]
                found.setdefault(json.dumps(what, sort_keys=True), request)
    return list(found.values())


def batches_of(requests: Sequence[Request], rows: int = ROWS) -> list[Batch]:
    """All requests as few batches: equal model and settings, rows of about the same length together."""
    groups: dict[str, list[Request]] = {}
    for request in requests:
        settings = wire.honoured(request.settings)
        groups.setdefault(json.dumps([request.model, settings], sort_keys=True), []).append(request)
    found = []
    for group in groups.values():
        inputs = sorted((list(request.token_ids) for request in group), key=len)
        settings = wire.honoured(group[0].settings)
        found += [Batch(group[0].model, settings, inputs[n : n + rows]) for n in range(0, len(inputs), rows)]
    return found


def floor_of(requests: Sequence[Request], folder: Path, models: Path, processes: int = PROCESSES) -> Floor:
    """The floor under answering these requests.

    Args:
        folder: for what the bare loops are told, and what they say.
        models: the model home.
    """
    if not requests:
        return Floor()
    tokens = sum(len(output) for request in requests for output in request.output_ids)
    began = time.monotonic()
    made = side_by_side(batches_of(requests), folder, models, processes)
    start = time.monotonic() - began - made.seconds
    return Floor(len(requests), tokens, made.tokens / made.seconds, start, processes)


def side_by_side(batches: Sequence[Batch], folder: Path, models: Path, processes: int) -> Made:
    """Generates batches in bare loops, each with its share of them; the seconds are those of the slowest."""
    ordered = sorted(batches, key=lambda batch: len(batch.rows), reverse=True)
    shares = [share for share in (ordered[n::processes] for n in range(processes)) if share]
    with ThreadPoolExecutor(len(shares)) as pool:
        jobs = [pool.submit(bare_loop, share, folder / str(n), models) for n, share in enumerate(shares)]
        made = [job.result() for job in jobs]
    return Made(sum(each.tokens for each in made), max(each.seconds for each in made))


def bare_loop(batches: Sequence[Batch], folder: Path, models: Path) -> Made:
    """Generates batches in a process of its own. Raises NotReady, with the end of what it said, where that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    work, log = folder / "batches.json", folder / "bare.log"
    work.write_bytes(BATCHES.dump_json(list(batches)))
    command = [sys.executable, "-W", "ignore", "-m", "trials.bench.bare", "--home", str(models.resolve())]
    command += ["--batches", str(work)]
    quiet = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    env = {**os.environ, **quiet, "OMP_NUM_THREADS": "1"}
    checkout = Path(__file__).resolve().parents[2]
    with log.open("w", encoding="utf-8") as errors:
        done = subprocess.run(
            command, cwd=checkout, env=env, stdout=subprocess.PIPE, stderr=errors, text=True, check=False
        )
    if done.returncode:
        last = " / ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:])
        raise NotReady(f"the bare loop ended with {done.returncode}; {log} ends with: {last}")
    return MADE.validate_json(done.stdout.splitlines()[-1])
