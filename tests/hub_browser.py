"""What a person does in a hub's pages, for `deploy/test_hub.py`: waits for what is to be seen, and never for a time."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
MENU, ENTRY = ".lm-MenuBar-itemLabel:text-is('{}')", ".lm-Menu-itemLabel:text-is('{}')"
STUB = re.compile("Skriv koden din her|Skriv svaret ditt her")
VIEW = "#submitted_assignments_list a:has-text('view feedback')"
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"


def needs(**packages: str) -> pytest.MarkDecorator:
    """Skips a test where Chromium, Playwright or one of these packages is not there: module and what to install."""
    wanted = {"playwright": "pip install playwright", **packages}
    missing = [f"no {name}: {how}" for name, how in wanted.items() if importlib.util.find_spec(name) is None]
    missing += [] if CHROMIUM.exists() else ["no Chromium: apt-get install chromium"]
    return pytest.mark.skipif(bool(missing), reason="; ".join(missing) or "all there")


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        one = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            yield one
        finally:
            one.close()


class Person:
    """Somebody at a browser of their own.

    Args:
        shots: a folder for pictures of the screen.
    """

    def __init__(self, started: Any, url: str, name: str, password: str, shots: Path) -> None:
        self.url, self.name, self.password, self.shots = url, name, password, shots
        self.context = started.new_context(viewport={"width": 1360, "height": 900}, base_url=url)
        self.context.set_default_timeout(180_000)  # beside other tests, on two cores
        self.page = self.context.new_page()

    def picture(self, name: str) -> None:
        self.page.screenshot(path=self.shots / f"{name}.png", animations="disabled")

    def log_in(self) -> None:
        self.page.goto(f"{self.url}/hub/login")
        self.page.fill("#username_input", self.name)
        self.page.fill("#password_input", self.password)
        self.page.click("#login_submit")
        self.wait_for_lab()

    def wait_for_lab(self) -> None:
        """Waits for JupyterLab with nbgrader's menu; loads its page again where that does not come, as a person would."""
        from playwright.sync_api import TimeoutError as NotSeen

        self.page.wait_for_url("**/lab*", timeout=300_000)  # the server has started
        for _ in range(3):
            with suppress(NotSeen):
                self.page.wait_for_selector(MENU.format("Nbgrader"), timeout=100_000)
                return
            self.page.reload()
        self.page.wait_for_selector(MENU.format("Nbgrader"))

    def open_menu(self) -> None:
        """Opens the menu Nbgrader, until it stays: each entry that nbgrader adds while the page starts closes it."""
        from playwright.sync_api import TimeoutError as NotSeen

        entry = self.page.locator(ENTRY.format("Assignment List"))
        for _ in range(20):
            self.page.click(MENU.format("Nbgrader"))
            try:
                entry.wait_for(timeout=3000)
                return
            except NotSeen:
                self.page.keyboard.press("Escape")
        raise AssertionError("nbgrader's menu never offers the list of assignments")

    def menu(self) -> list[str]:
        """What the menu Nbgrader offers."""
        self.open_menu()
        entries = [text for text in self.page.locator(".lm-Menu-itemLabel").all_inner_texts() if text]
        self.page.keyboard.press("Escape")
        return entries

    def status(self, address: str) -> int:
        """What is answered to a request for a page, as this person, after all redirections."""
        page = self.context.new_page()
        answer = page.goto(address)
        page.close()
        return int(answer.status)

    def headers(self, address: str) -> dict[str, str]:
        """What comes with the answer to a request for a page, as this person."""
        page = self.context.new_page()
        answer = page.goto(address)
        page.close()
        return dict(answer.headers)

    # --- A student ---

    def assignments(self) -> None:
        """Opens the list of assignments."""
        self.open_menu()
        self.page.click(ENTRY.format("Assignment List"))

    def fetch(self) -> None:
        self.page.click("#released_assignments_list button:text-is('Fetch')")
        self.page.wait_for_selector("#fetched_assignments_list button:text-is('Submit')")

    def submit(self) -> None:
        self.page.click("#fetched_assignments_list button:text-is('Submit')")
        self.page.wait_for_selector("#submitted_assignments_list .list_item, #submitted_assignments_list a")

    def open_notebook(self, name: str) -> None:
        self.page.click("#fetched_assignments_list a.assignment-notebooks-link")
        self.page.click(f"#fetched_assignments_list .nested_list_item a:text-is('{name}')")
        self.page.wait_for_selector(f"{PANEL} .jp-CodeCell .cm-content")
        self.page.wait_for_selector(f"{PANEL} .jp-Notebook-ExecutionIndicator[data-status='idle']")

    def cell(self, text: str) -> Any:
        """The first code cell that holds a text."""
        return self.page.locator(f"{PANEL} .jp-CodeCell", has_text=text).first

    def below(self, heading: str) -> Any:
        """The first cell to be filled in after the one with a heading."""
        cells = self.page.locator(f"{PANEL} .jp-Cell")
        texts = cells.all_text_contents()  # inner text leaves out what is off the screen
        start = next(place for place, text in enumerate(texts) if heading in text)
        stub = next(place for place, text in enumerate(texts) if place > start and STUB.search(text))
        return cells.nth(stub)

    def write(self, cell: Any, text: str) -> None:
        """Writes over what stands in a cell."""
        cell.scroll_into_view_if_needed()
        if "jp-MarkdownCell" in (cell.get_attribute("class") or ""):
            cell.dblclick()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def run(self, cell: Any) -> None:
        """Runs a cell, and waits until it has."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        cell.locator(".jp-InputPrompt:has-text('*')").wait_for(state="detached")

    def save(self) -> None:
        """Saves, and waits until it has been: JupyterLab takes another save meanwhile for somebody else's change."""
        with self.page.expect_response(lambda r: urlsplit(r.url).path.endswith("/checkpoints") and r.status == 201):
            self.page.keyboard.press("Control+s")

    def validate(self, picture: str) -> str:
        """What Validate says of the notebook that is open."""
        self.page.click(f"{PANEL} .validate-button")
        dialog = self.page.locator(".jp-Dialog")
        dialog.locator("text=/Validation|Success|passes all/i").first.wait_for()
        said: str = dialog.inner_text()
        self.picture(picture)
        dialog.locator("button.jp-mod-accept").last.click()
        return said

    def fetch_feedback(self, count: int) -> None:
        """Presses *Fetch Feedback* in the list that is open until there is feedback on so many submissions."""
        for _ in range(1000):
            self.page.click("#submitted_assignments_list button:text-is('Fetch Feedback')")
            self.page.wait_for_selector("#submitted_assignments_list button:text-is('Fetch Feedback')")
            if self.page.locator(VIEW).count() >= count:
                return
        raise AssertionError("there never is any feedback")

    def feedback(self, notebook: str) -> str:
        """Fetches the feedback, opens a notebook's page, and answers what is to be read there."""
        self.assignments()
        self.page.click("#submitted_assignments_list button:text-is('Fetch Feedback')")
        return self.read_feedback(notebook, "feedback")

    def read_feedback(self, notebook: str, picture: str, folder: str = "") -> str:
        """Opens a notebook's page of the last feedback in the list that is open.

        Args:
            folder: where it has been fetched to, if there are several.
        """
        self.page.locator(VIEW).last.click()
        self.page.wait_for_selector(f".jp-BreadCrumbs:has-text('{folder}')")
        self.page.dblclick(f".jp-DirListing-itemText:has-text('{notebook}.html')")
        page = self.page.frame_locator(".jp-MainAreaWidget:not(.lm-mod-hidden) .jp-HTMLViewer iframe")
        page.locator("h1").first.wait_for()
        self.picture(picture)
        said: str = page.locator("body").inner_text()
        return said


class Formgrader:
    """An instructor at the grader's Formgrader.

    Args:
        at: its address.
    """

    def __init__(self, person: Person, at: str) -> None:
        self.person, self.page, self.at = person, person.page, at

    def open(self, page: str) -> None:
        self.page.goto(f"{self.at}/{page}")
        self.page.wait_for_selector("#main-table")

    def press(self, row: str, what: str, picture: str = "") -> str:
        """Presses what is in a column of a row, and answers what the dialog says when it is done."""
        self.page.click(f"#main-table tr:has-text('{row}') td.{what} a")
        dialog = self.page.locator(".modal.in")
        dialog.wait_for(timeout=180_000)
        said: str = dialog.inner_text()
        if picture:
            self.person.picture(picture)
        dialog.locator("button.close").last.click()
        dialog.wait_for(state="detached")
        return said

    def in_a_tab(self) -> str:
        """Opens Formgrader as a tab of the grader's JupyterLab, and answers what its table says."""
        self.page.goto(f"{self.at.removesuffix('/formgrader')}/lab?formgrader=true&reset")
        table = self.page.frame_locator("iframe").first.locator("#main-table")
        table.locator("td.name a").first.wait_for()
        self.person.picture("formgrader-tab")
        said: str = table.inner_text()
        return said

    def mark(self, assignment: str, notebook: str, answer: str, points: float, comment: str) -> None:
        """Finds an answer among the submissions, whose names are hidden, and gives it points and a comment."""
        self.page.goto(f"{self.at}/gradebook/{assignment}/{notebook}")
        links = self.page.locator("#main-table td.name a")
        links.first.wait_for()
        for at in [link.get_attribute("href") for link in links.all()]:
            self.page.goto(urljoin(self.at, at))
            self.page.wait_for_selector("input.score")
            cell = self.page.locator(".nbgrader_cell", has_text=answer)
            if cell.count():
                break
        for box, text, kind in (("input.score", f"{points:g}", "grade"), ("textarea.comment", comment, "comment")):
            with self.page.expect_response(lambda r, kind=kind: f"/api/{kind}/" in r.url and r.request.method == "PUT"):
                cell.locator(box).fill(text)
                cell.locator(box).press("Tab")
            # The page glides to the next box; a click in that time may miss what it is meant for.
            self.page.wait_for_function("jQuery(':animated').length === 0")
        self.person.picture("marked")

    def decide(self, check_id: str, points: str, reason: str) -> str:
        """Overrules the first criterion of a check on the page that is open, and answers what the page says then."""
        form = self.page.locator(f"#marking-{check_id} form").first
        self.page.locator(f"#marking-{check_id} summary").click()
        form.locator("[name=points]").fill(points)
        form.locator("[name=reason]").fill(reason)
        with self.page.expect_response(lambda r: r.url.endswith("/override")):
            form.locator("button").click()
        form.locator("output:not(:empty)").wait_for()
        self.person.picture("decided")
        said: str = form.locator("output").inner_text()
        return said
