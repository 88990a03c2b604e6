"""What a worker does with a notebook: it runs it as this machine would (`LocalRuns`), in a folder of its own.

The model host and the parent of kernels are this process's: started for the first notebook, ended with the worker.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from distributed import get_worker
from zmq import ZMQError

from autograder.cluster.parcel import Answer, Parcel, sizes
from autograder.course.profile import Profile
from autograder.errors import AutograderError, NotReady
from autograder.grading.executions import Execution, kit_digest
from autograder.grading.model_home import model_home, refuse_without_models
from autograder.grading.notebook_runs import LocalRuns
from autograder.judging.contract import parse

LOG = logging.getLogger("autograder.worker")
BEGUN = "autograder-begun"
"""The topic under which a worker tells Dask's scheduler the key of each task that it begins."""


def run_notebook(packed: bytes, files: dict[str, bytes]) -> bytes:
    """Runs a notebook in a thread of a Dask worker; answers a packed `Answer`, whatever goes wrong.

    Args:
        packed: a `Parcel`.
        files: of its folder, by path.
    """
    worker = get_worker()
    worker.log_event(BEGUN, worker.get_current_task())
    folder = Path(worker.local_directory, "autograder")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        answer = Answer(worker=worker.address, execution=execution(packed, files, folder))
    except NotReady as error:
        answer = Answer(worker=worker.address, refused=str(error))
    except (AutograderError, OSError, MemoryError, ZMQError) as error:
        answer = Answer(worker=worker.address, failed=f"{type(error).__name__}: {error}"[:500])
    return answer.packed()


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
    profile = parse(json.loads(parcel.profile), "the profile that came with a notebook")
    refuse_without_models(profile)
    refuse_other_models(parcel, profile)
    os.environ["NBGRADER_EXECUTION"] = "autograde"  # a kernel sees it, as on the grader's machine
    runs = LocalRuns(folder, parcel.assignment, profile, parcel.settings, LOG)
    return runs.run(parcel.notebook_node(), parcel.view(files), parcel.notebook)


def refuse_other_models(parcel: Parcel, profile: Profile) -> None:
    """Raises NotReady where a model here consists of other files than the grader's."""
    here = sizes(profile)
    for name, files in parcel.models.items():
        if here[name] != files:
            raise NotReady(
                f"{name} in {model_home(profile)} has other files than the grader's. Put the same there, or set "
                "AUTOGRADER_MODEL_HOME for the workers to a home that both see."
            )
