"""`model-home`: the environment variable HF_HOME points to the course's folder of models."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from autograder.facts.verdict import Criterion
from autograder.judging.case import Case
from autograder.judging.failures import Mistake
from autograder.judging.task import Definition
from autograder.words.checks import EXPECTED, FOUND, TITLES
from autograder.words.hints import HINTS
from autograder.words.tables import w


def criteria(case: Case) -> Iterable[Criterion]:
    home = case.profile.models.home
    share = case.share("model-home", 1, EXPECTED["value"].fill(value=home))
    found = case.evidence.environment.get("HF_HOME", "")
    accepted = {PurePosixPath(home)}  # as the machine reads it: one slash or two, with a last one or none
    override = case.evidence.environment.get("AUTOGRADER_MODEL_HOME")
    if override and not case.facts.in_grading:
        accepted.add(PurePosixPath(override))
    if found and PurePosixPath(found) in accepted:
        yield share.passed()
    elif found:
        yield share.failed(Mistake(HINTS["home-other"], FOUND["value"].fill(value=found)))
    else:
        yield share.failed(Mistake(HINTS["home-unset"], FOUND["nothing"]))


TASK = Definition(id="model-home", notebook="chatbot", criteria=criteria)

TITLES.add({"model-home": w("HF_HOME peker på kursets modellmappe", "HF_HOME points to the course's model folder")})
HINTS.add({
    "home-unset": w(
        "`HF_HOME` er ikke satt. Gi miljøvariabelen stien som står i oppgaven.",
        "`HF_HOME` is not set. Give the environment variable the path that the task names.",
    ),
    "home-other": w(
        "`HF_HOME` peker et annet sted. Sammenlign stien med oppgaven, tegn for tegn.",
        "`HF_HOME` points somewhere else. Compare the path with the task, character by character.",
    ),
})  # fmt: skip
