"""The report: from records to numbers, and from numbers to a page that stands alone and tells nobody's name."""

from __future__ import annotations

import gc
import math
import re
import shutil
import subprocess
import sys
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import empty_gradebook
import pytest
from conftest import ROOT
from html_page import Page, headings_in_order
from hypothesis import given
from hypothesis import strategies as st

from autograder.course.deadline import Deadline, HandInTime
from autograder.course.profile import FROZEN_NAME, Profile
from autograder.errors import Damaged, NotReady
from autograder.facts.evidence import Evidence
from autograder.facts.transcript import Request, Transcript
from autograder.facts.verdict import Criterion, Incident, Override, Phrase, Verdict, Words
from autograder.grading.grades import Grade
from autograder.grading.records import Record, Records
from autograder.judging.contract import ASSIGNMENT, tasks
from autograder.judging.task import Task
from autograder.pages.report.numbers import Numbers, numbers_of
from autograder.pages.report.page import page_of
from autograder.pages.report.pictures import percent
from autograder.pages.report.scores import Distribution
from autograder.pages.report.works import HIDDEN, Work, hiding
from autograder.plugins.report import class_of, numbers_for, write_report
from autograder.submissions.repair_json import Repair
from autograder.words.checks import OBSERVATIONS
from autograder.words.hints import HINTS
from autograder.words.tables import blank

NASTY = "<script>alert(1)</script>"


def by_hand(points: float, waits: bool = False) -> Grade:
    """A cell that a person has scored."""
    return Grade(points, points, manual=points, waits=waits)


def same(text: str) -> Words:
    return Words(nb=text, en=text)


def hide(text: str) -> str:
    return text


def judged(profile: Profile) -> list[Task]:
    return [task for task in tasks(profile) if task.judged_by == "autograder"]


def verdict(task: Task, share: float = 1.0, found: str = "nothing", **more: Any) -> Verdict:
    """A verdict with two criteria, of which the second is failed where the share is less than 1."""
    half = task.points / 2
    failed = {"expected": same("a chain"), "found": same(found), "hint": HINTS["missing"].fill(variable="x")}
    criteria = (
        Criterion(name="kind", title=same("the kind"), points=half, earned=half * min(1, 2 * share), outcome="passed"),
        Criterion(name="model", title=same("the model"), points=half, earned=half, outcome="passed")
        if share == 1
        else Criterion(name="model", title=same("the model"), points=half, earned=0, outcome="failed", **failed),
    )
    return Verdict(task=task.id, check_id=task.check_id, points=task.points, criteria=criteria, **more)


def records(profile: Profile, share: float = 1.0, **more: Any) -> dict[str, Record]:
    """A record of every notebook, each check with the same share of its points: 0, 0.5 or 1."""
    found: dict[str, list[Verdict]] = {}
    for task in judged(profile):
        found.setdefault(task.notebook, []).append(verdict(task, share, **more))
    return {notebook: Record(verdicts=tuple(verdicts)) for notebook, verdicts in found.items()}


def drawn(temperature: float, text: str, profile: Profile, number: int = 0) -> Request:
    task = next(task for task in judged(profile) if "temperature" in task.settings)
    return Request(
        number=number,
        model=task.model or "",
        text=f"Human: {task.question}",
        settings={"do_sample": True, "temperature": temperature, "max_new_tokens": 3},
        outputs=(text,),
        output_ids=((1, 2, 3),),
    )


def numbers(profile: Profile, *works: Work) -> Numbers:
    return numbers_of(works, profile, hide)


# What was earned


def test_a_distribution_counts_everybody_once_and_the_full_score_in_its_last_bin() -> None:
    bins = Distribution(22, (0, 0, 1.5, 21.9, 22, 22)).bins()
    assert (bins[0].low, bins[-1].high, len(bins)) == (0, 22, 11)
    assert [b.count for b in bins] == [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]


@given(st.floats(0.25, 400), st.lists(st.floats(0, 1), max_size=40))
def test_no_distribution_has_more_than_a_few_bins_or_loses_anybody(most: float, shares: list[float]) -> None:
    bins = Distribution(most, tuple(sorted(share * most for share in shares))).bins()
    assert 1 <= len(bins) <= 12
    assert sum(b.count for b in bins) == len(shares)


def test_scores_are_summed_over_the_tasks_and_passes_counted(llama: Profile) -> None:
    found = numbers(llama, Work("a", records(llama)), Work("b", records(llama, 0.5)), Work("c", records(llama, 0)))
    assert found.automatic.values == (0, 11, 22)
    assert found.final.values == ()
    for row in found.tasks:
        if row.task.judged_by == "autograder":
            assert (row.full, row.part, row.none, row.open) == (1, 1, 1, 0)
            assert row.rate == pytest.approx(1 / 3)
            assert [(c.name, c.passed, c.failed) for c in row.criteria] == [("kind", 3, 0), ("model", 1, 2)]


def test_a_person_decides_before_the_check(llama: Profile) -> None:
    task = judged(llama)[1]
    decided = {task.check_id: {"model": Override(earned=task.points / 2, reason="seen")}}
    overruled = numbers(llama, Work("a", records(llama, 0.5), decided))
    row = next(row for row in overruled.tasks if row.task == task)
    assert (row.full, row.criteria[1].passed, row.criteria[1].overruled) == (1, 1, 1)
    assert not any(task.id in mistake.tasks for mistake in overruled.mistakes)
    scored = numbers(llama, Work("a", records(llama, 0), grades={task.check_id: by_hand(task.points)}))
    assert scored.automatic.values == (task.points,)


def test_free_text_counts_when_it_is_marked_and_waits_until_then(llama: Profile) -> None:
    person = [task for task in tasks(llama) if task.judged_by == "person"]
    marked = {task.id: by_hand(task.points) for task in person}
    waiting = {**marked, person[0].id: by_hand(1, waits=True)}
    found = numbers(llama, Work("a", records(llama), grades=marked), Work("b", records(llama), grades=waiting))
    assert (found.final.values, found.unmarked) == ((30,), 1)


def test_who_is_not_judged_is_listed_and_in_no_distribution(llama: Profile) -> None:
    work = Work("a", records(llama, state="not judged", reasons=(same("the GPU was lost"),)))
    found = numbers(llama, work, Work("b", records(llama)))
    assert found.automatic.values == (22,)
    assert len(found.not_judged) == len(judged(llama))
    assert found.reviews == ()


def test_a_verdict_for_review_is_listed_until_a_person_has_scored_it(llama: Profile) -> None:
    task = judged(llama)[0]
    work = records(llama) | {
        task.notebook: Record(verdicts=(verdict(task, state="review", reasons=(same("odd"),)),)),
    }
    waiting = numbers(llama, Work("a", work, grades={task.check_id: Grade(1, 1, auto=1, waits=True)}))
    assert [(r.name, r.check_id, r.score) for r in waiting.reviews] == [("a", task.check_id, task.points)]
    done = numbers(llama, Work("a", work, grades={task.check_id: by_hand(1)}))
    assert (done.reviews, done.settled) == ((), 1)


# Mistakes


def test_the_same_advice_is_one_mistake_however_many_criteria_and_tasks_it_comes_at(llama: Profile) -> None:
    found = numbers(llama, Work("a", records(llama, 0)), Work("b", records(llama, 0.5, found="`y` does not exist")))
    (mistake,) = found.mistakes
    assert mistake.students == 2
    assert set(mistake.tasks.values()) == {2}
    assert mistake.expected == same("a chain")


def test_mistakes_are_one_where_their_hints_have_one_key_whatever_fills_them(llama: Profile) -> None:
    one, *others = (HINTS[key] for key in ("wrong-model", "instruct-for-base", "not-asked"))
    task = judged(llama)[0]

    def work(name: str, hint: Phrase) -> Work:
        failed = Criterion(name="model", title=same("t"), points=1, earned=0, outcome="failed", hint=hint)
        judged = Verdict(task=task.id, check_id=task.check_id, points=1, criteria=(failed,))
        return Work(name, {**records(llama), task.notebook: Record(verdicts=(judged,))})

    def counted(*hints: Phrase) -> list[int]:
        return [mistake.students for mistake in numbers(llama, *map(work, "abc", hints)).mistakes]

    assert counted(*(one.fill(variable=v, found="x", expected="y") for v in "abc")) == [3]
    assert counted(one, *others) == [1, 1, 1]
    assert counted(same("as it was"), same("as it was"), same("otherwise")) == [2, 1]


def test_observations_are_counted_by_kind_without_what_the_model_said(llama: Profile) -> None:
    told = OBSERVATIONS["repeats"].fill(piece=NASTY, times=4)
    found = numbers(llama, Work("a", records(llama, observations=(told, same("something was mended")))))
    (observed,) = found.observed
    assert observed.sentence == blank(OBSERVATIONS["repeats"])
    assert (observed.students, len(observed.tasks)) == (1, len(judged(llama)))


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("/home/kari/models", HIDDEN),
        ("in ~/models/x, of kari", f"in {HIDDEN}, of {HIDDEN}"),
        (r"C:\Users\Kari\x", HIDDEN),
        (r"\\server\home\x", HIDDEN),
        ("KARI's name", f"{HIDDEN}'s name"),
        ("Kari Nordmann asked", f"{HIDDEN} asked"),
        ("mail kari.n@uni.no now", f"mail {HIDDEN} now"),
        ("meta-llama/Llama-3.2-1B", "meta-llama/Llama-3.2-1B"),
        ("/course/models", "/course/models"),
        ("a\u202eb\x00c\nd", "a b c d"),
        ("the do_sample of Do", f"the do_sample of {HIDDEN}"),
        ("karibu", "karibu"),
        ("x" * 500, "x" * 239 + "…"),
    ],
)
def test_examples_hold_neither_names_nor_addresses_nor_paths(text: str, hidden: str) -> None:
    assert hiding(["kari", "Kari Nordmann", "Do"], kept=["/course/models/"])(text) == hidden


# What happened, and what it cost


def test_incidents_and_repairs_are_told_without_the_names_of_files(llama: Profile) -> None:
    found = records(llama)
    found["chatbot"] = found["chatbot"].model_copy(
        update={
            "incidents": (Incident(kind="memory", cell="chain"),),
            "repairs": (Repair(kind="renamed", detail="kari.ipynb"), Repair(kind="marks", cell="chain")),
        }
    )
    got = numbers(llama, Work("a", found))
    assert [(one.kind, one.name, one.notebook, one.cell) for one in got.incidents] == [
        ("memory", "a", "chatbot", "chain")
    ]
    assert [(mended.times, mended.names) for mended in got.mended] == [(1, ("a",)), (1, ("a",))]
    assert "kari" not in str(got.mended)


def test_notebooks_of_one_execution_are_told_by_what_they_saw(llama: Profile) -> None:
    def record(seconds: float) -> Record:
        return Record(evidence=(Evidence(check_id="check-chain", seconds=seconds),))

    works = [Work(str(n), {"chatbot": record(s)}) for n, s in enumerate((0.25, 0.25, 0.75, math.inf, -1))]
    cost = numbers(llama, *works, Work("dead", {"chatbot": Record()}), Work("dead too", {"chatbot": Record()})).cost
    assert (cost.notebooks, cost.executions) == (7, 6)
    (probe,) = cost.probes
    assert (probe.check_id, probe.count, probe.median, probe.most) == ("check-chain", 2, 0.5, 0.75)


def test_equal_answers_are_counted_once(llama: Profile) -> None:
    one, other = drawn(0.9, "arr", llama), drawn(0.9, "ahoy", llama, 1)
    asked = Request(number=2, model="m", text="t", challenge="check-chain")
    works = [
        Work(n, {"temperature": Record(transcript=Transcript(requests=r))})
        for n, r in (("a", (one, asked)), ("b", (one, other)))
    ]
    cost = numbers(llama, *works).cost
    assert (cost.asked, cost.different, cost.tokens, cost.generated, cost.questions) == (3, 2, 9, 6, 1)


def test_each_temperature_has_the_different_answers_of_the_class(llama: Profile) -> None:
    first, second, third = (task.settings["temperature"] for task in judged(llama) if "temperature" in task.settings)
    requests = {
        "a": (drawn(first, "arr I be a pirate", llama), drawn(second, "arr", llama)),
        "b": (drawn(first, "arr I be a pirate", llama), drawn(first, "arr I be a parrot", llama)),
        "c": (drawn(first, "ship ship ship ship", llama), drawn(second, "", llama)),
    }
    works = [Work(n, {"temperature": Record(transcript=Transcript(requests=r))}) for n, r in requests.items()]
    warm, hot, hottest = numbers(llama, *works).temperatures
    assert (warm.temperature, warm.students, len(warm.samples)) == (first, 3, 3)
    assert [sample.alike for sample in warm.samples] == pytest.approx([1 / 3, 1 / 3, 0])
    assert [sample.variety for sample in warm.samples] == [1, 1, 0.25]
    assert all(sample.at_limit for sample in warm.samples)
    assert [sample.empty for sample in hot.samples] == [False, True]
    assert (hottest.temperature, hottest.samples) == (third, ())


# The page


def handed_in(hours: float, until: float | None = None) -> HandInTime:
    """So many hours after the deadline, with an extension of so many."""
    due = datetime(2026, 12, 1, 12, tzinfo=UTC)
    extended = due + timedelta(hours=until) if until is not None else None
    return HandInTime(due + timedelta(hours=hours), Deadline(due, extended))


def test_no_more_than_one_students_requests_are_held_at_a_time(llama: Profile) -> None:
    seen: list[weakref.ref[Transcript]] = []

    def works() -> Iterator[Work]:
        for number in range(3):
            transcript = Transcript(requests=(drawn(0.9, "a boat", llama, number),))
            seen.append(weakref.ref(transcript))
            yield Work(str(number), {"temperature": Record(transcript=transcript)})
            del transcript
            gc.collect()
            assert sum(each() is not None for each in seen) <= 1

    assert numbers_of(works(), llama, hide).cost.notebooks == 3


def nasty_class(profile: Profile) -> list[Work]:
    """Everything that a page can hold, every text of it with markup in it."""
    words = same(f"{NASTY} `{NASTY}`")
    bad = records(profile, 0, found=NASTY, state="review", reasons=(words,), observations=(words,))
    bad["temperature"] = bad["temperature"].model_copy(
        update={
            "transcript": Transcript(requests=(drawn(0.9, NASTY, profile), drawn(2.0, "x", profile, 1))),
            "incidents": (Incident(kind="tampering", cell=NASTY),),
            "repairs": (Repair(kind=NASTY, detail=NASTY),),
            "evidence": (Evidence(check_id="check-temperature-1", seconds=0.5),),
        }
    )
    lost = records(profile, state="not judged", reasons=(words,))
    grades = {task.id: by_hand(1) for task in tasks(profile) if task.judged_by == "person"}
    return [
        Work(NASTY, bad, damaged=(NASTY,), grades=grades, time=handed_in(30, 40)),
        Work("b", lost),
        Work("c", records(profile), grades=grades),
    ]


@pytest.fixture(scope="module", params=["nb", "en"])
def nasty(request: pytest.FixtureRequest, llama: Profile) -> tuple[str, str]:
    """A language, and the page of everything in it."""
    return request.param, page_of(numbers(llama, *nasty_class(llama)), NASTY, request.param, named=True)


def test_nothing_of_a_students_is_markup(nasty: tuple[str, str]) -> None:
    _, text = nasty
    assert Page(text).all("script") == []
    assert text.count(NASTY) == 0
    assert text.count("&lt;script&gt;") > 10


def test_the_page_stands_alone(nasty: tuple[str, str]) -> None:
    _, text = nasty
    outside = re.findall(r"""(?:src|href|action)\s*=\s*["'](?!#)[^"']*|url\((?!#)|@import""", text)
    assert outside == []
    assert "default-src 'none'" in text
    assert len(Page(text).all("svg")) == 6


def test_the_page_can_be_used_by_everybody(nasty: tuple[str, str]) -> None:
    language, page = nasty[0], Page(nasty[1])
    assert page.all("html") == [{"lang": language}]
    assert headings_in_order(page)
    pictures = [a for a in page.all("div") if a.get("role") == "img"]
    assert len(pictures) == len(page.all("svg")) == len(page.all("details"))
    assert all(len(picture["aria-label"]) > 40 for picture in pictures)
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert len(page.all("caption")) == len(page.all("table"))
    links = {a["href"][1:] for a in page.all("a")}
    assert links <= set(ids)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        digits = colour.lstrip("#")
        digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
        parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_colours_have_enough_contrast_in_light_and_in_dark(llama: Profile) -> None:
    text = page_of(numbers(llama), "chatbot", "en", named=False)
    for block in re.findall(r":root \{(.*?)\}", text, re.DOTALL):
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]+)", block))
        for name in ("ink", "soft", "link"):
            assert contrast(colours[name], colours["page"]) >= 4.5, name
            assert contrast(colours[name], colours["band"]) >= 4.5, name
        for name in ("all", "some", "none", "grid"):
            assert contrast(colours[name], colours["page"]) >= 3, name
        for name in ("all", "some", "none"):
            assert contrast(colours["on"], colours[name]) >= 4.5, name


def test_a_class_of_nobody_and_one_that_is_not_graded_say_so(llama: Profile) -> None:
    assert "Nobody has handed in yet." in page_of(numbers(llama), "chatbot", "en", named=False)
    text = page_of(numbers(llama, Work("a"), Work("b")), "chatbot", "en", named=False)
    assert "2 handed in, and nobody has been graded yet." in text
    assert Page(text).all("h2") == []


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_a_class_of_one_has_a_page(llama: Profile, gemma: Profile, third: Profile, share: float) -> None:
    for profile in (llama, gemma, third):
        found = numbers(profile, Work("a", records(profile, share)))
        assert Page(page_of(found, "chatbot", profile.course.language, named=False)).all("svg")


def test_a_class_where_all_is_right_has_no_mistakes(llama: Profile) -> None:
    found = numbers(llama, *(Work(str(n), records(llama)) for n in range(3)))
    text = page_of(found, "chatbot", "en", named=False)
    assert "No mistakes have been found." in text
    assert "Every criterion is in place for everybody." in text


def test_a_class_with_damaged_records_alone_lists_them(llama: Profile) -> None:
    text = page_of(numbers(llama, Work("a", damaged=("chatbot",))), "chatbot", "en", named=False)
    assert "could not be read" in text
    assert "<td>chatbot</td>" in text


def test_a_share_is_written_in_per_cent_as_the_language_has_it() -> None:
    assert (percent(0.5, "nb"), percent(0.5, "en"), percent(None, "en")) == ("50 %", "50%", "–")


LATE = {
    "in time": (handed_in(-1), None),
    "in time, with an extension that was not needed": (handed_in(0, 3), None),
    "late": (handed_in(25), "1 day and 1 hour no"),
    "covered": (handed_in(2, 3), "2 hours yes, and handed in within it"),
    "late all the same": (handed_in(4, 3), "4 hours yes, and handed in after it"),
}


def test_who_was_late_is_listed_with_by_how_long_and_whether_an_extension_covers_it(llama: Profile) -> None:
    works = [Work(name, records(llama), time=time) for name, (time, _) in LATE.items()]
    text = page_of(numbers(llama, *works, Work("unknown", records(llama))), "chatbot", "en", named=True)
    section = text[text.index('<table>\n<caption class="unseen">Handed in after the deadline') :]
    table = section[: section.index("</table>") + len("</table>")]
    assert Page(table).text("th", scope="row") == [name for name, (_, said) in LATE.items() if said]
    assert " ".join(Page(table).text("td")) == " ".join(said for _, said in LATE.values() if said)
    assert "2026" not in table


def test_where_nobody_was_late_the_page_has_no_such_section(llama: Profile) -> None:
    text = page_of(numbers(llama, Work("a", records(llama), time=handed_in(-1))), "chatbot", "en", named=True)
    assert "Handed in after the deadline" not in text


# From a course on disk


@pytest.fixture
def course(tmp_path: Path, llama: Profile) -> Path:
    """Two students, one of whom has a record that is damaged; no gradebook."""
    (tmp_path / "release" / ASSIGNMENT).mkdir(parents=True)
    (tmp_path / "release" / ASSIGNMENT / FROZEN_NAME).write_text(llama.freeze().to_json(), encoding="utf-8")
    for student in ("kari", "ola"):
        (tmp_path / "submitted" / student / ASSIGNMENT).mkdir(parents=True)
        for notebook, record in records(llama, 0, found=f"{student} in /home/{student}/x").items():
            Records(tmp_path, ASSIGNMENT).write(student, notebook, record)
    (tmp_path / "verdicts" / ASSIGNMENT / "ola" / "chatbot.json").write_text("{", encoding="utf-8")
    return tmp_path


def test_a_page_without_names_has_none_and_one_with_names_has_them(course: Path) -> None:
    assert write_report(course, course / "report.html", named=False) == 2
    text = (course / "report.html").read_text(encoding="utf-8")
    assert not re.search("kari|ola", text)
    assert re.search("student\u00a0[12]", text)
    assert "1 av 2 som har levert, er rettet." in text
    write_report(course, course / "report.html", named=True)
    text = (course / "report.html").read_text(encoding="utf-8")
    assert "ola" in text
    assert "/home" not in text


def test_a_student_keeps_the_number_when_others_come_and_go(course: Path) -> None:
    first = numbers_for(course, ASSIGNMENT, ["kari", "ola"])
    assert sorted(first.values()) == [1, 2]
    later = numbers_for(course, ASSIGNMENT, ["anna", "kari", "per"])
    assert (later["kari"], later["ola"]) == (first["kari"], first["ola"])
    assert sorted(later.values()) == [1, 2, 3, 4]
    assert class_of(course, ASSIGNMENT) == ["kari", "ola"]


def test_numbers_that_cannot_be_read_are_told(course: Path) -> None:
    (course / "verdicts" / ASSIGNMENT / "numbers.json").write_text("[]", encoding="utf-8")
    with pytest.raises(Damaged, match="move it away"):
        write_report(course, course / "report.html", named=False)


def test_damaged_overrides_are_listed_and_the_rest_is_counted(course: Path) -> None:
    (course / "overrides" / ASSIGNMENT).mkdir(parents=True)
    (course / "overrides" / ASSIGNMENT / "kari.json").write_text("x", encoding="utf-8")
    write_report(course, course / "report.html", named=True)
    text = (course / "report.html").read_text(encoding="utf-8")
    assert "<td>overrides</td>" in text


def test_without_a_release_there_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="autograder release"):
        write_report(tmp_path, tmp_path / "report.html", named=False)


def test_the_command_writes_the_page_and_reads_the_gradebook(course: Path, llama: Profile) -> None:
    from nbgrader.api import Gradebook

    empty_gradebook.put(course / "gradebook.db")
    shutil.copy(ROOT / "course.toml", course)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        gradebook.add_student("kari", first_name="Kari", last_name=NASTY)
    command = [sys.executable, "-c", "from autograder.cli import run; run()", "report", "--course", str(course)]
    done = subprocess.run([*command, "--names"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 student(s), with names" in done.stdout
    text = (course / "report.html").read_text(encoding="utf-8")
    assert NASTY not in text
    Page(text)
