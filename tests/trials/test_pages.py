"""Pages of code, on which solutions and attacks stand under headings."""

from __future__ import annotations

import pytest

from trials.classes import Entry, entries

PAGE = """
# %% one
a = 1  # %% no heading

# %% another, with a long name
#    | alone | not due: chain text
«LOAD»
«py(task.question)»
# %%% chain
chatbot = 3

"""


def test_an_entry_has_its_marks_its_code_with_the_pieces_and_the_cells_below() -> None:
    found = list(entries(PAGE, {"LOAD": "\nllm = 2\n"}, ("alone", "not due")))
    code = "llm = 2\n«py(task.question)»\n"
    another = Entry(
        "another, with a long name", {"alone": "", "not due": "chain text"}, code, {"chain": "chatbot = 3\n"}
    )
    assert found == [Entry("one", {}, "a = 1  # %% no heading\n"), another]


def test_a_mark_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="another, with a long name: there is no mark 'alone'"):
        list(entries(PAGE, {"LOAD": ""}, ("not due",)))
