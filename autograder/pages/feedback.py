"""What a student's feedback page holds: from a graded notebook to its tasks, their points, and what stands under each.

Pure functions; `plugins/feedback.py` asks the gradebook and hands the page to its template. All HTML here has been
sanitized, and all else is text that the template escapes. The source of a cell that was handed out locked, and so of
every test, is never part of a page.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from markupsafe import Markup, escape
from nbformat import NotebookNode

from autograder.course.deadline import HandInTime
from autograder.course.profile import Language
from autograder.facts.verdict import Verdict
from autograder.grading.grades import Grade
from autograder.pages import marking
from autograder.pages.sanitize import IMAGE, clean_part, from_markdown
from autograder.pages.templates import as_code
from autograder.submissions.cells import marks_of
from autograder.submissions.hand_in import in_words
from autograder.words import render
from autograder.words.checks import REASONS
from autograder.words.masking import ANSI, masked
from autograder.words.pages import FEEDBACK
from autograder.words.tables import say

State = Literal["full", "part", "none", "unanswered", "waiting", "review"]
SIGNS: dict[State, str] = {
    "full": "✓", "part": "◐", "none": "✗", "unanswered": "–", "waiting": "…", "review": "?",
}  # fmt: skip
LINES, LENGTH = 24, 1800
"""A text of more than this scrolls in a box of its own."""
PICTURES = {"image/png": "png", "image/jpeg": "jpeg"}
HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
POINTS = re.compile(r"\s*\((?:[\d.,]+ (?:poeng|points?)|points?: [\d.,]+)\)$")
LABEL = re.compile(r"^(?:Oppgave|Task): *(?=\S)")
NO_RESPONSE = "No response."
"""nbgrader's own comment on a cell that is as it was handed out."""
NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class Shown:
    """One thing that stands under a task.

    `body` is text, or HTML that has been sanitized (`Markup`); of an image, its address.
    """

    kind: Literal["code", "text", "printed", "html", "image", "note", "traceback"]
    body: str
    long: bool = False


@dataclass(frozen=True)
class Part:
    """A task, or what stands after the last one (then without a grade)."""

    id: str
    heading: Markup
    score: str = ""
    state: State | None = None
    by_person: bool = False
    answer: bool = False
    notes: tuple[str, ...] = ()
    reasons: tuple[Markup, ...] = ()
    comments: tuple[Markup, ...] = ()
    verdict: Markup | None = None
    shown: tuple[Shown, ...] = ()

    @property
    def sign(self) -> str:
        return SIGNS[self.state] if self.state else ""


@dataclass(frozen=True, kw_only=True)
class Page:
    language: Language
    title: str
    about: str
    time: str
    total: str
    notes: tuple[str, ...]
    parts: tuple[Part, ...]

    def say(self, key: str, **values: object) -> str:
        return say(FEEDBACK[key].fill(**values), self.language)


@dataclass(frozen=True, kw_only=True)
class NotebookScore:
    """Whose notebook it is, and its sum; points lost for being late are taken off `score` already.

    `time` is None where there is no deadline.
    """

    student: str
    assignment: str
    notebook: str
    score: float
    points: float
    late_penalty: float
    time: HandInTime | None = None


def page_of(
    nb: NotebookNode,
    released: NotebookNode | None,
    grades: Mapping[str, Grade],
    verdicts: Mapping[str, Verdict],
    whole: NotebookScore,
    language: Language,
) -> Page:
    """The page of one graded notebook.

    Args:
        nb: as it was graded; comments are in its cells' nbgrader metadata, as nbgrader's own step puts them there.
        released: as it was handed out; headings are taken from it, and its own text is not shown again.
        grades, verdicts: by grade id; verdicts with a person's decisions in place.
    """
    writer = _Writer(language, (whole.student,))
    source = released if released is not None else nb
    headings, handed_out = headings_of(source, grades), {cell.source for cell in source.cells}
    parts, cells = [], list[NotebookNode]()
    for cell in nb.cells:
        cells.append(cell)
        grade_id = marks_of(cell).get("grade_id", "")
        if grade_id in grades and (marks_of(cell).get("grade") or marks_of(cell).get("task")):
            heading = headings.get(grade_id) or grade_id
            parts.append(writer.part(cell, cells, heading, grades[grade_id], verdicts.get(grade_id), handed_out))
            cells = []
    rest = writer.shown(cells, handed_out)
    comments = writer.comments(cells)
    if rest or comments:
        heading = Markup(escape(writer.say("rest")))
        parts.append(Part("rest", heading, comments=comments, shown=rest))
    return Page(
        language=language,
        title=_title(source) or whole.notebook,
        about=writer.say("about", notebook=whole.notebook, assignment=whole.assignment),
        time=say(in_words(whole.time), language) if whole.time else "",
        total=writer.total(whole, grades),
        notes=writer.notes(whole, grades),
        parts=tuple(parts),
    )


def state_of(grade: Grade, untouched: bool = False) -> State:
    """How a task stands.

    Args:
        untouched: whether all that was to be filled in is as it was handed out.
    """
    if grade.waits:
        return "waiting" if grade.auto is None and grade.manual is None else "review"
    if untouched and grade.manual is None and not grade.score:
        return "unanswered"
    return "full" if grade.score >= grade.points else "part" if grade.score > 0 else "none"


def headings_of(released: NotebookNode, grade_ids: Collection[str]) -> dict[str, Markup]:
    """The last heading before each graded cell, as students know it, without the points that stand beside it anyway."""
    found: dict[str, Markup] = {}
    last = ""
    for cell in released.cells:
        marks = marks_of(cell)
        if cell.cell_type == "markdown" and not marks.get("solution"):
            last = ([last, *HEADING.findall(FENCE.sub("", cell.source))])[-1]
        if marks.get("grade_id") in grade_ids and last:
            text = LABEL.sub("", POINTS.sub("", last))
            found[marks["grade_id"]] = as_code(text[0].upper() + text[1:])
    return found


def _title(nb: NotebookNode) -> str:
    texts = (cell.source for cell in nb.cells if cell.cell_type == "markdown")
    return next((match[1] for text in texts if (match := HEADING.search(text))), "").replace("`", "")


class _Writer:
    """Writes parts of a page in one language, about one student."""

    def __init__(self, language: Language, accounts: Iterable[str]) -> None:
        self.language, self.accounts = language, tuple(accounts)

    def say(self, key: str, **values: object) -> str:
        return say(FEEDBACK[key].fill(**values), self.language)

    def number(self, value: float) -> str:
        return render.number(value, self.language)

    # --- The whole ---

    def total(self, whole: NotebookScore, grades: Mapping[str, Grade]) -> str:
        key = "total-so-far" if any(grade.waits for grade in grades.values()) else "total"
        return self.say(key, score=self.number(whole.score), points=self.number(whole.points))

    def notes(self, whole: NotebookScore, grades: Mapping[str, Grade]) -> tuple[str, ...]:
        states = [(state_of(grade), grade) for grade in grades.values()]
        waiting = sum(grade.points for state, grade in states if state == "waiting")
        notes = [self.say("waits", points=self.number(waiting))] if waiting else []
        if any(state == "review" for state, _ in states):
            notes.append(self.say("provisional"))
        if whole.late_penalty > 0:
            notes.append(self.say("penalty", points=self.number(whole.late_penalty)))
        return tuple(notes)

    # --- A task ---

    def part(
        self,
        graded: NotebookNode,
        cells: list[NotebookNode],
        heading: str,
        grade: Grade,
        verdict: Verdict | None,
        handed_out: Collection[str],
    ) -> Part:
        grade_id = marks_of(graded)["grade_id"]
        answer = bool(marks_of(graded).get("solution")) and graded.cell_type == "markdown"
        to_fill_in = [marks_of(cell).get("comment") for cell in cells if marks_of(cell).get("solution")]
        state = state_of(grade, bool(to_fill_in) and all(comment == NO_RESPONSE for comment in to_fill_in))
        overruled = verdict is not None and any(c.override for c in verdict.criteria)
        points = self.number(grade.points)
        score = "–" if state == "waiting" else self.number(grade.score)
        notes = []
        if state in ("waiting", "review", "unanswered"):
            notes.append(self.say(f"{state}-long"))
        if grade.manual is not None and not grade.waits:
            notes.append(self.say("person-gave", earned=self.number(grade.manual), points=points))
        if grade.extra:
            notes.append(self.say("extra", points=self.number(grade.extra)))
        judged = verdict is not None and verdict.state != "not judged"
        return Part(
            id="task-" + NOT_IN_IDS.sub("-", grade_id),
            heading=Markup(escape(heading)),
            score=self.say("no-score" if state == "waiting" else "score", score=score, points=points),
            state=state,
            by_person=overruled or (grade.manual is not None and not grade.waits),
            answer=answer,
            notes=tuple(notes),
            reasons=self.reasons(verdict) if state == "review" and verdict else (),
            comments=self.comments(cells),
            verdict=self.panel(verdict) if judged and verdict else None,
            shown=self.shown(cells, handed_out),
        )

    def panel(self, verdict: Verdict) -> Markup:
        """The criteria; why a person looks stands elsewhere on the page, and not where somebody has."""
        return Markup(
            render.as_html(verdict.model_copy(update={"reasons": ()}), self.language, all_hints=True, titled=False)
        )

    def reasons(self, verdict: Verdict) -> tuple[Markup, ...]:
        looks = say(REASONS["a-person-looks"].fill(what=""), self.language).strip()
        return tuple(as_code(say(reason, self.language).removesuffix(looks).strip()) for reason in verdict.reasons)

    def comments(self, cells: Iterable[NotebookNode]) -> tuple[Markup, ...]:
        found = (marks_of(cell).get("comment") for cell in cells)
        return tuple(self.html(from_markdown(str(comment))) for comment in found if comment and comment != NO_RESPONSE)

    # --- What stands under it ---

    def shown(self, cells: Iterable[NotebookNode], handed_out: Collection[str]) -> tuple[Shown, ...]:
        """What a student wrote, and what came of it; nothing of the course's own cells."""
        found: list[Shown] = []
        for cell in cells:
            marks = marks_of(cell)
            own = bool(marks.get("solution")) or (not marks.get("grade_id") and cell.source not in handed_out)
            if own and cell.source.strip():
                found.append(self.source(cell))
            if own and cell.cell_type == "code":
                found += self.outputs(cell)
        return tuple(found)

    def source(self, cell: NotebookNode) -> Shown:
        if cell.cell_type == "markdown":
            return Shown("html", self.html(from_markdown(self.cut(cell.source), cell.get("attachments"))))
        return self.text("code" if cell.cell_type == "code" else "text", cell.source)

    def outputs(self, cell: NotebookNode) -> list[Shown]:
        found = []
        for output, following in zip_longest(cell.outputs, cell.outputs[1:]):
            shown = self.output(output, following is not None and following.output_type == "error")
            found += [shown] if shown is not None else []
        return found

    def output(self, output: NotebookNode, explains: bool) -> Shown | None:
        """An output as it is shown, or None for one that has nothing to show.

        Args:
            explains: whether an error follows: then a text before it is the sentence that explains it.
        """
        if output.output_type == "stream":
            quiet = output.get("name") != "stderr"
            return self.text("printed", output.text, () if quiet else self.accounts, paths=not quiet)
        if output.output_type == "error":
            lines = output.get("traceback") or [f"{output.get('ename', '')}: {output.get('evalue', '')}"]
            return self.text("traceback", "\n".join(map(str, lines)), self.accounts, paths=True)
        data = {kind: value for kind, value in (output.get("data") or {}).items() if isinstance(value, str)}
        if explains and set(data) == {"text/plain"}:
            return self.text("note", data["text/plain"], self.accounts, paths=True)
        if "text/html" in data:
            return Shown("html", self.html(data["text/html"]))
        if "text/markdown" in data:
            return Shown("html", self.html(from_markdown(data["text/markdown"])))
        if "image/svg+xml" in data:
            coded = base64.b64encode(data["image/svg+xml"].encode()).decode("ascii")
            return Shown("image", f"data:image/svg+xml;base64,{coded}")
        for kind, name in PICTURES.items():
            address = f"data:image/{name};base64,{data.get(kind, '')}"
            if kind in data and IMAGE.match(address):
                return Shown("image", "".join(address.split()))
        text = data.get("text/plain") or data.get("text/latex")
        return self.text("printed", text) if text else None

    def text(
        self, kind: Literal["code", "text", "printed", "note", "traceback"], text: str, names: Iterable[str] = (),
        paths: bool = False,
    ) -> Shown:  # fmt: skip
        plain = ANSI.sub("", self.cut(text)).rstrip("\n")
        plain = masked(plain, names) if paths else plain
        return Shown(kind, plain, long=plain.count("\n") >= LINES or len(plain) > LENGTH)

    def cut(self, text: str) -> str:
        return marking.cut(text, f"\n{self.say('cut')}")

    def html(self, text: str) -> Markup:
        return Markup(clean_part(text, image=self.say("image"), table=self.say("scrolls", what=self.say("output"))))
