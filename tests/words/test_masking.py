"""What is masked in a traceback, as a table: homes, and the names of accounts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.words.masking import ANSI, masked

TABLE = {
    # Homes
    "a home": ("File /home/anna/course/x.py:3", "File ~/course/x.py:3"),
    "a home by itself": ("cwd: /home/anna", "cwd: ~"),
    "a home in quotation marks": ("'/home/anna'", "'~'"),
    "a home on a mounted disk": ("/mnt/disk/home/anna/x", "~/x"),
    "a home of a cluster": ("/fp/homes01/u01/ec-anna/x", "~/x"),
    "a home on macOS": ("/Users/anna/x", "~/x"),
    "a home on Windows": (r"C:\Users\Anna Berg\x.py", r"~\x.py"),
    "a home on Windows, escaped": (r"'C:\\Users\\Anna\\x.py'", r"'~\\x.py'"),
    "root's home": ("/root/.venv/lib", "~/.venv/lib"),
    "somebody's home by name": ("~bob/x", "~/x"),
    "a home in an address": ("file:///home/anna/x", "file://~/x"),
    "homes in a list": ("/usr/bin:/home/anna/bin", "/usr/bin:~/bin"),
    "two homes": ("/home/anna/x /home/bob/y", "~/x ~/y"),
    # Accounts
    "an account in a path": ("/srv/work/anna/x.py", "/srv/work/…/x.py"),
    "an account in a folder's name": ("/srv/ec443-anna/x", "/srv/ec443-…/x"),
    "an account in an address": ("anna@example.org", "…@example.org"),
    "an account in capital letters": ("by Anna", "by …"),
    "an account that is a word of Python's, in a path": ("/srv/max/x", "/srv/…/x"),
    # What stays
    "a name within a word": ("Joanna annals", "Joanna annals"),
    "a word of Python's": ("max(1, 2)", "max(1, 2)"),
    "a page's address": ("https://example.org/home/page", "https://example.org/home/page"),
    "a folder that is no home": ("/fp/projects01/ec443/cache", "/fp/projects01/ec443/cache"),
    "a folder called home by itself": ("/home", "/home"),
    "a folder that begins like root's": ("/rooted/x", "/rooted/x"),
    "an estimate": ("~5 GB, x ~ y/z", "~5 GB, x ~ y/z"),
    "nothing": ("", ""),
    # ANSI codes
    "a home in colour": ("\x1b[32m/home/anna/x.py\x1b[39m:3", "\x1b[32m~/x.py\x1b[39m:3"),
    "a home with a colour in it": ("/home/\x1b[1manna\x1b[0m/x", "~\x1b[1m\x1b[0m/x"),
    "a name with a colour in it": ("/srv/an\x1b[31mna/x", "/srv/…\x1b[31m/x"),
    "a link": ("\x1b]8;;file:///x\x1b\\/home/anna\x1b]8;;\x1b\\", "\x1b]8;;file:///x\x1b\\~\x1b]8;;\x1b\\"),
}  # fmt: skip


@pytest.mark.parametrize("what", TABLE)
def test_names_and_homes_are_masked_and_nothing_else_is(what: str) -> None:
    text, expected = TABLE[what]
    assert masked(text, ("anna", "max")) == expected


def test_without_names_only_homes_are_masked() -> None:
    assert masked("/home/anna/x /srv/anna", ()) == "~/x /srv/anna"


def test_an_empty_name_masks_nothing() -> None:
    assert masked("/srv/x", ("",)) == "/srv/x"


PIECES = st.sampled_from(
    ["/home/anna", "/", "anna", "x", " ", "\n", "\x1b[31m", "\x1b[0m", "~anna", "/root", "C:\\Users\\"]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_codes_stay_and_no_account_does(text: str) -> None:
    shown = masked(text, ("anna",))
    assert ANSI.findall(shown) == ANSI.findall(text)
    assert not re.search(r"\banna\b", ANSI.sub("", shown))


@given(st.lists(PIECES, max_size=12).map("".join))
def test_colours_make_no_difference_to_what_is_masked(text: str) -> None:
    assert ANSI.sub("", masked(text, ("anna",))) == masked(ANSI.sub("", text), ("anna",))
