"""What a task is: the half that its own file defines, and the graded step that it becomes under a profile. Plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from autograder.course.profile import Needs, Profile, Role
from autograder.facts.verdict import Criterion

Holds = Literal["llm", "chain", "answer", "prompt", "value"]
"""What a variable is for: a pipeline for text, a chain with one inside, what a model said, the prompt, anything else."""


@dataclass(frozen=True)
class Named:
    """A variable that a student defines, and what it holds. `{n}` in a name stands for the number of a task's value."""

    name: str
    holds: Holds


LLM = Named("llm", "llm")
PROMPT = Named("prompt", "prompt")
CHATBOT = Named("chatbot", "chain")


def nothing(case: object) -> Iterable[Criterion]:
    """The criteria of a task that a person judges."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A task as its own file defines it, whatever the profile.

    Attributes:
        after: the task that stands before it in the full list of tasks.
        variables: what a student must define.
        looks_at: what the check must look at besides: variables of earlier tasks.
        needs: what the profile must say of it.
        builds_on: ids of the tasks (or unscored cells) before it whose work it uses, or looks back on.
        criteria: from a `Case`, yields what is judged; parts of the task's points add up to 1.
        set_apart_by: the criterion that an earlier task's own chain cannot pass here.
        loads_model: whether its cell names a model and a device for it: a wrong model of `llm` costs there, and not again.
    """

    id: str
    after: str | None = None
    notebook: str
    judged_by: Literal["autograder", "person"] = "autograder"
    variables: tuple[Named, ...] = ()
    looks_at: tuple[Named, ...] = ()
    needs: Needs = field(default_factory=Needs)
    builds_on: tuple[str, ...] = ()
    criteria: Callable[[Any], Iterable[Criterion]] = nothing
    set_apart_by: str | None = None
    loads_model: bool = False


@dataclass(frozen=True)
class Task:
    """One graded step under a profile.

    Attributes:
        id: `grade_id` of the cell that the student fills in.
        check_id: `grade_id` of the cell that carries the points (the same as `id` where a person judges).
        named: the variables that it asks for.
        model, question: what the profile asks for (names and texts, resolved), None where it has none.
        settings: what a request must be made with, by transformers' names: `{"temperature": 0.9}`.
        number: 1, 2, … where a definition is several tasks, else 0.
    """

    defined: Definition
    id: str
    check_id: str
    points: float
    named: tuple[Named, ...] = ()
    role: Role | None = None
    model: str | None = None
    question: str | None = None
    settings: Mapping[str, float] = field(default_factory=dict, hash=False)
    number: int = 0

    @property
    def kind(self) -> str:
        """The definition's id; differs from `id` only where a definition is several tasks."""
        return self.defined.id

    @property
    def notebook(self) -> str:
        return self.defined.notebook

    @property
    def judged_by(self) -> Literal["autograder", "person"]:
        return self.defined.judged_by

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables that it asks for."""
        return tuple(one.name for one in self.named)

    @property
    def looked_at(self) -> tuple[Named, ...]:
        """Everything that its check looks at."""
        return tuple(dict.fromkeys(self.named + self.defined.looks_at))

    @property
    def asks_an_earlier_chain(self) -> bool:
        """Whether it asks for an answer of a chain that it does not make."""
        return [one.holds for one in self.named] == ["answer"]

    def holds(self, variable: str) -> Holds | None:
        """What a variable that the check looks at is for; None for another."""
        return next((one.holds for one in self.looked_at if one.name == variable), None)

    def own(self, holds: Holds) -> str | None:
        """The name of its own variable that holds this."""
        return next((one.name for one in self.named if one.holds == holds), None)


Tasks = tuple[Task, ...]


def steps(definition: Definition, profile: Profile) -> Tasks:
    """The tasks that a definition in use becomes: one, or one for each of its values."""
    points, needs = profile.points_of(definition.id), definition.needs
    if needs.values is None:
        return (_step(definition, profile, points[0]),)
    return tuple(
        _step(definition, profile, points[number - 1], number, {needs.values.setting: value})
        for number, value in enumerate(profile.values_of(definition.id), 1)
    )


def _step(
    definition: Definition,
    profile: Profile,
    points: float,
    number: int = 0,
    settings: Mapping[str, float] | None = None,
) -> Task:
    used = profile.task(definition.id)
    task_id = f"{definition.id}-{number}" if number else definition.id
    return Task(
        defined=definition,
        id=task_id,
        check_id=f"check-{task_id}" if definition.judged_by == "autograder" else task_id,
        points=points,
        named=tuple(Named(one.name.format(n=number), one.holds) for one in definition.variables),
        role=used.model,
        model=profile.model(used.model).name if used.model else None,
        question=profile.questions[used.question] if used.question else None,
        settings=settings or {},
        number=number,
    )
