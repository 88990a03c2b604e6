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
NAMES = {
    "identical": "all follow the chapter to the letter",
    "usual": "18 of 30 to the letter, 9 varied, 3 broken",
    "varied": "everybody varies",
}


def read(path: Path) -> Outcome:
    """A result that `Outcome.write` has written. Raises ValueError for anything else."""
    return TypeAdapter(Outcome).validate_json(path.read_bytes())


def stock_each(result: Path) -> float:
    """Seconds that stock nbgrader takes for one submission. Raises NotReady where it was not measured."""
    stock = read(result).stock
    if stock is None:
        raise NotReady(f"{result} has no cost of stock nbgrader: run `autograder bench` without `--stock 0`")
    return stock.each


def sizes(result: Path, curves: Sequence[Path]) -> str:
    """Seconds by class size, as a Markdown table; sizes that were not measured are left out."""
    each = stock_each(result)
    found = [read(path) for path in curves]
    rows = ["| students | " + " | ".join(["stock nbgrader, s", *(f"{o.mix}, s" for o in found)]) + " |"]
    rows.append("|---:" * (len(found) + 2) + "|")
    for size in SIZES:
        if any(len(o.kit.finished) >= size for o in found):
            cells = [_cell(o.kit.finished, size, each) for o in found]
            rows.append(f"| {size} | {each * size:.0f} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _cell(finished: Sequence[float], size: int, stock: float) -> str:
    if len(finished) < size:
        return "not measured"
    return f"{finished[size - 1]:.0f} ({stock * size / finished[size - 1]:.1f}×)"


def draw(result: Path, curves: Sequence[Path], to: Path) -> None:
    """Writes the picture: seconds for a class of each size, both axes logarithmic, stock nbgrader as a line."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes: Any = figure.add_subplot()
    each = stock_each(result)
    found = [read(path) for path in curves]
    largest = max(len(o.kit.finished) for o in found)
    axes.plot(
        [1, largest], [each, each * largest], color="0.45", linestyle="--", label=f"stock nbgrader ({each:.0f} s each)"
    )
    for outcome, colour in zip(found, ("#1b6ca8", "#d1495b", "#edae49", "#66a182"), strict=False):
        finished = outcome.kit.finished
        axes.plot(range(1, len(finished) + 1), finished, color=colour, label=NAMES[outcome.mix])
        marked = [size for size in SIZES if size <= len(finished)]
        axes.plot(marked, [finished[size - 1] for size in marked], "o", color=colour, markersize=5)
    axes.set(xscale="log", yscale="log", xlabel="students in the class", ylabel="seconds to grade the class")
    axes.set_xticks([1, *(size for size in SIZES if size <= largest)], [1, *(s for s in SIZES if s <= largest)])
    axes.grid(visible=True, which="major", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    to.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(to, dpi=150)
