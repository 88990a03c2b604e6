"""`prompt`: a template of the system prompt and a placeholder for messages."""

from __future__ import annotations

from collections.abc import Iterable

from autograder.facts.transcript import Message, bare, plain
from autograder.facts.verdict import Criterion, Sentence
from autograder.judging.case import Case
from autograder.judging.failures import Mistake, error_text, shown
from autograder.judging.task import PROMPT, Definition
from autograder.words.checks import EXPECTED, FOUND, TITLES
from autograder.words.hints import HINTS
from autograder.words.tables import w


def criteria(case: Case) -> Iterable[Criterion]:
    text = case.profile.chat.system_prompt
    system = case.share("system", 1 / 2, EXPECTED["value"].fill(value=text))
    placeholder = case.share("placeholder", 1 / 2, EXPECTED["placeholder"])
    facts = case.evidence.prompt
    out = facts.history if facts else None
    text_template = {"PromptTemplate", "ChatPromptTemplate"} & {*case.variable(PROMPT.name).kinds} == {"PromptTemplate"}
    if facts is None or out is None or text_template:
        mistake = _no_prompt(case)
        yield system.failed(mistake)
        yield placeholder.failed(mistake)
        return
    gives = FOUND["value"].fill(value=shown(plain(out)))
    if out and out[0][0] == "system" and bare(out[0][1]) == bare(text):
        yield system.passed()
    else:
        yield system.failed(Mistake(_system_hint(out), gives))
    first_is_system = bool(out) and (out[0][0] == "system" or bare(out[0][1]) == bare(text))
    rest = out[1:] if first_is_system else tuple(m for m in out if m[0] != "system")
    if rest == facts.asked_history and (not facts.variables or "messages" in facts.variables):
        yield placeholder.passed()
    else:
        yield placeholder.failed(Mistake(_placeholder_hint(rest, facts.asked_history, facts.variables), gives))


def _no_prompt(case: Case) -> Mistake:
    if missing := case.missing_variable(PROMPT.name):
        return missing
    held, facts = case.variable(PROMPT.name), case.evidence.prompt
    if facts is None or facts.failure is None or "ChatPromptTemplate" not in held.kinds:
        return Mistake(HINTS["prompt-type"].fill(type=held.type), FOUND["value"].fill(value=held.type))
    if any(name != "messages" for name in facts.variables):
        found = ", ".join(facts.variables)
        return Mistake(HINTS["prompt-variables"].fill(found=found), FOUND["value"].fill(value=found))
    error = error_text(facts.failure)
    return Mistake(HINTS["prompt-raised"].fill(error=error), FOUND["error"].fill(error=error))


def _system_hint(out: tuple[Message, ...]) -> Sentence:
    kinds = [kind for kind, _ in out]
    if "system" not in kinds:
        return HINTS["system-missing"]
    return HINTS["system-last"] if kinds[0] != "system" else HINTS["system-other"]


def _placeholder_hint(rest: tuple[Message, ...], asked: tuple[Message, ...], variables: tuple[str, ...]) -> Sentence:
    if "messages" not in variables and variables:
        return HINTS["prompt-variables"].fill(found=", ".join(variables))
    if any("Message(" in content for _, content in rest):
        return HINTS["placeholder-text"]
    extra = [message for message in rest if message not in asked]
    if any(kind == "human" and "?" in content for kind, content in extra) and not any(k == "ai" for k, _ in extra):
        return HINTS["question-inside"]
    return HINTS["prompt-extra" if all(message in rest for message in asked) else "placeholder-missing"]


TASK = Definition(id="prompt", after="arguments", notebook="chatbot", variables=(PROMPT,), criteria=criteria)

TITLES.add({
    "system": w("`prompt` begynner med systemledeteksten", "`prompt` begins with the system prompt"),
    "placeholder": w("`prompt` har en plassholder for meldinger", "`prompt` has a placeholder for messages"),
})  # fmt: skip
EXPECTED.add({
    "placeholder": w(
        "meldingene som sendes inn, kommer uendret etter systemledeteksten",
        "the messages that go in come out unchanged after the system prompt",
    ),
})  # fmt: skip
HINTS.add({
    "prompt-type": w(
        "`prompt` er {type}. Oppgaven ber om en mal for chat-ledetekster fra LangChain.",
        "`prompt` is {type}. The task asks for a chat prompt template from LangChain.",
    ),
    "prompt-raised": w(
        "`prompt` stoppet med {error} da den fikk en liste med meldinger. Se på navnet på plassholderen.",
        "`prompt` stopped with {error} when it got a list of messages. Look at the placeholder's name.",
    ),
    "prompt-variables": w(
        "`prompt` venter på {found}. Plassholderen i `prompt` skal hete `messages`, og ingenting annet trengs.",
        "`prompt` waits for {found}. The placeholder in `prompt` should be called `messages`; nothing else is needed.",
    ),
    "system-missing": w(
        "`prompt` har ingen systemmelding. Den første meldingen i `prompt` skal være av typen system.",
        "`prompt` has no system message. The first message in `prompt` should be of the type system.",
    ),
    "system-other": w(
        "Systemledeteksten i `prompt` er en annen enn i oppgaven. Kopier den derfra, med alle tegn.",
        "The system prompt in `prompt` differs from the task's. Copy it from there, with every character.",
    ),
    "system-last": w(
        "I `prompt` kommer plassholderen før systemmeldingen. Bytt om på rekkefølgen.",
        "In `prompt` the placeholder comes before the system message. Swap the order.",
    ),
    "placeholder-text": w(
        "`prompt` gjør lista med meldinger om til tekst. Bruk en plassholder for meldinger, ikke en tekstvariabel.",
        "`prompt` turns the list of messages into text. Use a placeholder for messages, not a text variable.",
    ),
    "placeholder-missing": w(
        "Meldingene som sendes inn, kommer ikke ut av `prompt`. Legg til en plassholder som heter `messages`.",
        "The messages that go in do not come out of `prompt`. Add a placeholder called `messages`.",
    ),
    "question-inside": w(
        "`prompt` har et spørsmål skrevet inn i seg. Ta det ut: spørsmålet kommer når kjeden kalles.",
        "`prompt` has a question written into it. Take it out: the question comes when the chain is called.",
    ),
    "prompt-extra": w(
        "`prompt` legger til flere meldinger enn systemledeteksten og dine egne. Fjern det som er for mye.",
        "`prompt` adds more messages than the system prompt and your own. Remove what is too much.",
    ),
})  # fmt: skip
