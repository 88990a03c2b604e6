"""The judge on right work, on what nobody can tell, on what has been charged already, and on forged evidence.

`right_work.py` makes the facts; `test_wrong_work.py` has the mistakes.
"""

from __future__ import annotations

from typing import Any

import pytest
from right_work import (
    ASKED,
    BASE,
    DEFAULT,
    FIRST,
    FOUR,
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
    Work,
    also_asks,
    answers_with,
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
    keeps,
    never_asks,
    of,
    own_prompt,
    prompt_facts,
    prompt_gives,
    recorded_late,
    request,
    right,
    silent,
    templated,
    text,
)

from autograder.course import profile as profile_module
from autograder.course.profile import Profile
from autograder.facts.evidence import Challenge, Facts, Failure, Offer, PromptFacts
from autograder.facts.transcript import Message, Transcript, plain
from autograder.judging import answers
from autograder.judging.contract import tasks
from autograder.judging.judge import judge, penalised_prompts
from autograder.judging.tasks.limit_output import PIPELINE_LIMIT
from autograder.words.checks import NOTES, OBSERVATIONS, REASONS
from autograder.words.hints import HINTS


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests in microseconds: how slow they are is no property of these tests."""
    monkeypatch.setattr(profile_module, "DIGEST_ROUNDS", 2)


# Right work earns everything


each_task = pytest.mark.parametrize(
    ("task_id", "profile"),
    [
        pytest.param(task.id, profile, id=f"{name}-{task.id}")
        for name, profile in {"default": DEFAULT, "gemma": GEMMA, "nucleus": NUCLEUS, "four": FOUR}.items()
        for task in tasks(profile)
        if task.judged_by == "autograder"
    ],
)


@pytest.mark.parametrize("in_grading", [True, False], ids=["grading", "session"])
@each_task
def test_right_work_earns_all_points(task_id: str, profile: Profile, in_grading: bool) -> None:
    work = right(task_id, profile)
    work.in_grading = in_grading
    verdict = work.verdict()
    assert (verdict.passed, verdict.state, verdict.score) == (True, "judged", work.task.points)


@each_task
def test_nothing_done_earns_nothing_of_the_same_points(task_id: str, profile: Profile) -> None:
    work = right(task_id, profile)
    nothing = Work(work.task, profile).verdict()
    assert nothing.score == 0
    assert sum(c.points for c in nothing.criteria) == pytest.approx(work.task.points)
    assert all(c.hint and c.expected and c.found for c in nothing.criteria)


@each_task
def test_no_two_criteria_of_a_task_share_a_name(task_id: str, profile: Profile) -> None:
    names = [c.name for c in right(task_id, profile).verdict().criteria]
    assert len(names) == len(set(names))


@each_task
def test_a_frozen_profile_and_facts_that_were_json_are_judged_alike(task_id: str, profile: Profile) -> None:
    work = right(task_id, profile)
    facts = Facts.model_validate_json(work.facts().model_dump_json())
    assert judge(work.task, facts, profile.freeze()) == work.verdict()


ALSO_RIGHT = [
    *of("model-home", ("a trailing slash", "", lambda w: w.environment.update(HF_HOME=DEFAULT.models.home + "/"))),
    *of(
        "load-model",
        ("the device without a number", "", holds(device="cuda")),
        ("a limit set already", "", arrives({"max_new_tokens": 100})),
        ("the right one of several models", "", lambda w: w.arrivals["llm"].append(request("x/y", "z"))),
    ),
    *of(
        "limit-output",
        ("settings of its own besides", "", arrives({"temperature": 9.0, "num_beams": 4})),
        ("the same object, changed", "", holds(identity=1)),
        ("no earlier evidence", "", lambda w: w.earlier.clear()),
        ("another model on the CPU", "", arrives(model=INSTRUCT), holds(device="cpu")),
    ),
    *of(
        "prompt",
        ("white space around the system prompt", "", prompt_gives(("system", SYSTEM + "\n"), *ASKED)),
        ("appended to, without a known variable", "", prompt_gives(("system", SYSTEM), *ASKED, variables=())),
    ),
    *of(
        "chain",
        ("no limit", "", arrives({"max_new_tokens": PIPELINE_LIMIT})),
        ("a retry", "", lambda w: w.arrivals["chatbot"].insert(0, request(BASE, "Human: x"))),
        ("a fallback that came later", "", lambda w: w.arrivals["chatbot"].append(request(INSTRUCT, "x"))),
        (
            "a fallback to another model",
            "",
            lambda w: w.arrivals["chatbot"].append(request(INSTRUCT, ideal(QUESTION))),
        ),
        ("it fails on the canned line", "", lambda w: w.failures.update(chatbot=Failure(name="KeyError"))),
        ("other steps", "", holds(type="RunnableLambda", kinds=("Runnable",), steps=("other",))),
    ),
    *of(
        "who-are-you",
        ("the output alone", "", keeps(OUTPUT)),
        ("other white space", "", keeps(" ".join(FULL.split()))),
        ("a message", "", lambda w: w.variables.update(result=text(FULL, "AIMessage"))),
        ("a long piece", "", keeps("I answer in a whole sentence")),
        ("special tokens", "", keeps(f"<|begin_of_text|>{FULL}<|eot_id|>")),
        ("asked twice, the first kept", "", also_asks(request(BASE, ideal(FIRST), "\nAI: Another."))),
        ("asked twice, the second kept", "", also_asks(request(BASE, ideal(FIRST), OUTPUT[:30]))),
        ("asked many times in one call", "", asks(outputs=("\nAI: One.", "\nAI: Two.", OUTPUT))),
        ("a failed try before", "", also_asks(request(BASE, ideal(FIRST)).model_copy(update={"error": "E"}))),
        ("the second question too", "", also_asks(request(BASE, ideal(SECOND), "\nAI: Other."))),
        ("recorded late, yet seen", "", recorded_late),
        ("asked before the check", "", lambda w: setattr(w, "seen", 9)),
    ),
    *of("ideal-boat", ("the answer to the other question once more", "", earlier("who-are-you"), keeps(OUTPUT))),
    *of(
        "instruct-small",
        ("a chat template", "", templated),
        ("a wrapper that is no pipeline", "", holds(type="ChatHuggingFace", kinds=())),
        ("the object of an earlier task, changed", "", earlier("chain"), holds(identity=4)),
    ),
    *of(
        "temperature-1",
        ("streamed without settings", "", asks({"temperature": 1.0}, streamed=True)),
        (
            "a fallback that does not draw",
            "",
            lambda w: w.arrivals["chatbot_1"].append(request(LARGE, ideal(QUESTION), do_sample=False, temperature=0.9)),
        ),
    ),
    *of(
        "temperature-2",
        ("the same object at two temperatures", "", holds(identity=6)),
        ("no earlier evidence", "", lambda w: w.earlier.clear()),
        ("the answer of the first once more", "", asks(outputs=(OUTPUT,))),
        ("empty as the first", "", before(keeps("")), answers_with("", "")),
    ),
    *of("temperature-3", ("the answer of both before once more", "", earlier("temperature-2"))),
]


@each(ALSO_RIGHT)
def test_another_right_way_earns_all_points(row: Row) -> None:
    work = row.work()
    verdict = work.verdict()
    assert [c.name for c in verdict.criteria if c.outcome != "passed"] == []
    assert (verdict.state, verdict.score) == ("judged", work.task.points)


def test_a_straight_quotation_mark_for_a_curly_one_is_no_other_question() -> None:
    sent = ideal(GEMMA.questions["first"], GEMMA)
    assert "’" in sent
    assert right("who-are-you", GEMMA).changed(asks(text=sent.replace("’", "'"))).verdict().passed


# Nothing at all, and faults on the grader's side


@each_task
def test_no_evidence_earns_nothing_and_says_so(task_id: str, profile: Profile) -> None:
    task = right(task_id, profile).task
    verdict = judge(task, Facts(evidence={}, transcript=Transcript(), in_grading=True), profile)
    assert (verdict.score, verdict.passed, verdict.state) == (0, False, "judged")
    assert verdict.first_failed is not None
    assert (verdict.first_failed.hint, verdict.first_failed.points) == (HINTS["no-evidence"], task.points)


def test_a_fault_of_the_machine_gives_no_score_and_comes_before_missing_evidence() -> None:
    work = right("chain")
    work.faults = ("OutOfMemoryError",)
    facts = work.facts()
    for found in (facts, facts.model_copy(update={"evidence": {}})):
        verdict = judge(work.task, found, DEFAULT)
        assert (verdict.state, verdict.score, verdict.passed) == ("not judged", None, False)
        assert verdict.reasons == (REASONS["fault"].fill(fault="OutOfMemoryError"),)


def test_a_fault_in_a_students_own_session_is_no_verdict() -> None:
    work = right("chain").changed(in_session)
    work.faults = ("OutOfMemoryError",)
    assert (work.verdict().state, work.verdict().score) == ("judged", 2)


# What is not known


@pytest.mark.parametrize(
    ("task_id", "names"),
    [("who-are-you", {"asked", "kept"}), ("instruct-large", {"kept"}), ("temperature-2", {"kept"})],
)
def test_what_came_before_the_recorder_is_neither_tick_nor_fail_and_goes_to_a_person(
    task_id: str, names: set[str]
) -> None:
    work = right(task_id).changed(recorded_late, never_asks)
    verdict = work.verdict()
    assert (verdict.state, verdict.score, verdict.reasons) == ("review", work.task.points, (REASONS["not-known"],))
    verdict = work.changed(in_session).verdict()
    unknown = [c for c in verdict.criteria if c.outcome == "unknown"]
    assert {c.name for c in unknown} == names
    assert {(c.earned, c.note) for c in unknown} == {(0, NOTES["late"])}
    assert (verdict.state, verdict.passed, verdict.open, verdict.first_failed) == ("judged", False, True, None)


@pytest.mark.parametrize(
    ("gpu", "in_grading", "device", "outcome"),
    [
        ("none", False, "cpu", "unknown"),
        ("none", False, None, "unknown"),
        ("real", False, "cpu", "failed"),
        ("none", True, "cpu", "failed"),
    ],
)
def test_nobody_loses_a_tick_for_having_no_gpu_at_home(
    gpu: str, in_grading: bool, device: str | None, outcome: str
) -> None:
    work = right("load-model").changed(holds(device=device))
    work.in_grading, work.gpu = in_grading, gpu
    criterion = work.verdict().criteria[-1]
    assert (criterion.name, criterion.outcome) == ("device", outcome)
    assert criterion.note == (NOTES["no-gpu"] if outcome == "unknown" else None)


def test_a_model_home_of_ones_own_counts_in_ones_own_session() -> None:
    work = right("model-home").changed(in_session)
    work.environment = {"HF_HOME": "/home/ada/models/", "AUTOGRADER_MODEL_HOME": "/home/ada/models"}
    assert work.verdict().passed


def test_an_answer_that_only_the_kernel_says_a_model_gave_goes_to_a_person() -> None:
    verdict = right("who-are-you").changed(asks(self_reported=True)).verdict()
    assert (verdict.state, verdict.score) == ("review", verdict.points)


REPEATS = f"\nAI: You ask me {FIRST} and so do all the others who come here in the morning. Who could tell them?"
PROCESSED = [
    # task, what the model said, what the variable holds
    ("who-are-you", OUTPUT, "In short: it is a kind of robot."),
    ("ideal-boat", OUTPUT, OUTPUT.upper()),
    ("instruct-small", REPEATS, FIRST),
]


@pytest.mark.parametrize(("task_id", "said", "kept"), PROCESSED)
def test_a_processed_answer_goes_to_a_person_with_the_points(task_id: str, said: str, kept: str) -> None:
    work = right(task_id).changed(answers_with(said, kept))
    verdict = work.verdict()
    assert (verdict.state, verdict.score) == ("review", work.task.points)
    assert verdict.reasons == (REASONS["cannot-tell"].fill(variable=work.task.variables[-1]),)


EMPTY = [
    # output, what the variable holds, how many cells ago it was asked, whether a person is asked
    ("", "", 0, False),
    ("\n ", "", 1, True),
    ("", "prompt", 0, False),
    ("", "prompt", 1, True),
    (OUTPUT, OUTPUT, 1, False),
]


@pytest.mark.parametrize("task_id", ["who-are-you", "instruct-small"])
@pytest.mark.parametrize(("said", "kept", "ago", "asked"), EMPTY)
def test_emptiness_alone_agrees_only_with_a_request_of_the_tasks_own(
    task_id: str, said: str, kept: str, ago: int, asked: bool
) -> None:
    work = right(task_id)
    work.changed(answers_with(said, ideal(work.task.question or "") if kept == "prompt" else kept))
    if ago:
        work.changed(earlier("model-home"))
        work.earlier[-1].requests, work.earlier[-1].seen, work.requests = work.requests, 1, []
    verdict = work.verdict()
    assert verdict.score == work.task.points
    assert verdict.reasons == ((REASONS["empty-agrees"].fill(variable=work.task.variables[-1]),) if asked else ())


# A mistake from before is told, and not charged again


GRUMPY: Message = ("system", "Be short.")


def new_prompt(*head: Message) -> Change:
    """The prompt that `check-prompt` saw was right, or the first notebook's was; this one is otherwise."""

    def change(work: Work) -> None:
        work.earlier[:0] = [right("prompt")] if work.task.notebook == "chatbot" else []
        own_prompt(*head)(work)
        work.charged = (prompt_facts(DEFAULT),)

    return change


def charged_as(*head: Message) -> Change:
    """What was judged as `prompt` put these messages before the question."""

    def change(work: Work) -> None:
        was = right("prompt").changed(own_prompt(*head))
        work.earlier[:0] = [was] if work.task.notebook == "chatbot" else []
        work.charged = was.charged

    return change


def without_question(work: Work) -> None:
    """`prompt` drops the question, and was so when it was checked."""
    work.earlier.insert(0, right("prompt").changed(own_prompt(question_too=False)))


ON_LARGE = both(name="chatbot", model=LARGE)
CHARGED = [
    *of(
        "chain",
        ("a prompt without a system message", "text", own_prompt()),
        ("a prompt with another system message", "text", own_prompt(GRUMPY)),
        ("a system prompt that was missing, the placeholder mended", "text", without_question, own_prompt()),
        ("a wrong llm", "model", arrives(name="llm", model=INSTRUCT), arrives(model=INSTRUCT)),
        ("a wrong llm, mended here", "", arrives(name="llm", model=INSTRUCT)),
    ),
    *of(
        "chain",
        (
            "an llm that was wrong when it was loaded",
            "model",
            earlier("load-model", arrives(model="gpt2")),
            arrives(model="gpt2"),
        ),
        profile=GEMMA,
    ),
    *of(
        "who-are-you",
        ("a prompt without a system message", "", own_prompt()),
        ("a prompt changed for the chain", "", earlier("chain", new_prompt(GRUMPY)), own_prompt(GRUMPY)),
        ("a wrong llm", "asked", arrives(name="llm", model=INSTRUCT), both(name="chatbot", model=INSTRUCT)),
        ("a chain with another model", "asked", earlier("chain", ON_LARGE), ON_LARGE),
    ),
    *of(
        "ideal-boat",
        ("a wrong chain", "asked", ON_LARGE),
        (
            "a chain changed for the answer before",
            "asked",
            earlier("chain"),
            earlier("who-are-you", ON_LARGE),
            ON_LARGE,
        ),
    ),
    *of("instruct-small", ("a prompt with another system message", "text", own_prompt(GRUMPY))),
    *of(
        "instruct-large",
        (
            "a prompt changed for the chain before",
            "text",
            earlier("instruct-small", own_prompt(GRUMPY)),
            new_prompt(GRUMPY),
        ),
    ),
    *of(
        "temperature-2",
        ("a prompt changed for the chain before", "text", before(own_prompt(GRUMPY)), new_prompt(GRUMPY)),
        ("sampling that is off for all", "temperature", before(both({"do_sample": False})), both({"do_sample": False})),
    ),
    *of(
        "temperature-3",
        ("the first one's wrong model", "model", before(both(model="gpt2")), both(model="gpt2")),
        ("a model of the second", "model", earlier("temperature-2", both(model=BASE)), both(model=BASE)),
        (
            "a setting of the second that cancels",
            "temperature",
            earlier("temperature-2", both({"top_p": 0.011})),
            both({"top_p": 0.011}),
        ),
    ),
]


@each(CHARGED)
def test_what_an_earlier_check_has_charged_is_told_and_costs_nothing_more(row: Row) -> None:
    work = row.work()
    verdict = work.verdict()
    assert (set(failed(verdict)), verdict.state, verdict.score) == (set(), "judged", work.task.points)
    assert [c.name for c in verdict.criteria if c.note == NOTES["carried"]] == row.expected.split()


CHANGED_LATER = [
    *of(
        "chain",
        ("a prompt of another kind", "text", new_prompt(GRUMPY)),
        ("a prompt with another mistake", "text", own_prompt(GRUMPY), charged_as(("system", "Hi."))),
    ),
    *of(
        "who-are-you",
        (
            "a prompt asked past the chain",
            "asked",
            earlier("chain"),
            new_prompt(),
            arrives(name="chatbot", text=ideal(QUESTION)),
        ),
        ("a chain that was changed", "asked", earlier("chain"), ON_LARGE),
    ),
    *of("ideal-boat", ("a chain that was changed", "asked", earlier("chain"), earlier("who-are-you"), ON_LARGE)),
    *of("instruct-large", ("a prompt that lost its system message", "text", new_prompt())),
    *of("temperature-1", ("a prompt with another mistake", "text", own_prompt(GRUMPY), charged_as(("system", "Hi.")))),
    *of(
        "temperature-3",
        ("sampling that is off", "temperature", earlier("temperature-2"), both({"do_sample": False})),
        (
            "a setting that cancels",
            "temperature",
            earlier("temperature-2", arrives({"top_k": 1})),
            both({"top_p": 0.011}),
        ),
    ),
]


@each(CHANGED_LATER)
def test_what_went_wrong_after_it_could_be_charged_costs_here(row: Row) -> None:
    assert set(failed(row.work().verdict())) == {row.expected}


JUDGED_PROMPTS = [
    # in the first notebook; expected: of which tasks the prompts were judged there
    *of("prompt", ("where it is asked for", "prompt", own_prompt())),
    *of(
        "chain",
        ("changed before the chain", "prompt chain", earlier("prompt"), own_prompt(GRUMPY)),
        ("changed, and the chain asks nothing", "prompt", earlier("prompt"), own_prompt(GRUMPY), silent()),
    ),
    *of(
        "who-are-you",
        ("the answer is right", "prompt", earlier("prompt")),
        ("the answer lost its points", "prompt who-are-you", earlier("prompt"), never_asks, keeps("x")),
        ("nothing else was checked", ""),
    ),
]


@each(JUDGED_PROMPTS)
def test_the_next_notebook_knows_which_prompts_the_first_one_has_judged(row: Row) -> None:
    work = row.work()
    prompts = {one.task.id: one.prompt for one in (*work.earlier, work)}
    found = penalised_prompts(work.facts(), DEFAULT)
    assert found == tuple(prompts[name] for name in row.expected.split())


@pytest.mark.parametrize("in_grading", [True, False])
def test_a_prompt_of_ones_own_is_open_where_nobody_knows_what_the_first_notebook_cost(in_grading: bool) -> None:
    work = right("instruct-small").changed(own_prompt(GRUMPY))
    work.charged, work.in_grading = None, in_grading
    verdict = work.verdict()
    assert {c.name for c in verdict.criteria if c.outcome == "unknown"} == {"text"}
    assert verdict.state == ("review" if in_grading else "judged")


def test_a_template_for_plain_text_that_was_charged_is_known_again_by_another_question() -> None:
    other = "How many letters has mako41?"
    said = PromptFacts(asked_history=(("human", other),), texts={other: f"{SYSTEM} [HumanMessage({other!r})]"})
    work = right("chain").changed(earlier("prompt"), arrives(text=f"{SYSTEM} [HumanMessage({QUESTION!r})]"))
    work.earlier[0].prompt = work.prompt = said
    assert work.verdict().passed


def with_a_question_inside(work: Work) -> Work:
    """`prompt` has the first question written into it, and was so when it was checked."""
    assert work.prompt is not None
    work.changed(earlier("prompt"), arrives(name="chatbot", text=FIXED), asks(text=FIXED))
    fixed = dict.fromkeys(work.prompt.rendered, (("system", SYSTEM), ("human", FIRST)))
    work.earlier[0].prompt = work.prompt = work.prompt.model_copy(update={"rendered": fixed})
    return work


FIXED = plain((("system", SYSTEM), ("human", FIRST)))


def test_a_question_that_is_written_into_the_prompt_is_not_charged_again_at_the_chain() -> None:
    assert with_a_question_inside(right("chain")).verdict().passed


def test_a_question_that_is_written_into_the_prompt_does_not_answer_the_other_one() -> None:
    work = with_a_question_inside(right("ideal-boat").changed(keeps(OUTPUT)))
    assert set(failed(work.verdict())) == {"asked", "kept"}


def test_a_question_that_is_written_into_the_chain_does_not_answer_the_other_one() -> None:
    work = right("ideal-boat").changed(both(name="chatbot", text=FIXED), keeps(OUTPUT))
    assert set(failed(work.verdict())) == {"asked", "kept"}


def test_a_prompt_that_drops_the_question_costs_points_as_a_prompt_alone() -> None:
    work = right("who-are-you").changed(own_prompt(("system", SYSTEM), question_too=False))
    assert "asked" not in failed(work.verdict())


# Forged and failed requests


def test_evidence_cannot_pass_the_students_own_requests_off_as_the_checks() -> None:
    work = right("chain").changed(silent(), also_asks(request(BASE, ideal(QUESTION))))
    facts = work.facts()
    evidence = facts.evidence["check-chain"]
    forged = tuple(c.model_copy(update={"offers": (Offer(form="dict", requests=(0,)),)}) for c in evidence.challenges)
    facts = facts.model_copy(update={"evidence": {"check-chain": evidence.model_copy(update={"challenges": forged})}})
    assert set(failed(judge(work.task, facts, DEFAULT))) == {"text", "model"}


@pytest.mark.parametrize(("task_id", "fails"), [("who-are-you", {"asked", "kept"}), ("temperature-1", {"kept"})])
@pytest.mark.parametrize("how", [{"outputs": (), "self_reported": True}, {"error": "RuntimeError"}], ids=str)
def test_a_request_that_raised_or_has_no_output_earns_nothing(
    task_id: str, fails: set[str], how: dict[str, Any]
) -> None:
    for kept in (OUTPUT, "", ideal(FIRST)):
        assert set(failed(right(task_id).changed(asks(**how), keeps(kept)).verdict())) == fails


@pytest.mark.parametrize("name", ["llm", "result", "someone_elses"])
def test_numbers_of_requests_that_are_not_there_lead_to_nothing(name: str) -> None:
    work = right("who-are-you")
    facts = work.facts()
    evidence = facts.evidence["check-who-are-you"]
    strange = Challenge(id="x", variable=name, question="", offers=(Offer(form="text", requests=(-1, 10**9)),))
    evidence = evidence.model_copy(update={"challenges": (strange, *evidence.challenges)})
    facts = facts.model_copy(update={"evidence": {"check-who-are-you": evidence}})
    assert judge(work.task, facts, DEFAULT) == work.verdict()


# Observations: told, and worth nothing


ROBOT = "I am a robot."
OBSERVED = [
    *of(
        "who-are-you",
        ("a whole answer", ()),
        ("empty output, kept with the prompt", (OBSERVATIONS["empty"],), answers_with("", ideal(FIRST))),
        ("white space alone", (OBSERVATIONS["empty"],), answers_with("\n \n", "")),
        (
            "the same sentence over and over",
            (OBSERVATIONS["repeats"].fill(piece=ROBOT, times=5),),
            answers_with(f"{ROBOT} " * 5, f"{ROBOT} " * 5),
        ),
        (
            "a conversation with itself",
            (OBSERVATIONS["goes-on"],),
            answers_with("Hi.\nHuman: And?", "Hi.\nHuman: And?"),
        ),
        (
            "as long as the limit",
            (OBSERVATIONS["stopped-at-limit"].fill(n=100),),
            asks(output_ids=(tuple(range(100)),)),
        ),
        ("shorter than the limit", (), asks(output_ids=(tuple(range(99)),))),
    ),
    *of(
        "temperature-1",
        ("sampling bound", (), holds(given={"bind": ("do_sample",)})),
        ("sampling by default", (OBSERVATIONS["sampling-default"],), holds(given={"bind": ("temperature",)})),
    ),
]


@each(OBSERVED)
def test_an_observation_is_told_and_costs_nothing(row: Row) -> None:
    work = row.work()
    verdict = work.verdict()
    assert verdict.observations == row.expected
    assert (verdict.state, verdict.score) == ("judged", work.task.points)


# What is shown to a student beside the verdict


SAID = [
    *of(
        "who-are-you",
        ("the answer that is held", OUTPUT, also_asks(request(BASE, ideal(FIRST), "\nAI: Another."))),
        ("the last one, where none is held", "B", keeps("x"), also_asks(request(BASE, ideal(FIRST), "B"))),
        ("the right one, where nothing is held", OUTPUT, gone()),
        ("the longest of several outputs", OUTPUT, asks(outputs=(OUTPUT, "No."))),
        ("not what raised", None, asks(error="E")),
        ("not another question's", None, keeps("x"), asks(text=ideal(SECOND))),
        ("not another model's", None, keeps("x"), asks(model=LARGE)),
    ),
    *of("temperature-1", ("not at another temperature", None, keeps("x"), asks({"temperature": 0.5}))),
    *of("chain", ("nothing, without a question", None)),
]


@each(SAID)
def test_what_the_model_answered_is_the_answer_held_or_the_last_right_one(row: Row) -> None:
    work = row.work()
    facts = work.facts()
    assert answers.said(work.task, facts.evidence[work.task.check_id], facts.transcript) == row.expected
