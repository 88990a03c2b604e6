"""The profile: what an instructor changes from one semester to the next, in one file, `course.toml`.

Read with `load(path)`, which answers a validated, immutable `Profile` or raises `ProfileError` that names the key, what
was found and what is valid. A release freezes its profile as `profile.json` beside the notebooks (`freeze`): grading and
the students' own checks read that file, never `course.toml`.

This module knows nothing of notebooks, checks or models: it is data.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import json
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from autograder.errors import ProfileError

Language = Literal["nb", "en"]
Role = Literal["base", "instruct", "large"]
ArgumentName = Literal[
    "model_id", "task", "device", "pipeline_kwargs", "max_new_tokens", "do_sample", "temperature", "num_beams"
]
TaskId = Literal[
    "model-home", "ask-base", "load-model", "limit-output", "arguments", "prompt", "chain", "who-are-you",
    "ideal-boat", "memory", "instruct-small", "compare-small", "instruct-large", "compare-large", "temperature",
    "compare-temperature",
]  # fmt: skip

ARGUMENT_NAMES: tuple[str, ...] = ArgumentName.__args__  # type: ignore[attr-defined]
FROZEN_NAME = "profile.json"
DIGEST_PREFIX = "pbkdf2:"
DIGEST_ROUNDS = 20_000
"""Rounds of PBKDF2 for one answer of the task `arguments`: about 5 ms, so that a check of all eight stays instant."""

NEEDS_MODEL = frozenset(
    ["ask-base", "load-model", "limit-output", "chain", "who-are-you", "ideal-boat", "instruct-small",
     "instruct-large", "temperature"]
)  # fmt: skip
NEEDS_QUESTION = frozenset(["ask-base", "who-are-you", "ideal-boat", "instruct-small", "instruct-large", "temperature"])
SAME_MODEL = ("load-model", "limit-output", "chain", "who-are-you", "ideal-boat")
"""The chatbot of the first notebook is one chatbot: its tasks share a model role."""

Text = Annotated[str, Field(min_length=1, max_length=2000)]
Points = Annotated[float, Field(gt=0, le=100, multiple_of=0.25)]


DUE = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$"


class Part(BaseModel):
    """A part of the profile: unknown keys are refused, values never change, and no type is quietly converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Course(Part):
    """The course. `due` is the deadline with its offset from UTC ("2026-12-01 23:59+01:00"): told, never enforced."""

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
    max_new_tokens: Annotated[int, Field(ge=1, le=4096)]
    temperatures: Annotated[tuple[Annotated[float, Field(gt=0, le=100)], ...], Field(min_length=1, max_length=8)]

    @field_validator("temperatures", mode="before")
    @classmethod
    def _list_of_numbers(cls, value: Any) -> Any:
        if isinstance(value, list):
            return tuple(float(v) if type(v) is int else v for v in value)
        return value

    @field_validator("temperatures")
    @classmethod
    def _all_different(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(value)) != len(value):
            raise ValueError("the same temperature is there twice; each must be different")
        return value


class Limits(Part):
    """Bounds on one notebook while grading.

    Seconds of wall-clock time for a cell and for the whole notebook; GB (10**9 bytes) of memory for all its processes
    together, and of what it can write beside what was handed in; MB of output; tokens of the prompts of one request
    together, which nothing interrupts while they are read; `isolation` is the level of its jail.
    """

    cell_seconds: Annotated[int, Field(ge=5, le=86_400)] = 900
    notebook_seconds: Annotated[int, Field(ge=30, le=86_400)] = 3600
    memory_gb: Annotated[float, Field(ge=1, le=1000)] = 12.0
    disk_gb: Annotated[float, Field(ge=0.01, le=1000)] = 0.5
    processes: Annotated[int, Field(ge=8, le=10_000)] = 128
    open_files: Annotated[int, Field(ge=64, le=100_000)] = 1024
    output_mb: Annotated[float, Field(ge=0.1, le=1000)] = 10.0
    prompt_tokens: Annotated[int, Field(ge=256, le=400_000)] = 16_000
    isolation: Literal["full", "landlock", "none"] = "full"


UserName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]
UserNames = tuple[UserName, ...]


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

    @field_validator("instructors", "graders", "students", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _each_has_one_role(self) -> Hub:
        names = [*self.instructors, *self.graders, *self.students, *([self.grader] if self.grader else [])]
        for name in {name for name in names if names.count(name) > 1}:
            raise ValueError(f"{name!r} is named twice; each account has one role")
        return self


class TaskInUse(Part):
    """One entry of the list of tasks: which, for how many points, with which model role and question (by its key)."""

    id: TaskId
    points: Points
    model: Role | None = None
    question: str | None = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> TaskInUse:
        for key, needing in (("model", NEEDS_MODEL), ("question", NEEDS_QUESTION)):
            given = getattr(self, key) is not None
            if given != (self.id in needing):
                word = "needs the key" if not given else "takes no key"
                raise ValueError(f"the task {self.id!r} {word} {key!r}")
        return self


class Profile(Part):
    """Everything that changes from one semester to the next. See `course.toml` for a commented example."""

    course: Course
    models: Models
    chat: Chat
    questions: Annotated[dict[str, Text], Field(min_length=1)]
    generation: Generation
    limits: Limits = Limits()
    hub: Hub | None = None
    arguments: dict[Annotated[str, Field(pattern=r"^[a-h]$")], str] = {}
    tasks: Annotated[tuple[TaskInUse, ...], Field(min_length=1)]

    @field_validator("tasks", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

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
        if "arguments" in ids and not self.arguments:
            raise ValueError("arguments: the task 'arguments' is in use, and its key is missing (a = …, b = …)")
        parts = self.temperature_points() if "temperature" in ids else ()
        if any(part < 0.25 for part in parts):
            raise ValueError("tasks: 'temperature' has too few points: each temperature needs 0.25 at least")
        return self

    def _chatbot_is_one(self) -> None:
        roles = {task.model for task in self.tasks if task.id in SAME_MODEL}
        if len(roles) > 1:
            raise ValueError(f"tasks: {', '.join(SAME_MODEL)} are about one chatbot and need the same model role")
        asked = {task.id: self.questions[task.question] for task in self.tasks if task.question}
        if "who-are-you" in asked and asked["who-are-you"] == asked.get("ideal-boat"):
            raise ValueError("tasks: 'who-are-you' and 'ideal-boat' ask the same question; they need different ones")

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

    def temperature_points(self) -> tuple[float, ...]:
        """Points of each temperature: equal parts, rounded down to 0.25; the first takes the rest."""
        total = self.task("temperature").points
        count = len(self.generation.temperatures)
        part = math.floor(total / count * 4) / 4
        return (total - part * (count - 1),) + (part,) * (count - 1)

    def freeze(self) -> Profile:
        """The profile as a release carries it: the key of `arguments` replaced by digests, and nobody named."""
        digests = {letter: self._digest(letter, name) for letter, name in self.arguments.items()}
        return self.model_copy(update={"arguments": digests, "hub": None})

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


def load(path: Path) -> Profile:
    """Reads `course.toml`, or a frozen `profile.json`.

    Raises:
        ProfileError: the file is missing or unreadable, is not TOML (JSON), or holds something that is not valid.
    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise ProfileError(f"{path}: there is no such file; a course has its profile in course.toml") from None
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, JSONDecodeError, UnicodeDecodeError, deep nesting
        raise ProfileError(f"{path}: is not valid {path.suffix[1:].upper()}: {error}") from error
    return parse(raw, str(path))


def parse(raw: Any, origin: str) -> Profile:
    """Validates what a TOML or JSON file held. `origin` stands in front of each error. Raises ProfileError."""
    try:
        return Profile.model_validate(raw)
    except ValidationError as error:
        problems = error.errors()
        inner = [problem["loc"] for problem in problems]
        lines = [
            _say(problem, raw)
            for problem in problems  # one bad element of a list also makes the list too short: told once
            if not any(len(loc) > len(problem["loc"]) and loc[: len(problem["loc"])] == problem["loc"] for loc in inner)
        ]
        raise ProfileError("\n".join(f"{origin}: {line}" for line in lines)) from None


def _say(problem: Mapping[str, Any], raw: Any) -> str:
    """One problem in words: the key, what was found, what is valid."""
    place = problem["loc"]
    key = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")
    kind, message = problem["type"], problem["msg"].removeprefix("Value error, ")
    message = message.replace("tuple", "list").replace("Tuple", "List")
    if kind == "model_type":
        message = "input should be a table with keys"
    key = key or "the file"
    if kind == "extra_forbidden":
        valid = sorted(_fields_at(place[:-1]))
        close = difflib.get_close_matches(str(place[-1]), valid, 1)
        advice = f"did you mean {close[0]!r}?" if close else f"valid here: {', '.join(valid)}"
        return f"{key}: unknown key; {advice}"
    if kind == "missing":
        return f"{key}: missing; it must be there"
    if kind == "value_error":
        return f"{key}: {message}" if place else message
    return f"{key}: found {_short(problem['input'])}; {message[0].lower() + message[1:]}"


def _short(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "…"
    return text if len(text) <= 60 else text[:57] + "…"


def _fields_at(place: tuple[str | int, ...]) -> list[str]:
    """Names of the keys that are valid at a place of the profile."""
    part: type[BaseModel] = Profile
    for step in place:
        if isinstance(step, int):
            continue
        nested = {"tasks": TaskInUse, "base": Model, "instruct": Model, "large": Model, "hub": Hub}
        annotation = part.model_fields[step].annotation
        part = nested.get(step) or annotation  # type: ignore[assignment]
    return list(part.model_fields)
