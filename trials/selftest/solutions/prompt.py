"""Solutions of the task `prompt`."""

from __future__ import annotations

from trials.selftest.library import Losses, Mistakes, Solution
from trials.selftest.solutions.pieces import (
    IMPORT_HUMAN,
    NO_PROMPT,
    NOT_ASKED,
    PLACEHOLDER,
    PROMPT,
    QUESTION,
    SYSTEM,
    TEMPLATES,
    TODO,
    page,
    prompt_of,
)

RIGHT = page(
    "prompt",
    """
# %% prompt of message objects, by from_messages
from langchain_core.messages import SystemMessage
«TEMPLATES»
prompt = ChatPromptTemplate.from_messages(
    [SystemMessage(content=«py(system_prompt)»), MessagesPlaceholder(variable_name="messages")]
)

# %% placeholder as a pair | alone
from langchain_core.prompts import ChatPromptTemplate

prompt = ChatPromptTemplate.from_messages([("system", «py(system_prompt)»), ("placeholder", "{messages}")])
# %%% who-are-you
«IMPORT_HUMAN»
result = chatbot.invoke({"messages": [HumanMessage(content=«py(task.question)»)]})
print(result)
# %%% ideal-boat
boat = chatbot.invoke({"messages": [HumanMessage(content=«py(task.question)»)]})
print(boat)

# %% placeholder that may be left empty | alone
«TEMPLATES»
prompt = ChatPromptTemplate([("system", «py(system_prompt)»), MessagesPlaceholder("messages", optional=True)])
# %%% who-are-you
«IMPORT_HUMAN»
result = chatbot.invoke({"messages": [HumanMessage(content=«py(task.question)»)]})
print(result)
# %%% ideal-boat
boat = chatbot.invoke({"messages": [HumanMessage(content=«py(task.question)»)]})
print(boat)

# %% system message by its template class
from langchain_core.prompts import (
    ChatPromptTemplate,
    MessagesPlaceholder,
    PromptTemplate,
    SystemMessagePromptTemplate,
)

system = SystemMessagePromptTemplate(prompt=PromptTemplate(template=«py(system_prompt)», input_variables=[]))
prompt = ChatPromptTemplate(messages=[system, MessagesPlaceholder(variable_name="messages")], input_variables=["messages"])

# %% system prompt filled in beforehand
from langchain_core.prompts.chat import ChatPromptTemplate, MessagesPlaceholder

system_text = «py(system_prompt)»
prompt = ChatPromptTemplate([("system", "{role}"), MessagesPlaceholder("messages")]).partial(role=system_text)

# %% prompt added together
from langchain_core.messages import SystemMessage
from langchain_core.prompts import MessagesPlaceholder

prompt = SystemMessage(«py(system_prompt)») + MessagesPlaceholder("messages")

# %% prompt with its role in a dict
«TEMPLATES»
system = {"role": "system", "content": «py(system_prompt)»}
prompt = ChatPromptTemplate([system, MessagesPlaceholder(variable_name="messages")])
print(prompt.input_variables)

# %% prompt appended to, which then takes a dict only | alone
«TEMPLATES»
prompt = ChatPromptTemplate.from_messages([("system", «py(system_prompt)»)])
prompt.append(MessagesPlaceholder("messages"))
# %%% who-are-you
«IMPORT_HUMAN»
result = chatbot.invoke({"messages": [HumanMessage(content=«py(task.question)»)]})
print(result)
# %%% ideal-boat
boat = chatbot.invoke({"messages": [HumanMessage(content=«py(task.question)»)]})
print(boat)

# %% prompt from the classic package, in jinja
from langchain_classic.prompts import ChatPromptTemplate, MessagesPlaceholder, SystemMessagePromptTemplate

prompt = ChatPromptTemplate.from_messages(
    [
        SystemMessagePromptTemplate.from_template(«py(system_prompt)», template_format="jinja2"),
        MessagesPlaceholder(variable_name="messages", n_messages=20),
    ]
)

# %% prompt made by a helper function and looked at
from langchain_core.messages import AIMessage, HumanMessage
«TEMPLATES»

def make_prompt(system, place="messages"):
    return ChatPromptTemplate.from_messages([("system", system.strip()), MessagesPlaceholder(place)])


prompt = make_prompt(
    «py(system_prompt[:10])»
    «py(system_prompt[10:])»
)
example = prompt.invoke({"messages": [HumanMessage("Hi"), AIMessage("Hello"), HumanMessage("Bye")]})
print(example.to_string())
prompt.pretty_print()
""",
)

wrong = Mistakes("prompt", "prompt", alone=True)
ROLE = frozenset({"system"})
PLACE = frozenset({"placeholder"})
SILENT = {"prompt": PLACE, **NOT_ASKED}


def made_of(name: str, loses: frozenset[str] | Losses, hint: str, *parts: str) -> Solution:
    """A prompt made out of messages that are not right."""
    return wrong(name, prompt_of(*parts), loses, hint)


WRONG = (
    wrong("nothing done", TODO, NO_PROMPT, "missing"),
    wrong("None", "prompt = None", NO_PROMPT, "none"),
    wrong("the variable is misspelled", prompt_of(SYSTEM, PLACEHOLDER).replace("prompt = ", "promt = "), NO_PROMPT,
          "missing"),
    wrong("made in the next task's cell", {"prompt": TODO,
          "chain": prompt_of(SYSTEM, PLACEHOLDER) + "chatbot = prompt | llm"}, PROMPT, "missing"),
    made_of("the placeholder's class was not imported", NO_PROMPT, "missing-raised", SYSTEM,
          'MessagePlaceholder("messages")'),
    made_of("the system prompt lacks its last character", ROLE, "system-other",
          '("system", «py(system_prompt[:-1])»)', PLACEHOLDER),
    wrong("the system prompt in capitals", prompt_of('("system", «py(system_prompt.upper())»)', PLACEHOLDER), ROLE,
          "system-other"),
    made_of("another system prompt", ROLE, "system-other", '("system", "You are a helpful assistant.")', PLACEHOLDER),
    made_of("the system prompt with an addition", ROLE, "system-other",
          '("system", «py(system_prompt + " Be brief.")»)', PLACEHOLDER),
    made_of("no system prompt", ROLE, "system-missing", PLACEHOLDER),
    made_of("the system prompt said by a human", ROLE, "system-missing", '("human", «py(system_prompt)»)', PLACEHOLDER),
    made_of("the placeholder before the system prompt", ROLE, "system-last", PLACEHOLDER, SYSTEM),
    made_of("no placeholder", SILENT, "placeholder-missing", SYSTEM),
    made_of("the placeholder is a text variable", PLACE, "placeholder-text", SYSTEM, '("human", "{messages}")'),
    made_of("a text variable with another name", PLACE, "prompt-variables", SYSTEM, '("human", "{question}")'),
    made_of("the placeholder has another name", PLACE, "prompt-variables", SYSTEM, 'MessagesPlaceholder("message")'),
    made_of("the placeholder is a message that says messages", SILENT, "placeholder-missing", SYSTEM,
          '("human", "messages")'),
    wrong("the question inside, after the placeholder",
          {"prompt": prompt_of(SYSTEM, PLACEHOLDER, '("human", «py(task_of("who-are-you").question)»)'),
          "who-are-you": IMPORT_HUMAN + f"result = chatbot.invoke({QUESTION})\nprint(result)"}, PLACE,
          "question-inside"),
    wrong("the question in the placeholder's place",
          prompt_of(SYSTEM, '("human", «py(task_of("who-are-you").question)»)'), SILENT, "question-inside"),
    made_of("examples between the system prompt and the placeholder", PLACE, "prompt-extra", SYSTEM,
          '("human", "Hi!")', '("ai", "Hello there!")', PLACEHOLDER),
    made_of("the placeholder twice", PLACE, "prompt-extra", SYSTEM, PLACEHOLDER, PLACEHOLDER),
    made_of("the placeholder keeps only the last message", PLACE, "placeholder-missing", SYSTEM,
          'MessagesPlaceholder("messages", n_messages=1)'),
    wrong("a text with an f in front", 'messages = []\nprompt = f"System: «system_prompt»\\n{messages}"', NO_PROMPT,
          "prompt-type"),
    wrong("a list of messages", TEMPLATES + f"prompt = [{SYSTEM}, {PLACEHOLDER}]", NO_PROMPT, "prompt-type"),
    wrong("a template for plain text", "from langchain_core.prompts import PromptTemplate\n\n"
          + 'prompt = PromptTemplate.from_template(«py(system_prompt + " {messages}")»)', PROMPT, "prompt-type"),
    wrong("filled in already", prompt_of(SYSTEM, PLACEHOLDER) + 'prompt = prompt.invoke({"messages": []})',
          NO_PROMPT, "prompt-type"),
)  # fmt: skip
