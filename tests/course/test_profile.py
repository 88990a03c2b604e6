"""The profile: what a good file gives, what each mistake says, and what a frozen profile keeps to itself."""

from __future__ import annotations

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.course import profile as profile_module
from autograder.course.profile import ArgumentName, Profile
from autograder.errors import ProfileError
from autograder.judging.contract import load, parse
from autograder.judging.tasks import DEFINITIONS

PROFILES = ROOT / "profiles"
SHIPPED = {"default": ROOT / "course.toml", **{name: PROFILES / f"{name}.toml" for name in ("gemma", "nucleus")}}
ARGUMENTS = ArgumentName.__args__  # type: ignore[attr-defined]
TASKS = tuple(DEFINITIONS)
RAW: dict[str, Any] = tomllib.loads(SHIPPED["default"].read_text(encoding="utf-8"))
GONE = "taken out"
"""Stands for a key that is not there."""


def place_of(task_id: str) -> int:
    """Where a task stands in the list of the default profile."""
    return next(number for number, task in enumerate(RAW["tasks"]) if task["id"] == task_id)


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The default profile as TOML gives it, with each (dotted key, value) set, or taken out where the value is GONE.

    `tasks.chain` is the entry of the task `chain`.
    """
    raw = copy.deepcopy(RAW)
    for key, value in changes:
        *way, last = key.split(".")
        part: Any = raw
        for step in way:
            part = part[place_of(step) if isinstance(part, list) else step]
        step = place_of(last) if isinstance(part, list) else last
        if value == GONE:
            del part[step]
        else:
            part[step] = value
    return raw


def complaint(*changes: tuple[str, Any]) -> str:
    with pytest.raises(ProfileError) as caught:
        parse(changed(*changes), "course.toml")
    return str(caught.value)


@pytest.fixture
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests in microseconds: how slow they are is no property of these tests."""
    monkeypatch.setattr(profile_module, "DIGEST_ROUNDS", 2)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_profile_loads(name: str) -> None:
    assert load(SHIPPED[name]).course.id == "llm101"


UNKNOWN_KEYS = [
    # key, what the message offers instead
    ("corse", "did you mean 'course'?"),
    ("course.langage", "did you mean 'language'?"),
    ("models.hme", "did you mean 'home'?"),
    ("models.instuct", "did you mean 'instruct'?"),
    ("models.base.nam", "did you mean 'name'?"),
    ("models.large.gpu_mb", "did you mean 'gpu_gb'?"),
    ("chat.system_promt", "did you mean 'system_prompt'?"),
    ("generation.max_tokens", "did you mean 'max_new_tokens'?"),
    ("generation.temperature", "did you mean 'temperatures'?"),
    ("limits.cell_second", "did you mean 'cell_seconds'?"),
    ("tasks.chain.modell", "did you mean 'model'?"),
    ("tasks.chain.weight", "valid here: id, model, points, question"),
    (
        "limits.xyz",
        "valid here: cell_seconds, disk_gb, host_seconds, host_tokens, isolation, memory_gb, notebook_seconds, open_files, "
        "output_mb, processes, prompt_tokens",
    ),
]


@pytest.mark.parametrize(("key", "advice"), UNKNOWN_KEYS)
def test_an_unknown_key_is_named_with_what_is_valid(key: str, advice: str) -> None:
    named = key.replace("tasks.chain", f"tasks[{place_of('chain')}]")
    assert complaint((key, "x")) == f"course.toml: {named}: unknown key; {advice}"


MISTAKES = [
    # key, value, and pieces of the message: the key, what was found, what is valid
    ("course", "llm101", ["course: ", 'found "llm101"']),
    ("course.id", GONE, ["course.id: missing"]),
    ("course.id", "llm 101", ["course.id: ", 'found "llm 101"', "A-Za-z0-9_-"]),
    ("course.language", "no", ["course.language: ", 'found "no"', "'nb' or 'en'"]),
    ("models.home", "huggingface/cache", ["models.home: ", 'found "huggingface/cache"', "'^/.+'"]),
    ("models.home", "", ["models.home: ", 'found ""']),
    ("models.package", "langchain", ["models.package: ", "'langchain_community' or 'langchain_huggingface'"]),
    ("models.base.name", "Llama-3.2-1B", ["models.base.name: ", 'found "Llama-3.2-1B"', "/"]),
    ("models.base.gpu_gb", 0, ["models.base.gpu_gb: ", "found 0", "greater than 0"]),
    ("models.base.gpu_gb", "2.5", ["models.base.gpu_gb: ", 'found "2.5"', "number"]),
    ("chat.system_prompt", "", ["chat.system_prompt: ", 'found ""', "at least 1 character"]),
    ("chat.system_prompt", "Be {kind}.", ["chat.system_prompt: ", "{ or }"]),
    ("chat.system_prompt", "Be kind {", ["chat.system_prompt: ", "{ or }"]),
    ("chat.system_prompt", "Be } kind", ["chat.system_prompt: ", "{ or }"]),
    ("chat.system_prompt", ["x"], ["chat.system_prompt: ", 'found ["x"]', "string"]),
    ("questions", {}, ["questions: ", "found {}", "at least 1"]),
    ("questions.first", 7, ["questions.first: ", "found 7", "string"]),
    ("generation.max_new_tokens", "50", ["generation.max_new_tokens: ", 'found "50"', "integer"]),
    ("generation.max_new_tokens", 50.0, ["generation.max_new_tokens: ", "found 50.0", "integer"]),
    ("generation.max_new_tokens", True, ["generation.max_new_tokens: ", "found true", "integer"]),
    ("generation.max_new_tokens", 0, ["generation.max_new_tokens: ", "found 0", "greater than or equal to 1"]),
    ("generation.temperatures", 0.9, ["generation.temperatures: ", "found 0.9"]),
    ("generation.temperatures", [], ["generation.temperatures: ", "found []", "at least 1 item"]),
    ("generation.temperatures", [0, 0.9], ["generation.temperatures[0]: ", "found 0.0", "greater than 0"]),
    ("generation.temperatures", ["0,9"], ["generation.temperatures[0]: ", 'found "0,9"', "number"]),
    ("generation.temperatures", [True], ["generation.temperatures[0]: ", "found true", "number"]),
    ("generation.temperatures", [float("nan")], ["generation.temperatures[0]: ", "found NaN"]),
    ("generation.temperatures", [0.9, 0.9], ["generation.temperatures: ", "twice", "each must be different"]),
    ("generation.temperatures", [1, 1.0], ["generation.temperatures: ", "twice", "each must be different"]),
    ("generation.temperatures", [0.1 * n for n in range(1, 10)], ["generation.temperatures: ", "at most 8"]),
    ("generation.temperatures", GONE, ["generation.temperatures: missing"]),
    ("generation.top_p", [0.5, 1.5], ["generation.top_p[1]: ", "found 1.5", "less than or equal to 1"]),
    ("generation.top_p", [0.5, 0.5], ["generation.top_p: ", "the same top_p is there twice"]),
    ("limits.cell_seconds", 1, ["limits.cell_seconds: ", "found 1", "greater than or equal to 5"]),
    ("limits.host_tokens", 0, ["limits.host_tokens: ", "found 0", "greater than or equal to 1000"]),
    ("limits.host_seconds", 1, ["limits.host_seconds: ", "found 1", "greater than or equal to 10"]),
    ("limits.prompt_tokens", 0, ["limits.prompt_tokens: ", "found 0", "greater than or equal to 256"]),
    ("limits.memory_gb", 0.5, ["limits.memory_gb: ", "found 0.5", "greater than or equal to 1"]),
    ("arguments", GONE, ["arguments: ", "'arguments' is in use", "a = …"]),
    ("arguments.a", "max_tokens", ["arguments: ", "a = 'max_tokens'", *ARGUMENTS]),
    ("arguments.a", 3, ["arguments.a: ", "found 3", "string"]),
    ("arguments.a", RAW["arguments"]["b"], ["arguments: ", "the same argument is there twice"]),
    ("arguments.z", "task", ["arguments.z", 'found "z"', "[a-h]"]),
    ("tasks", GONE, ["tasks: missing"]),
    ("tasks", [], ["tasks: ", "found []", "at least 1 item"]),
    ("tasks", "chain", ["tasks: ", 'found "chain"']),
    ("tasks.chain", "chain", [f"tasks[{place_of('chain')}]: ", 'found "chain"']),
    ("tasks.chain.id", "chian", [f"tasks[{place_of('chain')}].id: ", 'found "chian"', *TASKS]),
    ("tasks.chain.points", 0.3, [f"tasks[{place_of('chain')}].points: ", "found 0.3", "multiple of 0.25"]),
    ("tasks.chain.points", 0, [f"tasks[{place_of('chain')}].points: ", "found 0", "greater than 0"]),
    ("tasks.chain.points", "2", [f"tasks[{place_of('chain')}].points: ", 'found "2"', "number"]),
    ("tasks.chain.points", GONE, [f"tasks[{place_of('chain')}].points: missing"]),
    ("tasks.chain.model", "huge", [f"tasks[{place_of('chain')}].model: ", 'found "huge"', "'base', 'instruct' or"]),
    ("tasks.chain.model", GONE, [f"tasks[{place_of('chain')}]: ", "'chain' needs the key 'model'"]),
    ("tasks.chain.question", "first", [f"tasks[{place_of('chain')}]: ", "'chain' takes no key 'question'"]),
    ("tasks.memory.model", "base", [f"tasks[{place_of('memory')}]: ", "'memory' takes no key 'model'"]),
    ("tasks.chain.model", "large", ["tasks: ", "load-model, limit-output, chain", "the same model role"]),
    ("tasks.prompt.id", "arguments", ["tasks: ", "'arguments' is listed twice"]),
    ("models.large", GONE, [".model: 'large' has no table [models.large]", "(instruct-large)"]),
    ("tasks.ideal-boat.question", "frist", ["(ideal-boat).question: 'frist' is not in", "there are: first, second"]),
    ("tasks.ideal-boat.question", "first", ["'who-are-you' and 'ideal-boat' ask the same question", "different"]),
    ("questions.second", "Who are you?", ["'who-are-you' and 'ideal-boat' ask the same question", "different"]),
    ("tasks.temperature.points", 0.5, ["tasks: ", "'temperature' has too few points", "0.25 at least"]),
]


@pytest.mark.parametrize(("key", "value", "pieces"), MISTAKES, ids=[f"{k}={str(v)[:20]}" for k, v, _ in MISTAKES])
def test_a_mistake_names_the_file_the_key_and_what_is_valid(key: str, value: Any, pieces: list[str]) -> None:
    said = complaint((key, value))
    assert said.startswith("course.toml: ")
    assert [piece for piece in pieces if piece not in said] == []
    assert "tuple" not in said


ONE_ELEMENT = [
    # key, value, the place that is named
    ("generation.temperatures", [0], "generation.temperatures[0]"),
    ("generation.temperatures", ["0,9"], "generation.temperatures[0]"),
    ("generation.temperatures", [0.9, "2"], "generation.temperatures[1]"),
    ("tasks", [3], "tasks[0]"),
    ("tasks", [{"id": "chian", "points": 2, "model": "base"}], "tasks[0].id"),
]


@pytest.mark.parametrize(("key", "value", "named"), ONE_ELEMENT, ids=repr)
def test_one_bad_element_of_a_list_is_told_once(key: str, value: Any, named: str) -> None:
    said = complaint((key, value))
    assert "\n" not in said
    assert said.startswith(f"course.toml: {named}: ")


def test_every_bad_element_of_a_list_is_told() -> None:
    said = complaint(("generation.temperatures", ["0,9", 2.0, 0])).split("\n")
    assert [line.split(": ")[1] for line in said] == ["generation.temperatures[0]", "generation.temperatures[2]"]


def test_every_mistake_of_a_file_is_told_at_once() -> None:
    said = complaint(("course.language", "no"), ("generation.max_new_tokens", 0))
    assert [line.split(": ")[1] for line in said.split("\n")] == ["course.language", "generation.max_new_tokens"]


@pytest.mark.parametrize("raw", [None, [], "x", 3], ids=repr)
def test_what_is_no_table_is_a_profile_error(raw: Any) -> None:
    with pytest.raises(ProfileError, match=r"^course\.toml: the file: found .*; input should be a table with keys$"):
        parse(raw, "course.toml")


def test_a_long_value_is_cut_in_the_message() -> None:
    assert len(complaint(("course.language", "x" * 10_000))) < 200


BAD_FILES = [
    # name, content, piece of the message
    ("course.toml", b"[course", "is not valid TOML"),
    ("course.toml", b"a = 1\na = 2\n", "is not valid TOML"),
    ("course.toml", b"\xff\xfe\x00\x01\x80", "is not valid TOML"),
    ("course.toml", bytes(range(256)), "is not valid TOML"),
    ("course.toml", b"", "course: missing"),
    ("profile.json", b"{", "is not valid JSON"),
    ("profile.json", b"\x00\x00\x00", "is not valid JSON"),
    ("profile.json", b"[]", "the file: found []; input should be a table"),
    ("course.toml", b"a = " + b"[" * 5000 + b"]" * 5000, "is not valid TOML"),
    ("course.toml", b"a = " + b"{a = " * 5000 + b"1" + b"}" * 5000, "is not valid TOML"),
    ("profile.json", b"[" * 100_000 + b"]" * 100_000, "is not valid JSON"),
    ("profile.json", b'{"a": ' * 100_000 + b"1" + b"}" * 100_000, "is not valid JSON"),
]


@pytest.mark.parametrize(("name", "content", "piece"), BAD_FILES, ids=[f"{n}-{c[:12]!r}" for n, c, _ in BAD_FILES])
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, name: str, content: bytes, piece: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ProfileError) as caught:
        load(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert piece in str(caught.value)


def test_a_missing_file_is_named_with_where_profiles_are(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"nowhere\.toml: there is no such file; .* course\.toml"):
        load(tmp_path / "nowhere.toml")


def test_a_directory_is_no_profile(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"cannot be read \(Is a directory\)"):
        load(tmp_path)


def test_a_profile_never_changes() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(SHIPPED["default"]).course.language = "en"  # type: ignore[misc]


def test_whole_numbers_are_temperatures_too() -> None:
    assert parse(changed(("generation.temperatures", [1, 2])), "x").generation.temperatures == (1.0, 2.0)


def test_limits_have_defaults() -> None:
    limits = parse(changed(("limits", GONE)), "x").limits
    assert (limits.cell_seconds, limits.prompt_tokens) == (900, 16_000)
    assert (limits.host_tokens, limits.host_seconds) == (100_000, 300)


def test_a_model_that_no_task_uses_may_be_left_out() -> None:
    raw = changed(("models.large", GONE))
    raw["tasks"] = [task for task in raw["tasks"] if task.get("model") != "large"]
    assert parse(raw, "x").roles_in_use() == ("base", "instruct")


def test_asking_for_a_role_without_a_model_says_which_table_to_add() -> None:
    with pytest.raises(ProfileError, match=r"models\.large: missing; add a table \[models\.large\]"):
        parse({**RAW, "models": {**RAW["models"], "large": None}, "tasks": RAW["tasks"][:5]}, "x").model("large")


def test_a_task_that_is_not_in_use_is_a_key_error() -> None:
    profile = load(SHIPPED["default"])
    assert not profile.uses("ask-base")
    with pytest.raises(KeyError):
        profile.task("ask-base")


# Frozen


@pytest.fixture(params=SHIPPED)
def profile(request: pytest.FixtureRequest, few_rounds: None) -> Profile:
    return load(SHIPPED[request.param])


def test_a_frozen_profile_shows_no_argument_behind_a_letter(profile: Profile) -> None:
    written = json.loads(profile.freeze().to_json())["arguments"]
    assert sorted(written) == sorted(profile.arguments)
    assert [value for value in written.values() if any(name in value for name in ARGUMENTS)] == []


def test_letters_with_the_same_argument_have_different_digests(few_rounds: None) -> None:
    alike = load(SHIPPED["default"]).model_copy(update={"arguments": {"a": "device", "b": "device"}}).freeze()
    assert alike.arguments["a"] != alike.arguments["b"]


def test_a_frozen_profile_differs_in_nothing_but_the_key_and_what_is_about_people_and_machines(
    profile: Profile,
) -> None:
    frozen = profile.freeze()
    kept = {name: getattr(profile, name) for name in ("arguments", "hub", "cluster")}
    assert frozen.model_copy(update=kept) == profile


def test_a_frozen_profile_names_nobody() -> None:
    frozen = load(ROOT / "course.toml").freeze().to_json()
    assert not [name for name in ("instructor", "student1", "student2", "grader-llm101") if name in frozen]


@pytest.mark.parametrize("answer", [*ARGUMENTS, "", "no such argument"])
def test_a_frozen_profile_judges_an_argument_as_the_open_one_does(profile: Profile, answer: str) -> None:
    frozen = profile.freeze()
    for letter, behind in profile.arguments.items():
        assert profile.argument_is_right(letter, answer) == (answer == behind)
        assert frozen.argument_is_right(letter, answer) == (answer == behind)


def test_the_digests_of_a_frozen_profile_are_no_answers(profile: Profile) -> None:
    frozen = profile.freeze()
    for letter, digest in frozen.arguments.items():
        assert not frozen.argument_is_right(letter, digest)
        assert not profile.argument_is_right(letter, digest)


def test_only_a_name_of_an_argument_is_right_whatever_the_key_holds(few_rounds: None) -> None:
    odd = load(SHIPPED["default"]).model_copy(update={"arguments": {"a": "no such argument", "b": "pbkdf2:", "c": ""}})
    for profile in (odd, odd.freeze()):
        assert [p for p in odd.arguments.items() if profile.argument_is_right(*p)] == []


def test_no_answer_is_right_for_a_letter_that_is_not_there(profile: Profile) -> None:
    assert not profile.argument_is_right("z", "")
    assert not profile.freeze().argument_is_right("z", "device")


def test_a_frozen_profile_survives_its_file(profile: Profile, tmp_path: Path) -> None:
    frozen = profile.freeze()
    (tmp_path / "profile.json").write_text(frozen.to_json(), encoding="utf-8")
    assert load(tmp_path / "profile.json") == frozen


def test_freezing_twice_is_freezing_once(profile: Profile) -> None:
    assert profile.freeze().freeze() == profile.freeze()


# Points of the temperatures


def with_temperatures(count: int, points: float) -> dict[str, Any]:
    temperatures = [0.5 + n for n in range(count)]
    return changed(("generation.temperatures", temperatures), ("tasks.temperature.points", points))


def test_five_points_on_three_temperatures_are_two_and_twice_one_and_a_half() -> None:
    assert parse(with_temperatures(3, 5), "x").points_of("temperature") == (2, 1.5, 1.5)


counts = st.integers(1, 8)
quarters = st.integers(1, 400)
the_same_everywhere = settings(derandomize=True, database=None, deadline=None)


@the_same_everywhere
@given(count=counts, more=st.integers(0, 392))
def test_points_of_temperatures_add_up_in_equal_quarters(count: int, more: int) -> None:
    total = min(count + more, 400) / 4
    first, *rest = parts = parse(with_temperatures(count, total), "x").points_of("temperature")
    assert len(parts) == count
    assert sum(parts) == total
    assert len(set(rest)) <= 1
    assert first >= max(rest, default=0)
    assert all(part >= 0.25 and (part * 4).is_integer() for part in parts)


@the_same_everywhere
@given(count=counts, total=quarters)
def test_too_few_points_for_the_temperatures_are_refused_and_no_others(count: int, total: int) -> None:
    raw = with_temperatures(count, total / 4)
    if total >= count:
        assert len(parse(raw, "x").points_of("temperature")) == count
    else:
        with pytest.raises(ProfileError, match="too few points"):
            parse(raw, "x")


def test_asking_again_about_the_same_answer_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen = load(SHIPPED["default"]).freeze()
    assert frozen.argument_is_right("a", "max_new_tokens")
    monkeypatch.setattr(profile_module.hashlib, "pbkdf2_hmac", None)
    assert frozen.argument_is_right("a", "max_new_tokens")
