"""Attacks with messages that are none: what a kernel's own sockets can be made to say to whoever grades.

Each must end as that student's own: a verdict, and nobody else is held up. One message of each broken kind for the cell that is
running, with the kernel's own key; `tests/jail/test_messages.py` has every field of every kind.
"""

from __future__ import annotations

from trials.attacks.attack import Attack
from trials.attacks.honest import OWN_MESSAGES

SAY = """
import json
ip = get_ipython()
kernel = ip.kernel
parent = kernel.get_parent("shell")
def say(kind, content):
    kernel.session.send(kernel.iopub_socket, kind, json.dumps(content).encode(), parent=parent)
"""
BROKEN = """
say("comm_open", {"comm_id": "x", "target_name": "jupyter.widget"})
say("comm_open", {"comm_id": ["x"], "target_name": {}, "data": 3})
say("comm_msg", {})
say("status", {})
say("status", {"execution_state": ["idle"]})
say("execute_input", {"execution_count": "three"})
say("execute_result", {"data": {"text/plain": "1"}, "metadata": {}, "execution_count": {"a": 1}})
say("display_data", {"data": {"text/plain": 3}, "metadata": None})
say("display_data", {"data": {"text/plain": "half \\ud83d", "application/json": {"\\udc00": float("nan")}}, "metadata": {}})
say("display_data", {"data": {"text/plain": "x"}, "metadata": {}, "transient": "mine"})
say("update_display_data", {"data": {"text/plain": "x"}, "metadata": {}, "transient": {"display_id": ["x"]}})
say("stream", {"name": "stdin", "text": None})
say("stream", {"name": "stdout", "text": "half \\ud83d"})
say("error", {"ename": None, "evalue": 3, "traceback": "x"})
say("clear_output", {"wait": "x"})
say("no_such_kind", {"a": 1})
deep = "x"
for _ in range(500):
    deep = [deep]
say("display_data", {"data": {"application/json": deep}, "metadata": {}})
"""


def first(code: str, more: str = "") -> dict[str, str]:
    """Code in the first cell that a student writes; `more` is said after it has told that it came so far."""
    return {"model-home": SAY + code + "\ntried()\n" + more}


RAW = """
session, send = kernel.session, kernel.iopub_socket.send_multipart
def signed(*parts):
    return [b"<IDS|MSG>", session.sign(list(parts[:4])), *parts]
header = json.dumps({"msg_id": "1", "msg_type": "status", "date": "2026-99-99T99:99:99Z", "version": "5.3"}).encode()
for frames in ([b"x"], [b"<IDS|MSG>"], [b"<IDS|MSG>", b"", b"{}", b"{}", b"{}", b"{}"], signed(b"{", b"{}", b"{}", b"{}"),
               signed(b"[]", b"3", b"null", b"[]"), signed(header, b"{}", b"{}", b"{}"), signed(b"{}", b"{}"),
               signed(b"\\xff", b"{}", b"{}", b"{}"), signed(b"{}", b"{}", b"{}", b"[" * 100_000),
               signed(b"{}", b"{}", b"{}", b"9" * 10_000), [b"<IDS|MSG>", b"\\xc3\\xa6", b"{}", b"{}", b"{}", b"{}"]):
    send(frames)
"""
REPLY = """
for content in ({"status": "error"}, {"status": "error", "ename": 3, "evalue": [], "traceback": None}, {}, {"status": ["ok"]}):
    kernel.session.send(kernel.shell_stream, "execute_reply", content, parent=parent, ident=kernel._parent_ident["shell"])
kernel.session.send(kernel.shell_stream, "kernel_info_reply", {}, parent=parent, ident=kernel._parent_ident["shell"])
"""
HOOK = """
def each(info):
    global parent
    parent = kernel.get_parent("shell")
    with_all()
ip.events.register("pre_run_cell", each)
"""


def said(name: str, code: str, more: str = "") -> Attack:
    return Attack(name, "internals", OWN_MESSAGES, first(code, more), kit_only=True)


WITH_ALL = "def with_all():" + (BROKEN + RAW + REPLY).replace("\n", "\n    ") + "\n" + HOOK
ATTACKS = (
    Attack(
        "messages of every kind that are none, with the kernel's own key",
        "internals",
        OWN_MESSAGES,
        first(BROKEN),
        notdue=frozenset(),
        solved=True,
        kit_only=True,
    ),
    said("frames on iopub that are no messages", RAW),
    said("replies that are none, before the kernel's own", REPLY),
    said("messages that are none before each check", WITH_ALL),
    said("a session that signs nothing any more", "", "kernel.session.key = b''\n"),
    said("a session that writes no JSON any more", "", "kernel.session.pack = lambda thing: b'no JSON'\n"),
    said(
        "a frame for every message, a thousand times",
        "",
        "for _ in range(1000): kernel.iopub_socket.send_multipart([b'<IDS|MSG>'] + [b'{}'] * 100)\n",
    ),
)
