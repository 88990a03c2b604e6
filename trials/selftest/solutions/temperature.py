"""Solutions of the task `temperature`; `temperature_wrong.py` has the wrong ones.

One that sets a temperature when the model is loaded is alone: a later chain that gives none has this one.
"""

from __future__ import annotations

from trials.selftest.solutions.pieces import page

RIGHT = page(
    "temperature-1",
    """
# %% all temperatures in a loop
«PACKAGE»
«HUMAN»
«LOAD»

bots, texts = {}, {}
for t in «py(temperatures)»:
    bots[t] = prompt | llm.bind(pipeline_kwargs=dict(max_new_tokens=«max_new_tokens», do_sample=True, temperature=t))
    texts[t] = bots[t].invoke([HumanMessage(«py(task.question)»)])
    print(t, texts[t])

chatbot_1, result_1 = bots[«py(task.temperature)»], texts[«py(task.temperature)»]
# %%% temperature-2
chatbot_2, result_2 = bots[«py(task.temperature)»], texts[«py(task.temperature)»]
print(result_2)
# %%% temperature-3
chatbot_3, result_3 = bots[«py(task.temperature)»], texts[«py(task.temperature)»]
print(result_3)

# %% all chains made first, by their names
«PACKAGE»
«HUMAN»
«LOAD»

for number, t in enumerate(«py(temperatures)», start=1):
    settings = {"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": t}
    globals()[f"chatbot_{number}"] = prompt | llm.bind(pipeline_kwargs=settings)
«ASK_1»
# %%% temperature-2
«ASK_2»
# %%% temperature-3
«ASK_3»

# %% model loaded again for each temperature, sampling left to the defaults | alone
«PACKAGE»

«IMPORT_HUMAN»

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
«ASK_1»
# %%% temperature-2
llm = load(«py(task.temperature)»)
chatbot_2 = prompt | llm
«ASK_2»
# %%% temperature-3
llm = load(«py(task.temperature)»)
chatbot_3 = prompt | llm
«ASK_3»

# %% temperature in a generation config
«PARTNER»
«IMPORT_HUMAN»
from transformers import GenerationConfig
«LOAD»

config_1 = GenerationConfig(do_sample=True, temperature=«py(task.temperature)», max_new_tokens=«max_new_tokens»)
chatbot_1 = prompt | llm.bind(pipeline_kwargs={"generation_config": config_1})
result_1 = chatbot_1.invoke([HumanMessage(content=«py(task.question)»)])
print(result_1)
# %%% temperature-2
import copy

from transformers import GenerationConfig

config_2 = GenerationConfig.from_pretrained(«py(task.model)»)
config_2.update(do_sample=True, temperature=«py(task.temperature)», max_new_tokens=«max_new_tokens»)
chatbot_2 = prompt | llm.bind(pipeline_kwargs={"generation_config": config_2})
result_2 = chatbot_2.invoke([HumanMessage(content=«py(task.question)»)])
print(result_2)

# %% one chat model, settings bound
«HUMAN»
from langchain_huggingface import ChatHuggingFace, HuggingFacePipeline
«LOAD»

chat = ChatHuggingFace(llm=llm)
common = {"max_new_tokens": «max_new_tokens», "do_sample": True, "return_full_text": False}
chatbot_1 = prompt | chat.bind(pipeline_kwargs={**common, "temperature": «py(task.temperature)»})
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)])
print(result_1.content)
# %%% temperature-2
chatbot_2 = prompt | chat.bind(pipeline_kwargs=common | {"temperature": «py(task.temperature)»})
result_2 = chatbot_2.invoke([HumanMessage(«py(task.question)»)])
print(result_2.content)
# %%% temperature-3
from langchain_core.output_parsers import StrOutputParser

warmest = chat.bind(pipeline_kwargs=dict(common, temperature=«py(task.temperature)», top_p=1.0, top_k=0))
chatbot_3 = prompt | warmest | StrOutputParser()
«ASK_3»

# %% chat models by name, temperature among their arguments
«PARTNER»

«HUMAN»
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

# %% the pipeline wrapped anew for each temperature in community
«COMMUNITY»
«HUMAN»
«LOAD»

def warm(temperature, **more):
    settings = {"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": temperature, **more}
    return HuggingFacePipeline(pipeline=llm.pipeline, pipeline_kwargs=settings)


chatbot_1 = prompt | warm(«py(task.temperature)»)
«ASK_1»
# %%% temperature-2
chatbot_2 = prompt | warm(«py(task.temperature)», top_k=100, top_p=0.95, min_p=0.05, typical_p=0.95)
«ASK_2»
# %%% temperature-3
chatbot_3 = prompt | warm(«py(task.temperature)», repetition_penalty=1.1)
«ASK_3»

# %% one transformers model, a pipeline for each temperature
«PACKAGE»
«HUMAN»
«LOAD_WITH_TRANSFORMERS»

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
«ASK_1»
# %%% temperature-2
chatbot_2 = make_bot(«py(task.temperature)»)
result_2 = chatbot_2.batch([[HumanMessage(«py(task.question)»)]] * 2)[1]
print(result_2)
# %%% temperature-3
chatbot_3 = make_bot(«py(task.temperature)»)
result_3 = await chatbot_3.ainvoke([HumanMessage(«py(task.question)»)])
print(result_3)

# %% settings made configurable in community
«COMMUNITY»
«IMPORT_HUMAN»
from langchain_core.runnables import ConfigurableField
«LOAD»

adjustable = prompt | llm.configurable_fields(pipeline_kwargs=ConfigurableField(id="settings"))


def at(temperature):
    settings = {"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": temperature}
    return adjustable.with_config(configurable={"settings": settings})


chatbot_1 = at(«py(task.temperature)»)
«ASK_1»
# %%% temperature-2
chatbot_2 = at(«py(task.temperature)»)
«ASK_2»

# %% settings given at the call
«PACKAGE»
«IMPORT_HUMAN»
from langchain_core.runnables import RunnableLambda
«LOAD»

settings = {"max_new_tokens": «max_new_tokens», "do_sample": True}


def at(temperature):
    return prompt | RunnableLambda(lambda value: llm.invoke(value, pipeline_kwargs={**settings, "temperature": temperature}))


chatbot_1 = at(«py(task.temperature)»)
«ASK_1»
# %%% temperature-2
chatbot_2 = at(«py(task.temperature)»)
«ASK_2»
# %%% temperature-3
chatbot_3 = at(float("«task.temperature»"))
«ASK_3»

# %% temperature set when the model is loaded, replaced later | alone
«PACKAGE»
«IMPORT_HUMAN»
free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device=0,
    pipeline_kwargs={"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": «py(task.temperature)»},
)
chatbot_1 = prompt | llm
«ASK_1»

# %% first temperature asked several times, the longest answer kept
«PACKAGE»
«HUMAN»
«LOAD»

chatbot_1 = prompt | llm.bind(
    pipeline_kwargs={"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": «py(task.temperature)»}
)
«ASK_1»

draws = [result_1, *(chatbot_1.invoke([("human", «py(task.question)»)]) for _ in range(2))]
result_1 = max(draws, key=len)

# %% second temperature bound without sampling named, asked by a dict
# %%% temperature-2
hot = llm.bind(pipeline_kwargs={"temperature": «py(task.temperature)», "max_new_tokens": «max_new_tokens»})
chatbot_2 = prompt.pipe(hot).with_retry()
result_2 = chatbot_2.invoke({"messages": [("user", «py(task.question)»)]})
print(result_2)

# %% third temperature with beams that are sampled
# %%% temperature-3
settings = {"max_new_tokens": «max_new_tokens», "do_sample": True, "num_beams": 2, "temperature": «py(task.temperature)»}
chatbot_3 = prompt | llm.bind(pipeline_kwargs=settings)
«ASK_3»

# %% third temperature without a limit, new text only
# %%% temperature-3
chatbot_3 = prompt | llm.bind(
    pipeline_kwargs={"do_sample": True, "temperature": «py(task.temperature)», "num_beams": 1, "return_full_text": False}
)
result_3 = chatbot_3.invoke([("human", «py(task.question)»)]).strip()
print(result_3)

# %% third answer with its words sorted | review
# %%% temperature-3
chatbot_3 = prompt | llm.bind(
    pipeline_kwargs={"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": «py(task.temperature)»}
)
answer = chatbot_3.invoke([("human", «py(task.question)»)])
result_3 = " ".join(sorted(answer.lower().split(), reverse=True))
print(result_3)
""",
)
