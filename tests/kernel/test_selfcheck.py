"""What `check` shows in a student's own session, with the models' weights in the process.

What is right and what is wrong is told by the library of solutions (`trials/selftest`), for a session as for grading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT, Student

from autograder.course.profile import Profile
from autograder.facts.verdict import Verdict
from autograder.judging.contract import ASSIGNMENT, load, task_of, tasks
from autograder.judging.task import Task
from autograder.kernel.notebook_tools import free_models
from autograder.kernel.selfcheck import CheckFailed, run_check
from autograder.words.tables import say
from trials.classes import Cells, reference
from trials.selftest.library import EXTRA_CELLS, Solution
from trials.selftest.solutions import RIGHT, WRONG

BASE, SMALL, LARGE = ("meta-llama/Llama-3.2-1B", "meta-llama/Llama-3.2-1B-Instruct", "meta-llama/Llama-3.2-3B-Instruct")
SYSTEM = "You are a pirate chatbot who always responds in pirate speak in whole sentences!"
FIRST, SECOND = "Who are you?", "Tell me about your ideal boat?"

IMPORTS = f"""
import os
from langchain_community.llms import HuggingFacePipeline
from langchain_huggingface import ChatHuggingFace, HuggingFacePipeline as Partner
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
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

COURSE = load(ROOT / "course.toml")
PROFILE = COURSE.model_copy(update={"generation": COURSE.generation.model_copy(update={"max_new_tokens": 40})})
"""With shorter answers: how long they are decides nothing, and takes most of the time."""
MISTAKES = {(frozenset(solution.loses.items()), solution.hint): solution for solution in reversed(WRONG)}
"""A wrong solution for each thing that can be lost and each hint."""


def is_python(solution: Solution) -> bool:
    """Whether its cells go without IPython: no magic, and nothing is awaited."""
    return not any(
        re.search(r"^%|\b(await|async for)\b|get_ipython", code, re.MULTILINE) for code in solution.cells.values()
    )


ONLY_WHILE_GRADING = {
    "small model, a prompt of its own with two variables",
    "chain for many conversations at once",
    "chain from an object",
    "chain from a question and what was said before",
    "load: the model's form without its weights",
}
"""What goes to a person for what later cells asked, or for what the model host alone knows."""
CHANGES_ITS_PROCESS = {"asked inside a loop of its own", "chain of the classic package"}
"""What cannot be taken back afterwards, so that tests which come later would meet it (real kernels run it)."""
SOLUTIONS = {
    s.name: s
    for s in (*RIGHT, *MISTAKES.values())
    if is_python(s) and s.fits(PROFILE) and s.name not in ONLY_WHILE_GRADING | CHANGES_ITS_PROCESS
}


@pytest.fixture(scope="module")
def right_cells() -> Cells:
    return reference(ROOT / "source" / ASSIGNMENT, PROFILE)


def verdicts(student: Student, profile: Profile, cells: Cells) -> Iterator[tuple[Task, Verdict]]:
    """Runs cells in their order, and checks each task after its own."""
    by_id = {task.id: task for task in tasks(profile) if task.judged_by == "autograder"}
    namespace = student.session.namespace
    namespace["free_models"] = lambda: free_models(profile, namespace)
    for name, code in cells.items():
        if name in by_id or name in EXTRA_CELLS:
            student.run(code)
        if name in by_id:
            yield by_id[name], student.verdict(by_id[name].check_id)


@pytest.mark.parametrize("name", SOLUTIONS)
@pytest.mark.filterwarnings("ignore")  # what LangChain says of the student's way
def test_a_session_says_of_a_solution_what_is_due(
    name: str,
    new_student: Callable[[Profile], Student],
    right_cells: Cells,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    student = new_student(PROFILE)
    monkeypatch.chdir(tmp_path)  # some write files
    monkeypatch.setattr("gc.collect", lambda: 0)  # it would take most of the time
    solution = SOLUTIONS[name].adapted(PROFILE)
    assert solution is not None
    here = {task.id for task in tasks(PROFILE) if task.notebook in solution.notebooks(PROFILE)} | EXTRA_CELLS
    cells = {cell: code for cell, code in (right_cells | solution.written(PROFILE)).items() if cell in here}
    due = {*solution.cells, *solution.loses} - EXTRA_CELLS
    for task, verdict in verdicts(student, PROFILE, cells):
        failed = {c.name for c in verdict.criteria if c.outcome == "failed" and c.points > 0}
        state = "review" if task.id in solution.review else "judged"
        assert (failed, verdict.state) == (solution.loses.get(task.id, set()), state), (task.id, verdict)
        due.discard(task.id)
        if not due:
            break


def test_the_reference_is_right_in_the_other_profile(new_student: Callable[[Profile], Student], gemma: Profile) -> None:
    cells = reference(ROOT / "source" / ASSIGNMENT, gemma)
    shown = {task.id: verdict.passed for task, verdict in verdicts(new_student(gemma), gemma, cells)}
    assert shown == dict.fromkeys(shown, True)
    assert {"ask-base", "limit-output", "chain", "instruct-large", "temperature-3"} <= set(shown)


def lost(student: Student, check_id: str) -> set[str]:
    return {c.name for c in student.verdict(check_id).criteria if c.outcome != "passed"}


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
