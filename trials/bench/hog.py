"""`python -m trials bench-hog`: one honest notebook beside some that ask the model for all they can.

Each hostile notebook has nine threads that ask for the longest answers to the longest prompts that are taken, over and over, for
as long as its cell may run. The honest one is begun last. It must be judged with every point, and not much later than when it is
graded alone. A notebook that takes the processor itself is another matter: those threads sleep between refusals.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from autograder.course.profile import Profile
from autograder.judging.contract import ASSIGNMENT
from autograder.words.terminal import Begin
from trials.bench.run import ONE_THREAD, differing, one_notebook, release_and_hand_in
from trials.bench.students import Member, full_points
from trials.classes import Cells, Student
from trials.demo import ScratchCourse

NOTEBOOK = "chatbot"
HOSTILE = 7
SECONDS = 120
"""What a cell may take: as long as a hostile notebook asks."""
WORDS, NEW_TOKENS = 15_000, 4096
"""Of one prompt, and of one answer: near the most that is taken."""
ASKS = """\
import threading, time

def ask(number):
    while True:
        try:
            llm.pipeline("{name} %d " % number + "word " * {words}, max_new_tokens={new}, min_new_tokens={new}, do_sample=True)
        except Exception:
            time.sleep(0.1)

for number in range(8):
    threading.Thread(target=ask, args=(number,), daemon=True).start()
ask(8)
"""


@dataclass(frozen=True)
class Hogged:
    """Seconds from the command to the honest notebook's verdicts, alone and beside the others.

    Attributes:
        wrong: each of its scores that is not what is due, in words.
    """

    hostile: int
    alone: float
    beside: float
    wrong: tuple[str, ...]

    @property
    def held(self) -> bool:
        """Whether it lost nothing, and waited at most as long again as it takes alone."""
        return not self.wrong and self.beside <= 2 * self.alone

    def lines(self) -> list[str]:
        times = self.beside / self.alone
        return [
            f"An honest notebook was judged after {self.alone:.1f} s alone, and after {self.beside:.1f} s ({times:.2f} times) "
            f"beside {self.hostile} that asked for all they could.",
            *(self.wrong or ["It lost no point."]),
        ]


def run(root: Path, folder: Path, models: Path, begin: Begin, hostile: int = HOSTILE, seconds: int = SECONDS) -> Hogged:
    """Grades the honest notebook alone, then beside hostile ones, in two courses of their own.

    Args:
        root: the course whose source notebooks and profile are used; of them one notebook.
        hostile: how many hostile notebooks.
        seconds: what a cell may take.
    """
    source = one_notebook(root, folder / "source", NOTEBOOK, seconds)
    took, wrong = [], []
    for others in (0, hostile):
        course = ScratchCourse(folder / f"beside-{others}", source, models)
        members = class_of(course.reference(), course.profile, others)
        release_and_hand_in(course, members, begin)
        one = begin(f"beside {others}", len(members))
        began = time.time()
        course.instructor("autograde", ASSIGNMENT, each_notebook=one, env=ONE_THREAD)
        honest = members[-1]
        judged = course.root / "verdicts" / ASSIGNMENT / honest.student.id / f"{NOTEBOOK}.json"
        took.append(judged.stat().st_mtime - began)
        wrong += differing(course, [honest], "this kit")
    return Hogged(hostile, took[0], took[1], tuple(wrong))


def class_of(cells: Cells, profile: Profile, hostile: int) -> list[Member]:
    """The hostile ones, who load the model as they should and then ask, and the honest one, whose name comes last."""
    members = []
    for number in range(1, hostile + 1):
        name = f"student-{number:03}"
        asks = cells["limit-output"] + "\n" + ASKS.format(name=name, words=WORDS, new=NEW_TOKENS)
        members.append(Member(Student(name, "asks for all there is", {**cells, "limit-output": asks}), "broken"))
    honest = Student(f"student-{hostile + 1:03}", "as in the chapter", cells, full_points(profile))
    return [*members, Member(honest, "letter")]
