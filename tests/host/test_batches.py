"""Parts of one batch do not see each other: each has its own random numbers, its own end, its own failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autograder.host import rounding
from autograder.host.batch import Together
from autograder.host.generation import Cancelled, Control
from autograder.host.models import Models
from autograder.host.orders import Make, Part
from trials.models.tiny import TinyModel, make_model_home

ONE, GEMMA, MULTIMODAL, ROUNDED = "org/one", "org/gemma", "org/multimodal", "org/rounded"
CONFIG = {GEMMA: {"sliding_window": 6}, ROUNDED: {"dtype": "bfloat16"}}
"""What is changed in a model's configuration: it forgets soon, it computes with few digits."""
LENGTH = {"max_new_tokens": 12, "pad_token_id": 0}
SAMPLED = {"do_sample": True, "eos_token_id": [1, 40, 41, 42], **LENGTH}
GREEDY = {"do_sample": False, "eos_token_id": 1, **LENGTH}
OWN = (
    SAMPLED, GREEDY, {**SAMPLED, "temperature": 2.0, "top_p": 0.9}, {**SAMPLED, "top_k": 5}, {**SAMPLED, "min_p": 0.1},
    {**SAMPLED, "typical_p": 0.8}, {**SAMPLED, "epsilon_cutoff": 0.001}, {**SAMPLED, "eta_cutoff": 0.001},
    {**GREEDY, "repetition_penalty": 1.7}, {**SAMPLED, "repetition_penalty": 0.6, "no_repeat_ngram_size": 2},
    {**SAMPLED, "min_new_tokens": 6}, {**SAMPLED, "min_length": 12}, {**SAMPLED, "max_new_tokens": 5},
    {"do_sample": True, "max_length": 30, "eos_token_id": 1}, {**SAMPLED, "bad_words_ids": [[60, 61], [62]]},
    {**SAMPLED, "suppress_tokens": [40, 41]}, {**SAMPLED, "begin_suppress_tokens": [60]}, {**SAMPLED, "forced_eos_token_id": 1},
    {**SAMPLED, "exponential_decay_length_penalty": [2, 1.5]}, {**SAMPLED, "renormalize_logits": True},
    {**SAMPLED, "remove_invalid_values": True}, {"do_sample": True}, {"do_sample": False, "max_new_tokens": 7},
)  # fmt: skip
"""Settings that requests of one batch may have side by side."""
PROMPTS = (
    ([[5, 60, 70, 80]], [[1, 1, 1, 1]]),
    ([[5, 61]], [[1, 1]]),
    ([[0, 5, 62], [5, 63, 64]], [[0, 1, 1], [1, 1, 1]]),
    ([[5] * 20], [[1] * 20]),
)


def part(seed: int, settings: dict[str, Any] = SAMPLED) -> Part:
    rows, mask = PROMPTS[seed % len(PROMPTS)]
    return Part(rows=rows, mask=mask, settings=settings, seed=seed if settings["do_sample"] else None)


PARTS = [part(seed) for seed in range(5)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    home = tmp_path_factory.mktemp("home")
    make_model_home(home, {ONE: TinyModel("llama", False), ROUNDED: TinyModel("llama", False)})
    make_model_home(home, {GEMMA: TinyModel("gemma", False), MULTIMODAL: TinyModel("gemma-multimodal", False)})
    models = Models(home, device="cpu")
    for name, settings in CONFIG.items():
        config = models.names()[name] / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | settings))
    return models


def made(models: Models, parts: list[Part], control: Control | None = None, model: str = ONE) -> list[Any]:
    outcomes: dict[int, Any] = {}
    asked = Make(model=model, parts=dict(enumerate(parts)))
    models.generate(asked, control or Control(asked.parts), outcomes.__setitem__)
    return [outcomes[number] for number in range(len(parts))]


@pytest.mark.parametrize("settings", OWN, ids=str)
def test_parts_of_equal_settings_are_in_a_batch_what_they_are_alone(models: Models, settings: dict[str, Any]) -> None:
    parts = [part(seed, settings) for seed in range(8)]
    assert made(models, parts) == [made(models, [each])[0] for each in parts]


def test_parts_of_all_settings_are_in_one_batch_what_they_are_alone(models: Models) -> None:
    parts = [part(seed, settings) for seed, settings in enumerate(OWN)]
    alone = [made(models, [each])[0] for each in parts]
    assert made(models, parts) == alone
    assert len({len(rows[0]) - len(each.rows[0]) for rows, each in zip(alone, parts, strict=True)}) > 3


class Joined(Control):
    """Parts of which the first begin, and one more joins before each token."""

    def __init__(self, parts: list[Part], first: int) -> None:
        super().__init__(range(first))
        self.later = dict(list(enumerate(parts))[first:])

    def arrived(self) -> dict[int, Part]:
        number = next(iter(self.later), None)
        if number is not None:
            self.join({number: self.later.pop(number)})
        return super().arrived()

    def end(self) -> bool:
        return not self.later and super().end()


def made_joined(models: Models, parts: list[Part], first: int = 1, model: str = ONE) -> list[Any]:
    outcomes: dict[int, Any] = {}
    asked = Make(model=model, parts=dict(list(enumerate(parts))[:first]), shared=True)
    models.generate(asked, Joined(parts, first), outcomes.__setitem__)
    return [outcomes[number] for number in range(len(parts))]


@pytest.mark.parametrize("model", [ONE, GEMMA, MULTIMODAL])
def test_parts_that_join_a_batch_one_after_the_other_are_in_it_what_they_are_alone(models: Models, model: str) -> None:
    parts = [part(seed, settings) for seed, settings in enumerate(OWN)]
    assert made_joined(models, parts, model=model) == [made(models, [each], model=model)[0] for each in parts]


@pytest.mark.parametrize("settings", OWN, ids=str)
def test_a_part_that_joins_is_what_it_is_alone_beside_parts_of_other_lengths_that_leave(
    models: Models, settings: dict[str, Any]
) -> None:
    lengths = (3, 2, 9, 6)
    others = [part(n, {**GREEDY, "max_new_tokens": length}) for n, length in enumerate(lengths)]
    parts = [*others[:2], part(3, settings), part(2, settings), *others[2:]]
    assert made_joined(models, parts, first=2) == [made(models, [each])[0] for each in parts]


@pytest.mark.parametrize("settings", OWN, ids=str)
def test_a_part_that_nobody_joins_is_what_transformers_makes_of_it_to_the_bit(
    models: Models, settings: dict[str, Any]
) -> None:
    for seed in range(len(PROMPTS)):
        asked = part(seed, settings)
        for model in (ONE, ROUNDED):
            assert made_joined(models, [asked], model=model) == made(models, [asked], model=model)


def test_rows_that_join_and_leave_take_no_more_room_than_those_that_are_there(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    widths: list[tuple[int, ...]] = []
    read_on = Together._read_on

    def noted(self: Together, rows: Any) -> None:
        widths.append(tuple(rows.ids.shape))
        read_on(self, rows)

    monkeypatch.setattr(Together, "_read_on", noted)
    plain = {"do_sample": False, "pad_token_id": 0}
    long, short = part(3, {**plain, "max_new_tokens": 2}), part(1, {**plain, "max_new_tokens": 4})
    assert (len(long.rows[0]), len(short.rows[0])) == (20, 2)
    made_joined(models, [long, short])
    assert widths == [(1, 21), (1, 3), (1, 4), (1, 5)]


def test_a_batch_is_the_same_again(models: Models) -> None:
    assert made(models, PARTS) == made(models, PARTS)


def test_a_part_is_told_of_as_soon_as_it_has_its_end(models: Models) -> None:
    told: list[int] = []
    parts = [part(0, {**GREEDY, "max_new_tokens": length, "eos_token_id": None}) for length in (9, 3, 6)]
    asked = Make(model=ONE, parts=dict(enumerate(parts)))
    models.generate(asked, Control(asked.parts), lambda number, _: told.append(number))
    assert told == [1, 2, 0]


def test_a_part_with_a_token_that_the_model_does_not_have_fails_alone(models: Models) -> None:
    strange = Part(rows=[[10**6]], mask=[[1]], settings=SAMPLED, seed=1)
    outcomes = made(models, [PARTS[0], strange, PARTS[1]])
    assert [type(outcome).__name__ for outcome in outcomes] == ["list", "ValueError", "list"]
    assert outcomes[0] == made(models, PARTS[:1])[0]


@pytest.mark.parametrize("settings", [{**SAMPLED, "temperature": -1.0}, {**SAMPLED, "top_k": "many"}], ids=str)
def test_a_part_whose_settings_are_refused_fails_alone(models: Models, settings: dict[str, Any]) -> None:
    outcomes = made(models, [PARTS[0], part(1, settings), PARTS[2]])
    assert [isinstance(outcome, Exception) for outcome in outcomes] == [False, True, False]
    assert outcomes[2] == made(models, PARTS[2:3])[0]


def test_a_part_from_which_nothing_can_be_drawn_fails_alone(models: Models) -> None:
    settings = {**SAMPLED, "exponential_decay_length_penalty": [0, 1e300]}
    outcomes = made(models, [PARTS[0], part(1, settings), PARTS[2]])
    assert [isinstance(outcome, Exception) for outcome in outcomes] == [False, True, False]
    assert outcomes[2] == made(models, PARTS[2:3])[0]


def test_a_part_that_was_given_up_ends_and_the_others_go_on(models: Models) -> None:
    control = Control(range(2))
    control.give_up(0)
    outcomes = made(models, PARTS[:2], control)
    assert isinstance(outcomes[0], Cancelled)
    assert outcomes[1] == made(models, PARTS[1:2])[0]


def test_a_prompt_is_read_in_pieces_and_can_be_given_up_between_two(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.host.generation.LONG", 8)
    monkeypatch.setattr("autograder.host.generation.PIECE", 8)
    control, steps = Control(range(1)), []
    step = control.step

    def third(number: int | None = None) -> None:
        steps.append(number)
        if len(steps) == 4:
            control.give_up(0)
        step(number)

    monkeypatch.setattr(control, "step", third)
    (outcome,) = made(models, [Part(rows=[[5] * 80], mask=[[1] * 80], settings=GREEDY)], control)
    assert isinstance(outcome, Cancelled)
    assert steps == [None, 0, 0, 0]


def test_a_prompt_that_is_read_in_pieces_gets_the_same_answer(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made(models, [part(3)])
    monkeypatch.setattr("autograder.host.generation.LONG", 8)
    monkeypatch.setattr("autograder.host.generation.PIECE", 8)
    assert made(models, [part(3)]) == whole


def test_a_batch_that_does_not_fit_into_free_memory_is_made_in_halves(models: Models, tmp_path: Path) -> None:
    make_model_home(tmp_path, {ONE: TinyModel("llama", False)})
    small, sizes = Models(tmp_path, device="cpu", free_bytes=lambda _: 10**9), []

    def fits(model: Any, parts: Any) -> bool:
        sizes.append(len(parts))
        return len(parts) <= 2

    small._fits = fits  # type: ignore[method-assign]
    assert made(small, PARTS) == made(models, PARTS)
    assert [size for size in sizes if size] == [5, 2, 3, 2]


@pytest.mark.parametrize("room_again_after", [3, 10**6])
def test_who_joins_and_does_not_fit_waits_and_those_that_run_go_on(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room_again_after: int
) -> None:
    make_model_home(tmp_path, {ONE: TinyModel("llama", False)})
    begun, run = list[list[int]](), Together.run

    def counted(self: Together, parts: Any, arrivals: Any) -> None:
        begun.append(list(parts))
        run(self, parts, lambda: taken_in(arrivals()))

    def taken_in(new: Any) -> Any:
        joined.extend(new)
        return new

    joined: list[int] = []
    small = Models(tmp_path, device="cpu")
    small._free_bytes = lambda _: 0 if begun and small.passes < room_again_after else 10**9
    monkeypatch.setattr(Together, "run", counted)
    assert made_joined(small, PARTS[:3]) == [made(models, [each])[0] for each in PARTS[:3]]
    assert (begun[0], small.dropped) == ([0], 0)
    assert sorted(joined + [number for parts in begun for number in parts]) == [0, 1, 2]
    assert joined == ([1, 2] if room_again_after == 3 else [])


class NoRoom(Exception):
    """Named as torch's."""


NoRoom.__name__ = "OutOfMemoryError"


def test_where_memory_runs_out_the_batch_is_halved_before_a_model_is_dropped(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    due, sizes, run = made(models, PARTS), [], Together.run

    def runs_out(self: Together, parts: Any, arrivals: Any) -> None:
        sizes.append(len(parts))
        if len(parts) > 3:
            raise NoRoom
        run(self, parts, arrivals)

    monkeypatch.setattr(Together, "run", runs_out)
    assert made(models, PARTS) == due
    assert (sizes, models.dropped) == ([5, 2, 3], 0)


# --- What rounding does ---


@pytest.mark.parametrize("settings", OWN, ids=str)
def test_an_answer_that_comes_out_again_needs_no_rounding(models: Models, settings: dict[str, Any]) -> None:
    asked = part(2, settings)
    (answer,) = made(models, [asked])
    assert made(models, [asked.model_copy(update={"remembered": answer})]) == [answer]


def other_token(answer: list[list[int]]) -> list[list[int]]:
    return [[*row[:-1], (row[-1] + 7) % 90 + 5] for row in answer]


REALLY_DIFFERENT = {
    "another last token": (other_token, {}),
    "a token more": (lambda answer: [[*row, 50] for row in answer], {}),
    "a token less": (lambda answer: [row[:-1] for row in answer], {}),
    "another prompt": (lambda answer: [[9, *row[1:]] for row in answer], {}),
    "other random numbers": (lambda answer: answer, {"seed": 77}),
    "another temperature": (lambda answer: answer, {"settings": {**SAMPLED, "temperature": 9.0}}),
}


@pytest.mark.parametrize("what", REALLY_DIFFERENT)
def test_an_answer_that_no_rounding_explains_is_told_apart(
    models: Models, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounding, "ROUNDING", 0.001)  # scores of a network without training lie close together
    change, update = REALLY_DIFFERENT[what]
    asked = part(3)
    (answer,) = made(models, [asked])
    other = asked.model_copy(update={"remembered": change(answer), **update})
    assert made(models, [other]) == [[]]


def test_a_token_that_lost_narrowly_is_rounding_and_one_that_lost_clearly_is_not() -> None:
    import torch

    scores, noise = torch.tensor([[5.0, 4.9, 1.0]]), torch.zeros(1, 3)
    assert [rounding._can_be_drawn(lambda given: given, scores, noise, token, 0.5) for token in range(3)] == [
        True, True, False,
    ]  # fmt: skip


def test_torch_draws_as_the_replay_of_an_answer_takes_it_to_draw() -> None:
    import torch

    for seed in range(20):
        scores = torch.randn(1, 1000, generator=torch.Generator().manual_seed(seed)) * 3
        drawn = torch.multinomial(scores.softmax(-1), num_samples=1, generator=torch.Generator().manual_seed(seed))
        noise = rounding._noise(scores, torch.Generator().manual_seed(seed))
        assert int((scores.log_softmax(-1) - noise).argmax()) == int(drawn)
