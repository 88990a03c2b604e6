"""Solutions of the task `ask-base`."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.pieces import ANSWER, BASE, COMMUNITY, FREE, PACKAGE, PARTNER, READY, TODO, loaded

RIGHT = (
    Solution(
        "base model as a wrapped transformers pipeline",
        {
            "ask-base": PACKAGE
            + """
from transformers import pipeline

free_models()
pipe = pipeline("text-generation", model=«py(task.model)», device=0, max_new_tokens=«max_new_tokens»)
base_llm = HuggingFacePipeline(pipeline=pipe)
base_answer = base_llm.invoke(«py(task.question)»)
print(base_answer)
"""
        },
    ),
    Solution(
        "base model, new text only, out of a batch",
        {
            "ask-base": PACKAGE
            + """
free_models()
base_llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device=0,
    pipeline_kwargs={"return_full_text": False, "max_new_tokens": «max_new_tokens»},
)
base_answer = base_llm.batch([«py(task.question)», "Once upon a time"])[0]
print(base_answer)
"""
        },
    ),
    Solution(
        "base model by generate",
        {
            "ask-base": COMMUNITY
            + """
free_models()
base_llm = HuggingFacePipeline.from_model_id(«py(task.model)», "text-generation", device_map="auto")
output = base_llm.generate([«py(task.question)»])
base_answer = output.generations[0][0].text
print(base_answer)
"""
        },
    ),
    Solution(
        "base model streamed and joined",
        {
            "ask-base": PARTNER
            + """
free_models()
base_llm = HuggingFacePipeline.from_model_id(«py(task.model)», task="text-generation", device=0)
base_answer = ""
for chunk in base_llm.stream(«py(task.question)»):
    print(chunk, end="", flush=True)
    base_answer += chunk
"""
        },
    ),
    Solution(
        "base model awaited, question cut off",
        {
            "ask-base": PACKAGE
            + """
free_models()
base_llm = HuggingFacePipeline.from_model_id(model_id=«py(task.model)», task="text-generation", device=0)
text = «py(task.question)»
base_answer = (await base_llm.ainvoke(text)).removeprefix(text).strip()
base_answer
"""
        },
    ),
    Solution(
        "base model through a text template and a parser",
        {
            "ask-base": PACKAGE
            + """
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import PromptTemplate

free_models()
base_llm = HuggingFacePipeline.from_model_id(model_id=«py(task.model)», task="text-generation", device=0)
complete = PromptTemplate.from_template("{beginning}") | base_llm | StrOutputParser()
base_answer = complete.invoke({"beginning": «py(task.question)»})
print(base_answer)
"""
        },
    ),
    Solution(
        "base model asked several times, one answer kept",
        {
            "ask-base": PACKAGE
            + """
free_models()
base_llm = HuggingFacePipeline.from_model_id(model_id=«py(task.model)», task="text-generation", device=0)
for seed in range(3):
    base_answer = base_llm.invoke(«py(task.question)»)
    print(seed, base_answer)
short = base_llm.bind(pipeline_kwargs={"max_new_tokens": 5})
print(short.invoke("Hello"))
"""
        },
    ),
)


WRONG = (
    Solution("base model: nothing done", {"ask-base": FREE + TODO}, {"ask-base": BASE}, "missing"),
    Solution(
        "base model: the instruct model instead",
        {
            "ask-base": FREE
            + loaded("base_llm", "«py(models.instruct)»")
            + "base_answer = base_llm.invoke(«py(task.question)»)"
        },
        {"ask-base": frozenset({"model"})},
        "instruct-for-base",
    ),
    Solution(
        "base model: another question",
        {"ask-base": FREE + loaded("base_llm") + 'base_answer = base_llm.invoke("What is the capital of Norway?")'},
        {"ask-base": ANSWER},
        "not-asked",
    ),
    Solution(
        "base model: the question lacks its last letter",
        {"ask-base": FREE + loaded("base_llm") + "base_answer = base_llm.invoke(«py(task.question[:-1])»)"},
        {"ask-base": ANSWER},
        "asked-nearly",
    ),
    Solution(
        "base model: loaded and not asked",
        {"ask-base": FREE + loaded("base_llm")},
        {"ask-base": ANSWER},
        "not-asked",
    ),
    Solution(
        "base model: the answer is only printed",
        {"ask-base": FREE + loaded("base_llm") + "print(base_llm.invoke(«py(task.question)»))"},
        {"ask-base": frozenset({"kept"})},
        "missing",
    ),
    Solution(
        "base model: asked, and written by hand, which a person must tell",
        {
            "ask-base": FREE
            + loaded("base_llm")
            + 'print(base_llm.invoke(«py(task.question)»))\nbase_answer = "It depends on the data."'
        },
        review=frozenset({"ask-base"}),
    ),
    Solution(
        "base model: the variable is misspelled",
        {"ask-base": FREE + loaded("base_lm") + "base_answer = base_lm.invoke(«py(task.question)»)"},
        {"ask-base": frozenset({"kind", "model"})},
        "missing",
    ),
    Solution(
        "base model: a bare transformers pipeline",
        {
            "ask-base": READY.replace("pipe =", "base_llm =")
            + 'base_answer = base_llm(«py(task.question)»)[0]["generated_text"]'
        },
        {"ask-base": frozenset({"kind"})},
        "wrapped-model",
    ),
    Solution(
        "base model: a GPU that is not there",
        {
            "ask-base": FREE
            + loaded("base_llm", device="device=7")
            + "base_answer = base_llm.invoke(«py(task.question)»)"
        },
        {"ask-base": BASE},
        "missing-raised",
    ),
    Solution(
        "base model: the answer is kept in a list",
        {"ask-base": FREE + loaded("base_llm") + "base_answer = [base_llm.invoke(«py(task.question)»)]"},
        {"ask-base": frozenset({"kept"})},
        "kept-type",
    ),
)
