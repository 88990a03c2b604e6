"""How jupyter_client gets a kernel from the parent of all kernels: a provisioner, and a manager that asks for it.

`WarmKernelManager` is what `NotebookRun` hands to nbclient; a `Plan` on it says of which parent. A kernel talks over
IPC sockets in a folder of its own: TCP ports are a race when several start at once.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import LocalProvisioner

from autograder.jail.gate import Gate
from autograder.jail.kernels import Plan
from autograder.jail.messages import GATED, CheckedKernelManager
from autograder.system.daemons import runtime_folder

NAME = "llm-autograder-warm"
"""The provisioner's name, as its entry point in `pyproject.toml` has it."""
LAUNCHER = "ipykernel_launcher"


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
        self.process = manager.plan.parent.fork(request)
        self.pid = self.pgid = self.process.pid
        ports = {name: getattr(manager, f"{name}_port") for name in GATED}
        manager.gate = Gate(manager.ip, ports, runtime_folder())
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart)
        manager: Any = self.parent
        if manager.gate is not None:
            manager.gate.close()
        if self.folder is not None and not restart:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


class WarmKernelManager(CheckedKernelManager):
    """A manager of kernels that are forked, whatever the kernelspec says. Set `plan` before it starts one.

    After a restart another client is needed: no line to a kernel begins again.
    """

    plan: Plan

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", LAUNCHER, "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": NAME}},
        )
