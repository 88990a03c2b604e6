"""`autograder watch` on a class that hands in through an exchange; no model is asked, the host echoes.

One class for the whole file: it is being graded when the watcher is killed, another one goes on, and a third takes what is
handed in again.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import ROOT, SMALL, changed_profile
from forked import ScratchCourse, lent
from nbgrader.api import Gradebook
from nbgrader.utils import notebook_hash

from autograder.grading import being_marked
from autograder.grading.claims import cut_short
from autograder.grading.records import Records
from autograder.judging.contract import ASSIGNMENT
from autograder.plugins.watch_state import Now, Waits
from trials.classes import Student, write_submission

SETTINGS = {"on = false": "on = true", 'hours = "08:00-23:00"': "", "per_day = 10": "per_day = 2", **SMALL}
NOTEBOOK = "chatbot"
ANSWER = "The chain gets nothing but what I give it."
COMMENT = "Well put!"
READ = "celine"
"""The student whose work a person has open."""


@dataclass
class Class:
    """A course, and when each student's newest hand-in was made."""

    course: ScratchCourse
    handed_in: dict[str, str] = field(default_factory=dict)

    def hand_in(self, student: str, **cells: str) -> None:
        """Puts the first notebook into the exchange, as Submit does."""
        made, now = self.course, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f} UTC"
        self.handed_in[student] = now
        folder = made.exchange / made.profile.course.id / "inbound" / f"{student}+{ASSIGNMENT}+{now}+abc"
        work = Student(student, "", {**made.reference(), "memory": ANSWER, **cells})
        write_submission(made.release, folder, work, NOTEBOOK)
        (folder / "timestamp.txt").write_text(now, encoding="utf-8")
        (folder / "submission_secret.txt").write_text(f"{student} {now}", encoding="utf-8")
        folder.chmod(0o777)

    def watch(self, *more: str) -> Watching:
        command = [str(Path(sys.executable).parent / "autograder"), "watch", "--course", str(self.course.root), *more]
        return Watching(self.course.started(command, ROOT, {"AUTOGRADER_ECHO": "1"}))

    def has_feedback(self, student: str) -> bool:
        """Whether the page about the newest hand-in lies where *Fetch Feedback* looks."""
        name = notebook_hash(secret=f"{student} {self.handed_in[student]}", notebook_id=NOTEBOOK)
        return (self.course.exchange / self.course.profile.course.id / "feedback" / f"{name}.html").exists()

    def is_at(self, step: str, student: str) -> bool:
        """Whether what a step has is the newest hand-in."""
        stamp = self.course.root / step / student / ASSIGNMENT / "timestamp.txt"
        return stamp.exists() and stamp.read_text(encoding="utf-8") == self.handed_in[student]

    def score(self, student: str) -> float:
        record = Records(self.course.root, ASSIGNMENT).read(student, NOTEBOOK)
        assert record is not None
        return sum(verdict.score or 0 for verdict in record.verdicts)

    def marks(self, student: str) -> tuple[float | None, bool, str | None]:
        """What a person gave the answer, whether one must look at it, and the comment."""
        with Gradebook(f"sqlite:///{self.course.root / 'gradebook.db'}") as gradebook:
            where = NOTEBOOK, ASSIGNMENT, student
            grade = gradebook.find_grade("memory", *where)
            return grade.manual_score, grade.needs_manual_grade, gradebook.find_comment("memory", *where).manual_comment

    def mark(self, student: str, points: float) -> None:
        with Gradebook(f"sqlite:///{self.course.root / 'gradebook.db'}") as gradebook:
            where = NOTEBOOK, ASSIGNMENT, student
            grade = gradebook.find_grade("memory", *where)
            grade.manual_score, grade.needs_manual_grade = points, False
            gradebook.find_comment("memory", *where).manual_comment = COMMENT
            gradebook.db.commit()

    def waits(self) -> dict[str, Waits]:
        now = Now.read(self.course.root)
        assert now is not None
        return {one.student: one for one in now.waits}


class Watching:
    """A watcher that is running; what it says is read until a text comes, or it ends."""

    def __init__(self, process: object) -> None:
        self.process, self.said = process, ""

    def until(self, text: str) -> None:
        for line in self.process.stdout:
            self.said += line
            if text in line:
                return
        raise AssertionError(f"{text!r} never came:\n{self.said}")

    def ended(self) -> int:
        self.said += self.process.stdout.read()
        self.process.stdout.close()
        return int(self.process.wait())


@pytest.fixture(scope="module")
def handed_in(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Class:
    """Five have handed in, one of them code that never ends, one three times, one whose work a person has open."""
    folder = tmp_path_factory.mktemp("watch")
    course = ScratchCourse(folder / "scratch", ROOT, tiny_home, changed_profile(folder, SETTINGS))
    course.instructor("generate_assignment", ASSIGNMENT)
    course.instructor("release_assignment", ASSIGNMENT)
    made = Class(course)
    made.hand_in("anna")
    made.hand_in("emma", chain="", prompt="")
    made.hand_in("emma", chain="")
    made.hand_in("hostile", chain=f"import threading\nthreading.Event().wait()\n{course.reference()['chain']}")
    made.hand_in("bjorn")
    made.hand_in(READ)
    being_marked.note(course.root, ASSIGNMENT, READ)
    return made


@pytest.fixture(scope="module")
def killed(handed_in: Class) -> Watching:
    """The watcher of the class was killed when the first verdict was out, and others were under way."""
    watching = handed_in.watch()
    watching.until("graded in")
    second = handed_in.watch()
    assert second.ended() == 1
    watching.said += f"SECOND {second.said}"
    os.kill(watching.process.pid, signal.SIGKILL)
    watching.ended()
    return watching


@pytest.fixture(scope="module")
def went_on(handed_in: Class, killed: Watching) -> Watching:
    """Another watcher took what was left."""
    with lent(handed_in.course):
        watching = handed_in.watch("--once")
        assert watching.ended() == 0, watching.said
    return watching


@pytest.fixture(scope="module")
def again(handed_in: Class, went_on: Watching) -> Watching:
    """A person has marked two answers; one student hands in the same again, one another answer, one too often."""
    handed_in.mark("anna", 2.5)
    handed_in.mark("bjorn", 1.5)
    handed_in.hand_in("anna", chain="")
    handed_in.hand_in("bjorn", memory="Something else.")
    handed_in.hand_in("emma")
    with lent(handed_in.course):
        watching = handed_in.watch("--once")
        assert watching.ended() == 0, watching.said
    return watching


pytestmark = pytest.mark.slow


def test_a_second_watcher_of_a_course_is_told_that_there_is_one(killed: Watching) -> None:
    assert "one for a course is enough" in " ".join(killed.said.partition("SECOND")[2].split())


def test_after_a_kill_everybody_has_the_points_that_are_due(handed_in: Class, went_on: Watching) -> None:
    scores = {student: handed_in.score(student) for student in ("anna", "bjorn", "emma", "hostile")}
    assert scores == {"anna": 13, "bjorn": 13, "emma": 9, "hostile": 9}


def test_after_a_kill_everybody_has_the_feedback(handed_in: Class, went_on: Watching) -> None:
    assert all(handed_in.has_feedback(student) for student in ("anna", "bjorn", "emma", "hostile"))


def test_after_a_kill_nobody_is_half_graded(handed_in: Class, went_on: Watching) -> None:
    assert cut_short(handed_in.course.root / ".autograder" / "running" / ASSIGNMENT) == []


def test_what_was_graded_before_the_kill_is_not_graded_again(killed: Watching, went_on: Watching) -> None:
    first = killed.said.partition(": graded in")[0].split()[-1]
    assert f"{first}: graded in" not in went_on.said


def test_of_several_hand_ins_the_newest_alone_is_graded(handed_in: Class, killed: Watching, went_on: Watching) -> None:
    assert handed_in.is_at("autograded", "emma")
    assert f"{killed.said}{went_on.said}".count("emma: graded in") == 1


def test_free_text_waits_for_a_person(handed_in: Class, went_on: Watching) -> None:
    assert handed_in.course.scores()["hostile"]["memory"] is None


def test_work_that_a_person_has_open_is_neither_replaced_nor_graded(handed_in: Class, went_on: Watching) -> None:
    assert not (handed_in.course.root / "submitted" / READ).exists()
    assert handed_in.waits()[READ].why == "marking"


def test_a_persons_marks_outlive_what_is_handed_in_again(handed_in: Class, again: Watching) -> None:
    assert handed_in.is_at("autograded", "anna")
    assert handed_in.score("anna") == 9
    assert handed_in.marks("anna") == (2.5, False, COMMENT)


def test_an_answer_that_has_changed_is_to_be_read_again_and_keeps_its_marks_meanwhile(
    handed_in: Class, again: Watching
) -> None:
    assert handed_in.marks("bjorn") == (1.5, True, COMMENT)


def test_what_is_handed_in_once_too_often_is_collected_and_graded_another_day(
    handed_in: Class, again: Watching
) -> None:
    assert "emma: collected; it is graded later" in again.said
    assert handed_in.is_at("submitted", "emma")
    assert not handed_in.is_at("autograded", "emma")
    assert handed_in.waits()["emma"].why == "number"
