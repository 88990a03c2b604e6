"""The recorder: notes every request that reaches a model in this process, and answers a check's own questions at once.

`Recorder.start()` hooks `GenerationMixin.generate` when transformers is first imported, so that starting it imports
nothing. What it keeps is bounded (`transcript.py`), and a failure of the recorder never breaks a student's call.

It runs in the student's process, so it proves nothing against a student who attacks it: the model host, outside the
kernel, writes the same transcript with the same words.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from autograder.facts.evidence import Failure
from autograder.facts.transcript import FOR_CHECKS, MAX_REQUESTS, MAX_TOKENS, Message, Rendering, Request, Transcript
from autograder.kernel.generate_call import Call, GenerateResult, canned_output, resolved_settings, rows_of
from autograder.kernel.remote_generation import RemoteGeneration
from autograder.kernel.thin_models import ThinModels
from autograder.kernel.upstream_transformers import GENERATION, TOKENIZERS
from autograder.protocol.chat_template import decoded, encoded, templated
from autograder.protocol.model_cache import hub_name
from autograder.system.import_hooks import when_imported

SETTLE_SECONDS = 1.0
MAX_ANSWERED = 20
"""Requests that one offer of a check's question may lead to: a loop until the model says a certain word never ends."""


class Answered(BaseException):
    """Ends a chain as soon as the right request has arrived: retries and post-processing need not run.

    Not an `Exception`, so that a chain's own retries and fallbacks let it through.
    """


class Recorder:
    """Notes requests from `start()` on. One for each process; safe to use from several threads."""

    def __init__(self) -> None:
        self.thin: ThinModels | None = None
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

    def without_weights(self, remote: RemoteGeneration, models: Mapping[str, str] | None = None) -> None:
        """Has models loaded without weights from now on, and `remote` generate for them; see `ThinModels`."""
        self.thin = ThinModels(remote, models)

    def start(self) -> None:
        """Begins to record; a second call does nothing."""
        if self._started:
            return
        self._started = True
        self._complete = GENERATION not in sys.modules
        when_imported(GENERATION, self._hook_generate)
        when_imported(TOKENIZERS, self._hook_tokenizers)

    def transcript(self) -> Transcript:
        """What was recorded.

        Ask `count` first: it waits a little for calls in other threads, since a streamed answer is complete before its
        `generate` has returned.
        """
        with self._lock:
            return Transcript(
                requests=tuple(self._requests),
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

        @functools.wraps(original)
        def generate(model: Any, inputs: Any = None, generation_config: Any = None, **kwargs: Any) -> Any:
            if getattr(self._inside, "deep", False):  # generate calls itself for some decoding methods
                return original(model, inputs, generation_config, **kwargs)
            call = self._describe(
                original=original, model=model, inputs=inputs, config=generation_config, kwargs=kwargs
            )
            return self._recorded(call)

        mixin.generate = generate

    def _recorded(self, call: Call) -> Any:
        """What `generate` gives back for a call, which is noted with what came of it."""
        challenge = self._challenge
        if challenge is not None:
            return self._answer(call, *challenge)
        with self._busy():
            try:
                made = self._run(call)
            except BaseException as error:
                self._note_failure(call, error)
                raise
            if made.error is not None:
                self._note_failure(call, made.error, made.numbers)
                raise made.error
            self._note(call, made.output, numbers=made.numbers)
        return made.output

    def _run(self, call: Call) -> GenerateResult:
        """Has the model generate, here or where its weights are."""
        if self.thin is not None and self.thin.name_of(call.model) is not None:
            return self.thin.generate(call)
        return GenerateResult(call.run())

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

    def _describe(self, *, original: Any, model: Any, inputs: Any, config: Any, kwargs: Mapping[str, Any]) -> Call:
        """What arrived. A failure to resolve settings is left for the real `generate` to report."""
        name = hub_name(str(getattr(model, "name_or_path", "") or type(model).__name__))
        name = self.thin.known_as(model, name) if self.thin is not None else name
        return Call(
            original=original, model=model, inputs=inputs, config=config, kwargs=kwargs,
            name=name,
            rows=rows_of(inputs if inputs is not None else kwargs.get("input_ids"), kwargs.get("attention_mask")),
            settings=resolved_settings(model, config, kwargs),
            tokenizer=self._tokenizer(name),
            cell=self.cell,
        )  # fmt: skip

    def encode(self, model: str, text: str) -> list[int]:
        """A text in a model's own tokens."""
        return encoded(self._tokenizer(model), text)

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
        """Notes a request for each row. The host keeps the count, where there is one: what it cannot know is not counted."""
        per_row = call.new_tokens(output)
        if numbers is None and self.thin is not None:
            numbers = self.thin.note(call, per_row, error)
            if numbers is None and self.thin.models is not None:
                return
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
                        text=decoded(call.tokenizer, row),
                        token_ids=tuple(row[:MAX_TOKENS]),
                        settings=call.settings,
                        outputs=tuple(decoded(call.tokenizer, tokens) for tokens in new),
                        output_ids=tuple(tuple(tokens[:MAX_TOKENS]) for tokens in new),
                        streamed=call.streamer is not None,
                        error=error,
                    )
                )

    def _note_failure(self, call: Call, error: BaseException, numbers: Sequence[int] | None = None) -> None:
        name = type(error).__name__
        self._note(call, error=name, numbers=numbers)
        if name in ("OutOfMemoryError", "AcceleratorError"):
            self._faults.append(f"{name} while {call.name} was generating")

    def _answer(self, call: Call, name: str, enough: Callable[[Request], bool]) -> Any:
        """Answers a challenge: notes the request, then gives back the canned line in the form that was asked for."""
        first = len(self._requests)
        self._note(call, challenge=name)
        self._answered += len(call.rows)
        right = any(enough(request) for request in self._requests[first:])
        if call.streamer is None and (right or self._answered >= MAX_ANSWERED):
            raise Answered
        return canned_output(call)
