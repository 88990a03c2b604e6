"""Executes the notebooks of one run: each in a kernel of its own, and none whose code has been executed before."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nbformat import NotebookNode

from autograder.course.profile import Profile
from autograder.errors import HostLost
from autograder.grading.executions import Execution, Executions, executed, key_of, kit_digest, snapshots_digest
from autograder.grading.host_and_kernels import host_and_kernels, jail_limits, refuse_without_jail
from autograder.grading.model_home import model_home, refuse_without_models, snapshots
from autograder.grading.notebook_run import NotebookRun, lost
from autograder.grading.view import View
from autograder.jail.limits import Level
from autograder.protocol.wire import Open
from autograder.system.daemons import runtime_folder


@dataclass(frozen=True)
class RunSettings:
    """How a run executes.

    Attributes:
        isolation: the jail of the kernels.
        reuse: do not execute again what an earlier run has executed.
        echo: have no model asked: every request is answered with a canned text.
        verify: generate again what is remembered, and compare.
        seed: another one, other samples.
    """

    isolation: Level = "full"
    reuse: bool = True
    echo: bool = False
    verify: bool = False
    seed: str = ""


class Executor:
    """Executes notebooks of one assignment, in any thread.

    Args:
        course: the course directory.
        profile: the one that the assignment was released with.
    """

    def __init__(self, course: Path, assignment: str, profile: Profile, settings: RunSettings, log: Any) -> None:
        self._course, self._assignment, self._profile, self._settings = course, assignment, profile, settings
        self._log = log
        self._home = model_home(profile)
        self._executions = Executions(course / ".autograder" / "executions")
        self._executed: set[str] = set()
        """Keys of what this run has executed."""

    def key(self, view: View) -> str:
        """The key of a notebook's execution. Raises NotReady where a model is missing."""
        refuse_without_models(self._profile)
        return key_of(view, self._cache_context)

    @cached_property
    def _snapshots(self) -> dict[str, Path]:
        return snapshots(self._profile)

    @cached_property
    def _cache_context(self) -> dict[str, str]:
        """What an execution depends on beside the submission."""
        return {
            "profile": self._profile.to_json(),
            "models": snapshots_digest(self._snapshots),
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
        execution = self._run(copy.deepcopy(nb), view, label)
        if execution.reusable:
            self._executed.add(key)
            self._executions.put(key, execution)
        return execution

    def _run(self, nb: NotebookNode, view: View, label: str) -> Execution:
        limits = jail_limits(self._profile.limits)
        try:
            helpers = host_and_kernels(self._course, self._home)
            refuse_without_jail(helpers.kernels, self._settings.isolation, limits)
            opening = self._opening(label)
            with TemporaryDirectory(prefix="v", dir=runtime_folder()) as made, helpers.host.open(opening) as session:
                folder = Path(made, self._assignment)
                view.write(folder)
                plan = helpers.kernels.plan(self._settings.isolation, limits, session.socket)
                plan = replace(plan, models=tuple(map(str, self._snapshots.values())))
                return NotebookRun(nb, self._profile, session, plan, self._log).execution(folder)
        except HostLost as error:
            self._log.error("%s", error)
            return executed(nb, lost(error), {})

    def _opening(self, label: str) -> Open:
        return Open(
            label=label[:500],
            run=self._settings.seed,
            echo=self._settings.echo,
            verify=self._settings.verify,
            prompt_tokens=self._profile.limits.prompt_tokens,
            host_tokens=self._profile.limits.host_tokens,
            host_seconds=self._profile.limits.host_seconds,
            language=self._profile.course.language,
        )
