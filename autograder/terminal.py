"""What is told on a terminal or in a log: characters that a terminal would obey are shown instead.

Names of files, cells and accounts, and texts of errors, come from students. A code in them could erase a line of a list, write
another in its place, or turn letters around. Two places are all that lines leave by: `Terminal`, which the command line
prints with, and `Formatter`, which nbgrader's programs write their log with (`nbgrader_settings.py`).
"""

from __future__ import annotations

import copy
import logging
from typing import Any

from rich.console import Console
from rich.text import Text
from tornado.log import LogFormatter

from .masking import visible


class Terminal(Console):
    """rich's console, through which every text goes as it is seen; styles are told by arguments or by our own markup."""

    def render_str(self, text: str, **settings: Any) -> Text:
        return super().render_str(visible(text), **settings)


class Formatter(LogFormatter):
    """tornado's, as nbgrader's programs have it; it sets in what is not the first line of what is said."""

    def format(self, record: logging.LogRecord) -> Any:
        shown = copy.copy(record)
        shown.msg, shown.args = visible(record.getMessage()), None
        return super().format(shown)

    def formatException(self, ei: Any) -> str:
        return visible(super().formatException(ei))
