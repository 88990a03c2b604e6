"""Models without weights: in a kernel, the real class on the `meta` device, with `generate` answered by another process.

`ThinModels` hooks the loading of weights, nothing else of `from_pretrained`, so that configuration, settings, devices and
errors are the real ones. A call of `generate` runs transformers' own `generate` with the decoding put elsewhere (its
`custom_generate`), so that what it checks and refuses is the real thing too. What needs weights here (a forward pass,
`state_dict`, a logits processor of the student's own) loads them first, inside the notebook's limits.

What it does not do: another number type or quantization than the host's own (accepted, and not reproduced).
"""

from __future__ import annotations

import builtins
import copy
import functools
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from autograder.facts.transcript import MAX_TOKENS
from autograder.kernel.generate_call import Call, GenerateResult, as_model_output, as_python, stream
from autograder.kernel.remote_generation import RemoteGeneration
from autograder.kernel.upstream_transformers import MODELING, load_without_weights, usual_settings
from autograder.protocol.model_cache import hub_name, snapshot_of
from autograder.protocol.wire import HONOURED, MAX_ROWS, Answer, Generate, Note, Noted, Refused
from autograder.system.import_hooks import when_imported

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
LOADED_AS = "_loaded_as"  # an attribute of models, which a copy keeps
WANT_MORE = ("output_scores", "output_logits", "output_attentions", "output_hidden_states")
"""Settings that ask for more than tokens."""


class NeedsWeights(Exception):
    """This call cannot be answered by another process."""


class ThinModels:
    """The models of this process whose weights are elsewhere. One for each process; safe to use from several threads.

    Args:
        remote: who answers for them.
        models: the snapshot folders that it answers for, by name; None for any.
    """

    def __init__(self, remote: RemoteGeneration, models: Mapping[str, str] | None = None) -> None:
        self.remote, self.models = remote, models
        self._thin: weakref.WeakKeyDictionary[Any, tuple[str, list[Any]]] = weakref.WeakKeyDictionary()
        self._loading = threading.local()
        self._seed = OwnSeed()
        when_imported(MODELING, self._hook)

    def _hook(self, module: ModuleType) -> None:
        base: Any = module.PreTrainedModel
        from_pretrained = base.from_pretrained.__func__

        @functools.wraps(from_pretrained)
        def load_quantized(cls: Any, name: Any, *args: Any, **kwargs: Any) -> Any:
            wanted = kwargs.get("quantization_config")
            if wanted is None or not self._answered_for(hub_name(str(name))):
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

        load_without_weights(base, self._begins, lambda model: model in self._thin)
        base.from_pretrained = classmethod(load_quantized)

    def _answered_for(self, name: str) -> bool:
        return not getattr(self._loading, "weights", False) and (self.models is None or name in self.models)

    def _begins(self, model: Any, state_dict: Any, checkpoint_files: Any) -> bool:
        """Whether a model that is being loaded stays without weights."""
        if state_dict is not None or not checkpoint_files:
            return False
        folders = {snapshot_of(str(path)) for path in checkpoint_files}
        folder = folders.pop() if len(folders) == 1 else ""
        name = hub_name(folder)
        if not folder or not self._answered_for(name) or not model.can_generate() or model.config.is_encoder_decoder:
            return False
        if self.models is not None and Path(self.models[name]).resolve() != Path(folder).resolve():
            return False
        self._thin[model] = name, self._loading_hooks(model)
        vars(model)[LOADED_AS] = name
        return True

    def _loading_hooks(self, model: Any) -> list[Any]:
        """Hooks that load the model's weights when they are first needed. They keep neither it nor this alive."""
        load, reference = weakref.WeakMethod(self.load_weights), weakref.ref(model)

        def first(*_: Any, **__: Any) -> None:
            method, thin = load(), reference()
            if method is not None and thin is not None:
                method(thin)

        hooks = [part.register_forward_pre_hook(first) for part in model.modules()]
        return [*hooks, model.register_state_dict_pre_hook(first)]

    def load_weights(self, model: Any) -> None:
        """Loads the weights into a model that has none. One that has them stays as it is."""
        _, hooks = self._thin.pop(model, (None, None))
        if hooks is None:
            return
        for hook in hooks:
            hook.remove()
        self._loading.weights = True
        try:
            real = type(model).from_pretrained(model.name_or_path, dtype=model.dtype)
        finally:
            self._loading.weights = False
        for name, part in model.named_modules():
            loaded = real.get_submodule(name)
            for own, weight in [*loaded.named_parameters(recurse=False), *loaded.named_buffers(recurse=False)]:
                setattr(part, own, weight)

    def name_of(self, model: Any) -> str | None:
        """The model's name, where it has no weights."""
        name, _ = self._thin.get(model, (None, None))
        return name

    def known_as(self, model: Any, told: str) -> str:
        """A model's name: `told` is what it says itself, which is not believed of weights that were not loaded by it."""
        false = self.models is None or told in self.models
        return str(getattr(model, LOADED_AS, None) or (type(model).__name__ if false else told))

    def note(self, call: Call, outputs: Sequence[Sequence[Sequence[int]]], error: str | None) -> list[int] | None:
        """Tells of requests that need no output; answers the numbers that they have got, if anybody gives numbers."""
        if self.models is not None and call.name not in self.models:
            return None
        numbers: list[int] = []
        for start in range(0, len(call.rows), MAX_ROWS):
            part = slice(start, start + MAX_ROWS)
            reply = self.remote.ask(
                Note.model_construct(
                    kind="note",
                    model=call.name,
                    rows=[list(row[:MAX_TOKENS]) for row in call.rows[part]],
                    settings=call.settings,
                    outputs=[[list(tokens[:MAX_TOKENS]) for tokens in row] for row in outputs[part]],
                    streamed=call.streamer is not None,
                    error=error,
                )
            )
            if not isinstance(reply, Noted):
                return None
            numbers += reply.numbers
        return numbers or None

    def generate(self, call: Call) -> GenerateResult:
        """One call of `generate`. An exception of the model's is in what comes back; those of transformers' are raised."""
        if not hasattr(call.ids, "ndim") or (call.streamer is not None and _several_beams(call)):
            return GenerateResult(call.run())  # which raises
        decoding = Decoding(call, self.remote, self._seed)
        try:
            if any(_given(call.kwargs.get(name)) for name in NEED_WEIGHTS) or call.ids.ndim != 2:
                raise NeedsWeights
            if call.model.generation_config.stop_strings:  # with `custom_generate`, `generate` loses the tokenizer
                raise NeedsWeights
            decoding.run()
        except NeedsWeights:
            self.load_weights(call.model)
            again = {"streamer": _WithoutPrompt(call.streamer)} if call.streamer is not None and decoding.begun else {}
            return GenerateResult(call.run(**again))
        except Exception:
            if decoding.result is None:
                raise
        assert decoding.result is not None
        return decoding.result


class OwnSeed:
    """The seed that a notebook has given torch, for one answer each time that it gives one."""

    def __init__(self) -> None:
        self._last: int | None = None

    def take(self) -> int | None:
        """The seed that was given since the last call, if one was.

        A model in this process would have used it up, so the next call finds another one.
        """
        torch: Any = sys.modules["torch"]
        now = int(torch.initial_seed()) % (1 << 64)
        if self._last is None:
            self._last = int(torch.Generator().initial_seed())  # of a process that nobody has seeded
        if now == self._last:
            return None
        self._last = (now + 0x9E3779B97F4A7C15) % (1 << 63)
        torch.manual_seed(self._last)
        return now


class Decoding:
    """What stands in the place of transformers' own decoding, for one call.

    Attributes:
        begun: whether transformers has come so far, and given a streamer the prompt.
        result: what came of it, where the remote side has answered.
    """

    def __init__(self, call: Call, remote: RemoteGeneration, seed: OwnSeed) -> None:
        self.begun = False
        self.result: GenerateResult | None = None
        self._call, self._remote, self._seed = call, remote, seed
        self._own = call.kwargs.get("stopping_criteria") or []
        self._ends, self._config, self._kwargs = _without_stop_strings(call.config, call.kwargs)

    def run(self) -> None:
        call = self._call
        call.original(call.model, call.inputs, self._config, **{**self._kwargs, "custom_generate": self.decode})

    def decode(self, model: Any, input_ids: Any, *, generation_config: Any, **rest: Any) -> Any:
        self.begun = True
        settings = {**generation_config.to_dict(), **self._ends}
        reply = self._remote.ask(self._frame(_mask_of(self._call, rest.get("attention_mask")), settings))
        if isinstance(reply, Refused):
            error = _exception(reply)
            self.result = GenerateResult(None, reply.numbers or None, error)
            raise error
        assert isinstance(reply, Answer)
        output = _as_tensor(reply.sequences, input_ids, self._own, generation_config)
        if self._call.streamer is not None:
            stream(self._call.streamer, None, output[0, input_ids.shape[1] :])
        if generation_config.return_dict_in_generate:
            output = as_model_output(output)
        self.result = GenerateResult(output, tuple(reply.numbers))
        return output

    def _frame(self, mask: list[list[int]], settings: Mapping[str, Any]) -> Generate:
        """The request as the host gets it. Raises NeedsWeights where a setting is beyond it."""
        call = self._call
        given = {k: as_python(value) for k, value in settings.items() if value is not None and not k.startswith("_")}
        if "max_new_tokens" in given:  # what `generate` has made of it, prompt included
            given.pop("max_length", None)
        usual = usual_settings()
        beyond = [k for k, v in given.items() if k not in HONOURED | SAY_NOTHING and v != usual.get(k)]
        if beyond or any(given.get(name) for name in WANT_MORE) or (self._own and given.get("num_beams", 1) != 1):
            raise NeedsWeights
        try:
            asked = Generate(
                model=call.name,
                rows=call.ids.tolist(),
                mask=mask,
                settings={key: value for key, value in given.items() if key in HONOURED},
                streamed=call.streamer is not None,
                tokenizer=call.kwargs.get("tokenizer") is not None,
            )
        except ValidationError:  # more than the host takes at a time
            raise NeedsWeights from None
        return asked.model_copy(update={"seed": self._seed.take() if given.get("do_sample") else None})


def _without_stop_strings(config: Any, kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], Any, Mapping[str, Any]]:
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
