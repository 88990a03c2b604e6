"""Files around the notebooks: what could do harm is set aside, helpers stay, and a renamed notebook is found by its content."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import ROOT
from nbformat import NotebookNode
from test_repair import CELLS, RELEASED, as_bytes, cell, copied, deleted, release

from autograder.judging.contract import NOTEBOOKS
from autograder.submissions import repair_files
from autograder.submissions.repair_files import renamed, strange_files
from autograder.words import grading as words
from autograder.words.tables import words_of

MUCH = 10_000_000


def put(folder: Path, *paths: str, size: int = 3) -> None:
    """Makes files, and folders for those that end in "/"."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("/"):
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(b"x" * size)


# Names

HELPERS = [
    "helpers.py", "chatbot.py", "utils.py", "prompts.py", "test.py", "code.py", "chunk.py", "my_utils/__init__.py",
    "my_utils/torch.py", "data.csv", "data/torch.py", "torch.txt", "torch.py.bak", "torch/notes.md", "json/data.json", ".env",
    "chatbot.ipynb", "torch.ipynb", "tests/test_it.py", "Torch.py", "æøå ✓.txt", "mytorch.py", "torch.old.py", "timestamp.txt",
    "notebook.py", ".ipynb_checkpoints/chatbot-checkpoint.ipynb", "__pycache__/torch.cpython-311.pyc", "profile.json",
]  # fmt: skip
SHADOWS = [
    "torch.py", "langchain_core.py", "transformers.py", "json.py", "random.py", "autograder.py", "numpy.pyc", "torch.so",
    "torch.cpython-311-x86_64-linux-gnu.so", "torch.abi3.so", "sitecustomize.py", "usercustomize.py", "x.pth",
    "ipykernel_launcher.py", "IPython.py", "ipython_config.py", "_json.py", "torch.pyd",
]  # fmt: skip
FOLDERS = [
    "torch/__init__.py", "langchain_core/prompts.py", "autograder/errors.py", "json/__init__.py", ".ipython/x", ".jupyter/x",
]  # fmt: skip


@pytest.mark.parametrize("path", HELPERS)
def test_a_students_own_file_stays(tmp_path: Path, path: str) -> None:
    put(tmp_path, path)
    assert strange_files(tmp_path, MUCH) == {}


@pytest.mark.parametrize("path", SHADOWS)
def test_a_file_in_the_way_of_a_module_is_set_aside(tmp_path: Path, path: str) -> None:
    put(tmp_path, path, "helpers.py")
    assert strange_files(tmp_path, MUCH) == {path: "shadows"}


@pytest.mark.parametrize("path", FOLDERS)
def test_a_folder_in_the_way_of_a_module_is_set_aside_whole(tmp_path: Path, path: str) -> None:
    put(tmp_path, path, "helpers.py", f"{path.split('/')[0]}/more/data.csv")
    assert strange_files(tmp_path, MUCH) == {path.split("/")[0]: "shadows"}


def test_a_plain_word_that_is_left_to_students_is_one_that_would_be_set_aside() -> None:
    import sys
    from importlib.metadata import packages_distributions

    known = sys.stdlib_module_names | packages_distributions().keys() | {"test", "tests", "arrow"}
    assert known >= repair_files.PLAIN_WORDS


def test_an_untouched_release_has_nothing_strange() -> None:
    assert strange_files(ROOT / "release" / "chatbot", MUCH) == {}


def test_a_folder_that_is_not_there_is_strange_itself(tmp_path: Path) -> None:
    assert strange_files(tmp_path / "gone", MUCH) == {".": "special"}


# Things that are no ordinary files


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    here = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


STRANGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link to a file": (link("/etc/passwd"), "symlink"),
    "a link to a folder": (link("/etc"), "symlink"),
    "a link to nothing": (link("gone"), "symlink"),
    "a link to itself": (link("x.py"), "symlink"),
    "a link to the folder it is in": (link("."), "symlink"),
    "a pipe": (fifo, "special"),
    "a socket": (unix_socket, "special"),
}


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("place", ["x.py", "my_utils/x.py"])
def test_what_is_no_file_is_set_aside(tmp_path: Path, name: str, place: str) -> None:
    make, kind = STRANGE[name]
    put(tmp_path, "my_utils/__init__.py")
    make(tmp_path / place)
    assert strange_files(tmp_path, MUCH) == {place: kind}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_is_set_aside(tmp_path: Path) -> None:
    put(tmp_path, "a.py")
    (tmp_path / "a.py").chmod(0)
    assert strange_files(tmp_path, MUCH) == {"a.py": "special"}


@pytest.mark.parametrize("name", [b"a\n.py", b"a\x1b[31m.py", b"\xff\xfe.py", b"x" * 250])
def test_a_name_that_cannot_be_shown_is_set_aside(tmp_path: Path, name: bytes) -> None:
    (tmp_path / os.fsdecode(name)).write_bytes(b"")
    assert strange_files(tmp_path, MUCH) == {os.fsdecode(name): "name"}


def test_folders_without_end_are_set_aside(tmp_path: Path) -> None:
    put(tmp_path, "d/" * 40 + "a.txt", "d/a.txt")
    assert strange_files(tmp_path, MUCH) == {"/".join("d" * (repair_files.MAX_FOLDERS_DEEP + 1)): "deep"}


# Size

SIZES: list[tuple[dict[str, int], int, list[str]]] = [
    # files with their sizes, how much may be kept, what is set aside
    ({"a.csv": 10, "b.csv": 20}, 30, []),
    ({"a.csv": 10, "b.csv": 20}, 29, ["b.csv"]),
    ({"a.csv": 10, "b.csv": 20, "c.csv": 30}, 30, ["c.csv"]),
    ({"a.csv": 10, "b.csv": 20, "chatbot.ipynb": 30}, 45, ["b.csv"]),
    ({"a.csv": 10, "chatbot.ipynb": 50}, 45, ["chatbot.ipynb"]),
    ({"a.csv": 10, "deep/chatbot.ipynb": 40}, 45, ["deep/chatbot.ipynb"]),
    ({"torch.py": 100, "a.csv": 10}, 30, []),
]


@pytest.mark.parametrize(("sizes", "room", "aside"), SIZES, ids=str)
def test_beyond_the_room_there_is_the_largest_files_go_first(
    tmp_path: Path, sizes: dict[str, int], room: int, aside: list[str]
) -> None:
    for path, size in sizes.items():
        put(tmp_path, path, size=size)
    assert [path for path, kind in strange_files(tmp_path, room).items() if kind == "oversized"] == aside


def test_beyond_the_number_of_files_the_rest_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair_files, "MAX_FILES", 3)
    put(tmp_path, "a/1.txt", "a/2.txt", "a/3.txt", "chatbot.ipynb", "a/4.txt")
    assert strange_files(tmp_path, MUCH) == {"a/3.txt": "oversized", "a/4.txt": "oversized"}


# Notebooks under other names

EMPTY = as_bytes(release())


def filled(text: str = "x = 1", notebook: str = "chatbot") -> bytes:
    nb = release(notebook)
    for mine in RELEASED[notebook]:
        if mine.solution:
            cell(nb, mine.grade_id).source = text
    return as_bytes(nb)


def found(folder: Path) -> dict[str, str]:
    return {name: str(path.relative_to(folder)) for name, path in renamed(folder, RELEASED).items()}


def hand_in(folder: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


OTHERS = {f"{name}.ipynb": as_bytes(release(name)) for name in NOTEBOOKS if name != "chatbot"}
NEW_NAMES = [
    "chatbot (1).ipynb", "Chatbot.ipynb", "chatbot-Copy1.ipynb", "anna_chatbot.ipynb", "chatbot.ipynb.ipynb", "chatbot.json",
    "chatbot.ipynb.txt", "chatbot.IPYNB", "Untitled.ipynb", "chatbot/chatbot.ipynb", "a/b/chatbot.ipynb", "æ ø.ipynb",
    "larger-model (2).ipynb",
]  # fmt: skip


@pytest.mark.parametrize("path", NEW_NAMES)
@pytest.mark.parametrize("content", [EMPTY, filled()], ids=["untouched", "filled in"])
def test_a_notebook_under_another_name_is_found(tmp_path: Path, path: str, content: bytes) -> None:
    hand_in(tmp_path, {**OTHERS, path: content})
    assert found(tmp_path) == {"chatbot": path}


def test_all_three_are_found_under_any_name(tmp_path: Path) -> None:
    hand_in(tmp_path, {f"{n}.json": filled(notebook=name) for n, name in enumerate(NOTEBOOKS)})
    assert found(tmp_path) == {name: f"{n}.json" for n, name in enumerate(NOTEBOOKS)}


def bare(change: Callable[[NotebookNode], Any]) -> bytes:
    nb = release()
    change(nb)
    return as_bytes(nb)


def without_marks(nb: NotebookNode) -> None:
    for each in nb.cells:
        each.metadata.pop("nbgrader", None)


def without_ids(nb: NotebookNode) -> None:
    for each in nb.cells:
        del each["id"]


STILL_ITSELF = {
    "no marks": without_marks,
    "no ids": without_ids,
    "a few cells gone": deleted("check-chain", "check-prompt", "chain"),
    "cells twice": copied("check-chain"),
}


@pytest.mark.parametrize("name", STILL_ITSELF)
def test_a_damaged_notebook_is_found_too(tmp_path: Path, name: str) -> None:
    hand_in(tmp_path, {"mine.ipynb": bare(STILL_ITSELF[name])})
    assert found(tmp_path) == {"chatbot": "mine.ipynb"}


def test_an_old_format_is_found_too(tmp_path: Path) -> None:
    hand_in(tmp_path, {"mine.ipynb": as_bytes(nbformat.convert(release(), 3))})
    assert found(tmp_path) == {"chatbot": "mine.ipynb"}


NOT_CLEAR: dict[str, dict[str, bytes]] = {
    "nothing there": {},
    "the notebook is there": {"chatbot.ipynb": EMPTY, "chatbot (1).ipynb": filled()},
    "the notebook is there, and broken": {"chatbot.ipynb": b"{", "chatbot (1).ipynb": filled()},
    "two with different answers": {"a.ipynb": filled("x = 1"), "b.ipynb": filled("x = 2")},
    "another notebook": {"chatbot (1).ipynb": as_bytes(release("larger-model")), **OTHERS},
    "a broken file": {"chatbot (1).ipynb": EMPTY[:-100]},
    "some other notebook": {"x.ipynb": as_bytes(nbformat.v4.new_notebook())},
    "most of it gone": {"x.ipynb": bare(deleted(*(mine.grade_id for mine in CELLS[:16])))},
    "two notebooks in one": {
        "x.ipynb": as_bytes({**release(), "cells": release().cells + release("temperature").cells})
    },
    "another kind of file": {"chatbot.py": EMPTY, "chatbot": EMPTY, "chatbot.zip": EMPTY},
    "an automatic copy": {".ipynb_checkpoints/chatbot-checkpoint.ipynb": filled(), "__MACOSX/chatbot.ipynb": filled()},
    "hidden": {"._chatbot.ipynb": filled()},
    "too deep": {"a/b/c/chatbot.ipynb": filled()},
}


@pytest.mark.parametrize("name", NOT_CLEAR)
def test_where_it_is_not_clear_none_is_taken(tmp_path: Path, name: str) -> None:
    hand_in(tmp_path, {**OTHERS, **NOT_CLEAR[name]})
    assert found(tmp_path) == {}


CLEAR = {
    # name: (the files, which of them it is)
    "one untouched": ({"a.ipynb": EMPTY, "b.ipynb": filled()}, "b.ipynb"),
    "one emptied": ({"a.ipynb": filled(""), "b.ipynb": filled()}, "b.ipynb"),
    "the same twice": ({"a.ipynb": filled(), "b/a.ipynb": filled()}, "a.ipynb"),
    "untouched twice": ({"b.ipynb": EMPTY, "a/a.ipynb": EMPTY}, "b.ipynb"),
}


@pytest.mark.parametrize("name", CLEAR)
def test_of_several_the_one_with_answers_is_taken(tmp_path: Path, name: str) -> None:
    files, path = CLEAR[name]
    hand_in(tmp_path, files)
    assert found(tmp_path) == {"chatbot": path}


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    hand_in(tmp_path, {"elsewhere/chatbot.ipynb": filled(), "in/data.csv": b""})
    (tmp_path / "in" / "chatbot.ipynb").symlink_to("../elsewhere/chatbot.ipynb")
    (tmp_path / "in" / "mine.ipynb").symlink_to("../elsewhere/chatbot.ipynb")
    (tmp_path / "in" / "folder").symlink_to("../elsewhere")
    assert found(tmp_path / "in") == {}


def test_a_link_in_the_place_of_a_notebook_does_not_hide_the_real_one(tmp_path: Path) -> None:
    hand_in(tmp_path, {"mine.ipynb": filled()})
    (tmp_path / "chatbot.ipynb").symlink_to("/etc/passwd")
    assert found(tmp_path) == {"chatbot": "mine.ipynb"}


@pytest.mark.parametrize("kind", ["symlink", "special", "shadows", "oversized", "name", "deep", "renamed"])
def test_each_kind_has_words(kind: str) -> None:
    assert "{detail}" in words_of(words.REPAIRS[kind]).nb
