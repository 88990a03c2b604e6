"""What passes the gate between a kernel and the grader: whole messages, as they were written, and no more than are read."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from autograder.jail import gate
from autograder.jail.gate import AHEAD, GREETING, MAX_FRAMES, MAX_MESSAGE, Gate, Messages, NoProtocol

HELLO = bytes([0xFF, *[0] * 8, 0x7F, 3, 1]) + b"NULL".ljust(20, b"\0") + bytes(32)


def frame(body: bytes, flags: int = 0) -> bytes:
    if len(body) > 255:
        return struct.pack("!BQ", flags | 2, len(body)) + body
    return bytes([flags, len(body)]) + body


def message(*bodies: bytes) -> bytes:
    return b"".join(frame(body, int(n < len(bodies) - 1)) for n, body in enumerate(bodies))


READY = frame(b"\5READY", 4)
SMALL, EMPTY, LARGE = message(b"a", b"", b"b" * 300), message(b""), message(b"x" * 5000)
TOO_LARGE = {
    "one frame": message(b"x" * MAX_MESSAGE),
    "two frames": message(b"x" * (MAX_MESSAGE // 2), b"x" * (MAX_MESSAGE // 2)),
    "frames": message(*[b""] * (MAX_FRAMES + 1)),
}


def passed(data: bytes, piece: int = 1 << 20, by: Messages | None = None) -> list[bytes]:
    """The messages that pass, of bytes that come in pieces."""
    by = by or Messages()
    return [
        each for at in range(0, len(data), piece) for each, is_message in by.fed(data[at : at + piece]) if is_message
    ]


@pytest.mark.parametrize("piece", [1, 2, 7, 64, 65, 1000, 1 << 20])
def test_messages_pass_as_they_were_written_however_their_bytes_come(piece: int) -> None:
    assert passed(HELLO + READY + SMALL + EMPTY + LARGE + SMALL, piece) == [SMALL, EMPTY, LARGE, SMALL]


def test_greetings_and_commands_pass_and_are_no_messages() -> None:
    by = Messages()
    assert b"".join(piece for piece, _ in by.fed(HELLO + READY)) == HELLO + READY
    assert passed(READY, by=by) == []


def test_a_greeting_passes_as_far_as_it_has_come_since_each_side_waits_for_the_others() -> None:
    by = Messages()
    assert [list(by.fed(HELLO[:10])), list(by.fed(HELLO[10:]))] == [[(HELLO[:10], False)], [(HELLO[10:], False)]]


@pytest.mark.parametrize("what", TOO_LARGE)
@pytest.mark.parametrize("piece", [100_003, 1 << 30])
def test_a_message_that_is_too_large_is_left_out_and_counted_and_the_next_one_passes(what: str, piece: int) -> None:
    by = Messages()
    assert passed(HELLO + SMALL + TOO_LARGE[what] + SMALL, piece, by) == [SMALL, SMALL]
    assert by.left_out == 1


def test_of_frames_without_end_nothing_is_kept() -> None:
    by = Messages()
    passed(HELLO, by=by)
    for _ in range(200):
        assert passed(frame(bytes(1_000_000), 1), by=by) == []
    assert len(by._buffer) <= MAX_MESSAGE + 2 * gate.CHUNK


@pytest.mark.parametrize(
    "wrong",
    [
        b"\1\0" * GREETING,
        HELLO[:10] + b"\2" + HELLO[11:],
        HELLO[:12] + b"CURVE".ljust(20, b"\0") + bytes(32),
        HELLO + frame(bytes(70_000), 4),
        HELLO + frame(b"a", 1) + READY,
        HELLO + frame(b"READY", 5),
    ],
)
def test_whatever_is_no_zmtp_3_ends_a_line(wrong: bytes) -> None:
    with pytest.raises(NoProtocol):
        passed(wrong)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("g")


class Behind:
    """A kernel's socket of which a test writes the bytes, and the grader's behind the gate."""

    def __init__(self, folder: Path) -> None:
        self.listening = socket.socket(socket.AF_UNIX)
        self.gate = Gate(str(folder / "s"), {"iopub": 1}, folder)
        self.context = zmq.Context()
        self.grader = self.context.socket(zmq.SUB)
        self.grader.subscribe(b"")
        self.grader.connect(f"ipc://{self.gate.ip}-1")
        self.listening.bind(str(folder / "s-1"))  # only now: it is tried until it can be reached
        self.listening.listen()
        self.kernel, _ = self.listening.accept()
        ready = frame(b"\5READY\x0bSocket-Type\0\0\0\3PUB", 4)
        self.kernel.sendall(HELLO + ready)
        told = b""
        while b"READY" not in told:  # who says more before both are ready is no ZMTP 3: ZMQ ends its line
            told += self.kernel.recv(1000)

    def close(self) -> None:
        self.context.destroy(0)
        self.gate.close()
        self.gate.close()
        self.kernel.close()
        self.listening.close()


@pytest.fixture
def behind(folder: Path) -> Iterator[Behind]:
    made = Behind(folder)
    yield made
    made.close()


def test_the_grader_hears_what_a_kernel_says(behind: Behind) -> None:
    behind.kernel.sendall(SMALL + TOO_LARGE["one frame"] + EMPTY)
    assert [behind.grader.recv_multipart() for _ in range(2)] == [[b"a", b"", b"b" * 300], [b""]]
    assert behind.gate.left_out == 1


@pytest.mark.parametrize(("size", "most"), [(10, AHEAD), (1_000_000, MAX_MESSAGE // 1_000_000)])
def test_no_more_waits_for_the_grader_than_it_may_and_all_comes_in_the_end(
    size: int, most: int, behind: Behind
) -> None:
    count = 3 * most
    behind.kernel.setblocking(False)
    left, line = memoryview(message(bytes(size)) * count), behind.gate._lines["iopub"]
    heard = 0
    while heard < count:
        with contextlib.suppress(BlockingIOError):
            left = left[behind.kernel.send(left[: gate.CHUNK]) :]
        assert len(line._waiting) <= most + 1
        if line.is_full or not left:
            behind.grader.recv_multipart()
            behind.gate.taken("iopub")
            heard += 1


def test_a_line_that_ends_while_it_is_full_ends_no_other_and_may_be_read_to_its_end(behind: Behind) -> None:
    line = behind.gate._lines["iopub"]
    behind.kernel.sendall(message(b"x") * (AHEAD + 10))
    heard = [behind.grader.recv_multipart() for _ in range(AHEAD)]
    while not line.is_paused:
        time.sleep(0)
    behind.grader.close(0)
    while line.ends[0].fileno() != -1:  # the gate's thread sees it
        time.sleep(0)
    for _ in heard:
        behind.gate.taken("iopub")
    assert behind.gate._thread.is_alive()
    behind.gate.close()
    behind.gate.taken("iopub")


def test_a_line_that_has_ended_does_not_begin_again(behind: Behind) -> None:
    behind.kernel.close()
    assert behind.grader.poll(300) == 0
    behind.listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        behind.listening.accept()
