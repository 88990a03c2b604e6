"""A case: one task with all that is known about it, and what its criteria are made of. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from autograder.course.profile import Profile
from autograder.facts.evidence import Evidence, Facts, Failure, PromptFacts, Variable
from autograder.facts.transcript import Message, Request, bare
from autograder.facts.verdict import Criterion, Outcome, Sentence
from autograder.judging import already_penalised, failures
from autograder.judging.failures import Mistake
from autograder.judging.sampling import draws_with
from autograder.judging.task import LLM, PROMPT, Task, Tasks
from autograder.words.checks import FOUND, NOTES, TITLES
from autograder.words.hints import HINTS


@dataclass(frozen=True)
class Share:
    """A criterion before it is judged: its name, its points, and what it asks for."""

    name: str
    points: float
    title: Sentence
    expected: Sentence | None = None

    def passed(self, already_penalised: bool = False) -> Criterion:
        return self._as("passed", note=NOTES["carried"] if already_penalised else None)

    def failed(self, mistake: Mistake) -> Criterion:
        return self._as("failed", mistake)

    def unknown(self, why: str) -> Criterion:
        return self._as("unknown", note=NOTES[why])

    def _as(self, outcome: Outcome, mistake: Mistake | None = None, note: Sentence | None = None) -> Criterion:
        return Criterion(
            name=self.name,
            title=self.title,
            points=self.points,
            earned=self.points if outcome == "passed" else 0.0,
            outcome=outcome,
            expected=self.expected if mistake else None,
            found=mistake.found if mistake else None,
            hint=mistake.hint if mistake else None,
            note=note,
        )


@dataclass
class Case:
    """One task with all that is known about it, and what has been noted on the way.

    Attributes:
        tasks: all that are in use.
    """

    task: Task
    evidence: Evidence
    facts: Facts
    profile: Profile
    tasks: Tasks
    observations: list[Sentence] = field(default_factory=list)
    reasons: list[Sentence] = field(default_factory=list)

    def variable(self, name: str) -> Variable:
        return self.evidence.variable(name)

    def share(self, name: str, part: float, expected: Sentence | None = None, **title: object) -> Share:
        """A criterion of this name for a part of the task's points. `title` are the values of its title."""
        return Share(name, self.task.points * part, TITLES[name].fill(**title), expected)

    def arrived(self, variable: str) -> tuple[Request, ...]:
        """The requests that the check's own question to this variable led to."""
        return already_penalised.asked_of(self.evidence, variable, self.facts)

    def before(self) -> tuple[Evidence, ...]:
        """The evidence of the tasks before this one, in order."""
        return already_penalised.before(self.task.check_id, self.facts)

    def at(self, task: Task) -> Case | None:
        """The case of another task of this notebook, if there is evidence of it."""
        evidence = self.facts.evidence.get(task.check_id)
        return Case(task, evidence, self.facts, self.profile, self.tasks) if evidence else None

    def of(self, kind: str) -> Case | None:
        """The case of the first task of a kind, if there is evidence of it."""
        return next((self.at(task) for task in self.tasks if task.kind == kind), None)

    def judged_prompts(self) -> tuple[PromptFacts, ...] | None:
        """The prompts that earlier checks have judged: what is wrong with them has been charged. None: not known."""
        return already_penalised.judged_prompts(self.task, self.facts, self.tasks)

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
        if challenge is None or self.task.holds(chain) == "llm":
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
            if answering and already_penalised.asks_something_else(prompt, question):
                continue
            forms = already_penalised.texts_of(prompt, question, self.facts, request.model)
            for messages in already_penalised.half_mended(prompt, question, self.ideal(question)[0]):
                forms |= self.facts.transcript.forms_of(messages, request.model)
            if sent in map(bare, forms):
                return "own"
        return None

    def takes_another_form(self, chain: str) -> bool:
        """Whether a chain raises on all that a check can ask it with, while the student got a right request through.

        The form with every key is a guess at what is behind the keys, and may be wrong. What was asked after another
        chain had taken this one's name says nothing of it.
        """
        challenge, mine = self.evidence.challenge_of(chain), self.variable(chain).identity
        if challenge is None or not mine or self.task.holds(chain) != "chain":
            return False
        if any(offer.requests or not offer.failure for offer in challenge.offers if offer.form != "keys"):
            return False
        seen = max(e.seen or 0 for e in self.facts.evidence.values() if e.variable(chain).identity == mine)
        return any(
            request.model == self.task.model and draws_with(request.settings, self.task.settings)
            for request in self.facts.transcript.own()
            if request.number < seen and request.outputs and not request.error
            if any(self.text_is(request, question) for question in self.profile.questions.values())
        )

    def held_up(self, chain: str) -> str | None:
        """`llm` or `prompt` where nothing reaches a model through this chain for the reason that it by itself is broken,
        which has cost points at an earlier check; else None."""
        ended = failures.of_challenge(self.evidence.challenge_of(chain))
        if self.task.holds(chain) != "chain" or not ended or self.arrived(chain):
            return None
        broken = {LLM.name: self._llm_ended(), PROMPT.name: self._prompt_ended()}
        return next((name for name, how in broken.items() if how & ended and name in self.variable(chain).holds), None)

    def _llm_ended(self) -> frozenset[str]:
        """What a question to `llm` alone ends with, here and at an earlier check, where none reached a model."""
        here = failures.of_challenge(self.evidence.challenge_of(LLM.name))
        if self.arrived(LLM.name):
            return frozenset()
        broken = [e for e in self.before() if not already_penalised.asked_of(e, LLM.name, self.facts)]
        return here & frozenset().union(*(failures.of_challenge(e.challenge_of(LLM.name)) for e in broken))

    def _prompt_ended(self) -> frozenset[str]:
        """What `prompt` alone ends with, here and when an earlier check judged it."""
        here = self.evidence.prompt.failure if self.evidence.prompt else None
        judged = [failures.error_text(p.failure) for p in self.judged_prompts() or () if p.failure]
        return frozenset(judged) & {failures.error_text(here)} if here else frozenset()

    def penalised_models(self) -> frozenset[str]:
        """The models that `llm` reached when its loading was judged: a wrong one has cost points there."""
        loads = next((task for task in self.tasks if task.defined.loads_model and LLM in task.named), None)
        before = self.facts.evidence.get(loads.check_id) if loads else None
        known = before is not None and before.challenge_of(LLM.name) is not None
        asked = already_penalised.asked_of(before, LLM.name, self.facts) if known else self.arrived(LLM.name)
        return frozenset(request.model for request in asked)

    def missing(self, variable: str, share: Share) -> Criterion | None:
        """The criterion as failed where its variable is missing or empty, else None."""
        mistake = self.missing_variable(variable)
        return share.failed(mistake) if mistake else None

    def missing_variable(self, variable: str) -> Mistake | None:
        """What is told of a variable that is missing or empty, else None."""
        held = self.variable(variable)
        if held.state == "there":
            return None
        raised = self.evidence.raised
        if held.state == "none" and raised is None:
            return Mistake(HINTS["none"].fill(variable=variable), FOUND["none"])
        found = FOUND["none"] if held.state == "none" else FOUND["missing"].fill(variable=variable)
        if raised is None:
            return Mistake(HINTS["missing"].fill(variable=variable), found)
        known = failures.chat_mistake(variable, raised) or failures.settings_mistake(variable, raised)
        return known or Mistake(self.stopped(variable, raised), found)

    def stopped(self, variable: str, raised: Failure) -> Sentence:
        """The hint where the cell that should make a variable raised."""
        names = {name for task in self.tasks for name in task.variables}
        return failures.stopped(variable, raised, names, bool(self.task.settings), self.task.defined.loads_model)
