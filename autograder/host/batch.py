"""Several parts in one call of `generate`: the model reads and writes for all of them, and each is what it would be alone.

transformers makes a part's own processors of scores and its own stopping criteria, as it does for the part alone
(`custom_generate`); here they see the part's rows alone, without the padding that others brought. What is drawn is drawn with the
part's own random numbers. So parts may differ in all their settings but those that change how `generate` goes on (beams,
several sequences). What rounding does is the only difference that is left: in float32 none was seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.host.generation import Cancelled, Control, drawing, inputs_of, numbers_in, refuse_improbable, stepping
from autograder.host.memory import Sequences
from autograder.host.orders import Part

BY_ROW = {
    "do_sample", "temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "renormalize_logits",
    "remove_invalid_values", "suppress_tokens", "eos_token_id", "pad_token_id", "bos_token_id",
}  # fmt: skip
"""Settings whose processors look at nothing but a row's scores, so that rows of several parts can go through them at once."""
WITHOUT_EFFECT = {
    "num_beams": 1, "num_return_sequences": 1, "repetition_penalty": 1, "length_penalty": 1, "no_repeat_ngram_size": 0,
    "early_stopping": False, "min_length": 0, "use_cache": True,
}  # fmt: skip
"""Values with which other settings do nothing."""
LENGTHS = ("max_new_tokens", "max_length")

Settle = Callable[[int, Sequences | Exception], None]
"""Called with the number of a part, and what became of it."""


@dataclass(eq=False)
class Mine:
    """A part, and what transformers would do for it alone.

    Attributes:
        number: what others call the part.
        first: its first row in the batch.
        padding: tokens before its rows that are not its own.
        sampled: whether its tokens are drawn.
        done: whether it has its end.
    """

    number: int
    part: Part
    first: int
    padding: int
    processors: Any
    criteria: Any
    sampled: bool
    most: int
    generator: Any
    done: bool = False

    def __post_init__(self) -> None:
        self.ends: list[int | None] = [None] * len(self.part.rows)

    @property
    def span(self) -> slice:
        return slice(self.first, self.first + len(self.part.rows))

    @property
    def alike(self) -> str:
        """Parts that are alike go through one another's processors."""
        told = {name: value for name, value in self.part.settings.items() if WITHOUT_EFFECT.get(name, ...) != value}
        others = {name: value for name, value in told.items() if name not in LENGTHS}
        return json.dumps(others, sort_keys=True) if set(others) <= BY_ROW else f"alone: {self.number}"

    def sequences(self, rows: list[list[int]]) -> Sequences:
        """Its rows as they would be alone: each padded behind its own end, to where the last one has it."""
        eos = numbers_in([self.part.settings.get("eos_token_id")])
        pad = next(iter(numbers_in([self.part.settings.get("pad_token_id")]) or eos), 0)
        ends = [len(row) if end is None else end for row, end in zip(rows, self.ends, strict=True)]
        longest = max(ends)
        return [row[self.padding : end] + [pad] * (longest - end) for row, end in zip(rows, ends, strict=True)]


def own_way(model: Any, tokenizer: Any, part: Part) -> tuple[Any, Any, Any]:
    """The processors of scores, the stopping criteria and the settings that `generate` makes for a part alone."""
    caught: list[tuple[Any, Any, Any]] = []

    def catch(
        model: Any, input_ids: Any, logits_processor: Any, stopping_criteria: Any, generation_config: Any, **_: Any
    ) -> Any:
        caught.append((logits_processor, stopping_criteria, generation_config))
        return input_ids

    model.generate(**inputs_of(model, tokenizer, part), custom_generate=catch)
    return caught[0]


class Together:
    """One call of `generate` for several parts.

    Args:
        model: in use by no other thread; `prepare` was called when it was loaded.
        parts: each with the number that `control` and `settle` call it.
        settle: called for each part as soon as it has its end: with its sequences, (rows, length), input included, or with what
            it raised alone.

    Raises ValueError where a part's own settings are refused.
    """

    def __init__(
        self, model: Any, tokenizer: Any, parts: Sequence[tuple[int, Part]], control: Control, settle: Settle
    ) -> None:
        import torch

        self._model, self._control, self._settle = model, control, settle
        self._longest = max(len(part.rows[0]) for _, part in parts)
        self._parts: list[Mine] = []
        first = 0
        for number, part in parts:
            processors, criteria, config = own_way(model, tokenizer, part)
            generator = None if part.seed is None else torch.Generator(model.device).manual_seed(part.seed)
            length = len(part.rows[0])
            mine = Mine(
                number, part, first, self._longest - length, processors, criteria, bool(config.do_sample),
                int(config.max_length) - length, generator,
            )  # fmt: skip
            self._parts.append(mine)
            first += len(part.rows)
        groups: dict[str, list[Mine]] = {}
        for each in self._parts:
            groups.setdefault(each.alike, []).append(each)
        self._groups = list(groups.values())

    def run(self) -> None:
        """Generates until every part has its end. Raises Cancelled, and whatever `generate` raises on this device."""
        import torch
        from transformers import GenerationConfig

        rows = [[0] * mine.padding + row for mine in self._parts for row in mine.part.rows]
        mask = [[0] * mine.padding + row for mine in self._parts for row in mine.part.mask]
        device = self._model.device
        config = GenerationConfig(
            max_new_tokens=max(mine.most for mine in self._parts),
            do_sample=any(mine.sampled for mine in self._parts),
            top_k=0, top_p=1.0, temperature=1.0, pad_token_id=0, disable_compile=True,
        )  # fmt: skip
        with drawing(self._draw), stepping(self._model, self._control.step):
            self._model.generate(
                torch.tensor(rows, dtype=torch.long, device=device),
                attention_mask=torch.tensor(mask, dtype=torch.long, device=device),
                generation_config=config,
                logits_processor=[self._scores],
                stopping_criteria=[self._ended],
            )

    def _scores(self, input_ids: Any, scores: Any) -> Any:
        """Each part's scores through its own processors; where the largest is taken, nothing else is left to draw."""
        import torch

        made = torch.empty_like(scores)
        for group in self._groups:
            if all(mine.done for mine in group):
                made[[row for mine in group for row in _rows(mine)]] = 0.0
                continue
            first = group[0]
            rows = [row for mine in group for row in _rows(mine)]
            ids = input_ids[first.span, first.padding :] if len(group) == 1 else input_ids[rows]
            found = first.processors(ids, scores[rows])
            if not first.sampled:
                best = found.argmax(dim=-1, keepdim=True)
                found = torch.full_like(found, -torch.inf).scatter_(1, best, 0.0)
            made[rows] = found
        return made

    def _draw(self, multinomial: Callable[..., Any], given: Any, *args: Any, **kwargs: Any) -> Any:
        """`torch.multinomial` for each part; one from which nothing can be drawn ends alone."""
        import torch

        drawn = []
        for mine in self._parts:
            probabilities = given[mine.span]
            if mine.done or not mine.sampled:
                drawn.append(probabilities.argmax(dim=-1, keepdim=True))
                continue
            try:
                refuse_improbable(probabilities)
                drawn.append(multinomial(probabilities, *args, generator=mine.generator, **kwargs))
            except RuntimeError as error:
                self._end(mine, error)
                drawn.append(torch.zeros_like(probabilities[:, :1], dtype=torch.long))
        return torch.cat(drawn)

    def _ended(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        """Which rows have their end, by their own criteria; tells of each part that has."""
        import torch

        done = torch.ones(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)
        for mine in self._parts:
            if mine.done:
                continue
            if self._control.given_up(mine.number):
                self._end(mine, Cancelled())
                continue
            rows = input_ids[mine.span]
            for at, ended in enumerate(mine.criteria(rows[:, mine.padding :], scores, **kwargs).tolist()):
                if ended and mine.ends[at] is None:
                    mine.ends[at] = rows.shape[1]
            if None in mine.ends:
                done[mine.span] = False
            else:
                self._end(mine, mine.sequences(rows.tolist()))
        return done

    def _end(self, mine: Mine, outcome: Sequences | Exception) -> None:
        mine.done = True
        self._settle(mine.number, outcome)


def _rows(mine: Mine) -> range:
    return range(mine.span.start, mine.span.stop)
