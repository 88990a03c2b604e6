"""What travels: a notebook to a worker as JSON with the files beside it, and what running it gave back as JSON.

Letters that are half of a pair occur in notebooks and in outputs; JSON's own escapes let them through.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote

from nbformat import NotebookNode, from_dict
from pydantic import BaseModel, ConfigDict

from autograder.course.profile import Profile
from autograder.grading.executions import Execution, kit_digest
from autograder.grading.model_home import snapshots
from autograder.grading.notebook_runs import RunSettings
from autograder.grading.view import View, sha256

NAMES = "surrogateescape"
"""How Python holds names of files that are no text; in a parcel they are quoted."""

PACKAGES = ("torch", "transformers", "tokenizers", "langchain-core", "langchain-huggingface", "langchain-community")
"""Packages on whose versions it depends what a notebook comes to."""


class Parcel(BaseModel):
    """A notebook that is to be run, without its files.

    Attributes:
        notebook: its name, and `nb` the sanitized notebook.
        profile: the frozen one, as JSON.
        kit: digest of the package that sends it.
        versions: those that the sender has, by name.
        models: the sizes of each model's files, by name.
        shared: files of its folder that are in a shared one: by their quoted path the one there, named by its SHA-256.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    assignment: str
    notebook: str
    nb: str
    profile: str
    settings: RunSettings
    kit: str
    versions: dict[str, str]
    models: dict[str, dict[str, int]]
    shared: dict[str, str]

    def view(self, files: Mapping[str, bytes]) -> View:
        """What its kernel finds in its folder. Raises OSError where a shared file is not what it was.

        Args:
            files: those that came with it.
        """
        for path in map(Path, self.shared.values()):
            if sha256(path) != path.name:
                raise OSError(f"{path} has changed on its way")
        theirs = {unquote(path, errors=NAMES): Path(there) for path, there in self.shared.items()}
        every: dict[str, bytes | Path] = {**files, **theirs}
        return View(self.notebook, dict(sorted(every.items())))

    def notebook_node(self) -> NotebookNode:
        return from_dict(json.loads(self.nb))


class Answer(BaseModel):
    """What a worker says.

    Attributes:
        worker: its address; empty where it is not known who was to run the notebook.
        execution: what running gave.
        refused: why this worker can run none of these notebooks.
        failed: why it could not run this one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    worker: str
    execution: Execution | None = None
    refused: str = ""
    failed: str = ""

    def packed(self) -> bytes:
        return json.dumps(self.model_dump(mode="json")).encode()

    @classmethod
    def unpacked(cls, told: bytes) -> Self:
        return cls.model_validate(json.loads(told))


@dataclass(frozen=True)
class Sender:
    """Makes parcels of one assignment's notebooks.

    Args:
        shared: a folder that the workers see under the same path; None where files travel with each notebook.
    """

    assignment: str
    profile: Profile
    settings: RunSettings
    shared: Path | None

    def parcel(self, nb: NotebookNode, view: View) -> tuple[bytes, dict[str, bytes]]:
        """A packed parcel, and the files that go with it. Raises OSError where the shared folder cannot take one."""
        files: dict[str, bytes] = {}
        shared: dict[str, str] = {}
        for path, content in view.files.items():
            if isinstance(content, bytes):
                files[path] = content
            elif self.shared is None:
                files[path] = content.read_bytes()
            else:
                shared[quote(path, errors=NAMES)] = str(placed(content.read_bytes(), sha256(content), self.shared))
        made = Parcel(
            assignment=self.assignment, notebook=view.notebook, nb=json.dumps(nb), profile=self.profile.to_json(),
            settings=self.settings, kit=kit_digest(), versions=versions(), models=sizes(self.profile), shared=shared,
        )  # fmt: skip
        return made.model_dump_json().encode(), files


def placed(content: bytes, name: str, folder: Path) -> Path:
    """Where a file is in a shared folder; it is put there once, whole."""
    there = folder / name
    if not there.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = folder / f".{name}.{os.getpid()}.{os.urandom(4).hex()}"
        aside.write_bytes(content)
        aside.replace(there)
    return there


@functools.cache
def versions() -> dict[str, str]:
    """Of Python and of what answers depend on. How a release has been built, as for a GPU, may differ."""
    found = {name: importlib.metadata.version(name).partition("+")[0] for name in PACKAGES}
    return {"Python": ".".join(platform.python_version_tuple()[:2]), **found}


def sizes(profile: Profile) -> dict[str, dict[str, int]]:
    """The bytes of each file of the models in use, by model and file: a worker must have the same."""
    found = snapshots(profile)
    return {name: {path.name: path.stat().st_size for path in sorted(at.iterdir())} for name, at in found.items()}
