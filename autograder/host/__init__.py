"""The model host: one process that owns the models and the GPU, generates for every kernel, and writes the transcripts.

`wire` frames, `memory` exact answers, `models` weights, `notebooks` transcripts, `server` the process itself, `control` the
grader's side of it. What a kernel uses is `client`.
"""
