"""Evidence: plain facts about a student's live objects, as JSON. It comes from the student's process: untrusted.

Written by `kernel/probe.py`, read by `judging/`. Every text and list is bounded, and `Evidence.model_validate_json` refuses the
rest, so that what a kernel sends can neither crash the judge nor fill its memory.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from autograder.facts.transcript import Transcript

Short = Annotated[str, Field(max_length=500)]
BoundedMessage = tuple[Short, Annotated[str, Field(max_length=20_000)]]
Conversation = Annotated[tuple[BoundedMessage, ...], Field(max_length=20)]
Long = Annotated[str, Field(max_length=200_000)]
Form = Literal["dict", "list", "text", "message", "keys"]


class Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Failure(Fact):
    """An exception in the student's code: its class, and what it says."""

    name: Short
    message: Short = ""


class Variable(Fact):
    """What a variable holds.

    Attributes:
        state: "missing", "none" (the value None) or "there".
        type: name of its class.
        kinds: which of the classes that matter it is an instance of, or contains (names without packages).
        text: its text, for a string or a message.
        value: the thing itself, for a dict of plain values.
        device: for what holds a pipeline, the device that it was placed on or asked for ("cuda:0", "cpu").
        task: for what holds a pipeline, the pipeline's task.
        identity: equal for the same object within one kernel.
        steps: for a chain, what each step is: "prompt", "model" or "other".
        holds: which of the student's `prompt` and `llm` are inside it, as the very objects.
        given: names of the settings that it carries, by where: "bind", "model_kwargs", "pipeline_kwargs";
            "chain" for those bound to a whole chain.
        temperatures: the temperatures that it carries anywhere.
    """

    state: Literal["missing", "none", "there"]
    type: Short = ""
    kinds: Annotated[tuple[Short, ...], Field(max_length=40)] = ()
    text: Long | None = None
    value: Annotated[dict[str, Any], Field(max_length=100)] | None = None
    device: Short | None = None
    task: Short | None = None
    identity: int = 0
    steps: Annotated[tuple[Short, ...], Field(max_length=50)] = ()
    holds: Annotated[tuple[Short, ...], Field(max_length=5)] = ()
    given: Annotated[dict[Short, tuple[Short, ...]], Field(max_length=5)] = {}
    temperatures: Annotated[tuple[float, ...], Field(max_length=10)] = ()

    def values_of(self, setting: str) -> tuple[float, ...]:
        """The values of a setting that it carries anywhere, where the probe notes them."""
        return self.temperatures if setting == "temperature" else ()


class Offer(Fact):
    """One way in which the question was put to the chain: which requests arrived, and how the chain ended."""

    form: Form
    requests: Annotated[tuple[int, ...], Field(max_length=50)] = ()
    failure: Failure | None = None


class Challenge(Fact):
    """A question of the check's own, put to a chain (or a pipeline) in each form until the right request arrived."""

    id: Short
    variable: Short
    question: Short
    offers: Annotated[tuple[Offer, ...], Field(max_length=5)] = ()
    seconds: float = 0.0


class PromptFacts(Fact):
    """What the student's own `prompt` makes of messages.

    Attributes:
        rendered: for each question (of the profile or of a challenge) the messages that come out.
        texts: the same as the text that a model gets.
        history: the messages that come out of a list of three messages, which tell a placeholder from a text variable.
        asked_history: the list of three that went in.
        variables: the names of its input variables, optional ones included.
    """

    rendered: Annotated[dict[Short, Conversation], Field(max_length=20)] = {}
    texts: Annotated[dict[Short, Long], Field(max_length=20)] = {}
    asked_history: Conversation = ()
    history: Conversation | None = None
    variables: Annotated[tuple[Short, ...], Field(max_length=20)] = ()
    failure: Failure | None = None


class Evidence(Fact):
    """Everything that a probe saw for one task.

    Attributes:
        problem: why it could not look, for a reason that may be ours.
        seen: how many requests the transcript had when it began to look.
    """

    check_id: Short
    variables: Annotated[dict[Short, Variable], Field(max_length=20)] = {}
    challenges: Annotated[tuple[Challenge, ...], Field(max_length=8)] = ()
    prompt: PromptFacts | None = None
    environment: Annotated[dict[Short, Short], Field(max_length=20)] = {}
    gpu: Literal["real", "virtual", "none"] = "none"
    raised: Failure | None = None
    problem: Short | None = None
    seen: int | None = None
    seconds: float = 0.0

    def variable(self, name: str) -> Variable:
        return self.variables.get(name, Variable(state="missing"))

    def challenge_of(self, variable: str) -> Challenge | None:
        return next((c for c in self.challenges if c.variable == variable), None)


class Facts(Fact):
    """What a check judges from: the evidence of this task and of those before it, and the transcript.

    Attributes:
        evidence: by check id, in the order in which they were gathered.
        in_grading: False in a student's own session, where what is not known stays open and no GPU need be there.
        charged: what `prompt` was when the checks of the notebook that it was made in judged it (`already_penalised.py`); None
            where that is not known, as in a student's own session.
    """

    evidence: dict[str, Evidence]
    transcript: Transcript
    in_grading: bool
    charged: tuple[PromptFacts, ...] | None = None
