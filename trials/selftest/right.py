"""The right half of the library: solutions that the contract calls right, in many spellings.

Each does what its tasks ask, in the way of somebody: who reads LangChain's documentation or that of transformers, who
asks a chat assistant, who remembers an older edition, who writes helper functions. They were written from the contract
and tried against the installed libraries, and not from the checks: a check that takes a point from one of these is wrong
about it. Where what came back was changed beyond recognition, the points stay and a person looks (`review`).

What this is not: a list of all right solutions, of good style, or of wrong ones (`library_wrong.py`).

How they are written, so that one fits every profile and stands beside others in one notebook:

- Values come from the vocabulary of `authoring.py`; the chapter's model may be a base model, which has no chat template.
- A solution that is not `alone` leaves behind what other cells count on: `llm`, and the class by its name, after a
  loading cell; after `chain` a chatbot that takes a list or a dict of messages and answers with text.
- Answers may be gibberish or empty: no code depends on what the model says.
"""

from __future__ import annotations

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

MODEL_HOME = (
    Solution("environment by the env magic", {"model-home": "%env HF_HOME=«models.home»"}),
    Solution("environment by the set_env magic", {"model-home": "%set_env HF_HOME «models.home»"}),
    Solution(
        "model home with a trailing slash",
        {"model-home": 'import os\n\nos.environ["HF_HOME"] = «py(models.home.rstrip("/") + "/")»\n'},
    ),
    Solution(
        "environ by from-import and update",
        {
            "model-home": "from os import environ\n\nenviron.update(HF_HOME=«py(models.home)»)\nprint(environ['HF_HOME'])\n"
        },
    ),
    Solution(
        "model home as a path, in a loop with other variables",
        {
            "model-home": """
import os
from pathlib import Path

MODELS = Path(«py(models.home)»)
assert MODELS.is_absolute()
for name, value in {"HF_HOME": MODELS, "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": 1}.items():
    os.environ[name] = str(value)
"""
        },
    ),
    Solution(
        "model home by a call of the magic",
        {
            "model-home": """
get_ipython().run_line_magic("env", "HF_HOME=" + «py(models.home)»)
"""
        },
    ),
)

ASK_BASE = (
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

LOAD_MODEL = (
    Solution("class from community", {"load-model": COMMUNITY + LOAD}),
    Solution("class from the partner package", {"load-model": PARTNER + LOAD}),
    Solution(
        "class from its own module in community",
        {"load-model": "from langchain_community.llms.huggingface_pipeline import HuggingFacePipeline\n" + LOAD},
    ),
    Solution(
        "positional arguments",
        {
            "load-model": PACKAGE
            + """
free_models()
llm = HuggingFacePipeline.from_model_id(«py(task.model)», "text-generation", "default", 0)
"""
        },
    ),
    Solution(
        "device map auto in the partner package, limited already",
        {
            "load-model": PARTNER
            + """
free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device_map="auto",
    pipeline_kwargs=dict(max_new_tokens=10, do_sample=False, repetition_penalty=1.1),
)
print(llm.invoke("Hello"))
"""
        },
    ),
    Solution(
        "device map auto in community",
        {
            "load-model": COMMUNITY
            + """
free_models()
llm = HuggingFacePipeline.from_model_id(model_id=«py(task.model)», task="text-generation", device_map="auto")
"""
        },
    ),
    Solution(
        "device map among the model's arguments",
        {
            "load-model": PARTNER
            + """
free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)», task="text-generation", model_kwargs={"device_map": {"": 0}}
)
"""
        },
    ),
    Solution(
        "GPU if there is one",
        {
            "load-model": PACKAGE
            + """
import torch

free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device=0 if torch.cuda.is_available() else -1,
    batch_size=4,
    verbose=True,
)
"""
        },
    ),
    Solution(
        "partner package chooses the GPU by itself",
        {
            "load-model": PARTNER
            + """
free_models()
llm = HuggingFacePipeline.from_model_id(model_id=«py(task.model)», task="text-generation")
"""
        },
    ),
    Solution(
        "settings in a dict, half precision",
        {
            "load-model": PACKAGE
            + """
import torch

settings = {
    "model_id": «py(task.model)»,
    "task": "text-generation",
    "device": 0,
    "model_kwargs": {"dtype": torch.bfloat16},
}
free_models()
llm = HuggingFacePipeline.from_model_id(**settings)
"""
        },
    ),
    Solution(
        "transformers pipeline wrapped",
        {
            "load-model": PACKAGE
            + """
from transformers import pipeline

free_models()
llm = HuggingFacePipeline(pipeline=pipeline("text-generation", model=«py(task.model)», device=0))
"""
        },
    ),
    Solution(
        "transformers pipeline wrapped, device by name",
        {
            "load-model": PACKAGE
            + """
import torch
from transformers import pipeline

free_models()
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
pipe = pipeline(task="text-generation", model=«py(task.model)», torch_dtype=torch.float32, device=device)
llm = HuggingFacePipeline(pipeline=pipe, model_id=«py(task.model)»)
"""
        },
    ),
    Solution(
        "model and tokenizer loaded, then a pipeline on the GPU",
        {
            "load-model": PACKAGE
            + LOAD_WITH_TRANSFORMERS
            + """
llm = HuggingFacePipeline(pipeline=pipeline("text-generation", model=model, tokenizer=tokenizer, device="cuda:0"))
"""
        },
    ),
    Solution(
        "model moved to the GPU by hand",
        {
            "load-model": PACKAGE
            + """
from transformers import AutoModelForCausalLM, AutoTokenizer, TextGenerationPipeline

free_models()
name = «py(task.model)»
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name, dtype="auto").to("cuda")
model.eval()
llm = HuggingFacePipeline(pipeline=TextGenerationPipeline(model=model, tokenizer=tokenizer, task="text-generation"))
"""
        },
    ),
    Solution(
        "model spread by accelerate, then wrapped",
        {
            "load-model": PARTNER
            + """
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

free_models()
tokenizer = AutoTokenizer.from_pretrained(«py(task.model)»)
model = AutoModelForCausalLM.from_pretrained(«py(task.model)», torch_dtype=torch.bfloat16, device_map="auto")
pipe = pipeline("text-generation", model=model, tokenizer=tokenizer)
llm = HuggingFacePipeline(pipeline=pipe)
"""
        },
    ),
    Solution(
        "loaded by a helper function, tried before it is kept",
        {
            "load-model": PACKAGE
            + '''
import warnings

warnings.filterwarnings("ignore")


def load_model(name: str, device: int = 0, **settings) -> HuggingFacePipeline:
    """Loads a model for text generation."""
    print(f"Loading {name} ...")
    return HuggingFacePipeline.from_model_id(
        model_id=name, task="text-generation", device=device, pipeline_kwargs=settings
    )


free_models()
try:
    llm = load_model(«py(task.model)»)
except RuntimeError as error:
    print("Could not load the model:", error)
'''
        },
    ),
    Solution(
        "loaded from the folder in the cache",
        {
            "load-model": PACKAGE
            + """
from huggingface_hub import snapshot_download

free_models()
folder = snapshot_download(«py(task.model)», local_files_only=True)
llm = HuggingFacePipeline.from_model_id(model_id=folder, task="text-generation", device=0)
"""
        },
    ),
    Solution(
        "class under a name of one's own",
        {
            "load-model": """
import langchain_huggingface as lhf

free_models()
llm = lhf.HuggingFacePipeline.from_model_id(model_id=«py(task.model)», task="text-generation", device=0)
""",
            "limit-output": "llm = llm.bind(pipeline_kwargs=dict(max_new_tokens=«max_new_tokens»))",
        },
        alone=True,
    ),
    Solution(
        "a cell that loads twice",
        {"load-model": PACKAGE + LOAD + "print(llm)\n" + LOAD},
    ),
)

LIMIT_OUTPUT = (
    Solution(
        "limit bound",
        {"limit-output": 'llm = llm.bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens»})'},
    ),
    Solution(
        "limit bound with other settings, and a try",
        {
            "limit-output": """
short_settings = dict(max_new_tokens=«max_new_tokens», do_sample=True, temperature=0.7, top_p=0.9, repetition_penalty=1.2)
llm = llm.bind(pipeline_kwargs=short_settings).with_config(run_name="short", tags=["limited"])
print(len(llm.invoke("Hello")))
"""
        },
    ),
    Solution(
        "limit bound while loading with transformers",
        {
            "limit-output": PACKAGE
            + LOAD_WITH_TRANSFORMERS
            + """
pipe = pipeline("text-generation", model=model, tokenizer=tokenizer, device=0)
llm = HuggingFacePipeline(pipeline=pipe).bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens»})
"""
        },
    ),
    Solution(
        "limit given to the transformers pipeline",
        {
            "limit-output": PACKAGE
            + """
import transformers

free_models()
pipe = transformers.pipeline(
    "text-generation",
    model=«py(task.model)»,
    device_map="auto",
    max_new_tokens=«max_new_tokens»,
    return_full_text=True,
)
llm = HuggingFacePipeline(pipeline=pipe)
"""
        },
    ),
    Solution(
        "limit given while loading, new text only",
        {
            "limit-output": COMMUNITY
            + """
TOKENS = «max_new_tokens»
free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device_map="auto",
    pipeline_kwargs={"max_new_tokens": TOKENS, "return_full_text": False},
)
"""
        },
    ),
    Solution(
        "limit in a generation config, bound",
        {
            "limit-output": """
from transformers import GenerationConfig

config = GenerationConfig(max_new_tokens=«max_new_tokens»)
llm = llm.bind(pipeline_kwargs={"generation_config": config})
"""
        },
    ),
    Solution(
        "limit in the model's own generation config, given while loading",
        {
            "limit-output": PACKAGE
            + """
from transformers import GenerationConfig

free_models()
config = GenerationConfig.from_pretrained(«py(task.model)»)
config.max_new_tokens = «max_new_tokens»
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device=0,
    pipeline_kwargs={"generation_config": config},
)
"""
        },
    ),
    Solution(
        "limit in a generation config given to the transformers pipeline",
        {
            "limit-output": PARTNER
            + """
from transformers import GenerationConfig, pipeline

free_models()
pipe = pipeline(
    task="text-generation",
    model=«py(task.model)»,
    device=0,
    generation_config=GenerationConfig(max_new_tokens=«max_new_tokens», do_sample=True),
)
llm = HuggingFacePipeline(pipeline=pipe)
"""
        },
    ),
    Solution(
        "the loaded pipeline wrapped again in community with the limit",
        {
            "limit-output": COMMUNITY
            + """
llm = HuggingFacePipeline(pipeline=llm.pipeline, pipeline_kwargs={"max_new_tokens": «max_new_tokens»})
"""
        },
    ),
    Solution(
        "limit set on the model, wrapped again",
        {
            "limit-output": PARTNER
            + """
pipe = llm.pipeline
pipe.model.generation_config.max_new_tokens = «max_new_tokens»
llm = HuggingFacePipeline(pipeline=pipe)
"""
        },
    ),
    Solution(
        "limit bound, with retries",
        {
            "limit-output": """
bound = llm.bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens»})
llm = bound.with_retry(stop_after_attempt=2)
"""
        },
    ),
    Solution(
        "limit by a copy of community's object",
        {
            "load-model": COMMUNITY + LOAD,
            "limit-output": 'llm = llm.model_copy(update={"pipeline_kwargs": {"max_new_tokens": «max_new_tokens»}})',
        },
    ),
    Solution(
        "limit set on community's object itself",
        {
            "load-model": COMMUNITY + LOAD,
            "limit-output": 'llm.pipeline_kwargs = {"max_new_tokens": «max_new_tokens»}',
        },
    ),
    Solution(
        "limit in a settings object, loaded anew by a helper",
        {
            "limit-output": PACKAGE
            + """
from dataclasses import asdict, dataclass


@dataclass
class Settings:
    max_new_tokens: int = «max_new_tokens»
    do_sample: bool = True
    top_k: int = 50


def load(name, settings=Settings()):
    free_models()
    loaded = HuggingFacePipeline.from_model_id(name, task="text-generation", device=0)
    return loaded.bind(pipeline_kwargs=asdict(settings))


llm = load(«py(task.model)»)
"""
        },
    ),
)

ARGUMENTS = (
    Solution(
        "dict by keywords",
        {
            "arguments": """
answers = dict(
«% for letter, argument in arguments.items() %»
    «letter»=«py(argument)»,
«% endfor %»
)
"""
        },
    ),
    Solution(
        "dict filled one by one, backwards, one answer changed",
        {
            "arguments": """
answers = {}
«% for letter, argument in arguments.items() %»
answers["«letter»"] = "model_kwargs"
«% endfor %»
«% for letter, argument in arguments.items() | reverse %»
answers["«letter»"] = "«argument»"
«% endfor %»
answers
"""
        },
    ),
    Solution(
        "dict zipped together",
        {
            "arguments": """
letters = «py((arguments.keys() | join("")))»
found = «py((arguments.values() | join(" ")))».split()
answers = dict(zip(letters, found, strict=True))
for letter, name in answers.items():
    print(f"{letter}: {name}")
"""
        },
    ),
    Solution(
        "dict read from JSON, ordered",
        {
            "arguments": '''
import json
from collections import OrderedDict

text = """{
«% for letter, argument in arguments.items() %»
    "«letter»": "«argument»"«"" if loop.last else ","»
«% endfor %»
}"""
answers = json.loads(text, object_pairs_hook=OrderedDict)
'''
        },
    ),
)

ASK_BY_DICT = {
    "who-are-you": """
from langchain_core.messages import HumanMessage

result = chatbot.invoke({"messages": [HumanMessage(content=«py(task.question)»)]})
print(result)
""",
    "ideal-boat": """
boat = chatbot.invoke({"messages": [HumanMessage(content=«py(task.question)»)]})
print(boat)
""",
}

PROMPT = (
    Solution(
        "prompt of message objects, by from_messages",
        {
            "prompt": """
from langchain_core.messages import SystemMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

prompt = ChatPromptTemplate.from_messages(
    [SystemMessage(content=«py(system_prompt)»), MessagesPlaceholder(variable_name="messages")]
)
"""
        },
    ),
    Solution(
        "placeholder as a pair",
        {
            "prompt": """
from langchain_core.prompts import ChatPromptTemplate

prompt = ChatPromptTemplate.from_messages([("system", «py(system_prompt)»), ("placeholder", "{messages}")])
""",
            **ASK_BY_DICT,
        },
        alone=True,
    ),
    Solution(
        "placeholder that may be left empty",
        {
            "prompt": """
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

prompt = ChatPromptTemplate([("system", «py(system_prompt)»), MessagesPlaceholder("messages", optional=True)])
""",
            **ASK_BY_DICT,
        },
        alone=True,
    ),
    Solution(
        "system message by its template class",
        {
            "prompt": """
from langchain_core.prompts import (
    ChatPromptTemplate,
    MessagesPlaceholder,
    PromptTemplate,
    SystemMessagePromptTemplate,
)

system = SystemMessagePromptTemplate(prompt=PromptTemplate(template=«py(system_prompt)», input_variables=[]))
prompt = ChatPromptTemplate(messages=[system, MessagesPlaceholder(variable_name="messages")], input_variables=["messages"])
"""
        },
    ),
    Solution(
        "system prompt filled in beforehand",
        {
            "prompt": """
from langchain_core.prompts.chat import ChatPromptTemplate, MessagesPlaceholder

system_text = «py(system_prompt)»
prompt = ChatPromptTemplate([("system", "{role}"), MessagesPlaceholder("messages")]).partial(role=system_text)
"""
        },
    ),
    Solution(
        "prompt added together",
        {
            "prompt": """
from langchain_core.messages import SystemMessage
from langchain_core.prompts import MessagesPlaceholder

prompt = SystemMessage(«py(system_prompt)») + MessagesPlaceholder("messages")
"""
        },
    ),
    Solution(
        "prompt with its role in a dict",
        {
            "prompt": """
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

system = {"role": "system", "content": «py(system_prompt)»}
prompt = ChatPromptTemplate([system, MessagesPlaceholder(variable_name="messages")])
print(prompt.input_variables)
"""
        },
    ),
    Solution(
        "prompt appended to, which then takes a dict only",
        {
            "prompt": """
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

prompt = ChatPromptTemplate.from_messages([("system", «py(system_prompt)»)])
prompt.append(MessagesPlaceholder("messages"))
""",
            **ASK_BY_DICT,
        },
        alone=True,
    ),
    Solution(
        "prompt from the classic package, in jinja",
        {
            "prompt": """
from langchain_classic.prompts import ChatPromptTemplate, MessagesPlaceholder, SystemMessagePromptTemplate

prompt = ChatPromptTemplate.from_messages(
    [
        SystemMessagePromptTemplate.from_template(«py(system_prompt)», template_format="jinja2"),
        MessagesPlaceholder(variable_name="messages", n_messages=20),
    ]
)
"""
        },
    ),
    Solution(
        "prompt made by a helper function and looked at",
        {
            "prompt": """
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder


def make_prompt(system, place="messages"):
    return ChatPromptTemplate.from_messages([("system", system.strip()), MessagesPlaceholder(place)])


prompt = make_prompt(
    «py(system_prompt[:10])»
    «py(system_prompt[10:])»
)
example = prompt.invoke({"messages": [HumanMessage("Hi"), AIMessage("Hello"), HumanMessage("Bye")]})
print(example.to_string())
prompt.pretty_print()
"""
        },
    ),
)

CHAIN = (
    Solution(
        "prompt made once more in the chain's cell, just the same",
        {
            "chain": """
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

prompt = ChatPromptTemplate([("system", «py(system_prompt)»), MessagesPlaceholder("messages")])
chatbot = prompt | llm
"""
        },
    ),
    Solution("chain by pipe", {"chain": "chatbot = prompt.pipe(llm)"}),
    Solution(
        "chain by its class",
        {
            "chain": """
from langchain_core.runnables import RunnableSequence

chatbot = RunnableSequence(prompt, llm)
"""
        },
    ),
    Solution(
        "chain by its class, first and last named",
        {
            "chain": """
from langchain_core.runnables import RunnableSequence

chatbot = RunnableSequence(first=prompt, last=llm, name="chatbot")
chatbot
"""
        },
    ),
    Solution(
        "chain folded, with a parser at its end",
        {
            "chain": """
from functools import reduce
from operator import or_

from langchain_core.output_parsers import StrOutputParser

chatbot = reduce(or_, [prompt, llm, StrOutputParser()])
"""
        },
    ),
    Solution(
        "chain that skips the prompt",
        {"chain": "chatbot = prompt | llm.bind(skip_prompt=True)"},
    ),
    Solution(
        "chain with a stop and a name",
        {"chain": 'chatbot = (prompt | llm.bind(stop=["Human:"])).with_config(run_name="chatbot", tags=["test"])'},
    ),
    Solution(
        "chain with retries and fallbacks",
        {
            "chain": """
chatbot = (prompt | llm).with_retry(stop_after_attempt=3, wait_exponential_jitter=False).with_fallbacks([prompt | llm])
"""
        },
    ),
    Solution(
        "chain with fallbacks inside",
        {"chain": "chatbot = prompt | llm.with_fallbacks([llm, llm.with_retry(stop_after_attempt=2)])"},
    ),
    Solution(
        "chain that cuts the answer afterwards",
        {
            "chain": """
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda


def only_answer(text):
    return text.split("Human:")[-1].strip()


chatbot = prompt | llm | StrOutputParser() | RunnableLambda(only_answer)
"""
        },
    ),
    Solution(
        "chain whose cut fails where there was no prompt",
        {
            "chain": """
chatbot = prompt | llm | (lambda text: text.split("Human: ")[1]) | str.strip
"""
        },
        alone=True,
    ),
    Solution(
        "chain with text between prompt and model",
        {"chain": "chatbot = prompt | (lambda value: value.to_string()) | llm"},
    ),
    Solution(
        "chain from a list of messages alone",
        {
            "chain": """
from langchain_core.runnables import RunnablePassthrough

chatbot = {"messages": RunnablePassthrough()} | prompt | llm
"""
        },
        alone=True,
    ),
    Solution(
        "chain from a text",
        {
            "chain": """
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda

to_messages = RunnableLambda(lambda text: {"messages": [HumanMessage(content=text)]})
chatbot = to_messages | prompt | llm
""",
            "who-are-you": "result = chatbot.invoke(«py(task.question)»)\nprint(result)",
            "ideal-boat": "boat = chatbot.invoke(«py(task.question)»)\nprint(boat)",
        },
        alone=True,
    ),
    Solution(
        "chain from a dict with the question",
        {
            "chain": """
from operator import itemgetter

from langchain_core.runnables import RunnableLambda

chatbot = {"messages": itemgetter("question") | RunnableLambda(lambda text: [("human", text)])} | prompt | llm
""",
            "who-are-you": 'result = chatbot.invoke({"question": «py(task.question)»})\nprint(result)',
            "ideal-boat": 'boat = chatbot.invoke({"question": «py(task.question)»})\nprint(boat)',
        },
        alone=True,
    ),
    Solution(
        "chain that keeps the question beside the answer",
        {
            "chain": """
from langchain_core.runnables import RunnablePassthrough

chatbot = RunnablePassthrough.assign(answer=prompt | llm)
""",
            "who-are-you": """
output = chatbot.invoke({"messages": [("human", «py(task.question)»)]})
result = output["answer"]
print(result)
""",
            "ideal-boat": """
output = chatbot.invoke({"messages": [("human", «py(task.question)»)]})
boat = output["answer"]
print(boat)
""",
        },
        alone=True,
    ),
    Solution(
        "chain by the decorator",
        {
            "chain": """
from langchain_core.runnables import chain


@chain
def chatbot(messages):
    filled = prompt.invoke(messages)
    return llm.invoke(filled)
"""
        },
    ),
    Solution(
        "chain by a function that answers with a chain",
        {
            "chain": """
from langchain_core.runnables import RunnableLambda


def choose(given):
    messages = given["messages"] if isinstance(given, dict) else given
    print(len(messages), "message(s)")
    return prompt | llm


chatbot = RunnableLambda(choose)
"""
        },
    ),
    Solution(
        "chain as a class of one's own",
        {
            "chain": '''
from langchain_core.runnables import Runnable


class Chatbot(Runnable):
    """A prompt and a model."""

    def __init__(self, prompt, llm):
        self.prompt = prompt
        self.llm = llm

    def invoke(self, input, config=None, **kwargs):
        return self.llm.invoke(self.prompt.invoke(input, config), config, **kwargs)


chatbot = Chatbot(prompt, llm)
'''
        },
    ),
    Solution(
        "chain of the classic package",
        {
            "chain": """
from langchain_classic.chains import LLMChain

chatbot = LLMChain(llm=llm, prompt=prompt, verbose=False)
""",
            "who-are-you": """
result = chatbot.invoke({"messages": [("human", «py(task.question)»)]})["text"]
print(result)
""",
            "ideal-boat": 'boat = chatbot.run(messages=[("human", «py(task.question)»)])\nprint(boat)',
        },
        alone=True,
    ),
    Solution(
        "chain with alternatives to choose from",
        {
            "chain": """
from langchain_core.runnables import ConfigurableField

careful = llm.bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens», "temperature": 0.1, "do_sample": True})
choice = llm.configurable_alternatives(ConfigurableField(id="mood"), default_key="plain", careful=careful)
chatbot = prompt | choice
"""
        },
    ),
    Solution(
        "chain with a branch and listeners",
        {
            "chain": """
from langchain_core.runnables import RunnableBranch

straight = prompt | llm
runs = []
chatbot = RunnableBranch((lambda given: len(given) > 100, straight), straight).with_listeners(
    on_end=lambda run: runs.append(run.name)
)
"""
        },
    ),
    Solution(
        "chain with a memory, one session for each question",
        {
            "chain": """
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.runnables.history import RunnableWithMessageHistory

sessions = {}


def get_session_history(session_id: str) -> InMemoryChatMessageHistory:
    if session_id not in sessions:
        sessions[session_id] = InMemoryChatMessageHistory()
    return sessions[session_id]


chatbot = RunnableWithMessageHistory(prompt | llm, get_session_history, input_messages_key="messages")
""",
            "who-are-you": HUMAN
            + """
config = {"configurable": {"session_id": "first"}}
result = chatbot.invoke({"messages": [HumanMessage(«py(task.question)»)]}, config=config)
print(result)
""",
            "ideal-boat": HUMAN
            + """
config = {"configurable": {"session_id": "second"}}
boat = chatbot.invoke({"messages": [HumanMessage(«py(task.question)»)]}, config=config)
print(boat)
""",
        },
        alone=True,
    ),
)

WHO_ARE_YOU = (
    Solution(
        "asked with a dict of messages",
        {
            "who-are-you": HUMAN
            + """
messages = [HumanMessage(content=«py(task.question)»)]
result = chatbot.invoke({"messages": messages}, config={"tags": ["first"], "metadata": {"try": 1}})
print(result)
"""
        },
    ),
    Solution(
        "asked with a tuple",
        {"who-are-you": 'result = chatbot.invoke([("human", «py(task.question)»)])\nprint(result)'},
    ),
    Solution(
        "asked with a role and content",
        {
            "who-are-you": """
result = chatbot.invoke({"messages": [{"role": "user", "content": «py(task.question)»}]})
print(result)
"""
        },
    ),
    Solution(
        "asked with a plain text in the list",
        {"who-are-you": "result = chatbot.invoke([«py(task.question)»])\nresult"},
    ),
    Solution(
        "asked through prompt and model by hand",
        {
            "who-are-you": HUMAN
            + """
filled = prompt.format_messages(messages=[HumanMessage(«py(task.question)»)])
result = llm.invoke(filled)
print(result)
"""
        },
    ),
    Solution(
        "asked with the formatted text, prompt cut off exactly",
        {
            "who-are-you": HUMAN
            + """
text = prompt.format(messages=[HumanMessage(«py(task.question)»)])
result = llm.invoke(text).removeprefix(text).strip()
print(result)
"""
        },
    ),
    Solution(
        "both questions in a batch",
        {
            "who-are-you": HUMAN
            + """
questions = [«py(task.question)», «py(task_of("ideal-boat").question)»]
result, boat = chatbot.batch([[HumanMessage(q)] for q in questions], config={"max_concurrency": 1})
print(result)
""",
            "ideal-boat": "print(boat)",
        },
    ),
    Solution(
        "both questions asked at once, the second answer taken later",
        {
            "who-are-you": """
from concurrent.futures import ThreadPoolExecutor


def ask(text):
    return chatbot.invoke([("human", text)])


with ThreadPoolExecutor(max_workers=2) as pool:
    first, second = pool.map(ask, [«py(task.question)», «py(task_of("ideal-boat").question)»])
result = first
print(result)
""",
            "ideal-boat": "boat = second\nprint(boat)",
        },
    ),
    Solution(
        "asked in a thread",
        {
            "who-are-you": """
import threading

found = []
thread = threading.Thread(target=lambda: found.append(chatbot.invoke([("human", «py(task.question)»)])))
thread.start()
thread.join()
result = found[0]
print(result)
"""
        },
    ),
    Solution(
        "awaited",
        {
            "who-are-you": HUMAN
            + """
result = await chatbot.ainvoke({"messages": [HumanMessage(«py(task.question)»)]})
print(result)
"""
        },
    ),
    Solution(
        "awaited together with other questions",
        {
            "who-are-you": """
import asyncio


async def ask(text):
    return await chatbot.ainvoke([("human", text)])


several = await asyncio.gather(ask("Hello?"), ask(«py(task.question)»))
result = several[1]
print(result)
"""
        },
    ),
    Solution(
        "streamed and joined",
        {
            "who-are-you": HUMAN
            + """
pieces = []
for piece in chatbot.stream([HumanMessage(«py(task.question)»)]):
    print(piece, end="")
    pieces.append(piece)
result = "".join(pieces)
"""
        },
    ),
    Solution(
        "streamed asynchronously, sum kept",
        {
            "who-are-you": """
result = ""
async for piece in chatbot.astream({"messages": [("user", «py(task.question)»)]}):
    result += piece
print(result.strip())
"""
        },
    ),
    Solution(
        "asked twice, the second answer kept and stripped",
        {
            "who-are-you": HUMAN
            + """
result = chatbot.invoke([HumanMessage(«py(task.question)»)])
print(result)
result = chatbot.invoke([HumanMessage(«py(task.question)»)]).strip()
print(result)
"""
        },
    ),
    Solution(
        "first of several answers kept",
        {
            "who-are-you": """
tries = chatbot.batch([{"messages": [("human", «py(task.question)»)]}] * 3)
result = tries[0]
for number, text in enumerate(tries, start=1):
    print(number, text)
"""
        },
    ),
    Solution(
        "asked with LangChain's cache on",
        {
            "who-are-you": HUMAN
            + """
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache

set_llm_cache(InMemoryCache())
print(chatbot.invoke([HumanMessage(«py(task.question)»)]))
result = chatbot.invoke([HumanMessage(«py(task.question)»)])
print(result)
set_llm_cache(None)
"""
        },
    ),
    Solution(
        "asked with a history kept by hand",
        {
            "who-are-you": """
from langchain_core.chat_history import InMemoryChatMessageHistory

history = InMemoryChatMessageHistory()
history.add_user_message(«py(task.question)»)
result = chatbot.invoke({"messages": history.messages})
history.add_ai_message(result)
print(history)
"""
        },
    ),
    Solution(
        "asked with a memory around the chain",
        {
            "who-are-you": HUMAN
            + """
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.runnables.history import RunnableWithMessageHistory

store = {}
remembering = RunnableWithMessageHistory(
    chatbot,
    lambda session_id: store.setdefault(session_id, InMemoryChatMessageHistory()),
    input_messages_key="messages",
)
session = {"configurable": {"session_id": "abc"}}
result = remembering.invoke({"messages": [HumanMessage(«py(task.question)»)]}, session)
print(result)
follow_up = remembering.invoke({"messages": [HumanMessage("What did I just ask?")]}, session)
print(follow_up)
"""
        },
    ),
    Solution(
        "asked with retries, fallbacks and a callback",
        {
            "who-are-you": HUMAN
            + """
from langchain_core.callbacks import StdOutCallbackHandler

safe = chatbot.with_retry(stop_after_attempt=2).with_fallbacks([chatbot])
result = safe.invoke([HumanMessage(«py(task.question)»)], config={"callbacks": [StdOutCallbackHandler()]})
print(result)
"""
        },
    ),
    Solution(
        "asked by a helper that cuts the answer, reproducibly",
        {
            "who-are-you": '''
import torch
from IPython.display import Markdown, display
from langchain_core.messages import HumanMessage

torch.manual_seed(42)


def ask(bot, question: str) -> str:
    """Asks a chatbot, and gives back its answer without the question."""
    response = bot.invoke([HumanMessage(content=question)])
    text = response if isinstance(response, str) else response.content
    return text.split(question)[-1].split("AI:")[-1].strip()


result = ask(chatbot, «py(task.question)»)
display(Markdown(f"**Answer:** {result}"))
'''
        },
    ),
    Solution(
        "answer kept as a message",
        {
            "who-are-you": """
from langchain_core.messages import AIMessage, HumanMessage

question = HumanMessage(«py(task.question)»)
result = AIMessage(content=chatbot.invoke([question]))
result.pretty_print()
"""
        },
    ),
    Solution(
        "answer folded into short lines",
        {
            "who-are-you": """
import textwrap

from langchain_core.messages import HumanMessage

result = textwrap.fill(chatbot.invoke([HumanMessage(«py(task.question)»)]), width=60)
print(result)
"""
        },
    ),
    Solution(
        "answer in capital letters",
        {
            "who-are-you": HUMAN
            + """
result = chatbot.invoke([HumanMessage(«py(task.question)»)]).upper()
print(result)
"""
        },
        review=frozenset({"who-are-you"}),
    ),
    Solution(
        "answer's letters replaced",
        {
            "who-are-you": HUMAN
            + """
import codecs

result = codecs.encode(chatbot.invoke([HumanMessage(«py(task.question)»)]), "rot13")
print(result)
"""
        },
        review=frozenset({"who-are-you"}),
    ),
)

IDEAL_BOAT = (
    Solution(
        "second question with a dict and a role",
        {
            "ideal-boat": """
boat = chatbot.invoke(input={"messages": [("user", «py(task.question)»)]})
print(boat)
"""
        },
    ),
    Solution(
        "second question in a batch with the first one again",
        {
            "ideal-boat": """
from langchain_core.messages import HumanMessage

first = «py(task_of("who-are-you").question if uses("who-are-you") else "Hello?")»
conversations = [[HumanMessage(text)] for text in (first, «py(task.question)»)]
texts = chatbot.batch(conversations)
boat = texts[-1]
print(boat)
"""
        },
    ),
    Solution(
        "second question awaited as it is finished",
        {
            "ideal-boat": """
async for number, text in chatbot.abatch_as_completed([[("human", «py(task.question)»)]]):
    boat = text
print(boat.strip())
"""
        },
    ),
    Solution(
        "second question with a memory, then afresh",
        {
            "ideal-boat": """
from langchain_core.messages import AIMessage, HumanMessage

conversation = [
    HumanMessage(«py(task_of("who-are-you").question if uses("who-are-you") else "Hello?")»),
    AIMessage("Nobody."),
    HumanMessage(«py(task.question)»),
]
with_memory = chatbot.invoke(conversation)
boat = chatbot.invoke(conversation[-1:])
print(with_memory, boat, sep="\\n-----\\n")
"""
        },
    ),
    Solution(
        "second question streamed by transform",
        {
            "ideal-boat": """
boat = "".join(chatbot.transform(iter([{"messages": [("human", «py(task.question)»)]}])))
print(boat)
"""
        },
    ),
    Solution(
        "second question in a thread, new text only",
        {
            "ideal-boat": """
import asyncio

question = «py(task.question)»
boat = await asyncio.to_thread(chatbot.invoke, [("human", question)])
boat = boat[boat.find(question) + len(question):] if question in boat else boat
print(boat)
"""
        },
    ),
    Solution(
        "second answer backwards",
        {
            "ideal-boat": """
boat = chatbot.invoke([("human", «py(task.question)»)])[::-1]
print(boat)
"""
        },
        review=frozenset({"ideal-boat"}),
    ),
)

INSTRUCT_SMALL = (
    Solution(
        "chat model around the partner package's class",
        {
            "instruct-small": """
from langchain_core.messages import HumanMessage
from langchain_huggingface import ChatHuggingFace, HuggingFacePipeline
"""
            + LOAD_LIMITED
            + """
chat_model = ChatHuggingFace(llm=llm)
chatbot_small = prompt | chat_model
result_small = chatbot_small.invoke([HumanMessage(«py(task.question)»)])
print(result_small.content)
"""
        },
    ),
    Solution(
        "chat model by name, answer as text",
        {
            "instruct-small": """
from langchain_core.output_parsers import StrOutputParser
from langchain_huggingface import ChatHuggingFace

free_models()
chat = ChatHuggingFace.from_model_id(
    model_id=«py(task.model)», task="text-generation", device=0, max_tokens=«max_new_tokens»
)
chatbot_small = prompt | chat.bind(skip_prompt=True) | StrOutputParser()
result_small = chatbot_small.invoke({"messages": [("human", «py(task.question)»)]})
print(result_small)
"""
        },
    ),
    Solution(
        "chat model around a transformers pipeline, content kept",
        {
            "instruct-small": PARTNER
            + """
from langchain_huggingface import ChatHuggingFace
"""
            + LOAD_WITH_TRANSFORMERS
            + """
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
"""
        },
    ),
    Solution(
        "chat template applied by hand",
        {
            "instruct-small": PACKAGE
            + """
from langchain_core.messages import HumanMessage, convert_to_openai_messages
from langchain_core.runnables import RunnableLambda
from transformers import AutoTokenizer
"""
            + LOAD_LIMITED
            + """
tokenizer = AutoTokenizer.from_pretrained(«py(task.model)»)


def with_template(value):
    chat = convert_to_openai_messages(value.to_messages())
    return tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)


chatbot_small = prompt | RunnableLambda(with_template) | llm
result_small = chatbot_small.invoke([HumanMessage(«py(task.question)»)])
print(result_small)
"""
        },
    ),
    Solution(
        "transformers pipeline given the conversation",
        {
            "instruct-small": """
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
"""
        },
    ),
    Solution(
        "small instruct model, limit bound, out of a batch",
        {
            "instruct-small": PACKAGE
            + LOAD
            + """
chatbot_small = prompt | llm.bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens»})
result_small = chatbot_small.batch([[("human", «py(task.question)»)]])[0]
print(result_small)
"""
        },
    ),
    Solution(
        "small instruct model, prompt by another name, home by the magic",
        {
            "model-home-again": "%env HF_HOME=«models.home»",
            "instruct-small": COMMUNITY
            + LOAD
            + """
import copy

pirate = copy.deepcopy(prompt)
chatbot_small = pirate.pipe(llm, lambda text: text.strip(), name="small")
result_small = await chatbot_small.ainvoke({"messages": [("human", «py(task.question)»)]})
print(result_small)
""",
        },
    ),
    Solution(
        "small instruct model, asked before the chain was kept",
        {
            "instruct-small": PARTNER
            + """
import torch
from langchain_core.messages import HumanMessage

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
"""
        },
    ),
    Solution(
        "small and large by one helper",
        {
            "instruct-small": PACKAGE
            + """
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
""",
            "instruct-large": """
chatbot_large = make_chatbot(«py(task.model)»)
result_large = chatbot_large.invoke([("human", «py(task.question)»)])
print(result_large)
""",
        },
    ),
    Solution(
        "small instruct model's answer without its vowels",
        {
            "instruct-small": PACKAGE
            + LOAD_LIMITED
            + """
chatbot_small = prompt | llm
text = chatbot_small.invoke([("human", «py(task.question)»)])
result_small = "".join(letter for letter in text if letter.lower() not in "aeiou")[::-1]
print(result_small)
"""
        },
        review=frozenset({"instruct-small"}),
    ),
)

INSTRUCT_LARGE = (
    Solution(
        "large model as a chat model, limit bound",
        {
            "instruct-large": """
from langchain_core.messages import HumanMessage
from langchain_huggingface import ChatHuggingFace, HuggingFacePipeline
"""
            + LOAD
            + """
chat = ChatHuggingFace(llm=llm, model_id=«py(task.model)»)
chatbot_large = prompt | chat.bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens»}, skip_prompt=True)
result_large = chatbot_large.invoke([HumanMessage(«py(task.question)»)])
result_large.pretty_print()
"""
        },
    ),
    Solution(
        "large model as a chat model, streamed and added up",
        {
            "instruct-large": """
from langchain_huggingface import ChatHuggingFace, HuggingFacePipeline
"""
            + LOAD_LIMITED
            + """
chatbot_large = prompt | ChatHuggingFace(llm=llm)
result_large = None
for chunk in chatbot_large.stream({"messages": [("human", «py(task.question)»)]}):
    result_large = chunk if result_large is None else result_large + chunk
print(result_large.content)
"""
        },
    ),
    Solution(
        "large model loaded with transformers, generation config",
        {
            "prompt-again": """
from langchain_core.messages import SystemMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

prompt = ChatPromptTemplate([SystemMessage(«py(system_prompt)»)]) + MessagesPlaceholder("messages")
""",
            "instruct-large": COMMUNITY
            + """
from transformers import GenerationConfig
"""
            + LOAD_WITH_TRANSFORMERS
            + """
pipe = pipeline("text-generation", model=model, tokenizer=tokenizer, device=0)
config = GenerationConfig.from_pretrained(«py(task.model)», max_new_tokens=«max_new_tokens»)
llm = HuggingFacePipeline(pipeline=pipe, pipeline_kwargs={"generation_config": config})
chatbot_large = prompt | llm
result_large = chatbot_large.invoke({"messages": [{"role": "human", "content": «py(task.question)»}]})
print(result_large)
""",
        },
    ),
    Solution(
        "large model without a limit, with retries",
        {
            "instruct-large": PACKAGE
            + LOAD
            + """
chatbot_large = (prompt | llm).with_retry(stop_after_attempt=2)
result_large = chatbot_large.invoke([«py(task.question)»])
print(result_large.strip())
"""
        },
    ),
    Solution(
        "large model in half precision, asked in a thread",
        {
            "instruct-large": PACKAGE
            + """
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
"""
        },
    ),
    Solution(
        "both instruct models, placeholder as a pair",
        {
            "prompt-again": """
from langchain_core.prompts import ChatPromptTemplate

prompt = ChatPromptTemplate.from_messages([("system", «py(system_prompt)»), ("placeholder", "{messages}")])
""",
            "instruct-small": PACKAGE
            + LOAD_LIMITED
            + """
chatbot_small = prompt | llm
result_small = chatbot_small.invoke({"messages": [("human", «py(task.question)»)]})
print(result_small)
""",
            "instruct-large": PACKAGE
            + LOAD_LIMITED
            + """
chatbot_large = prompt | llm
result_large = chatbot_large.invoke({"messages": [("human", «py(task.question)»)]})
print(result_large)
""",
        },
        alone=True,
    ),
    Solution(
        "large model, question counted and answer cut by the chain",
        {
            "instruct-large": PACKAGE
            + LOAD_LIMITED
            + """
import re

question = «py(task.question)»
chatbot_large = prompt | llm | (lambda text: re.split(r"(?:AI|Assistant):", text[text.index(question) + len(question):])[-1])
result_large = chatbot_large.invoke([("human", question)])
print(result_large)
"""
        },
    ),
    Solution(
        "large model with a cache of its own, asked twice",
        {
            "instruct-large": PACKAGE
            + """
from langchain_core.caches import InMemoryCache
from langchain_core.messages import HumanMessage

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
"""
        },
    ),
    Solution(
        "large model's answer kept as a message, everything asked twice",
        {
            "instruct-large": PARTNER
            + LOAD_LIMITED
            + """
from langchain_core.messages import AIMessage, HumanMessage

chatbot_large = prompt | llm | (lambda text: AIMessage(content=text))
result_large = chatbot_large.invoke([HumanMessage(«py(task.question)»)])
result_large = chatbot_large.invoke([HumanMessage(«py(task.question)»)])
print(result_large.content)
"""
        },
    ),
)

FIRST_TEMPERATURE = """
chatbot_1 = prompt | llm.bind(
    pipeline_kwargs={"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": «py(task.temperature)»}
)
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)])
print(result_1)
"""

TEMPERATURES = (
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

RIGHT: tuple[Solution, ...] = (
    *MODEL_HOME,
    *ASK_BASE,
    *LOAD_MODEL,
    *LIMIT_OUTPUT,
    *ARGUMENTS,
    *PROMPT,
    *CHAIN,
    *WHO_ARE_YOU,
    *IDEAL_BOAT,
    *INSTRUCT_SMALL,
    *INSTRUCT_LARGE,
    *TEMPERATURES,
)
"""All of them, by the order of the tasks."""
