"""Chat templates print one date while grading, so that a request is the same tomorrow."""

from __future__ import annotations

import subprocess
import sys

CODE = """
from autograder.protocol.chat_template import freeze_today
freeze_today()
from transformers.utils.chat_template_utils import render_jinja_template
chats = [[{"role": "user", "content": "Hi"}]]
print(render_jinja_template(chats, chat_template="{{ strftime_now('%d %b %Y') }}")[0][0])
"""


def test_a_template_that_prints_today_prints_the_same_date_every_day() -> None:
    printed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "26 Jul 2024"
