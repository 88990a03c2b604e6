"""Requests of many notebooks become batches, whose turn it is follows from what each has had, and nobody sees anybody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from autograder.host import orders, scheduler, waiting
from autograder.host.failures import Failed
from autograder.host.maker import TOOK_TOO_LONG, Outcome, Steering
from autograder.host.scheduler import Scheduler
from autograder.host.waiting import Account, BudgetSpent

SAMPLED = {"do_sample": True, "temperature": 0.6, "max_new_tokens": 10, "eos_token_id": [2]}
PROMPT = (5, 6, 7)


def asked(*prompt: int, model: str = "org/one", rows: int = 1, **settings: Any) -> orders.Make:
    row = list(prompt or PROMPT)
    given = {name: value for name, value in {**SAMPLED, **settings}.items() if value is not None}
    tokenizer = bool(given.pop("tokenizer", False))
    part = orders.Part(rows=[row] * rows, mask=[[1] * len(row)] * rows, settings=given, seed=1, tokenizer=tokenizer)
    return orders.Make(model=model, parts={0: part})


def goes_alone(*prompt: int) -> orders.Make:
    return asked(*prompt, num_beams=2)


class Batches:
    """Makes batches when the test says so; each answer is the prompt and one more token."""

    def __init__(self) -> None:
        self.state, self.on_gpu = orders.State(), False
        self.begun: list[tuple[Steering, asyncio.Future[None]]] = []
        self.ended: dict[int, dict[int, orders.Part]] = {}

    async def versions(self) -> dict[str, str]:
        return {}

    async def end(self) -> None:
        pass

    async def make(self, steering: Steering) -> None:
        self.begun.append((steering, asyncio.get_running_loop().create_future()))
        steering.began = asyncio.get_running_loop().time()
        await self.begun[-1][1]

    @property
    def sizes(self) -> list[int]:
        return [len(self.parts(number)) for number in range(len(self.begun))]

    def steering(self, number: int) -> Steering:
        return self.begun[number][0]

    def parts(self, number: int) -> dict[int, orders.Part]:
        """What a batch has left to make, or had when it was finished."""
        return self.ended.get(number, self.steering(number).left)

    def prompts(self, number: int) -> list[list[int]]:
        return [row for part in self.parts(number).values() for row in part.rows]

    def answer(self, number: int, part: int) -> None:
        """Settles one part of a batch that goes on."""
        rows = self.steering(number).left[part].rows
        self.steering(number).settle(part, [[*row, 9] for row in rows])

    def finish(self, number: int, outcomes: list[Outcome] | None = None) -> None:
        """Settles all of a batch; it goes on with what joins it meanwhile."""
        steering, done = self.begun[number]
        had = dict(steering.left)
        for part, asked in had.items():
            steering.settle(part, outcomes[part] if outcomes else [[*row, 9] for row in asked.rows])
        if not steering.left:
            self.ended[number] = had
            done.set_result(None)


class Clock:
    """The time as the test has it."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (scheduler, waiting):
        monkeypatch.setattr(module, "time", clock)
    return clock


class Class:
    """A scheduler, and notebooks that ask it."""

    def __init__(self, slots: int = 1, max_rows: int = 32) -> None:
        self.maker, self.stop = Batches(), asyncio.Event()
        self.scheduler = Scheduler(self.maker, slots, max_rows)

    def ask(self, account: Account, make: orders.Make, stop: asyncio.Event | None = None) -> asyncio.Task[Any]:
        return asyncio.create_task(self.scheduler.output(make, account, stop or asyncio.Event()))

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


def account(tokens: int = 10**6, seconds: float = 1000.0, had: float = 0.0) -> Account:
    return Account(tokens, seconds, seconds=had)


def played(play: Callable[[Class], Awaitable[None]], **settings: Any) -> None:
    async def run() -> None:
        await play(Class(**settings))

    asyncio.run(run())


def test_requests_that_wait_while_another_is_made_become_one_batch() -> None:
    async def play(here: Class) -> None:
        first = here.ask(account(), goes_alone(1))
        await here.settle()
        others = [here.ask(account(), asked(n)) for n in (2, 3, 4)]
        await here.settle()
        here.maker.finish(0)
        await first
        await here.settle()
        here.maker.finish(1)
        assert [await other for other in others] == [[[2, 9]], [[3, 9]], [[4, 9]]]
        assert here.maker.sizes == [1, 3]

    played(play)


def test_a_request_joins_a_batch_that_runs_and_leaves_it_when_it_has_its_end() -> None:
    async def play(here: Class) -> None:
        first = here.ask(account(), asked(1))
        await here.settle()
        second, third = (here.ask(account(), asked(n)) for n in (2, 3))
        await here.settle()
        assert here.maker.prompts(0) == [[1], [2], [3]]
        here.maker.answer(0, 1)
        assert await second == [[2, 9]]
        fourth = here.ask(account(), asked(4))
        await here.settle()
        assert here.maker.prompts(0) == [[1], [3], [4]]
        here.maker.finish(0)
        assert await asyncio.gather(first, third, fourth) == [[[1, 9]], [[3, 9]], [[4, 9]]]
        assert len(here.maker.begun) == 1

    played(play)


def test_a_batch_that_is_full_takes_in_the_next_one_when_a_row_has_left() -> None:
    async def play(here: Class) -> None:
        for n in (1, 2, 3):
            here.ask(account(), asked(n))
            await here.settle()
        assert here.maker.prompts(0) == [[1], [2]]
        here.maker.answer(0, 0)
        assert here.maker.prompts(0) == [[2], [3]]

    played(play, max_rows=2)


def held(here: Class) -> None:
    here.scheduler._batches[0].hold(True, 0.0)


def given_up(here: Class) -> None:
    here.stop.set()


def remade(here: Class) -> None:
    here.maker.steering(0).open = False


@pytest.mark.parametrize("why", [held, given_up, remade])
def test_nobody_joins_a_batch_that_is(why: Callable[[Class], None]) -> None:
    async def play(here: Class) -> None:
        here.ask(account(), asked(1), here.stop)
        await here.settle()
        why(here)
        await here.settle()
        here.ask(account(), asked(2))
        await here.settle()
        assert here.maker.sizes == [1, 1]

    played(play, slots=2)


def test_who_can_join_nothing_lets_others_pass_but_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(here: Class) -> None:
        first = here.ask(account(), asked(1))
        await here.settle()
        other = here.ask(account(), asked(2, model="org/two"))
        passes = here.ask(account(had=1.0), asked(3))
        await here.settle()
        assert here.maker.prompts(0) == [[1], [3]]
        monkeypatch.setattr(scheduler, "PASSED_SECONDS", 0.0)
        here.ask(account(had=1.0), asked(4))
        await here.settle()
        assert here.maker.prompts(0) == [[1], [3]]
        here.maker.finish(0)
        await asyncio.gather(first, passes)
        await here.settle()
        assert here.maker.prompts(1) == [[2]]
        here.maker.finish(1)
        await other

    played(play)


SHARED = {
    "another temperature": {"temperature": 0.7},
    "the likeliest word": {"do_sample": False},
    "a repetition penalty": {"repetition_penalty": 1.3},
    "words that it must not say": {"bad_words_ids": [[3]]},
    "a somewhat longer answer": {"max_new_tokens": 40},
    "one beam, one sequence": {"num_beams": 1, "num_return_sequences": 1},
    "a total length": {"max_new_tokens": None, "max_length": 11},
}
ALONE = {
    "another model": {"model": "org/two"},
    "beams": {"num_beams": 2},
    "several sequences": {"num_return_sequences": 2},
    "stop strings": {"stop_strings": ["x"], "tokenizer": True},
    "a time limit": {"max_time": 1.0},
    "no cache": {"use_cache": False},
    "a much longer answer": {"max_new_tokens": 41},
}


@pytest.mark.parametrize("what", [*SHARED, *ALONE])
def test_requests_share_a_batch_whatever_their_settings_unless_these_change_how_it_goes_on(what: str) -> None:
    async def play(here: Class) -> None:
        here.ask(account(), goes_alone(1))
        await here.settle()
        for make in (asked(2), asked(3), asked(8, **{**SHARED, **ALONE}[what])):
            here.ask(account(), make)
        here.maker.finish(0)
        await here.settle()
        if what in SHARED:
            assert here.maker.sizes == [1, 3]
        else:
            here.maker.finish(1)
            await here.settle()
            assert sorted(here.maker.sizes) == [1, 1, 2]

    played(play)


def test_a_long_prompt_shares_no_batch_with_short_ones() -> None:
    async def play(here: Class) -> None:
        here.ask(account(), goes_alone(1))
        await here.settle()
        here.ask(account(), asked(*range(10, 1010)))
        here.ask(account(), asked(2))
        here.ask(account(), asked(*range(10, 710)))
        for number in range(3):
            await here.settle()
            here.maker.finish(number)
        await here.settle()
        assert [len(here.maker.prompts(number)[0]) for number in (1, 2)] == [1, 700]
        assert here.maker.sizes == [1, 1, 2]

    played(play)


def test_a_batch_has_no_more_rows_than_it_may() -> None:
    async def play(here: Class) -> None:
        here.ask(account(), goes_alone(1))
        await here.settle()
        for n in range(7):
            here.ask(account(), asked(10 + n))
        here.maker.finish(0)
        await here.settle()
        assert here.maker.sizes == [1, 4]
        here.maker.finish(1)
        assert here.maker.sizes == [1, 3]

    played(play, max_rows=4)


def test_with_one_row_at_most_every_request_goes_alone() -> None:
    async def play(here: Class) -> None:
        for n in range(3):
            here.ask(account(), asked(n + 1))
        for number in range(3):
            await here.settle()
            here.maker.finish(number)
        assert here.maker.sizes == [1, 1, 1]

    played(play, max_rows=1)


def test_a_batch_begins_at_once_and_waits_for_nobody() -> None:
    async def play(here: Class) -> None:
        here.ask(account(), asked(1))
        await here.settle()
        assert here.maker.sizes == [1]

    played(play)


# --- Fair ---


def test_the_notebook_that_has_had_least_comes_first_however_many_requests_another_has() -> None:
    async def play(here: Class) -> None:
        hog, honest = account(had=20.0), account()
        here.ask(hog, goes_alone(1))
        await here.settle()
        for n in range(6):
            here.ask(hog, asked(n + 2, num_beams=2))
        here.ask(honest, asked(50))
        here.maker.finish(0)
        await here.settle()
        assert here.maker.prompts(1) == [[50]]

    played(play)


def test_who_asks_for_little_comes_before_who_asks_for_much() -> None:
    async def play(here: Class) -> None:
        here.ask(account(), goes_alone(1))
        await here.settle()
        here.ask(account(), asked(2, max_new_tokens=4000))
        here.ask(account(), asked(3))
        here.maker.finish(0)
        await here.settle()
        assert here.maker.prompts(1) == [[3]]

    played(play)


def test_a_batch_waits_for_what_rehearsals_will_ask_but_not_for_long(clock: Clock) -> None:
    async def play(here: Class) -> None:
        here.scheduler.rehearse(1)
        here.ask(account(), asked())
        await here.settle()
        assert not here.maker.begun
        clock.now += 2 * scheduler.GATHER_SECONDS
        here.ask(account(), asked(8, 9))
        await here.settle()
        assert here.maker.sizes == [2]

    played(play)


def test_a_batch_begins_when_the_last_rehearsal_ends() -> None:
    async def play(here: Class) -> None:
        here.scheduler.rehearse(1)
        here.ask(account(), asked())
        await here.settle()
        here.scheduler.rehearse(-1)
        await here.settle()
        assert here.maker.sizes == [1]

    played(play)


def test_an_output_that_several_wait_for_is_made_in_the_turn_of_the_one_that_has_had_least() -> None:
    async def play(here: Class) -> None:
        greedy, modest, stop = account(had=500), account(), asyncio.Event()
        here.ask(account(), goes_alone(1))
        await here.settle()
        here.ask(greedy, goes_alone(2), stop)
        here.ask(account(had=100), goes_alone(3))
        await here.settle()
        assert here.scheduler.share(stop, modest)
        here.maker.finish(0)
        await here.settle()
        assert here.maker.prompts(1)[0] == [2]
        assert (greedy.tokens, modest.tokens > 0) == (0, True)

    played(play)


def test_who_has_had_more_or_may_have_no_more_takes_over_no_output() -> None:
    async def play(here: Class) -> None:
        owner, stop = account(had=10), asyncio.Event()
        here.ask(owner, asked(), stop)
        await here.settle()
        assert not here.scheduler.share(stop, account(had=20))
        assert not here.scheduler.share(stop, account(tokens=1))

    played(play)


def test_a_long_answer_is_held_for_a_short_one_and_goes_on_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "SLICE_SECONDS", 0.0)

    async def play(here: Class) -> None:
        long = here.ask(account(), asked(1, max_new_tokens=4000))
        await here.settle()
        short = here.ask(account(), asked(2))
        await asyncio.sleep(0.02)
        steering = here.maker.steering(0)
        assert (here.maker.sizes, steering.held) == ([1, 1], True)
        here.maker.finish(1)
        await short
        await here.settle()
        assert not steering.held
        here.maker.finish(0)
        await long

    played(play)


def test_who_has_asked_for_far_more_does_not_even_run_beside_who_asks_for_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scheduler, "SLICE_SECONDS", 0.0)

    async def play(here: Class) -> None:
        long = here.ask(account(), asked(1, max_new_tokens=4000))
        await here.settle()
        short = here.ask(account(), asked(2, model="org/two"))
        another = here.ask(account(), asked(3, max_new_tokens=4000, num_beams=2))
        await here.settle()
        assert (here.maker.sizes, here.maker.steering(0).held) == ([1, 1], True)
        here.maker.finish(1)
        await short
        await here.settle()
        assert not here.maker.steering(0).held
        here.maker.finish(0)
        await long
        await here.settle()
        assert here.maker.prompts(2) == [[3]]
        here.maker.finish(2)
        await another

    played(play, slots=2)


def test_two_of_the_same_size_do_not_hold_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(here: Class) -> None:
        here.ask(account(), asked(1))
        await here.settle()
        here.ask(account(), asked(2, num_beams=2))
        await here.settle()
        assert (here.maker.sizes, here.maker.steering(0).held) == ([1], False)

    played(play)


@pytest.mark.parametrize(("outcome", "paid"), [("Cancelled", 0.0), (TOOK_TOO_LONG, 30.0)])
def test_what_takes_all_the_room_gives_it_to_who_asks_for_little_and_is_begun_anew(
    outcome: str, paid: float, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(scheduler, "MAX_BATCH_TOKENS", 4010)

    async def play(here: Class) -> None:
        whose = account()
        long = here.ask(whose, asked(1, max_new_tokens=4000))
        await here.settle()
        here.maker.steering(0).began = clock.now
        clock.now += 30
        short = here.ask(account(), asked(2))
        await here.settle()
        assert here.maker.steering(0).given_up == {0}
        here.maker.finish(0, [Failed(outcome, "", machine=False)])
        assert whose.seconds == pytest.approx(paid)
        await here.settle()
        here.maker.finish(1)
        assert await short == [[2, 9]]
        await here.settle()
        here.maker.finish(2)
        assert await long == [[1, 9]]

    played(play)


BEYOND = {
    "too many tokens at once": ((account(tokens=50), asked(max_new_tokens=60)), "refused"),
    "tokens that are left": ((account(tokens=63), asked(max_new_tokens=60)), "answered"),
    "no seconds left": ((account(seconds=5.0, had=5.0), asked()), "refused"),
}


@pytest.mark.parametrize("what", BEYOND)
def test_a_notebook_gets_what_it_may_have_and_no_more(what: str) -> None:
    (whose, make), due = BEYOND[what]

    async def play(here: Class) -> None:
        task = here.ask(whose, make)
        await here.settle()
        if due == "answered":
            here.maker.finish(0)
            assert await task == [[*PROMPT, 9]]
        else:
            with pytest.raises(BudgetSpent):
                await task
            assert here.maker.begun == []

    played(play)


def test_tokens_that_were_asked_for_and_not_made_are_given_back() -> None:
    async def play(here: Class) -> None:
        whose = account(tokens=100)
        for number in range(5):
            task = here.ask(whose, asked(max_new_tokens=60))
            await here.settle()
            here.maker.finish(number)
            await task
        assert whose.tokens == 5 * (len(PROMPT) + 1)

    played(play)


def test_a_notebook_whose_time_is_up_is_refused_while_others_of_its_batch_go_on() -> None:
    async def play(here: Class) -> None:
        first = here.ask(account(), asked(1))
        await here.settle()
        spent, other = here.ask(account(seconds=0.05), asked(2)), here.ask(account(), asked(3))
        with pytest.raises(BudgetSpent):
            await spent
        assert here.maker.steering(0).given_up == {1}
        here.maker.finish(0)
        assert await asyncio.gather(first, other) == [[[1, 9]], [[3, 9]]]

    played(play)


def test_the_time_of_a_batch_is_shared_by_its_notebooks() -> None:
    async def play(here: Class) -> None:
        one, two = account(), account()
        began = asyncio.get_running_loop().time()
        tasks = [here.ask(one, asked(1)), here.ask(two, asked(2))]
        await here.settle()
        await asyncio.sleep(0.02)
        here.maker.finish(0)
        await asyncio.gather(*tasks)
        assert min(one.seconds, two.seconds) > 0.005
        assert one.seconds + two.seconds <= asyncio.get_running_loop().time() - began

    played(play)


@pytest.mark.parametrize(("others", "due"), [(1, [30.0, 30.0]), (0, [60.0])])
def test_what_is_given_up_has_its_share_until_it_has_its_end(others: int, due: list[float], clock: Clock) -> None:
    async def play(here: Class) -> None:
        accounts = [account() for _ in range(1 + others)]
        tasks = [here.ask(whose, asked(n + 1), here.stop if n == 0 else None) for n, whose in enumerate(accounts)]
        await here.settle()
        here.maker.steering(0).began = clock.now
        clock.now += 60
        here.stop.set()
        await here.settle()
        assert [whose.seconds for whose in accounts] == pytest.approx(due)
        clock.now += 60
        here.maker.finish(0)
        await asyncio.gather(*tasks)
        assert [whose.seconds for whose in accounts] == pytest.approx([2 * each for each in due])

    played(play)


def test_what_a_batch_has_had_when_it_fails_is_counted(clock: Clock) -> None:
    async def play(here: Class) -> None:
        whose = account()
        task = here.ask(whose, asked(1))
        await here.settle()
        here.maker.steering(0).began = clock.now
        clock.now += 60
        here.maker.begun[0][1].set_exception(OSError("gone"))
        with pytest.raises(OSError, match="gone"):
            await task
        await here.settle()
        assert whose.seconds == pytest.approx(60)

    played(play)


# --- What goes wrong concerns one ---


def test_a_part_that_nobody_waits_for_is_given_up_and_the_others_go_on() -> None:
    async def play(here: Class) -> None:
        stop = asyncio.Event()
        gone, other = here.ask(account(), asked(1), stop), here.ask(account(), asked(2))
        await here.settle()
        stop.set()
        await here.settle()
        assert here.maker.steering(0).given_up == {0}
        here.maker.finish(0, [Failed("Cancelled", "nobody waits for it", machine=False), [[2, 9]]])
        assert await other == [[2, 9]]
        with pytest.raises(Failed, match="nobody"):
            await gone

    played(play)


def test_what_waits_and_is_given_up_is_never_begun() -> None:
    async def play(here: Class) -> None:
        here.ask(account(), goes_alone(1))
        await here.settle()
        stop = asyncio.Event()
        gone = here.ask(account(), asked(2), stop)
        await here.settle()
        stop.set()
        with pytest.raises(Failed, match="nobody waits"):
            await gone
        here.maker.finish(0)
        await here.settle()
        assert here.maker.sizes == [1]

    played(play)


def test_a_part_that_fails_costs_no_other_part_anything() -> None:
    async def play(here: Class) -> None:
        bad, good = here.ask(account(), asked(1)), here.ask(account(), asked(2))
        await here.settle()
        here.maker.finish(0, [Failed("ValueError", "no", machine=False), [[2, 9]]])
        assert await good == [[2, 9]]
        with pytest.raises(Failed, match="no"):
            await bad

    played(play)


def test_who_joined_a_batch_that_ends_without_them_is_told_so() -> None:
    async def play(here: Class) -> None:
        first = here.ask(account(), asked(1))
        await here.settle()
        second = here.ask(account(), asked(2))
        await here.settle()
        here.maker.answer(0, 0)
        here.maker.begun[0][1].set_result(None)
        assert await first == [[1, 9]]
        with pytest.raises(Failed, match="left this request out") as caught:
            await second
        assert caught.value.machine

    played(play)


def test_where_memory_runs_out_in_a_batch_each_part_is_tried_once_more_with_nothing_beside_it() -> None:
    async def play(here: Class) -> None:
        tasks = [here.ask(account(), asked(1)), here.ask(account(), asked(2))]
        await here.settle()
        here.maker.finish(0, [Failed("OutOfMemoryError", "", machine=True)] * 2)
        await here.settle()
        assert here.maker.sizes == [2, 1]
        here.maker.finish(1)
        await here.settle()
        here.maker.finish(2, [Failed("OutOfMemoryError", "", machine=True)])
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Failed", "list"]
        assert here.maker.sizes == [2, 1, 1]

    played(play, slots=2)
