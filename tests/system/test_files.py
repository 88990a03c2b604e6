"""A file is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from autograder.system.files import write_whole


def files(folder: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, with its content."""
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.is_file()}


def fails(error: BaseException) -> Any:
    def replacement(*_: Any, **__: Any) -> None:
        raise error

    return replacement


STOPS = [OSError("no space left"), KeyboardInterrupt()]


@pytest.mark.parametrize("error", STOPS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("there_before", [True, False], ids=["over an old file", "anew"])
def test_a_write_that_stops_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, there_before: bool
) -> None:
    path = tmp_path / "kept" / "a.json"
    if there_before:
        write_whole(path, "old")
    before = files(tmp_path)
    monkeypatch.setattr(os, "replace", fails(error))
    with pytest.raises(type(error)):
        write_whole(path, "new")
    assert files(tmp_path) == before


def test_text_that_cannot_be_encoded_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "half of it \ud800")
    assert files(tmp_path) == {"a.json": "old"}


def test_folders_are_made_on_the_way(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b" / "c.json", "x")
    assert files(tmp_path) == {"a/b/c.json": "x"}


MODES = [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600), (0o000, 0o666)]


@pytest.mark.parametrize(("mask", "mode"), MODES, ids=oct)
@pytest.mark.parametrize("there_before", [True, False], ids=["over an old file", "anew"])
def test_a_file_can_be_read_by_whom_the_umask_lets(tmp_path: Path, mask: int, mode: int, there_before: bool) -> None:
    path = tmp_path / "a.json"
    if there_before:
        path.touch(0o600)
    old = os.umask(mask)
    try:
        write_whole(path, "x")
    finally:
        left = os.umask(old)
    assert path.stat().st_mode & 0o7777 == mode
    assert left == mask


def test_a_private_file_is_its_makers_alone(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.json", b"x", private=True)
    assert (tmp_path / "a.json").stat().st_mode & 0o7777 == 0o600
