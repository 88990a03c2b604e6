"""The table of attacks in `docs/security.md`: one line for each, with what came of it here and on stock nbgrader."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from autograder.errors import NotReady
from trials.attacks.attack import GROUPS, Attack
from trials.attacks.run import Run
from trials.attacks.stock import Outcome
from trials.attacks.tables import ATTACKS

BEGIN, END = "<!-- attacks: begin -->", "<!-- attacks: end -->"
NO_SUCH = "– (no such part)"
NOT_RUN = "not run"


def table(run: Run, stock: Mapping[str, Outcome]) -> str:
    """The table by group, in Markdown, for the attacks that were run here."""
    lines = [summary(run, stock)]
    for group, title in GROUPS.items():
        here = [attack for attack in ATTACKS if attack.group == group and attack.name in run.found]
        if not here:
            continue
        lines += ["", f"### {title}", "", "| attack | this kit | stock nbgrader |", "|---|---|---|"]
        lines += [
            f"| {cell(attack.name)} | {cell(run.found[attack.name].words())} | {cell(on_stock(attack, stock))} |"
            for attack in here
        ]
    return "\n".join(lines)


def on_stock(attack: Attack, stock: Mapping[str, Outcome]) -> str:
    if attack.kit_only:
        return NO_SUCH
    outcome = stock.get(attack.name)
    return outcome.words if outcome is not None else NOT_RUN


def summary(run: Run, stock: Mapping[str, Outcome]) -> str:
    """How many were held here, how many there, and who else was in the class."""
    held = sum(found.held for found in run.found.values())
    people = sum(found.held and "review" in found.states for found in run.found.values())
    said = f"{held} of {len(run.found)} attacks held with this kit; {people} of them go to a person."
    told = [stock[name] for name in run.found if name in stock and not stock[name].words.startswith("not tried")]
    if told:
        said += f" Stock nbgrader held {sum(outcome.held for outcome in told)} of the {len(told)} that could be tried on it."
    kept = sum(not lost for lost in run.honest.values())
    return f"{said} {kept} of {len(run.honest)} honest students and bystanders kept every point."


def cell(text: str) -> str:
    """Words as a cell of a table: short, without the paths of the machine, and nothing that is markup."""
    text = re.sub(r"(\S*?)/planted-x[0-9a-f]+ is new", r"leaves a file in \1", text)
    text = re.sub(r"(\S*)/course/submitted/\S*", "what others handed in", text)
    text = re.sub(r"/\S*?/course(?=[/:\s]|$)/?", "the course's ", text)
    text = re.sub(r"/\S*?/home(?=[/\s]|$)/?", "the grader's home ", text)
    text = re.sub(r"/\S*/((?:autograder|trials)/(?:\w+/)*\w+\.py)", r"\1", text)
    text = re.sub(r": planted-x[0-9a-f]+ is new", " is written to", text)
    text = re.sub(r"\bx[0-9a-f]{9,10}\b", "…", " ".join(text.split()))
    return text.replace("|", "\\|").replace("<", "&lt;").strip()


def write(path: Path, made: str) -> None:
    """Puts the table between its marks in a page. Raises NotReady where the page has none."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NotReady(f"{path} has no lines {BEGIN} and {END}, between which the table belongs")
    path.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")
