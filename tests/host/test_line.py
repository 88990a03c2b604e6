"""A line to the model host takes no reply for another: not a late one, not one that comes twice, not somebody else's."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from serving import FakeModels, Serving, ask, exactly, expected, make_home, request, said

from autograder.errors import HostLost
from autograder.protocol import wire
from autograder.protocol.line import Line


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    with Serving(FakeModels(make_home(tmp_path))) as here:
        yield here


ANNAS = wire.Done(seen=1)


def head(number: int, length: int = 2) -> bytes:
    return wire.HEADER.pack(length, number)


# What a host may send on a line, given the number of what was asked: nothing of it is an answer to that.
WRONG: dict[str, Callable[[int], bytes]] = {
    "another's number": lambda number: wire.packed(ANNAS, number + 1),
    "the number before": lambda number: wire.packed(ANNAS, number - 1),
    "no number": lambda number: wire.packed(ANNAS),
    "half a header": lambda number: head(number)[:5],
    "half a frame": lambda number: wire.packed(ANNAS, number)[:-1],
    "a huge length": lambda number: head(number, 2**32 - 1),
    "no JSON": lambda number: head(number) + b"{x",
    "another kind of frame": lambda number: head(number, 17) + b'{"kind":"status"}',
    "nothing": lambda number: b"",
}


class Scripted:
    """A host that answers the frames of its one line as it is told, then ends it.

    Args:
        answers: bytes to send for each frame, given its number; None for no answer, with the line left open.
    """

    def __init__(self, *answers: Callable[[int], bytes] | None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="l")  # its path is short enough for a socket
        self.path = f"{self._folder.name}/line.sock"
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(self.path)
        self._listening.listen()
        self.numbers: list[int] = []
        self._thread = threading.Thread(target=self._serve, args=(answers,))
        self._thread.start()

    def _serve(self, answers: tuple[Callable[[int], bytes] | None, ...]) -> None:
        line, _ = self._listening.accept()
        with line, contextlib.suppress(ConnectionError, EOFError):
            for answer in answers:
                length, number = wire.HEADER.unpack(exactly(line, wire.HEADER.size))
                exactly(line, length)
                self.numbers.append(number)
                if answer is None:
                    line.recv(1)  # until the other side is gone
                else:
                    line.sendall(answer(number))

    def end(self) -> None:
        self._thread.join()
        self._listening.close()
        self._folder.cleanup()


@pytest.mark.parametrize("wrong", WRONG)
def test_a_reply_that_is_none_ends_the_line_for_good(wrong: str) -> None:
    host = Scripted(WRONG[wrong])
    line = Line(host.path)
    for _ in range(2):
        with pytest.raises(HostLost):
            line.ask(wire.Status())
    assert line.ended
    line.close()
    host.end()
    assert len(host.numbers) == 1


def test_after_a_time_out_a_reply_that_comes_late_is_given_to_nobody() -> None:
    host = Scripted(None)
    line = Line(host.path, timeout=0.01)
    for _ in range(2):
        with pytest.raises(HostLost):
            line.ask(wire.Status())
    host.end()
    assert len(host.numbers) == 1


def test_a_reply_that_comes_twice_is_no_answer_to_what_is_asked_next() -> None:
    host = Scripted(lambda number: wire.packed(ANNAS, number) * 2, lambda number: b"")
    line = Line(host.path)
    assert line.ask(wire.Status()) == ANNAS
    with pytest.raises(HostLost, match="was asked"):
        line.ask(wire.Status())
    line.close()
    host.end()


def test_an_interrupt_ends_the_line_since_its_reply_is_still_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Scripted(None)
    line = Line(host.path)

    def interrupted(_: int) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(line, "_exactly", interrupted)
    with pytest.raises(KeyboardInterrupt):
        line.ask(wire.Status())
    with pytest.raises(HostLost):
        line.ask(wire.Status())
    host.end()


def test_threads_that_share_a_line_get_each_their_own_reply(serving: Serving) -> None:
    line = Line(serving.open().socket)
    asked = [request(f"Question {number}") for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(line.ask, asked))
    line.close()
    assert [said(reply, each) for reply, each in zip(replies, asked, strict=True)] == [[expected(e)] for e in asked]


def test_lines_begin_with_numbers_of_their_own() -> None:
    starts = []
    for _ in range(4):
        host = Scripted(lambda number: wire.packed(ANNAS, number))
        line = Line(host.path)
        line.ask(wire.Status())
        line.close()
        host.end()
        starts += host.numbers
    assert len(set(starts)) == 4


def test_a_notebook_whose_line_fails_takes_no_other_with_it(serving: Serving) -> None:
    anna, bo = serving.open("anna"), serving.open("bo")
    ask(anna, request("Anna's"))
    ask(bo, request("Bo's"))
    anna._line.close()
    with pytest.raises(HostLost):
        anna.transcript()
    assert [r.text for r in bo.transcript().requests] == ["Bo's"]
    assert serving.host.alive()


def test_a_host_is_asked_on_another_line_when_the_last_one_has_ended(serving: Serving) -> None:
    serving.host.status()
    assert serving.host._line is not None
    serving.host._line._end("as after a time-out")
    assert serving.host.status().notebooks == 0
