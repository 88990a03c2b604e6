"""A folder of a run's own, which nobody else can read; what runs that were killed have left is removed."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psutil

from autograder.errors import NotReady

OTHER = "Set shared_folder in [cluster] of course.toml to a folder of your own."


@contextmanager
def run_folder(base: Path) -> Iterator[Path]:
    """A new folder for this process; at the end all but the jobs' logs is removed, which the next run does.

    Raises NotReady where there can be none that nobody else can replace.
    """
    try:
        made = _made(base)
    except OSError as error:
        raise NotReady(f"{base} cannot be used ({error.strerror}). {OTHER}") from error
    try:
        yield made
    finally:
        for each in made.iterdir():
            if each.name != "logs":
                shutil.rmtree(each, ignore_errors=True)
        with contextlib.suppress(OSError):
            made.rmdir()


def _made(base: Path) -> Path:
    """A new folder. Raises OSError where there can be none, and NotReady where others can put theirs in its place."""
    here = f"{socket.gethostname()}-"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = base.stat().st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX:
        raise NotReady(f"{base}: others can remove and replace what is in it (chmod go-w ends that). {OTHER}")
    for left in base.glob(f"{here}*"):
        pid = left.name.removeprefix(here).partition("-")[0]
        if pid.isdecimal() and (int(pid) == os.getpid() or not psutil.pid_exists(int(pid))):
            shutil.rmtree(left, ignore_errors=True)
    return Path(mkdtemp(prefix=f"{here}{os.getpid()}-", dir=base))
