"""What the parent of kernels is asked for, as JSON over its socket."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from autograder.jail.limits import Jail


@dataclass(frozen=True)
class KernelRequest:
    """What the parent of kernels is asked for.

    Attributes:
        argv: ipykernel's own arguments.
        must_read: with `trial`, files that the jail must let a kernel read.
        trial: whether the jail is only tried, without a kernel.
        models: folders of those that kernels load, whose tokenizers the parent reads ahead.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    jail: Jail
    must_read: tuple[str, ...] = ()
    trial: bool = False
    models: tuple[str, ...] = ()


REQUEST = TypeAdapter(KernelRequest)
