"""Solutions of the task `arguments`."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.pieces import TODO, page

RIGHT = page(
    "arguments",
    '''
# %% dict by keywords
answers = dict(
«% for letter, argument in arguments.items() %»
    «letter»=«py(argument)»,
«% endfor %»
)

# %% dict filled one by one, backwards, one answer changed
answers = {}
«% for letter, argument in arguments.items() %»
answers["«letter»"] = "model_kwargs"
«% endfor %»
«% for letter, argument in arguments.items() | reverse %»
answers["«letter»"] = "«argument»"
«% endfor %»
answers

# %% dict zipped together
letters = «py((arguments.keys() | join("")))»
found = «py((arguments.values() | join(" ")))».split()
answers = dict(zip(letters, found, strict=True))
for letter, name in answers.items():
    print(f"{letter}: {name}")

# %% dict read from JSON, ordered
import json
from collections import OrderedDict

text = """{
«% for letter, argument in arguments.items() %»
    "«letter»": "«argument»"«"" if loop.last else ","»
«% endfor %»
}"""
answers = json.loads(text, object_pairs_hook=OrderedDict)
''',
)

KEY = "«py(arguments)»"
LETTERS = "«py(arguments | list)»"
NAMES = "«py(arguments.values() | list)»"

WRONG = tuple(
    Solution(f"arguments: {name}", {"arguments": code}, {"arguments": frozenset({"answers"})}, hint)
    for name, code, hint in (
        ("nothing done", TODO, "missing"),
        ("None", "answers = None", "none"),
        ("the variable is misspelled", f"anwsers = dict(zip({LETTERS}, {NAMES}))", "missing"),
        ("a list", f"answers = {NAMES}", "answers-type"),
        ("a text", 'answers = "«% for l, a in arguments.items() %»«l»: «a»; «% endfor %»"', "answers-type"),
        ("a list of pairs", f"answers = list(zip({LETTERS}, {NAMES}))", "answers-type"),
        ("all moved by one", f"names = {NAMES}\nanswers = dict(zip({LETTERS}, names[1:] + names[:1]))", "answers-some"),
        (
            "two swapped",
            f"names = {NAMES}\nnames[0], names[1] = names[1], names[0]\nanswers = dict(zip({LETTERS}, names))",
            "answers-some",
        ),
        ("the same argument everywhere", f"answers = dict.fromkeys({LETTERS}, {NAMES}[0])", "answers-some"),
        ("one is missing", f"answers = dict(zip({LETTERS}, {NAMES}[:-1]))", "answers-letters"),
        ("empty", "answers = {}", "answers-letters"),
        ("letters and arguments swapped", f"answers = dict(zip({NAMES}, {LETTERS}))", "answers-letters"),
        ("numbers for letters", f"answers = dict(enumerate({NAMES}, 1))", "answers-letters"),
        (
            "an argument that is not in the list",
            f'answers = dict(zip({LETTERS}, {NAMES}))\nanswers[{LETTERS}[0]] = "max_length"',
            "answers-unknown",
        ),
        (
            "a typo in one",
            f"answers = dict(zip({LETTERS}, {NAMES}))\nanswers[{LETTERS}[-1]] = {NAMES}[-1][:-1]",
            "answers-unknown",
        ),
        (
            "with values for the arguments",
            f"answers = {{letter: name + '=0' for letter, name in zip({LETTERS}, {NAMES})}}",
            "answers-unknown",
        ),
        (
            "several guesses for each",
            f"answers = {{letter: [name, 'device'] for letter, name in zip({LETTERS}, {NAMES})}}",
            "answers-unknown",
        ),
        ("names without quotation marks", 'answers = {"a": max_new_tokens, "b": device}', "missing-raised"),
        ("a colon is missing", 'answers = {"a" "max_new_tokens", "b": "device"}', "missing-raised"),
    )
)
