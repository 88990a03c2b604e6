"""Solutions of the task `who-are-you`."""

from __future__ import annotations

from trials.selftest.library import Mistakes
from trials.selftest.solutions.families import answered_wrongly
from trials.selftest.solutions.pieces import ANSWER, CHAIN, IMPORT_HUMAN, KEPT, QUESTION, TODO, page

RIGHT = page(
    "who-are-you",
    '''
# %% asked with a dict of messages
«IMPORT_HUMAN»
messages = [HumanMessage(content=«py(task.question)»)]
result = chatbot.invoke({"messages": messages}, config={"tags": ["first"], "metadata": {"try": 1}})
print(result)

# %% asked with a tuple
result = chatbot.invoke([("human", «py(task.question)»)])
print(result)

# %% asked with a role and content
result = chatbot.invoke({"messages": [{"role": "user", "content": «py(task.question)»}]})
print(result)

# %% asked with a plain text in the list
result = chatbot.invoke([«py(task.question)»])
result

# %% asked through prompt and model by hand
«IMPORT_HUMAN»
filled = prompt.format_messages(messages=[HumanMessage(«py(task.question)»)])
result = llm.invoke(filled)
print(result)

# %% asked with the formatted text, prompt cut off exactly
«IMPORT_HUMAN»
text = prompt.format(messages=[HumanMessage(«py(task.question)»)])
result = llm.invoke(text).removeprefix(text).strip()
print(result)

# %% both questions in a batch
«IMPORT_HUMAN»
questions = [«py(task.question)», «py(task_of("ideal-boat").question)»]
result, boat = chatbot.batch([[HumanMessage(q)] for q in questions], config={"max_concurrency": 1})
print(result)
# %%% ideal-boat
print(boat)

# %% both questions asked at once, the second answer taken later
from concurrent.futures import ThreadPoolExecutor


def ask(text):
    return chatbot.invoke([("human", text)])


with ThreadPoolExecutor(max_workers=2) as pool:
    first, second = pool.map(ask, [«py(task.question)», «py(task_of("ideal-boat").question)»])
result = first
print(result)
# %%% ideal-boat
boat = second
print(boat)

# %% asked in a thread
import threading

found = []
thread = threading.Thread(target=lambda: found.append(chatbot.invoke([("human", «py(task.question)»)])))
thread.start()
thread.join()
result = found[0]
print(result)

# %% awaited
«IMPORT_HUMAN»
result = await chatbot.ainvoke({"messages": [HumanMessage(«py(task.question)»)]})
print(result)

# %% awaited together with other questions
import asyncio


async def ask(text):
    return await chatbot.ainvoke([("human", text)])


several = await asyncio.gather(ask("Hello?"), ask(«py(task.question)»))
result = several[1]
print(result)

# %% streamed and joined
«IMPORT_HUMAN»
pieces = []
for piece in chatbot.stream([HumanMessage(«py(task.question)»)]):
    print(piece, end="")
    pieces.append(piece)
result = "".join(pieces)

# %% streamed asynchronously, sum kept
result = ""
async for piece in chatbot.astream({"messages": [("user", «py(task.question)»)]}):
    result += piece
print(result.strip())

# %% asked twice, the second answer kept and stripped
«IMPORT_HUMAN»
result = chatbot.invoke([HumanMessage(«py(task.question)»)])
print(result)
result = chatbot.invoke([HumanMessage(«py(task.question)»)]).strip()
print(result)

# %% first of several answers kept
tries = chatbot.batch([{"messages": [("human", «py(task.question)»)]}] * 3)
result = tries[0]
for number, text in enumerate(tries, start=1):
    print(number, text)

# %% asked with LangChain's cache on
«IMPORT_HUMAN»
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache

set_llm_cache(InMemoryCache())
print(chatbot.invoke([HumanMessage(«py(task.question)»)]))
result = chatbot.invoke([HumanMessage(«py(task.question)»)])
print(result)
set_llm_cache(None)

# %% asked with a history kept by hand
from langchain_core.chat_history import InMemoryChatMessageHistory

history = InMemoryChatMessageHistory()
history.add_user_message(«py(task.question)»)
result = chatbot.invoke({"messages": history.messages})
history.add_ai_message(result)
print(history)

# %% asked with a memory around the chain
«IMPORT_HUMAN»
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

# %% asked with retries, fallbacks and a callback
«IMPORT_HUMAN»
from langchain_core.callbacks import StdOutCallbackHandler

safe = chatbot.with_retry(stop_after_attempt=2).with_fallbacks([chatbot])
result = safe.invoke([HumanMessage(«py(task.question)»)], config={"callbacks": [StdOutCallbackHandler()]})
print(result)

# %% asked by a helper that cuts the answer, reproducibly
import torch
from IPython.display import Markdown, display
«IMPORT_HUMAN»
torch.manual_seed(42)


def ask(bot, question: str) -> str:
    """Asks a chatbot, and gives back its answer without the question."""
    response = bot.invoke([HumanMessage(content=question)])
    text = response if isinstance(response, str) else response.content
    return text.split(question)[-1].split("AI:")[-1].strip()


result = ask(chatbot, «py(task.question)»)
display(Markdown(f"**Answer:** {result}"))

# %% answer kept as a message
from langchain_core.messages import AIMessage, HumanMessage

question = HumanMessage(«py(task.question)»)
result = AIMessage(content=chatbot.invoke([question]))
result.pretty_print()

# %% answer folded into short lines
import textwrap

«IMPORT_HUMAN»
result = textwrap.fill(chatbot.invoke([HumanMessage(«py(task.question)»)]), width=60)
print(result)

# %% answer in capital letters | review
«IMPORT_HUMAN»
result = chatbot.invoke([HumanMessage(«py(task.question)»)]).upper()
print(result)

# %% answer's letters replaced | review
«IMPORT_HUMAN»
import codecs

result = codecs.encode(chatbot.invoke([HumanMessage(«py(task.question)»)]), "rot13")
print(result)
''',
)

wrong = Mistakes("who-are-you", "who-are-you", alone=True)
WRONG = (
    *answered_wrongly("who-are-you", "result"),
    wrong("the answer of the cell before",
          {"chain": IMPORT_HUMAN + 'chatbot = prompt | llm\nresult = chatbot.invoke([HumanMessage("Hello!")])',
          "who-are-you": TODO}, ANSWER, "not-asked"),
    wrong("asked in a cell that stands before the one with the chain", {"chain": TODO,
          "ideal-boat": IMPORT_HUMAN + f"chatbot = prompt | llm\nboat = chatbot.invoke({QUESTION})"},
          {"who-are-you": ANSWER, "chain": CHAIN}, "out-of-order"),
    wrong("both questions asked, the wrong answer kept", IMPORT_HUMAN + f"chatbot.invoke({QUESTION})\n"
          + 'result = chatbot.invoke([HumanMessage(«py(task_of("ideal-boat").question)»)])', KEPT, "kept-other"),
)  # fmt: skip
