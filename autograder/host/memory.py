"""Exact answers, remembered in memory and on disk, where no kernel reaches.

A key is a digest of everything that the output depends on, so an answer stays right for its key.
"""

from __future__ import annotations

from collections import OrderedDict

from pydantic import TypeAdapter, ValidationError

from autograder.system.disk_cache import DiskCache

Sequences = list[list[int]]
_SEQUENCES: TypeAdapter[Sequences] = TypeAdapter(Sequences)

IN_MEMORY = 4096
"""Answers kept in memory; the least recently used goes first."""
TOKENS_IN_MEMORY = 4_000_000
"""Tokens of all of them, inputs included."""


class Memory:
    """Answers by key. For one thread at a time.

    Args:
        disk: where answers are kept from one run to the next; in memory alone when None.
    """

    def __init__(self, disk: DiskCache | None) -> None:
        self._disk = disk
        self._near: OrderedDict[str, Sequences] = OrderedDict()
        self._tokens = 0

    def get(self, key: str) -> Sequences | None:
        """The answer, or None where there is none that can be trusted."""
        if key in self._near:
            self._near.move_to_end(key)
            return self._near[key]
        text = self._disk.get(key) if self._disk is not None else None
        if text is None:
            return None
        try:
            found = _SEQUENCES.validate_json(text, strict=True)
        except ValidationError:  # another version's
            return None
        self._keep(key, found)
        return found

    def put(self, key: str, answer: Sequences) -> None:
        self._keep(key, answer)
        if self._disk is not None:
            self._disk.put(key, _SEQUENCES.dump_json(answer).decode())

    def _keep(self, key: str, answer: Sequences) -> None:
        self._tokens += _size(answer) - _size(self._near.pop(key, []))
        self._near[key] = answer
        while len(self._near) > IN_MEMORY or self._tokens > TOKENS_IN_MEMORY:
            _, gone = self._near.popitem(last=False)
            self._tokens -= _size(gone)


def _size(answer: Sequences) -> int:
    return sum(map(len, answer))
