"""Models of Llama 3.2's shapes with random weights: what they say makes no sense, and costs what the real ones' words cost.

Names, tokenizers, chat templates and settings are those of the embedded model (`stand_ins`), so that nothing is fetched; the
vocabulary is as large as Llama's, and most of its tokens have no text. Random weights hardly ever end an answer: each is as long
as it may be. The tiny shapes are the same in small, for processors.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from autograder.errors import NotReady
from autograder.protocol.model_cache import model_folder, newest_snapshot

Shapes = Literal["llama", "tiny"]
Size = Literal["small", "large"]


@dataclass(frozen=True)
class Shape:
    """The sizes of a model, as in its published `config.json`."""

    vocabulary: int
    hidden: int
    layers: int
    heads: int
    key_heads: int
    head: int
    intermediate: int


SHAPES: Mapping[Shapes, Mapping[Size, Shape]] = {
    "llama": {  # meta-llama/Llama-3.2-1B and -3B
        "small": Shape(128_256, 2048, 16, 32, 8, 64, 8192),
        "large": Shape(128_256, 3072, 28, 24, 8, 128, 8192),
    },
    "tiny": {"small": Shape(50_000, 64, 2, 4, 2, 16, 128), "large": Shape(50_000, 96, 3, 6, 2, 16, 128)},
}
ROPE = {
    "rope_type": "llama3", "rope_theta": 500_000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}  # fmt: skip
CONTEXT = 131_072
WEIGHTS = ("config.json", "model.safetensors")
"""Files that are not the embedded model's; all others are copied."""


def make_random_home(
    home: Path, embedded: Path, models: Mapping[str, Shape], one: Callable[[], None] = lambda: None
) -> None:
    """Lays out models by name as a Hugging Face cache under `home`; one that is there already stays.

    Args:
        embedded: a model home in which the embedded model stands in for each of the names.
        one: called after each model.

    Raises:
        NotReady: it does not stand in for one of them.
    """
    for name, shape in models.items():
        beside = newest_snapshot(model_folder(embedded, name))
        if beside is None:
            raise NotReady(f"{embedded} has no {name}, whose tokenizer is needed: `make .models/STAND-INS.txt`")
        revision = hashlib.sha1(f"random {name} {shape}".encode()).hexdigest()
        repo = model_folder(home, name)
        if newest_snapshot(repo) != repo / "snapshots" / revision:
            shutil.rmtree(repo, ignore_errors=True)
            _save(name, shape, beside, repo / "snapshots" / revision)
            (repo / "refs").mkdir()
            (repo / "refs" / "main").write_text(revision)
        one()


def _save(name: str, shape: Shape, beside: Path, folder: Path) -> None:
    making = folder.with_name("making")
    making.mkdir(parents=True)
    network = _network(shape, seed=int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big"))
    network.save_pretrained(making)
    for path in beside.iterdir():
        if path.name not in WEIGHTS:
            shutil.copy(path, making)
    for path in making.iterdir():
        path.chmod(0o644)  # safetensors leaves the weights to their owner; a grader may be someone else
    making.rename(folder)


def empty_network(shape: Shape) -> Any:
    """Llama's own class in bfloat16, on torch's `meta` device: its sizes, and no weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_heads,
        head_dim=shape.head,
        intermediate_size=shape.intermediate,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5,
        rope_parameters=ROPE,
        tie_word_embeddings=True,
        dtype="bfloat16",
    )
    with torch.device("meta"):
        return LlamaForCausalLM(config).to(torch.bfloat16)


def _network(shape: Shape, seed: int) -> Any:
    """A network whose every matrix is drawn as it is before training. On the processor: the GPU is left to the model host."""
    import torch
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    network = empty_network(shape).to_empty(device="cpu")
    network.tie_weights()
    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim > 1:
                weight.normal_(0.0, network.config.initializer_range, generator=draws)
            else:
                weight.fill_(1.0)
    return network
