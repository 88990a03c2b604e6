"""The parent of all kernels: `python -m autograder.jail.parent`. It imports what kernels need once, and forks.

It has exactly one thread, since a fork takes only the thread that asks for it; a clean environment, since a kernel can
read the one that its parent began with; and no weights. A kernel ends when its connection closes or this process does.
"""

from __future__ import annotations

import argparse
import array
import contextlib
import ctypes
import errno
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from autograder.jail.calls import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, JailError
from autograder.jail.cgroup import REMOVING_SECONDS, Group, Groups
from autograder.jail.jail import Close, enter
from autograder.jail.memory import children
from autograder.jail.request import REQUEST, KernelRequest

MAX_REQUEST = 1 << 17
AHEAD = "autograder.kernel.ahead"
"""Does, in the parent, what kernels else would each do for themselves."""
IMPORTS = (
    "pyseccomp", "numpy", "torch", "transformers", "langchain_core.prompts", "langchain_core.messages",
    "langchain_core.output_parsers", "langchain_core.runnables", "langchain_core.chat_history",
    "langchain_core.runnables.history", "langchain_community.llms.huggingface_pipeline", "langchain_huggingface",
    "transformers.pipelines", "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto", "accelerate", "transformers.models.llama.modeling_llama",
    "transformers.models.gemma3.modeling_gemma3", "ipykernel.ipkernel", "ipykernel.kernelapp", "ipykernel.zmqshell",
    "ipykernel.debugger", "IPython.core.completer", "IPython.core.magics", "matplotlib.pyplot",
    "matplotlib_inline.backend_inline", "IPython.core.completerlib", "IPython.core.debugger", "IPython.core.logger",
    "IPython.core.oinspect", "IPython.extensions.storemagic", "sqlite3", "stack_data", "pygments.formatters.terminal256",
    "pygments.lexers.python", "tornado.platform.asyncio", "langchain_core.env", "langchain_core.prompts.chat",
    "langchain_core.output_parsers.string", "langchain_core.tracers.context", "langchain_core.tracers.langchain",
    "langchain_core.tracers.run_collector", "langchain_core.tracers.stdout", "langsmith.run_helpers",
    "autograder.kernel.notebook", "autograder.kernel.notebook_tools", "autograder.kernel.temperature_picture", AHEAD,
)  # fmt: skip
"""What a notebook of the course imports. A kernel imports anything else by itself."""


@dataclass
class Child:
    """A kernel that has been forked, its control group if any, and the connection of whoever asked for it."""

    pid: int
    connection: socket.socket
    group: Group | None


def prepare() -> None:
    """Imports, and leaves nothing behind that a fork must not inherit."""
    gc.disable()  # nothing that is imported is garbage; to look for some costs a fifth of the time
    import warnings

    shown, warnings.showwarning = warnings.showwarning, lambda *_, **__: None
    import tqdm

    tqdm.tqdm.monitor_interval = 0  # it would start a thread
    import torch

    torch.set_num_threads(1)
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # ipykernel would have it bind a TCP port
    for name in IMPORTS:
        importlib.import_module(name)
    importlib.import_module("transformers").AutoModelForCausalLM  # noqa: B018  (looked up late)
    importlib.import_module("transformers").pipeline  # noqa: B018
    importlib.import_module(AHEAD).fill_caches()
    del sys.modules["debugpy"]
    warnings.showwarning = shown
    if (number := threads()) != 1:
        raise SystemExit(f"the parent of kernels must have one thread, and has {number}")
    gc.freeze()  # without looking for garbage first: that takes half a second, and frees nothing that counts
    gc.enable()


def threads() -> int:
    """How many this process has."""
    return len(os.listdir("/proc/self/task"))


def read_ahead(stock: Any) -> None:
    """Has a stock read one tokenizer more, and tells where that has begun a thread, which no fork would have."""
    stock.read_one()
    if (number := threads()) != 1:
        print(
            f"the parent of kernels must have one thread, and has {number} since it read a tokenizer", file=sys.stderr
        )


class Parent:
    """Serves requests for kernels, one at a time.

    Args:
        path: where to listen, a Unix socket of packets (SOCK_SEQPACKET).
        above: the pipe whose other end our own parent holds.
    """

    def __init__(self, path: Path, above: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._children: dict[int, Child] = {}
        self._asked: dict[socket.socket, Child] = {}
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path.unlink(missing_ok=True)
        self._listening.bind(str(path))
        path.chmod(0o600)
        self._listening.listen(64)
        self._above = above
        self._groups = Groups()
        self._stock: Any = importlib.import_module(AHEAD).stock()
        self._wake, self._woken = os.pipe()
        for end in (self._wake, self._woken):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what a kernel leaves behind comes to us

    def serve(self) -> None:
        """Until our own parent is gone; then every kernel ends too."""
        on = self._selector.register
        on(self._listening, selectors.EVENT_READ, self._accept)
        on(self._wake, selectors.EVENT_READ, self._reap)
        on(self._above, selectors.EVENT_READ, self._end)
        print("ready", flush=True)
        while True:
            ready = self._selector.select(None if self._stock.complete else 0)
            for key, _ in ready:
                with contextlib.suppress(OSError):
                    key.data(key.fileobj)
            if not ready:
                read_ahead(self._stock)

    def _accept(self, listening: socket.socket) -> None:
        connection, _ = listening.accept()
        self._selector.register(connection, selectors.EVENT_READ, self._hear)

    def _reap(self, wake: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(wake, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                self._end_orphans()
                return
            child = self._children.pop(pid, None)
            if child is not None:
                self._asked.pop(child.connection, None)
                kill_group(pid)  # whatever it has left running
                self._groups.done(child.group)
                with contextlib.suppress(OSError):
                    child.connection.send(json.dumps({"exit": os.waitstatus_to_exitcode(status)}).encode())
                self._drop(child.connection)

    def _end_orphans(self) -> None:
        """Ends processes that outlived their kernel: children that we adopted and did not fork."""
        for pid in set(children().get(os.getpid(), [])) - set(self._children):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def _drop(self, connection: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection)
        connection.close()

    def _hear(self, connection: socket.socket) -> None:
        """A request, or the end of a connection: then its kernel ends."""
        try:
            message, ancillary, _, _ = connection.recvmsg(MAX_REQUEST, socket.CMSG_SPACE(2 * array.array("i").itemsize))
        except OSError:
            message, ancillary = b"", []
        files = array.array("i")
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                files.frombytes(data)
        if not message:
            child = self._asked.pop(connection, None)
            self._drop(connection)
            if child is not None:
                end_kernel(child.pid)
            return
        request = REQUEST.validate_json(message)
        self._stock.want(request.models)
        read_ahead(self._stock)  # at most one, so that nobody waits long
        group = self._groups.new() if request.jail.level != "none" else None
        pid = os.fork()
        if pid == 0:
            self._become(request, list(files), group)
        for file in files:
            os.close(file)
        child = Child(pid, connection, group)
        self._children[pid] = self._asked[connection] = child
        connection.send(json.dumps({"pid": pid}).encode())

    def _become(self, request: KernelRequest, files: list[int], group: Group | None) -> NoReturn:
        """In the child: a kernel, until it ends."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            run_kernel(request, files, group)
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
        except JailError as error:
            os.write(2, str(error.strerror).encode())
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _end(self, above: int) -> NoReturn:
        for child in self._children.values():
            end_kernel(child.pid)
            self._groups.done(child.group)
        self._groups.clear(REMOVING_SECONDS)
        os._exit(0)


def run_kernel(request: KernelRequest, files: list[int], group: Group | None) -> None:
    """Turns a forked child into an ordinary ipykernel.

    Args:
        files: for stdout and stderr.
        group: for this kernel alone.
    """
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(files[0], 1)
    os.dup2(files[1], 2)
    os.closerange(3, 4096)
    os.environ.clear()
    os.environ.update(request.env)
    close = enter(request.jail, group)
    if request.trial:
        close()
        refuse_unreadable(request.must_read)
        return
    if request.jail.level == "landlock":
        do_without_pipe()
    reseed()
    sys.argv = ["ipykernel_launcher.py", *request.argv]
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115
    kernel_app(close).launch_instance(argv=list(request.argv))


def kernel_app(close: Close) -> Any:
    """ipykernel, which closes the folder of its sockets before anything can be imported from the student's folder."""
    ordinary: Any = importlib.import_module("ipykernel.kernelapp").IPKernelApp

    class KernelApp(ordinary):  # type: ignore[misc]
        def init_path(self) -> None:  # the first step after the sockets are bound
            close()
            sys.path.insert(0, "")
            super().init_path()

    return KernelApp


def refuse_unreadable(paths: Sequence[str]) -> None:
    """Raises JailError for a file that a kernel could not read: every right answer would fail."""
    unreadable = [path for path in paths if not os.access(path, os.R_OK)]
    if unreadable:
        raise JailError(
            errno.EACCES, f"{unreadable[0]} cannot be read by another user than the grader (chmod -R o+rX?)"
        )


def do_without_pipe() -> None:
    """Has ipykernel not listen on TCP for what forked processes print."""
    app: Any = importlib.import_module("ipykernel.kernelapp")
    ordinary: Any = app.IOPubThread

    class Thread(ordinary):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "pipe": False})

    app.IOPubThread = Thread


def reseed() -> None:
    """Reseeds a fork, which has its parent's random numbers; torch gets the seed that it always begins with."""
    import random

    import numpy as np
    import torch

    torch.manual_seed(torch.Generator().initial_seed())
    random.seed()
    np.random.seed(int.from_bytes(os.urandom(4), "little"))


def kill_group(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def end_kernel(pid: int) -> None:
    """Ends a child that has not been waited for, with its group, which it may not lead yet."""
    kill_group(pid)
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def main() -> None:
    """Parses, imports, serves."""
    parser = argparse.ArgumentParser(prog="autograder.jail.parent", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--parent", type=int, required=True)
    given = parser.parse_args()
    prepare()
    Parent(given.socket, given.parent).serve()


if __name__ == "__main__":
    main()
