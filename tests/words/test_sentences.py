"""The sentences that students read: both languages alike, helpful, short, and never the solution."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from autograder.facts.verdict import Criterion, Sentence, Verdict, Words
from autograder.words import render
from autograder.words.checks import EXPECTED, FOUND, NOTES, OBSERVATIONS, REASONS, TITLES
from autograder.words.grading import INCIDENTS, MODELS, REPAIRS, UNREADABLE
from autograder.words.hand_in import HAND_IN
from autograder.words.hints import HINTS
from autograder.words.pages import FEEDBACK, LAYOUT
from autograder.words.tables import words_of
from autograder.words.watch import PROMISE, WATCH

TABLES = (
    TITLES, HINTS, EXPECTED, FOUND, NOTES, OBSERVATIONS, REASONS, INCIDENTS, MODELS, REPAIRS, UNREADABLE, HAND_IN, LAYOUT,
    FEEDBACK, PROMISE, WATCH,
)  # fmt: skip
ENTRIES = [pytest.param(words_of(entry), id=f"{table.name}-{key}") for table in TABLES for key, entry in table.items()]
EACH_HINT = [pytest.param(words_of(hint), id=key) for key, hint in HINTS.items()]

SOLUTION_CODE = [
    "prompt | llm", "from_model_id(", "max_new_tokens=", "do_sample=True", "temperature=", "device=0",
    "MessagesPlaceholder(", ".invoke(", "os.environ[", "|",
]  # fmt: skip
THEME = ["pirat", "arr,", "boat", "ship", "båt", "skip", "sjørøver", "tutor"]

TERMS = {
    # a stem that the Norwegian words use, and the stems of anglicisms for the same
    "ledetekst": ["prompt"],
    "systemledetekst": ["systemprompt", "system prompt"],
    "plassholder": ["placeholder"],
    "kjede": ["chain"],
    "basismodell": ["base model", "basemodel"],
    "instruksjonstren": ["instruct"],
    "temperatur": [],
    "trekk": ["sampl"],
    "kjerne": ["kernel"],
    "lever": ["submit", "hand in"],
    "kall": ["invoke"],
}
LONG = {
    "variable": "chatbot_small",
    "error": "ValidationError: 1 validation error for HuggingFacePipeline: Extra inputs are not permi…",
    "type": "RunnableBindingWithFallbacks",
    "found": "meta-llama/Llama-3.2-3B-Instruct",
    "expected": "meta-llama/Llama-3.2-1B-Instruct",
    "question": "Why do we split data into training and test sets?",
    "setting": "top_p=0.00001",
    "name": "chatbot_small",
    "n": 4096,
    "t": 10.0,
    "right": 7,
    "all": 8,
}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def prose(text: str) -> str:
    """The text without what stands as code: names in backticks, and values that are filled in."""
    return re.sub(r"`[^`]*`|\{[^}]*\}", " ", text).replace("ChatHuggingFace", " ").replace("LangChain", " ").lower()


NORWEGIAN = [pytest.param(e.values[0].nb, id=e.id) for e in ENTRIES]
ALL_NORWEGIAN = " ".join(prose(p.values[0]) for p in NORWEGIAN)


@pytest.mark.parametrize("entry", ENTRIES)
def test_both_languages_say_something(entry: Words) -> None:
    assert entry.nb.strip()
    assert entry.en.strip()


@pytest.mark.parametrize("entry", ENTRIES)
def test_both_languages_fill_in_the_same_values(entry: Words) -> None:
    assert placeholders(entry.nb) == placeholders(entry.en)


@pytest.mark.parametrize("entry", ENTRIES)
def test_backticks_come_in_pairs(entry: Words) -> None:
    assert entry.nb.count("`") % 2 == 0
    assert entry.en.count("`") % 2 == 0


@pytest.mark.parametrize("entry", ENTRIES)
def test_both_languages_name_the_same_code(entry: Words) -> None:
    code = re.compile(r"`[^`]*`")
    assert set(code.findall(entry.nb)) == set(code.findall(entry.en))


@pytest.mark.parametrize("entry", ENTRIES)
def test_no_sentence_speaks_of_what_the_chatbot_is_about(entry: Words) -> None:
    assert [w for w in THEME for text in (entry.nb, entry.en) if re.search(rf"\b{w}", text.lower())] == []


@pytest.mark.parametrize("hint", EACH_HINT)
def test_no_hint_holds_the_code_of_a_solution(hint: Words) -> None:
    assert [code for code in SOLUTION_CODE for text in (hint.nb, hint.en) if code in text] == []


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("hint", HINTS.values(), ids=lambda hint: hint.key)
def test_a_hint_takes_four_lines_at_most(hint: Sentence, language: str) -> None:
    criterion = Criterion(
        name="c",
        title=Words(nb="t", en="t"),
        points=1,
        earned=0,
        outcome="failed",
        hint=hint.fill(**LONG),
    )
    verdict = Verdict(task="chain", check_id="check-chain", points=1, criteria=(criterion,))
    _, lines = render.as_text(verdict, language).split("\n\n")  # type: ignore[arg-type]
    assert len(lines.split("\n")) <= 4
    assert max(map(len, lines.split("\n"))) <= 100


@pytest.mark.parametrize("term", TERMS)
def test_the_norwegian_words_use_the_terms_of_the_course(term: str) -> None:
    assert re.search(rf"\b{term}", ALL_NORWEGIAN)


@pytest.mark.parametrize("text", NORWEGIAN)
def test_norwegian_prose_is_free_of_anglicisms(text: str) -> None:
    assert [word for terms in TERMS.values() for word in terms if re.search(rf"\b{word}", prose(text))] == []


@pytest.mark.parametrize("hint", EACH_HINT)
def test_a_norwegian_hint_is_not_the_english_one(hint: Words) -> None:
    assert hint.nb != hint.en
