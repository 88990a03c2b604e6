"""Rows of several parts in one tensor, and what the model has kept of them: put together, and taken apart again.

A row that is shorter than the longest is padded on the left, as transformers pads prompts; the model does not see padding, so
more of it or less changes nothing but rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ATTENTION = {"DynamicLayer", "DynamicSlidingWindowLayer"}
"""What transformers calls the layers of a cache whose rows can be taken apart and put together."""


def can_share(model: Any) -> bool:
    """Whether rows of this model can join others and leave them."""
    return {type(layer).__name__ for layer in new_cache(model).layers} <= ATTENTION


def new_cache(model: Any) -> Any:
    from transformers import DynamicCache

    return DynamicCache(config=getattr(model, "config", None))


@dataclass(eq=False)
class Rows:
    """Rows of tokens of one length, padded on the left, and what the model has kept of them.

    Attributes:
        ids, mask: (rows, length).
        positions: of the last token of each row, (rows, 1).
        scores: of the next token of each row, (rows, vocabulary), float32.
        cache: of the tokens that the model has read.
    """

    ids: Any
    mask: Any
    positions: Any
    scores: Any
    cache: Any

    def __post_init__(self) -> None:
        self.is_full = bool(self.mask.all())

    def append(self, tokens: Any) -> None:
        """One more token for each row, (rows, 1)."""
        import torch

        self.ids = torch.cat([self.ids, tokens], dim=1)
        self.mask = torch.cat([self.mask, torch.ones_like(tokens)], dim=1)
        self.positions = self.positions + 1


def put_together(model: Any, several: Sequence[tuple[Rows, list[int] | slice]], width: int) -> Rows:
    """Some rows of each, all of one width: what is too long loses padding on the left, what is too short gets more.

    Each has read the same number of tokens less than it has.
    """
    import torch

    def fitted(tensor: Any, along: int, width: int) -> Any:
        cut = tensor.narrow(along, max(0, tensor.shape[along] - width), min(tensor.shape[along], width))
        missing = [0, 0] * (tensor.dim() - 1 - along) + [width - cut.shape[along], 0]
        return torch.nn.functional.pad(cut, missing)

    def all_of(name: str) -> Any:
        return torch.cat([fitted(getattr(each, name)[rows], 1, width) for each, rows in several])

    read = width - several[0][0].ids.shape[1] + several[0][0].cache.get_seq_length()
    cache = new_cache(model)
    for number in range(len(several[0][0].cache.layers)):
        layers = [(each.cache.layers[number], rows) for each, rows in several]
        if layers[0][0].is_initialized:  # a layer that shares another's has nothing of its own
            keys, values = (
                torch.cat([fitted(getattr(layer, name)[rows], 2, read) for layer, rows in layers])
                for name in ("keys", "values")
            )
            cache.update(keys, values, number)
    positions, scores = (
        torch.cat([getattr(each, name)[rows] for each, rows in several]) for name in ("positions", "scores")
    )
    return Rows(all_of("ids"), all_of("mask"), positions, scores, cache)
