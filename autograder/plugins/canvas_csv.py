"""The two files that Canvas and the course exchange: a roster that is read, and a gradebook that Canvas can import.

Pure: text in, text out. Canvas finds a student by `ID`, then `SIS User ID`, then `SIS Login ID`; a title that ends in an
assignment's id in brackets finds the assignment. (Rules: Canvas's own `lib/gradebook_importer.rb`.)
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autograder.course.profile import Language
from autograder.errors import RosterError
from autograder.words.render import number

COLUMNS = {
    "account": ("account", "username"),
    "id": ("ID", "Canvas ID"),
    "sis_user": ("SIS User ID",),
    "sis_login": ("SIS Login ID",),
    "name": ("Student", "name"),
    "section": ("Section",),
}
"""Columns of a roster and the names that each may have; capitals, spaces and signs in a name do not matter."""
VALID = "account, ID, SIS User ID, SIS Login ID, Student, Section"
SEPARATORS = ",;\t"
HEADER = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POINTS_POSSIBLE = "Points Possible"
TITLE_WITH_ID = re.compile(r".*\S \(\d+\)")
FORMULA = re.compile(r"[=+\-@＝＋－＠]")
"""How a text begins that spreadsheets take for a formula (OWASP, CSV injection)."""
SIGNED_NUMBER = re.compile(r"[+-]\d+")


@dataclass(frozen=True)
class Enrolled:
    """A student as Canvas knows them. At least one of `id`, `sis_user` and `sis_login` is there."""

    account: str
    id: str
    sis_user: str
    sis_login: str
    name: str
    section: str
    line: int

    @property
    def ids(self) -> tuple[str, str, str]:
        return self.id, self.sis_user, self.sis_login


@dataclass(frozen=True)
class Roster:
    """What a roster says.

    Attributes:
        by_account: by the account that the course uses.
        unusable: rows that cannot be used, as `line 7 (Name): why`.
        titles: the assignments' columns, where the roster is a gradebook that Canvas has exported.
    """

    by_account: dict[str, Enrolled]
    unusable: tuple[str, ...]
    titles: tuple[str, ...]


def read_roster(data: bytes) -> Roster:
    """Reads a roster: a CSV file in UTF-8, separated by comma, semicolon or tab, its columns in any order.

    Raises RosterError, with the line and what is valid there, for a file that cannot be relied on.
    """
    rows = _rows(_decoded(data))
    first = next(rows, None)
    if first is None:
        raise RosterError(f"line 1: the file is empty. The first line names the columns: {VALID}.")
    places, titles = _places(first[1]), tuple(cell for cell in first[1] if TITLE_WITH_ID.fullmatch(cell))
    found: dict[str, Enrolled] = {}
    unusable = []
    for line, row in rows:
        one, problem = _enrolled(line, row, places)
        if problem:
            unusable.append(f"line {line} ({shown_name(one.name, one.account) or 'no name'}): {problem}")
        elif one.account or any(one.ids):
            _add(one, found)
    return Roster(found, tuple(unusable), titles)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RosterError(f"line {line}: the file is not in UTF-8. Save it as “CSV UTF-8”.") from None


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, their cells stripped, each with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    line = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise RosterError(
            f"line {line}: this is no CSV ({error}). A cell with a separator, a quotation mark or a line break in it "
            'stands in quotation marks, and a quotation mark within is doubled: "Kari ""Kaz"" Nordmann".'
        ) from None


def _separator(text: str) -> str:
    """The separator that gives the first line the most columns that are known."""
    first = text.lstrip().partition("\n")[0]
    return max(SEPARATORS, key=lambda separator: sum(_column(cell) is not None for cell in first.split(separator)))


def _column(title: str) -> str | None:
    return next((column for column, names in COLUMNS.items() if _bare(title) in map(_bare, names)), None)


def _bare(title: str) -> str:
    return "".join(character for character in title.casefold() if character.isalnum())


def _places(header: list[str]) -> dict[str, int]:
    """Where each column stands. Raises RosterError where that is not plain."""
    places: dict[str, int] = {}
    for place, title in enumerate(header):
        column = _column(title)
        if column in places:
            raise RosterError(f"line 1: two columns mean the same: {header[places[column]]!r} and {title!r}. Keep one.")
        if column:
            places[column] = place
    if not {"account", "sis_login"} & places.keys() or not {"id", "sis_user", "sis_login"} & places.keys():
        raise RosterError(
            f"line 1: the columns are {', '.join(map(repr, header[:12]))}. Valid: {VALID}, in any order; at least `account` "
            "(or `SIS Login ID`, which begins with it) and one of ID, SIS User ID, SIS Login ID."
        )
    return places


def _enrolled(line: int, row: list[str], places: dict[str, int]) -> tuple[Enrolled, str | None]:
    """A row's student, and why the row cannot be used, if it cannot. Raises RosterError where the file is to blame."""

    def cell(column: str) -> str:
        place = places.get(column, len(row))
        return row[place] if place < len(row) else ""

    login = cell("sis_login")
    account = cell("account") if "account" in places else login.partition("@")[0].lower()
    one = Enrolled(account, cell("id"), cell("sis_user"), login, cell("name"), cell("section"), line)
    if one.name.casefold() == POINTS_POSSIBLE.casefold() and not any(one.ids):  # of a gradebook from Canvas
        return one, None
    if one.id and not (one.id.isascii() and one.id.isdigit()):
        raise RosterError(f"line {line}: the ID is {one.id!r}. Valid: digits only, as Canvas exports it.")
    odd = next((text for text in one.ids if not _plain_id(text)), None)
    if odd is not None:
        return one, f"{odd!r} cannot be an id: a spreadsheet would take it for a formula, or it holds unseen characters"
    named = any((account, *one.ids, one.name))
    if named and not account:
        return one, "no account"
    return one, "no ID, SIS User ID or SIS Login ID" if named and not any(one.ids) else None


def _plain_id(text: str) -> bool:
    return text.isprintable() and (not FORMULA.match(text) or SIGNED_NUMBER.fullmatch(text) is not None)


def _add(one: Enrolled, found: dict[str, Enrolled]) -> None:
    """Notes a student. The same student in two sections may come twice; raises RosterError for anything else."""
    before = found.get(one.account)
    if before is not None and before.ids != one.ids:
        raise RosterError(
            f"line {one.line}: the account {one.account!r} stands on line {before.line} too, with other ids. Valid: each "
            "account once."
        )
    for other in found.values():
        shared = [mine for mine, theirs in zip(one.ids, other.ids, strict=True) if mine and mine == theirs]
        if other.account != one.account and shared:
            raise RosterError(
                f"line {one.line}: {shared[0]!r} is the id of {other.account!r} on line {other.line}, too. Valid: an id of "
                "each student's own."
            )
    found.setdefault(one.account, one)


def gradebook_file(
    title: str, points: float, scores: Sequence[tuple[Enrolled, float]], semicolons: bool = False
) -> str:
    """A gradebook of one assignment, as Canvas imports it. Every cell below the title holds a number, of two decimals at most.

    Args:
        title: the assignment's column, as Canvas exports it: `Title (id)`.
        points: the most that can be earned.
        semicolons: separated by semicolons and with decimal commas, as spreadsheets in Norwegian read it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";" if semicolons else ",")
    writer.writerow([*HEADER, title])
    language: Language = "nb" if semicolons else "en"
    writer.writerow([f"    {POINTS_POSSIBLE}", "", "", "", "", number(points, language)])
    for one, score in scores:
        name, section = shown_name(one.name, one.account), _harmless(one.section)
        writer.writerow([name, *one.ids, section, number(score, language)])
    return text.getvalue()


def shown_name(name: str, account: str) -> str:
    """A name that is nothing but a name: neither a formula, nor several lines, nor what Canvas takes for its own row."""
    known = name if POINTS_POSSIBLE.casefold() not in " ".join(name.split()).casefold() else ""
    return _harmless(known) or _harmless(account)


def _harmless(text: str) -> str:
    """One line of printable characters that no spreadsheet computes."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"'{line}" if FORMULA.match(line) else line
