"""Why an output could not be made, and whose fault that is: the request's, or the machine's."""

from __future__ import annotations

OUT_OF_MEMORY = ("OutOfMemoryError", "MemoryError")


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that a device, or this machine, has no memory left."""
    if type(error).__name__ in OUT_OF_MEMORY:
        return True
    return type(error) is RuntimeError and any(
        words in str(error) for words in ("allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
    )


def device_failed(error: BaseException) -> bool:
    """Whether an exception says that this process cannot use its GPU any more."""
    return type(error).__name__ == "AcceleratorError" or (
        type(error) is RuntimeError and ("CUDA error" in str(error) or "device-side assert" in str(error))
    )


REQUESTS_OWN = (
    "ValueError", "TypeError", "RuntimeError", "KeyError", "IndexError", "AttributeError", "NotImplementedError",
    "OverflowError", "ZeroDivisionError", "Cancelled",
)  # fmt: skip
"""What `generate` raises for what it was asked; all else is the machine's."""


class Failed(Exception):
    """An output that could not be made.

    Attributes:
        name: of the exception's class.
        machine: whether it failed for a reason of the machine's.
    """

    def __init__(self, name: str, message: str, machine: bool) -> None:
        super().__init__(message)
        self.name, self.machine = name, machine


def failed(error: BaseException) -> Failed:
    """An exception of `generate`, and whose fault it is."""
    if isinstance(error, Failed):
        return error
    name = type(error).__name__
    machine = out_of_memory(error) or device_failed(error) or name not in REQUESTS_OWN
    return Failed(name, " ".join(str(error).split())[:400], machine)
