"""What runs beside a student's code, in the process that the student's code can change.

`notebook` is what a notebook imports: `check`, `free_models`, `show_gpu_memory`, the picture of temperature. Behind
it are the recorder of requests, the probe that reads live objects and gives evidence, the virtual GPU, and models
without weights whose `generate` is answered by the model host. The only folder that knows LangChain. What it says is
never trusted: see `facts/`.

Runs in: the student's own kernel, and the jailed kernel while grading.
Imports: the layers from `errors` to `judging` and `protocol`; torch, transformers, LangChain, matplotlib and IPython
when they are needed. Nothing of the `[grader]` extra: a student's environment does not have it.
Read by students: yes.
"""
