"""The page that a student gets: what stands in it, and what never does.

Pages are made by nbgrader's own command, once for the file; what a single cell becomes is tried on notebooks made here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from feedback_pages import ANSWER, COMMENT, PENALTY, SECRET, TOKEN, feedback_course, page_of
from forked import ScratchCourse
from html_page import Page, headings_in_order
from hub_browser import browser
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from test_accessible import judged_by_axe, usable_by_everybody

from autograder.facts.verdict import Criterion, Verdict, Words
from autograder.judging.contract import ASSIGNMENT, tasks
from autograder.pages import feedback, marking
from autograder.pages.feedback import Grade, state_of
from autograder.words.pages import FEEDBACK
from autograder.words.tables import say, words_of
from trials.attacks import html as attacks_html

EVERYBODY = ("anna", "david", "farid", "kari", "mallory")
FORBIDDEN = {
    "script", "iframe", "frame", "object", "embed", "link", "base", "form", "audio", "video", "svg", "math", "portal",
}  # fmt: skip


def rows(page: str) -> dict[str, str]:
    """The overview: what stands in the row of each task."""
    return {row.split(" av ")[0].rsplit(" ", 1)[0]: row for row in Page(page).text("tr") if " av " in row}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, tiny_home: Path) -> ScratchCourse:
    return feedback_course(tmp_path_factory.mktemp("feedback") / "nb", tiny_home, "nb")


@pytest.fixture(scope="module")
def english_path(tmp_path_factory: pytest.TempPathFactory, tiny_home: Path) -> Path:
    return page_of(feedback_course(tmp_path_factory.mktemp("feedback") / "en", tiny_home, "en", ("anna",)), "anna")


@pytest.fixture(scope="module")
def english(english_path: Path) -> str:
    return english_path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pages(course: ScratchCourse) -> dict[str, str]:
    return {student: page_of(course, student).read_text(encoding="utf-8") for student in EVERYBODY}


each_student = pytest.mark.parametrize("student", EVERYBODY)


# --- What is never in a page ---


@each_student
def test_no_page_has_a_script_or_anything_that_loads_something(student: str, pages: dict[str, str]) -> None:
    for tag, attributes in Page(pages[student]).elements:
        assert tag not in FORBIDDEN
        assert [name for name in attributes if name.startswith("on")] == []
        for name in attacks_html.FETCHING & set(attributes):
            assert attributes[name].startswith("data:image/")
        assert not re.search(r"url\(|@import", attributes.get("style", ""))
        if tag == "meta" and "http-equiv" in attributes:
            assert attributes["http-equiv"] == "Content-Security-Policy"
    style = "".join(Page(pages[student]).text("style"))
    assert not re.search(r"url\(|@import|@font-face|expression", style)


def test_nothing_that_a_hostile_student_wrote_is_alive(pages: dict[str, str]) -> None:
    assert TOKEN in pages["mallory"]
    assert attacks_html.alive(pages["mallory"], TOKEN) == []


@each_student
def test_every_page_tells_the_browser_to_load_nothing(student: str, pages: dict[str, str]) -> None:
    policy = next(a["content"] for t, a in Page(pages[student]).elements if t == "meta" and "http-equiv" in a)
    assert {"default-src 'none'", "img-src data:", "style-src 'unsafe-inline'"} <= {
        p.strip() for p in policy.split(";")
    }


@each_student
def test_no_page_has_the_source_of_a_check(student: str, pages: dict[str, str]) -> None:
    assert not re.search(r"check\((\"|'|&quot;|&#34;)", pages[student])


def test_a_hidden_test_is_not_in_the_page_nor_is_its_traceback(course: ScratchCourse, pages: dict[str, str]) -> None:
    graded = course.root / "autograded" / "anna" / ASSIGNMENT / "chatbot.ipynb"
    assert graded.read_text(encoding="utf-8").count(SECRET) == 3
    assert SECRET not in pages["anna"]
    assert "HIDDEN TESTS" not in pages["anna"]


def test_what_a_student_wrote_brings_no_names_of_places_colours_or_headings(pages: dict[str, str]) -> None:
    read = Page(pages["mallory"])
    assert "30 / 30 " + TOKEN in " ".join(read.text("strong"))
    names = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(names) == len(set(names))
    assert len(read.text("p", class_="total")) == 1


# --- The top ---


@each_student
def test_the_sum_is_the_gradebooks(student: str, course: ScratchCourse, pages: dict[str, str]) -> None:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        notebook = gradebook.find_submission_notebook("chatbot", ASSIGNMENT, student)
        score = notebook.score - (notebook.late_submission_penalty or 0)
        expected = f"{score:g} av {notebook.max_score:g} poeng".replace(".", ",")
    (total,) = Page(pages[student]).text("p", class_="total")
    assert total.removesuffix(" så langt") == expected


@each_student
def test_every_task_is_in_the_overview_and_leads_to_its_place(
    student: str, course: ScratchCourse, pages: dict[str, str]
) -> None:
    read = Page(pages[student])
    expected = [task for task in tasks(course.profile) if task.notebook == "chatbot"]
    links = [a["href"] for t, a in read.elements if t == "a" and a.get("href", "").startswith("#task-")]
    assert links == [f"#task-{task.check_id}" for task in expected]
    assert {link[1:] for link in links} <= {a.get("id") for t, a in read.elements if t == "h2"}


def test_tasks_are_called_what_the_student_knows_them_by(pages: dict[str, str]) -> None:
    assert list(rows(pages["anna"])) == [
        "Hvor modellene ligger", "Last modellen", "Kortere svar", "Hvilket argument?", "Skriv ledeteksten", "Lag kjeden",
        "Det første spørsmålet", "Et nytt spørsmål", "Hukommelse og gjentakelser",
    ]  # fmt: skip


STANDS = {
    ("anna", "Last modellen"): "3 av 3 ✓ alle poeng",
    ("anna", "Hukommelse og gjentakelser"): "2,5 av 3 ◐ noen poengbestemt av en personmed kommentar",
    ("david", "Kortere svar"): "0 av 1 ✗ ingen poeng",
    ("david", "Skriv ledeteksten"): "2 av 2 ✓ alle poengbestemt av en person",
    ("david", "Hukommelse og gjentakelser"): "– av 3 … venter på en person",
    ("farid", "Lag kjeden"): "0 av 2 ✗ ingen poeng",
    ("farid", "Last modellen"): "0 av 3 – ikke besvart",
    ("farid", "Hukommelse og gjentakelser"): "0 av 3 – ikke besvart",
    ("kari", "Lag kjeden"): "0 av 2 ? foreløpig",
}


@pytest.mark.parametrize(("student", "task"), STANDS)
def test_how_a_task_stands_is_told_by_a_sign_and_in_words(student: str, task: str, pages: dict[str, str]) -> None:
    assert rows(pages[student])[task] == f"{task} {STANDS[student, task]}"


def test_a_penalty_for_being_late_is_told_and_taken_off(pages: dict[str, str]) -> None:
    assert f"{PENALTY:g} poeng er trukket fra".replace(".", ",") in pages["anna"]
    assert Page(pages["anna"]).text("p", class_="total") == ["14 av 16 poeng"]
    assert "trukket fra" not in pages["david"]


HANDED_IN = {
    "anna": "Levert onsdag 25. november 2026 kl. 11.00. Fristen var onsdag 25. november 2026 kl. 12.00.",
    "david": "Levert torsdag 26. november 2026 kl. 13.30, 1 dag og 1 time etter fristen onsdag 25. november 2026 kl. 12.00.",
    "kari": "Levert torsdag 26. november 2026 kl. 13.30, innen utsatt frist lørdag 28. november 2026 kl. 12.00. "
    "Fristen for alle var onsdag 25. november 2026 kl. 12.00.",
}


@each_student
def test_a_page_tells_when_it_was_handed_in_and_what_the_students_deadline_was(
    student: str, pages: dict[str, str]
) -> None:
    (said,) = (text for text in Page(pages[student]).text("p", class_="soft") if "Tilbakemelding" in text)
    assert said.partition("i chatbot")[2].strip() == HANDED_IN.get(student, "")
    assert "syk" not in pages[student]


def test_nbgrader_counts_how_late_somebody_is_from_the_students_own_deadline(course: ScratchCourse) -> None:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        late = {row.student.id: row.total_seconds_late for row in gradebook.assignment_submissions(ASSIGNMENT)}
    assert late == dict.fromkeys(EVERYBODY, 0) | {"david": 25.5 * 3600}


def test_an_answer_that_nobody_has_read_yet_is_told_and_is_not_a_zero(pages: dict[str, str]) -> None:
    assert "Poengene kommer når det er gjort." in pages["david"]
    assert "inntil 3." in pages["david"]
    assert "0 av 3" not in pages["david"]
    assert Page(pages["david"]).text("p", class_="total")[0].endswith("så langt")


# --- A task ---


def test_a_persons_comment_is_shown_as_markdown(pages: dict[str, str]) -> None:
    assert Page(pages["anna"]).text("div", class_="comment") == ["Fint forklart. Bruk gjerne et eksempel til."]
    assert "<strong>Bruk</strong>" in pages["anna"]
    assert "**Bruk**" in COMMENT


def test_nbgraders_own_comment_on_an_open_cell_is_not_called_a_persons(pages: dict[str, str]) -> None:
    assert "No response" not in pages["farid"]
    assert Page(pages["farid"]).text("div", class_="comment") == []


def test_an_override_is_shown_with_its_reason_as_text(pages: dict[str, str]) -> None:
    assert "Overstyrt av en person: Avtalt i timen: &lt;b&gt;malen&lt;/b&gt; ligger i en egen fil." in pages["david"]


def test_hints_of_all_criteria_are_shown(pages: dict[str, str]) -> None:
    for words in ("Forventet", "Fant", "Neste steg", "en grense på 256 nye tokener"):
        assert words in pages["david"]
    assert pages["david"].count("Neste steg:") == 3  # two criteria of one task, one of another


def test_a_task_that_a_person_must_look_at_says_why_and_that_it_is_provisional(pages: dict[str, str]) -> None:
    text = " ".join(Page(pages["kari"]).text("section", **{"aria-labelledby": "task-check-chain"}))
    assert "Poengene her er foreløpige. En person ser på oppgaven, og du trenger ikke å gjøre noe." in text
    assert "Grunnen er denne: Kjernen stoppet i cellen «chain» da notebooken ble rettet." in text


def test_an_answer_in_free_text_is_shown_sanitized(pages: dict[str, str]) -> None:
    assert "Fordi kjeden bare ser <em>ett</em> kall." in pages["anna"]
    assert ANSWER.startswith("# Svar")
    assert "<p><strong>Svar</strong></p>" in pages["anna"]


def test_cells_of_the_students_own_are_shown_and_the_assignments_text_is_not(pages: dict[str, str]) -> None:
    assert "My own note" in pages["david"]
    assert "my own try" in Page(pages["david"]).text("pre", class_="printed")
    assert "Gjør dette" not in pages["david"]
    assert "Shift + Enter" not in pages["david"]


def test_a_traceback_is_folded_after_the_sentence_that_explains_it(pages: dict[str, str]) -> None:
    page = pages["farid"]
    sentence, folded = page.index("Denne cellen stoppet med en feil: NameError"), page.index("<details>")
    assert sentence < folded < page.index("Traceback (most recent call last)")
    assert "open" not in {name for tag, a in Page(page).elements if tag == "details" for name in a}


def test_a_traceback_names_no_account_and_no_home(pages: dict[str, str]) -> None:
    (shown,) = (text for text in Page(pages["mallory"]).text("pre", class_="traceback") if "File" in text)
    assert "File ~/course/x.py:3" in shown
    assert "by …" in shown
    assert "mallory" not in shown
    assert "~/.venv/lib/x.py:1: UserWarning" in pages["mallory"]


@each_student
def test_headings_go_down_one_level_at_a_time(student: str, pages: dict[str, str]) -> None:
    assert headings_in_order(Page(pages[student]))


@each_student
def test_what_scrolls_can_be_reached_by_keyboard_and_has_a_name(student: str, pages: dict[str, str]) -> None:
    for _, attributes in Page(pages[student]).elements:
        if {"long", "wide"} & set(attributes.get("class", "").split()):
            assert attributes["tabindex"] == "0"
            assert attributes["aria-label"]


@judged_by_axe
def test_everybody_can_use_the_page(course: ScratchCourse, english_path: Path) -> None:
    with browser() as started:
        usable_by_everybody([*(page_of(course, student) for student in EVERYBODY), english_path], started)


# --- Languages ---


def test_the_page_is_in_the_language_of_the_profile(pages: dict[str, str], english: str) -> None:
    for page, language in ((pages["anna"], "nb"), (english, "en")):
        assert Page(page).elements[0] == ("html", {"lang": language})
    assert "14 of 16 points" in english
    assert "Where the models are 1 of 1 ✓ all points" in Page(english).text("tr")


def test_a_page_has_no_words_of_the_other_language(pages: dict[str, str], english: str) -> None:
    for words in map(words_of, FEEDBACK.values()):
        assert "{" in words.nb or len(words.nb) < 12 or words.nb not in english
        assert "{" in words.en or len(words.en) < 12 or all(words.en not in page for page in pages.values())


# --- Formgrader ---

API = """
from nbgrader.apps import NbGrader
from nbgrader.apps.api import NbGraderAPI
app = NbGrader()
app.initialize([])
said = NbGraderAPI(config=app.config).generate_feedback("chatbot", "david", force=True)
assert said["success"], said
"""


def test_formgraders_button_makes_the_same_page(course: ScratchCourse, pages: dict[str, str]) -> None:
    page_of(course, "david").unlink()
    subprocess.run([sys.executable, "-c", API], cwd=course.root, check=True, capture_output=True)
    assert page_of(course, "david").read_text(encoding="utf-8") == pages["david"]


# --- Other assignments ---


def test_an_ordinary_assignment_has_nbgraders_own_page(course: ScratchCourse) -> None:
    folder = course.root / "source" / "plain"
    folder.mkdir(parents=True)
    flags = {"grade": True, "solution": True, "locked": False, "task": False, "points": 2, "schema_version": 3}
    nb = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nb.cells.append(
        nbformat.v4.new_markdown_cell("Why? $x$", id="w", metadata={"nbgrader": {**flags, "grade_id": "w"}})
    )
    nb.cells.append(nbformat.v4.new_code_cell("1 / 0", id="c"))
    nbformat.write(nb, folder / "sums.ipynb")
    settings = course.root / "nbgrader_config.py"
    kept = settings.read_text(encoding="utf-8")
    only = "c.GenerateAssignment.preprocessors = c.GenerateAssignment.preprocessors[3:-1]\n"
    stock = (
        "from nbconvert.exporters import HTMLExporter\nfrom nbgrader.converters import GenerateFeedback\n"
        "c.GenerateFeedback.exporter_class = HTMLExporter\n"
        "c.GenerateFeedback.preprocessors = GenerateFeedback.preprocessors.default_args[0]\n"
    )
    path = course.root / "feedback" / "anna" / "plain" / "sums.html"
    made = []
    try:
        settings.write_text(kept + only, encoding="utf-8")
        course.instructor("generate_assignment", "plain")
        shutil.copytree(course.root / "release" / "plain", course.root / "submitted" / "anna" / "plain")
        course.instructor("autograde", "plain")
        for extra in ("", stock):
            settings.write_text(kept + extra, encoding="utf-8")
            course.instructor("generate_feedback", "plain", "--force")
            made.append(path.read_text(encoding="utf-8"))
    finally:
        settings.write_text(kept, encoding="utf-8")
    assert "Written response" in made[0]
    assert "mathjax" in made[0].lower()
    assert made[0] == made[1]


# --- Single cells ---


def page(cells: list[NotebookNode], grade: Grade, verdict: Verdict | None = None) -> feedback.Page:
    """The page of a notebook with a check as its one task: it stands after these cells."""
    return page_of_cells([*cells, checked()], grade, verdict)


def page_of_cells(cells: list[NotebookNode], grade: Grade, verdict: Verdict | None = None) -> feedback.Page:
    nb = nbformat.v4.new_notebook(cells=cells)
    whole = feedback.NotebookScore(
        student="anna", assignment="a", notebook="n", score=grade.score, points=2, late_penalty=0
    )
    verdicts = {"check-x": verdict} if verdict else {}
    return feedback.page_of(nb, nbformat.v4.new_notebook(), {"check-x": grade}, verdicts, whole, "en")


def checked() -> NotebookNode:
    marks = {"grade": True, "solution": False, "locked": True, "grade_id": "check-x"}
    return nbformat.v4.new_code_cell("secret", metadata={"nbgrader": marks})


def coded(*outputs: dict[str, Any], **marks: object) -> NotebookNode:
    marks = {"grade": False, "solution": True, "locked": False, "grade_id": "x", **marks}
    cell = nbformat.v4.new_code_cell("source", metadata={"nbgrader": marks})
    cell.outputs = [nbformat.from_dict(output) for output in outputs]
    return cell


def data(**kinds: str) -> dict[str, Any]:
    named = {"png": "image/png", "svg": "image/svg+xml", "html": "text/html", "text": "text/plain", "js": "text/javascript",
             "pdf": "application/pdf"}  # fmt: skip
    return {"output_type": "display_data", "data": {named[k]: v for k, v in kinds.items()}, "metadata": {}}


FULL = Grade(score=2, points=2, auto=2)
OUTPUTS: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "a picture": (data(png="eA==\n", text="<Figure>"), [("image", "data:image/png;base64,eA==")]),
    "a picture that is none": (data(png='x" onerror="x', text="<Figure>"), [("printed", "<Figure>")]),
    "HTML before text": (data(html="<b>x</b><img src='http://x/y.png' alt='a'>", text="x"), [("html", "<b>x</b>a")]),
    "script of its own": (data(js="alert(1)"), []),
    "a document": (data(pdf="x"), []),
    "colours": ({"output_type": "stream", "name": "stdout", "text": "\x1b[31mred\x1b[0m"}, [("printed", "red")]),
    "own name on stdout": (
        {"output_type": "stream", "name": "stdout", "text": "I am anna at /home/anna"},
        [("printed", "I am anna at /home/anna")],
    ),
    "an error without lines": (
        {"output_type": "error", "ename": "E", "evalue": "in /home/anna/x", "traceback": []},
        [("traceback", "E: in ~/x")],
    ),
}


@pytest.mark.parametrize("what", OUTPUTS)
def test_an_output_is_shown_as_what_it_is_or_not_at_all(what: str) -> None:
    output, expected = OUTPUTS[what]
    shown = page([coded(output)], FULL).parts[0].shown
    assert [(each.kind, str(each.body)) for each in shown[1:]] == expected


def test_a_very_long_output_is_cut_and_says_so() -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "x" * (marking.MAX_TEXT + 5)}
    (_, shown) = page([coded(output)], FULL).parts[0].shown
    assert shown.long
    assert shown.body.endswith("x\n(The rest is left out here.)")


def test_the_courses_own_cells_are_not_shown_nor_is_what_they_put_out() -> None:
    own = coded(data(text="a picture"), solution=False, locked=True, grade_id="shown")
    assert page([own], FULL).parts[0].shown == ()


def test_cells_after_the_last_task_are_kept() -> None:
    found = page_of_cells([checked(), nbformat.v4.new_code_cell("more = 1")], FULL)
    assert [(part.id, [shown.body for shown in part.shown]) for part in found.parts] == [
        ("task-check-x", []), ("rest", ["more = 1"]),
    ]  # fmt: skip


STATES = {
    "all": (Grade(2, 2, auto=2), False, "full"),
    "more than all": (Grade(3, 2, auto=2, extra=1), False, "full"),
    "some": (Grade(1, 2, auto=1), False, "part"),
    "none": (Grade(0, 2, auto=0), False, "none"),
    "untouched": (Grade(0, 2, auto=0), True, "unanswered"),
    "untouched, and right all the same": (Grade(2, 2, auto=2), True, "full"),
    "untouched, and a person gave none": (Grade(0, 2, auto=0, manual=0), True, "none"),
    "not read": (Grade(0, 2, waits=True), False, "waiting"),
    "proposed": (Grade(1, 2, auto=1, waits=True), False, "review"),
    "to be read again": (Grade(1, 2, manual=1, waits=True), False, "review"),
}


@pytest.mark.parametrize("what", STATES)
def test_how_a_task_stands_follows_from_the_gradebook(what: str) -> None:
    grade, untouched, state = STATES[what]
    assert state_of(grade, untouched) == state


def test_every_state_has_a_sign_of_its_own_and_words_of_its_own() -> None:
    assert len(set(feedback.SIGNS.values())) == len(feedback.SIGNS)
    for language in ("nb", "en"):
        assert len({say(FEEDBACK[state], language) for state in feedback.SIGNS}) == len(feedback.SIGNS)


def reviewed() -> Verdict:
    both = Words(nb="Noe rart. En person ser på det.", en="Something odd. A person will look.")
    title = Words(nb="t", en="t")
    criterion = Criterion(name="c", title=title, points=2, earned=0, outcome="failed")
    return Verdict(task="x", check_id="check-x", points=2, state="review", criteria=(criterion,), reasons=(both,))


def test_a_reason_is_said_once_and_kindly() -> None:
    part = page([coded()], Grade(0, 2, auto=0, waits=True), reviewed()).parts[0]
    assert part.reasons == ("Something odd.",)
    assert part.verdict is not None
    assert "odd" not in part.verdict


def test_a_reason_is_gone_when_a_person_has_looked() -> None:
    part = page([coded()], Grade(2, 2, auto=0, manual=2), reviewed()).parts[0]
    assert (part.reasons, part.by_person, part.state) == ((), True, "full")
    assert part.notes == ("A person has looked at this task and given 2 of 2 points. That is what holds.",)


def test_a_verdict_that_our_side_owes_is_not_shown_where_a_person_gave_points() -> None:
    verdict = Verdict(task="x", check_id="check-x", points=2, state="not judged")
    assert page([coded()], Grade(1, 2, manual=1), verdict).parts[0].verdict is None


def test_extra_points_are_told() -> None:
    assert "0.5 extra points have been given." in page([coded()], Grade(2.5, 2, auto=2, extra=0.5)).parts[0].notes
