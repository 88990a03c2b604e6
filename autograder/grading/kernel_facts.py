"""What a kernel that has run a notebook leaves behind: its evidence, read and bounded, and why it ended. All untrusted."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from pydantic import ValidationError

from autograder.course.profile import Profile
from autograder.facts.evidence import Evidence
from autograder.facts.transcript import Message
from autograder.facts.verdict import IncidentKind
from autograder.jail.limits import ENDED
from autograder.judging.task import Task
from autograder.kernel.selfcheck import EVIDENCE_TYPE

MAX_EVIDENCE = 10**6
"""Characters of one check's evidence. An honest one has thousands; each text of it is bounded too."""


def conversations(evidence: Any, profile: Profile) -> list[tuple[Message, ...]]:
    """The conversations whose form in a chat template a check may look for: the task's, and the student's own prompt's."""
    found: dict[tuple[Message, ...], None] = {}
    for each in evidence:
        for question in {*profile.questions.values(), *(c.question for c in each.challenges)}:
            found[("system", profile.chat.system_prompt), ("human", question)] = None
            own = each.prompt.rendered.get(question) if each.prompt else None
            if own:
                found[own] = None
    return list(found)


def timed_out(output: NotebookNode) -> bool:
    """Whether nbclient ended a cell for its time. (What a student raises under this name is as good: it helps nobody.)"""
    return bool(output.output_type == "error" and output.ename == "CellTimeoutError")


def why_it_ended(error: Exception, manager: Any, early: bool) -> IncidentKind:
    """Why nothing more came from a kernel, or came to nothing; of one that has ended, as the monitor told by its exit code.

    Args:
        early: before the cell's time was over. A kernel that is silent then is as good as gone.
    """
    if isinstance(error, CellTimeoutError):
        return "crash" if early else "time"
    process = getattr(getattr(manager, "provisioner", None), "process", None)
    code = getattr(process, "returncode", None)
    if code == -signal.SIGXCPU:
        return "time"
    if not isinstance(error, DeadKernelError):
        return "messages"
    kinds: dict[int | None, IncidentKind] = {ENDED["time"]: "time", ENDED["memory"]: "memory"}
    return kinds.get(code, "crash")


@dataclass(frozen=True)
class Findings:
    """What the checks of a notebook have handed over.

    Attributes:
        evidence: by check id.
        problems: by check id, why its evidence could not be read.
    """

    evidence: dict[str, Evidence]
    problems: dict[str, str]


def read_evidence(cells: list[tuple[NotebookNode, Task]]) -> Findings:
    """The evidence in executed check cells. It is validated and bounded, and anything else is as good as nothing."""
    found = Findings({}, {})
    for cell, task in cells:
        published = [o for o in cell.outputs if o.output_type == "display_data" and EVIDENCE_TYPE in o.get("data", {})]
        if len(published) > 1:
            found.problems[task.check_id] = "there is more than one finding"
            continue
        for output in cell.outputs:
            if output.output_type == "error":  # the check itself stopped: too slow, or something in its way
                found.problems[task.check_id] = f"{output.ename}: {output.evalue}"[:200]
        for output in published:
            try:
                found.evidence[task.check_id] = evidence_in(output.data[EVIDENCE_TYPE], task)
            except (ValidationError, ValueError, TypeError) as error:
                found.problems[task.check_id] = str(error).split("\n")[0][:200]
    return found


def evidence_in(published: Any, task: Task) -> Evidence:
    """The evidence of a task. Raises ValueError or TypeError where what was published is none."""
    size = len(published)
    if size > MAX_EVIDENCE:
        raise ValueError(f"{size} characters, more than {MAX_EVIDENCE}")
    found = Evidence.model_validate_json(published)
    if found.check_id != task.check_id:
        raise ValueError(f"evidence of {found.check_id}")
    if found.problem:
        raise ValueError(found.problem)
    return found
