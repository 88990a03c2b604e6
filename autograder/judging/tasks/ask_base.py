"""`ask-base`: a base model in a pipeline is asked a question without a chain."""

from __future__ import annotations

from collections.abc import Iterable

from autograder.course.profile import Needs
from autograder.facts.verdict import Criterion
from autograder.judging import answers
from autograder.judging import criteria as common
from autograder.judging.case import Case
from autograder.judging.task import Definition, Named


def criteria(case: Case) -> Iterable[Criterion]:
    llm, answer = case.task.variables
    yield common.kind(case, llm, 1 / 4)
    yield common.model(case, llm, 1 / 4)
    yield from answers.answer(case, answer, llm, 1 / 4)


TASK = Definition(
    id="ask-base",
    after="model-home",
    notebook="chatbot",
    variables=(Named("base_llm", "llm"), Named("base_answer", "answer")),
    needs=Needs(model=True, question=True),
    loads_model=True,
    criteria=criteria,
)
