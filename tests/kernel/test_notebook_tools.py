"""The helpers in the notebooks: what they free, what they show, and what they leave alone."""

from __future__ import annotations

import io
import math
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from autograder.course.profile import Profile
from autograder.kernel.gpu_memory import GpuMemory, Holder
from autograder.kernel.notebook_tools import free_models, in_columns, memory_report, models_there, show_gpu_memory
from autograder.kernel.surprise import MAX_BITS, Draw, answer_tokens, ask, surprise_bits, surprise_of
from autograder.kernel.temperature_picture import (
    alt_text,
    as_markdown,
    show_temperature_picture,
    table_rows,
    temperature_figure,
)
from autograder.protocol.model_cache import model_folder, newest_snapshot

NAME = "meta-llama/Llama-3.2-1B"


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another file's tests may have switched the virtual GPU on in this process."""
    if "torch" in sys.modules:
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)


@pytest.fixture
def profile(llama: Profile) -> Profile:
    return llama


@pytest.fixture
def english(profile: Profile) -> Profile:
    return profile.model_copy(update={"course": profile.course.model_copy(update={"language": "en"})})


@pytest.fixture
def snapshot(tiny_home: Path) -> Path:
    found = newest_snapshot(model_folder(tiny_home, NAME))
    assert found is not None
    return found


@pytest.fixture
def llm(snapshot: Path) -> Any:
    return make_llm(snapshot)


def make_llm(snapshot: Path) -> Any:
    from langchain_huggingface import HuggingFacePipeline
    from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

    model, tokenizer = AutoModelForCausalLM.from_pretrained(snapshot), AutoTokenizer.from_pretrained(snapshot)
    return HuggingFacePipeline(pipeline=pipeline("text-generation", model=model, tokenizer=tokenizer))


def make_prompt() -> Any:
    from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

    return ChatPromptTemplate.from_messages([("system", "You are a pirate!"), MessagesPlaceholder("messages")])


def make_chain(llm: Any, **settings: object) -> Any:
    return make_prompt() | llm.bind(pipeline_kwargs={"max_new_tokens": 12, **settings})


@pytest.fixture
def shell() -> Iterator[Any]:
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    yield shell
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


# --- Importing -------------------------------------------------------------------------------------------------------


HEAVY = ("torch", "transformers", "huggingface_hub", "matplotlib", "langchain_core", "langchain_huggingface")


@pytest.mark.parametrize(
    ("code", "imported"),
    [
        ("import autograder.kernel.notebook, autograder.kernel.temperature_picture", []),
        (
            "import pathlib, autograder.kernel.notebook_tools as tools, autograder.judging.contract as contract\n"
            "tools.show_gpu_memory(contract.load(pathlib.Path('course.toml')))",
            ["torch"],
        ),
    ],
    ids=["by what a notebook imports", "by showing the GPU's memory"],
)
def test_heavy_libraries_are_imported_only_where_they_are_needed(code: str, imported: list[str]) -> None:
    told = f"import sys\n{code}\nprint([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(imported)


# --- Freeing models --------------------------------------------------------------------------------------------------


def freed(profile: Profile, namespace: dict[str, object]) -> str:
    with redirect_stdout(io.StringIO()) as printed:
        free_models(profile, namespace)
    (line,) = printed.getvalue().splitlines()
    return line


def in_a_cycle(llm: Any) -> Any:
    llm.pipeline.itself = llm.pipeline
    return llm


HELD: dict[str, Callable[[Any], dict[str, object]]] = {
    "by llm and chatbot": lambda llm: {"llm": llm, "chatbot": make_chain(llm)},
    "by a pipeline": lambda llm: {"mine": llm.pipeline},
    "by itself": lambda llm: {"mine": llm.pipeline.model},
    "by a chain": lambda llm: {"mine": make_chain(llm)},
    "by a chain with retries and fallbacks": lambda llm: {"mine": llm.with_retry().with_fallbacks([llm])},
    "in a tuple": lambda llm: {"mine": (llm, "text")},
    "by a function in a chain": lambda llm: {
        "mine": make_prompt() | (lambda messages, model=llm: model.invoke(messages)) | llm
    },
    "in a cycle of references": lambda llm: {"llm": in_a_cycle(llm)},
}


@pytest.mark.parametrize("how", HELD)
def test_a_model_leaves_memory_at_once_however_it_is_held(how: str, profile: Profile, snapshot: Path) -> None:
    llm = make_llm(snapshot)
    namespace, model = HELD[how](llm), weakref.ref(llm.pipeline.model)
    del llm
    assert ", ".join(namespace) in freed(profile, namespace)
    assert set(namespace.values()) == {None}
    assert model() is None


def test_a_dict_of_chains_keeps_what_is_no_chain(profile: Profile, llm: Any) -> None:
    namespace: dict[str, object] = {"kept": {"chain": make_chain(llm), "answer": "Arr!", "list": [llm, 1]}}
    freed(profile, namespace)
    assert namespace["kept"] == {"chain": None, "answer": "Arr!", "list": [None, 1]}


def test_answers_and_the_prompt_are_left_alone(profile: Profile, llm: Any) -> None:
    prompt = make_prompt()
    answers = {"result": "Arr!", "boat": "A sloop", "prompt": prompt, "answers": {"a": "task"}, "result_1": "Yo"}
    namespace: dict[str, object] = {**answers, "llm": llm, "other_prompt": prompt, "number": 3}
    freed(profile, namespace)
    assert namespace == {**answers, "llm": None, "other_prompt": prompt, "number": 3}


def test_with_nothing_to_free_it_says_so(profile: Profile) -> None:
    assert freed(profile, {"llm": None, "result": "Arr!"}) == "Det var ingen modeller å frigjøre."


def test_a_model_that_something_else_holds_is_told(english: Profile, llm: Any) -> None:
    assert "restart the kernel" in freed(english, {"llm": llm})


def test_a_namespace_that_holds_itself_is_no_trap(profile: Profile, llm: Any) -> None:
    namespace: dict[str, object] = {"llm": llm}
    namespace["everything"] = namespace
    loop: list[object] = [llm]
    loop.append(loop)
    namespace["loop"] = loop
    freed(profile, namespace)
    assert loop[0] is None


FAILS = "def ask(model):\n    raise ValueError(model.model_id)\n"
CACHED = {
    # cells after one that makes `llm`, what is said to be freed
    "the output cache": (["llm", "llm.pipeline"], "Out[2], Out[3]."),
    "the traceback of a call that failed": ([FAILS, "ask(llm)"], "llm."),
}


@pytest.mark.parametrize("where", CACHED)
def test_what_ipython_keeps_lets_the_model_go(where: str, shell: Any, profile: Profile, snapshot: Path) -> None:
    shell.user_ns.update(make_llm=make_llm, snapshot=snapshot)
    cells, named = CACHED[where]
    for cell in ("llm = make_llm(snapshot)", *cells):
        shell.run_cell(cell, store_history=True)
    model = weakref.ref(shell.user_ns["llm"].pipeline.model)
    said = freed(profile, shell.user_ns)
    assert said.endswith(named)
    assert model() is None


def test_outputs_that_hold_no_model_stay_in_the_cache_which_goes_on(
    shell: Any, profile: Profile, snapshot: Path
) -> None:
    shell.user_ns.update(make_llm=make_llm, snapshot=snapshot)
    shell.run_cell("make_llm(snapshot)", store_history=True)
    shell.run_cell("'Arr!'", store_history=True)
    freed(profile, shell.user_ns)
    assert shell.user_ns["Out"] == {2: "Arr!"}
    assert shell.user_ns["_"] == "Arr!"
    shell.run_cell("1 + 1", store_history=True)
    assert shell.user_ns["_"] == shell.user_ns["_3"] == 2


# --- GPU memory ------------------------------------------------------------------------------------------------------


def gpu(free: float, total: float = 20.0, own: float = 0.0) -> GpuMemory:
    return GpuMemory(name="NVIDIA A100", free=free, total=total, own=own)


def shown(profile: Profile, capsys: pytest.CaptureFixture[str]) -> str:
    show_gpu_memory(profile)
    return capsys.readouterr().out


def test_without_a_gpu_it_says_so_and_that_checks_still_work(
    english: Profile, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    said = shown(english, capsys)
    assert [words for words in ("no GPU", "checks work", "there is a GPU") if words not in said] == []


def test_each_model_in_use_has_a_row_that_says_whether_it_fits_now(english: Profile) -> None:
    report = memory_report(gpu(free=3.0), english).splitlines()
    assert [line.split()[-1] for line in report if "meta-llama" in line] == ["yes", "yes", "no"]


@pytest.mark.parametrize("found", [gpu(free=19.0), None], ids=["with a GPU", "without one"])
def test_each_model_in_use_has_a_row_that_says_whether_it_is_here(english: Profile, found: GpuMemory | None) -> None:
    report = memory_report(found, english, (), {NAME})
    assert [line.split()[1] for line in report.splitlines() if "meta-llama" in line] == ["yes", "no", "no"]
    assert "tell the course" in report


def test_where_all_models_are_here_nothing_is_to_be_told(english: Profile) -> None:
    names = [english.model(role).name for role in english.roles_in_use()]
    assert "tell the course" not in memory_report(gpu(free=19.0), english, (), names)


def test_a_model_is_here_when_its_folder_holds_a_file_of_it(english: Profile, tmp_path: Path) -> None:
    base, small, _ = (english.model(role).name for role in english.roles_in_use())
    folders = [model_folder(tmp_path, name) / "snapshots" / "1a2b" for name in (base, small)]
    for folder in folders:
        folder.mkdir(parents=True)
    (folders[0] / "config.json").touch()
    assert models_there(english, tmp_path) == {base}
    assert models_there(english, tmp_path / "nowhere") == frozenset()


def test_while_nbgrader_runs_the_notebook_nothing_is_said_of_models_that_are_elsewhere(
    english: Profile, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert "is here?" not in shown(english, capsys)


FREE, OTHERS, GUESS = "free_models()", "Running Terminals and Kernels", "An old kernel probably"
ADVICE: dict[str, tuple[GpuMemory, list[Holder], list[str], list[str]]] = {
    # memory, who holds it, what is said, what is not
    "a free GPU": (gpu(free=19.0), [], [], ["kernel", "Shut", FREE]),
    "a model larger than the GPU": (gpu(free=5.0, total=5.5), [], ["larger than the whole GPU"], []),
    "nearly full": (gpu(free=1.0), [], [OTHERS, GUESS], [FREE]),
    "filled by this notebook": (gpu(free=1.0, own=18.0), [], [FREE], [OTHERS]),
    "filled by this notebook, as nvidia-smi says": (gpu(free=1.0), [Holder(7, 18.0, here=True)], [FREE], [OTHERS]),
    "filled by another notebook": (
        gpu(free=1.0),
        [Holder(7, 18.0, "k", "/home/a/larger-model.ipynb")],
        ["a/larger-model.ipynb: 18.0 GB", "Shut down the kernel of a/larger-model.ipynb"],
        [GUESS, FREE],
    ),
    "room beside another notebook": (
        gpu(free=19.0),
        [Holder(7, 0.5, "k", "/x/a.ipynb")],
        ["a.ipynb: 0.5 GB"],
        ["Shut"],
    ),
}


@pytest.mark.parametrize("case", ADVICE)
def test_a_gpu_gets_advice_by_who_holds_its_memory(case: str, english: Profile) -> None:
    memory, found, said, unsaid = ADVICE[case]
    report = memory_report(memory, english, found)
    assert [words for words in said if words not in report] == []
    assert [words for words in unsaid if words in report] == []


def test_numbers_have_a_decimal_comma_in_norwegian(profile: Profile) -> None:
    assert "har 17,3 av 20,0 GB ledig" in memory_report(gpu(free=17.3), profile)


def test_a_gpu_too_full_to_answer_is_called_full(
    english: Profile, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mem_get_info(device: int) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.mem_get_info", mem_get_info)
    said = shown(english, capsys)
    assert "so full" in said
    assert OTHERS in said


# --- Temperature: the pure parts -------------------------------------------------------------------------------------

DRAWS = [
    Draw(0.9, 1, "Arr, matey!\nI be a *pirate* | $x$", (0.5, 1.0, 12.0)),
    Draw(0.9, 2, "", (2.0,)),
    Draw(5.0, 1, "sdf" * 40, (11.0, 14.0)),
]


def test_surprise_of_equal_logits_is_the_logarithm_of_the_vocabulary() -> None:
    import torch

    assert surprise_bits(torch.zeros(2, 8), [0, 7]) == pytest.approx((3.0, 3.0))


def test_a_token_that_cannot_come_has_a_finite_surprise() -> None:
    import torch

    assert surprise_bits(torch.tensor([[0.0, -math.inf]]), [1]) == (MAX_BITS,)


def test_an_answer_ends_with_its_end_token() -> None:
    assert answer_tokens([5, 6, 2, 2, 2], frozenset([2])) == (5, 6, 2)


def test_an_answer_is_measured_for_400_tokens_at_most() -> None:
    assert len(answer_tokens([5] * 1000, frozenset([2]))) == 400


def test_table_has_median_share_and_beginning_of_each_answer() -> None:
    rows = table_rows(DRAWS, "en")
    assert rows[1] == ("0.9", "1", "1.0", "33%", "Arr, matey! I be a *pirate* | $x$")
    assert rows[2] == ("0.9", "2", "2.0", "0%", "(empty answer)")
    assert rows[3] == ("5.0", "1", "12.5", "100%", "sdf" * 20 + "…")


def test_columns_of_the_text_table_stand_under_each_other() -> None:
    assert in_columns([("a", "bcd", "x"), ("abc", "b", "yy")]) == ["a    bcd  x", "abc  b    yy"]


def test_what_a_model_said_cannot_break_the_markdown_table() -> None:
    line = as_markdown(table_rows(DRAWS, "en")).splitlines()[2]
    assert line.count("|") == 6
    assert not set("*$") & set(line)


def test_alt_text_gives_the_numbers_of_each_temperature() -> None:
    said = alt_text(DRAWS, "nb")
    assert "Temperatur 0,9: median i svarene 1,0; 2,0 bit; 25 % av 4 tokener er over 10 bit" in said
    assert "Temperatur 5,0: median i svarene 12,5 bit; 100 % av 2 tokener" in said


def test_the_picture_has_a_row_for_each_draw_and_a_shape_for_each_temperature() -> None:
    axes = temperature_figure(DRAWS, "nb").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["svar 1", "svar 2", "svar 1"]
    shapes = [tuple(map(tuple, rows.get_paths()[0].vertices.round(2))) for rows in axes.collections]
    assert shapes[0] == shapes[1] != shapes[2]


def test_the_axis_counts_whole_bits_so_that_no_decimal_point_stands_in_norwegian() -> None:
    figure = temperature_figure(DRAWS, "nb")
    figure.draw_without_rendering()
    assert all("." not in label.get_text() for label in figure.axes[0].get_xticklabels())


# --- Temperature: with a model ---------------------------------------------------------------------------------------


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    bundles: list[dict[str, str]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    return bundles


def show(chains: dict[float, Any], profile: Profile, draws: int = 1) -> list[str]:
    """The lines that are printed."""
    with redirect_stdout(io.StringIO()) as printed:
        show_temperature_picture(chains, "Who are you?", profile, draws)
    return printed.getvalue().splitlines()


def test_surprise_is_measured_at_temperature_1_whatever_the_chain_samples_with(llm: Any, profile: Profile) -> None:
    import torch

    chain = make_chain(llm, do_sample=True, temperature=5.0, top_k=3)
    model, tokenizer = llm.pipeline.model, llm.pipeline.tokenizer
    heard = ask(chain, "Who are you?", [model])
    assert heard is not None
    text = "System: You are a pirate!\nHuman: Who are you?"
    assert list(heard.prompt) == tokenizer(text)["input_ids"]
    ids = list(heard.prompt)
    for token, bits in zip(heard.answer, surprise_of(heard), strict=True):
        with torch.no_grad():
            chances = torch.softmax(model(torch.tensor([ids])).logits[0, -1].double(), dim=0)
        assert bits == pytest.approx(-math.log2(chances[token].item()), abs=1e-3)
        ids.append(token)
    assert len(heard.answer) == 12


def test_each_temperature_is_asked_as_often_as_told(llm: Any, profile: Profile, displayed: Any) -> None:
    chains = {t: make_chain(llm, do_sample=True, temperature=t) for t in (0.9, 5.0)}
    assert show(chains, profile, draws=2) == ["Temperatur 0,9: spør (2 ×) …", "Temperatur 5,0: spør (2 ×) …"]
    rows = displayed[1]["text/plain"].splitlines()
    assert [row.split()[:2] for row in rows[1:]] == [["0,9", "1"], ["0,9", "2"], ["5,0", "1"], ["5,0", "2"]]


def test_picture_is_an_image_with_its_words_beside_it(llm: Any, profile: Profile, displayed: Any) -> None:
    show({0.9: make_chain(llm)}, profile)
    image = displayed[0]["text/html"]
    assert image.startswith('<img alt="Figur: ')
    assert "data:image/png;base64," in image
    assert displayed[0]["text/plain"] in image


def test_table_shows_the_words_that_the_model_added(llm: Any, profile: Profile, displayed: Any) -> None:
    chain = make_chain(llm, do_sample=False)
    said = chain.invoke({"messages": ["Who are you?"]}).removeprefix("System: You are a pirate!\nHuman: Who are you?")
    show({0.9: chain}, profile)
    assert " ".join(said.split()) in displayed[1]["text/plain"]


@pytest.mark.parametrize("form", ["list", "dict", "text"])
def test_a_chain_may_take_any_form_of_question(form: str, llm: Any, profile: Profile, displayed: Any) -> None:
    def only(given: Any) -> Any:
        if type(given) is not {"list": list, "dict": dict, "text": str}[form]:
            raise TypeError(form)
        return "Who?"

    from langchain_core.runnables import RunnableLambda

    show({0.9: RunnableLambda(only) | llm.bind(pipeline_kwargs={"max_new_tokens": 3})}, profile)
    assert len(displayed) == 2


def test_what_a_chain_does_after_its_model_may_fail(llm: Any, profile: Profile, displayed: Any) -> None:
    show({0.9: make_chain(llm) | (lambda text: text.split("Pirate:")[99])}, profile)
    assert len(displayed) == 2


def test_a_temperature_that_fails_gets_a_line_and_the_others_are_drawn(
    llm: Any, english: Profile, displayed: Any
) -> None:
    def sink(given: Any) -> Any:
        raise OSError("the ship sank")

    chains = {0.9: None, 2.0: make_chain(llm), 5.0: make_prompt() | sink | llm}
    lines = show(chains, english)
    assert any("Temperature 0.9" in line and "None" in line for line in lines)
    assert any("Temperature 5.0" in line and "OSError: the ship sank" in line for line in lines)
    assert [row.split()[0] for row in displayed[1]["text/plain"].splitlines()[1:]] == ["2.0"]


def test_one_llm_changed_in_place_is_told_in_the_picture(llm: Any, english: Profile, displayed: Any) -> None:
    one = llm.model_copy()
    chain = make_prompt() | one
    chains = {}
    for t in (0.9, 2.0, 5.0):
        one.pipeline_kwargs = {"max_new_tokens": 3, "do_sample": True, "temperature": t}
        chains[t] = chain
    show(chains, english)
    assert "Temperature 0.9 and 2.0 and 5.0: the answers were made with the same settings" in displayed[0]["text/html"]
    assert "the same settings" in displayed[1]["text/plain"]


def test_chains_with_settings_of_their_own_bring_no_warning(llm: Any, english: Profile, displayed: Any) -> None:
    show({t: make_chain(llm, do_sample=True, temperature=t) for t in (0.9, 2.0)}, english)
    assert "the same settings" not in displayed[0]["text/html"]
    assert len(displayed) == 2


@pytest.mark.parametrize("chain", [lambda given: "Arr!", 17])
def test_a_chain_without_a_model_is_told(chain: Any, english: Profile, displayed: Any) -> None:
    assert "Found no model" in show({0.9: chain}, english)[1]
    assert displayed == []


def test_the_model_is_as_before_afterwards(llm: Any, profile: Profile, displayed: Any) -> None:
    model = llm.pipeline.model
    show({0.9: make_chain(llm) | (lambda text: 1 / 0)}, profile)
    assert "generate" not in vars(model)
    own = vars(model)["generate"] = model.generate
    show({0.9: make_chain(llm)}, profile)
    assert vars(model)["generate"] is own


def test_nothing_is_asked_while_nbgrader_runs_the_notebook(
    english: Profile, displayed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    chains: dict[float, Any] = {0.9: make_prompt() | (lambda messages: pytest.fail("the chain was asked"))}
    lines = show(chains, english)
    assert len(lines) == 1
    assert "skipped" in lines[0]
    assert displayed == []
