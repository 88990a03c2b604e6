"""Solutions of the task `who-are-you`."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.families import answered_wrongly
from trials.selftest.solutions.pieces import ANSWER, CHAIN, HUMAN, IMPORT_HUMAN, QUESTION, TODO

RIGHT = (
    Solution(
        "asked with a dict of messages",
        {
            "who-are-you": HUMAN
            + """
messages = [HumanMessage(content=«py(task.question)»)]
result = chatbot.invoke({"messages": messages}, config={"tags": ["first"], "metadata": {"try": 1}})
print(result)
"""
        },
    ),
    Solution(
        "asked with a tuple",
        {"who-are-you": 'result = chatbot.invoke([("human", «py(task.question)»)])\nprint(result)'},
    ),
    Solution(
        "asked with a role and content",
        {
            "who-are-you": """
result = chatbot.invoke({"messages": [{"role": "user", "content": «py(task.question)»}]})
print(result)
"""
        },
    ),
    Solution(
        "asked with a plain text in the list",
        {"who-are-you": "result = chatbot.invoke([«py(task.question)»])\nresult"},
    ),
    Solution(
        "asked through prompt and model by hand",
        {
            "who-are-you": HUMAN
            + """
filled = prompt.format_messages(messages=[HumanMessage(«py(task.question)»)])
result = llm.invoke(filled)
print(result)
"""
        },
    ),
    Solution(
        "asked with the formatted text, prompt cut off exactly",
        {
            "who-are-you": HUMAN
            + """
text = prompt.format(messages=[HumanMessage(«py(task.question)»)])
result = llm.invoke(text).removeprefix(text).strip()
print(result)
"""
        },
    ),
    Solution(
        "both questions in a batch",
        {
            "who-are-you": HUMAN
            + """
questions = [«py(task.question)», «py(task_of("ideal-boat").question)»]
result, boat = chatbot.batch([[HumanMessage(q)] for q in questions], config={"max_concurrency": 1})
print(result)
""",
            "ideal-boat": "print(boat)",
        },
    ),
    Solution(
        "both questions asked at once, the second answer taken later",
        {
            "who-are-you": """
from concurrent.futures import ThreadPoolExecutor


def ask(text):
    return chatbot.invoke([("human", text)])


with ThreadPoolExecutor(max_workers=2) as pool:
    first, second = pool.map(ask, [«py(task.question)», «py(task_of("ideal-boat").question)»])
result = first
print(result)
""",
            "ideal-boat": "boat = second\nprint(boat)",
        },
    ),
    Solution(
        "asked in a thread",
        {
            "who-are-you": """
import threading

found = []
thread = threading.Thread(target=lambda: found.append(chatbot.invoke([("human", «py(task.question)»)])))
thread.start()
thread.join()
result = found[0]
print(result)
"""
        },
    ),
    Solution(
        "awaited",
        {
            "who-are-you": HUMAN
            + """
result = await chatbot.ainvoke({"messages": [HumanMessage(«py(task.question)»)]})
print(result)
"""
        },
    ),
    Solution(
        "awaited together with other questions",
        {
            "who-are-you": """
import asyncio


async def ask(text):
    return await chatbot.ainvoke([("human", text)])


several = await asyncio.gather(ask("Hello?"), ask(«py(task.question)»))
result = several[1]
print(result)
"""
        },
    ),
    Solution(
        "streamed and joined",
        {
            "who-are-you": HUMAN
            + """
pieces = []
for piece in chatbot.stream([HumanMessage(«py(task.question)»)]):
    print(piece, end="")
    pieces.append(piece)
result = "".join(pieces)
"""
        },
    ),
    Solution(
        "streamed asynchronously, sum kept",
        {
            "who-are-you": """
result = ""
async for piece in chatbot.astream({"messages": [("user", «py(task.question)»)]}):
    result += piece
print(result.strip())
"""
        },
    ),
    Solution(
        "asked twice, the second answer kept and stripped",
        {
            "who-are-you": HUMAN
            + """
result = chatbot.invoke([HumanMessage(«py(task.question)»)])
print(result)
result = chatbot.invoke([HumanMessage(«py(task.question)»)]).strip()
print(result)
"""
        },
    ),
    Solution(
        "first of several answers kept",
        {
            "who-are-you": """
tries = chatbot.batch([{"messages": [("human", «py(task.question)»)]}] * 3)
result = tries[0]
for number, text in enumerate(tries, start=1):
    print(number, text)
"""
        },
    ),
    Solution(
        "asked with LangChain's cache on",
        {
            "who-are-you": HUMAN
            + """
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache

set_llm_cache(InMemoryCache())
print(chatbot.invoke([HumanMessage(«py(task.question)»)]))
result = chatbot.invoke([HumanMessage(«py(task.question)»)])
print(result)
set_llm_cache(None)
"""
        },
    ),
    Solution(
        "asked with a history kept by hand",
        {
            "who-are-you": """
from langchain_core.chat_history import InMemoryChatMessageHistory

history = InMemoryChatMessageHistory()
history.add_user_message(«py(task.question)»)
result = chatbot.invoke({"messages": history.messages})
history.add_ai_message(result)
print(history)
"""
        },
    ),
    Solution(
        "asked with a memory around the chain",
        {
            "who-are-you": HUMAN
            + """
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.runnables.history import RunnableWithMessageHistory

store = {}
remembering = RunnableWithMessageHistory(
    chatbot,
    lambda session_id: store.setdefault(session_id, InMemoryChatMessageHistory()),
    input_messages_key="messages",
)
session = {"configurable": {"session_id": "abc"}}
result = remembering.invoke({"messages": [HumanMessage(«py(task.question)»)]}, session)
print(result)
follow_up = remembering.invoke({"messages": [HumanMessage("What did I just ask?")]}, session)
print(follow_up)
"""
        },
    ),
    Solution(
        "asked with retries, fallbacks and a callback",
        {
            "who-are-you": HUMAN
            + """
from langchain_core.callbacks import StdOutCallbackHandler

safe = chatbot.with_retry(stop_after_attempt=2).with_fallbacks([chatbot])
result = safe.invoke([HumanMessage(«py(task.question)»)], config={"callbacks": [StdOutCallbackHandler()]})
print(result)
"""
        },
    ),
    Solution(
        "asked by a helper that cuts the answer, reproducibly",
        {
            "who-are-you": '''
import torch
from IPython.display import Markdown, display
from langchain_core.messages import HumanMessage

torch.manual_seed(42)


def ask(bot, question: str) -> str:
    """Asks a chatbot, and gives back its answer without the question."""
    response = bot.invoke([HumanMessage(content=question)])
    text = response if isinstance(response, str) else response.content
    return text.split(question)[-1].split("AI:")[-1].strip()


result = ask(chatbot, «py(task.question)»)
display(Markdown(f"**Answer:** {result}"))
'''
        },
    ),
    Solution(
        "answer kept as a message",
        {
            "who-are-you": """
from langchain_core.messages import AIMessage, HumanMessage

question = HumanMessage(«py(task.question)»)
result = AIMessage(content=chatbot.invoke([question]))
result.pretty_print()
"""
        },
    ),
    Solution(
        "answer folded into short lines",
        {
            "who-are-you": """
import textwrap

from langchain_core.messages import HumanMessage

result = textwrap.fill(chatbot.invoke([HumanMessage(«py(task.question)»)]), width=60)
print(result)
"""
        },
    ),
    Solution(
        "answer in capital letters",
        {
            "who-are-you": HUMAN
            + """
result = chatbot.invoke([HumanMessage(«py(task.question)»)]).upper()
print(result)
"""
        },
        review=frozenset({"who-are-you"}),
    ),
    Solution(
        "answer's letters replaced",
        {
            "who-are-you": HUMAN
            + """
import codecs

result = codecs.encode(chatbot.invoke([HumanMessage(«py(task.question)»)]), "rot13")
print(result)
"""
        },
        review=frozenset({"who-are-you"}),
    ),
)


WRONG = (
    *answered_wrongly("who-are-you", "result"),
    Solution(
        "who-are-you: the answer of the cell before",
        {
            "chain": IMPORT_HUMAN + 'chatbot = prompt | llm\nresult = chatbot.invoke([HumanMessage("Hello!")])',
            "who-are-you": TODO,
        },
        {"who-are-you": ANSWER},
        "not-asked",
        alone=True,
    ),
    Solution(
        "who-are-you: asked in a cell that stands before the one with the chain",
        {"chain": TODO, "ideal-boat": IMPORT_HUMAN + f"chatbot = prompt | llm\nboat = chatbot.invoke({QUESTION})"},
        {"who-are-you": ANSWER, "chain": CHAIN},
        "out-of-order",
        alone=True,
    ),
    Solution(
        "who-are-you: both questions asked, the wrong answer kept",
        {
            "who-are-you": IMPORT_HUMAN
            + f"chatbot.invoke({QUESTION})\n"
            + 'result = chatbot.invoke([HumanMessage(«py(task_of("ideal-boat").question)»)])'
        },
        {"who-are-you": frozenset({"kept"})},
        "kept-other",
        alone=True,
    ),
)
