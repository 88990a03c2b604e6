"""Writes the tables of `docs/licences.md` from the metadata of what is installed: `python docs/write_licences.py`."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).resolve().parent / "licences.md"
BEGIN, END = "<!-- packages: begin -->", "<!-- packages: end -->"
PARTS = {
    "A student's environment": "",
    "What grading adds": "grader",
    "What grading on a cluster adds": "cluster",
    "What trials, tests and checks add": "dev",
}
"""Headings, and the extra of the package that brings what stands below each."""
SAME = (
    ("Apache-2.0", r"Apache( Software License| 2\.0( License)?| License, Version 2\.0)"),
    ("MIT", r"MIT License"),
    ("BSD", r"BSD License"),
    ("PSF-2.0", r"Python Software Foundation License"),
    ("MPL-2.0", r"Mozilla Public License 2\.0 \(MPL 2\.0\)"),
    ("ISC", r"ISC License \(ISCL\)"),
)
"""Today's names of licences, and the older ones that metadata have."""


def demanded(requires: Iterable[str], extras: Iterable[str] = ()) -> Iterator[Distribution]:
    """The installed distributions that requirements lead to, each once: theirs, and what those demand in turn."""
    seen: set[tuple[str, frozenset[str]]] = set()
    given: set[str] = set()
    waiting = [(requires, frozenset(extras))]
    while waiting:
        wanted, chosen = waiting.pop()
        for requirement in map(Requirement, wanted):
            marker, name = requirement.marker, canonicalize_name(requirement.name)
            which = name, frozenset(requirement.extras)
            if which in seen or not (marker is None or any(marker.evaluate({"extra": one}) for one in chosen | {""})):
                continue
            seen.add(which)
            distribution = importlib.metadata.distribution(name)
            waiting.append((distribution.requires or [], which[1]))
            if name not in given:
                given.add(name)
                yield distribution


def licence(distribution: Distribution) -> str:
    """What a distribution says of its licence; where it says nothing, the first line of the file that it has."""
    metadata = distribution.metadata
    classifiers = [
        each.rsplit(" :: ", 1)[-1] for each in metadata.get_all("Classifier") or [] if each.startswith("License ::")
    ]
    said = metadata.get("License-Expression") or " OR ".join(sorted(classifiers)) or metadata.get("License")
    if not said:
        files = (file for file in distribution.files or [] if re.search(r"licen[cs]e", str(file), re.IGNORECASE))
        said = next(
            (file.locate().read_text(encoding="utf-8") for file in files if file.name != "METADATA"), "not said"
        )
    name = said.strip().split("\n")[0]
    for today, older in SAME:
        name = re.sub(older, today, name)
    return name


def tables() -> str:
    """A table for each part: licences, with the packages that have them and that no part above has brought."""
    own = importlib.metadata.distribution("llm-autograder").requires or []
    known = {"llm-autograder"}
    lines: list[str] = []
    for heading, extra in PARTS.items():
        found: dict[str, list[str]] = {}
        for distribution in demanded(own, [extra]):
            if distribution.name.lower() not in known:
                known.add(distribution.name.lower())
                found.setdefault(licence(distribution), []).append(distribution.name)
        lines += ["", f"### {heading}", "", "| licence | packages |", "|---|---|"]
        lines += [f"| {name} | {', '.join(sorted(found[name], key=str.lower))} |" for name in sorted(found)]
    return "\n".join([*lines, ""])


def parts(page: str) -> tuple[str, str, str]:
    """The page before its tables, the tables, and what follows."""
    before, rest = page.split(BEGIN)
    between, after = rest.split(END)
    return before + BEGIN, between, END + after


if __name__ == "__main__":
    before, _, after = parts(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(before + "\n" + tables() + "\n" + after, encoding="utf-8")
