"""One run of one notebook: a kernel in its jail, the model host beside it, and evidence in place of each check's own text.

`NotebookRun` is made with all that it needs. It tells the host which cell is running and which check is asking, draws the
checks' questions, and at the end has evidence from the kernel and the transcript from the host: an `Execution`. What a
student's code causes is in there, as an incident; where our own side fails, it raises.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbclient.client import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from zmq import ZMQError

from autograder.course.profile import Profile
from autograder.errors import AutograderError, HostLost, NotJudged
from autograder.facts.evidence import Facts
from autograder.facts.transcript import Transcript
from autograder.facts.verdict import Incident, IncidentKind
from autograder.grading.executions import Execution, executed
from autograder.grading.kernel_facts import Findings, conversations, read_evidence, timed_out, why_it_ended
from autograder.host.control import NotebookSession
from autograder.jail.kernels import Plan
from autograder.jail.messages import OUTPUTS
from autograder.jail.provisioner import WarmKernelManager
from autograder.judging.task import Task
from autograder.kernel.probe import new_question
from autograder.kernel.selfcheck import EVIDENCE_TYPE
from autograder.protocol.wire import BUDGET_SPENT, TOO_LONG
from autograder.submissions.cells import check_cells, code_cells, name_of
from autograder.words.grading import INCIDENTS
from autograder.words.pages import LAYOUT
from autograder.words.tables import say

BEGIN = "__import__('autograder.kernel.notebook', fromlist=['x']).begin_grading({profile!r}, {host!r})"
PUBLISH = "__import__('autograder.kernel.notebook', fromlist=['x']).publish({check_id!r}, {question!r})"
MAX_TOLD = 4 * 10**6
"""Characters that a notebook's checks may hand over in all."""
PER_OUTPUT = 200
"""Characters that an output counts for beside its text, so that a million empty ones are a lot of output too."""
OURS = (AutograderError, OSError, MemoryError, ZMQError)
"""What fails on the grader's side, also while a student's code runs."""
SILENT_SECONDS = 10
"""How long a cell that has ended may keep its last output back: a busy machine takes a while, nbclient's four seconds are few."""
AS_NBGRADER = {
    "interrupt_on_timeout": True,
    "allow_errors": True,
    "raise_on_iopub_timeout": True,
    "error_on_timeout": {
        "ename": "CellTimeoutError",
        "evalue": "",
        "traceback": ["\x1b[0;31mCellTimeoutError\x1b[0m: No reply from kernel before timeout"],
    },
}
"""nbclient's settings as nbgrader's own step has them: the other cells are run whatever happens in one."""


@dataclass(frozen=True)
class Asked:
    """A check that has been put to the kernel: its question, and how many requests the host had seen before it."""

    question: str
    seen: int


class NotebookRun(NotebookClient):  # type: ignore[misc]
    """Runs a notebook for grading: the recorder first, then cell by cell.

    Args:
        nb: the sanitized notebook; its outputs are written into it.
        session: the notebook at the host.
        plan: how its kernel is made.
        log: where incidents are told.
    """

    def __init__(self, nb: NotebookNode, profile: Profile, session: NotebookSession, plan: Plan, log: Any) -> None:
        self._manager = WarmKernelManager()
        self._manager.plan = plan
        super().__init__(
            nb, km=self._manager, log=log, timeout=profile.limits.cell_seconds, on_cell_executed=add_missing_error,
            skip_cells_with_tag="", iopub_timeout=SILENT_SECONDS,
            shutdown_kernel="immediate",  # all it had to say has arrived; taking leave costs it a second of work
            **AS_NBGRADER,
        )  # fmt: skip
        self._profile, self._session = profile, session
        self._cells = check_cells(nb, profile)
        self._checks = {id(cell): task for cell, task in self._cells}
        self._asked: dict[str, Asked] = {}
        self._incidents: list[Incident] = []
        self._running, self._rehearses = "", False
        self._refused = self._left_out = self._written = self._told = 0
        self._cell_began = time.monotonic()
        self._ends = self._cell_began + profile.limits.notebook_seconds

    def execution(self, folder: Path) -> Execution:
        """What running the notebook in a folder gives; once the host is lost, the transcript says so and holds nothing."""
        try:
            self._run(folder)
            facts, problems = self._facts()
        except HostLost as error:
            self.log.error("%s", error)
            facts, problems = lost(error), {}
        return executed(self.nb, facts, problems, self._incidents)

    def rehearse(self, folder: Path, seconds: float) -> None:
        """Runs the notebook without its checks, as far as that goes in so many seconds: what it gives is thrown away.

        A notebook asks its next question when it has the answer to the last, so that few requests wait at a time. Where its
        session is a rehearsal, each is answered at once with a canned text, and made for whoever makes it later.
        """
        self.nb.cells = [cell for cell in code_cells(self.nb) if id(cell) not in self._checks]
        self._rehearses, self._ends = True, min(self._ends, time.monotonic() + seconds)
        self.iopub_timeout = 1  # nobody reads its outputs
        self._run(folder)

    # --- The kernel ---

    def _run(self, folder: Path) -> None:
        theirs = False
        try:
            with self.setup_kernel(cwd=str(folder), cleanup_kc=True):
                self._begin()
                theirs = True
                for index, cell in enumerate(self.nb.cells):
                    self._run_cell(cell, index)
        except Exception as error:
            ended = isinstance(error, DeadKernelError | CellTimeoutError)
            if not theirs or (isinstance(error, OURS) and not ended):
                raise
            early = time.monotonic() - self._cell_began < (self.timeout or 0)
            self._note_refused()
            self._note(why_it_ended(error, self._manager, early))
            if not ended:
                self.log.error("What the kernel did cannot be followed", exc_info=error)

    def _begin(self) -> None:
        """Starts the recorder and the virtual GPU before the first line of the student's code."""
        host = (self._session.socket, self._session.models)
        assert self.kc is not None
        code = BEGIN.format(profile=self._profile.to_json(), host=host)
        reply = self.wait_for_reply(self.kc.execute(code, silent=True, store_history=False))
        content = reply["content"] if reply is not None else {}
        if content.get("status") != "ok":
            raise NotJudged(f"The kernel could not be prepared for grading: {content.get('evalue', content)}")

    def _run_cell(self, cell: NotebookNode, index: int) -> None:
        if self._rehearses and time.monotonic() > self._ends:
            return
        self._running = name_of(cell, index)
        self._cell_began = time.monotonic()
        self.timeout = max(1, min(self._profile.limits.cell_seconds, int(self._ends - self._cell_began)))
        if cell.cell_type == "code":
            self._session.cell(self._running)
        task = self._checks.get(id(cell))
        if task is not None:
            self._run_check(cell, index, task)
            return
        self.execute_cell(cell, index)
        self._note_refused()
        if any(timed_out(output) for output in cell.get("outputs", [])):
            self._note("time")

    def _run_check(self, cell: NotebookNode, index: int, task: Task) -> None:
        """Has the kernel hand over evidence in place of running the check's own text."""
        asked = self._asked[task.check_id] = Asked(new_question(), self._session.challenge(task.check_id))
        original = cell.source
        cell.source = PUBLISH.format(check_id=task.check_id, question=asked.question)
        try:
            self.execute_cell(cell, index)
        finally:
            cell.source = original
        self._note_refused()
        self._session.challenge(None)

    # --- What it puts out ---

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """nbclient's, but for output that is not kept."""
        if msg["msg_type"] in OUTPUTS:
            keeps = self._keeps_of_check if id(cell) in self._checks else self._keeps
            if not keeps(msg["content"], cell, msg["msg_type"]):
                return None
        return super().process_message(msg, cell, cell_index)

    def _keeps_of_check(self, content: dict[str, Any], _: NotebookNode, kind: str) -> bool:
        """In a check's cell only evidence counts, and what stopped the check: whatever else is put out is left out."""
        if kind != "error" and EVIDENCE_TYPE not in content.get("data", {}):
            return False
        self._told += len(json.dumps(content))
        if self._told > MAX_TOLD:
            self._note("output")
        return self._told <= MAX_TOLD

    def _keeps(self, content: dict[str, Any], cell: NotebookNode, _: str) -> bool:
        """Output beyond what a notebook may write is left out, and a sentence says so."""
        before, limit = self._written, self._profile.limits.output_mb * 10**6
        self._written += len(json.dumps(content)) + PER_OUTPUT
        if before <= limit < self._written:
            self._note("output")
            text = say(LAYOUT["output-cut"].fill(mb=self._profile.limits.output_mb), self._profile.course.language)
            cell.outputs.append(new_output("display_data", data={"text/plain": text}))
        return self._written <= limit

    # --- What came of it ---

    def _note(self, kind: IncidentKind, cell: str | None = None) -> None:
        incident = Incident(kind=kind, cell=cell or self._running)
        if incident not in self._incidents:
            self.log.warning("%s", say(INCIDENTS[kind].fill(cell=incident.cell), "en"))
            self._incidents.append(incident)

    def _note_refused(self) -> None:
        """Notes that since the last time the kernel has sent what is no message, or one that is too large."""
        if self._manager.refused > self._refused:
            self._note("messages")
        if self._manager.left_out > self._left_out:
            self._note("output")
        self._refused, self._left_out = self._manager.refused, self._manager.left_out

    def _facts(self) -> tuple[Facts, dict[str, str]]:
        """The kernel's evidence and the host's transcript, and by check id what is wrong with evidence."""
        found = read_evidence(self._cells)
        self._note_problems(found)
        evidence, problems = {}, dict(found.problems)
        for check_id, each in found.evidence.items():
            asked = self._asked.get(check_id)
            if any(asked is None or challenge.question != asked.question for challenge in each.challenges):
                problems[check_id] = "the evidence is about another question than the check's"
            elif asked is not None:
                evidence[check_id] = each.model_copy(update={"seen": asked.seen})
        transcript = self._session.transcript()
        for request in transcript.requests:
            if request.error == TOO_LONG:
                self._note("prompt", request.cell)
            elif request.error == BUDGET_SPENT:
                self._note("budget", request.cell)
        models = dict.fromkeys(request.model for request in transcript.requests)
        renderings = self._session.render(models, conversations(evidence.values(), self._profile))
        transcript = transcript.model_copy(update={"renderings": renderings})
        return Facts(evidence=evidence, transcript=transcript, in_grading=True), problems

    def _note_problems(self, found: Findings) -> None:
        for cell, task in self._cells:
            if task.check_id in found.problems:
                slow = any(timed_out(output) for output in cell.outputs)
                self._incidents.append(Incident(kind="time" if slow else "tampering", cell=task.check_id))


def lost(error: HostLost) -> Facts:
    """What is known of a notebook whose host is lost: nothing, so that its verdicts are not judged."""
    return Facts(evidence={}, transcript=Transcript(faults=(str(error)[:500],)), in_grading=True)


def add_missing_error(cell: NotebookNode, execute_reply: dict[str, Any], **_: Any) -> None:
    """Puts an error that a kernel's reply alone tells of (a cell that was too slow) into the outputs, as nbgrader does."""
    error = execute_reply["content"]
    known = [output.ename for output in cell.outputs if output.output_type == "error"]
    if error["status"] == "error" and error["ename"] not in known:
        traceback = error["traceback"] or ["ERROR: An error occurred while showtraceback was disabled"]
        cell.outputs.append(new_output("error", ename=error["ename"], evalue=error["evalue"], traceback=traceback))
