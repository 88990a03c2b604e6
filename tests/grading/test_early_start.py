"""When helpers are begun before anything asks for them, and how they reach the process that grades."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course.profile import Profile
from autograder.grading.early_start import VARIABLE, first_model, something_new

ASKS = "from autograder.grading.early_start import VARIABLE, handed_over; import os; print(handed_over(), VARIABLE in os.environ)"


def hand_in(course: Path, *students: str, where: str = "submitted") -> None:
    for student in students:
        (course / where / student / "chatbot").mkdir(parents=True)


def test_a_submission_that_has_not_been_graded_is_new(tmp_path: Path) -> None:
    hand_in(tmp_path, "anna", "bjorn")
    hand_in(tmp_path, "anna", where="autograded")
    assert something_new(tmp_path, "chatbot")
    assert something_new(tmp_path, "chatbot", "bjorn")
    assert not something_new(tmp_path, "chatbot", "anna")
    assert not something_new(tmp_path, "other")


def test_a_class_that_has_been_graded_has_nothing_new(tmp_path: Path) -> None:
    for where in ("submitted", "autograded"):
        hand_in(tmp_path, "anna", where=where)
    assert not something_new(tmp_path, "chatbot")


def test_the_first_model_is_the_first_notebooks(llama: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_model(llama) == llama.model("base").name
    monkeypatch.setenv("AUTOGRADER_ECHO", "1")
    assert first_model(llama) == ""


def test_helpers_are_handed_over_when_they_are_ready_and_the_variable_goes_no_further() -> None:
    reading, writing = os.pipe()
    env = {**os.environ, VARIABLE: f"{reading} /run/parent.sock"}
    command = [sys.executable, "-c", ASKS]
    with subprocess.Popen(command, env=env, pass_fds=[reading], stdout=subprocess.PIPE, text=True) as process:
        os.close(reading)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2.0)
        os.close(writing)
        assert process.stdout is not None
        assert process.stdout.read() == "/run/parent.sock False\n"


@pytest.mark.parametrize("value", ["", "nonsense", "99 ", "x /run/parent.sock"])
def test_without_anybody_who_hands_over_nothing_is_waited_for(value: str) -> None:
    env = {**os.environ, VARIABLE: value}
    found = subprocess.run([sys.executable, "-c", ASKS], env=env, capture_output=True, text=True, check=True)
    assert found.stdout == "None False\n"
