"""The files around a student's notebooks: which are set aside before grading, and which is a notebook under another name.

A kernel looks for modules in its notebook's folder first, so a stray `torch.py` there is imported in torch's place. Set
aside is what carries the name of an installed package or of a module of Python's own, unless it is a plain word that no
library imports (`PLAIN_WORDS`): in a student's own session such a helper is the one that is imported, and so it must be
here. Only the top of the folder counts: `my_utils/torch.py` is another module. A folder with no module in it hides
nothing. Nothing here follows a link or opens anything but an ordinary file.
"""

from __future__ import annotations

import functools
import os
import re
import stat
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

from nbformat import NotebookNode

from autograder.submissions.cells import grade_id_of
from autograder.submissions.repair import ReleasedCell, Unreadable, read_notebook
from autograder.submissions.repair_read import MAX_BYTES

MAX_FILES = 2_000
MAX_FOLDERS_DEEP = 16
MAX_NAME = 200
"""Bytes of a name. With as many folders as that, a path still keeps to the system's 4096."""
MAX_CANDIDATES = 50
SEARCHED_DEEP = 2
"""How many folders down a notebook is looked for."""

PLAIN_WORDS = frozenset(
    ("antigravity", "arrow", "chunk", "code", "mailbox", "notebook", "pipes", "sched", "test", "tests", "this", "trace",
     "turtle", "venv", "wave")
)  # fmt: skip
STARTUP = frozenset(
    ("autograder", "sitecustomize", "usercustomize", "ipykernel_launcher", "ipython_config", "ipython_kernel_config")
)
"""What Python, IPython or this kit reads by name, installed or not."""
SETTINGS = (".ipython", ".jupyter")
MODULE = re.compile(r"\.(?:pyc?|(?:.*\.)?(?:so|pyd))")
NOTEBOOK = re.compile(r"\.(?:ipynb|json|txt)", re.IGNORECASE)
SKIPPED = ("__MACOSX", "__pycache__")


@dataclass(frozen=True)
class _Entry:
    """Something in a folder.

    Attributes:
        path: relative, with "/".
        size: in bytes, of an ordinary file; else 0.
        kind: why it is set aside whatever else is there, or None.
    """

    path: str
    size: int
    kind: str | None


def strange_files(folder: Path, max_bytes: int) -> dict[str, str]:
    """What is not to be copied into the graded folder: relative path to kind, a key of `words.REPAIRS`.

    A folder that is set aside stands for all that is in it. Where the rest has more than `max_bytes`, or more than
    `MAX_FILES` files, the largest and the last are `oversized`; notebooks at the top are the last to go.
    """
    entries = list(_walk(folder, 0, ""))
    strange = {entry.path: entry.kind for entry in entries if entry.kind is not None}
    files = [entry for entry in entries if entry.kind is None]
    files.sort(key=lambda entry: (not _is_notebook(entry.path), entry.size, entry.path))
    total = 0
    for number, entry in enumerate(files):
        total += entry.size
        if number >= MAX_FILES or total > max_bytes:
            strange[entry.path] = "oversized"
            total -= entry.size
    return strange


def _is_notebook(path: str) -> bool:
    return path.endswith(".ipynb") and "/" not in path


def _walk(folder: Path, depth: int, before: str) -> Iterator[_Entry]:
    """Ordinary files, and whatever is set aside for what it is, in the order of their names."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:  # gone, or not ours to read
        yield _Entry(before.rstrip("/") or ".", 0, "special")
        return
    for entry in entries:
        path, kind = before + entry.name, _kind(entry, depth)
        if kind is None and entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), depth + 1, f"{path}/")
        else:
            size = entry.stat(follow_symlinks=False).st_size if kind is None else 0
            yield _Entry(path, size, kind)


def _kind(entry: os.DirEntry[str], depth: int) -> str | None:
    """Why something is set aside for what it is; None for an ordinary file or folder."""
    mode, is_folder = entry.stat(follow_symlinks=False).st_mode, entry.is_dir(follow_symlinks=False)
    if stat.S_ISLNK(mode):
        return "symlink"
    if not (stat.S_ISREG(mode) or is_folder) or not os.access(entry.path, os.R_OK | (os.X_OK if is_folder else 0)):
        return "special"
    if not entry.name.isprintable() or len(os.fsencode(entry.name)) > MAX_NAME:
        return "name"
    if depth == 0 and (_hides_a_module(entry, is_folder) or entry.name in SETTINGS):
        return "shadows"
    return "deep" if is_folder and depth >= MAX_FOLDERS_DEEP else None


def _hides_a_module(entry: os.DirEntry[str], is_folder: bool) -> bool:
    name, _, _ = entry.name.partition(".")
    if is_folder:
        return entry.name in _imported_names() and any(_is_module(inner) for inner in os.listdir(entry.path))
    return entry.name.endswith(".pth") or (_is_module(entry.name) and name in _imported_names())


def _is_module(name: str) -> bool:
    """Whether a file can be imported: `x.py`, `x.pyc`, `x.so`, `x.cpython-311-x86_64-linux-gnu.so`."""
    stem, dot, ending = name.partition(".")
    return bool(stem) and MODULE.fullmatch(dot + ending) is not None


@functools.cache
def _imported_names() -> frozenset[str]:
    """Names of modules that a kernel, or a library in it, may import and must find in their own place."""
    return STARTUP | ((frozenset(packages_distributions()) | sys.stdlib_module_names) - PLAIN_WORDS)


def renamed(folder: Path, expected: Mapping[str, Sequence[ReleasedCell]]) -> dict[str, Path]:
    """Which stray file is clearly which missing notebook: by name without `.ipynb`, the file's path.

    What is in a file decides, not its name: it has more than half of the notebook's own marked cells (by grade id, or by
    a cell's id), and of no other notebook more than half of its own. Where there are several, the one with answers;
    where there still are, none, unless they are all the same.
    """
    missing = [name for name in expected if not _is_file(folder / f"{name}.ipynb")]
    if not missing:
        return {}
    own = _own_ids(expected)
    read = [(path, nb) for path in _candidates(folder, expected) if (nb := _notebook(path)) is not None]
    found: dict[str, list[tuple[Path, NotebookNode]]] = {name: [] for name in missing}
    for path, nb in read:
        known = _ids(nb)
        names = [name for name, ids in own.items() if 2 * len(ids & known) > len(ids)]
        if len(names) == 1 and names[0] in found:
            found[names[0]].append((path, nb))
    chosen = {name: _the_one(found[name], expected[name]) for name in missing}
    return {name: path for name, path in chosen.items() if path is not None}


def _own_ids(expected: Mapping[str, Sequence[ReleasedCell]]) -> dict[str, set[str]]:
    """The grade ids that only this notebook has."""
    times = Counter(cell.grade_id for cells in expected.values() for cell in cells)
    return {name: {cell.grade_id for cell in cells if times[cell.grade_id] == 1} for name, cells in expected.items()}


def _candidates(folder: Path, expected: Mapping[str, Sequence[ReleasedCell]]) -> list[Path]:
    """Ordinary files that may be notebooks and are none of those expected, the nearest first."""
    in_place = {f"{name}.ipynb" for name in expected}
    files = [entry.path for entry in _walk(folder, 0, "") if entry.kind is None]
    near = [path for path in files if path.count("/") <= SEARCHED_DEEP and path not in in_place]
    named = [path for path in near if NOTEBOOK.fullmatch(os.path.splitext(path)[1])]
    seen = [path for path in named if not any(p.startswith(".") or p in SKIPPED for p in path.split("/"))]
    return [folder / path for path in sorted(seen, key=lambda path: (path.count("/"), path))][:MAX_CANDIDATES]


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _notebook(path: Path) -> NotebookNode | None:
    try:
        return read_notebook(path.read_bytes())[0] if path.lstat().st_size <= MAX_BYTES else None
    except (OSError, Unreadable):
        return None


def _ids(nb: NotebookNode) -> set[str]:
    return {name for cell in nb.cells if (name := grade_id_of(cell)) is not None} | {cell.id for cell in nb.cells}


def _the_one(found: Sequence[tuple[Path, NotebookNode]], cells: Sequence[ReleasedCell]) -> Path | None:
    """The only file, or the only one with answers; of several that say the same, the nearest."""
    answered = [(path, nb) for path, nb in found if _answered(nb, cells)]
    left = answered or list(found)
    contents = {tuple((cell.cell_type, cell.source) for cell in nb.cells) for _, nb in left}
    return left[0][0] if len(contents) == 1 else None


def _answered(nb: NotebookNode, cells: Sequence[ReleasedCell]) -> bool:
    """Whether something that was to be filled in has been."""
    released = {cell.grade_id: cell.source.strip() for cell in cells if cell.solution}
    for cell in nb.cells:
        name = grade_id_of(cell) if isinstance(cell.metadata.get("nbgrader"), dict) else cell.id
        if name in released and cell.source.strip() not in ("", released[name]):
            return True
    return False
