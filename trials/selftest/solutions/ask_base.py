"""Solutions of the task `ask-base`."""

from __future__ import annotations

from trials.selftest.library import Mistakes
from trials.selftest.solutions.pieces import (
    ANSWER,
    BASE,
    FREE,
    KEPT,
    KIND,
    MODEL,
    READY,
    TODO,
    loaded,
    page,
)

RIGHT = page(
    "ask-base",
    """
# %% base model as a wrapped transformers pipeline
«PACKAGE»

from transformers import pipeline

free_models()
pipe = pipeline("text-generation", model=«py(task.model)», device=0, max_new_tokens=«max_new_tokens»)
base_llm = HuggingFacePipeline(pipeline=pipe)
base_answer = base_llm.invoke(«py(task.question)»)
print(base_answer)

# %% base model, new text only, out of a batch
«PACKAGE»

free_models()
base_llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device=0,
    pipeline_kwargs={"return_full_text": False, "max_new_tokens": «max_new_tokens»},
)
base_answer = base_llm.batch([«py(task.question)», "Once upon a time"])[0]
print(base_answer)

# %% base model by generate
«COMMUNITY»

free_models()
base_llm = HuggingFacePipeline.from_model_id(«py(task.model)», "text-generation", device_map="auto")
output = base_llm.generate([«py(task.question)»])
base_answer = output.generations[0][0].text
print(base_answer)

# %% base model streamed and joined
«PARTNER»

free_models()
base_llm = HuggingFacePipeline.from_model_id(«py(task.model)», task="text-generation", device=0)
base_answer = ""
for chunk in base_llm.stream(«py(task.question)»):
    print(chunk, end="", flush=True)
    base_answer += chunk

# %% base model awaited, question cut off
«PACKAGE»

free_models()
base_llm = HuggingFacePipeline.from_model_id(model_id=«py(task.model)», task="text-generation", device=0)
text = «py(task.question)»
base_answer = (await base_llm.ainvoke(text)).removeprefix(text).strip()
base_answer

# %% base model through a text template and a parser
«PACKAGE»

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import PromptTemplate

free_models()
base_llm = HuggingFacePipeline.from_model_id(model_id=«py(task.model)», task="text-generation", device=0)
complete = PromptTemplate.from_template("{beginning}") | base_llm | StrOutputParser()
base_answer = complete.invoke({"beginning": «py(task.question)»})
print(base_answer)

# %% base model asked several times, one answer kept
«PACKAGE»

free_models()
base_llm = HuggingFacePipeline.from_model_id(model_id=«py(task.model)», task="text-generation", device=0)
for seed in range(3):
    base_answer = base_llm.invoke(«py(task.question)»)
    print(seed, base_answer)
short = base_llm.bind(pipeline_kwargs={"max_new_tokens": 5})
print(short.invoke("Hello"))
""",
)

wrong = Mistakes("ask-base", "base model")
LOADED = FREE + loaded("base_llm")
WRONG = (
    wrong("nothing done", FREE + TODO, BASE, "missing"),
    wrong("the instruct model instead", FREE + loaded("base_llm", "«py(models.instruct)»")
          + "base_answer = base_llm.invoke(«py(task.question)»)", MODEL, "instruct-for-base"),
    wrong("another question", LOADED + 'base_answer = base_llm.invoke("What is the capital of Norway?")', ANSWER,
          "not-asked"),
    wrong("the question lacks its last letter", LOADED + "base_answer = base_llm.invoke(«py(task.question[:-1])»)",
          ANSWER, "asked-nearly"),
    wrong("loaded and not asked", LOADED, ANSWER, "not-asked"),
    wrong("the answer is only printed", LOADED + "print(base_llm.invoke(«py(task.question)»))", KEPT, "missing"),
    wrong.by_hand(LOADED + 'print(base_llm.invoke(«py(task.question)»))\nbase_answer = "It depends on the data."'),
    wrong("the variable is misspelled", FREE + loaded("base_lm")
          + "base_answer = base_lm.invoke(«py(task.question)»)", KIND | MODEL, "missing"),
    wrong("a bare transformers pipeline", READY.replace("pipe =", "base_llm =")
          + 'base_answer = base_llm(«py(task.question)»)[0]["generated_text"]', KIND, "wrapped-model"),
    wrong("a GPU that is not there", FREE + loaded("base_llm", device="device=7")
          + "base_answer = base_llm.invoke(«py(task.question)»)", BASE, "missing-raised"),
    wrong("the answer is kept in a list", LOADED + "base_answer = [base_llm.invoke(«py(task.question)»)]", KEPT,
          "kept-type"),
)  # fmt: skip
