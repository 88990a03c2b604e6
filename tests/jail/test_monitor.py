"""Who has taken much of the processors gives way to others."""

from __future__ import annotations

import os
import subprocess
import sys

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


def test_what_a_process_that_is_gone_has_used_is_nothing() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert memory.processor_seconds(gone.pid) == 0.0
