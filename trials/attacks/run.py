"""Grades a class of attackers with this kit, in a scratch course with tiny models, and says what each of them got.

One run of `nbgrader autograde` at isolation level `full`: attackers, the honest students beside them and bystanders. Files
of the course, the model home, the kit and the grader's home are compared before and after; a listener on the machine's
loopback stands for the network; secrets lie where no submission may read. Hungry attacks are bounded by the jail's limits.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import NotReady
from autograder.judging.contract import ASSIGNMENT
from autograder.words.terminal import Begin
from trials.attacks.attack import Honest
from trials.attacks.classroom import Class
from trials.attacks.honest import CONTROLS
from trials.attacks.machine import differences, left_running, listening
from trials.attacks.outcome import Found, judge_attack, lost
from trials.attacks.tables import ATTACKS
from trials.demo import ScratchCourse
from trials.selftest.run import model_home

LIMITS = {
    "cell_seconds": "10", "notebook_seconds": "30", "memory_gb": "2", "disk_gb": "0.02", "processes": "64", "open_files": "1024",
    "output_mb": "1", "isolation": '"full"',
}  # fmt: skip
"""Of the scratch course: what is hungry ends soon."""
MAX_GRADER_MB = 1500
"""Megabytes of memory that the grading process may need, whatever is handed in."""


@dataclass
class Run:
    """What came of a class.

    Attributes:
        honest: by name, the check ids at which an honest student lost points or was sent to a person.
        harmed: changes that nobody may make and that carry no attack's token.
        grader_mb: the most memory that the grading process itself needed.
    """

    found: dict[str, Found] = field(default_factory=dict)
    honest: dict[str, list[str]] = field(default_factory=dict)
    harmed: list[str] = field(default_factory=list)
    seconds: float = 0.0
    grader_mb: float = 0.0

    @property
    def held(self) -> bool:
        """Whether nobody got or harmed anything, and no honest student lost anything."""
        return all(f.held for f in self.found.values()) and not any(self.honest.values()) and not self.harmed


def released(root: Path, folder: Path) -> ScratchCourse:
    """A scratch course with narrow limits and tiny models, released. What is in the folder is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    profile = folder / "profile.toml"
    profile.write_text(with_limits((root / "course.toml").read_text(encoding="utf-8")), encoding="utf-8")
    course = ScratchCourse(folder / "released", root, folder / "models", profile)
    model_home(folder / "models", course.profile)
    course.instructor("generate_assignment", ASSIGNMENT)
    return course


def with_limits(profile: str) -> str:
    """A profile's text with the limits of a class of attackers."""
    for name, value in LIMITS.items():
        profile, times = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", profile)
        assert times == 1, f"the profile has no {name}"
    return profile


def run(root: Path, folder: Path, begin: Begin, only: str = "", browser: bool = True, jobs: int = 2) -> Run:
    """Grades the class of attackers and says what came of it.

    Args:
        root: the course whose source notebooks and profile are used.
        folder: a scratch folder.
        begin: as in `demo.run`.
        only: a piece of an attack's or a group's name; others are left out.
        browser: whether feedback pages are made and looked at.
        jobs: courses graded side by side.
    """
    chosen = [attack for attack in ATTACKS if only in attack.name or only == attack.group]
    controls = [c for c in CONTROLS if not only or any(attack.control is c for attack in chosen)]
    one = begin("release", 1)
    course = released(root, folder)
    one()
    classes = [
        Class(course.twin(folder / str(n)), chosen[n::jobs], controls[n::jobs]) for n in range(min(jobs, len(chosen)))
    ]
    outcome = Run()
    began = time.monotonic()
    with listening() as port:
        for made in classes:
            made.prepare(port)
        before = [made.watched() for made in classes]
        one = begin("grade", sum(len(made.hand_ins) for made in classes))
        with ThreadPoolExecutor(jobs) as pool:
            outcome.grader_mb = max(pool.map(lambda made: made.grade(one), classes))
    outcome.seconds = time.monotonic() - began
    running = left_running()
    if browser:
        make_feedback(classes, begin)
    for made, seen in zip(classes, before, strict=True):
        _judge_class(made, differences(seen, made.watched()) + running, browser, outcome)
    if outcome.grader_mb > MAX_GRADER_MB:
        outcome.harmed.append(f"a grading process needed {outcome.grader_mb:.0f} MB")
    return outcome


def _judge_class(made: Class, changed: Sequence[str], browser: bool, outcome: Run) -> None:
    for hand_in in made.hand_ins:
        record = made.record(hand_in)
        for attack in hand_in.attacks:
            outcome.found[attack.name] = judge_attack(made, hand_in, attack, record, changed, browser)
        for honest in hand_in.honest:
            outcome.honest[f"{honest.name}{_course(made, honest)}"] = lost(honest, hand_in, record, made.profile)
    own = [attack.token for attack in ATTACKS]
    outcome.harmed += [what for what in changed if not any(token in what for token in own)]


def _course(made: Class, honest: Honest) -> str:
    """Bystanders have the same names in each course."""
    return f" of {made.course.folder.name}" if honest.name.startswith("bystander") else ""


def make_feedback(classes: Sequence[Class], begin: Begin) -> None:
    """Feedback pages for those that aim at a browser."""
    shown = [
        (made, each)
        for made in classes
        for each in made.hand_ins
        if any(attack.group == "browser" for attack in each.attacks)
    ]
    one = begin("feedback", len(shown))
    for made, each in shown:
        with contextlib.suppress(NotReady):  # it has not been graded: there is no page
            made.course.instructor("generate_feedback", ASSIGNMENT, "--student", each.id, "--force")
        one()
