"""What of Python and of this package a kernel may read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

KIT = Path(__file__).resolve().parent.parent
"""This package. It holds no solution and no attack: those are in `trials/`, which is not installed."""


def python_paths() -> Iterator[str]:
    """What Python itself consists of: its installation, the environment."""
    yield from dict.fromkeys(os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, sys.exec_prefix))
    yield from dict.fromkeys(path for path in (sys.prefix, sys.base_prefix))


def readable(models: Sequence[str]) -> tuple[str, ...]:
    """What every kernel may read: Python, this package, and the models."""
    return tuple(dict.fromkeys([*python_paths(), str(KIT), *(os.path.abspath(path) for path in models)]))
