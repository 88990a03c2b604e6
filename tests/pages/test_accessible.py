"""The pages that people open, judged by axe-core in Chromium: WCAG 2.1, levels A and AA, in light and in dark.

A maker writes self-contained HTML files into a folder and returns their paths; a new kind of page is a maker more in
`MAKERS`. Feedback pages are judged where they are made (`test_feedback.py`). Nothing is fetched: axe-core's script comes
with a package.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hub_browser import browser, needs
from test_watch_page import NOON, busy
from test_what_is_stored import hub_prepare

from autograder.course.profile import Language
from autograder.facts.verdict import Criterion, Override, Verdict, Words
from autograder.judging import contract
from autograder.pages.report.page import page_of
from autograder.plugins.watch_page import watch_page
from autograder.plugins.watch_state import only_watcher
from autograder.words import render
from autograder.words.checks import OBSERVATIONS
from autograder.words.tables import LANGUAGES

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
FAILS = ("serious", "critical")
SCHEMES = ("light", "dark")


judged_by_axe = needs(axe_playwright_python="pip install axe-playwright-python")
pytestmark = judged_by_axe


# --- Pages -----------------------------------------------------------------------------------------------------------


def reports(folder: Path) -> list[Path]:
    """The report on a class with everything in it, and on a class of nobody."""
    from test_report import nasty_class, numbers

    profile = contract.load(ROOT / "course.toml")
    made = []
    for language in LANGUAGES:
        for name, works in (("full", nasty_class(profile)), ("empty", [])):
            made.append(folder / f"report-{name}-{language}.html")
            made[-1].write_text(page_of(numbers(profile, *works), "chatbot", language, named=False), encoding="utf-8")
    return made


def verdicts() -> list[tuple[Verdict, str | None]]:
    """One of every kind, and what the model said where it said something."""
    title, text = Words(nb="`chatbot` er en kjede", en="`chatbot` is a chain"), Words(nb="en kjede", en="a chain")
    passed = Criterion(name="a", title=title, points=1, earned=1, outcome="passed")
    failed = Criterion(
        name="b", title=title, points=1, earned=0, outcome="failed", expected=text, found=text, hint=text
    )
    unknown = passed.model_copy(update={"outcome": "unknown", "note": text})
    overruled = failed.model_copy(update={"override": Override(earned=0.5, reason="a fair reading", by="ta")})
    noticed = (OBSERVATIONS["goes-on"], OBSERVATIONS["stopped-at-limit"].fill(n=50))

    def verdict(*criteria: Criterion, **more: Any) -> Verdict:
        return Verdict(**{"task": "chain", "check_id": "check-chain", "points": 2, "criteria": criteria, **more})

    return [
        (verdict(passed, observations=noticed), "Arr, matey!\nHuman: Who are you?"),
        (verdict(passed, failed), "Arr, I be a pirate, and the sea be wide. " * 30),
        (verdict(passed, unknown), None),
        (verdict(overruled), None),
        (verdict(passed, state="review", reasons=(text,)), None),
        (verdict(state="not judged", reasons=(text,)), None),
    ]


def lab_page(scheme: str, language: Language, body: str) -> str:
    """A page with the colours that JupyterLab gives to what a cell shows, out of the theme that it installs."""
    theme = Path(sys.prefix) / f"share/jupyter/lab/themes/@jupyterlab/theme-{scheme}-extension/index.css"
    return f"""<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><title>Panel</title><style>
{theme.read_text(encoding="utf-8")}
body {{ background: var(--jp-layout-color0); color: var(--jp-content-font-color1);
  font: var(--jp-content-font-size1)/1.6 var(--jp-content-font-family); }}
code {{ background: var(--jp-layout-color2); font-family: var(--jp-code-font-family); padding: 1px 5px; }}
</style></head><body><main>{body}</main></body></html>"""


def panels(folder: Path) -> list[Path]:
    """The check panel: in JupyterLab's light and dark theme, and on a page without any."""
    made = []
    for language in LANGUAGES:
        body = "<hr>".join(render.as_html(verdict, language, said=said) for verdict, said in verdicts())
        pages = {scheme: lab_page(scheme, language, body) for scheme in SCHEMES}
        pages["plain"] = (
            f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><title>Panel</title>'
            f'<meta name="color-scheme" content="light dark"></head><body><main>{body}</main></body></html>'
        )
        for name, page in pages.items():
            made.append(folder / f"panel-{name}-{language}.html")
            made[-1].write_text(page, encoding="utf-8")
    return made


def what_is_stored(folder: Path) -> list[Path]:
    """The hub's page on what is stored."""
    module = hub_prepare()
    made = [folder / f"what-is-stored-{language}.html" for language in LANGUAGES]
    for path, language in zip(made, LANGUAGES, strict=True):
        path.write_text(module.privacy_page(module.PRIVACY.read_text(encoding="utf-8"), language), encoding="utf-8")
    return made


def watch_pages(folder: Path) -> list[Path]:
    """The staff's page about grading on hand-in, with everything in it."""
    made = []
    for language in LANGUAGES:
        course = folder / language
        course.mkdir()
        text = (ROOT / "course.toml").read_text(encoding="utf-8")
        (course / "course.toml").write_text(
            text.replace('language = "nb"', f'language = "{language}"'), encoding="utf-8"
        )
        busy().write(course)
        made.append(folder / f"watch-{language}.html")
        with only_watcher(course):
            made[-1].write_text(watch_page(course, NOON), encoding="utf-8")
    return made


MAKERS: list[Callable[[Path], list[Path]]] = [reports, panels, what_is_stored, watch_pages]

# --- The judge -------------------------------------------------------------------------------------------------------


def violations(page: Any) -> list[str]:
    """What axe-core finds serious or critical on the page that is open, all of it unfolded: rule, help, elements."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found = page.evaluate(f"axe.run(document, {json.dumps(options)})")
    return [
        f"{v['id']} ({v['impact']}): {v['help']} {v['helpUrl']}\n"
        + "\n".join(f"    {node['html'][:200]}\n      {node['failureSummary']}" for node in v["nodes"])
        for v in found["violations"]
        if v["impact"] in FAILS
    ]


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    with browser() as one:
        yield one


def open_page(started: Any, path: Path) -> Any:
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    page = started.new_page(color_scheme=SCHEMES[0])
    page.goto(path.as_uri())
    page.evaluate((Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8"))
    return page


def usable_by_everybody(pages: list[Path], started: Any) -> None:
    """Asserts that axe-core finds nothing on any of these pages, in light and in dark."""
    assert pages
    found = {}
    for path in pages:
        page = open_page(started, path)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            if bad := violations(page):
                found[f"{path.name}, {scheme}"] = bad
        page.close()
    assert not found, "\n".join(f"{name}: {text}" for name, texts in found.items() for text in texts)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_everybody_can_use_the_page(maker: Callable[[Path], list[Path]], started: Any, tmp_path: Path) -> None:
    usable_by_everybody(maker(tmp_path), started)


FAULTS = {
    "image-alt": '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">',
    "color-contrast": '<p style="color:#aaa;background:#fff">grey</p>',
    "list": "<ul><div>no item</div></ul>",
    "aria-required-children": '<div role="list"><p>no item</p></div>',
}


@pytest.mark.parametrize("rule", FAULTS)
def test_a_page_with_a_fault_is_told_with_rule_and_element(rule: str, started: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        f'<!DOCTYPE html><html lang="en"><head><title>t</title></head><body>{FAULTS[rule]}</body></html>',
        encoding="utf-8",
    )
    page = open_page(started, path)
    told = violations(page)
    page.close()
    assert [text.split(" ")[0] for text in told] == [rule]
    assert "<" in told[0]


def test_a_fault_of_the_dark_scheme_alone_is_told(started: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        '<!DOCTYPE html><html lang="en"><head><title>t</title><style>@media (prefers-color-scheme: dark) '
        "{ p { color: #444; background: #222 } }</style></head><body><p>Words</p></body></html>",
        encoding="utf-8",
    )
    page = open_page(started, path)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert [text.split(" ")[0] for text in violations(page)] == ["color-contrast"]
    page.close()


HEARD = {
    # what is heard of a panel, in the order of `verdicts`, in Norwegian
    "passed": ['group "Sjekk av chain"', "på plass:", "Dette sa modellen din:", "Lagt merke til (koster ingenting):"],
    "failed": ["på plass:", "mangler:", "Neste steg:", "Resten av det modellen sa"],
    "unknown": ["på plass:", "ikke kjent:"],
    "overruled": ["bestemt av en person:"],
    "review": ["på plass:", "En person ser på denne:"],
    "not judged": ["ikke rettet ennå", "En person ser på denne:"],
}


@pytest.mark.parametrize("place", range(len(HEARD)), ids=list(HEARD))
def test_a_panel_is_heard_in_words_and_as_lists(place: int, started: Any) -> None:
    verdict, said = verdicts()[place]
    page = started.new_page()
    page.set_content(lab_page("light", "nb", render.as_html(verdict, "nb", said=said)))
    heard = page.locator("main").aria_snapshot()
    page.close()
    assert [words for words in list(HEARD.values())[place] if words not in heard] == []
    assert [mark for mark in render.MARKS.values() if re.search(rf"{re.escape(mark)} ", heard)] == []
    assert heard.count("- listitem") == len(verdict.criteria) + len(verdict.observations)
