"""A verdict as people see it: plain text for terminals and dialogs, and a small piece of HTML for notebooks and feedback.

Marks are words and signs, never colour alone. Text has the colour of its surroundings, so that it can be read in a light
and in a dark theme; where JupyterLab's own colours are there, the bar on the left has one of them. Everything that came
from a student or from a model is escaped.
"""

from __future__ import annotations

import textwrap
from html import escape

from autograder.course.profile import Language
from autograder.facts.verdict import Criterion, Verdict, Words
from autograder.words.sentences import LAYOUT

WIDTH = 96
SHOWN_CHARACTERS, SHOWN_LINES = 280, 4
"""Of what a model said, how much is shown at once; a page folds the rest away, a text leaves it out."""
MOST_CHARACTERS = 2000
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


def as_text(verdict: Verdict, language: Language, all_hints: bool = False, said: str | None = None) -> str:
    """The verdict in lines of at most `WIDTH` characters: every criterion, then one next step (or, with `all_hints`, all).

    Args:
        said: what the student's model answered, to be quoted; None where nothing is.
    """
    lines = [headline(verdict, language)]
    for c in verdict.criteria:
        lines += _wrapped(f"{MARKS[_state(c)]} {c.title.say(language)}{_aside(c, language)}", "  ")
    for rows in _advice(verdict, all_hints):
        told = (f"{label.say(language)}: {words.say(language)}" for label, words in rows)
        lines += ["", *(line for text in told for line in _wrapped(text))]
    for reason in verdict.reasons:
        lines += ["", *_wrapped(f"{LAYOUT['review'].say(language)}: {reason.say(language)}")]
    beginning, rest = _parts_of(said or "")
    if beginning:
        lines += ["", LAYOUT["said"].say(language) + ":"]
        pieces = beginning.split("\n")
        pieces[0], pieces[-1] = f"«{pieces[0]}", pieces[-1] + (" …»" if rest else "»")
        for piece in pieces:
            lines += _wrapped(piece, "  ")
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


def _advice(verdict: Verdict, all_hints: bool) -> list[list[tuple[Words, Words]]]:
    """Label and words of what to say about each criterion that failed; found and hint are not said twice in a row."""
    failed = [c for c in verdict.criteria if c.outcome == "failed" and not c.override]
    said: list[list[tuple[Words, Words]]] = []
    before: tuple[Words | None, Words | None] = (None, None)
    for c in failed if all_hints else failed[:1]:
        new = (c.found, c.hint) != before
        rows = [(LAYOUT["expected"], c.expected)]
        rows += [(LAYOUT["found"], c.found), (LAYOUT["next"], c.hint)] if new else []
        before = (c.found, c.hint)
        said.append([(label, words) for label, words in rows if words])
    return [rows for rows in said if rows]


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

    def say(words: Words) -> str:
        return escape(words.say(language))

    rows = "".join(
        f'<li style="margin:.1em 0"><span aria-hidden="true">{MARKS[_state(c)]}</span> '
        f'<span style="{_HIDDEN}">{say(SPOKEN[_state(c)])}: </span>{code(say(c.title))}'
        f"{code(escape(_aside(c, language)))}</li>"
        for c in verdict.criteria
    )
    rows = f'<ul role="list" style="list-style:none;padding-left:0;margin:.5em 0">{rows}</ul>' if rows else ""
    advice = "".join(_advice_as_html(each, language) for each in _advice(verdict, all_hints))
    reasons = "".join(
        f'<p style="{_APART}"><strong>{say(LAYOUT["review"])}:</strong> {code(say(reason))}</p>'
        for reason in verdict.reasons
    )
    title = f'<p style="margin:0"><strong>{escape(headline(verdict, language))}</strong></p>' if titled else ""
    noticed = "".join(f"<li>{code(say(o))}</li>" for o in verdict.observations)
    noticed = f'<p style="{_APART}">{say(LAYOUT["noticed"])}:</p><ul style="margin:0">{noticed}</ul>' if noticed else ""
    name = escape(LAYOUT["panel"].say(language).format(name=verdict.task), quote=True)
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


def _advice_as_html(rows: list[tuple[Words, Words]], language: Language) -> str:
    lines = "<br>".join(
        f"<strong>{escape(label.say(language))}:</strong> {code(escape(words.say(language)))}" for label, words in rows
    )
    return f'<p style="{_APART}">{lines}</p>'


def _said_as_html(said: str, language: Language) -> str:
    """A quotation, its beginning in sight and the rest folded away."""
    beginning, rest = _parts_of(said)
    if not beginning:
        return ""
    more = escape(LAYOUT["said-more"].say(language))
    folded = (
        f'<details style="margin:.25em 0 0"><summary>{more}</summary><blockquote style="{_QUOTE}">{escape(rest)}'
        "</blockquote></details>"
        if rest
        else ""
    )
    quote = f'<blockquote style="{_QUOTE}">{escape(beginning)}{" …" if rest else ""}</blockquote>'
    return f'<p style="{_APART}">{escape(LAYOUT["said"].say(language))}:</p>{quote}{folded}'


def code(escaped: str) -> str:
    """`name` as code."""
    pieces = escaped.split("`")
    return "".join(f"<code>{p}</code>" if i % 2 and i < len(pieces) - 1 else p for i, p in enumerate(pieces))
