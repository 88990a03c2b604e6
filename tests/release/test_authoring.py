"""From source notebooks to a release: `fill`, `select_language`, `check_contract`, and the notebooks."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from conftest import ROOT
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.course.profile import Profile
from autograder.errors import ContractError
from autograder.judging.contract import NOTEBOOKS, load, parse, tasks
from autograder.release.authoring import fill, select_language
from autograder.release.contract_check import check_contract

COURSE = load(ROOT / "course.toml")
GEMMA = load(ROOT / "profiles" / "gemma.toml")
NUCLEUS = load(ROOT / "profiles" / "nucleus.toml")


def changed(profile: Profile, **parts: Any) -> Profile:
    """The profile with keys of its parts changed: `changed(COURSE, course={"language": "en"})`."""
    raw = profile.model_dump(mode="json", exclude_none=True)
    for part, keys in parts.items():
        raw[part] = raw[part] | keys
    return parse(raw, "test")


def with_top_p() -> Profile:
    """The course's own profile with `top_p` after its temperatures."""
    raw = COURSE.model_dump(mode="json", exclude_none=True)
    raw["generation"]["top_p"] = [0.5, 1]
    raw["tasks"].append({"id": "top_p", "points": 2.0, "model": "large", "question": "first"})
    return parse(raw, "test")


ENGLISH = changed(COURSE, course={"language": "en"})
PROFILES = {
    "course": COURSE,
    "course in English": ENGLISH,
    "gemma": GEMMA,
    "nucleus": NUCLEUS,
    "nucleus in Norwegian": changed(NUCLEUS, course={"language": "nb"}),
    "temperatures and top_p": with_top_p(),
    "gemma in English": changed(GEMMA, course={"language": "en"}),
    "four temperatures": changed(ENGLISH, generation={"temperatures": [0.5, 1.0, 3.0, 7.5]}),
    "one temperature": changed(COURSE, generation={"temperatures": [2.0]}),
}


def text(source: str, cell_id: str = "words", **autograder: Any) -> NotebookNode:
    metadata = {"autograder": autograder} if autograder else {}
    return new_markdown_cell(source, id=cell_id, metadata=metadata)


def code(source: str, cell_id: str = "lines", flags: str = "", **autograder: Any) -> NotebookNode:
    """A code cell; `flags` are the nbgrader flags that are on, as "grade locked"."""
    cell = new_code_cell(source, id=cell_id)
    if flags:
        on = {flag: flag in flags.split() for flag in ("grade", "locked", "solution")}
        points = {"points": 0} if on["grade"] else {}
        cell.metadata["nbgrader"] = {"grade_id": cell_id, "schema_version": 3, "task": False} | on | points
    if autograder:
        cell.metadata["autograder"] = autograder
    return cell


def book(*cells: NotebookNode) -> NotebookNode:
    return new_notebook(cells=list(cells))


def filled(source: str, profile: Profile = COURSE, **autograder: Any) -> str:
    (cell,) = fill(book(text(source, **autograder)), profile).cells
    return str(cell.source)


def ids(nb: NotebookNode) -> list[str]:
    return [cell.id for cell in nb.cells]


def sources() -> dict[str, NotebookNode]:
    return {name: nbformat.read(ROOT / "source" / "chatbot" / f"{name}.ipynb", 4) for name in NOTEBOOKS}


def released(profile: Profile) -> dict[str, NotebookNode]:
    language = profile.course.language
    return {name: select_language(fill(nb, profile), language) for name, nb in sources().items()}


# --- fill ---


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("«models.home»", "/fp/projects01/ec443/huggingface/cache"),
        ("«models.base», «models.package»", "meta-llama/Llama-3.2-1B, langchain_community"),
        ("«max_new_tokens» of «course.id»", "100 of llm101"),
        ('«task_of("ideal-boat").question»', "Tell me about your ideal boat?"),
        ('«uses("ask-base")» «uses("chain")»', "False True"),
        ("«py(temperatures)» «py(system_prompt)[:10]»", '[0.9, 2.0, 5.0] "You are a'),
        ("«# for the author only #»kept", "kept"),
        ('a\n«% if uses("chain") %»\nb\n«% endif %»\nc', "a\nb\nc"),
        ('f"{x}" {{y}} {% z %} # w', 'f"{x}" {{y}} {% z %} # w'),
    ],
)
def test_a_template_gives_the_profiles_values_and_leaves_the_rest_alone(template: str, result: str) -> None:
    assert filled(template) == result


DUE = [
    (None, "nb", ""),
    ("2026-12-01 23:59+01:00", "nb", "**Frist:** tirsdag 1. desember 2026 kl. 23.59"),
    ("2026-12-01T23:59:00Z", "en", "**Deadline:** Tuesday 1 December 2026 at 23:59"),
]


@pytest.mark.parametrize(("due", "language", "line"), DUE)
def test_the_first_cell_of_each_notebook_ends_with_the_deadline_if_there_is_one(
    due: str | None, language: str, line: str
) -> None:
    books = released(changed(COURSE, course={"language": language} | ({"due": due} if due else {})))
    for nb in books.values():
        said = nb.cells[0].source
        assert said.endswith(f"\n\n{line}") if line else "Frist" not in said
        assert not re.search(r"\n\n\n\*", said)


def test_a_cell_knows_its_own_task() -> None:
    cell = "«task.model» «task.role» «points(task.points)» «py(task.question)»"
    assert filled(cell, task="instruct-large") == 'meta-llama/Llama-3.2-3B-Instruct large 2 "Who are you?"'


@pytest.mark.parametrize(("profile", "written"), [(COURSE, "1,5 0,67 2"), (ENGLISH, "1.5 0.67 2")])
def test_points_are_written_as_the_courses_language_writes_numbers(profile: Profile, written: str) -> None:
    assert filled("«points(1.5)» «points(2 / 3)» «points(2.0)»", profile) == written


@pytest.mark.parametrize(
    "value", ['He said "no"', "a\\b\nc\ttab", "blåbær «sitat» ☃", "'", 0.9, 2, True, None, [1, "a"], {"a": 1}]
)
def test_py_writes_a_literal_that_reads_back_as_the_value(value: Any) -> None:
    nb = book(code("x = «py(temperatures)»"))
    profile = changed(COURSE, chat={"system_prompt": value}) if isinstance(value, str) else COURSE
    template = "«py(system_prompt)»" if isinstance(value, str) else f"«py({value!r})»"
    assert ast.literal_eval(filled(template, profile)) == value
    assert ast.literal_eval(fill(nb, COURSE).cells[0].source[4:]) == [0.9, 2.0, 5.0]


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("«temperatur»", "temperatur"),
        ("«models.huge»", "huge"),
        ("«task.question»", "task"),
        ('«uses("chian")»', "chian"),
        ('«task_of("ask-base").model»', "ask-base"),
        ("«% if x»", "line 1"),
        ("«points(", "line 1"),
        ("«py(uses)»", "py(…) writes texts"),
    ],
)
def test_a_wrong_template_is_refused_with_cell_finding_and_what_is_valid(template: str, found: str) -> None:
    with pytest.raises(ContractError, match=rf"cell 'words': .*{re.escape(found)}.*(valid|in use): "):
        filled(template)


def test_what_a_task_does_not_have_is_not_written_as_none() -> None:
    with pytest.raises(ContractError, match="question"):
        filled("«task.question»", task="prompt")


def test_cells_of_tasks_that_are_not_in_use_are_left_out() -> None:
    nb = book(
        text("a", "always"),
        text("b", "base", task="ask-base"),
        text("c", "either", any_of=["ask-base", "chain"]),
        text("d", "neither", any_of=["ask-base"]),
    )
    assert ids(fill(nb, COURSE)) == ["always", "either"]
    assert ids(fill(nb, GEMMA)) == ["always", "base", "either", "neither"]


def test_temperature_cells_are_repeated_together_once_for_each_temperature() -> None:
    each = {"task": "temperature", "each": "temperature"}
    nb = book(
        text("«task.number»: «py(task.temperature)»", "temperature-n-text", **each),
        code("check(«py(task.check_id)»)", "check-temperature-n", "grade locked", **each),
    )
    result = fill(nb, COURSE)
    assert ids(result)[:4] == [
        "temperature-1-text", "check-temperature-1", "temperature-2-text", "check-temperature-2",
    ]  # fmt: skip
    assert [cell.source for cell in result.cells[2:4]] == ["2: 2.0", 'check("check-temperature-2")']
    graded = [cell.metadata.nbgrader for cell in result.cells[1::2]]
    points = {meta.grade_id: meta.points for meta in graded}
    assert points == {"check-temperature-1": 2.0, "check-temperature-2": 1.5, "check-temperature-3": 1.5}


@pytest.mark.parametrize(
    ("cell_id", "autograder"),
    [
        ("temperature", {"task": "temperature", "each": "temperature"}),
        ("chain-n", {"task": "chain", "each": "temperature"}),
        ("chain", {"task": "chian"}),
        ("chain", {"tasks": ["chain"]}),
    ],
)
def test_wrong_metadata_is_refused_with_the_cell(cell_id: str, autograder: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match=f"cell '{cell_id}': .*; "):
        fill(book(text("a", cell_id, **autograder)), COURSE)


def test_fill_sets_points_drops_its_own_metadata_and_leaves_the_source_untouched() -> None:
    nb = book(code('check("check-load-model")', "check-load-model", "grade locked", task="load-model"))
    before = copy.deepcopy(nb)
    (cell,) = fill(nb, COURSE).cells
    assert cell.metadata.nbgrader.points == 3
    assert "autograder" not in cell.metadata
    assert nb == before


# --- select_language ---

BOTH = "# 1\n<!-- nb -->\nja\n<!-- en -->\nyes\n<!-- both -->\n\n2"


@pytest.mark.parametrize(("language", "kept"), [("nb", "# 1\nja\n\n2"), ("en", "# 1\nyes\n\n2")])
def test_markdown_keeps_its_language_and_what_is_for_both(language: Any, kept: str) -> None:
    nb = book(text(BOTH))
    assert select_language(nb, language).cells[0].source == kept
    assert nb.cells[0].source == BOTH


@pytest.mark.parametrize(
    ("language", "kept"), [("nb", "if x:\n    # ja\n    y()  # nb: z"), ("en", "if x:\n    # yes\n    y()  # nb: z")]
)
def test_code_keeps_comments_of_its_language_without_the_tag(language: Any, kept: str) -> None:
    nb = book(code("if x:\n    # nb: ja\n    # en: yes\n    y()  # nb: z"))
    assert select_language(nb, language).cells[0].source == kept


ONE_LANGUAGE = [text("<!-- nb -->\nja"), text("<!-- nb -->\nja\n<!-- en -->\n"), code("# en: yes")]


@pytest.mark.parametrize("cell", ONE_LANGUAGE)
def test_text_in_one_language_only_is_refused_with_the_cell(cell: NotebookNode) -> None:
    with pytest.raises(ContractError, match=f"cell '{cell.id}'"):
        select_language(book(cell), "en")


# --- check_contract ---


@pytest.fixture(scope="module")
def good() -> dict[str, NotebookNode]:
    return released(COURSE)


Books = dict[str, NotebookNode]
Break = Callable[[Books], None]


def find(nbs: Books, cell_id: str) -> tuple[NotebookNode, NotebookNode]:
    return next((nb, cell) for nb in nbs.values() for cell in nb.cells if cell.id == cell_id)


def dropped(cell_id: str) -> Break:
    def breaking(nbs: Books) -> None:
        nb, cell = find(nbs, cell_id)
        nb.cells.remove(cell)

    return breaking


def copied(cell_id: str) -> Break:
    return lambda nbs: nbs["chatbot"].cells.append(copy.deepcopy(find(nbs, cell_id)[1]))


def moved(cell_id: str, notebook: str = "chatbot") -> Break:
    def breaking(nbs: Books) -> None:
        nb, cell = find(nbs, cell_id)
        nb.cells.remove(cell)
        nbs[notebook].cells.append(cell)

    return breaking


def marked(cell_id: str, **marks: Any) -> Break:
    return lambda nbs: find(nbs, cell_id)[1].metadata.nbgrader.update(marks)


def written(cell_id: str, **parts: Any) -> Break:
    return lambda nbs: find(nbs, cell_id)[1].update(parts)


BROKEN: dict[str, tuple[Break, str]] = {
    # what is wrong: (how it came, what is told)
    "no check": (dropped("check-chain"), "'check-chain' must be there once, and is there 0 times"),
    "no solution": (dropped("chain"), "'chain' must be there once, and is there 0 times"),
    "no free text": (dropped("memory"), "'memory' must be there once"),
    "a check twice": (copied("check-chain"), "grade_id 'check-chain' is there 2 times"),
    "a text cell twice": (copied("chain-text"), "id 'chain-text' is there 2 times"),
    "the wrong notebook": (moved("check-chain", "temperature"), "belongs in the notebook 'chatbot'"),
    "the wrong order": (moved("chain"), "'check-chain' stands before 'chain'"),
    "no setup": (dropped("setup"), "the first code cell must be the locked cell 'setup'"),
    "an open check": (marked("check-chain", locked=False), "must have grade=True, solution=False, locked=True"),
    "a graded solution": (marked("chain", grade=True), "is graded, and is no cell of a task in use"),
    "wrong points": (marked("check-chain", points=7), "has 7 points; the profile gives it 2"),
    "an old schema": (marked("chain", schema_version=2), "schema_version is 2"),
    "another grade_id": (marked("prompt-again", grade_id="x"), "grade_id is 'x'; it must be the cell's id"),
    "another check's call": (
        written("check-chain", source='check("check-prompt")'),
        'its source must be check("check-chain")',
    ),
    "a check that is text": (
        written("check-chain", cell_type="markdown"),
        "is a markdown cell; it must be a code cell",
    ),
    "a cell that was not filled": (written("title", metadata={"autograder": {}}), "metadata.autograder is left over"),
    "an open template": (written("title", source="«course.id"), "'«' is left over"),
    "an open language": (written("title", source="<!-- EN -->"), "is left over"),
    "a tagged comment": (written("setup", source="#nb: x"), "is left over"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_notebook_is_refused_with_the_reason(good: dict[str, NotebookNode], what: str) -> None:
    breaking, reason = BROKEN[what]
    nbs = copy.deepcopy(good)
    breaking(nbs)
    with pytest.raises(ContractError, match=re.escape(reason)):
        check_contract(nbs, COURSE)


def test_every_problem_is_told_at_once(good: dict[str, NotebookNode]) -> None:
    nbs = copy.deepcopy(good)
    dropped("check-chain")(nbs)
    dropped("memory")(nbs)
    with pytest.raises(ContractError, match=r"check-chain(.|\n)*memory"):
        check_contract(nbs, COURSE)


def test_a_cell_of_a_task_that_is_not_in_use_is_refused(good: dict[str, NotebookNode]) -> None:
    others = tuple(task for task in COURSE.tasks if task.id != "arguments")
    fewer = COURSE.model_copy(update={"tasks": others})
    with pytest.raises(ContractError) as refused:
        check_contract(good, fewer)
    assert "cell 'arguments': is the solution cell of a task that is not in use" in str(refused.value)
    assert "cell 'check-arguments': is graded, and is no cell of a task in use" in str(refused.value)


def test_a_question_may_hold_quotation_marks_of_its_own() -> None:
    profile = changed(COURSE, questions={"first": "Hva betyr «læringsrate»?"})
    check_contract(released(profile), profile)


# --- the course's own notebooks ---


@pytest.fixture(scope="module", params=list(PROFILES))
def profile(request: pytest.FixtureRequest) -> Profile:
    return PROFILES[request.param]


@pytest.fixture(scope="module")
def nbs(profile: Profile) -> Books:
    return released(profile)


@pytest.fixture(scope="module")
def cells(nbs: Books) -> list[NotebookNode]:
    return [cell for nb in nbs.values() for cell in nb.cells]


def test_the_source_notebooks_keep_the_contract(profile: Profile, nbs: Books, cells: list[NotebookNode]) -> None:
    check_contract(nbs, profile)
    points = sum(cell.metadata.get("nbgrader", {}).get("points", 0) for cell in cells)
    assert points == pytest.approx(sum(task.points for task in tasks(profile)))
    for nb in nbs.values():
        nbformat.validate(nb)


def test_every_code_cell_is_python_and_every_solution_assigns_its_variables(
    profile: Profile, cells: list[NotebookNode]
) -> None:
    by_id = {cell.id: cell for cell in cells if cell.cell_type == "code"}
    for cell in by_id.values():
        ast.parse(cell.source)
    for task in tasks(profile):
        for variable in task.variables:
            assert re.search(rf"^{variable} = ", by_id[task.id].source, re.MULTILINE)


def test_solutions_load_the_models_and_ask_the_questions_of_the_profile(
    profile: Profile, cells: list[NotebookNode]
) -> None:
    by_id = {cell.id: cell.source for cell in cells if cell.cell_type == "code"}
    for task in tasks(profile):
        if task.question:
            assert f'"{task.question}"' in by_id[task.id]
        if task.id in ("load-model", "ask-base", "instruct-small", "instruct-large", "temperature-1"):
            assert f'"{task.model}"' in by_id[task.id]
            assert f"from {profile.models.package}" in by_id[task.id]


def test_text_outside_solutions_does_not_give_the_solution_away(cells: list[NotebookNode]) -> None:
    shown = "\n".join(cell.source for cell in cells if "nbgrader" not in cell.metadata)
    given_away = ("prompt | llm", 'os.environ["HF_HOME"] =', 'MessagesPlaceholder("', '"max_new_tokens":', "device=0,")
    assert [line for line in given_away if line in shown] == []


def test_words_of_one_profile_are_nowhere_but_in_its_values(profile: Profile, cells: list[NotebookNode]) -> None:
    for cell in cells:
        words = cell.source
        fixed = ("ideal-boat", "`boat`", "boat =", "(boat)")
        for value in (profile.chat.system_prompt, *profile.questions.values(), *fixed):
            words = words.replace(value, "")
        assert not re.search(r"pirat|boat|båt|skute", words, re.IGNORECASE)


def test_there_is_no_ragged_space(cells: list[NotebookNode]) -> None:
    for cell in cells:
        assert cell.source == cell.source.strip("\n")
        assert not re.search(r"[ \t]$|\n\n\n", cell.source, re.MULTILINE)


def test_sources_have_no_outputs_and_checks_let_run_all_go_on() -> None:
    for nb in sources().values():
        assert nb.metadata.kernelspec.name == "python3"
        for cell in nb.cells:
            if cell.cell_type == "code":
                assert cell.outputs == []
                assert cell.execution_count is None
            if cell.id.startswith("check-"):
                assert "raises-exception" in cell.metadata.tags


def test_rubrics_and_answers_go_with_the_solution_region(cells: list[NotebookNode]) -> None:
    for cell in cells:
        left = re.sub(r"### BEGIN SOLUTION\n.*?### END SOLUTION", "", cell.source, flags=re.DOTALL)
        assert "SOLUTION" not in left
        assert "MARK SCHEME" not in left
        is_solution = cell.metadata.get("nbgrader", {}).get("solution", False)
        assert (left != cell.source) == is_solution


def test_every_free_text_task_has_a_rubric(profile: Profile, cells: list[NotebookNode]) -> None:
    rubrics = [cell.id for cell in cells if "### BEGIN MARK SCHEME" in cell.source]
    assert rubrics == [task.id for task in tasks(profile) if task.judged_by == "person"]
