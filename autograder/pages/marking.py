"""What a person needs beside a free-text answer, out of notebooks: which cells it is about, and its mark scheme.

Pure functions, and the words of the page (`marking_page.py`). Nothing here reads a file or knows Formgrader.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.course.profile import Language
from autograder.facts.verdict import Criterion, Verdict, Words
from autograder.words.render import points as in_words
from autograder.words.sentences import w

HEADING = re.compile(r"^ {0,3}#{1,2} ", re.MULTILINE)
SOLUTION = re.compile(r"^\s*### (BEGIN|END) SOLUTION\s*?$\n?", re.MULTILINE)
MARK_SCHEME = re.compile(r"### BEGIN MARK SCHEME\s*(.*?)\s*### END MARK SCHEME\s*", re.DOTALL)
MAX_TEXT = 20_000
"""Characters of one output that are shown beside an answer, pictures not counted."""
MAX_OUTPUTS = 100
MAX_CELLS = 30
"""Of the part that an answer is about."""
MAX_PICTURE = 3_000_000
"""Characters of a picture that is shown, as it is written in a notebook."""
PICTURE = re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/=]*")
SHOWN = ("text/plain", "text/markdown", "text/html", "image/png", "image/jpeg")
"""What is shown of a handed-in output: in these forms, nothing runs."""

LANGUAGES: tuple[Language, ...] = ("nb", "en")

WORDS = {
    "about": w("Det svaret handler om", "What this answer is about"),
    "handed-in": w("Levert", "Handed in"),
    "regrade": w("Kjørt på nytt ved retting", "Run again while grading"),
    "same": w("Levert, og likt da det ble kjørt på nytt", "Handed in, and the same when it was run again"),
    "cell": w("celle {number}", "cell {number}"),
    "no-output": w("Ingen utskrift.", "No output."),
    "no-cell": w("Denne cellen er ikke i det som ble levert.", "This cell is not in what was handed in."),
    "no-cells": w("Ingen av cellene har skrevet ut noe.", "None of the cells has put out anything."),
    "more-cells": w("Delen har flere celler; se dem i notebooken.", "The part has more cells; see them in the notebook."),
    "cut": w("\n… resten er utelatt her.", "\n… the rest is left out here."),
    "unreadable": w(
        "Det som ble levert, kan ikke leses (se `submitted/`). Her er bare det som ble kjørt på nytt.",
        "What was handed in cannot be read (see `submitted/`). Here is only what was run again.",
    ),
    "judged": w("Rettet automatisk i denne delen", "Judged automatically in this part"),
    "mark-scheme": w("Sensorveiledning", "Mark scheme"),
    "model-answer": w("Løsningsforslag", "Model answer"),
    "look": w("Se på dette", "Look at this"),
    "review": w("Poengene er et forslag, til noen har sett på dem.", "The points are proposed until somebody has looked."),
    "not judged": w(
        "Ikke rettet: det var vår side som sviktet. Kjør `nbgrader autograde` igjen.",
        "Not judged: our own side failed. Run `nbgrader autograde` again.",
    ),
    "not-judged": w(" (ikke rettet)", " (not judged)"),
    "no-record": w(
        "Vurderingene kan ikke leses ({problem}). Rett denne innleveringen på nytt.",
        "The verdicts cannot be read ({problem}). Grade this submission again.",
    ),
    "decide": w("Bestem selv", "Decide yourself"),
    "points": w("poeng, av {points}", "points, of {points}"),
    "reason": w("Begrunnelse (studenten ser den)", "Reason (the student sees it)"),
    "save": w("Lagre", "Save"),
    "saved": w("Lagret: {earned} av {points} poeng.", "Saved: {earned} of {points} points."),
    "saved-under-manual": w(
        "Lagret, men det er poengene i feltet over ({manual}) som teller. Tøm det for å bruke disse.",
        "Saved, but the points in the box above ({manual}) are what counts. Clear it to use these.",
    ),
    "bad-points": w("Skriv et tall fra 0 til {points}.", "Write a number from 0 to {points}."),
    "bad-reason": w("Skriv en begrunnelse. Studenten ser den.", "Write a reason. The student sees it."),
    "no-verdict": w(
        "Her er det ingenting å overstyre. Rett innleveringen først.",
        "There is nothing to overrule here. Grade the submission first.",
    ),
    "no-criterion": w("Det finnes ikke noe slikt krav her. Last siden på nytt.", "No such criterion here. Load the page again."),
    "busy": w("Karakterboka kan ikke skrives nå. Prøv igjen.", "The gradebook cannot be written now. Try again."),
    "failed": w("Ikke lagret. Last siden på nytt, og prøv igjen.", "Not saved. Load the page again, and try again."),
}  # fmt: skip


# Which cells an answer is about


def part_of(released: NotebookNode, answer: str) -> tuple[str, ...]:
    """Grade ids of the cells that a free-text answer is about.

    They are those between the answer and the heading (of the first or second level) above the nearest check before it,
    and not beyond another answer.

    Args:
        released: the notebook as handed out: what students have done to headings plays no part.
    """
    place = next((n for n, cell in enumerate(released.cells) if _grade_id(cell) == answer), 0)
    found: list[str] = []
    checked = False
    for cell in reversed(released.cells[:place]):
        if is_answer(cell) or (checked and cell.cell_type == "markdown" and HEADING.search(cell.source)):
            break
        found += [_grade_id(cell)] if _grade_id(cell) else []
        checked = checked or is_check(cell)
    return tuple(reversed(found))


def cells_of(nb: NotebookNode, part: Collection[str], answer: str) -> Iterator[tuple[int, NotebookNode]]:
    """The code cells of a part of a student's notebook, with their places, the student's own among them; no checks."""
    ids = [_grade_id(cell) for cell in nb.cells]
    first = min((n for n, name in enumerate(ids) if name in part), default=len(ids))
    last = ids.index(answer) if answer in ids else 0
    for n, cell in enumerate(nb.cells):
        if cell.cell_type == "code" and not is_check(cell) and (first <= n < last or ids[n] in part):
            yield n, cell


def label(cell: NotebookNode, place: int, language: Language) -> str:
    return _grade_id(cell) or WORDS["cell"].fill(number=place + 1).say(language)


def is_answer(cell: NotebookNode) -> bool:
    """Whether a person marks it."""
    return bool(_marks(cell).get("grade") and _marks(cell).get("solution"))


def is_check(cell: NotebookNode) -> bool:
    return bool(_marks(cell).get("grade") and not _marks(cell).get("solution"))


def _grade_id(cell: NotebookNode) -> str:
    return str(_marks(cell).get("grade_id") or "")


def _marks(cell: NotebookNode) -> dict[str, Any]:
    marks = cell.metadata.get("nbgrader")
    return marks if isinstance(marks, dict) else {}


# What is shown of them


def shortened(outputs: list[NotebookNode], language: Language) -> list[NotebookNode]:
    """A cell's outputs as a page can hold them: the forms of `SHOWN`, without stderr (progress bars, warnings).

    Texts are cut at `MAX_TEXT`. HTML and pictures cannot be cut: where they are larger, another form of the same is shown.
    What comes after `MAX_TEXT` of text or `MAX_PICTURE` of pictures is left out, and that is told.
    """
    rest = WORDS["cut"].say(language)
    shown: list[NotebookNode] = []
    text = pictures = 0
    for output in outputs:
        if text > MAX_TEXT or pictures > MAX_PICTURE or len(shown) == MAX_OUTPUTS:
            return [*shown, new_output("stream", text=rest)]
        if (one := _shortened(output, rest)) is not None:
            shown.append(one)
            words, drawn = _sizes(one)
            text, pictures = text + words, pictures + drawn
    return shown


def _shortened(output: NotebookNode, rest: str) -> NotebookNode | None:
    if output.output_type == "stream":
        return new_output("stream", text=_cut(output.text, rest)) if output.name != "stderr" else None
    if output.output_type == "error":
        lines = _cut("\n".join(output.traceback), rest).split("\n")
        return new_output("error", ename=output.ename, evalue=output.evalue[:MAX_TEXT], traceback=lines)
    data = {kind: output.data[kind] for kind in SHOWN if isinstance(output.data.get(kind), str)}
    data = {kind: value for kind, value in data.items() if not _too_large(kind, value)}
    data.update({kind: _cut(data[kind], rest) for kind in ("text/plain", "text/markdown") if kind in data})
    return new_output("display_data", data=data) if data else None


def _too_large(kind: str, value: str) -> bool:
    if kind == "text/html":
        return len(value) > MAX_PICTURE or len(PICTURE.sub("", value)) > MAX_TEXT
    return kind.startswith("image/") and len(value) > MAX_PICTURE


def _sizes(output: NotebookNode) -> tuple[int, int]:
    """Characters of text and of pictures."""
    whole = len(json.dumps(output, ensure_ascii=False))
    data = output.get("data", {})
    drawn = sum(len(value) for kind, value in data.items() if kind.startswith("image/"))
    drawn += sum(len(found) for found in PICTURE.findall(data.get("text/html", "")))
    return whole - drawn, drawn


def _cut(text: str, rest: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + rest


# The mark scheme


@dataclass(frozen=True)
class Rubric:
    """What the instructor's version of an answer's cell says, in Markdown; either may be empty."""

    mark_scheme: str
    model_answer: str


def rubric_of(source: str) -> Rubric:
    """Of the text of an answer's cell in a source notebook, filled in and in one language."""
    inside = SOLUTION.sub("", source)
    scheme = MARK_SCHEME.search(inside)
    return Rubric(scheme[1] if scheme else "", MARK_SCHEME.sub("", inside).strip())


# Without names


def mask_cell(cell: NotebookNode, mask: Callable[[str], str]) -> None:
    """Masks, in place, what a cell says and what it has put out."""
    cell.source = mask(cell.source)
    for output in cell.get("outputs", []):
        for name in ("text", "ename", "evalue"):
            if name in output:
                output[name] = mask(output[name])
        if "traceback" in output:
            output.traceback = [mask(line) for line in output.traceback]
        for kind, value in output.get("data", {}).items():
            if kind.startswith("text/") and isinstance(value, str):
                output.data[kind] = mask(value)


def mask_verdict(verdict: Verdict, mask: Callable[[str], str]) -> Verdict:
    """A verdict in which nothing that was found tells whose it is."""

    def of(words: Words | None) -> Words | None:
        return words and Words(nb=mask(words.nb), en=mask(words.en))

    def criterion(c: Criterion) -> Criterion:
        said = {name: of(getattr(c, name)) for name in ("expected", "found", "hint", "note")}
        override = c.override and c.override.model_copy(update={"reason": mask(c.override.reason)})
        return c.model_copy(update={**said, "override": override})

    return verdict.model_copy(
        update={
            "criteria": tuple(criterion(c) for c in verdict.criteria),
            "observations": tuple(of(words) for words in verdict.observations),
            "reasons": tuple(of(words) for words in verdict.reasons),
        }
    )


# A person's decision


def in_both(key: str, points: float) -> Words:
    """A sentence of `WORDS` with a number of points, as each language writes it."""
    nb, en = (WORDS[key].say(language).format(points=in_words(points, language)) for language in LANGUAGES)
    return Words(nb=nb, en=en)


def number_in(told: Any) -> float | None:
    """A finite number out of what was typed ("0,5", "0.5", 1), else None."""
    try:
        number = float(told.strip().replace(",", ".")) if isinstance(told, str) else float(told)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and not isinstance(told, bool) else None


def refused(verdict: Verdict | None, criterion: Any, points: float | None, reason: Any) -> Words | None:
    """Why a decision about a criterion cannot be kept; None where it can."""
    if verdict is None or verdict.state == "not judged":
        return WORDS["no-verdict"]
    found = next((c for c in verdict.criteria if c.name == criterion), None)
    if found is None:
        return WORDS["no-criterion"]
    if points is None or not 0 <= points <= found.points:
        return in_both("bad-points", found.points)
    if not isinstance(reason, str) or not reason.strip():
        return WORDS["bad-reason"]
    return None
