"""Cost against class size, as a picture and as a table, out of the results of several benchmarks.

Submissions are graded one after the other, so the moment at which the k-th is done is the cost of a class of the first k:
one run gives the whole curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from .bench import Outcome
from .errors import NotReady

SIZES = (10, 30, 100)
NAMES = {"identical": "all to the letter", "usual": "6 of 10 to the letter, 3 varied, 1 broken", "varied": "all varied"}
COLOURS = ("#1b6ca8", "#d1495b", "#c98a00", "#4c8c6b")


def read(path: Path) -> Outcome:
    """A result that `Outcome.write` has written. Raises ValueError for anything else."""
    return TypeAdapter(Outcome).validate_json(path.read_bytes())


def stock_each(result: Path) -> tuple[float, float]:
    """Seconds and processor seconds of stock nbgrader for one submission. Raises NotReady where it was not measured."""
    stock = read(result).stock
    if stock is None:
        raise NotReady(f"{result} has no cost of stock nbgrader: run `autograder bench` without `--stock 0`")
    return stock.each, stock.cpu_each


def sizes(result: Path, curves: Sequence[Path]) -> str:
    """CPU-seconds by class size, as a Markdown table; what was not measured says so."""
    _, each = stock_each(result)
    found = [read(path) for path in curves]
    rows = ["| students | " + " | ".join(["stock nbgrader", *(NAMES[o.mix] for o in found)]) + " |"]
    rows.append("|---:" * (len(found) + 2) + "|")
    for size in SIZES:
        cells = [_cell([n.cpu for n in o.kit.finished], size, each) for o in found]
        if any("×" in cell for cell in cells):
            rows.append(f"| {size} | {each * size:.0f} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _cell(finished: Sequence[float], size: int, stock: float) -> str:
    if len(finished) < size:
        return "not measured"
    return f"{finished[size - 1]:.0f} ({stock * size / finished[size - 1]:.1f}×)"


def draw(result: Path, curves: Sequence[Path], to: Path) -> None:
    """Writes the picture: what a class of each size takes, in seconds and in processor seconds, all axes logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.4), layout="constrained")
    panels: Any = figure.subplots(1, 2, sharex=True, sharey=True)
    found = [read(path) for path in curves]
    titles = ("seconds", "processor seconds")
    for panel, title, each, name in zip(panels, titles, stock_each(result), ("done", "cpu"), strict=True):
        series = [[getattr(notebook, name) for notebook in o.kit.finished] for o in found]
        _panel(panel, title, each, {NAMES[o.mix]: values for o, values in zip(found, series, strict=True)})
    panels[0].legend(frameon=False, fontsize="small")
    to.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(to, dpi=130)


def _panel(axes: Any, title: str, each: float, curves: dict[str, list[float]]) -> None:
    largest = max(map(len, curves.values()))
    axes.plot([1, largest], [each, each * largest], color="0.45", linestyle="--", label="stock nbgrader")
    for (name, values), colour in zip(curves.items(), COLOURS, strict=False):
        axes.plot(range(1, len(values) + 1), values, color=colour, label=name)
        marked = [size for size in SIZES if size <= len(values)]
        axes.plot(marked, [values[size - 1] for size in marked], "o", color=colour, markersize=5)
    axes.set(xscale="log", yscale="log", xlabel="students in the class", title=f"{title} to grade the class")
    ticks = [1, *(size for size in SIZES if size <= largest)]
    axes.set_xticks(ticks, ticks)
    axes.grid(visible=True, which="major", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
