"""Solutions of the task `chain`."""

from __future__ import annotations

from trials.selftest.library import Solution
from trials.selftest.solutions.pieces import (
    ANOTHER_PROMPT,
    ANSWER,
    CHAIN,
    EITHER_PACKAGE,
    HUMAN,
    IMPORT_HUMAN,
    LIMIT,
    NO_CHAIN,
    NOT_ASKED,
    QUESTION,
    TEMPLATES,
    TODO,
    loaded,
)

RIGHT = (
    Solution(
        "prompt made once more in the chain's cell, just the same",
        {
            "chain": """
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

prompt = ChatPromptTemplate([("system", «py(system_prompt)»), MessagesPlaceholder("messages")])
chatbot = prompt | llm
"""
        },
    ),
    Solution("chain by pipe", {"chain": "chatbot = prompt.pipe(llm)"}),
    Solution(
        "chain by its class",
        {
            "chain": """
from langchain_core.runnables import RunnableSequence

chatbot = RunnableSequence(prompt, llm)
"""
        },
    ),
    Solution(
        "chain by its class, first and last named",
        {
            "chain": """
from langchain_core.runnables import RunnableSequence

chatbot = RunnableSequence(first=prompt, last=llm, name="chatbot")
chatbot
"""
        },
    ),
    Solution(
        "chain folded, with a parser at its end",
        {
            "chain": """
from functools import reduce
from operator import or_

from langchain_core.output_parsers import StrOutputParser

chatbot = reduce(or_, [prompt, llm, StrOutputParser()])
"""
        },
    ),
    Solution(
        "chain that skips the prompt",
        {"chain": "chatbot = prompt | llm.bind(skip_prompt=True)"},
    ),
    Solution(
        "chain with a stop and a name",
        {"chain": 'chatbot = (prompt | llm.bind(stop=["Human:"])).with_config(run_name="chatbot", tags=["test"])'},
    ),
    Solution(
        "chain with retries and fallbacks",
        {
            "chain": """
chatbot = (prompt | llm).with_retry(stop_after_attempt=3, wait_exponential_jitter=False).with_fallbacks([prompt | llm])
"""
        },
    ),
    Solution(
        "chain with fallbacks inside",
        {"chain": "chatbot = prompt | llm.with_fallbacks([llm, llm.with_retry(stop_after_attempt=2)])"},
    ),
    Solution(
        "chain that cuts the answer afterwards",
        {
            "chain": """
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda


def only_answer(text):
    return text.split("Human:")[-1].strip()


chatbot = prompt | llm | StrOutputParser() | RunnableLambda(only_answer)
"""
        },
        alone=True,  # what is left of an echo is the same for each question
    ),
    Solution(
        "chain whose cut fails where there was no prompt",
        {
            "chain": """
chatbot = prompt | llm | (lambda text: text.split("Human: ")[1]) | str.strip
"""
        },
        alone=True,
    ),
    Solution(
        "chain with text between prompt and model",
        {"chain": "chatbot = prompt | (lambda value: value.to_string()) | llm"},
    ),
    Solution(
        "chain from a list of messages alone",
        {
            "chain": """
from langchain_core.runnables import RunnablePassthrough

chatbot = {"messages": RunnablePassthrough()} | prompt | llm
"""
        },
        alone=True,
    ),
    Solution(
        "chain from a text",
        {
            "chain": """
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda

to_messages = RunnableLambda(lambda text: {"messages": [HumanMessage(content=text)]})
chatbot = to_messages | prompt | llm
""",
            "who-are-you": "result = chatbot.invoke(«py(task.question)»)\nprint(result)",
            "ideal-boat": "boat = chatbot.invoke(«py(task.question)»)\nprint(boat)",
        },
        alone=True,
    ),
    Solution(
        "chain from a dict with the question",
        {
            "chain": """
from operator import itemgetter

from langchain_core.runnables import RunnableLambda

chatbot = {"messages": itemgetter("question") | RunnableLambda(lambda text: [("human", text)])} | prompt | llm
""",
            "who-are-you": 'result = chatbot.invoke({"question": «py(task.question)»})\nprint(result)',
            "ideal-boat": 'boat = chatbot.invoke({"question": «py(task.question)»})\nprint(boat)',
        },
        alone=True,
    ),
    Solution(
        "chain that keeps the question beside the answer",
        {
            "chain": """
from langchain_core.runnables import RunnablePassthrough

chatbot = RunnablePassthrough.assign(answer=prompt | llm)
""",
            "who-are-you": """
output = chatbot.invoke({"messages": [("human", «py(task.question)»)]})
result = output["answer"]
print(result)
""",
            "ideal-boat": """
output = chatbot.invoke({"messages": [("human", «py(task.question)»)]})
boat = output["answer"]
print(boat)
""",
        },
        alone=True,
    ),
    Solution(
        "chain by the decorator",
        {
            "chain": """
from langchain_core.runnables import chain


@chain
def chatbot(messages):
    filled = prompt.invoke(messages)
    return llm.invoke(filled)
"""
        },
    ),
    Solution(
        "chain by a function that answers with a chain",
        {
            "chain": """
from langchain_core.runnables import RunnableLambda


def choose(given):
    messages = given["messages"] if isinstance(given, dict) else given
    print(len(messages), "message(s)")
    return prompt | llm


chatbot = RunnableLambda(choose)
"""
        },
    ),
    Solution(
        "chain as a class of one's own",
        {
            "chain": '''
from langchain_core.runnables import Runnable


class Chatbot(Runnable):
    """A prompt and a model."""

    def __init__(self, prompt, llm):
        self.prompt = prompt
        self.llm = llm

    def invoke(self, input, config=None, **kwargs):
        return self.llm.invoke(self.prompt.invoke(input, config), config, **kwargs)


chatbot = Chatbot(prompt, llm)
'''
        },
    ),
    Solution(
        "chain of the classic package",
        {
            "chain": """
from langchain_classic.chains import LLMChain

chatbot = LLMChain(llm=llm, prompt=prompt, verbose=False)
""",
            "who-are-you": """
result = chatbot.invoke({"messages": [("human", «py(task.question)»)]})["text"]
print(result)
""",
            "ideal-boat": 'boat = chatbot.run(messages=[("human", «py(task.question)»)])\nprint(boat)',
        },
        alone=True,
    ),
    Solution(
        "chain with alternatives to choose from",
        {
            "chain": """
from langchain_core.runnables import ConfigurableField

careful = llm.bind(pipeline_kwargs={"max_new_tokens": «max_new_tokens», "temperature": 0.1, "do_sample": True})
choice = llm.configurable_alternatives(ConfigurableField(id="mood"), default_key="plain", careful=careful)
chatbot = prompt | choice
"""
        },
    ),
    Solution(
        "chain with a branch and listeners",
        {
            "chain": """
from langchain_core.runnables import RunnableBranch

straight = prompt | llm
runs = []
chatbot = RunnableBranch((lambda given: len(given) > 100, straight), straight).with_listeners(
    on_end=lambda run: runs.append(run.name)
)
"""
        },
    ),
    Solution(
        "chain with a memory, one session for each question",
        {
            "chain": """
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.runnables.history import RunnableWithMessageHistory

sessions = {}


def get_session_history(session_id: str) -> InMemoryChatMessageHistory:
    if session_id not in sessions:
        sessions[session_id] = InMemoryChatMessageHistory()
    return sessions[session_id]


chatbot = RunnableWithMessageHistory(prompt | llm, get_session_history, input_messages_key="messages")
""",
            "who-are-you": HUMAN
            + """
config = {"configurable": {"session_id": "first"}}
result = chatbot.invoke({"messages": [HumanMessage(«py(task.question)»)]}, config=config)
print(result)
""",
            "ideal-boat": HUMAN
            + """
config = {"configurable": {"session_id": "second"}}
boat = chatbot.invoke({"messages": [HumanMessage(«py(task.question)»)]}, config=config)
print(boat)
""",
        },
        alone=True,
    ),
)


WRONG = (
    Solution("chain: nothing done", {"chain": TODO}, NO_CHAIN, "missing", alone=True),
    Solution("chain: None", {"chain": "chatbot = None"}, NO_CHAIN, "none", alone=True),
    Solution(
        "chain: the variable is misspelled", {"chain": "chatbott = prompt | llm"}, NO_CHAIN, "missing", alone=True
    ),
    Solution(
        "chain: a variable that does not exist",
        {"chain": "chatbot = prompt | model"},
        NO_CHAIN,
        "missing-raised",
        alone=True,
    ),
    Solution("chain: a syntax error", {"chain": "chatbot = prompt || llm"}, NO_CHAIN, "missing-raised", alone=True),
    Solution("chain: plus for the bar", {"chain": "chatbot = prompt + [llm]"}, NO_CHAIN, "missing-raised", alone=True),
    Solution(
        "chain: made too late, in the last task's cell",
        {"chain": TODO, "ideal-boat": IMPORT_HUMAN + f"chatbot = prompt | llm\nboat = chatbot.invoke({QUESTION})"},
        {"chain": CHAIN, "who-are-you": ANSWER},
        "missing",
        alone=True,
    ),
    Solution(
        "chain: a function",
        {"chain": "def chatbot(messages):\n    return (prompt | llm).invoke(messages)"},
        {"chain": frozenset({"runnable"}), **NOT_ASKED},
        "not-runnable",
        alone=True,
    ),
    Solution("chain: a list", {"chain": "chatbot = [prompt, llm]"}, NO_CHAIN, "not-runnable", alone=True),
    Solution(
        "chain: a dict", {"chain": 'chatbot = {"prompt": prompt, "llm": llm}'}, NO_CHAIN, "not-runnable", alone=True
    ),
    Solution("chain: two values", {"chain": "chatbot = prompt, llm"}, NO_CHAIN, "not-runnable", alone=True),
    Solution(
        "chain: an answer",
        {"chain": IMPORT_HUMAN + 'chatbot = (prompt | llm).invoke([HumanMessage("Hello!")])'},
        NO_CHAIN,
        "chain-is-answer",
        alone=True,
    ),
    Solution(
        "chain: the prompt alone",
        {"chain": "chatbot = prompt"},
        {"chain": frozenset({"text", "model"}), **NOT_ASKED},
        "no-model-asked",
        alone=True,
    ),
    Solution(
        "chain: an answer written by hand for a model",
        {"chain": 'chatbot = prompt | (lambda messages: "Hello, I am your chatbot.")'},
        {"chain": frozenset({"text", "model"}), **NOT_ASKED},
        "no-model-asked",
        alone=True,
    ),
    Solution(
        "chain: the model alone",
        {"chain": "chatbot = llm"},
        {"chain": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "chain: and for the bar",
        {"chain": "chatbot = prompt and llm"},
        {"chain": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "chain: reversed",
        {"chain": "chatbot = llm | prompt"},
        {"chain": frozenset({"text"}), "who-are-you": frozenset({"kept"}), "ideal-boat": frozenset({"kept"})},
        "chain-reversed",
        alone=True,
    ),
    Solution(
        "chain: a fixed question",
        {"chain": IMPORT_HUMAN + 'chatbot = (lambda _: [HumanMessage("What is your name?")]) | prompt | llm'},
        {"chain": frozenset({"text"})},
        "text-no-question",
        alone=True,
    ),
    Solution(
        "chain: another prompt",
        {"chain": TEMPLATES + ANOTHER_PROMPT + "chatbot = other_prompt | llm"},
        {"chain": frozenset({"text"})},
        "text-no-prompt",
        alone=True,
    ),
    Solution(
        "chain: a text with an f in front for the prompt",
        {
            "chain": "from langchain_core.runnables import RunnableLambda\n\n"
            + 'chatbot = RunnableLambda(lambda m: f"System prompt: «system_prompt» Question: {m[0].content}") | llm'
        },
        {"chain": frozenset({"text"})},
        "text-other",
        alone=True,
    ),
    Solution(
        "chain: text added after the prompt",
        {"chain": 'chatbot = prompt | (lambda p: p.to_string() + "\\nAnswer in one word.") | llm'},
        {"chain": frozenset({"text"})},
        "text-other",
        alone=True,
    ),
    Solution(
        "chain: the question in capitals",
        {"chain": IMPORT_HUMAN + "chatbot = (lambda m: [HumanMessage(m[0].content.upper())]) | prompt | llm"},
        {"chain": frozenset({"text"})},
        "text-no-question",
        alone=True,
    ),
    Solution(
        "chain: a model of its own, the wrong one",
        {
            "chain": EITHER_PACKAGE
            + loaded("my_llm", "«py(models.large)»", settings=LIMIT)
            + "chatbot = prompt | my_llm"
        },
        {"chain": frozenset({"model"})},
        alone=True,
    ),
    Solution(
        "chain: a chat model around a bound one",
        {
            "chain": "from langchain_huggingface import ChatHuggingFace\n\n"
            + "chatbot = prompt | ChatHuggingFace(llm=llm.bind(pipeline_kwargs="
            + LIMIT
            + "))"
        },
        NO_CHAIN,
        "chat-wrapper",
        alone=True,
    ),
    Solution(
        "chain: a step that stops before the model",
        {"chain": 'chatbot = prompt | (lambda p: p["text"]) | llm'},
        {"chain": frozenset({"text", "model"}), **NOT_ASKED},
        "chain-raised",
        alone=True,
    ),
)
