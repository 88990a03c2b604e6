"""What runs beside a student's code, in the student's own process.

`notebook` is what a notebook calls. `selfcheck` holds a kernel's session: `probe` looks at live objects (`live_objects`),
`recorder` notes what reaches a model (`generate_call`). While grading `thin_models` keeps weights out of the process, and
`remote_generation` is the one seam through which another process generates. `virtual_gpu` (with `virtual_device`, `changes`)
presents a GPU where there is none; `gpu_memory`, `notebook_tools`, `surprise` and `temperature_picture` are helpers for
students. `upstream_torch` and `upstream_transformers` alone know those projects' private names (`tests/test_upstream.py`).

A student reads and can change all of it, so nothing here is believed by a grader but as a kernel's word. May import `judging`,
`protocol`, `system` and what these import. Importing it loads neither torch nor transformers.
"""
