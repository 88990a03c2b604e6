"""Where the notebooks of a run are executed: one choice, which passes from `autograder grade` to the process that grades."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from autograder.errors import NotReady

VARIABLE = "AUTOGRADER_WHERE"
Kind = Literal["here", "in-line", "slurm", "scheduler"]
SECURE = "tls://"
NEEDS = {"slurm": ("distributed", "dask_jobqueue", "cryptography"), "scheduler": ("distributed",)}
"""What must be installed here, by kind."""


@dataclass(frozen=True)
class Place:
    """A choice.

    Attributes:
        kind: this machine; the same one notebook at a time, in the process that grades; jobs of Slurm; a running Dask.
        address: of its scheduler.

    Raises NotReady for an address that is not encrypted.
    """

    kind: Kind = "here"
    address: str = ""

    def __post_init__(self) -> None:
        if self.kind == "scheduler" and not self.address.startswith(SECURE):
            raise NotReady(
                f"{self.address or 'no address'}: whoever can reach a scheduler without certificates can join it, read "
                "submissions and make up points. Start scheduler and workers with certificates, and give an address that "
                f"begins with {SECURE} (docs/cluster.md says how)."
            )

    @classmethod
    def chosen(cls) -> Place:
        """What has been chosen for this process. Raises NotReady where nobody can have chosen that."""
        kind, _, address = os.environ.get(VARIABLE, "").partition(" ")
        for known in ("here", "in-line", "slurm", "scheduler"):
            if kind == known:
                return cls(known, address)
        if kind:
            raise NotReady(f'{VARIABLE}="{kind}": valid are here, in-line, slurm, and "scheduler ADDRESS".')
        return cls()

    @property
    def env(self) -> dict[str, str]:
        """The variable that hands the choice on."""
        return {VARIABLE: f"{self.kind} {self.address}".strip()}

    @property
    def is_far(self) -> bool:
        """Whether other processes than the grader's own run the notebooks."""
        return self.kind in NEEDS

    @property
    def words(self) -> str:
        return {
            "here": "on this machine",
            "in-line": "on this machine, one at a time",
            "slurm": "in jobs of Slurm",
            "scheduler": f"on the workers of {self.address}",
        }[self.kind]

    def refuse_without_dask(self) -> None:
        """Raises NotReady, with what to install, where a package is missing that the place needs."""
        missing = [name for name in NEEDS.get(self.kind, ()) if find_spec(name) is None]
        if missing:
            raise NotReady(
                f"{missing[0]} is not installed. What grades on a cluster is an extra: pip install 'llm-autograder[cluster]'"
            )


HERE = Place()
