"""The exchange's inbound folder as `autograder watch` sees it: read again only where something has changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from autograder.facts.verdict import Sentence
from autograder.plugins.exchange import SafeCollect
from autograder.plugins.handed import Handed, handed
from autograder.words.tables import say

SETTLED_SECONDS = 2.0
"""A folder that changed so lately may change again and have the same time."""


class Inbound:
    """The hand-ins for one assignment.

    Args:
        collect: nbgrader's, with the course's settings.
        say: called with what is refused, once.
    """

    def __init__(self, collect: SafeCollect, assignment: str, say: Callable[[str], None]) -> None:
        self._collect, self._assignment, self._say = collect, assignment, say
        self._seen: dict[str, Handed | None] = {}
        self._unfinished = False
        self._changed = -1
        self._found: dict[str, list[Handed]] = {}

    @property
    def folder(self) -> Path:
        return Path(self._collect.root, self._collect.coursedir.course_id, "inbound")

    @property
    def release(self) -> Path:
        """What the assignment was handed out as."""
        return self.folder.parent / "outbound" / self._assignment

    def look(self) -> Mapping[str, Sequence[Handed]]:
        """What has been handed in, by student, in the order of time. Raises OSError where there is no folder."""
        changed = self.folder.stat().st_mtime_ns
        if changed == self._changed and time.time() - changed / 1e9 > SETTLED_SECONDS and not self._unfinished:
            return self._found
        self._changed, self._unfinished = changed, False
        names = os.listdir(self.folder)
        self._seen = {name: self._seen[name] for name in names if name in self._seen}
        for name in names:
            if name not in self._seen:
                self._see(name)
        found: dict[str, list[Handed]] = {}
        for one in sorted(filter(None, self._seen.values()), key=lambda one: one.moment):
            found.setdefault(one.student, []).append(one)
        self._found = found
        return found

    def _see(self, name: str) -> None:
        one = handed(self.folder / name, self._assignment, self._collect.check_owner)
        if isinstance(one, Sentence):
            self._say(say(one, "en"))
        if isinstance(one, Handed) and not one.whole:
            self._unfinished = True
            return
        self._seen[name] = one if isinstance(one, Handed) else None
