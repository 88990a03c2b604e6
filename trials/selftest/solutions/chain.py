"""Solutions of the task `chain`.

One that cuts the answer is alone: what is left of an echo is the same for each question.
"""

from __future__ import annotations

from trials.selftest.library import Mistakes
from trials.selftest.solutions.pieces import (
    ANOTHER_PROMPT,
    ANSWER,
    CHAIN,
    IMPORT_HUMAN,
    KEPT,
    LIMIT,
    MODEL,
    NO_CHAIN,
    NOT_ASKED,
    PACKAGE,
    QUESTION,
    RUNNABLE,
    TEMPLATES,
    TEXT,
    TODO,
    loaded,
    page,
)

RIGHT = page(
    "chain",
    '''
# %% prompt made once more in the chain's cell, just the same
«TEMPLATES»
prompt = ChatPromptTemplate([("system", «py(system_prompt)»), MessagesPlaceholder("messages")])
chatbot = prompt | llm

# %% chain by pipe
chatbot = prompt.pipe(llm)

# %% chain by its class
from langchain_core.runnables import RunnableSequence

chatbot = RunnableSequence(prompt, llm)

# %% chain by its class, first and last named
from langchain_core.runnables import RunnableSequence

chatbot = RunnableSequence(first=prompt, last=llm, name="chatbot")
chatbot

# %% chain folded, with a parser at its end
from functools import reduce
from operator import or_

from langchain_core.output_parsers import StrOutputParser

chatbot = reduce(or_, [prompt, llm, StrOutputParser()])

# %% chain that skips the prompt
chatbot = prompt | llm.bind(skip_prompt=True)

# %% chain with a stop and a name
chatbot = (prompt | llm.bind(stop=["Human:"])).with_config(run_name="chatbot", tags=["test"])

# %% chain with retries and fallbacks
chatbot = (prompt | llm).with_retry(stop_after_attempt=3, wait_exponential_jitter=False).with_fallbacks([prompt | llm])

# %% chain with fallbacks inside
chatbot = prompt | llm.with_fallbacks([llm, llm.with_retry(stop_after_attempt=2)])

# %% chain that cuts the answer afterwards | alone
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda


def only_answer(text):
    return text.split("Human:")[-1].strip()


chatbot = prompt | llm | StrOutputParser() | RunnableLambda(only_answer)

# %% chain whose cut fails where there was no prompt | alone
chatbot = prompt | llm | (lambda text: text.split("Human: ")[1]) | str.strip

# %% chain with text between prompt and model
chatbot = prompt | (lambda value: value.to_string()) | llm

# %% chain from a list of messages alone | alone
from langchain_core.runnables import RunnablePassthrough

chatbot = {"messages": RunnablePassthrough()} | prompt | llm

# %% chain from a text | alone
«HUMAN»
from langchain_core.runnables import RunnableLambda

to_messages = RunnableLambda(lambda text: {"messages": [HumanMessage(content=text)]})
chatbot = to_messages | prompt | llm
# %%% who-are-you
result = chatbot.invoke(«py(task.question)»)
print(result)
# %%% ideal-boat
boat = chatbot.invoke(«py(task.question)»)
print(boat)

# %% chain from a dict with the question | alone
from operator import itemgetter

from langchain_core.runnables import RunnableLambda

chatbot = {"messages": itemgetter("question") | RunnableLambda(lambda text: [("human", text)])} | prompt | llm
# %%% who-are-you
result = chatbot.invoke({"question": «py(task.question)»})
print(result)
# %%% ideal-boat
boat = chatbot.invoke({"question": «py(task.question)»})
print(boat)

# %% chain that keeps the question beside the answer | alone
from langchain_core.runnables import RunnablePassthrough

chatbot = RunnablePassthrough.assign(answer=prompt | llm)
# %%% who-are-you
output = chatbot.invoke({"messages": [("human", «py(task.question)»)]})
result = output["answer"]
print(result)
# %%% ideal-boat
output = chatbot.invoke({"messages": [("human", «py(task.question)»)]})
boat = output["answer"]
print(boat)

# %% chain by the decorator
from langchain_core.runnables import chain


@chain
def chatbot(messages):
    filled = prompt.invoke(messages)
    return llm.invoke(filled)

# %% chain by a function that answers with a chain
from langchain_core.runnables import RunnableLambda


def choose(given):
    messages = given["messages"] if isinstance(given, dict) else given
    print(len(messages), "message(s)")
    return prompt | llm


chatbot = RunnableLambda(choose)

# %% chain as a class of one's own
from langchain_core.runnables import Runnable


class Chatbot(Runnable):
    """A prompt and a model."""

    def __init__(self, prompt, llm):
        self.prompt = prompt
        self.llm = llm

    def invoke(self, input, config=None, **kwargs):
        return self.llm.invoke(self.prompt.invoke(input, config), config, **kwargs)


chatbot = Chatbot(prompt, llm)

# %% chain of the classic package | alone
from langchain_classic.chains import LLMChain

chatbot = LLMChain(llm=llm, prompt=prompt, verbose=False)
# %%% who-are-you
result = chatbot.invoke({"messages": [("human", «py(task.question)»)]})["text"]
print(result)
# %%% ideal-boat
boat = chatbot.run(messages=[("human", «py(task.question)»)])
print(boat)

# %% chain with alternatives to choose from
from langchain_core.runnables import ConfigurableField

careful = llm.bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens», "temperature": 0.1, "do_sample": True})
choice = llm.configurable_alternatives(ConfigurableField(id="mood"), default_key="plain", careful=careful)
chatbot = prompt | choice

# %% chain with a branch and listeners
from langchain_core.runnables import RunnableBranch

straight = prompt | llm
runs = []
chatbot = RunnableBranch((lambda given: len(given) > 100, straight), straight).with_listeners(
    on_end=lambda run: runs.append(run.name)
)

# %% chain with a memory, one session for each question | alone
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.runnables.history import RunnableWithMessageHistory

sessions = {}


def get_session_history(session_id: str) -> InMemoryChatMessageHistory:
    if session_id not in sessions:
        sessions[session_id] = InMemoryChatMessageHistory()
    return sessions[session_id]


chatbot = RunnableWithMessageHistory(prompt | llm, get_session_history, input_messages_key="messages")
# %%% who-are-you
«IMPORT_HUMAN»
config = {"configurable": {"session_id": "first"}}
result = chatbot.invoke({"messages": [HumanMessage(«py(task.question)»)]}, config=config)
print(result)
# %%% ideal-boat
«IMPORT_HUMAN»
config = {"configurable": {"session_id": "second"}}
boat = chatbot.invoke({"messages": [HumanMessage(«py(task.question)»)]}, config=config)
print(boat)
''',
)

wrong = Mistakes("chain", "chain", alone=True)
NO_MODEL = {"chain": TEXT | MODEL, **NOT_ASKED}
WRONG = (
    wrong("nothing done", TODO, NO_CHAIN, "missing"),
    wrong("None", "chatbot = None", NO_CHAIN, "none"),
    wrong("the variable is misspelled", "chatbott = prompt | llm", NO_CHAIN, "missing"),
    wrong("a variable that does not exist", "chatbot = prompt | model", NO_CHAIN, "missing-raised"),
    wrong("a syntax error", "chatbot = prompt || llm", NO_CHAIN, "missing-raised"),
    wrong("plus for the bar", "chatbot = prompt + [llm]", NO_CHAIN, "missing-raised"),
    wrong("made too late, in the last task's cell", {"chain": TODO,
          "ideal-boat": IMPORT_HUMAN + f"chatbot = prompt | llm\nboat = chatbot.invoke({QUESTION})"},
          {"chain": CHAIN, "who-are-you": ANSWER}, "missing"),
    wrong("a function", "def chatbot(messages):\n    return (prompt | llm).invoke(messages)",
          {"chain": RUNNABLE, **NOT_ASKED}, "not-runnable"),
    wrong("a list", "chatbot = [prompt, llm]", NO_CHAIN, "not-runnable"),
    wrong("a dict", 'chatbot = {"prompt": prompt, "llm": llm}', NO_CHAIN, "not-runnable"),
    wrong("two values", "chatbot = prompt, llm", NO_CHAIN, "not-runnable"),
    wrong("an answer", IMPORT_HUMAN + 'chatbot = (prompt | llm).invoke([HumanMessage("Hello!")])', NO_CHAIN,
          "chain-is-answer"),
    wrong("the prompt alone", "chatbot = prompt", NO_MODEL, "no-model-asked"),
    wrong("an answer written by hand for a model",
          'chatbot = prompt | (lambda messages: "Hello, I am your chatbot.")', NO_MODEL, "no-model-asked"),
    wrong("the model alone", "chatbot = llm", TEXT, "text-no-prompt"),
    wrong("and for the bar", "chatbot = prompt and llm", TEXT, "text-no-prompt"),
    wrong("reversed", "chatbot = llm | prompt", {"chain": TEXT, "who-are-you": KEPT, "ideal-boat": KEPT},
          "chain-reversed"),
    wrong("a fixed question", IMPORT_HUMAN
          + 'chatbot = (lambda _: [HumanMessage("What is your name?")]) | prompt | llm', TEXT, "text-no-question"),
    wrong("another prompt", TEMPLATES + ANOTHER_PROMPT + "chatbot = other_prompt | llm", TEXT, "text-no-prompt"),
    wrong("a text with an f in front for the prompt", "from langchain_core.runnables import RunnableLambda\n\n"
          + 'chatbot = RunnableLambda(lambda m: f"System prompt: «system_prompt» Question: {m[0].content}") | llm',
          TEXT, "text-other"),
    wrong("text added after the prompt",
          'chatbot = prompt | (lambda p: p.to_string() + "\\nAnswer in one word.") | llm', TEXT, "text-other"),
    wrong("the question in capitals", IMPORT_HUMAN
          + "chatbot = (lambda m: [HumanMessage(m[0].content.upper())]) | prompt | llm", TEXT, "text-no-question"),
    wrong("a model of its own, the wrong one", PACKAGE
          + loaded("my_llm", "«py(models.large)»", settings=LIMIT) + "chatbot = prompt | my_llm", MODEL, None),
    wrong("a chat model around a bound one", "from langchain_huggingface import ChatHuggingFace\n\n"
          + "chatbot = prompt | ChatHuggingFace(llm=llm.bind(pipeline_kwargs=" + LIMIT + "))", NO_CHAIN,
          "chat-wrapper"),
    wrong("a step that stops before the model", 'chatbot = prompt | (lambda p: p["text"]) | llm', NO_MODEL,
          "chain-raised"),
)  # fmt: skip
