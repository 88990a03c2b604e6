"""What a benchmark found, as a table and a few sentences."""

from __future__ import annotations

from rich.table import Table

from trials.bench.floor import ROWS
from trials.bench.run import Graded, Outcome


def table(found: Outcome) -> Table:
    """Cost per submission of each grader, and how many times stock nbgrader's that is."""
    shown = Table(title=f"A class of {found.size}, made from seed {found.seed} ({found.mix})")
    for column in (
        "",
        "students",
        "notebooks\nexecuted",
        "s\neach",
        "CPU-s\neach",
        "stock /\nthis",
        "in\nCPU-s",
        "peak\nMB",
    ):
        shown.add_column(column, justify="right" if column else "left", no_wrap=True)
    rows = (("stock", found.stock), ("this kit", found.kit), ("again", found.again))
    for name, graded in rows:
        if graded is None:
            continue
        times, cpu = ratios(graded, found.stock)
        shown.add_row(
            name,
            f"{graded.submissions}",
            f"{graded.executed}",
            f"{graded.each:.2f}",
            f"{graded.cpu_each:.2f}",
            times,
            cpu,
            f"{graded.cost.peak_mb:.0f}",
        )
    floor = found.floor.seconds / found.size
    times = f"{found.stock.each / floor:.1f}" if found.stock and floor else ""
    shown.add_row("floor", f"{found.size}", "", f"{floor:.2f}", "", times, "", "")
    return shown


def ratios(graded: Graded, stock: Graded | None) -> tuple[str, str]:
    """How many times as much stock nbgrader takes, in seconds and in processor seconds; empty for stock itself."""
    if stock is None or stock is graded or not graded.cost.seconds or not graded.cost.cpu_seconds:
        return "", ""
    return f"{stock.each / graded.each:.1f}", f"{stock.cpu_each / graded.cpu_each:.1f}"


def lines(found: Outcome) -> list[str]:
    """What the numbers are about."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.kinds.items() if count)
    peaks = ", ".join(f"{role} {mb:.0f}" for role, mb in sorted(found.kit.cost.peak_of.items()))
    said = [
        f"The class: {kinds}. All of it in {found.kit.cost.seconds:.0f} s; again in {found.again.cost.seconds:.0f} s.",
        floor_line(found),
        f"Peak memory is that of host and kernels together (PSS); each at its own peak, in MB: {peaks}.",
        "CPU-s are of nbgrader and all that it has started, kernels and model host among them.",
    ]
    if found.kernels is not None:
        warm, ordinary = found.kernels
        said.append(
            f"A warm kernel in its jail is ready in {warm.ready:.2f} s and costs {warm.cpu:.2f} CPU-s from start to exit; an "
            f"ordinary one that imports the same, {ordinary.ready:.1f} s and {ordinary.cpu:.1f} CPU-s."
        )
    others = max(graded.cost.others for graded in (found.kit, found.again, found.stock) if graded is not None)
    if others > 0.2:
        said.append(f"Others kept up to {others:.1f} processors of this machine busy meanwhile: seconds are too many.")
    if found.wrong:
        return [*said, f"{len(found.wrong)} scores are not what is due:", *(f"  {each}" for each in found.wrong)]
    return [*said, "Every score is what is due, with " + ("both graders." if found.stock else "this kit.")]


def floor_line(found: Outcome) -> str:
    """What the floor is made of, and how far above it this kit is."""
    floor = found.floor
    if not floor.seconds:
        return "No model was asked, so there is no floor."
    return (
        f"Floor: {floor.tokens} tokens of {floor.answers} different answers at {floor.tokens_per_second:.0f} tokens/s, in "
        f"batches of up to {ROWS} in {floor.processes} bare loops of one thread, and {floor.start:.1f} s of start: "
        f"{floor.seconds:.0f} s for the class; this kit took {found.kit.cost.seconds / floor.seconds:.2f} times that."
    )
