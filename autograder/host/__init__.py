"""The model host: the process that owns models and GPU, generates for every kernel, and writes the transcripts.

`server` is the process: `frames` reads what arrives, `notebooks` holds the transcripts, `jobs` makes each output once,
`memory` remembers it. `worker` is the process that generates, started by `maker`: `models` holds weights, `generation` is one
call, `orders` what the two say to each other, `failures` whose fault it is. `control` is the grader's side.

No student's code runs here, and no kernel reads this process's memory; the code is in a student's environment. May import
`protocol`, `system`, `facts` and `words`.
"""
