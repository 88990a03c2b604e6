"""The host's side of the process that generates: gives it work, ends it when a job does not stop, starts another.

A job that does not stop when it is given up is ended with its process. The other jobs are made again with the same seeds,
so that others see a delay alone. After a process that ended by itself, each of its jobs is made again alone: one that ends
its process twice is refused, and is the student's fault where the model still answers the shortest request.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from autograder.host import orders
from autograder.host.failures import Failed
from autograder.host.memory import Sequences
from autograder.protocol import wire

PATIENCE_SECONDS = 10.0
"""How long a job may go on after it was given up."""
TOOK_TOO_LONG = "TookTooLong"
"""The name of what became of a job that ended with its process."""
ENDED_IT = "EndedTheProcess"
"""The name of what became of a job that ended its process, though another request did not."""


class Maker(Protocol):
    """Who makes outputs."""

    state: orders.State

    async def versions(self) -> dict[str, str]:
        """What an output depends on beside the request."""

    async def make(self, asked: orders.Make, stop: asyncio.Event) -> Sequences:
        """An output. Raises `Failed`, or what `generate` raises."""

    async def end(self) -> None:
        """Lets go of whatever makes them."""


class Died(Exception):
    """The process ended while it was at a job that was to go on."""


@dataclass(eq=False)
class Making:
    """A job that the process has."""

    future: asyncio.Future[Sequences]
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    overdue: bool = False


class Worker:
    """One process at a time that generates. For one event loop.

    Args:
        command: what it is.
        patience: seconds that a job may go on after it was given up.
    """

    def __init__(self, command: Sequence[str], patience: float = PATIENCE_SECONDS) -> None:
        self.state = orders.State()
        self.started = 0
        self._command, self._patience = command, patience
        self._process: asyncio.subprocess.Process | None = None
        self._ready: asyncio.Future[dict[str, str]] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._making: dict[int, Making] = {}
        self._number = 0
        self._ordinary, self._alone = 0, False
        self._turns = asyncio.Condition()
        self._killed = False

    async def versions(self) -> dict[str, str]:
        """What an output depends on beside the request. Raises Failed where no process gets ready."""
        async with self._starting:
            if self._process is None:
                await self._start()
            assert self._ready is not None
            ready = self._ready
        return await asyncio.shield(ready)

    async def make(self, asked: orders.Make, stop: asyncio.Event) -> Sequences:
        """An output. Raises Failed: `TOOK_TOO_LONG` when the process was ended for it, `ENDED_IT` when it ended the process."""
        for suspect in (False, True):
            while True:
                async with self._turn(alone=suspect):
                    try:
                        return await self._once(asked, stop)
                    except Died as error:
                        innocent = bool(error.args)
                if not innocent:
                    break
        if await self._can_generate(asked.model):
            raise Failed(ENDED_IT, "this request ended the process that generates, twice", machine=False)
        raise Failed("WorkerLost", f"the process that generates for {asked.model} has ended twice", machine=True)

    async def _can_generate(self, model: str) -> bool:
        """Whether a model still answers the shortest request."""
        settings = {"max_new_tokens": 1, "do_sample": False}
        plain = orders.Make(model=model, rows=[[0]], mask=[[1]], settings=settings, seed=None, tokenizer=False)
        try:
            async with self._turn(alone=True):
                await self._once(plain, asyncio.Event())
        except (Died, Failed):
            return False
        return True

    async def end(self) -> None:
        """Ends the process, if there is one, and waits until it is gone."""
        async with self._starting:
            if self._process is not None:
                self._killed = True
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
            if self._reading is not None:
                await self._reading

    @asynccontextmanager
    async def _turn(self, alone: bool) -> AsyncIterator[None]:
        """With others, or with nobody else."""
        async with self._turns:
            await self._turns.wait_for(lambda: not self._alone)
            self._alone = alone
            await self._turns.wait_for(lambda: not alone or self._ordinary == 0)
            self._ordinary += not alone
        try:
            yield
        finally:
            async with self._turns:
                self._alone = self._alone and not alone
                self._ordinary -= not alone
                self._turns.notify_all()

    async def _once(self, asked: orders.Make, stop: asyncio.Event) -> Sequences:
        if stop.is_set():
            raise Failed("Cancelled", "nobody waits for it", machine=False)
        await self.versions()
        if self._process is None:  # it was ready, and has ended before this job could be told to it
            raise Died
        self._number += 1
        number, making = self._number, Making(asyncio.get_running_loop().create_future())
        self._making[number] = making
        self._send(asked, number)
        watching = asyncio.create_task(self._watch(number, making, stop))
        try:
            return await making.future
        finally:
            watching.cancel()
            self._making.pop(number, None)

    async def _watch(self, number: int, making: Making, stop: asyncio.Event) -> None:
        await stop.wait()
        self._send(orders.GiveUp(), number)
        await making.begun.wait()
        await asyncio.sleep(self._patience)
        making.overdue = self._killed = True
        if self._process is not None:
            self._process.kill()

    def _send(self, frame: wire.Frame, number: int) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(wire.packed(frame, number))

    async def _start(self) -> None:
        if self._reading is not None:
            await self._reading  # until the last process is gone
        self.started, self._killed = self.started + 1, False
        self._ready = asyncio.get_running_loop().create_future()
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe)
        self._reading = asyncio.create_task(self._read(self._process, self._ready))

    async def _read(self, process: asyncio.subprocess.Process, ready: asyncio.Future[dict[str, str]]) -> None:
        """Takes what the process says, until it ends."""
        assert process.stdout is not None
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, ValueError):
            while True:
                length, number = wire.HEADER.unpack(await process.stdout.readexactly(wire.HEADER.size))
                frame = orders.FromWorker.validate_json(await process.stdout.readexactly(length))
                if isinstance(frame, orders.Ready):
                    ready.set_result(frame.versions)
                else:
                    self._take(frame, self._making.get(number))
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        self._process = None
        if not ready.done():
            ready.set_exception(Failed("WorkerLost", "the process that generates could not be started", machine=True))
            ready.exception()
        for making in self._making.values():
            self._fail(making)
        await process.wait()

    def _fail(self, making: Making) -> None:
        if not making.future.done():
            late = Failed(TOOK_TOO_LONG, "this request could not be interrupted, and was ended", machine=False)
            making.future.set_exception(late if making.overdue else Died("by us") if self._killed else Died())

    def _take(self, frame: orders.Begun | orders.Made | orders.NotMade, making: Making | None) -> None:
        if isinstance(frame, orders.Begun):
            if making is not None:
                making.begun.set()
            return
        self.state = frame.state
        if making is None or making.future.done():
            return
        if isinstance(frame, orders.Made):
            making.future.set_result(frame.sequences)
        else:
            making.future.set_exception(Failed(frame.name, frame.message, frame.machine))
