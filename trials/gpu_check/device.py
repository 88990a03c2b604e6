"""The GPU of this machine: what it is called, how much of it may be taken, and how much was."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import threading
from collections.abc import Iterator
from types import TracebackType

GIGA = 10**9


def gpu_name() -> str | None:
    import torch

    return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else None


def versions() -> dict[str, str]:
    """Of what an answer depends on, by name."""
    import torch

    found = {name: importlib.metadata.version(name) for name in ("llm-autograder", "torch", "transformers")}
    cuda = {"CUDA": str(torch.version.cuda)} if torch.version.cuda else {}
    return {**found, **cuda, "Python": platform.python_version()}


@contextlib.contextmanager
def limited(gigabytes: float) -> Iterator[None]:
    """Inside, processes that are started may take so much of the GPU's memory: what torch reserves is refused beyond it."""
    import torch

    name, before = "PYTORCH_CUDA_ALLOC_CONF", os.environ.get("PYTORCH_CUDA_ALLOC_CONF")
    if torch.cuda.is_available():
        fraction = min(1.0, gigabytes * GIGA / torch.cuda.get_device_properties(0).total_memory)
        os.environ[name] = f"per_process_memory_fraction:{fraction:.4f}"
    try:
        yield
    finally:
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before


class GpuMemory:
    """The most memory of the GPU that was taken inside a `with`, beyond what was taken before it.

    Asked of the device, not of torch: a process's context counts, and a slice has to hold it too. Others' would count as well.

    Attributes:
        peak_gb: in gigabytes; None where there is no GPU.
        looks: how often the device has been asked.
    """

    def __init__(self, every: float = 0.1) -> None:
        self.peak_gb: float | None = None
        self.looks = 0
        self._every, self._done = every, threading.Event()
        self._thread = threading.Thread(target=self._watch, name="gpu memory", daemon=True)
        self._before = 0

    def __enter__(self) -> GpuMemory:
        if gpu_name() is not None:
            self._before, self.peak_gb = self._taken(), 0.0
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(self._every):
            self.peak_gb = max(self.peak_gb or 0.0, (self._taken() - self._before) / GIGA)
            self.looks += 1

    def _taken(self) -> int:
        import torch

        free, total = torch.cuda.mem_get_info()
        return int(total - free)
