"""`autograder doctor` tells what is there by trying it, and what is not with the reason."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.grading import doctor


@pytest.fixture(scope="module")
def found(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, doctor.Finding]:
    return {each.what: each for each in doctor.examine(tmp_path_factory.mktemp("course"), tiny_home)}


def test_what_grading_needs_here_is_there(found: dict[str, doctor.Finding]) -> None:
    assert all(found[what].there for what in ("warm kernels", 'isolation = "full"', "model host"))


def test_the_host_serves_the_models_of_the_home_and_the_smallest_answers(found: dict[str, doctor.Finding]) -> None:
    names, answered = found["model host"].seen.split("; ")
    assert "meta-llama/Llama-3.2-1B" in names.split(", ")
    assert re.fullmatch(r"\S+ answered after [\d.]+ s", answered)


def test_a_home_without_models_is_told(tmp_path: Path) -> None:
    assert doctor.host(tmp_path, tmp_path) == (False, f"it finds no model in {tmp_path}")


def test_a_model_that_does_not_answer_is_told_with_the_reason(tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--org--one" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(b"none")
    there, seen = doctor.host(tmp_path, tmp_path)
    assert not there
    assert re.match(r"it finds org/one, but org/one does not answer: \w+: org/one cannot be loaded: ", seen)


Break = Callable[[Path, Path, pytest.MonkeyPatch], None]


def somebody_elses(course: Path, home: Path, patch: pytest.MonkeyPatch) -> None:
    (course / f"llm-autograder-{os.getuid()}").write_text("in the way")
    patch.setenv("XDG_RUNTIME_DIR", str(course))


def a_file(course: Path, home: Path, patch: pytest.MonkeyPatch) -> None:
    home.rmdir()
    home.touch()


def a_full_disk(course: Path, home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))


BROKEN: dict[str, tuple[Break, str, str, str]] = {
    "no course": (lambda course, home, patch: course.rmdir(), "course directory", "is no folder", "course.toml"),
    "a course that is a file": (
        lambda course, home, patch: (course.rmdir(), course.touch())[1], "course directory", "is no folder", "course.toml"
    ),
    "a file in the place of ours": (
        lambda course, home, patch: (course / ".autograder").touch(), "course directory", "is a file", "move it away"
    ),
    "a disk that is full": (a_full_disk, "course directory", "0.0 GB are left", "make room"),
    "no model home": (lambda course, home, patch: home.rmdir(), "model home", "is not here", "mend model_home"),
    "a model home that is a file": (a_file, "model home", "is a file", "hub/"),
    "a folder for sockets that is somebody else's": (somebody_elses, "sockets", "must be a folder of your own", "move it"),
    "no folder for sockets": (
        lambda course, home, patch: patch.setenv("XDG_RUNTIME_DIR", "/nowhere"), "sockets", "cannot be made", "XDG_RUNTIME_DIR"
    ),
    "no libseccomp": (
        lambda course, home, patch: patch.setitem(sys.modules, "pyseccomp", None), "system", "libseccomp is not", "install"
    ),
    "a parent that ends at once": (
        lambda course, home, patch: patch.setattr(sys, "executable", "/bin/false"), "warm kernels", "could not be started", "log"
    ),
    "a host that ends at once": (
        lambda course, home, patch: patch.setattr(sys, "executable", "/bin/false"), "model host", "could not be started", "log"
    ),
    "no Python": (
        lambda course, home, patch: patch.setattr(sys, "executable", "/nowhere"), "warm kernels", "/nowhere", "No such file"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_told_with_what_to_do(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it, name, seen, advice = BROKEN[what]
    course, home = tmp_path / "course", tmp_path / "home"
    course.mkdir()
    home.mkdir()
    break_it(course, home, monkeypatch)
    found = {each.what: each for each in doctor.examine(course, home)}
    assert not found[name].there
    assert seen in found[name].seen
    assert advice in found[name].seen
    assert doctor.missing(found.values(), 'isolation = "none"')


def test_a_machine_without_proc_is_told_with_what_to_do(tmp_path: Path) -> None:
    there, seen = doctor.system(tmp_path)
    assert not there
    assert "mount -t proc" in seen


def test_what_nobody_has_thought_of_is_a_finding_too() -> None:
    def look() -> tuple[bool, str]:
        raise ZeroDivisionError("x")

    assert doctor.tried("users", look) == doctor.Finding("users", False, "ZeroDivisionError: x")


def test_how_memory_is_counted_here_is_told(found: dict[str, doctor.Finding]) -> None:
    assert "control group" in found["memory"].seen
