"""The main job from end to end, on made-up students: release, fetch, solve, hand in, collect, grade, feedback.

Every step is nbgrader's own command, run in a scratch course with its own exchange; only the students are made up. The
same outcome every time: what a model happens to say earns and costs nothing.
"""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from nbgrader.api import Gradebook

from autograder.course.profile import Profile
from autograder.errors import NotReady
from autograder.grading.progress import Listener
from autograder.judging.contract import ASSIGNMENT, load, tasks
from autograder.words.terminal import Begin
from trials.classes import Cells, Student, reference, write_submission

CONFIG = """\
from pathlib import Path
from autograder.plugins.settings import configure

c = get_config()
configure(c, Path(__file__).resolve().parent)
c.Exchange.root = {exchange!r}
c.ExchangeCollect.check_owner = False  # all made-up students are one account
"""
STUDENT_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = {course!r}
c.Exchange.root = {exchange!r}
c.Exchange.cache = {cache!r}
"""


class ScratchCourse:
    """A course directory of its own, with its exchange and its students' homes, under one folder.

    Args:
        folder: where to build; whatever an earlier run left there is removed.
        course: the course directory to copy source notebooks and profile from; None where it has been built.
        model_home: where models are looked for while grading.
        profile: path of the profile; `course.toml` of the course when None.
    """

    def __init__(self, folder: Path, course: Path | None, model_home: Path, profile: Path | None = None) -> None:
        self.folder, self.root, self.model_home = folder, folder / "course", model_home
        self.exchange = folder / "exchange"
        self.log = folder / "commands.log"
        if course is not None:
            self._build(course, profile or course / "course.toml")
        self.profile: Profile = load(self.root / "course.toml")

    def _build(self, course: Path, profile: Path) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.exchange.mkdir(parents=True)
        self.exchange.chmod(0o1777)
        shutil.copytree(course / "source", self.root / "source", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        shutil.copy(profile, self.root / "course.toml")
        (self.root / "nbgrader_config.py").write_text(CONFIG.format(exchange=str(self.exchange)), encoding="utf-8")

    @classmethod
    def at(cls, folder: Path, model_home: Path) -> ScratchCourse:
        """The course that has been built in a folder."""
        return cls(folder, None, model_home)

    @property
    def source(self) -> Path:
        return self.root / "source" / ASSIGNMENT

    @property
    def release(self) -> Path:
        return self.root / "release" / ASSIGNMENT

    def reference(self) -> Cells:
        return reference(self.source, self.profile)

    def home(self, student: str) -> Path:
        return self.folder / "homes" / student

    def hand_in(self, student: Student, *notebooks: str) -> Path:
        """Puts a submission where `collect` would, with the notebooks that are named or all; answers its folder."""
        folder = self.root / "submitted" / student.id / ASSIGNMENT
        write_submission(self.release, folder, student, *notebooks)
        return folder

    def twin(self, folder: Path) -> ScratchCourse:
        """A copy of the course as it stands, in another folder."""
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["cp", "-a", str(self.folder), str(folder)], check=True)  # links and pipes as they are
        twin = copy.copy(self)
        twin.folder, twin.root, twin.log = folder, folder / "course", folder / "commands.log"
        return twin

    def instructor(
        self,
        *command: str,
        each_notebook: Callable[[], None] | None = None,
        env: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Runs `nbgrader COMMAND` in the course directory. Raises NotReady when it fails.

        Args:
            each_notebook: called whenever it has graded one.
        """
        with Listener(each_notebook or (lambda: None)) as listener:
            self.run(["nbgrader", *command], self.root, {**env, **listener.env}, listener.handle)

    def student(self, student: str, *command: str) -> None:
        """Runs `nbgrader COMMAND` as a student would, from the student's home."""
        home = self.home(student)
        if not home.exists():
            home.mkdir(parents=True)
            text = STUDENT_CONFIG.format(
                course=self.profile.course.id, exchange=str(self.exchange), cache=str(home / ".cache")
            )
            (home / "nbgrader_config.py").write_text(text, encoding="utf-8")
        self.run(["nbgrader", *command, f"--CourseDirectory.student_id={student}"], home, {})

    def started(
        self, command: Sequence[str], cwd: Path, extra: Mapping[str, str], *passed: int
    ) -> subprocess.Popen[str]:
        """A command of this environment and course that has begun, with all that it says to be read from `stdout`."""
        return subprocess.Popen(
            command, cwd=cwd, env=self._environment(extra), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", pass_fds=passed,
        )  # fmt: skip

    def _environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        env = {
            **os.environ,
            "AUTOGRADER_MODEL_HOME": str(self.model_home.resolve()),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "JUPYTER_CONFIG_DIR": str(self.folder / "jupyter"),
            "IPYTHONDIR": str(self.folder / "ipython"),
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"),
            **extra,
        }
        env.pop("AUTOGRADER_PROFILE", None)
        return env

    def run(self, command: Sequence[str], cwd: Path, extra: Mapping[str, str], *passed: int) -> None:
        """Runs a command of this environment and course, and logs what it says. Raises NotReady when it fails."""
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(command)}\n".encode())
            log.flush()
            code = self.execute(command, cwd, self._environment(extra), log, passed)
        if code:
            tail = "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
            raise NotReady(f"`{' '.join(command)}` failed with exit code {code}:\n{tail}")

    def execute(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str], log: BinaryIO, passed: Sequence[int]
    ) -> int:
        """Runs a command and answers its exit code.

        Args:
            log: the file that takes what it says.
            passed: handles that it has under the same numbers.
        """
        return subprocess.run(
            command, cwd=cwd, env=env, stdout=log, stderr=log, pass_fds=passed, check=False
        ).returncode

    def scores(self, db_url: str = "") -> dict[str, dict[str, float | None]]:
        """Scores by student and check id, as the gradebook has them; None where a person has yet to mark.

        Args:
            db_url: of the gradebook; a SQLite file in the course where it is empty.
        """
        with Gradebook(db_url or f"sqlite:///{self.root / 'gradebook.db'}") as gradebook:
            submissions = gradebook.find_assignment(ASSIGNMENT).submissions
            return {
                s.student.id: {
                    g.name: None if g.needs_manual_grade and g.auto_score is None else g.score
                    for n in s.notebooks
                    for g in n.grades
                }
                for s in submissions
            }


def run(course: ScratchCourse, students: Sequence[Student], begin: Begin) -> None:
    """Takes a class through nbgrader's own commands, from the source notebooks to feedback in the students' hands.

    Args:
        begin: called with a step's name and how many parts it has; answers a function to call after each part.
    """
    one = begin("release", 2)
    course.instructor("generate_assignment", ASSIGNMENT, "--force")
    one()
    course.instructor("release_assignment", ASSIGNMENT)
    one()
    one = begin("fetch and hand in", len(students))
    for student in students:
        course.student(student.id, "fetch_assignment", ASSIGNMENT)
        write_submission(course.release, course.home(student.id) / ASSIGNMENT, student)
        course.student(student.id, "submit", ASSIGNMENT)
        one()
    one = begin("collect", 1)
    course.instructor("collect", ASSIGNMENT)
    one()
    notebooks = len({task.notebook for task in tasks(course.profile)})
    course.instructor("autograde", ASSIGNMENT, each_notebook=begin("autograde", len(students) * notebooks))
    one = begin("feedback", 2 + len(students))
    course.instructor("generate_feedback", ASSIGNMENT, "--force")
    one()
    course.instructor("release_feedback", ASSIGNMENT)
    one()
    for student in students:
        course.student(student.id, "fetch_feedback", ASSIGNMENT)
        one()


def the_class(cells: Cells, profile: Profile) -> list[Student]:
    """Six students, from all right to code that raises. Texts come from the profile, so any profile will do."""
    half = {k: v for k, v in cells.items() if k in ("model-home", "load-model", "limit-output", "arguments", "prompt")}
    return [
        Student("anna", "all right, as in the chapter", cells),
        Student("bjorn", "all right, spelled otherwise", {**cells, **other_spelling(profile)}),
        Student("celine", "half done", half),
        Student("david", "typical mistakes", {**cells, **typical_mistakes(profile, cells)}),
        Student("emma", "nothing done", {}),
        Student("farid", "code that raises", {**cells, **raising(cells)}),
    ]


def other_spelling(profile: Profile) -> Cells:
    """The same answers in other words: what comes from the transformers docs, tuples, dicts, batches, messages."""
    system, limit = profile.chat.system_prompt, profile.generation.max_new_tokens
    by_id = {task.id: task for task in tasks(profile)}
    base = by_id["load-model"].model
    load = (
        "from transformers import pipeline\n"
        f"from {profile.models.package}{'.llms' if 'community' in profile.models.package else ''} import HuggingFacePipeline\n"
        "free_models()\n"
    )
    cells = {
        "model-home": f"%env HF_HOME={profile.models.home.rstrip('/')}/",
        "load-model": load + f"pipe = pipeline('text-generation', {base!r}, device='cuda')\n"
        "llm = HuggingFacePipeline(pipeline=pipe)",
        "limit-output": f"llm = llm.bind(pipeline_kwargs=dict(max_new_tokens={limit}))",
        "prompt": "from langchain_core.prompts import ChatPromptTemplate\n"
        f"prompt = ChatPromptTemplate.from_messages([('system', {system!r}), ('placeholder', '{{messages}}')])",
        "chain": "from langchain_core.output_parsers import StrOutputParser\nchatbot = prompt.pipe(llm).pipe(StrOutputParser())\n"
        "import sys\nprint('made', chatbot, file=sys.stderr)",
        "who-are-you": f"result = chatbot.batch([{{'messages': [('human', {by_id['who-are-you'].question!r})]}}])[0].strip()",
        "ideal-boat": f"question = {{'role': 'user', 'content': {by_id['ideal-boat'].question!r}}}\n"
        "boat = await chatbot.ainvoke({'messages': [question]})",
    }  # fmt: skip
    return {task_id: cell for task_id, cell in cells.items() if task_id in by_id}


def typical_mistakes(profile: Profile, cells: Cells) -> Cells:
    """Mistakes that many make: no limit, the placeholder as text, a variable kept, sampling switched off."""
    by_id = {task.id: task for task in tasks(profile)}
    changed = {
        "limit-output": "pass",
        "prompt": "from langchain_core.prompts import ChatPromptTemplate\n"
        f"prompt = ChatPromptTemplate([('system', {profile.chat.system_prompt!r}), ('human', '{{messages}}')])",
        "ideal-boat": "boat = result",
    }
    if last := next((task_id for task_id, task in reversed(by_id.items()) if task.settings), None):
        changed[last] = cells[last].replace('"do_sample": True', '"do_sample": False')
    return {task_id: cell for task_id, cell in changed.items() if task_id in by_id}


def raising(cells: Cells) -> Cells:
    """Code that stops half-way: a misspelled name, and an error while calling."""
    return {"chain": "chatbot = promt | llm", "who-are-you": "result = chatbot.invoke(1 / 0)"}
