"""From facts to a verdict: the rules by which points are given. Pure functions of evidence, transcript and profile.

No torch, no LangChain, no nbgrader, no files, no clock, no random numbers: the same facts give the same verdict in a
student's session, while grading, and in a test. What cannot be told from the facts goes to a person (`review`), with
points proposed. A mistake that an earlier check has charged is told again and not charged again.

Runs in: a student's session (`check`), and the grader's process, which alone gives points.
Imports: `errors`, `course`, `facts`, `words`; the standard library and pydantic. A contract in `pyproject.toml` keeps
it so.
Read by students: yes. Knowing the rules forges nothing: the request that they ask for is the task itself.
"""
