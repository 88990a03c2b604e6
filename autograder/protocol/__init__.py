"""What a kernel, the model host and the grader must say and name alike.

`wire` has the frames, each field checked, each size bounded, and `line` a connection that carries them. Both ends import
this, so that there is one definition of a frame. Never pickle, never a class of the student's side. What is no valid
frame is refused with a word why, and ends that connection. `echo` is the answer that a check's own question gets in
place of a generated one, `model_cache` where a Hugging Face home keeps a model, `chat_template` what a model's template
makes of messages.

Runs in: a kernel while grading, the model host and its worker, the grader's process.
Imports: `errors`, `facts`, `system`; pydantic.
Read by students: yes. A kernel may send two kinds of frames whatever it knows of the others.
"""
