"""Texts by key in a folder, kept from one run to the next. Each holds what took long to make and can be made again.

Each file carries a digest of key and text, and is written aside, then renamed: a truncated or changed file counts as
missing. The folder has a size limit; the least recently used files go first. A folder that cannot be written costs time
later, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograder.system.files import write_whole

LIMIT = 1 << 30
"""Bytes that a folder may take."""


def digest(value: Mapping[str, Any]) -> str:
    """SHA-256 of plain data, the same whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class DiskCache:
    """A folder of texts. Several processes may share it.

    Args:
        folder: made where it is not there, for this user alone.
        limit: bytes that it may take.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self._folder, self._limit = folder, limit
        self._bytes: int | None = None

    def get(self, key: str) -> str | None:
        """The text, or None where there is none that can be trusted."""
        path = self._path(key)
        try:
            seal, _, text = path.read_bytes().decode("utf-8", "surrogatepass").partition("\n")
            if seal != _seal(key, text):
                return None
            os.utime(path)
        except (OSError, ValueError):
            return None
        return text

    def has(self, key: str) -> bool:
        """Whether there is one, without a look at whether it can be trusted."""
        return self._path(key).exists()

    def put(self, key: str, text: str) -> None:
        path = self._path(key)
        whole = f"{_seal(key, text)}\n{text}".encode("utf-8", "surrogatepass")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.parent.mkdir(exist_ok=True, mode=0o700)
            write_whole(path, whole, private=True)
        except OSError:
            return
        if self._bytes is None:
            self._bytes = sum(size for _, size, _ in self._files())
        else:
            self._bytes += len(whole)
        if self._bytes > self._limit:
            self._prune()

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"

    def _files(self) -> list[tuple[float, int, Path]]:
        """(time of last use in seconds, bytes, path) of every text, and of what a process that died left half written."""
        found = []
        for path in self._folder.glob("??/*"):
            try:
                stat = path.stat()
            except OSError:
                continue
            found.append((stat.st_mtime, stat.st_size, path))
        return found

    def _prune(self) -> None:
        """Forgets what was used longest ago, down to nine tenths of the limit."""
        files = sorted(self._files())
        taken = sum(size for _, size, _ in files)
        for _, size, path in files:
            if taken <= 0.9 * self._limit:
                break
            try:
                path.unlink(missing_ok=True)
            except OSError:
                continue
            taken -= size
        self._bytes = taken


def _seal(key: str, text: str) -> str:
    return hashlib.sha256(f"{key} {text}".encode("utf-8", "surrogatepass")).hexdigest()
