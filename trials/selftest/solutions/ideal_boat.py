"""Solutions of the task `ideal-boat`."""

from __future__ import annotations

from trials.selftest.library import Mistakes
from trials.selftest.solutions.families import answered_wrongly
from trials.selftest.solutions.pieces import ANSWER, IMPORT_HUMAN, KEPT, QUESTION, page

RIGHT = page(
    "ideal-boat",
    r"""
# %% second question with a dict and a role
boat = chatbot.invoke(input={"messages": [("user", «py(task.question)»)]})
print(boat)

# %% second question in a batch with the first one again
«IMPORT_HUMAN»
first = «py(task_of("who-are-you").question if uses("who-are-you") else "Hello?")»
conversations = [[HumanMessage(text)] for text in (first, «py(task.question)»)]
texts = chatbot.batch(conversations)
boat = texts[-1]
print(boat)

# %% second question awaited as it is finished
async for number, text in chatbot.abatch_as_completed([[("human", «py(task.question)»)]]):
    boat = text
print(boat.strip())

# %% second question with a memory, then afresh
from langchain_core.messages import AIMessage, HumanMessage

conversation = [
    HumanMessage(«py(task_of("who-are-you").question if uses("who-are-you") else "Hello?")»),
    AIMessage("Nobody."),
    HumanMessage(«py(task.question)»),
]
with_memory = chatbot.invoke(conversation)
boat = chatbot.invoke(conversation[-1:])
print(with_memory, boat, sep="\n-----\n")

# %% second question streamed by transform
boat = "".join(chatbot.transform(iter([{"messages": [("human", «py(task.question)»)]}])))
print(boat)

# %% second question in a thread, new text only
import asyncio

question = «py(task.question)»
boat = await asyncio.to_thread(chatbot.invoke, [("human", question)])
boat = boat[boat.find(question) + len(question):] if question in boat else boat
print(boat)

# %% second answer backwards | review
boat = chatbot.invoke([("human", «py(task.question)»)])[::-1]
print(boat)
""",
)

FIRST = '[HumanMessage(«py(task_of("who-are-you").question)»)]'
MEMORY = """\
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.runnables.history import RunnableWithMessageHistory

history = InMemoryChatMessageHistory()
bot = RunnableWithMessageHistory(prompt | llm, lambda session_id: history)
config = {"configurable": {"session_id": "me"}}
"""

wrong = Mistakes("ideal-boat", "ideal-boat", alone=True)
WRONG = (
    *answered_wrongly("ideal-boat", "boat"),
    wrong("the first answer again", "boat = result", ANSWER, "not-asked"),
    wrong("the first question again", IMPORT_HUMAN + f"boat = chatbot.invoke({FIRST})", ANSWER, "not-asked"),
    wrong("kept in result", IMPORT_HUMAN + f"result = chatbot.invoke({QUESTION})\nprint(result)", KEPT, "missing"),
    wrong("both asked, the first answer kept", IMPORT_HUMAN + f"chatbot.invoke({QUESTION})\nboat = result", KEPT,
          "kept-again", needs_text=True),
    wrong("the first question and answer are sent along",
          "from langchain_core.messages import AIMessage, HumanMessage\n\n"
          + 'first = HumanMessage(«py(task_of("who-are-you").question)»)\n'
          + "boat = chatbot.invoke([first, AIMessage(result), HumanMessage(«py(task.question)»)])", ANSWER,
          "asked-together"),
    wrong("both questions in one message", IMPORT_HUMAN
          + 'boat = chatbot.invoke([HumanMessage(«py(task_of("who-are-you").question + " " + task.question)»)])',
          ANSWER, "asked-together"),
    wrong("both questions in one call", IMPORT_HUMAN
          + 'boat = chatbot.invoke([HumanMessage(«py(task_of("who-are-you").question)»), '
          + "HumanMessage(«py(task.question)»)])", ANSWER, "asked-together"),
    wrong("a memory carries the first question along",
          {"who-are-you": IMPORT_HUMAN + MEMORY + f"result = bot.invoke({QUESTION}, config)",
          "ideal-boat": IMPORT_HUMAN + f"boat = bot.invoke({QUESTION}, config)"}, ANSWER, "asked-together"),
    wrong("the wrong answer of a batch", IMPORT_HUMAN + f"boat = chatbot.batch([{FIRST}, {QUESTION}])[0]", KEPT,
          "kept-other"),
)  # fmt: skip
