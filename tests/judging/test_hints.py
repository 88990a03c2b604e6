"""What hints say: never the solution, always where to look; and each has a mistake in the library that shows it."""

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

IN_FACTS_ALONE = {
    "broken",
    "no-evidence",
    "no-model-raised",
    "other-device",
    "prompt-not-inside",
    "prompt-raised",
    "temperature-whole",
}
"""Hints that no wrong solution of the library must show; rows of `test_wrong_work.py` do."""


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


def test_each_hint_has_a_wrong_solution_that_must_show_it() -> None:
    assert set(HINTS) - {solution.hint for solution in WRONG} == IN_FACTS_ALONE


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
