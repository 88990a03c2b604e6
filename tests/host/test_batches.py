"""Parts of one batch do not see each other: each has its own random numbers, its own end, its own failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autograder.host.generation import Cancelled, Control, Draws, Rows, prepare
from autograder.host.models import Models
from autograder.host.orders import Make, Part
from trials.models.tiny import TinyModel, make_model_home

ONE = "org/one"
SAMPLED = {"do_sample": True, "max_new_tokens": 12, "eos_token_id": [1, 40, 41, 42], "pad_token_id": 0}
GREEDY = {"do_sample": False, "max_new_tokens": 12, "eos_token_id": 1}
PARTS = [
    Part(rows=[[5, 60, 70, 80]], mask=[[1, 1, 1, 1]], seed=1),
    Part(rows=[[5, 61]], mask=[[1, 1]], seed=2),
    Part(rows=[[0, 5, 62], [5, 63, 64]], mask=[[0, 1, 1], [1, 1, 1]], seed=3),
    Part(rows=[[5] * 20], mask=[[1] * 20], seed=4),
    Part(rows=[[5, 61]], mask=[[1, 1]], seed=5),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    home = tmp_path_factory.mktemp("home")
    make_model_home(home, {ONE: TinyModel("llama", False)})
    return Models(home, device="cpu")


def made(models: Models, parts: list[Part], settings: dict[str, Any]) -> list[Any]:
    return models.generate(Make(model=ONE, parts=parts, settings=settings), Control(len(parts)))


@pytest.mark.parametrize("settings", [SAMPLED, GREEDY, {**SAMPLED, "top_p": 0.9, "temperature": 2.0}], ids=str)
def test_each_part_of_a_batch_is_what_it_is_alone_where_numbers_are_exact(
    models: Models, settings: dict[str, Any]
) -> None:
    alone = [made(models, [part], settings)[0] for part in PARTS]
    assert made(models, PARTS, settings) == alone
    assert len({len(rows[0]) - len(part.rows[0]) for rows, part in zip(alone, PARTS, strict=True)}) > 1 or (
        settings is GREEDY
    )


def test_a_batch_is_the_same_again(models: Models) -> None:
    assert made(models, PARTS, SAMPLED) == made(models, PARTS, SAMPLED)


def test_a_part_with_a_token_that_the_model_does_not_have_fails_alone(models: Models) -> None:
    strange = Part(rows=[[10**6]], mask=[[1]], seed=1)
    outcomes = made(models, [PARTS[0], strange, PARTS[1]], SAMPLED)
    assert [type(outcome).__name__ for outcome in outcomes] == ["list", "ValueError", "list"]
    assert outcomes[0] == made(models, PARTS[:1], SAMPLED)[0]


def test_a_part_that_was_given_up_ends_and_the_others_go_on(models: Models) -> None:
    control = Control(2)
    control.give_up(0)
    outcomes = models.generate(Make(model=ONE, parts=PARTS[:2], settings=SAMPLED), control)
    assert isinstance(outcomes[0], Cancelled)
    assert outcomes[1] == made(models, PARTS[1:2], SAMPLED)[0]


def test_a_prompt_is_read_in_pieces_and_can_be_given_up_between_two(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.host.generation.PIECE", 8)
    control, steps = Control(1), []
    step = control.step

    def third() -> None:
        steps.append(1)
        if len(steps) == 3:
            control.give_up(0)
        step()

    monkeypatch.setattr(control, "step", third)
    (outcome,) = models.generate(
        Make(model=ONE, parts=[Part(rows=[[5] * 80], mask=[[1] * 80])], settings=GREEDY), control
    )
    assert isinstance(outcome, Cancelled)
    assert len(steps) == 3


def test_a_prompt_that_is_read_in_pieces_gets_the_same_answer(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made(models, [PARTS[3]], SAMPLED)
    monkeypatch.setattr("autograder.host.generation.PIECE", 8)
    assert made(models, [PARTS[3]], SAMPLED) == whole


def test_a_batch_that_does_not_fit_into_free_memory_is_made_in_halves(tmp_path: Path) -> None:
    make_model_home(tmp_path, {ONE: TinyModel("llama", False)})
    whole, sizes = Models(tmp_path, device="cpu"), []
    alone = [made(whole, [part], SAMPLED)[0] for part in PARTS]
    small = Models(tmp_path, device="cpu", free_bytes=lambda _: 10**9)
    taken = small._taken

    def counted(model: Any, parts: Any, settings: Any) -> int:
        sizes.append(len(parts))
        return 2 * 10**9 if len(parts) > 2 else taken(model, parts, settings)

    small._taken = counted  # type: ignore[method-assign]
    assert made(small, PARTS, SAMPLED) == alone
    assert sizes == [5, 2, 3, 2]


def test_a_row_from_which_nothing_can_be_drawn_fails_its_part_alone() -> None:
    import torch

    prepare()
    draws = Draws(PARTS[:2], [Rows(0, 1), Rows(1, 1)], "cpu")
    with draws.in_this_thread():
        drawn = torch.multinomial(torch.tensor([[float("nan"), 1.0], [0.0, 1.0]]), num_samples=1)
    assert (list(draws.refused), int(drawn[1, 0])) == ([0], 1)
