"""From the bytes of a submitted file to JSON, and the data that says what was mended: `Repair`, `Unreadable`.

It mends what cannot be meant otherwise: the encoding, a comma too many, what stands after the end. Nothing is guessed: a
file that ends halfway is `Unreadable`, and a person looks at it. What the JSON means is for `repair_read.py`.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from autograder.facts.verdict import Sentence
from autograder.words.grading import REPAIRS, UNREADABLE

MAX_DIGITS = 18
MAX_DETAIL = 200

WINDOWS = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(128, 256)}
"""From what Python makes of a byte that is no UTF-8 (`surrogateescape`) to the character that Windows means by it."""
STRING_OR_COMMA = re.compile(r'("(?:[^"\\]++|\\.?)*+(?:"|\Z))|,(?=\s*+[\]}])', re.DOTALL)
"""A whole string, or a comma before a closing bracket. Nothing in it is tried twice, however long the text."""
CONFLICT = re.compile("^<<<<<<<", re.MULTILINE)
AROUND = "\0\ufeff \t\r\n"
"""What may stand around the JSON and mean nothing."""


class Repair(BaseModel):
    """What was mended, as data.

    Attributes:
        kind: key of `words.REPAIRS`.
        cell: `grade_id` of the cell it concerns; None for the whole notebook or submission.
        detail: printable, `MAX_DETAIL` characters at most: a file's name, say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    cell: str | None = None
    detail: str = ""

    @field_validator("detail", mode="before")  # pydantic itself refuses half of a surrogate pair
    @classmethod
    def _bounded(cls, text: str) -> str:
        cut = text if len(text) <= MAX_DETAIL else text[: MAX_DETAIL - 1] + "…"
        return "".join(character if character.isprintable() else "?" for character in cut)

    @property
    def words(self) -> Sentence:
        return REPAIRS[self.kind].fill(cell=self.cell or "", detail=self.detail)


class Unreadable(Exception):
    """A file that can be read as a notebook by no safe means. The only exception of this module.

    Attributes:
        kind: key of `words.UNREADABLE`.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind

    @property
    def words(self) -> Sentence:
        return UNREADABLE[self.kind]


def text_of(data: bytes) -> tuple[str, list[str]]:
    """The text without what means nothing around it."""
    encoding = json.detect_encoding(data)
    try:
        text, odd = data.decode(encoding), encoding != "utf-8"
    except UnicodeDecodeError:
        odd = True
        if encoding.startswith("utf-8"):  # some bytes, or all, are as Windows writes them
            text = data.decode(encoding, "surrogateescape").translate(WINDOWS)
        else:
            text = data.decode(encoding, "replace")
    return text.strip(AROUND), ["encoding"] if odd else []


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= MAX_DIGITS else None  # a million digits take Python minutes


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


DECODER = json.JSONDecoder(
    parse_int=_whole,
    parse_float=_finite,
    parse_constant=lambda _: None,  # NaN and the infinities, which are no JSON
    strict=False,
)


def parsed(text: str) -> tuple[Any, list[str]]:
    """The JSON value that the text begins with, and the kinds of repair it took. Raises Unreadable."""
    mended: list[str] = []
    try:
        try:
            value, end = DECODER.raw_decode(text)
        except ValueError:
            text, mended = STRING_OR_COMMA.sub(lambda match: match[1] or "", text), ["commas"]
            value, end = DECODER.raw_decode(text)
    except ValueError:
        raise Unreadable("broken") from None
    except RecursionError:
        raise Unreadable("nested") from None
    return value, [*mended, "garbage"] if text[end:].strip(AROUND) else mended


def sides(text: str) -> tuple[str, str]:
    """The text as each side of a merge in git would have it."""
    ours: list[str] = []
    theirs: list[str] = []
    common = (ours, theirs)
    kept: tuple[list[str], ...] = common
    for line in text.split("\n"):
        if line.startswith("<<<<<<<"):
            kept = (ours,)
        elif line.startswith("|||||||"):
            kept = ()
        elif line.startswith("=======") and kept is not common:
            kept = (theirs,)
        elif line.startswith(">>>>>>>"):
            kept = common
        else:
            for side in kept:
                side.append(line)
    return "\n".join(ours), "\n".join(theirs)
