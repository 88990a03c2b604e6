"""The jail that a forked kernel enters before a line of the student's code runs. Linux only.

At level `full` the kernel has a world of its own: namespaces (mounts, processes, network, IPC, host name), a root with
nothing in it but read-only Python, libraries and models, a private copy of its folder, and the two sockets that it needs.
At level `landlock`, for containers that refuse namespaces, it sees the machine's files but can read and write only those.
At both: an unprivileged user, no capabilities and none to be had (`no_new_privs`), a seccomp filter (no tracing, no mounts, no
new namespaces, few families of sockets), and limits on memory, processes, files and time. Its network at level `full` is a
loopback of its own; at level `landlock` there are no sockets but Unix ones.

What it does not protect against: a hole in the operating system's kernel; what can be told from timing; at level
`landlock`, seeing that a process exists, and Unix sockets of others that are open to everybody.

`enter` is called in a child that has one thread. Where a step fails it raises `JailError`, and the kernel never starts.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import resource
import shutil
import signal
import socket
import stat
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

Level = Literal["full", "landlock", "none"]

CLONE = {
    "mount": 0x00020000, "uts": 0x04000000, "ipc": 0x08000000, "user": 0x10000000,
    "pid": 0x20000000, "net": 0x40000000,
}  # fmt: skip
"""`unshare(2)`."""
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
"""`mount(2)`."""
KEPT_FLAGS = {1: MS_RDONLY, 2: MS_NOSUID, 4: MS_NODEV, 8: MS_NOEXEC, 1024: 1024, 2048: 2048, 4096: 1 << 21}
"""From `statvfs(3)` to `mount(2)`: what a mount has, its copy may not lose."""
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
CAPABILITY_VERSION_3 = 0x20080522
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
SYS_CAPSET = {"x86_64": 126, "aarch64": 91}
SYS_LANDLOCK = (444, 445, 446)
FIRST_UID, UIDS = 61184, 4096
"""User ids that nobody has (systemd's range for services without a user)."""
DEVICES = ("null", "zero", "full", "random", "urandom")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32")
SYSTEM_FILES = (
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/localtime", "/etc/nsswitch.conf", "/etc/fonts", "/etc/ssl/certs",
    "/etc/alternatives",
)  # fmt: skip
REFUSED = (
    "ptrace", "process_vm_readv", "process_vm_writev", "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "keyctl",
    "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "kexec_load", "init_module",
    "finit_module", "delete_module", "open_by_handle_at", "name_to_handle_at", "personality", "reboot", "swapon", "swapoff",
    "fsopen", "fsmount", "move_mount", "open_tree", "mount_setattr", "syslog", "acct", "quotactl", "process_madvise",
    "pidfd_getfd", "kcmp", "clock_settime", "settimeofday", "sethostname", "setdomainname", "vhangup", "iopl", "ioperm",
    "memfd_create", "memfd_secret", "shmget",
)  # fmt: skip
"""System calls that no notebook needs. The last three make memory that belongs to no process, and so to no limit."""
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, MAX_FAMILY = 1, 2, 10, 16, 64
SIOCSIFFLAGS, IFF_UP, IFF_LOOPBACK, IFF_RUNNING = 0x8914, 1, 8, 64
CLONE_NEWUSER = 0x10000000
PR_SET_CHILD_SUBREAPER = 36
WATCH_SECONDS, SHORTEST_WATCH = 0.4, 0.02
FILLED_A_SECOND = 4 * 10**9
"""Bytes of memory that one processor fills in a second, about: how soon the monitor must look again."""
MOMENT = 946_684_800
"""The time of each file of a submission, the beginning of 2000 (UTC): code cannot tell when it was handed in."""
ENDED = {"time": 225, "memory": 226}
"""Exit codes of a kernel that was ended for taking too much; its own exit codes are never these."""

_libc = ctypes.CDLL(None, use_errno=True)


class JailError(OSError):
    """A step into the jail was refused by this machine."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one kernel and everything that it starts.

    Attributes:
        memory_bytes: private memory of all its processes together, and of each alone.
        disk_bytes: of what it can write, for each of its folders.
        seconds: wall-clock time from its start to its end; CPU time of a process likewise.
        files: files and folders in each of its folders: an empty one takes memory that nothing else counts.
    """

    memory_bytes: int
    disk_bytes: int
    processes: int
    open_files: int
    seconds: int
    files: int = 20_000


@dataclass(frozen=True)
class Jail:
    """What a kernel may see.

    Attributes:
        read_only: files and folders besides the system's own libraries.
        private: the folder with its connection file and sockets.
        socket: the model host's, for this notebook; None without a host.
        folder: the submission's; the kernel gets a copy of its own.
        groups: further groups of the unprivileged user, where only a group may read the models.
        covered: folders of which only what `read_only` names is in sight, though a folder above is.
    """

    level: Level
    read_only: tuple[str, ...]
    private: str
    socket: str | None
    folder: str
    limits: Limits
    groups: tuple[int, ...] = ()
    covered: tuple[str, ...] = ()

    @property
    def inside(self) -> str:
        """Where the kernel finds its folder at level `full`: the same for everybody."""
        return f"/home/student/{os.path.basename(os.path.abspath(self.folder))}"

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Jail:
        limits = Limits(**told.pop("limits"))
        lists = {name: tuple(told[name]) for name in ("read_only", "groups", "covered")}
        return cls(**{**told, **lists, "limits": limits})


def enter(jail: Jail) -> None:
    """Puts this process, a fresh child with one thread, into the jail. Returns in the process that is to be the kernel.

    That is a descendant; this process stays outside as its monitor, and takes its exit status on.
    """
    if jail.level == "none":
        os.chdir(jail.folder)
        return
    uid, gid = an_unprivileged_user()
    for path in [jail.private, *([jail.socket] if jail.socket else [])]:
        give(Path(path), uid, gid)
    if jail.level == "full":
        into_namespaces(jail, uid, gid)
    else:
        watched(jail.limits)
        work = Path(jail.private) / "work"
        copy_submission(Path(jail.folder), work, uid, gid)
        os.chdir(work)
        os.environ.update(HOME=jail.private, TMPDIR=jail.private, USER="student", LOGNAME="student")
    bound(jail.limits)
    give_up_privileges(uid, gid, jail.groups, jail.limits.processes)
    for path in (*jail.read_only, jail.private):
        if not os.access(path, os.R_OK):
            raise JailError(errno.EACCES, f"{path} cannot be read by another user than the grader (chmod -R o+rX?)")
    if jail.level == "landlock":
        landlock(jail)
    filter_system_calls({AF_UNIX, AF_INET, AF_INET6, AF_NETLINK} if jail.level == "full" else {AF_UNIX})


# --- Users ---


def an_unprivileged_user() -> tuple[int, int]:
    """A user and group that nobody else has, one for each kernel; where we are no root, our own."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    uid = FIRST_UID + os.getpid() % UIDS
    return uid, uid


def give(path: Path, uid: int, gid: int) -> None:
    """Makes a file, or a folder with its content, this user's."""
    if os.geteuid() != 0:
        return
    os.chown(path, uid, gid, follow_symlinks=False)
    if path.is_dir() and not path.is_symlink():
        for inner in path.iterdir():
            give(inner, uid, gid)


def give_up_privileges(uid: int, gid: int, groups: Sequence[int], processes: int) -> None:
    """No other user, no capability, and no way to any."""
    for capability in range(64):
        _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    if os.geteuid() == 0:
        os.setgroups(list(groups))
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))  # counts for nothing while the user is root
    header, data = struct.pack("Ii", CAPABILITY_VERSION_3, 0), bytes(24)
    _checked(_libc.syscall(SYS_CAPSET[os.uname().machine], header, data), "giving up capabilities")
    _checked(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


# --- Level full ---


def into_namespaces(jail: Jail, uid: int, gid: int) -> None:
    """New namespaces, a new root. Returns in the grandchild that is to be the kernel, still with its privileges inside."""
    outer_uid, outer_gid, root = os.geteuid(), os.getegid(), os.geteuid() == 0
    wanted = ["net", "pid", "ipc", "uts", *([] if root else ["user"])]
    _checked(_libc.unshare(sum(CLONE[name] for name in wanted)), f"new namespaces ({', '.join(wanted)})")
    if not root:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{outer_uid} {outer_uid} 1")
        _write("/proc/self/gid_map", f"{outer_gid} {outer_gid} 1")
    reading, writing = os.pipe()
    init = os.fork()
    if init:
        os.close(writing)
        monitor(init, jail.limits, lambda: inside(init), reading)
    os.close(reading)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _checked(_libc.unshare(CLONE["mount"]), "mounts of its own")  # not the monitor's, who looks into the outer /proc
    new_root(jail, uid, gid)
    _checked(_libc.sethostname(b"notebook", 8), "a host name of its own")
    loopback_up()
    kernel = os.fork()
    if kernel:
        reap(kernel, writing)
    os.close(writing)
    os.environ.update(HOME="/tmp", TMPDIR="/tmp", IPYTHONDIR="/tmp/.ipython", USER="student", LOGNAME="student")


def loopback_up() -> None:
    """Switches on the loopback of the new network, which reaches nothing but this kernel's own processes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", IFF_UP | IFF_LOOPBACK | IFF_RUNNING)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


def monitor(child: int, limits: Limits, members: Callable[[], Iterable[int]], status: int | None = None) -> NoReturn:
    """Outside: watches memory and time of the whole tree, and ends as the kernel did.

    Args:
        child: with which the tree ends.
        members: the processes of the tree.
        status: where the kernel's status is told, if the kernel is not the child itself.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.closerange((status or 2) + 1, 4096)
    ends, inherited = time.monotonic() + limits.seconds, own_memory("/proc/self")
    why, left, fastest = None, 0, FILLED_A_SECOND * (os.cpu_count() or 1)
    with contextlib.suppress(OSError):  # root's monitor is not kept waiting by what it watches
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        with contextlib.suppress(OSError):  # it may be gone by now
            left = limits.memory_bytes - private_memory(members(), inherited)
            if time.monotonic() > ends:
                why = "time"
            elif left < 0:
                why = "memory"
            if why is not None:
                os.kill(child, signal.SIGKILL)
        time.sleep(min(WATCH_SECONDS, max(SHORTEST_WATCH, left / (fastest * 2))))
    end_all(members)
    if why is not None:
        os._exit(ENDED[why])
    told = os.read(status, 16) if status is not None else str(ended[1]).encode()
    end_as(int(told) if told else signal.SIGKILL)


def end_all(members: Callable[[], Iterable[int]]) -> None:
    """Ends what is left of a tree, however fast it forks."""
    for _ in range(100):
        left = list(members())
        if not left:
            return
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass


def inside(init: int) -> list[int]:
    """The processes in the process namespace of `init`."""
    with contextlib.suppress(OSError):
        own = os.readlink(f"/proc/{init}/ns/pid")
        return [pid for pid in processes() if _namespace(pid) == own]
    return []


def descendants(ancestor: int) -> list[int]:
    """The processes below one, itself not among them."""
    below = children()
    found, waiting = list[int](), list(below.get(ancestor, []))
    while waiting:
        found.append(waiting.pop())
        waiting += below.get(found[-1], [])
    return found


def children() -> dict[int, list[int]]:
    """Every process by its parent."""
    below: dict[int, list[int]] = {}
    for pid in processes():
        with contextlib.suppress(OSError, ValueError, IndexError):
            told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
            below.setdefault(int(told.rsplit(") ", 1)[1].split()[1]), []).append(pid)
    return below


def processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _namespace(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


def private_memory(members: Iterable[int], inherited: int) -> int:
    """Bytes of memory that these processes have taken.

    A fork shows what it still shares with its parent as its own, so that much (`inherited`, in bytes) is taken off each.
    """
    total = 0
    for pid in members:
        with contextlib.suppress(OSError, ValueError):
            total += max(0, own_memory(f"/proc/{pid}") - inherited)
    return total


def own_memory(process: str) -> int:
    """Bytes of a process in memory that are no file's, given its folder in /proc. Shared memory counts for each that has it."""
    total = 0
    for line in Path(process, "status").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(("RssAnon:", "RssShmem:")):
            total += int(line.split()[1]) * 1024
    return total


def reap(kernel: int, status: int) -> NoReturn:
    """Inside, as the first process: waits for whatever ends, until the kernel does; then everything else ends too."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        pid, ended = os.wait()
        if pid == kernel:
            os.write(status, str(ended).encode())
            os._exit(0)


def end_as(status: int) -> NoReturn:
    """Ends this process with the status that `wait` gave for another one."""
    code = os.waitstatus_to_exitcode(status) if not os.WIFSIGNALED(status) else -os.WTERMSIG(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code if 0 <= code not in ENDED.values() else 1 if code >= 0 else 128 - code)


def watched(limits: Limits) -> None:
    """Without namespaces: forks, and stays behind as the monitor. Orphans come to the monitor, so that none is missed."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    own = os.getpid()
    kernel = os.fork()
    if kernel:
        monitor(kernel, limits, lambda: descendants(own))


def new_root(jail: Jail, uid: int, gid: int) -> None:
    """A root of its own in memory: the system's libraries and `read_only`, what it needs of /dev, and room to write."""
    size = f"size={jail.limits.disk_bytes},nr_inodes={jail.limits.files}"
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    wanted = [*SYSTEM, *SYSTEM_FILES, *(f"/dev/{name}" for name in DEVICES), *jail.read_only]
    sources = {path: _opened(path) for path in dict.fromkeys(wanted) if os.path.lexists(path)}
    writable = {path: _opened(path) for path in (jail.private, jail.socket) if path}
    folder = os.open(jail.folder, os.O_RDONLY | os.O_DIRECTORY)
    root = "/tmp"
    _mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=755,{size}")
    for name in ("proc", "tmp", "dev/shm", ".old"):
        Path(root, name).mkdir(parents=True)
    _mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _mount("tmpfs", f"{root}/tmp", "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,{size}")
    _mount("tmpfs", f"{root}/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, f"mode=1777,{size}")
    inside = {path for path in sources if path.startswith(tuple(f"{folder}/" for folder in jail.covered))}
    for path in sources.keys() - inside:
        _bind(sources[path], root, path, read_only=not path.startswith("/dev/"))
    for covered in jail.covered:
        Path(f"{root}{covered}").mkdir(parents=True, exist_ok=True)
        _mount("tmpfs", f"{root}{covered}", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1M")
    for path in sorted(inside):
        _bind(sources[path], root, path, read_only=True)
    for covered in jail.covered:
        _mount("none", f"{root}{covered}", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
    Path(f"{root}/dev/pts").mkdir()  # terminals of its own, for `!command`
    _mount("devpts", f"{root}/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0600")
    os.symlink("pts/ptmx", f"{root}/dev/ptmx")
    os.symlink("/proc/self/fd", f"{root}/dev/fd")
    here = f"{root}{jail.inside}"
    Path(here).mkdir(parents=True, exist_ok=True)
    _mount("tmpfs", here, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=700,uid={uid},gid={gid},{size}")
    for path, source in writable.items():
        _bind(source, root, path, read_only=False)
    copy_submission(Path(f"/proc/self/fd/{folder}"), Path(here), uid, gid)
    os.close(folder)
    os.chdir(root)
    _checked(_libc.syscall(SYS_PIVOT_ROOT[os.uname().machine], b".", b".old"), "a root of its own")
    os.chdir("/")
    _checked(_libc.umount2(b"/.old", MNT_DETACH), "leaving the old root")
    os.rmdir("/.old")
    _mount("none", "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
    os.chdir(jail.inside)


def _opened(path: str) -> int | str:
    """A handle on a file or folder that stays when the root changes; for a link, where it points."""
    return os.readlink(path) if os.path.islink(path) else os.open(path, os.O_PATH)


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
    _mount(handle, target, None, MS_BIND | MS_REC)
    kept = sum(flag for bit, flag in KEPT_FLAGS.items() if os.statvfs(target).f_flag & bit)
    if not path.startswith("/dev/"):
        _mount("none", target, None, MS_BIND | MS_REMOUNT | MS_NOSUID | MS_NODEV | (MS_RDONLY * read_only) | kept)
    os.close(source)


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


# --- Level landlock ---


def landlock(jail: Jail) -> None:
    """Leaves nothing of the machine's files but what the jail names, and no TCP (Linux 5.13, 6.7)."""
    version = landlock_version()
    if version < 1:
        raise JailError(errno.ENOSYS, "this machine has no Landlock")
    everything = (1 << {1: 13, 2: 14}.get(version, 15)) - 1 if version < 5 else (1 << 16) - 1
    network = 3 if version >= 4 else 0  # TCP bind, connect
    scoped = 3 if version >= 6 else 0  # abstract Unix sockets, signals
    attributes = struct.pack("QQQ", everything, network, scoped)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _checked(_libc.syscall(SYS_LANDLOCK[0], attributes, len(attributes), 0), "a Landlock ruleset")
    reading = 0b1101  # execute, read a file, read a folder
    system = [*SYSTEM, *SYSTEM_FILES, *(f"/dev/{name}" for name in DEVICES), "/proc/self", *jail.read_only]
    for path in dict.fromkeys(system):
        if os.path.exists(path):
            _allow(ruleset, path, reading | (0b10 if path.startswith("/dev/") else 0))
    _allow(ruleset, jail.private, everything)
    _checked(_libc.syscall(SYS_LANDLOCK[2], ruleset, 0), "Landlock")
    os.close(ruleset)


def landlock_version() -> int:
    """The version of Landlock's interface here; 0 or less where there is none."""
    return int(_libc.syscall(SYS_LANDLOCK[0], None, 0, 1))


def _allow(ruleset: int, path: str, access: int) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            access &= 0b100000000000111 | 1 << 15  # what a file can have: execute, write, read, truncate, ioctl
        rule = struct.pack("=Qi", access, handle)
        _checked(_libc.syscall(SYS_LANDLOCK[1], ruleset, 1, rule, 0), f"a Landlock rule for {path}")
    finally:
        os.close(handle)


# --- At both levels ---


def bound(limits: Limits) -> None:
    """Limits of each process. Those of the whole tree are the monitor's."""
    for which, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_FSIZE, limits.disk_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
    ):
        _, hard = resource.getrlimit(which)
        resource.setrlimit(which, (value, value) if hard < 0 else (min(value, hard), min(value, hard)))


def filter_system_calls(families: set[int]) -> None:
    """seccomp: what no notebook needs fails with EPERM, and so does a socket of another family than these."""
    import pyseccomp

    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    refuse = pyseccomp.ERRNO(errno.EPERM)
    for name in REFUSED:
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # not on this architecture
            rules.add_rule(refuse, name)
    for name in ("socket", "socketpair"):
        rules.add_rule(refuse, name, pyseccomp.Arg(0, pyseccomp.GT, MAX_FAMILY))
        for family in set(range(MAX_FAMILY + 1)) - families:
            rules.add_rule(refuse, name, pyseccomp.Arg(0, pyseccomp.EQ, family))
    if AF_NETLINK in families:  # only what tells of the own network's interfaces (NETLINK_ROUTE), which ZMQ asks for
        not_route = pyseccomp.Arg(2, pyseccomp.NE, 0)
        rules.add_rule(refuse, "socket", pyseccomp.Arg(0, pyseccomp.EQ, AF_NETLINK), not_route)
    rules.add_rule(refuse, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER))
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags are behind a pointer; libc then uses clone
    rules.load()


# --- System calls ---


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise JailError(number, f"{what}: {os.strerror(number)}")
    return result


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    given = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    result = _libc.mount(given[0], given[1], given[2], ctypes.c_ulong(flags), given[3])
    _checked(result, f"mounting {target}")


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="ascii")
    except OSError as error:
        raise JailError(error.errno, f"{path}: {error.strerror}") from error


KIT = Path(__file__).resolve().parent.parent
TEACHERS = (
    "attacks", "bench", "classes", "demo", "hint_rules", "library", "mutants", "selftest", "sharing", "stand_ins", "tiny"
)  # fmt: skip
"""Beginnings of the names of modules that hold solutions, or have no business in a kernel."""


def python_paths() -> Iterator[str]:
    """What Python itself consists of: its installation, the environment."""
    import sys

    yield from dict.fromkeys(os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, sys.exec_prefix))
    yield from dict.fromkeys(path for path in (sys.prefix, sys.base_prefix))


def kit_paths() -> Iterator[str]:
    """What a kernel may see of this package: not the modules that hold solutions, nor those compiled."""
    yield from (str(path) for path in sorted(KIT.glob("*/")) if path.name != "__pycache__")
    yield from (str(path) for path in sorted(KIT.glob("*.py")) if not path.name.startswith(TEACHERS))


def readable(models: Sequence[str]) -> tuple[str, ...]:
    """What every kernel may read: Python, this package, and the models."""
    return tuple(dict.fromkeys([*python_paths(), *kit_paths(), *(os.path.abspath(path) for path in models)]))
