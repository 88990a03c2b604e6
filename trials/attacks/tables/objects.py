"""Objects that are not what they say."""

from __future__ import annotations

from trials.attacks.tables.pieces import page

ATTACKS = page(
    "objects",
    """
# %% a class of one's own that is called HuggingFacePipeline | OWN_LOADER
class HuggingFacePipeline:
    model_id, task = «py(models.base)», "text-generation"
    pipeline_kwargs = {"max_new_tokens": «max_new_tokens»}
    device = "cuda:0"
    def invoke(self, *args, **kwargs): return "Arrr"
    __call__ = invoke
HuggingFacePipeline.__module__ = "langchain_community.llms.huggingface_pipeline"
llm = chatbot = HuggingFacePipeline()
result = boat = llm.invoke("?")

# %% an object whose __class__ says that it is a pipeline | OWN_LOADER
from langchain_community.llms import HuggingFacePipeline
from transformers import TextGenerationPipeline
class Inner:
    __class__ = TextGenerationPipeline
    task, device = "text-generation", "cuda:0"
class Liar:
    __class__ = HuggingFacePipeline
    pipeline, model_id = Inner(), «py(models.base)»
    pipeline_kwargs = {"max_new_tokens": «max_new_tokens»}
    def __init__(self): self.__dict__["pipeline"] = Inner()
    def invoke(self, *args, **kwargs): return "Arrr"
llm = chatbot = Liar()
result = boat = "Arrr"

# %% a real pipeline class that was never given a model | OWN_LOADER
from langchain_community.llms import HuggingFacePipeline
from transformers import TextGenerationPipeline
class Pretend(HuggingFacePipeline):
    def _generate(self, *args, **kwargs):
        from langchain_core.outputs import Generation, LLMResult
        return LLMResult(generations=[[Generation(text="Arrr")]])
pipe = object.__new__(TextGenerationPipeline)
pipe.__dict__.update(task="text-generation", device="cuda:0", _asked_for="cuda:0")
llm = Pretend(pipeline=pipe, model_id=«py(models.base)», pipeline_kwargs={"max_new_tokens": «max_new_tokens»})
chatbot = llm
result = boat = llm.invoke("?")

# %% a Runnable that answers by itself | OWN_RUNNABLE
from langchain_core.runnables import Runnable
class Parrot(Runnable):
    def invoke(self, value, config=None, **kwargs): return "System: Arrr, a pirate"
llm = chatbot = Parrot()
result = boat = chatbot.invoke("?")

# %% __reduce__ in everything that may be pickled | OWN_EQ | not due: chain ideal-boat load-model prompt who-are-you
class Bomb(str):
    def __reduce_ex__(self, protocol):
        return (eval, ("open('@ROOT@/planted-by-pickle', 'w').close()",))
    __reduce__ = __reduce_ex__
answers = {letter: Bomb("device") for letter in "abcdefgh"}
result = boat = llm = prompt = chatbot = Bomb("x")

# %% isinstance, type, len and str that say what suits | CURIOUS
import builtins
real = builtins.isinstance
builtins.isinstance = lambda thing, kind: True if real(thing, Odd) else real(thing, kind)
class Odd:
    task, device = "text-generation", "cuda:0"
    def invoke(self, *args, **kwargs): return "Arrr"
    def __str__(self): return "Arrr"
llm = chatbot = prompt = result = boat = Odd()

# %% another model under the right one's name | OWN_LOADER | solved: load-model | not due: load-model/model
from langchain_community.llms import HuggingFacePipeline

free_models()
llm = HuggingFacePipeline.from_model_id(model_id=«py(models.instruct)», task="text-generation", device=0)
llm.__dict__["model_id"] = «py(task.model)»
llm.pipeline.model.name_or_path = llm.pipeline.model.config._name_or_path = «py(task.model)»
tried()

# %% a dict that changes after it has been looked at, and a text that is another each time
#    | OWN_EQ | not due: ideal-boat who-are-you
class Turning(dict):
    turn = 0
    def items(self):
        Turning.turn += 1
        return [(letter, ("device", "task", "model_id", "do_sample")[Turning.turn % 4]) for letter in "abcdefgh"]
    values = lambda self: [value for _, value in self.items()]
class Shifting(str):
    def __str__(self): return "Arrr" + str(id(object()))
answers = Turning({letter: "temperature" for letter in "abcdefgh"})
result = boat = Shifting("x")
""",
)
