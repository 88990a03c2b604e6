"""Where a notebook is run: one seam, `NotebookRuns`, and this machine behind it.

`Executor` decides what is run; what is behind the seam runs it, here or elsewhere, and is asked by many threads at a time.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from nbformat import NotebookNode

from autograder.course.profile import Profile
from autograder.errors import HostLost
from autograder.grading.early_start import first_model
from autograder.grading.executions import Execution, executed
from autograder.grading.host_and_kernels import end_kernels, host_and_kernels, jail_limits, refuse_without_jail
from autograder.grading.model_home import model_home, snapshots
from autograder.grading.notebook_run import NotebookRun, lost
from autograder.grading.view import View
from autograder.jail.limits import Level
from autograder.protocol.wire import Open
from autograder.system.daemons import runtime_folder

REHEARSAL_SECONDS = 6
"""What a rehearsal may take; its kernel is ended then."""
MADE_AHEAD = {"host_tokens": 10_000, "host_seconds": 60.0}
"""What is made of a rehearsal's requests, in tokens in and out, and of the host's time."""
UNHEARD = logging.Logger("rehearsal", logging.CRITICAL + 1)
"""Nobody hears of what goes wrong in a rehearsal: if it goes wrong when it counts, that is told."""


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

    @property
    def rehearses(self) -> bool:
        """Whether a notebook that is run is rehearsed: else no model is asked, or what it will say is known."""
        return self.reuse and not self.echo and not self.verify


class NotebookRuns(Protocol):
    """Runs sanitized notebooks, in any thread."""

    def run(self, nb: NotebookNode, view: View, label: str) -> Execution:
        """What running a notebook in the folder that a view lists gives.

        Args:
            nb: outputs may be written into it.
            label: what the host calls it.

        Raises NotReady where nothing can be run: then the whole run ends.
        """

    def rehearse(self, nb: NotebookNode, view: View) -> None:
        """Tells the model host what a notebook is going to ask, all at once, so that it is made in full batches (`NotebookRun`).

        Nothing depends on it, and it raises nothing.
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
        self._home, self._log, self._ended = model_home(profile), log, threading.Event()

    def run(self, nb: NotebookNode, view: View, label: str) -> Execution:
        try:
            with self._notebook_run(nb, view, self._opening(label), self._log) as (run, folder):
                return run.execution(folder)
        except HostLost as error:
            self._log.error("%s", error)
            return executed(nb, lost(error), {})

    def rehearse(self, nb: NotebookNode, view: View) -> None:
        opening = self._opening("a rehearsal").model_copy(update={"rehearsal": True, **MADE_AHEAD})
        try:
            with self._notebook_run(copy.deepcopy(nb), view, opening, UNHEARD, REHEARSAL_SECONDS) as (run, folder):
                run.rehearse(folder, REHEARSAL_SECONDS)
        except Exception as error:
            self._log.debug("Not rehearsed: %s", error)

    @contextmanager
    def _notebook_run(
        self, nb: NotebookNode, view: View, opening: Open, log: Any, seconds: int | None = None
    ) -> Iterator[tuple[NotebookRun, Path]]:
        """What runs a notebook, and the folder to run it in, for as long as the block lasts.

        Args:
            seconds: what its kernel may take at most, where that is less than the profile's limit.
        """
        limits = jail_limits(self._profile.limits)
        first = "" if self._settings.echo else first_model(self._profile)
        helpers = host_and_kernels(self._folder, self._home, first, self._ended)
        refuse_without_jail(helpers.kernels, self._settings.isolation, limits)
        with TemporaryDirectory(prefix="v", dir=runtime_folder()) as made, helpers.host.open(opening) as session:
            folder = Path(made, self._assignment)
            view.write(folder)
            shorter = replace(limits, seconds=min(limits.seconds, seconds or limits.seconds))
            plan = helpers.kernels.plan(self._settings.isolation, shorter, session.socket)
            yield NotebookRun(nb, self._profile, session, replace(plan, models=self._models), log), folder

    def end(self) -> None:
        self._ended.set()
        end_kernels()

    @cached_property
    def _models(self) -> tuple[str, ...]:
        """Folders of the models that notebooks load."""
        return tuple(map(str, snapshots(self._profile).values()))

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
