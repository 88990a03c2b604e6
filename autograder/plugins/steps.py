"""What a course's settings consist of: our steps among nbgrader's, and our classes in place of its own.

Whole lists are assigned, since nbgrader executes a configuration file up to three times. Nothing is set here that other
assignments of the course would notice: our steps stand where nbgrader's do, and ask `is_ours`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nbconvert.preprocessors import ClearMetadataPreprocessor, CSSHTMLHeaderPreprocessor
from nbgrader.apps.baseapp import NbGrader
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ComputeChecksums,
    GetGrades,
    IgnorePattern,
    IncludeHeaderFooter,
    InstantiateTests,
    LimitOutput,
    LockCells,
    SaveCells,
)

from autograder.course.profile import Profile
from autograder.pages.sanitize import FILTERS
from autograder.plugins import autograde as nbgrader_autograde
from autograder.plugins import formgrader as nbgrader_formgrader
from autograder.plugins.exchange import configure_exchange
from autograder.plugins.feedback import FeedbackExporter, FeedbackPage
from autograder.plugins.judge import GradeExecute, Judge, LatePenalties, SaveVerdicts
from autograder.plugins.release import CheckContract, FillProfile, FreezeProfile, SaveDeadline, Stubs
from autograder.plugins.restore import CheckMarks, DropDuplicates, RestoreCells, RestoreKernelspec
from autograder.plugins.settled import OnlySettled, SettledExport
from autograder.words.terminal import Formatter


def configure_course(c: Any, root: Path, path: Path, profile: Profile) -> None:
    """Sets up nbgrader for a course.

    Args:
        path: of the profile, from the course directory.
    """
    nbgrader_autograde.install()
    language = profile.course.language
    configure_exchange(c, language)
    NbGrader._log_formatter_cls = Formatter  # of a log file; that of the terminal has been made already
    c.Application.logging_config = {
        "formatters": {"console": {"class": f"{Formatter.__module__}.{Formatter.__name__}"}}
    }
    c.CourseDirectory.root = str(root)
    c.CourseDirectory.course_id = profile.course.id
    for step in (FillProfile, CheckContract, SaveDeadline, FreezeProfile):
        c[step.__name__].profile = str(path)
    c.Stubs.language = language
    configure_steps(c)
    c.GradeSubmissions.isolation = profile.limits.isolation  # this machine's, and so not the frozen profile's
    c.GradeSubmissions.echo = os.environ.get("AUTOGRADER_ECHO", "") not in ("", "0")
    c.GradeSubmissions.verify = os.environ.get("AUTOGRADER_VERIFY", "") not in ("", "0")
    c.GradeSubmissions.reuse = os.environ.get("AUTOGRADER_FORCE", "") in ("", "0")
    c.HTMLExporter.sanitize_html = True
    c.HTMLExporter.filters = dict(FILTERS)
    nbgrader_formgrader.install(c)
    c.ExportApp.plugin_class = SettledExport


def configure_steps(c: Any) -> None:
    """Puts our steps among nbgrader's, in the order in which they need each other."""
    c.GenerateAssignment.preprocessors = [
        FillProfile, CheckContract, IncludeHeaderFooter, InstantiateTests, LockCells, Stubs, ClearOutput, CheckCellMetadata,
        ComputeChecksums, SaveCells, ClearHiddenTests, ClearMarkScheme, ComputeChecksums, CheckCellMetadata, SaveDeadline,
        FreezeProfile,
    ]  # fmt: skip
    c.Autograde.sanitize_preprocessors = [
        ClearOutput, DropDuplicates, RestoreKernelspec, RestoreCells, CheckMarks,
    ]  # fmt: skip
    c.Autograde.autograde_preprocessors = [
        GradeExecute, Judge, IgnorePattern, ClearMetadataPreprocessor, LimitOutput, SaveVerdicts,
        LatePenalties, CheckMarks,
    ]  # fmt: skip
    c.GenerateFeedback.preprocessors = [OnlySettled, GetGrades, FeedbackPage, CSSHTMLHeaderPreprocessor]
    c.GenerateFeedback.exporter_class = FeedbackExporter
