"""What cannot be interrupted ends with the process that generates, and nobody else's answer changes."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from serving import ONE, TWO, FakeModels, Serving, ask, expected, make_home, request, said

from autograder.errors import HostLost
from autograder.host import orders
from autograder.host.failures import Failed
from autograder.host.maker import ENDED_IT, TOOK_TOO_LONG, Died, Making, Outcome, Steering, Worker, worker_command
from autograder.protocol import wire
from autograder.protocol.line import Line
from trials.models.tiny import TinyModel, make_model_home

WORKER = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from autograder.host import device, worker
from serving import FakeModels, answered

class Networks(FakeModels):
    def generate(self, asked, control, settle, begun):
        text = "".join(map(chr, next(iter(asked.parts.values())).rows[0]))
        marks = Path({marks!r})
        if text.startswith("end") or (marks / "nothing works").exists():
            begun()
            (marks / f"ended-{{len(list(marks.iterdir()))}}").touch()
            os._exit(1)
        if text.startswith("once") and not (marks / "once").exists():
            (marks / "once").touch()
            os._exit(1)
        if text.startswith("hang"):
            begun()
            (marks / "hangs").touch()
            time.sleep(1000)
        if text.startswith("slow") and not (marks / "slow").exists():
            begun()
            (marks / "slow").touch()
            time.sleep(1000)
        return super().generate(asked, control, settle, begun)

    def _make(self, asked, control, settle, arrived, begun):
        self._loaded[asked.model] = None
        begun()
        for number, part in asked.parts.items():
            control.step(number)
            settle(number, [answered(asked.model, row) for row in part.rows])

device.library_versions = lambda: {{"all": "1"}}
device.device_here = lambda: "cpu"
worker.serve(Networks(Path({home!r})))
"""


class Working(Serving):
    """A server with a worker of its own, which hangs, ends or is slow where a question begins with that word.

    It answers without torch, which takes two seconds to import.
    """

    def __init__(self, home: Path, marks: Path) -> None:
        self.marks = marks
        code = WORKER.format(tests=str(Path(__file__).parents[1]), home=str(home), marks=str(marks))
        self.worker = Worker([sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], patience=0.1)
        super().__init__(FakeModels(home), maker=self.worker, slots=4)

    def marked(self, name: str) -> bool:
        return any(path.name.startswith(name) for path in self.marks.iterdir())


@pytest.fixture
def working(tmp_path: Path) -> Iterator[Working]:
    (tmp_path / "marks").mkdir()
    with Working(make_home(tmp_path / "home"), tmp_path / "marks") as here:
        yield here


def sampled(text: str, model: str = ONE) -> wire.Generate:
    return request(text, model, do_sample=True, max_new_tokens=8)


def given_up(working: Working, visit: Any, asked: wire.Generate, mark: str) -> None:
    """Asks, and goes away when the worker is at it."""
    line = Line(visit.socket)

    def wait() -> None:
        with contextlib.suppress(HostLost):
            line.ask(asked)

    thread = threading.Thread(target=wait)
    thread.start()
    working.until(lambda: working.marked(mark))
    line._socket.shutdown(2)
    thread.join()
    line.close()


def test_a_worker_answers_as_threads_do(working: Working) -> None:
    visit = working.open()
    for asked in (request(), request("You", TWO)):
        assert said(ask(visit, asked), asked) == [expected(asked)]
    counts = working.host.status()
    assert (counts.generated, sorted(counts.loaded), working.worker.started) == (2, [ONE, TWO], 1)


def test_a_job_that_goes_on_after_it_was_given_up_ends_with_its_process_and_others_are_answered(
    working: Working,
) -> None:
    anna, bo = working.open("anna"), working.open("bo")
    before = said(ask(bo, sampled("Hello")), sampled("Hello"))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, bo, asked := request("slow"))
        working.until(lambda: working.marked("slow"))
        given_up(working, anna, request("hang", TWO), "hangs")  # in a batch of its own
        assert said(slow.result(), asked) == [expected(asked)]
    assert working.worker.started == 2
    assert [r.error for r in anna.transcript().requests] == [TOOK_TOO_LONG]
    assert [r.error for r in bo.transcript().requests] == [None, None]
    assert (anna.transcript().faults, bo.transcript().faults) == ((), ())
    other = working.open("carl")
    working.server.jobs.memory = type(working.server.jobs.memory)(None)
    assert said(ask(other, sampled("Hello")), sampled("Hello")) == before


def test_a_notebook_that_ended_a_worker_asks_no_more_and_is_told_why(working: Working) -> None:
    anna, bo = working.open("anna"), working.open("bo")
    given_up(working, anna, request("hang"), "hangs")
    working.until(lambda: len(anna.transcript().requests) == 1)
    reply = ask(anna, request())
    assert isinstance(reply, wire.Refused)
    assert (reply.name, "too long" in reply.message) == ("RuntimeError", True)
    assert said(ask(bo, request()), request()) == [expected(request())]


def test_a_request_that_ends_the_process_is_tried_twice_more_alone_and_costs_nobody_else(working: Working) -> None:
    anna, bo = working.open("anna"), working.open("bo")
    with ThreadPoolExecutor(4) as pool:
        ends = pool.submit(ask, anna, request("end", TWO))  # in a batch of its own, whoever comes first
        others = [(asked, pool.submit(ask, bo, asked)) for asked in (request(f"Question {n}") for n in range(6))]
        replies = [said(reply.result(), asked) == [expected(asked)] for asked, reply in others]
        reply = ends.result()
    assert replies == [True] * 6
    assert isinstance(reply, wire.Refused)
    assert len(list(working.marks.iterdir())) == 3
    assert (anna.transcript().faults, bo.transcript().faults) == ((), ())
    assert [r.error for r in anna.transcript().requests] == [ENDED_IT]
    assert said(ask(bo, request()), request()) == [expected(request())]


def test_a_notebook_whose_request_is_to_blame_for_the_end_of_the_process_ends_no_other(working: Working) -> None:
    anna = working.open("anna")
    ask(anna, request("end"))
    assert isinstance(ask(anna, request("end again")), wire.Refused)
    assert (anna.transcript().faults, len(list(working.marks.iterdir()))) == ((), 3)


def test_a_part_that_is_tried_alone_is_not_held_for_others(tmp_path: Path) -> None:
    (tmp_path / "marks").mkdir()
    worker = Working(make_home(tmp_path / "home"), tmp_path / "marks").worker
    row = [ord(letter) for letter in "once"]
    asked = orders.Make(model=ONE, parts={0: orders.Part(rows=[row], mask=[[1] * 4], settings={"max_new_tokens": 3})})

    async def make() -> list[Outcome]:
        outcomes: list[Outcome] = []
        steering = Steering(asked, lambda _, outcome: outcomes.append(outcome))
        steering.hold(True)
        await asyncio.wait_for(worker.make(steering), 60)
        await worker.end()
        return outcomes

    (outcome,) = asyncio.run(make())
    assert not isinstance(outcome, Failed)


@pytest.mark.parametrize(("overdue", "began"), [(False, None), (True, 5.0)])
def test_until_a_new_process_has_loaded_the_model_nobodys_time_is_counted(overdue: bool, began: float | None) -> None:
    asked = orders.Make(model=ONE, parts={0: orders.Part(rows=[[1]], mask=[[1]], settings={})})

    async def die() -> float | None:
        steering = Steering(asked, lambda *_: None)
        steering.began = 5.0
        making = Making(asyncio.get_running_loop().create_future(), steering, None, overdue=overdue)
        Worker([])._fail(making)
        with pytest.raises(Failed if overdue else Died):
            await making.future
        return steering.began

    assert asyncio.run(die()) == began


def test_a_machine_on_which_no_request_is_answered_any_more_is_the_machines_fault(working: Working) -> None:
    anna = working.open("anna")
    (working.marks / "nothing works").touch()
    assert isinstance(ask(anna, request("Hello")), wire.Refused)
    assert len(anna.transcript().faults) == 1


def test_a_worker_that_cannot_be_started_is_the_machines_fault(tmp_path: Path) -> None:
    with Serving(FakeModels(make_home(tmp_path)), maker=Worker([sys.executable, "-c", "0"])) as serving:
        visit = serving.open()
        assert isinstance(ask(visit, request()), wire.Refused)
        assert serving.host.status().lost <= 1
        assert serving.host.alive()


class GoneAtOnce(Worker):
    """A worker that is seen to be ready, and has ended before it can be told anything."""

    async def versions(self) -> dict[str, str]:
        found = await super().versions()
        assert self._reading is not None
        await self._reading
        return found


def test_a_worker_that_ends_as_soon_as_it_is_ready_keeps_nobody_waiting() -> None:
    code = (
        "import sys; from autograder.host import orders; from autograder.protocol import wire\n"
        "sys.stdout.buffer.write(wire.packed(orders.Ready(versions={})))"
    )
    asked = orders.Make(model=ONE, parts={0: orders.Part(rows=[[1]], mask=[[1]], settings={})})

    async def make() -> Outcome:
        worker, outcomes = GoneAtOnce([sys.executable, "-W", "ignore", "-c", code]), []
        await asyncio.wait_for(worker.make(Steering(asked, lambda _, outcome: outcomes.append(outcome))), 60)
        (outcome,) = outcomes
        return outcome

    failed = asyncio.run(make())
    assert isinstance(failed, Failed)
    assert "ends again and again" in str(failed)


def test_a_worker_that_is_killed_while_it_has_nothing_to_do_is_replaced(working: Working) -> None:
    visit, worker = working.open(), working.worker
    assert said(ask(visit, request("One")), request("One")) == [expected(request("One"))]
    assert worker._process is not None
    worker._process.kill()
    working.until(lambda: worker._process is None)
    assert said(ask(visit, request("Two")), request("Two")) == [expected(request("Two"))]
    assert (worker.started, visit.transcript().faults) == (2, ())


def test_parts_that_joined_a_batch_whose_process_is_killed_are_made_again_and_the_same(tmp_path: Path) -> None:
    make_model_home(tmp_path, {ONE: TinyModel("llama", False)})
    long = {"do_sample": True, "max_new_tokens": 400, "pad_token_id": 0}
    parts = {
        number: orders.Part(rows=[[5, 60 + number]], mask=[[1, 1]], settings={**long, **more}, seed=number)
        for number, more in enumerate([{}, {"temperature": 2.0}, {"max_new_tokens": 1}])
    }

    async def alone(worker: Worker, number: int) -> Outcome:
        made: list[Outcome] = []
        asked = orders.Make(model=ONE, parts={number: parts[number]})
        await worker.make(Steering(asked, lambda _, outcome: made.append(outcome)))
        return made[0]

    async def play() -> None:
        worker, made, short = Worker(worker_command(tmp_path, 1)), dict[int, Outcome](), asyncio.Event()

        def settled(number: int, outcome: Outcome) -> None:
            made[number] = outcome
            if number == 2 and worker._process is not None:  # it has joined, and the others go on
                worker._process.kill()
                short.set()

        steering = Steering(orders.Make(model=ONE, parts={0: parts[0]}, shared=True), settled)
        making = asyncio.create_task(worker.make(steering))
        steering.join(1, parts[1])
        steering.join(2, parts[2])
        await making
        assert short.is_set()
        assert (worker.started, list(made)) == (2, [2, 0, 1])
        assert made == {number: await alone(worker, number) for number in parts}
        await worker.end()

    asyncio.run(asyncio.wait_for(play(), 120))
