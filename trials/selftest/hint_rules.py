"""What a hint may not hold, and what it must: judged on the filled-in sentence, as a student reads it.

A hint gives the solution away where a piece of the reference solution that could be run stands in it: a call, a setting
with its value, a chain, an assignment, an import, or a letter of `answers` with its argument. It must name a variable of
the task, or the cell to look at. What this does not do: see through a solution told in words; people read those.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping

from autograder.course.profile import Profile
from autograder.judging.task import Task

NO_SOLUTION = ("print", "free_models")
"""Functions that the reference solution calls and that solve nothing."""
SHARED = ("prompt", "answers", "HF_HOME", "llm")
_CELL = re.compile(r"\b(celle|cell|notebook)", re.IGNORECASE)


def pieces_of(cells: Iterable[str]) -> frozenset[str]:
    """The pieces of code cells that a hint may not hold, bare of white space and quotation marks."""
    found: set[str] = set()
    for source in cells:
        for node in ast.walk(ast.parse(source)):
            found |= set(map(_bare, _code(node)))
    return frozenset(found)


def _code(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in NO_SOLUTION:
            return []
        settings = [f"{k.arg}={ast.unparse(k.value)}" for k in node.keywords if k.arg]
        method = [f".{node.func.attr}("] if isinstance(node.func, ast.Attribute) else []
        return [ast.unparse(node), *settings, *method]
    if isinstance(node, ast.Dict):
        pairs = [(ast.unparse(k), ast.unparse(v)) for k, v in zip(node.keys, node.values, strict=True) if k]
        return [f"{key}{sign}{value}" for key, value in pairs if len(_bare(key)) > 1 for sign in (":", "=")]
    if isinstance(node, ast.BinOp | ast.Assign | ast.Import | ast.ImportFrom | ast.Subscript):
        return [ast.unparse(node)]
    return []


def given_away(text: str, pieces: Iterable[str], profile: Profile) -> str | None:
    """The piece of the solution that stands in a text, or None."""
    bare = _bare(text)
    if piece := next((piece for piece in sorted(pieces) if piece in bare), None):
        return piece
    return _answer_in(text, profile.arguments)


def _answer_in(text: str, arguments: Mapping[str, str]) -> str | None:
    for letter, argument in arguments.items():
        if found := re.search(rf"\b{letter}[\"'`]?\s*(:|=|->|→|er\b|is\b)\s*[\"'`]?{argument}\b", text):
            return found[0]
    return None


def names_a_place(text: str, task: Task) -> bool:
    """Whether a hint says where to look: a variable, by its name as code, or a cell."""
    return any(f"`{name}`" in text for name in (*task.variables, *SHARED)) or _CELL.search(text) is not None


def _bare(text: str) -> str:
    return re.sub(r"[\s\"'`]", "", text)
