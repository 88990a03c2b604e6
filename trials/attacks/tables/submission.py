"""What lies in the submission: links, files and notebooks that are none."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

from trials.attacks.attack import Attack, Change, Honest, Link
from trials.attacks.honest import OWN_FILES, OWN_LINK, OWN_NAMES


def zip_bomb() -> bytes:
    """Ten megabytes of nothing in ten kilobytes."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../../planted-by-zip", "x")
        archive.writestr("nothing", bytes(10_000_000))
    return made.getvalue()


def in_metadata(text: str) -> Change:
    """Puts something into the notebook's own metadata, as it is."""

    def change(body: bytes) -> bytes:
        before, at, after = body.rpartition(b'"metadata": {')
        return before + at + b'"x": ' + text.encode() + b"," + after

    return change


def in_a_cell(metadata: bytes) -> Change:
    """Puts a cell with these metadata in front of all others."""
    cell = b'{"cell_type": "markdown", "id": "first-of-all", "source": "x", "metadata": ' + metadata + b"},"
    return lambda body: body.replace(b'"cells": [', b'"cells": [' + cell, 1)


def with_cells(make: Callable[[Any], None]) -> Change:
    def change(body: bytes) -> bytes:
        notebook = json.loads(body)
        make(notebook)
        return json.dumps(notebook).encode()

    return change


def twice(notebook: Any) -> None:
    notebook["cells"] += [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def other_points(notebook: Any) -> None:
    for cell in notebook["cells"]:
        marks = cell["metadata"].get("nbgrader", {})
        if "points" in marks:
            marks["points"] = 495
        marks["locked"] = False


def own_marks(notebook: Any) -> None:
    marks = {"grade_id": '"><b>mine', "grade": True, "solution": True, "locked": False, "task": False, "points": 9}
    for cell in notebook["cells"]:
        if not cell["metadata"].get("nbgrader"):
            cell["metadata"]["nbgrader"] = {**marks, "schema_version": 3, "cell_type": cell["cell_type"]}


def other_kernel(notebook: Any) -> None:
    command = "touch @ROOT@/planted-by-kernel"
    notebook["metadata"]["kernelspec"] = {"name": f"bash; {command}", "display_name": "x", "language": "bash"}


def no_cells(notebook: Any) -> None:
    notebook["cells"] = "none"


def many_cells(notebook: Any) -> None:
    plain = {"cell_type": "markdown", "metadata": {}, "source": "x"}
    notebook["cells"] += [{**plain, "id": f"m{n}"} for n in range(3000)]


def strange_metadata(notebook: Any) -> None:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["metadata"] = {"nbgrader": [1, 2], "tags": {"x": 1}, "collapsed": "x"}


SHADOW = b"""
import os
for path in ("@ROOT@/planted-@TOKEN@", "/tmp/planted-@TOKEN@"):
    try:
        open(path, "w").close()
    except OSError:
        pass
def check(*args): return None
def begin_grading(*args): return None
def publish(*args): return None
"""


def handed_in_as(name: str, change: Change) -> Attack:
    """An attack by what the notebook's file is; its cells are as released."""
    return Attack(name, "submission", OWN_NAMES, change=change)


def with_files(name: str, files: dict[str, bytes | Link], control: Honest = OWN_FILES) -> Attack:
    """An attack by files beside a notebook that is solved rightly and whose points stay due."""
    return Attack(name, "submission", control, solved=True, files=files)


SHOW_ALL = """
import os
for folder, _, names in os.walk("."):
    for name in names:
        try:
            text = open(os.path.join(folder, name), "rb").read(300_000)
            print(text[-30_000:])
            if text.startswith(b"SQLite format"):
                reached("the gradebook")
        except OSError:
            pass
tried()
"""


def shown(name: str, target: str, at: str = "data.csv") -> Attack:
    """A link, and a cell that shows what lies behind it."""
    return Attack(name, "submission", OWN_LINK, probe=SHOW_ALL, alone=True, solved=True, files={at: Link(target)})


ATTACKS = (
    shown("a link to the gradebook", "@ROOT@/gradebook.db"),
    shown("a link to the solutions", "@ROOT@/source/chatbot/chatbot.ipynb"),
    shown("a link to another student's notebook", "@ROOT@/submitted/s000-a-bystander-0/chatbot/private.txt", "x/notes.txt"),
    shown("a folder that is a link to the course", "../../../source", "folder"),
    shown("a link to the grader's home", "@HOME@/.netrc"),
    Attack(
        "a notebook that is a link to another student's",
        "submission",
        OWN_LINK,
        is_link="@ROOT@/submitted/s000-a-bystander-0/chatbot/chatbot.ipynb",
    ),
    Attack(
        "a notebook that is a link to the solution",
        "submission",
        OWN_LINK,
        is_link="@ROOT@/source/chatbot/chatbot.ipynb",
    ),
    with_files("a link to a device without end", {"data.bin": Link("/dev/zero")}, OWN_LINK),
    with_files("a link to nowhere, and links in a ring", {"a": Link("b"), "b": Link("a"), "c": Link("/x/y")}, OWN_LINK),
    Attack(
        "a profile of one's own beside the notebook",
        "submission",
        OWN_FILES,
        files={"profile.json": b'{"course": {"id": "x", "language": "en"}, "tasks": []}'},
    ),
    with_files(
        "torch.py, json.py and sqlite3.py beside the notebook",
        dict.fromkeys(("torch.py", "json.py", "sqlite3.py"), SHADOW),
    ),
    Attack(
        "a package autograder beside the notebook",
        "submission",
        OWN_FILES,
        files={"autograder/__init__.py": SHADOW, "autograder/kernel/notebook.py": SHADOW, "autograder/judging/judge.py": SHADOW},
    ),
    with_files(
        "sitecustomize.py and a .pth file",
        {"sitecustomize.py": SHADOW, "usercustomize.py": SHADOW, "x.pth": b"import sitecustomize\n"},
    ),
    with_files(
        "configuration files for nbgrader, Jupyter and IPython",
        dict.fromkeys(
            ("nbgrader_config.py", "jupyter_config.py", "ipython_config.py", "ipython_kernel_config.py",
             ".ipython/profile_default/startup/x.py"), SHADOW),
    ),
    with_files("a time of handing in that is no time", {"timestamp.txt": b"the day before yesterday \xff" * 100}),
    with_files("an archive that unpacks to a thousand times its size", {"data.zip": zip_bomb()}),
    with_files(
        "names with line feeds, quotation marks and ..",
        dict.fromkeys(("a\nb.txt", "'; touch x; '.txt", "..a.txt", "$(touch x)", "<b>.txt"), b"x"),
    ),
    handed_in_as("a notebook that is no JSON", lambda body: b"\x00\xff{"),
    handed_in_as("an empty notebook", lambda body: b""),
    handed_in_as("a notebook nested a hundred thousand times", in_metadata("[" * 100_000 + "]" * 100_000)),
    handed_in_as("a notebook with a number of a million digits", in_metadata("9" * 1_000_000)),
    handed_in_as("a cell with a million tags", in_a_cell(b'{"tags": [' + b'"a",' * 1_000_000 + b'"b"]}')),
    handed_in_as("a notebook of forty megabytes", in_metadata('"' + "x" * 40_000_000 + '"')),
    handed_in_as("a notebook with three thousand cells more", with_cells(many_cells)),
    handed_in_as("a notebook whose cells are a word", with_cells(no_cells)),
    handed_in_as("a notebook with every cell twice", with_cells(twice)),
    handed_in_as("a notebook with points of its own", with_cells(other_points)),
    handed_in_as("a notebook with graded cells of its own", with_cells(own_marks)),
    handed_in_as("a notebook with a kernel of its own", with_cells(other_kernel)),
    handed_in_as("a notebook whose metadata are of other kinds", with_cells(strange_metadata)),
    handed_in_as("a notebook in the format of 2012", lambda body: b'{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}'),
)  # fmt: skip
