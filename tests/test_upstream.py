"""What the kit takes from inside other projects: each name is where it was, with the parameters that we count on.

A test that fails names what has changed, and which of our files must follow. One more private name, or one in another file
than its adapter, fails too. Names without an underscore are listed where no documentation promises them.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

import autograder

PACKAGE = Path(autograder.__file__).parent
TORCH, TRANSFORMERS = "kernel/upstream_torch.py", "kernel/upstream_transformers.py"


@dataclass(frozen=True)
class Name:
    """A name of another project's.

    Attributes:
        at: where it is, `module:name.name`.
        ours: our file that uses it.
        takes: parameters that it must have, the first in this order; None for what is no function.
    """

    at: str
    ours: str
    takes: tuple[str, ...] | None = None

    @property
    def private(self) -> list[str]:
        return [part for part in re.split(r"[:.]", self.at) if re.match(r"_[^_]", part)]

    def found(self) -> Any:
        module, _, path = self.at.partition(":")
        value: Any = importlib.import_module(module)
        for part in path.split("."):
            value = inspect.getattr_static(value, part) if inspect.isclass(value) else getattr(value, part)
            value = value.__func__ if isinstance(value, staticmethod | classmethod) else value
        return value


NAMES = (
    # transformers
    Name("transformers.modeling_utils:PreTrainedModel._load_pretrained_model", TRANSFORMERS,
         ("model", "state_dict", "checkpoint_files")),
    Name("transformers.modeling_utils:PreTrainedModel._finalize_model_loading", TRANSFORMERS,
         ("model", "load_config", "loading_info")),
    Name("transformers.modeling_utils:_get_device_map", TRANSFORMERS, ("model", "device_map")),
    Name("transformers.modeling_utils:get_torch_context_manager_or_global_device", TRANSFORMERS, ()),
    Name("transformers.utils.loading_report:LoadStateDictInfo", TRANSFORMERS,
         ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs", "conversion_errors", "skipped_pp_keys")),
    Name("transformers.generation.utils:GenerationMixin._prepare_generation_config", TRANSFORMERS,
         ("self", "generation_config", "kwargs")),
    Name("transformers.generation.utils:GenerationMixin._valid_auto_compile_criteria", TRANSFORMERS, ("self",)),
    Name("transformers.generation.configuration_utils:GenerationConfig._get_default_generation_params", TRANSFORMERS, ()),
    Name("transformers.generation.utils:GenerationMixin.generate", "kernel/recorder.py",
         ("self", "inputs", "generation_config")),
    Name("transformers.tokenization_utils_base:PreTrainedTokenizerBase.from_pretrained", "kernel/recorder.py", ("cls",)),
    Name("transformers.tokenization_utils_base:PreTrainedTokenizerBase._from_pretrained", TRANSFORMERS,
         ("cls", "resolved_vocab_files")),
    Name("transformers.tokenization_utils_tokenizers:TokenizersBackend.convert_to_native_format", TRANSFORMERS, ("cls",)),
    Name("transformers.tokenization_utils_tokenizers:TokenizerFast.from_file", TRANSFORMERS),
    Name("transformers.models.auto.tokenization_auto:tokenizer_class_from_name", TRANSFORMERS, ("class_name",)),
    Name("transformers.conversion_mapping:get_checkpoint_conversion_mapping", TRANSFORMERS, ("model_type",)),
    Name("transformers.utils.chat_template_utils:datetime.now", "protocol/chat_template.py"),
    Name("transformers.cache_utils:DynamicLayer.update", "host/rows.py", ("self", "key_states", "value_states")),
    Name("transformers.cache_utils:DynamicSlidingWindowLayer.update", "host/rows.py", ("self", "key_states", "value_states")),
    # huggingface_hub
    Name("huggingface_hub.constants:HF_HUB_CACHE", TRANSFORMERS),
    Name("huggingface_hub.constants:HF_HUB_OFFLINE", TRANSFORMERS),
    # torch
    Name("torch.utils._device:_device_constructors", TORCH, ()),
    Name("torch.utils._device:DeviceContext.__init__", TORCH, ("self", "device")),
    Name("torch.jit._builtins:_find_builtin", TORCH, ("fn",)),
    Name("torch.jit._builtins:_register_builtin", TORCH, ("fn", "op")),
    Name("torch.library:Library._destroy", TORCH, ("self",)),
    Name("torch:_C._nn._parse_to", TORCH),
    Name("torch:_C.Generator", TORCH),
    Name("torch.cuda:_exchange_device", TORCH),
    Name("torch.cuda:_maybe_exchange_device", TORCH),
    Name("torch.cuda:_cudart", TORCH),
    Name("torch.cuda:_initialized", TORCH),
    Name("torch.cuda:default_generators", TORCH),
    # ipykernel, IPython
    Name("jupyter_client.manager:KernelManager._connect_control_socket", "jail/messages.py", ("self",)),
    Name("jupyter_client.manager:KernelManager._async_request_shutdown", "jail/messages.py", ("self", "restart")),
    Name("ipykernel.kernelapp:IOPubThread", "jail/parent.py", ("socket", "pipe")),
    Name("ipykernel.kernelapp:IPKernelApp.init_path", "jail/parent.py", ("self",)),
    Name("IPython.core.interactiveshell:InteractiveShell.last_execution_result", "kernel/notebook_tools.py"),
    # importlib, tenacity, traitlets
    Name("os:__spec__._initializing", "system/import_hooks.py"),
    Name("tenacity.nap:time.sleep", "kernel/live_objects.py"),
    Name("traitlets.config:Application._log_formatter_cls", "plugins/steps.py"),
    # nbgrader
    Name("nbgrader.converters.base:BaseConverter._format_source", "plugins/submission_converter.py",
         ("self", "assignment_id", "student_id")),
    Name("nbgrader.converters.base:BaseConverter._format_dest", "plugins/submission_converter.py",
         ("self", "assignment_id", "student_id")),
    Name("nbgrader.preprocessors.latesubmissions:AssignLatePenalties._check_late_penalty", "plugins/judge.py",
         ("self", "notebook", "penalty")),
    Name("nbgrader.nbgraderformat:MetadataValidator.validate_cell", "plugins/restore.py", ("self", "cell")),
    Name("nbgrader.api:Gradebook.close", "plugins/run_gradebook.py", ("self",)),
    Name("nbconvert.exporters:Exporter.optimistic_validation", "plugins/submission_converter.py"),
)  # fmt: skip

CALLED_BY_TORCH = ("cuda/__init__.py", "cuda/memory.py", "_dynamo/device_interface.py", "accelerator/__init__.py")
"""Files of torch whose Python calls the driver; a build without CUDA lacks the functions themselves."""
PUBLIC = {"_exit", "_oh", "_", "_channel", "_port", "_loaded_as", "_on_virtual_gpu"}
"""What only looks private: `os._exit`, documented names of IPython's, ends of names, and what we put on objects of others."""
PROTOCOLS = {"_render_traceback_", "_repr_html_"}
"""What IPython calls, as documented."""


def driver_names() -> list[str]:
    """The names of a driver's functions that are set in torch."""
    text = (PACKAGE / TORCH).read_text(encoding="utf-8")
    return sorted(set(re.findall(r'"(_(?:cuda|accelerator)_\w+|_get_device_properties)"', text)))


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.at)
def test_a_name_of_another_project_is_where_it_was(name: Name) -> None:
    who = f"{name.ours} counts on {name.at}"
    try:
        found = name.found()
    except (ImportError, AttributeError) as error:
        pytest.fail(f"{who}, which is gone: {error}")
    if name.takes is not None:
        parameters = list(inspect.signature(inspect.unwrap(found)).parameters)
        assert parameters[: len(name.takes)] == list(name.takes), f"{who}, whose parameters are now {parameters}"
        if not name.takes:
            assert parameters == [], f"{who}, which takes {parameters} now"


@pytest.mark.parametrize("name", driver_names())
def test_torch_still_calls_its_driver_by_this_name(name: str) -> None:
    import torch

    folder = Path(torch.__file__).parent
    calls = "".join((folder / path).read_text(encoding="utf-8") for path in CALLED_BY_TORCH)
    calls += "".join(path.read_text(encoding="utf-8") for path in folder.glob("accelerator/*.py"))
    assert name in calls, f"{TORCH} supplies {name}, which torch's Python does not call any more"


def test_generate_still_takes_a_function_that_decodes() -> None:
    from transformers.generation.utils import GenerateDecoderOnlyOutput, GenerationMixin

    assert "custom_generate" in inspect.signature(GenerationMixin.generate).parameters, "kernel/thin_models.py"
    assert GenerateDecoderOnlyOutput(sequences=None).past_key_values is None, "kernel/generate_call.py"


def test_transformers_still_asks_a_tokenizers_file_for_its_added_tokens_alone_and_copies_what_it_is_given() -> None:
    from transformers import PreTrainedTokenizerBase, TokenizersBackend

    loads = inspect.getsource(PreTrainedTokenizerBase._from_pretrained)
    assert loads.count("json.load(tokenizer_file_handle)") == 1, TRANSFORMERS
    assert re.findall(r"tokenizer_file_handle\.\w+", loads) == ["tokenizer_file_handle.pop"], TRANSFORMERS
    assert 'if "added_tokens_decoder" in init_kwargs' in loads, TRANSFORMERS
    makes = inspect.getsource(TokenizersBackend.__init__)
    assert "copy.deepcopy(tokenizer_object)" in makes, TRANSFORMERS
    assert makes.count("tokenizer_object") == 5, TRANSFORMERS
    assert makes.count("fast_tokenizer_file") == 5, TRANSFORMERS


def test_ipykernel_still_does_without_a_debugger_that_cannot_be_imported() -> None:
    from ipykernel import debugger, kernelapp

    assert "from debugpy" in inspect.getsource(debugger), "jail/parent.py"
    assert "IOPubThread(" in inspect.getsource(kernelapp), "jail/parent.py"


def test_nbgraders_step_still_asks_the_gradebook_for_no_more_than_a_source_cell_and_its_points() -> None:
    from nbgrader.preprocessors import OverwriteCells

    tree = ast.parse(textwrap.dedent(inspect.getsource(OverwriteCells.preprocess_cell)))
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    asked = {node.attr for node in attributes if ast.unparse(node.value) == "self.gradebook"}
    assert asked == {"find_source_cell", "find_graded_cell"}, "plugins/run_gradebook.py"
    used = {node.attr for node in attributes if ast.unparse(node.value) in ("source_cell", "grade_cell")}
    assert used <= {"name", "cell_type", "source", "checksum", "locked", "max_score"}, "plugins/run_gradebook.py"


# --- Nothing else is used ---


def private_uses(path: Path) -> Iterator[tuple[int, str]]:
    """Private names of others in a file: attributes, imports, and names in strings, those that the file defines left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            own.add(node.attr)
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Attribute):
            names = [node.attr]
        elif isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [part for alias in node.names for part in alias.name.split(".")]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[\w.]+", node.value):
            names = node.value.split(".")
        for name in names:
            if re.match(r"_($|[^_])", name) and name not in own | PUBLIC:
                yield getattr(node, "lineno", 0), name


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_uses_a_private_name_that_is_not_listed_for_it(path: Path) -> None:
    ours = str(path.relative_to(PACKAGE))
    listed = {part for name in NAMES if name.ours == ours for part in name.private}
    listed |= set(driver_names()) if ours == TORCH else set()
    assert [(line, name) for line, name in private_uses(path) if name not in listed] == []


@pytest.mark.parametrize("name", [name for name in NAMES if name.private], ids=lambda name: name.at)
def test_a_private_name_that_is_listed_is_used(name: Name) -> None:
    text = (PACKAGE / name.ours).read_text(encoding="utf-8")
    assert [part for part in name.private if not re.search(rf"\b{part}\b", text)] == []


def test_no_class_of_ours_replaces_a_private_method_of_anothers_that_is_not_listed() -> None:
    replaced, listed = [], PROTOCOLS.union(*(name.private for name in NAMES))
    for module in pkgutil.walk_packages(autograder.__path__, "autograder."):
        for kind in filter(inspect.isclass, vars(importlib.import_module(module.name)).values()):
            if kind.__module__ != module.name:
                continue
            theirs = [base for base in kind.__mro__ if not base.__module__.startswith("autograder")]
            methods = [n for n, v in vars(kind).items() if isinstance(v, FunctionType) and re.match(r"_[^_]", n)]
            replaced += [f"{module.name}:{kind.__name__}.{n}" for n in methods if any(n in vars(b) for b in theirs)]
    assert [name for name in replaced if name.rpartition(".")[2] not in listed] == []
