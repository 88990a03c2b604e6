"""The step of `nbgrader autograde` that stands where nbgrader executes: the outputs of an execution go into the notebook.

An assignment of ours has been executed by then (`grading_run.py`); any other is executed here, by nbgrader's own code.
"""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import Execute

from autograder.errors import NotReady
from autograder.plugins.course import Resources, frozen_profile, grading_of


class GradeExecute(Execute):  # type: ignore[misc]
    """Writes the outputs of the notebook's execution into it.

    Raises NotReady for an assignment of ours that has not been executed: it runs in its jail, or not at all.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources, km: Any = None) -> tuple[NotebookNode, Resources]:
        grading = grading_of(resources)
        if grading is None:
            if frozen_profile(self, resources) is not None:
                raise NotReady("An assignment of this kit's is graded by `nbgrader autograde`, or in Formgrader.")
            return super().preprocess(nb, resources, km)  # type: ignore[no-any-return]
        if grading.execution.again:
            self.log.info("This code has been executed before: its outputs are used again")
        grading.execution.write_into(nb)
        return nb, resources
