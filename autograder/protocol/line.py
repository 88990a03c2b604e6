"""A connection to the model host: one frame there, one back."""

from __future__ import annotations

import secrets
import socket
import threading

from autograder.errors import HostLost
from autograder.protocol.wire import HEADER, MAX_REPLY, Frame, FromHost, Reply, packed


class Line:
    """A blocking connection to the host's socket: one frame there, one back, one thread at a time.

    It closes at its first error: a reply that comes later would answer a question that nobody asks any more.

    Raises HostLost where the host does not answer, or answers what was not asked.
    """

    def __init__(self, path: str, timeout: float | None = None) -> None:
        self._turn, self._number = threading.Lock(), secrets.randbits(31)
        self._why = ""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise HostLost(f"the model host does not answer at {path}: {error}") from error

    @property
    def ended(self) -> bool:
        return bool(self._why)

    def ask(self, frame: Frame) -> Reply:
        with self._turn:
            if self._why:
                raise HostLost(f"this connection to the model host has ended: {self._why}")
            try:
                return self._asked(frame)
            except BaseException as error:  # an interrupt, too, leaves a reply behind that is still to come
                self._end(f"{type(error).__name__}: {error}")
                if isinstance(error, OSError | ValueError):
                    raise HostLost(f"the model host stopped answering: {error}") from error
                raise

    def _asked(self, frame: Frame) -> Reply:
        self._number += 1
        number = self._number % 2**32
        self._socket.sendall(packed(frame, number))
        length, answered = HEADER.unpack(self._exactly(HEADER.size))
        if answered != number:
            raise HostLost(f"the model host answered frame {answered}; {number} was asked")
        if length > MAX_REPLY:
            raise HostLost(f"the model host answered with {length} bytes, more than {MAX_REPLY}")
        return FromHost.validate_json(self._exactly(length))

    def _exactly(self, count: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < count:
            piece = self._socket.recv(min(count - len(pieces), 1 << 20))
            if not piece:
                raise HostLost("the model host closed the connection")
            pieces += piece
        return bytes(pieces)

    def _end(self, why: str) -> None:
        self._why = self._why or why
        self._socket.close()

    def close(self) -> None:
        self._end("it was closed")
