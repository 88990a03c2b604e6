"""Whether a text is what a model said, whether it repeats itself, and how much of it is told."""

from __future__ import annotations

import pytest
from right_work import BASE, request

from autograder.facts.transcript import Message, plain
from autograder.judging.failures import shown
from autograder.judging.outputs import holds, repetition

LONG = "Here is an answer of a certain length, with a second half."
HELD = [
    # text of the variable, what came back, whether the text is that answer
    (LONG, LONG, True),
    (f"Human: hi{LONG}", LONG, True),
    (LONG.replace(" ", "\n") + "  ", LONG, True),
    (LONG[:30], LONG, True),
    (LONG[20:], LONG, True),
    (LONG[:8], LONG, False),
    ("Yes, of", "Yes, of c", True),
    ("Yes", "Yes, of course", False),
    ("<bos>Human: hi<eot>" + LONG + "<|eot_id|>", LONG, True),
    ("", "", True),
    ("Human: hi", "", True),
    ("", LONG, False),
    ("Human: hi", LONG, False),
    ("Human: hi" + LONG[:30], LONG, True),
    ("Human: hi" + LONG[:8], LONG, False),
    ("i" + LONG[:30], LONG, True),
    (LONG + " And more.", LONG, True),
    ("Yes! And more.", "Yes!", False),
    (LONG.upper(), LONG, False),
    ("a < b and b > a", "a < b and b > a", True),
]


@pytest.mark.parametrize(("kept", "came", "held"), HELD)
def test_an_answer_is_known_again(kept: str, came: str, held: bool) -> None:
    assert holds(kept, request(BASE, "Human: hi", came)) is held


@pytest.mark.parametrize(("kept", "outputs", "held"), [("", (), False), ("Two.", ("One.", "Two."), True)])
def test_any_of_several_outputs_is_the_answer_and_none_is_none(kept: str, outputs: tuple[str, ...], held: bool) -> None:
    assert holds(kept, request(BASE, "x").model_copy(update={"outputs": outputs})) is held


REPEATED = [
    # text, the piece that comes three times or more
    ("I am a robot. I am a robot. I am a robot.", ("I am a robot.", 3)),
    ("one line here\none line here\none line here\none line here", ("one line here", 4)),
    ("I am a robot. I am a robot. And so are you.", None),
    ("I agree. I agree. I agree.", ("I agree.", 3)),
    ("Agreed. Agreed. Agreed.", None),
    ("", None),
]


@pytest.mark.parametrize(("said", "found"), REPEATED)
def test_what_comes_three_times_is_repetition(said: str, found: tuple[str, int] | None) -> None:
    assert repetition(said) == found


@pytest.mark.parametrize(("length", "said"), [(160, "x" * 160), (161, "x" * 159 + "…")])
def test_what_is_told_of_a_long_text_is_its_beginning(length: int, said: str) -> None:
    assert shown("x" * length) == said


PLAIN: list[tuple[tuple[Message, ...], str]] = [
    ((), ""),
    ((("system", "Be kind."), ("human", "Hi"), ("ai", "Hello")), "System: Be kind.\nHuman: Hi\nAI: Hello"),
    ((("tool", "x"),), "tool: x"),
]


@pytest.mark.parametrize(("messages", "said"), PLAIN)
def test_messages_become_text_as_langchain_writes_them(messages: tuple[Message, ...], said: str) -> None:
    assert plain(messages) == said
