"""The inbound folder as `autograder watch` sees it: what counts as handed in, by whom, and that nothing is missed."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograder.plugins import handed as handing
from autograder.plugins.handed import GRACE, Handed
from autograder.plugins.watch_inbound import Inbound

ME = pwd.getpwuid(os.geteuid()).pw_name
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files that somebody else owns")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def inbound(tmp_path: Path, said: list[str]) -> Inbound:
    (tmp_path / "llm101" / "inbound").mkdir(parents=True)
    coursedir = SimpleNamespace(course_id="llm101")
    collect = SimpleNamespace(root=str(tmp_path), coursedir=coursedir, check_owner=True)
    return Inbound(collect, "chatbot", said.append)  # type: ignore[arg-type]


Put = Callable[..., Path]


@pytest.fixture
def put(inbound: Inbound) -> Put:
    """Hands in, so many seconds ago; `whole` as nbgrader leaves it."""

    def one(student: str = ME, ago: float = 0, whole: bool = True, owner: str = "") -> Path:
        moment = datetime.now(UTC) - timedelta(seconds=ago)
        path = inbound.folder / f"{student}+chatbot+{moment:%Y-%m-%d %H:%M:%S.%f} UTC+abc"
        path.mkdir()
        path.chmod(0o777 if whole else 0o755)
        if owner:
            os.chown(path, pwd.getpwnam(owner).pw_uid, -1)
        return path

    return one


def names(inbound: Inbound) -> dict[str, list[str]]:
    return {student: [one.path.name for one in found] for student, found in inbound.look().items()}


def test_what_is_handed_in_is_seen_in_the_order_of_time(inbound: Inbound, put: Put) -> None:
    last, first = put(ago=10), put(ago=20)
    assert names(inbound) == {ME: [first.name, last.name]}


def test_one_that_comes_while_the_folder_is_young_is_not_missed(inbound: Inbound, put: Put) -> None:
    first = put(ago=20)
    inbound.look()
    changed = inbound.folder.stat().st_mtime_ns
    second = put(ago=10)
    os.utime(inbound.folder, ns=(changed, changed))  # the file system's clock is coarse
    assert names(inbound) == {ME: [first.name, second.name]}


def test_a_folder_that_has_not_changed_is_not_read_again(
    inbound: Inbound, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put()
    os.utime(inbound.folder, (1, 1))
    before = names(inbound)
    monkeypatch.setattr(os, "listdir", lambda _: pytest.fail("read again"))
    assert names(inbound) == before


def test_one_that_is_still_being_copied_is_waited_for(inbound: Inbound, put: Put) -> None:
    path = put(whole=False)
    os.utime(inbound.folder, (1, 1))
    assert names(inbound) == {}
    path.chmod(0o777)
    assert names(inbound) == {ME: [path.name]}


def test_one_whose_copying_was_cut_off_long_ago_counts(inbound: Inbound, put: Put) -> None:
    path = put(whole=False, ago=GRACE + 1)
    assert names(inbound) == {ME: [path.name]}


def test_what_is_gone_is_forgotten(inbound: Inbound, put: Put) -> None:
    path = put()
    inbound.look()
    path.rmdir()
    assert names(inbound) == {}


@as_root
def test_what_somebody_else_put_there_in_a_students_name_is_told_once_and_counts_for_nobody(
    inbound: Inbound, put: Put, said: list[str]
) -> None:
    put("daemon", owner="nobody")
    own = put("daemon", ago=20, owner="daemon")
    assert [names(inbound), names(inbound)] == [{"daemon": [own.name]}] * 2
    assert len(said) == 1
    assert said[0].startswith("REJECTED: daemon+chatbot+")


def test_other_assignments_and_other_files_are_left_alone(inbound: Inbound, said: list[str]) -> None:
    (inbound.folder / f"{ME}+other+2026-11-24 12:00:00 UTC+abc").mkdir()
    (inbound.folder / "notes.txt").touch()
    assert names(inbound) == {}
    assert said == []


DAYS = [
    # the name says so many seconds before the file system does; whether the name's time counts
    (0.0, True),
    (GRACE - 1, True),
    (GRACE + 1, False),
    (-1, False),
    (-GRACE - 1, False),
]


@pytest.mark.parametrize(("before", "counts"), DAYS)
def test_a_time_that_a_student_has_made_up_does_not_decide_which_day_it_is_of(before: float, counts: bool) -> None:
    changed = datetime(2026, 11, 29, 12, tzinfo=UTC)
    one = Handed(Path("x"), ME, changed - timedelta(seconds=before), changed, whole=True)
    assert one.counted == (one.moment if counts else changed)
    assert one.unlike == (changed if abs(before) > GRACE else None)


def test_one_that_is_named_after_a_time_to_come_does_not_stay_unfinished(
    inbound: Inbound, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(whole=False, ago=-20 * 3600)
    assert names(inbound) == {}
    later = datetime.now(UTC) + timedelta(seconds=GRACE + 1)
    clock = SimpleNamespace(now=lambda _: later, fromtimestamp=datetime.fromtimestamp)
    monkeypatch.setattr(handing, "datetime", clock)
    assert names(inbound) == {ME: [path.name]}


IMPOSSIBLE = ["9999-12-31 23:59:59 UTC", "0001-01-01 00:00:00 UTC", "1969-12-31 23:59:59 UTC", f"{'9' * 150}"]


@pytest.mark.parametrize("moment", IMPOSSIBLE)
def test_a_name_of_a_time_that_cannot_be_is_refused_wherever_the_machine_is(
    inbound: Inbound, put: Put, said: list[str], moment: str
) -> None:
    (inbound.folder / f"{ME}+chatbot+{moment}+abc").mkdir()
    own = put()
    assert names(inbound) == {ME: [own.name]}
    assert len(said) == 1
    assert "is not a name that nbgrader gives a submission" in said[0]


@pytest.mark.parametrize(("ahead", "counts"), [(timedelta(hours=23), True), (timedelta(hours=25), False)])
def test_a_name_is_not_further_ahead_than_a_day(inbound: Inbound, put: Put, ahead: timedelta, counts: bool) -> None:
    path = put(ago=-ahead.total_seconds())
    assert names(inbound) == ({ME: [path.name]} if counts else {})
