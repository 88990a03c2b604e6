"""A Dask that somebody runs: its scheduler's address is given, its certificates are Dask's own settings."""

from __future__ import annotations

import time
from collections.abc import Callable

from distributed import Client
from distributed.comm.core import FatalCommClosedError

from autograder.errors import NotReady

CONNECT_SECONDS = 10.0
WORKERS_SECONDS = 120.0
"""How long a scheduler may be without any worker."""


class Running:
    """The scheduler at an address, and its workers.

    Args:
        say: told once where its dashboard is.
    """

    def __init__(self, address: str, say: Callable[[str], None]) -> None:
        self.name = f"the scheduler at {address}"
        self._address, self._say = address, say
        self._last_seen = time.monotonic()

    def client(self) -> Client:
        try:
            line = Client(self._address, timeout=CONNECT_SECONDS, set_as_default=False, name="autograder")
        except (TypeError, ValueError, RuntimeError, FatalCommClosedError) as error:  # no certificates, or others
            raise NotReady(
                f"{self.name} cannot be asked: {error}. Its certificates are Dask's own settings, as in "
                "DASK_DISTRIBUTED__COMM__TLS__CA_FILE (docs/cluster.md)."
            ) from error
        if line.dashboard_link:
            self._say(f"Dask's dashboard: {line.dashboard_link}")
        self._last_seen = time.monotonic()
        return line

    def trouble(self, workers: int) -> str | None:
        if workers:
            self._last_seen = time.monotonic()
        if time.monotonic() - self._last_seen < WORKERS_SECONDS:
            return None
        return (
            f"{self.name} has had no worker for {WORKERS_SECONDS:.0f} s. What has been graded stays; once there are workers, "
            "run the same command again: it takes only what is left."
        )
