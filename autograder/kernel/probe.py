"""The probe: reads a student's live objects for one task and gives evidence, plain JSON facts.

It asks the student's chain a question of its own and lets the recorder answer, so that no model generates anything, and
it leaves the objects as it found them. It judges nothing, and what a student's code does wrong is a fact, not an error.
With `live_objects.py` it is the only module that knows LangChain.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import time
import weakref
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from autograder.course.profile import Profile
from autograder.facts.evidence import Challenge, Evidence, Failure, Form, Offer, PromptFacts, Variable
from autograder.facts.transcript import Message, Request, bare, plain
from autograder.judging.task import LLM, PROMPT, Holds, Named, Task
from autograder.kernel import live_objects, virtual_gpu
from autograder.kernel.live_objects import first_inside, is_a, kinds_of
from autograder.kernel.recorder import Answered, Recorder

INSIDE = ("HuggingFacePipeline", "ChatHuggingFace", "ChatPromptTemplate", "PromptTemplate", "Message")
ASKED: tuple[Holds, ...] = ("llm", "chain")
"""What a check puts a question of its own to."""
QUESTIONS = (
    "Which word comes after {a} in the list {b}?",
    "What would you call a street between {a} and {b}?",
    "How many letters do {a} and {b} have together?",
)


class Probe:
    """Gathers evidence in one kernel.

    Args:
        namespace: the student's variables by name (IPython's `user_ns`).
    """

    def __init__(self, profile: Profile, recorder: Recorder, namespace: MutableMapping[str, Any]) -> None:
        self.profile, self.recorder, self.namespace = profile, recorder, namespace
        self._identities: dict[int, tuple[Any, int]] = {}

    def gather(self, task: Task, question: str | None = None) -> Evidence:
        """Everything that the check of this task may want to know. Never raises for what a student's code does.

        Args:
            question: what to ask the student's chain; a new one when None.
        """
        began = time.monotonic()
        seen = self.recorder.count()
        question = question or new_question()
        prompt = self._prompt(question) if PROMPT in task.looked_at else None
        challenges = [
            self._challenge(one, question, prompt)
            for one in task.looked_at
            if one.holds in ASKED and self.namespace.get(one.name) is not None
        ]
        self._render(task, question, prompt)
        raised, self.recorder.raised = self.recorder.raised, None
        return Evidence(
            check_id=task.check_id,
            variables={one.name: self._variable(one.name) for one in task.looked_at},
            challenges=tuple(challenges),
            prompt=prompt,
            environment=_environment(),
            gpu=gpu_here(),
            raised=raised,
            seen=seen,
            seconds=round(time.monotonic() - began, 3),
        )

    def _variable(self, name: str) -> Variable:
        if name not in self.namespace:
            return Variable(state="missing")
        thing = self.namespace[name]
        if thing is None:
            return Variable(state="none", type="NoneType")
        runs = is_a(thing, "Runnable")
        pipeline = first_inside(thing, "Pipeline") if runs or is_a(thing, "Pipeline") else None
        inside = [kind for kind in INSIDE if first_inside(thing, kind) is not None] if runs else []
        return Variable(
            state="there",
            type=type(thing).__name__[:500],
            kinds=tuple(dict.fromkeys([*kinds_of(thing), *inside])),
            text=text_of(thing),
            value=_plain_dict(thing),
            device=virtual_gpu.device_asked_for(pipeline) if pipeline is not None else None,
            task=_task_of(pipeline),
            identity=self._identity(thing),
            steps=live_objects.steps_of(thing),
            holds=self._holds(thing) if runs else (),
            given=live_objects.settings_given(thing) if runs else {},
            temperatures=live_objects.temperatures_given(thing) if runs else (),
        )

    def _holds(self, chain: Any) -> tuple[str, ...]:
        parts = list(live_objects.parts_of(chain))
        return tuple(n for n in (PROMPT.name, LLM.name) if any(part is self.namespace.get(n, self) for part in parts))

    def _identity(self, thing: Any) -> int:
        """A number for this object, never given to another one even if the first is gone."""
        known = self._identities.get(id(thing))
        if known is not None and known[0]() is thing:
            return known[1]
        try:
            reference: Any = weakref.ref(thing)
        except TypeError:  # plain values cannot be followed; their content is in the evidence
            return 0
        number = 1 + max((n for _, n in self._identities.values()), default=0)
        self._identities[id(thing)] = (reference, number)
        return number

    def _prompt(self, question: str) -> PromptFacts:
        """What the student's own `prompt` makes of the questions and of a short conversation."""
        prompt = self.namespace.get(PROMPT.name)
        if not is_a(prompt, "Runnable"):
            return PromptFacts()
        history: tuple[Message, ...] = (("human", question), ("ai", "Yes."), ("human", "Why?"))
        names = set(getattr(prompt, "input_variables", ())) | set(getattr(prompt, "optional_variables", ()))
        facts: dict[str, Any] = {"asked_history": history, "variables": tuple(sorted(map(str, names)))[:20]}
        with live_objects.no_trace(prompt, self.namespace):
            try:
                name = next(iter(names)) if len(names) == 1 else "messages"  # a placeholder under another name
                facts["history"] = _formatted(prompt, name, history)
                asked = {question, *self.profile.questions.values()}
                facts["rendered"] = {q: _formatted(prompt, name, (("human", q),)) for q in asked}
                facts["texts"] = {q: _as_text(prompt, name, q) for q in asked}
            except Exception as error:
                facts["failure"] = failure_of(error)
        return PromptFacts(**facts)

    def _challenge(self, asked: Named, question: str, prompt: PromptFacts | None) -> Challenge:
        """Puts a question to a chain in each form that chains take, until the right request arrives."""
        chain, began = self.namespace[asked.name], time.monotonic()
        if asked.holds == "chain":
            forms: tuple[Form, ...] = ("dict", "list", "text", "message", "keys")
            right = {plain(self.asked(question))}
            if prompt is not None and question in prompt.texts:
                right.add(prompt.texts[question])
        else:
            forms, right = ("text",), {question}
        offers: list[Offer] = []
        for form in forms:
            offer, arrived = self._offer(asked.name, chain, form, question, right, prompt)
            offers.append(offer)
            if arrived:
                break
        return Challenge(
            id=secrets.token_hex(8),
            variable=asked.name,
            question=question,
            offers=tuple(offers),
            seconds=round(time.monotonic() - began, 3),
        )

    def _offer(
        self, name: str, chain: Any, form: Form, question: str, right: set[str], prompt: PromptFacts | None
    ) -> tuple[Offer, bool]:
        """What came of the question in one form, and whether the right request has arrived."""
        arrived = False

        def enough(request: Request) -> bool:
            nonlocal arrived
            forms = right | self._templated(request.model, question, prompt)
            arrived = arrived or bare(request.text) in {bare(form) for form in forms}
            return arrived

        failure = None
        with (
            live_objects.no_trace(chain, self.namespace) as settings,
            self.recorder.challenge(f"{name}-{form}-{secrets.token_hex(4)}", enough) as requests,
        ):
            try:
                _ask(chain, _in_form(form, question), settings)
            except Answered:
                pass
            except (Exception, SystemExit) as error:
                failure = failure_of(error)
        return Offer(form=form, requests=requests()[:50], failure=failure), arrived

    def _templated(self, model: str, question: str, prompt: PromptFacts | None) -> set[str]:
        """The forms that this question takes in the model's own chat template, if it has one."""
        messages = self._conversations(question, prompt)
        for each in messages:
            self.recorder.render(model, each)
        return {r.text for r in self.recorder.renderings() if r.messages in messages}

    def _render(self, task: Task, question: str, prompt: PromptFacts | None) -> None:
        """Notes the chat-template forms of the questions that the check will look for."""
        asked = [each for q in (task.question, question) if q for each in self._conversations(q, prompt)]
        for model in self.recorder.models_asked():
            for each in asked:
                self.recorder.render(model, each)

    def _conversations(self, question: str, prompt: PromptFacts | None) -> list[tuple[Message, ...]]:
        """What a right chain sends for a question, and what the student's own prompt makes of it."""
        own = prompt.rendered.get(question) if prompt is not None else None
        return [self.asked(question), *([own] if own is not None else [])]

    def asked(self, question: str) -> tuple[Message, ...]:
        """The messages that a right chain sends for a question."""
        return (("system", self.profile.chat.system_prompt), ("human", question))


class AnyKey(dict[str, Any]):
    """A dict that has the question under every name, for chains that ask for `{"question": …}` or the like."""

    def __init__(self, question: str, **values: Any) -> None:
        super().__init__(**values)
        self._question = question

    def __missing__(self, key: str) -> str:
        return self._question


def new_question() -> str:
    """A question that nobody has asked before, about nothing in particular."""
    words = [f"{secrets.choice('bdfgklmnprstv')}{secrets.choice('aeiou')}{secrets.token_hex(2)}" for _ in range(2)]
    return secrets.choice(QUESTIONS).format(a=words[0], b=words[1])


def gpu_here() -> Literal["real", "virtual", "none"]:
    if virtual_gpu.is_on():
        return "virtual"
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    return "real" if cuda is not None and cuda.is_available() else "none"


def failure_of(error: BaseException) -> Failure:
    return Failure(name=type(error).__name__[:500], message=str(error)[:500])


def text_of(thing: Any) -> str | None:
    """The text of a string or of a message; None for anything else."""
    if isinstance(thing, str):
        return str(thing)[:200_000].encode(errors="replace").decode()
    return text_of(str(thing.text)) if is_a(thing, "Message") else None


def _task_of(pipeline: Any) -> str | None:
    """The pipeline's task; a TextGenerationPipeline made by hand has no name for it."""
    if type(pipeline).__name__ == "TextGenerationPipeline":
        return "text-generation"
    return str(getattr(pipeline, "task", ""))[:500] or None


def _plain_dict(thing: Any) -> dict[str, Any] | None:
    if not isinstance(thing, dict) or len(thing) > 100:
        return None
    text = json.dumps({str(k)[:100]: v if _is_plain(v) else repr(v)[:200] for k, v in thing.items()})
    plain_values: dict[str, Any] = json.loads(text) if len(text) < 20_000 else {}
    return plain_values


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool | type(None))


def _environment() -> dict[str, str]:
    names = ("HF_HOME", "AUTOGRADER_MODEL_HOME")
    return {name: os.environ[name][:500] for name in names if name in os.environ}


def _messages(messages: tuple[Message, ...]) -> list[Any]:
    module = sys.modules["langchain_core.messages"]
    classes = {"human": module.HumanMessage, "ai": module.AIMessage, "system": module.SystemMessage}
    return [classes[kind](content=content) for kind, content in messages]


def _formatted(prompt: Any, name: str, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    value = prompt.invoke({name: _messages(messages)})
    return tuple((str(m.type)[:500], str(m.text)[:20_000]) for m in value.to_messages()[:20])


def _as_text(prompt: Any, name: str, question: str) -> str:
    return str(prompt.invoke({name: _messages((("human", question),))}).to_string())[:20_000]


def _in_form(form: Form, question: str) -> Any:
    if form == "text":
        return question
    messages = _messages((("human", question),))
    if form == "message":
        return messages[0]
    if form == "keys":
        return AnyKey(question, messages=messages)
    return {"messages": messages} if form == "dict" else messages


def _ask(chain: Any, question: Any, settings: dict[str, Any]) -> None:
    """Calls the chain as a student would. One that is only asynchronous runs in a thread, whose event loop is its own."""
    if not is_a(chain, "Runnable"):
        call = getattr(chain, "invoke", chain)
        if not callable(call):
            raise TypeError(f"{type(chain).__name__} has no invoke")
        call(question)
        return
    config = {"configurable": settings}
    try:
        chain.invoke(question, config=config)
    except (TypeError, NotImplementedError) as error:
        if isinstance(error, TypeError) and "coroutine" not in str(error):
            raise
        ThreadPoolExecutor(1).submit(lambda: asyncio.run(chain.ainvoke(question, config=config))).result()
