"""What in a page is alive: script, handlers, frames, forms, and anything that is fetched from elsewhere.

A page made of a notebook has scripts of its own (of nbgrader's templates); what a student put there is told by the token that
it carries. A token that stands there as text is harmless. This reads a page as Python's parser does, which is more lenient
than a browser, and calls alive whatever could be.
"""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

ALWAYS = frozenset({"script", "style", "iframe", "object", "embed", "link", "meta", "base", "form", "applet", "frame"})
"""Elements that no student's output needs."""
FETCHING = frozenset(
    {"src", "srcset", "poster", "data", "background", "formaction", "action", "ping", "srcdoc", "xlink:href"}
)
NO_FORMULAS = frozenset({"pre", "code", "script", "style", "textarea", "noscript"})
"""Elements in which MathJax looks for no formulas."""
EMBEDDED = re.compile(r"^data:(?P<kind>[\w/+.-]*);base64,(?P<data>.*)$", re.DOTALL)
EVIL_LINK = re.compile(r"^(javascript|vbscript|data):", re.IGNORECASE)
EVIL_STYLE = re.compile(r"url\(|expression|position\s*:\s*(fixed|absolute|sticky)|@import|behavior", re.IGNORECASE)
COVERING = frozenset({
    "modal", "modal-backdrop", "modal-dialog", "navbar-fixed-top", "navbar-fixed-bottom", "affix", "dropdown-menu", "tooltip",
    "popover", "carousel-control", "pull-left", "pull-right", "sr-only", "sr-only-focusable", "help", "save-icon",
})  # fmt: skip
"""Classes of the page's own that take an element out of its place."""
SAFE_FORMULAS = re.compile(r"mathjax[^\s\"]*\?config=[\w,-]*,Safe\b", re.IGNORECASE)
"""How a page loads MathJax so that links in formulas are no script."""
LOADS_FORMULAS = re.compile(r"<script[^>]*mathjax", re.IGNORECASE)
"""What a page that shows formulas has; where nothing does, a formula is text."""
VOID = frozenset(
    {"img", "br", "hr", "input", "meta", "link", "base", "embed", "source", "track", "wbr", "area", "col", "param"}
)


class _Reader(HTMLParser):
    """Collects what is alive and has the token in it."""

    def __init__(self, token: str, safe_formulas: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.token, self.safe_formulas, self.found = token, safe_formulas, list[str]()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self._open.append(tag)
        if not any(self.token in (name + (value or "")) or _inside(value, self.token) for name, value in attrs):
            return
        embedded = any(_inside(value, self.token) is not None for _, value in attrs)
        if tag in ALWAYS and not embedded:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            self._attribute(tag, name, value or "")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        bare = re.sub(r"[\x00-\x20]", "", value)
        mine = self.token in value
        if name.startswith("on") and (mine or self.token in name):
            self.found.append(f"<{tag} {name}>")
        elif mine and name in (*FETCHING, "href") and EVIL_LINK.match(bare) and not bare.startswith("data:image/"):
            self.found.append(f"<{tag} {name}={bare[:20]}>")
        elif mine and (name in FETCHING or (name == "href" and tag != "a")) and not bare.startswith(("data:", "#")):
            self.found.append(f"<{tag} {name}> fetched")
        elif name == "style" and EVIL_STYLE.search(value):
            self.found.append(f"<{tag} style>")
        elif name == "class" and COVERING & {*value.split()}:
            self.found.append(f"<{tag} class>")
        elif (inner := _inside(value, self.token)) is not None:
            self.found += [f"{tag}: {each}" for each in alive(inner, self.token)]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.token not in data:
            return
        if self._open and self._open[-1] in ("script", "style"):
            self.found.append(f"text of <{self._open[-1]}>")
        elif "\\href" in data and not self.safe_formulas and not NO_FORMULAS & {*self._open}:
            self.found.append("a link in a formula")
        elif any(tag in ("iframe", "object", "svg") for tag in self._open):
            self.found.append("text of a frame")


def _inside(value: str | None, token: str) -> str | None:
    """The page that an address carries in itself, if there is one with the token in it. SVG as an image runs nothing."""
    match = EMBEDDED.match((value or "").strip())
    if match is None or match["kind"] == "image/svg+xml":
        return None
    try:
        page = base64.b64decode(match["data"]).decode(errors="replace")
    except ValueError:
        return None
    return page if token in page else None


def alive(page: str, token: str) -> list[str]:
    """What of an attack is alive in a page, in a few words each."""
    reader = _Reader(token, SAFE_FORMULAS.search(page) is not None or not LOADS_FORMULAS.search(page))
    reader.feed(page)
    reader.close()
    return list(dict.fromkeys(reader.found))
