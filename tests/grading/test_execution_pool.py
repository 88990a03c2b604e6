"""Executing side by side: each code once, and nobody waits for somebody else's notebook."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from autograder.facts.evidence import Facts
from autograder.facts.transcript import Transcript
from autograder.facts.verdict import Incident
from autograder.grading.execution_pool import ExecutionPool, InLine, Pending, Run, notebooks_at_a_time, wait_for_one
from autograder.grading.executions import Execution
from autograder.grading.progress import Counted

WHOLE = Execution(outputs=(), counts=(), facts=Facts(evidence={}, transcript=Transcript(), in_grading=True))
CUT_SHORT = WHOLE.model_copy(update={"incidents": (Incident(kind="time", cell="ask"),)})


class Held:
    """A notebook whose execution ends when it is told to."""

    def __init__(self, outcome: Execution = WHOLE) -> None:
        self.go, self.times, self._outcome = threading.Event(), 0, outcome

    def __call__(self) -> Execution:
        self.go.wait(60)
        self.times += 1
        return self._outcome


@pytest.fixture
def pool() -> Iterator[ExecutionPool]:
    made = ExecutionPool(2)
    yield made
    made.end()


def ended(held: Held, *pending: Pending) -> list[Execution]:
    held.go.set()
    return [each.result() for each in pending]


def test_the_same_code_is_executed_once_while_the_first_is_still_running(pool: ExecutionPool) -> None:
    held = Held()
    first, second = pool.begin("key", held), pool.begin("key", held)
    executions = ended(held, first, second)
    assert held.times == 1
    assert [execution.again for execution in executions] == [False, True]


def test_code_without_a_key_is_executed_each_time(pool: ExecutionPool) -> None:
    held = Held()
    ended(held, pool.begin(None, held), pool.begin(None, held))
    assert held.times == 2


def test_whoever_waited_for_a_notebook_that_was_cut_short_is_executed_itself(pool: ExecutionPool) -> None:
    held = Held(CUT_SHORT)
    first, second = pool.begin("key", held), pool.begin("key", held)
    executions = ended(held, first, second)
    assert held.times == 2
    assert not any(execution.again for execution in executions)


def test_whoever_is_executed_after_all_holds_up_nobody_who_asks_whether_it_is_done(pool: ExecutionPool) -> None:
    held, again = Held(CUT_SHORT), Held()
    first, second = pool.begin("key", held), pool.begin("key", again)
    held.go.set()
    first.result()
    assert not second.done()
    again.go.set()
    assert second.result() == WHOLE


def test_what_the_first_raises_is_raised_to_whoever_waited_for_it(pool: ExecutionPool) -> None:
    go = threading.Event()

    def fails() -> Execution:
        go.wait(60)
        raise RuntimeError("no host")

    first, second = pool.begin("key", fails), pool.begin("key", fails)
    go.set()
    for pending in (first, second):
        with pytest.raises(RuntimeError, match="no host"):
            pending.result()


def test_what_is_executed_has_been_rehearsed(pool: ExecutionPool) -> None:
    done: list[str] = []

    def run() -> Execution:
        done.append("executed")
        return WHOLE

    pool.begin("key", run, rehearse=lambda: done.append("rehearsed")).result()
    assert done == ["rehearsed", "executed"]


def test_what_waits_for_another_with_the_same_code_is_not_rehearsed(pool: ExecutionPool) -> None:
    held, rehearsed = Held(), []
    pending = [pool.begin("key", held, rehearse=lambda: rehearsed.append(1)) for _ in range(3)]
    ended(held, *pending)
    assert len(rehearsed) == 1


def test_what_executing_raises_is_raised_to_whoever_wants_the_outcome(pool: ExecutionPool) -> None:
    def fails() -> Execution:
        raise RuntimeError("no host")

    with pytest.raises(RuntimeError, match="no host"):
        pool.begin("key", fails).result()


def test_waiting_ends_with_the_first_that_is_done_whichever_was_begun_first(pool: ExecutionPool) -> None:
    slow, fast = Held(), Held()
    pending = [pool.begin("slow", slow), pool.begin("fast", fast)]
    fast.go.set()
    wait_for_one(pending)
    assert [each.done() for each in pending] == [False, True]
    slow.go.set()


def test_more_is_wanted_until_each_thread_has_a_notebook_and_some_to_choose_from(pool: ExecutionPool) -> None:
    held, wanted = Held(), []
    for number in range(9):
        wanted.append(pool.wants_more)
        pool.begin(f"{number}", held)
    assert wanted == [True] * 8 + [False]
    held.go.set()


def test_of_what_waits_notebooks_of_one_name_go_together() -> None:
    pool, held, done = ExecutionPool(1), Held(), []

    def named(name: str) -> Run:
        return lambda: (done.append(name), held())[1]  # type: ignore[func-returns-value]

    first = pool.begin("first", held)
    pending = [pool.begin(f"{name}{n}", named(name), name) for n in range(2) for name in ("chatbot", "temperature")]
    held.go.set()
    for each in [first, *pending]:
        each.result()
    assert done == ["chatbot", "chatbot", "temperature", "temperature"]
    pool.end()


def test_what_waits_when_the_pool_ends_is_never_run() -> None:
    pool, held = ExecutionPool(1), Held()
    first, second = pool.begin("first", held), pool.begin("second", held)
    ending = threading.Thread(target=pool.end)
    ending.start()
    wait_for_one([second])
    held.go.set()
    ending.join()
    assert (first.done(), second.cancelled()) == (True, True)
    with pytest.raises(RuntimeError):
        pool.begin("third", held)


def test_as_many_notebooks_run_side_by_side_as_memory_and_cores_can_bear(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_a_time(available: float, limit: float, cores: int) -> int:
        monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=int(available * 10**9)))
        monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)), raising=False)
        return notebooks_at_a_time(int(limit * 10**9))

    assert [at_a_time(24, 12, 2), at_a_time(128, 12, 16), at_a_time(17.4, 12, 8), at_a_time(4, 12, 8)] == [
        16,
        128,
        8,
        2,
    ]


def test_a_notebook_that_waits_for_another_takes_nobodys_place(pool: ExecutionPool) -> None:
    held = Held()
    for _ in range(10):
        pool.begin("key", held)
    assert pool.wants_more
    held.go.set()


def test_it_is_told_how_many_wait_run_and_are_done() -> None:
    told: list[Counted] = []
    pool, first, second = ExecutionPool(1, told.append), Held(), Held()
    both = pool.begin(None, first), pool.begin(None, second)
    second.go.set()
    ended(first, *both)
    pool.end()
    assert told[-1] == Counted(waiting=0, running=0, done=2)
    assert Counted(waiting=1, running=0, done=1) in told
    assert all(each.running <= 1 for each in told)


def test_in_line_a_notebook_is_executed_in_the_thread_that_begins_it() -> None:
    threads: list[threading.Thread] = []

    def run() -> Execution:
        threads.append(threading.current_thread())
        return WHOLE

    assert InLine().begin("key", run).result(0) == WHOLE
    assert threads == [threading.current_thread()]
