"""The gate between a kernel's sockets and the grader's: whole messages of a bounded size pass, and no more than are read.

ZMQ bounds a frame; it bounds neither the frames of a message nor the bytes that wait for their reader, so that a kernel could
fill the grader's memory. Here a message that is too large is left out and counted, and a line that speaks anything but ZMTP 3
(https://rfc.zeromq.org/spec/23/) ends. A line that has ended does not begin again. One thread for each kernel.
"""

from __future__ import annotations

import contextlib
import functools
import os
import selectors
import shutil
import socket
import struct
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

MAX_MESSAGE = 16 * 10**6
"""Bytes of a message, all its frames together."""
MAX_FRAMES = 200
AHEAD = 500
"""Messages that wait for the grader to read them, at most; of `MAX_MESSAGE` bytes together, or one."""
MAX_COMMAND = 1 << 16
GREETING, SIGNATURE, VERSION, MECHANISM = 64, (0xFF, 0x7F), 3, b"NULL".ljust(20, b"\0")
MORE, LONG, COMMAND = 1, 2, 4
"""Flags of a frame."""
CHUNK = 1 << 18
TRY_AGAIN_SECONDS = 0.005
"""How often it is tried to reach a kernel that has not begun to listen."""


class NoProtocol(ValueError):
    """What a kernel wrote is no ZMTP 3."""


class Messages:
    """Makes whole messages of the bytes that a kernel writes.

    Attributes:
        left_out: how many were too large.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self._greeting, self._buffer = bytearray(), bytearray()
        self._leaves_out = self._more = False
        self._at = self._frames = self._skip = 0

    def fed(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """What may pass once these bytes have come: pieces, and of each whether it is a message. Raises NoProtocol.

        Of what has come, what is not asked for is kept for the next call.
        """
        greeting = data[: GREETING - len(self._greeting)]
        if greeting:  # piece by piece: each side waits for the other's
            self._greeting += greeting
            yield greeting, False
            self._refuse_other_protocols()
        self._buffer += data[len(greeting) :]
        while self._skipped() and (frame := self._header()) is not None:
            flags, start, size = frame
            self._more = bool(flags & MORE)
            if flags & COMMAND and (self._at or self._more or size > MAX_COMMAND):
                raise NoProtocol("a command that is none")
            if self._leaves_out or start + size > MAX_MESSAGE or self._frames == MAX_FRAMES:
                del self._buffer[:start]
                self._at, self._skip, self._leaves_out = 0, size, True
            elif len(self._buffer) < start + size:
                return
            else:
                self._at, self._frames = start + size, self._frames + 1
                if not self._more:
                    whole = bytes(self._buffer[: self._at])
                    del self._buffer[: self._at]
                    self._at = self._frames = 0
                    yield whole, not flags & COMMAND

    def _refuse_other_protocols(self) -> None:
        """Older ones have frames of another form."""
        told = self._greeting
        whole = len(told) == GREETING
        if whole and ((told[0], told[9]) != SIGNATURE or told[10] != VERSION or told[12:32] != MECHANISM):
            raise NoProtocol("a greeting of another protocol")

    def _skipped(self) -> bool:
        """Whether nothing more has to be skipped of a frame that is left out."""
        piece = min(self._skip, len(self._buffer))
        del self._buffer[:piece]
        self._skip -= piece
        if self._leaves_out and not self._skip and not self._more:
            self._leaves_out, self._frames, self.left_out = False, 0, self.left_out + 1
        return not self._skip

    def _header(self) -> tuple[int, int, int] | None:
        """Of the next frame: flags, where its body begins, and how many bytes that has; None where that is still to come."""
        head = self._buffer[self._at : self._at + 9]
        if len(head) < 2 or (head[0] & LONG and len(head) < 9):
            return None
        if head[0] & LONG:
            return head[0], self._at + 9, struct.unpack("!Q", head[1:9])[0]
        return head[0], self._at + 2, head[1]


class Line:
    """One of a kernel's sockets, and the grader's one connection to it.

    Args:
        own: where the grader connects.
        kernel: where the kernel listens.

    Attributes:
        ends: the grader's, then the kernel's, as far as they are there.
        has_more: whether something has come that may pass as soon as the grader has read.
        is_paused: whether nothing is read of the kernel.
    """

    def __init__(self, own: str, kernel: str) -> None:
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(own)
        self.listening.listen(1)
        self.ends: list[socket.socket] = []
        self.has_more = self.is_paused = False
        self.messages = Messages()
        self._kernel_path = kernel
        self._waiting: deque[int] = deque()
        self._passed = self._taken = 0

    @property
    def is_full(self) -> bool:
        """Whether the grader has to read before anything more passes."""
        return len(self._waiting) >= AHEAD or self._passed - self._taken >= MAX_MESSAGE

    def taken(self) -> None:
        """The grader has read a message. In the grader's thread."""
        with contextlib.suppress(IndexError):
            self._taken += self._waiting.popleft()

    def accept(self) -> None:
        self.ends.append(self.listening.accept()[0])

    def reach(self) -> bool:
        """Connects to the kernel; False where it does not listen yet."""
        kernel = socket.socket(socket.AF_UNIX)
        kernel.setblocking(False)  # a kernel that takes no more connections is tried again
        if kernel.connect_ex(self._kernel_path):
            kernel.close()
            return False
        kernel.setblocking(True)
        self.ends.append(kernel)
        return True

    def up(self) -> bool:
        """Passes on what the grader writes; False where it has closed its end."""
        data = self.ends[0].recv(CHUNK)
        self.ends[1].sendall(data)
        return bool(data)

    def down(self) -> bool:
        """Passes on what the kernel writes; False where it has closed its end. Raises NoProtocol."""
        data = self.ends[1].recv(CHUNK)
        return self.pass_on(data) and bool(data)

    def pass_on(self, data: bytes = b"") -> bool:
        """Passes on what has come, and these bytes, until the grader has to read. Raises NoProtocol."""
        for piece, is_message in self.messages.fed(data):
            if is_message:
                self._waiting.append(len(piece))
                self._passed += len(piece)
            self.ends[0].sendall(piece)
            if self.is_full:
                self.has_more = True
                return True
        self.has_more = False
        return True

    def shut(self) -> None:
        """Has whatever waits for an end go on. From any thread."""
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for end in (self.listening, *self.ends):
            end.close()


class Gate:
    """All lines of one kernel, from now until `close`.

    Args:
        ip: what the kernel's sockets are called, without their numbers.
        ports: these, by channel.
        runtime: a folder for the grader's own sockets.

    Attributes:
        ip: as that of the kernel's sockets, of those to which the grader connects.
    """

    def __init__(self, ip: str, ports: Mapping[str, int], runtime: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="g", dir=runtime))
        self.ip = str(self._folder / "s")
        self._lines = {name: Line(f"{self.ip}-{port}", f"{ip}-{port}") for name, port in ports.items()}
        self._unreached: list[Line] = []
        self._ended = False
        self._woken, self._wake = os.pipe()
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._run, name="gate", daemon=True)
        self._thread.start()

    @property
    def left_out(self) -> int:
        """How many messages were too large."""
        return sum(line.messages.left_out for line in self._lines.values())

    def taken(self, channel: str) -> None:
        """The grader has read a message of a channel."""
        line = self._lines[channel]
        line.taken()
        if line.is_paused and not self._ended:
            os.write(self._wake, b"\0")

    def close(self) -> None:
        """Ends all lines. A second call does nothing."""
        if self._ended:
            return
        self._ended = True
        os.write(self._wake, b"\0")
        for line in self._lines.values():
            line.shut()
        self._thread.join()
        for line in self._lines.values():
            line.close()
        self._selector.close()
        os.close(self._wake)
        os.close(self._woken)
        shutil.rmtree(self._folder, ignore_errors=True)

    # --- In its thread ---

    def _run(self) -> None:
        self._on(self._woken, self._resume)
        for line in self._lines.values():
            self._on(line.listening, self._accept, line)
        while not self._ended:
            self._unreached = [line for line in self._unreached if not self._reach(line)]
            for key, _ in self._selector.select(TRY_AGAIN_SECONDS if self._unreached else None):
                key.data()

    def _on(self, file: int | socket.socket, call: Callable[..., None], *args: object) -> None:
        self._selector.register(file, selectors.EVENT_READ, functools.partial(call, *args))

    def _off(self, file: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):  # it is off, or closed
            self._selector.unregister(file)

    def _accept(self, line: Line) -> None:
        line.accept()
        self._off(line.listening)
        line.listening.close()
        self._unreached.append(line)

    def _reach(self, line: Line) -> bool:
        if not line.reach():
            return False
        self._on(line.ends[0], self._pass, line, line.up)
        self._on(line.ends[1], self._pass, line, line.down)
        return True

    def _pass(self, line: Line, way: Callable[[], bool]) -> None:
        try:
            goes_on = way()
        except (OSError, NoProtocol):
            goes_on = False
        if not goes_on:
            for end in line.ends:
                self._off(end)
                end.close()
            line.is_paused = False  # nothing is to go on
        elif line.has_more and not line.is_paused:
            self._off(line.ends[1])
            line.is_paused = True
            os.write(self._wake, b"\0")  # it may have been read meanwhile

    def _resume(self) -> None:
        """Goes on with lines that have been paused and are not full any more."""
        os.read(self._woken, 4096)
        for line in self._lines.values():
            if line.is_paused and not line.is_full:
                line.is_paused = False
                self._on(line.ends[1], self._pass, line, line.down)
                self._pass(line, line.pass_on)
