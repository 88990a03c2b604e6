"""Formgrader's page of a submission, from a real server: what a person who marks sees there, and what may be decided.

One small course is graded for the whole file, and served by Jupyter; tests that change it take a check of their own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from email.message import Message
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, Request, build_opener

import nbformat
import pytest
from conftest import ROOT
from forked import ScratchCourse
from hub_browser import CHROMIUM, browser
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config, PyFileConfigLoader

from autograder.facts.verdict import Words
from autograder.grading import being_marked
from autograder.grading.records import Record, Records
from autograder.judging.contract import ASSIGNMENT
from autograder.pages import marking
from autograder.pages.marking import number_in, part_of, rubric_of, shortened
from autograder.pages.marking_page import Pieces
from autograder.plugins.extend import Extending, Wish
from autograder.plugins.formgrader import HANDLERS, install
from autograder.words.marking import MARKING
from autograder.words.tables import say
from trials.attacks.html import alive
from trials.classes import Student

TOKEN, SECRET = "evilmark", "secret"
HOSTILE = f"<script>{TOKEN}()</script><img src='x' onerror='{TOKEN}()'><iframe src='javascript:{TOKEN}()'></iframe>"
HANDED_IN = "as the student saw it"
AGAIN = "as it came out again"
ANSWER = "It remembers nothing."
TITLE = "An ordinary one"
TIMES = {"anna": "2026-11-25 11:00:00 UTC", "bjorn": "2026-11-25 14:00:00 UTC", "celine": "2026-11-25 14:00:00 UTC"}


def hand_in(course: ScratchCourse, student: Student) -> Path:
    """Puts one notebook where `collect` would, with the outputs that a student saw. Answers its path."""
    path = course.hand_in(student, "chatbot") / "chatbot.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.id == "who-are-you":
            trace = [f'  File "/home/{student.id}/chain.py", line 1', "ValueError: no"]
            cell.outputs = [
                new_output("stream", name="stdout", text=f"{HANDED_IN}, in /home/{student.id}/chatbot\n"),
                new_output("error", ename="ValueError", evalue="no", traceback=trace),
            ]
        if cell.id == "ideal-boat":
            cell.outputs = [new_output("display_data", data={"text/html": HOSTILE, "application/javascript": TOKEN})]
    nbformat.write(notebook, path)
    return path


def plain(course: ScratchCourse) -> None:
    """An ordinary assignment in the same course, as it is when it has been graded."""
    marks = {"schema_version": 3, "task": False, "grade": True, "locked": True, "solution": False, "points": 2}
    shown = [new_output("stream", text="in /home/anna\n")]
    cells = [
        new_markdown_cell(f"# {TITLE}"),
        new_code_cell("1", id="sum", outputs=shown, metadata={"nbgrader": {**marks, "grade_id": "sum"}}),
    ]
    folder = course.root / "autograded" / "anna" / "plain"
    folder.mkdir(parents=True)
    nbformat.write(new_notebook(cells=cells), folder / "sums.ipynb")
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLAlchemy is not content with how nbgrader adds a submission
        gradebook.add_assignment("plain", course_id=course.profile.course.id)
        gradebook.add_notebook("sums", "plain")
        gradebook.add_grade_cell("sum", "sums", "plain", max_score=2, cell_type="code")
        gradebook.add_submission("plain", "anna")


@pytest.fixture(scope="module")
def course(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> ScratchCourse:
    """anna is right; bjorn's kernel ends in his chain; celine's file is broken; daniel's verdict was not judged.

    anna hands in in time, bjorn is late, and celine, who has an extension, is as late; of daniel no time is known.
    """
    made = ScratchCourse(tmp_path_factory.mktemp("formgrader"), ROOT, tiny_home)
    made.instructor("generate_assignment", ASSIGNMENT)
    cells = made.reference()
    shown = f"\nfrom IPython.display import HTML, display\ndisplay(HTML({HOSTILE!r}))\nprint('~anna', {AGAIN!r})"
    hand_in(made, Student("anna", "", {**cells, "who-are-you": cells["who-are-you"] + shown, "memory": ANSWER}))
    hand_in(made, Student("bjorn", "", {**cells, "chain": "import os\nos._exit(1)", "memory": ANSWER}))
    hand_in(made, Student("celine", "", {})).write_text("no notebook")
    hand_in(made, Student("daniel", "", {**cells, "memory": ANSWER}))
    for student, timestamp in TIMES.items():
        (made.root / "submitted" / student / ASSIGNMENT / "timestamp.txt").write_text(timestamp, encoding="utf-8")
    with Gradebook(f"sqlite:///{made.root / 'gradebook.db'}") as gradebook:  # as Formgrader sets a deadline
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate="2026-11-25 12:00:00 UTC")
    Extending(made.root).give(Wish(student="celine", date="2026-11-26 12:00Z", reason="ill", by="ta"))
    made.instructor("autograde", ASSIGNMENT, env={"AUTOGRADER_ECHO": "1"})
    records = Records(made.root, ASSIGNMENT)
    record = records.read("daniel", "chatbot")
    assert record is not None
    lost = Words(nb="Verten svarte ikke.", en="The host did not answer.")
    verdicts = tuple(
        v.model_copy(update={"state": "not judged", "reasons": (lost,)}) if v.check_id == "check-chain" else v
        for v in record.verdicts
    )
    records.write("daniel", "chatbot", record.model_copy(update={"verdicts": verdicts}))
    plain(made)
    with (made.root / "nbgrader_config.py").open("a", encoding="utf-8") as settings:
        settings.write("c.ShowForMarking.hide_names = True\n")
    return made


class Visitor:
    """Somebody's browser, without a screen.

    Args:
        token: what lets in; nobody is let in without.

    Attributes:
        headers: of the page that was asked for last.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self.url, self._cookies = url, CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self._cookies))
        self.get(f"/formgrader/manage_assignments?token={token}" if token else "/login")

    def get(self, path: str) -> str:
        with self._opener.open(self.url + path) as answer:
            self.headers = answer.headers
            return str(answer.read().decode())

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, Message, bytes]:
        """The status, the headers and the body, whatever the status is."""
        request = Request(self.url + path, method=method, headers=headers)
        try:
            answer = self._opener.open(request)
        except HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers, answer.read()

    def post(self, path: str, body: bytes, xsrf: bool = True) -> tuple[int, dict[str, Any]]:
        """The status, and the JSON where there is any."""
        cookie = next((one.value for one in self._cookies if one.name == "_xsrf"), "") or ""
        request = Request(self.url + path, body, {"X-XSRFToken": cookie} if xsrf else {})
        try:
            with self._opener.open(request) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            with error:
                said = error.read()
            return error.code, json.loads(said) if said.startswith(b"{") else {}


@pytest.fixture(scope="module")
def url(course: ScratchCourse) -> Iterator[str]:
    """Where a Jupyter server answers that was started in the course directory."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).parent / "jupyter", "server", "--no-browser", "--allow-root", f"--port={port}"]
    command += [f"--IdentityProvider.token={SECRET}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1"]
    places = {
        name: str(course.folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    log = course.folder / "server.log"
    with log.open("w") as file:
        server = subprocess.Popen(
            command, cwd=course.root, env={**os.environ, **places}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )  # fmt: skip
        assert server.stdout is not None
        for line in server.stdout:
            file.write(line)
            if "is running at" in line:
                break
        else:
            raise RuntimeError(f"the server did not start; see {log}")
        copying = subprocess.Popen(["cat"], stdin=server.stdout, stdout=file)
        server.stdout.close()
        while server.poll() is None and not answers(port):  # it says so a little too early
            pass
        yield f"http://127.0.0.1:{port}"
        server.terminate()
        server.wait()
        copying.wait()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def grader(url: str) -> Visitor:
    return Visitor(url, SECRET)


def submission(course: ScratchCourse, student: str, assignment: str = ASSIGNMENT, notebook: str = "chatbot") -> str:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        return str(gradebook.find_submission_notebook(notebook, assignment, student).id)


class _Texts(HTMLParser):
    """Collects a page's text, by the class of the block of ours that it stands in."""

    def __init__(self, block: str) -> None:
        super().__init__()
        self._block, self._depth, self.said = block, 0, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "div" and (self._depth or self._block in str(dict(attrs).get("class"))):
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "div" and self._depth > 0

    def handle_data(self, data: str) -> None:
        self.said += data if self._depth else ""


def text_of(page: str, block: str) -> str:
    reader = _Texts(block)
    reader.feed(page)
    return " ".join(reader.said.split())


Page = Callable[[str], str]


@pytest.fixture(scope="module")
def page(course: ScratchCourse, grader: Visitor) -> Page:
    """A student's page, as Formgrader serves it."""
    return lambda student: grader.get(f"/formgrader/submissions/{submission(course, student)}/")


# --- What stands beside an answer ---


@pytest.mark.parametrize("output", [HANDED_IN, AGAIN])
def test_an_answer_stands_with_what_was_handed_in_and_with_what_came_out_again(page: Page, output: str) -> None:
    assert output in text_of(page("anna"), "marking-answer")


def test_what_was_handed_in_and_what_came_out_again_are_told_apart(page: Page) -> None:
    said = text_of(page("anna"), "marking-answer")
    places = [said.index(words) for words in ("who-are-you", "Levert", HANDED_IN, "Kjørt på nytt", AGAIN)]
    assert places == sorted(places)


def test_equal_outputs_are_shown_once() -> None:
    one = new_code_cell(id="a", outputs=[new_output("stream", text="the same")])
    pieces = Pieces("en")
    pair = pieces.beside(0, one, {"a": one})
    assert pair is not None
    said = pieces.answer([pair], True, [], None)
    assert said.count("the same") == 2  # in the heading, and once below
    assert "Run again while grading" not in said


def test_an_answer_stands_with_its_mark_scheme_in_the_courses_language(page: Page) -> None:
    said = text_of(page("anna"), "marking-answer")
    assert "hvert kall er for seg selv" in said
    assert "each call stands alone" not in said
    assert "MARK SCHEME" not in said


def test_an_answer_stands_with_the_verdicts_of_its_own_part(page: Page) -> None:
    said = text_of(page("anna"), "marking-answer")
    assert "who-are-you: alt er på plass. 1 av 1 poeng." in said
    assert "ideal-boat: alt er på plass. 1 av 1 poeng." in said
    assert "prompt: alt er på plass" not in said


def test_a_handed_in_file_that_cannot_be_read_is_told(page: Page) -> None:
    assert say(MARKING["unreadable"], "nb").replace("`", "") in text_of(page("celine"), "marking-answer")


PARTS = {
    ("chatbot", "memory"): ("who-are-you", "check-who-are-you", "ideal-boat", "check-ideal-boat"),
    ("larger-model", "compare-small"): ("instruct-small", "check-instruct-small"),
    ("larger-model", "compare-large"): ("instruct-large", "check-instruct-large"),
    ("temperature", "compare-temperature"): (
        "temperature-1", "check-temperature-1", "temperature-2", "check-temperature-2", "temperature-3",
        "check-temperature-3", "temperature-picture",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("notebook", "answer"), PARTS)
def test_an_answer_is_about_the_cells_since_the_heading_of_the_nearest_task(notebook: str, answer: str) -> None:
    released = nbformat.read(ROOT / "release" / ASSIGNMENT / f"{notebook}.ipynb", as_version=4)
    assert part_of(released, answer) == PARTS[notebook, answer]


def test_a_students_own_cells_belong_to_the_part_they_stand_in() -> None:
    marks = {"solution": True, "grade": False}
    nb = new_notebook(cells=[
        new_code_cell("0"),
        new_code_cell("1", metadata={"nbgrader": {**marks, "grade_id": "one"}}),
        new_code_cell("2"),
        new_code_cell("3", metadata={"nbgrader": {"grade": True, "grade_id": "check-one"}}),
        new_markdown_cell("because", metadata={"nbgrader": {"grade": True, "solution": True, "grade_id": "why"}}),
        new_code_cell("4"),
    ])  # fmt: skip
    assert [cell.source for _, cell in marking.cells_of(nb, ("one", "check-one"), "why")] == ["1", "2"]


LONG = "x" * (marking.MAX_TEXT + 1)


@pytest.mark.parametrize(
    "output",
    [
        new_output("stream", text=LONG),
        new_output("error", ename="E", evalue="", traceback=[LONG, LONG]),
        new_output("display_data", data={"text/html": LONG, "text/plain": LONG}),
    ],
    ids=["printed", "error", "html"],
)
def test_an_output_too_long_for_a_page_is_cut_and_the_cut_is_told(output: NotebookNode) -> None:
    shown = json.dumps(shortened([output], "en"), ensure_ascii=False)
    assert len(shown) < marking.MAX_TEXT + 300
    assert "the rest is left out here" in shown


@pytest.mark.parametrize("output", [new_output("stream", text="xy" * 3000), new_output("stream", text="")])
def test_more_outputs_than_a_page_can_hold_are_left_out_and_that_is_told(output: NotebookNode) -> None:
    shown = shortened([output] * 10_000, "en")
    assert len(json.dumps(shown)) < 2 * marking.MAX_TEXT
    assert "the rest is left out here" in shown[-1].text


def test_a_picture_in_html_is_shown_however_long_it_is_written() -> None:
    html = f'<img alt="a picture" src="data:image/png;base64,{"A" * 4 * marking.MAX_TEXT}">'
    cell = new_code_cell(id="a", outputs=[new_output("display_data", data={"text/html": html, "text/plain": "words"})])
    pair = Pieces("en").beside(0, cell, {})
    assert pair is not None
    assert "<img" in pair.regrade
    assert "words" not in pair.regrade


def test_what_went_to_stderr_is_not_shown_beside_an_answer() -> None:
    outputs = [new_output("stream", name="stderr", text="100%"), new_output("stream", name="stdout", text="Ahoy")]
    assert [output.text for output in shortened(outputs, "en")] == ["Ahoy"]


def test_a_mark_scheme_and_a_model_answer_are_told_apart() -> None:
    told = rubric_of(
        "### BEGIN SOLUTION\nBecause.\n### BEGIN MARK SCHEME\n- 1 p\n### END MARK SCHEME\n### END SOLUTION\n"
    )
    assert (told.mark_scheme, told.model_answer) == ("- 1 p", "Because.")


# --- What a person must look at ---


def test_a_verdict_for_review_is_told_at_the_top_with_its_reason_and_a_link(page: Page) -> None:
    shown = page("bjorn")
    head = text_of(shown, "marking-head")
    assert "chain: Kjernen stoppet i cellen «chain»" in head
    assert '<a href="#marking-check-chain">' in shown
    assert 'id="marking-check-chain"' in shown


def test_a_verdict_for_review_is_marked_at_its_cell(page: Page) -> None:
    said = text_of(page("bjorn"), "marking-check")
    assert say(MARKING["look"], "nb") + ". " + say(MARKING["review"], "nb") + " chain: 0 av 2 poeng" in said


def test_a_verdict_that_was_not_judged_is_told_at_the_top_and_at_its_cell(page: Page) -> None:
    shown = page("daniel")
    assert "chain (ikke rettet): Verten svarte ikke." in text_of(shown, "marking-head")
    assert say(MARKING["not judged"], "nb").replace("`", "") in text_of(shown, "marking-check")


def test_nothing_is_told_at_the_top_where_there_is_nothing_to_look_at(page: Page) -> None:
    assert text_of(page("anna"), "marking-head") == ""


TOLD = {"bjorn": ", 2 timer etter fristen onsdag ", "celine": ", innen utsatt frist torsdag 26. november 2026"}


@pytest.mark.parametrize("student", TOLD)
def test_who_handed_in_late_is_told_at_the_top_with_an_extension_if_there_is_one(student: str, page: Page) -> None:
    assert TOLD[student] in text_of(page(student), "marking-head")


def test_a_damaged_extension_is_not_told_as_another_deadline_and_the_page_stands(
    course: ScratchCourse, page: Page
) -> None:
    path = course.root / "extensions" / ASSIGNMENT / "celine.json"
    kept = path.read_bytes()
    path.write_text("half an ext")
    try:
        shown = text_of(page("celine"), "marking-head")
    finally:
        path.write_bytes(kept)
    assert "frist" not in shown


def test_a_damaged_record_is_told_and_the_page_stands(course: ScratchCourse, page: Page) -> None:
    path = course.root / "verdicts" / ASSIGNMENT / "celine" / "chatbot.json"
    kept = path.read_bytes()
    path.write_text("half a rec")
    try:
        shown = page("celine")
    finally:
        path.write_bytes(kept)
    assert "Vurderingene kan ikke leses" in text_of(shown, "marking-head")


# --- Who it is, and what may not happen ---


def test_no_path_on_the_page_tells_whose_it_is(page: Page) -> None:
    shown = page("anna")
    assert "~/chatbot" in shown
    assert "/home/anna" not in shown
    assert "~anna" not in shown


def test_nothing_that_a_student_put_out_is_alive(page: Page) -> None:
    shown = page("anna")
    assert TOKEN in shown
    assert alive(shown, TOKEN) == []


def test_a_file_of_a_students_runs_no_script_when_it_is_opened(course: ScratchCourse, grader: Visitor) -> None:
    path = course.root / "autograded" / "anna" / ASSIGNMENT / "evil.html"
    path.write_text(HOSTILE)
    assert grader.get(f"/formgrader/submissions/{submission(course, 'anna')}/evil.html") == HOSTILE
    assert "sandbox" in grader.headers["Content-Security-Policy"].split(";")
    assert "allow-scripts" not in grader.headers["Content-Security-Policy"]


def test_a_students_element_cannot_be_taken_for_a_score_box() -> None:
    cell = new_code_cell(id="a", outputs=[new_output("display_data", data={"text/html": "<b id='check-chain'>!</b>"})])
    pair = Pieces("en").beside(0, cell, {})
    assert pair is not None
    assert "<b>!</b>" in pair.regrade


def test_the_autograded_notebook_stays_as_it_is(course: ScratchCourse, page: Page) -> None:
    path = course.root / "autograded" / "anna" / ASSIGNMENT / "chatbot.ipynb"
    before = path.read_bytes()
    page("anna")
    assert path.read_bytes() == before


def rendered(course: ScratchCourse, assignment: str, notebook: str, change: Callable[[Config], object]) -> str:
    """anna's page as Formgrader's exporter renders it, with the course's configuration, changed."""
    config: Config = PyFileConfigLoader(str(course.root / "nbgrader_config.py")).load_config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    change(config)
    resources = {
        "assignment_id": assignment, "notebook_id": notebook, "submission_id": "x", "index": 0, "total": 1, "base_url": "",
        "student": "anna", "last_name": "Hansen", "first_name": "Anna", "notebook_path": f"autograded/anna/{assignment}",
    }  # fmt: skip
    path = course.root / "autograded" / "anna" / assignment / f"{notebook}.ipynb"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it cannot show some types of output
        return str(HTMLExporter(config=config).from_filename(str(path), resources=resources)[0])


def test_an_ordinary_assignments_page_is_nbgraders_own_but_for_what_keeps_a_cell_in_its_box(
    course: ScratchCourse,
) -> None:
    def without(config: Config) -> None:
        del config.HTMLExporter["preprocessors"], config.HTMLExporter["template_file"]

    ours = rendered(course, "plain", "sums", lambda config: None)
    assert TITLE in ours
    boxes = re.findall(r"\n<style>[^<]*contain: paint[^<]*</style>", ours)
    assert len(boxes) == 1
    assert ours.replace(boxes[0], "") == rendered(course, "plain", "sums", without)


def test_formgrader_serves_an_ordinary_assignment(course: ScratchCourse, grader: Visitor) -> None:
    shown = grader.get(f"/formgrader/submissions/{submission(course, 'anna', 'plain', 'sums')}/")
    assert TITLE in shown
    assert "marking.js" not in shown


def test_hidden_names_are_nowhere_on_the_page(page: Page) -> None:
    shown = page("anna")
    assert ANSWER in shown
    assert "anna" not in shown


def test_names_that_are_not_hidden_are_where_nbgrader_has_them(course: ScratchCourse) -> None:
    def show(config: Config) -> None:
        config.ShowForMarking.hide_names = False

    shown = rendered(course, ASSIGNMENT, "chatbot", show)
    assert "Hansen, Anna" in shown
    assert 'data-link="autograded/anna/' in shown
    assert "/home/anna" not in shown


def listed(grader: Visitor, assignment: str, notebook: str) -> set[str]:
    rows = json.loads(grader.get(f"/formgrader/api/submitted_notebooks/{assignment}/{notebook}"))
    assert all((row["first_name"], row["last_name"]) == (None, None) for row in rows)
    return {row["student"] for row in rows}


def test_hidden_names_are_nowhere_in_the_list_of_submissions(grader: Visitor) -> None:
    assert listed(grader, ASSIGNMENT, "chatbot") == {f"Submission #{n}" for n in (1, 2, 3, 4)}


def test_the_list_of_an_ordinary_assignment_is_nbgraders_own(grader: Visitor) -> None:
    assert listed(grader, "plain", "sums") == {"anna"}


# --- Decisions ---


def decide(
    course: ScratchCourse, visitor: Visitor, student: str, xsrf: bool = True, **told: Any
) -> tuple[int, dict[str, Any]]:
    path = f"/formgrader/api/submitted_notebook/{submission(course, student)}/override"
    return visitor.post(path, json.dumps(told).encode(), xsrf)


def score(course: ScratchCourse, student: str, check_id: str) -> float | None:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        found: float | None = gradebook.find_grade(check_id, "chatbot", ASSIGNMENT, student).auto_score
        return found


def criterion(course: ScratchCourse, student: str, check_id: str) -> str:
    record: Record | None = Records(course.root, ASSIGNMENT).read(student, "chatbot")
    verdict = record.verdict(check_id) if record else None
    assert verdict is not None
    return verdict.criteria[0].name


def test_a_decision_is_in_the_gradebook_on_disk_and_on_the_page(
    course: ScratchCourse, grader: Visitor, page: Page
) -> None:
    name = criterion(course, "bjorn", "check-who-are-you")
    told = {"check": "check-who-are-you", "criterion": name, "points": "0,5", "reason": " Right <b>anyway</b>. "}
    shutil.rmtree(course.root / ".autograder" / "marking", ignore_errors=True)
    status, said = decide(course, grader, "bjorn", **told)
    assert being_marked.is_being_marked(course.root, ASSIGNMENT, "bjorn")
    assert (status, said["score"], said["message"]) == (200, 0.5, "Lagret: 0,5 av 1 poeng.")
    assert score(course, "bjorn", "check-who-are-you") == 0.5
    kept = Records(course.root, ASSIGNMENT).overrides("bjorn")["check-who-are-you"][name]
    assert (kept.earned, kept.reason) == (0.5, "Right <b>anyway</b>.")
    assert "Right &lt;b&gt;anyway&lt;/b&gt;." in said["html"]
    assert "Overstyrt av en person: Right <b>anyway</b>." in text_of(page("bjorn"), "marking-check")


def test_a_decision_under_a_persons_own_points_says_which_count(course: ScratchCourse, grader: Visitor) -> None:
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        gradebook.find_grade("check-ideal-boat", "chatbot", ASSIGNMENT, "bjorn").manual_score = 0.25
        gradebook.db.commit()
    name = criterion(course, "bjorn", "check-ideal-boat")
    _, said = decide(course, grader, "bjorn", check="check-ideal-boat", criterion=name, points=1, reason="Right.")
    assert "(0,25) som teller" in said["message"]


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "more than the criterion's points": ({"points": 99}, 400, "bad-points"),
    "less than nothing": ({"points": -0.5}, 400, "bad-points"),
    "no number": ({"points": "many"}, 400, "bad-points"),
    "no points": ({"points": ""}, 400, "bad-points"),
    "not a number": ({"points": "nan"}, 400, "bad-points"),
    "points as a list": ({"points": [1]}, 400, "bad-points"),
    "no reason": ({"reason": " "}, 400, "bad-reason"),
    "a reason that is no text": ({"reason": 7}, 400, "bad-reason"),
    "another criterion": ({"criterion": "beauty"}, 400, "no-criterion"),
    "no such check": ({"check": "check-everything"}, 400, "no-verdict"),
    "another notebook's check": ({"check": "check-instruct-small"}, 400, "no-verdict"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_decision_that_cannot_be_is_refused_and_told(what: str, course: ScratchCourse, grader: Visitor) -> None:
    wrong, status, key = REFUSED[what]
    right = {"check": "check-model-home", "criterion": criterion(course, "anna", "check-model-home"), "points": 0}
    answered, said = decide(course, grader, "anna", **{**right, "reason": "No.", **wrong})
    assert (answered, said["message"]) == (status, say(MARKING[key].fill(points="1"), "nb"))
    assert score(course, "anna", "check-model-home") == 1
    assert Records(course.root, ASSIGNMENT).overrides("anna") == {}


def test_what_was_not_judged_cannot_be_decided_piece_by_piece(course: ScratchCourse, grader: Visitor) -> None:
    name = criterion(course, "daniel", "check-chain")
    status, said = decide(course, grader, "daniel", check="check-chain", criterion=name, points=1, reason="Right.")
    assert (status, said["message"]) == (400, say(MARKING["no-verdict"], "nb"))


@pytest.mark.parametrize(("body", "status"), [(b"not json", 400), (b"[]", 400), (b"", 400)])
def test_what_is_no_decision_is_refused(body: bytes, status: int, course: ScratchCourse, grader: Visitor) -> None:
    path = f"/formgrader/api/submitted_notebook/{submission(course, 'anna')}/override"
    assert grader.post(path, body)[0] == status


def test_no_submission_and_an_ordinary_one_have_nothing_to_decide(course: ScratchCourse, grader: Visitor) -> None:
    for found in ("0" * 32, submission(course, "anna", "plain", "sums")):
        assert grader.post(f"/formgrader/api/submitted_notebook/{found}/override", b"{}")[0] == 404


@pytest.mark.parametrize("who", ["a stranger", "another site's page"])
def test_nobody_else_decides(who: str, course: ScratchCourse, url: str, grader: Visitor) -> None:
    visitor, xsrf = (Visitor(url), True) if who == "a stranger" else (grader, False)
    told = {"check": "check-model-home", "criterion": criterion(course, "anna", "check-model-home"), "points": 0}
    assert decide(course, visitor, "anna", xsrf, **told, reason="No.")[0] == 403
    assert score(course, "anna", "check-model-home") == 1


@pytest.mark.parametrize(
    ("told", "number"), [("0,5", 0.5), (" 1.5 ", 1.5), (1, 1.0), ("", None), ("inf", None), (None, None), (True, None)]
)
def test_points_are_read_as_people_write_them(told: Any, number: float | None) -> None:
    assert number_in(told) == number


@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium: apt-get install chromium")
def test_in_a_browser_a_decision_is_typed_saved_and_shown(course: ScratchCourse, url: str) -> None:
    stub = "window.MathJax = {Hub: {Config() {}, Startup: {signal: {Interest() {}}}, Queue() {}, Configured() {}}};"
    with browser() as started:
        page = started.new_page()
        wrong: list[str] = []
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.route(
            re.compile("mathjax", re.IGNORECASE), lambda route: route.fulfill(body=stub, content_type="text/javascript")
        )
        page.goto(f"{url}/formgrader/manage_assignments?token={SECRET}")
        page.goto(f"{url}/formgrader/submissions/{submission(course, 'anna')}/")
        page.wait_for_selector("#check-limit-output[placeholder='1']")
        check = page.locator("#marking-check-limit-output")
        check.locator("summary").click()
        form = check.locator("form").first
        form.locator("[name=points]").fill("0")
        form.locator("[name=points]").press("Tab")
        page.keyboard.press("Enter")
        form.locator(f"output:text-is('{say(MARKING['bad-reason'], 'nb')}')").wait_for()
        page.keyboard.type("Not yours.")
        page.keyboard.press("Enter")
        form.locator("output:text-is('Lagret: 0 av 1 poeng.')").wait_for()
        page.wait_for_selector("#check-limit-output[placeholder='0']")
        assert "Overstyrt av en person: Not yours." in check.inner_text()
        assert wrong == []
    assert score(course, "anna", "check-limit-output") == 0


# --- What this takes from nbgrader ---


def test_ours_come_before_nbgraders_own_pages_once_however_often_settings_are_read() -> None:
    kept = list(handlers.default_handlers)
    try:
        install(Config())
        install(Config())
        assert handlers.default_handlers[: len(HANDLERS)] == HANDLERS
        assert len(handlers.default_handlers) == len({pattern for pattern, *_ in handlers.default_handlers})
    finally:
        handlers.default_handlers[:] = kept


def test_nbgrader_has_the_page_that_ours_takes_the_place_of() -> None:
    from nbgrader.server_extensions.formgrader import apihandlers

    replaced = {pattern for pattern, *_ in apihandlers.default_handlers} & {pattern for pattern, *_ in HANDLERS}
    assert replaced == {r"/formgrader/api/submitted_notebooks/([^/]+)/([^/]+)"}
