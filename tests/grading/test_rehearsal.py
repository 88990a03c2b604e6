"""A rehearsal tells the model host all that a notebook is going to ask, and leaves nothing else behind.

And a run waits for output that is late, but not for ever: what a silent kernel did is not remembered.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder.errors import NotReady
from autograder.grading.host_and_kernels import host_for
from autograder.grading.notebook_runs import LocalRuns, RunSettings
from autograder.grading.view import View
from autograder.host.control import Host
from autograder.jail.kernels import Kernels
from autograder.judging.contract import ASSIGNMENT, load

ASKS = """\
from langchain_community.llms import HuggingFacePipeline
llm = HuggingFacePipeline.from_model_id("meta-llama/Llama-3.2-1B", "text-generation", pipeline_kwargs={"max_new_tokens": 3})
said = [llm.invoke(question) for question in ("Ahoy", "Who goes there")]
"""


@pytest.fixture(scope="module")
def runs(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalRuns, Path]]:
    course = tmp_path_factory.mktemp("course")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_MODEL_HOME", str(tiny_home))
        patch.setenv("NBGRADER_EXECUTION", "autograde")
        made = LocalRuns(course, ASSIGNMENT, load(ROOT / "course.toml"), RunSettings(), logging.getLogger("tests"))
        yield made, course
        made.end()


def notebook(*cells: str) -> tuple[NotebookNode, View]:
    nb = new_notebook(cells=[new_code_cell(source) for source in cells])
    return nb, View("chatbot", {"chatbot.ipynb": b""})


def test_a_rehearsal_asks_all_at_once_and_the_notebook_finds_it_made(
    runs: tuple[LocalRuns, Path], tiny_home: Path
) -> None:
    here, course = runs
    nb, view = notebook(ASKS)
    here.rehearse(nb, view)
    host = host_for(course, tiny_home)
    assert (host.status().echoed, nb.cells[0].outputs) == (2, [])
    execution = here.run(nb, view, "anna")
    assert [request.error for request in execution.facts.transcript.requests] == [None, None]
    assert (host.status().generated, host.status().echoed) == (2, 2)


LATE = """\
import time
thread = get_ipython().kernel.iopub_thread

def late(parts, *args, send=thread._really_send, **kwargs):
    if any(b'"idle"' in bytes(part) for part in parts):
        time.sleep(5)
        thread._really_send = send
    send(parts, *args, **kwargs)

thread._really_send = late
"""
"""A cell that has ended, and whose last output is there five seconds later, as on a busy machine."""


def test_output_that_is_late_is_waited_for(runs: tuple[LocalRuns, Path]) -> None:
    execution = runs[0].run(*notebook(LATE, "print('said')"), "anna")
    assert execution.incidents == ()
    assert [output["text"] for outputs in execution.outputs for output in outputs] == ["said\n"]


def test_what_a_kernel_that_falls_silent_did_is_not_remembered(
    runs: tuple[LocalRuns, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.grading.notebook_run.SILENT_SECONDS", 1)
    execution = runs[0].run(*notebook(LATE, "print('said')"), "anna")
    assert [incident.kind for incident in execution.incidents] == ["crash"]
    assert not execution.reusable


@pytest.mark.parametrize(
    "cell",
    [
        "raise SystemExit",
        "import os; os._exit(1)",
        "while True:\n    try:\n        while True: pass\n    except KeyboardInterrupt: pass",
    ],
    ids=["leaves", "ends its process", "never ends"],
)
def test_a_rehearsal_that_goes_wrong_tells_nobody(
    cell: str, runs: tuple[LocalRuns, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("autograder.grading.notebook_runs.REHEARSAL_SECONDS", 1)
    runs[0].rehearse(*notebook(cell))
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_a_rehearsal_that_cannot_be_had_is_left_out(
    runs: tuple[LocalRuns, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise NotReady("no jail")

    monkeypatch.setattr("autograder.grading.notebook_runs.refuse_without_jail", refuse)
    runs[0].rehearse(*notebook("1"))


def test_runs_that_have_ended_start_no_helper_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRADER_MODEL_HOME", str(tmp_path))
    started: list[object] = []
    for helper in (Host, Kernels):
        monkeypatch.setattr(helper, "started", lambda *at, **how: started.append(at))
    runs = LocalRuns(tmp_path, ASSIGNMENT, load(ROOT / "course.toml"), RunSettings(), logging.getLogger("tests"))
    runs.end()
    (fault,) = runs.run(*notebook("1"), "anna").facts.transcript.faults
    assert (fault, started) == ("the run has been ended", [])


@pytest.mark.parametrize("settings", [{"echo": True}, {"verify": True}, {"reuse": False}], ids=str)
def test_what_asks_no_model_or_knows_its_answers_is_not_rehearsed(settings: dict[str, bool]) -> None:
    assert RunSettings().rehearses
    assert not RunSettings(**settings).rehearses  # type: ignore[arg-type]
