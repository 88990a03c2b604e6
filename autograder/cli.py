"""The command line: parses, calls, prints."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import click
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from . import contract
from .errors import AutograderError
from .profile import Profile, load
from .terminal import Terminal

console = Terminal()
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
def grade(course: Path, student: str | None, regrade: bool, force: bool, verify: bool) -> None:
    """Grades what has been handed in: `nbgrader autograde` with a picture of how far it is, and a list at its end."""
    from . import grading

    columns = TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:

        def begin(name: str, parts: int):  # type: ignore[no-untyped-def]
            task = progress.add_task(name, total=parts)
            return lambda: progress.advance(task)

        outcome = grading.run(course.resolve(), student, regrade or force or verify, force or verify, verify, begin)
    for line in outcome.lines():
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    sys.exit(outcome.exit_code)


@main.command()
@COURSE
def doctor(course: Path) -> None:
    """Tells what protects the grader on this machine, by trying; ends non-zero where the level asked for is not there."""
    from . import doctor as examination
    from .nbgrader_course import model_home

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
    """Keeps the model host running, for grading one by one (Formgrader): models stay loaded. Ends with Ctrl-C, or idle."""
    from . import grading

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
    from .nbgrader_grading import overrule

    verdict = overrule(course.resolve(), student, check_id, criterion, points, reason, getpass.getuser())
    console.print(
        f"{student}, {check_id}: {verdict.score:g} of {verdict.points:g} points. Feedback shows it next time."
    )


@main.command()
@COURSE
@click.option("--names", is_flag=True, help="With students' names; else each has a number.")
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), default=None, help="[default: report.html]")
def report(course: Path, names: bool, to: Path | None) -> None:
    """Writes a page about the class for the course team: scores, mistakes, what needs a person, what it cost."""
    from .report import write_report

    path = to or course / "report.html"
    students = write_report(course.resolve(), path, names)
    console.print(f"{path}: {students} student(s){', with names' if names else ''}.", highlight=False, soft_wrap=True)


@main.command()
@click.option("--folder", type=click.Path(path_type=Path), default=".scratch/demo", help="Where to build it.")
@click.option("--models", "model_home", type=click.Path(path_type=Path), default=".models", help="The model home.")
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), default=None, help="Another profile.")
@COURSE
def demo(folder: Path, model_home: Path, profile_path: Path | None, course: Path) -> None:
    """Takes six made-up students through release, hand-in, grading and feedback, and shows the outcome."""
    from . import demo as scenario
    from .stand_ins import make_stand_ins

    wanted = load(profile_path or course / "course.toml")
    names = {role: wanted.model(role).name for role in wanted.roles_in_use()}
    base = [name for role, name in names.items() if role == "base"]
    make_stand_ins(model_home, base, [name for name in names.values() if name not in base], say=click.echo)
    made = scenario.ScratchCourse(folder.resolve(), course.resolve(), model_home, profile_path)
    students = scenario.the_class(made.reference(), made.profile)
    columns = TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:

        def begin(name: str, parts: int):  # type: ignore[no-untyped-def]
            task = progress.add_task(name, total=parts)
            return lambda: progress.advance(task)

        scenario.run(made, students, begin)
    for student in students:
        console.print(f"{student.id:<8}{student.story}", highlight=False)
    console.print(outcome(made.scores(), students, made.profile))
    console.print("– is not marked yet: a person reads the free-text answers. Feedback pages:", highlight=False)
    for student in students:
        pages = made.home(student.id) / contract.ASSIGNMENT / "feedback"
        console.print(f"{student.id:<8}{pages}", highlight=False, soft_wrap=True)
    console.print(f"gradebook {made.root / 'gradebook.db'}", highlight=False, soft_wrap=True)


@main.command()
@COURSE
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), default=None, help="Another profile.")
@click.option("--folder", type=click.Path(path_type=Path), default=".scratch/selftest", help="Where to build it.")
@click.option("--seeds", default=2, show_default=True, help="A sample is graded again with each seed after the first.")
@click.option("--jobs", default=2, show_default=True, help="Courses graded side by side.")
@click.option("--only", default="", help="Only solutions with this in their name; no mutants.")
@click.option("--sample", is_flag=True, help="Only the sample that is graded with each seed.")
@click.option("--generate", is_flag=True, help="Have tiny models asked; else they are with further seeds alone.")
def selftest(
    course: Path,
    profile_path: Path | None,
    folder: Path,
    seeds: int,
    jobs: int,
    only: str,
    sample: bool,
    generate: bool,
) -> None:
    """Grades a library of right and wrong solutions, and shows where a verdict is not what is due."""
    from . import selftest as library

    columns = TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:

        def begin(name: str, parts: int):  # type: ignore[no-untyped-def]
            task = progress.add_task(name, total=parts)
            return lambda: progress.advance(task)

        found = library.run(
            course.resolve(), folder.resolve(), profile_path, seeds, jobs, begin, only, sample, not generate
        )
    if found.findings:
        table = Table("what", "solution", "task", "criterion", "detail", title="Verdicts that are not what is due")
        for finding in found.findings:
            table.add_row(finding.kind, finding.solution, finding.task, finding.criterion, finding.detail)
        console.print(table)
    times = Table("check", "seconds (median)", "most", title="Time of a check")
    for name, seconds in found.seconds.items():
        times.add_row(name, f"{found.median_seconds()[name]:.3f}", f"{max(seconds):.3f}")
    console.print(times)
    console.print(
        f"{found.right} right and {found.wrong} wrong solutions, {found.mutants} mutants, in {found.notebooks} notebooks: "
        + ", ".join(f"{sum(f.kind == kind for f in found.findings)} {kind}" for kind in library.KINDS),
        highlight=False,
    )
    rate = found.notebooks / found.minutes
    console.print(f"{found.minutes:.1f} minutes, {rate:.0f} notebooks a minute, {jobs} at a time", highlight=False)
    sys.exit(1 if found.findings else 0)


@main.command()
@COURSE
@click.option("--size", default=30, show_default=True, help="Students of the class.")
@click.option("--seed", default=1, show_default=True, help="Another seed, another class.")
@click.option("--mix", type=click.Choice(["usual", "identical", "varied"]), default="usual", show_default=True)
@click.option("--stock", "sample", default=3, show_default=True, help="Submissions that stock nbgrader grades too.")
@click.option("--folder", type=click.Path(path_type=Path), default=".scratch/bench", help="Where to build it.")
@click.option("--models", "model_home", type=click.Path(path_type=Path), default=".models", help="The model home.")
def bench(
    course: Path,
    size: int,
    seed: int,
    mix: Literal["usual", "identical", "varied"],
    sample: int,
    folder: Path,
    model_home: Path,
) -> None:
    """Grades a made-up class with this kit, and a sample of it with stock nbgrader; shows what each costs."""
    from . import bench as benchmark
    from .bench_report import lines, table

    columns = TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:

        def begin(name: str, parts: int):  # type: ignore[no-untyped-def]
            task = progress.add_task(name, total=parts)
            return lambda: progress.advance(task)

        found = benchmark.run(course.resolve(), folder.resolve(), model_home, size, seed, mix, sample, begin)
    console.print(table(found))
    for line in lines(found):
        console.print(line, highlight=False, soft_wrap=True)
    sys.exit(1 if found.wrong else 0)


@main.command()
@COURSE
@click.option("--folder", type=click.Path(path_type=Path), default=".scratch/attacks", help="Where to build it.")
@click.option(
    "--stock", is_flag=True, help="Also against stock nbgrader, each in a sandbox; what is known is not run again."
)
@click.option("--again", is_flag=True, help="With --stock: forget what is known.")
@click.option("--only", default="", help="Only attacks with this in their name, or of this group.")
@click.option("--jobs", default=2, show_default=True, help="Courses, or sandboxes, side by side.")
@click.option("--write", "page", is_flag=True, help="Write the table into docs/security.md.")
def attacks(course: Path, folder: Path, stock: bool, again: bool, only: str, jobs: int, page: bool) -> None:
    """Has a class of attackers graded, and shows what each of them got that was not due."""
    from . import attacks_report, attacks_run, attacks_stock

    folder = folder.resolve()
    columns = TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:

        def begin(name: str, parts: int):  # type: ignore[no-untyped-def]
            task = progress.add_task(name, total=parts)
            return lambda: progress.advance(task)

        found = attacks_run.run(course.resolve(), folder / "kit", begin, only, jobs=jobs)
        told = attacks_stock.known(folder / "stock")
        if stock:
            told = attacks_stock.run(course.resolve(), folder / "stock", begin, only, again, jobs)
    shown = Table("attack", "this kit", "stock nbgrader", title="Not held by this kit, or all with --only")
    for attack in attacks_run.ATTACKS:
        if attack.name in found.found and (only or not found.found[attack.name].held):
            shown.add_row(attack.name, found.found[attack.name].words(), attacks_report.on_stock(attack, told))
    if shown.row_count:
        console.print(shown)
    for who, lost in found.honest.items():
        if lost:
            console.print(f"{who}: {'; '.join(lost)}", highlight=False, markup=False)
    for what in found.harmed:
        console.print(what, highlight=False, markup=False)
    console.print(attacks_report.summary(found, told), highlight=False)
    console.print(f"{found.seconds:.0f} seconds of grading", highlight=False)
    if page:
        attacks_report.write(course / "docs" / "security.md", attacks_report.table(found, told))
    sys.exit(0 if found.held else 1)


@main.command("bench-picture")
@click.option("--result", type=click.Path(exists=True, path_type=Path), required=True, help="With stock's cost.")
@click.option("--to", type=click.Path(path_type=Path), default="docs/images/cost.png", show_default=True)
@click.argument("results", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def bench_picture(result: Path, to: Path, results: tuple[Path, ...]) -> None:
    """Draws cost against class size out of results of `autograder bench`, one for each class, and prints it as a table."""
    from .bench_picture import draw, sizes

    draw(result, results, to)
    console.print(sizes(result, results), highlight=False)


def outcome(scores, students, profile: Profile) -> Table:  # type: ignore[no-untyped-def]
    """Students and tasks as a table, with what the autograder gives in all."""
    all_tasks = contract.tasks(profile)
    table = Table(title="Points")
    for column in ("task", "of", *[student.id for student in students]):
        table.add_column(column, no_wrap=True)
    for task in all_tasks:
        row = [scores[student.id].get(task.check_id) for student in students]
        table.add_row(task.id, f"{task.points:g}", *["–" if v is None else f"{v:g}" for v in row])
    judged = [t for t in all_tasks if t.judged_by == "autograder"]
    sums = [sum(scores[student.id].get(t.check_id) or 0 for t in judged) for student in students]
    table.add_section()
    table.add_row("autograder", f"{sum(t.points for t in judged):g}", *[f"{v:g}" for v in sums])
    return table
