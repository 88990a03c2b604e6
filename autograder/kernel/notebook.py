"""What a notebook calls, bound to the kernel it runs in: the functions of `selfcheck.py` and `notebook_tools.py`.

Outside IPython (the command line, nbgrader) importing this starts nothing.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from autograder.course.profile import FROZEN_NAME, Language
from autograder.errors import ProfileError
from autograder.judging.contract import parse
from autograder.kernel import gpu_memory, notebook_tools
from autograder.kernel.notebook_tools import running_shell
from autograder.kernel.probe import failure_of
from autograder.kernel.selfcheck import CheckFailed, Report, Session, run_check
from autograder.words.pages import LAYOUT
from autograder.words.tables import say


@functools.cache
def session() -> Session:
    """The session of this kernel, made and started at the first call."""
    shell = running_shell()
    namespace: MutableMapping[str, Any] = shell.user_ns if shell is not None else vars(sys.modules["__main__"])
    here = Session(namespace, Path.cwd())
    if shell is not None:
        _follow_cells(shell, here)
    here.begin()
    return here


def check(check_id: str) -> Report | None:
    """Shows whether the task with this check is done, or what is missing and one next step.

    Raises CheckFailed, which a notebook renders as the hint alone: as a panel in a student's own session, and as text under
    nbgrader, whose Validate shows no HTML.
    """
    here = session()
    try:
        return run_check(here, check_id)
    except CheckFailed as failed:
        if failed.report is not None and _shows_html(running_shell()):
            from IPython.display import display

            display(failed.report)
            failed.shown = say(LAYOUT["see-above"], here.profile.course.language)
        raise


def free_models() -> None:
    """Lets go of every loaded model in this notebook, so that the next one has the GPU's memory for itself."""
    here = session()
    notebook_tools.free_models(here.profile, here.namespace)


def show_gpu_memory() -> None:
    """Shows how much GPU memory is free, and which of the course's models would fit."""
    notebook_tools.show_gpu_memory(session().profile)


def show_temperature_picture(chains: Mapping[float, Any], question: str, draws: int = 4) -> None:
    """Shows what temperature does to the output of your own chains: several draws for each temperature."""
    from autograder.kernel.temperature_picture import show_temperature_picture as show  # few notebooks need it

    show(chains, question, session().profile, draws)


def begin_grading(profile: str, host: tuple[str, dict[str, str]]) -> None:
    """Called by the executing side before a notebook's first cell is run for grading (`Session.begin_grading`).

    Args:
        profile: the frozen profile, as JSON.
    """
    here = session()
    here.begin_grading(parse(json.loads(profile), FROZEN_NAME), host)
    helpers = (check, free_models, show_gpu_memory, show_temperature_picture)
    here.namespace.update({helper.__name__: helper for helper in helpers})  # though the first cell may be gone


def publish(check_id: str, question: str | None = None) -> None:
    """Called by the executing side in place of a check cell: hands over evidence."""
    from IPython.display import display

    display(session().publish(check_id, question), raw=True)


def _language(here: Session) -> Language:
    try:
        return here.profile.course.language
    except ProfileError:
        return "en"


def _shows_html(shell: Any) -> bool:
    """Whether what is displayed reaches a page: a kernel's shell, and no nbgrader that reads the message."""
    return getattr(shell, "kernel", None) is not None and not os.environ.get("NBGRADER_EXECUTION")


def _follow_cells(shell: Any, here: Session) -> None:
    """Tells the recorder which cell is running, and how it ended. After one that found the GPU full, says what to do."""

    def before(info: Any) -> None:
        here.recorder.cell = str(getattr(info, "cell_id", None) or shell.execution_count)[:200]

    def after(result: Any) -> None:
        error = result.error_in_exec or result.error_before_exec
        if error is not None and not isinstance(error, CheckFailed):
            here.recorder.raised = failure_of(error)
        if not here.grading and gpu_memory.is_full(error):  # after the traceback: a word on what to do
            print(gpu_memory.when_full(gpu_memory.holders(), _language(here), here.folder))

    shell.events.register("pre_run_cell", before)
    shell.events.register("post_run_cell", after)


if running_shell() is not None:
    session()
