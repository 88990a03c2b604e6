"""Autograded exercises about chatbots: what a student's notebook imports.

`from autograder import check` starts the recorder in this kernel, and imports none of torch, transformers and
huggingface_hub.
"""

from autograder.kernel.notebook import check, free_models, show_gpu_memory, show_temperature_picture

__all__ = ["check", "free_models", "show_gpu_memory", "show_temperature_picture"]
