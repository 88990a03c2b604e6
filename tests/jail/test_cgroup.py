"""Control groups: where one may be made is read from what the system says of itself; `jail/test_jail.py` has real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.jail.cgroup import PREFIX, Group, Groups, numbering, places, sweep

ONE = "25 20 0:22 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
CONTAINER = "25 20 0:22 /docker/abc /sys/fs/cgroup/memory ro,relatime master:9 - cgroup cgroup rw,memory\n"
MACHINES = {
    "version 1": ("4:memory:/user/anna\n0::/\n", ONE, [("/sys/fs/cgroup/memory/user/anna", 1)]),
    "a container that shows its own part": ("4:memory:/docker/abc/x\n", CONTAINER, [("/sys/fs/cgroup/memory/x", 1)]),
    "another controller beside it": ("4:cpu,memory:/a\n", ONE.replace("memory\n", "cpu,memory\n"), [
        ("/sys/fs/cgroup/memory/a", 1)
    ]),
    "no memory controller": ("3:cpu:/\n", "25 20 0:22 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", []),
    "nothing mounted": ("0::/\n", "", []),
    "lines of another kind": ("what\n", "is this\n", []),
}  # fmt: skip


@pytest.mark.parametrize("what", MACHINES)
def test_a_place_for_groups_is_found_on(what: str, tmp_path: Path) -> None:
    own, mounts, due = MACHINES[what]
    (tmp_path / "cgroup").write_text(own)
    (tmp_path / "mountinfo").write_text(mounts)
    assert [(str(place.folder), place.version) for place in places(tmp_path)] == due


def test_in_version_2_groups_are_made_where_the_memory_controller_is_handed_on(tmp_path: Path) -> None:
    mounted = tmp_path / "sys"
    (mounted / "user" / "app" / "own").mkdir(parents=True)
    for folder, handed in (("", "cpu memory"), ("user", "memory pids"), ("user/app", "pids"), ("user/app/own", "")):
        (mounted / folder / "cgroup.subtree_control").write_text(handed)
    (tmp_path / "cgroup").write_text("0::/user/app/own\n")
    (tmp_path / "mountinfo").write_text(f"25 20 0:22 / {mounted} rw - cgroup2 cgroup2 rw\n")
    assert list(places(tmp_path)) == [Group(mounted / "user", 2), Group(mounted, 2)]


@pytest.mark.parametrize(("version", "name"), [(1, "memory.oom_control"), (2, "memory.events")])
def test_a_group_tells_whether_somebody_was_ended_for_want_of_memory(version: int, name: str, tmp_path: Path) -> None:
    group = Group(tmp_path, version)
    assert not group.exceeded()
    (tmp_path / name).write_text("oom 3\noom_kill 0\n")
    assert not group.exceeded()
    (tmp_path / name).write_text("oom 3\noom_kill 1\n")
    assert group.exceeded()


def test_without_a_place_there_are_no_groups_and_it_is_said_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("autograder.jail.cgroup.places", lambda: iter([Group(tmp_path / "none", 1)]))
    groups = Groups()
    assert groups.new() is None
    assert "no group can be made" in str(groups.why_not)


def test_what_cannot_be_bounded_is_not_used_and_not_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder that is no group: its bounds cannot be read back by a system that has none."""
    monkeypatch.setattr("autograder.jail.cgroup.places", lambda: iter([Group(tmp_path, 2)]))
    monkeypatch.setattr(Group, "bound", lambda *_: (_ for _ in ()).throw(OSError(13, "refused")))
    assert Groups().why_not == "refused"
    assert list(tmp_path.glob(f"{PREFIX}*")) == []


def test_what_has_no_number_here_is_not_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    killed: list[int] = []
    monkeypatch.setattr("os.kill", lambda pid, signal: killed.append(pid))
    (tmp_path / "cgroup.procs").write_text("0\n4242\n")
    Group(tmp_path, 2).remove()
    assert killed == [4242]


def test_groups_of_another_container_are_not_swept(tmp_path: Path) -> None:
    nobody = 2**22 + 1  # more than any number of a process
    mine, theirs = (tmp_path / f"{PREFIX}{nobody}-1-{number}" for number in (numbering(), numbering() + 1))
    for folder in (mine, theirs):
        folder.mkdir()
    sweep(Group(tmp_path, 1))
    assert list(tmp_path.iterdir()) == [theirs]
