"""The jail that a forked kernel enters before a line of the student's code runs. Linux only.

At level `full` the kernel has a world of its own: namespaces (mounts, processes, network, IPC, host name), a root with
nothing in it but read-only Python, libraries and models, a private copy of its folder, and the two sockets that it needs.
At level `landlock`, for containers that refuse namespaces, it sees the machine's files but can read and write only those.
At both: an unprivileged user, no capabilities and none to be had (`no_new_privs`), a seccomp filter (no tracing, no mounts, no
new namespaces, few families of sockets), and limits on memory, processes, files and time. Its network at level `full` is a
loopback of its own; at level `landlock` there are no sockets but Unix ones.

What it does not protect against: a hole in the operating system's kernel; what can be told from timing; at level
`landlock`, what `landlock.py` names, and a disk that fills faster than the monitor looks.

`enter` is called in a child that has one thread. Where a step fails it raises `JailError`, and the kernel never starts.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from autograder.jail import landlock, memory
from autograder.jail.calls import (
    PR_CAPBSET_DROP,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    JailError,
    checked,
    libc,
    write,
)
from autograder.jail.cgroup import Group
from autograder.jail.limits import Jail, Limits
from autograder.jail.monitor import Tree, monitor, reap
from autograder.jail.root import close_private, copy_submission, give, new_root, room_for
from autograder.jail.seccomp import filter_system_calls

CLONE = {
    "mount": 0x00020000, "uts": 0x04000000, "ipc": 0x08000000, "user": 0x10000000,
    "pid": 0x20000000, "net": 0x40000000,
}  # fmt: skip
"""`unshare(2)`."""
CAPABILITY_VERSION_3 = 0x20080522
SYS_CAPSET = {"x86_64": 126, "aarch64": 91}
FIRST_UID, UIDS = 61184, 4096
"""User ids that nobody has (systemd's range for services without a user)."""
SIOCSIFFLAGS, IFF_UP, IFF_LOOPBACK, IFF_RUNNING = 0x8914, 1, 8, 64
LOCKED_BYTES = 1 << 20
"""Memory that a process may keep from being swapped out."""

Close = Callable[[], None]
"""Closes the folder of the kernel's sockets. Call it when they are bound, before a line of the student's code runs."""


def enter(jail: Jail, group: Group | None = None) -> Close:
    """Puts this process, a fresh child with one thread, into the jail. Returns in the process that is to be the kernel.

    That is a descendant; this process stays outside as its monitor, and takes its exit status on.

    Args:
        group: a control group for this kernel alone; None where this machine has none to give.
    """
    if jail.level == "none":
        os.chdir(jail.folder)
        return lambda: None
    uid, gid = an_unprivileged_user()
    if jail.level == "landlock":
        landlock.refuse(own_user=uid == os.geteuid())
    for path in [jail.private, *([jail.socket] if jail.socket else [])]:
        give(Path(path), uid, gid)
    enclosed = into_namespaces if jail.level == "full" else watched
    close = enclosed(jail, uid, gid, group)
    bound(jail.limits)
    give_up_privileges(uid, gid, jail.groups, jail.limits.processes)
    for path in (*jail.read_only, jail.private):
        if not os.access(path, os.R_OK):
            raise JailError(errno.EACCES, f"{path} cannot be read by another user than the grader (chmod -R o+rX?)")
    if jail.level == "landlock":
        landlock.landlock(jail, zero=group is not None)
    filter_system_calls(jail.level, counted=group is not None)
    return close


# --- Users ---


def an_unprivileged_user() -> tuple[int, int]:
    """A user and group that nobody else has, one for each kernel; where we are no root, our own.

    What one user may have of processes is counted for all of that user's together, whatever namespaces they are in.
    """
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    taken, first = memory.owners(), os.getpid()
    uids = (FIRST_UID + (first + n) % UIDS for n in range(UIDS))
    uid = next((uid for uid in uids if uid not in taken), FIRST_UID + first % UIDS)
    return uid, uid


def give_up_privileges(uid: int, gid: int, groups: Sequence[int], processes: int) -> None:
    """No other user, no capability, and no way to any."""
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    if os.geteuid() == 0:
        os.setgroups(list(groups))
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))  # counts for nothing while the user is root
    header, data = struct.pack("Ii", CAPABILITY_VERSION_3, 0), bytes(24)
    checked(libc.syscall(SYS_CAPSET[os.uname().machine], header, data), "giving up capabilities")
    checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


# --- Level full ---


def into_namespaces(jail: Jail, uid: int, gid: int, group: Group | None = None) -> Close:
    """Makes new namespaces and a new root. Returns in the grandchild that becomes the kernel, which still has privileges."""
    outer_uid, outer_gid, root = os.geteuid(), os.getegid(), os.geteuid() == 0
    room = room_for(Path(jail.folder), jail.limits.disk_bytes, jail.limits.files)
    if group is not None:
        group.bound(jail.limits.memory_bytes + room[0], jail.limits)  # files in memory count there
    wanted = ["net", "pid", "ipc", "uts", *([] if root else ["user"])]
    checked(libc.unshare(sum(CLONE[name] for name in wanted)), f"new namespaces ({', '.join(wanted)})")
    if not root:
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"{outer_uid} {outer_uid} 1")
        write("/proc/self/gid_map", f"{outer_gid} {outer_gid} 1")
    reading, writing = os.pipe()
    init = os.fork()
    if init:
        os.close(writing)
        tree = Tree(init, lambda: memory.inside(init), group, own_network=True)
        monitor(tree, jail.limits, reading)
    os.close(reading)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if group is not None:
        group.join()
    checked(libc.unshare(CLONE["mount"]), "mounts of its own")  # not the monitor's, who looks into the outer /proc
    new_root(jail, room, uid, gid, zero=group is not None)
    checked(libc.sethostname(b"notebook", 8), "a host name of its own")
    loopback_up()
    asking, asked = socket.socketpair()
    kernel = os.fork()
    if kernel:
        asking.close()
        first_process(jail, kernel, writing, asked)
    asked.close()
    os.close(writing)
    os.environ.update(HOME="/tmp", TMPDIR="/tmp", IPYTHONDIR="/tmp/.ipython", USER="student", LOGNAME="student")
    return lambda: ask_to_close(asking)


def first_process(jail: Jail, kernel: int, status: int, asked: socket.socket) -> NoReturn:
    """Keeps privileges inside the jail, to close the folder of the sockets when the kernel has bound them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with asked:
        if asked.recv(1):  # nothing, where the kernel has ended
            try:
                close_private(jail.private)
                asked.send(b"\0")
            except JailError as error:
                asked.send(str(error.strerror).encode())
    reap(kernel, status)


def ask_to_close(asking: socket.socket) -> None:
    """In the kernel: returns when its folder of sockets is read-only. Raises JailError."""
    with asking:
        asking.send(b"\0")
        said = asking.recv(1000)
    if said != b"\0":
        raise JailError(errno.EACCES, said.decode(errors="replace") or "the folder of sockets could not be closed")


def loopback_up() -> None:
    """Switches on the loopback of the new network, which reaches nothing but this kernel's own processes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", IFF_UP | IFF_LOOPBACK | IFF_RUNNING)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


# --- Level landlock ---


def watched(jail: Jail, uid: int, gid: int, group: Group | None) -> Close:
    """Forks without namespaces, and stays as the monitor, which adopts all orphans."""
    disk, files = room_for(Path(jail.folder), jail.limits.disk_bytes, jail.limits.files)
    if group is not None:
        group.bound(jail.limits.memory_bytes, jail.limits)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    own, private = os.getpid(), Path(jail.private)
    kernel = os.fork()
    if kernel:
        tree = Tree(kernel, lambda: memory.descendants(own), group, on_disk=private)
        monitor(tree, replace(jail.limits, disk_bytes=disk, files=files))
    if group is not None:
        group.join()
    copy_submission(Path(jail.folder), private / "work", uid, gid)
    os.chdir(private / "work")
    os.environ.update(HOME=jail.private, TMPDIR=jail.private, USER="student", LOGNAME="student")
    return lambda: None


# --- At both levels ---


def bound(limits: Limits) -> None:
    """Limits of each process. Those of the whole tree are the monitor's."""
    for which, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_FSIZE, limits.disk_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_MEMLOCK, LOCKED_BYTES),
    ):
        _, hard = resource.getrlimit(which)
        resource.setrlimit(which, (value, value) if hard < 0 else (min(value, hard), min(value, hard)))
