"""Solutions of the task `limit-output`."""

from __future__ import annotations

from trials.selftest.library import Losses, Mistakes, Solution
from trials.selftest.solutions.pieces import (
    FREE,
    LIMIT,
    MODEL,
    NO_CHAIN,
    NOT_ASKED,
    PACKAGE,
    PARTNER,
    READY,
    TEXT,
    TODO,
    loaded,
    page,
)

RIGHT = page(
    "limit-output",
    """
# %% limit bound
llm = llm.bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens»})

# %% limit bound with other settings, and a try
short_settings = dict(max_new_tokens=«max_new_tokens», do_sample=True, temperature=0.7, top_p=0.9, repetition_penalty=1.2)
llm = llm.bind(pipeline_kwargs=short_settings).with_config(run_name="short", tags=["limited"])
print(len(llm.invoke("Hello")))

# %% limit bound while loading with transformers
«PACKAGE»
«LOAD_WITH_TRANSFORMERS»

pipe = pipeline("text-generation", model=model, tokenizer=tokenizer, device=0)
llm = HuggingFacePipeline(pipeline=pipe).bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens»})

# %% limit given to the transformers pipeline
«PACKAGE»

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

# %% limit given while loading, new text only
«COMMUNITY»

TOKENS = «max_new_tokens»
free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)»,
    task="text-generation",
    device_map="auto",
    pipeline_kwargs={"max_new_tokens": TOKENS, "return_full_text": False},
)

# %% limit in a generation config, bound
from transformers import GenerationConfig

config = GenerationConfig(max_new_tokens=«max_new_tokens»)
llm = llm.bind(pipeline_kwargs={"generation_config": config})

# %% limit in the model's own generation config, given while loading
«PACKAGE»

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

# %% limit in a generation config given to the transformers pipeline
«PARTNER»

from transformers import GenerationConfig, pipeline

free_models()
pipe = pipeline(
    task="text-generation",
    model=«py(task.model)»,
    device=0,
    generation_config=GenerationConfig(max_new_tokens=«max_new_tokens», do_sample=True),
)
llm = HuggingFacePipeline(pipeline=pipe)

# %% the loaded pipeline wrapped again in community with the limit
«COMMUNITY»

llm = HuggingFacePipeline(pipeline=llm.pipeline, pipeline_kwargs={"max_new_tokens": «max_new_tokens»})

# %% limit set on the model, wrapped again
«PARTNER»

pipe = llm.pipeline
pipe.model.generation_config.max_new_tokens = «max_new_tokens»
llm = HuggingFacePipeline(pipeline=pipe)

# %% limit bound, with retries
bound = llm.bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens»})
llm = bound.with_retry(stop_after_attempt=2)

# %% limit by a copy of community's object
# %%% load-model
«COMMUNITY»
«LOAD»
# %%% limit-output
llm = llm.model_copy(update={"pipeline_kwargs": {"max_new_tokens": «max_new_tokens»}})

# %% limit set on community's object itself
# %%% load-model
«COMMUNITY»
«LOAD»
# %%% limit-output
llm.pipeline_kwargs = {"max_new_tokens": «max_new_tokens»}

# %% limit in a settings object, loaded anew by a helper
«PACKAGE»

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
""",
)

wrong = Mistakes("limit-output", "limit")
LOADED = FREE + loaded()
LOST = frozenset({"limit"})
SILENT = {"limit-output": LOST, **NOT_ASKED}
CHAINLESS = {"limit-output": LOST, **NO_CHAIN}


def given(name: str, settings: str, loses: frozenset[str] | Losses, hint: str, alone: bool = False) -> Solution:
    """The model loaded anew, with settings that are not right."""
    return wrong(name, FREE + loaded(settings=settings), loses, hint, alone)


WRONG = (
    wrong("nothing done", TODO, LOST, "limit-default"),
    wrong("set in the task before, and nothing done", {"load-model": FREE + loaded(settings=LIMIT),
          "limit-output": TODO}, LOST, "left-over"),
    wrong("loaded again without a limit", LOADED, LOST, "limit-default"),
    given("one too many", '{"max_new_tokens": «max_new_tokens + 1»}', LOST, "limit-other"),
    given("ten times too high", '{"max_new_tokens": «max_new_tokens * 10»}', LOST, "limit-other"),
    given("on the whole text, with max_length", '{"max_length": «max_new_tokens * 10»}', LOST, "limit-total"),
    given("the least number of tokens", '{"min_new_tokens": «max_new_tokens»}', LOST, "limit-default"),
    wrong("bind that is ignored", LOADED + "llm = llm.bind(max_new_tokens=«max_new_tokens»)", LOST, "limit-ignored"),
    wrong("bind to what was there, ignored", "llm = llm.bind(max_new_tokens=«max_new_tokens»)", LOST, "limit-ignored"),
    wrong("bind, and the result let go", f"llm.bind(pipeline_kwargs={LIMIT})", LOST, "limit-default"),
    wrong("in another variable", f"short_llm = llm.bind(pipeline_kwargs={LIMIT})", LOST, "limit-default"),
    wrong("beside a ready pipeline, ignored in the partner package",
          f"{PARTNER}{READY}llm = HuggingFacePipeline(pipeline=pipe, pipeline_kwargs={LIMIT})", LOST,
          "limit-ignored"),
    wrong("written to an attribute, ignored in the partner package",
          f"{PARTNER}\nfree_models()\n{loaded()}llm.pipeline_kwargs = {LIMIT}", LOST, "limit-ignored"),
    wrong("written to an attribute that is not there", LOADED + "llm.max_new_tokens = «max_new_tokens»", LOST,
          "setting-refused"),
    wrong("GenerationConfig made and not used", FREE + "from transformers import GenerationConfig\n\n"
          + "config = GenerationConfig(max_new_tokens=«max_new_tokens»)\n" + loaded(), LOST, "limit-default"),
    given("a text", '{"max_new_tokens": "«max_new_tokens»"}', SILENT, "limit-refused", alone=True),
    wrong("bound, with a comma for the colon",
          'llm = llm.bind(pipeline_kwargs={"max_new_tokens", «max_new_tokens»})', SILENT, "settings-set", alone=True),
    wrong("bound, as a text", 'llm = llm.bind(pipeline_kwargs="max_new_tokens=«max_new_tokens»")', SILENT,
          "settings-type", alone=True),
    wrong("bound, with number and name swapped",
          'llm = llm.bind(pipeline_kwargs={«max_new_tokens»: "max_new_tokens"})', SILENT, "settings-names",
          alone=True),
    wrong("a comma for the colon, and no prompt in the chain",
          {"limit-output": 'llm = llm.bind(pipeline_kwargs={"max_new_tokens", «max_new_tokens»})',
          "chain": "chatbot = llm"}, {"limit-output": LOST, "chain": TEXT, **NOT_ASKED}, "settings-set", alone=True),
    given("the name it has in another library", '{"max_tokens": «max_new_tokens»}', SILENT, "setting-unknown",
          alone=True),
    wrong("in model_kwargs", PACKAGE
          + loaded().replace("device=0,", "device=0,\n    model_kwargs=" + LIMIT + ","), LOST, "setting-refused"),
    wrong("straight to from_model_id, which refuses it", PACKAGE
          + loaded().replace("device=0,", "device=0,\n    max_new_tokens=«max_new_tokens»,"), LOST,
          "setting-refused"),
    wrong("refused after the old model was freed", FREE
          + loaded().replace("device=0,", "device=0,\n    max_new_tokens=«max_new_tokens»,"), CHAINLESS,
          "setting-refused", alone=True),
    wrong("a bracket is missing", "llm = llm.bind(pipeline_kwargs=" + LIMIT, LOST, "missing-raised"),
    wrong("llm becomes a cut answer", 'llm = llm.invoke("Hello!")[:«max_new_tokens»]', CHAINLESS, "not-a-pipeline",
          alone=True),
    wrong("another model is loaded", FREE + loaded(model="«py(models.large)»", settings=LIMIT), {"chain": MODEL},
          None, alone=True),
)  # fmt: skip
