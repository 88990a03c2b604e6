"""What is kept from one run to the next can be trusted: whole, its own key's, bounded; else it counts as forgotten."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat.v4 as v4
import pytest
from nbformat import NotebookNode, reads, validate, writes

from autograder.facts.evidence import Evidence, Facts
from autograder.facts.transcript import Request, Transcript
from autograder.facts.verdict import Incident
from autograder.grading.executions import Execution, Executions, executed, key_of, snapshots_digest
from autograder.grading.view import View, as_seen, ordinary, sha256
from autograder.host import memory
from autograder.host.memory import Memory
from autograder.system.disk_cache import DiskCache, digest

KEY, OTHER = digest({"key": 1}), digest({"key": 2})
TEXT = '{"says":"Ahoy ☃"}'


def file_of(folder: Path, key: str) -> Path:
    (found,) = folder.rglob(f"{key}.json")
    return found


# --- DiskCache ---


@pytest.mark.parametrize("text", [TEXT, "", "two\nlines", "a\r\nb\rc\n", "\x00", "\ud800", "x" * 100_000])
def test_a_text_comes_back_as_it_was_put(tmp_path: Path, text: str) -> None:
    DiskCache(tmp_path).put(KEY, text)
    assert DiskCache(tmp_path).get(KEY) == text


def test_two_keys_do_not_mix(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    cache.put(KEY, "one")
    cache.put(OTHER, "two")
    assert [cache.get(KEY), cache.get(OTHER), cache.get(digest({}))] == ["one", "two", None]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda whole: whole[:-1],
    "cut in the middle": lambda whole: whole[: len(whole) // 2],
    "only its seal": lambda whole: whole.split(b"\n")[0],
    "without its seal": lambda whole: whole.split(b"\n", 1)[1],
    "changed": lambda whole: whole.replace(b"Ahoy", b"Ahoi"),
    "longer": lambda whole: whole + b" ",
    "empty": lambda whole: b"",
    "binary": lambda whole: bytes(range(256)),
    "foreign": lambda whole: b'{"says":"something else"}',
    "with other line ends": lambda whole: whole.replace(b"\n", b"\r\n"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_text_counts_as_forgotten_until_it_is_put_again(tmp_path: Path, damage: str) -> None:
    cache = DiskCache(tmp_path)
    cache.put(KEY, TEXT)
    path = file_of(tmp_path, KEY)
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    before = cache.get(KEY)
    cache.put(KEY, TEXT)
    assert [before, cache.get(KEY)] == [None, TEXT]


def test_the_text_of_another_key_counts_as_forgotten(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    cache.put(KEY, TEXT)
    cache.put(OTHER, "other")
    file_of(tmp_path, OTHER).write_bytes(file_of(tmp_path, KEY).read_bytes())
    assert cache.get(OTHER) is None


def test_a_folder_in_the_place_of_a_text_counts_as_forgotten(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    cache.put(KEY, TEXT)
    path = file_of(tmp_path, KEY)
    path.unlink()
    path.mkdir()
    cache.put(KEY, TEXT)
    assert cache.get(KEY) is None


def test_a_folder_that_cannot_be_made_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = DiskCache(tmp_path / "file" / "cache")
    cache.put(KEY, TEXT)
    assert cache.get(KEY) is None


def test_a_full_disk_costs_nothing_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    DiskCache(tmp_path).put(KEY, TEXT)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_text_that_cannot_be_removed_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted")

    cache = DiskCache(tmp_path, limit=10)
    monkeypatch.setattr(Path, "unlink", refuse)
    cache.put(KEY, TEXT)
    assert cache.get(KEY) == TEXT


def taken(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_bound_is_kept(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, limit=5000)
    for number in range(100):
        cache.put(digest({"number": number}), "x" * 200)
        assert taken(tmp_path) <= 5000


def test_what_a_process_that_died_left_half_written_counts_and_goes(tmp_path: Path) -> None:
    DiskCache(tmp_path).put(OTHER, TEXT)
    left = file_of(tmp_path, OTHER).parent / "tmp1.part"
    left.write_text("x" * 5000)
    os.utime(left, (1, 1))
    DiskCache(tmp_path, limit=4000).put(KEY, TEXT)
    assert taken(tmp_path) <= 4000


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, limit=5000)
    keys = [digest({"number": number}) for number in range(20)]
    for age, key in enumerate(keys):
        cache.put(key, "x" * 100)
        os.utime(file_of(tmp_path, key), (age, age))
    assert cache.get(keys[0]) is not None  # used just now
    cache.put(KEY, "x" * 3000)
    kept = [key for key in keys if cache.get(key) is not None]
    assert kept[0] == keys[0]
    assert kept[1:] == keys[len(keys) - len(kept) + 1 :]
    assert 1 < len(kept) < len(keys)


def test_the_folder_is_for_this_user_alone(tmp_path: Path) -> None:
    DiskCache(tmp_path / "a" / "cache").put(KEY, TEXT)
    assert stat.S_IMODE((tmp_path / "a" / "cache").stat().st_mode) == 0o700
    assert stat.S_IMODE(file_of(tmp_path, KEY).stat().st_mode) == 0o600


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": {"c": 2, "d": 3}}) == digest({"b": {"d": 3, "c": 2}, "a": 1})


@pytest.mark.parametrize(
    "other", [{"a": 2}, {"a": "1"}, {"a": 1.5}, {"a": [1]}, {"b": 1}, {"a": 1, "b": None}, {"a": True}]
)
def test_other_data_has_another_digest(other: dict[str, Any]) -> None:
    assert digest({"a": 1}) != digest(other)


# --- Memory ---

ANSWER = [[1, 2, 3], [1, 2, 4]]


def test_an_answer_is_remembered_in_memory_alone() -> None:
    held = Memory(None)
    held.put(KEY, ANSWER)
    assert [held.get(KEY), held.get(OTHER)] == [ANSWER, None]


def test_an_answer_is_remembered_by_the_next_process(tmp_path: Path) -> None:
    Memory(DiskCache(tmp_path)).put(KEY, ANSWER)
    assert Memory(DiskCache(tmp_path)).get(KEY) == ANSWER


@pytest.mark.parametrize("text", ["", "null", "[1, 2", '{"a": 1}', '[["a"]]', "[1]", "[[1.5]]"])
def test_a_text_that_is_no_answer_counts_as_forgotten(tmp_path: Path, text: str) -> None:
    DiskCache(tmp_path).put(KEY, text)
    assert Memory(DiskCache(tmp_path)).get(KEY) is None


def test_memory_keeps_the_answers_used_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "IN_MEMORY", 2)
    held = Memory(None)
    held.put("a", ANSWER)
    held.put("b", ANSWER)
    held.get("a")
    held.put("c", ANSWER)
    assert [key for key in "abc" if held.get(key) is not None] == ["a", "c"]


def test_memory_keeps_so_many_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "TOKENS_IN_MEMORY", 100)
    held = Memory(None)
    for key in "abcd":
        held.put(key, [[0] * 40])
    held.put("b", [[0] * 40])
    assert [key for key in "abcd" if held.get(key) is not None] == ["b", "d"]


def test_an_answer_larger_than_memory_is_still_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "TOKENS_IN_MEMORY", 10)
    held = Memory(DiskCache(tmp_path))
    held.put(KEY, [[0] * 40])
    assert held.get(KEY) == [[0] * 40]


# --- The key of a notebook ---

AROUND = {"profile": "p", "models": "m"}


def notebook(*cells: NotebookNode) -> NotebookNode:
    nb = v4.new_notebook()
    nb.cells = list(cells)
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nb


def code(source: str = "x = 1", grade_id: str | None = None, **metadata: Any) -> NotebookNode:
    cell = v4.new_code_cell(source)
    cell.metadata.update(metadata)  # whatever it is: `new_code_cell` would refuse what a student's file can hold
    if grade_id is not None:
        cell.metadata["nbgrader"] = {"grade_id": grade_id, "grade": True}
    return cell


def key(nb: NotebookNode, folder: Path, **around: str) -> str:
    return key_of(View.of(nb, "chatbot", folder), AROUND | around)


def base() -> NotebookNode:
    return notebook(v4.new_markdown_cell("My answer"), code(), code("y = 2", "check-a"))


def put(folder: Path, files: dict[str, str]) -> None:
    """Writes files with their folders; one that ends in "/" is an empty folder."""
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        if path.endswith("/"):
            (folder / path).mkdir()
        else:
            (folder / path).write_text(text)


EQUAL = {
    "the same": lambda nb: None,
    "another free text": lambda nb: nb.cells[0].update(source="Another answer"),
    "one more free text": lambda nb: nb.cells.append(v4.new_markdown_cell("More")),
    "no free text": lambda nb: nb.cells.pop(0),
    "outputs of before": lambda nb: nb.cells[1].update(outputs=[v4.new_output("stream", text="1")], execution_count=3),
    "another cell id": lambda nb: nb.cells[1].update(id="other"),
    "the size of its window": lambda nb: nb.metadata.update(toc={"height": 3}),
}
DIFFERENT = {
    "another code": lambda nb: nb.cells[1].update(source="x = 2"),
    "a comment": lambda nb: nb.cells[1].update(source="x = 1  # one"),
    "one more cell": lambda nb: nb.cells.append(code("")),
    "one cell less": lambda nb: nb.cells.pop(),
    "another order": lambda nb: nb.cells.append(nb.cells.pop(1)),
    "two cells in one": lambda nb: (nb.cells.pop(), nb.cells[1].update(source="x = 1\ny = 2")),
    "another grade_id": lambda nb: nb.cells[2].metadata["nbgrader"].update(grade_id="check-b"),
    "a grade_id": lambda nb: nb.cells[1].metadata.update(nbgrader={"grade_id": "check-b"}),
    "a tag": lambda nb: nb.cells[1].metadata.update(tags=["skip-execution"]),
    "another kernel": lambda nb: nb.metadata["kernelspec"].update(name="julia"),
}


@pytest.mark.parametrize("change", [*EQUAL, *DIFFERENT])
def test_the_key_changes_with_the_code_and_with_nothing_else(tmp_path: Path, change: str) -> None:
    nb = base()
    (EQUAL | DIFFERENT)[change](nb)
    assert (key(nb, tmp_path) == key(base(), tmp_path)) is (change in EQUAL)


@pytest.mark.parametrize(
    "metadata",
    [{"tags": None}, {"tags": ["a", 1]}, {"tags": "a"}, {"tags": {"a": 1}}, {"nbgrader": None}, {"nbgrader": []}],
    ids=str,
)
def test_metadata_of_any_form_has_a_key(tmp_path: Path, metadata: dict[str, Any]) -> None:
    assert key(notebook(code(**metadata)), tmp_path)


def test_what_else_the_outcome_depends_on_changes_the_key(tmp_path: Path) -> None:
    keys = {key(base(), tmp_path, **around) for around in ({}, {"profile": "q"}, {"models": "n"}, {"run": "2"})}
    assert len(keys) == 4


def test_files_beside_the_notebook_change_the_key(tmp_path: Path) -> None:
    keys = []
    for path, content in (("data.csv", "1"), ("data.csv", "2"), ("code/a.py", ""), ("code/b.py", ""), ("a.csv", "2")):
        keys.append(key(base(), tmp_path))
        put(tmp_path, {path: content})
    assert len({*keys, key(base(), tmp_path)}) == 6


READS = code("import nbformat; nbformat.read('larger-model.ipynb', 4)")
FOLDERS: dict[str, tuple[dict[str, str], bool]] = {
    "the time of handing in": ({"timestamp.txt": "2026-01-01"}, True),
    "nbgrader's secret": ({"submission_secret.txt": "x"}, True),
    "a time of the student's own, further down": ({"sub/timestamp.txt": "2026-01-01"}, False),
    "a secret of the student's own, further down": ({"sub/submission_secret.txt": "x"}, False),
    "a text called otherwise": ({"timestamp.txt.bak": "x"}, False),
    "another notebook": ({"larger-model.ipynb": writes(notebook(code("secret = 1")))}, True),
    "another notebook further down": ({"sub/chatbot.ipynb": writes(notebook())}, False),
    "a notebook of the student's own": ({"mine.ipynb": writes(notebook())}, False),
    "its own file, which is graded from elsewhere": ({"chatbot.ipynb": writes(notebook(code("other")))}, True),
    "a hidden file": ({".hidden": ""}, False),
    "an empty folder": ({"empty/": ""}, True),
    "the frozen profile": ({"profile.json": "{}"}, False),
}


@pytest.mark.parametrize("what", FOLDERS)
def test_the_key_holds_all_that_the_kernel_finds_and_nothing_else(tmp_path: Path, what: str) -> None:
    files, equal = FOLDERS[what]
    before = View.of(base(), "chatbot", tmp_path)
    put(tmp_path, files)
    after = View.of(base(), "chatbot", tmp_path)
    assert (key_of(before, AROUND) == key_of(after, AROUND)) is equal
    after.write(tmp_path / "made")
    made = {path: found.read_bytes() for path, found in ordinary(tmp_path / "made")}
    assert {path: sha256(content) for path, content in made.items()} == after.digests()
    assert ({*made} == {"chatbot.ipynb"}) is equal


def test_code_that_reads_notebooks_finds_the_others_and_the_key_holds_their_code_alone(tmp_path: Path) -> None:
    other = tmp_path / "larger-model.ipynb"
    keys = []
    for cells in ((code("a"),), (code("b"),), (code("b"), v4.new_markdown_cell("Anna's answer"))):
        other.write_text(writes(notebook(*cells)))
        keys.append(key(notebook(READS), tmp_path))
    assert keys[0] != keys[1] == keys[2]
    view = View.of(notebook(READS), "chatbot", tmp_path)
    assert b"Anna" not in view.files["larger-model.ipynb"]  # type: ignore[operator]
    (tmp_path / "helper.py").write_text("open('temperature.ipynb')")
    assert "larger-model.ipynb" in View.of(base(), "chatbot", tmp_path).files


def test_a_notebook_as_kernels_find_it_is_one_that_can_be_run(tmp_path: Path) -> None:
    nb = notebook(v4.new_markdown_cell("free"), code("x = 1", "check-a", tags=["raises-exception"]))
    nb.cells[1].outputs = [v4.new_output("stream", text="said")]
    found = reads(as_seen(nb), as_version=4)
    validate(found)
    assert [cell.source for cell in found.cells] == ["x = 1"]
    assert not {b"free", b"said"} & {word for word in (b"free", b"said") if word in as_seen(nb)}


def test_other_folders_have_the_same_key(tmp_path: Path) -> None:
    put(tmp_path, {"anna/data.csv": "1", "bo/data.csv": "1"})
    assert key(base(), tmp_path / "anna") == key(base(), tmp_path / "bo")


@pytest.mark.parametrize("odd", [lambda path: path.symlink_to("/etc/passwd"), os.mkfifo], ids=["a link", "a pipe"])
def test_what_is_no_ordinary_file_is_neither_copied_nor_in_the_key(tmp_path: Path, odd: Callable[[Path], None]) -> None:
    before = key(base(), tmp_path)
    odd(tmp_path / "odd")
    assert key(base(), tmp_path) == before
    View.of(base(), "chatbot", tmp_path).write(tmp_path / "made")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["chatbot.ipynb"]


def test_the_models_digest_follows_their_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    before = snapshots_digest({"a/b": tmp_path})
    os.utime(tmp_path / "config.json", (1, 1))
    touched = snapshots_digest({"a/b": tmp_path})
    (tmp_path / "more.json").write_text("{}")
    assert len({before, touched, snapshots_digest({"a/b": tmp_path}), snapshots_digest({"a/c": tmp_path})}) == 4


# --- Executions ---

FACTS = Facts(
    evidence={"check-a": Evidence(check_id="check-a")},
    transcript=Transcript(requests=(Request(number=0, model="a/b", text="Ahoy", outputs=("Hi",)),)),
    in_grading=True,
)


def run_notebook(*outputs: NotebookNode) -> NotebookNode:
    nb = base()
    nb.cells[1].update(outputs=list(outputs), execution_count=7)
    return nb


def test_an_execution_comes_back_as_it_was_put(tmp_path: Path) -> None:
    nb = run_notebook(v4.new_output("stream", text="1\n"), v4.new_output("display_data", data={"text/html": "<b>"}))
    execution = executed(nb, FACTS, {"check-a": "a problem"})
    Executions(tmp_path / "cache").put(KEY, execution)
    found = Executions(tmp_path / "cache").get(KEY)
    assert found == execution.model_copy(update={"again": True})
    assert Executions(tmp_path / "cache").get(OTHER) is None


def test_outputs_are_written_into_a_notebook_with_the_same_code(tmp_path: Path) -> None:
    nb, other = run_notebook(v4.new_output("stream", text="1\n")), base()
    other.cells[0].source = "Another answer"
    executed(nb, FACTS, {}).write_into(other)
    assert [cell.get("outputs") for cell in other.cells] == [cell.get("outputs") for cell in nb.cells]
    assert [cell.get("execution_count") for cell in other.cells] == [None, 7, None]
    assert other.cells[0].source == "Another answer"


WHOLE = executed(base(), FACTS, {}).model_dump_json()
OF_ANOTHER_VERSION = ["", "{}", "[]", '{"outputs": 3}', "half an exec", '{"more": 1,' + WHOLE[1:]]


@pytest.mark.parametrize("text", OF_ANOTHER_VERSION, ids=lambda text: text[:12])
def test_another_versions_execution_counts_as_forgotten(tmp_path: Path, text: str) -> None:
    DiskCache(tmp_path).put(KEY, text)
    assert Executions(tmp_path).get(KEY) is None


def test_an_execution_that_cannot_be_written_as_json_is_not_kept(tmp_path: Path) -> None:
    Executions(tmp_path).put(KEY, executed(run_notebook(v4.new_output("stream", text="\ud800")), FACTS, {}))
    assert Executions(tmp_path).get(KEY) is None


# --- What is kept ---


def execution(*incidents: Incident, problems: dict[str, str] | None = None, faults: tuple[str, ...] = ()) -> Execution:
    facts = Facts(evidence={}, transcript=Transcript(faults=faults), in_grading=True)
    return Execution(outputs=(), counts=(), facts=facts, problems=problems or {}, incidents=incidents)


ENDS = {
    # how an execution ended: (what is known of it, whether it is kept)
    "well": (execution(), True),
    "well, with too much printed": (execution(Incident(kind="output", cell="3")), True),
    "a cell was too slow": (execution(Incident(kind="time", cell="chain")), False),
    "the kernel died": (execution(Incident(kind="crash", cell="chain")), False),
    "memory ran out": (execution(Incident(kind="memory", cell="chain")), False),
    "evidence could not be read": (execution(problems={"check-a": "no"}), False),
    "the machine failed": (execution(faults=("out of memory",)), False),
}


@pytest.mark.parametrize("how", ENDS)
def test_only_an_execution_that_came_to_its_end_is_kept_whatever_the_student_did_wrong(how: str) -> None:
    found, kept = ENDS[how]
    assert found.reusable is kept
