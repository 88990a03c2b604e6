"""What a scratch course's `nbgrader_config.py` calls: then grading a large class executes nothing, and each student is measured.

A few made-up students are graded for real, and what running each of their notebooks gave is kept. Every student of the class has
the code of one of these but for one line, `MARK` and a name: all notebooks differ, and running one gives what was kept. The rest
of the run is the product's own: reading, repairing, keys, claims, pool, judge, gradebook, records, what is remembered.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from nbformat import NotebookNode
from sqlalchemy import event
from sqlalchemy.engine import Engine

from autograder.cluster import runs
from autograder.course.profile import Profile
from autograder.errors import NotReady
from autograder.grading.executions import Execution
from autograder.grading.notebook_runs import LocalRuns, RunSettings
from autograder.grading.view import View
from autograder.system.files import write_whole

MARK = "# of "
"""What a line begins with that makes a student's code another one's."""
MARKED = re.compile(rb"# of [\w-]+")


def path_in(kept: Path, view: View) -> Path:
    """Where the outcome of a notebook is kept, whoever's it is."""
    whole = hashlib.sha256(view.notebook.encode())
    for path, content in view.files.items():
        data = content if isinstance(content, bytes) else content.read_bytes()
        whole.update(path.encode() + b"\0" + MARKED.sub(b"", data) + b"\0")
    return kept / f"{whole.hexdigest()}.json"


def size_of(view: View) -> int:
    """Bytes of all that a kernel finds in its folder."""
    return sum(len(each) if isinstance(each, bytes) else each.stat().st_size for each in view.files.values())


class KeptRuns(LocalRuns):
    """Runs notebooks on this machine, and keeps what that gave in a folder."""

    def __init__(
        self, folder: Path, assignment: str, profile: Profile, settings: RunSettings, log: Any, kept: Path
    ) -> None:
        super().__init__(folder, assignment, profile, settings, log)
        self._kept = kept

    def run(self, nb: NotebookNode, view: View, label: str) -> Execution:
        execution, path = super().run(nb, view, label), path_in(self._kept, view)
        write_whole(path, execution.model_dump_json())
        write_whole(path.with_suffix(".size"), str(size_of(view)))
        return execution


class StubbedRuns:
    """Runs nothing: answers what was kept of a notebook with the same code."""

    def __init__(self, *_: object, kept: Path) -> None:
        self._kept = kept

    def run(self, nb: NotebookNode, view: View, label: str) -> Execution:
        path = path_in(self._kept, view)
        if not path.exists():
            raise NotReady(f"{label}: no notebook with this code has been executed for real")
        return Execution.model_validate_json(path.read_bytes())

    def rehearse(self, nb: NotebookNode, view: View) -> None:
        pass

    def end(self) -> None:
        pass


class Watch:
    """Writes a line for each submission that is done: seconds, processor seconds, bytes in memory, and statements so far."""

    def __init__(self, path: Path) -> None:
        self._path, self._process, self._statements = path, psutil.Process(), 0
        event.listen(Engine, "before_cursor_execute", self._count)

    def __deepcopy__(self, memo: Mapping[int, object]) -> Watch:
        """Itself: traitlets copies its settings."""
        return self

    def _count(self, *_: object) -> None:
        self._statements += 1

    def done(self, **_: object) -> None:
        """nbgrader's hook, called after each submission."""
        memory = self._process.memory_info().rss
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{time.monotonic()} {time.process_time()} {memory} {self._statements}\n")


def keep(kept: Path) -> None:
    """Has this process keep what running each notebook gives."""
    runs.LocalRuns = partial(KeptRuns, kept=kept)  # type: ignore[attr-defined,assignment]


def stub(c: Any, kept: Path, measured: Path) -> None:
    """Has this process run no notebook, and measure.

    Args:
        c: the configuration object of traitlets.
        measured: the file for what each submission took.
    """
    runs.LocalRuns = partial(StubbedRuns, kept=kept)  # type: ignore[attr-defined,assignment]
    c.GradeSubmissions.post_convert_hook = Watch(measured).done


def stub_worker(kept: Path) -> None:
    """Has this worker of Dask run no notebook."""
    from autograder.cluster import worker

    worker.LocalRuns = partial(StubbedRuns, kept=kept)  # type: ignore[attr-defined,assignment]
