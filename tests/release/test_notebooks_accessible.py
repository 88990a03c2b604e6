"""The notebooks that students get: headings in order, words beside every picture, and nothing told by colour alone."""

from __future__ import annotations

import itertools
import re

import nbformat
import pytest
from nbformat import NotebookNode
from test_authoring import PROFILES, ROOT, released

from autograder.judging.contract import NOTEBOOKS
from autograder.words.pages import LAYOUT
from autograder.words.tables import say

BOOKS = {f"{name}, {kind}": nb for kind, profile in PROFILES.items() for name, nb in released(profile).items()}
BOOKS |= {f"{n}, as released": nbformat.read(ROOT / "release" / "chatbot" / f"{n}.ipynb", 4) for n in NOTEBOOKS}
COLOURS = re.compile(
    r"\b(rød|rødt|røde|grønn|grønt|grønne|gul|gult|gule|blå|blått|oransje|red|green|yellow|blue|orange)\b",
    re.IGNORECASE,
)
VAGUE = {"her", "denne", "lenke", "lenken", "here", "this", "link", "click here", "klikk her"}


@pytest.fixture(params=BOOKS.values(), ids=list(BOOKS))
def book(request: pytest.FixtureRequest) -> NotebookNode:
    return request.param


def prose(book: NotebookNode) -> str:
    """The text of a notebook as it is handed out, without blocks of code."""
    text = "\n\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    for left_out in (r"^### BEGIN SOLUTION.*?^### END SOLUTION", r"^```.*?^```"):
        text = re.sub(left_out, "", text, flags=re.MULTILINE | re.DOTALL)
    return text


def test_headings_are_in_order(book: NotebookNode) -> None:
    levels = [len(marks) for marks in re.findall(r"^(#{1,6}) ", prose(book), re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert [pair for pair in itertools.pairwise(levels) if pair[1] > pair[0] + 1] == []


def test_headings_are_not_made_of_bold_text(book: NotebookNode) -> None:
    assert re.findall(r"^\*\*[^*\n]+[^*\n:]\*\*$", prose(book), re.MULTILINE) == []


def test_no_heading_is_empty_and_none_comes_twice(book: NotebookNode) -> None:
    headings = re.findall(r"^#{1,6} *(.*)$", prose(book), re.MULTILINE)
    assert all(heading.strip() for heading in headings)
    assert len(headings) == len(set(headings))


def test_every_picture_has_words_for_it(book: NotebookNode) -> None:
    text = prose(book)
    assert [words for words in re.findall(r"!\[([^\]]*)\]\(", text) if len(words.split()) < 3] == []
    assert [tag for tag in re.findall(r"<img[^>]*>", text) if not re.search(r"""alt=["'][^"']{10,}""", tag)] == []


def test_code_that_is_handed_out_draws_no_picture_of_its_own(book: NotebookNode) -> None:
    """`show_temperature_picture` has its words and its table with it (`kernel/test_notebook_tools.py`)."""
    code = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    assert re.findall(r"matplotlib|\.show\(|Image\(", code) == []


def test_nothing_is_told_by_colour(book: NotebookNode) -> None:
    assert COLOURS.findall(prose(book)) == []


@pytest.mark.parametrize("kind", PROFILES)
def test_the_line_under_a_check_that_failed_is_called_what_it_says(kind: str) -> None:
    line = say(LAYOUT["see-above"], PROFILES[kind].course.language).split(".")[0]
    assert f"*{line}*" in prose(BOOKS[f"chatbot, {kind}"])


def test_every_column_of_a_table_has_a_name(book: NotebookNode) -> None:
    heads = re.findall(r"^\|(.*)\|\n\|[-:| ]+\|$", prose(book), re.MULTILINE)
    assert [head for head in heads for name in head.split("|") if not name.strip()] == []


def test_a_link_says_where_it_leads(book: NotebookNode) -> None:
    links = re.findall(r"(?<!!)\[([^\]]+)\]\([^)]+\)", prose(book))
    assert [text for text in links if text.strip().lower() in VAGUE or text.startswith("http")] == []
