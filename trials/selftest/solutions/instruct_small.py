"""Solutions of the task `instruct-small`."""

from __future__ import annotations

from trials.selftest.solutions.families import chatbot_wrongly
from trials.selftest.solutions.pieces import page

RIGHT = page(
    "instruct-small",
    """
# %% chat model around the partner package's class
«HUMAN»
from langchain_huggingface import ChatHuggingFace, HuggingFacePipeline
«LOAD_LIMITED»

chat_model = ChatHuggingFace(llm=llm)
chatbot_small = prompt | chat_model
result_small = chatbot_small.invoke([HumanMessage(«py(task.question)»)])
print(result_small.content)

# %% chat model by name, answer as text
from langchain_core.output_parsers import StrOutputParser
from langchain_huggingface import ChatHuggingFace

free_models()
chat = ChatHuggingFace.from_model_id(
    model_id=«py(task.model)», task="text-generation", device=0, max_tokens=«max_new_tokens»
)
chatbot_small = prompt | chat.bind(skip_prompt=True) | StrOutputParser()
result_small = chatbot_small.invoke({"messages": [("human", «py(task.question)»)]})
print(result_small)

# %% chat model around a transformers pipeline, content kept
«PARTNER»

from langchain_huggingface import ChatHuggingFace
«LOAD_WITH_TRANSFORMERS»

pipe = pipeline(
    "text-generation",
    model=model,
    tokenizer=tokenizer,
    device=0,
    max_new_tokens=«max_new_tokens»,
    do_sample=False,
    return_full_text=False,
)
chatbot_small = prompt | ChatHuggingFace(llm=HuggingFacePipeline(pipeline=pipe), tokenizer=tokenizer)
result_small = chatbot_small.invoke([("human", «py(task.question)»)]).content
print(result_small)

# %% chat template applied by hand
«PACKAGE»

from langchain_core.messages import HumanMessage, convert_to_openai_messages
from langchain_core.runnables import RunnableLambda
from transformers import AutoTokenizer
«LOAD_LIMITED»

tokenizer = AutoTokenizer.from_pretrained(«py(task.model)»)


def with_template(value):
    chat = convert_to_openai_messages(value.to_messages())
    return tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)


chatbot_small = prompt | RunnableLambda(with_template) | llm
result_small = chatbot_small.invoke([HumanMessage(«py(task.question)»)])
print(result_small)

# %% transformers pipeline given the conversation
from langchain_core.messages import convert_to_openai_messages
from langchain_core.runnables import RunnableLambda
from transformers import pipeline

free_models()
pipe = pipeline("text-generation", model=«py(task.model)», device=0)


def answer(value):
    chat = convert_to_openai_messages(value.to_messages())
    return pipe(chat, max_new_tokens=«max_new_tokens»)[0]["generated_text"][-1]["content"]


chatbot_small = prompt | RunnableLambda(answer)
result_small = chatbot_small.invoke([("human", «py(task.question)»)])
print(result_small)

# %% small instruct model, limit bound, out of a batch
«PACKAGE»
«LOAD»

chatbot_small = prompt | llm.bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens»})
result_small = chatbot_small.batch([[("human", «py(task.question)»)]])[0]
print(result_small)

# %% small instruct model, prompt by another name, home by the magic
# %%% model-home-again
%env HF_HOME=«models.home»
# %%% instruct-small
«COMMUNITY»
«LOAD»

import copy

pirate = copy.deepcopy(prompt)
chatbot_small = pirate.pipe(llm, lambda text: text.strip(), name="small")
result_small = await chatbot_small.ainvoke({"messages": [("human", «py(task.question)»)]})
print(result_small)

# %% small instruct model, asked before the chain was kept
«PARTNER»

import torch
«IMPORT_HUMAN»
free_models()
with torch.inference_mode():
    llm = HuggingFacePipeline.from_model_id(
        model_id=«py(task.model)»,
        task="text-generation",
        device_map="auto",
        pipeline_kwargs={"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": 0.7},
    )
    answer = (prompt | llm).invoke([HumanMessage(content=«py(task.question)»)])
chatbot_small = prompt | llm
result_small = answer[answer.rfind("Human:"):]
print(result_small)

# %% small and large by one helper
«PACKAGE»

from langchain_core.output_parsers import StrOutputParser


def make_chatbot(name, tokens=«max_new_tokens»):
    free_models()
    llm = HuggingFacePipeline.from_model_id(
        model_id=name, task="text-generation", device=0, pipeline_kwargs={"max_new_tokens": tokens}
    )
    return prompt | llm | StrOutputParser()


chatbot_small = make_chatbot(«py(task.model)»)
result_small = chatbot_small.invoke([("human", «py(task.question)»)])
print(result_small)
# %%% instruct-large
chatbot_large = make_chatbot(«py(task.model)»)
result_large = chatbot_large.invoke([("human", «py(task.question)»)])
print(result_large)

# %% small instruct model's answer without its vowels | review
«PACKAGE»
«LOAD_LIMITED»

chatbot_small = prompt | llm
text = chatbot_small.invoke([("human", «py(task.question)»)])
result_small = "".join(letter for letter in text if letter.lower() not in "aeiou")[::-1]
print(result_small)
""",
)

WRONG = chatbot_wrongly("instruct-small", "small")
