"""The steps of `nbgrader autograde` before executing: marks, kernelspec and locked text are once more as in the gradebook.

They are nbgrader's own; for an assignment of ours they take what the gradebook has from the run (`run_gradebook.py`) and not
cell by cell from the database.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from nbformat import NotebookNode
from nbgrader.nbgraderformat import MetadataValidator, ValidationError
from nbgrader.preprocessors import (
    CheckCellMetadata,
    DeduplicateIds,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
)

from autograder.plugins.course import Resources
from autograder.plugins.run_gradebook import gradebook_of


class DropDuplicates(DeduplicateIds):  # type: ignore[misc]
    """nbgrader's own step, without the empty metadata that it leaves and that its next step takes for an old format."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        nb, resources = super().preprocess(nb, resources)
        for cell in nb.cells if gradebook_of(resources) else ():
            if cell.metadata.get("nbgrader") == {}:
                del cell.metadata["nbgrader"]
        return nb, resources


class RestoreKernelspec(OverwriteKernelspec):  # type: ignore[misc]
    """Gives the notebook the kernelspec that the gradebook has."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        gradebook = gradebook_of(resources)
        if gradebook is None:
            return super().preprocess(nb, resources)  # type: ignore[no-any-return]
        kernelspec = gradebook.source(resources["nbgrader"]["notebook"]).kernelspec
        if kernelspec:
            nb.metadata["kernelspec"] = copy.deepcopy(kernelspec)
        return nb, resources


class RestoreCells(OverwriteCells):  # type: ignore[misc]
    """Holds the marks of each cell, and the text of a locked one, against the gradebook."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        gradebook, names = gradebook_of(resources), resources["nbgrader"]
        if gradebook is None or self.add_missing_cells:
            return super().preprocess(nb, resources)  # type: ignore[no-any-return]
        self.notebook_id, self.assignment_id = names["notebook"], names["assignment"]
        self.gradebook = gradebook.source(names["notebook"])
        return NbGraderPreprocessor.preprocess(self, nb, resources)  # type: ignore[no-any-return]


class CheckMarks(CheckCellMetadata):  # type: ignore[misc]
    """nbgrader's own step; of a notebook of ours, marks that have been found right are not looked at again."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._validator = MarksValidator()

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        if gradebook_of(resources) is None:
            return super().preprocess(nb, resources)  # type: ignore[no-any-return]
        try:
            self._validator.validate_nb(nb)
        except ValidationError:
            return super().preprocess(nb, resources)  # type: ignore[no-any-return]  # says what is wrong
        return nb, resources


class MarksValidator(MetadataValidator):  # type: ignore[misc]
    """nbgrader's validator, which checks its own schema anew for each cell; here equal marks are checked once."""

    def __init__(self) -> None:
        super().__init__()
        self._right: set[str] = set()

    def validate_cell(self, cell: NotebookNode) -> None:
        marks = json.dumps([cell.cell_type, cell.metadata.get("nbgrader")], sort_keys=True)
        if marks not in self._right:
            super().validate_cell(cell)
            self._right.add(marks)
