"""Executes the notebooks of one run: each in a kernel of its own, and none whose code has been executed before."""

from __future__ import annotations

import copy
from functools import cached_property
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.course.profile import Profile
from autograder.grading.executions import Execution, Executions, key_of, kit_digest, snapshots_digest
from autograder.grading.model_home import refuse_without_models, snapshots
from autograder.grading.notebook_runs import NotebookRuns, RunSettings
from autograder.grading.view import View


class Executor:
    """Executes notebooks of one assignment, in any thread.

    Args:
        course: the course directory.
        profile: the one that the assignment was released with.
        runs: runs those that must be.
    """

    def __init__(self, course: Path, profile: Profile, settings: RunSettings, runs: NotebookRuns, log: Any) -> None:
        self._profile, self._settings, self._runs, self._log = profile, settings, runs, log
        self._executions = Executions(course / ".autograder" / "executions")
        self._executed: set[str] = set()
        """Keys of what this run has executed."""
        self._ran: list[str] = []
        """What has been run, by label; threads add to it."""

    def key(self, view: View) -> str:
        """The key of a notebook's execution. Raises NotReady where a model is missing."""
        refuse_without_models(self._profile)
        return key_of(view, self._cache_context)

    @cached_property
    def _cache_context(self) -> dict[str, str]:
        """What an execution depends on beside the submission."""
        return {
            "profile": self._profile.to_json(),
            "models": snapshots_digest(snapshots(self._profile)),
            "kit": kit_digest(),
            "run": f"{self._settings.isolation} {self._settings.echo} {self._settings.seed}",
        }

    def execution(self, key: str, nb: NotebookNode, view: View, label: str) -> Execution:
        """The execution of a sanitized notebook: a remembered one, where there is one that may be used again.

        Args:
            key: the view's.
            label: what the host calls it.
        """
        may = (self._settings.reuse and not self._settings.verify) or key in self._executed
        known = self._executions.get(key) if may else None
        if known is not None:
            return known
        self._log.info("Executing %s", label)
        execution = self._runs.run(copy.deepcopy(nb), view, label)
        self._ran.append(label)
        if execution.reusable:
            self._executed.add(key)
            self._executions.put(key, execution)
        return execution

    def rehearse(self, key: str, nb: NotebookNode, view: View) -> None:
        """Has the model host know what a notebook is going to ask, where it will be run and asks a model."""
        if self._settings.rehearses and not self._executions.has(key):
            self._runs.rehearse(nb, view)

    @property
    def ran(self) -> int:
        """How many notebooks have been run."""
        return len(self._ran)

    def is_known(self, key: str) -> bool:
        """Whether it would not be run again."""
        return self._settings.reuse and not self._settings.verify and self._executions.get(key) is not None

    def end(self) -> None:
        """Ends what is being executed."""
        self._runs.end()
