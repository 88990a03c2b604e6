"""A bare loop around `generate`, in a process of its own: `python -m trials.bench.bare`, started by `floor`.

It reads batches of equal model and settings, pads them on the left, and has plain transformers generate them one after the
other. No seeds of one's own, no transcript, nobody who asks: what is left of a model host without all that it is for.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from autograder.protocol.model_cache import snapshots


@dataclass(frozen=True)
class Batch:
    """Inputs that one call of `generate` takes, as tokens without padding; `settings` are those of all."""

    model: str
    settings: dict[str, Any]
    rows: list[list[int]]


@dataclass(frozen=True)
class Made:
    """New tokens of all batches, up to the end of each row, and the seconds that they took; loading is not counted."""

    tokens: int
    seconds: float


BATCHES: TypeAdapter[list[Batch]] = TypeAdapter(list[Batch])


def padded(rows: Sequence[list[int]], pad: int) -> tuple[list[list[int]], list[list[int]]]:
    """Rows of one length, filled up on the left, and their attention mask."""
    longest = max(map(len, rows))
    empty = [longest - len(row) for row in rows]
    return (
        [[pad] * fill + row for fill, row in zip(empty, rows, strict=True)],
        [[0] * fill + [1] * len(row) for fill, row in zip(empty, rows, strict=True)],
    )


def ends_of(settings: dict[str, Any]) -> list[int]:
    """The tokens that end a row."""
    end = settings.get("eos_token_id")
    return list(end) if isinstance(end, list | tuple) else [] if end is None else [end]


def made_tokens(new: Sequence[int], ends: Collection[int]) -> int:
    """How many of a row's new tokens were made: those up to its end, which the padding follows."""
    return next((number for number, token in enumerate(new, 1) if token in ends), len(new))


def generated(model: Any, tokenizer: Any, batch: Batch) -> int:
    """Has a model answer a batch; how many tokens that were."""
    import torch
    from transformers import GenerationConfig

    ends = ends_of(batch.settings)
    pad = batch.settings.get("pad_token_id")
    settings = {**batch.settings, "pad_token_id": pad if pad is not None else ends[0] if ends else 0}
    rows, mask = padded(batch.rows, settings["pad_token_id"])
    with torch.inference_mode():
        output = model.generate(
            torch.tensor(rows, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            generation_config=GenerationConfig(**settings, disable_compile=True),
            **({"tokenizer": tokenizer} if settings.get("stop_strings") else {}),
        )
    return sum(made_tokens(row[len(rows[0]) :], ends) for row in output.tolist())


def main() -> None:
    """Imports, loads each model once, generates on one thread (or the GPU), and prints `Made` as JSON."""
    parser = argparse.ArgumentParser(prog="trials.bench.bare", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--batches", type=Path, required=True)
    given = parser.parse_args()
    batches = BATCHES.validate_json(given.batches.read_bytes())

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    models, tokenizers = {}, {}
    for name in dict.fromkeys(batch.model for batch in batches):
        snapshot = snapshots(given.home)[name]
        tokenizers[name] = AutoTokenizer.from_pretrained(snapshot, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(snapshot, local_files_only=True, dtype="auto")
        models[name] = model.to(device).eval()
        models[name].generation_config = GenerationConfig()  # all that counts comes with a batch
        generated(models[name], None, Batch(name, {"max_new_tokens": 2}, [[0]]))  # what the first call imports
    began = time.monotonic()
    tokens = sum(generated(models[batch.model], tokenizers[batch.model], batch) for batch in batches)
    print(json.dumps({"tokens": tokens, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
