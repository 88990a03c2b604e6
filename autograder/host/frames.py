"""Reads and answers frames on one connection, whatever the other end sends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from pydantic import TypeAdapter

from autograder.host.notebooks import TooMuch, without_padding
from autograder.protocol import wire

FRAME_SECONDS = 30.0
"""How long the rest of a frame may take once it has begun."""
BEYOND_SECONDS = 5.0
"""How long a request waits for its refusal where its notebook may have no more: who asks on and on keeps nobody busy."""


class TooLong(Exception):
    """A frame says that it is longer than it may be."""


async def keep_waiting() -> None:
    await asyncio.sleep(BEYOND_SECONDS)


async def read_header(reader: asyncio.StreamReader, limit: int) -> tuple[int, int] | None:
    """How long the next frame is, and its number; None where the other side is done."""
    try:
        header = await reader.readexactly(wire.HEADER.size)
    except asyncio.IncompleteReadError:
        return None
    length, number = wire.HEADER.unpack(header)
    if length > limit:
        raise TooLong
    return length, number


async def serve_frames(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    kind: TypeAdapter[Any],
    limit: int,
    turns: AbstractAsyncContextManager[object],
    answer: Callable[[Any, asyncio.StreamReader], Awaitable[wire.Reply]],
    say: Callable[[str], None],
    heard: Callable[[int], None] = lambda _: None,
) -> None:
    """Reads frames until the other side is done; a frame that is not valid is the last one.

    Args:
        turns: is held from when a frame begins to arrive until it is answered.
        say: is told of mistakes of ours.
        heard: is told how long a frame is, 0 for the connection itself. Raises TooMuch where nothing more is read.
    """
    try:
        heard(0)
        while (header := await read_header(reader, limit)) is not None:
            length, number = header
            async with turns:
                heard(length)
                try:
                    frame = wire.parsed(kind, await asyncio.wait_for(reader.readexactly(length), FRAME_SECONDS))
                except (ValueError, RecursionError) as error:
                    message = f"not a valid frame: {' '.join(str(error).split())}"[:500]
                    writer.write(wire.packed(wire.Refused(name="ValueError", message=message), number))
                    break
                try:
                    reply = await answer(frame, reader)
                except ConnectionResetError:
                    break
                except TooMuch as error:
                    await keep_waiting()
                    reply = wire.Refused(name="RuntimeError", message=str(error)[:500])
                except Exception as error:  # ours; the kernel is told, and the next frame may be better
                    say(f"{type(error).__name__}: {error}")
                    reply = wire.Refused(name="RuntimeError", message=f"{type(error).__name__}: {error}"[:500])
                writer.write(wire.packed(reply, number))
                del frame, reply
                await writer.drain()
    except TooMuch:
        await keep_waiting()
    except (OSError, TooLong, asyncio.IncompleteReadError, TimeoutError, asyncio.CancelledError):
        pass
    finally:
        with contextlib.suppress(OSError):
            writer.close()


def badly_shaped(asked: wire.Generate) -> str | None:
    """What is wrong with a batch's shape or settings, if anything is."""
    length = len(asked.rows[0])
    if length == 0:
        return "an empty input"
    if any(len(row) != length for row in asked.rows) or [len(m) for m in asked.mask] != [len(r) for r in asked.rows]:
        return "rows and mask must all have the same length"
    if any(on not in (0, 1) for row in asked.mask for on in row):
        return "a mask holds 0 and 1"
    strange = sorted(set(asked.settings) - wire.HONOURED)
    if strange:
        return f"settings that the host does not know: {', '.join(strange)[:200]}"
    if not any(without_padding(asked)):
        return "an input of padding alone"
    return None
