"""Models without weights: in a kernel, the real class on the `meta` device, with `generate` answered elsewhere.

`ThinModels` hooks the loading of weights, nothing else of `from_pretrained`, so that configuration, settings, devices and
errors are the real ones. A call of `generate` runs transformers' own `generate` with the decoding put elsewhere (its
`custom_generate`), so that what it checks and refuses is the real thing too. What needs weights here (a forward pass,
`state_dict`, a logits processor of the student's own) loads them first, inside the notebook's limits.

Elsewhere is the model host (`HostBackend`), or nothing but a canned text (`EchoBackend`). With `recorder.py` this is the
only module that touches transformers' internals: `_load_pretrained_model`, `_finalize_model_loading`, `custom_generate`.

What it does not do: another number type or quantization than the host's own (accepted, and not reproduced).
"""

from __future__ import annotations

import builtins
import copy
import functools
import re
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from pydantic import ValidationError

from autograder.errors import HostLost
from autograder.facts.transcript import MAX_TOKENS
from autograder.kernel.import_hooks import when_imported
from autograder.kernel.recorder import MODELING, Call, Made, hub_name
from autograder.protocol.echo import canned_answer, echo_of
from autograder.protocol.wire import HONOURED, MAX_ROWS, Answer, Generate, Line, Note, Noted, Refused
from autograder.system.disk_cache import digest

SNAPSHOT = re.compile(r"^.*/models--[^/]+/snapshots/[^/]+")
NEED_WEIGHTS = (
    "logits_processor", "prefix_allowed_tokens_fn", "assistant_model", "negative_prompt_ids", "past_key_values",
    "negative_prompt_attention_mask", "custom_generate", "inputs_embeds", "pixel_values", "position_ids", "synced_gpus",
)  # fmt: skip
"""Arguments of `generate` that only weights in the kernel can honour."""
SAY_NOTHING = {
    "transformers_version", "return_dict_in_generate", "cache_implementation", "cache_config", "compile_config",
    "disable_compile", "low_memory", "is_assistant", "prefill_chunk_size", "output_scores", "output_logits",
    "output_attentions", "output_hidden_states", "continuous_batching_config",
}  # fmt: skip
"""Settings that change nothing in the tokens."""
WANT_MORE = ("output_scores", "output_logits", "output_attentions", "output_hidden_states")
"""Settings that ask for more than tokens."""


class Backend(Protocol):
    """Who answers in the place of a model."""

    def snapshot_of(self, name: str) -> str | None:
        """The snapshot folder whose weights it answers for; None for a model that it does not know, "" for any."""

    def generate(self, asked: Generate, encode: Callable[[str], list[int]]) -> Answer | Refused: ...

    def note(self, noted: Note) -> list[int] | None: ...


class HostBackend:
    """The model host, over the socket of this notebook.

    Args:
        models: snapshot folders by name, as the host told them.
    """

    def __init__(self, socket: str, models: Mapping[str, str]) -> None:
        self._socket, self._models = socket, dict(models)

    def snapshot_of(self, name: str) -> str | None:
        return self._models.get(name)

    def generate(self, asked: Generate, encode: Callable[[str], list[int]]) -> Answer | Refused:
        reply = self._ask(asked)
        assert isinstance(reply, Answer | Refused)
        return reply

    def note(self, noted: Note) -> list[int] | None:
        if noted.model not in self._models:
            return None
        numbers: list[int] = []
        for start in range(0, len(noted.rows), MAX_ROWS):
            rows, outputs = (part[start : start + MAX_ROWS] for part in (noted.rows, noted.outputs))
            reply = self._ask(noted.model_copy(update={"rows": rows, "outputs": outputs}))
            if not isinstance(reply, Noted):
                return None
            numbers += reply.numbers
        return numbers

    def _ask(self, frame: Generate | Note) -> Any:
        try:
            line = Line(self._socket)
        except HostLost as error:
            return Refused(name="RuntimeError", message=str(error)[:500])
        try:
            return line.ask(frame)
        except HostLost as error:
            return Refused(name="RuntimeError", message=str(error)[:500])
        finally:
            line.close()


class EchoBackend:
    """No model at all: a canned text, another one for another request, and at once."""

    def __init__(self) -> None:
        self._times: Counter[str] = Counter()
        self._lock = threading.Lock()

    def snapshot_of(self, name: str) -> str | None:
        return ""

    def generate(self, asked: Generate, encode: Callable[[str], list[int]]) -> Answer | Refused:
        seed = None
        if asked.settings.get("do_sample"):
            core = digest(asked.model_dump())
            with self._lock:
                self._times[core] += 1
                seed = self._times[core] if asked.seed is None else asked.seed
        return Answer(numbers=[], sequences=canned_answer(asked, encode(echo_of(asked, seed))))

    def note(self, noted: Note) -> list[int] | None:
        return None


class NeedsWeights(Exception):
    """This call cannot be answered elsewhere."""


class ThinModels:
    """The models of this process whose weights are elsewhere. One for each process; safe to use from several threads."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._thin: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        self._whole = threading.local()
        self._seed: int | None = None
        when_imported(MODELING, self._hook)

    def _hook(self, module: ModuleType) -> None:
        base: Any = module.PreTrainedModel
        load, finish = base._load_pretrained_model, base._finalize_model_loading
        from_pretrained = base.from_pretrained.__func__
        report: Any = sys.modules["transformers.utils.loading_report"]

        @functools.wraps(load)
        def load_thin(model: Any, state_dict: Any, checkpoint_files: Any, *args: Any, **kwargs: Any) -> Any:
            name = self._name_of(model, state_dict, checkpoint_files)
            if name is None:
                return load(model, state_dict, checkpoint_files, *args, **kwargs)
            self._make_thin(model, name)
            return report.LoadStateDictInfo(set(), set(), set(), [], {}, set()), None

        @functools.wraps(finish)
        def finish_thin(model: Any, load_config: Any, loading_info: Any) -> Any:
            if model not in self._thin:
                return finish(model, load_config, loading_info)
            model.tie_weights()
            return loading_info

        @functools.wraps(from_pretrained)
        def load_quantized(cls: Any, name: Any, *args: Any, **kwargs: Any) -> Any:
            wanted = kwargs.get("quantization_config")
            if wanted is None or not self._known(name):
                return from_pretrained(cls, name, *args, **kwargs)
            given = {key: value for key, value in kwargs.items() if key != "quantization_config"}
            if given.get("device_map") is None:
                given["device_map"] = {"": 0}  # where quantized weights go when nobody says where
            model = from_pretrained(cls, name, *args, **given)
            model.config.quantization_config = wanted
            for bits in ("4", "8"):
                if getattr(wanted, f"load_in_{bits}bit", False):
                    setattr(model, f"is_loaded_in_{bits}bit", True)
            return model

        base._load_pretrained_model = staticmethod(load_thin)
        base._finalize_model_loading = staticmethod(finish_thin)
        base.from_pretrained = classmethod(load_quantized)

    def _known(self, name: Any) -> bool:
        return not getattr(self._whole, "wanted", False) and self._backend.snapshot_of(hub_name(str(name))) is not None

    def _name_of(self, model: Any, state_dict: Any, checkpoint_files: Any) -> str | None:
        """The name under which the backend answers for what is being loaded, or None."""
        if getattr(self._whole, "wanted", False) or state_dict is not None or not checkpoint_files:
            return None
        folders = {match[0] if (match := SNAPSHOT.match(str(path))) else "" for path in checkpoint_files}
        folder = folders.pop() if len(folders) == 1 else ""
        name = hub_name(folder)
        known = self._backend.snapshot_of(name) if folder else None
        if known is None or not model.can_generate() or model.config.is_encoder_decoder:
            return None
        return name if known == "" or Path(known).resolve() == Path(folder).resolve() else None

    def _make_thin(self, model: Any, name: str) -> None:
        self._thin[model] = name
        whole = weakref.WeakMethod(self.make_whole)
        reference = weakref.ref(model)

        def first(*_: Any, **__: Any) -> None:
            method, thin = whole(), reference()
            if method is not None and thin is not None:
                method(thin)

        hooks = [part.register_forward_pre_hook(first) for part in model.modules()]
        hooks.append(model.register_state_dict_pre_hook(first))
        model.__dict__["_thin_hooks"] = hooks

    def make_whole(self, model: Any) -> None:
        """Loads the weights into a model that has none. What is already whole stays as it is."""
        if self._thin.pop(model, None) is None:
            return
        for hook in model.__dict__.pop("_thin_hooks", ()):
            hook.remove()
        self._whole.wanted = True
        try:
            real = type(model).from_pretrained(model.name_or_path, dtype=model.dtype)
        finally:
            self._whole.wanted = False
        for name, part in model.named_modules():
            loaded = real.get_submodule(name)
            part._parameters.update(loaded._parameters)
            part._buffers.update(loaded._buffers)

    # --- as the recorder's `elsewhere` ---

    def name_of(self, model: Any) -> str | None:
        """The model's name, where it is answered for elsewhere."""
        return self._thin.get(model)

    def note(self, call: Call, outputs: Sequence[Sequence[Sequence[int]]], error: str | None) -> list[int] | None:
        """Tells of a request that needs no output; answers the numbers that it has got, if anybody gives numbers."""
        return self._backend.note(
            Note.model_construct(
                kind="note",
                model=call.name,
                rows=[list(row[:MAX_TOKENS]) for row in call.rows],
                settings=call.settings,
                outputs=[[list(tokens[:MAX_TOKENS]) for tokens in row] for row in outputs],
                streamed=call.streamed,
                error=error,
            )
        )

    def generate(
        self, original: Any, model: Any, inputs: Any, generation_config: Any, kwargs: dict[str, Any], call: Call
    ) -> Made:
        """One call of `generate`. An exception of the model's is in what comes back; those of transformers' are raised."""
        made: list[Made] = []
        streamer, own = kwargs.get("streamer"), kwargs.get("stopping_criteria") or []
        ends, generation_config, kwargs = _without_stop_strings(generation_config, kwargs)
        prompted = []

        def decode(model: Any, input_ids: Any, *, generation_config: Any, **rest: Any) -> Any:
            prompted.append(streamer)
            settings = {**generation_config.to_dict(), **ends}
            mask = _mask_of(call, rest.get("attention_mask"))
            asked = self._frame(call, mask, settings, own, kwargs.get("tokenizer") is not None)
            reply = self._backend.generate(asked, call.encode)
            if isinstance(reply, Refused):
                error = _exception(reply)
                made.append(Made(None, reply.numbers or None, error))
                raise error
            output = _as_tensor(reply.sequences, input_ids, own, generation_config)
            if streamer is not None:
                for token in output[0, input_ids.shape[1] :]:
                    streamer.put(token.reshape(1))
                streamer.end()
            if generation_config.return_dict_in_generate:
                output = sys.modules["transformers.generation.utils"].GenerateDecoderOnlyOutput(sequences=output)
            made.append(Made(output, tuple(reply.numbers), None))
            return output

        if not hasattr(call.ids, "ndim") or (streamer is not None and _several_beams(call)):
            return Made(original(model, inputs, generation_config, **kwargs, **ends), None, None)  # its own error
        try:
            if any(_given(kwargs.get(name)) for name in NEED_WEIGHTS) or call.ids.ndim != 2:
                raise NeedsWeights
            if model.generation_config.stop_strings:  # with `custom_generate`, `generate` loses the tokenizer
                raise NeedsWeights
            original(model, inputs, generation_config, custom_generate=decode, **kwargs)
        except NeedsWeights:
            self.make_whole(model)
            if streamer is not None and prompted:
                kwargs = {**kwargs, "streamer": _WithoutPrompt(streamer)}
            return Made(original(model, inputs, generation_config, **kwargs, **ends), None, None)
        except Exception:
            if not made:
                raise
        return made[0]

    def _frame(
        self, call: Call, mask: list[list[int]], settings: Mapping[str, Any], own: Sequence[Any], tokenizer: bool
    ) -> Generate:
        """The request as the host gets it. Raises NeedsWeights where a setting is beyond it."""
        given = {key: value for key, value in settings.items() if value is not None and not key.startswith("_")}
        if "max_new_tokens" in given:  # what `generate` has made of it, prompt included
            given.pop("max_length", None)
        usual = usual_settings()
        beyond = [k for k, v in given.items() if k not in HONOURED | SAY_NOTHING and v != usual.get(k)]
        if beyond or any(given.get(name) for name in WANT_MORE) or (own and given.get("num_beams", 1) != 1):
            raise NeedsWeights
        try:
            asked = Generate(
                model=call.name,
                rows=call.ids.tolist(),
                mask=mask,
                settings={key: value for key, value in given.items() if key in HONOURED},
                streamed=call.streamed,
                tokenizer=tokenizer,
            )
        except ValidationError:  # more than the host takes at a time
            raise NeedsWeights from None
        return asked.model_copy(update={"seed": self._own_seed() if given.get("do_sample") else None})

    def _own_seed(self) -> int | None:
        """The seed that the notebook has given torch since the last call, if it has.

        A model in this process would have used it up, so the next call finds another one.
        """
        torch: Any = sys.modules["torch"]
        now = int(torch.initial_seed()) % (1 << 64)
        if self._seed is None:
            self._seed = first_seed(torch)
        if now == self._seed:
            return None
        self._seed = (now + 0x9E3779B97F4A7C15) % (1 << 63)
        torch.manual_seed(self._seed)
        return now


@functools.cache
def usual_settings() -> dict[str, Any]:
    """The settings that hold where nobody says anything."""
    defaults = sys.modules["transformers.generation.configuration_utils"].GenerationConfig()
    return {**defaults.to_dict(), **defaults._get_default_generation_params()}


def _without_stop_strings(config: Any, kwargs: dict[str, Any]) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    """Stop strings apart from the rest, where a tokenizer came along: with `custom_generate`, `generate` loses it."""
    if kwargs.get("tokenizer") is None:
        return {}, config, kwargs
    ends = kwargs.get("stop_strings") or getattr(config, "stop_strings", None)
    rest = {key: value for key, value in kwargs.items() if key != "stop_strings"}
    if getattr(config, "stop_strings", None):
        config = copy.deepcopy(config)
        config.stop_strings = None
    return ({"stop_strings": [ends] if isinstance(ends, str) else list(ends)} if ends else {}), config, rest


def _several_beams(call: Call) -> bool:
    beams = call.settings.get("num_beams")
    return isinstance(beams, int) and beams > 1


class _WithoutPrompt:
    """A streamer that has got the prompt already, for a second call of `generate` that gives it again."""

    def __init__(self, streamer: Any) -> None:
        self._streamer, self._begun = streamer, False

    def put(self, value: Any) -> None:
        if self._begun:
            self._streamer.put(value)
        self._begun = True

    def end(self) -> None:
        self._streamer.end()


def _mask_of(call: Call, prepared: Any) -> list[list[int]]:
    """The attention mask that `generate` has prepared, where none was given from the padding, one row for each input.

    Args:
        prepared: (rows × copies, length); None where all is input.
    """
    if prepared is None:
        return [[1] * call.ids.shape[1] for _ in range(call.ids.shape[0])]
    rows: list[list[int]] = prepared[:: prepared.shape[0] // call.ids.shape[0]].long().tolist()
    return rows


def first_seed(torch: Any) -> int:
    """The seed of a process that nobody has seeded (c10's `default_rng_seed_val`)."""
    return int(torch.Generator().initial_seed())


def _given(value: Any) -> bool:
    return value is not None and value is not False and not (isinstance(value, list) and not value)


def _as_tensor(sequences: list[list[int]], input_ids: Any, own: Sequence[Any], config: Any) -> Any:
    """Sequences as `generate` returns them, ended where the student's own stopping criteria say so."""
    torch: Any = sys.modules["torch"]
    output = torch.tensor(sequences, dtype=torch.long, device=input_ids.device)
    if not own:
        return output
    pad = config.pad_token_id if config.pad_token_id is not None else config.eos_token_id
    pad = pad[0] if isinstance(pad, list) else pad
    running = torch.ones(output.shape[0], dtype=torch.bool)
    for length in range(input_ids.shape[1] + 1, output.shape[1] + 1):
        output[~running, length - 1] = pad if pad is not None else 0
        for criterion in own:
            ended = criterion(output[:, :length], None)
            running &= ~(ended if torch.is_tensor(ended) else torch.full_like(running, bool(ended)))
        if not running.any():
            return output[:, :length]
    return output


def _exception(refused: Refused) -> Exception:
    """The exception that a refusal stands for: a built-in one of that name, else a RuntimeError that names it."""
    kind = getattr(builtins, refused.name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(refused.message)
        except TypeError:  # some take more arguments
            pass
    return RuntimeError(f"{refused.name}: {refused.message}")
