"""Helpers that students call in the notebooks: free the models, look at the GPU's memory.

Nothing here judges. Importing this module imports neither torch, transformers, huggingface_hub nor LangChain: the
student's own cells decide when that happens (HF_HOME is read at that moment). `show_gpu_memory` imports torch alone, and
only where nvidia-smi cannot tell.

What it does not do: end other kernels (JupyterLab does), load a model, or keep anything after a call. What a plain
function or an object of a library refers to is not found by `free_models`; it says so when a model stays in memory.
"""

from __future__ import annotations

import gc
import os
import re
import sys
import weakref
from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from autograder.course.profile import Language, Profile
from autograder.facts.verdict import Words
from autograder.judging.contract import tasks
from autograder.kernel import virtual_gpu
from autograder.kernel.gpu_memory import (
    GpuMemory,
    Holder,
    holders,
    memory_now,
    number,
    what_to_shut_down,
    who_holds,
)
from autograder.kernel.live_objects import is_a, parts_of
from autograder.protocol.model_cache import model_folder, newest_snapshot

FOR_MODELS = ("llm", "chain")
"""What a variable of the contract holds that is freed with its model."""
HOLDERS = ("Model", "Pipeline", "HuggingFacePipeline", "ChatHuggingFace")
IPYTHON_NAMES = re.compile(r"_{1,3}|_oh|Out|_ih|In|_dh|_i{1,3}|_i?\d+")
OUTPUT_NAMES = re.compile(r"_{1,3}|_\d+")


def free_models(profile: Profile, namespace: MutableMapping[str, object]) -> None:
    """Sets every variable that holds a model to None and gives the GPU's memory back; prints in one line what was freed.

    Freed are the model and chain variables of the contract (never an answer such as `result`), every other model,
    pipeline or chain with one, alone or in the user's dicts, lists and objects, and what IPython's output cache and
    the last traceback held of them.
    """
    watched = _weights_in(namespace)
    freed = _clear_contract(profile, namespace)
    answers = {name for task in tasks(profile) for name in task.variables}
    others = [name for name in namespace if name not in answers and not IPYTHON_NAMES.fullmatch(name)]
    freed += _clear(namespace, others)
    freed += _drop_outputs(namespace)
    _drop_tracebacks()
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
    still_held = any(model() is not None for model in watched)
    print(_freed(freed, still_held, _gpu_memory(torch), profile.course.language))


def _clear_contract(profile: Profile, namespace: MutableMapping[str, object]) -> list[str]:
    names = dict.fromkeys(one.name for task in tasks(profile) for one in task.named if one.holds in FOR_MODELS)
    freed = [name for name in names if namespace.get(name) is not None]
    namespace.update(dict.fromkeys(freed))
    return freed


def _clear(holder: Any, keys: Iterable[Any], depth: int = 0) -> list[Any]:
    """Sets what holds a model to None, in a dict or list and those inside it. Answers the keys behind which it was."""
    freed = []
    for key in keys:
        value = holder[key]
        inner = _elements(value)
        if _holds_model(value) or (isinstance(value, tuple | set | frozenset) and any(map(_holds_model, value))):
            holder[key] = None
            freed.append(key)
        elif inner is not None and inner is not holder and depth < 4:
            inner_keys = list(inner) if isinstance(inner, dict) else range(len(inner))
            if _clear(inner, inner_keys, depth + 1):
                freed.append(key)
    return freed


def _elements(value: object) -> dict[Any, Any] | list[Any] | None:
    """What can be emptied one by one: a dict, a list, or the attributes of an object whose class the student wrote."""
    if type(value) is dict or type(value) is list:
        return value
    written_here = type(value).__module__ == "__main__" and not isinstance(value, type)
    return vars(value) if written_here and hasattr(value, "__dict__") else None


def _holds_model(value: object) -> bool:
    return is_a(value, *HOLDERS, "Runnable") and any(is_a(part, *HOLDERS) for part in parts_of(value))


def _weights_in(namespace: Mapping[str, object]) -> list[weakref.ref[Any]]:
    """Weak references to the models that the variables hold: afterwards they tell whether the memory is free."""
    values = [v for v in namespace.values() if v is not namespace and (_holds_model(v) or _elements(v) is not None)]
    return [weakref.ref(model) for value in values for model in models_inside(value)]


def models_inside(thing: object) -> list[Any]:
    """The transformers models inside a chain, a pipeline or a container, each once, the outermost first."""
    found: dict[int, Any] = {}
    for part in parts_of(thing):
        model = part if is_a(part, "Model") else getattr(part, "model", None) if is_a(part, "Pipeline") else None
        if model is not None:
            found[id(model)] = model
    return list(found.values())


def _drop_outputs(namespace: MutableMapping[str, object]) -> list[str]:
    """Removes models from IPython's memory of earlier outputs: `Out`, `_`, `__`, `___`, `_N` and its own copies."""
    cache = namespace.get("_oh", namespace.get("Out"))
    outputs: dict[Any, Any] = cache if isinstance(cache, dict) else {}
    held = [number for number, value in outputs.items() if _holds_any(value)]
    for place in held:
        del outputs[place]
    _drop_output_names(namespace)
    shell = running_shell()
    if shell is not None:
        _drop_output_names(shell.user_ns_hidden)
        for name in ("_", "__", "___"):  # the display hook compares them with the variables: they change together
            if _holds_any(getattr(shell.displayhook, name, None)):
                setattr(shell.displayhook, name, "")
        if _holds_any(getattr(shell.last_execution_result, "result", None)):
            shell.last_execution_result.result = None
    return [f"Out[{number}]" for number in held]


def _drop_output_names(names: MutableMapping[str, object]) -> None:
    for name in [name for name in names if OUTPUT_NAMES.fullmatch(name) and _holds_any(names[name])]:
        if name.strip("_"):
            del names[name]
        else:
            names[name] = ""  # as IPython's own `%reset out` leaves it


def _holds_any(value: object) -> bool:
    return _holds_model(value) or (isinstance(value, dict | list | tuple) and bool(models_inside(value)))


def _drop_tracebacks() -> None:
    """A traceback holds the local variables of every function on its way: a call that failed keeps its model alive."""
    for name in ("last_traceback", "last_value", "last_exc", "last_type"):
        if hasattr(sys, name):
            delattr(sys, name)
    shell = running_shell()
    if shell is None:
        return
    error = getattr(shell.last_execution_result, "error_in_exec", None)
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
    for reporter in (shell.InteractiveTB, shell.SyntaxTB):
        vars(reporter).pop("tb", None)


def running_shell() -> Any:
    """IPython's shell in this process, or None. Does not import IPython."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def _freed(freed: Sequence[object], still_held: bool, gpu: GpuMemory | None, language: Language) -> str:
    names = ", ".join(str(name) for name in dict.fromkeys(freed))
    words = _FREED.fill(names=names) if freed else _NOTHING_TO_FREE
    parts = [words.say(language)]
    if still_held:
        parts.append(_STILL_HELD.say(language))
    if gpu is not None and gpu.total:
        parts.append(_FREE_NOW.fill(free=number(gpu.free, language), total=number(gpu.total, language)).say(language))
    return " ".join(parts)


def show_gpu_memory(profile: Profile) -> None:
    """Prints which of the profile's models are here, which would fit on GPU 0 now, how much of its memory is free, and who
    of the student's own kernels holds the rest.

    Sizes are in GB of 10**9 bytes, as `gpu_gb` in the profile. A full GPU gets a word on what to shut down.
    """
    gpu = _memory_of_gpu()
    there = None
    if not os.environ.get("NBGRADER_EXECUTION"):  # there the models are elsewhere, and that is nothing to be told
        there = models_there(profile, Path(os.environ.get("AUTOGRADER_MODEL_HOME") or profile.models.home))
    print(memory_report(gpu, profile, holders() if gpu is not None and not virtual_gpu.is_on() else (), there))


def models_there(profile: Profile, home: Path) -> frozenset[str]:
    """The names of the profile's models that a folder holds, as Hugging Face's cache lays them out."""
    names = {profile.model(role).name for role in profile.roles_in_use()}
    return frozenset(name for name in names if newest_snapshot(model_folder(home, name)) is not None)


def memory_report(
    gpu: GpuMemory | None, profile: Profile, found: Sequence[Holder] = (), there: Collection[str] | None = None
) -> str:
    """The table of `show_gpu_memory` as plain text, with advice under it where the GPU is (nearly) full.

    Args:
        gpu: None where there is none.
        found: the student's own processes that hold memory.
        there: names of the models that are on this machine; None where nothing is to be said about that.
    """
    language = profile.course.language
    models = [profile.model(role) for role in profile.roles_in_use()]
    columns = {_MODEL: [model.name for model in models]}
    if there is not None:
        columns[_HERE] = [(_YES if model.name in there else _NO).say(language) for model in models]
    if gpu is not None:
        columns[_NEEDS] = [f"{number(model.gpu_gb, language)} GB" for model in models]
        columns[_FITS] = [_fits(model.gpu_gb, gpu).say(language) for model in models]
    rows = [[title.say(language) for title in columns], *map(list, zip(*columns.values(), strict=True))]
    lines = [_first_line(gpu, language), *(["", *in_columns(rows)] if len(columns) > 1 else [])]
    if there is not None and any(model.name not in there for model in models):
        lines += ["", _NOT_HERE.say(language)]
    if told := who_holds(found, language, Path.cwd()):
        lines += ["", *told]
    if gpu is not None and (advice := _advice(gpu, [model.gpu_gb for model in models], found, language)):
        lines += ["", *advice]
    return "\n".join(lines)


def _first_line(gpu: GpuMemory | None, language: Language) -> str:
    if gpu is None:
        return _NO_GPU.say(language)
    words = _GPU_HAS if gpu.total else _GPU_FULL
    return words.fill(name=gpu.name, free=number(gpu.free, language), total=number(gpu.total, language)).say(language)


def _fits(needed: float, gpu: GpuMemory) -> Words:
    return _YES if needed <= gpu.free else _TOO_LARGE if 0 < gpu.total < needed else _NO


def _advice(gpu: GpuMemory, needed: Sequence[float], found: Sequence[Holder], language: Language) -> list[str]:
    """What to free or to shut down, where something does not fit that could; nothing where all is well."""
    if not any(gpu.free < one <= gpu.total for one in needed) and gpu.free > 0.1 * gpu.total:
        return []
    here = max([gpu.own, *(holder.gigabytes or 0 for holder in found if holder.here)])
    mine = here > 0.5 * (gpu.total - gpu.free) > 0
    own = _HELD_HERE.fill(own=number(here, language)).say(language) if mine else ""
    others = what_to_shut_down(found, language, Path.cwd())
    return [*filter(None, (own, others))] or [_HELD_ELSEWHERE.say(language)]


def _memory_of_gpu() -> GpuMemory | None:
    """From torch where it is loaded; else from nvidia-smi, which takes no memory of the GPU; else from torch all the same."""
    virtual = os.environ.get("AUTOGRADER_VIRTUAL_GPU") or os.environ.get("NBGRADER_EXECUTION")
    if "torch" not in sys.modules and not virtual and (told := memory_now()) is not None:
        return told
    import torch

    gpu = _gpu_memory(torch)
    return (memory_now() or gpu) if gpu is not None and not gpu.total else gpu


def _gpu_memory(torch: Any) -> GpuMemory | None:
    """What torch says of GPU 0; None where there is no GPU, or none that answers."""
    if torch is None or not torch.cuda.is_available():
        return None
    try:
        free, total = torch.cuda.mem_get_info(0)
        name, own = torch.cuda.get_device_name(0), torch.cuda.memory_reserved(0) / 1e9
        return GpuMemory(name=name, free=free / 1e9, total=total / 1e9, own=own)
    except (RuntimeError, AssertionError) as error:
        # On a full GPU even asking fails: the driver's own context needs some hundred MB.
        return GpuMemory(name="GPU", free=0.0, total=0.0) if "out of memory" in str(error) else None


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines of text in columns of equal width; the last column is left as long as it is."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]


_FREED = Words(nb="Frigjort: {names}.", en="Freed: {names}.")
_NOTHING_TO_FREE = Words(nb="Det var ingen modeller å frigjøre.", en="There were no models to free.")
_STILL_HELD = Words(
    nb="Noe i notebooken holder likevel på en modell; start kjernen på nytt for å få igjen alt minnet.",
    en="Something in the notebook still holds a model; restart the kernel to get all memory back.",
)
_FREE_NOW = Words(nb="GPU-en har nå {free} av {total} GB ledig.", en="The GPU now has {free} of {total} GB free.")

_NO_GPU = Words(
    nb="Denne maskinen har ingen GPU. Det går fint: du kan øve på CPU-en (det tar bare lengre tid), og sjekkene virker "
    "som vanlig. Når oppgaven rettes, er det en GPU.",
    en="This machine has no GPU. That is fine: you can practise on the CPU (it only takes longer), and the checks work "
    "as usual. When the assignment is graded, there is a GPU.",
)
_GPU_HAS = Words(
    nb="GPU 0 ({name}) har {free} av {total} GB ledig.", en="GPU 0 ({name}) has {free} of {total} GB free."
)
_GPU_FULL = Words(
    nb="GPU 0 er så full at den ikke kan fortelle hvor mye som er ledig.",
    en="GPU 0 is so full that it cannot tell how much is free.",
)
_MODEL = Words(nb="modell", en="model")
_HERE = Words(nb="finnes her?", en="is here?")
_NEEDS = Words(nb="trenger", en="needs")
_FITS = Words(nb="plass nå?", en="fits now?")
_YES = Words(nb="ja", en="yes")
_NO = Words(nb="nei", en="no")
_NOT_HERE = Words(
    nb="En modell som ikke finnes her, må lastes ned først. På kursets egen maskin: si fra til kurset.",
    en="A model that is not here would have to be downloaded first. On the course's own machine: tell the course.",
)
_TOO_LARGE = Words(nb="nei, større enn hele GPU-en", en="no, larger than the whole GPU")
_HELD_HERE = Words(
    nb="Denne notebooken bruker selv {own} GB. Frigjør modellene med free_models() når du ikke trenger dem lenger.",
    en="This notebook itself uses {own} GB. Free its models with free_models() when you no longer need them.",
)
_HELD_ELSEWHERE = Words(
    nb="GPU-en er nesten full. Trolig holder en gammel kjerne fortsatt på en modell. Åpne panelet\n"
    "«Running Terminals and Kernels» til venstre i JupyterLab (sirkelen med en firkant i), avslutt kjernene du ikke\n"
    "bruker («Shut Down»), og kjør denne cellen på nytt.",
    en="The GPU is nearly full. An old kernel probably still holds a model. Open the panel\n"
    "“Running Terminals and Kernels” on the left in JupyterLab (the circle with a square in it), shut down the\n"
    "kernels that you are not using (“Shut Down”), and run this cell again.",
)
