"""`autograder watch`: hand-ins are collected, graded and given back as they come.

What is to be done follows from what lies in the exchange and in the course directory; beside that, a small file for each student
(`HandIns`) says what has been seen and given back. So it can be killed at any time, and begins where it was. It writes nothing
into the gradebook itself: turns do (`watch_run.py`), under the claims that every run has.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import wait
from pathlib import Path
from statistics import median

from autograder.course.profile import Profile
from autograder.course.watch import Watch, day_of
from autograder.errors import AutograderError, ProfileError
from autograder.grading.being_marked import is_being_marked
from autograder.grading.released import profile_in
from autograder.grading.turns import MAX_NUMBER, HandIns, Running, Waiting, in_turn, plan, share
from autograder.judging.contract import ASSIGNMENT
from autograder.plugins.exchange import SafeCollect
from autograder.plugins.handed import Handed
from autograder.plugins.watch_helpers import Helpers
from autograder.plugins.watch_inbound import Inbound
from autograder.plugins.watch_run import Came, Turn, UnderWay, Wanted, application, handed_in_at, places
from autograder.plugins.watch_state import Ended, Now, Runs, Waits, Why, folder_of, only_watcher
from autograder.submissions.hand_in import when
from autograder.system.signals import ends_on_sigterm

LOOK_SECONDS = 1.0
BUSY_SECONDS = 10.0
"""After so long a submission is tried again that another run had, and trouble of the machine's looked at again."""
IDLE_SECONDS = 1800.0
"""After so long without a turn the models are let go."""
MARGIN_SECONDS = 600.0
"""What a run may take beside what its notebooks may."""
SHOWN = 50
Say = Callable[[str], None]


@dataclass
class Student:
    """A student who has handed in.

    Attributes:
        number: which of its day's hand-ins the newest one is.
        slow: whether a run of it has had to make room.
        busy_until: of the clock of `time.monotonic`.
    """

    kept: HandIns
    newest: Handed
    number: int = 1
    slow: bool = False
    busy_until: float = 0.0


def watch(course: Path, once: bool, say: Say) -> int:
    """Grades hand-ins as they come, until it is ended. Answers an exit code.

    Args:
        once: grade what is due, and end.

    Raises NotReady where another one is at work on the course.
    """
    with only_watcher(course), ends_on_sigterm():
        watcher = Watcher(course, say)
        try:
            while watcher.careful_round() or not once:
                watcher.rest()
        except KeyboardInterrupt:
            say("Ended. Begin again at any time: nothing is lost.")
        finally:
            watcher.end()
    return 1 if once and watcher.failed else 0


class Watcher:
    """What watches one course.

    Attributes:
        failed: turns that failed on our side, and what else kept it from grading.
    """

    def __init__(self, course: Path, say: Say) -> None:
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        self._course, self._tell = course, say
        app = application(course)
        self._coursedir = app.coursedir
        self._inbound = Inbound(SafeCollect(coursedir=app.coursedir, parent=app), ASSIGNMENT, self._say)
        self._helpers, self._places = Helpers(course), places()
        self._students: dict[str, Student] = {}
        self._under_way: dict[str, UnderWay] = {}
        self._took: dict[str, float] = {}
        self._ended: deque[Ended] = deque(maxlen=SHOWN)
        self._shown, self._state, self._refused = Now(), "", dict[str, str]()
        self._trouble, self._look_again, self._last = "", 0.0, time.monotonic()
        self.failed = 0

    def _say(self, line: str) -> None:
        self._tell(f"{datetime.now():%H:%M:%S} {line}")

    def rest(self) -> None:
        """Waits for a turn to end, and not for long."""
        wait([one.turn.handle for one in self._under_way.values()], LOOK_SECONDS)

    def end(self) -> None:
        """Ends what is running; it is begun again next time."""
        for one in self._under_way.values():
            one.turn.kill()
        self._helpers.end()

    def careful_round(self) -> bool:
        """A round; what the disk or the exchange refuses is told, and tried again."""
        try:
            return self.round()
        except OSError as error:
            self.failed += 1
            self._says_that(f"cannot go on now, and tries again: {error}")
            return bool(self._under_way)

    def round(self) -> bool:
        """Looks, and does what is to be done now. Answers whether anything is under way."""
        self._reap()
        profile = self._profile()
        watch = profile.watch if profile is not None else None
        waits: list[Waits] = []
        if profile is not None and watch is not None and watch.on:
            now = datetime.now(UTC)
            self._note()
            waits = list(self._waits(watch, now))
            self._end_endless(profile)
            self._act(profile, watch, waits)
        if self._under_way:
            self._last = time.monotonic()
        elif time.monotonic() - self._last > IDLE_SECONDS:
            self._helpers.end()
        self._show(watch, [one for one in waits if one.student not in self._under_way])
        return bool(self._under_way)

    # --- What there is to do ---

    def _profile(self) -> Profile | None:
        """What the assignment was handed out with: what students have been promised."""
        try:
            profile = profile_in(self._inbound.release) if self._inbound.folder.is_dir() else None
        except ProfileError as error:
            self.failed += 1
            self._says_that(f"the release cannot be read: {error}")
            return None
        watch = profile.watch if profile is not None else None
        if profile is None:
            self._says_that(f"nothing has been handed out yet in {self._inbound.release}; waiting for that")
        elif watch is None or not watch.on:
            self._says_that("this release does not ask for grading on hand-in ([watch] on = true); waiting for one")
        else:
            self._says_that(f"grading on hand-in, {watch.hours or 'all day'}, {watch.per_day} a student and day")
        return profile

    def _says_that(self, state: str) -> None:
        """Says it where it is news."""
        if state != self._state:
            self._state = state
            self._say(state)

    def _note(self) -> None:
        """Brings what is known of each student up to what has been handed in. Trouble with one's files is that one's alone."""
        seen = self._inbound.look()
        self._students = {n: one for n, one in self._students.items() if n in seen or n in self._under_way}
        for name, found in seen.items():
            try:
                self._note_one(name, found)
            except OSError as error:
                self.failed += 1
                if self._refused.get(name) != (told := f"{self._file(name)}: {error.strerror}"):
                    self._refused[name] = told
                    self._say(f"{name}: waits until this works, and nobody else does: {told}")

    def _note_one(self, name: str, found: Sequence[Handed]) -> None:
        known, newest = self._students.get(name), found[-1]
        if known is not None and known.newest == newest:
            return
        kept = known.kept if known is not None else HandIns.read(self._file(name)) or HandIns()
        if newest.moment.isoformat() not in kept.today:
            kept.done = max(kept.done, self._graded(name, newest))
            kept.handed_in_again()
        number = self._number(kept, found)
        kept.write(self._file(name))
        self._students[name] = replace(known or Student(kept, newest), newest=newest, number=number)
        self._refused.pop(name, None)
        if newest.unlike is not None:
            self._say(
                f"{name}: handed in {when(newest.moment)} by its name, and {when(newest.unlike)} by the file system"
            )

    def _number(self, kept: HandIns, found: Sequence[Handed]) -> int:
        """Which of its day's hand-ins the newest one is."""
        numbers = [
            kept.number(one.moment.isoformat(), one.counted)
            for one in found[-MAX_NUMBER:] if day_of(one.counted) == day_of(found[-1].counted)
        ]  # fmt: skip
        return numbers[-1]

    def _graded(self, student: str, newest: Handed) -> datetime:
        """When the one was handed in that somebody has graded before we saw the newest: its feedback is theirs to give."""
        graded = handed_in_at(self._coursedir, self._coursedir.autograded_directory, (ASSIGNMENT, student))
        return min(graded, newest.moment)

    def _file(self, student: str) -> Path:
        return folder_of(self._course) / "students" / f"{student}.json"

    def _waits(self, watch: Watch, now: datetime) -> Iterator[Waits]:
        """The newest hand-in of each student who waits for a verdict, in turn, and for what."""
        waiting = [
            Waiting(name, one.newest.moment, watch.due(one.newest.counted, one.number), one.kept.turn)
            for name, one in self._students.items() if one.newest.moment > one.kept.done
        ]  # fmt: skip
        for each in in_turn(waiting):
            one = self._students[each.student]
            again = one.kept.failed + timedelta(seconds=one.kept.again) if one.kept.failures else each.due
            due = max(each.due, again)
            why: Why = "turn"
            if time.monotonic() < one.busy_until:
                why = "busy"
            elif one.kept.failures and now < again:
                why = "failed"
            elif is_being_marked(self._course, ASSIGNMENT, each.student):
                why = "marking"  # not even collected: that would take it away
            elif not each.is_ready(watch, now):
                why = "number" if one.number > watch.per_day else "hours"
            yield Waits(
                student=each.student, handed_in=each.handed_in, due=due, why=why, error=one.kept.error,
                changed=one.newest.unlike,
            )  # fmt: skip

    # --- Doing it ---

    def _act(self, profile: Profile, watch: Watch, waits: Sequence[Waits]) -> None:
        """Begins turns, and has slow ones make room."""
        ready = [
            Waiting(one.student, one.handed_in, one.due, student.kept.turn, student.slow)
            for one in waits
            if (student := self._students[one.student]) and one.student not in self._under_way
            and (one.why == "turn" or (one.why in ("hours", "number") and student.kept.collected < one.handed_in))
        ]  # fmt: skip
        running = [one.run for one in self._under_way.values()]
        todo = plan(ready, running, self._places, share(list(self._took.values())), time.monotonic())
        for name in todo.moved:
            self._under_way[name].run = replace(self._under_way[name].run, slow=True)
            self._say(f"{name}: takes longer than its share, and goes on in a slow place")
        for name in todo.ended:
            self._under_way.pop(name).turn.kill()
            self._students[name].slow = True
            self._say(f"{name}: takes longer than its share, and begins again in a slow place when one is free")
        graded = {one.student for one in waits if one.why == "turn"}
        for one in todo.begin:
            if one.student not in graded or self._can_grade(profile):
                self._begin(watch, one, one.student in graded)

    def _can_grade(self, profile: Profile) -> bool:
        """Whether the host and the parent of kernels are there; they are started where they are not."""
        if time.monotonic() < self._look_again:
            return False
        try:
            self._helpers.ready(profile)
        except AutograderError as error:
            self._trouble, self._look_again = str(error), time.monotonic() + BUSY_SECONDS
            self.failed += 1
            self._say(f"no run can begin: {error}")
            return False
        self._trouble = ""
        return True

    def _begin(self, watch: Watch, waiting: Waiting, grades: bool) -> None:
        name, student, now = waiting.student, self._students[waiting.student], datetime.now(UTC)
        if grades:
            student.kept.turn = now
            student.kept.write(self._file(name))
        wanted = Wanted(self._course, ASSIGNMENT, name, grades, watch.notebooks, watch.feedback)
        turn = Turn(wanted, folder_of(self._course) / "logs" / f"{name}.log")
        run = Running(name, time.monotonic(), waiting.slow)
        self._under_way[name] = UnderWay(turn, run, student.newest, now, grades)

    def _end_endless(self, profile: Profile) -> None:
        """Ends runs that take more than all their notebooks may."""
        most = len(list(self._inbound.release.glob("*.ipynb"))) * profile.limits.notebook_seconds + MARGIN_SECONDS
        for name, one in list(self._under_way.items()):
            if time.monotonic() - one.run.began > most:
                one.turn.kill()
                self._settle(self._under_way.pop(name), Came(error=f"it did not end in {most:.0f} s"))

    def _reap(self) -> None:
        """Puts down what the turns that are over came to."""
        for name, one in list(self._under_way.items()):
            if one.turn.is_over:
                del self._under_way[name]
                self._settle(one, one.turn.came())

    def _settle(self, one: UnderWay, came: Came) -> None:
        name, now = one.run.student, datetime.now(UTC)
        student, took = self._students[name], time.monotonic() - one.run.began
        since = (now - one.newest.moment).total_seconds()
        kept = student.kept
        kept.collected = max(kept.collected, came.collected)
        if came.error:
            kept.has_failed(now, came.error)
            self.failed += 1
            self._say(f"{name}: failed, and is tried again in {kept.again / 60:.0f} min: {came.error}")
        elif came.collected < one.newest.moment or (one.grades and came.graded != came.collected):
            student.busy_until = time.monotonic() + BUSY_SECONDS
            self._say(f"{name}: another run has it, or it is still on its way; tried again in {BUSY_SECONDS:.0f} s")
        elif one.grades:
            kept.succeeded(came.graded)
            student.slow = False
            self._took.pop(name, None)
            self._took = dict([*self._took.items(), (name, took)][-SHOWN:])
            self._say(f"{name}: graded in {took:.1f} s, {since:.1f} s after handing in")
        else:
            self._say(f"{name}: collected; it is graded later")
        kept.write(self._file(name))
        if one.grades:
            changed = one.newest.unlike
            self._ended.appendleft(
                Ended(student=name, ended=now, took=took, since=since, error=came.error, changed=changed)
            )

    # --- Showing it ---

    def _show(self, watch: Watch | None, waits: Sequence[Waits]) -> None:
        """Writes what the staff's page shows, where it has changed."""
        runs = [Runs(student=n, began=one.began, slow=one.run.slow) for n, one in self._under_way.items() if one.grades]
        usual = median(self._took.values()) if self._took else None
        shown = Now(
            watch=watch, trouble=self._trouble, usual=usual, waiting=len(waits), waits=list(waits[:SHOWN]), runs=runs,
            ended=list(self._ended),
        )  # fmt: skip
        if shown != self._shown:
            self._shown = shown
            shown.write(self._course)
