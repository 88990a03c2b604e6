"""What the model host and the process that generates say to each other: JSON frames, whose number is the batch's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from autograder.protocol.wire import Frame, Short


class Part(Frame):
    """One request's share of a batch.

    Attributes:
        rows, mask: as they arrived, (rows, length), padding included.
        settings: to generate with.
        seed: of the random numbers that its rows are drawn with; None where nothing is drawn.
        tokenizer: whether the settings need the model's tokenizer.
        remembered: what was made of it before: its outcome is that again where rounding alone can tell the two apart, and
            nothing where it cannot.
    """

    rows: list[list[int]]
    mask: list[list[int]]
    settings: dict[str, Any]
    seed: int | None = None
    tokenizer: bool = False
    remembered: list[list[int]] | None = None


class Make(Frame):
    """Parts to make, of one model: a batch, or what joins the batch of this number that is being made.

    Attributes:
        parts: each by the number that it has in its batch.
        shared: whether others may join; else a part alone is made as transformers makes it.
    """

    kind: Literal["make"] = "make"
    model: str
    parts: dict[int, Part]
    shared: bool = False


class GiveUp(Frame):
    """Nobody waits for a part of the batch any more."""

    kind: Literal["give-up"] = "give-up"
    part: int


class Hold(Frame):
    """The batch is to wait before its next token, or to go on."""

    kind: Literal["hold"] = "hold"
    held: bool


class Ready(Frame):
    """The worker takes on work; `versions` are what its outputs depend on, `on_gpu` says where its models are."""

    kind: Literal["ready"] = "ready"
    versions: dict[str, str]
    on_gpu: bool = False


class Begun(Frame):
    """The model is at work on this output: it has its turn, and its weights are loaded."""

    kind: Literal["begun"] = "begun"


class State(Frame):
    """What the worker has of models, how often batches asked one for next tokens, and the most memory that it has taken."""

    loaded: tuple[str, ...] = ()
    dropped: int = 0
    passes: int = 0
    peak_mb: float = 0.0


class Output(Frame):
    """Sequences as `generate` gives them, (rows × copies, length), input included."""

    kind: Literal["output"] = "output"
    sequences: list[list[int]]


class NotMade(Frame):
    """What came instead of an output; `machine` where it is for a reason of the machine's."""

    kind: Literal["not-made"] = "not-made"
    name: Short
    message: Short
    machine: bool


class Made(Frame):
    """What became of a part of a batch, as soon as it has its end."""

    kind: Literal["made"] = "made"
    part: int
    outcome: Annotated[Output | NotMade, Field(discriminator="kind")]
    state: State = State()


ToWorker: TypeAdapter[Make | GiveUp | Hold] = TypeAdapter(Annotated[Make | GiveUp | Hold, Field(discriminator="kind")])
FromWorker: TypeAdapter[Ready | Begun | Made] = TypeAdapter(
    Annotated[Ready | Begun | Made, Field(discriminator="kind")]
)
