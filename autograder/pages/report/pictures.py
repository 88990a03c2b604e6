"""The report's pictures, as SVG to be put into a page: its text is text, and its colours are the page's own.

Drawn in colours that stand for names of the page's style (`--ink`, `--all`, …), so that a picture is right in light and in
dark. Shape, position and label say what colour says. No text of a student's is ever in a picture.
"""

from __future__ import annotations

import io
import re
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from autograder.course.profile import Language
from autograder.pages.report.requests import ProbeTime, TemperatureNumbers
from autograder.pages.report.scores import CriterionNumbers, Distribution, TaskNumbers
from autograder.words.render import number
from autograder.words.report import REPORT
from autograder.words.tables import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 7.6
"""Inches; the page shows 72 points of text to one of them."""
INK, GRID, ALL, SOME, NONE, ON = "#010101", "#010102", "#010103", "#010104", "#010105", "#010106"
NAMES = {INK: "--ink", GRID: "--grid", ALL: "--all", SOME: "--some", NONE: "--none", ON: "--on"}
STYLE = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10, "text.color": INK, "axes.edgecolor": INK,
    "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "hatch.linewidth": 0.7, "hatch.color": ON,
    "svg.hashsalt": "report", "axes.titlesize": 11,
}  # fmt: skip
SHORTEST = 0.001
"""Seconds: what a probe's time is rounded to."""
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")


def score_picture(distribution: Distribution, language: Language, name: str) -> Markup:
    """How many have how many points: a bar for each step, with its count above, and a line at the median.

    Args:
        name: of the picture, of which a page has two.
    """
    bins = distribution.bins()
    with _style():
        figure, axes = _figure(2.6)
        width = bins[0].high - bins[0].low
        bars = axes.bar([b.low for b in bins], [b.count for b in bins], width=width * 0.94, align="edge", color=ALL)
        axes.bar_label(bars, labels=[str(b.count) if b.count else "" for b in bins], padding=2)
        axes.axvline(distribution.median, color=INK, linestyle="--", linewidth=1.2)
        label = say(REPORT["median-label"].fill(value=number(distribution.median, language)), language)
        axes.annotate(
            label, (distribution.median, 1), xycoords=("data", "axes fraction"), xytext=(-4, 12),
            textcoords="offset points", ha="right",
        )  # fmt: skip
        edges = [b.low for b in bins] + [bins[-1].high]
        axes.set_xticks(edges, [number(edge, language) for edge in edges])
        axes.set_xlabel(say(REPORT["points"], language))
        axes.set_ylabel(say(REPORT["students"], language))
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.margins(y=0.14)
        return _svg(figure, name)


def task_picture(rows: Sequence[TaskNumbers], language: Language) -> Markup:
    """A bar for each task: all points, some, none, in this order from the left, each with its count."""
    kinds = (("all", ALL, "", "full"), ("some", SOME, "///", "part"), ("no-points", NONE, "...", "none"))
    with _style():
        figure, axes = _figure(1.1 + 0.3 * len(rows))
        left = [0.0] * len(rows)
        for key, colour, hatch, name in kinds:
            counts = [getattr(row, name) for row in rows]
            bars = axes.barh(
                range(len(rows)), counts, left=left, color=colour, hatch=hatch, edgecolor=ON, linewidth=0.8,
                label=say(REPORT[key], language),
            )  # fmt: skip
            labels = [str(count) if count else "" for count in counts]
            for text in axes.bar_label(bars, labels=labels, label_type="center", color=ON):
                if text.get_text():
                    text.set_bbox({"facecolor": colour, "edgecolor": "none", "pad": 1.2})
            left = [start + count for start, count in zip(left, counts, strict=True)]
        axes.set_yticks(range(len(rows)), [row.task.id for row in rows])
        axes.invert_yaxis()
        axes.set_xlim(0, max(1, *left))
        axes.set_xlabel(say(REPORT["students"], language))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
        return _svg(figure, "tasks")


def criterion_picture(rows: Sequence[CriterionNumbers], language: Language) -> Markup:
    """A dot for each criterion at the share that has it in place, with the share beside it."""
    with _style():
        figure, axes = _figure(0.9 + 0.28 * len(rows))
        shares = [100 * (row.rate or 0) for row in rows]
        axes.hlines(range(len(rows)), 0, shares, color=GRID, linewidth=1.5)
        axes.plot(shares, range(len(rows)), "o", color=ALL, markersize=7)
        for position, share in enumerate(shares):
            axes.annotate(
                percent(share / 100, language),
                (share, position),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
            )
        axes.set_yticks(range(len(rows)), [f"{row.task}: {row.name}" for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, 112)
        axes.set_xticks(range(0, 101, 25), [percent(share / 100, language) for share in range(0, 101, 25)])
        axes.set_xlabel(say(REPORT["share"], language))
        return _svg(figure, "criteria")


def temperature_picture(rows: Sequence[TemperatureNumbers], language: Language) -> Markup:
    """Two panels: how alike the outputs at each temperature are, and how varied each is. One mark is one output."""
    with _style():
        figure, _ = _figure(3.0, axes=False)
        panels: Any = figure.subplots(1, 2, sharey=True)
        for axes, name in zip(panels, ("alike", "variety"), strict=True):
            for position, row in enumerate(rows):
                values = [value for sample in row.samples if (value := getattr(sample, name)) is not None]
                _strip(axes, position, values)
            axes.set_xticks(range(len(rows)), [number(row.temperature, language) for row in rows])
            axes.set_xlim(-0.6, len(rows) - 0.4)
            axes.set_title(say(REPORT[name], language))
            axes.set_xlabel(say(REPORT["temperature-axis"], language))
            _bare(axes)
        panels[0].set_ylim(-0.05, 1.05)
        panels[0].set_yticks([0, 0.25, 0.5, 0.75, 1], [percent(n / 4, language) for n in range(5)])
        return _svg(figure, "temperature")


def _strip(axes: Any, position: int, values: Sequence[float]) -> None:
    """Marks side by side in the order of their values, so that equal ones are seen, and a line at the median."""
    if not values:
        return
    spread = [position - 0.25 + 0.5 * (n * 0.618 % 1) for n in range(len(values))]
    axes.scatter(
        spread, sorted(values), s=22, color=ALL, alpha=0.75, linewidths=0, marker=MARKERS[position % len(MARKERS)]
    )
    middle = statistics.median(values)
    axes.plot([position - 0.38, position + 0.38], [middle, middle], color=INK, linewidth=2.2)


def probe_picture(rows: Sequence[ProbeTime], language: Language) -> Markup:
    """For each check a dot at the median and a line to the longest time, in seconds."""
    with _style():
        figure, axes = _figure(0.9 + 0.26 * len(rows))
        positions = range(len(rows))
        medians, longest = (
            [max(SHORTEST, value) for value in values]
            for values in ([row.median for row in rows], [row.most for row in rows])
        )
        axes.hlines(positions, medians, longest, color=SOME, linewidth=2)
        axes.plot(longest, positions, "|", color=SOME, markersize=10, markeredgewidth=2)
        axes.plot(medians, positions, "o", color=ALL, markersize=7)
        axes.set_yticks(positions, [row.check_id for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xscale("log")
        axes.set_xlim(SHORTEST / 2, 2 * max(longest))
        axes.set_xlabel(say(REPORT["seconds"], language))
        axes.xaxis.set_major_formatter(lambda value, _: number(value, language, 3))
        axes.xaxis.set_minor_formatter(lambda value, _: "")
        return _svg(figure, "probes")


def percent(share: float | None, language: Language) -> str:
    if share is None:
        return "–"
    return f"{100 * share:.0f} %" if language == "nb" else f"{100 * share:.0f}%"


def _style() -> Any:
    import matplotlib

    return matplotlib.rc_context(STYLE)  # type: ignore[arg-type,unused-ignore]


def _figure(height: float, axes: bool = True) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.patch.set_alpha(0)
    made: Any = figure.add_subplot() if axes else None
    if made is not None:
        _bare(made)
    return figure, made


def _bare(axes: Any) -> None:
    axes.patch.set_alpha(0)
    axes.spines[["top", "right"]].set_visible(False)


def _svg(figure: Figure, name: str) -> Markup:
    """The picture as an element of a page: no prolog, no metadata, no ids that another picture has too."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)
    for colour, meaning in NAMES.items():
        text = text.replace(colour, f"var({meaning})")
    return Markup(re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text.strip()))
