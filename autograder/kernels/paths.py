"""What of Python and of this package a kernel may read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

KIT = Path(__file__).resolve().parent.parent
TEACHERS = (
    "attacks", "bench", "classes", "demo", "hint_rules", "library", "mutants", "selftest", "sharing", "stand_ins", "tiny"
)  # fmt: skip
"""Beginnings of the names of modules that hold solutions, or have no business in a kernel."""


def python_paths() -> Iterator[str]:
    """What Python itself consists of: its installation, the environment."""
    yield from dict.fromkeys(os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, sys.exec_prefix))
    yield from dict.fromkeys(path for path in (sys.prefix, sys.base_prefix))


def kit_paths() -> Iterator[str]:
    """What a kernel may see of this package: not the modules that hold solutions, nor those compiled."""
    yield from (str(path) for path in sorted(KIT.glob("*/")) if path.name != "__pycache__")
    yield from (str(path) for path in sorted(KIT.glob("*.py")) if not path.name.startswith(TEACHERS))


def readable(models: Sequence[str]) -> tuple[str, ...]:
    """What every kernel may read: Python, this package, and the models."""
    return tuple(dict.fromkeys([*python_paths(), *kit_paths(), *(os.path.abspath(path) for path in models)]))
