"""A verdict as people see it: plain text for terminals and dialogs, and a small piece of HTML for notebooks and feedback.

Marks are words and signs, never colour alone. Text has the colour of its surroundings, so that it can be read in a light
and in a dark theme; where JupyterLab's own colours are there, the bar on the left has one of them. Everything that came
from a student or from a model is escaped.
"""

from __future__ import annotations

import textwrap
from html import escape

from autograder.course.profile import Language
from autograder.facts.verdict import Criterion, Phrase, Verdict
from autograder.words.pages import LAYOUT, OUTCOMES
from autograder.words.tables import say

WIDTH = 96
SHOWN_CHARACTERS, SHOWN_LINES = 280, 4
"""Of what a model said, how much is shown at once; a page folds the rest away, a text leaves it out."""
MOST_CHARACTERS = 2000
MARKS = {"passed": "✓", "failed": "✗", "unknown": "?", "overruled": "●"}


def number(value: float, language: Language, decimals: int = 2) -> str:
    """A number as the language writes it, without zeros at its end: "1,5" or "1.5"."""
    text = f"{round(value, decimals) + 0.0:.{decimals}f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if language == "nb" else text


def headline(verdict: Verdict, language: Language) -> str:
    if verdict.score is None:
        return say(LAYOUT["not judged"].fill(name=verdict.task), language)
    sentence = LAYOUT["passed" if verdict.passed else "open" if verdict.open else "failed"]
    earned, due = number(verdict.score, language), number(verdict.points, language)
    return say(sentence.fill(name=verdict.task, earned=earned, points=due), language)


def as_text(verdict: Verdict, language: Language, all_hints: bool = False, said: str | None = None) -> str:
    """The verdict in lines of at most `WIDTH` characters: every criterion, then one next step (or, with `all_hints`, all).

    Args:
        said: what the student's model said, to be quoted; None where nothing is.
    """
    lines = [headline(verdict, language)]
    for c in verdict.criteria:
        lines += _wrapped(f"{MARKS[_state(c)]} {say(c.title, language)}{_aside(c, language)}", "  ")
    for rows in _advice(verdict, all_hints):
        texts = (f"{say(label, language)}: {say(phrase, language)}" for label, phrase in rows)
        lines += ["", *(line for text in texts for line in _wrapped(text))]
    for reason in verdict.reasons:
        lines += ["", *_wrapped(f"{say(LAYOUT['review'], language)}: {say(reason, language)}")]
    beginning, rest = _parts_of(said or "")
    if beginning:
        lines += ["", say(LAYOUT["said"], language) + ":"]
        pieces = beginning.split("\n")
        pieces[0], pieces[-1] = f"«{pieces[0]}", pieces[-1] + (" …»" if rest else "»")
        for piece in pieces:
            lines += _wrapped(piece, "  ")
    if verdict.observations:
        lines += ["", say(LAYOUT["noticed"], language) + ":"]
        for observation in verdict.observations:
            lines += _wrapped("- " + say(observation, language), "  ")
    return "\n".join(lines)


def _state(criterion: Criterion) -> str:
    return "overruled" if criterion.override else criterion.outcome


def _aside(criterion: Criterion, language: Language) -> str:
    if criterion.override:
        return " – " + say(LAYOUT["override"].fill(reason=criterion.override.reason), language)
    return f" – {say(criterion.note, language)}" if criterion.note else ""


def _advice(verdict: Verdict, all_hints: bool) -> list[list[tuple[Phrase, Phrase]]]:
    """Labels and sentences about each criterion that failed, without a found and a hint equal to the ones before."""
    failed = [c for c in verdict.criteria if c.outcome == "failed" and not c.override]
    advice: list[list[tuple[Phrase, Phrase]]] = []
    before: tuple[Phrase | None, Phrase | None] = (None, None)
    for c in failed if all_hints else failed[:1]:
        new = (c.found, c.hint) != before
        rows: list[tuple[Phrase, Phrase | None]] = [(LAYOUT["expected"], c.expected)]
        rows += [(LAYOUT["found"], c.found), (LAYOUT["next"], c.hint)] if new else []
        before = (c.found, c.hint)
        advice.append([(label, phrase) for label, phrase in rows if phrase])
    return [rows for rows in advice if rows]


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ") or [""]


def _parts_of(said: str) -> tuple[str, str]:
    """What is shown at once of what a model said, and the rest of it, `MOST_CHARACTERS` in all."""
    kept = "".join(c if c.isprintable() or c == "\n" else " " for c in said)
    lines = [" ".join(line.split()) for line in kept.split("\n")]
    text = "\n".join(line for line in lines if line)
    beginning = "\n".join(text.split("\n")[:SHOWN_LINES])
    if len(beginning) > SHOWN_CHARACTERS:
        beginning = beginning[:SHOWN_CHARACTERS]
        beginning = beginning[: max(beginning.rfind(" "), beginning.rfind("\n"), SHOWN_CHARACTERS // 2)]
    rest = text[len(beginning) :].strip()
    most = MOST_CHARACTERS - len(beginning)
    return beginning.strip(), rest if len(rest) <= most else rest[:most] + " …"


def as_html(
    verdict: Verdict, language: Language, all_hints: bool = False, said: str | None = None, titled: bool = True
) -> str:
    """The same as a panel; it carries its own few styles, so that it looks right wherever it is shown.

    Args:
        said: as in `as_text`.
        titled: whether it begins with the task and its points; not where these stand above it.
    """

    def html(phrase: Phrase) -> str:
        return escape(say(phrase, language))

    rows = "".join(
        f'<li style="margin:.1em 0"><span aria-hidden="true">{MARKS[_state(c)]}</span> '
        f'<span style="{_HIDDEN}">{html(OUTCOMES[_state(c)])}: </span>{code(html(c.title))}'
        f"{code(escape(_aside(c, language)))}</li>"
        for c in verdict.criteria
    )
    rows = f'<ul role="list" style="list-style:none;padding-left:0;margin:.5em 0">{rows}</ul>' if rows else ""
    advice = "".join(_advice_as_html(each, language) for each in _advice(verdict, all_hints))
    reasons = "".join(
        f'<p style="{_APART}"><strong>{html(LAYOUT["review"])}:</strong> {code(html(reason))}</p>'
        for reason in verdict.reasons
    )
    title = f'<p style="margin:0"><strong>{escape(headline(verdict, language))}</strong></p>' if titled else ""
    noticed = "".join(f"<li>{code(html(o))}</li>" for o in verdict.observations)
    noticed = (
        f'<p style="{_APART}">{html(LAYOUT["noticed"])}:</p><ul style="margin:0">{noticed}</ul>' if noticed else ""
    )
    name = html(LAYOUT["panel"].fill(name=verdict.task))
    return (
        f'<div role="group" aria-label="{name}" lang="{language}" '
        f'style="border-left:4px solid {_bar(verdict)};padding:.25em 1em;max-width:46em">'
        f"{title}{rows}{advice}{reasons}{_said_as_html(said or '', language)}{noticed}</div>"
    )


_HIDDEN = "display:inline-block;width:1px;height:1px;overflow:hidden;white-space:nowrap"
_APART = "margin:.5em 0 .25em"
_QUOTE = "margin:0;padding:0 0 0 1em;border-left:1px solid currentColor;white-space:pre-line"


def _bar(verdict: Verdict) -> str:
    """A colour for what the headline says in words; that of the text where there is no JupyterLab around."""
    name = "info" if verdict.open or verdict.state != "judged" else "success" if verdict.passed else "warn"
    return f"var(--jp-{name}-color1,currentColor)"


def _advice_as_html(rows: list[tuple[Phrase, Phrase]], language: Language) -> str:
    lines = "<br>".join(
        f"<strong>{escape(say(label, language))}:</strong> {code(escape(say(phrase, language)))}"
        for label, phrase in rows
    )
    return f'<p style="{_APART}">{lines}</p>'


def _said_as_html(said: str, language: Language) -> str:
    """A quotation, its beginning in sight and the rest folded away."""
    beginning, rest = _parts_of(said)
    if not beginning:
        return ""
    more = escape(say(LAYOUT["said-more"], language))
    folded = (
        f'<details style="margin:.25em 0 0"><summary>{more}</summary><blockquote style="{_QUOTE}">{escape(rest)}'
        "</blockquote></details>"
        if rest
        else ""
    )
    quote = f'<blockquote style="{_QUOTE}">{escape(beginning)}{" …" if rest else ""}</blockquote>'
    return f'<p style="{_APART}">{escape(say(LAYOUT["said"], language))}:</p>{quote}{folded}'


def code(escaped: str) -> str:
    """`name` as code."""
    pieces = escaped.split("`")
    return "".join(f"<code>{p}</code>" if i % 2 and i < len(pieces) - 1 else p for i, p in enumerate(pieces))
