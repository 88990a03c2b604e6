"""Which submissions a run is at work on, so that one that was killed leaves nobody half graded.

A claim is a file that its run holds locked: the operating system lets go of the lock however the run ends. A claim that is
there and not locked is of a run that was cut short; what that run had made of the submission does not count.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Claim:
    """A submission that this process is at work on. Use `take` to get one.

    Attributes:
        left: what a run that was cut short was grading: "*" for the whole submission, or a notebook's name; None where
            there was no such run.
    """

    def __init__(self, path: Path, handle: int, left: str | None) -> None:
        self._path, self._handle, self.left = path, handle, left

    @classmethod
    def take(cls, path: Path, what: str) -> Claim | None:
        """Claims a submission; None while another run has it.

        Args:
            what: "*" or the name of a notebook. What a run left is kept until a whole submission has been graded.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return None
            if os.fstat(handle).st_nlink:
                break
            os.close(handle)  # its run has just ended well, and taken it away
        left = os.read(handle, 1000).decode(errors="replace") or None
        if left != "*":
            os.ftruncate(handle, 0)
            os.pwrite(handle, what.encode(), 0)
            os.fsync(handle)
        return cls(path, handle, left)

    def done(self, what: str) -> None:
        """Ends the claim: the submission, or this notebook of it, has been graded."""
        if self.left != "*" or what == "*":
            self._path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """Lets go of the submission as it is; another run will take it up."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def cut_short(folder: Path) -> list[str]:
    """The names of the claims in a folder that no run holds."""
    found = []
    for path in sorted(folder.glob("*")):
        handle = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            found.append(path.name)
        except BlockingIOError:
            pass
        finally:
            os.close(handle)
    return found
