"""Text out of a student's run, without the names that paths give away: a home directory is `~`, an account's name `…`;
and, for terminals, without characters that one would obey.

A pure function, for pages that others look at too. ANSI codes stay, also where they stand within what is masked.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections import deque
from collections.abc import Iterable

HOME, NAME = "~", "…"
PYTHONS = frozenset({*keyword.kwlist, *dir(builtins), "line", "file", "module", "cell", "self"})
"""Words that a traceback is made of: an account that is called so is masked in paths only."""
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
HOMES = re.compile(
    r"""(?<![\w.~/+-]) (?:file://)? (?P<home>
          (?:/[\w.+-]+)*? /(?:home|homes\d*|Users)(?:/u\d+)? /[^\s/\\'"`<>:;,()\[\]{}]+   # /home/anna, /x/homes01/u01/anna
        | /root (?![\w.-])
        | [A-Za-z]:(?:\\\\?|/)Users(?:\\\\?|/)[^/\\\n'"<>:|?*]+ )                         # C:\Users\Anna Berg
      | (?<![\w./~]) ~(?P<user>[A-Za-z_][\w.-]*) (?=/)                                    # ~anna/
    """,
    re.VERBOSE,
)


def masked(text: str, names: Iterable[str]) -> str:
    """The text with home directories as `~`, and the names of accounts, as whole words, as `…`.

    Args:
        text: what a cell printed, or a traceback; ANSI codes may stand anywhere in it.
        names: accounts to mask beside those that home directories name. Large and small letters are the same.
    """
    codes, removed = [], 0
    for code in ANSI.finditer(text):
        codes.append((code.start() - removed, code.group()))
        removed += len(code.group())
    plain = ANSI.sub("", text)
    return _replaced(plain, _spans(plain, names), codes)


def _spans(plain: str, names: Iterable[str]) -> list[tuple[int, int, str]]:
    """What is masked: from, to, and what stands there instead; from left to right, none within another."""
    found = []
    for match in HOMES.finditer(plain):
        group = "home" if match["home"] else "user"
        start = match.start(group) - (group == "user")
        found.append((start, match.end(group), HOME))
    for name in {name for name in names if name}:
        word = rf"(?<![^\W_]){re.escape(name)}(?![^\W_])"
        if name.lower() in PYTHONS:
            word = rf"(?<=[/\\]){re.escape(name)}(?=[/\\])"
        found += [(m.start(), m.end(), NAME) for m in re.finditer(word, plain, re.IGNORECASE)]
    kept: list[tuple[int, int, str]] = []
    for span in sorted(found, key=lambda span: (span[0], -span[1])):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def _replaced(plain: str, spans: list[tuple[int, int, str]], codes: list[tuple[int, str]]) -> str:
    """The text with its spans replaced and its codes back; a code from within a span comes after it."""
    out, at, left = list[str](), 0, deque(codes)
    for start, end, instead in (*spans, (len(plain), len(plain), "")):
        while left and left[0][0] <= start:
            place, code = left.popleft()
            out += (plain[at:place], code)
            at = max(at, place)
        out += (plain[at:start], instead)
        at = end
    return "".join(out)


OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""Control codes but tab and line feed, marks of direction, letters without width, other ends of a line, halves of a letter."""


def visible(text: str) -> str:
    r"""The text with what a terminal would obey written as Python writes it: an escape is `\x1b`."""
    return OBEYED.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
