"""A verdict as text and as HTML: every state of it, and nothing of a student's that runs in a reader's browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from html_page import Page

from autograder.course.profile import Language
from autograder.facts.verdict import Criterion, Override, Sentence, Verdict, Words
from autograder.pages.sanitize import clean_html
from autograder.words import render
from autograder.words.checks import FOUND, REASONS
from autograder.words.grading import INCIDENTS
from autograder.words.tables import LANGUAGES

EVIL = "<script>alert(\"1\")</script> & '<img src=x onerror=alert(2)>'"


def both(text: str) -> Words:
    return Words(nb=text, en=text)


def criterion(outcome: str = "passed", points: float = 1.0, **more: Any) -> Criterion:
    earned = points if outcome == "passed" else 0.0
    title = Words(nb="`chatbot` er en kjede", en="`chatbot` is a chain")
    return Criterion(**{"name": "c", "title": title, "points": points, "earned": earned, "outcome": outcome, **more})


def failed(**more: Any) -> Criterion:
    said = {
        "expected": Words(nb="en kjede", en="a chain"),
        "found": Words(nb="et svar", en="an answer"),
        "hint": Words(nb="Lag kjeden først.", en="Make the chain first."),
    }
    return criterion("failed", **{**said, **more})


def verdict(*criteria: Criterion, **more: Any) -> Verdict:
    points = sum(c.points for c in criteria)
    return Verdict(**{"task": "chain", "check_id": "check-chain", "points": points, "criteria": criteria, **more})


REVIEWED = verdict(criterion(), state="review", reasons=(both("odd"),))
NOT_JUDGED = verdict(criterion(), state="not judged", reasons=(both("the GPU was lost"),))
UNKNOWN = verdict(criterion(), criterion("unknown", note=both("no GPU here")))
OVERRULED = verdict(failed(override=Override(earned=1.0, reason="a fair reading", by="ta")))

SHOWN = [
    # name, verdict, language, pieces that both text and page show
    ("passed", verdict(criterion()), "nb", ["chain: alt er på plass. 1 av 1 poeng.", "✓"]),
    ("passed", verdict(criterion()), "en", ["chain: all is there. 1 of 1 points.", "✓"]),
    ("failed", verdict(failed()), "nb", ["0 av 1 poeng så langt", "✗", "Forventet: en kjede", "Fant: et svar"]),
    ("failed", verdict(failed()), "en", ["0 of 1 points so far", "✗", "Next step: Make the chain first."]),
    ("unknown", UNKNOWN, "nb", ["?", "no GPU here", "chain: det som kan ses her, er på plass."]),
    ("unknown", UNKNOWN, "en", ["?", "no GPU here", "chain: what can be seen here is in place."]),
    ("unknown beside failed", verdict(criterion("unknown"), failed()), "en", ["?", "✗", "0 of 2 points so far"]),
    ("carried", verdict(criterion(note=both("from before"))), "en", ["✓", "– from before", "all is there"]),
    ("review", REVIEWED, "nb", ["✓", "En person ser på denne: odd"]),
    ("review", REVIEWED, "en", ["✓", "A person will look at this: odd"]),
    ("not judged", NOT_JUDGED, "nb", ["chain: ikke rettet ennå.", "the GPU was lost"]),
    ("not judged", NOT_JUDGED, "en", ["chain: not judged yet.", "the GPU was lost"]),
    ("override", OVERRULED, "nb", ["1 av 1 poeng", "●", "Overstyrt av en person: a fair reading"]),
    ("override", OVERRULED, "en", ["1 of 1 points", "●", "Overruled by a person: a fair reading"]),
    ("observation", verdict(criterion(), observations=(both("it repeats"),)), "nb", ["Lagt merke til", "it repeats"]),
]
IDS = [f"{name}-{language}" for name, _, language, _ in SHOWN]


@pytest.mark.parametrize(("name", "shown", "language", "pieces"), SHOWN, ids=IDS)
def test_the_text_and_the_page_show_the_verdict(
    name: str, shown: Verdict, language: Language, pieces: list[str]
) -> None:
    for text in (render.as_text(shown, language).replace("`", ""), Page(render.as_html(shown, language)).all_text):
        assert [piece for piece in pieces if piece not in text] == []


def test_a_verdict_that_is_not_judged_shows_no_points() -> None:
    for shown in (render.as_text(NOT_JUDGED, "en"), Page(render.as_html(NOT_JUDGED, "en")).all_text):
        assert "points" not in shown


HALF = Override(earned=0.5, reason="half of it")
MARKS = [
    # criterion, sign, word in Norwegian, word in English
    (criterion("passed"), "✓", "på plass", "in place"),
    (criterion("failed"), "✗", "mangler", "missing"),
    (criterion("unknown"), "?", "ikke kjent", "not known"),
    *(
        (criterion(outcome, override=HALF), "●", "bestemt av en person", "decided by a person")
        for outcome in ("passed", "failed", "unknown")
    ),
]
MARK_IDS = [c.outcome + (", overruled" if c.override else "") for c, *_ in MARKS]


@pytest.mark.parametrize(("shown", "sign", "nb", "en"), MARKS, ids=MARK_IDS)
def test_a_mark_is_a_sign_to_see_and_a_word_to_hear(shown: Criterion, sign: str, nb: str, en: str) -> None:
    for language, word in (("nb", nb), ("en", en)):
        page = Page(render.as_html(verdict(shown), language))  # type: ignore[arg-type]
        assert f"{word}: chatbot" in page.heard
        assert sign in page.all_text
        assert sign not in page.heard


@pytest.mark.parametrize(("shown", "sign", "nb", "en"), MARKS, ids=MARK_IDS)
def test_a_criterion_has_one_mark(shown: Criterion, sign: str, nb: str, en: str) -> None:
    line = render.as_text(verdict(shown), "en").split("\n")[1]
    assert [mark for mark in render.MARKS.values() if mark in line] == [sign]


def test_no_mark_has_a_colour_of_its_own() -> None:
    pages = [render.as_html(verdict(shown), "en") for shown, *_ in MARKS]
    assert [page for page in pages if re.search(r"color\s*:|background", page)] == []


NUMBERS = [
    # number, in Norwegian, in English
    (1.5, "1,5", "1.5"),
    (2.0, "2", "2"),
    (0, "0", "0"),
    (0.25, "0,25", "0.25"),
    (1 / 3, "0,33", "0.33"),
    (99.75, "99,75", "99.75"),
    (-0.0, "0", "0"),
    (30, "30", "30"),
]


@pytest.mark.parametrize(("value", "nb", "en"), NUMBERS)
def test_numbers_are_written_as_the_language_has_them(value: float, nb: str, en: str) -> None:
    assert (render.number(value, "nb"), render.number(value, "en")) == (nb, en)


@pytest.mark.parametrize(("language", "headline"), [("nb", "1,5 av 2,5 poeng"), ("en", "1.5 of 2.5 points")])
def test_a_headline_counts_parts_of_points(language: Language, headline: str) -> None:
    assert headline in render.headline(verdict(criterion(points=1.5), failed()), language)


PERSON = {earned: Override(earned=earned, reason="r") for earned in (0.0, 0.5, 1.0, 9.0)}
STANDINGS = [
    # what, verdict, whether it is passed, whether it is open
    ("all passed", verdict(criterion(), criterion()), True, False),
    ("nothing in it", verdict(), False, False),
    ("one failed", verdict(criterion(), failed()), False, False),
    ("one unknown", verdict(criterion(), criterion("unknown")), False, True),
    ("one unknown, one failed", verdict(criterion("unknown"), failed()), False, False),
    ("unknown, points proposed", verdict(criterion("unknown", earned=1.0), state="review"), False, True),
    ("failed, given all", verdict(failed(override=PERSON[1.0])), True, False),
    ("failed, given more than all", verdict(failed(override=PERSON[9.0])), True, False),
    ("failed, given half", verdict(failed(override=PERSON[0.5])), False, False),
    ("failed, given nothing", verdict(failed(override=PERSON[0.0])), False, False),
    ("unknown, given all", verdict(criterion("unknown", override=PERSON[1.0])), True, False),
    ("unknown, given half", verdict(criterion("unknown", override=PERSON[0.5])), False, False),
    ("passed, half taken", verdict(criterion(override=PERSON[0.5])), False, False),
    ("passed in part", verdict(criterion(earned=0.5)), False, False),
    ("passed, worth nothing", verdict(criterion(points=0.0), criterion()), True, False),
    ("failed, worth nothing", verdict(failed(points=0.0), criterion()), True, False),
    ("not judged", verdict(criterion(), state="not judged"), False, False),
]


@pytest.mark.parametrize(("shown", "passed", "is_open"), [pytest.param(*s[1:], id=s[0]) for s in STANDINGS])
def test_only_a_verdict_with_all_its_points_is_passed(shown: Verdict, passed: bool, is_open: bool) -> None:
    assert (shown.passed, shown.open) == (passed, is_open)
    assert ("all is there" in render.headline(shown, "en")) == passed
    assert ("what can be seen here" in render.headline(shown, "en")) == is_open


# One next step, or all


TWO = verdict(failed(hint=both("mend one")), failed(hint=both("mend two")))


both_ways = pytest.mark.parametrize("show", [render.as_text, render.as_html])


@both_ways
@pytest.mark.parametrize("all_hints", [False, True])
def test_one_next_step_is_shown_at_a_time_and_all_where_asked_for(show: Any, all_hints: bool) -> None:
    shown = show(TWO, "en", all_hints=all_hints)
    assert ("mend one" in shown, "mend two" in shown) == (True, all_hints)


@both_ways
def test_an_overruled_criterion_gives_no_advice(show: Any) -> None:
    assert "Make the chain first" not in show(OVERRULED, "en", all_hints=True)


# For who listens


@pytest.mark.parametrize(("language", "name"), [("nb", "Sjekk av chain"), ("en", "Check of chain")])
def test_a_panel_is_a_group_with_a_name_and_a_language(language: Language, name: str) -> None:
    (panel,) = Page(render.as_html(verdict(criterion()), language)).all("div")
    assert (panel["role"], panel["aria-label"], panel["lang"]) == ("group", name, language)


def test_a_list_without_bullets_says_that_it_is_a_list() -> None:
    for hidden in re.findall(r"<ul[^>]*list-style:none[^>]*>", render.as_html(verdict(criterion()), "en")):
        assert 'role="list"' in hidden


def test_a_verdict_without_criteria_has_no_empty_list() -> None:
    assert "<ul" not in render.as_html(verdict(state="not judged"), "en")


# What the model said


SHORT = "Arr, matey!\n\nI be a *pirate*."
SAID_BY_MODELS = {
    "lines": "line\n" * 900,
    "words": "wide sea " * 900,
    "one word": "x" * 9000,
    "wide signs": "海" * 900,
    "many spaces": " \t" * 4000 + "end",
    "signs of a terminal": "\x1b[31mred\x1b[0m\x07\u202eback",
    "markup": EVIL * 40,
}


def test_what_the_model_said_is_quoted() -> None:
    assert "What your model said:\n  «Arr, matey!\n  I be a *pirate*.»" in render.as_text(
        verdict(criterion()), "en", said=SHORT
    )
    page = render.as_html(verdict(criterion()), "nb", said=SHORT)
    assert "Dette sa modellen din:" in page
    assert "Arr, matey!\nI be a *pirate*.</blockquote>" in page


@pytest.mark.parametrize("said", [None, "", " \n\t\n "])
def test_a_model_that_said_nothing_is_not_quoted(said: str | None) -> None:
    for show in (render.as_text, render.as_html):
        assert show(verdict(criterion()), "en", said=said) == show(verdict(criterion()), "en")


def test_remarks_stand_after_what_the_model_said_and_say_that_they_cost_nothing() -> None:
    shown = verdict(criterion(), observations=(both("it repeats"),))
    for text in (render.as_text(shown, "en", said=SHORT), Page(render.as_html(shown, "en", said=SHORT)).all_text):
        assert text.index("pirate") < text.index("Noticed (costs nothing)") < text.index("it repeats")


def test_a_short_answer_folds_nothing_away() -> None:
    assert "<details" not in render.as_html(verdict(criterion()), "en", said=SHORT)


@pytest.mark.parametrize("kind", ["lines", "words", "one word", "wide signs"])
def test_a_long_answer_shows_its_beginning_and_folds_the_rest_away(kind: str) -> None:
    page = render.as_html(verdict(criterion()), "en", said=SAID_BY_MODELS[kind])
    seen, folded = page.split("<details")
    assert len(Page(seen + "</div>").all_text) < 500
    assert "The rest of what the model said" in folded
    assert len(Page("<details" + folded.removesuffix("</div>")).all_text) <= render.MOST_CHARACTERS + 100


def test_no_word_of_a_long_answer_is_lost_between_its_beginning_and_the_rest() -> None:
    words = [f"word{n}" for n in range(200)]
    page = Page(render.as_html(verdict(criterion()), "en", said=" ".join(words)))
    assert re.findall(r"word\d+", page.all_text) == words


@pytest.mark.parametrize("kind", SAID_BY_MODELS)
def test_a_quotation_in_text_is_a_few_lines_of_the_width(kind: str) -> None:
    lines = render.as_text(verdict(criterion()), "en", said=SAID_BY_MODELS[kind]).split("\n")
    quoted = lines[lines.index("What your model said:") + 1 :]
    assert 1 <= len(quoted) <= 8
    assert max(map(len, quoted)) <= render.WIDTH
    assert all(line.isprintable() for line in quoted)


@pytest.mark.parametrize("kind", SAID_BY_MODELS)
def test_what_a_model_said_never_becomes_markup(kind: str) -> None:
    page = Page(render.as_html(verdict(criterion()), "en", said=SAID_BY_MODELS[kind]))
    assert set(page.tags) <= OWN_TAGS
    assert set(page.attributes) <= OWN_ATTRIBUTES


# What came from a student


EVIL_PLACES = {
    "title": verdict(criterion(title=both(EVIL))),
    "note": verdict(criterion(note=both(EVIL))),
    "expected": verdict(failed(expected=both(EVIL))),
    "found": verdict(failed(found=both(EVIL))),
    "hint": verdict(failed(hint=both(EVIL))),
    "reason": verdict(criterion(), state="review", reasons=(both(EVIL),)),
    "observation": verdict(criterion(), observations=(both(EVIL),)),
    "override": verdict(failed(override=Override(earned=0.5, reason=EVIL))),
    "task": verdict(criterion(), task=EVIL),
    "value of a sentence": verdict(failed(found=FOUND["value"].fill(value=EVIL))),
    "value in a sentence in a sentence": verdict(
        criterion(), state="review", reasons=(REASONS["a-person-looks"].fill(what=INCIDENTS["crash"].fill(cell=EVIL)),)
    ),
    "value of an unknown sentence": verdict(failed(hint=Sentence(key="later/hint").fill(variable=EVIL))),
    "key of an unknown sentence": verdict(failed(hint=Sentence(key=EVIL))),
}
OWN_TAGS = {"div", "strong", "ul", "li", "span", "code", "p", "br", "blockquote", "details", "summary"}
OWN_ATTRIBUTES = {"lang", "style", "aria-hidden", "aria-label", "role"}


@pytest.mark.parametrize("place", EVIL_PLACES)
def test_a_students_tags_are_shown_and_never_become_tags(place: str) -> None:
    page = Page(render.as_html(EVIL_PLACES[place], "en"))
    assert EVIL in page.all_text
    assert set(page.tags) <= OWN_TAGS
    assert set(page.attributes) <= OWN_ATTRIBUTES


BACKTICKS = ["`", "``", "```", "`a`b`", "a`b", "`<b>`", "<b>`<b>", "`" * 7]


@pytest.mark.parametrize("found", BACKTICKS)
def test_any_number_of_backticks_leaves_whole_html(found: str) -> None:
    page = Page(render.as_html(verdict(failed(found=both(found), hint=both(f"`x` is {found}"))), "en"))
    assert set(page.tags) <= OWN_TAGS


def test_a_name_in_backticks_becomes_code() -> None:
    assert "<code>chatbot</code> is a chain" in render.as_html(verdict(criterion()), "en")


def test_one_backtick_alone_begins_no_code() -> None:
    assert "<code>" not in render.as_html(verdict(criterion(title=both("a ` b"))), "en")


# Width


LONG = both("a rather long sentence about what went wrong here " * 6)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("word", ["x" * 400, "long words " * 40, "a\nb\n" * 100], ids=["word", "words", "lines"])
def test_no_line_of_text_is_wider_than_the_width(word: str, language: Language) -> None:
    shown = verdict(
        failed(expected=LONG, found=both(word), hint=LONG),
        failed(title=both(word)),
        criterion(note=both(word)),
        criterion("unknown", title=LONG, note=LONG),
        failed(override=Override(earned=0.5, reason=word)),
        criterion(override=Override(earned=0.5, reason=LONG.en)),
        state="review",
        reasons=(both(word), LONG),
        observations=(both(word), LONG),
    )
    assert max(map(len, render.as_text(shown, language, all_hints=True).split("\n"))) <= render.WIDTH


@pytest.mark.parametrize(
    "wide", [criterion(note=LONG), failed(override=Override(earned=0.5, reason=LONG.en))], ids=["note", "override"]
)
def test_a_criterion_that_is_wrapped_loses_no_word(wide: Criterion) -> None:
    lines = render.as_text(verdict(wide), "en").split("\n")[1:]
    assert len(lines) > 1
    assert " ".join(LONG.en.split()) in " ".join(" ".join(lines).split())
    assert all(line.startswith("    ") for line in lines[1:])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_panel_stays_as_it_is_where_pages_are_cleaned(language: Language) -> None:
    panel = render.as_html(
        verdict(criterion(), failed(found=both(EVIL)), reasons=(both("x"),)), language, all_hints=True
    )
    before, after = Page(panel), Page(clean_html(panel))
    assert (after.tags, after.attributes, after.all_text) == (before.tags, before.attributes, before.all_text)
    styles = [re.findall(r"[\w-]+(?=:)", style) for style in re.findall(r"style=[\"'](.*?)[\"']", panel)]
    assert styles == [re.findall(r"[\w-]+(?=:)", s) for s in re.findall(r'style="(.*?)"', clean_html(panel))]
