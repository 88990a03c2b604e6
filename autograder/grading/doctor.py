"""`autograder doctor`: what protects the grader on this machine, found by trying. Whatever is broken is told, never raised."""

from __future__ import annotations

import importlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

from autograder.errors import AutograderError
from autograder.host.control import ANSWER_SECONDS, Host
from autograder.host.models import weights_bytes
from autograder.jail.cgroup import Groups
from autograder.jail.kernels import Kernels
from autograder.jail.landlock import CLOSES_SOCKETS, landlock_version
from autograder.jail.limits import Level, Limits
from autograder.protocol import wire
from autograder.protocol.line import Line
from autograder.protocol.model_cache import snapshot_files
from autograder.system.daemons import runtime_folder

TRIED = Limits(memory_bytes=10**10, disk_bytes=10**7, processes=64, open_files=256, seconds=60)
ENOUGH_BYTES = 10**9
"""Room that a run needs for what it writes down, about."""


@dataclass(frozen=True)
class Finding:
    """One line: what was tried, whether it is there, and what was seen.

    Attributes:
        needed: whether nothing can be graded without it.
    """

    what: str
    there: bool
    seen: str
    needed: bool = True


Look = Callable[[], tuple[bool, str]]
"""Answers whether something is there, and what was seen."""


def examine(course: Path, home: Path) -> list[Finding]:
    """Tries everything that grading would use: folders, levels of the jail, the parent of kernels, the model host.

    Where the ground is missing that all else stands on, only that is told.
    """
    ground = [
        tried("system", system),
        tried("course directory", lambda: course_directory(course)),
        tried("model home", lambda: models(home)),
        tried("sockets", lambda: (True, f"they will be in {runtime_folder()}")),
    ]
    if any(not each.there for each in ground):
        return ground
    return [
        *ground,
        *kernels(course, home),
        tried("memory", memory, needed=False),
        tried("Landlock", landlock, needed=False),
        tried("users", users, needed=False),
        tried("model host", lambda: host(course, home)),
    ]


def tried(what: str, look: Look, needed: bool = True) -> Finding:
    """What a look finds, also where it fails in a way that nobody has thought of."""
    try:
        there, seen = look()
    except AutograderError as error:
        there, seen = False, str(error)
    except OSError as error:
        there, seen = False, f"{error.filename or what}: {error.strerror or error}"
    except Exception as error:
        there, seen = False, f"{type(error).__name__}: {error}"
    return Finding(what, there, seen, needed)


def system(proc: Path = Path("/proc")) -> tuple[bool, str]:
    """Linux, with /proc, and the library behind the filter of system calls."""
    if not (proc / "self" / "status").exists():
        return False, "there is no /proc here; mount it (mount -t proc proc /proc), or grade on Linux"
    try:
        importlib.import_module("pyseccomp")
    except (ImportError, OSError, RuntimeError) as error:
        return False, f"libseccomp is not here ({error}); install libseccomp2 and pyseccomp"
    return True, f"Linux {os.uname().release}, with /proc and libseccomp"


def course_directory(course: Path) -> tuple[bool, str]:
    if not course.is_dir():
        return False, f"{course} is no folder; give the course's own, in which course.toml is"
    folder = course / ".autograder"
    if folder.exists() and not folder.is_dir():
        return False, f"{folder} is a file, and must be a folder; move it away"
    if not os.access(folder if folder.exists() else course, os.W_OK | os.X_OK):
        return False, f"{course} cannot be written by this user; grade as its owner, or chmod u+w"
    left = shutil.disk_usage(course).free
    if left < ENOUGH_BYTES:
        return False, f"{left / 10**9:.1f} GB are left on the disk of {course}; make room for at least 1 GB"
    return True, f"{course} can be written, with {left / 10**9:.0f} GB left"


def models(home: Path) -> tuple[bool, str]:
    if not home.exists():
        return False, f"{home} is not here; mend model_home in course.toml, or set AUTOGRADER_MODEL_HOME"
    if not home.is_dir():
        return False, f"{home} is a file; the model home is the folder that has hub/ in it"
    if not os.access(home, os.R_OK | os.X_OK):
        return False, f"{home} cannot be read by this user; ask its owner for chmod -R o+rX"
    return True, str(home)


def kernels(course: Path, home: Path) -> Iterator[Finding]:
    """The parent of kernels, and each level of the jail."""
    started: list[Kernels] = []

    def start() -> tuple[bool, str]:
        started.append(Kernels.started(home, course / ".autograder" / "kernels.log"))
        return True, "a parent with the imports done has started"

    yield tried("warm kernels", start)
    for parent in started:
        for level in (level for level in get_args(Level) if level != "none"):
            yield tried(f'isolation = "{level}"', partial(entered, parent, level, home), needed=False)
        parent.end()


def entered(parent: Kernels, level: Level, home: Path) -> tuple[bool, str]:
    why = parent.refusal(level, TRIED, snapshot_files(parent.home))
    return why is None, why or f"a process has entered it and read the models in {home}"


def memory() -> tuple[bool, str]:
    why_not = Groups().why_not
    if why_not is None:
        return True, "a control group counts all of a kernel's"
    fallback = "what its processes show is added up, and shared memory outside /dev/shm is refused"
    return False, f"no control group ({why_not}): {fallback}"


def landlock() -> tuple[bool, str]:
    version = landlock_version()
    if version <= 0:
        return False, "not in this kernel"
    open_ = "" if version >= CLOSES_SOCKETS else (
        f'; below {CLOSES_SOCKETS}, isolation = "landlock" leaves the Unix sockets of others that are open to everybody in reach'
    )  # fmt: skip
    return True, f"version {version}{open_}"


def users() -> tuple[bool, str]:
    own = "root: a kernel runs as a user of its own"
    return True, own if os.geteuid() == 0 else f"user {os.geteuid()}: a kernel runs as this user"


def host(course: Path, home: Path) -> tuple[bool, str]:
    """The models that it serves, and whether the smallest answers with a token."""
    started = Host.started(course, home)
    try:
        with started.open(wire.Open(label="doctor", verify=True)) as notebook:
            if not notebook.models:
                return False, f"it finds no model in {home}"
            smallest = min(notebook.models, key=lambda name: weights_bytes(Path(notebook.models[name])))
            began, reply = time.monotonic(), one_token(notebook.socket, smallest)
            seconds = time.monotonic() - began
    finally:
        started.end()
    names = ", ".join(notebook.models)
    if isinstance(reply, wire.Refused):
        return False, f"it finds {names}, but {smallest} does not answer: {reply.name}: {reply.message}"
    return True, f"{names}; {smallest} answered after {seconds:.1f} s"


def one_token(socket: str, model: str) -> wire.Reply:
    """Asks a model for a token, as a kernel would."""
    line = Line(socket, ANSWER_SECONDS)
    try:
        return line.ask(wire.Generate(model=model, rows=[[1]], mask=[[1]], settings={"max_new_tokens": 1}))
    finally:
        line.close()


def missing(found: Iterable[Finding], wanted: str) -> bool:
    """Whether something is not there that grading needs, the level that the course asks for (`isolation = "…"`) among it."""
    return any(not each.there and (each.needed or each.what == wanted) for each in found)
