"""Whether settings leave more than one token to draw from, decided by what they do to distributions like a model's."""

from __future__ import annotations

from typing import Any

import pytest

from autograder.judging.sampling import cancelled_by

TEMPERATURES = (0.9, 2.0, 5.0)
USUAL = {"do_sample": True, "top_k": 50, "top_p": 1.0}
"""What the settings resolve to where a student sets nothing but the temperature."""

OFF = [
    # settings that leave one token at every temperature, and the one to blame
    ({"top_k": 1}, "top_k=1"),
    ({"top_k": 1, "num_beams": 3}, "top_k=1"),
    ({"top_k": 2, "num_beams": 3}, "top_k=2"),
    ({"top_p": 0}, "top_p=0"),
    ({"top_p": 0.0001}, "top_p=0.0001"),
    ({"top_p": 0.011}, "top_p=0.011"),
    ({"top_p": 0.02}, "top_p=0.02"),
    ({"top_p": 0.011, "num_beams": 2}, "top_p=0.011"),
    ({"min_p": 1.0}, "min_p=1.0"),
    ({"min_p": 0.99}, "min_p=0.99"),
    ({"epsilon_cutoff": 0.999}, "epsilon_cutoff=0.999"),
    ({"epsilon_cutoff": 0.6}, "epsilon_cutoff=0.6"),
    ({"epsilon_cutoff": 0.999, "top_k": 0}, "epsilon_cutoff=0.999"),
    ({"typical_p": 0.001}, "typical_p=0.001"),
    ({"typical_p": 1e-6, "top_k": 0}, "typical_p=1e-06"),
    ({"top_h": 0.01}, "top_h=0.01"),
    ({"repetition_penalty": 0.001}, "repetition_penalty=0.001"),
    ({"exponential_decay_length_penalty": [0, 1e9]}, "exponential_decay_length_penalty=[0, 1000000000.0]"),
    ({"exponential_decay_length_penalty": [-9, 1e300]}, "exponential_decay_length_penalty=[-9, 1e+300]"),
    ({"sequence_bias": [[[5], 1e4]]}, "sequence_bias=[[[5], 10000.0]]"),
    ({"guidance_scale": 1e6}, "guidance_scale=1000000.0"),
    ({"top_p": 0.6, "top_k": 1}, "top_k=1"),
]
ON = [
    # settings that leave more at every temperature
    {},
    {"top_k": 0},
    {"top_k": None, "top_p": None},
    {"top_k": 2},
    {"top_k": 5},
    {"top_p": 0.95},
    {"top_p": 0.9},
    {"top_p": 0.5},
    {"top_p": 0.1},
    {"top_p": 0.95, "top_k": 40, "min_p": 0.05},
    {"min_p": 0.1},
    {"min_p": 0.5},
    {"typical_p": 0.95},
    {"typical_p": 0.2},
    {"epsilon_cutoff": 0.0003},
    {"epsilon_cutoff": 1.5},
    {"eta_cutoff": 0.0003},
    {"eta_cutoff": 0.01},
    {"num_beams": 4},
    {"num_beams": 4, "top_p": 0.9},
    {"repetition_penalty": 1.2},
    {"repetition_penalty": 0.9},
    {"repetition_penalty": 1e9},
    {"no_repeat_ngram_size": 1},
    {"exponential_decay_length_penalty": (20, 1.05)},
    {"sequence_bias": [[[5], 2.0]]},
    {"guidance_scale": 1.5},
    {"top_h": 0.4},
    {"suppress_tokens": [1, 2, 3], "bad_words_ids": [[4]], "renormalize_logits": True},
]
ODD: list[dict[str, Any]] = [
    # what is no number, or no number that does anything
    {"top_k": "1", "top_p": "0"},
    {"top_k": True},
    {"top_p": float("nan"), "min_p": float("inf")},
    {"top_k": 10**400},
    {"top_k": -1},
    {"repetition_penalty": 0},
    {"exponential_decay_length_penalty": ["0", None]},
    {"exponential_decay_length_penalty": [0, -1e300]},
    {"sequence_bias": {"a": 1}},
    {"temperature": "0.9"},
    {"temperature": 0},
    {"temperature": -1.0},
]


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize(("settings", "by"), OFF, ids=lambda value: str(value))
def test_settings_that_leave_one_token_are_found_and_the_one_to_blame_named(
    settings: dict[str, Any], by: str, temperature: float
) -> None:
    assert cancelled_by({**USUAL, "temperature": temperature, **settings}) == by


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("settings", ON, ids=str)
def test_settings_that_leave_a_choice_are_let_be(settings: dict[str, Any], temperature: float) -> None:
    assert cancelled_by({**USUAL, "temperature": temperature, **settings}) is None


@pytest.mark.parametrize("settings", ODD, ids=lambda value: str(value)[:60])
def test_what_is_no_number_says_nothing(settings: dict[str, Any]) -> None:
    assert cancelled_by({"do_sample": True, "temperature": 0.9, **settings}) is None


AS_IT_IS_WARM = [
    # settings, at which of the temperatures they leave one token: what is flat keeps more
    ({"top_p": 0.05}, {0.9}),
    ({"epsilon_cutoff": 0.1}, {5.0}),
    ({"top_p": 0.011, "top_k": 0}, {0.9}),
]


@pytest.mark.parametrize(("settings", "off"), AS_IT_IS_WARM, ids=str)
def test_the_temperature_decides_what_a_setting_leaves(settings: dict[str, Any], off: set[float]) -> None:
    found = {t for t in TEMPERATURES if cancelled_by({**USUAL, "temperature": t, **settings})}
    assert found == off


def test_a_temperature_near_zero_is_judged_as_a_temperature() -> None:
    assert cancelled_by({**USUAL, "temperature": 0.001}) is None


def test_settings_that_nobody_has_set_cancel_nothing() -> None:
    assert cancelled_by({}) is None
