"""`arguments`: `answers` says which argument of the pipeline is behind each description."""

from __future__ import annotations

from collections.abc import Iterable

from autograder.course.profile import ARGUMENT_NAMES, Needs
from autograder.facts.verdict import Criterion
from autograder.judging.case import Case
from autograder.judging.failures import Mistake
from autograder.judging.task import Definition, Named
from autograder.words.checks import EXPECTED, FOUND, TITLES
from autograder.words.hints import HINTS
from autograder.words.tables import w

ANSWERS = Named("answers", "value")


def criteria(case: Case) -> Iterable[Criterion]:
    letters = sorted(case.profile.arguments)
    form = case.share("format", 0, EXPECTED["letters"].fill(letters=", ".join(letters)))
    answers = case.share("answers", 1, EXPECTED["right"].fill(all=len(letters)))
    values = case.variable(ANSWERS.name).value or {}
    right = sum(case.profile.argument_is_right(k, v) for k, v in values.items() if isinstance(v, str))
    if badly := _badly_formed(case, letters):
        yield form.failed(badly)
        missed = answers.failed(badly)
        right = min(right, len(letters) - 1)
    elif right == len(letters):
        yield form.passed()
        yield answers.passed()
        return
    else:
        yield form.passed()
        some = HINTS["answers-some"].fill(right=right, all=len(letters))
        missed = answers.failed(Mistake(some, FOUND["right"].fill(right=right, all=len(letters))))
    yield missed.model_copy(update={"earned": case.task.points * right / len(letters)})


def _badly_formed(case: Case, letters: list[str]) -> Mistake | None:
    if missing := case.missing_variable(ANSWERS.name):
        return missing
    held = case.variable(ANSWERS.name)
    if held.value is None:
        return Mistake(HINTS["answers-type"].fill(type=held.type), FOUND["value"].fill(value=held.type))
    if sorted(held.value) != letters:
        found = ", ".join(sorted(held.value)) or "{}"
        hint = HINTS["answers-letters"].fill(found=found[:80], expected=", ".join(letters))
        return Mistake(hint, FOUND["value"].fill(value=found[:80]))
    if strange := [str(v)[:40] for v in held.value.values() if v not in ARGUMENT_NAMES]:
        found = ", ".join(strange)[:80]
        return Mistake(HINTS["answers-unknown"].fill(found=found), FOUND["value"].fill(value=found))
    return None


TASK = Definition(
    id="arguments",
    after="limit-output",
    notebook="chatbot",
    variables=(ANSWERS,),
    needs=Needs(arguments=True),
    criteria=criteria,
)

TITLES.add({
    "format": w("`answers` har ett argument for hver bokstav", "`answers` has one argument for each letter"),
    "answers": w("svarene i `answers` er riktige", "the answers in `answers` are right"),
})  # fmt: skip
EXPECTED.add({
    "right": w("{all} riktige", "{all} right"),
    "letters": w("bokstavene {letters}", "the letters {letters}"),
})  # fmt: skip
FOUND.add({"right": w("{right} av {all} riktige", "{right} of {all} right")})
HINTS.add({
    "answers-type": w(
        "`answers` er {type}. Den skal være en ordbok (dict) fra bokstav til navnet på et argument.",
        "`answers` is {type}. It should be a dictionary (dict) from a letter to the name of an argument.",
    ),
    "answers-letters": w(
        "`answers` mangler eller har for mange bokstaver: {found}. Hver av {expected} skal stå én gang.",
        "`answers` lacks letters or has too many: {found}. Each of {expected} should be there once.",
    ),
    "answers-unknown": w(
        "`answers` har noe som ikke er et av argumentene i oppgaven: {found}. Skriv navnene som tekst, nøyaktig.",
        "`answers` has something that is none of the task's arguments: {found}. Write the names as text, exactly.",
    ),
    "answers-some": w(
        "{right} av {all} i `answers` er riktige. Les beskrivelsene av argumentene en gang til.",
        "{right} of {all} in `answers` are right. Read the descriptions of the arguments once more.",
    ),
})  # fmt: skip
