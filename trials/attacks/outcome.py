"""What came of one attack: points that were not due, what it reached, what it harmed, and what of it a browser would run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.course.profile import Profile
from autograder.facts.verdict import Verdict
from autograder.grading.records import Record
from trials.attacks import html as attacks_html
from trials.attacks.attack import MARK, TRIED, Attack, Honest, judged
from trials.attacks.classroom import Class
from trials.attacks.hand_in import HandIn

GRACE_SECONDS = 15
PAGES = ("feedback", "formgrader")


@dataclass(frozen=True)
class Found:
    """What came of one attack.

    Attributes:
        earned: points that were not due and that no person has to look at.
        states: of the verdicts on what was not due, or on the whole notebook.
        tried: whether its code came as far as it was meant to.
        reached: what it reached: its own word, or a secret that it showed.
        harmed: what it left behind or took too much of.
        alive: what of it a browser would run or fetch.
    """

    name: str
    earned: float = 0.0
    points: float = 0.0
    states: tuple[str, ...] = ()
    tried: bool = True
    reached: tuple[str, ...] = ()
    harmed: tuple[str, ...] = ()
    alive: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def held(self) -> bool:
        return not (self.earned or self.reached or self.harmed or self.alive)

    def words(self) -> str:
        """The outcome, for a table."""
        if not self.held:
            said = [f"earns {self.earned:g} of 0"] if self.earned else []
            said += [f"reaches {self.reached[0]}"] if self.reached else []
            said += [self.harmed[0]] if self.harmed else []
            said += [f"alive: {self.alive[0]}"] if self.alive else []
            return "; ".join(said)
        if "no verdict" in self.states:
            return "held; no verdict, listed as failed"
        return "held; a person looks" if "review" in self.states else "held"


def judge_attack(
    made: Class, hand_in: HandIn, attack: Attack, record: Record | None, changed: Sequence[str], browser: bool
) -> Found:
    """What came of one attack, from what is on record and what is on the machine."""
    earned, points, states = unearned(attack, record, made.profile)
    outputs = made.outputs(hand_in, attack)
    kept = record.model_dump_json() if record else ""
    harmed = [what for what in changed if attack.token in what or ("xsleep" in what and "stays" in attack.name)]
    took = made.took.get(hand_in.id, 0.0)
    limit = made.profile.limits.notebook_seconds + GRACE_SECONDS
    harmed += [f"took {took:.0f} s"] if took > limit else []
    harmed += made.too_large(hand_in, attack)
    shown: tuple[str, ...] = ()
    if browser and attack.group == "browser":
        shown = alive(made, hand_in, attack)
        shown += tuple(f"{kind}: there is no page" for kind in PAGES if not made.page(hand_in, kind))
    tried = f"{TRIED} {attack.token}" in outputs or "tried()" not in "".join([*attack.cells.values(), attack.probe])
    told = reached(made, attack, outputs, kept)
    return Found(attack.name, earned, points, states, tried, told, tuple(harmed), shown, took)


def reached(made: Class, attack: Attack, outputs: str, kept: str = "") -> tuple[str, ...]:
    """What an attack says in its outputs that it has reached, and secrets that are in them or in what was `kept`."""
    said = re.findall(rf"^{MARK} {attack.token} ?(.*)$", outputs, re.MULTILINE)
    secrets = [f"a secret ({name})" for name, text in made.secrets.items() if text in outputs + kept]
    return (*(what or "it" for what in said), *secrets)


def alive(made: Class, hand_in: HandIn, attack: Attack) -> tuple[str, ...]:
    """What of an attack is alive in the pages that people read."""
    return tuple(
        f"{kind}: {what}" for kind in PAGES for what in attacks_html.alive(made.page(hand_in, kind), attack.token)
    )


def unearned(attack: Attack, record: Record | None, profile: Profile) -> tuple[float, float, tuple[str, ...]]:
    """Points that an attack got though they were not due and nobody has to look; how many there were; the states."""
    if record is None:
        return 0.0, 0.0, ("no verdict",)
    earned = points = 0.0
    states = []
    for entry in sorted(attack.not_due(profile)):
        check_id, _, name = entry.partition("/")
        verdict = record.verdict(check_id)
        if verdict is None:
            states.append("no verdict")
            continue
        states.append(verdict.state)
        parts = [c for c in verdict.criteria if name in ("", c.name)]
        points += sum(c.points for c in parts) if parts else verdict.points
        earned += sum(c.earned for c in parts) if verdict.state == "judged" else 0.0
    states += [] if states else [verdict.state for verdict in record.verdicts]
    return round(earned, 4), round(points, 4), tuple(sorted(set(states)))


def lost(honest: Honest, hand_in: HandIn, record: Record | None, profile: Profile) -> list[str]:
    """The checks at which an honest student did not get all points, or not at once."""
    found = []
    for task in judged(honest, profile):
        verdict = record.verdict(task.check_id) if record else None
        if verdict is None or verdict.state != "judged" or verdict.score != verdict.points:
            found.append(f"{task.check_id}: {_short(verdict)}")
    return found


def _short(verdict: Verdict | None) -> str:
    return "no verdict" if verdict is None else f"{verdict.score} of {verdict.points:g}, {verdict.state}"
