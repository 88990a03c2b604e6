"""What the processes of one kernel have taken, read from /proc: where there is no control group to ask.

It does not see memory that belongs to no process, so without a group no such memory can be made (`seccomp.py`), and sockets
are counted, each of which holds at most the machine's default buffers.

Not psutil's business: that tells neither a process's namespace nor its share of anonymous memory alone.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

OWN = ("RssAnon:", "VmSwap:", "VmPTE:")
SHARE = ("Pss_Anon:", "SwapPss:")
MAX_SOCKETS = 1024
"""Of one kernel, in a network of its own, without a control group: their buffers belong to no process."""


def inside(init: int) -> list[int]:
    """The processes in the process namespace of `init`."""
    with contextlib.suppress(OSError):
        own = os.readlink(f"/proc/{init}/ns/pid")
        return [pid for pid in processes() if _namespace(pid) == own]
    return []


def descendants(ancestor: int) -> list[int]:
    """The processes below one, itself not among them."""
    below = children()
    found, waiting = list[int](), list(below.get(ancestor, []))
    while waiting:
        found.append(waiting.pop())
        waiting += below.get(found[-1], [])
    return found


def children() -> dict[int, list[int]]:
    """Every process by its parent."""
    below: dict[int, list[int]] = {}
    for pid in processes():
        with contextlib.suppress(OSError, ValueError, IndexError):
            told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            below.setdefault(int(told.rsplit(") ", 1)[1].split()[1]), []).append(pid)
    return below


def processor_seconds(pid: int) -> float:
    """What a process and those of its children that have ended have used; 0 where it is gone."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return sum(map(int, told.rsplit(") ", 1)[1].split()[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def owners() -> set[int]:
    """The users who have a process."""
    found = set[int]()
    for pid in processes():
        with contextlib.suppress(OSError):
            found.add(os.stat(f"/proc/{pid}").st_uid)
    return found


def _namespace(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


def taken(members: Iterable[int], limit: int) -> int:
    """Bytes of memory that these processes have taken, page tables and what was swapped out included.

    First the sum, in which what several share counts for each. Only where that is beyond the limit, each one's share of it:
    that takes some milliseconds a process. A process that was forked and one that began anew are counted alike.
    """
    pids = list(members)
    most = sum(_added(f"/proc/{pid}/status", OWN) for pid in pids)
    return most if most <= limit else sum(_share(pid) for pid in pids)


def _share(pid: int) -> int:
    told = _added(f"/proc/{pid}/smaps_rollup", SHARE)  # Linux 5.2
    return told + _added(f"/proc/{pid}/status", ("VmPTE:",)) if told else _added(f"/proc/{pid}/status", OWN)


def _added(path: str, names: Sequence[str]) -> int:
    """Bytes on the lines of a file of /proc that begin with one of these names; 0 where the process is gone."""
    with contextlib.suppress(OSError, ValueError):
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(tuple(names)))
    return 0


def sockets(process: int) -> int:
    """Number of sockets in a process's network namespace, those in flight included."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        line = Path(f"/proc/{process}/net/sockstat").read_text(encoding="ascii").splitlines()[0]
        return int(line.split()[2])
    return 0


def written(folder: Path, members: Iterable[int]) -> tuple[int, int]:
    """Bytes and number of the files below a folder, deleted files that are still open included."""
    size, count, stack = 0, 0, [str(folder)]
    while stack:
        with contextlib.suppress(OSError), os.scandir(stack.pop()) as found:
            for entry in found:
                with contextlib.suppress(OSError):
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                    count += 1
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
    nameless: dict[int, int] = {}
    device = folder.stat().st_dev if folder.exists() else -1
    for pid in members:
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    seen = os.stat(f"/proc/{pid}/fd/{name}")
                    if seen.st_nlink == 0 and seen.st_dev == device:
                        nameless[seen.st_ino] = seen.st_blocks * 512
    return size + sum(nameless.values()), count + len(nameless)
