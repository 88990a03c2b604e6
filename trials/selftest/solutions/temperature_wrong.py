"""What students do wrong in the task `temperature`."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.pieces import (
    ANOTHER_PROMPT,
    FREE,
    IMPORT_HUMAN,
    KEPT,
    LIMIT,
    MODEL,
    PACKAGE,
    PARTNER,
    QUESTION,
    READY,
    TEMPLATES,
    TEXT,
    TODO,
    WARM,
    loaded,
    settings,
)


def warm(
    number: int,
    name: str,
    loses: frozenset[str],
    hint: str | None,
    given: str = settings(),
    chain: str = "",
    asked: str = "",
    alone: bool = False,
) -> Solution:
    """A mistake with one temperature: in the settings that are bound to `llm`, in the chain, or in the question.

    The model is the one that the first of these tasks loads; code may say N for the number of its task.
    """
    task, load = f"temperature-{number}", FREE + loaded() if number == 1 else ""
    chain = chain or f"chatbot_N = prompt | llm.bind(pipeline_kwargs={given})"
    asked = asked or f"result_N = chatbot_N.invoke({QUESTION})"
    code = f"{load}{IMPORT_HUMAN}{chain}\n{asked}".replace("_N", f"_{number}")
    return Solution(f"{task}: {name}", {task: code}, {task: loses}, hint, alone=alone)


def off(number: int, name: str, extra: str) -> Solution:
    """The right temperature, and no sampling."""
    return warm(number, name, HEAT, "temperature-off", settings(extra=f'"do_sample": False, {extra}'))


def cancelled(number: int, name: str, extra: str, alone: bool = False) -> Solution:
    """The right temperature, and another setting that leaves no choice."""
    given = settings(extra=f'"do_sample": True, {extra}, ')
    return warm(number, name, HEAT, "sampling-cancelled", given, alone=alone)


def bound(what: str) -> str:
    return f"llm.bind(pipeline_kwargs={what})"


HEAT = frozenset({"temperature"})
COMMA = '«py(task.temperature).replace(".", ",")»'
CONFIG = "from transformers import GenerationConfig\n\n"
STRAIGHT = "chatbot_N = prompt | llm.bind(do_sample=True, temperature=«py(task.temperature)»)"
ASK_FIRST = f"\nchatbot_1 = prompt | {bound(settings())}\nresult_1 = chatbot_1.invoke({QUESTION})"


def for_all(name: str, loses: frozenset[str], hint: str, **how: str) -> Solution:
    """A mistake in the model that the first temperature loads for all of them."""
    code = FREE + IMPORT_HUMAN + loaded(**how) + ASK_FIRST
    return Solution(f"temperature-1: {name}", {"temperature-1": code}, {"temperature-1": loses}, hint, alone=True)


WRONG = (
    # The settings
    off(1, "sampling off", ""),
    off(2, "sampling off", ""),
    off(3, "beams without sampling", '"num_beams": 3, '),
    cancelled(1, "top_k leaves one token", '"top_k": 1', alone=True),
    cancelled(2, "top_k leaves one token", '"top_k": 1'),
    cancelled(3, "top_p leaves one token", '"top_p": 0.0'),
    cancelled(1, "epsilon leaves one token", '"epsilon_cutoff": 0.999', alone=True),
    cancelled(2, "top_p leaves hardly more than one token", '"top_p": 0.011'),
    cancelled(3, "min_p leaves one token", '"min_p": 0.995'),
    cancelled(2, "typical_p leaves one token", '"typical_p": 0.0001'),
    cancelled(3, "a penalty leaves one token", '"repetition_penalty": 0.001'),
    cancelled(2, "beams that have no choice", '"num_beams": 2, "top_k": 2'),
    warm(1, "a little too warm", HEAT, "temperature-other", settings("«py(task.temperature + 0.1)»")),
    warm(3, "as a percentage", HEAT, "temperature-other", settings("«py(task.temperature * 100)»")),
    warm(2, "the temperature before", HEAT, "temperature-other", settings("«py(temperatures[0])»")),
    warm(3, "the temperature before", HEAT, "temperature-other", settings("«py(temperatures[1])»")),
    warm(1, "sampling, and no temperature", HEAT, "temperature-none", '{"do_sample": True}'),
    warm(2, "a limit, and no temperature", HEAT, "temperature-none", LIMIT),
    warm(3, "no settings", HEAT, "temperature-none", chain="chatbot_N = prompt | llm"),
    warm(1, "a text", HEAT | KEPT, "temperature-text", settings('"«task.temperature»"')),
    warm(2, "a text", HEAT | KEPT, "temperature-text", settings('"«task.temperature»"')),
    warm(3, "a text with a decimal comma", HEAT | KEPT, "decimal-comma", settings(f'"{COMMA}"')),
    warm(2, "a decimal comma in the dict", WARM, "decimal-comma", settings(COMMA)),
    warm(3, "a decimal comma makes a tuple", HEAT | KEPT, "decimal-comma", settings(f"({COMMA})")),
    warm(3, "zero", HEAT | KEPT, "temperature-other", settings("0.0")),
    warm(3, "negative", HEAT | KEPT, "temperature-other", settings("«py(-task.temperature)»")),
    # Settings that do not arrive
    *(warm(number, "straight to bind", HEAT, "temperature-ignored", chain=STRAIGHT) for number in (1, 2)),
    warm(3, "bound to the chain", HEAT, "settings-on-chain",
          chain=f"chatbot_N = (prompt | llm).bind(pipeline_kwargs={settings()})"),
    warm(3, "given to the call", HEAT, "temperature-none", chain="chatbot_N = prompt | llm",
          asked=f"result_N = chatbot_N.invoke({QUESTION}, temperature=«py(task.temperature)»)", alone=True),
    warm(2, "given to the call as pipeline_kwargs", HEAT, "temperature-none", chain="chatbot_N = prompt | llm",
          asked=f"result_N = chatbot_N.invoke({QUESTION}, pipeline_kwargs={settings()})", alone=True),
    warm(2, "bound straight to the chain", HEAT, "settings-on-chain",
          chain="chatbot_N = (prompt | llm).bind(do_sample=True, temperature=«py(task.temperature)»)"),
    warm(3, "bind, and the result let go", HEAT, "temperature-none",
          chain=f"{bound(settings())}\nchatbot_N = prompt | llm"),
    warm(2, "GenerationConfig made and not used", HEAT, "temperature-none", chain=CONFIG
          + "config = GenerationConfig(temperature=«py(task.temperature)»)\nchatbot_N = prompt | llm"),
    Solution(
        "temperature-1: beside a ready pipeline, ignored in the partner package",
        {
            "temperature-1": f"{PARTNER}{IMPORT_HUMAN}{READY}"
            + f"llm = HuggingFacePipeline(pipeline=pipe, pipeline_kwargs={settings()})\n"
            + f"chatbot_1 = prompt | llm\nresult_1 = chatbot_1.invoke({QUESTION})"
        },
        {"temperature-1": HEAT},
        "temperature-ignored",
    ),
    warm(2, "refused by from_model_id", WARM, "setting-refused", chain=PACKAGE
          + loaded("warm_llm").replace("device=0,", "device=0,\n    temperature=«py(task.temperature)»,")
          + "chatbot_N = prompt | warm_llm"),
    # The model and the chain
    for_all("the base model, for all of them", MODEL, "base-for-instruct", model="«py(models.base)»"),
    for_all("the small model, for all of them", MODEL, "wrong-model", model="«py(models.instruct)»"),
    for_all("top_k leaves one token, in the model of all of them", HEAT, "sampling-cancelled", settings='{"top_k": 1}'),
    warm(2, "a model of its own, the base model", MODEL, "base-for-instruct", chain=PACKAGE
          + loaded("own", "«py(models.base)»", settings=settings()) + "chatbot_N = prompt | own"),
    warm(1, "no prompt", TEXT, "text-no-prompt", chain=f"chatbot_N = {bound(settings())}"),
    warm(2, "no prompt", TEXT, "text-no-prompt", chain=f"chatbot_N = {bound(settings())}"),
    warm(3, "another prompt", TEXT, "text-no-prompt",
          chain=f"{TEMPLATES}{ANOTHER_PROMPT}chatbot_N = other_prompt | {bound(settings())}"),
    warm(2, "reversed", TEXT | KEPT, "chain-reversed", chain=f"chatbot_N = {bound(settings())} | prompt"),
    warm(3, "a function", KEPT, "missing-raised",
          chain=f"def chatbot_N(messages):\n    return (prompt | {bound(settings())}).invoke(messages)\n\n"),
    warm(2, "the chain before", WARM, "left-over", chain="chatbot_N = chatbot_1"),
    warm(3, "the chain before", WARM, "left-over", chain="chatbot_N = chatbot_2"),
    Solution("temperature-2: nothing done", {"temperature-2": TODO}, {"temperature-2": WARM}, "missing"),
    Solution("temperature-3: nothing done", {"temperature-3": TODO}, {"temperature-3": WARM}, "missing"),
    warm(2, "the names lack their underscore", WARM, "missing", chain=f"chatbot2 = prompt | {bound(settings())}",
          asked=f"result2 = chatbot2.invoke({QUESTION})"),
    warm(1, "a variable that does not exist", WARM, "missing-raised",
          chain=f"chatbot_N = prompt | model.bind(pipeline_kwargs={settings()})"),
    # The answer
    warm(1, "not asked", KEPT, "missing", asked=TODO),
    warm(3, "only printed", KEPT, "missing", asked=f"print(chatbot_N.invoke({QUESTION}))"),
    warm(3, "another question", KEPT, "not-asked", asked='result_N = chatbot_N.invoke([HumanMessage("Really?")])'),
    warm(3, "a text for a list", KEPT, "missing-raised", asked="result_N = chatbot_N.invoke(«py(task.question)»)"),
    warm(2, "the answer before", KEPT, "temperature-asked", asked="result_N = result_1"),
    warm(2, "asked, and the answer before kept", KEPT, "kept-again",
          asked=f"print(chatbot_N.invoke({QUESTION}))\nresult_N = result_1"),
    warm(2, "the chain before is asked", KEPT, "temperature-asked", asked=f"result_N = chatbot_1.invoke({QUESTION})"),
    warm(2, "kept in the variable before", KEPT, "missing", asked=f"result_1 = chatbot_N.invoke({QUESTION})"),
)  # fmt: skip
