"""The profile: what an instructor changes from one semester to the next, in one file, `course.toml`.

`reading.py` makes an immutable `Profile` of the file, or an error that names the key, what was found and what is valid. A
release freezes its profile as `profile.json` beside the notebooks (`freeze`): grading and the students' own checks read that
file, never `course.toml`.

This module knows nothing of notebooks, checks or models: it is data. Nor does it know which tasks there are (`Needs`).
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from autograder.course.cluster import Cluster
from autograder.course.part import FROM_LIST, Part
from autograder.errors import ProfileError

Language = Literal["nb", "en"]
Role = Literal["base", "instruct", "large"]
ArgumentName = Literal[
    "model_id", "task", "device", "pipeline_kwargs", "max_new_tokens", "do_sample", "temperature", "num_beams"
]

ARGUMENT_NAMES: tuple[str, ...] = ArgumentName.__args__  # type: ignore[attr-defined]
FROZEN_NAME = "profile.json"
DIGEST_PREFIX = "pbkdf2:"
DIGEST_ROUNDS = 20_000
"""Rounds of PBKDF2 for one answer of the task `arguments`: about 5 ms, so that a check of all eight stays instant."""

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Points = Annotated[float, Field(gt=0, le=100, multiple_of=0.25)]
DUE = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$"


@dataclass(frozen=True)
class Values:
    """One task for each value that `[generation]` lists under a key: `temperatures = [0.9, 2.0]`.

    Attributes:
        key: the list's name in the profile.
        setting: what the values are of, as transformers names it.
        most: the largest value that makes sense.
    """

    key: str
    setting: str
    most: float = 100.0


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a profile must say of a task that it uses, and only then.

    Attributes:
        model, question: whether its entry has these keys.
        arguments: whether the table `[arguments]` must be there.
        values: the list of which each value is a task, if there is one.
        one_chatbot: whether it shares its model role with all others that say so.
        own_question: whether no other that says so may ask the same.
    """

    model: bool = False
    question: bool = False
    arguments: bool = False
    values: Values | None = None
    one_chatbot: bool = False
    own_question: bool = False


class Course(Part):
    """The course. `due` is the deadline with its offset from UTC ("2026-12-01 23:59+01:00"): shown, never enforced."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
    language: Language
    due: Annotated[str, Field(pattern=DUE)] | None = None


class Model(Part):
    """A model as the hub names it, and the GPU memory that it takes when loaded, in GB (10**9 bytes)."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")]
    gpu_gb: Annotated[float, Field(gt=0, le=1000)]


class Models(Part):
    home: Annotated[str, Field(pattern=r"^/.+")]
    package: Literal["langchain_community", "langchain_huggingface"]
    base: Model | None = None
    instruct: Model | None = None
    large: Model | None = None


class Chat(Part):
    system_prompt: Text

    @field_validator("system_prompt")
    @classmethod
    def _no_braces(cls, value: str) -> str:
        if "{" in value or "}" in value:
            raise ValueError("holds { or }, which LangChain's templates take for a variable; write it without")
        return value


class Generation(Part):
    """The token limit, and the lists of values that tasks are made of (`Values`): those are fields too, by `reading.schema`."""

    max_new_tokens: Annotated[int, Field(ge=1, le=4096)]

    def values(self, key: str) -> tuple[float, ...]:
        """The list under a key; nothing where the profile has none."""
        return getattr(self, key, None) or ()


class Limits(Part):
    """Bounds on one notebook while grading.

    Seconds of wall-clock time for a cell and for the whole notebook; GB (10**9 bytes) of memory for all its processes
    together, and of what it can write beside what was handed in; MB of output; tokens of the prompts of one request
    together; tokens of prompts and answers, and seconds of the model host's time, for the whole notebook; `isolation` is the
    level of its jail.
    """

    cell_seconds: Annotated[int, Field(ge=5, le=86_400)] = 900
    notebook_seconds: Annotated[int, Field(ge=30, le=86_400)] = 3600
    memory_gb: Annotated[float, Field(ge=1, le=1000)] = 12.0
    disk_gb: Annotated[float, Field(ge=0.01, le=1000)] = 0.5
    processes: Annotated[int, Field(ge=8, le=10_000)] = 128
    open_files: Annotated[int, Field(ge=64, le=100_000)] = 1024
    output_mb: Annotated[float, Field(ge=0.1, le=1000)] = 10.0
    prompt_tokens: Annotated[int, Field(ge=256, le=400_000)] = 16_000
    host_tokens: Annotated[int, Field(ge=1000, le=10_000_000)] = 100_000
    host_seconds: Annotated[int, Field(ge=10, le=86_400)] = 300
    isolation: Literal["full", "landlock", "none"] = "full"


UserName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]
UserNames = Annotated[tuple[UserName, ...], FROM_LIST]


class Hub(Part):
    """Who is who on a JupyterHub, as accounts of the machine: instructors run the course, graders mark with them.

    `grader` is the account that owns the course directory; nobody logs in as it. None stands for `grader-` and the course's
    id in small letters (`grader_of`). `exchange` is the folder through which notebooks are handed out and in.
    """

    grader: UserName | None = None
    instructors: UserNames = ()
    graders: UserNames = ()
    students: UserNames = ()
    exchange: Annotated[str, Field(pattern=r"^/.+")] = "/srv/nbgrader/exchange"

    @model_validator(mode="after")
    def _each_has_one_role(self) -> Hub:
        names = [*self.instructors, *self.graders, *self.students, *([self.grader] if self.grader else [])]
        for name in {name for name in names if names.count(name) > 1}:
            raise ValueError(f"{name!r} is named twice; each account has one role")
        return self


class TaskInUse(Part):
    """One entry of the list of tasks: which, for how many points, with which model role and question (by its key)."""

    needs: ClassVar[Mapping[str, Needs]] = {}

    id: str
    points: Points
    model: Role | None = None
    question: str | None = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> TaskInUse:
        needs = self.needs[self.id]
        for key, needed in (("model", needs.model), ("question", needs.question)):
            given = getattr(self, key) is not None
            if given != needed:
                word = "needs the key" if not given else "takes no key"
                raise ValueError(f"the task {self.id!r} {word} {key!r}")
        return self


class Profile(Part):
    """Everything that changes from one semester to the next. See `course.toml` for a commented example."""

    needs: ClassVar[Mapping[str, Needs]] = {}

    course: Course
    models: Models
    chat: Chat
    questions: Annotated[dict[str, Text], Field(min_length=1)]
    generation: Generation
    limits: Limits = Limits()
    hub: Hub | None = None
    cluster: Cluster | None = None
    arguments: dict[Annotated[str, Field(pattern=r"^[a-h]$")], str] = Field(default_factory=dict)
    tasks: Annotated[tuple[TaskInUse, ...], Field(min_length=1), FROM_LIST]

    @field_validator("arguments")
    @classmethod
    def _known_arguments(cls, value: dict[str, str]) -> dict[str, str]:
        for letter, name in value.items():
            if name not in ARGUMENT_NAMES and not name.startswith(DIGEST_PREFIX):
                raise ValueError(f"{letter} = {name!r} is none of the arguments {', '.join(ARGUMENT_NAMES)}")
        if len(set(value.values())) != len(value):
            raise ValueError("the same argument is there twice; each description needs one of its own")
        return value

    @model_validator(mode="after")
    def _parts_fit(self) -> Profile:
        ids = [task.id for task in self.tasks]
        for twice in {i for i in ids if ids.count(i) > 1}:
            raise ValueError(f"tasks: {twice!r} is listed twice; list each task once")
        for number, task in enumerate(self.tasks):
            where = f"tasks[{number}] ({task.id})"
            if task.model and getattr(self.models, task.model) is None:
                raise ValueError(f"{where}.model: {task.model!r} has no table [models.{task.model}]")
            if task.question and task.question not in self.questions:
                valid = ", ".join(sorted(self.questions))
                raise ValueError(f"{where}.question: {task.question!r} is not in [questions]; there are: {valid}")
        self._chatbot_is_one()
        for task in self.tasks:
            self._has_what_it_needs(task.id)
        return self

    def _chatbot_is_one(self) -> None:
        together = [task_id for task_id, needs in self.needs.items() if needs.one_chatbot]
        if len({task.model for task in self.tasks if task.id in together}) > 1:
            raise ValueError(f"tasks: {', '.join(together)} are about one chatbot and need the same model role")
        asked: dict[str, str] = {}
        for task in sorted(self.tasks, key=lambda task: [*self.needs].index(task.id)):
            if task.question and self.needs[task.id].own_question:
                first = asked.setdefault(self.questions[task.question], task.id)
                if first != task.id:
                    raise ValueError(
                        f"tasks: {first!r} and {task.id!r} ask the same question; they need different ones"
                    )

    def _has_what_it_needs(self, task_id: str) -> None:
        needs = self.needs[task_id]
        if needs.arguments and not self.arguments:
            raise ValueError(f"arguments: the task {task_id!r} is in use, and its key is missing (a = …, b = …)")
        if needs.values is None:
            return
        if not self.generation.values(needs.values.key):
            raise ValueError(f"generation.{needs.values.key}: missing; it must be there")
        if any(part < 0.25 for part in self.points_of(task_id)):
            setting = needs.values.setting
            raise ValueError(f"tasks: {task_id!r} has too few points: each {setting} needs 0.25 at least")

    def uses(self, task_id: str) -> bool:
        return any(task.id == task_id for task in self.tasks)

    def task(self, task_id: str) -> TaskInUse:
        """The entry of a task in use. Raises KeyError for one that is not."""
        for task in self.tasks:
            if task.id == task_id:
                return task
        raise KeyError(task_id)

    def model(self, role: Role) -> Model:
        """The model of a role. Raises ProfileError when the profile has none."""
        found: Model | None = getattr(self.models, role)
        if found is None:
            raise ProfileError(f"models.{role}: missing; add a table [models.{role}] with name and gpu_gb")
        return found

    def roles_in_use(self) -> tuple[Role, ...]:
        roles: tuple[Role, ...] = ("base", "instruct", "large")
        return tuple(role for role in roles if any(task.model == role for task in self.tasks))

    def models_in_use(self) -> tuple[str, ...]:
        """Names of the models that some task uses."""
        return tuple(self.model(role).name for role in self.roles_in_use())

    def values_of(self, task_id: str) -> tuple[float, ...]:
        """The values that make a task several; nothing for one that is not made of values."""
        values = self.needs[task_id].values
        return self.generation.values(values.key) if values else ()

    def points_of(self, task_id: str) -> tuple[float, ...]:
        """Points for each of a task's values: equal parts, rounded down to 0.25; the first takes the rest."""
        total = self.task(task_id).points
        count = max(1, len(self.values_of(task_id)))
        part = math.floor(total / count * 4) / 4
        return (total - part * (count - 1),) + (part,) * (count - 1)

    def freeze(self) -> Profile:
        """The profile as a release carries it: the key of `arguments` replaced by digests; no people, no machines."""
        digests = {letter: self._digest(letter, name) for letter, name in self.arguments.items()}
        return self.model_copy(update={"arguments": digests, "hub": None, "cluster": None})

    def grader_of(self) -> str:
        """The account that owns the course directory on a hub."""
        return (self.hub.grader if self.hub else None) or f"grader-{self.course.id.lower()}"

    def argument_is_right(self, letter: str, answer: str) -> bool:
        """Whether `answer` is the argument behind the description `letter`; works on a frozen profile too."""
        key = self.arguments.get(letter)
        return key is not None and answer in ARGUMENT_NAMES and key in (answer, self._digest(letter, answer))

    def _digest(self, letter: str, name: str) -> str:
        if name.startswith(DIGEST_PREFIX):
            return name
        return _slow_digest(f"{self.course.id}/{letter}", name, DIGEST_ROUNDS)

    def to_json(self) -> str:
        return json.dumps(self.model_dump(mode="json", exclude_none=True), indent=1, ensure_ascii=False) + "\n"


@functools.lru_cache(maxsize=1024)
def _slow_digest(salt: str, name: str, rounds: int) -> str:
    """A digest that takes its time, against guessing; a grader asks for the same few again and again."""
    return DIGEST_PREFIX + hashlib.pbkdf2_hmac("sha256", name.encode(), salt.encode(), rounds, 16).hex()
