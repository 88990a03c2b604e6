"""The checks on hand-made evidence: right work earns everything, and each mistake costs exactly its own criteria.

`right(task)` is what evidence and transcript show of right work on a task. A row of a table changes one thing about it,
with one of the small functions below (`holds_`, `arrives`, `asks`, …), and says which criteria fail with which hint.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from conftest import ROOT

from autograder.course import profile as profile_module
from autograder.course.profile import Profile
from autograder.facts.evidence import Challenge, Evidence, Facts, Failure, Offer, PromptFacts, Variable
from autograder.facts.transcript import Message, Rendering, Request, Transcript, plain
from autograder.facts.verdict import Criterion, Phrase, Sentence, Verdict
from autograder.judging.contract import load, parse, task_of, tasks
from autograder.judging.judge import judge
from autograder.judging.outputs import holds, repetition
from autograder.judging.sampling import draws_with
from autograder.judging.task import Task
from autograder.judging.tasks.limit_output import PIPELINE_LIMIT
from autograder.words.checks import NOTES, OBSERVATIONS, REASONS
from autograder.words.hints import HINTS
from autograder.words.tables import LANGUAGES, say, words_of

DEFAULT = load(ROOT / "course.toml")
GEMMA = load(ROOT / "profiles" / "gemma.toml")
NUCLEUS = load(ROOT / "profiles" / "nucleus.toml")
BASE, INSTRUCT, LARGE = (getattr(DEFAULT.models, role).name for role in ("base", "instruct", "large"))
SYSTEM = DEFAULT.chat.system_prompt
FIRST, SECOND = DEFAULT.questions["first"], DEFAULT.questions["second"]
QUESTION = "What would you call a street between kobe3a and lima07?"
"""What the check asks: nobody knew it before."""
ASKED: tuple[Message, ...] = (("human", QUESTION), ("ai", "Yes."), ("human", "Why?"))
OUTPUT = "\nAI: I answer in a whole sentence, and then in another one."
SETTINGS = {"max_new_tokens": 100, "do_sample": True, "temperature": 0.6, "top_p": 0.9, "top_k": 50, "num_beams": 1}


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests in microseconds: how slow they are is no property of these tests."""
    monkeypatch.setattr(profile_module, "DIGEST_ROUNDS", 2)


# Right work


@dataclass
class Work:
    """What evidence and transcript show of a student's work on one task.

    Attributes:
        arrivals: by variable, what reached a model when the check asked it its question.
        failures: by variable, how that ended where it raised.
        requests: what the student's own cells asked.
        earlier: the work on earlier tasks that this one looks back on.
    """

    task: Task
    profile: Profile
    variables: dict[str, Variable] = field(default_factory=dict)
    arrivals: dict[str, list[Request]] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    earlier: list[Work] = field(default_factory=list)
    prompt: PromptFacts | None = None
    environment: dict[str, str] = field(default_factory=dict)
    raised: Failure | None = None
    gpu: str = "virtual"
    complete: bool = True
    faults: tuple[str, ...] = ()
    renderings: tuple[Rendering, ...] = ()
    in_grading: bool = True
    charged: tuple[PromptFacts, ...] | None = ()
    seen: int | None = None

    def facts(self) -> Facts:
        everything: list[Request] = []
        evidence = {work.task.check_id: work._evidence(everything) for work in (*self.earlier, self)}
        transcript = Transcript(
            requests=tuple(everything), renderings=self.renderings, complete=self.complete, faults=self.faults
        )
        return Facts(evidence=evidence, transcript=transcript, in_grading=self.in_grading, charged=self.charged)

    def _evidence(self, everything: list[Request]) -> Evidence:
        _number(self.requests, everything)
        challenges = []
        for name, arrived in self.arrivals.items():
            numbers = _number([r.model_copy(update={"challenge": f"{name}-dict"}) for r in arrived], everything)
            offer = Offer(form="dict", requests=numbers, failure=self.failures.get(name))
            challenges.append(Challenge(id=name, variable=name, question=QUESTION, offers=(offer,)))
        return Evidence(
            check_id=self.task.check_id,
            variables=self.variables,
            challenges=tuple(challenges),
            prompt=self.prompt,
            environment=self.environment,
            gpu=self.gpu,  # type: ignore[arg-type]
            raised=self.raised,
            seen=self.seen,
        )

    def verdict(self) -> Verdict:
        return judge(self.task, self.facts(), self.profile)


def _number(requests: Sequence[Request], everything: list[Request]) -> tuple[int, ...]:
    """Puts requests at the end of the transcript; gives their numbers there."""
    numbers = tuple(range(len(everything), len(everything) + len(requests)))
    everything += [r.model_copy(update={"number": n}) for n, r in zip(numbers, requests, strict=True)]
    return numbers


def ideal(question: str, profile: Profile = DEFAULT) -> str:
    """The text of a right request."""
    return plain((("system", profile.chat.system_prompt), ("human", question)))


def request(model: str | None, text: str, output: str = OUTPUT, **settings: Any) -> Request:
    return Request(number=0, model=model or "", text=text, settings={**SETTINGS, **settings}, outputs=(output,))


def pipeline(identity: int) -> Variable:
    return Variable(
        state="there",
        type="HuggingFacePipeline",
        kinds=("Runnable", "LanguageModel", "HuggingFacePipeline"),
        device="cuda:0",
        task="text-generation",
        identity=identity,
        steps=("model",),
    )


def chain(identity: int) -> Variable:
    return Variable(
        state="there",
        type="RunnableSequence",
        kinds=("Runnable", "HuggingFacePipeline", "PromptTemplate", "ChatPromptTemplate"),
        device="cuda:0",
        task="text-generation",
        identity=identity,
        steps=("prompt", "model"),
        given={"pipeline_kwargs": ("max_new_tokens", "do_sample", "temperature")},
    )


def text(content: str, type_: str = "str") -> Variable:
    return Variable(state="there", type=type_, kinds=("Message",) if type_ != "str" else (), text=content)


def a_dict(**value: Any) -> Variable:
    return Variable(state="there", type="dict", value=value)


def prompt_facts(task: Task, profile: Profile) -> PromptFacts:
    system = ("system", profile.chat.system_prompt)
    questions = {QUESTION, *profile.questions.values()}
    return PromptFacts(
        rendered={question: (system, ("human", question)) for question in questions},
        asked_history=ASKED,
        history=(system, *ASKED),
        variables=("messages",),
    )


def right(task_id: str, profile: Profile = DEFAULT) -> Work:
    """Right work on a task, in the simplest spelling."""
    task = next(t for t in tasks(profile) if t.id == task_id)
    work = Work(task, profile)
    _RIGHT[task.kind](work)
    return work


def _home(work: Work) -> None:
    work.environment["HF_HOME"] = work.profile.models.home


def _load(work: Work) -> None:
    work.variables["llm"] = pipeline(1)
    work.arrivals["llm"] = [request(work.task.model, QUESTION, max_new_tokens=PIPELINE_LIMIT)]


def _limit(work: Work) -> None:
    work.earlier.append(right("load-model", work.profile))
    work.variables["llm"] = pipeline(2)
    work.arrivals["llm"] = [request(work.task.model, QUESTION, max_new_tokens=work.profile.generation.max_new_tokens)]


def _arguments(work: Work) -> None:
    work.variables["answers"] = a_dict(**work.profile.arguments)


def _prompt(work: Work) -> None:
    work.variables["prompt"] = Variable(
        state="there",
        type="ChatPromptTemplate",
        kinds=("Runnable", "PromptTemplate", "ChatPromptTemplate"),
        identity=3,
        steps=("prompt",),
    )
    work.prompt = prompt_facts(work.task, work.profile)


def _chain(work: Work) -> None:
    _prompt(work)
    work.variables |= {"llm": pipeline(2), "chatbot": chain(4)}
    work.arrivals["llm"] = [request(work.task.model, QUESTION)]
    work.arrivals["chatbot"] = [request(work.task.model, ideal(QUESTION, work.profile))]


def _answer(work: Work) -> None:
    _chain(work)
    asked = request(work.task.model, ideal(work.task.question or "", work.profile))
    work.requests.append(asked)
    work.variables[work.task.variables[0]] = text(asked.text + OUTPUT)


def _chain_and_answer(work: Work) -> None:
    name, answer = work.task.variables
    t = dict(work.task.settings)
    _prompt(work)
    work.variables |= {name: chain(5 + work.task.number), answer: text(OUTPUT)}
    work.arrivals[name] = [request(work.task.model, ideal(QUESTION, work.profile), **t)]
    work.requests.append(request(work.task.model, ideal(work.task.question or "", work.profile), **t))


def _setting(work: Work) -> None:
    if work.task.number > 1:
        work.earlier.append(right(f"{work.task.kind}-1", work.profile))
    _chain_and_answer(work)


def _ask_base(work: Work) -> None:
    work.variables |= {"base_llm": pipeline(1), "base_answer": text(OUTPUT)}
    work.arrivals["base_llm"] = [request(work.task.model, QUESTION)]
    work.requests.append(request(work.task.model, work.task.question or ""))


_RIGHT: dict[str, Callable[[Work], None]] = {
    "model-home": _home,
    "ask-base": _ask_base,
    "load-model": _load,
    "limit-output": _limit,
    "arguments": _arguments,
    "prompt": _prompt,
    "chain": _chain,
    "who-are-you": _answer,
    "ideal-boat": _answer,
    "instruct-small": _chain_and_answer,
    "instruct-large": _chain_and_answer,
    "temperature": _setting,
    "top_p": _setting,
}


# What can be otherwise about it

Change = Callable[[Work], None]


def holds_(name: str, **what: Any) -> Change:
    """The variable is otherwise in these ways."""

    def change(work: Work) -> None:
        work.variables[name] = work.variables[name].model_copy(update=what)

    return change


def is_(name: str, variable: Variable, failure: Failure | None = None) -> Change:
    """The variable is something else altogether; asked, it reaches no model."""

    def change(work: Work) -> None:
        work.variables[name] = variable
        if name in work.arrivals:
            silent(name, failure)(work)

    return change


def gone(name: str, state: str = "missing") -> Change:
    """The variable is missing, or None; then nobody can ask it."""

    def change(work: Work) -> None:
        work.variables[name] = Variable(state=state)  # type: ignore[arg-type]
        work.arrivals.pop(name, None)

    return change


def arrives(name: str, settings: dict[str, Any] | None = None, **what: Any) -> Change:
    """What reaches a model when the check asks is otherwise."""

    def change(work: Work) -> None:
        work.arrivals[name] = [_otherwise(r, settings, what) for r in work.arrivals[name]]

    return change


def silent(name: str, failure: Failure | None = None) -> Change:
    """Nothing reaches a model when the check asks."""

    def change(work: Work) -> None:
        work.arrivals[name] = []
        if failure:
            work.failures[name] = failure

    return change


def asks(settings: dict[str, Any] | None = None, **what: Any) -> Change:
    """What the student's own cell asked is otherwise."""

    def change(work: Work) -> None:
        work.requests = [_otherwise(r, settings, what) for r in work.requests]

    return change


def also_asks(*more: Request) -> Change:
    return lambda work: work.requests.extend(more)


def never_asks(work: Work) -> None:
    work.requests = []


def answers_with(output: str, kept: str) -> Change:
    """The model said `output`, and the variable with the answer holds `kept`."""

    def change(work: Work) -> None:
        asks(outputs=(output,))(work)
        work.variables[work.task.variables[-1]] = text(kept)

    return change


def prompt_gives(*history: Message, variables: tuple[str, ...] = ("messages",)) -> Change:
    """A list of three messages comes out of `prompt` like this."""

    def change(work: Work) -> None:
        assert work.prompt is not None
        work.prompt = work.prompt.model_copy(update={"history": history, "variables": variables})

    return change


def prompt_fails(failure: Failure | None, variables: tuple[str, ...]) -> Change:
    def change(work: Work) -> None:
        work.prompt = PromptFacts(asked_history=ASKED, variables=variables, failure=failure)

    return change


def own_prompt(*before: Message, without_question: bool = False) -> Change:
    """The student's `prompt` puts these messages before the question, and everything went through it."""

    def out_of(question: str) -> tuple[Message, ...]:
        return before if without_question else (*before, ("human", question))

    def change(work: Work) -> None:
        assert work.prompt is not None
        rendered = {question: out_of(question) for question in work.prompt.rendered}
        work.prompt = work.prompt.model_copy(update={"rendered": rendered})
        work.charged = (work.prompt,)
        for name in work.arrivals:
            if name != "llm":
                arrives(name, text=plain(out_of(QUESTION)))(work)
        if work.task.question:
            asks(text=plain(out_of(work.task.question)))(work)
            work.variables[work.task.variables[-1]] = text(OUTPUT)

    return change


def raised(name: str, message: str = "") -> Change:
    return lambda work: setattr(work, "raised", Failure(name=name, message=message))


def recorded_late(work: Work) -> None:
    work.complete = False


def earlier(*task_ids: str) -> Change:
    """Right work on these tasks came before, in this order."""
    return lambda work: work.earlier.extend(right(task_id, work.profile) for task_id in task_ids)


def before(*changes: Change) -> Change:
    """The last task before this one is otherwise."""

    def change(work: Work) -> None:
        for one in changes:
            one(work.earlier[-1])

    return change


def at_home(work: Work) -> None:
    """In the student's own session, on a machine without a GPU."""
    work.in_grading, work.gpu = False, "none"


def in_session(work: Work) -> None:
    work.in_grading = False


def _otherwise(one: Request, settings: dict[str, Any] | None, what: dict[str, Any]) -> Request:
    return one.model_copy(update={**what, "settings": {**one.settings, **(settings or {})}})


def both(name: str, settings: dict[str, Any] | None = None, **what: Any) -> list[Change]:
    """What the check saw and what the student's own cell asked are otherwise in the same way."""
    return [arrives(name, settings, **what), asks(settings, **what)]


# Right work earns everything


def four_temperatures() -> Profile:
    raw = tomllib.loads((ROOT / "course.toml").read_text(encoding="utf-8"))
    raw["generation"]["temperatures"] = [0.5, 0.9, 2.0, 5.0]
    return parse(raw, "course.toml")


JUDGED = [
    pytest.param(task.id, profile, id=f"{name}-{task.id}")
    for name, profile in {"default": DEFAULT, "gemma": GEMMA, "nucleus": NUCLEUS, "four": four_temperatures()}.items()
    for task in tasks(profile)
    if task.judged_by == "autograder"
]


@pytest.mark.parametrize("in_grading", [True, False], ids=["grading", "session"])
@pytest.mark.parametrize(("task_id", "profile"), JUDGED)
def test_right_work_earns_all_points(task_id: str, profile: Profile, in_grading: bool) -> None:
    work = right(task_id, profile)
    work.in_grading = in_grading
    verdict = work.verdict()
    assert (verdict.passed, verdict.state, verdict.score) == (True, "judged", work.task.points)


@pytest.mark.parametrize(("task_id", "profile"), JUDGED)
def test_points_of_the_criteria_add_up_to_the_points_of_the_task(task_id: str, profile: Profile) -> None:
    work = right(task_id, profile)
    nothing = Work(work.task, profile)
    for verdict in (work.verdict(), nothing.verdict()):
        assert sum(c.points for c in verdict.criteria) == pytest.approx(work.task.points)


@pytest.mark.parametrize(("task_id", "profile"), JUDGED)
def test_no_two_criteria_of_a_task_share_a_name(task_id: str, profile: Profile) -> None:
    names = [c.name for c in right(task_id, profile).verdict().criteria]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("task_id", "profile"), JUDGED)
def test_a_frozen_profile_judges_alike(task_id: str, profile: Profile) -> None:
    work = right(task_id, profile)
    assert judge(work.task, work.facts(), profile.freeze()) == work.verdict()


@pytest.mark.parametrize(("task_id", "profile"), JUDGED)
def test_evidence_is_judged_alike_after_its_way_through_json(task_id: str, profile: Profile) -> None:
    work = right(task_id, profile)
    facts = Facts.model_validate_json(work.facts().model_dump_json())
    assert judge(work.task, facts, profile) == work.verdict()


CHAT_FORM = f"system\n\n{SYSTEM}user\n\n{{question}}assistant\n\n"
"""What a chat template makes of the messages, special tokens left out."""


def templated(work: Work) -> None:
    """Everything went through the model's own chat template."""
    model = work.task.model or ""
    for name in work.task.variables[:1]:
        arrives(name, text=CHAT_FORM.format(question=QUESTION))(work)
    asks(text=CHAT_FORM.format(question=work.task.question))(work)
    work.renderings = tuple(
        Rendering(model=model, messages=(("system", SYSTEM), ("human", q)), text=CHAT_FORM.format(question=q))
        for q in (QUESTION, work.task.question or "")
    )


FULL = ideal(FIRST) + OUTPUT
ALSO_RIGHT: list[tuple[str, str, list[Change]]] = [
    # task, what is otherwise and right all the same, changes
    ("model-home", "a trailing slash", [lambda w: w.environment.update(HF_HOME=DEFAULT.models.home + "/")]),
    ("load-model", "the device without a number", [holds_("llm", device="cuda")]),
    ("load-model", "a limit set already", [arrives("llm", {"max_new_tokens": 100})]),
    ("load-model", "the right one of several models", [lambda w: w.arrivals["llm"].append(request("x/y", "z"))]),
    ("limit-output", "settings of its own besides", [arrives("llm", {"temperature": 9.0, "num_beams": 4})]),
    ("limit-output", "the same object, changed", [holds_("llm", identity=1)]),
    ("limit-output", "no earlier evidence", [lambda w: w.earlier.clear()]),
    ("limit-output", "another model", [arrives("llm", model=INSTRUCT)]),
    ("limit-output", "on the CPU", [holds_("llm", device="cpu")]),
    ("chain", "no limit", [arrives("chatbot", {"max_new_tokens": PIPELINE_LIMIT})]),
    ("chain", "a retry", [lambda w: w.arrivals["chatbot"].insert(0, request(BASE, "Human: x"))]),
    ("chain", "a fallback that came later", [lambda w: w.arrivals["chatbot"].append(request(INSTRUCT, "x"))]),
    ("chain", "it fails on the canned line", [lambda w: w.failures.update(chatbot=Failure(name="KeyError"))]),
    ("chain", "other steps", [holds_("chatbot", type="RunnableLambda", kinds=("Runnable",), steps=("other",))]),
    ("who-are-you", "the output alone", [holds_("result", text=OUTPUT)]),
    ("who-are-you", "stripped", [holds_("result", text=OUTPUT.strip())]),
    ("who-are-you", "other white space", [holds_("result", text=" ".join(FULL.split()))]),
    ("who-are-you", "a message", [lambda w: w.variables.update(result=text(FULL, "AIMessage"))]),
    ("who-are-you", "the role cut off", [holds_("result", text=OUTPUT.removeprefix("\nAI: "))]),
    ("who-are-you", "a long piece", [holds_("result", text="I answer in a whole sentence")]),
    ("who-are-you", "special tokens", [holds_("result", text=f"<|begin_of_text|>{FULL}<|eot_id|>")]),
    ("who-are-you", "asked twice, the first kept", [also_asks(request(BASE, ideal(FIRST), "\nAI: Another."))]),
    ("who-are-you", "asked twice, the second kept", [also_asks(request(BASE, ideal(FIRST), OUTPUT[:30]))]),
    ("who-are-you", "asked many times in one call", [asks(outputs=("\nAI: One.", "\nAI: Two.", OUTPUT))]),
    ("who-are-you", "a failed try before", [also_asks(request(BASE, ideal(FIRST)).model_copy(update={"error": "E"}))]),
    ("who-are-you", "the second question too", [also_asks(request(BASE, ideal(SECOND), "\nAI: Other."))]),
    ("who-are-you", "recorded late, yet seen", [recorded_late]),
    ("instruct-small", "a chat template", [templated]),
    ("instruct-large", "a chat template", [templated]),
    ("instruct-small", "not a pipeline but a wrapper", [holds_("chatbot_small", type="ChatHuggingFace", kinds=())]),
    ("temperature-1", "a chat template", [templated]),
    ("temperature-1", "streamed without settings", [asks({"temperature": 1.0}, streamed=True)]),
    ("temperature-2", "the same object at two temperatures", [holds_("chatbot_2", identity=6)]),
    ("prompt", "white space around the system prompt", [prompt_gives(("system", SYSTEM + "\n"), *ASKED)]),
    ("prompt", "appended to, without a known variable", [prompt_gives(("system", SYSTEM), *ASKED, variables=())]),
    ("temperature-2", "no earlier evidence", [lambda w: w.earlier.clear()]),
    ("temperature-2", "the answer of the first once more", [asks(outputs=(OUTPUT,))]),
    ("temperature-3", "the answer of both before once more", [earlier("temperature-2")]),
    ("temperature-2", "empty as the first", [before(holds_("result_1", text="")), answers_with("", "")]),
    ("ideal-boat", "the answer to the other question once more", [earlier("who-are-you"), holds_("boat", text=OUTPUT)]),
    (
        "instruct-small",
        "the object of an earlier task, changed",
        [earlier("chain"), holds_("chatbot_small", identity=4)],
    ),
]


def test_a_straight_quotation_mark_for_a_curly_one_is_no_other_question() -> None:
    work = right("who-are-you", GEMMA)
    sent = ideal(GEMMA.questions["first"], GEMMA)
    assert "’" in sent
    asks(text=sent.replace("’", "'"))(work)
    assert work.verdict().passed


@pytest.mark.parametrize(("task_id", "changes"), [pytest.param(t, c, id=f"{t}: {what}") for t, what, c in ALSO_RIGHT])
def test_another_right_way_earns_all_points(task_id: str, changes: list[Change]) -> None:
    work = right(task_id)
    for change in changes:
        change(work)
    verdict = work.verdict()
    assert [c.name for c in verdict.criteria if c.outcome != "passed"] == []
    assert (verdict.state, verdict.score) == ("judged", work.task.points)


# Each mistake costs its own criteria


@dataclass(frozen=True)
class Wrong:
    """One mistake: the criteria that it fails, each with the key of the hint that it shows; the state while grading."""

    task: str
    what: str
    changes: Sequence[Change]
    fails: dict[str, str]
    profile: Profile = DEFAULT
    state: str = "judged"

    def work(self) -> Work:
        work = right(self.task, self.profile)
        for change in self.changes:
            change(work)
        return work

    def __str__(self) -> str:
        return f"{self.task}: {self.what}"


def every(names: str, hint: str) -> dict[str, str]:
    """The same hint for several criteria."""
    return dict.fromkeys(names.split(), hint)


TYPE_ERROR = Failure(name="TypeError", message="unsupported operand")
SHOWN = "TextGenerationPipeline: {'model': 'LlamaForCausalLM', 'device': 'cuda', 'output_modalities': ('text',)}"
A_SET = Failure(name="TypeError", message=f"{SHOWN} argument after ** must be a mapping, not set")
A_TEXT = Failure(name="TypeError", message=f"{SHOWN} argument after ** must be a mapping, not str")
A_NUMBER = Failure(name="TypeError", message="keywords must be strings")
NO_DICT = """1 validation error for HuggingFacePipeline
pipeline_kwargs
  Input should be a valid dictionary [type=dict_type, input_value=['max_new_tokens', 5], input_type=list]"""
NO_INVOKE = Failure(name="TypeError", message="str has no invoke")
CHAT_ERROR = Failure(name="TypeError", message="Expected llm to be one of HuggingFaceEndpoint, got RunnableBinding")
A_LIST = Variable(state="there", type="list")

GONE = [
    # task, variable, criteria that fail without it, profile
    ("load-model", "llm", "kind model device", DEFAULT),
    ("limit-output", "llm", "limit", DEFAULT),
    ("chain", "chatbot", "runnable text model", DEFAULT),
    ("who-are-you", "result", "kept", DEFAULT),
    ("ideal-boat", "boat", "kept", DEFAULT),
    ("instruct-small", "chatbot_small", "model text", DEFAULT),
    ("instruct-small", "result_small", "kept", DEFAULT),
    ("instruct-large", "chatbot_large", "model text", DEFAULT),
    ("instruct-large", "result_large", "kept", DEFAULT),
    ("temperature-1", "chatbot_1", "model text temperature", DEFAULT),
    ("temperature-3", "result_3", "kept", DEFAULT),
    ("ask-base", "base_llm", "kind model", GEMMA),
    ("ask-base", "base_answer", "kept", GEMMA),
    ("load-model", "llm", "kind model device", GEMMA),
]
COMMA = "positional argument follows keyword argument"
EXTRA = "max_new_tokens\n  Extra inputs are not permitted [type=extra_forbidden, input_value=5, input_type=int]"
COMMA_IN_DICT = "':' expected after dictionary key"
WITHOUT = (
    [
        Wrong(task, f"{variable} {what}", [gone(variable, state), *more], every(criteria, hint), profile)
        for task, variable, criteria, profile in GONE
        for what, state, more, hint in [
            ("missing", "missing", [], "missing"),
            ("missing, its cell raised", "missing", [raised("NameError", "name 'x' is not defined")], "missing-raised"),
            (
                "missing, for a decimal comma",
                "missing",
                [raised("SyntaxError", COMMA)],
                "decimal-comma" if task.startswith("temperature") else "missing-raised",
            ),
            ("None", "none", [], "kept-none" if criteria == "kept" else "none"),
        ]
    ]
    + [
        Wrong(
            "temperature-2",
            "a whole number",
            both("chatbot_2", {"temperature": 2}),
            {"temperature": "temperature-whole"},
        ),
        Wrong(
            "limit-output",
            "refused",
            [arrives("llm", {"max_new_tokens": None, "unresolved": "ValueError"})],
            {"limit": "limit-refused"},
        ),
        Wrong(
            "who-are-you",
            "nearly the question",
            [asks(text=plain((("system", SYSTEM), ("human", FIRST.lower() + " ?"))))],
            {"asked": "asked-nearly", "kept": "not-kept"},
        ),
    ]
    + [
        Wrong(
            "temperature-2",
            f"a cell stopped with {error}: {said}",
            [gone("result_2"), raised(error, said)],
            {"kept": hint},
        )
        for error, said, hint in [
            ("SyntaxError", COMMA_IN_DICT, "decimal-comma"),
            ("SyntaxError", f"{COMMA_IN_DICT} (cell, line 3)", "decimal-comma"),
            ("SyntaxError", "invalid syntax. Perhaps you forgot a comma?", "missing-raised"),
            ("SyntaxError", "invalid syntax", "missing-raised"),
            ("ValueError", COMMA, "missing-raised"),
            ("NameError", "name 'chatbot_1' is not defined", "out-of-order"),
            ("NameError", "name 'llm' is not defined. Did you mean: 'lmm'?", "out-of-order"),
            ("NameError", "name 'result_2' is not defined", "missing-raised"),
            ("NameError", "name 'HumanMesage' is not defined", "missing-raised"),
            (
                "TypeError",
                "LlamaForCausalLM.__init__() got an unexpected keyword argument 'temperature'",
                "setting-refused",
            ),
            ("TypeError", "f() got an unexpected keyword argument 'question'", "missing-raised"),
            ("ValidationError", f"1 validation error for HuggingFacePipeline\n{EXTRA}", "setting-refused"),
            ("ValueError", '"HuggingFacePipeline" object has no field "max_new_tokens"', "setting-refused"),
        ]
    ]
)

HOME = [
    Wrong("model-home", "not set", [lambda w: w.environment.clear()], {"model-home": "home-unset"}),
    Wrong("model-home", "empty", [lambda w: w.environment.update(HF_HOME="")], {"model-home": "home-unset"}),
    Wrong("model-home", "elsewhere", [lambda w: w.environment.update(HF_HOME="/x")], {"model-home": "home-other"}),
    Wrong(
        "model-home",
        "the override of a student's own machine, while grading",
        [lambda w: w.environment.update(HF_HOME="/home/ada", AUTOGRADER_MODEL_HOME="/home/ada")],
        {"model-home": "home-other"},
    ),
]

LOAD = [
    Wrong("load-model", "on the CPU", [holds_("llm", device="cpu")], {"device": "on-cpu"}),
    Wrong("load-model", "on another GPU", [holds_("llm", device="cuda:1")], {"device": "other-device"}),
    Wrong("load-model", "on no known device", [holds_("llm", device="mps")], {"device": "other-device"}),
    Wrong("load-model", "instruct for base", [arrives("llm", model=INSTRUCT)], {"model": "instruct-for-base"}),
    Wrong("load-model", "large for base", [arrives("llm", model=LARGE)], {"model": "instruct-for-base"}),
    Wrong("load-model", "a model of its own", [arrives("llm", model="gpt2")], {"model": "wrong-model"}),
    Wrong(
        "load-model",
        "base for instruct",
        [arrives("llm", model="google/gemma-3-1b-pt")],
        {"model": "base-for-instruct"},
        GEMMA,
    ),
    Wrong(
        "load-model",
        "the device as a text",
        [gone("llm"), raised("TypeError", "'<' not supported between instances of 'str' and 'int'")],
        every("kind model device", "device-text"),
    ),
    Wrong(
        "load-model",
        "a transformers pipeline",
        [holds_("llm", type="TextGenerationPipeline", kinds=("Pipeline",))],
        {"kind": "wrapped-model"},
    ),
    Wrong(
        "load-model",
        "a bare model",
        [is_("llm", Variable(state="there", type="LlamaForCausalLM", kinds=("Model",), device="cuda:0"), NO_INVOKE)],
        {"kind": "wrapped-model", "model": "not-a-pipeline"},
    ),
    Wrong(
        "load-model",
        "text",
        [is_("llm", text("a name"), NO_INVOKE)],
        {**every("kind device", "not-a-pipeline"), "model": "not-a-pipeline"},
    ),
    Wrong("load-model", "another task", [holds_("llm", task="translation")], {"kind": "not-a-pipeline"}),
    Wrong(
        "load-model",
        "a chain in its place",
        [holds_("llm", type="RunnableSequence", kinds=("Runnable", "HuggingFacePipeline", "PromptTemplate"))],
        {"kind": "not-a-pipeline"},
    ),
    Wrong("load-model", "asks no model", [silent("llm")], {"model": "no-model-asked"}, state="review"),
    Wrong("load-model", "raises when asked", [silent("llm", TYPE_ERROR)], {"model": "no-model-raised"}, state="review"),
]

LIMIT = [
    Wrong(
        "limit-output",
        "left at the default",
        [arrives("llm", {"max_new_tokens": PIPELINE_LIMIT})],
        {"limit": "limit-default"},
    ),
    Wrong("limit-output", "another number", [arrives("llm", {"max_new_tokens": 20})], {"limit": "limit-other"}),
    Wrong(
        "limit-output",
        "bound where nobody reads it",
        [holds_("llm", given={"bind": ("max_new_tokens",)}), arrives("llm", {"max_new_tokens": PIPELINE_LIMIT})],
        {"limit": "limit-ignored"},
    ),
    Wrong(
        "limit-output",
        "in model_kwargs",
        [holds_("llm", given={"model_kwargs": ("max_new_tokens",)}), arrives("llm", {"max_new_tokens": 256})],
        {"limit": "limit-ignored"},
    ),
    Wrong(
        "limit-output",
        "beside a ready pipeline",
        [holds_("llm", given={"pipeline_kwargs": ("max_new_tokens",)}), arrives("llm", {"max_new_tokens": 256})],
        {"limit": "limit-ignored"},
    ),
    Wrong(
        "limit-output",
        "the total length",
        [holds_("llm", given={"pipeline_kwargs": ("max_length",)}), arrives("llm", {"max_new_tokens": 256})],
        {"limit": "limit-total"},
    ),
    Wrong("limit-output", "no limit", [arrives("llm", {"max_new_tokens": None})], {"limit": "limit-total"}),
    Wrong(
        "limit-output",
        "left over from the task before",
        [holds_("llm", identity=1), lambda w: arrives("llm", {"max_new_tokens": 100})(w.earlier[0])],
        {"limit": "left-over"},
    ),
    Wrong("limit-output", "asks no model", [silent("llm")], {"limit": "no-model-asked"}),
    Wrong("limit-output", "raises when asked", [silent("llm", TYPE_ERROR)], {"limit": "no-model-raised"}),
    Wrong("limit-output", "settings with a comma for the colon", [silent("llm", A_SET)], {"limit": "settings-set"}),
    Wrong("limit-output", "settings that are a text", [silent("llm", A_TEXT)], {"limit": "settings-type"}),
    Wrong("limit-output", "settings whose names are numbers", [silent("llm", A_NUMBER)], {"limit": "settings-names"}),
    Wrong(
        "limit-output",
        "settings that are refused where the model is loaded",
        [
            gone("llm"),
            raised("TypeError", "transformers.pipelines.pipeline() argument after ** must be a mapping, not set"),
        ],
        {"limit": "settings-set"},
    ),
    Wrong(
        "limit-output",
        "settings that LangChain's class refuses",
        [gone("llm"), raised("ValidationError", NO_DICT)],
        {"limit": "settings-type"},
    ),
]


def system_and(*rest: Message) -> tuple[Message, ...]:
    return (("system", SYSTEM), *rest)


TEXT_OF_LIST: Message = ("human", f"[HumanMessage(content='{QUESTION}', additional_kwargs={{}})]")
A_QUESTION: Message = ("human", FIRST)
KEY_ERROR = Failure(name="KeyError", message="Input to ChatPromptTemplate is missing variables {'history'}.")
PROMPT = [
    Wrong("prompt", "no system message", [prompt_gives(*ASKED)], {"system": "system-missing"}),
    Wrong("prompt", "another system prompt", [prompt_gives(("system", "x"), *ASKED)], {"system": "system-other"}),
    Wrong("prompt", "nearly the same", [prompt_gives(("system", SYSTEM[:-1]), *ASKED)], {"system": "system-other"}),
    Wrong("prompt", "placeholder first", [prompt_gives(*ASKED, ("system", SYSTEM))], {"system": "system-last"}),
    Wrong("prompt", "list as text", [prompt_gives(*system_and(TEXT_OF_LIST))], {"placeholder": "placeholder-text"}),
    Wrong(
        "prompt",
        "no placeholder",
        [prompt_gives(*system_and(), variables=())],
        {"placeholder": "placeholder-missing"},
    ),
    Wrong(
        "prompt",
        "a question in the placeholder's place",
        [prompt_gives(*system_and(A_QUESTION), variables=())],
        {"placeholder": "question-inside"},
    ),
    Wrong(
        "prompt",
        "a question after the placeholder",
        [prompt_gives(*system_and(*ASKED, A_QUESTION))],
        {"placeholder": "question-inside"},
    ),
    Wrong(
        "prompt",
        "one more message",
        [prompt_gives(*system_and(("ai", "Hello"), *ASKED))],
        {"placeholder": "prompt-extra"},
    ),
    Wrong(
        "prompt",
        "one more system message",
        [prompt_gives(*system_and(("system", "Be kind."), *ASKED))],
        {"placeholder": "prompt-extra"},
    ),
    Wrong(
        "prompt",
        "an optional placeholder of another name",
        [prompt_gives(*system_and(), variables=("history",))],
        {"placeholder": "prompt-variables"},
    ),
    Wrong(
        "prompt",
        "a placeholder that another name fills",
        [prompt_gives(*system_and(*ASKED), variables=("history",))],
        {"placeholder": "prompt-variables"},
    ),
    Wrong(
        "prompt",
        "another name for the placeholder",
        [prompt_fails(KEY_ERROR, ("history",))],
        every("system placeholder", "prompt-variables"),
    ),
    Wrong(
        "prompt",
        "a second variable",
        [prompt_fails(KEY_ERROR, ("messages", "name"))],
        every("system placeholder", "prompt-variables"),
    ),
    Wrong(
        "prompt",
        "it raises",
        [prompt_fails(Failure(name="ValueError", message="no"), ("messages",))],
        every("system placeholder", "prompt-raised"),
    ),
    Wrong(
        "prompt",
        "text",
        [is_("prompt", text(SYSTEM)), lambda w: setattr(w, "prompt", PromptFacts())],
        every("system placeholder", "prompt-type"),
    ),
    *(
        Wrong(
            "prompt",
            what,
            [gone("prompt", state), *more, lambda w: setattr(w, "prompt", PromptFacts())],
            every("system placeholder", hint),
        )
        for what, state, more, hint in [
            ("missing", "missing", [], "missing"),
            ("missing, its cell raised", "missing", [raised("NameError")], "missing-raised"),
            ("None", "none", [], "none"),
        ]
    ),
]


def held_up_by(failure: Failure, *more: Change) -> list[Change]:
    """`llm` raises this whenever it is asked; that was seen at `limit-output`, and so does the chain around it."""
    return [
        earlier("limit-output"),
        before(silent("llm", failure)),
        silent("llm", failure),
        silent("chatbot", failure),
        holds_("chatbot", holds=("prompt", "llm")),
        *more,
    ]


CHAIN = [
    Wrong(
        "chain",
        "held up by its llm, and without the prompt",
        held_up_by(A_SET, holds_("chatbot", steps=(), holds=("llm",))),
        {"text": "prompt-not-inside"},
    ),
    Wrong(
        "chain",
        "held up by its llm, and reversed",
        held_up_by(A_SET, holds_("chatbot", steps=("model", "prompt"))),
        {"text": "chain-reversed"},
    ),
    Wrong(
        "chain",
        "broken itself, around an llm that is broken otherwise",
        held_up_by(A_SET, silent("chatbot", TYPE_ERROR)),
        every("text model", "chain-raised"),
    ),
    Wrong(
        "chain",
        "around an llm that broke after its check",
        [
            earlier("limit-output"),
            silent("llm", A_SET),
            silent("chatbot", A_SET),
            holds_("chatbot", holds=("prompt", "llm")),
        ],
        every("text model", "settings-set"),
    ),
    Wrong(
        "chain",
        "broken alike, without that llm",
        held_up_by(A_SET, holds_("chatbot", holds=("prompt",))),
        every("text model", "settings-set"),
    ),
    Wrong(
        "chain",
        "an answer",
        [is_("chatbot", text(FULL), NO_INVOKE)],
        every("runnable text model", "chain-is-answer"),
    ),
    Wrong(
        "chain",
        "a message",
        [is_("chatbot", text(FULL, "AIMessage"), NO_INVOKE)],
        every("runnable text model", "chain-is-answer"),
    ),
    Wrong(
        "chain",
        "a list",
        [is_("chatbot", A_LIST, NO_INVOKE)],
        every("runnable text model", "not-runnable"),
    ),
    Wrong(
        "chain",
        "a function that does all the same",
        [holds_("chatbot", type="function", kinds=(), steps=())],
        {"runnable": "not-runnable"},
    ),
    Wrong(
        "chain",
        "reversed",
        [holds_("chatbot", steps=("model", "prompt")), arrives("chatbot", text=f"Human: {QUESTION}")],
        {"text": "chain-reversed"},
    ),
    Wrong("chain", "no prompt", [arrives("chatbot", text=f"Human: {QUESTION}")], {"text": "text-no-prompt"}),
    Wrong("chain", "the question alone", [arrives("chatbot", text=QUESTION)], {"text": "text-no-prompt"}),
    Wrong("chain", "a fixed question", [arrives("chatbot", text=ideal(FIRST))], {"text": "text-no-question"}),
    Wrong("chain", "something added", [arrives("chatbot", text=ideal(QUESTION) + "\nAI:")], {"text": "text-other"}),
    Wrong("chain", "raises", [silent("chatbot", TYPE_ERROR)], every("text model", "chain-raised")),
    Wrong("chain", "asks no model", [silent("chatbot")], every("text model", "no-model-asked")),
    Wrong(
        "chain",
        "a chat wrapper that refuses",
        [holds_("chatbot", kinds=("Runnable", "ChatHuggingFace")), silent("chatbot", CHAT_ERROR)],
        every("text model", "chat-wrapper"),
    ),
    Wrong("chain", "a model other than llm's", [arrives("chatbot", model=INSTRUCT)], {"model": "instruct-for-base"}),
    Wrong(
        "chain",
        "the right text to another model, and another text to the right one",
        [lambda w: w.arrivals.update(chatbot=[request(INSTRUCT, ideal(QUESTION)), request(BASE, "Human: x")])],
        {"model": "instruct-for-base"},
    ),
    Wrong("chain", "another chat template", [arrives("chatbot", text=CHAT_FORM)], {"text": "text-no-question"}),
]

TOGETHER = plain(system_and(A_QUESTION, ("ai", "I am."), ("human", SECOND)))
OTHER = request(BASE, ideal(SECOND), "\nAI: A long answer to quite another question.")
ANSWERS = [
    Wrong(
        "who-are-you",
        "no answer, since llm is broken",
        held_up_by(A_SET, never_asks, gone("result"), raised("TypeError", A_SET.message)),
        {"asked": "llm-broken", "kept": "settings-set"},
    ),
    Wrong("who-are-you", "not asked", [never_asks], {"asked": "not-asked", "kept": "not-kept"}),
    Wrong(
        "who-are-you",
        "asked without the prompt",
        [asks(text=FIRST), holds_("result", text=FIRST + OUTPUT)],
        {"asked": "asked-otherwise"},
    ),
    Wrong(
        "who-are-you",
        "asked by the check alone, through a fixed question",
        [arrives("chatbot", text=ideal(FIRST)), never_asks],
        {"asked": "not-asked", "kept": "not-kept"},
    ),
    Wrong("who-are-you", "another model", [asks(model=LARGE)], {"asked": "asked-other-model"}),
    Wrong(
        "who-are-you",
        "the call raised",
        [asks(error="RuntimeError", outputs=()), gone("result"), raised("RuntimeError")],
        {"asked": "asked-raised", "kept": "missing-raised"},
    ),
    Wrong(
        "who-are-you",
        "the call of another form raised",
        [asks(error="RuntimeError", outputs=(), text=FIRST), gone("result")],
        {"asked": "asked-raised", "kept": "missing"},
    ),
    Wrong(
        "ideal-boat",
        "the answer to the earlier question",
        [earlier("who-are-you"), holds_("boat", text=FULL)],
        {"kept": "kept-again"},
    ),
    Wrong("who-are-you", "recorded late, seen, and gone", [recorded_late, gone("result")], {"kept": "missing"}),
    Wrong(
        "who-are-you",
        "recorded late, and not there",
        [recorded_late, never_asks, gone("result")],
        {"asked": "not-asked", "kept": "missing"},
    ),
    Wrong(
        "ideal-boat",
        "asked with the earlier question",
        [asks(text=TOGETHER), holds_("boat", text=TOGETHER + OUTPUT)],
        {"asked": "asked-together", "kept": "kept-other"},
    ),
    Wrong(
        "who-are-you",
        "the answer to the other question",
        [also_asks(OTHER), holds_("result", text=OTHER.text + OTHER.outputs[0])],
        {"kept": "kept-other"},
    ),
    Wrong("who-are-you", "the prompt alone", [holds_("result", text=ideal(FIRST))], {"kept": "not-kept"}),
    Wrong("who-are-you", "the question alone", [holds_("result", text=FIRST)], {"kept": "not-kept"}),
    Wrong("who-are-you", "empty text", [holds_("result", text="")], {"kept": "not-kept"}),
    Wrong("who-are-you", "a list", [is_("result", A_LIST)], {"kept": "kept-type"}),
    Wrong("who-are-you", "a chain", [is_("result", chain(4))], {"kept": "kept-type"}),
    Wrong("ask-base", "not asked", [never_asks], {"asked": "not-asked", "kept": "not-kept"}, GEMMA),
    Wrong(
        "ask-base",
        "asked as a message",
        [asks(text=plain((("human", GEMMA.questions["completion"]),)))],
        {"asked": "asked-otherwise"},
        GEMMA,
    ),
    Wrong(
        "ask-base",
        "the instruct model",
        both("base_llm", model="google/gemma-3-1b-it"),
        {"model": "instruct-for-base"},
        GEMMA,
    ),
    Wrong("ask-base", "the prompt alone", [holds_("base_answer", text="largest lake")], {"kept": "not-kept"}, GEMMA),
]

INSTRUCTED = [
    Wrong("instruct-small", "the base model", both("chatbot_small", model=BASE), {"model": "base-for-instruct"}),
    Wrong("instruct-small", "the large model", both("chatbot_small", model=LARGE), {"model": "wrong-model"}),
    Wrong("instruct-large", "the small model", both("chatbot_large", model=INSTRUCT), {"model": "wrong-model"}),
    Wrong(
        "instruct-small",
        "no prompt in the chain",
        [arrives("chatbot_small", text=f"Human: {QUESTION}")],
        {"text": "text-no-prompt"},
    ),
    Wrong(
        "instruct-small",
        "the prompt through the other model's template",
        [templated, lambda w: setattr(w, "renderings", ())],
        {"text": "text-other"},
    ),
    Wrong("instruct-small", "not asked", [never_asks], {"kept": "not-asked"}),
    Wrong(
        "instruct-small",
        "recorded late, and not there",
        [recorded_late, never_asks, gone("result_small")],
        {"kept": "missing"},
    ),
    Wrong("instruct-small", "the call raised", [asks(error="RuntimeError", outputs=())], {"kept": "asked-raised"}),
    Wrong(
        "instruct-small",
        "the chain of an earlier task",
        [earlier("chain"), holds_("chatbot_small", identity=4), *both("chatbot_small", model=BASE)],
        every("model text kept", "left-over"),
    ),
    Wrong(
        "instruct-large",
        "the chain of the task before",
        [earlier("instruct-small"), *both("chatbot_large", model=INSTRUCT)],
        every("model text kept", "left-over"),
    ),
    Wrong(
        "instruct-large",
        "the chain of the task before, that asks no model now",
        [earlier("instruct-small"), silent("chatbot_large"), never_asks],
        every("model text kept", "left-over"),
    ),
    Wrong(
        "instruct-large",
        "a chain of its own with the model before",
        [earlier("instruct-small"), holds_("chatbot_large", identity=9), *both("chatbot_large", model=INSTRUCT)],
        {"model": "wrong-model"},
    ),
    Wrong("instruct-small", "asked of another model", [asks(model=BASE)], {"kept": "asked-other-model"}),
    Wrong("instruct-small", "asked another way", [asks(text=f"Human: {FIRST}")], {"kept": "asked-otherwise"}),
    Wrong("instruct-small", "the question alone kept", [holds_("result_small", text=FIRST)], {"kept": "not-kept"}),
    Wrong(
        "instruct-small",
        "a chat wrapper that refuses",
        [holds_("chatbot_small", kinds=("Runnable", "ChatHuggingFace")), silent("chatbot_small", CHAT_ERROR)],
        every("model text", "chat-wrapper"),
    ),
    Wrong(
        "instruct-large",
        "the wrapper refused when it was made",
        [raised("ValueError", "LLM must be of type HuggingFacePipeline"), silent("chatbot_large", CHAT_ERROR)],
        every("model text", "chat-wrapper"),
    ),
]


def at(task_id: str, what: str, settings: dict[str, Any], hint: str, *more: Change) -> Wrong:
    """A chain asked with other settings, by the check and by the student alike: that is one mistake."""
    name = f"chatbot_{task_id[-1]}"
    return Wrong(task_id, what, [*both(name, settings), *more], {"temperature": hint})


BOUND = holds_("chatbot_1", given={"bind": ("temperature",)})
TEMPERATURES = [
    at("temperature-1", "sampling off", {"do_sample": False}, "temperature-off"),
    at("temperature-1", "sampling not set", {"do_sample": None}, "temperature-off"),
    at("temperature-1", "beams without sampling", {"do_sample": False, "num_beams": 4}, "temperature-off"),
    at("temperature-1", "one token to choose from", {"top_k": 1}, "sampling-cancelled"),
    at("temperature-1", "a nucleus of one token", {"top_p": 0.001}, "sampling-cancelled"),
    at("temperature-1", "a decimal comma in text", {"temperature": "0,9"}, "decimal-comma"),
    at("temperature-1", "a decimal comma that made a tuple", {"temperature": [0, 9]}, "decimal-comma"),
    at("temperature-1", "text", {"temperature": "0.9"}, "temperature-text"),
    at("temperature-1", "another number", {"temperature": 0.5}, "temperature-other"),
    at("temperature-1", "no number", {"temperature": None}, "temperature-other"),
    at("temperature-1", "bound where nobody reads it", {"temperature": 0.6}, "temperature-ignored", BOUND),
    at(
        "temperature-1",
        "no temperature given",
        {"temperature": 0.6},
        "temperature-none",
        holds_("chatbot_1", given={}, temperatures=()),
    ),
    at(
        "temperature-1",
        "bound to the whole chain",
        {"temperature": 0.6},
        "settings-on-chain",
        holds_("chatbot_1", given={"chain": ("temperature",)}),
    ),
    at("temperature-2", "the first one's number", {"temperature": 0.9}, "temperature-other"),
    at("temperature-3", "sampling off", {"do_sample": False}, "temperature-off"),
    Wrong("temperature-1", "the base model", both("chatbot_1", model=BASE), {"model": "base-for-instruct"}),
    Wrong("temperature-1", "the small model", both("chatbot_1", model=INSTRUCT), {"model": "wrong-model"}),
    Wrong("temperature-2", "the small model, here alone", both("chatbot_2", model=INSTRUCT), {"model": "wrong-model"}),
    Wrong("temperature-1", "no prompt", [arrives("chatbot_1", text=f"Human: {QUESTION}")], {"text": "text-no-prompt"}),
    Wrong("temperature-1", "not asked", [never_asks], {"kept": "not-asked"}),
    Wrong("temperature-1", "asked at another temperature", [asks({"temperature": 0.5})], {"kept": "temperature-asked"}),
    Wrong("temperature-1", "asked without sampling", [asks({"do_sample": False})], {"kept": "temperature-off"}),
    Wrong(
        "temperature-1",
        "asked without sampling at another temperature",
        [asks({"do_sample": False, "temperature": 0.5})],
        {"kept": "temperature-asked"},
    ),
    Wrong("temperature-1", "the call raised", [asks(error="RuntimeError", outputs=())], {"kept": "asked-raised"}),
    Wrong(
        "temperature-2",
        "the chain of the first",
        [holds_("chatbot_2", identity=6), *both("chatbot_2", {"temperature": 0.9})],
        every("model text temperature kept", "left-over"),
    ),
    Wrong(
        "temperature-2",
        "the chain of the first, without sampling",
        [holds_("chatbot_2", identity=6), *both("chatbot_2", {"do_sample": False})],
        every("model text temperature kept", "left-over"),
    ),
    Wrong(
        "temperature-2", "the first one's answer", [asks(outputs=("\nAI: Something else.",))], {"kept": "kept-again"}
    ),
    Wrong(
        "temperature-3",
        "the answer of both before",
        [earlier("temperature-2"), asks(outputs=("\nAI: Something else.",))],
        {"kept": "kept-again"},
    ),
    Wrong("temperature-1", "asked of another model", [asks(model=INSTRUCT)], {"kept": "asked-other-model"}),
    Wrong("temperature-1", "the prompt alone", [holds_("result_1", text=ideal(FIRST))], {"kept": "not-kept"}),
    Wrong(
        "temperature-1", "raises", [silent("chatbot_1", TYPE_ERROR)], every("model text temperature", "chain-raised")
    ),
]


def drawn(task_id: str, what: str, settings: dict[str, Any], hint: str, **given: tuple[str, ...]) -> Wrong:
    """As `at`, for `top_p`; `given` are the names of the settings that the chain carries, by where."""
    name = f"chatbot_p{task_id[-1]}"
    carried = {"pipeline_kwargs": ("do_sample", "top_p"), **given}
    return Wrong(task_id, what, [holds_(name, given=carried), *both(name, settings)], {"top_p": hint}, NUCLEUS)


TOP_P = [
    drawn("top_p-1", "sampling off", {"do_sample": False}, "setting-off"),
    drawn("top_p-1", "one token to choose from", {"top_k": 1}, "sampling-cancelled"),
    drawn("top_p-1", "text", {"top_p": "0.3"}, "setting-text"),
    drawn("top_p-1", "a decimal comma that made a tuple", {"top_p": [0, 3]}, "decimal-comma"),
    drawn("top_p-1", "another number", {"top_p": 0.9}, "setting-other"),
    drawn("top_p-1", "so small that it leaves one token", {"top_p": 0.001}, "setting-other"),
    drawn("top_p-2", "the first one's number", {"top_p": 0.3}, "setting-other"),
    drawn("top_p-2", "true", {"top_p": True}, "setting-other"),
    drawn("top_p-1", "bound where nobody reads it", {"top_p": 0.9}, "setting-ignored", bind=("top_p",)),
    drawn("top_p-1", "no top_p given", {"top_p": 0.9}, "setting-none", pipeline_kwargs=("do_sample",)),
    drawn("top_p-1", "bound to the whole chain", {"top_p": 0.9}, "settings-on-chain", chain=("top_p",)),
    Wrong("top_p-1", "asked with another", [asks({"top_p": 0.5})], {"kept": "setting-asked"}, NUCLEUS),
    Wrong("top_p-1", "asked without sampling", [asks({"do_sample": False})], {"kept": "setting-off"}, NUCLEUS),
    Wrong(
        "top_p-2",
        "the chain of the first",
        [holds_("chatbot_p2", identity=6), *both("chatbot_p2", {"top_p": 0.3})],
        every("model text top_p kept", "left-over"),
        NUCLEUS,
    ),
]

ARGUMENTS = DEFAULT.arguments
FEW = {letter: name for letter, name in ARGUMENTS.items() if letter != "h"}
SWAPPED = {**ARGUMENTS, "a": ARGUMENTS["b"], "b": ARGUMENTS["a"]}
ALL_WRONG = dict(zip(ARGUMENTS, [*list(ARGUMENTS.values())[1:], ARGUMENTS["a"]], strict=True))


@dataclass(frozen=True)
class Answers(Wrong):
    """Wrong `answers`: how many of eight count, too."""

    right: int = 0


def answered(what: str, value: dict[str, Any], fails: dict[str, str], right: int) -> Answers:
    return Answers("arguments", what, [is_("answers", a_dict(**value))], fails, right=right)


DICTS = [
    answered("two swapped", SWAPPED, {"answers": "answers-some"}, 6),
    answered("one wrong", {**ARGUMENTS, "a": "device"}, {"answers": "answers-some"}, 7),
    answered("all wrong", ALL_WRONG, {"answers": "answers-some"}, 0),
    answered("all the same", dict.fromkeys(ARGUMENTS, "task"), {"answers": "answers-some"}, 1),
    answered("one letter missing", FEW, every("format answers", "answers-letters"), 7),
    answered("one letter too many", {**ARGUMENTS, "i": "task"}, every("format answers", "answers-letters"), 7),
    answered(
        "one letter too many, all else wrong", {**ALL_WRONG, "i": "task"}, every("format answers", "answers-letters"), 0
    ),
    answered("a list among them", {**ARGUMENTS, "a": ["device"]}, every("format answers", "answers-unknown"), 7),
    answered("no letters", {}, every("format answers", "answers-letters"), 0),
    answered(
        "large letters", {k.upper(): v for k, v in ARGUMENTS.items()}, every("format answers", "answers-letters"), 0
    ),
    answered("a name misspelled", {**ARGUMENTS, "a": "max_tokens"}, every("format answers", "answers-unknown"), 7),
    answered("a space too much", {**ARGUMENTS, "a": "max_new_tokens "}, every("format answers", "answers-unknown"), 7),
    answered("numbers", dict.fromkeys(ARGUMENTS, 3), every("format answers", "answers-unknown"), 0),
    answered("None", dict.fromkeys(ARGUMENTS), every("format answers", "answers-unknown"), 0),
    Answers("arguments", "a list", [is_("answers", A_LIST)], every("format answers", "answers-type")),
    Answers("arguments", "text", [is_("answers", text("a"))], every("format answers", "answers-type")),
    Answers("arguments", "missing", [gone("answers")], every("format answers", "missing")),
    Answers("arguments", "empty", [gone("answers", "none")], every("format answers", "none")),
]

WRONG: list[Wrong] = [
    *WITHOUT,
    *HOME,
    *LOAD,
    *LIMIT,
    *PROMPT,
    *CHAIN,
    *ANSWERS,
    *INSTRUCTED,
    *TEMPERATURES,
    *TOP_P,
]
each_wrong = pytest.mark.parametrize("wrong", [*WRONG, *DICTS], ids=str)


def shows(phrase: Phrase | None, hint: str) -> bool:
    """Whether the phrase is this hint with its values filled in, in both languages."""
    words = words_of(HINTS[hint])

    def fits(shown: str, template: str) -> bool:
        return re.fullmatch(re.sub(r"\\\{\w+\\\}", ".*", re.escape(template)), shown) is not None

    if not isinstance(phrase, Sentence) or phrase.key != HINTS[hint].key:
        return False
    return fits(say(phrase, "nb"), words.nb) and fits(say(phrase, "en"), words.en)


def failed(verdict: Verdict) -> dict[str, Criterion]:
    return {c.name: c for c in verdict.criteria if c.outcome == "failed"}


@each_wrong
def test_a_mistake_fails_its_own_criteria(wrong: Wrong) -> None:
    verdict = wrong.work().verdict()
    assert set(failed(verdict)) == set(wrong.fails)
    assert {c.outcome for c in verdict.criteria} <= {"passed", "failed"}


@each_wrong
def test_a_mistake_shows_its_own_hint(wrong: Wrong) -> None:
    found = failed(wrong.work().verdict())
    assert [(name, found[name].hint) for name, key in wrong.fails.items() if not shows(found[name].hint, key)] == []


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_mistake_costs_the_points_of_its_criteria_and_no_others(wrong: Wrong) -> None:
    verdict = wrong.work().verdict()
    assert [c.name for c in verdict.criteria if c.earned != (0 if c.name in wrong.fails else c.points)] == []
    assert verdict.state == wrong.state
    assert not verdict.passed


def test_an_answer_that_only_the_kernel_says_a_model_gave_goes_to_a_person() -> None:
    work = right("who-are-you")
    work.requests = [request.model_copy(update={"self_reported": True}) for request in work.requests]
    verdict = work.verdict()
    assert (verdict.state, verdict.score) == ("review", verdict.points)


@pytest.mark.parametrize("wrong", DICTS, ids=str)
def test_each_right_argument_counts(wrong: Answers) -> None:
    assert wrong.work().verdict().score == pytest.approx(2 * wrong.right / 8)


@pytest.mark.parametrize("wrong", [w for w in DICTS if "format" in w.fails], ids=str)
def test_a_wrong_format_is_told_without_the_count_of_right_ones(wrong: Answers) -> None:
    found = failed(wrong.work().verdict())
    assert found["answers"].found == found["format"].found
    phrases = [phrase for c in found.values() for phrase in (c.found, c.hint) if phrase]
    assert not any(re.search(r"\d av \d|\d of \d", say(p, "nb") + say(p, "en")) for p in phrases)


def test_the_digests_of_a_frozen_profile_are_no_answers() -> None:
    frozen = DEFAULT.freeze()
    work = right("arguments")
    is_("answers", a_dict(**frozen.arguments))(work)
    verdict = judge(work.task, work.facts(), frozen)
    assert (verdict.score, set(failed(verdict))) == (0, {"format", "answers"})


@pytest.mark.parametrize(
    ("cell", "comma"),
    [("x = {'temperature': 0,9}", True), ("dict(temperature=0,9)", True), ("x = {'a': 1 'temperature': 0.9}", False)],
)
def test_python_says_of_a_decimal_comma_what_the_hint_listens_for(cell: str, comma: bool) -> None:
    with pytest.raises(SyntaxError) as caught:
        compile(cell, "cell", "exec")
    work = right("temperature-1")
    for change in (gone("result_1"), raised("SyntaxError", str(caught.value))):
        change(work)
    assert shows(failed(work.verdict())["kept"].hint, "decimal-comma" if comma else "missing-raised")


def test_a_cell_that_stopped_is_told_in_plain_words() -> None:
    work = right("chain")
    for change in (gone("chatbot"), raised("NameError", "no llm")):
        change(work)
    hint = failed(work.verdict())["runnable"].hint
    assert hint is not None
    assert say(hint, "nb").endswith("Rett feilen, og kjør cellen igjen.")
    assert say(hint, "en").endswith("Fix it, and run the cell again.")


def test_one_object_is_no_left_over_where_nothing_follows_it() -> None:
    """Identity 0 stands for what cannot be followed."""
    work = right("instruct-large")
    for change in (
        earlier("instruct-small"),
        before(holds_("chatbot_small", identity=0)),
        holds_("chatbot_large", identity=0),
        *both("chatbot_large", model=INSTRUCT),
    ):
        change(work)
    assert set(failed(work.verdict())) == {"model"}


@each_wrong
def test_a_failed_criterion_says_expected_found_and_hint_in_both_languages(wrong: Wrong) -> None:
    for criterion in failed(wrong.work().verdict()).values():
        for words in (criterion.expected, criterion.found, criterion.hint, criterion.title):
            assert words is not None
            assert all(say(words, language).strip() for language in LANGUAGES)


@each_wrong
def test_no_sentence_has_an_open_place_or_a_missing_value(wrong: Wrong) -> None:
    for c in failed(wrong.work().verdict()).values():
        for words in (c.expected, c.hint, c.title):
            assert words is not None
            assert re.findall(r"\{[a-z_]+\}", say(words, "en") + say(words, "nb")) == []


@each_wrong
def test_a_students_own_session_sees_the_same_mistake(wrong: Wrong) -> None:
    """With a GPU, and the recorder there from the start; the override of the model home is for such a session."""
    work = wrong.work()
    work.in_grading = False
    work.environment.pop("AUTOGRADER_MODEL_HOME", None)
    assert work.verdict().criteria == wrong.work().verdict().criteria


@pytest.mark.parametrize("key", [key for key in HINTS if key != "no-evidence"])
def test_every_hint_is_shown_by_a_mistake_above(key: str) -> None:
    assert any(key in wrong.fails.values() for wrong in [*WRONG, *DICTS])


@pytest.mark.parametrize("wrong", DICTS, ids=str)
def test_the_check_of_arguments_never_tells_the_key(wrong: Answers) -> None:
    work = wrong.work()
    told = work.verdict().model_dump_json()
    given = str(work.variables["answers"].value)
    assert [name for name in ARGUMENTS.values() if name in told and name not in given and name != "task"] == []


# Nothing at all, and faults on the grader's side


@pytest.mark.parametrize(("task_id", "profile"), JUDGED)
def test_no_evidence_earns_nothing_and_says_so(task_id: str, profile: Profile) -> None:
    task = next(t for t in tasks(profile) if t.id == task_id)
    verdict = judge(task, Facts(evidence={}, transcript=Transcript(), in_grading=True), profile)
    assert (verdict.score, verdict.passed, verdict.state) == (0, False, "judged")
    assert verdict.first_failed is not None
    assert verdict.first_failed.hint == HINTS["no-evidence"]


@pytest.mark.parametrize(("task_id", "profile"), JUDGED)
def test_evidence_of_nothing_done_earns_nothing(task_id: str, profile: Profile) -> None:
    task = next(t for t in tasks(profile) if t.id == task_id)
    verdict = Work(task, profile).verdict()
    assert verdict.score == 0
    assert all(c.hint and c.expected and c.found for c in verdict.criteria)


@pytest.mark.parametrize(("task_id", "profile"), JUDGED)
def test_a_fault_of_the_machine_gives_no_score(task_id: str, profile: Profile) -> None:
    work = right(task_id, profile)
    work.faults = ("OutOfMemoryError",)
    verdict = work.verdict()
    assert (verdict.state, verdict.score, verdict.passed) == ("not judged", None, False)
    assert verdict.reasons == (REASONS["fault"].fill(fault="OutOfMemoryError"),)


def test_a_fault_comes_before_missing_evidence() -> None:
    facts = Facts(evidence={}, transcript=Transcript(faults=("GPU lost",)), in_grading=True)
    task = task_of("check-chain", DEFAULT)
    assert task is not None
    assert judge(task, facts, DEFAULT).state == "not judged"


def test_a_fault_in_a_students_own_session_is_no_verdict() -> None:
    work = right("chain")
    work.faults, work.in_grading = ("OutOfMemoryError",), False
    assert (work.verdict().state, work.verdict().score) == ("judged", 2)


# What is not known


UNKNOWN: list[tuple[str, str, list[Change], set[str], str]] = [
    # task, what, changes, criteria that are not known, note
    ("who-are-you", "recorded late", [recorded_late, never_asks], {"asked", "kept"}, "late"),
    ("ideal-boat", "recorded late", [recorded_late, never_asks], {"asked", "kept"}, "late"),
    ("instruct-large", "recorded late", [recorded_late, never_asks], {"kept"}, "late"),
    ("temperature-2", "recorded late", [recorded_late, never_asks], {"kept"}, "late"),
]


@pytest.mark.parametrize(
    ("task_id", "changes", "names", "note"), [pytest.param(t, c, n, o, id=f"{t}: {w}") for t, w, c, n, o in UNKNOWN]
)
def test_what_came_before_the_recorder_is_neither_tick_nor_fail(
    task_id: str, changes: list[Change], names: set[str], note: str
) -> None:
    work = right(task_id)
    for change in (*changes, in_session):
        change(work)
    verdict = work.verdict()
    unknown = [c for c in verdict.criteria if c.outcome == "unknown"]
    assert {c.name for c in unknown} == names
    assert {(c.earned, c.note) for c in unknown} == {(0, NOTES[note])}
    assert (verdict.state, verdict.passed, verdict.open, verdict.first_failed) == ("judged", False, True, None)


@pytest.mark.parametrize(
    ("task_id", "changes", "names"), [pytest.param(t, c, n, id=f"{t}: {w}") for t, w, c, n, _ in UNKNOWN]
)
def test_what_is_not_known_while_grading_goes_to_a_person_with_the_points(
    task_id: str, changes: list[Change], names: set[str]
) -> None:
    work = right(task_id)
    for change in changes:
        change(work)
    verdict = work.verdict()
    assert {c.name for c in verdict.criteria if c.outcome == "unknown"} == names
    assert (verdict.state, verdict.score) == ("review", work.task.points)
    assert verdict.reasons == (REASONS["not-known"],)


@pytest.mark.parametrize("device", ["cpu", None])
def test_nobody_loses_a_tick_for_having_no_gpu_at_home(device: str | None) -> None:
    work = right("load-model")
    at_home(work)
    holds_("llm", device=device)(work)
    verdict = work.verdict()
    assert {c.name: c.outcome for c in verdict.criteria} == {"kind": "passed", "model": "passed", "device": "unknown"}
    assert verdict.criteria[-1].note == NOTES["no-gpu"]


@pytest.mark.parametrize("gpu", ["real", "virtual"])
def test_the_processor_is_wrong_where_there_is_a_gpu(gpu: str) -> None:
    work = right("load-model")
    work.in_grading, work.gpu = False, gpu
    holds_("llm", device="cpu")(work)
    assert shows(failed(work.verdict())["device"].hint, "on-cpu")


def test_the_processor_is_wrong_while_grading_whatever_the_machine_has() -> None:
    work = right("load-model")
    work.gpu = "none"
    holds_("llm", device="cpu")(work)
    assert set(failed(work.verdict())) == {"device"}


def test_a_model_home_of_ones_own_counts_in_ones_own_session() -> None:
    work = right("model-home")
    work.environment = {"HF_HOME": "/home/ada/models/", "AUTOGRADER_MODEL_HOME": "/home/ada/models"}
    work.in_grading = False
    assert work.verdict().passed


REPEATS = f"\nAI: You ask me {FIRST} and so do all the others who come here in the morning. Who could tell them?"
PROCESSED = [
    # task, variable, what the model said, what the variable holds
    ("who-are-you", "result", OUTPUT, "In short: it is a kind of robot."),
    ("ideal-boat", "boat", OUTPUT, OUTPUT.upper()),
    ("instruct-small", "result_small", OUTPUT, "('I answer', 1)"),
    ("temperature-3", "result_3", OUTPUT, "Oversatt: jeg svarer i hele setninger."),
    ("who-are-you", "result", REPEATS, FIRST),
    ("instruct-small", "result_small", REPEATS, FIRST),
]


@pytest.mark.parametrize(("task_id", "name", "said", "kept"), PROCESSED)
def test_a_processed_answer_goes_to_a_person_with_the_points(task_id: str, name: str, said: str, kept: str) -> None:
    work = right(task_id)
    answers_with(said, kept)(work)
    verdict = work.verdict()
    assert (verdict.state, verdict.score) == ("review", work.task.points)
    assert verdict.reasons == (REASONS["cannot-tell"].fill(variable=name),)


# A mistake from before is told, and not charged again


NO_SYSTEM = own_prompt()
OTHER_SYSTEM = own_prompt(("system", "Be short."))
CARRIED: list[tuple[str, str, list[Change], set[str]]] = [
    # task, what, changes, criteria that pass with a note
    ("chain", "a prompt without a system message", [NO_SYSTEM], {"text"}),
    ("chain", "a prompt with another system message", [OTHER_SYSTEM], {"text"}),
    ("who-are-you", "a prompt without a system message", [NO_SYSTEM], set()),
    ("instruct-small", "a prompt with another system message", [OTHER_SYSTEM], {"text"}),
    ("temperature-1", "a prompt with another system message", [OTHER_SYSTEM], {"text"}),
    ("chain", "a wrong llm", [arrives("llm", model=INSTRUCT), arrives("chatbot", model=INSTRUCT)], {"model"}),
    ("chain", "a wrong llm, mended here", [arrives("llm", model=INSTRUCT)], set()),
    (
        "who-are-you",
        "a wrong llm",
        [arrives("llm", model=INSTRUCT), *both("chatbot", model=INSTRUCT)],
        {"asked"},
    ),
    ("ideal-boat", "a wrong chain", both("chatbot", model=LARGE), {"asked"}),
    (
        "temperature-2",
        "the first one's wrong model",
        [lambda w: [c(w.earlier[0]) for c in both("chatbot_1", model=BASE)], *both("chatbot_2", model=BASE)],  # type: ignore[list-item]
        {"model"},
    ),
    (
        "temperature-3",
        "the first one's wrong model",
        [lambda w: [c(w.earlier[0]) for c in both("chatbot_1", model="gpt2")], *both("chatbot_3", model="gpt2")],  # type: ignore[list-item]
        {"model"},
    ),
]


@pytest.mark.parametrize(
    ("task_id", "changes", "noted"), [pytest.param(t, c, n, id=f"{t}: {what}") for t, what, c, n in CARRIED]
)
def test_a_mistake_from_before_costs_nothing_here(task_id: str, changes: list[Change], noted: set[str]) -> None:
    work = right(task_id)
    for change in changes:
        change(work)
    verdict = work.verdict()
    assert (verdict.passed, verdict.state, verdict.score) == (True, "judged", work.task.points)
    assert {c.name for c in verdict.criteria if c.note == NOTES["carried"]} == noted


def new_prompt(*before: Message) -> Change:
    """The prompt that `check-prompt` saw was right, or the first notebook's was; this one is otherwise."""

    def change(work: Work) -> None:
        work.earlier[:0] = [right("prompt")] if work.task.notebook == "chatbot" else []
        own_prompt(*before)(work)
        work.charged = (prompt_facts(work.task, DEFAULT),)

    return change


def charged_as(*before: Message) -> Change:
    """What was judged as `prompt` put these messages before the question."""

    def change(work: Work) -> None:
        was = right("prompt")
        own_prompt(*before)(was)
        work.earlier[:0] = [was] if work.task.notebook == "chatbot" else []
        work.charged = was.charged

    return change


def by_chain(task_id: str, *changes: Change) -> Change:
    """This task came before, with these changes."""

    def change(work: Work) -> None:
        earlier(task_id)(work)
        for each in changes:
            each(work.earlier[-1])

    return change


GRUMPY: Message = ("system", "Be short.")
CHAT_OF_NOTEBOOKS = ["chain", "instruct-small", "instruct-large", "temperature-1", "temperature-3"]
CHANGED_LATER: list[tuple[str, str, list[Change], set[str]]] = [
    # task, what went wrong after it could be charged, changes, criteria that fail
    *((name, "a prompt that lost its system message", [new_prompt()], {"text"}) for name in CHAT_OF_NOTEBOOKS),
    *((name, "a prompt of another kind", [new_prompt(GRUMPY)], {"text"}) for name in CHAT_OF_NOTEBOOKS),
    *(
        (
            name,
            "a prompt with one mistake, and now another",
            [own_prompt(GRUMPY), charged_as(("system", "Hi."))],
            {"text"},
        )
        for name in CHAT_OF_NOTEBOOKS
    ),
    (
        "who-are-you",
        "a prompt asked past the chain",
        [by_chain("chain"), new_prompt(), arrives("chatbot", text=ideal(QUESTION))],
        {"asked"},
    ),
    (
        "ideal-boat",
        "a prompt asked past the chain",
        [by_chain("chain"), new_prompt(), arrives("chatbot", text=ideal(QUESTION))],
        {"asked"},
    ),
    ("who-are-you", "a chain that was changed", [by_chain("chain"), *both("chatbot", model=LARGE)], {"asked"}),
    (
        "ideal-boat",
        "a chain that was changed",
        [by_chain("chain"), by_chain("who-are-you"), *both("chatbot", model=LARGE)],
        {"asked"},
    ),
    (
        "temperature-3",
        "sampling that is off",
        [by_chain("temperature-2"), *both("chatbot_3", {"do_sample": False})],
        {"temperature"},
    ),
    (
        "temperature-3",
        "a setting that cancels",
        [by_chain("temperature-2", arrives("chatbot_2", {"top_k": 1})), *both("chatbot_3", {"top_p": 0.011})],
        {"temperature"},
    ),
]


@pytest.mark.parametrize(
    ("task_id", "changes", "fails"), [pytest.param(t, c, f, id=f"{t}: {what}") for t, what, c, f in CHANGED_LATER]
)
def test_what_went_wrong_after_it_could_be_charged_costs_here(
    task_id: str, changes: list[Change], fails: set[str]
) -> None:
    work = right(task_id)
    for change in changes:
        change(work)
    assert set(failed(work.verdict())) == fails


CHARGED_THERE: list[tuple[str, str, list[Change], set[str]]] = [
    # task, what an earlier check has charged, changes, criteria with a note
    (
        "who-are-you",
        "a prompt changed for the chain",
        [by_chain("chain", new_prompt(GRUMPY)), own_prompt(GRUMPY)],
        set(),
    ),
    (
        "who-are-you",
        "a chain with another model",
        [by_chain("chain", *both("chatbot", model=LARGE)), *both("chatbot", model=LARGE)],
        {"asked"},
    ),
    (
        "ideal-boat",
        "a chain changed for the answer before",
        [by_chain("chain"), by_chain("who-are-you", *both("chatbot", model=LARGE)), *both("chatbot", model=LARGE)],
        {"asked"},
    ),
    (
        "instruct-large",
        "a prompt changed for the chain before",
        [by_chain("instruct-small", own_prompt(GRUMPY)), new_prompt(GRUMPY)],
        {"text"},
    ),
    (
        "temperature-2",
        "a prompt changed for the chain before",
        [before(own_prompt(GRUMPY)), new_prompt(GRUMPY)],
        {"text"},
    ),
    (
        "temperature-3",
        "a model of the second",
        [by_chain("temperature-2", *both("chatbot_2", model=BASE)), *both("chatbot_3", model=BASE)],
        {"model"},
    ),
    (
        "temperature-2",
        "sampling that is off for all",
        [before(*both("chatbot_1", {"do_sample": False})), *both("chatbot_2", {"do_sample": False})],
        {"temperature"},
    ),
    (
        "temperature-3",
        "a setting of the second that cancels",
        [by_chain("temperature-2", *both("chatbot_2", {"top_p": 0.011})), *both("chatbot_3", {"top_p": 0.011})],
        {"temperature"},
    ),
    (
        "chain",
        "a system prompt that was missing, the placeholder mended",
        [
            lambda w: w.earlier.insert(0, right("prompt")),
            lambda w: own_prompt(without_question=True)(w.earlier[0]),
            own_prompt(),
        ],
        {"text"},
    ),
]


@pytest.mark.parametrize(
    ("task_id", "changes", "noted"), [pytest.param(t, c, n, id=f"{t}: {what}") for t, what, c, n in CHARGED_THERE]
)
def test_what_an_earlier_check_has_charged_costs_nothing_more(
    task_id: str, changes: list[Change], noted: set[str]
) -> None:
    work = right(task_id)
    for change in changes:
        change(work)
    verdict = work.verdict()
    assert (set(failed(verdict)), verdict.state, verdict.score) == (set(), "judged", work.task.points)
    assert {c.name for c in verdict.criteria if c.note == NOTES["carried"]} == noted


@pytest.mark.parametrize("in_grading", [True, False])
def test_a_prompt_of_ones_own_is_open_where_nobody_knows_what_the_first_notebook_cost(in_grading: bool) -> None:
    work = right("instruct-small")
    own_prompt(GRUMPY)(work)
    work.charged, work.in_grading = None, in_grading
    verdict = work.verdict()
    assert {c.name for c in verdict.criteria if c.outcome == "unknown"} == {"text"}
    assert verdict.state == ("review" if in_grading else "judged")


def test_a_template_for_plain_text_that_was_charged_is_known_again_by_another_question() -> None:
    work = right("chain")
    work.earlier.insert(0, right("prompt"))
    other = "How many letters has mako41?"
    said = PromptFacts(asked_history=(("human", other),), texts={other: f"{SYSTEM} [HumanMessage({other!r})]"})
    work.earlier[0].prompt = work.prompt = said
    arrives("chatbot", text=f"{SYSTEM} [HumanMessage({QUESTION!r})]")(work)
    assert work.verdict().passed


def test_a_question_that_is_written_into_the_prompt_is_not_charged_again_at_the_chain() -> None:
    work = right("chain")
    work.earlier.insert(0, right("prompt"))
    assert work.prompt is not None
    rendered = dict.fromkeys(work.prompt.rendered, system_and(A_QUESTION))
    work.earlier[0].prompt = work.prompt = work.prompt.model_copy(update={"rendered": rendered})
    arrives("chatbot", text=plain(system_and(A_QUESTION)))(work)
    assert work.verdict().passed


@pytest.mark.parametrize("inside", ["in the prompt", "in the chain"])
def test_a_question_that_is_written_in_does_not_answer_the_other_one(inside: str) -> None:
    work = right("ideal-boat")
    fixed = system_and(A_QUESTION)
    if inside == "in the prompt":
        work.earlier.insert(0, right("prompt"))
        assert work.prompt is not None
        rendered = dict.fromkeys(work.prompt.rendered, fixed)
        work.earlier[0].prompt = work.prompt = work.prompt.model_copy(update={"rendered": rendered})
    for change in both("chatbot", text=plain(fixed)):
        change(work)
    holds_("boat", text=OUTPUT)(work)
    assert set(failed(work.verdict())) == {"asked", "kept"}


EMPTY = [
    # output, what the variable holds, how many cells ago it was asked, whether a person is asked
    ("", "", 0, False),
    ("", "", 1, True),
    ("\n ", "", 1, True),
    ("", "prompt", 0, False),
    ("", "prompt", 1, True),
    (OUTPUT, OUTPUT, 1, False),
]


@pytest.mark.parametrize("task_id", ["who-are-you", "ideal-boat", "instruct-small", "temperature-1"])
@pytest.mark.parametrize(("said", "kept", "ago", "asked"), EMPTY)
def test_emptiness_alone_agrees_only_with_a_request_of_the_tasks_own(
    task_id: str, said: str, kept: str, ago: int, asked: bool
) -> None:
    work = right(task_id)
    answers_with(said, ideal(work.task.question or "") if kept == "prompt" else kept)(work)
    if ago:
        work.requests, requests = [], work.requests
        work.earlier.append(right("model-home"))
        work.earlier[-1].requests = requests
        work.earlier[-1].seen = 1
    verdict = work.verdict()
    assert verdict.score == work.task.points
    assert verdict.reasons == ((REASONS["empty-agrees"].fill(variable=work.task.variables[-1]),) if asked else ())


def test_a_wrong_model_at_the_first_temperature_is_charged_there() -> None:
    work = right("temperature-1")
    for change in both("chatbot_1", model=BASE):
        change(work)
    assert set(failed(work.verdict())) == {"model"}


def test_a_prompt_that_drops_the_question_costs_points_as_a_prompt_alone() -> None:
    work = right("who-are-you")
    own_prompt(("system", SYSTEM), without_question=True)(work)
    assert "asked" not in failed(work.verdict())


BROKEN = [A_SET, A_TEXT, A_NUMBER, TYPE_ERROR, Failure(name="ValueError", message="<a.B object at 0x7f00> is not one")]


@pytest.mark.parametrize("failure", BROKEN, ids=str)
def test_an_llm_that_has_been_charged_does_not_take_the_chain_too(failure: Failure) -> None:
    work = right("chain")
    for change in held_up_by(failure):
        change(work)
    verdict = work.verdict()
    assert (verdict.passed, verdict.state) == (True, "judged")
    assert {c.name for c in verdict.criteria if c.note == NOTES["carried"]} == {"text", "model"}


def test_a_chain_that_cannot_be_told_behind_a_broken_llm_goes_to_a_person() -> None:
    work = right("chain")
    for change in held_up_by(A_SET, holds_("chatbot", steps=("prompt", "other", "model"))):
        change(work)
    verdict = work.verdict()
    assert (verdict.state, verdict.score) == ("review", work.task.points)


def test_no_verdict_shows_an_object_as_python_does() -> None:
    for failure in BROKEN:
        for task_id in ("load-model", "limit-output", "chain", "temperature-1"):
            work = right(task_id)
            name = work.task.variables[0]
            silent(name, failure)(work)
            raised(failure.name, failure.message)(work)
            shown = work.verdict().model_dump_json()
            assert "0x7f" not in shown
            assert "LlamaForCausalLM" not in shown


# Forged and failed requests


def test_evidence_cannot_pass_the_students_own_requests_off_as_the_checks() -> None:
    work = right("chain")
    silent("chatbot")(work)
    also_asks(request(BASE, ideal(QUESTION)))(work)
    facts = work.facts()
    evidence = facts.evidence["check-chain"]
    forged = tuple(c.model_copy(update={"offers": (Offer(form="dict", requests=(0,)),)}) for c in evidence.challenges)
    facts = facts.model_copy(update={"evidence": {"check-chain": evidence.model_copy(update={"challenges": forged})}})
    assert set(failed(judge(work.task, facts, DEFAULT))) == {"text", "model"}


@pytest.mark.parametrize("task_id", ["who-are-you", "ideal-boat", "instruct-small", "temperature-1"])
def test_a_request_that_raised_is_not_the_answer(task_id: str) -> None:
    work = right(task_id)
    asks(error="RuntimeError")(work)
    assert {"asked", "kept"} & set(failed(work.verdict()))


NO_OUTPUT: list[tuple[str, set[str]]] = [
    # task, criteria that a request without an output does not earn
    ("who-are-you", {"asked", "kept"}),
    ("ideal-boat", {"asked", "kept"}),
    ("instruct-small", {"kept"}),
    ("temperature-1", {"kept"}),
]


@pytest.mark.parametrize("kept", [OUTPUT, "", "prompt"])
@pytest.mark.parametrize(("task_id", "fails"), NO_OUTPUT)
def test_a_request_that_was_noted_without_an_output_earns_nothing(task_id: str, fails: set[str], kept: str) -> None:
    work = right(task_id)
    asks(outputs=(), self_reported=True)(work)
    holds_(work.task.variables[-1], text=ideal(work.task.question or "") if kept == "prompt" else kept)(work)
    assert set(failed(work.verdict())) == fails


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


def plainly(*names: str) -> Change:
    """Settings of the first temperature's chain, by name."""
    return holds_("chatbot_1", given={"pipeline_kwargs": names})


OBSERVED: list[tuple[str, str, list[Change], tuple[Sentence, ...]]] = [
    # task, what, changes, observations
    ("who-are-you", "a whole answer", [], ()),
    ("who-are-you", "empty output, kept with the prompt", [answers_with("", ideal(FIRST))], (OBSERVATIONS["empty"],)),
    ("who-are-you", "empty output, kept as empty text", [answers_with("", "")], (OBSERVATIONS["empty"],)),
    ("who-are-you", "white space alone", [answers_with("\n \n", "")], (OBSERVATIONS["empty"],)),
    (
        "who-are-you",
        "the same sentence over and over",
        [answers_with("I am a robot. " * 5, "I am a robot. " * 5)],
        (OBSERVATIONS["repeats"].fill(piece="I am a robot.", times=5),),
    ),
    (
        "who-are-you",
        "a conversation with itself",
        [answers_with("\nAI: Hello there.\nHuman: And you?", "AI: Hello there.\nHuman: And you?")],
        (OBSERVATIONS["goes-on"],),
    ),
    (
        "who-are-you",
        "as long as the limit",
        [asks(output_ids=(tuple(range(100)),))],
        (OBSERVATIONS["stopped-at-limit"].fill(n=100),),
    ),
    ("who-are-you", "shorter than the limit", [asks(output_ids=(tuple(range(49)),))], ()),
    ("temperature-1", "sampling asked for", [plainly("do_sample", "temperature")], ()),
    ("temperature-1", "sampling bound", [holds_("chatbot_1", given={"bind": ("do_sample",)})], ()),
    ("temperature-1", "sampling by default", [plainly("temperature")], (OBSERVATIONS["sampling-default"],)),
]


@pytest.mark.parametrize(
    ("task_id", "changes", "told"), [pytest.param(t, c, o, id=f"{t}: {what}") for t, what, c, o in OBSERVED]
)
def test_an_observation_is_told_and_costs_nothing(
    task_id: str, changes: list[Change], told: tuple[Sentence, ...]
) -> None:
    work = right(task_id)
    for change in changes:
        change(work)
    verdict = work.verdict()
    assert verdict.observations == told
    assert (verdict.state, verdict.score) == ("judged", work.task.points)


# The small pure functions


LONG = "Here is an answer of a certain length, with a second half."
HELD = [
    # text of the variable, what was sent, what came back, whether the text is that answer
    (LONG, "Human: hi", LONG, True),
    (f"Human: hi{LONG}", "Human: hi", LONG, True),
    (f"\n\n{LONG}  ", "Human: hi", LONG, True),
    (LONG.replace(" ", "\n"), "Human: hi", LONG, True),
    (LONG[:30], "Human: hi", LONG, True),
    (LONG[20:], "Human: hi", LONG, True),
    (LONG[:8], "Human: hi", LONG, False),
    ("Yes, of", "Human: hi", "Yes, of c", True),
    ("Yes", "Human: hi", "Yes, of course", False),
    ("<bos>Human: hi<eot>" + LONG + "<|eot_id|>", "Human: hi", LONG, True),
    ("", "Human: hi", "", True),
    ("Human: hi", "Human: hi", "", True),
    ("", "Human: hi", LONG, False),
    ("Human: hi", "Human: hi", LONG, False),
    (LONG + " And more.", "Human: hi", LONG, True),
    (LONG.upper(), "Human: hi", LONG, False),
    ("a < b and b > a", "Human: hi", "a < b and b > a", True),
]


@pytest.mark.parametrize(("kept", "sent", "came", "held"), HELD)
def test_an_answer_is_known_again(kept: str, sent: str, came: str, held: bool) -> None:
    assert holds(kept, request(BASE, sent, came)) is held


def test_nothing_holds_a_request_that_gave_nothing_back() -> None:
    assert not holds("", request(BASE, "Human: hi").model_copy(update={"outputs": ()}))


def test_any_of_several_outputs_is_the_answer() -> None:
    assert holds("Two.", request(BASE, "x").model_copy(update={"outputs": ("One.", "Two.")}))


REPEATED = [
    # text, the piece that comes three times or more
    ("I am a robot. I am a robot. I am a robot.", ("I am a robot.", 3)),
    ("one line here\none line here\none line here\none line here", ("one line here", 4)),
    ("I am a robot. I am a robot. And so are you.", None),
    ("Yes. Yes. Yes. Yes.", None),
    ("", None),
    ("\n\n", None),
]


@pytest.mark.parametrize(("said", "found"), REPEATED)
def test_what_comes_three_times_is_repetition(said: str, found: tuple[str, int] | None) -> None:
    assert repetition(said) == found


SAMPLES = [
    # settings, temperature asked for, whether they draw at it
    ({"do_sample": True, "temperature": 0.9}, 0.9, True),
    ({"do_sample": True, "temperature": 2}, 2.0, False),
    ({"do_sample": True, "temperature": 0.1 + 0.2}, 0.3, True),
    ({"do_sample": False, "temperature": 0.9}, 0.9, False),
    ({"temperature": 0.9}, 0.9, False),
    ({"do_sample": True}, 0.9, False),
    ({"do_sample": True, "temperature": 0.91}, 0.9, False),
    ({"do_sample": True, "temperature": "0.9"}, 0.9, False),
    ({"do_sample": True, "temperature": True}, 1.0, False),
    ({"do_sample": True, "temperature": 0.9, "top_k": 1}, 0.9, False),
    ({"do_sample": True, "temperature": float("nan")}, 0.9, False),
]


@pytest.mark.parametrize(("settings", "t", "draws"), SAMPLES, ids=repr)
def test_settings_sample_at_their_temperature(settings: dict[str, Any], t: float, draws: bool) -> None:
    assert draws_with(settings, {"temperature": t}) is draws


PLAIN: list[tuple[tuple[Message, ...], str]] = [
    ((), ""),
    ((("system", "Be kind."), ("human", "Hi"), ("ai", "Hello")), "System: Be kind.\nHuman: Hi\nAI: Hello"),
    ((("human", "two\nlines"),), "Human: two\nlines"),
    ((("tool", "x"),), "tool: x"),
]


@pytest.mark.parametrize(("messages", "said"), PLAIN)
def test_messages_become_text_as_langchain_writes_them(messages: tuple[Message, ...], said: str) -> None:
    assert plain(messages) == said
