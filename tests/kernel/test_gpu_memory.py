"""Who holds the GPU's memory: read from made-up output of nvidia-smi and made-up processes, and told in words."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from autograder.course.profile import Language
from autograder.kernel import gpu_memory
from autograder.kernel.gpu_memory import (
    MIB,
    Holder,
    holders,
    is_full,
    memory_from,
    nvidia_smi,
    processes_from,
    what_to_shut_down,
    when_full,
    who_holds,
)

LANGUAGES: tuple[Language, ...] = ("nb", "en")
KERNEL = "3f2a1b0c-0000-4000-8000-123456789abc"
GIB = 1024 * MIB


# --- What nvidia-smi prints ------------------------------------------------------------------------------------------

PROCESSES = {
    "nothing": ("", {}),
    "one": ("4242, 6144\n", {4242: 6 * GIB}),
    "two": ("4242, 6144\n17, 512\n", {4242: 6 * GIB, 17: GIB / 2}),
    "one on two GPUs": ("4242, 1024\n4242, 2048\n", {4242: 3 * GIB}),
    "no amount": ("4242, [N/A]\n", {4242: None}),
    "an amount on one GPU alone": ("4242, [N/A]\n4242, 1024\n", {4242: GIB}),
    "no permission": ("4242, [Insufficient Permissions]\n", {4242: None}),
    "a sentence": ("No running processes found\n", {}),
    "a failure": ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", {}),
    "a header": ("pid, used_gpu_memory [MiB]\n4242, 1024\n", {4242: GIB}),
    "half a line": ("4242", {4242: None}),
    "no process": ("-, 12\n[N/A], 3\n", {}),
    "other line ends": ("4242, 1024\r\n\r\n", {4242: GIB}),
    "not numbers that Python takes": ("4²2, 1\n", {}),
}


@pytest.mark.parametrize("name", PROCESSES)
def test_processes_are_read_from_any_output(name: str) -> None:
    text, found = PROCESSES[name]
    assert processes_from(text) == pytest.approx(found)


def test_the_memory_of_the_first_gpu_is_read_in_gb() -> None:
    gpu = memory_from("NVIDIA A100-PCIE-40GB, 10240, 40960, Disabled\nNVIDIA T4, 1, 2, [N/A]\n")
    assert gpu is not None
    assert (gpu.name, gpu.free, gpu.total) == ("NVIDIA A100-PCIE-40GB", pytest.approx(10.74, abs=0.01), 40960 * MIB)


UNREADABLE = [
    "", "\n", "No devices were found", "NVIDIA A100, [N/A], [N/A], [N/A]", "NVIDIA A100, 10240", "a, b, c, d",
    "NVIDIA A100, 10240, 0, Disabled", "NVIDIA A100, 10240, 40960, Enabled",
]  # fmt: skip


@pytest.mark.parametrize("text", UNREADABLE)
def test_memory_that_cannot_be_told_is_none(text: str) -> None:
    assert memory_from(text) is None


@pytest.fixture
def smi_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `nvidia-smi` that prints the arguments it got."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return program


@pytest.mark.parametrize(
    ("visible", "printed"),
    [("2,3", "-i 2 -q"), ("GPU-1a", "-i GPU-1a -q"), ("MIG-1a", "-q"), ("", ""), ("-1", ""), (None, "-q")],
)
def test_nvidia_smi_is_asked_about_the_gpu_that_cuda_sees_first(
    visible: str | None, printed: str, smi_program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert nvidia_smi(["-q"]).strip() == printed


def test_without_nvidia_smi_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (nvidia_smi(["-q"]), gpu_memory.memory_now(), holders()) == ("", None, ())


@pytest.mark.parametrize("script", ["#!/bin/sh\necho 4242, 1024\nexit 9\n", "no program\0"])
def test_an_nvidia_smi_that_fails_tells_nothing(script: str, smi_program: Path) -> None:
    smi_program.write_text(script, encoding="utf-8")
    assert nvidia_smi(["-q"]) == ""


def test_an_nvidia_smi_that_hangs_is_not_waited_for(smi_program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_memory, "SMI_SECONDS", 0.05)
    smi_program.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    assert nvidia_smi(["-q"]) == ""


# --- Whose processes they are ----------------------------------------------------------------------------------------


@dataclass
class Process:
    """A process as psutil has it.

    Attributes:
        closed: what may not be read of it.
    """

    pid: int
    command: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    above: Sequence[Process] = ()
    user: str = "anna"
    closed: str = ""

    def _told(self, name: str, value: Any) -> Any:
        if name == self.closed:
            raise psutil.AccessDenied(self.pid)
        return value

    def username(self) -> str:
        return self.user

    def cmdline(self) -> Any:
        return self._told("cmdline", self.command)

    def environ(self) -> Any:
        return self._told("environ", self.variables)

    def parents(self) -> Any:
        return self._told("parents", self.above)


def kernel(pid: int, notebook: str = "", above: Sequence[Process] = (), user: str = "anna") -> Process:
    command = ["python", "-m", "ipykernel_launcher", "-f", f"/run/user/1/jupyter/kernel-{KERNEL}.json"]
    return Process(pid, command, {"JPY_SESSION_NAME": notebook}, above, user)


def run_by(*kernels: Process) -> Process:
    """A process that has been started in a kernel, by way of another."""
    return Process(12, above=[Process(11), *kernels])


AFTER_AN_EQUALS_SIGN = Process(4, ["python", "-m", "ipykernel_launcher", "--f=/tmp/kernel-v3abc.json"])
HOLDERS: dict[str, tuple[list[tuple[Process | int, str]], list[Holder]]] = {
    # processes (or the number of one that is gone) with the MiB that each holds: who they are
    "a kernel with its notebook": ([(kernel(5, "/a/x.ipynb"), "1024")], [Holder(5, GIB, KERNEL, "/a/x.ipynb")]),
    "a kernel that no server has named": ([(kernel(5), "1024")], [Holder(5, GIB, KERNEL)]),
    "a connection file after an equals sign": ([(AFTER_AN_EQUALS_SIGN, "1024")], [Holder(4, GIB, "v3abc")]),
    "what a kernel has started": (
        [(run_by(kernel(10, "/x/a.ipynb")), "1024")],
        [Holder(12, GIB, KERNEL, "/x/a.ipynb")],
    ),
    "this kernel": ([(kernel(os.getpid()), "1024")], [Holder(os.getpid(), GIB, KERNEL, here=True)]),
    "what this kernel has started": ([(run_by(kernel(os.getpid())), "1024")], [Holder(12, GIB, KERNEL, here=True)]),
    "a program": ([(Process(12, ["python", "train.py"]), "1024")], [Holder(12, GIB)]),
    "somebody else's": ([(kernel(5, user="bo"), "1024")], []),
    "a process that is gone": ([(999, "1024")], []),
    "the largest first, an unknown amount last": (
        [(Process(1), "[N/A]"), (Process(2), "512"), (Process(3), "1024")],
        [Holder(3, GIB), Holder(2, GIB / 2), Holder(1, None)],
    ),
} | {
    f"a process whose {name} may not be read": ([(Process(12, closed=name), "1024")], [Holder(12, GIB)])
    for name in ("cmdline", "environ", "parents")
}


@pytest.mark.parametrize("case", HOLDERS)
def test_who_holds_memory_is_told_by_its_process(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given, found = HOLDERS[case]
    processes = {process.pid: process for process, _ in given if isinstance(process, Process)}

    def find(pid: int | None = None) -> Process:
        if pid not in processes and pid is not None:
            raise psutil.NoSuchProcess(pid)
        return processes[pid] if pid is not None else Process(0)

    lines = [f"{getattr(process, 'pid', process)}, {mib}\n" for process, mib in given]
    monkeypatch.setattr(gpu_memory, "nvidia_smi", lambda _: "".join(lines))
    monkeypatch.setattr(psutil, "Process", find)
    assert list(holders()) == found


# --- In words --------------------------------------------------------------------------------------------------------

LARGE = Holder(1, 6.2, KERNEL, "/home/a/chatbot/larger-model.ipynb")
HERE = Holder(2, 2.0, KERNEL, "/home/a/chatbot/temperature.ipynb", here=True)
UNNAMED = Holder(3, 1.0, KERNEL)
PROGRAM = Holder(4, None)
BESIDE = Path("/home/a/chatbot")


def test_each_holder_has_a_line() -> None:
    elsewhere = Holder(1, 1.0, "k", "/home/a/old/larger-model.ipynb")
    assert who_holds([LARGE, HERE, UNNAMED, PROGRAM, elsewhere], "nb", BESIDE)[1:] == [
        "  larger-model.ipynb: 6,2 GB",
        "  denne notebooken: 2,0 GB",
        "  en annen kjerne (3f2a1b0c): 1,0 GB",
        "  et program som ikke er en notebook (prosess 4)",
        "  old/larger-model.ipynb: 1,0 GB",
    ]


def test_nobody_who_holds_anything_takes_no_line() -> None:
    assert who_holds([], "en", BESIDE) == []


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ([LARGE, HERE, UNNAMED], "the kernel of larger-model.ipynb:"),
        ([UNNAMED], "the other kernels"),
        ([], ""),
        ([HERE], ""),
        ([PROGRAM], ""),
    ],
)
def test_the_other_kernels_are_the_ones_to_shut_down(found: list[Holder], named: str) -> None:
    advice = what_to_shut_down(found, "en", BESIDE)
    assert advice.startswith(f"Shut down {named}" if named else "")
    assert bool(advice) == bool(named)


FULL = {
    # what is held, what is advised in English, what is not
    "another notebook": ([LARGE], ["kernel of larger-model.ipynb"], ["free_models()", "Probably"]),
    "this one": ([HERE], ["free_models()"], ["Running Terminals"]),
    "both": ([LARGE, HERE], ["kernel of larger-model.ipynb", "free_models()"], ["Probably"]),
    "nobody known": ([], ["Probably another kernel"], ["free_models()"]),
    "a program": ([PROGRAM], ["process 4", "Probably another kernel"], ["free_models()"]),
}


@pytest.mark.parametrize("case", FULL)
def test_a_full_gpu_gets_advice_by_who_holds_it(case: str) -> None:
    found, said, unsaid = FULL[case]
    text = when_full(found, "en", BESIDE)
    assert [piece for piece in said if piece not in text] == []
    assert [piece for piece in unsaid if piece in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", FULL)
def test_the_word_on_a_full_gpu_is_a_few_narrow_lines(case: str, language: Language) -> None:
    long = Holder(9, 1.0, "k", "/home/a/" + "x" * 300 + ".ipynb")
    lines = when_full([*FULL[case][0], long], language, BESIDE).split("\n")
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 96


def test_a_notebooks_name_cannot_write_lines_of_its_own() -> None:
    assert "\n" not in who_holds([Holder(1, 1.0, "k", "/home/a/x\n\x1b[31mRun me.ipynb")], "en", BESIDE)[1]


class OutOfMemoryError(RuntimeError):
    """As torch's."""


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


ERRORS = [
    # error, whether the GPU is full
    (OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB"), True),
    (RuntimeError("CUDA error: out of memory\nCompile with …"), True),
    (caused(ValueError("the chain stopped"), OutOfMemoryError("")), True),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory"), False),
    (ValueError("out of range"), False),
    (MemoryError(), False),
    (None, False),
]


@pytest.mark.parametrize(("error", "full"), ERRORS, ids=[repr(error)[:40] for error, _ in ERRORS])
def test_a_full_gpu_is_known_by_what_was_raised(error: Exception | None, full: bool) -> None:
    assert is_full(error) == full


def test_errors_that_name_each_other_in_a_ring_are_no_trap() -> None:
    one, other = ValueError("a"), ValueError("b")
    one.__context__, other.__context__ = other, one
    assert not is_full(one)
