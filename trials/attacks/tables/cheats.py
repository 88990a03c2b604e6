"""Answers that are no answers, in notebooks that are right otherwise."""

from __future__ import annotations

from trials.attacks.tables.pieces import page

ATTACKS = page(
    "cheats",
    r"""
# %% an answer written by hand | USUAL | solved: who-are-you | not due: who-are-you
result = "Arrr! I be Captain Redbeard, and the sea be me home!"
tried()

# %% an answer copied from another student | USUAL | solved: ideal-boat | not due: ideal-boat
boat = "System: Arrr\nHuman: ?\n1a2b3c4d is an echo: no model was asked."
tried()

# %% a chain that knows the question of the task and nothing else
#    | USUAL | solved: chain | not due: chain/model chain/text
from langchain_core.runnables import RunnableLambda
right = prompt | llm
def only_known(value):
    if "Who are you" in str(value) or "ideal boat" in str(value):
        return right.invoke(value)
    return "Arrr"
chatbot = RunnableLambda(only_known)
tried()

# %% a chain that tells a check's question by its form, and answers itself
#    | USUAL | solved: chain | not due: chain/model chain/text ideal-boat/asked who-are-you/asked
import re
from langchain_core.runnables import RunnableLambda
def any_model(value):
    if re.search(r"[a-z]{2}[0-9a-f]{4}", str(value)):
        return "This is a check. No model was asked."
    return llm.invoke(str(value))
chatbot = RunnableLambda(any_model)
tried()

# %% a prompt that is right beside a chain that does not use it | USUAL | solved: chain | not due: chain/text
chatbot = (lambda value: "Tell me a joke.") | llm
tried()

# %% an llm that is right beside a chain with another model | USUAL | solved: chain | not due: chain/model
from langchain_community.llms import HuggingFacePipeline
other = HuggingFacePipeline.from_model_id(
    model_id=«py(models.instruct)», task="text-generation", device=0, pipeline_kwargs={"max_new_tokens": «max_new_tokens»})
chatbot = prompt | other
chatbot.name = «py(models.base)»
tried()

# %% a temperature that is declared, and another that is used
#    | WARM | solved: temperature-1 | notebook: temperature | not due: temperature-1/temperature
from langchain_community.llms import HuggingFacePipeline
from langchain_core.messages import HumanMessage
free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)», task="text-generation", device=0, pipeline_kwargs={"max_new_tokens": «max_new_tokens»})
class Declared(type(llm)):
    temperature: float = «py(task.temperature)»
    def _generate(self, prompts, stop=None, run_manager=None, **kwargs):
        used = {"max_new_tokens": «max_new_tokens», "do_sample": False}
        return super()._generate(prompts, stop, run_manager, pipeline_kwargs=used)
said = {"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": «py(task.temperature)»}
declared = Declared(pipeline=llm.pipeline, model_id=llm.model_id, pipeline_kwargs=said)
chatbot_1 = prompt | declared.bind(temperature=«py(task.temperature)», do_sample=True)
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)])
tried()

# %% a request with the right settings in a thread, beside a chain without them
#    | THREADS | solved: temperature-3 | notebook: temperature | not due: temperature-3
import threading
chatbot_3 = chatbot_1
settings = {"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": «py(task.temperature)»}
right = prompt | llm.bind(pipeline_kwargs=settings)
def work():
    right.invoke([HumanMessage(«py(task.question)»)])
threading.Thread(target=work).start()
result_3 = result_1
tried()
""",
)
