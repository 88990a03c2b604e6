"""One call of `generate` in the model host: what it takes on, within which bounds, and with which random numbers.

Probabilities are checked where torch draws from them: on a GPU an invalid one would end the process. Greedy search and
beams draw nothing. Only a GPU can show which other assertions its kernels make; there the worker ends, and no notebook.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from autograder.host.memory import Sequences
from autograder.host.orders import Part
from autograder.protocol.wire import MAX_NEW_TOKENS

MAX_BATCH_TOKENS = 400_000
"""Tokens of all batches that have been begun, output and copies included, that the host takes on."""
LONG = 512
"""Tokens of a prompt up to which it is read in one go."""
PIECE = 128
"""Tokens of a longer prompt that are read at a time: between two pieces a batch can be held or given up."""


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


class Control:
    """What the host says of a batch while it is being made: what joins it, which parts nobody waits for, whether it is to wait.

    For the thread that generates and the one that reads what the host says.

    Args:
        parts: the numbers of those that it begins with.

    Attributes:
        ended: whether nothing can join it any more.
    """

    def __init__(self, parts: Iterable[int]) -> None:
        self._left = set(parts)
        self._arrived: dict[int, Part] = {}
        self._held = self.ended = False
        self._changed = threading.Condition()

    def join(self, parts: Mapping[int, Part]) -> bool:
        """Whether the batch has not ended yet: then these are made in it."""
        with self._changed:
            if not self.ended:
                self._left.update(parts)
                self._arrived.update(parts)
            return not self.ended

    def arrived(self) -> dict[int, Part]:
        """What has joined since this was asked last."""
        with self._changed:
            arrived, self._arrived = self._arrived, {}
            return arrived

    def end(self) -> bool:
        """Ends the batch for those that would join it; False where some have arrived."""
        with self._changed:
            self.ended = not self._arrived
            return self.ended

    def give_up(self, part: int) -> None:
        with self._changed:
            self._left.discard(part)
            self._changed.notify_all()

    def hold(self, held: bool) -> None:
        with self._changed:
            self._held = held
            self._changed.notify_all()

    def given_up(self, part: int) -> bool:
        return part not in self._left

    def step(self, part: int | None = None) -> None:
        """Called before each piece of work: waits while the batch is held. Raises Cancelled where all parts are given up.

        Args:
            part: the only one at work, if it is one.
        """
        with self._changed:
            self._changed.wait_for(lambda: not (self._held and self._left))
            if not self._left or (part is not None and part not in self._left):
                raise Cancelled


def run_generate(model: Any, tokenizer: Any, part: Part, step: Callable[[], None]) -> Sequences:
    """One call of `generate` for one part: token for token what plain `generate` gives after seeding.

    Args:
        model: in use by no other thread; `prepare` was called when it was loaded.
        step: called before each piece of work; what it raises ends the call.

    Returns:
        sequences as `generate` gives them, (rows × copies, length), input included.

    Raises:
        Exception: whatever `generate` raises for these settings on this device.
    """
    import torch

    generator = None if part.seed is None else torch.Generator(model.device).manual_seed(part.seed)

    def draw(multinomial: Callable[..., Any], given: Any, *args: Any, **kwargs: Any) -> Any:
        refuse_improbable(given)
        return multinomial(given, *args, generator=generator, **kwargs)

    with drawing(draw), stepping(model, step):
        output = model.generate(**inputs_of(model, tokenizer, part))
    sequences: Sequences = output.tolist()
    return sequences


def inputs_of(model: Any, tokenizer: Any, part: Part) -> dict[str, Any]:
    """What `generate` takes for a part alone, within the host's bounds."""
    import torch
    from transformers import GenerationConfig

    longest = len(part.rows[0])
    bounded = within_limits(part.settings, longest)
    if longest > LONG and bounded.get("use_cache", True) and _count(bounded, "num_beams", 1) == 1:
        bounded["prefill_chunk_size"] = PIECE
    given = {
        "inputs": torch.tensor(part.rows, dtype=torch.long, device=model.device),
        "attention_mask": torch.tensor(part.mask, dtype=torch.long, device=model.device),
        "generation_config": GenerationConfig(**bounded, disable_compile=True),
        "stopping_criteria": [AtLimit(longest + MAX_NEW_TOKENS)],
    }
    return given | ({"tokenizer": tokenizer} if part.tokenizer and tokenizer is not None else {})


@contextmanager
def stepping(model: Any, step: Callable[[], None]) -> Iterator[None]:
    """Has `step` called before each piece of a prompt that a model reads, and before each token that it makes."""
    import torch

    hook = model.register_forward_pre_hook(lambda *_: step())
    try:
        with torch.inference_mode():
            yield
    finally:
        hook.remove()


def prepare() -> None:
    """Imports what `run_generate` needs, and has torch draw as `drawing` says. For one thread at a time:
    transformers imports its parts when they are first asked for, and two threads that ask at once get an error.
    """
    import torch
    from transformers import GenerationConfig  # noqa: F401

    if not hasattr(torch.multinomial, "own"):
        torch.multinomial = _with_own_draws(torch.multinomial)


_own = threading.local()
Draw = Callable[..., Any]
"""Called with `torch.multinomial` and what it was called with."""


@contextmanager
def drawing(draw: Draw) -> Iterator[None]:
    """Inside, `torch.multinomial` draws for this thread as `draw` says. Needs `prepare`.

    torch's own generator is the same for all threads, and `generate` cannot be given another. It samples with this
    function alone, for the settings that the host honours.
    """
    _own.draw = draw
    try:
        yield
    finally:
        _own.draw = None


def _with_own_draws(multinomial: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(multinomial)
    def drawn(*args: Any, **kwargs: Any) -> Any:
        draw = getattr(_own, "draw", None)
        return multinomial(*args, **kwargs) if draw is None else draw(multinomial, *args, **kwargs)

    drawn.own = True  # type: ignore[attr-defined]
    return drawn


def refuse_improbable(probabilities: Any) -> None:
    """Raises RuntimeError, in torch's words, for a row that nothing can be drawn from."""
    import torch

    if not bool((torch.isfinite(probabilities) & (probabilities >= 0)).all()):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not bool((probabilities.sum(dim=-1) > 0).all()):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


class AtLimit:
    """A stopping criterion: the host's own limit."""

    def __init__(self, longest: int) -> None:
        self._longest = longest

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        import torch

        return torch.full((input_ids.shape[0],), input_ids.shape[1] >= self._longest, device=input_ids.device)
