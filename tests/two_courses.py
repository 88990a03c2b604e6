"""nbgrader's own example course, taken the whole way twice: by stock nbgrader and under this kit's settings.

What `plugins/test_other_assignments.py` compares. Each course is a folder with its exchange and one student's home; each
command is nbgrader's own, in a process forked from the course's one that has imported it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, TextIO

import nbformat
import nbgrader
from nbformat import NotebookNode
from nbgrader.api import Gradebook

NAME = "ps1"
EXAMPLE = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide" / "source"
STOCK = """\
c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.course_id = "llm101"
"""
BOTH = """
c.Exchange.root = {exchange!r}
c.Exchange.cache = {cache!r}
c.ExchangeCollect.check_owner = False
c.IncludeHeaderFooter.header = "source/header.ipynb"
c.LateSubmissionPlugin.penalty_method = "zero"
c.Execute.timeout = 10
"""
COMMANDS = """\
import json, os, sys
from nbgrader.apps import nbgraderapp
for line in sys.stdin:
    folder, *command = json.loads(line)
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(folder)
        print("$", *command, flush=True)
        sys.argv = ["nbgrader", *command]
        nbgraderapp.main()
        os._exit(0)
    print("=", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
TIME, LATE = "2026-11-24 12:00:00 UTC", "2026-11-26 12:00:00 UTC"
DUE = "2026-11-25 12:00:00 UTC"


@dataclass
class Course:
    """One of the two.

    Attributes:
        process: runs its commands.
        codes: the exit code of each command, in their order.
    """

    folder: Path
    process: subprocess.Popen[str]
    codes: list[tuple[str, int]] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.folder / "course"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def log(self) -> Path:
        return self.folder / "commands.log"

    def run(self, *commands: Sequence[str], at: Path | None = None) -> None:
        """Runs `nbgrader COMMAND…`, one after another, in the course directory or elsewhere."""
        with self.log.open("a", encoding="utf-8") as log:
            for command in commands:
                self.codes.append((command[0], self._code(command, at or self.root, log)))

    def _code(self, command: Sequence[str], at: Path, log: TextIO) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(at), *command]) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if re.fullmatch(r"= -?\d+\n", line):
                return int(line[2:])
            log.write(line)
        raise EOFError(f"nbgrader's process has ended: see {self.log}")

    def gradebook(self) -> Gradebook:
        return Gradebook(f"sqlite:///{self.root / 'gradebook.db'}")


@contextmanager
def made(folder: Path, settings: str, source: Callable[[Path], None] = lambda root: None) -> Iterator[Course]:
    """A course with the example in it.

    Args:
        settings: the first part of its `nbgrader_config.py`.
        source: puts more into the course directory.
    """
    env = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        **{name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")},
    }
    command = [sys.executable, "-c", COMMANDS]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        course = Course(folder, process)
        _laid_out(course, settings, source)
        yield course


def _laid_out(course: Course, settings: str, source: Callable[[Path], None]) -> None:
    folder = course.folder
    for path in (course.root / "source", course.home, folder / "exchange"):
        path.mkdir(parents=True)
    (folder / "exchange").chmod(0o777)
    shutil.copy(EXAMPLE / "header.ipynb", course.root / "source")
    shutil.copytree(EXAMPLE / NAME, course.root / "source" / NAME)
    (course.root / "source" / NAME / "profile.json").write_text('{"height": 3}', encoding="utf-8")
    edit(course.root / "source" / NAME / "problem2.ipynb", of_another_tool)
    edit(course.root / "source" / NAME / "problem2.ipynb", with_more_checks)
    source(course.root)
    places = {"root": str(course.root), "exchange": str(folder / "exchange"), "cache": str(folder / "cache")}
    (course.root / "nbgrader_config.py").write_text(settings.format(**places) + BOTH.format(**places), encoding="utf-8")
    students = STOCK.format(root=str(course.home)) + BOTH.format(**places)
    (course.home / "nbgrader_config.py").write_text(students, encoding="utf-8")


def whole_way(course: Course) -> None:
    """From the source to feedback in a student's hands, and to the table of grades."""
    course.run(
        ("generate_assignment", NAME), ("db", "assignment", "add", NAME, f"--duedate={DUE}"),
        ("db", "student", "add", "right", "--first-name=Ada", "--last-name=Right"), ("release_assignment", NAME),
    )  # fmt: skip
    course.run(("fetch_assignment", NAME), at=course.home)
    answered(course.home / NAME, course.root / "source" / NAME)
    (course.home / NAME / "receipt.txt").write_text("Bread, 3.50", encoding="utf-8")
    course.run(("submit", NAME), at=course.home)
    for name, change in STUDENTS.items():
        hand_in(course, name, change)
    course.run(("collect", NAME), ("autograde", NAME))
    with course.gradebook() as gradebook:
        for grade_id, notebook, score in (("sum_of_squares_equation", "problem1", 0.5), ("part-a", "problem2", 1.0)):
            grade = gradebook.find_grade(grade_id, notebook, NAME, "right")
            grade.manual_score, grade.needs_manual_grade = score, False
            gradebook.find_comment(grade_id, notebook, NAME, "right").manual_comment = "Well said."
        gradebook.db.commit()
    course.run(
        ("autograde", NAME, "--student=right", "--force"), ("generate_feedback", NAME), ("release_feedback", NAME),
        ("export", "--to=grades.csv"),
    )  # fmt: skip
    course.run(("fetch_feedback", NAME), ("list",), at=course.home)


# --- Who hands in ---


CHECKS = {
    "right": "assert 1 == 1", "wrong": "assert 1 == 2", "half": "1.0", "stderr": "import sys; print(1, file=sys.stderr)",
    "much": "raise KeyboardInterrupt", "nothing": "", "awaited": "import asyncio\nawait asyncio.sleep(0)",
    "shell": "!true", "thread": "import threading\nthreading.Thread(target=print).start()",
    "command": "import os; pid = os.getpid()",
}  # fmt: skip
"""More test cells of an ordinary assignment, each worth two points."""


def with_more_checks(nb: NotebookNode) -> None:
    marks = {"schema_version": 3, "task": False, "points": 2, "grade": True, "solution": False, "locked": True}
    for name, source in CHECKS.items():
        cell = nbformat.v4.new_code_cell(source, metadata={"nbgrader": {"grade_id": name, **marks}})
        del cell["id"]  # the example is older than ids
        nb.cells.append(cell)


def edit(path: Path, change: Callable[[NotebookNode], None]) -> None:
    nb = nbformat.read(path, as_version=4)
    change(nb)
    nbformat.write(nb, path)


def of_another_tool(nb: NotebookNode) -> None:
    nb.metadata["autograder"] = "another tool's"


def cell_of(nb: NotebookNode, grade_id: str) -> NotebookNode:
    return next(cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def answered(folder: Path, source: Path) -> None:
    """Answers everything as the source does."""
    for path in sorted(folder.glob("*.ipynb")):
        solved = {
            cell.metadata.get("nbgrader", {}).get("grade_id"): cell
            for cell in nbformat.read(source / path.name, 4).cells
        }

        def answer(nb: NotebookNode, solved: dict[str, NotebookNode] = solved) -> None:
            for cell in nb.cells:
                marks = cell.metadata.get("nbgrader", {})
                if marks.get("solution") and not marks.get("locked"):
                    cell.source = solved[marks["grade_id"]].source

        edit(path, answer)


def with_changed_checks(folder: Path) -> None:
    """One check changed, one worth more, one deleted, and a notebook under another name."""

    def change(nb: NotebookNode) -> None:
        cell_of(nb, "correct_squares").update(source="pass")
        cell_of(nb, "squares_invalid_input").metadata["nbgrader"]["points"] = 100
        nb.cells.remove(cell_of(nb, "correct_sum_of_squares"))

    edit(folder / "problem1.ipynb", change)
    (folder / "problem2.ipynb").rename(folder / "problem3.ipynb")


def with_a_check_twice(folder: Path) -> None:
    edit(folder / "problem1.ipynb", lambda nb: nb.cells.append(cell_of(nb, "correct_squares")))


def broken(folder: Path) -> None:
    (folder / "problem1.ipynb").write_text("{", encoding="utf-8")


def wrong(folder: Path) -> None:
    edit(folder / "problem1.ipynb", lambda nb: cell_of(nb, "squares").update(source="def squares(n):\n    return [1]"))


def with_a_task_done(folder: Path) -> None:
    def change(nb: NotebookNode) -> None:
        nb.cells.append(nbformat.v4.new_markdown_cell("$n(n+1)/2$"))
        nb.cells.append(nbformat.v4.new_code_cell("sum(range(11))"))

    edit(folder / "problem1.ipynb", change)


STUDENTS: dict[str, Callable[[Path], None] | None] = {
    "right": with_a_task_done, "untouched": None, "late": wrong, "twice": with_a_check_twice, "changed": with_changed_checks,
    "broken": broken,
}  # fmt: skip
"""What each has done to a folder in which everything is answered as in the source; None for one who has answered nothing."""


def hand_in(course: Course, student: str, change: Callable[[Path], None] | None) -> None:
    time = LATE if student == "late" else TIME
    folder = course.folder / "exchange" / "llm101" / "inbound" / f"{student}+{NAME}+{time}+abc"
    shutil.copytree(course.root / "release" / NAME, folder)
    (folder / "timestamp.txt").write_text(time, encoding="utf-8")
    if change is not None:
        answered(folder, course.root / "source" / NAME)
        change(folder)


# --- What there is afterwards ---


def files(folder: Path) -> dict[str, str]:
    """The files and folders below a folder, with the modes of files."""
    found = sorted(folder.rglob("*"))
    return {str(p.relative_to(folder)): "" if p.is_dir() else stat.filemode(p.stat().st_mode) for p in found}


def notebook(path: Path, course: Course) -> Any:
    """A notebook, but for what differs from run to run."""
    nb = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    for cell in nb.cells:
        cell.pop("id", None)
        cell.metadata.pop("execution", None)
    return json.loads(alike(json.dumps(nb), course))


def alike(text: str, course: Course) -> str:
    """A text without what differs from run to run: places, kernels' numbers, ids of the gradebook, and random names."""
    text = text.replace(str(course.folder), "")
    text = re.sub(r"ipykernel_\d+/\d+", "ipykernel", text)
    return re.sub(r"\b[0-9a-f]{32}\b|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+", "#", text)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        self.said += [] if self._silent else data.split()


def words(page: str, course: Course) -> str:
    """What is to be read on a page; nbconvert's signs for links to headings are not."""
    reader = _Words()
    reader.feed(alike(page, course))
    return " ".join(word for word in reader.said if word != "¶")


def rows(course: Course) -> Iterator[tuple[str, ...]]:
    """Every row of the gradebook that is about this assignment, each column with its name."""
    with course.gradebook() as gradebook:
        assignment = gradebook.find_assignment(NAME)
        yield row("assignment", assignment)
        for one in assignment.notebooks:
            yield row(f"notebook {one.name}", one)
            for kind in ("grade_cells", "solution_cells", "source_cells", "task_cells"):
                for cell in getattr(one, kind):
                    yield row(f"{kind} {cell.name}", cell)
        for submission in assignment.submissions:
            if submission.student.id in STUDENTS:  # the others' time is the run's
                yield row(f"submission {submission.student.id}", submission)
            for one in submission.notebooks:
                yield row(f"{submission.student.id} {one.name}", one)
                for kind in (one.grades, one.comments):
                    for each in kind:
                        yield row(f"{submission.student.id} {one.name}", each)


def row(label: str, thing: Any) -> tuple[str, ...]:
    columns = {one.key: getattr(thing, one.key) for one in thing.__mapper__.column_attrs}
    told = {**columns, **thing.to_dict()} if hasattr(thing, "to_dict") else columns
    return (label, *(f"{name}={value}" for name, value in sorted(told.items()) if not name.endswith(("id", "anon)s"))))
