"""Attacks on the grader, each with an honest student beside it. One class of them is graded through the whole real path.

What an attack tries is in `trials/attacks/tables`; here stands what none of them gets.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT
from forked import ScratchCourse

from autograder.course.profile import Profile
from autograder.errors import NotReady
from autograder.judging.contract import tasks
from trials.attacks import html as attacks_html
from trials.attacks import report as attacks_report
from trials.attacks import run as attacks_run
from trials.attacks.attack import GROUPS
from trials.attacks.honest import CONTROLS
from trials.attacks.run import Run, run
from trials.attacks.tables import ATTACKS


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with pytest.MonkeyPatch.context() as patch:  # commands start faster
        patch.setattr(attacks_run, "ScratchCourse", ScratchCourse)
        return run(ROOT, tmp_path_factory.mktemp("class"), lambda name, parts: lambda: None)


def test_the_table_is_long_and_its_names_are_unique() -> None:
    assert len(ATTACKS) >= 75
    assert [name for name, times in Counter(attack.name for attack in ATTACKS).items() if times > 1] == []
    assert len({attack.token for attack in ATTACKS}) == len(ATTACKS)


def test_every_group_has_attacks_and_every_control_is_graded() -> None:
    assert {attack.group for attack in ATTACKS} == set(GROUPS)
    assert {attack.control.name for attack in ATTACKS} <= {control.name for control in CONTROLS}


def test_what_is_not_due_names_checks_of_the_attacks_own_notebook(llama: Profile) -> None:
    known = {(task.notebook, task.check_id) for task in tasks(llama)}
    for attack in ATTACKS:
        assert {(attack.notebook, entry.partition("/")[0]) for entry in attack.not_due(llama)} <= known


def test_every_attacker_ends_in_a_state(graded: Run) -> None:
    assert set(graded.found) == {attack.name for attack in ATTACKS}
    states = {name: set(found.states) for name, found in graded.found.items()}  # `not judged` is for our side alone
    assert {name: seen for name, seen in states.items() if not seen or not seen <= {"judged", "review"}} == {}


def test_every_attack_came_as_far_as_it_was_meant_to(graded: Run) -> None:
    assert [name for name, found in graded.found.items() if not found.tried] == []


def test_an_attack_earns_nothing_that_is_not_due_without_a_person(graded: Run) -> None:
    assert {name: found.earned for name, found in graded.found.items() if found.earned} == {}


def test_an_attack_reaches_nothing(graded: Run) -> None:
    assert {name: found.reached for name, found in graded.found.items() if found.reached} == {}


def test_an_attack_harms_nothing_and_takes_no_longer_than_it_may(graded: Run) -> None:
    assert {name: found.harmed for name, found in graded.found.items() if found.harmed} == {}


def test_no_students_script_reaches_a_browser(graded: Run) -> None:
    assert {name: found.alive for name, found in graded.found.items() if found.alive} == {}


def test_an_honest_control_keeps_its_points(graded: Run) -> None:
    assert {control.name: graded.honest[control.name] for control in CONTROLS if graded.honest[control.name]} == {}


def test_bystanders_have_their_points(graded: Run) -> None:
    bystanders = {name: lost for name, lost in graded.honest.items() if name.startswith("bystander")}
    assert len(bystanders) >= 3
    assert not any(bystanders.values()), bystanders


def test_nothing_on_the_machine_has_changed_that_nobody_may_change(graded: Run) -> None:
    assert graded.harmed == []


# What tells whether something is alive in a page


@pytest.mark.parametrize(
    ("page", "is_alive"),
    [
        ("<script>tok()</script>", True),
        ("<p onclick='tok()'>x</p>", True),
        ("<a href='javascript:tok()'>x</a>", True),
        ("<a href='https://example.org/tok'>x</a>", False),
        ("<img src='http://example.org/tok.png'>", True),
        ("<img src='data:image/png;base64,dG9r'>", False),
        ("<iframe src='data:text/html;base64,PHNjcmlwdD50b2s8L3NjcmlwdD4='></iframe>", True),
        ("<div style='background:url(//x/tok)'>x</div>", True),
        ("<p>&lt;script&gt;tok()&lt;/script&gt;</p>", False),
        ("<script src='https://x/mathjax/latest.js?config=TeX'></script><p>$\\href{javascript:tok}{x}$</p>", True),
        ("<p>$\\href{javascript:tok}{x}$</p>", False),  # nothing in the page shows formulas
        ("<script src='https://x/mathjax/latest.js?config=TeX,Safe'></script><p>$\\href{javascript:tok}{x}$</p>", False),
        ("<form action='//x/tok'></form>", True),
    ],
)  # fmt: skip
def test_what_is_alive_in_a_page_is_seen(page: str, is_alive: bool) -> None:
    assert bool(attacks_html.alive(page, "tok")) == is_alive


# The table in the documentation


def test_the_page_has_a_line_for_every_attack() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert [attack.name for attack in ATTACKS if f"| {attacks_report.cell(attack.name)} |" not in page] == []


def test_the_table_is_put_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "security.md"
    page.write_text(f"before\n{attacks_report.BEGIN}\nold\n{attacks_report.END}\nafter\n")
    attacks_report.write(page, "new")
    assert page.read_text() == f"before\n{attacks_report.BEGIN}\nnew\n{attacks_report.END}\nafter\n"


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="between which the table belongs"):
        attacks_report.write(tmp_path / "security.md", "new")


def test_a_cell_of_the_table_has_no_markup_and_no_path_of_the_machine() -> None:
    said = attacks_report.cell("reaches /x/y/course/gradebook.db | <b>")
    assert said == "reaches the course's gradebook.db \\| &lt;b>"
