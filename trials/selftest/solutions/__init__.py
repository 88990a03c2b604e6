"""The library of solutions: a file for each task has what is right (`RIGHT`) and what is wrong (`WRONG`) about it.

Another file in this folder is more solutions, and no list names it.
"""

from __future__ import annotations

import importlib
import pkgutil

from trials.selftest import right, wrong
from trials.selftest.library import Solution

_MODULES = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]

RIGHT: tuple[Solution, ...] = (*right.RIGHT, *(solution for module in _MODULES for solution in module.RIGHT))
WRONG: tuple[Solution, ...] = (*wrong.WRONG, *(solution for module in _MODULES for solution in module.WRONG))
