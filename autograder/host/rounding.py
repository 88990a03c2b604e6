"""Whether an answer could have come out otherwise by rounding alone.

A model's scores are rounded, and in a batch they are rounded otherwise than alone: where two tokens are nearly as good, another
may be taken. So a remembered answer is gone through token by token: is there a small change of the scores under which this token
is drawn, with the same random numbers? For an answer of other weights, settings or random numbers, or one that somebody has
changed, there soon is none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from autograder.host.batch import own_way
from autograder.host.generation import refuse_improbable
from autograder.host.memory import Sequences
from autograder.host.orders import Part

ROUNDING = 0.5
"""The largest change of a score (logit) that rounding is taken to make. A score between 16 and 32 has steps of 0.125 in
bfloat16; what was measured is in `docs/performance.md`."""
RIVALS = 40
"""Tokens whose scores are changed, at most, to find out whether another is drawn."""


def by_rounding(model: Any, tokenizer: Any, part: Part, remembered: Sequences, most: float | None = None) -> bool:
    """Whether the remembered sequences of a part come out under changes of each score by at most so much.

    Args:
        remembered: (rows, length), input included.

    False where they do not belong to this part: another input, another length, or settings that draw in another way.
    """
    import torch

    most = ROUNDING if most is None else most
    start, rows = len(part.rows[0]), len(part.rows)
    if [row[:start] for row in remembered] != part.rows or len({len(row) for row in remembered}) != 1:
        return False
    if any(part.settings.get(name) not in (None, 1) for name in ("num_beams", "num_return_sequences")):
        return False
    with torch.inference_mode():
        processors, criteria, config = own_way(model, tokenizer, part)
        ids = torch.tensor(remembered, dtype=torch.long, device=model.device)
        scores = _scores(model, ids, part)
        generator = None if part.seed is None else torch.Generator(model.device).manual_seed(part.seed)
        ended = torch.zeros(rows, dtype=torch.bool, device=model.device)
        for step in range(ids.shape[1] - start):
            if bool(ended.all()):
                return False
            before, after = ids[:, : start + step], ids[:, : start + step + 1]
            noise = _noise(scores[:, step], generator) if config.do_sample else torch.zeros_like(scores[:, step])
            for row in (~ended).nonzero().flatten().tolist():
                processed = partial(_processed, processors, before, scores[:, step], row)
                mine = slice(row, row + 1)
                if not _can_be_drawn(processed, scores[mine, step], noise[mine], int(ids[row, start + step]), most):
                    return False
            ended = ended | criteria(after, None)
        return bool(ended.all())


def _scores(model: Any, ids: Any, part: Part) -> Any:
    """The model's scores for each token of the answers, (rows, new tokens, vocabulary), read in one go."""
    import torch

    start = len(part.rows[0])
    new = torch.ones((ids.shape[0], ids.shape[1] - start), dtype=torch.long, device=ids.device)
    mask = torch.cat([torch.tensor(part.mask, dtype=torch.long, device=ids.device), new], dim=1)
    positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)
    found = model(input_ids=ids, attention_mask=mask, position_ids=positions)
    return found.logits[:, start - 1 : -1].float()


def _processed(processors: Any, before: Any, scores: Any, row: int, changed: Any) -> Any:
    """A row's scores as they are drawn from, with other scores than the model's."""
    every = scores.clone()
    every[row] = changed[0]
    return processors(before, every)[row : row + 1]


def _noise(scores: Any, generator: Any) -> Any:
    """What `torch.multinomial` draws with: it takes the largest of probability over an exponential number."""
    import torch

    return torch.empty_like(scores).exponential_(1, generator=generator).log()


def _can_be_drawn(processed: Callable[[Any], Any], scores: Any, noise: Any, token: int, most: float) -> bool:
    """Whether a token is drawn when its score is raised, and its rivals' lowered, by so much at most."""
    changed, lowered = scores.clone(), {token}
    for tried in range(RIVALS):
        found = processed(changed.clone())
        refuse_improbable(found.softmax(dim=-1))
        winner = int((found - noise).argmax())
        if winner == token:
            return True
        if tried == 0:
            changed[0, token] += most
        elif winner in lowered:
            return False
        if winner not in lowered:
            changed[0, winner] -= most
            lowered.add(winner)
    return False
