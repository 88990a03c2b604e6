"""What can be seen of a submission before it is graded: what is missing, unanswered, or was never run. Pure functions.

It is shown and never held against anybody: grading runs the notebooks afresh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from nbformat import NotebookNode

from autograder.course.deadline import Deadline, HandInTime
from autograder.course.profile import Language
from autograder.facts.verdict import Sentence
from autograder.submissions.cells import grade_id_of, marks_of
from autograder.submissions.repair import Unreadable, read_notebook
from autograder.words import times
from autograder.words.grading import UNREADABLE
from autograder.words.hand_in import HAND_IN
from autograder.words.tables import say

MAX_NAMES = 5


def notices(
    released: Mapping[str, NotebookNode], handed: Mapping[str, bytes], extra: Sequence[str], aside: Sequence[str]
) -> list[Sentence]:
    """What a student should know, in the order of the notebooks.

    Args:
        released: the released notebooks, by name without `.ipynb`.
        handed: the files of those that were handed in.
        extra: paths of other files.
        aside: paths of what was not taken along.
    """
    found = [sentence for name, nb in released.items() for sentence in _of_notebook(name, nb, handed.get(name))]
    found += [HAND_IN["extra"].fill(names=listed(extra))] if extra else []
    return found + ([HAND_IN["aside"].fill(names=listed(aside))] if aside else [])


def _of_notebook(name: str, released: NotebookNode, data: bytes | None) -> Iterator[Sentence]:
    if data is None:
        yield HAND_IN["missing"].fill(name=name)
        return
    try:
        nb, _ = read_notebook(data)
    except Unreadable as error:
        yield HAND_IN["unreadable"].fill(name=name, reason=UNREADABLE[error.kind])
        return
    for kind, cell_type in (("no-code", "code"), ("no-text", "markdown")):
        open_ones = unanswered(released, nb, cell_type)
        if open_ones:
            yield HAND_IN[kind].fill(name=name, n=len(open_ones), cells=listed(open_ones))
    yield from _of_runs(name, nb)


def unanswered(released: NotebookNode, nb: NotebookNode, cell_type: str) -> list[str]:
    """Ids of the cells to be filled in that are empty, gone, or as they were released."""
    written = {name: cell.source.strip() for cell in nb.cells if (name := grade_id_of(cell))}
    asked = [cell for cell in released.cells if marks_of(cell).get("solution") and cell.cell_type == cell_type]
    names = [(grade_id_of(cell) or "", cell) for cell in asked]
    return [name for name, cell in names if written.get(name, "") in ("", cell.source.strip())]


def _of_runs(name: str, nb: NotebookNode) -> Iterator[Sentence]:
    """Which code cells have a number, and whether the numbers rise."""
    code = [cell for cell in nb.cells if cell.cell_type == "code" and cell.source.strip()]
    numbers = [cell.get("execution_count") for cell in code]
    ran = [number for number in numbers if isinstance(number, int)]
    if code and (not ran or not any(cell.get("outputs") for cell in code)):
        yield HAND_IN["nothing-run"].fill(name=name)
        return
    left = [
        grade_id_of(cell) or f"nr. {count}" for count, (cell, number) in enumerate(zip(code, numbers, strict=True), 1)
        if not isinstance(number, int)
    ]  # fmt: skip
    if left:
        yield HAND_IN["not-run"].fill(name=name, n=len(left), cells=listed(left))
    if ran != sorted(ran):
        yield HAND_IN["out-of-order"].fill(name=name)


def listed(names: Sequence[str]) -> str:
    """A few names, each fit to be printed: they may be a stranger's."""
    shown = [name if name.isprintable() else ascii(name) for name in names[:MAX_NAMES]]
    shown = [name if len(name) <= 60 else f"{name[:59]}…" for name in shown]
    return ", ".join(shown) + (" …" if len(names) > MAX_NAMES else "")


def when(moment: datetime, deadline: Deadline | None = None) -> str:
    """A moment to the minute, in the course's time; in this machine's where there is no deadline."""
    return (deadline.told(moment) if deadline else moment.astimezone()).strftime("%Y-%m-%d %H:%M")


def in_words(time: HandInTime) -> Sentence:
    """When it was handed in, held against the student's deadline."""
    deadline = time.deadline
    moments = {"when": times.moment(deadline.told(time.at)), "due": times.moment(deadline.due)}
    if deadline.extended is not None:
        moments["until"] = times.moment(deadline.told(deadline.extended))
    if time.late:
        key = "late" if deadline.last == deadline.due else "late-extended"
        return HAND_IN[key].fill(by=times.span(time.late), **moments)
    return HAND_IN["covered" if time.after_due else "in-time"].fill(**moments)


def of_times(count: int) -> list[Sentence]:
    """Whether there are others."""
    return [HAND_IN["again"].fill(n=count)] if count > 1 else []


def receipt(
    assignment: str,
    handed_in: datetime,
    deadline: Deadline | None,
    saved: Mapping[str, datetime],
    notes: Sequence[Sentence],
    language: Language,
    promised: Sequence[Sentence] = (),
) -> str:
    """The note that a student finds beside the notebooks.

    Args:
        deadline: everybody's: a student's account cannot read who has been given more time.
        saved: when each notebook was saved, by file name.
        notes: what the student should know.
        promised: when it is graded.
    """
    lines = [say(HAND_IN["received"].fill(when=when(handed_in, deadline), assignment=assignment), language)]
    if deadline is not None and handed_in <= deadline.due:
        lines.append(say(HAND_IN["due"].fill(due=times.moment(deadline.due)), language))
    saved_at = [HAND_IN["saved"].fill(name=name, when=when(at, deadline)) for name, at in saved.items()]
    lines += [f"- {say(sentence, language)}" for sentence in saved_at]
    lines += ["", say(HAND_IN["look" if notes else "complete"], language)]
    lines += [f"- {say(note, language)}" for note in notes]
    lines += ["", *(say(each, language) for each in promised)] if promised else []
    return "\n".join([*lines, "", say(HAND_IN["afterwards"], language)]) + "\n"
