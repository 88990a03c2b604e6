"""A verdict as people see it: plain text for terminals and dialogs, and a small piece of HTML for notebooks and feedback.

Marks are words and signs, never colour alone. Everything that came from a student is escaped.
"""

from __future__ import annotations

import textwrap
from html import escape

from .profile import Language
from .verdict import Criterion, Verdict, Words
from .words import LAYOUT

WIDTH = 96
MARKS = {"passed": "✓", "failed": "✗", "unknown": "?", "overruled": "●"}
SPOKEN = {
    "passed": Words(nb="på plass", en="in place"),
    "failed": Words(nb="mangler", en="missing"),
    "unknown": Words(nb="ikke kjent", en="not known"),
    "overruled": Words(nb="bestemt av en person", en="decided by a person"),
}


def points(value: float, language: Language) -> str:
    """A number of points as the language writes it: "1,5" or "1.5"."""
    text = f"{round(value, 2):g}"
    return text.replace(".", ",") if language == "nb" else text


def headline(verdict: Verdict, language: Language) -> str:
    if verdict.score is None:
        return LAYOUT["not judged"].say(language).format(name=verdict.task)
    words = LAYOUT["passed" if verdict.passed else "open" if verdict.open else "failed"].say(language)
    earned, due = points(verdict.score, language), points(verdict.points, language)
    return words.format(name=verdict.task, earned=earned, points=due)


def as_text(verdict: Verdict, language: Language, all_hints: bool = False) -> str:
    """The verdict in lines of at most `WIDTH` characters: every criterion, then one next step (or, with `all_hints`, all)."""
    lines = [headline(verdict, language)]
    for c in verdict.criteria:
        lines += _wrapped(f"{MARKS[_state(c)]} {c.title.say(language)}{_aside(c, language)}", "  ")
    failed = [c for c in verdict.criteria if c.outcome == "failed" and not c.override]
    for criterion in failed if all_hints else failed[:1]:
        lines.append("")
        lines += _advice(criterion, language)
    for reason in verdict.reasons:
        lines += ["", *_wrapped(f"{LAYOUT['review'].say(language)}: {reason.say(language)}")]
    if verdict.observations:
        lines += ["", LAYOUT["noticed"].say(language) + ":"]
        for observation in verdict.observations:
            lines += _wrapped("- " + observation.say(language), "  ")
    return "\n".join(lines)


def _state(criterion: Criterion) -> str:
    return "overruled" if criterion.override else criterion.outcome


def _aside(criterion: Criterion, language: Language) -> str:
    if criterion.override:
        return " – " + LAYOUT["override"].say(language).format(reason=criterion.override.reason)
    return f" – {criterion.note.say(language)}" if criterion.note else ""


def _advice(criterion: Criterion, language: Language) -> list[str]:
    rows = (
        (LAYOUT["expected"], criterion.expected),
        (LAYOUT["found"], criterion.found),
        (LAYOUT["next"], criterion.hint),
    )
    return [
        line for label, words in rows if words for line in _wrapped(f"{label.say(language)}: {words.say(language)}")
    ]


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ") or [""]


def as_html(verdict: Verdict, language: Language, all_hints: bool = False) -> str:
    """The same as a panel; it carries its own few styles, so that it looks right wherever it is shown."""

    def say(words: Words) -> str:
        return escape(words.say(language))

    rows = "".join(
        f'<li style="list-style:none"><span aria-hidden="true">{MARKS[_state(c)]}</span> '
        f'<span style="{_HIDDEN}">{say(SPOKEN[_state(c)])}: </span>{_code(say(c.title))}'
        f"{_code(escape(_aside(c, language)))}</li>"
        for c in verdict.criteria
    )
    failed = [c for c in verdict.criteria if c.outcome == "failed" and not c.override]
    advice = "".join(
        "<p style='margin:.5em 0'>" + "<br>".join(_labelled(label, words, language) for label, words in (
            (LAYOUT["expected"], c.expected), (LAYOUT["found"], c.found), (LAYOUT["next"], c.hint)) if words) + "</p>"
        for c in (failed if all_hints else failed[:1])
    )  # fmt: skip
    reasons = "".join(f"<p>{say(LAYOUT['review'])}: {_code(say(reason))}</p>" for reason in verdict.reasons)
    noticed = "".join(f"<li>{_code(say(o))}</li>" for o in verdict.observations)
    noticed = f"<p style='margin:.5em 0 0'>{say(LAYOUT['noticed'])}:</p><ul>{noticed}</ul>" if noticed else ""
    return (
        f'<div lang="{language}" style="border-left:4px solid currentColor;padding:.25em 1em;max-width:46em">'
        f"<strong>{escape(headline(verdict, language))}</strong>"
        f'<ul style="padding-left:0;margin:.5em 0">{rows}</ul>{advice}{reasons}{noticed}</div>'
    )


_HIDDEN = "display:inline-block;width:1px;height:1px;overflow:hidden;white-space:nowrap"


def _labelled(label: Words, words: Words, language: Language) -> str:
    return f"<em>{escape(label.say(language))}:</em> {_code(escape(words.say(language)))}"


def _code(escaped: str) -> str:
    """`name` as code."""
    pieces = escaped.split("`")
    return "".join(f"<code>{p}</code>" if i % 2 and i < len(pieces) - 1 else p for i, p in enumerate(pieces))
