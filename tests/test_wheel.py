"""What is installed: the wheel holds no solution, attack or benchmark, and a student's side runs on what it alone brings.

The wheel is built and installed as an installer would. Its environment has the distributions that the wheel demands without
extras, and no others: they are linked from this environment, so that no network is needed.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
from conftest import ROOT
from write_licences import demanded

from autograder.course.profile import Profile
from trials.attacks.honest import CONTROLS
from trials.attacks.tables import ATTACKS
from trials.classes import Student, reference, write_submission
from trials.selftest.solutions import RIGHT, WRONG

GRADERS = (
    "nbgrader",
    "alembic",
    "jupyterlab",
    "jupyter_server",
    "notebook",
    "nbconvert",
    "nbclient",
    "nbformat",
    "justhtml",
)
"""Packages of the extras: a student's environment has none of them."""

RUNS = """
import json, sys
from jupyter_client.manager import start_new_kernel

shown = {}
manager, client = start_new_kernel(kernel_name="python3")
for name, source in json.load(sys.stdin).items():
    heard = shown[name] = []
    def hear(message):
        content = message["content"]
        heard.append(content.get("text") or content.get("data", {}).get("text/html") or "".join(content.get("traceback", [])))
    client.execute_interactive(source, output_hook=hear, timeout=120)
client.stop_channels()
manager.shutdown_kernel(now=True)
print(json.dumps({name: "".join(heard) for name, heard in shown.items()}))
"""
"""Runs cells, JSON on standard input, in an ordinary kernel of the environment, and prints what each has shown."""

LATER = ("temperature-2", "check-temperature-2", "temperature-3", "check-temperature-3", "temperature-picture")
AT_THE_END = {"picture": "show_temperature_picture({0.9: chatbot_1}, 'Who are you?', draws=1)", "free": "free_models()"}
"""Cells of the notebook that are left out, since they take their time, and what is asked for in the place of the last."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of all that is in the repository beside it."""
    copy = tmp_path_factory.mktemp("build") / "course"
    copy.mkdir()
    for name in ("autograder", "trials", "tests", "source", "release", "docs", "deploy", "profiles"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "course.toml", "nbgrader_config.py"):
        shutil.copy(ROOT / name, copy)
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(copy.parent / "dist"),
        str(copy),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = (copy.parent / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def contents(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_the_wheel_holds_the_package_and_nothing_beside_it(contents: dict[str, str]) -> None:
    assert {name.split("/")[0].partition("-")[0] for name in contents} == {"autograder", "llm_autograder"}
    assert {name for name in contents if name.endswith((".html", ".j2", ".css", ".js", "py.typed"))}


def names_of_trials() -> set[str]:
    """What solutions, attacks and students are called: each text in `trials/` that no chance brings into another file."""
    found = {one.name for one in (*RIGHT, *WRONG, *ATTACKS, *CONTROLS)}
    for path in (ROOT / "trials").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
    return {text for text in found if len(text) >= 30 and " " in text}


def test_the_wheel_holds_no_solution_attack_or_benchmark(contents: dict[str, str], llama: Profile) -> None:
    own = {path.name for path in (ROOT / "autograder").rglob("*")}
    modules = {path.name for path in (ROOT / "trials").rglob("*.py")} - own
    assert {"mutants.py", "library.py", "bombs.py", "stand_ins.py"} <= modules
    assert not modules & {Path(name).name for name in contents}
    solutions = {cell for cell in reference(ROOT / "source" / "chatbot", llama).values() if len(cell) >= 30}
    secret = names_of_trials() | solutions
    assert len(secret) > 300
    assert not {text for text in secret for held in contents.values() if text in held}


def requirements(wheel: Path) -> list[str]:
    """What the wheel says that it demands."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_string(archive.read(name).decode()).get_all("Requires-Dist", [])


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment with the wheel, without extras."""
    fresh = tmp_path_factory.mktemp("student") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(fresh)], check=True)
    (packages,) = fresh.glob("lib/python*/site-packages")
    for distribution in demanded(requirements(wheel)):
        for top in {file.parts[0] for file in distribution.files or [] if file.parts[0] not in ("..", "__pycache__")}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(distribution.locate_file(top))))
    install = [
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--python",
        str(fresh),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([sys.executable, *install, str(wheel)], check=True)
    return fresh / "bin" / "python"


def ask(
    python: Path, *command: str, folder: Path, given: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AUTOGRADER", "PYTHON", "HF_"))}
    env = {**kept, "HF_HUB_OFFLINE": "1", "IPYTHONDIR": str(folder / "ipython"), **variables}
    return subprocess.run(
        [str(python), *command], cwd=folder, env=env, input=given, text=True, capture_output=True, check=False
    )


def test_a_students_environment_has_nothing_of_the_graders(python: Path, tmp_path: Path) -> None:
    code = f"from importlib.util import find_spec as f; print([n for n in {(*GRADERS, 'trials')} if f(n)])"
    assert ask(python, "-c", code, folder=tmp_path).stdout.strip() == "[]"


def test_a_notebook_runs_on_what_the_wheel_alone_brings(
    python: Path, tmp_path: Path, llama: Profile, tiny_home: Path
) -> None:
    release = ROOT / "release" / "chatbot"
    shutil.copy(release / "profile.json", tmp_path)
    write_submission(release, tmp_path, Student("anna", "all right", reference(ROOT / "source" / "chatbot", llama)))
    cells = json.loads((tmp_path / "temperature.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = {c["metadata"]["nbgrader"]["grade_id"]: "".join(c["source"]) for c in cells if c["cell_type"] == "code"}
    first = [name for name in sources if name not in LATER]
    given = json.dumps({**{name: sources[name] for name in first}, **AT_THE_END})
    ran = ask(
        python,
        "-c",
        RUNS,
        folder=tmp_path,
        given=given,
        AUTOGRADER_MODEL_HOME=str(tiny_home),
        AUTOGRADER_VIRTUAL_GPU="1",
    )
    assert ran.returncode == 0, ran.stderr
    shown = json.loads(ran.stdout)
    for check in (name for name in shown if name.startswith("check-")):
        assert "alt er på plass" in shown[check], shown
    assert "data:image/png" in shown["picture"]
    assert "GPU" in shown["gpu-memory"]
    assert not re.search(r"Error|Traceback", "".join(shown.values()))


def test_the_command_says_what_to_install_where_the_graders_packages_are_missing(python: Path, tmp_path: Path) -> None:
    said = ask(python, "-m", "autograder", "report", folder=tmp_path)
    assert said.returncode == 1
    assert "llm-autograder[grader]" in said.stderr
