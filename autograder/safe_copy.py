"""Copies a folder that a stranger owns: ordinary files only, nothing is followed, and no more than is bearable.

Everything is opened relative to a folder that is open already, without following links, and looked at after it has been
opened: the owner may change the folder at any moment. What is not copied is told.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from .repair_files import MAX_FILES, MAX_FOLDERS_DEEP

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""O_NONBLOCK: a FIFO that nobody writes to would keep us waiting."""


@dataclass
class Copy:
    """What may be copied, and what has been.

    Attributes:
        owner: user id that every file must have; None for any.
        max_file, max_total: bytes.
        ignored: patterns of names that are left out without a word.
        files: number of files copied.
        aside: paths that were not, relative to the folder.
        changed: when a file or folder was last changed, in seconds since the epoch, as the file system says (ctime).
    """

    owner: int | None
    max_file: int
    max_total: int
    ignored: Sequence[str] = ()
    files: int = 0
    total: int = 0
    aside: list[str] = field(default_factory=list)
    changed: float = 0.0


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
    with os.scandir(at) as found:
        names = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in found)
    for name, is_folder in names:
        path = f"{before}{name}"
        if any(fnmatch(name, pattern) for pattern in copy.ignored):
            continue
        try:
            if is_folder and depth < MAX_FOLDERS_DEEP:
                with _opened(name, at, os.O_DIRECTORY) as (inner, status):
                    copy.changed = max(copy.changed, status.st_ctime)
                    (to / name).mkdir(exist_ok=True)
                    _copy(inner, to / name, copy, f"{path}/", depth + 1)
            elif is_folder or not _copy_file(name, at, to / name, copy):
                copy.aside.append(path)
        except (OSError, ValueError):  # a link, a device without a driver, gone, not ours to read
            copy.aside.append(path)


def _copy_file(name: str, at: int, to: Path, copy: Copy) -> bool:
    """Copies an ordinary file that nobody else has a name for. Answers whether it did."""
    with _opened(name, at) as (opened, status):
        ordinary = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        small = status.st_size <= copy.max_file and copy.total + status.st_size <= copy.max_total
        if not ordinary or not small or copy.owner not in (None, status.st_uid) or copy.files >= MAX_FILES:
            return False
        with open(opened, "rb", closefd=False) as source, to.open("wb") as target:
            shutil.copyfileobj(source, target)
        copy.files += 1
        copy.total += status.st_size
        copy.changed = max(copy.changed, status.st_ctime)
        return True
