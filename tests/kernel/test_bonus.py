"""The course's bonus, a chatbot that remembers with langgraph, kept in extra cells: it disturbs no check."""

from __future__ import annotations

from conftest import Student
from test_selfcheck import CHAIN, FIRST, IMPORTS, SECOND

MEMORY = """
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

def answer(state: MessagesState):
    return {"messages": [AIMessage(chatbot.invoke(state["messages"]))]}

workflow = StateGraph(state_schema=MessagesState)
workflow.add_node("model", answer)
workflow.add_edge(START, "model")
app = workflow.compile(checkpointer=InMemorySaver())
config = {"configurable": {"thread_id": "one"}}
for words in (FIRST, "And what did I ask just now?"):
    remembered = app.invoke({"messages": [HumanMessage(words)]}, config)
for step in app.stream({"messages": [HumanMessage(SECOND)]}, config):
    pass
"""


def test_a_chatbot_with_langgraphs_memory_in_extra_cells_disturbs_no_check(student: Student) -> None:
    student.run(IMPORTS + CHAIN + MEMORY)
    assert student.verdict("check-chain").passed
    student.run(f"result = chatbot.invoke([HumanMessage({FIRST!r})])\n" + MEMORY)
    assert student.verdict("check-who-are-you").passed
    student.run(f"boat = chatbot.invoke([HumanMessage({SECOND!r})])\n" + MEMORY)
    verdict = student.verdict("check-ideal-boat")
    assert (verdict.passed, verdict.state) == (True, "judged")


def test_a_checks_question_does_not_stay_in_langgraphs_memory(student: Student) -> None:
    student.run(IMPORTS + CHAIN + MEMORY)
    before = len(student["app"].get_state(student["config"]).values["messages"])
    assert student.verdict("check-chain").passed
    assert len(student["app"].get_state(student["config"]).values["messages"]) == before == 6
