"""Solutions of the task `prompt`."""

from __future__ import annotations

from trials.selftest.library import Solution
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
    prompt_of,
)

ASK_BY_DICT = {
    "who-are-you": """
from langchain_core.messages import HumanMessage

result = chatbot.invoke({"messages": [HumanMessage(content=«py(task.question)»)]})
print(result)
""",
    "ideal-boat": """
boat = chatbot.invoke({"messages": [HumanMessage(content=«py(task.question)»)]})
print(boat)
""",
}
RIGHT = (
    Solution(
        "prompt of message objects, by from_messages",
        {
            "prompt": """
from langchain_core.messages import SystemMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

prompt = ChatPromptTemplate.from_messages(
    [SystemMessage(content=«py(system_prompt)»), MessagesPlaceholder(variable_name="messages")]
)
"""
        },
    ),
    Solution(
        "placeholder as a pair",
        {
            "prompt": """
from langchain_core.prompts import ChatPromptTemplate

prompt = ChatPromptTemplate.from_messages([("system", «py(system_prompt)»), ("placeholder", "{messages}")])
""",
            **ASK_BY_DICT,
        },
        alone=True,
    ),
    Solution(
        "placeholder that may be left empty",
        {
            "prompt": """
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

prompt = ChatPromptTemplate([("system", «py(system_prompt)»), MessagesPlaceholder("messages", optional=True)])
""",
            **ASK_BY_DICT,
        },
        alone=True,
    ),
    Solution(
        "system message by its template class",
        {
            "prompt": """
from langchain_core.prompts import (
    ChatPromptTemplate,
    MessagesPlaceholder,
    PromptTemplate,
    SystemMessagePromptTemplate,
)

system = SystemMessagePromptTemplate(prompt=PromptTemplate(template=«py(system_prompt)», input_variables=[]))
prompt = ChatPromptTemplate(messages=[system, MessagesPlaceholder(variable_name="messages")], input_variables=["messages"])
"""
        },
    ),
    Solution(
        "system prompt filled in beforehand",
        {
            "prompt": """
from langchain_core.prompts.chat import ChatPromptTemplate, MessagesPlaceholder

system_text = «py(system_prompt)»
prompt = ChatPromptTemplate([("system", "{role}"), MessagesPlaceholder("messages")]).partial(role=system_text)
"""
        },
    ),
    Solution(
        "prompt added together",
        {
            "prompt": """
from langchain_core.messages import SystemMessage
from langchain_core.prompts import MessagesPlaceholder

prompt = SystemMessage(«py(system_prompt)») + MessagesPlaceholder("messages")
"""
        },
    ),
    Solution(
        "prompt with its role in a dict",
        {
            "prompt": """
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

system = {"role": "system", "content": «py(system_prompt)»}
prompt = ChatPromptTemplate([system, MessagesPlaceholder(variable_name="messages")])
print(prompt.input_variables)
"""
        },
    ),
    Solution(
        "prompt appended to, which then takes a dict only",
        {
            "prompt": """
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder

prompt = ChatPromptTemplate.from_messages([("system", «py(system_prompt)»)])
prompt.append(MessagesPlaceholder("messages"))
""",
            **ASK_BY_DICT,
        },
        alone=True,
    ),
    Solution(
        "prompt from the classic package, in jinja",
        {
            "prompt": """
from langchain_classic.prompts import ChatPromptTemplate, MessagesPlaceholder, SystemMessagePromptTemplate

prompt = ChatPromptTemplate.from_messages(
    [
        SystemMessagePromptTemplate.from_template(«py(system_prompt)», template_format="jinja2"),
        MessagesPlaceholder(variable_name="messages", n_messages=20),
    ]
)
"""
        },
    ),
    Solution(
        "prompt made by a helper function and looked at",
        {
            "prompt": """
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder


def make_prompt(system, place="messages"):
    return ChatPromptTemplate.from_messages([("system", system.strip()), MessagesPlaceholder(place)])


prompt = make_prompt(
    «py(system_prompt[:10])»
    «py(system_prompt[10:])»
)
example = prompt.invoke({"messages": [HumanMessage("Hi"), AIMessage("Hello"), HumanMessage("Bye")]})
print(example.to_string())
prompt.pretty_print()
"""
        },
    ),
)


WRONG = (
    Solution("prompt: nothing done", {"prompt": TODO}, NO_PROMPT, "missing", alone=True),
    Solution("prompt: None", {"prompt": "prompt = None"}, NO_PROMPT, "none", alone=True),
    Solution(
        "prompt: the variable is misspelled",
        {"prompt": prompt_of(SYSTEM, PLACEHOLDER).replace("prompt = ", "promt = ")},
        NO_PROMPT,
        "missing",
        alone=True,
    ),
    Solution(
        "prompt: made in the next task's cell",
        {"prompt": TODO, "chain": prompt_of(SYSTEM, PLACEHOLDER) + "chatbot = prompt | llm"},
        {"prompt": PROMPT},
        "missing",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder's class was not imported",
        {"prompt": prompt_of(SYSTEM, 'MessagePlaceholder("messages")')},
        NO_PROMPT,
        "missing-raised",
        alone=True,
    ),
    Solution(
        "prompt: the system prompt lacks its last character",
        {"prompt": prompt_of('("system", «py(system_prompt[:-1])»)', PLACEHOLDER)},
        {"prompt": frozenset({"system"})},
        "system-other",
        alone=True,
    ),
    Solution(
        "prompt: the system prompt in capitals",
        {"prompt": prompt_of('("system", «py(system_prompt.upper())»)', PLACEHOLDER)},
        {"prompt": frozenset({"system"})},
        "system-other",
        alone=True,
    ),
    Solution(
        "prompt: another system prompt",
        {"prompt": prompt_of('("system", "You are a helpful assistant.")', PLACEHOLDER)},
        {"prompt": frozenset({"system"})},
        "system-other",
        alone=True,
    ),
    Solution(
        "prompt: the system prompt with an addition",
        {"prompt": prompt_of('("system", «py(system_prompt + " Be brief.")»)', PLACEHOLDER)},
        {"prompt": frozenset({"system"})},
        "system-other",
        alone=True,
    ),
    Solution(
        "prompt: no system prompt",
        {"prompt": prompt_of(PLACEHOLDER)},
        {"prompt": frozenset({"system"})},
        "system-missing",
        alone=True,
    ),
    Solution(
        "prompt: the system prompt said by a human",
        {"prompt": prompt_of('("human", «py(system_prompt)»)', PLACEHOLDER)},
        {"prompt": frozenset({"system"})},
        "system-missing",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder before the system prompt",
        {"prompt": prompt_of(PLACEHOLDER, SYSTEM)},
        {"prompt": frozenset({"system"})},
        "system-last",
        alone=True,
    ),
    Solution(
        "prompt: no placeholder",
        {"prompt": prompt_of(SYSTEM)},
        {"prompt": frozenset({"placeholder"}), **NOT_ASKED},
        "placeholder-missing",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder is a text variable",
        {"prompt": prompt_of(SYSTEM, '("human", "{messages}")')},
        {"prompt": frozenset({"placeholder"})},
        "placeholder-text",
        alone=True,
    ),
    Solution(
        "prompt: a text variable with another name",
        {"prompt": prompt_of(SYSTEM, '("human", "{question}")')},
        {"prompt": frozenset({"placeholder"})},
        "prompt-variables",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder has another name",
        {"prompt": prompt_of(SYSTEM, 'MessagesPlaceholder("message")')},
        {"prompt": frozenset({"placeholder"})},
        "prompt-variables",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder is a message that says messages",
        {"prompt": prompt_of(SYSTEM, '("human", "messages")')},
        {"prompt": frozenset({"placeholder"}), **NOT_ASKED},
        "placeholder-missing",
        alone=True,
    ),
    Solution(
        "prompt: the question inside, after the placeholder",
        {
            "prompt": prompt_of(SYSTEM, PLACEHOLDER, '("human", «py(task_of("who-are-you").question)»)'),
            "who-are-you": IMPORT_HUMAN + f"result = chatbot.invoke({QUESTION})\nprint(result)",
        },
        {"prompt": frozenset({"placeholder"})},
        "question-inside",
        alone=True,
    ),
    Solution(
        "prompt: the question in the placeholder's place",
        {"prompt": prompt_of(SYSTEM, '("human", «py(task_of("who-are-you").question)»)')},
        {"prompt": frozenset({"placeholder"}), **NOT_ASKED},
        "question-inside",
        alone=True,
    ),
    Solution(
        "prompt: examples between the system prompt and the placeholder",
        {"prompt": prompt_of(SYSTEM, '("human", "Hi!")', '("ai", "Hello there!")', PLACEHOLDER)},
        {"prompt": frozenset({"placeholder"})},
        "prompt-extra",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder twice",
        {"prompt": prompt_of(SYSTEM, PLACEHOLDER, PLACEHOLDER)},
        {"prompt": frozenset({"placeholder"})},
        "prompt-extra",
        alone=True,
    ),
    Solution(
        "prompt: the placeholder keeps only the last message",
        {"prompt": prompt_of(SYSTEM, 'MessagesPlaceholder("messages", n_messages=1)')},
        {"prompt": frozenset({"placeholder"})},
        "placeholder-missing",
        alone=True,
    ),
    Solution(
        "prompt: a text with an f in front",
        {"prompt": 'messages = []\nprompt = f"System: «system_prompt»\\n{messages}"'},
        NO_PROMPT,
        "prompt-type",
        alone=True,
    ),
    Solution(
        "prompt: a list of messages",
        {"prompt": TEMPLATES + f"prompt = [{SYSTEM}, {PLACEHOLDER}]"},
        NO_PROMPT,
        "prompt-type",
        alone=True,
    ),
    Solution(
        "prompt: a template for plain text",
        {
            "prompt": "from langchain_core.prompts import PromptTemplate\n\n"
            + 'prompt = PromptTemplate.from_template(«py(system_prompt + " {messages}")»)'
        },
        {"prompt": PROMPT},
        "prompt-type",
        alone=True,
    ),
    Solution(
        "prompt: filled in already",
        {"prompt": prompt_of(SYSTEM, PLACEHOLDER) + 'prompt = prompt.invoke({"messages": []})'},
        NO_PROMPT,
        "prompt-type",
        alone=True,
    ),
)
