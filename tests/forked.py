"""A scratch course whose `nbgrader COMMAND` is forked from a process that has imported nbgrader, and so starts at once.

A command of its own spends two seconds on imports, and each `autograde` ten on a model host and a parent of kernels: here
all courses of a model home share one of each, as if `autograder host` kept them. What a command is given, says and answers is
the same; that the program itself starts, and its helpers with it, is shown by `grading/test_killed_class.py`,
`plugins/test_validate.py` and `trials/test_selftest.py`.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO

import empty_gradebook

from autograder.host.control import Host, socket_of
from autograder.jail.kernels import Kernels, kept_socket
from trials import demo

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["nbgrader.apps.nbgraderapp", "autograder.plugins.settings"])


Sockets = tuple[Path, Path]
"""Of a model host, and of a parent of kernels."""


@cache
def kept_helpers(home: Path) -> Sockets:
    """Those of all courses with a model home, until this process ends."""
    folder = home.with_name(f"{home.name}-helpers")
    host = Host.started(folder, home, wait=False)
    kernels = Kernels.started(home, folder / "kernels.log")
    host.ready()
    return host.socket, kernels.socket


@contextmanager
def lent(course: demo.ScratchCourse, host: bool = True) -> Iterator[None]:
    """Within the block a program of its own finds them, too, where `autograder host` would keep those of a course.

    Args:
        host: lend the model host, too, which remembers no answers of this course.
    """
    helpers = kept_helpers(course.model_home)
    places = {kept_socket(course.root, course.model_home): helpers[1]}
    if host:
        places[socket_of(course.root, course.model_home)] = helpers[0]
    for place, helper in places.items():
        place.parent.mkdir(mode=0o711, exist_ok=True)
        place.unlink(missing_ok=True)  # of one that was killed
        place.symlink_to(helper)
    try:
        yield
    finally:
        for place in places:
            shutil.rmtree(place.parent)


class ScratchCourse(demo.ScratchCourse):
    """As that of `trials/`, for tests that run many commands.

    Attributes:
        shares_helpers: whether `autograde` finds helpers that are kept; else it starts its own.
    """

    shares_helpers = True

    def _build(self, course: Path, profile: Path) -> None:
        super()._build(course, profile)
        empty_gradebook.put(self.root / "gradebook.db")

    def execute(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str], log: BinaryIO, passed: Sequence[int]
    ) -> int:
        handles = {number: Connection(os.dup(number)) for number in passed}
        told = Connection(os.dup(log.fileno()))
        shares = self.shares_helpers and command[1] == "autograde" and self.model_home.exists()
        helpers = kept_helpers(self.model_home) if shares else None
        process = FORKING.Process(target=_nbgrader, args=(list(command), cwd, dict(env), told, handles, helpers))
        process.start()
        for one in (told, *handles.values()):
            one.close()
        process.join()
        assert process.exitcode is not None
        return process.exitcode


def _nbgrader(
    command: list[str],
    cwd: Path,
    env: dict[str, str],
    told: Connection,
    handles: dict[int, Connection],
    helpers: Sockets | None,
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
    if helpers is not None:
        host, kernels = helpers
        Host.kept = lambda course, home: Host(host)  # type: ignore[method-assign, assignment]
        Kernels.kept = lambda course, home: Kernels.at(kernels, home)  # type: ignore[method-assign, assignment]
    from nbgrader.apps import nbgraderapp

    nbgraderapp.main()
