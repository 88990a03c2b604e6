"""Whose turn it is: the order is fair, a slow run makes room, and what is kept tells the day's hand-ins apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.course.watch import Watch
from autograder.grading.turns import (
    MAX_NUMBER,
    NEVER,
    SHARE_SECONDS,
    HandIns,
    Places,
    Plan,
    Running,
    Waiting,
    in_turn,
    plan,
    share,
)

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
PLACES = Places(quick=2, slow=1)


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def waiting(student: str, handed_in: float = 0, turn: float | None = None, slow: bool = False) -> Waiting:
    """Handed in, and last graded, so many minutes after noon."""
    return Waiting(student, minutes(handed_in), minutes(handed_in), NEVER if turn is None else minutes(turn), slow)


ORDERS = [
    # who waits, in turn
    ([waiting("late", 3), waiting("early", 1)], ["early", "late"]),
    ([waiting("again", 1, turn=-1), waiting("new", 3)], ["new", "again"]),
    ([waiting("lately", 1, turn=-1), waiting("long-ago", 2, turn=-9)], ["long-ago", "lately"]),
    ([waiting("b"), waiting("a")], ["a", "b"]),
]


@pytest.mark.parametrize(("ready", "order"), ORDERS)
def test_least_recently_graded_comes_first_then_who_handed_in_first(ready: list[Waiting], order: list[str]) -> None:
    assert [one.student for one in in_turn(ready)] == order


def began(plan: Plan) -> list[str]:
    return [one.student for one in plan.begin]


@pytest.mark.parametrize("kept", ['{"done": "2026-11-29T12:00:00"}', '{"today": {"a": "2026-11-29T12:00:00"}}', "{"])
def test_what_was_kept_and_has_no_zone_is_not_read(tmp_path: Path, kept: str) -> None:
    (tmp_path / "anna.json").write_text(kept, encoding="utf-8")
    assert HandIns.read(tmp_path / "anna.json") is None


def test_as_many_begin_as_there_are_places() -> None:
    assert began(plan([waiting(name) for name in "abc"], [], PLACES, 60, 0)) == ["a", "b"]


def test_a_run_beyond_its_share_goes_on_where_nobody_waits() -> None:
    assert plan([], [Running("slow", 0)], PLACES, 60, 1000) == Plan()


def test_a_run_beyond_its_share_goes_on_while_another_place_is_free() -> None:
    done = plan([waiting("a")], [Running("slow", 0)], PLACES, 60, 1000)
    assert (began(done), done.moved, done.ended) == (["a"], (), ())


def test_a_run_beyond_its_share_moves_to_the_slow_place_when_others_wait() -> None:
    running = [Running("slow", 0), Running("quick", 990)]
    done = plan([waiting("a"), waiting("b")], running, PLACES, 60, 1000)
    assert (began(done), done.moved, done.ended) == (["a"], ("slow",), ())


def test_it_ends_to_begin_again_later_where_the_slow_place_is_taken() -> None:
    running = [Running("slow", 0), Running("slower", 1), Running("slowest", 0, slow=True)]
    done = plan([waiting("a")], running, PLACES, 60, 1000)
    assert (began(done), done.moved, done.ended) == (["a"], (), ("slow",))


def test_a_run_within_its_share_is_left_alone_however_many_wait() -> None:
    running = [Running("one", 950), Running("two", 950)]
    assert plan([waiting(name) for name in "abc"], running, PLACES, 60, 1000) == Plan()


def test_what_was_slow_waits_for_a_slow_place_alone() -> None:
    ready = [waiting("slow", slow=True), waiting("slower", 1, slow=True), waiting("a", 2)]
    assert began(plan(ready, [], PLACES, 60, 0)) == ["a", "slow"]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(1, 4))
def test_no_student_waits_for_more_than_one_turn_of_each_other(hand_ins: list[int], quick: int) -> None:
    """Everybody hands in again at once, some of them slow: between two turns of one, no other has two."""
    places = Places(quick, 1)
    turns: dict[str, datetime] = {}
    order: list[str] = []
    running: list[Running] = []
    for step, number in enumerate(hand_ins * 4):
        names = {f"s{one}" for one in hand_ins} - {run.student for run in running}
        ready = [Waiting(name, NOON, NOON, turns.get(name, NEVER)) for name in names]
        for one in plan(ready, running, places, 60, step).begin:
            turns[one.student] = minutes(step)
            running.append(Running(one.student, step))
            order.append(one.student)
        running = running[1:] if number % 2 else running
    for name in set(order):
        places_of = [place for place, one in enumerate(order) if one == name]
        for first, last in pairwise(places_of):
            between = order[first + 1 : last]
            assert len(between) - len(set(between)) <= quick


def test_a_share_is_three_times_what_is_usual_and_a_minute_at_least() -> None:
    assert share([]) == share([1, 2, 300]) == SHARE_SECONDS
    assert share([100, 100, 100, 4000]) == 300


def test_days_hand_ins_are_told_apart_and_counted_once() -> None:
    kept = HandIns()
    assert [kept.number(name, minutes(at)) for at, name in enumerate("abcb")] == [1, 2, 3, 2]


def test_the_next_day_begins_at_one() -> None:
    kept = HandIns()
    kept.number("a", NOON)
    kept.number("b", NOON)
    assert kept.number("c", NOON + timedelta(days=1)) == 1
    assert list(kept.today) == ["c"]


def test_one_that_is_gone_from_the_exchange_still_counts(tmp_path: Path) -> None:
    kept = HandIns()
    kept.number("a", NOON)
    kept.write(tmp_path / "anna.json")
    again = HandIns.read(tmp_path / "anna.json")
    assert again is not None
    assert again.number("b", minutes(1)) == 2


def test_what_is_kept_of_a_student_has_a_bound() -> None:
    kept = HandIns()
    numbers = [kept.number(str(number), minutes(number / 100)) for number in range(2 * MAX_NUMBER)]
    assert len(kept.today) == MAX_NUMBER
    assert min(numbers[MAX_NUMBER:]) > 100


@pytest.mark.parametrize("text", ["", "[]", "{", '{"failures": "many"}'])
def test_what_cannot_be_read_counts_as_not_kept(tmp_path: Path, text: str) -> None:
    (tmp_path / "anna.json").write_text(text, encoding="utf-8")
    assert HandIns.read(tmp_path / "anna.json") is None


def test_what_fails_on_our_side_is_tried_again_ever_later_and_never_given_up() -> None:
    kept, waits = HandIns(), []
    for _ in range(6):
        kept.has_failed(NOON, "no GPU")
        waits.append(kept.again)
    assert waits == [60, 300, 1500, 3600, 3600, 3600]
    kept.succeeded(NOON)
    assert (kept.again, kept.error) == (0, "")


def test_a_hand_in_is_ready_when_it_is_due_and_the_hours_are_open() -> None:
    watch = Watch(on=True)
    assert waiting("a", 5).is_ready(watch, minutes(5))
    assert not waiting("a", 5).is_ready(watch, minutes(4))
    closed = f"{minutes(60).astimezone():%H:%M}-{minutes(120).astimezone():%H:%M}"
    assert not waiting("a", 5).is_ready(Watch(on=True, hours=closed), minutes(30))
