"""Where models live: the device of this process, its memory, and what a model takes of it."""

from __future__ import annotations

import gc
from typing import Any

import psutil

COPIES_OF_SCORES = 8
"""Copies of a row's scores that sorting and drawing make."""


def device_here() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def memory_free(device: str) -> int:
    """Bytes that can still be taken on a device."""
    if device == "cuda":
        import torch

        free, total = torch.cuda.mem_get_info()
        held = torch.cuda.memory_reserved()  # by torch, which gives the part of it that is unused to whoever asks next
        allowed = int(total * torch.cuda.get_per_process_memory_fraction()) - held
        return int(min(free, allowed) + held - torch.cuda.memory_allocated())
    return int(psutil.virtual_memory().available)


def cache_bytes(model: Any) -> int:
    """Bytes that a token takes in the model's cache: a key and a value for each layer and head."""
    config = getattr(model, "config", None)
    if config is None:
        return 0
    text = config.get_text_config()
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    return int(2 * text.num_hidden_layers * heads * width * model.dtype.itemsize)


def score_bytes(model: Any) -> int:
    """Bytes that a row's scores take while the next token is drawn: float32, with the copies that sorting makes."""
    return 4 * COPIES_OF_SCORES * int(model.get_input_embeddings().num_embeddings)


def release_memory() -> None:
    gc.collect()
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def library_versions() -> dict[str, str]:
    """What an output depends on besides the request: libraries, device, threads."""
    import torch
    import transformers

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else torch.backends.cpu.get_cpu_capability()
    threads = str(torch.get_num_threads())
    return {"torch": torch.__version__, "transformers": transformers.__version__, "device": device, "threads": threads}
