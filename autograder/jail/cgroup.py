"""A control group for each kernel, where this machine lets us make one: the one account of memory that nothing escapes.

It counts what belongs to no process: shared memory that nobody has mapped, buffers of sockets and pipes, the system's own
tables, and files in memory. Version 1 (a group below our own) and version 2 (beside our own, below the nearest group that
hands the memory controller on) of the interface. It keeps nothing from being made: whoever goes beyond is ended.

https://docs.kernel.org/admin-guide/cgroup-v2.html and …/cgroup-v1/memory.html
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.jail.calls import JailError, write
from autograder.jail.limits import Limits

PREFIX = "llm-autograder-"
TRIED_BYTES = 10**9
SOCKETS_SHARE = 4
"""Version 1 counts buffers of network sockets apart: they may be this part of the memory."""
REMOVING_SECONDS = 2.0


@dataclass(frozen=True)
class Group:
    """A control group, empty or with a kernel in it.

    Attributes:
        folder: where the system shows it.
        version: of the interface, 1 or 2.
    """

    folder: Path
    version: int

    def bound(self, memory_bytes: int, limits: Limits) -> None:
        """Sets its bounds: no more memory than this, none of it swapped out. Raises JailError."""
        if self.version == 2:
            write(self.folder / "memory.max", str(memory_bytes))
            self._set_where_there("memory.swap.max", "0")
            self._set_where_there("memory.oom.group", "1")
            self._set_where_there(
                "pids.max", str(limits.processes + 2)
            )  # with the first process, and the one that forks it
        else:
            write(self.folder / "memory.limit_in_bytes", str(memory_bytes))
            self._set_where_there("memory.memsw.limit_in_bytes", str(memory_bytes))
            self._set_where_there("memory.kmem.tcp.limit_in_bytes", str(memory_bytes // SOCKETS_SHARE))

    def _set_where_there(self, name: str, value: str) -> None:
        if (self.folder / name).exists():
            write(self.folder / name, value)

    def join(self) -> None:
        """Moves this process into it. Raises JailError."""
        write(self.folder / "cgroup.procs", "0")

    def exceeded(self) -> bool:
        """Whether a process in it was ended for want of memory."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        with contextlib.suppress(OSError):
            for line in (self.folder / name).read_text(encoding="ascii").splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1]) > 0
        return False

    def remove(self) -> bool:
        """Ends what is left in it, and answers whether the group is gone, which may take a moment."""
        with contextlib.suppress(OSError):
            for pid in map(int, (self.folder / "cgroup.procs").read_text(encoding="ascii").split()):
                with contextlib.suppress(OSError):
                    if pid:  # 0 is one that has no number here, and to `kill` our own group of processes
                        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self.folder.rmdir()
        return not self.folder.exists()


class Groups:
    """Where groups are made on this machine, found by making one; and those that this process has made.

    Attributes:
        why_not: why there are none, for a person; None where there are.
    """

    def __init__(self) -> None:
        self._place: Group | None = None
        self._left: list[Group] = []
        self._made = 0
        self.why_not: str | None = "no control group with a memory controller is mounted"
        for place in places():
            self._place = place
            try:
                self._try_one()
                sweep(place)
                self.why_not = None
                return
            except OSError as error:
                self.why_not = str(error.strerror)
        self._place = None

    def new(self) -> Group | None:
        """A group for one kernel, to be bounded and joined; None where this machine has none to give (any more)."""
        self.clear()
        if self._place is None:
            return None
        self._made += 1
        name = f"{PREFIX}{os.getpid()}-{self._made}-{numbering()}"
        group = Group(self._place.folder / name, self._place.version)
        try:
            group.folder.mkdir()
        except OSError:
            return None
        return group

    def done(self, group: Group | None) -> None:
        """Removes a group, now or as soon as that can be done."""
        if group is not None and not group.remove():
            self._left.append(group)

    def clear(self, seconds: float = 0.0) -> None:
        """Removes what could not be removed so far, for as long as this many seconds."""
        until = time.monotonic() + seconds
        while True:
            self._left = [group for group in self._left if not group.remove()]
            if not self._left or time.monotonic() >= until:
                return
            time.sleep(0.01)

    def _try_one(self) -> None:
        group = self.new()
        if group is None:
            raise JailError(errno.EACCES, f"{self._place and self._place.folder}: no group can be made there")
        try:
            group.bound(TRIED_BYTES, Limits(TRIED_BYTES, 0, 8, 8, 8))
            pid = os.fork()
            if pid == 0:
                try:
                    group.join()
                    os._exit(0)
                except BaseException:
                    os._exit(1)
            if os.waitpid(pid, 0)[1] != 0:
                raise JailError(0, f"{group.folder}: a process could not be moved there")
        finally:
            self.done(group)
            self.clear(REMOVING_SECONDS)


def numbering() -> int:
    """The namespace that gives our processes their numbers: containers may share groups, and each counts from 1."""
    return os.stat("/proc/self/ns/pid").st_ino


def sweep(place: Group) -> None:
    """Removes what others with our numbering left behind that were ended before they could."""
    for folder in place.folder.glob(f"{PREFIX}*-{numbering()}"):
        pid = folder.name.removeprefix(PREFIX).split("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            Group(folder, place.version).remove()


def places(proc: Path = Path("/proc/self")) -> Iterator[Group]:
    """Groups below which this process may be able to make its own, the likeliest first."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        own: dict[str, str] = {}
        for line in (proc / "cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            own.update(dict.fromkeys(controllers.split(","), path))
        for line in (proc / "mountinfo").read_text(encoding="utf-8").splitlines():
            mounted, _, kind = line.partition(" - ")
            root, point = (part.replace("\\040", " ") for part in mounted.split()[3:5])
            name, _, options = kind.split()[:3]
            if name == "cgroup" and "memory" in options.split(",") and "memory" in own:
                yield Group(_shown(own["memory"], root, Path(point)), 1)
            elif name == "cgroup2" and "" in own:
                yield from _handing_on(_shown(own[""], root, Path(point)), Path(point))


def _shown(path: str, root: str, point: Path) -> Path:
    """Where a group is in sight, of a mount that shows those below `root`."""
    inner = path.removeprefix(root.rstrip("/")) if path.startswith(root) else ""
    return point / inner.lstrip("/")


def _handing_on(own: Path, point: Path) -> Iterator[Group]:
    """The nearest group, our own or further up, that hands the memory controller on: only one without processes can."""
    for folder in (own, *own.parents):
        with contextlib.suppress(OSError):
            if "memory" in (folder / "cgroup.subtree_control").read_text(encoding="ascii").split():
                yield Group(folder, 2)
        if folder == point:
            return
