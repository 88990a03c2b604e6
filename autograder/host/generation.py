"""One call of `generate` in the model host: what it takes on, within which bounds, and with which random numbers.

Probabilities are checked where torch draws from them: on a GPU an invalid one would end the process. Greedy search and
beams draw nothing. Only a GPU can show which other assertions its kernels make; there the worker ends, and no notebook.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from autograder.protocol.wire import MAX_NEW_TOKENS

MAX_BATCH_TOKENS = 400_000
"""Tokens of a whole batch, output and copies included, that the host takes on."""


class Cancelled(Exception):
    """Nobody waits for this output any more."""


def batch_tokens(rows: list[list[int]], settings: Mapping[str, Any]) -> int:
    """Tokens of a whole batch, output and copies included. Raises ValueError for one that would fill the memory."""
    copies = max(_count(settings, "num_beams", 1), _count(settings, "num_return_sequences", 1))
    longest = max(map(len, rows))
    new = _count(settings, "max_new_tokens", _count(settings, "max_length", longest) - longest)
    wanted = len(rows) * copies * (longest + min(max(new, 0), MAX_NEW_TOKENS))
    if copies < 1 or wanted > MAX_BATCH_TOKENS:
        raise ValueError(
            f"{len(rows)} inputs with {copies} sequences each are more than the grading machine takes at a time "
            f"({wanted} tokens; {MAX_BATCH_TOKENS} at most)."
        )
    return wanted


def _count(settings: Mapping[str, Any], name: str, usual: int) -> int:
    value = settings.get(name)
    if value is None:
        return usual
    if not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        raise ValueError(f"{name} must be a number, not {str(value)[:50]}")
    return int(value)


def within_limits(settings: Mapping[str, Any], longest: int) -> dict[str, Any]:
    """Settings with lengths cut to what the host generates: some decoding allocates all of it at once."""
    bounded = dict(settings)
    for name, limit in (("max_new_tokens", MAX_NEW_TOKENS), ("max_length", longest + MAX_NEW_TOKENS)):
        if name in bounded:
            bounded[name] = min(bounded[name], limit)
    return bounded


def refuse_strange_tokens(rows: list[list[int]], settings: Mapping[str, Any], size: int) -> None:
    """Raises ValueError for a token that the model does not have: on a GPU it would end the process."""
    given = [token for row in rows for token in row]
    for name, value in settings.items():
        if ("token" in name and name not in ("max_new_tokens", "min_new_tokens")) or name == "bad_words_ids":
            given += numbers_in(value)
    strange = next((token for token in given if not 0 <= token < size), None)
    if strange is not None:
        raise ValueError(f"token {strange} is not in the model's vocabulary (0 to {size - 1})")


def numbers_in(value: Any) -> list[int]:
    if isinstance(value, list | tuple):
        return [number for inner in value for number in numbers_in(inner)]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []


def run_generate(
    model: Any,
    tokenizer: Any,
    rows: list[list[int]],
    mask: list[list[int]],
    settings: Mapping[str, Any],
    seed: int | None,
    stop: threading.Event | None,
) -> list[list[int]]:
    """One call of `generate`; equal arguments give equal tokens on the same machine, whatever other threads do.

    Args:
        model: in use by no other thread; `prepare` was called when it was loaded.
        stop: set when nobody waits for the output any more.

    Returns:
        sequences as `generate` gives them, (rows × copies, length), input included.

    Raises:
        Cancelled: `stop` was set.
        Exception: whatever `generate` raises for these settings on this device.
    """
    import torch
    from transformers import GenerationConfig

    refuse_strange_tokens(rows, settings, int(model.get_input_embeddings().num_embeddings))
    longest = max(map(len, rows))
    ended = Ended(longest + MAX_NEW_TOKENS, stop)
    ids = torch.tensor(rows, dtype=torch.long, device=model.device)
    extra = {"tokenizer": tokenizer} if tokenizer is not None else {}
    with torch.inference_mode(), random_numbers(seed, model.device):
        output = model.generate(
            ids,
            attention_mask=torch.tensor(mask, dtype=torch.long, device=model.device),
            generation_config=GenerationConfig(**within_limits(settings, longest), disable_compile=True),
            stopping_criteria=[ended],
            **extra,
        )
    if stop is not None and stop.is_set():
        raise Cancelled
    sequences: list[list[int]] = output.tolist()
    return sequences


def prepare() -> None:
    """Imports what `run_generate` needs, and has torch draw as `random_numbers` says. For one thread at a time:
    transformers imports its parts when they are first asked for, and two threads that ask at once get an error.
    """
    import torch
    from transformers import GenerationConfig  # noqa: F401

    if not hasattr(torch.multinomial, "own"):
        torch.multinomial = _with_own_generator(torch.multinomial)


_own = threading.local()


@contextmanager
def random_numbers(seed: int | None, device: Any) -> Iterator[None]:
    """Inside, `torch.multinomial` draws for this thread from a generator of its own, as it would after `manual_seed`.

    torch's own generator is the same for all threads, and `generate` cannot be given another. It samples with this
    function alone, for the settings that the host honours. Needs `prepare`.
    """
    import torch

    _own.generator = None if seed is None else torch.Generator(device).manual_seed(seed)
    try:
        yield
    finally:
        _own.generator = None


def _with_own_generator(multinomial: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(multinomial)
    def drawn(given: Any, *args: Any, generator: Any = None, **kwargs: Any) -> Any:
        refuse_improbable(given)
        return multinomial(given, *args, generator=generator or getattr(_own, "generator", None), **kwargs)

    drawn.own = True  # type: ignore[attr-defined]
    return drawn


def refuse_improbable(probabilities: Any) -> None:
    """Raises RuntimeError, in torch's words, for a row that nothing can be drawn from."""
    import torch

    if not bool((torch.isfinite(probabilities) & (probabilities >= 0)).all()):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not bool((probabilities.sum(dim=-1) > 0).all()):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


class Ended:
    """A stopping criterion: at the host's own limit, and when nobody waits any more."""

    def __init__(self, longest: int, stop: threading.Event | None) -> None:
        self._longest, self._stop = longest, stop

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        import torch

        done = input_ids.shape[1] >= self._longest or (self._stop is not None and self._stop.is_set())
        return torch.full((input_ids.shape[0],), done, dtype=torch.bool, device=input_ids.device)
