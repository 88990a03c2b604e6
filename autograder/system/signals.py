"""SIGTERM and SIGHUP end a process in good order, as Ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ends_on_sigterm() -> Iterator[None]:
    """Has the first of them raise SystemExit, and further ones do nothing, so that what is under way ends.

    Signals are the main thread's: in any other this does nothing, and in such a block already no more than that one does.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is leave:
        yield
        return
    before = {each: signal.signal(each, leave) for each in ENDING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def leave(number: int, *_: Any) -> None:
    """Raises SystemExit, once."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)
