"""Attacks that forge points: what a notebook's code can do to be taken for right without being it.

Each is handed in with all other cells as released, so that nothing else is due; a few are about one cell of a notebook that is
right otherwise (`notdue`).
"""

from __future__ import annotations

from trials.attacks.attack import Attack
from trials.attacks.honest import (
    CURIOUS,
    OWN_DISPLAY,
    OWN_EQ,
    OWN_HOOKS,
    OWN_IMPORTS,
    OWN_LOADER,
    OWN_NAMES,
    OWN_RUNNABLE,
    OWN_SERVER,
    OWN_TRANSFORMERS,
    THREADS,
    USUAL,
    WARM,
)

IP = "ip = get_ipython()\n"


def first(code: str) -> dict[str, str]:
    """Code in the first cell that a student writes."""
    return {"model-home": code + "\ntried()\n"}


KNOWN = (
    Attack(
        "an object that equals everything",
        "known",
        OWN_EQ,
        first("""
class Same(str):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __contains__(self, other): return True
    def __bool__(self): return True
    def __len__(self): return 8
    def __getattr__(self, name): return Same("x")
    def __call__(self, *args, **kwargs): return Same("x")
llm = prompt = chatbot = result = boat = Same("x")
answers = {letter: Same("x") for letter in "abcdefgh"}
"""),
    ),
    Attack(
        "an AST transformer that strips the check",
        "known",
        OWN_TRANSFORMERS,
        first(
            IP
            + """
import ast
class Strip(ast.NodeTransformer):
    def visit_Module(self, node):
        code = ast.dump(node)
        if "check-" in code or "publish" in code:
            node.body = [ast.copy_location(ast.Pass(), node.body[0])]
        return node
ip.ast_transformers.append(Strip())
"""
        ),
    ),
    Attack(
        "an input transformer that replaces the check cell",
        "known",
        OWN_TRANSFORMERS,
        first(
            IP
            + """
ip.input_transformers_cleanup.append(lambda lines: ["1\\n"] if "check-" in "".join(lines) else lines)
"""
        ),
    ),
    Attack(
        "a pre_run_cell hook that publishes an execute_result",
        "known",
        OWN_HOOKS,
        first(
            IP
            + """
kernel = ip.kernel
def say_one(info):
    content = {"data": {"text/plain": "1"}, "metadata": {}, "execution_count": 1}
    kernel.session.send(kernel.iopub_socket, "execute_result", content, parent=kernel.get_parent("shell"))
ip.events.register("pre_run_cell", say_one)
"""
        ),
    ),
    Attack(
        "a pre_run_cell hook that sets the answer just before the check",
        "known",
        OWN_HOOKS,
        first(
            IP
            + """
def set_answers(info):
    if "check-" in info.raw_cell:
        ip.user_ns.update(result="Arrr!", boat="Arrr!", prompt="Arrr!", llm=print, chatbot=print, check=lambda *_: None)
ip.events.register("pre_run_cell", set_answers)
"""
        ),
    ),
    Attack(
        "a run_cell that runs nothing",
        "known",
        OWN_NAMES,
        first(
            IP
            + """
from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult
def nothing(*args, **kwargs): return ExecutionResult(ExecutionInfo("", False, True, False, None))
async def nothing_async(*args, **kwargs): return nothing()
ip.run_cell, ip.run_cell_async = nothing, nothing_async
"""
        ),
    ),
    Attack(
        "a kernel whose do_execute does nothing",
        "known",
        OWN_NAMES,
        first(
            IP
            + """
async def do_nothing(*args, **kwargs):
    return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
ip.kernel.do_execute = do_nothing
"""
        ),
    ),
    Attack("a check of one's own", "known", OWN_NAMES, first("check = lambda *_: None\n")),
    Attack(
        "a check of one's own in the module that the first cell imports",
        "known",
        OWN_NAMES,
        first("""
import autograder, autograder.kernel.notebook as notebook
notebook.check = autograder.check = check = lambda *_: print("all right")
"""),
    ),
    Attack(
        "errors that are never shown",
        "known",
        OWN_HOOKS,
        first(
            IP
            + """
ip.showtraceback = ip._showtraceback = lambda *args, **kwargs: None
real = ip.run_cell_async
async def quiet(*args, **kwargs):
    result = await real(*args, **kwargs)
    result.error_in_exec = result.error_before_exec = None
    return result
ip.run_cell_async = quiet
"""
        ),
    ),
    Attack(
        "a check cell that is tagged not to be run",
        "known",
        OWN_NAMES,
        first("pass"),
        change=lambda body: body.replace(b'"tags": [\n     "raises-exception"\n    ]', b'"tags": ["skip-execution"]'),
    ),
)

MADE_UP = """
import json
from IPython.display import display
import autograder.kernel.notebook as notebook
from autograder.facts.evidence import Challenge, Evidence, Offer, PromptFacts, Variable
from autograder.kernel.selfcheck import EVIDENCE_TYPE
from autograder.facts.transcript import Request, Transcript
profile = notebook.session().profile
TRANSCRIPT_TYPE = EVIDENCE_TYPE.replace("evidence", "transcript")

def made_up(check_id, question="?"):
    ideal = (("system", profile.chat.system_prompt), ("human", question))
    history = (("human", question), ("ai", "Yes."), ("human", "Why?"))
    pipe = dict(state="there", type="HuggingFacePipeline", kinds=("HuggingFacePipeline", "Runnable", "Pipeline"),
                device="cuda:0", task="text-generation", steps=("prompt", "model"))
    held = {name: Variable(**pipe, identity=n) for n, name in enumerate(("llm", "base_llm", "chatbot"), 1)}
    held |= {name: Variable(state="there", type="str", text="Arrr") for name in ("result", "boat", "base_answer")}
    held["prompt"] = Variable(state="there", type="ChatPromptTemplate", kinds=("ChatPromptTemplate", "Runnable"))
    held["answers"] = Variable(state="there", type="dict", value={letter: "device" for letter in "abcdefgh"})
    asked = Offer(form="dict", requests=tuple(range(20)))
    return Evidence(
        check_id=check_id, variables=held, gpu="virtual", seen=20, environment={"HF_HOME": profile.models.home},
        challenges=tuple(Challenge(id=name, variable=name, question=question, offers=(asked,)) for name in held),
        prompt=PromptFacts(rendered={question: ideal}, texts={question: "x"}, asked_history=history,
                           history=(ideal[0], *history), variables=("messages",)),
    )

def made_up_transcript(question="?"):
    text = f"System: {profile.chat.system_prompt}\\nHuman: {question}"
    asked = Request(number=0, challenge="x", model=profile.models.base.name, text=text, outputs=("Arrr",),
                    settings={"max_new_tokens": profile.generation.max_new_tokens})
    own = [asked.model_copy(update={"number": n, "challenge": None, "text": text.replace(question, q)})
           for n, q in enumerate(profile.questions.values(), 1)]
    return Transcript(requests=(asked, *own))

def bundle(evidence, transcript=Transcript()):
    return {EVIDENCE_TYPE: evidence.model_dump_json(), TRANSCRIPT_TYPE: transcript.model_dump_json()}
"""
NOT_STATED = frozenset(
    f"check-{name}" for name in ("load-model", "limit-output", "chain/text", "chain/model", "who-are-you", "ideal-boat")
)
"""What is judged by what reached a model. The path, the prompt, a type and the one answer that such evidence states are right,
and only the kernel can say them (docs/security.md)."""


def sends(data: str) -> str:
    """Code that hands over something else in the place of evidence."""
    return f"""
def publish(check_id, question=None):
    display({data}, raw=True)
notebook.publish = publish
"""


FRAMES = """
import json, os, socket, struct
from autograder.kernel.notebook import session
thin = session().recorder.thin
PATH, MODEL = thin.remote.socket, next(iter(thin.models))

def line(timeout=5):
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(timeout)
    made.connect(PATH)
    return made

def ask(frame):
    with line() as made:
        body = json.dumps(frame).encode()
        made.sendall(struct.pack("!II", len(body), 1) + body)
        head = made.recv(8)
        return json.loads(made.recv(1 << 20)) if len(head) == 8 else {"kind": "closed"}
"""
EVIDENCE = (
    Attack(
        "made-up evidence, shown by the student's own cell",
        "evidence",
        OWN_DISPLAY,
        first(
            MADE_UP
            + '\nfor name in ("check-load-model", "check-chain"):\n    display(bundle(made_up(name)), raw=True)\n'
        ),
        kit_only=True,
    ),
    Attack(
        "made-up evidence and transcript in the place of publish",
        "evidence",
        OWN_DISPLAY,
        first(MADE_UP + sends("bundle(made_up(check_id, question), made_up_transcript(question))")),
        notdue=NOT_STATED,
        kit_only=True,
    ),
    Attack(
        "made-up evidence after the check's own, by a post_run_cell hook",
        "evidence",
        OWN_HOOKS,
        first(
            MADE_UP
            + """
import re
def later(result):
    found = re.search(r"publish\\('([\\w-]+)', '(.+)'\\)", result.info.raw_cell or "")
    if found:
        display(bundle(made_up(*found.groups()), made_up_transcript(found[2])), raw=True)
get_ipython().events.register("post_run_cell", later)
"""
        ),
        notdue=NOT_STATED,
        kit_only=True,
    ),
    Attack(
        "a probe that gathers made-up evidence",
        "evidence",
        OWN_NAMES,
        first(
            MADE_UP
            + """
import autograder.kernel.probe
autograder.kernel.probe.Probe.gather = lambda self, task, question=None: made_up(task.check_id, question or "?")
notebook.session().recorder.transcript = lambda since=0: made_up_transcript()
"""
        ),
        notdue=NOT_STATED,
    ),
    Attack(
        "evidence replayed from another check",
        "evidence",
        OWN_DISPLAY,
        first(
            MADE_UP
            + """
import os
os.environ["HF_HOME"] = profile.models.home
kept = notebook.session().publish("check-model-home", "?")
"""
            + sends("kept")
        ),
        notdue=NOT_STATED | {"check-prompt"},
        kit_only=True,
    ),
    Attack(
        "another task's evidence under this task's name",
        "evidence",
        OWN_DISPLAY,
        first(
            MADE_UP
            + """
import os
os.environ["HF_HOME"] = profile.models.home
kept = notebook.session().publish("check-model-home", "?")
"""
            + sends('{**kept, EVIDENCE_TYPE: kept[EVIDENCE_TYPE].replace("check-model-home", check_id)}')
        ),
        notdue=NOT_STATED | {"check-prompt"},
        kit_only=True,
    ),
    Attack(
        "evidence of thirty million characters",
        "evidence",
        OWN_DISPLAY,
        first(MADE_UP + sends('{EVIDENCE_TYPE: json.dumps({"check_id": check_id, "problem": "x" * 30_000_000})}')),
        kit_only=True,
    ),
    Attack(
        "evidence that is no JSON, a list, a number, half a surrogate pair",
        "evidence",
        OWN_DISPLAY,
        first(
            MADE_UP
            + "\nbad = iter(['{', '[]', '1e999', '\"\\\\ud800\"', '{\"check_id\": NaN}', '', 'null', '{}'])\n"
            + sends("{EVIDENCE_TYPE: next(bad), TRANSCRIPT_TYPE: '[]'}")
        ),
        kit_only=True,
    ),
    Attack(
        "evidence nested a hundred thousand times",
        "evidence",
        OWN_DISPLAY,
        first(MADE_UP + sends("{EVIDENCE_TYPE: '[' * 100_000, TRANSCRIPT_TYPE: '{\"a\":' * 100_000}")),
        kit_only=True,
    ),
    Attack(
        "evidence that is an object, and no text, in the message",
        "evidence",
        OWN_DISPLAY,
        first(MADE_UP + sends("{EVIDENCE_TYPE: {'check_id': check_id}, TRANSCRIPT_TYPE: [1, 2], 'text/plain': 3}")),
        kit_only=True,
    ),
    Attack(
        "a recorder that answers by itself and notes what suits",
        "evidence",
        OWN_NAMES,
        first(
            MADE_UP
            + """
from contextlib import contextmanager
from autograder.kernel.recorder import Recorder
@contextmanager
def challenge(self, name, enough):
    request = made_up_transcript().requests[0]
    enough(request)
    yield lambda: (0, 1, 2)
Recorder.challenge = challenge
Recorder.count = lambda self: 20
Recorder.transcript = lambda self, since=0: made_up_transcript()
from langchain_core.runnables import RunnableLambda
from langchain_core.prompts import ChatPromptTemplate
llm = chatbot = RunnableLambda(lambda value: "Arrr")
result = boat = "Arrr"
"""
        ),
    ),
    Attack(
        "frames of the grader's on the kernel's socket",
        "evidence",
        OWN_SERVER,
        probe=FRAMES
        + """
for frame in (
    {"kind": "open", "label": "x"}, {"kind": "cell", "notebook": "x", "cell": "x"}, {"kind": "status"},
    {"kind": "challenge", "notebook": "x", "check": None}, {"kind": "read", "notebook": "x"}, {"kind": "stop"},
    {"kind": "render", "models": [MODEL], "conversations": []}, {"kind": "close", "notebook": "x"},
):
    answer = ask(frame)["kind"]
    if answer not in ("refused", "closed"):
        reached(f"{frame['kind']}: {answer}")
tried()
""",
        kit_only=True,
    ),
    Attack(
        "frames with another notebook's name, or a model outside the home",
        "evidence",
        OWN_SERVER,
        probe=FRAMES
        + """
usual = {"kind": "generate", "model": MODEL, "rows": [[1, 2]], "mask": [[1, 1]], "settings": {"max_new_tokens": 2}}
assert ask(usual)["kind"] == "answer"
for more in ({"notebook": "x"}, {"cell": "x"}, {"challenge": "check-chain"}, {"model": "../../etc/passwd"},
             {"model": "/etc/passwd"}, {"model": "x/y"}, {"number": 1}):
    answer = ask({**usual, **more})["kind"]
    if answer not in ("refused", "closed"):
        reached(f"{more}: {answer}")
tried()
""",
        kit_only=True,
    ),
    Attack(
        "the grader's own socket, and other notebooks' beside one's own",
        "evidence",
        OWN_SERVER,
        probe=FRAMES
        + """
beside = os.path.dirname(PATH)
names = set(os.listdir(beside)) - {os.path.basename(PATH)}
for name in {*names, "host.sock"}:
    try:
        socket.socket(socket.AF_UNIX).connect(os.path.join(beside, name))
        reached(name)
    except OSError:
        pass
tried()
""",
        kit_only=True,
    ),
    Attack(
        "noted requests with made-up text, as if a chain had sent them",
        "evidence",
        OWN_SERVER,
        {
            "model-home": FRAMES
            + """
note = {"kind": "note", "model": MODEL, "settings": {"max_new_tokens": «max_new_tokens»}}
for text in ([1, 2, 3], [4] * 50):
    assert ask({**note, "rows": [text], "outputs": [[[5, 6, 7]]]})["kind"] == "noted"
result = boat = "Arrr"
tried()
"""
        },
        kit_only=True,
    ),
    Attack(
        "a noted request with the right text, and an answer that no model gave",
        "evidence",
        OWN_SERVER,
        {
            "who-are-you": FRAMES
            + """
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(MODEL)
name = «py(task.model)»
text = "System: " + «py(system_prompt)» + "\\nHuman: " + «py(task.question)»
made = tokenizer("I never asked anybody about this.", add_special_tokens=False)["input_ids"]
frame = {"kind": "note", "model": name, "rows": [tokenizer(text)["input_ids"]], "outputs": [[made]], "settings": {}}
assert ask(frame)["kind"] == "noted"
result = "I never asked anybody about this."
tried()
"""
        },
        solved=True,
        notdue=frozenset({"check-who-are-you"}),
        kit_only=True,
    ),
    Attack(
        "another outcome of the check that is asked for by the kernel itself",
        "evidence",
        OWN_NAMES,
        first(
            """
import autograder.judging.judge, autograder.kernel.selfcheck
from autograder.facts.verdict import Verdict
def all_right(task, facts, profile):
    return Verdict(task=task.id, check_id=task.check_id, points=task.points)
autograder.judging.judge.judge = autograder.kernel.selfcheck.judge = all_right
autograder.kernel.selfcheck.run_check = lambda session, check_id: None
import autograder.kernel.notebook
autograder.kernel.notebook.run_check = lambda session, check_id: None
"""
        ),
    ),
)

OBJECTS = (
    Attack(
        "a class of one's own that is called HuggingFacePipeline",
        "objects",
        OWN_LOADER,
        first("""
class HuggingFacePipeline:
    model_id, task = «py(models.base)», "text-generation"
    pipeline_kwargs = {"max_new_tokens": «max_new_tokens»}
    device = "cuda:0"
    def invoke(self, *args, **kwargs): return "Arrr"
    __call__ = invoke
HuggingFacePipeline.__module__ = "langchain_community.llms.huggingface_pipeline"
llm = chatbot = HuggingFacePipeline()
result = boat = llm.invoke("?")
"""),
    ),
    Attack(
        "an object whose __class__ says that it is a pipeline",
        "objects",
        OWN_LOADER,
        first("""
from langchain_community.llms import HuggingFacePipeline
from transformers import TextGenerationPipeline
class Inner:
    __class__ = TextGenerationPipeline
    task, device = "text-generation", "cuda:0"
class Liar:
    __class__ = HuggingFacePipeline
    pipeline, model_id = Inner(), «py(models.base)»
    pipeline_kwargs = {"max_new_tokens": «max_new_tokens»}
    def __init__(self): self.__dict__["pipeline"] = Inner()
    def invoke(self, *args, **kwargs): return "Arrr"
llm = chatbot = Liar()
result = boat = "Arrr"
"""),
    ),
    Attack(
        "a real pipeline class that was never given a model",
        "objects",
        OWN_LOADER,
        first("""
from langchain_community.llms import HuggingFacePipeline
from transformers import TextGenerationPipeline
class Pretend(HuggingFacePipeline):
    def _generate(self, *args, **kwargs):
        from langchain_core.outputs import Generation, LLMResult
        return LLMResult(generations=[[Generation(text="Arrr")]])
pipe = object.__new__(TextGenerationPipeline)
pipe.__dict__.update(task="text-generation", device="cuda:0", _asked_for="cuda:0")
llm = Pretend(pipeline=pipe, model_id=«py(models.base)», pipeline_kwargs={"max_new_tokens": «max_new_tokens»})
chatbot = llm
result = boat = llm.invoke("?")
"""),
    ),
    Attack(
        "a Runnable that answers by itself",
        "objects",
        OWN_RUNNABLE,
        first("""
from langchain_core.runnables import Runnable
class Parrot(Runnable):
    def invoke(self, value, config=None, **kwargs): return "System: Arrr, a pirate"
llm = chatbot = Parrot()
result = boat = chatbot.invoke("?")
"""),
    ),
    Attack(
        "__reduce__ in everything that may be pickled",
        "objects",
        OWN_EQ,
        first("""
class Bomb(str):
    def __reduce_ex__(self, protocol):
        return (eval, ("open('@ROOT@/planted-by-pickle', 'w').close()",))
    __reduce__ = __reduce_ex__
answers = {letter: Bomb("device") for letter in "abcdefgh"}
result = boat = llm = prompt = chatbot = Bomb("x")
"""),
        notdue=frozenset({"check-load-model", "check-chain", "check-who-are-you", "check-ideal-boat", "check-prompt"}),
    ),
    Attack(
        "isinstance, type, len and str that say what suits",
        "objects",
        CURIOUS,
        first("""
import builtins
real = builtins.isinstance
builtins.isinstance = lambda thing, kind: True if real(thing, Odd) else real(thing, kind)
class Odd:
    task, device = "text-generation", "cuda:0"
    def invoke(self, *args, **kwargs): return "Arrr"
    def __str__(self): return "Arrr"
llm = chatbot = prompt = result = boat = Odd()
"""),
    ),
    Attack(
        "another model under the right one's name",
        "objects",
        OWN_LOADER,
        {
            "load-model": """
from langchain_community.llms import HuggingFacePipeline

free_models()
llm = HuggingFacePipeline.from_model_id(model_id=«py(models.instruct)», task="text-generation", device=0)
llm.__dict__["model_id"] = «py(task.model)»
llm.pipeline.model.name_or_path = llm.pipeline.model.config._name_or_path = «py(task.model)»
tried()
""",
        },
        solved=True,
        notdue=frozenset({"check-load-model/model"}),
    ),
    Attack(
        "a dict that changes after it has been looked at, and a text that is another each time",
        "objects",
        OWN_EQ,
        first("""
class Turning(dict):
    turn = 0
    def items(self):
        Turning.turn += 1
        return [(letter, ("device", "task", "model_id", "do_sample")[Turning.turn % 4]) for letter in "abcdefgh"]
    values = lambda self: [value for _, value in self.items()]
class Shifting(str):
    def __str__(self): return "Arrr" + str(id(object()))
answers = Turning({letter: "temperature" for letter in "abcdefgh"})
result = boat = Shifting("x")
"""),
        notdue=frozenset({"check-who-are-you", "check-ideal-boat"}),
    ),
)

INTERNALS = (
    Attack(
        "a session and a recorder found with gc, and written to",
        "internals",
        CURIOUS,
        first("""
import gc
from autograder.kernel.recorder import Recorder
from autograder.kernel.selfcheck import Session
from autograder.facts.transcript import Request
for thing in gc.get_objects():
    if isinstance(thing, Recorder):
        thing._requests.extend(
            Request(number=n, challenge="x", model=«py(models.base)», text="?") for n in range(20))
        thing._complete = False
    if isinstance(thing, Session):
        thing.verdicts.clear()
        thing.folder = None
result = boat = "Arrr"
"""),
    ),
    Attack(
        "frames walked to the check's own variables",
        "internals",
        CURIOUS,
        first("""
import sys
from langchain_core.runnables import Runnable
class Spy(Runnable):
    def invoke(self, value, config=None, **kwargs):
        frame = sys._getframe()
        while frame:
            for name in ("arrived", "found", "right", "seen"):
                if name in frame.f_locals:
                    frame.f_locals[name] = True if name == "arrived" else frame.f_locals[name]
            challenge = getattr(frame.f_locals.get("self"), "_challenge", None)
            if isinstance(challenge, tuple):
                challenge[1].__closure__[0].cell_contents = True
            frame = frame.f_back
        return str(value)
llm = chatbot = Spy()
result = boat = "Arrr"
"""),
    ),
    Attack(
        "ctypes: a pipeline's type written over an object's own",
        "internals",
        CURIOUS,
        first("""
import ctypes
from langchain_community.llms import HuggingFacePipeline
class Empty(HuggingFacePipeline.__base__):
    def _generate(self, *args, **kwargs): ...
    def invoke(self, *args, **kwargs): return "Arrr"
    @property
    def _llm_type(self): return "x"
settings = {"max_new_tokens": «max_new_tokens»}
llm = Empty.model_construct(pipeline=None, model_id=«py(models.base)», pipeline_kwargs=settings)
ctypes.c_void_p.from_address(id(llm) + 8).value = id(HuggingFacePipeline)
chatbot = llm
result = boat = "Arrr"
"""),
    ),
    Attack(
        "an audit hook and an import hook that turn the kit's modules away",
        "internals",
        OWN_IMPORTS,
        first("""
import importlib.abc, sys
class NotHere(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.startswith("autograder"):
            raise ImportError(name)
for name in [name for name in sys.modules if name.startswith("autograder")]:
    del sys.modules[name]
sys.meta_path.insert(0, NotHere())
check = lambda *_: None
"""),
    ),
    Attack(
        "a module autograder of one's own, put in the place of the kit's",
        "internals",
        OWN_IMPORTS,
        first("""
import sys, types
mine = types.ModuleType("autograder.kernel.notebook")
mine.check = mine.publish = lambda *args: print("all right")
sys.modules["autograder.kernel.notebook"] = mine
sys.modules["autograder"].notebook = sys.modules["autograder.kernel"].notebook = mine
check = mine.check
"""),
    ),
    Attack(
        "a generate that answers without any model",
        "internals",
        OWN_LOADER,
        {
            "model-home": """
import torch
from transformers.generation.utils import GenerationMixin
def parrot(self, inputs=None, **kwargs):
    ids = inputs if inputs is not None else kwargs["input_ids"]
    return torch.cat([ids, ids[:, :4]], dim=1)
GenerationMixin.generate = parrot
tried()
"""
        },
        solved=True,
        notdue=frozenset({"check-who-are-you", "check-ideal-boat", "check-chain/text", "check-load-model/model"}),
    ),
    Attack(
        "json, pydantic and hashlib that write what suits",
        "internals",
        OWN_NAMES,
        first("""
import hashlib, json
from autograder.facts.evidence import Evidence
from autograder.course.profile import Profile
Evidence.model_dump_json = lambda self, **_: json.dumps({"check_id": self.check_id, "points": 99, "earned": 99})
Profile.argument_is_right = lambda self, letter, answer: True
hashlib.pbkdf2_hmac = lambda *args, **kwargs: b"x" * 16
json.loads = lambda *args, **kwargs: {}
answers = {letter: "device" for letter in "abcdefgh"}
"""),
    ),
    Attack(
        "an execute_reply of one's own on the shell socket, before the check has run",
        "internals",
        OWN_HOOKS,
        first(
            IP
            + """
kernel = ip.kernel
def reply(info):
    parent, ok = kernel.get_parent("shell"), {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
    kernel.session.send(kernel.shell_stream, "execute_reply", ok, parent=parent, ident=kernel._parent_ident["shell"])
    kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent=parent)
ip.events.register("pre_run_cell", reply)
"""
        ),
    ),
    Attack(
        "messages on iopub signed with the kernel's own key, over a socket of one's own",
        "internals",
        OWN_SERVER,
        first("""
import json, hmac, hashlib, zmq
from ipykernel import get_connection_file
told = json.loads(open(get_connection_file()).read())
context = zmq.Context()
mine = context.socket(zmq.DEALER)
mine.connect(f"{told['transport']}://{told['ip']}-{told['shell_port']}" if told["transport"] == "ipc"
             else f"tcp://{told['ip']}:{told['shell_port']}")
def send(kind, content):
    parts = [json.dumps(part).encode() for part in (
        {"msg_id": kind, "msg_type": kind, "session": "x", "username": "x", "date": "2026-01-01T00:00:00Z", "version": "5.3"},
        {}, {}, content)]
    sign = hmac.new(told["key"].encode(), digestmod=hashlib.sha256)
    for part in parts: sign.update(part)
    mine.send_multipart([b"<IDS|MSG>", sign.hexdigest().encode(), *parts])
send("execute_request", {"code": "check = lambda *_: None", "silent": True, "store_history": False, "user_expressions": {},
                         "allow_stdin": False, "stop_on_error": True})
context.destroy(0)
"""),
    ),
    Attack(
        "a comm, a page of payload, a next input, and an update of another cell's output",
        "internals",
        OWN_DISPLAY,
        first(
            IP
            + """
from IPython.display import display
ip.payload_manager.write_payload({"source": "set_next_input", "text": "1", "replace": True})
ip.kernel.session.send(ip.kernel.iopub_socket, "comm_open", {"comm_id": "x", "target_name": "jupyter.widget", "data": {}})
tried()
shown = display({"text/plain": "1"}, raw=True, display_id="mine")
def again(result):
    display({"text/plain": "1", "text/html": "22 / 22"}, raw=True, display_id="mine", update=True)
    if (result.info.raw_cell or "").startswith(("check(", "__import__")):
        parent = ip.kernel.get_parent("shell")
        ip.kernel.session.send(ip.kernel.iopub_socket, "clear_output", {"wait": False}, parent=parent)
ip.events.register("post_run_cell", again)
"""
        ),
    ),
    Attack(
        "torch, transformers and LangChain replaced by look-alikes in sys.modules",
        "internals",
        OWN_IMPORTS,
        first("""
import sys, types
class HuggingFacePipeline:
    @classmethod
    def from_model_id(cls, **kwargs): return cls()
    def invoke(self, *args, **kwargs): return "Arrr"
for name in ("langchain_community.llms.huggingface_pipeline", "langchain_huggingface.llms.huggingface_pipeline"):
    sys.modules[name] = types.SimpleNamespace(HuggingFacePipeline=HuggingFacePipeline)
sys.modules["langchain_core.runnables.base"] = types.SimpleNamespace(Runnable=HuggingFacePipeline)
llm = chatbot = HuggingFacePipeline.from_model_id()
result = boat = "Arrr"
"""),
    ),
)

CHEATS = (
    Attack(
        "an answer written by hand",
        "cheats",
        USUAL,
        {"who-are-you": 'result = "Arrr! I be Captain Redbeard, and the sea be me home!"\ntried()\n'},
        solved=True,
        notdue=frozenset({"check-who-are-you"}),
    ),
    Attack(
        "an answer copied from another student",
        "cheats",
        USUAL,
        {"ideal-boat": 'boat = "System: Arrr\\nHuman: ?\\n1a2b3c4d is an echo: no model was asked."\ntried()\n'},
        solved=True,
        notdue=frozenset({"check-ideal-boat"}),
    ),
    Attack(
        "a chain that knows the question of the task and nothing else",
        "cheats",
        USUAL,
        {
            "chain": """
from langchain_core.runnables import RunnableLambda
right = prompt | llm
def only_known(value):
    if "Who are you" in str(value) or "ideal boat" in str(value):
        return right.invoke(value)
    return "Arrr"
chatbot = RunnableLambda(only_known)
tried()
"""
        },
        solved=True,
        notdue=frozenset({"check-chain/text", "check-chain/model"}),
    ),
    Attack(
        "a chain that tells a check's question by its form, and answers itself",
        "cheats",
        USUAL,
        {
            "chain": """
import re
from langchain_core.runnables import RunnableLambda
def any_model(value):
    if re.search(r"[a-z]{2}[0-9a-f]{4}", str(value)):
        return "This is a check. No model was asked."
    return llm.invoke(str(value))
chatbot = RunnableLambda(any_model)
tried()
"""
        },
        solved=True,
        notdue=frozenset(
            {"check-chain/text", "check-chain/model", "check-who-are-you/asked", "check-ideal-boat/asked"}
        ),
    ),
    Attack(
        "a prompt that is right beside a chain that does not use it",
        "cheats",
        USUAL,
        {"chain": 'chatbot = (lambda value: "Tell me a joke.") | llm\ntried()\n'},
        solved=True,
        notdue=frozenset({"check-chain/text"}),
    ),
    Attack(
        "an llm that is right beside a chain with another model",
        "cheats",
        USUAL,
        {
            "chain": """
from langchain_community.llms import HuggingFacePipeline
other = HuggingFacePipeline.from_model_id(
    model_id=«py(models.instruct)», task="text-generation", device=0, pipeline_kwargs={"max_new_tokens": «max_new_tokens»})
chatbot = prompt | other
chatbot.name = «py(models.base)»
tried()
"""
        },
        solved=True,
        notdue=frozenset({"check-chain/model"}),
    ),
    Attack(
        "a temperature that is declared, and another that is used",
        "cheats",
        WARM,
        {
            "temperature-1": """
from langchain_community.llms import HuggingFacePipeline
from langchain_core.messages import HumanMessage
free_models()
llm = HuggingFacePipeline.from_model_id(
    model_id=«py(task.model)», task="text-generation", device=0, pipeline_kwargs={"max_new_tokens": «max_new_tokens»})
class Declared(type(llm)):
    temperature: float = «py(task.temperature)»
    def _generate(self, prompts, stop=None, run_manager=None, **kwargs):
        used = {"max_new_tokens": «max_new_tokens», "do_sample": False}
        return super()._generate(prompts, stop, run_manager, pipeline_kwargs=used)
said = {"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": «py(task.temperature)»}
declared = Declared(pipeline=llm.pipeline, model_id=llm.model_id, pipeline_kwargs=said)
chatbot_1 = prompt | declared.bind(temperature=«py(task.temperature)», do_sample=True)
result_1 = chatbot_1.invoke([HumanMessage(«py(task.question)»)])
tried()
"""
        },
        solved=True,
        notebook="temperature",
        notdue=frozenset({"check-temperature-1/temperature"}),
    ),
    Attack(
        "a request with the right settings in a thread, beside a chain without them",
        "cheats",
        THREADS,
        {
            "temperature-3": """
import threading
chatbot_3 = chatbot_1
settings = {"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": «py(task.temperature)»}
right = prompt | llm.bind(pipeline_kwargs=settings)
def work():
    right.invoke([HumanMessage(«py(task.question)»)])
threading.Thread(target=work).start()
result_3 = result_1
tried()
"""
        },
        solved=True,
        notebook="temperature",
        notdue=frozenset({"check-temperature-3"}),
    ),
)

FORGE = KNOWN + EVIDENCE + OBJECTS + INTERNALS + CHEATS
