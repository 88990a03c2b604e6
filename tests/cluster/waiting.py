"""Waits for what other processes do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

LONGEST = 120.0
T = TypeVar("T")


def until(look: Callable[[], T]) -> T:
    """What a look finds, as soon as that is something. Fails where it never is."""
    ends = time.monotonic() + LONGEST
    while not (found := look()):
        assert time.monotonic() < ends, "it has not come to that"
        threading.Event().wait(0.02)
    return found
