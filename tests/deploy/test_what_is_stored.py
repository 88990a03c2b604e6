"""What students are told of what is stored: a page of the hub's, made of docs/privacy.md."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
from conftest import ROOT


def hub_prepare() -> ModuleType:
    """`deploy/jupyterhub/prepare.py`, which is a script."""
    path = ROOT / "deploy" / "jupyterhub" / "prepare.py"
    spec = importlib.util.spec_from_file_location("hub_prepare", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def prepare() -> ModuleType:
    return hub_prepare()


def page(prepare: ModuleType, language: str) -> str:
    return str(prepare.privacy_page(prepare.PRIVACY.read_text(encoding="utf-8"), language))


@pytest.mark.parametrize(("language", "other"), [("nb", "en"), ("en", "nb")])
def test_the_page_is_in_both_languages_the_courses_first(prepare: ModuleType, language: str, other: str) -> None:
    text = page(prepare, language)
    assert text.index(f'<section lang="{language}">') < text.index(f'<section lang="{other}">')
    assert f'<html lang="{language}">' in text


@pytest.mark.parametrize("said", ["Et menneske kan overprøve maskinen", "A person can overrule the machine", "<table>"])
def test_the_page_says_that_a_person_can_overrule_and_for_how_long_things_are_kept(
    prepare: ModuleType, said: str
) -> None:
    assert said in page(prepare, "nb")


def test_how_the_course_deletes_is_not_the_students_business(prepare: ModuleType) -> None:
    assert "rm -rf" not in page(prepare, "nb")
