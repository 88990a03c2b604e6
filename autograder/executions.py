"""Same code, same verdict: a notebook whose code and files have been executed before is not executed again.

What counts is the code of every cell with its `grade_id`, the other files of the submission, the frozen profile, the
models' files, and this kit. What a student wrote in free text plays no part. Only an execution that is whole is kept.
The folder it ran in is taken out of its outputs: a path can carry a student's name.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, from_dict
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .contract import NOTEBOOKS
from .evidence import Facts
from .shelf import Shelf, digest
from .verdict import Incident

NOT_FILES = ("timestamp.txt", *(f"{name}.ipynb" for name in NOTEBOOKS))
MAX_FILE = 64 * 1024**2
"""Bytes of a file that are read for its digest; with a larger one a submission is always executed."""


class Execution(BaseModel):
    """What executing a notebook gave.

    Attributes:
        outputs: of each code cell, in order, as in the notebook's own format.
        facts: evidence and transcript.
        problems: by check id, why its evidence could not be read.
        incidents: what happened meanwhile.
        again: whether it is one of an earlier notebook with the same code.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outputs: tuple[tuple[dict[str, Any], ...], ...]
    counts: tuple[int | None, ...]
    facts: Facts
    problems: dict[str, str] = {}
    incidents: tuple[Incident, ...] = ()
    again: bool = Field(default=False, exclude=True)

    @property
    def whole(self) -> bool:
        """Whether executing the same code again would give the same."""
        ended_well = all(incident.kind == "output" for incident in self.incidents)
        return ended_well and not self.problems and not self.facts.transcript.faults

    def write_into(self, nb: NotebookNode) -> None:
        """Puts the outputs into a notebook with the same code."""
        for cell, outputs, count in zip(code_cells(nb), self.outputs, self.counts, strict=True):
            cell.outputs = [from_dict(output) for output in outputs]
            cell.execution_count = count


class Executions:
    """The executions of one course, on a shelf."""

    def __init__(self, folder: Path) -> None:
        self._shelf = Shelf(folder)

    def get(self, key: str) -> Execution | None:
        text = self._shelf.get(key)
        try:
            known = Execution.model_validate_json(text) if text is not None else None
        except ValidationError:  # an older version's
            return None
        return known.model_copy(update={"again": True}) if known is not None else None

    def put(self, key: str, execution: Execution) -> None:
        try:
            text = execution.model_dump_json()
        except ValueError:  # half of a surrogate pair, which JSON's own escapes let through
            return
        self._shelf.put(key, text)


def key_of(nb: NotebookNode, folder: Path, around: dict[str, str]) -> str | None:
    """The key of a sanitized notebook in its submission's folder; None where it must be executed in any case.

    Args:
        around: what else the outcome depends on: profile, models, settings of the run.
    """
    files = files_of(folder)
    if files is None:
        return None
    cells = [
        [cell.source, _named(cell.metadata.get("nbgrader"), "grade_id"), cell.metadata.get("tags")]
        for cell in code_cells(nb)
    ]
    return digest({"cells": cells, "files": files, "kernel": _named(nb.metadata.get("kernelspec"), "name"), **around})


def _named(metadata: Any, name: str) -> Any:
    """A value out of metadata, which a student can have changed into anything."""
    return metadata.get(name) if isinstance(metadata, dict) else None


def files_of(folder: Path) -> dict[str, str] | None:
    """Digest of each file beside the notebooks, by path; None where one is too large, or no ordinary file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.name in NOT_FILES or (path.is_dir() and not path.is_symlink()):
            continue
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_FILE:
            return None
        found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def code_cells(nb: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def executed(
    nb: NotebookNode, folder: Path, facts: Facts, problems: dict[str, str], incidents: Iterable[Incident] = ()
) -> Execution:
    """What executing a notebook gave, without the folder that it ran in."""
    outputs = [[without_path(output, folder) for output in cell.outputs] for cell in code_cells(nb)]
    return Execution(
        outputs=tuple(map(tuple, outputs)),
        counts=tuple(cell.execution_count for cell in code_cells(nb)),
        facts=Facts.model_validate(without_path(facts.model_dump(mode="json"), folder)),
        problems=without_path(problems, folder),
        incidents=tuple(incidents),
    )


def without_path(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Plain data with "." in the place of the folder, however it is written: as given, resolved, or seen from home."""
    whole = {str(folder.absolute()), str(folder.resolve())}
    home = str(Path.home())
    from_home = {"~" + path.removeprefix(home) for path in whole if path.startswith(f"{home}/")}
    text = json.dumps(data)
    for path in sorted(whole | from_home, key=len, reverse=True):
        text = text.replace(json.dumps(path)[1:-1], ".")
    plain: dict[str, Any] = json.loads(text)
    return plain


@functools.cache
def kit_digest() -> str:
    """A digest of this package's own code: another version judges and records in its own way."""
    whole = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def snapshots_digest(snapshots: dict[str, Path]) -> str:
    """A digest of which files each model consists of: names, sizes and times, not contents, which take seconds to read."""
    seen = {
        name: [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in sorted(folder.iterdir())]
        for name, folder in snapshots.items()
    }
    return digest(seen)
