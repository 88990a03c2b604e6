"""From the source notebooks to what is released: templates in two languages become notebooks in one.

Two pure functions, in this order: `fill` puts the profile's values in and leaves out what the profile does not
use, `select_language` keeps one of the two languages. `contract_check.py` then refuses a result that breaks the
contract. Removing solutions, locking cells and checksums are nbgrader's work; nothing here reads a file,
knows nbgrader or judges.

Templates. Every cell's source is a Jinja2 template with « » around values, «% %» around statements and
«# #» around comments, so that Python's braces stay as they are. (Norwegian quotation marks are therefore not
for the texts.) Its whole vocabulary:

    course.id  course.language                    texts of the profile
    course.due                                    the deadline in words, in the course's language; empty without one
    models.home  models.package                   where models lie; the package of HuggingFacePipeline
    models.base  models.instruct  models.large    names of the models that the profile has
    system_prompt  max_new_tokens  temperatures   the text, the token limit, the list of numbers (and every other
                                                  list that tasks are made of, as `top_p`)
    arguments                                     letter -> argument: the key of that task, for its solution
                                                  and for choosing descriptions, never to be shown as it is
    task.id  task.check_id  task.kind             the cell's own task, where it has one; role is base,
    task.points  task.number  task.role           instruct or large; number is 1, 2, … for one of a list's
    task.model  task.question  task.temperature   values, which has its setting's name, else 0; what a task does
                                                  not have is an unknown name
    uses("chain")                                 whether a task is in use
    task_of("chain")                              that task; of "temperature" and the like the first one
    points(1.5)                                   a number as the course's language writes it: 1,5 or 1.5
    py(value)                                     a value as Python source: "text", 0.9, [1, 2]

Metadata. A cell that belongs to a task has `metadata.autograder = {"task": "chain"}` (or `{"any_of": [...]}`
for one that several tasks share) and is left out when none of them is in use. Neighbouring cells with
`{"task": "temperature", "each": "temperature"}` are repeated together, once for each temperature (so with every task
that a list of values makes several); the part `n` of their ids becomes its number: `check-temperature-n`,
`check-temperature-2`. The result has no such key.

Languages. In a Markdown cell the lines `<!-- nb -->`, `<!-- en -->` and `<!-- both -->` say whom the text
after them is for; text before the first is for both. In a code cell a comment `# nb: …` or `# en: …`, alone
on its line, is for one.

Free-text answers. Rubrics (BEGIN MARK SCHEME) stand inside the solution region: nbgrader's ClearMarkScheme
allows them elsewhere only in its task cells, and a rubric that outlived ClearSolutions would be part of the
checksum by which nbgrader knows an untouched answer.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

from jinja2 import Environment, StrictUndefined, TemplateError, TemplateSyntaxError
from nbformat import NotebookNode

from autograder.course.profile import Language, Profile, Role
from autograder.errors import ContractError
from autograder.judging.contract import task_of, tasks
from autograder.judging.task import Task
from autograder.judging.tasks import DEFINITIONS
from autograder.submissions.cells import marks_of
from autograder.words.render import number
from autograder.words.tables import say
from autograder.words.times import moment

REPEATED = tuple(name for name, definition in DEFINITIONS.items() if definition.needs.values)
"""The tasks that are several: one for each value that the profile lists."""

_VOCABULARY = (
    "course.id, course.language, course.due, models.home, models.package, models.base, models.instruct, models.large, "
    "system_prompt, max_new_tokens, temperatures, arguments, task.id, task.check_id, task.kind, task.points, "
    "task.number, task.role, task.model, task.question, task.temperature, "
    "uses(…), task_of(…), points(…), py(…)"
)
_MARKER = re.compile(r"^\s*<!-- (nb|en|both) -->\s*$")
_TAGGED_COMMENT = re.compile(r"^(\s*# )(nb|en): ?(.*)$")

_JINJA = Environment(
    variable_start_string="«",
    variable_end_string="»",
    block_start_string="«%",
    block_end_string="%»",
    comment_start_string="«#",
    comment_end_string="#»",
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # the result is a notebook, not a web page
)


def fill(nb: NotebookNode, profile: Profile) -> NotebookNode:
    """The notebook with the profile's values in it and only the cells of tasks in use; `nb` stays untouched.

    Points of graded cells come from the profile. The result still holds both languages.

    Raises:
        ContractError: a template or the metadata of a cell is wrong; the message names the cell, what was
            found and what is valid.
    """
    filled = copy.deepcopy(nb)
    filled.cells = list(_cells(nb.cells, profile))
    return filled


def for_profile(nb: NotebookNode, profile: Profile) -> NotebookNode:
    """Both, one after the other. Raises ContractError."""
    return select_language(fill(nb, profile), profile.course.language)


def render(source: str, profile: Profile, task: Task | None, cell_id: str) -> str:
    """A piece of code with the vocabulary above, filled in for a task of a profile.

    Raises:
        ContractError: a name that the vocabulary does not have; the message begins with `cell_id`.
    """
    return _rendered(NotebookNode(id=cell_id, cell_type="code", source=source, metadata=NotebookNode()), profile, task)


def select_language(nb: NotebookNode, language: Language) -> NotebookNode:
    """The notebook in one language; `nb` is left untouched.

    Raises:
        ContractError: a cell has text for one language only; the message names the cell.
    """
    selected = copy.deepcopy(nb)
    for cell in selected.cells:
        keep = _markdown_in if cell.cell_type == "markdown" else _code_in
        cell.source = keep(cell.source, language, cell.get("id", "?"))
    return selected


# --- fill -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Belongs:
    """Which tasks a source cell belongs to, and whether it is repeated: `metadata.autograder`, checked."""

    task: str | None = None
    any_of: tuple[str, ...] = ()
    each: str | None = None

    def in_use(self, profile: Profile) -> bool:
        wanted = (self.task,) if self.task else self.any_of
        return not wanted or any(profile.uses(task_id) for task_id in wanted)


def _cells(sources: Sequence[NotebookNode], profile: Profile) -> Iterator[NotebookNode]:
    """Cells of the filled notebook. Neighbouring repeated cells are repeated as one group: text, solution, check."""
    for repeated, group in itertools.groupby(sources, key=lambda cell: _belongs(cell).each):
        used = [cell for cell in group if _belongs(cell).in_use(profile)]
        rounds = [task for task in tasks(profile) if task.kind == repeated] if repeated else [None]
        for task in rounds:
            for cell in used:
                yield _filled(cell, profile, task)


def _belongs(cell: NotebookNode) -> _Belongs:
    keys = cell.metadata.get("autograder", {})
    if unknown := sorted(set(keys) - {"task", "any_of", "each"}):
        raise _wrong(cell, f"metadata.autograder has the key {unknown[0]!r}", "valid: any_of, each, task")
    belongs = _Belongs(keys.get("task"), tuple(keys.get("any_of", ())), keys.get("each"))
    for task_id in (*belongs.any_of, *((belongs.task,) if belongs.task else ())):
        if task_id not in DEFINITIONS:
            valid = ", ".join(DEFINITIONS)
            raise _wrong(cell, f"metadata.autograder names the task {task_id!r}", f"valid: {valid}")
    if "each" in keys and (belongs.task != belongs.each or belongs.each not in REPEATED):
        found = f"only cells of {' and '.join(f'the task {name!r}' for name in REPEATED)} are repeated, each by its own"
        raise _wrong(cell, found, "valid: " + ", ".join(f'"each": "{name}"' for name in REPEATED))
    return belongs


def _filled(source: NotebookNode, profile: Profile, repeated_for: Task | None) -> NotebookNode:
    cell = copy.deepcopy(source)
    belongs = _belongs(cell)
    task = repeated_for or (_named(belongs.task, profile) if belongs.task else None)
    cell.metadata.pop("autograder", None)
    meta = marks_of(cell)
    if repeated_for:
        cell.id = _numbered(cell.id, repeated_for, source)
        if "grade_id" in meta:
            meta["grade_id"] = _numbered(meta["grade_id"], repeated_for, source)
    cell.source = _rendered(cell, profile, task)
    if meta.get("grade") and (graded := task_of(meta["grade_id"], profile)):
        meta["points"] = graded.points
    return cell


def _numbered(name: str, task: Task, cell: NotebookNode) -> str:
    parts = name.split("-")
    if parts.count("n") != 1:
        found = f"{name!r} is repeated for each {task.kind}"
        raise _wrong(cell, found, f"its id needs one part 'n': {task.kind}-n")
    return "-".join(str(task.number) if part == "n" else part for part in parts)


def _rendered(cell: NotebookNode, profile: Profile, task: Task | None) -> str:
    try:
        return _JINJA.from_string(cell.source).render(_values(cell, profile, task))
    except TemplateSyntaxError as error:
        raise _wrong(cell, f"line {error.lineno}: {error.message}", f"valid: {_VOCABULARY}") from error
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise _wrong(cell, str(error), f"valid: {_VOCABULARY}") from error


def _values(cell: NotebookNode, profile: Profile, task: Task | None) -> dict[str, Any]:
    """The vocabulary of the docstring above. What a profile lacks is left out: naming it is an error."""

    def uses(task_id: str) -> bool:
        if task_id not in DEFINITIONS:
            raise _wrong(cell, f"uses({task_id!r}): there is no such task", f"valid: {', '.join(DEFINITIONS)}")
        return profile.uses(task_id)

    def find(task_id: str) -> dict[str, Any]:
        found = _named(task_id, profile)
        if found is None:
            in_use = ", ".join(used.id for used in profile.tasks)
            raise _wrong(cell, f"task_of({task_id!r}): this task is not in use", f"in use: {in_use}")
        return _public(found)

    given = {role: getattr(profile.models, role) for role in get_args(Role)}
    roles = {role: model.name for role, model in given.items() if model}
    values: dict[str, Any] = {
        "course": {"id": profile.course.id, "language": profile.course.language, "due": _due(profile)},
        "models": {"home": profile.models.home, "package": profile.models.package, **roles},
        "system_prompt": profile.chat.system_prompt,
        "max_new_tokens": profile.generation.max_new_tokens,
        "arguments": dict(profile.arguments),
        "uses": uses,
        "task_of": find,
        "points": partial(number, language=profile.course.language),
        "py": python_literal,
    }
    lists = {used.needs.values.key for used in DEFINITIONS.values() if used.needs.values}
    values |= {key: list(listed) for key in lists if (listed := profile.generation.values(key))}
    return values | ({"task": _public(task)} if task else {})


def _due(profile: Profile) -> str:
    deadline = profile.course.deadline
    return say(moment(deadline), profile.course.language) if deadline else ""


def _named(task_id: str, profile: Profile) -> Task | None:
    return next((task for task in tasks(profile) if task_id in (task.id, task.kind)), None)


def _public(task: Task) -> dict[str, Any]:
    shown = ("id", "check_id", "kind", "points", "number", "role", "model", "question")
    return {key: value for key in shown if (value := getattr(task, key)) is not None} | dict(task.settings)


def python_literal(value: object) -> str:
    """Python source of a text, number, list or dict. JSON's texts are Python's too, in double quotes."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case bool() | int() | float() | None:
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(python_literal(item) for item in value)}]"
        case dict():
            pairs = (f"{python_literal(key)}: {python_literal(item)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
    raise TypeError(f"py(…) writes texts, numbers, lists and dicts, not {type(value).__name__}")


def _wrong(cell: NotebookNode, found: str, valid: str) -> ContractError:
    return ContractError(f"cell {cell.get('id', '?')!r}: {found}; {valid}")


# --- select_language ------------------------------------------------------------------------------


def _markdown_in(source: str, language: Language, cell_id: str) -> str:
    kept: list[str] = []
    seen: set[str] = set()
    reading = "both"
    for line in source.split("\n"):
        if marker := _MARKER.match(line):
            reading = marker[1]
        elif reading in ("both", language):
            kept.append(line)
        if reading != "both" and line.strip() and not marker:
            seen.add(reading)
    _refuse_one_language(seen, cell_id, "text under <!-- nb --> and <!-- en -->")
    return "\n".join(kept).strip("\n")


def _code_in(source: str, language: Language, cell_id: str) -> str:
    kept: list[str] = []
    seen: set[str] = set()
    for line in source.split("\n"):
        comment = _TAGGED_COMMENT.match(line)
        if comment:
            seen.add(comment[2])
        if comment is None:
            kept.append(line)
        elif comment[2] == language:
            kept.append((comment[1] + comment[3]).rstrip())
    _refuse_one_language(seen, cell_id, "comments with # nb: and # en:")
    return "\n".join(kept)


def _refuse_one_language(seen: set[str], cell_id: str, valid: str) -> None:
    if len(seen) == 1:
        found = seen.pop()
        raise ContractError(f"cell {cell_id!r}: found only {found!r}; a cell with one needs both: {valid}")
