"""What the kit takes from inside transformers and huggingface_hub: the one place that knows their private names.

Each function says in the kit's own words what it does. `tests/test_upstream.py` says which of these names, or of their
parameters, a new version has lost.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from autograder.kernel.changes import Changes
from autograder.system.import_hooks import when_imported

GENERATION = "transformers.generation.utils"
MODELING = "transformers.modeling_utils"
TOKENIZERS = "transformers.tokenization_utils_base"
CONFIGURATION = "transformers.generation.configuration_utils"
REPORT = "transformers.utils.loading_report"
HUB = "huggingface_hub.constants"
AUTO = "transformers.models.auto.tokenization_auto"
BACKENDS = "transformers.tokenization_utils_tokenizers"
CONVERSIONS = "transformers.conversion_mapping"
LLAMA = "LlamaTokenizer"
"""The class that transformers does without where the file says more than it does."""


def resolved_config(model: Any, generation_config: Any, given: dict[str, Any]) -> Any:
    """A call's generation settings after every default: call over configuration over the model's own over transformers'."""
    config, _ = model._prepare_generation_config(generation_config, **given)
    return config


@functools.cache
def usual_settings() -> dict[str, Any]:
    """The settings that hold where nobody says anything."""
    defaults: Any = sys.modules[CONFIGURATION].GenerationConfig()
    return {**defaults.to_dict(), **defaults._get_default_generation_params()}


def load_without_weights(base: Any, begins: Callable[[Any, Any, Any], bool], is_thin: Callable[[Any], bool]) -> None:
    """Has `from_pretrained` leave some models on the `meta` device, and do all else that it does.

    Args:
        base: the class PreTrainedModel.
        begins: asked with a model, a given state dict and its checkpoint files; whether it stays without weights.
        is_thin: whether that was the answer for a model.
    """
    load, finish = base._load_pretrained_model, base._finalize_model_loading
    report: Any = sys.modules[REPORT]

    @functools.wraps(load)
    def load_thin(model: Any, state_dict: Any, checkpoint_files: Any, *args: Any, **kwargs: Any) -> Any:
        if not begins(model, state_dict, checkpoint_files):
            return load(model, state_dict, checkpoint_files, *args, **kwargs)
        return report.LoadStateDictInfo(set(), set(), set(), [], {}, set()), None

    @functools.wraps(finish)
    def finish_thin(model: Any, load_config: Any, loading_info: Any) -> Any:
        if not is_thin(model):
            return finish(model, load_config, loading_info)
        model.tie_weights()
        return loading_info

    base._load_pretrained_model = staticmethod(load_thin)
    base._finalize_model_loading = staticmethod(finish_thin)


def follow_device_maps(
    modeling: Any, changes: Changes, follow: Callable[[Any, dict[str, Any]], dict[str, Any]]
) -> None:
    """Has `follow` say where each part of a model is loaded, of what its `device_map` comes to."""

    def get_device_map(real: Any, model: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return follow(model, real(model, *args, **kwargs))

    changes.around(modeling, "_get_device_map", get_device_map)


def load_on_default_device(modeling: Any, changes: Changes, torch: Any) -> None:
    """Has `torch.set_default_device("cuda")` hold for models: transformers asks a new tensor, which says `cpu`."""

    def get_default_device(real: Any) -> Any:
        default = torch.get_default_device()
        return default if default.type == "cuda" else real()

    changes.around(modeling, "get_torch_context_manager_or_global_device", get_default_device)


def never_compile(generation: Any, changes: Changes) -> None:
    """Keeps models from compiling themselves when their cache is static: minutes of work on a CPU, for nothing."""
    changes.around(generation.GenerationMixin, "_valid_auto_compile_criteria", lambda *_, **__: False)


def redirect_model_home(home: str) -> None:
    """Has models looked for under `home`, offline, whatever HF_HOME says; takes effect when the hub is imported."""
    os.environ["HF_HUB_OFFLINE"] = "1"

    def redirect(constants: ModuleType) -> None:
        cache = os.path.join(home, "hub")
        for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            setattr(constants, name, cache)
        constants.HF_HOME = home  # type: ignore[attr-defined]
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]

    when_imported(HUB, redirect)


# --- Tokenizers that have been read already ---


def make_conversions() -> None:
    """Has transformers compile the names of weights of all its models, which it else does for the first that is loaded."""
    importlib.import_module(CONVERSIONS).get_checkpoint_conversion_mapping("")


def can_be_taken(folder: str) -> bool:
    """Whether `from_pretrained` takes a tokenizer that was read for this model: not where its class makes another by itself."""
    try:
        with open(os.path.join(folder, "tokenizer_config.json"), "rb") as file:
            name = json.load(file)["tokenizer_class"]
        if name.removesuffix("Fast") == LLAMA:
            return True
        found: Any = importlib.import_module(AUTO).tokenizer_class_from_name(name)
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    ):  # what it is then is transformers' to find out
        return True
    return found is None or found.__init__ is importlib.import_module(BACKENDS).TokenizersBackend.__init__


def read_tokenizer(path: str) -> Any:
    """The tokenizer below transformers' own, read from its file."""
    return importlib.import_module(BACKENDS).TokenizerFast.from_file(path)


class _HandedOver:
    """A tokenizer where transformers copies what it is given: its copy is itself."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __deepcopy__(self, memo: Any) -> Any:
        return self._tokenizer


def take_tokenizers(take: Callable[[str], Any | None], added: Callable[[str], list[dict[str, Any]] | None]) -> None:
    """Has `from_pretrained` take what has been read of a tokenizer's file, where there is anything, and do all else that it does.

    Args:
        take: asked with the file; a tokenizer that is the caller's alone, or None.
        added: asked with the file; its added tokens, or None.
    """

    def hook_tokens(module: ModuleType) -> None:
        base: Any = module.PreTrainedTokenizerBase
        load = base._from_pretrained.__func__

        @functools.wraps(load)
        def load_with_tokens(cls: Any, files: dict[str, str | None], *args: Any, **kwargs: Any) -> Any:
            tokens = (
                added(files.get("tokenizer_file") or "") if _only_the_tokenizer_says_tokens(files, kwargs) else None
            )
            if tokens is not None:
                made = {token["id"]: {key: token[key] for key in token if key != "id"} for token in tokens}
                kwargs["added_tokens_decoder"] = made
            return load(cls, files, *args, **kwargs)

        base._from_pretrained = classmethod(load_with_tokens)

    def hook_backend(module: ModuleType) -> None:
        base: Any = module.TokenizersBackend
        convert = base.convert_to_native_format.__func__

        @functools.wraps(convert)
        def convert_or_take(cls: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
            made: dict[str, Any] = convert(cls, *args, **kwargs)
            if made.get("tokenizer_object") is None and made.get("tokenizer_file") and cls.__init__ is base.__init__:
                taken = take(made["tokenizer_file"])
                made.update({"tokenizer_object": _HandedOver(taken)} if taken is not None else {})
            return made

        base.convert_to_native_format = classmethod(convert_or_take)

    when_imported(TOKENIZERS, hook_tokens)
    when_imported(BACKENDS, hook_backend)


def _only_the_tokenizer_says_tokens(files: dict[str, str | None], given: dict[str, Any]) -> bool:
    """Whether transformers would read a tokenizer's whole file to find the added tokens in it."""
    others = (files.get("special_tokens_map_file"), files.get("added_tokens_file"))
    if any(others) or "added_tokens_decoder" in given:
        return False
    settings = files.get("tokenizer_config_file")
    if settings is None:
        return True
    with open(settings, "rb") as file:
        return b'"added_tokens_decoder"' not in file.read()
