"""What a terminal or a log is told: nothing in a name or an error is obeyed there."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from rich.table import Table

from autograder.facts.verdict import Verdict, Words
from autograder.grading.records import Record
from autograder.grading.run_summary import Graded, lines
from autograder.words.masking import visible
from autograder.words.terminal import Formatter, Terminal, progress

OBEYED = {
    "an escape": ("\x1b[2K\x1b[1A", r"\x1b[2K\x1b[1A"),
    "a title of the window": ("\x1b]0;x\x07", r"\x1b]0;x\x07"),
    "a link": ("\x1b]8;;http://x\x1b\\y", "\\x1b]8;;http://x\\x1b\\y"),
    "the eight-bit escape": ("\x9b2J", r"\x9b2J"),
    "a return": ("failed\rpassed", r"failed\rpassed"),
    "a backspace": ("ab\x08\x7f", r"ab\x08\x7f"),
    "a bell and a NUL": ("\x07\x00", r"\x07\x00"),
    "a form feed": ("\x0b\x0c", r"\x0b\x0c"),
    "letters turned around": ("\u202enosnah\u2066\u200f", r"\u202enosnah\u2066\u200f"),
    "another end of a line": ("\u2028\u2029\x85", r"\u2028\u2029\x85"),
    "letters without width": ("an\u200bna\ufeff", r"an\u200bna\ufeff"),
    "half a letter": ("\udc80", r"\udc80"),
}
each = pytest.mark.parametrize("what", OBEYED)


@each
def test_what_a_terminal_would_obey_is_shown(what: str) -> None:
    told, shown = OBEYED[what]
    assert visible(told) == shown


def test_what_people_write_stays_as_it_is() -> None:
    said = "Åse Ødegård-Nguyễn\t✓ 日本語 🙂\nline two «x» \\x1b"
    assert visible(said) == said


def printed(*told: object, **settings: bool) -> str:
    kept = io.StringIO()
    Terminal(file=kept, width=200).print(*told, **settings)  # type: ignore[arg-type]
    return kept.getvalue()


@each
def test_the_command_line_shows_it_in_lines_and_in_tables(what: str) -> None:
    told, shown = OBEYED[what]
    table = Table("name")
    table.add_row(told)
    assert printed(told, markup=False, highlight=False) == f"{shown}\n"
    assert shown in printed(table)


@each
def test_the_list_at_the_end_of_a_run_shows_it(what: str) -> None:
    told, shown = OBEYED[what]
    verdict = Verdict(
        task="t", check_id="check-t", points=1, state="review", reasons=(Words(nb=told, en=told),), criteria=()
    )
    found = Graded(f"anna{told}", "chatbot", Record.model_construct(verdicts=(verdict,), incidents=(), repairs=()))
    said = printed("\n".join(lines([found])), markup=False, highlight=False)
    assert said.count(shown) == 2
    assert told not in said


def logged(message: str, *args: object, error: BaseException | None = None) -> str:
    record = logging.LogRecord(
        "x", logging.ERROR, "f", 1, message, args, (type(error), error, None) if error is not None else None
    )
    return str(Formatter(color=False).format(record))


@each
def test_a_log_shows_it_in_what_is_said_and_in_an_exception(what: str) -> None:
    told, shown = OBEYED[what]
    said = logged("graded %s", told, error=ValueError(told))
    assert told not in said
    assert said.count(shown) == 2


def test_no_name_looks_like_a_line_of_the_log() -> None:
    said = logged("graded %s", "x\n[Autograde | INFO] all is well")
    assert [line for line in said.splitlines()[1:] if not line.startswith(" ")] == []


@pytest.mark.slow
def test_nbgraders_programs_write_their_log_so(tmp_path: Path) -> None:
    """One that says a name it has been given, on the terminal and in a file."""
    (tmp_path / "nbgrader_config.py").write_text(
        f"from pathlib import Path\nfrom autograder.plugins.settings import configure\nc = get_config()\n"
        f"configure(c, Path({str(tmp_path)!r}))\nc.NbGrader.logfile = 'x.log'\n"
    )
    (tmp_path / "course.toml").write_bytes((ROOT / "course.toml").read_bytes())
    (tmp_path / "source").mkdir()
    command = [str(Path(sys.executable).parent / "nbgrader"), "autograde", "x", "--student", "an\x1b[2Kna"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path)}
    )
    assert r"an\x1b[2Kna" in done.stderr
    assert "\x1b[2K" not in done.stderr + done.stdout
    written = (tmp_path / "x.log").read_text()
    assert r"an\x1b[2Kna" in written
    assert "\x1b[2K" not in written


def test_what_is_told_below_a_progress_bar_is_shown_and_not_obeyed() -> None:
    console = Terminal(file=io.StringIO(), force_terminal=True, width=100)
    with progress(console, lambda: "3 waiting\x1b]0;x\x07") as begin:
        begin("grade", 2)()
    assert isinstance(console.file, io.StringIO)
    assert r"3 waiting\x1b]0;x\x07" in console.file.getvalue()
