"""The grader's helpers on this machine, shared by all notebooks of a run: the model host, and the parent of all kernels.

One of each for a course and its model home, for as long as this process lives; one that has died is started again.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from autograder.course.profile import Limits as ProfileLimits
from autograder.errors import NotReady
from autograder.host.control import Host
from autograder.jail.limits import Level, Limits
from autograder.jail.provisioner import Kernels
from autograder.protocol.model_cache import snapshot_files
from autograder.protocol.wire import Counts


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
"""One thread at a time starts helpers; the others wait for them."""


def helpers_for(course: Path, home: Path, host: bool, kernels: bool) -> tuple[Host | None, Kernels | None]:
    """The host and the parent of kernels, those that are wanted; they start side by side."""
    with _STARTING, ThreadPoolExecutor(2) as side_by_side:
        started = side_by_side.submit(host_for, course, home) if host else None
        parent = kernels_for(course, home) if kernels else None
        return started.result() if started else None, parent


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


def said_at_the_end(counts: Counts) -> list[str]:
    """What a person must know of a run that the host has served: nothing, where all went well."""
    said = []
    if counts.lost:
        said.append(f"{counts.lost} request(s) could not be answered by this machine; their verdicts are not judged.")
    if counts.differing:
        said.append(f"{counts.differing} remembered answer(s) came out otherwise when they were generated again.")
    if counts.dropped:
        said.append(f"Memory ran out: models were dropped and loaded again {counts.dropped} time(s).")
    return said
