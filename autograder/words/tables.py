"""Tables of sentences, and the one way from a sentence to its words.

A table stands with its readers: `HINTS = Table("hints", {"missing": w("…", "…")})`, and then `HINTS["missing"]` is the sentence
`hints/missing`, to be filled with values. What one task alone says stands in that task's own file, which adds it:
`HINTS.add({"home-unset": w("…", "…")})`. A sentence is known once its module has been imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import get_args

from autograder.course.profile import Language
from autograder.facts.verdict import Phrase, Sentence, Words

LANGUAGES: tuple[Language, ...] = get_args(Language)

_WORDS: dict[str, Words] = {}
"""The words of every sentence, by key, with `{name}` for its blanks. Grows while modules are imported, and only then."""

UNKNOWN = Words(
    nb="(Setningen «{key}» er ikke kjent i denne versjonen. Verdiene i den: {values}.)",
    en="(The sentence «{key}» is not known to this version. Its values: {values}.)",
)


def w(nb: str, en: str) -> Words:
    return Words(nb=nb, en=en)


class Table(dict[str, Sentence]):
    """Sentences by their entries.

    Args:
        name: what their keys begin with.
        entries: their words.
    """

    def __init__(self, name: str, entries: Mapping[str, Words]) -> None:
        super().__init__()
        self.name = name
        self.add(entries)

    def add(self, entries: Mapping[str, Words]) -> None:
        """Makes more sentences known. Raises ValueError for an entry that has other words already."""
        for entry, words in entries.items():
            sentence = Sentence(key=f"{self.name}/{entry}")
            if _WORDS.setdefault(sentence.key, words) != words:
                raise ValueError(f"{sentence.key}: there are other words for it already")
            self[entry] = sentence


def words_of(sentence: Sentence) -> Words:
    """The words of a sentence, its blanks open. Raises KeyError where it is not known."""
    return _WORDS[sentence.key]


def say(phrase: Phrase, language: Language) -> str:
    """The words in a language. A sentence that is not known (a later version has written it) is shown by its key."""
    if isinstance(phrase, Words):
        return phrase.say(language)
    values = {
        name: say(value, language) if isinstance(value, Sentence) else value for name, value in phrase.values.items()
    }
    words = _WORDS.get(phrase.key)
    if words is None or not _blanks(words) <= values.keys():
        listed = ", ".join(f"{name} = {value}" for name, value in values.items())
        return UNKNOWN.say(language).format(key=phrase.key, values=listed or "–")
    return words.say(language).format(**values)


def blank(sentence: Sentence) -> Sentence:
    """The sentence with "…" in every blank."""
    words = _WORDS.get(sentence.key)
    return sentence.fill(**dict.fromkeys(_blanks(words) if words else (), "…"))


def _blanks(words: Words) -> set[str]:
    return {name for text in (words.nb, words.en) for _, name, _, _ in Formatter().parse(text) if name}
