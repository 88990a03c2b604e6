"""The models of one model home: each is loaded once, on the GPU when there is one, and dropped only when memory runs out.

It loads nothing but snapshots of its own home, by exact name, without network and without code from the hub. A processor
generates for several threads at a time, a GPU for one; weights are shared.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import hashlib
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from autograder.facts.transcript import Message
from autograder.host import generation
from autograder.host.failures import device_failed, out_of_memory
from autograder.host.generation import MAX_BATCH_TOKENS, Cancelled, batch_tokens, run_generate
from autograder.protocol.chat_template import decoded, encoded, freeze_today, templated
from autograder.protocol.model_cache import snapshots
from autograder.system.imports import garbage_later

HEADROOM = 1.2
"""What a model takes in memory beside its weights, as a factor."""


class LoadFailed(Exception):
    """A model of this home could not be loaded; it says why."""


class Weights:
    """A model that is loaded, for any number of threads.

    Args:
        model: as `from_pretrained` gives it.
    """

    def __init__(self, model: Any) -> None:
        self._model: Any = model  # never runs itself: it can be copied while its copies do
        self._idle: list[Any] = []

    def take(self) -> Any:
        """A model for one thread: a copy of the modules that shares the weights."""
        try:
            return self._idle.pop()
        except IndexError:
            shared = {id(weight): weight for weight in self._model.parameters()}
            return copy.deepcopy(self._model, shared)

    def give_back(self, model: Any) -> None:
        self._idle.append(model)


class Models:
    """Models by name, for any thread.

    Args:
        home: a Hugging Face home, with snapshots under `hub/`.
        load: loads a model from its snapshot folder onto a device; the tests' own instead of transformers'.
        free_bytes: how much memory a model can still take on a device.
        device: where they live, as torch calls it; the GPU when there is one, where None.
    """

    def __init__(
        self,
        home: Path,
        load: Callable[[Path, str], Any] | None = None,
        free_bytes: Callable[[str], int] | None = None,
        device: str | None = None,
    ) -> None:
        self.home, self._device = home, device
        self.dropped = 0
        self._load = load or load_model
        self._free_bytes = free_bytes or memory_free
        self._loaded: OrderedDict[str, Weights] = OrderedDict()
        self._loading = threading.RLock()  # transformers imports what it loads, and not for several threads at once
        self._tokens, self._turns = 0, threading.Condition()
        self._fingerprints: dict[str, str] = {}
        self._tokenizers: dict[str, Any] = {}

    def names(self) -> dict[str, Path]:
        """The snapshot folder of every model in the home."""
        return snapshots(self.home)

    def loaded(self) -> list[str]:
        return list(self._loaded)

    def tokenizer(self, name: str) -> Any:
        """The model's tokenizer, or None where it has none that can be read."""
        if name not in self._tokenizers:
            with self._loading:
                snapshot = self.names().get(name)
                found = load_tokenizer(snapshot) if snapshot is not None else None
                self._tokenizers.setdefault(name, found)
        return self._tokenizers[name]

    def read_one_tokenizer(self) -> None:
        """Reads one, whichever can be read: what that imports takes seconds, the next ones are there at once."""
        with garbage_later():
            next(filter(None, map(self.tokenizer, self.names())), None)

    def decode(self, name: str, tokens: Sequence[int]) -> str:
        """Tokens as text, without special tokens; empty where there is no tokenizer."""
        return decoded(self.tokenizer(name), tokens)

    def encode(self, name: str, text: str) -> list[int]:
        return encoded(self.tokenizer(name), text)

    def render(self, name: str, messages: Sequence[Message]) -> str | None:
        """Messages through the model's chat template; None where it refuses them or has none."""
        return templated(self.tokenizer(name), messages)

    def fingerprint(self, name: str) -> str:
        """A digest of everything in the model's snapshot: the same files, the same answers."""
        if name not in self._fingerprints:
            self._fingerprints[name] = snapshot_digest(self.names()[name])
        return self._fingerprints[name]

    def generate(
        self,
        name: str,
        rows: list[list[int]],
        mask: list[list[int]],
        settings: Mapping[str, Any],
        seed: int | None,
        with_tokenizer: bool = False,
        stop: threading.Event | None = None,
        begun: Callable[[], None] = lambda: None,
    ) -> list[list[int]]:
        """`generate` on a batch, when what others generate leaves it room; see `run_generate`.

        Args:
            stop: set when nobody waits for the output any more.
            begun: called when the model is loaded and it is this batch's turn.

        Where memory runs out, the least recently used other model is dropped and the request tried again, alone.

        Raises:
            Cancelled: `stop` was set.
            LoadFailed: the model's files are not what they should be.
            Exception: whatever `generate` raises for these settings, and the device's own out-of-memory error when no
                other model is left to drop.
        """
        tokenizer = self.tokenizer(name) if with_tokenizer else None
        size = batch_tokens(rows, settings)
        while True:
            if stop is not None and stop.is_set():
                raise Cancelled
            try:
                with self._turn(size), self._model(name) as model:
                    if stop is not None and stop.is_set():
                        raise Cancelled
                    begun()
                    return run_generate(model, tokenizer, rows, mask, settings, seed, stop)
            except Exception as error:
                if not out_of_memory(error) or (not self._drop_one(name) and size == MAX_BATCH_TOKENS):
                    raise
                size = MAX_BATCH_TOKENS
            # Outside the handler: its exception holds the failed call's tensors.
            release_memory()

    @contextmanager
    def _turn(self, size: int) -> Iterator[None]:
        """Waits until a batch of so many tokens has room. On a GPU each batch runs alone."""
        if (self._device or device_here()) != "cpu":
            size = MAX_BATCH_TOKENS
        with self._turns:
            self._turns.wait_for(lambda: self._tokens + size <= MAX_BATCH_TOKENS)
            self._tokens += size
        try:
            yield
        finally:
            with self._turns:
                self._tokens -= size
                self._turns.notify_all()

    def load(self, name: str) -> None:
        """Loads a model; where that fails, the first request for it says why."""
        with contextlib.suppress(Exception), self._loading, garbage_later():
            self._get(name)

    @contextmanager
    def _model(self, name: str) -> Iterator[Any]:
        with self._loading:
            weights = self._get(name)
            model = weights.take()
        try:
            yield model
        finally:
            weights.give_back(model)

    def _get(self, name: str) -> Weights:
        if name in self._loaded:
            self._loaded.move_to_end(name)
            return self._loaded[name]
        snapshot = self.names()[name]
        device = self._device or device_here()
        needed = int(HEADROOM * weights_bytes(snapshot))
        while self._free_bytes(device) < needed and self._drop_one(name):
            release_memory()
        if self._free_bytes(device) < needed:
            raise MemoryError(
                f"{name} needs {needed / 1e9:.1f} GB on {device}; {self._free_bytes(device) / 1e9:.1f} are free"
            )
        generation.prepare()
        try:
            self._loaded[name] = Weights(self._load(snapshot, device))
        except Exception as error:
            if out_of_memory(error) or device_failed(error):
                raise
            raise LoadFailed(f"{name} cannot be loaded: {type(error).__name__}: {error}") from error
        return self._loaded[name]

    def _drop_one(self, wanted: str) -> bool:
        """Drops the least recently used model other than the wanted one. False where there is none."""
        with self._loading:
            oldest = next((name for name in self._loaded if name != wanted), None)
            if oldest is None:
                return False
            del self._loaded[oldest]
            self.dropped += 1
            return True


def device_here() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def memory_free(device: str) -> int:
    """Bytes that can still be taken on a device."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


def weights_bytes(snapshot: Path) -> int:
    return sum(path.stat().st_size for path in snapshot.glob("*.safetensors"))


def load_model(snapshot: Path, device: str) -> Any:
    """The model in its checkpoint's own type, without generation settings of its own: a request brings all that it needs."""
    from transformers import AutoModelForCausalLM, GenerationConfig
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(snapshot, local_files_only=True, trust_remote_code=False, dtype="auto")
    model = model.to(device).eval()
    model.generation_config = GenerationConfig()
    return model


def load_tokenizer(snapshot: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(snapshot, local_files_only=True, trust_remote_code=False)
    except Exception:  # whatever is wrong with its files; requests are then noted by their tokens
        return None


def snapshot_digest(snapshot: Path) -> str:
    """SHA-256 over names and contents of a snapshot's files."""
    whole = hashlib.sha256()
    for path in sorted(p for p in snapshot.iterdir() if p.is_file()):
        with path.open("rb") as file:
            whole.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


def release_memory() -> None:
    gc.collect()
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def library_versions() -> dict[str, str]:
    """What an output depends on besides the request: libraries, device, threads."""
    import torch
    import transformers

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else torch.backends.cpu.get_cpu_capability()
    threads = str(torch.get_num_threads())
    return {"torch": torch.__version__, "transformers": transformers.__version__, "device": device, "threads": threads}


def without_torch() -> None:
    """Keeps torch out of this process, which reads texts alone: transformers then imports in a third of the time."""
    sys.modules["torch"] = None  # type: ignore[assignment]


def prepare(home: Path, threads: int) -> None:
    """Sets up this process before torch is imported: no network, one home, so many threads."""
    os.environ.update(HF_HUB_OFFLINE="1", HF_HOME=str(home), TOKENIZERS_PARALLELISM="false")
    os.environ.update(TRANSFORMERS_VERBOSITY="error", HF_HUB_DISABLE_PROGRESS_BARS="1")
    os.environ.pop("HF_HUB_CACHE", None)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    freeze_today()
