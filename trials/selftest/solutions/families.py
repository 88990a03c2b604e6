"""Mistakes that students make in several tasks alike."""

from __future__ import annotations

from trials.selftest.library import Mistakes, Solution
from trials.selftest.solutions.pieces import (
    ANOTHER_PROMPT,
    ANSWER,
    ASKED,
    CHATBOT,
    FREE,
    IMPORT_HUMAN,
    KEPT,
    LIMIT,
    MODEL,
    PACKAGE,
    PARTNER,
    QUESTION,
    TEMPLATES,
    TEXT,
    TODO,
    loaded,
)

ANOTHER_MODEL = PACKAGE + loaded("other", "«py(models.large)»", settings=LIMIT)

wrong = Mistakes("TASK", "TASK")
"""In the code of these tables, words in capitals stand for what differs from task to task."""

# A cell that asks the chatbot one question, and keeps the answer in KEPT_AS.
ASK = f"chatbot.invoke({QUESTION})"
OTHER = 'chatbot.invoke([HumanMessage("What is the capital of Norway?")])'
IN_BOTH = (
    wrong("nothing done", TODO, ANSWER, "not-asked"),
    wrong("only printed", IMPORT_HUMAN + f"print({ASK})", KEPT, "missing"),
    wrong("the variable is misspelled", IMPORT_HUMAN + f"KEPT_ASs = {ASK}", KEPT, "missing"),
    wrong("written by hand", 'KEPT_AS = "That is a good question!"', ANSWER, "not-asked"),
    wrong.by_hand(IMPORT_HUMAN + f'print({ASK})\nKEPT_AS = "That is a good question!"'),
    wrong("the question lacks its last character", IMPORT_HUMAN
          + "KEPT_AS = chatbot.invoke([HumanMessage(«py(task.question[:-1])»)])", ANSWER, "asked-nearly"),
    wrong("text around the question", IMPORT_HUMAN
          + 'KEPT_AS = chatbot.invoke([HumanMessage(«py(task.question + " Be brief.")»)])', ASKED, "asked-nearly"),
    wrong("asked, and another answer kept", IMPORT_HUMAN + f"print({ASK})\nKEPT_AS = {OTHER}", KEPT, "kept-other"),
    wrong("the chain is kept", "KEPT_AS = chatbot", ANSWER, "not-asked"),
    wrong("a batch is kept whole", IMPORT_HUMAN + f"KEPT_AS = chatbot.batch([{QUESTION}])", KEPT, "kept-type"),
    wrong("the model, no chain", "KEPT_AS = llm.invoke(«py(task.question)»)", ASKED, "asked-otherwise"),
    wrong("a text for the list of messages", "KEPT_AS = chatbot.invoke(«py(task.question)»)", ANSWER, "missing-raised"),
    wrong("a bracket is missing", IMPORT_HUMAN + f"KEPT_AS = {ASK[:-1]}", ANSWER, "missing-raised"),
)  # fmt: skip
BY_TURNS = (
    wrong("another question", IMPORT_HUMAN + f"KEPT_AS = {OTHER}", ANSWER, "not-asked"),
    wrong("print's result is kept", IMPORT_HUMAN + f"KEPT_AS = print({ASK})", KEPT, "kept-none"),
    wrong("the question is kept", IMPORT_HUMAN + f"{ASK}\nKEPT_AS = «py(task.question)»", KEPT, "not-kept"),
    wrong("the prompt is kept", IMPORT_HUMAN + f"KEPT_AS = prompt.invoke({QUESTION})", ANSWER, "not-asked"),
    wrong("asked, and the prompt's text is kept", IMPORT_HUMAN
          + f"print({ASK})\nKEPT_AS = prompt.invoke({QUESTION}).to_string()", KEPT, "not-kept"),
    wrong("invoke without brackets", "KEPT_AS = chatbot.invoke", ANSWER, "not-asked"),
    wrong("a dict with the answer", IMPORT_HUMAN + f'KEPT_AS = {{"answer": {ASK}}}', KEPT, "kept-type"),
    wrong("a comma makes it a tuple", IMPORT_HUMAN + f"KEPT_AS = {ASK},", KEPT, "kept-type"),
    wrong("the answer's length", IMPORT_HUMAN + f"KEPT_AS = len({ASK})", KEPT, "kept-type"),
    wrong("a stream that nobody reads", IMPORT_HUMAN + f"KEPT_AS = chatbot.stream({QUESTION})", ANSWER, "not-asked"),
    wrong("an answer that nobody waits for", IMPORT_HUMAN + f"KEPT_AS = chatbot.ainvoke({QUESTION})", ANSWER,
          "not-asked"),
    wrong("a stream that is used up", IMPORT_HUMAN
          + f"KEPT_AS = chatbot.stream({QUESTION})\nfor piece in KEPT_AS:\n    print(piece)", KEPT, "kept-type"),
    wrong("another prompt", IMPORT_HUMAN + TEMPLATES + ANOTHER_PROMPT
          + f"KEPT_AS = (other_prompt | llm).invoke({QUESTION})", ASKED, "asked-otherwise"),
    wrong("asked as the system", 'KEPT_AS = chatbot.invoke([("system", «py(task.question)»)])', ASKED,
          "asked-otherwise"),
    wrong("a message without its list", IMPORT_HUMAN + "KEPT_AS = chatbot.invoke(HumanMessage(«py(task.question)»))",
          ANSWER, "missing-raised"),
    wrong("another model", IMPORT_HUMAN + ANOTHER_MODEL + f"KEPT_AS = (prompt | other).invoke({QUESTION})", ASKED,
          "asked-other-model"),
    wrong("another key than the placeholder's", IMPORT_HUMAN
          + f'KEPT_AS = chatbot.invoke({{"question": {QUESTION}}})', ANSWER, "missing-raised"),
    wrong("called like a function", IMPORT_HUMAN + f"KEPT_AS = chatbot({QUESTION})", ANSWER, "missing-raised"),
    wrong("a method that is no more", "KEPT_AS = chatbot.run(«py(task.question)»)", ANSWER, "missing-raised"),
    wrong("the message's class is misspelled", "KEPT_AS = chatbot.invoke([HumanMesage(«py(task.question)»)])",
          ANSWER, "missing-raised"),
)  # fmt: skip

# A cell that makes a chatbot with a model of some SIZE, and asks it.
LOADED = FREE + IMPORT_HUMAN + loaded(settings=LIMIT)
BASE_LOADED = FREE + IMPORT_HUMAN + loaded(model="«py(models.base)»", settings=LIMIT)
OTHER_MODEL = '«py(models.large if task.role == "instruct" else models.instruct)»'
BOT = "chatbot_SIZE = prompt | llm\n"
ASK_BOT = f"chatbot_SIZE.invoke({QUESTION})"
ASKED_BOT = f"result_SIZE = {ASK_BOT}\n"
CHAT = "from langchain_huggingface import ChatHuggingFace\n\n"
UNBOUND = f"ChatHuggingFace(llm=llm.bind(pipeline_kwargs={LIMIT}))"
BOTS = (
    wrong("nothing done", FREE + TODO, CHATBOT, "missing"),
    wrong("the base model", BASE_LOADED + BOT + ASKED_BOT, MODEL, "base-for-instruct"),
    wrong("the model of the other size", FREE + IMPORT_HUMAN + loaded(model=OTHER_MODEL, settings=LIMIT) + BOT
          + ASKED_BOT, MODEL, "wrong-model"),
    wrong("a typo in the model's name", FREE + IMPORT_HUMAN + loaded(model='«py(task.model + "s")»') + BOT
          + ASKED_BOT, CHATBOT, "missing-raised"),
    wrong("no prompt", LOADED + "chatbot_SIZE = llm\n" + ASKED_BOT, TEXT, "text-no-prompt"),
    wrong("another prompt", LOADED + TEMPLATES + ANOTHER_PROMPT + "chatbot_SIZE = other_prompt | llm\n" + ASKED_BOT,
          TEXT, "text-no-prompt"),
    wrong("reversed", LOADED + "chatbot_SIZE = llm | prompt\n" + ASKED_BOT, TEXT | KEPT, "chain-reversed"),
    wrong("a fixed question", LOADED
          + 'chatbot_SIZE = (lambda _: [HumanMessage("What is your name?")]) | prompt | llm\n' + ASKED_BOT, TEXT,
          "text-no-question"),
    wrong("the prompt alone", LOADED + "chatbot_SIZE = prompt\n" + ASKED_BOT, CHATBOT, "no-model-asked", alone=True),
    wrong("a function", LOADED + "def chatbot_SIZE(m):\n    return (prompt | llm).invoke(m)\n\n\n" + ASKED_BOT, KEPT,
          "missing-raised"),
    wrong("the chain has another name", LOADED + f"chatbot = prompt | llm\nresult_SIZE = chatbot.invoke({QUESTION})",
          MODEL | TEXT, "missing"),
    wrong("the chain is the answer", LOADED
          + f"result_SIZE = (prompt | llm).invoke({QUESTION})\nchatbot_SIZE = result_SIZE", MODEL | TEXT,
          "chain-is-answer"),
    wrong("not asked", LOADED + BOT, KEPT, "missing"),
    wrong("only printed", LOADED + BOT + f"print({ASK_BOT})", KEPT, "missing"),
    wrong("written by hand", LOADED + BOT + 'result_SIZE = "I am a chatbot."', KEPT, "not-asked"),
    wrong.by_hand(LOADED + BOT + f'print({ASK_BOT})\nresult_SIZE = "I am a chatbot."'),
    wrong("another question", LOADED + BOT
          + 'result_SIZE = chatbot_SIZE.invoke([HumanMessage("Can you count to ten?")])', KEPT, "not-asked"),
    wrong("the chain is kept", LOADED + BOT + "result_SIZE = chatbot_SIZE", KEPT, "not-asked"),
    wrong("a list with the answer", LOADED + BOT + f"result_SIZE = [{ASK_BOT}]", KEPT, "kept-type"),
    wrong("a text for the list of messages", LOADED + BOT + "result_SIZE = chatbot_SIZE.invoke(«py(task.question)»)",
          KEPT, "missing-raised"),
    wrong("the model is asked without the chain", LOADED + BOT + "result_SIZE = llm.invoke(«py(task.question)»)",
          KEPT, "asked-otherwise"),
    wrong("a chat model around community's class",
          f"from langchain_community.llms import HuggingFacePipeline\n{CHAT}free_models()\n{IMPORT_HUMAN}"
          + loaded(settings=LIMIT) + f"chatbot_SIZE = prompt | ChatHuggingFace(llm=llm)\n{ASKED_BOT}", CHATBOT,
          "chat-wrapper"),
    wrong("a chat model around a bound one", f"{PARTNER}{CHAT}free_models()\n{IMPORT_HUMAN}" + loaded()
          + f"chatbot_SIZE = prompt | {UNBOUND}\n{ASKED_BOT}", CHATBOT, "chat-wrapper"),
)  # fmt: skip


def answered_wrongly(task: str, variable: str) -> tuple[Solution, ...]:
    """What goes wrong in a cell that asks the chatbot one question, for each of the two tasks of this kind."""
    several = IN_BOTH + BY_TURNS[task == "ideal-boat" :: 2]  # the cells are alike: every second mistake in each
    return tuple(each.renamed(TASK=task, KEPT_AS=variable) for each in several)


def chatbot_wrongly(task: str, size: str) -> tuple[Solution, ...]:
    """What goes wrong in a cell that makes the chatbot with another model and asks it, for small and large."""
    return tuple(each.renamed(TASK=task, SIZE=size) for each in BOTS)
