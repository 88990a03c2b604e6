"""A folder of a run's own, which nobody else can read; what runs that were killed have left is removed."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def run_folder(base: Path) -> Iterator[Path]:
    """A new folder for this process; at the end all but the jobs' logs is removed, which the next run does."""
    here = f"{socket.gethostname()}-"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in base.glob(f"{here}*"):
        pid = left.name.removeprefix(here).partition("-")[0]
        if pid.isdecimal() and (int(pid) == os.getpid() or not psutil.pid_exists(int(pid))):
            shutil.rmtree(left, ignore_errors=True)
    made = base / f"{here}{os.getpid()}"
    made.mkdir(mode=0o700)
    try:
        yield made
    finally:
        for each in made.iterdir():
            if each.name != "logs":
                shutil.rmtree(each, ignore_errors=True)
        with contextlib.suppress(OSError):
            made.rmdir()
