"""What is changed in a library that is already imported: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

MISSING = object()


class Changes:
    """Sets attributes in a library. Used as a context manager it undoes them all, last first, when one fails."""

    def __init__(self) -> None:
        self._undo = ExitStack()

    def set(self, owner: Any, name: str, value: Any) -> None:
        before = vars(owner).get(name, MISSING)
        if before is MISSING:
            self._undo.callback(delattr, owner, name)
        else:
            self._undo.callback(setattr, owner, name, before)
        setattr(owner, name, value)

    def undo_with(self, undo: Callable[[], None]) -> None:
        """Has something else called when a change fails; it is kept alive as long as these changes are."""
        self._undo.callback(undo)

    def __enter__(self) -> Changes:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._undo.close()
