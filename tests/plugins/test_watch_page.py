"""The staff's page about grading on hand-in: what it says of each state, and that a name does nothing in it."""

from __future__ import annotations

import fcntl
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT
from html_page import Page

from autograder.course.watch import Watch
from autograder.errors import NotReady
from autograder.plugins import watch_state
from autograder.plugins.watch_page import watch_page
from autograder.plugins.watch_state import Ended, Now, Runs, Waits, folder_of, is_running, only_watcher

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def busy() -> Now:
    """Something of everything."""
    waits = [
        Waits(student=f"s-{why}", handed_in=NOON, due=NOON + timedelta(hours=9), why=why, error="the GPU is lost")
        for why in ("turn", "hours", "number", "marking", "busy", "failed")
    ]
    return Now(
        watch=Watch(on=True, hours="08:00-23:00"),
        usual=8.4,
        trouble="the model host does not start",
        waiting=70,
        waits=waits,
        runs=[Runs(student="anna", began=NOON, slow=True)],
        ended=[
            Ended(student="bjorn", ended=NOON, took=8, since=12),
            Ended(student="dagny", ended=NOON, took=8, since=12, changed=NOON),
            Ended(student="celine", ended=NOON, took=8, since=12, error="no <b>room</b>"),
        ],
    )


@pytest.fixture
def course(tmp_path: Path) -> Path:
    (tmp_path / "course.toml").write_text((ROOT / "course.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def read(course: Path) -> Page:
    return Page(watch_page(course, NOON + timedelta(seconds=42)))


def test_it_says_who_is_graded_who_waits_for_what_and_what_came_of_the_last(course: Path) -> None:
    busy().write(course)
    with only_watcher(course):
        page = read(course)
    assert page.text("p")[:2] == [
        "I gang.",
        "På: 08:00–23:00, 10 leveringer per student og dag. Tilbakemelding gis med en gang.",
    ]
    assert page.text("h2") == ["Rettes nå (1)", "Venter (70)", "Sist rettet"]
    cells = page.text("td")
    assert cells[:3] == ["anna", "42 s", "tar lang tid"]
    assert "sin tur" in cells
    assert "en person har den åpen i Formgrader" in cells
    assert any(cell.endswith("; sist: the GPU is lost") for cell in cells)
    assert cells[-6].startswith("rettet (mappa ble endret ")
    assert cells[-1] == "mislyktes: no <b>room</b>"


def test_it_says_that_nothing_can_be_graded(course: Path) -> None:
    busy().write(course)
    assert "Ingenting kan rettes nå: the model host does not start" in read(course).text("p")


def test_where_none_is_running_it_says_so_and_shows_nobody_as_being_graded(course: Path) -> None:
    busy().write(course)
    page = read(course)
    assert page.text("p")[0].startswith("Ikke i gang")
    assert page.text("h2")[0] == "Rettes nå (0)"
    assert "Ingen." in page.text("p")


@pytest.mark.parametrize("state", [None, Now(), Now(watch=Watch())])
def test_where_it_is_off_it_says_how_to_turn_it_on(course: Path, state: Now | None) -> None:
    if state is not None:
        state.write(course)
    assert any("`on = true`" in line or "on = true" in line for line in read(course).text("p"))


def test_it_is_in_the_language_of_the_course_and_in_english_without_one(course: Path) -> None:
    (course / "course.toml").unlink()
    assert read(course).text("h1") == ["Grading on hand-in"]


def test_a_name_or_an_error_does_nothing_in_it(course: Path) -> None:
    wicked = '"><script>alert(1)</script>'
    ended = Ended(student=wicked, ended=NOON, took=1, since=1, error=wicked)
    Now(ended=[ended], runs=[Runs(student=wicked, began=NOON, slow=False)]).write(course)
    with only_watcher(course):
        page = read(course)
    assert "script" not in page.tags
    assert wicked in page.text("td")


def test_a_page_that_looks_at_that_moment_keeps_no_watcher_from_beginning(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with only_watcher(course):
        pass
    lock, looking = fcntl.flock, ExitStack()
    page = looking.enter_context((folder_of(course) / "lock").open())
    lock(page, fcntl.LOCK_SH)
    monkeypatch.setattr(watch_state, "time", SimpleNamespace(sleep=lambda _: looking.close()))
    with looking, only_watcher(course):
        assert is_running(course)


def test_there_is_one_watcher_for_a_course_and_the_second_is_told(course: Path) -> None:
    assert not is_running(course)
    with only_watcher(course):
        assert is_running(course)
        with pytest.raises(NotReady, match="one for a course is enough"), only_watcher(course):
            pass
    assert not is_running(course)
