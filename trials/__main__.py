"""What is tried on the product, from the command line: `python -m trials COMMAND`, in a checkout.

None of it is installed with the package, and no student has it: here are solutions, attacks and benchmarks.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import click
from rich.markup import escape
from rich.table import Table

from autograder.course.profile import Profile
from autograder.errors import AutograderError
from autograder.judging import contract
from autograder.judging.contract import load
from autograder.words.terminal import Terminal, progress
from trials.classes import Student

console = Terminal()
COURSE = click.option(
    "--course", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", help="The course directory."
)


@click.group()
def main() -> None:
    """Solutions, attacks and benchmarks, through the whole real path."""


def run() -> None:
    """The entry point: our own errors are told in words, without a traceback."""
    try:
        main(standalone_mode=True, prog_name="python -m trials")
    except AutograderError as error:
        console.print(f"[bold]Error:[/bold] {escape(str(error))}", markup=True, highlight=False)
        sys.exit(1)


@main.command()
@click.option("--folder", type=click.Path(path_type=Path), default=".scratch/demo", help="Where to build it.")
@click.option("--models", "model_home", type=click.Path(path_type=Path), default=".models", help="The model home.")
@click.option("--profile", "profile_path", type=click.Path(path_type=Path), default=None, help="Another profile.")
@COURSE
def demo(folder: Path, model_home: Path, profile_path: Path | None, course: Path) -> None:
    """Takes six made-up students through release, hand-in, grading and feedback, and shows the outcome."""
    from trials import demo as scenario
    from trials.models.stand_ins import make_stand_ins

    wanted = load(profile_path or course / "course.toml")
    names = {role: wanted.model(role).name for role in wanted.roles_in_use()}
    base = [name for role, name in names.items() if role == "base"]
    make_stand_ins(model_home, base, [name for name in names.values() if name not in base], say=click.echo)
    made = scenario.ScratchCourse(folder.resolve(), course.resolve(), model_home, profile_path)
    students = scenario.the_class(made.reference(), made.profile)
    with progress(console) as begin:
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
    from trials.selftest import run as library
    from trials.selftest.findings import KINDS

    with progress(console) as begin:
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
        + ", ".join(f"{sum(f.kind == kind for f in found.findings)} {kind}" for kind in KINDS),
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
    from trials.bench import run as benchmark
    from trials.bench.report import lines, table

    with progress(console) as begin:
        found = benchmark.run(course.resolve(), folder.resolve(), model_home, size, seed, mix, sample, begin)
    console.print(table(found))
    for line in lines(found):
        console.print(line, highlight=False, soft_wrap=True)
    sys.exit(1 if found.wrong else 0)


@main.command("bench-hog")
@COURSE
@click.option("--hostile", default=7, show_default=True, help="Notebooks that ask for all they can.")
@click.option("--seconds", default=120, show_default=True, help="What a cell may take.")
@click.option("--folder", type=click.Path(path_type=Path), default=".scratch/hog", help="Where to build it.")
@click.option("--models", "model_home", type=click.Path(path_type=Path), default=".models", help="The model home.")
def bench_hog(course: Path, hostile: int, seconds: int, folder: Path, model_home: Path) -> None:
    """Grades an honest notebook alone, and beside some that ask for all they can."""
    from trials.bench import hog

    with progress(console) as begin:
        found = hog.run(course.resolve(), folder.resolve(), model_home, begin, hostile, seconds)
    for line in found.lines():
        console.print(line, highlight=False, soft_wrap=True)
    sys.exit(0 if found.held else 1)


@main.command("bench-cluster")
@COURSE
@click.option("--size", default=40, show_default=True, help="Students of the class.")
@click.option("--folder", type=click.Path(path_type=Path), default=".scratch/cluster", help="Where to build it.")
@click.option("--models", "model_home", type=click.Path(path_type=Path), default=".models", help="The model home.")
def bench_cluster(course: Path, size: int, folder: Path, model_home: Path) -> None:
    """Grades a class in which every notebook differs on one worker, and on two."""
    from trials.bench import cluster

    with progress(console) as begin:
        found = cluster.run(course.resolve(), folder.resolve(), model_home, size, begin)
    for line in found.lines():
        console.print(line, highlight=False, soft_wrap=True)
    sys.exit(0 if found.held else 1)


@main.command("gpu-check")
@COURSE
@click.option("--shapes", type=click.Choice(["llama", "tiny"]), default="llama", show_default=True)
@click.option(
    "--size", "sizes", multiple=True, type=int, default=(30, 300), show_default=True, help="Of a class; repeat it."
)
@click.option("--limit-gb", default=20.0, show_default=True, help="Memory of the GPU that may be taken.")
@click.option("--folder", type=click.Path(path_type=Path), default=".scratch/gpu", help="Where to build it.")
@click.option("--models", "model_home", type=click.Path(path_type=Path), default=".models", help="The model home.")
@click.option("--write", "page", type=click.Path(path_type=Path), default=None, help="Write the page.")
def gpu_check(
    course: Path,
    shapes: Literal["llama", "tiny"],
    sizes: tuple[int, ...],
    limit_gb: float,
    folder: Path,
    model_home: Path,
    page: Path | None,
) -> None:
    """Runs the tests marked `gpu`, and grades classes on models of Llama's shapes, one request at a time and together."""
    from trials.gpu_check import run as check
    from trials.gpu_check.page import page as written

    with progress(console) as begin:
        found = check.run(course.resolve(), folder.resolve(), model_home, shapes, sizes, limit_gb, begin)
    text = written(found)
    console.print(text, highlight=False, soft_wrap=True)
    if page is not None:
        page.write_text(text, encoding="utf-8")
    sys.exit(0 if found.well else 1)


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
    from trials.attacks import report as attacks_report
    from trials.attacks import run as attacks_run
    from trials.attacks import stock as attacks_stock
    from trials.attacks.tables import ATTACKS

    folder = folder.resolve()
    with progress(console) as begin:
        found = attacks_run.run(course.resolve(), folder / "kit", begin, only, jobs=jobs)
        told = attacks_stock.known(folder / "stock")
        if stock:
            told = attacks_stock.run(course.resolve(), folder / "stock", begin, only, again, jobs)
    shown = Table("attack", "this kit", "stock nbgrader", title="Not held by this kit, or all with --only")
    for attack in ATTACKS:
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
    """Draws cost against class size out of results of `python -m trials bench`, one for each class, and prints it as tables."""
    from trials.bench.picture import draw, tables

    draw(result, results, to)
    console.print(tables(result, results), highlight=False, soft_wrap=True)


def outcome(scores: Mapping[str, Mapping[str, float | None]], students: Sequence[Student], profile: Profile) -> Table:
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


if __name__ == "__main__":
    run()
