"""Makes submissions out of a release: the reference solution, and students who differ from it in named cells.

Used by the demo and by the tests. A submission is the released notebooks with other sources in some solution cells.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.course.profile import Profile
from autograder.pages.marking import rubric_of
from autograder.release import authoring
from autograder.submissions.cells import marks_of

HEADING = re.compile(r"^# %%(%?) (.+(?:\n#  .+)*)\n", re.MULTILINE)
PIECE = re.compile(r"^«([A-Z_0-9]+)»\n", re.MULTILINE)

Cells = dict[str, str]
"""Sources of solution cells by grade id."""


@dataclass(frozen=True)
class Entry:
    """What stands under one heading of a page.

    Attributes:
        name: the heading's first words.
        marks: its other words; of a mark `KEY: VALUE` the value by its key, of one that is a word alone nothing.
        code: what follows up to the next heading, without empty lines around it.
        below: the parts under headings of the second kind, by their words.
    """

    name: str
    marks: Mapping[str, str]
    code: str
    below: Mapping[str, str] = field(default_factory=dict)


def entries(page: str, pieces: Mapping[str, str], marks: Container[str] = ()) -> Iterator[Entry]:
    """The entries of a page of code: a heading `# %% name | mark | …` each, and below it parts that begin with `# %%% name`.

    A heading goes on in lines that begin with `#  `.

    Args:
        pieces: what stands for a line `«NAME»`.
        marks: those that there are. Raises ValueError for another one.
    """
    _, *parts = re.split(r"^(?=# %% )", page, flags=re.MULTILINE)
    for part in parts:
        _, *found = HEADING.split(part)
        texts = [PIECE.sub(lambda name: pieces[name[1]], code).strip("\n") + "\n" for code in found[2::3]]
        name, *words = re.split(r"\s+(?:#\s+)?\| ", found[1])
        said = dict(word.partition(": ")[::2] for word in words)
        if unknown := [mark for mark in said if mark not in marks]:
            raise ValueError(f"{name}: there is no mark {unknown[0]!r}")
        yield Entry(name, said, texts[0], dict(zip(found[4::3], texts[1:], strict=True)))


@dataclass(frozen=True)
class Student:
    """A made-up student.

    Attributes:
        id: user name.
        story: in one line, what this student did.
        cells: what the student wrote, by grade id; other solution cells are left as released.
        points: what the autograder should give, by check id, where that is known beforehand.
    """

    id: str
    story: str
    cells: Mapping[str, str] = field(default_factory=dict)
    points: Mapping[str, float] = field(default_factory=dict)


def reference(source: Path, profile: Profile) -> Cells:
    """The reference solution: every solution cell of the source notebooks, filled in for a profile.

    Args:
        source: the folder with the source notebooks.
    """
    cells: Cells = {}
    for path in sorted(source.glob("*.ipynb")):
        notebook = authoring.fill(nbformat.read(path, as_version=4), profile)
        notebook = authoring.select_language(notebook, profile.course.language)
        for cell in notebook.cells:
            if marks_of(cell).get("solution"):
                cells[marks_of(cell)["grade_id"]] = rubric_of(cell.source).model_answer
    return cells


def answered(notebook: NotebookNode, cells: Mapping[str, str]) -> NotebookNode:
    """A released notebook with a student's cells written in."""
    solved = nbformat.from_dict(notebook)
    for cell in solved.cells:
        marks = marks_of(cell)
        if marks.get("solution") and marks["grade_id"] in cells:
            cell.source = cells[marks["grade_id"]]
    return solved


def write_submission(release: Path, folder: Path, student: Student, *notebooks: str) -> None:
    """Writes a student's notebooks over the fetched ones in `folder`: those that are named, or all."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(release.glob("*.ipynb")):
        if notebooks and path.stem not in notebooks:
            continue
        notebook = answered(nbformat.read(path, as_version=4), student.cells)
        nbformat.write(notebook, folder / path.name)
