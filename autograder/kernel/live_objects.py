"""Looks into a student's live objects without importing anything and without leaving a trace.

Classes are looked up in loaded modules alone: a class that was never imported has no instances. Knows the classes of
LangChain and transformers by name, and asks nothing of them but `isinstance`.
"""

from __future__ import annotations

import functools
import io
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any

CLASSES: dict[str, tuple[tuple[str, str], ...]] = {
    "HuggingFacePipeline": (
        ("langchain_community.llms.huggingface_pipeline", "HuggingFacePipeline"),
        ("langchain_huggingface.llms.huggingface_pipeline", "HuggingFacePipeline"),
    ),
    "ChatHuggingFace": (
        ("langchain_community.chat_models.huggingface", "ChatHuggingFace"),
        ("langchain_huggingface.chat_models.huggingface", "ChatHuggingFace"),
    ),
    "Runnable": (("langchain_core.runnables.base", "Runnable"),),
    "ChatPromptTemplate": (("langchain_core.prompts.chat", "BaseChatPromptTemplate"),),
    "PromptTemplate": (("langchain_core.prompts.base", "BasePromptTemplate"),),
    "LanguageModel": (("langchain_core.language_models.base", "BaseLanguageModel"),),
    "Message": (("langchain_core.messages.base", "BaseMessage"),),
    "MessageHistory": (("langchain_core.runnables.history", "RunnableWithMessageHistory"),),
    "Pipeline": (("transformers.pipelines.base", "Pipeline"),),
    "Model": (("transformers.modeling_utils", "PreTrainedModel"),),
}
NEVER_ENTERED = ("Pipeline", "Model")
MAX_OBJECTS = 400
MAX_DEPTH = 12
MAX_NUMBER = 1e300
"""From here on a number is none that JSON keeps, or that anybody means."""


def is_a(thing: object, *kinds: str) -> bool:
    """Whether `thing` is an instance of one of the classes that `CLASSES` lists under these kinds."""
    for module, name in (named for kind in kinds for named in CLASSES[kind]):
        cls = getattr(sys.modules.get(module), name, None)
        if isinstance(cls, type) and isinstance(thing, cls):
            return True
    return False


def kinds_of(thing: object) -> tuple[str, ...]:
    return tuple(kind for kind in CLASSES if is_a(thing, kind))


def parts_of(thing: object) -> Iterator[object]:
    """`thing` and what it holds: steps of chains, bound objects, fields, elements, what a function closes over."""
    seen: set[int] = set()
    waiting: list[tuple[object, int]] = [(thing, 0)]
    while waiting and len(seen) < MAX_OBJECTS:
        part, depth = waiting.pop(0)
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        if depth < MAX_DEPTH and not is_a(part, *NEVER_ENTERED):
            waiting.extend((inner, depth + 1) for inner in _inside(part))


def _inside(part: object) -> list[object]:
    if isinstance(part, Mapping):
        return list(part.values())[:50]
    if isinstance(part, list | tuple):
        return list(part)[:50]
    found: list[object] = []
    if is_a(part, "Runnable", "LanguageModel"):
        found.extend(list(vars(part).values()))
    if isinstance(part, functools.partial):
        found.extend([part.func, *part.args, *part.keywords.values()])
    function = getattr(part, "__func__", part)
    closure = getattr(function, "__closure__", None)
    if closure:
        found.extend(cell.cell_contents for cell in closure if _filled(cell))
    if function is not part and getattr(part, "__self__", None) is not None:
        found.append(part.__self__)  # type: ignore[attr-defined]
    code, scope = getattr(function, "__code__", None), getattr(function, "__globals__", None)
    if code is not None and scope is not None:  # a lambda that speaks of `llm` holds it by name
        found.extend(scope[name] for name in code.co_names if name in scope and kinds_of(scope[name]))
    return found


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def first_inside(thing: object, kind: str) -> Any:
    """The first part of `thing` that is of this kind, or None."""
    return next((part for part in parts_of(thing) if is_a(part, kind)), None)


def steps_of(chain: object) -> tuple[str, ...]:
    """What each step of a chain is, in order: "prompt", "model" or "other"; nothing for what is no sequence."""
    steps = getattr(chain, "steps", None) if is_a(chain, "Runnable") else None
    if not isinstance(steps, list):
        return ()
    return tuple(
        "prompt" if first_inside(step, "PromptTemplate") is not None
        else "model" if first_inside(step, "LanguageModel") is not None
        else "other"
        for step in steps[:50]
    )  # fmt: skip


def settings_given(chain: object) -> dict[str, tuple[str, ...]]:
    """Names of the settings that a chain carries, by where they were given."""
    given: dict[str, set[str]] = {"bind": set(), "chain": set(), "model_kwargs": set(), "pipeline_kwargs": set()}
    for part in parts_of(chain):
        bound = getattr(part, "kwargs", None) if is_a(part, "Runnable") and hasattr(part, "bound") else None
        if isinstance(bound, dict):
            given["bind"] |= {str(name) for name in bound}
            for where in ("model_kwargs", "pipeline_kwargs"):
                settings = bound.get(where)
                given[where] |= {str(name) for name in settings} if isinstance(settings, Mapping) else set()
            # a sequence hands them to its first step, where nobody reads them
            if steps_of(getattr(part, "bound", None)):
                given["chain"] |= given["pipeline_kwargs"] | {str(name) for name in bound}
        elif is_a(part, "HuggingFacePipeline"):
            for where in ("model_kwargs", "pipeline_kwargs"):
                given[where] |= {str(name) for name in getattr(part, where, None) or {}}
    return {where: tuple(sorted(name[:100] for name in names))[:40] for where, names in given.items() if names}


def temperatures_given(chain: object) -> tuple[float, ...]:
    """The temperatures that a chain carries, wherever they were given, whether anybody reads them or not."""
    found: list[float] = []
    for part in parts_of(chain):
        bound = getattr(part, "kwargs", None)
        inside = bound.get("pipeline_kwargs") if isinstance(bound, dict) else None
        for settings in (bound, inside, getattr(part, "pipeline_kwargs", None)):
            value = settings.get("temperature") if isinstance(settings, dict) else None
            if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MAX_NUMBER:
                found.append(float(value))
    return tuple(dict.fromkeys(found))[:10]


@contextmanager
def no_trace(chain: object, namespace: MutableMapping[str, Any]) -> Iterator[dict[str, Any]]:
    """While open, nothing that a chain does stays behind: no print, no cache entry, no memory, no grown list.

    Yields the `configurable` settings with which the chain gets a session of its own.
    """
    with ExitStack() as undo:
        undo.enter_context(redirect_stdout(io.StringIO()))
        undo.enter_context(redirect_stderr(io.StringIO()))
        if core := sys.modules.get("langchain_core.globals"):
            undo.callback(core.set_llm_cache, core.get_llm_cache())
            core.set_llm_cache(None)
        if nap := sys.modules.get("tenacity.nap"):
            _set_until(undo, nap, "time", _NoWaiting)
        parts = list(parts_of(chain))
        for model in (part for part in parts if is_a(part, "LanguageModel")):
            _set_until(undo, model, "cache", None)
        for container, copy in _containers_of(namespace):
            undo.callback(_put_back, container, copy)
        settings: dict[str, Any] = {"session_id": "check", "thread_id": "check"}
        for memory in (part for part in parts if is_a(part, "MessageHistory")):
            fresh = sys.modules["langchain_core.chat_history"].InMemoryChatMessageHistory()
            _set_until(undo, memory, "get_session_history", lambda *_, _fresh=fresh, **__: _fresh)
            settings |= {spec.id: "check" for spec in getattr(memory, "history_factory_config", ())}
        yield settings


def _set_until(undo: ExitStack, owner: object, name: str, value: object) -> None:
    """Replaces an attribute of the object itself until the stack is closed, without calling its `__setattr__`.

    One that is not there is not made: a stand-in may say that it is an instance of anything.
    """
    if name in vars(owner):
        undo.callback(vars(owner).__setitem__, name, vars(owner)[name])
        vars(owner)[name] = value


class _NoWaiting:
    """Stands for the module `time` where tenacity sleeps between retries: what a check asks gets no better by waiting."""

    @staticmethod
    def sleep(seconds: float) -> None: ...


def _containers_of(namespace: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """The lists, dicts and sets that the student's variables hold (a hand-made memory, say), each with a copy."""
    kept: list[tuple[Any, Any]] = []
    seen: set[int] = set()

    def keep(value: Any, depth: int) -> None:
        if id(value) in seen or depth > 3 or len(kept) > MAX_OBJECTS:
            return
        seen.add(id(value))
        if type(value) in (list, dict, set) and len(value) <= 10_000:
            kept.append((value, value.copy()))
            for inner in list(value.values() if type(value) is dict else value)[:100]:
                keep(inner, depth + 1)
        elif type(getattr(value, "messages", None)) is list:
            keep(value.messages, depth + 1)

    for name, value in list(namespace.items()):  # to look at a student's object may run their code
        if value is not namespace and not name.startswith("_"):
            keep(value, 0)
    return kept


def _put_back(container: Any, copy: Any) -> None:
    if container == copy:
        return
    if type(container) is list:
        container[:] = copy
    else:
        container.clear()
        container.update(copy)
