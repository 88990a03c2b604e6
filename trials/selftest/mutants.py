"""Mutants: the reference solution with one small mistake in one cell, made automatically from its syntax tree.

A mutant is no wrong answer by itself: dropping a `print` harms nothing. `run.py` requires that it loses a point or
leaves the same requests and the same variables as the reference does.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from dataclasses import dataclass

from trials.classes import Cells


@dataclass(frozen=True)
class Mutant:
    """One mutated cell. `name` says which mistake was made where, e.g. "chain: swap operands (line 1)"."""

    name: str
    cell: str
    source: str


def mutants(cells: Cells, variables: frozenset[str], per_kind: int = 2) -> list[Mutant]:
    """The mutants of some cells, at most `per_kind` of each kind of mistake in each cell, all different.

    Args:
        cells: sources of the reference's code cells by task id.
        variables: names that a student could mix up: the variables of the contract.
    """
    found: dict[tuple[str, str], Mutant] = {}
    for cell, source in cells.items():
        tree = ast.parse(source)
        for kind, make in KINDS.items():
            made = 0
            for index in range(len(list(ast.walk(tree)))):
                changed = copy.deepcopy(tree)
                node = list(ast.walk(changed))[index]
                if not make(changed, node, variables):
                    continue
                text = ast.unparse(ast.fix_missing_locations(changed))
                if (cell, text) not in found and text != ast.unparse(tree):
                    line = getattr(node, "lineno", 1)
                    found[cell, text] = Mutant(f"{cell}: {kind} (line {line})", cell, text)
                    made += 1
                if made == per_kind:
                    break
    return list(found.values())


def _drop(tree: ast.Module, node: ast.AST, variables: frozenset[str]) -> bool:
    """Leaves a statement out; never the only one."""
    if node in tree.body and len(tree.body) > 1 and isinstance(node, ast.Assign | ast.Expr):
        tree.body.remove(node)
        return True
    return False


def _drop_argument(tree: ast.Module, node: ast.AST, variables: frozenset[str]) -> bool:
    if isinstance(node, ast.Call) and node.keywords:
        node.keywords.pop()
        return True
    return False


def _swap(tree: ast.Module, node: ast.AST, variables: frozenset[str]) -> bool:
    """Swaps the operands of `|`, or the first two elements of a list."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        node.left, node.right = node.right, node.left
        return True
    if isinstance(node, ast.List) and len(node.elts) > 1:
        node.elts[0], node.elts[1] = node.elts[1], node.elts[0]
        return True
    return False


def _retype(tree: ast.Module, node: ast.AST, variables: frozenset[str]) -> bool:
    """A number as text."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        node.value = str(node.value)
        return True
    return False


def _off_by_one(tree: ast.Module, node: ast.AST, variables: frozenset[str]) -> bool:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        node.value = node.value + 1  # type: ignore[operator]
        return True
    return False


def _wrong_constant(tree: ast.Module, node: ast.AST, variables: frozenset[str]) -> bool:
    """Another text, or the other truth value."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        node.value = not node.value
        return True
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        node.value = node.value[:-1] if len(node.value) > 1 else node.value + "x"
        return True
    return False


def _rename(tree: ast.Module, node: ast.AST, variables: frozenset[str]) -> bool:
    """A variable of the contract assigned under another name."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in variables:
        node.id += "_"
        return True
    return False


def _wrong_variable(tree: ast.Module, node: ast.AST, variables: frozenset[str]) -> bool:
    """Another variable of the contract in the place of one."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in variables:
        others = sorted(variables - {node.id})
        node.id = others[len(node.id) % len(others)]
        return True
    return False


KINDS: dict[str, Callable[[ast.Module, ast.AST, frozenset[str]], bool]] = {
    "drop": _drop,
    "drop argument": _drop_argument,
    "swap": _swap,
    "retype": _retype,
    "off by one": _off_by_one,
    "wrong constant": _wrong_constant,
    "rename": _rename,
    "wrong variable": _wrong_variable,
}
