"""The staff's page about grading on hand-in: whether it runs, who waits and for what, and what came of the last ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from autograder.course.profile import Language
from autograder.errors import ProfileError
from autograder.facts.verdict import Sentence
from autograder.judging.contract import load
from autograder.pages.templates import environment
from autograder.plugins.watch_state import Ended, Now, Waits, is_running
from autograder.submissions.hand_in import when
from autograder.words.masking import visible
from autograder.words.tables import say
from autograder.words.watch import WATCH


def watch_page(course: Path, now: datetime) -> str:
    """The page, in the course's language."""
    try:
        language: Language = load(course / "course.toml").course.language
    except ProfileError:
        language = "en"
    return _Page(Now.read(course) or Now(), language).html(is_running(course), now)


class _Page:
    def __init__(self, state: Now, language: Language) -> None:
        self._state, self._language = state, language

    def _say(self, sentence: Sentence) -> str:
        return say(sentence, self._language)

    def html(self, running: bool, now: datetime) -> str:
        """The page. Nothing is shown as going on where no watcher is running."""
        state = self._state
        runs = [
            (run.student, f"{(now - run.began).total_seconds():.0f} s", self._say(WATCH["slow"]) if run.slow else "")
            for run in (state.runs if running else ())
        ]
        waits = [(one.student, when(one.handed_in), self._why(one)) for one in state.waits]
        ended = [
            (one.student, when(one.ended), f"{one.since:.0f} s", f"{one.took:.0f} s", self._came(one))
            for one in state.ended
        ]
        parts = [
            self._table(WATCH["runs"].fill(n=len(runs)), ("student", "so-far", "note"), runs),
            self._table(WATCH["waits"].fill(n=state.waiting), ("student", "handed-in", "why"), waits),
            self._table(WATCH["ended"], ("student", "finished", "since", "took", "outcome"), ended),
        ]
        template = environment().get_template("watch.html")
        return template.render(
            language=self._language, title=self._say(WATCH["title"]), lines=self._lines(running), parts=parts,
            nobody=self._say(WATCH["none"]),
        )  # fmt: skip

    def _lines(self, running: bool) -> list[str]:
        state, watch = self._state, self._state.watch
        said = [WATCH["running" if running else "stopped"]]
        if watch is None or not watch.on:
            return [self._say(each) for each in [*said, WATCH["off"]]]
        hours = watch.hours.replace("-", "–") if watch.hours else WATCH["all-day"]
        feedback = WATCH["feedback" if watch.feedback else "no-feedback"]
        said.append(WATCH["on"].fill(hours=hours, per_day=watch.per_day, feedback=feedback))
        said += [WATCH["trouble"].fill(error=visible(state.trouble))] if state.trouble else []
        said += [WATCH["usual"].fill(seconds=f"{state.usual:.0f}")] if state.usual is not None else []
        return [self._say(each) for each in said]

    def _why(self, one: Waits) -> str:
        error = visible(one.error)
        return self._and_changed(
            WATCH["again" if one.why == "failed" else one.why].fill(when=when(one.due), error=error), one
        )

    def _came(self, one: Ended) -> str:
        error = visible(one.error)
        return self._and_changed(WATCH["failed"].fill(error=error) if error else WATCH["graded"], one)

    def _and_changed(self, sentence: Sentence, one: Waits | Ended) -> str:
        """The sentence, and that the file system has another time than the name, where it has."""
        more = [WATCH["changed"].fill(when=when(one.changed))] if one.changed else []
        return " ".join(self._say(each) for each in (sentence, *more))

    def _table(self, title: Sentence, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> dict[str, object]:
        """What the template makes a table of."""
        shown = [tuple(map(visible, row)) for row in rows]
        return {"title": self._say(title), "columns": [self._say(WATCH[name]) for name in columns], "rows": shown}
