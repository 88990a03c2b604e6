"""Solutions of the task `temperature`."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.pieces import (
    ANOTHER_PROMPT,
    COMMUNITY,
    EITHER_PACKAGE,
    FREE,
    HUMAN,
    IMPORT_HUMAN,
    LIMIT,
    LOAD,
    LOAD_WITH_TRANSFORMERS,
    PACKAGE,
    PARTNER,
    QUESTION,
    READY,
    TEMPLATES,
    TODO,
    WARM,
    loaded,
    settings,
)

FIRST_TEMPERATURE = """
chatbot_1 = prompt | llm.bind(
    pipeline_kwargs={"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": «py(task.temperature)»}
)
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)])
print(result_1)
"""
RIGHT = (
    Solution(
        "all temperatures in a loop",
        {
            "temperature-1": PACKAGE
            + HUMAN
            + LOAD
            + """
bots, texts = {}, {}
for t in «py(temperatures)»:
    bots[t] = prompt | llm.bind(pipeline_kwargs=dict(max_new_tokens=«max_new_tokens», do_sample=True, temperature=t))
    texts[t] = bots[t].invoke([HumanMessage(«py(task.question)»)])
    print(t, texts[t])

chatbot_1, result_1 = bots[«py(task.temperature)»], texts[«py(task.temperature)»]
""",
            "temperature-2": """
chatbot_2, result_2 = bots[«py(task.temperature)»], texts[«py(task.temperature)»]
print(result_2)
""",
            "temperature-3": """
chatbot_3, result_3 = bots[«py(task.temperature)»], texts[«py(task.temperature)»]
print(result_3)
""",
        },
    ),
    Solution(
        "all chains made first, by their names",
        {
            "temperature-1": PACKAGE
            + HUMAN
            + LOAD
            + """
for number, t in enumerate(«py(temperatures)», start=1):
    settings = {"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": t}
    globals()[f"chatbot_{number}"] = prompt | llm.bind(pipeline_kwargs=settings)
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)])
print(result_1)
""",
            "temperature-2": "result_2 = chatbot_2.invoke([HumanMessage(«py(task.question)»)])\nprint(result_2)",
            "temperature-3": "result_3 = chatbot_3.invoke([HumanMessage(«py(task.question)»)])\nprint(result_3)",
        },
    ),
    Solution(
        "model loaded again for each temperature, sampling left to the defaults",
        {
            "temperature-1": PACKAGE
            + """
from langchain_core.messages import HumanMessage


def load(temperature):
    free_models()
    return HuggingFacePipeline.from_model_id(
        model_id=«py(task.model)»,
        task="text-generation",
        device=0,
        pipeline_kwargs={"max_new_tokens": «max_new_tokens», "temperature": temperature},
    )


llm = load(«py(task.temperature)»)
chatbot_1 = prompt | llm
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)])
print(result_1)
""",
            "temperature-2": """
llm = load(«py(task.temperature)»)
chatbot_2 = prompt | llm
result_2 = chatbot_2.invoke([HumanMessage(«py(task.question)»)])
print(result_2)
""",
            "temperature-3": """
llm = load(«py(task.temperature)»)
chatbot_3 = prompt | llm
result_3 = chatbot_3.invoke([HumanMessage(«py(task.question)»)])
print(result_3)
""",
        },
        alone=True,
    ),
    Solution(
        "temperature in a generation config",
        {
            "temperature-1": PARTNER
            + HUMAN
            + """
from transformers import GenerationConfig
"""
            + LOAD
            + """
config_1 = GenerationConfig(do_sample=True, temperature=«py(task.temperature)», max_new_tokens=«max_new_tokens»)
chatbot_1 = prompt | llm.bind(pipeline_kwargs={"generation_config": config_1})
result_1 = chatbot_1.invoke([HumanMessage(content=«py(task.question)»)])
print(result_1)
""",
            "temperature-2": """
import copy

from transformers import GenerationConfig

config_2 = GenerationConfig.from_pretrained(«py(task.model)»)
config_2.update(do_sample=True, temperature=«py(task.temperature)», max_new_tokens=«max_new_tokens»)
chatbot_2 = prompt | llm.bind(pipeline_kwargs={"generation_config": config_2})
result_2 = chatbot_2.invoke([HumanMessage(content=«py(task.question)»)])
print(result_2)
""",
        },
    ),
    Solution(
        "one chat model, settings bound",
        {
            "temperature-1": """
from langchain_core.messages import HumanMessage
from langchain_huggingface import ChatHuggingFace, HuggingFacePipeline
"""
            + LOAD
            + """
chat = ChatHuggingFace(llm=llm)
common = {"max_new_tokens": «max_new_tokens», "do_sample": True, "return_full_text": False}
chatbot_1 = prompt | chat.bind(pipeline_kwargs={**common, "temperature": «py(task.temperature)»})
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)])
print(result_1.content)
""",
            "temperature-2": """
chatbot_2 = prompt | chat.bind(pipeline_kwargs=common | {"temperature": «py(task.temperature)»})
result_2 = chatbot_2.invoke([HumanMessage(«py(task.question)»)])
print(result_2.content)
""",
            "temperature-3": """
from langchain_core.output_parsers import StrOutputParser

warmest = chat.bind(pipeline_kwargs=dict(common, temperature=«py(task.temperature)», top_p=1.0, top_k=0))
chatbot_3 = prompt | warmest | StrOutputParser()
result_3 = chatbot_3.invoke([HumanMessage(«py(task.question)»)])
print(result_3)
""",
        },
    ),
    Solution(
        "chat models by name, temperature among their arguments",
        {
            "temperature-1": PARTNER
            + """
from langchain_core.messages import HumanMessage
from langchain_huggingface import ChatHuggingFace

free_models()
chat_1 = ChatHuggingFace.from_model_id(
    «py(task.model)»,
    device=0,
    temperature=«py(task.temperature)»,
    do_sample=True,
    max_new_tokens=«max_new_tokens»,
)
chatbot_1 = prompt | chat_1
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)]).content
llm = chat_1.llm
print(result_1)
"""
        },
    ),
    Solution(
        "the pipeline wrapped anew for each temperature in community",
        {
            "temperature-1": COMMUNITY
            + HUMAN
            + LOAD
            + """
def warm(temperature, **more):
    settings = {"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": temperature, **more}
    return HuggingFacePipeline(pipeline=llm.pipeline, pipeline_kwargs=settings)


chatbot_1 = prompt | warm(«py(task.temperature)»)
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)])
print(result_1)
""",
            "temperature-2": """
chatbot_2 = prompt | warm(«py(task.temperature)», top_k=100, top_p=0.95, min_p=0.05, typical_p=0.95)
result_2 = chatbot_2.invoke([HumanMessage(«py(task.question)»)])
print(result_2)
""",
            "temperature-3": """
chatbot_3 = prompt | warm(«py(task.temperature)», repetition_penalty=1.1)
result_3 = chatbot_3.invoke([HumanMessage(«py(task.question)»)])
print(result_3)
""",
        },
    ),
    Solution(
        "one transformers model, a pipeline for each temperature",
        {
            "temperature-1": PACKAGE
            + HUMAN
            + LOAD_WITH_TRANSFORMERS
            + """
llm = HuggingFacePipeline(pipeline=pipeline("text-generation", model=model, tokenizer=tokenizer, device=0))


def make_bot(temperature):
    pipe = pipeline(
        "text-generation",
        model=model,
        tokenizer=tokenizer,
        device=0,
        do_sample=True,
        temperature=temperature,
        max_new_tokens=«max_new_tokens»,
    )
    return prompt | HuggingFacePipeline(pipeline=pipe)


chatbot_1 = make_bot(«py(task.temperature)»)
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)])
print(result_1)
""",
            "temperature-2": """
chatbot_2 = make_bot(«py(task.temperature)»)
result_2 = chatbot_2.batch([[HumanMessage(«py(task.question)»)]] * 2)[1]
print(result_2)
""",
            "temperature-3": """
chatbot_3 = make_bot(«py(task.temperature)»)
result_3 = await chatbot_3.ainvoke([HumanMessage(«py(task.question)»)])
print(result_3)
""",
        },
    ),
    Solution(
        "settings made configurable in community",
        {
            "temperature-1": COMMUNITY
            + HUMAN
            + """
from langchain_core.runnables import ConfigurableField
"""
            + LOAD
            + """
adjustable = prompt | llm.configurable_fields(pipeline_kwargs=ConfigurableField(id="settings"))


def at(temperature):
    settings = {"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": temperature}
    return adjustable.with_config(configurable={"settings": settings})


chatbot_1 = at(«py(task.temperature)»)
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)])
print(result_1)
""",
            "temperature-2": """
chatbot_2 = at(«py(task.temperature)»)
result_2 = chatbot_2.invoke([HumanMessage(«py(task.question)»)])
print(result_2)
""",
        },
    ),
    Solution(
        "settings given at the call",
        {
            "temperature-1": PACKAGE
            + HUMAN
            + """
from langchain_core.runnables import RunnableLambda
"""
            + LOAD
            + """
settings = {"max_new_tokens": «max_new_tokens», "do_sample": True}


def at(temperature):
    return prompt | RunnableLambda(lambda value: llm.invoke(value, pipeline_kwargs={**settings, "temperature": temperature}))


chatbot_1 = at(«py(task.temperature)»)
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)])
print(result_1)
""",
            "temperature-2": """
chatbot_2 = at(«py(task.temperature)»)
result_2 = chatbot_2.invoke([HumanMessage(«py(task.question)»)])
print(result_2)
""",
            "temperature-3": """
chatbot_3 = at(float("«task.temperature»"))
result_3 = chatbot_3.invoke([HumanMessage(«py(task.question)»)])
print(result_3)
""",
        },
    ),
    Solution(
        "temperature set when the model is loaded, replaced later",
        {
            "temperature-1": PACKAGE
            + HUMAN
            + """
free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device=0,
    pipeline_kwargs={"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": «py(task.temperature)»},
)
chatbot_1 = prompt | llm
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)])
print(result_1)
""",
        },
        alone=True,  # a later chain that gives no temperature has this one
    ),
    Solution(
        "first temperature asked several times, the longest answer kept",
        {
            "temperature-1": PACKAGE
            + HUMAN
            + LOAD
            + FIRST_TEMPERATURE
            + """
draws = [result_1, *(chatbot_1.invoke([("human", «py(task.question)»)]) for _ in range(2))]
result_1 = max(draws, key=len)
"""
        },
    ),
    Solution(
        "second temperature bound without sampling named, asked by a dict",
        {
            "temperature-2": """
hot = llm.bind(pipeline_kwargs={"temperature": «py(task.temperature)», "max_new_tokens": «max_new_tokens»})
chatbot_2 = prompt.pipe(hot).with_retry()
result_2 = chatbot_2.invoke({"messages": [("user", «py(task.question)»)]})
print(result_2)
"""
        },
    ),
    Solution(
        "third temperature with beams that are sampled",
        {
            "temperature-3": """
settings = {"max_new_tokens": «max_new_tokens», "do_sample": True, "num_beams": 2, "temperature": «py(task.temperature)»}
chatbot_3 = prompt | llm.bind(pipeline_kwargs=settings)
result_3 = chatbot_3.invoke([HumanMessage(«py(task.question)»)])
print(result_3)
"""
        },
    ),
    Solution(
        "third temperature without a limit, new text only",
        {
            "temperature-3": """
chatbot_3 = prompt | llm.bind(
    pipeline_kwargs={"do_sample": True, "temperature": «py(task.temperature)», "num_beams": 1, "return_full_text": False}
)
result_3 = chatbot_3.invoke([("human", «py(task.question)»)]).strip()
print(result_3)
"""
        },
    ),
    Solution(
        "third answer with its words sorted",
        {
            "temperature-3": """
chatbot_3 = prompt | llm.bind(
    pipeline_kwargs={"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": «py(task.temperature)»}
)
answer = chatbot_3.invoke([("human", «py(task.question)»)])
result_3 = " ".join(sorted(answer.lower().split(), reverse=True))
print(result_3)
"""
        },
        review=frozenset({"temperature-3"}),
    ),
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


def sampling(extra: str) -> str:
    """Settings with the right temperature, and others that are not."""
    return settings(extra=extra + ", ")


def bound(what: str) -> str:
    return f"llm.bind(pipeline_kwargs={what})"


HEAT, TEXT, KEPT = frozenset({"temperature"}), frozenset({"text"}), frozenset({"kept"})
COMMA = '«py(task.temperature).replace(".", ",")»'
CONFIG = "from transformers import GenerationConfig\n\n"
ASK_FIRST = f"\nchatbot_1 = prompt | {bound(settings())}\nresult_1 = chatbot_1.invoke({QUESTION})"

WRONG = (
    # The settings
    warm(1, "sampling off", HEAT, "temperature-off", sampling('"do_sample": False')),
    warm(2, "sampling off", HEAT, "temperature-off", sampling('"do_sample": False')),
    warm(3, "beams without sampling", HEAT, "temperature-off", sampling('"do_sample": False, "num_beams": 3')),
    warm(
        1, "top_k leaves one token", HEAT, "sampling-cancelled", sampling('"do_sample": True, "top_k": 1'), alone=True
    ),
    warm(2, "top_k leaves one token", HEAT, "sampling-cancelled", sampling('"do_sample": True, "top_k": 1')),
    warm(3, "top_p leaves one token", HEAT, "sampling-cancelled", sampling('"do_sample": True, "top_p": 0.0')),
    warm(
        1,
        "epsilon leaves one token",
        HEAT,
        "sampling-cancelled",
        sampling('"do_sample": True, "epsilon_cutoff": 0.999'),
        alone=True,
    ),
    warm(
        2,
        "top_p leaves hardly more than one token",
        HEAT,
        "sampling-cancelled",
        sampling('"do_sample": True, "top_p": 0.011'),
    ),
    warm(3, "min_p leaves one token", HEAT, "sampling-cancelled", sampling('"do_sample": True, "min_p": 0.995')),
    warm(
        2, "typical_p leaves one token", HEAT, "sampling-cancelled", sampling('"do_sample": True, "typical_p": 0.0001')
    ),
    warm(
        3,
        "a penalty leaves one token",
        HEAT,
        "sampling-cancelled",
        sampling('"do_sample": True, "repetition_penalty": 0.001'),
    ),
    warm(
        2,
        "beams that have no choice",
        HEAT,
        "sampling-cancelled",
        sampling('"do_sample": True, "num_beams": 2, "top_k": 2'),
    ),
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
    warm(
        1,
        "straight to bind",
        HEAT,
        "temperature-ignored",
        chain="chatbot_N = prompt | llm.bind(do_sample=True, temperature=«py(task.temperature)»)",
    ),
    warm(
        2,
        "straight to bind",
        HEAT,
        "temperature-ignored",
        chain="chatbot_N = prompt | llm.bind(do_sample=True, temperature=«py(task.temperature)»)",
    ),
    warm(
        3,
        "bound to the chain",
        HEAT,
        "settings-on-chain",
        chain=f"chatbot_N = (prompt | llm).bind(pipeline_kwargs={settings()})",
    ),
    warm(
        3,
        "given to the call",
        HEAT,
        "temperature-none",
        chain="chatbot_N = prompt | llm",
        asked=f"result_N = chatbot_N.invoke({QUESTION}, temperature=«py(task.temperature)»)",
        alone=True,
    ),
    warm(
        2,
        "given to the call as pipeline_kwargs",
        HEAT,
        "temperature-none",
        chain="chatbot_N = prompt | llm",
        asked=f"result_N = chatbot_N.invoke({QUESTION}, pipeline_kwargs={settings()})",
        alone=True,
    ),
    warm(
        2,
        "bound straight to the chain",
        HEAT,
        "settings-on-chain",
        chain="chatbot_N = (prompt | llm).bind(do_sample=True, temperature=«py(task.temperature)»)",
    ),
    warm(
        3,
        "bind, and the result let go",
        HEAT,
        "temperature-none",
        chain=f"{bound(settings())}\nchatbot_N = prompt | llm",
    ),
    warm(
        2,
        "GenerationConfig made and not used",
        HEAT,
        "temperature-none",
        chain=CONFIG + "config = GenerationConfig(temperature=«py(task.temperature)»)\nchatbot_N = prompt | llm",
    ),
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
    warm(
        2,
        "refused by from_model_id",
        WARM,
        "setting-refused",
        chain=EITHER_PACKAGE
        + loaded("warm_llm").replace("device=0,", "device=0,\n    temperature=«py(task.temperature)»,")
        + "chatbot_N = prompt | warm_llm",
    ),
    # The model and the chain
    Solution(
        "temperature-1: the base model, for all of them",
        {"temperature-1": FREE + IMPORT_HUMAN + loaded(model="«py(models.base)»") + ASK_FIRST},
        {"temperature-1": frozenset({"model"})},
        "base-for-instruct",
        alone=True,
    ),
    Solution(
        "temperature-1: the small model, for all of them",
        {"temperature-1": FREE + IMPORT_HUMAN + loaded(model="«py(models.instruct)»") + ASK_FIRST},
        {"temperature-1": frozenset({"model"})},
        "wrong-model",
        alone=True,
    ),
    Solution(
        "temperature-1: top_k leaves one token, in the model of all of them",
        {"temperature-1": FREE + IMPORT_HUMAN + loaded(settings='{"top_k": 1}') + ASK_FIRST},
        {"temperature-1": HEAT},
        "sampling-cancelled",
        alone=True,
    ),
    warm(
        2,
        "a model of its own, the base model",
        frozenset({"model"}),
        "base-for-instruct",
        chain=EITHER_PACKAGE + loaded("own", "«py(models.base)»", settings=settings()) + "chatbot_N = prompt | own",
    ),
    warm(1, "no prompt", TEXT, "text-no-prompt", chain=f"chatbot_N = {bound(settings())}"),
    warm(2, "no prompt", TEXT, "text-no-prompt", chain=f"chatbot_N = {bound(settings())}"),
    warm(
        3,
        "another prompt",
        TEXT,
        "text-no-prompt",
        chain=f"{TEMPLATES}{ANOTHER_PROMPT}chatbot_N = other_prompt | {bound(settings())}",
    ),
    warm(2, "reversed", TEXT | KEPT, "chain-reversed", chain=f"chatbot_N = {bound(settings())} | prompt"),
    warm(
        3,
        "a function",
        KEPT,
        "missing-raised",
        chain=f"def chatbot_N(messages):\n    return (prompt | {bound(settings())}).invoke(messages)\n\n",
    ),
    warm(2, "the chain before", WARM, "left-over", chain="chatbot_N = chatbot_1"),
    warm(3, "the chain before", WARM, "left-over", chain="chatbot_N = chatbot_2"),
    Solution("temperature-2: nothing done", {"temperature-2": TODO}, {"temperature-2": WARM}, "missing"),
    Solution("temperature-3: nothing done", {"temperature-3": TODO}, {"temperature-3": WARM}, "missing"),
    warm(
        2,
        "the names lack their underscore",
        WARM,
        "missing",
        chain=f"chatbot2 = prompt | {bound(settings())}",
        asked=f"result2 = chatbot2.invoke({QUESTION})",
    ),
    warm(
        1,
        "a variable that does not exist",
        WARM,
        "missing-raised",
        chain=f"chatbot_N = prompt | model.bind(pipeline_kwargs={settings()})",
    ),
    # The answer
    warm(1, "not asked", KEPT, "missing", asked=TODO),
    warm(3, "only printed", KEPT, "missing", asked=f"print(chatbot_N.invoke({QUESTION}))"),
    warm(3, "another question", KEPT, "not-asked", asked='result_N = chatbot_N.invoke([HumanMessage("Really?")])'),
    warm(3, "a text for a list", KEPT, "missing-raised", asked="result_N = chatbot_N.invoke(«py(task.question)»)"),
    warm(2, "the answer before", KEPT, "temperature-asked", asked="result_N = result_1"),
    warm(
        2,
        "asked, and the answer before kept",
        KEPT,
        "kept-again",
        asked=f"print(chatbot_N.invoke({QUESTION}))\nresult_N = result_1",
    ),
    warm(
        2,
        "the chain before is asked",
        KEPT,
        "temperature-asked",
        asked=f"result_N = chatbot_1.invoke({QUESTION})",
    ),
    warm(
        2,
        "kept in the variable before",
        KEPT,
        "missing",
        asked=f"result_1 = chatbot_N.invoke({QUESTION})",
    ),
)
