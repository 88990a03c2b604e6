"""The class that `python -m trials bench` grades: made from a seed, with the points that each student is due known beforehand.

Most follow the chapter to the letter and differ in their free text alone. Others arrive at the same points in ways of
their own, in one, two or three notebooks: other spelling, another structure, settings and questions beyond those asked
for; each of their notebooks has code that nobody else's has. A few are broken.

What it is not: a sample of real students. How many of a real class differ, and by how much, nobody has measured.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from autograder.course.profile import Profile
from autograder.judging.contract import NOTEBOOKS, tasks
from trials.classes import Cells, Student
from trials.demo import raising
from trials.selftest.library import Solution
from trials.selftest.solutions import RIGHT, WRONG
from trials.selftest.solutions.pieces import HUMAN, LOAD, PACKAGE

Kind = Literal["letter", "varied", "broken"]
Mix = Literal["usual", "identical", "varied"]

LETTER, BROKEN = 0.6, 0.1
"""Shares of a usual class; the rest is varied."""
MODEL_SHARE = {"load-model": 1 / 3, "instruct-large": 3 / 8}
"""What the wrong model costs in these tasks, as a share of their points."""

FROM_LIBRARY = (
    # spelling
    "environment by the env magic", "environ by from-import and update", "dict by keywords",
    "dict filled one by one, backwards, one answer changed", "prompt of message objects, by from_messages",
    "system message by its template class", "prompt added together", "asked with a dict of messages", "asked with a tuple",
    "asked with a role and content", "small instruct model, limit bound, out of a batch", "all temperatures in a loop",
    "all chains made first, by their names",
    # structure
    "class from the partner package", "transformers pipeline wrapped", "model and tokenizer loaded, then a pipeline on the GPU",
    "chain by pipe", "chain by its class", "chain folded, with a parser at its end", "both questions in a batch",
    "chat model around the partner package's class", "small and large by one helper",
    "large model, question counted and answer cut by the chain", "large model as a chat model, limit bound",
    "one transformers model, a pipeline for each temperature", "settings given at the call",
    # settings
    "limit bound", "limit bound with other settings, and a try", "limit in a generation config, bound",
    "limit given to the transformers pipeline", "small instruct model, asked before the chain was kept",
    "temperature in a generation config", "one chat model, settings bound",
    # further answers
    "asked twice, the second answer kept and stripped", "first of several answers kept",
    "first temperature asked several times, the longest answer kept",
)  # fmt: skip
"""Solutions of the selftest's library that a student of this chapter may well write, by name."""

QUESTIONS = (
    "What is the best thing about the sea?", "Can you sing me a song?", "Where is the treasure?", "Do you like parrots?",
    "What did you eat for breakfast?", "Tell me a joke.", "How do I become a pirate?", "What is your name?",
    "What is the capital of Norway?", "How old are you?", "Do you know any stories about storms?", "Who is your captain?",
)  # fmt: skip
REMARKS = (
    "first try", "works now", "as in the documentation", "from the lecture", "not sure about this", "ran it twice",
    "see my notes", "the long way", "short version", "cleaned up", "after a coffee", "checked with a friend",
)  # fmt: skip
TEXTS = (
    "Modellen får bare se det som står i ledeteksten.", "Den husker ikke det forrige spørsmålet.",
    "Svarene gjentar seg, fordi det som står der fra før gjør det samme mer sannsynlig.",
    "Den instruksjonstrente modellen svarer på spørsmålet.", "Den større modellen holder seg til rollen.",
    "Ved høy temperatur henger ikke teksten sammen.", "Ved lav temperatur er svarene like hverandre.",
    "Jeg så bare ett svar av hver, så det kan være tilfeldig.",
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """A student of the class, and of which kind.

    Attributes:
        changed: the notebooks whose code is not the reference's.
    """

    student: Student
    kind: Kind
    changed: tuple[str, ...] = ()


def kinds_of(size: int, mix: Mix) -> list[Kind]:
    """How many of each kind a class has, as a list: 18, 9 and 3 of a usual class of 30."""
    if mix != "usual":
        kind: Kind = "letter" if mix == "identical" else "varied"
        return [kind] * size
    broken = max(1, round(BROKEN * size)) if size > 2 else 0
    letter = min(max(1, round(LETTER * size)), size - broken)
    counts: dict[Kind, int] = {"letter": letter, "varied": size - letter - broken, "broken": broken}
    return [kind for kind, count in counts.items() for _ in range(count)]


def make_class(size: int, seed: int, mix: Mix, cells: Cells, profile: Profile) -> list[Member]:
    """The class. The same arguments give the same one.

    Args:
        cells: the reference solution.
    """
    draw = random.Random(f"{seed} {mix}")
    kinds = kinds_of(size, mix)
    draw.shuffle(kinds)
    broken = 0
    members = []
    for number, kind in enumerate(kinds, 1):
        name = f"student-{number:03}"
        if kind == "broken":
            members.append(_broken(name, broken, cells, profile, draw))
            broken += 1
        else:
            members.append(_right(name, kind, cells, profile, draw))
    return members


def full_points(profile: Profile) -> dict[str, float]:
    """What the autograder gives for everything right, by check id."""
    return {task.check_id: task.points for task in tasks(profile) if task.judged_by == "autograder"}


def stock_sample(members: list[Member], count: int) -> list[Member]:
    """Submissions with full marks for stock nbgrader, which knows all or nothing; kinds as in the class, two to one."""
    letters = [m for m in members if m.kind == "letter"]
    varied = [m for m in members if m.kind == "varied"]
    wanted = min(len(varied), round(count / 3) if letters else count)
    chosen = varied[:wanted] + letters[: count - wanted]
    return sorted(chosen, key=lambda member: member.student.id)


def _right(name: str, kind: Kind, cells: Cells, profile: Profile, draw: random.Random) -> Member:
    written = {**cells, **_free_text(profile, draw)}
    points = full_points(profile)
    if kind == "letter":
        return Member(Student(name, "as in the chapter", written, points), kind)
    used = [n for n in NOTEBOOKS if any(task.notebook == n for task in tasks(profile))]
    changed = sorted(draw.sample(used, draw.randint(1, len(used))))
    story = []
    for notebook in changed:
        pieces = _pieces(notebook, profile, draw)
        story += [piece.name for piece in pieces]
        own = {name: source for piece in pieces for name, source in piece.written(profile).items()}
        written |= own
        _remark(written, next(iter(own)), name, draw)
    return Member(Student(name, "; ".join(story), written, points), kind, tuple(changed))


def _broken(name: str, number: int, cells: Cells, profile: Profile, draw: random.Random) -> Member:
    """By turns: code that raises, nothing done, the wrong model in two tasks, as far as the profile has these tasks."""
    points = full_points(profile)
    if number % 3 == 1:
        return Member(Student(name, "nothing done", {}, dict.fromkeys(points, 0.0)), "broken", NOTEBOOKS)
    written = {**cells, **_free_text(profile, draw)}
    if number % 3 == 0:
        lost = ("chain", "who-are-you", "ideal-boat")
        points |= {check: 0.0 for check in (f"check-{task}" for task in lost) if check in points}
        written |= raising(cells)
        _remark(written, "chain", name, draw)
        return Member(Student(name, "code that raises", written, points), "broken", ("chatbot",))
    for wrong, task in (("load: the large model", "load-model"), ("the model of the other size", "instruct-large")):
        if f"check-{task}" not in points:
            continue
        written |= next(s for s in WRONG if wrong in s.name and task in s.cells).written(profile)
        points[f"check-{task}"] *= 1 - MODEL_SHARE[task]
        _remark(written, task, name, draw)
    return Member(Student(name, "the wrong model", written, points), "broken", ("chatbot", "larger-model"))


def _free_text(profile: Profile, draw: random.Random) -> Cells:
    """Answers that a person will read, another one for every student."""
    return {
        task.id: " ".join(draw.sample(TEXTS, draw.randint(2, 4))) + f" ({draw.randint(1000, 9999)})"
        for task in tasks(profile)
        if task.judged_by == "person"
    }


def _remark(written: Cells, cell: str, name: str, draw: random.Random) -> None:
    written[cell] = f"# {name}: {draw.choice(REMARKS)}\n{written[cell].lstrip()}"


def _pieces(notebook: str, profile: Profile, draw: random.Random) -> list[Solution]:
    """One to three ways of one's own that can stand in one notebook."""
    known = {solution.name: solution for solution in RIGHT}
    pool = [solution for name in FROM_LIBRARY if (solution := known[name]).fits(profile) and not solution.alone]
    pool += [solution for solution in _own(draw) if solution.fits(profile)]
    here = [solution for solution in pool if solution.notebooks(profile) == {notebook}]
    draw.shuffle(here)
    chosen: list[Solution] = []
    wanted = draw.randint(1, 3)
    for solution in here:
        if len(chosen) < wanted and not any({*solution.cells} & {*other.cells} for other in chosen):
            chosen.append(solution)
    return chosen


def _own(draw: random.Random) -> Iterator[Solution]:
    """Settings and questions that differ from student to student."""
    top_p, penalty = draw.choice((0.8, 0.85, 0.92, 0.95)), draw.choice((1.05, 1.1, 1.15, 1.2))
    top_k, warmth = draw.choice((20, 30, 40, 60, 100)), draw.choice((0.5, 0.6, 0.8, 1.0))
    questions = draw.sample(QUESTIONS, 2)
    limited = LOAD.replace(
        "device=0,\n", 'device=0,\n    pipeline_kwargs={"max_new_tokens": «max_new_tokens», MORE},\n'
    )
    ask = "{0} = {1}.invoke([HumanMessage(«py(task.question)»)])\nprint({0})\n"
    further = f"for question in {questions!r}:\n    print({{}}.invoke([HumanMessage(question)]))\n"
    yield Solution(
        f"limit with temperature {warmth} and top_p {top_p}",
        {"limit-output": limited.replace("MORE", f'"do_sample": True, "temperature": {warmth}, "top_p": {top_p}')},
    )
    boat = HUMAN + "\n" + ask.format("boat", "chatbot") + further.format("chatbot")
    yield Solution("two questions more for the pirate", {"ideal-boat": boat})
    for size in ("small", "large"):
        chain = f"chatbot_{size} = prompt | llm\n"
        settings = limited.replace("MORE", f'"repetition_penalty": {penalty}')
        asked = ask.format(f"result_{size}", f"chatbot_{size}")
        yield Solution(
            f"{size} instruct model with a penalty of {penalty}",
            {f"instruct-{size}": PACKAGE + HUMAN + settings + chain + asked},
        )
        plain = limited.replace(", MORE", "")
        more = asked + further.format(f"chatbot_{size}")
        yield Solution(
            f"two questions more for the {size} instruct model",
            {f"instruct-{size}": PACKAGE + HUMAN + plain + chain + more},
        )
    warm = '"max_new_tokens": «max_new_tokens», "do_sample": True, "temperature": «py(task.temperature)»'
    cells = {}
    for number in (1, 2, 3):
        bound = f'chatbot_{number} = prompt | llm.bind(pipeline_kwargs={{{warm}, "top_k": {top_k}}})\n'
        cells[f"temperature-{number}"] = bound + ask.format(f"result_{number}", f"chatbot_{number}")
    cells["temperature-1"] = PACKAGE + HUMAN + LOAD + cells["temperature-1"]
    yield Solution(f"every temperature with top_k {top_k}", cells)
    bound = f"chatbot_2 = prompt | llm.bind(pipeline_kwargs={{{warm}}})\n"
    yield Solution(
        "two questions more at the second temperature",
        {"temperature-2": bound + ask.format("result_2", "chatbot_2") + further.format("chatbot_2")},
    )
