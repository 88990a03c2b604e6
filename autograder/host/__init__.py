"""The model host: the process that owns models and GPU, generates for every kernel, and writes the transcripts.

`server` reads frames, `notebooks` keeps what is known of each notebook, `jobs` makes each output once, `worker` is
the process that generates (it can be ended without losing a transcript), `memory` remembers exact answers. `control`
is the grader's side.

Runs in: the model host's process and its child, the worker; `control` in the grader's.
Imports: `errors`, `facts`, `words`, `system`, `protocol`, and of `kernel/recorder` how a chat template is read, which
both sides must do alike; torch and transformers when they are needed. Never `judging`: it writes down what arrived,
right or wrong.
Read by students: yes, the code. Its folders and the grader's socket are out of a kernel's sight.
"""
