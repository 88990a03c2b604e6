"""What a worker answers, whatever goes wrong with a notebook: no process is started."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, ClassVar

import pytest
from nbformat.v4 import new_notebook

from autograder.cluster import worker
from autograder.cluster.parcel import Answer, Sender, versions
from autograder.course.profile import Profile
from autograder.errors import HostLost, NotReady
from autograder.facts.evidence import Facts
from autograder.facts.transcript import Transcript
from autograder.grading.executions import Execution
from autograder.grading.notebook_runs import RunSettings
from autograder.grading.view import View

WELL = Execution(outputs=(), counts=(), facts=Facts(evidence={}, transcript=Transcript(), in_grading=True))


class Runs:
    """In place of this machine's runs."""

    outcome: Execution | Exception = WELL
    seen: tuple[Any, ...] = ()

    def __init__(self, *settings: Any) -> None:
        Runs.seen = settings

    def run(self, nb: object, view: View, label: str) -> Execution:
        Runs.seen = (*Runs.seen, view.files, label)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Worker:
    """Dask's, as far as a task knows it."""

    address = "tls://w"
    told: ClassVar[list[tuple[str, str]]] = []

    def __init__(self) -> None:
        self.told.clear()

    def get_current_task(self) -> str:
        return "notebook-1"

    def log_event(self, topic: str, message: str) -> None:
        self.told.append((topic, message))


@pytest.fixture
def here(tmp_path: Path, tiny_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user's runtime folder is."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    worker.own_folder.cache_clear()
    monkeypatch.setenv("AUTOGRADER_MODEL_HOME", str(tiny_home))
    monkeypatch.setenv("NBGRADER_EXECUTION", "")
    monkeypatch.setattr(worker, "get_worker", Worker)
    monkeypatch.setattr(worker, "LocalRuns", Runs)
    monkeypatch.setattr(Runs, "outcome", WELL)
    return tmp_path


@pytest.fixture
def packed(here: Path, llama: Profile) -> bytes:
    sender = Sender("chatbot", llama.freeze(), RunSettings("landlock", echo=True), None)
    return sender.parcel(new_notebook(), View("temperature", {}))[0]


def answer(packed: bytes) -> Answer:
    return Answer.unpacked(worker.run_notebook(packed, {"a.txt": b"a"}))


def test_a_notebook_is_run_in_the_workers_own_folder_as_the_grader_would(packed: bytes, here: Path) -> None:
    assert answer(packed) == Answer(worker="tls://w", execution=WELL)
    folder, assignment, profile, settings, _, files, label = Runs.seen
    assert (folder, assignment, settings) == (worker.own_folder(), "chatbot", RunSettings("landlock", echo=True))
    assert (profile.hub, profile.cluster, files, label) == (None, None, {"a.txt": b"a"}, "temperature")
    assert folder.parent == here / f"llm-autograder-{os.getuid()}"
    assert folder.stat().st_mode & 0o077 == 0


def test_a_jobs_worker_is_in_the_jobs_folder(packed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(worker.JOB_FOLDER, str(tmp_path))
    assert answer(packed).execution == WELL
    assert worker.own_folder().parent == tmp_path


def test_a_folder_that_somebody_else_can_have_made_is_not_used(packed: bytes, here: Path) -> None:
    made = here / f"llm-autograder-{os.getuid()}"
    made.mkdir()
    made.chmod(0o777)
    assert "must be a folder of your own that nobody else can list or write" in answer(packed).failed


def test_a_jail_that_cannot_be_had_is_refused_in_this_machines_words(
    packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = 'isolation = "full" cannot be had on this machine: no user namespaces. Nothing was run.'
    monkeypatch.setattr(Runs, "outcome", NotReady(words))
    assert answer(packed) == Answer(worker="tls://w", refused=words)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), HostLost("the host has ended"), MemoryError()]
)
def test_what_goes_wrong_with_one_notebook_is_told(
    error: Exception, packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runs, "outcome", error)
    assert answer(packed) == Answer(worker="tls://w", failed=f"{type(error).__name__}: {error}")


def test_what_nobody_expected_is_told_without_its_words(packed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Runs, "outcome", LookupError("what a student wrote"))
    assert answer(packed) == Answer(worker="tls://w", failed="LookupError")


@pytest.mark.parametrize("name", versions())
def test_a_worker_with_another_version_of_what_answers_depend_on_refuses(name: str, packed: bytes) -> None:
    told = json.loads(packed)
    told["versions"][name] = "0.1"
    assert (
        f"this worker has {name} {versions()[name]}, and the grader has 0.1"
        in answer(json.dumps(told).encode()).refused
    )


def test_a_worker_with_another_version_refuses_before_it_reads_further(packed: bytes) -> None:
    told = {"kit": "0" * 64, "something": "that only another version knows"}
    assert "another version of llm-autograder" in answer(json.dumps(told).encode()).refused


def test_a_worker_with_other_models_refuses(packed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(packed)
    name = next(iter(told["models"]))
    told["models"][name]["config.json"] += 1
    assert f"{name} in" in answer(json.dumps(told).encode()).refused


def test_a_worker_without_a_model_refuses(packed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRADER_MODEL_HOME", str(tmp_path / "empty"))
    assert "is not in" in answer(packed).refused
