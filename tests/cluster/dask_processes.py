"""A scheduler and workers of Dask in processes of their own, with certificates: what somebody else may be running."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from distributed import Security

HERE = Path(__file__).resolve().parent


class DaskProcesses:
    """Starts them, and ends them within its block.

    Attributes:
        address: of the scheduler, the same each time that it is started.
        settings: Dask's own, for whoever is to be let in.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        made = Security.temporary().get_tls_config_for_role("worker")
        for key in ("ca_file", "cert", "key"):
            (folder / key).write_text(made[key], encoding="ascii")
        files = {key: str(folder / key) for key in ("ca_file", "cert", "key")}
        self._options = [
            "--tls-ca-file", files["ca_file"], "--tls-cert", files["cert"], "--tls-key", files["key"]
        ]  # fmt: skip
        tls = "distributed.comm.tls."
        self.settings = {f"{tls}ca-file": files["ca_file"], "distributed.comm.require-encryption": "True"}
        for role in ("client", "worker", "scheduler"):
            self.settings |= {f"{tls}{role}.cert": files["cert"], f"{tls}{role}.key": files["key"]}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"tls://127.0.0.1:{self._port}"
        self._running: list[subprocess.Popen[bytes]] = []

    @property
    def env(self) -> dict[str, str]:
        """The settings as variables."""
        names = {name: name.replace(".", "__").replace("-", "_").upper() for name in self.settings}
        return {f"DASK_{names[name]}": value for name, value in self.settings.items()}

    def scheduler(self) -> subprocess.Popen[bytes]:
        return self._started("dask_scheduler", "--host", "127.0.0.1", "--port", str(self._port), "--no-dashboard")

    def worker(self, *options: str, **env: str) -> subprocess.Popen[bytes]:
        return self._started(
            "dask_worker", self.address, "--nthreads", "1", "--memory-limit", "0", "--no-dashboard", "--local-directory",
            str(self._folder), *options, **env,
        )  # fmt: skip

    def _started(self, command: str, *options: str, **env: str) -> subprocess.Popen[bytes]:
        with (self._folder / "processes.log").open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", f"distributed.cli.{command}", *options, *self._options],
                env={**os.environ, "PYTHONPATH": str(HERE), **env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self._running.append(started)
        return started

    def __enter__(self) -> DaskProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
