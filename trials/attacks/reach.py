"""Attacks that reach out of the kernel: reading and writing what is not the student's, and the network.

Each is a probe: code of a further cell in a notebook that is solved rightly. It calls `reached()` where it gets what it wants.
"""

from __future__ import annotations

from trials.attacks.attack import Attack
from trials.attacks.honest import OWN_FILES, OWN_SERVER


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


def tries(name: str, group: str, code: str) -> Attack:
    """An attack whose code reaches something where it comes to its end without an exception."""
    indented = "\n".join(f"    {line}" for line in code.strip().split("\n"))
    return Attack(
        name,
        group,
        OWN_SERVER if group == "network" else OWN_FILES,
        probe=f"try:\n{indented}\n    reached()\nexcept Exception as error:\n    print(type(error).__name__, error)\ntried()\n",
    )


FILES = (
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
    tries(
        "lists who else is in the course",
        "files",
        """
import os
others = [name for name in os.listdir("@ROOT@/submitted") if name not in os.getcwd()]
assert others
""",
    ),
    tries(
        "imports the kit's library of solutions",
        "files",
        """
import trials.selftest.solutions as library
print(len(library.RIGHT))
""",
    ),
    tries(
        "reads the environment of the process that grades",
        "files",
        """
import glob
found = b""
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        found += open(path, "rb").read()
    except OSError:
        pass
print(found[-3000:])
assert b"AUTOGRADER_CANARY" in found
""",
    ),
    tries(
        "looks for the grader's secrets in its own environment",
        "files",
        """
import os
assert "AUTOGRADER_CANARY" in os.environ
""",
    ),
    tries(
        "sees, stops or traces the process that grades",
        "files",
        """
import os
os.kill(@PID@, 0)
""",
    ),
    tries(
        "reads the memory of another process",
        "files",
        """
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
    tries(
        "climbs out of its folder by a path of many ..",
        "files",
        """
import os
assert os.path.exists("../" * 30 + "@ROOT@".lstrip("/") + "/course.toml")
""",
    ),
)


def sends_to(name: str, family: str, kind: str, address: str) -> Attack:
    return tries(
        name,
        "network",
        f"""
import socket
made = socket.socket(getattr(socket, {family!r}), socket.{kind})
made.settimeout(2)
made.connect({address})
made.sendall(b"x") if {kind!r} == "SOCK_STREAM" else made.send(b"x")
if {kind!r} == "SOCK_DGRAM":
    assert made.recv(1)
""",
    )


def opens(name: str, family: int, kind: int, protocol: int = 0) -> Attack:
    return tries(name, "network", f"import socket\nsocket.socket({family}, {kind}, {protocol}).close()")


NETWORK = (
    sends_to("TCP to a port of the grader's machine", "AF_INET", "SOCK_STREAM", '("127.0.0.1", @PORT@)'),
    sends_to("TCP over IPv6", "AF_INET6", "SOCK_STREAM", '("::1", @PORT@)'),
    sends_to("UDP to a port of the grader's machine", "AF_INET", "SOCK_DGRAM", '("127.0.0.1", @PORT@)'),
    sends_to("a Unix socket by its path", "AF_UNIX", "SOCK_STREAM", '"/tmp/attacks-@PORT@.sock"'),
    sends_to("an abstract Unix socket", "AF_UNIX", "SOCK_STREAM", '"\\0attacks-@PORT@"'),
    tries(
        "an address of the world",
        "network",
        """
import socket
made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
made.connect(("192.0.2.1", 53))
made.send(b"x")
""",
    ),
    tries("a name of the world", "network", 'import socket\nprint(socket.getaddrinfo("pypi.org", 443))'),
    tries(
        "a library that downloads a model",
        "network",
        """
import os
os.environ["HF_HUB_OFFLINE"] = "0"
import urllib.request
urllib.request.urlopen("http://127.0.0.1:@PORT@/", timeout=2)
""",
    ),
    opens("a packet socket", 17, 3, 768),
    opens("a raw socket", 2, 3, 1),
    opens("an echo request's own socket (ICMP)", 2, 2, 1),
    opens("netlink: kernel events", 16, 3, 15),
    opens("netlink: generic", 16, 3, 16),
    opens("netlink: audit", 16, 3, 9),
    opens("vsock, to the host of a virtual machine", 40, 1),
    opens("Bluetooth", 31, 3, 1),
    opens("the kernel's cryptography (AF_ALG)", 38, 5),
    opens("CAN, RDS, TIPC and other old families", 29, 3, 1),
    tries(
        "a socket pair of another family",
        "network",
        "import socket\nsocket.socketpair(40, 1)",
    ),
    tries(
        "a server that others on the machine can reach",
        "network",
        """
import socket, urllib.request
server = socket.create_server(("0.0.0.0", 0))
names = open("/proc/net/dev").read()
assert any(name in names for name in ("eth", "ens", "enp", "wl", "bond"))
""",
    ),
)

REACH = FILES + NETWORK
