"""Copies a folder that a stranger owns: ordinary files only, no link followed, and no more than the limits allow.

Everything is opened relative to a folder that is open already, without following links, and looked at after it has been
opened: the owner may change the folder at any moment. So nothing is read until it ends: a file has the size that it had
when it was opened, and a folder as many entries as are looked at, however both grow meanwhile. What is not copied is listed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

from autograder.submissions.repair_files import MAX_FILES, MAX_FOLDERS_DEEP

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""O_NONBLOCK: a FIFO that nobody writes to would keep us waiting."""
MAX_ENTRIES = 20_000
"""Names of files and folders that are looked at, of all folders together."""
CHUNK = 1 << 20
OURS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE})
"""Errors that are no matter of what is copied: the disk is full, or this process has too much open."""


@dataclass(kw_only=True)
class Copy:
    """What may be copied, and what has been.

    Attributes:
        owner: user id that every file must have; None for any.
        max_file, max_total: bytes.
        ignored: patterns of names that are left out without a word.
        included: patterns of the only files that are taken along; none for all.
        skipped: names at the top that are left out without a word.
        first: names at the top that come before all others, so that nothing else can use up the room.
        files, total: files and bytes copied.
        entries: names looked at.
        aside: paths that were not copied, relative to the folder; "…" stands for what was not looked at.
        changed: when a file or folder was last changed, in seconds since the epoch, as the file system says (ctime).
    """

    owner: int | None
    max_file: int
    max_total: int
    ignored: Sequence[str] = ()
    included: Sequence[str] = ()
    skipped: frozenset[str] = frozenset()
    first: Sequence[str] = ()
    files: int = 0
    total: int = 0
    entries: int = 0
    aside: list[str] = field(default_factory=list)
    changed: float = 0.0

    def wants(self, name: str, depth: int, is_folder: bool) -> bool:
        """Whether a name takes part at all."""
        if (depth == 0 and name in self.skipped) or any(fnmatch(name, pattern) for pattern in self.ignored):
            return False
        return is_folder or not self.included or any(fnmatch(name, pattern) for pattern in self.included)


def copy_folder(source: Path, to: Path, copy: Copy) -> None:
    """Copies what may be copied. Raises OSError where `source` is no folder, or has another owner, or `to` cannot be written."""
    with _opened(str(source), None, os.O_DIRECTORY) as (at, status):
        if copy.owner not in (None, status.st_uid):
            raise PermissionError(f"{source} has another owner")
        to.mkdir(parents=True, exist_ok=True)
        _copy(at, to, copy, "", 0)


@contextmanager
def _opened(name: str, at: int | None, flags: int = 0) -> Iterator[tuple[int, os.stat_result]]:
    opened = os.open(name, READ | flags, dir_fd=at)
    try:
        yield opened, os.fstat(opened)
    finally:
        os.close(opened)


def _copy(at: int, to: Path, copy: Copy, before: str, depth: int) -> None:
    for name, is_folder in _names(at, copy, before, depth):
        path = f"{before}{name}"
        if not copy.wants(name, depth, is_folder):
            continue
        try:
            if is_folder and depth < MAX_FOLDERS_DEEP:
                with _opened(name, at, os.O_DIRECTORY) as (inner, status):
                    copy.changed = max(copy.changed, status.st_ctime)
                    (to / name).mkdir(exist_ok=True)
                    _copy(inner, to / name, copy, f"{path}/", depth + 1)
            elif is_folder or not _copy_file(name, at, to / name, copy):
                copy.aside.append(path)
        except (OSError, ValueError) as error:  # a link, a device without a driver, gone, a name too long, not readable
            if isinstance(error, OSError) and error.errno in OURS:
                raise
            copy.aside.append(path)


def _names(at: int, copy: Copy, before: str, depth: int) -> list[tuple[str, bool]]:
    """The names in a folder and whether each is a folder: notebooks, then other files, then folders, each in order."""
    with os.scandir(at) as found:
        listed = [(e.name, e.is_dir(follow_symlinks=False)) for e in islice(found, MAX_ENTRIES - copy.entries)]
        if next(found, None) is not None:
            copy.aside.append(f"{before}…")
    copy.entries += len(listed)
    unseen = set(copy.first) - {name for name, _ in listed} if depth == 0 else set()
    listed += [(name, False) for name in unseen if _is_there(name, at)]
    first = set(copy.first) if depth == 0 else set()
    return sorted(listed, key=lambda e: (e[0] not in first, e[1], not e[0].endswith(".ipynb"), e[0]))


def _is_there(name: str, at: int) -> bool:
    try:
        os.lstat(name, dir_fd=at)
    except OSError:
        return False
    return True


def _copy_file(name: str, at: int, to: Path, copy: Copy) -> bool:
    """Copies an ordinary file that nobody else has a name for. Returns whether it did."""
    with _opened(name, at) as (opened, status):
        ordinary = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        small = status.st_size <= copy.max_file and copy.total + status.st_size <= copy.max_total
        if not ordinary or not small or copy.owner not in (None, status.st_uid) or copy.files >= MAX_FILES:
            return False
        try:
            copied = _copy_bytes(opened, to, status.st_size)
        except OSError:
            to.unlink(missing_ok=True)  # half a file is worse than none
            raise
        copy.files += 1
        copy.total += copied
        copy.changed = max(copy.changed, status.st_ctime)
        return True


def _copy_bytes(opened: int, to: Path, size: int) -> int:
    """Copies at most `size` bytes, and returns how many there were."""
    left = size
    with to.open("wb") as target:
        while left and (data := os.read(opened, min(left, CHUNK))):
            target.write(data)
            left -= len(data)
    return size - left
