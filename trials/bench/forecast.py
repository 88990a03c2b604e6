"""`python -m trials forecast`: how long a class of some size takes on some GPUs, from what one part of the work costs.

Four things go on at the same time, each with a speed of its own, and the slowest one sets the time: the process that grades
(one, whatever the cluster), the kernels (processors of the workers), the models (GPUs), the network. Nothing of it has run on a
GPU: tokens per second are for whoever asks to say, and `ASSUMED` stands there until `make gpu-check` has been run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SIZES, GPUS = (100, 1000, 10_000), (1, 4, 16)
ASSUMED = 500.0
"""Tokens per second of one GPU, an assumption: models of 1B to 3B parameters, 16 answers at a time, 30 steps a second."""


@dataclass(frozen=True)
class Costs:
    """What one part of the work costs; each default is measured unless it says so (docs/scaling.md tells by what).

    Attributes:
        grader: seconds of the process that grades, for a submission of three notebooks.
        kernel: processor seconds of a different notebook in its kernel, models apart.
        tokens: new tokens that a different notebook asks for.
        moved: bytes of a different notebook to its worker and back.
        start: seconds until the first notebook runs; jobs that wait for Slurm come on top.
        cores: processors beside each GPU (an assumption).
        speed: new tokens per second of a GPU (an assumption).
        network: bytes per second through encrypted links, for all workers together.
    """

    grader: float = 0.10
    kernel: float = 1.0
    tokens: float = 250
    moved: float = 70_000
    start: float = 15
    cores: int = 16
    speed: float = ASSUMED
    network: float = 30e6


@dataclass(frozen=True)
class Forecast:
    """The expected seconds of a run, what sets them, and the hours that GPUs are held for."""

    seconds: float
    slowest: str

    def gpu_hours(self, gpus: int) -> float:
        return self.seconds * gpus / 3600


def different(students: int, all_differ: bool) -> float:
    """Notebooks that must be executed: each of three, or what a usual class of `students.py` has (26 in 30 students)."""
    return 3 * students if all_differ else 3 + 23 / 30 * students


def forecast(students: int, gpus: int, all_differ: bool, costs: Costs) -> Forecast:
    """The run of a class on GPUs, each with its worker."""
    notebooks = different(students, all_differ)
    parts = {
        "models": notebooks * costs.tokens / (costs.speed * gpus),
        "kernels": notebooks * costs.kernel / (costs.cores * gpus),
        "grader": students * costs.grader,
        "network": notebooks * costs.moved / costs.network,
    }
    slowest = max(parts, key=lambda part: parts[part])
    return Forecast(costs.start + parts[slowest], slowest)


def table(costs: Costs) -> str:
    """Time, GPU hours and what sets the time, as a Markdown table."""
    heads = [f"{gpus} GPU{'s' * (gpus > 1)}" for gpus in GPUS]
    rows = ["| students | notebooks that differ | " + " | ".join(heads) + " |", "|---:|---:|" + "---:|" * len(GPUS)]
    for students in SIZES:
        for all_differ in (False, True):
            cells = [_cell(forecast(students, gpus, all_differ, costs), gpus) for gpus in GPUS]
            rows.append(f"| {students:,} | {different(students, all_differ):,.0f} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _cell(found: Forecast, gpus: int) -> str:
    seconds = found.seconds
    shown = (
        f"{seconds:.0f} s"
        if seconds < 100
        else f"{seconds / 60:.0f} min"
        if seconds < 6000
        else f"{seconds / 3600:.1f} h"
    )
    return f"{shown}, {found.gpu_hours(gpus):.2f} GPU h ({found.slowest})"


def draw(costs: Costs, to: Path) -> None:
    """Writes the picture: minutes against class size for each number of GPUs, all notebooks different, logarithmic axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes: Any = figure.subplots()
    sizes: Sequence[int] = [round(10 ** (2 + step / 20)) for step in range(41)]
    for gpus, colour in zip(GPUS, ("#d1495b", "#1b6ca8", "#4c8c6b"), strict=True):
        minutes = [forecast(size, gpus, True, costs).seconds / 60 for size in sizes]
        axes.plot(sizes, minutes, color=colour, label=f"{gpus} GPU{'s' * (gpus > 1)}")
    grader = [size * costs.grader / 60 for size in sizes]
    axes.plot(sizes, grader, "--", color="0.45", label="the process that grades, alone")
    title = f"all notebooks differ, {costs.speed:.0f} tokens/s for each GPU (assumed)"
    axes.set(xscale="log", yscale="log", xlabel="students in the class", ylabel="minutes", title=title)
    axes.grid(visible=True, which="major", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    to.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(to, dpi=130)
