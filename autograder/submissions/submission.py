"""A submission's folder as grading takes it: which files take part, where each notebook is, and the notebook made whole.

What was handed in is only read. See `repair.py` and `repair_files.py` for what is mended and set aside.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from autograder.submissions.repair import ReleasedCell, Repair, Unreadable, read_notebook, repaired
from autograder.submissions.repair_files import renamed, strange_files


@dataclass(frozen=True)
class Released:
    """A released notebook, as far as grading needs it: its marked cells in order, and its kernelspec."""

    cells: tuple[ReleasedCell, ...]
    kernelspec: dict[str, Any] | None


@dataclass(frozen=True)
class Mended:
    """What was mended in a notebook before it ran.

    Attributes:
        unreadable: key of `words.UNREADABLE` where nothing could be read: then the release stands in its place.
    """

    repairs: tuple[Repair, ...] = ()
    unreadable: str | None = None


@dataclass(frozen=True)
class Submission:
    """A submission's folder.

    Attributes:
        strange: paths, relative to the folder, that do not take part, and why; of a folder, with all that is in it.
        sources: by name, where each notebook is (under its own name, or clearly under another), or a key of
            `words.UNREADABLE`. A notebook that was not handed in is not among them, unless there is nothing at all: then a
            person must see what was handed in instead.
    """

    folder: Path
    strange: Mapping[str, str]
    sources: Mapping[str, Path | str]

    @classmethod
    def seen(cls, folder: Path, released: Mapping[str, Released], max_bytes: int) -> Submission:
        """Looks at a folder. Raises PermissionError where that cannot be done."""
        strange = strange_files(folder, max_bytes)
        if "." in strange:
            raise PermissionError(f"{folder} cannot be looked at")
        sources: dict[str, Path | str] = {}
        sources.update(renamed(folder, {name: one.cells for name, one in released.items()}))
        for name in released:
            path = folder / f"{name}.ipynb"
            if path.name in strange and name not in sources:
                sources[name] = "large" if strange[path.name] == "oversized" else "not-a-notebook"
            elif path.name not in strange and path.is_file():
                sources[name] = path
        return cls(folder, strange, sources or dict.fromkeys(released, "missing"))

    @property
    def aside(self) -> tuple[Repair, ...]:
        """What does not take part, as it is noted in each notebook."""
        return tuple(Repair(kind=kind, detail=path) for path, kind in self.strange.items())

    def notebook(self, name: str, released: Released) -> tuple[NotebookNode, Mended]:
        """The notebook with all that the release needs, and what was done for that."""
        nb, source, repairs, unreadable = new_notebook(), self.sources[name], list(self.aside), None
        try:
            if isinstance(source, str):
                raise Unreadable(source)
            if source != self.folder / f"{name}.ipynb":
                repairs.append(Repair(kind="renamed", detail=str(source.relative_to(self.folder))))
            nb, mended = read_notebook(source.read_bytes())
            repairs += mended
        except Unreadable as error:
            unreadable = error.kind
        nb, mended = repaired(nb, released.cells, released.kernelspec)
        return nb, Mended(tuple([*repairs, *mended] if unreadable is None else repairs), unreadable)

    def copy_files(self, target: Path, ignored: Sequence[str]) -> None:
        """Copies the files that take part.

        Args:
            ignored: patterns of names that do not, as nbgrader's settings have them.
        """
        for at, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if not self._is_strange(Path(at, name))]
            for name in names:
                path = Path(at, name)
                if self._is_strange(path) or any(fnmatch(name, pattern) for pattern in ignored):
                    continue
                to = target / path.relative_to(self.folder)
                to.parent.mkdir(parents=True, exist_ok=True)
                to.unlink(missing_ok=True)
                shutil.copyfile(path, to, follow_symlinks=False)

    def _is_strange(self, path: Path) -> bool:
        return str(path.relative_to(self.folder)) in self.strange
