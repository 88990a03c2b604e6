"""The tasks that a profile gives, against CONTRACT.md written out as a table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from right_work import DEFAULT, FOUR, GEMMA

from autograder.course.profile import Profile
from autograder.judging import tasks as registry
from autograder.judging.contract import NOTEBOOKS, task_of, tasks
from autograder.judging.task import Definition
from autograder.judging.tasks import DEFINITIONS
from autograder.judging.tasks.families import PROMPT_AGAIN

BASE, INSTRUCT, LARGE = "Llama-3.2-1B", "Llama-3.2-1B-Instruct", "Llama-3.2-3B-Instruct"
FIRST, SECOND = "Who are you?", "Tell me about your ideal boat?"

IN_CONTRACT = [
    # notebook, solution cell, cell with the points, points, variables, model, question
    ("chatbot", "model-home", "check-model-home", 1, [], None, None),
    ("chatbot", "load-model", "check-load-model", 3, ["llm"], BASE, None),
    ("chatbot", "limit-output", "check-limit-output", 1, ["llm"], BASE, None),
    ("chatbot", "arguments", "check-arguments", 2, ["answers"], None, None),
    ("chatbot", "prompt", "check-prompt", 2, ["prompt"], None, None),
    ("chatbot", "chain", "check-chain", 2, ["chatbot"], BASE, None),
    ("chatbot", "who-are-you", "check-who-are-you", 1, ["result"], BASE, FIRST),
    ("chatbot", "ideal-boat", "check-ideal-boat", 1, ["boat"], BASE, SECOND),
    ("chatbot", "memory", "memory", 3, [], None, None),
    ("larger-model", "instruct-small", "check-instruct-small", 2, ["chatbot_small", "result_small"], INSTRUCT, FIRST),
    ("larger-model", "compare-small", "compare-small", 1, [], None, None),
    ("larger-model", "instruct-large", "check-instruct-large", 2, ["chatbot_large", "result_large"], LARGE, FIRST),
    ("larger-model", "compare-large", "compare-large", 1, [], None, None),
    ("temperature", "temperature-1", "check-temperature-1", 2, ["chatbot_1", "result_1"], LARGE, FIRST),
    ("temperature", "temperature-2", "check-temperature-2", 1.5, ["chatbot_2", "result_2"], LARGE, FIRST),
    ("temperature", "temperature-3", "check-temperature-3", 1.5, ["chatbot_3", "result_3"], LARGE, FIRST),
    ("temperature", "compare-temperature", "compare-temperature", 3, [], None, None),
]


def test_the_default_profile_gives_the_tasks_of_the_contract_in_order() -> None:
    found = [
        (t.notebook, t.id, t.check_id, t.points, list(t.variables), t.model and t.model.split("/")[1], t.question)
        for t in tasks(DEFAULT)
    ]
    assert found == IN_CONTRACT


def test_each_temperature_is_a_task_of_its_own_and_no_other_has_settings() -> None:
    found = [(t.id, t.number, t.settings) for t in tasks(DEFAULT) if t.number or t.settings]
    assert found == [(f"temperature-{n}", n, {"temperature": t}) for n, t in ((1, 0.9), (2, 2.0), (3, 5.0))]


def test_four_temperatures_are_four_tasks_of_equal_points() -> None:
    found = [(t.id, t.check_id, t.points, t.variables) for t in tasks(FOUR) if t.number]
    assert found == [
        (f"temperature-{n}", f"check-temperature-{n}", 1.25, (f"chatbot_{n}", f"result_{n}")) for n in (1, 2, 3, 4)
    ]


def test_gemma_asks_its_base_model_once_before_the_chatbot() -> None:
    home, base, load_model = tasks(GEMMA)[:3]
    assert [home.id, base.id, load_model.id] == ["model-home", "ask-base", "load-model"]
    assert base.variables == ("base_llm", "base_answer")
    assert (base.model, base.question) == ("google/gemma-3-1b-pt", "What is the world's largest lake")


def test_gemma_builds_its_chatbot_on_the_instruct_model() -> None:
    chatbot = {t.model for t in tasks(GEMMA) if t.notebook == "chatbot" and t.model and t.id != "ask-base"}
    assert chatbot == {"google/gemma-3-1b-it"}


def test_gemma_leaves_out_the_small_instruct_model() -> None:
    left_out = {t.kind for t in tasks(DEFAULT)} - {t.kind for t in tasks(GEMMA)}
    assert left_out == {"instruct-small", "compare-small"}


@pytest.mark.parametrize("profile", [DEFAULT, GEMMA], ids=["default", "gemma"])
def test_no_cell_carries_two_tasks(profile: Profile) -> None:
    cells = [cell for t in tasks(profile) for cell in {t.id, t.check_id}]
    assert len(cells) == len(set(cells))


@pytest.mark.parametrize("profile", [DEFAULT, GEMMA, FOUR], ids=["default", "gemma", "four"])
def test_a_task_is_found_by_the_cell_that_carries_its_points(profile: Profile) -> None:
    assert [task_of(t.check_id, profile) for t in tasks(profile)] == list(tasks(profile))


@pytest.mark.parametrize("cell", ["check-ask-base", "chain", "check-temperature-4", ""])
def test_a_cell_without_points_belongs_to_no_task(cell: str) -> None:
    assert task_of(cell, DEFAULT) is None


def test_every_notebook_of_the_contract_has_tasks() -> None:
    assert NOTEBOOKS == ("chatbot", "larger-model", "temperature")


def test_a_task_that_a_person_judges_needs_no_model() -> None:
    assert [d.id for d in DEFINITIONS.values() if d.judged_by == "person" and d.needs.model] == []


def test_a_task_builds_only_on_tasks_that_there_are_or_on_an_unscored_cell() -> None:
    assert {one for d in DEFINITIONS.values() for one in d.builds_on} <= {*DEFINITIONS, PROMPT_AGAIN}


def test_each_file_of_a_task_has_one_of_its_own_name() -> None:
    files = {path.stem for path in Path(registry.__file__).parent.glob("*.py")} - {"__init__", "families"}
    assert {name.replace("-", "_") for name in DEFINITIONS} == files


@pytest.mark.parametrize("wrong", [Definition(id="b", after="nowhere", notebook="x"), Definition(id="a", notebook="y")])
def test_a_task_that_has_no_place_is_refused(wrong: Definition) -> None:
    with pytest.raises(ValueError, match=wrong.id):
        registry.in_order([Definition(id="a", notebook="x"), wrong])


# Nobody else names a task


def strings(tree: ast.AST) -> Iterator[str]:
    """The texts of a module, without docstrings and the like."""
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def of_tasks(tree: ast.AST) -> Iterator[ast.expr]:
    """What a module compares a task's kind with (an incident has one too), and the ids that it asks a profile for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            kinds = [n.value for n in ast.walk(node) if isinstance(n, ast.Attribute) and n.attr == "kind"]
            if any("incident" not in ast.unparse(of) and ast.unparse(of) != "i" for of in kinds):
                yield from (node.left, *node.comparators)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("uses", "task", "of")
        ):
            yield from node.args


MODULES = [
    path.relative_to(ROOT)
    for folder in ("autograder", "trials")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "autograder/judging/tasks" not in str(path)
]
WORDS = ("sentences.py",)
"""Sentences by keys of their own, some of which are words that a task is called by too."""
SOLUTIONS = ("trials/selftest", "trials/attacks", "trials/bench", "trials/demo.py")
"""What a student wrote, by task."""


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_other_module_names_a_task(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    named = {name for name in DEFINITIONS if "-" in name} | {
        f"check-{name}" for name in DEFINITIONS
    }  # others mean more
    if not str(path).startswith(SOLUTIONS) and path.name not in WORDS:
        assert named & set(strings(tree)) == set()
    compared = {c.value for node in of_tasks(tree) for c in ast.walk(node) if isinstance(c, ast.Constant)}
    assert compared & set(DEFINITIONS) == set()


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_module_tells_variables_by_how_their_names_begin_or_end(path: Path) -> None:
    names = [*(one.name.split("{")[0] for d in DEFINITIONS.values() for one in d.variables), "chatbot", "result"]
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        method = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        if isinstance(node, ast.Call) and method in ("startswith", "endswith", "removeprefix", "removesuffix"):
            asked = {c.value for arg in node.args for c in ast.walk(arg) if isinstance(c, ast.Constant)}
            assert asked & set(names) == set()
