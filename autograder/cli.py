"""The command line: parses, calls, prints."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import click
from rich.markup import escape
from rich.table import Table

from autograder.errors import AutograderError
from autograder.grading.progress import SAID, STATE, WORKERS
from autograder.judging import contract
from autograder.judging.contract import load
from autograder.system.imports import garbage_later
from autograder.system.signals import ends_on_sigterm
from autograder.words.terminal import Begin, Terminal, progress

console = Terminal()
STOPPED = "Stopped. What has been graded stays. Run the same command again: it takes only what is left."
COURSE = click.option(
    "--course", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", help="The course directory."
)


@click.group()
def main() -> None:
    """Autograded exercises about chatbots, on nbgrader."""


def run() -> None:
    """The entry point: our own errors are told in words, without a traceback."""
    try:
        main(standalone_mode=True)
    except AutograderError as error:
        console.print(f"[bold]Error:[/bold] {escape(str(error))}", markup=True, highlight=False)
        sys.exit(1)


@main.command()
@click.argument("path", type=click.Path(path_type=Path), default="course.toml")
def profile(path: Path) -> None:
    """Checks a profile, and shows the tasks and points that it gives."""
    loaded = load(path)
    table = Table("task", "notebook", "points", "judged by", "model", "question", title=str(path))
    for task in contract.tasks(loaded):
        values = (task.id, task.notebook, f"{task.points:g}", task.judged_by, task.model or "", task.question or "")
        table.add_row(*values)
    table.add_row("", "", f"{sum(t.points for t in contract.tasks(loaded)):g}", "", "", "")
    console.print(table)


@main.command()
@COURSE
@click.option("--profile", "profile_path", default="course.toml", help="The profile, relative to the course directory.")
def release(course: Path, profile_path: str) -> None:
    """Makes the release: `nbgrader generate_assignment` with a profile, frozen beside the notebooks."""
    load(course / profile_path)
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # nbgrader, and its alembic
    env = {**os.environ, "AUTOGRADER_PROFILE": profile_path, "PATH": here}
    command = ["nbgrader", "generate_assignment", contract.ASSIGNMENT, "--force"]
    sys.exit(subprocess.run(command, cwd=course, env=env, check=False).returncode)


@main.command()
@COURSE
@click.option("--student", default=None, help="Only this student.")
@click.option("--regrade", is_flag=True, help="Grade again what has been graded; the same code is not executed again.")
@click.option("--force", is_flag=True, help="Grade again, and execute everything again.")
@click.option("--verify", is_flag=True, help="As --force, and generate again what is remembered, to compare.")
@click.option(
    "--in-line", "place", flag_value="in-line", help="Run one notebook at a time in this process, for a debugger."
)
@click.option(
    "--slurm", "place", flag_value="slurm", help="Run notebooks in jobs of Slurm, as [cluster] in course.toml says."
)
@click.option("--scheduler", metavar="ADDRESS", help="Run notebooks on the workers of a Dask that is running.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done, and how long that is expected to take.")
def grade(
    course: Path,
    student: str | None,
    regrade: bool,
    force: bool,
    verify: bool,
    place: Literal["in-line", "slurm"] | None,
    scheduler: str | None,
    dry_run: bool,
) -> None:
    """Grades what has been handed in: `nbgrader autograde` with a picture of how far it is, and a list at its end."""
    with garbage_later():
        from autograder.cluster.place import Place
        from autograder.plugins import run as grading
    if place and scheduler:
        raise click.UsageError(f"--{place} and --scheduler are two places; choose one.")
    where = Place("scheduler", scheduler) if scheduler else Place(place or "here")
    wanted = grading.Wanted(
        student,
        regrade=regrade or force or verify,
        execute=force or verify,
        verify=verify,
        place=where,
        dry_run=dry_run,
    )
    told = Told(console)
    try:
        with ends_on_sigterm(), told.shown(quiet=where.kind == "in-line" or dry_run) as begin:
            outcome = grading.run(course.resolve(), wanted, begin, told.hear)
    except (KeyboardInterrupt, SystemExit):
        console.print(STOPPED, highlight=False)
        raise
    for line in outcome.lines() if not dry_run or outcome.exit_code else []:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    sys.exit(outcome.exit_code)


class Told:
    """What a run tells beside how far it is: how many notebooks wait and run, and what is to be read."""

    def __init__(self, to: Terminal) -> None:
        self._to = to
        self._state: dict[str, str] = {}

    def hear(self, line: str) -> None:
        """Takes a line as `grading/progress.py` has it."""
        if line.startswith((STATE, WORKERS)):
            self._state[line[0]] = line[1:]
        else:
            self._to.print(line.removeprefix(SAID), highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def shown(self, quiet: bool) -> Iterator[Begin]:
        """`progress` with the state beside it, or nothing."""
        if quiet:
            yield lambda *_: lambda: None
            return
        with progress(self._to, lambda: ", ".join(self._state.values())) as begin:
            yield begin


@main.command()
@COURSE
def doctor(course: Path) -> None:
    """Tells what protects the grader on this machine, by trying; ends non-zero where the level asked for is not there."""
    from autograder.grading import doctor as examination
    from autograder.grading.model_home import model_home

    loaded = load(course / "course.toml")
    wanted = f'isolation = "{loaded.limits.isolation}"'
    found = examination.examine(course.resolve(), model_home(loaded))
    for line in found:
        mark = "[green]✓[/green]" if line.there else "[red]✗[/red]"
        console.print(f"{mark} {line.what}: {line.seen}", highlight=False, soft_wrap=True)
    console.print(f"course.toml asks for {wanted}", highlight=False)
    sys.exit(1 if examination.missing(found, wanted) else 0)


@main.command()
@COURSE
@click.option("--idle", default=30.0, show_default=True, help="Minutes without a request after which it ends.")
@click.option("--threads", default=1, show_default=True, help="Threads that a model uses on a machine without a GPU.")
@click.option("--stop", is_flag=True, help="End the one that is running.")
def host(course: Path, idle: float, threads: int, stop: bool) -> None:
    """Keeps the model host and the parent of kernels running, for grading one by one (Formgrader). Ends with Ctrl-C, or idle."""
    from autograder.plugins import run as grading

    sys.exit(
        grading.keep_host(course.resolve(), idle * 60, threads, stop, lambda line: console.print(line, highlight=False))
    )


@main.command()
@COURSE
@click.argument("student")
@click.argument("check_id")
@click.argument("criterion")
@click.argument("points", type=float)
@click.option("--reason", required=True, help="Why; the student sees it.")
def override(course: Path, student: str, check_id: str, criterion: str, points: float, reason: str) -> None:
    """Overrules one criterion: CHECK_ID's CRITERION earns STUDENT this many POINTS, whatever the check found."""
    from autograder.plugins.scores import Decision, overrule

    decision = Decision(student, check_id, criterion, points, reason, by=getpass.getuser())
    verdict = overrule(course.resolve(), decision)
    console.print(
        f"{student}, {check_id}: {verdict.score:g} of {verdict.points:g} points. Feedback shows it next time."
    )


@main.command()
@COURSE
@click.option("--names", is_flag=True, help="With students' names; else each has a number.")
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), default=None, help="[default: report.html]")
def report(course: Path, names: bool, to: Path | None) -> None:
    """Writes a page about the class for the course team: scores, mistakes, what needs a person, what it cost."""
    from autograder.plugins.report import write_report

    path = to or course / "report.html"
    students = write_report(course.resolve(), path, names)
    console.print(f"{path}: {students} student(s){', with names' if names else ''}.", highlight=False, soft_wrap=True)
