"""Right and wrong answers, run for real on tiny models, probed and judged as in a student's own session.

Each right spelling keeps all its points; each wrong one loses exactly the criteria named.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from conftest import Student

from autograder.course.profile import Profile
from autograder.judging.contract import task_of
from autograder.kernel.selfcheck import CheckFailed, run_check
from autograder.words.tables import say

BASE, SMALL, LARGE = (
    "meta-llama/Llama-3.2-1B",
    "meta-llama/Llama-3.2-1B-Instruct",
    "meta-llama/Llama-3.2-3B-Instruct",
)
SYSTEM = "You are a pirate chatbot who always responds in pirate speak in whole sentences!"
FIRST, SECOND = "Who are you?", "Tell me about your ideal boat?"

IMPORTS = f"""
import os
from langchain_community.llms import HuggingFacePipeline
from langchain_huggingface import ChatHuggingFace, HuggingFacePipeline as Partner
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate, HumanMessagePromptTemplate
from langchain_core.prompts import SystemMessagePromptTemplate
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda, RunnablePassthrough, RunnableSequence
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, pipeline
BASE, SMALL, LARGE, SYSTEM, FIRST, SECOND = {BASE!r}, {SMALL!r}, {LARGE!r}, {SYSTEM!r}, {FIRST!r}, {SECOND!r}

def load(name=BASE, cls=HuggingFacePipeline, **settings):
    return cls.from_model_id(model_id=name, task="text-generation", device=0, pipeline_kwargs=settings or None)
"""
LLM = "llm = load(max_new_tokens=100)\n"
PROMPT = 'prompt = ChatPromptTemplate([("system", SYSTEM), MessagesPlaceholder("messages")])\n'
CHAIN = LLM + PROMPT + "chatbot = prompt | llm\n"
ASKED = CHAIN + "result = chatbot.invoke([HumanMessage(FIRST)])\n"
HOT = "max_new_tokens=20, do_sample=True, temperature=0.9"
BIG = PROMPT + f"llm = load(LARGE)\nchatbot_1 = prompt | llm.bind(pipeline_kwargs=dict({HOT}))\n"
HISTORY = """
from langchain_core.runnables.history import RunnableWithMessageHistory
from langchain_core.chat_history import InMemoryChatMessageHistory
store = {}
def remember(session_id):
    return store.setdefault(session_id, InMemoryChatMessageHistory())
chatbot = RunnableWithMessageHistory(prompt | llm, remember, input_messages_key="messages")
"""

RIGHT: dict[str, tuple[str, str]] = {
    "home with a slash": ("check-model-home", 'os.environ["HF_HOME"] = "/fp/projects01/ec443/huggingface/cache/"'),
    "home without": ("check-model-home", 'os.environ.update(HF_HOME="/fp/projects01/ec443/huggingface/cache")'),
    "community": ("check-load-model", "llm = load()"),
    "partner package": ("check-load-model", "llm = load(cls=Partner)"),
    "device left to the partner package": ("check-load-model", "llm = Partner.from_model_id(BASE, 'text-generation')"),
    "positional": ("check-load-model", "llm = HuggingFacePipeline.from_model_id(BASE, 'text-generation', device=0)"),
    "device_map": (
        "check-load-model",
        "llm = HuggingFacePipeline.from_model_id(BASE, 'text-generation', device_map='auto')",
    ),
    "device in model_kwargs": (
        "check-load-model",
        "llm = Partner.from_model_id(BASE, 'text-generation', model_kwargs={'device_map': 'cuda:0'})",
    ),
    "device asked of torch": (
        "check-load-model",
        "import torch\nd = 0 if torch.cuda.is_available() else -1\n"
        "llm = HuggingFacePipeline.from_model_id(BASE, 'text-generation', device=d)",
    ),
    "pipeline wrapped": (
        "check-load-model",
        "llm = HuggingFacePipeline(pipeline=pipeline('text-generation', BASE, device=0))",
    ),
    "model and tokenizer by hand": (
        "check-load-model",
        "m = AutoModelForCausalLM.from_pretrained(BASE).to('cuda'); t = AutoTokenizer.from_pretrained(BASE)\n"
        "llm = HuggingFacePipeline(pipeline=pipeline('text-generation', model=m, tokenizer=t))",
    ),
    "limit from the start": ("check-load-model", "llm = load(max_new_tokens=100)"),
    "limit loaded anew": ("check-limit-output", "llm = load(max_new_tokens=100)"),
    "limit bound": ("check-limit-output", "llm = load().bind(pipeline_kwargs={'max_new_tokens': 100})"),
    "limit in a configuration": (
        "check-limit-output",
        "llm = load(generation_config=GenerationConfig(max_new_tokens=100))",
    ),
    "limit set on the pipeline": (
        "check-limit-output",
        "llm = HuggingFacePipeline(pipeline=pipeline('text-generation', BASE, device=0, max_new_tokens=100))",
    ),
    "limit in the community's wrapper": (
        "check-limit-output",
        "llm = HuggingFacePipeline(pipeline=pipeline('text-generation', BASE), pipeline_kwargs={'max_new_tokens': 100})",
    ),
    "limit put into the old object": (
        "check-limit-output",
        "llm = load(max_new_tokens=9)\nllm.pipeline_kwargs = {'max_new_tokens': 100}",
    ),
    "answers": (
        "check-arguments",
        "answers = dict(a='max_new_tokens', b='device', c='model_id', d='do_sample', e='task', f='temperature',"
        " g='pipeline_kwargs', h='num_beams')",
    ),
    "prompt with tuples": ("check-prompt", "prompt = ChatPromptTemplate([('system', SYSTEM), ('placeholder', '{messages}')])"),
    "prompt with classes": (
        "check-prompt",
        "prompt = ChatPromptTemplate.from_messages([SystemMessagePromptTemplate.from_template(SYSTEM),"
        " MessagesPlaceholder(variable_name='messages')])",
    ),
    "prompt with a message": (
        "check-prompt",
        "prompt = ChatPromptTemplate.from_messages([SystemMessage(SYSTEM), MessagesPlaceholder('messages')])",
    ),
    "prompt by adding": ("check-prompt", "prompt = SystemMessage(SYSTEM) + MessagesPlaceholder('messages')"),
    "chain with a bar": ("check-chain", CHAIN),
    "chain with pipe": ("check-chain", CHAIN + "chatbot = prompt.pipe(llm)"),
    "chain as a sequence": ("check-chain", CHAIN + "chatbot = RunnableSequence(prompt, llm)"),
    "chain with a parser": ("check-chain", CHAIN + "chatbot = prompt | llm | StrOutputParser()"),
    "chain that cuts its answer": ("check-chain", CHAIN + "chatbot = prompt | llm | (lambda s: s.split('Pirate:')[1])"),
    "chain with an optional placeholder": (
        "check-chain",
        CHAIN + "prompt = ChatPromptTemplate([('system', SYSTEM), ('placeholder', '{messages}')])\nchatbot = prompt | llm",
    ),
    "chain that takes a list": ("check-chain", CHAIN + "chatbot = {'messages': RunnablePassthrough()} | prompt | llm"),
    "chain that takes a text": (
        "check-chain",
        CHAIN + "chatbot = (lambda q: {'messages': [HumanMessage(q)]}) | prompt | llm",
    ),
    "chain with retries": ("check-chain", CHAIN + "chatbot = (prompt | llm).with_retry()"),
    "chain with a fallback": ("check-chain", CHAIN + "chatbot = prompt | llm.with_fallbacks([load()])"),
    "chain with a memory": ("check-chain", CHAIN + HISTORY),
    "chain only asynchronous": (
        "check-chain",
        CHAIN + "async def ask(x):\n    return await (prompt | llm).ainvoke(x)\nchatbot = RunnableLambda(ask)",
    ),
    "chain with a bound model": ("check-chain", CHAIN + "chatbot = prompt | llm.bind(stop=['Human:'])"),
    "answer from a list": ("check-who-are-you", ASKED),
    "answer from a dict": ("check-who-are-you", CHAIN + "result = chatbot.invoke({'messages': [('human', FIRST)]})"),
    "answer stripped": ("check-who-are-you", ASKED + "result = result.strip()"),
    "answer without the prompt": (
        "check-who-are-you",
        ASKED + "result = result[len(prompt.format(messages=[('human', FIRST)])):]",
    ),
    "answer out of a batch": (
        "check-who-are-you",
        CHAIN + "boat, result = chatbot.batch([[HumanMessage(SECOND)], [HumanMessage(FIRST)]])",
    ),
    "answer from a stream": (
        "check-who-are-you",
        CHAIN + "result = ''.join(chatbot.stream({'messages': [HumanMessage(FIRST)]}))",
    ),
    "answer asked in a thread": (
        "check-who-are-you",
        CHAIN + "import concurrent.futures as c\n"
        "result = c.ThreadPoolExecutor(1).submit(chatbot.invoke, [HumanMessage(FIRST)]).result()",
    ),
    "answer from LangChain's cache": (
        "check-who-are-you",
        CHAIN + "from langchain_core.globals import set_llm_cache\nfrom langchain_core.caches import InMemoryCache\n"
        "set_llm_cache(InMemoryCache())\nchatbot.invoke([HumanMessage(FIRST)])\n"
        "result = chatbot.invoke([HumanMessage(FIRST)])\nset_llm_cache(None)",
    ),
    "answer after others": ("check-who-are-you", ASKED + "chatbot.invoke([HumanMessage('And?')])"),
    "second answer": ("check-ideal-boat", ASKED + "boat = chatbot.invoke([HumanMessage(SECOND)])"),
    "small model": (
        "check-instruct-small",
        PROMPT + "chatbot_small = prompt | load(SMALL)\nresult_small = chatbot_small.invoke([HumanMessage(FIRST)])",
    ),
    "small model through its chat template": (
        "check-instruct-small",
        PROMPT + "chatbot_small = prompt | ChatHuggingFace(llm=load(SMALL, Partner))\n"
        "result_small = chatbot_small.invoke([HumanMessage(FIRST)])",
    ),
    "small model, content of the message": (
        "check-instruct-small",
        PROMPT + "chatbot_small = prompt | ChatHuggingFace(llm=load(SMALL, Partner))\n"
        "result_small = chatbot_small.invoke([HumanMessage(FIRST)]).content",
    ),
    "large model": (
        "check-instruct-large",
        PROMPT + "chatbot_large = prompt | load(LARGE, max_new_tokens=20)\n"
        "result_large = chatbot_large.invoke([HumanMessage(FIRST)])",
    ),
    "temperature bound": ("check-temperature-1", BIG + "result_1 = chatbot_1.invoke([HumanMessage(FIRST)])"),
    "temperature without do_sample": (
        "check-temperature-1",
        PROMPT + "chatbot_1 = prompt | load(LARGE, temperature=0.9)\nresult_1 = chatbot_1.invoke([HumanMessage(FIRST)])",
    ),
    "temperature in a configuration": (
        "check-temperature-1",
        PROMPT + "g = GenerationConfig(temperature=0.9, do_sample=True, max_new_tokens=9)\n"
        "chatbot_1 = prompt | load(LARGE, generation_config=g)\nresult_1 = chatbot_1.invoke([HumanMessage(FIRST)])",
    ),
    "temperature streamed by the partner package": (
        "check-temperature-1",
        PROMPT + f"chatbot_1 = prompt | load(LARGE, Partner, {HOT})\nresult_1 = ''.join(chatbot_1.stream([HumanMessage(FIRST)]))",
    ),
    "temperature streamed by community, which ignores settings": (
        "check-temperature-1",
        BIG + "result_1 = ''.join(chatbot_1.stream([HumanMessage(FIRST)]))",
    ),
}  # fmt: skip

WRONG: dict[str, tuple[str, str, set[str]]] = {
    "home unset": ("check-model-home", "os.environ.pop('HF_HOME', None)", {"model-home"}),
    "home elsewhere": ("check-model-home", "os.environ['HF_HOME'] = '/tmp'", {"model-home"}),
    "no llm": ("check-load-model", "", {"kind", "model", "device"}),
    "instruct for base": ("check-load-model", "llm = load(SMALL)", {"model"}),
    "on the processor": ("check-load-model", "llm = HuggingFacePipeline.from_model_id(BASE, 'text-generation')", {"device"}),
    "bare pipeline": ("check-load-model", "llm = pipeline('text-generation', BASE, device=0)", {"kind"}),
    "a name": ("check-load-model", "llm = BASE", {"kind", "model", "device"}),
    "no limit": ("check-limit-output", "llm = load()", {"limit"}),
    "another limit": ("check-limit-output", "llm = load(max_new_tokens=51)", {"limit"}),
    "limit as a total": ("check-limit-output", "llm = load(max_length=100)", {"limit"}),
    "limit bound where it is ignored": ("check-limit-output", "llm = load().bind(max_new_tokens=100)", {"limit"}),
    "limit beside a ready pipeline in the partner package": (
        "check-limit-output",
        "llm = Partner(pipeline=pipeline('text-generation', BASE), pipeline_kwargs={'max_new_tokens': 100})",
        {"limit"},
    ),
    "two answers swapped": (
        "check-arguments",
        "answers = dict(a='device', b='max_new_tokens', c='model_id', d='do_sample', e='task', f='temperature',"
        " g='pipeline_kwargs', h='num_beams')",
        {"answers"},
    ),
    "answers as a list": ("check-arguments", "answers = ['device']", {"format", "answers"}),
    "prompt without system": ("check-prompt", "prompt = ChatPromptTemplate([MessagesPlaceholder('messages')])", {"system"}),
    "prompt with another system": (
        "check-prompt",
        "prompt = ChatPromptTemplate([('system', 'Be kind.'), MessagesPlaceholder('messages')])",
        {"system"},
    ),
    "placeholder first": (
        "check-prompt",
        "prompt = ChatPromptTemplate([MessagesPlaceholder('messages'), ('system', SYSTEM)])",
        {"system"},
    ),
    "placeholder as text": (
        "check-prompt",
        "prompt = ChatPromptTemplate([('system', SYSTEM), ('human', '{messages}')])",
        {"placeholder"},
    ),
    "placeholder with another name": (
        "check-prompt",
        "prompt = ChatPromptTemplate([('system', SYSTEM), MessagesPlaceholder('history')])",
        {"placeholder"},
    ),
    "no placeholder": ("check-prompt", "prompt = ChatPromptTemplate([('system', SYSTEM)])", {"placeholder"}),
    "question inside the prompt": (
        "check-prompt",
        "prompt = ChatPromptTemplate([('system', SYSTEM), ('human', FIRST)])",
        {"placeholder"},
    ),
    "prompt as text": ("check-prompt", "prompt = SYSTEM", {"system", "placeholder"}),
    "chain reversed": ("check-chain", CHAIN + "chatbot = llm | prompt", {"text"}),
    "chain without prompt": ("check-chain", CHAIN + "chatbot = llm", {"text"}),
    "chain is an answer": (
        "check-chain",
        CHAIN + "chatbot = (prompt | llm).invoke([HumanMessage(FIRST)])",
        {"runnable", "text", "model"},
    ),
    "chain with a fixed question": (
        "check-chain",
        CHAIN + "chatbot = RunnableLambda(lambda _: {'messages': [HumanMessage(FIRST)]}) | prompt | llm",
        {"text"},
    ),
    "chain without model": ("check-chain", CHAIN + "chatbot = prompt | StrOutputParser()", {"text", "model"}),
    "chain with another model": ("check-chain", CHAIN + "chatbot = prompt | load(SMALL)", {"model"}),
    "chain with more text": (
        "check-chain",
        CHAIN + "chatbot = prompt | (lambda p: p.to_string() + ' Arr.') | llm",
        {"text"},
    ),
    "nothing asked": ("check-who-are-you", CHAIN, {"asked", "kept"}),
    "answer made up": ("check-who-are-you", CHAIN + "result = 'I am a pirate'", {"asked", "kept"}),
    "another question": ("check-who-are-you", CHAIN + "result = chatbot.invoke([HumanMessage('Who?')])", {"asked", "kept"}),
    "answer not kept": ("check-who-are-you", CHAIN + "chatbot.invoke([HumanMessage(FIRST)])", {"kept"}),
    "the question kept": ("check-who-are-you", ASKED + "result = FIRST", {"kept"}),
    "answer as a list": ("check-who-are-you", CHAIN + "result = chatbot.batch([[HumanMessage(FIRST)]])", {"kept"}),
    "model asked without the chain": ("check-who-are-you", CHAIN + "result = llm.invoke(FIRST)", {"asked"}),
    "first answer kept as the second": ("check-ideal-boat", ASKED + "boat = result", {"asked", "kept"}),
    "second question after the first": (
        "check-ideal-boat",
        ASKED + "boat = chatbot.invoke([HumanMessage(FIRST), AIMessage(result), HumanMessage(SECOND)])",
        {"asked", "kept"},
    ),
    "base for instruct": (
        "check-instruct-small",
        PROMPT + "chatbot_small = prompt | load(BASE)\nresult_small = chatbot_small.invoke([HumanMessage(FIRST)])",
        {"model"},
    ),
    "sampling off": (
        "check-temperature-1",
        BIG.replace("do_sample=True", "do_sample=False") + "result_1 = chatbot_1.invoke([HumanMessage(FIRST)])",
        {"temperature"},
    ),
    "sampling cancelled": (
        "check-temperature-1",
        BIG.replace(HOT, HOT + ", top_k=1") + "result_1 = chatbot_1.invoke([HumanMessage(FIRST)])",
        {"temperature"},
    ),
    "temperature of another task": (
        "check-temperature-1",
        BIG.replace("0.9", "2.0") + "result_1 = chatbot_1.invoke([HumanMessage(FIRST)])",
        {"temperature"},
    ),
    "temperature where it is ignored": (
        "check-temperature-1",
        PROMPT + "chatbot_1 = prompt | load(LARGE).bind(temperature=0.9)\nresult_1 = chatbot_1.invoke([HumanMessage(FIRST)])",
        {"temperature"},
    ),
    "temperature as text": (
        "check-temperature-1",
        BIG.replace("temperature=0.9", "temperature='0.9'") + "result_1 = chatbot_1.invoke([HumanMessage(FIRST)])",
        {"temperature", "kept"},
    ),
}  # fmt: skip


def lost(verdict_of: Student, check_id: str) -> set[str]:
    return {c.name for c in verdict_of.verdict(check_id).criteria if c.outcome != "passed"}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_keeps_all_its_points(student: Student, name: str) -> None:
    check_id, code = RIGHT[name]
    student.run(IMPORTS)
    student.run(code)
    verdict = student.verdict(check_id)
    assert verdict.score == verdict.points, (student.session.recorder.raised, verdict)
    assert verdict.state == "judged"


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_loses_exactly_its_own_criteria(student: Student, name: str) -> None:
    check_id, code, criteria = WRONG[name]
    student.run(IMPORTS)
    student.run(code)
    assert lost(student, check_id) == criteria


def test_an_untouched_variable_from_the_task_before_earns_nothing(student: Student) -> None:
    student.run(IMPORTS + "llm = load(max_new_tokens=100)")
    assert student.verdict("check-load-model").passed
    assert lost(student, "check-limit-output") == {"limit"}


def test_a_chain_and_an_answer_left_over_from_another_temperature_earn_nothing(student: Student) -> None:
    student.run(IMPORTS + BIG + "result_1 = chatbot_1.invoke([HumanMessage(FIRST)])")
    assert student.verdict("check-temperature-1").passed
    student.run("chatbot_2, result_2 = chatbot_1, result_1")
    assert student.verdict("check-temperature-2").score == 0


def test_an_answer_left_over_from_another_temperature_is_not_this_ones(student: Student) -> None:
    student.run(IMPORTS + BIG + "result_1 = chatbot_1.invoke([HumanMessage(FIRST)])")
    assert student.verdict("check-temperature-1").passed
    student.run(
        f"chatbot_2 = prompt | llm.bind(pipeline_kwargs=dict({HOT}))\nresult_2 = result_1".replace("0.9", "2.0")
    )
    assert lost(student, "check-temperature-2") == {"kept"}


def test_a_mistake_in_the_prompt_is_charged_once(student: Student) -> None:
    student.run(IMPORTS + CHAIN.replace("SYSTEM", "'Be brief.'") + "result = chatbot.invoke([HumanMessage(FIRST)])")
    assert lost(student, "check-prompt") == {"system"}
    assert lost(student, "check-chain") == set()
    assert lost(student, "check-who-are-you") == set()


def test_a_wrong_model_is_charged_once(student: Student) -> None:
    student.run(IMPORTS + ASKED.replace("llm = load(", "llm = load(SMALL, "))
    assert lost(student, "check-load-model") == {"model"}
    assert lost(student, "check-chain") == set()
    assert lost(student, "check-who-are-you") == set()


def test_an_answer_that_was_changed_beyond_recognition_goes_to_a_person_with_its_points(student: Student) -> None:
    student.run(IMPORTS + ASKED + "result = result[::-1]")
    verdict = student.verdict("check-who-are-you")
    assert (verdict.state, verdict.score) == ("review", verdict.points)


def test_nothing_of_a_challenge_stays_in_a_memory(student: Student) -> None:
    student.run(IMPORTS + CHAIN + HISTORY)
    student.verdict("check-chain")
    assert student["store"] == {}


def test_nothing_of_a_challenge_stays_in_a_list_that_the_chain_keeps(student: Student) -> None:
    student.run(
        IMPORTS + CHAIN + "log = []\ndef ask(x):\n    log.append(x)\n    return x\nchatbot = ask | prompt | llm"
    )
    student.run("chatbot = RunnableLambda(ask) | prompt | llm")
    assert student.verdict("check-chain").passed
    assert student["log"] == []


def test_what_a_chain_prints_during_a_challenge_is_not_shown(
    student: Student, capfd: pytest.CaptureFixture[str]
) -> None:
    student.run(IMPORTS + CHAIN + "chatbot = prompt | RunnableLambda(lambda p: print('noise') or p) | llm")
    student.verdict("check-chain")
    assert "noise" not in capfd.readouterr().out


def test_a_freed_model_shows_the_last_verdict_as_from_before(student: Student) -> None:
    student.run(IMPORTS + CHAIN)
    assert student.verdict("check-chain").passed
    student.run("chatbot = llm = None")
    again = student.verdict("check-chain")
    assert again.passed
    assert "From before" in say(again.observations[0], "en")


def test_a_chain_fixed_after_a_failure_passes(student: Student) -> None:
    student.run(IMPORTS + CHAIN + "chatbot = llm | prompt")
    assert not student.verdict("check-chain").passed
    student.run("chatbot = prompt | llm")
    assert student.verdict("check-chain").passed


def test_a_check_names_the_error_that_stopped_the_cell(student: Student) -> None:
    student.run(IMPORTS + LLM + PROMPT)
    student.run("chatbot = promt | llm")
    with pytest.raises(CheckFailed, match="NameError: name 'promt' is not defined"):
        run_check(student.session, "check-chain")


def test_a_failing_check_renders_as_the_hint_alone(student: Student) -> None:
    with pytest.raises(CheckFailed) as caught:
        run_check(student.session, "check-load-model")
    lines = caught.value._render_traceback_()
    assert not any("Traceback" in line for line in lines)
    assert max(map(len, lines)) <= 100


def test_an_unknown_check_is_told_with_the_valid_names(student: Student) -> None:
    with pytest.raises(CheckFailed, match="check-chain"):
        run_check(student.session, "check-chian")


def test_a_check_asks_no_model_to_generate(student: Student, monkeypatch: pytest.MonkeyPatch) -> None:
    student.run(IMPORTS + CHAIN)
    before = len(student.session.recorder.transcript().own())
    monkeypatch.setattr("torch.nn.Module.__call__", lambda *a, **k: pytest.fail("the model was run"))
    assert student.verdict("check-chain").passed
    assert len(student.session.recorder.transcript().own()) == before


def test_the_same_answers_are_right_in_the_other_profile(
    new_student: Callable[[Profile], Student], gemma: Profile
) -> None:
    student = new_student(gemma)
    base, chat, large = (gemma.model(role).name for role in ("base", "instruct", "large"))
    student.run(IMPORTS + f"SYSTEM = {gemma.chat.system_prompt!r}\nBASE, LARGE = {chat!r}, {large!r}\n" + PROMPT)
    questions = gemma.questions
    student.run(
        f"base_llm = load({base!r}, Partner)\nbase_answer = base_llm.invoke({questions['completion']!r})\n"
        f"llm = load({chat!r}, Partner)"
    )
    for check_id in ("check-ask-base", "check-load-model"):
        assert student.verdict(check_id).passed, student.verdict(check_id)
    student.run(
        f"llm = load({chat!r}, Partner, max_new_tokens={gemma.generation.max_new_tokens})\nchatbot = prompt | llm\n"
        f"result = chatbot.invoke([HumanMessage({questions['first']!r})])\n"
        f"chatbot_large = prompt | ChatHuggingFace(llm=load({large!r}, Partner, max_new_tokens=9))\n"
        f"result_large = chatbot_large.invoke([HumanMessage({questions['first']!r})])\n"
        f"chatbot_3 = prompt | load({large!r}, Partner, max_new_tokens=9, temperature=10.0)\n"
        f"result_3 = chatbot_3.invoke([HumanMessage({questions['first']!r})])\n"
    )
    for check_id in (
        "check-limit-output",
        "check-chain",
        "check-who-are-you",
        "check-instruct-large",
        "check-temperature-3",
    ):
        assert student.verdict(check_id).passed, student.verdict(check_id)


def test_importing_check_loads_neither_torch_nor_transformers_nor_the_hub() -> None:
    code = "import sys, autograder; print(sorted({'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_frozen_profile_in_a_session_does_not_hold_the_key_of_the_arguments(student: Student) -> None:
    text = student.session.profile.to_json()
    assert not re.search(r'"[a-h]": "(device|task|num_beams)"', text)


# What the model said


def said(student: Student, check_id: str) -> str | None:
    task = task_of(check_id, student.session.profile)
    assert task is not None
    student.session.verdict(task)
    return student.session.said(task)


def test_the_answer_that_is_held_is_what_the_model_said_without_the_prompt(student: Student) -> None:
    student.run(IMPORTS + ASKED + "first = result\nresult = chatbot.invoke([HumanMessage(FIRST)])\nresult = first")
    asked = student.session.recorder.transcript().own()
    assert said(student, "check-who-are-you") == asked[0].outputs[0]
    assert student["result"].endswith(asked[0].outputs[0])


def test_an_answer_that_was_not_kept_is_still_what_the_model_said(student: Student) -> None:
    student.run(IMPORTS + CHAIN + "chatbot.invoke([HumanMessage(FIRST)])")
    assert said(student, "check-who-are-you") == student.session.recorder.transcript().own()[0].outputs[0]


def test_what_another_model_said_to_the_same_question_is_not_what_this_one_said(student: Student) -> None:
    student.run(IMPORTS + ASKED)
    assert said(student, "check-instruct-small") is None


def test_what_was_said_at_another_temperature_is_not_what_was_said_at_this(student: Student) -> None:
    student.run(IMPORTS + BIG + "result_1 = chatbot_1.invoke([HumanMessage(FIRST)])")
    assert said(student, "check-temperature-1") is not None
    assert said(student, "check-temperature-2") is None


@pytest.mark.parametrize("check_id", ["check-load-model", "check-prompt", "check-chain"])
def test_where_a_task_asks_nothing_no_model_is_quoted(check_id: str, student: Student) -> None:
    student.run(IMPORTS + ASKED)
    assert said(student, check_id) is None


def test_a_check_quotes_the_model_where_something_is_missing_too(student: Student) -> None:
    student.run(IMPORTS + CHAIN + "chatbot.invoke([HumanMessage(FIRST)])")
    with pytest.raises(CheckFailed) as caught:
        run_check(student.session, "check-who-are-you")
    assert "Dette sa modellen din" in str(caught.value)
    assert caught.value.report is not None
    assert "<blockquote" in caught.value.report._repr_html_()


def test_an_echo_is_not_quoted(student: Student, monkeypatch: pytest.MonkeyPatch) -> None:
    student.run(IMPORTS + ASKED)
    thin = SimpleNamespace(name_of=lambda model: None)  # a real one has this process load no weights any more
    monkeypatch.setattr(student.session.recorder, "thin", thin)
    assert said(student, "check-who-are-you") is None


def test_a_request_is_the_cells_that_asked_whichever_is_running_when_its_output_is_there(
    new_student: Callable[[Profile], Student], llama: Profile
) -> None:
    student = new_student(llama)
    recorder = student.session.recorder
    recorder.cell = "asked"
    student.session.namespace["next_cell"] = lambda: setattr(recorder, "cell", "later")
    try:
        student.run(
            IMPORTS
            + LLM
            + """
class Slow:
    def put(self, tokens): next_cell()
    def end(self): pass
inputs = llm.pipeline.tokenizer(FIRST, return_tensors="pt")
llm.pipeline.model.generate(**inputs, streamer=Slow(), max_new_tokens=2)
"""
        )
        assert recorder.raised is None
        assert recorder.cell == "later"
        assert recorder.transcript().requests[-1].cell == "asked"
    finally:
        recorder.cell = None
