"""Chains and prompts in other forms: what they take, how they run, and what stands in for them without being one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from trials.selftest.library import Losses, Mistakes, Solution
from trials.selftest.solutions.pieces import (
    ANSWER,
    KEPT,
    MODEL,
    NOT_ASKED,
    RUNNABLE,
    TEXT,
    page,
    prompt_of,
)

PROMPTS = page(
    "prompt",
    """
# %% system prompt as a list of blocks
from langchain_core.messages import SystemMessage
«TEMPLATES»
system = SystemMessage(content=[{"type": "text", "text": «py(system_prompt)»}])
prompt = ChatPromptTemplate([system, MessagesPlaceholder("messages")])

# %% prompt with a name for its runs
«TEMPLATES»
prompt = ChatPromptTemplate([("system", «py(system_prompt)»), MessagesPlaceholder("messages")]).with_config(run_name="pirate")

# %% prompt whose text a function fills in
«TEMPLATES»
parts = [("system", "{who}"), MessagesPlaceholder("messages")]
prompt = ChatPromptTemplate(parts, partial_variables={"who": lambda: «py(system_prompt)»})

# %% prompt of a class of one's own, cut out of a longer one
«TEMPLATES»

class Pirate(ChatPromptTemplate):
    pass


prompt = Pirate([("system", «py(system_prompt)»), MessagesPlaceholder("messages"), ("ai", "Arr!")])[:2]

# %% a second placeholder, which may stay empty | alone
«TEMPLATES»
history = MessagesPlaceholder("history", optional=True)
prompt = ChatPromptTemplate([("system", «py(system_prompt)»), history, MessagesPlaceholder("messages")])
# %%% who-are-you
result = chatbot.invoke({"messages": [("human", «py(task.question)»)]})
# %%% ideal-boat
boat = chatbot.invoke({"messages": [("human", «py(task.question)»)]})

# %% a function in the template's place | alone
from langchain_core.messages import SystemMessage
from langchain_core.prompt_values import ChatPromptValue
from langchain_core.runnables import RunnableLambda


def fill(given):
    messages = given["messages"] if isinstance(given, dict) else given
    return ChatPromptValue(messages=[SystemMessage(«py(system_prompt)»), *messages])


prompt = RunnableLambda(fill)
""",
)
CHAINS = page(
    "chain",
    """
# %% chain from one message | alone
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda

chatbot = RunnableLambda(lambda message: {"messages": [HumanMessage(message.content)]}) | prompt | llm
# %%% who-are-you
result = chatbot.invoke(HumanMessage(«py(task.question)»))
# %%% ideal-boat
boat = chatbot.invoke(HumanMessage(«py(task.question)»))

# %% chain that is only waited for | alone
from langchain_core.runnables import RunnableGenerator


async def talk(inputs):
    async for given in inputs:
        async for piece in (prompt | llm).astream(given):
            yield piece


chatbot = RunnableGenerator(talk)
# %%% who-are-you
result = await chatbot.ainvoke([("human", «py(task.question)»)])
# %%% ideal-boat
boat = ""
async for piece in chatbot.astream({"messages": [("human", «py(task.question)»)]}):
    boat += piece

# %% chain of a class that can only wait | alone
from langchain_core.runnables import Runnable


class Bot(Runnable):
    def invoke(self, input, config=None, **kwargs):
        raise NotImplementedError("use ainvoke")

    async def ainvoke(self, input, config=None, **kwargs):
        return await (prompt | llm).ainvoke(input, config)


chatbot = Bot()
# %%% who-are-you
result = await chatbot.ainvoke([("human", «py(task.question)»)])
# %%% ideal-boat
(boat,) = await chatbot.abatch([[("human", «py(task.question)»)]])

# %% chain as a generator
from langchain_core.runnables import RunnableGenerator


def talk(inputs):
    for given in inputs:
        yield from (prompt | llm).stream(given)


chatbot = RunnableGenerator(talk)

# %% chain as a graph | alone
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph


def call(state: MessagesState):
    return {"messages": [AIMessage((prompt | llm).invoke({"messages": state["messages"]}))]}


chatbot = StateGraph(MessagesState).add_node("model", call).add_edge(START, "model").compile()
# %%% who-are-you
result = chatbot.invoke({"messages": [("human", «py(task.question)»)]})["messages"][-1].content
# %%% ideal-boat
boat = chatbot.invoke({"messages": [("human", «py(task.question)»)]})["messages"][-1]

# %% chain as a graph that remembers, a thread for each question | alone
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph


def call(state: MessagesState):
    return {"messages": [AIMessage((prompt | llm).invoke(state["messages"]))]}


graph = StateGraph(MessagesState).add_node("model", call).add_edge(START, "model")
chatbot = graph.compile(checkpointer=InMemorySaver())
# %%% who-are-you
thread = {"configurable": {"thread_id": "first"}}
result = chatbot.invoke({"messages": [("human", «py(task.question)»)]}, thread)["messages"][-1].content
# %%% ideal-boat
thread = {"configurable": {"thread_id": "second"}}
boat = chatbot.invoke({"messages": [("human", «py(task.question)»)]}, thread)["messages"][-1].text

# %% chain whose answer is a message of blocks | alone
from langchain_core.messages import AIMessage

chatbot = prompt | llm | (lambda text: AIMessage([{"type": "text", "text": text}]))
# %%% who-are-you
result = chatbot.invoke([("human", «py(task.question)»)])
# %%% ideal-boat
boat = chatbot.invoke([("human", «py(task.question)»)]).text

# %% chain that assigns and picks | alone
from langchain_core.runnables import RunnablePassthrough

chatbot = RunnablePassthrough.assign(answer=prompt | llm).pick("answer")
# %%% who-are-you
result = chatbot.invoke({"messages": [("human", «py(task.question)»)]})
# %%% ideal-boat
boat = chatbot.invoke({"messages": [("human", «py(task.question)»)]})

# %% chain that calls transformers' model by hand
from langchain_core.runnables import RunnableLambda


def run(value):
    pipe = getattr(llm, "pipeline", None) or llm.bound.pipeline
    inputs = pipe.tokenizer(value.to_string(), return_tensors="pt").to(pipe.model.device)
    out = pipe.model.generate(**inputs, max_new_tokens=«max_new_tokens», do_sample=True)
    return pipe.tokenizer.decode(out[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True)


chatbot = prompt | RunnableLambda(run)

# %% chain that asks until the answer is long
from langchain_core.runnables import RunnableLambda


def ask(given):
    for _ in range(3):
        text = (prompt | llm).invoke(given)
        if len(text) > 10:
            break
    return text


chatbot = RunnableLambda(ask).with_types(input_type=list, output_type=str)

# %% chain with a list parser behind
from langchain_core.output_parsers import CommaSeparatedListOutputParser

chatbot = prompt | llm | CommaSeparatedListOutputParser() | ", ".join

# %% chain as an attribute of an object | alone
class Bot:
    def __init__(self, *parts):
        self.chain = parts[0] | parts[1]

    def ask(self, text):
        return self.chain.invoke([("human", text)])


bot = Bot(prompt, llm)
chatbot = bot.chain
# %%% who-are-you
result = bot.ask(«py(task.question)»)
# %%% ideal-boat
boat = bot.ask(«py(task.question)»)
""",
)

OWN_FORMS = page(
    "chain",
    """
# %% chain for many conversations at once | alone
chatbot = (prompt | llm).map()
# %%% who-are-you
(result,) = chatbot.invoke([[("human", «py(task.question)»)]])
# %%% ideal-boat
boat = chatbot.invoke([{"messages": [("human", «py(task.question)»)]}])[0]

# %% chain from an object | alone
from dataclasses import dataclass

from langchain_core.runnables import RunnableLambda


@dataclass
class Said:
    text: str
    who: str = "human"


chatbot = RunnableLambda(lambda said: [(said.who, said.text)]) | prompt | llm
# %%% who-are-you
result = chatbot.invoke(Said(«py(task.question)»))
# %%% ideal-boat
boat = chatbot.invoke(Said(«py(task.question)»))

# %% chain from a question and what was said before | alone
from langchain_core.runnables import RunnablePassthrough

chatbot = RunnablePassthrough.assign(messages=lambda d: [*d["history"], ("human", d["question"])]) | prompt | llm
# %%% who-are-you
result = chatbot.invoke({"question": «py(task.question)», "history": []})
# %%% ideal-boat
boat = chatbot.invoke({"question": «py(task.question)», "history": []})
""",
)
"""Chains that a check cannot ask, since nobody but their author knows what they take. A person looks."""

RIGHT = (*PROMPTS, *CHAINS, *(replace(one, review=frozenset({"chain"})) for one in OWN_FORMS))

prompt = Mistakes("prompt", "prompt", alone=True)
chain = Mistakes("chain", "chain", alone=True)
ROLE, PLACE = frozenset({"system"}), frozenset({"placeholder"})
NO_MODEL = {"chain": TEXT | MODEL, **NOT_ASKED}
NEVER = "from unittest.mock import MagicMock\n\n"
S, M = '("system", «py(system_prompt)»)', 'MessagesPlaceholder("messages")'


def stand_ins(what: Iterable[tuple[str, str, frozenset[str]]]) -> tuple[Solution, ...]:
    """Chains whose answers no model has given."""
    return tuple(chain(name, code, {"chain": loses, **NOT_ASKED}, None) for name, code, loses in what)


def says(name: str, code: str, loses: frozenset[str] | Losses = TEXT, hint: str = "text-other") -> Solution:
    """A chain that sends something else than the prompt with the question."""
    return chain(name, code, loses, hint)


WRONG = (
    prompt("the system prompt said by the model", prompt_of('("ai", «py(system_prompt)»)', M), ROLE, "system-missing"),
    prompt("the system prompt twice", prompt_of(S, S, M), PLACE, "prompt-extra"),
    prompt("the list of messages inside the system prompt",
           prompt_of('("system", «py(system_prompt + " {messages}")»)'), ROLE | PLACE, "system-other"),
    prompt("the placeholder taken out again", prompt_of(S, M) + "prompt.messages.pop()", PLACE, "placeholder-missing"),
    prompt("another variable that nobody fills", prompt_of('("system", "You are {who}.")', M),
           {"prompt": ROLE | PLACE, **NOT_ASKED}, "prompt-variables"),
    prompt("something that is no message put in", prompt_of(S, M) + 'prompt.messages[0] = ("system", "Be brief.")',
           {"prompt": ROLE | PLACE, **NOT_ASKED}, None),
    chain("what was said before goes along for ever", {
          "chain": "from langchain_core.runnables import RunnableLambda\n\nhistory = []\n\n\ndef talk(given):\n"
          "    history.extend(given['messages'] if isinstance(given, dict) else given)\n"
          "    return (prompt | llm).invoke(history)\n\n\nchatbot = RunnableLambda(talk)",
          "ideal-boat": 'boat = chatbot.invoke([("human", «py(task.question)»)])'}, {"ideal-boat": ANSWER},
          "asked-together"),
    says("the question twice", "chatbot = (lambda messages: [*messages, *messages]) | prompt | llm"),
    says("examples before the question", 'chatbot = (lambda m: [("human", "Hi"), ("ai", "Arr!"), *m]) | prompt | llm'),
    says("the question in quotation marks", 'chatbot = (lambda m: [("human", repr(m[0][1] if isinstance(m[0], tuple) '
         'else m[0].content))]) | prompt | llm'),
    says("the prompt as Python shows it", "chatbot = prompt | str | llm"),
    says("the beginning of an answer added", 'chatbot = prompt | (lambda v: v.to_string() + "\\nAI:") | llm'),
    says("the system prompt alone", "chatbot = prompt | (lambda v: v.to_messages()[0].content) | llm", TEXT,
         "text-no-question"),
    chain("a model without a chat template in a chat model", "from langchain_huggingface import ChatHuggingFace, "
          "HuggingFacePipeline\n\npipe = getattr(llm, 'pipeline', None) or llm.bound.pipeline\n"
          "chat = ChatHuggingFace(llm=HuggingFacePipeline(pipeline=pipe), model_id=«py(task.model)»)\n"
          "chat.tokenizer.chat_template = None\nchatbot = prompt | chat",
          NO_MODEL, "no-chat-template"),
    chain("an object with an invoke of its own", "class Bot:\n    def invoke(self, messages):\n"
          "        return (prompt | llm).invoke(messages)\n\n\nchatbot = Bot()", RUNNABLE, "not-runnable"),
    chain("the method alone", "chatbot = (prompt | llm).invoke", {"chain": RUNNABLE, **NOT_ASKED}, "not-runnable"),
    chain("asked while it was made", "from langchain_core.runnables import RunnableLambda\n\n"
          'text = (prompt | llm).invoke([("human", «py(task_of("who-are-you").question)»)])\n'
          "chatbot = RunnableLambda(lambda messages: text)", {"chain": TEXT | MODEL, "ideal-boat": ANSWER},
          "no-model-asked"),
    chain("the model asked for one question alone", "from langchain_core.runnables import RunnableBranch\n\n"
          'chatbot = RunnableBranch((lambda m: «py(task_of("who-are-you").question)» in str(m), prompt | llm), '
          'lambda m: "Arr!")', {"chain": TEXT | MODEL, "ideal-boat": ANSWER}, "no-model-asked"),
    chain("the answer asked about again", "chatbot = prompt | llm | llm", {"who-are-you": KEPT, "ideal-boat": KEPT},
          None),
    *stand_ins([
        ("answers out of a dict", "from langchain_core.runnables import RunnableLambda\n\n"
         'chatbot = RunnableLambda(lambda m: {"Who are you?": "A pirate."}.get(str(m), "Arr!"))', TEXT | MODEL),
        ("a made-up model", "from langchain_core.language_models import FakeListLLM\n\n"
         'chatbot = prompt | FakeListLLM(responses=["Arr!"])', TEXT | MODEL),
        ("a stand-in", NEVER + 'chatbot = MagicMock()\nchatbot.invoke.return_value = "Arr!"', RUNNABLE | TEXT | MODEL),
        ("a stand-in that says it is a chain", NEVER + "from langchain_core.runnables import RunnableSequence\n\n"
         'chatbot = MagicMock(spec=RunnableSequence)\nchatbot.invoke.return_value = "Arr!"', TEXT | MODEL),
        ("another invoke in its place", 'chatbot = prompt | llm\nvars(chatbot)["invoke"] = lambda *_, **__: "Arr!"',
         TEXT | MODEL),
        ("another invoke in the place of all chains'", "from langchain_core.runnables import RunnableSequence\n\n"
         'RunnableSequence.invoke = lambda *_, **__: "Arr!"\nchatbot = prompt | llm', TEXT | MODEL),
    ]),
)  # fmt: skip
