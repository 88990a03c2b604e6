"""In a grading kernel models have no weights, and everything that a student does with them goes as if they had.

The cases are pieces of code, each run in two fresh processes: one whose models are thin and ask a real model host, and one
that loads them. What a case says, or raises, must be the same. To add a case, add a line to a table.
"""

# ruff: noqa: E501 (the cases are code in strings)

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fresh_process import Ran, run_cases
from test_virtual_gpu import LANGCHAIN, MODELS, PIPELINES

from autograder.facts.transcript import Request, Transcript
from autograder.host.control import Host
from autograder.protocol.wire import Open

BEGIN = """
import sys
from autograder.kernel import virtual_gpu
from autograder.kernel.recorder import Recorder
from autograder.kernel.upstream_transformers import redirect_model_home
from autograder.protocol.chat_template import freeze_today
freeze_today()
virtual_gpu.switch_on(hide_real=True)
redirect_model_home({home!r})
recorder = Recorder()
visit = {visit!r}
if visit:
    from autograder.kernel.remote_generation import HostGeneration
    recorder.without_weights(HostGeneration(visit[0]), visit[1])
recorder.start()
"""

VALIDATE = """
import sys
from pathlib import Path
from autograder.kernel.selfcheck import Session
session = Session(dict(), Path("."))
session.begin()
recorder = session.recorder
"""

SETUP = """
import functools, tempfile, threading
import torch, transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, StoppingCriteria, StoppingCriteriaList
from transformers import LogitsProcessorList, MinLengthLogitsProcessor, TextIteratorStreamer
from langchain_community.llms import HuggingFacePipeline as Community
from langchain_huggingface import ChatHuggingFace, HuggingFacePipeline as Partner
from autograder.kernel.virtual_gpu import device_asked_for

BASE, CHAT, GEMMA, LARGE = "meta-llama/Llama-3.2-1B", "meta-llama/Llama-3.2-1B-Instruct", "google/gemma-3-1b-it", "google/gemma-3-4b-it"
GREEDY = {"do_sample": False, "max_new_tokens": 6}

def load(name=BASE, **settings):
    return AutoModelForCausalLM.from_pretrained(name, **settings)

model = functools.cache(load)

@functools.cache
def tokenizer(name=BASE):
    found = AutoTokenizer.from_pretrained(name, padding_side="left")
    found.pad_token = found.pad_token or found.eos_token
    return found

def tokens(name, *texts):
    return tokenizer(name)(list(texts or ["Who are you?"]), return_tensors="pt", padding=True)

def generate(name, *texts, seed=None, **settings):
    inputs = tokens(name, *texts)
    if seed is not None:
        torch.manual_seed(seed)
    return model(name).generate(**inputs, **{"max_new_tokens": 6, **settings}).tolist()

def llm(kind=Community, name=BASE, **settings):
    return kind.from_model_id(name, "text-generation", pipeline_kwargs=dict(GREEDY), **settings)

def pipe(model=BASE, **settings):
    given = None if isinstance(model, str) else tokenizer()
    return transformers.pipeline("text-generation", model=model, tokenizer=given, **settings)

def thin(m):
    return all(weight.is_meta for weight in m.parameters())

class Ends(StoppingCriteria):
    def __init__(self, length):
        self.length = length
    def __call__(self, ids, scores, **kwargs):
        return torch.full((ids.shape[0],), ids.shape[1] >= self.length, dtype=torch.bool)
"""

# --- The same as with weights ---

SETTINGS = {
    "greedy": "do_sample=False",
    "as the model's own settings say": "seed=3",
    "sampled": "do_sample=True, temperature=0.9, seed=1",
    "sampled with another seed": "do_sample=True, temperature=0.9, seed=2",
    "beams": "num_beams=3, do_sample=False",
    "sampled beams": "num_beams=2, do_sample=True, seed=4",
    "several beams": "num_beams=3, num_return_sequences=2, do_sample=False",
    "several sequences": "num_return_sequences=3, do_sample=True, seed=5",
    "a penalty": "repetition_penalty=1.5, no_repeat_ngram_size=2, do_sample=False",
    "words that must not come": "bad_words_ids=[[70], [80]], suppress_tokens=[71], do_sample=False",
    "a length": "max_new_tokens=None, max_length=60, do_sample=False",
    "a least length": "min_new_tokens=6, do_sample=False",
    "a top_p above one": "top_p=1.5, do_sample=True, seed=12",
    "another end": "eos_token_id=[75, 76, 77, 78, 79, 80, 81], do_sample=False",
    "stop strings": "stop_strings=['e', 'a', 'o'], tokenizer=tokenizer({name}), do_sample=False, max_new_tokens=20",
    "a stop string": "stop_strings='t', tokenizer=tokenizer({name}), seed=8, max_new_tokens=20",
    "a configuration": "generation_config=GenerationConfig(do_sample=False, max_new_tokens=4)",
    "a configuration and more": "generation_config=GenerationConfig(do_sample=True, max_new_tokens=4), temperature=2.0, seed=6",
    "no cache": "use_cache=False, do_sample=False",
    "a cache of its own kind": "cache_implementation='static', do_sample=False",
}
ASKED = {"one text": "'Who are you?'", "a batch with padding": "'Hi', 'What is the weather in the north?', 'No'"}

SAME = {
    f"{name}, {asked}: {setting}": f"generate({name}, {ASKED[asked]}, {SETTINGS[setting].replace('{name}', name)})"
    for name, asked, settings in (
        ("BASE", "one text", list(SETTINGS)),
        ("BASE", "a batch with padding", ["greedy", "sampled", "beams"]),
        ("GEMMA", "one text", ["greedy", "sampled", "beams"]),
        ("GEMMA", "a batch with padding", list(SETTINGS)),
    )
    for setting in settings
}
SAME |= {f"{name} too": f"generate({name}, do_sample=True, seed=9)" for name in ("CHAT", "LARGE")}
SAME |= {
    f"{kind}, {way}": code.replace("KIND", kind)
    for kind in ("Community", "Partner")
    for way, code in {
        "invoke": "llm(KIND).invoke('Who are you?')",
        "batch": "llm(KIND).batch(['Hi', 'What is it?', 'And now?'])",
        "batches of two": "llm(KIND, batch_size=2, model_kwargs=None).batch(['Hi', 'What', 'Now'])",
        "stream": "''.join(llm(KIND).stream('Who are you?', pipeline_kwargs=dict(GREEDY)))",
        "bind": "llm(KIND).bind(pipeline_kwargs={'max_new_tokens': 3, 'do_sample': False}).invoke('Who?')",
        "bind beams": "llm(KIND).bind(pipeline_kwargs={'max_new_tokens': 5, 'num_beams': 3, 'do_sample': False}).invoke('Who?')",
        "a stop word": "llm(KIND).invoke('Who are you?', stop=['e'])",
        "from a pipeline": "KIND(pipeline=pipe(max_new_tokens=4, do_sample=False)).invoke('Who?')",
        "on the GPU": "llm(KIND, device=0).invoke('Who?')",
    }.items()
}
SAME |= {
    "ChatHuggingFace": "ChatHuggingFace(llm=llm(Partner, CHAT)).invoke('Hello').content",
    "ChatHuggingFace with a system message": "ChatHuggingFace(llm=llm(Partner, GEMMA)).invoke([('system', 'Be brief.'), ('human', 'Hello')]).content",
    "a pipeline": "pipe()('Who?', **GREEDY)",
    "a pipeline with a chat": "pipe(CHAT)([{'role': 'user', 'content': 'Hello'}], **GREEDY)",
    "a pipeline with several sequences": "p = pipe()\ntorch.manual_seed(2)\np('Who?', num_return_sequences=2, max_new_tokens=5)",
    "a pipeline with a batch": "pipe()(['Hi', 'What is it?'], **GREEDY)",
    "a pipeline of a large model": "pipe(LARGE)('Who?', **GREEDY)",
    "tokens by keyword": "model(BASE).generate(input_ids=tokens(BASE)['input_ids'], **GREEDY).tolist()",
    "tokens alone": "model(BASE).generate(tokens(BASE)['input_ids'], **GREEDY).tolist()",
    "padding without a mask": "model(GEMMA).generate(tokens(GEMMA, 'Hi', 'What is it?')['input_ids'], **GREEDY).tolist()",
    "a mask of truth values": "i = tokens(BASE, 'Hi', 'What is it?')\nmodel(BASE).generate(i['input_ids'], attention_mask=i['attention_mask'].bool(), **GREEDY).tolist()",
    "no tokens": "load().generate(**GREEDY).tolist()",
    "more rows than go to the host at a time": "load().generate(**tokens(BASE, *['Hi'] * 70), do_sample=False, max_new_tokens=2).tolist()",
    "a dict comes back": "o = model(BASE).generate(**tokens(BASE), return_dict_in_generate=True, **GREEDY)\n[type(o).__name__, o.sequences.tolist()]",
    "a stopping criterion": "generate(BASE, stopping_criteria=[Ends(16)], do_sample=False)",
    "a stopping criterion for a batch": "generate(GEMMA, 'Hi', 'What is it?', stopping_criteria=StoppingCriteriaList([Ends(15)]), do_sample=False)",
    "a stopping criterion with beams": "load().generate(**tokens(BASE), stopping_criteria=[Ends(16)], num_beams=2, **GREEDY).tolist()",
    "a streamer": "s = TextIteratorStreamer(tokenizer(BASE))\nt = threading.Thread(target=lambda: model(BASE).generate(**tokens(BASE), streamer=s, **GREEDY))\nt.start()\nw = ''.join(s)\nt.join()\nw",
    "a streamer without the prompt": "s = TextIteratorStreamer(tokenizer(BASE), skip_prompt=True)\ngenerate(BASE, streamer=s, do_sample=False)\n''.join(s)",
    "a streamer without the prompt, and guidance": "s = TextIteratorStreamer(tokenizer(BASE), skip_prompt=True)\nload().generate(**tokens(BASE), streamer=s, guidance_scale=1.5, **GREEDY)\n''.join(s)",
    "settings changed on the model": "m = load()\nm.generation_config.do_sample = False\nm.generation_config.max_new_tokens = 3\nm.generate(**tokens(BASE)).tolist()",
    "a stop string set on the model": "m = load()\nm.generation_config.stop_strings = ['e', 'a']\nm.generate(**tokens(BASE), tokenizer=tokenizer(BASE), do_sample=False, max_new_tokens=20).tolist()",
    "a model in half precision": "m = load(dtype=torch.bfloat16)\n[str(m.dtype), m.generate(**tokens(BASE), **GREEDY).shape[1]]",
    "how large a model is": "m = load()\n[m.num_parameters(), m.get_memory_footprint(), str(m.dtype), type(m).__name__, m.config.vocab_size]",
    "the memory that a model takes": "import gc; gc.collect()\nb = torch.cuda.memory_allocated()\nm = load(device_map='cuda')\n[torch.cuda.memory_allocated() - b == m.get_memory_footprint(), torch.cuda.mem_get_info()[1], torch.cuda.is_available(), torch.cuda.device_count(), torch.cuda.get_device_name(0)]",
    "seeds by transformers": "transformers.set_seed(11)\ngenerate(BASE, do_sample=True)",
    "a model in evaluation, without gradients": "m = load().eval()\nwith torch.no_grad():\n    o = m.generate(**tokens(BASE), **GREEDY).tolist()\n[o, m.training]",
}  # fmt: skip

# What needs weights in the kernel, of a model `m`.
WEIGHTS = {
    "a forward pass": "m(**tokens(BASE)).logits.sum(-1).tolist()",
    "a loss": "m(**tokens(BASE), labels=tokens(BASE)['input_ids']).loss.item()",
    "its weights by name": "sorted((n, w.float().sum().item()) for n, w in m.state_dict().items())",
    "a part of it": "m.model(**tokens(BASE)).last_hidden_state.sum().item()",
    "a logits processor": "m.generate(**tokens(BASE), logits_processor=LogitsProcessorList([MinLengthLogitsProcessor(3, 1)]), **GREEDY).tolist()",
    "scores": "o = m.generate(**tokens(BASE), output_scores=True, return_dict_in_generate=True, **GREEDY)\n[o.sequences.tolist(), len(o.scores), o.scores[0].max().item()]",
    "logits": "m.generate(**tokens(BASE), output_logits=True, return_dict_in_generate=True, **GREEDY).logits[0].max().item()",
    "another way of decoding": "m.generate(**tokens(BASE), prompt_lookup_num_tokens=2, **GREEDY).tolist()",
    "guidance": "m.generate(**tokens(BASE), guidance_scale=1.5, **GREEDY).tolist()",
    "allowed tokens": "m.generate(**tokens(BASE), prefix_allowed_tokens_fn=lambda b, ids: [70, 71, 72], **GREEDY).tolist()",
    "embeddings": "e = m.get_input_embeddings()(tokens(BASE)['input_ids'])\nm.generate(inputs_embeds=e, **GREEDY).tolist()",
    "a long stop string": "m.generate(**tokens(BASE), tokenizer=tokenizer(BASE), stop_strings=['x' * 300], **GREEDY).tolist()",
}  # fmt: skip


def and_thin(code: str) -> str:
    """Code on a new model, which also says whether that is without weights afterwards."""
    *lines, last = code.split("\n")
    return "\n".join(["m = load()", *lines, f"[{last}, thin(m)]"])


SAME |= {f"weights: {claim}": and_thin(code) for claim, code in WEIGHTS.items()}
SAME |= {
    f"after weights: {claim}": f"m = load()\n{code}\n[m.generate(**tokens(BASE), **GREEDY).tolist(), thin(m), m.device.type]"
    for claim, code in list(WEIGHTS.items())[:3]
}
SAME["on the GPU after a forward pass"] = (
    "m = load(device_map='auto')\nm(**tokens(BASE))\n[device_asked_for(m), thin(m), str(m.device)]"
)
SAME["a changed copy in another folder"] = (
    "m = load()\nw = m.state_dict()['lm_head.weight']\nwith torch.no_grad():\n    m.lm_head.weight.copy_(w.flip(0))\n"
    "d = tempfile.mkdtemp()\nm.save_pretrained(d)\ntokenizer(BASE).save_pretrained(d)\nn = load(d)\n"
    "[thin(n), n.generate(**tokens(BASE), **GREEDY).tolist()]"
)
SAME["a model made from its configuration"] = (
    "torch.manual_seed(0)\nm = AutoModelForCausalLM.from_config(transformers.AutoConfig.from_pretrained(BASE))\n[thin(m), m.generate(**tokens(BASE), **GREEDY).shape[1] > 6]"
)

ERRORS = {
    "a temperature of zero": "generate(BASE, do_sample=True, temperature=0.0)",
    "a temperature of zero, bound": "llm().bind(pipeline_kwargs={'do_sample': True, 'temperature': 0.0}).invoke('Who?')",
    "a temperature that is a text": "generate(BASE, do_sample=True, temperature='0.9')",
    "a limit that is a text": "generate(BASE, max_new_tokens='50')",
    "a limit below zero": "generate(BASE, max_new_tokens=-3)",
    "an unknown setting": "llm().bind(pipeline_kwargs={'max_tokens': 3}).invoke('Who?')",
    "stop strings without a tokenizer": "generate(BASE, stop_strings=['e'], do_sample=False)",
    "several sequences of a greedy search": "generate(BASE, num_return_sequences=2, do_sample=False)",
    "more sequences than beams": "generate(BASE, num_beams=2, num_return_sequences=3, do_sample=False)",
    "a top_k below one": "generate(BASE, do_sample=True, top_k=-2)",
    "a penalty of zero": "generate(BASE, repetition_penalty=0.0, do_sample=False)",
    "words that are no tokens": "generate(BASE, bad_words_ids=[['a']], do_sample=False)",
    "a streamer with beams": "generate(BASE, num_beams=2, streamer=TextIteratorStreamer(tokenizer(BASE)), do_sample=False)",
    "a text for tokens": "model(BASE).generate('Who are you?')",
}
BEFORE_GENERATE = ("a text for tokens",)
"""Errors that come so early that there is no request."""

# --- Without weights alone: (code, what it says) ---

QUANTIZED = "quantization_config=transformers.BitsAndBytesConfig(load_in_{bits}bit=True)"
THIN: dict[str, tuple[str, Any]] = {
    f"device of {made}": (f"o = {made}{part}\n[device_asked_for(o), thin(getattr(o, 'model', o))]", [place, True])
    for part, table in {
        ".pipeline": LANGCHAIN,
        "": PIPELINES | MODELS | {"load(LARGE, device_map='auto')": "cuda:0"},
    }.items()
    for made, place in table.items()
}
THIN |= {
    "models that have answered all of this are still thin": ("[thin(model(n)) for n in (BASE, CHAT, GEMMA, LARGE)]", [True] * 4),
    "a seed holds in a chain": (
        "c = llm().bind(pipeline_kwargs={'do_sample': True, 'temperature': 1.5, 'max_new_tokens': 8})\n"
        "def say(seed):\n    torch.manual_seed(seed)\n    return c.invoke('Who?')\n[say(1) == say(1), say(1) == say(2)]",
        [True, False],
    ),
    "a model stays thin when it has answered": ("m = load()\nm.generate(**tokens(BASE), **GREEDY)\nthin(m)", True),
    "a second sampled answer is another": ("len({str(generate(BASE, do_sample=True, temperature=1.1)) for _ in range(4)})", 4),
    "a seed that is set holds for one answer": (
        "a = [generate(BASE, do_sample=True, seed=5), generate(BASE, do_sample=True)]\n"
        "b = [generate(BASE, do_sample=True, seed=5), generate(BASE, do_sample=True)]\n[a[0] == b[0], a[0] == a[1]]",
        [True, False],
    ),
    "four bits are accepted": (
        f"m = load({QUANTIZED.format(bits=4)})\n[m.is_loaded_in_4bit, thin(m), m.device.type, m.generate(**tokens(BASE), **GREEDY).shape[1] > 6]",
        [True, True, "cuda", True],
    ),
    "eight bits are accepted in a pipeline": (
        f"l = llm(model_kwargs=dict({QUANTIZED.format(bits=8)}, device_map='auto'))\n[l.pipeline.model.is_loaded_in_8bit, device_asked_for(l.pipeline), bool(l.invoke('Who?'))]",
        [True, "cuda:0", True],
    ),
    "a model from its own snapshot's folder is thin": (
        "from huggingface_hub import snapshot_download\nm = load(snapshot_download(BASE))\n[thin(m), m.generate(**tokens(BASE), **GREEDY).tolist() == generate(BASE, do_sample=False)]",
        [True, True],
    ),
    "a custom way of generating loads the weights": (
        "m = load()\nm.generate(**tokens(BASE), custom_generate=lambda model, input_ids, **rest: input_ids)\nthin(m)", False,
    ),
    "a model that is let go of is gone": (
        "import gc, weakref\nm = load()\nr = weakref.ref(m)\ndel m\ngc.collect()\nr() is None", True,
    ),
    "a lost host is an error of generate": (
        "b = recorder.thin.remote\nkept, b.socket = b.socket, '/nowhere'\n"
        "try:\n    generate(BASE, do_sample=False, max_new_tokens=2)\nexcept RuntimeError as error:\n    said = str(error)\nfinally:\n    b.socket = kept\n'does not answer' in said",
        True,
    ),
}  # fmt: skip

# --- Echo: no host, no weights ---

ECHO: dict[str, tuple[str, Any]] = {
    "no weights are loaded": ("l = llm()\nl.invoke('Who?')\nthin(l.pipeline.model)", True),
    "it says that no model was asked": (
        "'is an echo: no model was asked.' in tokenizer(BASE).decode(model(BASE).generate(**tokens(BASE), max_new_tokens=60)[0])", True,
    ),
    "the limit is kept": ("model(BASE).generate(**tokens(BASE), max_new_tokens=5).shape[1] - tokens(BASE)['input_ids'].shape[1]", 5),
    "equal greedy requests get equal answers": ("generate(BASE, do_sample=False) == generate(BASE, do_sample=False)", True),
    "other requests get other answers": ("len({llm().invoke(t).removeprefix(t) for t in ('a', 'b', 'c')})", 3),
    "sampled repeats differ": ("len({str(generate(BASE, do_sample=True, max_new_tokens=30)) for _ in range(3)})", 3),
    "a batch, several sequences": ("o = generate(BASE, 'Hi', 'What is it?', num_return_sequences=2, do_sample=True)\n[len(o), len({len(r) for r in o})]", [4, 1]),
    "a stream": ("len(''.join(llm().stream('Who?'))) > 0", True),
    "a virtual GPU": ("[torch.cuda.is_available(), device_asked_for(llm(device=0).pipeline)]", [True, "cuda:0"]),
    "a chat": ("len(ChatHuggingFace(llm=llm(Partner, CHAT)).invoke('Hello').content) > 0", True),
    "errors are the real ones": ("try:\n    generate(BASE, do_sample=True, temperature=0.0)\nexcept ValueError as e:\n    said = str(e)\n'strictly positive' in said", True),
    "a forward pass loads the weights": ("m = load()\n[list(m(**tokens(BASE)).logits.shape)[0], thin(m)]", [1, False]),
}  # fmt: skip


@pytest.fixture(scope="module")
def host(tiny_home: Path) -> Iterator[Host]:
    with tempfile.TemporaryDirectory(prefix="c") as folder:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", folder)
            started = Host.started(Path(folder), tiny_home)
        yield started
        started.end()


def run(begin: str, cases: dict[str, str], **more: Any) -> tuple[Ran, Transcript]:
    """What came of the cases, and what the kernel's own recorder noted."""
    last = "recorder.count()\nrecorder.transcript().model_dump(mode='json')"
    ran = run_cases(begin + SETUP, cases, each="recorder.cell = claim", last=last, PYTHONWARNINGS="ignore", **more)
    return ran, Transcript.model_validate(ran.last)


@dataclass
class Thin:
    """What the kernel with thin models said, and the host's transcript beside the kernel's own."""

    ran: Ran
    own: Transcript
    told: Transcript

    def cell(self, claim: str) -> list[Request]:
        return [request for request in self.told.requests if request.cell == claim]


@pytest.fixture(scope="module")
def both(host: Host, tiny_home: Path) -> tuple[Thin, Ran]:
    """The kernel with thin models and the one with weights, side by side."""
    visit = host.open(Open(label="thin"))
    cases = SAME | ERRORS | {claim: code for claim, (code, _) in THIN.items()}
    begin = BEGIN.format(home=str(tiny_home), visit=(visit.socket, visit.models))
    with ThreadPoolExecutor() as pool:
        whole = pool.submit(run, BEGIN.format(home=str(tiny_home), visit=None), SAME | ERRORS)
        ran, own = run(begin, cases, before=visit.cell)
        told = visit.transcript()
        visit.close()
        return Thin(ran, own, told), whole.result()[0]


@pytest.fixture(scope="module")
def thin(both: tuple[Thin, Ran]) -> Thin:
    return both[0]


@pytest.fixture(scope="module")
def whole(both: tuple[Thin, Ran]) -> Ran:
    return both[1]


@pytest.fixture(scope="module")
def echo(tiny_home: Path) -> tuple[Ran, Transcript]:
    cases = {claim: code for claim, (code, _) in ECHO.items()}
    return run(VALIDATE, cases, AUTOGRADER_MODEL_HOME=str(tiny_home), NBGRADER_EXECUTION="validate")


@pytest.mark.parametrize("claim", SAME)
def test_what_comes_out_is_what_comes_out_with_weights_here(thin: Thin, whole: Ran, claim: str) -> None:
    assert thin.ran.value(claim) == whole.value(claim)


@pytest.mark.parametrize("claim", ERRORS)
def test_an_error_is_the_one_that_comes_with_weights_here(thin: Thin, whole: Ran, claim: str) -> None:
    assert thin.ran.results[claim]["error"] == whole.results[claim]["error"]


@pytest.mark.parametrize("claim", [claim for claim in ERRORS if claim not in BEFORE_GENERATE])
def test_a_request_that_ended_in_an_error_is_in_the_hosts_transcript_with_it(thin: Thin, claim: str) -> None:
    (noted,) = thin.cell(claim)
    assert noted.error == thin.ran.results[claim]["error"].split(":")[0]
    assert noted.text


@pytest.mark.parametrize("claim", THIN)
def test_without_weights_all_goes_as_it_should(thin: Thin, claim: str) -> None:
    assert thin.ran.value(claim) == THIN[claim][1]


@pytest.mark.parametrize("claim", [claim for claim in SAME if claim.startswith("after weights") and "pass" in claim])
def test_a_model_whose_weights_were_loaded_is_still_recorded(thin: Thin, claim: str) -> None:
    (noted,) = thin.cell(claim)
    assert noted.settings["max_new_tokens"] == 6
    assert len(noted.output_ids[0]) == 6
    assert noted.outputs[0]


def test_the_kernels_recorder_has_the_same_requests_under_the_same_numbers_as_the_host(thin: Thin) -> None:
    def seen(transcript: Transcript) -> dict[int, tuple[Any, ...]]:
        known = {r.model for r in thin.told.requests}
        other = {"a lost host is an error of generate"}
        other |= {claim for claim in SAME if "stopping criterion" in claim}  # ends what the host has made to its end
        other |= {"padding without a mask"}  # of which the recorder knows nothing
        return {
            r.number: (r.cell, r.model, r.text, r.token_ids, r.outputs, r.output_ids, r.streamed, r.error)
            for r in transcript.requests
            if r.model in known and r.cell not in other
        }

    assert seen(thin.own) == seen(thin.told)
    assert [r.number for r in thin.told.requests] == list(range(len(thin.told.requests)))


def test_no_request_was_lost_and_no_failure_was_the_machines(thin: Thin, host: Host) -> None:
    assert (thin.told.complete, thin.told.faults, host.status().lost) == (True, (), 0)


@pytest.mark.parametrize("setting", ["max_new_tokens", "do_sample", "temperature", "top_p"])
def test_the_host_knows_the_settings_that_the_kernel_resolved(thin: Thin, setting: str) -> None:
    claim = "BASE, one text: sampled"
    (told,) = thin.cell(claim)
    (own,) = (r for r in thin.own.requests if r.cell == claim)
    assert told.settings[setting] == own.settings[setting]


def test_of_a_batch_each_row_is_noted_without_its_padding(thin: Thin) -> None:
    noted = thin.cell("GEMMA, a batch with padding: greedy")
    assert [r.text for r in noted] == ["Hi", "What is the weather in the north?", "No"]


def test_a_stream_is_noted_as_one(thin: Thin) -> None:
    assert [r.streamed for r in thin.cell("Community, stream")] == [True]


def test_a_model_loaded_from_another_folder_is_not_taken_for_the_hosts_own(thin: Thin) -> None:
    assert thin.cell("a changed copy in another folder") == []


@pytest.mark.parametrize("claim", ECHO)
def test_under_validation_no_model_is_asked(echo: tuple[Ran, Transcript], claim: str) -> None:
    assert echo[0].value(claim) == ECHO[claim][1]


def test_under_validation_every_request_is_recorded(echo: tuple[Ran, Transcript]) -> None:
    noted = [r for r in echo[1].requests if r.cell == "no weights are loaded"]
    assert [(r.text, len(r.outputs), r.error) for r in noted] == [("Who?", 1, None)]


# --- What of transformers' own this stands on (its names: test_upstream.py) ---


def test_transformers_still_has_decoding_put_elsewhere_by_a_function(tmp_path: Path) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "vocab_size": 9,
    }
    model = LlamaForCausalLM(LlamaConfig(**sizes, bos_token_id=0, eos_token_id=1, pad_token_id=2))
    seen: list[dict[str, Any]] = []

    def decode(model: Any, input_ids: Any, *, generation_config: Any, **rest: Any) -> Any:
        seen.append({"length": generation_config.max_length, **rest})
        return input_ids + 1

    asked = torch.tensor([[3, 4]])
    output = model.generate(asked, max_new_tokens=3, do_sample=False, custom_generate=decode)
    assert output.tolist() == [[4, 5]]
    model.generate(torch.tensor([[2, 4]]), num_beams=2, do_sample=False, custom_generate=decode)
    assert seen[0]["length"] == 5
    assert seen[0]["attention_mask"] is None  # all is input
    assert seen[1]["attention_mask"].tolist() == [[0, 1]] * 2  # padding found, a row for each beam
