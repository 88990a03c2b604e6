"""Attacks on the grader: what an attack is, and how a class of attackers is written and graded.

The attacks themselves are tables in `forge.py`, `reach.py`, `harm.py` and `show.py`. Each is
a claim: it earns nothing that is not due, it reaches nothing, it harms nobody. Beside it stands an honest student whose
code looks much the same, and who keeps every point.

What an attack that *tries* to reach something gets is told by itself: it prints `MARK` and its name. What it changes on the
machine, and whose secrets it shows, is seen from outside (`run.py`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.course.profile import FROZEN_NAME, Profile
from autograder.judging.contract import tasks
from autograder.judging.task import Task
from autograder.release.authoring import render
from trials.classes import Cells, answered

MARK = "REACHED"
TRIED = "TRIED"
HELPERS = """\
def reached(what=""): print("\\n{mark} {token}", what, flush=True)
def tried(): print("\\n{tried} {token}", flush=True)
"""
GROUPS = {
    "known": "Known forgeries",
    "evidence": "Made-up evidence, transcripts and frames",
    "objects": "Objects that are not what they say",
    "internals": "Python's, IPython's and the libraries' insides",
    "process": "Threads, processes, signals",
    "files": "Reading and writing what is not one's own",
    "network": "Network",
    "bombs": "Taking all there is",
    "submission": "What lies in the submission",
    "browser": "Aimed at the browser of whoever reads the notebook",
    "cheats": "Answers that are no answers",
}


@dataclass(frozen=True)
class Link:
    """A symbolic link in a submission."""

    target: str


@dataclass(frozen=True)
class Honest:
    """The nearest innocent code: an honest student, whose points are due in full.

    Attributes:
        before: code that runs in front of the reference solution's, by task id.
        cells: code in the place of the reference solution's.
        files: further files of the submission.
        markdown: a further cell of text.
    """

    name: str
    before: Mapping[str, str] = field(default_factory=dict)
    cells: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes | Link] = field(default_factory=dict)
    markdown: str = ""
    notebook: str = "chatbot"


Change = Callable[[bytes], bytes]
"""Changes a notebook's file."""


@dataclass(frozen=True)
class Attack:
    """What a student handed in to get what is not due.

    In its code and files `@ROOT@` stands for the course directory, `@MODELS@` for the model home, `@HOME@` for the
    grader's own, `@PORT@` for a port that listens on the grader's machine, `@PID@` for the process that grades, `@KIT@` and
    `@PACKAGES@` for where this kit and its libraries are, `@TOKEN@` for a word that no other attack uses.

    Attributes:
        name: in a few words; unique.
        group: key of `GROUPS`.
        control: the honest student beside it.
        cells: code by task id. All other cells are as released, so that nothing else is due.
        probe: code of a further cell at the end, in a notebook whose own tasks are solved rightly; it may share that
            notebook with other probes. Calls `reached()` where it gets what it wants.
        solved: whether the cells that it does not write are solved rightly.
        markdown: a further cell of text.
        files: further files of the submission.
        change: changes the notebook's file at the end.
        is_link: the notebook itself is a link to this file.
        notdue: check ids whose points are not due, or `check-id/criterion`; None for all of its notebook, or none where it
            is `solved`.
        alone: whether nothing may share its notebook.
        kit_only: whether it is about a part that stock nbgrader does not have.
    """

    name: str
    group: str
    control: Honest
    cells: Mapping[str, str] = field(default_factory=dict)
    probe: str = ""
    solved: bool = False
    markdown: str = ""
    files: Mapping[str, bytes | Link] = field(default_factory=dict)
    change: Change | None = None
    is_link: str = ""
    notdue: frozenset[str] | None = None
    notebook: str = "chatbot"
    alone: bool = False
    kit_only: bool = False

    @property
    def token(self) -> str:
        return "x" + hashlib.sha256(self.name.encode()).hexdigest()[:10]

    @property
    def shares(self) -> bool:
        """Whether it is a probe that may share its notebook."""
        return bool(self.probe or self.markdown) and not (
            self.alone or self.cells or self.files or self.change or self.is_link
        )

    def not_due(self, profile: Profile) -> frozenset[str]:
        """The check ids whose points it must not get."""
        if self.notdue is not None:
            return self.notdue
        return frozenset() if self.solved or self.shares else frozenset(t.check_id for t in judged(self, profile))


def judged(who: Attack | Honest, profile: Profile) -> list[Task]:
    """The tasks of a notebook that the autograder judges."""
    return [t for t in tasks(profile) if t.notebook == who.notebook and t.judged_by == "autograder"]


@dataclass(frozen=True)
class HandIn:
    """One submission of one notebook: an attack, several probes that share it, or honest students who do."""

    id: str
    notebook: str
    attacks: tuple[Attack, ...] = ()
    honest: tuple[Honest, ...] = ()


def handed_in(attacks: Sequence[Attack], controls: Sequence[Honest], bystanders: int = 3) -> list[HandIn]:
    """Everybody of a class of attackers, in the order in which they are graded: honest ones at both ends and between."""
    shared: dict[tuple[str, str], list[Attack]] = {}
    alone: list[list[Attack]] = []
    for attack in attacks:
        if attack.shares:
            shared.setdefault((attack.group, attack.notebook), []).append(attack)
        else:
            alone.append([attack])
    groups = [*shared.values(), *alone]
    made = [HandIn(_id(n, "attack", g[0].name), g[0].notebook, attacks=tuple(g)) for n, g in enumerate(groups)]
    for n, shelf in enumerate(_shelves(controls)):
        made.append(HandIn(_id(500 + n, "honest", shelf[0].name), shelf[0].notebook, honest=tuple(shelf)))
    places = [len(groups) * k // max(bystanders - 1, 1) for k in range(bystanders)]
    for n, place in enumerate(places):
        plain = Honest(f"bystander {n}", before={"model-home": f"# bystander {n}\n"})
        made.append(HandIn(f"s{place:03}-{'a' if place == 0 else 'z'}-bystander-{n}", "chatbot", honest=(plain,)))
    return sorted(made, key=lambda each: each.id)


def _id(number: int, kind: str, name: str) -> str:
    slug = "".join(c if c.isalnum() and c.isascii() else "-" for c in name.lower())
    return f"s{number:03}-{kind}-{slug[:40].strip('-')}"


def _shelves(controls: Iterable[Honest]) -> list[list[Honest]]:
    """Honest students in few notebooks: those who write in the place of the same cell apart."""
    shelves: list[list[Honest]] = []
    for each in controls:
        for shelf in shelves:
            taken = {name for other in shelf for name in other.cells}
            if shelf[0].notebook == each.notebook and not taken & {*each.cells}:
                shelf.append(each)
                break
        else:
            shelves.append([each])
    return shelves


@dataclass(frozen=True)
class Place:
    """Where a class is graded: what stands in the place of an attack's `@NAME@`."""

    root: str
    models: str
    home: str
    port: int
    pid: int
    kit: str
    packages: str

    def fill(self, text: str, token: str = "") -> str:
        known = {
            "@ROOT@": self.root,
            "@MODELS@": self.models,
            "@HOME@": self.home,
            "@PORT@": str(self.port),
            "@PID@": str(self.pid),
            "@KIT@": self.kit,
            "@PACKAGES@": self.packages,
            "@TOKEN@": token,
        }
        for name, value in known.items():
            text = text.replace(name, value)
        return text


def write(hand_in: HandIn, folder: Path, release: Path, reference: Cells, profile: Profile, place: Place) -> None:
    """Writes a submission as `nbgrader collect` would have left it."""
    folder.mkdir(parents=True)
    (folder / FROZEN_NAME).write_bytes((release / FROZEN_NAME).read_bytes())
    path = folder / f"{hand_in.notebook}.ipynb"
    body = _notebook(hand_in, release / path.name, reference, profile, place)
    for attack in hand_in.attacks:
        if attack.change is not None:
            body = (
                attack.change(body).replace(b"@TOKEN@", attack.token.encode()).replace(b"@ROOT@", place.root.encode())
            )
    links = [attack.is_link for attack in hand_in.attacks if attack.is_link]
    if links:
        path.symlink_to(place.fill(links[0]))
    else:
        path.write_bytes(body)
    everybody: tuple[Attack | Honest, ...] = (*hand_in.attacks, *hand_in.honest)
    for each in everybody:
        token = each.token if isinstance(each, Attack) else ""
        for name, content in each.files.items():
            _write_file(folder / place.fill(name, token), content, place, token)


def _write_file(path: Path, content: bytes | Link, place: Place, token: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.exists():
        path.unlink()
    if isinstance(content, Link):
        path.symlink_to(place.fill(content.target, token))
    elif b"@" in content[:4096]:
        path.write_bytes(place.fill(content.decode(errors="surrogateescape"), token).encode(errors="surrogateescape"))
    else:
        path.write_bytes(content)


def _notebook(hand_in: HandIn, released: Path, reference: Cells, profile: Profile, place: Place) -> bytes:
    by_id = {task.id: task for task in tasks(profile)}

    def written(source: str, name: str, token: str = "") -> str:
        filled = render(source, profile, by_id.get(name), f"{hand_in.id}: {name}")
        return place.fill(HELPERS.format(mark=MARK, tried=TRIED, token=token) * bool(token) + filled, token)

    solved = not hand_in.attacks or all(attack.shares or attack.solved for attack in hand_in.attacks)
    cells = dict(reference) if solved else {}
    for honest in hand_in.honest:
        cells |= {name: written(code, name) for name, code in honest.cells.items()}
    for honest in hand_in.honest:
        for name, code in honest.before.items():
            cells[name] = f"{written(code, name)}\n{cells[name]}"
    for attack in hand_in.attacks:
        cells |= {name: written(code, name, attack.token) for name, code in attack.cells.items()}
    notebook = answered(nbformat.read(released, as_version=4), cells)
    everybody: tuple[Attack | Honest, ...] = (*hand_in.honest, *hand_in.attacks)
    for each in everybody:
        token = each.token if isinstance(each, Attack) else ""
        if isinstance(each, Attack) and each.probe:
            notebook.cells.append(_cell(nbformat.v4.new_code_cell(written(each.probe, "model-home", token)), token))
        if each.markdown:
            notebook.cells.append(_cell(nbformat.v4.new_markdown_cell(place.fill(each.markdown, token)), token))
    return str(nbformat.writes(notebook)).encode()


def _cell(cell: NotebookNode, token: str) -> NotebookNode:
    if token:
        cell.id = f"{token}-{cell.cell_type}"
    return cell


def snapshot(*folders: Path) -> dict[str, str]:
    """A digest of every file in some folders, by path; of a link, where it points."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_symlink():
                found[str(path)] = os.readlink(path)
            elif path.is_file():
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                found[str(path)] = "folder"
    return found
