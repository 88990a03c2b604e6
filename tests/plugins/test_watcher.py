"""What `autograder watch` does with each state of things; turns, host and clock are stand-ins.

Real ones: `test_watch.py`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import ROOT

from autograder.course.profile import Profile
from autograder.course.watch import Watch
from autograder.errors import HostLost, ProfileError
from autograder.grading.turns import NEVER, Places
from autograder.plugins import watch as watching
from autograder.plugins.watch import BUSY_SECONDS, Watcher, watch
from autograder.plugins.watch_run import Came, Wanted
from autograder.plugins.watch_state import Now


@dataclass
class FakeTurn:
    """A turn that ends when the test says so."""

    wanted: Wanted
    log: Path
    is_over: bool = False
    killed: bool = False
    ended: Came = field(default_factory=Came)
    handle: int = -1

    def came(self) -> Came:
        return self.ended

    def kill(self) -> None:
        self.killed = True


class World:
    """A watcher, and all that it stands in.

    Attributes:
        turns: those that have begun, in order.
        watch: what the release says; None for no release.
        lost: why no host can be had.
        clock: seconds, which the watcher takes for the time that runs evenly.
        graded: when what is in `autograded/` was handed in, by student.
    """

    def __init__(self, folder: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
        self.course, self._profile = folder / "course", profile
        self.inbound = folder / "llm101" / "inbound"
        self.inbound.mkdir(parents=True)
        self.turns: list[FakeTurn] = []
        self.said: list[str] = []
        self.watch: Watch | None = Watch(on=True, per_day=3)
        self.lost, self.clock = "", 1000.0
        self.graded: dict[str, datetime] = {}
        coursedir = SimpleNamespace(course_id="llm101", autograded_directory="autograded")
        collect = SimpleNamespace(root=str(folder), coursedir=coursedir, check_owner=False)
        stand_ins: dict[str, Any] = {
            "application": lambda _: SimpleNamespace(coursedir=coursedir),
            "SafeCollect": lambda **_: collect,
            "Helpers": lambda _: SimpleNamespace(ready=self._ready, end=lambda: None),
            "Turn": self._begin,
            "places": lambda: Places(quick=1, slow=1),
            "profile_in": lambda _: self._released(),
            "handed_in_at": lambda _, step, where: self.graded.get(where[1], NEVER),
            "time": SimpleNamespace(monotonic=lambda: self.clock),
        }
        for name, stand_in in stand_ins.items():
            monkeypatch.setattr(watching, name, stand_in)
        monkeypatch.setenv("PATH", os.environ["PATH"])
        self.again()

    def again(self) -> None:
        """Another watcher takes over."""
        self.watcher = Watcher(self.course, self.said.append)

    def _ready(self, profile: Profile) -> None:
        if self.lost:
            raise HostLost(self.lost)

    def _begin(self, wanted: Wanted, log: Path) -> FakeTurn:
        self.turns.append(FakeTurn(wanted, log))
        return self.turns[-1]

    def _released(self) -> Profile | None:
        return None if self.watch is None else self._profile.model_copy(update={"watch": self.watch})

    def hand_in(self, student: str = "anna", ago: float = 0) -> datetime:
        moment = datetime.now(UTC) - timedelta(seconds=ago)
        path = self.inbound / f"{student}+chatbot+{moment:%Y-%m-%d %H:%M:%S.%f} UTC+abc"
        path.mkdir()
        path.chmod(0o777)
        return moment

    def end(self, turn: FakeTurn, error: str = "", graded: datetime | None = None) -> None:
        """Ends a turn well, or not; `graded` is the hand-in that it got hold of."""
        at = graded or self.newest(turn.wanted.student)
        turn.is_over, turn.ended = True, Came(collected=at, graded=at if turn.wanted.grade else NEVER, error=error)

    def newest(self, student: str) -> datetime:
        names = sorted(path.name for path in self.inbound.glob(f"{student}+*"))
        return datetime.strptime(names[-1].split("+")[2], "%Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC)

    def begun(self) -> list[str]:
        """Whose turns have begun, after another round."""
        self.watcher.careful_round()
        return [turn.wanted.student for turn in self.turns]

    def shown(self) -> Now:
        now = Now.read(self.course)
        assert now is not None
        return now


@pytest.fixture
def world(tmp_path: Path, llama: Profile, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, llama, monkeypatch)


def test_a_hand_in_is_graded_once(world: World) -> None:
    world.hand_in()
    assert world.begun() == ["anna"]
    world.end(world.turns[0])
    assert world.begun() == ["anna"]
    world.again()
    assert world.begun() == ["anna"]


def test_a_turn_is_told_what_the_release_says(world: World) -> None:
    world.watch = Watch(on=True, notebooks=("chatbot",), feedback=False)
    world.hand_in()
    world.begun()
    wanted = world.turns[0].wanted
    assert (wanted.grade, wanted.notebooks, wanted.feedback) == (True, ("chatbot",), False)


def test_what_comes_while_a_turn_is_taken_has_the_next(world: World) -> None:
    first = world.hand_in(ago=5)
    world.begun()
    world.hand_in()
    assert world.begun() == ["anna"]
    world.end(world.turns[0], graded=first)
    world.watcher.careful_round()
    assert world.begun() == ["anna", "anna"]


def test_where_the_turn_took_the_newer_one_already_there_is_no_other(world: World) -> None:
    world.hand_in(ago=5)
    world.begun()
    world.hand_in()
    world.end(world.turns[0])
    assert world.begun() == ["anna"]


def test_what_somebody_else_graded_before_it_was_seen_is_left_to_them(world: World) -> None:
    world.graded["anna"] = world.hand_in()
    assert world.begun() == []


def test_what_somebody_else_graded_after_it_was_seen_gets_its_feedback(world: World) -> None:
    world.lost = "no GPU"
    moment = world.hand_in()
    assert world.begun() == []
    world.graded["anna"], world.lost = moment, ""
    world.again()
    assert world.begun() == ["anna"]


def test_outside_the_hours_it_is_collected_once_and_waits(world: World) -> None:
    first, last = (datetime.now() + timedelta(hours=hours) for hours in (2, 3))
    world.watch = Watch(on=True, hours=f"{first:%H:%M}-{last:%H:%M}")
    world.hand_in()
    world.begun()
    assert [turn.wanted.grade for turn in world.turns] == [False]
    world.end(world.turns[0])
    assert world.begun() == ["anna"]
    assert [one.why for one in world.shown().waits] == ["hours"]


def test_what_cannot_be_collected_now_is_tried_again_soon(world: World) -> None:
    world.watch = Watch(on=True, per_day=1)
    world.hand_in(ago=5)
    world.hand_in()
    world.begun()
    world.end(world.turns[0], graded=NEVER)
    assert world.begun() == world.begun() == ["anna"]
    world.clock += BUSY_SECONDS
    assert world.begun() == ["anna", "anna"]


def test_the_first_of_a_day_are_graded_and_the_next_collected(world: World) -> None:
    for _ in range(3):
        world.hand_in()
    world.begun()
    world.end(world.turns[0])
    world.hand_in()
    world.begun()
    assert [turn.wanted.grade for turn in world.turns] == [True, False]


def test_taking_hand_ins_out_of_the_exchange_gives_no_more_turns(world: World) -> None:
    for _ in range(3):
        world.hand_in()
    world.begun()
    world.end(world.turns[0])
    world.begun()
    for path in world.inbound.iterdir():
        shutil.rmtree(path)
    world.hand_in()
    world.begun()
    assert [turn.wanted.grade for turn in world.turns] == [True, False]


def test_what_fails_is_told_and_tried_again_after_a_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.hand_in()
    world.begun()
    world.end(world.turns[0], error="the disk is full")
    assert world.begun() == ["anna"]
    assert world.watcher.failed == 1
    assert "anna: failed, and is tried again in 1 min: the disk is full" in world.said[-1]
    assert [(one.why, one.error) for one in world.shown().waits] == [("failed", "the disk is full")]
    later = datetime.now(UTC) + timedelta(seconds=61)
    monkeypatch.setattr(watching, "datetime", SimpleNamespace(now=lambda *_: later))
    assert world.begun() == ["anna", "anna"]


def test_what_another_run_has_is_tried_again_soon_and_is_no_failure(world: World) -> None:
    world.hand_in()
    world.begun()
    world.end(world.turns[0])
    world.turns[0].ended.graded = NEVER
    assert world.begun() == ["anna"]
    assert [one.why for one in world.shown().waits] == ["busy"]
    world.clock += BUSY_SECONDS
    assert world.begun() == ["anna", "anna"]
    assert world.watcher.failed == 0


def test_a_slow_run_goes_on_in_a_slow_place_when_somebody_waits(world: World) -> None:
    world.hand_in("slow", ago=9)
    world.begun()
    world.hand_in("anna")
    assert world.begun() == ["slow"]
    world.clock += 61
    assert world.begun() == ["slow", "anna"]
    assert not world.turns[0].killed
    assert [(one.student, one.slow) for one in world.shown().runs] == [("slow", True), ("anna", False)]


def test_where_the_slow_place_is_taken_a_slow_run_ends_and_begins_there_later(world: World) -> None:
    for ago, name in ((9, "slower"), (8, "slow")):
        world.hand_in(name, ago=ago)
    world.begun()
    world.clock += 61
    world.begun()
    world.hand_in("anna")
    world.clock += 61
    assert world.begun() == ["slower", "slow", "anna"]
    assert [turn.killed for turn in world.turns] == [False, True, False]
    world.end(world.turns[0])
    assert world.begun() == ["slower", "slow", "anna", "slow"]
    assert world.watcher.failed == 0


def test_a_run_that_never_ends_is_ended(world: World) -> None:
    world.hand_in()
    world.begun()
    world.clock += 1_000_000
    world.watcher.careful_round()
    assert world.turns[0].killed
    assert "it did not end in" in world.said[-1]


def test_where_no_host_can_be_had_nothing_begins_and_the_page_says_why(world: World) -> None:
    world.lost = "no GPU"
    world.hand_in()
    assert world.begun() == []
    assert world.shown().trouble == "no GPU"
    world.lost = ""
    world.clock += BUSY_SECONDS
    assert world.begun() == ["anna"]
    assert world.shown().trouble == ""


@pytest.mark.parametrize("watch", [None, Watch(on=False)])
def test_nothing_is_done_before_a_release_asks_for_it(world: World, watch: Watch | None) -> None:
    world.watch = watch
    world.hand_in()
    assert world.begun() == world.begun() == []
    assert len(world.said) == 1
    world.watch = Watch(on=True)
    assert world.begun() == ["anna"]


def broken(_: Path) -> None:
    raise ProfileError("profile.json: is not valid JSON")


def gone(_: Path) -> None:
    raise OSError("No space left on device")


@pytest.mark.parametrize(("fault", "said"), [(broken, "the release cannot be read"), (gone, "No space left on device")])
def test_what_goes_wrong_meanwhile_is_told_once_and_it_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Callable[[Path], None], said: str
) -> None:
    world.hand_in()
    with monkeypatch.context() as patch:
        patch.setattr(watching, "profile_in", fault)
        assert world.begun() == world.begun() == []
    assert [said in line for line in world.said] == [True]
    assert world.begun() == ["anna"]


def test_work_that_a_person_has_open_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "is_being_marked", lambda course, assignment, student: student == "anna")
    world.hand_in("anna", ago=9)
    world.hand_in("bjorn")
    assert world.begun() == ["bjorn"]
    assert {one.student: one.why for one in world.shown().waits} == {"anna": "marking"}


def test_work_that_a_person_has_open_is_not_replaced_though_it_would_be_graded_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    being = {"anna"}
    monkeypatch.setattr(watching, "is_being_marked", lambda course, assignment, student: student in being)
    world.watch = Watch(on=True, per_day=1)
    world.hand_in(ago=5)
    world.hand_in()
    assert world.begun() == []
    assert [one.why for one in world.shown().waits] == ["marking"]
    being.clear()
    world.begun()
    assert [turn.wanted.grade for turn in world.turns] == [False]


def test_trouble_with_one_students_files_is_told_once_and_costs_that_student_alone(world: World) -> None:
    kept = world.course / ".autograder" / "watch" / "students" / "anna.json"
    (kept / "in the way").mkdir(parents=True)
    world.hand_in("anna", ago=9)
    world.hand_in("bjorn")
    assert world.begun() == ["bjorn"]
    world.end(world.turns[0])
    assert world.begun() == ["bjorn"]
    assert [line.split()[1] for line in world.said if "waits until this works" in line] == ["anna:"]
    shutil.rmtree(kept)
    assert world.begun() == ["bjorn", "anna"]


def test_where_name_and_file_system_have_two_times_it_is_said_and_shown(world: World) -> None:
    world.hand_in("anna", ago=7200)
    world.hand_in("bjorn")
    world.lost = "no GPU"
    world.begun()
    assert [line.split()[1] for line in world.said if "by the file system" in line] == ["anna:"]
    assert {one.student: one.changed is not None for one in world.shown().waits} == {"anna": True, "bjorn": False}
    world.lost, world.clock = "", world.clock + BUSY_SECONDS
    world.begun()
    world.end(world.turns[0])
    world.begun()
    assert [one.changed is not None for one in world.shown().ended] == [world.turns[0].wanted.student == "anna"]


def test_who_has_nothing_in_the_exchange_any_more_waits_for_nothing(world: World) -> None:
    world.lost = "no GPU"
    world.hand_in()
    world.begun()
    for path in world.inbound.iterdir():
        path.rmdir()
    world.lost, world.clock = "", world.clock + BUSY_SECONDS
    assert world.begun() == []
    assert world.shown().waits == []


def test_a_turn_ends_well_though_its_hand_in_is_gone(world: World) -> None:
    world.hand_in()
    world.begun()
    world.end(world.turns[0])
    for path in world.inbound.iterdir():
        path.rmdir()
    assert world.begun() == ["anna"]
    assert [one.student for one in world.shown().ended] == ["anna"]


def no_gpu(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.lost = "no GPU"


def no_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "profile_in", gone)


def no_release(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "profile_in", broken)


def no_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.course / ".autograder" / "watch" / "students" / "anna.json" / "in the way").mkdir(parents=True)


@pytest.mark.parametrize("fault", [no_gpu, no_room, no_release, no_file])
def test_once_does_not_end_well_where_something_kept_it_from_grading(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Callable[[World, pytest.MonkeyPatch], None]
) -> None:
    world.hand_in()
    with monkeypatch.context() as patch:
        fault(world, patch)
        assert watch(world.course, True, world.said.append) == 1
    assert world.turns == []


def test_once_ends_well_where_there_is_nothing_to_grade(world: World) -> None:
    assert watch(world.course, True, world.said.append) == 0


def test_a_new_hand_in_does_not_wait_for_the_failure_of_the_one_before_and_then_for_its_own(world: World) -> None:
    world.hand_in(ago=5)
    world.begun()
    world.end(world.turns[0], error="the disk is full")
    assert world.begun() == ["anna"]
    world.hand_in()
    assert world.begun() == ["anna", "anna"]
    world.end(world.turns[1], error="the disk is full")
    assert world.begun() == world.begun() == ["anna", "anna"]


def test_when_it_ends_what_is_running_ends_and_begins_again_next_time(world: World) -> None:
    world.hand_in()
    world.begun()
    world.watcher.end()
    assert world.turns[0].killed
    world.again()
    assert world.begun() == ["anna", "anna"]


def test_the_default_profile_does_not_grade_on_hand_in() -> None:
    from autograder.judging.contract import load

    watch = load(ROOT / "course.toml").watch
    assert watch is not None
    assert not watch.on
