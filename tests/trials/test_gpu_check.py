"""`make gpu-check`: the same command on a processor, with tiny shapes, and the page that it writes."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT

from autograder.errors import NotReady
from autograder.protocol.model_cache import model_folder, newest_snapshot
from trials.bench.floor import Floor
from trials.bench.measure import Cost
from trials.bench.run import one_notebook
from trials.gpu_check.device import GIGA, GpuMemory, limited
from trials.gpu_check.page import HEAD, page
from trials.gpu_check.run import Found, GpuTests, Ran, run
from trials.models.random_weights import SHAPES, empty_network, make_random_home

EMBEDDED = ROOT / ".models"
BASE, CHAT = "meta-llama/Llama-3.2-1B", "meta-llama/Llama-3.2-1B-Instruct"


@pytest.mark.slow
def test_the_command_measures_a_class_in_both_ways_and_writes_its_page(tmp_path: Path) -> None:
    root, written = one_notebook(ROOT, tmp_path / "root", "larger-model"), tmp_path / "gpu.md"
    command = [sys.executable, "-m", "trials", "gpu-check", "--shapes", "tiny", "--size", "3", "--course", str(root)]
    command += ["--models", str(EMBEDDED), "--folder", str(tmp_path / "gpu"), "--write", str(written)]
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=ROOT, env=hidden, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    text = written.read_text(encoding="utf-8")
    assert text.startswith(HEAD)
    assert [row.split("|")[1:3] for row in text.splitlines() if row.startswith("| 3 |")] == [
        [" 3 ", " one at a time "],
        [" 3 ", " together "],
        [" 3 ", " the floor "],
    ]
    assert "a processor, no GPU" in text
    assert "1 skipped" in text
    assert "Every score was what was due." in text
    alone, together = json.loads((tmp_path / "gpu" / "result.json").read_bytes())["runs"]
    assert alone["requests"] == together["requests"] > 0
    assert alone["tokens"] > 100  # random weights hardly ever end by themselves


def ran(**changes: object) -> Ran:
    made = Ran(30, True, Cost(20.0, 30.0, 2500.0), 40, 4000, 12.34, 0, 0, ())
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def found(*runs: Ran, passed: bool = True) -> Found:
    return Found(
        date="2026-01-02", device="A Card", shapes="llama", limit_gb=20, isolation="full", processors=8,
        versions={"torch": "2"}, tests=GpuTests("1 passed in 2.00s", passed), runs=runs,
        floors={30: Floor(40, 4000, 500.0, 4.0, 8)},
    )  # fmt: skip


def test_the_page_of_the_documentation_is_the_commands_own() -> None:
    written = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
    assert written == page(None) or written.startswith(f"{HEAD}\n## Measured on ")


def test_the_page_says_where_it_has_not_been_run() -> None:
    assert "Not run yet: " in page(None)


def test_the_page_has_seconds_tokens_and_memory_beside_the_floor() -> None:
    text = page(found(ran(together=False), ran()))
    assert "| 30 | one at a time | 40 | 20 | 200 | 12.3 | 2.5 |" in text
    assert "| 30 | the floor | 40 | 12 | 500 | | |" in text
    assert "On A Card within 20 GB, 8 processors" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"wrong": ("student-001, check-chain: 0, due 2",)}, "check-chain: 0, due 2"),
        ({"lost": 3}, "3 requests could not be answered"),
    ],
)
def test_what_went_wrong_is_on_the_page_and_ends_the_command_with_an_error(
    changes: dict[str, object], said: str
) -> None:
    outcome = found(ran(**changes))
    assert said in page(outcome)
    assert not outcome.well


def test_a_failed_test_ends_the_command_with_an_error() -> None:
    assert found(ran()).well
    assert not found(ran(), passed=False).well


def test_llamas_shapes_are_not_measured_without_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trials.gpu_check.run.gpu_name", lambda: None)
    with pytest.raises(NotReady, match="no GPU"):
        run(ROOT, tmp_path, EMBEDDED, "llama", (3,), 20, lambda name, parts: lambda: None)


# --- the device ---


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A GPU of 80 GB, of which so many bytes are `free`."""
    import torch

    state = {"free": 70 * GIGA}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A Card")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=80 * GIGA))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (state["free"], 80 * GIGA))
    return state


@pytest.mark.usefixtures("card")
def test_processes_that_are_started_have_the_limit_and_later_ones_have_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTORCH_CUDA_ALLOC_CONF", raising=False)
    with limited(20):
        assert os.environ["PYTORCH_CUDA_ALLOC_CONF"] == "per_process_memory_fraction:0.2500"
    assert "PYTORCH_CUDA_ALLOC_CONF" not in os.environ


def test_memory_is_the_most_that_was_taken_beyond_what_was_before(card: dict[str, int]) -> None:
    with GpuMemory(every=0.01) as gpu:
        for free in (58, 65):
            card["free"] = free * GIGA
            seen = gpu.looks
            while gpu.looks < seen + 2:
                time.sleep(0.01)
    assert gpu.peak_gb == 12


# --- the models ---


def test_the_shapes_are_llamas() -> None:
    counts = [sum(weight.numel() for weight in empty_network(shape).parameters()) for shape in SHAPES["llama"].values()]
    assert counts == [1_235_814_400, 3_212_749_824]  # as published for 1B and 3B


def test_models_with_random_weights_have_the_embedded_models_texts_and_are_made_once(tmp_path: Path) -> None:
    models = dict.fromkeys((BASE, CHAT), SHAPES["tiny"]["small"])
    make_random_home(tmp_path, EMBEDDED, models)
    base, chat = (newest_snapshot(model_folder(tmp_path, name)) for name in (BASE, CHAT))
    assert base is not None
    assert chat is not None
    assert (chat / "chat_template.jinja").is_file()
    assert not (base / "chat_template.jinja").exists()
    before = (base / "model.safetensors").stat().st_mtime_ns
    make_random_home(tmp_path, EMBEDDED, models)
    assert (base / "model.safetensors").stat().st_mtime_ns == before


def test_another_models_tokenizer_is_not_made_up(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="STAND-INS"):
        make_random_home(tmp_path / "home", tmp_path, {BASE: SHAPES["tiny"]["small"]})
