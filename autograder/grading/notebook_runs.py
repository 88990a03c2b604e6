"""Where a notebook is run: one seam, `NotebookRuns`, and this machine behind it.

`Executor` decides what is run; what is behind the seam runs it, here or elsewhere, and is asked by many threads at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from nbformat import NotebookNode

from autograder.course.profile import Profile
from autograder.errors import HostLost
from autograder.grading.executions import Execution, executed
from autograder.grading.host_and_kernels import end_kernels, host_and_kernels, jail_limits, refuse_without_jail
from autograder.grading.model_home import model_home
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


class NotebookRuns(Protocol):
    """Runs sanitized notebooks, in any thread."""

    def run(self, nb: NotebookNode, view: View, label: str) -> Execution:
        """What running a notebook in the folder that a view lists gives.

        Args:
            nb: outputs may be written into it.
            label: what the host calls it.

        Raises NotReady where nothing can be run: then the whole run ends.
        """

    def end(self) -> None:
        """Ends what is being run; nothing more is run from then on."""


class LocalRuns:
    """Runs notebooks on this machine, with one model host and one parent of kernels for all.

    Args:
        folder: whose logs and remembered answers are used: the course directory.
        profile: the one that the assignment was released with.
    """

    def __init__(self, folder: Path, assignment: str, profile: Profile, settings: RunSettings, log: Any) -> None:
        self._folder, self._assignment, self._profile, self._settings = folder, assignment, profile, settings
        self._home, self._log = model_home(profile), log

    def run(self, nb: NotebookNode, view: View, label: str) -> Execution:
        limits = jail_limits(self._profile.limits)
        try:
            helpers = host_and_kernels(self._folder, self._home)
            refuse_without_jail(helpers.kernels, self._settings.isolation, limits)
            opening = self._opening(label)
            with TemporaryDirectory(prefix="v", dir=runtime_folder()) as made, helpers.host.open(opening) as session:
                folder = Path(made, self._assignment)
                view.write(folder)
                plan = helpers.kernels.plan(self._settings.isolation, limits, session.socket)
                return NotebookRun(nb, self._profile, session, plan, self._log).execution(folder)
        except HostLost as error:
            self._log.error("%s", error)
            return executed(nb, lost(error), {})

    def end(self) -> None:
        end_kernels()

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
