"""What earlier checks have judged: a mistake made once costs once, and only what was charged is carried.

Whatever a check has judged was right, or has cost points there. So what is carried is what an earlier check has *seen*
and judged, and nothing else: a prompt that was changed after `check-prompt` is new, and costs where it is first seen.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from autograder.facts.evidence import Challenge, Evidence, Facts, PromptFacts
from autograder.facts.transcript import Message, Request, bare, plain
from autograder.judging.task import Task, Tasks


def of_prompt(tasks: Tasks) -> Task | None:
    """The task that asks for `prompt`."""
    return next((task for task in tasks if task.own("prompt")), None)


def of_check(check_id: str, tasks: Tasks) -> Task | None:
    return next((task for task in tasks if task.check_id == check_id), None)


def requests_of(challenge: Challenge, facts: Facts) -> tuple[Request, ...]:
    numbers = {number for offer in challenge.offers for number in offer.requests}
    return tuple(r for r in facts.transcript.requests if r.number in numbers and r.challenge is not None)


def asked_of(evidence: Evidence | None, variable: str, facts: Facts) -> tuple[Request, ...]:
    """The requests that a check's own question to this variable led to."""
    challenge = evidence.challenge_of(variable) if evidence else None
    return requests_of(challenge, facts) if challenge else ()


def judged_prompts(task: Task, facts: Facts, tasks: Tasks) -> tuple[PromptFacts, ...] | None:
    """What `prompt` was when checks before this one judged it; None where it is not known whether any has.

    In the notebook of the task that asks for it that is its check; in the others, what has been judged in that notebook
    (`Facts.charged`). Then each chain that was judged when it sent what `prompt` made of the question.
    """
    its_own = of_prompt(tasks)
    first: tuple[PromptFacts, ...] | None = ()
    if its_own is not None:
        first = prompt_at(its_own, facts) if task.notebook == its_own.notebook else facts.charged
    return None if first is None else first + through_chains(before(task.check_id, facts), facts, tasks)


def prompt_at(task: Task, facts: Facts) -> tuple[PromptFacts, ...] | None:
    """What `prompt` was at the check of a task; None where that check has not been run."""
    evidence = facts.evidence.get(task.check_id)
    if evidence is None:
        return None
    return (evidence.prompt,) if evidence.prompt else ()


def through_chains(earlier: Iterable[Evidence], facts: Facts, tasks: Tasks) -> tuple[PromptFacts, ...]:
    """What `prompt` was at each of these checks that judged a chain which sent what it makes of the question."""
    return tuple(
        evidence.prompt
        for evidence in earlier
        if evidence.prompt is not None
        and (task := of_check(evidence.check_id, tasks)) is not None
        and task.own("chain")
        and any(
            _went_through(evidence.prompt, challenge, facts)
            for challenge in evidence.challenges
            if task.holds(challenge.variable) == "chain"
        )
    )


def before(check_id: str, facts: Facts) -> tuple[Evidence, ...]:
    """The evidence of the tasks before this one, in order."""
    names = list(facts.evidence)
    return tuple(facts.evidence[name] for name in names[: names.index(check_id)])


def _went_through(prompt: PromptFacts, challenge: Challenge, facts: Facts) -> bool:
    return any(
        bare(request.text) in forms
        for request in requests_of(challenge, facts)
        for forms in [set(map(bare, texts_of(prompt, challenge.question, facts, request.model)))]
    )


def texts_of(prompt: PromptFacts, question: str, facts: Facts, model: str) -> set[str]:
    """What a model gets when this prompt is asked a question: plain, or through the model's chat template."""
    found: set[str] = set()
    for messages in messages_of(prompt, question):
        found |= facts.transcript.forms_of(messages, model)
    if question in prompt.texts:
        found.add(prompt.texts[question])
    elif prompt.asked_history and (asked := prompt.asked_history[0][1]) in prompt.texts:
        found.add(prompt.texts[asked].replace(asked, question))
    return found


def messages_of(prompt: PromptFacts, question: str) -> Iterator[tuple[Message, ...]]:
    """What comes out of this prompt for a question, where need be as it came out for the check's own."""
    if question in prompt.rendered:
        yield prompt.rendered[question]
    elif prompt.asked_history and (asked := prompt.asked_history[0][1]) in prompt.rendered:
        yield tuple((kind, content.replace(asked, question)) for kind, content in prompt.rendered[asked])


def half_mended(prompt: PromptFacts, question: str, system: Message) -> Iterator[tuple[Message, ...]]:
    """What this prompt would make of a question if one of its two parts were put right: what is left of its mistakes."""
    for messages in messages_of(prompt, question):
        has_head = bool(messages) and (messages[0][0] == "system" or bare(messages[0][1]) == bare(system[1]))
        head, rest = (messages[:1], messages[1:]) if has_head else ((), messages)
        if has_head or not any(kind == "system" for kind, _ in rest):
            yield (*head, ("human", question))
        yield (system, *(message for message in rest if message[0] != "system"))


def asks_something_else(prompt: PromptFacts, question: str) -> bool:
    """Whether the prompt has a question of its own in the place of this one."""
    return any(
        any(kind == "human" for kind, _ in messages) and question not in plain(messages)
        for messages in messages_of(prompt, question)
    )
