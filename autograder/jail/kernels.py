"""The grader's end of the parent of all kernels: starts it or finds one that is kept, and asks it for kernels.

Nothing here needs jupyter_client, so that the parent can be at its imports while the grader is at its own.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from weakref import WeakSet

from autograder.jail.limits import Jail, Level, Limits
from autograder.jail.paths import KIT, readable
from autograder.jail.request import REQUEST, KernelRequest
from autograder.system.daemons import Daemon, runtime_folder

TRIAL_SECONDS = 30.0
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "AUTOGRADER_MODEL_HOME", "NBGRADER_EXECUTION", "NBGRADER_VALIDATING")
"""Variables of the grader's that a kernel gets; no others."""
FIXED_VARIABLES = {
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}


@dataclass(frozen=True)
class Plan:
    """How a kernel is to be made.

    Attributes:
        parent: of all kernels.
        read_only: what the kernel may read beside the system's libraries.
        host: the model host's socket for this notebook.
        groups: of the kernel's user, where the grader is root.
        models: folders of those that it will load, if that is known.
    """

    parent: Kernels
    level: Level
    limits: Limits
    read_only: tuple[str, ...] = ()
    host: str | None = None
    groups: tuple[int, ...] = ()
    models: tuple[str, ...] = ()

    def request(self, private: Path, folder: Path, argv: Sequence[str]) -> KernelRequest:
        """What the parent is asked for. `private` is the folder of the kernel's sockets, `folder` the submission's."""
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        jail = Jail(
            self.level, self.read_only, str(private), self.host, str(folder), self.limits, self.groups, (str(KIT),)
        )  # fmt: skip
        env = {**kept, **FIXED_VARIABLES, "HOME": str(private), "IPYTHONDIR": str(private / "ipython")}
        return KernelRequest(tuple(argv), env, jail, models=self.models)


class Kernels:
    """The parent of all kernels. Use `kept`, `at` or `started` to get one.

    Args:
        home: the model home: transformers reads where models are when it is imported.
        daemon: the process, where it is this handle's to end.
    """

    def __init__(self, home: Path, socket: Path, daemon: Daemon | None = None) -> None:
        self.home, self.socket, self._daemon = home.resolve(), socket, daemon
        self._forked: WeakSet[Forked] = WeakSet()
        self._turn, self._ended = threading.Lock(), False

    @classmethod
    def at(cls, socket: Path, home: Path) -> Kernels | None:
        """The one that another process has started there, if it answers."""
        there = cls(home, socket)
        return there if there.alive() else None

    @classmethod
    def kept(cls, course: Path, home: Path) -> Kernels | None:
        """The one that somebody keeps for this course (`autograder host`), if it answers."""
        return cls.at(kept_socket(course, home), home)

    @classmethod
    def started(cls, home: Path, log: Path, socket: Path | None = None, wait: bool = True) -> Kernels:
        """One of our own, which ends with this process. Raises HostLost where it does not start.

        Args:
            log: what it says goes there.
            socket: where it is to listen; in a folder of its own where None.
            wait: until it is ready; else call `ready` before anything is asked of it.
        """
        if socket is None:
            socket = Path(tempfile.mkdtemp(prefix="p", dir=runtime_folder())) / "parent.sock"
        else:
            socket.parent.mkdir(mode=0o700, exist_ok=True)
        command = [sys.executable, "-m", "autograder.jail.parent", "--socket", str(socket)]
        env = {**environment(home), "PATH": os.environ.get("PATH", os.defpath), "HOME": str(socket.parent)}
        kernels = cls(home, socket, Daemon("the parent of kernels", command, log, env))
        atexit.register(kernels.end)
        if wait:
            kernels.ready()
        return kernels

    def ready(self) -> None:
        """Returns when it takes requests. Raises HostLost where it does not come to that."""
        if self._daemon is not None:
            self._daemon.ready()

    def plan(self, level: Level, limits: Limits, host: str | None = None) -> Plan:
        """How a kernel is made that can read Python and the models."""
        group = self.home.stat().st_gid
        return Plan(self, level, limits, readable([str(self.home)]), host, (group,) if group else ())

    def refusal(self, level: Level, limits: Limits, must_read: Sequence[Path] = ()) -> str | None:
        """Why this machine cannot have kernels at this level, found by trying; None where it can.

        Args:
            must_read: files of the home without which no kernel is of use.
        """
        private = Path(tempfile.mkdtemp(prefix="t", dir=runtime_folder()))
        folder = private / "submission"
        folder.mkdir()
        reading, writing = os.pipe()
        try:
            request = self.plan(level, limits).request(private, folder, [])
            try:
                tried = self.fork(replace(request, trial=True, must_read=tuple(map(str, must_read))), writing)
            finally:
                os.close(writing)
            code = tried.wait(TRIAL_SECONDS)
            said = os.read(reading, 4096).decode(errors="replace") if code else ""
        finally:
            os.close(reading)
            shutil.rmtree(private, ignore_errors=True)
        return None if code == 0 else said.strip() or f"the trial ended with {code}"

    @property
    def pid(self) -> int:
        """Of one of our own."""
        assert self._daemon is not None
        return self._daemon.pid

    def alive(self) -> bool:
        """Whether it takes requests of ours."""
        if self._ended:
            return False
        if self._daemon is not None:
            return self._daemon.alive()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
            return asking.connect_ex(str(self.socket)) == 0

    def fork(self, request: KernelRequest, errors: int | None = None) -> Forked:
        """A kernel. Raises OSError where the parent has ended, or we have let go of it."""
        self._refuse_after_the_end()
        forked = Forked(self.socket, request, errors)
        with self._turn:
            self._forked.add(forked)
        try:
            self._refuse_after_the_end()
        except OSError:
            forked.let_go()
            raise
        return forked

    def _refuse_after_the_end(self) -> None:
        with self._turn:
            if self._ended:
                raise OSError("the kernels of this run have been ended")

    def end(self) -> None:
        """Ends the kernels that were forked for us, and the parent where it is one of our own."""
        with self._turn:
            self._ended, forked = True, list(self._forked)
        for each in forked:
            each.let_go()
        if self._daemon is not None:
            self._daemon.end()
            shutil.rmtree(self.socket.parent, ignore_errors=True)


def environment(home: Path) -> dict[str, str]:
    """The variables that libraries may read while a parent imports them; each kernel gets its own with the request for it."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
    return {**kept, **FIXED_VARIABLES, "HF_HOME": str(home.resolve())}


def kept_socket(course: Path, home: Path) -> Path:
    """Where the parent that is kept for a course and model home listens.

    The place is another one where Python, a package or this one has changed since, or its variables would be others: then the
    parent that is kept is not the one that would be started now. Who grades may have another PATH, and nbgrader's variables.
    """
    packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    code = [(str(path), path.stat().st_mtime_ns) for path in sorted([*KIT.rglob("*.py"), *map(Path, packages)])]
    state = [str(course.resolve()), sys.executable, sys.version, sorted(environment(home).items()), code]
    name = hashlib.sha256(json.dumps(state).encode()).hexdigest()[:16]
    return runtime_folder() / f"k{name}" / "parent.sock"


class Forked:
    """What `subprocess.Popen` is to an ordinary kernel, for a child of the parent of all kernels."""

    stdin = stdout = stderr = None

    def __init__(self, parent: Path, request: KernelRequest, errors: int | None = None) -> None:
        self.returncode: int | None = None
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.connect(str(parent))
        nowhere = os.open(os.devnull, os.O_WRONLY)  # a kernel has nothing to say to the grader's terminal
        files = array.array("i", [nowhere, nowhere if errors is None else errors])
        try:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)]
            self._connection.sendmsg([REQUEST.dump_json(request)], rights)
        finally:
            os.close(nowhere)
        told = self._connection.recv(4096)
        if not told:
            raise OSError("the parent of kernels closed the connection")
        self.pid: int = json.loads(told)["pid"]

    def let_go(self) -> None:
        """Has the parent end it, in whatever state it is. From any thread."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def poll(self) -> int | None:
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> int | None:
        if self.returncode is None and select.select([self._connection], [], [], timeout)[0]:
            told = b""
            with contextlib.suppress(OSError):
                told = self._connection.recv(4096)
            self.returncode = json.loads(told)["exit"] if told else -signal.SIGKILL
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.killpg(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)
