"""Solutions of the task `load-model`."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.pieces import (
    COMMUNITY,
    EITHER_PACKAGE,
    FREE,
    LIMIT,
    LOAD,
    LOAD_WITH_TRANSFORMERS,
    PACKAGE,
    PARTNER,
    PIPELINE,
    READY,
    TODO,
    loaded,
)

RIGHT = (
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


WRONG = (
    Solution("load: nothing done", {"load-model": FREE + TODO}, {"load-model": PIPELINE}, "missing"),
    Solution(
        "load: the variable is misspelled", {"load-model": FREE + loaded("lmm")}, {"load-model": PIPELINE}, "missing"
    ),
    Solution("load: None", {"load-model": FREE + "llm = None"}, {"load-model": PIPELINE}, "none"),
    Solution(
        "load: the large model",
        {"load-model": FREE + loaded(model="«py(models.large)»")},
        {"load-model": frozenset({"model"})},
        alone=True,
    ),
    Solution(
        "load: base and instruct swapped",
        {"load-model": FREE + loaded(model='«py(models.instruct if task.role == "base" else models.base)»')},
        {"load-model": frozenset({"model"})},
        alone=True,
    ),
    Solution(
        "load: a typo in the model's name",
        {"load-model": FREE + loaded(model='«py(task.model.replace("-", "_"))»')},
        {"load-model": PIPELINE},
        "missing-raised",
    ),
    Solution(
        "load: the organisation is missing in the model's name",
        {"load-model": FREE + loaded(model='«py(task.model.split("/")[1])»')},
        {"load-model": PIPELINE},
        "missing-raised",
    ),
    Solution(
        "load: the device as a text",
        {"load-model": FREE + loaded(device='device="cuda"')},
        {"load-model": PIPELINE},
        "device-text",
    ),
    Solution(
        "load: on the processor",
        {"load-model": FREE + loaded(device="device=-1")},
        {"load-model": frozenset({"device"})},
        "on-cpu",
    ),
    Solution(
        "load: no device, where that means the processor",
        {
            "load-model": FREE
            + loaded(device='«"backend=\'default\'" if models.package == "langchain_community" else "device=-1"»')
        },
        {"load-model": frozenset({"device"})},
        "on-cpu",
    ),
    Solution(
        "load: the second GPU",
        {"load-model": FREE + loaded(device="device=1")},
        {"load-model": PIPELINE},
        "missing-raised",
    ),
    Solution(
        "load: another job for the pipeline",
        {"load-model": FREE + loaded().replace('"text-generation"', '"summarization"')},
        {"load-model": PIPELINE},
        "missing-raised",
    ),
    Solution(
        "load: a job that does not exist",
        {"load-model": FREE + loaded().replace('"text-generation"', '"text_generation"')},
        {"load-model": PIPELINE},
        "missing-raised",
    ),
    Solution(
        "load: no job named",
        {"load-model": FREE + loaded().replace('    task="text-generation",\n', "")},
        {"load-model": PIPELINE},
        "missing-raised",
    ),
    Solution(
        "load: model and job in each other's place",
        {"load-model": FREE + 'llm = HuggingFacePipeline.from_model_id("text-generation", «py(task.model)»)'},
        {"load-model": PIPELINE},
        "missing-raised",
    ),
    Solution(
        "load: the device given twice",
        {"load-model": FREE + loaded(settings='{"device": 0}')},
        {"load-model": PIPELINE},
        "missing-raised",
    ),
    Solution(
        "load: a quotation mark is missing",
        {
            "load-model": FREE + loaded().replace('"text-generation"', '"text-generation'),
            "limit-output": FREE + loaded(settings=LIMIT),
        },
        {"load-model": PIPELINE},
        "missing-raised",
    ),
    Solution(
        "load: a bare transformers pipeline",
        {"load-model": READY + "llm = pipe\n" + EITHER_PACKAGE},
        {"load-model": frozenset({"kind"})},
        "wrapped-model",
    ),
    Solution(
        "load: the model without its pipeline",
        {
            "load-model": FREE
            + "from transformers import AutoModelForCausalLM\n\n"
            + "llm = AutoModelForCausalLM.from_pretrained(«py(task.model)»)"
        },
        {"load-model": PIPELINE},
        "wrapped-model",
    ),
    Solution(
        "load: the class instead of an object",
        {"load-model": FREE + "llm = HuggingFacePipeline"},
        {"load-model": PIPELINE},
        "not-a-pipeline",
    ),
    Solution(
        "load: the model's name",
        {"load-model": FREE + "llm = «py(task.model)»"},
        {"load-model": PIPELINE},
        "not-a-pipeline",
    ),
    Solution(
        "load: an answer of the model",
        {"load-model": FREE + loaded() + 'llm = llm.invoke("Hello!")'},
        {"load-model": PIPELINE},
        "not-a-pipeline",
    ),
    Solution(
        "load: a list with the pipeline",
        {"load-model": FREE + loaded() + "llm = [llm]"},
        {"load-model": PIPELINE},
        "not-a-pipeline",
    ),
    Solution(
        "load: a made-up model for tests",
        {
            "load-model": FREE
            + "from langchain_core.language_models import FakeListLLM\n\n"
            + 'llm = FakeListLLM(responses=["Hello!"])'
        },
        {"load-model": PIPELINE},
        "not-a-pipeline",
    ),
    Solution(
        "load: a chat model around community's class",
        {
            "load-model": FREE
            + "from langchain_community.llms import HuggingFacePipeline as Pipeline\n"
            + "from langchain_huggingface import ChatHuggingFace\n\n"
            + loaded("pipe").replace("HuggingFacePipeline", "Pipeline")
            + "llm = ChatHuggingFace(llm=pipe)"
        },
        {"load-model": PIPELINE},
        "chat-wrapper",
    ),
    Solution(
        "load: the class was not imported",
        {
            "load-model": "free_models()\n" + loaded().replace("HuggingFacePipeline", "HuggingfacePipeline"),
            "limit-output": FREE + loaded(settings=LIMIT),
        },
        {"load-model": PIPELINE},
        "missing-raised",
    ),
)
