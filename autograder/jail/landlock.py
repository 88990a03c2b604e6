"""Level `landlock`: of the machine's files a kernel reads and writes only what its jail names; no TCP, no signals to others.

At least version 6 of the interface is demanded: versions below leave signals and abstract Unix sockets open. What it does
not cover: changing the owner, the rights or the attributes of a file (refused in `seccomp.py`), seeing that a process
exists, and below version 9 the Unix sockets of others that are open to everybody. It is refused to kernels that run as the
grader's own user: the sockets of that user's programs, the parent of kernels among them, and limits and priorities of its
processes would be within their reach.

https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import errno
import os
import stat
import struct

from autograder.jail.calls import JailError, checked, libc
from autograder.jail.limits import Jail
from autograder.jail.root import system_paths

SYS_LANDLOCK = (444, 445, 446)
NEEDED, CLOSES_SOCKETS = 6, 9
FILES, SOCKETS_BY_PATH = (1 << 16) - 1, 1 << 16
"""Rights over files as of version 5, and the one that version 9 adds."""
OF_A_FILE = 0b111 | 1 << 14 | 1 << 15 | SOCKETS_BY_PATH
"""Rights over what is no folder: execute, write, read, truncate, ioctl, connect."""
READING = 0b1101
"""Execute, read a file, read a folder."""


def landlock_version() -> int:
    """The version of Landlock's interface here; 0 or less where there is none."""
    return int(libc.syscall(SYS_LANDLOCK[0], None, 0, 1))


def refusal(version: int, own_user: bool) -> str | None:
    """Why level `landlock` cannot be had; None where it can.

    Args:
        own_user: whether kernels would run as the grader's own user.
    """
    if version < 1:
        return f"this machine has no Landlock; version {NEEDED} (Linux 6.12) is needed"
    if version < NEEDED:
        found = f"this machine has Landlock {version}, which leaves signals and sockets open"
        return f"{found}; version {NEEDED} (Linux 6.12) is needed"
    if own_user:
        return (
            "kernels would run as your own user, and Landlock does not keep them from your other programs; "
            'grade as root, or on a machine where isolation = "full" can be had'
        )
    return None


def landlock(jail: Jail, zero: bool) -> None:
    """Leaves nothing of the machine's files but what the jail names, and no TCP. Raises JailError.

    Args:
        zero: whether it may open /dev/zero.
    """
    version = landlock_version()
    everything = FILES | (SOCKETS_BY_PATH if version >= CLOSES_SOCKETS else 0)
    attributes = struct.pack("QQQ", everything, 3, 3)  # TCP: bind, connect; abstract Unix sockets, signals
    ruleset = checked(libc.syscall(SYS_LANDLOCK[0], attributes, len(attributes), 0), "a Landlock ruleset")
    for path in dict.fromkeys([*system_paths(zero), "/proc/self", *jail.read_only]):
        if os.path.exists(path):
            _allow(ruleset, path, READING | (0b10 if path.startswith("/dev/") else 0))
    _allow(ruleset, jail.private, everything)
    if jail.socket is not None and version >= CLOSES_SOCKETS:
        _allow(ruleset, jail.socket, SOCKETS_BY_PATH)
    checked(libc.syscall(SYS_LANDLOCK[2], ruleset, 0), "Landlock")
    os.close(ruleset)


def refuse(own_user: bool) -> None:
    """Raises JailError where the level cannot be had."""
    why = refusal(landlock_version(), own_user)
    if why is not None:
        raise JailError(errno.EPERM, why)


def _allow(ruleset: int, path: str, access: int) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            access &= OF_A_FILE
        rule = struct.pack("=Qi", access, handle)
        checked(libc.syscall(SYS_LANDLOCK[1], ruleset, 1, rule, 0), f"a Landlock rule for {path}")
    finally:
        os.close(handle)
