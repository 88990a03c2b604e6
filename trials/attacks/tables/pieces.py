"""Pieces of code that attacks are put together from, and how a page of code becomes attacks."""

from __future__ import annotations

from trials.attacks.attack import Attack
from trials.attacks.honest import BY_NAME, OWN_FILES, OWN_SERVER
from trials.classes import Entry, entries

IP = "ip = get_ipython()\n\n"
MADE_UP = """
import json
from IPython.display import display
import autograder.kernel.notebook as notebook
from autograder.facts.evidence import Challenge, Evidence, Offer, PromptFacts, Variable
from autograder.kernel.selfcheck import EVIDENCE_TYPE
from autograder.facts.transcript import Request, Transcript
profile = notebook.session().profile
TRANSCRIPT_TYPE = EVIDENCE_TYPE.replace("evidence", "transcript")

def made_up(check_id, question="?"):
    ideal = (("system", profile.chat.system_prompt), ("human", question))
    history = (("human", question), ("ai", "Yes."), ("human", "Why?"))
    pipe = dict(state="there", type="HuggingFacePipeline", kinds=("HuggingFacePipeline", "Runnable", "Pipeline"),
                device="cuda:0", task="text-generation", steps=("prompt", "model"))
    held = {name: Variable(**pipe, identity=n) for n, name in enumerate(("llm", "base_llm", "chatbot"), 1)}
    held |= {name: Variable(state="there", type="str", text="Arrr") for name in ("result", "boat", "base_answer")}
    held["prompt"] = Variable(state="there", type="ChatPromptTemplate", kinds=("ChatPromptTemplate", "Runnable"))
    held["answers"] = Variable(state="there", type="dict", value={letter: "device" for letter in "abcdefgh"})
    asked = Offer(form="dict", requests=tuple(range(20)))
    return Evidence(
        check_id=check_id, variables=held, gpu="virtual", seen=20, environment={"HF_HOME": profile.models.home},
        challenges=tuple(Challenge(id=name, variable=name, question=question, offers=(asked,)) for name in held),
        prompt=PromptFacts(rendered={question: ideal}, texts={question: "x"}, asked_history=history,
                           history=(ideal[0], *history), variables=("messages",)),
    )

def made_up_transcript(question="?"):
    text = f"System: {profile.chat.system_prompt}\\nHuman: {question}"
    asked = Request(number=0, challenge="x", model=profile.models.base.name, text=text, outputs=("Arrr",),
                    settings={"max_new_tokens": profile.generation.max_new_tokens})
    own = [asked.model_copy(update={"number": n, "challenge": None, "text": text.replace(question, q)})
           for n, q in enumerate(profile.questions.values(), 1)]
    return Transcript(requests=(asked, *own))

def bundle(evidence, transcript=Transcript()):
    return {EVIDENCE_TYPE: evidence.model_dump_json(), TRANSCRIPT_TYPE: transcript.model_dump_json()}
"""
FRAMES = """
import json, os, socket, struct
from autograder.kernel.notebook import session
thin = session().recorder.thin
PATH, MODEL = thin.remote.socket, next(iter(thin.models))

def line(timeout=5):
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(timeout)
    made.connect(PATH)
    return made

def ask(frame):
    with line() as made:
        body = json.dumps(frame).encode()
        made.sendall(struct.pack("!II", len(body), 1) + body)
        head = made.recv(8)
        return json.loads(made.recv(1 << 20)) if len(head) == 8 else {"kind": "closed"}
"""
CONNECTIONS = """
import os, socket, struct, threading
def connections():
    \"\"\"Those of the kernel's own sockets that somebody has connected to.\"\"\"
    for name in os.listdir("/proc/self/fd"):
        try:
            one = socket.socket(fileno=os.dup(int(name)))
            if one.family == socket.AF_UNIX and one.getsockname() and one.getpeername() is not None:
                one.setblocking(True)
                yield one
        except OSError:
            pass

def write(one, piece, times):
    try:
        for _ in range(times):
            one.sendall(piece)
    except OSError as error:
        print(error)

def write_to_all(piece, times):
    writing = [threading.Thread(target=write, args=(one, piece, times), daemon=True) for one in connections()]
    print(len(writing))
    [each.start() for each in writing]
    [each.join() for each in writing]
"""
ASKS = FRAMES.replace("json.dumps(frame)", 'json.dumps({"model": MODEL, **frame})')
"""Frames to the model host, for the first of its models."""

MARKS = ("solved", "probe", "at the end", "notebook", "not due", "kit only")
CODE = {"IP": IP, "MADE_UP": MADE_UP, "FRAMES": FRAMES, "ASKS": ASKS, "CONNECTIONS": CONNECTIONS}
"""What pages have a line `«NAME»` for."""


def first(code: str) -> dict[str, str]:
    """Code in the first cell that a student writes."""
    return {"model-home": code + "\ntried()\n"}


def page(group: str, text: str) -> tuple[Attack, ...]:
    """The attacks of a page of code (`classes.entries`); `_attack` says what the marks of their headings mean."""
    return tuple(_attack(group, entry) for entry in entries(text, CODE, {*MARKS, *BY_NAME}))


def _attack(group: str, entry: Entry) -> Attack:
    """An attack on a page. The first mark of its heading is the honest student beside it, by the name in `honest`.

    Its code is in the first cell that a student writes, and parts below it are further cells; all others are as released.
    Otherwise the marks of its heading say so:

    - `solved: TASK`: it is in the cell of this task, and the other cells are right;
    - `probe`, `at the end`: it is a further cell of a notebook that is right; one at the end has its notebook for itself;
    - `notebook: NAME`; `not due: TASK TASK/CRITERION …`; `kit only`: as the attributes of `Attack`.
    """
    said = entry.marks
    cells, probe = first(entry.code), ""
    if "solved" in said:
        cells = {said["solved"]: entry.code}
    elif "probe" in said:
        cells, probe = {}, entry.code
    elif "at the end" in said:
        cells, probe = {}, "tried()\n\n" + entry.code
    return Attack(
        entry.name,
        group,
        BY_NAME[next(iter(said))],
        {**cells, **entry.below},
        probe,
        solved=bool(said.keys() & {"solved", "at the end"}),
        notdue=frozenset(f"check-{name}" for name in said["not due"].split()) if "not due" in said else None,
        notebook=said.get("notebook", "chatbot"),
        alone="at the end" in said,
        kit_only="kit only" in said,
    )


def tries(name: str, group: str, code: str) -> Attack:
    """An attack whose code reaches something where it comes to its end without an exception."""
    indented = "\n".join(f"    {line}" for line in code.strip().split("\n"))
    return Attack(
        name,
        group,
        OWN_SERVER if group == "network" else OWN_FILES,
        probe=f"try:\n{indented}\n    reached()\nexcept Exception as error:\n    print(type(error).__name__, error)\ntried()\n",
    )


def page_of_tries(group: str, text: str) -> tuple[Attack, ...]:
    """Such attacks on a page of code (`classes.entries`), by their names."""
    return tuple(tries(entry.name, group, entry.code) for entry in entries(text, CODE))
