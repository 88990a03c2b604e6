"""What kernels, the grader and the model host say to each other: JSON frames behind a length and a number.

A reply carries the number of what it answers, so that one that comes late, twice or to somebody else is never taken for
another. Every frame is validated (pydantic, nothing extra) and bounded in size, so that whatever arrives is either one of
these or refused. Nothing but JSON crosses: no pickle, no class of the other side's.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, TypeAdapter
from pydantic_core import from_json

from autograder.facts.transcript import MAX_TOKENS, Message, Rendering, Transcript

HEADER = struct.Struct("!II")
"""Bytes of the body, and the number of the frame."""
MAX_FRAME = 8 * 1024**2
"""Bytes of one frame that a kernel may send."""
MAX_REPLY = 512 * 1024**2
"""Bytes of one frame that the grader takes from its own host, or a kernel from the grader's."""
MAX_KEYS = 20
"""Keys of a frame itself."""
MAX_ROWS = 64
MAX_NEW_TOKENS = 4096
"""New tokens that the host makes for one row, whatever was asked for."""
TOO_LONG = "PromptTooLong"
"""The error of a request whose prompts are longer than `limits.prompt_tokens`."""
BUDGET_SPENT = "BudgetSpent"
"""The error of a request of a notebook that has had `limits.host_tokens` or `limits.host_seconds`."""
MAX_SETTINGS = 100_000
"""Characters of a request's settings as JSON."""
MAX_STOP_TEXT = 200
"""Characters of all stop strings together: what they cost grows with their length times the model's vocabulary."""

HONOURED = {
    "do_sample", "temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff",
    "repetition_penalty", "no_repeat_ngram_size", "bad_words_ids", "renormalize_logits", "num_beams", "early_stopping",
    "length_penalty", "num_return_sequences", "max_length", "max_new_tokens", "min_length", "min_new_tokens",
    "stop_strings", "eos_token_id", "pad_token_id", "bos_token_id", "forced_bos_token_id", "forced_eos_token_id",
    "remove_invalid_values", "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens", "use_cache",
    "max_time",
}  # fmt: skip
"""Generation settings that the host generates with; a request with others that matter is generated in the kernel."""

Short = Annotated[str, Field(max_length=500)]
Name = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")]
Token = Annotated[int, Field(ge=0, lt=2**31)]
# A list stops at the first thing that is wrong in it: a million errors would take more than the frame itself.
Row = Annotated[list[Token], Field(max_length=MAX_TOKENS), FailFast()]
Rows = Annotated[list[Row], Field(max_length=MAX_ROWS), FailFast()]


def _not_too_long(settings: dict[str, Any]) -> dict[str, Any]:
    length = size_of(settings)
    if length > MAX_SETTINGS:
        raise ValueError(f"{length} characters of settings, more than {MAX_SETTINGS}")
    return settings


def _few_stop_strings(settings: dict[str, Any]) -> dict[str, Any]:
    length = len(str(settings.get("stop_strings") or ""))
    if length > MAX_STOP_TEXT:
        raise ValueError(f"{length} characters of stop strings, more than {MAX_STOP_TEXT}")
    return settings


def size_of(settings: Mapping[str, Any]) -> int:
    """Characters that settings take as JSON."""
    return len(json.dumps(settings))


Settings = Annotated[
    dict[Annotated[str, Field(max_length=100)], Any], Field(max_length=200), AfterValidator(_not_too_long)
]


class Frame(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# --- From a kernel ---


class Generate(Frame):
    """Asks for output, and has the request noted.

    Attributes:
        rows, mask: the batch as it arrived, (rows, length), padding included.
        settings: generation settings after every default has been resolved; only `HONOURED` ones.
        seed: the notebook's own, where it has seeded torch; else the host draws one from the request.
        tokenizer: whether the model's tokenizer was given along (stop strings need it).
    """

    kind: Literal["generate"] = "generate"
    model: Name
    rows: Annotated[Rows, Field(min_length=1)]
    mask: Rows
    settings: Annotated[Settings, AfterValidator(_few_stop_strings)]
    seed: Annotated[int, Field(ge=0, lt=2**64)] | None = None
    streamed: bool = False
    tokenizer: bool = False


class Note(Frame):
    """Has a request noted that needs no output: a check's, one that was refused, or one generated in the kernel.

    Attributes:
        rows: the input, padding removed.
        outputs: for each row the new tokens of each sequence, where the kernel generated them itself.
        error: class name of the exception that ended it.
    """

    kind: Literal["note"] = "note"
    model: Name
    rows: Rows
    settings: Settings
    outputs: Annotated[list[Rows], Field(max_length=MAX_ROWS), FailFast()] = []
    streamed: bool = False
    error: Short | None = None


# --- From the grader ---


class Open(Frame):
    """Begins a notebook.

    Attributes:
        run: goes into every seed that the host draws.
        rehearsal: its requests are answered with canned texts, and generated for whoever makes the same later.
        verify: recompute what is remembered.
        prompt_tokens: bound on the tokens of one request's prompts together, padding included.
        host_tokens, host_seconds: what the notebook may have of the host in all: tokens in and out, and its time.
        language: of what the host says to the student.
    """

    kind: Literal["open"] = "open"
    label: Short
    run: Short = ""
    echo: bool = False
    rehearsal: bool = False
    verify: bool = False
    prompt_tokens: Annotated[int, Field(ge=1)] = 16_000
    host_tokens: Annotated[int, Field(ge=1)] = 100_000
    host_seconds: Annotated[float, Field(gt=0)] = 300.0
    language: Literal["nb", "en"] = "en"


class Cell(Frame):
    kind: Literal["cell"] = "cell"
    notebook: Short
    cell: Short | None


class Challenge(Frame):
    """From now on (until one with None) every request of this notebook belongs to this check and is not generated."""

    kind: Literal["challenge"] = "challenge"
    notebook: Short
    check: Short | None


class Read(Frame):
    kind: Literal["read"] = "read"
    notebook: Short


class Render(Frame):
    """What each model's chat template makes of each conversation; those that it refuses are left out."""

    kind: Literal["render"] = "render"
    models: list[Name]
    conversations: list[tuple[Message, ...]]


class Close(Frame):
    kind: Literal["close"] = "close"
    notebook: Short


class Status(Frame):
    kind: Literal["status"] = "status"


class Stop(Frame):
    kind: Literal["stop"] = "stop"


# --- Answers ---


class Answer(Frame):
    """Output of a `Generate`: `sequences` as `generate` returns them, (rows × copies, length), input included."""

    kind: Literal["answer"] = "answer"
    numbers: list[int]
    sequences: list[list[int]]


class Noted(Frame):
    kind: Literal["noted"] = "noted"
    numbers: list[int]


class Refused(Frame):
    """What the request led to instead: an exception of this name, or why the frame was no good.

    Attributes:
        numbers: of the requests that were noted all the same.
    """

    kind: Literal["refused"] = "refused"
    name: Short
    message: Short
    numbers: list[int] = []


class Opened(Frame):
    """`socket` is for this notebook's kernel alone; `models` gives the snapshot folder of each model by name."""

    kind: Literal["opened"] = "opened"
    notebook: str
    socket: str
    models: dict[str, str]


class Done(Frame):
    """What was asked has been done; `seen` is how many requests the notebook has made so far."""

    kind: Literal["done"] = "done"
    seen: int = 0


class Told(Frame):
    kind: Literal["told"] = "told"
    transcript: Transcript


class Rendered(Frame):
    kind: Literal["rendered"] = "rendered"
    renderings: tuple[Rendering, ...]


class Counts(Frame):
    """What the host has done so far.

    Attributes:
        generated, remembered, echoed: requests by how they were answered.
        batches: in which they were generated.
        passes: times that a batch got a token for each of its rows.
        tokens, seconds: new tokens made, and the time that took.
        differing: remembered answers that came out otherwise when they were recomputed.
        rounded: those that did so as rounding alone may have it.
        dropped: models dropped since memory ran out.
        lost: requests that could not be answered for a reason of the machine's.
    """

    kind: Literal["counts"] = "counts"
    home: str
    models: dict[str, str] = {}
    loaded: list[str] = []
    notebooks: int = 0
    generated: int = 0
    remembered: int = 0
    echoed: int = 0
    batches: int = 0
    passes: int = 0
    tokens: int = 0
    seconds: float = 0.0
    differing: int = 0
    rounded: int = 0
    dropped: int = 0
    lost: int = 0
    peak_mb: float = 0.0


FromKernel: TypeAdapter[Generate | Note] = TypeAdapter(Annotated[Generate | Note, Field(discriminator="kind")])
FromGrader: TypeAdapter[Open | Cell | Challenge | Read | Render | Close | Status | Stop] = TypeAdapter(
    Annotated[Open | Cell | Challenge | Read | Render | Close | Status | Stop, Field(discriminator="kind")]
)
Reply = Answer | Noted | Refused | Opened | Done | Told | Rendered | Counts
FromHost: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="kind")])


def parsed(kind: TypeAdapter[Any], body: bytes) -> Any:
    """A frame's body as one of the frames that may come. Raises ValueError, in a few words, for any other."""
    value = from_json(body)
    if not isinstance(value, dict) or len(value) > MAX_KEYS:
        raise ValueError("no object of a few keys")
    return kind.validate_python(value)


def packed(frame: Frame, number: int = 0) -> bytes:
    """A frame as it goes over the socket."""
    body = frame.model_dump_json().encode()
    return HEADER.pack(len(body), number) + body


def honoured(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the host generates with; those that are None say nothing."""
    return {name: value for name, value in settings.items() if name in HONOURED and value is not None}
