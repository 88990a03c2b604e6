"""Attacks that harm the run: processes that stay, all there is of a machine, and submissions that are no submissions.

What they must not do: keep others from their points, end the run, take longer or more than the profile's limits, leave
anything behind. Most lose their own points by it, or go to a person.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

from trials.attacks.attack import Attack, Change, Honest, Link
from trials.attacks.forge import FRAMES, first
from trials.attacks.honest import (
    CURIOUS,
    HUNGRY,
    LONG_PROMPT,
    OWN_FILES,
    OWN_LINK,
    OWN_NAMES,
    OWN_SERVER,
    STRANGE_SETTINGS,
    THREADS,
)


def at_the_end(name: str, group: str, control: Honest, code: str) -> Attack:
    """An attack in a further cell of a notebook that is solved rightly, which it has for itself."""
    return Attack(name, group, control, probe="tried()\n" + code, alone=True, solved=True)


ASKS = FRAMES.replace("json.dumps(frame)", 'json.dumps({"model": MODEL, **frame})')
"""Frames to the model host, for the first of its models."""

PROCESS = (
    Attack(
        "a thread that hands over made-up evidence all the time",
        "process",
        THREADS,
        first("""
import threading, time
from IPython import get_ipython
kernel = get_ipython().kernel
def flood():
    kind = "application/vnd.llm-autograder.evidence+json"
    for _ in range(2000):
        parent = kernel.get_parent("shell")
        data = {kind: '{"check_id": "check-load-model", "variables": {}}', "text/plain": "1"}
        kernel.session.send(kernel.iopub_socket, "display_data", {"data": data, "metadata": {}}, parent=parent)
        time.sleep(0.001)
threading.Thread(target=flood, daemon=True).start()
"""),
    ),
    Attack(
        "a thread that puts other answers into the variables while the check looks",
        "process",
        THREADS,
        first("""
import threading, time
names = get_ipython().user_ns
def change():
    for n in range(3000):
        names.update(result="Arrr" * (n % 9), boat=n, llm=n, chatbot=[n], answers={"a": str(n)}, prompt=n)
        time.sleep(0.001)
threading.Thread(target=change, daemon=True).start()
"""),
    ),
    at_the_end(
        "a process that forks twice and stays",
        "process",
        THREADS,
        """
import os, subprocess
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "86399", ])
    os._exit(0)
subprocess.Popen(["sleep", "86399"], start_new_session=True)
""",
    ),
    Attack(
        "an atexit function that changes the outcome at the end",
        "process",
        THREADS,
        first("""
import atexit
def last():
    for path in ("@ROOT@/gradebook.db", "@ROOT@/planted-@TOKEN@"):
        try:
            open(path, "ab").write(b"x")
        except OSError:
            pass
atexit.register(last)
"""),
    ),
    Attack(
        "interrupts and ends that are ignored, in a loop without end",
        "process",
        THREADS,
        first("")
        | {
            "load-model": """
import signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
while True:
    pass
"""
        },
    ),
    Attack(
        "os._exit in the middle",
        "process",
        THREADS,
        {"model-home": "tried()\n", "load-model": "import os\nos._exit(0)\n"},
        solved=True,
        notdue=frozenset({"check-load-model", "check-chain", "check-who-are-you", "check-ideal-boat"}),
    ),
    Attack(
        "a kernel that stops itself, or kills all it can",
        "process",
        THREADS,
        {
            "model-home": "tried()\n",
            "load-model": "import os, signal\nos.kill(-1, signal.SIGKILL)\nos.kill(os.getpid(), signal.SIGKILL)\n",
        },
        solved=True,
        notdue=frozenset({"check-load-model", "check-chain", "check-who-are-you", "check-ideal-boat"}),
    ),
    Attack(
        "settrace and setprofile on everything that the check does",
        "process",
        CURIOUS,
        first("""
import sys, threading
def trace(frame, event, arg):
    if event == "return" and frame.f_code.co_name in ("gather", "publish", "_variable", "is_a"):
        frame.f_locals["seen"] = 99
    return trace
sys.settrace(trace)
threading.settrace(trace)
sys.setprofile(lambda *_: None)
result = boat = "Arrr"
"""),
    ),
    Attack(
        "an alarm that raises in the middle of the check",
        "process",
        THREADS,
        first("""
import signal
def raising(number, frame): raise SystemExit(0)
signal.signal(signal.SIGALRM, raising)
get_ipython().events.register("pre_run_cell", lambda info: signal.setitimer(signal.ITIMER_REAL, 0.001))
"""),
    ),
)

BOMBS = (
    at_the_end(
        "forks without end",
        "bombs",
        HUNGRY,
        """
import os, time
made = 0
for _ in range(3000):
    try:
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        made += 1
    except OSError:
        break
if made > 500:
    reached(f"{made} processes")
os._exit(0)
""",
    ),
    at_the_end(
        "threads without end",
        "bombs",
        HUNGRY,
        """
import threading
wait = threading.Event()
made = 0
try:
    for made in range(3000):
        threading.Thread(target=wait.wait, daemon=True).start()
except RuntimeError:
    pass
wait.set()
if made > 600:
    reached(f"{made} threads")
""",
    ),
    at_the_end(
        "memory, by one process",
        "bombs",
        HUNGRY,
        """
eaten = []
try:
    for _ in range(100):
        eaten.append(bytearray(b"x") * 100_000_000)
except MemoryError:
    pass
size = len(eaten)
del eaten
if size > 40:
    reached(f"{size / 10} GB")
""",
    ),
    at_the_end(
        "memory, by many processes together",
        "bombs",
        HUNGRY,
        """
import os, time
full, told = os.pipe()
for _ in range(12):
    if os.fork() == 0:
        eaten = bytearray(b"x") * 400_000_000
        os.write(told, b"x")
        time.sleep(4)
        os._exit(0)
os.close(told)
count = 0
while more := os.read(full, 12):
    count += len(more)
if count * 0.4 > 2.2:
    reached(f"{count * 0.4:.1f} GB")
""",
    ),
    at_the_end(
        "memory that is a file of no folder (memfd)",
        "bombs",
        HUNGRY,
        """
import os
handles, size = [], 0
try:
    for _ in range(160):
        handle = os.memfd_create("x")
        handles.append(handle)
        for _ in range(5):
            size += os.write(handle, bytes(10_000_000))
except OSError:
    pass
for handle in handles:
    os.close(handle)
if size > 2_200_000_000:
    reached(f"{size / 1e9:.1f} GB")
""",
    ),
    at_the_end(
        "memory that is shared, which no limit of a process counts",
        "bombs",
        HUNGRY,
        """
import mmap, time
eaten = []
for _ in range(35):
    eaten.append(mmap.mmap(-1, 100_000_000))
    eaten[-1].write(b"x" * 100_000_000)
    time.sleep(0.05)
reached("3.5 GB")
""",
    ),
    at_the_end(
        "shared memory that nobody has mapped any more",
        "bombs",
        HUNGRY,
        """
import mmap
kept = []
for _ in range(35):
    kept.append(mmap.mmap(-1, 100_000_000))
    kept[-1].write(b"x" * 100_000_000)
    kept[-1].madvise(mmap.MADV_DONTNEED)
reached("3.5 GB that no process is seen to have")
""",
    ),
    at_the_end(
        "memory, by processes that begin anew",
        "bombs",
        HUNGRY,
        """
import subprocess, sys
eat = "x = bytearray(b'x') * 250_000_000; print('full', flush=True); import time; time.sleep(6)"
eaters = [subprocess.Popen([sys.executable, "-S", "-c", eat], stdout=subprocess.PIPE) for _ in range(12)]
full = [eater for eater in eaters if eater.stdout.readline()]
if len(full) * 0.25 > 2.6:
    reached(f"{len(full) * 0.25:.1f} GB")
""",
    ),
    at_the_end(
        "memory in the buffers of sockets",
        "bombs",
        HUNGRY,
        """
import os, socket, time
told, tell = os.pipe()
for _ in range(24):
    if os.fork() == 0:
        kept, size = [], 0
        for _ in range(400):
            pair = socket.socketpair()
            kept.append(pair)
            for each in pair:
                each.setblocking(False)
                try:
                    while True:
                        size += each.send(bytes(16_000))
                except BlockingIOError:
                    pass
        os.write(tell, size.to_bytes(8, "big"))
        time.sleep(8)
        os._exit(0)
os.close(tell)
total = 0
while size := os.read(told, 8):
    total += int.from_bytes(size, "big")
if total > 2_200_000_000:
    reached(f"{total / 1e9:.1f} GB")
""",
    ),
    at_the_end(
        "the disk behind the folder of the kernel's sockets",
        "bombs",
        HUNGRY,
        """
import os
from ipykernel.kernelapp import IPKernelApp
folder, made = os.path.dirname(IPKernelApp.instance().abs_connection_file), 0
try:
    for made in range(25_000):
        with open(f"{folder}/filler-{made}", "wb") as file:
            file.write(bytes(5_000))
except OSError as error:
    print(type(error).__name__)
if made > 20_000:
    reached(f"{made} files, {made * 5 // 1000} MB")
""",
    ),
    at_the_end(
        "a disk, by one file and by many",
        "bombs",
        HUNGRY,
        """
import os
size = 0
for folder in (".", "/tmp", "/dev/shm", os.path.expanduser("~")):
    try:
        for n in range(100):
            with open(os.path.join(folder, f"large-{n}"), "wb") as file:
                size += file.write(bytes(5_000_000))
    except OSError as error:
        print(type(error).__name__)
if size > 400_000_000:
    reached(f"{size / 1e6:.0f} MB")
""",
    ),
    at_the_end(
        "a hundred thousand empty files",
        "bombs",
        HUNGRY,
        """
import os
made = 0
try:
    os.mkdir("many")
    for made in range(100_000):
        os.close(os.open(f"many/{made}", os.O_CREAT))
except OSError as error:
    print(type(error).__name__)
if made > 60_000:
    reached(f"{made} files")
""",
    ),
    at_the_end(
        "open files without end",
        "bombs",
        HUNGRY,
        """
import os
files = []
try:
    while len(files) < 9000:
        files.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
count = len(files)
for file in files:
    os.close(file)
if count > 5000:
    reached(f"{count} files")
""",
    ),
    at_the_end(
        "output without end",
        "bombs",
        HUNGRY,
        """
line = "x" * 100_000
for _ in range(400):
    print(line)
""",
    ),
    Attack(
        "output without end from within the check",
        "bombs",
        HUNGRY,
        first("""
def flood(info):
    if "check-" in info.raw_cell:
        for _ in range(40):
            print("x" * 1_000_000)
get_ipython().events.register("pre_run_cell", flood)
"""),
    ),
    at_the_end("a loop that computes without end", "bombs", HUNGRY, "while True:\n    pass\n"),
    Attack(
        "recursion down to the stack's end",
        "bombs",
        HUNGRY,
        {
            "load-model": """
tried()
import sys
sys.setrecursionlimit(10**9)
class Deep:
    def __repr__(self): return repr(self)
repr(Deep())
""",
        },
        solved=True,
        notdue=frozenset({"check-load-model"}),
    ),
    Attack(
        "a host that is asked thousands of things at once",
        "bombs",
        OWN_SERVER,
        {
            "ideal-boat": FRAMES
            + """
note = {"kind": "note", "model": MODEL, "rows": [[1] * 40_000] * 8, "settings": {}}
for _ in range(10):
    try:
        ask(note)
    except (OSError, ValueError):  # refused, or an answer in several pieces
        pass
lines = []
try:
    for _ in range(200):
        lines.append(line(1))
except OSError:
    pass
for each in lines[:100]:
    try:
        each.sendall(struct.pack("!II", 8_000_000, 1) + b"[" * 100_000)
    except OSError:
        pass
for each in lines:
    each.close()
try:
    with line() as made:
        made.sendall(struct.pack("!II", 0xFFFFFFFF, 1))
except OSError:
    pass
tried()
"""
        },
        solved=True,
        notdue=frozenset({"check-ideal-boat"}),
        kit_only=True,
    ),
    Attack(
        "a variable that is a hundred million characters, and a dict that holds itself",
        "bombs",
        HUNGRY,
        first("""
answers = {letter: "x" * 10_000_000 for letter in "abcdefgh"}
answers["a"] = answers
result = boat = "x" * 100_000_000
class Wide:
    def __getattr__(self, name): return [Wide()] * 1000
llm = chatbot = prompt = Wide()
"""),
    ),
    Attack(
        "a chain that asks itself for ever, when the check asks",
        "bombs",
        HUNGRY,
        {
            "chain": """
from langchain_core.runnables import RunnableLambda
right = prompt | llm
def for_ever(value):
    if "Who are you" in str(value) or "ideal boat" in str(value):
        return right.invoke(value)
    while True:
        llm.invoke("again")
chatbot = RunnableLambda(for_ever)
tried()
"""
        },
        solved=True,
        notdue=frozenset({"check-chain/text"}),
    ),
    # What the model host is asked for: long prompts, and settings with which scores are no numbers.
    at_the_end(
        "prompts of 9 × 39,000 tokens for the model, twice",
        "bombs",
        LONG_PROMPT,
        ASKS
        + """
for _ in range(2):
    if ask({"kind": "generate", "rows": [[1] * 39_000] * 9, "mask": [[1] * 39_000] * 9, "settings": {}})["kind"] == "answer":
        reached("an answer")
""",
    ),
    at_the_end(
        "settings with which scores are no numbers",
        "bombs",
        STRANGE_SETTINGS,
        ASKS
        + """
row, ways = [1, 2, 3], ({"do_sample": True}, {"num_beams": 3}, {"num_beams": 3, "do_sample": True})
for settings in (
    {"exponential_decay_length_penalty": [0, 1e300], "eos_token_id": 2},
    {"repetition_penalty": 1e-29, "temperature": 1e-29},
    {"forced_eos_token_id": 2, "suppress_tokens": [2], "max_new_tokens": 1},
):
    for way in ways:
        ask({"kind": "generate", "rows": [row], "mask": [[1] * 3], "settings": {"max_new_tokens": 2, **settings, **way}})
""",
    ),
)


def zip_bomb() -> bytes:
    """Ten megabytes of nothing in ten kilobytes."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../../planted-by-zip", "x")
        archive.writestr("nothing", bytes(10_000_000))
    return made.getvalue()


def in_metadata(text: str) -> Change:
    """Puts something into the notebook's own metadata, as it is."""

    def change(body: bytes) -> bytes:
        before, at, after = body.rpartition(b'"metadata": {')
        return before + at + b'"x": ' + text.encode() + b"," + after

    return change


def with_cells(make: Callable[[Any], None]) -> Change:
    def change(body: bytes) -> bytes:
        notebook = json.loads(body)
        make(notebook)
        return json.dumps(notebook).encode()

    return change


def twice(notebook: Any) -> None:
    notebook["cells"] += [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def other_points(notebook: Any) -> None:
    for cell in notebook["cells"]:
        marks = cell["metadata"].get("nbgrader", {})
        if "points" in marks:
            marks["points"] = 495
        marks["locked"] = False


def own_marks(notebook: Any) -> None:
    marks = {"grade_id": '"><b>mine', "grade": True, "solution": True, "locked": False, "task": False, "points": 9}
    for cell in notebook["cells"]:
        if not cell["metadata"].get("nbgrader"):
            cell["metadata"]["nbgrader"] = {**marks, "schema_version": 3, "cell_type": cell["cell_type"]}


def other_kernel(notebook: Any) -> None:
    command = "touch @ROOT@/planted-by-kernel"
    notebook["metadata"]["kernelspec"] = {"name": f"bash; {command}", "display_name": "x", "language": "bash"}


def no_cells(notebook: Any) -> None:
    notebook["cells"] = "none"


def many_cells(notebook: Any) -> None:
    plain = {"cell_type": "markdown", "metadata": {}, "source": "x"}
    notebook["cells"] += [{**plain, "id": f"m{n}"} for n in range(3000)]


def strange_metadata(notebook: Any) -> None:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["metadata"] = {"nbgrader": [1, 2], "tags": {"x": 1}, "collapsed": "x"}


SHADOW = b"""
import os
for path in ("@ROOT@/planted-@TOKEN@", "/tmp/planted-@TOKEN@"):
    try:
        open(path, "w").close()
    except OSError:
        pass
def check(*args): return None
def begin_grading(*args): return None
def publish(*args): return None
"""


def handed_in_as(name: str, change: Change) -> Attack:
    """An attack by what the notebook's file is; its cells are as released."""
    return Attack(name, "submission", OWN_NAMES, change=change)


def with_files(name: str, files: dict[str, bytes | Link], control: Honest = OWN_FILES) -> Attack:
    """An attack by files beside a notebook that is solved rightly and whose points stay due."""
    return Attack(name, "submission", control, solved=True, files=files)


SHOW_ALL = """
import os
for folder, _, names in os.walk("."):
    for name in names:
        try:
            text = open(os.path.join(folder, name), "rb").read(300_000)
            print(text[-30_000:])
            if text.startswith(b"SQLite format"):
                reached("the gradebook")
        except OSError:
            pass
tried()
"""


def shown(name: str, target: str, at: str = "data.csv") -> Attack:
    """A link, and a cell that shows what lies behind it."""
    return Attack(name, "submission", OWN_LINK, probe=SHOW_ALL, alone=True, solved=True, files={at: Link(target)})


SUBMISSION = (
    shown("a link to the gradebook", "@ROOT@/gradebook.db"),
    shown("a link to the solutions", "@ROOT@/source/chatbot/chatbot.ipynb"),
    shown("a link to another student's notebook", "@ROOT@/submitted/s000-a-bystander-0/chatbot/private.txt", "x/notes.txt"),
    shown("a folder that is a link to the course", "../../../source", "folder"),
    shown("a link to the grader's home", "@HOME@/.netrc"),
    Attack(
        "a notebook that is a link to another student's",
        "submission",
        OWN_LINK,
        is_link="@ROOT@/submitted/s000-a-bystander-0/chatbot/chatbot.ipynb",
    ),
    Attack(
        "a notebook that is a link to the solution",
        "submission",
        OWN_LINK,
        is_link="@ROOT@/source/chatbot/chatbot.ipynb",
    ),
    with_files("a link to a device without end", {"data.bin": Link("/dev/zero")}, OWN_LINK),
    with_files("a link to nowhere, and links in a ring", {"a": Link("b"), "b": Link("a"), "c": Link("/x/y")}, OWN_LINK),
    Attack(
        "a profile of one's own beside the notebook",
        "submission",
        OWN_FILES,
        files={"profile.json": b'{"course": {"id": "x", "language": "en"}, "tasks": []}'},
    ),
    with_files(
        "torch.py, json.py and sqlite3.py beside the notebook",
        dict.fromkeys(("torch.py", "json.py", "sqlite3.py"), SHADOW),
    ),
    Attack(
        "a package autograder beside the notebook",
        "submission",
        OWN_FILES,
        files={"autograder/__init__.py": SHADOW, "autograder/kernel/notebook.py": SHADOW, "autograder/judging/judge.py": SHADOW},
    ),
    with_files(
        "sitecustomize.py and a .pth file",
        {"sitecustomize.py": SHADOW, "usercustomize.py": SHADOW, "x.pth": b"import sitecustomize\n"},
    ),
    with_files(
        "configuration files for nbgrader, Jupyter and IPython",
        dict.fromkeys(
            ("nbgrader_config.py", "jupyter_config.py", "ipython_config.py", "ipython_kernel_config.py",
             ".ipython/profile_default/startup/x.py"), SHADOW),
    ),
    with_files("a time of handing in that is no time", {"timestamp.txt": b"the day before yesterday \xff" * 100}),
    with_files("an archive that unpacks to a thousand times its size", {"data.zip": zip_bomb()}),
    with_files(
        "names with line feeds, quotation marks and ..",
        dict.fromkeys(("a\nb.txt", "'; touch x; '.txt", "..a.txt", "$(touch x)", "<b>.txt"), b"x"),
    ),
    handed_in_as("a notebook that is no JSON", lambda body: b"\x00\xff{"),
    handed_in_as("an empty notebook", lambda body: b""),
    handed_in_as("a notebook nested a hundred thousand times", in_metadata("[" * 100_000 + "]" * 100_000)),
    handed_in_as("a notebook with a number of a million digits", in_metadata("9" * 1_000_000)),
    handed_in_as("a notebook of forty megabytes", in_metadata('"' + "x" * 40_000_000 + '"')),
    handed_in_as("a notebook with three thousand cells more", with_cells(many_cells)),
    handed_in_as("a notebook whose cells are a word", with_cells(no_cells)),
    handed_in_as("a notebook with every cell twice", with_cells(twice)),
    handed_in_as("a notebook with points of its own", with_cells(other_points)),
    handed_in_as("a notebook with graded cells of its own", with_cells(own_marks)),
    handed_in_as("a notebook with a kernel of its own", with_cells(other_kernel)),
    handed_in_as("a notebook whose metadata are of other kinds", with_cells(strange_metadata)),
    handed_in_as("a notebook in the format of 2012", lambda body: b'{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}'),
)  # fmt: skip

HARM = PROCESS + BOMBS + SUBMISSION
