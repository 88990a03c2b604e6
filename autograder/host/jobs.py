"""Outputs, each made once: remembered, being made for somebody else, or made now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from autograder.host import orders
from autograder.host.memory import Memory, Sequences
from autograder.host.models import Models
from autograder.host.scheduler import Scheduler
from autograder.host.waiting import Account, BudgetSpent
from autograder.protocol import wire
from autograder.system.disk_cache import digest


@dataclass
class Job:
    """One output being made, and how many wait for it; `stop` is set when nobody does any more."""

    future: asyncio.Future[Sequences]
    account: Account
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0


class Jobs:
    """What is being made and what has been. For one event loop.

    Args:
        scheduler: has it made when it is its turn.
        texts: a thread for what takes long (the digest of a model's files).
        count: adds to the host's counts.
    """

    def __init__(
        self, models: Models, memory: Memory, scheduler: Scheduler, texts: Executor, count: Callable[..., None]
    ) -> None:
        self.memory, self.scheduler = memory, scheduler
        self.running: dict[str, Job] = {}
        self._models, self._texts, self._count = models, texts, count

    async def output(
        self, asked: wire.Generate, seed: int | None, verify: bool, account: Account, reader: asyncio.StreamReader
    ) -> Sequences:
        """The output of a request.

        Raises ConnectionResetError as `wait_for` does, BudgetSpent where the account's notebook has had what it may have, and
        what making it raises.
        """
        key = await self._key(asked, seed)
        remembered = self.memory.get(key)
        if remembered is not None and not verify:
            self._count(remembered=1)
            return remembered
        while True:
            job = self.running.get(key)
            if job is None or job.stop.is_set():
                job = self._begin(key, asked, seed, account)
            elif job.account is not account and self.scheduler.share(job.stop, account):
                job.account = account
            try:
                output = await wait_for(job, reader)
                break
            except BudgetSpent:
                if job.account is account:
                    raise
        if remembered is not None and remembered != output:
            same = await self._is_rounding(asked, seed, remembered)
            self._count(rounded=int(same), differing=int(not same))
        return output

    async def make_ahead(self, asked: wire.Generate, seed: int | None, account: Account) -> None:
        """Has an output made that nobody waits for yet; whoever makes the same request takes it."""
        key = await self._key(asked, seed)
        if key not in self.running and self.memory.get(key) is None:
            self._begin(key, asked, seed, account).waiting += 1  # so that it goes on when others have gone

    def _begin(self, key: str, asked: wire.Generate, seed: int | None, account: Account) -> Job:
        job = self.running[key] = Job(asyncio.get_running_loop().create_future(), account)
        asyncio.create_task(self._work(key, job, asked, seed)).add_done_callback(_looked_at)
        return job

    async def _is_rounding(self, asked: wire.Generate, seed: int | None, remembered: Sequences) -> bool:
        """Whether a remembered output may differ from one made now by rounding alone, as those made in batches do."""
        part = _part(asked, seed).model_copy(update={"remembered": remembered})
        ours = Account(max_tokens=2**62, max_seconds=float("inf"))
        make = orders.Make(model=asked.model, parts={0: part})
        return await self.scheduler.output(make, ours, asyncio.Event()) == remembered

    async def _work(self, key: str, job: Job, asked: wire.Generate, seed: int | None) -> None:
        try:
            began = time.monotonic()
            make = orders.Make(model=asked.model, parts={0: _part(asked, seed)})
            output = await self.scheduler.output(make, job.account, job.stop)
            made = sum(len(row) - len(asked.rows[0]) for row in output)
            self._count(generated=1, tokens=made, seconds=time.monotonic() - began)
            self.memory.put(key, output)
            job.future.set_result(output)
        except Exception as error:
            job.future.set_exception(error)
            job.future.exception()  # looked at, so that nobody is told of it when nobody waits
        finally:
            if not job.future.done():  # this process ends
                job.future.cancel()
            if self.running.get(key) is job:
                del self.running[key]

    async def _key(self, asked: wire.Generate, seed: int | None) -> str:
        versions = await self.scheduler.maker.versions()

        def key() -> str:
            return digest(
                {
                    "model": asked.model,
                    "weights": self._models.fingerprint(asked.model),
                    "rows": asked.rows,
                    "mask": asked.mask,
                    "settings": wire.honoured(asked.settings),
                    "tokenizer": asked.tokenizer,
                    "seed": seed,
                    "versions": versions,
                }
            )

        return await asyncio.get_running_loop().run_in_executor(self._texts, key)


def _part(asked: wire.Generate, seed: int | None) -> orders.Part:
    return orders.Part(
        rows=asked.rows, mask=asked.mask, settings=wire.honoured(asked.settings), seed=seed, tokenizer=asked.tokenizer
    )


def _looked_at(task: asyncio.Task[None]) -> None:
    """What went wrong is in the job; it is looked at here, so that asyncio does not tell of it."""
    if not task.cancelled():
        task.exception()


async def wait_for(job: Job, reader: asyncio.StreamReader) -> Sequences:
    """A job's output. Stops the job when its kernel goes away and nobody else waits.

    Raises ConnectionResetError where the kernel went away, or sent its next frame before it had its answer;
    its cause is what became of a job that nobody else waited for.
    """
    job.waiting += 1
    gone = asyncio.ensure_future(reader.read(1))
    either: set[asyncio.Future[Any]] = {job.future, gone}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        job.waiting -= 1
        if job.waiting == 0 and not job.future.done():
            job.stop.set()
        gone.cancel()
        await asyncio.wait({gone})
    if not gone.cancelled():
        why = gone.exception()
        if job.stop.is_set():
            await asyncio.wait({job.future})  # so that what waits to be generated stays bounded
            why = why or job.future.exception()
        raise ConnectionResetError("the kernel went away, or spoke out of turn") from why
    return job.future.result()
