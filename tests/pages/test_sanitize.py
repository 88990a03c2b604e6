"""What stays of HTML, and how much of it is read."""

from __future__ import annotations

import re

import pytest

from autograder.pages import sanitize
from autograder.pages.sanitize import (
    CLASSES,
    MOST_ELEMENTS,
    MOST_TAGS,
    STYLES,
    clean_html,
    clean_part,
    from_markdown,
)

CLEANERS = pytest.mark.parametrize("clean", [clean_html, clean_part])

# --- What it looks like ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "modal-backdrop", "modal", "navbar-fixed-top", "affix", "pull-right", "sr-only", "row", "container", "help",
        "prompt", "save-icon", "score", "tabbable", "marking-head", "wide", "jp-Cell", "output_prompt",
        "out_prompt_overlay", "ansi-", "MODAL",
    ],
)  # fmt: skip
def test_a_class_of_the_pages_own_does_not_stay(name: str) -> None:
    assert name not in CLASSES
    assert clean_html(f'<a class="k {name}&#32;{name}">x</a>') == '<a class="k">x</a>'


@pytest.mark.parametrize(
    "harmless",
    [
        '<div class="highlight"><pre><span class="kn">import</span> <span class="nn">os</span></pre></div>',
        '<table class="dataframe"><thead><tr><th class="col_heading level0 col0">a</th></tr></thead></table>',
        '<span class="ansi-red-intense-fg ansi-bold">x</span>',
        '<p style="color: #a00; margin: 0 1em; padding: .5em; text-align: center">x</p>',
        '<div style="height: 20em; overflow: auto">x</div>',
        '<span style="color: var(--jp-info-color1,currentColor)">x</span>',
        '<a href="https://example.org/">w</a><a href="mailto:x@example.org">x</a><a href="#there">y</a><a href="notes.txt">z</a>',
        '<img src="data:image/png;base64,iVBORw0KGgo=" alt="x"><h2>x</h2><ul><li><code>y</code></li></ul>',
        '<ol start="3"><li>x</li></ol><p lang="nb">x</p><table><tbody><tr><td align="right">x</td></tr></tbody></table>',
    ],
)
def test_what_markdown_pygments_and_pandas_write_stays(harmless: str) -> None:
    assert clean_html(harmless) == harmless


@pytest.mark.parametrize(
    "style",
    [
        "position:fixed", "position:absolute;top:0", "POSITION : sticky", "inset:0", "top:0", "z-index:9", "float:right",
        "clear:both", "transform:scale(9)", "translate:9px", "scale:9", "rotate:1deg", "opacity:0", "visibility:hidden",
        "clip-path:inset(0)", "display:none", "display:contents", "display:grid", "display:flex", "display:-webkit-box",
        "margin:-9px", "margin-top:-1px", "margin:0 0 -9px", "text-indent:-9px", "letter-spacing:-9px", "line-height:0",
        "width:100vw", "width:9999px", "height:99vh", "width:calc(1px*999)", "width:min(1px)", "font-size:99px",
        "font-size:9em", "font-size:1.2em", "font-size:200%", "font-size:0", "font-size:larger", "font:99px x",
        "vertical-align:-999px", "padding:9999px", "border:999px solid red", "border-image:x", "outline:99px solid",
        "box-shadow:0 0 0 99px red", "filter:blur(1px)", "background:url(//x)", "background-color:url(//x)",
        "background-image:url(//x)", "color:url(//x)", "list-style:url(//x)", "cursor:none", "pointer-events:none",
        "content:'x'", "animation:x 1s", "transition:all 1s", "overflow:visible", "overflow:scroll;height:1px",
        "height:1px", "columns:9", "all:unset", "zoom:9", "position-anchor:--x", "mask:url(x)", "width:var(--x)",
        "color:var(--x)", "writing-mode:vertical-rl", "direction:rtl", "unicode-bidi:bidi-override",
        "color:red\\;position:fixed", "col\\6fr:red", "--x:1px", "width:expression(alert(1))", "white-space:break-spaces",
        "height:1px;height:/**/2px", "height:1px;overflow:hidden visible",
    ],
)  # fmt: skip
@pytest.mark.parametrize("more", ["", "; color:red"])
def test_a_style_that_moves_covers_or_fetches_does_not_stay(style: str, more: str) -> None:
    cleaned = clean_html(f'<div style="{style}{more}">x</div>')
    assert cleaned in ("<div>x</div>", '<div style="color: red">x</div>', '<div style="overflow: hidden">x</div>')


def test_a_height_stays_only_where_what_is_higher_does_not_flow_out() -> None:
    assert clean_html('<p style="height:1px;overflow:hidden">x</p>') == '<p style="height: 1px; overflow: hidden">x</p>'
    assert clean_html('<p style="overflow:hidden;overflow:visible;height:1px">x</p>') == (
        '<p style="overflow: hidden; height: 1px">x</p>'
    )
    assert clean_html('<p style="overflow:hidden visible;height:1px">x</p>') == "<p>x</p>"


@pytest.mark.parametrize(
    "attribute",
    [
        "id=x", "name=x", "target=_top", "data-toggle=modal", "data-link=x", "onclick=x", "tabindex=1", "accesskey=s",
        "role=dialog", "role=button", "aria-modal=true", "aria-hidden=x", "contenteditable", "draggable=true", "hidden",
        "popover", "align=right", "background=x", "bgcolor=red", "is=x", "slot=x", "srcset='//x 2x'", "usemap=#x",
        "ping=//x", "autofocus", "dir=rtl",
    ],
)  # fmt: skip
@pytest.mark.parametrize("tag", ["div", "a", "table", "img", "span"])
def test_an_attribute_that_does_something_does_not_stay(tag: str, attribute: str) -> None:
    assert attribute.partition("=")[0] not in clean_html(f"<{tag} {attribute}></{tag}>")


def test_no_style_that_may_be_told_names_a_place() -> None:
    assert not {*STYLES} & {
        "position",
        "top",
        "left",
        "right",
        "bottom",
        "inset",
        "z-index",
        "float",
        "transform",
        "opacity",
    }


def test_what_may_not_stay_is_shown_as_text() -> None:
    assert clean_html("<script>x()</script><form><b>y</b>") == "&lt;script&gt;x()&lt;/script&gt;&lt;form&gt;<b>y</b>"


@CLEANERS
@pytest.mark.parametrize(
    "text", ["</div></div><p>x", "<b><p>x</b>y", "a & b < c", "<table><b>x", "<a href='//x'>y", "<p alt='<h2>'>"]
)
def test_what_is_clean_stays_as_it_is(clean: object, text: str) -> None:
    assert callable(clean)
    once = clean_html(text)
    assert clean_html(once) == once


def test_a_part_brings_no_heading_and_no_look_and_describes_its_images() -> None:
    picture = "data:image/png;base64,eA=="
    text = f'<h2 class="k" style="color:red">a</h2><img src="{picture}"><img src="//x" alt="a &quot;b&quot; <h1>">'
    assert clean_part(text, image="an image") == (
        f'<p><strong>a</strong></p><img src="{picture}" alt="an image">a &quot;b&quot; <h1>'.replace(
            "<h1>", "&lt;h1&gt;"
        )
    )


def test_a_table_of_a_part_scrolls_in_a_box_with_a_name() -> None:
    box = '<div class="wide" tabindex="0" role="group" aria-label="a &quot;b&quot;">'
    assert (
        clean_part("<table><tr><td>x", table='a "b"') == f"{box}<table><tbody><tr><td>x</td></tr></tbody></table></div>"
    )


# --- How much is read ------------------------------------------------------------------------------------------------

HOSTILE = {
    "deep boxes": "<div>" * 30_000,
    "deep tables": "<table><tr><td>" * 8_000,
    "deep lists": "<ul><li>" * 10_000,
    "deep emphasis": "<b>" * 30_000,
    "links within links": "<p><a href=x>" * 10_000,
    "unknown elements": "<x>" * 20_000,
    "what a table throws out": "<table>" + "<b>x" * 10_000,
    "only ends": "</p></b></x>" * 10_000,
    "drawings": "<svg><g>" * 10_000,
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(20_000)) + ">",
    "styles": "<p style='" + "color:red;" * 20_000 + "'>",
    "a style's value": "<p style='font-family:" + "a, " * 20_000 + "'>",
    "classes": "<p class='" + "k " * 50_000 + "'>",
    "less-than signs": "<" * 500_000,
    "a comment that does not end": "<!--" * 50_000,
}


@CLEANERS
@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_page_is_read_and_does_not_grow(what: str, clean: object) -> None:
    assert callable(clean)
    assert len(clean(HOSTILE[what])) <= 30 * len(HOSTILE[what])


@pytest.mark.parametrize("tag", ["b", "FONT", "code", "nobr", "i/"])
def test_elements_that_are_opened_again_in_each_paragraph_do_not_multiply(tag: str) -> None:
    opened = "".join(f"<{tag} title={n}>" for n in range(2_000))
    cleaned = clean_html(f"<p>{opened}</p>" + "<p>x</p>" * 5_000)
    assert cleaned.count("<") < MOST_ELEMENTS
    assert cleaned.count("<p>x</p>") == 5_000


def test_what_is_left_of_such_elements_makes_no_new_ones() -> None:
    assert "<b>" not in sanitize._bounded("<<b>b>x" * 20_000)


def test_a_page_of_too_many_elements_is_shown_as_text() -> None:
    assert re.search("<", clean_html("<p>x" * (MOST_TAGS + 1))) is None


def test_a_table_of_five_thousand_rows_stays_a_table() -> None:
    rows = "<tr><th>1</th><td>0.5</td><td>x</td></tr>" * 5_000
    table = f'<table class="dataframe"><tbody>{rows}</tbody></table>'
    assert clean_html(table) == table


@pytest.mark.parametrize(
    "text", ["> " * 5_000 + "x", "[" * 5_000, "*a **a " * 2_000, "- " * 3_000 + "x", "`" * 5_000, "$" * 5_001]
)
def test_hostile_markdown_is_read(text: str) -> None:
    assert clean_html(from_markdown(text))


@pytest.mark.parametrize("begins", [r"\\(", r"\\[", r"\begin{a}"])
def test_a_text_of_formulas_without_end_is_shown_as_it_was_written(begins: str) -> None:
    assert from_markdown("<" + begins * 20_000) == f"<pre>&lt;{begins * 20_000}</pre>"


def test_a_text_of_many_formulas_stays_markdown() -> None:
    assert from_markdown(r"*a* \\(x\\) \\[y\\] " * 100).startswith("<p><em>a</em>")
