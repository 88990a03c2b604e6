"""`autograder grade` and `autograder host`: what a run comes to, and a host that is kept."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from forked import ScratchCourse, lent

from autograder.errors import HostLost, NotReady
from autograder.facts.verdict import Incident, Verdict, Words
from autograder.grading import run_summary
from autograder.grading.records import Record
from autograder.grading.run_summary import Graded
from autograder.host.control import Host
from autograder.jail.kernels import Kernels, kept_socket
from autograder.judging.contract import ASSIGNMENT
from autograder.plugins import run as grading
from autograder.plugins.run import Outcome, Wanted, run, since
from autograder.protocol.wire import Counts
from autograder.system import daemons
from trials.classes import Student

VERIFIED = Wanted("anna", regrade=True, execute=True, verify=True)


@pytest.fixture(scope="module")
def course(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchCourse]:
    made = ScratchCourse(tmp_path_factory.mktemp("grading"), ROOT, tiny_home)
    made.instructor("generate_assignment", ASSIGNMENT)
    cells = made.reference()
    for name, text in (("anna", "Because."), ("bjorn", "So.")):
        made.hand_in(Student(name, "", {**cells, "memory": text}))
    kept = os.environ.get("AUTOGRADER_MODEL_HOME")
    os.environ["AUTOGRADER_MODEL_HOME"] = str(tiny_home)
    yield made
    os.environ.pop("AUTOGRADER_MODEL_HOME")
    if kept is not None:
        os.environ["AUTOGRADER_MODEL_HOME"] = kept


class Steps:
    """What a run tells of how far it is."""

    def __init__(self) -> None:
        self.parts, self.done = 0, 0

    def begin(self, name: str, parts: int):  # type: ignore[no-untyped-def]
        self.parts = parts
        return self.one

    def one(self) -> None:
        self.done += 1


@pytest.fixture(scope="module")
def first(course: ScratchCourse) -> tuple[Outcome, Steps]:
    steps = Steps()
    return run(course.root, Wanted(), steps.begin), steps


def test_a_run_grades_what_has_been_handed_in_and_shows_how_far_it_is(first: tuple[Outcome, Steps]) -> None:
    outcome, steps = first
    assert (outcome.exit_code, outcome.graded, steps.parts, steps.done) == (0, 6, 6, 6)
    assert run_summary.lines(outcome.recorded) == []
    assert outcome.machine == ()


def test_the_same_code_is_executed_once_and_gives_everybody_the_same_points(
    first: tuple[Outcome, Steps], course: ScratchCourse
) -> None:
    scores = course.scores()
    assert len(list((course.root / ".autograder" / "executions").glob("??/*.json"))) == 3
    assert scores["anna"]["check-chain"] == scores["bjorn"]["check-chain"] == 2


def test_another_run_finds_nothing_to_do(first: tuple[Outcome, Steps], course: ScratchCourse) -> None:
    assert run(course.root, Wanted(), Steps().begin).graded == 0


def test_a_regrade_grades_again_and_executes_nothing(first: tuple[Outcome, Steps], course: ScratchCourse) -> None:
    kernels = course.root / ".autograder" / "kernels.log"
    kernels.unlink()
    assert run(course.root, Wanted("anna", regrade=True), Steps().begin).graded == 3
    assert not kernels.exists()  # no parent of kernels was started


def test_verifying_generates_again_and_finds_no_difference(first: tuple[Outcome, Steps], course: ScratchCourse) -> None:
    with lent(course, host=False):
        outcome = run(course.root, VERIFIED, Steps().begin)
    assert (outcome.exit_code, outcome.graded, outcome.machine) == (0, 3, ())


def test_a_remembered_answer_that_comes_out_otherwise_ends_the_run_non_zero(
    first: tuple[Outcome, Steps], course: ScratchCourse
) -> None:
    from autograder.system.disk_cache import DiskCache

    folder = course.root / ".autograder" / "answers"
    cache = DiskCache(folder)
    for path in folder.glob("??/*.json"):
        text = cache.get(path.stem)
        assert text is not None
        cache.put(path.stem, text.replace("[[", "[[1,", 1))
    with lent(course, host=False):
        outcome = run(course.root, VERIFIED, Steps().begin)
    assert outcome.exit_code == grading.EXIT["differs"]
    assert "came out otherwise" in outcome.machine[0]


FAILS = {
    "at once": "raise SystemExit('no room')",
    "once the run has begun": """\
import sys, time
from pathlib import Path
while not any(Path(sys.argv[1]).rglob("*.ipynb")):
    time.sleep(0.05)
raise SystemExit('no room')
""",
}
"""What runs in the place of a helper that cannot start."""


HELPERS = {"the model host": "autograder.host.server", "the parent of kernels": "autograder.jail.parent"}
FAILED = {f"{helper} {when}": (helper, when) for helper, when in zip(HELPERS, FAILS, strict=True)}


@pytest.fixture(scope="module")
def failed(first: tuple[Outcome, Steps], course: ScratchCourse) -> dict[str, tuple[str, bool, set[float | None]]]:
    """What a run said in which a helper could not start, whether it left a verdict, and the scores then; then one that could."""
    found = {}
    real, cells = daemons.subprocess.Popen, course.reference()
    for name, (helper, when) in FAILED.items():
        student = name.replace(" ", "-")
        changed = {**cells, "chain": f"{cells['chain']}\n# {student}"}  # nobody's code, so that it will be executed
        course.hand_in(Student(student, "", changed))
        fails = [sys.executable, "-c", FAILS[when], str(course.root / "autograded" / student)]

        def started(command: list[str], **given: Any) -> Any:
            return real(fails if HELPERS[helper] in command else command, **given)  # noqa: B023

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(daemons.subprocess, "Popen", started)
            with pytest.raises(HostLost) as caught:
                run(course.root, Wanted(student), Steps().begin)
        judged = (course.root / "verdicts" / ASSIGNMENT / student).exists()
        found[name] = str(caught.value), judged, set(course.scores().get(student, {}).values())
    with lent(course):
        assert run(course.root, Wanted(), Steps().begin).exit_code == 0
    return found


@pytest.mark.parametrize("name", FAILED)
def test_where_a_helper_cannot_start_the_run_says_so_and_the_next_one_grades_as_ever(
    name: str, failed: dict[str, tuple[str, bool, set[float | None]]], course: ScratchCourse
) -> None:
    said, judged, scores = failed[name]
    assert re.search(f"{FAILED[name][0]} could not be started.*no room", said)
    assert not judged
    assert scores <= {None, 0}
    assert course.scores()[name.replace(" ", "-")]["check-chain"] == 2


@pytest.mark.parametrize("student", ["nobody", None])
def test_nothing_handed_in_is_told(student: str | None, course: ScratchCourse, tmp_path: Path) -> None:
    root = course.root
    if student is None:
        (tmp_path / "release").symlink_to(course.root / "release")
        root = tmp_path
    with pytest.raises(NotReady, match="nothing has been handed in"):
        run(root, Wanted(student), Steps().begin)


def test_a_course_without_a_release_is_told_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="autograder release"):
        run(tmp_path, Wanted(), Steps().begin)


def test_what_a_kept_host_did_before_a_run_is_not_the_runs() -> None:
    before, after = Counts(home="", lost=2, differing=1), Counts(home="", lost=5, differing=1, dropped=1)
    counted = since(before, after)
    assert (counted.lost, counted.differing, counted.dropped) == (3, 0, 1)


def test_the_end_of_a_run_lists_who_needs_a_person_what_must_be_run_again_and_what_happened() -> None:
    def graded(student: str, state: str, reason: str, *incidents: Incident) -> Graded:
        words = Words(nb=reason, en=reason)
        verdict = Verdict(task="chain", check_id="check-chain", points=2, state=state, reasons=(words,))  # type: ignore[arg-type]
        return Graded(student, "chatbot", Record(verdicts=(verdict,), incidents=incidents))

    found = (
        graded("anna", "review", "look", Incident(kind="memory", cell="chain")),
        graded("bjorn", "not judged", "lost"),
        graded("celine", "judged", "", Incident(kind="output", cell="3")),
        graded("david", "review", "look", Incident(kind="memory", cell="prompt")),
    )
    assert Outcome(1, 5.0, 6, found, ("memory ran out",), "the log").lines() == [
        "6 notebook(s) graded in 5 s.",
        "A person must look at:",
        "  anna, check-chain: look",
        "  david, check-chain: look",
        "Not judged yet; run it again:",
        "  bjorn, check-chain: lost",
        "Took too much memory: anna, chain; david, prompt",
        "Printed too much: celine, 3",
        "memory ran out",
        "the log",
    ]


def test_a_run_uses_the_helpers_that_are_kept_and_leaves_them_running(course: ScratchCourse, tiny_home: Path) -> None:
    log = course.root / ".autograder" / "kernels.log"
    log.unlink(missing_ok=True)
    host = Host.started(course.root, tiny_home, shared=True)
    kernels = Kernels.started(tiny_home, course.folder / "kept.log", kept_socket(course.root, tiny_home))
    try:
        assert run(course.root, Wanted("bjorn", regrade=True, execute=True), Steps().begin).graded == 3
        counts = host.status()
        assert counts.generated + counts.remembered > 0
        assert not log.exists()  # no other parent of kernels was started
        assert kernels.alive()
    finally:
        host.end()
        kernels.end()


def test_ending_a_host_that_is_not_there_says_so(course: ScratchCourse) -> None:
    said: list[str] = []
    assert grading.keep_host(course.root, 60, 1, True, said.append) == 0
    assert said == ["No model host is running for this course."]
