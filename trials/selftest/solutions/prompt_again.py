"""Mistakes in the unscored cell that makes `prompt` again in another notebook."""

from __future__ import annotations

from trials.selftest.library import Mistakes, Solution
from trials.selftest.solutions.families import ANOTHER_MODEL
from trials.selftest.solutions.pieces import (
    ANSWER,
    ASKED,
    IMPORT_HUMAN,
    PLACEHOLDER,
    QUESTION,
    SYSTEM,
    TEXT,
    prompt_of,
)

wrong = Mistakes("prompt-again", "prompt", alone=True)
WRONG = (
    wrong("rebuilt without its system prompt, after its check",
          {"chain": prompt_of(PLACEHOLDER) + "chatbot = prompt | llm"}, {"chain": TEXT}, "text-no-prompt"),
    wrong("rebuilt with another system prompt, after its check",
          {"chain": prompt_of('("system", "Be brief.")', PLACEHOLDER) + "chatbot = prompt | llm"}, {"chain": TEXT},
          "text-no-prompt"),
    wrong("one mistake at its check, and another one after it",
          {"prompt": prompt_of('("system", "You are a helpful assistant.")', PLACEHOLDER),
          "chain": prompt_of('("system", "Be brief.")', PLACEHOLDER) + "chatbot = prompt | llm"},
          {"prompt": frozenset({"system"}), "chain": TEXT}, "system-other"),
    wrong("rebuilt for the first question, and asked past the chain",
          {"who-are-you": IMPORT_HUMAN + prompt_of(PLACEHOLDER) + f"result = (prompt | llm).invoke({QUESTION})"},
          {"who-are-you": ASKED}, "asked-otherwise"),
    Solution("chain: rebuilt around another model, after its check",
          {"who-are-you": IMPORT_HUMAN + ANOTHER_MODEL
          + f"chatbot = prompt | other\nresult = chatbot.invoke({QUESTION})"},
          {"who-are-you": ASKED}, "asked-other-model", alone=True),
    wrong("left out in the second notebook", prompt_of(PLACEHOLDER), {"instruct-small": TEXT}, "text-no-prompt"),
    wrong("another one in the second notebook", prompt_of('("system", "Be brief.")', PLACEHOLDER),
          {"instruct-small": TEXT}, "text-no-prompt"),
    wrong("the first question in the placeholder's place, and nothing else asked",
          {"prompt": prompt_of(SYSTEM, '("human", «py(task_of("who-are-you").question)»)'),
          "who-are-you": "result = chatbot.invoke({})", "ideal-boat": "boat = chatbot.invoke({})"},
          {"prompt": frozenset({"placeholder"}), "ideal-boat": ANSWER}, "question-inside"),
)  # fmt: skip
