"""Attacks that take all there is of a machine, or of the model host. They must take no more than the profile's limits allow."""

from __future__ import annotations

from trials.attacks.tables.pieces import page

ATTACKS = page(
    "bombs",
    """
# %% forks without end | HUNGRY | at the end
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

# %% threads without end | HUNGRY | at the end
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

# %% memory, by one process | HUNGRY | at the end
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

# %% memory, by many processes together | HUNGRY | at the end
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

# %% memory that is a file of no folder (memfd) | HUNGRY | at the end
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

# %% memory that is shared, which no limit of a process counts | HUNGRY | at the end
import mmap, time
eaten = []
for _ in range(35):
    eaten.append(mmap.mmap(-1, 100_000_000))
    eaten[-1].write(b"x" * 100_000_000)
    time.sleep(0.05)
reached("3.5 GB")

# %% shared memory that nobody has mapped any more | HUNGRY | at the end
import mmap
kept = []
for _ in range(35):
    kept.append(mmap.mmap(-1, 100_000_000))
    kept[-1].write(b"x" * 100_000_000)
    kept[-1].madvise(mmap.MADV_DONTNEED)
reached("3.5 GB that no process is seen to have")

# %% memory, by processes that begin anew | HUNGRY | at the end
import subprocess, sys
eat = "x = bytearray(b'x') * 250_000_000; print('full', flush=True); import time; time.sleep(6)"
eaters = [subprocess.Popen([sys.executable, "-S", "-c", eat], stdout=subprocess.PIPE) for _ in range(12)]
full = [eater for eater in eaters if eater.stdout.readline()]
if len(full) * 0.25 > 2.6:
    reached(f"{len(full) * 0.25:.1f} GB")

# %% memory in the buffers of sockets | HUNGRY | at the end
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

# %% the disk behind the folder of the kernel's sockets | HUNGRY | at the end
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

# %% a disk, by one file and by many | HUNGRY | at the end
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

# %% a hundred thousand empty files | HUNGRY | at the end
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

# %% open files without end | HUNGRY | at the end
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

# %% output without end | HUNGRY | at the end
line = "x" * 100_000
for _ in range(400):
    print(line)

# %% output without end from within the check | HUNGRY
def flood(info):
    if "check-" in info.raw_cell:
        for _ in range(40):
            print("x" * 1_000_000)
get_ipython().events.register("pre_run_cell", flood)

# %% a loop that computes without end | HUNGRY | at the end
while True:
    pass

# %% recursion down to the stack's end | HUNGRY | solved: load-model | not due: load-model
tried()
import sys
sys.setrecursionlimit(10**9)
class Deep:
    def __repr__(self): return repr(self)
repr(Deep())

# %% a host that is asked thousands of things at once
#    | OWN_SERVER | solved: ideal-boat | not due: ideal-boat | kit only
«FRAMES»

import threading

note = {"kind": "note", "model": MODEL, "rows": [[1] * 40_000] * 8, "settings": {}}
def noted():
    try:
        ask(note)
    except (OSError, ValueError):  # refused, or an answer in several pieces
        pass
for _ in range(10):
    threading.Thread(target=noted, daemon=True).start()
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

# %% a message of frames without end, to whoever listens | HUNGRY | at the end | kit only
«CONNECTIONS»

write_to_all(b"\\x03" + struct.pack("!Q", 50_000_000) + bytes(50_000_000), 80)

# %% eighty messages of fifty megabytes, to whoever listens | HUNGRY | at the end | kit only
«CONNECTIONS»

write_to_all(b"\\x02" + struct.pack("!Q", 50_000_000) + bytes(50_000_000), 80)

# %% messages that nobody uses, each a list of millions | HUNGRY | at the end | kit only
ip = get_ipython()
for body in (b'{"data": [' + b"1," * 7_000_000 + b"1]}", b'{"data": [' + b"[]," * 5_000_000 + b"1]}") * 20:
    ip.kernel.session.send(ip.kernel.iopub_socket, "comm_msg", body, parent=ip.kernel.get_parent("shell"))

# %% frames that the host refuses, of eight megabytes each, in a loop | OWN_SERVER | at the end | kit only
«ASKS»

import threading, time
unknown = json.dumps({"kind": "note", "model": "x/y", "rows": [[1] * 40_000] * 60, "settings": {}}).encode()
ends, sent = time.monotonic() + 4, 0
def send(body):
    global sent
    while time.monotonic() < ends:
        try:
            with line(3) as made:
                made.sendall(struct.pack("!II", len(body), 1) + body)
                sent += len(body)
                made.recv(1000)
        except OSError:
            pass
sending = [threading.Thread(target=send, args=(body,)) for body in (unknown, b"[" + b"1," * 4_000_000 + b"1]") * 4]
[each.start() for each in sending]
[each.join() for each in sending]
if sent > 100_000_000:
    reached(f"{sent / 1e6:.0f} MB that others waited for")

# %% a variable that is a hundred million characters, and a dict that holds itself | HUNGRY
answers = {letter: "x" * 10_000_000 for letter in "abcdefgh"}
answers["a"] = answers
result = boat = "x" * 100_000_000
class Wide:
    def __getattr__(self, name): return [Wide()] * 1000
llm = chatbot = prompt = Wide()

# %% a chain that asks itself for ever, when the check asks | HUNGRY | solved: chain | not due: chain/text
from langchain_core.runnables import RunnableLambda
right = prompt | llm
def for_ever(value):
    if "Who are you" in str(value) or "ideal boat" in str(value):
        return right.invoke(value)
    while True:
        llm.invoke("again")
chatbot = RunnableLambda(for_ever)
tried()

# %% prompts of 9 × 39,000 tokens for the model, twice | LONG_PROMPT | at the end
«ASKS»

for _ in range(2):
    if ask({"kind": "generate", "rows": [[1] * 39_000] * 9, "mask": [[1] * 39_000] * 9, "settings": {}})["kind"] == "answer":
        reached("an answer")

# %% settings with which scores are no numbers | STRANGE_SETTINGS | at the end
«ASKS»

row, ways = [1, 2, 3], ({"do_sample": True}, {"num_beams": 3}, {"num_beams": 3, "do_sample": True})
for settings in (
    {"exponential_decay_length_penalty": [0, 1e300], "eos_token_id": 2},
    {"repetition_penalty": 1e-29, "temperature": 1e-29},
    {"forced_eos_token_id": 2, "suppress_tokens": [2], "max_new_tokens": 1},
):
    for way in ways:
        ask({"kind": "generate", "rows": [row], "mask": [[1] * 3], "settings": {"max_new_tokens": 2, **settings, **way}})
""",
)
