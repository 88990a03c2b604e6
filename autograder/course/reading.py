"""Reads a profile: `course.toml`, or the frozen `profile.json` of a release.

Which tasks a profile may name, and which lists of values, is handed in (`schema`): `judging/contract.py` knows the tasks and has
`load` and `parse` for everybody else. An error names the file, the key, what was found and what is valid.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, create_model

from autograder.course.part import FROM_LIST
from autograder.course.profile import Generation, Needs, Profile, TaskInUse, Values
from autograder.errors import ProfileError


def schema(needs: Mapping[str, Needs]) -> type[Profile]:
    """The profile of courses that know these tasks and no others."""
    lists = {each.values.key: (_list_of(each.values), None) for each in needs.values() if each.values}
    generation = create_model("Generation", __base__=Generation, **lists)  # type: ignore[call-overload]
    ids: Any = Literal[tuple(needs)]
    task = create_model("TaskInUse", __base__=TaskInUse, id=(ids, ...))
    entries = Annotated[tuple[task, ...], Field(min_length=1), FROM_LIST]  # type: ignore[valid-type]
    profile = create_model("Profile", __base__=Profile, generation=(generation, ...), tasks=(entries, ...))
    task.needs = profile.needs = dict(needs)
    return profile


def _list_of(values: Values) -> Any:
    def floats(value: Any) -> Any:
        return tuple(float(v) if type(v) is int else v for v in value) if isinstance(value, list) else value

    def different(value: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(value)) != len(value):
            raise ValueError(f"the same {values.setting} is there twice; each must be different")
        return value

    one = Annotated[float, Field(gt=0, le=values.most)]
    some = Annotated[tuple[one, ...], Field(min_length=1, max_length=8)]
    return Annotated[some, BeforeValidator(floats), AfterValidator(different)]


def load(path: Path, known: type[Profile]) -> Profile:
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
    return parse(raw, str(path), known)


def parse(raw: Any, origin: str, known: type[Profile]) -> Profile:
    """Validates what a TOML or JSON file held. `origin` stands in front of each error. Raises ProfileError."""
    try:
        return known.model_validate(raw)
    except ValidationError as error:
        problems = error.errors()
        inner = [problem["loc"] for problem in problems]
        lines = [
            _say(problem, known)
            for problem in problems  # one bad element of a list also makes the list too short: reported once
            if not any(len(loc) > len(problem["loc"]) and loc[: len(problem["loc"])] == problem["loc"] for loc in inner)
        ]
        raise ProfileError("\n".join(f"{origin}: {line}" for line in lines)) from None


def _say(problem: Mapping[str, Any], known: type[Profile]) -> str:
    """One problem in words: the key, what was found, what is valid."""
    place = problem["loc"]
    key = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")
    kind, message = problem["type"], problem["msg"].removeprefix("Value error, ")
    message = message.replace("tuple", "list").replace("Tuple", "List")
    if kind == "model_type":
        message = "input should be a table with keys"
    key = key or "the file"
    if kind == "extra_forbidden":
        valid = sorted(_fields_at(place[:-1], known))
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


def _fields_at(place: tuple[str | int, ...], known: type[Profile]) -> list[str]:
    """Names of the keys that are valid at a place of the profile."""
    part: type[BaseModel] = known
    for step in place:
        if isinstance(step, str):
            part = _model_in(part.model_fields[step].annotation) or part
    return list(part.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The part of the profile that an annotation is about: itself, of a list, or where there may be none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
