"""What a kernel can reach: nothing but its own. Each entry of the table is something that a kernel without a jail can do.

The kernels are real ones, forked from a real parent; each test compares level `full` with level `none`, so that an entry
that never worked cannot pass for one that was refused.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pyseccomp
import pytest
from waiting import until

import trials
from autograder.jail import jail, landlock, memory, paths
from autograder.jail.cgroup import PREFIX, places
from autograder.jail.kernels import KEPT_VARIABLES, Kernels, kept_socket
from autograder.jail.limits import Level, Limits
from autograder.jail.provisioner import WarmKernelManager
from autograder.protocol.model_cache import snapshot_files
from autograder.submissions.repair_files import MAX_FILES

LIMITS = Limits(memory_bytes=3 * 10**9, disk_bytes=20 * 10**6, processes=40, open_files=512, seconds=120)
SECRET = "AUTOGRADER_TEST_SECRET"
TRIALS = Path(trials.__file__).parent


class Course:
    """A course with things in it that are nobody's business, and a submission."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "autograded" / "anna" / "chatbot"
        for path in ("gradebook.db", "source/chatbot/solution.txt", "autograded/bjorn/chatbot/answer.txt"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("secret")
        self.folder.mkdir(parents=True)
        (self.folder / "data.txt").write_text("mine")
        (self.folder / "link").symlink_to(root / "gradebook.db")
        self.root = root


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return Course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def kernels(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernels]:
    os.environ[SECRET] = "secret"
    made = Kernels.started(tiny_home, tmp_path_factory.mktemp("log") / "kernels.log")
    yield made
    made.end()
    del os.environ[SECRET]


@pytest.fixture(scope="module")
def listening() -> Iterator[int]:
    """A TCP port of the grader's machine, and an abstract Unix socket `@grader-PORT`, that answer."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as other:
        port = server.getsockname()[1]
        other.bind(f"\0grader-{port}")
        other.listen()
        for each in (server, other):
            threading.Thread(target=_accept_all, args=(each,), daemon=True).start()
        yield port


def _accept_all(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


def run(kernels: Kernels, level: Level, folder: Path, *cells: str, limits: Limits = LIMITS) -> list[str]:
    """What each cell printed, or the name of what it raised; "died" where the kernel did, and for all after it."""
    return asyncio.run(_run(kernels, level, folder, cells, limits))


async def _run(kernels: Kernels, level: Level, folder: Path, cells: tuple[str, ...], limits: Limits) -> list[str]:
    manager = WarmKernelManager()
    manager.plan = kernels.plan(level, limits)
    await manager.start_kernel(cwd=str(folder))
    client = manager.client()
    client.start_channels()
    said: list[str] = []
    try:
        await client.wait_for_ready(timeout=30)
        for cell in cells:
            said.append(await _cell(manager, client, cell))
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
    return said


async def _cell(manager: WarmKernelManager, client, cell: str) -> str:  # type: ignore[no-untyped-def]
    out: list[str] = []

    def hear(message) -> None:  # type: ignore[no-untyped-def]
        content = message["content"]
        if message["msg_type"] == "stream" and content["name"] == "stdout":
            out.append(content["text"])
        elif message["msg_type"] == "error":
            out.append(content["ename"])

    asked = asyncio.ensure_future(client.execute_interactive(cell, output_hook=hear, timeout=60))
    ended = asyncio.ensure_future(manager.provisioner.wait())
    done, _ = await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
    for waiting in (asked, ended):
        waiting.cancel()
    await asyncio.gather(asked, ended, return_exceptions=True)
    return "died" if ended in done else "".join(out).strip()


# Code that prints GOT where it gets what it wants. {root} is the course, {port} what listens on the grader's machine.
REACHES = {
    "the gradebook": "print(open('{root}/gradebook.db').read() and 'GOT')",
    "the solutions": "print(open('{root}/source/chatbot/solution.txt').read() and 'GOT')",
    "another student's work": "print(open('{root}/autograded/bjorn/chatbot/answer.txt').read() and 'GOT')",
    "a file through a link": "print(open('link').read() and 'GOT')",
    "a write to the gradebook": "open('{root}/gradebook.db', 'a').write('x'); print('GOT')",
    "a new file beside its folder": "open('{root}/autograded/anna/new', 'w').close(); print('GOT')",
    "the list of students": "import os; print('GOT' if 'bjorn' in os.listdir('{root}/autograded') else '')",
    "the machine's users": "print(open('/etc/passwd').read() and 'GOT')",
    "solutions": "print(open('{trials}/selftest/solutions/prompt.py').read() and 'GOT')",
    "any file of what is tried on the kit": "import os; print('GOT' if any(map(os.path.exists, {tried})) else '')",
    "what is tried on the kit, as modules": "import trials; print('GOT')",
    "the kit's folder": "import autograder; open(autograder.__path__[0] + '/planted.py', 'w').close(); print('GOT')",
    "root's home": "import os; set(os.listdir('/root')) - {{'.pyenv'}} and print('GOT')",
    "the grader's environment": "import os; print('GOT' if os.path.exists('/proc/{pid}/environ') else '')",
    "the grader's processes": "import os; print('GOT' if len([p for p in os.listdir('/proc') if p.isdigit()]) > 5 else '')",
    "a TCP port of the grader's": "import socket; socket.create_connection(('127.0.0.1', {port}), 2); print('GOT')",
    "an abstract Unix socket": "import socket; socket.socket(socket.AF_UNIX).connect('\\0grader-{port}'); print('GOT')",
    "a packet socket": "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW); print('GOT')",
    "a raw socket": "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); print('GOT')",
    "the Python environment": "import sys; open(sys.prefix + '/planted.py', 'w').close(); print('GOT')",
    "a model's folder": "open('{home}/planted', 'w').close(); print('GOT')",
    "a mount": "import ctypes; print('GOT' if ctypes.CDLL(None).mount(b'x', b'/mnt', b'tmpfs', 0, None) == 0 else '')",
    "a new namespace": "import ctypes; print('GOT' if ctypes.CDLL(None).unshare(0x20000) == 0 else '')",
    "root": "import os; print('GOT' if os.getuid() == 0 else '')",
    "a device": "import os, stat; os.mknod('disk', stat.S_IFBLK | 0o600, os.makedev(7, 0)); print('GOT')",
    "another root": "import os\nif (pid := os.fork()) == 0:\n    try: os.chroot('/usr'); os._exit(0)\n"
    "    except OSError: os._exit(1)\nprint('GOT' if os.waitpid(pid, 0)[1] == 0 else '')",
    "the host's name": "import socket; print('GOT' if socket.gethostname() != 'notebook' else '')",
    "more priority": "import os; os.nice(-5); print('GOT')",
    "more open files": "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (9999, 9999)); print('GOT')",
    "a large file": "f = open('large', 'wb'); f.write(bytes(40_000_000)); f.flush(); print('GOT')",
    "a lot in /tmp": "import os, tempfile; d = tempfile.mkdtemp()\n"
    "for n in range(5):\n    open(f'{{d}}/{{n}}', 'wb').write(bytes(9_000_000))\nprint('GOT')",
    "thirty thousand files": "import os, tempfile\nwith tempfile.TemporaryDirectory() as d:\n"
    "    for n in range(30_000): os.close(os.open(f'{{d}}/{{n}}', os.O_CREAT))\nprint('GOT')",
    "memory of no process": "import os; os.close(os.memfd_create('x')); print('GOT')",
    "a message queue": "import ctypes; print('GOT' if ctypes.CDLL(None).msgget(0, 0o1600) >= 0 else '')",
    "pages pinned by a pipe": "import ctypes, os\nclass V(ctypes.Structure):\n"
    "    _fields_ = [('base', ctypes.c_char_p), ('size', ctypes.c_size_t)]\n"
    "print('GOT' if ctypes.CDLL(None).vmsplice(os.pipe()[1], ctypes.byref(V(b'x' * 99, 99)), 1, 0) > 0 else '')",
    "large buffers of sockets": "import socket\na, b = socket.socketpair(); before = a.getsockopt(1, 7)\n"
    "a.setsockopt(1, 7, 2 * before); print('GOT' if a.getsockopt(1, 7) > before else '')",
    "large buffers, with a number that says the same": "import ctypes, socket, struct\na, b = socket.socketpair()\n"
    "before = a.getsockopt(1, 7)\n"
    "ctypes.CDLL(None).syscall(54, a.fileno(), ctypes.c_long(1 << 32 | 1), ctypes.c_long(1 << 32 | 7), "
    "struct.pack('i', 2 * before), 4)\nprint('GOT' if a.getsockopt(1, 7) > before else '')",
    "the folder of its sockets": "import os; from ipykernel.kernelapp import IPKernelApp as A\n"
    "open(os.path.dirname(A.instance().abs_connection_file) + '/planted', 'w').close(); print('GOT')",
    "its connection file": "from ipykernel.kernelapp import IPKernelApp as A\n"
    "open(A.instance().abs_connection_file, 'a').close(); print('GOT')",
    "a hundred processes": "import subprocess\nps = [subprocess.Popen(['sleep', '30']) for _ in range(100)]\nprint('GOT')",
}  # fmt: skip
TIDY = """
import glob, os, subprocess, sys
subprocess.run(["pkill", "-P", str(os.getpid()), "sleep"])
planted = [sys.prefix + "/planted.py", "{home}/planted", "{kit}/planted.py", *glob.glob("{root}/autograded/anna/new")]
for path in ["large", "disk", *planted]:
    if os.path.exists(path): os.remove(path)
import ctypes; ctypes.CDLL(None).umount2(b"/mnt", 2)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="what root could do is tried as root")
@pytest.mark.parametrize("what", REACHES)
def test_a_jailed_kernel_does_not_reach(
    what: str, kernels: Kernels, course: Course, listening: int, tiny_home: Path
) -> None:
    values = {"root": course.root, "port": listening, "home": tiny_home, "pid": os.getpid(), "kit": paths.KIT}
    values |= {"trials": TRIALS, "tried": [str(path) for path in TRIALS.rglob("*")]}
    code = REACHES[what].format(**values)
    tidy = TIDY.format(**values) if what != "the host's name" else ""

    async def both() -> list[list[str]]:
        free = _run(kernels, "none", course.folder, (code, tidy), LIMITS)
        return await asyncio.gather(free, _run(kernels, "full", course.folder, (code,), LIMITS))

    free, jailed = asyncio.run(both())
    assert free[0] == "GOT"
    assert "GOT" not in jailed[0]


WORKS = {
    "reading its own files": ("print(open('data.txt').read())", "mine"),
    "writing beside them": ("open('new.txt', 'w').write('new'); print(open('new.txt').read())", "new"),
    "a command": "import subprocess; print(subprocess.check_output('echo said', shell=True, text=True))|said",
    "a shell escape": "!echo said|said",
    "threads": "import threading; t = threading.Thread(target=print, args=('said',)); t.start(); t.join()|said",
    "top-level await": "import asyncio; await asyncio.sleep(0); print('said')|said",
    "a forked process": "from multiprocessing import get_context as c\n"
    "q = c('fork').Queue(); p = c('fork').Process(target=q.put, args=('said',)); p.start(); print(q.get()); p.join()|said",
    "tensors": "import torch; print(torch.ones(2).sum().item())|2.0",
    "another seed in each kernel": "import random; print(len(str(random.random())) > 3)|True",
    "a temporary file": "import tempfile; f = tempfile.TemporaryFile(); print(f.write(b'123'))|3",
    "an error": "1 / 0|ZeroDivisionError",
    "the kit's check, and what is imported late": "import autograder.words.render, autograder.protocol.echo; print('said')|said",
    "no memory": "x = bytearray(10**12)|MemoryError",
    "processes that share an array": "from multiprocessing import Array, Process\n"
    "a = Array('d', 1000); p = Process(target=a.__setitem__, args=(7, 2.0)); p.start(); p.join(); print(a[7])|2.0",
    "named shared memory": "from multiprocessing.shared_memory import SharedMemory\n"
    "s = SharedMemory(create=True, size=1000); s.buf[0] = 7; t = SharedMemory(s.name); print(t.buf[0]); t.close(); "
    "s.close(); s.unlink()|7",
    "its whole allowance in one folder": "open('large', 'wb').write(bytes(19_000_000)); print('said')|said",
    "a copy with the rights of a file": "import shutil; shutil.copy2('data.txt', 'again.txt'); print('said')|said",
    "two terminals": "import os; print(len([os.openpty() for _ in range(2)]))|2",
}  # fmt: skip


@pytest.mark.parametrize("what", WORKS)
def test_a_jailed_kernel_still_has(what: str, kernels: Kernels, course: Course) -> None:
    entry = WORKS[what]
    code, _, due = entry.rpartition("|") if isinstance(entry, str) else (entry[0], "", entry[1])
    assert run(kernels, "full", course.folder, code)[0] == due


def test_what_a_jailed_kernel_writes_stays_in_its_own_copy(kernels: Kernels, course: Course) -> None:
    run(kernels, "full", course.folder, "open('data.txt', 'w').write('changed'); open('planted', 'w').close()")
    assert (course.folder / "data.txt").read_text() == "mine"
    assert not (course.folder / "planted").exists()


def test_the_graders_variables_are_not_in_a_kernels_environment(kernels: Kernels, course: Course) -> None:
    cells = [f"import os; print({SECRET!r} in os.environ)", f"print({SECRET!r} in open('/proc/self/environ').read())"]
    assert run(kernels, "none", course.folder, *cells) == ["False", "False"]
    assert run(kernels, "full", course.folder, *cells) == ["False", "PermissionError"]


def test_an_interrupt_ends_a_cell_and_not_the_kernel(kernels: Kernels, course: Course) -> None:
    said = run(kernels, "full", course.folder, "import os, signal; os.kill(os.getpid(), signal.SIGINT)", "print('on')")
    assert said == ["KeyboardInterrupt", "on"]


async def interrupted_and_restarted(kernels: Kernels, folder: Path) -> tuple[str, list[str]]:
    """What a cell that never ends raises when the manager interrupts it, and what two cells say around a restart."""
    manager = WarmKernelManager()
    manager.plan = kernels.plan("full", LIMITS)
    await manager.start_kernel(cwd=str(folder))
    client = manager.client()
    client.start_channels()
    begun: list[str] = []
    asked: list[asyncio.Future[None]] = []

    def hear(message) -> None:  # type: ignore[no-untyped-def]
        begun.append(message["content"].get("ename", message["msg_type"]))
        if message["msg_type"] == "stream":
            asked.append(asyncio.ensure_future(manager.interrupt_kernel()))

    try:
        await client.wait_for_ready(timeout=30)
        await client.execute_interactive(
            "x = 1\nprint('on', flush=True)\nwhile True: pass", output_hook=hear, timeout=60
        )
        before = await _cell(manager, client, "print(x)")
        await manager.restart_kernel(now=True)
        client.stop_channels()
        client = manager.client()  # what was connected to the last one does not begin again
        client.start_channels()
        await client.wait_for_ready(timeout=30)
        return begun[-1] if "KeyboardInterrupt" not in begun else "KeyboardInterrupt", [
            before, await _cell(manager, client, "print('x' in globals())")
        ]  # fmt: skip
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


def test_a_manager_interrupts_and_restarts_a_kernel_as_it_does_an_ordinary_one(
    kernels: Kernels, course: Course
) -> None:
    assert asyncio.run(interrupted_and_restarted(kernels, course.folder)) == ("KeyboardInterrupt", ["1", "False"])


@pytest.mark.parametrize(
    "code", ["import os; os._exit(3)", "import os; os.kill(os.getpid(), 9)", "import ctypes; ctypes.string_at(0)"]
)
def test_a_kernel_that_dies_is_seen_to_die(code: str, kernels: Kernels, course: Course) -> None:
    assert run(kernels, "full", course.folder, code) == ["died"]


def test_a_kernel_whose_processes_take_too_much_memory_together_is_ended(kernels: Kernels, course: Course) -> None:
    hungry = (
        "from multiprocessing import get_context as c\nimport time\n"
        "def eat():\n    x = bytearray(b'x') * 400_000_000\n    time.sleep(60)\n"
        "ps = [c('fork').Process(target=eat) for _ in range(4)]\n[p.start() for p in ps]\n[p.join() for p in ps]\n"
    )
    limits = Limits(memory_bytes=10**9, disk_bytes=10**7, processes=40, open_files=512, seconds=120)
    assert run(kernels, "full", course.folder, hungry, limits=limits) == ["died"]


def test_a_kernel_whose_shared_memory_is_too_much_is_ended(kernels: Kernels, course: Course) -> None:
    """A private mapping would be refused by the process's own limit; of a shared one only the monitor knows."""
    hungry = (
        "import mmap\neaten = []\nwhile True:\n    eaten.append(mmap.mmap(-1, 10**8)); eaten[-1].write(bytes(10**8))"
    )
    limits = Limits(memory_bytes=10**9, disk_bytes=10**7, processes=40, open_files=512, seconds=120)
    assert run(kernels, "full", course.folder, hungry, limits=limits) == ["died"]


HUNGRY = {
    "shared memory that nobody has mapped": "import mmap\nkept = []\nfor _ in range(40):\n"
    "    kept.append(mmap.mmap(-1, 10**8)); kept[-1].write(bytes(10**8)); kept[-1].madvise(mmap.MADV_DONTNEED)\n"
    "print('GOT')",
    "shared memory of which the rest is unmapped": "import ctypes, mmap\nc = ctypes.CDLL(None)\n"
    "c.mmap.restype = ctypes.c_void_p\nfor _ in range(40):\n    at = c.mmap(None, 10**8, 3, 0x21, -1, 0)\n"
    "    ctypes.memset(at, 1, 10**8); c.munmap(ctypes.c_void_p(at + 4096), 10**8 - 4096)\nprint('GOT')",
    "processes that began anew": "import subprocess, sys\n"
    "eat = 'x = bytearray(b\"x\") * 200_000_000; print(1, flush=True); import time; time.sleep(60)'\n"
    "ps = [subprocess.Popen([sys.executable, '-c', eat], stdout=-1) for _ in range(12)]\n"
    "[p.stdout.readline() for p in ps]; print('GOT')",
    "buffers of sockets": "import os, socket\ntold, tell = os.pipe()\nfor _ in range(20):\n    if os.fork() == 0:\n"
    "        kept = []\n        for _ in range(200):\n            kept += (pair := socket.socketpair())\n"
    "            for each in pair:\n                each.setblocking(False)\n                try:\n"
    "                    while True: each.send(bytes(9000))\n                except BlockingIOError: pass\n"
    "        os.write(tell, b'x'); import time; time.sleep(60)\n"
    "n = 0\nwhile n < 20: n += len(os.read(told, 20))\nprint('GOT')",
}


@pytest.mark.parametrize("what", HUNGRY)
def test_memory_that_no_process_is_seen_to_have_counts_too(what: str, kernels: Kernels, course: Course) -> None:
    limits = Limits(memory_bytes=10**9, disk_bytes=10**7, processes=40, open_files=512, seconds=120)
    assert run(kernels, "full", course.folder, HUNGRY[what], limits=limits) in (["died"], ["OSError"])


def test_a_submission_of_as_many_small_files_as_are_let_in_starts(kernels: Kernels, tmp_path: Path) -> None:
    for n in range(MAX_FILES):
        (tmp_path / str(n // 100)).mkdir(exist_ok=True)
        (tmp_path / str(n // 100) / str(n)).write_text("x")
    limits = Limits(2 * 10**9, disk_bytes=10**5, processes=40, open_files=512, seconds=120, files=100)
    said = run(kernels, "full", tmp_path, "print(open('19/1999').read())", "open('new', 'w').write('x')", limits=limits)
    assert said == ["x", ""]


def test_what_a_kernel_writes_in_all_its_folders_is_bounded_together(kernels: Kernels, course: Course) -> None:
    code = "for f in ('.', '/tmp', '/dev/shm'): open(f + '/large', 'wb').write(bytes(12_000_000))"
    assert run(kernels, "full", course.folder, code) == ["OSError"]


def test_no_control_group_of_a_kernel_is_left(kernels: Kernels, course: Course) -> None:
    run(kernels, "full", course.folder, "import subprocess; subprocess.Popen(['sleep', '60'], start_new_session=True)")

    def gone() -> bool:
        run(kernels, "full", course.folder, "print('another: what could not be removed at once is by now')")
        left = [each for place in places() for each in place.folder.glob(f"{PREFIX}{kernels.pid}-*")]
        return len(left) <= 1  # that of the last one may be on its way

    until(gone)


def test_a_kernel_that_takes_too_long_is_ended(kernels: Kernels, course: Course) -> None:
    limits = Limits(memory_bytes=10**10, disk_bytes=10**7, processes=40, open_files=512, seconds=1)
    assert run(kernels, "full", course.folder, "import time; time.sleep(60)", limits=limits) == ["died"]


def test_nothing_that_a_kernel_started_outlives_it(kernels: Kernels, course: Course) -> None:
    mark = f"31{os.getpid()}"
    run(
        kernels,
        "full",
        course.folder,
        f"import subprocess; subprocess.Popen(['sleep', '{mark}'], start_new_session=True)",
    )
    left = [p for p in Path("/proc").glob("[0-9]*/cmdline") if mark.encode() in _read(p)]
    assert left == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_this_machine_is_asked_whether_it_can_have_the_jail(kernels: Kernels) -> None:
    assert kernels.refusal("full", LIMITS, snapshot_files(kernels.home)) is None


def test_a_model_that_a_kernel_could_not_read_is_refused_with_its_name(kernels: Kernels, tiny_home: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("the grader's own user can read it")
    model = next(tiny_home.glob("hub/models--*/snapshots/*/config.json"))
    model.chmod(0o600)
    try:
        assert "config.json cannot be read" in str(kernels.refusal("full", LIMITS, snapshot_files(kernels.home)))
    finally:
        model.chmod(0o644)


# --- As an ordinary user, and at level landlock: with the system's Python, since root's may be closed to others ---

HARNESS = """
import os, sys
import pyseccomp
from autograder.jail import jail, limits
level, private, folder, code = sys.argv[1:5]
read_only = tuple(p for p in (sys.prefix, os.path.dirname(pyseccomp.__file__)) if not p.startswith("/usr"))
bounds = limits.Limits(10**9, 10**7, 200, 1024, 60, 500)
try:
    jail.enter(limits.Jail(level, read_only, private, None, folder, bounds))()
except jail.JailError as error:
    sys.exit(f"refused: {error.strerror}")
try:
    exec(code)
except Exception as error:
    print(type(error).__name__)
"""
SYSTEM_PYTHON = "/usr/bin/python3"
ORDINARY = 54321


needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not Path(SYSTEM_PYTHON).exists(), reason="needs root and the system's Python"
)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder that everybody can enter, with a jail's parts in it."""
    base = Path("/tmp") / f"jail-{tmp_path.name}-{os.getpid()}"
    for name in ("code", "private", "folder"):
        (base / name).mkdir(parents=True)
    shutil.copy(pyseccomp.__file__, base / "code")
    (base / "code/autograder").mkdir()  # of this package the jail alone, which needs no other part
    shutil.copytree(
        Path(jail.__file__).parent, base / "code/autograder/jail", ignore=shutil.ignore_patterns("__pycache__")
    )
    (base / "folder" / "data.txt").write_text("mine")
    (base / "secret.txt").write_text("secret")
    yield base
    shutil.rmtree(base)


@needs_root
@pytest.mark.parametrize(("level", "user"), [("full", 0), ("full", ORDINARY), ("landlock", 0)])
@pytest.mark.parametrize(
    ("code", "at_none", "in_jail"),
    [
        ("print(open('data.txt').read())", "mine", {"mine"}),
        ("print(open('{base}/secret.txt').read())", "secret", {"FileNotFoundError", "PermissionError"}),
        ("open('new', 'w').write('x'); print('wrote')", "wrote", {"wrote"}),
        ("open('{base}/new', 'w').write('x')\nprint('wrote')", "wrote", {"OSError", "PermissionError", "wrote"}),
        ("import socket; socket.socket(socket.AF_PACKET, 3)\nprint('open')", None, {"PermissionError"}),
        ("import ctypes; print(ctypes.CDLL(None).unshare(0x10000000))", "0", {"-1"}),
        ("import subprocess; print(subprocess.run(['cat', '{base}/secret.txt'], capture_output=True).returncode)", "0", {"1"}),
    ],
)  # fmt: skip
def test_the_jail_holds_for(
    level: Level, user: int, code: str, at_none: str | None, in_jail: set[str], outside: Path
) -> None:
    if at_none is not None:
        assert entered(outside, "none", user, code) == at_none
        (outside / "new").unlink(missing_ok=True)
    assert entered(outside, level, user, code) in in_jail
    assert not (outside / "new").exists()  # in memory of its own, if anywhere


def entered(outside: Path, level: Level, user: int, code: str) -> str:
    """What code said that ran in a jail without a control group, else the last line on stderr, else the exit code."""
    for path in (outside, *outside.rglob("*")):
        os.chown(path, user, user)
    command = [SYSTEM_PYTHON, "-c", HARNESS, level, str(outside / "private")]
    done = subprocess.run(
        [*command, str(outside / "folder"), code.replace("{base}", str(outside))],
        capture_output=True, text=True, user=user, group=user, extra_groups=[], timeout=60, cwd=outside,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(outside / "code"), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    return done.stdout.strip() or done.stderr.strip().split("\n")[-1] or str(done.returncode)


UNCOUNTED = {
    "memory of processes that began anew": (
        "import subprocess, sys\neat = 'x = bytearray(b\"x\") * 150_000_000; import time; time.sleep(30)'\n"
        "[p.wait() for p in [subprocess.Popen([sys.executable, '-c', eat]) for _ in range(12)]]\nprint('GOT')",
        "226",
    ),
    "memory of processes that were forked": (
        "import os, time\nfor _ in range(12):\n    if os.fork() == 0:\n        x = bytearray(b'x') * 150_000_000\n"
        "        time.sleep(30)\ntime.sleep(30)\nprint('GOT')",
        "226",
    ),
    "page tables of memory that is only looked at": (
        "import ctypes, mmap\nfor _ in range(64):\n    m = mmap.mmap(-1, 1 << 34, mmap.MAP_PRIVATE | 0x4020, "
        "mmap.PROT_READ)\n    globals()[f'm{_}'] = m\n    for at in range(0, 1 << 34, 1 << 21): m[at]\nprint('GOT')",
        "226",
    ),
    "shared memory of no file": ("import mmap; mmap.mmap(-1, 10**6); print('GOT')", "OSError"),
    "shared memory of the device for it": (
        "import mmap; mmap.mmap(open('/dev/zero', 'r+b').fileno(), 10**6); print('GOT')", "FileNotFoundError"
    ),
    "sockets": (
        "import os, socket, time\nfor _ in range(8):\n    if os.fork() == 0:\n"
        "        kept = [socket.socketpair() for _ in range(400)]\n        time.sleep(30)\ntime.sleep(30)\nprint('GOT')",
        "226",
    ),
}  # fmt: skip


@needs_root
@pytest.mark.parametrize("user", [0, ORDINARY])
@pytest.mark.parametrize("what", UNCOUNTED)
def test_without_a_control_group_is_bounded(what: str, user: int, outside: Path) -> None:
    code, due = UNCOUNTED[what]
    assert entered(outside, "full", user, code) == due


SHARED = (
    "import os\nx = bytearray(b'x') * 200_000_000\nimport time\nfor _ in range(8):\n    if os.fork() == 0:\n"
    "        time.sleep(1); os._exit(0)\n[os.wait() for _ in range(8)]\nprint('said')"
)


@needs_root
@pytest.mark.parametrize("user", [0, ORDINARY])
def test_without_a_control_group_what_forked_processes_share_counts_once(user: int, outside: Path) -> None:
    assert entered(outside, "full", user, SHARED) == "said"


@needs_root
def test_at_level_landlock_too_much_on_the_disk_ends_a_kernel(outside: Path) -> None:
    """There it is the machine's disk, so the monitor looks."""
    many = "import time\nfor n in range(2000): open(str(n), 'w').close()\ntime.sleep(30)\nprint('GOT')"
    large = "import time\nfor n in range(9): open(str(n), 'wb').write(bytes(5_000_000))\ntime.sleep(30)\nprint('GOT')"
    open_ = "import os, time\nfor n in range(9):\n    globals()[f'f{n}'] = f = open('x', 'wb'); os.remove('x')\n"
    nameless = open_ + "    f.write(bytes(5_000_000)); f.flush()\ntime.sleep(30)\nprint('GOT')"
    assert [entered(outside, "landlock", 0, code) for code in (many, large, nameless)] == ["227"] * 3


CHANGES = {
    "rights": "import os; os.chmod('{base}/open.txt', 0o600); os.fchmod(os.open('{base}/open.txt', 0), 0o600)",
    "attributes": "import os; os.setxattr('{base}/open.txt', 'user.x', b'x')",
    "times": "import os; os.utime('{base}/open.txt')",
    "content": "import os; os.truncate('{base}/open.txt', 0)",
}


@needs_root
@pytest.mark.parametrize("what", CHANGES)
def test_at_level_landlock_a_file_that_is_open_to_everybody_keeps_its(what: str, outside: Path) -> None:
    path = outside / "open.txt"
    path.write_text("mine")
    path.chmod(0o666)

    def seen() -> tuple[object, ...]:
        status = path.stat()
        return status.st_mode, status.st_mtime_ns, path.read_text(), os.listxattr(path)

    before = seen()
    entered(outside, "landlock", 0, CHANGES[what])
    assert seen() == before
    entered(outside, "none", 0, CHANGES[what])
    assert seen() != before


@needs_root
def test_at_level_landlock_a_copy_with_its_rights_is_no_error(outside: Path) -> None:
    assert entered(outside, "landlock", 0, "import shutil; print(shutil.copy2('data.txt', 'x'))") == "x"


@needs_root
def test_level_landlock_is_refused_to_the_graders_own_user(outside: Path) -> None:
    assert "your own user" in entered(outside, "landlock", ORDINARY, "print('GOT')")


@pytest.mark.parametrize(
    ("version", "own_user", "said"),
    [
        (0, False, "no Landlock"),
        (5, False, "Landlock 5"),
        (6, False, None),
        (9, False, None),
        (9, True, "your own user"),
    ],
)
def test_level_landlock_demands_a_version_and_says_which(version: int, own_user: bool, said: str | None) -> None:
    why = landlock.refusal(version, own_user)
    assert why is None if said is None else why is not None and said in why


def test_who_lets_go_of_anothers_parent_has_no_kernel_any_more_and_gets_no_other(
    kernels: Kernels, course: Course
) -> None:
    theirs = Kernels.at(kernels.socket, kernels.home)
    assert theirs is not None

    async def left() -> int | None:
        manager = WarmKernelManager()
        manager.plan = theirs.plan("full", LIMITS)
        await manager.start_kernel(cwd=str(course.folder))
        theirs.end()
        ended: int | None = await asyncio.wait_for(manager.provisioner.wait(), 30)
        await manager.cleanup_resources()
        return ended

    assert asyncio.run(left()) is not None
    with pytest.raises(OSError, match="have been ended"):
        theirs.refusal("full", LIMITS)
    assert not theirs.alive()
    assert kernels.refusal("full", LIMITS) is None


def test_a_parent_that_is_kept_is_found_where_another_would_start_as_it_did(
    tiny_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Kernels.kept(tmp_path, tiny_home) is None
    own = Kernels.started(tiny_home, tmp_path / "kernels.log", kept_socket(tmp_path, tiny_home))
    try:
        found = Kernels.kept(tmp_path, tiny_home)
        assert found is not None
        found.end()
        assert own.alive()
        assert [Kernels.kept(tiny_home, tiny_home), Kernels.kept(tmp_path, tmp_path)] == [None, None]
        for name in set(KEPT_VARIABLES) - {"LANG", "LC_ALL", "TZ"}:  # a kernel gets them with its request
            monkeypatch.setenv(name, "/elsewhere")
        assert Kernels.kept(tmp_path, tiny_home) is not None
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        assert Kernels.kept(tmp_path, tiny_home) is None
        monkeypatch.undo()
    finally:
        own.end()
    assert Kernels.kept(tmp_path, tiny_home) is None


def test_the_parent_of_kernels_has_one_thread(kernels: Kernels) -> None:
    assert len(list(Path(f"/proc/{kernels.pid}/task").iterdir())) == 1


# What code could tell students apart by, if it differed between two who handed in the same.
TELLS = {
    "where its folder is": "import os; print(os.getcwd(), os.path.realpath('.'), os.path.abspath('data.txt'))",
    "whose home it is": "import getpass, os; print(getpass.getuser(), os.path.expanduser('~'))",
    "the environment": "import os; print(sorted(os.environ.items()))",
    "the times of files": "import os; print([os.stat(p).st_mtime for p in ('.', 'data.txt', 'sub', 'sub/a.txt')])",
    "owners and modes": "import os; print([(s.st_mode, s.st_uid == os.getuid()) for s in map(os.stat, ('.', 'sub'))])",
    "the order of files": "import os; print(os.listdir('.'), os.listdir('sub'))",
    "the name of the machine": "import socket; print(socket.gethostname())",
    "the folders above": "import os; print(sorted(os.listdir('..')), sorted(os.listdir('/home')))",
    "the mounts": "print('anna' in open('/proc/self/mountinfo').read(), 'bjorn' in open('/proc/self/mountinfo').read())",
    "its own traces": "import sys; print([p for p in (*sys.argv[:1], *sys.path) if 'autograded' in p])",
}


@pytest.fixture(scope="module")
def told_apart(kernels: Kernels, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str]]:
    """What the same code says for two students who handed in the same files at other times."""
    said = []
    for number, (student, names) in enumerate((("anna", "abc"), ("bjorn", "cba"))):
        folder = tmp_path_factory.mktemp(student) / "autograded" / student / "chatbot"
        (folder / "sub").mkdir(parents=True)
        for name in names:
            (folder / "sub" / f"{name}.txt").write_text("x")
        (folder / "data.txt").write_text("x")
        os.utime(folder / "data.txt", (number + 1, number + 1))
        said.append(run(kernels, "full", folder, *TELLS.values()))
    return said[0], said[1]


@pytest.mark.parametrize("what", TELLS)
def test_code_cannot_tell_whose_submission_it_runs_in(told_apart: tuple[list[str], list[str]], what: str) -> None:
    one, other = (said[list(TELLS).index(what)] for said in told_apart)
    assert one == other
    assert one
    assert "anna" not in one


def test_no_two_kernels_have_one_user_whatever_numbers_their_processes_have(monkeypatch: pytest.MonkeyPatch) -> None:
    first = jail.FIRST_UID + os.getpid() % jail.UIDS
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(memory, "owners", lambda: {0, first, first + 1})
    assert jail.an_unprivileged_user()[0] not in {first, first + 1}
    monkeypatch.setattr(memory, "owners", lambda: {0})
    assert jail.an_unprivileged_user() == (first, first)


def test_the_users_who_have_processes_are_known() -> None:
    assert os.getuid() in memory.owners()
