"""What a kernel that has run a notebook leaves behind: its evidence, read and bounded, and why it ended. All untrusted."""

from __future__ import annotations

import signal
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from pydantic import ValidationError

from autograder.course.profile import Profile
from autograder.facts.evidence import Evidence, Facts
from autograder.facts.transcript import Message, Transcript
from autograder.facts.verdict import IncidentKind
from autograder.jail.limits import ENDED
from autograder.judging.contract import Task
from autograder.kernel.selfcheck import EVIDENCE_TYPE, TRANSCRIPT_TYPE

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
        early: before the cell's time was over. A kernel that is silent then has sent a message beyond `MAX_MESSAGE`.
    """
    if isinstance(error, CellTimeoutError):
        return "output" if early else "time"
    process = getattr(getattr(manager, "provisioner", None), "process", None)
    code = getattr(process, "returncode", None)
    if code == -signal.SIGXCPU:
        return "time"
    if not isinstance(error, DeadKernelError):
        return "messages"
    kinds: dict[int | None, IncidentKind] = {ENDED["time"]: "time", ENDED["memory"]: "memory"}
    return kinds.get(code, "crash")


def read_facts(cells: list[tuple[NotebookNode, Task]]) -> tuple[Facts, dict[str, str]]:
    """Evidence and transcript out of the executed check cells, and what could not be read, by check id.

    What a kernel sent is untrusted: it is validated and bounded, and anything else is as good as nothing.
    """
    evidence: dict[str, Evidence] = {}
    transcript, problems = Transcript(), {}
    for cell, task in cells:
        published = [o for o in cell.outputs if o.output_type == "display_data" and EVIDENCE_TYPE in o.get("data", {})]
        if len(published) > 1:
            problems[task.check_id] = "there is more than one finding"
            continue
        for output in cell.outputs:
            if output.output_type == "error":  # the check itself stopped: too slow, or something in its way
                problems[task.check_id] = f"{output.ename}: {output.evalue}"[:200]
            data = output.get("data", {}) if output.output_type == "display_data" else {}
            if EVIDENCE_TYPE not in data:
                continue
            try:
                size = len(data[EVIDENCE_TYPE])
                if size > MAX_EVIDENCE:
                    raise ValueError(f"{size} characters, more than {MAX_EVIDENCE}")
                found = Evidence.model_validate_json(data[EVIDENCE_TYPE])
                if found.check_id != task.check_id:
                    raise ValueError(f"evidence of {found.check_id}")
                transcript = transcript.joined(Transcript.model_validate_json(data[TRANSCRIPT_TYPE]))
                if found.problem:
                    raise ValueError(found.problem)
                evidence[task.check_id] = found
            except (ValidationError, ValueError, KeyError, TypeError) as error:
                problems[task.check_id] = str(error).split("\n")[0][:200]
    return Facts(evidence=evidence, transcript=transcript, in_grading=True), problems
