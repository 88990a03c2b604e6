"""What `nbgrader generate_assignment` does with the source notebooks: thin preprocessors around `release/`.

FillProfile and CheckContract come first in the list, SaveDeadline and FreezeProfile last (`plugins/steps.py`). Each leaves a
source that is not ours (`is_ours`) as it is.
"""

from __future__ import annotations

import json

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import ClearSolutions, NbGraderPreprocessor
from traitlets import Unicode

from autograder.course.profile import FROZEN_NAME, Profile
from autograder.grading.released import MARK
from autograder.judging.contract import load
from autograder.plugins.course import Resources, course_root, coursedir_of, source_folder, source_is_ours
from autograder.plugins.deadlines import put_due
from autograder.release import authoring
from autograder.release.contract_check import check_contract

CODE_STUB = {"nb": "# Skriv koden din her", "en": "# Write your code here"}
TEXT_STUB = {"nb": "Skriv svaret ditt her.", "en": "Write your answer here."}


class _WithProfile(NbGraderPreprocessor):  # type: ignore[misc]
    """A step that needs the profile of the release being made."""

    profile = Unicode("course.toml", help="The profile to release with, relative to the course directory.").tag(
        config=True
    )

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        return (self.made(nb, resources) if source_is_ours(self, resources) else nb), resources

    def made(self, nb: NotebookNode, resources: Resources) -> NotebookNode:
        """The notebook that the step makes of one of ours."""
        raise NotImplementedError

    def loaded(self) -> Profile:
        return load(course_root(self) / self.profile)


class FillProfile(_WithProfile):
    """Makes the source what the profile says: its tasks, its values, its language."""

    def made(self, nb: NotebookNode, resources: Resources) -> NotebookNode:
        return authoring.for_profile(nb, self.loaded())


class CheckContract(_WithProfile):
    """Refuses a release whose notebooks, all together, do not keep to the contract."""

    def made(self, nb: NotebookNode, resources: Resources) -> NotebookNode:
        profile = self.loaded()
        paths = sorted(source_folder(self, resources).glob("*.ipynb"))
        read = {path.stem: nbformat.read(path, as_version=4) for path in paths}
        check_contract({name: authoring.for_profile(each, profile) for name, each in read.items()}, profile)
        return nb


class Stubs(ClearSolutions):  # type: ignore[misc]
    """nbgrader's own step, with what stands in place of a solution in the course's language, where it is one of ours."""

    language = Unicode("en", help="The course's language: nb or en.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        if source_is_ours(self, resources):
            self.code_stub, self.text_stub = {"python": CODE_STUB[self.language]}, TEXT_STUB[self.language]
        return super().preprocess(nb, resources)  # type: ignore[no-any-return]


class SaveDeadline(_WithProfile):
    """Puts the profile's deadline into the gradebook, where nbgrader, Formgrader and collecting look for it."""

    def made(self, nb: NotebookNode, resources: Resources) -> NotebookNode:
        due, names = self.loaded().course.deadline, resources["nbgrader"]
        if due is None or self.parent.parent.no_database:
            return nb
        with Gradebook(names["db_url"], coursedir_of(self).course_id) as gradebook:
            before = put_due(gradebook, names["assignment"], due)
        if before is not None:
            self.log.warning("The deadline is now %s, as in the profile; the gradebook had %s", due, before)
        return nb


class FreezeProfile(_WithProfile):
    """Puts the profile, frozen, beside the released notebooks and into their metadata."""

    def made(self, nb: NotebookNode, resources: Resources) -> NotebookNode:
        text = self.loaded().freeze().to_json()
        nb.metadata[MARK] = {"profile": json.loads(text)}
        resources.setdefault("outputs", {})[FROZEN_NAME] = text.encode()
        return nb
