"""What the virtual GPU changes in torch: the one place that knows torch's private names.

The functions of the driver that `torch.cuda` and `torch.accelerator` call are supplied, so that what is written there in
Python works unchanged, the messages of its errors included; devices are translated where torch takes them. Streams and
events are classes in C and stay missing. `tests/test_upstream.py` says which of these names a new torch has lost.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from autograder.kernel.changes import Changes
from autograder.kernel.virtual_device import Driver, Memory, without_weights

Place = Callable[[Any], Any]
KERNELS = ("empty.memory_format", "empty_strided", "tril_indices", "triu_indices")
"""Operators that make a tensor from nothing: all others in torch that take a device are built on these."""


def put_gpu_into(torch: Any, driver: Driver, changes: Changes) -> None:
    """Has torch find one GPU, whose driver this is."""
    for name, value in driver_functions(driver).items():
        changes.set(torch._C, name, value)
    for name, value in names_in_torch_cuda(driver).items():
        changes.set(torch.cuda, name, value)
    _patch_factories(torch, changes, driver.place)
    _patch_default_device(torch, changes, driver.place)
    _patch_generator(torch, changes, driver.place)
    _patch_tensors(torch, changes, driver.place)
    _patch_modules(torch, changes, driver.place, driver.memory)


def driver_functions(driver: Driver) -> dict[str, Callable[..., Any]]:
    """What is set in `torch._C`: a CPU build lacks the first group and answers "none" in the second."""

    def nothing(*_: object) -> None:
        return None

    def reset(_: int = 0) -> None:
        driver.memory.reset_peak()

    cuda: dict[str, Callable[..., Any]] = {
        "_cuda_getDeviceCount": lambda: 1,
        "_cuda_getDevice": lambda: 0,
        "_cuda_setDevice": driver.check,
        "_cuda_synchronize": nothing,
        "_cuda_emptyCache": nothing,
        "_cuda_ipc_collect": nothing,
        "_cuda_memoryStats": driver.memory_stats,
        "_cuda_resetPeakMemoryStats": reset,
        "_cuda_resetAccumulatedMemoryStats": nothing,
        "_cuda_getArchFlags": nothing,  # no list, so that no build of torch is found too old for this GPU
        "_cuda_getCurrentRawStream": lambda _: 0,  # torch._dynamo imports it where CUDA is compiled in
    }
    accelerator: dict[str, Callable[..., Any]] = {
        "_accelerator_getAccelerator": lambda: driver.torch.device("cuda"),
        "_accelerator_getDeviceIndex": lambda: 0,
        "_accelerator_setDeviceIndex": driver.check,
        "_accelerator_exchangeDevice": driver.check,
        "_accelerator_maybeExchangeDevice": driver.check,
        "_accelerator_synchronizeDevice": nothing,
        "_accelerator_isAllocatorInitialized": lambda: True,
        "_accelerator_emptyCache": nothing,
        "_accelerator_getDeviceStats": driver.memory_stats,
        "_accelerator_resetPeakStats": reset,
        "_accelerator_resetAccumulatedStats": nothing,
        "_accelerator_getMemoryInfo": driver.memory_info,
    }
    return cuda | accelerator


def names_in_torch_cuda(driver: Driver) -> dict[str, Any]:
    """What is set in `torch.cuda`: names that it took from `torch._C` while it was imported."""
    return {
        "_exchange_device": driver.check,
        "_maybe_exchange_device": driver.check,
        "_get_device_properties": driver.properties,
        "_cudart": SimpleNamespace(cudaMemGetInfo=driver.memory_info),
        # So that it asks neither NVML nor CUDA_VISIBLE_DEVICES how many there are.
        "_initialized": True,
        # Random numbers "on the GPU" come from the CPU, so its generator is the one to seed.
        "default_generators": (driver.torch.default_generator,),
    }


def _placing(place: Place) -> Callable[..., Any]:
    """To put around a function: translates its keyword argument `device`."""

    def placed(real: Any, /, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("device") is not None:
            kwargs["device"] = place(kwargs["device"])
        return real(*args, **kwargs)

    return placed


def _patch_factories(torch: Any, changes: Changes, place: Place) -> None:
    """`device="cuda"` wherever a tensor is made: torch.zeros, zeros_like, new_zeros, nn.Linear, in C++."""
    library = torch.library.Library("aten", "IMPL")
    with warnings.catch_warnings():
        # A CUDA build without a GPU has kernels of its own there, and warns that they are replaced.
        warnings.simplefilter("ignore")
        for name in KERNELS:
            packet, _, overload = name.partition(".")
            operator = getattr(getattr(torch.ops.aten, packet), overload or "default")
            library.impl(name, _kernel(operator, place), "CUDA")
    changes.callback(library._destroy)  # and so it lives: it takes its kernels along when it is collected

    # An ordinal (`device=0`) and torch.tensor's "cuda" are refused before they come to a kernel. The list is
    # torch's own and remembered by it, so it is read before any function in it is replaced.
    builtins = importlib.import_module("torch.jit._builtins")
    for function in importlib.import_module("torch.utils._device")._device_constructors():
        name = function.__name__
        if getattr(torch, name, None) is not function:  # those of torch.fft, torch.nested
            continue
        placed = changes.around(torch, name, _placing(place))
        # torch.jit.script knows its functions by identity.
        if (operator := builtins._find_builtin(function)) is not None:
            builtins._register_builtin(placed, operator)


def _kernel(operator: Any, place: Place) -> Any:
    def on_cpu(*args: Any, device: Any = None, pin_memory: Any = None, **kwargs: Any) -> Any:
        return operator(*args, device=place(device), **kwargs)  # memory can be pinned for a real GPU only

    return on_cpu


def _patch_default_device(torch: Any, changes: Changes, place: Place) -> None:
    """torch.set_default_device("cuda"), `with torch.device("cuda")`: C++ would ask a driver for the index."""

    def init(real: Any, self: Any, device: Any) -> None:
        real(self, device if place(device) is device else "cuda:0")

    changes.around(importlib.import_module("torch.utils._device").DeviceContext, "__init__", init)


def _patch_generator(torch: Any, changes: Changes, place: Place) -> None:
    """torch.Generator(device="cuda"): C++ cannot make one; `isinstance` goes on accepting what C++ makes."""
    real = torch._C.Generator

    def is_instance(cls: Any, instance: object) -> bool:
        return isinstance(instance, real)

    def new(cls: Any, device: Any = "cpu") -> Any:
        return real.__new__(cls, place(device))

    kind = type("GeneratorType", (type(real),), {"__instancecheck__": is_instance})
    generator = kind("Generator", (real,), {"__new__": new, "__module__": "torch"})
    changes.set(torch, "Generator", generator)


def _patch_tensors(torch: Any, changes: Changes, place: Place) -> None:
    """Tensor.to and Tensor.cuda (BatchEncoding.to and the pipelines call the first): the same tensor."""

    def tensor_to(real: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        return real(self, *_placed(args, kwargs, place), **kwargs)

    def tensor_cuda(real: Any, self: Any, device: Any = None, *args: Any, **kwargs: Any) -> Any:
        place(device)
        return self

    changes.around(torch.Tensor, "to", tensor_to)
    changes.around(torch.Tensor, "cuda", tensor_cuda)
    changes.around(torch.Tensor, "new_tensor", _placing(place))  # as torch.tensor


def _patch_modules(torch: Any, changes: Changes, place: Place, memory: Memory) -> None:
    """Module.to, .cuda and .cpu: remember where, and spare the weights the copying."""

    def module_to(real: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        asked = kwargs.get("device", args[0] if args else None)
        args = _placed(args, kwargs, place)
        if not without_weights(self):
            real(self, *args, **kwargs)
        elif (dtype := torch._C._nn._parse_to(*args, **kwargs)[1]) is not None:
            real(self, dtype)
        given = kwargs.get("device", args[0] if args else None)
        if given is not asked:
            memory.put(self, on_gpu=True)
        elif isinstance(given, str | torch.device):
            memory.put(self, on_gpu=False)
        return self

    def module_cuda(real: Any, self: Any, device: Any = None) -> Any:
        real(self, device)
        memory.put(self, on_gpu=True)
        return self

    def module_cpu(real: Any, self: Any) -> Any:
        if not without_weights(self):
            real(self)
        memory.put(self, on_gpu=False)
        return self

    for name, wrapper in {"to": module_to, "cuda": module_cuda, "cpu": module_cpu}.items():
        changes.around(torch.nn.Module, name, wrapper)


def _placed(args: tuple[Any, ...], kwargs: dict[str, Any], place: Place) -> tuple[Any, ...]:
    """The arguments of a `to`, its device translated: the first, or `device` (changed in `kwargs`)."""
    if kwargs.get("device") is not None:
        kwargs["device"] = place(kwargs["device"])
    return (place(args[0]), *args[1:]) if args else args
