"""Attacks by the insides of Python, IPython and the libraries."""

from __future__ import annotations

from trials.attacks.tables.pieces import page

ATTACKS = page(
    "internals",
    """
# %% a session and a recorder found with gc, and written to | CURIOUS
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

# %% frames walked to the check's own variables | CURIOUS
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

# %% ctypes: a pipeline's type written over an object's own | CURIOUS
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

# %% an audit hook and an import hook that turn the kit's modules away | OWN_IMPORTS
import importlib.abc, sys
class NotHere(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.startswith("autograder"):
            raise ImportError(name)
for name in [name for name in sys.modules if name.startswith("autograder")]:
    del sys.modules[name]
sys.meta_path.insert(0, NotHere())
check = lambda *_: None

# %% a module autograder of one's own, put in the place of the kit's | OWN_IMPORTS
import sys, types
mine = types.ModuleType("autograder.kernel.notebook")
mine.check = mine.publish = lambda *args: print("all right")
sys.modules["autograder.kernel.notebook"] = mine
sys.modules["autograder"].notebook = sys.modules["autograder.kernel"].notebook = mine
check = mine.check

# %% a generate that answers without any model
#    | OWN_LOADER | solved: model-home | not due: chain/text ideal-boat load-model/model who-are-you
import torch
from transformers.generation.utils import GenerationMixin
def parrot(self, inputs=None, **kwargs):
    ids = inputs if inputs is not None else kwargs["input_ids"]
    return torch.cat([ids, ids[:, :4]], dim=1)
GenerationMixin.generate = parrot
tried()

# %% json, pydantic and hashlib that write what suits | OWN_NAMES
import hashlib, json
from autograder.facts.evidence import Evidence
from autograder.course.profile import Profile
Evidence.model_dump_json = lambda self, **_: json.dumps({"check_id": self.check_id, "points": 99, "earned": 99})
Profile.argument_is_right = lambda self, letter, answer: True
hashlib.pbkdf2_hmac = lambda *args, **kwargs: b"x" * 16
json.loads = lambda *args, **kwargs: {}
answers = {letter: "device" for letter in "abcdefgh"}

# %% an execute_reply of one's own on the shell socket, before the check has run | OWN_HOOKS
«IP»
kernel = ip.kernel
def reply(info):
    parent, ok = kernel.get_parent("shell"), {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
    kernel.session.send(kernel.shell_stream, "execute_reply", ok, parent=parent, ident=kernel._parent_ident["shell"])
    kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent=parent)
ip.events.register("pre_run_cell", reply)

# %% messages on iopub signed with the kernel's own key, over a socket of one's own | OWN_SERVER
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

# %% a comm, a page of payload, a next input, and an update of another cell's output | OWN_DISPLAY
«IP»
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

# %% torch, transformers and LangChain replaced by look-alikes in sys.modules | OWN_IMPORTS
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
""",
)
