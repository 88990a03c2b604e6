"""What a run starts on this machine for all its notebooks: the model host, and the parent of all kernels.

One of each for a course and its model home, for as long as this process lives; one that has died is started again.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from autograder.course.profile import Limits as ProfileLimits
from autograder.errors import NotReady
from autograder.host.control import Host
from autograder.jail.limits import Level, Limits
from autograder.jail.provisioner import Kernels
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


def host_and_kernels(course: Path, home: Path) -> HostAndKernels:
    """Both, for a course and its model home; they start side by side. Raises HostLost where one does not."""
    with _STARTING, ThreadPoolExecutor(2) as side_by_side:
        host = side_by_side.submit(host_for, course, home)
        kernels = kernels_for(course, home)
        return HostAndKernels(host.result(), kernels)


def end_kernels() -> None:
    """Ends every kernel of this process, and with them what is being executed."""
    with _STARTING:
        for kernels in _kernels().values():
            kernels.end()


def kernels_for(course: Path, home: Path) -> Kernels:
    """The parent of kernels for a model home, as long as this process lives."""
    kernels, where = _kernels(), home.resolve()
    if where in kernels and not kernels[where].alive():
        kernels.pop(where).end()
    if where not in kernels:
        kernels[where] = Kernels(home, course / ".autograder" / "kernels.log")
    return kernels[where]


@cache
def _hosts() -> dict[tuple[Path, Path], Host]:
    """The hosts that this process has found or started, by course and model home."""
    return {}


def host_for(course: Path, home: Path) -> Host:
    """The host of a course: the one that is kept, or one of our own for as long as this process lives."""
    hosts, where = _hosts(), (course.resolve(), home.resolve())
    if where in hosts and not hosts[where].alive():
        hosts.pop(where).end()
    if where not in hosts:
        hosts[where] = Host.kept(course, home) or Host.started(course, home)
    return hosts[where]
