"""Running a submission for grading: a kernel, the model host, and evidence in place of each check cell.

`GradeExecute` takes the place of nbgrader's `Execute`. It tells the host which cell is running and which check is asking,
draws the checks' questions, and at the end has evidence from the kernel and the transcript from the host: `Gathered`, from
which `Judge` judges. A notebook whose code has been executed before is not executed again (`executions.py`).
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute
from pydantic import ValidationError
from traitlets import Bool, Enum

from .contract import Task
from .errors import HostLost, NotReady
from .evidence import Evidence, Facts
from .executions import Executions, executed, key_of, kit_digest, snapshots_digest
from .host.control import Visit
from .host.models import newest_snapshot
from .kernels.provisioner import WarmKernelManager
from .machine import host_for, jail_limits, kernels_for, refuse_without_jail
from .nbgrader_course import (
    Resources,
    check_cells,
    frozen_path,
    frozen_profile,
    model_folder,
    model_home,
    refuse_without_models,
)
from .nbgrader_release import course_root
from .probe import new_question
from .profile import Profile
from .selfcheck import EVIDENCE_TYPE, TRANSCRIPT_TYPE
from .transcript import Message, Transcript
from .words import LAYOUT

BEGIN = "__import__('autograder.notebook', fromlist=['x']).begin_grading({profile!r}, {host!r})"
OUTPUTS = ("stream", "display_data", "execute_result", "update_display_data", "error")
PUBLISH = "__import__('autograder.notebook', fromlist=['x']).publish({check_id!r}, {question!r})"


@dataclass
class Gathered:
    """What an executed notebook gave to judge from.

    Attributes:
        problems: by check id, why its evidence could not be read.
        stopped: the cell in which the kernel stopped, if it did.
    """

    facts: Facts
    problems: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None


class GradeExecute(Execute):  # type: ignore[misc]
    """Runs a notebook for grading: the recorder first, evidence in place of each check's own text.

    A kernel that dies is noted, and so is a host that does: each ends this notebook, not the batch.
    """

    host = Bool(True, help="Have the model host generate; else each kernel loads its own models.").tag(config=True)
    warm = Bool(True, help="Fork kernels from a parent that has the imports done.").tag(config=True)
    isolation = Enum(["full", "landlock", "none"], "full", help="The jail of the kernels.").tag(config=True)
    reuse = Bool(True, help="Do not execute again what an earlier run has executed.").tag(config=True)
    echo = Bool(False, help="Have no model asked: every request is answered with a canned text.").tag(config=True)
    verify = Bool(False, help="Generate again what is remembered, and compare.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources, km: Any = None) -> tuple[NotebookNode, Resources]:
        profile = frozen_profile(self, resources)
        self._home = model_home(profile) if profile is not None else None
        self._profile = None
        if profile is None:
            return super().preprocess(nb, resources, km)  # type: ignore[no-any-return]
        refuse_without_models(profile)
        self._profile_text = frozen_path(self, resources).read_text(encoding="utf-8")
        self._profile = profile
        self._checks = {id(cell): task for cell, task in check_cells(nb, profile)}
        self.skip_cells_with_tag = ""
        folder = Path(resources["metadata"]["path"] or ".")
        executions = Executions(course_root(self) / ".autograder" / "executions")
        key = key_of(nb, folder, self._around(profile))
        again = not self.reuse or self.verify
        known = executions.get(key) if key and not (again and key not in _this_run()) else None
        if known is not None:
            self.log.info("This code has been executed before: its outputs are used again")
            known.write_into(nb)
            gathered = Gathered(known.facts, dict(known.problems))
        else:
            gathered = self._executed(nb, resources, km, profile)
            if key and came_to_its_end(nb, gathered):
                _this_run().add(key)
                executions.put(key, executed(nb, folder, gathered.facts, gathered.problems))
        resources["autograder"] = {"gathered": gathered}
        return nb, resources

    def _around(self, profile: Profile) -> dict[str, str]:
        """What an execution depends on beside the submission."""
        folders = {name: model_folder(name, profile) for name in profile.models_in_use()}
        snapshots = {name: found for name, folder in folders.items() if (found := newest_snapshot(folder)) is not None}
        return {
            "profile": self._profile_text,
            "models": snapshots_digest(snapshots),
            "kit": kit_digest(),
            "run": f"{self.host} {self.warm} {self.isolation} {self.echo} {os.environ.get('AUTOGRADER_SEED', '')}",
        }

    def create_kernel_manager(self) -> Any:
        """nbclient's, but for a submission of ours a manager of warm kernels."""
        if not (self.warm and self._home):
            return super().create_kernel_manager()
        self.kernel_manager_class = WarmKernelManager
        manager = super().create_kernel_manager()
        kernels = kernels_for(course_root(self), self._home)
        assert self._profile is not None
        limits = jail_limits(self._profile.limits)
        refuse_without_jail(kernels, self.isolation, limits)
        manager.plan = kernels.plan(self.isolation, limits, self._visit.socket if self._visit is not None else None)
        return manager

    def _executed(self, nb: NotebookNode, resources: Resources, km: Any, profile: Profile) -> Gathered:
        self._begun = False
        self._running, self._seen, self._questions = "", dict[str, int](), dict[str, str]()
        self._visit: Visit | None = None
        self._written, self._ends = 0, time.monotonic() + profile.limits.notebook_seconds
        stopped = None
        try:
            if self.host:
                names = resources["nbgrader"]
                label = f"{names['student']}, {names['notebook']}"
                assert self._home is not None
                host = host_for(course_root(self), self._home)
                self._visit = host.open(label, os.environ.get("AUTOGRADER_SEED", ""), self.echo, self.verify)
            try:
                super().preprocess(nb, resources, km)
            except (DeadKernelError, CellTimeoutError) as error:
                self.log.warning("The kernel stopped in cell %r: %s", self._running, type(error).__name__)
                stopped = self._running
            facts, problems = self._facts(list(check_cells(nb, profile)), profile)
        except HostLost as error:
            self.log.error("%s", error)
            facts, problems = Facts(evidence={}, transcript=Transcript(faults=(str(error)[:500],)), in_grading=True), {}
        finally:
            if self._visit is not None:
                self._visit.close()
        return Gathered(facts, problems, stopped)

    def _facts(self, cells: list[tuple[NotebookNode, Task]], profile: Profile) -> tuple[Facts, dict[str, str]]:
        """What the kernel said, and, where there is a host, its own transcript in place of the kernel's."""
        facts, problems = read_facts(cells)
        if self._visit is None:
            return facts, problems
        evidence = {}
        for check_id, found in facts.evidence.items():
            if any(c.question != self._questions.get(check_id) for c in found.challenges):
                problems[check_id] = "the evidence is about another question than the check's"
            else:
                evidence[check_id] = found.model_copy(update={"seen": self._seen[check_id]})
        transcript = self._visit.transcript()
        models = dict.fromkeys(request.model for request in transcript.requests)
        renderings = self._visit.render(models, conversations(evidence.values(), profile))
        transcript = transcript.model_copy(update={"renderings": renderings})
        return Facts(evidence=evidence, transcript=transcript, in_grading=True), problems

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, index: int) -> tuple[NotebookNode, Resources]:
        checks: dict[int, Task] = getattr(self, "_checks", {})
        if checks and not self._begun:
            self._begin()
        self._running = cell.metadata.get("nbgrader", {}).get("grade_id") or f"{index + 1}"
        if self._profile is not None:
            left = self._ends - time.monotonic()
            self.timeout = max(1, min(self._profile.limits.cell_seconds, int(left)))
        visit: Visit | None = getattr(self, "_visit", None)
        if visit is not None and cell.cell_type == "code":
            visit.cell(self._running)
        task = checks.get(id(cell))
        if task is None:
            return super().preprocess_cell(cell, resources, index)  # type: ignore[no-any-return]
        question = self._questions[task.check_id] = new_question()
        if visit is not None:
            self._seen[task.check_id] = visit.challenge(task.check_id)
        original = cell.source
        cell.source = PUBLISH.format(check_id=task.check_id, question=question)
        try:
            super().preprocess_cell(cell, resources, index)
        finally:
            cell.source = original
        if visit is not None:
            visit.challenge(None)
        return cell, resources

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """nbclient's, but for output beyond what a notebook may write: it is left out, and a sentence says so."""
        profile: Profile | None = getattr(self, "_profile", None)
        if profile is None or msg["msg_type"] not in OUTPUTS or id(cell) in self._checks:
            return super().process_message(msg, cell, cell_index)
        before, limit = self._written, profile.limits.output_mb * 10**6
        self._written += len(json.dumps(msg["content"]))
        if self._written <= limit:
            return super().process_message(msg, cell, cell_index)
        if before <= limit:
            text = LAYOUT["output-cut"].say(profile.course.language).format(mb=profile.limits.output_mb)
            cell.outputs.append(new_output("display_data", data={"text/plain": text}))
        return None

    def _begin(self) -> None:
        """Starts the recorder and the virtual GPU before the first line of the student's code."""
        host = (self._visit.socket, self._visit.models) if self._visit is not None else None
        code = BEGIN.format(profile=self._profile_text, host=host)
        message = self.kc.execute(code, silent=True, store_history=False)
        content = self.wait_for_reply(message)["content"]
        if content["status"] != "ok":
            raise NotReady(f"The kernel could not be prepared for grading: {content.get('evalue', content)}")
        self._begun = True


@cache
def _this_run() -> set[str]:
    """Keys of what this process has executed."""
    return set()


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


def came_to_its_end(nb: NotebookNode, gathered: Gathered) -> bool:
    """Whether executing the same code again would give the same."""
    outputs = [output for cell in nb.cells for output in cell.get("outputs", [])]
    too_slow = any(output.output_type == "error" and output.ename == "CellTimeoutError" for output in outputs)
    return gathered.stopped is None and not gathered.problems and not gathered.facts.transcript.faults and not too_slow


def read_facts(cells: list[tuple[NotebookNode, Task]]) -> tuple[Facts, dict[str, str]]:
    """Evidence and transcript out of the executed check cells, and what could not be read, by check id.

    What a kernel sent is untrusted: it is validated and bounded, and anything else is as good as nothing.
    """
    evidence: dict[str, Evidence] = {}
    transcript, problems = Transcript(), {}
    for cell, task in cells:
        for output in cell.outputs:
            if output.output_type == "error":  # the check itself stopped: too slow, or something in its way
                problems[task.check_id] = f"{output.ename}: {output.evalue}"[:200]
            data = output.get("data", {}) if output.output_type == "display_data" else {}
            if EVIDENCE_TYPE not in data:
                continue
            try:
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
