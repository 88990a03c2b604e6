"""The root of a kernel at level `full`: the system's libraries and what it may read, and one piece of memory to write to.

All that it can write, wherever it is in sight, is on that one file system in memory, whose size and number of files are
bounded. The folder of its sockets is a real one, so it is closed (`close_private`) as soon as they are bound, before a line
of the student's code runs.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from autograder.jail.calls import (
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    checked,
    libc,
    mount,
)
from autograder.jail.limits import Jail

KEPT_FLAGS = {1: MS_RDONLY, 2: MS_NOSUID, 4: MS_NODEV, 8: MS_NOEXEC, 1024: 1024, 2048: 2048, 4096: 1 << 21}
"""From `statvfs(3)` to `mount(2)`: what a mount has, its copy may not lose."""
MNT_DETACH = 2
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
DEVICES = ("null", "full", "random", "urandom")
ZERO = "zero"
"""A device whose mappings are shared memory of no file: kernels have it only where a control group counts that."""
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32")
SYSTEM_FILES = (
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/localtime", "/etc/nsswitch.conf", "/etc/fonts", "/etc/ssl/certs",
    "/etc/alternatives",
)  # fmt: skip
PLACES_ROOM = "size=16M,nr_inodes=20000"
"""Room for the empty files and folders on which others are mounted."""
MAX_TERMINALS = 32
MOMENT = 946_684_800
"""The time of each file of a submission, 2000-01-01 UTC: code cannot tell when it was handed in."""
BLOCK = os.sysconf("SC_PAGE_SIZE")


def system_paths(zero: bool) -> list[str]:
    """What every kernel has of the system, devices included."""
    return [*SYSTEM, *SYSTEM_FILES, *(f"/dev/{name}" for name in (*DEVICES, *([ZERO] if zero else [])))]


def room_for(folder: Path, disk_bytes: int, files: int) -> tuple[int, int]:
    """Bytes and number of files of the memory to write to: what is handed in, as whole pages, and the limits on top of it.

    So whatever has been let in as a submission leaves the whole allowance free.
    """
    taken, count = 0, 0
    for at, folders, names in os.walk(folder):
        count += len(folders) + len(names)
        taken += len(folders) * BLOCK  # on a disk
        for name in names:
            seen = os.lstat(os.path.join(at, name))
            taken += -(-seen.st_size // BLOCK) * BLOCK if stat.S_ISREG(seen.st_mode) else 0
    return taken + -(-disk_bytes // BLOCK) * BLOCK, count + files + 8


def new_root(jail: Jail, room: tuple[int, int], uid: int, gid: int, zero: bool) -> None:
    """Leaves this process in a root of its own, in the submission's folder. Raises JailError.

    Args:
        room: as `room_for` has it.
        zero: whether it has /dev/zero.
    """
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    wanted = [*system_paths(zero), *jail.read_only]
    sources = {path: _opened(path) for path in dict.fromkeys(wanted) if os.path.lexists(path)}
    private, host = _opened(jail.private), _opened(jail.socket) if jail.socket else None
    folder = os.open(jail.folder, os.O_RDONLY | os.O_DIRECTORY)
    root = "/tmp"
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=755,{PLACES_ROOM}")
    for name in ("proc", "tmp", "dev/shm", "dev/pts", ".old", ".written"):
        Path(root, name).mkdir(parents=True)
    mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    whole = Path(root, ".written")
    mount("tmpfs", str(whole), "tmpfs", MS_NOSUID | MS_NODEV, f"mode=700,size={room[0]},nr_inodes={room[1]}")
    in_sight(whole, "tmp", f"{root}/tmp")
    in_sight(whole, "shm", f"{root}/dev/shm", MS_NOEXEC)
    read_only(jail, sources, root)
    terminals = f"newinstance,ptmxmode=0666,mode=0600,max={MAX_TERMINALS}"  # of its own, for `!command`
    mount("devpts", f"{root}/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, terminals)
    os.symlink("pts/ptmx", f"{root}/dev/ptmx")
    os.symlink("/proc/self/fd", f"{root}/dev/fd")
    work = in_sight(whole, "work", f"{root}{jail.inside}")
    checked(libc.umount2(os.fsencode(whole), MNT_DETACH), "the memory to write to")
    whole.rmdir()
    _bind(private, root, jail.private, read_only=False)
    if host is not None:
        _bind(host, root, str(jail.socket), read_only=True)  # which keeps nobody from talking to it
    copy_submission(Path(f"/proc/self/fd/{folder}"), work, uid, gid)
    work.chmod(0o700)
    os.close(folder)
    os.chdir(root)
    checked(libc.syscall(SYS_PIVOT_ROOT[os.uname().machine], b".", b".old"), "a root of its own")
    os.chdir("/")
    checked(libc.umount2(b"/.old", MNT_DETACH), "leaving the old root")
    os.rmdir("/.old")
    mount("none", "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
    os.chdir(jail.inside)


def read_only(jail: Jail, sources: dict[str, int | str], root: str) -> None:
    """Mounts what the kernel may read, that which lies in a covered folder after its cover."""
    inside = {path for path in sources if path.startswith(tuple(f"{folder}/" for folder in jail.covered))}
    for path in sources.keys() - inside:
        _bind(sources[path], root, path, read_only=not path.startswith("/dev/"))
    for covered in jail.covered:
        Path(f"{root}{covered}").mkdir(parents=True, exist_ok=True)
        mount("tmpfs", f"{root}{covered}", "tmpfs", MS_NOSUID | MS_NODEV, f"mode=755,{PLACES_ROOM}")
    for path in sorted(inside):
        _bind(sources[path], root, path, read_only=True)
    for covered in jail.covered:
        mount("none", f"{root}{covered}", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def in_sight(whole: Path, name: str, target: str, flags: int = 0) -> Path:
    """Makes a folder of the memory to write to, and mounts it where the kernel sees it. Returns that folder."""
    part = whole / name
    part.mkdir()
    part.chmod(0o1777)
    Path(target).mkdir(parents=True, exist_ok=True)
    mount(str(part), target, None, MS_BIND)
    mount("none", target, None, MS_BIND | MS_REMOUNT | MS_NOSUID | MS_NODEV | flags)
    return Path(target)


def close_private(private: str) -> None:
    """Makes the folder of sockets read-only, which leaves its sockets usable. Raises JailError."""
    flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
    mount("none", private, None, flags | _kept(private))


def _opened(path: str) -> int | str:
    """A handle on a file or folder that outlives a change of root; for a link, its target."""
    return os.readlink(path) if os.path.islink(path) else os.open(path, os.O_PATH)


def _kept(target: str) -> int:
    return sum(flag for bit, flag in KEPT_FLAGS.items() if os.statvfs(target).f_flag & bit)


def _bind(source: int | str, root: str, path: str, read_only: bool) -> None:
    target = f"{root}{path}"
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    if isinstance(source, str):
        if not os.path.lexists(target):
            os.symlink(source, target)
        return
    handle = f"/proc/self/fd/{source}"
    if stat.S_ISDIR(os.stat(handle).st_mode):
        Path(target).mkdir(parents=True, exist_ok=True)
    elif not os.path.lexists(target):
        Path(target).touch()
    mount(handle, target, None, MS_BIND | MS_REC)
    if not path.startswith("/dev/"):
        flags = MS_BIND | MS_REMOUNT | MS_NOSUID | MS_NODEV | (MS_RDONLY * read_only)
        mount("none", target, None, flags | _kept(target))
    os.close(source)


def give(path: Path, uid: int, gid: int) -> None:
    """Makes a file, or a folder with its content, this user's."""
    if os.geteuid() != 0:
        return
    os.chown(path, uid, gid, follow_symlinks=False)
    if path.is_dir() and not path.is_symlink():
        for inner in path.iterdir():
            give(inner, uid, gid)


def copy_submission(source: Path, target: Path, uid: int, gid: int) -> None:
    """Ordinary files and folders of a submission; links, devices and the like stay behind."""

    def strange(folder: str, names: list[str]) -> list[str]:
        modes = {name: os.lstat(os.path.join(folder, name)).st_mode for name in names}
        return [name for name, mode in modes.items() if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))]

    shutil.copytree(source, target, ignore=strange, copy_function=shutil.copyfile, dirs_exist_ok=True)
    give(target, uid, gid)
    for path in target.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    for path in (*target.rglob("*"), target):
        os.utime(path, (MOMENT, MOMENT))
