"""The profile's table [cluster]: where notebooks run that this machine does not run itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from autograder.course.part import FROM_LIST, Part

Option = Annotated[str, Field(pattern=r"^\S*$", max_length=200)]
Line = Annotated[str, Field(pattern=r"^[^\r\n]+$", max_length=1000)]
Lines = Annotated[tuple[Line, ...], FROM_LIST]

EARLY_SECONDS = 60


class Cluster(Part):
    """Where notebooks run with `autograder grade --slurm` or `--scheduler`: what is about the machines, never frozen.

    `account`, `partition` and `gpus` are Slurm's own words, left out where empty; so are `cpus` and `memory_gb` (GB, 10**9
    bytes), for a whole job, where they are not given. A job is one worker, which runs so many `notebooks` at a time; there are
    `workers_min` to `workers_max` of them. `prologue` is what a job does before its worker starts, `python` the worker's, the
    grader's own where None; `directives` are further options of `sbatch`. `interface` is the network that machines reach each
    other by, `shared_folder` one that all of them see under the same path.
    """

    account: Option = "ec443"
    partition: Option = "accel"
    gpus: Option = "a100:1"
    walltime: Annotated[str, Field(pattern=r"^(\d+-)?\d{1,2}:\d\d:\d\d$")] = "00:15:00"
    cpus: Annotated[int, Field(ge=1, le=1024)] | None = None
    memory_gb: Annotated[float, Field(ge=1, le=10_000)] | None = None
    notebooks: Annotated[int, Field(ge=1, le=128)] = 8
    workers_min: Annotated[int, Field(ge=1, le=500)] = 1
    workers_max: Annotated[int, Field(ge=1, le=500)] = 4
    prologue: Lines = ()
    directives: Annotated[tuple[Annotated[str, Field(pattern=r"^--?[^\r\n]+$")], ...], FROM_LIST] = ()
    python: Annotated[str, Field(pattern=r"^\S+$")] | None = None
    interface: Annotated[str, Field(pattern=r"^\S+$")] | None = None
    shared_folder: Annotated[str, Field(pattern=r"^/.+")] | None = None

    @model_validator(mode="after")
    def _fewest_are_not_more(self) -> Cluster:
        if self.workers_min > self.workers_max:
            raise ValueError(f"workers_min = {self.workers_min} is more than workers_max = {self.workers_max}")
        return self

    @property
    def seconds(self) -> int:
        """The time limit of a job."""
        days, _, clock = self.walltime.rpartition("-")
        hours, minutes, seconds = map(int, clock.split(":"))
        return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds

    @property
    def worker_seconds(self) -> int:
        """How long a job's worker runs: it ends before its job does, so that what it runs is given to another one."""
        return max(self.seconds - EARLY_SECONDS, self.seconds // 2)
