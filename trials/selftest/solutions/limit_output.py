"""Solutions of the task `limit-output`."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.pieces import (
    COMMUNITY,
    EITHER_PACKAGE,
    FREE,
    LIMIT,
    LOAD,
    LOAD_WITH_TRANSFORMERS,
    NO_CHAIN,
    NOT_ASKED,
    PACKAGE,
    PARTNER,
    READY,
    TODO,
    loaded,
)

RIGHT = (
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


WRONG = (
    Solution(
        "limit: nothing done",
        {"limit-output": TODO},
        {"limit-output": frozenset({"limit"})},
        "limit-default",
    ),
    Solution(
        "limit: set in the task before, and nothing done",
        {"load-model": FREE + loaded(settings=LIMIT), "limit-output": TODO},
        {"limit-output": frozenset({"limit"})},
        "left-over",
    ),
    Solution(
        "limit: loaded again without a limit",
        {"limit-output": FREE + loaded()},
        {"limit-output": frozenset({"limit"})},
        "limit-default",
    ),
    Solution(
        "limit: one too many",
        {"limit-output": FREE + loaded(settings='{"max_new_tokens": «max_new_tokens + 1»}')},
        {"limit-output": frozenset({"limit"})},
        "limit-other",
    ),
    Solution(
        "limit: ten times too high",
        {"limit-output": FREE + loaded(settings='{"max_new_tokens": «max_new_tokens * 10»}')},
        {"limit-output": frozenset({"limit"})},
        "limit-other",
    ),
    Solution(
        "limit: on the whole text, with max_length",
        {"limit-output": FREE + loaded(settings='{"max_length": «max_new_tokens * 10»}')},
        {"limit-output": frozenset({"limit"})},
        "limit-total",
    ),
    Solution(
        "limit: the least number of tokens",
        {"limit-output": FREE + loaded(settings='{"min_new_tokens": «max_new_tokens»}')},
        {"limit-output": frozenset({"limit"})},
        "limit-default",
    ),
    Solution(
        "limit: bind that is ignored",
        {"limit-output": FREE + loaded() + "llm = llm.bind(max_new_tokens=«max_new_tokens»)"},
        {"limit-output": frozenset({"limit"})},
        "limit-ignored",
    ),
    Solution(
        "limit: bind to what was there, ignored",
        {"limit-output": "llm = llm.bind(max_new_tokens=«max_new_tokens»)"},
        {"limit-output": frozenset({"limit"})},
        "limit-ignored",
    ),
    Solution(
        "limit: bind, and the result let go",
        {"limit-output": "llm.bind(pipeline_kwargs=" + LIMIT + ")"},
        {"limit-output": frozenset({"limit"})},
        "limit-default",
    ),
    Solution(
        "limit: in another variable",
        {"limit-output": "short_llm = llm.bind(pipeline_kwargs=" + LIMIT + ")"},
        {"limit-output": frozenset({"limit"})},
        "limit-default",
    ),
    Solution(
        "limit: beside a ready pipeline, ignored in the partner package",
        {"limit-output": PARTNER + READY + "llm = HuggingFacePipeline(pipeline=pipe, pipeline_kwargs=" + LIMIT + ")"},
        {"limit-output": frozenset({"limit"})},
        "limit-ignored",
    ),
    Solution(
        "limit: written to an attribute, ignored in the partner package",
        {"limit-output": PARTNER + "\nfree_models()\n" + loaded() + "llm.pipeline_kwargs = " + LIMIT},
        {"limit-output": frozenset({"limit"})},
        "limit-ignored",
    ),
    Solution(
        "limit: written to an attribute that is not there",
        {"limit-output": FREE + loaded() + "llm.max_new_tokens = «max_new_tokens»"},
        {"limit-output": frozenset({"limit"})},
        "setting-refused",
    ),
    Solution(
        "limit: GenerationConfig made and not used",
        {
            "limit-output": FREE
            + "from transformers import GenerationConfig\n\n"
            + "config = GenerationConfig(max_new_tokens=«max_new_tokens»)\n"
            + loaded()
        },
        {"limit-output": frozenset({"limit"})},
        "limit-default",
    ),
    Solution(
        "limit: a text",
        {"limit-output": FREE + loaded(settings='{"max_new_tokens": "«max_new_tokens»"}')},
        {"limit-output": frozenset({"limit"}), **NOT_ASKED},
        "limit-refused",
        alone=True,
    ),
    Solution(
        "limit: bound, with a comma for the colon",
        {"limit-output": 'llm = llm.bind(pipeline_kwargs={"max_new_tokens", «max_new_tokens»})'},
        {"limit-output": frozenset({"limit"}), **NOT_ASKED},
        "settings-set",
        alone=True,
    ),
    Solution(
        "limit: bound, as a text",
        {"limit-output": 'llm = llm.bind(pipeline_kwargs="max_new_tokens=«max_new_tokens»")'},
        {"limit-output": frozenset({"limit"}), **NOT_ASKED},
        "settings-type",
        alone=True,
    ),
    Solution(
        "limit: bound, with number and name swapped",
        {"limit-output": 'llm = llm.bind(pipeline_kwargs={«max_new_tokens»: "max_new_tokens"})'},
        {"limit-output": frozenset({"limit"}), **NOT_ASKED},
        "settings-names",
        alone=True,
    ),
    Solution(
        "limit: a comma for the colon, and no prompt in the chain",
        {
            "limit-output": 'llm = llm.bind(pipeline_kwargs={"max_new_tokens", «max_new_tokens»})',
            "chain": "chatbot = llm",
        },
        {"limit-output": frozenset({"limit"}), "chain": frozenset({"text"}), **NOT_ASKED},
        "settings-set",
        alone=True,
    ),
    Solution(
        "limit: the name it has in another library",
        {"limit-output": FREE + loaded(settings='{"max_tokens": «max_new_tokens»}')},
        {"limit-output": frozenset({"limit"}), **NOT_ASKED},
        "limit-default",
        alone=True,
    ),
    Solution(
        "limit: in model_kwargs",
        {"limit-output": EITHER_PACKAGE + loaded().replace("device=0,", "device=0,\n    model_kwargs=" + LIMIT + ",")},
        {"limit-output": frozenset({"limit"})},
        "setting-refused",
    ),
    Solution(
        "limit: straight to from_model_id, which refuses it",
        {
            "limit-output": EITHER_PACKAGE
            + loaded().replace("device=0,", "device=0,\n    max_new_tokens=«max_new_tokens»,")
        },
        {"limit-output": frozenset({"limit"})},
        "setting-refused",
    ),
    Solution(
        "limit: refused after the old model was freed",
        {"limit-output": FREE + loaded().replace("device=0,", "device=0,\n    max_new_tokens=«max_new_tokens»,")},
        {"limit-output": frozenset({"limit"}), **NO_CHAIN},
        "setting-refused",
        alone=True,
    ),
    Solution(
        "limit: a bracket is missing",
        {"limit-output": "llm = llm.bind(pipeline_kwargs=" + LIMIT},
        {"limit-output": frozenset({"limit"})},
        "missing-raised",
    ),
    Solution(
        "limit: llm becomes a cut answer",
        {"limit-output": 'llm = llm.invoke("Hello!")[:«max_new_tokens»]'},
        {"limit-output": frozenset({"limit"}), **NO_CHAIN},
        "not-a-pipeline",
        alone=True,
    ),
    Solution(
        "limit: another model is loaded",
        {"limit-output": FREE + loaded(model="«py(models.large)»", settings=LIMIT)},
        {"chain": frozenset({"model"})},
        alone=True,
    ),
)
