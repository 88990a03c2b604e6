"""`load-model`: `llm` is LangChain's pipeline of a model, on the GPU."""

from __future__ import annotations

from collections.abc import Iterable

from autograder.course.profile import Needs
from autograder.facts.verdict import Criterion
from autograder.judging import criteria as common
from autograder.judging.case import Case
from autograder.judging.task import LLM, Definition
from autograder.words.checks import REASONS


def criteria(case: Case) -> Iterable[Criterion]:
    name = LLM.name
    kind = common.kind(case, name, 1 / 3)
    if case.facts.in_grading and kind.outcome == "passed" and not case.arrived(name):
        case.reasons.append(REASONS["nothing-asked"].fill(variable=name))  # only the kernel says that it is a pipeline
    yield kind
    yield common.model(case, name, 1 / 3)
    yield common.device(case, name, 1 / 3)


TASK = Definition(
    id="load-model",
    after="ask-base",
    notebook="chatbot",
    variables=(LLM,),
    needs=Needs(model=True, one_chatbot=True),
    loads_model=True,
    criteria=criteria,
)
