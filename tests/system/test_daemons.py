"""A helper process is begun, waited for, and ended, also where it never gets ready."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder.errors import HostLost
from autograder.system.daemons import Daemon

READY = "import os, sys; print('ready', flush=True); os.read(int(sys.argv[2]), 1)"
AT_ITS_IMPORTS = "import time; time.sleep(100)"
FAILS = "import sys; sys.exit('no library')"


def begun(code: str, log: Path) -> Daemon:
    return Daemon("the helper", [sys.executable, "-c", code], log)


def test_a_helper_that_is_ready_lives_until_it_is_ended(tmp_path: Path) -> None:
    helper = begun(READY, tmp_path / "log")
    helper.ready()
    helper.ready()
    assert helper.alive()
    helper.end()
    assert not helper.alive()


def test_one_that_does_not_get_ready_says_why_each_time_that_it_is_waited_for(tmp_path: Path) -> None:
    helper = begun(FAILS, tmp_path / "log")
    for _ in range(2):
        with pytest.raises(HostLost, match=r"the helper could not be started; .* ends with: no library"):
            helper.ready()


def test_one_that_is_at_its_imports_is_ended_at_once(tmp_path: Path) -> None:
    helper = begun(AT_ITS_IMPORTS, tmp_path / "log")
    before = time.monotonic()
    helper.end(seconds=60.0)
    assert time.monotonic() - before < 30.0
    assert not helper.alive()


def test_whoever_waits_for_one_that_is_ended_is_told_at_once(tmp_path: Path) -> None:
    helper = begun(AT_ITS_IMPORTS, tmp_path / "log")
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(helper.ready)
        helper.end()
        with pytest.raises(HostLost, match="could not be started"):
            waiting.result()
    assert not helper.alive()
