"""A scratch course whose `nbgrader COMMAND` is forked from a process that has imported nbgrader, and so starts at once.

A command of its own spends two seconds on imports. What it is given, says and answers is the same; that the program itself
starts is shown by `grading/test_killed_class.py`, `plugins/test_validate.py` and `trials/test_selftest.py`.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from trials import demo

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["nbgrader.apps.nbgraderapp", "autograder.plugins.settings"])


class ScratchCourse(demo.ScratchCourse):
    """As that of `trials/`, for tests that run many commands."""

    def execute(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str], say: demo.Say, passed: Sequence[int]
    ) -> int:
        reading, writing = os.pipe()
        handles = {number: Connection(os.dup(number)) for number in passed}
        told = Connection(writing)
        process = FORKING.Process(target=_nbgrader, args=(list(command), cwd, dict(env), told, handles))
        process.start()
        for one in (told, *handles.values()):
            one.close()
        with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                say(line)
        process.join()
        assert process.exitcode is not None
        return process.exitcode


def _nbgrader(
    command: list[str], cwd: Path, env: dict[str, str], told: Connection, handles: dict[int, Connection]
) -> None:
    """The command, in the process that is forked for it."""
    for number, one in handles.items():
        os.dup2(one.fileno(), number)
        os.set_inheritable(number, False)
    for number in (1, 2):
        os.dup2(told.fileno(), number)
    told.close()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = command
    from nbgrader.apps import nbgraderapp

    nbgraderapp.main()
