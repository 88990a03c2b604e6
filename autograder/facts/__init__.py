"""What is known about a submission, as plain data that can be written as JSON. Nothing here decides anything.

`evidence` is a kernel's word about a student's objects: untrusted, each text and list bounded when it is read.
`transcript` is what reached a model: while grading the model host writes it, beyond a kernel's reach. `verdict` is
what a check concludes from both. What is trusted and what is not are different types, so that a signature says which
one a function takes.

Runs in: every process: facts are what they hand to each other.
Imports: `errors`, `course`; pydantic.
Read by students: yes. It holds the shape of facts, and none of anybody's.
"""
