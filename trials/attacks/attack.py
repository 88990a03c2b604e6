"""What an attack on the grader is.

The attacks themselves are in `tables/`, a file for each group. Each is a claim: it earns nothing that is not due, it reaches
nothing, it harms nobody. Beside it stands an honest student whose code looks much the same, and who keeps every point.

An attack that reaches something says so itself: it prints `MARK` and its name. What it changes on the machine, and whose
secrets it shows, is seen from outside (`run.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from autograder.course.profile import Profile
from autograder.judging.contract import tasks
from autograder.judging.task import Task

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
