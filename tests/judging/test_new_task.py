"""`docs/new-task.md` is followed, from its own text, in a copy of the project: four places, and the task is there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell

PAGE = (ROOT / "docs" / "new-task.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^([^\n]*):\n\n```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COPIED = ("autograder", "trials", "source", "profiles")
RELEASED = """
import sys
from pathlib import Path
from autograder.judging.contract import load, tasks
from trials.classes import reference
from trials.selftest.run import library_pieces, submissions_for
from trials.selftest.sharing import Sharing
from autograder.release.authoring import fill, select_language
from autograder.release.contract_check import check_contract
import nbformat

profile = load(Path("profiles/nucleus.toml"))
filled = {path.stem: fill(nbformat.read(path, 4), profile) for path in Path("source/chatbot").glob("*.ipynb")}
check_contract({name: select_language(notebook, "en") for name, notebook in filled.items()}, profile)
others = fill(nbformat.read("source/chatbot/temperature.ipynb", 4), load(Path("profiles/gemma.toml")))
assert not [cell.id for cell in others.cells if "greedy" in cell.id]
pieces = library_pieces(Sharing(profile, reference(Path("source/chatbot"), profile)), only="greedy")
assert [solution.name for each in submissions_for(pieces, "x") for solution in each.solutions] == sys.argv[1:]
"""


def block(before: str) -> str:
    """The block of the page under the line that ends like this."""
    (found,) = (code for line, _, code in BLOCKS if line.endswith(before))
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the page's task in it."""
    copy = tmp_path_factory.mktemp("project")
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    for path in ("autograder/judging/tasks/greedy.py", "trials/selftest/solutions/greedy.py"):
        (copy / path).write_text(block(f"`{path}`"), encoding="utf-8")
    with (copy / "profiles" / "nucleus.toml").open("a", encoding="utf-8") as profile:
        profile.write("\n" + block("`profiles/nucleus.toml`"))
    path = copy / "source" / "chatbot" / "temperature.ipynb"
    notebook = nbformat.read(path, as_version=4)
    own = {"autograder": {"task": "greedy"}}
    marks = {"schema_version": 3, "task": False}
    solution = {"grade_id": "greedy", "grade": False, "solution": True, "locked": False, **marks}
    check = {"grade_id": "check-greedy", "grade": True, "solution": False, "locked": True, "points": 0, **marks}
    place = next(number for number, cell in enumerate(notebook.cells) if cell.id == "hand-in")
    notebook.cells[place:place] = [
        new_markdown_cell(block("`greedy-text`, Markdown"), id="greedy-text", metadata=own),
        new_code_cell(block("where the student writes"), id="greedy", metadata={**own, "nbgrader": solution}),
        new_code_cell(block("with the points"), id="check-greedy", metadata={**own, "nbgrader": check}),
    ]
    nbformat.write(notebook, path)
    return copy


def run(project: Path, code: str, *arguments: str) -> None:
    """Runs code in a process whose package is the copy."""
    inside = f"import sys; sys.path.insert(0, {str(project)!r})\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", inside, *arguments], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_new_task_judges_right_and_wrong_facts(project: Path) -> None:
    run(project, block("written down here by hand"))


def test_the_new_task_is_released_where_it_is_used_and_its_solutions_are_in_the_library(project: Path) -> None:
    run(project, RELEASED, "greedy, with beams", "greedy: sampling left on")


def test_four_places_are_all_that_the_page_writes_to() -> None:
    assert len(BLOCKS) == 7
    lines = [line for line, _, _ in BLOCKS]
    assert re.findall(r"`(\S+?/\S+\.\w+)`", "\n".join(lines)) == [
        "autograder/judging/tasks/greedy.py", "profiles/nucleus.toml", "trials/selftest/solutions/greedy.py",
    ]  # fmt: skip
