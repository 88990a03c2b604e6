"""Forty submissions, half of them hostile or broken, in a run that is killed three times at random moments.

It ends with every score equal to that of a run which nobody disturbed. The models are tiny, and answer nothing: the host
echoes. Only the first notebook is handed in.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import ROOT, SMALL, changed_profile
from forked import ScratchCourse, lent
from outcome import verdicts

from autograder.grading.claims import cut_short
from autograder.grading.records import Record, Records
from autograder.judging.contract import ASSIGNMENT
from trials.classes import Student
from trials.demo import other_spelling, typical_mistakes

SIZE = 40
SEED = 5
WICKED = 2
LIMITS = {
    **SMALL,
    "cell_seconds = 900": "cell_seconds = 15",  # for the one that never ends, and far from what all others take
    "disk_gb = 0.5": "disk_gb = 0.01",
    "output_mb = 10": "output_mb = 0.1",
}

HOSTILE: dict[str, str] = {
    "ends the kernel": "import os\nos._exit(0)",
    "kills the kernel": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "crashes the kernel": "import ctypes\nctypes.string_at(0)",
    "never ends": "import threading\nthreading.Event().wait()",
    "takes all memory": "x = bytearray(b'x') * 3_000_000_000",
    "prints without end": "for _ in range(20_000): print('x' * 100)",
    "starts many processes": "import subprocess\nps = [subprocess.Popen(['sleep', '60']) for _ in range(500)]",
    "fills its disk": "open('big', 'wb').write(bytes(50_000_000))",
    "raises": "1 / 0",
    "exits": "raise SystemExit",
    "replaces the check": "from autograder.kernel import notebook\nnotebook.check = check = lambda *a, **k: None",
    "forges evidence": "from autograder.kernel import notebook\nnotebook.publish = lambda *a, **k: None",
}  # fmt: skip
"""Code in the place of the chain."""

BROKEN: dict[str, Callable[[Path], None]] = {
    "is no JSON": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "is empty": lambda path: path.write_bytes(b""),
    "is a list": lambda path: path.write_text("[]"),
    "has another name": lambda path: path.rename(path.with_name("Chatbot (1).ipynb")),
    "is a link": lambda path: (path.unlink(), path.symlink_to("/etc/passwd"))[0],
    "stands beside a torch of its own": lambda path: path.with_name("torch.py").write_text("raise SystemExit"),
    "stands beside a link": lambda path: path.with_name("data.txt").symlink_to("../../../gradebook.db"),
    "stands beside a pipe": lambda path: os.mkfifo(path.with_name("pipe")),
}
"""Done to the notebook's file."""


def kinds() -> dict[str, str | Callable[[Path], None]]:
    return {**HOSTILE, **BROKEN}


def is_wicked(number: int) -> bool:
    """Whether a student is one of the hostile or broken, each of whom there is once."""
    return number % WICKED == 1


@dataclass
class Run:
    """What a run of nbgrader said, and how it ended."""

    code: int
    autograded: list[str] = field(default_factory=list)
    told: int = 0  # that a submission was cut short


@pytest.fixture(scope="module")
def course(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> ScratchCourse:
    folder = tmp_path_factory.mktemp("killed")
    made = ScratchCourse(folder / "scratch", ROOT, tiny_home, changed_profile(folder, LIMITS))
    made.instructor("generate_assignment", ASSIGNMENT)
    reference, wicked = made.reference(), list(kinds().items())
    assert len(wicked) == SIZE // WICKED
    honest = ({}, {}, {}, {}, {}, {}, other_spelling(made.profile), typical_mistakes(made.profile, reference))
    for number in range(SIZE):
        cells = {**reference, **honest[number // WICKED % len(honest)], "memory": f"Because of {number}."}
        name, wrong = wicked[number // WICKED] if is_wicked(number) else ("", None)
        if isinstance(wrong, str):
            cells["chain"] = f"{wrong}\n{reference['chain']}"
        to = made.hand_in(Student(f"s{number:03}", name, cells), "chatbot")
        if callable(wrong):
            wrong(to / "chatbot.ipynb")
    return made


def run(course: ScratchCourse, ends_after: int | None = None, by: signal.Signals = signal.SIGKILL) -> Run:
    """Grades with `nbgrader autograde`, and ends it by a signal after so many notebooks."""
    env = {
        **os.environ,
        "AUTOGRADER_ECHO": "1",
        "AUTOGRADER_MODEL_HOME": str(course.model_home),
    }
    command = [str(Path(sys.executable).parent / "nbgrader"), "autograde", ASSIGNMENT]
    ended = Run(0)
    with subprocess.Popen(
        command, cwd=course.root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            ended.told += "was cut short" in line
            if "] Autograding " in line:
                ended.autograded.append(line.split("autograded/")[1].split("/")[0])
                if len(ended.autograded) == ends_after:
                    process.send_signal(by)
    ended.code = process.returncode
    return ended


@pytest.fixture(scope="module")
def undisturbed(course: ScratchCourse) -> tuple[ScratchCourse, Run]:
    twin = course.twin(course.folder.parent / "undisturbed")
    with lent(twin):
        return twin, run(twin)


@pytest.fixture(scope="module")
def killed(course: ScratchCourse) -> tuple[ScratchCourse, list[Run], list[set[str]]]:
    """The course, the four runs, and who had been graded before each of them."""
    twin, chosen = course.twin(course.folder.parent / "killed"), random.Random(SEED)
    runs: list[Run] = []
    done = []
    for by in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, None):
        begun = set(cut_short(twin.root / ".autograder" / "running" / ASSIGNMENT))
        done.append({path.name for path in (twin.root / "autograded").glob("*")} - begun)
        with lent(twin) if len(runs) > 1 else nullcontext():  # the first two have begun all themselves
            runs.append(run(twin, chosen.randrange(3, 11), by) if by is not None else run(twin))
    return twin, runs, done


def states(found: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Checks, states and scores, without the number of incidents: how busy the machine was decides that."""
    return [verdict[:3] for verdict in found]


def record_of(course: ScratchCourse, name: str) -> Record:
    record = Records(course.root, ASSIGNMENT).read(name, "chatbot")
    assert record is not None
    return record


def may_differ(course: ScratchCourse, name: str) -> bool:
    """Whether a person looks at hostile work for something that met it: on a busy machine that is another thing, or later."""
    return is_wicked(int(name.removeprefix("s"))) and bool(record_of(course, name).incidents)


def told(course: ScratchCourse, name: str) -> list[object]:
    """What a record says of why its verdicts are what they are."""
    record = record_of(course, name)
    return [record.incidents, *((v.check_id, v.state, v.score, v.reasons) for v in record.verdicts)]


def test_everybody_ends_in_a_state(undisturbed: tuple[ScratchCourse, Run]) -> None:
    course, ended = undisturbed
    assert ended.code == 0
    assert len(verdicts(course)) == len(course.scores()) == SIZE
    assert {state for found in verdicts(course).values() for _, state, _, _ in found} == {"judged", "review"}


def test_the_honest_have_their_points_whatever_their_neighbours_do(undisturbed: tuple[ScratchCourse, Run]) -> None:
    scores = undisturbed[0].scores()
    honest = [f"s{n:03}" for n in range(SIZE) if not is_wicked(n) and n // WICKED % 8 != 7]
    assert {scores[name]["check-chain"] for name in honest} == {2}
    assert {scores[name]["check-ideal-boat"] for name in honest} == {1}


def test_the_runs_were_killed(killed: tuple[ScratchCourse, list[Run], list[set[str]]]) -> None:
    assert [ended.code for ended in killed[1]] == [-signal.SIGKILL, 128 + signal.SIGTERM, -signal.SIGKILL, 0]


def test_killed_runs_end_with_every_score_of_an_undisturbed_one(
    undisturbed: tuple[ScratchCourse, Run], killed: tuple[ScratchCourse, list[Run], list[set[str]]]
) -> None:
    courses = killed[0], undisturbed[0]
    assert courses[0].scores() == courses[1].scores()
    mine, theirs = ({name: states(each) for name, each in verdicts(course).items()} for course in courses)
    assert mine.keys() == theirs.keys()
    others = [name for name in theirs if mine[name] != theirs[name] and not any(may_differ(c, name) for c in courses)]
    assert not others, [(name, [told(course, name) for course in courses]) for name in others]


def test_nobody_who_had_been_graded_is_graded_again(killed: tuple[ScratchCourse, list[Run], list[set[str]]]) -> None:
    _, runs, done = killed
    for ended, before in zip(runs, done, strict=True):
        assert not before & set(ended.autograded)
    assert any(done)


def test_the_run_after_a_killed_one_says_who_was_cut_short(
    killed: tuple[ScratchCourse, list[Run], list[set[str]]],
) -> None:
    first, *later = [ended.told for ended in killed[1]]
    assert first == 0 < min(later)


def test_nothing_of_the_killed_runs_is_left(killed: tuple[ScratchCourse, list[Run], list[set[str]]]) -> None:
    assert cut_short(killed[0].root / ".autograder" / "running" / ASSIGNMENT) == []
