"""Feedback pages to look at: made by nbgrader's own commands, of honest and of hostile students, in both languages.

`feedback_course` makes a graded course with its pages.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
from conftest import ROOT
from forked import ScratchCourse
from nbgrader.api import Gradebook

from autograder.course.profile import Language
from autograder.grading.records import Decision
from autograder.judging import contract
from autograder.judging.contract import ASSIGNMENT
from autograder.plugins.extend import Extending, Wish
from autograder.plugins.scores import overrule
from trials.classes import Student
from trials.demo import raising, typical_mistakes

DUE = "2026-11-25 12:00+01:00"
HANDED_IN = {"anna": "2026-11-25 10:00:00 UTC", "david": "2026-11-26 12:30:00 UTC", "kari": "2026-11-26 12:30:00 UTC"}
UNTIL = "2026-11-28 12:00+01:00"
"""kari's extension."""
COMMENT = "Fint forklart. **Bruk** gjerne et `eksempel` til."
REASON = "Avtalt i timen: <b>malen</b> ligger i en egen fil."
ANSWER = (
    "# Svar\n\nFordi kjeden bare ser *ett* kall. Se [her](https://example.org/x).\n\n| a | b |\n|---|---|\n| 1 | 2 |"
)
PENALTY = 1.5
SECRET = "hidden_boat_test"
TOKEN = "alive7c1"
HOSTILE = f"""
from IPython.display import HTML, Javascript, Markdown, SVG, display
import sys
display(HTML("<h1 id='tasks' class='total' style='position:fixed'>30 / 30 {TOKEN}</h1><img src=x onerror={TOKEN}()>"
             "<script>{TOKEN}</script><iframe src='http://x.example/{TOKEN}'></iframe><link href='//x.example/{TOKEN}'>"
             "<table><tr><td><img alt='<table onload={TOKEN}()>' src='http://x.example/{TOKEN}.png'></td></tr></table>"))
display(Javascript("{TOKEN}"), Markdown("![x](http://x.example/{TOKEN}.png) <script>{TOKEN}</script>"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg'><script>{TOKEN}</script><rect width='9' height='9'/></svg>"))
print("<script>{TOKEN}</script>" + "x" * 3000)
print("/home/mallory/.venv/lib/x.py:1: UserWarning: <b>{TOKEN}</b>", file=sys.stderr)
class Odd(Exception):
    def _render_traceback_(self):
        return ["<script>{TOKEN}</script>", "\\x1b[32mFile /home/\\x1b[1mmallory\\x1b[0m/course/x.py:3\\x1b[0m", "by mallory"]
raise Odd("<script>{TOKEN}</script>")
"""
"""Leaves nothing out that a page could be harmed with, and a traceback that names an account."""


def students(course: ScratchCourse) -> list[Student]:
    right = course.reference()
    return [
        Student("anna", "all right, marked by a person", {**right, "memory": ANSWER}),
        Student("david", "typical mistakes", {**right, **typical_mistakes(course.profile, right), "memory": "Fordi."}),
        Student("farid", "code that raises, no answers", {**raising(right), "model-home": right["model-home"]}),
        Student("kari", "the kernel ends", {**right, "chain": "import os\nos._exit(1)", "memory": "Fordi."}),
        Student("mallory", "hostile", {**right, "arguments": HOSTILE, "memory": f"<script>{TOKEN}</script> # x"}),
    ]


def feedback_course(folder: Path, model_home: Path, language: Language, only: tuple[str, ...] = ()) -> ScratchCourse:
    """A course whose students have their feedback pages of the first notebook.

    anna's answer has points and a comment, there is a penalty for being late, and one of her checks has a hidden test;
    one of david's criteria is overruled. david handed in late, and so did kari, who has an extension.

    Args:
        only: whom it has, else all.
    """
    path = folder.parent / f"{folder.name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (ROOT / "course.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('language = "nb"', f'language = "{language}"\ndue = "{DUE}"'), encoding="utf-8")
    course = ScratchCourse(folder, ROOT, model_home, path)
    assert contract.load(course.root / "course.toml").course.language == language
    course.instructor("generate_assignment", ASSIGNMENT)
    chosen = [student for student in students(course) if not only or student.id in only]
    for student in chosen:
        hand_in(course, student)
    ids = {student.id for student in chosen}
    if "kari" in ids:
        Extending(course.root).give(Wish(student="kari", date=UNTIL, reason="syk", by="ta"))
    course.instructor("autograde", ASSIGNMENT, env={"AUTOGRADER_ECHO": "1"})
    if "anna" in ids:
        mark(course, "anna", "memory", 2.5, COMMENT)
        hide_a_test(course, "anna")
        with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
            gradebook.find_submission_notebook("chatbot", ASSIGNMENT, "anna").late_submission_penalty = PENALTY
            gradebook.db.commit()
    if "david" in ids:
        decision = Decision(
            student="david", check_id="check-prompt", criterion="placeholder", points=1, reason=REASON, by="ta"
        )
        overrule(course.root, decision)
    course.instructor("generate_feedback", ASSIGNMENT)
    return course


def hand_in(course: ScratchCourse, student: Student) -> None:
    folder = course.hand_in(student, "chatbot")
    if student.id in HANDED_IN:
        (folder / "timestamp.txt").write_text(HANDED_IN[student.id], encoding="utf-8")
    if student.id == "david":
        add_own_cells(folder / "chatbot.ipynb")


def add_own_cells(path: Path) -> None:
    """A cell of text and one of code that the release does not have, before the prompt."""
    nb = nbformat.read(path, as_version=4)
    at = next(n for n, cell in enumerate(nb.cells) if cell.get("id") == "prompt")
    nb.cells[at:at] = [
        nbformat.v4.new_markdown_cell("#### My own note", id="own-note"),
        nbformat.v4.new_code_cell("print('my own try')", id="own-code"),
    ]
    nbformat.write(nb, path)


def hide_a_test(course: ScratchCourse, student: str) -> None:
    """Gives a graded check the source and the traceback that a hidden test has after grading with nbgrader."""
    path = course.root / "autograded" / student / ASSIGNMENT / "chatbot.ipynb"
    nb = nbformat.read(path, as_version=4)
    cell = next(cell for cell in nb.cells if cell.get("id") == "check-chain")
    cell.source += f"\n### BEGIN HIDDEN TESTS\n{SECRET}(chatbot)\n### END HIDDEN TESTS"
    cell.outputs.append(
        nbformat.v4.new_output("error", ename="E", evalue=SECRET, traceback=[f"----> {SECRET}(chatbot)"])
    )
    path.chmod(0o644)
    nbformat.write(nb, path)


def mark(course: ScratchCourse, student: str, cell: str, score: float, comment: str = "") -> None:
    """What a TA does in Formgrader: points, and a comment."""
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        grade = gradebook.find_grade(cell, "chatbot", ASSIGNMENT, student)
        grade.manual_score, grade.needs_manual_grade = score, False
        if comment:
            gradebook.find_comment(cell, "chatbot", ASSIGNMENT, student).manual_comment = comment
        gradebook.db.commit()


def page_of(course: ScratchCourse, student: str) -> Path:
    return course.root / "feedback" / student / ASSIGNMENT / "chatbot.html"
