"""The whole way in a browser, on a real hub: two students and an instructor, each an account of this machine.

Runs where the hub's software is (`make hub-software`) and where accounts can be made. Each fixture takes the story one
step further; pictures of the screens are kept in .scratch/hub.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from conftest import ROOT
from hub_browser import CHROMIUM, Formgrader, Person, browser

from autograder.course.profile import Profile
from autograder.judging.contract import load
from trials.classes import Student, reference, write_submission

SOFTWARE = Path(os.environ.get("LLM_HUB_SOFTWARE", "/opt/llm-hub"))
SHOTS = ROOT / ".scratch" / "hub"
COURSE = "hubtest"
DOMAIN = "hub.localhost"
"""A browser takes every name that ends so for this machine."""
STAFF, FIRST, SECOND, GRADER = "hubtest-staff", "hubtest-one", "hubtest-two", "hubtest-grader"
MEMORY = "Kjeden får bare de meldingene jeg gir den, så det første spørsmålet er glemt."
COMMENT = "Godt forklart!"
REASON = "Avtalt i timen."


def missing() -> str:
    """What a hub would need that is not here; nothing where all is."""
    needed = {
        "no hub's software: run `make hub-software`": (SOFTWARE / "venv" / "bin" / "jupyterhub").exists(),
        "no proxy: run `make hub-software`": (SOFTWARE / "proxy" / "node_modules").exists(),
        "only root can make accounts": os.geteuid() == 0 and shutil.which("useradd") is not None,
        "no Chromium: apt-get install chromium": CHROMIUM.exists(),
        "no Playwright: pip install playwright": importlib.util.find_spec("playwright") is not None,
    }
    return "; ".join(what for what, there in needed.items() if not there)


pytestmark = [pytest.mark.hub, pytest.mark.skipif(bool(missing()), reason=missing() or "all there")]


@dataclass
class Hub:
    """A running hub.

    Attributes:
        folder: its folder; log: what it says.
        port: where it answers, to whatever name.
    """

    folder: Path
    url: str
    port: int
    profile: Profile
    passwords: dict[str, str]
    log: Path

    def person(self, started: Any, name: str) -> Person:
        return Person(started, self.url, name, self.passwords[name], SHOTS)

    def server(self, name: str) -> str:
        """Where somebody's server answers; each has a name of its own."""
        return f"http://{name}.{DOMAIN}:{self.port}/user/{name}"

    @property
    def service(self) -> str:
        """Where the grader's server answers."""
        return f"http://{COURSE}--service.{DOMAIN}:{self.port}/services/{COURSE}"

    def home(self, name: str) -> Path:
        return Path(pwd.getpwnam(name).pw_dir)

    @property
    def course(self) -> Path:
        return self.home(GRADER) / COURSE


def free_ports(count: int) -> int:
    """The first of several ports in a row that nobody uses."""
    for first in range(18100, 19000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports")


def end_processes_of_accounts() -> None:
    for name in (STAFF, FIRST, SECOND, GRADER):  # accounts of this test alone
        subprocess.run(["pkill", "-KILL", "-u", name], check=False, capture_output=True)


def remove_accounts() -> None:
    end_processes_of_accounts()
    for name in (STAFF, FIRST, SECOND, GRADER):
        subprocess.run(["userdel", "--force", "--remove", name], check=False, capture_output=True)


@pytest.fixture(scope="module")
def laid_out(tiny_home: Path) -> Iterator[Path]:
    """A hub's folder with a course in it. Its accounts are removed afterwards, with their homes."""
    folder = Path(tempfile.mkdtemp(prefix="llm-hub-"))
    folder.chmod(0o755)
    for name in ("venv", "proxy"):
        (folder / name).symlink_to(SOFTWARE / name)
    course = folder / "course"
    course.mkdir()
    shutil.copytree(ROOT / "source", course / "source")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    before, after = (ROOT / "course.toml").read_text(encoding="utf-8").split("[hub]")
    people = (
        f'[hub]\ngrader = "{GRADER}"\ninstructors = ["{STAFF}"]\nstudents = ["{FIRST}", "{SECOND}"]\n'
        f'exchange = "{folder}/exchange"\n'
    )
    text = before.replace('id = "llm101"', f'id = "{COURSE}"') + people + after[after.index("\n# Which argument") :]
    (course / "course.toml").write_text(text, encoding="utf-8")
    command = [SOFTWARE / "venv/bin/python", ROOT / "deploy/jupyterhub/prepare.py", "--folder", folder]
    remove_accounts()  # of a run that was cut off: their passwords are in nobody's hands
    try:
        subprocess.run([*command, "--course", course, "--models", tiny_home], check=True, capture_output=True)
        yield folder
    finally:
        remove_accounts()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def hub(laid_out: Path) -> Iterator[Hub]:
    first = free_ports(4)
    url = f"http://127.0.0.1:{first}"
    SHOTS.mkdir(parents=True, exist_ok=True)
    log = SHOTS / "hub.log"
    env = {"PATH": os.environ["PATH"], "LLM_HUB": str(laid_out), "LLM_HUB_URL": url, "OMP_NUM_THREADS": "1"}
    env["LLM_HUB_DOMAIN"] = DOMAIN
    command = [laid_out / "venv/bin/jupyterhub", "-f", laid_out / "etc/jupyterhub_config.py"]
    passwords = dict(line.split() for line in (laid_out / "state/passwords").read_text(encoding="utf-8").splitlines())
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command, cwd=laid_out / "state", env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            if "JupyterHub is now running" in line:
                break
        else:
            raise RuntimeError(f"the hub did not start; see {log}")
        copying = subprocess.Popen(["cat"], stdin=process.stdout, stdout=file)
        process.stdout.close()
        try:
            yield Hub(
                laid_out, f"http://{DOMAIN}:{first}", first, load(laid_out / "course/course.toml"), passwords, log
            )
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            end_processes_of_accounts()
            copying.terminate()
            copying.wait()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def staff(hub: Hub, chromium: Any) -> Person:
    person = hub.person(chromium, STAFF)
    person.log_in()
    return person


@pytest.fixture(scope="module")
def settings_at_home(hub: Hub) -> None:
    """Settings for a server, in the first student's home before it starts."""
    folder = hub.home(FIRST) / ".jupyter"
    folder.mkdir()
    header = '{"ServerApp": {"tornado_settings": {"headers": {"X-Mine": "yes"}}}}'
    (folder / "jupyter_server_config.json").write_text(header, encoding="utf-8")
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, FIRST, FIRST)


@pytest.fixture(scope="module")
def first(hub: Hub, chromium: Any, settings_at_home: None) -> Person:
    person = hub.person(chromium, FIRST)
    person.log_in()
    return person


@pytest.fixture(scope="module")
def second(hub: Hub, chromium: Any) -> Person:
    person = hub.person(chromium, SECOND)
    person.log_in()
    return person


@pytest.fixture(scope="module")
def formgrader(hub: Hub, staff: Person) -> Formgrader:
    return Formgrader(staff, f"{hub.service}/formgrader")


@pytest.fixture(scope="module")
def released(hub: Hub, formgrader: Formgrader) -> Path:
    """The release, made and handed out in Formgrader."""
    formgrader.open("manage_assignments")
    assert "Success" in formgrader.press("chatbot", "assign")
    assert "Success" in formgrader.press("chatbot", "release")
    return hub.course / "release" / "chatbot"


@dataclass
class Worked:
    """What a student saw: what Validate said before and after, and what the check under the task said."""

    before: str
    check: str
    after: str


@pytest.fixture(scope="module")
def worked(hub: Hub, first: Person, released: Path) -> Worked:
    """The first student fetches, and answers one task and one question in the browser; the rest is there from elsewhere."""
    first.assignments()
    first.fetch()
    first.picture("fetched")
    folder = hub.home(FIRST) / "chatbot"
    cells = reference(hub.course / "source" / "chatbot", hub.profile)
    home = cells.pop("model-home")
    cells.pop("memory")
    write_submission(released, folder, Student(FIRST, "", cells))
    for path in folder.iterdir():
        shutil.chown(path, FIRST, FIRST)
    first.open_notebook("chatbot")
    before = first.validate("validate-before")
    task = first.below("Oppgave: hvor modellene ligger")
    first.write(task, home)
    first.run(task)
    first.run(first.cell("autograder import check"))
    check = first.cell('check("check-model-home")')
    first.run(check)
    said = check.locator(".jp-OutputArea").inner_text()
    first.picture("answered")
    first.write(first.below("Tenk etter"), MEMORY)
    first.save()
    after = first.validate("validate-after")
    return Worked(before, said, after)


@pytest.fixture(scope="module")
def handed_in(first: Person, second: Person, worked: Worked) -> None:
    """Both hand in; the second student only what was fetched."""
    first.assignments()
    first.submit()
    first.picture("handed-in")
    second.assignments()
    second.fetch()
    second.submit()


@pytest.fixture(scope="module")
def forged(hub: Hub, handed_in: None) -> str:
    """The first student puts work of their own into the exchange in the second's name, later than all. Its name there."""
    name = f"{SECOND}+chatbot+2099-01-01 00:00:00 UTC+forged"
    inbound = hub.folder / "exchange" / COURSE / "inbound"
    assert as_account(FIRST, "cp", "-r", str(hub.home(FIRST) / "chatbot"), str(inbound / name)) == 0
    return name


@pytest.fixture(scope="module")
def collected(formgrader: Formgrader, forged: str) -> str:
    formgrader.open("manage_assignments")
    return formgrader.press("chatbot", "collect", picture="collected")


@pytest.fixture(scope="module")
def graded(formgrader: Formgrader, collected: str) -> list[str]:
    """What Formgrader says of each student when it has graded."""
    formgrader.open("manage_submissions/chatbot")
    return [formgrader.press(name, "autograde") for name in (FIRST, SECOND)]


@pytest.fixture(scope="module")
def marked(formgrader: Formgrader, graded: list[str]) -> str:
    """The free text of the first student has been read, given points and a comment; a criterion has been overruled.

    What the page says of that.
    """
    formgrader.mark("chatbot", "chatbot", MEMORY, 2.5, COMMENT)
    return formgrader.decide("check-model-home", "0,5", REASON)


@pytest.fixture(scope="module")
def given_back(formgrader: Formgrader, marked: str) -> None:
    formgrader.open("manage_submissions/chatbot")
    assert "Success" in formgrader.press(FIRST, "generate-feedback")
    assert "Success" in formgrader.press(FIRST, "release-feedback")


@pytest.fixture(scope="module")
def graded_on_hand_in(hub: Hub, first: Person, formgrader: Formgrader, given_back: None) -> str:
    """The course is handed out anew with grading on hand-in; the first student submits, and reads what came of it.

    How long that took is kept beside the pictures.
    """
    first.feedback("chatbot")
    path = hub.course / "course.toml"
    text = path.read_text(encoding="utf-8").replace("on = false", "on = true").replace('hours = "08:00-23:00"', "")
    path.write_text(text, encoding="utf-8")
    formgrader.open("manage_assignments")
    assert "Success" in formgrader.press("chatbot", "assign")
    assert "Success" in formgrader.press("chatbot", "release")  # takes back what was handed out
    assert "Success" in formgrader.press("chatbot", "release")
    for path in (hub.course / ".autograder" / "marking" / "chatbot").iterdir():
        os.utime(path, (1, 1))  # whoever marked went away long ago
    first.assignments()
    began = time.monotonic()
    first.submit()
    first.fetch_feedback(2)
    seconds = time.monotonic() - began
    (SHOTS / "submit-to-verdict.txt").write_text(f"{seconds:.1f} s\n", encoding="utf-8")
    newest = max(path.name for path in (hub.home(FIRST) / "chatbot" / "feedback").iterdir())
    return first.read_feedback("chatbot", "watch", newest)


# --- Who sees what ---


def test_whoever_logs_in_can_read_before_what_is_stored(hub: Hub, chromium: Any) -> None:
    page = chromium.new_page()
    page.goto(f"{hub.url}/hub/login")
    page.click("text=Hva som lagres om deg")
    assert "Et menneske kan overprøve maskinen" in page.inner_text("main")
    page.close()


def test_a_student_has_the_list_of_assignments_and_nothing_of_the_graders(first: Person) -> None:
    assert first.menu() == ["Assignment List"]


def test_the_staff_has_the_list_of_courses_and_the_tool_for_making_assignments(staff: Person) -> None:
    assert {"Assignment List", "Course List", "Create assignment"} <= set(staff.menu())


def test_formgrader_opens_as_a_tab_in_the_graders_server(formgrader: Formgrader, released: Path) -> None:
    assert "chatbot" in formgrader.in_a_tab()


def test_a_student_may_open_neither_formgrader_nor_anothers_server(hub: Hub, first: Person, second: Person) -> None:
    staffs = [f"{hub.service}/{page}" for page in ("formgrader", "formgrader/watch", "lab")]
    for address in (*staffs, f"{hub.server(SECOND)}/lab"):
        assert first.status(address) in (403, 404), address


ACT = """async (url) => {
    const said = {};
    for (const [name, more] of [["get", {}], ["post", {method: "POST", body: "{}"}]]) {
        try {
            const answer = await fetch(url, {credentials: "include", ...more});
            said[name] = `${answer.status} ${await answer.text()}`;
        } catch (error) {
            said[name] = "refused";
        }
    }
    return said;
}"""


def test_a_page_of_a_students_server_can_neither_read_nor_act_on_others_as_the_staff_who_opened_it(
    hub: Hub, staff: Person, formgrader: Formgrader, first: Person
) -> None:
    """A page on the student's origin, in the browser of somebody from the staff who is logged in everywhere."""
    formgrader.open("manage_assignments")
    page = staff.context.new_page()
    page.route(f"{hub.server(FIRST)}/evil", lambda route: route.fulfill(body="<p>Look!", content_type="text/html"))
    page.goto(f"{hub.server(FIRST)}/evil")
    targets = [
        f"{hub.url}/hub/api/user",
        f"{hub.service}/formgrader/api/assignments",
        f"{hub.server(STAFF)}/api/contents",
    ]
    for target in targets:
        assert page.evaluate(ACT, target) == {"get": "refused", "post": "refused"}, target
    page.close()
    assert [path for home in (hub.course, hub.home(STAFF)) for path in home.glob("*ntitled*")] == []


def tokens_of(account: str) -> set[str]:
    """What servers of an account have in their environment to ask the hub with, as a notebook that is run there finds it."""
    found = set()
    for process in subprocess.run(["pgrep", "-u", account], capture_output=True, text=True, check=False).stdout.split():
        with suppress(OSError):
            variables = Path("/proc", process, "environ").read_bytes().split(b"\0")
            found |= {one.partition(b"=")[2].decode() for one in variables if one.startswith(b"JUPYTERHUB_API_TOKEN=")}
    return found


def asked(hub: Hub, token: str, path: str, method: str = "GET") -> int:
    """The status of an answer of the hub's API."""
    request = Request(f"http://127.0.0.1:{hub.port}/hub/api/{path}", method=method)
    request.add_header("Authorization", f"token {token}")
    try:
        with urlopen(request) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def test_a_notebook_that_an_administrator_runs_administers_nothing_of_the_hub(
    hub: Hub, staff: Person, first: Person
) -> None:
    tokens = tokens_of(STAFF)
    assert tokens
    for token in tokens:
        assert asked(hub, token, f"users/{STAFF}") == 200
        for path, method in [
            ("users", "GET"), (f"users/{FIRST}", "GET"), (f"users/{FIRST}/tokens", "POST"), (f"users/{STAFF}/tokens", "POST"),
            (f"users/{FIRST}/server", "DELETE"), (f"groups/formgrade-{COURSE}", "GET"), ("proxy", "GET"), ("shutdown", "POST"),
        ]:  # fmt: skip
            assert asked(hub, token, path, method) in (403, 404), (method, path)


def test_no_servers_cookie_is_sent_to_another(hub: Hub, staff: Person, formgrader: Formgrader, first: Person) -> None:
    """What JupyterHub itself shares among its names is a number of the session, which lets nobody in."""
    formgrader.open("manage_assignments")
    for person in (staff, first):
        shared = {cookie["name"] for cookie in person.context.cookies() if cookie["domain"].startswith(".")}
        assert shared <= {"jupyterhub-session-id"}
        there = urlsplit(hub.server(SECOND)).hostname
        sent = [cookie for cookie in person.context.cookies(f"{hub.server(SECOND)}/lab") if cookie["domain"] != there]
        assert {cookie["name"] for cookie in sent} <= {"jupyterhub-session-id"}


def test_only_the_graders_own_pages_may_frame_formgrader(hub: Hub, formgrader: Formgrader, first: Person) -> None:
    answer = formgrader.page.goto(f"{formgrader.at}/manage_assignments")
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in first.headers(f"{hub.server(FIRST)}/lab")["content-security-policy"]


def test_settings_in_a_students_home_change_nothing_of_the_server(
    hub: Hub, first: Person, settings_at_home: None
) -> None:
    assert "x-mine" not in first.headers(f"{hub.server(FIRST)}/api/status")


def test_a_student_reads_nobody_elses_home_submission_or_course(hub: Hub, handed_in: None) -> None:
    inbound = hub.folder / "exchange" / COURSE / "inbound"
    closed = [hub.home(SECOND), hub.course, inbound, hub.folder / "state/course.toml", hub.folder / "state/passwords"]
    closed += [hub.home(SECOND) / "chatbot" / "chatbot.ipynb", hub.course / "gradebook.db"]
    assert all(place.exists() for place in closed)
    assert [place for place in closed if as_account(FIRST, "cat" if place.is_file() else "ls", str(place)) == 0] == []


def test_a_student_cannot_put_another_course_in_place_of_this_one(hub: Hub, released: Path) -> None:
    exchange = hub.folder / "exchange"
    assert as_account(FIRST, "mv", str(exchange / COURSE), str(exchange / "mine")) != 0


def as_account(name: str, *command: str) -> int:
    """The exit code of a command that an account of this machine runs."""
    return subprocess.run(["runuser", "-u", name, "--", *command], capture_output=True, check=False).returncode


# --- The way of a submission ---


def test_validate_names_what_is_not_answered_yet(worked: Worked) -> None:
    assert "check-model-home" in worked.before
    assert "Neste steg: `HF_HOME` er ikke satt." in worked.before


def test_validate_is_content_when_all_is_answered(worked: Worked) -> None:
    assert "Success! Your notebook passes all the tests." in worked.after


def test_a_check_shows_its_tick_in_the_browser(worked: Worked) -> None:
    assert "model-home: alt er på plass. 1 av 1 poeng." in worked.check


def test_the_receipt_tells_the_student_what_was_not_run(hub: Hub, handed_in: None) -> None:
    receipt = (hub.home(FIRST) / "chatbot" / "kvittering.txt").read_text(encoding="utf-8")
    assert receipt.startswith("Levert 2")
    assert "«chatbot»: " in receipt
    assert "celler som ikke er kjørt" in receipt


def test_collecting_tells_what_is_not_answered(collected: str) -> None:
    assert "Success" in collected
    assert f"{SECOND}: «chatbot»: oppgaver som ikke er besvart ennå: 8" in collected


def test_what_one_student_hands_in_as_another_is_rejected_and_told(collected: str, forged: str, hub: Hub) -> None:
    assert f"AVVIST: {forged} er levert i navnet til {SECOND}, men mappa eies av {FIRST}." in collected
    handed_in = hub.course / "submitted" / SECOND / "chatbot" / "chatbot.ipynb"
    assert MEMORY not in handed_in.read_text(encoding="utf-8")


def test_a_decision_of_the_staff_is_kept_with_who_made_it(marked: str, hub: Hub) -> None:
    from autograder.grading.records import Records

    assert marked == "Lagret: 0,5 av 1 poeng."
    kept = Records(hub.course, "chatbot").overrides(FIRST)["check-model-home"]
    assert [(one.earned, one.reason, one.by) for one in kept.values()] == [(0.5, REASON, STAFF)]


def test_formgrader_grades_in_the_jail_and_the_points_are_right(graded: list[str], hub: Hub) -> None:
    assert all("Successfully autograded" in said for said in graded)
    assert points(hub, FIRST) == 22
    assert points(hub, SECOND) == 0


def points(hub: Hub, student: str) -> float:
    """What the autograder gives, from the verdicts on disk."""
    from autograder.grading.records import Records

    records = [Records(hub.course, "chatbot").read(student, path.stem) for path in notebooks(hub)]
    return sum(verdict.score or 0 for record in records if record for verdict in record.verdicts)


def notebooks(hub: Hub) -> list[Path]:
    return sorted((hub.course / "release" / "chatbot").glob("*.ipynb"))


def test_the_student_fetches_and_reads_what_a_person_wrote(first: Person, given_back: None) -> None:
    text = first.feedback("chatbot")
    assert COMMENT in text
    assert f"Overstyrt av en person: {REASON}" in text
    assert "HF_HOME peker på kursets modellmappe" in text


# --- Graded on hand-in ---


def test_a_student_submits_and_reads_the_verdict_and_what_a_person_wrote_before(graded_on_hand_in: str) -> None:
    assert "HF_HOME peker på kursets modellmappe" in graded_on_hand_in
    assert f"Overstyrt av en person: {REASON}" in graded_on_hand_in
    assert COMMENT in graded_on_hand_in


def test_the_receipt_says_when_the_verdict_comes(hub: Hub, graded_on_hand_in: str) -> None:
    receipt = (hub.home(FIRST) / "chatbot" / "kvittering.txt").read_text(encoding="utf-8")
    assert "Denne leveringen rettes med en gang, som regel innen et minutt." in receipt
    assert "Fetch Feedback" in receipt


def test_the_staff_sees_what_grading_on_hand_in_is_at(hub: Hub, staff: Person, graded_on_hand_in: str) -> None:
    page = staff.context.new_page()
    page.goto(f"{hub.service}/formgrader/watch")
    said = page.inner_text("main")
    page.screenshot(path=SHOTS / "watch-staff.png")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=SHOTS / "watch-staff-phone.png")
    page.close()
    assert "I gang." in said
    assert FIRST in said


def test_a_forged_hand_in_is_refused_on_hand_in_too(hub: Hub, forged: str, graded_on_hand_in: str) -> None:
    assert f"REJECTED: {forged} was handed in as {SECOND}" in hub.log.read_text(encoding="utf-8")
