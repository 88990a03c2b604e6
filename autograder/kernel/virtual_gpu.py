"""One virtual CUDA GPU on a machine without one, so that a notebook written for a GPU runs on its CPU.

`switch_on` waits for the student's imports of torch and transformers and then answers for the GPU: torch
counts one device; `device=0`, `"cuda"` and `device_map` are accepted and remembered; every tensor really
lives in ordinary memory. `device_asked_for` then says where a model or pipeline would be on a machine with
one GPU. Where there is a real GPU nothing is changed, and `device_asked_for` reads what is there.

How: the functions of the driver that `torch.cuda` and `torch.accelerator` call are supplied (`_Driver`), so
that torch's own Python above them stays as it is; devices are translated where torch takes them
(`_patch_torch` and what it calls); and a model tells where it was put (`_patch_models`). Every change is
process-wide, so it holds in all threads, and stays until the process ends.

What it does not do: a tensor says `cpu` when asked for its device (a model and a pipeline say `cuda:0`);
moving a tensor does not copy it; tensors on two devices may meet, which a real GPU refuses; only models take
memory, and it never runs out; no streams, events, graphs, pinned memory, `torch.compile`, `torch.load` onto a
GPU, quantization, `torch.device(0)`, or code that calls CUDA itself.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

from autograder.kernel.import_hooks import OnError, when_imported

__all__ = ["device_asked_for", "is_on", "switch_on"]

NAME = "Virtual GPU (runs on the CPU)"
CAPABILITY = (8, 0)  # as an A100's, the course's GPU: has bfloat16
MULTI_PROCESSORS = 28  # as the 20 GB slice of an A100's


def switch_on(total_bytes: int = 20 * 1024**3, on_error: OnError | None = None, hide_real: bool = False) -> None:
    """Present one GPU with `total_bytes` of memory from the moment torch is imported (now, if it has been).

    Does nothing where torch finds a real GPU, unless `hide_real` says to put the virtual one in its place (which takes
    effect where CUDA has not been used yet). A second call changes nothing, the size included. If a library
    has changed so that a patch fails, what was changed in it is undone, its import goes on, and `on_error` is
    told, else the log.
    """
    with _LOCK:
        if _STATE.switched_on:
            return
        _STATE.switched_on = True
        _STATE.total_bytes = total_bytes
        _STATE.hide_real = hide_real
    when_imported("torch", _patch_torch, on_error)
    when_imported("transformers.modeling_utils", _patch_models, on_error)
    when_imported("transformers.generation.utils", _patch_generation, on_error)


def is_on() -> bool:
    """Whether torch is answering for a virtual GPU: not before torch is imported, never beside a real one."""
    return _STATE.memory is not None


def device_asked_for(obj: object) -> str | None:
    """Where a transformers model or pipeline would be on a machine with one GPU: `"cuda:0"` or `"cpu"`.

    Where there is a real device, or no virtual one, where it is. None for anything but a model or a pipeline.
    """
    if _is_a(obj, "transformers.pipelines.base", "Pipeline"):
        return _name_of(obj.device)  # type: ignore[attr-defined]
    if _is_a(obj, "transformers.modeling_utils", "PreTrainedModel"):
        device_map = getattr(obj, "hf_device_map", None)
        return _name_of(next(iter(device_map.values())) if device_map else obj.device)  # type: ignore[attr-defined]
    return None


def _is_a(obj: object, module: str, name: str) -> bool:
    """Asked of loaded modules only: an object of a class that nobody has imported does not exist."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(obj, getattr(loaded, name))


def _name_of(device: object) -> str:
    name = f"cuda:{device}" if isinstance(device, int) else str(device)
    if name == "cuda":
        return "cuda:0"
    # `meta`: a model whose weights are elsewhere and that nobody has moved; `disk`: offloaded, off the GPU.
    return "cpu" if name in ("meta", "disk") else name


# --- What is on the GPU ---


class _Memory:
    """The modules that were put on the GPU, and the bytes that their weights would take there."""

    def __init__(self, total_bytes: int) -> None:
        self.total = total_bytes
        self._lock = threading.RLock()
        self._modules: weakref.WeakSet[Any] = weakref.WeakSet()
        self._peak = 0

    def put(self, module: Any, on_gpu: bool) -> None:
        """Every module inside counts for itself, since a part may be moved alone."""
        with self._lock:
            for part in module.modules():
                (self._modules.add if on_gpu else self._modules.discard)(part)
            self.used()

    def holds(self, module: Any) -> bool:
        """As `model.device` does: where the first of its weights is."""
        first = next((part for part in module.modules() if part._parameters), module)
        with self._lock:
            return first in self._modules

    def used(self) -> int:
        with self._lock:
            weights = {id(weight): weight for part in list(self._modules) for weight in _own_weights(part)}
            used = sum(int(weight.numel()) * int(weight.element_size()) for weight in weights.values())
            self._peak = max(self._peak, used)
        return used

    def peak(self) -> int:
        return max(self.used(), self._peak)

    def reset_peak(self) -> None:
        with self._lock:
            self._peak = 0
        self.used()


def _own_weights(module: Any) -> Iterator[Any]:
    for weights in (module._parameters, module._buffers):
        yield from (weight for weight in weights.values() if weight is not None)


class _Changes:
    """Sets attributes in a library, and undoes them all when one fails: no library stays half changed."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any]] = []
        self._kept: list[Any] = []

    def set(self, owner: Any, name: str, value: Any) -> None:
        self._before.append((owner, name, vars(owner).get(name, _MISSING)))
        setattr(owner, name, value)

    def keep(self, library: Any) -> None:
        """A torch library, which takes its kernels along when it is collected."""
        self._kept.append(library)

    def __enter__(self) -> _Changes:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            _STATE.changes.append(self)
            return
        for library in self._kept:
            library._destroy()
        for owner, name, before in reversed(self._before):
            if before is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, before)


_MISSING = object()


@dataclass
class _State:
    switched_on: bool = False
    total_bytes: int = 0
    hide_real: bool = False
    memory: _Memory | None = None  # set once torch answers for the virtual GPU
    changes: list[_Changes] = field(default_factory=list)  # kept: a torch library takes its kernels along


# What the patches change is one per process, so this is as well.
_STATE = _State()
_LOCK = threading.Lock()


# --- torch: the driver ---


class _Driver:
    """The functions of a CUDA driver with one device, under the names by which torch's Python calls them.

    With these, what is written in Python in `torch.cuda` and `torch.accelerator` works unchanged, the
    messages of its errors included. Streams and events are classes in C and stay missing.
    """

    def __init__(self, torch: Any, memory: _Memory) -> None:
        self._torch = torch
        self._memory = memory

    def check(self, index: int) -> int:
        if index > 0:
            raise self._torch.AcceleratorError(
                "CUDA error: invalid device ordinal\nGPU device may be out of range, do you have enough GPUs?"
            )
        return 0

    def properties(self, index: int) -> SimpleNamespace:
        self.check(index)
        return SimpleNamespace(
            name=NAME,
            major=CAPABILITY[0],
            minor=CAPABILITY[1],
            total_memory=self._memory.total,
            multi_processor_count=MULTI_PROCESSORS,
            is_integrated=False,
            is_multi_gpu_board=False,
            warp_size=32,
        )

    def memory_info(self, index: int) -> tuple[int, int]:
        """(free, total) in bytes."""
        self.check(index)
        return max(0, self._memory.total - self._memory.used()), self._memory.total

    def memory_stats(self, index: int) -> dict[str, Any]:
        """Shaped as `torch.cuda.memory_stats` documents. Allocations are not counted one by one."""
        self.check(index)
        nothing = dict.fromkeys(("current", "peak", "allocated", "freed"), 0)
        used, peak = self._memory.used(), self._memory.peak()
        weights = {"current": used, "peak": peak, "allocated": peak, "freed": peak - used}
        stats: dict[str, Any] = {"num_ooms": 0, "num_alloc_retries": 0}
        for name in ("allocated_bytes", "active_bytes", "requested_bytes", "reserved_bytes"):
            stats[name] = {"all": weights, "large_pool": weights, "small_pool": nothing}
        for name in ("inactive_split_bytes", "allocation", "active", "segment", "inactive_split"):
            stats[name] = {"all": nothing, "large_pool": nothing, "small_pool": nothing}
        for name in ("oversize_allocations", "oversize_segments"):
            stats[name] = nothing
        return stats

    def functions(self) -> dict[str, Callable[..., Any]]:
        """What is set in `torch._C`: a CPU build lacks the first group and answers "none" in the second."""

        def nothing(*_: object) -> None:
            return None

        def reset(_: int = 0) -> None:
            self._memory.reset_peak()

        cuda: dict[str, Callable[..., Any]] = {
            "_cuda_getDeviceCount": lambda: 1,
            "_cuda_getDevice": lambda: 0,
            "_cuda_setDevice": self.check,
            "_cuda_synchronize": nothing,
            "_cuda_emptyCache": nothing,
            "_cuda_ipc_collect": nothing,
            "_cuda_memoryStats": self.memory_stats,
            "_cuda_resetPeakMemoryStats": reset,
            "_cuda_resetAccumulatedMemoryStats": nothing,
            "_cuda_getArchFlags": nothing,  # no list, so that no build of torch is found too old for this GPU
            "_cuda_getCurrentRawStream": lambda _: 0,  # torch._dynamo imports it where CUDA is compiled in
        }
        accelerator: dict[str, Callable[..., Any]] = {
            "_accelerator_getAccelerator": lambda: self._torch.device("cuda"),
            "_accelerator_getDeviceIndex": lambda: 0,
            "_accelerator_setDeviceIndex": self.check,
            "_accelerator_exchangeDevice": self.check,
            "_accelerator_maybeExchangeDevice": self.check,
            "_accelerator_synchronizeDevice": nothing,
            "_accelerator_isAllocatorInitialized": lambda: True,
            "_accelerator_emptyCache": nothing,
            "_accelerator_getDeviceStats": self.memory_stats,
            "_accelerator_resetPeakStats": reset,
            "_accelerator_resetAccumulatedStats": nothing,
            "_accelerator_getMemoryInfo": self.memory_info,
        }
        return cuda | accelerator

    def in_torch_cuda(self) -> dict[str, Any]:
        """What is set in `torch.cuda`: names that it took from `torch._C` while it was imported."""
        return {
            "_exchange_device": lambda index: self.check(index),
            "_maybe_exchange_device": lambda index: self.check(index),
            "_get_device_properties": self.properties,
            "_cudart": SimpleNamespace(cudaMemGetInfo=self.memory_info),
            # So that it asks neither NVML nor CUDA_VISIBLE_DEVICES how many there are.
            "_initialized": True,
            # Random numbers "on the GPU" come from the CPU, so its generator is the one to seed.
            "default_generators": (self._torch.default_generator,),
        }


# --- torch: where devices are given ---


Place = Callable[[Any], Any]


def _patch_torch(torch: ModuleType | Any) -> None:
    """Everything in torch, or nothing where it has a GPU."""
    if _STATE.hide_real:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # CUDA reads it when it is first asked for anything
    if torch.cuda.is_available():
        return
    memory = _Memory(_STATE.total_bytes)
    driver = _Driver(torch, memory)
    place = functools.partial(_place, torch, driver)
    with _Changes() as changes:
        for name, value in driver.functions().items():
            changes.set(torch._C, name, value)
        for name, value in driver.in_torch_cuda().items():
            changes.set(torch.cuda, name, value)
        _patch_factories(torch, changes, place)
        _patch_default_device(torch, changes, place)
        _patch_generator(torch, changes, place)
        _patch_tensors(torch, changes, place)
        _patch_modules(torch, changes, place, memory)
    _STATE.memory = memory


def _place(torch: Any, driver: _Driver, device: Any) -> Any:
    """`device` as torch shall get it: the virtual GPU is the CPU. Raises for a second GPU as CUDA does."""
    if isinstance(device, int) and not isinstance(device, bool):
        index = device
    elif isinstance(device, str | torch.device) and str(device).startswith("cuda"):
        index = torch.device(device).index or 0
    else:
        return device
    driver.check(index)
    return "cpu"


def _placing(function: Any, place: Place) -> Any:
    """`function` with its keyword argument `device` translated."""

    @functools.wraps(function)
    def placed(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("device") is not None:
            kwargs["device"] = place(kwargs["device"])
        return function(*args, **kwargs)

    return placed


# Operators that make a tensor from nothing: all others in torch that take a device are built on these.
KERNELS = ("empty.memory_format", "empty_strided", "tril_indices", "triu_indices")


def _patch_factories(torch: Any, changes: _Changes, place: Place) -> None:
    """`device="cuda"` wherever a tensor is made: torch.zeros, zeros_like, new_zeros, nn.Linear, in C++."""
    library = torch.library.Library("aten", "IMPL")
    with warnings.catch_warnings():
        # A CUDA build without a GPU has kernels of its own there, and warns that they are replaced.
        warnings.simplefilter("ignore")
        for name in KERNELS:
            packet, _, overload = name.partition(".")
            operator = getattr(getattr(torch.ops.aten, packet), overload or "default")
            library.impl(name, _kernel(operator, place), "CUDA")
    changes.keep(library)

    # An ordinal (`device=0`) and torch.tensor's "cuda" are refused before they come to a kernel. The list is
    # torch's own and remembered by it, so it is read before any function in it is replaced.
    builtins = importlib.import_module("torch.jit._builtins")
    for function in importlib.import_module("torch.utils._device")._device_constructors():
        name = function.__name__
        if getattr(torch, name, None) is not function:  # those of torch.fft, torch.nested
            continue
        placed = _placing(function, place)
        changes.set(torch, name, placed)
        # torch.jit.script knows its functions by identity.
        if (operator := builtins._find_builtin(function)) is not None:
            builtins._register_builtin(placed, operator)


def _kernel(operator: Any, place: Place) -> Any:
    def on_cpu(*args: Any, device: Any = None, pin_memory: Any = None, **kwargs: Any) -> Any:
        return operator(*args, device=place(device), **kwargs)  # memory can be pinned for a real GPU only

    return on_cpu


def _patch_default_device(torch: Any, changes: _Changes, place: Place) -> None:
    """torch.set_default_device("cuda"), `with torch.device("cuda")`: C++ would ask a driver for the index."""
    context = importlib.import_module("torch.utils._device").DeviceContext
    initialise = context.__init__

    @functools.wraps(initialise)
    def init(self: Any, device: Any) -> None:
        initialise(self, device if place(device) is device else "cuda:0")

    changes.set(context, "__init__", init)


def _patch_generator(torch: Any, changes: _Changes, place: Place) -> None:
    """torch.Generator(device="cuda"): C++ cannot make one; `isinstance` goes on accepting what C++ makes."""
    real = torch._C.Generator

    def is_instance(cls: Any, instance: object) -> bool:
        return isinstance(instance, real)

    def new(cls: Any, device: Any = "cpu") -> Any:
        return real.__new__(cls, place(device))

    kind = type("GeneratorType", (type(real),), {"__instancecheck__": is_instance})
    generator = kind("Generator", (real,), {"__new__": new, "__module__": "torch"})
    changes.set(torch, "Generator", generator)


def _patch_tensors(torch: Any, changes: _Changes, place: Place) -> None:
    """Tensor.to and Tensor.cuda (BatchEncoding.to and the pipelines call the first): the same tensor."""
    to = torch.Tensor.to

    @functools.wraps(to)
    def tensor_to(self: Any, *args: Any, **kwargs: Any) -> Any:
        return to(self, *_placed(args, kwargs, place), **kwargs)

    @functools.wraps(torch.Tensor.cuda)
    def tensor_cuda(self: Any, device: Any = None, *args: Any, **kwargs: Any) -> Any:
        place(device)
        return self

    changes.set(torch.Tensor, "to", tensor_to)
    changes.set(torch.Tensor, "cuda", tensor_cuda)
    changes.set(torch.Tensor, "new_tensor", _placing(torch.Tensor.new_tensor, place))  # as torch.tensor


def _patch_modules(torch: Any, changes: _Changes, place: Place, memory: _Memory) -> None:
    """Module.to, .cuda and .cpu: remember where, and spare the weights the copying."""
    module = torch.nn.Module
    to, cuda, cpu = module.to, module.cuda, module.cpu

    @functools.wraps(to)
    def module_to(self: Any, *args: Any, **kwargs: Any) -> Any:
        asked = kwargs.get("device", args[0] if args else None)
        args = _placed(args, kwargs, place)
        if not _without_weights(self):
            to(self, *args, **kwargs)
        elif (dtype := torch._C._nn._parse_to(*args, **kwargs)[1]) is not None:
            to(self, dtype)
        given = kwargs.get("device", args[0] if args else None)
        if given is not asked:
            memory.put(self, on_gpu=True)
        elif isinstance(given, str | torch.device):
            memory.put(self, on_gpu=False)
        return self

    @functools.wraps(cuda)
    def module_cuda(self: Any, device: Any = None) -> Any:
        cuda(self, device)
        memory.put(self, on_gpu=True)
        return self

    @functools.wraps(cpu)
    def module_cpu(self: Any) -> Any:
        if not _without_weights(self):
            cpu(self)
        memory.put(self, on_gpu=False)
        return self

    changes.set(module, "to", module_to)
    changes.set(module, "cuda", module_cuda)
    changes.set(module, "cpu", module_cpu)


def _without_weights(module: Any) -> bool:
    """Whether a module is on the `meta` device, from which nothing can be moved: its weights are elsewhere."""
    return any(weight.is_meta for part in module.modules() for weight in _own_weights(part))


def _placed(args: tuple[Any, ...], kwargs: dict[str, Any], place: Place) -> tuple[Any, ...]:
    """The arguments of a `to`, its device translated: the first, or `device` (changed in `kwargs`)."""
    if kwargs.get("device") is not None:
        kwargs["device"] = place(kwargs["device"])
    return (place(args[0]), *args[1:]) if args else args


# --- transformers ---


def _patch_models(modeling_utils: ModuleType | Any) -> None:
    """`model.device` tells where the model is: a pipeline that is given none, or -1, follows it."""
    memory = _STATE.memory
    if memory is None:
        return
    torch = sys.modules["torch"]
    mixin = next(kind for kind in modeling_utils.PreTrainedModel.__mro__ if "device" in vars(kind))
    real_device = vars(mixin)["device"].fget
    real_device_map = modeling_utils._get_device_map
    real_default = modeling_utils.get_torch_context_manager_or_global_device

    def device(self: Any) -> Any:
        if memory.holds(self):
            return torch.device("cuda:0")
        real = real_device(self)
        return torch.device("cpu") if real.type == "meta" else real  # weights elsewhere, asked for on the processor

    @functools.wraps(real_device_map)
    def get_device_map(model: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        device_map: dict[str, Any] = real_device_map(model, *args, **kwargs)
        return _load_on_cpu(model, device_map, memory)

    @functools.wraps(real_default)
    def get_default_device() -> Any:
        # Asks a new tensor, which says `cpu`.
        default = torch.get_default_device()
        return default if default.type == "cuda" else real_default()

    with _Changes() as changes:
        changes.set(mixin, "device", property(device, doc=vars(mixin)["device"].__doc__))
        changes.set(modeling_utils, "_get_device_map", get_device_map)
        changes.set(modeling_utils, "get_torch_context_manager_or_global_device", get_default_device)


def _load_on_cpu(model: Any, device_map: dict[str, Any], memory: _Memory) -> dict[str, Any]:
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


def _patch_generation(utils: ModuleType | Any) -> None:
    """A model on a GPU compiles itself when its cache is static: minutes of work on a CPU, for nothing."""
    if _STATE.memory is None:
        return
    real = utils.GenerationMixin._valid_auto_compile_criteria

    @functools.wraps(real)
    def never(*_: Any, **__: Any) -> bool:
        return False

    with _Changes() as changes:
        changes.set(utils.GenerationMixin, "_valid_auto_compile_criteria", never)
