"""What a worker does with a notebook: it runs it as this machine would (`LocalRuns`), in a folder of its own.

The model host and the parent of kernels are this process's: started for the first notebook, ended with the worker.
"""

from __future__ import annotations

import atexit
import functools
import json
import logging
import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

from distributed import get_worker
from zmq import ZMQError

from autograder.cluster.parcel import Answer, Parcel, sizes, versions
from autograder.course.profile import Profile
from autograder.errors import AutograderError, NotReady
from autograder.grading.executions import Execution, kit_digest
from autograder.grading.model_home import model_home, refuse_without_models
from autograder.grading.notebook_runs import LocalRuns
from autograder.judging.contract import parse
from autograder.system.daemons import runtime_folder

LOG = logging.getLogger("autograder.worker")
BEGUN = "autograder-begun"
"""The topic under which a worker tells Dask's scheduler the key of each task that it begins."""

JOB_FOLDER = "AUTOGRADER_JOB_FOLDER"
"""Names a new folder that a job of ours has made for itself."""


def run_notebook(packed: bytes, files: dict[str, bytes]) -> bytes:
    """Runs a notebook in a thread of a Dask worker; answers a packed `Answer`, whatever goes wrong.

    Args:
        packed: a `Parcel`.
        files: of its folder, by path.
    """
    worker = get_worker()
    worker.log_event(BEGUN, worker.get_current_task())
    try:
        answer = Answer(worker=worker.address, execution=execution(packed, files, own_folder()))
    except NotReady as error:
        answer = Answer(worker=worker.address, refused=str(error))
    except (AutograderError, OSError, MemoryError, ZMQError) as error:
        answer = Answer(worker=worker.address, failed=f"{type(error).__name__}: {error}"[:500])
    except Exception as error:  # without its words, which may be a student's; Dask would log all it was given
        answer = Answer(worker=worker.address, failed=type(error).__name__)
    return answer.packed()


@functools.cache
def own_folder() -> Path:
    """A folder that nobody but this process's user can have made or filled: what is remembered in it is believed.

    It ends with the process, and a job's with the job, however the process ends. Raises HostLost where there cannot be one.
    """
    made = mkdtemp(prefix="w", dir=os.environ.get(JOB_FOLDER) or runtime_folder())
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


def execution(packed: bytes, files: dict[str, bytes], folder: Path) -> Execution:
    """What running a notebook gives. Raises NotReady where this machine is not fit for it.

    Args:
        folder: the worker's own.
    """
    told = json.loads(packed)
    if told["kit"] != kit_digest():  # before anything that only the same version understands
        raise NotReady(
            "this worker has another version of llm-autograder than the grader. Install the same one on both: as they "
            "are, the same notebook could be judged otherwise."
        )
    parcel = Parcel.model_validate(told)
    refuse_other_versions(parcel)
    profile = parse(json.loads(parcel.profile), "the profile that came with a notebook")
    refuse_without_models(profile)
    refuse_other_models(parcel, profile)
    os.environ["NBGRADER_EXECUTION"] = "autograde"  # a kernel sees it, as on the grader's machine
    runs = LocalRuns(folder, parcel.assignment, profile, parcel.settings, LOG)
    nb, view = parcel.notebook_node(), parcel.view(files)
    if parcel.settings.rehearses:
        runs.rehearse(nb, view)
    return runs.run(nb, view, parcel.notebook)


def refuse_other_versions(parcel: Parcel) -> None:
    """Raises NotReady where something that answers depend on has another version here than the grader's."""
    here = versions()
    for name, theirs in parcel.versions.items():
        if here.get(name) != theirs:
            raise NotReady(
                f"this worker has {name} {here.get(name, 'not')}, and the grader has {theirs}. Install the same on both: as "
                "they are, the same notebook could be judged otherwise."
            )


def refuse_other_models(parcel: Parcel, profile: Profile) -> None:
    """Raises NotReady where a model here consists of other files than the grader's."""
    here = sizes(profile)
    for name, files in parcel.models.items():
        if here[name] != files:
            raise NotReady(
                f"{name} in {model_home(profile)} has other files than the grader's. Put the same there, or set "
                "AUTOGRADER_MODEL_HOME for the workers to a home that both see."
            )
