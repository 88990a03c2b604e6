"""Exact answers, remembered: near in memory, and on a shelf that no kernel can reach.

A key is a digest of everything that the output depends on, so an answer is right for its key for ever.
"""

from __future__ import annotations

import json
from collections import OrderedDict

from ..shelf import Shelf

Sequences = list[list[int]]

IN_MEMORY = 4096
"""Answers kept in memory; the least recently used goes first."""


class Memory:
    """Answers by key. For one thread at a time.

    Args:
        shelf: where answers are kept from one run to the next; in memory alone when None.
    """

    def __init__(self, shelf: Shelf | None) -> None:
        self._shelf = shelf
        self._near: OrderedDict[str, Sequences] = OrderedDict()

    def get(self, key: str) -> Sequences | None:
        """The answer, or None where there is none that can be trusted."""
        if key in self._near:
            self._near.move_to_end(key)
            return self._near[key]
        text = self._shelf.get(key) if self._shelf is not None else None
        if text is None:
            return None
        found: Sequences = json.loads(text)
        self._keep(key, found)
        return found

    def put(self, key: str, answer: Sequences) -> None:
        self._keep(key, answer)
        if self._shelf is not None:
            self._shelf.put(key, json.dumps(answer, separators=(",", ":")))

    def _keep(self, key: str, answer: Sequences) -> None:
        self._near[key] = answer
        self._near.move_to_end(key)
        while len(self._near) > IN_MEMORY:
            self._near.popitem(last=False)
