"""Nobody joins or listens who has not the run's own certificates: a scheduler as for Slurm, with one worker."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import fake_slurm
import pytest
from dask_processes import DaskProcesses
from distributed import Client, Security
from waiting import until

from autograder.cluster.runs import run_folder
from autograder.cluster.slurm import Slurm
from autograder.course.cluster import Cluster

WANTED = Cluster(gpus="", notebooks=1, workers_max=1)


@dataclass(frozen=True)
class Joined:
    """A run's scheduler and worker, by their addresses, and the folder with its certificates."""

    line: Client
    folder: Path

    @property
    def scheduler(self) -> str:
        return str(self.line.scheduler.address)

    @property
    def workers(self) -> list[str]:
        return list(self.line.scheduler_info()["workers"])


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Joined]:
    base = tmp_path_factory.mktemp("tls")
    with fake_slurm.installed(base / "slurm"), run_folder(base / "runs") as folder:
        made = Slurm(WANTED, folder, print)
        try:
            with made.client() as line:
                found = Joined(line, folder)
                until(lambda: found.workers)
                yield found
        finally:
            made.close()
    assert not (folder / "keys").exists()


@pytest.fixture(scope="module", params=["scheduler", "worker"])
def door(joined: Joined, request: pytest.FixtureRequest) -> str:
    """An address that somebody else may try."""
    return joined.scheduler if request.param == "scheduler" else joined.workers[0]


def test_the_run_itself_is_let_in(joined: Joined) -> None:
    assert joined.line.submit(os.getpid, pure=False).result(60) != os.getpid()


@pytest.mark.parametrize("security", [None, Security.temporary()], ids=["no certificate", "another certificate"])
def test_nobody_else_is_let_in(security: Security | None, door: str) -> None:
    address = door if security else door.replace("tls://", "tcp://")
    with pytest.raises(OSError, match=r"Timed out|TCP \(closed\)|TLS certificate does not match"):
        Client(address, security=security, timeout=3, set_as_default=False)


def test_no_certificate_at_all_ends_the_handshake(door: str) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it believes anybody, and is not believed
    where = urlsplit(door)
    with (
        socket.create_connection((where.hostname, where.port), timeout=10) as plain,
        context.wrap_socket(plain) as line,
        pytest.raises(ssl.SSLError, match=r"CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE"),
    ):
        line.recv(1)


def test_whoever_stands_in_for_the_scheduler_hears_nothing(joined: Joined, tmp_path: Path) -> None:
    with DaskProcesses(tmp_path) as other:
        other.scheduler()
        until(lambda: is_open(other.address))
        with pytest.raises(OSError, match="TLS certificate does not match"):
            Client(other.address, security=joined.line.security, timeout=10, set_as_default=False)


def is_open(address: str) -> bool:
    where = urlsplit(address)
    with socket.socket() as trying:
        return trying.connect_ex((where.hostname, where.port)) == 0


def test_a_worker_of_somebody_elses_does_not_join(joined: Joined, tmp_path: Path) -> None:
    other = Security.temporary().get_tls_config_for_role("worker")
    for key in ("ca_file", "cert", "key"):
        (tmp_path / key).write_text(other[key], encoding="ascii")
    options = ["--tls-ca-file", tmp_path / "ca_file", "--tls-cert", tmp_path / "cert", "--tls-key", tmp_path / "key"]
    command = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        joined.scheduler,
        "--death-timeout",
        "3",
        "--no-nanny",
    ]
    tried = subprocess.run(
        [*command, "--local-directory", str(tmp_path), *map(str, options)], capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert "Timed out starting worker" in tried.stderr
    assert "Registered to" not in tried.stderr
    assert len(joined.workers) == 1


def test_the_schedulers_pages_tell_nobody_what_is_run_or_logged(joined: Joined) -> None:
    pages = f"http://127.0.0.1:{joined.line.scheduler_info()['services']['dashboard']}"
    assert urlopen(f"{pages}/health").read() == b"ok"
    for page in ("info/main/workers.html", "info/logs.html", "json/counts.json", "metrics", "proxy/1/127.0.0.1/"):
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{pages}/{page}")


def test_only_this_user_can_read_the_certificates(joined: Joined) -> None:
    keys = list((joined.folder / "keys").iterdir())
    assert keys
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    assert stat.S_IMODE((joined.folder / "keys").stat().st_mode) == 0o700
