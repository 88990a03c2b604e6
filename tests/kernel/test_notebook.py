"""What a cell shows in a real kernel: the panel of a check, and a word when the GPU is full."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from autograder.course.profile import FROZEN_NAME, Profile

SETUP = "from autograder import check, free_models, show_gpu_memory"
HOME = "import os; os.environ['HF_HOME'] = {home!r}"
FULL = """
class OutOfMemoryError(RuntimeError):
    pass

def load(name):
    raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

load("a model")
"""
SMI = """#!/bin/sh
case "$*" in *compute-apps*) echo "{pid}, 6144";; *) echo "NVIDIA A100, 1000, 20480, Disabled";; esac
"""

Outputs = list[list[Any]]
Run = Callable[..., Outputs]


@pytest.fixture
def run(tmp_path: Path, llama: Profile) -> Run:
    """Runs cells in a kernel, in a folder with the frozen profile, and answers what each shows."""
    (tmp_path / FROZEN_NAME).write_text(llama.freeze().to_json(), encoding="utf-8")

    def run(*cells: str, **variables: str) -> Outputs:
        nb = new_notebook(cells=[new_code_cell(cell) for cell in cells])
        env = {
            k: v for k, v in os.environ.items() if k not in ("NBGRADER_EXECUTION", "HF_HOME", "AUTOGRADER_MODEL_HOME")
        }
        client = NotebookClient(
            nb, allow_errors=True, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
        )
        client.execute(env={**env, **variables})
        return [cell.outputs for cell in nb.cells]

    return run


def path_with_smi(folder: Path, pid: int) -> str:
    """A search path on which `nvidia-smi` says that this process holds memory."""
    smi = folder / "bin" / "nvidia-smi"
    smi.parent.mkdir()
    smi.write_text(SMI.format(pid=pid), encoding="utf-8")
    smi.chmod(0o755)
    return f"{smi.parent}:{os.environ['PATH']}"


def text_of(outputs: list[Any]) -> str:
    return "".join(output.get("text", "") for output in outputs)


def test_a_check_that_fails_shows_a_panel_and_one_line(run: Run) -> None:
    panel, error = run(SETUP, 'check("check-model-home")')[1]
    assert 'role="group"' in panel.data["text/html"]
    assert "Neste steg" in panel.data["text/plain"]
    assert error.ename == "CheckFailed"
    assert error.traceback == ["Ikke helt i mål ennå. Rett over står hva som mangler."]


def test_a_check_that_passes_shows_a_panel_alone(run: Run, llama: Profile) -> None:
    (panel,) = run(SETUP, HOME.format(home=llama.models.home), 'check("check-model-home")')[2]
    assert "alt er på plass" in panel.data["text/html"]


def test_under_nbgrader_a_check_that_fails_shows_its_text_alone(run: Run) -> None:
    (error,) = run(SETUP, 'check("check-model-home")', NBGRADER_EXECUTION="validate")[1]
    assert any("Neste steg" in line for line in error.traceback)


def test_a_check_that_does_not_exist_is_told_in_its_message(run: Run) -> None:
    (error,) = run(SETUP, 'check("check-hom")')[1]
    assert "check-model-home" in "\n".join(error.traceback)


def test_a_full_gpu_gets_a_word_after_the_traceback(run: Run) -> None:
    error, said = run(SETUP, FULL)[1]
    assert "OutOfMemoryError" in "\n".join(error.traceback)
    assert "GPU-en er full" in said.text


def test_a_full_gpu_names_the_kernels_that_hold_it(run: Run, tmp_path: Path) -> None:
    outputs = run(SETUP, FULL, PATH=path_with_smi(tmp_path, os.getpid()))[1]
    assert "6,4 GB" in text_of(outputs)


def test_the_word_on_a_full_gpu_comes_where_the_profile_is_gone(run: Run, tmp_path: Path) -> None:
    (tmp_path / FROZEN_NAME).unlink()
    assert "The GPU is full" in text_of(run(SETUP, FULL)[1])


@pytest.mark.parametrize("cell", ["1/0", "1 + 1", "raise MemoryError()"])
def test_no_other_cell_gets_a_word_on_the_gpu(cell: str, run: Run) -> None:
    assert "GPU" not in text_of(run(SETUP, cell)[1])


def test_while_grading_a_full_gpu_gets_no_word(run: Run, llama: Profile) -> None:
    begin = (
        f"from autograder.kernel.notebook import begin_grading; begin_grading({llama.freeze().to_json()!r}, ('', {{}}))"
    )
    assert "GPU" not in text_of(run(begin, FULL)[1])


def test_memory_is_told_by_nvidia_smi_without_importing_torch(run: Run, tmp_path: Path) -> None:
    cells = (SETUP, "show_gpu_memory()", "import sys; print('torch' in sys.modules)")
    outputs = run(*cells, PATH=path_with_smi(tmp_path, 1))
    assert "GPU 0 (NVIDIA A100) har 1,0 av 21,5 GB ledig." in text_of(outputs[1])
    assert text_of(outputs[2]).strip() == "False"
