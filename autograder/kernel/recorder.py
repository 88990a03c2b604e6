"""The recorder: notes every request that reaches a model in this process, and answers a check's own questions at once.

`Recorder.start()` hooks `GenerationMixin.generate` when transformers is first imported, so that starting it imports
nothing. What it keeps is bounded (`transcript.py`), and a failure of the recorder never breaks a student's call.

It runs in the student's process, so it proves nothing against a student who attacks it: the model host, outside the
kernel, writes the same transcript with the same words. This is the only module that touches transformers' internals for
recording: `GenerationMixin.generate`, `_prepare_generation_config`, and tokenizers' `from_pretrained`.
"""

from __future__ import annotations

import datetime
import functools
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from autograder.facts.evidence import Failure
from autograder.facts.transcript import (
    CANNED,
    FOR_CHECKS,
    MAX_REQUESTS,
    MAX_TEXT,
    MAX_TOKENS,
    Message,
    Rendering,
    Request,
    Transcript,
)
from autograder.kernel.import_hooks import when_imported

SETTLE_SECONDS = 1.0
MAX_ANSWERED = 20
"""Requests that one offer of a check's question may lead to: a loop until the model says a certain word never ends."""
GENERATION = "transformers.generation.utils"
MODELING = "transformers.modeling_utils"
TOKENIZERS = "transformers.tokenization_utils_base"
CACHE_FOLDER = re.compile(r"models--([^/]+)--([^/]+)")
CHAT_ROLES = {"human": "user", "ai": "assistant", "system": "system"}


class Answered(BaseException):
    """Ends a chain as soon as the right request has arrived: retries and post-processing need not run.

    Not an `Exception`, so that a chain's own retries and fallbacks let it through.
    """


class Recorder:
    """Notes requests from `start()` on. One for each process; safe to use from several threads."""

    def __init__(self) -> None:
        self.elsewhere: Elsewhere | None = None
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        self._running = 0
        self._requests: list[Request] = []
        self._renderings: dict[tuple[str, tuple[Message, ...]], Rendering] = {}
        self._faults: list[str] = []
        self._tokenizers: dict[str, Any] = {}
        self._challenge: tuple[str, Callable[[Request], bool]] | None = None
        self._inside = threading.local()
        self._answered = 0
        self._started = False
        self._complete = True
        self.cell: str | None = None
        self.raised: Failure | None = None

    def start(self) -> None:
        """Begins to record; a second call does nothing."""
        if self._started:
            return
        self._started = True
        self._complete = GENERATION not in sys.modules
        when_imported(GENERATION, self._hook_generate)
        when_imported(TOKENIZERS, self._hook_tokenizers)

    def transcript(self, since: int = 0) -> Transcript:
        """What was recorded, from request number `since` on.

        Ask `count` first: it waits a little for calls in other threads, since a streamed answer is complete before its
        `generate` has returned.
        """
        with self._lock:
            return Transcript(
                requests=tuple(self._requests[since:]),
                renderings=tuple(self._renderings.values()),
                complete=self._complete,
                faults=tuple(self._faults),
            )

    @contextmanager
    def challenge(self, name: str, enough: Callable[[Request], bool]) -> Iterator[Callable[[], tuple[int, ...]]]:
        """While open, every request (of any thread) is noted under this name and answered with a canned line.

        A request for which `enough` is true ends the chain with `Answered`, which does not leave this block.
        Yields a function that tells the numbers of the requests that have arrived.
        """
        first = len(self._requests)
        self._challenge = (name, enough)
        self._answered = 0
        try:
            yield lambda: tuple(r.number for r in self._requests[first:] if r.challenge == name)
        except Answered:
            pass
        finally:
            self._challenge = None

    def render(self, model: str, messages: tuple[Message, ...]) -> None:
        """Notes what the model's own chat template makes of these messages, if its tokenizer is here and has one."""
        if (model, messages) in self._renderings:
            return
        text = templated(self._tokenizers.get(model), messages)
        if text is None:
            return
        with self._lock:
            if len(self._renderings) < MAX_REQUESTS:
                self._renderings[model, messages] = Rendering(model=model, messages=messages, text=text)

    def count(self) -> int:
        """How many requests have been recorded, after calls in other threads have ended."""
        with self._idle:
            self._idle.wait_for(lambda: self._running == 0, timeout=SETTLE_SECONDS)
            return len(self._requests)

    def renderings(self) -> tuple[Rendering, ...]:
        with self._lock:
            return tuple(self._renderings.values())

    def models_asked(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(r.model for r in self._requests))

    def _hook_tokenizers(self, module: ModuleType) -> None:
        base = module.PreTrainedTokenizerBase
        original = base.from_pretrained.__func__

        @functools.wraps(original)
        def from_pretrained(cls: Any, name: Any, *args: Any, **kwargs: Any) -> Any:
            tokenizer = original(cls, name, *args, **kwargs)
            self._tokenizers[hub_name(str(name))] = tokenizer
            return tokenizer

        base.from_pretrained = classmethod(from_pretrained)

    def _hook_generate(self, module: ModuleType) -> None:
        mixin = module.GenerationMixin
        original = mixin.generate
        recorder = self

        @functools.wraps(original)
        def generate(model: Any, inputs: Any = None, generation_config: Any = None, **kwargs: Any) -> Any:
            if getattr(recorder._inside, "deep", False):  # generate calls itself for some decoding methods
                return original(model, inputs, generation_config, **kwargs)
            call = recorder._describe(model, inputs, generation_config, kwargs)
            if recorder._challenge is not None:
                return recorder._answer(call, kwargs)
            with recorder._busy():
                try:
                    made = recorder._run(original, model, inputs, generation_config, kwargs, call)
                except BaseException as error:
                    recorder._note_failure(call, error)
                    raise
                if made.error is not None:
                    recorder._note_failure(call, made.error, made.numbers)
                    raise made.error
                recorder._note(call, made.output, numbers=made.numbers)
            return made.output

        mixin.generate = generate

    def _run(self, original: Any, model: Any, inputs: Any, config: Any, kwargs: dict[str, Any], call: Call) -> Made:
        """Has the model generate, here or elsewhere."""
        if self.elsewhere is not None and self.elsewhere.name_of(model) is not None:
            return self.elsewhere.generate(original, model, inputs, config, kwargs, call)
        return Made(original(model, inputs, config, **kwargs), None, None)

    @contextmanager
    def _busy(self) -> Iterator[None]:
        """While open, this thread is inside `generate`, and `count` waits for it."""
        self._inside.deep = True
        with self._idle:
            self._running += 1
        try:
            yield
        finally:
            self._inside.deep = False
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def _describe(self, model: Any, inputs: Any, config: Any, kwargs: Mapping[str, Any]) -> Call:
        """What arrived. A failure to resolve settings is left for the real `generate` to report."""
        ids = inputs if inputs is not None else kwargs.get("input_ids")
        name = self.elsewhere.name_of(model) if self.elsewhere is not None else None
        name = name or hub_name(str(getattr(model, "name_or_path", "") or type(model).__name__))
        mask = kwargs.get("attention_mask")
        try:
            rows = ids.tolist() if ids is not None else [[]]
            keep = mask.tolist() if mask is not None else [[1] * len(row) for row in rows]
            rows_kept = [[t for t, on in zip(row, k, strict=True) if on] for row, k in zip(rows, keep, strict=True)]
        except (AttributeError, TypeError, ValueError):
            rows_kept = [[]]
        return Call(
            name=name,
            ids=ids,
            mask=mask,
            rows=rows_kept,
            settings=resolved_settings(model, config, kwargs),
            streamed=kwargs.get("streamer") is not None,
            tokenizer=self._tokenizer(name),
            cell=self.cell,
        )

    def _tokenizer(self, name: str) -> Any:
        if name not in self._tokenizers and "transformers" in sys.modules:
            try:
                self._tokenizers[name] = sys.modules["transformers"].AutoTokenizer.from_pretrained(name)
            except Exception:  # a model without a tokenizer on disk is still recorded, by its tokens
                self._tokenizers[name] = None
        return self._tokenizers.get(name)

    def _note(
        self,
        call: Call,
        output: Any = None,
        error: str | None = None,
        challenge: str | None = None,
        numbers: Sequence[int] | None = None,
    ) -> None:
        """Notes a request for each row. Who generates elsewhere keeps the count, where somebody does."""
        per_row = call.new_tokens(output)
        if numbers is None and self.elsewhere is not None:
            numbers = self.elsewhere.note(call, per_row, error)
        with self._lock:
            for place, (row, new) in enumerate(zip(call.rows, per_row, strict=True)):
                if len(self._requests) >= (MAX_REQUESTS if challenge else MAX_REQUESTS - FOR_CHECKS):
                    self._complete = False
                    return
                self._requests.append(
                    Request(
                        number=numbers[place] if numbers and place < len(numbers) else len(self._requests),
                        cell=call.cell,
                        challenge=challenge,
                        model=call.name,
                        text=_decode(call.tokenizer, row),
                        token_ids=tuple(row[:MAX_TOKENS]),
                        settings=call.settings,
                        outputs=tuple(_decode(call.tokenizer, tokens) for tokens in new),
                        output_ids=tuple(tuple(tokens[:MAX_TOKENS]) for tokens in new),
                        streamed=call.streamed,
                        error=error,
                    )
                )

    def _note_failure(self, call: Call, error: BaseException, numbers: Sequence[int] | None = None) -> None:
        name = type(error).__name__
        self._note(call, error=name, numbers=numbers)
        if name in ("OutOfMemoryError", "AcceleratorError"):
            self._faults.append(f"{name} while {call.name} was generating")

    def _answer(self, call: Call, kwargs: Mapping[str, Any]) -> Any:
        """Answers a challenge: notes the request, then gives back the canned line in the form that was asked for."""
        assert self._challenge is not None
        name, enough = self._challenge
        first = len(self._requests)
        self._note(call, challenge=name)
        streamer = kwargs.get("streamer")
        self._answered += len(call.rows)
        right = any(enough(request) for request in self._requests[first:])
        if streamer is None and (right or self._answered >= MAX_ANSWERED):
            raise Answered
        return canned_output(call, streamer, bool(kwargs.get("return_dict_in_generate")))


@dataclass(frozen=True)
class Made:
    """What came of a call of `generate`.

    Attributes:
        output: as `generate` returns it; None where it raised.
        numbers: of the requests, where somebody else has counted them; None where nobody has.
    """

    output: Any
    numbers: Sequence[int] | None
    error: Exception | None


class Elsewhere(Protocol):
    """Who generates in the place of models whose weights are not in this process (`host/client.py`)."""

    def name_of(self, model: Any) -> str | None:
        """The model's name, where it is one of those."""

    def generate(
        self, original: Any, model: Any, inputs: Any, generation_config: Any, kwargs: dict[str, Any], call: Call
    ) -> Made: ...

    def note(self, call: Call, outputs: Sequence[Sequence[Sequence[int]]], error: str | None) -> list[int] | None:
        """Tells of a request that needs no output. Answers its numbers, where requests are counted elsewhere."""


class Call:
    """One call of `generate`, taken apart."""

    def __init__(
        self,
        name: str,
        ids: Any,
        mask: Any,
        rows: list[list[int]],
        settings: dict[str, Any],
        streamed: bool,
        tokenizer: Any,
        cell: str | None = None,
    ) -> None:
        self.name, self.ids, self.mask, self.rows = name, ids, mask, rows
        self.settings, self.streamed, self.tokenizer = settings, streamed, tokenizer
        self.cell = cell  # the one that asked: a thread may have its output when another is running

    @property
    def copies(self) -> int:
        """How many sequences come back for each row."""
        count = self.settings.get("num_return_sequences")
        return count if isinstance(count, int) and 1 <= count <= 64 else 1

    def encode(self, text: str) -> list[int]:
        """A text in the model's own tokens; one token of no meaning where there is no tokenizer."""
        if self.tokenizer is None:
            return [0]
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def new_tokens(self, output: Any) -> list[list[list[int]]]:
        """For each row the new tokens of each sequence that came back; empty lists where none did."""
        sequences = getattr(output, "sequences", output)
        if not hasattr(sequences, "tolist"):
            return [[] for _ in self.rows]
        start = self.ids.shape[1] if self.ids is not None else 0
        tails = [row[start:] for row in sequences.tolist()]
        each = max(1, len(tails) // max(1, len(self.rows)))
        return [tails[i * each : (i + 1) * each][:64] for i in range(len(self.rows))]


def canned_output(call: Call, streamer: Any, as_dict: bool) -> Any:
    """The canned line as `generate` returns things: a tensor (rows × copies, length), a ModelOutput, or streamed."""
    import torch

    tokens = call.encode(CANNED)
    ids = call.ids if call.ids is not None else torch.zeros((1, 0), dtype=torch.long)
    row = torch.tensor([tokens], dtype=ids.dtype, device=ids.device)
    repeated = ids.repeat_interleave(call.copies, dim=0)
    output = torch.cat([repeated, row.expand(repeated.shape[0], -1)], dim=1)
    if streamer is not None:
        streamer.put(ids.cpu())
        for token in tokens:
            streamer.put(torch.tensor([token]))
        streamer.end()
    if as_dict:
        from transformers.generation.utils import GenerateDecoderOnlyOutput

        return GenerateDecoderOnlyOutput(sequences=output)
    return output


def resolved_settings(model: Any, generation_config: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The generation settings after every default: call over configuration over the model's own over transformers'."""
    try:
        known = set(vars(type(model.generation_config)()))
        given = {key: value for key, value in kwargs.items() if key in known}
        config, _ = model._prepare_generation_config(generation_config, **given)
        values = config.to_dict()
    except Exception as error:  # left for the real call, which reports it in its own words
        return {"unresolved": f"{type(error).__name__}: {error}"[:300]}
    return {key: value for key, value in values.items() if _is_plain(value) and not key.startswith("_")}


def hub_name(name_or_path: str) -> str:
    """`ORG/NAME`, also where a model was loaded from its folder in a Hugging Face cache."""
    found = CACHE_FOLDER.search(name_or_path)
    return f"{found[1]}/{found[2]}" if found else name_or_path.rstrip("/")


def templated(tokenizer: Any, messages: Sequence[Message]) -> str | None:
    """Messages through a tokenizer's chat template, encoded and decoded as a request is; None where that is refused."""
    if not getattr(tokenizer, "chat_template", None):
        return None
    chat = [{"role": CHAT_ROLES.get(kind, kind), "content": content} for kind, content in messages]
    try:
        text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        return _decode(tokenizer, tokens)
    except Exception:  # a template may refuse a role, in an exception of its own making
        return None


def freeze_today() -> None:
    """Has chat templates print one fixed date, so that a request is the same tomorrow.

    Llama's template prints today's date where it can (`strftime_now`); this is the date that it prints where it cannot.
    """

    class Then(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Then:
            return cls(2024, 7, 26, tzinfo=tz)

    def freeze(module: ModuleType) -> None:
        module.datetime = Then  # type: ignore[attr-defined]

    when_imported("transformers.utils.chat_template_utils", freeze)


def redirect_model_home(home: str) -> None:
    """Has models looked for under `home`, offline, whatever HF_HOME says; takes effect when the hub is imported."""
    os.environ["HF_HUB_OFFLINE"] = "1"

    def redirect(constants: ModuleType) -> None:
        cache = os.path.join(home, "hub")
        for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            setattr(constants, name, cache)
        constants.HF_HOME = home  # type: ignore[attr-defined]
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]

    when_imported("huggingface_hub.constants", redirect)


def _decode(tokenizer: Any, tokens: list[int]) -> str:
    if tokenizer is None:
        return ""
    return str(tokenizer.decode(tokens, skip_special_tokens=True))[:MAX_TEXT]


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return len(value) <= 50 and all(_is_plain(v) for v in value)
    return isinstance(value, bool | int | float | str | type(None))
