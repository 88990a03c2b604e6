"""Handing in and collecting through a real exchange on this machine: who may, what is followed, and what is told."""

from __future__ import annotations

import errno
import json
import logging
import os
import pwd
import shutil
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from forked import ScratchCourse
from nbgrader.api import Gradebook
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError, ExchangeFactory
from traitlets.config import Config

from autograder.grading.extensions import Extension, Extensions
from autograder.plugins.exchange import RECEIPT, SafeCollect, configure_exchange
from autograder.submissions import safe_copy
from trials.classes import Student, write_submission

ME = pwd.getpwuid(os.geteuid()).pw_name
OTHER = "nobody"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files that somebody else owns")


class Exchange:
    """A course with its exchange, in which submissions are made by hand."""

    def __init__(self, made: ScratchCourse, home: Path) -> None:
        self.made, self.home = made, home
        self.inbound = made.exchange / made.profile.course.id / "inbound"
        self.config = Config()
        self.config.CourseDirectory.course_id = made.profile.course.id
        self.config.CourseDirectory.root = str(made.root)
        self.config.CourseDirectory.assignment_id = "chatbot"
        self.config.Exchange.root = str(made.exchange)
        self.config.Exchange.cache = str(home / ".cache")
        self.config.Exchange.assignment_dir = str(home)
        configure_exchange(self.config, "en")
        self.log = logging.getLogger(f"exchange-{home.name}")
        self.log.addFilter(encodable)

    def _of(self, kind: str, **more: str) -> SafeCollect:
        config = self.config.copy()
        config.CourseDirectory.update(more)
        made = getattr(ExchangeFactory(config=config), kind)(
            coursedir=CourseDirectory(config=config), authenticator=Authenticator(config=config), config=config
        )
        made.log = self.log
        return made  # type: ignore[no-any-return]

    def fetched(self) -> Path:
        shutil.copytree(self.made.release, self.home / "chatbot")
        return self.home / "chatbot"

    def submit(self, **more: str) -> None:
        self._of("Submit", **more).start()

    def collect(self, update: bool = False, **more: bool) -> None:
        one = self._of("Collect")
        one.update = update
        for name, value in more.items():
            setattr(one, name, value)
        one.start()

    def release_feedback(self) -> None:
        self._of("ReleaseFeedback").start()

    def put(self, student: str, owner: str | None = None, time: str = "2026-11-24 12:00:00 UTC", say: str = "") -> Path:
        """A submission in the inbound folder, with its owner; `say` is what its only text says."""
        path = self.inbound / f"{student}+chatbot+{time}+abcdefgh"
        shutil.copytree(self.made.release, path)
        (path / "timestamp.txt").write_text(time, encoding="utf-8")
        (path / "note.txt").write_text(say, encoding="utf-8")
        give(path, owner or student)
        return path

    def collected(self, student: str) -> Path:
        return self.made.root / "submitted" / student / "chatbot"


def encodable(record: logging.LogRecord) -> bool:
    """Has names that are not UTF-8 shown, as nbgrader's programs do with this kit: such a text cannot leave a test's process."""
    record.msg, record.args = record.getMessage().encode(errors="backslashreplace").decode(), None
    return True


def give(path: Path, owner: str) -> None:
    uid = pwd.getpwnam(owner).pw_uid
    if uid != os.geteuid():
        for each in (path, *path.rglob("*")):
            os.chown(each, uid, -1, follow_symlinks=False)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, tiny_home: Path) -> ScratchCourse:
    made = ScratchCourse(tmp_path_factory.mktemp("exchange") / "made", ROOT, tiny_home)
    made.instructor("generate_assignment", "chatbot")
    made.instructor("release_assignment", "chatbot")
    return made


@pytest.fixture
def exchange(released: ScratchCourse, tmp_path: Path) -> Exchange:
    made = released.twin(tmp_path / "made")
    made.exchange = made.folder / "exchange"
    (tmp_path / "home").mkdir()
    return Exchange(made, tmp_path / "home")


Told = Callable[[], str]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Told:
    return lambda: "\n".join(f"{record.levelname}: {record.getMessage()}" for record in caplog.records)


# --- Whose it is ---


def test_a_students_own_submission_is_collected(exchange: Exchange) -> None:
    exchange.put(ME, say="mine")
    exchange.collect()
    assert (exchange.collected(ME) / "note.txt").read_text(encoding="utf-8") == "mine"


@as_root
def test_what_somebody_else_put_there_in_a_students_name_is_rejected_and_told(exchange: Exchange, told: Told) -> None:
    exchange.put("daemon", owner=OTHER)
    exchange.collect()
    assert not exchange.collected("daemon").exists()
    assert "ERROR: REJECTED: daemon+chatbot+" in told()
    assert f"the folder is owned by {OTHER}" in told()


@as_root
def test_a_newer_forgery_does_not_stand_in_the_way_of_the_students_own(exchange: Exchange) -> None:
    exchange.put("daemon", say="own")
    exchange.put("daemon", owner=OTHER, time="2026-11-24 13:00:00 UTC", say="forged")
    exchange.collect()
    assert (exchange.collected("daemon") / "note.txt").read_text(encoding="utf-8") == "own"


@as_root
def test_a_file_that_somebody_else_put_into_a_submission_is_left_out(exchange: Exchange, told: Told) -> None:
    path = exchange.put("daemon")
    (path / "forged.txt").write_text("", encoding="utf-8")
    give(path / "forged.txt", OTHER)
    exchange.collect()
    assert not (exchange.collected("daemon") / "forged.txt").exists()
    assert "somebody else's): forged.txt" in told()


@as_root
def test_where_the_owner_is_not_to_be_looked_at_it_is_not(exchange: Exchange) -> None:
    exchange.put("daemon", owner=OTHER)
    exchange.collect(check_owner=False)
    assert exchange.collected("daemon").exists()


def test_nobody_hands_in_for_somebody_else(exchange: Exchange) -> None:
    exchange.fetched()
    with pytest.raises(ExchangeError, match="can hand in for yourself only, not for other"):
        exchange.submit(student_id="other")
    assert not list(exchange.inbound.iterdir())


# --- What is in it ---


def test_a_link_is_never_followed(exchange: Exchange, told: Told, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.txt").write_text("secret", encoding="utf-8")
    path = exchange.put(ME)
    (path / "file").symlink_to(tmp_path / "secret" / "key.txt")
    (path / "folder").symlink_to(tmp_path / "secret")
    (path / "nowhere").symlink_to("nowhere")
    exchange.collect()
    assert {entry.name for entry in exchange.collected(ME).iterdir()} & {"file", "folder", "nowhere"} == set()
    assert "somebody else's): file, folder, nowhere" in told()


def test_a_submission_that_is_a_link_itself_is_rejected(exchange: Exchange, told: Told, tmp_path: Path) -> None:
    (exchange.inbound / f"{ME}+chatbot+2026-11-24 12:00:00 UTC+x").symlink_to(exchange.made.root)
    exchange.collect()
    assert not exchange.collected(ME).exists()
    assert "is not a folder, but a link" in told()


def test_a_pipe_keeps_nobody_waiting(exchange: Exchange) -> None:
    os.mkfifo(exchange.put(ME) / "pipe")
    exchange.collect()
    assert not (exchange.collected(ME) / "pipe").exists()


@as_root
def test_a_device_is_not_read(exchange: Exchange) -> None:
    path = exchange.put(ME)
    os.mknod(path / "zero", 0o666 | 0o020000, os.makedev(1, 5))
    exchange.collect()
    assert not (exchange.collected(ME) / "zero").exists()


def test_a_second_name_for_somebodys_file_is_not_read(exchange: Exchange, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs", encoding="utf-8")
    os.link(tmp_path / "theirs", exchange.put(ME) / "mine.txt")
    exchange.collect()
    assert not (exchange.collected(ME) / "mine.txt").exists()


def test_a_name_that_is_no_submissions_name_stops_nothing(exchange: Exchange, told: Told) -> None:
    (exchange.inbound / "x+chatbot+never").mkdir()
    (exchange.inbound / "x").mkdir()
    exchange.put(ME)
    exchange.collect()
    assert exchange.collected(ME).exists()
    assert "x+chatbot+never is not a name that nbgrader gives a submission" in told()


def test_a_file_too_large_is_left_out_and_the_rest_is_collected(exchange: Exchange, told: Told) -> None:
    exchange.config.CourseDirectory.max_file_size = 300  # kB
    with (exchange.put(ME) / "huge.bin").open("wb") as file:
        file.truncate(400_000)
    exchange.collect()
    assert (exchange.collected(ME) / "chatbot.ipynb").exists()
    assert not (exchange.collected(ME) / "huge.bin").exists()
    assert "huge.bin" in told()


# --- Giving back ---


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # nbgrader's own, of each timestamp.txt
@pytest.mark.parametrize(
    "wrong", [lambda path: None, lambda path: path.mkdir(), lambda path: path.write_bytes(b"\xff")]
)
def test_a_hand_in_whose_feedback_cannot_be_released_is_named_and_the_others_get_theirs(
    exchange: Exchange, told: Told, wrong: Callable[[Path], object]
) -> None:
    for student in ("aaron", "mia", "zoe [1]"):
        folder = exchange.made.root / "feedback" / student / "chatbot"
        folder.mkdir(parents=True)
        (folder / "chatbot.html").write_text(student, encoding="utf-8")
        (folder / "timestamp.txt").write_text("2026-11-24 12:00:00 UTC", encoding="utf-8")
        secret = folder / "submission_secret.txt"
        wrong(secret) if student == "mia" else secret.write_text(student, encoding="utf-8")
    exchange.release_feedback()
    released = (exchange.inbound.parent / "feedback").glob("*.html")
    assert sorted(path.read_text(encoding="utf-8") for path in released) == ["aaron", "zoe [1]"]
    assert [
        line.startswith("ERROR: The feedback in") and "mia" in line for line in told().splitlines() if "ERROR" in line
    ] == [True]


# --- Without end ---


def growing(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Has a file grow by what was read of it, at each reading of any file, as one that is written to all the time."""
    read = os.read

    def grow(opened: int, count: int) -> bytes:
        data = read(opened, count)
        if os.fstat(opened).st_ino == path.stat().st_ino:
            with path.open("ab") as file:
                file.write(data or b"x")
        return data

    monkeypatch.setattr(safe_copy.os, "read", grow)


def test_a_file_that_grows_while_it_is_copied_has_the_size_that_it_had(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing(monkeypatch, exchange.put(ME, say="x" * 3_000_000) / "note.txt")
    exchange.collect()
    assert (exchange.collected(ME) / "note.txt").stat().st_size == 3_000_000


def test_a_file_that_grows_at_home_can_be_handed_in(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    log = exchange.fetched() / "training.log"
    log.write_text("x" * 3_000_000)
    growing(monkeypatch, log)
    exchange.submit()
    assert (next(exchange.inbound.iterdir()) / "training.log").stat().st_size >= 3_000_000


def test_a_file_that_shrinks_while_it_is_copied_ends(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read = exchange.put(ME, say="x" * 3_000_000) / "note.txt", os.read

    def shrink(opened: int, count: int) -> bytes:
        data = read(opened, count)
        os.truncate(path, 10)
        return data

    monkeypatch.setattr(safe_copy.os, "read", shrink)
    exchange.collect()
    assert 0 < (exchange.collected(ME) / "note.txt").stat().st_size < 3_000_000


def test_a_folder_that_is_filled_while_it_is_walked_ends(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    """Its listing never comes to an end."""
    monkeypatch.setattr(safe_copy, "MAX_ENTRIES", 50)
    path, scandir = exchange.put(ME) / "x", os.scandir
    path.mkdir()

    class Endless:
        def __init__(self) -> None:
            self._number = 0

        def __enter__(self) -> Endless:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def __iter__(self) -> Endless:
            return self

        def __next__(self) -> os.DirEntry[str]:
            self._number += 1
            (path / f"{self._number}").touch()
            with scandir(path) as found:
                return next(found)

    def listing(at: int | str = ".") -> object:
        return Endless() if isinstance(at, int) and os.path.samestat(os.fstat(at), path.stat()) else scandir(at)

    monkeypatch.setattr(safe_copy.os, "scandir", listing)
    exchange.collect()
    assert (exchange.collected(ME) / "chatbot.ipynb").exists()
    assert "x/…" in told()


def deep(folder: Path) -> None:
    """Folders in folders, with names as long as they may be: far longer than a path may be."""
    at = os.open(folder, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("d" * 255, dir_fd=at)
        inner = os.open("d" * 255, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(at)


def many_files(folder: Path) -> None:
    (folder / "a").mkdir()
    for number in range(3_000):
        (folder / "a" / f"{number}").touch()


def many_folders(folder: Path) -> None:
    for number in range(3_000):
        (folder / f"a{number}").mkdir()


def large(folder: Path) -> None:
    """Files that fill all the room there is, each as large as it may be; they hold nothing."""
    for number in range(12):
        with (folder / f"a{number}.bin").open("wb") as file:
            file.truncate(290_000)


def odd_names(folder: Path) -> None:
    for name in (b"\xff\xfe", b"n" * 255, b"\xff.ipynb", b"new\nline", "\u202eipynb.exe".encode()):
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).touch()


def closed(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0)
    (folder / "shut").touch(mode=0)


def odd_stamp(folder: Path) -> None:
    (folder / "timestamp.txt").write_bytes(b"\xff yesterday")


def stamp_folder(folder: Path) -> None:
    (folder / "timestamp.txt").unlink()
    (folder / "timestamp.txt").mkdir()


def no_stamp(folder: Path) -> None:
    (folder / "timestamp.txt").unlink()


def stamp(text: str) -> Callable[[Path], None]:
    """A time of handing in that the student has written."""
    return lambda folder: (folder / "timestamp.txt").write_text(text, encoding="utf-8") and None


FORGED: dict[str, Callable[[Path], None]] = {
    "earlier": stamp("2020-01-01 12:00:00 UTC"),
    "later": stamp("2026-12-31 12:00:00 UTC"),
    "digits without end": stamp("9" * 200_000),
    "a file for a zone": stamp("2026-11-24 12:00:00 /proc/self/mem"),
    "no text": odd_stamp,
    "a folder": stamp_folder,
    "none": no_stamp,
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_time_that_a_student_has_written_into_a_hand_in_is_not_when_it_was_handed_in(
    exchange: Exchange, kind: str
) -> None:
    """It is its folder's name that says so, and what is collected once is not newer the next time."""
    FORGED[kind](exchange.put(ME, time="2026-11-24 12:00:00.250000 UTC", say="first"))
    exchange.collect(update=True)
    collected = exchange.collected(ME)
    assert (collected / "timestamp.txt").read_text(encoding="utf-8") == "2026-11-24 12:00:00.250000 UTC"
    (collected / "note.txt").write_text("marked", encoding="utf-8")
    exchange.collect(update=True)
    assert (collected / "note.txt").read_text(encoding="utf-8") == "marked"


def test_handing_in_writes_the_time_itself_whatever_lies_at_home(exchange: Exchange) -> None:
    (exchange.fetched() / "timestamp.txt").mkdir()
    exchange.submit()
    path = next(exchange.inbound.iterdir())
    assert (path / "timestamp.txt").read_text(encoding="utf-8") == path.name.split("+")[2]


WITHOUT_END: dict[str, Callable[[Path], None]] = {
    "deep": deep, "many-files": many_files, "many-folders": many_folders, "large": large, "odd-names": odd_names,
    "closed": closed, "odd-stamp": odd_stamp,
}  # fmt: skip


@pytest.mark.parametrize("kind", WITHOUT_END)
def test_whatever_lies_in_a_submission_its_notebooks_are_collected_and_so_is_everybody_else(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(safe_copy, "MAX_ENTRIES", 1_000)
    exchange.config.CourseDirectory.max_file_size = 300  # kB
    exchange.config.CourseDirectory.max_dir_size = 1_000
    exchange.config.ExchangeCollect.check_owner = False
    WITHOUT_END[kind](exchange.put("aaron", owner=ME))
    exchange.put("zoe", owner=ME)
    exchange.collect(update=True)
    exchange.collect(update=True)
    for student in ("aaron", "zoe"):
        taken = {path.stem for path in exchange.collected(student).glob("*.ipynb")}
        assert {"chatbot", "larger-model", "temperature"} <= taken
    found = list(exchange.collected("aaron").rglob("*"))
    assert len(found) <= 1_010
    assert sum(path.stat().st_size for path in found if path.is_file()) <= 1_000_000
    shutil.rmtree(next(exchange.inbound.glob("aaron*")))  # deeper than pytest's own tidying goes


@pytest.mark.parametrize("kind", ["many-files", "odd-names", "large"])
def test_whatever_lies_at_home_can_be_handed_in(exchange: Exchange, kind: str) -> None:
    WITHOUT_END[kind](exchange.fetched())
    exchange.submit()
    assert (next(exchange.inbound.iterdir()) / "chatbot.ipynb").exists()
    assert (exchange.home / "chatbot" / RECEIPT["en"]).exists()


def test_a_notebook_that_is_a_link_to_nowhere_stops_no_hand_in(exchange: Exchange) -> None:
    (exchange.fetched() / "mine.ipynb").symlink_to("nowhere")
    exchange.submit()
    assert (exchange.home / "chatbot" / RECEIPT["en"]).exists()


def test_a_disk_that_is_full_is_not_taken_for_a_students_file(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    exchange.put(ME)

    def full(opened: int, to: Path, size: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(safe_copy, "_copy_bytes", full)
    exchange.collect()
    assert not exchange.collected(ME).exists()
    assert "No space left on device" in told()


def test_only_files_that_the_course_wants_are_collected(exchange: Exchange) -> None:
    exchange.config.CourseDirectory.include = ["*.ipynb", "timestamp.txt"]
    exchange.put(ME)
    exchange.collect()
    assert (exchange.collected(ME) / "chatbot.ipynb").exists()
    assert not (exchange.collected(ME) / "note.txt").exists()


# --- When ---


def test_the_newest_of_several_is_collected_and_that_there_are_several_is_told(exchange: Exchange, told: Told) -> None:
    exchange.put(ME, say="first")
    exchange.put(ME, time="2026-11-24 13:00:00 UTC", say="second")
    exchange.collect()
    assert (exchange.collected(ME) / "note.txt").read_text(encoding="utf-8") == "second"
    assert f"{ME}: This has been handed in 2 times." in told()


def test_a_newer_one_replaces_what_was_collected_only_where_that_is_asked_for(exchange: Exchange) -> None:
    exchange.put(ME, say="first")
    exchange.collect()
    exchange.put(ME, time="2026-11-24 13:00:00 UTC", say="second")
    exchange.collect()
    note = exchange.collected(ME) / "note.txt"
    assert note.read_text(encoding="utf-8") == "first"
    exchange.collect(update=True)
    assert note.read_text(encoding="utf-8") == "second"


def due(exchange: Exchange, moment: str) -> None:
    path = exchange.made.exchange / exchange.made.profile.course.id / "outbound" / "chatbot" / "profile.json"
    text = path.read_text(encoding="utf-8").replace('"language": "nb"', f'"language": "nb",\n  "due": "{moment}"')
    path.write_text(text, encoding="utf-8")


def test_what_comes_after_the_deadline_is_told_to_the_graders(exchange: Exchange, told: Told) -> None:
    due(exchange, "2026-11-24 10:00+00:00")
    exchange.put(ME)
    exchange.collect()
    assert "2 hours after the deadline Tuesday 24 November 2026 at 10:00" in told()


def test_the_last_one_in_time_is_collected_where_that_is_asked_for(exchange: Exchange) -> None:
    due(exchange, "2026-11-24 12:30+00:00")
    exchange.put(ME, say="in time")
    exchange.put(ME, time="2026-11-24 13:00:00 UTC", say="late")
    exchange.collect(before_duedate=True)
    assert (exchange.collected(ME) / "note.txt").read_text(encoding="utf-8") == "in time"


def test_who_has_been_given_more_time_is_in_time_until_then(exchange: Exchange, told: Told) -> None:
    due(exchange, "2026-11-24 10:00+00:00")
    given = datetime(2026, 11, 24, tzinfo=UTC)
    until = datetime(2026, 11, 24, 14, tzinfo=UTC)
    Extensions(exchange.made.root, "chatbot").give(ME, Extension(until=until, reason="ill", by="ta", given=given))
    exchange.put(ME, time="2026-11-24 13:00:00 UTC", say="in time")
    exchange.put(ME, time="2026-11-24 15:00:00 UTC", say="late")
    exchange.collect(before_duedate=True)
    assert (exchange.collected(ME) / "note.txt").read_text(encoding="utf-8") == "in time"
    assert "within the extended deadline Tuesday 24 November 2026 at 14:00" in told()
    assert "ill" not in told().split()


def test_an_extension_by_nbgraders_own_means_counts_too(exchange: Exchange) -> None:
    with Gradebook(f"sqlite:///{exchange.made.root / 'gradebook.db'}") as gradebook, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLAlchemy is not content with how nbgrader adds a submission
        gradebook.update_or_create_assignment("chatbot", duedate="2026-11-24 10:00:00 UTC")
        gradebook.update_or_create_student(ME)
        gradebook.add_submission("chatbot", ME)
        gradebook.grant_extension("chatbot", ME, hours=3)
    exchange.put(ME, time="2026-11-24 13:00:00 UTC", say="in time")
    exchange.put(ME, time="2026-11-24 13:00:01 UTC", say="late")
    exchange.collect(before_duedate=True)
    assert (exchange.collected(ME) / "note.txt").read_text(encoding="utf-8") == "in time"


def test_a_damaged_extension_ends_collecting_with_the_name_of_its_file(exchange: Exchange, told: Told) -> None:
    due(exchange, "2026-11-24 10:00+00:00")
    path = exchange.made.root / "extensions" / "chatbot" / f"{ME}.json"
    path.parent.mkdir(parents=True)
    path.write_text("{", encoding="utf-8")
    exchange.put(ME)
    with pytest.raises(ExchangeError):
        exchange.collect()
    assert f"{path}: cannot be read" in told()


def test_a_time_that_cannot_be_true_is_told(exchange: Exchange, told: Told) -> None:
    exchange.put(ME, time="2020-01-01 12:00:00 UTC")
    exchange.collect()
    assert "but was last changed" in told()


def test_what_is_still_being_handed_in_is_not_collected_yet_and_that_is_told(exchange: Exchange, told: Told) -> None:
    path = exchange.put(ME, time=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
    exchange.collect()
    assert not exchange.collected(ME).exists()
    assert f"{ME}: A hand-in is on its way." in told()
    path.chmod(0o777)  # nbgrader's last step
    exchange.collect()
    assert exchange.collected(ME).exists()


# --- What a student is told ---


def test_a_receipt_says_kindly_that_it_is_late_and_that_more_time_may_have_been_given(exchange: Exchange) -> None:
    due(exchange, "2026-11-24 10:00+00:00")
    folder = exchange.fetched()
    exchange.submit()
    receipt = (folder / RECEIPT["en"]).read_text(encoding="utf-8")
    assert "after the deadline Tuesday 24 November 2026 at 10:00." in receipt
    assert "All of it has been received, and is graded as usual. If the course gave you more time" in receipt
    assert len(list(exchange.inbound.glob(f"{ME}+chatbot+*/chatbot.ipynb"))) == 1


def test_a_receipt_tells_a_deadline_that_has_not_passed(exchange: Exchange) -> None:
    due(exchange, "2099-11-24 10:00+00:00")
    folder = exchange.fetched()
    exchange.submit()
    receipt = (folder / RECEIPT["en"]).read_text(encoding="utf-8")
    assert "\nThe deadline is Tuesday 24 November 2099 at 10:00.\n" in receipt
    assert "after the deadline" not in receipt


def test_where_hand_ins_are_graded_at_once_the_receipt_says_so_and_when_the_days_are_used_up(
    exchange: Exchange,
) -> None:
    folder = exchange.fetched()
    path = exchange.made.exchange / exchange.made.profile.course.id / "outbound" / "chatbot" / "profile.json"
    frozen = {**json.loads(path.read_text(encoding="utf-8")), "watch": {"on": True, "per_day": 1}}
    path.write_text(json.dumps(frozen), encoding="utf-8")
    said = []
    for _ in range(2):
        exchange.submit()
        said.append((folder / RECEIPT["en"]).read_text(encoding="utf-8"))
    assert "This hand-in is graded at once, usually within a minute." in said[0]
    assert "This is hand-in number 2 today, and the first 1 of each day are graded at once." in said[1]


def test_a_receipt_lies_beside_the_notebooks_and_is_not_handed_in(exchange: Exchange) -> None:
    folder = exchange.fetched()
    exchange.submit()
    exchange.submit()
    receipt = (folder / RECEIPT["en"]).read_text(encoding="utf-8")
    assert receipt.startswith("Handed in 2")
    assert "- chatbot.ipynb, as it was saved 2" in receipt
    assert "This has been handed in 2 times." in receipt
    exchange.collect()
    assert not (exchange.collected(ME) / RECEIPT["en"]).exists()


def test_what_was_fetched_and_handed_in_as_it_was_is_unanswered_and_never_run(exchange: Exchange, told: Told) -> None:
    exchange.fetched()
    exchange.submit()
    assert "«chatbot»: tasks not answered yet: 8 (model-home, load-model," in told()
    assert "«chatbot»: text answers not written yet: 1 (memory)." in told()
    assert "«chatbot»: no cell has been run" in told()


def test_a_missing_notebook_and_files_beside_are_told(exchange: Exchange, told: Told) -> None:
    folder = exchange.fetched()
    (folder / "temperature.ipynb").rename(folder / "temperature (copy).ipynb")
    exchange.submit()
    assert "The notebook «temperature» is missing." in told()
    assert "not part of the assignment: temperature (copy).ipynb." in told()


def test_a_notebook_that_cannot_be_read_is_told(exchange: Exchange, told: Told) -> None:
    (exchange.fetched() / "chatbot.ipynb").write_text("", encoding="utf-8")
    exchange.submit()
    assert "The notebook «chatbot»: The file is empty." in told()


def ran(folder: Path, number: Callable[[int], int | None]) -> None:
    """Answers everything, and gives the code cells numbers and outputs as if they had been run."""
    for path in folder.glob("*.ipynb"):
        nb = nbformat.read(path, as_version=4)
        for place, cell in enumerate(cell for cell in nb.cells if cell.cell_type == "code"):
            cell.execution_count = number(place)
            cell.outputs = [nbformat.v4.new_output("stream", text="x")] if number(place) else []
        nbformat.write(nb, path)


def all_answered(exchange: Exchange) -> Path:
    folder = exchange.fetched()
    solution = exchange.made.reference() | dict.fromkeys(("model-home-again", "prompt-again"), "pass")
    texts = dict.fromkeys(("memory", "compare-small", "compare-large", "compare-temperature"), "Because.")
    write_submission(exchange.made.release, folder, Student(ME, "", solution | texts))
    return folder


def test_where_nothing_was_forgotten_that_is_said(exchange: Exchange) -> None:
    folder = all_answered(exchange)
    ran(folder, lambda place: place + 1)
    exchange.submit()
    assert "Everything seems to be there." in (folder / RECEIPT["en"]).read_text(encoding="utf-8")


def test_a_cell_that_was_not_run_is_named(exchange: Exchange, told: Told) -> None:
    ran(all_answered(exchange), lambda place: None if place == 3 else place + 1)
    exchange.submit()
    assert "«chatbot»: cells not run: 1 (model-home)." in told()


def test_cells_run_out_of_order_are_told(exchange: Exchange, told: Told) -> None:
    ran(all_answered(exchange), lambda place: 99 - place)
    exchange.submit()
    assert "«chatbot»: the cells were not run in order." in told()


def test_a_loop_of_links_at_home_stops_no_hand_in(exchange: Exchange, told: Told) -> None:
    (exchange.fetched() / "again").symlink_to(".")
    exchange.submit()
    assert "somebody else's): again." in told()


def test_the_commands_use_these_classes(exchange: Exchange) -> None:
    """As a grader runs it: a forgery is rejected, and the command ends well."""
    exchange.put("somebody", owner=ME)
    config = exchange.made.root / "nbgrader_config.py"
    text = config.read_text(encoding="utf-8").replace(str(exchange.made.exchange.parent), "?")
    kept = [line for line in text.splitlines() if "check_owner" not in line and "Exchange.root" not in line]
    config.write_text("\n".join([*kept, f"c.Exchange.root = {str(exchange.made.exchange)!r}"]), encoding="utf-8")
    exchange.made.instructor("collect", "chatbot")
    assert "AVVIST: somebody+chatbot+" in exchange.made.log.read_text(encoding="utf-8")
    assert not exchange.collected("somebody").exists()
