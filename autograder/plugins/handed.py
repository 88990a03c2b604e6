"""What lies in the exchange's inbound folder: whose hand-in it is, made when, and whether it is its student's own.

A name there is a stranger's word. Who owns the folder, and when it changed, is the file system's.
"""

from __future__ import annotations

import pwd
import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nbgrader.utils import parse_utc

from autograder.facts.verdict import Sentence
from autograder.submissions import hand_in
from autograder.words.hand_in import HAND_IN

GRACE = 600.0
"""Seconds after the time that a submission states, in which it may still be changing: a large one is being copied."""

AHEAD = timedelta(days=1)
"""No name is further ahead of the file system's time."""
FIRST_YEAR = 1970
"""Of the file system's time; times near the ends of the calendar are in no zone but their own."""


@dataclass(frozen=True)
class Handed:
    """A submission in the exchange, by what its name says.

    Attributes:
        changed: when the file system last saw its folder change, which nobody can set.
        whole: whether handing it in has ended: nbgrader opens the folder for all as its last step.
    """

    path: Path
    student: str
    moment: datetime
    changed: datetime
    whole: bool

    @property
    def counted(self) -> datetime:
        """The moment that decides which day it is of: what the name says, where that can be."""
        return self.moment if 0 <= (self.changed - self.moment).total_seconds() <= GRACE else self.changed

    @property
    def unlike(self) -> datetime | None:
        """When the folder changed, where that is not about when its name says; two machines' clocks may differ a little."""
        return self.changed if abs((self.changed - self.moment).total_seconds()) > GRACE else None

    @property
    def record(self) -> dict[str, Any]:
        """As nbgrader has it: times are in UTC, and do not say so."""
        return {
            "username": self.student,
            "filename": self.path.name,
            "timestamp": self.moment.replace(tzinfo=None),
        }


def handed(path: Path, assignment: str, check_owner: bool) -> Handed | Sentence | None:
    """A submission of an assignment, or why it is refused; None for anything else.

    Args:
        path: in the inbound folder.
        check_owner: whether it must be of the student's own account.
    """
    parts = re.fullmatch(rf"(?P<student>[^.].*)\+{re.escape(assignment)}\+(?P<moment>[^+]+)(\+[^+]*)?", path.name)
    if parts is None:
        return None
    shown = hand_in.listed([path.name])
    try:
        moment = parse_utc(parts["moment"]).replace(tzinfo=UTC)
        status = path.lstat()
    except (ValueError, OverflowError, OSError):
        return HAND_IN["no-name"].fill(name=shown)
    changed = datetime.fromtimestamp(status.st_ctime, UTC)
    if not stat.S_ISDIR(status.st_mode):
        return HAND_IN["no-folder"].fill(name=shown)
    owner = account(status.st_uid)
    if check_owner and owner != parts["student"]:
        student = hand_in.listed([parts["student"]])
        return HAND_IN["stranger"].fill(name=shown, student=student, owner=owner)
    if moment.year < FIRST_YEAR or moment - changed > AHEAD:
        return HAND_IN["no-name"].fill(name=shown)
    whole = status.st_mode & 0o777 == 0o777 or (datetime.now(UTC) - min(moment, changed)).total_seconds() > GRACE
    return Handed(path, parts["student"], moment, changed, whole)


def account(uid: int | None) -> str:
    """The name of a user id, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name if uid is not None else ""
    except KeyError:
        return str(uid)
