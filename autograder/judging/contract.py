"""The tasks of the assignment under a profile, and the profiles that name them. Thin over the registry, `tasks/`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from autograder.course import reading
from autograder.course.profile import Profile
from autograder.errors import ProfileError
from autograder.judging.task import Task, Tasks, steps
from autograder.judging.tasks import DEFINITIONS

ASSIGNMENT = "chatbot"
NOTEBOOKS = tuple(dict.fromkeys(definition.notebook for definition in DEFINITIONS.values()))


@functools.cache
def known() -> type[Profile]:
    """The profiles that these tasks make valid. It takes a while the first time."""
    return reading.schema({name: definition.needs for name, definition in DEFINITIONS.items()})


def load(path: Path) -> Profile:
    """Reads `course.toml`, or a frozen `profile.json`. Raises ProfileError, which says what is wrong where."""
    return _with_its_notebooks(reading.load(path, known()), str(path))


def parse(raw: Any, origin: str) -> Profile:
    """Validates what such a file held. `origin` stands in front of each error. Raises ProfileError."""
    return _with_its_notebooks(reading.parse(raw, origin, known()), origin)


def _with_its_notebooks(profile: Profile, origin: str) -> Profile:
    """The profile. Raises ProfileError where `[watch]` names a notebook that its tasks have none of."""
    there = sorted({task.notebook for task in tasks(profile)})
    for name in profile.watch.notebooks or () if profile.watch else ():
        if name not in there:
            raise ProfileError(
                f"{origin}: watch.notebooks: found {name!r}; the notebooks of this profile are: {', '.join(there)}"
            )
    return profile


def tasks(profile: Profile) -> Tasks:
    """All tasks in use, in the order of the profile, each value of a list a task of its own."""
    return tuple(task for used in profile.tasks for task in steps(DEFINITIONS[used.id], profile))


def task_of(check_id: str, profile: Profile) -> Task | None:
    """The task whose check cell has this `grade_id`, or None."""
    return next((task for task in tasks(profile) if task.check_id == check_id), None)
