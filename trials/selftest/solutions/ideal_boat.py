"""Solutions of the task `ideal-boat`."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.families import answered_wrongly
from trials.selftest.solutions.pieces import ANSWER, IMPORT_HUMAN, QUESTION

RIGHT = (
    Solution(
        "second question with a dict and a role",
        {
            "ideal-boat": """
boat = chatbot.invoke(input={"messages": [("user", «py(task.question)»)]})
print(boat)
"""
        },
    ),
    Solution(
        "second question in a batch with the first one again",
        {
            "ideal-boat": """
from langchain_core.messages import HumanMessage

first = «py(task_of("who-are-you").question if uses("who-are-you") else "Hello?")»
conversations = [[HumanMessage(text)] for text in (first, «py(task.question)»)]
texts = chatbot.batch(conversations)
boat = texts[-1]
print(boat)
"""
        },
    ),
    Solution(
        "second question awaited as it is finished",
        {
            "ideal-boat": """
async for number, text in chatbot.abatch_as_completed([[("human", «py(task.question)»)]]):
    boat = text
print(boat.strip())
"""
        },
    ),
    Solution(
        "second question with a memory, then afresh",
        {
            "ideal-boat": """
from langchain_core.messages import AIMessage, HumanMessage

conversation = [
    HumanMessage(«py(task_of("who-are-you").question if uses("who-are-you") else "Hello?")»),
    AIMessage("Nobody."),
    HumanMessage(«py(task.question)»),
]
with_memory = chatbot.invoke(conversation)
boat = chatbot.invoke(conversation[-1:])
print(with_memory, boat, sep="\\n-----\\n")
"""
        },
    ),
    Solution(
        "second question streamed by transform",
        {
            "ideal-boat": """
boat = "".join(chatbot.transform(iter([{"messages": [("human", «py(task.question)»)]}])))
print(boat)
"""
        },
    ),
    Solution(
        "second question in a thread, new text only",
        {
            "ideal-boat": """
import asyncio

question = «py(task.question)»
boat = await asyncio.to_thread(chatbot.invoke, [("human", question)])
boat = boat[boat.find(question) + len(question):] if question in boat else boat
print(boat)
"""
        },
    ),
    Solution(
        "second answer backwards",
        {
            "ideal-boat": """
boat = chatbot.invoke([("human", «py(task.question)»)])[::-1]
print(boat)
"""
        },
        review=frozenset({"ideal-boat"}),
    ),
)

FIRST = '[HumanMessage(«py(task_of("who-are-you").question)»)]'
MEMORY = """\
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.runnables.history import RunnableWithMessageHistory

history = InMemoryChatMessageHistory()
bot = RunnableWithMessageHistory(prompt | llm, lambda session_id: history)
config = {"configurable": {"session_id": "me"}}
"""

WRONG = (
    *answered_wrongly("ideal-boat", "boat"),
    Solution(
        "ideal-boat: the first answer again",
        {"ideal-boat": "boat = result"},
        {"ideal-boat": ANSWER},
        "not-asked",
        alone=True,
    ),
    Solution(
        "ideal-boat: the first question again",
        {"ideal-boat": IMPORT_HUMAN + f"boat = chatbot.invoke({FIRST})"},
        {"ideal-boat": ANSWER},
        "not-asked",
        alone=True,
    ),
    Solution(
        "ideal-boat: kept in result",
        {"ideal-boat": IMPORT_HUMAN + f"result = chatbot.invoke({QUESTION})\nprint(result)"},
        {"ideal-boat": frozenset({"kept"})},
        "missing",
        alone=True,
    ),
    Solution(
        "ideal-boat: both asked, the first answer kept",
        {"ideal-boat": IMPORT_HUMAN + f"chatbot.invoke({QUESTION})\nboat = result"},
        {"ideal-boat": frozenset({"kept"})},
        "kept-again",
        alone=True,
        needs_text=True,
    ),
    Solution(
        "ideal-boat: the first question and answer are sent along",
        {
            "ideal-boat": "from langchain_core.messages import AIMessage, HumanMessage\n\n"
            + 'first = HumanMessage(«py(task_of("who-are-you").question)»)\n'
            + "boat = chatbot.invoke([first, AIMessage(result), HumanMessage(«py(task.question)»)])"
        },
        {"ideal-boat": ANSWER},
        "asked-together",
        alone=True,
    ),
    Solution(
        "ideal-boat: both questions in one message",
        {
            "ideal-boat": IMPORT_HUMAN
            + 'boat = chatbot.invoke([HumanMessage(«py(task_of("who-are-you").question + " " + task.question)»)])'
        },
        {"ideal-boat": ANSWER},
        "asked-together",
        alone=True,
    ),
    Solution(
        "ideal-boat: both questions in one call",
        {
            "ideal-boat": IMPORT_HUMAN
            + 'boat = chatbot.invoke([HumanMessage(«py(task_of("who-are-you").question)»), '
            + "HumanMessage(«py(task.question)»)])"
        },
        {"ideal-boat": ANSWER},
        "asked-together",
        alone=True,
    ),
    Solution(
        "ideal-boat: a memory carries the first question along",
        {
            "who-are-you": IMPORT_HUMAN + MEMORY + f"result = bot.invoke({QUESTION}, config)",
            "ideal-boat": IMPORT_HUMAN + f"boat = bot.invoke({QUESTION}, config)",
        },
        {"ideal-boat": ANSWER},
        "asked-together",
        alone=True,
    ),
    Solution(
        "ideal-boat: the wrong answer of a batch",
        {"ideal-boat": IMPORT_HUMAN + f"boat = chatbot.batch([{FIRST}, {QUESTION}])[0]"},
        {"ideal-boat": frozenset({"kept"})},
        "kept-other",
        alone=True,
    ),
)
