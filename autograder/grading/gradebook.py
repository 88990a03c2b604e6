"""The gradebook and the disk, as far as a run must be able to write them: tried before anything is graded."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError

from autograder.errors import NotReady

ROOM = 50 * 10**6
"""Bytes that must be free before a run begins."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
NEXT = "What has been graded is kept; run it again when that is settled, and it goes on with the rest."


def refuse_closed(db_url: str, folders: list[Path]) -> None:
    """Raises NotReady where the gradebook or a folder cannot be written. Changes nothing.

    Args:
        db_url: as nbgrader has it.
        folders: of the course, where a run writes; they need not exist.
    """
    engine = _engine(db_url)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.execute(text("BEGIN IMMEDIATE"))
                connection.execute(text("CREATE TABLE autograder_was_here (x)"))  # taken back at once
            connection.rollback()
    except DatabaseError as error:
        raise NotReady(in_words(error, db_url)) from error
    finally:
        engine.dispose()
    for folder in folders:
        at = next(path for path in (folder, *folder.parents) if path.exists())
        try:
            probe = at / ".autograder-can-write"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise NotReady(in_words(error, str(at))) from error
        free = shutil.disk_usage(at).free
        if free < ROOM:
            raise NotReady(f"{at}: only {free / 1e6:.0f} MB are free; grading needs {ROOM / 1e6:.0f} at least. {NEXT}")


def _engine(db_url: str) -> Engine:
    """An engine for the gradebook. Raises NotReady where the address is none, or what it takes is not installed."""
    try:
        return create_engine(db_url)
    except ArgumentError as error:
        raise NotReady(
            f"c.CourseDirectory.db_url = {without_password(db_url)!r} cannot be understood ({error}). Valid is, for example, "
            "'sqlite:////srv/course/gradebook.db' or 'postgresql+psycopg://USER@HOST/DATABASE'."
        ) from None
    except ModuleNotFoundError as error:
        raise NotReady(
            f"The gradebook {without_password(db_url)} needs the Python package {error.name!r}, which is not installed here. For "
            "postgresql+psycopg:// that is `pip install 'psycopg[binary]'`."
        ) from None


def without_password(where: str) -> str:
    """An address of a gradebook as it may stand in a log; anything else as it is."""
    try:
        return str(make_url(where).render_as_string(hide_password=True))
    except ArgumentError:
        return where


def is_the_courses(error: BaseException) -> bool:
    """Whether an error is the course's own (gradebook, disk), so that every other submission would meet it too."""
    return isinstance(error, DatabaseError) or (isinstance(error, OSError) and error.errno in (*FULL, errno.EROFS))


def in_words(error: BaseException, where: str) -> str:
    """What is wrong with the gradebook or a folder, and what to do."""
    said, where = str(getattr(error, "orig", None) or error).strip(), without_password(where)
    number = error.errno if isinstance(error, OSError) else None
    if "locked" in said:
        return f"The gradebook {where} is locked: another program is writing to it (Formgrader, another run, a backup). {NEXT}"
    if "readonly" in said or number in CLOSED:
        return f"{where} cannot be written: {said}. Its permissions, or the disk's, do not let this user write. {NEXT}"
    if "full" in said or number in FULL:
        return f"The disk is full ({where}: {said}). {NEXT}"
    if "connection" in said:
        needs = "Its server must run, have this database, and let this user in."
        return f"The gradebook {where} cannot be reached: {said}. {needs} {NEXT}"
    return f"{where} cannot be used: {said}. {NEXT}"
