"""What a kernel leaves behind is read as data: bounded in each text and in all, and what cannot be read is a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode, v4

from autograder.course.profile import Profile
from autograder.facts.evidence import Evidence, Facts, PromptFacts, Variable
from autograder.facts.transcript import Transcript
from autograder.grading.kernel_facts import MAX_EVIDENCE, Findings, conversations, read_evidence, why_it_ended
from autograder.judging.contract import tasks
from autograder.judging.judge import judge
from autograder.kernel.selfcheck import EVIDENCE_TYPE


def cell(*published: Any) -> NotebookNode:
    made = v4.new_code_cell("check")
    for text in published:
        made.outputs.append(NotebookNode(output_type="display_data", data={EVIDENCE_TYPE: text}, metadata={}))
    return made


def prompt(messages: int, characters: int) -> dict[str, Any]:
    return {"rendered": {"Who?": [["human", "x" * characters]] * messages}}


UNREADABLE: dict[str, dict[str, Any]] = {
    "a text beyond all": {"environment": {"HF_HOME": "x" * 2 * MAX_EVIDENCE}},
    "values beyond all": {"variables": {"answers": {"state": "there", "value": {"a": "x" * 2 * MAX_EVIDENCE}}}},
    "a message beyond all": {"prompt": prompt(1, 20_001)},
    "more messages than a prompt has": {"prompt": prompt(21, 1)},
    "a kind of message beyond all": {"prompt": {"history": [["x" * 501, "y"]]}},
    "another check's": {"check_id": "check-chain"},
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_evidence_beyond_its_bounds_is_a_problem_of_that_check_alone(what: str, llama: Profile) -> None:
    one, two = [task for task in tasks(llama) if task.judged_by == "autograder"][:2]
    bad = json.dumps({"check_id": one.check_id, **UNREADABLE[what]})
    found = read_evidence([(cell(bad), one), (cell(json.dumps({"check_id": two.check_id})), two)])
    assert {*found.problems} == {one.check_id}
    assert {*found.evidence} == {two.check_id}


def test_an_honest_long_prompt_stays_whole(llama: Profile) -> None:
    (task,) = [task for task in tasks(llama) if task.check_id == "check-prompt"]
    long = Evidence(
        check_id=task.check_id,
        variables={"prompt": Variable(state="there", text="x" * 200_000)},
        prompt=PromptFacts.model_validate(prompt(20, 20_000)),
    )
    found = read_evidence([(cell(long.model_dump_json()), task)])
    assert found == Findings({task.check_id: long}, {})
    assert conversations(found.evidence.values(), llama)


@pytest.mark.parametrize(
    ("error", "early", "kind"),
    [
        (DeadKernelError("x"), True, "crash"), (CellTimeoutError("x"), True, "crash"), (CellTimeoutError("x"), False, "time"),
        (AttributeError("x"), True, "messages"), (RuntimeError("x"), False, "messages"),
    ],
)  # fmt: skip
def test_whatever_ends_a_notebook_has_a_kind(error: Exception, early: bool, kind: str) -> None:
    assert why_it_ended(error, None, early) == kind


json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
FIELDS = (*Evidence.model_fields, "")


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(FIELDS), value=json_data, more=json_data, text=st.booleans())
def test_whatever_is_published_is_judged_or_a_problem(
    llama: Profile, name: str, value: Any, more: Any, text: bool
) -> None:
    for task in [task for task in tasks(llama) if task.judged_by == "autograder"][:8]:
        told = {"check_id": task.check_id, name: value, "variables": {"llm": more}}
        found = read_evidence([(cell(json.dumps(told) if text else value), task)])
        facts = Facts(evidence=found.evidence, transcript=Transcript(), in_grading=True)
        assert judge(task, facts, llama).points == task.points
