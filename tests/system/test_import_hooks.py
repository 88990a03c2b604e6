"""`when_imported`: functions that follow a student's import."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from autograder.system.import_hooks import when_imported

Write = Callable[[str, str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a throwaway module whose name no other test uses; give its name."""
    monkeypatch.syspath_prepend(str(tmp_path))
    written: list[str] = []

    def write_module(suffix: str, text: str) -> str:
        name = f"throwaway_{abs(hash(tmp_path))}_{suffix}"
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        written.append(name)
        importlib.invalidate_caches()
        return name

    yield write_module
    for name in written:
        sys.modules.pop(name, None)


def test_a_hook_sees_the_module_after_its_last_line(write: Write) -> None:
    name = write("plain", "value = 1\nvalue = 2\n")
    seen: list[int] = []
    when_imported(name, lambda module: seen.append(module.value))
    assert seen == []
    importlib.import_module(name)
    assert seen == [2]


def test_a_hook_on_an_imported_module_runs_at_once(write: Write) -> None:
    module = importlib.import_module(write("there", ""))
    seen: list[ModuleType] = []
    when_imported(module.__name__, seen.append)
    assert seen == [module]


def test_registering_a_hook_imports_nothing(write: Write) -> None:
    name = write("untouched", "raise RuntimeError('executed')")
    when_imported(name, lambda module: None)
    assert name not in sys.modules


def test_hooks_run_once_and_in_the_order_given(write: Write) -> None:
    name = write("order", "")
    seen: list[str] = []

    def first(module: ModuleType) -> None:
        seen.append("first")

    def second(module: ModuleType) -> None:
        seen.append("second")

    for hook in (first, second, first):
        when_imported(name, hook)
    importlib.import_module(name)
    when_imported(name, first)
    assert seen == ["first", "second"]


def test_what_a_hook_raises_is_logged_and_the_import_goes_on(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    name = write("failing", "value = 3")
    seen: list[int] = []
    when_imported(name, lambda module: module.missing)
    when_imported(name, lambda module: seen.append(module.value))
    with caplog.at_level(logging.ERROR):
        assert importlib.import_module(name).value == 3
    assert name in caplog.text
    assert "AttributeError" in caplog.text
    assert seen == [3]


def test_a_hook_waits_for_the_import_that_succeeds(write: Write, tmp_path: Path) -> None:
    name = write("second_try", "raise ImportError('not yet')")
    seen: list[ModuleType] = []
    when_imported(name, seen.append)
    with pytest.raises(ImportError, match="not yet"):
        importlib.import_module(name)
    assert seen == []
    (tmp_path / f"{name}.py").write_text("# longer than before, so that no bytecode of it fits")
    importlib.invalidate_caches()
    module = importlib.import_module(name)
    assert seen == [module]


def test_looking_for_a_module_does_not_run_its_hooks(write: Write) -> None:
    name = write("looked_for", "")
    seen: list[ModuleType] = []
    when_imported(name, seen.append)
    assert importlib.util.find_spec(name) is not None
    assert seen == []
    importlib.import_module(name)
    assert len(seen) == 1


def test_a_hooked_module_keeps_its_own_loader_and_source(write: Write) -> None:
    name = write("source", "def f():\n    return 1\n")
    when_imported(name, lambda module: None)
    module = importlib.import_module(name)
    assert isinstance(module.__loader__, importlib.machinery.SourceFileLoader)
    assert module.__spec__ is not None
    assert module.__spec__.loader is module.__loader__
    assert "return 1" in inspect.getsource(module.f)


def test_a_module_that_replaces_itself_is_seen_as_replaced(write: Write) -> None:
    name = write("replaced", "import sys, types\nsys.modules[__name__] = types.SimpleNamespace(kind='new')\n")
    seen: list[str] = []
    when_imported(name, lambda module: seen.append(module.kind))
    importlib.import_module(name)
    assert seen == ["new"]


def test_a_lazily_loaded_module_runs_its_hooks_at_its_first_use(write: Write) -> None:
    name = write("lazy", "value = 4")
    seen: list[int] = []
    when_imported(name, lambda module: seen.append(module.value))
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    when_imported(name, lambda module: seen.append(-module.value))
    assert seen == []
    assert module.value == 4
    assert seen == [4, -4]


def test_a_hook_given_while_the_module_is_executed_runs_after_it(write: Write) -> None:
    name = write(
        "half",
        "from autograder.system.import_hooks import when_imported\n"
        "seen = []\n"
        "when_imported(__name__, lambda module: seen.append(module.last))\n"
        "assert seen == []\n"
        "last = 5\n",
    )
    after = write("after_half", "")
    module = importlib.import_module(name)
    importlib.import_module(after)
    assert module.seen == [5]


def test_many_threads_importing_run_a_hook_once(write: Write) -> None:
    name = write("threads", "import time\ntime.sleep(0.05)\nvalue = 6\n")
    seen: list[int] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        when_imported(name, seen_value)
        importlib.import_module(name)

    def seen_value(module: ModuleType) -> None:
        seen.append(module.value)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    when_imported("sys", lambda module: None)  # runs what was left waiting, as any later import does
    assert seen == [6]


def test_a_submodule_can_be_hooked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / f"package_{abs(hash(tmp_path))}"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text("value = 7")
    monkeypatch.syspath_prepend(str(tmp_path))
    seen: list[int] = []
    when_imported(f"{package.name}.inner", lambda module: seen.append(module.value))
    importlib.import_module(package.name)
    assert seen == []
    importlib.import_module(f"{package.name}.inner")
    assert seen == [7]


def test_the_hooks_import_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from autograder.system.import_hooks import when_imported\n"
        "when_imported('torch', print); when_imported('transformers', print)\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
