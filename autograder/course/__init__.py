"""What the instructor decides: models, prompts, questions, tasks and their points, language, limits.

It is one file, `course.toml`, validated when it is read, with errors that name the key, what was found and what is
valid. A release freezes it as `profile.json` beside the notebooks. Grading and the students' own checks read the
frozen one, however `course.toml` has moved on since. Nothing here knows how a task is judged.

Runs in: every process, since each reads the profile or gets it told.
Imports: `errors`; pydantic.
Read by students: yes. The frozen profile lies beside their notebooks; a key to answers is in it as digests only.
"""
