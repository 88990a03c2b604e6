"""What a class takes on a machine with a GPU: `python -m trials gpu-check`, which writes `docs/gpu.md`.

`run` has the tests marked `gpu` run, then made-up classes graded on models with random weights (`models/random_weights`), one
request at a time and with requests together, within the memory of the course's slice; `device` asks and limits the GPU, `page`
writes. With tiny shapes all of it runs on a processor, where the figures say nothing of a GPU.

Runs in: a developer's process, which starts the real commands in scratch courses.
Imports: `autograder`, and of `trials` `bench`, `models`, `demo`; torch, to ask for the device.
Read by students: no.
"""
