"""A class whose answers a tiny model really makes. What generates, and the model host, are killed meanwhile: no score changes."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import ROOT
from forked import ScratchCourse, lent

from autograder.grading.records import Records
from autograder.judging.contract import ASSIGNMENT
from trials.classes import Student, write_submission

STUDENTS = 6
ASKS = "\nfor n in range({times}):\n    llm.invoke(f'Ahoy {name} {{n}}')\n"
"""Each asks for answers that nobody else asks for, and some ask longer than others."""
WORKER, HOST = "autograder.host.worker", "autograder.host.server"
COMMAND = ["nbgrader", "autograde", ASSIGNMENT]


@pytest.fixture(scope="module")
def course(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> ScratchCourse:
    made = ScratchCourse(tmp_path_factory.mktemp("killed-models") / "scratch", ROOT, tiny_home)
    made.instructor("generate_assignment", ASSIGNMENT)
    reference = made.reference()
    for number in range(STUDENTS):
        name = f"s{number}"
        asks = ASKS.format(times=1 + 6 * number, name=name)
        to = made.root / "submitted" / name / ASSIGNMENT
        write_submission(made.release, to, Student(name, name, {**reference, "chain": reference["chain"] + asks}))
        for other in ("larger-model", "temperature"):
            (to / f"{other}.ipynb").unlink()
    return made


def graded(course: ScratchCourse, kill_after: Mapping[int, str]) -> tuple[int, list[str]]:
    """The exit code of `nbgrader autograde`, and what was killed.

    Args:
        kill_after: by how many notebooks have been graded, a module whose process is killed then.
    """
    done, killed = 0, []
    with course.started(COMMAND, course.root, {"AUTOGRADER_ECHO": "0"}) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "] Autograding " not in line:
                continue
            done += 1
            module = kill_after.get(done, "")
            for each in psutil.Process(process.pid).children(recursive=True) if module else ():
                with contextlib.suppress(psutil.NoSuchProcess):
                    if module in each.cmdline():
                        each.kill()
                        killed.append(module)
    return process.returncode, killed


def verdicts(course: ScratchCourse) -> dict[str, list[tuple[str, str, float | None]]]:
    records, found = Records(course.root, ASSIGNMENT), {}
    for number in range(STUDENTS):
        record = records.read(f"s{number}", "chatbot")
        assert record is not None
        found[f"s{number}"] = [(v.check_id, v.state, v.score) for v in record.verdicts]
    return found


def differing(one: Mapping[str, list[Any]], other: Mapping[str, list[Any]]) -> list[tuple[str, Any, Any]]:
    return [(name, a, b) for name in other for a, b in zip(one[name], other[name], strict=True) if a != b]


@pytest.fixture(scope="module")
def undisturbed(course: ScratchCourse) -> ScratchCourse:
    twin = course.twin(course.folder.parent / "undisturbed")
    with lent(twin):
        assert graded(twin, {}) == (0, [])
    return twin


def test_killed_processes_that_generate_change_no_score(course: ScratchCourse, undisturbed: ScratchCourse) -> None:
    twin, kill_after = course.twin(course.folder.parent / "disturbed"), {1: WORKER, 3: WORKER, 4: HOST}
    with lent(twin, host=False):
        code, killed = graded(twin, kill_after)
    assert set(killed) == {WORKER, HOST}
    for state in {state for found in verdicts(twin).values() for _, state, _ in found}:
        assert state in ("judged", "not judged"), "it is no student's fault"
    if code:
        with lent(twin):
            assert graded(twin, {}) == (0, [])
    assert differing(verdicts(twin), verdicts(undisturbed)) == []
    assert twin.scores() == undisturbed.scores()
