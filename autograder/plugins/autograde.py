"""What stands behind `nbgrader autograde`: an assignment of ours is graded by a `GradingRun`, any other by nbgrader's own code.

nbgrader's own converter has no setting for its order of work, and copies whatever a submission holds before any of its steps
can look. So `install` puts `GradeSubmissions` where nbgrader's commands (and Formgrader) look the converter up.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from nbgrader.apps import api, autogradeapp
from traitlets import Bool, Enum, Integer

from autograder.cluster.place import Place
from autograder.cluster.runs import Assignment, at_a_time, runs_at
from autograder.course.profile import Profile
from autograder.errors import NotReady, ProfileError
from autograder.grading.execution_pool import ExecutionPool, InLine
from autograder.grading.executor import Executor
from autograder.grading.notebook_runs import LocalRuns, RunSettings
from autograder.grading.progress import Teller
from autograder.grading.run_times import RunTime, RunTimes
from autograder.plugins.course import released_profile, tolerant
from autograder.plugins.dry_run import DryRun
from autograder.plugins.grading_run import GradingRun
from autograder.plugins.run import DRY_RUN
from autograder.plugins.submission_converter import SubmissionConverter
from autograder.system.signals import ends_on_sigterm


class GradeSubmissions(SubmissionConverter):
    """nbgrader's converter; its settings say how notebooks of ours are executed."""

    side_by_side = Integer(
        0, min=0, help="Notebooks that are executed at the same time; 0: as many as memory and cores can bear."
    ).tag(config=True)
    isolation = Enum(["full", "landlock", "none"], "full", help="The jail of the kernels.").tag(config=True)
    reuse = Bool(True, help="Do not execute again what an earlier run has executed.").tag(config=True)
    echo = Bool(False, help="Have no model asked: every request is answered with a canned text.").tag(config=True)
    verify = Bool(False, help="Generate again what is remembered, and compare.").tag(config=True)

    def _run_settings(self) -> RunSettings:
        seed = os.environ.get("AUTOGRADER_SEED", "")
        return RunSettings(self.isolation, reuse=self.reuse, echo=self.echo, verify=self.verify, seed=seed)

    def _profile(self) -> Profile | None:
        """The profile that the assignment was released with; None where it is not ours."""
        try:
            return released_profile(self.coursedir, self.coursedir.assignment_id)
        except ProfileError as error:
            raise self.told(str(error)) from error

    def init_notebooks(self) -> None:
        """nbgrader's, but with every submission of ours: what is in it is seen when it is its turn."""
        if self._profile() is None:
            super().init_notebooks()
            return
        self.assignments: dict[str, list[str]] = {folder: [] for folder in self.folders()}

    def convert_notebooks(self) -> None:
        profile = self._profile()
        if profile is None:
            super().convert_notebooks()
            return
        if "get_existing_timestamp" not in vars(self.coursedir):
            self.coursedir.get_existing_timestamp = tolerant(self.coursedir.get_existing_timestamp)
        try:
            with ends_on_sigterm():
                self._grade(profile, Place.chosen())
        except NotReady as error:
            raise self.told(str(error)) from error

    def _grade(self, profile: Profile, place: Place) -> None:
        """Grades what is in `assignments`, or tells what that would come to. Raises NotReady where nothing can be run."""
        course, settings, progress = Path(self.coursedir.root).resolve(), self._run_settings(), Teller()
        threads = self.side_by_side or at_a_time(place, course, profile)
        assignment = Assignment(course, self.coursedir.assignment_id, profile)
        times, began = RunTimes.of(course), time.monotonic()
        if os.environ.get(DRY_RUN, "") not in ("", "0"):
            runs_nothing = LocalRuns(course, assignment.name, profile, settings, self.log)
            dry = DryRun(self, profile, Executor(course, profile, settings, runs_nothing, self.log))
            for line in dry.forecast(list(self.assignments)).lines(place.words, threads, times):
                self.log.info("%s", line)
                progress.say(line)
            return
        with runs_at(place, assignment, settings, progress, self.log) as runs:
            executor = Executor(course, profile, settings, runs, self.log)
            pool = InLine() if place.kind == "in-line" else ExecutionPool(threads, progress.state)
            GradingRun(self, profile, executor, pool, progress).grade(list(self.assignments))
        if executor.ran:
            times.add(course, RunTime(place=place.words, ran=executor.ran, seconds=time.monotonic() - began))


def install() -> None:
    """Has nbgrader use `GradeSubmissions` wherever it would use its own converter."""
    for module in (autogradeapp, api):
        module.Autograde = GradeSubmissions
