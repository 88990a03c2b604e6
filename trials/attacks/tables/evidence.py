"""Evidence, transcripts and frames that are made up."""

from __future__ import annotations

from trials.attacks.tables.pieces import page

NOT_STATED = "load-model limit-output chain/text chain/model who-are-you ideal-boat"
"""What is judged by what reached a model. The path, the prompt, a type and the one answer that such evidence states are right,
and only the kernel can say them (docs/security.md)."""
ATTACKS = page(
    "evidence",
    r"""
# %% made-up evidence, shown by the student's own cell | OWN_DISPLAY | kit only
«MADE_UP»

for name in ("check-load-model", "check-chain"):
    display(bundle(made_up(name)), raw=True)

# %% made-up evidence and transcript in the place of publish | OWN_DISPLAY | not due: NOT_STATED | kit only
«MADE_UP»

def publish(check_id, question=None):
    display(bundle(made_up(check_id, question), made_up_transcript(question)), raw=True)
notebook.publish = publish

# %% made-up evidence after the check's own, by a post_run_cell hook | OWN_HOOKS | not due: NOT_STATED | kit only
«MADE_UP»

import re
def later(result):
    found = re.search(r"publish\('([\w-]+)', '(.+)'\)", result.info.raw_cell or "")
    if found:
        display(bundle(made_up(*found.groups()), made_up_transcript(found[2])), raw=True)
get_ipython().events.register("post_run_cell", later)

# %% a probe that gathers made-up evidence | OWN_NAMES | not due: NOT_STATED
«MADE_UP»

import autograder.kernel.probe
autograder.kernel.probe.Probe.gather = lambda self, task, question=None: made_up(task.check_id, question or "?")
notebook.session().recorder.transcript = lambda since=0: made_up_transcript()

# %% evidence replayed from another check | OWN_DISPLAY | not due: NOT_STATED prompt | kit only
«MADE_UP»

import os
os.environ["HF_HOME"] = profile.models.home
kept = notebook.session().publish("check-model-home", "?")

def publish(check_id, question=None):
    display(kept, raw=True)
notebook.publish = publish

# %% another task's evidence under this task's name | OWN_DISPLAY | not due: NOT_STATED prompt | kit only
«MADE_UP»

import os
os.environ["HF_HOME"] = profile.models.home
kept = notebook.session().publish("check-model-home", "?")

def publish(check_id, question=None):
    display({**kept, EVIDENCE_TYPE: kept[EVIDENCE_TYPE].replace("check-model-home", check_id)}, raw=True)
notebook.publish = publish

# %% evidence of thirty million characters | OWN_DISPLAY | kit only
«MADE_UP»

def publish(check_id, question=None):
    display({EVIDENCE_TYPE: json.dumps({"check_id": check_id, "problem": "x" * 30_000_000})}, raw=True)
notebook.publish = publish

# %% evidence that is no JSON, a list, a number, half a surrogate pair | OWN_DISPLAY | kit only
«MADE_UP»

bad = iter(['{', '[]', '1e999', '"\\ud800"', '{"check_id": NaN}', '', 'null', '{}'])

def publish(check_id, question=None):
    display({EVIDENCE_TYPE: next(bad), TRANSCRIPT_TYPE: '[]'}, raw=True)
notebook.publish = publish

# %% evidence nested a hundred thousand times | OWN_DISPLAY | kit only
«MADE_UP»

def publish(check_id, question=None):
    display({EVIDENCE_TYPE: '[' * 100_000, TRANSCRIPT_TYPE: '{"a":' * 100_000}, raw=True)
notebook.publish = publish

# %% evidence that is an object, and no text, in the message | OWN_DISPLAY | kit only
«MADE_UP»

def publish(check_id, question=None):
    display({EVIDENCE_TYPE: {'check_id': check_id}, TRANSCRIPT_TYPE: [1, 2], 'text/plain': 3}, raw=True)
notebook.publish = publish

# %% a recorder that answers by itself and notes what suits | OWN_NAMES
«MADE_UP»

from contextlib import contextmanager
from autograder.kernel.recorder import Recorder
@contextmanager
def challenge(self, name, enough):
    request = made_up_transcript().requests[0]
    enough(request)
    yield lambda: (0, 1, 2)
Recorder.challenge = challenge
Recorder.count = lambda self: 20
Recorder.transcript = lambda self, since=0: made_up_transcript()
from langchain_core.runnables import RunnableLambda
from langchain_core.prompts import ChatPromptTemplate
llm = chatbot = RunnableLambda(lambda value: "Arrr")
result = boat = "Arrr"

# %% frames of the grader's on the kernel's socket | OWN_SERVER | probe | kit only
«FRAMES»

for frame in (
    {"kind": "open", "label": "x"}, {"kind": "cell", "notebook": "x", "cell": "x"}, {"kind": "status"},
    {"kind": "challenge", "notebook": "x", "check": None}, {"kind": "read", "notebook": "x"}, {"kind": "stop"},
    {"kind": "render", "models": [MODEL], "conversations": []}, {"kind": "close", "notebook": "x"},
):
    answer = ask(frame)["kind"]
    if answer not in ("refused", "closed"):
        reached(f"{frame['kind']}: {answer}")
tried()

# %% frames with another notebook's name, or a model outside the home | OWN_SERVER | probe | kit only
«FRAMES»

usual = {"kind": "generate", "model": MODEL, "rows": [[1, 2]], "mask": [[1, 1]], "settings": {"max_new_tokens": 2}}
assert ask(usual)["kind"] == "answer"
for more in ({"notebook": "x"}, {"cell": "x"}, {"challenge": "check-chain"}, {"model": "../../etc/passwd"},
             {"model": "/etc/passwd"}, {"model": "x/y"}, {"number": 1}):
    answer = ask({**usual, **more})["kind"]
    if answer not in ("refused", "closed"):
        reached(f"{more}: {answer}")
tried()

# %% the grader's own socket, and other notebooks' beside one's own | OWN_SERVER | probe | kit only
«FRAMES»

beside = os.path.dirname(PATH)
names = set(os.listdir(beside)) - {os.path.basename(PATH)}
for name in {*names, "host.sock"}:
    try:
        socket.socket(socket.AF_UNIX).connect(os.path.join(beside, name))
        reached(name)
    except OSError:
        pass
tried()

# %% noted requests with made-up text, as if a chain had sent them | OWN_SERVER | kit only
«FRAMES»

note = {"kind": "note", "model": MODEL, "settings": {"max_new_tokens": «max_new_tokens»}}
for text in ([1, 2, 3], [4] * 50):
    assert ask({**note, "rows": [text], "outputs": [[[5, 6, 7]]]})["kind"] == "noted"
result = boat = "Arrr"

# %% a noted request with the right text, and an answer that no model gave
#    | OWN_SERVER | solved: who-are-you | not due: who-are-you | kit only
«FRAMES»

from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(MODEL)
name = «py(task.model)»
text = "System: " + «py(system_prompt)» + "\nHuman: " + «py(task.question)»
made = tokenizer("I never asked anybody about this.", add_special_tokens=False)["input_ids"]
frame = {"kind": "note", "model": name, "rows": [tokenizer(text)["input_ids"]], "outputs": [[made]], "settings": {}}
assert ask(frame)["kind"] == "noted"
result = "I never asked anybody about this."
tried()

# %% another outcome of the check that is asked for by the kernel itself | OWN_NAMES
import autograder.judging.judge, autograder.kernel.selfcheck
from autograder.facts.verdict import Verdict
def all_right(task, facts, profile):
    return Verdict(task=task.id, check_id=task.check_id, points=task.points)
autograder.judging.judge.judge = autograder.kernel.selfcheck.judge = all_right
autograder.kernel.selfcheck.run_check = lambda session, check_id: None
import autograder.kernel.notebook
autograder.kernel.notebook.run_check = lambda session, check_id: None
""".replace("NOT_STATED", NOT_STATED),
)
