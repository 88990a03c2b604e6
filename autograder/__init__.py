"""Autograded exercises about chatbots. What a student's notebook imports is here: four names, and nothing else.

`from autograder import check` starts the recorder in this kernel, and imports none of torch, transformers and
huggingface_hub.

Each folder is what one process runs, and its `__init__` says which, what it may import, and whether a student can read it. All of
the package can be read by students: it is installed where they work, and every kernel sees it. What they must not read
is in no wheel: solutions and attacks (`trials/`), sources with their rubrics (`source/`), and the course's own folders.

Layers, each importing only from those before it, kept by contracts in `pyproject.toml`: `errors`; `course`; `facts`; `words` and
`system`; `judging` and `protocol`; `kernel`, `host`, `jail` and `submissions`; `grading`; `pages` and `release`; `plugins`;
`cli`. Those named with *and* know nothing of each other.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.kernel.notebook import check, free_models, show_gpu_memory, show_temperature_picture

__all__ = ["check", "free_models", "show_gpu_memory", "show_temperature_picture"]


def __getattr__(name: str) -> Any:
    """One of the four names (PEP 562); processes that are no kernel import this package and ask for none."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from autograder.kernel import notebook

    return getattr(notebook, name)
