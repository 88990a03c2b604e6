"""A model host inside the test's own process, and models that are no models: what `test_host*.py` share."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

from autograder.host import orders
from autograder.host.control import Host, NotebookSession
from autograder.host.failures import failed
from autograder.host.generation import Control
from autograder.host.maker import Maker, Outcome, Steering
from autograder.host.memory import Memory
from autograder.host.models import Models
from autograder.host.scheduler import MAX_ROWS
from autograder.host.server import Server
from autograder.protocol import wire
from autograder.protocol.line import Line

ONE, TWO, THREE = "org/one", "org/two", "org/three"
VOCABULARY = 1000


class Letters:
    """A tokenizer whose tokens are the code points of letters."""

    chat_template = None

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": [ord(letter) % VOCABULARY for letter in text]}

    def decode(self, tokens: Sequence[int], skip_special_tokens: bool = False) -> str:
        return "".join(chr(token % 128) for token in tokens)


class Same:
    """Processors of scores that change nothing."""

    def __call__(self, ids: Any, scores: Any) -> Any:
        return scores


class Limit:
    """The stopping criteria of a request: its own limit."""

    def __init__(self, config: Any, ids: Any) -> None:
        config.max_length = ids.shape[1] + min(config.max_new_tokens or 3, 50)
        self._longest = config.max_length

    def __call__(self, ids: Any, scores: Any, **_: Any) -> Any:
        import torch

        return torch.full((ids.shape[0],), ids.shape[1] >= self._longest)


class Network:
    """In the place of a model: says three letters that depend on what was asked, and on the seed of a sampled request.

    Args:
        begin: called when it begins to generate, with how often it has.
    """

    device = "cpu"

    def __init__(self, name: str, begin: Callable[[int], None] | None = None) -> None:
        self.name, self.begin, self.calls = name, begin, 0
        self.step: Callable[..., None] = lambda: None

    def parameters(self) -> list[Any]:
        return []

    def __deepcopy__(self, memo: dict[int, Any]) -> Network:
        return self

    def register_forward_pre_hook(self, step: Callable[..., None]) -> Any:
        self.step = step
        return SimpleNamespace(remove=lambda: None)

    def get_input_embeddings(self) -> Any:
        return SimpleNamespace(num_embeddings=VOCABULARY)

    def generate(
        self,
        inputs: Any,
        attention_mask: Any,
        generation_config: Any,
        stopping_criteria: Any,
        tokenizer: Any = None,
        custom_generate: Any = None,
        logits_processor: Any = None,
    ) -> Any:
        import torch

        ids = inputs
        if custom_generate is not None:
            return custom_generate(self, ids, Same(), Limit(generation_config, ids), generation_config)
        self._begin()
        config = generation_config
        copies = config.num_return_sequences or 1
        ids = ids.repeat_interleave(copies, dim=0)
        for _ in range(min(config.max_new_tokens or 3, 50)):
            self.step()
            scores = self._scores(ids.sum(dim=1))
            new = scores.argmax(dim=-1, keepdim=True)
            if config.do_sample:
                new = torch.multinomial(scores.softmax(dim=-1), num_samples=1)
            ids = torch.cat([ids, new], dim=1)
            if all(bool(criterion(ids, None).all()) for criterion in stopping_criteria):
                break
        return ids

    def __call__(self, **given: Any) -> Any:
        self.step()
        return self.forward(**given)

    def forward(self, input_ids: Any, attention_mask: Any, past_key_values: Any, **_: Any) -> Any:
        """Keeps the tokens themselves in the cache."""
        import torch

        if past_key_values.get_seq_length() == 0:
            self._begin()
        kept = input_ids[:, None, :, None].float()
        keys, _ = past_key_values.update(kept, kept, 0)
        read = keys[:, 0, :, 0] * (1 if attention_mask is None else attention_mask)
        return SimpleNamespace(logits=self._scores(read.sum(dim=1))[:, None].to(torch.float32))

    def _begin(self) -> None:
        self.calls += 1
        if self.begin is not None:
            self.begin(self.calls)

    def _scores(self, sums: Any) -> Any:
        """One letter is a little better than the others, by the sum of all tokens before."""
        import torch

        scores = torch.full((sums.shape[0], VOCABULARY), -torch.inf)
        scores[:, 97:123] = 0.0
        return scores.scatter(1, (97 + (sums.long() + len(self.name)) % 26)[:, None], 1e-5)


class FakeModels(Models):
    """Models of a home without weights, that remembers which snapshots were asked for.

    Args:
        begin: for each network, called when it begins to generate.
    """

    def __init__(
        self,
        home: Path,
        begin: Callable[[int], None] | None = None,
        load: Callable[[Path, str], Any] | None = None,
        free_bytes: Callable[[str], int] | None = None,
        device: str = "cpu",
    ) -> None:
        self.asked_for: list[Path] = []
        self.networks: dict[str, Network] = {}
        self.begin = begin
        super().__init__(home, load or self.load_fake, free_bytes or (lambda device: 1 << 40), device)

    def load_fake(self, snapshot: Path, device: str) -> Any:
        self.asked_for.append(snapshot)
        name = "/".join(snapshot.parents[1].name.split("--")[1:])
        self.networks[name] = Network(name, self.begin)
        return self.networks[name]

    def tokenizer(self, name: str) -> Any:
        return Letters() if name in self.names() else None


def make_home(home: Path, names: Sequence[str] = (ONE, TWO), weights: int = 10) -> Path:
    """A model home with files that are no models."""
    for name in names:
        folder = home / "hub" / f"models--{name.replace('/', '--')}"
        snapshot = folder / "snapshots" / "abc"
        snapshot.mkdir(parents=True)
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text("abc")
        (snapshot / "config.json").write_text("{}")
        (snapshot / "model.safetensors").write_bytes(b"x" * weights)
    return home


class Threads:
    """Makes outputs in threads of the test's own process, in the place of a worker."""

    def __init__(self, models: Models) -> None:
        self._models, self.pool = models, ThreadPoolExecutor(16, "generate")
        self.on_gpu = models._device != "cpu"
        self.given_up: set[int] = set()

    @property
    def state(self) -> orders.State:
        return orders.State(loaded=tuple(self._models.loaded()), dropped=self._models.dropped)

    async def versions(self) -> dict[str, str]:
        return {"all": "1"}

    async def end(self) -> None:
        self.pool.shutdown(wait=False)

    async def make(self, steering: Steering) -> None:
        while steering.left:  # again, where some joined as the batch had its end
            await self._once(steering)

    async def _once(self, steering: Steering) -> None:
        asked = orders.Make(model=steering.model, parts=dict(steering.left), shared=steering.shared)
        control, loop, told = Control(asked.parts), asyncio.get_running_loop(), set(asked.parts)

        async def tell() -> None:
            while True:
                new = {number: part for number, part in steering.left.items() if number not in told}
                told.update(new)
                if not control.join(new):
                    return
                for part in steering.given_up:
                    control.give_up(part)
                    self.given_up.add(part)
                control.hold(steering.held)
                steering.changed.clear()
                await steering.changed.wait()

        def begun() -> None:
            steering.began = steering.began or time.monotonic()

        def settled(number: int, made: Any) -> None:
            outcome: Outcome = failed(made) if isinstance(made, Exception) else made
            loop.call_soon_threadsafe(steering.settle, number, outcome)

        telling = asyncio.create_task(tell())
        try:
            await loop.run_in_executor(self.pool, lambda: self._models.generate(asked, control, settled, begun))
        finally:
            telling.cancel()


class Serving:
    """A server on a thread of its own, until the end of a `with` block."""

    def __init__(
        self,
        models: Models,
        memory: Memory | None = None,
        slots: int = 1,
        maker: Maker | None = None,
        max_rows: int = MAX_ROWS,
    ) -> None:
        self._threads, self._slots, self._max_rows = Threads(models), slots, max_rows
        self._maker = maker or self._threads
        self._visits: list[NotebookSession] = []
        self._models, self._memory = models, memory or Memory(None)
        self._folder = Path(tempfile.mkdtemp(prefix="host"))  # its path is short enough for a socket
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._ready = threading.Event()
        self.server: Server

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.server = Server(self._models, self._memory, self._folder, self._maker, self._slots, self._max_rows)
        listening = await asyncio.start_unix_server(self.server.serve_grader, str(self._folder / "host.sock"))
        self._ready.set()
        await self.server.stopped.wait()
        listening.close()
        await self.server.close()

    def __enter__(self) -> Serving:
        self._thread.start()
        self._ready.wait()
        self.host = Host(self._folder / "host.sock")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for visit in self._visits:
            visit.close()
        self.host.end()
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.server.stopped.set)
        self._thread.join()
        self._threads.pool.shutdown()
        self.server._texts.shutdown()
        shutil.rmtree(self._folder)

    def open(self, label: str = "anna", **settings: Any) -> NotebookSession:
        self._visits.append(self.host.open(wire.Open(label=label, **settings)))  # a notebook ends with its line
        return self._visits[-1]

    def until(self, claim: Callable[[], bool]) -> None:
        """Asks the host for its status until something is so."""
        for _ in range(100_000):
            if claim():
                return
            self.host.status()
        raise AssertionError("it never came to that")


def request(text: str = "Ahoy", model: str = ONE, copies: int = 1, **settings: Any) -> wire.Generate:
    """A request for one row, or for several equal ones."""
    row = [ord(letter) for letter in text]
    return wire.Generate(model=model, rows=[row] * copies, mask=[[1] * len(row)] * copies, settings=settings)


def ask(visit: NotebookSession, frame: wire.Frame) -> wire.Reply:
    """What a kernel is answered."""
    line = Line(visit.socket)
    try:
        return line.ask(frame)
    finally:
        line.close()


def said(reply: wire.Reply, asked: wire.Generate) -> list[str]:
    """The new text of each sequence of an answer."""
    assert isinstance(reply, wire.Answer), reply
    start = len(asked.rows[0])
    return [Letters().decode(row[start:]) for row in reply.sequences]


def expected(asked: wire.Generate, length: int = 3) -> str:
    """What a network says to the first row of a greedy request."""
    return Letters().decode(answered(asked.model, asked.rows[0], length)[len(asked.rows[0]) :])


def answered(model: str, row: Sequence[int], length: int = 3) -> list[int]:
    """A row with what a network says to it."""
    row = list(row)
    for _ in range(length):
        row.append(97 + (sum(row) + len(model)) % 26)
    return row


def exactly(line: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = line.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data
