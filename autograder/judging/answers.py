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
from autograder.facts.verdict import Criterion
from autograder.facts.verdict import Sentence as Words
from autograder.judging import already_penalised as charged
from autograder.judging import criteria
from autograder.judging.contract import Task, tasks
from autograder.judging.criteria import Case, samples_at
from autograder.judging.failures import error_text, shown
from autograder.words.sentences import EXPECTED, FOUND, HINTS, OBSERVATIONS, REASONS

ANSWERS = ("who-are-you", "ideal-boat")
"""Kinds of tasks that ask a chain of an earlier task."""
MIN_PIECE = 20
"""Characters of the output that a cut answer must keep to be known as the model's."""
_SPECIAL_TOKEN = re.compile(r"<[^<>\s]{1,40}>")


def answer(case: Case, name: str, chain: str, asked_share: float, kept_share: float) -> Iterable[Criterion]:
    question, title = case.task.question or "", {"variable": name}
    asked_expected = EXPECTED["text"].fill(text=shown(_expected_text(case, chain, question)))
    right = _right_requests(case, chain)
    there = case.gone(name) is None
    if not right and there and not case.facts.transcript.complete:
        yield case.unknown("asked", asked_share, "late")
        yield case.unknown("kept", kept_share, "late", title)
        return
    if right:
        carried = all(request.model != case.task.model for request in right)
        yield case.passed("asked", asked_share, carried=carried)
    else:
        hint, found = _not_asked(case, name, question)
        yield case.failed("asked", asked_share, hint, asked_expected, found)
    yield _kept(case, name, kept_share, right or _near_requests(case, question))


def answer_as_one(case: Case, name: str, chain: str, share: float) -> Criterion:
    """Asked and kept as one criterion: points for an answer that is there and right."""
    asked, kept = answer(case, name, chain, 0, share)
    if asked.outcome == "failed" and kept.outcome != "failed":
        return kept.model_copy(
            update={
                "outcome": "failed",
                "earned": 0.0,
                "hint": asked.hint,
                "expected": asked.expected,
                "found": asked.found,
            }
        )
    if asked.outcome == "failed" and case.variable(name).state == "there":
        return kept.model_copy(update={"hint": asked.hint, "found": asked.found})
    return kept


def _expected_text(case: Case, chain: str, question: str) -> str:
    return question if chain == "base_llm" else plain(case.ideal(question))


def _right_requests(case: Case, chain: str) -> tuple[Request, ...]:
    """The student's own requests that are right for this task, or wrong only in what has been charged already."""
    question, judged = case.task.question or "", _judging(case, chain)
    models = {case.task.model} | case.charged_models()
    models |= {r.model for one in judged for r in one.arrived(chain)}
    texts = {text for one in judged for text in one.through(chain, question)}
    prompts = tuple(one.evidence.prompt for one in judged if one.task.kind in ANSWERS and one.evidence.prompt)

    def right(request: Request) -> bool:
        if request.error or not request.outputs or request.model not in models:
            return False
        if chain == "base_llm":
            return bare(request.text) == bare(question)
        if not case.text_is(request, question, prompts, answering=True) and bare(request.text) not in texts:
            return False
        if case.task.temperature is None or request.streamed:
            return True
        same = any(_drawn_alike(request.settings, other.settings) for other in case.arrived(chain))
        return same or samples_at(request.settings, case.task.temperature)

    return tuple(request for request in case.asked() if right(request))


def charged_prompts(facts: Facts, profile: Profile) -> tuple[PromptFacts, ...] | None:
    """What `prompt` was wherever a check of its own notebook has judged it; None where that is not known.

    Args:
        facts: of the notebook of the task `prompt`, all of them.
    """
    of_prompt = next((task for task in tasks(profile) if task.kind == "prompt"), None)
    if of_prompt is None:
        return ()
    found = charged.prompt_at(of_prompt, facts) or ()
    found += charged.through_chains(facts.evidence.values(), facts, profile)
    for task in tasks(profile):
        evidence = facts.evidence.get(task.check_id)
        if task.kind not in ANSWERS or evidence is None or evidence.prompt is None:
            continue
        if not _right_requests(Case(task, evidence, facts, profile), "chatbot"):
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
    for task in tasks(case.profile):
        if task.check_id == case.task.check_id:
            break
        earlier = case.at(task)
        if earlier and (chain in task.variables or (task.kind in ANSWERS and not _right_requests(earlier, chain))):
            found.append(earlier)
    return found if any(chain in one.task.variables for one in found) else [*found, case]


def _near_requests(case: Case, question: str) -> tuple[Request, ...]:
    """Requests with the question in them that are wrong otherwise: their mistake has been charged as not asked."""
    near = [r for r in case.asked() if question in r.text and r.outputs and not r.error]
    if case.task.temperature is not None or case.task.kind.startswith("instruct"):
        return ()
    other = [q for q in case.profile.questions.values() if q != question]
    return tuple(r for r in near if not any(q in r.text for q in other))


def _drawn_alike(one: dict[str, object], other: dict[str, object]) -> bool:
    return all(one.get(key) == other.get(key) for key in ("do_sample", "temperature"))


def _not_asked(case: Case, name: str, question: str) -> tuple[Words, Words]:
    """Why the question counts as not asked. Only what was asked since the check before is blamed, or what is held."""
    text = case.variable(name).text
    here = {r.number for r in case.asked_here()}
    mine = [r for r in case.asked() if r.number in here or (text is not None and is_output(text, r))]
    asked = [r for r in mine if bare(question) in bare(r.text)]
    raised = case.evidence.raised
    if asked and asked[-1].error:
        error = asked[-1].error
        return HINTS["asked-raised"].fill(variable=name, error=error), FOUND["value"].fill(value=error)
    if raised is not None and "Expected llm to be one of" in raised.message:
        return HINTS["chat-wrapper"].fill(variable=name), FOUND["error"].fill(error=error_text(raised))
    if case.held_up("chatbot") and case.task.kind in ANSWERS:
        return HINTS["llm-broken"].fill(variable=name), FOUND["not-asked"]
    if raised is not None:
        return case.stopped(name, raised), FOUND["error"].fill(error=error_text(raised))
    if not asked and (near := _nearest_question(case, mine, question)):
        hint = HINTS["asked-nearly"].fill(variable=name, found=shown(near, 60), question=question)
        return hint, FOUND["value"].fill(value=f"«{shown(near)}»")
    if not asked:
        return HINTS["not-asked"].fill(variable=name, question=question), FOUND["not-asked"]
    last = asked[-1]
    found = FOUND["text"].fill(text=shown(last.text))
    matching = [r for r in asked if case.text_is(r, question) and not r.error]
    if matching and matching[-1].model != case.task.model:
        model = matching[-1].model
        hint = HINTS["asked-other-model"].fill(variable=name, found=model, expected=case.task.model)
        return hint, FOUND["value"].fill(value=model)
    if matching and case.task.temperature is not None:
        settings = matching[-1].settings
        t = settings.get("temperature")
        if t == case.task.temperature:
            return criteria.sampling_hint(case, name, settings), criteria.sampling_found(settings)
        hint = HINTS["asked-other-settings"].fill(variable=name, found=t, t=case.task.temperature)
        return hint, FOUND["value"].fill(value=t)
    others = [q for q in case.profile.questions.values() if q != question]
    if any(q in last.text for q in others):
        return HINTS["asked-together"].fill(variable=name), found
    return HINTS["asked-otherwise"].fill(variable=name), found


def _nearest_question(case: Case, requests: Iterable[Request], question: str) -> str | None:
    """What was asked instead, where it is nearly the question: other letters, a word too much."""
    asked = [request.text.split("Human: ")[-1] for request in requests]
    others = [q for q in case.profile.questions.values() if q != question]
    close = difflib.get_close_matches(question, [a for a in asked if bare(a) not in map(bare, others)], 1, 0.6)
    return close[0] if close else None


def _kept(case: Case, name: str, share: float, requests: tuple[Request, ...]) -> Criterion:
    expected, title = EXPECTED["answer"].fill(question=case.task.question), {"variable": name}
    if case.variable(name).state == "none" and requests:
        return case.failed("kept", share, HINTS["kept-none"].fill(variable=name), expected, FOUND["none"], title)
    if gone := case.gone(name):
        return case.failed("kept", share, gone[0], expected, gone[1], title)
    held = case.variable(name)
    if held.text is None:
        hint, found = HINTS["kept-type"].fill(variable=name, type=held.type), FOUND["value"].fill(value=held.type)
        return case.failed("kept", share, hint, expected, found, title)
    if _used_before(case, held.text):
        found = FOUND["left-over"].fill(variable=name)
        return case.failed("kept", share, HINTS["kept-again"].fill(variable=name), expected, found, title)
    if matching := [request for request in requests if is_output(held.text, request)]:
        _observe(case, held.text, requests)
        _doubt(case, name, matching)
        _doubt_empty(case, name, matching)
        return case.passed("kept", share, title)
    found = FOUND["value"].fill(value=f"«{shown(held.text)}»")
    others = [r for r in case.asked() if r not in requests and not r.error]
    other = next((r for r in others if is_output(held.text, r)), None)
    if other is not None and _tidy(" ".join(other.outputs)):
        hint = HINTS["kept-other"].fill(variable=name, found=shown(other.text.split("Human: ")[-1], 60))
        return case.failed("kept", share, hint, expected, found, title)
    if matching := [request for request in requests if holds(held.text, request)]:
        _observe(case, held.text, requests)
        _doubt(case, name, matching)
        return case.passed("kept", share, title)
    if not requests or _is_echo(held.text, requests):
        return case.failed("kept", share, HINTS["not-kept"].fill(variable=name), expected, found, title)
    case.reasons.append(REASONS["cannot-tell"].fill(variable=name))
    return case.passed("kept", share, title)


def _doubt(case: Case, name: str, matching: list[Request]) -> None:
    """Sends an answer to a person where only the kernel says that a model has given it."""
    if all(request.self_reported for request in matching):
        case.reasons.append(REASONS["kernel-answered"].fill(variable=name))


def _doubt_empty(case: Case, name: str, matching: list[Request]) -> None:
    """Sends an answer to a person where nothing but emptiness agrees, unless this task's own request gave it."""
    if any(_tidy(output) for request in matching for output in request.outputs):
        return
    here = {request.number for request in case.asked_here()}
    if not any(request.number in here for request in matching):
        case.reasons.append(REASONS["empty-agrees"].fill(variable=name))


def _used_before(case: Case, text: str) -> bool:
    """Whether earlier tasks hold this very text as their answer, and no further request gave it once more."""
    holders = sum(
        1
        for earlier in case.before()
        for task in tasks(case.profile)
        if task.check_id == earlier.check_id and task.variables and task.question
        if _tidy(text) and earlier.variable(task.variables[-1]).text == text
    )
    return holders > 0 and 0 < sum(is_output(text, request) for request in case.asked()) <= holders


def is_output(text: str, request: Request) -> bool:
    """Whether `text` is the request's output, with the prompt or without it.

    White space is not compared, nor are the special tokens of a chat template. An empty output is held by an empty text,
    or by the prompt alone.
    """
    mine, without = _bare(text), _bare(_SPECIAL_TOKEN.sub("", text))
    for output in request.outputs:
        full = request.text + output
        if {mine, without} & {_bare(output), _bare(full)} or without == _bare(_SPECIAL_TOKEN.sub("", full)):
            return True
    return False


def holds(text: str, request: Request) -> bool:
    """Whether `text` is the request's output, or a long piece of it, or has all of it after a piece of the prompt or a label.

    The end of prompt and output together (`split("Human:")[-1]`) holds the output, however short that is.
    """
    if is_output(text, request):
        return True
    for output in request.outputs:
        new, full = _bare(output), _bare(request.text + output)
        for mine in filter(None, {_bare(text), _bare(_SPECIAL_TOKEN.sub("", text))}):
            piece = mine in new and (len(mine) >= MIN_PIECE or 2 * len(mine) >= len(new))
            tail = new != "" and new in mine and full.endswith(mine)
            labelled = len(new) >= MIN_PIECE and new in mine
            if piece or tail or labelled:
                return True
    return False


def _bare(text: str) -> str:
    """A text without white space, which post-processing changes."""
    return "".join(text.split())


def _is_echo(text: str, requests: Iterable[Request]) -> bool:
    """Whether the text is nothing but (a piece of) what was sent, though the model answered more."""
    mine = _tidy(text)
    sent = any(mine in _tidy(request.text) and any(_tidy(o) for o in request.outputs) for request in requests)
    return sent and not any(mine in _tidy(output) for request in requests for output in request.outputs if mine)


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _observe(case: Case, text: str, requests: tuple[Request, ...]) -> None:
    """Notes what a student may wonder about in the answer; worth no points."""
    request = next(r for r in requests if holds(text, r))
    output = max(request.outputs, key=len, default="")
    if not _tidy(output):
        case.observations.append(OBSERVATIONS["empty"])
    if repeated := repetition(output):
        case.observations.append(OBSERVATIONS["repeats"].fill(piece=shown(repeated[0], 50), times=repeated[1]))
    if re.search(r"^\s*Human:", output, re.MULTILINE):
        case.observations.append(OBSERVATIONS["goes-on"])
    limit = request.settings.get("max_new_tokens")
    if isinstance(limit, int) and any(len(ids) >= limit for ids in request.output_ids):
        case.observations.append(OBSERVATIONS["stopped-at-limit"].fill(n=limit))


def repetition(text: str) -> tuple[str, int] | None:
    """The sentence or line that comes three times or more, with how often; None where nothing does."""
    pieces = [piece.strip() for piece in re.split(r"(?<=[.!?])\s+|\n+", text) if len(piece.strip()) >= 8]
    if not pieces:
        return None
    most = max(pieces, key=pieces.count)
    return (most, pieces.count(most)) if pieces.count(most) >= 3 else None


def said(task: Task, evidence: Evidence, transcript: Transcript) -> str | None:
    """What the model answered to a task's question: the answer that is held, else the last one that it gave.

    Only what a student's own request brought; None where the task has no question, or no model has answered it.
    """
    if task.question is None:
        return None
    held = evidence.variable(task.variables[-1]).text
    answered = [r for r in transcript.own() if r.outputs and not r.error]
    asked = [
        r
        for r in answered
        if bare(task.question) in bare(r.text)
        and r.model == task.model
        and (task.temperature is None or r.settings.get("temperature") == task.temperature)
    ]
    holding = [r for r in answered if held is not None and is_output(held, r)] or [
        r for r in asked if held is not None and holds(held, r)
    ]
    request = next(reversed(holding or asked), None)
    return max(request.outputs, key=len) if request else None
