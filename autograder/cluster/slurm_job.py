"""One job of Slurm, as `dask_jobqueue` hands it in: its script in a file that nobody else can read, a refusal in Slurm's words.

It knows nothing of runs, notebooks or schedulers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import Any

from dask_jobqueue.slurm import SLURMJob
from distributed.core import Status


class Job(SLURMJob):  # type: ignore[misc]
    """A job.

    Attributes:
        refused: why it could not be handed in; empty until then.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.refused = ""

    @contextmanager
    def job_file(self) -> Iterator[str]:
        with script_file(self.job_script()) as path:
            yield path

    async def start(self) -> None:
        """Hands it in. Raises what went wrong, which is kept."""
        try:
            await super().start()
        except Exception as error:
            self.refused = in_words(error)
            raise

    async def close(self) -> None:
        """Gives it back."""
        await super().close()
        self.status = Status.closed  # what was refused never ran, and the cluster asks each at its end


@contextmanager
def script_file(script: str) -> Iterator[str]:
    """The path of a file of this user's alone, which has the script for as long as the block lasts."""
    with NamedTemporaryFile("w", suffix=".sh", encoding="utf-8") as file:
        file.write(script)
        file.flush()
        yield file.name


def in_words(error: Exception) -> str:
    """What a command said that has failed; `dask_jobqueue` puts that last, or knows nothing of it."""
    said = str(error).rpartition("stderr:")[2]
    return " ".join(said.split()) or type(error).__name__
