"""What the model host generates next: the one place that decides it.

Each notebook has a queue. Requests to one model, from whichever notebooks, share a batch (`batch.py`): they join one that runs,
between two tokens, and leave it when they have their end. Whatever cannot share goes alone. First comes whose notebook has had
least of the host, what is asked for now included: a notebook that asks for a lot waits for those that ask for little, and a
batch that has begun is held for them between two tokens. Who waits for a batch of their own lets others join what runs, but
not for long.

One event loop; nothing here knows torch.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque

from autograder.host import orders
from autograder.host.failures import OUT_OF_MEMORY, Failed
from autograder.host.generation import MAX_BATCH_TOKENS, batch_tokens
from autograder.host.maker import TOOK_TOO_LONG, Maker, Outcome
from autograder.host.memory import Sequences
from autograder.host.waiting import Account, Batch, BudgetSpent, Waiting

MAX_ROWS = 32
"""Rows of one batch at most, where the caller sets no other number."""
PASSED_SECONDS = 3.0
"""How long who can join nothing lets others join what runs; after that these end, and make room."""
SLICE_SECONDS = 0.5
"""How long a batch generates before it can be held for another."""
LEAD_SECONDS = 20.0
"""How much more of the host a held batch's notebooks must have had: those of a class that ask much the same hold nobody up."""
FAR_SECONDS = 60.0
"""With so much more of the host, asked for or had, a batch does not even run beside another, whose processors it would share."""
GATHER_SECONDS = 2.0
"""How long a request waits for a batch to begin while rehearsals are under way, which will ask more."""
FIRST_STEP_SECONDS = 0.05
"""What a new token is taken to cost before any has been made."""
FEW_TOKENS = 10
"""From answers shorter than this nothing is learnt of what a token costs: reading the prompt is most of it."""
READING = 1 / 50
"""What a token of a prompt costs, in new tokens."""


class Scheduler:
    """Queues, batches and turns. For one event loop.

    Args:
        slots: batches that generate at a time on a processor; a GPU generates one.
        max_rows: of one batch; with 1 every request goes alone.

    Attributes:
        begun: batches that have been begun.
        rehearsals: that are under way.
    """

    def __init__(self, maker: Maker, slots: int, max_rows: int) -> None:
        self.maker, self._slots, self._max_rows = maker, slots, max_rows
        self._queues: dict[Account, deque[Waiting]] = {}
        self.begun = self.rehearsals = 0
        self._batches: list[Batch] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._step = FIRST_STEP_SECONDS
        self._timer: asyncio.TimerHandle | None = None

    async def output(self, asked: orders.Make, account: Account, stop: asyncio.Event) -> Sequences:
        """The output of one part.

        Args:
            stop: set when nobody waits for it any more.

        Raises:
            BudgetSpent: its notebook has had what it may have.
            Failed: it could not be made.
        """
        part = asked.parts[0]
        tokens = batch_tokens(part.rows, part.settings)
        new = tokens // len(part.rows) - len(part.rows[0])
        account.take(tokens)
        future: asyncio.Future[Sequences] = asyncio.get_running_loop().create_future()
        waiting = Waiting(asked, account, tokens, new, stop, future)
        self._queues.setdefault(account, deque()).append(waiting)
        watching = asyncio.create_task(self._watch(waiting))
        self.look()
        made: Sequences = []
        try:
            made = await future
            return made
        finally:
            watching.cancel()
            used = sum(map(len, made)) if made else sum(map(len, part.rows))
            waiting.account.tokens += used - tokens

    def share(self, stop: asyncio.Event, account: Account) -> bool:
        """Another notebook waits for an output, too: it is made in the turn of whichever of the two has had less.

        Args:
            stop: given up with it.

        Answers whether it is the other one's from now on.
        """
        there = [each for queue in self._queues.values() for each in queue]
        there += [part for batch in self._batches for part in batch.parts.values()]
        waiting = next((each for each in there if each.stop is stop and each.account.seconds > account.seconds), None)
        if waiting is None or not account.has_room(waiting.tokens):
            return False
        queue = self._queues.get(waiting.account, deque())
        if waiting in queue:
            queue.remove(waiting)
            self._queues.setdefault(account, deque()).append(waiting)
        waiting.account.tokens -= waiting.tokens
        account.take(waiting.tokens)
        waiting.account = account
        self.look()
        return True

    def rehearse(self, more: int) -> None:
        """So many more rehearsals are under way."""
        self.rehearsals += more
        self.look()

    async def _watch(self, waiting: Waiting) -> None:
        """Ends a request for whose output nobody waits any more."""
        await waiting.stop.wait()
        queue = self._queues.get(waiting.account, deque())
        if waiting in queue:
            queue.remove(waiting)
            _fail(waiting, Failed("Cancelled", "nobody waits for it", machine=False))
        for batch in self._batches:
            batch.give_up(waiting)
        self.look()

    # --- Turns ---

    def look(self) -> None:
        """Begins, holds and goes on with batches, as it is whose turn."""
        now = time.monotonic()
        for batch in self._batches:
            batch.count(now)
        self._refuse_spent()
        self._join(now)
        self._hold_far_behind(now)
        while (best := self._next()) is not None:
            running = [batch for batch in self._batches if batch.running]
            if len(running) >= (1 if self.maker.on_gpu else self._slots):
                due = [batch for batch in running if now - batch.turn_since >= SLICE_SECONDS]
                last = max(due, key=self._claim, default=None)
                if last is None or self._claim(last) <= self._claim(best) + LEAD_SECONDS:
                    break
                last.hold(True, now)
            if best in self._batches:
                best.hold(False, now)
            else:
                self._begin(best)
        self._look_again(now)

    def _hold_far_behind(self, now: float) -> None:
        """Holds batches whose notebooks have had far more than those of another one that runs."""
        running = [batch for batch in self._batches if batch.running and batch.live]
        least = min(map(self._claim, running), default=0.0)
        for batch in running:
            if now - batch.turn_since >= SLICE_SECONDS and self._claim(batch) > least + FAR_SECONDS:
                batch.hold(True, now)

    def _refuse_spent(self) -> None:
        spent = [p for b in self._batches for p in b.live if p.account.is_spent]
        spent += [p for account, queue in self._queues.items() if account.is_spent for p in queue]
        for part in spent:
            _fail(part, BudgetSpent())
            for batch in self._batches:
                batch.give_up(part)
            with contextlib.suppress(ValueError):
                self._queues.get(part.account, deque()).remove(part)

    def _join(self, now: float) -> None:
        """Has batches that run take in what waits and can share with them, in turn."""
        for waiting in sorted((each for queue in self._queues.values() for each in queue), key=self._claim_of):
            batch = next((batch for batch in self._batches if batch.takes(waiting, self._max_rows)), None)
            if batch is not None and self._tokens() + waiting.tokens <= MAX_BATCH_TOKENS:
                self._queues[waiting.account].remove(waiting)
                batch.take(waiting)
            elif now - waiting.since >= PASSED_SECONDS:
                break

    def _next(self) -> Batch | None:
        """What comes next: a batch that is held, or a new one; None where nothing can run."""
        if any(part.exclusive for batch in self._batches for part in batch.parts.values()):
            return None
        held = [batch for batch in self._batches if not batch.running and not batch.postponed]
        new = self._gathered()
        if new is not None and not self._gathers(new) and self._has_room(new):
            held.append(new)
        best = min(held, key=self._claim, default=None)
        running = [self._claim(batch) for batch in self._batches if batch.running and batch.live]
        return None if best is None or (running and self._claim(best) > min(running) + FAR_SECONDS) else best

    def _gathered(self) -> Batch | None:
        """The request whose notebook has had least, and what can share with it: one of each notebook in turn."""
        queues = [list(queue) for queue in self._queues.values() if queue]
        if not queues:
            return None
        first = min((each for queue in queues for each in queue), key=self._claim_of)
        parts = [first]
        queues.sort(key=lambda queue: queue[0].account.seconds)
        for turn in range(max(map(len, queues))):
            for queue in queues:
                if turn < len(queue) and queue[turn] is not first and queue[turn].can_join(parts, self._max_rows):
                    parts.append(queue[turn])
        return Batch(parts, self._settle)

    def _gathers(self, new: Batch) -> bool:
        """Whether a batch waits for what rehearsals will ask."""
        since = min(part.since for part in new.parts.values())
        return self.rehearsals > 0 and time.monotonic() - since < GATHER_SECONDS

    def _tokens(self) -> int:
        return sum(batch.tokens for batch in self._batches)

    def _has_room(self, new: Batch) -> bool:
        """Whether what has been begun leaves room; else the one that has had most is postponed."""
        if new.parts[0].exclusive:
            return not self._batches
        if self._tokens() + new.tokens <= MAX_BATCH_TOKENS:
            return True
        last = max(self._batches, key=self._claim)
        if self._claim(last) > self._claim(new) and not last.postponed:
            last.postponed = True
            for number in last.parts:
                last.steering.give_up(number)
        return False

    def _cost(self, waiting: Waiting) -> float:
        """Seconds that a request is expected to take by itself."""
        return self._step * (waiting.new + READING * waiting.length * len(waiting.part.rows))

    def _claim_of(self, waiting: Waiting) -> float:
        return waiting.account.seconds + self._cost(waiting)

    def _claim(self, batch: Batch) -> float:
        """What the notebook that has had least of those in a batch will have had: the smallest comes first."""
        parts = batch.live or batch.parts.values()
        return min((part.account.seconds + max(0.0, self._cost(part) - part.had) for part in parts), default=0.0)

    def _look_again(self, now: float) -> None:
        """Looks again when a batch has had its slice, or somebody has let others pass for long."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        times = []
        waiting = [each for queue in self._queues.values() for each in queue]
        if waiting or any(not batch.running for batch in self._batches):
            times += [each.since + PASSED_SECONDS for each in waiting]
            times += [batch.turn_since + SLICE_SECONDS for batch in self._batches if batch.running]
        limits = [p.account.max_seconds - p.account.seconds for b in self._batches if b.running for p in b.live]
        times += [now + left for left in limits]
        times += [each.since + GATHER_SECONDS for each in waiting if self.rehearsals]
        if times:
            delay = max(0.01, min((at for at in times if at > now), default=now + SLICE_SECONDS) - now)
            self._timer = asyncio.get_running_loop().call_later(delay, self.look)

    # --- Batches ---

    def _begin(self, batch: Batch) -> None:
        for part in batch.parts.values():
            self._queues[part.account].remove(part)
        self._batches.append(batch)
        self.begun += 1
        task = asyncio.create_task(self._make(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _make(self, batch: Batch) -> None:
        why: Exception = Failed("WorkerLost", "the process that generates has left this request out", machine=True)
        try:
            await self.maker.make(batch.steering)
        except Exception as error:
            why = error
        batch.count(time.monotonic())
        for part in batch.parts.values():  # nobody may wait for ever
            _fail(part, why)
        self._batches.remove(batch)
        self._queues = {account: queue for account, queue in self._queues.items() if queue}
        self.look()

    def _settle(self, batch: Batch, part: Waiting, outcome: Outcome) -> None:
        if not isinstance(outcome, Failed):
            self._learn(batch, part, max(map(len, outcome), default=0) - part.length)
            if not part.future.done():
                part.future.set_result(outcome)
        elif not part.future.done():
            self._settle_failed(batch, part, outcome)
        self.look()

    def _settle_failed(self, batch: Batch, part: Waiting, outcome: Failed) -> None:
        postponed = batch.postponed and outcome.name in ("Cancelled", TOOK_TOO_LONG)
        crowded = outcome.name in OUT_OF_MEMORY and not part.exclusive and (len(self._batches) > 1 or batch.taken > 1)
        if (postponed or crowded) and not part.stop.is_set():
            if outcome.name != TOOK_TOO_LONG:  # else it would cost nothing never to end
                part.account.seconds -= part.had
            part.exclusive, part.had, part.joined_at = crowded, 0.0, 0.0
            self._queues.setdefault(part.account, deque()).appendleft(part)
        else:
            _fail(part, outcome)

    def _learn(self, batch: Batch, part: Waiting, made: int) -> None:
        """What a new token of a batch costs."""
        if made >= FEW_TOKENS and not batch.was_held:
            self._step += 0.2 * ((batch.spent - part.joined_at) / made - self._step)


def _fail(waiting: Waiting, why: Exception) -> None:
    if not waiting.future.done():
        waiting.future.set_exception(why)
