"""What is changed in a library that is already imported: all of it, or nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

MISSING = object()


class Changes(ExitStack):
    """Sets attributes in a library. When it is closed they go back, last first; `pop_all` at the end keeps them."""

    def set(self, owner: Any, name: str, value: Any) -> None:
        before = vars(owner).get(name, MISSING)
        if before is MISSING:
            self.callback(delattr, owner, name)
        else:
            self.callback(setattr, owner, name, before)
        setattr(owner, name, value)

    def around(self, owner: Any, name: str, wrapper: Callable[..., Any]) -> Any:
        """Puts `wrapper` around a function, which it gets before the arguments. Returns what stands there now."""
        real = getattr(owner, name)

        @functools.wraps(real)
        def changed(*args: Any, **kwargs: Any) -> Any:
            return wrapper(real, *args, **kwargs)

        self.set(owner, name, changed)
        return changed
