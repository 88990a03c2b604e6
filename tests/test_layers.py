"""The direction of the imports: each module imports only from those above it in this list."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import autograder

PACKAGE = Path(autograder.__file__).parent
LAYERS = (
    "errors", "profile", "verdict", "transcript", "contract", "words", "evidence", "sampling", "failures", "charged",
    "criteria", "answers", "checks", "render", "masking", "terminal", "shelf", "daemons", "import_hooks", "virtual_gpu",
    "recorder", "host.__init__", "host.wire", "host.echo", "host.client", "live_objects", "probe", "selfcheck",
    "gpu_memory", "notebook_tools", "temperature_picture", "notebook", "__init__", "authoring", "repair_json",
    "repair_read", "repair", "repair_files", "submission", "safe_copy", "hand_in", "records", "canvas_csv", "ending",
    "view", "executions", "ahead", "claims", "gradebook", "host.memory", "host.orders", "host.failures",
    "host.generation", "host.models", "host.notebooks", "host.frames", "host.maker", "host.worker", "host.jobs",
    "host.server", "host.control", "kernels.__init__", "kernels.calls", "kernels.limits", "kernels.paths",
    "kernels.cgroup", "kernels.memory", "kernels.monitor", "kernels.root", "kernels.landlock", "kernels.seccomp",
    "kernels.jail", "kernels.parent", "kernels.messages", "kernels.provisioner", "kernel_facts", "machine",
    "nbgrader_course", "nbgrader_exchange", "nbgrader_release", "nbgrader_execute", "nbgrader_grading", "sanitize",
    "feedback", "nbgrader_feedback", "marking", "marking_page", "nbgrader_pages", "nbgrader_formgrader",
    "nbgrader_autograde", "nbgrader_settings", "canvas", "doctor", "grading", "report_numbers", "report_words",
    "report_pictures", "report_page", "report", "tiny", "stand_ins", "classes", "demo", "library", "library_right",
    "library_wrong", "mutants", "hint_rules", "sharing", "selftest", "measure", "bench_class", "bench_kernels", "bench",
    "bench_report", "bench_picture", "attacks", "attacks_honest", "attacks_forge", "attacks_messages", "attacks_reach",
    "attacks_harm", "attacks_show", "attacks_html", "attacks_run", "attacks_sandbox", "attacks_stock", "attacks_report",
    "cli",
)  # fmt: skip

PURE = (
    "errors", "profile", "verdict", "transcript", "contract", "words", "evidence", "sampling", "failures", "charged", "criteria",
    "answers",
    "checks",
)  # fmt: skip
FOREIGN = {"torch", "transformers", "langchain_core", "nbgrader", "IPython", "nbformat", "huggingface_hub"}


def imported(module: str) -> list[tuple[bool, str]]:
    """What a module imports: (True, name) for the package's own modules, (False, name) for other top-level packages."""
    path = PACKAGE / f"{module.replace('.', '/')}.py"
    found: list[tuple[bool, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            inside = module.split(".")[: -node.level]
            packages = ("host", "kernels")
            names = (
                [node.module] if node.module and node.module not in packages else [alias.name for alias in node.names]
            )
            inside += [node.module] if node.module in packages else []
            found += [(True, ".".join([*inside, name])) for name in names]
        elif isinstance(node, ast.ImportFrom):
            found.append((False, str(node.module).split(".")[0]))
        elif isinstance(node, ast.Import):
            found += [(False, alias.name.split(".")[0]) for alias in node.names]
    return found


def test_every_module_has_its_place() -> None:
    assert {".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in PACKAGE.rglob("*.py")} == set(LAYERS)


@pytest.mark.parametrize("module", LAYERS)
def test_a_module_imports_only_from_those_above_it(module: str) -> None:
    above = LAYERS[: LAYERS.index(module)]
    for own, name in imported(module):
        if own:
            assert name in above, f"{module} imports {name}"


@pytest.mark.parametrize("module", PURE)
def test_what_decides_imports_no_machinery(module: str) -> None:
    assert not FOREIGN & {name for own, name in imported(module) if not own}
