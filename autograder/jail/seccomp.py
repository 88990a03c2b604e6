"""The filter of system calls that every kernel runs under (seccomp). It sees numbers, never what a pointer points to.

What no notebook needs fails with EPERM. Three kinds are told to have worked, and do nothing, since honest code asks for them
in passing: larger buffers of a socket, other processors to run on, and at level `landlock` other rights, owners or times of a
file (`shutil.copy`).
"""

from __future__ import annotations

import contextlib
import errno
from typing import Any

from autograder.jail.limits import Level

REFUSED = (
    "ptrace", "process_vm_readv", "process_vm_writev", "mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "keyctl",
    "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "kexec_load", "init_module",
    "finit_module", "delete_module", "open_by_handle_at", "name_to_handle_at", "personality", "reboot", "swapon", "swapoff",
    "fsopen", "fsmount", "move_mount", "open_tree", "mount_setattr", "syslog", "acct", "quotactl", "process_madvise",
    "pidfd_getfd", "kcmp", "clock_settime", "settimeofday", "sethostname", "setdomainname", "vhangup", "iopl", "ioperm",
)  # fmt: skip
"""System calls that no notebook needs."""
UNCOUNTED = (
    "memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open", "vmsplice", "landlock_create_ruleset",
)  # fmt: skip
"""Those that make memory that belongs to no process, and to no limit but a control group's."""
YOUNG = range(463, 600)
"""Calls younger than Linux 6.10, by numbers that are the same on each architecture: not known here, and libc does without."""
CHANGES_OF_FILES = (
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "utime", "utimes", "utimensat",
    "futimesat",
)  # fmt: skip
ATTRIBUTES_OF_FILES = (
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
)  # fmt: skip
FLAGS_OF_FILES = (0x40086602, 0x40046602, 0x401C5820)
"""FS_IOC_SETFLAGS, FS_IOC32_SETFLAGS and FS_IOC_FSSETXATTR, requests of `ioctl`."""
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, MAX_FAMILY = 1, 2, 10, 16, 64
SOL_SOCKET, SO_SNDBUF, SO_RCVBUF, SO_ZEROCOPY = 1, 7, 8, 60
CLONE_NEWUSER = 0x10000000
SHARED_ANONYMOUS = 0x21
"""MAP_SHARED | MAP_ANONYMOUS. MAP_SHARED_VALIDATE has the first bit too, MAP_PRIVATE does not."""


def filter_system_calls(level: Level, counted: bool) -> None:
    """Puts this process and all that it starts under the filter.

    Args:
        counted: whether a control group counts shared memory of no file; else nobody gets any.
    """
    import pyseccomp

    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    refuse = pyseccomp.ERRNO(errno.EPERM)
    for name in (*REFUSED, *UNCOUNTED):
        _add(rules, refuse, name)
    _add(rules, pyseccomp.ERRNO(0), "sched_setaffinity")  # which processors are the monitor's to say
    for number in YOUNG:
        rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), number)
    _sockets(rules, refuse, {AF_UNIX} if level == "landlock" else {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK})
    rules.add_rule(refuse, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER))
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags are behind a pointer; libc then uses clone
    if not counted:
        shared = pyseccomp.Arg(3, pyseccomp.MASKED_EQ, SHARED_ANONYMOUS, SHARED_ANONYMOUS)
        rules.add_rule(pyseccomp.ERRNO(errno.ENOMEM), "mmap", shared)
    if level == "landlock":
        _files(rules)
    rules.load()


def _add(rules: Any, action: int, name: str) -> None:
    with contextlib.suppress(OSError, ValueError, RuntimeError):  # not on this architecture
        rules.add_rule(action, name)


def _sockets(rules: Any, refuse: int, families: set[int]) -> None:
    """Of these families only, with buffers of the default size."""
    import pyseccomp

    for name in ("socket", "socketpair"):
        rules.add_rule(refuse, name, pyseccomp.Arg(0, pyseccomp.GT, MAX_FAMILY))
        for family in set(range(MAX_FAMILY + 1)) - families:
            rules.add_rule(refuse, name, pyseccomp.Arg(0, pyseccomp.EQ, family))
    if AF_NETLINK in families:  # only what tells of the own network's interfaces (NETLINK_ROUTE), which ZMQ asks for
        not_route = pyseccomp.Arg(2, pyseccomp.NE, 0)
        rules.add_rule(refuse, "socket", pyseccomp.Arg(0, pyseccomp.EQ, AF_NETLINK), not_route)
    for option, action in ((SO_SNDBUF, pyseccomp.ERRNO(0)), (SO_RCVBUF, pyseccomp.ERRNO(0)), (SO_ZEROCOPY, refuse)):
        rules.add_rule(action, "setsockopt", _int(1, SOL_SOCKET), _int(2, option))


def _files(rules: Any) -> None:
    """Landlock has no say in who owns a file and what its attributes are."""
    import pyseccomp

    for name in CHANGES_OF_FILES:
        _add(rules, pyseccomp.ERRNO(0), name)
    for name in ATTRIBUTES_OF_FILES:
        _add(rules, pyseccomp.ERRNO(errno.EOPNOTSUPP), name)
    for request in FLAGS_OF_FILES:
        rules.add_rule(pyseccomp.ERRNO(errno.EOPNOTSUPP), "ioctl", _int(1, request))


def _int(position: int, value: int) -> Any:
    """An argument of 32 bits: what else is in its register the system ignores, and so must we."""
    import pyseccomp

    return pyseccomp.Arg(position, pyseccomp.MASKED_EQ, 0xFFFFFFFF, value)
