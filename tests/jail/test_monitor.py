"""Who has taken much of the processors gives way to others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.jail import memory, monitor


def test_processes_that_have_used_much_give_way_with_their_threads_and_others_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(monitor, "USED_FOR_A_STEP", 0.05)
    code = "import threading, time; threading.Thread(target=time.sleep, args=(1000,)).start()\nwhile True: pass"
    busy = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    idle = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        while memory.processor_seconds(busy.pid) < 0.2:
            pass
        for process in (busy, idle):
            monitor.give_way([process.pid])
        threads = os.listdir(f"/proc/{busy.pid}/task")
        steps = {os.getpriority(os.PRIO_PROCESS, int(thread)) for thread in threads}
        assert len(threads) == 2
        assert min(steps) >= 4
        assert os.getpriority(os.PRIO_PROCESS, idle.pid) == 0
    finally:
        for process in (busy, idle):
            process.kill()
            process.wait()


def test_processes_that_have_used_more_than_one_processor_are_kept_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = list[tuple[int, set[int]]]()
    monkeypatch.setattr(memory, "processor_seconds", lambda _: 4.0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 3, 5})
    monkeypatch.setattr(os, "sched_setaffinity", lambda thread, places: kept.append((thread, places)))
    monkeypatch.setattr(os, "setpriority", lambda *_: None)
    monkeypatch.setattr(os, "listdir", lambda path: [path.split("/")[2]])
    monkeypatch.setattr(Path, "write_text", lambda *_, **__: None)
    monitor.give_way([11, 12], seconds=7.0)
    assert kept == [], "a burst is everybody's"
    monitor.give_way([11, 12], seconds=5.0)
    assert [thread for thread, _ in kept] == [11, 12]
    assert len({*map(frozenset, (places for _, places in kept))}) == len(kept[0][1]) == 1


def test_what_is_gone_of_a_kernel_keeps_nothing_else_from_giving_way(monkeypatch: pytest.MonkeyPatch) -> None:
    done = list[tuple[object, ...]]()

    def set_priority(_: int, thread: int, step: int) -> None:
        if thread == 11:
            raise ProcessLookupError
        done.append((thread, step))

    def listed(path: str) -> list[str]:
        if "/1/" in path:
            raise FileNotFoundError
        return ["11", "12"]

    def write(path: Path, text: str, **_: str) -> None:
        done.append((str(path), int(text)))
        if "/2/" in str(path):
            raise FileNotFoundError

    monkeypatch.setattr(memory, "processor_seconds", lambda _: 1000.0)
    monkeypatch.setattr(os, "setpriority", set_priority)
    monkeypatch.setattr(os, "listdir", listed)
    monkeypatch.setattr(Path, "write_text", write)
    monitor.give_way([1, 2, 3])
    assert [name for name, _ in done] == ["/proc/1/autogroup", "/proc/2/autogroup", 12, "/proc/3/autogroup", 12]
    assert {step for _, step in done} == {10}, "a cell's time goes by the clock"


@pytest.mark.parametrize("told", ["", "7 (python", "7 (python) R 1 2", "7 (python) R" + " ?" * 20])
def test_what_cannot_be_read_of_a_process_is_nothing(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: told)
    assert memory.processor_seconds(7) == 0.0


def test_what_a_process_that_is_gone_has_used_is_nothing() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert memory.processor_seconds(gone.pid) == 0.0
