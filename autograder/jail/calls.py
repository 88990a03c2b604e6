"""System calls that Python lacks, and the error of a step into the jail. Linux only."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
"""`mount(2)`."""
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 24, 36, 38
"""`prctl(2)`."""

libc = ctypes.CDLL(None, use_errno=True)


class JailError(OSError):
    """A step into the jail was refused by this machine."""


def checked(result: int, what: str) -> int:
    """What a call returned. Raises JailError, with `what` in its words, where that is an error."""
    if result < 0:
        number = ctypes.get_errno()
        raise JailError(number, f"{what}: {os.strerror(number)}")
    return result


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """`mount(2)`. Raises JailError."""
    given = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    result = libc.mount(given[0], given[1], given[2], ctypes.c_ulong(flags), given[3])
    checked(result, f"mounting {target}")


def write(path: str | Path, text: str) -> None:
    """Writes to a file of the operating system's. Raises JailError."""
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    except OSError as error:
        raise JailError(error.errno, f"{path}: {error.strerror}") from error
