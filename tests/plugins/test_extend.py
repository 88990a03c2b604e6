"""`autograder extend`: who may be given how much time, what is refused and why, and where it is then seen."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import empty_gradebook
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from forked import ScratchCourse
from nbgrader.api import Gradebook

from autograder import cli
from autograder.course.deadline import Deadline
from autograder.course.profile import FROZEN_NAME
from autograder.errors import NotReady
from autograder.grading.extensions import Extensions
from autograder.judging.contract import ASSIGNMENT, load
from autograder.plugins.deadlines import put_due
from autograder.plugins.extend import Extending, Wish, until_of

pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted")  # nbgrader's `add_submission`
DUE = datetime.fromisoformat("2026-12-01 23:59+01:00")
OSLO = "CET-1CEST,M3.5.0,M10.5.0/3"


@pytest.fixture
def oslo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from in_zone(OSLO, monkeypatch)


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from in_zone("UTC0", monkeypatch)


def in_zone(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", name)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with a release and a gradebook. anna is in it, bjorn has handed in, and student1 is in course.toml."""
    root = tmp_path_factory.mktemp("extend")
    text = (ROOT / "course.toml").read_text(encoding="utf-8")
    (root / "course.toml").write_text(text.replace("[course]", f'[course]\ndue = "{DUE}"'), encoding="utf-8")
    release = root / "release" / ASSIGNMENT
    release.mkdir(parents=True)
    (release / FROZEN_NAME).write_text(load(root / "course.toml").freeze().to_json(), encoding="utf-8")
    (root / "submitted" / "bjorn" / ASSIGNMENT).mkdir(parents=True)
    empty_gradebook.put(root / "gradebook.db")
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "llm101") as gradebook:
        gradebook.add_assignment(ASSIGNMENT)
        gradebook.add_student("anna")
    return root


@pytest.fixture
def course(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "course"))


def gradebook_of(course: Path) -> Gradebook:
    return Gradebook(f"sqlite:///{course / 'gradebook.db'}", "llm101")


def give(course: Path, student: str = "anna", date: str = "2026-12-08 12:00+01:00", reason: str = "ill") -> list[str]:
    return Extending(course).give(Wish(student=student, date=date, reason=reason, by="ta"))


@pytest.mark.parametrize("student", ["anna", "bjorn", "student1"])
def test_whoever_is_in_the_course_can_be_given_more_time(course: Path, student: str) -> None:
    said = give(course, student)
    found = Extensions(course, ASSIGNMENT).of(student)
    assert found is not None
    assert (found.until, found.reason, found.by) == (datetime.fromisoformat("2026-12-08 12:00+01:00"), "ill", "ta")
    assert said[0] == (
        f"{student} may hand in until Tuesday 8 December 2026 at 12:00 (UTC+01:00); "
        "the others until Tuesday 1 December 2026 at 23:59 (UTC+01:00)."
    )


REFUSED = [
    # student, date, reason, what is said
    ("ann", "2026-12-08 12:00+01:00", "ill", "no student 'ann'.*Did you mean anna.*nbgrader db student add ann"),
    ("../anna", "2026-12-08 12:00+01:00", "ill", "no student '../anna'"),
    ("anna", "2026-12-01 23:59+01:00", "ill", "is not after the deadline, Tuesday 1 December 2026 at 23:59"),
    ("anna", "2026-11-08 12:00+01:00", "ill", "Sunday 8 November 2026 at 12:00 .UTC.01:00. is not after the deadline"),
    ("anna", "next week", "ill", "'next week' is no date. Valid: a date"),
    ("anna", "2026-02-30", "ill", "'2026-02-30' is no date"),
    ("anna", "20261208", "ill", "is no date"),
    ("anna", "8.12.2026", "ill", "is no date"),
    ("anna", "2026-12-08 25:00+01:00", "ill", "is no date"),
    ("anna", "2026-12-08 12:00+01:00", " ", "The reason is empty"),
]


@pytest.mark.parametrize(("student", "date", "reason", "said"), REFUSED)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_kept(
    course: Path, student: str, date: str, reason: str, said: str
) -> None:
    with pytest.raises(NotReady, match=said):
        give(course, student, date, reason)
    assert Extensions(course, ASSIGNMENT).all() == {}


DATES = [
    # as it is typed, what it means in Oslo, where the deadline is 20 October in summer time
    ("2026-10-24", "2026-10-24 21:59"),
    ("2026-10-27", "2026-10-27 22:59"),  # after the clocks have been put back
    ("2026-10-27 12:00", "2026-10-27 11:00"),
    ("2026-10-27T12:00:30", "2026-10-27 11:00:30"),
    ("2026-10-27 12:00+02:00", "2026-10-27 10:00"),
    ("2026-10-27 12:00Z", "2026-10-27 12:00"),
]


@pytest.mark.usefixtures("oslo")
@pytest.mark.parametrize(("date", "utc_time"), DATES)
def test_a_date_means_what_a_clock_in_the_course_shows_then(date: str, utc_time: str) -> None:
    deadline = Deadline(datetime.fromisoformat("2026-10-20 23:59+02:00"))
    assert until_of(date, deadline) == datetime.fromisoformat(utc_time).replace(tzinfo=UTC)


@pytest.mark.usefixtures("utc")
def test_where_this_machine_has_another_zone_the_offset_must_be_written() -> None:
    with pytest.raises(NotReady, match=r"written with \+01:00.*Write '2026-12-08 23:59\+01:00'"):
        until_of("2026-12-08", Deadline(DUE))


def test_an_extension_replaces_an_earlier_one_and_can_be_taken_back(course: Path) -> None:
    give(course)
    give(course, date="2026-12-10 12:00+01:00", reason="still ill")
    assert [row[3] for row in Extending(course).rows()] == ["still ill"]
    Extending(course).take_back("anna")
    assert Extending(course).rows() == []
    with pytest.raises(NotReady, match=r"anna has no extension\. There is one for: nobody"):
        Extending(course).take_back("anna")


def test_the_gradebook_has_the_deadline_and_the_extension_of_who_has_handed_in(course: Path) -> None:
    with gradebook_of(course) as gradebook:
        gradebook.add_submission(ASSIGNMENT, "anna", timestamp="2026-12-02 12:00:00 UTC")
    assert "--student anna --regrade" in give(course)[-1]
    with gradebook_of(course) as gradebook:
        submission = gradebook.find_submission(ASSIGNMENT, "anna")
        assert submission.assignment.duedate == datetime(2026, 12, 1, 22, 59)
        assert submission.extension == timedelta(days=6, hours=12, minutes=1)
        assert submission.total_seconds_late == 0
    Extending(course).take_back("anna")
    with gradebook_of(course) as gradebook:
        assert gradebook.find_submission(ASSIGNMENT, "anna").total_seconds_late == 13 * 3600 + 60


def test_an_extension_can_be_taken_back_when_the_deadline_is_gone(course: Path) -> None:
    with gradebook_of(course) as gradebook:
        gradebook.add_submission(ASSIGNMENT, "anna", timestamp="2026-12-02 12:00:00 UTC")
    give(course)
    with gradebook_of(course) as gradebook:
        gradebook.find_assignment(ASSIGNMENT).duedate = None
        gradebook.db.commit()
    assert Extending(course).take_back("anna") == ["anna has the same deadline as the others again."]
    with gradebook_of(course) as gradebook:
        assert gradebook.find_submission(ASSIGNMENT, "anna").extension is None


def test_a_gradebook_that_cannot_be_used_is_told_and_the_extension_stays_until_it_is_taken_back(course: Path) -> None:
    with gradebook_of(course) as gradebook:
        gradebook.add_submission(ASSIGNMENT, "anna", timestamp="2026-12-02 12:00:00 UTC")
    give(course)
    (course / "gradebook.db").write_bytes(b"no database")
    with pytest.raises(NotReady, match="cannot be used"):
        Extending(course).take_back("anna")
    assert [*Extensions(course, ASSIGNMENT).all()] == ["anna"]


def test_a_deadline_that_was_moved_in_formgrader_is_the_one_that_counts(course: Path) -> None:
    with gradebook_of(course) as gradebook:
        put_due(gradebook, ASSIGNMENT, datetime.fromisoformat("2026-12-15 12:00+01:00"))
    with pytest.raises(NotReady, match="not after the deadline, Tuesday 15 December 2026 at 12:00"):
        give(course)


@pytest.mark.slow
def test_a_release_puts_its_deadline_into_the_gradebook_and_tells_which_other_it_replaces(tmp_path: Path) -> None:
    made = ScratchCourse(tmp_path / "course", ROOT, tmp_path)
    made.instructor("generate_assignment", ASSIGNMENT)
    path = made.root / "course.toml"
    for due, before in ((None, None), (DUE, None), (DUE + timedelta(days=1), DUE)):
        if due is not None:
            text = (ROOT / "course.toml").read_text(encoding="utf-8")
            path.write_text(text.replace("[course]", f'[course]\ndue = "{due}"'), encoding="utf-8")
        made.log.write_text("", encoding="utf-8")
        made.instructor("generate_assignment", ASSIGNMENT, "--force")
        with Gradebook(f"sqlite:///{made.root / 'gradebook.db'}") as gradebook:
            kept = gradebook.find_assignment(ASSIGNMENT).duedate
        assert kept == (due.astimezone(UTC).replace(tzinfo=None) if due else None)
        told = made.log.read_text(encoding="utf-8")
        assert told.count("The deadline is now") == (before is not None)
        if before is not None:
            assert f"now {due}, as in the profile; the gradebook had {before.astimezone(UTC)}" in told


def test_without_a_deadline_there_is_nothing_to_extend(course: Path) -> None:
    path = course / "release" / ASSIGNMENT / FROZEN_NAME
    path.write_text(load(ROOT / "course.toml").freeze().to_json(), encoding="utf-8")
    with pytest.raises(NotReady, match=r"has no deadline.*`due` in course\.toml"):
        give(course)


def test_without_a_gradebook_it_says_what_makes_one(course: Path) -> None:
    (course / "gradebook.db").unlink()
    with pytest.raises(NotReady, match="`autograder release` makes the gradebook"):
        Extending(course)


# --- The command ---


def extend(course: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["extend", "--course", str(course), *arguments])


def test_the_command_gives_lists_and_takes_back(course: Path) -> None:
    said = extend(course, "anna", "2026-12-08 12:00+01:00", "--reason", "ill").output
    assert "anna may hand in until Tuesday 8 December 2026 at 12:00" in " ".join(said.split())
    assert [row[:1] for row in Extending(course).rows()] == [["anna"]]
    listed = extend(course, "--list").output
    assert "anna" in listed
    assert "ill" in listed
    assert "anna has the same deadline" in extend(course, "anna", "--take-back").output


@pytest.mark.parametrize("arguments", [(), ("anna",), ("anna", "2026-12-08", "--take-back")])
def test_a_command_that_says_too_little_is_told_what_there_is(course: Path, arguments: tuple[str, ...]) -> None:
    done = extend(course, *arguments)
    assert done.exit_code == 2
    assert "STUDENT DATE --reason TEXT" in done.output
