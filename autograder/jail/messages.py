"""What a kernel may say: each message is read, checked and made anew here before anything else of the grader's sees it.

A kernel is a student's to change, its key and its sockets included, so any bytes can come from it. What is no message is
left out and counted (`CheckedSession.refused`), never raised; of a message only what is known of its kind is passed on,
texts in valid Unicode, numbers that JSON has. Comms (widgets) are left out: there is nobody to use them while grading.
"""

from __future__ import annotations

import asyncio
import functools
import math
import time
from collections.abc import Callable
from queue import Empty
from typing import Annotated, Any, Literal

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.session import Session
from nbformat import ValidationError as ValidationErrorOfNotebook
from nbformat import validate
from nbformat.v4 import output_from_msg
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from traitlets import Type, default

from autograder.jail.gate import Gate

MAX_BRACKETS = 10**6
"""Lists and objects of a message, those in its texts included: an empty one takes some 60 bytes for two."""
MAX_DEPTH = 60
"""Lists and dictionaries in each other; pydantic and nbformat read a few hundred."""
MAX_VALUES = 500_000
"""Of all lists and objects of a message: to go through more takes seconds that others wait for."""
MAX_REPLY_TEXT = 10_000
"""Characters of each text of an `execute_reply`; the rest is cut off."""
OUTPUTS = ("stream", "display_data", "execute_result", "update_display_data", "error")
IGNORED = (
    "comm_open", "comm_msg", "comm_close", "comm_info_reply", "debug_event", "debug_reply", "iopub_welcome", "input_request",
    "shutdown_reply", "interrupt_reply", "history_reply", "complete_reply", "inspect_reply", "is_complete_reply",
)  # fmt: skip
"""Kinds of messages that an honest kernel sends, and that say nothing to a grader."""


GATED = ("shell", "iopub", "control")
"""Channels of a kernel that grading uses."""


class NoMessage(ValueError):
    """What a kernel sent is none of its messages."""


def cut(value: Any) -> Any:
    """A text, or each of a list, no longer than `MAX_REPLY_TEXT`."""
    if isinstance(value, list):
        return [cut(each) for each in value[:100]]
    return value[:MAX_REPLY_TEXT] if isinstance(value, str) else value


Name = Annotated[str, Field(max_length=500)]
Count = Annotated[int, Field(ge=0, lt=2**31)] | None
Cut = Annotated[str, BeforeValidator(cut)]


class Content(BaseModel):
    """Of a message: what is known of its kind, anything else left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Stream(Content):
    name: Literal["stdout", "stderr"]
    text: str


class Transient(Content):
    display_id: Name | None = None


class Data(Content):
    data: Annotated[dict[Name, Any], Field(max_length=100)]
    metadata: Annotated[dict[Name, Any], Field(max_length=100)] = {}
    transient: Transient | None = None


class Result(Data):
    execution_count: Count = None


class Error(Content):
    ename: str
    evalue: str
    traceback: list[str]


class Status(Content):
    execution_state: Name


class Clear(Content):
    wait: bool = False


class Input(Content):
    execution_count: Count = None


class Reply(Content):
    status: Literal["ok", "error", "abort", "aborted"]
    execution_count: Count = None
    ename: Cut = ""
    evalue: Cut = ""
    traceback: Annotated[list[str], BeforeValidator(cut)] = []


class LanguageInfo(Content):
    name: Name
    version: Name = ""
    mimetype: Name = ""
    file_extension: Name = ""


class KernelInfo(Content):
    status: Name = "ok"
    protocol_version: Annotated[str, Field(pattern=r"^5\.[0-9]{1,3}$")]
    language_info: LanguageInfo


KINDS: dict[str, type[Content]] = {
    "stream": Stream, "display_data": Data, "update_display_data": Data, "execute_result": Result, "error": Error,
    "status": Status, "clear_output": Clear, "execute_input": Input, "execute_reply": Reply,
    "kernel_info_reply": KernelInfo,
}  # fmt: skip


def clean(value: Any, depth: int = 0, seen: list[int] | None = None) -> Any:
    """JSON data that every reader takes: valid Unicode, finite numbers. Raises NoMessage where it is too much or too deep.

    Args:
        seen: how many values there have been so far.
    """
    seen = [0] if seen is None else seen
    seen[0] += len(value) if isinstance(value, dict | list) else 0
    if seen[0] > MAX_VALUES:
        raise NoMessage("too many values")
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= MAX_DEPTH and isinstance(value, dict | list):
        raise NoMessage("nested too deep")
    if isinstance(value, dict):
        return {clean(name): clean(inner, depth + 1, seen) for name, inner in value.items()}
    return [clean(inner, depth + 1, seen) for inner in value] if isinstance(value, list) else value


def checked(msg: Any) -> dict[str, Any] | None:
    """A message made anew out of what a kernel sent, as jupyter_client has it; None where it says nothing to a grader.

    Raises NoMessage where it is no message.
    """
    try:
        kind, parent = msg["header"]["msg_type"], msg["parent_header"].get("msg_id")
        if kind in IGNORED:
            return None
        content = KINDS[kind].model_validate(clean(msg["content"])).model_dump(exclude_unset=kind in OUTPUTS)
        if not isinstance(parent, str | None):
            raise NoMessage("an answer to nothing")
        made = {
            "header": {"msg_id": "", "msg_type": kind}, "msg_id": "", "msg_type": kind,
            "parent_header": {} if parent is None else {"msg_id": parent}, "metadata": {}, "content": content, "buffers": [],
        }  # fmt: skip
        if kind in OUTPUTS:
            if "data" in content:
                content.setdefault("metadata", {})
            shown = kind.removeprefix("update_")
            validate(output_from_msg({**made, "header": {"msg_type": shown}}), ref="output", version=4)
    except (
        ValidationErrorOfNotebook, ValidationError, ValueError, TypeError, KeyError, AttributeError, RecursionError
    ) as error:  # fmt: skip
        raise NoMessage(str(error)[:200]) from error
    return made


class CheckedSession(Session):  # type: ignore[misc]
    """jupyter_client's, which also checks what is in a message.

    Attributes:
        refused: how many times something arrived that was no message.
    """

    refused = 0

    def heard(self, frames: list[bytes]) -> dict[str, Any] | None:
        """The message in some frames; None where there is none."""
        try:
            _, parts = self.feed_identities(frames)
            if sum(part.count(b"[") + part.count(b"{") for part in parts[:5]) > MAX_BRACKETS:
                raise NoMessage("lists without end")
            return checked(self.deserialize(parts[:5]))
        except Exception:  # whatever bytes can do to who reads them: signatures, JSON, dates
            self.refused += 1
            return None


class CheckedChannel(AsyncZMQSocketChannel):  # type: ignore[misc]
    """Waits for the next message, leaving out what is none. Other tasks run and the timeout holds during a flood.

    Attributes:
        taken: called whenever something has been read.
    """

    taken: Callable[[], None] = staticmethod(lambda: None)

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        """Raises Empty where none arrives in `timeout` seconds."""
        ends = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            await asyncio.sleep(0)
            left = max(0.0, ends - time.monotonic())
            if not await self.socket.poll(None if timeout is None else int(left * 1000)):
                raise Empty
            frames = await self.socket.recv_multipart()
            self.taken()
            msg: dict[str, Any] | None = self.session.heard(frames)
            if msg is not None:
                return msg
            if time.monotonic() >= ends:
                raise Empty


class CheckedClient(AsyncKernelClient):  # type: ignore[misc]
    """A client all of whose channels are checked."""

    shell_channel_class = Type(CheckedChannel)
    iopub_channel_class = Type(CheckedChannel)
    stdin_channel_class = Type(CheckedChannel)
    control_channel_class = Type(CheckedChannel)

    def start_channels(self, *_: Any, **__: Any) -> None:
        """Those that grading needs: nobody types, and whether the process lives is known."""
        super().start_channels(stdin=False, hb=False)

    def go_through(self, gate: Gate) -> None:
        """Has what the kernel says come through a gate."""
        self.ip = gate.ip
        for name in GATED:
            getattr(self, f"{name}_channel").taken = functools.partial(gate.taken, name)


class CheckedKernelManager(AsyncKernelManager):  # type: ignore[misc]
    """A manager of kernels that are not trusted."""

    client_factory = Type(CheckedClient, klass=AsyncKernelClient)

    gate: Gate | None = None
    _heard: CheckedSession | None = None

    @default("session")  # type: ignore[untyped-decorator]
    def _checked_session(self) -> Session:
        return CheckedSession(parent=self)

    @property
    def refused(self) -> int:
        """How many times the kernel has sent what was no message."""
        return self._heard.refused if self._heard is not None else 0

    @property
    def left_out(self) -> int:
        """How many messages of the kernel were too large."""
        return self.gate.left_out if self.gate is not None else 0

    def _connect_control_socket(self) -> None:
        """None of the manager's own: it would go past the gate."""

    async def _async_request_shutdown(self, restart: bool = False) -> None:
        """Asks for nothing: a kernel that is to end is ended."""

    request_shutdown = _async_request_shutdown

    def client(self, **kwargs: Any) -> Any:
        """A client of its own context, behind the kernel's gate."""
        client = super().client(**kwargs)
        if self.gate is not None:
            client.go_through(self.gate)
        self._heard = client.session  # a copy of the manager's own
        return client
