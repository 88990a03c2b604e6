"""What the parent of kernels does for them: to a student, a tokenizer that was read ahead is as one that is read on the spot."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from fresh_process import Ran, run_cases

from autograder.jail import parent
from autograder.kernel import ahead
from autograder.kernel.ahead import COPIES, FILE, Stock
from autograder.protocol.model_cache import snapshots

SETUP = """
import json, os, sys
from pathlib import Path
from transformers import AutoTokenizer
from autograder.kernel.ahead import Stock
from autograder.kernel.upstream_transformers import make_conversions, take_tokenizers
folders = {folders!r}
make_conversions()

def told(tokenizer):
    # all that a student can see of a tokenizer, but for its identity
    own = {{name: repr(value) for name, value in vars(tokenizer).items() if name not in ("_tokenizer", "init_kwargs")}}
    settings = {{name: repr(value) for name, value in tokenizer.init_kwargs.items()}}
    ids = tokenizer("Ahoy <s> matey, æøå", add_special_tokens=True)["input_ids"]
    rest = [repr(tokenizer), tokenizer.backend_tokenizer.to_str(), ids, tokenizer.decode(ids), tokenizer.get_vocab()]
    return json.dumps([own, settings, repr(tokenizer.added_tokens_decoder), *rest], sort_keys=True)

def filled():
    stock = Stock()
    stock.want(folders.values())
    while not stock.complete:
        stock.read_one()
    return stock

threads = len(os.listdir("/proc/self/task"))
ready = [filled()]
threads = len(os.listdir("/proc/self/task")) - threads
before = {{name: told(AutoTokenizer.from_pretrained(folder)) for name, folder in folders.items()}}
read = []

def take(path):
    read.append(ready[0].take(path))
    return read[-1]

take_tokenizers(take, lambda path: ready[0].added_tokens(path))
one = next(iter(folders.values()))

def taken(folder, **given):
    read.clear()
    tokenizer = AutoTokenizer.from_pretrained(folder, **given)
    return bool(read and read[0] is not None), tokenizer
"""
CASES = {
    "no thread begins": "threads",
    "each is as one that was read on the spot": """\
found = {name: taken(folder) for name, folder in folders.items()}
[[name, was, told(tokenizer) == before[name]] for name, (was, tokenizer) in found.items()]""",
    "no two loads share anything": """\
was, first = taken(one)
_, second = taken(one)
first.backend_tokenizer.model.dropout = 0.5
first.add_tokens(["avast"])
[was, second.backend_tokenizer.model.dropout, "avast" in second.get_vocab(), "avast" in first.get_vocab()]""",
    "what a load is told counts": """\
tokenizer = AutoTokenizer.from_pretrained(one, padding_side="left", pad_token="<pad>")
[tokenizer.padding_side, tokenizer.pad_token]""",
    "when none is left, the file is read": """\
for _ in range(10):
    was, tokenizer = taken(one)
[was, told(tokenizer) == next(iter(before.values()))]""",
}


@pytest.fixture(scope="module")
def folders(tiny_home: Path) -> dict[str, str]:
    return {name: str(folder) for name, folder in snapshots(tiny_home).items()}


@pytest.fixture(scope="module")
def ran(folders: dict[str, str]) -> Ran:
    return run_cases(SETUP.format(folders=folders), CASES, each="ready[:] = [filled()]")


def test_reading_ahead_starts_no_thread(ran: Ran) -> None:
    assert ran.value("no thread begins") == 0


def test_a_tokenizer_that_was_read_ahead_is_as_one_that_was_read_on_the_spot(ran: Ran, folders: dict[str, str]) -> None:
    found = ran.value("each is as one that was read on the spot")
    assert len(found) == len(folders)
    assert all(same for _, _, same in found), found
    assert all(was for _, was, _ in found), "one was not read ahead"


def test_each_load_has_a_tokenizer_of_its_own(ran: Ran) -> None:
    assert ran.value("no two loads share anything") == [True, None, False, True]


def test_what_a_load_is_told_counts(ran: Ran) -> None:
    assert ran.value("what a load is told counts") == ["left", "<pad>"]


def test_when_none_is_left_the_file_is_read(ran: Ran) -> None:
    assert ran.value("when none is left, the file is read") == [False, True]


def model(folder: Path, text: str = "") -> Path:
    folder.mkdir()
    made = {"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}
    (folder / FILE).write_text(text or json.dumps(made), encoding="utf-8")
    return folder


def filled(*folders: Path) -> Stock:
    stock = Stock()
    stock.want(map(str, folders))
    while not stock.complete:
        stock.read_one()
    return stock


def test_models_with_the_same_tokenizer_have_it_in_common(tmp_path: Path) -> None:
    first, second = model(tmp_path / "first"), model(tmp_path / "second")
    stock = filled(first, second)
    taken = [stock.take(str(folder / FILE)) for folder in (first, second) * COPIES]
    assert sum(each is not None for each in taken) == COPIES
    assert len({id(each) for each in taken if each is not None}) == COPIES


def test_a_file_that_has_changed_since_is_not_taken(tmp_path: Path) -> None:
    path = model(tmp_path / "one") / FILE
    stock = filled(path.parent)
    os.utime(path, (1, 1))
    assert stock.take(str(path)) is None
    assert stock.added_tokens(str(path)) is None


@pytest.mark.parametrize("while_it_is_read", [False, True])
def test_a_file_that_changes_before_it_is_read_reaches_no_model_with_the_same_former_content(
    while_it_is_read: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = model(tmp_path / "first"), model(tmp_path / "second")
    stock, read = Stock(), ahead.read_tokenizer
    stock.want([str(first), str(second)])

    def change() -> None:
        made = json.loads((first / FILE).read_text(encoding="utf-8"))
        made["model"]["vocab"]["another"] = 1
        (first / FILE).write_text(json.dumps(made), encoding="utf-8")

    def read_and_change(path: str) -> object:
        made = read(path)
        change()
        return made

    if while_it_is_read:
        monkeypatch.setattr(ahead, "read_tokenizer", read_and_change)
    else:
        change()
    while not stock.complete:
        stock.read_one()
    assert [stock.take(str(folder / FILE)) for folder in (first, second)] == [None, None]
    assert [stock.added_tokens(str(folder / FILE)) for folder in (first, second)] == [None, None]


CLASSES = {
    '{"tokenizer_class": "GemmaTokenizer"}': False, '{"tokenizer_class": "GemmaTokenizerFast"}': False,
    '{"tokenizer_class": "GPT2Tokenizer"}': False, '{"tokenizer_class": "TokenizersBackend"}': True,
    '{"tokenizer_class": "PreTrainedTokenizerFast"}': True, '{"tokenizer_class": "LlamaTokenizer"}': True,
    '{"tokenizer_class": "of somebody\'s own"}': True, '{"tokenizer_class": 3}': True, "{}": True, "[]": True, "": True,
}  # fmt: skip


@pytest.mark.parametrize("settings", CLASSES)
def test_what_a_class_of_its_own_would_make_anew_is_not_read_ahead(settings: str, tmp_path: Path) -> None:
    folder = model(tmp_path / "one")
    (folder / "tokenizer_config.json").write_text(settings, encoding="utf-8")
    assert (filled(folder).take(str(folder / FILE)) is not None) == CLASSES[settings]


@pytest.mark.parametrize("text", ["", "{", "{}", '{"added_tokens": []}'])
def test_a_file_that_is_no_tokenizer_is_left_to_who_loads_it(text: str, tmp_path: Path) -> None:
    folder = model(tmp_path / "one", text or "null")
    assert filled(folder).take(str(folder / FILE)) is None


@pytest.mark.parametrize(("number", "said"), [(1, ""), (2, "has 2")])
def test_the_parent_tells_where_reading_has_begun_a_thread(
    number: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parent, "threads", lambda: number)
    read = list[int]()
    parent.read_ahead(SimpleNamespace(read_one=lambda: read.append(1)))
    assert read == [1]
    assert (said in (told := capsys.readouterr().err), bool(told)) == (True, bool(said))


def test_a_model_without_such_a_file_is_left_out(tmp_path: Path) -> None:
    assert filled(tmp_path, tmp_path / "none").take(str(tmp_path / FILE)) is None
