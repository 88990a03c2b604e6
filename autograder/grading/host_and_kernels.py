"""What a run starts on this machine for all its notebooks: the model host, and the parent of all kernels.

One of each for a course and its model home, for as long as this process lives; one that has died is started again.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from autograder.course.profile import Limits as ProfileLimits
from autograder.errors import HostLost, NotReady
from autograder.grading.early_start import handed_over, kernels_log
from autograder.host.control import Host
from autograder.jail.kernels import Kernels
from autograder.jail.limits import Level, Limits
from autograder.protocol.model_cache import snapshot_files


def jail_limits(limits: ProfileLimits) -> Limits:
    return Limits(
        memory_bytes=int(limits.memory_gb * 10**9),
        disk_bytes=int(limits.disk_gb * 10**9),
        processes=limits.processes,
        open_files=limits.open_files,
        seconds=limits.notebook_seconds,
    )


@cache
def refuse_without_jail(kernels: Kernels, level: Level, limits: Limits) -> None:
    """Raises NotReady where this machine cannot have the jail that is asked for. Tried once for each parent."""
    why = kernels.refusal(level, limits, snapshot_files(kernels.home))
    if why is not None:
        raise NotReady(
            f'isolation = "{level}" cannot be had on this machine: {why}. Nothing was run. `autograder doctor` shows '
            "what can be had here. Set `isolation` under [limits] in course.toml to that, or, to run submissions with "
            'your own rights, to "none".'
        )


@cache
def _kernels() -> dict[Path, Kernels]:
    """The parents of kernels that this process has started, by model home."""
    return {}


_STARTING = threading.Lock()
"""One thread at a time starts them; the others wait."""


@dataclass(frozen=True)
class HostAndKernels:
    """The model host, and the parent of kernels."""

    host: Host
    kernels: Kernels


def host_and_kernels(course: Path, home: Path, first: str = "", ended: threading.Event | None = None) -> HostAndKernels:
    """Both, for a course and its model home; they start side by side. Raises HostLost where one does not.

    Args:
        first: a model for the host to load at once; none where it is empty.
        ended: set where the run that asks has ended, so that nothing is started for it any more.
    """
    with _STARTING:
        handed_over()
        if ended is not None and ended.is_set():
            raise HostLost("the run has been ended")
        both = HostAndKernels(host_for(course, home, first), kernels_for(course, home))
        both.kernels.ready()
        both.host.ready()
        return both


def begin(course: Path, home: Path, first: str) -> None:
    """Has both start while this process is at something else. What goes wrong is told to whoever needs them."""

    def start() -> None:
        with contextlib.suppress(HostLost, OSError):
            host_and_kernels(course, home, first)

    threading.Thread(target=start, name="helpers", daemon=True).start()


def end_kernels() -> None:
    """Ends every kernel of this process, and with them what is being executed."""
    for kernels in list(_kernels().values()):  # at once also where another thread waits for it to start
        kernels.end()
    with _STARTING:
        for kernels in _kernels().values():
            kernels.end()


def kernels_for(course: Path, home: Path) -> Kernels:
    """The parent of kernels for a model home, as long as this process lives."""
    kernels, where = _kernels(), home.resolve()
    if where in kernels and not kernels[where].alive():
        kernels.pop(where).end()
    if where not in kernels:
        found = handed_over()
        there = (Kernels.at(found, home) if found else None) or Kernels.kept(course, home)
        kernels[where] = there or Kernels.started(home, kernels_log(course), wait=False)
    return kernels[where]


@cache
def _hosts() -> dict[tuple[Path, Path], Host]:
    """The hosts that this process has found or started, by course and model home."""
    return {}


def host_for(course: Path, home: Path, first: str = "") -> Host:
    """The host of a course: the one that is kept, or one of our own for as long as this process lives."""
    hosts, where = _hosts(), (course.resolve(), home.resolve())
    if where in hosts and not hosts[where].alive():
        hosts.pop(where).end()
    if where not in hosts:
        hosts[where] = Host.kept(course, home) or Host.started(course, home, wait=False, first=first)
    return hosts[where]
