"""The selftest: its library fits every profile, its notebooks are shared safely, and it finds what is wrong."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from conftest import ROOT

from autograder import selftest
from autograder.classes import reference
from autograder.contract import ASSIGNMENT, tasks
from autograder.library import Solution
from autograder.library_right import RIGHT
from autograder.library_wrong import WRONG
from autograder.mutants import mutants
from autograder.profile import Profile
from autograder.records import Record
from autograder.selftest import Submission, compare, pack
from autograder.verdict import Criterion, Verdict, Words
from autograder.words import HINTS


def test_the_library_is_large_and_its_names_are_unique() -> None:
    names = [solution.name for solution in RIGHT + WRONG]
    assert len(RIGHT) >= 60
    assert len(WRONG) >= 120
    assert len(set(names)) == len(names)


def test_a_right_solution_loses_nothing_and_a_wrong_one_something_or_goes_to_a_person() -> None:
    assert not [s.name for s in RIGHT if s.loses]
    assert not [s.name for s in WRONG if not s.loses and not s.review]


@pytest.mark.parametrize("profile", ["llama", "gemma"])
def test_every_solution_can_be_written_for_a_profile_that_it_fits(profile: str, request: pytest.FixtureRequest) -> None:
    loaded: Profile = request.getfixturevalue(profile)
    written = [s.written(loaded) for s in RIGHT + WRONG if s.fits(loaded)]
    assert len(written) > 400
    assert not [cells for cells in written for code in cells.values() if "«" in code]


def test_every_expected_hint_is_one_that_there_is() -> None:
    assert {s.hint for s in WRONG if s.hint} <= set(HINTS)


def test_every_task_has_right_and_wrong_solutions(llama: Profile, gemma: Profile) -> None:
    for profile in (llama, gemma):
        judged = {task.id for task in tasks(profile) if task.judged_by == "autograder"}
        for library in (RIGHT, WRONG):
            assert judged <= {name for s in library if s.fits(profile) for name in {*s.cells, *s.loses}}


def test_solutions_that_share_a_notebook_are_about_different_tasks(llama: Profile) -> None:
    for submission in pack(RIGHT + WRONG, llama, "x"):
        touched = [name for s in submission.solutions for name in {*s.cells, *s.loses}]
        assert len(set(touched)) == len(touched)


def test_a_solution_that_must_be_alone_is(llama: Profile) -> None:
    for submission in pack(RIGHT + WRONG, llama, "x"):
        assert len(submission.solutions) == 1 or not any(s.alone for s in submission.solutions)


def test_every_mutant_is_python_and_differs_from_the_reference(llama: Profile) -> None:
    cells = reference(ROOT / "source" / ASSIGNMENT, llama)
    judged = {t.id for t in tasks(llama) if t.judged_by == "autograder"}
    made = mutants({k: v for k, v in cells.items() if k in judged}, frozenset({"llm", "prompt", "chatbot"}))
    assert len(made) > 60
    for mutant in made:
        ast.parse(mutant.source)
        assert mutant.source != ast.unparse(ast.parse(cells[mutant.cell]))
    assert len({(m.cell, m.source) for m in made}) == len(made)


def verdict(outcome: str, state: str = "judged", hint: Words | None = None) -> Verdict:
    words = Words(nb="t", en="t")
    criterion = Criterion(name="model-home", title=words, points=1, earned=0, outcome=outcome, hint=hint)  # type: ignore[arg-type]
    return Verdict(task="model-home", check_id="check-model-home", points=1, state=state, criteria=(criterion,))  # type: ignore[arg-type]


HOME = {"model-home": frozenset({"model-home"})}


@pytest.mark.parametrize(
    ("solution", "found", "kinds"),
    [
        (Solution("right", {"model-home": ""}), verdict("passed"), set()),
        (Solution("right", {"model-home": ""}), verdict("failed"), {"false fail"}),
        (Solution("right", {"model-home": ""}), verdict("passed", "review"), {"wrong state"}),
        (Solution("wrong", {"model-home": ""}, HOME), verdict("passed"), {"false pass"}),
        (Solution("wrong", {"model-home": ""}, HOME), verdict("failed"), set()),
        (Solution("wrong", {"model-home": ""}, HOME, "home-unset"), verdict("failed", hint=HINTS["home-unset"]), set()),
        (
            Solution("wrong", {"model-home": ""}, HOME, "home-unset"),
            verdict("failed", hint=HINTS["home-other"]),
            {"wrong hint"},
        ),
        (Solution("unsure", {"model-home": ""}, review=frozenset({"model-home"})), verdict("passed", "review"), set()),
    ],
)
def test_a_verdict_that_is_not_due_is_found(
    solution: Solution, found: Verdict, kinds: set[str], llama: Profile
) -> None:
    submission = Submission("x", "chatbot", {}, (solution,))
    findings = compare(submission, Record(verdicts=(found,)), llama)
    assert {f.kind for f in findings if f.task == "model-home"} == kinds


def test_a_verdict_that_changes_with_the_seed_is_found() -> None:
    submission = Submission("x", "chatbot", {}, (Solution("right", {"model-home": ""}),))
    once, again = Record(verdicts=(verdict("passed"),)), Record(verdicts=(verdict("failed"),))
    assert selftest.compare_seeds(submission, once, once, 1) == []
    assert [f.kind for f in selftest.compare_seeds(submission, once, again, 1)] == ["changes with the seed"]


def test_a_notebook_that_was_not_graded_is_found(llama: Profile) -> None:
    assert {f.kind for f in compare(Submission("x", "chatbot", {}), Record(), llama)} == {"not graded"}


def test_a_part_of_the_library_through_the_real_path_has_no_findings(tmp_path: Path) -> None:
    outcome = selftest.run(ROOT, tmp_path, None, 1, 1, lambda name, parts: lambda: None, only="arguments: a")
    assert outcome.findings == []
    assert outcome.wrong >= 5
    assert set(outcome.seconds) >= {"check-model-home", "check-chain", "check-temperature-1"}
