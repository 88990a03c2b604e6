"""What runs beside a student's code, in the process that the student's code can change.

`notebook` is what a notebook imports: `check`, `free_models`, `show_gpu_memory`, the picture of temperature. Behind it
`selfcheck` holds a kernel's session: `recorder` notes what reaches a model (`generate_call`), `probe` reads live objects
(`live_objects`) and gives evidence. `thin_models` keeps weights out of the process, and `remote_generation` is the one
seam through which another process generates. `virtual_gpu` (with `virtual_device`, `changes`) presents a GPU where there
is none. `ahead` is what the parent of kernels does for all of them: it reads their tokenizers. `upstream_torch` and
`upstream_transformers` alone know those projects' private names (`tests/test_upstream.py`).
The only folder that knows LangChain. What it says is never trusted: see `facts/`.

Runs in: the student's own kernel, and the jailed kernel while grading.
Imports: the layers from `errors` to `judging` and `protocol`; torch, transformers, LangChain, matplotlib, psutil and
IPython when they are needed. Nothing of the `[grader]` extra: a student's environment does not have it.
Read by students: yes.
"""
