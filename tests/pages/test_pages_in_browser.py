"""What a student handed in, opened in a real browser by whoever marks it: no script runs, and nothing lies over the page.

One ordinary assignment, as it is when it has been graded, is served by Jupyter. The sentinel of every script is a request.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import test_formgrader
from conftest import ROOT
from forked import ScratchCourse
from hub_browser import browser, needs
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader.api import Gradebook
from nbgrader.server_extensions.formgrader import handlers
from test_formgrader import SECRET, Visitor, submission
from traitlets.config import Config

from autograder.pages.sanitize import CLASSES, TAGS
from autograder.pages.templates import TEMPLATES
from autograder.plugins.formgrader import STATIC, install
from autograder.plugins.formgrader_files import SHOWN

url, grader = test_formgrader.url, test_formgrader.grader
RAN = "evil-ran"
SCRIPT = (
    f"document.title='{RAN}';fetch('/formgrader/api/assignments').then(() => fetch('/{RAN}'));fetch('/{RAN}-at-once')"
)
PAGE = f'<html><body><script>{SCRIPT}</script><img src=x onerror="{SCRIPT}">here</body></html>'.encode()
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{SCRIPT}"><script>{SCRIPT}</script></svg>'.encode()
XML = f'<html xmlns="http://www.w3.org/1999/xhtml"><body><script>{SCRIPT}</script></body></html>'.encode()
FILES = {
    "evil.html": PAGE, "evil.HTML": PAGE, "evil.htm": PAGE, "evil": PAGE, "evil.unknown": PAGE, "evil.png": PAGE,
    "notes.txt": PAGE, "a b;c.html": PAGE, "evil.svg": SVG, "evil.svgz": SVG, "evil.xml": XML, "evil.xhtml": XML,
    "evil.html.gz": PAGE, "evil.pdf": PAGE, "evil.js": SCRIPT.encode(), "evil.mht": PAGE, "evil%2ehtml": PAGE,
    "x.ipynb/evil.html": PAGE, "next/evil.html": PAGE, "sums.ipynb.html": PAGE,
}  # fmt: skip
ADDRESSES = (
    "/evil.html", "/evil%2ehtml", "/evil%2Ehtml", "/%65vil.html", "/%65%76%69%6c%2e%68%74%6d%6c", "/evil.htm", "/evil.HTML",
    "/evil.html?x=.png", "/evil.html#.png", "/evil", "/evil.unknown", "/evil.png", "/notes.txt", "/a%20b;c.html",
    "/a%20b%3bc.html", "/evil.svg", "/evil%2esvg", "/evil.svgz", "/evil.xml", "/evil.xhtml", "/evil.html.gz", "/evil.pdf",
    "/evil.js", "/evil.mht", "/evil%252ehtml", "/x.ipynb/evil.html", "/x%2eipynb%2fevil%2ehtml", "/x.ipynb%2fevil.html",
    "/next/evil.html", "/next%2fevil.html", "/sums.ipynb.html", "/sums.ipynb", "/.%2fevil.html", "%2fevil.html",
)  # fmt: skip
"""Under a submission's own."""
NOWHERE = (
    "/evil.html%00", "/evil%00.html", "//evil.html", "/%2fevil.html", "/evil.html/", "/evil.html%2f", "/evil.html;x",
    "/evil.html%3b", "/..%2fplain%2fevil.html", "/..%2f..%2f..%2fgradebook.db", "/..%2f..%2f..%2fnbgrader_config.py",
    "/%2fetc%2fpasswd", "//etc/passwd", "/x.ipynb", "/x.ipynb/", "/link.html", "/linked/evil.html",
    "/evil.html%0a", "/%0aevil.html", "/%ff", "/" + "a" * 5000, "/evil.html%20", "/evil%E2%80%A4html", "/next/x", "/no.html",
    "/components/../evil.html", "/x.ipynb/..%2fevil.html", "/next/..%2fevil.html",
)  # fmt: skip
OVERLAY = f"https://x.example/{RAN}"
OVER = (
    f"<a class='modal-backdrop' href='{OVERLAY}'></a>",
    f"<a class='modal-backdrop in k dataframe' href='{OVERLAY}'>x</a>",
    f"<a class='navbar navbar-default navbar-fixed-top' style='min-height:900px' href='{OVERLAY}'>x</a>",
    f"<a style='position:fixed;inset:0;z-index:9999' href='{OVERLAY}'>x</a>",
    f"<a style='position:absolute;top:0;left:0;width:999px;height:999px;display:block' href='{OVERLAY}'>x</a>",
    f"<div style='height:1px'><a style='display:block' href='{OVERLAY}'>{'x<br>' * 40}</a></div>",
    f"<a style='display:block;margin-top:-500px;padding:250px' href='{OVERLAY}'>x</a>",
    f"<a style='display:inline-block;transform:scale(50)' href='{OVERLAY}'>x</a>",
    f"<table align=right height=9000 width=900><tr><td><a href='{OVERLAY}'>{'x<br>' * 40}</a></table>",
    f"<a href='{OVERLAY}'><img align=left height=900 width=900 alt=x src='data:image/png;base64,eA=='></a>",
    f"<a class='pull-right' style='float:right;height:900px' href='{OVERLAY}'>{'x<br>' * 40}</a>",
    f"<a class='{' '.join(sorted(CLASSES))}' href='{OVERLAY}'>x</a>",
)  # fmt: skip


in_a_browser = needs()


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> ScratchCourse:
    """anna's folder holds every file of `FILES`, and a notebook whose cells lay every overlay over the page."""
    made = ScratchCourse(tmp_path_factory.mktemp("pages"), ROOT, tmp_path_factory.mktemp("no-models"))
    with pytest.MonkeyPatch.context() as patch:  # a new gradebook is made by a program beside this Python
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        with Gradebook(f"sqlite:///{made.root / 'gradebook.db'}") as gradebook:
            gradebook.update_or_create_student("anna")
        test_formgrader.plain(made)
    folder = made.root / "autograded" / "anna" / "plain"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    outside = made.folder / "outside"
    outside.mkdir()
    (outside / "evil.html").write_bytes(PAGE)
    (folder / "link.html").symlink_to(outside / "evil.html")
    (folder / "linked").symlink_to(outside)
    nb = nbformat.read(folder / "sums.ipynb", as_version=4)
    shown = [new_output("display_data", data={"text/html": html, "text/plain": "x"}) for html in OVER]
    nb.cells.append(new_markdown_cell(f"[disguised](files/javascript:{SCRIPT.replace(' ', '')})"))
    nb.cells += [new_code_cell("2", id="over", outputs=shown), *(new_markdown_cell(html) for html in OVER)]
    nb.cells.append(nb.cells.pop(1))
    nb.cells[-1].id = "last"
    nbformat.write(nb, folder / "sums.ipynb")
    return made


@pytest.fixture(scope="module")
def below(course: ScratchCourse) -> str:
    """The path of anna's submission."""
    return f"/formgrader/submissions/{submission(course, 'anna', 'plain', 'sums')}"


# --- Files of a submission -------------------------------------------------------------------------------------------


def inert(headers: Any) -> bool:
    """Whether a browser runs nothing of an answer: it may, where its own address is nobody's, show text or a picture."""
    policy = [part.strip() for part in headers["Content-Security-Policy"].split(";")]
    shown = headers["Content-Type"] in SHOWN.values() or headers["Content-Disposition"].startswith("attachment;")
    return shown and {"sandbox", "default-src 'none'"} <= {*policy} and headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_file_is_handed_over_and_not_opened_however_its_address_is_spelt(
    address: str, below: str, grader: Visitor
) -> None:
    status, headers, body = grader.ask(below + address.partition("#")[0])
    if address == "%2fevil.html":  # no submission is called so
        assert status == 404
    else:
        assert (status, inert(headers)) == (200, True)
        assert body in FILES.values() or address == "/sums.ipynb"


@pytest.mark.parametrize("address", NOWHERE)
def test_what_is_no_file_of_the_submissions_is_not_found(address: str, below: str, grader: Visitor) -> None:
    status, _, body = grader.ask(below + address)
    assert status in (400, 404)
    assert RAN.encode() not in body


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("HEAD", {}, 200),
        ("GET", {"Range": "bytes=6-40"}, 206),
        ("HEAD", {"Range": "bytes=6-40"}, 206),
        ("GET", {"Range": "bytes=99999-"}, 416),
        ("GET", {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 304),
        ("GET", {"Accept": "text/html"}, 200),
    ],
)
def test_a_file_is_as_inert_when_it_is_asked_for_otherwise(
    method: str, headers: dict[str, str], expected: int, below: str, grader: Visitor
) -> None:
    status, answered, _ = grader.ask(f"{below}/evil%2ehtml", method, **headers)
    assert status == expected
    assert answered["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answered["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_file_cannot_be_written_to(method: str, below: str, grader: Visitor) -> None:
    status, headers, body = grader.ask(f"{below}/evil%2ehtml", method)
    assert status in (403, 405)
    assert RAN.encode() not in body
    assert headers["Content-Security-Policy"].startswith("sandbox")


def test_a_stranger_gets_no_file(below: str, url: str) -> None:
    assert RAN.encode() not in Visitor(url).ask(f"{below}/evil.html")[2]


def test_nbgraders_own_handler_of_files_is_nowhere() -> None:
    kept = list(handlers.default_handlers)
    try:
        install(Config())
        assert handlers.SubmissionFilesHandler not in [page for _, page, *_ in handlers.default_handlers]
        assert not any(issubclass(page, handlers.SubmissionFilesHandler) for _, page, *_ in handlers.default_handlers)
    finally:
        handlers.default_handlers[:] = kept


WRITTEN = ('x";alert(1)//', "<script>alert(1)</script>", "x' onload='alert(1)", "\\", "x&#34;", "x\u2028y", "`x`")
PAGES = (
    "manage_students/{}", "manage_students/{}/plain", "manage_students/anna/{}", "manage_submissions/{}", "gradebook/{}",
    "gradebook/{}/sums", "gradebook/plain/{}",
)  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("page", PAGES)
def test_no_page_writes_a_name_into_itself_that_would_be_script(page: str, name: str, grader: Visitor) -> None:
    coded = "".join(f"%{byte:02x}" for byte in name.encode())
    status, _, body = grader.ask("/formgrader/" + page.format(coded))
    assert status == 404
    assert name.encode() not in body


@pytest.mark.parametrize("page", PAGES)
def test_a_page_with_an_ordinary_name_is_nbgraders_own(page: str, grader: Visitor) -> None:
    status, _, body = grader.ask("/formgrader/" + page.format("anna-b.c_d%20%C3%A5"))
    assert (status, "anna-b.c_d å".encode() in body) == (200, True)


# --- In a browser ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(url: str) -> Iterator[Any]:
    """A page of somebody who is logged in, that notes what it asks for in `page.asked`."""
    stub = "window.MathJax = {Hub: {Config() {}, Startup: {signal: {Interest() {}}}, Queue() {}, Configured() {}}};"
    with browser() as started:
        one = started.new_page(viewport={"width": 1360, "height": 900})
        one.asked = []
        one.on("request", lambda request: one.asked.append(request.url))
        one.route(
            re.compile("mathjax", re.IGNORECASE), lambda route: route.fulfill(body=stub, content_type="text/javascript")
        )
        one.goto(f"{url}/formgrader/manage_assignments?token={SECRET}")
        yield one


def opened(page: Any, address: str) -> bool:
    """Opens an address as a link does. Whether a script ran in it."""
    from playwright.sync_api import Error

    page.asked.clear()
    try:
        page.goto(address, wait_until="networkidle")
    except Error as error:
        assert "Download is starting" in str(error) or "ERR_ABORTED" in str(error)  # noqa: PT017
    return page.title() == RAN or any(RAN in asked for asked in page.asked)


@in_a_browser
@pytest.mark.parametrize("name", ["evil.html", "evil.svg", "evil.xhtml"])
def test_the_files_run_script_where_they_are_served_as_pages(name: str, page: Any, url: str) -> None:
    kind = {"html": "text/html", "svg": "image/svg+xml", "xhtml": "application/xhtml+xml"}[name.split(".")[-1]]
    page.route("**/as-a-page", lambda route: route.fulfill(body=FILES[name], content_type=kind))
    assert opened(page, f"{url}/as-a-page")
    page.unroute("**/as-a-page")


@in_a_browser
@pytest.mark.parametrize("address", ADDRESSES + NOWHERE[:10])
def test_no_script_of_a_file_runs_in_a_browser(address: str, below: str, page: Any, url: str) -> None:
    assert not opened(page, url + below + address)


@in_a_browser
@pytest.mark.parametrize("where", ["files", "view", "nbconvert/html"])
def test_what_jupyter_itself_shows_of_a_file_reaches_nothing_of_formgraders(where: str, page: Any, url: str) -> None:
    name = "sums.ipynb" if where.startswith("nbconvert") else "evil.html"
    opened(page, f"{url}/{where}/autograded/anna/plain/{name}")
    assert not any(asked.endswith(f"/{RAN}") for asked in page.asked)  # asked for once the API has answered


# --- Over the page ---------------------------------------------------------------------------------------------------

UNDER = """() => [...document.querySelectorAll(
  'input.score, .scoring-buttons button, textarea.comment, .navbar a, .panel-title, .nbgrader-label')].filter(one => {
    one.scrollIntoView({block: 'center'});
    const box = one.getBoundingClientRect();
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return box.width && top && top.closest(`a[href*="evil-ran"]`);
  }).map(one => one.outerHTML)"""


@pytest.fixture
def marked(page: Any, url: str, below: str) -> Any:
    page.asked.clear()
    page.goto(f"{url}{below}/")
    page.wait_for_selector("input.score")
    return page


@in_a_browser
def test_nothing_lies_over_what_a_person_marks_with(marked: Any) -> None:
    assert marked.locator(f"a[href*='{RAN}']").count() >= len(OVER)  # they are there
    assert marked.evaluate(UNDER) == []


@in_a_browser
def test_a_link_to_script_that_is_disguised_runs_none(marked: Any) -> None:
    marked.asked.clear()
    marked.locator("a:text-is('disguised')").click()
    marked.wait_for_load_state("networkidle")
    assert not any(asked.endswith((f"/{RAN}", f"/{RAN}-at-once")) for asked in marked.asked)


@in_a_browser
@pytest.mark.parametrize("place", [0, 3, 4])
def test_what_lies_over_the_page_is_seen(place: int, marked: Any) -> None:
    marked.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", OVER[place])
    assert marked.evaluate(UNDER) != []


@in_a_browser
@pytest.mark.parametrize("box", [".text_cell_render", ".output_subarea", ".input_area"])
@pytest.mark.parametrize(
    "look",
    [
        "position:fixed;inset:0;z-index:9999",
        "position:absolute;top:-3000px;left:-999px;width:9999px;height:9999px",
        "display:block;margin:-3000px;padding:3000px;position:relative;z-index:9",
        "display:inline-block;transform:scale(500)",
    ],
)
def test_whatever_a_formula_or_a_rule_makes_of_a_cell_it_is_seen_and_clicked_in_its_own_box_alone(
    box: str, look: str, marked: Any
) -> None:
    put = "([at, html]) => document.querySelector(at).insertAdjacentHTML('beforeend', html)"
    marked.evaluate(put, [box, f"<a style='{look}' href='{OVERLAY}'>x</a>"])
    assert marked.evaluate(UNDER) == []


@in_a_browser
def test_a_click_on_a_score_box_reaches_it(marked: Any) -> None:
    marked.locator("input.score").first.click(timeout=10_000)
    assert marked.evaluate("document.activeElement.className").startswith("score")
    assert not any(RAN in asked for asked in marked.asked)


LOOK = """([tags, classes]) => {
  const found = [];
  const moved = look => {
    const margins = ['Top', 'Left', 'Right', 'Bottom'].map(side => parseFloat(look['margin' + side]));
    const edges = [look.top, look.left, look.right, look.bottom];
    if (!['static', 'relative'].includes(look.position) || look.float !== 'none' || look.transform !== 'none' ||
        look.zIndex !== 'auto' || look.opacity !== '1' || margins.some(margin => margin < 0) ||
        edges.some(edge => !['auto', '0px'].includes(edge)))
      return [look.position, look.float, look.transform, look.zIndex, look.opacity, ...margins, ...edges].join(' ');
    return '';
  };
  for (const at of ['.output_area', '.text_cell_render', '#marking-there']) for (const tag of tags) for (const name of classes) {
    const place = document.querySelector(at), one = document.createElement(tag);
    const bare = document.createElement(tag);
    one.className = name;
    place.append(one, bare);
    for (const part of [null, '::before', '::after']) {
      const look = getComputedStyle(one, part), plain = getComputedStyle(bare, part);
      if (part && ['none', 'normal'].includes(look.content)) continue;
      if (moved(look) && moved(look) !== moved(plain)) found.push([at, tag, name, part, moved(look)].join(' '));
    }
    one.remove();
    bare.remove();
  }
  return found;
}"""


def classes() -> list[str]:
    colours = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "default-inverse")
    numbered = [f"ansi-{colour}{more}" for colour in colours for more in ("-fg", "-bg", "-intense-fg", "-intense-bg")]
    return ["", *sorted(CLASSES), *numbered, "ansi-bold", "ansi-underline", "level0", "row0", "col0", " ".join(CLASSES)]


def with_our_styles(page: Any) -> None:
    """Adds what a page of this assignment loads, and a place as beside an answer."""
    page.add_style_tag(content=(STATIC / "marking.css").read_text())
    html = "<div class='marking marking-answer'><div class='marking-output' id='marking-there'></div></div>"
    page.evaluate("html => document.querySelector('#notebook-container').insertAdjacentHTML('beforeend', html)", html)


@in_a_browser
def test_no_class_that_may_stay_moves_an_element(marked: Any) -> None:
    with_our_styles(marked)
    assert marked.evaluate(LOOK, [sorted(TAGS), classes()]) == []


@in_a_browser
@pytest.mark.parametrize(
    "name", ["modal-backdrop", "navbar-fixed-top", "pull-right", "affix", "row", "help", "save-icon"]
)
def test_a_class_that_moves_an_element_is_seen_and_may_not_stay(name: str, marked: Any) -> None:
    with_our_styles(marked)
    assert name not in CLASSES
    assert marked.evaluate(LOOK, [["div"], [name]]) != []


@in_a_browser
def test_nothing_in_feedback_moves_an_element(page: Any) -> None:
    style = re.search(r"<style>(.*?)</style>", (TEMPLATES / "feedback_page.html.j2").read_text(), re.DOTALL)
    assert style is not None
    page.set_content(
        f"<style>{style[1]}</style><div class='html output_area text_cell_render' id='marking-there'></div>"
    )
    assert page.evaluate(LOOK, [sorted(TAGS), ["", "wide"]]) == []
