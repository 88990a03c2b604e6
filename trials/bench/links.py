"""`python -m trials bench-links`: what Dask's encrypted links cost on this machine, for each task and for each megabyte."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributed import Client, LocalCluster

from autograder.cluster.slurm import certificates

SMALL, LARGE = 40_000, 4_000_000
"""Bytes of a task: about a parcel's, and a large file beside a notebook."""
TASKS = {SMALL: 200, LARGE: 20}


@dataclass(frozen=True)
class Links:
    """Seconds for a task there and back, and for a megabyte on top of it: through the scheduler to a worker, and back."""

    task: float
    megabyte: float

    def lines(self) -> list[str]:
        return [
            f"A task: {self.task * 1000:.1f} ms. A megabyte there and back: {self.megabyte * 1000:.1f} ms "
            f"({1 / self.megabyte:.0f} MB/s). Encrypted, on this machine, one after the other."
        ]


def run(folder: Path) -> Links:
    """Sends tasks of two sizes to a worker, each when the one before has come back as large.

    Args:
        folder: for certificates; made anew.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, memory_limit=0, dashboard_address=None, protocol="tls://",
            security=certificates(folder / "keys"),
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):  # fmt: skip
        small, large = (seconds(client, size) for size in (SMALL, LARGE))
    megabyte = (large - small) / ((LARGE - SMALL) / 10**6)
    return Links(small - megabyte * SMALL / 10**6, megabyte)


def seconds(client: Client, size: int) -> float:
    """Of one task of a size, on average."""
    sent = [os.urandom(size) for _ in range(TASKS[size])]
    told(client, os.urandom(size))
    began = time.monotonic()
    for each in sent:
        told(client, each)
    return (time.monotonic() - began) / len(sent)


def told(client: Client, sent: bytes) -> Any:
    return client.submit(reversed_bytes, sent, pure=False).result()


def reversed_bytes(sent: bytes) -> bytes:
    """Other bytes, as many."""
    return sent[::-1]
