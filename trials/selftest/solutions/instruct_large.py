"""Solutions of the task `instruct-large`."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.families import chatbot_wrongly
from trials.selftest.solutions.pieces import (
    CHATBOT,
    FREE,
    IMPORT_HUMAN,
    LIMIT,
    PACKAGE,
    QUESTION,
    loaded,
    page,
)

RIGHT = page(
    "instruct-large",
    """
# %% large model as a chat model, limit bound
«HUMAN»
from langchain_huggingface import ChatHuggingFace, HuggingFacePipeline
«LOAD»

chat = ChatHuggingFace(llm=llm, model_id=«py(task.model)»)
chatbot_large = prompt | chat.bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens»}, skip_prompt=True)
result_large = chatbot_large.invoke([HumanMessage(«py(task.question)»)])
result_large.pretty_print()

# %% large model as a chat model, streamed and added up
from langchain_huggingface import ChatHuggingFace, HuggingFacePipeline
«LOAD_LIMITED»

chatbot_large = prompt | ChatHuggingFace(llm=llm)
result_large = None
for chunk in chatbot_large.stream({"messages": [("human", «py(task.question)»)]}):
    result_large = chunk if result_large is None else result_large + chunk
print(result_large.content)

# %% large model loaded with transformers, generation config
# %%% prompt-again
from langchain_core.messages import SystemMessage
«TEMPLATES»
prompt = ChatPromptTemplate([SystemMessage(«py(system_prompt)»)]) + MessagesPlaceholder("messages")
# %%% instruct-large
«COMMUNITY»

from transformers import GenerationConfig
«LOAD_WITH_TRANSFORMERS»

pipe = pipeline("text-generation", model=model, tokenizer=tokenizer, device=0)
config = GenerationConfig.from_pretrained(«py(task.model)», max_new_tokens=«max_new_tokens»)
llm = HuggingFacePipeline(pipeline=pipe, pipeline_kwargs={"generation_config": config})
chatbot_large = prompt | llm
result_large = chatbot_large.invoke({"messages": [{"role": "human", "content": «py(task.question)»}]})
print(result_large)

# %% large model without a limit, with retries
«PACKAGE»
«LOAD»

chatbot_large = (prompt | llm).with_retry(stop_after_attempt=2)
result_large = chatbot_large.invoke([«py(task.question)»])
print(result_large.strip())

# %% large model in half precision, asked in a thread
«PACKAGE»

from concurrent.futures import ThreadPoolExecutor

import torch

free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device=0,
    model_kwargs={"dtype": torch.bfloat16},
    pipeline_kwargs={"max_new_tokens": «max_new_tokens»},
)
chatbot_large = prompt | llm
with ThreadPoolExecutor() as pool:
    future = pool.submit(chatbot_large.invoke, [("human", «py(task.question)»)])
result_large = future.result()
print(result_large)

# %% both instruct models, placeholder as a pair | alone
# %%% prompt-again
from langchain_core.prompts import ChatPromptTemplate

prompt = ChatPromptTemplate.from_messages([("system", «py(system_prompt)»), ("placeholder", "{messages}")])
# %%% instruct-small
«PACKAGE»
«LOAD_LIMITED»

chatbot_small = prompt | llm
result_small = chatbot_small.invoke({"messages": [("human", «py(task.question)»)]})
print(result_small)
# %%% instruct-large
«PACKAGE»
«LOAD_LIMITED»

chatbot_large = prompt | llm
result_large = chatbot_large.invoke({"messages": [("human", «py(task.question)»)]})
print(result_large)

# %% large model, question counted and answer cut by the chain
«PACKAGE»
«LOAD_LIMITED»

import re

question = «py(task.question)»
chatbot_large = prompt | llm | (lambda text: re.split(r"(?:AI|Assistant):", text[text.index(question) + len(question):])[-1])
result_large = chatbot_large.invoke([("human", question)])
print(result_large)

# %% large model with a cache of its own, asked twice
«PACKAGE»

from langchain_core.caches import InMemoryCache
«IMPORT_HUMAN»
free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device=0,
    pipeline_kwargs={"max_new_tokens": «max_new_tokens»},
    cache=InMemoryCache(),
)
chatbot_large = prompt | llm
print(chatbot_large.invoke([HumanMessage(«py(task.question)»)]))
result_large = chatbot_large.invoke([HumanMessage(«py(task.question)»)])

# %% large model's answer kept as a message, everything asked twice
«PARTNER»
«LOAD_LIMITED»

from langchain_core.messages import AIMessage, HumanMessage

chatbot_large = prompt | llm | (lambda text: AIMessage(content=text))
result_large = chatbot_large.invoke([HumanMessage(«py(task.question)»)])
result_large = chatbot_large.invoke([HumanMessage(«py(task.question)»)])
print(result_large.content)
""",
)

REFERENCE_SMALL = FREE + IMPORT_HUMAN + loaded(settings=LIMIT) + "chatbot_small = prompt | llm\n"
REFERENCE_SMALL += f"result_small = chatbot_small.invoke({QUESTION})"


def left_over(name: str, code: str, loses: frozenset[str], hint: str) -> Solution:
    """A cell of `instruct-large` that uses what the task before it made."""
    cells = {"instruct-small": REFERENCE_SMALL, "instruct-large": code}
    return Solution(f"instruct-large: {name}", cells, {"instruct-large": loses}, hint)


WRONG = (
    *chatbot_wrongly("instruct-large", "large"),
    left_over("the small chatbot again", IMPORT_HUMAN
          + f"chatbot_large = chatbot_small\nresult_large = chatbot_large.invoke({QUESTION})", CHATBOT, "left-over"),
    left_over("chatbot and answer of the task before", "chatbot_large = chatbot_small\nresult_large = result_small",
          CHATBOT, "left-over"),
    left_over("the small chatbot's answer again", FREE + loaded(settings=LIMIT)
          + "chatbot_large = prompt | llm\nresult_large = result_small", frozenset({"kept"}), "asked-other-model"),
    left_over("loaded, and the small chatbot asked", PACKAGE + IMPORT_HUMAN + loaded(settings=LIMIT)
          + f"chatbot_large = prompt | llm\nresult_large = chatbot_small.invoke({QUESTION})", frozenset({"kept"}),
          "asked-other-model"),
)  # fmt: skip
