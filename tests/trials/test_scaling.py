"""A class with execution stubbed: what is measured, and the same scores from SQLite and from PostgreSQL."""

from __future__ import annotations

import gc
import os
import pwd
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import forked
import pytest
from conftest import ROOT
from nbconvert.exporters import NotebookExporter
from nbconvert.preprocessors import Preprocessor
from nbformat.v4 import new_notebook

from autograder.errors import NotReady
from autograder.judging.contract import ASSIGNMENT
from autograder.plugins.submission_converter import named
from trials.bench import forecast, links, scaling
from trials.bench.forecast import Costs
from trials.bench.scaling import NO_HELPERS, How, Part, Scaling, course_with, graded_class, graded_few, lines, read
from trials.demo import ScratchCourse

SIZE, FEW = 12, 4
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
NO_POSTGRES = "PostgreSQL's server is not here; on Debian: apt-get install postgresql"


def begin(_: str, __: int) -> Any:
    return lambda: None


@pytest.fixture(scope="module")
def few(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> ScratchCourse:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scaling, "ScratchCourse", forked.ScratchCourse)  # with helpers that are kept
        return graded_few(ROOT, tmp_path_factory.mktemp("scaling"), tiny_home, begin, FEW, echo=True)


@pytest.fixture(scope="module")
def stubbed(few: ScratchCourse) -> Scaling:
    return graded_class(few, few.folder.parent, SIZE, begin, How())


@pytest.fixture
def course(few: ScratchCourse, stubbed: Scaling) -> ScratchCourse:
    return ScratchCourse.at(few.folder.parent / "class", few.model_home)


@pytest.fixture
def no_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other commands are measured once."""
    monkeypatch.setattr(scaling, "steps", lambda *_: ())


def due(few: ScratchCourse) -> dict[str, dict[str, float | None]]:
    """What each student of the class should have: what the one whose code it is has."""
    scores = few.scores()
    whose = sorted(scores)
    return {f"one-{number:05}": scores[whose[number % FEW]] for number in range(SIZE)}


def test_a_stubbed_class_has_the_scores_of_those_whose_code_it_is(few: ScratchCourse, course: ScratchCourse) -> None:
    assert course.scores() == due(few)
    assert len({tuple(sorted(scores.items())) for scores in few.scores().values()}) > 2


def test_each_submission_is_measured_and_told(stubbed: Scaling, course: ScratchCourse) -> None:
    assert (stubbed.size, stubbed.database, stubbed.part) == (SIZE, "sqlite", 4)
    assert stubbed.first.statements > 10
    assert min(stubbed.handed_in, stubbed.moved_there, stubbed.moved_back, stubbed.gradebook_bytes, stubbed.peak_mb) > 0
    assert {step.what for step in stubbed.steps} >= {"autograde again, nothing to do", "export"}
    assert read(course.folder.parent / "result.json") == stubbed
    assert any("statements" in line for line in lines(stubbed))


@pytest.mark.parametrize("what", Part.__annotations__)
def test_a_run_that_gets_dearer_in_one_way_is_not_flat(what: str, stubbed: Scaling) -> None:
    even = replace(stubbed, first=Part(1, 1, 1, 1), last=Part(1.2, 1.2, 1.2, 1.2))
    assert even.is_flat
    assert not replace(even, last=replace(even.last, **{what: 1.21})).is_flat


def test_code_that_nobody_ran_for_real_is_refused(few: ScratchCourse, course: ScratchCourse, tmp_path: Path) -> None:
    twin = course.twin(tmp_path / "twin")
    notebook = next((twin.root / "submitted" / "one-00000" / ASSIGNMENT).glob("*.ipynb"))
    notebook.write_text(notebook.read_text().replace(scaling.MARK, "1 # from "))
    shutil.rmtree(twin.root / "autograded" / "one-00000")
    with pytest.raises(NotReady, match="no notebook with this code has been executed for real"):
        twin.instructor("autograde", ASSIGNMENT, env=NO_HELPERS)


def test_what_converts_all_notebooks_of_a_run_keeps_none_of_them() -> None:
    seen: list[weakref.ref[Any]] = []

    class Seen(Preprocessor):  # type: ignore[misc]
        def preprocess(self, nb: Any, resources: Any) -> Any:
            seen.append(weakref.ref(nb.metadata))
            return nb, resources

    exporter = NotebookExporter(preprocessors=[Seen])
    for student in ("anna", "bjorn", "celine"):
        path = Path("submitted", student, "chatbot.ipynb")
        exporter.from_notebook_node(new_notebook(), resources={"metadata": named(path)})
    gc.collect()
    assert len([ref for ref in seen if ref() is not None]) <= 1


# --- Dask ---


@pytest.mark.usefixtures("no_steps")
def test_workers_that_run_nothing_give_the_same_scores(few: ScratchCourse) -> None:
    folder = few.folder.parent / "on-a-worker"
    folder.mkdir()
    (folder / "kept").symlink_to(few.folder.parent / "kept")
    found = graded_class(few, folder, SIZE, begin, How(workers=1))
    assert ScratchCourse.at(folder / "class", few.model_home).scores() == due(few)
    assert found.workers == 1


def test_what_a_link_costs_is_measured(tmp_path: Path) -> None:
    found = links.run(tmp_path / "links")
    assert found.megabyte > 0
    assert "MB/s" in found.lines()[0]


# --- How long larger classes would take ---


@pytest.mark.parametrize(
    ("costs", "slowest", "seconds"),
    [
        (Costs(speed=100), "models", 300 * 250 / 100),
        (Costs(speed=1e9, cores=1), "kernels", 300 * 1.0),
        (Costs(speed=1e9, cores=1000), "grader", 100 * 0.10),
        (Costs(speed=1e9, cores=1000, network=1e5), "network", 300 * 70_000 / 1e5),
    ],
)
def test_the_slowest_part_sets_the_time(costs: Costs, slowest: str, seconds: float) -> None:
    found = forecast.forecast(100, 1, True, costs)
    assert (found.slowest, found.seconds) == (slowest, pytest.approx(costs.start + seconds))


def test_more_gpus_help_until_the_process_that_grades_is_the_slowest() -> None:
    found = [forecast.forecast(10_000, gpus, True, Costs()) for gpus in (1, 4, 16, 64)]
    assert [one.slowest for one in found] == ["models", "models", "grader", "grader"]
    assert found[2].seconds == found[3].seconds


def test_the_forecast_is_a_table_and_a_picture(tmp_path: Path) -> None:
    assert len(forecast.table(Costs()).splitlines()) == 2 + 2 * len(forecast.SIZES)
    forecast.draw(Costs(), tmp_path / "forecast.png")
    assert (tmp_path / "forecast.png").read_bytes().startswith(b"\x89PNG")


# --- PostgreSQL ---


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server of the tests' own, on a socket in its folder."""

    folder: Path
    options: dict[str, Any]

    def do(self, *command: str) -> None:
        given = [str(BINARIES[-1] / command[0]), *command[1:]]
        subprocess.run(given, check=True, cwd=self.folder, stdout=subprocess.DEVNULL, **self.options)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://grader:secret@/{database}?host={self.folder}"

    def start(self) -> None:
        self.do("pg_ctl", "-w", "-D", "data", "-l", "log", "-o", f"-k {self.folder} -c listen_addresses=", "start")

    def stop(self) -> None:
        self.do("pg_ctl", "-w", "-D", "data", "-m", "fast", "stop")

    def database(self, name: str) -> str:
        """Makes an empty database, and answers its address."""
        self.do("createdb", "-h", str(self.folder), "-U", "grader", name)
        return self.url(name)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if not BINARIES:
        pytest.skip(NO_POSTGRES)
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    options: dict[str, Any] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        options = {"user": "postgres", "group": "postgres", "extra_groups": []}
    made = Server(folder, options)
    made.do("initdb", "-D", "data", "-U", "grader", "-A", "trust", "--no-sync")
    made.start()
    yield made
    made.do("pg_ctl", "-w", "-D", "data", "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.mark.postgres
@pytest.mark.usefixtures("no_steps")
def test_a_gradebook_in_postgresql_holds_the_same_scores(few: ScratchCourse, stubbed: Scaling, server: Server) -> None:
    url, folder = server.database("grades"), few.folder.parent / "in-postgresql"
    folder.mkdir()
    (folder / "kept").symlink_to(few.folder.parent / "kept")
    found = graded_class(few, folder, SIZE, begin, How(url))
    course = ScratchCourse.at(folder / "class", few.model_home)
    assert course.scores(url) == due(few)
    assert not (course.root / "gradebook.db").exists()
    assert found.database == "postgresql"
    assert found.last.statements == pytest.approx(stubbed.last.statements, rel=0.1)


@pytest.mark.postgres
def test_a_server_that_is_down_ends_the_run_in_words_and_shows_no_password(few: ScratchCourse, server: Server) -> None:
    url = server.database("down")
    folder = few.folder.parent / "down"
    course = course_with("", folder, few.root, few.model_home, url)
    scaling.copied(few, sorted(few.scores())[0], course, "anna")
    server.stop()
    try:
        with pytest.raises(NotReady, match="cannot be reached") as caught:
            course.instructor("autograde", ASSIGNMENT, env=NO_HELPERS)
    finally:
        server.start()
    assert "secret" not in str(caught.value)
    assert not (course.root / "autograded").exists()
