"""`autograder doctor`: what protects the grader on this machine, found by trying."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from .errors import HostLost, NotReady
from .host.control import Host
from .kernels.landlock import landlock_version
from .kernels.limits import Level, Limits
from .kernels.provisioner import Kernels

TRIED = Limits(memory_bytes=10**10, disk_bytes=10**7, processes=64, open_files=256, seconds=60)


@dataclass(frozen=True)
class Finding:
    """One line: what was tried, whether it is there, and what was seen."""

    what: str
    there: bool
    seen: str


def examine(course: Path, home: Path) -> list[Finding]:
    """Tries everything that grading would use: levels of the jail, Landlock, the parent of kernels, the model host."""
    found = []
    log = course / ".autograder" / "kernels.log"
    try:
        kernels = Kernels(home, log)
    except HostLost as error:
        return [Finding("warm kernels", False, str(error))]
    found.append(Finding("warm kernels", True, "a parent with the imports done has started"))
    try:
        for level in [level for level in get_args(Level) if level != "none"]:
            why = kernels.refusal(level, TRIED)
            seen = f"a process has entered it and read the models in {home}" if why is None else why
            found.append(Finding(f'isolation = "{level}"', why is None, seen))
    finally:
        kernels.end()
    version = landlock_version()
    found.append(Finding("Landlock", version > 0, f"version {version}" if version > 0 else "not in this kernel"))
    user = (
        "root: a kernel runs as a user of its own"
        if os.geteuid() == 0
        else f"user {os.geteuid()}: a kernel runs as this user"
    )
    found.append(Finding("users", True, user))
    try:
        host = Host.started(course, home)
        names = host.status().models
        host.end()
        found.append(Finding("model host", bool(names), ", ".join(names) or f"it finds no model in {home}"))
    except (HostLost, NotReady) as error:
        found.append(Finding("model host", False, str(error)))
    return found
