"""What is written to a terminal or a log: characters that a terminal would obey are shown instead.

Names of files, cells and accounts, and texts of errors, come from students. A code in them could erase a line of a list, write
another in its place, or turn letters around. The command line prints with `Terminal` alone, and nbgrader's programs write
their log with `Formatter` (`plugins/steps.py`).
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from tornado.log import LogFormatter

from autograder.words.masking import visible

Begin = Callable[[str, int], Callable[[], None]]
"""Begins a piece of work: its name and the number of its parts. What it returns is called once a part."""


class Terminal(Console):
    """rich's console, which shows the codes in every text; styles are given by arguments or by our own markup."""

    def render_str(self, text: str, **settings: Any) -> Text:
        return super().render_str(visible(text), **settings)


class Formatter(LogFormatter):
    """tornado's, as nbgrader's programs have it; it indents all lines but the first."""

    def format(self, record: logging.LogRecord) -> Any:
        shown = copy.copy(record)
        shown.msg, shown.args = visible(record.getMessage()), None
        return super().format(shown)

    def formatException(self, ei: Any) -> str:
        return visible(super().formatException(ei))


class Noted(Progress):
    """rich's, with a line below it.

    Args:
        note: asked for the line whenever it is drawn; none where it is empty.
    """

    def __init__(self, *columns: ProgressColumn, note: Callable[[], str], console: Console) -> None:
        self._note = note
        super().__init__(*columns, console=console)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if note := self._note():
            yield Text(visible(note))


@contextmanager
def progress(console: Console, note: Callable[[], str] = lambda: "") -> Iterator[Begin]:
    """Shows how far each piece of work is, with the time that it has taken and, once that can be told, will take.

    Args:
        note: what else is told below it.
    """
    columns = TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    left = TimeRemainingColumn(elapsed_when_finished=False)
    with Noted(*columns, TextColumn("left"), left, note=note, console=console) as shown:

        def begin(name: str, parts: int) -> Callable[[], None]:
            task = shown.add_task(name, total=parts)
            return lambda: shown.advance(task)

        yield begin
