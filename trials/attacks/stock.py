"""The same attacks against stock nbgrader: its own preprocessors, the notebooks' check cells judging in the student's kernel.

Stock nbgrader runs a submission with the rights of whoever grades, so each run is put into a sandbox of ours, whole: namespaces
and a root of its own (`autograder/jail`), a copy of the course, an ordinary user, a time limit. Its limits are wide, so that
what stock nbgrader does not bound is seen; an attack that they end is called not bounded. An attack whose outcome is on file
is not run again.

What it cannot tell: what a network would let through, since the sandbox has none.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from pydantic import TypeAdapter

from autograder.errors import NotReady
from autograder.jail.limits import ENDED
from autograder.judging.contract import ASSIGNMENT
from autograder.system.daemons import runtime_folder
from autograder.words.terminal import Begin
from trials.attacks.attack import Attack, Honest, judged
from trials.attacks.classroom import Class
from trials.attacks.hand_in import HandIn, handed_in
from trials.attacks.machine import differences, left_running, listening
from trials.attacks.outcome import Found, alive, reached
from trials.attacks.run import released
from trials.attacks.sandbox import LIMITS
from trials.attacks.tables import ATTACKS
from trials.bench.run import IN_PROCESS, ONE_THREAD, STOCK_CONFIG
from trials.demo import ScratchCourse

CELL_SECONDS = 30
KNOWN = "stock.json"
WORLD = frozenset({"an address of the world", "a name of the world", "a server that others on the machine can reach"})
"""Attacks that a sandbox without a network cannot try."""
READ_ONLY = frozenset({"writes into the model home", "writes into the kit and Python's packages"})
"""Attacks that the sandbox refuses, whoever grades in it."""
NOT_BOUNDED = "not bounded (stopped by the sandbox)"
BEFORE, AFTER = "s000-a-bystander-0", "s999-z-bystander"
REFERENCE = Honest("the reference solution")


@dataclass(frozen=True)
class Outcome:
    """What came of an attack on stock nbgrader, in a few words, and whether it held."""

    held: bool
    words: str


OUTCOMES = TypeAdapter(dict[str, Outcome])


def run(
    root: Path, folder: Path, begin: Begin, only: str = "", again: bool = False, jobs: int = 2
) -> dict[str, Outcome]:
    """Runs the attacks against stock nbgrader; returns what came of each, by name.

    Args:
        folder: a scratch folder; a file in it holds what is known.
        again: forget what is known.
        jobs: sandboxes side by side.

    Raises:
        NotReady: stock nbgrader does not give the reference solution its points, so that nothing could be told.
    """
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = {} if again else known(folder)
    chosen = [a for a in ATTACKS if (only in a.name or only == a.group) and a.name not in outcomes and not a.kit_only]
    hand_ins = [each for each in handed_in(chosen, [], bystanders=0) if each.attacks]
    one = begin("stock nbgrader", len(hand_ins) + 1)
    if hand_ins:
        course = released(root, folder / "stock")
        text = STOCK_CONFIG.format(course=course.profile.course.id, seconds=CELL_SECONDS)
        (course.root / "nbgrader_config.py").write_text(text, encoding="utf-8")
        _refuse_without_points(course)
    one()
    with ThreadPoolExecutor(jobs) as pool:
        for found in pool.map(lambda each: _outcomes(each, in_sandbox(course, each.attacks)), hand_ins):
            outcomes |= found
            (folder / KNOWN).write_bytes(OUTCOMES.dump_json(outcomes, indent=1))
            one()
    return outcomes


def known(folder: Path) -> dict[str, Outcome]:
    """What earlier runs have found, by name, of the attacks that there still are."""
    path = folder / KNOWN
    told = OUTCOMES.validate_json(path.read_bytes()) if path.exists() else {}
    return {attack.name: told[attack.name] for attack in ATTACKS if attack.name in told}


def _refuse_without_points(course: ScratchCourse) -> None:
    said = in_sandbox(course, [])
    lost = said["lost"] if said else "nothing was said"
    if lost:
        raise NotReady(f"stock nbgrader does not give the reference solution its points in the sandbox: {lost}")


def _outcomes(hand_in: HandIn, said: dict[str, Any] | None) -> dict[str, Outcome]:
    outcomes = {}
    for attack in hand_in.attacks:
        if attack.name in WORLD:
            outcome = Outcome(False, "not tried: the sandbox has no network")
        elif attack.name in READ_ONLY:
            outcome = Outcome(False, "not tried: read-only in the sandbox")
        elif said is None:
            outcome = Outcome(False, NOT_BOUNDED if attack.group == "bombs" else "ends the run")
        else:
            found = TypeAdapter(Found).validate_python(said["found"][attack.name])
            outcome = Outcome(found.held, found.words())
        outcomes[attack.name] = outcome
    return outcomes


# --- Outside: the sandbox ---


def in_sandbox(course: ScratchCourse, attacks: Sequence[Attack]) -> dict[str, Any] | None:
    """What the inside of a sandbox says of some attacks that share a submission; None where it was ended."""
    private = Path(tempfile.mkdtemp(prefix="a", dir=runtime_folder()))
    private.chmod(0o711)
    request = {
        "folder": str(course.folder),
        "models": str(course.model_home),
        "private": str(private),
        "names": [attack.name for attack in attacks],
    }
    command = [sys.executable, "-W", "ignore", "-m", "trials.attacks.sandbox", json.dumps(request)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=LIMITS.seconds + 30, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    finally:
        shutil.rmtree(private, ignore_errors=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines and done.returncode > 0 and done.returncode not in ENDED.values():
        raise NotReady(f"the sandbox around stock nbgrader failed: {done.stderr[-1000:]}")
    said: dict[str, Any] | None = json.loads(lines[-1]) if lines else None
    return said


# --- Inside ---


def inside(request: dict[str, Any]) -> dict[str, Any]:
    """Hands in one submission, has stock nbgrader grade it, and looks at what came of it."""
    attacks = [attack for attack in ATTACKS if attack.name in request["names"]]
    course = ScratchCourse.at(Path(request["folder"]), Path(request["models"]))
    made = Class(course, attacks, [] if attacks else [REFERENCE])
    made.hand_ins = _with_others(made.hand_ins)
    with listening() as port:
        made.prepare(port)
        before = made.watched()
        began = time.monotonic()
        ours = next(each for each in made.hand_ins if each.attacks or each.honest)
        finished = _graded(made, "*" if _harms_others(attacks) else ours.id)
        took = time.monotonic() - began
        changed = differences(before, made.watched()) + left_running()
    if not attacks:
        return {"lost": _lost(made)}
    if any(attack.group == "browser" for attack in attacks):
        with contextlib.suppress(NotReady):
            course.instructor("generate_feedback", ASSIGNMENT, "--student", ours.id, env=_environment(made))
    if not finished:
        changed.append("the run had to be ended")
    if _harms_others(attacks) and not _scores(made, AFTER):
        changed.append("another student has no score")
    return {"found": {attack.name: asdict(_found(made, ours, attack, changed, took)) for attack in attacks}}


def _with_others(hand_ins: Sequence[HandIn]) -> list[HandIn]:
    """The submission, between two that are as they were released; of these, one is graded where `_harms_others`."""
    others = [HandIn(BEFORE, "chatbot"), HandIn(AFTER, "chatbot")]
    return [others[0], *(each for each in hand_ins if "bystander" not in each.id), others[1]]


def _harms_others(attacks: Sequence[Attack]) -> bool:
    """Whether what is handed in may end the run for others: they are graded too, which takes its time."""
    return any(attack.group == "submission" and attack.change for attack in attacks)


def _environment(made: Class) -> dict[str, str]:
    return {**ONE_THREAD, **IN_PROCESS, **made.environment(), "HF_HUB_OFFLINE": "1"}


def _graded(made: Class, student: str) -> bool:
    """Runs `nbgrader autograde`; returns whether it came to its end by itself."""
    env = {
        **os.environ,
        **_environment(made),
        "AUTOGRADER_MODEL_HOME": str(made.course.model_home),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    command, seconds = ["nbgrader", "autograde", ASSIGNMENT, "--student", student], LIMITS.seconds - 30
    with made.log.open("w") as log:
        try:
            subprocess.run(command, cwd=made.course.root, env=env, stdout=log, stderr=log, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            return False
    return True


def _scores(made: Class, student: str) -> dict[str, tuple[float, float]]:
    """Score and points by check id, of what no person has to look at; nothing where the notebook was not graded."""
    if not (made.course.root / "autograded" / student).exists():
        return {}
    with Gradebook(f"sqlite:///{made.course.root / 'gradebook.db'}") as gradebook:
        try:
            notebooks = gradebook.find_submission(ASSIGNMENT, student).notebooks
        except MissingEntry:
            return {}
        return {
            grade.name: (grade.score or 0.0, grade.max_score)
            for notebook in notebooks
            for grade in notebook.grades
            if not grade.needs_manual_grade
        }


def _lost(made: Class) -> list[str]:
    who = next(each for each in made.hand_ins if each.honest)
    scores = _scores(made, who.id)
    tail = made.log.read_text(errors="replace")[-500:]
    due = [task.check_id for task in judged(REFERENCE, made.profile)]
    return [
        f"{name}: {scores.get(name)} {tail}"
        for name in due
        if scores.get(name, (0, 1))[0] != scores.get(name, (0, 1))[1]
    ]


def _found(made: Class, hand_in: HandIn, attack: Attack, changed: Sequence[str], took: float) -> Found:
    scores = _scores(made, hand_in.id)
    earned = points = 0.0
    for entry in attack.not_due(made.profile):
        check_id, _, part = entry.partition("/")
        score, most = scores.get(check_id, (0.0, 0.0))
        points += most
        earned += score if not part or score == most else 0.0
    outputs = made.outputs(hand_in, attack)
    told = reached(made, attack, outputs)
    mine = ("xsleep", "had to be ended", "has no score")
    harmed = [what for what in changed if attack.token in what or any(word in what for word in mine)]
    harmed += made.too_large(hand_in, attack)
    shown = alive(made, hand_in, attack) if attack.group == "browser" else ()
    states = ("judged",) if scores else ("no verdict",)
    return Found(attack.name, round(earned, 2), points, states, True, told, tuple(harmed), shown, took)


if __name__ == "__main__":
    print(json.dumps(inside(json.loads(sys.argv[1]))), flush=True)
