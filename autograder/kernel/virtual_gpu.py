"""One virtual CUDA GPU on a machine without one, so that a notebook written for a GPU runs on its CPU.

`switch_on` waits for the student's imports of torch and transformers and then answers for the GPU: torch
counts one device; `device=0`, `"cuda"` and `device_map` are accepted and remembered; every tensor really
lives in ordinary memory. `device_asked_for` then says where a model or pipeline would be on a machine with
one GPU. Where there is a real GPU nothing is changed, and `device_asked_for` reads what is there.

What the GPU answers is in `virtual_device.py`, what is changed in the libraries in `upstream_torch.py` and
`upstream_transformers.py`. Every change is process-wide, so it holds in all threads, and stays until the process ends.

What it does not do: a tensor says `cpu` when asked for its device (a model and a pipeline say `cuda:0`);
moving a tensor does not copy it; tensors on two devices may meet, which a real GPU refuses; only models take
memory, and it never runs out; no streams, events, graphs, pinned memory, `torch.compile`, `torch.load` onto a
GPU, quantization, `torch.device(0)`, or code that calls CUDA itself.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from autograder.kernel import upstream_torch, upstream_transformers
from autograder.kernel.changes import Changes
from autograder.kernel.live_objects import is_a
from autograder.kernel.virtual_device import Driver, Memory
from autograder.system.import_hooks import when_imported

__all__ = ["device_asked_for", "is_on", "switch_on"]


TOTAL_BYTES = 20 * 1024**3
"""Of its memory: as the slice of an A100 that the course has."""


@dataclass
class _State:
    hide_real: bool | None = None  # None until it is switched on
    memory: Memory | None = None  # set once torch answers for the virtual GPU
    changes: Changes | None = None  # in torch, some of which end when nobody holds them


# What is changed is one per process, so this is as well.
_STATE = _State()


def switch_on(hide_real: bool = False) -> None:
    """Presents one GPU with `TOTAL_BYTES` of memory from the moment torch is imported (now, if it has been).

    A second call changes nothing. If a library has changed so that a patch fails, what was changed in it is undone, its
    import goes on, and the log is told.

    Args:
        hide_real: whether a real GPU is replaced, where CUDA has not been used yet; else nothing is done beside one.
    """
    if _STATE.hide_real is None:
        _STATE.hide_real = hide_real
    when_imported("torch", _patch_torch)
    when_imported(upstream_transformers.MODELING, _patch_models)
    when_imported(upstream_transformers.GENERATION, _patch_generation)


def is_on() -> bool:
    """Whether torch is answering for a virtual GPU: not before torch is imported, never beside a real one."""
    return _STATE.memory is not None


def device_asked_for(obj: object) -> str | None:
    """Where a transformers model or pipeline would be on a machine with one GPU: `"cuda:0"` or `"cpu"`.

    Where there is a real device, or no virtual one, where it is. None for anything but a model or a pipeline.
    """
    if is_a(obj, "Pipeline"):  # its inputs go to its device, and meet the model where that is
        model = device_asked_for(obj.model)  # type: ignore[attr-defined]
        return model if model not in (None, "cuda:0") else _name_of(obj.device)  # type: ignore[attr-defined]
    if is_a(obj, "Model"):
        device_map = getattr(obj, "hf_device_map", None)
        return _name_of(next(iter(device_map.values())) if device_map else obj.device)  # type: ignore[attr-defined]
    return None


def _name_of(device: object) -> str:
    name = f"cuda:{device}" if isinstance(device, int) else str(device)
    if name == "cuda":
        return "cuda:0"
    # `meta`: a model whose weights are elsewhere and that nobody has moved; `disk`: offloaded, off the GPU.
    return "cpu" if name in ("meta", "disk") else name


def _patch_torch(torch: ModuleType | Any) -> None:
    """Everything in torch, or nothing where it has a GPU."""
    if _STATE.hide_real:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # CUDA reads it when it is first asked for anything
    if torch.cuda.is_available():
        return
    memory = Memory(TOTAL_BYTES)
    with Changes() as changes:
        upstream_torch.put_gpu_into(torch, Driver(torch, memory), changes)
        _STATE.memory, _STATE.changes = memory, changes.pop_all()


def _patch_models(modeling: ModuleType | Any) -> None:
    """`model.device` tells where the model is: a pipeline that is given none, or -1, follows it."""
    memory = _STATE.memory
    if memory is None:
        return
    torch = sys.modules["torch"]
    mixin = next(kind for kind in modeling.PreTrainedModel.__mro__ if "device" in vars(kind))
    real_device = vars(mixin)["device"].fget

    def device(self: Any) -> Any:
        if memory.holds(self):
            return torch.device("cuda:0")
        real = real_device(self)
        return torch.device("cpu") if real.type == "meta" else real  # weights elsewhere, asked for on the processor

    with Changes() as changes:
        changes.set(mixin, "device", property(device, doc=vars(mixin)["device"].__doc__))
        upstream_transformers.follow_device_maps(modeling, changes, lambda m, placed: _load_on_cpu(m, placed, memory))
        upstream_transformers.load_on_default_device(modeling, changes, torch)
        changes.pop_all()


def _load_on_cpu(model: Any, device_map: dict[str, Any], memory: Memory) -> dict[str, Any]:
    """Note what `device_map` puts on the GPU, and load everything into ordinary memory."""
    names = {part: _name_of(device) for part, device in device_map.items()}
    for part, name in names.items():
        if name not in ("cpu", "cuda:0"):
            sys.modules["torch"].zeros(0, device=name)  # raises as CUDA does
        if name == "cuda:0" and (module := dict(model.named_modules()).get(part)) is not None:
            memory.put(module, on_gpu=True)
    if len(set(device_map.values())) > 1:
        model.hf_device_map = device_map  # what accelerate leaves on a model that it has spread
    return dict.fromkeys(device_map, "cpu")


def _patch_generation(generation: ModuleType) -> None:
    if _STATE.memory is None:
        return
    with Changes() as changes:
        upstream_transformers.never_compile(generation, changes)
        changes.pop_all()
