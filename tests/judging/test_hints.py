"""What hints say: never the solution, always where to look; and the commonest mistakes each have one of their own."""

from __future__ import annotations

import pytest
from conftest import ROOT
from test_sentences import LONG

from autograder.course.profile import Profile
from autograder.facts.evidence import Evidence, Failure
from autograder.facts.verdict import Criterion, Verdict, Words
from autograder.grading.records import Record
from autograder.judging.contract import ASSIGNMENT, task_of, tasks
from autograder.words.hints import HINTS
from autograder.words.tables import LANGUAGES, say
from trials.classes import reference
from trials.selftest.findings import Submission, compare_hints
from trials.selftest.hint_rules import given_away, names_a_place, pieces_of
from trials.selftest.solutions import WRONG

MISTAKES = {
    # what a student did: the hint that is due, and a wrong solution of the library that must show it
    "HF_HOME was not set": ("home-unset", "model home: nothing done"),
    "HF_HOME is another folder": ("home-other", "model home: another folder"),
    "the variable is misspelled": ("missing", "load: the variable is misspelled"),
    "the cell stopped with an error": ("missing-raised", "load: a typo in the model's name"),
    "the variable is None": ("none", "load: None"),
    "cells stand or ran out of order": ("out-of-order", "asked in a cell that stands before the one with the chain"),
    "instruct model for base": ("instruct-for-base", "base model: the instruct model instead"),
    "base model for instruct": ("base-for-instruct", "instruct-small: the base model"),
    "model of another size": ("wrong-model", "instruct-large: the model of the other size"),
    "model on the processor": ("on-cpu", "load: on the processor"),
    "pipeline of transformers for LangChain's": ("wrapped-model", "load: a bare transformers pipeline"),
    "an answer for the pipeline": ("not-a-pipeline", "load: an answer of the model"),
    "chat model around the wrong class": ("chat-wrapper", "load: a chat model around community's class"),
    "no limit": ("limit-default", "limit: loaded again without a limit"),
    "another limit": ("limit-other", "limit: one too many"),
    "limit as max_length": ("limit-total", "limit: on the whole text, with max_length"),
    "limit in model_kwargs": ("setting-refused", "limit: in model_kwargs"),
    "limit straight to the class": ("setting-refused", "limit: straight to from_model_id, which refuses it"),
    "limit as text": ("limit-refused", "limit: a text"),
    "limit bound where nobody reads it": ("limit-ignored", "limit: bind that is ignored"),
    "left as in the task before": ("left-over", "limit: set in the task before, and nothing done"),
    "answers in a list": ("answers-type", "arguments: a list"),
    "answers with letters missing": ("answers-letters", "arguments: one is missing"),
    "answers with other arguments": ("answers-unknown", "arguments: a typo in one"),
    "some answers wrong": ("answers-some", "arguments: two swapped"),
    "a text for the prompt": ("prompt-type", "prompt: a text with an f in front"),
    "placeholder under another name": ("prompt-variables", "prompt: the placeholder has another name"),
    "no system prompt": ("system-missing", "prompt: no system prompt"),
    "another system prompt": ("system-other", "prompt: another system prompt"),
    "placeholder before the system message": ("system-last", "prompt: the placeholder before the system prompt"),
    "a text variable for the placeholder": ("placeholder-text", "prompt: the placeholder is a text variable"),
    "no placeholder": ("placeholder-missing", "prompt: no placeholder"),
    "question inside the prompt": ("question-inside", "prompt: the question inside, after the placeholder"),
    "more messages in the prompt": ("prompt-extra", "prompt: the placeholder twice"),
    "a function for the chain": ("not-runnable", "chain: a function"),
    "an answer for the chain": ("chain-is-answer", "chain: an answer"),
    "chain reversed": ("chain-reversed", "chain: reversed"),
    "no model in the chain": ("no-model-asked", "chain: the prompt alone"),
    "no prompt in the chain": ("text-no-prompt", "chain: the model alone"),
    "question inside the chain": ("text-no-question", "chain: a fixed question"),
    "text added by the chain": ("text-other", "chain: text added after the prompt"),
    "sampling off": ("temperature-off", "temperature-1: sampling off"),
    "sampling cancelled": ("sampling-cancelled", "temperature-1: top_k leaves one token"),
    "temperature as text": ("temperature-text", "temperature-1: a text"),
    "temperature with a decimal comma": ("decimal-comma", "temperature-2: a decimal comma in the dict"),
    "another temperature": ("temperature-other", "temperature-1: a little too warm"),
    "temperature bound where nobody reads it": ("temperature-ignored", "temperature-1: straight to bind"),
    "no temperature": ("temperature-none", "temperature-1: sampling, and no temperature"),
    "temperature given to the call": ("temperature-none", "temperature-3: given to the call"),
    "temperature bound to the chain": ("settings-on-chain", "temperature-3: bound to the chain"),
    "device as a text": ("device-text", "load: the device as a text"),
    "temperature straight to the class": ("setting-refused", "temperature-2: refused by from_model_id"),
    "question not asked": ("not-asked", "who-are-you: nothing done"),
    "question misspelled": ("asked-nearly", "who-are-you: the question lacks its last character"),
    "both questions at once": ("asked-together", "ideal-boat: both questions in one call"),
    "another model asked": ("asked-other-model", "instruct-large: the small chatbot's answer again"),
    "the temperature before asked": ("temperature-asked", "temperature-2: the chain before is asked"),
    "the prompt kept for the answer": ("not-kept", "asked, and the prompt's text is kept"),
    "print's result kept": ("kept-none", "print's result is kept"),
    "answer to another question kept": ("kept-other", "ideal-boat: the wrong answer of a batch"),
    "answer kept from an earlier cell": ("kept-again", "ideal-boat: both asked, the first answer kept"),
    "a list kept for the answer": ("kept-type", "who-are-you: a batch is kept whole"),
}


@pytest.fixture(scope="module", params=["llama", "gemma", "third", "nucleus"])
def profile(request: pytest.FixtureRequest) -> Profile:
    loaded: Profile = request.getfixturevalue(request.param)
    return loaded


def secret(profile: Profile) -> frozenset[str]:
    cells = reference(ROOT / "source" / ASSIGNMENT, profile)
    return pieces_of(cells[task.id] for task in tasks(profile) if task.judged_by == "autograder")


@pytest.fixture(scope="module")
def pieces(profile: Profile) -> frozenset[str]:
    return secret(profile)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_common_mistake_has_a_wrong_solution_that_must_show_its_hint(mistake: str) -> None:
    key, name = MISTAKES[mistake]
    assert key in HINTS
    assert [s.name for s in WRONG if name in s.name and s.hint == key]


def test_most_mistakes_have_a_hint_of_their_own() -> None:
    assert len({key for key, _ in MISTAKES.values()} - {"missing", "missing-raised", "none"}) >= 30


@pytest.mark.parametrize("key", HINTS)
def test_no_hint_holds_a_piece_of_the_solution_whatever_is_filled_in(
    key: str, profile: Profile, pieces: frozenset[str]
) -> None:
    filled = HINTS[key].fill(**LONG)
    assert [given_away(text, pieces, profile) for text in (say(filled, language) for language in LANGUAGES)] == [
        None,
        None,
    ]


@pytest.mark.parametrize("key", HINTS)
def test_every_filled_in_hint_names_a_variable_or_a_cell(key: str, llama: Profile) -> None:
    task = task_of("check-instruct-small", llama)
    assert task is not None
    filled = HINTS[key].fill(**LONG)
    assert all(names_a_place(say(filled, language), task) for language in LANGUAGES)


@pytest.mark.parametrize(
    "text",
    [
        "Write `chatbot = prompt | llm`.",
        "Write prompt|llm in `chatbot`.",
        "Set max_new_tokens = 100 in `llm`.",
        'Give "max_new_tokens": 100 to the pipeline.',
        "Say `device=0`.",
        "Call `chatbot.invoke(…)`.",
        "Use HuggingFacePipeline.from_model_id(…).",
        "Add MessagesPlaceholder('messages').",
        "Give it 'do_sample': True.",
        "In `answers`, b is device.",
        "I `answers` er b: `device`.",
        "from langchain_core.messages import HumanMessage",
        "os.environ['HF_HOME'] is what you need.",
    ],
)
def test_a_text_with_a_piece_of_the_solution_is_found_out(text: str, llama: Profile) -> None:
    assert given_away(text, secret(llama), llama) is not None


@pytest.mark.parametrize(
    "text",
    ["`llm` is on cpu.", "top_k=1 leaves one token.", "Give it to the pipeline, not to `.bind`.", "a, b, c: device"],
)
def test_words_about_the_solution_are_not_the_solution(text: str, llama: Profile) -> None:
    assert given_away(text, secret(llama), llama) is None


@pytest.mark.parametrize(
    ("hint", "found", "kinds"),
    [
        ("Look at `llm`.", "device=0", set()),
        ("Look at `llm`: device=0.", "device=0", set()),  # the student's own words
        ("Look at `llm`: device=0.", "cpu", {"solution given away"}),
        (
            "`llm` stopped with TypeError: C.from_model_id() wants more.",
            "cpu",
            set(),
        ),  # so are Python's about their code
        ("`llm` stopped with TypeError: C.from_model_id() wants more. Set device=0.", "cpu", {"solution given away"}),
        ("Think again.", "cpu", {"no place named"}),
    ],
)
def test_a_hint_that_was_shown_is_judged_as_it_was_filled_in(
    hint: str, found: str, kinds: set[str], llama: Profile
) -> None:
    said, title = Words(nb=hint, en=hint), Words(nb="t", en="t")
    criterion = Criterion(
        name="kind", title=title, points=1, earned=0, outcome="failed", hint=said, found=Words(nb=found, en=found)
    )
    verdict = Verdict(task="load-model", check_id="check-load-model", points=1, criteria=(criterion,))
    evidence = Evidence(
        check_id="check-load-model", raised=Failure(name="TypeError", message="C.from_model_id() wants more.")
    )
    record = Record(verdicts=(verdict,), evidence=(evidence,))
    findings = compare_hints(Submission("x", "chatbot"), record, secret(llama), llama)
    assert {f.kind for f in findings} == kinds
