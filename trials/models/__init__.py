"""Models for machines that have none of the course's: tiny random ones for tests, a small real one for the demo.

All are laid out as a Hugging Face cache under the course's own model names, so that the code that loads them is the
real one. `embedded` fetches the small real model once and checks it against a checksum, `stand_ins` puts it under every
name; `random_weights` have the real models' shapes, to measure with.

Runs in: a developer's process, before anything is graded.
Imports: `errors` and `protocol` of `autograder`; torch, transformers, tokenizers, gguf.
Read by students: no, the code. A kernel reads the models that were made.
"""
