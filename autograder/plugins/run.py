"""`autograder grade` and `autograder host`: a run of `nbgrader autograde` with a host of its own, and a host that is kept.

`nbgrader autograde` alone does the same; this shows how far it is, says at the end who needs a person, and has the options
that nbgrader has not.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.cluster.place import HERE, Place
from autograder.errors import NotReady
from autograder.grading import run_summary
from autograder.grading.early_start import Ahead, first_model, kernels_log, something_new
from autograder.grading.model_home import model_home, refuse_without_models
from autograder.grading.progress import Listener
from autograder.grading.released import released_profile
from autograder.grading.run_summary import Graded
from autograder.host.control import Host, server_command, socket_of
from autograder.jail.kernels import Kernels, kept_socket
from autograder.judging.contract import ASSIGNMENT
from autograder.protocol.wire import Counts
from autograder.words.terminal import Begin

DRY_RUN = "AUTOGRADER_DRY_RUN"
"""Tells nbgrader's process to say only what it would do."""
EXIT = {"well": 0, "ended early": 1, "not judged": 3, "differs": 4}
"""Exit codes of a run: all that was to be graded is (a person may have to look); it ended early; verdicts are not judged, for a
reason of the grader's side; a remembered answer came out otherwise when it was generated again."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        exit_code: one of `EXIT`.
        recorded: what is on record for the students it was about.
        machine: what the host says of the run.
        log: the end of what nbgrader said, where it failed.
    """

    exit_code: int
    seconds: float
    graded: int
    recorded: tuple[Graded, ...]
    machine: tuple[str, ...]
    log: str = ""

    def lines(self) -> list[str]:
        """The end of the run, in words."""
        said = [
            f"{self.graded} notebook(s) graded in {self.seconds:.0f} s.",
            *run_summary.lines(self.recorded),
            *self.machine,
        ]
        return [*said, self.log] if self.log else said


@dataclass(frozen=True)
class Wanted:
    """What is to be graded, and how.

    Attributes:
        student: only this one's.
        regrade: what has been graded, too.
        execute: execute again what has been executed.
        verify: generate again what is remembered, and compare.
        place: where notebooks are executed.
        dry_run: only tell what would be done.
    """

    student: str | None = None
    regrade: bool = False
    execute: bool = False
    verify: bool = False
    place: Place = HERE
    dry_run: bool = False

    def command(self, assignment: str) -> list[str]:
        student = ["--student", self.student] if self.student else []
        return ["nbgrader", "autograde", assignment, *student, *(["--force"] * self.regrade)]

    @property
    def env(self) -> dict[str, str]:
        on = {"AUTOGRADER_FORCE": self.execute, "AUTOGRADER_VERIFY": self.verify, DRY_RUN: self.dry_run}
        return {**{name: "1" if is_on else "" for name, is_on in on.items()}, **self.place.env}

    def refuse_impossible(self) -> None:
        """Raises NotReady for what cannot be had together, or not here."""
        if self.verify and self.place.is_far:
            raise NotReady(
                "--verify compares with the answers that this machine remembers, so it runs here: leave --slurm and "
                "--scheduler out."
            )
        self.place.refuse_without_dask()


def run(
    course: Path,
    wanted: Wanted,
    begin: Begin,
    hear: Callable[[str], None] = lambda _: None,
    assignment: str = ASSIGNMENT,
) -> Outcome:
    """Grades what has been handed in for the assignment.

    Args:
        begin: called with a step's name and how many parts it has; answers a function to call after each part.
        hear: called, in another thread, with what else the run tells (`Listener`).

    Raises:
        NotReady: there is no release, nothing has been handed in, a model is missing, or the place is not there.
        HostLost: the host does not start.
    """
    began = time.monotonic()
    profile = released_profile(course, assignment)
    refuse_without_models(profile)
    wanted.refuse_impossible()
    handed_in = sorted(course.glob(f"submitted/{wanted.student or '*'}/{assignment}/*.ipynb"))
    if not handed_in:
        whose = wanted.student or "anybody"
        raise NotReady(f"{course / 'submitted'}: nothing has been handed in for {assignment} by {whose}")
    listener = Listener(begin("grade", len(handed_in)), hear)
    if wanted.place.kind == "in-line" and not wanted.dry_run:
        ended, counts = in_line(wanted.command(assignment), course, wanted.env, listener), Counts(home="")
    elif wanted.place.is_far or wanted.dry_run:
        ended, counts = follow(wanted.command(assignment), course, wanted.env, listener), Counts(home="")
    else:
        ended, counts = with_helpers(course, wanted, listener, assignment)
    found = tuple(run_summary.recorded(course, assignment, [path.parent.parent.name for path in handed_in]))
    waits = any(each.verdicts("not judged") for each in found)
    failed = "not judged" if waits else "ended early"
    went = failed if ended.code else "differs" if counts.differing else "well"
    if wanted.dry_run:
        found = ()
    return Outcome(
        exit_code=EXIT[went],
        seconds=time.monotonic() - began,
        graded=ended.graded,
        recorded=found,
        machine=tuple(run_summary.said_at_the_end(counts)),
        log=ended.log if went == "ended early" else "",
    )


def since(before: Counts, after: Counts) -> Counts:
    """What a host that may have been running before has done in this run, as far as a person must know."""
    names = ("lost", "differing", "rounded", "dropped")
    return after.model_copy(update={name: getattr(after, name) - getattr(before, name) for name in names})


@dataclass(frozen=True)
class Ended:
    """How nbgrader has ended: how many notebooks it graded, its exit code, and the end of what it said."""

    graded: int
    code: int
    log: str


def with_helpers(course: Path, wanted: Wanted, listener: Listener, assignment: str) -> tuple[Ended, Counts]:
    """Runs nbgrader with helpers that are begun before it, and what the host says of the run. Raises HostLost."""
    profile = released_profile(course, assignment)
    home = model_home(profile)
    kernels = wanted.execute or something_new(course, assignment, wanted.student)
    with Ahead(course, home, first_model(profile), kernels) as ahead:
        before = ahead.host.status() if ahead.was_kept else Counts(home=str(home))
        ended = follow(wanted.command(assignment), course, wanted.env, listener, ahead)
        ahead.host.ready()
        return ended, since(before, ahead.host.status())


def follow(
    command: list[str], course: Path, given: dict[str, str], listener: Listener, ahead: Ahead | None = None
) -> Ended:
    """Runs nbgrader in the course directory. Raises HostLost where a helper does not start; then nbgrader is ended.

    Args:
        given: variables for it.
        listener: hears how far it is.
        ahead: its helpers; None where it has none here.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    passed, theirs = ([ahead.handle], ahead.env) if ahead else ([], {})
    with (
        listener,
        subprocess.Popen(
            command, cwd=course, env={**os.environ, **given, "PATH": path, **listener.env, **theirs},
            pass_fds=[listener.handle, *passed],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True,  # a terminal's Ctrl-C comes to it once, from here
        ) as process,
    ):  # fmt: skip
        if ahead:
            ahead.watch(lost=process.terminate)
        assert process.stdout is not None
        last = deque[str](maxlen=20)
        try:
            last.extend(line.rstrip() for line in process.stdout)
        except BaseException:
            process.terminate()
            process.communicate()  # it gives back what it has taken
            raise
    if ahead and ahead.error is not None:
        raise ahead.error
    return Ended(listener.heard, process.returncode, "\n".join(last))


def in_line(command: list[str], course: Path, given: dict[str, str], listener: Listener) -> Ended:
    """Runs nbgrader in this process, and says what it says: for a debugger."""
    from nbgrader.apps.nbgraderapp import NbGraderApp

    with listener, contextlib.chdir(course), setenv({**given, **listener.env}):
        try:
            NbGraderApp.launch_instance(command[1:])
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Ended(listener.heard, code, "")


@contextlib.contextmanager
def setenv(given: dict[str, str]) -> Iterator[None]:
    """Variables of this process, for as long as the block lasts."""
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def keep_host(course: Path, idle_seconds: float, threads: int, stop: bool, say: Callable[[str], None]) -> int:
    """Runs a host and a parent of kernels where grading finds them, in the foreground, or ends those that are running.

    Answers an exit code.
    """
    profile = released_profile(course, ASSIGNMENT)
    home = model_home(profile)
    running = Host.kept(course, home)
    if stop:
        if running is not None:
            running.stop()
        say("The model host has ended." if running is not None else "No model host is running for this course.")
        return 0
    if running is not None:
        running.end()
        say("A model host is running for this course already. `autograder host --stop` ends it.")
        return 1
    socket = socket_of(course, home)
    socket.parent.mkdir(mode=0o711, exist_ok=True)
    socket.unlink(missing_ok=True)  # of one that was killed
    say(f"The model host of {course} serves the models in {home}.")
    say(
        f"It ends with Ctrl-C, with `autograder host --stop`, or after {idle_seconds / 60:g} minutes without a request."
    )
    kernels = Kernels.started(home, kernels_log(course), kept_socket(course, home), wait=False)
    command = [
        *server_command(course, home, threads, socket),
        "--idle",
        str(idle_seconds),
        "--first",
        first_model(profile),
    ]
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 0
    finally:
        kernels.end()
