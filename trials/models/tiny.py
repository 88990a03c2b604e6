"""Tiny random models, laid out as a Hugging Face cache, for tests of what *reaches* a model.

`make_model_home` writes a model home that the course's own code loads offline under the course's model names:
the real classes of the family, a tokenizer, a chat template for instruct models, and the family's published
sampling settings. A model is made in a fraction of a second and takes about 100 kB. Its words are gibberish,
but always plain printable ASCII, never the end of text, and other words for another name.

What this does not do: make sense (`stand_ins.py` lays out a small model that does), imitate a family's
vocabulary, or cost what a real model costs. torch and transformers are imported when a home is made, and so
is huggingface_hub, which reads HF_HOME at that moment: load the models in another process.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from autograder.protocol.model_cache import model_folder

Family = Literal["llama", "gemma", "gemma-multimodal"]

_HIDDEN = 16
_LAYERS = {"llama": 1, "gemma": 2, "gemma-multimodal": 2}  # Gemma has two kinds of attention
_CONTEXT = 4096  # tokens
_NEVER = -100.0  # added to a logit: with this distance a token is not drawn at temperature 5 either

# A few merges, so that a text has other ids than its bytes, and a text cut and joined again may have other
# ids too.
_MERGES = [("h", "e"), ("t", "he"), ("Ġ", "the"), ("i", "n"), ("e", "r"), ("Ġ", "a"), ("a", "r"), ("o", "u")]

# Written for these tests in the style of Llama 3: a header of special tokens before each message.
_LLAMA_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}"
    "{{ message['content'] | trim }}{{ '<|eot_id|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)

# In the style of Gemma 3: no system role (its text opens the first user turn), the assistant is called
# "model", and a content may be a list of parts.
_GEMMA_TEMPLATE = (
    "{% macro words(content) %}"
    "{% if content is string %}{{ content | trim }}"
    "{% else %}{% for part in content if part['type'] == 'text' %}{{ part['text'] | trim }}{% endfor %}"
    "{% endif %}"
    "{% endmacro %}"
    "{{ bos_token }}"
    "{% set opening = namespace(text='') %}"
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{% set opening.text = words(message['content']) + '\n\n' %}"
    "{% else %}"
    "{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\n' }}"
    "{{ opening.text }}{{ words(message['content']) }}{{ '<end_of_turn>\n' }}"
    "{% set opening.text = '' %}"
    "{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)


@dataclass(frozen=True)
class TinyModel:
    """A model to make.

    `family` is the class of the real one: "llama" (`LlamaForCausalLM`), "gemma" (`Gemma3ForCausalLM`, as
    Gemma 3 1B) or "gemma-multimodal" (`Gemma3ForConditionalGeneration`, as Gemma 3 4B and larger; it carries
    a tiny vision tower and is for text: no image processor is laid out). `chat` is true for an instruct
    model, false for a base model.
    """

    family: Family
    chat: bool


@dataclass(frozen=True)
class _Manner:
    """How a family writes: its special tokens (in the order of their ids), its template, its sampling."""

    specials: tuple[str, ...]
    bos: str
    eos: str
    end_of_turn: str
    chat_eos: str  # what the tokenizer of an instruct model calls its end of text
    pad: str | None
    padding_side: Literal["left", "right"]
    template: str
    sampling: Mapping[str, object]


# Sampling: the published generation_config.json of meta-llama/Llama-3.2-1B, which equals that of its instruct
# model. Llama 3.2 publishes no padding token.
_LLAMA = _Manner(
    specials=("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    bos="<|begin_of_text|>",
    eos="<|end_of_text|>",
    end_of_turn="<|eot_id|>",
    chat_eos="<|eot_id|>",
    pad=None,
    padding_side="right",
    template=_LLAMA_TEMPLATE,
    sampling={"do_sample": True, "temperature": 0.6, "top_p": 0.9},
)

# Sampling: the published generation_config.json of google/gemma-3-1b-it. Its `cache_implementation` is left
# out: that is about memory, and changes nothing that is said.
_GEMMA = _Manner(
    specials=(
        "<pad>",
        "<eos>",
        "<bos>",
        "<unk>",
        "<start_of_turn>",
        "<end_of_turn>",
        "<start_of_image>",
        "<end_of_image>",
        "<image_soft_token>",
    ),
    bos="<bos>",
    eos="<eos>",
    end_of_turn="<end_of_turn>",
    chat_eos="<eos>",
    pad="<pad>",
    padding_side="left",
    template=_GEMMA_TEMPLATE,
    sampling={"do_sample": True, "top_k": 64, "top_p": 0.95},
)

_MANNERS: Mapping[Family, _Manner] = {"llama": _LLAMA, "gemma": _GEMMA, "gemma-multimodal": _GEMMA}


def make_model_home(home: Path, models: Mapping[str, TinyModel]) -> None:
    """Lay out `models` (by name, such as "meta-llama/Llama-3.2-1B") as a Hugging Face cache under `home`.

    `HF_HOME=home HF_HUB_OFFLINE=1` then loads them. Weights depend on the name alone. Raises FileExistsError
    where `home` already has a model of one of these names.
    """
    for name, model in models.items():
        revision = hashlib.sha1(f"tiny {name} {model}".encode()).hexdigest()
        repo = model_folder(home, name)
        snapshot = repo / "snapshots" / revision
        (repo / "refs").mkdir(parents=True)
        snapshot.mkdir(parents=True)
        _save(name, model, snapshot)
        (repo / "refs" / "main").write_text(revision)
    for path in (home, *home.rglob("*")):  # a model home is for everybody to read
        path.chmod(0o755 if path.is_dir() else 0o644)


def _save(name: str, model: TinyModel, folder: Path) -> None:
    manner = _MANNERS[model.family]
    tokenizer = _tokenizer(manner, model.chat)
    network = _network(model.family, manner, tokenizer)
    _fill(network, seed=int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big"))
    _speak_plainly(network, tokenizer)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # safetensors leaves it to its owner, a grader may be another
    settings = _generation_settings(manner, tokenizer, model.chat)
    (folder / "generation_config.json").write_text(json.dumps(settings, indent=2) + "\n")


def _tokenizer(manner: _Manner, chat: bool) -> Any:
    """A byte-level BPE: any text decodes to itself; the beginning of text is added on encode."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *("".join(pair) for pair in _MERGES)]
    ids = {piece: number for number, piece in enumerate([*manner.specials, *pieces])}
    backend = Tokenizer(models.BPE(vocab=ids, merges=_MERGES))
    backend.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in manner.specials])
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.TemplateProcessing(
        single=f"{manner.bos} $A",
        pair=f"{manner.bos} $A {manner.bos} $B",
        special_tokens=[(manner.bos, ids[manner.bos])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=manner.bos,
        eos_token=manner.chat_eos if chat else manner.eos,
        pad_token=manner.pad,
        padding_side=manner.padding_side,
        chat_template=manner.template if chat else None,
        clean_up_tokenization_spaces=False,  # it would drop spaces before punctuation: not lossless
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=_CONTEXT,
    )


def _generation_settings(manner: _Manner, tokenizer: Any, chat: bool) -> dict[str, object]:
    ends = [manner.eos, manner.end_of_turn] if chat else [manner.eos]
    ids = [tokenizer.convert_tokens_to_ids(token) for token in ends]
    settings: dict[str, object] = {"bos_token_id": tokenizer.bos_token_id, **manner.sampling}
    settings["eos_token_id"] = ids if chat else ids[0]
    if manner.pad is not None:
        settings["pad_token_id"] = tokenizer.pad_token_id
    return settings


def _network(family: Family, manner: _Manner, tokenizer: Any) -> Any:
    """The family's own class, as small as it gets, with weights yet to be drawn."""
    import torch
    import transformers

    sizes = {
        "vocab_size": len(tokenizer),
        "hidden_size": _HIDDEN,
        "intermediate_size": 2 * _HIDDEN,
        "num_hidden_layers": _LAYERS[family],
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": _HIDDEN // 2,
        "max_position_embeddings": _CONTEXT,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.convert_tokens_to_ids(manner.eos),
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": False,  # `_speak_plainly` writes to the output alone
    }
    with torch.random.fork_rng(devices=[]):  # the constructors draw from torch's global generator
        if family == "llama":
            return transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes))
        text = transformers.Gemma3TextConfig(
            **sizes, query_pre_attn_scalar=_HIDDEN // 2, layer_types=["sliding_attention", "full_attention"]
        )
        if family == "gemma":
            return transformers.Gemma3ForCausalLM(text)
        return transformers.Gemma3ForConditionalGeneration(_multimodal_config(text, tokenizer))


def _multimodal_config(text: Any, tokenizer: Any) -> Any:
    import transformers

    vision = transformers.SiglipVisionConfig(
        hidden_size=_HIDDEN,
        intermediate_size=2 * _HIDDEN,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        vision_use_head=False,
    )
    return transformers.Gemma3Config(
        text_config=text,
        vision_config=vision,
        mm_tokens_per_image=1,
        boi_token_index=tokenizer.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=tokenizer.convert_tokens_to_ids("<end_of_image>"),
        image_token_index=tokenizer.convert_tokens_to_ids("<image_soft_token>"),
        tie_word_embeddings=False,
    )


def _fill(network: Any, seed: int) -> None:
    """Draw every matrix from N(0, 0.5²) with a generator of our own; norms and biases stay as they are."""
    import torch

    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, weight in sorted(network.named_parameters()):
            if weight.ndim > 1:
                weight.normal_(0.0, 0.5, generator=draws)


def _speak_plainly(network: Any, tokenizer: Any) -> None:
    """Let the network say printable ASCII only, and no special token: no answer ends early or is no text.

    The first channel is kept at a positive constant (every token's embedding has it, no layer writes to it),
    and the output takes it with `_NEVER` for the tokens that shall not come: a bias, where these classes have
    none.
    """
    import torch

    with torch.no_grad():
        network.get_input_embeddings().weight[:, 0] = 1.0
        for name, weight in network.named_parameters():
            if name.endswith(("self_attn.o_proj.weight", "mlp.down_proj.weight")):
                weight[0] = 0.0
        output = network.get_output_embeddings().weight
        output *= 2.0  # wide apart, so that what is said depends on what was asked
        output[:, 0] = 0.0
        for number, piece in enumerate(tokenizer.convert_ids_to_tokens(range(len(tokenizer)))):
            if number in tokenizer.added_tokens_decoder or not _is_printable(piece):
                output[number, 0] = _NEVER


def _is_printable(piece: str) -> bool:
    """Whether a piece of the byte-level alphabet (where Ġ stands for the space) is printable ASCII."""
    plain = piece.replace("Ġ", " ")
    return plain.isascii() and plain.isprintable()
