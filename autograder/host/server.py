"""The model host's process: `python -m autograder.host.server`, started by `control.py`.

One event loop reads frames; a few threads generate. The grader's socket opens notebooks; each notebook has a socket of its
own for its kernel. Nothing that a kernel sends ends the process, fills its memory, or makes it load anything outside the
model home: a frame that is not valid ends that connection, with a word why.

Ends by itself when its parent does, when it is told to, and when nobody has asked anything for a while.
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
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ..shelf import Shelf, digest
from ..transcript import CANNED, MAX_TEXT, Rendering
from . import models as loading
from . import wire
from .echo import canned_answer, echo_of
from .generation import Cancelled, batch_tokens
from .memory import Memory, Sequences
from .models import Models, device_failed, out_of_memory
from .notebooks import Notebook, Place, PromptTooLong, TooMuch, without_padding

FRAME_SECONDS = 30.0
"""How long the rest of a frame may take once it has begun."""
MAX_CONNECTIONS = 64
"""Connections of one kernel at a time."""
MAX_AT_ONCE = 8
"""Requests of one kernel that are in this process at a time; further ones wait unread in the socket."""
MAX_GENERATORS = 4
"""Threads that generate; no more notebooks than that are executed side by side."""
MAX_SAID = 1000
"""Lines that go to the log of this process, whatever happens."""
KERNEL_ERRORS = (
    "ValueError",
    "TypeError",
    "RuntimeError",
    "KeyError",
    "IndexError",
    "AttributeError",
    "NotImplementedError",
    "OverflowError",
    "ZeroDivisionError",
)


@dataclass
class Job:
    """One output being made, and how many wait for it."""

    future: asyncio.Future[Sequences]
    stop: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0


class Server:
    """The host. Everything runs on one event loop, but generation, which has threads of its own.

    Args:
        models: what it generates with.
        generators: how many threads generate; on a GPU they take turns.
        memory: what it has generated.
        folder: for the sockets of the notebooks; 0700.
        versions: goes into every key; asked of the libraries when None.
    """

    def __init__(
        self,
        models: Models,
        memory: Memory,
        folder: Path,
        versions: Callable[[], dict[str, str]] | None = None,
        generators: int = 1,
    ) -> None:
        self.models, self.memory, self.folder = models, memory, folder
        self.stopped = asyncio.Event()
        self.last_asked = time.monotonic()
        self.counts = wire.Counts(home=str(models.home))
        self._versions = versions or loading.library_versions
        self._known_versions: dict[str, str] | None = None
        self._worker = ThreadPoolExecutor(generators, "generate")
        self._texts = ThreadPoolExecutor(1, "texts")  # a tokenizer is not for several threads
        self._jobs: dict[str, Job] = {}
        self._notebooks: dict[str, Notebook] = {}
        self._listening: dict[str, asyncio.Server] = {}
        self._connections: dict[str, set[asyncio.StreamWriter]] = {}
        self._said = 0

    def prepare(self) -> None:
        """Begins to import what generates, so that it is there when it is wanted."""
        self._worker.submit(self._versions)

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
            await self._serve(reader, writer, wire.FromGrader, wire.MAX_REPLY, asyncio.Semaphore(1), answer)
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
                return wire.Rendered(renderings=await self._in_thread(lambda: self._render(frame)))
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
        self._connections[notebook.id] = set()
        self._listening[notebook.id] = await asyncio.start_unix_server(serve, str(path))
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        names = {name: str(snapshot) for name, snapshot in self.models.names().items()}
        return wire.Opened(notebook=notebook.id, socket=str(path), models=names)

    async def _close(self, notebook: Notebook) -> None:
        self._notebooks.pop(notebook.id, None)
        listening = self._listening.pop(notebook.id, None)
        if listening is not None:
            listening.close()
        for writer in self._connections.pop(notebook.id, set()):
            writer.close()
        with contextlib.suppress(OSError):
            (self.folder / f"{notebook.id}.sock").unlink()

    async def close(self) -> None:
        """Closes every notebook that is still open."""
        for notebook in list(self._notebooks.values()):
            await self._close(notebook)

    @property
    def busy(self) -> bool:
        """Whether something is being generated, or a notebook is open."""
        return bool(self._jobs or self._notebooks)

    def status(self) -> wire.Counts:
        return self.counts.model_copy(
            update={
                "models": {name: str(path) for name, path in self.models.names().items()},
                "loaded": self.models.loaded(),
                "notebooks": len(self._notebooks),
                "dropped": self.models.dropped,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )

    def _render(self, asked: wire.Render) -> tuple[Rendering, ...]:
        known = self.models.names()
        found = []
        for model in dict.fromkeys(name for name in asked.models if name in known):
            for messages in dict.fromkeys(asked.conversations):
                text = self.models.render(model, messages)
                if text is not None and len(text) <= MAX_TEXT:
                    found.append(Rendering(model=model, messages=messages, text=text))
        return tuple(found)

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
            await self._serve(
                reader, writer, wire.FromKernel, wire.MAX_FRAME, turns, lambda f, r: self._for_kernel(notebook, f, r)
            )
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
        if check is not None or notebook.echo:
            seed = notebook.seed_for(asked) if check is None else None
            text = CANNED if check is not None else echo_of(asked, seed)
            canned = await self._in_thread(lambda: self.models.encode(asked.model, text))
            sequences = canned_answer(asked, canned)
            self._count(echoed=1)
            return await self._answer(notebook, asked, place, sequences)
        try:
            sequences = await self._generated(notebook, asked, notebook.seed_for(asked), reader)
        except Exception as error:
            refused = await self._failed(notebook, asked, place, error)
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
        name = type(error).__name__
        message = " ".join(str(error).split())[:400]
        if (
            out_of_memory(error)
            or device_failed(error)
            or (name not in KERNEL_ERRORS and not isinstance(error, Cancelled | PromptTooLong | ConnectionResetError))
        ):
            notebook.fault(f"{asked.model} could not generate: {name}: {message}")
            self._count(lost=1)
        if device_failed(error):  # for every model and every notebook: another process can begin anew
            self._say(f"ends, since {name}: {message}")
            self.stopped.set()
        numbers = await self._in_thread(lambda: notebook.note(self.models, asked, place, error=name))
        shown = "ValueError" if isinstance(error, PromptTooLong) else name
        return wire.Refused(name=shown, message=message, numbers=numbers)

    async def _generated(
        self, notebook: Notebook, asked: wire.Generate, seed: int | None, reader: asyncio.StreamReader
    ) -> Sequences:
        """The output of a request: remembered, being made for somebody else, or made now."""
        key = await self._in_thread(lambda: self._key(asked, seed))
        remembered = self.memory.get(key)
        if remembered is not None and not notebook.verify:
            self._count(remembered=1)
            return remembered
        job = self._jobs.get(key)
        if job is None or job.stop.is_set():
            job = self._jobs[key] = Job(asyncio.get_running_loop().create_future())
            asyncio.create_task(self._work(key, job, asked, seed)).add_done_callback(lambda task: task.exception())
        output = await wait_for(job, reader)
        if remembered is not None and remembered != output:
            self._count(differing=1)
            self._say(f"{notebook.label}: a remembered answer of {asked.model} came out otherwise")
        return output

    async def _work(self, key: str, job: Job, asked: wire.Generate, seed: int | None) -> None:
        try:
            began = time.monotonic()
            settings = wire.honoured(asked.settings)
            output = await self._in_thread(
                lambda: self.models.generate(
                    asked.model, asked.rows, asked.mask, settings, seed, asked.tokenizer, job.stop
                ),
                self._worker,
            )
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
            if self._jobs.get(key) is job:
                del self._jobs[key]

    def _key(self, asked: wire.Generate, seed: int | None) -> str:
        if self._known_versions is None:
            self._known_versions = self._versions()
        return digest(
            {
                "model": asked.model,
                "weights": self.models.fingerprint(asked.model),
                "rows": asked.rows,
                "mask": asked.mask,
                "settings": wire.honoured(asked.settings),
                "tokenizer": asked.tokenizer,
                "seed": seed,
                "versions": self._known_versions,
            }
        )

    def _count(self, **more: float) -> None:
        self.counts = self.counts.model_copy(
            update={name: getattr(self.counts, name) + value for name, value in more.items()}
        )

    def _say(self, line: str) -> None:
        self._said += 1
        if self._said <= MAX_SAID:
            print(f"host: {line[:500]}", file=sys.stderr, flush=True)

    # --- frames ---

    async def _serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        kind: TypeAdapter[Any],
        limit: int,
        turns: AbstractAsyncContextManager[object],
        answer: Callable[[Any, asyncio.StreamReader], Awaitable[wire.Reply]],
    ) -> None:
        """Reads frames until the other side is done; a frame that is not valid is the last one.

        Args:
            turns: is held from when a frame begins to arrive until it is answered.
        """
        try:
            while (header := await read_header(reader, limit)) is not None:
                length, number = header
                async with turns:
                    body = await asyncio.wait_for(reader.readexactly(length), FRAME_SECONDS)
                    try:
                        frame = wire.parsed(kind, body)
                    except (ValueError, RecursionError) as error:
                        message = f"not a valid frame: {' '.join(str(error).split())}"[:500]
                        writer.write(wire.packed(wire.Refused(name="ValueError", message=message), number))
                        break
                    del body
                    try:
                        reply = await answer(frame, reader)
                    except ConnectionResetError:
                        break
                    except TooMuch as error:
                        reply = wire.Refused(name="RuntimeError", message=str(error)[:500])
                    except Exception as error:  # ours; the kernel is told, and the next frame may be better
                        self._say(f"{type(error).__name__}: {error}")
                        reply = wire.Refused(name="RuntimeError", message=f"{type(error).__name__}: {error}"[:500])
                    writer.write(wire.packed(reply, number))
                    del frame, reply
                    await writer.drain()
        except (OSError, TooLong, asyncio.IncompleteReadError, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            with contextlib.suppress(OSError):
                writer.close()

    async def _in_thread(self, call: Callable[[], Any], pool: ThreadPoolExecutor | None = None) -> Any:
        return await asyncio.get_running_loop().run_in_executor(pool or self._texts, call)


class TooLong(Exception):
    """A frame says that it is longer than it may be."""


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


async def wait_for(job: Job, reader: asyncio.StreamReader) -> Sequences:
    """A job's output. When the kernel goes away and nobody else waits, the job is told to stop, and has stopped.

    Raises ConnectionResetError where the kernel went away, or sent its next frame before it had its answer.
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
        if job.stop.is_set():
            await asyncio.wait({job.future})  # so that what waits to be generated stays bounded
        raise ConnectionResetError("the kernel went away, or spoke out of turn") from gone.exception()
    return job.future.result()


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
    parser.add_argument("--parent", type=int, default=None)
    given = parser.parse_args()
    loading.prepare(given.home, given.threads)
    os.umask(0o077)

    async def serve() -> None:
        generators = max(1, min(MAX_GENERATORS, len(os.sched_getaffinity(0)) // given.threads))
        models, memory = Models(given.home), Memory(Shelf(given.memory))
        server = Server(models, memory, given.socket.parent, generators=generators)
        server.prepare()
        await run(server, given.socket, given.idle, given.parent)

    asyncio.run(serve())
    os._exit(0)  # a generation that nobody waits for does not hold up the end


if __name__ == "__main__":
    main()
