"""Nothing that a kernel sends ends the host, fills its memory, or makes it load anything outside the model home.

Frames and sequences of frames come from the tables below and from changes to them, drawn from a fixed seed; each goes to a
real host over a real socket. To add a case, add a line to a table.
"""

from __future__ import annotations

import gc
import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from serving import ONE, TWO, FakeModels, Serving, ask, exactly, expected, make_home, request, said

from autograder.facts.transcript import FOR_CHECKS, MAX_REQUESTS, Transcript
from autograder.host import frames, generation, notebooks, server
from autograder.host.models import Models
from autograder.protocol import wire
from autograder.protocol.line import Line
from trials.models.tiny import TinyModel, make_model_home

HOW_MANY = 10_000
GROWTH_BYTES = 64 * 1024**2
"""What the process, which is the host's and the kernels' at once, may have grown by after all of them."""

# --- Frames ---

ROW = [65, 66, 67]
GENERATE: dict[str, Any] = {
    "kind": "generate", "model": ONE, "rows": [ROW], "mask": [[1, 1, 1]], "settings": {}, "seed": None, "streamed": False,
    "tokenizer": False,
}  # fmt: skip
NOTE: dict[str, Any] = {
    "kind": "note", "model": TWO, "rows": [ROW], "settings": {}, "outputs": [[[1, 2]]], "streamed": True, "error": None
}  # fmt: skip
VALID: list[dict[str, Any]] = [
    GENERATE,
    NOTE,
    GENERATE | {"settings": {"do_sample": True, "temperature": 0.6, "top_p": 0.9, "max_new_tokens": 4}},
    GENERATE | {"rows": [ROW, ROW], "mask": [[0, 1, 1], [1, 1, 1]], "settings": {"num_return_sequences": 2}},
    GENERATE | {"settings": {"do_sample": True}, "seed": 42, "model": TWO},
    NOTE | {"error": "ValueError", "outputs": []},
]
GRADERS: list[dict[str, Any]] = [
    {"kind": "open", "label": "x", "run": "", "echo": True, "verify": False},
    {"kind": "cell", "notebook": "x", "cell": "check-a"},
    {"kind": "challenge", "notebook": "x", "check": "check-a"},
    {"kind": "read", "notebook": "x"},
    {"kind": "render", "models": [ONE], "conversations": [[["human", "Ahoy"]]]},
    {"kind": "close", "notebook": "x"},
    {"kind": "status"},
    {"kind": "stop"},
]
ANSWERS: list[dict[str, Any]] = [
    {"kind": "answer", "numbers": [0], "sequences": [[1]]},
    {"kind": "done", "seen": 0},
    {"kind": "refused", "name": "ValueError", "message": ""},
]
NAMES = [
    "", "org", "org/other", "../../etc/passwd", "../..", "/etc", "/etc/passwd", "org/../one", "org/one/", "org//one",
    "org/one/../../two", "models--org--one", "org--one", "org/one\x00", "\x00", ".", "..", "~", "~/x", "org/.one", "ORG/ONE",
    "file:///etc/passwd", "https://huggingface.co/org/one", "org/one@main", "org/" + "x" * 300, "ørg/øne", "$HOME", "*", "org/*",
    "one", 7, None, [], {},
]  # fmt: skip
STRANGE: list[Any] = [
    None, True, False, 0, 1, -1, 2, 63, 64, 65, 999, 1000, 2**31, 2**32, 2**63, 2**64, -(2**63), 10**30, 10**300, 0.0, -0.0, 0.5,
    1e-45, 1e-300, 1e300, -1e300, float("nan"), float("inf"), float("-inf"), "", "x", "0", "50", "NaN", "\x00", "x" * 5000, "☃",
    [], {}, [[]], [[[]]], [None], [True], [1.5], ["1"], [-1], [10**30], [[-1]], [[1000]], [[2**31]], [[1.0]], [[1], [1, 2]],
    {"a": 1}, {"": {}}, [{}], list(range(200)), [[65] * 3] * 65, [[65] * 50_000],
]  # fmt: skip
SETTINGS = [
    *sorted(wire.HONOURED),
    "",
    "unknown",
    "output_scores",
    "custom_generate",
    "assistant_model",
    "trust_remote_code",
]
SETTINGS += ["cache_implementation", "__class__", "watermarking_config", "prompt_lookup_num_tokens", "guidance_scale"]
HUGE: list[dict[str, Any]] = [
    GENERATE | {"rows": [[65] * 20_000] * 40, "mask": [[1] * 20_000] * 40},
    GENERATE | {"rows": [[65] * 6000] * 64, "mask": [[1] * 6000] * 64, "settings": {"num_beams": 64}},
    GENERATE | {"rows": [[65]] * 64, "mask": [[1]] * 64, "settings": {"num_return_sequences": 64, "max_length": 10**9}},
    GENERATE | {"settings": {f"k{n}": n for n in range(10_000)}},
    GENERATE | {"settings": {"bad_words_ids": [[n % 900 + 1] for n in range(100_000)]}},
    GENERATE | {"settings": {"stop_strings": ["x" * 100_000]}, "tokenizer": True},
    GENERATE | {"settings": {"stop_strings": ["x"] * 100_000}, "tokenizer": True},
    GENERATE | {"settings": {"x" * 1_000_000: 1}},
    GENERATE | {f"k{n}": n for n in range(50_000)},
    NOTE | {"rows": [["a"] * 30_000] * 20},
    NOTE | {"rows": [[-1] * 30_000] * 20},
    NOTE | {"rows": [[65] * 40_000] * 30},
    NOTE | {"outputs": [[[65] * 100] * 64] * 64},
    NOTE | {"settings": {"x": [[] for _ in range(100_000)]}},
]

# Bytes that are no frame, or half of one, and sequences of frames.
RAW: list[bytes] = [
    b"", b"\x00", b"\x00\x00\x00", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff{}", b"\x00\x80\x00\x01",
    b"\x00\x00\x00\x05{}", b"\x00\x00\x00\x01{}", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x80\x04\x95.", b"\x16\x03\x01\x02\x00",
    b"{}\n", json.dumps(GENERATE).encode(), b"\x00" * 1000, b"\xff" * 1000,
]  # fmt: skip
BODIES: list[bytes] = [
    b"", b"{", b"}", b"[]", b"null", b"true", b"0", b'""', b"NaN", b"{}", b'{"kind":null}', b'{"kind":"x"}', b'{"kind":["note"]}',
    b"\xff\xfe", b'{"kind":"note"', b'{"kind":"generate","kind":"note"}', b"[" * 100_000, b'{"a":' * 50_000, b"1" * 100_000,
    b'{"kind":"generate","model":"org/one","rows":[[65]],"mask":[[1]],"settings":{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}}",
    b'{"kind":"generate","model":"org/one","rows":[[65]],"mask":[[1]],"settings":{"top_k":' + b"9" * 5000 + b"}}",
    b'{"kind":"generate","model":"org/one","rows":[[65]],"mask":[[1]],"settings":{"stop_strings":"\\ud800"}}',
    b'{"kind":"generate","model":"org/one","rows":[[1e400]],"mask":[[1]],"settings":{}}',
]  # fmt: skip
SHAPES: list[dict[str, Any]] = [
    GENERATE | {"rows": []}, GENERATE | {"rows": [[]], "mask": [[]]}, GENERATE | {"mask": []}, GENERATE | {"mask": [[1, 1]]},
    GENERATE | {"mask": [[1, 1, 2]]}, GENERATE | {"mask": [[0, 0, 0]]}, GENERATE | {"rows": [ROW, [1]], "mask": [[1, 1, 1], [1]]},
    GENERATE | {"rows": [ROW, ROW]}, GENERATE | {"rows": [[999]], "mask": [[1]]}, GENERATE | {"rows": [[1000]], "mask": [[1]]},
    NOTE | {"rows": []}, NOTE | {"rows": [[]] * 64}, NOTE | {"outputs": [[[1]]] * 3}, NOTE | {"outputs": [[[]] * 64]},
]  # fmt: skip


def packed(body: bytes | dict[str, Any]) -> bytes:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return wire.HEADER.pack(len(text), 7) + text


def changed_bytes(draw: random.Random) -> bytes:
    whole = bytearray(packed(draw.choice(VALID)))
    for _ in range(draw.randint(1, 6)):
        place = draw.randrange(len(whole))
        match draw.randrange(4):
            case 0:
                whole[place] = draw.randrange(256)
            case 1:
                del whole[place:]
                whole += b"\x00"
            case 2:
                whole[place:place] = draw.randbytes(draw.randint(1, 9))
            case _:
                del whole[place : place + draw.randint(1, 20)]
                whole += b" "
    return bytes(whole)


def changed_length(draw: random.Random) -> bytes:
    body = json.dumps(draw.choice(VALID)).encode()
    length = draw.choice([0, 1, len(body) - 1, len(body) + 1, wire.MAX_FRAME, wire.MAX_FRAME + 1, 2**32 - 1])
    return wire.HEADER.pack(length, 7) + body


def changed_value(draw: random.Random) -> bytes:
    frame = dict(draw.choice(VALID))
    for _ in range(draw.randint(1, 3)):
        frame[draw.choice([*frame, "extra"])] = draw.choice(STRANGE)
    return packed(frame)


def changed_settings(draw: random.Random) -> bytes:
    frame = dict(draw.choice(VALID))
    given = {draw.choice(SETTINGS): draw.choice(STRANGE) for _ in range(draw.randint(1, 3))}
    return packed(frame | {"settings": {**frame["settings"], **given} if draw.random() < 0.5 else given})


def changed_rows(draw: random.Random) -> bytes:
    def row() -> list[Any]:
        return [draw.choice([65, 66, 0, 999, 1000, -1, 2**31, 10**20, 1.5, "1", None])] * draw.randint(0, 4)

    rows = [row() for _ in range(draw.choice([0, 1, 2, 3, 64, 65]))]
    mask = [[draw.choice([0, 1, 1, 1, 2, True])] * len(r) for r in rows][: draw.choice([1, 2, 64, 65])]
    return packed(draw.choice(VALID) | {"rows": rows, draw.choice(["mask", "outputs"]): mask})


def left_out(draw: random.Random) -> bytes:
    frame = dict(draw.choice(VALID))
    for key in draw.sample(sorted(frame), draw.randint(1, len(frame))):
        del frame[key]
    return packed(frame)


def valid(draw: random.Random) -> bytes:
    return packed(draw.choice(VALID))


def cut(draw: random.Random) -> bytes:
    whole = valid(draw)
    return whole[: draw.randrange(len(whole))]


CHANGES: list[Callable[[random.Random], bytes]] = [
    changed_bytes, changed_length, changed_value, changed_settings, changed_rows, left_out, cut,
    lambda draw: b"".join(one(draw) for one in draw.choices([changed_settings, valid, valid, cut], k=draw.randint(2, 5))),
    lambda draw: packed(draw.choice(GRADERS + ANSWERS)),
    lambda draw: packed(draw.choice(VALID) | {"model": draw.choice(NAMES)}),
    lambda draw: draw.randbytes(draw.randint(1, 50)),
]  # fmt: skip


def tables() -> Iterator[bytes]:
    yield from RAW
    yield from map(packed, BODIES)
    yield from map(packed, SHAPES + GRADERS + ANSWERS + HUGE)
    yield from (packed(frame | {"model": name}) for name in NAMES for frame in VALID)
    yield from (packed(GENERATE | {"settings": {name: value}}) for name in SETTINGS for value in STRANGE)
    yield from (packed(frame | {key: value}) for frame in (GENERATE, NOTE) for key in frame for value in STRANGE)


def malformed() -> Iterator[bytes]:
    """At least `HOW_MANY` things to send, each on a connection of its own; the same ones every time."""
    known = list(tables())
    yield from known
    draw = random.Random(20260727)
    for number in range(max(0, HOW_MANY - len(known))):
        yield CHANGES[number % len(CHANGES)](draw)


# --- Sending them ---


def frames_in(data: bytes) -> int | None:
    """How many answers may come, the last one perhaps the end of the connection; None where the host waits for more."""
    count = 0
    while data:
        if len(data) < wire.HEADER.size:
            return None
        length, _ = wire.HEADER.unpack(data[: wire.HEADER.size])
        count += 1
        if length > wire.MAX_FRAME:
            return count
        if len(data) < wire.HEADER.size + length:
            return None
        data = data[wire.HEADER.size + length :]
    return count


def send(path: str, data: bytes) -> list[wire.Reply]:
    """Sends bytes on a connection of their own, reads what comes back, and goes away."""
    replies: list[wire.Reply] = []
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(60)  # nobody waits so long: it would be a host that hangs
        line.connect(path)
        try:
            line.sendall(data)
            for _ in range(frames_in(data) or 0):
                replies.append(received(line))
        except (ConnectionError, EOFError):
            pass
    return replies


def received(line: socket.socket) -> wire.Reply:
    length, _ = wire.HEADER.unpack(exactly(line, wire.HEADER.size))
    return wire.FromHost.validate_json(exactly(line, length))


@dataclass
class Fuzzed:
    """A host after everything malformed has been sent to it, and what was seen meanwhile."""

    serving: Serving
    models: FakeModels
    transcripts: list[Transcript]
    sent: int = 0
    grown_bytes: int = 0


EACH = 500
"""What one notebook sends: fewer than its transcript takes, so that each is looked at."""


@pytest.fixture(scope="module", autouse=True)
def everything_is_read_at_once() -> Iterator[None]:
    """What limits a notebook as a whole has tests of its own (`host/test_host.py`); here each frame is looked at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notebooks, "MAX_HEARD", 10**12)
        patch.setattr(frames, "BEYOND_SECONDS", 0.0)
        yield


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    folder = tmp_path_factory.mktemp("fuzz")
    models = FakeModels(make_home(folder))
    everything = list(malformed())
    with Serving(models) as serving:
        seen = Fuzzed(serving, models, [])
        for start in range(0, len(everything), EACH):
            visit = serving.open(f"notebook {start}")
            for data in everything[start : start + EACH]:
                send(visit.socket, data)
                seen.sent += 1
            seen.transcripts.append(visit.transcript())
            visit.close()
            if start == 0:  # what is imported and kept for good does not count
                gc.collect()
                before = psutil.Process().memory_info().rss
        gc.collect()
        seen.grown_bytes = psutil.Process().memory_info().rss - before
        yield seen


def test_ten_thousand_malformed_frames_and_sequences_were_sent(fuzzed: Fuzzed) -> None:
    assert fuzzed.sent >= 10_000


def test_afterwards_the_host_answers_another_notebook_rightly(fuzzed: Fuzzed) -> None:
    visit = fuzzed.serving.open("another")
    asked = request("Are you there?", max_new_tokens=4)
    assert said(ask(visit, asked), asked) == [expected(asked, 4)]
    assert [r.text for r in visit.transcript().requests] == ["Are you there?"]
    visit.close()


def test_transcripts_are_bounded(fuzzed: Fuzzed) -> None:
    assert max(len(transcript.own()) for transcript in fuzzed.transcripts) <= MAX_REQUESTS - FOR_CHECKS
    assert max(len(transcript.model_dump_json()) for transcript in fuzzed.transcripts) < 100_000_000


def test_memory_has_not_grown_beyond_the_bound(fuzzed: Fuzzed) -> None:
    assert fuzzed.grown_bytes < GROWTH_BYTES


def test_nothing_but_the_homes_own_models_was_loaded(fuzzed: Fuzzed) -> None:
    assert sorted(fuzzed.models.asked_for) == sorted(fuzzed.models.names().values())


def test_nothing_was_opened_or_told_through_a_kernels_socket(fuzzed: Fuzzed) -> None:
    assert fuzzed.serving.host.status().notebooks == 0
    assert {(r.cell, r.challenge) for transcript in fuzzed.transcripts for r in transcript.requests} == {(None, None)}


def test_nothing_malformed_was_taken_for_a_failure_of_the_machine(fuzzed: Fuzzed) -> None:
    assert [fault for transcript in fuzzed.transcripts for fault in transcript.faults] == []
    assert fuzzed.serving.host.status().lost == 0


def test_no_connection_and_no_job_was_left(fuzzed: Fuzzed) -> None:
    assert (fuzzed.serving.server.jobs.running, fuzzed.serving.server._connections) == ({}, {})


# --- One claim each ---


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    with Serving(FakeModels(make_home(tmp_path))) as here:
        yield here


LAST_TOKEN = GENERATE | {"rows": [[999]], "mask": [[1]]}
REFUSED: dict[str, bytes] = {
    **{f"a grader's {frame['kind']}": packed(frame) for frame in GRADERS},
    **{f"no frame {n}: {body[:40]!r}": packed(body) for n, body in enumerate(BODIES)},
    **{f"a model outside the home: {name!r}": packed(GENERATE | {"model": name}) for name in NAMES},
    **{f"shape {n}": packed(shape) for n, shape in enumerate(SHAPES[:10]) if shape != LAST_TOKEN},
    **{f"huge {n}": packed(frame) for n, frame in enumerate(HUGE)},
}


@pytest.mark.parametrize("claim", REFUSED)
def test_what_is_no_request_is_refused_in_a_few_words_and_costs_little(serving: Serving, claim: str) -> None:
    (reply,) = send(serving.open().socket, REFUSED[claim])
    status = serving.host.status()
    assert isinstance(reply, wire.Refused if "huge" not in claim else wire.Refused | wire.Noted)
    assert len(reply.model_dump_json()) < 2000
    assert status.generated == 0
    assert status.loaded == [] or "shape" in claim  # a model tells how many tokens there are


def test_the_last_token_of_the_vocabulary_is_one_that_there_is(serving: Serving) -> None:
    assert [reply.kind for reply in send(serving.open().socket, packed(LAST_TOKEN))] == ["answer"]


def test_a_frame_that_says_it_is_too_long_ends_the_connection(serving: Serving) -> None:
    assert send(serving.open().socket, wire.HEADER.pack(wire.MAX_FRAME + 1, 7) + b"{}") == []


def test_frames_one_after_another_on_one_connection_are_each_answered(serving: Serving) -> None:
    visit = serving.open()
    line = Line(visit.socket)
    replies = [
        line.ask(request("Ahoy")),
        line.ask(wire.Note(model=TWO, rows=[ROW], settings={})),
        line.ask(request("You")),
    ]
    line.close()
    assert [reply.kind for reply in replies] == ["answer", "noted", "answer"]


def test_a_frame_sent_before_the_last_was_answered_ends_the_connection_and_is_not_misread(tmp_path: Path) -> None:
    running, go_on = threading.Event(), threading.Event()

    def begin(_: int) -> None:
        running.set()
        go_on.wait()

    with Serving(FakeModels(make_home(tmp_path), begin)) as serving:
        visit = serving.open()
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(visit.socket)
            line.sendall(packed(GENERATE))
            running.wait()
            line.sendall(packed(NOTE))
            go_on.set()
            with pytest.raises((EOFError, ConnectionResetError)):
                received(line)
        assert [r.error for r in visit.transcript().requests] == ["ConnectionResetError"]


def test_connections_beyond_the_limit_are_closed_and_the_others_are_served(serving: Serving) -> None:
    visit = serving.open()
    lines = []
    for _ in range(server.MAX_CONNECTIONS + 10):
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(60)
        line.connect(visit.socket)
        lines.append(line)
    ends = [line for line in lines[server.MAX_CONNECTIONS :] if line.recv(1) == b""]
    lines[0].sendall(packed(GENERATE))
    assert isinstance(received(lines[0]), wire.Answer)
    for line in lines:
        line.close()
    assert len(ends) == 10


def test_requests_of_one_kernel_beyond_so_many_at_once_wait_unread(tmp_path: Path) -> None:
    go_on = threading.Event()
    with Serving(FakeModels(make_home(tmp_path), lambda _: (go_on.wait(), None)[1])) as serving:
        visit = serving.open()
        replies: list[wire.Reply] = []
        threads = [
            threading.Thread(target=lambda n=n: replies.append(ask(visit, request(f"Question {n}")))) for n in range(40)
        ]
        for thread in threads:
            thread.start()
        most = max(serving.host.status() and len(serving.server.jobs.running) for _ in range(50))
        go_on.set()
        for thread in threads:
            thread.join()
    assert most <= server.MAX_AT_ONCE
    assert [reply.kind for reply in replies] == ["answer"] * 40


def test_settings_and_texts_count_as_what_a_notebook_has_asked(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebooks, "MAX_STORED_TOKENS", 50_000)
    monkeypatch.setattr(notebooks, "FOR_CHECKS_TOKENS", 10_000)
    visit = serving.open()
    note = wire.Note(model=ONE, rows=[ROW], settings={"x": "y" * 20_000})
    kinds = [ask(visit, note).kind for _ in range(20)]
    assert kinds == ["noted"] * 7 + ["refused"] * 13


def test_what_the_host_says_of_frames_that_fail_is_bounded(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise OSError("a mistake of ours " + "x" * 10_000)

    monkeypatch.setattr(notebooks.Notebook, "note", broken)
    monkeypatch.setattr(server, "MAX_SAID", 5)
    visit = serving.open()
    kinds = {ask(visit, wire.Note(model=ONE, rows=[ROW], settings={})).kind for _ in range(20)}
    assert kinds == {"refused"}
    assert len(capfd.readouterr().err) < 5 * 600


# --- With the real `generate` ---

WAYS: tuple[dict[str, Any], ...] = (
    {"do_sample": True}, {"do_sample": False}, {"num_beams": 4}, {"num_beams": 4, "do_sample": True},
)  # fmt: skip
"""What can be done with scores."""
REAL_SETTINGS: list[dict[str, Any]] = [
    {"temperature": 1e-45, "do_sample": True}, {"temperature": 0.0, "do_sample": True}, {"temperature": -1.0, "do_sample": True},
    {"temperature": float("inf"), "do_sample": True}, {"temperature": float("nan"), "do_sample": True},
    {"temperature": "0.9", "do_sample": True}, {"top_p": 2.0, "do_sample": True}, {"top_k": -1, "do_sample": True},
    {"top_k": 10**30, "do_sample": True}, {"min_p": 7, "do_sample": True}, {"typical_p": 0.0, "do_sample": True},
    {"epsilon_cutoff": 1.0, "do_sample": True}, {"eta_cutoff": -1, "do_sample": True}, {"repetition_penalty": 1e-300},
    {"repetition_penalty": 0.0}, {"repetition_penalty": 1e300, "do_sample": True}, {"no_repeat_ngram_size": 10**9},
    {"bad_words_ids": [[]]}, {"bad_words_ids": [["a"]]}, {"bad_words_ids": [[10**9]]}, {"bad_words_ids": "x"},
    {"num_beams": 0}, {"num_beams": -3}, {"num_beams": 10**9}, {"num_beams": "2"}, {"num_beams": float("inf")},
    {"num_beams": 2, "max_new_tokens": 10**12}, {"num_beams": 2, "max_length": 10**12}, {"max_new_tokens": 10**30},
    {"max_length": 10**30}, {"max_new_tokens": -1}, {"max_new_tokens": 0}, {"max_new_tokens": "5"}, {"max_length": 1},
    {"num_return_sequences": 3}, {"num_return_sequences": 0}, {"early_stopping": "allocate memory"},
    {"length_penalty": 1e300, "num_beams": 2}, {"min_length": 10**30}, {"min_new_tokens": 10**30, "max_new_tokens": 2},
    {"eos_token_id": 10**6}, {"eos_token_id": -1}, {"eos_token_id": [1, 10**6]}, {"eos_token_id": "x"}, {"eos_token_id": 2.5},
    {"eos_token_id": {"a": 1}}, {"pad_token_id": 10**6}, {"pad_token_id": [1]}, {"forced_bos_token_id": 10**6},
    {"forced_eos_token_id": [10**6]}, {"forced_eos_token_id": 1.5}, {"suppress_tokens": [10**6]}, {"suppress_tokens": [[1]]},
    {"suppress_tokens": list(range(262))}, {"begin_suppress_tokens": [-5]}, {"stop_strings": "x"}, {"stop_strings": 7},
    {"exponential_decay_length_penalty": [1, 1e300], "do_sample": True}, {"exponential_decay_length_penalty": 3},
    *({"exponential_decay_length_penalty": [0, 1e300], "eos_token_id": 1, **way} for way in WAYS),
    *({"exponential_decay_length_penalty": [0, float("nan")], "eos_token_id": 1, **way} for way in WAYS),
    *({"repetition_penalty": 1e-29, "temperature": 1e-29, **way} for way in WAYS),
    *({"repetition_penalty": -1.0, **way} for way in WAYS),
    *({"temperature": 1e-38, "top_p": 0.1, **way} for way in WAYS),
    *({"forced_eos_token_id": 1, "suppress_tokens": [1], "max_new_tokens": 1, **way} for way in WAYS),
    *({"suppress_tokens": list(range(300)), "min_p": 1.0, **way} for way in WAYS),
    *({"min_p": 1.0, "typical_p": 1e-300, "epsilon_cutoff": 0.999, "eta_cutoff": 0.999, **way} for way in WAYS),
    *({"length_penalty": -1e300, "early_stopping": True, "renormalize_logits": True, **way} for way in WAYS),
    *({"top_k": 1, "num_return_sequences": 4, **way} for way in WAYS),
    *({"bad_words_ids": [[n] for n in range(1, 300)], "remove_invalid_values": True, **way} for way in WAYS),
    {"max_time": -1.0}, {"max_time": "x"}, {"use_cache": "x"}, {"renormalize_logits": 3}, {"do_sample": "yes"},
]  # fmt: skip


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("real")
    make_model_home(folder, {ONE: TinyModel("llama", False)})
    patch = pytest.MonkeyPatch()
    patch.setattr(generation, "MAX_NEW_TOKENS", 4)
    with Serving(Models(folder, device="cpu")) as serving:
        yield serving
    patch.undo()


@pytest.mark.filterwarnings("ignore")  # transformers' words on such settings, which the host's process leaves unsaid
@pytest.mark.parametrize("tokenizer", [False, True], ids=["alone", "with its tokenizer"])
@pytest.mark.parametrize("settings", REAL_SETTINGS, ids=str)
def test_strange_settings_are_answered_or_refused_and_are_never_the_machines_fault(
    real: Serving, settings: dict[str, Any], tokenizer: bool
) -> None:
    visit = real.open()
    (reply,) = send(visit.socket, packed(GENERATE | {"settings": settings, "tokenizer": tokenizer}))
    transcript = visit.transcript()
    visit.close()
    assert isinstance(reply, wire.Answer | wire.Refused)
    assert (transcript.faults, real.host.status().dropped) == ((), 0)
    assert [r.error is None for r in transcript.requests] == [reply.kind == "answer"]


# What a GPU cannot draw from, as torch says it on a processor; the host says it before it draws.
IMPROBABLE: dict[str, list[list[float]]] = {
    "a number that is none": [[0.5, 0.5], [float("nan"), 1.0]],
    "infinity": [[0.5, float("inf")]],
    "below 0": [[1.5, -0.5]],
    "nothing but 0": [[0.5, 0.5], [0.0, 0.0]],
}


@pytest.mark.parametrize("row", IMPROBABLE)
def test_what_cannot_be_drawn_from_never_reaches_torch(row: str) -> None:
    import torch

    generation.prepare()
    with pytest.raises(RuntimeError) as ours:
        generation.refuse_improbable(torch.tensor(IMPROBABLE[row]))
    generation.refuse_improbable(torch.tensor([[0.5, 0.5], [0.0, 1e-30]]))
    with pytest.raises(RuntimeError) as theirs:
        torch.multinomial.__wrapped__(torch.tensor(IMPROBABLE[row]), num_samples=1)  # type: ignore[attr-defined]
    assert str(ours.value) == str(theirs.value)


def test_after_all_of_them_a_model_says_what_it_said_before(real: Serving) -> None:
    visit = real.open()
    asked = wire.Generate(model=ONE, rows=[ROW], mask=[[1, 1, 1]], settings={"max_new_tokens": 4, "do_sample": False})
    one = ask(visit, asked)
    for settings in REAL_SETTINGS[::8]:
        send(visit.socket, packed(GENERATE | {"settings": settings}))
    real.server.jobs.memory = type(real.server.jobs.memory)(None)
    two = ask(visit, asked)
    visit.close()
    assert isinstance(one, wire.Answer)
    assert isinstance(two, wire.Answer)
    assert one.sequences == two.sequences
