"""The direction of the imports: each module imports only from those above it in this list."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import autograder

PACKAGE = Path(autograder.__file__).parent
LAYERS = (
    "errors", "profile", "verdict", "transcript", "contract", "words", "evidence", "criteria", "answers", "checks",
    "render", "import_hooks", "virtual_gpu", "recorder", "live_objects", "probe", "selfcheck", "notebook_tools",
    "temperature_picture", "notebook", "__init__", "authoring", "records", "nbgrader_release", "nbgrader_grading",
    "nbgrader_settings", "tiny", "stand_ins", "classes", "demo", "library", "library_right", "library_wrong",
    "mutants", "selftest", "cli",
)  # fmt: skip
PURE = ("errors", "profile", "verdict", "transcript", "contract", "words", "evidence", "criteria", "answers", "checks")
FOREIGN = {"torch", "transformers", "langchain_core", "nbgrader", "IPython", "nbformat", "huggingface_hub"}


def imported(module: str) -> list[tuple[int, str]]:
    """Names of the package's own modules, and of other top-level packages, with how many dots stood before them."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found += [(node.level, str(name).split(".")[0]) for name in names]
        elif isinstance(node, ast.Import):
            found += [(0, alias.name.split(".")[0]) for alias in node.names]
    return found


def test_every_module_has_its_place() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == set(LAYERS)


@pytest.mark.parametrize("module", LAYERS)
def test_a_module_imports_only_from_those_above_it(module: str) -> None:
    above = LAYERS[: LAYERS.index(module)]
    for level, name in imported(module):
        if level:
            assert name in above, f"{module} imports {name}"


@pytest.mark.parametrize("module", PURE)
def test_what_decides_imports_no_machinery(module: str) -> None:
    assert not FOREIGN & {name for level, name in imported(module) if level == 0}
