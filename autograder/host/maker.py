"""The host's side of the process that generates: gives it batches, ends it when one does not stop, starts another.

A batch that does not stop when all of it is given up is ended with its process. The others are made again with the same
seeds, so that they see a delay alone. After a process that ended by itself, each part of its batches is made again alone, twice
at most: one that still ends its process is refused, and is the student's fault where the model answers the shortest request.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from autograder.host import orders
from autograder.host.failures import Failed
from autograder.host.memory import Sequences
from autograder.protocol import wire

PATIENCE_SECONDS = 5.0
"""How long a batch may go on after all of it was given up."""
TOOK_TOO_LONG = "TookTooLong"
"""The name of what became of a part that ended with its process."""
ENDED_IT = "EndedTheProcess"
"""The name of what became of a part that ended its process, though another request did not."""

Outcome = Sequences | Failed
Settle = Callable[[int, Outcome], None]
"""Called with the number of a part, and what became of it."""


class Steering:
    """A batch while it is being made: what is left of it, which parts nobody waits for, and whether it is to wait.

    Args:
        asked: what it begins with; `join` adds to it.
        settle: called once for each part, as soon as it has its end: with its number and what became of it.

    Attributes:
        left: the parts that are not settled, by number.
        open: whether others may join.
        began: when the model was loaded and began to generate; None until then.
    """

    def __init__(self, asked: orders.Make, settle: Settle) -> None:
        self.model, self.shared, self.left = asked.model, asked.shared, dict(asked.parts)
        self.open = asked.shared
        self.given_up: set[int] = set()
        self.held = False
        self.began: float | None = None
        self.changed = asyncio.Event()
        self._settle = settle

    def join(self, number: int, part: orders.Part) -> None:
        self.left[number] = part
        self.changed.set()

    def give_up(self, number: int) -> None:
        self.given_up.add(number)
        self.changed.set()

    def hold(self, held: bool) -> None:
        self.held = held
        self.changed.set()

    def settle(self, number: int, outcome: Outcome) -> None:
        """What became of a part; nothing where that is known."""
        if self.left.pop(number, None) is not None:
            self._settle(number, outcome)
            self.changed.set()


class Maker(Protocol):
    """Who makes batches."""

    state: orders.State
    on_gpu: bool

    async def versions(self) -> dict[str, str]:
        """What an output depends on beside the request."""

    async def make(self, steering: Steering) -> None:
        """Makes a batch; returns when every part has been settled."""

    async def end(self) -> None:
        """Lets go of whatever makes them."""


TIMES_ALONE = 2
"""How often a request that may have ended the process is made by itself: somebody else may have ended it, once and again."""


class Died(Exception):
    """The process ended while it was at a batch that was to go on.

    Attributes:
        ended_by_us: because of another batch.
    """

    def __init__(self, ended_by_us: bool) -> None:
        super().__init__("the process that generates has ended")
        self.ended_by_us = ended_by_us


@dataclass(eq=False)
class Making:
    """A batch that the process has.

    Attributes:
        only: the one part that it makes of the batch, with nobody else at work; all of them where None.
    """

    future: asyncio.Future[None]
    steering: Steering
    only: int | None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    overdue: bool = False

    @property
    def left(self) -> dict[int, orders.Part]:
        left = self.steering.left
        return left if self.only is None else {number: left[number] for number in left if number == self.only}


class Worker:
    """One process at a time that generates. For one event loop.

    Args:
        command: what it is.
        patience: seconds that a batch may go on after all of it was given up.
    """

    def __init__(self, command: Sequence[str], patience: float = PATIENCE_SECONDS) -> None:
        self.state = orders.State()
        self.on_gpu = False
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

    async def make(self, steering: Steering) -> None:
        """Settles each part: with its sequences, or with `Failed`.

        Failed: `TOOK_TOO_LONG` where the process was ended for this batch, `ENDED_IT` where the part ended the process.
        """
        try:
            await self._make(steering)
        except Died:
            steering.open = False
            for number in list(steering.left):
                await self._make_alone(steering, number)

    async def _make(self, steering: Steering, only: int | None = None) -> None:
        """What is left of a batch, again where the process was ended for another. Raises Died where it ended by itself."""
        while steering.left if only is None else only in steering.left:
            async with self._turn(only is not None):
                try:
                    await self._once(steering, only)
                except Died as died:
                    if not died.ended_by_us:
                        raise
                except Failed as failed:
                    for number in list(steering.left) if only is None else [only]:
                        steering.settle(number, failed)

    async def _make_alone(self, steering: Steering, number: int) -> None:
        for _ in range(TIMES_ALONE):
            with contextlib.suppress(Died):
                await self._make(steering, number)
                return
        if await self._can_generate(steering.model):
            failed = Failed(ENDED_IT, "this request ended the process that generates, again and again", machine=False)
        else:
            said = f"the process that generates for {steering.model} ends again and again"
            failed = Failed("WorkerLost", said, machine=True)
        steering.settle(number, failed)

    async def _can_generate(self, model: str) -> bool:
        """Whether a model still answers the shortest request."""
        settings = {"max_new_tokens": 1, "do_sample": False}
        plain = orders.Make(model=model, parts={0: orders.Part(rows=[[0]], mask=[[1]], settings=settings)})
        outcomes: list[Outcome] = []
        try:
            await self._make(Steering(plain, lambda _, outcome: outcomes.append(outcome)), 0)
        except Died:
            return False
        return not isinstance(outcomes[0], Failed)

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

    async def _once(self, steering: Steering, only: int | None) -> None:
        await self.versions()
        if self._process is None:  # it was ready, and has ended before this batch could be told to it
            raise Died(self._killed)
        self._number += 1
        number = self._number
        making = self._making[number] = Making(asyncio.get_running_loop().create_future(), steering, only)
        watching = asyncio.create_task(self._watch(number, making))
        try:
            await making.future
        finally:
            watching.cancel()
            self._making.pop(number, None)

    async def _watch(self, number: int, making: Making) -> None:
        """Tells the process what a batch is told; ends the process when the batch goes on after all was given up."""
        steering, asked, told, held = making.steering, set[int](), set[int](), False
        while not making.left.keys() <= told:
            steering.changed.clear()
            if new := {each: part for each, part in making.left.items() if each not in asked}:
                asked |= new.keys()
                shared = steering.shared and making.only is None
                self._send(orders.Make(model=steering.model, parts=new, shared=shared), number)
            for part in (steering.given_up & making.left.keys()) - told:
                told.add(part)
                self._send(orders.GiveUp(part=part), number)
            if steering.held != held and making.only is None:  # nobody else can go on until it has its end
                held = steering.held
                self._send(orders.Hold(held=held), number)
            if not making.left.keys() <= told:
                await steering.changed.wait()
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
                    self.on_gpu = frame.on_gpu
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
            making.future.set_exception(late if making.overdue else Died(self._killed))
            if not making.overdue:  # it is begun anew: what that takes until the model is there is nobody's
                making.steering.began = None

    def _take(self, frame: orders.Begun | orders.Made, making: Making | None) -> None:
        if isinstance(frame, orders.Begun):
            if making is not None:
                making.begun.set()
                making.steering.began = making.steering.began or time.monotonic()
            return
        self.state = frame.state
        if making is None or frame.part not in making.left:
            return
        making.steering.settle(frame.part, _outcome(frame.outcome))
        if not making.left and not making.future.done():
            making.future.set_result(None)


def _outcome(part: orders.Output | orders.NotMade) -> Outcome:
    return part.sequences if isinstance(part, orders.Output) else Failed(part.name, part.message, part.machine)


def worker_command(home: Path, threads: int, first: str = "") -> list[str]:
    """The command that a worker is. `first` is a model to load at once; none where it is empty."""
    command = [sys.executable, "-W", "ignore", "-m", "autograder.host.worker", "--home", str(home)]
    return [*command, "--threads", str(threads), "--first", first]
