"""A profile that no course has: English, other models, four temperatures, two tasks left out; made from `course.toml`.

`python tests/third_profile.py FILE` writes it, for `python -m trials selftest --profile FILE`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LEFT_OUT = ("arguments", "ideal-boat")
CHANGES = {
    'language = "nb"': 'language = "en"',
    'home = "/fp/projects01/ec443/huggingface/cache"': 'home = "/srv/models/"',
    "meta-llama/Llama-3.2-1B-Instruct": "Qwen/Qwen2.5-0.5B-Instruct",
    "meta-llama/Llama-3.2-3B-Instruct": "Qwen/Qwen2.5-1.5B-Instruct",
    "meta-llama/Llama-3.2-1B": "Qwen/Qwen2.5-0.5B",
    "You are a pirate chatbot who always responds in pirate speak in whole sentences!": (
        "You're a lighthouse keeper's cat, and say so."
    ),
    "Who are you?": "What's your name, and what do you do?",
    "Tell me about your ideal boat?": "Which weather do you like best?",
    "max_new_tokens = 100": "max_new_tokens = 24",
    "temperatures = [0.9, 2.0, 5.0]": "temperatures = [0.7, 1.5, 3.0, 8.0]",
}


def third_profile(course: Path) -> str:
    """The text of the third profile, from that of the course's own."""
    text = course.read_text(encoding="utf-8")
    for before, after in CHANGES.items():
        assert before in text, f"course.toml no longer has {before!r}"
        text = text.replace(before, after)
    for task in LEFT_OUT:
        text, times = re.subn(rf'\[\[tasks\]\]\nid = "{task}"\n(?:\w.*\n)*\n?', "", text)
        assert times == 1, f"course.toml no longer has the task {task}"
    return text


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(third_profile(Path(__file__).parent.parent / "course.toml"), encoding="utf-8")
