"""What stands beside answers and checks when a person marks, as HTML (`templates/marking.html`).

Jinja escapes every text; what cells have put out and what Markdown makes goes through nbconvert and `sanitize.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.course.deadline import HandInTime
from autograder.course.profile import Language
from autograder.facts.verdict import Phrase, Verdict
from autograder.pages.marking import Rubric, label, shortened
from autograder.pages.sanitize import FILTERS, clean_html
from autograder.pages.templates import environment
from autograder.submissions.hand_in import in_words
from autograder.words import render
from autograder.words.marking import MARKING
from autograder.words.tables import say


@dataclass(frozen=True)
class OutputPair:
    """What one cell put out in a student's own session and in the grader's, as HTML.

    Attributes:
        handed_in: None where the cell was not handed in, or nothing could be read.
    """

    label: str
    handed_in: Markup | None
    regrade: Markup


class Pieces:
    """Makes the pieces of a page.

    Args:
        language: the page's.
    """

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        templates = environment()
        templates.globals.update(
            say=self.say, words_of=self.words_of, as_html=self.as_html, points=self.points, language=language
        )
        self._macros: Any = templates.get_template("marking.html").module
        self._exporter = HTMLExporter(
            template_name="basic", sanitize_html=True, filters=dict(FILTERS),
            exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True,
        )  # fmt: skip

    def say(self, key: str, **values: object) -> str:
        return self.words_of(MARKING[key].fill(**values))

    def words_of(self, phrase: Phrase) -> str:
        return say(phrase, self.language)

    def points(self, value: float) -> str:
        return render.number(value, self.language)

    def as_html(self, verdict: Verdict) -> Markup:
        return Markup(render.as_html(verdict, self.language, all_hints=True))  # it escapes what it shows

    def head(self, verdicts: Sequence[Verdict], time: HandInTime | None, problem: str, url: str) -> str:
        """What a person should look at, with links to the cells.

        Args:
            time: None where there is no deadline; told where it is after it.
            problem: why there are no verdicts; empty where there are.
            url: where a decision is sent.
        """
        odd = [verdict for verdict in verdicts if verdict.state != "judged"]
        late = self.words_of(in_words(time)) if time and time.after_due else ""
        return str(self._macros.head(odd, late, problem, url))

    def check(self, verdict: Verdict) -> str:
        """A verdict, with a form beside it for each criterion."""
        return str(self._macros.check(verdict))

    def answer(
        self,
        pairs: Sequence[OutputPair],
        readable: bool,
        verdicts: Sequence[Verdict],
        rubric: Rubric | None,
        more: bool = False,
    ) -> str:
        """What stands above a free-text answer.

        Args:
            readable: whether what was handed in can be read.
            more: whether the part has more cells than are shown.
        """
        scheme, model = (
            (self._markdown(text) for text in (rubric.mark_scheme, rubric.model_answer)) if rubric else ("", "")
        )
        return str(self._macros.answer(pairs, readable, more, verdicts, scheme, model))

    def beside(self, index: int, regrade: NotebookNode, handed_in: Mapping[str, NotebookNode]) -> OutputPair | None:
        """A cell's outputs, then and now; None where there are none.

        Args:
            handed_in: the code cells that were handed in, by id.
        """
        before = handed_in.get(regrade.get("id", ""))
        if not regrade.outputs and not (before is not None and before.outputs):
            return None
        shown = None if before is None else self._outputs(before)
        return OutputPair(label(regrade, index, self.language), shown, self._outputs(regrade))

    def _outputs(self, cell: NotebookNode) -> Markup:
        outputs = shortened(cell.outputs, self.language)
        return self._cell(new_code_cell(outputs=outputs)) if outputs else Markup()

    def _markdown(self, text: str) -> Markup:
        return self._cell(new_markdown_cell(text)) if text else Markup()

    def _cell(self, cell: NotebookNode) -> Markup:
        html, _ = self._exporter.from_notebook_node(new_notebook(cells=[cell]))
        return Markup(
            clean_html(html).strip()
        )  # all of it once more: whatever nbconvert's templates do, nothing is alive
