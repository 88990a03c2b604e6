"""nbgrader's settings for this course. What changes from one semester to the next is in course.toml, not here."""

from pathlib import Path

from autograder.plugins.settings import configure

c = get_config()  # noqa: F821
configure(c, Path(__file__).resolve().parent)
