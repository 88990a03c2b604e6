"""Helper processes of the grader's, which end with the process that started them.

Each watches one end of a pipe: when the other end closes, its parent has ended. Each prints `ready` once; its parent can do
other work until then.
"""

from __future__ import annotations

import os
import select
import stat
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from autograder.errors import HostLost

START_SECONDS = 60.0


def runtime_folder() -> Path:
    """A folder that only this user can list or write, with a path short enough for sockets.

    Others can pass through it, since a kernel of another user must find its own sockets; what is in it is closed to them.

    Raises HostLost where somebody else has made it, or it cannot be made.
    """
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    folder = base / f"llm-autograder-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700)  # closed from the start
        folder.chmod(0o711)  # whatever the umask
    except FileExistsError:
        pass
    except OSError as error:
        raise HostLost(
            f"{folder} cannot be made ({error.strerror}); set XDG_RUNTIME_DIR to a folder of your own, or unset it"
        ) from error
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o066:
        raise HostLost(f"{folder} must be a folder of your own that nobody else can list or write; move it away")
    return folder


class Daemon:
    """A helper process that has been started. `--parent FD`, the end of the pipe that it watches, is added to its command."""

    def __init__(self, what: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        theirs, ours = os.pipe()
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                [*command, "--parent", str(theirs)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, pass_fds=[theirs], text=True,
                start_new_session=True, env=env,
            )  # fmt: skip
        os.close(theirs)
        self._what, self._log = what, log
        self._pipe: int | None = ours
        self._is_ready, self._waiting = False, threading.RLock()

    def ready(self) -> None:
        """Waits until it is ready. Raises HostLost, with the end of its log, where it does not get ready."""
        with self._waiting:
            out = self._process.stdout
            assert out is not None
            if self._is_ready:
                return
            if out.closed or not select.select([out], [], [], START_SECONDS)[0] or out.readline() != "ready\n":
                self.end()
                tail = " / ".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:])
                raise HostLost(f"{self._what} could not be started; {self._log} ends with: {tail}")
            self._is_ready = True

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self, seconds: float = 10.0) -> None:
        """Closes the pipe and waits; kills the process after the timeout, or at once where it is not ready yet.

        A thread that waits until it is ready is told that it has ended.
        """
        if not self._is_ready:  # still importing: it does not watch the pipe yet
            self._process.kill()
        with self._waiting:
            if self._pipe is not None:
                os.close(self._pipe)
                self._pipe = None
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
