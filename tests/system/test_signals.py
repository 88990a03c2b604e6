"""The first SIGTERM ends a process in good order, and those that come meanwhile do not disturb it."""

from __future__ import annotations

import signal

import pytest

from autograder.system.signals import ENDING, ends_on_sigterm


@pytest.mark.parametrize("number", ENDING)
def test_what_is_under_way_ends_once_whatever_comes_meanwhile(number: signal.Signals) -> None:
    before, given_back = signal.getsignal(number), list[str]()

    @ends_on_sigterm()
    def graded() -> None:
        try:
            with ends_on_sigterm():
                signal.raise_signal(number)
        finally:
            signal.raise_signal(number)
            given_back.append("jobs")

    with pytest.raises(SystemExit) as ended:
        graded()
    assert (given_back, ended.value.code) == (["jobs"], 128 + number)
    assert signal.getsignal(number) is before
