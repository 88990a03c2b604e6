"""What a run on a cluster consists of, piece by piece: the choice, what travels, the folder, the forecast."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import fake_slurm
import pytest
from click.testing import CliRunner
from conftest import ROOT
from nbformat.v4 import new_code_cell, new_notebook

from autograder import cli
from autograder.cluster import parcel, place
from autograder.cluster.parcel import Answer, Parcel, Sender
from autograder.cluster.place import Place
from autograder.cluster.runs import at_a_time, run_folder
from autograder.cluster.slurm import Slurm, prologue, skipped
from autograder.course.cluster import Cluster
from autograder.course.profile import Profile
from autograder.errors import NotReady
from autograder.facts.evidence import Facts
from autograder.facts.transcript import Transcript
from autograder.grading.executions import Execution
from autograder.grading.notebook_runs import RunSettings
from autograder.grading.progress import SAID, STATE, WORKERS
from autograder.grading.run_times import KEPT, RunTime, RunTimes
from autograder.grading.view import View
from autograder.plugins.dry_run import Forecast, lasting
from autograder.plugins.run import Wanted
from autograder.words.terminal import Terminal

DATA = "sub %20 folder \udcff"
HALF = "\ud800"
"""Half of a letter, which JSON's own escapes let through."""


# --- The choice ---


@pytest.mark.parametrize(
    "chosen", [Place(), Place("in-line"), Place("slurm"), Place("scheduler", "tls://10.0.0.1:8786")]
)
def test_the_choice_passes_to_another_process(chosen: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in chosen.env.items():
        monkeypatch.setenv(name, value)
    assert Place.chosen() == chosen


def test_a_place_that_there_is_not_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(place.VARIABLE, "moon")
    with pytest.raises(NotReady, match='"moon": valid are here, in-line, slurm, and "scheduler ADDRESS"'):
        Place.chosen()


@pytest.mark.parametrize("chosen", [Place("slurm"), Place("scheduler", "tls://x")])
def test_without_dask_it_is_told_what_to_install(chosen: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "find_spec", lambda name: None)
    with pytest.raises(NotReady, match=r"pip install 'llm-autograder\[cluster\]'"):
        Wanted(place=chosen).refuse_impossible()


def test_here_nothing_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "find_spec", lambda name: None)
    Wanted(verify=True).refuse_impossible()


def test_answers_that_are_remembered_here_are_not_compared_elsewhere() -> None:
    with pytest.raises(NotReady, match="--verify compares"):
        Wanted(verify=True, place=Place("slurm")).refuse_impossible()


def test_two_places_are_refused() -> None:
    found = CliRunner().invoke(cli.main, ["grade", "--slurm", "--scheduler", "tls://x"])
    assert found.exit_code == click.UsageError.exit_code
    assert "--slurm and --scheduler are two places; choose one." in found.output


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_scheduler_that_anybody_could_join_is_refused(more: list[str], tmp_path: Path) -> None:
    given = ["grade", "--course", str(tmp_path), "--scheduler", "tcp://10.0.0.1:8786", *more]
    found = CliRunner().invoke(cli.main, given)
    assert isinstance(found.exception, NotReady)
    assert "whoever can reach a scheduler without certificates" in str(found.exception)


def test_a_process_that_grades_refuses_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(place.VARIABLE, "scheduler tcp://10.0.0.1:8786")
    with pytest.raises(NotReady, match="whoever can reach a scheduler without certificates"):
        Place.chosen()


def test_without_slurm_it_is_told_which_command_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(NotReady, match="no command sbatch here"):
        Slurm(Cluster(), tmp_path, print)


# --- [cluster] ---


def test_as_many_notebooks_wait_as_the_workers_run(tmp_path: Path, llama: Profile) -> None:
    text = (ROOT / "course.toml").read_text(encoding="utf-8")
    changed = text.replace("workers_max = 4", "workers_max = 3").replace("notebooks = 8", "notebooks = 5")
    (tmp_path / "course.toml").write_text(changed, encoding="utf-8")
    assert at_a_time(Place("slurm"), tmp_path, llama) == 15
    assert at_a_time(Place("in-line"), tmp_path, llama) == 1


@pytest.mark.parametrize(("walltime", "seconds"), [("00:15:00", 900), ("2:00:01", 7201), ("1-00:00:00", 86_400)])
def test_a_time_limit_is_read_as_slurm_reads_it(walltime: str, seconds: int) -> None:
    assert Cluster(walltime=walltime).seconds == seconds


def test_what_a_course_does_not_say_is_left_to_slurm() -> None:
    assert skipped(Cluster()) == ["--mem=", "--cpus-per-task="]
    assert skipped(Cluster(memory_gb=16, cpus=4)) == []


def test_a_job_finds_the_models_and_no_folder_of_the_login_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRADER_MODEL_HOME", "/a model's home")
    wanted = Cluster(prologue=("module load Python",))
    assert prologue(wanted)[:2] == ["unset XDG_RUNTIME_DIR", "export AUTOGRADER_MODEL_HOME='/a model'\"'\"'s home'"]
    assert "module load Python" in prologue(wanted)


def test_a_jobs_files_of_dask_are_in_a_new_folder_of_its_own_which_ends_with_it(tmp_path: Path) -> None:
    script = "\n".join(
        [f"export TMPDIR={tmp_path}", *prologue(Cluster()), 'stat -c "%n %a" "$DASK_TEMPORARY_DIRECTORY"']
    )
    said = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(rf"{tmp_path}/tmp\S+ 700\n", said)
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_is_told_to_end_leaves_no_folder(tmp_path: Path) -> None:
    code = "import time; print('begun', flush=True); time.sleep(600)"  # a signal ends it at once
    waits = shlex.join([sys.executable, "-c", code])
    worker = f'echo begun > "$AUTOGRADER_JOB_FOLDER/file"; {waits}'
    script = "\n".join([f"export TMPDIR={tmp_path}", *prologue(Cluster()), worker])
    with subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == "begun\n"
        assert list(tmp_path.glob("*/file"))
        os.killpg(job.pid, signal.SIGTERM)
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_cannot_have_a_folder_of_its_own_ends_with_words(tmp_path: Path) -> None:
    script = "\n".join([f"export TMPDIR={tmp_path}/nowhere", *prologue(Cluster()), "echo begun"])
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"{tmp_path}/nowhere" in ended.stderr


@pytest.mark.parametrize(("folder", "python"), [("a b", None), ("100%J", None), ("fine", "/opt/$x/python")])
def test_a_path_that_jobs_would_read_otherwise_is_refused(folder: str, python: str | None, tmp_path: Path) -> None:
    with fake_slurm.installed(tmp_path / "slurm"), pytest.raises(NotReady, match="jobs cannot be given a path") as told:
        Slurm(Cluster(python=python), tmp_path / folder, print)
    assert f"Set {'python' if python else 'shared_folder'} in [cluster]" in str(told.value)


# --- What travels ---


@pytest.fixture
def view(tmp_path: Path) -> View:
    """Of a notebook with a file beside it whose name is no text."""
    (tmp_path / DATA).write_bytes(b"\x00data")
    return View("chatbot", {"chatbot.ipynb": b"{}", DATA: tmp_path / DATA})


def sent(llama: Profile, view: View, shared: Path | None, monkeypatch: pytest.MonkeyPatch) -> tuple[Parcel, View]:
    monkeypatch.setattr(parcel, "snapshots", lambda profile: {})
    nb = new_notebook(cells=[new_code_cell(f"x = '{HALF}'")])
    packed, files = Sender("chatbot", llama.freeze(), RunSettings("landlock", echo=True), shared).parcel(nb, view)
    assert llama.grader_of().encode() not in packed
    arrived = Parcel.model_validate_json(packed)
    assert arrived.notebook_node() == nb
    return arrived, arrived.view(files)


def test_a_notebook_arrives_as_it_was_sent(llama: Profile, view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived, seen = sent(llama, view, None, monkeypatch)
    assert (arrived.settings, seen.notebook) == (RunSettings("landlock", echo=True), "chatbot")
    assert seen.files == {"chatbot.ipynb": b"{}", DATA: b"\x00data"}


def test_files_go_through_a_shared_folder_once(
    llama: Profile, view: View, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    for _ in range(2):
        _, seen = sent(llama, view, shared, monkeypatch)
        assert seen.digests() == view.digests()
    assert [path.read_bytes() for path in shared.iterdir()] == [b"\x00data"]


def test_a_shared_file_that_has_changed_is_not_used(
    llama: Profile, view: View, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    arrived, _ = sent(llama, view, shared, monkeypatch)
    next(shared.iterdir()).write_bytes(b"other")
    with pytest.raises(OSError, match="has changed on its way"):
        arrived.view({})


def test_an_answer_arrives_as_it_was_sent() -> None:
    facts = Facts(evidence={}, transcript=Transcript(), in_grading=True)
    execution = Execution(outputs=(({"text": HALF},),), counts=(1,), facts=facts)
    answer = Answer(worker="tls://x", execution=execution)
    assert Answer.unpacked(answer.packed()) == answer


# --- The run's own folder ---


def test_a_run_leaves_its_logs_and_nothing_else(tmp_path: Path) -> None:
    with run_folder(tmp_path) as folder:
        assert folder.stat().st_mode & 0o077 == 0
        for name in ("keys", "logs"):
            (folder / name).mkdir()
            (folder / name / "file").write_text("x")
    assert [path.name for path in folder.iterdir()] == ["logs"]


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    ended = os.fork()
    if not ended:
        os._exit(0)
    os.waitpid(ended, 0)
    left = tmp_path / f"{socket.gethostname()}-{ended}"
    left.mkdir()
    older = tmp_path / f"{left.name}-abc"
    older.mkdir()
    others = tmp_path / f"elsewhere-{ended}"
    others.mkdir()
    with run_folder(tmp_path):
        assert (left.exists(), older.exists(), others.exists()) == (False, False, True)


def test_a_folder_that_somebody_made_before_is_not_the_runs(tmp_path: Path) -> None:
    made, theirs = tmp_path / f"{socket.gethostname()}-{os.getpid()}", tmp_path / "theirs"
    theirs.mkdir()
    made.symlink_to(theirs)
    with run_folder(tmp_path) as folder:
        assert folder.resolve() == folder
        assert folder.parent == tmp_path
        assert theirs.exists()


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_whose_content_others_can_replace_is_refused(mode: int, tmp_path: Path) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(NotReady, match=r"others can remove and replace .* Set shared_folder"), run_folder(tmp_path):
        pass
    tmp_path.chmod(mode | stat.S_ISVTX)
    with run_folder(tmp_path) as folder:
        assert folder.exists()


@pytest.mark.parametrize("base", ["/proc/nowhere", "/dev/null"])
def test_a_folder_that_cannot_be_is_told(base: str) -> None:
    with pytest.raises(NotReady, match=f"{base} cannot be used .* Set shared_folder"), run_folder(Path(base)):
        pass


# --- What a run is expected to take ---


def test_the_expected_time_is_what_earlier_runs_there_took(tmp_path: Path) -> None:
    for place_, seconds in (("here", 10), ("here", 30), ("here", 20), ("far", 1000)):
        RunTimes.of(tmp_path).add(tmp_path, RunTime(place=place_, ran=10, seconds=seconds))
    assert RunTimes.of(tmp_path).expected("here", 5) == 10
    assert RunTimes.of(tmp_path).expected("nowhere", 5) is None


def test_a_small_run_counts_by_what_it_ran() -> None:
    large, small = RunTime(place="here", ran=99, seconds=95), RunTime(place="here", ran=1, seconds=5)
    assert RunTimes(runs=(small, large, small)).expected("here", 101) == 105


def test_few_runs_are_remembered(tmp_path: Path) -> None:
    for number in range(KEPT + 5):
        RunTimes.of(tmp_path).add(tmp_path, RunTime(place="here", ran=1, seconds=number))
    assert [run.seconds for run in RunTimes.of(tmp_path).runs] == list(range(5, KEPT + 5))


NEVER = b'{"runs": [{"place": "here", "ran": %d, "seconds": %d}]}'


@pytest.mark.parametrize("there", [b"\xff{", NEVER % (0, 1), NEVER % (1, -1)])
def test_what_cannot_be_read_or_never_was_counts_as_nothing(there: bytes, tmp_path: Path) -> None:
    (tmp_path / ".autograder").mkdir()
    (tmp_path / ".autograder" / "run-times.json").write_bytes(there)
    assert RunTimes.of(tmp_path) == RunTimes()


def test_a_forecast_is_told_in_words() -> None:
    times = RunTimes(runs=(RunTime(place="there", ran=2, seconds=120),))
    found = Forecast(handed_in=9, submissions=8, notebooks=24, different=12, known=2, unreadable=0)
    assert replace(found, unreadable=1).lines("there", 4, times) == [
        "Would grade 8 of 9 submission(s), 24 notebook(s).",
        "12 of them differ; 2 of these have been run before, and 10 would be run there, up to 4 at a time.",
        "1 submission(s) cannot be looked at.",
        "Expected time: 10 minutes.",
    ]
    assert replace(found, known=12).lines("there", 4, times)[2:] == []
    assert found.lines("elsewhere", 4, times)[2:] == ["Nothing has been measured there yet."]


@pytest.mark.parametrize(("seconds", "said"), [(90, "90 s"), (3000, "50 minutes"), (9000, "2.5 hours")])
def test_a_time_is_told_as_one_would_say_it(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


# --- What is shown ---


def test_the_command_line_shows_what_waits_and_who_runs_and_prints_the_rest() -> None:
    console = Terminal(file=io.StringIO(), width=200)
    told = cli.Told(console)
    with told.shown(quiet=False) as begin:
        one = begin("grade", 2)
        for line in (
            f"{STATE}3 waiting",
            f"{WORKERS}2 worker(s) running 5",
            f"{SAID}Dask's dashboard: http://x",
            f"{STATE}1 waiting",
        ):
            told.hear(line)
        one()
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "1 waiting, 2 worker(s) running 5" in shown
    assert "\nDask's dashboard: http://x" in f"\n{shown}"
