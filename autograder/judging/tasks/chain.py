"""`chain`: `chatbot` sends what `prompt` makes of a question to the model."""

from __future__ import annotations

from collections.abc import Iterable

from autograder.course.profile import Needs
from autograder.facts.verdict import Criterion
from autograder.judging import criteria as common
from autograder.judging.case import Case
from autograder.judging.task import CHATBOT, LLM, PROMPT, Definition


def criteria(case: Case) -> Iterable[Criterion]:
    yield common.runnable(case, CHATBOT.name, 1 / 4)
    yield common.text(case, CHATBOT.name, 1 / 2)
    yield common.model(case, CHATBOT.name, 1 / 4, case.penalised_models())


TASK = Definition(
    id="chain",
    after="prompt",
    notebook="chatbot",
    variables=(CHATBOT,),
    looks_at=(PROMPT, LLM),
    needs=Needs(model=True, one_chatbot=True),
    builds_on=("load-model", "limit-output", "prompt"),
    criteria=criteria,
)
