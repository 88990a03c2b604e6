"""What a notebook's kernel finds in its folder: one list, out of which the key of an execution and the folder itself are made.

So two notebooks with the same key run in equal folders. What a student wrote in free text,
outputs, and when and by whom something was handed in are not in it. Notebooks are there as their code cells alone; the other
notebooks of the assignment only where the code speaks of notebooks at all, so that else a difference in them costs nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.judging.contract import NOTEBOOKS
from autograder.submissions.cells import code_cells, grade_id_of

OF_NBGRADER = ("timestamp.txt", "submission_secret.txt")
"""What nbgrader itself puts at the top of a submission: another one for each student."""
NAMED = b".ipynb"
"""Code that reads another notebook has this in it."""


@dataclass(frozen=True)
class View:
    """Files by path relative to the folder, in order: their bytes, or where these are.

    Attributes:
        notebook: the name of the one that is to run, without `.ipynb`.
    """

    notebook: str
    files: Mapping[str, bytes | Path]

    @classmethod
    def of(cls, nb: NotebookNode, notebook: str, folder: Path) -> View:
        """The view of a sanitized notebook.

        Args:
            folder: its submission as it is graded; links, devices and the like in it are left out.
        """
        files: dict[str, bytes | Path] = {}
        others = {}
        for path, found in ordinary(folder):
            if path in OF_NBGRADER:
                continue
            if path.removesuffix(".ipynb") in NOTEBOOKS and path.endswith(".ipynb"):
                others[path] = found
            else:
                files[path] = found
        own = f"{notebook}.ipynb"
        sources = [cell.source.encode(errors="replace") for cell in code_cells(nb)]
        helpers = (found.read_bytes() for path, found in ordinary(folder) if path.endswith(".py"))
        if any(NAMED in text for text in sources) or any(NAMED in text for text in helpers):
            files |= {
                path: as_seen(nbformat.read(found, as_version=4)) for path, found in others.items() if path != own
            }
        files[own] = as_seen(nb)
        return cls(notebook, dict(sorted(files.items())))

    def digests(self) -> dict[str, str]:
        """SHA-256 of each file."""
        return {path: sha256(content) for path, content in self.files.items()}

    def write(self, folder: Path) -> None:
        """Makes the folder, which must not be there, with these files in it and nothing else."""
        folder.mkdir(parents=True)
        for path, content in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                target.write_bytes(content)
            else:
                shutil.copyfile(content, target, follow_symlinks=False)


def ordinary(folder: Path) -> Iterator[tuple[str, Path]]:
    """The ordinary files below a folder, with their relative paths, in order. Follows no link."""
    for at, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(at, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path.relative_to(folder).as_posix(), path


def as_seen(nb: NotebookNode) -> bytes:
    """A notebook as kernels find it: its code cells with their marks, and no outputs, counts, ids or free text."""
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": known(
                tags=cell.metadata.get("tags"),
                nbgrader=known(grade_id=grade_id_of(cell)),
            ),
            "outputs": [],
            "source": cell.source,
        }
        for number, cell in enumerate(code_cells(nb))
    ]
    spec = nb.metadata.get("kernelspec")  # a student can have changed it into anything
    name = spec.get("name") if isinstance(spec, dict) else None
    kernel = {"kernelspec": {"name": name, "display_name": "Python 3"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1).encode()


def known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, {})}


def sha256(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
