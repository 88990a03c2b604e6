"""Which solutions and mutants may share a notebook, so that one kernel's start serves several.

Two may share where neither can touch the other's verdicts: what one of them may show in (`shows_in`) is apart from what
the other may show in, and neither reads a name that the other changes. Then every lost point has one cause, and each is
judged on its own tasks as if it stood there alone. What may show where is decided here from the contract, and which
names a cell reads and binds from its syntax; nothing is tried out. Where that cannot be told, they do not share.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autograder.course.profile import Profile
from autograder.judging.contract import tasks
from autograder.judging.task import Task
from trials.classes import Cells
from trials.selftest.library import EXTRA_CELLS, Solution
from trials.selftest.mutants import Mutant


@dataclass(frozen=True)
class Piece:
    """A solution or a mutant as cells of one notebook.

    Attributes:
        shows_in: the tasks whose verdicts it may touch.
        reads: names that its cells use and do not bind before.
        changes: names that may hold something else after it than after the reference solution.
        keeps: those of `changes` that still do what the reference's later cells count on.
        right: whether it is a right solution, and not `alone`: such ones work with whatever others of them leave.
    """

    origin: Solution | Mutant
    notebook: str
    cells: Cells
    shows_in: frozenset[str]
    reads: frozenset[str]
    changes: frozenset[str]
    keeps: frozenset[str] = frozenset()
    right: bool = False

    def may_share_with(self, other: Piece) -> bool:
        if self.shows_in & other.shows_in:
            return False
        return not (_in_the_way(self, other) or _in_the_way(other, self))


def _in_the_way(reader: Piece, writer: Piece) -> bool:
    if reader.right and writer.right:
        return False
    return bool(reader.reads & writer.changes - writer.keeps)


class Sharing:
    """Makes pieces for one profile and its reference solution, and packs them into notebooks.

    Args:
        reference: the reference solution's cells by task id, in the notebooks' order within each notebook.
    """

    def __init__(self, profile: Profile, reference: Mapping[str, str]) -> None:
        self.by_id: dict[str, Task] = {task.id: task for task in tasks(profile)}
        self.profile, self.reference = profile, reference
        judged = [task for task in self.by_id.values() if task.judged_by == "autograder"]
        coded = [*sorted(EXTRA_CELLS), *(task.id for task in judged)]
        self._bound = {name: bound(reference[name]) for name in coded if name in reference}
        self._kept: dict[str, set[str]] = {name: set() for name in self._bound}
        for notebook in {task.notebook for task in judged}:
            here = [name for name in coded if name in EXTRA_CELLS or self.by_id[name].notebook == notebook]
            self._note_what_is_counted_on([name for name in here if name in reference])

    def _note_what_is_counted_on(self, cells: list[str]) -> None:
        """Notes the names that each of the reference's cells leaves to later ones, and that none in between binds."""
        for number, name in enumerate(cells):
            for each in read(self.reference[name]):
                if last := next((c for c in reversed(cells[:number]) if each in self._bound[c]), None):
                    self._kept[last].add(each)

    def later(self, task_id: str) -> frozenset[str]:
        """The tasks after this one in which what its cell leaves behind may show."""
        task = self.by_id.get(task_id)
        kind, number = (task.kind, task.number) if task else (task_id, 0)
        later = [t for t in self.by_id.values() if kind in t.defined.builds_on]
        return frozenset(t.id for t in later if t.number > number or not t.number)

    def of_solution(self, solution: Solution, right: bool) -> list[Piece]:
        """A piece for each notebook that the solution's tasks are in; none where it does not fit the profile.

        A wrong cell may stop half-way and leave its task's variables as they were, so these count as read.
        """
        adapted = solution.adapted(self.profile)
        if adapted is None:
            return []
        solution = adapted
        written = solution.written(self.profile)
        touched = frozenset({*solution.cells, *solution.loses, *solution.review})
        shows = touched.union(*(self.later(name) for name in touched)) if solution.alone else touched
        own = frozenset(v for name in touched if name in self.by_id for v in self.by_id[name].variables)
        reads = names_of(map(read, written.values())) | (frozenset() if right else own)
        changes = names_of(map(bound, written.values())) | names_of(self._bound.get(n, frozenset()) for n in written)
        keeps = frozenset() if solution.alone else names_of(frozenset(self._kept.get(n, ())) for n in written)
        several = len(solution.notebooks(self.profile)) > 1
        return [
            Piece(
                origin=solution,
                notebook=notebook,
                cells=written,
                shows_in=self._all_of(notebook) if several else shows,
                reads=reads,
                changes=changes,
                keeps=keeps,
                right=right and not solution.alone,
            )
            for notebook in sorted(solution.notebooks(self.profile))
        ]

    def _all_of(self, notebook: str) -> frozenset[str]:
        return frozenset({task.id for task in self.by_id.values() if task.notebook == notebook} | EXTRA_CELLS)

    def of_mutant(self, mutant: Mutant) -> Piece:
        """A mutant differs from its first changed statement on: what stands before has run as in the reference.

        It shows in later tasks only where a later cell of the reference reads one of the names that this concerns. One
        that reaches another model changes a name that all later cells read. A cell that stops half-way leaves its task's
        variables as they were, so these count as read.
        """
        task = self.by_id[mutant.cell]
        changes = bound_from_first_difference(self.reference[mutant.cell], mutant.source)
        counted_on = self._kept[mutant.cell] & changes
        shows = {mutant.cell} | (self.later(mutant.cell) if counted_on else frozenset())
        return Piece(
            origin=mutant,
            notebook=task.notebook,
            cells={mutant.cell: mutant.source},
            shows_in=frozenset(shows),
            reads=read(mutant.source) | set(task.variables),
            changes=changes,
        )


def pack(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Puts pieces into few notebooks: those that fit with the fewest others first, each where it fits first."""
    pieces = list(pieces)
    alike = [sum(a.notebook == b.notebook and a.may_share_with(b) for b in pieces) for a in pieces]
    notebooks: list[list[Piece]] = []
    for piece, _ in sorted(zip(pieces, alike, strict=True), key=lambda pair: pair[1]):
        for packed in notebooks:
            if packed[0].notebook == piece.notebook and all(piece.may_share_with(other) for other in packed):
                packed.append(piece)
                break
        else:
            notebooks.append([piece])
    return sorted(notebooks, key=lambda packed: packed[0].notebook)


# Names in a cell


def names_of(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


def bound(source: str) -> frozenset[str]:
    """Every name that a cell may bind; of one that is no Python, none, since none of it runs."""
    tree = _tree(source)
    return names_of(map(_binds, tree.body)) if tree else frozenset()


def read(source: str) -> frozenset[str]:
    """Every name that a cell may use before it has bound it for certain; of one that is no Python, every word."""
    tree = _tree(source)
    if tree is None:
        return frozenset(re.findall(r"[^\W\d]\w*", source))
    found: set[str] = set()
    certain: set[str] = set()
    for statement in tree.body:
        loaded = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Store)}
        found |= loaded - certain
        if isinstance(
            statement, ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
        ):
            certain |= _binds(statement)
    return frozenset(found)


def bound_from_first_difference(before: str, after: str) -> frozenset[str]:
    """The names that either version of a cell binds from the first statement on in which they differ."""
    one, other = (ast.parse(source).body for source in (before, after))
    same = 0
    while same < min(len(one), len(other)) and ast.dump(one[same]) == ast.dump(other[same]):
        same += 1
    return names_of(map(_binds, [*one[same:], *other[same:]]))


def _binds(statement: ast.stmt) -> frozenset[str]:
    names = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store | ast.Del)}
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
    return frozenset(names)


def _tree(source: str) -> ast.Module | None:
    """The cell's syntax tree without IPython's own lines, or None where it has none."""
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines()]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:
        return None
