"""What the host knows of one notebook: its transcript, the cell that is running, how often each request was made.

The cell and the challenge are told by the grader, never by the kernel. Everything is bounded, whatever a kernel sends.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.facts.transcript import FOR_CHECKS, MAX_REQUESTS, Request, Transcript
from autograder.host.models import Models
from autograder.host.waiting import Account, BudgetSpent
from autograder.protocol.wire import Generate, Note, Open, size_of
from autograder.system.disk_cache import digest
from autograder.words.grading import MODELS
from autograder.words.tables import say

MAX_STORED_TOKENS = 500_000
"""Tokens of one notebook's transcript, settings and texts included; later requests are refused."""
FOR_CHECKS_TOKENS = 100_000
"""Of these only checks can use so many."""
MAX_HEARD = 64 * 10**6
"""Bytes that the host reads of one kernel: to read a frame takes time that others wait for, also one that is refused."""
PER_FRAME = 10_000
"""Bytes that a frame or a connection counts for beside its length."""
CHARACTERS = 4
"""Characters of settings or text that count as one token."""
SEED_BITS = 62


@dataclass(frozen=True)
class Place:
    """Where a notebook was when it asked: the cell that was running, the check whose question it was."""

    cell: str | None
    check: str | None


class TooMuch(Exception):
    """This notebook has asked more than a transcript can hold."""


class PromptTooLong(Exception):
    """A request's prompts are longer than the profile has room for; it says so in the student's language."""


class Notebook:
    """One kernel's requests, in order. Safe to use from several threads."""

    def __init__(self, notebook_id: str, opened: Open) -> None:
        self.id, self.label, self.run = notebook_id, opened.label, opened.run
        self.echo, self.verify, self.rehearsal, self._opened = opened.echo, opened.verify, opened.rehearsal, opened
        self.cell: str | None = None
        self.check: str | None = None
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._times: Counter[str] = Counter()
        self._tokens = self._heard = 0
        self._complete = True
        self.ended_a_worker = False
        self.account = Account(opened.host_tokens, opened.host_seconds)
        self._faults: list[str] = []

    @property
    def seen(self) -> int:
        return len(self._requests)

    def fault(self, what: str) -> None:
        """Notes a failure of the machine's: the notebook's verdicts wait for another run."""
        with self._lock:
            if what[:500] not in self._faults and len(self._faults) < 20:
                self._faults.append(what[:500])

    def transcript(self) -> Transcript:
        with self._lock:
            return Transcript(requests=tuple(self._requests), complete=self._complete, faults=tuple(self._faults))

    def seed_for(self, asked: Generate) -> int | None:
        """The seed of a request: the notebook's own, or one from the request and how often this notebook has made it."""
        if not asked.settings.get("do_sample"):
            return None
        if asked.seed is not None:
            return asked.seed
        core = digest({"request": asked.model_dump(exclude={"streamed"}), "run": self.run})
        with self._lock:
            time = self._times[core]
            self._times[core] += 1
        return int(digest({"core": core, "time": time})[:16], 16) % (1 << SEED_BITS)

    def refuse_too_long(self, rows: Sequence[Sequence[int]]) -> None:
        """Raises PromptTooLong for more than `prompt_tokens`: nothing interrupts a model while it reads them."""
        tokens, limit = sum(map(len, rows)), self._opened.prompt_tokens
        if tokens > limit:
            words = MODELS["too-long-a-prompt"].fill(tokens=tokens, limit=limit)
            raise PromptTooLong(say(words, self._opened.language))

    def budget_spent(self) -> BudgetSpent:
        """Why this notebook gets nothing more, in the student's language."""
        words = MODELS["budget-spent"].fill(tokens=self._opened.host_tokens, minutes=self._opened.host_seconds / 60)
        return BudgetSpent(say(words, self._opened.language))

    def refuse_after_too_long(self) -> None:
        """Raises RuntimeError where an earlier request of this notebook could only be stopped with its process."""
        if self.ended_a_worker:
            raise RuntimeError(say(MODELS["asked-too-long"], self._opened.language))

    def heard(self, count: int) -> None:
        """Counts bytes that its kernel sends. Raises TooMuch where these are more than any notebook needs."""
        self._heard += count + PER_FRAME
        if self._heard > MAX_HEARD:
            self._complete = False
            raise TooMuch("this notebook has sent more than the grading machine reads")

    @property
    def place(self) -> Place:
        return Place(self.cell, self.check)

    def room(self, place: Place, rows: int, tokens: int) -> None:
        """Raises TooMuch where the transcript has no room for so much more."""
        requests, stored = MAX_REQUESTS, MAX_STORED_TOKENS
        if place.check is None:
            requests, stored = requests - FOR_CHECKS, stored - FOR_CHECKS_TOKENS
        if len(self._requests) + rows > requests or self._tokens + tokens > stored:
            self._complete = False
            raise TooMuch("this notebook has asked more than the grading machine keeps")

    def note(
        self,
        models: Models,
        asked: Generate | Note,
        place: Place,
        outputs: Sequence[Sequence[Sequence[int]]] = (),
        error: str | None = None,
    ) -> list[int]:
        """Adds a request for each row of a batch.

        Args:
            place: where the notebook was when it asked.
            outputs: for each row the new tokens of each sequence; none where nothing was generated.

        Returns:
            the numbers that the requests have got.
        """
        rows = without_padding(asked)
        per_row = [list(outputs[n])[:64] if n < len(outputs) else [] for n in range(len(rows))]
        tokens = sum(map(len, rows)) + sum(len(tokens) for new in per_row for tokens in new)
        tokens += size_of(asked.settings) // CHARACTERS
        self.room(place, len(rows), tokens)  # before the work of decoding
        texts = [models.decode(asked.model, row) for row in rows]
        told = [tuple(models.decode(asked.model, tokens) for tokens in new) for new in per_row]
        tokens += sum(map(len, texts)) // CHARACTERS + sum(len(text) for new in told for text in new) // CHARACTERS
        with self._lock:
            self.room(place, len(rows), tokens)
            self._tokens += tokens
            numbers = []
            for row, text, new, out in zip(rows, texts, per_row, told, strict=True):
                numbers.append(len(self._requests))
                self._requests.append(
                    Request(
                        number=numbers[-1],
                        cell=place.cell,
                        challenge=place.check,
                        model=asked.model,
                        text=text,
                        token_ids=tuple(row),
                        settings=asked.settings,
                        outputs=out,
                        output_ids=tuple(tuple(tokens) for tokens in new),
                        streamed=asked.streamed,
                        error=error,
                        self_reported=isinstance(asked, Note) and bool(out),
                    )
                )
            return numbers


def without_padding(asked: Generate | Note) -> list[list[int]]:
    if isinstance(asked, Note):
        return [list(row) for row in asked.rows]
    return [
        [token for token, on in zip(row, mask, strict=True) if on]
        for row, mask in zip(asked.rows, asked.mask, strict=True)
    ]
