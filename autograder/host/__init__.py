"""The model host: the process that owns models and GPU, generates for every kernel, and writes the transcripts.

`server` is the process: `frames` reads what arrives, `notebooks` keeps what is known of each notebook, `jobs` has each output
made once, `memory` remembers it, `scheduler` decides what is made next, and together with what (`waiting`). `worker` is the
process that generates, started by `maker` (it can be ended without losing a transcript): `models` holds weights on a `device`,
`generation` is one call for one request, `batch` several that share their passes through the model and come and go as they like
(`rows` puts them together and takes them apart), `rounding` tells what only rounding did, `orders` is what the two processes say
to each other, `failures` whose fault it is. `control` is the grader's side.

Runs in: the model host's process and its child, the worker; `control` in the grader's.
Imports: `errors`, `facts`, `words`, `system`, `protocol`; torch and transformers when they are needed. Never `judging`:
it writes down what arrived, right or wrong.
Read by students: yes, the code. Its folders and the grader's socket are out of a kernel's sight.
"""
