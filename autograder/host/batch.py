"""Several parts in one batch: the model reads and writes for all of them, and each is what it would be alone.

Parts join a batch that runs, between two tokens, and leave it as soon as they have their end. transformers makes a part's own
processors of scores and its own stopping criteria, as it does for the part alone (`custom_generate`); here they see the part's
rows alone, without the padding that others brought. What is drawn is drawn with the part's own random numbers. So parts may
differ in all their settings but those that change how `generate` goes on (beams, several sequences). What rounding does is the
only difference that is left: in float32 none was seen, and a part that nobody joins has none.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autograder.host import generation
from autograder.host.failures import device_failed, out_of_memory
from autograder.host.generation import Cancelled, Control, inputs_of, numbers_in, refuse_improbable, stepping
from autograder.host.memory import Sequences
from autograder.host.orders import Part
from autograder.host.rows import Rows, new_cache, put_together

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
Arrivals = Callable[[], Mapping[int, Part]]
"""Called between two tokens: the parts that join, by number."""


@dataclass(eq=False)
class Mine:
    """A part, and what transformers would do for it alone.

    Attributes:
        number: what others call the part.
        length: of each of its rows so far.
        sampled: whether its tokens are drawn.
        first: its first row in the batch.
        done: whether it has its end.
    """

    number: int
    part: Part
    length: int
    processors: Any
    criteria: Any
    sampled: bool
    generator: Any
    first: int = 0
    done: bool = False

    def __post_init__(self) -> None:
        self.ends: list[int | None] = [None] * len(self.part.rows)

    @property
    def rows(self) -> list[int]:
        return list(range(self.first, self.first + len(self.part.rows)))

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
        return [row[:end] + [pad] * (longest - end) for row, end in zip(rows, ends, strict=True)]


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
    """A batch, which parts join and leave.

    Args:
        model: in use by no other thread; `prepare` was called when it was loaded.
        control: says which parts are given up, and whether the batch is to wait.
        settle: called for each part as soon as it has its end: with its sequences, (rows, length), input included, or with what
            it raised alone.
    """

    def __init__(self, model: Any, control: Control, settle: Settle) -> None:
        self._model, self._control, self._settle = model, control, settle
        self._parts: list[Mine] = []
        self._groups: list[list[Mine]] = []
        self._rows: Rows | None = None
        self._last_only = "logits_to_keep" in inspect.signature(model.forward).parameters

    def run(self, parts: Mapping[int, Part], arrivals: Arrivals = dict) -> None:
        """Generates until every part has its end, and nobody joins any more.

        Raises Cancelled, and whatever the model raises on this device.
        """
        with stepping(self._model, self._control.step):
            new = parts
            while new or self._rows is not None:
                if self._rows is not None:
                    self._read_on(self._rows)
                self._take_in([mine for number, part in new.items() if (mine := self._prepared(number, part))])
                if self._rows is not None:
                    self._add_tokens(self._rows)
                    self._look_for_ends(self._rows)
                    self._let_go(self._rows)
                new = arrivals()

    # --- Who is there ---

    def _prepared(self, number: int, part: Part) -> Mine | None:
        """A part that joins; none where its own settings are refused."""
        import torch

        try:
            processors, criteria, config = own_way(self._model, None, part)
        except Exception as error:
            self._settle(number, own(error))
            return None
        generator = None if part.seed is None else torch.Generator(self._model.device).manual_seed(part.seed)
        return Mine(number, part, len(part.rows[0]), processors, criteria, bool(config.do_sample), generator)

    def _take_in(self, new: list[Mine]) -> None:
        more = self._read(new) if new else None
        if more is None:
            return
        if self._rows is None:
            self._rows = more
        else:
            width = max(self._rows.ids.shape[1], more.ids.shape[1])
            self._rows = put_together(self._model, [(self._rows, slice(None)), (more, slice(None))], width)
        self._arrange([*self._parts, *new])

    def _let_go(self, rows: Rows) -> None:
        """Those that have their end leave, with the padding that they brought."""
        left = [mine for mine in self._parts if not mine.done]
        if not left:
            self._rows = None
        elif len(left) < len(self._parts):
            kept = [row for mine in left for row in mine.rows]
            self._rows = put_together(self._model, [(rows, kept)], max(mine.length for mine in left))
        if len(left) < len(self._parts):
            self._arrange(left)

    def _arrange(self, parts: list[Mine]) -> None:
        self._parts, first, groups = parts, 0, dict[str, list[Mine]]()
        for mine in parts:
            mine.first = first
            first += len(mine.part.rows)
            groups.setdefault(mine.alike, []).append(mine)
        self._groups = list(groups.values())

    # --- The model ---

    def _read(self, new: list[Mine]) -> Rows | None:
        """Reads the prompts of parts that join, long ones in pieces; None where all are given up meanwhile."""
        import torch

        width = max(mine.length for mine in new)
        padded = [([0] * (width - mine.length), mine) for mine in new]
        ids, mask = (
            torch.tensor(rows, dtype=torch.long, device=self._model.device)
            for rows in (
                [padding + row for padding, mine in padded for row in mine.part.rows],
                [padding + row for padding, mine in padded for row in mine.part.mask],
            )
        )
        positions = (mask.cumsum(dim=-1) - 1).masked_fill(mask == 0, 0)
        rows = Rows(ids, mask, positions[:, -1:], None, new_cache(self._model))
        piece = width if width <= generation.LONG else generation.PIECE
        for at in range(0, width, piece):
            if all(self._control.given_up(mine.number) for mine in new):
                for mine in new:
                    self._end(mine, Cancelled())
                return None
            rows.scores = self._scores(rows, slice(at, at + piece), positions[:, at : at + piece])
        return rows

    def _read_on(self, rows: Rows) -> None:
        """The scores of the next token of each row, after its last one."""
        width = rows.ids.shape[1]
        rows.scores = self._scores(rows, slice(width - 1, width), rows.positions)

    def _scores(self, rows: Rows, piece: slice, positions: Any) -> Any:
        """What the model makes of some of the tokens: the scores of what comes after the last one."""
        import torch

        found = self._model(
            input_ids=rows.ids[:, piece].contiguous(),
            attention_mask=None if rows.is_full else rows.mask[:, : piece.stop],
            position_ids=positions.contiguous(),
            past_key_values=rows.cache,
            use_cache=True,
            return_dict=True,
            **({"logits_to_keep": 1} if self._last_only else {}),
        )
        return found.logits[:, -1].to(copy=True, dtype=torch.float32)

    # --- Tokens ---

    def _add_tokens(self, rows: Rows) -> None:
        import torch

        chosen = torch.zeros_like(rows.ids[:, :1])
        for group in self._groups:
            self._choose(group, rows, chosen)
        rows.append(chosen)
        for mine in self._parts:
            mine.length += 1

    def _choose(self, group: list[Mine], rows: Rows, chosen: Any) -> None:
        """The next tokens of parts that are alike; one that fails ends alone."""
        first, at = group[0], [row for mine in group for row in mine.rows]
        try:
            before = rows.ids[at] if len(group) > 1 else rows.ids[at, rows.ids.shape[1] - first.length :]
            scores = first.processors(before, rows.scores[at])
            if not first.sampled:
                chosen[at] = scores.argmax(dim=-1, keepdim=True)
        except Exception as error:
            if len(group) == 1:
                self._end(first, own(error))
            else:
                for mine in group:
                    self._choose([mine], rows, chosen)
            return
        if first.sampled:
            self._draw(group, scores.softmax(dim=-1), chosen)

    def _draw(self, group: list[Mine], probabilities: Any, chosen: Any) -> None:
        import torch

        pieces = probabilities.split([len(mine.part.rows) for mine in group])
        for mine, piece in zip(group, pieces, strict=True):
            try:
                refuse_improbable(piece)
                chosen[mine.rows] = torch.multinomial(piece, num_samples=1, generator=mine.generator)
            except RuntimeError as error:
                self._end(mine, own(error))

    def _look_for_ends(self, rows: Rows) -> None:
        """Which rows have their end, by their own criteria; tells of each part that has."""
        for mine in self._parts:
            if mine.done:
                continue
            if self._control.given_up(mine.number):
                self._end(mine, Cancelled())
                continue
            ours = rows.ids[mine.rows, rows.ids.shape[1] - mine.length :]
            for at, ended in enumerate(mine.criteria(ours, None).tolist()):
                if ended and mine.ends[at] is None:
                    mine.ends[at] = mine.length
            if None not in mine.ends:
                self._end(mine, mine.sequences(ours.tolist()))

    def _end(self, mine: Mine, outcome: Sequences | Exception) -> None:
        mine.done = True
        self._settle(mine.number, outcome)


def own(error: Exception) -> Exception:
    """What a part raised by itself. Raises it where it concerns the whole batch."""
    if out_of_memory(error) or device_failed(error):
        raise error
    return error.with_traceback(None)
