"""Two processes around a kernel: the monitor outside its jail, who ends it where it takes too much, and the first one inside.

Memory is the control group's business where there is one; else the monitor looks again as soon as processors could have
filled what is left.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from autograder.jail import memory
from autograder.jail.cgroup import Group
from autograder.jail.limits import ENDED, Limits

WATCH_SECONDS, SHORTEST_WATCH = 0.4, 0.02
GIVE_WAY_SECONDS = 2.0
"""How often the priority of a kernel's processes is set anew."""
USED_FOR_A_STEP = 2.0
"""Seconds of processor time for each step (nice) by which a kernel gives way to all that have used less."""
BURST_SECONDS = 2.0
"""Processor time beyond that of one processor, after which a kernel is kept on one: sixty processes of one student count no more
than one of another's, whatever sessions they begin."""
LAST_STEP = 10
"""No further: the time of a cell goes by the clock."""
FILLED_A_SECOND = 4 * 10**9
"""Bytes of memory that one processor fills in a second, about."""


@dataclass(frozen=True)
class Tree:
    """A kernel and all that it starts, as it is seen from outside.

    Attributes:
        child: the process with which it ends.
        members: its processes now.
        group: that it is in; None where this machine has none to give.
        own_network: whether it has a network of its own.
        on_disk: the folder of the machine's that it writes to; None where all of that is in memory.
    """

    child: int
    members: Callable[[], Iterable[int]]
    group: Group | None
    own_network: bool = False
    on_disk: Path | None = None


def monitor(tree: Tree, limits: Limits, status: int | None = None) -> NoReturn:
    """Outside: watches memory, disk and time of the whole tree, and ends as the kernel did.

    Args:
        status: where the kernel's status is told, if the kernel is not the tree's child itself.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.closerange((status or 2) + 1, 4096)
    ends, fastest = time.monotonic() + limits.seconds, FILLED_A_SECOND * (os.cpu_count() or 1)
    began_at = time.monotonic()
    why, gives_way_at = None, began_at + GIVE_WAY_SECONDS
    with contextlib.suppress(OSError):  # root's monitor is not kept waiting by what it watches
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    while (ended := os.waitpid(tree.child, os.WNOHANG)) == (0, 0):
        began = time.monotonic()
        left = room(tree, limits)
        why = why or ("time" if began > ends else beyond(tree, limits, left))
        if why is not None:
            with contextlib.suppress(OSError):  # it may be gone by now
                os.kill(tree.child, signal.SIGKILL)
        if began >= gives_way_at:
            give_way(tree.members(), began - began_at)
            gives_way_at = began + GIVE_WAY_SECONDS
        looked = time.monotonic() - began
        time.sleep(min(WATCH_SECONDS, max(SHORTEST_WATCH, looked, left / (fastest * 2))))
    if why is None and tree.group is not None and tree.group.exceeded():
        why = "memory"
    end_all(tree.members)
    if why is not None:
        os._exit(ENDED[why])
    told = os.read(status, 16) if status is not None else str(ended[1]).encode()
    end_as(int(told) if told else signal.SIGKILL)


def give_way(members: Iterable[int], seconds: float = math.inf) -> None:
    """Lowers the priority of processes by what they have used together: in their session, and their session among others.

    Args:
        seconds: for how long they have been there. Those that have used more than one processor are kept on one.
    """
    pids = list(members)
    used = sum(map(memory.processor_seconds, pids))
    step = min(LAST_STEP, int(used / USED_FOR_A_STEP))
    places = sorted(os.sched_getaffinity(0))
    only = {places[os.getpid() % len(places)]} if used > seconds + BURST_SECONDS else None
    for pid in pids if step else ():
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(step), encoding="ascii")
        threads = list[str]()
        with contextlib.suppress(OSError):
            threads = os.listdir(f"/proc/{pid}/task")
        for thread in threads:
            with contextlib.suppress(OSError):  # it may have ended
                os.setpriority(os.PRIO_PROCESS, int(thread), step)
                if only is not None:
                    os.sched_setaffinity(int(thread), only)


def room(tree: Tree, limits: Limits) -> int:
    """Bytes of memory that the tree may still take; negative where it has taken too much. Never negative with a group."""
    if tree.group is not None:
        return limits.memory_bytes
    return limits.memory_bytes - memory.taken(tree.members(), limits.memory_bytes)


def beyond(tree: Tree, limits: Limits, left: int) -> str | None:
    """Which limit, as a key of `ENDED`, the tree is beyond."""
    if left < 0 or (tree.group is not None and tree.group.exceeded()):
        return "memory"
    if tree.group is None and tree.own_network and memory.sockets(tree.child) > memory.MAX_SOCKETS:
        return "memory"
    if tree.on_disk is not None:
        size, count = memory.written(tree.on_disk, tree.members())
        if size > limits.disk_bytes or count > limits.files:
            return "disk"
    return None


def end_all(members: Callable[[], Iterable[int]]) -> None:
    """Ends what is left of a tree, however fast it forks."""
    for _ in range(100):
        left = list(members())
        if not left:
            return
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass


def reap(kernel: int, status: int) -> NoReturn:
    """Inside, as the first process: reaps children until the kernel ends, which ends all others."""
    while True:
        pid, ended = os.wait()
        if pid == kernel:
            os.write(status, str(ended).encode())
            os._exit(0)


def end_as(status: int) -> NoReturn:
    """Ends this process with the status that `wait` gave for another one."""
    code = os.waitstatus_to_exitcode(status) if not os.WIFSIGNALED(status) else -os.WTERMSIG(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code if 0 <= code not in ENDED.values() else 1 if code >= 0 else 128 - code)
