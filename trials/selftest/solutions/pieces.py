"""Pieces of code that solutions are put together from, and sets of criteria that mistakes cost."""

from __future__ import annotations

from trials.classes import entries
from trials.selftest.library import Solution

PACKAGE = "from «models.package».llms import HuggingFacePipeline\n"
COMMUNITY = "from langchain_community.llms import HuggingFacePipeline\n"
PARTNER = "from langchain_huggingface import HuggingFacePipeline\n"
HUMAN = "from langchain_core.messages import HumanMessage\n"
LOAD = """
free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device=0,
)
"""
LOAD_LIMITED = """
free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device=0,
    pipeline_kwargs={"max_new_tokens": «max_new_tokens»},
)
"""
LOAD_WITH_TRANSFORMERS = """
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

free_models()
tokenizer = AutoTokenizer.from_pretrained(«py(task.model)»)
model = AutoModelForCausalLM.from_pretrained(«py(task.model)»)
"""

KIND, MODEL, DEVICE = frozenset({"kind"}), frozenset({"model"}), frozenset({"device"})
RUNNABLE, TEXT = frozenset({"runnable"}), frozenset({"text"})
ASKED, KEPT = frozenset({"asked"}), frozenset({"kept"})
PIPELINE = KIND | MODEL | DEVICE
BASE = KIND | MODEL | ASKED | KEPT
PROMPT = frozenset({"system", "placeholder"})
CHAIN = RUNNABLE | TEXT | MODEL
ANSWER = ASKED | KEPT
CHATBOT = MODEL | TEXT | KEPT
WARM = CHATBOT | {"temperature"}
NOT_ASKED = {"who-are-you": ANSWER, "ideal-boat": ANSWER}
NO_CHAIN = {"chain": CHAIN, **NOT_ASKED}
NO_PROMPT = {"prompt": PROMPT, **NO_CHAIN}

FREE = PACKAGE + "\nfree_models()\n"
IMPORT_HUMAN = "from langchain_core.messages import HumanMessage\n\n"
TEMPLATES = "from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder\n\n"
LIMIT = '{"max_new_tokens": «max_new_tokens»}'
THE_MODEL = "«py(task.model)»"
QUESTION = "[HumanMessage(«py(task.question)»)]"
TODO = "# I did not get this far\n"
ANOTHER_PROMPT = """\
other_prompt = ChatPromptTemplate(
    [
        ("system", "You are a grumpy cat."),
        MessagesPlaceholder("messages"),
    ]
)
"""
READY = """\
from transformers import pipeline

free_models()
pipe = pipeline("text-generation", model=«py(task.model)», device=0)
"""


def loaded(variable: str = "llm", model: str = THE_MODEL, device: str = "device=0", settings: str = "") -> str:
    """Code that loads a model as the course does, with `settings` as `pipeline_kwargs` where there are any."""
    kwargs = f"    pipeline_kwargs={settings},\n" if settings else ""
    return (
        f"{variable} = HuggingFacePipeline.from_model_id(\n"
        f'    model_id={model},\n    task="text-generation",\n    {device},\n{kwargs})\n'
    )


def settings(temperature: str = "«py(task.temperature)»", extra: str = '"do_sample": True, ') -> str:
    return f'{{"max_new_tokens": «max_new_tokens», {extra}"temperature": {temperature}}}'


def prompt_of(*parts: str) -> str:
    """Code that makes `prompt` out of messages."""
    return (
        TEMPLATES + "prompt = ChatPromptTemplate(\n    [\n" + "".join(f"        {p},\n" for p in parts) + "    ]\n)\n"
    )


SYSTEM = '("system", «py(system_prompt)»)'
PLACEHOLDER = 'MessagesPlaceholder("messages")'


CODE = {name: text for name, text in globals().items() if name.isupper() and isinstance(text, str)}
CODE |= {f"ASK_{n}": f"result_{n} = chatbot_{n}.invoke({QUESTION})\nprint(result_{n})\n" for n in (1, 2, 3)}
"""The pieces above, for which pages have a line `«NAME»`."""


def page(task: str, text: str) -> tuple[Solution, ...]:
    """Right solutions from a page of code (`classes.entries`), a heading each, with the marks `alone` and `review`.

    Args:
        task: whose cell stands under a heading; parts below it are further cells by task id.
    """
    found = []
    for entry in entries(text, CODE, ("alone", "review")):
        cells = {task: entry.code} if entry.code.strip() else {}
        cells |= entry.below
        review = frozenset(cells) if "review" in entry.marks else frozenset()
        found.append(Solution(entry.name, cells, review=review, alone="alone" in entry.marks))
    return tuple(found)
