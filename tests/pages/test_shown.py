"""nbgrader's own page of whatever a notebook holds: it is made, quickly, and holds nothing that is alive or fetched."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from autograder.pages.feedback import _Writer
from autograder.pages.marking import MAX_TEXT
from autograder.pages.sanitize import FILTERS
from autograder.pages.shown import MAX_PAGE, as_shown
from autograder.plugins.formgrader import TEMPLATE

EVIL = "https://x.example/evil"


def notebook(*cells: dict[str, Any], **metadata: Any) -> NotebookNode:
    """A notebook as a student's file, or a kernel, may make it: nothing of it is validated."""
    every = {"metadata": {}, "source": "1"}
    made = [{**every, "id": f"cell-{n}", **cell} for n, cell in enumerate(cells)]
    return nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made})


def code(source: str = "1", *outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": list(outputs), "execution_count": 1, **more}


def text(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": source, **more}


def shown(metadata: dict[str, Any] | None = None, **data: Any) -> dict[str, Any]:
    """An output; `__` in the name of a form is a slash, `_` a dash."""
    forms = {kind.replace("__", "/").replace("_", "-"): value for kind, value in data.items()}
    return {"output_type": "display_data", "data": forms, "metadata": metadata or {}}


MARKS = {"schema_version": 3, "grade": True, "solution": False, "locked": True, "task": False, "points": 1}
WIDGET = {"application/vnd.jupyter.widget-view+json": "x"}
HOSTILE = {
    "a link that files/ stands before": notebook(
        text("[x](files/javascript:evil) <a href='/files/javascript:evil'>y</a> <a href=files/javascript:evil>z</a>")
    ),
    "an attachment that is not there": notebook(text("![x](attachment:x.png)")),
    "an attachment without a form": notebook(text("![x](attachment:x.png)", attachments={"x.png": {}})),
    "an attachment that is a page": notebook(
        text("![x](attachment:x)", attachments={"x": {"text/html": "PHNjcmlwdD4="}})
    ),
    "attachments that are none": notebook(text("![x](attachment:x)", attachments=5)),
    "an attachment that is a number": notebook(text("![x](attachment:x)", attachments={"x": 5, "y": {"image/png": 5}})),
    "cells without ids, or with one": notebook(text("x", id=None), text("y", id="a"), text("z", id="a"), text("z", id="<")),
    "a picture's address in metadata": notebook(code("1", shown({"filenames": {"image/png": EVIL}}, image__png="eA=="))),
    "metadata that is none": notebook(code("1", shown({"image/png": 5, "filenames": 5}, image__png="eA=="))),
    "HTML whose metadata is none": notebook(code("1", shown({"text/html": 5}, text__html="x"))),
    "a page in a frame": notebook(code("1", shown({"text/html": {"isolated": True}}, text__html=f"<img src={EVIL}>"))),
    "a widget that is none": notebook(
        code("1", {"output_type": "display_data", "data": WIDGET, "metadata": {}}), widgets={"x": {}}
    ),
    "widgets, whose scripts are fetched": notebook(code(), widgets={}),
    "a form that is no text": notebook(code("1", shown(text__html={"evil": 1}, image__png=5))),
    "script, a drawing, mermaid": notebook(
        code("1", shown(application__javascript="x"), shown(image__svg="x"), shown(text__vnd="x"))
    ),
    "a class of the page's as a tag": notebook(code(metadata={"tags": ["x modal-backdrop in"]})),
    "tags, mimetypes and magics that are none": notebook(
        code(metadata={"tags": 5, "transient": 5, "magics_language": 5}),
        {"cell_type": "raw", "metadata": {"raw_mimetype": 5}},
    ),
    "a count that is HTML": notebook(code(execution_count="<script>evil</script>")),
    "a kind of cell that is HTML": notebook({"cell_type": "x", "type": "<script>evil</script>"}),
    "a name for a score box that is HTML": notebook(
        code(metadata={"nbgrader": {**MARKS, "grade_id": '"><script>evil</script>'}})
    ),
    "a language that is none": notebook(code(), language_info=5, title=5),
    "a language that is HTML": notebook(code(), language_info={"name": '"><script>evil</script>'}),
}  # fmt: skip


@pytest.fixture(scope="module")
def exporter() -> HTMLExporter:
    """As Formgrader makes it."""
    c = Config()
    c.HTMLExporter.template_name = "formgrade"
    c.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    c.HTMLExporter.template_file = str(TEMPLATE)
    c.HTMLExporter.sanitize_html = True
    c.HTMLExporter.filters = dict(FILTERS)
    return HTMLExporter(config=c)


def page_of(nb: NotebookNode, exporter: HTMLExporter) -> str:
    """The page, without the head that is nbgrader's."""
    resources = {"base_url": "", "submission_id": "s", "index": 0, "total": 1, "metadata": {"path": "", "name": "n"}}
    page, _ = exporter.from_notebook_node(as_shown(nb, "en"), resources=resources)
    return str(page).partition('id="notebook-container"')[2]


@pytest.mark.parametrize("what", HOSTILE)
def test_whatever_a_notebook_holds_its_page_is_made_and_nothing_in_it_is_alive(
    what: str, exporter: HTMLExporter
) -> None:
    page = page_of(HOSTILE[what], exporter)
    assert not re.search(r'(?i)<script|<iframe|="javascript:|unpkg|modal-backdrop', page)
    assert EVIL not in re.sub(r"&lt;.*?&gt;", "", page)


def test_an_ordinary_notebook_is_shown_as_it_is(exporter: HTMLExporter) -> None:
    result = {**shown(text__plain="2"), "output_type": "execute_result", "execution_count": 1}
    told = {"output_type": "stream", "name": "stderr", "text": "a warning"}
    marks = {"nbgrader": {**MARKS, "grade_id": "sum"}}
    page = page_of(notebook(text("# Sums"), code("%env A=1\n1+1", told, result, metadata=marks)), exporter)
    for part in (
        "<h1>Sums</h1>",
        "a warning",
        "Out[1]:",
        'id="sum"',
        '<span class="o">%</span><span class="k">env</span>',
    ):
        assert part in page


@pytest.mark.parametrize("source", ["\n " * 100_000, "a." * 100_000, "." * 100_000, "_" * 100_000 + "?", "\n " * 9_000])
def test_code_that_a_lexer_takes_long_over_is_shown_without_colours(source: str, exporter: HTMLExporter) -> None:
    assert '<div class="highlight"><pre>' in page_of(notebook(code(source)), exporter)


def test_what_is_too_long_for_a_page_is_cut_and_the_cut_is_told() -> None:
    long = "x" * (MAX_TEXT + 1)
    cells = as_shown(notebook(*[text(long)] * (MAX_PAGE // MAX_TEXT + 5)), "en").cells
    assert sum(len(cell.source) for cell in cells) < MAX_PAGE + 2 * MAX_TEXT
    assert all(cell.source.endswith("the rest is left out here.") for cell in cells)


def test_an_image_that_is_not_there_ends_no_page_of_feedback() -> None:
    cell = nbformat.from_dict({**text("![a ship](attachment:x.png)"), "metadata": {}})
    assert "a ship" in _Writer("en", ()).source(cell).body
