"""Who holds the GPU's memory: read from made-up output of nvidia-smi and made-up processes, and told in words."""

from __future__ import annotations

import os
from collections.abc import Sequence
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
ME = "anna"


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


class Process:
    """A process as psutil has it."""

    def __init__(
        self, machine: Machine, pid: int, parent: int, command: Sequence[str], environ: dict[str, str]
    ) -> None:
        self.pid, self._machine, self._parent = pid, machine, parent
        self._command, self._environ = list(command), environ

    def _told(self, name: str, value: Any) -> Any:
        if name == self._machine.closed:
            raise psutil.AccessDenied(self.pid)
        return value

    def username(self) -> str:
        return ME

    def cmdline(self) -> Any:
        return self._told("cmdline", self._command)

    def environ(self) -> Any:
        return self._told("environ", self._environ)

    def parent(self) -> Any:
        return self._told("parent", self._machine.processes.get(self._parent))


class Machine:
    """Processes, and what nvidia-smi says of them.

    Attributes:
        closed: what may not be read of any process.
    """

    def __init__(self) -> None:
        self.processes: dict[int, Process] = {}
        self.held: list[str] = []
        self.closed = ""

    def process(self, pid: int, mib: str = "", parent: int = 1, command: Sequence[str] = (), **variables: str) -> None:
        self.processes[pid] = Process(self, pid, parent, command, variables)
        if mib:
            self.held.append(f"{pid}, {mib}\n")

    def kernel(self, pid: int, mib: str = "", kernel: str = KERNEL, notebook: str = "", **more: int) -> None:
        command = ["python", "-m", "ipykernel_launcher", "-f", f"/run/user/1/jupyter/kernel-{kernel}.json"]
        named = {"JPY_SESSION_NAME": notebook} if notebook else {}
        self.process(pid, mib, command=command, **more, **named)  # type: ignore[arg-type]

    def find(self, pid: int) -> Process:
        if pid not in self.processes:
            raise psutil.NoSuchProcess(pid)
        return self.processes[pid]

    def holders(self, me: str = "") -> tuple[Holder, ...]:
        return holders(lambda _: "".join(self.held), self.find, me or ME)


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_a_kernel_is_known_with_its_notebook(machine: Machine) -> None:
    machine.kernel(4242, "6144", notebook="/home/a/larger-model.ipynb")
    assert machine.holders() == (Holder(4242, pytest.approx(6 * GIB), KERNEL, "/home/a/larger-model.ipynb"),)


def test_a_kernel_that_no_server_has_named_is_known_by_its_id(machine: Machine) -> None:
    machine.kernel(4242, "6144")
    assert machine.holders()[0].kernel == KERNEL
    assert machine.holders()[0].notebook is None


def test_the_connection_file_may_stand_after_an_equals_sign(machine: Machine) -> None:
    machine.process(5, "1", command=["python", "-m", "ipykernel_launcher", "--f=/tmp/kernel-v3abc.json"])
    assert machine.holders()[0].kernel == "v3abc"


def test_a_process_that_a_kernel_has_started_counts_as_the_kernels(machine: Machine) -> None:
    machine.kernel(10, notebook="/x/a.ipynb")
    machine.process(11, parent=10)
    machine.process(12, "1024", parent=11)
    assert [(h.pid, h.kernel, h.notebook) for h in machine.holders()] == [(12, KERNEL, "/x/a.ipynb")]


def test_a_process_of_this_kernel_is_called_so(machine: Machine) -> None:
    machine.kernel(os.getpid(), "1024")
    machine.process(os.getpid() + 1, "512", parent=os.getpid())
    assert [h.here for h in machine.holders()] == [True, True]


def test_a_process_that_is_no_kernel_has_none(machine: Machine) -> None:
    machine.process(12, "1024", command=["python", "train.py"])
    assert machine.holders() == (Holder(12, pytest.approx(GIB)),)


def test_a_ring_of_parents_is_no_trap(machine: Machine) -> None:
    machine.process(12, "1024", parent=13)
    machine.process(13, parent=12)
    assert machine.holders()[0].kernel is None


def test_what_others_hold_is_not_looked_into(machine: Machine) -> None:
    machine.kernel(4242, "6144")
    assert machine.holders(me="somebody else") == ()


def test_a_process_that_is_gone_or_belongs_to_another_machine_is_left_out(machine: Machine) -> None:
    machine.held.append("999, 1024\n")
    assert machine.holders() == ()


@pytest.mark.parametrize("name", ["cmdline", "environ", "parent"])
def test_a_process_that_may_not_be_read_is_known_by_its_number(name: str, machine: Machine) -> None:
    machine.process(12, "1024")
    machine.closed = name
    assert machine.holders() == (Holder(12, pytest.approx(GIB)),)


def test_the_largest_comes_first_and_an_unknown_amount_last(machine: Machine) -> None:
    machine.process(1001, "[N/A]")
    machine.process(1002, "512")
    machine.process(1003, "1024")
    assert [h.pid for h in machine.holders()] == [1003, 1002, 1001]


# --- In words --------------------------------------------------------------------------------------------------------

LARGE = Holder(1, 6.2, KERNEL, "/home/a/chatbot/larger-model.ipynb")
HERE = Holder(2, 2.0, KERNEL, "/home/a/chatbot/temperature.ipynb", here=True)
UNNAMED = Holder(3, 1.0, KERNEL)
PROGRAM = Holder(4, None)
BESIDE = Path("/home/a/chatbot")


def test_each_holder_has_a_line() -> None:
    assert who_holds([LARGE, HERE, UNNAMED, PROGRAM], "nb", BESIDE)[1:] == [
        "  larger-model.ipynb: 6,2 GB",
        "  denne notebooken: 2,0 GB",
        "  en annen kjerne (3f2a1b0c): 1,0 GB",
        "  et program som ikke er en notebook (prosess 4)",
    ]


def test_a_notebook_in_another_folder_is_told_with_its_folder() -> None:
    assert (
        "old/larger-model.ipynb" in who_holds([Holder(1, 1.0, "k", "/home/a/old/larger-model.ipynb")], "en", BESIDE)[1]
    )


def test_nobody_who_holds_anything_takes_no_line() -> None:
    assert who_holds([], "en") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_other_notebooks_are_the_ones_to_shut_down(language: Language) -> None:
    advice = what_to_shut_down([LARGE, HERE, UNNAMED], language, BESIDE)
    assert "larger-model.ipynb" in advice
    assert "temperature" not in advice


def test_a_kernel_without_a_name_is_to_be_shut_down_too() -> None:
    assert "the other kernels" in what_to_shut_down([UNNAMED], "en")


@pytest.mark.parametrize("found", [[], [HERE], [PROGRAM]])
def test_without_another_kernel_there_is_none_to_shut_down(found: list[Holder]) -> None:
    assert what_to_shut_down(found, "en") == ""


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
    assert "\n" not in who_holds([Holder(1, 1.0, "k", "/home/a/x\n\x1b[31mRun me.ipynb")], "en")[1]


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
