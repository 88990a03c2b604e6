"""Solutions of the task `model-home`."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.pieces import TODO

RIGHT = (
    Solution("environment by the env magic", {"model-home": "%env HF_HOME=«models.home»"}),
    Solution("environment by the set_env magic", {"model-home": "%set_env HF_HOME «models.home»"}),
    Solution(
        "model home with a trailing slash",
        {"model-home": 'import os\n\nos.environ["HF_HOME"] = «py(models.home.rstrip("/") + "/")»\n'},
    ),
    Solution(
        "environ by from-import and update",
        {
            "model-home": "from os import environ\n\nenviron.update(HF_HOME=«py(models.home)»)\nprint(environ['HF_HOME'])\n"
        },
    ),
    Solution(
        "model home as a path, in a loop with other variables",
        {
            "model-home": """
import os
from pathlib import Path

MODELS = Path(«py(models.home)»)
assert MODELS.is_absolute()
for name, value in {"HF_HOME": MODELS, "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": 1}.items():
    os.environ[name] = str(value)
"""
        },
    ),
    Solution(
        "model home by a call of the magic",
        {
            "model-home": """
get_ipython().run_line_magic("env", "HF_HOME=" + «py(models.home)»)
"""
        },
    ),
)


WRONG = (
    Solution(
        "model home: nothing done",
        {"model-home": "import os\n\n" + TODO},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
    Solution(
        "model home: another folder",
        {"model-home": 'import os\n\nos.environ["HF_HOME"] = os.path.expanduser("~/.cache/huggingface")'},
        {"model-home": frozenset({"model-home"})},
        "home-other",
    ),
    Solution(
        "model home: last letter of the path missing",
        {"model-home": 'import os\n\nos.environ["HF_HOME"] = «py(models.home.rstrip("/")[:-1])»'},
        {"model-home": frozenset({"model-home"})},
        "home-other",
    ),
    Solution(
        "model home: a folder too deep",
        {"model-home": 'import os\n\nos.environ["HF_HOME"] = «py(models.home.rstrip("/") + "/hub")»'},
        {"model-home": frozenset({"model-home"})},
        "home-other",
    ),
    Solution(
        "model home: a Python variable",
        {"model-home": "import os\n\nHF_HOME = «py(models.home)»"},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
    Solution(
        "model home: the variable's name in small letters",
        {"model-home": 'import os\n\nos.environ["hf_home"] = «py(models.home)»'},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
    Solution(
        "model home: another variable",
        {"model-home": 'import os\n\nos.environ["TRANSFORMERS_CACHE"] = «py(models.home)»'},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
    Solution(
        "model home: set in a shell that ends at once",
        {"model-home": "!export HF_HOME=«models.home»"},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
    Solution(
        "model home: quotation marks become part of the path",
        {"model-home": '%env HF_HOME="«models.home»"'},
        {"model-home": frozenset({"model-home"})},
        "home-other",
    ),
    Solution(
        "model home: environ was not imported",
        {"model-home": 'environ["HF_HOME"] = «py(models.home)»'},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
    Solution(
        "model home: read instead of set",
        {"model-home": 'import os\n\nprint(os.environ.get("HF_HOME", «py(models.home)»))'},
        {"model-home": frozenset({"model-home"})},
        "home-unset",
    ),
)
