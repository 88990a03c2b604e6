"""What several test files share: tiny models of both families, and a student's session that runs pieces of code."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import langchain_core  # noqa: F401  (imported within a test, it would have its warnings shown there whatever is configured)
import pytest
from third_profile import third_profile

from autograder.course import profile as profiles
from autograder.course.profile import Profile
from autograder.facts.verdict import Verdict
from autograder.judging import contract
from autograder.judging.contract import task_of
from autograder.kernel.recorder import Recorder
from autograder.kernel.selfcheck import Session

ROOT = Path(__file__).resolve().parent.parent
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"  # a tiny model has nothing to share out, and threads that wait for each other spin
LONGEST = (
    "test_hub.py", "test_attacks.py", "test_slurm.py", "test_killed_class.py", "test_class_on_workers.py", "test_bench.py",
    "test_gpu_check.py", "test_lifecycle.py", "test_grading.py", "test_selftest.py", "test_selfcheck.py", "test_watch.py",
    "test_feedback.py", "test_jail.py", "test_scaling.py", "test_other_assignments.py", "test_autograde.py",
)  # fmt: skip
"""Files that take the longest, longest first: where these begin early, two workers end at about the same time.

What waits for other processes (a hub's, a cluster's) is with one worker, and what needs the processor with the other."""


SMALL = {
    "cell_seconds = 900": "cell_seconds = 8", "notebook_seconds = 3600": "notebook_seconds = 60",
    "memory_gb = 12": "memory_gb = 1",
}  # fmt: skip
"""Limits of a profile within which hostile code ends soon, for `changed_profile`."""


def changed_profile(folder: Path, changes: Mapping[str, str]) -> Path:
    """The course's profile with other lines, written into a folder."""
    text = (ROOT / "course.toml").read_text(encoding="utf-8")
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    (folder / "changed.toml").write_text(text, encoding="utf-8")
    return folder / "changed.toml"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _kept_is_no_garbage() -> Iterator[None]:
    """What one file leaves behind (imports, most of it) is not looked through for garbage again and again in the next ones."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def llama() -> Profile:
    return contract.load(ROOT / "course.toml")


@pytest.fixture(scope="session")
def gemma() -> Profile:
    return contract.load(ROOT / "profiles" / "gemma.toml")


@pytest.fixture(scope="session")
def nucleus() -> Profile:
    return contract.load(ROOT / "profiles" / "nucleus.toml")


@pytest.fixture(scope="session")
def third(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    """A profile that no course has (`third_profile.py`)."""
    path = tmp_path_factory.mktemp("third") / "course.toml"
    path.write_text(third_profile(ROOT / "course.toml"), encoding="utf-8")
    return contract.load(path)


@pytest.fixture(scope="session")
def tiny_home(tmp_path_factory: pytest.TempPathFactory, llama: Profile, gemma: Profile) -> Path:
    """A model home with tiny models under the names of both profiles."""
    from trials.models.tiny import TinyModel, make_model_home

    home = tmp_path_factory.mktemp("models")
    families = {"base": "llama", "instruct": "llama", "large": "llama"}
    models = {llama.model(role).name: TinyModel(families[role], role != "base") for role in families}
    models |= {gemma.model(role).name: TinyModel("gemma", role != "base") for role in ("base", "instruct")}
    models[gemma.model("large").name] = TinyModel("gemma-multimodal", True)
    make_model_home(home, models)
    gc.freeze()  # with torch, which has been imported by now
    return home


@pytest.fixture(scope="session")
def _recorder(request: pytest.FixtureRequest) -> Recorder:
    """One recorder for the process, as in a kernel: begun before any model that a test's student loads."""
    from autograder.kernel import virtual_gpu
    from autograder.kernel.upstream_transformers import redirect_model_home

    recorder = Recorder()
    virtual_gpu.switch_on()
    recorder.start()
    recorder._complete = True  # another file's tests may have imported transformers, but loaded nothing in a session
    redirect_model_home(str(request.getfixturevalue("tiny_home")))
    return recorder


class Student:
    """A student's session: runs code in one namespace, and asks for verdicts as `check` does."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def run(self, code: str) -> None:
        """Runs a cell; what it raises is noted as a kernel would, and does not come further."""
        from autograder.kernel.probe import failure_of

        try:
            exec(compile(code, "<cell>", "exec"), self.session.namespace)  # type: ignore[arg-type]
        except Exception as error:
            self.session.recorder.raised = failure_of(error)

    def verdict(self, check_id: str) -> Verdict:
        task = task_of(check_id, self.session.profile)
        assert task is not None
        return self.session.verdict(task)

    def __getitem__(self, name: str) -> Any:
        return self.session.namespace[name]


@pytest.fixture
def new_student(_recorder: Recorder, tmp_path: Path) -> Iterator[Callable[[Profile], Student]]:
    """Makes a student of a profile's course, with an empty notebook."""

    def make(profile: Profile) -> Student:
        _recorder._requests.clear()
        _recorder._renderings.clear()
        _recorder.raised = None
        (tmp_path / profiles.FROZEN_NAME).write_text(profile.freeze().to_json(), encoding="utf-8")
        return Student(Session({"__name__": "__main__"}, tmp_path, _recorder))

    run_loops = asyncio.run
    kept = {name: os.environ.get(name) for name in ("HF_HOME", "AUTOGRADER_MODEL_HOME")}
    os.environ.pop("AUTOGRADER_MODEL_HOME", None)
    yield make
    for name, value in kept.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    assert asyncio.run is run_loops, "this student's code changes asyncio for all tests after it"


@pytest.fixture
def student(new_student: Callable[[Profile], Student], llama: Profile) -> Student:
    return new_student(llama)
