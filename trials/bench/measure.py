"""What running other processes costs: seconds, processor seconds, and the memory that they hold together.

Processor seconds are counted in two ways, and the larger number holds. The operating system's own account has the processes
that have ended and been waited for, with those that they in turn have waited for (`RUSAGE_CHILDREN`), and those that are
still there; it loses a process that nobody waits for (a kernel whose jail is ended from outside). So every process is looked
at a few times a second, too, and its last number kept; that loses what it did after the last look.

Memory is the proportional set size, in which a page that several processes share counts once. Linux only.
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

ROLES = {
    "autograder.host.server": "host",
    "autograder.host.worker": "host",
    "ipykernel": "kernels",
    "autograder.jail": "kernels",
}
"""What is in a command line, and what the process is then called; others are nbgrader itself."""
SELDOM = 20
"""How many times longer it is from one look at memory to the next than a look takes: it holds up whom it looks at."""


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

    def __init__(self, every: float = 0.2) -> None:
        self.cost = Cost()
        self._every = every
        self._done = threading.Event()
        self._peak, self._peak_of = 0.0, Counter[str]()
        self._last: dict[tuple[int, str], float] = {}

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
        return max(cpu_below(os.getpid()) - self._cpu, sum(self._last.copy().values()))

    def _watch(self) -> None:
        next_memory = 0.0
        while not self._done.wait(self._every):
            for pid in descendants(os.getpid()):
                if (seen := times_of(pid)) is not None:
                    self._last[pid, seen.began] = seen.own
            began = time.monotonic()
            if began < next_memory:
                continue
            held = memory_below(os.getpid())
            next_memory = began + max(1.0, SELDOM * (time.monotonic() - began))
            self._peak = max(self._peak, sum(mb for role, mb in held.items() if role != "nbgrader"))
            for role, mb in held.items():
                self._peak_of[role] = max(self._peak_of[role], mb)  # type: ignore[assignment]


@dataclass(frozen=True)
class Times:
    """What a process has used, in processor seconds: itself, and the children that it has waited for."""

    began: str
    own: float
    waited_for: float


def times_of(pid: int) -> Times | None:
    """The times of a process, or None where it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        utime, stime, cutime, cstime = (int(part) / os.sysconf("SC_CLK_TCK") for part in stat[11:15])
    except (OSError, ValueError):
        return None
    return Times(stat[19], utime + stime, cutime + cstime)


def cpu_below(root: int) -> float:
    """Processor seconds of this process's descendants by the system's account: waited for, or still there."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    there = [times for pid in descendants(root) if (times := times_of(pid)) is not None]
    return used.ru_utime + used.ru_stime + sum(times.own + times.waited_for for times in there)


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
