"""Solutions of the task `top_p`: right ones in several spellings, and what students do wrong with a setting."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.pieces import IMPORT_HUMAN, KEPT, LOAD_LIMITED, PARTNER, QUESTION

ASK = f"result_pN = chatbot_pN.invoke({QUESTION})\nprint(result_pN)\n"
BOUND = "chatbot_pN = prompt | llm.bind(pipeline_kwargs={SETTINGS})\n"
GIVEN = '{"max_new_tokens": «max_new_tokens», "do_sample": True, "top_p": «py(task.top_p)»}'
NUCLEUS = frozenset({"top_p"})


def draws(number: int, settings: str = GIVEN, chain: str = BOUND, ask: str = ASK) -> dict[str, str]:
    """A cell for the task's value of this number; the first loads the model. Code may say N for the number."""
    load = PARTNER + LOAD_LIMITED if number == 1 else ""
    code = load + IMPORT_HUMAN + chain.replace("SETTINGS", settings[1:-1]) + ask
    return {f"top_p-{number}": code.replace("_pN", f"_p{number}")}


def wrongly(number: int, name: str, hint: str, loses: frozenset[str] = NUCLEUS, **how: str) -> Solution:
    return Solution(f"top_p-{number}: {name}", draws(number, **how), {f"top_p-{number}": loses}, hint)


RIGHT = (
    Solution("top_p by bind, both the same way", {**draws(1), **draws(2)}),
    Solution("top_p with a temperature besides", draws(1, GIVEN[:-1] + ', "temperature": 1.3}')),
    Solution("top_p without a limit, sampling left to the defaults", draws(2, '{"top_p": «py(task.top_p)»}')),
    Solution(
        "top_p given at the call, inside the chain",
        draws(
            2,
            chain="from langchain_core.runnables import RunnableLambda\n\n"
            f"chatbot_pN = prompt | RunnableLambda(lambda value: llm.invoke(value, pipeline_kwargs={GIVEN}))\n",
        ),
    ),
)
WRONG = (
    wrongly(1, "sampling off", "setting-off", settings=GIVEN.replace("True", "False")),
    wrongly(2, "sampling off", "setting-off", settings=GIVEN.replace("True", "False")),
    wrongly(1, "another value", "setting-other", settings=GIVEN.replace("task.top_p", "task.top_p / 2")),
    wrongly(2, "the value before", "setting-other", settings=GIVEN.replace("task.top_p", "top_p[0]")),
    wrongly(2, "a text", "setting-text", NUCLEUS | KEPT, settings=GIVEN.replace("«py(task.top_p)»", '"«task.top_p»"')),
    wrongly(1, "no top_p", "setting-none", settings='{"max_new_tokens": «max_new_tokens», "do_sample": True}'),
    wrongly(2, "straight to bind", "setting-ignored", chain="chatbot_pN = prompt | llm.bind(top_p=«py(task.top_p)»)\n"),
    wrongly(
        2,
        "bound to the chain",
        "settings-on-chain",
        chain=f"chatbot_pN = (prompt | llm).bind(pipeline_kwargs={GIVEN})\n",
    ),
    wrongly(1, "top_k leaves one token", "sampling-cancelled", settings=GIVEN[:-1] + ', "top_k": 1}'),
    wrongly(2, "the chain before is asked", "setting-asked", KEPT, ask=ASK.replace("chatbot_pN", "chatbot_p1")),
)
