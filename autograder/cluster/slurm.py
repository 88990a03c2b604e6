"""Jobs of Slurm, each a worker, with a scheduler of their own in this process, for one run (`dask_jobqueue`).

Certificates are made for the run and are the only way in: they are in a folder that nobody else can read, removed at the end.
The jobs end with the run, and each some time before Slurm would end it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from dask import config
from dask_jobqueue import SLURMCluster
from dask_jobqueue.slurm import SLURMJob
from distributed import Client, Security
from distributed.core import Status

from autograder.cluster.cluster_runs import PREFIX
from autograder.cluster.worker import JOB_FOLDER
from autograder.course.cluster import Cluster
from autograder.errors import NotReady

DEATHS = 2
"""Workers that may die while they run a notebook before it is given up, beside the first."""
NOTEBOOK_SECONDS = 30
"""What a notebook takes, until that has been measured: so that as many jobs are asked for as there is work for."""
CALL_SECONDS = 60.0
NOBODY_SECONDS = 60.0
"""How long there may be no worker and no job: one that has ended at its time limit is followed by another one."""
JOB_NAME = "llm-autograder"
KEPT = (
    "Jobs could not be given back ({error}). They end by themselves a minute after their scheduler; at once with: "
    "scancel --user=$USER --name={name}"
)
NOT_BEGUN = (
    "Jobs of Slurm cannot be used from here: {error}. What can be wrong is interface and shared_folder in [cluster] of "
    "course.toml, or Slurm itself. What has been graded stays."
)
REFUSED = "Slurm does not take the jobs that [cluster] in course.toml describes: {said}"
GOING_ON = "PD,CF,R,CG,S,RQ,RH,RS,SI,SO,ST"
"""States of a job that may still come to something, as `squeue` has them."""
ROUTES = ["distributed.http.health", "distributed.http.statics"]
"""What scheduler and workers answer on the pages of their machine: neither logs nor what is being run."""
PASSED_ON = ("AUTOGRADER_MODEL_HOME",)
"""Variables that jobs need, also where Slurm hands on none."""


class Job(SLURMJob):  # type: ignore[misc]
    """A job: its script in a file that nobody else can read, a refusal in Slurm's words.

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


class Slurm:
    """Workers in jobs. They are asked for when the first notebook is to be run.

    Args:
        folder: the run's own, which compute nodes see under the same path.
        say: told once where the dashboard is.

    Raises NotReady where there is no Slurm, or where a path cannot stand in a job.
    """

    name = "the run's own scheduler"

    def __init__(self, wanted: Cluster, folder: Path, say: Callable[[str], None]) -> None:
        missing = [command for command in ("sbatch", "scancel", "squeue") if shutil.which(command) is None]
        if missing:
            raise NotReady(f"There is no command {missing[0]} here: run this where jobs can be handed to Slurm.")
        refuse_unfit(str(folder), "shared_folder")
        refuse_unfit(wanted.python or sys.executable, "python")
        self._wanted, self._folder, self._say = wanted, folder, say
        self._cluster: SLURMCluster | None = None
        self._turn, self._last_seen = threading.Lock(), time.monotonic()
        self._broken = ""

    def client(self) -> Client:
        """Another line to the scheduler, which is begun for the first. Raises NotReady, each time, where that has failed."""
        if self._broken:
            raise NotReady(self._broken)
        if self._cluster is None:
            try:
                self._cluster = self._started()
            except NotReady as error:
                self._broken = str(error)
                raise
            except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
                self._broken = NOT_BEGUN.format(error=error)
                raise NotReady(self._broken) from error
        return Client(self._cluster, set_as_default=False, name="autograder")

    def trouble(self, workers: int) -> str | None:
        if workers:
            self._last_seen = time.monotonic()
        jobs: list[Job] = list(self._cluster.workers.values()) if self._cluster is not None else []
        refused = [job.refused for job in jobs if job.refused]
        if refused and not workers and not any(job.job_id for job in jobs):
            return REFUSED.format(said=refused[-1])
        nobody = time.monotonic() - self._last_seen > NOBODY_SECONDS
        if not nobody or not self._turn.acquire(blocking=False):
            return None
        try:
            ids = [job.job_id for job in jobs if job.job_id]
            if not ids or self._queued(ids):
                return None
        finally:
            self._turn.release()
        return f"The jobs ended before a worker came of them. {self._said()}"

    def close(self) -> None:
        """Gives the jobs back, or says how that is done by hand."""
        if self._cluster is None:
            return
        try:
            self._cluster.close(timeout=CALL_SECONDS)
        except Exception as error:
            self._say(KEPT.format(error=f"{type(error).__name__} {error}".strip(), name=JOB_NAME))

    def _started(self) -> SLURMCluster:
        wanted = self._wanted
        config.set(
            {
                "distributed.scheduler.default-task-durations": {PREFIX: f"{NOTEBOOK_SECONDS}s"},
                "distributed.scheduler.http.routes": [*ROUTES],
            }
        )
        cluster = SLURMCluster(
            job_cls=Job,
            queue=wanted.partition or None,
            account=wanted.account or None,
            walltime=wanted.walltime,
            cores=wanted.notebooks,
            processes=1,
            job_cpu=wanted.cpus,
            memory=f"{wanted.memory_gb or 1}GB",
            job_directives_skip=skipped(wanted),
            job_extra_directives=[*([f"--gpus={wanted.gpus}"] if wanted.gpus else []), *wanted.directives],
            job_script_prologue=prologue(wanted),
            python=wanted.python or sys.executable,
            worker_extra_args=[
                "--memory-limit", "0",  # kernels and host are other processes: Dask would count the wrong one
                "--lifetime", f"{wanted.worker_seconds}s",
                "--no-dashboard", "--dashboard-address", "127.0.0.1:0",  # what is left of it asks nobody who he is
            ],
            job_name=JOB_NAME,
            log_directory=str(self._folder / "logs"),
            interface=wanted.interface,
            protocol="tls://",
            security=certificates(self._folder / "keys"),
            scheduler_options={
                "allowed_failures": DEATHS,
                "dashboard": find_spec("bokeh") is not None,
                "dashboard_address": "127.0.0.1:0",  # it asks nobody who he is
            },
        )  # fmt: skip
        try:
            refuse_unwilling(cluster.job_script())
        except BaseException:
            cluster.close(timeout=CALL_SECONDS)
            raise
        cluster.adapt(minimum_jobs=wanted.workers_min, maximum_jobs=wanted.workers_max)
        if find_spec("bokeh") is not None:
            self._say(f"Dask's dashboard, on this machine alone: {cluster.dashboard_link}")
        return cluster

    def _queued(self, ids: list[str]) -> bool:
        """Whether Slurm still knows one of these jobs; where it does not say, it may."""
        command = ["squeue", "--noheader", "--format=%i", f"--jobs={','.join(ids)}", f"--states={GOING_ON}"]
        try:
            asked = subprocess.run(command, capture_output=True, text=True, timeout=CALL_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return True
        known = "Invalid job id" not in asked.stderr
        return known and (asked.returncode != 0 or bool(asked.stdout.strip()))

    def _said(self) -> str:
        """The end of what the last job said."""
        logs = sorted((self._folder / "logs").glob("*.err"), key=lambda path: path.stat().st_mtime)
        if not logs:
            return "They have said nothing."
        lines = logs[-1].read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"{logs[-1]} ends with: {' / '.join(lines[-3:])}"


def certificates(folder: Path) -> Security:
    """New ones for a run, in a folder that is made for them: who has them is let in, as whatever he says he is."""
    folder.mkdir(mode=0o700)
    made = Security.temporary().get_tls_config_for_role("worker")
    paths = {key: folder / key for key in ("ca_file", "cert", "key")}
    for key, path in paths.items():
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(made[key])
    roles = [
        (f"tls_{role}_{key}", str(paths[key])) for role in ("scheduler", "worker", "client") for key in ("cert", "key")
    ]
    return Security(require_encryption=True, tls_ca_file=str(paths["ca_file"]), **dict(roles))


def refuse_unfit(path: str, key: str) -> None:
    """Raises NotReady for a path that Slurm or a shell would read otherwise.

    Args:
        key: of [cluster], which sets another one.
    """
    unfit = re.search(r"[^\w/.,:=+@-]", path)
    if unfit:
        raise NotReady(
            f"{path}: jobs cannot be given a path with {unfit[0]!r} in it. Set {key} in [cluster] of course.toml to one of "
            "letters, digits and /.,:=+@-_ alone."
        )


def skipped(wanted: Cluster) -> list[str]:
    """What is left to Slurm where the course says nothing."""
    unsaid = {"--mem=": wanted.memory_gb is None, "--cpus-per-task=": wanted.cpus is None}
    return [directive for directive, is_unsaid in unsaid.items() if is_unsaid]


def prologue(wanted: Cluster) -> list[str]:
    """What a job does before its worker starts; the worker's files go to a new folder, which nobody else can have made."""
    passed = [f"export {name}={shlex.quote(os.environ[name])}" for name in PASSED_ON if os.environ.get(name)]
    return [
        "unset XDG_RUNTIME_DIR",  # that folder is the login node's
        *passed,
        f"export DASK_DISTRIBUTED__WORKER__HTTP__ROUTES={shlex.quote(str(ROUTES))}",
        *wanted.prologue,
        f"{JOB_FOLDER}=$(mktemp -d) || exit 1",
        f"export {JOB_FOLDER} DASK_TEMPORARY_DIRECTORY=${JOB_FOLDER}",
        f"trap 'rm -rf \"${JOB_FOLDER}\"' EXIT",
        "trap : TERM",  # the worker is told, too: its folder is removed once it has ended
    ]


def refuse_unwilling(script: str) -> None:
    """Raises NotReady, with Slurm's words, where it would not take a job."""
    with script_file(script) as path:
        tried = subprocess.run(
            ["sbatch", "--test-only", path], capture_output=True, text=True, timeout=CALL_SECONDS, check=False
        )
    if tried.returncode:
        said = " ".join(tried.stderr.split())
        raise NotReady(REFUSED.format(said=said))
