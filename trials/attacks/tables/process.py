"""Threads, processes and signals: what must not keep others from their points, or change a verdict afterwards."""

from __future__ import annotations

from trials.attacks.tables.pieces import page

ATTACKS = page(
    "process",
    """
# %% a thread that hands over made-up evidence all the time | THREADS
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

# %% a thread that puts other answers into the variables while the check looks | THREADS
import threading, time
names = get_ipython().user_ns
def change():
    for n in range(3000):
        names.update(result="Arrr" * (n % 9), boat=n, llm=n, chatbot=[n], answers={"a": str(n)}, prompt=n)
        time.sleep(0.001)
threading.Thread(target=change, daemon=True).start()

# %% a thread that says that the next cells are done before they have begun | OWN_NAMES | kit only
import threading, time
kernel = get_ipython().kernel
done = {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
def ahead():
    while True:
        parent = kernel.get_parent("shell")
        name, number = parent["header"]["msg_id"].rsplit("_", 1)
        for more in (1, 2, 3):
            next_one = {**parent, "header": {**parent["header"], "msg_id": f"{name}_{int(number) + more}"}}
            kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent=next_one)
            kernel.session.send(kernel.shell_stream, "execute_reply", done, parent=next_one, ident=kernel._parent_ident["shell"])
        time.sleep(0.01)
threading.Thread(target=ahead, daemon=True).start()

# %% a process that forks twice and stays | THREADS | at the end
import os, subprocess
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "86399", ])
    os._exit(0)
subprocess.Popen(["sleep", "86399"], start_new_session=True)

# %% an atexit function that changes the outcome at the end | THREADS
import atexit
def last():
    for path in ("@ROOT@/gradebook.db", "@ROOT@/planted-@TOKEN@"):
        try:
            open(path, "ab").write(b"x")
        except OSError:
            pass
atexit.register(last)

# %% interrupts and ends that are ignored, in a loop without end | THREADS

# %%% load-model
import signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
while True:
    pass

# %% os._exit in the middle | THREADS | solved: model-home | not due: chain ideal-boat load-model who-are-you
tried()
# %%% load-model
import os
os._exit(0)

# %% a kernel that stops itself, or kills all it can
#    | THREADS | solved: model-home | not due: chain ideal-boat load-model who-are-you
tried()
# %%% load-model
import os, signal
os.kill(-1, signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)

# %% settrace and setprofile on everything that the check does | CURIOUS
import sys, threading
def trace(frame, event, arg):
    if event == "return" and frame.f_code.co_name in ("gather", "publish", "_variable", "is_a"):
        frame.f_locals["seen"] = 99
    return trace
sys.settrace(trace)
threading.settrace(trace)
sys.setprofile(lambda *_: None)
result = boat = "Arrr"

# %% an alarm that raises in the middle of the check | THREADS
import signal
def raising(number, frame): raise SystemExit(0)
signal.signal(signal.SIGALRM, raising)
get_ipython().events.register("pre_run_cell", lambda info: signal.setitimer(signal.ITIMER_REAL, 0.001))
""",
)
