"""Each mistake costs exactly its own criteria, and shows the hint that is due. What a kernel makes of a mistake is tried by
the library of `trials/selftest`; here stands one row for each reason for which a criterion fails.
"""

from __future__ import annotations

import re

import pytest
from right_work import (
    ASKED,
    BASE,
    DEFAULT,
    FIRST,
    FULL,
    GEMMA,
    INSTRUCT,
    LARGE,
    NUCLEUS,
    OUTPUT,
    QUESTION,
    SECOND,
    SYSTEM,
    Change,
    Row,
    a_dict,
    also_asks,
    arrives,
    asks,
    before,
    both,
    each,
    earlier,
    failed,
    gone,
    holds,
    ideal,
    in_session,
    is_,
    keeps,
    later,
    never_asks,
    of,
    prompt_fails,
    prompt_gives,
    raised,
    recorded_late,
    request,
    right,
    silent,
    templated,
    text,
)

from autograder.facts.evidence import Failure, PromptFacts, Variable
from autograder.facts.transcript import Message, plain
from autograder.facts.verdict import Sentence
from autograder.judging.judge import judge
from autograder.judging.tasks.limit_output import PIPELINE_LIMIT
from autograder.words.checks import REASONS
from autograder.words.hints import HINTS
from autograder.words.tables import LANGUAGES, say


def hints(row: Row) -> dict[str, str]:
    """By criterion, the hint that a row expects: "asked: not-asked, kept model: missing"."""
    parts = [part.split(": ") for part in row.expected.split(", ")]
    return {name: hint for names, hint in parts for name in names.split()}


# What Python and the libraries say

TYPE_ERROR = Failure(name="TypeError", message="unsupported operand")
SHOWN = "TextGenerationPipeline: {'model': 'LlamaForCausalLM', 'device': 'cuda', 'output_modalities': ('text',)}"
A_SET = Failure(name="TypeError", message=f"{SHOWN} argument after ** must be a mapping, not set")
A_NUMBER = Failure(name="TypeError", message="keywords must be strings")
NO_DICT = """1 validation error for HuggingFacePipeline
pipeline_kwargs
  Input should be a valid dictionary [type=dict_type, input_value=['max_new_tokens', 5], input_type=list]"""
NO_INVOKE = Failure(name="TypeError", message="str has no invoke")
CHAT_ERROR = Failure(name="TypeError", message="Expected llm to be one of HuggingFaceEndpoint, got RunnableBinding")
NO_TEMPLATE = Failure(
    name="ValueError", message="Cannot use chat template functions because tokenizer.chat_template is not set"
)
KEY_ERROR = Failure(name="KeyError", message="Input to ChatPromptTemplate is missing variables {'history'}.")
TEXT_FOR_NUMBER = "'<' not supported between instances of 'str' and 'int'"
COMMA = "positional argument follows keyword argument"
COMMA_IN_DICT = "':' expected after dictionary key (cell, line 3)"
UNEXPECTED = "LlamaForCausalLM.__init__() got an unexpected keyword argument"
EXTRA = """1 validation error for HuggingFacePipeline
max_new_tokens
  Extra inputs are not permitted [type=extra_forbidden, input_value=5, input_type=int]"""
REFUSED = '"HuggingFacePipeline" object has no field "max_new_tokens"'
A_LIST = Variable(state="there", type="list")

MISSING = [
    # task, variable, the criteria that fail without it
    *(
        Row(task, f"{variable} is missing", f"{criteria}: missing", (gone(variable),), profile)
        for task, variable, criteria, profile in [
            ("load-model", "llm", "kind model device", DEFAULT),
            ("limit-output", "llm", "limit", DEFAULT),
            ("arguments", "answers", "format answers", DEFAULT),
            ("prompt", "prompt", "system placeholder", DEFAULT),
            ("chain", "chatbot", "runnable text model", DEFAULT),
            ("who-are-you", "result", "kept", DEFAULT),
            ("instruct-small", "chatbot_small", "model text", DEFAULT),
            ("instruct-large", "result_large", "kept", DEFAULT),
            ("temperature-1", "chatbot_1", "model text temperature", DEFAULT),
            ("ask-base", "base_llm", "kind model", GEMMA),
            ("ask-base", "base_answer", "kept", GEMMA),
        ]
    ),
    *of(
        "chain",
        ("None", "runnable text model: none", gone(state="none")),
        ("its cell raised", "runnable text model: missing-raised", gone(), raised("NameError", "name 'x' is not")),
        ("a comma too much", "runnable text model: missing-raised", gone(), raised("SyntaxError", COMMA)),
        ("a chat model", "runnable text model: chat-wrapper", gone(), raised("TypeError", CHAT_ERROR.message)),
        ("a text for a number", "runnable text model: missing-raised", gone(), raised("TypeError", TEXT_FOR_NUMBER)),
    ),
    *of(
        "load-model",
        ("the device as a text", "kind model device: device-text", gone(), raised("TypeError", TEXT_FOR_NUMBER)),
        ("another TypeError", "kind model device: missing-raised", gone(), raised("TypeError", "no")),
    ),
    *of(
        "temperature-2",
        *(
            (f"a cell stopped with {error}: {said[:60]}", f"kept: {hint}", gone("result_2"), raised(error, said))
            for error, said, hint in [
                ("SyntaxError", COMMA, "decimal-comma"),
                ("SyntaxError", COMMA_IN_DICT, "decimal-comma"),
                ("SyntaxError", "invalid syntax. Perhaps you forgot a comma?", "missing-raised"),
                ("ValueError", COMMA, "missing-raised"),
                ("NameError", "name 'llm' is not defined. Did you mean: 'lmm'?", "out-of-order"),
                ("NameError", "name 'result_2' is not defined", "missing-raised"),
                ("NameError", "name 'HumanMesage' is not defined", "missing-raised"),
                ("TypeError", f"{UNEXPECTED} 'temperature'", "setting-refused"),
                ("TypeError", f"{UNEXPECTED} 'question'", "missing-raised"),
                ("ValidationError", EXTRA, "setting-refused"),
                ("ValueError", REFUSED, "setting-refused"),
            ]
        ),
    ),
]

HOME = of(
    "model-home",
    ("not set", "model-home: home-unset", lambda w: w.environment.clear()),
    ("elsewhere", "model-home: home-other", lambda w: w.environment.update(HF_HOME="/x")),
    (
        "the override of a student's own machine, while grading",
        "model-home: home-other",
        lambda w: w.environment.update(HF_HOME="/home/ada", AUTOGRADER_MODEL_HOME="/home/ada"),
    ),
)

LOAD = of(
    "load-model",
    ("on the CPU", "device: on-cpu", holds(device="cpu")),
    ("on another GPU", "device: other-device", holds(device="cuda:1")),
    ("instruct for base", "model: instruct-for-base", arrives(model=INSTRUCT)),
    ("large for base", "model: instruct-for-base", arrives(model=LARGE)),
    ("a model of its own", "model: wrong-model", arrives(model="gpt2")),
    ("a transformers pipeline", "kind: wrapped-model", holds(type="TextGenerationPipeline", kinds=("Pipeline",))),
    (
        "a bare model",
        "kind: wrapped-model, model: not-a-pipeline",
        is_(Variable(state="there", type="LlamaForCausalLM", kinds=("Model",), device="cuda:0"), NO_INVOKE),
    ),
    ("text", "kind device model: not-a-pipeline", is_(text("a name"), NO_INVOKE)),
    ("another task", "kind: not-a-pipeline", holds(task="translation")),
    (
        "a chain in its place",
        "kind: not-a-pipeline",
        holds(type="RunnableSequence", kinds=("Runnable", "HuggingFacePipeline", "PromptTemplate")),
    ),
)


def left(*names: str, **where: tuple[str, ...]) -> Change:
    """`llm` carries these settings, and makes as many tokens as when nothing is set."""
    given = where or {"pipeline_kwargs": names}
    return lambda work: work.changed(holds(given=given), arrives({"max_new_tokens": PIPELINE_LIMIT}))


LIMIT = of(
    "limit-output",
    ("left at the default", "limit: limit-default", arrives({"max_new_tokens": PIPELINE_LIMIT})),
    ("another number", "limit: limit-other", arrives({"max_new_tokens": 20})),
    ("bound where nobody reads it", "limit: limit-ignored", left(bind=("max_new_tokens",))),
    ("in model_kwargs", "limit: limit-ignored", left(model_kwargs=("max_new_tokens",))),
    ("beside a ready pipeline", "limit: limit-ignored", left("max_new_tokens")),
    ("the total length", "limit: limit-total", left("max_length")),
    ("its name misspelled", "limit: setting-unknown", left("max_new_token")),
    ("no limit", "limit: limit-total", arrives({"max_new_tokens": None})),
    ("refused", "limit: limit-refused", arrives({"max_new_tokens": None, "unresolved": "ValueError"})),
    ("its cell raised", "limit: setting-refused", left(), raised("ValueError", REFUSED)),
    ("left over from the task before", "limit: left-over", holds(identity=1), before(arrives({"max_new_tokens": 100}))),
    ("asks no model", "limit: no-model-asked", silent()),
    ("raises when asked", "limit: no-model-raised", silent(TYPE_ERROR)),
    ("settings with a comma for the colon", "limit: settings-set", silent(A_SET)),
    ("settings whose names are numbers", "limit: settings-names", silent(A_NUMBER)),
    ("settings that LangChain's class refuses", "limit: settings-type", gone(), raised("ValidationError", NO_DICT)),
)


def system_and(*rest: Message) -> tuple[Message, ...]:
    return (("system", SYSTEM), *rest)


TEXT_OF_LIST: Message = ("human", f"[HumanMessage(content='{QUESTION}', additional_kwargs={{}})]")
A_QUESTION: Message = ("human", FIRST)
PLAIN_TEMPLATE = ("Runnable", "PromptTemplate")
PROMPT = of(
    "prompt",
    ("no system message", "system: system-missing", prompt_gives(*ASKED)),
    ("a human who says it", "system: system-missing", prompt_gives(("human", SYSTEM), *ASKED)),
    ("another system prompt", "system: system-other", prompt_gives(("system", "x"), *ASKED)),
    ("nearly the same", "system: system-other", prompt_gives(("system", SYSTEM[:-1]), *ASKED)),
    ("placeholder first", "system: system-last", prompt_gives(*ASKED, ("system", SYSTEM))),
    ("list as text", "placeholder: placeholder-text", prompt_gives(*system_and(TEXT_OF_LIST))),
    ("no placeholder", "placeholder: placeholder-missing", prompt_gives(*system_and(), variables=())),
    ("a question after it", "placeholder: question-inside", prompt_gives(*system_and(*ASKED, A_QUESTION))),
    ("one more message", "placeholder: prompt-extra", prompt_gives(*system_and(("ai", "Hello"), *ASKED))),
    (
        "an optional one of another name",
        "placeholder: prompt-variables",
        prompt_gives(*system_and(), variables=("history",)),
    ),
    (
        "a placeholder of another name",
        "placeholder: prompt-variables",
        prompt_gives(*system_and(*ASKED), variables=("history",)),
    ),
    ("a second variable", "system placeholder: prompt-variables", prompt_fails(KEY_ERROR, ("messages", "name"))),
    ("it raises", "system placeholder: prompt-raised", prompt_fails(TYPE_ERROR, ("messages",))),
    ("nothing comes out of it", "system placeholder: prompt-type", lambda w: setattr(w, "prompt", PromptFacts())),
    ("a template for plain text", "system placeholder: prompt-type", holds(kinds=PLAIN_TEMPLATE)),
    (
        "one that raises",
        "system placeholder: prompt-type",
        holds(kinds=PLAIN_TEMPLATE),
        prompt_fails(TYPE_ERROR, ("messages",)),
    ),
    ("text", "system placeholder: prompt-type", is_(text(SYSTEM)), lambda w: setattr(w, "prompt", PromptFacts())),
)


def held_up_by(failure: Failure, *more: Change) -> Change:
    """`llm` raises this whenever it is asked; that was seen at `limit-output`, and so does the chain around it."""
    broken = (silent(failure, "llm"), silent(failure, "chatbot"), holds("chatbot", holds=("prompt", "llm")))
    return lambda work: work.changed(earlier("limit-output", silent(failure)), *broken, *more)


CHAIN = of(
    "chain",
    (
        "held up by its llm, without the prompt",
        "text: prompt-not-inside",
        held_up_by(A_SET, holds(steps=(), holds=("llm",))),
    ),
    ("held up by its llm, and reversed", "text: chain-reversed", held_up_by(A_SET, holds(steps=("model", "prompt")))),
    ("broken itself, and so is its llm", "text model: chain-raised", held_up_by(A_SET, silent(TYPE_ERROR))),
    (
        "an llm that broke after its check",
        "text model: settings-set",
        held_up_by(A_SET, lambda w: w.earlier.clear(), earlier("limit-output")),
    ),
    (
        "an llm that broke otherwise at its check",
        "text model: settings-set",
        held_up_by(A_SET, before(lambda w: w.failures.update(llm=TYPE_ERROR))),
    ),
    ("broken alike, without that llm", "text model: settings-set", held_up_by(A_SET, holds(holds=("prompt",)))),
    ("an answer", "runnable text model: chain-is-answer", is_(text(FULL), NO_INVOKE)),
    ("a list", "runnable text model: not-runnable", is_(A_LIST, NO_INVOKE)),
    ("a function that does all the same", "runnable: not-runnable", holds(type="function", kinds=(), steps=())),
    ("reversed", "text: chain-reversed", holds(steps=("model", "prompt")), arrives(text=f"Human: {QUESTION}")),
    ("no prompt", "text: text-no-prompt", arrives(text=f"Human: {QUESTION}")),
    ("a fixed question", "text: text-no-question", arrives(text=ideal(FIRST))),
    ("something added", "text: text-other", arrives(text=ideal(QUESTION) + "\nAI:")),
    ("raises", "text model: chain-raised", silent(TYPE_ERROR)),
    ("asks no model", "text model: no-model-asked", silent()),
    ("a chat model that refuses", "text model: chat-wrapper", silent(CHAT_ERROR)),
    (
        "a chat model that raises",
        "text model: chat-wrapper",
        holds(kinds=("Runnable", "ChatHuggingFace")),
        silent(CHAT_ERROR),
    ),
    ("a chat model without a template", "text model: no-chat-template", silent(NO_TEMPLATE)),
    ("a model other than llm's", "model: instruct-for-base", arrives(model=INSTRUCT)),
    (
        "the right text to another model, and another text to the right one",
        "model: instruct-for-base",
        lambda w: w.arrivals.update(chatbot=[request(INSTRUCT, ideal(QUESTION)), request(BASE, "Human: x")]),
    ),
)

TOGETHER = plain(system_and(A_QUESTION, ("ai", "I am."), ("human", SECOND)))
OTHER = request(BASE, ideal(SECOND), "\nAI: A long answer to quite another question.")
ANSWERS = [
    *of(
        "who-are-you",
        (
            "no answer, since llm is broken",
            "asked: broken, kept: settings-set",
            held_up_by(A_SET, never_asks, gone("result"), raised("TypeError", A_SET.message)),
        ),
        ("not asked", "asked kept: not-asked", never_asks),
        ("asked after the check", "asked kept: not-asked", lambda w: setattr(w, "seen", 0)),
        ("not asked, since the cell raised", "asked kept: missing-raised", never_asks, gone(), raised("ValueError")),
        (
            "not asked, since a chat model refused",
            "asked kept: chat-wrapper",
            never_asks,
            gone(),
            raised("TypeError", CHAT_ERROR.message),
        ),
        ("asked without the prompt", "asked: asked-otherwise", asks(text=FIRST), keeps(FIRST + OUTPUT)),
        (
            "raised, then asked without the prompt",
            "asked: asked-otherwise",
            asks(text=FIRST, error="E", outputs=()),
            also_asks(request(BASE, FIRST)),
            keeps(FIRST + OUTPUT),
        ),
        (
            "asked by the check alone",
            "asked kept: not-asked",
            arrives(name="chatbot", text=ideal(FIRST)),
            never_asks,
        ),
        (
            "nearly the question",
            "asked kept: asked-nearly",
            asks(text=plain(system_and(("human", FIRST.lower() + " ?")))),
        ),
        ("another model", "asked: asked-other-model", asks(model=LARGE)),
        (
            "the call raised",
            "asked: asked-raised, kept: missing-raised",
            asks(error="RuntimeError", outputs=()),
            gone(),
            raised("RuntimeError"),
        ),
        ("None, though asked", "kept: kept-none", gone(state="none")),
        ("recorded late, seen, and gone", "kept: missing", recorded_late, gone()),
        ("recorded late, and not there", "asked: not-asked, kept: missing", recorded_late, never_asks, gone()),
        ("the other answer", "kept: kept-other", also_asks(OTHER), keeps(OTHER.text + OTHER.outputs[0])),
        ("the prompt alone", "kept: not-kept", keeps(ideal(FIRST))),
        ("empty text", "kept: not-kept", keeps("")),
        ("a list", "kept: kept-type", is_(A_LIST)),
    ),
    *of(
        "ideal-boat",
        ("the answer to the earlier question", "kept: kept-again", earlier("who-are-you"), keeps(FULL)),
        (
            "asked with the earlier question",
            "asked kept: asked-together",
            asks(text=TOGETHER),
            keeps(TOGETHER + OUTPUT),
        ),
    ),
    *of(
        "ask-base",
        ("asked as a message", "asked: asked-otherwise", asks(text=f"Human: {GEMMA.questions['completion']}")),
        ("the instruct model", "model: instruct-for-base", both(model="google/gemma-3-1b-it")),
        profile=GEMMA,
    ),
]

ANOTHER_BEFORE = (earlier("instruct-small"), both(model=INSTRUCT))
INSTRUCTED = [
    *of(
        "instruct-small",
        ("the base model", "model: base-for-instruct", both(model=BASE)),
        ("the large model", "model: wrong-model", both(model=LARGE)),
        ("no prompt in the chain", "text: text-no-prompt", arrives(text=f"Human: {QUESTION}")),
        ("another model's template", "text: text-other", templated, lambda w: setattr(w, "renderings", ())),
        ("not asked", "kept: not-asked", never_asks),
        ("not asked, and not there", "kept: missing", never_asks, gone("result_small")),
        ("asked of another model", "kept: asked-other-model", asks(model=BASE)),
        ("the question alone kept", "kept: not-kept", keeps(FIRST)),
        (
            "an earlier task's chain",
            "model text kept: left-over",
            earlier("chain"),
            holds(identity=4),
            both(model=BASE),
        ),
    ),
    *of(
        "instruct-large",
        ("the chain of the task before", "model text kept: left-over", *ANOTHER_BEFORE),
        (
            "the same, that asks no model now",
            "model text kept: left-over",
            earlier("instruct-small"),
            silent(),
            never_asks,
        ),
        ("its own chain with the model before", "model: wrong-model", *ANOTHER_BEFORE, holds(identity=9)),
        (
            "one that nothing can follow",
            "model: wrong-model",
            *ANOTHER_BEFORE,
            before(holds(identity=0)),
            holds(identity=0),
        ),
    ),
]


def at(value: object, **given: tuple[str, ...]) -> Change:
    """The setting that the task demands has this value wherever the chain was asked, and the chain carries these settings."""
    return lambda work: work.changed(both(dict.fromkeys(work.task.settings, value)), holds(given=given))


TEMPERATURES = [
    *of(
        "temperature-1",
        ("sampling off", "temperature: temperature-off", both({"do_sample": False})),
        ("one token to choose from", "temperature: sampling-cancelled", both({"top_k": 1})),
        ("a decimal comma in text", "temperature: decimal-comma", both({"temperature": "0,9"})),
        ("a decimal comma that made a tuple", "temperature: decimal-comma", both({"temperature": [0, 9]})),
        ("text", "temperature: temperature-text", both({"temperature": "0.9"})),
        ("another number", "temperature: temperature-other", both({"temperature": 0.5})),
        ("bound where nobody reads it", "temperature: temperature-ignored", at(0.6, bind=("temperature",))),
        ("carried unread", "temperature: temperature-ignored", both({"temperature": 0.6}), holds(temperatures=(0.9,))),
        ("no temperature given", "temperature: temperature-none", at(0.6)),
        (
            "another in a GenerationConfig",
            "temperature: temperature-other",
            at(0.6, pipeline_kwargs=("generation_config",)),
        ),
        ("bound to the whole chain", "temperature: settings-on-chain", at(0.6, chain=("temperature",))),
        ("the base model", "model: base-for-instruct", both(model=BASE)),
        (
            "the same model in a task of another kind",
            "model: base-for-instruct",
            earlier("instruct-large", both(model=BASE)),
            both(model=BASE),
        ),
        (
            "the same model later",
            "model: base-for-instruct",
            both(model=BASE),
            later("temperature-2", both(model=BASE)),
        ),
        ("no prompt", "text: text-no-prompt", arrives(text=f"Human: {QUESTION}")),
        ("raises", "model text temperature: chain-raised", silent(TYPE_ERROR)),
        ("asked at another temperature", "kept: temperature-asked", asks({"temperature": 0.5})),
        ("asked without sampling", "kept: temperature-off", asks({"do_sample": False})),
        (
            "asked without sampling and at another",
            "kept: temperature-asked",
            asks({"do_sample": False, "temperature": 0.5}),
        ),
    ),
    *of(
        "temperature-2",
        ("a whole number", "temperature: temperature-whole", both({"temperature": 2})),
        ("another whole number", "temperature: temperature-other", both({"temperature": 3})),
        ("the small model, here alone", "model: wrong-model", both(model=INSTRUCT)),
        (
            "the chain of the first",
            "model text temperature kept: left-over",
            holds(identity=6),
            both({"temperature": 0.9}),
        ),
        ("the first one's answer", "kept: kept-again", asks(outputs=("\nAI: Something else.",))),
    ),
    *of(
        "temperature-3",
        (
            "the answer of both before",
            "kept: kept-again",
            earlier("temperature-2"),
            asks(outputs=("\nAI: Something else.",)),
        ),
    ),
]

TOP_P = [
    *of(
        "top_p-1",
        ("sampling off", "top_p: setting-off", both({"do_sample": False})),
        ("text", "top_p: setting-text", both({"top_p": "0.3"})),
        ("another number", "top_p: setting-other", both({"top_p": 0.9})),
        ("so small that it leaves one token", "top_p: setting-other", both({"top_p": 0.001})),
        ("true", "top_p: setting-other", both({"top_p": True})),
        ("bound where nobody reads it", "top_p: setting-ignored", at(0.9, bind=("top_p",))),
        ("no top_p given", "top_p: setting-none", at(0.9, bind=("do_sample",))),
        ("asked with another", "kept: setting-asked", asks({"top_p": 0.5})),
        profile=NUCLEUS,
    ),
    *of(
        "top_p-2",
        ("the chain of the first", "model text top_p kept: left-over", holds(identity=6), both({"top_p": 0.3})),
        profile=NUCLEUS,
    ),
]

ARGUMENTS = DEFAULT.arguments
SWAPPED = {**ARGUMENTS, "a": ARGUMENTS["b"], "b": ARGUMENTS["a"]}
ALL_WRONG = dict(zip(ARGUMENTS, [*list(ARGUMENTS.values())[1:], ARGUMENTS["a"]], strict=True))
WITHOUT_H = {letter: name for letter, name in ARGUMENTS.items() if letter != "h"}
LETTERS, UNKNOWN_NAME = "format answers: answers-letters", "format answers: answers-unknown"
RIGHT_ONES = {
    # `answers` that are wrong: how many of the eight count all the same
    "two swapped": 6,
    "one letter missing": 7,
    "one letter too many": 7,
    "a list among them": 7,
    "a name misspelled": 7,
}
DICTS = of(
    "arguments",
    ("two swapped", "answers: answers-some", is_(a_dict(**SWAPPED))),
    ("all wrong", "answers: answers-some", is_(a_dict(**ALL_WRONG))),
    ("one letter missing", LETTERS, is_(a_dict(**WITHOUT_H))),
    ("one letter too many", LETTERS, is_(a_dict(**ARGUMENTS, i="task"))),
    ("no letters", LETTERS, is_(a_dict())),
    ("a list among them", UNKNOWN_NAME, is_(a_dict(**{**ARGUMENTS, "a": ["device"]}))),
    ("a name misspelled", UNKNOWN_NAME, is_(a_dict(**{**ARGUMENTS, "a": "max_tokens"}))),
    ("a list", "format answers: answers-type", is_(A_LIST)),
)

WRONG = [
    *MISSING, *HOME, *LOAD, *LIMIT, *PROMPT, *CHAIN, *ANSWERS, *INSTRUCTED, *TEMPERATURES, *TOP_P, *DICTS,
]  # fmt: skip
each_wrong = each(WRONG)


@each_wrong
def test_a_mistake_fails_its_own_criteria_with_the_hint_that_is_due(row: Row) -> None:
    verdict = row.work().verdict()
    shown = {name: c.hint and c.hint.key for name, c in failed(verdict).items()}  # type: ignore[union-attr]
    assert shown == {name: f"hints/{key}" for name, key in hints(row).items()}
    assert {c.outcome for c in verdict.criteria} <= {"passed", "failed"}
    assert (verdict.state, verdict.passed) == ("judged", False)


@each_wrong
def test_a_mistake_costs_the_points_of_its_criteria_and_no_others(row: Row) -> None:
    for criterion in row.work().verdict().criteria:
        kept = RIGHT_ONES.get(row.what, 0) / 8 if criterion.name == "answers" else criterion.name not in hints(row)
        assert criterion.earned == pytest.approx(criterion.points * kept)


@each_wrong
def test_a_failed_criterion_says_expected_found_and_hint_without_an_open_place(row: Row) -> None:
    for criterion in failed(row.work().verdict()).values():
        for words in (criterion.expected, criterion.found, criterion.hint, criterion.title):
            assert words is not None
            assert not [
                said for said in (say(words, language) for language in LANGUAGES) if re.search(r"\{[a-z_]+\}|^$", said)
            ]


@each_wrong
def test_a_students_own_session_sees_the_same_mistake(row: Row) -> None:
    """With a GPU, and the recorder there from the start; the override of the model home is for such a session."""
    work = row.work().changed(in_session)
    work.environment.pop("AUTOGRADER_MODEL_HOME", None)
    assert work.verdict().criteria == row.work().verdict().criteria


@pytest.mark.parametrize(("state", "found"), [("missing", "found/missing"), ("none", "found/none")])
def test_none_is_told_from_missing_where_the_cell_raised_too(state: str, found: str) -> None:
    shown = failed(right("chain").changed(gone(state=state), raised("ValueError")).verdict())["runnable"].found
    assert isinstance(shown, Sentence)
    assert shown.key == found


@pytest.mark.parametrize(("task_id", "prompted"), [("who-are-you", True), ("ask-base", False)])
def test_a_question_is_expected_with_the_prompt_only_where_it_goes_through_a_chain(
    task_id: str, prompted: bool
) -> None:
    expected = failed(right(task_id, GEMMA).changed(never_asks).verdict())["asked"].expected
    assert expected is not None
    assert ("System: " in say(expected, "en")) is prompted


@pytest.mark.parametrize("key", [key for key in HINTS if key != "no-evidence"])
def test_every_hint_is_shown_by_a_mistake_above(key: str) -> None:
    assert any(key in hints(row).values() for row in WRONG)


@pytest.mark.parametrize(("failure", "hint"), [(None, "no-model-asked"), (TYPE_ERROR, "no-model-raised")])
def test_a_pipeline_that_no_request_went_through_goes_to_a_person(failure: Failure | None, hint: str) -> None:
    verdict = right("load-model").changed(silent(failure)).verdict()
    assert {name: c.hint for name, c in failed(verdict).items()}["model"].key == f"hints/{hint}"  # type: ignore[union-attr]
    assert (set(failed(verdict)), verdict.state) == ({"model"}, "review")
    assert verdict.reasons == (REASONS["nothing-asked"].fill(variable="llm"),)


# `answers`


@each([row for row in DICTS if "format" in row.expected])
def test_a_wrong_format_is_told_without_the_count_of_right_ones(row: Row) -> None:
    found = failed(row.work().verdict())
    assert found["answers"].found == found["format"].found
    phrases = [phrase for c in found.values() for phrase in (c.found, c.hint) if phrase]
    assert not any(re.search(r"\d av \d|\d of \d", say(p, "nb") + say(p, "en")) for p in phrases)


@each(DICTS)
def test_the_check_of_arguments_never_tells_the_key(row: Row) -> None:
    work = row.work()
    told = work.verdict().model_dump_json()
    given = str(work.variables["answers"].value)
    assert [name for name in ARGUMENTS.values() if name in told and name not in given and name != "task"] == []


def test_the_digests_of_a_frozen_profile_are_no_answers() -> None:
    frozen = DEFAULT.freeze()
    work = right("arguments").changed(is_(a_dict(**frozen.arguments)))
    verdict = judge(work.task, work.facts(), frozen)
    assert (verdict.score, set(failed(verdict))) == (0, {"format", "answers"})


# What an exception is told as


@pytest.mark.parametrize(
    ("cell", "comma"),
    [("x = {'temperature': 0,9}", True), ("dict(temperature=0,9)", True), ("x = {'a': 1 'temperature': 0.9}", False)],
)
def test_python_says_of_a_decimal_comma_what_the_hint_listens_for(cell: str, comma: bool) -> None:
    with pytest.raises(SyntaxError) as caught:
        compile(cell, "cell", "exec")
    verdict = right("temperature-1").changed(gone("result_1"), raised("SyntaxError", str(caught.value))).verdict()
    hint = failed(verdict)["kept"].hint
    assert hint == HINTS["decimal-comma"].fill(variable="result_1") if comma else hint.key == "hints/missing-raised"


def test_a_cell_out_of_order_is_told_which_name_it_lacks() -> None:
    verdict = (
        right("temperature-1").changed(gone("result_1"), raised("NameError", "name 'llm' is not defined")).verdict()
    )
    assert failed(verdict)["kept"].hint == HINTS["out-of-order"].fill(variable="result_1", name="llm")


BROKEN = [A_SET, A_NUMBER, TYPE_ERROR, Failure(name="ValueError", message="<a.B object at 0x7f00> is not one")]


@pytest.mark.parametrize("task_id", ["load-model", "limit-output", "chain", "temperature-1"])
@pytest.mark.parametrize("failure", BROKEN, ids=str)
def test_no_verdict_shows_an_object_as_python_does(failure: Failure, task_id: str) -> None:
    told = right(task_id).changed(silent(failure), raised(failure.name, failure.message)).verdict().model_dump_json()
    assert "0x7f" not in told
    assert "LlamaForCausalLM" not in told


@pytest.mark.parametrize("failure", BROKEN, ids=str)
def test_an_llm_that_has_been_charged_does_not_take_the_chain_too(failure: Failure) -> None:
    verdict = right("chain").changed(held_up_by(failure)).verdict()
    assert (verdict.passed, verdict.state) == (True, "judged")
    assert {c.name for c in verdict.criteria if c.note} == {"text", "model"}


def test_a_chain_that_cannot_be_told_behind_a_broken_llm_goes_to_a_person() -> None:
    work = right("chain").changed(held_up_by(A_SET, holds(steps=("prompt", "other", "model"))))
    verdict = work.verdict()
    assert (verdict.state, verdict.score) == ("review", work.task.points)
