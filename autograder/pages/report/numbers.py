"""From the records of a class to the numbers of its report: what was earned, what went wrong, what it cost.

Pure: records and marks in, small frozen data out, with sentences by their keys. The page has the words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autograder.course.profile import Profile
from autograder.facts.verdict import Criterion
from autograder.judging.contract import tasks
from autograder.pages.report.findings import (
    Happened,
    Late,
    Mended,
    Mistake,
    Observed,
    Review,
    incidents_of,
    late_of,
    mended_in,
    mistakes_of,
    observed_of,
    reviews_of,
)
from autograder.pages.report.requests import Cost, Requests, TemperatureNumbers
from autograder.pages.report.scores import Distribution, TaskNumbers, distribution_of, has_unmarked, task_numbers
from autograder.pages.report.works import Hide, Work, slim

MAX_MISTAKES = 12


@dataclass(frozen=True)
class Numbers:
    """Everything that the report shows.

    Attributes:
        students: whose work is in the course.
        graded: of them, who has a record of every notebook.
        automatic: points of the autograder's tasks, of those who have all of them.
        final: all points, of those who have all of them.
        unmarked: students with a free text that waits for a person, or has no mark.
        settled: verdicts for review that a person has scored.
    """

    students: int
    graded: int
    automatic: Distribution
    final: Distribution
    unmarked: int
    tasks: tuple[TaskNumbers, ...]
    mistakes: tuple[Mistake, ...]
    kinds_of_mistakes: int
    late: tuple[Late, ...]
    reviews: tuple[Review, ...]
    settled: int
    not_judged: tuple[Review, ...]
    incidents: tuple[Happened, ...]
    mended: tuple[Mended, ...]
    cost: Cost
    temperatures: tuple[TemperatureNumbers, ...]
    observed: tuple[Observed, ...]
    damaged: tuple[tuple[str, str], ...]


def numbers_of(every: Iterable[Work], profile: Profile, hide: Hide) -> Numbers:
    """The numbers of a class.

    Args:
        every: each student's work; taken one by one, and kept without what it was judged from.
        hide: makes a text harmless that a student can have had a hand in; see `works.hiding`.
    """
    all_tasks = tasks(profile)
    judged = [task for task in all_tasks if task.judged_by == "autograder"]
    notebooks = {task.notebook for task in judged}
    works, requests, shared = list[Work](), Requests(profile), dict[Criterion, Criterion]()
    for work in every:
        requests.add(work)
        works.append(slim(work, shared))
    graded = [work for work in works if notebooks <= work.records.keys()]
    mistakes = mistakes_of(graded, judged, hide)
    reviews = tuple(reviews_of(works, judged, hide))
    waiting = tuple(review for review in reviews if not review.settled)
    return Numbers(
        students=len(works),
        graded=len(graded),
        automatic=distribution_of(graded, judged),
        final=distribution_of(graded, all_tasks),
        unmarked=sum(has_unmarked(work, all_tasks) for work in graded),
        tasks=tuple(task_numbers(task, graded, hide) for task in all_tasks),
        mistakes=mistakes[:MAX_MISTAKES],
        kinds_of_mistakes=len(mistakes),
        late=late_of(works),
        reviews=tuple(review for review in waiting if review.score is not None),
        settled=len(reviews) - len(waiting),
        not_judged=tuple(review for review in waiting if review.score is None),
        incidents=incidents_of(works, hide),
        mended=mended_in(works),
        cost=requests.cost(),
        temperatures=requests.temperatures(hide),
        observed=observed_of(graded, judged),
        damaged=tuple((work.name, file) for work in works for file in work.damaged),
    )
