"""How much of the GPU's memory is free, and which of a person's own notebooks hold the rest.

Read from `nvidia-smi` and the list of processes: that needs neither torch nor a context on the GPU, which a full GPU has no
room for. A kernel is known by the connection file in its command line, its notebook by the name that Jupyter's server gives
to the kernel (`JPY_SESSION_NAME`). What cannot be read is left out, and nothing here raises.

What it does not do: end a kernel, look into other people's processes, or see processes that `nvidia-smi` does not show
(in many containers it shows none).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.course.profile import Language
from autograder.facts.verdict import Words

MIB = 1024**2 / 1e9
"""GB (10**9 bytes) in one of nvidia-smi's MiB."""
SMI_SECONDS = 5
WIDTH = 96
PROCESSES = ("--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits")
MEMORY = ("--query-gpu=name,memory.free,memory.total,mig.mode.current", "--format=csv,noheader,nounits")
CONNECTION_FILE = re.compile(r"kernel-(?P<id>[\w-]{1,60})\.json$")
NOTEBOOK_VARIABLE = "JPY_SESSION_NAME"


@dataclass(frozen=True, kw_only=True)
class GpuMemory:
    """Memory of one GPU in GB (10**9 bytes); `own` is what this kernel holds of it, `total` is 0 where not known."""

    name: str
    free: float
    total: float
    own: float = 0.0


@dataclass(frozen=True)
class Holder:
    """A process of this person that holds memory of the GPU.

    Attributes:
        gigabytes: how much, of 10**9 bytes; None where nvidia-smi does not say.
        kernel: id of the Jupyter kernel that it is or was started by, if it is one.
        notebook: that kernel's notebook, as a path, if it is known.
        here: whether it is the process that asks.
    """

    pid: int
    gigabytes: float | None
    kernel: str | None = None
    notebook: str | None = None
    here: bool = False


def nvidia_smi(arguments: Sequence[str]) -> str:
    """What `nvidia-smi` prints about the GPU that CUDA calls 0; nothing where it is not there, fails, or takes too long."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    program = shutil.which("nvidia-smi")
    if program is None or visible in ("", "-1"):
        return ""
    first = (visible or "").split(",")[0].strip()
    which = ["-i", first] if first and not first.startswith("MIG") else []
    try:
        done = subprocess.run(
            [program, *which, *arguments], capture_output=True, text=True, errors="replace", timeout=SMI_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def memory_from(text: str) -> GpuMemory | None:
    """The first GPU in what `nvidia-smi` printed for `MEMORY`; None where it cannot be told.

    A GPU that is cut into slices (MIG) cannot be told: the numbers are those of the whole.
    """
    fields = [field.strip() for field in (text.splitlines() or [""])[0].rsplit(",", 3)]
    if len(fields) != 4 or fields[3] == "Enabled":
        return None
    free, total = _gigabytes(fields[1]), _gigabytes(fields[2])
    return GpuMemory(name=fields[0], free=free, total=total) if free is not None and total else None


def processes_from(text: str) -> dict[int, float | None]:
    """GB by process, from what `nvidia-smi` printed for `PROCESSES`; None where it does not say how much."""
    found: dict[int, float | None] = {}
    for line in text.splitlines():
        pid, _, used = line.partition(",")
        if pid.strip().isdecimal():
            held, more = found.get(int(pid)), _gigabytes(used)
            found[int(pid)] = more if held is None else held + (more or 0)
    return found


def _gigabytes(mebibytes: str) -> float | None:
    return int(mebibytes) * MIB if mebibytes.strip().isdecimal() else None


def memory_now() -> GpuMemory | None:
    """The GPU's memory as nvidia-smi tells it; None where it does not."""
    return memory_from(nvidia_smi(MEMORY))


def holders() -> tuple[Holder, ...]:
    """This person's processes that hold memory of the GPU, the largest first."""
    import psutil

    me = psutil.Process().username()
    mine = []
    for pid, held in processes_from(nvidia_smi(PROCESSES)).items():
        with suppress(psutil.Error):
            found = psutil.Process(pid)
            if found.username() == me:
                mine.append(_holder(found, held))
    return tuple(sorted(mine, key=lambda holder: -(holder.gigabytes or 0)))


def _holder(process: Any, gigabytes: float | None) -> Holder:
    """A process, and the kernel that it is or that started it."""
    here, kernel, notebook = False, None, None
    for at in (process, *_told(process.parents, [])):
        here = here or at.pid == os.getpid()
        command = _told(at.cmdline, [])
        kernel = next((found["id"] for word in command if (found := CONNECTION_FILE.search(word))), None)
        if kernel is not None:
            notebook = _told(at.environ, {}).get(NOTEBOOK_VARIABLE) or None
            break
    return Holder(process.pid, gigabytes, kernel, notebook, here)


def _told(ask: Callable[[], Any], otherwise: Any) -> Any:
    """What a process says of itself, where it may be read and is still there."""
    import psutil

    try:
        return ask()
    except psutil.Error:
        return otherwise


# --- In words ---------------------------------------------------------------------------------------------------------


def is_full(error: BaseException | None) -> bool:
    """Whether an exception, or what led to it, says that the GPU has no memory left."""
    for _ in range(20):
        if error is None:
            return False
        if type(error).__name__ == "OutOfMemoryError" or re.search(r"CUDA (error: )?out of memory", str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def who_holds(found: Sequence[Holder], language: Language, folder: Path) -> list[str]:
    """A line for each holder, under a heading; nothing where there is none.

    Args:
        folder: where the notebook that asks lies: those beside it are told by their names alone.
    """
    lines = [f"  {_name(holder, language, folder)}{_how_much(holder, language)}" for holder in found]
    return [_HOLD_NOW.say(language), *lines] if lines else []


def what_to_shut_down(found: Sequence[Holder], language: Language, folder: Path) -> str:
    """What to do about the other kernels among the holders; nothing where there is none."""
    others = [holder for holder in found if not holder.here and holder.kernel is not None]
    if not others:
        return ""
    notebooks = [_name(holder, language, folder) for holder in others if holder.notebook]
    names = AND.say(language).join(dict.fromkeys(notebooks))
    return _wrapped(_SHUT_DOWN.fill(names=names) if names else _SHUT_DOWN_KERNELS, language)


def when_full(found: Sequence[Holder], language: Language, folder: Path) -> str:
    """A kind word for a cell that stopped because the GPU is full: which kernels to shut down, and what to run then."""
    here = any(holder.here for holder in found)
    advice = what_to_shut_down(found, language, folder)
    steps = [advice] if advice else [] if here else [_wrapped(_LOOK_FOR_KERNELS, language)]
    steps += [_wrapped(_FREE_HERE, language)] if here else []
    return "\n".join([_FULL.say(language), *who_holds(found, language, folder), *steps, _RUN_AGAIN.say(language)])


def _wrapped(words: Words, language: Language) -> str:
    return textwrap.fill(words.say(language), WIDTH)


def _name(holder: Holder, language: Language, folder: Path) -> str:
    if holder.here:
        return _THIS.say(language)
    if holder.notebook is not None:
        path = PurePosixPath(holder.notebook)
        shown = path.name if str(path.parent) == str(folder) else f"{path.parent.name}/{path.name}"
        return "".join(c if c.isprintable() else "?" for c in shown)[-60:]
    if holder.kernel is not None:
        return _A_KERNEL.fill(id=holder.kernel[:8]).say(language)
    return _A_PROCESS.fill(pid=holder.pid).say(language)


def _how_much(holder: Holder, language: Language) -> str:
    return "" if holder.gigabytes is None else f": {number(holder.gigabytes, language)} GB"


def number(value: float, language: Language) -> str:
    """With one decimal, after a comma in Norwegian."""
    return decimal(f"{value:.1f}", language)


def decimal(number: str, language: Language) -> str:
    """Digits with the language's decimal sign."""
    return number.replace(".", ",") if language == "nb" else number


AND = Words(nb=" og ", en=" and ")
_HOLD_NOW = Words(nb="Dette bruker du av minnet på GPU-en nå:", en="This is what you use of the GPU's memory now:")
_THIS = Words(nb="denne notebooken", en="this notebook")
_A_KERNEL = Words(nb="en annen kjerne ({id})", en="another kernel ({id})")
_A_PROCESS = Words(
    nb="et program som ikke er en notebook (prosess {pid})", en="a program that is no notebook (process {pid})"
)
_SHUT_DOWN = Words(
    nb="Slå av kjernen til {names}: finn den i panelet «Running Terminals and Kernels» "
    "til venstre i JupyterLab (sirkelen med en firkant i), og velg «Shut Down». Variablene der forsvinner, cellene ikke.",
    en="Shut down the kernel of {names}: find it in the panel “Running Terminals and Kernels” "
    "on the left in JupyterLab (the circle with a square in it), and choose “Shut Down”. Its variables go, its cells stay.",
)
_SHUT_DOWN_KERNELS = Words(
    nb="Slå av de andre kjernene i panelet «Running Terminals and Kernels» til venstre i JupyterLab "
    "(sirkelen med en firkant i): velg «Shut Down». Variablene der forsvinner, cellene ikke.",
    en="Shut down the other kernels in the panel “Running Terminals and Kernels” on the left in JupyterLab "
    "(the circle with a square in it): choose “Shut Down”. Their variables go, their cells stay.",
)
_LOOK_FOR_KERNELS = Words(
    nb="Trolig holder en annen kjerne på en modell. Se i panelet «Running Terminals and Kernels» til venstre "
    "i JupyterLab (sirkelen med en firkant i), og slå av kjernene du ikke bruker («Shut Down»).",
    en="Probably another kernel holds a model. Look in the panel “Running Terminals and Kernels” on the left "
    "in JupyterLab (the circle with a square in it), and shut down the kernels that you do not use (“Shut Down”).",
)
_FULL = Words(
    nb="GPU-en er full, så det var ikke plass til dette. Det er sjelden koden din det er noe galt med.",
    en="The GPU is full, so there was no room for this. It is seldom your code that is at fault.",
)
_FREE_HERE = Words(
    nb="Trenger du ikke modellen som alt ligger i denne notebooken? Kjør free_models().",
    en="Do you no longer need the model that this notebook holds already? Run free_models().",
)
_RUN_AGAIN = Words(
    nb="Kjør så cellen på nytt. show_gpu_memory() viser hvor mye som er ledig.",
    en="Then run the cell again. show_gpu_memory() shows how much is free.",
)
