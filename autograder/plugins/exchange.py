"""nbgrader's exchange, where a student hands in and the graders collect: nobody hands in for somebody else.

`configure_exchange` puts our classes in place, by nbgrader's own settings (`ExchangeFactory`). `collect` takes a
submission only from the account whose name it bears, follows nothing in it, and writes itself when it was handed in, as the
folder's name says: a file in it that says so is the student's. Both directions tell what is missing, late or never run
(`hand_in.py`). A receipt is for assignments of ours.
"""

from __future__ import annotations

import glob
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.exchange.default import Exchange, ExchangeCollect, ExchangeReleaseFeedback, ExchangeSubmit
from nbgrader.utils import check_mode, get_username, parse_utc
from traitlets import Enum

from autograder.course.deadline import Deadline, HandInTime
from autograder.course.profile import Language, Profile
from autograder.course.watch import day_of
from autograder.errors import Damaged, ProfileError
from autograder.facts.verdict import Sentence
from autograder.grading.released import is_ours, profile_in
from autograder.grading.view import OF_NBGRADER
from autograder.plugins.course import STAMP, tolerant
from autograder.plugins.deadlines import Deadlines
from autograder.plugins.handed import GRACE, Handed, account, handed
from autograder.submissions import hand_in, on_hand_in
from autograder.submissions.safe_copy import Copy, copy_folder
from autograder.system.files import write_whole
from autograder.words.hand_in import HAND_IN
from autograder.words.tables import say

RECEIPT = {"nb": "kvittering.txt", "en": "receipt.txt"}


def configure_exchange(c: Any, language: Language) -> None:
    """Puts our classes in nbgrader's place."""
    c.ExchangeFactory.collect = SafeCollect
    c.ExchangeFactory.submit = SafeSubmit
    c.ExchangeFactory.release_feedback = SafeReleaseFeedback
    for kind in (c.SafeCollect, c.SafeSubmit, c.SafeReleaseFeedback):
        kind.language = language


def through_the_hub(c: Any, course: str, exchange: str, language: Language) -> None:
    """The settings of nbgrader that students and staff have in common on a JupyterHub."""
    c.CourseDirectory.course_id = course
    c.Exchange.root = exchange
    c.Authenticator.plugin_class = "nbgrader.auth.JupyterHubAuthPlugin"
    configure_exchange(c, language)


class _Careful(Exchange):  # type: ignore[misc]
    """What both directions have in common."""

    language = Enum(["nb", "en"], default_value="en", help="The language of what is told.").tag(config=True)

    @property
    def _release(self) -> Path:
        """What the assignment was handed out as."""
        return Path(self.root, self.coursedir.course_id, "outbound", self.coursedir.assignment_id)

    def _copied(self, source: Path, to: Path, owner: int | None, release: Path) -> Copy:
        """Copies a submission.

        Args:
            owner: whose every file must be; None for anybody's.
        """
        copy = Copy(
            owner=owner,
            max_file=1000 * self.coursedir.max_file_size,
            max_total=1000 * self.coursedir.max_dir_size,
            ignored=self.coursedir.ignore,
            included=self.coursedir.include,
            skipped=frozenset((STAMP, *(RECEIPT.values() if is_ours(release) else ()))),
            first=[path.name for path in sorted(release.glob("*.ipynb"))],
        )
        copy_folder(source, to, copy)
        return copy

    def _notices(self, folder: Path, release: Path, copy: Copy) -> list[Sentence]:
        """What is to be said of a copied submission. Nothing where the release is not at hand."""
        released = dict(_notebooks_in(release))
        handed = {path.stem: path.read_bytes() for path in folder.glob("*.ipynb") if path.is_file()}
        known = {path.relative_to(release).as_posix() for path in release.rglob("*")} | set(OF_NBGRADER)
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        return hand_in.notices(released, handed, [name for name in files if name not in known], copy.aside)

    def _say(self, words: Sentence) -> str:
        return say(words, self.language)


def _notebooks_in(folder: Path) -> Iterator[tuple[str, NotebookNode]]:
    for path in sorted(folder.glob("*.ipynb")):
        yield path.stem, nbformat.read(path, as_version=4)


def _profile(release: Path) -> Profile | None:
    """The profile that an assignment of ours was released with; None where it is none of ours, or cannot be read."""
    try:
        return profile_in(release)
    except ProfileError:
        return None


def _deadline(profile: Profile | None) -> datetime | None:
    return profile.course.deadline if profile else None


def _handed_in_on(day: date, kept: Iterable[Path]) -> int:
    """How many of a student's own copies are of hand-ins of a day."""
    count = 0
    for path in kept:
        with suppress(ValueError, OverflowError, IndexError):
            count += day_of(parse_utc(path.name.split("+")[2]).replace(tzinfo=UTC)) == day
    return count


class SafeSubmit(_Careful, ExchangeSubmit):  # type: ignore[misc]
    """Hands in for oneself only, says what may have been forgotten, and leaves a receipt beside the notebooks."""

    def __init__(self, *given: Any, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self._copies: list[Copy] = []
        """What has been copied; once for the exchange and once for the cache."""

    def init_dest(self) -> None:
        asked, user = self.coursedir.student_id, get_username()
        if asked not in ("*", user):
            self.fail(self._say(HAND_IN["not-yours"].fill(user=user, other=asked)))
        super().init_dest()

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        self._copies.append(self._copied(Path(src), Path(dest), None, Path(self.release_path)))

    def copy_files(self) -> None:
        super().copy_files()
        source, release, cache = Path(self.src_path), Path(self.release_path), Path(self.cache_path)
        now = parse_utc(self.timestamp).replace(tzinfo=UTC)
        student = self.assignment_filename.split("+")[0]
        times = sum(1 for _ in cache.glob(f"{student}+{self.coursedir.assignment_id}+*"))
        copied = cache / self.assignment_filename.rsplit("+", 1)[0] if self.add_random_string else None
        profile = _profile(release)
        written = _deadline(profile)
        deadline = Deadline(written) if written else None
        said = hand_in.of_times(times)
        if deadline is not None and now > deadline.due:
            said += [hand_in.in_words(HandInTime(now, deadline)), HAND_IN["late-kind"]]
        said += self._notices(copied or cache / self.assignment_filename, release, self._copies[-1])
        for words in said:
            self.log.warning("%s", self._say(words))
        if not is_ours(release):
            return
        found = [(path, path.lstat()) for path in sorted(source.glob("*.ipynb"))]
        saved = {
            hand_in.listed([path.name]): datetime.fromtimestamp(status.st_mtime, UTC)
            for path, status in found if stat.S_ISREG(status.st_mode)
        }  # fmt: skip
        today = _handed_in_on(day_of(now), cache.glob(f"{student}+{self.coursedir.assignment_id}+*"))
        promised = on_hand_in.promised(profile.watch if profile else None, now, max(1, today))
        text = hand_in.receipt(self.coursedir.assignment_id, now, deadline, saved, said, self.language, promised)
        with suppress(OSError):  # a full disk at home: what was handed in has been
            write_whole(source / RECEIPT[self.language], text, private=True)


class SafeCollect(_Careful, ExchangeCollect):  # type: ignore[misc]
    """Collects each student's newest submission, of those that are the student's own."""

    def __init__(self, *given: Any, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self._handed: dict[str, list[Handed]] = {}
        self._deadlines: dict[str, Deadline] = {}
        """Of each student who has handed in; of nobody where there is none."""

    def init_src(self) -> None:
        if not self.coursedir.course_id:
            self.fail("No course id specified. Re-run with --course flag.")
        self.inbound_path = str(Path(self.root, self.coursedir.course_id, "inbound"))
        if not os.path.isdir(self.inbound_path):
            self.fail(f"Course not found: {self.inbound_path}")
        if not check_mode(self.inbound_path, read=True, execute=True):
            self.fail(f"You don't have read permissions for the directory: {self.inbound_path}")
        if "get_existing_timestamp" not in vars(self.coursedir):
            self.coursedir.get_existing_timestamp = tolerant(self.coursedir.get_existing_timestamp)
        for path in sorted(Path(self.inbound_path).iterdir()):
            one = self._accepted(path)
            if one is not None:
                self._handed.setdefault(one.student, []).append(one)
        deadlines = Deadlines(
            Path(self.coursedir.root), self.coursedir.assignment_id, _deadline(_profile(self._release))
        )
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                self._deadlines = deadlines.of_each(self._handed, gradebook)
            except Damaged as error:
                self.fail(str(error))
        self.src_records = [self._chosen(found).record for found in self._handed.values()]

    def _accepted(self, path: Path) -> Handed | None:
        """A submission of this assignment, where it is its student's own; else None, and it is told."""
        asked = self.coursedir.student_id
        if asked not in ("", "*") and not path.name.startswith(f"{asked}+"):
            return None
        found = handed(path, self.coursedir.assignment_id, self.check_owner)
        if isinstance(found, Sentence):
            self._refuse(found)
            return None
        if found is None or asked not in ("", "*", found.student):
            return None
        if not found.whole:
            self.log.warning("%s: %s", found.student, self._say(HAND_IN["unfinished"]))
            return None
        return found

    def _refuse(self, words: Sentence) -> None:
        self.log.error("%s", self._say(words))

    def _chosen(self, found: list[Handed]) -> Handed:
        """The newest; of those before the student's deadline, where that is asked for and there are any."""
        deadline = self._deadlines.get(found[0].student) if self.before_duedate else None
        timely = [one for one in found if deadline is None or one.moment <= deadline.last]
        return max(timely or found, key=lambda one: one.moment)

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        source, to = Path(src), Path(dest)
        part = to.with_name(f".{to.name}.part")  # so that a run that is killed leaves nothing that looks whole
        shutil.rmtree(part, ignore_errors=True)
        one = next(one for found in self._handed.values() for one in found if one.path.name == source.name)
        try:
            owner = source.lstat().st_uid if self.check_owner else None
            if self.check_owner and account(owner) != one.student:
                raise PermissionError("it has another owner now")
            copy = self._copied(source, part, owner, self._release)
            write_whole(part / STAMP, f"{one.moment.replace(tzinfo=None)} UTC")  # as nbgrader's Submit writes it
            part.rename(to)
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            self._refuse(HAND_IN["gone"].fill(name=hand_in.listed([source.name]), error=error.strerror or error))
            return
        self._share(to)
        for words in self._said(one, to, copy):
            self.log.warning("%s: %s", one.student, self._say(words))

    def _said(self, one: Handed, to: Path, copy: Copy) -> list[Sentence]:
        deadline, said = self._deadlines.get(one.student), hand_in.of_times(len(self._handed[one.student]))
        if deadline is not None and one.moment > deadline.due:
            said.append(hand_in.in_words(HandInTime(one.moment, deadline)))
        changed = datetime.fromtimestamp(copy.changed, UTC)
        if (changed - one.moment).total_seconds() > GRACE:
            words = HAND_IN["changed"].fill(when=hand_in.when(one.moment), changed=hand_in.when(changed))
            said.append(words)
        return said + self._notices(to, self._release, copy)

    def _share(self, folder: Path) -> None:
        """Where a course has several graders' accounts (`groupshared`), all of them may write."""
        if self.coursedir.groupshared:
            for path in (folder, *folder.rglob("*")):
                path.chmod(0o2770 if path.is_dir() else 0o660)


class SafeReleaseFeedback(_Careful, ExchangeReleaseFeedback):  # type: ignore[misc]
    """Releases feedback to each student for whom it can be: its file has the name that a file of the hand-in's gives it.

    An assignment that is not ours has stock nbgrader's release.
    """

    src_path: str

    def copy_files(self) -> None:
        if not is_ours(self._release):
            super().copy_files()
            return
        for folder in sorted(map(Path, glob.glob(self.src_path))):
            try:
                for name in OF_NBGRADER:
                    (folder / name).read_text(encoding="utf-8")
            except (OSError, ValueError):
                shown = hand_in.listed([os.path.relpath(folder, self.coursedir.root)])
                self.log.error("%s", self._say(HAND_IN["no-release"].fill(folder=shown)))
                continue
            self.src_path = glob.escape(str(folder))
            super().copy_files()
