"""A picture of what temperature does to the output of a student's own chains: several draws for each temperature.

It shows how surprised the model is, at temperature 1, by each token that it chose, with a text table and an alt text
beside it. Nothing here judges, and nothing that is measured reaches a verdict. Skipped while grading. Importing this
module imports neither torch, transformers, matplotlib nor LangChain.
"""

from __future__ import annotations

import base64
import html
import io
import os
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autograder.course.profile import Language, Profile
from autograder.facts.verdict import Words
from autograder.kernel.gpu_memory import AND, decimal, number
from autograder.kernel.notebook_tools import in_columns
from autograder.kernel.surprise import UNEXPECTED_BITS, Draw, NoAnswer, measured

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable
    from matplotlib.figure import Figure

MAX_DRAWS = 12
SHOWN_CHARACTERS = 60

MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
SHADES = ("#0072b2", "#a04000", "#2f6f4f", "#7b3f8c")  # all dark on white; shape, place and label say the same


def show_temperature_picture(
    chains: Mapping[float, Runnable[Any, Any] | None],
    question: str,
    profile: Profile,
    draws: int,
) -> None:
    """Asks each temperature's chain `question` `draws` times (1 to 12) and shows how surprising its tokens were.

    Surprise is −log2 p in bits, p being the model's probability for that token at temperature 1, without top-k or top-p
    (Shannon's information content). Shows a picture with a text for screen readers, and a table. A chain that is None
    or raises gets a line of its own and the others are still drawn. Does nothing but say so while nbgrader runs it.
    """
    language = profile.course.language
    if os.environ.get("NBGRADER_EXECUTION"):
        print(_SKIPPED.say(language))
        return
    drawn: list[Draw] = []
    count = min(max(1, draws), MAX_DRAWS)
    for temperature, chain in chains.items():
        where = _degrees(temperature, language)
        print(_ASKING.fill(temperature=where, count=count).say(language))
        try:
            for number in range(1, count + 1):
                drawn.append(measured(chain, question, temperature, number, language))
        except Exception as error:  # whatever the student's chain can raise: the other temperatures are still shown
            print(_NO_ANSWER.fill(temperature=where, reason=_why(error, language)).say(language))
    if drawn:
        _display(drawn, language)


def _why(error: Exception, language: Language) -> str:
    if isinstance(error, NoAnswer):
        return str(error)
    said = (str(error).strip().splitlines() or [""])[0][:160]
    return _RAISED.fill(error=type(error).__name__, said=said).say(language)


def drawn_alike(draws: Sequence[Draw]) -> list[tuple[float, ...]]:
    """Temperatures whose answers were all made with the very same settings, in groups of two or more."""
    alike: dict[str, list[float]] = {}
    for temperature, group in _groups(draws).items():
        settings = {draw.settings for draw in group}
        if len(settings) == 1 and "" not in settings:
            alike.setdefault(settings.pop(), []).append(temperature)
    return [tuple(temperatures) for temperatures in alike.values() if len(temperatures) > 1]


def warning(draws: Sequence[Draw], language: Language) -> str:
    """What to say where temperatures were drawn alike, on lines short enough for the picture; else an empty text."""
    words = AND.say(language)
    told = [words.join(_degrees(t, language) for t in group) for group in drawn_alike(draws)]
    return _ALIKE.fill(temperatures="; ".join(told)).say(language) if told else ""


def table_rows(draws: Sequence[Draw], language: Language) -> list[tuple[str, ...]]:
    """The table under the picture, header first; the last column is the beginning of the answer on one line."""
    rows = [tuple(_TABLE_HEADER.say(language).split("|"))]
    for draw in draws:
        share = f"{100 * draw.unexpected:.0f} %" if language == "nb" else f"{100 * draw.unexpected:.0f}%"
        median = number(draw.median, language)
        beginning = _on_one_line(draw.text) or _EMPTY.say(language)
        rows.append((_degrees(draw.temperature, language), str(draw.number), median, share, beginning))
    return rows


def _on_one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= SHOWN_CHARACTERS else line[:SHOWN_CHARACTERS] + "…"


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table, the first its header. What a model said (last column) sets no markup or maths."""
    header, *body = rows
    lines = [_bar(header), _bar(["---"] * len(header))]
    lines += [_bar([*row[:-1], f"<code>{_as_entities(row[-1])}</code>"]) for row in body]
    return "\n".join(lines)


def _bar(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _as_entities(text: str) -> str:
    return "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in text)


def alt_text(draws: Sequence[Draw], language: Language) -> str:
    """The picture in words, with its numbers: for those who cannot see it."""
    parts = [_ALT.say(language), *filter(None, [warning(draws, language).replace("\n", " ")])]
    for temperature, group in _groups(draws).items():
        every = [bits for draw in group for bits in draw.surprise]
        medians = "; ".join(number(draw.median, language) for draw in group)
        share = 100 * sum(bits > UNEXPECTED_BITS for bits in every) / len(every)
        words = _ALT_GROUP.fill(
            temperature=_degrees(temperature, language), medians=medians, share=f"{share:.0f}", count=len(every),
            lowest=number(min(every), language), highest=number(max(every), language),
        )  # fmt: skip
        parts.append(words.say(language))
    return " ".join(parts)


def _groups(draws: Sequence[Draw]) -> dict[float, list[Draw]]:
    groups: dict[float, list[Draw]] = {}
    for draw in draws:
        groups.setdefault(draw.temperature, []).append(draw)
    return groups


def temperature_figure(draws: Sequence[Draw], language: Language) -> Figure:
    """One row for each draw, in a group for each temperature: a mark for each token, a bar at the row's median."""
    from matplotlib.figure import Figure

    groups = _groups(draws)
    height = 1.7 + 0.3 * len(draws) + 0.42 * len(groups)
    alike = warning(draws, language)
    figure = Figure(figsize=(7.5, height + (0.8 if alike else 0)), dpi=150, layout="constrained")
    if alike:
        figure.suptitle(alike, x=0.01, ha="left", fontsize=10, fontweight="bold")
    axes: Any = figure.add_subplot()
    labels: dict[float, str] = {}
    place = 0.0
    for order, (temperature, group) in enumerate(groups.items()):
        name = _GROUP_LABEL.fill(temperature=_degrees(temperature, language)).say(language)
        axes.axhline(place, color="0.8", linewidth=0.8)
        axes.text(0, place + 0.12, name, va="top", fontsize=11, fontweight="bold")
        for row, draw in enumerate(group):
            labels[place + 1.15 + row] = _ROW_LABEL.fill(number=draw.number).say(language)
            _draw_row(axes, place + 1.15 + row, draw.surprise, order)
        place += 0.75 + len(group)
    _finish(axes, labels, place, language)
    return figure


def _draw_row(axes: Any, place: float, surprise: Sequence[float], order: int) -> None:
    """The tokens spread a little over the height of the row, the first on top: they would hide each other in a line."""
    last = max(1, len(surprise) - 1)
    heights = [place - 0.32 + 0.64 * number / last for number in range(len(surprise))]
    style = {"marker": MARKERS[order % len(MARKERS)], "color": SHADES[order % len(SHADES)]}
    axes.scatter(surprise, heights, s=13, alpha=0.55, linewidths=0, **style)
    axes.plot([statistics.median(surprise)] * 2, [place - 0.42, place + 0.42], color="black", linewidth=2.5)


def _finish(axes: Any, labels: Mapping[float, str], end: float, language: Language) -> None:
    axes.axvline(UNEXPECTED_BITS, color="0.35", linestyle="--", linewidth=1)
    axes.annotate(
        _LIMIT.say(language), (UNEXPECTED_BITS, 1), xycoords=("data", "axes fraction"), xytext=(0, 3),
        textcoords="offset points", ha="center", va="bottom", fontsize=9, color="0.25",
    )  # fmt: skip
    axes.set_yticks(list(labels), list(labels.values()), fontsize=10)
    axes.set_ylim(end, 0)
    axes.set_xlim(-0.4, max(UNEXPECTED_BITS + 4, axes.get_xlim()[1]))
    axes.locator_params(axis="x", nbins=10, steps=[5, 10], integer=True)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title(_TITLE.say(language), fontsize=12, loc="left", pad=18)
    axes.set_xlabel(_AXIS.say(language), fontsize=10)


def _display(draws: Sequence[Draw], language: Language) -> None:
    from IPython.display import display

    picture = io.BytesIO()
    temperature_figure(draws, language).savefig(picture, format="png")
    alt, data = alt_text(draws, language), base64.b64encode(picture.getvalue()).decode("ascii")
    image = f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}" style="width:100%;max-width:750px">'
    display({"text/html": image, "text/plain": alt}, raw=True)
    rows = table_rows(draws, language)
    if alike := warning(draws, language):
        display({"text/plain": alike}, raw=True)
    display({"text/markdown": as_markdown(rows), "text/plain": "\n".join(in_columns(rows))}, raw=True)


def _degrees(temperature: float, language: Language) -> str:
    """A temperature as the profile has it (0.75 stays 0.75), with the decimal comma in Norwegian."""
    return decimal(str(float(temperature)), language)


_SKIPPED = Words(
    nb="Bildet av temperaturene hoppes over når notebooken kjøres av nbgrader.",
    en="The picture of the temperatures is skipped while nbgrader runs the notebook.",
)
_ASKING = Words(nb="Temperatur {temperature}: spør ({count} ×) …", en="Temperature {temperature}: asking ({count} ×) …")
_NO_ANSWER = Words(
    nb="Temperatur {temperature}: kom ikke helt i mål. {reason}", en="Temperature {temperature}: not all done. {reason}"
)
_RAISED = Words(
    nb="Kjeden stoppet med {error}: {said}. Prøv den først i en egen celle.",
    en="The chain stopped with {error}: {said}. Try it in a cell of its own first.",
)
_TABLE_HEADER = Words(
    nb="temperatur|svar nr.|median (bit)|over 10 bit|svaret begynner slik",
    en="temperature|answer|median (bits)|above 10 bits|how the answer begins",
)
_EMPTY = Words(nb="(tomt svar)", en="(empty answer)")
_ALIKE = Words(
    nb="NB! Temperatur {temperatures}: svarene er laget med de samme innstillingene,\n"
    "så bildet viser det samme flere ganger. Ble én og samme llm endret underveis?\n"
    "Lag en utgave for hver temperatur med bind, og kjør cellene på nytt.",
    en="Note! Temperature {temperatures}: the answers were made with the same settings,\n"
    "so the picture shows the same thing several times. Was one and the same llm changed?\n"
    "Make an edition for each temperature with bind, and run the cells again.",
)
_TITLE = Words(
    nb="Hvor uventet er hvert token ved hver temperatur?", en="How unexpected is each token at each temperature?"
)
_AXIS = Words(
    nb="Overraskelse i bit: hvor uventet modellen selv syntes tokenet var\n"
    "(ett merke er ett token, det første øverst i raden; svart strek er medianen)",
    en="Surprise in bits: how unexpected the model itself found the token\n"
    "(one mark is one token, the first on top of its row; the black bar is the median)",
)
_LIMIT = Words(nb="10 bit: 1 sjanse av 1024", en="10 bits: 1 chance in 1024")
_GROUP_LABEL = Words(nb="Temperatur {temperature}", en="Temperature {temperature}")
_ROW_LABEL = Words(nb="svar {number}", en="answer {number}")
_ALT = Words(
    nb="Figur: overraskelsen i hvert token, i bit, målt ved temperatur 1, med en rad for hvert svar.",
    en="Picture: the surprise in each token, in bits, measured at temperature 1, with a row for each answer.",
)
_ALT_GROUP = Words(
    nb="Temperatur {temperature}: median i svarene {medians} bit; {share} % av {count} tokener er over 10 bit; "
    "fra {lowest} til {highest} bit.",
    en="Temperature {temperature}: medians of the answers {medians} bits; {share}% of {count} tokens are above 10 "
    "bits; from {lowest} to {highest} bits.",
)
