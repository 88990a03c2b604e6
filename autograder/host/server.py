"""The model host's process: `python -m autograder.host.server`, started by `control.py`.

One event loop reads frames; another process generates (`maker.py`). The grader's socket opens notebooks; each notebook has
a socket of its own for its kernel. Nothing that a kernel sends ends the process, fills its memory, or makes it load anything
outside the model home: an invalid frame ends its connection, with the reason.

It ends when its parent does, when it is told to, and when it has been idle for a while.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import secrets
import stat
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from autograder.facts.transcript import CANNED
from autograder.host import models as loading
from autograder.host.failures import Failed, failed
from autograder.host.frames import badly_shaped, keep_waiting, serve_frames
from autograder.host.generation import batch_tokens
from autograder.host.jobs import Jobs
from autograder.host.maker import ENDED_IT, TOOK_TOO_LONG, Maker, Worker, worker_command
from autograder.host.memory import Memory, Sequences
from autograder.host.models import Models
from autograder.host.notebooks import Notebook, Place, PromptTooLong
from autograder.host.scheduler import MAX_ROWS, Scheduler
from autograder.host.waiting import BudgetSpent
from autograder.protocol import wire
from autograder.protocol.echo import canned_answer, echo_of
from autograder.system.disk_cache import DiskCache
from autograder.words.masking import visible

MAX_CONNECTIONS = 64
"""Connections of one kernel at a time."""
MAX_AT_ONCE = 8
"""Requests of one kernel that this process holds at a time; others wait in the socket."""
MAX_SLOTS = 4
"""Batches that a processor generates at a time, at most; a GPU generates one."""
REFUSED = PromptTooLong | BudgetSpent
"""What is beyond a limit of the profile; it says so in the student's language."""
MAX_SAID = 1000
"""Lines that go to the log of this process, whatever happens."""


class Server:
    """The host. Everything runs on one event loop, but generation, which has threads of its own.

    Args:
        models: the models of its home, for names and texts.
        memory: what it has generated.
        folder: for the sockets of the notebooks; 0700.
        maker: who generates.
        slots: batches that generate at a time.
        max_rows: of one batch.
    """

    def __init__(
        self, models: Models, memory: Memory, folder: Path, maker: Maker, slots: int = 1, max_rows: int = MAX_ROWS
    ) -> None:
        self.models, self.folder = models, folder
        self.stopped = asyncio.Event()
        self.last_asked = time.monotonic()
        self.counts = wire.Counts(home=str(models.home))
        self._texts = ThreadPoolExecutor(1, "texts")  # a tokenizer is not for several threads
        self.maker = maker
        self.jobs = Jobs(models, memory, Scheduler(maker, slots, max_rows), self._texts, self._count)
        self._notebooks: dict[str, Notebook] = {}
        self._listening: dict[str, asyncio.Server] = {}
        self._connections: dict[str, set[asyncio.StreamWriter]] = {}
        self._said = 0

    async def prepare(self, generates: bool) -> None:
        """Imports what reads texts, and what generates where a model will be asked, so that no cell's time goes into that."""
        texts = asyncio.create_task(self._in_thread(self.models.read_one_tokenizer))
        if generates:
            with contextlib.suppress(Failed):
                await self.maker.versions()
        await texts

    # --- the grader's socket ---

    async def serve_grader(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One process of the grader's; the notebooks that it has opened end with its connection."""
        opened: list[str] = []

        async def answer(frame: Any, reader: asyncio.StreamReader) -> wire.Reply:
            reply = await self._for_grader(frame, reader)
            if isinstance(reply, wire.Opened):
                opened.append(reply.notebook)
            return reply

        try:
            await serve_frames(reader, writer, wire.FromGrader, wire.MAX_REPLY, asyncio.Semaphore(1), answer, self._say)
        finally:
            for notebook in [self._notebooks[name] for name in opened if name in self._notebooks]:
                await self._close(notebook)

    async def _for_grader(self, frame: Any, reader: asyncio.StreamReader) -> wire.Reply:
        self.last_asked = time.monotonic()
        match frame:
            case wire.Open():
                return await self._open(frame)
            case wire.Status():
                return self.status()
            case wire.Stop():
                self.stopped.set()
                return wire.Done()
            case wire.Render():
                found = await self._in_thread(lambda: self.models.renderings(frame.models, frame.conversations))
                return wire.Rendered(renderings=found)
        notebook = self._notebooks.get(frame.notebook)
        if notebook is None:
            return wire.Refused(name="KeyError", message=f"no notebook {frame.notebook!r} is open")
        match frame:
            case wire.Cell():
                notebook.cell = frame.cell
            case wire.Challenge():
                notebook.check = frame.check
            case wire.Read():
                return wire.Told(transcript=notebook.transcript())
            case wire.Close():
                await self._close(notebook)
        return wire.Done(seen=notebook.seen)

    async def _open(self, asked: wire.Open) -> wire.Opened:
        notebook = Notebook(secrets.token_hex(8), asked)
        path = self.folder / f"{notebook.id}.sock"
        turns = asyncio.Semaphore(MAX_AT_ONCE)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve_kernel(notebook, turns, reader, writer)

        self._notebooks[notebook.id] = notebook
        self.jobs.scheduler.rehearse(int(notebook.rehearsal))
        self._connections[notebook.id] = set()
        self._listening[notebook.id] = await asyncio.start_unix_server(serve, str(path))
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        names = {name: str(snapshot) for name, snapshot in self.models.names().items()}
        return wire.Opened(notebook=notebook.id, socket=str(path), models=names)

    async def _close(self, notebook: Notebook) -> None:
        if self._notebooks.pop(notebook.id, None) is not None:
            self.jobs.scheduler.rehearse(-int(notebook.rehearsal))
        listening = self._listening.pop(notebook.id, None)
        if listening is not None:
            listening.close()
        for writer in self._connections.pop(notebook.id, set()):
            writer.close()
        with contextlib.suppress(OSError):
            (self.folder / f"{notebook.id}.sock").unlink()

    async def close(self) -> None:
        """Closes every notebook that is still open, and ends what generates."""
        for notebook in list(self._notebooks.values()):
            await self._close(notebook)
        made = self.status()
        self._say(f"{made.generated} made, {made.tokens} tokens, in {made.batches} batches and {made.passes} passes")
        await self.maker.end()

    @property
    def busy(self) -> bool:
        """Whether something is being generated, or a notebook is open."""
        return bool(self.jobs.running or self._notebooks)

    def status(self) -> wire.Counts:
        state = self.maker.state
        return self.counts.model_copy(
            update={
                "models": {name: str(path) for name, path in self.models.names().items()},
                "loaded": list(state.loaded),
                "notebooks": len(self._notebooks),
                "dropped": state.dropped,
                "batches": self.jobs.scheduler.begun,
                "passes": state.passes,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 + state.peak_mb,
            }
        )

    # --- a kernel's socket ---

    async def _serve_kernel(
        self, notebook: Notebook, turns: asyncio.Semaphore, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        here = self._connections.get(notebook.id)
        if here is None or len(here) >= MAX_CONNECTIONS:
            writer.close()
            return
        here.add(writer)
        try:
            await serve_frames(
                reader, writer, wire.FromKernel, wire.MAX_FRAME, turns,
                lambda f, r: self._for_kernel(notebook, f, r), self._say, notebook.heard,
            )  # fmt: skip
        finally:
            here.discard(writer)

    async def _for_kernel(self, notebook: Notebook, frame: Any, reader: asyncio.StreamReader) -> wire.Reply:
        self.last_asked = time.monotonic()
        place = notebook.place
        known = self.models.names()
        if frame.model not in known:
            return wire.Refused(name="ValueError", message=f"{frame.model} is not in the model home")
        if isinstance(frame, wire.Note):
            rows, outputs = len(frame.rows), [[list(t) for t in row] for row in frame.outputs]
            if len(outputs) > rows:
                return wire.Refused(name="ValueError", message=f"outputs of {len(outputs)} rows for {rows} rows")
            return wire.Noted(
                numbers=await self._in_thread(lambda: notebook.note(self.models, frame, place, outputs, frame.error))
            )
        if why := badly_shaped(frame):
            return wire.Refused(name="ValueError", message=why)
        return await self._generate(notebook, frame, place, reader)

    async def _generate(
        self, notebook: Notebook, asked: wire.Generate, place: Place, reader: asyncio.StreamReader
    ) -> wire.Reply:
        check = place.check
        notebook.room(place, len(asked.rows), sum(map(len, asked.rows)))
        try:
            if check is None:  # a check's question is answered without reading it
                notebook.refuse_too_long(asked.rows)
            batch_tokens(asked.rows, asked.settings)
        except (PromptTooLong, ValueError) as error:
            return await self._failed(notebook, asked, place, error)
        if check is not None or notebook.echo or notebook.rehearsal:
            seed = notebook.seed_for(asked) if check is None else None
            if notebook.rehearsal and check is None:
                await self.jobs.make_ahead(asked, seed, notebook.account)
            text = CANNED if check is not None else echo_of(asked, seed)
            canned = await self._in_thread(lambda: self.models.encode(asked.model, text))
            sequences = canned_answer(asked, canned)
            self._count(echoed=1)
            return await self._answer(notebook, asked, place, sequences)
        try:
            notebook.refuse_after_too_long()
            sequences = await self.jobs.output(
                asked, notebook.seed_for(asked), notebook.verify, notebook.account, reader
            )
        except BudgetSpent:
            await keep_waiting()
            return await self._failed(notebook, asked, place, notebook.budget_spent())
        except Exception as error:
            cause = error.__cause__
            late = cause if isinstance(cause, Failed) and cause.name == TOOK_TOO_LONG else error
            refused = await self._failed(notebook, asked, place, late)
            if isinstance(error, ConnectionResetError):  # where the next frame would begin is no longer known
                raise
            return refused
        return await self._answer(notebook, asked, place, sequences)

    async def _answer(
        self, notebook: Notebook, asked: wire.Generate, place: Place, sequences: Sequences
    ) -> wire.Answer:
        each = max(1, len(sequences) // len(asked.rows))
        start = len(asked.rows[0])
        new = [[row[start:] for row in sequences[n * each : (n + 1) * each]] for n in range(len(asked.rows))]
        numbers = await self._in_thread(lambda: notebook.note(self.models, asked, place, new))
        return wire.Answer(numbers=numbers, sequences=sequences)

    async def _failed(self, notebook: Notebook, asked: wire.Generate, place: Place, error: Exception) -> wire.Refused:
        why = failed(error)
        name, message = why.name, str(why)
        if name in (TOOK_TOO_LONG, ENDED_IT):
            notebook.ended_a_worker = True
        if why.machine and not isinstance(error, REFUSED | ConnectionResetError):
            notebook.fault(f"{asked.model} could not generate: {name}: {message}")
            self._count(lost=1)
        numbers = await self._in_thread(lambda: notebook.note(self.models, asked, place, error=name))
        shown = "ValueError" if isinstance(error, REFUSED) else name
        return wire.Refused(name=shown, message=message, numbers=numbers)

    def _count(self, **more: float) -> None:
        self.counts = self.counts.model_copy(
            update={name: getattr(self.counts, name) + value for name, value in more.items()}
        )

    def _say(self, line: str) -> None:
        self._said += 1
        if self._said <= MAX_SAID:
            print(f"host: {visible(line[:500])}", file=sys.stderr, flush=True)

    async def _in_thread(self, call: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._texts, call)


async def run(server: Server, socket: Path, idle_seconds: float, parent: int | None) -> None:
    """Serves until told to stop, or idle, or the parent is gone.

    Args:
        parent: a file descriptor whose other end the parent holds; None for a host that is kept.
    """
    loop = asyncio.get_running_loop()
    if parent is not None:
        loop.add_reader(parent, server.stopped.set)
    listening = await asyncio.start_unix_server(server.serve_grader, str(socket))
    socket.chmod(stat.S_IRUSR | stat.S_IWUSR)
    print("ready", flush=True)
    try:
        while not server.stopped.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(server.stopped.wait(), min(idle_seconds, 5.0))
            if time.monotonic() - server.last_asked > idle_seconds and not server.busy:
                break
    finally:
        listening.close()
        await server.close()
        socket.unlink(missing_ok=True)


def main() -> None:
    """Parses, sets up the process, serves."""
    parser = argparse.ArgumentParser(prog="autograder.host.server", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--memory", type=Path, required=True)
    parser.add_argument("--idle", type=float, default=1800.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=MAX_ROWS, help="rows of one batch at most; 1: one at a time")
    parser.add_argument("--first", default="")
    parser.add_argument("--parent", type=int, default=None)
    given = parser.parse_args()
    loading.prepare(given.home, given.threads)
    loading.without_torch()  # what generates is another process
    os.umask(0o077)

    async def serve() -> None:
        slots = max(1, min(MAX_SLOTS, len(os.sched_getaffinity(0)) // given.threads))
        models, memory = Models(given.home), Memory(DiskCache(given.memory))
        maker = Worker(worker_command(given.home, given.threads, given.first))
        server = Server(models, memory, given.socket.parent, maker, slots, given.batch)
        await server.prepare(generates=bool(given.first))
        await run(server, given.socket, given.idle, given.parent)

    asyncio.run(serve())
    os._exit(0)  # a generation that nobody waits for does not hold up the end


if __name__ == "__main__":
    main()
