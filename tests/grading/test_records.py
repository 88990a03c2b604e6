"""Records on disk: what is written is read again, whole or not at all, and a person's decisions are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from pydantic import ValidationError

from autograder.errors import Damaged, NotReady
from autograder.facts.evidence import Facts
from autograder.facts.transcript import Rendering, Request, Transcript
from autograder.facts.verdict import Criterion, Override, Sentence, Verdict, Words
from autograder.grading import run_summary
from autograder.grading.records import Decision, Record, Records, with_overrides
from autograder.judging.contract import ASSIGNMENT, load, task_of
from autograder.judging.judge import judge
from autograder.system.files import write_whole
from autograder.words import render
from autograder.words.checks import REASONS
from autograder.words.grading import INCIDENTS
from autograder.words.tables import LANGUAGES, say

WORDS = Words(nb="blåbærsyltetøy «x»", en="jam \u2028 \x00 <script>")
REQUEST = Request(
    number=3,
    cell="a1",
    challenge="c-1",
    model="org/model",
    text="System: æ\nHuman: 🙂",
    token_ids=(1, 2, 3),
    settings={"do_sample": True, "temperature": 0.9, "max_new_tokens": 50, "stop": None, "eos_token_id": [1, 2]},
    outputs=(" svar", ""),
    output_ids=((4, 5), ()),
    streamed=True,
    error="RuntimeError",
)


def criterion(name: str = "model", points: float = 1.0, earned: float = 0.0, **more: Any) -> Criterion:
    return Criterion(name=name, title=WORDS, points=points, earned=earned, outcome="failed", hint=WORDS, **more)


VERDICT = Verdict(
    task="chain",
    check_id="check-chain",
    points=2.0,
    state="review",
    criteria=(criterion("model", 0.5), criterion("text", 1.5, 1.5)),
    observations=(WORDS,),
    reasons=(WORDS, WORDS),
)
RECORD = Record(
    verdicts=(VERDICT,),
    answers={"memory": "ab" * 32},
    transcript=Transcript(
        requests=(REQUEST,),
        renderings=(Rendering(model="org/model", messages=(("human", "hei"),), text="<|user|>hei"),),
        complete=False,
        faults=("OutOfMemoryError",),
    ),
)
PLACE = ("ada", "larger-model")
FAIR = Override(earned=0.5, reason="a fair reading", by="ta")
LATER = Override(earned=0.25, reason="half of it", by="prof")


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path, ASSIGNMENT)


def decision(check_id: str, criterion: str, override: Override, student: str = "ada") -> Decision:
    """What becomes this override."""
    given = {"points": override.earned, "reason": override.reason, "by": override.by}
    return Decision(student=student, check_id=check_id, criterion=criterion, **given)


def files(folder: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, with its content."""
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.is_file()}


def test_a_record_is_read_as_it_was_written(records: Records) -> None:
    records.write(*PLACE, RECORD)
    assert records.read(*PLACE) == RECORD


def test_a_notebook_that_was_not_graded_has_no_record(records: Records) -> None:
    assert records.read(*PLACE) is None


@pytest.mark.parametrize("other", [("x", *PLACE), ("chatbot", "bo", "larger-model"), ("chatbot", "ada", "x")])
def test_records_of_others_are_apart(records: Records, tmp_path: Path, other: tuple[str, str, str]) -> None:
    records.write(*PLACE, RECORD)
    assignment, student, notebook = other
    assert Records(tmp_path, assignment).read(student, notebook) is None


def test_a_later_record_replaces_the_earlier(records: Records) -> None:
    records.write(*PLACE, RECORD)
    records.write(*PLACE, Record())
    assert records.read(*PLACE) == Record()


def test_writing_leaves_one_file_and_nothing_beside_it(records: Records) -> None:
    records.write(*PLACE, RECORD)
    records.write(*PLACE, RECORD)
    assert list(files(records.folder.parents[1])) == ["verdicts/chatbot/ada/larger-model.json"]


@pytest.mark.parametrize(("check_id", "found"), [("check-chain", VERDICT), ("check-prompt", None)])
def test_a_record_finds_a_verdict_by_its_check(check_id: str, found: Verdict | None) -> None:
    assert RECORD.verdict(check_id) == found


# Records of version 1, which held the words of both languages in place of keys (`version_1/`, of a class of one)

PROFILE = load(ROOT / "course.toml")
OLD = {path.stem: path for path in sorted((Path(__file__).parent / "version_1").glob("*.json"))}


@pytest.fixture
def old(records: Records) -> Record:
    """The old record of the first notebook, read from its place."""
    for notebook, path in OLD.items():
        write_whole(records.folder / "kari" / f"{notebook}.json", path.read_text(encoding="utf-8"))
    record = records.read("kari", "chatbot")
    assert record is not None
    return record


def shown(verdict: Verdict) -> list[object]:
    """The points that are due, and all that people read of a verdict, in both languages."""
    shows = (render.as_text, render.as_html)
    return [verdict.score, *(show(verdict, language, all_hints=True) for show in shows for language in LANGUAGES)]


def test_a_record_says_its_version(records: Records, old: Record) -> None:
    records.write(*PLACE, RECORD)
    read = records.read(*PLACE)
    assert read is not None
    assert (old.version, read.version) == (1, 2)


def test_an_old_record_is_shown_as_what_is_judged_today_from_the_same_facts(old: Record) -> None:
    facts = Facts(evidence={e.check_id: e for e in old.evidence}, transcript=old.transcript, in_grading=True)
    for verdict in old.verdicts:
        task = task_of(verdict.check_id, PROFILE)
        assert task is not None
        today = judge(task, facts, PROFILE)
        rest = verdict.observations[len(today.observations) :], verdict.reasons[len(today.reasons) :]
        assert all(isinstance(phrase, Words) for phrase in (*verdict.observations, *verdict.reasons))
        assert all(isinstance(phrase, Sentence) for phrase in (*today.observations, *today.reasons))
        today = today.model_copy(
            update={
                "state": verdict.state,
                "observations": today.observations + rest[0],
                "reasons": today.reasons + rest[1],
            }
        )
        assert shown(verdict) == shown(today)


def test_what_an_old_record_tells_of_the_run_is_told_in_the_same_words_today(old: Record) -> None:
    noticed = [say(phrase, language) for v in old.verdicts for phrase in v.observations for language in LANGUAGES]
    reasons = [say(phrase, language) for v in old.verdicts for phrase in v.reasons for language in LANGUAGES]
    ended, output = (INCIDENTS[i.kind].fill(cell=i.cell) for i in reversed(old.incidents))
    for language in LANGUAGES:
        for repair in old.repairs:
            assert say(repair.words, language) in noticed
        assert say(output, language) in noticed
        assert say(REASONS["a-person-looks"].fill(what=ended), language) in reasons
        assert say(REASONS["bad-evidence"].fill(problem="too long"), language) in reasons


def test_what_was_not_judged_or_not_seen_is_told_alike(records: Records, old: Record) -> None:
    lost = records.read("kari", "temperature")
    assert lost is not None
    faults = [Transcript(faults=("OutOfMemoryError",)), Transcript()]
    for verdict, transcript in zip(lost.verdicts, faults, strict=True):
        task = task_of(verdict.check_id, PROFILE)
        assert task is not None
        assert shown(verdict) == shown(judge(task, Facts(evidence={}, transcript=transcript, in_grading=True), PROFILE))


def test_an_old_record_is_overruled_and_listed_like_any_other(records: Records, old: Record) -> None:
    records.overrule(decision("check-model-home", "model-home", FAIR, "kari"))
    verdict = old.verdict("check-model-home")
    assert verdict is not None
    decided = with_overrides(verdict, records.overrides("kari"))
    assert (verdict.score, decided.score) == (0, 0.5)
    assert "a fair reading" in render.as_text(decided, "en")
    listed = "\n".join(run_summary.lines([run_summary.Graded("kari", "chatbot", old)]))
    assert "kari, check-ideal-boat: `boat` has been processed so that it cannot be seen" in listed
    assert "The kernel ended: kari, ideal-boat" in listed


def test_a_sentence_of_a_later_version_is_read_and_told_by_its_key(records: Records) -> None:
    later = Sentence(key="hints/of-a-later-version").fill(variable="llm")
    record = Record(verdicts=(VERDICT.model_copy(update={"reasons": (later,)}),), version=3)
    records.write(*PLACE, record)
    assert records.read(*PLACE) == record
    assert "hints/of-a-later-version" in render.as_text(record.verdicts[0], "en")


# Damage


DAMAGED = [b"", b"{", b"\xff\x00garbage", b"[]", b"null", b'{"verdicts": 3}', b'{"criteria": 3, "verdicts": 3}']


@pytest.mark.parametrize("content", DAMAGED, ids=repr)
def test_a_damaged_record_is_named(records: Records, content: bytes) -> None:
    records.write(*PLACE, RECORD)
    path = records.folder / "ada/larger-model.json"
    path.write_bytes(content)
    with pytest.raises(NotReady) as caught:
        records.read(*PLACE)
    assert str(path) in str(caught.value)
    assert "move it away" in str(caught.value)


def test_a_record_beyond_the_limit_keeps_its_verdicts_and_is_not_read_when_it_grows(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.grading.records.MAX_RECORD", 20_000)
    text = "x" * 30_000
    transcript = Transcript(requests=(Request(number=0, model="a/b", text=text),))
    records.write("anna", "chatbot", RECORD.model_copy(update={"transcript": transcript}))
    kept = records.read("anna", "chatbot")
    assert kept is not None
    assert (kept.verdicts, kept.answers, kept.transcript) == (RECORD.verdicts, RECORD.answers, Transcript())
    monkeypatch.setattr("autograder.grading.records.MAX_RECORD", 100)
    with pytest.raises(Damaged, match="more than 100 bytes"):
        records.read("anna", "chatbot")


@pytest.mark.parametrize("content", DAMAGED, ids=repr)
def test_damaged_overrides_are_named(records: Records, content: bytes) -> None:
    path = records.folder.parents[1] / "overrides/chatbot/ada.json"
    write_whole(path, "")
    path.write_bytes(content)
    with pytest.raises(NotReady) as caught:
        records.overrides("ada")
    assert str(path) in str(caught.value)


def test_a_folder_in_place_of_a_record_is_named(records: Records) -> None:
    path = records.folder / "ada/larger-model.json"
    path.mkdir(parents=True)
    with pytest.raises(NotReady, match=r"larger-model\.json: cannot be read"):
        records.read(*PLACE)


def test_a_decision_never_overwrites_damaged_overrides(records: Records) -> None:
    path = records.folder.parents[1] / "overrides/chatbot/ada.json"
    write_whole(path, "{half")
    with pytest.raises(NotReady):
        records.overrule(decision("check-chain", "model", FAIR))
    assert path.read_text(encoding="utf-8") == "{half"


# A person's decisions


def test_a_student_without_decisions_has_none(records: Records) -> None:
    assert records.overrides("ada") == {}


def test_a_decision_is_kept_with_reason_and_name(records: Records) -> None:
    records.overrule(decision("check-chain", "model", FAIR))
    assert records.overrides("ada") == {"check-chain": {"model": FAIR}}


def test_decisions_about_other_criteria_and_tasks_stay(records: Records) -> None:
    records.overrule(decision("check-chain", "model", FAIR))
    records.overrule(decision("check-chain", "text", LATER))
    records.overrule(decision("check-prompt", "system", FAIR))
    assert records.overrides("ada") == {"check-chain": {"model": FAIR, "text": LATER}, "check-prompt": {"system": FAIR}}


def test_a_later_decision_replaces_the_earlier_one(records: Records) -> None:
    records.overrule(decision("check-chain", "model", FAIR))
    records.overrule(decision("check-chain", "model", LATER))
    assert records.overrides("ada") == {"check-chain": {"model": LATER}}


def test_a_decision_about_one_student_is_no_others(records: Records) -> None:
    records.overrule(decision("check-chain", "model", FAIR))
    assert records.overrides("bo") == {}


DUE = [
    # what the decision gives, the points that are due for a criterion worth 0.5 beside one that earned 1.5
    (0.0, 1.5),
    (0.25, 1.75),
    (0.5, 2.0),
    (100.0, 2.0),
]


@pytest.mark.parametrize(("earned", "due"), DUE)
def test_a_decision_counts_up_to_the_points_of_its_criterion(earned: float, due: float) -> None:
    decided = {"check-chain": {"model": Override(earned=earned, reason="r")}}
    assert with_overrides(VERDICT, decided).score == due


def test_a_decision_can_take_points_away() -> None:
    decided = {"check-chain": {"text": Override(earned=0, reason="copied")}}
    assert with_overrides(VERDICT, decided).score == 0


def test_a_decision_leaves_what_was_judged_as_it_was() -> None:
    decided = with_overrides(VERDICT, {"check-chain": {"model": FAIR}})
    assert [c.model_copy(update={"override": None}) for c in decided.criteria] == list(VERDICT.criteria)
    assert [c.override for c in decided.criteria] == [FAIR, None]


def test_a_decision_about_another_check_changes_nothing() -> None:
    assert with_overrides(VERDICT, {"check-prompt": {"model": FAIR}}) == VERDICT


def test_a_decision_gives_no_score_to_what_was_not_judged() -> None:
    verdict = VERDICT.model_copy(update={"state": "not judged"})
    assert with_overrides(verdict, {"check-chain": {"model": FAIR}}).score is None


def test_an_overruled_criterion_is_no_longer_the_next_step() -> None:
    assert VERDICT.first_failed == VERDICT.criteria[0]
    assert with_overrides(VERDICT, {"check-chain": {"model": FAIR, "text": FAIR}}).first_failed is None


@pytest.mark.parametrize("values", [{"earned": -0.25, "reason": "r"}, {"earned": 1, "reason": ""}, {"earned": 1}])
def test_a_decision_needs_a_reason_and_points_from_0_up(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Override(**values)


# The end of a run, which reads the records of a whole class


def test_the_end_of_a_run_holds_what_is_to_be_told_and_not_what_it_was_judged_from(
    records: Records, tmp_path: Path
) -> None:
    judged = RECORD.model_copy(update={"verdicts": (VERDICT.model_copy(update={"state": "judged"}),)})
    records.write("ada", "larger-model", RECORD)
    records.write("bo", "larger-model", judged)
    held = list(run_summary.recorded(tmp_path, ASSIGNMENT, ["ada", "bo"]))
    assert [(one.student, one.record.verdicts) for one in held] == [("ada", RECORD.verdicts)]
    assert (held[0].record.transcript, held[0].record.evidence) == (Transcript(), ())
    assert run_summary.lines(held) == run_summary.lines(
        [run_summary.Graded("ada", "larger-model", RECORD), run_summary.Graded("bo", "larger-model", judged)]
    )
