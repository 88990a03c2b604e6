"""`check("check-chain")` in a student's own session, and the same probe while grading.

One `Session` for each kernel: it holds the recorder, and what earlier checks saw. `check` shows ticks, or raises
`CheckFailed`, which a notebook renders as the hint and nothing else; `notebook.check` makes a panel of it where one can be
shown. While grading, the executing side calls `publish` instead, which shows nothing and judges nothing: it hands evidence
over as JSON.

Importing this loads none of torch, transformers and huggingface_hub.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.course.profile import FROZEN_NAME, Language, Profile
from autograder.errors import ProfileError
from autograder.facts.evidence import Evidence, Facts
from autograder.facts.verdict import Verdict
from autograder.judging import answers
from autograder.judging.contract import load, parse, task_of, tasks
from autograder.judging.judge import judge
from autograder.judging.task import Task
from autograder.kernel import virtual_gpu
from autograder.kernel.ahead import stock
from autograder.kernel.probe import Probe, failure_of
from autograder.kernel.recorder import Recorder
from autograder.kernel.remote_generation import EchoGeneration, HostGeneration
from autograder.kernel.upstream_transformers import redirect_model_home, take_tokenizers
from autograder.protocol.chat_template import freeze_today
from autograder.system.import_hooks import when_imported
from autograder.words import render
from autograder.words.checks import NOTES
from autograder.words.pages import LAYOUT
from autograder.words.tables import LANGUAGES, say

EVIDENCE_TYPE = "application/vnd.llm-autograder.evidence+json"
HUB_VARIABLES = ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE")


class CheckFailed(Exception):
    """A check that found something missing. A notebook shows its message alone, without a traceback.

    Attributes:
        report: the verdict, where there is one.
        shown: what to show in place of the message, where a panel already shows the verdict.
    """

    def __init__(self, message: str, report: Report | None = None) -> None:
        super().__init__(message)
        self.report = report
        self.shown: str | None = None

    def _render_traceback_(self) -> list[str]:
        return (self.shown or str(self)).split("\n")


class Session:
    """What one kernel knows.

    Args:
        namespace: the student's variables by name.
        folder: where the notebook lies, with the frozen profile beside it.
        recorder: one that has begun already; a new one when None.
    """

    def __init__(self, namespace: MutableMapping[str, Any], folder: Path, recorder: Recorder | None = None) -> None:
        self.namespace, self.folder = namespace, folder
        self.recorder = recorder or Recorder()
        self.grading = False
        self.evidence: dict[str, Evidence] = {}
        self.verdicts: dict[str, Verdict] = {}
        self._profile: Profile | None = None
        self._probe: Probe | None = None

    @property
    def profile(self) -> Profile:
        """The frozen profile. Raises ProfileError where there is none."""
        if self._profile is None:
            self._profile = find_profile(self.folder)
        return self._profile

    @property
    def probe(self) -> Probe:
        if self._probe is None:
            self._probe = Probe(self.profile, self.recorder, self.namespace)
        return self._probe

    def begin(self) -> None:
        """Starts the recorder, and looks for models where this machine keeps them (`AUTOGRADER_MODEL_HOME`).

        Under nbgrader's validation no model is loaded: the student's own notebook may fill the GPU already.
        """
        if home := os.environ.get("AUTOGRADER_MODEL_HOME"):
            redirect_model_home(home)
        if os.environ.get("NBGRADER_EXECUTION") == "validate":
            virtual_gpu.switch_on(hide_real=True)
            self.recorder.without_weights(EchoGeneration(self.recorder.encode))
        elif os.environ.get("AUTOGRADER_VIRTUAL_GPU", "") not in ("", "0"):
            virtual_gpu.switch_on()
        self.recorder.start()

    def begin_grading(self, profile: Profile, host: tuple[str, dict[str, str]]) -> None:
        """As `begin`, on a grading machine: one virtual GPU, and the grader's models whatever HF_HOME says.

        Args:
            host: the model host's socket for this notebook, and the snapshot folders of its models by name.
        """
        self._profile, self.grading = profile, True
        for name in HUB_VARIABLES:  # what the grader's shell has set is not the student's doing
            os.environ.pop(name, None)
        limit_memory(profile.limits.memory_gb)
        redirect_model_home(os.environ.get("AUTOGRADER_MODEL_HOME") or profile.models.home)
        freeze_today()
        take_tokenizers(stock().take, stock().added_tokens)
        virtual_gpu.switch_on(hide_real=True)
        socket, models = host
        self.recorder.without_weights(HostGeneration(socket), models)
        if seed := os.environ.get("AUTOGRADER_SEED"):  # `python -m trials selftest` grades with several
            when_imported("torch", lambda torch: torch.manual_seed(int(seed)))
        self.recorder.start()

    def verdict(self, task: Task) -> Verdict:
        """Probes and judges one task; where the objects are gone since the last time, answers the last verdict."""
        evidence = self.probe.gather(task)
        last = self.verdicts.get(task.check_id)
        if last is not None and last.first_failed is None and _freed(evidence, task):
            return _from_before(last)
        self._remember(task, evidence)
        gathered = {**self.evidence, task.check_id: evidence}
        facts = Facts(evidence=gathered, transcript=self.recorder.transcript(), in_grading=False)
        self.verdicts[task.check_id] = judge(task, facts, self.profile)
        return self.verdicts[task.check_id]

    def _remember(self, task: Task, evidence: Evidence) -> None:
        """Keeps the evidence; only until a later task that builds on this one has made its variable again."""
        for later in tasks(self.profile):
            again = task.kind in later.defined.builds_on and {*task.variables} & {*later.variables}
            if again and later.check_id in self.evidence and later.check_id != task.check_id:
                return
        self.evidence[task.check_id] = evidence

    def said(self, task: Task) -> str | None:
        """What the student's model answered to a task that has been judged, if it is known. An echo says nothing."""
        if self.recorder.thin is not None or task.check_id not in self.evidence:
            return None
        return answers.said(task, self.evidence[task.check_id], self.recorder.transcript())

    def publish(self, check_id: str, question: str | None = None) -> dict[str, str]:
        """Evidence of one task, as a bundle of MIME types. The transcript is the model host's.

        Args:
            question: the check's own, where the executing side has drawn it.
        """
        task = task_of(check_id, self.profile)
        if task is None:
            raise ProfileError(f"{check_id}: no such check in the frozen profile")
        try:
            told = self.probe.gather(task, question).model_dump_json()
        except Exception as error:  # told to the grader, who sends the task to a person
            failure = failure_of(error)
            told = Evidence(check_id=check_id, problem=f"{failure.name}: {failure.message}"[:500]).model_dump_json()
        return {EVIDENCE_TYPE: told}


@dataclass(frozen=True, repr=False)
class Report:
    """A verdict as a notebook shows it.

    Attributes:
        said: what the student's model answered, if it is known.
    """

    verdict: Verdict
    language: Language
    said: str | None

    def __repr__(self) -> str:
        return render.as_text(self.verdict, self.language, said=self.said)

    def _repr_html_(self) -> str:
        return render.as_html(self.verdict, self.language, said=self.said)


def run_check(session: Session, check_id: str) -> Report | None:
    """The check of one task, as a student calls it.

    Raises:
        CheckFailed: a criterion failed, there is no such check, or the frozen profile is not there.
    """
    try:
        profile = session.profile
    except ProfileError as error:
        raise CheckFailed(_in_both("no-profile") + f"\n({error})") from None
    language = profile.course.language
    task = task_of(check_id, profile)
    if task is None or task.judged_by == "person":
        valid = ", ".join(t.check_id for t in tasks(profile) if t.judged_by == "autograder")
        raise CheckFailed(textwrap.fill(say(LAYOUT["unknown-check"].fill(name=check_id, valid=valid), language), 96))
    try:
        verdict = session.verdict(task)
        report = Report(verdict, language, session.said(task))
    except Exception as error:  # our own mistake must not look like the student's
        failure = failure_of(error)
        print(say(LAYOUT["our-fault"].fill(error=f"{failure.name}: {failure.message}"), language))
        return None
    if verdict.first_failed is not None:
        raise CheckFailed(repr(report), report)
    return report


def limit_memory(gigabytes: float) -> None:
    """Bounds the memory that this process can take; what asks for more gets a MemoryError.

    Only where there is no NVIDIA driver: how much memory its libraries map beside the model's has not been tried.
    """
    if sys.platform != "linux" or Path("/dev/nvidiactl").exists():
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = int(gigabytes * 10**9)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))


def find_profile(folder: Path) -> Profile:
    """The frozen profile: the file beside the notebook, or else in the metadata of a notebook there.

    Raises ProfileError where there is neither.
    """
    if (folder / FROZEN_NAME).exists():
        return load(folder / FROZEN_NAME)
    for path in sorted(folder.glob("*.ipynb")):
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))["metadata"]["autograder"]["profile"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return parse(raw, str(path))
    raise ProfileError(f"{folder / FROZEN_NAME}: there is no such file, and no notebook beside it carries a profile")


def _freed(evidence: Evidence, task: Task) -> bool:
    """Whether what the task made has been let go of since: a variable of its own is empty or gone."""
    return any(evidence.variable(name).state != "there" for name in task.variables)


def _from_before(verdict: Verdict) -> Verdict:
    return verdict.model_copy(update={"observations": (NOTES["before"], *verdict.observations)})


def _in_both(key: str) -> str:
    return "\n".join(say(LAYOUT[key], language) for language in LANGUAGES)
