"""What the documentation says of the code, compared with the code."""

from __future__ import annotations

import re
import tomllib

import draw_architecture
import write_licences
from conftest import ROOT

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/*/*.md")]


def test_the_picture_of_the_architecture_shows_what_the_code_imports() -> None:
    message = "run `python docs/draw_architecture.py` and commit the picture"
    assert draw_architecture.drawn() == draw_architecture.facts(), message


def test_the_table_of_licences_is_what_the_installed_packages_say() -> None:
    _, written, _ = write_licences.parts(write_licences.PAGE.read_text(encoding="utf-8"))
    assert written.strip() == write_licences.tables().strip(), "run `python docs/write_licences.py` and commit the page"


def test_the_changelog_begins_with_the_version() -> None:
    assert re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[0] == VERSION


def test_links_between_pages_lead_to_files() -> None:
    targets = [(page, to) for page in PAGES for to in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))]
    assert not [f"{page.name}: {to}" for page, to in targets if "://" not in to and not (page.parent / to).exists()]


def test_every_folder_says_which_process_runs_it_what_it_imports_and_who_can_read_it() -> None:
    pages = [path for package in ("autograder", "trials") for path in (ROOT / package).glob("**/__init__.py")]
    silent = [
        path for path in pages if path.parent.name != "autograder" and not says_where_it_belongs(path.read_text())
    ]
    assert not silent


def says_where_it_belongs(text: str) -> bool:
    return all(re.search(rf"^{words}: ", text, re.MULTILINE) for words in ("Runs in", "Imports", "Read by students"))
