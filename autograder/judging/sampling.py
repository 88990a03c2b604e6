"""What generation settings do to a distribution: is there more than one token left to draw from?

No list of names decides that. The settings are applied, as transformers applies them, to a few distributions like those
of a language model, and what is left is counted. A setting is to blame when more is left without it. Pure arithmetic on
a hundred numbers, since this also runs in a student's kernel; no torch.

It speaks of settings alone, so it does not know a vocabulary: that `suppress_tokens` or `bad_words_ids` bars all tokens
but one cannot be seen here. Requests for that would take more numbers than the model host accepts for the course's models.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

MAX_SURE = 0.001
"""Chance of another token below which a draw is no draw: less than one answer of a hundred tokens in ten."""
MANY = 10
"""A `top_k` from which on it is not to blame: it is 50 where nobody sets it."""
VOCABULARY = 32_768
TOP_LOGIT = 20.0
END_RANK, FAVOURED_RANK = 30, 40
"""Where in the order the end of the text is thought to stand, and a token that a bias speaks for."""
SEEN_RANKS = (3, 20)
"""Tokens that the prompt has already, for penalties on repetition."""
BEND = 50
EXPONENTS = (0.5, 1.0, 2.0, 4.0)
"""Zipf's law, p ∝ 1 / rank^s for the first `BEND` ranks, and at least as steep as s = 2 after them. Measured with the embedded
model (SmolLM2, every step of an answer at temperature 0.9): the likeliest token has 0.12 to 1.0 at temperature 0.9, 0.008
to 0.57 at 2.0, 0.0003 to 0.003 at 5.0, and there 0.03 to 0.17 of the first 50. The exponents 0.5 to 4 give 0.06 to 0.95,
0.007 to 0.61, 0.0004 to 0.03, and 0.03 to 0.15. So the flattest is flatter than what was measured where little is left
to choose from: a doubt helps the student."""
WHOLE_REFUSED = frozenset({"temperature"})
"""Settings for which transformers refuses a whole number."""
NEAR_TIE = 0.06
"""Logits between the first two in one more distribution: the nearest tie that was measured (p₂/p₁ = 0.93 at 0.9)."""


@dataclass(frozen=True)
class Group:
    """Neighbours in the order of likelihood that share a logit."""

    logit: float
    count: int = 1


Distribution = tuple[Group, ...]


@dataclass(frozen=True)
class Settings:
    """Those of transformers' settings that change which tokens can be drawn, each None where it says nothing."""

    temperature: float | None = None
    repetition_penalty: float | None = None
    sequence_bias: float | None = None
    guidance_scale: float | None = None
    exponential_decay_length_penalty: tuple[float, float] | None = None
    top_h: float | None = None
    top_k: float | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    epsilon_cutoff: float | None = None
    eta_cutoff: float | None = None
    num_beams: float | None = None


def cancelled_by(settings: Mapping[str, object]) -> str | None:
    """The setting that leaves sampling only one token to choose from, as `name=value`; None where more are left.

    Of several it is the one that leaves least by itself. A temperature near zero is none: it is judged as a temperature.
    """
    asked = _settings(settings)
    plain = Settings(temperature=asked.temperature)
    if not leaves_one(asked) or leaves_one(plain):
        return None
    if asked.top_k is not None and asked.top_k >= MANY:
        plain = replace(plain, top_k=asked.top_k)
    names = [name for name, value in vars(asked).items() if value is not None and value != getattr(plain, name)]
    blamed = min(names, key=lambda name: _most_left(replace(plain, **{name: getattr(asked, name)})))
    return f"{blamed}={str(settings[blamed])[:40]}"


def why_no_draw(settings: Mapping[str, object], demanded: Iterable[str] = ()) -> str | None:
    """What keeps these settings from drawing: "off", or the setting that cancels it; None where they draw.

    Args:
        demanded: settings that are not to blame, since a task asks for them.
    """
    if not settings.get("do_sample"):
        return "off"
    return cancelled_by({k: v for k, v in settings.items() if k == "temperature" or k not in demanded})


def draws_with(settings: Mapping[str, object], demanded: Mapping[str, float]) -> bool:
    """Whether these resolved settings draw with what is demanded, and more than one token to choose from."""
    if not demanded:
        return True
    numbers = all(is_number(settings, name, value) for name, value in demanded.items())
    return numbers and why_no_draw(settings, demanded) is None


def is_number(settings: Mapping[str, object], name: str, wanted: float) -> bool:
    """Whether a setting is this number."""
    value = settings.get(name)
    if isinstance(value, bool) or not isinstance(value, float if name in WHOLE_REFUSED else int | float):
        return False
    return abs(value - wanted) < 1e-6


@functools.lru_cache(maxsize=1024)
def leaves_one(settings: Settings) -> bool:
    """Whether a draw with these settings always takes the same token, in each of the distributions."""
    return all(_chance_of_another(settings, distribution) < MAX_SURE for distribution in _distributions())


def _most_left(settings: Settings) -> float:
    return max(_chance_of_another(settings, distribution) for distribution in _distributions())


def _chance_of_another(settings: Settings, distribution: Distribution) -> float:
    """The chance of any token but the likeliest; with beams, of any but those that the beams take in any case.

    Beam search draws twice as many tokens as it has beams, without putting them back: two for each are no choice.
    """
    kept = 2 if settings.num_beams is not None and settings.num_beams > 1 else 1
    left = _drawn_from(settings, distribution, kept)
    sure = kept
    chance = 0.0
    for group, probability in zip(left, _probabilities(left), strict=True):
        taken = min(sure, group.count)
        sure -= taken
        chance += probability * (group.count - taken)
    return chance


def _drawn_from(settings: Settings, distribution: Distribution, keep: int) -> Distribution:
    """What is left to draw from, in the order in which transformers (5.x, `_get_logits_processor`) applies settings."""
    groups = sorted(_processed(settings, distribution), key=lambda group: -group.logit)
    if settings.temperature is not None and settings.temperature > 0:
        groups = [replace(group, logit=group.logit / settings.temperature) for group in groups]
    left = tuple(groups)
    for name, warp in _WARPERS.items():
        value = getattr(settings, name)
        if value is not None:
            left = warp(left, value, keep)
    return left


def _processed(settings: Settings, distribution: Distribution) -> list[Group]:
    """Logits after what transformers does to them whether it draws or not."""
    groups = list(distribution)
    for rank, group in enumerate(groups):
        logit = group.logit
        if settings.guidance_scale is not None and settings.guidance_scale > 1:
            logit *= settings.guidance_scale
        if settings.repetition_penalty and rank in SEEN_RANKS:  # RepetitionPenaltyLogitsProcessor
            penalty = settings.repetition_penalty
            logit = logit * penalty if logit < 0 else logit / penalty
        if settings.sequence_bias is not None and rank == FAVOURED_RANK:
            logit += settings.sequence_bias
        if settings.exponential_decay_length_penalty and rank == END_RANK:  # as it stands at the second new token
            start, factor = settings.exponential_decay_length_penalty
            logit += abs(logit) * (_power(factor, 1 - start) - 1)
        groups[rank] = replace(group, logit=max(-1e12, min(1e12, logit)))
    return groups


def _power(factor: float, exponent: float) -> float:
    if exponent <= 0:
        return 1.0
    try:
        return float(factor**exponent) if factor > 0 else 0.0
    except OverflowError:
        return 1e12


# Each of transformers' warpers (`generation/logits_process.py`): the groups that stay, likeliest first.

Warper = Callable[[Distribution, float, int], Distribution]


def _first(groups: Distribution, count: int) -> Distribution:
    left: list[Group] = []
    for group in groups:
        if count <= 0:
            break
        left.append(replace(group, count=min(group.count, count)))
        count -= group.count
    return tuple(left)


def _top_k(groups: Distribution, k: float, keep: int) -> Distribution:
    return _first(groups, max(int(k), keep)) if k >= 1 else groups


def _top_p(groups: Distribution, mass: float, keep: int) -> Distribution:
    """The fewest tokens whose chances reach `mass` together."""
    return groups if mass >= 1 else _first(groups, max(_reaching(mass, groups, _probabilities(groups)), keep))


def _reaching(mass: float, groups: Iterable[Group], chances: Iterable[float]) -> int:
    """How many tokens it takes, in this order, to reach this mass together; all where they do not reach it."""
    before, count = 0.0, 0
    for group, chance in zip(groups, chances, strict=True):
        count += max(0, min(group.count, math.ceil((mass - before) / chance) if chance > 0 else group.count))
        before += chance * group.count
        if before >= mass:
            break
    return count


def _at_least(groups: Distribution, chance: float, keep: int) -> Distribution:
    left = sum(g.count for g, p in zip(groups, _probabilities(groups), strict=True) if p >= chance)
    return _first(groups, max(left, keep))


def _min_p(groups: Distribution, share: float, keep: int) -> Distribution:
    return _at_least(groups, share * _probabilities(groups)[0], keep)


def _epsilon(groups: Distribution, epsilon: float, keep: int) -> Distribution:
    return _at_least(groups, epsilon, keep) if 0 < epsilon < 1 else groups


def _eta(groups: Distribution, epsilon: float, keep: int) -> Distribution:
    if not 0 < epsilon < 1:
        return groups
    return _at_least(groups, min(epsilon, math.sqrt(epsilon) * math.exp(-_entropy(groups))), keep)


def _typical(groups: Distribution, mass: float, keep: int) -> Distribution:
    """The tokens whose chance is nearest to what the entropy leads one to expect, up to `mass` together."""
    if mass >= 1:
        return groups
    entropy, chances = _entropy(groups), _probabilities(groups)
    order = sorted(range(len(groups)), key=lambda place: abs(-math.log(max(chances[place], 1e-300)) - entropy))
    ordered = tuple(groups[place] for place in order)
    count = _reaching(mass, ordered, [chances[place] for place in order])
    return tuple(sorted(_first(ordered, max(count, keep)), key=lambda group: -group.logit))


def _top_h(groups: Distribution, share: float, keep: int) -> Distribution:
    """The likeliest tokens whose parts of the entropy (among the first hundred) stay within `share` of it."""
    first = _first(groups, 100)
    limit, sum_, count = share * _entropy(first), 0.0, 0
    for group, probability in zip(first, _probabilities(first), strict=True):
        part = -probability * math.log(max(probability, 1e-300))
        whole = min(group.count, int((limit - sum_) / part)) if part > 0 else group.count
        count += max(0, whole)
        sum_ += part * group.count
        if sum_ > limit:
            break
    return _first(groups, max(count, 1))


_WARPERS: dict[str, Warper] = {
    "top_h": _top_h,
    "top_k": _top_k,
    "top_p": _top_p,
    "min_p": _min_p,
    "typical_p": _typical,
    "epsilon_cutoff": _epsilon,
    "eta_cutoff": _eta,
}


def _probabilities(groups: Distribution) -> list[float]:
    """The chance of each token of a group."""
    highest = max(group.logit for group in groups)
    weights = [math.exp(max(-700.0, group.logit - highest)) for group in groups]
    total = sum(weight * group.count for weight, group in zip(weights, groups, strict=True))
    return [weight / total for weight in weights]


def _entropy(groups: Distribution) -> float:
    chances = _probabilities(groups)
    return -sum(g.count * p * math.log(max(p, 1e-300)) for g, p in zip(groups, chances, strict=True))


@functools.cache
def _distributions() -> tuple[Distribution, ...]:
    bent = tuple(_bent_zipf(exponent) for exponent in EXPONENTS)
    first, _, *rest = bent[1]
    return (*bent, (first, Group(first.logit - NEAR_TIE), *rest))


def _bent_zipf(exponent: float) -> Distribution:
    """The law as logits: the first `BEND` ranks by themselves, then groups that grow by a tenth."""
    groups, rank = [], 1
    while rank <= VOCABULARY:
        count = 1 if rank <= BEND else min(rank // 10, VOCABULARY + 1 - rank)
        place = rank + (count - 1) / 2
        head, tail = math.log(min(place, BEND)), math.log(max(place, BEND) / BEND)
        groups.append(Group(TOP_LOGIT - exponent * head - max(exponent, 2.0) * tail, count))
        rank += count
    return tuple(groups)


# Reading what a transcript has


def _settings(given: Mapping[str, object]) -> Settings:
    plain = {name: _number(given.get(name)) for name in vars(Settings()) if name in given}
    decay = given.get("exponential_decay_length_penalty")
    pair = [_number(value) for value in decay] if isinstance(decay, list | tuple) and len(decay) == 2 else []
    return Settings(
        **{
            **plain,
            "exponential_decay_length_penalty": tuple(pair) if pair and None not in pair else None,
            "sequence_bias": _largest_bias(given.get("sequence_bias")),
        }  # type: ignore[arg-type]
    )


def _largest_bias(bias: object) -> float | None:
    """The largest bias for a single token, of `[[[token], bias], …]` as transformers writes it to JSON."""
    if not isinstance(bias, list | tuple):
        return None
    found = [
        number
        for pair in bias
        if isinstance(pair, list | tuple) and len(pair) == 2
        if isinstance(pair[0], list | tuple) and len(pair[0]) == 1 and (number := _number(pair[1])) is not None
    ]
    return max(found, default=None)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
