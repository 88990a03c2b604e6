"""What a warm kernel costs from start to exit, beside an ordinary one that imports the same."""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager

from autograder.jail.kernels import Kernels
from autograder.jail.limits import Limits
from autograder.jail.provisioner import WarmKernelManager

TIMES = 8
ORDINARY_TIMES = 2
IMPORTS = "import torch, transformers, langchain_community.llms.huggingface_pipeline, langchain_core.prompts, matplotlib.pyplot"
LIMITS = Limits(memory_bytes=10**10, disk_bytes=10**7, processes=64, open_files=512, seconds=120)


@dataclass(frozen=True)
class KernelCost:
    """Medians: seconds from asking for a kernel to where it has its imports; processor seconds from start to exit."""

    ready: float
    cpu: float


def warm(models: Path, folder: Path) -> KernelCost:
    """Of kernels in a jail of level `full`, forked from a parent that is there. The parent's own start is not counted."""
    kernels = Kernels.started(models, folder / "kernels.log")
    try:
        asyncio.run(_one(_manager(kernels), folder))  # the first one touches what all the others share
        before, ready = cpu_of_children(kernels.pid), []
        for _ in range(TIMES):
            ready.append(asyncio.run(_one(_manager(kernels), folder)))
        after = cpu_of_children(kernels.pid)
    finally:
        kernels.end()
    return KernelCost(statistics.median(ready), (after - before) / TIMES)


def ordinary(folder: Path) -> KernelCost:
    """Of kernels as nbgrader starts them."""
    before, ready = resource.getrusage(resource.RUSAGE_CHILDREN), []
    for _ in range(ORDINARY_TIMES):
        ready.append(asyncio.run(_one(AsyncKernelManager(kernel_name="python3"), folder)))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return KernelCost(statistics.median(ready), cpu / ORDINARY_TIMES)


def _manager(kernels: Kernels) -> WarmKernelManager:
    manager = WarmKernelManager()
    manager.plan = kernels.plan("full", LIMITS)
    return manager


async def _one(manager: Any, folder: Path) -> float:
    """Starts a kernel, has it import, and ends it; answers the seconds until it had imported."""
    began = time.monotonic()
    await manager.start_kernel(cwd=str(folder))
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=120)
        await client.execute_interactive(IMPORTS, timeout=120, output_hook=lambda _: None)
        return time.monotonic() - began
    finally:
        await manager.shutdown_kernel(now=True)  # as while grading
        client.stop_channels()


def cpu_of_children(pid: int) -> float:
    """Processor seconds of a process and of all below it that have ended and been waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(") ", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
