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
ENTRIES = {f"{table.name}-{key}": words_of(entry) for table in TABLES for key, entry in table.items()}
EACH_HINT = {key: words_of(hint) for key, hint in HINTS.items()}

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


ALL_NORWEGIAN = " ".join(prose(entry.nb) for entry in ENTRIES.values())


def test_both_languages_say_something() -> None:
    assert [name for name, entry in ENTRIES.items() if not (entry.nb.strip() and entry.en.strip())] == []


def test_both_languages_fill_in_the_same_values() -> None:
    assert [name for name, entry in ENTRIES.items() if placeholders(entry.nb) != placeholders(entry.en)] == []


def test_backticks_come_in_pairs() -> None:
    assert [name for name, entry in ENTRIES.items() if entry.nb.count("`") % 2 or entry.en.count("`") % 2] == []


def test_both_languages_name_the_same_code() -> None:
    code = re.compile(r"`[^`]*`")
    assert [name for name, e in ENTRIES.items() if set(code.findall(e.nb)) != set(code.findall(e.en))] == []


def test_no_sentence_speaks_of_what_the_chatbot_is_about() -> None:
    theme = re.compile(rf"\b({'|'.join(THEME)})")
    assert [name for name, entry in ENTRIES.items() if theme.search(f"{entry.nb} {entry.en}".lower())] == []


def test_no_hint_holds_the_code_of_a_solution() -> None:
    said = {key: f"{hint.nb} {hint.en}" for key, hint in EACH_HINT.items()}
    assert [(key, code) for key, text in said.items() for code in SOLUTION_CODE if code in text] == []


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("hint", HINTS.values(), ids=lambda hint: hint.key)
def test_a_hint_takes_four_lines_at_most(hint: Sentence, language: str) -> None:
    title = Words(nb="t", en="t")
    criterion = Criterion(name="c", title=title, points=1, earned=0, outcome="failed", hint=hint.fill(**LONG))
    verdict = Verdict(task="chain", check_id="check-chain", points=1, criteria=(criterion,))
    _, lines = render.as_text(verdict, language).split("\n\n")  # type: ignore[arg-type]
    assert len(lines.split("\n")) <= 4
    assert max(map(len, lines.split("\n"))) <= 100


def test_the_norwegian_words_use_the_terms_of_the_course() -> None:
    assert [term for term in TERMS if not re.search(rf"\b{term}", ALL_NORWEGIAN)] == []


def test_norwegian_prose_is_free_of_anglicisms() -> None:
    anglicism = re.compile(rf"\b({'|'.join(word for words in TERMS.values() for word in words)})")
    assert {name: entry.nb for name, entry in ENTRIES.items() if anglicism.search(prose(entry.nb))} == {}


def test_a_norwegian_hint_is_not_the_english_one() -> None:
    assert [key for key, hint in EACH_HINT.items() if hint.nb == hint.en] == []
