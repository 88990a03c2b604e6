"""Canned answers: what comes back when a check asks, and what an echo says instead of a model.

A check's line is always the same. An echo is another text for another request, so that answers can be told apart; checks
judge requests, so verdicts are the same as with a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograder.protocol.wire import Generate
from autograder.system.disk_cache import digest

ECHO = "{mark} is an echo: no model was asked."
MAX_COPIES = 64


def echo_of(asked: Generate, seed: int | None) -> str:
    """The text for a request, from the request and its seed."""
    return ECHO.format(mark=digest({"request": asked.model_dump(exclude={"streamed"}), "seed": seed})[:8])


def canned_answer(asked: Generate, canned: Sequence[int]) -> list[list[int]]:
    """Every row with the canned tokens behind it, as often as sequences were asked for, within the limit asked for."""
    return [
        list(row) + list(_limited(canned, row, asked.settings))
        for row in asked.rows
        for _ in range(copies_of(asked.settings))
    ]


def copies_of(settings: Mapping[str, Any]) -> int:
    """How many sequences come back for each row."""
    copies = settings.get("num_return_sequences")
    return copies if isinstance(copies, int) and 1 <= copies <= MAX_COPIES else 1


def _limited(canned: Sequence[int], row: Sequence[int], settings: Mapping[str, Any]) -> Sequence[int]:
    new = settings.get("max_new_tokens")
    if isinstance(new, int) and not isinstance(new, bool):
        return canned[: max(new, 1)]
    total = settings.get("max_length")
    return canned[: max(total - len(row), 1)] if isinstance(total, int) else canned
