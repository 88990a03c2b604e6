"""Run a function right after a module has been imported for the first time, without importing it ourselves.

The kit changes a few things in torch and transformers, which take seconds to import and which a student may
never need. `when_imported` waits for the student's own import instead: a finder in front of `sys.meta_path`
lets the others find the module, and follows its execution (PEP 451).

It does not follow `importlib.reload`, and it cannot hook a module that is already half imported: then the
function runs before the next import of anything that comes after. A function that fails never breaks the
import it follows: its exception goes into the log. That is why this is not wrapt's `when_imported`: there the
exception of a hook comes out of the student's own import.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["when_imported"]

Then = Callable[[ModuleType], None]


class _Finder(MetaPathFinder):
    """Finds nothing itself: asks the other finders, and puts a loader that reports around theirs."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._waiting: dict[str, list[Then]] = {}
        self._known: set[tuple[str, Then]] = set()
        self._asking = threading.local()  # names that this thread is asking the other finders for

    def add(self, name: str, then: Then) -> None:
        with self._lock:
            if (name, then) in self._known:
                return
            self._known.add((name, then))
            self._waiting.setdefault(name, []).append(then)
            if self not in sys.meta_path:
                sys.meta_path.insert(0, self)
        self._run_finished()

    def run(self, name: str, module: ModuleType) -> None:
        """Run and forget what waits for `name`."""
        with self._lock:  # taken out under the lock, so that no two threads run the same
            hooks = self._waiting.pop(name, [])
        for then in hooks:
            try:
                then(module)
            except Exception:
                logging.getLogger(__name__).exception("A hook on the import of %s failed: %r", name, then)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        self._run_finished()
        with self._lock:
            watched = fullname in self._waiting
        if not watched:
            return None
        spec = self._ask_the_others(fullname, path, target)
        if spec is not None and hasattr(spec.loader, "exec_module") and not isinstance(spec.loader, _ReportingLoader):
            spec.loader = _ReportingLoader(spec.loader, self, fullname)
        return spec

    def _run_finished(self) -> None:
        with self._lock:
            finished = [name for name in self._waiting if _is_imported(name)]
        for name in finished:
            self.run(name, sys.modules[name])

    def _ask_the_others(self, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        asking: set[str] = self._asking.__dict__.setdefault("names", set())
        if name in asking:  # another finder of this kind asks us back
            return None
        asking.add(name)
        try:
            for finder in list(sys.meta_path):
                find_spec = getattr(finder, "find_spec", None)
                if finder is self or find_spec is None:
                    continue
                spec: ModuleSpec | None = find_spec(name, path, target)
                if spec is not None:
                    return spec
            return None
        finally:
            asking.discard(name)


class _ReportingLoader(Loader):
    """Stands before the real loader until the module is executed, then leaves no trace in it."""

    def __init__(self, real: Any, finder: _Finder, name: str) -> None:
        self._real = real
        self._finder = finder
        self._name = name

    def __getattr__(self, name: str) -> Any:
        # Only when there is no such attribute here: get_source, get_resource_reader, is_package and the like.
        return getattr(self._real, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        create: Callable[[ModuleSpec], ModuleType | None] | None = getattr(self._real, "create_module", None)
        return None if create is None else create(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._real
        module.__loader__ = self._real
        self._real.exec_module(module)
        # A module may have put another object in its place, as transformers does.
        self._finder.run(self._name, sys.modules.get(self._name, module))


def _is_imported(name: str) -> bool:
    module = sys.modules.get(name)
    if module is None:
        return False
    if type(module).__module__ == "importlib.util":
        return False  # prepared by LazyLoader and not executed: looking at its attributes would do that
    return not getattr(getattr(module, "__spec__", None), "_initializing", False)


_FINDER = _Finder()  # one per process, as `sys.meta_path` is


def when_imported(module: str, then: Then) -> None:
    """Call `then(module)` once, right after `module` has been executed, or now where it has been already.

    The same `then` for the same module counts once. Safe to call from any thread. What `then` raises goes into the log
    (`autograder.system.import_hooks`); the import itself always goes on.
    """
    _FINDER.add(module, then)
