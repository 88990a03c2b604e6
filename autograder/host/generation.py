"""One call of `generate` in the model host: a batch of parts, within which bounds, and with which random numbers.

Each part of a batch is a request of its own: with its own random numbers, its own end, and padding that it does not see.

Probabilities are checked where torch draws from them: on a GPU an invalid one would end the process. Greedy search and
beams draw nothing. Only a GPU can show which other assertions its kernels make; there the worker ends, and no notebook.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from autograder.host.orders import Part
from autograder.protocol.wire import MAX_NEW_TOKENS

MAX_BATCH_TOKENS = 400_000
"""Tokens of all batches that have been begun, output and copies included, that the host takes on."""
PIECE = 512
"""Tokens of a prompt that are read at a time: between two pieces a batch can be held or given up."""


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


@dataclass(frozen=True)
class Rows:
    """Where a part's rows stand in a batch."""

    first: int
    count: int

    @property
    def span(self) -> slice:
        return slice(self.first, self.first + self.count)


class Control:
    """What the host says of a batch while it is being made: which parts nobody waits for, and whether it is to wait.

    For the thread that generates and the one that reads what the host says.
    """

    def __init__(self, parts: int) -> None:
        self._left = set(range(parts))
        self._held = False
        self._changed = threading.Condition()

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

    def step(self) -> None:
        """Called before each piece of work: waits while the batch is held. Raises Cancelled where all parts are given up."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._held and self._left))
            if not self._left:
                raise Cancelled


def run_generate(
    model: Any,
    tokenizer: Any,
    parts: Sequence[Part],
    settings: Mapping[str, Any],
    control: Control,
    numbers: Sequence[int],
) -> list[list[list[int]] | Exception]:
    """One call of `generate` for a batch. A part alone gets, token for token, what plain `generate` gives after seeding.

    Args:
        model: in use by no other thread; `prepare` was called when it was loaded.
        parts: of equal settings; several only where `settings` are such that rows do not see each other.
        numbers: what `control` calls each part.

    Returns:
        for each part its sequences, (rows × copies, length), input included, or what it raised alone: Cancelled, or
        RuntimeError where nothing could be drawn.

    Raises:
        Cancelled: nobody waits for any part.
        Exception: whatever `generate` raises for these settings on this device.
    """
    import torch
    from transformers import GenerationConfig

    longest = max(len(part.rows[0]) for part in parts)
    batch = Batch(parts, longest, settings)
    ids = torch.tensor(batch.ids, dtype=torch.long, device=model.device)
    mask = torch.tensor(batch.mask, dtype=torch.long, device=model.device)
    bounded = within_limits(settings, longest)
    if longest > PIECE and bounded.get("use_cache", True) and _count(settings, "num_beams", 1) == 1:
        bounded["prefill_chunk_size"] = PIECE
    extra = {"tokenizer": tokenizer} if tokenizer is not None else {}
    draws = Draws(parts, batch.places, model.device)
    stepping = model.register_forward_pre_hook(lambda *_: control.step())
    try:
        with torch.inference_mode(), draws.in_this_thread():
            output = model.generate(
                ids,
                attention_mask=mask,
                generation_config=GenerationConfig(**bounded, disable_compile=True),
                stopping_criteria=[Ended(longest + MAX_NEW_TOKENS, batch.places, control, numbers)],
                **extra,
            )
    finally:
        stepping.remove()
    made = batch.apart(output.tolist())
    return [
        Cancelled() if control.given_up(number) else draws.refused.get(index, sequences)
        for index, (number, sequences) in enumerate(zip(numbers, made, strict=True))
    ]


class Batch:
    """Parts side by side, each row padded on the left to the longest.

    Attributes:
        ids, mask: (rows, longest).
        places: of each part's rows.
    """

    def __init__(self, parts: Sequence[Part], longest: int, settings: Mapping[str, Any]) -> None:
        self._parts, self._longest = parts, longest
        self._ends = set(numbers_in([settings.get("eos_token_id")]))
        padding = next(iter(numbers_in([settings.get("pad_token_id")]) or sorted(self._ends)), 0)
        self.ids: list[list[int]] = []
        self.mask: list[list[int]] = []
        self.places: list[Rows] = []
        for part in parts:
            self.places.append(Rows(len(self.ids), len(part.rows)))
            before = longest - len(part.rows[0])
            self.ids += [[padding] * before + row for row in part.rows]
            self.mask += [[0] * before + row for row in part.mask]

    def apart(self, output: list[list[int]]) -> list[list[list[int]]]:
        """Each part's sequences, as long as they would be alone."""
        copies = len(output) // len(self.ids)
        made = []
        for part, place in zip(self._parts, self.places, strict=True):
            before = self._longest - len(part.rows[0])
            rows = [row[before:] for row in output[place.first * copies : (place.first + place.count) * copies]]
            if len(self._parts) > 1:
                start = len(part.rows[0])
                rows = [row[: max(self._end(each, start) for each in rows)] for row in rows]
            made.append(rows)
        return made

    def _end(self, row: list[int], start: int) -> int:
        """Where a row has its end: behind the first token that ends it."""
        return next((at + 1 for at in range(start, len(row)) if row[at] in self._ends), len(row))


def prepare() -> None:
    """Imports what `run_generate` needs, and has torch draw as `Draws` says. For one thread at a time:
    transformers imports its parts when they are first asked for, and two threads that ask at once get an error.
    """
    import torch
    from transformers import GenerationConfig  # noqa: F401

    if not hasattr(torch.multinomial, "own"):
        torch.multinomial = _with_own_generators(torch.multinomial)


_own = threading.local()


class Draws:
    """The random numbers of a batch: each part's rows are drawn as they would be alone, after `manual_seed`.

    torch's own generator is the same for all threads, and `generate` cannot be given another. It samples with
    `torch.multinomial` alone, for the settings that the host honours. Needs `prepare`.

    Attributes:
        refused: by part, why nothing could be drawn for it.
    """

    def __init__(self, parts: Sequence[Part], places: Sequence[Rows], device: Any) -> None:
        import torch

        self.refused: dict[int, Exception] = {}
        self._places = places
        self._generators = [
            None if part.seed is None else torch.Generator(device).manual_seed(part.seed) for part in parts
        ]

    @contextmanager
    def in_this_thread(self) -> Iterator[None]:
        _own.draws = self
        try:
            yield
        finally:
            _own.draws = None

    def draw(self, multinomial: Callable[..., Any], given: Any, *args: Any, **kwargs: Any) -> Any:
        """`torch.multinomial` for a batch. Raises RuntimeError for a part alone from which nothing can be drawn."""
        import torch

        if len(self._places) == 1:
            refuse_improbable(given)
            return multinomial(given, *args, generator=self._generators[0], **kwargs)
        drawn = []
        for index, (place, generator) in enumerate(zip(self._places, self._generators, strict=True)):
            mine = given[place.span]
            try:
                refuse_improbable(mine)
            except RuntimeError as error:
                self.refused.setdefault(index, error)
                mine = torch.ones_like(mine)
            drawn.append(multinomial(mine, *args, generator=generator, **kwargs))
        return torch.cat(drawn)


def _with_own_generators(multinomial: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(multinomial)
    def drawn(given: Any, *args: Any, generator: Any = None, **kwargs: Any) -> Any:
        draws = getattr(_own, "draws", None)
        if draws is None or generator is not None:
            refuse_improbable(given)
            return multinomial(given, *args, generator=generator, **kwargs)
        return draws.draw(multinomial, given, *args, **kwargs)

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
    """A stopping criterion: at the host's own limit, and for the rows of parts that nobody waits for."""

    def __init__(self, longest: int, places: Sequence[Rows], control: Control, numbers: Sequence[int]) -> None:
        self._longest, self._places, self._control, self._numbers = longest, places, control, numbers

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        import torch

        done = torch.full((input_ids.shape[0],), input_ids.shape[1] >= self._longest, device=input_ids.device)
        copies = input_ids.shape[0] // sum(place.count for place in self._places)
        for number, place in zip(self._numbers, self._places, strict=True):
            if self._control.given_up(number):
                done[place.first * copies : (place.first + place.count) * copies] = True
        return done
