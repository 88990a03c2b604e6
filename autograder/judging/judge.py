"""The checks: from evidence and transcript to a verdict, for one task. Pure functions; no torch, LangChain or nbgrader.

A chain is judged by what reached the model when the check asked it a question of its own; an answer by whether it is
the output of a right request that the notebook made. A mistake from an earlier task is told, and not charged again:
what the student's own `prompt` makes of a question is as right, for later tasks, as what the task's prompt makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from autograder.course.profile import ARGUMENT_NAMES, Profile
from autograder.facts.evidence import Facts
from autograder.facts.transcript import Message, bare, plain
from autograder.facts.verdict import Criterion, Verdict
from autograder.facts.verdict import Sentence as Words
from autograder.judging import already_penalised as charged
from autograder.judging import answers, criteria
from autograder.judging.contract import Task, tasks
from autograder.judging.criteria import Case
from autograder.judging.failures import error_text, shown
from autograder.words.sentences import EXPECTED, FOUND, HINTS, REASONS, TITLES

PIPELINE_LIMIT = 256
"""New tokens that transformers' text-generation pipeline allows when nothing is set (`TextGenerationPipeline`)."""


def judge(task: Task, facts: Facts, profile: Profile) -> Verdict:
    """The verdict on one task that the autograder judges.

    No evidence, no points: then one criterion says so. A fault on the grader's side makes the verdict `not judged`, and
    what could not be told makes it `review`, with the points proposed.
    """
    evidence = facts.evidence.get(task.check_id)
    verdict = Verdict(task=task.id, check_id=task.check_id, points=task.points)
    if facts.in_grading and facts.transcript.faults:
        reason = REASONS["fault"].fill(fault=facts.transcript.faults[0])
        return verdict.model_copy(update={"state": "not judged", "reasons": (reason,)})
    if evidence is None:
        return verdict.model_copy(update={"criteria": (_no_evidence(task),)})
    case = Case(task, evidence, facts, profile)
    criteria = tuple(_CHECKS[task.kind](case))
    if _chain_left_over(case, criteria):
        criteria = tuple(_as_left_over(c, task.variables[0]) for c in criteria)
    if facts.in_grading and any(c.outcome == "unknown" for c in criteria):
        case.reasons.append(REASONS["not-known"])
        criteria = tuple(c.model_copy(update={"earned": c.points}) if c.outcome == "unknown" else c for c in criteria)
    return verdict.model_copy(
        update={
            "state": "review" if case.reasons else "judged",
            "criteria": criteria,
            "observations": tuple(dict.fromkeys(case.observations)),
            "reasons": tuple(dict.fromkeys(case.reasons)),
        }
    )


def _chain_left_over(case: Case, criteria: Iterable[Criterion]) -> bool:
    """Whether the chain is the very object of an earlier task, and does not do what sets this task apart."""
    apart = {"temperature": "temperature", "instruct-small": "model", "instruct-large": "model"}.get(case.task.kind)
    if apart is None or all(c.outcome == "passed" for c in criteria if c.name == apart):
        return False
    mine = case.variable(case.task.variables[0]).identity
    chains = [held for e in case.before() for name, held in e.variables.items() if name.startswith("chatbot")]
    return mine != 0 and any(held.identity == mine for held in chains)


def _as_left_over(criterion: Criterion, name: str) -> Criterion:
    hint = HINTS["left-over"].fill(variable=name)
    found = criterion.found or FOUND["left-over"].fill(variable=name)
    expected = criterion.expected or FOUND["own"].fill(variable=name)
    update = {"outcome": "failed", "earned": 0.0, "hint": hint, "found": found, "expected": expected, "note": None}
    return criterion.model_copy(update=update)


def _no_evidence(task: Task) -> Criterion:
    return Criterion(
        name="evidence",
        title=TITLES["evidence"],
        points=task.points,
        earned=0.0,
        outcome="failed",
        expected=EXPECTED["checked"],
        found=FOUND["nothing"],
        hint=HINTS["no-evidence"],
    )


# Each check yields its criteria; shares of the task's points add up to 1.


def _model_home(case: Case) -> Iterable[Criterion]:
    home = case.profile.models.home
    found = case.evidence.environment.get("HF_HOME", "")
    accepted = {home.rstrip("/")}
    override = case.evidence.environment.get("AUTOGRADER_MODEL_HOME")
    if override and not case.facts.in_grading:
        accepted.add(override.rstrip("/"))
    if found.rstrip("/") in accepted:
        yield case.passed("model-home", 1)
        return
    hint = HINTS["home-other"] if found else HINTS["home-unset"]
    told = FOUND["value"].fill(value=found) if found else FOUND["nothing"]
    yield case.failed("model-home", 1, hint, EXPECTED["value"].fill(value=home), told)


def _load_model(case: Case) -> Iterable[Criterion]:
    kind = criteria.kind(case, "llm", 1 / 3)
    if case.facts.in_grading and kind.outcome == "passed" and not case.arrived("llm"):
        case.reasons.append(REASONS["nothing-asked"].fill(variable="llm"))  # only the kernel says that it is a pipeline
    yield kind
    yield criteria.model(case, "llm", 1 / 3, frozenset())
    yield criteria.device(case, "llm", 1 / 3)


def _ask_base(case: Case) -> Iterable[Criterion]:
    llm, answer = case.task.variables
    yield criteria.kind(case, llm, 1 / 4)
    yield criteria.model(case, llm, 1 / 4, frozenset())
    yield from answers.answer(case, answer, llm, 1 / 4, 1 / 4)


def _limit_output(case: Case) -> Iterable[Criterion]:
    n, name = case.profile.generation.max_new_tokens, "llm"
    expected = EXPECTED["limit"].fill(n=n)
    title = {"variable": name, "n": n}
    if gone := case.gone(name):
        yield case.failed("limit", 1, gone[0], expected, gone[1], title)
        return
    requests = case.arrived(name)
    if not requests:
        hint, found = criteria.nothing_arrived(case, name)
        yield case.failed("limit", 1, hint, expected, found, title)
        return
    settings = requests[-1].settings
    limit = settings.get("max_new_tokens")
    if limit != n or isinstance(limit, bool):
        found = FOUND["limit"].fill(n=limit) if limit is not None else FOUND["no-limit"]
        yield case.failed("limit", 1, _limit_hint(case, name, settings), expected, found, title)
    elif _left_over(case, name, n):
        hint = HINTS["left-over"].fill(variable=name)
        yield case.failed("limit", 1, hint, expected, FOUND["limit"].fill(n=limit), title)
    else:
        yield case.passed("limit", 1, title)


def _limit_hint(case: Case, name: str, settings: dict[str, object]) -> Words:
    n, limit = case.profile.generation.max_new_tokens, settings.get("max_new_tokens")
    if case.evidence.raised is not None:
        return case.stopped(name, case.evidence.raised)
    if "unresolved" in settings:
        return HINTS["limit-refused"].fill(variable=name)
    given = case.variable(name).given
    ignored = "max_new_tokens" in given.get("bind", ()) + given.get("model_kwargs", ())
    if ignored or (limit == PIPELINE_LIMIT and "max_new_tokens" in given.get("pipeline_kwargs", ())):
        return HINTS["limit-ignored"].fill(variable=name)
    if "max_length" in given.get("pipeline_kwargs", ()) + given.get("bind", ()) or limit is None:
        return HINTS["limit-total"].fill(variable=name)
    if limit == PIPELINE_LIMIT:
        return HINTS["limit-default"].fill(variable=name, found=limit, n=n)
    return HINTS["limit-other"].fill(variable=name, found=limit, n=n)


def _left_over(case: Case, name: str, n: int) -> bool:
    """Whether `llm` is the very object of the task before, and behaved like this there already."""
    before = case.facts.evidence.get("check-load-model")
    if before is None or not before.variable(name).identity:
        return False
    earlier = charged.asked_of(before, name, case.facts)
    same = before.variable(name).identity == case.variable(name).identity
    return same and any(request.settings.get("max_new_tokens") == n for request in earlier)


def _arguments(case: Case) -> Iterable[Criterion]:
    letters = sorted(case.profile.arguments)
    badly, found = _answers_badly_formed(case, letters)
    values = case.variable("answers").value or {}
    right = sum(case.profile.argument_is_right(k, v) for k, v in values.items() if isinstance(v, str))
    expected = EXPECTED["right"].fill(all=len(letters))
    if badly is not None and found is not None:
        letters_expected = EXPECTED["letters"].fill(letters=", ".join(letters))
        yield case.failed("format", 0, badly, letters_expected, found)
        missed = case.failed("answers", 1, badly, expected, found)
        right = min(right, len(letters) - 1)
    elif right == len(letters):
        yield case.passed("format", 0)
        yield case.passed("answers", 1)
        return
    else:
        yield case.passed("format", 0)
        some = HINTS["answers-some"].fill(right=right, all=len(letters))
        missed = case.failed("answers", 1, some, expected, FOUND["right"].fill(right=right, all=len(letters)))
    yield missed.model_copy(update={"earned": case.task.points * right / len(letters)})


def _answers_badly_formed(case: Case, letters: list[str]) -> tuple[Words | None, Words | None]:
    if gone := case.gone("answers"):
        return gone
    held = case.variable("answers")
    if held.value is None:
        return HINTS["answers-type"].fill(type=held.type), FOUND["value"].fill(value=held.type)
    if sorted(held.value) != letters:
        found = ", ".join(sorted(held.value)) or "{}"
        hint = HINTS["answers-letters"].fill(found=found[:80], expected=", ".join(letters))
        return hint, FOUND["value"].fill(value=found[:80])
    if strange := [str(v)[:40] for v in held.value.values() if v not in ARGUMENT_NAMES]:
        found = ", ".join(strange)[:80]
        return HINTS["answers-unknown"].fill(found=found), FOUND["value"].fill(value=found)
    return None, None


def _prompt(case: Case) -> Iterable[Criterion]:
    system = case.profile.chat.system_prompt
    expected = EXPECTED["value"].fill(value=system)
    facts = case.evidence.prompt
    out = facts.history if facts else None
    text_template = {"PromptTemplate", "ChatPromptTemplate"} & {*case.variable("prompt").kinds} == {"PromptTemplate"}
    if facts is None or out is None or text_template:
        hint, found = _no_prompt(case)
        yield case.failed("system", 1 / 2, hint, expected, found)
        yield case.failed("placeholder", 1 / 2, hint, EXPECTED["placeholder"], found)
        return
    gives = FOUND["value"].fill(value=shown(plain(out)))
    if out and out[0][0] == "system" and bare(out[0][1]) == bare(system):
        yield case.passed("system", 1 / 2)
    else:
        yield case.failed("system", 1 / 2, _system_hint(out, system), expected, gives)
    first_is_system = bool(out) and (out[0][0] == "system" or bare(out[0][1]) == bare(system))
    rest = out[1:] if first_is_system else tuple(m for m in out if m[0] != "system")
    if rest == facts.asked_history and (not facts.variables or "messages" in facts.variables):
        yield case.passed("placeholder", 1 / 2)
    else:
        hint = _placeholder_hint(rest, facts.asked_history, facts.variables)
        yield case.failed("placeholder", 1 / 2, hint, EXPECTED["placeholder"], gives)


def _no_prompt(case: Case) -> tuple[Words, Words]:
    if gone := case.gone("prompt"):
        return gone
    held, facts = case.variable("prompt"), case.evidence.prompt
    if facts is None or facts.failure is None or "ChatPromptTemplate" not in held.kinds:
        return HINTS["prompt-type"].fill(type=held.type), FOUND["value"].fill(value=held.type)
    others = [name for name in facts.variables if name != "messages"]
    if others:
        hint = HINTS["prompt-variables"].fill(found=", ".join(facts.variables))
        return hint, FOUND["value"].fill(value=", ".join(facts.variables))
    error = error_text(facts.failure)
    return HINTS["prompt-raised"].fill(error=error), FOUND["error"].fill(error=error)


def _system_hint(out: tuple[Message, ...], system: str) -> Words:
    kinds = [kind for kind, _ in out]
    if "system" not in kinds:
        return HINTS["system-missing"]
    return HINTS["system-last"] if kinds[0] != "system" else HINTS["system-other"]


def _placeholder_hint(rest: tuple[Message, ...], asked: tuple[Message, ...], variables: tuple[str, ...]) -> Words:
    if "messages" not in variables and variables:
        return HINTS["prompt-variables"].fill(found=", ".join(variables))
    if any("Message(" in content for _, content in rest):
        return HINTS["placeholder-text"]
    extra = [message for message in rest if message not in asked]
    if any(kind == "human" and "?" in content for kind, content in extra) and not any(k == "ai" for k, _ in extra):
        return HINTS["question-inside"]
    return HINTS["prompt-extra" if all(message in rest for message in asked) else "placeholder-missing"]


def _chain(case: Case) -> Iterable[Criterion]:
    yield criteria.runnable(case, "chatbot", 1 / 4)
    yield criteria.text(case, "chatbot", 1 / 2)
    yield criteria.model(case, "chatbot", 1 / 4, case.charged_models())


def _first_answer(case: Case) -> Iterable[Criterion]:
    yield from answers.answer(case, case.task.variables[0], "chatbot", 1 / 2, 1 / 2)


def _instruct(case: Case) -> Iterable[Criterion]:
    chain, answer = case.task.variables
    yield criteria.model(case, chain, 3 / 8, frozenset())
    yield criteria.text(case, chain, 2 / 8)
    yield answers.answer_as_one(case, answer, chain, 3 / 8)


def _temperature(case: Case) -> Iterable[Criterion]:
    chain, answer = case.task.variables
    judged = [
        request
        for earlier in tasks(case.profile)
        if earlier.kind == case.task.kind and earlier.number < case.task.number
        for request in charged.asked_of(case.facts.evidence.get(earlier.check_id), earlier.variables[0], case.facts)
    ]
    yield criteria.model(case, chain, 1 / 5, criteria.models_of(judged))
    yield criteria.text(case, chain, 1 / 5)
    yield criteria.sampling(case, chain, 2 / 5, frozenset(criteria.why_no_draw(r.settings) for r in judged) - {None})
    yield answers.answer_as_one(case, answer, chain, 1 / 5)


_CHECKS: dict[str, Callable[[Case], Iterable[Criterion]]] = {
    "model-home": _model_home,
    "ask-base": _ask_base,
    "load-model": _load_model,
    "limit-output": _limit_output,
    "arguments": _arguments,
    "prompt": _prompt,
    "chain": _chain,
    "who-are-you": _first_answer,
    "ideal-boat": _first_answer,
    "instruct-small": _instruct,
    "instruct-large": _instruct,
    "temperature": _temperature,
}
