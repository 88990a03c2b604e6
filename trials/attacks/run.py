"""Grades a class of attackers with this kit, in a scratch course with tiny models, and says what each of them got.

One run of `nbgrader autograde` at isolation level `full`: attackers, the honest students beside them and bystanders. Files
of the course, the model home, the kit and the grader's home are compared before and after; a listener on the machine's
loopback stands for the network; secrets lie where no submission may read. Hungry attacks are bounded by the jail's limits.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder.course.profile import Profile
from autograder.errors import NotReady
from autograder.facts.verdict import Verdict
from autograder.grading.records import Record, Records
from autograder.jail.paths import KIT
from autograder.judging.contract import ASSIGNMENT
from trials.attacks import html as attacks_html
from trials.attacks.attack import MARK, TRIED, Attack, HandIn, Honest, Place, handed_in, judged, snapshot, write
from trials.attacks.forge import FORGE
from trials.attacks.harm import HARM
from trials.attacks.honest import CONTROLS
from trials.attacks.messages import MESSAGES
from trials.attacks.reach import REACH
from trials.attacks.show import BROWSER
from trials.demo import ScratchCourse
from trials.selftest.run import model_home

ATTACKS: tuple[Attack, ...] = FORGE + MESSAGES + REACH + HARM + BROWSER
LIMITS = {
    "cell_seconds": "10", "notebook_seconds": "30", "memory_gb": "2", "disk_gb": "0.02", "processes": "64", "open_files": "1024",
    "output_mb": "1", "isolation": '"full"',
}  # fmt: skip
"""Of the scratch course: what is hungry ends soon."""
GRACE_SECONDS = 15
MAX_WRITTEN = 300_000_000
"""Bytes of a file that the grading process itself may write: a link to a device without end must not fill a disk."""
MAX_GRADER_MB = 1500
"""Megabytes of memory that the grading process may need, whatever is handed in."""
Begin = Callable[[str, int], Callable[[], None]]


@dataclass(frozen=True)
class Found:
    """What came of one attack.

    Attributes:
        earned: points that were not due and that no person has to look at.
        states: of the verdicts on what was not due, or on the whole notebook.
        tried: whether its code came as far as it was meant to.
        reached: what it reached: its own word, or a secret that it showed.
        harmed: what it left behind or took too much of.
        alive: what of it a browser would run or fetch.
    """

    name: str
    earned: float = 0.0
    points: float = 0.0
    states: tuple[str, ...] = ()
    tried: bool = True
    reached: tuple[str, ...] = ()
    harmed: tuple[str, ...] = ()
    alive: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def held(self) -> bool:
        return not (self.earned or self.reached or self.harmed or self.alive)

    def words(self) -> str:
        """The outcome, for a table."""
        if not self.held:
            said = [f"earns {self.earned:g} of 0"] if self.earned else []
            said += [f"reaches {self.reached[0]}"] if self.reached else []
            said += [self.harmed[0]] if self.harmed else []
            said += [f"alive: {self.alive[0]}"] if self.alive else []
            return "; ".join(said)
        if "no verdict" in self.states:
            return "held; no verdict, listed as failed"
        return "held; a person looks" if "review" in self.states else "held"


@dataclass
class Run:
    """What came of a class.

    Attributes:
        honest: by name, the check ids at which an honest student lost points or was sent to a person.
        harmed: what nobody may have changed and somebody has, by no name.
        grader_mb: the most memory that the grading process itself needed.
    """

    found: dict[str, Found] = field(default_factory=dict)
    honest: dict[str, list[str]] = field(default_factory=dict)
    harmed: list[str] = field(default_factory=list)
    seconds: float = 0.0
    grader_mb: float = 0.0

    @property
    def held(self) -> bool:
        """Whether nobody got or harmed anything, and no honest student lost anything."""
        return all(f.held for f in self.found.values()) and not any(self.honest.values()) and not self.harmed


def released(root: Path, folder: Path) -> ScratchCourse:
    """A scratch course with narrow limits and tiny models, released. What is in the folder is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    profile = folder / "profile.toml"
    profile.write_text(with_limits((root / "course.toml").read_text(encoding="utf-8")), encoding="utf-8")
    course = ScratchCourse(folder / "released", root, folder / "models", profile)
    model_home(folder / "models", course.profile)
    course.instructor("generate_assignment", ASSIGNMENT)
    return course


class Class:
    """A class of attackers in a scratch course of its own.

    Args:
        course: a released course.
    """

    def __init__(self, course: ScratchCourse, attacks: Sequence[Attack], controls: Sequence[Honest]) -> None:
        self.course, self.profile = course, course.profile
        self.home = course.folder / "home"
        self.secrets = {name: secrets.token_hex(12) for name in ("solutions", "others", "home", "environment")}
        self.hand_ins = handed_in(attacks, controls)
        self.log = course.folder / "autograde.log"
        self.took: dict[str, float] = {}
        self._pages: dict[tuple[str, str], str] = {}

    def prepare(self, port: int) -> None:
        """The secrets, and everybody's submission."""
        root = self.course.root
        solution = root / "source" / ASSIGNMENT / "chatbot.ipynb"  # with a secret, now that the release has been made
        told = json.loads(solution.read_text(encoding="utf-8"))
        solution.write_text(json.dumps({**told, "metadata": {"canary": self.secrets["solutions"]}}), encoding="utf-8")
        for name in ("", ".jupyter", ".cache"):
            (self.home / name).mkdir(exist_ok=True)
        (self.home / ".netrc").write_text(self.secrets["home"])
        place = self.place(port)
        reference = self.course.reference()
        for each in self.hand_ins:
            folder = root / "submitted" / each.id / ASSIGNMENT
            write(each, folder, self.course.release, reference, self.profile, place)
            if "bystander" in each.id:
                (folder / "private.txt").write_text(self.secrets["others"])

    def place(self, port: int) -> Place:
        return Place(
            root=str(self.course.root),
            models=str(self.course.model_home),
            home=str(self.home),
            port=port,
            pid=os.getpid(),
            kit=str(KIT),
            packages=str(Path(nbformat.__file__).parent.parent),
        )

    def watched(self) -> dict[str, str]:
        """All that must be after the run as it was before."""
        root = self.course.root
        return (
            snapshot(
                root / "source",
                root / "release",
                root / "submitted",
                self.course.model_home,
                self.home,
                KIT,
            )
            | {str(path): "there" for path in (*root.iterdir(), *Path("/tmp").glob("planted-*"))}
            | self._planted()
        )

    def _planted(self) -> dict[str, str]:
        """What attacks have written into the gradebook, which changes in any case."""
        path = self.course.root / "gradebook.db"
        return {
            f"{path}: {found.decode()}": "there" for found in re.findall(rb"planted-x[0-9a-f]{10}", path.read_bytes())
        }

    def grade(self, one: Callable[[], None]) -> float:
        """Runs `nbgrader autograde`; answers the megabytes that the process needed. Notes how long each notebook took."""
        env = {
            **os.environ,
            "HOME": str(self.home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "AUTOGRADER_MODEL_HOME": str(self.course.model_home.resolve()),
            "AUTOGRADER_ECHO": "1",
            "AUTOGRADER_CANARY": self.secrets["environment"],
            "JUPYTER_CONFIG_DIR": str(self.course.folder / "jupyter"),
            "OMP_NUM_THREADS": "1",
        }
        env.pop("AUTOGRADER_PROFILE", None)
        command = ["prlimit", f"--fsize={MAX_WRITTEN}", "nbgrader", "autograde", ASSIGNMENT]
        memory, name, began = 0.0, "", time.monotonic()
        with (
            self.log.open("w", encoding="utf-8") as log,
            subprocess.Popen(
                command, cwd=self.course.root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                errors="replace",
            ) as process,
        ):  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                memory = max(memory, most_memory(process.pid))
                if "] Sanitizing " in line:
                    self.took[name], began = time.monotonic() - began, time.monotonic()
                    name = Path(line.split("Sanitizing ")[1].strip()).parent.parent.name
                    one()
        self.took[name] = time.monotonic() - began
        return memory

    def record(self, hand_in: HandIn) -> Record | None:
        return Records(self.course.root).read(ASSIGNMENT, hand_in.id, hand_in.notebook)

    def outputs(self, hand_in: HandIn, attack: Attack | None = None) -> str:
        """All that a submission's cells printed and showed; of an attack that shares it, its own cell."""
        path = self.course.root / "autograded" / hand_in.id / ASSIGNMENT / f"{hand_in.notebook}.ipynb"
        return outputs_of(path, attack.token if attack is not None and len(hand_in.attacks) > 1 else "")

    def too_large(self, hand_in: HandIn, attack: Attack) -> list[str]:
        """Whether a hungry attack left a notebook behind that is much larger than what a notebook may print."""
        path = self.course.root / "autograded" / hand_in.id / ASSIGNMENT / f"{hand_in.notebook}.ipynb"
        size = path.stat().st_size / 10**6 if path.exists() and attack.group == "bombs" else 0.0
        return [f"left a notebook of {size:.0f} MB"] if size > 3 * self.profile.limits.output_mb else []

    def page(self, hand_in: HandIn, kind: str) -> str:
        """What a browser gets: of the feedback, or of what Formgrader shows; nothing where there is no page."""
        if (hand_in.id, kind) not in self._pages:
            self._pages[hand_in.id, kind] = self._page(hand_in, kind)
        return self._pages[hand_in.id, kind]

    def _page(self, hand_in: HandIn, kind: str) -> str:
        root = self.course.root
        if kind == "feedback":
            path = root / "feedback" / hand_in.id / ASSIGNMENT / f"{hand_in.notebook}.html"
            return path.read_text(encoding="utf-8") if path.exists() else ""
        path = root / "autograded" / hand_in.id / ASSIGNMENT / f"{hand_in.notebook}.ipynb"
        return formgrader_page(path, root) if path.exists() else ""


def formgrader_page(notebook: Path, root: Path) -> str:
    """A submission as Formgrader shows it to a TA, with the course's own configuration."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader import handlers
    from traitlets.config import Config, PyFileConfigLoader

    config: Config = PyFileConfigLoader(str(root / "nbgrader_config.py")).load_config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    resources = {
        "assignment_id": ASSIGNMENT, "notebook_id": notebook.stem, "submission_id": "x", "index": 0, "total": 1,
        "base_url": "", "student": notebook.parents[1].name, "last_name": "x", "first_name": "x", "notebook_path": "x",
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it cannot show some types of output
        page, _ = HTMLExporter(config=config).from_filename(str(notebook), resources=resources)
    return str(page)


def outputs_of(path: Path, token: str = "") -> str:
    """What the cells of a notebook put out, errors left out, since these show code; only of cells named for a token."""
    try:
        cells = nbformat.read(path, as_version=4).cells
    except (OSError, ValueError, RecursionError):
        return ""
    said = []
    for cell in cells:
        for output in cell.get("outputs", []) if str(cell.get("id", "")).startswith(token) else []:
            if output.output_type == "stream":
                said.append(output.text)
            elif output.output_type != "error":
                said.append(json.dumps(output.get("data", {})))
    return "\n".join(said)


def most_memory(pid: int) -> float:
    """The most memory that a process has had so far, in megabytes."""
    with contextlib.suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def with_limits(profile: str) -> str:
    """A profile's text with the limits of a class of attackers."""
    for name, value in LIMITS.items():
        profile, times = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", profile)
        assert times == 1, f"the profile has no {name}"
    return profile


@contextlib.contextmanager
def listening() -> Iterator[int]:
    """A port that answers on this machine's loopback over TCP and UDP, and two Unix sockets that have it in their name."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port: int = server.getsockname()[1]
        servers = [server]
        with contextlib.suppress(OSError):
            servers.append(stack.enter_context(socket.create_server(("::1", port), family=socket.AF_INET6)))
        datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind(("127.0.0.1", port))
        path = f"/tmp/attacks-{port}.sock"
        for address in (path, f"\0attacks-{port}"):
            unix = stack.enter_context(socket.socket(socket.AF_UNIX))
            unix.bind(address)
            unix.listen()
            servers.append(unix)
        os.chmod(path, 0o777)
        stack.callback(os.unlink, path)
        for each in servers:
            threading.Thread(target=_accept, args=(each,), daemon=True).start()
        threading.Thread(target=_echo, args=(datagrams,), daemon=True).start()
        yield port


def _accept(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            with contextlib.suppress(OSError), connection:
                connection.settimeout(1)
                connection.recv(100)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nx")


def _echo(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            data, sender = server.recvfrom(100)
            server.sendto(data, sender)


def run(root: Path, folder: Path, begin: Begin, only: str = "", browser: bool = True, jobs: int = 2) -> Run:
    """Grades the class of attackers and says what came of it.

    Args:
        root: the course whose source notebooks and profile are used.
        folder: a scratch folder.
        begin: as in `demo.run`.
        only: a piece of an attack's or a group's name; others are left out.
        browser: whether feedback pages are made and looked at.
        jobs: courses graded side by side.
    """
    chosen = [attack for attack in ATTACKS if only in attack.name or only == attack.group]
    controls = [c for c in CONTROLS if not only or any(attack.control is c for attack in chosen)]
    one = begin("release", 1)
    course = released(root, folder)
    one()
    classes = [
        Class(course.twin(folder / str(n)), chosen[n::jobs], controls[n::jobs]) for n in range(min(jobs, len(chosen)))
    ]
    outcome = Run()
    began = time.monotonic()
    with listening() as port:
        for made in classes:
            made.prepare(port)
        before = [made.watched() for made in classes]
        one = begin("grade", sum(len(made.hand_ins) for made in classes))
        with ThreadPoolExecutor(jobs) as pool:
            outcome.grader_mb = max(pool.map(lambda made: made.grade(one), classes))
    outcome.seconds = time.monotonic() - began
    running = left_running()
    if browser:
        make_feedback(classes, begin)
    for made, seen in zip(classes, before, strict=True):
        _judge_class(made, differences(seen, made.watched()) + running, browser, outcome)
    if outcome.grader_mb > MAX_GRADER_MB:
        outcome.harmed.append(f"a grading process needed {outcome.grader_mb:.0f} MB")
    return outcome


def _judge_class(made: Class, changed: Sequence[str], browser: bool, outcome: Run) -> None:
    for hand_in in made.hand_ins:
        record = made.record(hand_in)
        for attack in hand_in.attacks:
            outcome.found[attack.name] = judge_attack(made, hand_in, attack, record, changed, browser)
        for honest in hand_in.honest:
            outcome.honest[f"{honest.name}{_course(made, honest)}"] = lost(honest, hand_in, record, made.profile)
    own = [attack.token for attack in ATTACKS]
    outcome.harmed += [what for what in changed if not any(token in what for token in own)]


def _course(made: Class, honest: Honest) -> str:
    """Bystanders have the same names in each course."""
    return f" of {made.course.folder.name}" if honest.name.startswith("bystander") else ""


def make_feedback(classes: Sequence[Class], begin: Begin) -> None:
    """Feedback pages for those that aim at a browser."""
    shown = [
        (made, each)
        for made in classes
        for each in made.hand_ins
        if any(attack.group == "browser" for attack in each.attacks)
    ]
    one = begin("feedback", len(shown))
    for made, each in shown:
        with contextlib.suppress(NotReady):  # it has not been graded: there is no page
            made.course.instructor("generate_feedback", ASSIGNMENT, "--student", each.id, "--force")
        one()


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What was changed, added or removed, in words."""
    own = {"gradebook.db", "autograded", "verdicts", "overrides", ".autograder", "feedback", "gradebook.db-journal"}
    found = [f"{path} is gone" for path in before if path not in after]
    found += [f"{path} is new" for path in after if path not in before and Path(path).name not in own]
    return found + [f"{path} was changed" for path in after if path in before and before[path] != after[path]]


def left_running() -> list[str]:
    """Processes that an attack started and that are still there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if path.read_bytes() == b"sleep\x0086399\x00":
                found.append(f"process {path.parent.name} is still running: xsleep")
                os.kill(int(path.parent.name), 9)
    return found


def lost(honest: Honest, hand_in: HandIn, record: Record | None, profile: Profile) -> list[str]:
    """The checks at which an honest student did not get all points, or not at once."""
    found = []
    for task in judged(honest, profile):
        verdict = record.verdict(task.check_id) if record else None
        if verdict is None or verdict.state != "judged" or verdict.score != verdict.points:
            found.append(f"{task.check_id}: {_short(verdict)}")
    return found


def _short(verdict: Verdict | None) -> str:
    return "no verdict" if verdict is None else f"{verdict.score} of {verdict.points:g}, {verdict.state}"


def judge_attack(
    made: Class, hand_in: HandIn, attack: Attack, record: Record | None, changed: Sequence[str], browser: bool
) -> Found:
    """What came of one attack, from what is on record and what is on the machine."""
    earned, points, states = unearned(attack, record, made.profile)
    outputs = made.outputs(hand_in, attack)
    reached = marks_in(outputs, attack)
    everything = outputs + (record.model_dump_json() if record else "")
    reached += [f"a secret ({name})" for name, text in made.secrets.items() if text in everything]
    harmed = [what for what in changed if attack.token in what or ("xsleep" in what and "stays" in attack.name)]
    took = made.took.get(hand_in.id, 0.0)
    limit = made.profile.limits.notebook_seconds + GRACE_SECONDS
    harmed += [f"took {took:.0f} s"] if took > limit else []
    harmed += made.too_large(hand_in, attack)
    alive: list[str] = []
    if browser and attack.group == "browser":
        for kind in ("feedback", "formgrader"):
            page = made.page(hand_in, kind)
            alive += [f"{kind}: {what}" for what in attacks_html.alive(page, attack.token)]
            alive += [] if page else [f"{kind}: there is no page"]
    tried = f"{TRIED} {attack.token}" in outputs or "tried()" not in "".join([*attack.cells.values(), attack.probe])
    return Found(
        attack.name, earned, points, states, tried, tuple(reached), tuple(harmed), tuple(alive), took
    )  # fmt: skip


def marks_in(outputs: str, attack: Attack) -> list[str]:
    """What an attack says that it has reached."""
    return [what or "it" for what in re.findall(rf"^{MARK} {attack.token} ?(.*)$", outputs, re.MULTILINE)]


def unearned(attack: Attack, record: Record | None, profile: Profile) -> tuple[float, float, tuple[str, ...]]:
    """Points that an attack got though they were not due and nobody has to look; how many there were; the states."""
    if record is None:
        return 0.0, 0.0, ("no verdict",)
    earned = points = 0.0
    states = []
    for entry in sorted(attack.not_due(profile)):
        check_id, _, name = entry.partition("/")
        verdict = record.verdict(check_id)
        if verdict is None:
            states.append("no verdict")
            continue
        states.append(verdict.state)
        parts = [c for c in verdict.criteria if name in ("", c.name)]
        points += sum(c.points for c in parts) if parts else verdict.points
        earned += sum(c.earned for c in parts) if verdict.state == "judged" else 0.0
    states += [] if states else [verdict.state for verdict in record.verdicts]
    return round(earned, 4), round(points, 4), tuple(sorted(set(states)))
