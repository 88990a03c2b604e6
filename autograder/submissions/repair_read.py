"""From a submitted file to a notebook that nbformat accepts, and what was mended on the way.

Every part is built anew from what is known to be right, so that nothing a student's file holds can trip the steps that
follow. What is no part of a notebook is left out. Marks for grading (`metadata.nbgrader`) pass as they are: `repair.py`
knows the release and sets them right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.submissions.repair_json import AROUND, CONFLICT, Repair, Unreadable, parsed, sides, text_of

MAX_BYTES = 32 * 1024**2
"""The worst that can be written in as many takes seconds, and 1.5 GB of memory, to read."""
MAX_BRACKETS = 2_000_000
"""Lists and objects: an empty one takes some 60 bytes of memory for two in the file."""
MAX_CELLS = 5_000
MAX_OUTPUTS = 20_000
"""Of the whole notebook; what comes after is left out."""
MAX_TAGS = 100
"""Of a cell: a validator that holds each against all others took minutes for a million."""
MAX_DEPTH = 50
"""Of what is nested in a cell's metadata or outputs; what is deeper is left out."""

CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
JSON_TYPE = re.compile(r"application/(.*\+)?json")
HALF_PAIR = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which JSON's own escapes let through and which no file can be written with."""
OLD_TYPES = {
    "text": "text/plain", "html": "text/html", "svg": "image/svg+xml", "png": "image/png", "jpeg": "image/jpeg",
    "latex": "text/latex", "json": "application/json", "javascript": "application/javascript",
}  # fmt: skip
"""What formats before 4 call the types of an output."""


def read_notebook(data: bytes) -> tuple[NotebookNode, list[Repair]]:
    """A notebook of format 4.5 that nbformat's validator accepts, and what was mended to get it.

    Where a key stands twice, the last one counts, as in Jupyter. Raises Unreadable.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable("large")
    if data.count(b"[") + data.count(b"{") > MAX_BRACKETS:
        raise Unreadable("nested")
    text, kinds = text_of(data)
    if not text:
        raise Unreadable("empty")
    try:
        nb, more = _notebook(*parsed(text))
    except Unreadable as error:
        if error.kind != "broken" or not CONFLICT.search(text):
            raise
        nb, more = _merged(*sides(text))
        more = ["conflict", *more]
    return nb, [Repair(kind=kind) for kind in dict.fromkeys([*kinds, *more])]


def _merged(ours: str, theirs: str) -> tuple[NotebookNode, list[str]]:
    """Our side, where the other has the same code and text. Raises Unreadable where it has not, or cannot be read."""
    try:
        first, second = (_notebook(*parsed(side.strip(AROUND))) for side in (ours, theirs))
    except Unreadable:
        raise Unreadable("conflict") from None
    written, others = ([(cell.cell_type, cell.source) for cell in nb.cells] for nb, _ in (first, second))
    if written != others:
        raise Unreadable("conflict")
    return first


# From JSON to a notebook


def _notebook(raw: Any, kinds: list[str]) -> tuple[NotebookNode, list[str]]:
    """A valid notebook out of any JSON value. Raises Unreadable where it is none."""
    found, old = _cells_of(raw)
    if len(found) > MAX_CELLS:
        raise Unreadable("cells")
    kinds = [*kinds, "old-format"] if old else [*kinds]
    real = [cell for cell in found if isinstance(cell, dict)]
    if found and not real:
        raise Unreadable("not-a-notebook")
    if len(real) < len(found):
        kinds.append("not-cells")
    cells, outputs = [_cell(cell, old) for cell in real], MAX_OUTPUTS
    for cell, given in zip(cells, real, strict=True):
        if cell["cell_type"] == "code":
            cell["outputs"], whole = _outputs(given.get("outputs"), outputs)
            outputs -= len(cell["outputs"])
            kinds += [] if whole else ["outputs"]
    _give_ids(cells)
    nb = nbformat.from_dict(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": _dict(_clean(raw.get("metadata"))), "cells": cells}
    )
    return nb if _valid(nb) else _reduced(nb), kinds


def _cells_of(raw: Any) -> tuple[list[Any], bool]:
    """The cells, and whether they are written in a format before 4."""
    if isinstance(raw, dict):
        version = raw.get("nbformat")
        if isinstance(raw.get("cells"), list):
            return raw["cells"], isinstance(version, int) and version < 4
        if isinstance(raw.get("worksheets"), list):
            sheets = [_dict(sheet).get("cells") for sheet in raw["worksheets"]]
            return [cell for cells in sheets if isinstance(cells, list) for cell in cells], True
    raise Unreadable("not-a-notebook")


def _cell(raw: dict[str, Any], old: bool) -> dict[str, Any]:
    """A cell of format 4.5, but for its outputs and for an id that no other cell has."""
    kind, source = raw.get("cell_type"), _source(raw, old)
    if kind == "heading":
        level = _count(raw.get("level")) or 1
        source = f"{'#' * min(level, 6)} {' '.join(source.splitlines())}"
    metadata = _dict(_clean(raw.get("metadata")))
    if isinstance(metadata.get("tags"), list):
        metadata["tags"] = metadata["tags"][:MAX_TAGS]
    cell = {"id": raw.get("id") or metadata.get("id"), "metadata": metadata, "source": source}  # Colab has it there
    if kind == "code" or (kind is None and "outputs" in raw):
        count = raw.get("execution_count", raw.get("prompt_number"))
        return {**cell, "cell_type": "code", "execution_count": _count(count), "outputs": []}
    cell["cell_type"] = "markdown" if kind in ("markdown", "heading", "html", "text") else "raw"
    attached = {
        name: _bundle(bundle) for name, bundle in _dict(raw.get("attachments")).items() if isinstance(bundle, dict)
    }
    return {**cell, "attachments": _clean(attached)} if attached else cell


def _source(raw: dict[str, Any], old: bool) -> str:
    """A cell's text, under the name it has in any format, with Unix line ends."""
    names = ("source", "input", "code", "text") if old else ("source", "input")
    value = next((raw[name] for name in names if raw.get(name) is not None), "")
    text: str = _clean(_joined(value, old) or "")
    return text.replace("\r\n", "\n")


def _joined(value: Any, old: bool = False) -> str | None:
    """Text out of a text or a list of lines; None for anything else."""
    if isinstance(value, list):
        lines = [line for line in value if isinstance(line, str)]
        cut = old and bool(lines) and not lines[0].endswith("\n")  # some wrote lines without their ends
        return ("\n" if cut else "").join(lines)
    return value if isinstance(value, str) else None


def _outputs(raw: Any, room: int) -> tuple[list[dict[str, Any]], bool]:
    """The outputs that can be read, and whether those are all."""
    if not isinstance(raw, list):
        return [], raw is None
    read = [_output(_clean(output)) for output in raw[:room]]
    kept = [output for output in read if output is not None]
    return kept, len(kept) == len(raw)


def _output(raw: Any) -> dict[str, Any] | None:
    """An output of format 4 with nothing but what belongs there; None where it has not even that."""
    raw = _dict(raw)
    kind = raw.get("output_type")
    if kind == "stream":
        name, text = raw.get("name", raw.get("stream", "stdout")), _joined(raw.get("text"))
        return {"output_type": kind, "name": name, "text": text} if isinstance(name, str) and text is not None else None
    if kind in ("error", "pyerr"):
        name, value, trace = raw.get("ename"), raw.get("evalue"), raw.get("traceback")
        if not (isinstance(name, str) and isinstance(value, str) and isinstance(trace, list)):
            return None
        lines = [line for line in trace if isinstance(line, str)]
        return {"output_type": "error", "ename": name, "evalue": value, "traceback": lines}
    if kind not in ("display_data", "execute_result", "pyout"):
        return None
    data = raw.get("data", {OLD_TYPES[name]: value for name, value in raw.items() if name in OLD_TYPES})
    if not isinstance(data, dict):
        return None
    shown = {"data": _bundle(data), "metadata": _dict(raw.get("metadata"))}
    if kind == "display_data":
        return {"output_type": kind, **shown}
    count = _count(raw.get("execution_count", raw.get("prompt_number")))
    return {"output_type": "execute_result", "execution_count": count, **shown}


def _bundle(raw: dict[str, Any]) -> dict[str, Any]:
    """What an output or an attachment is, by MIME type: any JSON under a JSON type, else text."""
    data = {name: value if JSON_TYPE.fullmatch(name) else _joined(value) for name, value in raw.items()}
    return {name: value for name, value in data.items() if JSON_TYPE.fullmatch(name) or value is not None}


def _clean(value: Any, depth: int = 0) -> Any:
    """A JSON value that is not nested too deeply and can be written as UTF-8."""
    if isinstance(value, str):
        return HALF_PAIR.sub("\ufffd", value)
    if not isinstance(value, dict | list):
        return value
    if depth == MAX_DEPTH:
        return None
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    return {_clean(key): _clean(item, depth + 1) for key, item in value.items()}


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _give_ids(cells: Iterable[dict[str, Any]]) -> None:
    """Leaves each cell an id that is valid and its own; the first with an id keeps it."""
    cells, taken = list(cells), set[str]()
    for cell in cells:
        given = cell["id"]
        right = isinstance(given, str) and CELL_ID.fullmatch(given) and given not in taken
        cell["id"] = given if right else None
        taken |= {given} if right else set()
    for number, cell in enumerate(cells):
        if cell["id"] is None:
            cell["id"] = fresh_id(f"repaired-{number}", taken)


def fresh_id(wanted: str, taken: set[str]) -> str:
    """An id for a cell that none in `taken` has; it is added there."""
    found, number = wanted[:64], 1
    while found in taken:
        number += 1
        found = f"{wanted[:55]}-{number}"
    taken.add(found)
    return found


def _valid(nb: NotebookNode) -> bool:
    try:
        nbformat.validate(nb)
    except Exception:  # a validator may stumble over what it should refuse
        return False
    return True


def _reduced(nb: NotebookNode) -> NotebookNode:
    """The notebook with only that metadata which grading or Jupyter's editor needs, each of the right type."""
    kernel, language = _dict(nb.metadata.get("kernelspec")), _dict(nb.metadata.get("language_info")).get("name")
    texts = {key: value for key, value in kernel.items() if isinstance(value, str)}
    kept: dict[str, Any] = {"kernelspec": texts} if {"name", "display_name"} <= texts.keys() else {}
    kept |= {"language_info": {"name": language}} if isinstance(language, str) else {}
    nb.metadata = nbformat.from_dict(kept)
    for cell in nb.cells:
        raw = cell.metadata
        kept = {key: raw[key] for key in ("nbgrader", "deletable", "editable") if key in raw}
        tags = raw.get("tags") if isinstance(raw.get("tags"), list) else []
        right = [tag for tag in tags if isinstance(tag, str) and re.fullmatch(r"[^,\n]+", tag)]
        kept |= {"tags": list(dict.fromkeys(right))} if right else {}
        cell.metadata = nbformat.from_dict(kept)
    return nb
