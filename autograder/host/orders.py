"""What the model host and the process that generates say to each other: JSON frames, whose number is the job's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from autograder.protocol.wire import Frame, Short


class Make(Frame):
    """One output to make: a request as it arrived, with the settings to generate with."""

    kind: Literal["make"] = "make"
    model: str
    rows: list[list[int]]
    mask: list[list[int]]
    settings: dict[str, Any]
    seed: int | None
    tokenizer: bool


class GiveUp(Frame):
    """Nobody waits for this output any more."""

    kind: Literal["give-up"] = "give-up"


class Ready(Frame):
    """The worker takes on work; `versions` are what its outputs depend on."""

    kind: Literal["ready"] = "ready"
    versions: dict[str, str]


class Begun(Frame):
    """The model is at work on this output: it has its turn, and its weights are loaded."""

    kind: Literal["begun"] = "begun"


class State(Frame):
    """What the worker has of models, and the most memory that it has taken."""

    loaded: tuple[str, ...] = ()
    dropped: int = 0
    peak_mb: float = 0.0


class Made(Frame):
    kind: Literal["made"] = "made"
    sequences: list[list[int]]
    state: State = State()


class NotMade(Frame):
    """What came instead of an output; `machine` where it is for a reason of the machine's."""

    kind: Literal["not-made"] = "not-made"
    name: Short
    message: Short
    machine: bool
    state: State = State()


ToWorker: TypeAdapter[Make | GiveUp] = TypeAdapter(Annotated[Make | GiveUp, Field(discriminator="kind")])
FromWorker: TypeAdapter[Ready | Begun | Made | NotMade] = TypeAdapter(
    Annotated[Ready | Begun | Made | NotMade, Field(discriminator="kind")]
)
