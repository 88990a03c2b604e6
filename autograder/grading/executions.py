"""Same code, same verdict: a notebook whose code and files have been executed before is not executed again.

What counts is all that its kernel can read: its folder (`view.py`), the frozen profile, the models' files, and this kit. What a
student wrote in free text plays no part. Only an execution that is reusable is kept.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, from_dict
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from autograder.facts.evidence import Facts
from autograder.facts.verdict import Incident
from autograder.grading.view import View
from autograder.submissions.cells import code_cells
from autograder.system.disk_cache import DiskCache, digest


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
    def reusable(self) -> bool:
        """Whether executing the same code again would give the same."""
        ended_well = all(incident.kind in ("output", "prompt") for incident in self.incidents)
        return ended_well and not self.problems and not self.facts.transcript.faults

    def write_into(self, nb: NotebookNode) -> None:
        """Puts the outputs into a notebook with the same code."""
        for cell, outputs, count in zip(code_cells(nb), self.outputs, self.counts, strict=True):
            cell.outputs = [from_dict(output) for output in outputs]
            cell.execution_count = count


class Executions:
    """The executions of one course, on disk."""

    def __init__(self, folder: Path) -> None:
        self._cache = DiskCache(folder)

    def get(self, key: str) -> Execution | None:
        text = self._cache.get(key)
        try:
            known = Execution.model_validate_json(text) if text is not None else None
        except ValidationError:  # an older version's
            return None
        return known.model_copy(update={"again": True}) if known is not None else None

    def has(self, key: str) -> bool:
        """Whether there seems to be one; it is not read."""
        return self._cache.has(key)

    def put(self, key: str, execution: Execution) -> None:
        try:
            text = execution.model_dump_json()
        except ValueError:  # half of a surrogate pair, which JSON's own escapes let through
            return
        self._cache.put(key, text)


def key_of(view: View, around: dict[str, str]) -> str:
    """The key of a notebook in its folder.

    Args:
        around: what else the outcome depends on: profile, models, settings of the run.
    """
    return digest({"notebook": view.notebook, "files": view.digests(), **around})


def executed(nb: NotebookNode, facts: Facts, problems: dict[str, str], incidents: Iterable[Incident] = ()) -> Execution:
    """The execution of a notebook that has its outputs."""
    return Execution(
        outputs=tuple(tuple(json.loads(json.dumps(output)) for output in cell.outputs) for cell in code_cells(nb)),
        counts=tuple(cell.execution_count for cell in code_cells(nb)),
        facts=facts,
        problems=problems,
        incidents=tuple(incidents),
    )


@functools.cache
def kit_digest() -> str:
    """A digest of this package's own code: another version judges and records in its own way."""
    whole = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def snapshots_digest(snapshots: dict[str, Path]) -> str:
    """A digest of which files each model consists of: names, sizes and times, not contents, which take seconds to read."""
    seen = {
        name: [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in sorted(folder.iterdir())]
        for name, folder in snapshots.items()
    }
    return digest(seen)
