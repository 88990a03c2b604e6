"""What tasks of one family share: each of them has a file of its own, which says what is its own."""

from __future__ import annotations

from collections.abc import Iterable

from autograder.course.profile import Needs, Values
from autograder.facts.verdict import Criterion
from autograder.judging import answers
from autograder.judging import criteria as common
from autograder.judging.case import Case
from autograder.judging.settings import setting
from autograder.judging.task import CHATBOT, LLM, PROMPT, Definition, Named

PROMPT_AGAIN = "prompt-again"
"""The unscored cell in which `prompt` is made again in another notebook."""


def written(task_id: str, after: str, notebook: str) -> Definition:
    """A free-text answer, which a person judges."""
    return Definition(id=task_id, after=after, notebook=notebook, judged_by="person")


def first_answer(task_id: str, after: str, variable: str, builds_on: tuple[str, ...]) -> Definition:
    """A question to the chain of the first notebook, whose answer is kept in a variable."""

    def criteria(case: Case) -> Iterable[Criterion]:
        return answers.answer(case, variable, CHATBOT.name, 1 / 2)

    return Definition(
        id=task_id,
        after=after,
        notebook="chatbot",
        variables=(Named(variable, "answer"),),
        looks_at=(PROMPT, LLM, CHATBOT),
        needs=Needs(model=True, question=True, one_chatbot=True, own_question=True),
        builds_on=builds_on,
        criteria=criteria,
    )


def other_model(task_id: str, after: str, ending: str, builds_on: tuple[str, ...]) -> Definition:
    """The chatbot on another model, and what that one answers. `ending` is that of the variables' names."""

    def criteria(case: Case) -> Iterable[Criterion]:
        chain, answer = case.task.variables
        yield common.model(case, chain, 3 / 8)
        yield common.text(case, chain, 2 / 8)
        yield answers.answer_as_one(case, answer, chain, 3 / 8)

    return Definition(
        id=task_id,
        after=after,
        notebook="larger-model",
        variables=(Named(f"chatbot_{ending}", "chain"), Named(f"result_{ending}", "answer")),
        looks_at=(PROMPT,),
        needs=Needs(model=True, question=True),
        builds_on=builds_on,
        criteria=criteria,
        set_apart_by="model",
    )


def values_of_a_setting(task_id: str, after: str, values: Values, ending: str = "{n}") -> Definition:
    """The chatbot with a setting, one task for each value that the profile lists, and what it answers then."""

    def criteria(case: Case) -> Iterable[Criterion]:
        chain, answer = case.task.variables
        numbers = [t for t in case.tasks if t.kind == task_id and t.number < case.task.number]
        before = [at.arrived(at.task.variables[0]) for at in map(case.at, numbers) if at]
        earlier = [request for arrived in before for request in arrived]
        yield common.model(case, chain, 1 / 5, common.models_of(earlier))
        yield common.text(case, chain, 1 / 5)
        yield setting(case, chain, 2 / 5, earlier)
        yield answers.answer_as_one(case, answer, chain, 1 / 5)

    return Definition(
        id=task_id,
        after=after,
        notebook="temperature",
        variables=(Named(f"chatbot_{ending}", "chain"), Named(f"result_{ending}", "answer")),
        looks_at=(PROMPT,),
        needs=Needs(model=True, question=True, values=values),
        builds_on=(task_id, PROMPT_AGAIN),
        criteria=criteria,
        set_apart_by=values.setting,
    )
