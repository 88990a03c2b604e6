"""A notebook as a page of nbgrader's can show it: built anew, of nothing but what the templates show.

nbconvert's templates believe a notebook. An address in an output's metadata is fetched, a tag is written as a class of the page,
and a widget or a number that is none ends the page for whoever marks. So a page gets a copy with known parts alone, of a
bounded size; what the parts say is cleaned by `sanitize.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.course.profile import Language
from autograder.pages.marking import cut, shortened
from autograder.submissions.cells import marks_of
from autograder.submissions.repair_read import CELL_ID, fresh_id
from autograder.words.marking import MARKING
from autograder.words.tables import say

MAX_PAGE = 2_000_000
"""Characters of what cells hold that a page shows, pictures not counted; of later cells only marks and place are left."""
GRADE_ID = re.compile(r"[A-Za-z0-9_-]*")
"""nbgrader's templates write it into the page as it is."""


def as_shown(nb: NotebookNode, language: Language) -> NotebookNode:
    """A valid notebook with the same cells in the same places, whose texts are cut where they are too long for a page."""
    rest, room, cells, ids = say(MARKING["cut"], language), MAX_PAGE, [], set[str]()
    for number, cell in enumerate(nb.cells):
        shown = {"id": _id(cell, number, ids), **_cell(cell, rest, language, room > 0)}
        room -= len(shown["source"]) + sum(_size(output) for output in shown.get("outputs", ()))
        cells.append(shown)
    language_info = nb.metadata.get("language_info")
    name = language_info.get("name") if isinstance(language_info, Mapping) else None
    about = {"language_info": {"name": name}} if isinstance(name, str) else {}
    return nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": about, "cells": cells})


def _cell(cell: NotebookNode, rest: str, language: Language, room: bool) -> dict[str, Any]:
    source = cut(str(cell.get("source", "")), rest) if room else rest.lstrip()
    kind = cell.cell_type if cell.cell_type in ("code", "markdown") else "raw"
    shown: dict[str, Any] = {"cell_type": kind, "metadata": _marks(cell), "source": source}
    if kind == "code":
        outputs = shortened(cell.get("outputs", []), language, stderr=True) if room else []
        count = cell.get("execution_count")
        return {**shown, "execution_count": count if type(count) is int else None, "outputs": outputs}
    return {**shown, "attachments": _attached(cell.get("attachments"))} if kind == "markdown" else shown


def _id(cell: NotebookNode, number: int, taken: set[str]) -> str:
    """A cell's id; one of its own where it has none that can be one, as in formats before 4.5."""
    given = cell.get("id")
    if isinstance(given, str) and CELL_ID.fullmatch(given) and given not in taken:
        taken.add(given)
        return given
    return fresh_id(f"cell-{number}", taken)


def _attached(raw: object) -> dict[str, dict[str, str]]:
    """A cell's images, by name and form."""
    bundles = (
        {name: bundle for name, bundle in raw.items() if isinstance(bundle, Mapping)}
        if isinstance(raw, Mapping)
        else {}
    )
    return {
        name: {kind: data for kind, data in bundle.items() if isinstance(data, str)} for name, bundle in bundles.items()
    }


def _marks(cell: NotebookNode) -> dict[str, Any]:
    """A cell's marks for grading, where they are some."""
    marks = marks_of(cell)
    right = isinstance(marks.get("grade_id", ""), str) and GRADE_ID.fullmatch(marks.get("grade_id", ""))
    return {"nbgrader": marks} if marks and right else {}


def _size(output: NotebookNode) -> int:
    """Characters that are no picture."""
    data = output.get("data", {})
    texts = [output.get("text", ""), *output.get("traceback", ())]
    return sum(map(len, texts)) + sum(len(value) for kind, value in data.items() if not kind.startswith("image/"))
