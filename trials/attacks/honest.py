"""The honest students beside the attackers: code that looks much the same, means no harm, and keeps every point.

Each is the control of one or several attacks. They share notebooks (`hand_in.handed_in`), so their code leaves Python,
IPython and the task's variables as they were.
"""

from __future__ import annotations

from dataclasses import replace

from trials.attacks.attack import Honest, Link
from trials.classes import Entry, entries

PAGE = r"""
# %% a class of one's own with an __eq__ | as: OWN_EQ | before: arguments
class Anything:
    def __eq__(self, other):
        return True
    def __hash__(self):
        return 0
assert Anything() == 3

# %% IPython transformers that change nothing that matters | as: OWN_TRANSFORMERS | before: model-home
import ast
class Count(ast.NodeVisitor):
    seen = 0
    def visit(self, node):
        Count.seen += 1
        return node
get_ipython().ast_transformers.append(Count())
get_ipython().input_transformers_cleanup.append(lambda lines: [line.replace("\t", "    ") for line in lines])

# %% hooks of one's own around each cell | as: OWN_HOOKS | before: model-home
import time
def start(*args):
    global began
    began = time.time()
def stop(*args):
    print(f"{time.time() - began:.1f} s")
get_ipython().events.register("pre_run_cell", start)
get_ipython().events.register("post_run_cell", stop)
get_ipython().events.register("pre_execute", lambda: None)

# %% functions called run_cell, do_execute, judge and publish, and a variable evidence
#    | as: OWN_NAMES | before: prompt
def run_cell(text): return text
def do_execute(text): return {"status": "ok", "text": text}
def judge(answer): return 1.0
def publish(what): print(what)
evidence = {"check_id": "check-prompt", "points": 2}
verdict = judge(run_cell(do_execute("x")))
publish(evidence)

# %% displays with a type of one's own, HTML, Markdown, LaTeX and colours | as: OWN_DISPLAY | before: chain
from IPython.display import HTML, Latex, Markdown, display
display({"application/vnd.mine+json": {"x": 1}, "text/plain": "x"}, raw=True)
display(HTML("<table><tr><td><b>bold</b> <a href='https://example.org/'>a link</a></td></tr></table>"))
display(Markdown("# A heading\n\n1. *one*\n2. `two`\n\n| a | b |\n|---|---|\n| 1 | 2 |"), Latex("$e^x$"))
print("\x1b[31mred\x1b[0m <not a tag> & more")

# %% displays that are updated and cleared, half a character, numbers that are none, and a message of one's own
#    | as: OWN_MESSAGES | before: arguments
from IPython.display import clear_output, display
shown = display({"text/plain": "1"}, raw=True, display_id=True)
shown.update({"text/plain": "2", "application/json": {"x": float("nan")}}, raw=True)
print("half of a flag: \ud83c", float("inf"))
clear_output(wait=True)
ip = get_ipython()
ip.kernel.session.send(ip.kernel.iopub_socket, "stream", {"name": "stdout", "text": "mine"}, parent=ip.kernel.get_parent("shell"))

# %% a subclass of HuggingFacePipeline that works | as: OWN_LOADER | in: limit-output
from langchain_community.llms import HuggingFacePipeline as Base

class MyPipeline(Base):
    def __eq__(self, other):
        return self is other
    def invoke(self, *args, **kwargs):
        return super().invoke(*args, **kwargs)

free_models()
llm = MyPipeline.from_model_id(
    model_id=«py(task.model)», task="text-generation", device=0, pipeline_kwargs={"max_new_tokens": «max_new_tokens»}
)

# %% a Runnable of one's own around the model | as: OWN_RUNNABLE | in: chain
from langchain_core.runnables import Runnable

class Around(Runnable):
    def __init__(self, inner):
        self.inner = inner
    def invoke(self, value, config=None, **kwargs):
        return self.inner.invoke(value, config, **kwargs)

chatbot = prompt | Around(llm)
# %%% who-are-you
from langchain_core.messages import HumanMessage

class Text(str):
    pass

question = «py(task.question)»
result = Text(chatbot.invoke([HumanMessage(question)]))
print(result)

# %% gc, frames, ctypes, tracing and audit hooks for something harmless | as: CURIOUS | before: ideal-boat
import ctypes, gc, inspect, sys
assert ctypes.CDLL(None).strlen(b"four") == 4
gc.collect()
print(inspect.currentframe().f_lineno, len(gc.get_objects()) > 0)
lines = []
sys.settrace(lambda frame, event, arg: lines.append(event))
len("x")
sys.settrace(None)
heard = set()
sys.addaudithook(lambda event, args: heard.add(event))

# %% an import hook for a module of one's own, and a patch of one's own class | as: OWN_IMPORTS | before: arguments
import importlib.abc, importlib.machinery, sys
class Mine(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name == "my_tools" else None
    def exec_module(self, module):
        module.answer = 42
sys.meta_path.insert(0, Mine())
import my_tools
class Boat:
    def generate(self): return "boat"
Boat.generate = lambda self: "patched"
assert (my_tools.answer, Boat().generate()) == (42, "patched")

# %% asks from a thread, with atexit, a signal handler, a process and a shell command | as: THREADS | before: chain
import atexit, signal, subprocess, threading, time
atexit.register(lambda: None)
signal.signal(signal.SIGUSR1, lambda *_: None)
assert subprocess.run(["echo", "hi"], capture_output=True, text=True).stdout == "hi\n"
threading.Thread(target=time.sleep, args=(0.01,), daemon=True).start()
# %%% ideal-boat
import threading
from langchain_core.messages import HumanMessage

said = []
asking = threading.Thread(target=lambda: said.append(chatbot.invoke([HumanMessage(«py(task.question)»)])))
asking.start()
asking.join()
boat = said[0]

# %% a helper file, a data file, a folder, and files that it writes itself | as: OWN_FILES | before: prompt
import json, os, pathlib, tempfile
import my_helper
assert my_helper.double(2) == 4 and pathlib.Path("data.csv").read_text() == "a,b\n1,2\n"
pathlib.Path("new.json").write_text(json.dumps({"pid": os.getpid()}))
pathlib.Path("folder/deep").mkdir(parents=True, exist_ok=True)
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "x").write_text("x")
print(len(pathlib.Path("/proc/self/status").read_text()) > 0, sorted(os.listdir("."))[:1], "HOME" in os.environ)

# %% a link to a file of its own | as: OWN_LINK

# %% sockets between one's own threads | as: OWN_SERVER | before: model-home
import socket, threading
with socket.create_server(("127.0.0.1", 0)) as server:
    threading.Thread(target=lambda: server.accept()[0].sendall(b"hi"), daemon=True).start()
    with socket.create_connection(server.getsockname()) as client:
        assert client.recv(2) == b"hi"
one, two = socket.socketpair()
one.sendall(b"x")
assert two.recv(1) == b"x"

# %% takes a fair share of memory, files, processes, output and depth | as: HUNGRY | before: who-are-you
import subprocess, tempfile
eaten = bytearray(100_000_000)
del eaten
files = [tempfile.TemporaryFile() for _ in range(50)]
[file.close() for file in files]
processes = [subprocess.Popen(["true"]) for _ in range(8)]
[process.wait() for process in processes]
with tempfile.NamedTemporaryFile() as file:
    file.write(bytes(2_000_000))
import multiprocessing
shared = multiprocessing.Array("d", 10_000)
shared[7] = 2.0
with tempfile.TemporaryDirectory() as folder:
    for n in range(1000):
        with open(f"{folder}/{n}", "w") as file:
            file.write("small")
def deep(n): return 0 if n == 0 else 1 + deep(n - 1)
try:
    deep(100_000)
except RecursionError:
    print("too deep")
print("x" * 20_000)

# %% asks the model about a long text | as: LONG_PROMPT | before: who-are-you
print(len(llm.invoke("Ahoy! " * 400)))

# %% asks with settings at the edge of what is allowed | as: STRANGE_SETTINGS | before: who-are-you
sampled = ({"temperature": 1e-3}, {"top_k": 1}, {"min_p": 0.9})
for settings in (*({"do_sample": True, **each} for each in sampled), {"num_beams": 3, "length_penalty": -2.0}):
    llm.pipeline("Ahoy!", max_new_tokens=3, **settings)

# %% a question from a variable, a system prompt from a constant, a second model object | as: USUAL | before: chain
PIRATE = «py(system_prompt)»
temperature = 0.9
questions = [«py(task_of("who-are-you").question)», «py(task_of("ideal-boat").question)»]
def looks_known(question): return question in questions
print(looks_known("What?"))

# %% a temperature from a variable, and a bound model under another name
#    | as: WARM | in: temperature-2 | notebook: temperature
hot = {"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": «py(task.temperature)»}
warmer = llm.bind(pipeline_kwargs=hot)
chatbot_2 = prompt | warmer
result_2 = chatbot_2.invoke([HumanMessage(«py(task.question)»)])
"""


def _honest(entry: Entry) -> Honest:
    """An honest student from the page: code in front of the reference solution's in a cell (`before`), or in its place (`in`)."""
    said = entry.marks
    before = {said["before"]: entry.code} if "before" in said else {}
    cells = {said["in"]: entry.code} if "in" in said else {}
    return Honest(entry.name, before, {**cells, **entry.below}, notebook=said.get("notebook", "chatbot"))


BY_NAME = {entry.marks["as"]: _honest(entry) for entry in entries(PAGE, {}, ("as", "before", "in", "notebook"))}
OWN_DISPLAY = replace(
    BY_NAME["OWN_DISPLAY"],
    markdown="## My notes\n\nA *word* in **Markdown**, `code`, $x < y$ and [a link](https://example.org/).\n\n> a quotation\n",
)
OWN_FILES = replace(
    BY_NAME["OWN_FILES"],
    files={
        "my_helper.py": b"def double(x):\n    return 2 * x\n",
        "data.csv": b"a,b\n1,2\n",
        "folder/note.txt": b"note\n",
    },
)
OWN_LINK = replace(BY_NAME["OWN_LINK"], files={"here.csv": Link("data.csv"), "data.csv": b"a,b\n1,2\n"})
BY_NAME |= {"OWN_DISPLAY": OWN_DISPLAY, "OWN_FILES": OWN_FILES, "OWN_LINK": OWN_LINK}
CONTROLS = tuple(BY_NAME.values())
OWN_MESSAGES, OWN_NAMES, OWN_SERVER = (BY_NAME[name] for name in ("OWN_MESSAGES", "OWN_NAMES", "OWN_SERVER"))
