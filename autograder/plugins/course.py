"""What nbgrader's steps need to know of a course: where it is, which assignments are ours, and their frozen profiles."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbgrader.coursedir import CourseDirectory
from sqlalchemy import make_url
from traitlets.config import Config, PyFileConfigLoader

from autograder.course.profile import FROZEN_NAME, Profile
from autograder.grading.notebook_grading import NotebookGrading
from autograder.grading.released import is_ours, notebooks_in, profile_in
from autograder.submissions.submission import Released

Resources = dict[str, Any]
CONFIG = "nbgrader_config.py"
STAMP = "timestamp.txt"
MAX_STAMP = 100
"""Bytes of a time; reading one takes longer than in proportion to its length."""


def coursedir_of(preprocessor: Any) -> Any:
    """nbgrader's view of the course whose converter runs this preprocessor."""
    return preprocessor.parent.parent.coursedir


def course_root(preprocessor: Any) -> Path:
    """The course directory of the nbgrader converter that runs this preprocessor."""
    return Path(coursedir_of(preprocessor).root)


def source_folder(preprocessor: Any, resources: Resources) -> Path:
    """Where the source notebooks are that a step of `generate_assignment` is at work on."""
    coursedir = coursedir_of(preprocessor)
    folder: str = coursedir.format_path(coursedir.source_directory, ".", resources["nbgrader"]["assignment"])
    return Path(coursedir.root) / folder


def source_is_ours(preprocessor: Any, resources: Resources) -> bool:
    """Whether the assignment that a step of `generate_assignment` is at work on is one of ours."""
    return is_ours(source_folder(preprocessor, resources))


def frozen_path(coursedir: Any, assignment: str) -> Path:
    """Where the frozen profile of an assignment of ours is."""
    folder: str = coursedir.format_path(coursedir.release_directory, ".", assignment)
    return (Path(coursedir.root) / folder / FROZEN_NAME).resolve()


def released_profile(coursedir: Any, assignment: str) -> Profile | None:
    """`profile_in` of the release of an assignment."""
    return profile_in(frozen_path(coursedir, assignment).parent)


def frozen_profile(preprocessor: Any, resources: Resources) -> Profile | None:
    """`released_profile` of the assignment that a preprocessor is at work on."""
    return released_profile(coursedir_of(preprocessor), resources["nbgrader"]["assignment"])


def grading_of(resources: Resources) -> NotebookGrading | None:
    """The notebook that the steps of `autograde` are at work on, where it is one of ours."""
    found = resources.get("autograder")
    return found if isinstance(found, NotebookGrading) else None


def released_notebooks(coursedir: Any, assignment: str) -> dict[str, Released]:
    """The notebooks of a release, by name."""
    return notebooks_in(frozen_path(coursedir, assignment).parent)


def gradebook_url(course: Path) -> str:
    """The address of a course's gradebook, as its `nbgrader_config.py` has it; without one, that of `gradebook.db`."""
    config = Config()
    if (course / CONFIG).exists():
        config = PyFileConfigLoader(CONFIG, str(course)).load_config()
    return str(CourseDirectory(config=config, root=str(course)).db_url)


def gradebook_there(course: Path) -> str | None:
    """`gradebook_url`; None where it is a file that is not there: nbgrader would make one."""
    url = gradebook_url(course)
    file = make_url(url).database if url.startswith("sqlite") else None
    return None if file and not Path(course, file).exists() else url


def tolerant(ask: Callable[[str], Any]) -> Callable[[str], Any]:
    """nbgrader's reading of the time of handing in, which ends the run, or waits for ever, where it cannot be read."""

    def asked(folder: str) -> Any:
        stamp = Path(folder, STAMP)
        try:
            status = stamp.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_STAMP or b"/" in stamp.read_bytes():
                return None  # what has a "/" where a zone may be is opened as a file
            return ask(folder)
        except (
            ValueError,
            OverflowError,
            OSError,
            SystemExit,
            AttributeError,
        ):  # the last where nbgrader means to say so
            return None

    return asked
