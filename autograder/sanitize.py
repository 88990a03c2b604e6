"""Pages that a TA or a student opens hold no script, no frame and no address that is fetched, whatever a notebook holds.

nbconvert's own `sanitize_html` leaves nbgrader's cells of text as they are and takes our verdicts apart; so its filters are
replaced, for Formgrader and for feedback alike. What may stay is what Markdown makes, tables, and images that are in the
notebook itself. Formulas: MathJax is loaded with its `Safe` extension, which lets no link in a formula be script.

What it does not do: keep a student from writing "full points" into an answer, in large letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import bleach
from bleach.css_sanitizer import CSSSanitizer
from bleach.html5lib_shim import Filter
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters import get_metadata
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

TAGS = frozenset({
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "img", "ins", "kbd", "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody",
    "td", "tfoot", "th", "thead", "tr", "u", "ul",
})  # fmt: skip
STYLES = frozenset({
    "border", "border-left", "border-collapse", "color", "background-color", "display", "font-family", "font-size", "font-style",
    "font-weight", "height", "list-style", "margin", "max-width", "overflow", "padding", "padding-left", "text-align",
    "text-decoration", "vertical-align", "white-space", "width",
})  # fmt: skip
PROTOCOLS = frozenset({"http", "https", "mailto", "data"})
IMAGE = re.compile(r"^data:image/(png|jpe?g|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*$")
SIZE = re.compile(r"^\d{1,5}(\.\d{1,3})?(px|em|%)?$")
EVERYWHERE = frozenset({"class", "title", "lang", "style", "align", "aria-hidden", "aria-label", "role"})
"""No `id`: Formgrader finds a cell's score box by one, and would take a student's element for it."""


def allowed(tag: str, name: str, value: str) -> bool:
    """Whether an element may keep an attribute."""
    if name in EVERYWHERE:
        return True
    if tag == "a" and name == "href":
        return not value.strip().lower().startswith("data:")
    if tag == "img" and name == "src":
        return IMAGE.match(value) is not None
    if tag == "img" and name == "alt":
        return True
    return name in ("colspan", "rowspan", "width", "height", "start") and SIZE.match(value) is not None


def clean_html(element: Any) -> str:
    """HTML in which nothing is alive; what may not stay is shown as text."""
    text = element.decode(errors="replace") if isinstance(element, bytes) else str(element)
    return str(
        bleach.clean(
            text,
            tags=TAGS,
            attributes=allowed,
            protocols=PROTOCOLS,
            css_sanitizer=CSSSanitizer(allowed_css_properties=STYLES),
        )
    )


def clean_part(text: str, image: str = "", table: str = "") -> str:
    """As `clean_html`, for a page with headings, colours and places of its own: what is put into it brings none.

    Args:
        image: describes an image that has no description.
        table: names the box in which a table scrolls, for those who do not see it.
    """
    cleaner = bleach.Cleaner(
        tags=TAGS, attributes=_bare, protocols=PROTOCOLS, filters=[partial(_AsPart, image=image, table=table)]
    )
    return str(cleaner.clean(text))


class _AsPart(Filter):  # type: ignore[misc]
    """Headings become paragraphs in bold, tables get a box to scroll in, images a description; one from elsewhere is only that.

    It works on bleach's stream of tokens, where an attribute's value cannot be taken for markup.
    """

    def __init__(self, source: Any, image: str, table: str) -> None:
        super().__init__(source)
        self.image = image
        self.box = {"class": "wide", "tabindex": "0", "role": "group", "aria-label": table}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for token in super().__iter__():
            kind, name = token["type"], token.get("name")
            if name in HEADINGS and kind in ("StartTag", "EndTag"):
                both = [_tag(kind, "p"), _tag(kind, "strong")]
                yield from both if kind == "StartTag" else reversed(both)
            elif name == "table" and kind == "StartTag":
                yield _tag("StartTag", "div", self.box)
                yield token
            elif name == "table" and kind == "EndTag":
                yield token
                yield _tag("EndTag", "div")
            elif name == "img":
                described = token["data"].setdefault((None, "alt"), self.image) or self.image
                yield token if (None, "src") in token["data"] else {"type": "Characters", "data": described}
            else:
                yield token


HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


def _tag(kind: str, name: str, attributes: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    data = {(None, key): value for key, value in attributes.items()}
    return {"type": kind, "name": name, "namespace": "http://www.w3.org/1999/xhtml", "data": data}


def _bare(tag: str, name: str, value: str) -> bool:
    return name not in EVERYWHERE - {"lang"} and allowed(tag, name, value)


def from_markdown(source: str, attachments: Any = None) -> str:
    """HTML of Markdown, not sanitized yet.

    Args:
        attachments: the images of a cell, as the notebook has them.
    """
    renderer = IPythonRenderer(escape=False, attachments=attachments or {}, exclude_anchor_links=True)
    return str(MarkdownWithMath(renderer=renderer).render(source))


@pass_context
def markdown_as_html(context: Context, source: str) -> str:
    """A cell of text as HTML, in which nothing is alive; its attachments are shown."""
    return clean_html(from_markdown(source, context.get("cell", {}).get("attachments", {})))


def metadata_of(output: Any, key: str, mimetype: str | None = None) -> Any:
    """nbconvert's filter, but for sizes that are none: its templates write them without quotation marks."""
    value = get_metadata(output, key, mimetype)
    return value if key not in ("width", "height") or SIZE.match(str(value)) else None


FILTERS = {"clean_html": clean_html, "markdown2html": markdown_as_html, "get_metadata": metadata_of}
"""For `HTMLExporter.filters`; with `HTMLExporter.sanitize_html`, which makes the templates use the first."""
