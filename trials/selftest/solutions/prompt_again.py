"""Mistakes in the unscored cell that makes `prompt` again in another notebook."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.pieces import (
    EITHER_PACKAGE,
    IMPORT_HUMAN,
    LIMIT,
    PLACEHOLDER,
    QUESTION,
    SYSTEM,
    loaded,
    prompt_of,
)

RIGHT = ()


WRONG = (
    Solution(
        "prompt: rebuilt without its system prompt, after its check",
        {"chain": prompt_of(PLACEHOLDER) + "chatbot = prompt | llm"},
        {"chain": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "prompt: rebuilt with another system prompt, after its check",
        {"chain": prompt_of('("system", "Be brief.")', PLACEHOLDER) + "chatbot = prompt | llm"},
        {"chain": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "prompt: one mistake at its check, and another one after it",
        {
            "prompt": prompt_of('("system", "You are a helpful assistant.")', PLACEHOLDER),
            "chain": prompt_of('("system", "Be brief.")', PLACEHOLDER) + "chatbot = prompt | llm",
        },
        {"prompt": frozenset({"system"}), "chain": frozenset({"text"})},
        "system-other",
        alone=True,
    ),
    Solution(
        "prompt: rebuilt for the first question, and asked past the chain",
        {"who-are-you": IMPORT_HUMAN + prompt_of(PLACEHOLDER) + f"result = (prompt | llm).invoke({QUESTION})"},
        {"who-are-you": frozenset({"asked"})},
        "asked-otherwise",
        alone=True,
    ),
    Solution(
        "chain: rebuilt around another model, after its check",
        {
            "who-are-you": IMPORT_HUMAN
            + EITHER_PACKAGE
            + loaded("other", "«py(models.large)»", settings=LIMIT)
            + f"chatbot = prompt | other\nresult = chatbot.invoke({QUESTION})"
        },
        {"who-are-you": frozenset({"asked"})},
        "asked-other-model",
        alone=True,
    ),
    Solution(
        "prompt: left out in the second notebook",
        {"prompt-again": prompt_of(PLACEHOLDER)},
        {"instruct-small": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "prompt: another one in the second notebook",
        {"prompt-again": prompt_of('("system", "Be brief.")', PLACEHOLDER)},
        {"instruct-small": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "prompt: the first question in the placeholder's place, and nothing else asked",
        {
            "prompt": prompt_of(SYSTEM, '("human", «py(task_of("who-are-you").question)»)'),
            "who-are-you": "result = chatbot.invoke({})",
            "ideal-boat": "boat = chatbot.invoke({})",
        },
        {"prompt": frozenset({"placeholder"}), "ideal-boat": frozenset({"asked", "kept"})},
        "question-inside",
        alone=True,
    ),
)
