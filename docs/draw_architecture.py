"""Draws `docs/images/architecture.svg` from the code's own imports: `python docs/draw_architecture.py`.

On the left each folder of the package with arrows to what it imports; an arrow that others imply is left out. On the right
which process uses it: all that the process's first modules import, directly or through others. The order of the folders is
the contract's in `pyproject.toml`. What is drawn stands in the picture as JSON, too, and a test compares it with the code.
"""

from __future__ import annotations

import html
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import grimp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
PACKAGE = "autograder"
PROCESSES = {
    "a kernel with\na student's code": ["kernel.notebook"],
    "the model\nhost": ["host.server", "host.worker"],
    "the parent\nof kernels": ["jail.parent"],
    "the grader's\nnbgrader": ["plugins.settings", "cli"],
}
"""What runs, with the modules that each process begins with."""
SHADES = ("#0072b2", "#d55e00", "#009e73", "#555555")
Facts = dict[str, dict[str, list[str]]]
Place = tuple[float, float]


def layers() -> list[list[str]]:
    """The folders and modules of the package, highest first; those of one row do not know each other."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (c for c in settings["tool"]["importlinter"]["contracts"] if c.get("containers") == [PACKAGE])
    return [row.split(" | ") for row in contract["layers"] if row != "__main__"]


def facts() -> Facts:
    """What is drawn: for each folder what it imports, without what that implies; for each process the folders it uses."""
    graph = grimp.build_graph(PACKAGE, include_external_packages=False)
    order = [name for row in layers() for name in row]
    imports: dict[str, set[str]] = {name: set() for name in order}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            imports.get(_folder(module), set()).add(_folder(imported))
    below: dict[str, set[str]] = {}
    for name in reversed(order):
        below[name] = imports[name].union(*(below[other] for other in imports[name] - {name})) - {name}
    reduced = {
        name: [other for other in order if other in below[name] and not _implied(other, below[name], below)]
        for name in order
    }
    uses = {process.replace("\n", " "): _used(graph, firsts, order) for process, firsts in PROCESSES.items()}
    return {"imports": reduced, "uses": uses}


def _implied(name: str, among: Iterable[str], below: dict[str, set[str]]) -> bool:
    return any(name in below[other] for other in among)


def _used(graph: grimp.ImportGraph, firsts: Iterable[str], order: Iterable[str]) -> list[str]:
    modules = {f"{PACKAGE}.{first}" for first in firsts}
    modules = modules.union(*(graph.find_upstream_modules(module) for module in modules))
    found = {_folder(module) for module in modules}
    return [name for name in order if name in found]


def _folder(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def drawn(picture: Path = PICTURE) -> Facts:
    """What a picture says that it shows."""
    found = re.search(r"<dc:description>(.*?)</dc:description>", picture.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, f"{picture} does not say what it shows"
    shown: Facts = json.loads(html.unescape(found[1]))
    return shown


def draw(shown: Facts, to: Path = PICTURE) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": PACKAGE, "font.family": "sans-serif"}
    from matplotlib import pyplot

    rows = layers()
    figure, axes = pyplot.subplots(figsize=(10, 0.6 * len(rows) + 0.8), layout="constrained")
    _draw_imports(
        axes,
        {name: (_x(n, len(row)), -y) for y, row in enumerate(rows) for n, name in enumerate(row)},
        shown["imports"],
    )
    for column, (process, folders) in enumerate(zip(PROCESSES, shown["uses"].values(), strict=True)):
        _draw_uses(
            axes,
            5.0 + 1.5 * column,
            SHADES[column],
            process,
            [[name for name in row if name in folders] for row in rows],
        )
    axes.set_xlim(-3.8, 10.4)
    axes.set_ylim(-len(rows) + 0.4, 1.4)
    axes.set_axis_off()
    figure.savefig(to, metadata={"Date": None, "Description": json.dumps(shown)})


def _x(number: int, count: int) -> float:
    return 2.0 * (number - (count - 1) / 2)


def _draw_imports(axes: Axes, place: Mapping[str, Place], imports: Mapping[str, Sequence[str]]) -> None:
    box = {"boxstyle": "round,pad=0.35", "facecolor": "#eef3f8", "edgecolor": "0.4"}
    for name, (x, y) in place.items():
        for other in imports[name]:
            bend = _bend((x, y), place[other], place.values())
            arrow = {"arrowstyle": "-|>", "color": "0.35", "shrinkA": 12, "shrinkB": 12}
            axes.annotate("", place[other], (x, y), arrowprops=arrow | {"connectionstyle": f"arc3,rad={bend}"})
        axes.text(x, y, name, ha="center", va="center", fontsize=11, bbox=box)


def _bend(start: Place, end: Place, boxes: Iterable[Place]) -> float:
    """How far an arrow is bent: not at all where nothing is in its way, inwards past one row, else outwards."""
    (x, y), (to_x, to_y) = start, end
    between = [(at, row) for at, row in boxes if to_y < row < y]
    hit = any(abs(x + (to_x - x) * (row - y) / (to_y - y) - at) < 0.75 for at, row in between)
    outwards = 0.3 if x < 0 else -0.3
    return 0.0 if not hit else -outwards if y - to_y == 2 else outwards


def _draw_uses(axes: Axes, x: float, shade: str, process: str, rows: Sequence[Sequence[str]]) -> None:
    """A column: a mark for each row of which a process uses something, with names where it is not the whole row."""
    axes.text(x, 0.6, process, ha="center", va="bottom", fontsize=9.5, color=shade)
    whole = [len(row) for row in layers()]
    for number, used in enumerate(rows):
        if used:
            axes.plot([x], [-number], "o", color=shade, markersize=9)
        if 0 < len(used) < whole[number]:
            axes.text(x + 0.2, -number, ", ".join(used), va="center", fontsize=9, color=shade)


if __name__ == "__main__":
    draw(facts())
