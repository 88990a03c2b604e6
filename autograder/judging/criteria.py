"""Criteria that several tasks share: is it a pipeline, which model, what text, which settings reached it?

Each function here gives one `Criterion` for a part of a case's points; `answers.py` has those about answers. The tasks' own files
(`tasks/`) put them together. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from autograder.facts.transcript import Request, plain
from autograder.facts.verdict import Criterion, Sentence
from autograder.judging import already_penalised, failures
from autograder.judging.case import Case, Share
from autograder.judging.failures import Mistake, error_text, shown
from autograder.judging.sampling import draws_with
from autograder.words.checks import EXPECTED, FOUND
from autograder.words.hints import HINTS


def kind(case: Case, name: str, part: float) -> Criterion:
    share = case.share("kind", part, EXPECTED["kind"], variable=name)
    if missing := case.missing(name, share):
        return missing
    held = case.variable(name)
    if "HuggingFacePipeline" in held.kinds and "PromptTemplate" not in held.kinds and held.task == "text-generation":
        return share.passed()
    found = FOUND["value"].fill(value=f"{held.type} ({held.task})" if held.task else held.type)
    wrapped = "Pipeline" in held.kinds or "Model" in held.kinds
    hint = HINTS["wrapped-model" if wrapped else "not-a-pipeline"].fill(variable=name, type=held.type)
    return share.failed(Mistake(hint, found))


def device(case: Case, name: str, part: float) -> Criterion:
    share = case.share("device", part, EXPECTED["gpu"], variable=name)
    if missing := case.missing(name, share):
        return missing
    held = case.variable(name)
    if held.device in ("cuda:0", "cuda"):
        return share.passed()
    if case.evidence.gpu == "none" and not case.facts.in_grading:
        return share.unknown("no-gpu")
    if held.device is None:
        hint = HINTS["not-a-pipeline"].fill(variable=name, type=held.type)
        return share.failed(Mistake(hint, FOUND["value"].fill(value=held.type)))
    on_cpu = held.device == "cpu"
    found = FOUND["processor"] if on_cpu else FOUND["value"].fill(value=held.device)
    hint = HINTS["on-cpu" if on_cpu else "other-device"].fill(variable=name, found=held.device)
    return share.failed(Mistake(hint, found))


def model(case: Case, name: str, part: float, penalised: frozenset[str] = frozenset()) -> Criterion:
    """Whether the right model got the check's question; `penalised` are wrong ones that have cost points already."""
    model = case.task.model or ""
    share = case.share("model", part, EXPECTED["value"].fill(value=model), variable=name, model=model)
    if missing := case.missing(name, share):
        return missing
    request = best(case, name)
    if request is None and case.held_up(name):
        return share.passed(already_penalised=True)
    if request is None:
        return not_arrived(case, name, share)
    if request.model == model or request.model in penalised:
        return share.passed(already_penalised=request.model != model)
    hint = HINTS[_model_mistake(case, request.model)].fill(variable=name, found=request.model, expected=model)
    return share.failed(Mistake(hint, FOUND["value"].fill(value=request.model)))


def _model_mistake(case: Case, found: str) -> str:
    models = case.profile.models
    base = models.base is not None and found == models.base.name
    chat = any(m is not None and found == m.name for m in (models.instruct, models.large))
    if case.task.role == "base" and chat:
        return "instruct-for-base"
    return "base-for-instruct" if case.task.role != "base" and base else "wrong-model"


def runnable(case: Case, name: str, part: float) -> Criterion:
    share = case.share("runnable", part, EXPECTED["runnable"], variable=name)
    if missing := case.missing(name, share):
        return missing
    held = case.variable(name)
    if "Runnable" in held.kinds:
        return share.passed()
    hint = HINTS["chain-is-answer" if held.text is not None else "not-runnable"].fill(variable=name, type=held.type)
    return share.failed(Mistake(hint, FOUND["value"].fill(value=held.type)))


def text(case: Case, name: str, part: float) -> Criterion:
    """Whether what arrived is the prompt with the check's question: the task's prompt, or the student's own."""
    challenge = case.evidence.challenge_of(name)
    question = challenge.question if challenge else "…"
    expected = EXPECTED["text"].fill(text=shown(plain(case.ideal(question))))
    share = case.share("text", part, expected, variable=name)
    if missing := case.missing(name, share):
        return missing
    request = best(case, name)
    if request is None and case.held_up(name):
        return _text_by_steps(case, name, share)
    how = case.text_is(request, question) if request else None
    if how is None and case.takes_another_form(name):
        return share.unknown("other-form")
    if request is None:
        return share.failed(nothing_arrived(case, name))
    if how == "own" and case.judged_prompts() is None:
        of_prompt = already_penalised.of_prompt(case.tasks)
        if of_prompt is not None and of_prompt.notebook != case.task.notebook:
            return share.unknown("elsewhere")
    if how:
        return share.passed(already_penalised=how == "own")
    found = FOUND["text"].fill(text=shown(request.text))
    return share.failed(Mistake(_text_hint(case, name, request, question), found))


def _text_by_steps(case: Case, name: str, share: Share) -> Criterion:
    """What can be told of the text of a chain whose `llm` is broken, and has been charged: from its steps alone."""
    held = case.variable(name)
    if held.steps[:2] == ("prompt", "model") and "prompt" in held.holds:
        return share.passed(already_penalised=True)
    if held.steps[:2] == ("model", "prompt"):
        hint = HINTS["chain-reversed"].fill(variable=name)
    elif "prompt" not in held.steps:
        hint = HINTS["prompt-not-inside"].fill(variable=name)
    else:
        return share.unknown("held-up")
    return share.failed(Mistake(hint, FOUND["not-asked"]))


def _text_hint(case: Case, name: str, request: Request, question: str) -> Sentence:
    steps = case.variable(name).steps
    if "model" in steps and "prompt" in steps and steps.index("model") < steps.index("prompt"):
        return HINTS["chain-reversed"].fill(variable=name)
    if question not in request.text:
        return HINTS["text-no-question"].fill(variable=name)
    if case.profile.chat.system_prompt not in request.text:
        return HINTS["text-no-prompt"].fill(variable=name)
    return HINTS["text-other"].fill(variable=name)


def best(case: Case, name: str) -> Request | None:
    """Of several requests that a question led to (retries, fallbacks), the one that is right in most ways."""
    requests = case.arrived(name)
    challenge = case.evidence.challenge_of(name)
    if not requests or challenge is None:
        return None

    def rightness(request: Request) -> tuple[int, bool, int]:
        question = challenge.question
        bare_question = request.text == question and case.task.holds(name) != "chain"
        text = case.text_is(request, question) is not None or bare_question
        drawn = draws_with(request.settings, case.task.settings)
        return (2 * text + (request.model == case.task.model) + drawn, question in request.text, request.number)

    return max(requests, key=rightness)


def not_arrived(case: Case, name: str, share: Share) -> Criterion:
    """The criterion where the check's question to a chain led to no request."""
    if case.takes_another_form(name):
        return share.unknown("other-form")
    return share.failed(nothing_arrived(case, name))


def models_of(requests: Iterable[Request]) -> frozenset[str]:
    return frozenset(request.model for request in requests)


def nothing_arrived(case: Case, name: str) -> Mistake:
    """What is told where the check's question to a variable led to no request."""
    challenge, held = case.evidence.challenge_of(name), case.variable(name)
    raised = [offer.failure for offer in challenge.offers if offer.failure] if challenge else []
    if challenge is None or len(raised) < len(challenge.offers):
        return Mistake(HINTS["no-model-asked"].fill(variable=name), FOUND["not-asked"])
    is_chain = case.task.holds(name) == "chain"
    if "has no invoke" in raised[0].message:
        chain = "chain-is-answer" if held.text is not None else "not-runnable"
        hint = HINTS[chain if is_chain else "not-a-pipeline"].fill(variable=name, type=held.type)
        return Mistake(hint, FOUND["value"].fill(value=held.type))
    if wrong := next(filter(None, (failures.settings_mistake(name, failure) for failure in raised)), None):
        return wrong
    if refused := failures.chat_mistake(name, raised[0]):
        return refused
    error = error_text(raised[0])
    hint = HINTS["chain-raised" if is_chain else "no-model-raised"]
    return Mistake(hint.fill(variable=name, error=error), FOUND["error"].fill(error=error))
