"""Cost against class size, as a picture and as tables: each point is a class graded as a whole (`python -m trials bench`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from autograder.errors import NotReady
from trials.bench.run import Outcome

NAMES = {"identical": "all to the letter", "usual": "6 of 10 to the letter, 3 varied, 1 broken", "varied": "all varied"}
COLOURS = ("#1b6ca8", "#d1495b", "#c98a00", "#4c8c6b")


def read(path: Path) -> Outcome:
    """A result that `Outcome.write` has written. Raises ValueError for anything else."""
    return TypeAdapter(Outcome).validate_json(path.read_bytes())


def stock_each(result: Path) -> tuple[float, float]:
    """Seconds and processor seconds of stock nbgrader for one submission. Raises NotReady where it was not measured."""
    stock = read(result).stock
    if stock is None:
        raise NotReady(f"{result} has no cost of stock nbgrader: run `python -m trials bench` without `--stock 0`")
    return stock.each, stock.cpu_each


def by_mix(results: Iterable[Path]) -> dict[str, dict[int, Outcome]]:
    """Outcomes by the mix of the class and its size in rising order."""
    found = sorted((read(path) for path in results), key=lambda outcome: outcome.size)
    return {mix: {o.size: o for o in found if o.mix == mix} for mix in NAMES if any(o.mix == mix for o in found)}


def tables(result: Path, results: Sequence[Path]) -> str:
    """Seconds, CPU-seconds and memory by class size, as Markdown tables; what was not measured says so."""
    seconds, cpu_seconds = stock_each(result)
    found = by_mix(results)

    def in_seconds(outcome: Outcome) -> str:
        took, floor = outcome.kit.cost.seconds, outcome.floor.seconds
        above = f", {took / floor:.2f} × floor" if floor else ""
        return f"{took:.0f} ({seconds * outcome.size / took:.1f}×{above})"

    def in_cpu(outcome: Outcome) -> str:
        took = outcome.kit.cost.cpu_seconds
        return f"{took:.0f} ({cpu_seconds * outcome.size / took:.1f}×)"

    return "\n\n".join(
        (
            _table("students, seconds", found, in_seconds, seconds),
            _table("students, CPU-seconds", found, in_cpu, cpu_seconds),
            _table("students, peak MB", found, lambda outcome: f"{outcome.kit.cost.peak_mb:.0f}"),
        )
    )


def _table(
    title: str, found: dict[str, dict[int, Outcome]], cell: Callable[[Outcome], str], stock_each: float | None = None
) -> str:
    """One table: a row for each size, a column for each mix, and stock nbgrader's in front where `stock_each` is given."""
    stock = [] if stock_each is None else ["stock nbgrader"]
    rows = ["| " + " | ".join([title, *stock, *(NAMES[mix] for mix in found)]) + " |"]
    rows.append("|---:" * (len(found) + len(stock) + 1) + "|")
    for size in sorted({size for curve in found.values() for size in curve}):
        beside = [] if stock_each is None else [f"{stock_each * size:.0f}"]
        cells = [cell(curve[size]) if size in curve else "not measured" for curve in found.values()]
        rows.append("| " + " | ".join([str(size), *beside, *cells]) + " |")
    return "\n".join(rows)


def draw(result: Path, results: Sequence[Path], to: Path) -> None:
    """Writes the picture: seconds (with the floor) and processor seconds against class size, all axes logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.4), layout="constrained")
    panels: Any = figure.subplots(1, 2, sharex=True, sharey=True)
    titles = ("seconds", "processor seconds")
    for panel, title, each, name in zip(panels, titles, stock_each(result), ("seconds", "cpu_seconds"), strict=True):
        curves = {
            NAMES[mix]: {size: getattr(outcome.kit.cost, name) for size, outcome in curve.items()}
            for mix, curve in by_mix(results).items()
        }
        _panel(panel, title, each, curves)
    for curve, colour in zip(by_mix(results).values(), COLOURS, strict=False):
        floors = {size: outcome.floor.seconds for size, outcome in curve.items() if outcome.floor.seconds}
        panels[0].plot(list(floors), list(floors.values()), ":", color=colour, linewidth=1.2)
    panels[0].plot([], [], ":", color="0.45", label="the floor under each")
    panels[0].legend(frameon=False, fontsize="small")
    to.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(to, dpi=130)


def _panel(axes: Any, title: str, each: float, curves: dict[str, dict[int, float]]) -> None:
    ticks = sorted({size for curve in curves.values() for size in curve})
    axes.plot(ticks, [each * size for size in ticks], color="0.45", linestyle="--", label="stock nbgrader")
    for (name, curve), colour in zip(curves.items(), COLOURS, strict=False):
        axes.plot(list(curve), list(curve.values()), "o-", color=colour, markersize=5, label=name)
    axes.set(xscale="log", yscale="log", xlabel="students in the class", title=f"{title} to grade the class")
    axes.set_xticks(ticks, ticks)
    axes.minorticks_off()
    axes.grid(visible=True, which="major", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
