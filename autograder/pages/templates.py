"""Our Jinja templates: every text in them is escaped, and a name that is not given is an error."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from autograder.words import render

TEMPLATES = Path(__file__).parents[1] / "templates"


def as_code(text: str) -> Markup:
    """Escaped, with `name` as code."""
    return Markup(render.code(str(escape(text))))


def environment() -> Environment:
    """What our templates are read with; `code` is a filter of theirs."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["code"] = as_code
    return made
