"""The exceptions of this package, drawn as one tree.

They are for mistakes of the instructor, of the machine and of ours. What a student's code can cause is never an
exception here: it is a value (see `verdict.py` and `evidence.py`).

    AutograderError
    ├── ProfileError        course.toml or a frozen profile cannot be used
    ├── ContractError       the source notebooks do not keep to the contract
    ├── StandInError        the embedded model could not be fetched, checked or laid out
    ├── NotReady            grading cannot begin: no release, no models, no gradebook
    │   └── Damaged         a record of one student's cannot be read
    ├── HostLost            the model host does not answer
    ├── NotJudged           the grader's own side failed while judging a submission
    ├── NotSettled          feedback or export was asked for while a verdict is open
    └── RosterError         the roster for an export to Canvas cannot be relied on
"""

from __future__ import annotations


class AutograderError(Exception):
    """Root of every exception that this package raises on purpose."""


class ProfileError(AutograderError):
    """The profile has an unknown key, a wrong type or an impossible value; the message names the key."""


class ContractError(AutograderError):
    """A source notebook lacks a cell, has one too many, or marks it wrongly."""


class StandInError(AutograderError):
    """The embedded model could not be fetched, checked, converted or laid out; nothing half-written remains."""


class NotReady(AutograderError):
    """Grading cannot begin on this machine; the message says what is missing and what to do."""


class Damaged(NotReady):
    """A record or an overrides file cannot be read as what it should be; the others are not concerned."""


class HostLost(AutograderError):
    """The model host does not answer: it could not be started, or it died."""


class NotJudged(AutograderError):
    """The grader's side failed on a submission: no score is due until it has been run again."""


class NotSettled(AutograderError):
    """Feedback or export waits for verdicts that are `not judged`; the message lists them."""


class RosterError(AutograderError):
    """The roster for an export to Canvas cannot be read; the message names the line, and what is valid there."""
