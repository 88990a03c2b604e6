"""Answers by other roads, for `who-are-you` and the like: how the question got there, and what was made of the answer."""

from __future__ import annotations

from trials.selftest.library import Mistakes
from trials.selftest.solutions.pieces import ANSWER, ASKED, KEPT, LIMIT, MODEL, PACKAGE, QUESTION, TEXT, loaded, page

ASKED_SO = page(
    "who-are-you",
    """
# %% question as a list of blocks
«IMPORT_HUMAN»
result = chatbot.invoke([HumanMessage(content=[{"type": "text", "text": «py(task.question)»}])])

# %% question with a name and an id, by a class of one's own
«IMPORT_HUMAN»

class Me(HumanMessage):
    pass


result = chatbot.invoke([Me(«py(task.question)», name="Ola", id="1", additional_kwargs={"mood": "curious"})])

# %% question with an empty line behind
result = chatbot.invoke([("human", «py(task.question)» + "\\n")])

# %% messages given to the model itself
from langchain_core.messages import HumanMessage, SystemMessage

result = llm.invoke([SystemMessage(«py(system_prompt)»), HumanMessage(«py(task.question)»)])

# %% asked in a stream of events
result = None
async for event in chatbot.astream_events([("human", «py(task.question)»)], version="v2"):
    if event["event"] == "on_chain_end":
        result = event["data"]["output"]

# %% asked in a log
final = None
async for patch in chatbot.astream_log([("human", «py(task.question)»)]):
    final = patch if final is None else final + patch
result = final.state["final_output"]

# %% asked by the first to finish of four
from concurrent.futures import ThreadPoolExecutor, as_completed

with ThreadPoolExecutor(4) as pool:
    futures = [pool.submit(chatbot.invoke, [("human", «py(task.question)»)]) for _ in range(4)]
    result = next(as_completed(futures)).result()

# %% asked twice, remembered by functools
from functools import lru_cache


@lru_cache
def ask(text):
    return chatbot.invoke([("human", text)])


ask(«py(task.question)»)
result = ask(«py(task.question)»)

# %% asked inside a loop of its own
import asyncio

import nest_asyncio2

nest_asyncio2.apply()
result = asyncio.run(chatbot.ainvoke([("human", «py(task.question)»)]))

# %% asked until it works
import time

for attempt in range(3):
    try:
        result = chatbot.invoke([("human", «py(task.question)»)])
        break
    except RuntimeError:
        time.sleep(2**attempt)

# %% asked in a cell that is timed
%%time
result = chatbot.invoke([("human", «py(task.question)»)])
print(result)

# %% asked in a cell whose output is caught
%%capture captured
result = chatbot.invoke([("human", «py(task.question)»)])
print(result)

# %% asked in a function that says it is global
def ask() -> None:
    global result
    result = chatbot.invoke([("human", «py(task.question)»)])


ask()
""",
)
MADE_OF = page(
    "who-are-you",
    """
# %% answer cut off in its middle, prompt and all
text = chatbot.invoke([("human", «py(task.question)»)])
start = text.find(«py(task.question)»)
result = text[: start + len(«py(task.question)») + 30] if start >= 0 else text[:30]

# %% answer shortened by textwrap
import textwrap

result = textwrap.shorten(chatbot.invoke([("human", «py(task.question)»)]), 10_000, placeholder="...")

# %% answer in lines with a mark in front | review
import textwrap

result = textwrap.indent(textwrap.fill(chatbot.invoke([("human", «py(task.question)»)]), 25), "> ")

# %% answer between quotation marks
result = chr(171) + chatbot.invoke([("human", «py(task.question)»)]) + chr(187)

# %% answer as markdown with the question above
text = chatbot.invoke([("human", «py(task.question)»)]).removeprefix("System: ")
result = f"**«task.question»**\\n\\n{text}"

# %% answer read back from a file
from pathlib import Path

Path("answer.txt").write_text(chatbot.invoke([("human", «py(task.question)»)]), encoding="utf-8")
result = Path("answer.txt").read_text(encoding="utf-8")

# %% answer through JSON
import json

result = json.loads(json.dumps({"answer": chatbot.invoke([("human", «py(task.question)»)])}))["answer"]

# %% answer as it was printed
import contextlib
import io

with contextlib.redirect_stdout(io.StringIO()) as out:
    print(chatbot.invoke([("human", «py(task.question)»)]), end="")
result = out.getvalue()

# %% answer by the walrus, in a match
match text := chatbot.invoke([("human", «py(task.question)»)]):
    case str():
        result = text

# %% answer out of a dict of questions
answers_to = {q: chatbot.invoke({"messages": [("user", q)]}) for q in («py(task.question)», "Why?")}
result, *_ = answers_to.values()

# %% answer as the text of a message
from langchain_core.messages import AIMessage

result = AIMessage(chatbot.invoke([("human", «py(task.question)»)])).text
""",
)
SMALL = page(
    "instruct-small",
    """
# %% small model, a prompt of its own with the same words
«PACKAGE»
«LOAD_LIMITED»
from langchain_core.prompts import ChatPromptTemplate

chatbot_small = ChatPromptTemplate([("system", «py(system_prompt)»), ("human", "{question}")]) | llm
result_small = chatbot_small.invoke({"question": «py(task.question)»})

# %% small model by hand, chat template straight to tensors
from langchain_core.messages import convert_to_openai_messages
from langchain_core.runnables import RunnableLambda
from transformers import AutoModelForCausalLM, AutoTokenizer

free_models()
tokenizer = AutoTokenizer.from_pretrained(«py(task.model)»)
model = AutoModelForCausalLM.from_pretrained(«py(task.model)», device_map="auto")


def answer(value):
    chat = convert_to_openai_messages(value.to_messages())
    inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    out = model.generate(**inputs.to(model.device), max_new_tokens=«max_new_tokens»)
    return tokenizer.decode(out[0][inputs["input_ids"].shape[-1]:], skip_special_tokens=True)


chatbot_small = prompt | RunnableLambda(answer)
result_small = chatbot_small.invoke([("human", «py(task.question)»)])

# %% small model as an agent without tools
from langchain_huggingface import ChatHuggingFace, HuggingFacePipeline
from langgraph.prebuilt import create_react_agent
«LOAD_LIMITED»
chatbot_small = create_react_agent(ChatHuggingFace(llm=llm), [], prompt=«py(system_prompt)»)
result_small = chatbot_small.invoke({"messages": [("human", «py(task.question)»)]})["messages"][-1].content

# %% small model asked in a batch of two with padding
«PACKAGE»
free_models()
llm = HuggingFacePipeline.from_model_id(
    «py(task.model)», "text-generation", device=0, batch_size=2, pipeline_kwargs={"max_new_tokens": «max_new_tokens»}
)
llm.pipeline.tokenizer.pad_token_id = llm.pipeline.tokenizer.eos_token_id
llm.pipeline.tokenizer.padding_side = "left"
chatbot_small = prompt | llm
result_small, other = chatbot_small.batch([[("human", «py(task.question)»)], [("human", "Hello, are you there?")]])

# %% small model, a prompt of its own with two variables | review
«PACKAGE»
«LOAD_LIMITED»
from langchain_core.prompts import ChatPromptTemplate

chatbot_small = ChatPromptTemplate([("system", "{who}"), ("human", "{question}")]) | llm
result_small = chatbot_small.invoke({"who": «py(system_prompt)», "question": «py(task.question)»})
""",
)
RIGHT = ASKED_SO + MADE_OF + SMALL

wrong = Mistakes("who-are-you", "who-are-you", alone=True)
small = Mistakes("instruct-small", "instruct-small")
ASK = 'chatbot.invoke([("human", «py(task.question)»)])'
BOT = PACKAGE + "free_models()\n" + loaded(settings=LIMIT)
TEMPLATED = (
    "from langchain_core.messages import HumanMessage, convert_to_openai_messages\n\n"
    + BOT
    + ("tokenizer = llm.pipeline.tokenizer\n")
)
ASK_SMALL = f"result_small = chatbot_small.invoke({QUESTION})"
WRONG = (
    wrong("asked, and an empty text kept", f"print({ASK})\nresult = ''", KEPT, "not-kept"),
    wrong("cut to nothing", f"result = {ASK}[:0]", KEPT, "not-kept"),
    wrong("a number made of the answer", f"result = hash({ASK})", KEPT, "kept-type"),
    wrong("bytes", f"result = {ASK}.encode()", KEPT, "kept-type"),
    wrong("a dict of a batch", 'result = dict(enumerate(chatbot.batch([[("human", «py(task.question)»)]])))', KEPT,
          "kept-type"),
    wrong("in Norwegian", 'result = chatbot.invoke([("human", "Hvem er du?")])', ANSWER, None),
    wrong("in small letters", 'result = chatbot.invoke([("human", «py(task.question.lower())»)])', ANSWER,
          "asked-nearly"),
    wrong("one sign too many", 'result = chatbot.invoke([("human", «py(task.question + "?")»)])', ASKED, "asked-nearly"),
    wrong("the question in a comment", '# «task.question»\nresult = chatbot.invoke([("human", "Where am I?")])', ANSWER,
          None),
    wrong("the name of the variable as a question", 'question = "question"\n'
          'result = chatbot.invoke([("human", "question")])', ANSWER, "not-asked"),
    wrong("said by the model", 'result = chatbot.invoke([("ai", «py(task.question)»)])', ASKED, "asked-otherwise"),
    wrong("no system prompt", "result = llm.invoke('Human: «task.question»')", ASKED, "asked-otherwise"),
    wrong("an error passed over", 'try:\n    result = chatbot.ask("Hello")\nexcept Exception:\n    result = "Arr!"', ANSWER,
          "not-asked"),
    wrong("a function that nobody calls", f"def result():\n    return {ASK}", ANSWER, "not-asked"),
    wrong("a generator that nobody reads", f"result = ({ASK} for _ in range(1))", ANSWER, "not-asked"),
    wrong("in a loop over nothing", f'result = "Arr!"\nfor question in []:\n    result = {ASK}', ANSWER, "not-asked"),
    wrong("a stand-in answers", "from unittest.mock import patch\n\n"
          f"with patch.object(type(chatbot), 'invoke', return_value='Arr, matey!'):\n    result = {ASK}", ANSWER,
          "not-asked"),
    wrong("refused before a token came", "pipe = getattr(llm, 'pipeline', None) or llm.bound.pipeline\n"
          "text = prompt.format(messages=[('human', «py(task.question)»)])\n"
          "ids = pipe.tokenizer(text, return_tensors='pt')\ntry:\n    pipe.model.generate(**ids, max_new_tokens=0)\n"
          "except Exception as error:\n    print(error)\nresult = 'Arr!'", ANSWER, "asked-raised"),
    Mistakes("ideal-boat", "ideal-boat", alone=True)("the two answers in each other's place",
          f"boat = {ASK}\nresult, boat = boat, result", KEPT, "kept-again", needs_text=True),
    small("a chat template that does not ask for an answer", TEMPLATED
          + "chatbot_small = prompt | (lambda v: tokenizer.apply_chat_template("
          f"convert_to_openai_messages(v.to_messages()), tokenize=False)) | llm\n{ASK_SMALL}", TEXT, "text-other"),
    small("a chat template with the question alone", TEMPLATED
          + "chatbot_small = prompt | (lambda v: tokenizer.apply_chat_template("
          "convert_to_openai_messages(v.to_messages()[-1:]), tokenize=False, add_generation_prompt=True)) | llm\n"
          f"{ASK_SMALL}", TEXT, "text-no-prompt"),
    small("everything said by the user in a chat template", TEMPLATED
          + "chatbot_small = prompt | (lambda v: tokenizer.apply_chat_template("
          "[{'role': 'user', 'content': v.to_string()}], tokenize=False, add_generation_prompt=True)) | llm\n"
          f"{ASK_SMALL}", TEXT, "text-other"),
    small("the right model asked, another one in the chain", "from langchain_core.messages import HumanMessage\n\n" + BOT
          + loaded("base", "«py(models.base)»")
          + f"chatbot_small = prompt | base\nresult_small = (prompt | llm).invoke({QUESTION})", MODEL,
          "base-for-instruct"),
)  # fmt: skip
