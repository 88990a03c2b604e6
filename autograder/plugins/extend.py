"""`autograder extend`: gives a student more time, takes it back, and lists who has been given some."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy.exc import DatabaseError

from autograder.course.deadline import Deadline, course_zone
from autograder.errors import NotReady, ProfileError
from autograder.grading.extensions import Extension, Extensions
from autograder.grading.gradebook import in_words
from autograder.grading.released import released_profile
from autograder.judging.contract import ASSIGNMENT, load
from autograder.plugins.course import gradebook_there, gradebook_url
from autograder.plugins.deadlines import Deadlines, put_due, put_extension
from autograder.words.tables import say
from autograder.words.times import moment, span

DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?")
LAST_MINUTE = time(23, 59)
VALID = "Valid: a date, until whose end the extension goes (2026-12-08), or with a time (2026-12-08 12:00)."


@dataclass(frozen=True, kw_only=True)
class Wish:
    """An extension that somebody wants to give. `date` is as it was typed."""

    student: str
    date: str
    reason: str
    by: str


class Extending:
    """The extensions of a course's assignment.

    Raises NotReady where there is no release, or no gradebook yet.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._profile, url = root, released_profile(root, ASSIGNMENT), gradebook_there(root)
        if url is None:
            raise NotReady(f"{gradebook_url(root)}: there is no such file; `autograder release` makes the gradebook")
        self._url = url
        self._deadlines = Deadlines(root, ASSIGNMENT, self._profile.course.deadline)
        self._extensions = Extensions(root, ASSIGNMENT)

    @contextmanager
    def _gradebook(self) -> Iterator[Gradebook]:
        try:
            with Gradebook(self._url, self._profile.course.id) as gradebook:
                yield gradebook
        except DatabaseError as error:
            raise NotReady(in_words(error, self._url)) from error

    def give(self, wish: Wish) -> list[str]:
        """Gives an extension, in place of an earlier one, and says what came of it.

        Raises NotReady where the student is not known, the assignment has no deadline, the date cannot be understood or is not
        after the deadline, or there is no reason.
        """
        if not wish.reason.strip():
            raise NotReady("The reason is empty. Write a few words for the others who grade: --reason TEXT")
        with self._gradebook() as gradebook:
            self._refuse_unknown(wish.student, gradebook)
            deadline = self._deadlines.of_all(gradebook)
            if deadline is None:
                raise NotReady(
                    f"{ASSIGNMENT} has no deadline, so nobody is late, and there is nothing to extend. It gets one by "
                    "`due` in course.toml and a new release, or by its due date in Formgrader."
                )
            until = until_of(wish.date, deadline)
            put_due(gradebook, ASSIGNMENT, deadline.due)  # a release of an earlier version did not
            given = Extension(until=until, reason=wish.reason.strip(), by=wish.by, given=datetime.now(UTC))
            self._extensions.give(wish.student, given)
            said = [
                f"{wish.student} may hand in until {in_english(until)}; the others until {in_english(deadline.due)}."
            ]
            said.append("The student reads this on the feedback page, and not before: tell it yourself too.")
            return said + self._put(wish.student, until, gradebook)

    def take_back(self, student: str) -> list[str]:
        """Takes an extension back. Raises NotReady where there is none."""
        if student not in self._extensions.all():
            listed = ", ".join(self._extensions.all()) or "nobody"
            raise NotReady(f"{student} has no extension. There is one for: {listed}.")
        with self._gradebook() as gradebook:
            said = [f"{student} has the same deadline as the others again.", *self._put(student, None, gradebook)]
        self._extensions.take_back(student)
        return said

    def rows(self) -> list[list[str]]:
        """Student, until when, how long after the deadline, reason, by whom and when; by student."""
        with self._gradebook() as gradebook:
            deadline = self._deadlines.of_all(gradebook)
        rows = []
        for student, given in self._extensions.all().items():
            until = deadline.told(given.until) if deadline else given.until
            more = say(span(until - deadline.due), "en") if deadline and until > deadline.due else "nothing"
            rows.append(
                [student, in_english(until), more, given.reason, given.by, f"{given.given.astimezone():%Y-%m-%d}"]
            )
        return rows

    def _put(self, student: str, until: datetime | None, gradebook: Gradebook) -> list[str]:
        """Puts the extension where nbgrader keeps its own, where the student has been graded already."""
        try:
            submission = gradebook.find_submission(ASSIGNMENT, student)
        except MissingEntry:
            return []
        put_extension(submission, until)
        gradebook.db.commit()
        at, due = submission.timestamp, submission.assignment.duedate
        if at is None or due is None or at <= due:
            return []
        again = f"`autograder grade --student {student} --regrade`"
        return [f"It has been graded already: where the course has a late penalty, {again} sets it anew."]

    def _refuse_unknown(self, student: str, gradebook: Gradebook) -> None:
        known = {row.id for row in gradebook.students} | self._listed()
        known |= {path.parent.name for path in self._root.glob(f"submitted/*/{ASSIGNMENT}")}
        if student in known:
            return
        close = difflib.get_close_matches(student, sorted(known), 3)
        advice = f"Did you mean {' or '.join(close)}? " if close else ""
        raise NotReady(
            f"There is no student {student!r}: neither in the gradebook, nor in what has been collected, nor in course.toml "
            f"([hub] students). {advice}A student who is to be there: `nbgrader db student add {student}`."
        )

    def _listed(self) -> set[str]:
        """The students in course.toml, if it can be read: a release names nobody."""
        try:
            hub = load(self._root / "course.toml").hub
        except ProfileError:
            return set()
        return set(hub.students) if hub else set()


def until_of(date: str, deadline: Deadline) -> datetime:
    """The last moment of an extension, with its offset.

    Args:
        date: `2026-12-08`, `2026-12-08 12:00` or `2026-12-08 12:00+01:00`; a day alone goes to its last minute, and what has no
            offset is in the course's time.

    Raises NotReady where it is none of these, or not after the deadline, or would need its offset.
    """
    try:
        found = datetime.fromisoformat(date) if DATE.fullmatch(date) else None
    except ValueError:  # the 30th of February
        found = None
    if found is None:
        raise NotReady(f"{date!r} is no date. {VALID}")
    if len(date) == len("2026-12-08"):
        found = datetime.combine(found, LAST_MINUTE)
    if found.tzinfo is None:
        zone = course_zone(deadline.due)
        if zone is not None:
            raise NotReady(
                f"{date!r} needs its offset from UTC: the deadline is written with {offset_of(deadline.due)}, and this machine's "
                f"clock has another. Write '{found:%Y-%m-%d %H:%M}{offset_of(deadline.due)}', with the offset of that day."
            )
        found = found.astimezone()
    if found <= deadline.due:
        raise NotReady(f"{in_english(found)} is not after the deadline, {in_english(deadline.due)}. {VALID}")
    return found


def in_english(at: datetime) -> str:
    return f"{say(moment(at), 'en')} (UTC{offset_of(at)})"


def offset_of(at: datetime) -> str:
    """As `+01:00`."""
    return at.isoformat(timespec="minutes")[16:]
