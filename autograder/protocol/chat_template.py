"""What a model's own chat template makes of messages: the same text in the kernel and in the host, today and tomorrow."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from autograder.facts.transcript import MAX_TEXT, Message
from autograder.system.import_hooks import when_imported

CHAT_ROLES = {"human": "user", "ai": "assistant", "system": "system"}
TEMPLATES = "transformers.utils.chat_template_utils"


def templated(tokenizer: Any, messages: Sequence[Message]) -> str | None:
    """Messages through a tokenizer's chat template, encoded and decoded as a request is; None where that is refused."""
    if not getattr(tokenizer, "chat_template", None):
        return None
    chat = [{"role": CHAT_ROLES.get(kind, kind), "content": content} for kind, content in messages]
    try:
        text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        return decoded(tokenizer, tokenizer(text, add_special_tokens=False)["input_ids"])
    except Exception:  # a template may refuse a role, in an exception of its own making
        return None


def decoded(tokenizer: Any, tokens: Sequence[int]) -> str:
    """Tokens as text, without special tokens; empty where there is no tokenizer."""
    return str(tokenizer.decode(list(tokens), skip_special_tokens=True))[:MAX_TEXT] if tokenizer is not None else ""


def encoded(tokenizer: Any, text: str) -> list[int]:
    """A text in a model's own tokens; one token of no meaning where there is no tokenizer."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"]) if tokenizer is not None else [0]


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

    when_imported(TEMPLATES, freeze)
