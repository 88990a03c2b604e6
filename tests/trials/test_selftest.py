"""The selftest: its library fits every profile, its notebooks are shared safely, and it finds what is wrong."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from conftest import ROOT
from third_profile import LEFT_OUT, third_profile

from autograder.course.profile import Profile
from autograder.facts.evidence import Evidence
from autograder.facts.transcript import Request, Transcript
from autograder.facts.verdict import Criterion, Sentence, Verdict, Words
from autograder.grading.records import Record
from autograder.judging.contract import ASSIGNMENT, tasks
from autograder.words.hints import HINTS
from trials.classes import reference
from trials.selftest import run as selftest
from trials.selftest.findings import Submission, compare, compare_mutants, compare_seeds
from trials.selftest.library import Solution
from trials.selftest.mutants import Mutant, mutants
from trials.selftest.run import library_pieces, mutant_pieces, submissions_for
from trials.selftest.sharing import Piece, Sharing, bound, bound_from_first_difference, pack, read
from trials.selftest.solutions import RIGHT, WRONG

PROFILES = ("llama", "gemma", "third", "nucleus")


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> Profile:
    loaded: Profile = request.getfixturevalue(request.param)
    return loaded


def sharing(profile: Profile) -> Sharing:
    return Sharing(profile, reference(ROOT / "source" / ASSIGNMENT, profile))


def test_the_library_is_large_and_its_names_are_unique() -> None:
    names = [solution.name for solution in RIGHT + WRONG]
    assert len(RIGHT) >= 60
    assert len(WRONG) >= 120
    assert len(set(names)) == len(names)


def test_a_right_solution_loses_nothing_and_a_wrong_one_something_or_goes_to_a_person() -> None:
    assert not [s.name for s in RIGHT if s.loses]
    assert not [s.name for s in WRONG if not s.loses and not s.review]


def test_every_solution_can_be_written_for_a_profile_that_it_fits(profile: Profile) -> None:
    adapted = [s.adapted(profile) for s in RIGHT + WRONG]
    written = [s.written(profile) for s in adapted if s is not None]
    assert len(written) > (350 if len(profile.tasks) > 12 else 250)
    assert not [cells for cells in written for code in cells.values() if "«" in code]


def test_the_third_profile_differs_in_language_models_temperatures_and_tasks(llama: Profile, third: Profile) -> None:
    assert (third.course.language, len(third.generation.temperatures)) == ("en", 4)
    assert not {third.model(r).name for r in third.roles_in_use()} & {llama.model(r).name for r in llama.roles_in_use()}
    assert {t.id for t in llama.tasks} - {t.id for t in third.tasks} == set(LEFT_OUT)


def test_a_task_left_out_takes_along_only_the_solutions_that_are_about_it_or_name_it(third: Profile) -> None:
    gone = [s for s in RIGHT + WRONG if not s.fits(third)]
    out = (*LEFT_OUT, "ask-base", "top_p-1", "top_p-2")
    assert [
        s.name for s in gone if not {*s.cells} & {*out} and not any("ideal-boat" in c for c in s.cells.values())
    ] == []
    assert len(gone) < len([s for s in RIGHT + WRONG if {*s.cells, *s.loses} & {*out}])


def test_what_is_lost_in_a_task_left_out_falls_away(third: Profile) -> None:
    both = Solution("x", {"chain": ""}, {"chain": frozenset({"text"}), "ideal-boat": frozenset({"asked"})})
    adapted = both.adapted(third)
    assert adapted is not None
    assert adapted.loses == {"chain": frozenset({"text"})}


def test_a_right_solution_goes_without_its_cells_for_a_task_left_out(third: Profile) -> None:
    adapted = Solution("x", {"chain": "a", "ideal-boat": "b"}).adapted(third)
    assert adapted is not None
    assert adapted.cells == {"chain": "a"}


@pytest.mark.parametrize(
    "solution",
    [
        Solution("about a task left out", {"ideal-boat": "b"}),
        Solution("asks a task's question", {"chain": '«task_of("ideal-boat").question»'}),
        Solution("wrong in a cell left out", {"chain": "", "ideal-boat": ""}, {"chain": frozenset({"text"})}),
    ],
    ids=lambda solution: solution.name,
)
def test_a_solution_that_needs_a_task_left_out_does_not_fit(solution: Solution, third: Profile) -> None:
    assert not solution.fits(third)


def test_every_expected_hint_is_one_that_there_is() -> None:
    assert {s.hint for s in WRONG if s.hint} <= set(HINTS)


def test_every_task_has_right_and_wrong_solutions(profile: Profile) -> None:
    judged = {task.id for task in tasks(profile) if task.judged_by == "autograder" and task.number <= 3}
    for library in (RIGHT, WRONG):
        assert judged <= {name for s in library if s.fits(profile) for name in {*s.cells, *s.loses}}


# Who may share a notebook


def test_every_piece_is_in_exactly_one_notebook_and_nobody_shares_who_may_not(profile: Profile) -> None:
    for pieces in (library_pieces(sharing(profile)), mutant_pieces(sharing(profile))):
        notebooks = pack(pieces)
        assert sorted(map(id, pieces)) == sorted(id(piece) for packed in notebooks for piece in packed)
        for packed in notebooks:
            assert len({piece.notebook for piece in packed}) == 1
            assert all(a is b or a.may_share_with(b) for a in packed for b in packed)


def test_every_criterion_of_a_notebook_belongs_to_one_solution(profile: Profile) -> None:
    for submission in submissions_for(library_pieces(sharing(profile)), "x"):
        losing = [task for s in submission.solutions for task in {*s.loses, *s.review}]
        assert len(set(losing)) == len(losing)
        written = [name for piece in submission.pieces for name in piece.cells]
        assert len(set(written)) == len(written)


def test_the_library_fits_into_few_notebooks(llama: Profile) -> None:
    solutions, mutants = library_pieces(sharing(llama)), mutant_pieces(sharing(llama))
    notebooks = submissions_for(solutions, "x") + submissions_for(mutants, "y")
    assert 5 * len(notebooks) < 3 * (len(solutions) + len(mutants))  # a kernel each: what a selftest costs


HOME = {"model-home": frozenset({"model-home"})}
LIMIT = {"limit-output": frozenset({"limit"})}
CHAIN_GONE = Solution("chain: nothing done", {"chain": ""}, {"chain": frozenset({"text"})}, alone=True)
ASKED = {"who-are-you": "result = chatbot.invoke([])"}
KEPT = {"who-are-you": frozenset({"kept"})}


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        (Solution("home", {"model-home": ""}, HOME), CHAIN_GONE, True),
        (Solution("limit", {"limit-output": "llm = f()"}, LIMIT), CHAIN_GONE, True),
        (Solution("limit", {"limit-output": "llm = f()"}, LIMIT, alone=True), CHAIN_GONE, False),
        (Solution("limit", {"limit-output": "llm = llm.f()"}, LIMIT), Solution("load", {"load-model": "llm = g()"}), False),
        (Solution("asked", ASKED, KEPT), CHAIN_GONE, False),
        (Solution("asked", ASKED, KEPT), Solution("answers", {"arguments": "answers = {}"}), True),
        (Solution("asked", ASKED, KEPT), Solution("boat", {"ideal-boat": "boat = chatbot.invoke([])"}), True),
        (Solution("asked", ASKED, KEPT), Solution("boat", {"ideal-boat": "boat = result"}), False),
        (Solution("asked", ASKED, KEPT), Solution("boat", {"ideal-boat": "boat = eval('result') +"}), False),
        (Solution("chain", {"chain": "chatbot = prompt | model"}), Solution("load", {"load-model": "model = f()"}), True),
    ],
)  # fmt: skip
def test_two_solutions_share_only_where_neither_can_touch_the_other(
    one: Solution, other: Solution, share: bool, llama: Profile
) -> None:
    here = sharing(llama)
    a, b = here.of_solution(one, not one.loses)[0], here.of_solution(other, not other.loses)[0]
    assert a.may_share_with(b) is share
    assert b.may_share_with(a) is share


def test_a_wrong_solution_does_not_find_a_name_that_another_happens_to_leave(llama: Profile) -> None:
    here, text = sharing(llama), {"chain": frozenset({"text"})}
    wrong = here.of_solution(Solution("model", {"chain": "chatbot = prompt | model"}, text, alone=True), False)[0]
    right = here.of_solution(Solution("load", {"load-model": "model = f()\nllm = g(model)"}), True)[0]
    assert not wrong.may_share_with(right)


def mutant(llama: Profile, cell: str, before: str, after: str) -> Piece:
    here = sharing(llama)
    source = ast.unparse(ast.parse(here.reference[cell]))
    assert before in source
    return here.of_mutant(Mutant(f"{cell}: x", cell, source.replace(before, after)))


def test_a_mutant_shows_later_only_where_a_later_cell_reads_what_it_changed(llama: Profile) -> None:
    assert mutant(llama, "temperature-1", "0.9", "1.9").shows_in == {"temperature-1"}
    assert mutant(llama, "temperature-1", "device=0", "device=1").shows_in == {f"temperature-{n}" for n in (1, 2, 3)}
    assert mutant(llama, "load-model", "device=0", "device=1").shows_in == {"load-model"}
    assert mutant(llama, "prompt", "messages", "message").shows_in == {"prompt", "chain", "who-are-you", "ideal-boat"}


def test_names_read_are_those_not_bound_for_certain_before() -> None:
    assert read("a = b\nif c:\n    d = 1\nprint(a, d)") == {"b", "c", "d", "print"}
    assert read("x = 1 +") == {"x"}
    assert read("%env A=b\nc = await d") == {"d"}


def test_names_bound_are_all_that_a_cell_may_bind() -> None:
    source = "import a.b as c\nfrom d import e\nfor f in g:\n    h, i = f\ndef j(k): ...\n"
    assert bound(source) == {"c", "e", "f", "h", "i", "j"}


def test_a_change_concerns_the_names_from_the_first_statement_that_differs() -> None:
    assert bound_from_first_difference("a = 1\nb = 2\nc = 3", "a = 1\nb = 9\nc = 3") == {"b", "c"}
    assert bound_from_first_difference("a = 1\nb = 2", "a = 1\nb_ = 2") == {"b", "b_"}
    assert bound_from_first_difference("a = 1\nprint(a)", "a = 1") == frozenset()


def test_every_mutant_is_python_and_differs_from_the_reference(llama: Profile) -> None:
    cells = reference(ROOT / "source" / ASSIGNMENT, llama)
    judged = {t.id for t in tasks(llama) if t.judged_by == "autograder"}
    made = mutants({k: v for k, v in cells.items() if k in judged}, frozenset({"llm", "prompt", "chatbot"}))
    assert len(made) > 60
    for mutant in made:
        ast.parse(mutant.source)
        assert mutant.source != ast.unparse(ast.parse(cells[mutant.cell]))
    assert len({(m.cell, m.source) for m in made}) == len(made)


def submission_of(solution: Solution) -> Submission:
    nothing: frozenset[str] = frozenset()
    return Submission("x", "chatbot", (Piece(solution, "chatbot", {}, nothing, nothing, nothing),))


def verdict(outcome: str, state: str = "judged", hint: Sentence | None = None) -> Verdict:
    words = Words(nb="t", en="t")
    criterion = Criterion(name="model-home", title=words, points=1, earned=0, outcome=outcome, hint=hint)  # type: ignore[arg-type]
    return Verdict(task="model-home", check_id="check-model-home", points=1, state=state, criteria=(criterion,))  # type: ignore[arg-type]


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
    submission = submission_of(solution)
    findings = compare(submission, Record(verdicts=(found,)), llama)
    assert {f.kind for f in findings if f.task == "model-home"} == kinds


def test_a_verdict_that_changes_with_the_seed_is_found() -> None:
    submission = submission_of(Solution("right", {"model-home": ""}))
    once, again = Record(verdicts=(verdict("passed"),)), Record(verdicts=(verdict("failed"),))
    assert compare_seeds(submission, once, once, 1) == []
    assert [f.kind for f in compare_seeds(submission, once, again, 1)] == ["changes with the seed"]


def test_a_notebook_that_was_not_graded_is_found(llama: Profile) -> None:
    assert {f.kind for f in compare(Submission("x", "chatbot"), Record(), llama)} == {"not graded"}


def mutants_record(shown: str, **score: str) -> Record:
    """A record in which every task's variable is as `shown`, and criteria have these outcomes by task."""
    verdicts = []
    for task, outcome in score.items():
        (criterion,) = verdict(outcome).criteria
        criterion = criterion.model_copy(update={"earned": float(outcome == "passed")})
        verdicts.append(Verdict(task=task, check_id=f"check-{task}", points=1, criteria=(criterion,)))
    evidence = tuple(Evidence(check_id=f"check-{t}", seen=n + 1) for n, t in enumerate(score))
    requests = tuple(Request(number=n, model="m", text=shown if t == "prompt" else "same") for n, t in enumerate(score))
    return Record(verdicts=tuple(verdicts), evidence=evidence, transcript=Transcript(requests=requests))


@pytest.mark.parametrize(
    ("shown", "own", "neighbour", "kinds"),
    [
        ("as before", "passed", "passed", set()),
        ("otherwise", "passed", "passed", {"mutant keeps all"}),
        ("otherwise", "failed", "passed", set()),
        ("otherwise", "passed", "failed", {"mutant keeps all"}),
    ],
)
def test_a_mutant_is_caught_by_its_own_points_and_not_by_those_of_its_neighbour(
    shown: str, own: str, neighbour: str, kinds: set[str], llama: Profile
) -> None:
    nothing: frozenset[str] = frozenset()
    piece = Piece(Mutant("prompt: x", "prompt", ""), "chatbot", {}, frozenset({"prompt"}), nothing, nothing)
    before = mutants_record("as before", arguments="passed", prompt="passed")
    after = mutants_record(shown, arguments=neighbour, prompt=own)
    found = compare_mutants(Submission("x", "chatbot", (piece,)), after, before, llama)
    assert {f.kind for f in found} == kinds


def test_a_part_of_the_library_goes_the_real_way_without_findings(tmp_path: Path) -> None:
    path = tmp_path / "third.toml"
    path.write_text(third_profile(ROOT / "course.toml"), encoding="utf-8")
    outcome = selftest.run(ROOT, tmp_path / "x", path, 1, 1, lambda name, parts: lambda: None, only="reversed")
    assert outcome.findings == []
    assert outcome.wrong >= 4  # of all three notebooks
    assert set(outcome.seconds) >= {"check-model-home", "check-chain", "check-temperature-4"}
