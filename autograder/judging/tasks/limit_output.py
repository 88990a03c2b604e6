"""`limit-output`: `llm` makes at most so many new tokens."""

from __future__ import annotations

from collections.abc import Iterable

from autograder.course.profile import Needs
from autograder.facts.verdict import Criterion, Sentence
from autograder.judging import criteria as common
from autograder.judging.case import Case
from autograder.judging.failures import Mistake, misspelled
from autograder.judging.task import LLM, Definition
from autograder.judging.tasks import load_model
from autograder.words.checks import EXPECTED, FOUND, TITLES
from autograder.words.hints import HINTS
from autograder.words.tables import w

PIPELINE_LIMIT = 256
"""New tokens that transformers' text-generation pipeline allows when nothing is set (`TextGenerationPipeline`)."""


def criteria(case: Case) -> Iterable[Criterion]:
    n, name = case.profile.generation.max_new_tokens, LLM.name
    share = case.share("limit", 1, EXPECTED["limit"].fill(n=n), variable=name, n=n)
    if missing := case.missing(name, share):
        yield missing
        return
    requests = case.arrived(name)
    if not requests:
        yield share.failed(common.nothing_arrived(case, name))
        return
    settings = requests[-1].settings
    limit = settings.get("max_new_tokens")
    found = FOUND["limit"].fill(n=limit) if limit is not None else FOUND["no-limit"]
    if limit != n or isinstance(limit, bool):
        yield share.failed(Mistake(_hint(case, name, settings), found))
    elif _left_over(case, name, n):
        yield share.failed(Mistake(HINTS["left-over"].fill(variable=name), found))
    else:
        yield share.passed()


def _hint(case: Case, name: str, settings: dict[str, object]) -> Sentence:
    n, limit = case.profile.generation.max_new_tokens, settings.get("max_new_tokens")
    if case.evidence.raised is not None:
        return case.stopped(name, case.evidence.raised)
    if "unresolved" in settings:
        return HINTS["limit-refused"].fill(variable=name)
    given = case.variable(name).given
    ignored = "max_new_tokens" in given.get("bind", ()) + given.get("model_kwargs", ())
    if ignored or (limit == PIPELINE_LIMIT and "max_new_tokens" in given.get("pipeline_kwargs", ())):
        return HINTS["limit-ignored"].fill(variable=name)
    names = [*given.get("pipeline_kwargs", ()), *given.get("bind", ())]
    if meant := misspelled(names, "max_new_tokens", settings):
        return HINTS["setting-unknown"].fill(variable=name, setting=meant)
    if limit is None and "max_new_tokens" in names:
        return HINTS["limit-refused"].fill(variable=name)
    if "max_length" in names or limit is None:
        return HINTS["limit-total"].fill(variable=name)
    if limit == PIPELINE_LIMIT:
        return HINTS["limit-default"].fill(variable=name, found=limit, n=n)
    return HINTS["limit-other"].fill(variable=name, found=limit, n=n)


def _left_over(case: Case, name: str, n: int) -> bool:
    """Whether `llm` is the very object of the task before, and behaved like this there already."""
    before = case.of(load_model.TASK.id)
    if before is None or not before.variable(name).identity:
        return False
    same = before.variable(name).identity == case.variable(name).identity
    return same and any(request.settings.get("max_new_tokens") == n for request in before.arrived(name))


TASK = Definition(
    id="limit-output",
    after="load-model",
    notebook="chatbot",
    variables=(LLM,),
    needs=Needs(model=True, one_chatbot=True),
    builds_on=(load_model.TASK.id,),
    criteria=criteria,
)

TITLES.add({"limit": w("`{variable}` har grensen {n} nye tokener", "`{variable}` has the limit of {n} new tokens")})
EXPECTED.add({"limit": w("en grense på {n} nye tokener", "a limit of {n} new tokens")})
FOUND.add({
    "limit": w("en grense på {n} nye tokener", "a limit of {n} new tokens"),
    "no-limit": w("ingen grense på nye tokener", "no limit on new tokens"),
})  # fmt: skip
HINTS.add({
    "limit-default": w(
        "`{variable}` har ingen egen grense: {found} nye tokener er det som gjelder ellers. Sett grensen til {n}.",
        "`{variable}` has no limit of its own: {found} new tokens is what holds otherwise. Set the limit to {n}.",
    ),
    "limit-other": w(
        "`{variable}` lager opptil {found} nye tokener. Se på tallet i cellen over; det skal være {n}.",
        "`{variable}` makes up to {found} new tokens. Look at the number in the cell above; it should be {n}.",
    ),
    "limit-total": w(
        "`max_length` teller ledeteksten med. Oppgaven gjelder nye tokener i `{variable}`: finn argumentet for det.",
        "`max_length` counts the prompt too. The task is about new tokens in `{variable}`: find the argument for it.",
    ),
    "limit-ignored": w(
        "Grensen nådde ikke modellen: `{variable}` har den et sted der den ikke blir lest. Gi den til pipelinen.",
        "The limit did not reach the model: `{variable}` has it where nobody reads it. Give it to the pipeline.",
    ),
    "limit-refused": w(
        "Biblioteket tar ikke imot grensen i `{variable}`. Skriv den som et helt tall, uten anførselstegn.",
        "The library does not take the limit in `{variable}`. Write it as a whole number, without quotation marks.",
    ),
})  # fmt: skip
