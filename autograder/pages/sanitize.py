"""Pages that a TA or a student opens hold no script, no frame and no address that is fetched, whatever a notebook holds.

nbconvert's own `sanitize_html` leaves nbgrader's cells of text as they are and takes our verdicts apart; so its filters are
replaced, for Formgrader and for feedback alike. What may stay is what Markdown makes, tables, and images that are in the
notebook itself, in the place where they stand: no class and no style moves, covers or lets flow out of its box. Formulas:
MathJax is loaded with its `Safe` extension, which lets no link in a formula be script.

The parser is that of HTML5 (justhtml), so that what is judged here is what a browser makes of it. Drawings (`svg`, `math`) are
left out; every other element that may not stay is shown as text.

What it does not do: keep a student from writing "full points" into an answer, in large letters.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from html import escape, unescape
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from justhtml import EditAttrs, JustHTML, Regex, SanitizationPolicy, UrlPolicy, UrlRule
from nbconvert.filters import Highlight2HTML, get_metadata
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.token import STANDARD_TYPES

TAGS = frozenset({
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "img", "ins", "kbd", "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody",
    "td", "tfoot", "th", "thead", "tr", "u", "ul",
})  # fmt: skip
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})

# --- What an element may look like -----------------------------------------------------------------------------------

CLASSES = frozenset({*STANDARD_TYPES.values()} - {""}) | {
    "highlight", "hll", "dataframe", "data", "blank", "row_heading", "col_heading", "index_name",
    "output_text", "output_html", "output_stream", "output_stdout", "output_stderr", "output_error", "rendered_html",
}  # fmt: skip
"""Of Pygments, of pandas, and of the pieces of nbconvert's that `marking_page.py` cleans as a whole."""
NUMBERED = re.compile(r"ansi-[a-z-]{1,30}|(?:level|row|col)\d{1,6}")
"""Of nbconvert's colours in what is printed, and of pandas' cells."""

NUMBER = r"(?:\d{1,3}(?:\.\d{1,3})?|\.\d{1,3})"
LENGTH = rf"(?:0|{NUMBER}(?:px|em|rem|ex|ch|pt|%))"
COLOUR = (
    r"(?:[a-z]{3,24}|#[0-9a-f]{3,8}|(?:rgb|hsl)a?\([0-9.,%\s/]{1,40}\)|var\(--jp-[a-z0-9-]{1,40}(?:,\s*[a-z]{3,24})?\))"
)
LINE = rf"(?:none|0|(?:\d{{1,2}}(?:px|em|pt)\s+)?(?:solid|dashed|dotted|double)(?:\s+{COLOUR})?)"
SIDES = rf"{LENGTH}(?:\s+{LENGTH}){{0,3}}"
BOX = frozenset({
    "border", "border-left", "border-right", "border-top", "border-bottom", "margin", "margin-left", "margin-right", "margin-top",
    "margin-bottom", "padding", "padding-left", "padding-right", "padding-top", "padding-bottom",
})  # fmt: skip
STYLES: Mapping[str, str] = {
    **{name: LINE if name.startswith("border") else SIDES for name in BOX},
    "border-collapse": "collapse|separate",
    "color": COLOUR,
    "background-color": COLOUR,
    "display": "block|inline|inline-block",
    "font-family": r"[\w\s,'\"-]{1,200}",
    "font-size": r"(?:[89]|[12]\d)(?:px|pt)|(?:1|0?\.[5-9]\d{0,2})em|(?:x-|xx-)?small|medium|(?:x-)?large",
    "font-style": "normal|italic|oblique",
    "font-weight": r"normal|bold|bolder|lighter|[1-9]00",
    "height": LENGTH,
    "list-style": "none|disc|circle|square|decimal",
    "max-width": LENGTH,
    "overflow": "hidden|auto",
    "text-align": "left|right|center|justify|start|end",
    "text-decoration": "none|underline|line-through",
    "vertical-align": "baseline|top|middle|bottom|sub|super|text-top|text-bottom",
    "white-space": "normal|nowrap|pre|pre-wrap|pre-line",
    "width": LENGTH,
}
"""By property, what it may be. No place, no negative margin, and no size of letters that grows with its depth."""
SIZE = re.compile(r"^\d{1,5}(\.\d{1,3})?(px|em|%)?$")
IMAGE = re.compile(r"^data:image/(png|jpe?g|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*$")

_ALIGN = [Regex("left|right|center|justify")]
_SIZE = [Regex(r"\d{1,4}(\.\d{1,3})?(px|em|%)?")]
_ANY = [Regex(r"[\s\S]*")]
_OWN: Mapping[str, Mapping[str, Collection[Regex]]] = {
    "a": {"href": _ANY},
    "img": {"src": [Regex(IMAGE.pattern)], "alt": _ANY, "width": _SIZE, "height": _SIZE},
    "ol": {"start": [Regex(r"\d{1,5}")]},
    **{name: {"colspan": [Regex(r"\d{1,3}")], "rowspan": [Regex(r"\d{1,4}")], "align": _ALIGN} for name in ("td", "th")},
}  # fmt: skip
"""An `align` of a table or an image would let it float into the next cell."""
_EVERYWHERE: Mapping[str, Collection[Regex]] = {
    "class": _ANY, "style": _ANY, "title": _ANY, "lang": [Regex(r"[A-Za-z-]{1,20}")], "aria-hidden": [Regex("true|false")],
    "aria-label": _ANY, "role": [Regex("group|list|listitem|img|presentation")],
}  # fmt: skip
"""No `id`: Formgrader finds a cell's score box by one, and would take a student's element for it."""
_URLS = UrlPolicy(
    allow_rules={
        ("a", "href"): UrlRule(allowed_schemes={"http", "https", "mailto"}),
        ("img", "src"): UrlRule(allowed_schemes={"data"}, allow_relative=False, resolve_protocol_relative=None),
    }
)


def _policy(everywhere: Mapping[str, Collection[Regex]]) -> SanitizationPolicy:
    return SanitizationPolicy(
        allowed_tags=TAGS,
        allowed_attributes={"*": everywhere, **_OWN},
        url_policy=_URLS,
        drop_content_tags=(),
        allowed_css_properties={name: [Regex(f"(?i:{value})")] for name, value in STYLES.items()},
        disallowed_tag_handling="escape",
        strip_invisible_unicode=False,
    )


_LOOKS = _policy(_EVERYWHERE)
_BARE = _policy({"lang": _EVERYWHERE["lang"]})
_HEIGHT = re.compile(r"(?:^|;)\s*height\s*:[^;]*", re.IGNORECASE)
_CLIPS = re.compile(r"(?:^|;)\s*overflow\s*:\s*(?:hidden|auto)\s*(?:;|$)", re.IGNORECASE)


def _tamed(node: Any) -> dict[str, str | None] | None:
    """An element's attributes with the classes that it may have; a height only where what is higher does not flow out."""
    kept: dict[str, str | None] = dict(node.attrs)
    if kept.get("class"):
        names = [name for name in str(kept["class"]).split() if name in CLASSES or NUMBERED.fullmatch(name)]
        kept["class"] = " ".join(names)
    if not kept.get("class"):
        kept.pop("class", None)
    if kept.get("style") and not _CLIPS.search(str(kept["style"])):
        kept["style"] = _HEIGHT.sub("", str(kept["style"]))
    return kept


# --- How much is read ------------------------------------------------------------------------------------------------

MOST_TAGS = 60_000
"""A page of more is shown as text."""
MOST_ELEMENTS = 200_000
_FORMATTING = re.compile(
    r"</?(?:b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])[^<>]*>?", re.IGNORECASE
)


def _bounded(text: str) -> str:
    """HTML of which a parser makes no more than `MOST_ELEMENTS`.

    A browser's parser opens every open element of this kind again in each new paragraph, so that few letters come to many
    elements (https://html.spec.whatwg.org/#reconstruct-the-active-formatting-elements): up to three of each that look alike.
    A text in which that could come to too much loses its bold and italics.
    """
    tags = text.count("<")
    if tags > MOST_TAGS:
        return escape(text)
    opened = sum(1 for found in _FORMATTING.finditer(text) if not found.group().startswith("</"))
    return _FORMATTING.sub(" ", text) if opened * tags > MOST_ELEMENTS else text


MOST_LOOKED_AT = 5_000_000
"""Characters that are looked at for the ends of formulas, where each that begins looks through all that follows."""
_FORMULA = re.compile(r"\\\\[(\[]|\\begin\{")


# --- Cleaning --------------------------------------------------------------------------------------------------------


def clean_html(element: Any) -> str:
    """HTML in which nothing is alive; what may not stay is shown as text."""
    text = element.decode(errors="replace") if isinstance(element, bytes) else str(element)
    page = JustHTML(_bounded(text), fragment=True, policy=_LOOKS, transforms=[EditAttrs("*", _tamed)])
    return page.to_html(pretty=False)


def clean_part(text: str, *, image: str = "", table: str = "") -> str:
    """As `clean_html`, for a page with headings, colours and places of its own: what is put into it brings none.

    Headings become paragraphs in bold, tables get a box to scroll in, images a description; one from elsewhere is only that.

    Args:
        image: describes an image that has no description.
        table: names the box in which a table scrolls, for those who do not see it.
    """
    page = JustHTML(_bounded(text), fragment=True, policy=_BARE).to_html(pretty=False)
    box = f'<div class="wide" tabindex="0" role="group" aria-label="{escape(table)}">'
    return _TAG.sub(lambda found: _as_part(found, escape(image), box), page)


_VALUE = r"""(?:=(?:"[^"]*"|'[^']*'))?"""
_TAG = re.compile(rf"<(?P<end>/?)(?P<name>[a-z0-9]+)(?P<attributes>(?: [a-z-]+{_VALUE})*)>")
"""As justhtml writes one; elsewhere it writes no `<`."""
_ATTRIBUTE = re.compile(rf" (?P<name>[a-z-]+)(?P<value>{_VALUE})")


def _as_part(found: re.Match[str], image: str, box: str) -> str:
    """What stands in the place of a tag of a cleaned page."""
    tag, name, end = found.group(), found["name"], bool(found["end"])
    if name in HEADINGS:
        return "</strong></p>" if end else "<p><strong>"
    if name == "table":
        return f"{tag}</div>" if end else f"{box}{tag}"
    if name != "img":
        return tag
    attributes = {one["name"]: one["value"] for one in _ATTRIBUTE.finditer(found["attributes"])}
    described = escape(unescape(attributes.pop("alt", "")[2:-1])) or image
    if "src" not in attributes:
        return described
    others = "".join(f" {name}{value}" for name, value in attributes.items())
    return f'<img{others} alt="{described}">'


def from_markdown(source: str, attachments: Any = None) -> str:
    """HTML of Markdown, not sanitized yet; a text of more formulas than can be looked for is shown as it was written.

    Args:
        attachments: the images of a cell, as the notebook has them.
    """
    if len(_FORMULA.findall(source)) * len(source) > MOST_LOOKED_AT:
        return f"<pre>{escape(source)}</pre>"
    renderer = IPythonRenderer(escape=False, attachments=_Attachments(attachments or {}), exclude_anchor_links=True)
    return str(MarkdownWithMath(renderer=renderer).render(source))


class _Attachments(dict[str, Mapping[str, Any]]):
    """A cell's images; one that is named and is not there has no address, where nbconvert would end the page."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return self.get(name) or {"image/none": ""}


@pass_context
def markdown_as_html(context: Context, source: str) -> str:
    """A cell of text as HTML, in which nothing is alive; its attachments are shown."""
    return clean_html(from_markdown(source, context.get("cell", {}).get("attachments", {})))


MOST_CODE, LONGEST_LINE, LONGEST_GAP = 20_000, 500, 100
"""Characters of code that is coloured, of a line and of white space in it: a lexer takes the cube of longer ones."""
_GAP = re.compile(rf"\s{{{LONGEST_GAP}}}")
_colours = Highlight2HTML()


def highlighted(source: str, language: str | None = None, metadata: Any = None) -> str:
    """Code as HTML, coloured as IPython where that is quick. No word of a notebook's about its language is asked for."""
    quick = len(source) <= MOST_CODE and max(map(len, source.split("\n"))) <= LONGEST_LINE and not _GAP.search(source)
    return str(_colours(source)) if quick else f'<div class="highlight"><pre>{escape(source)}</pre></div>'


def metadata_of(output: Any, key: str, mimetype: str | None = None) -> Any:
    """nbconvert's filter, but for sizes that are none: its templates write them without quotation marks."""
    value = get_metadata(output, key, mimetype)
    return value if key not in ("width", "height") or SIZE.match(str(value)) else None


def as_cleaned(html: str) -> str:
    """In the place of nbconvert's last filter, which changes addresses: it made `javascript:` of `files/javascript:`."""
    return html


FILTERS = {
    "clean_html": clean_html, "markdown2html": markdown_as_html, "get_metadata": metadata_of, "highlight_code": highlighted,
    "strip_files_prefix": as_cleaned,
}  # fmt: skip
"""For `HTMLExporter.filters`; with `HTMLExporter.sanitize_html`, which makes the templates use the first."""
