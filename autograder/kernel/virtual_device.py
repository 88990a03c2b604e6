"""The GPU that is not there: what its driver answers, and which modules were put on it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

NAME = "Virtual GPU (runs on the CPU)"
CAPABILITY = (8, 0)  # as an A100's, the course's GPU: has bfloat16
ON_GPU = "_on_virtual_gpu"  # an attribute of modules
MULTI_PROCESSORS = 28  # as the 20 GB slice of an A100's


class Memory:
    """The modules that were put on the GPU, and the bytes that their weights would take there."""

    def __init__(self, total_bytes: int) -> None:
        self.total = total_bytes
        self._lock = threading.RLock()
        self._modules: weakref.WeakSet[Any] = weakref.WeakSet()
        self._peak = 0

    def put(self, module: Any, on_gpu: bool) -> None:
        """Every module inside counts for itself, since a part may be moved alone; a copy of it is where it was."""
        with self._lock:
            for part in module.modules():
                (self._modules.add if on_gpu else self._modules.discard)(part)
                vars(part)[ON_GPU] = on_gpu
            self.used()

    def holds(self, module: Any) -> bool:
        """As `model.device` does: where the first of its weights is."""
        with_weights = (part for part in module.modules() if next(part.parameters(recurse=False), None) is not None)
        first = next(with_weights, module)
        return vars(first).get(ON_GPU) is True

    def used(self) -> int:
        with self._lock:
            weights = {id(weight): weight for part in list(self._modules) for weight in own_weights(part)}
            used = sum(int(weight.numel()) * int(weight.element_size()) for weight in weights.values())
            self._peak = max(self._peak, used)
        return used

    def peak(self) -> int:
        return max(self.used(), self._peak)

    def reset_peak(self) -> None:
        with self._lock:
            self._peak = 0
        self.used()


def own_weights(module: Any) -> Iterator[Any]:
    """Parameters and buffers of a module itself, without those of the modules inside it."""
    yield from module.parameters(recurse=False)
    yield from module.buffers(recurse=False)


def without_weights(module: Any) -> bool:
    """Whether a module is on the `meta` device, from which nothing can be moved: its weights are elsewhere."""
    return any(weight.is_meta for part in module.modules() for weight in own_weights(part))


class Driver:
    """What a CUDA driver with one device answers.

    Args:
        torch: the module, whose errors it raises.
    """

    def __init__(self, torch: Any, memory: Memory) -> None:
        self.torch = torch
        self.memory = memory

    def check(self, index: int) -> int:
        if index > 0:
            raise self.torch.AcceleratorError(
                "CUDA error: invalid device ordinal\nGPU device may be out of range, do you have enough GPUs?"
            )
        return 0

    def properties(self, index: int) -> SimpleNamespace:
        self.check(index)
        return SimpleNamespace(
            name=NAME,
            major=CAPABILITY[0],
            minor=CAPABILITY[1],
            total_memory=self.memory.total,
            multi_processor_count=MULTI_PROCESSORS,
            is_integrated=False,
            is_multi_gpu_board=False,
            warp_size=32,
        )

    def memory_info(self, index: int) -> tuple[int, int]:
        """(free, total) in bytes."""
        self.check(index)
        return max(0, self.memory.total - self.memory.used()), self.memory.total

    def memory_stats(self, index: int) -> dict[str, Any]:
        """Shaped as `torch.cuda.memory_stats` documents. Allocations are not counted one by one."""
        self.check(index)
        nothing = dict.fromkeys(("current", "peak", "allocated", "freed"), 0)
        used, peak = self.memory.used(), self.memory.peak()
        weights = {"current": used, "peak": peak, "allocated": peak, "freed": peak - used}
        stats: dict[str, Any] = {"num_ooms": 0, "num_alloc_retries": 0}
        for name in ("allocated_bytes", "active_bytes", "requested_bytes", "reserved_bytes"):
            stats[name] = {"all": weights, "large_pool": weights, "small_pool": nothing}
        for name in ("inactive_split_bytes", "allocation", "active", "segment", "inactive_split"):
            stats[name] = {"all": nothing, "large_pool": nothing, "small_pool": nothing}
        for name in ("oversize_allocations", "oversize_segments"):
            stats[name] = nothing
        return stats

    def place(self, device: Any) -> Any:
        """`device` as torch shall get it: the virtual GPU is the CPU. Raises for a second GPU as CUDA does."""
        if isinstance(device, int) and not isinstance(device, bool):
            index = device
        elif isinstance(device, str | self.torch.device) and str(device).startswith("cuda"):
            index = self.torch.device(device).index or 0
        else:
            return device
        self.check(index)
        return "cpu"
