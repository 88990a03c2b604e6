"""What waits for the model host: requests, the batches that they become, and what their notebooks have had."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from autograder.host import orders
from autograder.host.maker import Outcome, Steering
from autograder.host.memory import Sequences as Tokens

SHARED_TOKENS = 16_384
"""Tokens of a batch that several share, output included."""
SHORT = 256
"""Prompts up to so many tokens share a batch, whatever their lengths; longer ones up to twice the shortest."""
ALONE = {"num_beams": 1, "num_return_sequences": 1, "use_cache": True, "max_time": None}
"""Settings that change how `generate` goes on for a whole batch, with the values under which others can share it."""
SIMILAR = 4
"""How many times longer than the shortest answers of a batch its longest may be."""


class BudgetSpent(Exception):
    """A notebook has had all of the host that it may have."""


@dataclass(eq=False)
class Account:
    """What one notebook has had of the host, and may have.

    Attributes:
        tokens: of its prompts and its answers; those that are asked for count until they are made.
        seconds: of the host's; those of a batch are shared by its parts.
    """

    max_tokens: int
    max_seconds: float
    tokens: int = 0
    seconds: float = 0.0

    def take(self, tokens: int) -> None:
        """Counts tokens that are asked for. Raises BudgetSpent where there are no more so many."""
        if not self.has_room(tokens):
            raise BudgetSpent
        self.tokens += tokens

    def has_room(self, tokens: int) -> bool:
        return self.tokens + tokens <= self.max_tokens and not self.is_spent

    @property
    def is_spent(self) -> bool:
        return self.seconds >= self.max_seconds


@dataclass(eq=False)
class Waiting:
    """A request of one part, until it has its output.

    Attributes:
        new: tokens that each of its rows gets at most.
        stop: set when nobody waits for it any more.
        exclusive: whether nothing else may be generated meanwhile.
        had: seconds of the host's that have been counted for it.
        joined_at: seconds that its batch had had when it joined.
    """

    asked: orders.Make
    account: Account
    tokens: int
    new: int
    stop: asyncio.Event
    future: asyncio.Future[Tokens]
    since: float = field(default_factory=time.monotonic)
    exclusive: bool = False
    had: float = 0.0
    joined_at: float = 0.0

    @property
    def part(self) -> orders.Part:
        return self.asked.parts[0]

    @property
    def length(self) -> int:
        return len(self.part.rows[0])

    @property
    def goes_alone(self) -> bool:
        settings = self.part.settings
        strange = any(settings.get(name) not in (None, usual) for name, usual in ALONE.items())
        return strange or self.exclusive or self.part.tokenizer or self.part.remembered is not None

    def can_join(self, others: Sequence[Waiting], max_rows: int) -> bool:
        """Whether it fits into one batch with others that fit into one."""
        together = [*others, self]
        if self.asked.model != others[0].asked.model or any(each.goes_alone for each in together):
            return False
        lengths, new = [each.length for each in together], [each.new for each in together]
        rows = sum(len(each.part.rows) for each in together)
        return (
            rows <= max_rows
            and rows * (max(lengths) + max(new)) <= SHARED_TOKENS
            and max(lengths) <= max(SHORT, 2 * min(lengths))
            and max(new) <= SIMILAR * min(new)
        )


class Batch:
    """Parts that are generated together. Others join it while it runs, and each leaves it as soon as it has its end.

    Args:
        first: what it begins with; one at least.
        settle: called once for each part, with what became of it.

    Attributes:
        parts: those that are in it now, by number.
        taken: how many have ever been in it.
        running: whether it has its turn; else it is held.
        turn_since, counted: when its turn began, and until when its time has been counted.
        spent: seconds that it has had.
        postponed: whether it gives its room to others, and its parts are begun anew later.
    """

    def __init__(self, first: Sequence[Waiting], settle: Callable[[Batch, Waiting, Outcome], None]) -> None:
        self.parts = dict(enumerate(first))
        self.taken = len(first)
        parts = {number: waiting.part for number, waiting in self.parts.items()}
        shared = not first[0].goes_alone
        asked = orders.Make(model=first[0].asked.model, parts=parts, shared=shared)
        self.steering = Steering(asked, self._end)
        self._settle = settle
        self.running, self.was_held, self.postponed = True, False, False
        self.turn_since = self.counted = time.monotonic()
        self.spent = 0.0

    @property
    def live(self) -> list[Waiting]:
        """The parts that somebody waits for."""
        return [part for part in self.parts.values() if not (part.future.done() or part.stop.is_set())]

    @property
    def tokens(self) -> int:
        return sum(part.tokens for part in self.parts.values())

    def takes(self, waiting: Waiting, max_rows: int) -> bool:
        """Whether another part can join it now."""
        live = self.live
        can = self.running and self.steering.open and not self.postponed and bool(live)
        return can and waiting.can_join(live, max_rows)

    def take(self, waiting: Waiting) -> None:
        waiting.joined_at = self.spent
        self.parts[self.taken] = waiting
        self.steering.join(self.taken, waiting.part)
        self.taken += 1

    def _end(self, number: int, outcome: Outcome) -> None:
        self.count(time.monotonic())
        self._settle(self, self.parts.pop(number), outcome)

    def give_up(self, waiting: Waiting) -> None:
        """Gives a part up, if it is in this batch."""
        for number in [number for number, part in self.parts.items() if part is waiting]:
            self.steering.give_up(number)

    def count(self, now: float) -> None:
        """Shares the time since the last count among the parts that have no end yet, given up or not. Loading is nobody's."""
        began = self.steering.began
        parts = [part for part in self.parts.values() if not part.future.done()]
        if self.running and began is not None and parts:
            seconds = max(0.0, now - max(self.counted, began))
            self.spent += seconds
            for part in parts:
                part.account.seconds += seconds / len(parts)
                part.had += seconds / len(parts)
        self.counted = now

    def hold(self, held: bool, now: float) -> None:
        self.running, self.was_held = not held, self.was_held or held
        self.turn_since = self.counted = now
        self.steering.hold(held)
