"""The grader's side of the model host: finds one that is kept, or starts one that ends with this process.

`Host` is a handle on the process, `NotebookSession` on one notebook that it serves. Both raise HostLost where the host does not
answer; the caller decides what that means for a verdict.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from autograder.errors import HostLost
from autograder.facts.transcript import Message, Rendering, Transcript
from autograder.protocol import wire
from autograder.protocol.line import Line
from autograder.protocol.wire import Reply
from autograder.system.daemons import Daemon, runtime_folder

ANSWER_SECONDS = 600.0
"""After so long without an answer a host is taken for lost."""


def socket_of(course: Path, home: Path) -> Path:
    """Where a host that is kept for this course and model home listens."""
    name = hashlib.sha256(f"{course.resolve()} {home.resolve()}".encode()).hexdigest()[:16]
    return runtime_folder() / name / "host.sock"


def memory_folder(course: Path) -> Path:
    """Where a course's answers are remembered."""
    return course / ".autograder" / "answers"


def server_command(course: Path, home: Path, threads: int, socket: Path) -> list[str]:
    """The command that a host is, without what ends it."""
    command = [sys.executable, "-W", "ignore", "-m", "autograder.host.server", "--socket", str(socket)]
    return [
        *command, "--home", str(home.resolve()), "--memory", str(memory_folder(course)), "--threads", str(threads)
    ]  # fmt: skip


class Host:
    """A model host that answers, whichever thread asks. Use `kept` or `started` to get one.

    Args:
        daemon: the process, where it is this handle's to end.
    """

    def __init__(self, socket: Path, daemon: Daemon | None = None) -> None:
        self.socket, self._daemon, self._turn = socket, daemon, threading.Lock()
        self._let_go = False
        self._line: Line | None = None

    def _another_line(self) -> Line:
        return Line(str(self.socket), timeout=ANSWER_SECONDS)

    @classmethod
    def kept(cls, course: Path, home: Path) -> Host | None:
        """The host that somebody keeps for this course (`autograder host`), if it answers."""
        try:
            host = cls(socket_of(course, home))
            host.status()
        except HostLost:
            return None
        return host

    @classmethod
    def started(
        cls,
        course: Path,
        home: Path,
        threads: int = 1,
        shared: bool = False,
        wait: bool = True,
        first: str = "",
        batch: int | None = None,
    ) -> Host:
        """A host of our own, which ends with this process. Raises HostLost with what it said when it does not start.

        Args:
            shared: have it where `kept` finds it, for the processes that this one starts.
            wait: until it is ready; else call `ready` before anything is asked of it.
            first: a model to load at once; where it is empty, what generates starts when a model is first asked.
            batch: rows of one batch at most; 1 has every request go alone, None leaves it to the host.
        """
        if shared:
            socket = socket_of(course, home)
            socket.parent.mkdir(mode=0o711, exist_ok=True)
        else:
            socket = Path(tempfile.mkdtemp(prefix="h", dir=runtime_folder())) / "host.sock"
            socket.parent.chmod(0o711)  # a kernel of another user passes through it to its own socket
        log = course / ".autograder" / "host.log"
        command = [*server_command(course, home, threads, socket), "--first", first]
        command += ["--batch", str(batch)] if batch is not None else []
        host = cls(socket, Daemon("the model host", command, log))
        atexit.register(host.end)
        if wait:
            host.ready()
        return host

    def ready(self) -> None:
        """Returns when it answers. Raises HostLost, with what it said, where it does not come to that."""
        if self._daemon is not None:
            self._daemon.ready()

    def ask(self, frame: wire.Frame) -> Reply:
        """One question about the host itself, on another line where the last one has ended."""
        with self._turn:
            if self._line is None or (self._line.ended and not self._let_go):
                self._line = self._another_line()
            line = self._line
        return asked(line, frame)

    def open(self, wanted: wire.Open) -> NotebookSession:
        """A notebook, on a line of its own: what goes wrong there concerns no other one."""
        return NotebookSession(self._another_line(), wanted)

    def status(self) -> wire.Counts:
        counts = self.ask(wire.Status())
        assert isinstance(counts, wire.Counts)
        return counts

    def alive(self) -> bool:
        try:
            self.status()
        except HostLost:
            return False
        return True

    def stop(self) -> None:
        """Ends the host, whoever started it."""
        with contextlib.suppress(HostLost):
            self.ask(wire.Stop())
        self.end()

    def end(self) -> None:
        """Lets go of the host; one of our own ends."""
        self._let_go = True
        if self._line is not None:
            self._line.close()
        if self._daemon is not None:
            self._daemon.end()
            self._daemon = None
            shutil.rmtree(self.socket.parent, ignore_errors=True)


class NotebookSession:
    """One notebook that the host serves, from the grader's side; it ends with its line.

    Args:
        line: to the grader's socket, of this notebook alone.

    Attributes:
        socket: for the notebook's kernel.
        models: the snapshot folder of each model, by name.
    """

    def __init__(self, line: Line, wanted: wire.Open) -> None:
        self._line = line
        opened = asked(line, wanted)
        assert isinstance(opened, wire.Opened)
        self._id, self.socket, self.models = opened.notebook, opened.socket, opened.models

    def cell(self, cell: str | None) -> None:
        """Tells which cell is running from now on."""
        asked(self._line, wire.Cell(notebook=self._id, cell=cell))

    def challenge(self, check: str | None) -> int:
        """From now on requests belong to this check, or to nobody's. Answers how many there have been."""
        done = asked(self._line, wire.Challenge(notebook=self._id, check=check))
        assert isinstance(done, wire.Done)
        return done.seen

    def transcript(self) -> Transcript:
        told = asked(self._line, wire.Read(notebook=self._id))
        assert isinstance(told, wire.Told)
        return told.transcript

    def render(self, models: Iterable[str], conversations: Iterable[tuple[Message, ...]]) -> tuple[Rendering, ...]:
        """What each model's chat template makes of each conversation."""
        rendered = asked(self._line, wire.Render(models=list(models), conversations=list(conversations)))
        assert isinstance(rendered, wire.Rendered)
        return rendered.renderings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(HostLost):
            asked(self._line, wire.Close(notebook=self._id))
        self._line.close()


def asked(line: Line, frame: wire.Frame) -> Reply:
    """A reply that is no refusal. Raises HostLost for one that is."""
    reply = line.ask(frame)
    if isinstance(reply, wire.Refused):
        raise HostLost(f"the model host refused: {reply.message}")
    return reply
