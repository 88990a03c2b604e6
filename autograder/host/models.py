"""The models of one model home: each is loaded once, on the GPU when there is one, and dropped only when memory runs out.

It loads nothing but snapshots of its own home, by exact name, without network and without code from the hub. Several threads
can generate with a model at a time; weights are shared.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autograder.facts.transcript import MAX_TEXT, Message, Rendering
from autograder.host import generation
from autograder.host.batch import Arrivals, Settle, Together
from autograder.host.device import cache_bytes, device_here, memory_free, release_memory, score_bytes
from autograder.host.failures import device_failed, out_of_memory
from autograder.host.generation import Cancelled, Control, batch_tokens, refuse_strange_tokens, run_generate
from autograder.host.memory import Sequences
from autograder.host.orders import Make, Part
from autograder.host.rounding import by_rounding
from autograder.host.rows import can_share
from autograder.protocol.chat_template import decoded, encoded, freeze_today, templated
from autograder.protocol.model_cache import snapshots
from autograder.system.imports import garbage_later

HEADROOM = 1.2
"""What a model, or a batch, takes in memory beside what it is known to take, as a factor."""


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

    Attributes:
        dropped: models that were dropped for others.
        passes: times that a batch got a token for each of its rows.
    """

    def __init__(
        self,
        home: Path,
        load: Callable[[Path, str], Any] | None = None,
        free_bytes: Callable[[str], int] | None = None,
        device: str | None = None,
    ) -> None:
        self.home, self._device = home, device
        self.dropped = self.passes = 0
        self._load = load or load_model
        self._free_bytes = free_bytes or memory_free
        self._loaded: OrderedDict[str, Weights] = OrderedDict()
        self._loading = threading.RLock()  # transformers imports what it loads, and not for several threads at once
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

    def renderings(self, names: Iterable[str], conversations: Iterable[tuple[Message, ...]]) -> tuple[Rendering, ...]:
        """What each model's chat template makes of each conversation; what it refuses, or makes too long, is left out."""
        known, asked = self.names(), tuple(dict.fromkeys(conversations))
        found = []
        for model in dict.fromkeys(name for name in names if name in known):
            for messages in asked:
                text = self.render(model, messages)
                if text is not None and len(text) <= MAX_TEXT:
                    found.append(Rendering(model=model, messages=messages, text=text))
        return tuple(found)

    def fingerprint(self, name: str) -> str:
        """A digest of everything in the model's snapshot: the same files, the same answers."""
        if name not in self._fingerprints:
            self._fingerprints[name] = snapshot_digest(self.names()[name])
        return self._fingerprints[name]

    def generate(self, asked: Make, control: Control, settle: Settle, begun: Callable[[], None] = lambda: None) -> None:
        """A batch, in halves where it does not fit or not all of it can be made; see `Together`, and `run_generate`.

        Where memory runs out, the batch is halved first; for a part alone the least recently used other model is
        dropped, and it is tried again.

        Args:
            control: what joins the batch, too, until it has ended.
            settle: called once for each part: with its sequences, or with what it raised:
                Cancelled: nobody waits for it.
                LoadFailed: the model's files are not what they should be.
                Exception: whatever `generate` raises for these settings, and the device's own out-of-memory error when
                    no other model is left to drop.
            begun: called when the model is loaded.

        Raises the device's error where it has failed.
        """
        parts = asked.parts
        while parts or not control.end():
            self._generate(asked.model_copy(update={"parts": parts}), control, settle, begun)
            parts = control.arrived()

    def _generate(self, asked: Make, control: Control, settle: Settle, begun: Callable[[], None]) -> None:
        left = dict(asked.parts)

        def settled(number: int, outcome: Sequences | Exception) -> None:
            del left[number]
            settle(number, outcome)

        def arrived() -> dict[int, Part]:
            new = control.arrived()
            left.update(new)
            return new

        while left:
            halved = 0
            try:
                self._make(asked.model_copy(update={"parts": dict(left)}), control, settled, arrived, begun)
            except Exception as error:
                if device_failed(error):
                    raise
                halved = 0 if isinstance(error, LoadFailed | Cancelled) else len(left) // 2
                if not halved and not (out_of_memory(error) and self._drop_one(asked.model)):
                    for number in list(left):
                        settled(number, error.with_traceback(None))
            # Outside the handler: its exception holds the failed call's tensors.
            if left:
                release_memory()
            if left and halved:
                numbers = list(left)
                for half in (numbers[:halved], numbers[halved:]):
                    parts = {number: left[number] for number in half}
                    self._generate(asked.model_copy(update={"parts": parts}), control, settle, begun)
                return

    def _make(
        self, asked: Make, control: Control, settle: Settle, arrived: Arrivals, begun: Callable[[], None]
    ) -> None:
        control.step()
        with self._model(asked.model) as model:
            begun()
            parts = self._known_tokens(model, asked.parts, settle)
            tokenizer = self.tokenizer(asked.model) if any(part.tokenizer for part in parts.values()) else None
            if len(parts) == 1 and not (asked.shared and can_share(model)):
                ((number, part),) = parts.items()
                if part.remembered is None:
                    settle(number, run_generate(model, tokenizer, part, lambda: control.step(number)))
                else:
                    settle(number, part.remembered if by_rounding(model, tokenizer, part, part.remembered) else [])
            elif parts:
                self._make_together(model, parts, control, settle, arrived)

    def _make_together(
        self, model: Any, parts: Mapping[int, Part], control: Control, settle: Settle, arrived: Arrivals
    ) -> None:
        if not can_share(model):
            raise ValueError("rows of this model cannot be made together")
        if len(parts) > 1 and not self._fits(model, parts):
            raise MemoryError("this batch does not fit")
        waiting = dict[int, Part]()

        def joining() -> Mapping[int, Part]:
            nonlocal waiting
            self.passes += 1
            waiting |= self._known_tokens(model, arrived(), settle)
            # What does not fit is made when those that run have their end, if not before.
            new, waiting = (waiting, {}) if self._fits(model, waiting) else ({}, waiting)
            return new

        Together(model, control, settle).run(parts, joining)

    def _known_tokens(self, model: Any, parts: Mapping[int, Part], settle: Settle) -> dict[int, Part]:
        """The parts whose tokens the model has; settles the others."""
        size, known = int(model.get_input_embeddings().num_embeddings), dict(parts)
        for number, part in parts.items():
            try:
                refuse_strange_tokens(part.rows, part.settings, size)
            except ValueError as error:
                del known[number]
                settle(number, error)
        return known

    @property
    def _place(self) -> str:
        return self._device or device_here()

    def _fits(self, model: Any, parts: Mapping[int, Part]) -> bool:
        """Whether parts take no more, by the model's own shape, than is free."""
        each = max((batch_tokens(part.rows, part.settings) // len(part.rows) for part in parts.values()), default=0)
        rows = sum(len(part.rows) for part in parts.values())
        return HEADROOM * rows * (each * cache_bytes(model) + score_bytes(model)) <= self._free_bytes(self._place)

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
        device = self._place
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
