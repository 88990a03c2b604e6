"""Which model a folder of a Hugging Face home holds, and the way back, in one place for everybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT

from autograder.protocol import model_cache
from autograder.protocol.model_cache import (
    hub_name,
    model_folder,
    newest_snapshot,
    snapshot_files,
    snapshot_of,
    snapshots,
)

NAMES = ("meta-llama/Llama-3.2-1B", "gpt2", "org/a--b", "org/.hidden", "o/n")
PATHS = {
    # where a model was loaded from: its name, the snapshot that a file lies in
    "/home/a/hub/models--org--one/snapshots/abc": ("org/one", "/home/a/hub/models--org--one/snapshots/abc"),
    "/home/a/hub/models--org--one/snapshots/abc/config.json": ("org/one", "/home/a/hub/models--org--one/snapshots/abc"),
    "/x/models--a--b/snapshots/1/models--c--d/snapshots/2/f": (
        "a/b",
        "/x/models--a--b/snapshots/1/models--c--d/snapshots/2",
    ),
    "C:\\hub\\models--org--one\\snapshots\\abc": ("org/one", ""),
    "/home/a/hub/models--org--one": ("org/one", ""),
    "org/one": ("org/one", ""),
    "org/one/": ("org/one", ""),
    "./mine": ("./mine", ""),
    "": ("", ""),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_models_folder_has_its_name(name: str) -> None:
    assert hub_name(model_folder(Path("/home"), name).name) == name


@pytest.mark.parametrize("path", PATHS)
def test_a_path_says_which_model_and_which_snapshot(path: str) -> None:
    assert (hub_name(path), snapshot_of(path)) == PATHS[path]


def fill(home: Path, name: str, *revisions: str, main: str = "") -> Path:
    folder = model_folder(home, name)
    for revision in revisions:
        (folder / "snapshots" / revision).mkdir(parents=True)
        (folder / "snapshots" / revision / "config.json").touch()
    if main:
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / "main").write_text(main, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("main", "newest"), [("", "b"), ("a\n", "a"), ("nowhere", "b"), ("../snapshots/a", "b"), ("Å", "b")]
)
def test_the_newest_snapshot_is_the_one_that_main_names_or_the_last(tmp_path: Path, main: str, newest: str) -> None:
    found = newest_snapshot(fill(tmp_path, "org/one", "a", "b", main=main))
    assert found is not None
    assert found.name == newest


def test_a_home_tells_its_models_that_have_a_snapshot(tmp_path: Path) -> None:
    fill(tmp_path, "org/one", "a")
    fill(tmp_path, "gpt2", "b")
    (model_folder(tmp_path, "org/half") / "snapshots" / "c").mkdir(parents=True)
    assert {name: path.name for name, path in snapshots(tmp_path).items()} == {"org/one": "a", "gpt2": "b"}
    assert [path.name for path in snapshot_files(tmp_path)] == ["config.json"] * 2
    assert snapshots(tmp_path / "nowhere") == {}


def test_no_other_module_spells_the_folder_of_a_model() -> None:
    own = Path(model_cache.__file__)
    files = [path for part in ("autograder", "trials") for path in (ROOT / part).rglob("*.py") if path != own]
    assert [str(path) for path in files if '"models--' in path.read_text(encoding="utf-8")] == []
