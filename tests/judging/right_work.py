"""What evidence and transcript show of right work on each task, and the ways in which work can be otherwise.

`right(task)` is right work in its simplest spelling. A row of a table changes one thing about it, with one of the small
functions below (`holds`, `arrives`, `asks`, …). Where they are given no name, they mean the task's own first variable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from conftest import ROOT

from autograder.course.profile import Profile
from autograder.facts.evidence import Challenge, Evidence, Facts, Failure, Offer, PromptFacts, Variable
from autograder.facts.transcript import Message, Rendering, Request, Transcript, plain
from autograder.facts.verdict import Criterion, Verdict
from autograder.judging.contract import load, parse, tasks
from autograder.judging.judge import judge
from autograder.judging.task import Task
from autograder.judging.tasks.limit_output import PIPELINE_LIMIT

DEFAULT = load(ROOT / "course.toml")
GEMMA = load(ROOT / "profiles" / "gemma.toml")
NUCLEUS = load(ROOT / "profiles" / "nucleus.toml")
RAW = DEFAULT.model_dump(mode="json", exclude_none=True)
FOUR = parse({**RAW, "generation": {**RAW["generation"], "temperatures": [0.5, 0.9, 2.0, 5.0]}}, "four temperatures")
BASE, INSTRUCT, LARGE = (getattr(DEFAULT.models, role).name for role in ("base", "instruct", "large"))
SYSTEM = DEFAULT.chat.system_prompt
FIRST, SECOND = DEFAULT.questions["first"], DEFAULT.questions["second"]
QUESTION = "What would you call a street between kobe3a and lima07?"
"""What the check asks: nobody knew it before."""
ASKED: tuple[Message, ...] = (("human", QUESTION), ("ai", "Yes."), ("human", "Why?"))
OUTPUT = "\nAI: I answer in a whole sentence, and then in another one."
SETTINGS = {"max_new_tokens": 100, "do_sample": True, "temperature": 0.6, "top_p": 0.9, "top_k": 50, "num_beams": 1}


@dataclass
class Work:
    """What evidence and transcript show of a student's work on one task.

    Attributes:
        arrivals: by variable, what reached a model when the check asked it its question.
        failures: by variable, how that ended where it raised.
        requests: what the student's own cells asked.
        earlier, later: the work on other tasks of the notebook.
    """

    task: Task
    profile: Profile
    variables: dict[str, Variable] = field(default_factory=dict)
    arrivals: dict[str, list[Request]] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    earlier: list[Work] = field(default_factory=list)
    later: list[Work] = field(default_factory=list)
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

    def changed(self, *changes: Change) -> Work:
        """The same work, with these changes made to it."""
        for change in changes:
            change(self)
        return self

    def verdict(self) -> Verdict:
        return judge(self.task, self.facts(), self.profile)

    def facts(self) -> Facts:
        everything: list[Request] = []
        evidence = {work.task.check_id: work._evidence(everything) for work in (*self.earlier, self, *self.later)}
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


Change = Callable[[Work], object]


@dataclass(frozen=True)
class Row:
    """A row of a table: right work on a task, what is otherwise about it, and what a test expects of it."""

    task: str
    what: str
    expected: Any
    changes: tuple[Change, ...]
    profile: Profile

    def work(self) -> Work:
        return right(self.task, self.profile).changed(*self.changes)

    def __str__(self) -> str:
        return f"{self.task}: {self.what}"


def of(task: str, *rows: tuple[Any, ...], profile: Profile | None = None) -> list[Row]:
    """The rows of a task: what is otherwise, what is expected, and the changes."""
    return [Row(task, what, expected, tuple(changes), profile or DEFAULT) for what, expected, *changes in rows]


def each(rows: Sequence[Row]) -> pytest.MarkDecorator:
    """Runs a test with each `row`."""
    return pytest.mark.parametrize("row", rows, ids=str)


def _number(requests: Sequence[Request], everything: list[Request]) -> tuple[int, ...]:
    """Puts requests at the end of the transcript; gives their numbers there."""
    numbers = tuple(range(len(everything), len(everything) + len(requests)))
    everything += [r.model_copy(update={"number": n}) for n, r in zip(numbers, requests, strict=True)]
    return numbers


def failed(verdict: Verdict) -> dict[str, Criterion]:
    return {c.name: c for c in verdict.criteria if c.outcome == "failed"}


# Right work


def ideal(question: str, profile: Profile = DEFAULT) -> str:
    """The text of a right request."""
    return plain((("system", profile.chat.system_prompt), ("human", question)))


FULL = ideal(FIRST) + OUTPUT


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
        given={"pipeline_kwargs": ("max_new_tokens", "do_sample", "temperature", "top_p")},
    )


def text(content: str, type_: str = "str") -> Variable:
    return Variable(state="there", type=type_, kinds=("Message",) if type_ != "str" else (), text=content)


def a_dict(**value: Any) -> Variable:
    return Variable(state="there", type="dict", value=value)


def prompt_facts(profile: Profile) -> PromptFacts:
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
    work.prompt = prompt_facts(work.profile)


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
    settings = dict(work.task.settings)
    if work.task.number > 1:
        work.earlier.append(right(f"{work.task.kind}-1", work.profile))
    _prompt(work)
    work.variables |= {name: chain(5 + work.task.number), answer: text(OUTPUT)}
    work.arrivals[name] = [request(work.task.model, ideal(QUESTION, work.profile), **settings)]
    work.requests.append(request(work.task.model, ideal(work.task.question or "", work.profile), **settings))


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
    "temperature": _chain_and_answer,
    "top_p": _chain_and_answer,
}


# What can be otherwise about it


def _own(work: Work, name: str) -> str:
    return name or work.task.variables[0]


def _otherwise(one: Request, settings: dict[str, Any] | None, what: dict[str, Any]) -> Request:
    return one.model_copy(update={**what, "settings": {**one.settings, **(settings or {})}})


def holds(name: str = "", **what: Any) -> Change:
    """The variable is otherwise in these ways."""

    def change(work: Work) -> None:
        work.variables[_own(work, name)] = work.variables[_own(work, name)].model_copy(update=what)

    return change


def keeps(kept: str) -> Change:
    """The variable for the answer holds this text."""
    return lambda work: holds(work.task.variables[-1], text=kept)(work)


def is_(variable: Variable, failure: Failure | None = None) -> Change:
    """The variable is something else altogether; asked, it reaches no model."""

    def change(work: Work) -> None:
        name = work.task.variables[0]
        work.variables[name] = variable
        if name in work.arrivals:
            silent(failure, name)(work)

    return change


def gone(name: str = "", state: str = "missing") -> Change:
    """The variable is missing, or None; then nobody can ask it."""

    def change(work: Work) -> None:
        work.variables[_own(work, name)] = Variable(state=state)  # type: ignore[arg-type]
        work.arrivals.pop(_own(work, name), None)
        if _own(work, name) == "prompt":
            work.prompt = PromptFacts()

    return change


def arrives(settings: dict[str, Any] | None = None, name: str = "", **what: Any) -> Change:
    """What reaches a model when the check asks is otherwise."""

    def change(work: Work) -> None:
        work.arrivals[_own(work, name)] = [_otherwise(r, settings, what) for r in work.arrivals[_own(work, name)]]

    return change


def silent(failure: Failure | None = None, name: str = "") -> Change:
    """Nothing reaches a model when the check asks."""

    def change(work: Work) -> None:
        work.arrivals[_own(work, name)] = []
        if failure:
            work.failures[_own(work, name)] = failure

    return change


def asks(settings: dict[str, Any] | None = None, **what: Any) -> Change:
    """What the student's own cell asked is otherwise."""

    def change(work: Work) -> None:
        work.requests = [_otherwise(r, settings, what) for r in work.requests]

    return change


def both(settings: dict[str, Any] | None = None, name: str = "", **what: Any) -> Change:
    """What the check saw and what the student's own cell asked are otherwise in the same way."""
    return lambda work: work.changed(arrives(settings, name, **what), asks(settings, **what))


def also_asks(*more: Request) -> Change:
    return lambda work: work.requests.extend(more)


def never_asks(work: Work) -> None:
    work.requests = []


def answers_with(output: str, kept: str) -> Change:
    """The model said `output`, and the variable for the answer holds `kept`."""
    return lambda work: work.changed(asks(outputs=(output,)), keeps(kept))


def prompt_gives(*history: Message, variables: tuple[str, ...] = ("messages",)) -> Change:
    """A list of three messages comes out of `prompt` like this."""

    def change(work: Work) -> None:
        assert work.prompt is not None
        work.prompt = work.prompt.model_copy(update={"history": history, "variables": variables})

    return change


def prompt_fails(failure: Failure, variables: tuple[str, ...]) -> Change:
    def change(work: Work) -> None:
        work.prompt = PromptFacts(asked_history=ASKED, variables=variables, failure=failure)

    return change


def own_prompt(*head: Message, question_too: bool = True) -> Change:
    """The student's `prompt` puts these messages before the question, and everything went through it."""

    def out_of(question: str) -> tuple[Message, ...]:
        return (*head, ("human", question)) if question_too else head

    def change(work: Work) -> None:
        assert work.prompt is not None
        rendered = {question: out_of(question) for question in work.prompt.rendered}
        work.prompt = work.prompt.model_copy(update={"rendered": rendered})
        work.charged = (work.prompt,)
        for name in work.arrivals:
            if name != "llm":
                arrives(name=name, text=plain(out_of(QUESTION)))(work)
        if work.task.question:
            work.changed(asks(text=plain(out_of(work.task.question))), keeps(OUTPUT))

    return change


def raised(name: str, message: str = "") -> Change:
    return lambda work: setattr(work, "raised", Failure(name=name, message=message))


def recorded_late(work: Work) -> None:
    work.complete = False


def in_session(work: Work) -> None:
    """In the student's own session, where nothing is graded."""
    work.in_grading = False


def earlier(task_id: str, *changes: Change) -> Change:
    """Work on this task came before, right but for these changes."""
    return lambda work: work.earlier.append(right(task_id, work.profile).changed(*changes))


def later(task_id: str, *changes: Change) -> Change:
    """Work on this task came after, right but for these changes."""
    return lambda work: work.later.append(right(task_id, work.profile).changed(*changes))


def before(*changes: Change) -> Change:
    """The last task before this one is otherwise."""
    return lambda work: work.earlier[-1].changed(*changes)


CHAT_FORM = f"system\n\n{SYSTEM}user\n\n{{question}}assistant\n\n"
"""What a chat template makes of the messages, special tokens left out."""


def templated(work: Work) -> None:
    """Everything went through the model's own chat template."""
    question = work.task.question or ""
    work.changed(arrives(text=CHAT_FORM.format(question=QUESTION)), asks(text=CHAT_FORM.format(question=question)))
    work.renderings = tuple(
        Rendering(
            model=work.task.model or "", messages=(("system", SYSTEM), ("human", q)), text=CHAT_FORM.format(question=q)
        )
        for q in (QUESTION, question)
    )
