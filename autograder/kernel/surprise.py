"""How surprised a model is by what it answers: a question put to a student's own chain, and each token's surprise in bits.

Surprise is −log2 p, p being the model's probability for that token at temperature 1, without top-k or top-p (Shannon's
information content). Nothing here judges. Importing this module imports neither torch, transformers nor LangChain.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from autograder.course.profile import Language
from autograder.facts.verdict import Words
from autograder.kernel.generate_call import Call, resolved_settings, rows_of
from autograder.kernel.live_objects import is_a, parts_of
from autograder.kernel.notebook_tools import models_inside

MAX_TOKENS = 400
"""Tokens of an answer that are measured: a longer one would need much GPU memory and fill a picture."""
UNEXPECTED_BITS = 10.0
"""Above this a token counts as unexpected: the model gave it less than 1 chance in 2**10 = 1024."""
MAX_BITS = 99.0
"""Stands for a probability that is 0 within the precision of the model."""


@dataclass(frozen=True)
class Heard:
    """One answer as the model gave it: token ids of the prompt (padding removed) and of the answer.

    `settings` is what the model generated with, every default resolved, as JSON; empty where that could not be told.
    """

    model: Any
    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    settings: str = ""


@dataclass(frozen=True)
class Draw:
    """One answer at one temperature. `surprise` is −log2 p of each token in bits, p by the model at temperature 1.

    `settings` is what the answer was made with, as JSON (`Heard.settings`).
    """

    temperature: float
    number: int
    text: str
    surprise: tuple[float, ...]
    settings: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.surprise)

    @property
    def unexpected(self) -> float:
        """Share (0 to 1) of tokens above `UNEXPECTED_BITS`."""
        return sum(bits > UNEXPECTED_BITS for bits in self.surprise) / len(self.surprise)


class NoAnswer(Exception):
    """A chain gave no answer that can be measured; says why in the student's language."""


def measured(chain: Any, question: str, temperature: float, number: int, language: Language) -> Draw:
    if chain is None:
        raise NoAnswer(_NO_CHAIN.say(language))
    models = models_inside(chain)
    if not models:
        raise NoAnswer(_NO_MODEL.say(language))
    heard = ask(chain, question, models)
    if heard is None or not heard.prompt or not heard.answer:
        raise NoAnswer(_NOTHING_HEARD.say(language))
    return Draw(temperature, number, _text_of(heard, chain), surprise_of(heard), heard.settings)


def _text_of(heard: Heard, chain: object) -> str:
    pipelines: list[Any] = [part for part in parts_of(chain) if is_a(part, "Pipeline")]
    tokenizer = next((pipeline.tokenizer for pipeline in pipelines if pipeline.model is heard.model), None)
    return str(tokenizer.decode(heard.answer, skip_special_tokens=True)) if tokenizer is not None else ""


def ask(chain: Any, question: str, models: Sequence[Any]) -> Heard | None:
    """Puts the question in the forms that chains accept; the first that a model answers or that does not raise counts.

    What a chain does after its model has answered may fail: the answer is there all the same.
    """
    from langchain_core.messages import HumanMessage

    forms: tuple[object, ...] = ([HumanMessage(question)], {"messages": [HumanMessage(question)]}, question)
    problems: list[Exception] = []
    for form in forms:
        with _listening(models) as heard:
            try:
                chain.invoke(form)
            except Exception as error:  # a form that this chain does not take; the first problem is told if none fits
                problems.append(error)
                if not heard:
                    continue
        return heard[-1] if heard else None  # a chain may ask several times: the last request made its answer
    raise problems[0]


@contextmanager
def _listening(models: Sequence[Any]) -> Iterator[list[Heard]]:
    """While open, notes the first row of each call of these models' `generate`; then puts everything back."""
    heard: list[Heard] = []
    with ExitStack() as stack:
        for model in models:
            stack.callback(_put_back, vars(model), vars(model).get("generate"))
            vars(model)["generate"] = _noting(model, model.generate, heard)
        yield heard


def _put_back(attributes: dict[str, Any], own: Any) -> None:
    attributes.pop("generate", None)
    if own is not None:
        attributes["generate"] = own


def _noting(model: Any, generate: Any, heard: list[Heard]) -> Callable[..., Any]:
    def noting(inputs: Any = None, generation_config: Any = None, **kwargs: Any) -> Any:
        output = generate(inputs, generation_config, **kwargs)
        ids = inputs if inputs is not None else kwargs.get("input_ids")
        if ids is not None:
            settings = resolved_settings(model, generation_config, kwargs)
            call = Call(
                original=generate, model=model, inputs=inputs, config=generation_config, kwargs=kwargs,
                name="", rows=rows_of(ids, kwargs.get("attention_mask")), settings=settings,
            )  # fmt: skip
            answer = answer_tokens(call.new_tokens(output)[0][0], _ends_of(model))
            told = "" if "unresolved" in settings else json.dumps(settings, sort_keys=True)
            heard.append(Heard(model, tuple(call.rows[0]), answer, told))
        return output

    return noting


def _ends_of(model: Any) -> frozenset[int]:
    ends = model.generation_config.eos_token_id
    return frozenset(ends if isinstance(ends, list | tuple) else () if ends is None else (ends,))


def answer_tokens(tokens: Sequence[int], ends: frozenset[int]) -> tuple[int, ...]:
    """The answer without the padding behind its end, `MAX_TOKENS` at most. The token that ends it belongs to it."""
    stop = next((place + 1 for place, token in enumerate(tokens) if token in ends), len(tokens))
    return tuple(tokens[: min(stop, MAX_TOKENS)])


def surprise_of(heard: Heard) -> tuple[float, ...]:
    """One forward pass over prompt and answer: no temperature, no top-k, no top-p."""
    import torch

    with torch.inference_mode():
        ids = torch.tensor([heard.prompt + heard.answer], device=heard.model.device)
        logits = heard.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        return surprise_bits(logits[0, len(heard.prompt) - 1 : -1], heard.answer)


def surprise_bits(logits: Any, tokens: Sequence[int]) -> tuple[float, ...]:
    """−log2 of the probability of each token, in bits. `logits`: tensor (tokens, vocabulary), unmodified.

    A token whose probability is 0 within the precision of the model counts as `MAX_BITS`.
    """
    import torch

    chosen = torch.tensor(list(tokens), device=logits.device)
    nats = torch.nn.functional.cross_entropy(logits.float(), chosen, reduction="none")
    bits = [value / math.log(2) for value in nats.tolist()]
    return tuple(min(abs(value), MAX_BITS) if not math.isnan(value) else MAX_BITS for value in bits)


_NO_CHAIN = Words(
    nb="Her er det ingen kjede ennå (None). Kjør cellen som lager den, og så denne på nytt.",
    en="There is no chain here yet (None). Run the cell that makes it, then this one again.",
)
_NO_MODEL = Words(
    nb="Fant ingen modell i det som står her. Er det hele kjeden, fra ledetekst til modell?",
    en="Found no model in what is given here. Is it the whole chain, from prompt to model?",
)
_NOTHING_HEARD = Words(
    nb="Kjeden svarte uten å spørre modellen, så det er ingenting å måle.",
    en="The chain answered without asking the model, so there is nothing to measure.",
)
