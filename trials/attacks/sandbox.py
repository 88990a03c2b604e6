"""The sandbox around stock nbgrader: `python -m trials.attacks.sandbox REQUEST` enters it, and begins anew inside it.

A process of its own, with one thread and few imports, since it forks. What runs inside is `stock.py`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from autograder.jail.jail import an_unprivileged_user, bound, give_up_privileges, into_namespaces
from autograder.jail.limits import Jail, Limits
from autograder.jail.paths import KIT, python_paths
from autograder.jail.root import give

TRIALS = Path(__file__).resolve().parents[1]
"""What runs in the sandbox; whoever grades with stock nbgrader in a checkout has it in sight."""
LIMITS = Limits(
    memory_bytes=5 * 10**9, disk_bytes=600 * 10**6, processes=700, open_files=8000, seconds=150, files=300_000
)


def enter(request: dict[str, Any]) -> None:
    """Puts this process into the sandbox, as an ordinary user without our filter of system calls. Returns in a descendant."""
    uid, gid = an_unprivileged_user()
    read_only = (*python_paths(), str(KIT), str(TRIALS), os.path.abspath(request["models"]), "/etc/passwd")
    sandbox = Jail("full", read_only, request["private"], None, request["folder"], LIMITS)
    give(Path(request["private"]), uid, gid)
    into_namespaces(sandbox, uid, gid)
    bound(LIMITS)
    give_up_privileges(uid, gid, (), LIMITS.processes)


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    enter(asked)
    inner = json.dumps({**asked, "folder": os.getcwd()})  # where the copy of the course is in sight
    command = [sys.executable, "-W", "ignore", "-m", "trials.attacks.stock", inner]
    os.execve(sys.executable, command, {**os.environ, "PYTHONPATH": str(TRIALS.parent)})
