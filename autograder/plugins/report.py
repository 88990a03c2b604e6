"""`autograder report`: a page for the course team about a graded class. Reads the course; writes the page and the numbers
that stand for students in it.

A student's number is drawn once and kept in `verdicts/ASSIGNMENT/numbers.json`: who has that file can tell who is who.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from nbgrader.api import Gradebook
from pydantic import TypeAdapter, ValidationError

from autograder.course.deadline import HandInTime
from autograder.course.profile import Profile
from autograder.errors import Damaged
from autograder.grading.grades import Grade
from autograder.grading.records import Overrides, Record, Records
from autograder.grading.released import released_profile
from autograder.judging.contract import ASSIGNMENT
from autograder.pages.report.numbers import numbers_of
from autograder.pages.report.page import page_of
from autograder.pages.report.works import Work, hiding
from autograder.plugins.course import gradebook_there
from autograder.plugins.deadlines import Deadlines
from autograder.plugins.scores import grades_of_all
from autograder.system.files import write_whole

NUMBERS = TypeAdapter(dict[str, int])


def write_report(course: Path, to: Path, named: bool, assignment: str = ASSIGNMENT) -> int:
    """Writes the page, and returns how many students are in it.

    Args:
        named: with students' names in place of numbers.

    Raises NotReady where there is no release, and Damaged where the students' numbers cannot be read.
    """
    profile = released_profile(course, assignment)
    accounts = class_of(course, assignment)
    grades, names, times = from_gradebook(course, profile, assignment)
    if named:
        shown = {account: f"{account} ({names[account]})" if names.get(account) else account for account in accounts}
    else:
        shown = {
            account: f"student\u00a0{number}" for account, number in numbers_for(course, assignment, accounts).items()
        }
    accounts.sort(key=lambda account: (0 if named else len(shown[account]), shown[account]))
    works = (
        work_of(
            course, assignment, account, Work(shown[account], grades=grades.get(account, {}), time=times.get(account))
        )
        for account in accounts
    )
    hide = hiding([*accounts, *names, *names.values()], kept=[profile.models.home])
    write_whole(to, page_of(numbers_of(works, profile, hide), assignment, profile.course.language, named))
    return len(accounts)


def class_of(course: Path, assignment: str) -> list[str]:
    """Everybody who has handed in, or has a record."""
    submitted = {path.parent.name for path in course.glob(f"submitted/*/{assignment}") if path.is_dir()}
    recorded = {path.name for path in course.glob(f"verdicts/{assignment}/*") if path.is_dir()}
    return sorted(submitted | recorded)


def work_of(course: Path, assignment: str, account: str, known: Work) -> Work:
    """What the gradebook has of a student's work, and the records with it."""
    records, damaged = Records(course, assignment), []
    found: dict[str, Record] = {}
    for path in sorted((records.folder / account).glob("*.json")):
        try:
            record = records.read(account, path.stem)
        except Damaged:
            damaged.append(path.stem)
        else:
            found |= {path.stem: record} if record is not None else {}
    overrides: Overrides = {}
    try:
        overrides = records.overrides(account)
    except Damaged:
        damaged.append("overrides")
    return replace(known, records=found, overrides=overrides, damaged=tuple(damaged))


def from_gradebook(
    course: Path, profile: Profile, assignment: str
) -> tuple[dict[str, dict[str, Grade]], dict[str, str], dict[str, HandInTime]]:
    """Grades by account and grade id, names by account, and times of handing in; nothing where there is no gradebook.

    Raises Damaged where an extension cannot be read.
    """
    url = gradebook_there(course)
    if url is None:
        return {}, {}, {}
    with Gradebook(url) as gradebook:
        names = {s.id: " ".join(filter(None, (s.first_name, s.last_name))) for s in gradebook.students}
        grades = grades_of_all(gradebook, assignment)
        return grades, names, Deadlines(course, assignment, profile.course.deadline).hand_ins(names, gradebook)


def numbers_for(course: Path, assignment: str, accounts: Iterable[str]) -> dict[str, int]:
    """A number for each account, the same every time; a new account draws one that is free.

    Raises Damaged where those that were drawn cannot be read.
    """
    path = course / "verdicts" / assignment / "numbers.json"
    try:
        known = NUMBERS.validate_json(path.read_bytes()) if path.exists() else {}
    except (OSError, ValidationError) as error:
        raise Damaged(f"{path}: cannot be read; move it away, and every student gets a new number") from error
    new = [account for account in accounts if account not in known]
    random.SystemRandom().shuffle(new)  # the order of the accounts would tell who is who
    highest = max(known.values(), default=0)
    every = known | {account: highest + count for count, account in enumerate(new, 1)}
    if new:
        write_whole(path, NUMBERS.dump_json(every, indent=1).decode())
    return every
