"""The model host: each answer is generated once, remembered exactly, and written down with where it was asked."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from serving import (
    ONE,
    THREE,
    TWO,
    VOCABULARY,
    FakeModels,
    Letters,
    Network,
    Serving,
    ask,
    expected,
    make_home,
    request,
    said,
)

from autograder.course.profile import Profile
from autograder.errors import HostLost
from autograder.facts.evidence import Facts
from autograder.facts.transcript import CANNED, FOR_CHECKS, MAX_REQUESTS
from autograder.host import frames, notebooks, orders
from autograder.host.control import Host, NotebookSession, memory_folder, runtime_folder, server_command, socket_of
from autograder.host.generation import Control
from autograder.host.memory import Memory
from autograder.host.models import Models, Weights
from autograder.judging.contract import task_of
from autograder.judging.judge import judge
from autograder.protocol import wire
from autograder.protocol.line import Line
from autograder.system.disk_cache import DiskCache
from trials.models.tiny import TinyModel, make_model_home

SAMPLED = {"do_sample": True, "max_new_tokens": 8}


class OutOfMemoryError(Exception):
    """Named as torch's."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "models", (ONE, TWO, THREE))


@pytest.fixture
def serving(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    monkeypatch.setattr(frames, "BEYOND_SECONDS", 0.0)
    with Serving(FakeModels(home)) as here:
        yield here


class Gate:
    """Holds a network's first call until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, calls: int) -> None:
        self.reached.set()
        self.opened.wait(60)  # for good, but for a test that has failed


def in_thread(call: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    made: list[Any] = []
    thread = threading.Thread(target=lambda: made.append(call()))
    thread.start()
    return thread, made


def words(visit: NotebookSession, asked: wire.Generate) -> str:
    return said(ask(visit, asked), asked)[0]


# --- Once ---


def test_equal_requests_in_flight_are_generated_once(home: Path) -> None:
    gate, asked = Gate(), request()
    with Serving(FakeModels(home, gate)) as serving:
        first, second = serving.open("anna"), serving.open("bo")
        one, answers = in_thread(lambda: words(first, asked))
        gate.reached.wait()
        two, more = in_thread(lambda: words(second, asked))
        serving.until(lambda: sum(job.waiting for job in serving.server.jobs.running.values()) == 2)
        gate.opened.set()
        one.join()
        two.join()
        counts = serving.host.status()
        assert answers + more == [expected(asked)] * 2
        assert (counts.generated, counts.remembered) == (1, 0)
        assert [len(visit.transcript().requests) for visit in (first, second)] == [1, 1]


def test_what_a_rehearsal_asks_is_answered_at_once_and_made_for_whoever_asks_it_later(home: Path) -> None:
    gate, asked = Gate(), request()
    with Serving(FakeModels(home, gate)) as serving:
        rehearsal = serving.open("anna", rehearsal=True)
        assert words(rehearsal, asked) != expected(asked)
        rehearsal.close()
        gate.reached.wait()
        gate.opened.set()
        assert words(serving.open("anna"), asked) == expected(asked)
        assert serving.host.status().generated == 1


@pytest.mark.parametrize("name", ["check", "budget"])
def test_a_rehearsal_has_nothing_made_for_a_check_or_beyond_its_budget(serving: Serving, name: str) -> None:
    rehearsal = serving.open(rehearsal=True, host_tokens=1 if name == "budget" else 100_000)
    rehearsal.challenge("check-chain" if name == "check" else None)
    ask(rehearsal, request())
    rehearsal.close()
    serving.until(lambda: not serving.server.jobs.running)
    assert serving.host.status().generated == 0


def test_a_request_made_again_is_answered_from_memory(serving: Serving) -> None:
    answers = [words(serving.open(), request()) for _ in range(3)]
    counts = serving.host.status()
    assert answers == [expected(request())] * 3
    assert (counts.generated, counts.remembered, counts.tokens) == (1, 2, 3)


OTHERS = {
    "another text": request("Ahoi"),
    "another model": request(model=TWO),
    "another setting": request(max_new_tokens=3),
    "two rows": request(copies=2),
    "another mask": request().model_copy(update={"mask": [[0, 1, 1, 1]]}),
    "a tokenizer": request().model_copy(update={"tokenizer": True}),
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_request_is_generated_anew(serving: Serving, other: str) -> None:
    visit = serving.open()
    ask(visit, request())
    ask(visit, OTHERS[other])
    assert serving.host.status().generated == 2


def test_whether_it_is_streamed_changes_no_answer(serving: Serving) -> None:
    visit = serving.open()
    ask(visit, request())
    ask(visit, request().model_copy(update={"streamed": True}))
    assert serving.host.status().generated == 1
    assert [r.streamed for r in visit.transcript().requests] == [False, True]


# --- Seeds ---


def test_a_sampled_request_made_again_by_a_notebook_gives_another_output(serving: Serving) -> None:
    visit = serving.open()
    assert len({words(visit, request(**SAMPLED)) for _ in range(4)}) == 4


def test_a_greedy_request_made_again_gives_the_same_output(serving: Serving) -> None:
    visit = serving.open()
    assert len({words(visit, request()) for _ in range(3)}) == 1


def test_another_notebook_and_a_regrade_get_the_same_outputs_again(home: Path) -> None:
    seen = []
    for _ in range(2):
        with Serving(FakeModels(home)) as serving:
            for label in ("anna", "bo"):
                visit = serving.open(label)
                seen.append([words(visit, request(text, **SAMPLED)) for text in ("Ahoy", "You", "Ahoy")])
    assert seen == [seen[0]] * 4


def test_the_run_goes_into_every_seed(serving: Serving) -> None:
    assert len({words(serving.open(run=run), request(**SAMPLED)) for run in ("", "1", "2")}) == 3


def test_the_notebooks_own_seed_is_honoured(serving: Serving) -> None:
    import torch

    asked = request(**SAMPLED).model_copy(update={"seed": 42})
    answers = [words(serving.open(run=run), asked) for run in ("", "1")]
    torch.manual_seed(42)
    letters = torch.zeros(VOCABULARY)
    letters[97:123] = 1.0
    drawn = [int(torch.multinomial(letters, 1)) for _ in range(8)]
    assert answers == [Letters().decode(drawn)] * 2


def test_the_notebooks_own_seed_gives_the_same_output_as_often_as_it_is_set(serving: Serving) -> None:
    visit, asked = serving.open(), request(**SAMPLED).model_copy(update={"seed": 42})
    assert len({words(visit, asked) for _ in range(3)}) == 1


# --- Remembered on disk ---


def serve_once(home: Path, folder: Path, **settings: Any) -> tuple[str, wire.Counts]:
    with Serving(FakeModels(home), Memory(DiskCache(folder))) as serving:
        answer = words(serving.open(**settings), request())
        return answer, serving.host.status()


def test_remembered_answers_survive_a_restart(home: Path, tmp_path: Path) -> None:
    before, _ = serve_once(home, tmp_path / "cache")
    after, counts = serve_once(home, tmp_path / "cache")
    assert after == before
    assert (counts.generated, counts.remembered, counts.loaded) == (0, 1, [])


@pytest.mark.parametrize("damage", [b"", b"x", b"[[1,2,3]]"], ids=["empty", "foreign", "unsealed"])
def test_a_damaged_answer_is_generated_again(home: Path, tmp_path: Path, damage: bytes) -> None:
    before, _ = serve_once(home, tmp_path / "cache")
    (path,) = (tmp_path / "cache").rglob("*.json")
    path.write_bytes(damage)
    after, counts = serve_once(home, tmp_path / "cache")
    again, recalled = serve_once(home, tmp_path / "cache")
    assert [after, again] == [before] * 2
    assert (counts.generated, recalled.generated) == (1, 0)


def test_other_weights_make_every_answer_forgotten(home: Path, tmp_path: Path) -> None:
    serve_once(home, tmp_path / "cache")
    (weights,) = (home / "hub" / "models--org--one").rglob("*.safetensors")
    weights.write_bytes(b"other")
    assert serve_once(home, tmp_path / "cache")[1].generated == 1


def test_verify_generates_again_and_finds_no_difference(home: Path, tmp_path: Path) -> None:
    serve_once(home, tmp_path / "cache")
    _, counts = serve_once(home, tmp_path / "cache", verify=True)
    assert (counts.generated, counts.remembered, counts.differing) == (1, 0, 0)


@pytest.mark.parametrize("rounding", [True, False])
def test_verify_counts_an_answer_that_comes_out_otherwise(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rounding: bool
) -> None:
    monkeypatch.setattr("autograder.host.models.by_rounding", lambda *_: rounding)
    right, _ = serve_once(home, tmp_path / "cache")
    (path,) = (tmp_path / "cache").rglob("*.json")
    Memory(DiskCache(tmp_path / "cache")).put(path.stem, [[*request().rows[0], 65, 65, 65]])
    remembered, _ = serve_once(home, tmp_path / "cache")
    verified, counts = serve_once(home, tmp_path / "cache", verify=True)
    assert [remembered, verified] == ["AAA", right]
    assert (counts.differing, counts.rounded) == (int(not rounding), int(rounding))


# --- Prompts that are too long ---


@pytest.mark.parametrize(("language", "word"), [("nb", "Gjør den kortere"), ("en", "Make it shorter")])
def test_prompts_beyond_the_limit_are_refused_in_words_before_anything_is_read(
    serving: Serving, language: str, word: str
) -> None:
    visit = serving.open(prompt_tokens=12, language=language)
    reply = ask(visit, request("Ahoy", copies=4))
    assert isinstance(reply, wire.Refused)
    assert reply.name == "ValueError"
    assert all(part in reply.message for part in (word, "16", "12"))
    transcript = visit.transcript()
    assert ([r.error for r in transcript.requests], transcript.faults) == ([wire.TOO_LONG] * 4, ())
    assert (serving.host.status().generated, serving.host.status().lost) == (0, 0)


def test_prompts_up_to_the_limit_are_answered_and_it_is_each_notebooks_own(serving: Serving) -> None:
    asked = request("Ahoy", copies=3)
    assert said(ask(serving.open(prompt_tokens=12), asked), asked) == [expected(asked)] * 3
    assert isinstance(ask(serving.open(prompt_tokens=11), asked), wire.Refused)
    assert isinstance(ask(serving.open(prompt_tokens=12), asked), wire.Answer)


def test_a_checks_own_question_is_answered_however_long_it_is(serving: Serving) -> None:
    visit = serving.open(prompt_tokens=2)
    visit.challenge("check-chain")
    assert isinstance(ask(visit, request("Ahoy")), wire.Answer)


# --- Memory that runs out, and other failures ---


def loading(home: Path, fails: Callable[[str, int], Exception | None]) -> FakeModels:
    """Models whose loading fails where `fails`, asked with the name and how often anything has been loaded, says so."""
    models = FakeModels(home)

    def load(snapshot: Path, device: str) -> Any:
        error = fails(snapshot.parents[1].name.removeprefix("models--").replace("--", "/"), len(models.asked_for))
        if error is not None:
            models.asked_for.append(snapshot)
            raise error
        return models.load_fake(snapshot, device)

    models._load = load
    return models


def generating(home: Path, error: Exception, times: int = 10**9) -> FakeModels:
    """Models whose `generate` fails so many times."""
    left = [times]

    def begin(_: int) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise error

    return FakeModels(home, begin)


def test_a_model_stays_loaded(serving: Serving) -> None:
    visit = serving.open()
    for text in ("a", "b"):
        for model in (ONE, TWO):
            ask(visit, request(text, model))
    counts = serving.host.status()
    assert (sorted(counts.loaded), counts.dropped) == ([ONE, TWO], 0)


def test_where_loading_runs_out_of_memory_the_model_used_longest_ago_is_dropped(home: Path) -> None:
    models = loading(home, lambda name, count: OutOfMemoryError() if (name, count) == (THREE, 2) else None)
    with Serving(models) as serving:
        visit = serving.open()
        for text, model in (("a", ONE), ("a", TWO), ("b", ONE), ("a", THREE)):
            assert words(visit, asked := request(text, model)) == expected(asked)
        counts = serving.host.status()
        assert (counts.loaded, counts.dropped, counts.lost) == ([ONE, THREE], 1, 0)
        assert visit.transcript().faults == ()


def test_where_generating_runs_out_of_memory_others_are_dropped_and_it_is_tried_again(home: Path) -> None:
    with Serving(generating(home, OutOfMemoryError(), times=0)) as serving:
        visit = serving.open()
        ask(visit, request(model=ONE))
        serving.server.models.networks[ONE].begin = None  # type: ignore[attr-defined]
        serving.server.models.begin = lambda calls: (_ for _ in ()).throw(OutOfMemoryError()) if calls == 1 else None  # type: ignore[attr-defined]
        assert words(visit, asked := request(model=TWO)) == expected(asked)
        counts = serving.host.status()
        assert (counts.loaded, counts.dropped) == ([TWO], 1)


class Together:
    """Counts how many networks generate at a time; each waits for the other, or until it is told not to."""

    def __init__(self, wait: bool) -> None:
        self.now, self.most, self._lock = 0, 0, threading.Lock()
        self._barrier = threading.Barrier(2) if wait else None

    def __call__(self, calls: int) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        if self._barrier is not None:
            self._barrier.wait(60)
        with self._lock:
            self.now -= 1


def both_at_once(home: Path, together: Together, device: str = "cpu") -> int:
    """Two kernels ask two models, and two threads generate; answers how many did at a time."""
    with Serving(FakeModels(home, together, device=device), slots=2) as serving:
        asked = [in_thread(lambda m=model: words(serving.open(), request(model=m))) for model in (ONE, TWO)]  # type: ignore[misc]
        for thread, _ in asked:
            thread.join()
        assert [answers for _, answers in asked] == [[expected(request(model=model))] for model in (ONE, TWO)]
    return together.most


def test_on_a_processor_two_notebooks_are_generated_for_at_a_time(home: Path) -> None:
    assert both_at_once(home, Together(wait=True)) == 2


def test_a_gpu_generates_for_one_notebook_at_a_time(home: Path) -> None:
    assert both_at_once(home, Together(wait=False), device="cuda") == 1


def test_where_memory_runs_out_beside_others_it_is_tried_again_when_they_are_done(home: Path) -> None:
    gate, calls = Gate(), []

    def begin(call: int) -> None:
        if len(calls) == 0:  # the first request, which takes the memory
            calls.append("first")
            gate(call)
            calls.append("first is done")
        elif "first is done" not in calls:
            calls.append("no memory")
            raise OutOfMemoryError
        else:
            calls.append("again")

    with Serving(FakeModels(home, begin), slots=2) as serving:
        first, _ = in_thread(lambda: words(serving.open(), request("a")))
        gate.reached.wait()
        second, answers = in_thread(lambda: words(serving.open(), request("b", num_beams=2)))  # it shares no batch
        serving.until(lambda: "no memory" in calls)
        gate.opened.set()
        first.join()
        second.join()
        lost = serving.host.status().lost
    assert calls == ["first", "no memory", "first is done", "again"]
    assert (answers, lost) == ([expected(request("b"))], 0)


def test_where_too_little_memory_is_free_models_are_dropped_before_one_is_loaded(tmp_path: Path) -> None:
    home = make_home(tmp_path, (ONE, TWO, THREE), weights=100)
    models = FakeModels(home, free_bytes=lambda device: 300 - 100 * len(models.loaded()))
    with Serving(models) as serving:
        visit = serving.open()
        for model in (ONE, TWO, THREE):
            assert words(visit, asked := request(model=model)) == expected(asked)
        counts = serving.host.status()
        assert (counts.loaded, counts.dropped) == ([TWO, THREE], 1)


MACHINE = {
    "memory runs out while loading": lambda home: loading(home, lambda *_: OutOfMemoryError("no memory")),
    "memory runs out while generating": lambda home: generating(home, OutOfMemoryError("no memory")),
    "memory of the processor runs out": lambda home: generating(home, RuntimeError("can't allocate memory")),
    "the model does not fit": lambda home: FakeModels(home, free_bytes=lambda device: 1),
    "the files are damaged": lambda home: loading(home, lambda *_: ValueError("a header is too large")),
    "the files cannot be read": lambda home: loading(home, lambda *_: PermissionError("no")),
    "the libraries do not know the model": lambda home: loading(home, lambda *_: KeyError("gemma9")),
    "we made a mistake": lambda home: generating(home, AssertionError("ours")),
}


@pytest.mark.parametrize("what", MACHINE)
def test_where_the_machine_fails_nothing_is_judged(home: Path, llama: Profile, what: str) -> None:
    with Serving(MACHINE[what](home)) as serving:
        visit = serving.open()
        reply = ask(visit, request())
        transcript = visit.transcript()
        lost = serving.host.status().lost
    assert isinstance(reply, wire.Refused)
    assert [r.error for r in transcript.requests] == [reply.name]
    assert (len(transcript.faults), lost) == (1, 1)
    task = task_of("check-load-model", llama)
    assert task is not None
    assert judge(task, Facts(evidence={}, transcript=transcript, in_grading=True), llama).state == "not judged"


KERNELS = [
    ValueError("`temperature` has to be positive"), TypeError("no"), RuntimeError("probability tensor contains nan"),
    IndexError("out of range"), OverflowError("too large"), ZeroDivisionError("by zero"), ValueError("cannot allocate memory"),
]  # fmt: skip


@pytest.mark.parametrize("error", KERNELS, ids=repr)
def test_an_error_that_the_request_caused_is_told_and_noted_and_is_no_fault(home: Path, error: Exception) -> None:
    with Serving(generating(home, error)) as serving:
        visit = serving.open()
        reply = ask(visit, request())
        transcript = visit.transcript()
        assert reply == wire.Refused(name=type(error).__name__, message=str(error), numbers=[0])
        assert [r.error for r in transcript.requests] == [type(error).__name__]
        assert (transcript.faults, serving.host.status().lost) == ((), 0)


def test_after_a_failure_the_host_goes_on(home: Path) -> None:
    with Serving(generating(home, OutOfMemoryError(), times=1)) as serving:
        ask(serving.open("anna"), request())
        assert words(serving.open("bo"), request()) == expected(request())


# --- Transcripts ---


def test_a_challenge_is_answered_without_generating_and_noted_under_the_checks_id(serving: Serving) -> None:
    visit = serving.open()
    ask(visit, request("Before"))
    seen = visit.challenge("check-chain")
    answer = words(visit, request("A question"))
    visit.challenge(None)
    ask(visit, request("After"))
    requests = visit.transcript().requests
    assert (seen, answer) == (1, CANNED)
    assert [(r.number, r.text, r.challenge) for r in requests] == [
        (0, "Before", None), (1, "A question", "check-chain"), (2, "After", None),
    ]  # fmt: skip
    assert requests[1].outputs == (CANNED,)
    assert serving.host.status().generated == 2


def test_a_challenge_keeps_to_the_limit_and_the_copies_that_were_asked_for(serving: Serving) -> None:
    visit = serving.open()
    visit.challenge("check-chain")
    asked = request(copies=2, max_new_tokens=7, num_return_sequences=3)
    assert said(ask(visit, asked), asked) == [CANNED[:7]] * 6
    assert [r.outputs for r in visit.transcript().requests] == [(CANNED[:7],) * 3] * 2


def test_a_note_under_a_challenge_belongs_to_the_check(serving: Serving) -> None:
    visit = serving.open()
    visit.challenge("check-chain")
    assert ask(visit, wire.Note(model=ONE, rows=[[65]], settings={})) == wire.Noted(numbers=[0])
    assert [r.challenge for r in visit.transcript().requests] == ["check-chain"]


def test_cells_are_those_that_the_grader_told(serving: Serving) -> None:
    visit = serving.open()
    for cell in ("one", "two", None):
        visit.cell(cell)
        ask(visit, request(str(cell)))
    assert [(r.text, r.cell) for r in visit.transcript().requests] == [("one", "one"), ("two", "two"), ("None", None)]


def test_a_request_belongs_to_the_cell_in_which_it_was_asked_however_long_it_takes(home: Path) -> None:
    gate = Gate()
    with Serving(FakeModels(home, gate)) as serving:
        visit = serving.open()
        visit.cell("early")
        thread, answers = in_thread(lambda: words(visit, request()))
        gate.reached.wait()
        visit.cell("late")
        visit.challenge("check-chain")
        gate.opened.set()
        thread.join()
        assert answers == [expected(request())]
        assert [(r.cell, r.challenge) for r in visit.transcript().requests] == [("early", None)]


def test_two_notebooks_do_not_see_each_other(serving: Serving) -> None:
    one, two = serving.open("anna"), serving.open("bo")
    one.challenge("check-chain")
    ask(one, request("anna"))
    ask(two, request("bo"))
    assert [[(r.text, r.challenge) for r in visit.transcript().requests] for visit in (one, two)] == [
        [("anna", "check-chain")], [("bo", None)],
    ]  # fmt: skip


def test_what_is_noted_is_all_that_was_said(serving: Serving) -> None:
    visit = serving.open()
    settings = {"do_sample": True, "num_return_sequences": 2}
    asked = wire.Generate(model=ONE, rows=[[0, 65, 66], [67, 68, 69]], mask=[[0, 1, 1], [1, 1, 1]], settings=settings)
    answer = ask(visit, asked)
    assert isinstance(answer, wire.Answer)
    requests = visit.transcript().requests
    assert answer.numbers == [0, 1]
    assert [(r.text, r.token_ids) for r in requests] == [("AB", (65, 66)), ("CDE", (67, 68, 69))]
    assert [list(r.output_ids) for r in requests] == [
        [tuple(row[3:]) for row in answer.sequences[:2]], [tuple(row[3:]) for row in answer.sequences[2:]],
    ]  # fmt: skip
    assert [r.settings for r in requests] == [settings] * 2


def test_a_request_generated_in_the_kernel_is_noted_with_its_output(serving: Serving) -> None:
    visit = serving.open()
    ask(visit, wire.Note(model=ONE, rows=[[65]], settings={"x": 1}, outputs=[[[66, 67]]], streamed=True, error="E"))
    (noted,) = visit.transcript().requests
    assert (noted.text, noted.outputs, noted.settings, noted.streamed, noted.error) == (
        "A",
        ("BC",),
        {"x": 1},
        True,
        "E",
    )


def fill(visit: NotebookSession, model: str = ONE) -> int:
    """Notes as much as is taken, and answers how much that was."""
    many, one = wire.Note(model=model, rows=[[65]] * 64, settings={}), wire.Note(model=model, rows=[[65]], settings={})
    while ask(visit, many).kind == "noted":
        pass
    while ask(visit, one).kind == "noted":
        pass
    return len(visit.transcript().requests)


def test_a_notebook_can_ask_so_much_and_checks_still_have_room(serving: Serving) -> None:
    visit = serving.open()
    own = fill(visit)
    refused = ask(visit, request())
    visit.challenge("check-chain")
    answer, everything = words(visit, request()), fill(visit)
    transcript = visit.transcript()
    assert (own, everything) == (MAX_REQUESTS - FOR_CHECKS, MAX_REQUESTS)
    assert isinstance(refused, wire.Refused)
    assert "more than" in refused.message
    assert (answer, transcript.complete, serving.host.status().generated) == (CANNED, False, 0)


def test_a_notebook_whose_tokens_are_too_many_still_has_room_for_checks(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebooks, "MAX_STORED_TOKENS", 1000)
    monkeypatch.setattr(notebooks, "FOR_CHECKS_TOKENS", 500)
    visit = serving.open()
    own = [ask(visit, wire.Note(model=ONE, rows=[[65] * 200], settings={})).kind for _ in range(3)]
    visit.challenge("check-chain")
    answer = ask(visit, request())
    assert (own, answer.kind) == (["noted", "noted", "refused"], "answer")


def test_a_notebook_that_asked_too_much_does_not_touch_another(serving: Serving) -> None:
    fill(serving.open("anna"))
    other = serving.open("bo")
    assert words(other, request()) == expected(request())
    assert other.transcript().complete


def test_a_closed_notebook_is_unknown_and_its_socket_is_gone(serving: Serving) -> None:
    visit = serving.open()
    visit.close()
    with pytest.raises(HostLost, match="no notebook"):
        serving.host.ask(wire.Read(notebook=visit._id))
    with pytest.raises(HostLost, match="closed"):
        visit.transcript()
    with pytest.raises(HostLost, match="does not answer"):
        Line(visit.socket)


def test_the_host_tells_where_the_models_are(serving: Serving, home: Path) -> None:
    snapshots = {
        name: str(home / "hub" / f"models--{name.replace('/', '--')}" / "snapshots" / "abc") for name in (ONE, TWO)
    }
    assert snapshots.items() <= serving.open().models.items()


@pytest.mark.parametrize(
    "body", [b"[" + b"1," * 1000 + b"1]", wire.packed(request(model="not/there"))[8:]], ids=["none", "refused"]
)
def test_of_a_kernel_that_sends_without_end_no_more_is_read(
    body: bytes, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebooks, "MAX_HEARD", 10 * notebooks.PER_FRAME)
    read = list[bytes]()
    parsed = wire.parsed
    monkeypatch.setattr(wire, "parsed", lambda kind, frame: read.append(frame) or parsed(kind, frame))
    visit, other = serving.open("anna"), serving.open("bo")
    for _ in range(30):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(visit.socket)
            line.sendall(wire.HEADER.pack(len(body), 1) + body)
            line.recv(1000)
    assert 2 <= read.count(body) <= 10
    assert words(other, request()) == expected(request())


# --- A kernel that goes away ---


def begun(visit: NotebookSession, asked: wire.Generate, gate: Gate) -> socket.socket:
    """A connection on which a request is being generated."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(visit.socket)
    line.sendall(wire.packed(asked))
    gate.reached.wait()
    return line


def test_a_job_stops_when_the_kernel_goes_away_and_the_host_goes_on(home: Path) -> None:
    gate, asked = Gate(), request(max_new_tokens=40)
    with Serving(FakeModels(home, gate)) as serving:
        visit, other = serving.open("anna"), serving.open("bo")
        line = begun(visit, asked, gate)
        (job,) = serving.server.jobs.running.values()
        line.close()
        serving.until(lambda: job.stop.is_set() and serving._threads.given_up == {0})
        gate.opened.set()
        serving.until(lambda: visit.transcript().requests != ())
        assert [r.error for r in visit.transcript().requests] == ["ConnectionResetError"]
        assert getattr(job.future.exception(), "name", "") == "Cancelled"
        assert serving.host.status().generated == 0
        assert words(other, asked) == expected(asked, 40)
        assert (visit.transcript().faults, serving.host.status().lost) == ((), 0)


def test_what_waits_to_be_generated_for_a_kernel_that_is_gone_is_never_begun(home: Path) -> None:
    gate = Gate()
    with Serving(models := FakeModels(home, gate)) as serving:
        visit, other = serving.open("anna"), serving.open("bo")
        busy, answers = in_thread(lambda: words(other, request()))
        gate.reached.wait()
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(visit.socket)
            line.sendall(wire.packed(request("Later", TWO)))
            serving.until(lambda: len(serving.server.jobs.running) == 2)
        serving.until(lambda: len(serving.server.jobs.running) == 1)
        gate.opened.set()
        busy.join()
        serving.until(lambda: not serving.server.jobs.running)
        assert (answers, list(models.networks)) == ([expected(request())], [ONE])


def test_a_job_goes_on_when_one_of_two_goes_away(home: Path) -> None:
    gate, asked = Gate(), request()
    with Serving(FakeModels(home, gate)) as serving:
        visit, other = serving.open("anna"), serving.open("bo")
        line = begun(visit, asked, gate)
        thread, answers = in_thread(lambda: words(other, asked))
        serving.until(lambda: sum(job.waiting for job in serving.server.jobs.running.values()) == 2)
        line.close()
        serving.until(lambda: sum(job.waiting for job in serving.server.jobs.running.values()) == 1)
        gate.opened.set()
        thread.join()
        assert answers == [expected(asked)]
        assert serving.host.status().generated == 1


def test_a_host_that_ends_while_it_generates_does_not_wait_for_that(home: Path) -> None:
    gate = Gate()
    with Serving(FakeModels(home, gate)) as serving:
        line = begun(serving.open(), request(), gate)
        serving.host.stop()
        serving._thread.join()
        line.close()
        gate.opened.set()


def test_a_notebook_closed_while_it_waits_costs_nobody_anything(home: Path) -> None:
    gate = Gate()
    with Serving(FakeModels(home, gate)) as serving:
        visit = serving.open("anna")
        line = begun(visit, request(), gate)
        visit.close()
        gate.opened.set()
        serving.until(lambda: not serving.server.jobs.running)
        line.close()
        assert words(serving.open("bo"), request("You")) == expected(request("You"))


# --- Echo ---


def test_an_echo_asks_no_model_and_says_so(serving: Serving) -> None:
    answer = words(serving.open(echo=True), request())
    counts = serving.host.status()
    assert "no model was asked" in answer
    assert (counts.generated, counts.echoed, counts.loaded) == (0, 1, [])


def test_echoes_differ_between_requests_and_are_equal_for_equal_greedy_ones(serving: Serving) -> None:
    asked = [request(), request("You"), request(model=TWO), request(repetition_penalty=2.0)]
    first, second = ([words(serving.open(echo=True), each) for each in asked] for _ in range(2))
    assert len(set(first)) == 4
    assert first == second


def test_echoes_of_a_sampled_request_differ_and_are_the_same_on_a_regrade(serving: Serving) -> None:
    first, second = (
        [words(visit, request(do_sample=True)) for _ in range(3)]
        for visit in (serving.open(echo=True), serving.open(echo=True))
    )
    assert len(set(first)) == 3
    assert first == second


def test_an_echo_is_noted_like_any_answer(serving: Serving) -> None:
    visit = serving.open(echo=True)
    visit.cell("one")
    answer = words(visit, request(max_new_tokens=5))
    (noted,) = visit.transcript().requests
    assert (noted.text, noted.cell, noted.outputs, len(answer)) == ("Ahoy", "one", (answer,), 5)


# --- With models of the real classes ---

CHAT = "org/chat"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    home = tmp_path_factory.mktemp("tiny")
    make_model_home(home, {ONE: TinyModel("llama", False), CHAT: TinyModel("gemma", True)})
    with Serving(Models(home, device="cpu")) as serving:
        yield serving


REAL: dict[str, dict[str, Any]] = {
    "greedy": {"do_sample": False},
    "sampled": {"do_sample": True, "temperature": 0.9, "top_p": 0.9},
    "beams": {"num_beams": 3},
    "sampled beams": {"num_beams": 2, "do_sample": True},
    "several sequences": {"num_return_sequences": 3, "do_sample": True},
    "a penalty": {"repetition_penalty": 1.5, "no_repeat_ngram_size": 2},
    "a stop string": {"stop_strings": ["e", "a", "t"]},
}


@pytest.mark.parametrize("model", [ONE, CHAT])
@pytest.mark.parametrize("settings", REAL)
def test_the_host_says_what_generate_says_in_this_process(tiny: Serving, model: str, settings: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    rows, mask = [[5, 60, 70, 80], [5, 61, 5, 62]], [[0, 1, 1, 1], [1, 1, 1, 1]]
    config = {"max_new_tokens": 6, "pad_token_id": 0, "eos_token_id": 1, **REAL[settings]}
    visit = tiny.open()
    asked = wire.Generate(model=model, rows=rows, mask=mask, settings=config, seed=7, tokenizer=True)
    told = ask(visit, asked)
    visit.close()
    snapshot = visit.models[model]
    here = AutoModelForCausalLM.from_pretrained(snapshot, dtype="auto")
    here.generation_config = GenerationConfig()
    torch.manual_seed(7)
    made = here.generate(
        torch.tensor(rows), attention_mask=torch.tensor(mask), generation_config=GenerationConfig(**config),
        tokenizer=AutoTokenizer.from_pretrained(snapshot),
    )  # fmt: skip
    assert isinstance(told, wire.Answer), told
    assert told.sequences == made.tolist()


def test_threads_that_sample_from_one_model_at_once_get_what_each_gets_alone(tiny: Serving) -> None:
    models, seeds = tiny.server.models, range(8)
    settings = {"max_new_tokens": 30, "do_sample": True, "pad_token_id": 0}

    def say(seed: int) -> list[list[int]]:
        part = orders.Part(rows=[[5, 60, 70, 80]], mask=[[1, 1, 1, 1]], settings=settings, seed=seed)
        outcomes: list[Any] = []
        models.generate(orders.Make(model=ONE, parts={0: part}), Control([0]), lambda _, made: outcomes.append(made))
        return outcomes[0]  # type: ignore[no-any-return]

    alone = [say(seed) for seed in seeds]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(say, seeds)) == alone
    assert len({str(output) for output in alone}) == len(seeds)


def test_each_thread_has_a_model_of_its_own_with_everybodys_weights() -> None:
    import torch

    weights = Weights(torch.nn.Linear(2, 2))
    one, two = weights.take(), weights.take()
    assert one is not two
    assert one.weight is two.weight
    weights.give_back(two)
    assert weights.take() is two


def test_a_conversation_is_rendered_by_each_models_own_template(tiny: Serving) -> None:
    visit = tiny.open()
    talk = (("system", "Be brief."), ("human", "Who are you?"))
    renderings = visit.render([ONE, CHAT, "org/unknown"], [talk, talk, (("strange", "x"),)])
    visit.close()
    assert [(r.model, r.messages) for r in renderings][:1] == [(CHAT, talk)]
    assert renderings[0].text == "user\nBe brief.\n\nWho are you?\nmodel\n"
    assert {r.model for r in renderings} == {CHAT}


# --- The process ---

LONG = 120  # seconds, after which a process that should have ended is taken for one that never will


@pytest.fixture
def course(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A course's folder, and a runtime folder beside it, with paths short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="c") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        (Path(folder) / "course").mkdir()
        yield Path(folder) / "course"


def process_of(path: Path) -> int:
    """A file descriptor of the process that listens on a socket, readable when that process has ended."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(path))
        pid, _, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return os.pidfd_open(pid)


def ended(process: int) -> bool:
    try:
        return bool(select.select([process], [], [], LONG)[0])
    finally:
        os.close(process)


def test_a_started_host_answers_is_closed_to_others_and_ends_when_told(course: Path, home: Path) -> None:
    host = Host.started(course, home)
    process = process_of(host.socket)
    visit = host.open(wire.Open(label="anna"))
    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (host.socket, visit.socket)]
    folders = [stat.S_IMODE(folder.stat().st_mode) for folder in (host.socket.parent, host.socket.parent.parent)]
    assert host.status().home == str(home.resolve())
    assert sorted(visit.models) == [ONE, THREE, TWO]
    visit.close()
    host.stop()
    assert ended(process)
    assert modes == [0o600, 0o600]
    assert [mode & 0o066 for mode in folders] == [0, 0]  # nobody else lists them, or writes there
    assert not host.socket.parent.exists()


def test_a_host_ends_when_its_handle_does(course: Path, home: Path) -> None:
    host = Host.started(course, home)
    process = process_of(host.socket)
    host.end()
    host.end()
    assert ended(process)
    assert not host.alive()


STARTS = """
import sys
from pathlib import Path
from autograder.host.control import Host
print(Host.started(Path(sys.argv[1]), Path(sys.argv[2])).socket, flush=True)
sys.stdin.read()
"""


def test_a_host_ends_when_its_parent_is_killed(course: Path, home: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTS, str(course), str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        process = process_of(Path(parent.stdout.readline().strip()))
        parent.send_signal(signal.SIGKILL)
        assert ended(process)


def test_a_host_ends_when_nobody_asks_anything(course: Path, home: Path) -> None:
    path = runtime_folder() / "h.sock"
    command = [*server_command(course, home, 1, path), "--idle", "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.wait(LONG) == 0
    assert not path.exists()


def test_a_host_that_is_kept_is_found_for_its_course_and_home_alone(course: Path, home: Path, tmp_path: Path) -> None:
    assert Host.kept(course, home) is None
    own = Host.started(course, home, shared=True)
    kept = Host.kept(course, home)
    assert kept is not None
    assert kept.socket == own.socket == socket_of(course, home)
    assert [Host.kept(tmp_path, home), Host.kept(course, tmp_path)] == [None, None]
    kept.end()
    assert own.alive()
    own.end()
    assert Host.kept(course, home) is None


@pytest.mark.parametrize("first", ["", ONE])
def test_what_generates_is_there_with_a_host_that_will_ask_a_model_and_else_is_not(
    first: str, course: Path, home: Path
) -> None:
    own = Host.started(course, home, first=first)
    assert own._daemon is not None
    assert len(psutil.Process(own._daemon.pid).children()) == bool(first)
    own.end()


def test_a_socket_that_nobody_listens_on_is_no_host_and_stands_in_nobodys_way(course: Path, home: Path) -> None:
    path = socket_of(course, home)
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert Host.kept(course, home) is None
    own = Host.started(course, home, shared=True)
    assert own.alive()
    own.end()


def test_a_host_that_cannot_start_says_what_it_said(course: Path, home: Path) -> None:
    (course / ".autograder").mkdir()
    socket_of(course, home).parent.mkdir(mode=0o700)
    socket_of(course, home).mkdir()  # in the way
    with pytest.raises(HostLost, match="could not be started"):
        Host.started(course, home, shared=True)


def test_answers_are_remembered_inside_the_course(course: Path) -> None:
    assert memory_folder(course) == course / ".autograder" / "answers"


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o755, 0o702])
def test_a_runtime_folder_that_others_can_enter_is_refused(course: Path, mode: int) -> None:
    folder = runtime_folder()
    folder.chmod(mode)
    with pytest.raises(HostLost, match="your own"):
        runtime_folder()


def test_a_runtime_folder_that_is_a_link_is_refused(course: Path, tmp_path: Path) -> None:
    folder = runtime_folder()
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HostLost, match="your own"):
        runtime_folder()


def test_a_runtime_folder_of_our_own_is_used_again(course: Path) -> None:
    assert runtime_folder() == runtime_folder() == course.parent / f"llm-autograder-{os.getuid()}"


def test_a_transcript_is_plain_json(serving: Serving) -> None:
    visit = serving.open()
    ask(visit, request(temperature=0.5, stop_strings=["x"], max_new_tokens=3))
    told = json.loads(visit.transcript().model_dump_json())
    assert told["requests"][0]["settings"] == {"temperature": 0.5, "stop_strings": ["x"], "max_new_tokens": 3}


def test_a_network_of_these_tests_generates_what_is_expected_of_it() -> None:
    assert Network(ONE).calls == 0
    assert len(expected(request(), 5)) == 5
