"""Ways to the GPU and to the weights, for `load-model`, and to the folder of models: all that are one place by another name."""

from __future__ import annotations

from dataclasses import replace

from trials.selftest.library import Mistakes, Solution
from trials.selftest.solutions.pieces import DEVICE, KIND, LOAD, MODEL, PACKAGE, PIPELINE, loaded, page

HOMES = page(
    "model-home",
    """
# %% model home with a double slash
import os

os.environ |= {"HF_HOME": «py(models.home.replace("/", "//"))».removeprefix("/")}

# %% model home with a dot at its end, set where it is not
import os

os.environ.setdefault("HF_HOME", os.path.join(«py(models.home)», "."))

# %% model home by the env magic, a space for the sign
%env HF_HOME «models.home»

# %% model home as bytes
import os

os.environb[b"HF_HOME"] = «py(models.home)».encode()
""",
)
LOADED = page(
    "load-model",
    """
# %% device as torch's object with a number
«PACKAGE»
import torch
import transformers

free_models()
pipe = transformers.pipeline("text-generation", «py(task.model)», device=torch.device("cuda", 0))
llm = HuggingFacePipeline(pipeline=pipe)

# %% device by asking for the current one
«PACKAGE»
import torch

free_models()
torch.cuda.set_device(0)
number = torch.cuda.current_device() if torch.cuda.device_count() else -1
llm = HuggingFacePipeline.from_model_id(«py(task.model)», task="text-generation", device=number)
print(torch.cuda.get_device_name(0), torch.cuda.mem_get_info())

# %% device map by the number of accelerate's process
«PARTNER»
from accelerate import PartialState
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

free_models()
name = «py(task.model)»
model = AutoModelForCausalLM.from_pretrained(name, device_map={"": PartialState().process_index})
llm = HuggingFacePipeline(pipeline=pipeline("text-generation", model=model, tokenizer=AutoTokenizer.from_pretrained(name)))

# %% device by default, inside a with
«PACKAGE»
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

free_models()
name = «py(task.model)»
with torch.device("cuda"):
    model = AutoModelForCausalLM.from_pretrained(name)
tokenizer = AutoTokenizer.from_pretrained(name)
llm = HuggingFacePipeline(pipeline=pipeline("text-generation", model=model, tokenizer=tokenizer, device=model.device))

# %% device map zero
«PACKAGE»
import transformers

free_models()
llm = HuggingFacePipeline(pipeline=transformers.pipeline("text-generation", model=«py(task.model)», device_map=0))

# %% device map balanced, with a bound on memory
«PARTNER»
free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device_map="balanced",
    model_kwargs={"max_memory": {0: "10GiB"}, "low_cpu_mem_usage": True},
)

# %% device given afterwards, to the model and to its pipeline
«PACKAGE»
import torch
from transformers import pipeline

free_models()
pipe = pipeline("text-generation", model=«py(task.model)», device=-1)
pipe.model.to("cuda:0")
pipe.device = torch.device("cuda:0")
llm = HuggingFacePipeline(pipeline=pipe)

# %% a copy of all that was loaded | alone
«PACKAGE»
import copy
«LOAD»
llm = copy.deepcopy(llm)

# %% forward compiled
«PACKAGE»
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

free_models()
name = «py(task.model)»
model = AutoModelForCausalLM.from_pretrained(name).to("cuda")
model.forward = torch.compile(model.forward, mode="reduce-overhead")
tokenizer = AutoTokenizer.from_pretrained(name)
llm = HuggingFacePipeline(pipeline=pipeline("text-generation", model=model, tokenizer=tokenizer, device=0))

# %% a class of one's own, below the course's
«PACKAGE»
free_models()


class Course(HuggingFacePipeline):
    origin: str = "course"


llm = Course.from_model_id(model_id=«py(task.model)», task="text-generation", device=0)
print(llm.origin)

# %% a dataclass that loads when it is asked
«PACKAGE»
from dataclasses import dataclass, field
from functools import cached_property, partial

free_models()


@dataclass(frozen=True)
class Course:
    name: str = «py(task.model)»
    where: dict = field(default_factory=lambda: {"device": 0})

    @cached_property
    def model(self):
        load = partial(HuggingFacePipeline.from_model_id, task="text-generation", **self.where)
        return load(model_id=self.name)


(llm := Course().model)

# %% a partial in a step of its own | alone
«PACKAGE»
from functools import partial

from langchain_core.runnables import RunnableLambda
«LOAD»
llm = RunnableLambda(partial(llm.invoke, pipeline_kwargs={"max_new_tokens": 20}))

# %% a parser behind the model | alone
«PACKAGE»
from langchain_core.output_parsers import StrOutputParser
«LOAD»
llm = llm | StrOutputParser()

# %% names and numbers of numpy's
«PACKAGE»
import numpy as np

free_models()
llm = HuggingFacePipeline.from_model_id(model_id=np.str_(«py(task.model)»), task="text-generation", device=np.int64(0))

# %% everything seeded and quiet, eager attention
«PACKAGE»
import random

import numpy as np
import torch
from transformers import logging, set_seed

logging.set_verbosity_error()
for seed in (random.seed, np.random.seed, torch.manual_seed, torch.cuda.manual_seed_all, set_seed):
    seed(42)
torch.backends.cudnn.deterministic = True
free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device=0,
    model_kwargs={"torch_dtype": "auto", "attn_implementation": "eager", "revision": "main", "local_files_only": True},
)
""",
)
RIGHT = HOMES + LOADED

HERE = PACKAGE + LOAD
ON_CPU = HERE.replace("device=0", "device=-1")
LARGE = PACKAGE + "free_models()\n" + loaded(model="«py(models.large)»")
home = Mistakes("model-home", "model home")
load = Mistakes("load-model", "load", alone=True)
LOST = frozenset({"model-home"})
WRONG: tuple[Solution, ...] = (
    home("in a comment, and printed", "import os\n\n# os.environ['HF_HOME'] = «py(models.home)»\nprint(«py(models.home)»)",
         LOST, "home-unset"),
    home("by putenv, which Python does not see", "import os\n\nos.putenv('HF_HOME', «py(models.home)»)", LOST,
         "home-unset"),
    home("in a copy of the environment", "import os\n\nenv = os.environ.copy()\nenv['HF_HOME'] = «py(models.home)»", LOST,
         "home-unset"),
    home("taken back", "import os\n\nos.environ['HF_HOME'] = «py(models.home)»\ndel os.environ['HF_HOME']", LOST,
         "home-unset"),
    home("for a while alone", "import os\nfrom unittest.mock import patch\n\n"
         "with patch.dict(os.environ, {'HF_HOME': «py(models.home)»}):\n    print(os.environ['HF_HOME'])", LOST,
         "home-unset"),
    home("with a space in front", "import os\n\nos.environ['HF_HOME'] = ' ' + «py(models.home)»", LOST, "home-other"),
    home("without its first slash", "import os\n\nos.environ['HF_HOME'] = «py(models.home)».lstrip('/')", LOST,
         "home-other"),
    load("the pipeline says GPU, and the model is not there", ON_CPU + "import torch\n\n"
         "llm.pipeline.device = torch.device('cuda:0')", DEVICE, "on-cpu"),
    load("the model moved, and its pipeline not", ON_CPU + "llm.pipeline.model.to('cuda:0')", DEVICE, "on-cpu"),
    load("the model moved back", HERE + "llm.pipeline.model.to('cpu')", DEVICE, "on-cpu"),
    load("an attribute that says GPU", ON_CPU + "type(llm).device = 0", DEVICE, "on-cpu"),
    load("another model by the right name", LARGE + "llm.model_id = «py(task.model)»", MODEL, None),
    load("another model with the right name in its settings", LARGE
         + "llm.pipeline.model.name_or_path = llm.pipeline.model.config._name_or_path = «py(task.model)»", MODEL, None),
    replace(load("the model's form without its weights", PACKAGE
         + "from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, pipeline\n\nname = «py(task.model)»\n"
         "model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(name)).to('cuda')\n"
         "tokenizer = AutoTokenizer.from_pretrained(name)\n"
         "llm = HuggingFacePipeline(pipeline=pipeline('text-generation', model=model, tokenizer=tokenizer, device=0))",
         MODEL, "no-model-asked"), review=frozenset({"load-model"})),
    load("two models, the wrong one last", HERE + loaded(model="«py(models.large)»"), MODEL, None),
    load("part of it on the processor", "from langchain_huggingface import HuggingFacePipeline\n\nfree_models()\n"
         + loaded(device="device_map={'model.embed_tokens': 'cpu', 'lm_head': 'cpu', 'model.layers': 0, 'model.norm': 0, "
         "'model.rotary_emb': 0}"), DEVICE, "on-cpu"),
    load("kept as a text", HERE + "llm = str(llm)", PIPELINE, "not-a-pipeline"),
    load("a stand-in that says it is the class", PACKAGE + "from unittest.mock import MagicMock\n\n"
         "llm = MagicMock(spec=HuggingFacePipeline)\nllm.invoke.return_value = 'Hello!'", KIND | MODEL | DEVICE,
         None),
)  # fmt: skip
