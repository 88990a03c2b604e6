"""Criteria that several tasks share: is it a pipeline, which model, what text, which settings reached it?

A `Case` is one task with all that is known about it. Each function here gives one `Criterion`; `answers.py` has those
about answers, and `checks.py` puts them together for each task. Pure, as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from autograder.course.profile import Profile
from autograder.facts.evidence import Evidence, Facts, Failure, PromptFacts, Variable
from autograder.facts.transcript import Message, Request, bare, plain
from autograder.facts.verdict import Criterion, Outcome
from autograder.facts.verdict import Sentence as Words
from autograder.judging import already_penalised as charged
from autograder.judging import failures
from autograder.judging.contract import CONTRACT, Task, tasks
from autograder.judging.failures import error_text, shown
from autograder.judging.sampling import cancelled_by
from autograder.words.sentences import EXPECTED, FOUND, HINTS, NOTES, OBSERVATIONS, TITLES

Title = Mapping[str, object]
"""Values for a criterion's title."""
NO_TITLE: Title = MappingProxyType({})


@dataclass
class Case:
    """One task with all that is known about it, and what has been noted on the way."""

    task: Task
    evidence: Evidence
    facts: Facts
    profile: Profile
    observations: list[Words] = field(default_factory=list)
    reasons: list[Words] = field(default_factory=list)

    def variable(self, name: str) -> Variable:
        return self.evidence.variable(name)

    def arrived(self, variable: str) -> tuple[Request, ...]:
        """The requests that the check's own question to this variable led to."""
        return charged.asked_of(self.evidence, variable, self.facts)

    def before(self) -> tuple[Evidence, ...]:
        """The evidence of the tasks before this one, in order."""
        return charged.before(self.task.check_id, self.facts)

    def at(self, task: Task) -> Case | None:
        """The case of another task of this notebook, if there is evidence of it."""
        evidence = self.facts.evidence.get(task.check_id)
        return Case(task, evidence, self.facts, self.profile) if evidence else None

    def judged_prompts(self) -> tuple[PromptFacts, ...] | None:
        """The prompts that earlier checks have judged: what is wrong with them has been charged. None: not known."""
        return charged.judged_prompts(self.task.check_id, self.facts, self.profile)

    def ideal(self, question: str) -> tuple[Message, ...]:
        return (("system", self.profile.chat.system_prompt), ("human", question))

    def asked_here(self) -> tuple[Request, ...]:
        """The student's own requests since the check before this one."""
        before = max((e.seen or 0 for e in self.before()), default=0)
        return tuple(request for request in self.asked() if request.number >= before)

    def asked(self) -> tuple[Request, ...]:
        """The student's own requests, up to this check."""
        seen = self.evidence.seen
        return tuple(r for r in self.facts.transcript.own() if seen is None or r.number < seen)

    def through(self, chain: str, question: str) -> frozenset[str]:
        """What the student's chain makes of a question, right or wrong, as seen from what it made of the check's own.

        Nothing where it asks another of the course's questions instead.
        """
        challenge = self.evidence.challenge_of(chain)
        if challenge is None or chain == "base_llm":
            return frozenset()
        texts = set()
        for request in self.arrived(chain):
            for change in (str, str.upper, str.lower, str.title):
                if change(challenge.question) in request.text:
                    texts.add(bare(request.text.replace(change(challenge.question), change(question))))
                    break
            else:
                texts.add(bare(request.text))
        others = [bare(q) for q in self.profile.questions.values() if q != question]
        return frozenset(t for t in texts if bare(question) in t or not any(q in t for q in others))

    def text_is(
        self, request: Request, question: str, also: tuple[PromptFacts, ...] = (), answering: bool = False
    ) -> str | None:
        """ "ideal" where the request is what a right chain sends for this question, "own" where it is what a prompt that has
        been charged makes of it, else None.

        Args:
            also: prompts that have been charged besides those that checks of chains have judged.
            answering: whether an answer to the question is looked for: a prompt with another one written in gives none.
        """
        sent = bare(request.text)
        if sent in map(bare, self.facts.transcript.forms_of(self.ideal(question), request.model)):
            return "ideal"
        known = self.judged_prompts()
        now = (self.evidence.prompt,) if known is None and self.evidence.prompt else ()
        for prompt in (*(known or ()), *now, *also):
            if answering and charged.asks_something_else(prompt, question):
                continue
            forms = charged.texts_of(prompt, question, self.facts, request.model)
            for messages in charged.half_mended(prompt, question, self.ideal(question)[0]):
                forms |= self.facts.transcript.forms_of(messages, request.model)
            if sent in map(bare, forms):
                return "own"
        return None

    def held_up(self, chain: str) -> bool:
        """Whether nothing reaches a model through this chain for the reason that `llm` by itself is broken, which has cost
        points at an earlier check."""
        here = failures.of_challenge(self.evidence.challenge_of("llm"))
        if not here or self.arrived("llm") or "llm" not in self.variable(chain).holds:
            return False
        broken = [e for e in self.before() if failures.of_challenge(e.challenge_of("llm")) & here]
        charged_already = any(not charged.asked_of(e, "llm", self.facts) for e in broken)
        return charged_already and bool(failures.of_challenge(self.evidence.challenge_of(chain)) & here)

    def charged_models(self) -> frozenset[str]:
        """The models that `llm` reached when `load-model` was judged: a wrong one has cost points there."""
        before = self.facts.evidence.get("check-load-model")
        known = before is not None and before.challenge_of("llm") is not None
        return models_of(charged.asked_of(before, "llm", self.facts) if known else self.arrived("llm"))

    def part(self, name: str, share: float, outcome: Outcome, title: Title, note: Words | None = None) -> Criterion:
        points = self.task.points * share
        earned = points if outcome == "passed" else 0.0
        words = TITLES[name].fill(**title)
        return Criterion(name=name, title=words, points=points, earned=earned, outcome=outcome, note=note)

    def passed(self, name: str, share: float, title: Title = NO_TITLE, carried: bool = False) -> Criterion:
        return self.part(name, share, "passed", title, NOTES["carried"] if carried else None)

    def failed(
        self, name: str, share: float, hint: Words, expected: Words, found: Words, title: Title = NO_TITLE
    ) -> Criterion:
        failed = self.part(name, share, "failed", title)
        return failed.model_copy(update={"hint": hint, "expected": expected, "found": found})

    def unknown(self, name: str, share: float, why: str, title: Title = NO_TITLE) -> Criterion:
        return self.part(name, share, "unknown", title, NOTES[why])

    def gone(self, variable: str) -> tuple[Words, Words] | None:
        """Hint and finding for a variable that is missing or empty, else None."""
        held = self.variable(variable)
        if held.state == "there":
            return None
        raised = self.evidence.raised
        if held.state == "none" and raised is None:
            return HINTS["none"].fill(variable=variable), FOUND["none"]
        if raised is not None and "Expected llm to be one of" in raised.message:
            return HINTS["chat-wrapper"].fill(variable=variable), FOUND["error"].fill(error=error_text(raised))
        found = FOUND["none"] if held.state == "none" else FOUND["missing"].fill(variable=variable)
        if raised is None:
            return HINTS["missing"].fill(variable=variable), found
        return failures.settings_mistake(variable, raised) or (self.stopped(variable, raised), found)

    def stopped(self, variable: str, raised: Failure) -> Words:
        """The hint where the cell that should make a variable raised."""
        names = {name for task in tasks(self.profile) for name in task.variables}
        decimals, places = self.task.temperature is not None, self.task.kind in ("load-model", "ask-base")
        return failures.stopped(variable, raised, names, decimals, places)


def kind(case: Case, name: str, share: float) -> Criterion:
    expected, title = EXPECTED["kind"], {"variable": name}
    if gone := case.gone(name):
        return case.failed("kind", share, gone[0], expected, gone[1], title)
    held = case.variable(name)
    if "HuggingFacePipeline" in held.kinds and "PromptTemplate" not in held.kinds and held.task == "text-generation":
        return case.passed("kind", share, title)
    found = FOUND["value"].fill(value=f"{held.type} ({held.task})" if held.task else held.type)
    wrapped = "Pipeline" in held.kinds or "Model" in held.kinds
    hint = HINTS["wrapped-model" if wrapped else "not-a-pipeline"].fill(variable=name, type=held.type)
    return case.failed("kind", share, hint, expected, found, title)


def device(case: Case, name: str, share: float) -> Criterion:
    expected, title = EXPECTED["gpu"], {"variable": name}
    if gone := case.gone(name):
        return case.failed("device", share, gone[0], expected, gone[1], title)
    device = case.variable(name).device
    if device in ("cuda:0", "cuda"):
        return case.passed("device", share, title)
    if case.evidence.gpu == "none" and not case.facts.in_grading:
        return case.unknown("device", share, "no-gpu", title)
    if device is None:
        held = case.variable(name)
        hint = HINTS["not-a-pipeline"].fill(variable=name, type=held.type)
        return case.failed("device", share, hint, expected, FOUND["value"].fill(value=held.type), title)
    found = FOUND["processor"] if device == "cpu" else FOUND["value"].fill(value=device)
    hint = HINTS["on-cpu" if device == "cpu" else "other-device"].fill(variable=name, found=device)
    return case.failed("device", share, hint, expected, found, title)


def model(case: Case, name: str, share: float, carried: frozenset[str]) -> Criterion:
    """Whether the right model got the check's question; `carried` are wrong ones that have cost points already."""
    model = case.task.model or ""
    expected, title = EXPECTED["value"].fill(value=model), {"variable": name, "model": model}
    if gone := case.gone(name):
        return case.failed("model", share, gone[0], expected, gone[1], title)
    request = best(case, name)
    if request is None and case.task.kind == "chain" and case.held_up(name):
        return case.passed("model", share, title, carried=True)
    if request is None:
        hint, found = nothing_arrived(case, name)
        return case.failed("model", share, hint, expected, found, title)
    if request.model == model or request.model in carried:
        return case.passed("model", share, title, request.model != model)
    hint = HINTS[_model_mistake(case, request.model)].fill(variable=name, found=request.model, expected=model)
    return case.failed("model", share, hint, expected, FOUND["value"].fill(value=request.model), title)


def _model_mistake(case: Case, found: str) -> str:
    models = case.profile.models
    base = models.base is not None and found == models.base.name
    chat = any(m is not None and found == m.name for m in (models.instruct, models.large))
    if case.task.role == "base" and chat:
        return "instruct-for-base"
    return "base-for-instruct" if case.task.role != "base" and base else "wrong-model"


def runnable(case: Case, name: str, share: float) -> Criterion:
    expected, title = EXPECTED["runnable"], {"variable": name}
    if gone := case.gone(name):
        return case.failed("runnable", share, gone[0], expected, gone[1], title)
    held = case.variable(name)
    if "Runnable" in held.kinds:
        return case.passed("runnable", share, title)
    hint = HINTS["chain-is-answer" if held.text is not None else "not-runnable"].fill(variable=name, type=held.type)
    return case.failed("runnable", share, hint, expected, FOUND["value"].fill(value=held.type), title)


def text(case: Case, name: str, share: float) -> Criterion:
    """Whether what arrived is the prompt with the check's question: the task's prompt, or the student's own."""
    challenge, title = case.evidence.challenge_of(name), {"variable": name}
    question = challenge.question if challenge else "…"
    expected = EXPECTED["text"].fill(text=shown(plain(case.ideal(question))))
    if gone := case.gone(name):
        return case.failed("text", share, gone[0], expected, gone[1], title)
    request = best(case, name)
    if request is None and case.task.kind == "chain" and case.held_up(name):
        return _text_by_steps(case, name, share, expected, title)
    if request is None:
        hint, found = nothing_arrived(case, name)
        return case.failed("text", share, hint, expected, found, title)
    how = case.text_is(request, question)
    if how == "own" and case.task.notebook != CONTRACT["prompt"].notebook and case.judged_prompts() is None:
        return case.unknown("text", share, "elsewhere", title)
    if how:
        return case.passed("text", share, title, how == "own")
    found = FOUND["text"].fill(text=shown(request.text))
    return case.failed("text", share, _text_hint(case, name, request, question), expected, found, title)


def _text_by_steps(case: Case, name: str, share: float, expected: Words, title: Title) -> Criterion:
    """What can be told of the text of a chain whose `llm` is broken, and has been charged: from its steps alone."""
    held = case.variable(name)
    if held.steps[:2] == ("prompt", "model") and "prompt" in held.holds:
        return case.passed("text", share, title, carried=True)
    if held.steps[:2] == ("model", "prompt"):
        hint = HINTS["chain-reversed"].fill(variable=name)
    elif "prompt" not in held.steps:
        hint = HINTS["prompt-not-inside"].fill(variable=name)
    else:
        return case.unknown("text", share, "held-up", title)
    return case.failed("text", share, hint, expected, FOUND["not-asked"], title)


def _text_hint(case: Case, name: str, request: Request, question: str) -> Words:
    steps = case.variable(name).steps
    if "model" in steps and "prompt" in steps and steps.index("model") < steps.index("prompt"):
        return HINTS["chain-reversed"].fill(variable=name)
    if question not in request.text:
        return HINTS["text-no-question"].fill(variable=name)
    if case.profile.chat.system_prompt not in request.text:
        return HINTS["text-no-prompt"].fill(variable=name)
    return HINTS["text-other"].fill(variable=name)


def why_no_draw(settings: Mapping[str, object]) -> str | None:
    """What keeps these settings from drawing: sampling that is off, or the setting that cancels it; None where they draw."""
    return cancelled_by(settings) if settings.get("do_sample") else "off"


def sampling(case: Case, name: str, share: float, carried: frozenset[str | None] = frozenset()) -> Criterion:
    """Whether the chain draws at the task's temperature; `carried` is what kept others from it, and has cost points there."""
    t = case.task.temperature
    expected, title = EXPECTED["sampling"].fill(t=t), {"variable": name, "t": t}
    if gone := case.gone(name):
        return case.failed("temperature", share, gone[0], expected, gone[1], title)
    request = best(case, name)
    if request is None:
        hint, found = nothing_arrived(case, name)
        return case.failed("temperature", share, hint, expected, found, title)
    settings = request.settings
    if why_no_draw(settings) in carried and _is_number(settings, t):
        return case.passed("temperature", share, title, carried=True)
    if samples_at(settings, t):
        given = case.variable(name).given
        if not any("do_sample" in names for names in given.values()):
            case.observations.append(OBSERVATIONS["sampling-default"])
        return case.passed("temperature", share, title)
    return case.failed(
        "temperature", share, sampling_hint(case, name, settings), expected, sampling_found(settings), title
    )


def sampling_found(settings: Mapping[str, object]) -> Words:
    on = FOUND["on" if settings.get("do_sample") else "off"]
    return FOUND["sampling"].fill(sampling=on, t=settings.get("temperature"))


def samples_at(settings: dict[str, object], temperature: float | None) -> bool:
    """Whether these resolved settings draw at this temperature, with more than one token to choose from."""
    return bool(settings.get("do_sample")) and not cancelled_by(settings) and _is_number(settings, temperature)


def _is_number(settings: dict[str, object], temperature: float | None) -> bool:
    value = settings.get("temperature")
    if not isinstance(value, float) or temperature is None:  # transformers refuses a whole number
        return False
    return abs(value - temperature) < 1e-6


def sampling_hint(case: Case, name: str, settings: dict[str, object]) -> Words:
    t, found, given = case.task.temperature, settings.get("temperature"), case.variable(name).given
    if {"temperature", "do_sample"} & {*given.get("chain", ())}:
        return HINTS["settings-on-chain"].fill(variable=name)
    if not settings.get("do_sample"):
        return HINTS["sampling-off"].fill(variable=name)
    if cancelled := cancelled_by(settings):
        return HINTS["sampling-cancelled"].fill(variable=name, setting=cancelled)
    if isinstance(found, str):
        return HINTS["decimal-comma" if "," in found else "temperature-text"].fill(variable=name)
    if isinstance(found, int) and found == t:
        return HINTS["temperature-whole"].fill(variable=name, found=found)
    if isinstance(found, list | tuple):
        return HINTS["decimal-comma"].fill(variable=name)
    ignored = t in case.variable(name).temperatures or "temperature" in given.get("model_kwargs", ())
    if ignored or "temperature" in given.get("bind", ()):
        return HINTS["temperature-ignored"].fill(variable=name, found=found)
    nowhere = not case.variable(name).temperatures and not any("temperature" in names for names in given.values())
    if (
        nowhere
        and case.variable(name).state == "there"
        and not {"generation_config"} & {*given.get("pipeline_kwargs", ())}
    ):
        return HINTS["temperature-none"].fill(variable=name, found=found)
    return HINTS["temperature-other"].fill(variable=name, found=found, t=t)


def best(case: Case, name: str) -> Request | None:
    """Of several requests that a question led to (retries, fallbacks), the one that is right in most ways."""
    requests = case.arrived(name)
    challenge = case.evidence.challenge_of(name)
    if not requests or challenge is None:
        return None

    def rightness(request: Request) -> tuple[int, int]:
        question = challenge.question
        text = case.text_is(request, question) is not None or (
            request.text == question and not name.startswith("chatbot")
        )
        sampling = case.task.temperature is None or samples_at(request.settings, case.task.temperature)
        return (2 * text + (request.model == case.task.model) + sampling, request.number)

    return max(requests, key=rightness)


def models_of(requests: Iterable[Request]) -> frozenset[str]:
    return frozenset(request.model for request in requests)


def nothing_arrived(case: Case, name: str) -> tuple[Words, Words]:
    """Hint and finding where the check's question to a variable led to no request."""
    challenge, held = case.evidence.challenge_of(name), case.variable(name)
    raised = [offer.failure for offer in challenge.offers if offer.failure] if challenge else []
    if challenge is None or len(raised) < len(challenge.offers):
        return HINTS["no-model-asked"].fill(variable=name), FOUND["not-asked"]
    if "has no invoke" in raised[0].message:
        chain = "chain-is-answer" if held.text is not None else "not-runnable"
        hint = HINTS[chain if name.startswith("chatbot") else "not-a-pipeline"]
        return hint.fill(variable=name, type=held.type), FOUND["value"].fill(value=held.type)
    if wrong := next(filter(None, (failures.settings_mistake(name, failure) for failure in raised)), None):
        return wrong
    error = error_text(raised[0])
    found = FOUND["error"].fill(error=error)
    if "ChatHuggingFace" in held.kinds or "Expected llm to be one of" in raised[0].message:
        return HINTS["chat-wrapper"].fill(variable=name), found
    hint = HINTS["chain-raised" if name.startswith("chatbot") else "no-model-raised"]
    return hint.fill(variable=name, error=error), found
