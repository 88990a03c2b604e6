"""The benchmark: the class that it makes, what it measures, and a very small one from end to end."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT
from rich.console import Console

from autograder.course.profile import Profile
from autograder.errors import NotReady
from autograder.facts.transcript import Request
from autograder.judging.contract import ASSIGNMENT, tasks
from trials.bench.measure import Meter, descendants
from trials.bench.picture import NAMES, draw, read, sizes
from trials.bench.report import lines, table
from trials.bench.run import Cost, Floor, Graded, Outcome, floor_of, run
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


def test_the_floor_is_tokens_over_speed() -> None:
    assert Floor(3, 600, 20.0).seconds == 30
    assert Floor().seconds == 0


def test_without_requests_there_is_no_floor(tmp_path: Path) -> None:
    assert floor_of([], tmp_path, tmp_path) == Floor()


def test_the_tokens_of_every_sequence_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trials.bench.run.tokens_per_second", lambda *_: 10.0)
    asked = Request(number=0, model="m", text="", token_ids=(1,), output_ids=((1, 2), (3,)))
    assert floor_of([asked, asked], tmp_path, tmp_path) == Floor(2, 6, 10.0)


# --- telling ---


def outcome(stock: bool = True, wrong: tuple[str, ...] = ()) -> Outcome:
    def graded(count: int, seconds: float, executed: int = 26) -> Graded:
        return Graded(count, Cost(seconds, seconds / 2, 900.0, {"host": 600.0, "kernels": 300.0}), executed)

    floor = Floor(7, 350, 17.5)
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
    assert "0.67" in text  # the floor for each


def test_without_stock_the_table_has_no_ratios() -> None:
    assert "60.0" not in shown(outcome(stock=False))


def test_scores_that_are_not_due_are_told() -> None:
    said = "\n".join(lines(outcome(wrong=("stock nbgrader: student-001 (x), check-chain: 0, due 2",))))
    assert "1 scores are not what is due" in said
    assert "check-chain: 0, due 2" in said


def test_a_result_is_read_back_as_it_was(tmp_path: Path) -> None:
    outcome().write(tmp_path / "result.json")
    assert read(tmp_path / "result.json") == outcome()


def test_the_picture_and_its_table_come_out_of_results(tmp_path: Path) -> None:
    outcome().write(tmp_path / "result.json")
    dataclasses.replace(outcome(), size=10).write(tmp_path / "ten.json")
    dataclasses.replace(outcome(), mix="identical").write(tmp_path / "identical.json")
    results = [tmp_path / f"{name}.json" for name in ("result", "ten", "identical")]
    draw(results[0], results, tmp_path / "cost.png")
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in sizes(results[0], results).splitlines()]
    assert rows[0] == ["students", "stock nbgrader", NAMES["identical"], NAMES["usual"]]
    assert rows[2] == ["10", "300", "not measured", "150 (2.0×)"]
    assert rows[3] == ["30", "900", "150 (6.0×)", "150 (6.0×)"]


def test_a_picture_needs_the_cost_of_stock(tmp_path: Path) -> None:
    outcome(stock=False).write(tmp_path / "result.json")
    with pytest.raises(NotReady, match="--stock"):
        sizes(tmp_path / "result.json", [tmp_path / "result.json"])


# --- from end to end ---


def small_course(folder: Path) -> Path:
    """A course with one of the three notebooks, so that this stays short."""
    (folder / "source" / ASSIGNMENT).mkdir(parents=True)
    shutil.copy(ROOT / "source" / ASSIGNMENT / "larger-model.ipynb", folder / "source" / ASSIGNMENT)
    head, *used = (ROOT / "course.toml").read_text(encoding="utf-8").split("[[tasks]]")
    kept = [task for task in used if any(f'id = "{name}"' in task for name in ("instruct-small", "compare-small"))]
    (folder / "course.toml").write_text("[[tasks]]".join([head, *kept]), encoding="utf-8")
    return folder


def test_a_small_class_gets_its_points_from_both_graders(tmp_path: Path, tiny_home: Path) -> None:
    root = small_course(tmp_path / "root")
    found = run(root, tmp_path / "bench", tiny_home, 3, 1, "identical", 1, lambda name, parts: lambda: None)
    assert found.wrong == ()
    assert (found.kit.executed, found.again.executed) == (1, 0)
    assert found.stock is not None
    assert (found.stock.submissions, found.stock.executed) == (1, 1)
    assert found.floor.answers == 1
    assert found.kit.cost.peak_of.keys() == {"host", "kernels", "nbgrader"}
    assert found.kit.cost.cpu_seconds > found.again.cost.cpu_seconds
    assert read(tmp_path / "bench" / "result.json") == found


def test_what_a_warm_kernel_costs_and_an_ordinary_one_is_measured(tiny_home: Path, tmp_path: Path) -> None:
    from trials.bench import kernels as bench_kernels

    warm, ordinary = bench_kernels.warm(tiny_home, tmp_path), bench_kernels.ordinary(tmp_path)
    assert min(warm.cpu, ordinary.cpu, warm.ready, ordinary.ready) > 0
