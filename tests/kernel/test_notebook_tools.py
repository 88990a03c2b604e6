"""The helpers in the notebooks: what they free, what they show, and what they leave alone."""

from __future__ import annotations

import math
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from autograder.course.profile import Profile
from autograder.judging.contract import load
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
from trials.models.tiny import TinyModel, make_model_home

NAME = "meta-llama/Llama-3.2-1B"


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another file's tests may have switched the virtual GPU on in this process."""
    if "torch" in sys.modules:
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load(ROOT / "course.toml")


@pytest.fixture(scope="module")
def english(profile: Profile) -> Profile:
    return profile.model_copy(update={"course": profile.course.model_copy(update={"language": "en"})})


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    make_model_home(home, {NAME: TinyModel(family="llama", chat=False)})
    return next((home / "hub").glob("models--*/snapshots/*"))


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


def test_importing_the_module_imports_no_heavy_library() -> None:
    code = (
        "import sys, autograder.kernel.notebook_tools, autograder.kernel.temperature_picture\n"
        "heavy = {'torch', 'transformers', 'huggingface_hub', 'matplotlib', 'langchain_core', 'langchain_community',\n"
        "         'langchain_huggingface', 'langchain'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_showing_gpu_memory_imports_torch_but_not_huggingface_hub() -> None:
    code = (
        "import sys, pathlib, autograder.kernel.notebook_tools as tools, autograder.judging.contract as contract\n"
        "tools.show_gpu_memory(contract.load(pathlib.Path('course.toml')), say=lambda line: None)\n"
        "print('torch' in sys.modules, 'huggingface_hub' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True False"


# --- Freeing models --------------------------------------------------------------------------------------------------


def freed(profile: Profile, namespace: dict[str, object]) -> str:
    lines: list[str] = []
    free_models(profile, namespace, say=lines.append)
    assert len(lines) == 1
    return lines[0]


def test_a_model_behind_llm_and_chatbot_leaves_memory(profile: Profile, snapshot: Path) -> None:
    llm = make_llm(snapshot)
    namespace: dict[str, object] = {"llm": llm, "chatbot": make_chain(llm)}
    model = weakref.ref(llm.pipeline.model)
    del llm
    assert "llm, chatbot" in freed(profile, namespace)
    assert namespace == {"llm": None, "chatbot": None}
    assert model() is None


@pytest.mark.parametrize(
    "hold",
    [
        lambda llm: llm.pipeline,
        lambda llm: llm.pipeline.model,
        lambda llm: make_chain(llm),
        lambda llm: llm.with_retry().with_fallbacks([llm]),
        lambda llm: {"small": llm}["small"],
        lambda llm: (llm, "text"),
        lambda llm: make_prompt() | (lambda messages, model=llm: model.invoke(messages)) | llm,
    ],
)
def test_a_variable_of_any_name_that_holds_the_model_is_freed(hold: Any, profile: Profile, snapshot: Path) -> None:
    llm = make_llm(snapshot)
    model = weakref.ref(llm.pipeline.model)
    namespace: dict[str, object] = {"mine": hold(llm)}
    del llm
    assert "mine" in freed(profile, namespace)
    assert namespace["mine"] is None
    assert model() is None


def test_a_model_in_a_cycle_of_references_leaves_memory_at_once(profile: Profile, snapshot: Path) -> None:
    llm = make_llm(snapshot)
    llm.pipeline.itself = llm.pipeline
    model = weakref.ref(llm.pipeline.model)
    namespace: dict[str, object] = {"llm": llm}
    del llm
    freed(profile, namespace)
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


def test_the_output_cache_of_ipython_lets_the_model_go(shell: Any, profile: Profile, snapshot: Path) -> None:
    shell.user_ns.update(make_llm=make_llm, snapshot=snapshot)
    shell.run_cell("llm = make_llm(snapshot)\nllm", store_history=True)
    shell.run_cell("llm.pipeline", store_history=True)
    model = weakref.ref(shell.user_ns["llm"].pipeline.model)
    said = freed(profile, shell.user_ns)
    assert "Out[1], Out[2]" in said
    assert "start kjernen" not in said
    assert model() is None


def test_outputs_that_hold_no_model_stay_in_the_cache(shell: Any, profile: Profile) -> None:
    shell.run_cell("'Arr!'", store_history=True)
    freed(profile, shell.user_ns)
    assert shell.user_ns["Out"] == {1: "Arr!"}
    assert shell.user_ns["_"] == "Arr!"


def test_ipython_goes_on_remembering_outputs_afterwards(shell: Any, profile: Profile, snapshot: Path) -> None:
    shell.user_ns.update(make_llm=make_llm, snapshot=snapshot)
    shell.run_cell("make_llm(snapshot)", store_history=True)
    freed(profile, shell.user_ns)
    shell.run_cell("1 + 1", store_history=True)
    assert shell.user_ns["_"] == 2
    assert shell.user_ns["_2"] == 2


def test_the_traceback_of_a_call_that_failed_lets_the_model_go(shell: Any, profile: Profile, snapshot: Path) -> None:
    shell.user_ns.update(make_llm=make_llm, snapshot=snapshot)
    shell.run_cell(
        "llm = make_llm(snapshot)\ndef ask(model):\n    raise ValueError(model.model_id)\n", store_history=True
    )
    shell.run_cell("ask(llm)", store_history=True)
    model = weakref.ref(shell.user_ns["llm"].pipeline.model)
    freed(profile, shell.user_ns)
    assert model() is None


# --- GPU memory ------------------------------------------------------------------------------------------------------


def gpu(free: float, total: float = 20.0, own: float = 0.0) -> GpuMemory:
    return GpuMemory("NVIDIA A100", free, total, own)


def test_without_a_gpu_it_says_so_and_that_checks_still_work(english: Profile, monkeypatch: Any) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    lines: list[str] = []
    show_gpu_memory(english, say=lines.append)
    assert "no GPU" in lines[0]
    assert "checks work" in lines[0]
    assert "there is a GPU" in lines[0]


def test_each_model_in_use_has_a_row_that_says_whether_it_fits_now(english: Profile) -> None:
    report = memory_report(gpu(free=3.0), english).splitlines()
    assert [line.split()[-1] for line in report if "meta-llama" in line] == ["yes", "yes", "no"]


HOLDS = "meta-llama/Llama-3.2-1B"


def test_each_model_in_use_has_a_row_that_says_whether_it_is_here(english: Profile) -> None:
    for report in (memory_report(gpu(free=19.0), english, (), {HOLDS}), memory_report(None, english, (), {HOLDS})):
        assert [line.split()[1] for line in report.splitlines() if "meta-llama" in line] == ["yes", "no", "no"]
        assert "tell the course" in report


def test_where_all_models_are_here_nothing_is_to_be_told(english: Profile) -> None:
    names = [english.model(role).name for role in english.roles_in_use()]
    assert "tell the course" not in memory_report(gpu(free=19.0), english, (), names)


def test_a_model_is_here_when_its_folder_holds_a_file_of_it(english: Profile, tmp_path: Path) -> None:
    base, small, _ = (english.model(role).name for role in english.roles_in_use())
    for name in (base, small):
        (tmp_path / "hub" / f"models--{name.replace('/', '--')}" / "snapshots" / "1a2b").mkdir(parents=True)
    (tmp_path / "hub" / f"models--{base.replace('/', '--')}" / "snapshots" / "1a2b" / "config.json").touch()
    assert models_there(english, tmp_path) == {base}
    assert models_there(english, tmp_path / "nowhere") == frozenset()


def test_while_nbgrader_runs_the_notebook_nothing_is_said_of_models_that_are_elsewhere(
    english: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    lines: list[str] = []
    show_gpu_memory(english, say=lines.append)
    assert "is here?" not in lines[0]


def test_a_model_larger_than_the_gpu_is_told_apart(english: Profile) -> None:
    assert "larger than the whole GPU" in memory_report(gpu(free=5.0, total=5.5), english)


def test_numbers_have_a_decimal_comma_in_norwegian(profile: Profile) -> None:
    assert "har 17,3 av 20,0 GB ledig" in memory_report(gpu(free=17.3), profile)


def test_a_nearly_full_gpu_tells_how_to_shut_down_old_kernels(english: Profile) -> None:
    assert "Running Terminals and Kernels" in memory_report(gpu(free=1.0), english)


def test_a_gpu_that_this_notebook_fills_tells_how_to_free_it(english: Profile) -> None:
    report = memory_report(gpu(free=1.0, own=18.0), english)
    assert "free_models()" in report
    assert "Running Terminals" not in report


def test_a_free_gpu_gives_no_advice(english: Profile) -> None:
    assert "kernel" not in memory_report(gpu(free=19.0), english)


def test_a_full_gpu_names_the_notebook_to_shut_down(english: Profile) -> None:
    other = Holder(7, 18.0, "k", "/home/a/larger-model.ipynb")
    report = memory_report(gpu(free=1.0), english, [other])
    assert "a/larger-model.ipynb: 18.0 GB" in report
    assert "Shut down the kernel of a/larger-model.ipynb" in report
    assert "An old kernel probably" not in report


def test_a_gpu_that_nvidia_smi_says_this_notebook_fills_tells_how_to_free_it(english: Profile) -> None:
    assert "free_models()" in memory_report(gpu(free=1.0), english, [Holder(7, 18.0, here=True)])


def test_who_holds_memory_is_told_without_advice_where_there_is_room(english: Profile) -> None:
    report = memory_report(gpu(free=19.0), english, [Holder(7, 0.5, "k", "/x/a.ipynb")])
    assert "a.ipynb: 0.5 GB" in report
    assert "Shut" not in report


def test_a_gpu_too_full_to_answer_is_called_full(english: Profile, monkeypatch: Any) -> None:
    import torch

    def mem_get_info(device: int) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", mem_get_info)
    lines: list[str] = []
    show_gpu_memory(english, say=lines.append)
    assert "so full" in lines[0]
    assert "Running Terminals and Kernels" in lines[0]


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
    import IPython.display

    shown: list[dict[str, str]] = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: shown.append(bundle))
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    return shown


def show(chains: dict[float, Any], profile: Profile, draws: int = 2) -> list[str]:
    lines: list[str] = []
    show_temperature_picture(chains, "Who are you?", profile, draws, say=lines.append)
    return lines


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
    assert show(chains, profile) == ["Temperatur 0,9: spør (2 ×) …", "Temperatur 5,0: spør (2 ×) …"]
    rows = displayed[1]["text/plain"].splitlines()
    assert [row.split()[:2] for row in rows[1:]] == [["0,9", "1"], ["0,9", "2"], ["5,0", "1"], ["5,0", "2"]]


def test_picture_is_an_image_with_its_words_beside_it(llm: Any, profile: Profile, displayed: Any) -> None:
    show({0.9: make_chain(llm)}, profile, draws=1)
    image = displayed[0]["text/html"]
    assert image.startswith('<img alt="Figur: ')
    assert "data:image/png;base64," in image
    assert displayed[0]["text/plain"] in image


def test_table_shows_the_words_that_the_model_added(llm: Any, profile: Profile, displayed: Any) -> None:
    chain = make_chain(llm, do_sample=False)
    said = chain.invoke({"messages": ["Who are you?"]}).removeprefix("System: You are a pirate!\nHuman: Who are you?")
    show({0.9: chain}, profile, draws=1)
    assert " ".join(said.split()) in displayed[1]["text/plain"]


@pytest.mark.parametrize("form", ["list", "dict", "text"])
def test_a_chain_may_take_any_form_of_question(form: str, llm: Any, profile: Profile, displayed: Any) -> None:
    def only(given: Any) -> Any:
        if type(given) is not {"list": list, "dict": dict, "text": str}[form]:
            raise TypeError(form)
        return "Who?"

    from langchain_core.runnables import RunnableLambda

    show({0.9: RunnableLambda(only) | llm.bind(pipeline_kwargs={"max_new_tokens": 3})}, profile, draws=1)
    assert len(displayed) == 2


def test_what_a_chain_does_after_its_model_may_fail(llm: Any, profile: Profile, displayed: Any) -> None:
    show({0.9: make_chain(llm) | (lambda text: text.split("Pirate:")[99])}, profile, draws=1)
    assert len(displayed) == 2


def test_a_temperature_that_fails_gets_a_line_and_the_others_are_drawn(
    llm: Any, english: Profile, displayed: Any
) -> None:
    def sink(given: Any) -> Any:
        raise OSError("the ship sank")

    chains = {0.9: None, 2.0: make_chain(llm), 5.0: make_prompt() | sink | llm}
    lines = show(chains, english, draws=1)
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
    show(chains, english, draws=1)
    assert "Temperature 0.9 and 2.0 and 5.0: the answers were made with the same settings" in displayed[0]["text/html"]
    assert "the same settings" in displayed[1]["text/plain"]


def test_chains_with_settings_of_their_own_bring_no_warning(llm: Any, english: Profile, displayed: Any) -> None:
    show({t: make_chain(llm, do_sample=True, temperature=t) for t in (0.9, 2.0)}, english, draws=1)
    assert "the same settings" not in displayed[0]["text/html"]
    assert len(displayed) == 2


@pytest.mark.parametrize("chain", [lambda given: "Arr!", 17])
def test_a_chain_without_a_model_is_told(chain: Any, english: Profile, displayed: Any) -> None:
    assert "Found no model" in show({0.9: chain}, english)[1]
    assert displayed == []


def test_the_model_is_as_before_afterwards(llm: Any, profile: Profile, displayed: Any) -> None:
    show({0.9: make_chain(llm) | (lambda text: 1 / 0)}, profile, draws=1)
    assert "generate" not in vars(llm.pipeline.model)


def test_a_generate_of_the_models_own_is_put_back(llm: Any, profile: Profile, displayed: Any) -> None:
    model = llm.pipeline.model
    own = vars(model)["generate"] = model.generate
    show({0.9: make_chain(llm)}, profile, draws=1)
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
