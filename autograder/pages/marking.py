"""What a person needs beside a free-text answer, out of notebooks: which cells it is about, and its mark scheme.

Pure functions; `marking_page.py` makes the page. Nothing here reads a file or knows Formgrader.
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
from autograder.facts.verdict import Criterion, Sentence, Verdict
from autograder.submissions.cells import grade_id_of, is_answer, is_check
from autograder.words.marking import MARKING
from autograder.words.render import number
from autograder.words.tables import say

HEADING = re.compile(r"^ {0,3}#{1,2} ", re.MULTILINE)
SOLUTION = re.compile(r"^\s*### (BEGIN|END) SOLUTION\s*?$\n?", re.MULTILINE)
MARK_SCHEME = re.compile(r"### BEGIN MARK SCHEME\s*(.*?)\s*### END MARK SCHEME\s*", re.DOTALL)
MAX_TEXT = 20_000
"""Characters of one text that a page shows, pictures not counted."""
MAX_OUTPUTS = 100
MAX_CELLS = 30
"""Of the part that an answer is about."""
MAX_PICTURE = 3_000_000
"""Characters of a picture that is shown, as it is written in a notebook."""
PICTURE = re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/=]*")
SHOWN = (
    "text/plain", "text/markdown", "text/html", "text/latex", "image/png", "image/jpeg", "image/svg+xml",
)  # fmt: skip
"""What is shown of an output: in these forms, nothing runs."""

# Which cells an answer is about


def part_of(released: NotebookNode, answer: str) -> tuple[str, ...]:
    """Grade ids of the cells that a free-text answer is about.

    They are those between the answer and the heading (of the first or second level) above the nearest check before it,
    and not beyond another answer.

    Args:
        released: the notebook as handed out: what students have done to headings plays no part.
    """
    index = next((n for n, cell in enumerate(released.cells) if grade_id_of(cell) == answer), 0)
    found: list[str] = []
    checked = False
    for cell in reversed(released.cells[:index]):
        if is_answer(cell) or (checked and cell.cell_type == "markdown" and HEADING.search(cell.source)):
            break
        found += [grade_id] if (grade_id := grade_id_of(cell)) else []
        checked = checked or is_check(cell)
    return tuple(reversed(found))


def cells_of(nb: NotebookNode, part: Collection[str], answer: str) -> Iterator[tuple[int, NotebookNode]]:
    """The code cells of a part of a student's notebook, with their indices, the student's own among them; no checks."""
    ids = [grade_id_of(cell) for cell in nb.cells]
    first = min((n for n, name in enumerate(ids) if name in part), default=len(ids))
    last = ids.index(answer) if answer in ids else 0
    for n, cell in enumerate(nb.cells):
        if cell.cell_type == "code" and not is_check(cell) and (first <= n < last or ids[n] in part):
            yield n, cell


def label(cell: NotebookNode, index: int, language: Language) -> str:
    return grade_id_of(cell) or say(MARKING["cell"].fill(number=index + 1), language)


# What is shown of them


def shortened(outputs: list[NotebookNode], language: Language, stderr: bool = False) -> list[NotebookNode]:
    """A cell's outputs as a page can hold them: the forms of `SHOWN`, and no metadata: an address in it would be fetched.

    Texts are cut at `MAX_TEXT`. HTML and pictures cannot be cut: where they are larger, another form of the same is shown.
    What comes after `MAX_TEXT` of text or `MAX_PICTURE` of pictures is left out, and a line says so.

    Args:
        stderr: whether progress bars and warnings are shown.
    """
    rest = say(MARKING["cut"], language)
    shown: list[NotebookNode] = []
    text = pictures = 0
    for output in outputs:
        if text > MAX_TEXT or pictures > MAX_PICTURE or len(shown) == MAX_OUTPUTS:
            return [*shown, new_output("stream", text=rest)]
        if (stderr or output.get("name") != "stderr") and (one := _shortened(output, rest)) is not None:
            shown.append(one)
            words, drawn = _sizes(one)
            text, pictures = text + words, pictures + drawn
    return shown


def _shortened(output: NotebookNode, rest: str) -> NotebookNode | None:
    if output.output_type == "stream":
        name = "stderr" if output.name == "stderr" else "stdout"
        return new_output("stream", name=name, text=cut(output.text, rest))
    if output.output_type == "error":
        lines = cut("\n".join(output.traceback), rest).split("\n")
        return new_output("error", ename=output.ename, evalue=output.evalue[:MAX_TEXT], traceback=lines)
    data = {kind: output.data[kind] for kind in SHOWN if isinstance(output.data.get(kind), str)}
    data = {kind: value for kind, value in data.items() if not _too_large(kind, value)}
    data.update({kind: cut(data[kind], rest) for kind in ("text/plain", "text/markdown", "text/latex") if kind in data})
    if not data:
        return None
    count = output.get("execution_count")
    result = output.output_type == "execute_result" and type(count) is int
    return (
        new_output("execute_result", data=data, execution_count=count)
        if result
        else new_output("display_data", data=data)
    )


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


def cut(text: str, rest: str) -> str:
    """A text of at most `MAX_TEXT` characters, then `rest` where there is more."""
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

    def criterion(c: Criterion) -> Criterion:
        phrases = {name: getattr(c, name) for name in ("expected", "found", "hint", "note")}
        masked = {name: phrase and phrase.changed(mask) for name, phrase in phrases.items()}
        override = c.override and c.override.model_copy(update={"reason": mask(c.override.reason)})
        return c.model_copy(update={**masked, "override": override})

    return verdict.model_copy(
        update={
            "criteria": tuple(criterion(c) for c in verdict.criteria),
            "observations": tuple(phrase.changed(mask) for phrase in verdict.observations),
            "reasons": tuple(phrase.changed(mask) for phrase in verdict.reasons),
        }
    )


# A person's decision


def number_in(typed: Any) -> float | None:
    """A finite number out of what was typed ("0,5", "0.5", 1), else None."""
    try:
        value = float(typed.strip().replace(",", ".")) if isinstance(typed, str) else float(typed)
    except (TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) and not isinstance(typed, bool) else None


def refused(
    verdict: Verdict | None, criterion: Any, points: float | None, reason: Any, language: Language
) -> Sentence | None:
    """Why a decision about a criterion cannot be kept; None where it can."""
    if verdict is None or verdict.state == "not judged":
        return MARKING["no-verdict"]
    found = next((c for c in verdict.criteria if c.name == criterion), None)
    if found is None:
        return MARKING["no-criterion"]
    if points is None or not 0 <= points <= found.points:
        return MARKING["bad-points"].fill(points=number(found.points, language))
    if not isinstance(reason, str) or not reason.strip():
        return MARKING["bad-reason"]
    return None
