"""How a class of attackers is handed in: who shares a notebook with whom, and what is written where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.course.profile import FROZEN_NAME, Profile
from autograder.judging.contract import tasks
from autograder.release.authoring import render
from trials.attacks.attack import HELPERS, MARK, TRIED, Attack, Honest, Link
from trials.classes import Cells, answered


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
        for name, value in {**vars(self), "token": token}.items():
            text = text.replace(f"@{name.upper()}@", str(value))
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
