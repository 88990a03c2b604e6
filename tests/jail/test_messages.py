"""What a kernel says, and what of it the grader hears: whatever arrives, nothing is raised; what is no message counts."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jupyter_client.session import Session
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete
from nbformat import NotebookNode, v4, writes

from autograder.jail.messages import IGNORED, KINDS, OUTPUTS, CheckedSession, NoMessage, checked

KEY = b"a key"
HONEST: dict[str, dict[str, Any]] = {
    "stream": {"name": "stdout", "text": "Ahoy æøå 🏴\n"},
    "display_data": {"data": {"text/plain": "x", "application/json": {"a": [1, 2.5, None]}}, "metadata": {}},
    "update_display_data": {"data": {"text/plain": "y"}, "metadata": {}, "transient": {"display_id": "mine"}},
    "execute_result": {"data": {"text/plain": "1"}, "metadata": {}, "execution_count": 3, "transient": {}},
    "error": {"ename": "ValueError", "evalue": "no", "traceback": ["a", "b"]},
    "status": {"execution_state": "idle"},
    "clear_output": {"wait": True},
    "execute_input": {"code": "1", "execution_count": 3},
    "execute_reply": {"status": "error", "execution_count": 3, "ename": "E", "evalue": "e", "traceback": []},
    "kernel_info_reply": {
        "status": "ok", "protocol_version": "5.4", "implementation": "ipython", "banner": "x",
        "language_info": {"name": "python", "version": "3.11", "codemirror_mode": {"name": "ipython"}},
    },
}  # fmt: skip
ODD = (
    None,
    3,
    -1,
    2**70,
    1.5,
    math.nan,
    math.inf,
    True,
    "",
    "x" * 5000,
    "\ud83d",
    [],
    [None],
    {},
    {"": {}},
    [[[["x"]]]],
)
DEEP: Any = "x"
for _ in range(400):
    DEEP = {"a": DEEP}


def message(kind: Any, content: Any, parent: Any = None) -> dict[str, Any]:
    header = {"msg_id": "1", "msg_type": kind, "date": "2026-01-01T00:00:00Z", "version": "5.3", "session": "s"}
    return {"header": header, "parent_header": parent if parent is not None else {"msg_id": "p"}, "content": content}


def mutated() -> list[tuple[str, Any]]:
    """Every kind with each of its fields taken away, or of another type, and with a content that is none."""
    found: list[tuple[str, Any]] = []
    for kind, content in HONEST.items():
        found += [(kind, odd) for odd in (*ODD, DEEP)]
        for name in content:
            found.append((kind, {key: value for key, value in content.items() if key != name}))
            found += [(kind, {**content, name: odd}) for odd in (*ODD, DEEP)]
    return found


def heard_by_nbclient(msg: dict[str, Any]) -> NotebookNode:
    """The cell after nbclient has seen a message, which must fit a notebook."""
    cell = v4.new_code_cell("x")
    nb = v4.new_notebook(cells=[cell])
    client = NotebookClient(nb)
    client.clear_before_next_output, cell.metadata["execution"] = False, {}
    shown = {"data": {}, "metadata": {}, "transient": {"display_id": "mine"}}
    client.process_message(checked(message("display_data", shown)), cell, 0)
    try:
        client.process_message(copy.deepcopy(msg), cell, 0)
    except CellExecutionComplete:
        assert msg["msg_type"] == "status"
    assert json.loads(writes(nb).encode())
    return cell


@pytest.mark.parametrize("kind", HONEST)
def test_an_honest_message_is_heard_with_what_matters(kind: str) -> None:
    msg = checked(message(kind, HONEST[kind]))
    assert msg is not None
    heard_by_nbclient(msg)
    known = KINDS[kind].model_fields
    assert all(
        msg["content"][name] == value for name, value in HONEST[kind].items() if name in {*known} - {"language_info"}
    )
    assert msg["parent_header"] == {"msg_id": "p"}


@pytest.mark.parametrize("kind", HONEST)
def test_whatever_a_field_holds_is_refused_or_fits_a_notebook(kind: str) -> None:
    for name, content in mutated():
        if name != kind:
            continue
        try:
            msg = checked(message(kind, content))
        except NoMessage:
            continue
        assert msg is not None
        heard_by_nbclient(msg)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("status", {}), ("execute_result", {**HONEST["execute_result"], "execution_count": "three"}), ("stream", {"text": "x"}),
        ("stream", {"name": "stdin", "text": "x"}), ("error", {"ename": "E"}), ("display_data", {"data": []}), ("no_kind", {}),
        ("display_data", {"data": {"text/plain": 3}}), ("display_data", {"data": {"text/plain": "x"}, "metadata": 3}),
        ("display_data", {"data": {"application/json": DEEP}}), (None, {}), (["stream"], {}), ("execute_reply", {"status": "?"}),
        ("execute_request", {"code": "1"}), ("kernel_info_reply", {**HONEST["kernel_info_reply"], "protocol_version": "4.1"}),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(kind: Any, content: Any) -> None:
    with pytest.raises(NoMessage):
        checked(message(kind, content))


@pytest.mark.parametrize("kind", IGNORED)
def test_what_says_nothing_to_a_grader_is_left_out_and_is_nobodys_fault(kind: str) -> None:
    assert checked(message(kind, {})) is None


@pytest.mark.parametrize("parent", [3, None, [], "p", {"msg_id": 3}, {"msg_id": ["p"]}], ids=str)
def test_an_answer_to_what_cannot_be_is_refused(parent: Any) -> None:
    msg = message("status", HONEST["status"])
    with pytest.raises(NoMessage):
        checked({**msg, "parent_header": parent})


@pytest.mark.parametrize("kind", [kind for kind in OUTPUTS if kind != "stream"])
def test_half_a_surrogate_pair_and_numbers_that_are_none_become_what_a_file_can_hold(kind: str) -> None:
    told = copy.deepcopy(HONEST[kind])
    bad = {"text/plain": "half \ud83d", "application/json": {"\udc00": [math.nan, -math.inf]}}
    told |= {"evalue": "half \ud83d"} if kind == "error" else {"data": bad}
    msg = checked(message(kind, told))
    assert msg is not None
    assert json.dumps(msg["content"], ensure_ascii=False, allow_nan=False).encode()


def test_a_reply_counts_for_no_output_and_so_its_texts_are_short() -> None:
    long = {"status": "error", "ename": "x" * 10**6, "evalue": "y" * 10**6, "traceback": ["z" * 10**6] * 500}
    msg = checked(message("execute_reply", long))
    assert msg is not None
    assert len(json.dumps(msg["content"])) < 1_100_000


def frames(msg: dict[str, Any]) -> list[bytes]:
    session = Session(key=KEY)
    return session.serialize({**msg, "metadata": {}}, ident=b"topic")  # type: ignore[no-any-return]


def raw(*parts: bytes) -> list[bytes]:
    """Signed frames of any content."""
    return [b"<IDS|MSG>", Session(key=KEY).sign(list(parts[:4])), *parts]


NO_FRAMES: dict[str, list[bytes]] = {
    "nothing": [],
    "no delimiter": [b"x", b"y"],
    "the delimiter alone": [b"<IDS|MSG>"],
    "too few": raw(b"{}", b"{}"),
    "no JSON": raw(b"{", b"{}", b"{}", b"{}"),
    "no text": raw(b"\xff\xfe", b"{}", b"{}", b"{}"),
    "no objects": raw(b"[]", b"3", b"null", b'"x"'),
    "a header without a kind": raw(b"{}", b"{}", b"{}", b"{}"),
    "a number without end": raw(b'{"msg_id": "1", "msg_type": "status"}', b"{}", b"{}", b"9" * 10_000),
    "nested without end": raw(b'{"msg_id": "1", "msg_type": "status"}', b"{}", b"{}", b"[" * 100_000),
    "a date that is none": raw(
        b'{"msg_id": "1", "msg_type": "status", "date": "2026-99-99T99:99:99Z"}', b"{}", b"{}", b"{}"
    ),
    "no signature": [b"<IDS|MSG>", b"", b"{}", b"{}", b"{}", b"{}"],
    "another's signature": [b"<IDS|MSG>", b"0" * 64, b"{}", b"{}", b"{}", b"{}"],
    "a signature in other letters": [b"<IDS|MSG>", "æ".encode() * 32, b"{}", b"{}", b"{}", b"{}"],
}


@pytest.mark.parametrize("what", NO_FRAMES)
def test_frames_that_are_no_message_are_counted_and_not_raised(what: str) -> None:
    session = CheckedSession(key=KEY)
    assert session.heard(NO_FRAMES[what]) is None
    assert session.refused == 1


def test_frames_of_a_message_are_heard_once_and_buffers_left_out() -> None:
    session, sent = CheckedSession(key=KEY), [*frames(message("stream", HONEST["stream"])), b"buffer"]
    msg = session.heard(sent)
    assert msg is not None
    assert (msg["content"], msg["buffers"], session.refused) == (HONEST["stream"], [], 0)
    assert session.heard(sent) is None
    assert session.refused == 1


json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from([*HONEST, *IGNORED[:2], "x"]), content=json_data, name=st.text(max_size=12), value=json_data
)
def test_whatever_a_kernel_sends_is_refused_or_fits_a_notebook(kind: str, content: Any, name: str, value: Any) -> None:
    for told in (content, {**HONEST.get(kind, {}), name: value}):
        session = CheckedSession(key=KEY)
        msg = session.heard(raw(*(json.dumps(part).encode() for part in (
            {"msg_id": "1", "msg_type": kind}, {"msg_id": "p"}, {}, told
        ))))  # fmt: skip
        if msg is not None:
            heard_by_nbclient(msg)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=40) | st.just(b"<IDS|MSG>"), max_size=8))
def test_whatever_frames_arrive_nothing_is_raised(sent: list[bytes]) -> None:
    session = CheckedSession(key=KEY)
    assert session.heard(sent) is None
    assert session.refused == 1
