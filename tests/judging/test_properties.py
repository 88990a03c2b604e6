"""Chains made up at random, by the hundred: a right one earns everything, a wrong one loses exactly what is wrong about it.

A chain is code, put together from parts that each have several right spellings (`hypothesis` chooses). A mistake stands in
the place of one part and belongs to one criterion. Every chain is really built, asked and judged, on tiny models that
are loaded once. The same examples each time, so that a failure is one in the code and not in the dice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from conftest import Student
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.course import profile as profiles
from autograder.course.profile import Profile
from autograder.facts.verdict import Verdict
from autograder.kernel.recorder import Recorder
from autograder.kernel.selfcheck import Session

pytestmark = pytest.mark.slow

IMPORTS = """
from langchain_community.llms import HuggingFacePipeline
from langchain_huggingface import HuggingFacePipeline as Partner
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, SystemMessagePromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough, RunnableSequence
from transformers import GenerationConfig, pipeline
"""
MODELS = """
pipe_{role} = pipeline("text-generation", {name!r}, device=0, max_new_tokens=6)
community_{role} = HuggingFacePipeline(pipeline=pipe_{role}, pipeline_kwargs=dict(max_new_tokens=6))
partner_{role} = Partner(pipeline=pipe_{role}).bind(pipeline_kwargs=dict(max_new_tokens=6))
"""


def examples(number: int) -> settings:
    return settings(
        max_examples=number, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )


@pytest.fixture(scope="module")
def bench(llama: Profile, _recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Where chains are built: the models of the default profile, loaded once."""
    folder = tmp_path_factory.mktemp("course")
    (folder / profiles.FROZEN_NAME).write_text(llama.freeze().to_json(), encoding="utf-8")
    namespace: dict[str, Any] = {"__name__": "__main__", "SYSTEM": llama.chat.system_prompt}
    namespace |= {"FIRST": llama.questions["first"], "SECOND": llama.questions["second"]}
    exec(IMPORTS, namespace)
    for role in ("base", "instruct", "large"):
        exec(MODELS.format(role=role, name=llama.model(role).name), namespace)
    return Bench(_recorder, folder, namespace)


@dataclass
class Bench:
    recorder: Recorder
    folder: Path
    namespace: dict[str, Any] = field(repr=False)

    def verdict(self, code: str, check_id: str) -> Verdict:
        """What a student's session of its own says of this code. Raises what the code itself raises."""
        self.recorder._requests.clear()
        self.recorder._renderings.clear()
        self.recorder.raised = None
        student = Student(Session(dict(self.namespace), self.folder, self.recorder))
        exec(compile(code, "<cell>", "exec"), student.session.namespace)  # type: ignore[arg-type]
        return student.verdict(check_id)


def lost(verdict: Verdict) -> set[str]:
    assert verdict.state == "judged"
    assert all(c.outcome in ("passed", "failed") for c in verdict.criteria)
    assert all(c.earned == (c.points if c.outcome == "passed" else 0) for c in verdict.criteria)
    assert all(c.hint is not None for c in verdict.criteria if c.outcome == "failed")
    return {c.name for c in verdict.criteria if c.outcome == "failed"}


# Right parts, each in several spellings

SYSTEM_MESSAGES = (
    '("system", SYSTEM)',
    "SystemMessage(SYSTEM)",
    "SystemMessage(content=SYSTEM)",
    "SystemMessagePromptTemplate.from_template(SYSTEM)",
    '{"role": "system", "content": SYSTEM}',
)
PLACEHOLDERS = (
    'MessagesPlaceholder("messages")',
    'MessagesPlaceholder(variable_name="messages", optional=True)',
    '("placeholder", "{messages}")',
)
PROMPTS = (
    "ChatPromptTemplate([%s, %s])",
    "ChatPromptTemplate.from_messages([%s, %s])",
    "(ChatPromptTemplate([%s]) + ChatPromptTemplate([%s]))",
)
AROUND = (
    "%s.with_config(run_name='a', tags=['b'])",
    "%s.with_retry(stop_after_attempt=2)",
    "%s.with_fallbacks([%s])",
    "(RunnablePassthrough() | %s)",
    "RunnableSequence(RunnablePassthrough(), %s)",
    "RunnableLambda(lambda x: %s.invoke(x))",
    "RunnableLambda(lambda x: %s)",
    "%s.bind()",
)
"""What may stand around a prompt, a model or a chain and changes nothing that reaches the model."""
JOINS = (
    "(%s | %s)",
    "(%s).pipe(%s)",
    "RunnableSequence(%s, %s)",
    "RunnableSequence(first=%s, last=%s)",
    "(%s | RunnableLambda(lambda v: v) | %s)",
    "(%s | (lambda v: v.to_string()) | %s)",
)
TAILS = (
    "%s",
    "(%s | StrOutputParser())",
    "(%s | (lambda s: s.strip()))",
    "(%s | StrOutputParser() | RunnablePassthrough())",
    "{'answer': %s}['answer']",
)
FAILING_TAIL = "(%s | (lambda s: s.split('never said')[1]))"
FRONTS = (
    "%s",
    "(RunnableLambda(lambda x: x if isinstance(x, dict) else {'messages': x}) | %s)",
    "({'messages': RunnablePassthrough()} | %s)",
    "({'messages': lambda x: x['messages']} | %s)",
)
TEXT_FRONT = "((lambda q: {'messages': [HumanMessage(q)]}) | %s)"
QUESTIONS = (
    "[HumanMessage(FIRST)]",
    "[('human', FIRST)]",
    "[{'role': 'user', 'content': FIRST}]",
)
ASKED = ("{c}.invoke({q})", "{c}.batch([{q}])[0]", "{c}.invoke({q}).strip()", "''.join({c}.stream({q}))")
"""The last one waits for ever where beams are searched: transformers refuses to stream them, in a thread of its own."""


def fill(template: str, *parts: str) -> str:
    """A spelling with its parts in place; one part fills all its places."""
    return template % (parts * template.count("%s") if len(parts) == 1 else parts)


def around(draw: Callable[..., Any], part: str, most: int = 2) -> str:
    for template in draw(st.lists(st.sampled_from(AROUND), max_size=most)):
        part = fill(template, part)
    return part


def a_prompt(draw: Callable[..., Any]) -> str:
    parts = draw(st.sampled_from(SYSTEM_MESSAGES)), draw(st.sampled_from(PLACEHOLDERS))
    return fill(draw(st.sampled_from(PROMPTS)), *parts)


def joined(draw: Callable[..., Any], prompt: str, model: str) -> str:
    model = around(draw, model)
    return fill(draw(st.sampled_from(JOINS)), prompt, model)


def a_model(draw: Callable[..., Any], role: str) -> str:
    return f"{draw(st.sampled_from(('community', 'partner')))}_{role}"


# Mistakes, by the criterion that each belongs to

OTHER_PROMPTS = (
    'ChatPromptTemplate([("system", "You are a grumpy cat."), MessagesPlaceholder("messages")])',
    'ChatPromptTemplate([("system", SYSTEM[:-1]), MessagesPlaceholder("messages")])',
    'ChatPromptTemplate([MessagesPlaceholder("messages")])',
    'ChatPromptTemplate([MessagesPlaceholder("messages"), ("system", SYSTEM)])',
    'ChatPromptTemplate([("human", SYSTEM), MessagesPlaceholder("messages")])',
    'ChatPromptTemplate([("system", SYSTEM), ("human", "Hi!"), ("ai", "Hello!"), MessagesPlaceholder("messages")])',
    'ChatPromptTemplate([("system", SYSTEM), MessagesPlaceholder("messages"), ("human", FIRST)])',
    'ChatPromptTemplate([("system", SYSTEM), ("human", FIRST)])',
    'ChatPromptTemplate([("system", SYSTEM)])',
    'ChatPromptTemplate([("system", SYSTEM), MessagesPlaceholder("messages"), MessagesPlaceholder("messages")])',
)
OTHER_CHAINS = (
    "%(model)s",
    "(%(model)s | prompt)",
    "((lambda x: {'messages': [HumanMessage('What is your name?')]}) | prompt | %(model)s)",
    "(prompt | (lambda v: v.to_string() + ' Be brief.') | %(model)s)",
    "(prompt | (lambda v: v.to_string().upper()) | %(model)s)",
    "(prompt | (lambda v: v.to_messages()[-1].content) | %(model)s)",
)

ANSWERING = (*(other for other in OTHER_PROMPTS if "messages" in other), *OTHER_CHAINS[3:])
"""Those of them that ask the question they are given; an error, or another question, would cost the answer too."""


@dataclass(frozen=True)
class Made:
    """A cell, and the criteria that it must lose."""

    code: str
    loses: frozenset[str] = field(default_factory=frozenset)

    def __str__(self) -> str:
        return f"{self.code}\nmust lose: {sorted(self.loses) or 'nothing'}"


def chained(draw: Callable[..., Any], wrong: tuple[str, ...], model: str) -> str:
    """The chain of prompt and model. The student's `prompt` is right: what is wrong about the text is the chain's own."""
    if not wrong:
        return joined(draw, around(draw, "prompt", 1), model)
    other = draw(st.sampled_from(wrong))
    return other % {"model": around(draw, model, 1)} if other in OTHER_CHAINS else joined(draw, other, model)


@st.composite
def chain_cells(draw: Callable[..., Any], wrong: bool) -> Made:
    """Cells up to the task `chain`."""
    mistakes = draw(st.sets(st.sampled_from(("runnable", "text", "model")), min_size=1)) if wrong else set()
    role = draw(st.sampled_from(("instruct", "large"))) if "model" in mistakes else "base"
    chain = chained(draw, OTHER_PROMPTS + OTHER_CHAINS if "text" in mistakes else (), a_model(draw, role))
    if "text" not in mistakes:
        chain = fill(draw(st.sampled_from((*FRONTS, TEXT_FRONT))), chain)
        chain = fill(draw(st.sampled_from((*TAILS, FAILING_TAIL))), chain)
        chain = around(draw, chain, 1)
    end = f"chatbot = {chain}\n"
    if "runnable" in mistakes:
        end = f"chain = {chain}\ndef chatbot(question):\n    return chain.invoke(question)\n"
    return Made(f"llm = {a_model(draw, 'base')}\nprompt = {a_prompt(draw)}\n{end}", frozenset(mistakes))


HEAT = "temperature"
RIGHT_SETTINGS = MappingProxyType(
    {
        "do_sample=True, temperature=0.9": 4,
        "temperature=0.9": 1,
        "do_sample=True, temperature=0.9, top_p=0.95, top_k=40": 1,
        "do_sample=True, temperature=0.9, num_beams=2": 1,
        "do_sample=True, temperature=9 / 10, repetition_penalty=1.1, return_full_text=False": 1,
    }
)
WRONG_SETTINGS = (
    "do_sample=False, temperature=0.9",
    "do_sample=False, temperature=0.9, num_beams=2",
    "do_sample=True, temperature=0.9, top_k=1",
    "do_sample=True, temperature=0.9, top_p=0.0",
    "do_sample=True, temperature=1.0",
    "do_sample=True, temperature=0.09",
    "do_sample=True",
    "top_p=0.9",
)
CARRIERS = (
    "%(model)s.bind(pipeline_kwargs=dict(max_new_tokens=6, %(given)s))",
    "%(model)s.bind(pipeline_kwargs={'max_new_tokens': 6} | dict(%(given)s))",
    "HuggingFacePipeline(pipeline=pipe_%(role)s, pipeline_kwargs=dict(max_new_tokens=6, %(given)s))",
    "RunnableLambda(lambda v: %(model)s.invoke(v, pipeline_kwargs=dict(max_new_tokens=6, %(given)s)))",
)
CONFIGURED = "%(model)s.bind(pipeline_kwargs={'generation_config': GenerationConfig(max_new_tokens=6, %(given)s)})"
"""Not for what GenerationConfig does not know (`return_full_text`), nor for what it fills in itself (`do_sample`)."""
IGNORED = (
    "%(model)s.bind(%(given)s)",
    "Partner(pipeline=pipe_%(role)s, pipeline_kwargs=dict(%(given)s))",
    "%(model)s.with_config(configurable=dict(%(given)s))",
)
UNKEPT = (
    "result_1 = None",
    "result_1 = {c}",
    "result_1 = 'I am a chatbot.'",
    "result_1 = {c}.invoke({r})",
    "print({c}.invoke({q}))",
    "result_1 = [{c}.invoke({q})]",
    "result_1 = {c}.invoke({q}) and FIRST",
)


@st.composite
def temperature_cells(draw: Callable[..., Any], wrong: bool) -> Made:
    """Cells up to the task `temperature-1`."""
    mistakes = draw(st.sets(st.sampled_from(("model", "text", HEAT, "kept")), min_size=1)) if wrong else set()
    role = draw(st.sampled_from(("base", "instruct"))) if "model" in mistakes else "large"
    weighted = [given for given, weight in RIGHT_SETTINGS.items() for _ in range(weight)]
    given = draw(st.sampled_from(weighted))
    carriers = CARRIERS + ((CONFIGURED,) if "do_sample" in given and "return_full_text" not in given else ())
    if HEAT in mistakes:
        ignored = draw(st.booleans())
        carriers = IGNORED if ignored else CARRIERS
        given = "do_sample=True, temperature=0.9" if ignored else draw(st.sampled_from(WRONG_SETTINGS))
    values = {"model": a_model(draw, role), "role": role, "given": given}
    chain = chained(draw, ANSWERING if "text" in mistakes else (), draw(st.sampled_from(carriers)) % values)
    if "text" not in mistakes:
        chain = fill(draw(st.sampled_from(TAILS)), chain)
    asked = {"c": "chatbot_1", "q": draw(st.sampled_from(QUESTIONS)), "r": "[HumanMessage('Really?')]"}
    ways = (
        UNKEPT if "kept" in mistakes else [f"result_1 = {a}" for a in (ASKED[:-1] if "num_beams" in given else ASKED)]
    )
    answer = draw(st.sampled_from(ways))
    prompt = a_prompt(draw)
    if "optional" in prompt or '"placeholder"' in prompt:  # then LangChain takes no list in the place of a dict
        asked |= {name: f"{{'messages': {asked[name]}}}" for name in ("q", "r")}
    code = f"prompt = {prompt}\nchatbot_1 = {chain}\n{answer.format(**asked)}\n"
    return Made(code, frozenset(mistakes))


@given(made=chain_cells(wrong=False))
@examples(120)
def test_a_right_chain_earns_everything_however_it_is_put_together(made: Made, bench: Bench) -> None:
    assert lost(bench.verdict(made.code, "check-chain")) == set(), made


@given(made=chain_cells(wrong=True))
@examples(120)
def test_a_chain_loses_exactly_the_criteria_of_its_mistakes(made: Made, bench: Bench) -> None:
    assert lost(bench.verdict(made.code, "check-chain")) == made.loses, made


@given(made=temperature_cells(wrong=False))
@examples(40)
def test_a_right_temperature_earns_everything_wherever_its_settings_are_given(made: Made, bench: Bench) -> None:
    assert lost(bench.verdict(made.code, "check-temperature-1")) == set(), made


@given(made=temperature_cells(wrong=True))
@examples(50)
def test_a_temperature_loses_exactly_the_criteria_of_its_mistakes(made: Made, bench: Bench) -> None:
    assert lost(bench.verdict(made.code, "check-temperature-1")) == made.loses, made
