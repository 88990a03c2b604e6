"""Wrong solutions: what students hand in that must lose points, and exactly which, with the hint that is due.

Written from the contract, without a look at the checks: where a check disagrees, one of the two is mistaken, and the
contract says which. Each entry is one mistake, in one cell where that can be (the rest is the reference solution).
What a mistake costs is in `loses`, later tasks included where they have nothing of their own to show: the chain was
never made, so nothing was asked. Where a later task is right but for an earlier mistake, it loses nothing.

`hint` is None where the profile decides which one is due (a chatbot on a base model here, on an instruct model there).
A few answers written by hand lose nothing and go to a person (`review`): nobody can tell them from processed ones.
What is merely unusual is in `library_right.py`; attacks on the grader are in neither.
"""

from __future__ import annotations

from trials.selftest.library import Solution

PIPELINE = frozenset({"kind", "model", "device"})
BASE = frozenset({"kind", "model", "asked", "kept"})
PROMPT = frozenset({"system", "placeholder"})
CHAIN = frozenset({"runnable", "text", "model"})
ANSWER = frozenset({"asked", "kept"})
CHATBOT = frozenset({"model", "text", "kept"})
WARM = frozenset({"model", "text", "temperature", "kept"})
NOT_ASKED = {"who-are-you": ANSWER, "ideal-boat": ANSWER}
NO_CHAIN = {"chain": CHAIN, **NOT_ASKED}
NO_PROMPT = {"prompt": PROMPT, **NO_CHAIN}

PACKAGE = """\
«% if models.package == "langchain_community" %»
from langchain_community.llms import HuggingFacePipeline
«% else %»
from langchain_huggingface import HuggingFacePipeline
«% endif %»
"""
PARTNER = "from langchain_huggingface import HuggingFacePipeline\n"
FREE = PACKAGE + "\nfree_models()\n"
HUMAN = "from langchain_core.messages import HumanMessage\n\n"
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

HOME = (
    Solution(
        "model home: nothing done",
        {"model-home": "import os\n\n" + TODO},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
    Solution(
        "model home: another folder",
        {"model-home": 'import os\n\nos.environ["HF_HOME"] = os.path.expanduser("~/.cache/huggingface")'},
        {"model-home": frozenset({"model-home"})},
        "home-other",
    ),
    Solution(
        "model home: last letter of the path missing",
        {"model-home": 'import os\n\nos.environ["HF_HOME"] = «py(models.home.rstrip("/")[:-1])»'},
        {"model-home": frozenset({"model-home"})},
        "home-other",
    ),
    Solution(
        "model home: a folder too deep",
        {"model-home": 'import os\n\nos.environ["HF_HOME"] = «py(models.home.rstrip("/") + "/hub")»'},
        {"model-home": frozenset({"model-home"})},
        "home-other",
    ),
    Solution(
        "model home: a Python variable",
        {"model-home": "import os\n\nHF_HOME = «py(models.home)»"},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
    Solution(
        "model home: the variable's name in small letters",
        {"model-home": 'import os\n\nos.environ["hf_home"] = «py(models.home)»'},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
    Solution(
        "model home: another variable",
        {"model-home": 'import os\n\nos.environ["TRANSFORMERS_CACHE"] = «py(models.home)»'},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
    Solution(
        "model home: set in a shell that ends at once",
        {"model-home": "!export HF_HOME=«models.home»"},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
    Solution(
        "model home: quotation marks become part of the path",
        {"model-home": '%env HF_HOME="«models.home»"'},
        {"model-home": frozenset({"model-home"})},
        "home-other",
    ),
    Solution(
        "model home: environ was not imported",
        {"model-home": 'environ["HF_HOME"] = «py(models.home)»'},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
    Solution(
        "model home: read instead of set",
        {"model-home": 'import os\n\nprint(os.environ.get("HF_HOME", «py(models.home)»))'},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
)

ASK_BASE = (
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

LOAD_MODEL = (
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
        {"load-model": READY + "llm = pipe\n" + PACKAGE},
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

LIMIT_OUTPUT = (
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
        {"limit-output": PACKAGE + loaded().replace("device=0,", "device=0,\n    model_kwargs=" + LIMIT + ",")},
        {"limit-output": frozenset({"limit"})},
        "setting-refused",
    ),
    Solution(
        "limit: straight to from_model_id, which refuses it",
        {"limit-output": PACKAGE + loaded().replace("device=0,", "device=0,\n    max_new_tokens=«max_new_tokens»,")},
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

KEY = "«py(arguments)»"
LETTERS = "«py(arguments | list)»"
NAMES = "«py(arguments.values() | list)»"
ARGUMENTS = tuple(
    Solution(f"arguments: {name}", {"arguments": code}, {"arguments": frozenset({"answers"})}, hint)
    for name, code, hint in (
        ("nothing done", TODO, "missing"),
        ("None", "answers = None", "none"),
        ("the variable is misspelled", f"anwsers = dict(zip({LETTERS}, {NAMES}))", "missing"),
        ("a list", f"answers = {NAMES}", "answers-type"),
        ("a text", 'answers = "«% for l, a in arguments.items() %»«l»: «a»; «% endfor %»"', "answers-type"),
        ("a list of pairs", f"answers = list(zip({LETTERS}, {NAMES}))", "answers-type"),
        ("all moved by one", f"names = {NAMES}\nanswers = dict(zip({LETTERS}, names[1:] + names[:1]))", "answers-some"),
        (
            "two swapped",
            f"names = {NAMES}\nnames[0], names[1] = names[1], names[0]\nanswers = dict(zip({LETTERS}, names))",
            "answers-some",
        ),
        ("the same argument everywhere", f"answers = dict.fromkeys({LETTERS}, {NAMES}[0])", "answers-some"),
        ("one is missing", f"answers = dict(zip({LETTERS}, {NAMES}[:-1]))", "answers-letters"),
        ("empty", "answers = {}", "answers-letters"),
        ("letters and arguments swapped", f"answers = dict(zip({NAMES}, {LETTERS}))", "answers-letters"),
        ("numbers for letters", f"answers = dict(enumerate({NAMES}, 1))", "answers-letters"),
        (
            "an argument that is not in the list",
            f'answers = dict(zip({LETTERS}, {NAMES}))\nanswers[{LETTERS}[0]] = "max_length"',
            "answers-unknown",
        ),
        (
            "a typo in one",
            f"answers = dict(zip({LETTERS}, {NAMES}))\nanswers[{LETTERS}[-1]] = {NAMES}[-1][:-1]",
            "answers-unknown",
        ),
        (
            "with values for the arguments",
            f"answers = {{letter: name + '=0' for letter, name in zip({LETTERS}, {NAMES})}}",
            "answers-unknown",
        ),
        (
            "several guesses for each",
            f"answers = {{letter: [name, 'device'] for letter, name in zip({LETTERS}, {NAMES})}}",
            "answers-unknown",
        ),
        ("names without quotation marks", 'answers = {"a": max_new_tokens, "b": device}', "missing-raised"),
        ("a colon is missing", 'answers = {"a" "max_new_tokens", "b": "device"}', "missing-raised"),
    )
)

PROMPTS = (
    Solution("prompt: nothing done", {"prompt": TODO}, NO_PROMPT, "missing", alone=True),
    Solution("prompt: None", {"prompt": "prompt = None"}, NO_PROMPT, "none", alone=True),
    Solution(
        "prompt: the variable is misspelled",
        {"prompt": prompt_of(SYSTEM, PLACEHOLDER).replace("prompt = ", "promt = ")},
        NO_PROMPT,
        "missing",
        alone=True,
    ),
    Solution(
        "prompt: made in the next task's cell",
        {"prompt": TODO, "chain": prompt_of(SYSTEM, PLACEHOLDER) + "chatbot = prompt | llm"},
        {"prompt": PROMPT},
        "missing",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder's class was not imported",
        {"prompt": prompt_of(SYSTEM, 'MessagePlaceholder("messages")')},
        NO_PROMPT,
        "missing-raised",
        alone=True,
    ),
    Solution(
        "prompt: the system prompt lacks its last character",
        {"prompt": prompt_of('("system", «py(system_prompt[:-1])»)', PLACEHOLDER)},
        {"prompt": frozenset({"system"})},
        "system-other",
        alone=True,
    ),
    Solution(
        "prompt: the system prompt in capitals",
        {"prompt": prompt_of('("system", «py(system_prompt.upper())»)', PLACEHOLDER)},
        {"prompt": frozenset({"system"})},
        "system-other",
        alone=True,
    ),
    Solution(
        "prompt: another system prompt",
        {"prompt": prompt_of('("system", "You are a helpful assistant.")', PLACEHOLDER)},
        {"prompt": frozenset({"system"})},
        "system-other",
        alone=True,
    ),
    Solution(
        "prompt: the system prompt with an addition",
        {"prompt": prompt_of('("system", «py(system_prompt + " Be brief.")»)', PLACEHOLDER)},
        {"prompt": frozenset({"system"})},
        "system-other",
        alone=True,
    ),
    Solution(
        "prompt: no system prompt",
        {"prompt": prompt_of(PLACEHOLDER)},
        {"prompt": frozenset({"system"})},
        "system-missing",
        alone=True,
    ),
    Solution(
        "prompt: the system prompt said by a human",
        {"prompt": prompt_of('("human", «py(system_prompt)»)', PLACEHOLDER)},
        {"prompt": frozenset({"system"})},
        "system-missing",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder before the system prompt",
        {"prompt": prompt_of(PLACEHOLDER, SYSTEM)},
        {"prompt": frozenset({"system"})},
        "system-last",
        alone=True,
    ),
    Solution(
        "prompt: no placeholder",
        {"prompt": prompt_of(SYSTEM)},
        {"prompt": frozenset({"placeholder"}), **NOT_ASKED},
        "placeholder-missing",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder is a text variable",
        {"prompt": prompt_of(SYSTEM, '("human", "{messages}")')},
        {"prompt": frozenset({"placeholder"})},
        "placeholder-text",
        alone=True,
    ),
    Solution(
        "prompt: a text variable with another name",
        {"prompt": prompt_of(SYSTEM, '("human", "{question}")')},
        {"prompt": frozenset({"placeholder"})},
        "prompt-variables",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder has another name",
        {"prompt": prompt_of(SYSTEM, 'MessagesPlaceholder("message")')},
        {"prompt": frozenset({"placeholder"})},
        "prompt-variables",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder is a message that says messages",
        {"prompt": prompt_of(SYSTEM, '("human", "messages")')},
        {"prompt": frozenset({"placeholder"}), **NOT_ASKED},
        "placeholder-missing",
        alone=True,
    ),
    Solution(
        "prompt: the question inside, after the placeholder",
        {
            "prompt": prompt_of(SYSTEM, PLACEHOLDER, '("human", «py(task_of("who-are-you").question)»)'),
            "who-are-you": HUMAN + f"result = chatbot.invoke({QUESTION})\nprint(result)",
        },
        {"prompt": frozenset({"placeholder"})},
        "question-inside",
        alone=True,
    ),
    Solution(
        "prompt: the question in the placeholder's place",
        {"prompt": prompt_of(SYSTEM, '("human", «py(task_of("who-are-you").question)»)')},
        {"prompt": frozenset({"placeholder"}), **NOT_ASKED},
        "question-inside",
        alone=True,
    ),
    Solution(
        "prompt: examples between the system prompt and the placeholder",
        {"prompt": prompt_of(SYSTEM, '("human", "Hi!")', '("ai", "Hello there!")', PLACEHOLDER)},
        {"prompt": frozenset({"placeholder"})},
        "prompt-extra",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder twice",
        {"prompt": prompt_of(SYSTEM, PLACEHOLDER, PLACEHOLDER)},
        {"prompt": frozenset({"placeholder"})},
        "prompt-extra",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder keeps only the last message",
        {"prompt": prompt_of(SYSTEM, 'MessagesPlaceholder("messages", n_messages=1)')},
        {"prompt": frozenset({"placeholder"})},
        "placeholder-missing",
        alone=True,
    ),
    Solution(
        "prompt: a text with an f in front",
        {"prompt": 'messages = []\nprompt = f"System: «system_prompt»\\n{messages}"'},
        NO_PROMPT,
        "prompt-type",
        alone=True,
    ),
    Solution(
        "prompt: a list of messages",
        {"prompt": TEMPLATES + f"prompt = [{SYSTEM}, {PLACEHOLDER}]"},
        NO_PROMPT,
        "prompt-type",
        alone=True,
    ),
    Solution(
        "prompt: a template for plain text",
        {
            "prompt": "from langchain_core.prompts import PromptTemplate\n\n"
            + 'prompt = PromptTemplate.from_template(«py(system_prompt + " {messages}")»)'
        },
        {"prompt": PROMPT},
        "prompt-type",
        alone=True,
    ),
    Solution(
        "prompt: filled in already",
        {"prompt": prompt_of(SYSTEM, PLACEHOLDER) + 'prompt = prompt.invoke({"messages": []})'},
        NO_PROMPT,
        "prompt-type",
        alone=True,
    ),
)

CHAINS = (
    Solution("chain: nothing done", {"chain": TODO}, NO_CHAIN, "missing", alone=True),
    Solution("chain: None", {"chain": "chatbot = None"}, NO_CHAIN, "none", alone=True),
    Solution(
        "chain: the variable is misspelled", {"chain": "chatbott = prompt | llm"}, NO_CHAIN, "missing", alone=True
    ),
    Solution(
        "chain: a variable that does not exist",
        {"chain": "chatbot = prompt | model"},
        NO_CHAIN,
        "missing-raised",
        alone=True,
    ),
    Solution("chain: a syntax error", {"chain": "chatbot = prompt || llm"}, NO_CHAIN, "missing-raised", alone=True),
    Solution("chain: plus for the bar", {"chain": "chatbot = prompt + [llm]"}, NO_CHAIN, "missing-raised", alone=True),
    Solution(
        "chain: made too late, in the last task's cell",
        {"chain": TODO, "ideal-boat": HUMAN + f"chatbot = prompt | llm\nboat = chatbot.invoke({QUESTION})"},
        {"chain": CHAIN, "who-are-you": ANSWER},
        "missing",
        alone=True,
    ),
    Solution(
        "chain: a function",
        {"chain": "def chatbot(messages):\n    return (prompt | llm).invoke(messages)"},
        {"chain": frozenset({"runnable"}), **NOT_ASKED},
        "not-runnable",
        alone=True,
    ),
    Solution("chain: a list", {"chain": "chatbot = [prompt, llm]"}, NO_CHAIN, "not-runnable", alone=True),
    Solution(
        "chain: a dict", {"chain": 'chatbot = {"prompt": prompt, "llm": llm}'}, NO_CHAIN, "not-runnable", alone=True
    ),
    Solution("chain: two values", {"chain": "chatbot = prompt, llm"}, NO_CHAIN, "not-runnable", alone=True),
    Solution(
        "chain: an answer",
        {"chain": HUMAN + 'chatbot = (prompt | llm).invoke([HumanMessage("Hello!")])'},
        NO_CHAIN,
        "chain-is-answer",
        alone=True,
    ),
    Solution(
        "chain: the prompt alone",
        {"chain": "chatbot = prompt"},
        {"chain": frozenset({"text", "model"}), **NOT_ASKED},
        "no-model-asked",
        alone=True,
    ),
    Solution(
        "chain: an answer written by hand for a model",
        {"chain": 'chatbot = prompt | (lambda messages: "Hello, I am your chatbot.")'},
        {"chain": frozenset({"text", "model"}), **NOT_ASKED},
        "no-model-asked",
        alone=True,
    ),
    Solution(
        "chain: the model alone",
        {"chain": "chatbot = llm"},
        {"chain": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "chain: and for the bar",
        {"chain": "chatbot = prompt and llm"},
        {"chain": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "chain: reversed",
        {"chain": "chatbot = llm | prompt"},
        {"chain": frozenset({"text"}), "who-are-you": frozenset({"kept"}), "ideal-boat": frozenset({"kept"})},
        "chain-reversed",
        alone=True,
    ),
    Solution(
        "chain: a fixed question",
        {"chain": HUMAN + 'chatbot = (lambda _: [HumanMessage("What is your name?")]) | prompt | llm'},
        {"chain": frozenset({"text"})},
        "text-no-question",
        alone=True,
    ),
    Solution(
        "chain: another prompt",
        {"chain": TEMPLATES + ANOTHER_PROMPT + "chatbot = other_prompt | llm"},
        {"chain": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "chain: a text with an f in front for the prompt",
        {
            "chain": "from langchain_core.runnables import RunnableLambda\n\n"
            + 'chatbot = RunnableLambda(lambda m: f"System prompt: «system_prompt» Question: {m[0].content}") | llm'
        },
        {"chain": frozenset({"text"})},
        "text-other",
        alone=True,
    ),
    Solution(
        "chain: text added after the prompt",
        {"chain": 'chatbot = prompt | (lambda p: p.to_string() + "\\nAnswer in one word.") | llm'},
        {"chain": frozenset({"text"})},
        "text-other",
        alone=True,
    ),
    Solution(
        "chain: the question in capitals",
        {"chain": HUMAN + "chatbot = (lambda m: [HumanMessage(m[0].content.upper())]) | prompt | llm"},
        {"chain": frozenset({"text"})},
        "text-no-question",
        alone=True,
    ),
    Solution(
        "chain: a model of its own, the wrong one",
        {"chain": PACKAGE + loaded("my_llm", "«py(models.large)»", settings=LIMIT) + "chatbot = prompt | my_llm"},
        {"chain": frozenset({"model"})},
        alone=True,
    ),
    Solution(
        "chain: a chat model around a bound one",
        {
            "chain": "from langchain_huggingface import ChatHuggingFace\n\n"
            + "chatbot = prompt | ChatHuggingFace(llm=llm.bind(pipeline_kwargs="
            + LIMIT
            + "))"
        },
        NO_CHAIN,
        "chat-wrapper",
        alone=True,
    ),
    Solution(
        "chain: a step that stops before the model",
        {"chain": 'chatbot = prompt | (lambda p: p["text"]) | llm'},
        {"chain": frozenset({"text", "model"}), **NOT_ASKED},
        "no-model-raised",
        alone=True,
    ),
)

LATER_PROMPTS = (
    Solution(
        "prompt: rebuilt without its system prompt, after its check",
        {"chain": prompt_of(PLACEHOLDER) + "chatbot = prompt | llm"},
        {"chain": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "prompt: rebuilt with another system prompt, after its check",
        {"chain": prompt_of('("system", "Be brief.")', PLACEHOLDER) + "chatbot = prompt | llm"},
        {"chain": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "prompt: one mistake at its check, and another one after it",
        {
            "prompt": prompt_of('("system", "You are a helpful assistant.")', PLACEHOLDER),
            "chain": prompt_of('("system", "Be brief.")', PLACEHOLDER) + "chatbot = prompt | llm",
        },
        {"prompt": frozenset({"system"}), "chain": frozenset({"text"})},
        "system-other",
        alone=True,
    ),
    Solution(
        "prompt: rebuilt for the first question, and asked past the chain",
        {"who-are-you": HUMAN + prompt_of(PLACEHOLDER) + f"result = (prompt | llm).invoke({QUESTION})"},
        {"who-are-you": frozenset({"asked"})},
        "asked-otherwise",
        alone=True,
    ),
    Solution(
        "chain: rebuilt around another model, after its check",
        {
            "who-are-you": HUMAN
            + PACKAGE
            + loaded("other", "«py(models.large)»", settings=LIMIT)
            + f"chatbot = prompt | other\nresult = chatbot.invoke({QUESTION})"
        },
        {"who-are-you": frozenset({"asked"})},
        "asked-other-model",
        alone=True,
    ),
    Solution(
        "prompt: left out in the second notebook",
        {"prompt-again": prompt_of(PLACEHOLDER)},
        {"instruct-small": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "prompt: another one in the second notebook",
        {"prompt-again": prompt_of('("system", "Be brief.")', PLACEHOLDER)},
        {"instruct-small": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "prompt: the first question in the placeholder's place, and nothing else asked",
        {
            "prompt": prompt_of(SYSTEM, '("human", «py(task_of("who-are-you").question)»)'),
            "who-are-you": "result = chatbot.invoke({})",
            "ideal-boat": "boat = chatbot.invoke({})",
        },
        {"prompt": frozenset({"placeholder"}), "ideal-boat": frozenset({"asked", "kept"})},
        "question-inside",
        alone=True,
    ),
)
ANOTHER_MODEL = PACKAGE + loaded("other", "«py(models.large)»", settings=LIMIT)


def answered_wrongly(task: str, variable: str) -> tuple[Solution, ...]:
    """What goes wrong in a cell that asks the chatbot one question, for each of the two tasks of this kind."""
    ask = f"chatbot.invoke({QUESTION})"
    both, asked, kept = frozenset({"asked", "kept"}), frozenset({"asked"}), frozenset({"kept"})
    other = 'chatbot.invoke([HumanMessage("What is the capital of Norway?")])'

    def wrong(name: str, code: str, loses: frozenset[str], hint: str) -> Solution:
        return Solution(f"{task}: {name}", {task: code}, {task: loses}, hint)

    in_both = (
        wrong("nothing done", TODO, both, "not-asked"),
        wrong("only printed", HUMAN + f"print({ask})", kept, "missing"),
        wrong("the variable is misspelled", HUMAN + f"{variable}s = {ask}", kept, "missing"),
        wrong("written by hand", f'{variable} = "That is a good question!"', both, "not-asked"),
        Solution(
            f"{task}: asked, and written by hand, which a person must tell",
            {task: HUMAN + f'print({ask})\n{variable} = "That is a good question!"'},
            review=frozenset({task}),
        ),
        wrong(
            "the question lacks its last character",
            HUMAN + f"{variable} = chatbot.invoke([HumanMessage(«py(task.question[:-1])»)])",
            both,
            "asked-nearly",
        ),
        wrong(
            "text around the question",
            HUMAN + f'{variable} = chatbot.invoke([HumanMessage(«py(task.question + " Be brief.")»)])',
            asked,
            "asked-otherwise",
        ),
        wrong("asked, and another answer kept", HUMAN + f"print({ask})\n{variable} = {other}", kept, "kept-other"),
        wrong("the chain is kept", f"{variable} = chatbot", both, "not-asked"),
        wrong("a batch is kept whole", HUMAN + f"{variable} = chatbot.batch([{QUESTION}])", kept, "kept-type"),
        wrong("the model, no chain", f"{variable} = llm.invoke(«py(task.question)»)", asked, "asked-otherwise"),
        wrong(
            "a text for the list of messages",
            f"{variable} = chatbot.invoke(«py(task.question)»)",
            both,
            "missing-raised",
        ),
        wrong("a bracket is missing", HUMAN + f"{variable} = {ask[:-1]}", both, "missing-raised"),
    )
    in_one = (
        wrong("another question", HUMAN + f"{variable} = {other}", both, "not-asked"),
        wrong("print's result is kept", HUMAN + f"{variable} = print({ask})", kept, "kept-none"),
        wrong("the question is kept", HUMAN + f"{ask}\n{variable} = «py(task.question)»", kept, "not-kept"),
        wrong("the prompt is kept", HUMAN + f"{variable} = prompt.invoke({QUESTION})", both, "not-asked"),
        wrong(
            "asked, and the prompt's text is kept",
            HUMAN + f"print({ask})\n{variable} = prompt.invoke({QUESTION}).to_string()",
            kept,
            "not-kept",
        ),
        wrong("invoke without brackets", f"{variable} = chatbot.invoke", both, "not-asked"),
        wrong("a dict with the answer", HUMAN + f'{variable} = {{"answer": {ask}}}', kept, "kept-type"),
        wrong("a comma makes it a tuple", HUMAN + f"{variable} = {ask},", kept, "kept-type"),
        wrong("the answer's length", HUMAN + f"{variable} = len({ask})", kept, "kept-type"),
        wrong("a stream that nobody reads", HUMAN + f"{variable} = chatbot.stream({QUESTION})", both, "not-asked"),
        wrong(
            "an answer that nobody waits for", HUMAN + f"{variable} = chatbot.ainvoke({QUESTION})", both, "not-asked"
        ),
        wrong(
            "a stream that is used up",
            HUMAN + f"{variable} = chatbot.stream({QUESTION})\nfor piece in {variable}:\n    print(piece)",
            kept,
            "kept-type",
        ),
        wrong(
            "another prompt",
            HUMAN + TEMPLATES + ANOTHER_PROMPT + f"{variable} = (other_prompt | llm).invoke({QUESTION})",
            asked,
            "asked-otherwise",
        ),
        wrong(
            "asked as the system",
            f'{variable} = chatbot.invoke([("system", «py(task.question)»)])',
            asked,
            "asked-otherwise",
        ),
        wrong(
            "a message without its list",
            HUMAN + f"{variable} = chatbot.invoke(HumanMessage(«py(task.question)»))",
            both,
            "missing-raised",
        ),
        wrong(
            "another model",
            HUMAN + ANOTHER_MODEL + f"{variable} = (prompt | other).invoke({QUESTION})",
            asked,
            "asked-other-model",
        ),
        wrong(
            "another key than the placeholder's",
            HUMAN + f'{variable} = chatbot.invoke({{"question": {QUESTION}}})',
            both,
            "missing-raised",
        ),
        wrong("called like a function", HUMAN + f"{variable} = chatbot({QUESTION})", both, "missing-raised"),
        wrong("a method that is no more", f"{variable} = chatbot.run(«py(task.question)»)", both, "missing-raised"),
        wrong(
            "the message's class is misspelled",
            f"{variable} = chatbot.invoke([HumanMesage(«py(task.question)»)])",
            both,
            "missing-raised",
        ),
    )
    return in_both + in_one[task == "ideal-boat" :: 2]  # the cells are alike: every second mistake in each


WHO = (
    *answered_wrongly("who-are-you", "result"),
    Solution(
        "who-are-you: the answer of the cell before",
        {
            "chain": HUMAN + 'chatbot = prompt | llm\nresult = chatbot.invoke([HumanMessage("Hello!")])',
            "who-are-you": TODO,
        },
        {"who-are-you": ANSWER},
        "not-asked",
        alone=True,
    ),
    Solution(
        "who-are-you: asked in a cell that stands before the one with the chain",
        {"chain": TODO, "ideal-boat": HUMAN + f"chatbot = prompt | llm\nboat = chatbot.invoke({QUESTION})"},
        {"who-are-you": ANSWER, "chain": CHAIN},
        "out-of-order",
        alone=True,
    ),
    Solution(
        "who-are-you: both questions asked, the wrong answer kept",
        {
            "who-are-you": HUMAN
            + f"chatbot.invoke({QUESTION})\n"
            + 'result = chatbot.invoke([HumanMessage(«py(task_of("ideal-boat").question)»)])'
        },
        {"who-are-you": frozenset({"kept"})},
        "kept-other",
        alone=True,
    ),
)

FIRST = '[HumanMessage(«py(task_of("who-are-you").question)»)]'
MEMORY = """\
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.runnables.history import RunnableWithMessageHistory

history = InMemoryChatMessageHistory()
bot = RunnableWithMessageHistory(prompt | llm, lambda session_id: history)
config = {"configurable": {"session_id": "me"}}
"""
BOAT = (
    *answered_wrongly("ideal-boat", "boat"),
    Solution(
        "ideal-boat: the first answer again",
        {"ideal-boat": "boat = result"},
        {"ideal-boat": ANSWER},
        "not-asked",
        alone=True,
    ),
    Solution(
        "ideal-boat: the first question again",
        {"ideal-boat": HUMAN + f"boat = chatbot.invoke({FIRST})"},
        {"ideal-boat": ANSWER},
        "not-asked",
        alone=True,
    ),
    Solution(
        "ideal-boat: kept in result",
        {"ideal-boat": HUMAN + f"result = chatbot.invoke({QUESTION})\nprint(result)"},
        {"ideal-boat": frozenset({"kept"})},
        "missing",
        alone=True,
    ),
    Solution(
        "ideal-boat: both asked, the first answer kept",
        {"ideal-boat": HUMAN + f"chatbot.invoke({QUESTION})\nboat = result"},
        {"ideal-boat": frozenset({"kept"})},
        "kept-again",
        alone=True,
    ),
    Solution(
        "ideal-boat: the first question and answer are sent along",
        {
            "ideal-boat": "from langchain_core.messages import AIMessage, HumanMessage\n\n"
            + 'first = HumanMessage(«py(task_of("who-are-you").question)»)\n'
            + "boat = chatbot.invoke([first, AIMessage(result), HumanMessage(«py(task.question)»)])"
        },
        {"ideal-boat": ANSWER},
        "asked-together",
        alone=True,
    ),
    Solution(
        "ideal-boat: both questions in one message",
        {
            "ideal-boat": HUMAN
            + 'boat = chatbot.invoke([HumanMessage(«py(task_of("who-are-you").question + " " + task.question)»)])'
        },
        {"ideal-boat": ANSWER},
        "asked-together",
        alone=True,
    ),
    Solution(
        "ideal-boat: both questions in one call",
        {
            "ideal-boat": HUMAN
            + 'boat = chatbot.invoke([HumanMessage(«py(task_of("who-are-you").question)»), '
            + "HumanMessage(«py(task.question)»)])"
        },
        {"ideal-boat": ANSWER},
        "asked-together",
        alone=True,
    ),
    Solution(
        "ideal-boat: a memory carries the first question along",
        {
            "who-are-you": HUMAN + MEMORY + f"result = bot.invoke({QUESTION}, config)",
            "ideal-boat": HUMAN + f"boat = bot.invoke({QUESTION}, config)",
        },
        {"ideal-boat": ANSWER},
        "asked-together",
        alone=True,
    ),
    Solution(
        "ideal-boat: the wrong answer of a batch",
        {"ideal-boat": HUMAN + f"boat = chatbot.batch([{FIRST}, {QUESTION}])[0]"},
        {"ideal-boat": frozenset({"kept"})},
        "kept-other",
        alone=True,
    ),
)


def chatbot_wrongly(task: str, size: str) -> tuple[Solution, ...]:
    """What goes wrong in a cell that makes the chatbot with another model and asks it, for small and large."""
    llm = FREE + HUMAN + loaded(settings=LIMIT)
    chain = f"chatbot_{size} = prompt | llm\n"
    ask = f"chatbot_{size}.invoke({QUESTION})"
    asked = f"result_{size} = {ask}\n"
    result = f"result_{size}"

    def wrong(name: str, code: str, loses: frozenset[str], hint: str | None) -> Solution:
        return Solution(f"{task}: {name}", {task: code}, {task: loses}, hint)

    model, text, kept = frozenset({"model"}), frozenset({"text"}), frozenset({"kept"})
    chat = "from langchain_huggingface import ChatHuggingFace\n\n"
    base = FREE + HUMAN + loaded(model="«py(models.base)»", settings=LIMIT)
    other = '«py(models.large if task.role == "instruct" else models.instruct)»'
    unbound = f"ChatHuggingFace(llm=llm.bind(pipeline_kwargs={LIMIT}))"
    return (
        wrong("nothing done", FREE + TODO, CHATBOT, "missing"),
        wrong("the base model", base + chain + asked, model, "base-for-instruct"),
        wrong(
            "the model of the other size",
            FREE + HUMAN + loaded(model=other, settings=LIMIT) + chain + asked,
            model,
            "wrong-model",
        ),
        wrong(
            "a typo in the model's name",
            FREE + HUMAN + loaded(model='«py(task.model + "s")»') + chain + asked,
            CHATBOT,
            "missing-raised",
        ),
        wrong("no prompt", llm + f"chatbot_{size} = llm\n" + asked, text, "text-no-prompt"),
        wrong(
            "another prompt",
            llm + TEMPLATES + ANOTHER_PROMPT + f"chatbot_{size} = other_prompt | llm\n" + asked,
            text,
            "text-no-prompt",
        ),
        wrong("reversed", llm + f"chatbot_{size} = llm | prompt\n" + asked, text | kept, "chain-reversed"),
        wrong(
            "a fixed question",
            llm + f'chatbot_{size} = (lambda _: [HumanMessage("What is your name?")]) | prompt | llm\n' + asked,
            text,
            "text-no-question",
        ),
        Solution(
            f"{task}: the prompt alone",
            {task: llm + f"chatbot_{size} = prompt\n" + asked},
            {task: CHATBOT},
            "no-model-asked",
            alone=True,
        ),
        wrong(
            "a function",
            llm + f"def chatbot_{size}(m):\n    return (prompt | llm).invoke(m)\n\n\n" + asked,
            kept,
            "missing-raised",
        ),
        wrong(
            "the chain has another name",
            llm + f"chatbot = prompt | llm\n{result} = chatbot.invoke({QUESTION})",
            model | text,
            "missing",
        ),
        wrong(
            "the chain is the answer",
            llm + f"{result} = (prompt | llm).invoke({QUESTION})\nchatbot_{size} = {result}",
            model | text,
            "chain-is-answer",
        ),
        wrong("not asked", llm + chain, kept, "missing"),
        wrong("only printed", llm + chain + f"print({ask})", kept, "missing"),
        wrong("written by hand", llm + chain + f'{result} = "I am a chatbot."', kept, "not-asked"),
        Solution(
            f"{task}: asked, and written by hand, which a person must tell",
            {task: llm + chain + f'print({ask})\n{result} = "I am a chatbot."'},
            review=frozenset({task}),
        ),
        wrong(
            "another question",
            llm + chain + f'{result} = chatbot_{size}.invoke([HumanMessage("Can you count to ten?")])',
            kept,
            "not-asked",
        ),
        wrong("the chain is kept", llm + chain + f"{result} = chatbot_{size}", kept, "not-asked"),
        wrong("a list with the answer", llm + chain + f"{result} = [{ask}]", kept, "kept-type"),
        wrong(
            "a text for the list of messages",
            llm + chain + f"{result} = chatbot_{size}.invoke(«py(task.question)»)",
            kept,
            "missing-raised",
        ),
        wrong(
            "the model is asked without the chain",
            llm + chain + f"{result} = llm.invoke(«py(task.question)»)",
            kept,
            "asked-otherwise",
        ),
        wrong(
            "a chat model around community's class",
            f"from langchain_community.llms import HuggingFacePipeline\n{chat}free_models()\n{HUMAN}"
            + loaded(settings=LIMIT)
            + f"chatbot_{size} = prompt | ChatHuggingFace(llm=llm)\n{asked}",
            CHATBOT,
            "chat-wrapper",
        ),
        wrong(
            "a chat model around a bound one",
            f"{PARTNER}{chat}free_models()\n{HUMAN}" + loaded() + f"chatbot_{size} = prompt | {unbound}\n{asked}",
            CHATBOT,
            "chat-wrapper",
        ),
    )


REFERENCE_SMALL = FREE + HUMAN + loaded(settings=LIMIT) + "chatbot_small = prompt | llm\n"
REFERENCE_SMALL += f"result_small = chatbot_small.invoke({QUESTION})"


def left_over(name: str, code: str, loses: frozenset[str], hint: str) -> Solution:
    """A cell of `instruct-large` that uses what the task before it made."""
    cells = {"instruct-small": REFERENCE_SMALL, "instruct-large": code}
    return Solution(f"instruct-large: {name}", cells, {"instruct-large": loses}, hint)


LARGER = (
    *chatbot_wrongly("instruct-small", "small"),
    *chatbot_wrongly("instruct-large", "large"),
    left_over(
        "the small chatbot again",
        HUMAN + f"chatbot_large = chatbot_small\nresult_large = chatbot_large.invoke({QUESTION})",
        CHATBOT,
        "left-over",
    ),
    left_over(
        "chatbot and answer of the task before",
        "chatbot_large = chatbot_small\nresult_large = result_small",
        CHATBOT,
        "left-over",
    ),
    left_over(
        "the small chatbot's answer again",
        FREE + loaded(settings=LIMIT) + "chatbot_large = prompt | llm\nresult_large = result_small",
        frozenset({"kept"}),
        "asked-other-model",
    ),
    left_over(
        "loaded, and the small chatbot asked",
        PACKAGE
        + HUMAN
        + loaded(settings=LIMIT)
        + f"chatbot_large = prompt | llm\nresult_large = chatbot_small.invoke({QUESTION})",
        frozenset({"kept"}),
        "asked-other-model",
    ),
)


def warm(
    number: int,
    name: str,
    loses: frozenset[str],
    hint: str | None,
    given: str = settings(),
    chain: str = "",
    asked: str = "",
    alone: bool = False,
) -> Solution:
    """A mistake with one temperature: in the settings that are bound to `llm`, in the chain, or in the question.

    The model is the one that the first of these tasks loads; code may say N for the number of its task.
    """
    task, load = f"temperature-{number}", FREE + loaded() if number == 1 else ""
    chain = chain or f"chatbot_N = prompt | llm.bind(pipeline_kwargs={given})"
    asked = asked or f"result_N = chatbot_N.invoke({QUESTION})"
    code = f"{load}{HUMAN}{chain}\n{asked}".replace("_N", f"_{number}")
    return Solution(f"{task}: {name}", {task: code}, {task: loses}, hint, alone=alone)


def sampling(extra: str) -> str:
    """Settings with the right temperature, and others that are not."""
    return settings(extra=extra + ", ")


def bound(what: str) -> str:
    return f"llm.bind(pipeline_kwargs={what})"


HEAT, TEXT, KEPT = frozenset({"temperature"}), frozenset({"text"}), frozenset({"kept"})
COMMA = '«py(task.temperature).replace(".", ",")»'
CONFIG = "from transformers import GenerationConfig\n\n"
ASK_FIRST = f"\nchatbot_1 = prompt | {bound(settings())}\nresult_1 = chatbot_1.invoke({QUESTION})"
TEMPERATURES = (
    # The settings
    warm(1, "sampling off", HEAT, "temperature-off", sampling('"do_sample": False')),
    warm(2, "sampling off", HEAT, "temperature-off", sampling('"do_sample": False')),
    warm(3, "beams without sampling", HEAT, "temperature-off", sampling('"do_sample": False, "num_beams": 3')),
    warm(
        1, "top_k leaves one token", HEAT, "sampling-cancelled", sampling('"do_sample": True, "top_k": 1'), alone=True
    ),
    warm(2, "top_k leaves one token", HEAT, "sampling-cancelled", sampling('"do_sample": True, "top_k": 1')),
    warm(3, "top_p leaves one token", HEAT, "sampling-cancelled", sampling('"do_sample": True, "top_p": 0.0')),
    warm(
        1,
        "epsilon leaves one token",
        HEAT,
        "sampling-cancelled",
        sampling('"do_sample": True, "epsilon_cutoff": 0.999'),
        alone=True,
    ),
    warm(
        2,
        "top_p leaves hardly more than one token",
        HEAT,
        "sampling-cancelled",
        sampling('"do_sample": True, "top_p": 0.011'),
    ),
    warm(3, "min_p leaves one token", HEAT, "sampling-cancelled", sampling('"do_sample": True, "min_p": 0.995')),
    warm(
        2, "typical_p leaves one token", HEAT, "sampling-cancelled", sampling('"do_sample": True, "typical_p": 0.0001')
    ),
    warm(
        3,
        "a penalty leaves one token",
        HEAT,
        "sampling-cancelled",
        sampling('"do_sample": True, "repetition_penalty": 0.001'),
    ),
    warm(
        2,
        "beams that have no choice",
        HEAT,
        "sampling-cancelled",
        sampling('"do_sample": True, "num_beams": 2, "top_k": 2'),
    ),
    warm(1, "a little too warm", HEAT, "temperature-other", settings("«py(task.temperature + 0.1)»")),
    warm(3, "as a percentage", HEAT, "temperature-other", settings("«py(task.temperature * 100)»")),
    warm(2, "the temperature before", HEAT, "temperature-other", settings("«py(temperatures[0])»")),
    warm(3, "the temperature before", HEAT, "temperature-other", settings("«py(temperatures[1])»")),
    warm(1, "sampling, and no temperature", HEAT, "temperature-none", '{"do_sample": True}'),
    warm(2, "a limit, and no temperature", HEAT, "temperature-none", LIMIT),
    warm(3, "no settings", HEAT, "temperature-none", chain="chatbot_N = prompt | llm"),
    warm(1, "a text", HEAT | KEPT, "temperature-text", settings('"«task.temperature»"')),
    warm(2, "a text", HEAT | KEPT, "temperature-text", settings('"«task.temperature»"')),
    warm(3, "a text with a decimal comma", HEAT | KEPT, "decimal-comma", settings(f'"{COMMA}"')),
    warm(2, "a decimal comma in the dict", WARM, "decimal-comma", settings(COMMA)),
    warm(3, "a decimal comma makes a tuple", HEAT | KEPT, "decimal-comma", settings(f"({COMMA})")),
    warm(3, "zero", HEAT | KEPT, "temperature-other", settings("0.0")),
    warm(3, "negative", HEAT | KEPT, "temperature-other", settings("«py(-task.temperature)»")),
    # Settings that do not arrive
    warm(
        1,
        "straight to bind",
        HEAT,
        "temperature-ignored",
        chain="chatbot_N = prompt | llm.bind(do_sample=True, temperature=«py(task.temperature)»)",
    ),
    warm(
        2,
        "straight to bind",
        HEAT,
        "temperature-ignored",
        chain="chatbot_N = prompt | llm.bind(do_sample=True, temperature=«py(task.temperature)»)",
    ),
    warm(
        3,
        "bound to the chain",
        HEAT,
        "settings-on-chain",
        chain=f"chatbot_N = (prompt | llm).bind(pipeline_kwargs={settings()})",
    ),
    warm(
        3,
        "given to the call",
        HEAT,
        "temperature-none",
        chain="chatbot_N = prompt | llm",
        asked=f"result_N = chatbot_N.invoke({QUESTION}, temperature=«py(task.temperature)»)",
        alone=True,
    ),
    warm(
        2,
        "given to the call as pipeline_kwargs",
        HEAT,
        "temperature-none",
        chain="chatbot_N = prompt | llm",
        asked=f"result_N = chatbot_N.invoke({QUESTION}, pipeline_kwargs={settings()})",
        alone=True,
    ),
    warm(
        2,
        "bound straight to the chain",
        HEAT,
        "settings-on-chain",
        chain="chatbot_N = (prompt | llm).bind(do_sample=True, temperature=«py(task.temperature)»)",
    ),
    warm(
        3,
        "bind, and the result let go",
        HEAT,
        "temperature-none",
        chain=f"{bound(settings())}\nchatbot_N = prompt | llm",
    ),
    warm(
        2,
        "GenerationConfig made and not used",
        HEAT,
        "temperature-none",
        chain=CONFIG + "config = GenerationConfig(temperature=«py(task.temperature)»)\nchatbot_N = prompt | llm",
    ),
    Solution(
        "temperature-1: beside a ready pipeline, ignored in the partner package",
        {
            "temperature-1": f"{PARTNER}{HUMAN}{READY}"
            + f"llm = HuggingFacePipeline(pipeline=pipe, pipeline_kwargs={settings()})\n"
            + f"chatbot_1 = prompt | llm\nresult_1 = chatbot_1.invoke({QUESTION})"
        },
        {"temperature-1": HEAT},
        "temperature-ignored",
    ),
    warm(
        2,
        "refused by from_model_id",
        WARM,
        "setting-refused",
        chain=PACKAGE
        + loaded("warm_llm").replace("device=0,", "device=0,\n    temperature=«py(task.temperature)»,")
        + "chatbot_N = prompt | warm_llm",
    ),
    # The model and the chain
    Solution(
        "temperature-1: the base model, for all of them",
        {"temperature-1": FREE + HUMAN + loaded(model="«py(models.base)»") + ASK_FIRST},
        {"temperature-1": frozenset({"model"})},
        "base-for-instruct",
        alone=True,
    ),
    Solution(
        "temperature-1: the small model, for all of them",
        {"temperature-1": FREE + HUMAN + loaded(model="«py(models.instruct)»") + ASK_FIRST},
        {"temperature-1": frozenset({"model"})},
        "wrong-model",
        alone=True,
    ),
    Solution(
        "temperature-1: top_k leaves one token, in the model of all of them",
        {"temperature-1": FREE + HUMAN + loaded(settings='{"top_k": 1}') + ASK_FIRST},
        {"temperature-1": HEAT},
        "sampling-cancelled",
        alone=True,
    ),
    warm(
        2,
        "a model of its own, the base model",
        frozenset({"model"}),
        "base-for-instruct",
        chain=PACKAGE + loaded("own", "«py(models.base)»", settings=settings()) + "chatbot_N = prompt | own",
    ),
    warm(1, "no prompt", TEXT, "text-no-prompt", chain=f"chatbot_N = {bound(settings())}"),
    warm(2, "no prompt", TEXT, "text-no-prompt", chain=f"chatbot_N = {bound(settings())}"),
    warm(
        3,
        "another prompt",
        TEXT,
        "text-no-prompt",
        chain=f"{TEMPLATES}{ANOTHER_PROMPT}chatbot_N = other_prompt | {bound(settings())}",
    ),
    warm(2, "reversed", TEXT | KEPT, "chain-reversed", chain=f"chatbot_N = {bound(settings())} | prompt"),
    warm(
        3,
        "a function",
        KEPT,
        "missing-raised",
        chain=f"def chatbot_N(messages):\n    return (prompt | {bound(settings())}).invoke(messages)\n\n",
    ),
    warm(2, "the chain before", WARM, "left-over", chain="chatbot_N = chatbot_1"),
    warm(3, "the chain before", WARM, "left-over", chain="chatbot_N = chatbot_2"),
    Solution("temperature-2: nothing done", {"temperature-2": TODO}, {"temperature-2": WARM}, "missing"),
    Solution("temperature-3: nothing done", {"temperature-3": TODO}, {"temperature-3": WARM}, "missing"),
    warm(
        2,
        "the names lack their underscore",
        WARM,
        "missing",
        chain=f"chatbot2 = prompt | {bound(settings())}",
        asked=f"result2 = chatbot2.invoke({QUESTION})",
    ),
    warm(
        1,
        "a variable that does not exist",
        WARM,
        "missing-raised",
        chain=f"chatbot_N = prompt | model.bind(pipeline_kwargs={settings()})",
    ),
    # The answer
    warm(1, "not asked", KEPT, "missing", asked=TODO),
    warm(3, "only printed", KEPT, "missing", asked=f"print(chatbot_N.invoke({QUESTION}))"),
    warm(3, "another question", KEPT, "not-asked", asked='result_N = chatbot_N.invoke([HumanMessage("Really?")])'),
    warm(3, "a text for a list", KEPT, "missing-raised", asked="result_N = chatbot_N.invoke(«py(task.question)»)"),
    warm(2, "the answer before", KEPT, "temperature-asked", asked="result_N = result_1"),
    warm(
        2,
        "asked, and the answer before kept",
        KEPT,
        "kept-again",
        asked=f"print(chatbot_N.invoke({QUESTION}))\nresult_N = result_1",
    ),
    warm(
        2,
        "the chain before is asked",
        KEPT,
        "temperature-asked",
        asked=f"result_N = chatbot_1.invoke({QUESTION})",
    ),
    warm(
        2,
        "kept in the variable before",
        KEPT,
        "missing",
        asked=f"result_1 = chatbot_N.invoke({QUESTION})",
    ),
)

WRONG: tuple[Solution, ...] = (
    *HOME,
    *ASK_BASE,
    *LOAD_MODEL,
    *LIMIT_OUTPUT,
    *ARGUMENTS,
    *PROMPTS,
    *CHAINS,
    *LATER_PROMPTS,
    *WHO,
    *BOAT,
    *LARGER,
    *TEMPERATURES,
)
