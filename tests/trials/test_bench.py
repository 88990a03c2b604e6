"""The benchmark: the class that it makes, what it measures, and a very small one from end to end."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT
from forked import ScratchCourse
from rich.console import Console

from autograder.course.profile import Profile
from autograder.errors import NotReady
from autograder.facts.transcript import Request
from autograder.judging.contract import ASSIGNMENT, load, tasks
from trials.bench import hog, kernels
from trials.bench.bare import Batch, ends_of, made_tokens, padded
from trials.bench.floor import Floor, batches_of, floor_of, side_by_side
from trials.bench.measure import Cost, Meter, descendants
from trials.bench.picture import NAMES, draw, read, tables
from trials.bench.report import lines, table
from trials.bench.run import Graded, Outcome, one_notebook, run
from trials.bench.students import FROM_LIBRARY, Member, full_points, kinds_of, make_class, stock_sample
from trials.classes import Cells, reference
from trials.selftest.solutions import RIGHT


@pytest.fixture(scope="module")
def cells(llama: Profile) -> Cells:
    return reference(ROOT / "source" / ASSIGNMENT, llama)


@pytest.fixture(scope="module")
def members(cells: Cells, llama: Profile) -> list[Member]:
    return make_class(30, 1, "usual", cells, llama)


def code(member: Member, profile: Profile) -> tuple[tuple[str, str], ...]:
    """What a student wrote, free text aside."""
    texts = {task.id for task in tasks(profile) if task.judged_by == "person"}
    return tuple(sorted((name, source) for name, source in member.student.cells.items() if name not in texts))


# --- the class ---


@pytest.mark.parametrize(
    ("size", "counts"), [(1, (1, 0, 0)), (3, (2, 0, 1)), (10, (6, 3, 1)), (30, (18, 9, 3)), (100, (60, 30, 10))]
)
def test_a_usual_class_keeps_its_proportions(size: int, counts: tuple[int, int, int]) -> None:
    kinds = Counter(kinds_of(size, "usual"))
    assert (kinds["letter"], kinds["varied"], kinds["broken"]) == counts


def test_other_mixes_have_one_kind() -> None:
    assert set(kinds_of(10, "identical")) == {"letter"}
    assert set(kinds_of(10, "varied")) == {"varied"}


def test_the_same_seed_makes_the_same_class_and_another_seed_another(
    members: list[Member], cells: Cells, llama: Profile
) -> None:
    assert make_class(30, 1, "usual", cells, llama) == members
    assert make_class(30, 2, "usual", cells, llama) != members


def test_those_who_follow_the_chapter_differ_in_free_text_alone(members: list[Member], llama: Profile) -> None:
    letters = [m for m in members if m.kind == "letter"]
    assert len({code(m, llama) for m in letters}) == 1
    assert len({tuple(sorted(m.student.cells.items())) for m in letters}) == len(letters)


def test_no_two_varied_students_share_the_code_of_a_changed_notebook(cells: Cells, llama: Profile) -> None:
    notebook_of = {task.id: task.notebook for task in tasks(llama)}
    seen: set[tuple[str, ...]] = set()
    for member in make_class(100, 3, "varied", cells, llama):
        assert 1 <= len(member.changed) <= 3
        for notebook in member.changed:
            here = tuple(s for n, s in code(member, llama) if notebook_of.get(n) == notebook)
            assert here not in seen
            seen.add(here)


def test_varied_notebooks_are_the_changed_ones(cells: Cells, llama: Profile) -> None:
    notebook_of = {task.id: task.notebook for task in tasks(llama)}
    for member in make_class(50, 4, "varied", cells, llama):
        differing = {notebook_of[n] for n, s in code(member, llama) if n in notebook_of and s != cells[n]}
        assert differing == set(member.changed)


def test_everybody_but_the_broken_is_due_every_point(members: list[Member], llama: Profile) -> None:
    for member in members:
        assert (member.student.points == full_points(llama)) == (member.kind != "broken")
        assert set(member.student.points) == set(full_points(llama))


def test_the_broken_raise_do_nothing_or_use_the_wrong_model(members: list[Member]) -> None:
    broken = [m for m in members if m.kind == "broken"]
    assert [m.student.story for m in broken] == ["code that raises", "nothing done", "the wrong model"]
    raises, nothing, wrong = (m.student.points for m in broken)
    assert [name for name, points in raises.items() if not points] == [
        "check-chain",
        "check-who-are-you",
        "check-ideal-boat",
    ]
    assert not any(nothing.values())
    assert (wrong["check-load-model"], wrong["check-instruct-large"]) == pytest.approx((2, 1.25))


def test_a_course_without_their_tasks_is_due_nothing_for_them(tmp_path: Path, cells: Cells) -> None:
    profile = load(one_notebook(ROOT, tmp_path, "larger-model") / "course.toml")
    members = [m for m in make_class(30, 1, "usual", cells, profile) if m.kind == "broken"]
    assert {check for m in members for check in m.student.points} == set(full_points(profile))
    assert members[2].student.points["check-instruct-large"] == pytest.approx(1.25)


def test_every_piece_is_one_of_the_library(llama: Profile) -> None:
    assert set(FROM_LIBRARY) <= {s.name for s in RIGHT if s.fits(llama) and not s.alone and not s.review}


def test_stock_gets_submissions_with_full_marks_two_to_one(members: list[Member]) -> None:
    assert Counter(m.kind for m in stock_sample(members, 3)) == {"letter": 2, "varied": 1}


# --- measuring ---


def test_the_processor_time_of_a_grandchild_counts() -> None:
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    with Meter() as meter:
        subprocess.run([sys.executable, "-c", child], check=True)
    assert meter.cost.cpu_seconds >= 0.5
    assert meter.cost.seconds >= 0.5


def test_the_processor_time_of_a_process_that_nobody_waits_for_counts() -> None:
    burn = "import time\nwhile time.process_time() < 1: pass"
    child = "import signal, subprocess, sys, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    child += f"process = subprocess.Popen([sys.executable, '-c', {burn!r}])\nprocess.wait()"
    with Meter(every=0.05) as meter:
        subprocess.run([sys.executable, "-c", child], check=True)
    assert meter.cost.cpu_seconds >= 0.7


def test_processor_time_is_told_while_it_is_spent() -> None:
    burn = "import time\nwhile time.process_time() < 0.5: pass\nprint(1, flush=True); time.sleep(20)"
    with Meter() as meter, subprocess.Popen([sys.executable, "-c", burn], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert meter.cpu_so_far() >= 0.45
        child.kill()
    assert meter.cost.cpu_seconds >= 0.5


def test_memory_of_a_model_host_is_told_apart() -> None:
    code = "import sys, time; held = bytearray(60_000_000); time.sleep(1.5)"
    with Meter(every=0.1) as meter:
        subprocess.run([sys.executable, "-c", code, "autograder.host.server"], check=True)
    assert meter.cost.peak_of["host"] > 55
    assert meter.cost.peak_mb > 55


def test_descendants_are_found_however_deep() -> None:
    deep = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(20)'])"
    child = subprocess.Popen([sys.executable, "-c", deep], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    below = descendants(os.getpid())
    assert child.pid in below
    own = set(descendants(child.pid))
    assert own
    assert own < set(below)
    for pid in own:
        os.kill(pid, 9)
    child.wait()
    child.stdout.close()


# --- the floor ---


def asked(model: str = "m", tokens: tuple[int, ...] = (1,), **settings: object) -> Request:
    return Request(number=0, model=model, text="", token_ids=tokens, settings=settings, output_ids=((1, 2), (3,)))


def test_the_floor_is_tokens_over_speed_and_the_start() -> None:
    assert Floor(3, 600, 20.0, start=4.0).seconds == 34
    assert Floor().seconds == 0


def test_without_requests_there_is_no_floor(tmp_path: Path) -> None:
    assert floor_of([], tmp_path, tmp_path) == Floor()


def test_equal_model_and_settings_share_a_batch_whatever_is_not_honoured() -> None:
    equal = [asked(temperature=0.5, top_k=None), asked(temperature=0.5, return_dict_in_generate=False)]
    others = [asked(temperature=0.6), asked("n", temperature=0.5)]
    assert [len(batch.rows) for batch in batches_of([*equal, *others])] == [2, 1, 1]
    assert batches_of(equal)[0].settings == {"temperature": 0.5}


def test_a_batch_has_few_rows_of_about_one_length() -> None:
    found = batches_of([asked(tokens=(1,) * length) for length in (5, 1, 4, 2, 3)], rows=2)
    assert [[len(row) for row in batch.rows] for batch in found] == [[1, 2], [3, 4], [5]]


def test_rows_are_padded_on_the_left() -> None:
    assert padded([[5, 6, 7], [8]], pad=0) == ([[5, 6, 7], [0, 0, 8]], [[1, 1, 1], [0, 0, 1]])


@pytest.mark.parametrize(
    ("settings", "count"), [({"eos_token_id": 2}, 3), ({"eos_token_id": [9, 3]}, 2), ({}, 4), ({"eos_token_id": 7}, 4)]
)
def test_what_comes_after_the_end_of_a_row_was_not_made(settings: dict[str, object], count: int) -> None:
    assert made_tokens([1, 3, 2, 2], ends_of(settings)) == count


def test_bare_loops_make_each_row_to_its_end(tmp_path: Path, tiny_home: Path, llama: Profile) -> None:
    model = llama.model("base").name
    whole = Batch(model, {"max_new_tokens": 7, "do_sample": True, "temperature": 0.9}, [[5], [6, 7], [8]])
    several = Batch(model, {"max_new_tokens": 5, "do_sample": True, "num_return_sequences": 2}, [[5]])
    made = side_by_side([whole, several], tmp_path, tiny_home, 2)
    assert made.tokens == 3 * 7 + 2 * 5
    assert made.seconds > 0


def test_a_bare_loop_that_fails_says_why(tmp_path: Path, tiny_home: Path) -> None:
    with pytest.raises(NotReady, match="KeyError: 'nowhere'"):
        side_by_side([Batch("nowhere", {}, [[1]])], tmp_path, tiny_home, 2)


# --- telling ---


def outcome(stock: bool = True, wrong: tuple[str, ...] = ()) -> Outcome:
    def graded(count: int, seconds: float, executed: int = 26) -> Graded:
        return Graded(count, Cost(seconds, seconds / 2, 900.0, {"host": 600.0, "kernels": 300.0}), executed)

    floor = Floor(7, 350, 17.5, 5.0, 2)
    kinds = {"letter": 18, "varied": 9, "broken": 3}
    beside = graded(3, 180) if stock else None
    return Outcome(30, 1, "usual", kinds, graded(30, 300), graded(30, 30, executed=0), beside, floor, wrong)


def shown(found: Outcome) -> str:
    console = Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(table(found))
    text = console.export_text()
    console.file.close()
    return text


def test_the_table_gives_ratios_to_stock() -> None:
    text = shown(outcome())
    assert "60.00" in text  # stock, seconds each
    assert "6.0" in text  # this kit
    assert "60.0" in text  # again
    assert "0.83" in text  # the floor for each


def test_without_stock_the_table_has_no_ratios() -> None:
    assert "60.0" not in shown(outcome(stock=False))


def test_how_far_above_the_floor_this_kit_is_is_told() -> None:
    said = "\n".join(lines(outcome()))
    assert "350 tokens of 7 different answers at 18 tokens/s" in said
    assert "25 s for the class; this kit took 12.00 times that" in said


def test_scores_that_are_not_due_are_told() -> None:
    said = "\n".join(lines(outcome(wrong=("stock nbgrader: student-001 (x), check-chain: 0, due 2",))))
    assert "1 scores are not what is due" in said
    assert "check-chain: 0, due 2" in said


def test_a_result_is_read_back_as_it_was(tmp_path: Path) -> None:
    outcome().write(tmp_path / "result.json")
    assert read(tmp_path / "result.json") == outcome()


def test_the_picture_and_its_tables_come_out_of_results(tmp_path: Path) -> None:
    outcome().write(tmp_path / "result.json")
    dataclasses.replace(outcome(), size=10).write(tmp_path / "ten.json")
    dataclasses.replace(outcome(), mix="identical").write(tmp_path / "identical.json")
    results = [tmp_path / f"{name}.json" for name in ("result", "ten", "identical")]
    draw(results[0], results, tmp_path / "cost.png")
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")
    seconds, cpu, memory = (
        [[cell.strip() for cell in row.strip("|").split("|")] for row in part.splitlines()]
        for part in tables(results[0], results).split("\n\n")
    )
    assert seconds[0] == ["students, seconds", "stock nbgrader", NAMES["identical"], NAMES["usual"]]
    assert seconds[2] == ["10", "600", "not measured", "300 (2.0×, 12.00 × floor)"]
    assert cpu[3] == ["30", "900", "150 (6.0×)", "150 (6.0×)"]
    assert memory[3] == ["30", "900", "900"]


def test_a_picture_needs_the_cost_of_stock(tmp_path: Path) -> None:
    outcome(stock=False).write(tmp_path / "result.json")
    with pytest.raises(NotReady, match="--stock"):
        tables(tmp_path / "result.json", [tmp_path / "result.json"])


# --- from end to end ---


def test_a_small_class_gets_its_points_from_both_graders(
    tmp_path: Path, tiny_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "TIMES", 1)
    monkeypatch.setattr(kernels, "ORDINARY_TIMES", 1)
    root = one_notebook(ROOT, tmp_path / "root", "larger-model")
    found = run(root, tmp_path / "bench", tiny_home, 3, 1, "identical", 1, lambda name, parts: lambda: None)
    assert found.wrong == ()
    assert (found.kit.executed, found.again.executed) == (1, 0)
    assert found.stock is not None
    assert (found.stock.submissions, found.stock.executed) == (1, 1)
    assert found.floor.answers == 2
    assert found.kit.cost.peak_of.keys() == {"host", "kernels", "nbgrader"}
    assert found.kit.cost.cpu_seconds > found.again.cost.cpu_seconds
    assert found.kernels is not None
    assert min(cost for kernel in found.kernels for cost in (kernel.ready, kernel.cpu)) > 0
    assert read(tmp_path / "bench" / "result.json") == found


# --- the hog ---


def test_an_honest_notebook_beside_one_that_asks_for_all_it_can_keeps_its_points(
    tmp_path: Path, tiny_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hog, "ScratchCourse", ScratchCourse)  # with helpers that are kept
    found = hog.run(ROOT, tmp_path, tiny_home, lambda name, parts: lambda: None, hostile=1, seconds=5)
    assert found.wrong == ()
    assert min(found.alone, found.beside) > 0


@pytest.mark.parametrize(
    ("beside", "wrong", "held"), [(20.0, (), True), (20.1, (), False), (10.0, ("this kit: …",), False)]
)
def test_a_hog_is_held_where_the_honest_one_waits_little_and_loses_nothing(
    beside: float, wrong: tuple[str, ...], held: bool
) -> None:
    found = hog.Hogged(7, 10.0, beside, wrong)
    assert found.held == held
    assert found.lines()[1] == (wrong[0] if wrong else "It lost no point.")


def test_hostile_notebooks_ask_different_things_and_come_first(cells: Cells, llama: Profile) -> None:
    *hostile, honest = hog.class_of(cells, llama, 7)
    assert len({member.student.cells["limit-output"] for member in hostile}) == 7
    assert sorted(m.student.id for m in [*hostile, honest])[-1] == honest.student.id
    assert honest.student.points == full_points(llama)
