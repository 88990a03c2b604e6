"""A class of attackers in a scratch course of its own: what they hand in, how it is graded, and what can be seen of it after."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat

from autograder.grading.records import Record, Records
from autograder.jail.paths import KIT
from autograder.judging.contract import ASSIGNMENT
from trials.attacks.attack import Attack, Honest
from trials.attacks.hand_in import HandIn, Place, handed_in, write
from trials.attacks.machine import most_memory, snapshot
from trials.demo import ScratchCourse

MAX_WRITTEN = 300_000_000
"""Bytes of a file that the grading process itself may write: a link to a device without end must not fill a disk."""


class Class:
    """A class of attackers in a scratch course of its own.

    Args:
        course: a released course.
    """

    def __init__(self, course: ScratchCourse, attacks: Sequence[Attack], controls: Sequence[Honest]) -> None:
        self.course, self.profile = course, course.profile
        self.home = course.folder / "home"
        self.secrets = {name: secrets.token_hex(12) for name in ("solutions", "others", "home", "environment")}
        self.hand_ins = handed_in(attacks, controls)
        self.log = course.folder / "autograde.log"
        self.took: dict[str, float] = {}
        self._pages: dict[tuple[str, str], str] = {}

    def prepare(self, port: int) -> None:
        """The secrets, and everybody's submission."""
        root = self.course.root
        solution = root / "source" / ASSIGNMENT / "chatbot.ipynb"  # with a secret, now that the release has been made
        told = json.loads(solution.read_text(encoding="utf-8"))
        solution.write_text(json.dumps({**told, "metadata": {"canary": self.secrets["solutions"]}}), encoding="utf-8")
        for name in ("", ".jupyter", ".cache"):
            (self.home / name).mkdir(exist_ok=True)
        (self.home / ".netrc").write_text(self.secrets["home"])
        place = self.place(port)
        reference = self.course.reference()
        for each in self.hand_ins:
            folder = root / "submitted" / each.id / ASSIGNMENT
            write(each, folder, self.course.release, reference, self.profile, place)
            if "bystander" in each.id:
                (folder / "private.txt").write_text(self.secrets["others"])

    def environment(self) -> dict[str, str]:
        """What whoever grades has among the variables: a home, and a secret."""
        return {
            "HOME": str(self.home),
            "IPYTHONDIR": str(self.home / ".ipython"),
            "AUTOGRADER_CANARY": self.secrets["environment"],
        }

    def place(self, port: int) -> Place:
        return Place(
            root=str(self.course.root),
            models=str(self.course.model_home),
            home=str(self.home),
            port=port,
            pid=os.getpid(),
            kit=str(KIT),
            packages=str(Path(nbformat.__file__).parent.parent),
        )

    def watched(self) -> dict[str, str]:
        """All that must be after the run as it was before."""
        root = self.course.root
        return (
            snapshot(
                root / "source",
                root / "release",
                root / "submitted",
                self.course.model_home,
                self.home,
                KIT,
            )
            | {str(path): "there" for path in (*root.iterdir(), *Path("/tmp").glob("planted-*"))}
            | self._planted()
        )

    def _planted(self) -> dict[str, str]:
        """What attacks have written into the gradebook, which changes in any case."""
        path = self.course.root / "gradebook.db"
        return {
            f"{path}: {found.decode()}": "there" for found in re.findall(rb"planted-x[0-9a-f]{10}", path.read_bytes())
        }

    def grade(self, one: Callable[[], None]) -> float:
        """Runs `nbgrader autograde`; returns the megabytes that the process needed. Notes how long each notebook took."""
        env = {**self.environment(), "AUTOGRADER_ECHO": "1", "OMP_NUM_THREADS": "1"}
        command = ["prlimit", f"--fsize={MAX_WRITTEN}", "nbgrader", "autograde", ASSIGNMENT]
        memory, name, began = 0.0, "", time.monotonic()
        with (
            self.log.open("w", encoding="utf-8") as log,
            self.course.started(command, self.course.root, env) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                memory = max(memory, most_memory(process.pid))
                if "] Sanitizing " in line:
                    self.took[name], began = time.monotonic() - began, time.monotonic()
                    name = Path(line.split("Sanitizing ")[1].strip()).parent.parent.name
                    one()
        self.took[name] = time.monotonic() - began
        return memory

    def record(self, hand_in: HandIn) -> Record | None:
        return Records(self.course.root, ASSIGNMENT).read(hand_in.id, hand_in.notebook)

    def outputs(self, hand_in: HandIn, attack: Attack | None = None) -> str:
        """All that a submission's cells printed and showed; of an attack that shares it, its own cell."""
        path = self.course.root / "autograded" / hand_in.id / ASSIGNMENT / f"{hand_in.notebook}.ipynb"
        return outputs_of(path, attack.token if attack is not None and len(hand_in.attacks) > 1 else "")

    def too_large(self, hand_in: HandIn, attack: Attack) -> list[str]:
        """Whether a hungry attack left a notebook behind that is much larger than what a notebook may print."""
        path = self.course.root / "autograded" / hand_in.id / ASSIGNMENT / f"{hand_in.notebook}.ipynb"
        size = path.stat().st_size / 10**6 if path.exists() and attack.group == "bombs" else 0.0
        return [f"left a notebook of {size:.0f} MB"] if size > 3 * self.profile.limits.output_mb else []

    def page(self, hand_in: HandIn, kind: str) -> str:
        """What a browser gets: of the feedback, or of what Formgrader shows; nothing where there is no page."""
        if (hand_in.id, kind) not in self._pages:
            self._pages[hand_in.id, kind] = self._page(hand_in, kind)
        return self._pages[hand_in.id, kind]

    def _page(self, hand_in: HandIn, kind: str) -> str:
        root = self.course.root
        if kind == "feedback":
            path = root / "feedback" / hand_in.id / ASSIGNMENT / f"{hand_in.notebook}.html"
            return path.read_text(encoding="utf-8") if path.exists() else ""
        path = root / "autograded" / hand_in.id / ASSIGNMENT / f"{hand_in.notebook}.ipynb"
        return formgrader_page(path, root) if path.exists() else ""


def formgrader_page(notebook: Path, root: Path) -> str:
    """A submission as Formgrader shows it to a TA, with the course's own configuration."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader import handlers
    from traitlets.config import Config, PyFileConfigLoader

    config: Config = PyFileConfigLoader(str(root / "nbgrader_config.py")).load_config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    resources = {
        "assignment_id": ASSIGNMENT, "notebook_id": notebook.stem, "submission_id": "x", "index": 0, "total": 1,
        "base_url": "", "student": notebook.parents[1].name, "last_name": "x", "first_name": "x", "notebook_path": "x",
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it cannot show some types of output
        page, _ = HTMLExporter(config=config).from_filename(str(notebook), resources=resources)
    return str(page)


def outputs_of(path: Path, token: str = "") -> str:
    """What the cells of a notebook put out, errors left out, since these show code; only of cells named for a token."""
    try:
        cells = nbformat.read(path, as_version=4).cells
    except (OSError, ValueError, RecursionError):
        return ""
    said = []
    for cell in cells:
        for output in cell.get("outputs", []) if str(cell.get("id", "")).startswith(token) else []:
            if output.output_type == "stream":
                said.append(output.text)
            elif output.output_type != "error":
                said.append(json.dumps(output.get("data", {})))
    return "\n".join(said)
