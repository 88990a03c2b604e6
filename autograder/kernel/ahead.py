"""What the parent of kernels does once, so that no kernel that it forks has to: what libraries make at first use, and tokenizers.

To read a tokenizer's file takes longer than all else that a notebook does without its model. So the parent reads it, as often as
a notebook loads it, and each load in a kernel takes one that no other load has had. A file that has changed since, any other
file, and loads beyond those read ahead are read by transformers as ever.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.judging.contract import known
from autograder.kernel.upstream_transformers import can_be_taken, make_conversions, read_tokenizer

FILE = "tokenizer.json"
COPIES = 3
"""Loads of one tokenizer in one notebook that find it read: one for each model with the same, one for a chat model around it."""

Seen = tuple[str, int, int]
"""Where a file really lies, its size, and when it was changed."""


@dataclass
class Content:
    """What stands in a tokenizer's file, maybe in the files of several models.

    Attributes:
        at: a file that has it.
        read: tokenizers made of it, which nobody has.
        to_read: how many more are to be made.
        added: its added tokens, once one has been read.
    """

    at: Seen
    read: list[Any] = field(default_factory=list)
    to_read: int = COPIES
    added: list[dict[str, Any]] | None = None


class Stock:
    """The tokenizers that a process has read. A fork has them too, and what it takes is missing in no other."""

    def __init__(self) -> None:
        self._folders: set[str] = set()
        self._contents: dict[str, Content] = {}
        self._of: dict[Seen, Content] = {}

    def want(self, folders: Iterable[str]) -> None:
        """Has the tokenizers in these models' folders read: one with each call of `read_one`."""
        for folder in folders:
            if folder in self._folders:
                continue
            self._folders.add(folder)
            if not can_be_taken(folder):
                continue
            with contextlib.suppress(OSError):  # no such file, or none of ours
                path = Path(folder, FILE)
                at, digest = seen(str(path)), hashlib.sha256(path.read_bytes()).hexdigest()
                self._of[at] = self._contents.setdefault(digest, Content(at))

    @property
    def complete(self) -> bool:
        """Whether all that is wanted has been read."""
        return not any(content.to_read for content in self._contents.values())

    def read_one(self) -> None:
        """Reads one more: of each content the first, then of each the second. A file that is none is left to who loads it."""
        left = [content for content in self._contents.values() if content.to_read]
        if not left:
            return
        content = min(left, key=lambda each: len(each.read))
        try:
            path = content.at[0]
            added = content.added
            if added is None:
                added = json.loads(Path(path).read_bytes())["added_tokens"]
            made = read_tokenizer(path)
            if seen(path) != content.at:  # other models may have what stood in it
                raise ValueError(f"{path} has changed")
            content.read.append(made)
            content.added, content.to_read = added, content.to_read - 1
        except Exception:
            content.to_read = 0

    def take(self, path: str) -> Any | None:
        """A tokenizer that has been read from this file, and is the caller's alone; None where there is none (any more)."""
        content = self._content(path)
        with contextlib.suppress(IndexError):  # which another thread may have taken
            return content.read.pop() if content is not None else None
        return None

    def added_tokens(self, path: str) -> list[dict[str, Any]] | None:
        """The `added_tokens` of this file, where it has been read."""
        content = self._content(path)
        return content.added if content is not None else None

    def _content(self, path: str) -> Content | None:
        return self._of.get(seen(path)) if os.path.isfile(path) else None


def seen(path: str) -> Seen:
    real = os.path.realpath(path)
    stat = os.stat(real)
    return real, stat.st_size, stat.st_mtime_ns


@functools.cache
def stock() -> Stock:
    """That of this process."""
    return Stock()


def fill_caches() -> None:
    """Has made what libraries make once in each process."""
    known()
    make_conversions()
