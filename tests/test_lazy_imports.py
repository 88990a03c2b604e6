"""What a command must not import: each of these takes a tenth of a second to seconds, in every run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODELS = ("torch", "transformers", "huggingface_hub", "tokenizers", "langchain_core")
NOTEBOOKS = ("nbgrader", "nbconvert", "nbclient", "jupyter_client", "zmq", "sqlalchemy")
PICTURES = ("matplotlib", "PIL", "pandas", "scipy", "sklearn")
GRAMMARS = ("rfc3987_syntax", "lark")
"""jsonschema imports them where they are installed, and a grammar is then compiled in every process that reads a notebook."""
CLUSTER = ("dask", "distributed", "dask_jobqueue", "cryptography")
PREPARED = "from autograder.jail import parent; parent.prepare()"

MUST_NOT_IMPORT = {
    "import autograder": (*MODELS, *NOTEBOOKS, *PICTURES, *GRAMMARS, "pydantic", "asyncio"),
    "import autograder.cli": (*MODELS, *NOTEBOOKS, *PICTURES, *GRAMMARS, "nbformat", "jsonschema", *CLUSTER),
    "import autograder.grading.early_start": (*MODELS, *NOTEBOOKS, *PICTURES, *GRAMMARS, "nbformat", "jsonschema"),
    "import autograder.plugins.run": MODELS + NOTEBOOKS + PICTURES + GRAMMARS + CLUSTER,
    "import nbgrader.apps.nbgraderapp": MODELS + PICTURES + GRAMMARS,
    "import autograder.plugins.settings": (*MODELS, *PICTURES, *GRAMMARS, *CLUSTER, "autograder.plugins.steps", "justhtml"),
    "import autograder.plugins.steps": MODELS + PICTURES + GRAMMARS + CLUSTER,
    "import autograder.host.server": (*MODELS, *NOTEBOOKS, *PICTURES, *GRAMMARS, "nbformat", "rich"),
    "import autograder.host.worker": (*MODELS, *NOTEBOOKS, *PICTURES, *GRAMMARS, "nbformat", "rich"),
    "import autograder.jail.parent": (*MODELS, *NOTEBOOKS, *PICTURES, *GRAMMARS, "nbformat", "rich"),
    PREPARED: ("nbgrader", "nbconvert", "sqlalchemy", "pandas", "scipy", "sklearn", "jupyter_server", "debugpy", *GRAMMARS),
}  # fmt: skip


@pytest.mark.parametrize("code", MUST_NOT_IMPORT)
def test_a_command_does_not_import_what_it_does_not_need(code: str, tmp_path: Path) -> None:
    env = {**os.environ, "HF_HOME": str(tmp_path), "HOME": str(tmp_path)}
    told = [sys.executable, "-W", "ignore", "-c", f"{code}; import sys; print(*sys.modules)"]
    found = subprocess.run(told, env=env, capture_output=True, text=True, check=True)
    assert set(found.stdout.split()) & set(MUST_NOT_IMPORT[code]) == set()
