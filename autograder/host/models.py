"""The models of one model home: each is loaded once, on the GPU when there is one, and dropped only when memory runs out.

This is the only module that generates. It loads nothing but snapshots of its own home, by exact name, without network and
without code from the hub. Its methods are for one thread at a time; `names` and `tokenizer` for any.
"""

from __future__ import annotations

import gc
import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..recorder import freeze_today, templated
from ..transcript import Message
from .wire import MAX_NEW_TOKENS

MAX_BATCH_TOKENS = 400_000
"""Tokens of a whole batch, output and copies included, that the host takes on."""
HEADROOM = 1.2
"""What a model takes in memory beside its weights, as a factor."""
OUT_OF_MEMORY = ("OutOfMemoryError", "MemoryError")
LOWEST_TEMPERATURE = 1e-30
"""Below it scores overflow: an error on a processor, the end of the whole process on a GPU."""


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that a device, or this machine, has no memory left."""
    if type(error).__name__ in OUT_OF_MEMORY:
        return True
    return type(error) is RuntimeError and any(
        words in str(error) for words in ("allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
    )


def device_failed(error: BaseException) -> bool:
    """Whether an exception says that this process cannot use its GPU any more."""
    return type(error).__name__ == "AcceleratorError" or (
        type(error) is RuntimeError and ("CUDA error" in str(error) or "device-side assert" in str(error))
    )


class Cancelled(Exception):
    """Nobody waits for this output any more."""


class LoadFailed(Exception):
    """A model of this home could not be loaded; it says why."""


class Models:
    """Models by name.

    Args:
        home: a Hugging Face home, with snapshots under `hub/`.
        load: loads a model from its snapshot folder onto a device; the tests' own instead of transformers'.
        free_bytes: how much memory a model can still take on a device.
    """

    def __init__(
        self,
        home: Path,
        load: Callable[[Path, str], Any] | None = None,
        free_bytes: Callable[[str], int] | None = None,
    ) -> None:
        self.home = home
        self.dropped = 0
        self._load = load or load_model
        self._free_bytes = free_bytes or memory_free
        self._loaded: OrderedDict[str, Any] = OrderedDict()
        self._fingerprints: dict[str, str] = {}
        self._tokenizers: dict[str, Any] = {}
        self._lock = threading.Lock()

    def names(self) -> dict[str, Path]:
        """The snapshot folder of every model in the home."""
        found = {}
        for folder in sorted((self.home / "hub").glob("models--*")):
            name = folder.name.removeprefix("models--").replace("--", "/", 1)
            snapshot = newest_snapshot(folder)
            if snapshot is not None:
                found[name] = snapshot
        return found

    def loaded(self) -> list[str]:
        return list(self._loaded)

    def tokenizer(self, name: str) -> Any:
        """The model's tokenizer, or None where it has none that can be read."""
        with self._lock:
            if name not in self._tokenizers:
                snapshot = self.names().get(name)
                self._tokenizers[name] = load_tokenizer(snapshot) if snapshot is not None else None
            return self._tokenizers[name]

    def decode(self, name: str, tokens: Sequence[int]) -> str:
        """Tokens as text, without special tokens; empty where there is no tokenizer."""
        tokenizer = self.tokenizer(name)
        return str(tokenizer.decode(list(tokens), skip_special_tokens=True)) if tokenizer is not None else ""

    def encode(self, name: str, text: str) -> list[int]:
        tokenizer = self.tokenizer(name)
        return list(tokenizer(text, add_special_tokens=False)["input_ids"]) if tokenizer is not None else [0]

    def render(self, name: str, messages: Sequence[Message]) -> str | None:
        """What the model's chat template makes of messages, as the model gets it; None where it refuses or has none."""
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
    ) -> list[list[int]]:
        """`model.generate` on a batch, one request at a time.

        Where memory runs out, the least recently used other model is dropped and the request tried again.

        Returns:
            sequences as `generate` gives them, (rows × copies, length), input included.

        Raises:
            Cancelled: `stop` was set.
            LoadFailed: the model's files are not what they should be.
            Exception: whatever `generate` raises for these settings, and the device's own out-of-memory error when no
                other model is left to drop.
        """
        refuse_too_large(rows, settings)
        while True:
            if stop is not None and stop.is_set():
                raise Cancelled
            try:
                model = self._get(name)
                return run_generate(
                    model, self.tokenizer(name) if with_tokenizer else None, rows, mask, settings, seed, stop
                )
            except Exception as error:
                if not out_of_memory(error) or not self._drop_one(name):
                    raise
            # Outside the handler: its exception holds the failed call's tensors.
            release_memory()

    def _get(self, name: str) -> Any:
        if name in self._loaded:
            self._loaded.move_to_end(name)
            return self._loaded[name]
        snapshot = self.names()[name]
        device = device_here()
        needed = int(HEADROOM * weights_bytes(snapshot))
        while self._free_bytes(device) < needed and self._drop_one(name):
            release_memory()
        if self._free_bytes(device) < needed:
            raise MemoryError(
                f"{name} needs {needed / 1e9:.1f} GB on {device}; {self._free_bytes(device) / 1e9:.1f} are free"
            )
        try:
            self._loaded[name] = self._load(snapshot, device)
        except Exception as error:
            if out_of_memory(error) or device_failed(error):
                raise
            raise LoadFailed(f"{name} cannot be loaded: {type(error).__name__}: {error}") from error
        return self._loaded[name]

    def _drop_one(self, wanted: str) -> bool:
        """Lets go of the model that was used longest ago, other than the wanted one. False where there is none."""
        oldest = next((name for name in self._loaded if name != wanted), None)
        if oldest is None:
            return False
        del self._loaded[oldest]
        self.dropped += 1
        return True


def newest_snapshot(folder: Path) -> Path | None:
    """The snapshot that `refs/main` names, or the only one."""
    try:
        revision = (folder / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        revision = ""
    named = folder / "snapshots" / revision
    if revision and "/" not in revision and (named / "config.json").exists():
        return named
    rest = [path.parent for path in sorted(folder.glob("snapshots/*/config.json"))]
    return rest[-1] if rest else None


def device_here() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def memory_free(device: str) -> int:
    """Bytes that can still be taken on a device."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 1 << 62


def weights_bytes(snapshot: Path) -> int:
    return sum(path.stat().st_size for path in snapshot.glob("*.safetensors"))


def load_model(snapshot: Path, device: str) -> Any:
    """The model in its checkpoint's own type, with settings of its own taken away: a request brings all it needs."""
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


def refuse_too_large(rows: list[list[int]], settings: Mapping[str, Any]) -> None:
    """Raises ValueError for a batch that would fill the device's memory."""
    copies = max(_count(settings, "num_beams", 1), _count(settings, "num_return_sequences", 1))
    longest = max(map(len, rows))
    new = _count(settings, "max_new_tokens", _count(settings, "max_length", longest) - longest)
    wanted = len(rows) * copies * (longest + min(max(new, 0), MAX_NEW_TOKENS))
    if copies < 1 or wanted > MAX_BATCH_TOKENS:
        raise ValueError(
            f"{len(rows)} inputs with {copies} sequences each are more than the grading machine takes at a time "
            f"({wanted} tokens; {MAX_BATCH_TOKENS} at most)."
        )


def _count(settings: Mapping[str, Any], name: str, usual: int) -> int:
    value = settings.get(name)
    if value is None:
        return usual
    if not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        raise ValueError(f"{name} must be a number, not {str(value)[:50]}")
    return int(value)


def within_limits(settings: Mapping[str, Any], longest: int) -> dict[str, Any]:
    """Settings whose lengths are no longer than the host generates: some decoding makes room for all of it at once.

    Raises RuntimeError, as torch does on a processor, for numbers with which scores overflow.
    """
    bounded = dict(settings)
    for name, limit in (("max_new_tokens", MAX_NEW_TOKENS), ("max_length", longest + MAX_NEW_TOKENS)):
        if name in bounded:
            bounded[name] = min(bounded[name], limit)
    for name in ("temperature", "repetition_penalty"):
        value = bounded.get(name)
        if isinstance(value, int | float) and 0 < value < LOWEST_TEMPERATURE:
            raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    return bounded


def refuse_strange_tokens(rows: list[list[int]], settings: Mapping[str, Any], size: int) -> None:
    """Raises ValueError for a token that the model does not have: on a GPU it would end the process."""
    given = [token for row in rows for token in row]
    for name, value in settings.items():
        if ("token" in name and name not in ("max_new_tokens", "min_new_tokens")) or name == "bad_words_ids":
            given += numbers_in(value)
    strange = next((token for token in given if not 0 <= token < size), None)
    if strange is not None:
        raise ValueError(f"token {strange} is not in the model's vocabulary (0 to {size - 1})")


def numbers_in(value: Any) -> list[int]:
    if isinstance(value, list | tuple):
        return [number for inner in value for number in numbers_in(inner)]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []


def run_generate(
    model: Any,
    tokenizer: Any,
    rows: list[list[int]],
    mask: list[list[int]],
    settings: Mapping[str, Any],
    seed: int | None,
    stop: threading.Event | None,
) -> list[list[int]]:
    """One call of `generate`; equal arguments give equal tokens on the same machine."""
    import torch
    from transformers import GenerationConfig

    refuse_strange_tokens(rows, settings, int(model.get_input_embeddings().num_embeddings))
    longest = max(map(len, rows))
    ended = Ended(longest + MAX_NEW_TOKENS, stop)
    if seed is not None:
        torch.manual_seed(seed)
    ids = torch.tensor(rows, dtype=torch.long, device=model.device)
    extra = {"tokenizer": tokenizer} if tokenizer is not None else {}
    with torch.inference_mode():
        output = model.generate(
            ids,
            attention_mask=torch.tensor(mask, dtype=torch.long, device=model.device),
            generation_config=GenerationConfig(**within_limits(settings, longest), disable_compile=True),
            stopping_criteria=[ended],
            **extra,
        )
    if stop is not None and stop.is_set():
        raise Cancelled
    sequences: list[list[int]] = output.tolist()
    return sequences


class Ended:
    """A stopping criterion: at the host's own limit, and when nobody waits any more."""

    def __init__(self, longest: int, stop: threading.Event | None) -> None:
        self._longest, self._stop = longest, stop

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        import torch

        done = input_ids.shape[1] >= self._longest or (self._stop is not None and self._stop.is_set())
        return torch.full((input_ids.shape[0],), done, dtype=torch.bool, device=input_ids.device)


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


def prepare(home: Path, threads: int) -> None:
    """Sets up this process before torch is imported: no network, one home, so many threads."""
    os.environ.update(HF_HUB_OFFLINE="1", HF_HOME=str(home), TOKENIZERS_PARALLELISM="false")
    os.environ.update(TRANSFORMERS_VERBOSITY="error", HF_HUB_DISABLE_PROGRESS_BARS="1")
    os.environ.pop("HF_HUB_CACHE", None)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    freeze_today()
