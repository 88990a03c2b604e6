"""Waits for what other processes do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

LONGEST = 120.0
T = TypeVar("T")


def until(look: Callable[[], T]) -> T:
    """What a look finds, as soon as that is something. Fails where it never is.

    Looks take a tenth of the time at most: those that are waited for need the processor.
    """
    began = time.monotonic()
    ends = began + LONGEST
    while not (found := look()):
        looked = time.monotonic()
        assert looked < ends, "it has not come to that"
        threading.Event().wait(max(0.02, 9 * (looked - began)))
        began = time.monotonic()
    return found
