"""What running other processes costs: seconds, processor seconds, and the memory that they hold together.

Processor seconds are the operating system's own account: of the processes that have ended and been waited for, with those
that they in turn have waited for (`RUSAGE_CHILDREN`), and of those that are still there. nbgrader waits for its kernels, and
for the model host that it started. Memory is looked at a few times a second, as proportional set size, in which a page that
several processes share counts once.

Linux only. A process that leaves the tree (its parent ends before it does) is not in the account from then on.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

ROLES = {"autograder.host.server": "host", "ipykernel": "kernels", "autograder.kernels": "kernels"}
"""What is in a command line, and what the process is then called; others are nbgrader itself."""


@dataclass(frozen=True)
class Cost:
    """What something took.

    Attributes:
        seconds: by the clock.
        cpu_seconds: of all processes together, in their own code and in the system's on their behalf.
        peak_mb: the most memory that host and kernels held together, in megabytes.
        peak_of: the most that each held, by role.
        others: processors that the rest of the machine kept busy meanwhile, on average.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    peak_of: dict[str, float] = field(default_factory=dict)
    others: float = 0.0


class Meter:
    """Measures what the processes that this one starts inside a `with` cost; `cost` holds it afterwards."""

    def __init__(self, every: float = 0.5) -> None:
        self.cost = Cost()
        self._every = every
        self._done = threading.Event()
        self._peak, self._peak_of = 0.0, Counter[str]()

    def __enter__(self) -> Meter:
        self._began, self._cpu, self._busy = time.monotonic(), cpu_below(os.getpid()), busy_cpu()
        self._thread = threading.Thread(target=self._watch, name="meter", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds, cpu = time.monotonic() - self._began, self.cpu_so_far()
        self._done.set()
        self._thread.join()
        others = max(0.0, busy_cpu() - self._busy - cpu) / seconds
        self.cost = Cost(seconds, cpu, self._peak, dict(self._peak_of), others)

    def cpu_so_far(self) -> float:
        """Processor seconds since the beginning."""
        return cpu_below(os.getpid()) - self._cpu

    def _watch(self) -> None:
        while not self._done.wait(self._every):
            held = memory_below(os.getpid())
            self._peak = max(self._peak, sum(mb for role, mb in held.items() if role != "nbgrader"))
            for role, mb in held.items():
                self._peak_of[role] = max(self._peak_of[role], mb)  # type: ignore[assignment]


def cpu_below(root: int) -> float:
    """Processor seconds of this process's descendants: of those that it has waited for, and of those that are there."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    for pid in descendants(root):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            ticks += sum(map(int, stat.rpartition(")")[2].split()[11:15]))  # utime, stime, cutime, cstime
        except (OSError, ValueError):  # it has ended since: its parent's account has it
            continue
    return used.ru_utime + used.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


def busy_cpu() -> float:
    """Processor seconds that the whole machine has been busy."""
    user, nice, system, _, _, irq, softirq = (
        int(part) for part in Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:8]
    )
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def memory_below(root: int) -> dict[str, float]:
    """Megabytes that the descendants of a process hold, by role."""
    held: Counter[str] = Counter()
    for pid in descendants(root):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        except (OSError, ValueError):  # it has ended since
            continue
        role = next((role for part, role in ROLES.items() if part in command), "nbgrader")
        held[role] += sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))  # type: ignore[assignment]
    return dict(held)


def descendants(root: int) -> list[int]:
    """The processes below a process, in no particular order."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found, waiting = [], [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found
