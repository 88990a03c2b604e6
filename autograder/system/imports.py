"""Importing what is large."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def garbage_later() -> Iterator[None]:
    """Has Python look for no garbage meanwhile: nothing that is imported is any, and to look costs a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
