"""Whether a text is what a model said: all of it, a piece, or nothing but what it was asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from autograder.facts.transcript import Request

MIN_PIECE = 20
"""Characters of the output that a cut answer must keep to be known as the model's."""
_SPECIAL_TOKEN = re.compile(r"<[^<>\s]{1,40}>")


def is_output(text: str, request: Request) -> bool:
    """Whether `text` is the request's output, with the prompt or without it.

    White space is not compared, nor are the special tokens of a chat template. An empty output is held by an empty text,
    or by the prompt alone.
    """
    mine, without = _bare(text), _bare(_SPECIAL_TOKEN.sub("", text))
    for output in request.outputs:
        full = request.text + output
        if {mine, without} & {_bare(output), _bare(full)} or without == _bare(_SPECIAL_TOKEN.sub("", full)):
            return True
    return False


def holds(text: str, request: Request) -> bool:
    """Whether `text` is the request's output, or has a long piece of it, alone or after the prompt, or all after a label."""
    if is_output(text, request):
        return True
    for output in request.outputs:
        sent, new = _bare(request.text), _bare(output)
        for mine in filter(None, {_bare(text), _bare(_SPECIAL_TOKEN.sub("", text))}):
            kept = _kept(mine, sent, new)
            labelled = len(new) >= MIN_PIECE and new in mine
            if kept >= MIN_PIECE or 0 < len(new) <= 2 * kept or labelled:
                return True
    return False


def _kept(piece: str, sent: str, new: str) -> int:
    """How many characters of an output are in a piece that was cut from prompt and output together; at most 0 where none."""
    place = (sent + new).rfind(piece)
    return min(len(piece), place + len(piece) - len(sent)) if place >= 0 else 0


def _bare(text: str) -> str:
    """A text without white space, which post-processing changes."""
    return "".join(text.split())


def is_echo(text: str, requests: Iterable[Request]) -> bool:
    """Whether the text is nothing but (a piece of) what was sent, though the model answered more."""
    mine = tidy(text)
    sent = any(mine in tidy(request.text) and any(tidy(o) for o in request.outputs) for request in requests)
    return sent and not any(mine in tidy(output) for request in requests for output in request.outputs if mine)


def tidy(text: str) -> str:
    return " ".join(text.split())


def repetition(text: str) -> tuple[str, int] | None:
    """The sentence or line that comes three times or more, with how often; None where nothing does."""
    pieces = [piece.strip() for piece in re.split(r"(?<=[.!?])\s+|\n+", text) if len(piece.strip()) >= 8]
    if not pieces:
        return None
    most = max(pieces, key=pieces.count)
    return (most, pieces.count(most)) if pieces.count(most) >= 3 else None
