"""The criterion about a setting that a task demands, whichever it is: `{"temperature": 0.9}`, `{"top_p": 0.5}`.

It finds its words under the setting's name where a task has brought some (`temperature-off`), else those for any setting
(`setting-off`). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autograder.facts.evidence import Variable
from autograder.facts.transcript import Request
from autograder.facts.verdict import Criterion, Sentence
from autograder.judging.case import Case, Share
from autograder.judging.criteria import best, not_arrived
from autograder.judging.failures import Mistake, misspelled, shown
from autograder.judging.sampling import WHOLE_REFUSED, draws_with, is_number, why_no_draw
from autograder.words.checks import EXPECTED, FOUND, OBSERVATIONS, TITLES
from autograder.words.hints import HINTS


def setting(case: Case, name: str, part: float, earlier: Iterable[Request] = ()) -> Criterion:
    """Whether the chain draws with the setting that the task demands.

    Args:
        earlier: what earlier tasks of this kind were judged by: what kept those from drawing has cost points there.
    """
    ((demanded, value),) = case.task.settings.items()
    title = _sentence(TITLES, demanded).fill(variable=name, setting=demanded, t=value)
    expected = _sentence(EXPECTED, demanded).fill(setting=demanded, t=value)
    share = Share(demanded, case.task.points * part, title, expected)
    if missing := case.missing(name, share):
        return missing
    request = best(case, name)
    if request is None:
        return not_arrived(case, name, share)
    settings = request.settings
    why = why_no_draw(settings, case.task.settings)
    penalised = {why_no_draw(one.settings, case.task.settings) for one in earlier} - {None}
    if why in penalised and is_number(settings, demanded, value):
        return share.passed(already_penalised=True)
    if draws_with(settings, case.task.settings):
        if not any("do_sample" in names for names in case.variable(name).given.values()):
            case.observations.append(OBSERVATIONS["sampling-default"])
        return share.passed()
    return share.failed(no_draw(case, name, settings))


def no_draw(case: Case, name: str, settings: dict[str, object]) -> Mistake:
    """What is told where these settings do not draw as the task demands."""
    ((demanded, _),) = case.task.settings.items()
    found = _sentence(FOUND, demanded, "on" if settings.get("do_sample") else "off")
    return Mistake(_hint(case, name, settings), found.fill(setting=demanded, t=_short(settings.get(demanded))))


def asked_with(case: Case, name: str, settings: dict[str, object]) -> Mistake:
    """What is told where the task's question was asked with other settings than demanded."""
    ((demanded, value),) = case.task.settings.items()
    found = settings.get(demanded)
    if found == value:
        return no_draw(case, name, settings)
    hint = _sentence(HINTS, demanded, "asked").fill(variable=name, setting=demanded, found=_short(found), t=value)
    return Mistake(hint, FOUND["value"].fill(value=_short(found)))


def _hint(case: Case, name: str, settings: dict[str, object]) -> Sentence:
    ((demanded, value),) = case.task.settings.items()
    given, found, why = case.variable(name).given, settings.get(demanded), why_no_draw(settings, case.task.settings)
    if {demanded, "do_sample"} & {*given.get("chain", ())}:
        return HINTS["settings-on-chain"].fill(variable=name)
    if why and settings.get("do_sample"):
        return HINTS["sampling-cancelled"].fill(variable=name, setting=why)
    pair = isinstance(found, list | tuple) and len(found) == 2
    if not why and (pair or (isinstance(found, str) and "," in found)):
        return HINTS["decimal-comma"].fill(variable=name)
    names = {name for where in given.values() for name in where}
    if not why and found != value and (meant := misspelled(names, demanded, settings)):
        return HINTS["setting-unknown"].fill(variable=name, setting=meant)
    what = "off" if why else _what_is_wrong(case.variable(name), demanded, value, found)
    return _sentence(HINTS, demanded, what).fill(variable=name, setting=demanded, found=_short(found), t=value)


def _short(value: object) -> object:
    """A value as it is told: numbers as they are, unless they are long."""
    return value if isinstance(value, float) or len(str(value)) < 20 else shown(str(value), 40)


def _what_is_wrong(held: Variable, demanded: str, value: float, found: object) -> str:
    """What is wrong with a setting where sampling is on: how it is written, where it was given, or its value."""
    if isinstance(found, str | list | tuple):
        return "text"
    if demanded in WHOLE_REFUSED and isinstance(found, int) and found == value:
        return "whole"
    carried, given = held.values_of(demanded), held.given
    if value in carried or demanded in given.get("model_kwargs", ()) + given.get("bind", ()):
        return "ignored"
    nowhere = not carried and not any(demanded in names for names in given.values())
    return (
        "none"
        if nowhere and held.state == "there" and "generation_config" not in given.get("pipeline_kwargs", ())
        else "other"
    )


def _sentence(table: Mapping[str, Sentence], demanded: str, what: str = "") -> Sentence:
    own, any_ = (f"{one}-{what}" if what else one for one in (demanded, "setting"))
    return table.get(own) or table[any_]
