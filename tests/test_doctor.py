"""`autograder doctor` tells what is there by trying it, and what is not with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder import doctor


@pytest.fixture(scope="module")
def found(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, doctor.Finding]:
    return {each.what: each for each in doctor.examine(tmp_path_factory.mktemp("course"), tiny_home)}


def test_what_grading_needs_here_is_there(found: dict[str, doctor.Finding]) -> None:
    assert all(found[what].there for what in ("warm kernels", 'isolation = "full"', "model host"))


def test_the_host_is_said_to_serve_the_models_of_the_home(found: dict[str, doctor.Finding]) -> None:
    assert "meta-llama/Llama-3.2-1B" in found["model host"].seen


def test_a_home_without_models_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    host = next(each for each in doctor.examine(tmp_path, tmp_path / "home") if each.what == "model host")
    assert not host.there
    assert "no model" in host.seen
