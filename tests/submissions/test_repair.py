"""Repairing a notebook: any file gives a notebook that can be graded or a reason why not, and right work stays as it is.

Broken files and damaged notebooks are tables: a row is what happened to a released notebook, and what is noted. What
holds for every row, and for JSON that nobody would write, is asserted once.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import empty_gradebook
import nbformat
import pytest
from conftest import ROOT
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator, common
from nbgrader.preprocessors import DeduplicateIds, OverwriteCells, SaveCells

from autograder.course.profile import Profile
from autograder.grading.released import notebooks_in
from autograder.judging.contract import NOTEBOOKS
from autograder.submissions import repair_read
from autograder.submissions.cells import grade_id_of
from autograder.submissions.repair import ReleasedCell, Repair, Unreadable, read_notebook, repaired
from autograder.words import grading as words
from autograder.words.tables import say
from trials.classes import answered, reference

RELEASE = ROOT / "release" / "chatbot"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def release(name: str = "chatbot") -> NotebookNode:
    return nbformat.read(RELEASE / f"{name}.ipynb", as_version=4)


RELEASED = {name: released.cells for name, released in notebooks_in(RELEASE).items()}
CELLS = RELEASED["chatbot"]


def as_bytes(nb: Any) -> bytes:
    return json.dumps(nb, indent=1, ensure_ascii=False).encode()


def mended(data: bytes, released: Sequence[ReleasedCell] = CELLS) -> tuple[NotebookNode, list[Repair]]:
    nb, read = read_notebook(data)
    nb, noted = repaired(nb, released, KERNEL)
    return nb, read + noted


def told(repairs: Sequence[Repair]) -> list[str]:
    """What is noted, in short: "moved check-chain"."""
    return [f"{repair.kind} {repair.cell or ''}".strip() for repair in repairs]


def at(nb: NotebookNode, name: str) -> int:
    """Where the marked cell is; it must be there once."""
    (here,) = [n for n, cell in enumerate(nb.cells) if grade_id_of(cell) == name]
    return here


def cell(nb: NotebookNode, name: str) -> NotebookNode:
    return nb.cells[at(nb, name)]


def own(source: str, cell_type: str = "code") -> NotebookNode:
    """A cell that a student has added."""
    new = nbformat.v4.new_code_cell if cell_type == "code" else nbformat.v4.new_markdown_cell
    return new(source)


def code(nb: NotebookNode) -> list[str]:
    return [each.source for each in nb.cells if each.cell_type == "code"]


@pytest.fixture(scope="module", autouse=True)
def schema_checked_once() -> Iterator[None]:
    """nbgrader has its own schema checked anew for every cell: two thirds of what this file would take."""
    validator = common.jsonschema.Draft4Validator
    validator.check_schema(MetadataValidator().schema)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validator, "check_schema", lambda schema: None)
        yield


def can_be_graded(nb: NotebookNode, released: Sequence[ReleasedCell]) -> None:
    """What every repaired notebook is, whatever it was."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nbformat.validate(nb)
    MetadataValidator().validate_nb(nb)
    assert nbformat.reads(nbformat.writes(nb), as_version=4) == nb
    marked = [grade_id_of(each) for each in nb.cells if "nbgrader" in each.metadata]
    assert len(marked) == len(set(marked))
    assert set(marked) <= {mine.grade_id for mine in released}
    for mine in released:
        if mine.grade or mine.locked:
            assert cell(nb, mine.grade_id).metadata.nbgrader == mine.marks
            assert cell(nb, mine.grade_id).cell_type == mine.cell_type
        if mine.fixed:
            assert cell(nb, mine.grade_id).source == mine.source
    assert not any("tags" in each.metadata for each in nb.cells)
    assert nb.metadata.kernelspec == KERNEL
    deduplicated, _ = DeduplicateIds().preprocess(nbformat.from_dict(nb), {})
    assert deduplicated == nb


# Right work


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_untouched_release_is_read_as_nbformat_reads_it_and_needs_no_repair(name: str) -> None:
    data = (RELEASE / f"{name}.ipynb").read_bytes()
    assert read_notebook(data) == (release(name), [])
    nb, notes = mended(data, RELEASED[name])
    assert notes == []
    can_be_graded(nb, RELEASED[name])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_reference_solution_needs_no_repair(name: str, llama: Profile) -> None:
    solved = answered(release(name), reference(ROOT / "source" / "chatbot", llama))
    assert solved != release(name)
    nb, notes = mended(as_bytes(solved), RELEASED[name])
    assert notes == []
    assert code(nb) == code(solved)


def test_what_jupyter_adds_while_one_works_is_kept() -> None:
    nb = release()
    nb.cells[1].metadata |= {"collapsed": True, "scrolled": "auto", "jupyter": {"outputs_hidden": True}, "vscode": {}}
    nb.cells[1].update(execution_count=3, outputs=OUTPUTS)
    nb.cells.insert(2, own("# my own\nhelper = 1"))
    nb.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2}}
    nb = nbformat.from_dict(nb)
    again, notes = read_notebook(as_bytes(nb))
    assert again == nb
    assert notes == []
    assert repaired(again, CELLS, KERNEL)[1] == []


OUTPUTS = [
    {"output_type": "stream", "name": "stderr", "text": "50%|█████     |\r"},
    {"output_type": "display_data", "data": {"text/plain": "<x>", "image/png": "aGVp"}, "metadata": {"a": {"b": 1}}},
    {"output_type": "display_data", "data": {"application/vnd.x+json": [1, {"a": None}]}, "metadata": {}},
    {"output_type": "execute_result", "data": {"text/plain": "3"}, "metadata": {}, "execution_count": 3},
    {"output_type": "error", "ename": "NameError", "evalue": "x", "traceback": ["a", "b"]},
]


# Files


COUNT, SOURCE = b'   "execution_count": null,\n', b'   "source": "show_gpu_memory()"\n'


def conflict(line: bytes, ours: bytes, theirs: bytes) -> bytes:
    """The file with a line of it in conflict."""
    first, rest = as_bytes(release()).split(line, 1)
    return first + b"<<<<<<< HEAD\n" + ours + b"=======\n" + theirs + b">>>>>>> main\n" + rest


WHOLE = as_bytes(release())
TEXT = WHOLE.decode()
OLDER = {3: nbformat.convert(release(), 3)}
OLDER[2] = nbformat.v3.convert.downgrade(nbformat.convert(release(), 3))

READ = {
    # name: (the file, what is noted)
    "as it is": (WHOLE, []),
    "UTF-8 BOM": (b"\xef\xbb\xbf" + WHOLE, ["encoding"]),
    "UTF-16": (TEXT.encode("utf-16"), ["encoding"]),
    "UTF-16 without BOM": (TEXT.encode("utf-16-le"), ["encoding"]),
    "UTF-16 and NULs": (TEXT.encode("utf-16-be") + bytes(6), ["encoding"]),
    "UTF-16 and half a character": (TEXT.encode("utf-16") + b"x", ["encoding", "garbage"]),
    "UTF-32": (TEXT.encode("utf-32"), ["encoding"]),
    "latin-1": (TEXT.replace("→", ">").encode("cp1252", "xmlcharrefreplace"), ["encoding"]),
    "NULs after it": (WHOLE + bytes(4096), []),
    "something after it": (WHOLE + b"\n}\n", ["garbage"]),
    "twice": (WHOLE + WHOLE, ["garbage"]),
    "Windows line ends": (WHOLE.replace(b"\n", b"\r\n"), []),
    "Windows line ends in cells": (WHOLE.replace(rb"\n", rb"\r\n"), []),
    "commas too many": (WHOLE.replace(b"\n  }", b",\n  }").replace(b"\n ]", b" ,\n ]"), ["commas"]),
    "a merge of counts": (conflict(COUNT, b'"execution_count": 1,\n', b'"execution_count": 2,\n'), ["conflict"]),
    "a merge with its base": (conflict(COUNT, b'"execution_count": 1,\n||||||| a\n', b'"execution_count": 2,\n'), ["conflict"]),
    "NaN": (WHOLE.replace(b'"execution_count": null', b'"execution_count": NaN', 1), []),
    "a number without end": (WHOLE.replace(b": null", b": " + b"9" * 100_000, 1), []),
    "a number beyond all": (WHOLE.replace(b": null", b": 1e999", 1), []),
    "a key twice": (WHOLE[:-2] + b', "nbformat": 3, "nbformat": 4}', []),
    "newlines in text": (WHOLE.replace(rb"\n", b"\n"), []),
    "format 3": (as_bytes(OLDER[3]), ["old-format"]),
    "format 2": (as_bytes(OLDER[2]), ["old-format"]),
    "format 4.0": (as_bytes({**release(), "nbformat_minor": 0}), []),
    "format 4.9": (as_bytes({**release(), "nbformat_minor": 9}), []),
    "format 5": (as_bytes({**release(), "nbformat": 5}), []),
    "no format": (as_bytes({key: value for key, value in release().items() if not key.startswith("nb")}), []),
    "no metadata": (as_bytes({key: value for key, value in release().items() if key != "metadata"}), []),
    "something of its own": (as_bytes({**release(), "x": {"y": []}}), []),
    "things among the cells": (as_bytes({**release(), "cells": [1, None, *release().cells, "x", []]}), ["not-cells"]),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_a_file_that_can_be_read_has_all_its_code(name: str) -> None:
    data, noted = READ[name]
    nb, notes = mended(data)
    assert told(notes) == noted
    assert code(nb) == code(release())
    can_be_graded(nb, CELLS)


@pytest.mark.parametrize("name", [n for n in READ if n not in ("format 2", "format 3", "latin-1")])
def test_a_file_that_can_be_read_has_all_its_text(name: str) -> None:
    assert [each.source for each in mended(READ[name][0])[0].cells] == [each.source for each in release().cells]


def test_one_byte_that_is_no_utf8_costs_only_itself() -> None:
    nb = {**release(), "cells": [own("på norsk: æøå →")]}
    data = as_bytes(nb).replace("på".encode(), b"p\xe5")
    assert read_notebook(data)[0].cells[0].source == "på norsk: æøå →"


def test_the_oldest_format_is_read_too() -> None:
    cells = [{"cell_type": "code", "code": "x = 1"}, {"cell_type": "text", "text": "words"}]
    nb, notes = read_notebook(as_bytes({"nbformat": 1, "cells": cells}))
    assert [(each.cell_type, each.source) for each in nb.cells] == [("code", "x = 1"), ("markdown", "words")]
    assert told(notes) == ["old-format"]


def test_outputs_of_an_old_format_are_kept() -> None:
    outputs = [
        {"output_type": "pyout", "prompt_number": 3, "text": ["a\n", "b"], "png": "aGVp", "metadata": {}},
        {"output_type": "stream", "stream": "stderr", "text": "x"},
        {"output_type": "pyerr", "ename": "E", "evalue": "v", "traceback": []},
    ]
    old = {"cell_type": "code", "input": ["x = 1", "x"], "language": "python", "outputs": outputs, "prompt_number": 3}
    nb, _ = read_notebook(as_bytes({"nbformat": 3, "metadata": {}, "worksheets": [{"cells": [old]}]}))
    assert nb.cells[0].source == "x = 1\nx"
    assert nb.cells[0].execution_count == 3
    data = {"text/plain": "a\nb", "image/png": "aGVp"}
    assert nb.cells[0].outputs == [
        {"output_type": "execute_result", "execution_count": 3, "data": data, "metadata": {}},
        {"output_type": "stream", "name": "stderr", "text": "x"},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": []},
    ]


DEEP = b"[" * 100_000
UNREADABLE = {
    # name: (the file, why)
    "nothing": (b"", "empty"),
    "blanks and NULs": (b"\xef\xbb\xbf \r\n\0\0", "empty"),
    "NULs": (bytes(4096), "empty"),
    "half of it": (WHOLE[: len(WHOLE) // 2], "broken"),
    "all but the last byte": (WHOLE.rstrip()[:-1], "broken"),
    "Python": (b"import torch\n", "broken"),
    "a page": (b"<!DOCTYPE html><html></html>", "broken"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "broken"),
    "a Python dict": (repr(dict(release())).encode(), "broken"),
    "only a comma": (b",", "broken"),
    "quotes without end": (b'{"cells": [' + rb"\"" * 50_000, "broken"),
    "a list": (b"[]", "not-a-notebook"),
    "a text": (b'"notebook"', "not-a-notebook"),
    "null": (b"null", "not-a-notebook"),
    "a number": (b"1" * 10_000, "not-a-notebook"),
    "no cells": (b'{"nbformat": 4, "metadata": {}}', "not-a-notebook"),
    "cells that are none": (b'{"cells": {}}', "not-a-notebook"),
    "only things that are no cells": (b'{"cells": [1, "x", null]}', "not-a-notebook"),
    "sheets that are none": (b'{"worksheets": 3}', "not-a-notebook"),
    "nested": (DEEP, "nested"),
    "nested to its end": (b'{"cells": [{"metadata": ' + DEEP + b"]" * len(DEEP) + b"}]}", "nested"),
    "brackets without end": (b"[{}," * 1_000_001, "nested"),
    "cells without end": (b'{"cells": [' + b"{}," * 100_000 + b"{}]}", "cells"),
    "too large": (b" " * (repair_read.MAX_BYTES + 1), "large"),
    "a merge of two answers": (conflict(SOURCE, b'"source": "a"\n', b'"source": "b"\n'), "conflict"),
    "a merge with half a side": (conflict(COUNT, b'"execution_count": 1,\n', b'"execution_count": [\n'), "conflict"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read_says_why(name: str) -> None:
    data, why = UNREADABLE[name]
    with pytest.raises(Unreadable) as caught:
        read_notebook(data)
    assert caught.value.kind == why
    assert caught.value.words == words.UNREADABLE[why]


# Cells of any shape

CODE = {"cell_type": "code", "id": "a", "metadata": {}, "source": "x = 1", "outputs": [], "execution_count": None}
SHAPES = {
    # name: (what a code cell has, what it is then), where "x = 1" is its source
    "source in lines": ({"source": ["x", " = 1"]}, {}),
    "nothing around it": ({"metadata": ..., "outputs": ..., "execution_count": ..., "id": ...}, {"id": "repaired-0"}),
    "source null": ({"source": None}, {"source": ""}),
    "source a number": ({"source": 5}, {"source": ""}),
    "source with numbers": ({"source": ["x = ", 5, "1", None]}, {}),
    "metadata a text": ({"metadata": "x"}, {}),
    "metadata a list": ({"metadata": []}, {}),
    "metadata nested": ({"metadata": {"a": json.loads("[" * 300 + "]" * 300)}}, None),
    "tags a text": ({"metadata": {"tags": "skip-execution"}}, {}),
    "tags twice": ({"metadata": {"tags": ["a", "a", 3, "b,c"]}}, {"metadata": {"tags": ["a"]}}),
    "collapsed a text": ({"metadata": {"collapsed": "yes", "editable": False}}, {"metadata": {"editable": False}}),
    "outputs null": ({"outputs": None}, {}),
    "count a text": ({"execution_count": "3"}, {}),
    "count true": ({"execution_count": True}, {}),
    "count below 0": ({"execution_count": -1}, {}),
    "id a number": ({"id": 3}, {"id": "repaired-0"}),
    "id with a space": ({"id": "a b"}, {"id": "repaired-0"}),
    "id too long": ({"id": "a" * 65}, {"id": "repaired-0"}),
    "id as Colab has it": ({"id": ..., "metadata": {"id": "prompt"}}, {"id": "prompt", "metadata": {"id": "prompt"}}),
    "attachments": ({"attachments": {"a.png": {"image/png": "aGVp"}}}, {}),
    "something of its own": ({"x": {"y": 1}, "input": "other"}, {}),
    "half a character": ({"source": "x = 1\ud800"}, {"source": "x = 1\ufffd"}),
    "no type": ({"cell_type": ...}, {}),
}
TYPES = [("markdown", "markdown"), ("raw", "raw"), ("heading", "markdown"), ("sql", "raw"), (None, "raw"), ([], "raw")]


def changed(change: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**CODE, **change}.items() if value is not ...}


@pytest.mark.parametrize("name", SHAPES)
def test_a_cell_of_any_shape_becomes_one_of_format_4_5(name: str) -> None:
    change, then = SHAPES[name]
    nb, notes = read_notebook(json.dumps({"cells": [changed(change)]}).encode())
    nbformat.validate(nb)
    assert notes == []
    if then is not None:
        assert nb.cells == [{**CODE, **then}]


@pytest.mark.parametrize(("said", "then"), TYPES, ids=str)
def test_a_cell_of_any_type_keeps_its_text(said: Any, then: str) -> None:
    nb, _ = read_notebook(as_bytes({"cells": [{"cell_type": said, "source": "a\nb"}]}))
    nbformat.validate(nb)
    assert nb.cells[0].cell_type == then
    assert nb.cells[0].source.removeprefix("# ").split() == ["a", "b"]


def test_cells_with_one_id_get_one_each() -> None:
    nb, _ = read_notebook(as_bytes({"cells": [CODE, CODE, {**CODE, "id": "repaired-1"}]}))
    assert [each.id for each in nb.cells] == ["a", "repaired-1-2", "repaired-1"]


def test_of_more_tags_than_a_validator_can_compare_some_are_kept() -> None:
    nb, _ = read_notebook(as_bytes({"cells": [{**CODE, "metadata": {"tags": ["a", "skip-execution"] * 1_000_000}}]}))
    assert "skip-execution" in nb.cells[0].metadata.tags
    assert len(nb.cells[0].metadata.tags) <= repair_read.MAX_TAGS


WRONG_OUTPUTS = [
    None, "x", {}, {"output_type": "stream"}, {"output_type": "stream", "name": 3, "text": "x"},
    {"output_type": "stream", "name": "stdout", "text": 3}, {"output_type": "display_data", "data": "x"},
    {"output_type": "error", "ename": 1, "evalue": "", "traceback": []}, {"output_type": []},
    {"output_type": "error", "ename": "", "evalue": "", "traceback": "x"}, {"output_type": "update_display_data"},
]  # fmt: skip


@pytest.mark.parametrize("output", WRONG_OUTPUTS, ids=str)
def test_an_output_of_no_shape_is_left_out_and_noted(output: Any) -> None:
    nb, notes = read_notebook(as_bytes({"cells": [{**CODE, "outputs": [OUTPUTS[0], output, OUTPUTS[3]]}]}))
    nbformat.validate(nb)
    assert nb.cells[0].outputs == [OUTPUTS[0], OUTPUTS[3]]
    assert told(notes) == ["outputs"]


@pytest.mark.slow
def test_outputs_without_end_are_cut() -> None:
    cells = [{**CODE, "id": f"a{n}", "outputs": [OUTPUTS[0]] * 15_000} for n in range(2)]
    nb, notes = read_notebook(as_bytes({"cells": cells}))
    assert sum(len(each.outputs) for each in nb.cells) == repair_read.MAX_OUTPUTS
    assert told(notes) == ["outputs"]


# What happened to a notebook

Damage = Callable[[NotebookNode], None]


def damaged(*damages: Damage, answers: bool = True) -> NotebookNode:
    """The release, answered in each solution cell, and then changed."""
    nb = release()
    for mine in CELLS if answers else ():
        if mine.solution:
            cell(nb, mine.grade_id).source = f"# {mine.grade_id}: my answer"
    for damage in damages:
        damage(nb)
    return nb


def marks(name: str, value: Any) -> Damage:
    """Other marks; none with `...`."""

    def damage(nb: NotebookNode) -> None:
        found = cell(nb, name).metadata
        found.pop("nbgrader") if value is ... else found.update(nbgrader=value)

    return damage


def mark(name: str, **change: Any) -> Damage:
    return lambda nb: cell(nb, name).metadata.nbgrader.update(change)


def new_id(name: str) -> Damage:
    return lambda nb: cell(nb, name).update(id="another")


def text(name: str, source: str) -> Damage:
    return lambda nb: cell(nb, name).update(source=source)


def deleted(*names: str) -> Damage:
    def damage(nb: NotebookNode) -> None:
        nb.cells = [each for each in nb.cells if grade_id_of(each) not in names]

    return damage


def moved(name: str, before: str | None) -> Damage:
    def damage(nb: NotebookNode) -> None:
        taken = nb.cells.pop(at(nb, name))
        nb.cells.insert(len(nb.cells) if before is None else at(nb, before), taken)

    return damage


def copied(name: str, source: str | None = None) -> Damage:
    """A copy as Jupyter makes it, behind the first of them and with an id of its own."""

    def damage(nb: NotebookNode) -> None:
        here = next(n for n, each in enumerate(nb.cells) if grade_id_of(each) == name)
        copy = nbformat.from_dict({**nb.cells[here], "id": f"copy-{len(nb.cells)}"})
        copy.source = copy.source if source is None else source
        nb.cells.insert(here + 1, copy)

    return damage


def retyped(name: str, cell_type: str) -> Damage:
    def damage(nb: NotebookNode) -> None:
        here = at(nb, name)
        kept = {key: nb.cells[here][key] for key in ("id", "metadata", "source")}
        code_has = {"outputs": [], "execution_count": None} if cell_type == "code" else {}
        nb.cells[here] = nbformat.from_dict({**kept, "cell_type": cell_type, **code_has})

    return damage


def tagged(name: str, *tags: str) -> Damage:
    return lambda nb: cell(nb, name).metadata.update(tags=list(tags))


def inserted(source: str, after: str, **metadata: Any) -> Damage:
    def damage(nb: NotebookNode) -> None:
        new = own(source)
        new.metadata.update(metadata)
        nb.cells.insert(at(nb, after) + 1, new)

    return damage


def kernel(**kernelspec: Any) -> Damage:
    return lambda nb: nb.metadata.update(kernelspec={**KERNEL, **kernelspec})


FORGED = {"grade_id": "x-1", "grade": True, "solution": False, "locked": True, "points": 100, "schema_version": 3}
IDLE = {"grade_id": "cell-1f", "grade": False, "solution": False, "locked": False, "schema_version": 3}
DAMAGES = {
    # name: (what happened, what is noted)
    "nothing": ([], []),
    # Marks
    "marks gone, id there": ([marks("check-chain", ...)], ["marks check-chain"]),
    "marks of a solution gone": ([marks("chain", ...)], ["marks chain"]),
    "marks of a text gone": ([marks("memory", ...)], ["marks memory"]),
    "marks and id of a locked cell gone": ([new_id("check-chain"), marks("check-chain", ...)], ["marks check-chain"]),
    "marks a text": ([marks("check-chain", "x")], ["marks check-chain"]),
    "marks a list": ([marks("check-chain", [1])], ["marks check-chain"]),
    "marks empty": ([marks("check-chain", {})], ["marks check-chain"]),
    "marks null": ([marks("check-chain", None)], ["marks check-chain"]),
    "marks of wrong types": ([mark("check-chain", grade=[], points="x", locked={})], ["marks check-chain"]),
    "marks as of old": ([marks("check-chain", {"grade_id": "check-chain", "grade": True, "points": 2})],
                        ["marks check-chain"]),
    "old schema": ([mark("check-chain", schema_version=1)], []),
    "new schema": ([mark("check-chain", schema_version=99)], []),
    "schema a text": ([mark("check-chain", schema_version="x")], []),
    "more points": ([mark("check-chain", points=100)], ["marks check-chain"]),
    "points below 0": ([mark("check-chain", points=-1)], ["marks check-chain"]),
    "points not a number": ([mark("check-chain", points=float("nan"))], ["marks check-chain"]),
    "unlocked": ([mark("check-chain", locked=False)], ["marks check-chain"]),
    "a solution now": ([mark("check-chain", solution=True)], ["marks check-chain"]),
    "not graded": ([mark("check-chain", grade=False)], ["marks check-chain"]),
    "graded solution": ([mark("chain", grade=True, points=5)], ["marks chain"]),
    "another checksum": ([mark("check-chain", checksum="0" * 32)], []),
    "an odd checksum": ([mark("check-chain", checksum=3)], []),
    "extra keys": ([mark("check-chain", x=1)], []),
    "another grade id": ([mark("check-chain", grade_id="check-x")], ["marks check-chain"]),
    "grade id a list": ([mark("check-chain", grade_id=["x"])], ["marks check-chain"]),
    "forged marks": ([inserted("x = 1", "chain", nbgrader=FORGED)], ["foreign-marks"]),
    "idle marks": ([inserted("x = 1", "chain", nbgrader=IDLE)], []),
    "a helper that calls a check": ([inserted('check("check-chain")', "chain")], []),
    # Copies
    "a check twice": ([copied("check-chain")], ["duplicate check-chain"]),
    "a check twice, the last changed": ([copied("check-chain", "print(1)")], ["duplicate check-chain"]),
    "a solution twice": ([copied("chain", "y = 2")], ["duplicate chain"]),
    "a solution in three parts": ([copied("chain", "y = 2"), copied("chain", "z = 3")], ["duplicate chain"]),
    "a text twice": ([copied("memory", "More.")], ["duplicate memory"]),
    # Deleted
    "a check deleted": ([deleted("check-chain")], ["put-back check-chain"]),
    "a solution deleted": ([deleted("chain")], []),
    "both deleted": ([deleted("chain", "check-chain")], ["put-back check-chain"]),
    "a text deleted": ([deleted("memory")], ["put-back memory"]),
    "the first deleted": ([deleted("setup")], ["put-back setup"]),
    "all deleted": ([lambda nb: nb.update(cells=[])],
                    [f"put-back {mine.grade_id}" for mine in CELLS if mine.grade or mine.locked]),
    # Moved
    "a check first": ([moved("check-chain", "setup")], ["moved check-chain"]),
    "a check last": ([moved("check-chain", None)], ["moved check-chain"]),
    "a check before its solution": ([moved("check-chain", "chain")], ["moved check-chain"]),
    "a check behind the next solution": ([moved("check-chain", "check-who-are-you")], ["moved check-chain"]),
    "a check a little later": ([moved("check-chain", "who-are-you")], []),
    "a solution last": ([moved("chain", None)], ["moved check-chain"]),
    "a text first": ([moved("memory", "setup")], []),
    "setup last": ([moved("setup", None)], []),
    "code between": ([inserted("x = 1", "chain")], []),
    # Types, locked text, tags, kernel
    "a check as text": ([retyped("check-chain", "markdown")], ["retyped check-chain"]),
    "a check raw": ([retyped("check-chain", "raw")], ["retyped check-chain"]),
    "a solution as text": ([retyped("chain", "markdown")], ["retyped chain"]),
    "an answer as code": ([retyped("memory", "code")], ["retyped memory"]),
    "a check changed": ([text("check-chain", "print('passed')")], ["locked check-chain"]),
    "a check with blanks": ([text("check-chain", 'check("check-chain")\n\n')], []),
    "a check emptied": ([text("check-chain", "")], ["locked check-chain"]),
    "a check not run": ([tagged("check-chain", "skip-execution")], ["skipped check-chain"]),
    "a solution not run": ([tagged("chain", "skip-execution", "x")], ["skipped chain"]),
    "own cells not run": ([inserted("x", "chain", tags=["skip-execution"]), inserted("y", "chain", tags=["skip-execution"])],
                          ["skipped-own"]),
    "other tags": ([tagged("chain", "hide-input"), tagged("check-chain")], []),
    "another kernel": ([kernel(name="llm")], ["kernel"]),
    "another language": ([kernel(name="ir", language="R")], ["kernel"]),
    "another name to show": ([kernel(display_name="Mine")], []),
    "no kernel": ([lambda nb: nb.update(metadata={})], []),
    # Several at once
    "a check deleted, its solution last": ([deleted("check-chain"), moved("chain", None)], ["put-back check-chain"]),
    "a check copied, moved, as text": ([copied("check-chain"), lambda nb: nb.cells.reverse()],
                                       ["duplicate check-chain", *(f"moved {mine.grade_id}" for mine in CELLS if mine.check)]),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_notebook_can_be_graded_and_says_what_was_mended(name: str) -> None:
    damages, noted = DAMAGES[name]
    nb, notes = mended(as_bytes(damaged(*damages)))
    assert told(notes) == noted
    can_be_graded(nb, CELLS)


@pytest.mark.parametrize("name", DAMAGES)
def test_each_check_of_a_damaged_notebook_follows_its_solution(name: str) -> None:
    nb, _ = mended(as_bytes(damaged(*DAMAGES[name][0])))
    there = [grade_id_of(each) for each in nb.cells]
    for solution in there:
        if f"check-{solution}" in there:
            between = there[there.index(solution) + 1 : there.index(f"check-{solution}")]
            assert there.index(solution) < there.index(f"check-{solution}")
            assert not [other for other in between if f"check-{other}" in there]


@pytest.mark.parametrize("name", DAMAGES)
def test_no_answer_is_lost_or_run_out_of_its_order(name: str) -> None:
    handed_in = damaged(*DAMAGES[name][0])
    nb, _ = mended(as_bytes(handed_in))
    mine = [each.source for each in handed_in.cells if "answer" in each.source]
    assert [each.source for each in nb.cells if "answer" in each.source] == mine


@pytest.mark.parametrize("name", DAMAGES)
def test_to_repair_again_changes_nothing(name: str) -> None:
    nb, _ = mended(as_bytes(damaged(*DAMAGES[name][0])))
    assert mended(as_bytes(nb)) == (nb, [])


@pytest.fixture(scope="module")
def in_gradebook(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What nbgrader's steps are told; the gradebook has the release."""
    names = {"assignment": "chatbot", "notebook": "chatbot", "student": "ada"}
    path = tmp_path_factory.mktemp("course") / "gradebook.db"
    url = f"sqlite:///{path}"
    empty_gradebook.put(path)
    with Gradebook(url) as gradebook:
        gradebook.update_or_create_assignment("chatbot")
    told = {"nbgrader": {**names, "db_url": url}}
    SaveCells().preprocess(release(), told)
    return told


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGES)
def test_nothing_is_left_for_nbgrader_to_mend(name: str, in_gradebook: dict[str, Any]) -> None:
    nb, _ = mended(as_bytes(damaged(*DAMAGES[name][0])))
    overwritten, _ = OverwriteCells(add_missing_cells=True).preprocess(nbformat.from_dict(nb), in_gradebook)
    assert overwritten == nb


def test_repairing_leaves_what_it_was_given_as_it_was() -> None:
    nb = damaged(deleted("check-chain"), tagged("chain", "skip-execution"), text("setup", ""))
    before = nbformat.from_dict(nb)
    repaired(nb, CELLS, KERNEL)
    assert nb == before


def test_without_a_kernelspec_the_notebook_keeps_its_own() -> None:
    nb, notes = repaired(damaged(kernel(name="llm")), CELLS, None)
    assert nb.metadata.kernelspec.name == "llm"
    assert notes == []


# Where things go


def around(nb: NotebookNode, name: str) -> list[str]:
    """The code before a marked cell back to the marked one before it, in order."""
    here = at(nb, name)
    start = max((n for n in range(here) if grade_id_of(nb.cells[n])), default=-1)
    return [each.source for each in nb.cells[start + 1 : here] if each.cell_type == "code"]


@pytest.mark.parametrize("damage", [deleted("check-chain"), moved("check-chain", None), moved("check-chain", "setup")])
def test_a_check_goes_behind_the_students_own_code_for_its_task(damage: Damage) -> None:
    nb, _ = mended(as_bytes(damaged(inserted("x = 2", "chain"), inserted("x = 1", "chain"), damage)))
    assert around(nb, "check-chain") == ["x = 1", "x = 2"]


def test_a_check_without_its_solution_goes_behind_code_written_elsewhere() -> None:
    nb, _ = mended(as_bytes(damaged(inserted("chatbot = 1", "check-prompt"), deleted("chain", "check-chain"))))
    assert around(nb, "check-chain") == ["chatbot = 1"]
    assert at(nb, "check-prompt") < at(nb, "check-chain") < at(nb, "who-are-you")


def test_a_check_put_back_stands_before_the_next_tasks_text() -> None:
    nb, _ = mended(as_bytes(damaged(deleted("check-chain"))))
    assert at(nb, "check-chain") == at(nb, "chain") + 1


def test_setup_is_put_back_before_everything() -> None:
    nb, _ = mended(as_bytes(damaged(deleted("setup"), lambda nb: nb.cells.insert(0, own("x = 1")))))
    assert at(nb, "setup") == 0


def test_where_no_cell_is_known_every_check_comes_after_the_code() -> None:
    nb = nbformat.v4.new_notebook(cells=[own("llm = 1"), own("chatbot = 1")])
    mend, _ = repaired(nb, CELLS, KERNEL)
    last = [each.source for each in mend.cells].index("chatbot = 1")
    assert at(mend, "setup") == 0
    assert all(at(mend, mine.grade_id) > last for mine in CELLS if mine.grade)


def test_put_back_cells_are_in_the_order_of_the_release() -> None:
    nb, _ = repaired(nbformat.v4.new_notebook(), CELLS, KERNEL)
    assert [grade_id_of(each) for each in nb.cells] == [mine.grade_id for mine in CELLS if mine.grade or mine.locked]


KEPT = [
    # the sources of copies of one cell in their order, and which of them is graded
    ("check-chain", ['check("check-chain")', "print(1)"], 0),
    ("check-chain", ["print(1)", "print(2)"], 1),
    ("chain", ["a = 1", "b = 1"], 1),
    ("chain", ["a = 1", "# Skriv koden din her"], 0),
    ("chain", ["# Skriv koden din her", "# Skriv koden din her"], 1),
    ("chain", ["a = 1", ""], 0),
    ("memory", ["Skriv svaret ditt her.", "Mitt svar"], 1),
    ("memory", ["Mitt svar", "Skriv svaret ditt her."], 0),
]


@pytest.mark.parametrize(("name", "sources", "kept"), KEPT, ids=str)
def test_of_copies_the_one_with_the_answer_is_graded_and_the_others_stay(
    name: str, sources: list[str], kept: int
) -> None:
    nb, _ = mended(as_bytes(damaged(text(name, sources[0]), copied(name, sources[1]), answers=False)))
    mine = next(each for each in CELLS if each.grade_id == name)
    first = at(nb, name) - kept
    wanted = [mine.source if mine.fixed and n == kept else source for n, source in enumerate(sources)]
    assert [each.source for each in nb.cells[first : first + 2]] == wanted
    assert [grade_id_of(each) for each in nb.cells[first : first + 2]] == [
        name if n == kept else None for n in range(2)
    ]


# Data


def test_a_detail_is_printable_and_bounded() -> None:
    repair = Repair(kind="name", detail="a\n\udcff\x1b[31m{cell}" + "x" * 1000)
    assert repair.detail.startswith("a??")
    assert len(repair.detail) == 200
    assert repair.detail.isprintable()
    assert Repair.model_validate_json(repair.model_dump_json()) == repair
    assert "{cell}" in say(repair.words, "nb")


@pytest.mark.parametrize("kind", words.REPAIRS)
def test_every_repair_has_words_for_its_cell_or_file(kind: str) -> None:
    said = Repair(kind=kind, cell="check-chain", detail="torch.py").words
    assert "{" not in say(said, "nb") + say(said, "en")


# JSON that nobody would write

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.text(max_size=4) | st.sampled_from(
    ("cells", "worksheets", "cell_type", "source", "input", "metadata", "nbgrader", "outputs", "output_type", "id", "tags",
     "text", "data", "name", "attachments", "kernelspec", "language_info", "grade_id", "level", "execution_count", "nbformat")
)  # fmt: skip
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)
GRADE_IDS = st.sampled_from([mine.grade_id for mine in CELLS])
MARKS = st.fixed_dictionaries(
    {},
    optional={"grade_id": GRADE_IDS | LEAVES, **{flag: st.booleans() | LEAVES for flag in ("grade", "solution", "locked")},
              "points": LEAVES, "schema_version": st.integers(0, 4) | LEAVES},
)  # fmt: skip
ODD_CELLS = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(("code", "markdown", "raw", "heading", "x")) | JSON,
        "id": GRADE_IDS | st.sampled_from(("a", "b")) | JSON,
        "source": st.sampled_from([mine.source for mine in CELLS]) | st.lists(LEAVES, max_size=3) | JSON,
        "metadata": st.fixed_dictionaries(
            {}, optional={"nbgrader": MARKS | JSON, "tags": st.just(["skip-execution"]) | JSON}
        )
        | JSON,
        "outputs": st.lists(JSON | st.sampled_from(OUTPUTS), max_size=3) | JSON,
        "execution_count": JSON,
        "attachments": JSON,
    },
)
KNOWN_CELLS = st.sampled_from(release().cells)
ODD_NOTEBOOKS = st.fixed_dictionaries(
    {"cells": st.lists(ODD_CELLS | KNOWN_CELLS | JSON, max_size=12)},
    optional={"metadata": st.fixed_dictionaries({}, optional={"kernelspec": JSON, "language_info": JSON, "authors": JSON})
              | JSON, "nbformat": st.integers(0, 6) | JSON, "nbformat_minor": JSON},
)  # fmt: skip


def examples(number: int) -> settings:
    return settings(
        max_examples=number, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )


def mended_or_not(data: bytes) -> NotebookNode:
    """The notebook; of a file that is none, the reason must be one there are words for, and the example is over."""
    try:
        return mended(data)[0]
    except Unreadable as error:
        why = error.kind
    assert why in words.UNREADABLE
    return assume(False)


@pytest.mark.slow
@given(value=ODD_NOTEBOOKS | JSON | st.fixed_dictionaries({"worksheets": st.lists(ODD_NOTEBOOKS | JSON, max_size=2)}))
@examples(400)
def test_any_json_gives_a_notebook_that_can_be_graded_or_a_reason(value: Any) -> None:
    nb = mended_or_not(json.dumps(value).encode())
    can_be_graded(nb, CELLS)
    assert mended(as_bytes(nb)) == (nb, [])


@pytest.mark.slow
@given(data=st.binary(max_size=40), place=st.integers(0, len(WHOLE)), cut=st.integers(0, 40))
@examples(200)
def test_any_bytes_in_the_middle_give_a_notebook_or_a_reason(data: bytes, place: int, cut: int) -> None:
    can_be_graded(mended_or_not(WHOLE[:place] + data + WHOLE[place + cut :]), CELLS)


@pytest.mark.slow
@given(order=st.permutations(range(len(release().cells))), dropped=st.integers(0, 30))
@examples(60)
def test_in_any_order_and_with_any_cell_missing_nothing_is_left_to_mend(order: list[int], dropped: int) -> None:
    cells = release().cells
    nb = nbformat.v4.new_notebook(cells=[cells[n] for n in order][dropped:])
    once, _ = repaired(nb, CELLS, KERNEL)
    can_be_graded(once, CELLS)
    assert repaired(once, CELLS, KERNEL) == (once, [])
