"""Solutions of the task `load-model`."""

from __future__ import annotations

from trials.selftest.library import Mistakes, Solution
from trials.selftest.solutions.pieces import (
    DEVICE,
    FREE,
    KIND,
    LIMIT,
    MODEL,
    PACKAGE,
    PIPELINE,
    READY,
    TODO,
    loaded,
    page,
)

RIGHT = page(
    "load-model",
    '''
# %% class from community
«COMMUNITY»
«LOAD»

# %% class from the partner package
«PARTNER»
«LOAD»

# %% class from its own module in community
from langchain_community.llms.huggingface_pipeline import HuggingFacePipeline
«LOAD»

# %% positional arguments
«PACKAGE»

free_models()
llm = HuggingFacePipeline.from_model_id(«py(task.model)», "text-generation", "default", 0)

# %% device map auto in the partner package, limited already
«PARTNER»

free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device_map="auto",
    pipeline_kwargs=dict(max_new_tokens=10, do_sample=False, repetition_penalty=1.1),
)
print(llm.invoke("Hello"))

# %% device map auto in community
«COMMUNITY»

free_models()
llm = HuggingFacePipeline.from_model_id(model_id=«py(task.model)», task="text-generation", device_map="auto")

# %% device map among the model's arguments
«PARTNER»

free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)», task="text-generation", model_kwargs={"device_map": {"": 0}}
)

# %% GPU if there is one
«PACKAGE»

import torch

free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device=0 if torch.cuda.is_available() else -1,
    batch_size=4,
    verbose=True,
)

# %% partner package chooses the GPU by itself
«PARTNER»

free_models()
llm = HuggingFacePipeline.from_model_id(model_id=«py(task.model)», task="text-generation")

# %% settings in a dict, half precision
«PACKAGE»

import torch

settings = {
    "model_id": «py(task.model)»,
    "task": "text-generation",
    "device": 0,
    "model_kwargs": {"dtype": torch.bfloat16},
}
free_models()
llm = HuggingFacePipeline.from_model_id(**settings)

# %% transformers pipeline wrapped
«PACKAGE»

from transformers import pipeline

free_models()
llm = HuggingFacePipeline(pipeline=pipeline("text-generation", model=«py(task.model)», device=0))

# %% transformers pipeline wrapped, device by name
«PACKAGE»

import torch
from transformers import pipeline

free_models()
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
pipe = pipeline(task="text-generation", model=«py(task.model)», torch_dtype=torch.float32, device=device)
llm = HuggingFacePipeline(pipeline=pipe, model_id=«py(task.model)»)

# %% model and tokenizer loaded, then a pipeline on the GPU
«PACKAGE»
«LOAD_WITH_TRANSFORMERS»

llm = HuggingFacePipeline(pipeline=pipeline("text-generation", model=model, tokenizer=tokenizer, device="cuda:0"))

# %% model moved to the GPU by hand
«PACKAGE»

from transformers import AutoModelForCausalLM, AutoTokenizer, TextGenerationPipeline

free_models()
name = «py(task.model)»
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name, dtype="auto").to("cuda")
model.eval()
llm = HuggingFacePipeline(pipeline=TextGenerationPipeline(model=model, tokenizer=tokenizer, task="text-generation"))

# %% model spread by accelerate, then wrapped
«PARTNER»

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

free_models()
tokenizer = AutoTokenizer.from_pretrained(«py(task.model)»)
model = AutoModelForCausalLM.from_pretrained(«py(task.model)», torch_dtype=torch.bfloat16, device_map="auto")
pipe = pipeline("text-generation", model=model, tokenizer=tokenizer)
llm = HuggingFacePipeline(pipeline=pipe)

# %% loaded by a helper function, tried before it is kept
«PACKAGE»

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

# %% loaded from the folder in the cache
«PACKAGE»

from huggingface_hub import snapshot_download

free_models()
folder = snapshot_download(«py(task.model)», local_files_only=True)
llm = HuggingFacePipeline.from_model_id(model_id=folder, task="text-generation", device=0)

# %% class under a name of one's own | alone
import langchain_huggingface as lhf

free_models()
llm = lhf.HuggingFacePipeline.from_model_id(model_id=«py(task.model)», task="text-generation", device=0)
# %%% limit-output
llm = llm.bind(pipeline_kwargs=dict(max_new_tokens=«max_new_tokens»))

# %% a cell that loads twice
«PACKAGE»
«LOAD»
print(llm)
«LOAD»
''',
)

wrong = Mistakes("load-model", "load")


def loads(name: str, loses: frozenset[str], hint: str | None, alone: bool = False, **how: str) -> Solution:
    """The model loaded as in the course (`pieces.loaded`), but for one thing."""
    return wrong(name, FREE + loaded(**how), loses, hint, alone)


WRONG = (
    wrong("nothing done", FREE + TODO, PIPELINE, "missing"),
    loads("the variable is misspelled", PIPELINE, "missing", variable="lmm"),
    wrong("None", FREE + "llm = None", PIPELINE, "none"),
    loads("the large model", MODEL, None, model="«py(models.large)»", alone=True),
    loads("base and instruct swapped", MODEL, None,
          model='«py(models.instruct if task.role == "base" else models.base)»', alone=True),
    loads("a typo in the model's name", PIPELINE, "missing-raised", model='«py(task.model.replace("-", "_"))»'),
    loads("the organisation is missing in the model's name", PIPELINE, "missing-raised",
          model='«py(task.model.split("/")[1])»'),
    loads("the device as a text", PIPELINE, "device-text", device='device="cuda"'),
    loads("on the processor", DEVICE, "on-cpu", device="device=-1"),
    loads("no device, where that means the processor", DEVICE, "on-cpu",
          device='«"backend=\'default\'" if models.package == "langchain_community" else "device=-1"»'),
    loads("the second GPU", PIPELINE, "missing-raised", device="device=1"),
    wrong("another job for the pipeline", FREE + loaded().replace('"text-generation"', '"summarization"'), PIPELINE,
          "missing-raised"),
    wrong("a job that does not exist", FREE + loaded().replace('"text-generation"', '"text_generation"'), PIPELINE,
          "missing-raised"),
    wrong("no job named", FREE + loaded().replace('    task="text-generation",\n', ""), PIPELINE, "missing-raised"),
    wrong("model and job in each other's place", FREE
          + 'llm = HuggingFacePipeline.from_model_id("text-generation", «py(task.model)»)', PIPELINE,
          "missing-raised"),
    loads("the device given twice", PIPELINE, "missing-raised", settings='{"device": 0}'),
    wrong("a quotation mark is missing",
          {"load-model": FREE + loaded().replace('"text-generation"', '"text-generation'),
          "limit-output": FREE + loaded(settings=LIMIT)}, PIPELINE, "missing-raised"),
    wrong("a bare transformers pipeline", READY + "llm = pipe\n" + PACKAGE, KIND, "wrapped-model"),
    wrong("the model without its pipeline", FREE + "from transformers import AutoModelForCausalLM\n\n"
          + "llm = AutoModelForCausalLM.from_pretrained(«py(task.model)»)", PIPELINE, "wrapped-model"),
    wrong("the class instead of an object", FREE + "llm = HuggingFacePipeline", PIPELINE, "not-a-pipeline"),
    wrong("the model's name", FREE + "llm = «py(task.model)»", PIPELINE, "not-a-pipeline"),
    wrong("an answer of the model", FREE + loaded() + 'llm = llm.invoke("Hello!")', PIPELINE, "not-a-pipeline"),
    wrong("a list with the pipeline", FREE + loaded() + "llm = [llm]", PIPELINE, "not-a-pipeline"),
    wrong("a made-up model for tests", FREE + "from langchain_core.language_models import FakeListLLM\n\n"
          + 'llm = FakeListLLM(responses=["Hello!"])', PIPELINE, "not-a-pipeline"),
    wrong("a chat model around community's class", FREE
          + "from langchain_community.llms import HuggingFacePipeline as Pipeline\n"
          + "from langchain_huggingface import ChatHuggingFace\n\n"
          + loaded("pipe").replace("HuggingFacePipeline", "Pipeline") + "llm = ChatHuggingFace(llm=pipe)", PIPELINE,
          "chat-wrapper"),
    wrong("the class was not imported",
          {"load-model": "free_models()\n" + loaded().replace("HuggingFacePipeline", "HuggingfacePipeline"),
          "limit-output": FREE + loaded(settings=LIMIT)}, PIPELINE, "missing-raised"),
)  # fmt: skip
