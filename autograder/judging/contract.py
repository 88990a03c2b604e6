"""The tasks of the assignment: what each defines, where it stands, what it is worth.

`CONTRACT` is the fixed half (ids, variables, notebooks); the profile gives the other half (which are in use, points,
model, question, temperatures). `tasks(profile)` joins the two. Nothing here judges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autograder.course.profile import Profile, Role

ASSIGNMENT = "chatbot"
NOTEBOOKS = ("chatbot", "larger-model", "temperature")


@dataclass(frozen=True)
class Entry:
    """The fixed half of a task: its notebook, the variables a student must define, and who judges it."""

    notebook: str
    variables: tuple[str, ...] = ()
    judged_by: Literal["autograder", "person"] = "autograder"


CONTRACT: dict[str, Entry] = {
    "model-home": Entry("chatbot"),
    "ask-base": Entry("chatbot", ("base_llm", "base_answer")),
    "load-model": Entry("chatbot", ("llm",)),
    "limit-output": Entry("chatbot", ("llm",)),
    "arguments": Entry("chatbot", ("answers",)),
    "prompt": Entry("chatbot", ("prompt",)),
    "chain": Entry("chatbot", ("chatbot",)),
    "who-are-you": Entry("chatbot", ("result",)),
    "ideal-boat": Entry("chatbot", ("boat",)),
    "memory": Entry("chatbot", judged_by="person"),
    "instruct-small": Entry("larger-model", ("chatbot_small", "result_small")),
    "compare-small": Entry("larger-model", judged_by="person"),
    "instruct-large": Entry("larger-model", ("chatbot_large", "result_large")),
    "compare-large": Entry("larger-model", judged_by="person"),
    "temperature": Entry("temperature", ("chatbot_{n}", "result_{n}")),
    "compare-temperature": Entry("temperature", judged_by="person"),
}


@dataclass(frozen=True)
class Task:
    """One graded step.

    Attributes:
        id: `grade_id` of the cell that the student fills in.
        check_id: `grade_id` of the cell that carries the points (the same as `id` where a person judges).
        kind: key of `CONTRACT`; differs from `id` only for the temperatures, which share one.
        number: 1, 2, … for the temperatures, else 0.
        model, question, temperature: what the profile asks for (names and texts, resolved), None where it has none.
    """

    id: str
    check_id: str
    kind: str
    notebook: str
    points: float
    variables: tuple[str, ...]
    judged_by: Literal["autograder", "person"]
    role: Role | None = None
    model: str | None = None
    question: str | None = None
    temperature: float | None = None
    number: int = 0


def tasks(profile: Profile) -> tuple[Task, ...]:
    """All tasks in use, in the order of the profile, each temperature a task of its own."""
    return tuple(task for used in profile.tasks for task in _expand(used.id, profile))


def task_of(check_id: str, profile: Profile) -> Task | None:
    """The task whose check cell has this `grade_id`, or None."""
    return next((task for task in tasks(profile) if task.check_id == check_id), None)


def _expand(kind: str, profile: Profile) -> list[Task]:
    if kind != "temperature":
        return [_task(kind, kind, profile, profile.task(kind).points)]
    parts = zip(profile.generation.temperatures, profile.temperature_points(), strict=True)
    return [
        _task(kind, f"temperature-{n}", profile, points, n, temperature)
        for n, (temperature, points) in enumerate(parts, 1)
    ]


def _task(
    kind: str, task_id: str, profile: Profile, points: float, number: int = 0, temperature: float | None = None
) -> Task:
    entry, used = CONTRACT[kind], profile.task(kind)
    return Task(
        id=task_id,
        check_id=f"check-{task_id}" if entry.judged_by == "autograder" else task_id,
        kind=kind,
        notebook=entry.notebook,
        points=points,
        variables=tuple(name.format(n=number) for name in entry.variables),
        judged_by=entry.judged_by,
        role=used.model,
        model=profile.model(used.model).name if used.model else None,
        question=profile.questions[used.question] if used.question else None,
        temperature=temperature,
        number=number,
    )
