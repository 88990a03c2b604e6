"""What an exception in a student's code comes to in words: what it says, what was probably meant. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Set
from dataclasses import dataclass

from autograder.facts.evidence import Challenge, Failure
from autograder.facts.verdict import Sentence as Sentence
from autograder.words.checks import FOUND
from autograder.words.hints import HINTS

_COMMA = re.compile(r"':' expected after dictionary key|positional argument follows keyword")
"""What Python says of `{"temperature": 0,9}` and of `temperature=0,9`."""
_TEXT_FOR_NUMBER = "'<' not supported between instances of 'str' and 'int'"
"""What community's class says of a device that is written as text."""
_UNKNOWN_NAME = re.compile(r"name '(\w+)' is not defined")
_REFUSED = re.compile(
    r"unexpected keyword argument '(\w+)'|^(\w+)\n +Extra inputs are not permitted|object has no field \"(\w+)\"",
    re.MULTILINE,
)
"""What models and LangChain's classes say of an argument or a field that they do not have."""
_UNUSED = re.compile(r"`model_kwargs` are not used by the model: \['(\w+)'")
"""What transformers says of a setting whose name it does not know."""
SETTINGS = frozenset({"max_new_tokens", "max_length", "do_sample", "temperature", "top_k", "top_p", "num_beams"})
_NOT_A_DICT = re.compile(
    r"argument after \*\* must be a mapping, not (\w+)"
    r"|_kwargs\n +Input should be a valid dictionary [^\n]*input_type=(\w+)"
)
"""What Python and LangChain's classes say of settings that are no dict."""
_OBJECT = re.compile(r"<(?:[\w.]+\.)?(\w+)(?: object)? at 0x[0-9a-fA-F]+>|\b(\w+): \{'[^{}]*\}")
"""An object as Python shows it, and a pipeline as transformers does."""


@dataclass(frozen=True)
class Mistake:
    """What is told of a mistake: where to look and what to do next, and what was found."""

    hint: Sentence
    found: Sentence


def stopped(variable: str, raised: Failure, names: Set[str], decimals: bool, places: bool) -> Sentence:
    """The hint where the cell that should make a variable raised.

    Args:
        names: of all variables that tasks ask for.
        decimals: whether the task is about a number with decimals.
        places: whether the task places a model on a device.
    """
    if raised.name == "SyntaxError" and decimals and _COMMA.search(raised.message):
        return HINTS["decimal-comma"].fill(variable=variable)
    if raised.name == "TypeError" and places and _TEXT_FOR_NUMBER in raised.message:
        return HINTS["device-text"].fill(variable=variable)
    unknown = _UNKNOWN_NAME.search(raised.message) if raised.name == "NameError" else None
    if unknown and unknown[1] in names - {variable}:
        return HINTS["out-of-order"].fill(variable=variable, name=unknown[1])
    if unused := _UNUSED.search(raised.message):
        return HINTS["setting-unknown"].fill(variable=variable, setting=unused[1])
    for refused in _REFUSED.finditer(raised.message):
        setting = next(filter(None, refused.groups()))
        if setting in SETTINGS:
            return HINTS["setting-refused"].fill(variable=variable, setting=setting)
    return HINTS["missing-raised"].fill(variable=variable, error=error_text(raised))


def misspelled(given: Iterable[str], setting: str, known: Iterable[str]) -> str | None:
    """The name among those given that was probably meant for this setting, and that the model does not know."""
    unknown = sorted(set(given) - {*known} - SETTINGS)
    return next(iter(difflib.get_close_matches(setting, unknown, 1, 0.5)), None)


def settings_mistake(variable: str, failure: Failure) -> Mistake | None:
    """Where settings were not written as a dict of names and values, that; else None."""
    if found := _NOT_A_DICT.search(failure.message):
        kind = found[1] or found[2]
        hint = HINTS["settings-set" if kind == "set" else "settings-type"].fill(variable=variable, type=kind)
        return Mistake(hint, FOUND["settings"].fill(type=kind))
    if failure.name == "TypeError" and "keywords must be strings" in failure.message:
        return Mistake(HINTS["settings-names"].fill(variable=variable), FOUND["settings-names"])
    return None


def chat_mistake(variable: str, failure: Failure) -> Mistake | None:
    """Where LangChain's chat model stands around another class than it takes, or a model without a template, that; else None."""
    found = FOUND["error"].fill(error=error_text(failure))
    for said, hint in (("Expected llm to be one of", "chat-wrapper"), ("chat_template is not set", "no-chat-template")):
        if said in failure.message:
            return Mistake(HINTS[hint].fill(variable=variable), found)
    return None


def of_challenge(challenge: Challenge | None) -> frozenset[str]:
    """What a check's own question ended with, in each form in which it raised."""
    offers = challenge.offers if challenge else ()
    return frozenset(error_text(offer.failure) for offer in offers if offer.failure)


def error_text(failure: Failure) -> str:
    """An exception in one short line, with the classes of objects in place of how they show themselves."""
    first = _OBJECT.sub(lambda found: found[1] or found[2], failure.message.strip()).split("\n")[0]
    return shown(f"{failure.name}: {first}" if first else failure.name, 90)


def shown(text: str, length: int = 160) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"
