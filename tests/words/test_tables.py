"""Sentences by their keys: filled, kept as JSON, and said in a language, whatever they are filled with."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.facts.verdict import Criterion, Sentence, Words
from autograder.words.checks import FOUND, REASONS
from autograder.words.grading import INCIDENTS, UNREADABLE
from autograder.words.hand_in import HAND_IN
from autograder.words.hints import HINTS
from autograder.words.tables import LANGUAGES, Table, blank, say, w, words_of


def test_a_sentence_says_its_words_with_its_values_in_each_language() -> None:
    sentence = REASONS["a-person-looks"].fill(what=FOUND["value"].fill(value=0.7))
    inner = Sentence(key="found/value", values={"value": 0.7})
    assert sentence == Sentence(key="reasons/a-person-looks", values={"what": inner})
    assert [say(sentence, language) for language in LANGUAGES] == [
        "0.7 En person ser på det.",
        "0.7 A person will look.",
    ]


def test_the_words_of_an_earlier_record_are_said_as_they_stand() -> None:
    assert [say(Words(nb="ett {hull}", en="a {hole}"), language) for language in LANGUAGES] == [
        "ett {hull}",
        "a {hole}",
    ]


VALUES = [
    # a value, and how it has always been written
    (100, "100"),
    (100.0, "100.0"),
    (True, "True"),
    (None, "None"),
    ([1, 2], "[1, 2]"),
    (math.inf, "inf"),
    (math.nan, "nan"),
    (10**30, "1" + 30 * "0"),
    ("{variable} {", "{variable} {"),
    ("half \ud800", "half \\ud800"),
    (OSError("no space"), "no space"),
]


@pytest.mark.parametrize(("value", "text"), VALUES, ids=lambda value: ascii(value)[:20])
def test_a_value_is_written_as_ever_also_after_its_way_through_json(value: object, text: str) -> None:
    sentence = FOUND["value"].fill(value=value)
    again = Sentence.model_validate_json(sentence.model_dump_json())
    assert [say(each, language) for each in (sentence, again) for language in LANGUAGES] == [text] * 4


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("a`{}<«\ud800\0", max_size=8),
    lambda inner: st.builds(lambda value: FOUND["value"].fill(value=value), inner),
    max_leaves=3,
)


@given(st.dictionaries(st.sampled_from(["variable", "found", "t", "other"]), VALUE))
def test_whatever_fills_it_a_sentence_is_kept_and_said(values: dict[str, object]) -> None:
    criterion = Criterion(
        name="c", title=HINTS["temperature-other"].fill(**values), points=1, earned=0, outcome="failed"
    )
    again = Criterion.model_validate_json(criterion.model_dump_json())
    assert (again, hash(again.title)) == (criterion, hash(criterion.title))
    assert say(again.title, "nb") == say(criterion.title, "nb")


UNKNOWN = {
    "a table of a later version": Sentence(key="advice/missing").fill(variable="llm"),
    "an entry of a later version": Sentence(key="hints/unheard-of").fill(variable="llm"),
    "no table": Sentence(key="").fill(variable="llm"),
    "a value that is not there": HINTS["wrong-model"].fill(variable="llm"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_a_sentence_that_is_not_known_is_told_by_its_key_and_its_values(what: str) -> None:
    for language in LANGUAGES:
        for shown in (say(UNKNOWN[what], language), say(FOUND["value"].fill(value=UNKNOWN[what]), language)):
            assert UNKNOWN[what].key in shown
            assert "variable = llm" in shown


def test_blanks_are_shown_as_blanks() -> None:
    assert say(blank(INCIDENTS["time"]), "en") == "The cell «…» took too long when the notebook was graded."
    assert say(blank(UNREADABLE["empty"]), "en") == say(UNREADABLE["empty"], "en")


def test_each_text_in_a_sentence_can_be_changed_and_nothing_else_of_it() -> None:
    inner = HAND_IN["extra"].fill(names="kari.txt")
    sentence = Sentence(key="hints/missing").fill(variable="kari", n=7, what=inner)
    masked = sentence.changed(lambda text: text.replace("kari", "…"))
    assert masked == sentence.fill(variable="…", n=7, what=inner.fill(names="….txt"))
    assert Words(nb="kari", en="of kari").changed(str.upper) == Words(nb="KARI", en="OF KARI")


def test_a_table_grows_and_a_sentence_keeps_its_words() -> None:
    several = Table("test-tables", {"one": w("en", "one")})
    several.add({"two": w("to", "two")})
    assert words_of(several["two"]) == w("to", "two")
    with pytest.raises(ValueError, match="test-tables/one"):
        several.add({"one": w("ett", "one")})
    assert say(several["one"], "nb") == "en"
