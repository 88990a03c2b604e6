"""How jupyter_client gets a kernel from the parent of all kernels: a provisioner, and a manager that asks for it.

`WarmKernelManager` is what `GradeExecute` hands to nbclient; a `Plan` on it says where the parent listens. A kernel talks over
IPC sockets in a folder of its own: TCP ports are a race when several start at once.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import LocalProvisioner

from autograder.jail.limits import Jail, Level, Limits
from autograder.jail.messages import CheckedKernelManager
from autograder.jail.paths import KIT, readable
from autograder.jail.request import REQUEST, KernelRequest
from autograder.system.daemons import Daemon, runtime_folder

NAME = "llm-autograder-warm"
"""The provisioner's name, as its entry point in `pyproject.toml` has it."""
LAUNCHER = "ipykernel_launcher"
TRIAL_SECONDS = 30.0
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "AUTOGRADER_MODEL_HOME", "NBGRADER_EXECUTION", "NBGRADER_VALIDATING")
"""Variables of the grader's that a kernel gets; no others."""
FIXED_VARIABLES = {
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}


@dataclass(frozen=True)
class Plan:
    """How a kernel is to be made.

    Attributes:
        parent: the socket of the parent of all kernels.
        read_only: what the kernel may read beside the system's libraries.
        host: the model host's socket for this notebook.
        groups: of the kernel's user, where the grader is root.
    """

    parent: Path
    level: Level
    limits: Limits
    read_only: tuple[str, ...] = ()
    host: str | None = None
    groups: tuple[int, ...] = ()

    def request(self, private: Path, folder: Path, argv: Sequence[str]) -> KernelRequest:
        """What the parent is asked for. `private` is the folder of the kernel's sockets, `folder` the submission's."""
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        jail = Jail(
            self.level, self.read_only, str(private), self.host, str(folder), self.limits, self.groups, (str(KIT),)
        )  # fmt: skip
        env = {**kept, **FIXED_VARIABLES, "HOME": str(private), "IPYTHONDIR": str(private / "ipython")}
        return KernelRequest(tuple(argv), env, jail)


class Kernels:
    """The parent of all kernels, for as long as this process lives.

    Args:
        home: the model home: transformers reads where models are when it is imported.
        log: what the parent says goes there.

    Raises HostLost where it does not start.
    """

    def __init__(self, home: Path, log: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="p", dir=runtime_folder()))
        self.home = home.resolve()
        self.socket = self._folder / "parent.sock"
        env = {name: value for name, value in os.environ.items() if name in KEPT_VARIABLES}
        env |= {**FIXED_VARIABLES, "HF_HOME": str(home.resolve()), "HOME": str(self._folder)}
        command = [sys.executable, "-m", "autograder.jail.parent", "--socket", str(self.socket)]
        self._daemon = Daemon("the parent of kernels", command, log, env)
        atexit.register(self.end)

    def plan(self, level: Level, limits: Limits, host: str | None = None) -> Plan:
        """How a kernel is made that can read Python and the models."""
        group = self.home.stat().st_gid
        return Plan(self.socket, level, limits, readable([str(self.home)]), host, (group,) if group else ())

    def refusal(self, level: Level, limits: Limits, must_read: Sequence[Path] = ()) -> str | None:
        """Why this machine cannot have kernels at this level, found by trying; None where it can.

        Args:
            must_read: files of the home without which no kernel is of use.
        """
        private = Path(tempfile.mkdtemp(prefix="t", dir=runtime_folder()))
        folder = private / "submission"
        folder.mkdir()
        reading, writing = os.pipe()
        try:
            request = self.plan(level, limits).request(private, folder, [])
            tried = Forked(self.socket, replace(request, trial=True, must_read=tuple(map(str, must_read))), writing)
            os.close(writing)
            code = tried.wait(TRIAL_SECONDS)
            said = os.read(reading, 4096).decode(errors="replace") if code else ""
        finally:
            os.close(reading)
            shutil.rmtree(private, ignore_errors=True)
        return None if code == 0 else said.strip() or f"the trial ended with {code}"

    @property
    def pid(self) -> int:
        return self._daemon.pid

    def alive(self) -> bool:
        return self._daemon.alive()

    def end(self) -> None:
        self._daemon.end()
        shutil.rmtree(self._folder, ignore_errors=True)


class Forked:
    """What `subprocess.Popen` is to an ordinary kernel, for a child of the parent of all kernels."""

    stdin = stdout = stderr = None

    def __init__(self, parent: Path, request: KernelRequest, errors: int | None = None) -> None:
        self.returncode: int | None = None
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.connect(str(parent))
        nowhere = os.open(os.devnull, os.O_WRONLY)  # a kernel has nothing to say to the grader's terminal
        files = array.array("i", [nowhere, nowhere if errors is None else errors])
        try:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)]
            self._connection.sendmsg([REQUEST.dump_json(request)], rights)
        finally:
            os.close(nowhere)
        told = self._connection.recv(4096)
        if not told:
            raise OSError("the parent of kernels closed the connection")
        self.pid: int = json.loads(told)["pid"]

    def poll(self) -> int | None:
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> int | None:
        if self.returncode is None and select.select([self._connection], [], [], timeout)[0]:
            told = b""
            with contextlib.suppress(OSError):
                told = self._connection.recv(4096)
            self.returncode = json.loads(told)["exit"] if told else -signal.SIGKILL
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.killpg(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class WarmProvisioner(LocalProvisioner):  # type: ignore[misc]
    """As jupyter_client's own, but for where the process comes from."""

    folder: Path | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        manager: Any = self.parent
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="k", dir=runtime_folder()))
            manager.transport = "ipc"
            manager.connection_file = str(self.folder / "kernel.json")
            manager.ip = str(self.folder / "s")
        prepared: dict[str, Any] = await super().pre_launch(**kwargs)
        return prepared

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        manager: Any = self.parent
        assert self.folder is not None
        argv = cmd[next(n for n, part in enumerate(cmd) if LAUNCHER in part) + 1 :]
        request = manager.plan.request(self.folder, Path(kwargs.get("cwd") or Path.cwd()).resolve(), argv)
        self.process = Forked(manager.plan.parent, request)
        self.pid = self.pgid = self.process.pid
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart)
        if self.folder is not None and not restart:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


class WarmKernelManager(CheckedKernelManager):
    """A manager of kernels that are forked, whatever the kernelspec says. Set `plan` before it starts one."""

    plan: Plan

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", LAUNCHER, "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": NAME}},
        )
