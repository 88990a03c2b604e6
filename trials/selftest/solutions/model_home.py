"""Solutions of the task `model-home`."""

from __future__ import annotations

from trials.selftest.library import Mistakes
from trials.selftest.solutions.pieces import TODO, page

RIGHT = page(
    "model-home",
    """
# %% environment by the env magic
%env HF_HOME=«models.home»

# %% environment by the set_env magic
%set_env HF_HOME «models.home»

# %% model home with a trailing slash
import os

os.environ["HF_HOME"] = «py(models.home.rstrip("/") + "/")»

# %% environ by from-import and update
from os import environ

environ.update(HF_HOME=«py(models.home)»)
print(environ['HF_HOME'])

# %% model home as a path, in a loop with other variables
import os
from pathlib import Path

MODELS = Path(«py(models.home)»)
assert MODELS.is_absolute()
for name, value in {"HF_HOME": MODELS, "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": 1}.items():
    os.environ[name] = str(value)

# %% model home by a call of the magic
get_ipython().run_line_magic("env", "HF_HOME=" + «py(models.home)»)
""",
)

wrong = Mistakes("model-home", "model home")
LOST = frozenset({"model-home"})
WRONG = (
    wrong("nothing done", "import os\n\n" + TODO, LOST, "home-unset"),
    wrong("another folder", 'import os\n\nos.environ["HF_HOME"] = os.path.expanduser("~/.cache/huggingface")', LOST,
          "home-other"),
    wrong("last letter of the path missing",
          'import os\n\nos.environ["HF_HOME"] = «py(models.home.rstrip("/")[:-1])»', LOST, "home-other"),
    wrong("a folder too deep", 'import os\n\nos.environ["HF_HOME"] = «py(models.home.rstrip("/") + "/hub")»', LOST,
          "home-other"),
    wrong("a Python variable", "import os\n\nHF_HOME = «py(models.home)»", LOST, "home-unset"),
    wrong("the variable's name in small letters", 'import os\n\nos.environ["hf_home"] = «py(models.home)»', LOST,
          "home-unset"),
    wrong("another variable", 'import os\n\nos.environ["TRANSFORMERS_CACHE"] = «py(models.home)»', LOST, "home-unset"),
    wrong("set in a shell that ends at once", "!export HF_HOME=«models.home»", LOST, "home-unset"),
    wrong("quotation marks become part of the path", '%env HF_HOME="«models.home»"', LOST, "home-other"),
    wrong("environ was not imported", 'environ["HF_HOME"] = «py(models.home)»', LOST, "home-unset"),
    wrong("read instead of set", 'import os\n\nprint(os.environ.get("HF_HOME", «py(models.home)»))', LOST,
          "home-unset"),
)  # fmt: skip
