"""Mistakes that students make in several tasks alike."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.pieces import (
    ANOTHER_PROMPT,
    CHATBOT,
    EITHER_PACKAGE,
    FREE,
    IMPORT_HUMAN,
    LIMIT,
    PARTNER,
    QUESTION,
    TEMPLATES,
    TODO,
    loaded,
)

ANOTHER_MODEL = EITHER_PACKAGE + loaded("other", "«py(models.large)»", settings=LIMIT)


def answered_wrongly(task: str, variable: str) -> tuple[Solution, ...]:
    """What goes wrong in a cell that asks the chatbot one question, for each of the two tasks of this kind."""
    ask = f"chatbot.invoke({QUESTION})"
    both, asked, kept = frozenset({"asked", "kept"}), frozenset({"asked"}), frozenset({"kept"})
    other = 'chatbot.invoke([HumanMessage("What is the capital of Norway?")])'

    def wrong(name: str, code: str, loses: frozenset[str], hint: str) -> Solution:
        return Solution(f"{task}: {name}", {task: code}, {task: loses}, hint)

    in_both = (
        wrong("nothing done", TODO, both, "not-asked"),
        wrong("only printed", IMPORT_HUMAN + f"print({ask})", kept, "missing"),
        wrong("the variable is misspelled", IMPORT_HUMAN + f"{variable}s = {ask}", kept, "missing"),
        wrong("written by hand", f'{variable} = "That is a good question!"', both, "not-asked"),
        Solution(
            f"{task}: asked, and written by hand, which a person must tell",
            {task: IMPORT_HUMAN + f'print({ask})\n{variable} = "That is a good question!"'},
            review=frozenset({task}),
        ),
        wrong(
            "the question lacks its last character",
            IMPORT_HUMAN + f"{variable} = chatbot.invoke([HumanMessage(«py(task.question[:-1])»)])",
            both,
            "asked-nearly",
        ),
        wrong(
            "text around the question",
            IMPORT_HUMAN + f'{variable} = chatbot.invoke([HumanMessage(«py(task.question + " Be brief.")»)])',
            asked,
            "asked-otherwise",
        ),
        wrong(
            "asked, and another answer kept", IMPORT_HUMAN + f"print({ask})\n{variable} = {other}", kept, "kept-other"
        ),
        wrong("the chain is kept", f"{variable} = chatbot", both, "not-asked"),
        wrong("a batch is kept whole", IMPORT_HUMAN + f"{variable} = chatbot.batch([{QUESTION}])", kept, "kept-type"),
        wrong("the model, no chain", f"{variable} = llm.invoke(«py(task.question)»)", asked, "asked-otherwise"),
        wrong(
            "a text for the list of messages",
            f"{variable} = chatbot.invoke(«py(task.question)»)",
            both,
            "missing-raised",
        ),
        wrong("a bracket is missing", IMPORT_HUMAN + f"{variable} = {ask[:-1]}", both, "missing-raised"),
    )
    in_one = (
        wrong("another question", IMPORT_HUMAN + f"{variable} = {other}", both, "not-asked"),
        wrong("print's result is kept", IMPORT_HUMAN + f"{variable} = print({ask})", kept, "kept-none"),
        wrong("the question is kept", IMPORT_HUMAN + f"{ask}\n{variable} = «py(task.question)»", kept, "not-kept"),
        wrong("the prompt is kept", IMPORT_HUMAN + f"{variable} = prompt.invoke({QUESTION})", both, "not-asked"),
        wrong(
            "asked, and the prompt's text is kept",
            IMPORT_HUMAN + f"print({ask})\n{variable} = prompt.invoke({QUESTION}).to_string()",
            kept,
            "not-kept",
        ),
        wrong("invoke without brackets", f"{variable} = chatbot.invoke", both, "not-asked"),
        wrong("a dict with the answer", IMPORT_HUMAN + f'{variable} = {{"answer": {ask}}}', kept, "kept-type"),
        wrong("a comma makes it a tuple", IMPORT_HUMAN + f"{variable} = {ask},", kept, "kept-type"),
        wrong("the answer's length", IMPORT_HUMAN + f"{variable} = len({ask})", kept, "kept-type"),
        wrong(
            "a stream that nobody reads", IMPORT_HUMAN + f"{variable} = chatbot.stream({QUESTION})", both, "not-asked"
        ),
        wrong(
            "an answer that nobody waits for",
            IMPORT_HUMAN + f"{variable} = chatbot.ainvoke({QUESTION})",
            both,
            "not-asked",
        ),
        wrong(
            "a stream that is used up",
            IMPORT_HUMAN + f"{variable} = chatbot.stream({QUESTION})\nfor piece in {variable}:\n    print(piece)",
            kept,
            "kept-type",
        ),
        wrong(
            "another prompt",
            IMPORT_HUMAN + TEMPLATES + ANOTHER_PROMPT + f"{variable} = (other_prompt | llm).invoke({QUESTION})",
            asked,
            "asked-otherwise",
        ),
        wrong(
            "asked as the system",
            f'{variable} = chatbot.invoke([("system", «py(task.question)»)])',
            asked,
            "asked-otherwise",
        ),
        wrong(
            "a message without its list",
            IMPORT_HUMAN + f"{variable} = chatbot.invoke(HumanMessage(«py(task.question)»))",
            both,
            "missing-raised",
        ),
        wrong(
            "another model",
            IMPORT_HUMAN + ANOTHER_MODEL + f"{variable} = (prompt | other).invoke({QUESTION})",
            asked,
            "asked-other-model",
        ),
        wrong(
            "another key than the placeholder's",
            IMPORT_HUMAN + f'{variable} = chatbot.invoke({{"question": {QUESTION}}})',
            both,
            "missing-raised",
        ),
        wrong("called like a function", IMPORT_HUMAN + f"{variable} = chatbot({QUESTION})", both, "missing-raised"),
        wrong("a method that is no more", f"{variable} = chatbot.run(«py(task.question)»)", both, "missing-raised"),
        wrong(
            "the message's class is misspelled",
            f"{variable} = chatbot.invoke([HumanMesage(«py(task.question)»)])",
            both,
            "missing-raised",
        ),
    )
    return in_both + in_one[task == "ideal-boat" :: 2]  # the cells are alike: every second mistake in each


def chatbot_wrongly(task: str, size: str) -> tuple[Solution, ...]:
    """What goes wrong in a cell that makes the chatbot with another model and asks it, for small and large."""
    llm = FREE + IMPORT_HUMAN + loaded(settings=LIMIT)
    chain = f"chatbot_{size} = prompt | llm\n"
    ask = f"chatbot_{size}.invoke({QUESTION})"
    asked = f"result_{size} = {ask}\n"
    result = f"result_{size}"

    def wrong(name: str, code: str, loses: frozenset[str], hint: str | None) -> Solution:
        return Solution(f"{task}: {name}", {task: code}, {task: loses}, hint)

    model, text, kept = frozenset({"model"}), frozenset({"text"}), frozenset({"kept"})
    chat = "from langchain_huggingface import ChatHuggingFace\n\n"
    base = FREE + IMPORT_HUMAN + loaded(model="«py(models.base)»", settings=LIMIT)
    other = '«py(models.large if task.role == "instruct" else models.instruct)»'
    unbound = f"ChatHuggingFace(llm=llm.bind(pipeline_kwargs={LIMIT}))"
    return (
        wrong("nothing done", FREE + TODO, CHATBOT, "missing"),
        wrong("the base model", base + chain + asked, model, "base-for-instruct"),
        wrong(
            "the model of the other size",
            FREE + IMPORT_HUMAN + loaded(model=other, settings=LIMIT) + chain + asked,
            model,
            "wrong-model",
        ),
        wrong(
            "a typo in the model's name",
            FREE + IMPORT_HUMAN + loaded(model='«py(task.model + "s")»') + chain + asked,
            CHATBOT,
            "missing-raised",
        ),
        wrong("no prompt", llm + f"chatbot_{size} = llm\n" + asked, text, "text-no-prompt"),
        wrong(
            "another prompt",
            llm + TEMPLATES + ANOTHER_PROMPT + f"chatbot_{size} = other_prompt | llm\n" + asked,
            text,
            "text-no-prompt",
        ),
        wrong("reversed", llm + f"chatbot_{size} = llm | prompt\n" + asked, text | kept, "chain-reversed"),
        wrong(
            "a fixed question",
            llm + f'chatbot_{size} = (lambda _: [HumanMessage("What is your name?")]) | prompt | llm\n' + asked,
            text,
            "text-no-question",
        ),
        Solution(
            f"{task}: the prompt alone",
            {task: llm + f"chatbot_{size} = prompt\n" + asked},
            {task: CHATBOT},
            "no-model-asked",
            alone=True,
        ),
        wrong(
            "a function",
            llm + f"def chatbot_{size}(m):\n    return (prompt | llm).invoke(m)\n\n\n" + asked,
            kept,
            "missing-raised",
        ),
        wrong(
            "the chain has another name",
            llm + f"chatbot = prompt | llm\n{result} = chatbot.invoke({QUESTION})",
            model | text,
            "missing",
        ),
        wrong(
            "the chain is the answer",
            llm + f"{result} = (prompt | llm).invoke({QUESTION})\nchatbot_{size} = {result}",
            model | text,
            "chain-is-answer",
        ),
        wrong("not asked", llm + chain, kept, "missing"),
        wrong("only printed", llm + chain + f"print({ask})", kept, "missing"),
        wrong("written by hand", llm + chain + f'{result} = "I am a chatbot."', kept, "not-asked"),
        Solution(
            f"{task}: asked, and written by hand, which a person must tell",
            {task: llm + chain + f'print({ask})\n{result} = "I am a chatbot."'},
            review=frozenset({task}),
        ),
        wrong(
            "another question",
            llm + chain + f'{result} = chatbot_{size}.invoke([HumanMessage("Can you count to ten?")])',
            kept,
            "not-asked",
        ),
        wrong("the chain is kept", llm + chain + f"{result} = chatbot_{size}", kept, "not-asked"),
        wrong("a list with the answer", llm + chain + f"{result} = [{ask}]", kept, "kept-type"),
        wrong(
            "a text for the list of messages",
            llm + chain + f"{result} = chatbot_{size}.invoke(«py(task.question)»)",
            kept,
            "missing-raised",
        ),
        wrong(
            "the model is asked without the chain",
            llm + chain + f"{result} = llm.invoke(«py(task.question)»)",
            kept,
            "asked-otherwise",
        ),
        wrong(
            "a chat model around community's class",
            f"from langchain_community.llms import HuggingFacePipeline\n{chat}free_models()\n{IMPORT_HUMAN}"
            + loaded(settings=LIMIT)
            + f"chatbot_{size} = prompt | ChatHuggingFace(llm=llm)\n{asked}",
            CHATBOT,
            "chat-wrapper",
        ),
        wrong(
            "a chat model around a bound one",
            f"{PARTNER}{chat}free_models()\n{IMPORT_HUMAN}"
            + loaded()
            + f"chatbot_{size} = prompt | {unbound}\n{asked}",
            CHATBOT,
            "chat-wrapper",
        ),
    )
