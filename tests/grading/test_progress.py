"""How far a run is, from one process to another: here both ends are in one."""

from __future__ import annotations

import os
import threading

import pytest

from autograder.grading.progress import SAID, STATE, Counted, Listener, Teller


def heard(monkeypatch: pytest.MonkeyPatch, tell) -> tuple[int, list[str]]:  # type: ignore[no-untyped-def]
    lines: list[str] = []
    listener = Listener(lambda: None, lines.append)
    with listener:
        for name, value in listener.env.items():
            monkeypatch.setenv(name, value)
        tell(Teller())
    return listener.heard, lines


def test_what_is_told_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(teller: Teller) -> None:
        teller.tell()
        teller.state(Counted(waiting=3, running=2, done=1))
        teller.say("Dask's dashboard:\nhttp://127.0.0.1")
        teller.tell()

    states = [f"{STATE}3 waiting, 2 under way, 1 done", f"{SAID}Dask's dashboard: http://127.0.0.1"]
    assert heard(monkeypatch, tell) == (2, states)


def test_lines_of_several_threads_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(teller: Teller) -> None:
        threads = [
            threading.Thread(target=lambda n=n: [teller.say(str(n) * 3000) for _ in range(50)]) for n in range(8)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    _, lines = heard(monkeypatch, tell)
    assert len(lines) == 400
    assert {line.removeprefix(SAID) for line in lines} == {str(number) * 3000 for number in range(8)}


def test_where_nobody_listens_telling_does_nothing() -> None:
    assert "AUTOGRADER_PROGRESS" not in os.environ
    Teller().tell()
