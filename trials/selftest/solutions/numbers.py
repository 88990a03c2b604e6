"""Settings by other roads and as other numbers, for `limit-output` and `temperature`: what the model gets is what counts."""

from __future__ import annotations

from collections.abc import Mapping

from trials.selftest.library import Losses, Mistakes, Solution
from trials.selftest.solutions.pieces import FREE, KEPT, LIMIT, NOT_ASKED, PARTNER, QUESTION, loaded, page

LIMITS = page(
    "limit-output",
    """
# %% limit as a number of numpy's, tried
import numpy as np

llm = llm.bind(pipeline_kwargs={"max_new_tokens": np.int64(«max_new_tokens»)})
print(len(llm.invoke("Hi")))

# %% limit as a number of numpy's beside others of its kinds
import numpy as np

steps = np.linspace(0, «max_new_tokens», 3, dtype=int)
settings = dict(max_new_tokens=steps[-1], do_sample=np.bool_(True), temperature=np.float64(0.7), top_p=np.float32(0.9))
llm = llm.bind(pipeline_kwargs=settings)
print(len(llm.invoke("Hi")))

# %% limit as a whole number that is written with a point
llm = llm.bind(pipeline_kwargs={"max_new_tokens": float(«max_new_tokens»)})

# %% limit in the model's own settings, beside its pipeline | alone
llm.pipeline.model.generation_config.max_new_tokens = «max_new_tokens»

# %% limit in what the pipeline keeps | alone
«PACKAGE»
import transformers

free_models()
pipe = transformers.pipeline("text-generation", «py(task.model)», device=0, max_new_tokens=1000)
pipe._forward_params["max_new_tokens"] = «max_new_tokens»
llm = HuggingFacePipeline(pipeline=pipe)

# %% limit behind stop words, bound three times
llm = llm.bind(stop=["Human:"]).bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens»}).bind(skip_prompt=True)
print(llm.invoke("Hello"))

# %% limit beside one of the whole text
llm = llm.bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens», "max_length": 2000, "min_new_tokens": 5})

# %% limit in a step of its own
from functools import partial

from langchain_core.runnables import RunnableLambda

llm = RunnableLambda(partial(llm.invoke, pipeline_kwargs={"max_new_tokens": «max_new_tokens»}))

# %% limit by a class that adds it | alone
«PACKAGE»

free_models()


class Short(HuggingFacePipeline):
    def _generate(self, prompts, stop=None, run_manager=None, **kwargs):
        kwargs.setdefault("pipeline_kwargs", {})["max_new_tokens"] = «max_new_tokens»
        return super()._generate(prompts, stop, run_manager, **kwargs)


llm = Short.from_model_id(model_id=«py(task.model)», task="text-generation", device=0)

# %% limit as a field that can be set, in community
# %%% load-model
«COMMUNITY»
«LOAD»
# %%% limit-output
from langchain_core.runnables import ConfigurableField

adjustable = llm.configurable_fields(pipeline_kwargs=ConfigurableField(id="settings"))
llm = adjustable.with_config(configurable={"settings": {"max_new_tokens": «max_new_tokens»}})
""",
)
WARM = page(
    "temperature-1",
    """
# %% temperatures out of numpy's array
«PACKAGE»
«LOAD»
import numpy as np

common = {"do_sample": np.bool_(True), "max_new_tokens": np.int32(«max_new_tokens»)}
bots = [prompt | llm.bind(pipeline_kwargs=common | {"temperature": t}) for t in np.array(«py(temperatures)»)]
chatbot_1 = bots[0]
result_1 = chatbot_1.invoke([("human", «py(task.question)»)])
# %%% temperature-2
chatbot_2 = bots[1]
result_2 = chatbot_2.invoke([("human", «py(task.question)»)])
# %%% temperature-3
chatbot_3 = bots[2]
result_3 = chatbot_3.invoke([("human", «py(task.question)»)])

# %% temperatures reckoned, and sampling as a number
«PACKAGE»
«LOAD»
from decimal import Decimal
from fractions import Fraction


def at(t):
    return prompt | llm.bind(pipeline_kwargs={"do_sample": 1, "temperature": float(t), "top_k": 0})


chatbot_1 = at(Decimal("«task.temperature»"))
result_1 = chatbot_1.invoke([("human", «py(task.question)»)])
# %%% temperature-2
chatbot_2 = at(Fraction("«task.temperature»"))
result_2 = chatbot_2.invoke([("human", «py(task.question)»)])
# %%% temperature-3
chatbot_3 = at(«task.temperature * 10» / 10)
result_3 = chatbot_3.invoke([("human", «py(task.question)»)])

# %% one chain whose temperature a dict decides, changed from cell to cell
«PACKAGE»
«LOAD»
from langchain_core.runnables import RunnableLambda

settings = {"do_sample": True, "max_new_tokens": «max_new_tokens»}
chatbot = prompt | RunnableLambda(lambda value: llm.invoke(value, pipeline_kwargs=settings))
settings["temperature"] = «py(task.temperature)»
chatbot_1 = chatbot
result_1 = chatbot_1.invoke([("human", «py(task.question)»)])
# %%% temperature-2
settings["temperature"] = «py(task.temperature)»
chatbot_2 = chatbot
result_2 = chatbot_2.invoke([("human", «py(task.question)»)])
# %%% temperature-3
settings["temperature"] = «py(task.temperature)»
chatbot_3 = chatbot
result_3 = chatbot_3.invoke([("human", «py(task.question)»)])

# %% temperatures in objects, answers sorted out later
«PACKAGE»
«LOAD»
from dataclasses import asdict, dataclass, replace


@dataclass
class Draw:
    temperature: float
    do_sample: bool = True
    max_new_tokens: int = «max_new_tokens»
    top_p: float = 0.95


draws = [replace(Draw(1.0), temperature=t) for t in «py(temperatures)»]
bots = [prompt | llm.bind(pipeline_kwargs=asdict(draw)) | str.strip for draw in draws]
texts = [bot.invoke([("human", «py(task.question)»)]) for bot in bots]
chatbot_1, result_1 = bots[0], texts[0]
# %%% temperature-2
chatbot_2, result_2 = bots[1], texts[1]
# %%% temperature-3
chatbot_3, result_3 = bots[2], texts[2]

# %% temperatures given to the transformers pipeline at each call
«PACKAGE»
from langchain_core.runnables import RunnableLambda
from transformers import pipeline as make_pipeline

free_models()
pipe = make_pipeline("text-generation", model=«py(task.model)», device_map="auto")
llm = HuggingFacePipeline(pipeline=pipe)


def at(t):
    def answer(value):
        return pipe(value.to_string(), temperature=t, do_sample=True, return_full_text=False)[0]["generated_text"]

    return prompt | RunnableLambda(answer)


chatbot_1 = at(«py(task.temperature)»)
result_1 = chatbot_1.invoke([("human", «py(task.question)»)])
# %%% temperature-2
chatbot_2 = at(«py(task.temperature)»)
result_2 = chatbot_2.invoke([("human", «py(task.question)»)])
# %%% temperature-3
chatbot_3 = at(«py(task.temperature)»)
result_3 = chatbot_3.invoke([("human", «py(task.question)»)])
""",
)
RIGHT = LIMITS + WARM

limit = Mistakes("limit-output", "limit", alone=True)
heat = Mistakes("temperature-1", "temperature-1", alone=True)
LOST, HEAT = frozenset({"limit"}), frozenset({"temperature"})
SILENT = {"limit-output": LOST, **NOT_ASKED}


def bound(name: str, what: str, loses: frozenset[str] | Losses, hint: str) -> Solution:
    """A limit bound to the `llm` that is there."""
    return limit(name, f"llm = llm.bind(pipeline_kwargs={what})", loses, hint)


def warm(
    name: str, loses: frozenset[str], hint: str | None, given: str = "", chain: str = "", first: str = ""
) -> Solution:
    """A temperature that is not right: in the settings that are bound, or in the chain."""
    chain = chain or f"chatbot_1 = prompt | llm.bind(pipeline_kwargs={{{given}}})"
    code = f"from langchain_core.messages import HumanMessage\n\n{FREE}{loaded()}{first}{chain}\n"
    return heat(name, code + f"result_1 = chatbot_1.invoke({QUESTION})", loses, hint)


T = '"do_sample": True, "temperature": «task.temperature»'
OTHER_KINDS: Mapping[str, str] = {
    "a small float of numpy's": "__import__('numpy').float32(«task.temperature»)",
    "a decimal": "__import__('decimal').Decimal('«task.temperature»')",
    "a tensor": "__import__('torch').tensor(«task.temperature»)",
    "a list": "[«task.temperature»]",
}
WRONG = (
    bound("a bare number for the settings", "«max_new_tokens»", SILENT, "settings-type"),
    bound("a list of pairs for the settings", "[('max_new_tokens', «max_new_tokens»)]", SILENT, "settings-type"),
    bound("its name misspelled", "{'max_new_token': «max_new_tokens»}", SILENT, "setting-unknown"),
    limit("its name misspelled, and tried", "llm = llm.bind(pipeline_kwargs={'max_new_tokes': «max_new_tokens»})\n"
          "print(llm.invoke('Hi'))", SILENT, "setting-unknown"),
    bound("half a token too many", "{'max_new_tokens': «max_new_tokens» + 0.5}", LOST, "limit-other"),
    bound("nothing for a number", "{'max_new_tokens': None}", LOST, "limit-refused"),
    bound("below zero", "{'max_new_tokens': -«max_new_tokens»}", SILENT, "limit-refused"),
    bound("one dict too deep", "{'pipeline_kwargs': {'max_new_tokens': «max_new_tokens»}}", SILENT, "limit-default"),
    limit("bound, and bound over", "llm = llm.bind(pipeline_kwargs={'max_new_tokens': «max_new_tokens»})\n"
          "llm = llm.bind(pipeline_kwargs={'do_sample': True})", LOST, "limit-default"),
    limit("bound as another argument", "llm = llm.bind(model_kwargs={'max_new_tokens': «max_new_tokens»})", LOST,
          "limit-ignored"),
    limit("in the config", "llm = llm.with_config(configurable={'max_new_tokens': «max_new_tokens»})", LOST,
          "limit-default"),
    limit("at one call", "print(llm.invoke('Hi', pipeline_kwargs={'max_new_tokens': «max_new_tokens»}))", LOST,
          "limit-default"),
    limit("on the tokenizer", "llm.pipeline.tokenizer.model_max_length = «max_new_tokens»", LOST, "limit-default"),
    limit("printed", "print('max_new_tokens =', «max_new_tokens»)\nmax_new_tokens = «max_new_tokens»", LOST,
          "limit-default"),
    limit("beside the loaded pipeline, wrapped again in the partner package",
          {"load-model": f"{PARTNER}\nfree_models()\n{loaded()}",
          "limit-output": f"llm = HuggingFacePipeline(pipeline=llm.pipeline, pipeline_kwargs={LIMIT})"},
          LOST, "limit-ignored"),
    *(warm(name, HEAT | KEPT, "temperature-text", f'"do_sample": True, "temperature": {code}')
      for name, code in OTHER_KINDS.items()),
    warm("a number without end", HEAT, "temperature-other", '"do_sample": True, "temperature": float("inf")'),
    warm("no number at all", HEAT | KEPT, "temperature-other", '"do_sample": True, "temperature": float("nan")'),
    warm("a number of many digits", HEAT | KEPT, "temperature-other", '"do_sample": True, "temperature": 10**400'),
    warm("its name misspelled", HEAT | KEPT, "setting-unknown", '"do_sample": True, "temprature": «task.temperature»'),
    warm("its name with a capital", HEAT | KEPT, "setting-unknown", '"do_sample": True, "Temperature": «task.temperature»'),
    warm("its name shortened", HEAT | KEPT, "setting-unknown", '"do_sample": True, "temp": «task.temperature»'),
    warm("rounded away", HEAT, "temperature-other", '"do_sample": True, "temperature": round(«task.temperature» - 0.06, 1)'),
    warm("nearly", HEAT, "temperature-other", '"do_sample": True, "temperature": «task.temperature» + 1e-4'),
    warm("sampling off by a nought", HEAT, "temperature-off", '"do_sample": 0, "temperature": «task.temperature»'),
    warm("two settings that fight", HEAT, "temperature-other", '"generation_config": GenerationConfig('
         'do_sample=True, temperature=«task.temperature»), "temperature": 0.2',
         first="from transformers import GenerationConfig\n\n"),
    warm("in the place of top_p", HEAT, "temperature-none", '"do_sample": True, "repetition_penalty": «task.temperature»'),
    warm("in the chain's config", HEAT, "temperature-none",
         chain="chatbot_1 = (prompt | llm).with_config(configurable={'temperature': «task.temperature», 'do_sample': True})"),
    warm("bound, and bound over", HEAT, "temperature-none",
         chain=f"chatbot_1 = prompt | llm.bind(pipeline_kwargs={{{T}}}).bind(pipeline_kwargs={{'do_sample': True}})"),
    warm("one variable for all, read when it has changed", HEAT, "temperature-none",
         chain="bots = []\nfor t in «py(temperatures)»:\n    bots.append(prompt | (lambda value: llm.invoke("
         "value, pipeline_kwargs={'do_sample': True, 'temperature': t})))\nchatbot_1 = bots[0]"),
    warm("a loop that leaves the last alone", HEAT, "temperature-other",
         chain="for t in «py(temperatures)»:\n"
         "    chatbot_1 = prompt | llm.bind(pipeline_kwargs={'do_sample': True, 'temperature': t})"),
    warm("another one for the task's own question", KEPT, "temperature-asked",
         chain="from langchain_core.runnables import RunnableLambda\n\n\ndef answer(value):\n"
         "    t = 0.1 if «py(task.question)» in value.to_string() else «task.temperature»\n"
         "    return llm.invoke(value, pipeline_kwargs={'do_sample': True, 'temperature': t})\n\n\n"
         "chatbot_1 = prompt | RunnableLambda(answer)"),
)  # fmt: skip
