"""A page, or a piece of one, as a browser reads it: its elements with what stands in them, and what a screen reader says."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "img", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """Reads HTML. Raises AssertionError where an element is not closed in its place.

    Attributes:
        elements: in their order, each with its attributes.
        all_text: what is to be read, styles included.
        heard: the same without what is hidden from screen readers.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.all_text = self.heard = ""
        self._texts: list[str] = []
        self._open: list[int] = []
        self.feed(html)
        self.close()
        assert self._open == [], "an element is not closed"

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]

    @property
    def attributes(self) -> list[str]:
        return [name for _, attributes in self.elements for name in attributes]

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of each element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str, **wanted: str) -> list[str]:
        """What is to be read in each element of a kind, white space aside; `class_` stands for the attribute `class`."""
        return [
            " ".join(text.split())
            for (name, attributes), text in zip(self.elements, self._texts, strict=True)
            if name == tag and all(attributes.get(key.rstrip("_")) == value for key, value in wanted.items())
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self._open.append(len(self.elements))
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.elements[self._open.pop()][0] == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        for place in self._open:
            self._texts[place] += data
        self.all_text += data
        hidden = any(self.elements[place][1].get("aria-hidden") == "true" for place in self._open)
        self.heard += "" if hidden else data


def headings_in_order(page: Page) -> bool:
    """Whether one heading of the first level comes first, and no level is left out on the way down."""
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h[1-6]", tag)]
    return levels[0] == 1 and levels.count(1) == 1 and all(b <= a + 1 for a, b in pairwise(levels))
