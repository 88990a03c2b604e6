"""Criteria about answers: was the question asked, and does the variable hold what came back?

An answer is right when some request that the notebook made is right for the task, and the variable holds its output, as
text or message, with the prompt or without it. Where that cannot be told, a person is asked. Pure.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from autograder.course.profile import Profile
from autograder.facts.evidence import Evidence, Facts, PromptFacts
from autograder.facts.transcript import Request, Transcript, bare, plain
from autograder.facts.verdict import Criterion, Sentence
from autograder.judging import already_penalised
from autograder.judging.case import Case, Share
from autograder.judging.failures import Mistake, chat_mistake, error_text, shown
from autograder.judging.outputs import holds, is_echo, is_output, repetition, tidy
from autograder.judging.sampling import draws_with
from autograder.judging.settings import asked_with
from autograder.judging.task import CHATBOT, Task, Tasks
from autograder.words.checks import EXPECTED, FOUND, OBSERVATIONS, REASONS
from autograder.words.hints import HINTS


def answer(case: Case, name: str, chain: str, part: float) -> Iterable[Criterion]:
    """Was the question asked, and does the variable hold what came back? Each for a part of the points."""
    yield from _answer(case, name, chain, part, part)


def _answer(case: Case, name: str, chain: str, asked_part: float, kept_part: float) -> tuple[Criterion, Criterion]:
    question = case.task.question or ""
    text = EXPECTED["text"].fill(text=shown(_expected_text(case, chain, question)))
    asked = case.share("asked", asked_part, text)
    kept = case.share("kept", kept_part, EXPECTED["answer"].fill(question=question), variable=name)
    right = _right_requests(case, chain)
    there = case.variable(name).state == "there"
    if not right and there and not case.facts.transcript.complete:
        return asked.unknown("late"), kept.unknown("late")
    if not right:
        mistake = _not_asked(case, name, chain)
        return asked.failed(mistake), _kept(case, name, kept, _near_requests(case, question), mistake)
    carried = all(request.model != case.task.model for request in right)
    return asked.passed(already_penalised=carried), _kept(case, name, kept, right)


def answer_as_one(case: Case, name: str, chain: str, part: float) -> Criterion:
    """Asked and kept as one criterion, for a task with a chain of its own: there, what nobody asked is not kept either."""
    asked, kept = _answer(case, name, chain, 0, part)
    if asked.outcome == "failed" and case.variable(name).state == "there":
        return kept.model_copy(update={"hint": asked.hint, "found": asked.found})
    return kept


def _expected_text(case: Case, chain: str, question: str) -> str:
    return question if case.task.holds(chain) == "llm" else plain(case.ideal(question))


def _right_requests(case: Case, chain: str) -> tuple[Request, ...]:
    """The student's own requests that are right for this task, or wrong only in what has been charged already."""
    question, judged = case.task.question or "", _judging(case, chain)
    models = {case.task.model} | case.penalised_models()
    models |= {r.model for one in judged for r in one.arrived(chain)}
    texts = {text for one in judged for text in one.through(chain, question)}
    answers = [one for one in judged if one.task.asks_an_earlier_chain]
    prompts = tuple(one.evidence.prompt for one in answers if one.evidence.prompt)

    def right(request: Request) -> bool:
        if request.error or not request.outputs or request.model not in models:
            return False
        if case.task.holds(chain) == "llm":
            return bare(request.text) == bare(question)
        if not case.text_is(request, question, prompts, answering=True) and bare(request.text) not in texts:
            return False
        demanded = case.task.settings
        if not demanded or request.streamed:
            return True
        same = any(_drawn_alike(request, other, demanded) for other in case.arrived(chain))
        return same or draws_with(request.settings, demanded)

    return tuple(request for request in case.asked() if right(request))


def penalised_prompts(facts: Facts, profile: Profile, tasks: Tasks) -> tuple[PromptFacts, ...]:
    """What `prompt` was wherever a check of its own notebook has judged it.

    Args:
        facts: of the notebook of the task that asks for `prompt`, all of them.
    """
    of_prompt = already_penalised.of_prompt(tasks)
    if of_prompt is None:
        return ()
    found = already_penalised.prompt_at(of_prompt, facts) or ()
    found += already_penalised.through_chains(facts.evidence.values(), facts, tasks)
    for task in tasks:
        evidence = facts.evidence.get(task.check_id)
        if not task.asks_an_earlier_chain or evidence is None or evidence.prompt is None:
            continue
        if not _right_requests(Case(task, evidence, facts, profile, tasks), CHATBOT.name):
            found += (evidence.prompt,)
    return found


def _judging(case: Case, chain: str) -> list[Case]:
    """The cases in which this chain is judged, so that what is wrong with it has been charged.

    That is this one where the chain is this task's; else that of the chain's task, and of each answer before this one
    that has lost its points because no right question was asked. Where the chain's own check is not known, this one.
    """
    if chain in case.task.variables:
        return [case]
    found = []
    for task in case.tasks:
        if task.check_id == case.task.check_id:
            break
        earlier = case.at(task)
        wrong_answer = task.asks_an_earlier_chain and earlier and not _right_requests(earlier, chain)
        if earlier and (chain in task.variables or wrong_answer):
            found.append(earlier)
    return found if any(chain in one.task.variables for one in found) else [*found, case]


def _near_requests(case: Case, question: str) -> tuple[Request, ...]:
    """Requests with the question in them that are wrong otherwise: their mistake has been charged as not asked."""
    if case.task.own("chain"):
        return ()
    near = [r for r in case.asked() if question in r.text and r.outputs and not r.error]
    other = [q for q in case.profile.questions.values() if q != question]
    return tuple(r for r in near if not any(q in r.text for q in other))


def _drawn_alike(one: Request, other: Request, demanded: Iterable[str]) -> bool:
    return all(one.settings.get(key) == other.settings.get(key) for key in ("do_sample", *demanded))


def _not_asked(case: Case, name: str, chain: str) -> Mistake:
    """Why the question counts as not asked. Only what was asked since the check before is blamed, or what is held."""
    question, text = case.task.question or "", case.variable(name).text
    here = {r.number for r in case.asked_here()}
    mine = [r for r in case.asked() if r.number in here or (text is not None and is_output(text, r))]
    asked = [r for r in mine if bare(question) in bare(r.text)]
    raised = case.evidence.raised
    if asked and (error := asked[-1].error):
        hint = HINTS["asked-raised"].fill(variable=name, error=error)
        return Mistake(hint, FOUND["value"].fill(value=error))
    if raised is not None and (mistake := chat_mistake(name, raised)):
        return mistake
    if broken := case.held_up(chain):
        return Mistake(HINTS["broken"].fill(variable=name, name=broken), FOUND["not-asked"])
    if raised is not None:
        return Mistake(case.stopped(name, raised), FOUND["error"].fill(error=error_text(raised)))
    if asked:
        return _asked_otherwise(case, name, asked)
    if near := _nearest_question(case, mine, question):
        hint = HINTS["asked-nearly"].fill(variable=name, found=shown(near, 60), question=question)
        return Mistake(hint, FOUND["value"].fill(value=f"«{shown(near)}»"))
    return Mistake(HINTS["not-asked"].fill(variable=name, question=question), FOUND["not-asked"])


def _asked_otherwise(case: Case, name: str, asked: list[Request]) -> Mistake:
    """What is wrong with requests that have the question in them."""
    question, last = case.task.question or "", asked[-1]
    matching = [r for r in asked if case.text_is(r, question) and not r.error]
    if matching and matching[-1].model != case.task.model:
        model = matching[-1].model
        hint = HINTS["asked-other-model"].fill(variable=name, found=model, expected=case.task.model)
        return Mistake(hint, FOUND["value"].fill(value=model))
    if matching and case.task.settings:
        return asked_with(case, name, matching[-1].settings)
    others, said = [q for q in case.profile.questions.values() if q != question], last.text.split("Human: ")[-1]
    if any(q in last.text for q in others):
        hint = HINTS["asked-together"].fill(variable=name)
    elif case.text_is(last, said):
        hint = HINTS["asked-nearly"].fill(variable=name, found=shown(said, 60), question=question)
    else:
        hint = HINTS["asked-otherwise"].fill(variable=name)
    return Mistake(hint, FOUND["text"].fill(text=shown(last.text)))


def _nearest_question(case: Case, requests: Iterable[Request], question: str) -> str | None:
    """What was asked instead, where it is nearly the question: other letters, a word too much."""
    asked = [request.text.split("Human: ")[-1] for request in requests]
    others = [q for q in case.profile.questions.values() if q != question]
    close = difflib.get_close_matches(question, [a for a in asked if bare(a) not in map(bare, others)], 1, 0.6)
    return close[0] if close else None


def _kept(
    case: Case, name: str, share: Share, requests: tuple[Request, ...], mistake: Mistake | None = None
) -> Criterion:
    """Whether the variable holds an output of these requests; `mistake` is why the question counts as not asked."""
    if case.variable(name).state == "none" and requests:
        return share.failed(Mistake(HINTS["kept-none"].fill(variable=name), FOUND["none"]))
    if missing := case.missing(name, share):
        return missing
    held = case.variable(name)
    if held.text is None:
        hint = HINTS["kept-type"].fill(variable=name, type=held.type)
        return share.failed(Mistake(hint, FOUND["value"].fill(value=held.type)))
    if _used_before(case, held.text):
        found = FOUND["left-over"].fill(variable=name)
        return share.failed(Mistake(HINTS["kept-again"].fill(variable=name), found))
    whole = [request for request in requests if is_output(held.text, request)]
    if not whole and (other := _answer_to_another(case, held.text, requests)) is not None:
        same = mistake is not None and bare(case.task.question or "") in bare(other)
        hint = mistake.hint if mistake and same else HINTS["kept-other"].fill(variable=name, found=shown(other, 60))
        return share.failed(Mistake(hint, _found(held.text)))
    if matching := whole or [request for request in requests if holds(held.text, request)]:
        _observe(case, held.text, requests)
        _doubt(case, name, matching)
        if whole:
            _doubt_empty(case, name, whole)
    elif not requests or is_echo(held.text, requests):
        hint = mistake.hint if mistake and not requests else HINTS["not-kept"].fill(variable=name)
        return share.failed(Mistake(hint, _found(held.text)))
    else:
        case.reasons.append(REASONS["cannot-tell"].fill(variable=name))
    return share.passed()


def _found(text: str) -> Sentence:
    return FOUND["value"].fill(value=f"«{shown(text)}»")


def _answer_to_another(case: Case, text: str, requests: tuple[Request, ...]) -> str | None:
    """The question of the other request whose output this text is, if there is one."""
    others = [r for r in case.asked() if r not in requests and not r.error]
    other = next((r for r in others if is_output(text, r)), None)
    return other.text.split("Human: ")[-1] if other and tidy(" ".join(other.outputs)) else None


def _doubt(case: Case, name: str, matching: list[Request]) -> None:
    """Sends an answer to a person where only the kernel says that a model has given it."""
    if all(request.self_reported for request in matching):
        case.reasons.append(REASONS["kernel-answered"].fill(variable=name))


def _doubt_empty(case: Case, name: str, matching: list[Request]) -> None:
    """Sends an answer to a person where nothing but emptiness agrees, unless this task's own request gave it."""
    if any(tidy(output) for request in matching for output in request.outputs):
        return
    here = {request.number for request in case.asked_here()}
    if not any(request.number in here for request in matching):
        case.reasons.append(REASONS["empty-agrees"].fill(variable=name))


def _used_before(case: Case, text: str) -> bool:
    """Whether earlier tasks hold this very text as their answer, and no further request gave it once more."""
    holders = sum(
        1
        for earlier in case.before()
        for task in case.tasks
        if task.check_id == earlier.check_id and (answer := task.own("answer"))
        if tidy(text) and earlier.variable(answer).text == text
    )
    return holders > 0 and 0 < sum(is_output(text, request) for request in case.asked()) <= holders


def _observe(case: Case, text: str, requests: tuple[Request, ...]) -> None:
    """Notes what a student may wonder about in the answer; worth no points."""
    request = next(r for r in requests if holds(text, r))
    output = max(request.outputs, key=len, default="")
    if not tidy(output):
        case.observations.append(OBSERVATIONS["empty"])
    if repeated := repetition(output):
        case.observations.append(OBSERVATIONS["repeats"].fill(piece=shown(repeated[0], 50), times=repeated[1]))
    if re.search(r"^\s*Human:", output, re.MULTILINE):
        case.observations.append(OBSERVATIONS["goes-on"])
    limit = request.settings.get("max_new_tokens")
    if isinstance(limit, int) and any(len(ids) >= limit for ids in request.output_ids):
        case.observations.append(OBSERVATIONS["stopped-at-limit"].fill(n=limit))


def said(task: Task, evidence: Evidence, transcript: Transcript) -> str | None:
    """What the model answered to a task's question: the answer that is held, else the last one that it gave.

    Only what a student's own request brought; None where the task has no question, or no model has answered it.
    """
    name = task.own("answer")
    if task.question is None or name is None:
        return None
    held = evidence.variable(name).text
    answered = [r for r in transcript.own() if r.outputs and not r.error]
    asked = [
        r
        for r in answered
        if bare(task.question) in bare(r.text)
        and r.model == task.model
        and all(r.settings.get(name) == value for name, value in task.settings.items())
    ]
    holding = [r for r in answered if held is not None and is_output(held, r)] or [
        r for r in asked if held is not None and holds(held, r)
    ]
    request = next(reversed(holding or asked), None)
    return max(request.outputs, key=len) if request else None
