"""A class for runs that are disturbed: a course whose notebooks differ, and how far grading it has come."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from conftest import ROOT
from forked import ScratchCourse
from waiting import until

from autograder.judging.contract import ASSIGNMENT
from trials.classes import Cells, Student
from trials.demo import typical_mistakes

HONEST = 6
"""Students whose work is right, all different."""
LAST = "zoe"
"""A student with a slow notebook, which is begun after all others: when one has been executed, a run is still at work."""
SLOW = "import time\ntime.sleep(8)\n"


def class_with(folder: Path, model_home: Path, cluster: str) -> ScratchCourse:
    """A released course with a section `[cluster]` of its own, in which the honest have handed in one notebook each."""
    before, _, after = (ROOT / "course.toml").read_text(encoding="utf-8").partition("[cluster]")
    text = before + cluster + "\n[arguments]" + after.partition("\n[arguments]")[2]
    (folder / "cluster.toml").write_text(text, encoding="utf-8")
    made = ScratchCourse(folder / "scratch", ROOT, model_home, folder / "cluster.toml")
    made.instructor("generate_assignment", ASSIGNMENT)
    right = made.reference()
    honest = {f"s{number}": {"chain": f"# {number}\n{right['chain']}"} for number in range(HONEST)}
    join(made, right, {**honest, "twin": honest["s0"]})
    return made


def slow(course: ScratchCourse, right: Cells) -> dict[str, Cells]:
    """The last student, who has made the typical mistakes."""
    cells = typical_mistakes(course.profile, right)
    return {LAST: {**cells, "chain": f"{SLOW}{cells.get('chain', right['chain'])}"}}


def join(course: ScratchCourse, right: Cells, members: Mapping[str, Cells]) -> None:
    """Hands in for more of the class, each with another free text."""
    for name, cells in members.items():
        course.hand_in(Student(name, "", {**right, "memory": name, **cells}), "chatbot")


def executions(course: ScratchCourse) -> int:
    """How many executions are remembered."""
    return len(list((course.root / ".autograder" / "executions").glob("*/*.json")))


def one_more(course: ScratchCourse, process: subprocess.Popen[str], than: int) -> None:
    """Waits until more notebooks than so many have been executed. Fails, with what the run said, where it ends before."""
    until(lambda: executions(course) > than or process.poll() is not None)
    assert process.poll() is None, process.communicate()[0]
