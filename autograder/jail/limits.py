"""What a kernel may see, and how much it may take: plain data."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

Level = Literal["full", "landlock", "none"]
ENDED = {"time": 225, "memory": 226, "disk": 227}
"""Exit codes of a kernel that was ended for taking too much. A kernel's own exit codes are changed to others."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one kernel and everything that it starts.

    Attributes:
        memory_bytes: memory of all its processes together.
        disk_bytes: of what it can write, beside its copy of the submission, in all its folders together.
        processes: processes and threads.
        open_files: of each process.
        seconds: wall-clock time from its start to its end; CPU time of a process likewise.
        files: files and folders that it can make: an empty one takes memory that nothing else counts.
    """

    memory_bytes: int
    disk_bytes: int
    processes: int
    open_files: int
    seconds: int
    files: int = 20_000


@dataclass(frozen=True)
class Jail:
    """What a kernel may see.

    Attributes:
        read_only: files and folders besides the system's own libraries.
        private: the folder with its connection file and sockets.
        socket: the model host's, for this notebook; None without a host.
        folder: the submission's; the kernel gets a copy of its own.
        groups: further groups of the unprivileged user, where only a group may read the models.
        covered: folders of which only what `read_only` names is in sight, though a folder above is.
    """

    level: Level
    read_only: tuple[str, ...]
    private: str
    socket: str | None
    folder: str
    limits: Limits
    groups: tuple[int, ...] = ()
    covered: tuple[str, ...] = ()

    @property
    def inside(self) -> str:
        """Where the kernel finds its folder at level `full`: the same for everybody."""
        return f"/home/student/{os.path.basename(os.path.abspath(self.folder))}"
