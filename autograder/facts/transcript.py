"""The transcript: what reached a model, in the order in which it was asked.

Plain, bounded data. While grading the model host writes it (`host/`), beyond a kernel's reach; in a student's own session
the recorder does (`recorder.py`).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

MAX_REQUESTS = 5000
FOR_CHECKS = 3000
"""Requests of the transcript that only checks can use, however much a notebook asks."""
CANNED = "This is a check. No model was asked."
"""What a check's own question is answered with."""
MAX_TOKENS = 40_000
MAX_TEXT = 200_000

Message = tuple[str, str]
"""A chat message as (type, content), with LangChain's types: "system", "human", "ai"."""

ROLE_NAMES = {"system": "System", "human": "Human", "ai": "AI"}


class Request(BaseModel):
    """One row that was sent to a model's `generate`.

    Attributes:
        number: position in the transcript, from 0.
        cell: id of the cell that was running (the notebook's own cell id, or the count of executions), if known.
        challenge: id of the challenge that it answered, None for the student's own requests.
        model: the model's name on the hub.
        text: the input, decoded without special tokens.
        token_ids: the input as it arrived, padding removed.
        settings: generation settings after every default has been resolved.
        outputs: the new text of each returned sequence, decoded without special tokens.
        output_ids: the same as tokens.
        streamed: whether a streamer received the output.
        error: class name of the exception that ended it, if one did.
        self_reported: whether the outputs are the kernel's own word: it says that it has generated them itself.
            Records of before call it `told`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    cell: str | None = None
    challenge: str | None = None
    model: str
    text: Annotated[str, Field(max_length=MAX_TEXT)]
    token_ids: Annotated[tuple[int, ...], Field(max_length=MAX_TOKENS)] = ()
    settings: dict[str, Any] = {}
    outputs: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    output_ids: Annotated[tuple[tuple[int, ...], ...], Field(max_length=64)] = ()
    streamed: bool = False
    error: str | None = None
    self_reported: Annotated[bool, Field(validation_alias=AliasChoices("self_reported", "told"))] = False


class Rendering(BaseModel):
    """What a model's own chat template makes of some messages: the other right form of the same request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    messages: tuple[Message, ...]
    text: Annotated[str, Field(max_length=MAX_TEXT)]


class Transcript(BaseModel):
    """All requests of one notebook.

    Attributes:
        complete: False where requests may be missing because recording began after a model had been loaded.
        faults: failures on the side of the machine (out of memory on the GPU, a model missing on disk).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: Annotated[tuple[Request, ...], Field(max_length=MAX_REQUESTS)] = ()
    renderings: Annotated[tuple[Rendering, ...], Field(max_length=MAX_REQUESTS)] = ()
    complete: bool = True
    faults: Annotated[tuple[str, ...], Field(max_length=20)] = ()

    def own(self) -> tuple[Request, ...]:
        """The student's own requests: those that no check asked for."""
        return tuple(r for r in self.requests if r.challenge is None)

    def forms_of(self, messages: tuple[Message, ...], model: str) -> frozenset[str]:
        """The texts that a right chain may send for these messages: plain, or through the model's chat template."""
        templated = {r.text for r in self.renderings if r.model == model and r.messages == messages}
        return frozenset(templated | {plain(messages)})


_STRAIGHT = str.maketrans("‘’‛“”„", "'''\"\"\"")


def bare(text: str) -> str:
    """What is compared of a request: every run of white space is one space, and curly quotation marks are straight ones.

    Which of the two marks is typed depends on the keyboard, and is hard to see.
    """
    return " ".join(text.translate(_STRAIGHT).split())


def plain(messages: tuple[Message, ...]) -> str:
    """Messages as LangChain hands them to a text model (`ChatPromptValue.to_string`, that is `get_buffer_string`)."""
    return "\n".join(f"{ROLE_NAMES.get(kind, kind)}: {content}" for kind, content in messages)
