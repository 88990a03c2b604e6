"""A notebook written for one GPU runs on a machine without one, and what it asked for is known.

The cases run in two fresh processes (torch alone; models too), each an expression or a few lines.
"""

# ruff: noqa: E501 (the cases are code in strings)

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fresh_process import Ran, run_cases

MODEL = "meta-llama/Llama-3.2-1B"
GB = 1024**3

NAMES = "import sys\nfrom autograder.kernel.virtual_gpu import device_asked_for, is_on, switch_on\n"


def same(ran: Ran, claim: str, expected: object) -> None:
    assert ran.value(claim) == json.loads(json.dumps(expected))


# --- torch ---

TORCH_SETUP = f"""{NAMES}
switch_on()
assert "torch" not in sys.modules and "transformers" not in sys.modules
assert not is_on()
switch_on()
import threading
import torch
from torch import nn
"""

TORCH = {
    "the GPU is there from the import of torch on": ("is_on()", True),
    "CUDA has one device": (
        "c = torch.cuda\n[c.is_available(), c.device_count(), c.current_device(), c.init(), c.is_initialized()]",
        [True, 1, 0, None, True],
    ),
    "device 0 can be set": ("torch.cuda.set_device(0), torch.cuda.set_device('cuda:0')", [None, None]),
    "device 0 can be entered": ("with torch.cuda.device(0):\n    x = torch.ones(2, device='cuda')\nx.tolist()", [1, 1]),
    "it is like the course's": (
        "c = torch.cuda\np = c.get_device_properties('cuda')\n"
        "[c.get_device_name(0), p.total_memory, p.major, p.minor, p.multi_processor_count]",
        ["Virtual GPU (runs on the CPU)", 20 * GB, 8, 0, 28],
    ),
    "it can what a new GPU can": (
        "[torch.cuda.get_device_capability(), torch.cuda.is_bf16_supported(), torch.cuda.get_arch_list()]",
        [[8, 0], True, []],
    ),
    "its memory is free": ("torch.cuda.mem_get_info()", [20 * GB, 20 * GB]),
    "memory can be asked for and reset": (
        "c = torch.cuda\n"
        "[c.reset_peak_memory_stats(), c.empty_cache(), c.synchronize(), c.ipc_collect(), c.memory_allocated(),"
        " c.memory_reserved(), c.max_memory_allocated(), c.max_memory_reserved()]",
        [None, None, None, None, 0, 0, 0, 0],
    ),
    "accumulated statistics can be reset": (
        "[torch.cuda.reset_accumulated_memory_stats(), torch.accelerator.reset_accumulated_memory_stats()]",
        [None, None],
    ),
    "there is a memory summary": ("'Allocated memory' in torch.cuda.memory_summary()", True),
    "a seed for the GPU repeats what is drawn there": (
        "draw = lambda: torch.rand(3, device='cuda').tolist()\n"
        "torch.cuda.manual_seed(1); a = draw()\ntorch.cuda.manual_seed_all(1)\na == draw()",
        True,
    ),
    "the state of its generator can be kept": (
        "s = torch.cuda.get_rng_state()\na = torch.rand(1, device='cuda')\ntorch.cuda.set_rng_state(s)\n"
        "bool(a == torch.rand(1, device='cuda'))",
        True,
    ),
    "the accelerator is CUDA": (
        "a = torch.accelerator\n"
        "[a.is_available(), a.device_count(), a.current_accelerator(True), a.current_device_index()]",
        [True, 1, "cuda", 0],
    ),
    "the accelerator does as it is told": (
        "a = torch.accelerator\n[a.synchronize(), a.set_device_index(0), a.empty_cache(), a.reset_peak_memory_stats()]",
        [None] * 4,
    ),
    "the accelerator tells its memory": (
        "a = torch.accelerator\n[a.get_memory_info()[1], a.memory_allocated(), a.memory_reserved()]",
        [20 * GB, 0, 0],
    ),
    "the accelerator's device 0 can be entered": ("with torch.accelerator.device_index(0):\n    x = 1\nx", 1),
    "factories take a name, an ordinal and a device": (
        "[f(device=d).sum().item() for d in ('cuda', 'cuda:0', 0, torch.device('cuda'), torch.device('cuda', 0))"
        " for f in (lambda device: torch.tensor([1., 2.], device=device), lambda device: torch.ones(3, device=device),"
        " lambda device: torch.full((3,), 1., device=device), lambda device: torch.arange(3, device=device),"
        " lambda device: torch.as_tensor([3], device=device), lambda device: torch.eye(3, device=device))]",
        [3.0, 3.0, 3.0, 3, 3, 3.0] * 5,
    ),
    "factories without given values make the shape": (
        "[list(f(2, 3, device='cuda').shape) for f in (torch.zeros, torch.empty, torch.randn, torch.rand)]",
        [[2, 3]] * 4,
    ),
    "tensors are made like others on the GPU": (
        "x = torch.ones(2)\n"
        "[torch.zeros_like(x, device='cuda').tolist(), x.new_ones(1, device='cuda').tolist(),"
        " x.new_tensor([4.], device='cuda').tolist(), torch.tril_indices(2, 2, device='cuda').shape[1]]",
        [[0, 0], [1], [4], 3],
    ),
    "tensors move": (
        "x = torch.ones(1)\n"
        "[y.item() for y in (x.to('cuda'), x.to(0), x.to(torch.device('cuda')), x.cuda(), x.cuda(0), x.to(device='cuda'),"
        " x.to('cuda', torch.bfloat16), x.to('cuda', non_blocking=True), x.to('cuda').cpu(), x.to('cpu'), x.to(x))]",
        [1.0] * 11,
    ),
    "a move with another type changes the type": (
        "str(torch.ones(1).to('cuda', torch.bfloat16).dtype)",
        "torch.bfloat16",
    ),
    "gradients pass through a move": (
        "x = torch.ones(2, requires_grad=True)\n(x.to('cuda') * 3).sum().backward()\nx.grad.tolist()",
        [3, 3],
    ),
    "layers are made on the GPU": ("nn.Linear(2, 3, device='cuda')(torch.ones(1, 2, device='cuda')).shape[1]", 3),
    "layers move and compute": (
        "[list(m(torch.ones(1, 2, device='cuda')).shape) for m in (nn.Linear(2, 3).to('cuda'), nn.Linear(2, 3).cuda(),"
        " nn.Linear(2, 3).to(0), nn.Linear(2, 3).cuda(0), nn.Linear(2, 3).to(device='cuda'))]",
        [[1, 3]] * 5,
    ),
    "a generator can be on the GPU": (
        "g = torch.Generator(device='cuda').manual_seed(3)\nh = torch.Generator('cuda').manual_seed(3)\n"
        "bool(torch.rand(1, generator=g, device='cuda') == torch.rand(1, generator=h, device='cuda'))",
        True,
    ),
    "every generator is a torch.Generator": (
        "[isinstance(g, torch.Generator) for g in (torch.default_generator, torch.Generator(), torch.Generator('cuda'), 1)]",
        [True, True, True, False],
    ),
    "the default device can be the GPU": (
        "torch.set_default_device('cuda')\nd = torch.get_default_device()\n"
        "x = [torch.ones(2).sum().item(), torch.tensor([1]).item(), nn.Linear(2, 2)(torch.ones(1, 2)).shape[1]]\n"
        "torch.set_default_device(None)\n[d, x, torch.get_default_device()]",
        ["cuda:0", [2.0, 1, 2], "cpu"],
    ),
    "the GPU can be the device of a block": (
        "with torch.device('cuda'):\n    x = torch.tensor([1.]) + torch.ones(1)\nx.item()",
        2.0,
    ),
    "another default device still works": (
        "torch.set_default_device('meta')\nd = torch.zeros(2).device\ntorch.set_default_device(None)\nd",
        "meta",
    ),
    "autocast to the GPU runs": (
        "with torch.autocast('cuda'):\n    x = torch.ones(2, 2) @ torch.ones(2, 2)\nx[0, 0].item()",
        2.0,
    ),
    "torch.jit still knows the factories": (
        "[name for name in ('zeros', 'tensor', 'arange', 'full')"
        " if torch.jit._builtins._find_builtin(getattr(torch, name)) != 'aten::' + name]",
        [],
    ),
    "torch._dynamo can be imported": (
        "import torch._dynamo.device_interface as d\nd.__name__",
        "torch._dynamo.device_interface",
    ),
    "other threads see the same GPU": (
        "seen = []\n"
        "def work(): seen.append([torch.cuda.is_available(), torch.zeros(1, device='cuda').item(),"
        " torch.tensor([1], device='cuda').item(), torch.ones(1).to('cuda').item()])\n"
        "t = threading.Thread(target=work); t.start(); t.join()\nseen",
        [[True, 0.0, 1, 1.0]],
    ),
    "a layer on the GPU takes memory, and gives it back": (
        "used = torch.cuda.memory_allocated\n"
        "m = nn.Linear(1000, 1000, bias=False).to('cuda')\na = used(), torch.cuda.mem_get_info()[0], len(torch.cuda.memory_summary()) > 0\n"
        "m.to(torch.bfloat16); b = used()\nm.cpu(); c = used()\nm.cuda(); del m\n[a, b, c, used(), torch.cuda.max_memory_allocated()]",
        [[4_000_000, 20 * GB - 4_000_000, True], 2_000_000, 0, 0, 4_000_000],
    ),
    "nothing else is a model or a pipeline": (
        "[device_asked_for(x) for x in (None, 'cuda', nn.Linear(1, 1), torch.ones(1))]",
        [None] * 4,
    ),
}

ORDINAL = "AcceleratorError: CUDA error: invalid device ordinal"
SECOND_GPU = {
    "a tensor": "torch.ones(1).to('cuda:1')",
    "a tensor by .cuda": "torch.ones(1).cuda(1)",
    "a factory": "torch.zeros(1, device='cuda:1')",
    "a factory with an ordinal": "torch.zeros(1, device=1)",
    "a tensor like another": "torch.zeros_like(torch.ones(1), device='cuda:1')",
    "a layer": "nn.Linear(1, 1).to('cuda:1')",
    "a layer by .cuda": "nn.Linear(1, 1).cuda(1)",
    "set_device": "torch.cuda.set_device(1)",
    "a block": "with torch.cuda.device(1):\n    pass\n1",
}


@pytest.fixture(scope="module")
def with_torch() -> Ran:
    cases = {claim: code for claim, (code, _) in TORCH.items()} | SECOND_GPU
    return run_cases(TORCH_SETUP, cases, CUDA_VISIBLE_DEVICES="")


@pytest.mark.parametrize("claim", TORCH)
def test_torch_finds_one_gpu_and_writes_nothing_to_stderr(with_torch: Ran, claim: str) -> None:
    same(with_torch, claim, TORCH[claim][1])
    assert with_torch.results[claim]["stderr"] == ""


@pytest.mark.parametrize("claim", SECOND_GPU)
def test_a_second_gpu_is_refused(with_torch: Ran, claim: str) -> None:
    assert with_torch.results[claim]["error"].startswith(ORDINAL)


# --- models ---

MODEL_SETUP = f"""{NAMES}
switch_on()
import asyncio
import threading
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer
from langchain_community.llms import HuggingFacePipeline as Community
from langchain_huggingface import HuggingFacePipeline as Partner
NAME = {MODEL!r}
GREEDY = {{"do_sample": False, "max_new_tokens": 4}}
def llm(kind, **settings):
    return kind.from_model_id(NAME, "text-generation", pipeline_kwargs=dict(GREEDY), **settings)
def pipe(model=NAME, **settings):
    tokenizer = None if model is NAME else AutoTokenizer.from_pretrained(NAME)
    return transformers.pipeline("text-generation", model=model, tokenizer=tokenizer, **GREEDY, **settings)
def load(**settings):
    return AutoModelForCausalLM.from_pretrained(NAME, **settings)
def says(p):
    return p("Hello", return_full_text=False)[0]["generated_text"]
TEXT = says(pipe(device=-1))
def used(chain):
    text = chain.invoke("Hello").removeprefix("Hello")
    more = [t.removeprefix("Hello") for t in chain.batch(["Hello", "Hello"])]
    streamed = "".join(chain.stream("Hello", pipeline_kwargs=dict(GREEDY))).removeprefix("Hello")
    later = asyncio.run(chain.ainvoke("Hello")).removeprefix("Hello")
    assert (text, *more, later) == (TEXT,) * 4, (text, more, later, TEXT)
    assert streamed, "an empty stream"
    return device_asked_for(chain.pipeline)
def runs(p):
    assert says(p) == TEXT
    return device_asked_for(p)
def on(model):
    ids = AutoTokenizer.from_pretrained(NAME)("Hello", return_tensors="pt").to(model.device)
    assert model.generate(**ids, **GREEDY).shape[1] > 4
    return device_asked_for(model)
"""

# (how the pipeline is made, where it would be on a machine with one GPU). The community package's own default is
# device=-1, the partner's None, which transformers takes for the first GPU. With `device_map`, the community package
# gives transformers no device, and the partner's pipeline is given none; so "cpu" ends on the GPU too.
DEVICES = ("0", '"cuda"', '"cuda:0"', 'torch.device("cuda")', 'torch.device("cuda", 0)')
CUDA_MAPS = ('"auto"', '"cuda"', '"cuda:0"', '{"": 0}')
LANGCHAIN = {
    "llm(Community)": "cpu",
    "llm(Community, device=-1)": "cpu",
    "llm(Community, device=0)": "cuda:0",
    "llm(Community, device=None)": "cuda:0",
    "llm(Community, device=0 if torch.cuda.is_available() else -1)": "cuda:0",
    'llm(Community, device_map="cpu")': "cuda:0",
    'llm(Community, model_kwargs={"device_map": "cpu"})': "cpu",
    'llm(Community, device=0, model_kwargs={"device_map": "cpu"})': "cuda:0",
    "llm(Partner)": "cuda:0",
    "llm(Partner, device=-1)": "cpu",
    "llm(Partner, device=0)": "cuda:0",
    "llm(Partner, device=None)": "cuda:0",
    "llm(Partner, device=0 if torch.cuda.is_available() else -1)": "cuda:0",
    'llm(Partner, device_map="cpu")': "cuda:0",
    'llm(Partner, model_kwargs={"device_map": "cpu"}, device=-1)': "cpu",
    "Community(pipeline=pipe(device=0))": "cuda:0",
    "Partner(pipeline=pipe(device=-1))": "cpu",
} | {
    made: "cuda:0"
    for device_map in CUDA_MAPS
    for made in (
        f"llm(Community, device_map={device_map})",
        f'llm(Community, model_kwargs={{"device_map": {device_map}}})',
        f"llm(Partner, device_map={device_map})",
        f'llm(Partner, model_kwargs={{"device_map": {device_map}}})',
    )
}

PIPELINES = {
    "pipe()": "cuda:0",
    **{f"pipe(device={device})": "cuda:0" for device in DEVICES},
    "pipe(device=-1)": "cpu",
    'pipe(device="cpu")': "cpu",
    'pipe(device_map="auto")': "cuda:0",
    'pipe(device_map="cuda")': "cuda:0",
    'pipe(device_map={"": 0})': "cuda:0",
    'pipe(device_map="cpu")': "cuda:0",
    'pipe(model_kwargs={"device_map": "auto"})': "cuda:0",
    "pipe(load())": "cuda:0",
    "pipe(load(), device=-1)": "cpu",
    'pipe(load(device_map="auto"))': "cuda:0",
    'pipe(load(device_map="auto"), device=-1)': "cuda:0",
    'pipe(load().to("cuda"), device=-1)': "cuda:0",
    'pipe(load(device_map="cuda"), device="cpu")': "cpu",
}

MODELS = {
    "load()": "cpu",
    'load(device_map="cpu")': "cpu",
    **{f"load(device_map={device})": "cuda:0" for device in (*DEVICES, *CUDA_MAPS, '{"": "cuda:0"}')},
    **{f"load().to({device})": "cuda:0" for device in DEVICES},
    "load().cuda()": "cuda:0",
    'load().to("cuda:0", torch.bfloat16)': "cuda:0",
    'load().to(device="cuda")': "cuda:0",
    'load().to("cuda").to("cpu")': "cpu",
    'load().to("cuda").cpu()': "cpu",
    'load(device_map="auto").to("cpu")': "cpu",
    'load().to("cuda").to(torch.bfloat16)': "cuda:0",
    'load().to("cuda").half().float()': "cuda:0",
    'load().to("cpu").to("cuda")': "cuda:0",
    "load().to(torch.accelerator.current_accelerator())": "cuda:0",
}

PLACES = {
    f"{way}({made})": (f"{way}({made})", at)
    for way, table in {"used": LANGCHAIN, "runs": PIPELINES, "on": MODELS}.items()
    for made, at in table.items()
}

MODEL_CASES = {
    "a default device is where a model is loaded": (
        "torch.set_default_device('cuda')\nm = load()\ntorch.set_default_device(None)\ndevice_asked_for(m)",
        "cuda:0",
    ),
    "the device of a block is where a model is loaded": (
        "with torch.device('cuda'):\n    m = load()\ndevice_asked_for(m)",
        "cuda:0",
    ),
    "a part of a model is where the model is": ("device_asked_for(load(device_map='auto').model)", "cuda:0"),
    "model and pipeline say so themselves": (
        "p = pipe()\n[p.device, p.model.device, load().device]",
        ["cuda:0", "cuda:0", "cpu"],
    ),
    "a pipeline on the CPU takes its model off the GPU": (
        "m = load().to('cuda')\np = pipe(m, device='cpu')\n[device_asked_for(p), device_asked_for(m)]",
        ["cpu", "cpu"],
    ),
    "a spread model keeps its map, and runs": (
        "m = load(device_map={'model': 0, 'lm_head': 'cpu'})\n[m.hf_device_map, on(m), runs(pipe(m))]",
        [{"model": 0, "lm_head": "cpu"}, "cuda:0", "cuda:0"],
    ),
    "a model loaded onto the GPU takes its weights' bytes": (
        "import gc; gc.collect()\nbefore = torch.cuda.memory_allocated()\nm = load(device_map='cuda')\n"
        "torch.cuda.memory_allocated() - before == m.get_memory_footprint()",
        True,
    ),
    "a static cache compiles nothing": (
        "m = load(device_map='cuda')\n"
        "ids = AutoTokenizer.from_pretrained(NAME)('Hello', return_tensors='pt').to('cuda')\n"
        "m.generate(**ids, **GREEDY, cache_implementation='static').shape[1] > 4",
        True,
    ),
    "a pipeline runs in another thread": (
        "p = pipe(device='cuda')\nseen = []\nt = threading.Thread(target=lambda: seen.append(says(p) == TEXT))\n"
        "t.start(); t.join()\nseen",
        [True],
    ),
    "tokens move to the GPU": (
        "AutoTokenizer.from_pretrained(NAME)('Hi', return_tensors='pt').to('cuda').to(0)['input_ids'].shape[0]",
        1,
    ),
    "both packages refuse a second GPU": (
        "said = []\nfor package in (Community, Partner):\n    try:\n        llm(package, device=1)\n"
        "    except ValueError as error:\n        said.append(str(error))\nsaid",
        ["Got device==1, device is required to be within [-1, 1)"] * 2,
    ),
}
FOUND = PLACES | MODEL_CASES
MODEL_SECOND_GPU = {
    "a pipeline": "pipe(device=1)",
    "a model's map": "load(device_map='cuda:1')",
    "a model's map by ordinal": "load(device_map={'': 1})",
    "a model": "load().to('cuda:1')",
}

# What a machine with a real GPU prints as well.
REAL = (
    "Loading weights",  # a progress bar
    "LangChainDeprecationWarning",
    "available. Provide device={deviceId}",
    "sequentially on GPU",
    "Both `device` and `device_map` are specified",
)


@pytest.fixture(scope="module")
def with_models(tiny_home: Path) -> Ran:
    cases = {claim: code for claim, (code, _) in FOUND.items()} | MODEL_SECOND_GPU
    return run_cases(MODEL_SETUP, cases, HF_HOME=str(tiny_home), HF_HUB_OFFLINE="1")


@pytest.mark.parametrize("claim", FOUND)
def test_models_find_one_gpu_and_write_to_stderr_what_they_would_beside_a_real_one(
    with_models: Ran, claim: str
) -> None:
    same(with_models, claim, FOUND[claim][1])
    lines = with_models.results[claim]["stderr"].replace("\r", "\n").splitlines()
    assert [line for line in lines if line.strip() and not any(known in line for known in REAL)] == []


@pytest.mark.parametrize("claim", MODEL_SECOND_GPU)
def test_a_second_gpu_is_refused_for_models(with_models: Ran, claim: str) -> None:
    assert "invalid device ordinal" in with_models.results[claim]["error"]


# --- Off ---


def test_without_switch_on_a_pipeline_is_where_it_says(tiny_home: Path) -> None:
    setup = MODEL_SETUP.replace("\nswitch_on()\n", "\n", 1)
    cases = {code: code for code in ("is_on()", "runs(pipe())", "on(load())", "torch.cuda.is_available()")}
    ran = run_cases(setup, cases, HF_HOME=str(tiny_home), HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="")
    assert [ran.value(code) for code in cases] == [False, "cpu", "cpu", False]


@pytest.mark.parametrize(
    ("begin", "case", "value"),
    [
        # a stand-in for a machine with a GPU: torch says so before the hook is run
        (
            "torch.cuda.is_available = lambda: True\nto = torch.Tensor.to",
            "[is_on(), torch.Tensor.to is to]",
            [False, True],
        ),
        ("", "[is_on(), torch.cuda.device_count()]", [True, 1]),
    ],
    ids=["beside a real GPU nothing is changed", "where torch has been imported before, it is changed at once"],
)
def test_torch_that_is_there_already(begin: str, case: str, value: list[object]) -> None:
    assert run_cases(f"{NAMES}import torch\n{begin}\nswitch_on()", {"case": case}).value("case") == value


def test_a_patch_that_fails_is_told_in_the_log_and_leaves_torch_as_it_was() -> None:
    setup = NAMES + (
        "import logging\nimport torch\nimport torch.jit._builtins as b\nfind, b._find_builtin = b._find_builtin, None\n"
        "told = []\nlogging.Logger.handle = lambda self, record: told.append(record.exc_info[0].__name__)\n"
        "before = torch.Tensor.to, torch.zeros, torch.cuda._initialized\nswitch_on()"
    )
    case = (
        "[is_on(), torch.cuda.is_available(), before == (torch.Tensor.to, torch.zeros, torch.cuda._initialized),"
        " told, torch.ones(1).to('cpu').item()]"
    )
    assert run_cases(setup, {"case": case}).value("case") == [False, False, True, ["TypeError"], 1.0]
