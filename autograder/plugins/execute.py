"""Running a submission for grading: a kernel, the model host, and evidence in place of each check cell.

`GradeExecute` takes the place of nbgrader's `Execute`. It tells the host which cell is running and which check is asking,
draws the checks' questions, and at the end has evidence from the kernel and the transcript from the host: an `Execution`,
from which `Judge` judges. A notebook whose code has been executed before is not executed again (`executions.py`).
"""

from __future__ import annotations

import copy
import json
import os
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute
from traitlets import Bool, Enum
from zmq import ZMQError

from autograder.course.profile import Profile
from autograder.errors import AutograderError, HostLost, NotJudged
from autograder.facts.evidence import Facts
from autograder.facts.transcript import Transcript
from autograder.facts.verdict import Incident, IncidentKind
from autograder.grading.execution_pool import Run
from autograder.grading.executions import Execution, Executions, executed, key_of, kit_digest, snapshots_digest
from autograder.grading.helpers import helpers_for, jail_limits, refuse_without_jail
from autograder.grading.kernel_facts import conversations, read_facts, timed_out, why_it_ended
from autograder.grading.view import View
from autograder.host.control import Visit
from autograder.jail.messages import OUTPUTS, CheckedKernelManager
from autograder.jail.provisioner import Kernels, WarmKernelManager
from autograder.judging.contract import Task
from autograder.kernel.probe import new_question
from autograder.kernel.selfcheck import EVIDENCE_TYPE
from autograder.plugins.course import (
    Resources,
    check_cells,
    frozen_path,
    frozen_profile,
    marks_of,
    model_folder,
    model_home,
    refuse_without_models,
)
from autograder.plugins.release import course_root
from autograder.protocol.model_cache import newest_snapshot
from autograder.protocol.wire import TOO_LONG, Open
from autograder.system.daemons import runtime_folder
from autograder.words.sentences import INCIDENTS, LAYOUT
from autograder.words.tables import say

BEGIN = "__import__('autograder.kernel.notebook', fromlist=['x']).begin_grading({profile!r}, {host!r})"
MAX_TOLD = 4 * 10**6
"""Characters of evidence and transcript that a notebook's kernel may hand over."""
PER_OUTPUT = 200
"""Characters that an output counts for beside its text, so that a million empty ones are a lot of output too."""
OURS = (AutograderError, OSError, MemoryError, ZMQError)
"""What fails on the grader's side, also while a student's code runs."""
PUBLISH = "__import__('autograder.kernel.notebook', fromlist=['x']).publish({check_id!r}, {question!r})"


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

    _profile: Profile | None = None
    _home: Path | None = None
    _kernels: Kernels | None = None
    _visit: Visit | None = None
    _manager: CheckedKernelManager | None = None

    def preprocess(self, nb: NotebookNode, resources: Resources, km: Any = None) -> tuple[NotebookNode, Resources]:
        if frozen_profile(self, resources) is None:
            self._profile, self._home = None, None
            return super().preprocess(nb, resources, km)  # type: ignore[no-any-return]
        wait: Run | None = resources.get("autograder", {}).get("execution")
        execution = wait() if wait is not None else self.begin(nb, resources)[1]()
        if execution.again:
            self.log.info("This code has been executed before: its outputs are used again")
        execution.write_into(nb)
        resources["autograder"] = {"execution": execution}
        return nb, resources

    def begin(self, nb: NotebookNode, resources: Resources) -> tuple[str, Run]:
        """What executes a sanitized notebook, in any thread, and its key; see `Ahead`.

        Raises NotReady where a model is missing.
        """
        profile = frozen_profile(self, resources)
        assert profile is not None
        refuse_without_models(profile)
        self._home, self._profile = model_home(profile), profile
        coursedir = self.parent.parent.coursedir
        self._profile_text = frozen_path(coursedir, resources["nbgrader"]["assignment"]).read_text(encoding="utf-8")
        self._course = course_root(self).resolve()
        folder = (self._course / resources["metadata"]["path"]).absolute()
        view = View.of(nb, resources["nbgrader"]["notebook"], folder)
        key = key_of(view, self._around(profile))
        return key, lambda: self._known_or_executed(nb, resources, view, key)

    def _known_or_executed(self, nb: NotebookNode, resources: Resources, view: View, key: str) -> Execution:
        executions = Executions(self._course / ".autograder" / "executions")
        again = not self.reuse or self.verify
        known = executions.get(key) if not (again and key not in _this_run()) else None
        if known is not None:
            return known
        execution = self._executed(nb, resources, view)
        if execution.whole:
            _this_run().add(key)
            executions.put(key, execution)
        return execution

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
        """nbclient's, but for a submission of ours a manager that checks what a kernel says, and of warm kernels."""
        if self._profile is None:
            return super().create_kernel_manager()
        self.kernel_manager_class = CheckedKernelManager if self._kernels is None else WarmKernelManager
        self._manager = manager = super().create_kernel_manager()
        if self._kernels is None:
            return manager
        limits = jail_limits(self._profile.limits)
        refuse_without_jail(self._kernels, self.isolation, limits)
        manager.plan = self._kernels.plan(self.isolation, limits, self._visit.socket if self._visit else None)
        return manager

    def _executed(self, nb: NotebookNode, resources: Resources, view: View) -> Execution:
        profile, names = self._profile, resources["nbgrader"]
        assert profile is not None
        assert self._home is not None
        self.log.info("Executing %s, %s", names["student"], names["notebook"])
        nb = copy.deepcopy(nb)
        cells = list(check_cells(nb, profile))
        self._checks = {id(cell): task for cell, task in cells}
        self.skip_cells_with_tag, self.timeout = "", profile.limits.cell_seconds
        self.shutdown_kernel = "immediate"  # all it had to say has arrived; taking leave costs it a second of work
        self._begun, self._theirs = False, False
        self._running, self._seen, self._questions = "", dict[str, int](), dict[str, str]()
        self._visit, self._manager, self._refused = None, None, 0
        self._written, self._told, self._cell_began = 0, 0, time.monotonic()
        self._ends = self._cell_began + profile.limits.notebook_seconds
        self._incidents: list[Incident] = []
        try:
            host, self._kernels = helpers_for(self._course, self._home, self.host, self.warm)
            if host is not None:
                self._visit = host.open(self._opening(f"{names['student']}, {names['notebook']}", profile))
            try:
                with tempfile.TemporaryDirectory(prefix="v", dir=runtime_folder()) as made:
                    folder = Path(made, names["assignment"])
                    view.write(folder)
                    super().preprocess(nb, {"metadata": {"path": str(folder)}, "nbgrader": names})
            except Exception as error:
                ended = isinstance(error, DeadKernelError | CellTimeoutError)
                if not self._theirs or (isinstance(error, OURS) and not ended):
                    raise
                early = time.monotonic() - self._cell_began < (self.timeout or 0)
                self._note_refused()
                self._note(why_it_ended(error, self._manager, early))
                if not ended:
                    self.log.error("What the kernel did cannot be followed", exc_info=error)
            facts, problems = self._facts(cells, profile)
        except HostLost as error:
            self.log.error("%s", error)
            facts, problems = Facts(evidence={}, transcript=Transcript(faults=(str(error)[:500],)), in_grading=True), {}
        finally:
            if self._visit is not None:
                self._visit.close()
        return executed(nb, facts, problems, self._incidents)

    def _opening(self, label: str, profile: Profile) -> Open:
        return Open(
            label=label[:500],
            run=os.environ.get("AUTOGRADER_SEED", ""),
            echo=self.echo,
            verify=self.verify,
            prompt_tokens=profile.limits.prompt_tokens,
            language=profile.course.language,
        )

    def _note(self, kind: IncidentKind, cell: str | None = None) -> None:
        incident = Incident(kind=kind, cell=cell or self._running)
        if incident not in self._incidents:
            self.log.warning("%s", say(INCIDENTS[kind].fill(cell=incident.cell), "en"))
            self._incidents.append(incident)

    def _note_refused(self) -> None:
        """Notes that since the last time the kernel has sent what is no message."""
        refused = self._manager.refused if self._manager is not None else 0
        if refused > self._refused:
            self._note("messages")
        self._refused = refused

    def _facts(self, cells: list[tuple[NotebookNode, Task]], profile: Profile) -> tuple[Facts, dict[str, str]]:
        """What the kernel said, and, where there is a host, its own transcript in place of the kernel's."""
        facts, problems = read_facts(cells)
        for cell, task in cells:
            if task.check_id in problems:
                slow = any(timed_out(output) for output in cell.outputs)
                self._incidents.append(Incident(kind="time" if slow else "tampering", cell=task.check_id))
        if self._visit is None:
            return facts, problems
        evidence = {}
        for check_id, found in facts.evidence.items():
            if any(c.question != self._questions.get(check_id) for c in found.challenges):
                problems[check_id] = "the evidence is about another question than the check's"
            else:
                evidence[check_id] = found.model_copy(update={"seen": self._seen[check_id]})
        transcript = self._visit.transcript()
        for request in transcript.requests:
            if request.error == TOO_LONG:
                self._note("prompt", request.cell)
        models = dict.fromkeys(request.model for request in transcript.requests)
        renderings = self._visit.render(models, conversations(evidence.values(), profile))
        transcript = transcript.model_copy(update={"renderings": renderings})
        return Facts(evidence=evidence, transcript=transcript, in_grading=True), problems

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, index: int) -> tuple[NotebookNode, Resources]:
        profile = self._profile
        if profile is None:
            return super().preprocess_cell(cell, resources, index)  # type: ignore[no-any-return]
        checks = self._checks
        if checks and not self._begun:
            self._begin()
        self._theirs = True
        self._running = (marks_of(cell).get("grade_id") or f"{index + 1}")[:100]
        self._cell_began = time.monotonic()
        left = self._ends - self._cell_began
        self.timeout = max(1, min(profile.limits.cell_seconds, int(left)))
        visit = self._visit
        if visit is not None and cell.cell_type == "code":
            visit.cell(self._running)
        task = checks.get(id(cell))
        if task is None:
            super().preprocess_cell(cell, resources, index)
            self._note_refused()
            if any(timed_out(output) for output in cell.get("outputs", [])):
                self._note("time")
            return cell, resources
        question = self._questions[task.check_id] = new_question()
        if visit is not None:
            self._seen[task.check_id] = visit.challenge(task.check_id)
        original = cell.source
        cell.source = PUBLISH.format(check_id=task.check_id, question=question)
        try:
            super().preprocess_cell(cell, resources, index)
        finally:
            cell.source = original
        self._note_refused()
        if visit is not None:
            visit.challenge(None)
        return cell, resources

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """nbclient's, but for what is no output, and for output beyond what a notebook may write; a sentence says so.

        In a check's cell only evidence counts, and what stopped the check: whatever else is put out there is left out.
        """
        profile = self._profile
        if profile is None or msg["msg_type"] not in OUTPUTS:
            return super().process_message(msg, cell, cell_index)
        if id(cell) in self._checks:
            wanted = msg["msg_type"] == "error" or EVIDENCE_TYPE in msg["content"].get("data", {})
            self._told += len(json.dumps(msg["content"])) if wanted else 0
            if wanted and self._told > MAX_TOLD:
                self._note("output")
            fits = wanted and self._told <= MAX_TOLD
            return super().process_message(msg, cell, cell_index) if fits else None
        before, limit = self._written, profile.limits.output_mb * 10**6
        self._written += len(json.dumps(msg["content"])) + PER_OUTPUT
        if self._written <= limit:
            return super().process_message(msg, cell, cell_index)
        if before <= limit:
            self._note("output")
            text = say(LAYOUT["output-cut"].fill(mb=profile.limits.output_mb), profile.course.language)
            cell.outputs.append(new_output("display_data", data={"text/plain": text}))
        return None

    def _begin(self) -> None:
        """Starts the recorder and the virtual GPU before the first line of the student's code."""
        host = (self._visit.socket, self._visit.models) if self._visit is not None else None
        code = BEGIN.format(profile=self._profile_text, host=host)
        message = self.kc.execute(code, silent=True, store_history=False)
        content = self.wait_for_reply(message)["content"]
        if content["status"] != "ok":
            raise NotJudged(f"The kernel could not be prepared for grading: {content.get('evalue', content)}")
        self._begun = True


@cache
def _this_run() -> set[str]:
    """Keys of what this process has executed."""
    return set()
