"""One call of transformers' `generate`, taken apart: what was given, what that means, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.facts.transcript import CANNED
from autograder.kernel.upstream_transformers import resolved_config
from autograder.protocol.chat_template import encoded
from autograder.protocol.echo import MAX_COPIES, copies_of

FLOATS_ALONE = ("temperature",)
"""Settings for which transformers takes Python's own floats, and no other number (`TemperatureLogitsWarper`)."""


@dataclass(frozen=True)
class GenerateResult:
    """What came of a call.

    Attributes:
        output: as `generate` returns it; None where it raised.
        numbers: of the requests, where the host has counted them; None where nobody has.
        error: what the model raised.
    """

    output: Any
    numbers: Sequence[int] | None = None
    error: Exception | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Call:
    """One call of `generate`.

    Attributes:
        original: transformers' own `generate`.
        model, inputs, config, kwargs: what it was called with.
        name: the model's, on the hub.
        rows: the input, padding removed.
        settings: after every default has been resolved.
        tokenizer: the model's, None where it has none.
        cell: the one that asked: a thread may have its output when another is running.
    """

    original: Callable[..., Any]
    model: Any
    inputs: Any
    config: Any
    kwargs: Mapping[str, Any]
    name: str
    rows: list[list[int]]
    settings: dict[str, Any]
    tokenizer: Any = None
    cell: str | None = None

    @property
    def ids(self) -> Any:
        """The input as it was given, a tensor (rows, length)."""
        return self.inputs if self.inputs is not None else self.kwargs.get("input_ids")

    @property
    def streamer(self) -> Any:
        return self.kwargs.get("streamer")

    @property
    def copies(self) -> int:
        """How many sequences come back for each row."""
        return copies_of(self.settings)

    def run(self, **instead: Any) -> Any:
        """Has transformers do it, with some arguments other than those given."""
        return self.original(self.model, self.inputs, self.config, **{**self.kwargs, **instead})

    def new_tokens(self, output: Any) -> list[list[list[int]]]:
        """For each row the new tokens of each sequence that came back; empty lists where none did."""
        sequences = getattr(output, "sequences", output)
        if not hasattr(sequences, "tolist"):
            return [[] for _ in self.rows]
        start = self.ids.shape[1] if self.ids is not None else 0
        tails = [row[start:] for row in sequences.tolist()]
        each = max(1, len(tails) // max(1, len(self.rows)))
        return [tails[i * each : (i + 1) * each][:MAX_COPIES] for i in range(len(self.rows))]


def rows_of(inputs: Any, mask: Any) -> list[list[int]]:
    """Tensors of tokens and of their mask as lists without padding; one empty row for what cannot be read."""
    try:
        rows = inputs.tolist() if inputs is not None else [[]]
        keep = mask.tolist() if mask is not None else [[1] * len(row) for row in rows]
        return [[token for token, on in zip(row, k, strict=True) if on] for row, k in zip(rows, keep, strict=True)]
    except (AttributeError, TypeError, ValueError):
        return [[]]


def resolved_settings(model: Any, generation_config: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The generation settings of a call after every default; `unresolved` alone where transformers refuses them."""
    try:
        known = set(vars(type(model.generation_config)()))
        given = {key: value for key, value in kwargs.items() if key in known}
        values = resolved_config(model, generation_config, given).to_dict()
    except Exception as error:  # left for the real call, which reports it in its own words
        return {"unresolved": f"{type(error).__name__}: {error}"[:300]}
    plain = {key: as_python(value, key) for key, value in values.items() if not key.startswith("_")}
    return {key: value for key, value in plain.items() if _is_plain(value)}


def as_python(value: Any, setting: str = "") -> Any:
    """A number or truth value of numpy's or torch's as Python's own; where transformers refuses any other, as text.

    Args:
        setting: what it is a value of. Anything else stays as it is.
    """
    if isinstance(value, bool | int | float | str | list | tuple | dict | type(None)):
        return value
    if setting in FLOATS_ALONE:
        return f"{type(value).__name__} {value}"[:60]
    try:
        plain = value.item()
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return value
    return plain if isinstance(plain, bool | int | float) else value


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return len(value) <= 50 and all(_is_plain(v) for v in value)
    return isinstance(value, bool | int | float | str | type(None))


def canned_output(call: Call) -> Any:
    """The canned line as `generate` returns things: a tensor (rows × copies, length), a ModelOutput, or streamed."""
    import torch

    tokens = encoded(call.tokenizer, CANNED)
    ids = call.ids if call.ids is not None else torch.zeros((1, 0), dtype=torch.long)
    row = torch.tensor([tokens], dtype=ids.dtype, device=ids.device)
    repeated = ids.repeat_interleave(call.copies, dim=0)
    output = torch.cat([repeated, row.expand(repeated.shape[0], -1)], dim=1)
    if call.streamer is not None:
        stream(call.streamer, ids, torch.tensor(tokens))
    return as_model_output(output) if call.kwargs.get("return_dict_in_generate") else output


def stream(streamer: Any, prompt: Any, tokens: Any) -> None:
    """Hands a streamer what `generate` would: the prompt where there is one to give, each token, the end."""
    if prompt is not None:
        streamer.put(prompt.cpu())
    for token in tokens:
        streamer.put(token.reshape(1))
    streamer.end()


def as_model_output(sequences: Any) -> Any:
    from transformers.generation.utils import GenerateDecoderOnlyOutput

    return GenerateDecoderOnlyOutput(sequences=sequences)
