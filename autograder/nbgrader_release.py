"""What `nbgrader generate_assignment` does with the source notebooks: thin preprocessors around `authoring.py`.

FillProfile, SelectLanguage and CheckContract come first in the list, FreezeProfile last. See `nbgrader_config.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

from . import authoring
from .profile import FROZEN_NAME, Profile, load


class _WithProfile(NbGraderPreprocessor):  # type: ignore[misc]
    """A step that needs the profile of the release being made."""

    profile = Unicode("course.toml", help="The profile to release with, relative to the course directory.").tag(
        config=True
    )

    def loaded(self) -> Profile:
        return load(course_root(self) / self.profile)


class FillProfile(_WithProfile):
    """Leaves out the cells of tasks not in use, repeats those of each temperature, and fills in the profile's values."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        return authoring.fill(nb, self.loaded()), resources


class SelectLanguage(_WithProfile):
    """Keeps the text in the profile's language."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        return authoring.select_language(nb, self.loaded().course.language), resources


class CheckContract(_WithProfile):
    """Refuses a release whose notebooks, all together, do not keep to the contract."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        profile, coursedir = self.loaded(), self.parent.parent.coursedir
        folder = coursedir.format_path(coursedir.source_directory, ".", resources["nbgrader"]["assignment"])
        filled = {
            path.stem: authoring.fill(nbformat.read(path, as_version=4), profile)
            for path in sorted((course_root(self) / folder).glob("*.ipynb"))
        }
        language = profile.course.language
        authoring.check_contract({k: authoring.select_language(v, language) for k, v in filled.items()}, profile)
        return nb, resources


class FreezeProfile(_WithProfile):
    """Puts the profile, frozen, beside the released notebooks and into their metadata."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        text = self.loaded().freeze().to_json()
        nb.metadata["autograder"] = {"profile": json.loads(text)}
        resources.setdefault("outputs", {})[FROZEN_NAME] = text.encode()
        return nb, resources


def course_root(preprocessor: Any) -> Path:
    """The course directory of the nbgrader converter that runs this preprocessor."""
    return Path(preprocessor.parent.parent.coursedir.root)
